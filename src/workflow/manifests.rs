//! Freezing the manifest: from then on nothing of the round can be chosen any more. A newcomer's usual mistake is to build
//! it inside the write; it is built from one snapshot, and the write takes it only where nothing has moved since.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::issuance::{
    IssuerName, METHODOLOGY_FILE, issuers, manifest_file, methodology_of, newest_manifest, round_counts,
};
use super::reading_packs;
use crate::cipher::Cipher;
use crate::credential::encoding::{Blob, Bytes, Digest, Ref, sha256};
use crate::credential::frozen::Frozen;
use crate::credential::jcs;
use crate::credential::manifest::{
    BODY_SIZE, Dates, Instrument, Issuer, Item, Log, Manifest, Purpose, Subject, SubjectKey,
};
use crate::credential::note::VerifierKey;
use crate::credential::seal_order::BoxKeys;
use crate::credential::signing::PublicKey;
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::cycle::dates::CycleDates;
use crate::domain::ids::{CycleId, EvaluationId, JudgeId};
use crate::domain::methodology::Methodology;
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::cycles::Cycle;
use crate::store::evaluations::Evaluation;
use crate::store::issuance::{DocumentKeyRow, IssuerKeyRow};

/// What the first manifest of a round is made from, in one snapshot.
pub struct Plan {
    cycle: Cycle,
    dates: CycleDates,
    methodology: Methodology,
    methodology_text: String,
    evaluations: Vec<Evaluation>,
    keys: Vec<IssuerKeyRow>,
    document_keys: Vec<DocumentKeyRow>,
    /// The box's log key as the youngest manifest of the registry names it.
    box_key: Option<PublicKey>,
}

/// What a later generation is made from, in one snapshot: the one before, and what has changed.
pub struct NextPlan {
    cycle: Cycle,
    dates: CycleDates,
    previous: Vec<u8>,
    /// The keys of this generation, each with the box's name of its subject.
    keys: Vec<(Ref, IssuerKeyRow)>,
    /// The subjects whose new keys come too late, and who keep the old ones.
    dropped: Vec<EvaluationId>,
}

/// Where a cycle's manifest stands.
pub enum Standing {
    /// It is frozen, with this digest.
    Frozen(Digest),
    /// The first generation can be made from this.
    First(Box<Plan>),
    /// The next generation can be made from this.
    Next(Box<NextPlan>),
}

/// A manifest that can be stored.
pub struct Built {
    cycle_id: CycleId,
    cycle_version: i64,
    manifest: Vec<u8>,
    digest: Digest,
    /// The days that it tells.
    dates: CycleDates,
    /// What the first generation settles for all that follow.
    names: Option<Names>,
    /// The subjects who keep the keys that two persons wanted to replace.
    dropped: Vec<EvaluationId>,
}

/// What the first manifest of a round gives out.
struct Names {
    methodology_text: String,
    receipt_key: PublicKey,
    cycle_ref: Ref,
    subject_refs: Vec<(EvaluationId, Ref)>,
    /// SHA-256 of who is meant by each name, for the audit log: the manifest itself names no judge.
    binding: Digest,
}

/// Who is meant by one of the manifest's names.
#[derive(Serialize)]
struct Bound {
    judge_id: JudgeId,
    subject_ref: Ref,
}

/// Loads what the manifest of a cycle is made from, or the digest of the one that is frozen.
///
/// # Errors
/// 404; 409 `wrong_phase` unless drawn, or under way with a generation to be made; 409 `guard_not_met` while keys are
/// missing, or a reading pack is not frozen.
pub fn load(conn: &mut Conn, id: CycleId, now: DateTime<Utc>) -> Result<Standing> {
    let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
    if let Some(digest) = &cycle.manifest_digest {
        return Ok(Standing::Frozen(digest.parse()?));
    }
    if cycle.receipt_key.is_some() {
        return load_next(conn, cycle, now).map(|plan| Standing::Next(Box::new(plan)));
    }
    check_keys_due(&cycle)?;
    reading_packs::expect_frozen(conn, id)?;
    let (methodology, methodology_text) = methodology_of(conn, &cycle)?;
    let evaluations = store::evaluations::of_round(conn, id, cycle.round)?;
    let keys = store::issuance::issuer_keys(conn, id, cycle.round, cycle.generation)?;
    let document_keys = store::issuance::document_keys(conn, id)?;
    let count = issuers(&cycle).len();
    if keys.len() < evaluations.len() * count || document_keys.len() < count {
        return Err(keys_missing(keys.len(), evaluations.len() * count));
    }
    Ok(Standing::First(Box::new(Plan {
        dates: store::cycles::dates(conn, id)?,
        cycle,
        methodology,
        methodology_text,
        evaluations,
        keys,
        document_keys,
        box_key: pinned_box_key(conn)?,
    })))
}

