//! The same vectors in the other languages: JavaScript, as a browser would load it, and Python, as an auditor runs it.
//!
//! What a newcomer would get wrong: the interpreters must be there. A test that passes without them would prove nothing.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const NODE: &str = "node 18 or newer must be installed (Debian: nodejs): the protocol is checked in JavaScript too";
const PYTHON: &str = "python3 must be installed: the protocol is checked in Python too";

fn tests() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"))
}

fn javascript(folder: &Path) -> Output {
    Command::new("node").arg(folder.join("verifier/vectors.mjs")).output().expect(NODE)
}

fn python(folder: &Path) -> Output {
    // Compiled copies would lie beside the source.
    Command::new("python3").arg("-B").arg(folder.join("verifier/vectors.py")).output().expect(PYTHON)
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A copy of the programs and their files, of which one can be altered.
fn copied() -> TempDir {
    let copy = TempDir::new().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let booth = ["assets/booth/protocol", "assets/booth/client", "assets/booth/page"];
    for folder in ["tests/data", "tests/verifier", "tests/verifier/checks"].into_iter().chain(booth) {
        fs::create_dir_all(copy.path().join(folder)).unwrap();
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), copy.path().join(folder).join(entry.file_name())).unwrap();
            }
        }
    }
    copy
}

fn expect_all_passed(output: &Output, count: usize) {
    let told = told(output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let passed = told.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(passed >= count && told.ends_with(&format!("all {passed} checks passed\n")), "{told}");
}

#[test]
fn javascript_passes_every_vector_and_finds_every_altered_one() {
    expect_all_passed(&javascript(tests()), 33);
}

#[test]
fn python_passes_every_vector_and_finds_every_altered_one() {
    expect_all_passed(&python(tests()), 8);
}

#[test]
fn a_wrong_vector_fails_both_languages_and_a_missing_one_is_told() {
    let copy = copied();
    let tests = copy.path().join("tests");
    let (file, absent) = (tests.join("data/rfc8032_vectors.json"), tests.join("data/ed25519_edges.json"));
    let text = fs::read_to_string(&file).unwrap();
    let wrong = text.replacen("\"signature\": \"e556", "\"signature\": \"e557", 1);
    assert_ne!(wrong, text);
    fs::write(&file, wrong).unwrap();
    for run in [javascript, python] {
        let output = run(&tests);
        let told = told(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        let failed: Vec<_> = told.lines().filter(|line| line.starts_with("FAILED ")).collect();
        assert!(failed.iter().any(|line| line.contains("RFC 8032")), "{told}");
    }
    fs::remove_file(absent).unwrap();
    for run in [javascript, python] {
        assert_eq!(run(&tests).status.code(), Some(2));
    }
}
