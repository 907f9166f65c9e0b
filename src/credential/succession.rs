//! Whether a sealed bundle is the supplementary round after another one. What a newcomer would get wrong: each bundle
//! passes its own audit whatever the other holds, so that they are of one cycle, and that nobody reviews twice, is checked
//! here and nowhere else.

use std::collections::HashSet;

use serde::Deserialize;

use crate::credential::audit::{Check, Finding, reason};
use crate::credential::bundle::{ENVELOPES, Files, MANIFESTS, get, split_lines};
use crate::credential::encoding::Ref;
use crate::credential::frozen::Frozen;
use crate::credential::jcs;
use crate::credential::manifest::Manifest;
use crate::credential::signing::PublicKey;
use crate::error::{Code, Error, Result};

/// The key of one envelope; all else in it is the audit's.
#[derive(Deserialize)]
struct Line {
    epk: PublicKey,
}

/// Checks that two bundles are the first and the second round of one cycle; empty is good. Whose reviews were too few is
/// for whoever scores them, and the audit of each is another question.
pub fn check(earlier: &Files, later: &Files) -> Vec<Finding> {
    let found = |check: Check, detail: String| Finding { check, detail };
    let (first, second) = match manifest(earlier).and_then(|first| Ok((first, manifest(later)?))) {
        Ok(both) => both,
        Err(fault) => return vec![found(Check::C2, format!("{MANIFESTS}: {}", reason(&fault)))],
    };
    let mut findings = Vec::new();
    let mut want = |holds: bool, detail: &str| {
        if !holds {
            findings.push(found(Check::C2, detail.to_owned()));
        }
    };
    let (one, two) = (first.manifest(), second.manifest());
    want((one.round, two.round) == (1, 2), "the bundles are not of the first and the second round");
    want(one.cycle_ref == two.cycle_ref, "the rounds are of two cycles");
    want(one.methodology_digest == two.methodology_digest, "the rounds have two methodologies");
    want(one.issuers == two.issuers, "the rounds have other issuers");
    want(first.log_key().key() == second.log_key().key(), "the rounds were sealed under two log keys");
    want(one.receipt_key != two.receipt_key, "the rounds have one receipt key");
    let of_first: HashSet<(Ref, &str)> =
        one.subjects.iter().map(|subject| (subject.subject_ref, subject.instrument_id.as_str())).collect();
    let are_known =
        two.subjects.iter().all(|subject| of_first.contains(&(subject.subject_ref, subject.instrument_id.as_str())));
    want(are_known, "the second round has a subject that the first does not have");
    match keys(earlier).and_then(|first| Ok((first, keys(later)?))) {
        Ok((first, second)) if first.is_disjoint(&second) => {}
        Ok(_) => findings.push(found(Check::C6, "a key has a review in both rounds".to_owned())),
        Err(fault) => findings.push(found(Check::C5, format!("{ENVELOPES}: {}", reason(&fault)))),
    }
    findings
}

/// The manifest in force of a bundle.
fn manifest(files: &Files) -> Result<Frozen> {
    let manifests: Vec<Manifest> = jcs::read(get(files, MANIFESTS)?)?;
    Frozen::new(manifests.into_iter().next_back().ok_or_else(|| Error::from(Code::Malformed))?)
}

fn keys(files: &Files) -> Result<HashSet<PublicKey>> {
    let read = |line: &[u8]| serde_json::from_slice::<Line>(line).map_err(|_| Error::from(Code::Malformed));
    split_lines(get(files, ENVELOPES)?)?.into_iter().map(|line| Ok(read(line)?.epk)).collect()
}