/// The box has one log key for years, so the first manifest that was frozen pins it for all that follow.
fn pinned_box_key(conn: &mut Conn) -> Result<Option<PublicKey>> {
    let Some(youngest) = store::cycles::newest_document(conn, &manifest_file(0))? else { return Ok(None) };
    let log_key = VerifierKey::parse(&Manifest::parse(&youngest)?.log.vkey)?;
    Ok(Some(*log_key.key()))
}

/// Loads what the next generation is made from.
fn load_next(conn: &mut Conn, cycle: Cycle, now: DateTime<Utc>) -> Result<NextPlan> {
    check_keys_due(&cycle)?;
    let previous = newest_manifest(conn, &cycle)?.ok_or_else(|| Error::internal("a generation is missing"))?;
    let bumped = store::issuance::key_bumps(conn, cycle.id, cycle.round, cycle.generation)?;
    let before = Manifest::parse(&previous)?;
    // From its opening on the box may hold reviews under the old keys, and every client takes a change for an attack. So
    // new keys that were not frozen in time are dropped; else nothing could be frozen any more, and nothing sealed.
    if !bumped.is_empty() && before.date_at(now) >= before.dates.submit_open {
        let dates = in_time(store::cycles::dates(conn, cycle.id)?, &before.dates, before.date_at(now));
        return Ok(NextPlan { dates, cycle, previous, keys: Vec::new(), dropped: bumped });
    }
    let rows = store::issuance::issuer_keys(conn, cycle.id, cycle.round, cycle.generation)?;
    let needed = bumped.len() * issuers(&cycle).len();
    if rows.len() < needed {
        return Err(keys_missing(rows.len(), needed));
    }
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        let subject = store::evaluations::find(conn, row.evaluation_id)?.and_then(|found| found.subject_ref);
        let subject = subject.ok_or_else(|| Error::internal("a subject with a new key has no name"))?;
        keys.push((Ref::from_slice(&subject)?, row));
    }
    let dates = in_time(store::cycles::dates(conn, cycle.id)?, &before.dates, before.date_at(now));
    Ok(NextPlan { dates, cycle, previous, keys, dropped: Vec::new() })
}

/// The days of the next generation. Those asked for in time and not frozen in time are void: the box opens and closes by
/// the days that it knows, and what has closed meanwhile is not opened again.
fn in_time(dates: CycleDates, frozen: &Dates, today: NaiveDate) -> CycleDates {
    let is_issuance_moved = (dates.issue_close, dates.submit_open) != (frozen.issue_close, frozen.submit_open);
    if today <= frozen.submit_close && (today < frozen.submit_open || !is_issuance_moved) {
        return dates;
    }
    let Dates { issue_open, issue_close, submit_open, submit_close, seal_by, challenge_close } = *frozen;
    CycleDates { issue_open, issue_close, submit_open, submit_close, seal_by, challenge_close, ..dates }
}

fn keys_missing(made: usize, needed: usize) -> Error {
    Error::hinted(Code::GuardNotMet, Hint::new("keys_missing").text("made", made).text("needed", needed))
}

/// 409 `wrong_phase` unless keys can be asked for: the panels are drawn and issuance has not begun, or two persons have
/// begun a new generation.
pub fn check_keys_due(cycle: &Cycle) -> Result<()> {
    let is_next_due = cycle.receipt_key.is_some() && cycle.manifest_digest.is_none();
    match cycle.phase {
        Phase::Drawn => Ok(()),
        Phase::Issuance | Phase::Submission if is_next_due => Ok(()),
        _ => Err(phase_needed(cycle, Phase::Drawn)),
    }
}

/// 409 `wrong_phase` that names the phase in which the act is done.
pub fn phase_needed(cycle: &Cycle, needed: Phase) -> Error {
    let hint = Hint::new("act_in_phase").phase("needed", needed).phase("phase", cycle.phase);
    Error::hinted(Code::WrongPhase, hint)
}

