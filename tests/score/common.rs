//! The filter with marks on its standard input. A newcomer would read columns by their place; they are read by name.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// A row of the output by column.
pub type Row = BTreeMap<String, String>;

/// The header of the marks.
pub const HEADER: &str = "subject,rater,criterion,mark\n";

/// Runs `ejf score` with these options over these marks.
pub fn score(options: &[&str], marks: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ejf"));
    command.arg("score").args(options).arg("-").env_clear();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let marks = marks.to_owned();
    // From a thread of its own, as the program may answer, or end, before it has read everything.
    let writer = std::thread::spawn(move || input.write_all(marks.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    output
}

/// The rows that come out; the program must be content.
pub fn rows(options: &[&str], marks: &str) -> Vec<Row> {
    let output = score(options, marks);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    parse(&output.stdout)
}

/// The rows of CSV.
pub fn parse(csv: &[u8]) -> Vec<Row> {
    csv::Reader::from_reader(csv).deserialize().map(Result::unwrap).collect()
}

/// What is told when the program refuses its input.
pub fn refusal(options: &[&str], marks: &str) -> String {
    let output = score(options, marks);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.is_empty(), "rows were written before the fault was told");
    String::from_utf8(output.stderr).unwrap()
}

/// Marks of one subject: a word per review, a digit per criterion (A, B, …), `-` for no basis.
pub fn marks_of(subject: &str, reviews: &str) -> String {
    let mut text = String::new();
    for (number, review) in reviews.split_whitespace().enumerate() {
        for (criterion, mark) in ('A'..).zip(review.chars()) {
            let mark = if mark == '-' { String::new() } else { mark.to_string() };
            text.push_str(&format!("{subject},r{number},{criterion},{mark}\n"));
        }
    }
    text
}

/// A file of the reference data.
pub fn reference(file: &str) -> Vec<Row> {
    let path = format!("{}/tests/data/scoring/{file}", env!("CARGO_MANIFEST_DIR"));
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

/// The marks of a leadership file, a line each.
pub fn leadership(file: &str) -> String {
    let mut text = HEADER.to_owned();
    for (rater, row) in reference(file).iter().enumerate() {
        for number in 1..=11 {
            let criterion = format!("LEAD{number:02}");
            text.push_str(&format!("{},r{rater},{criterion},{}\n", row["target"], row[&criterion]));
        }
    }
    text
}
