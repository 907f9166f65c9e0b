//! Freezing the manifest: from then on nothing of the round can be chosen any more. A newcomer's usual mistake is to build
//! it inside the write; it is built from one snapshot, and the write takes it only where nothing has moved since.

use chrono::{DateTime, Utc};

use super::issuance::{IssuerName, METHODOLOGY_FILE, issuers, manifest_file, methodology_of};
use crate::credential::encoding::{Blob, Bytes, Digest, Ref, sha256};
use crate::credential::frozen::Frozen;
use crate::credential::manifest::{
    BODY_SIZE, Dates, Instrument, Issuer, Item, Log, Manifest, Purpose, Subject, SubjectKey,
};
use crate::credential::seal_order::BoxKeys;
use crate::credential::signing::PublicKey;
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::cycle::dates::CycleDates;
use crate::domain::ids::{CycleId, EvaluationId};
use crate::domain::methodology::Methodology;
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::cycles::Cycle;
use crate::store::evaluations::Evaluation;
use crate::store::issuance::{DocumentKeyRow, IssuerKeyRow};

/// What a manifest is made from, in one snapshot.
pub struct Plan {
    cycle: Cycle,
    dates: CycleDates,
    methodology: Methodology,
    methodology_text: String,
    evaluations: Vec<Evaluation>,
    keys: Vec<IssuerKeyRow>,
    document_keys: Vec<DocumentKeyRow>,
}

/// Where a cycle's manifest stands.
pub enum Standing {
    /// It is frozen, with this digest.
    Frozen(Digest),
    /// It can be made from this.
    Open(Box<Plan>),
}

/// A manifest that can be stored, with the names it gives.
pub struct Built {
    cycle_id: CycleId,
    cycle_version: i64,
    methodology_text: String,
    manifest: Vec<u8>,
    digest: Digest,
    receipt_key: PublicKey,
    cycle_ref: Ref,
    subject_refs: Vec<(EvaluationId, Ref)>,
}

/// Loads what the manifest of a cycle is made from, or the digest of the one that is frozen.
///
/// # Errors
/// 404; 409 `wrong_phase` unless drawn; 409 `guard_not_met` while keys are missing.
pub fn load(conn: &mut Conn, id: CycleId) -> Result<Standing> {
    let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
    if let Some(digest) = &cycle.manifest_digest {
        return Ok(Standing::Frozen(digest.parse()?));
    }
    check_drawn(&cycle)?;
    let (methodology, methodology_text) = methodology_of(conn, &cycle)?;
    let evaluations = store::evaluations::of_cycle(conn, id)?;
    let keys = store::issuance::issuer_keys(conn, id, cycle.generation)?;
    let document_keys = store::issuance::document_keys(conn, id)?;
    let count = issuers(&cycle).len();
    if keys.len() < evaluations.len() * count || document_keys.len() < count {
        let (made, needed) = (keys.len(), evaluations.len() * count);
        return Err(Error::hinted(
            Code::GuardNotMet,
            Hint::new("keys_missing").text("made", made).text("needed", needed),
        ));
    }
    Ok(Standing::Open(Box::new(Plan {
        dates: store::cycles::dates(conn, id)?,
        cycle,
        methodology,
        methodology_text,
        evaluations,
        keys,
        document_keys,
    })))
}

/// 409 `wrong_phase` unless the panels are drawn and issuance has not begun.
pub fn check_drawn(cycle: &Cycle) -> Result<()> {
    if cycle.phase == Phase::Drawn {
        return Ok(());
    }
    Err(phase_needed(cycle, Phase::Drawn))
}

/// 409 `wrong_phase` that names the phase in which the act is done.
pub fn phase_needed(cycle: &Cycle, needed: Phase) -> Error {
    let hint = Hint::new("act_in_phase").phase("needed", needed).phase("phase", cycle.phase);
    Error::hinted(Code::WrongPhase, hint)
}

