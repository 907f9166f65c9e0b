//! The document is the contract: it is committed, bounded, true to its own examples, and only ever grows. What a
//! newcomer would get wrong: these tests read the document, so a new operation needs no line here, only a document
//! that says all.

mod diff;
mod examples;
mod lints;
mod schema;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::requests::document;

const COMMITTED: &str = "openapi/openapi.json";

#[test]
fn the_committed_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(COMMITTED);
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let is_current = committed == ejf::app::document_text().unwrap();
    assert!(is_current, "{COMMITTED} is not what the routes say; run\n    cargo run -- openapi > {COMMITTED}");
}

/// The document of the last release, or why there is none.
fn released() -> Result<Value, String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
        match output {
            Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(format!("git: {error}")),
        }
    };
    let tag = git(&["describe", "--tags", "--abbrev=0"])?;
    let text = git(&["show", &format!("{}:{COMMITTED}", tag.trim())])?;
    Ok(serde_json::from_str(&text).expect("the released document is JSON"))
}

#[test]
fn nothing_that_was_released_is_taken_back() {
    match released() {
        Ok(released) => {
            let breaches = diff::breaches(&released, &document());
            assert!(breaches.is_empty(), "clients of the last release would break:\n{}", breaches.join("\n"));
        }
        // Before the first release, and in a tree without its history, there is nothing to compare with.
        Err(reason) => eprintln!("no released document to compare with: {reason}"),
    }
}

#[test]
fn the_document_keeps_the_rules_of_the_house() {
    let breaches = lints::breaches(&document());
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn every_example_is_what_its_schema_says() {
    let breaches = examples::breaches(&document());
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}
