//! From the sealed bundles of a cycle to stored results. A newcomer's usual mistake is to trust a bundle because it lies in
//! our folder: it passes the auditors' checks, and its manifests, ledgers and methodology must be the very bytes of the registry.

use chrono::{DateTime, Utc};

use super::issuance::{METHODOLOGY_FILE, issuers, ledger_file, manifest_file};
use super::manifests::phase_needed;
use crate::credential::audit;
use crate::credential::bundle::{CHECKPOINT, Files, INDEX, Index, LEAVES, MANIFESTS, METHODOLOGY, RESULT};
use crate::credential::encoding::{Ref, sha256};
use crate::credential::jcs;
use crate::credential::manifest::Manifest;
use crate::credential::succession;
use crate::credential::tally::{Scored, input_digest, score_rounds};
use crate::credential::{bundle, encoding};
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::hex::hex;
use crate::domain::ids::{CycleId, EvaluationId, JobId};
use crate::domain::methodology::Methodology;
use crate::domain::scoring::gate;
use crate::domain::scoring::publication::Image;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::cycles::Cycle;
use crate::store::recounts::AcceptedCount;
use crate::store::results::ResultRow;

/// What the registry published of a cycle, which its bundles must hold unchanged.
pub struct Expected {
    /// The cycle.
    pub cycle: Cycle,
    /// Its rules.
    pub methodology: Methodology,
    /// The rounds, the last one last.
    rounds: Vec<ExpectedRound>,
    /// All subjects, each with the last round in which reviews are collected for it.
    subjects: Vec<(EvaluationId, Ref, i32)>,
}

/// What the registry published of a round.
struct ExpectedRound {
    round: i32,
    manifests: Vec<Vec<u8>>,
    /// The other files by the names they have in a bundle.
    files: Vec<(String, Vec<u8>)>,
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
    images: Vec<(EvaluationId, Image)>,
    input_digest: String,
    algorithm_version: String,
    accepted: Vec<AcceptedCount>,
    bundle_digest: String,
    result_digest: String,
}

impl Computed {
    /// How many subjects have a result.
    pub fn subject_count(&self) -> usize {
        self.images.len()
    }
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
        // Cancelled over a broken promise of the box: what was sealed is the evidence.
        Phase::Cancelled if cycle.sealed_on.is_some() => Ok(()),
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

/// Loads what a cycle's bundles are held against.
///
/// # Errors
/// 404; 409 `wrong_phase` unless sealed; 409 `guard_not_met` where a ledger was never published.
pub fn load(conn: &mut Conn, id: CycleId) -> Result<Expected> {
    let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
    check_sealed(&cycle)?;
    let mut rounds = Vec::new();
    for earlier in store::cycles::earlier(conn, id)? {
        rounds.push(load_round(conn, &cycle, earlier.round, earlier.generation)?);
    }
    rounds.push(load_round(conn, &cycle, cycle.round, cycle.generation)?);
    let (methodology, _) = super::issuance::methodology_of(conn, &cycle)?;
    let mut subjects = Vec::new();
    for evaluation in store::evaluations::of_cycle(conn, id)? {
        let subject_ref = evaluation.subject_ref.ok_or_else(|| Error::internal("a sealed subject has no name"))?;
        subjects.push((evaluation.id, Ref::from_slice(&subject_ref)?, evaluation.last_round));
    }
    Ok(Expected { cycle, methodology, rounds, subjects })
}

fn load_round(conn: &mut Conn, cycle: &Cycle, round: i32, generation: i32) -> Result<ExpectedRound> {
    let mut document = |name: &str| {
        let found = store::cycles::document(conn, cycle.id, round, name)?;
        found.ok_or_else(|| Error::hinted(Code::GuardNotMet, Hint::new("document_not_published").text("name", name)))
    };
    let manifests = (0..=generation).map(|generation| document(&manifest_file(generation)));
    let manifests = manifests.collect::<Result<Vec<_>>>()?;
    let mut files = vec![(METHODOLOGY.to_owned(), document(METHODOLOGY_FILE)?)];
    for issuer in issuers(cycle) {
        let ledger = document(&ledger_file(issuer.issuer_id, generation))?;
        files.push((bundle::ledger_file(issuer.issuer_id), ledger));
    }
    Ok(ExpectedRound { round, manifests, files })
}

impl Expected {
    /// The text of the manifest in force.
    pub fn manifest(&self) -> Result<&[u8]> {
        let last = self.rounds.last().and_then(|round| round.manifests.last());
        last.map(Vec::as_slice).ok_or_else(|| Error::internal("a sealed cycle has no manifest"))
    }