/// Builds the manifest of generation 0 with fresh names, under the box's keys.
///
/// # Errors
/// 422 with what contradicts itself, such as a panel smaller than `issued_min`.
pub fn build(plan: &Plan, box_keys: &BoxKeys) -> Result<Built> {
    let Plan { cycle, methodology, .. } = plan;
    let cycle_ref = Ref::random()?;
    let round = u32::try_from(cycle.round).map_err(Error::internal)?;
    let mut subjects = Vec::with_capacity(plan.evaluations.len());
    let mut subject_refs = Vec::with_capacity(plan.evaluations.len());
    for evaluation in &plan.evaluations {
        let subject_ref = Ref::random()?;
        subject_refs.push((evaluation.id, subject_ref));
        subjects.push(plan.subject(evaluation, subject_ref)?);
    }
    subjects.sort_unstable_by_key(|subject| subject.subject_ref);
    let used = |id: &str| plan.evaluations.iter().any(|evaluation| evaluation.instrument_id == id);
    let instruments = methodology.instruments.iter().map(|instrument| instrument.instrument_id.as_str());
    let counts = &methodology.counts;
    let manifest = Frozen::new(Manifest {
        v: 1,
        cycle_ref,
        round,
        generation: 0,
        prev_manifest_digest: None,
        methodology_digest: sha256(&[plan.methodology_text.as_bytes()]),
        utc_offset_minutes: methodology.time_limits.utc_offset_minutes,
        dates: Dates {
            issue_open: plan.dates.issue_open,
            issue_close: plan.dates.issue_close,
            submit_open: plan.dates.submit_open,
            submit_close: plan.dates.submit_close,
            seal_by: plan.dates.seal_by,
            challenge_close: plan.dates.challenge_close,
        },
        issued_min: counts.issued_min,
        display_min: counts.display_min,
        decision_min: counts.decision_min,
        body_size: u32::try_from(BODY_SIZE).map_err(Error::internal)?,
        max_seq: methodology.max_seq,
        issuers: issuers(cycle).into_iter().map(|issuer| plan.issuer(issuer)).collect::<Result<_>>()?,
        receipt_key: box_keys.receipt_key,
        log: Log::new(&box_keys.log_name, &cycle_ref, round, &box_keys.log_key)?,
        witnesses: Vec::new(),
        witness_quorum: 0,
        client_hashes: Vec::new(),
        instruments: instruments.filter(|id| used(id)).map(|id| instrument(methodology, id)).collect(),
        subjects,
    })?;
    Ok(Built {
        cycle_id: cycle.id,
        cycle_version: cycle.version,
        methodology_text: plan.methodology_text.clone(),
        manifest: manifest.bytes().to_vec(),
        digest: manifest.digest(),
        receipt_key: box_keys.receipt_key,
        cycle_ref,
        subject_refs,
    })
}

impl Plan {
    fn subject(&self, evaluation: &Evaluation, subject_ref: Ref) -> Result<Subject> {
        let keys = self.keys.iter().filter(|key| key.evaluation_id == evaluation.id);
        let key = |row: &IssuerKeyRow| {
            Ok(SubjectKey {
                issuer_id: row.issuer_id.clone(),
                purpose: Purpose::Marks,
                key_id: Bytes::from_slice(&row.key_id)?,
                spki: Blob(row.public_key.clone()),
            })
        };
        Ok(Subject {
            subject_ref,
            instrument_id: evaluation.instrument_id.clone(),
            // As drawn: whoever leaves without a successor lowers what can be issued, and that subject's gate stays closed.
            panel_size: self.methodology.counts.panel_size,
            keys: keys.map(key).collect::<Result<_>>()?,
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
    let (min, max) = (i64::from(methodology.scale.min), i64::from(methodology.scale.max));
    let items = methodology.items_of(instrument_id).unwrap_or_default();
    Instrument {
        instrument_id: instrument_id.to_owned(),
        items: items.into_iter().map(|item| Item { code: item.code.clone(), min, max }).collect(),
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
pub fn put(conn: &mut Conn, actor: &Actor, built: &Built, now: DateTime<Utc>) -> Result<Digest> {
    let mut cycle = store::cycles::find(conn, built.cycle_id)?.ok_or(Code::NotFound)?;
    if let Some(digest) = &cycle.manifest_digest {
        return digest.parse();
    }
    if cycle.version != built.cycle_version {
        return Err(Error::retry_after(Code::Busy, 1));
    }
    cycle.cycle_ref = Some(built.cycle_ref.0.to_vec());
    cycle.manifest_digest = Some(built.digest.to_string());
    cycle.receipt_key = Some(built.receipt_key.0.to_vec());
    // A receipt key is of one round; the box offers the next one as soon as it has taken a manifest in.
    if store::cycles::is_receipt_key_used(conn, &built.receipt_key.0)? {
        return Err(Error::retry_after(Code::BoxNotReady, 5));
    }
    store::cycles::update(conn, &mut cycle)?;
    for (evaluation, subject_ref) in &built.subject_refs {
        store::evaluations::set_subject_ref(conn, *evaluation, &subject_ref.0)?;
    }
    store::cycles::put_document(conn, cycle.id, &manifest_file(cycle.generation), &built.manifest)?;
    store::cycles::put_document(conn, cycle.id, METHODOLOGY_FILE, built.methodology_text.as_bytes())?;
    let entry = store::audit::NewEntry {
        digest: Some(built.digest.to_string()),
        ..store::audit::NewEntry::new(Some(actor.account_id), "freeze_manifest", "cycle", cycle.id)
    };
    store::audit::record(conn, entry, now)?;
    Ok(built.digest)
}
