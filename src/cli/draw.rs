//! `ejf draw verify`: an auditor repeats a draw from its record, offline, without database or key: the draw of a round's
//! panels, or that of the acts that reviewers of a subject read. What a newcomer would get wrong: the record says itself
//! which of the two it is, so nobody has to choose the rules by which it is judged.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::{DONE, USAGE, WRONG, complain, say};
use crate::credential::encoding::sha256;
use crate::domain::draw::{self, DrawRecord};
use crate::domain::hex::hex;
use crate::domain::reading;
use crate::domain::reading::draw::ReadingRecord;
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
    let (committed, replayed, told) = if let Ok(record) = serde_json::from_str::<DrawRecord>(&stored) {
        (hex(&record.commitment.0), draw::replay(&record), format!("{} panels", record.panels.len()))
    } else if let Ok(record) = serde_json::from_str::<ReadingRecord>(&stored) {
        let told = format!("{} of {} acts", record.drawn().count(), record.input.acts.len());
        (hex(&record.commitment.0), reading::draw::replay(&record), told)
    } else {
        complain("ejf: this is neither an answer of draw-record or of reading-pack/record nor a record");
        return Ok(USAGE);
    };
    let mut findings = Vec::new();
    if commitment.is_some_and(|published| !published.eq_ignore_ascii_case(&committed)) {
        findings.push(format!("the seed is not the one committed to: the record has {committed}"));
    }
    let found = hex(&sha256(&[stored.as_bytes()]).0);
    if digest.is_some_and(|published| !published.eq_ignore_ascii_case(&found)) {
        findings.push(format!("the record is not the one published: its digest is {found}"));
    }
    match replayed {
        Ok(()) => {}
        Err(Error::Refused(refusal)) => {
            let place = refusal.faults.first().map_or_else(String::new, |fault| format!(" at {:?}", fault.place));
            findings.push(format!("the draw does not repeat{place}"));
        }
        Err(broken) => return Err(broken),
    }
    if findings.is_empty() {
        say(&format!("the draw repeats: {told}\ncommitment {committed}\ndigest {found}\n"));
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
