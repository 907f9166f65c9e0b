//! `ejf draw verify`: an auditor repeats a draw from its record, offline, without database or key.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::{DONE, USAGE, WRONG, complain, say};
use crate::credential::encoding::sha256;
use crate::domain::draw::{self, DrawRecord};
use crate::domain::hex::hex;
use crate::error::{Error, Result};

/// The part of the API's answer that is needed: the record as it was stored.
#[derive(Deserialize)]
struct Opened {
    record: String,
}

/// Repeats the draw and compares commitment and digest with those that were published, where they are given.
pub(super) fn verify(file: &Path, commitment: Option<&str>, digest: Option<&str>) -> Result<u8> {
    let text = match read(file) {
        Ok(text) => text,
        Err(error) => {
            complain(&format!("ejf: {} cannot be read: {error}", file.display()));
            return Ok(USAGE);
        }
    };
    let stored = match serde_json::from_str::<Opened>(&text) {
        Ok(opened) => opened.record,
        // The record by itself, as it stands in the answer's `record`.
        Err(_) => text,
    };
    let Ok(record) = serde_json::from_str::<DrawRecord>(&stored) else {
        complain("ejf: this is neither an answer of draw-record nor a record");
        return Ok(USAGE);
    };
    let mut findings = Vec::new();
    let committed = hex(&record.commitment.0);
    if commitment.is_some_and(|published| !published.eq_ignore_ascii_case(&committed)) {
        findings.push(format!("the seed is not the one committed to: the record has {committed}"));
    }
    let found = hex(&sha256(&[stored.as_bytes()]).0);
    if digest.is_some_and(|published| !published.eq_ignore_ascii_case(&found)) {
        findings.push(format!("the record is not the one published: its digest is {found}"));
    }
    match draw::replay(&record) {
        Ok(()) => {}
        Err(Error::Refused(refusal)) => {
            let place = refusal.faults.first().map_or_else(String::new, |fault| format!(" at {:?}", fault.place));
            findings.push(format!("the draw does not repeat{place}"));
        }
        Err(broken) => return Err(broken),
    }
    if findings.is_empty() {
        let panels = record.panels.len();
        say(&format!("the draw repeats: {panels} panels\ncommitment {committed}\ndigest {found}\n"));
        return Ok(DONE);
    }
    for finding in findings {
        say(&format!("{finding}\n"));
    }
    Ok(WRONG)
}

fn read(file: &Path) -> std::io::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file)
}
