//! `ejf recount` as an auditor runs it.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::edits::{Cover, edit_json};
use crate::python;
use crate::world::world;

fn recount(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ejf"));
    command.arg("recount").args(arguments).env_clear().output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn an_equal_bundle_exits_0_and_ends_with_the_digest_to_sign() {
    let folder = TempDir::new().unwrap();
    python::write(&world().files, folder.path());
    let path = folder.path().to_str().unwrap();

    let output = recount(&[path]);

    assert_eq!(output.status.code(), Some(0));
    let words = told(&output);
    let last = words.lines().last().unwrap();
    assert!(words.contains("32 leaves") && last.starts_with("Digest of the results"), "{words}");
    assert!(output.stderr.is_empty(), "a pipe gets no progress");
    let report: Value = serde_json::from_str(&told(&recount(&[path, "--json"]))).unwrap();
    assert_eq!((&report["outcome"], &report["findings"]), (&json!("equal"), &json!([])));
    assert!(last.ends_with(report["result_digest"].as_str().unwrap()));
    for (language, word) in [("kk", "Қайта санау"), ("ru", "Пересчёт")] {
        assert!(told(&recount(&[path, "--language", language])).starts_with(word));
    }
}

#[test]
fn a_touched_bundle_exits_1_with_a_line_for_each_finding() {
    let folder = TempDir::new().unwrap();
    let mut files = world().files.clone();
    edit_json(&mut files, "result.json", |result| result["subjects"][0]["overall"]["text"] = json!("4.99"));
    files.remove("checkpoint");
    Cover::Hashes.traces(&mut files);
    python::write(&files, folder.path());

    let output = recount(&[folder.path().to_str().unwrap()]);

    assert_eq!(output.status.code(), Some(1));
    let words = told(&output);
    let checks: Vec<&str> = words.lines().take(2).map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(checks, ["c4", "c9"], "{words}");
    assert!(words.contains("Findings: 2."), "{words}");
}

#[test]
fn what_cannot_be_read_exits_2() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    for place in [path, "/nowhere"] {
        let output = recount(&[place]);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    let mut nothing = python::command("recount.py");
    nothing.arg(path);
    assert_eq!(python::run(nothing).status.code(), Some(2));
    python::write(&world().files, folder.path());
    fs::write(folder.path().join("answer.txt"), "no JSON").unwrap();
    let published = format!("AgICAgICAgICAgICAgICAg={path}/answer.txt");
    assert_eq!(recount(&[path, "--published", &published]).status.code(), Some(2));
}
