//! Printed documents as others read them: by the tools of poppler and qpdf, which `scripts/test` installs where they are
//! missing. A newcomer would search the bytes; what is compressed there is what a person finds.

use std::path::PathBuf;
use std::process::Command;

/// A document in a file of its own, which goes with the value.
pub struct Printed {
    folder: tempfile::TempDir,
}

impl Printed {
    pub fn new(bytes: &[u8]) -> Printed {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("document.pdf"), bytes).unwrap();
        Printed { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("document.pdf")
    }

    fn run(&self, program: &str, before: &[&str], after: &[&str]) -> String {
        let command = Command::new(program).args(before).arg(self.path()).args(after).output();
        let output = command.unwrap_or_else(|error| panic!("{program} (package poppler-utils or qpdf): {error}"));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{program}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// The text in the order of the structure, its blanks as single ones.
    pub fn text(&self) -> String {
        let text = self.run("pdftotext", &["-q", "-enc", "UTF-8"], &["-"]);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The text of one page, from 1.
    pub fn page(&self, number: usize) -> String {
        let number = number.to_string();
        let text = self.run("pdftotext", &["-q", "-enc", "UTF-8", "-f", &number, "-l", &number], &["-"]);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The tree of structure with its texts.
    pub fn structure(&self) -> String {
        self.run("pdfinfo", &["-enc", "UTF-8", "-struct-text"], &[])
    }

    /// What the document says of itself.
    pub fn properties(&self) -> String {
        self.run("pdfinfo", &["-enc", "UTF-8"], &[])
    }

    /// Its metadata in XML, which names the rules that it keeps.
    pub fn metadata(&self) -> String {
        self.run("pdfinfo", &["-meta"], &[])
    }

    pub fn page_count(&self) -> usize {
        let properties = self.properties();
        let line = properties.lines().find_map(|line| line.strip_prefix("Pages:")).unwrap();
        line.trim().parse().unwrap()
    }

    /// Fails where the file is damaged.
    pub fn check(&self) {
        self.run("qpdf", &["--check"], &[]);
    }

    /// The boxes of all words in points: left, top, right, bottom.
    pub fn words(&self) -> Vec<[f64; 4]> {
        let text = self.run("pdftotext", &["-q", "-bbox"], &["-"]);
        let value = |line: &str, name: &str| {
            let rest = line.split(&format!("{name}=\"")).nth(1).unwrap();
            rest.split('"').next().unwrap().parse::<f64>().unwrap()
        };
        let words = text.lines().filter(|line| line.contains("<word "));
        words.map(|line| ["xMin", "yMin", "xMax", "yMax"].map(|name| value(line, name))).collect()
    }
}
