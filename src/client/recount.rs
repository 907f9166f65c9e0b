//! The recount of sealed bundles: the checks c1 to c10 over files alone, with no database, key or server.
//!
//! What a newcomer would get wrong: the bundle vouches for itself only from its manifest on. Whoever recounts compares
//! the manifest's digest with the one printed in the Council's order; with another manifest every check here can hold
//! for reviews that nobody wrote. And its tree with the one that reviewers were shown; else there may be two, and
//! each side finds everything in its own.

use std::collections::HashSet;
use std::path::Path;

use serde::Deserialize;

use crate::credential::audit::{self, Check, Finding, reason};
use crate::credential::bundle::{CHECKPOINT, Files, INDEX, Index, MANIFESTS, METHODOLOGY, RESULT, ledger_file};
use crate::credential::encoding::{Digest, Ref, sha256};
use crate::credential::jcs;
use crate::credential::ledger::Ledger;
use crate::credential::manifest::{Manifest, digest_words, matches_words};
use crate::credential::note::{Checkpoint, VerifierKey};
use crate::credential::succession;
use crate::credential::tally::{RoundResult, Scored, input_digest, score_rounds};
use crate::domain::hex::hex;
use crate::domain::methodology::{Methodology, Text};
use crate::domain::scoring::publication::{Band, CriterionFigure, Figure, Published};
use crate::error::{Code, Result};

/// The size of the blocks of an archive.
const BLOCK: usize = 512;

/// What a recount came to.
#[derive(Debug)]
pub struct Recount {
    /// Everything that is wrong, in the order of the checks; empty is equal.
    pub findings: Vec<Finding>,
    /// `H(JCS(result))` of the bundle's `result.json`, which the auditor signs; `None` where it cannot be read.
    pub result_digest: Option<Digest>,
    /// The digest of the manifest in force, to be compared with the printed one; `None` where there is none.
    pub manifest_digest: Option<Digest>,
    /// The root that the bundle's checkpoint seals, to be compared with the one that reviewers read; `None` where the
    /// manifest's log has not signed it.
    pub root: Option<Digest>,
    /// The table of contents; `None` where it cannot be read.
    pub index: Option<Index>,
}

/// What an auditor has of the round from elsewhere; whatever is given has to agree with the bundle.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The digest as the Council's order prints it, or as its QR code holds it.
    pub manifest_words: Option<String>,
    /// The signed checkpoint as it was published to everybody.
    pub checkpoint: Option<Vec<u8>>,
    /// Ledgers as they were published to everybody.
    pub ledgers: Vec<Vec<u8>>,
}

