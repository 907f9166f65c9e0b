//! From a sealed bundle to stored results. A newcomer's usual mistake is to trust the bundle because it lies in our folder:
//! it passes the auditors' checks, and its manifests, ledgers and methodology must be the very bytes of the registry.

use chrono::{DateTime, Utc};

use super::issuance::{METHODOLOGY_FILE, issuers, ledger_file, manifest_file};
use super::manifests::phase_needed;
use crate::credential::audit;
use crate::credential::bundle::{CHECKPOINT, ENVELOPES, Files, INDEX, Index, LEAVES, MANIFESTS, METHODOLOGY, RESULT};
use crate::credential::encoding::{Ref, sha256};
use crate::credential::jcs;
use crate::credential::manifest::Manifest;
use crate::credential::tally::{Scored, count_accepted, score_bundle};
use crate::credential::{bundle, encoding};
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::hex::hex;
use crate::domain::ids::{CycleId, EvaluationId, JobId};
use crate::domain::methodology::Methodology;
use crate::domain::scoring::publication::Published;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::cycles::Cycle;
use crate::store::evaluations::EvaluationState;
use crate::store::recounts::AcceptedCount;
use crate::store::results::{ResultRow, ResultStatus};

/// What the registry published of a cycle, which its bundle must hold unchanged.
pub struct Expected {
    /// The cycle.
    pub cycle: Cycle,
    /// Its rules.
    pub methodology: Methodology,
    manifests: Vec<Vec<u8>>,
    /// The other files by the names they have in a bundle.
    files: Vec<(String, Vec<u8>)>,
    subjects: Vec<(EvaluationId, Ref)>,
}

/// The sealed list of a round as everybody may read it, beside the bundle that is for auditors alone.
pub struct Sealed {
    /// The signed checkpoint.
    pub checkpoint: Vec<u8>,
    /// All leaves.
    pub leaves: Vec<u8>,
}

/// The results of a cycle, ready to be stored.
pub struct Computed {
    /// The bundle with its results.
    pub files: Files,
    rows: Vec<ResultRow>,
    accepted: Vec<AcceptedCount>,
    bundle_digest: String,
    result_digest: String,
}

/// 409 `wrong_phase` unless the cycle is sealed.
pub fn check_sealed(cycle: &Cycle) -> Result<()> {
    if cycle.phase == Phase::Sealed {
        return Ok(());
    }
    Err(phase_needed(cycle, Phase::Sealed))
}

/// 409 `wrong_phase` unless the cycle was sealed at some time.
pub fn check_was_sealed(cycle: &Cycle) -> Result<()> {
    match cycle.phase {
        Phase::Sealed | Phase::Reporting | Phase::Closed => Ok(()),
        Phase::Draft
        | Phase::Announced
        | Phase::FileReview
        | Phase::PoolReview
        | Phase::Drawn
        | Phase::Issuance
        | Phase::Submission
        | Phase::Cancelled => Err(phase_needed(cycle, Phase::Sealed)),
    }
}

/// Loads what a cycle's bundle is held against.
///
/// # Errors
/// 404; 409 `wrong_phase` unless sealed; 409 `guard_not_met` where a ledger was never published.
pub fn load(conn: &mut Conn, id: CycleId) -> Result<Expected> {
    let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
    check_sealed(&cycle)?;
    let mut document = |name: &str| {
        let found = store::cycles::document(conn, id, name)?;
        found.ok_or_else(|| Error::hinted(Code::GuardNotMet, Hint::new("document_not_published").text("name", name)))
    };
    let manifests = (0..=cycle.generation).map(|generation| document(&manifest_file(generation)));
    let manifests = manifests.collect::<Result<Vec<_>>>()?;
    let mut files = vec![(METHODOLOGY.to_owned(), document(METHODOLOGY_FILE)?)];
    for issuer in issuers(&cycle) {
        let ledger = document(&ledger_file(issuer.issuer_id, cycle.generation))?;
        files.push((bundle::ledger_file(issuer.issuer_id), ledger));
    }
    let (methodology, _) = super::issuance::methodology_of(conn, &cycle)?;
    let mut subjects = Vec::new();
    for evaluation in store::evaluations::of_cycle(conn, id)? {
        let subject_ref = evaluation.subject_ref.ok_or_else(|| Error::internal("a sealed subject has no name"))?;
        subjects.push((evaluation.id, Ref::from_slice(&subject_ref)?));
    }
    Ok(Expected { cycle, methodology, manifests, files, subjects })
}

impl Expected {
    /// The text of the manifest in force.
    pub fn manifest(&self) -> Result<&[u8]> {
        self.manifests.last().map(Vec::as_slice).ok_or_else(|| Error::internal("a sealed cycle has no manifest"))
    }

    /// How many subjects get a result.
    pub fn subject_count(&self) -> Result<i32> {
        i32::try_from(self.subjects.len()).map_err(Error::internal)
    }
}

/// The bundle without results that a stop left there before the index could name them; they are computed anew.
///
/// # Errors
/// `malformed` where there is no index to go by.
pub fn without_unfinished_result(files: Files) -> Result<Files> {
    let index: Index = jcs::read(files.get(INDEX).map(Vec::as_slice).unwrap_or_default())?;
    let mut files = files;
    if !index.files.contains_key(RESULT) {
        files.remove(RESULT);
    }
    Ok(files)
}