/// Builds the manifest of generation 0 under the box's keys, whose log key must be the one agreed with its operator or,
/// where none is configured, the one of all earlier manifests. In the first round its names are fresh, in a later one the
/// same, by which the reviews of both are counted together. `client_hashes` are the pages that it vouches for.
///
/// # Errors
/// 409 `box_not_ready` where it is another one; 422 with what contradicts itself, such as a panel smaller than `issued_min`.
pub fn build(plan: &Plan, box_keys: &BoxKeys, agreed: Option<PublicKey>, client_hashes: Vec<Digest>) -> Result<Built> {
    if agreed.or(plan.box_key).is_some_and(|known| known != box_keys.log_key) {
        let shown = Hint::new("box_key_changed").text("key", box_keys.log_key);
        return Err(Error::hinted(Code::BoxNotReady, shown));
    }
    let Plan { cycle, methodology, .. } = plan;
    let cycle_ref = cycle.cycle_ref.as_deref().map_or_else(Ref::random, Ref::from_slice)?;
    let round = u32::try_from(cycle.round).map_err(Error::internal)?;
    let mut subjects = Vec::with_capacity(plan.evaluations.len());
    let mut subject_refs = Vec::with_capacity(plan.evaluations.len());
    let mut bound = Vec::with_capacity(plan.evaluations.len());
    for evaluation in &plan.evaluations {
        let subject_ref = evaluation.subject_ref.as_deref().map_or_else(Ref::random, Ref::from_slice)?;
        subject_refs.push((evaluation.id, subject_ref));
        bound.push(Bound { judge_id: evaluation.judge_id, subject_ref });
        subjects.push(plan.subject(evaluation, subject_ref)?);
    }
    subjects.sort_unstable_by_key(|subject| subject.subject_ref);
    bound.sort_unstable_by_key(|bound| bound.subject_ref);
    let used = |id: &str| plan.evaluations.iter().any(|evaluation| evaluation.instrument_id == id);
    let instruments = methodology.instruments.iter().map(|instrument| instrument.instrument_id.as_str());
    let counts = &methodology.counts;
    let of_round = round_counts(methodology, cycle)?;
    let manifest = Frozen::new(Manifest {
        v: 1,
        cycle_ref,
        round,
        generation: 0,
        prev_manifest_digest: None,
        methodology_digest: sha256(&[plan.methodology_text.as_bytes()]),
        utc_offset_minutes: methodology.time_limits.utc_offset_minutes,
        dates: public_dates(&plan.dates),
        issued_min: of_round.issued_min,
        display_min: counts.display_min,
        decision_min: counts.decision_min,
        body_size: u32::try_from(BODY_SIZE).map_err(Error::internal)?,
        max_seq: methodology.max_seq,
        issuers: issuers(cycle).into_iter().map(|issuer| plan.issuer(issuer)).collect::<Result<_>>()?,
        receipt_key: box_keys.receipt_key,
        log: Log::new(&box_keys.log_name, &cycle_ref, round, &box_keys.log_key)?,
        witnesses: Vec::new(),
        witness_quorum: 0,
        client_hashes,
        instruments: instruments.filter(|id| used(id)).map(|id| instrument(methodology, id)).collect(),
        subjects,
    })?;
    Ok(Built {
        cycle_id: cycle.id,
        cycle_version: cycle.version,
        manifest: manifest.bytes().to_vec(),
        digest: manifest.digest(),
        dates: plan.dates,
        names: Some(Names {
            methodology_text: plan.methodology_text.clone(),
            receipt_key: box_keys.receipt_key,
            cycle_ref,
            subject_refs,
            binding: sha256(&[&jcs::canonical(&bound)?]),
        }),
        dropped: Vec::new(),
    })
}

/// Builds the next generation: the one before with the days as they are now, and new keys where there are any.
///
/// # Errors
/// 422 with what contradicts itself.
pub fn build_next(plan: &NextPlan) -> Result<Built> {
    let previous = Frozen::parse(&plan.previous)?;
    let mut manifest = previous.manifest().clone();
    manifest.generation += 1;
    manifest.prev_manifest_digest = Some(previous.digest());
    manifest.dates = public_dates(&plan.dates);
    for (subject_ref, row) in &plan.keys {
        let subject = manifest.subjects.iter_mut().find(|subject| subject.subject_ref == *subject_ref);
        let slot = subject.and_then(|subject| subject.keys.iter_mut().find(|key| key.issuer_id == row.issuer_id));
        *slot.ok_or_else(|| Error::internal("a new key has no place in the manifest"))? = subject_key(row)?;
    }
    let manifest = Frozen::new(manifest)?;
    manifest.succeeds(&previous)?;
    Ok(Built {
        cycle_id: plan.cycle.id,
        cycle_version: plan.cycle.version,
        manifest: manifest.bytes().to_vec(),
        digest: manifest.digest(),
        dates: plan.dates,
        names: None,
        dropped: plan.dropped.clone(),
    })
}

fn public_dates(dates: &CycleDates) -> Dates {
    Dates {
        issue_open: dates.issue_open,
        issue_close: dates.issue_close,
        submit_open: dates.submit_open,
        submit_close: dates.submit_close,
        seal_by: dates.seal_by,
        challenge_close: dates.challenge_close,
    }
}

fn subject_key(row: &IssuerKeyRow) -> Result<SubjectKey> {
    Ok(SubjectKey {
        issuer_id: row.issuer_id.clone(),
        purpose: Purpose::Marks,
        key_id: Bytes::from_slice(&row.key_id)?,
        spki: Blob(row.public_key.clone()),
    })
}