/// What the registry answers about one evaluation's result, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PublishedResult {
    status: String,
    band: Option<Band>,
    overall: Option<PublishedFigure>,
    criteria: Option<Vec<PublishedCriterion>>,
    statements: Option<Vec<PublishedStatement>>,
    algorithm_version: Option<String>,
    input_digest: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishedFigure {
    n: i64,
    point_hundredths: i64,
    lo_hundredths: i64,
    hi_hundredths: i64,
    band: Band,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishedCriterion {
    code: String,
    figure: PublishedFigure,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishedStatement {
    code: String,
    text: Text,
}

/// The files of a bundle, unpacked in a folder or as it was downloaded.
///
/// # Errors
/// Where something of it cannot be read, or it is no bundle: then there is nothing to recount.
pub fn read(path: &Path) -> std::io::Result<Files> {
    if path.is_file() { read_archive(&std::fs::read(path)?) } else { read_folder(path) }
}

/// The files of an unpacked bundle.
///
/// # Errors
/// Where the folder or one of its files cannot be read, or a name is no text: then there is nothing to recount.
fn read_folder(folder: &Path) -> std::io::Result<Files> {
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let unreadable = |name| std::io::Error::new(std::io::ErrorKind::InvalidData, format!("the name {name:?}"));
        let name = entry.file_name().into_string().map_err(unreadable)?;
        files.insert(name, std::fs::read(entry.path())?);
    }
    if files.contains_key(INDEX) {
        return Ok(files);
    }
    Err(std::io::Error::new(std::io::ErrorKind::NotFound, INDEX))
}

/// The files of a bundle as it was downloaded: a ustar archive of plain files in one folder.
///
/// # Errors
/// Where it is cut short, damaged or anything else: then there is nothing to recount.
pub fn read_archive(archive: &[u8]) -> std::io::Result<Files> {
    let broken = || std::io::Error::new(std::io::ErrorKind::InvalidData, "not a whole ustar archive of plain files");
    let mut files = Files::new();
    let mut rest = archive;
    loop {
        let (header, after) = rest.split_at_checked(BLOCK).ok_or_else(broken)?;
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        let (name, size) = read_header(header).ok_or_else(broken)?;
        let padded = size.checked_next_multiple_of(BLOCK).ok_or_else(broken)?;
        let (content, after) = after.split_at_checked(padded).ok_or_else(broken)?;
        if files.insert(name, content.get(..size).unwrap_or_default().to_vec()).is_some() {
            return Err(broken());
        }
        rest = after;
    }
    if files.contains_key(INDEX) { Ok(files) } else { Err(broken()) }
}

/// Name and size of a plain file by its header; `None` for anything else, and where the sum is wrong.
fn read_header(header: &[u8]) -> Option<(String, usize)> {
    let text = |from: usize, to: usize| {
        let field = header.get(from..to)?;
        std::str::from_utf8(field.split(|byte| *byte == 0).next()?).ok()
    };
    let octal = |from: usize, to: usize| usize::from_str_radix(text(from, to)?.trim(), 8).ok();
    let (before, sum_and_after) = header.split_at_checked(148)?;
    let after = sum_and_after.get(8..)?;
    let sum: usize = before.iter().chain(after).map(|byte| usize::from(*byte)).sum::<usize>() + 8 * usize::from(b' ');
    let is_plain = text(257, 263)? == "ustar" && header.get(156) == Some(&b'0') && octal(148, 156)? == sum;
    let name = text(0, 100)?;
    (is_plain && !name.is_empty() && !name.contains('/')).then_some((name.to_owned(), octal(124, 136)?))
}

/// Recounts the one bundle of a cycle; see [`recount_rounds`].
pub fn recount(files: &Files, published: &[(Ref, PublishedResult)], advance: &(dyn Fn() + Sync)) -> Recount {
    recount_rounds(None, files, published, advance)
}

/// Recounts the bundle of a cycle's last round, with that of the round before where there is one: c1 to c8 of each, then c9
/// over both with the engine that made the results, then c10 for each published answer that is given with its subject.
/// `advance` is called after each envelope.
pub fn recount_rounds(
    earlier: Option<&Files>,
    files: &Files,
    published: &[(Ref, PublishedResult)],
    advance: &(dyn Fn() + Sync),
) -> Recount {
    let mut findings = audit::check_watched(files, advance);
    if let Some(earlier) = earlier {
        let of_first = audit::check_watched(earlier, advance).into_iter();
        findings.extend(of_first.map(|finding| Finding { detail: format!("round 1: {}", finding.detail), ..finding }));
        findings.extend(succession::check(earlier, files));
        findings.extend(check_short(earlier, files));
    } else if last_manifest(files).is_some_and(|manifest| manifest.round != 1) {
        findings.push(c9("this is the second round: the bundle of the first is needed as well"));
    }
    let stored = files.get(RESULT);
    let rescored = rescore(earlier, files);
    match (&rescored, stored) {
        (Err(fault), _) => findings.push(c9(format!("the results cannot be computed: {}", reason(fault)))),
        (Ok(_), None) => findings.push(c9(format!("{RESULT} is missing"))),
        (Ok((scored, _)), Some(stored)) => findings.extend(compare(scored, stored)),
    }
    if let Ok((scored, methodology)) = &rescored {
        let input_digest = hex(&input_digest(earlier, files).0);
        findings.extend(published.iter().filter_map(|(subject_ref, answer)| {
            let fault = compare_published((scored, methodology), &input_digest, subject_ref, answer)?;
            Some(Finding { check: Check::C10, detail: format!("subject {subject_ref}: {fault}") })
        }));
    }
    findings.sort_by_key(|finding| finding.check);
    Recount {
        findings,
        result_digest: stored.and_then(|stored| result_digest(stored).ok()),
        manifest_digest: last_manifest(files).and_then(|manifest| manifest.digest().ok()),
        root: sealed(files).map(|checkpoint| checkpoint.root),
        index: files.get(INDEX).and_then(|index| jcs::read(index).ok()),
    }
}

/// Whether reviews were added for those alone whose first reviews do not ground a decision.
fn check_short(earlier: &Files, files: &Files) -> Vec<Finding> {
    let images = match rescore(None, earlier).and_then(|(scored, _)| scored.images()) {
        Ok(images) => images,
        Err(fault) => return vec![c9(format!("round 1: the results cannot be computed: {}", reason(&fault)))],
    };
    let full: HashSet<Ref> = images
        .into_iter()
        .filter(|(_, image)| matches!(image.published(), Published::Ok { .. } | Published::Developmental { .. }))
        .map(|(subject_ref, _)| subject_ref)
        .collect();
    let subjects = last_manifest(files).map(|manifest| manifest.subjects).unwrap_or_default();
    let added =
        subjects.into_iter().map(|subject| subject.subject_ref).filter(|subject_ref| full.contains(subject_ref));
    added.map(|subject_ref| c9(format!("subject {subject_ref} had enough reviews in round 1"))).collect()
}

/// `H(JCS(result))` of the bytes of a `result.json`; `malformed` where they are none.
pub fn result_digest(result: &[u8]) -> Result<Digest> {
    Ok(sha256(&[&jcs::canonical(&jcs::read::<RoundResult>(result)?)?]))
}

impl Recount {
    /// Whether everything holds.
    pub fn is_equal(&self) -> bool {
        self.findings.is_empty()
    }

    /// Adds a finding for everything kept that is not the bundle's.
    pub fn hold_against(&mut self, files: &Files, kept: &Kept) {
        if let Some(typed) = &kept.manifest_words {
            let is_equal = self.manifest_digest.is_some_and(|digest| matches_words(&digest, typed));
            self.want(is_equal, Check::C2, "the manifest is not the one whose digest was given");
        }
        if let Some(bytes) = &kept.checkpoint {
            match (verified(files, bytes), sealed(files)) {
                (None, _) => self.want(false, Check::C4, "the checkpoint given is not signed by the manifest's log"),
                (Some(given), own) => {
                    let detail = format!(
                        "the checkpoint given seals {} leaves under the root {}, and the bundle's another tree: the log \
                         has signed two",
                        given.size,
                        digest_words(&given.root)
                    );
                    self.want(own == Some(given), Check::C4, &detail);
                }
            }
        }
        for bytes in &kept.ledgers {
            match jcs::read_canonical::<Ledger>(bytes) {
                Ok(ledger) => {
                    let (issuer_id, generation) = (&ledger.issuer_id, ledger.generation);
                    let detail =
                        format!("the bundle's ledger of {issuer_id} is not the one of generation {generation} given");
                    self.want(files.get(&ledger_file(issuer_id)) == Some(bytes), Check::C3, &detail);
                }
                Err(fault) => self.want(false, Check::C3, &format!("a ledger given: {}", reason(&fault))),
            }
        }
        self.findings.sort_by_key(|finding| finding.check);
    }

    fn want(&mut self, holds: bool, check: Check, detail: &str) {
        if !holds {
            self.findings.push(Finding { check, detail: detail.to_owned() });
        }
    }
}

fn rescore(earlier: Option<&Files>, files: &Files) -> Result<(Scored, Methodology)> {
    let methodology = methodology(files)?;
    Ok((score_rounds(earlier, files, &methodology)?, methodology))
}

/// The methodology of a bundle; `malformed` where it has none.
pub fn methodology(files: &Files) -> Result<Methodology> {
    let text = files.get(METHODOLOGY).map(Vec::as_slice).unwrap_or_default();
    serde_json::from_slice(text).map_err(|_| Code::Malformed.into())
}

fn c9(detail: impl Into<String>) -> Finding {
    Finding { check: Check::C9, detail: detail.into() }
}

/// Where the stored results differ from those computed anew; never a mark.
fn compare(scored: &Scored, stored: &[u8]) -> Vec<Finding> {
    let is_equal = scored.to_bytes().is_ok_and(|computed| computed == stored);
    if is_equal {
        return Vec::new();
    }
    let Ok(stored) = jcs::read::<RoundResult>(stored) else {
        return vec![c9(format!("{RESULT} cannot be read"))];
    };
    let computed = &scored.result;
    let mut findings = Vec::new();
    if stored.algorithm != computed.algorithm {
        findings.push(c9(format!("the results are of the algorithm {}", stored.algorithm)));
    }
    if stored.earlier != computed.earlier {
        findings.push(c9("the results were computed after another first round, or without it"));
    }
    if stored.instruments != computed.instruments {
        findings.push(c9("the pooled variances differ"));
    }
    for subject in &computed.subjects {
        let mut same = stored.subjects.iter().filter(|other| other.subject_ref == subject.subject_ref);
        if same.next() != Some(subject) || same.next().is_some() {
            findings.push(c9(format!("the result of subject {} differs", subject.subject_ref)));
        }
    }
    if findings.is_empty() {
        findings.push(c9(format!("{RESULT} holds more than the results, or has another writing")));
    }
    findings
}

/// What of a published answer is not the image of the computed result.
fn compare_published(
    (scored, methodology): (&Scored, &Methodology),
    input_digest: &str,
    subject_ref: &Ref,
    answer: &PublishedResult,
) -> Option<&'static str> {
    // An image that cannot be made is no image of anything, and c9 has its finding.
    let images = scored.images().unwrap_or_default();
    let Some((_, image)) = images.iter().find(|(of, _)| of == subject_ref) else {
        return Some("the bundle has no such subject");
    };
    let is_of_these = answer.algorithm_version.as_ref() == Some(&scored.result.algorithm)
        && answer.input_digest.as_deref() == Some(input_digest);
    if !is_of_these {
        return Some("it was not computed from these reviews by this algorithm");
    }
    let expected = PublishedResult::of(image.published(), methodology);
    let is_equal = (&answer.status, &answer.band, &answer.overall, &answer.criteria)
        == (&expected.status, &expected.band, &expected.overall, &expected.criteria);
    if !is_equal {
        return Some("the published figures are not the image of the result");
    }
    let is_told = answer.statements == expected.statements;
    (!is_told).then_some("the published statements are not those that enough of the reviews chose")
}