    /// The number of the round before the last one, where there is one.
    pub fn earlier_round(&self) -> Option<i32> {
        self.rounds.iter().rev().nth(1).map(|round| round.round)
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

/// Checks c1 to c8 of a recount for each round, that both are of one cycle, and that what was published stands in the
/// bundles unchanged: the registry's documents, and the sealed lists that reviewers were shown, else auditors would recount
/// others.
///
/// # Errors
/// `invalid` with the first finding as hint.
pub fn check_bundles(expected: &Expected, earlier: Option<(&Sealed, &Files)>, last: (&Sealed, &Files)) -> Result<()> {
    for (round, (sealed, files)) in expected.rounds.iter().zip(earlier.into_iter().chain([last])) {
        check_bundle(round, sealed, files)?;
    }
    match earlier.and_then(|(_, first)| succession::check(first, last.1).into_iter().next()) {
        Some(finding) => Err(Error::hinted(Code::Invalid, Hint::plain(finding.to_string()))),
        None => Ok(()),
    }
}

fn check_bundle(expected: &ExpectedRound, sealed: &Sealed, files: &Files) -> Result<()> {
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

/// Scores bundles that passed [`check_bundles`], adds `result.json` to the last one and makes the published images. The
/// same bundles give the same bytes.
pub fn compute(expected: &Expected, earlier: Option<&Files>, files: Files) -> Result<Computed> {
    let scored = score_rounds(earlier, &files, &expected.methodology)?;
    let encoding::Bytes(input_digest) = input_digest(earlier, &files);
    let input_digest = hex(&input_digest);
    let mut files = files;
    bundle::add_result(&mut files, &scored.to_bytes()?)?;
    Ok(Computed {
        images: images(expected, &scored)?,
        input_digest,
        algorithm_version: scored.result.algorithm.clone(),
        accepted: accepted(expected, &scored),
        bundle_digest: digest_of(&files, INDEX),
        // The bytes are canonical, so this is the digest that an auditor signs.
        result_digest: digest_of(&files, RESULT),
        files,
    })
}

/// How many reviews the last round's bundle has for each subject of that round; earlier counts are stored already.
fn accepted(expected: &Expected, scored: &Scored) -> Vec<AcceptedCount> {
    let round = expected.cycle.round;
    let of_round = expected.subjects.iter().filter(|(.., last_round)| *last_round == round);
    let row = |(evaluation_id, subject_ref, _): &(EvaluationId, Ref, i32)| AcceptedCount {
        evaluation_id: *evaluation_id,
        round,
        accepted_count: scored.accepted.get(subject_ref).copied().unwrap_or(0),
    };
    of_round.map(row).collect()
}

fn images(expected: &Expected, scored: &Scored) -> Result<Vec<(EvaluationId, Image)>> {
    let mut images: std::collections::HashMap<Ref, Image> = scored.images()?.into_iter().collect();
    let lost = || Error::internal("a subject has no result");
    let image =
        |(id, subject_ref, _): &(EvaluationId, Ref, i32)| Ok((*id, images.remove(subject_ref).ok_or_else(lost)?));
    expected.subjects.iter().map(image).collect()
}

fn digest_of(files: &Files, name: &str) -> String {
    let bytes = files.get(name).map(Vec::as_slice).unwrap_or_default();
    let encoding::Bytes(digest) = sha256(&[bytes]);
    hex(&digest)
}

/// Deletes the private halves of the issuer keys of a cycle's round; whether there were any. The caller destroys the key
/// file that could open them.
///
/// The audit entry names what was destroyed: SHA-256 of the ids of all the round's keys, ascending, which anybody can
/// compute from the published manifests of all its generations.
pub fn delete_private_keys(conn: &mut Conn, id: CycleId, round: i32, now: DateTime<Utc>) -> Result<bool> {
    let had_keys = store::issuance::delete_private_keys(conn, id, round)? > 0;
    if had_keys {
        let key_ids = store::issuance::key_ids(conn, id, round)?;
        let key_ids: Vec<&[u8]> = key_ids.iter().map(Vec::as_slice).collect();
        let entry = store::audit::NewEntry {
            digest: Some(sha256(&key_ids).to_string()),
            ..store::audit::NewEntry::new(None, "destroy_issuer_keys", "cycle", id)
        };
        store::audit::record(conn, entry, now)?;
    }
    Ok(had_keys)
}

/// Stores what the gate lets out and ends the job, in one write. The evaluations count once they are recounted.
///
/// Until the cycle reports nothing of a result has left but to auditors, who hold the reviews themselves, so what was
/// computed before may be replaced. From then on what is stored is the release of its subject, and the gate lets out that
/// release again or none: a second one would tell by its difference what a review said (rule P-3). Then nothing is written
/// but that the job has ended.
///
/// # Errors
/// 404; 409 `wrong_phase` where it was never sealed, or where it reports and a result is not what was let out.
pub fn put(conn: &mut Conn, job: JobId, id: CycleId, computed: &Computed, now: DateTime<Utc>) -> Result<()> {
    let mut cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
    check_was_sealed(&cycle)?;
    let is_released = cycle.phase != Phase::Sealed;
    let mut rows = Vec::with_capacity(computed.images.len());
    for (evaluation_id, image) in &computed.images {
        let stored = if is_released { store::results::find(conn, *evaluation_id)? } else { None };
        let earlier = stored.iter().map(ResultRow::release).collect::<Result<Vec<_>>>()?;
        let release = gate::release(image.clone(), &computed.input_digest, &earlier);
        let release = release.map_err(|_| phase_needed(&cycle, Phase::Sealed))?;
        rows.push(ResultRow::of(*evaluation_id, &release, &computed.algorithm_version)?);
    }
    if is_released {
        return store::jobs::finish(conn, job, None, now.naive_utc());
    }
    store::results::put_all(conn, &rows)?;
    store::recounts::put_accepted(conn, cycle.round, &computed.accepted)?;
    super::recounts::put_result_digest(conn, id, cycle.round, &computed.result_digest)?;
    if cycle.bundle_digest.as_ref() != Some(&computed.bundle_digest) {
        cycle.bundle_digest = Some(computed.bundle_digest.clone());
        store::cycles::update(conn, &mut cycle)?;
    }
    let count = i32::try_from(computed.images.len()).map_err(Error::internal)?;
    store::jobs::count_done(conn, job, count, now.naive_utc())?;
    store::jobs::finish(conn, job, None, now.naive_utc())?;
    let entry = store::audit::NewEntry {
        digest: Some(computed.bundle_digest.clone()),
        ..store::audit::NewEntry::new(None, "store_results", "cycle", id)
    };
    store::audit::record(conn, entry, now)?;
    Ok(())
}