/// Checks c1 to c8 of a recount, and that what was published stands in the bundle unchanged: the registry's documents, and
/// of `sealed` the list that reviewers were shown, else auditors would recount another.
///
/// # Errors
/// `invalid` with the first finding as hint.
pub fn check_bundle(expected: &Expected, sealed: &Sealed, files: &Files) -> Result<()> {
    // Findings are English in every report of an audit.
    let refused = |finding: String| Error::hinted(Code::Invalid, Hint::plain(finding));
    if let Some(finding) = audit::check(files).first() {
        return Err(refused(finding.to_string()));
    }
    let manifests: Vec<Manifest> = jcs::read(files.get(MANIFESTS).map(Vec::as_slice).unwrap_or_default())?;
    let manifests = manifests.iter().map(jcs::canonical).collect::<Result<Vec<_>>>()?;
    if manifests != expected.manifests {
        return Err(refused(format!("{MANIFESTS} is not what was published")));
    }
    let sealed = [(CHECKPOINT, &sealed.checkpoint), (LEAVES, &sealed.leaves)];
    let mut published = expected.files.iter().map(|(name, bytes)| (name.as_str(), bytes)).chain(sealed);
    match published.find(|(name, bytes)| files.get(*name) != Some(bytes)) {
        Some((name, _)) => Err(refused(format!("{name} is not what was published"))),
        None => Ok(()),
    }
}

/// Scores a bundle that passed [`check_bundle`], adds `result.json` to it and makes the published images. The same
/// bundle gives the same bytes.
pub fn compute(expected: &Expected, files: Files) -> Result<Computed> {
    let scored = score_bundle(&files, &expected.methodology)?;
    let input_digest = digest_of(&files, ENVELOPES);
    let mut files = files;
    bundle::add_result(&mut files, &scored.to_bytes()?)?;
    Ok(Computed {
        rows: rows(expected, &scored, &input_digest)?,
        accepted: accepted(expected, &files)?,
        bundle_digest: digest_of(&files, INDEX),
        // The bytes are canonical, so this is the digest that an auditor signs.
        result_digest: digest_of(&files, RESULT),
        files,
    })
}

fn accepted(expected: &Expected, files: &Files) -> Result<Vec<AcceptedCount>> {
    let counts = count_accepted(files)?;
    let row = |(evaluation_id, subject_ref): &(EvaluationId, Ref)| AcceptedCount {
        evaluation_id: *evaluation_id,
        accepted_count: counts.get(subject_ref).copied().unwrap_or(0),
    };
    Ok(expected.subjects.iter().map(row).collect())
}

fn rows(expected: &Expected, scored: &Scored, input_digest: &str) -> Result<Vec<ResultRow>> {
    let images: std::collections::HashMap<Ref, Published> = scored.images()?.into_iter().collect();
    let row = |(evaluation_id, subject_ref): &(EvaluationId, Ref)| {
        let image = images.get(subject_ref).ok_or_else(|| Error::internal("a subject has no result"))?;
        let status = match image {
            Published::Ok { .. } => ResultStatus::Ok,
            Published::Indicative { .. } => ResultStatus::Indicative,
            Published::Insufficient {} => ResultStatus::Insufficient,
        };
        Ok(ResultRow {
            evaluation_id: *evaluation_id,
            status,
            document: String::from_utf8(jcs::canonical(image)?).map_err(Error::internal)?,
            algorithm_version: scored.result.algorithm.clone(),
            input_digest: input_digest.to_owned(),
        })
    };
    expected.subjects.iter().map(row).collect()
}

fn digest_of(files: &Files, name: &str) -> String {
    let bytes = files.get(name).map(Vec::as_slice).unwrap_or_default();
    let encoding::Bytes(digest) = sha256(&[bytes]);
    hex(&digest)
}

/// Deletes the private halves of a cycle's issuer keys; whether there were any. The caller destroys the key file that
/// could open them.
///
/// The audit entry names what was destroyed: SHA-256 of the ids of all the cycle's keys, ascending, which anybody can
/// compute from the published manifests of all generations.
pub fn delete_private_keys(conn: &mut Conn, id: CycleId, now: DateTime<Utc>) -> Result<bool> {
    let had_keys = store::issuance::delete_private_keys(conn, id)? > 0;
    if had_keys {
        let key_ids = store::issuance::key_ids(conn, id)?;
        let key_ids: Vec<&[u8]> = key_ids.iter().map(Vec::as_slice).collect();
        let entry = store::audit::NewEntry {
            digest: Some(sha256(&key_ids).to_string()),
            ..store::audit::NewEntry::new(None, "destroy_issuer_keys", "cycle", id)
        };
        store::audit::record(conn, entry, now)?;
    }
    Ok(had_keys)
}

/// Stores the results, counts the evaluations and ends the job, in one write.
pub fn put(conn: &mut Conn, job: JobId, id: CycleId, computed: &Computed, now: DateTime<Utc>) -> Result<()> {
    let mut cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
    check_sealed(&cycle)?;
    for row in &computed.rows {
        store::results::put(conn, row)?;
        store::evaluations::set_state(conn, row.evaluation_id, EvaluationState::Counted)?;
    }
    for row in &computed.accepted {
        store::recounts::put_accepted(conn, row)?;
    }
    super::recounts::put_result_digest(conn, id, &computed.result_digest)?;
    if cycle.bundle_digest.as_ref() != Some(&computed.bundle_digest) {
        cycle.bundle_digest = Some(computed.bundle_digest.clone());
        store::cycles::update(conn, &mut cycle)?;
    }
    let count = i32::try_from(computed.rows.len()).map_err(Error::internal)?;
    store::jobs::count_done(conn, job, count, now.naive_utc())?;
    store::jobs::finish(conn, job, None, now.naive_utc())?;
    let entry = store::audit::NewEntry {
        digest: Some(computed.bundle_digest.clone()),
        ..store::audit::NewEntry::new(None, "store_results", "cycle", id)
    };
    store::audit::record(conn, entry, now)?;
    Ok(())
}