impl Plan {
    fn subject(&self, evaluation: &Evaluation, subject_ref: Ref) -> Result<Subject> {
        let keys = self.keys.iter().filter(|key| key.evaluation_id == evaluation.id);
        Ok(Subject {
            subject_ref,
            instrument_id: evaluation.instrument_id.clone(),
            // As drawn: whoever leaves without a successor lowers what can be issued, and that subject's gate stays closed.
            panel_size: round_counts(&self.methodology, &self.cycle)?.panel_size,
            keys: keys.map(subject_key).collect::<Result<_>>()?,
        })
    }

    fn issuer(&self, issuer: IssuerName) -> Result<Issuer> {
        let row = self.document_keys.iter().find(|key| key.issuer_id == issuer.issuer_id);
        let row = row.ok_or_else(|| Error::internal("an issuer has no document key"))?;
        Ok(Issuer {
            issuer_id: issuer.issuer_id.to_owned(),
            name: issuer.name,
            doc_key: Bytes::from_slice(&row.public_key)?,
        })
    }
}

fn instrument(methodology: &Methodology, instrument_id: &str) -> Instrument {
    let items = methodology.scale.and_then(|scale| {
        let (min, max) = (i64::from(scale.min), i64::from(scale.max));
        let items = methodology.items_of(instrument_id)?;
        Some(items.into_iter().map(|item| Item { code: item.code.clone(), min, max }).collect())
    });
    Instrument {
        instrument_id: instrument_id.to_owned(),
        items: items.unwrap_or_default(),
        statements: methodology.statements.iter().map(|statement| statement.code.clone()).collect(),
        max_statements: methodology.counts.statements_per_review_max,
    }
}

/// Stores a manifest with its methodology and names, where the cycle has not moved since its plan was loaded; the digest
/// of the manifest that stands, which is an earlier one where somebody was faster.
///
/// # Errors
/// 503 `busy` where the cycle has moved; the same request will then tell why. 409 `box_not_ready` where another round
/// already has the receipt key that the box still offers.
pub fn put(conn: &mut Conn, cipher: &Cipher, actor: &Actor, built: &Built, now: DateTime<Utc>) -> Result<Digest> {
    let mut cycle = store::cycles::find(conn, built.cycle_id)?.ok_or(Code::NotFound)?;
    if let Some(digest) = &cycle.manifest_digest {
        return digest.parse();
    }
    if cycle.version != built.cycle_version {
        return Err(Error::retry_after(Code::Busy, 1));
    }
    cycle.manifest_digest = Some(built.digest.to_string());
    if let Some(names) = &built.names {
        // A receipt key is of one round; the box offers the next one as soon as it has taken a manifest in.
        if store::cycles::is_receipt_key_used(conn, &names.receipt_key.0)? {
            return Err(Error::retry_after(Code::BoxNotReady, 5));
        }
        cycle.cycle_ref = Some(names.cycle_ref.0.to_vec());
        cycle.receipt_key = Some(names.receipt_key.0.to_vec());
        for (evaluation, subject_ref) in &names.subject_refs {
            store::evaluations::set_subject_ref(conn, *evaluation, &subject_ref.0)?;
        }
        store::cycles::put_document(conn, cycle.id, cycle.round, METHODOLOGY_FILE, names.methodology_text.as_bytes())?;
        // Checkpoints of the log are kept outside, so that nobody gives a result to another judge afterwards.
        let entry = store::audit::NewEntry {
            digest: Some(names.binding.to_string()),
            ..store::audit::NewEntry::new(Some(actor.account_id), "bind_subjects", "cycle", cycle.id)
        };
        store::audit::record(conn, entry, now)?;
    }
    for evaluation in &built.dropped {
        store::issuance::drop_key_bump(conn, *evaluation, cycle.round, cycle.generation)?;
        let entry = store::audit::NewEntry::new(Some(actor.account_id), "drop_key_bump", "evaluation", evaluation);
        store::audit::record(conn, entry, now)?;
    }
    store::cycles::update(conn, &mut cycle)?;
    store::cycles::set_dates(conn, cycle.id, &built.dates)?;
    store::cycles::put_document(conn, cycle.id, cycle.round, &manifest_file(cycle.generation), &built.manifest)?;
    let entry = store::audit::NewEntry {
        digest: Some(built.digest.to_string()),
        ..store::audit::NewEntry::new(Some(actor.account_id), "freeze_manifest", "cycle", cycle.id)
    };
    store::audit::record(conn, entry, now)?;
    if built.names.is_some() {
        reading_packs::publish(conn, cipher, &cycle, &Frozen::parse(&built.manifest)?, now)?;
    }
    Ok(built.digest)
}
