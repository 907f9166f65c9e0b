//! The second verifier as a process. It must be there: a test that passes without it would prove nothing.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ejf::credential::bundle::Files;
use tempfile::TempDir;

/// The programs of `tests/verifier`.
pub fn command(program: &str) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifier").join(program);
    let mut python = Command::new("python3");
    // Compiled copies would lie beside the source.
    python.arg("-B").arg(path);
    python
}

/// Runs it; a machine without Python 3 fails the test.
pub fn run(mut command: Command) -> Output {
    command.output().expect("python3 must be installed: the independent verifier is one half of these tests")
}

/// The bundle as an auditor unpacks it.
pub fn write(files: &Files, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// Exit code and output for one bundle.
pub fn recount(files: &Files) -> (i32, String) {
    let folder = TempDir::new().unwrap();
    write(files, folder.path());
    let mut python = command("recount.py");
    python.arg(folder.path());
    let output = run(python);
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), told)
}

/// What it says of many bundles, each in a process of its own no more: exit code and first finding.
pub fn recount_all(bundles: &[Files]) -> Vec<(i32, String)> {
    let root = TempDir::new().unwrap();
    let mut folders = String::new();
    for (number, files) in bundles.iter().enumerate() {
        let folder = root.path().join(format!("{number:04}"));
        write(files, &folder);
        folders.push_str(&format!("{}\n", folder.display()));
    }
    let mut python = command("batch.py");
    python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        python.spawn().expect("python3 must be installed: the independent verifier is one half of these tests");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(folders.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let verdicts: Vec<(i32, String)> = told
        .lines()
        .map(|line| {
            let (code, rest) = line.split_once(' ').unwrap();
            (code.parse().unwrap(), rest.split_once(' ').map_or("", |(_, finding)| finding).to_owned())
        })
        .collect();
    assert_eq!(verdicts.len(), bundles.len());
    verdicts
}