impl PublishedResult {
    /// The answer that an image must have; without what every answer of a bundle shares.
    fn of(image: &Published, methodology: &Methodology) -> Self {
        let bare = |status: &str| PublishedResult {
            status: status.to_owned(),
            band: None,
            overall: None,
            criteria: None,
            statements: None,
            algorithm_version: None,
            input_digest: None,
        };
        match image {
            Published::Insufficient {} => bare("insufficient"),
            Published::Indicative { band } => PublishedResult { band: Some(*band), ..bare("indicative") },
            Published::Developmental { statements } => {
                PublishedResult { statements: Some(told(methodology, statements)), ..bare("developmental") }
            }
            Published::Ok { overall, criteria, statements } => PublishedResult {
                overall: Some(PublishedFigure::of(overall)),
                criteria: Some(criteria.iter().map(PublishedCriterion::of).collect()),
                statements: Some(told(methodology, statements)),
                ..bare("ok")
            },
        }
    }
}

/// Statements in the methodology's words; the codes are the methodology's own, as they were counted by it.
fn told(methodology: &Methodology, codes: &[String]) -> Vec<PublishedStatement> {
    let known = codes.iter().filter_map(|code| methodology.statement(code));
    known.map(|one| PublishedStatement { code: one.code.clone(), text: one.text.clone() }).collect()
}

impl PublishedFigure {
    fn of(figure: &Figure) -> Self {
        let Figure { n, point, lo, hi, band } = *figure;
        PublishedFigure { n, point_hundredths: point, lo_hundredths: lo, hi_hundredths: hi, band }
    }
}

impl PublishedCriterion {
    fn of(criterion: &CriterionFigure) -> Self {
        PublishedCriterion { code: criterion.code.clone(), figure: PublishedFigure::of(&criterion.figure) }
    }
}

/// The manifest in force; what cannot be read has its finding already.
fn last_manifest(files: &Files) -> Option<Manifest> {
    jcs::read::<Vec<Manifest>>(files.get(MANIFESTS)?).ok()?.pop()
}

fn sealed(files: &Files) -> Option<Checkpoint> {
    verified(files, files.get(CHECKPOINT)?)
}

/// The checkpoint in these bytes; `None` unless the log of the bundle's manifest signed it.
fn verified(files: &Files, note: &[u8]) -> Option<Checkpoint> {
    let key = VerifierKey::parse(&last_manifest(files)?.log.vkey).ok()?;
    Checkpoint::verify(std::str::from_utf8(note).ok()?, &key).ok()
}
