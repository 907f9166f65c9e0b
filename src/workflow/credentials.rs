//! Collecting credentials: a judge has every blinded message of a cycle signed at once (`privacy.md` 5). A newcomer's usual
//! mistake is to sign what is asked for: the request must cover all of the judge's assignments, so that nobody shows
//! interest in one subject, and all of it is judged before anything is signed.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveTime, Utc};

use super::issuance::{issuers, key_context, ledger_file, methodology_of, today};
use crate::cipher::{Cipher, Use};
use crate::credential::blind_rsa::{IssuerKey, IssuerPublicKey};
use crate::credential::encoding::{Digest, sha256};
use crate::db::Conn;
use crate::domain::ids::{AssignmentId, EvaluationId, JudgeId};
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::assignments::{AssignmentState, Duty};
use crate::store::cycles::Cycle;
use crate::store::issuance::{Issuance, IssuerKeyRow};

/// One blinded message with the key that shall sign it.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The judge's assignment.
    pub assignment_id: AssignmentId,
    /// The issuer.
    pub issuer_id: String,
    /// The issuer's key for the subject.
    pub key_id: Digest,
    /// What is to be signed.
    pub blinded_msg: Vec<u8>,
}

/// A request that passed every check, with the key for each of its messages.
pub struct Admitted {
    cycle: Cycle,
    keys: Vec<IssuerKeyRow>,
    /// What is stored already, of these assignments.
    stored: Vec<Issuance>,
}

/// Why nothing was signed.
pub enum SigningFault {
    /// The key computed a wrong signature: it must never be used again.
    Key(Vec<u8>),
    /// Anything else.
    Other(Error),
}

impl Admitted {
    /// The cycle that the credentials are for.
    pub fn cycle(&self) -> &Cycle {
        &self.cycle
    }
}

/// Judges a request, all of it, in the order of the design; nothing is signed or stored.
///
/// # Errors
/// 403 `not_assigned` or `recused`; 412 `manifest_mismatch`; 425 `too_early`; 410 `window_closed`; 422
/// `incomplete_request`; 422 `bad_blinded_msg`; 409 `credential_already_issued`.
pub fn admit(
    conn: &mut Conn,
    judge: JudgeId,
    manifest_digest: &Digest,
    asks: &[Ask],
    now: DateTime<Utc>,
) -> Result<Admitted> {
    let duties = store::assignments::duties_of(conn, judge)?;
    let asked = asks.iter().map(|ask| duties.iter().find(|duty| duty.assignment.id == ask.assignment_id));
    let asked: Vec<&Duty> = asked.collect::<Option<_>>().ok_or(Code::NotAssigned)?;
    if asked.iter().any(|duty| duty.assignment.state == AssignmentState::Recused) {
        return Err(Code::Recused.into());
    }
    let named = Some(manifest_digest.to_string());
    let cycle = asked.first().map(|duty| duty.cycle.clone()).ok_or(Code::IncompleteRequest)?;
    if asked.iter().any(|duty| duty.cycle.id != cycle.id) || cycle.manifest_digest != named {
        return Err(Code::ManifestMismatch.into());
    }
    check_window(conn, &cycle, now)?;
    let own: Vec<&Duty> = duties
        .iter()
        .filter(|duty| duty.cycle.id == cycle.id && duty.assignment.state != AssignmentState::Recused)
        .collect();
    let keys = keys_of(conn, &own, cycle.round, asks)?;
    check_messages(&keys, asks)?;
    let ids: Vec<AssignmentId> = own.iter().map(|duty| duty.assignment.id).collect();
    let stored = store::issuance::issuances_of(conn, &ids)?;
    let is_other = |ask: &Ask| stored.iter().any(|row| is_same_slot(row, ask) && row.blinded_hash != hash_of(ask));
    if asks.iter().filter(|ask| is_other(ask)).count() > 0 {
        return Err(Code::CredentialAlreadyIssued.into());
    }
    Ok(Admitted { cycle, keys, stored })
}

/// Open by date alone; and closed for good once a ledger says what was issued.
fn check_window(conn: &mut Conn, cycle: &Cycle, now: DateTime<Utc>) -> Result<()> {
    let (methodology, _) = methodology_of(conn, cycle)?;
    let dates = store::cycles::dates(conn, cycle.id)?;
    let today = today(&methodology, now);
    if today < dates.issue_open {
        return Err(Error::hinted(Code::TooEarly, Hint::new("wait_until").text("day", dates.issue_open)));
    }
    let mut is_closed = today > dates.issue_close;
    for issuer in issuers(cycle) {
        let ledger = ledger_file(issuer.issuer_id, cycle.generation);
        is_closed |= store::cycles::document(conn, cycle.id, cycle.round, &ledger)?.is_some();
    }
    if !is_closed {
        return Ok(());
    }
    Err(Error::hinted(Code::WindowClosed, Hint::new("credentials_too_late").text("day", dates.issue_close)))
}

/// The key of each ask; `incomplete_request` unless each names another slot that exists and no slot not yet issued is
/// left out.
fn keys_of(conn: &mut Conn, own: &[&Duty], round: i32, asks: &[Ask]) -> Result<Vec<IssuerKeyRow>> {
    let evaluations: Vec<EvaluationId> = own.iter().map(|duty| duty.evaluation.id).collect();
    let rows = store::issuance::current_keys(conn, &evaluations, round)?;
    let slot = |ask: &Ask| {
        let duty = own.iter().find(|duty| duty.assignment.id == ask.assignment_id)?;
        let is_asked = |row: &&IssuerKeyRow| {
            row.evaluation_id == duty.evaluation.id && row.issuer_id == ask.issuer_id && row.key_id == ask.key_id.0
        };
        rows.iter().find(is_asked).cloned()
    };
    let keys: Option<Vec<IssuerKeyRow>> = asks.iter().map(slot).collect();
    let covered: BTreeSet<(AssignmentId, &str)> =
        asks.iter().map(|ask| (ask.assignment_id, ask.issuer_id.as_str())).collect();
    let mut is_complete = covered.len() == asks.len();
    for duty in own.iter().filter(|duty| duty.assignment.state == AssignmentState::Drawn) {
        for row in rows.iter().filter(|row| row.evaluation_id == duty.evaluation.id) {
            is_complete &= covered.contains(&(duty.assignment.id, row.issuer_id.as_str()));
        }
    }
    keys.filter(|_| is_complete).ok_or_else(|| Code::IncompleteRequest.into())
}

/// Looks at every message before it answers, so that the time does not tell which one is bad.
fn check_messages(keys: &[IssuerKeyRow], asks: &[Ask]) -> Result<()> {
    let mut bad = 0;
    for (row, ask) in keys.iter().zip(asks) {
        bad += usize::from(IssuerPublicKey::from_spki_der(&row.public_key)?.check_blinded(&ask.blinded_msg).is_err());
    }
    if bad > 0 { Err(Code::BadBlindedMsg.into()) } else { Ok(()) }
}

/// Signs every message of an admitted request; nothing of it where one fails.
pub fn sign(admitted: &Admitted, round_key: &Cipher, asks: &[Ask]) -> std::result::Result<Vec<Vec<u8>>, SigningFault> {
    let cycle = &admitted.cycle;
    let mut signatures = Vec::with_capacity(asks.len());
    for (row, ask) in admitted.keys.iter().zip(asks) {
        let key = open_key(cycle, round_key, row).map_err(SigningFault::Other)?;
        let signature = key.sign_unless_faulty(&ask.blinded_msg).map_err(SigningFault::Other)?;
        signatures.push(signature.ok_or_else(|| SigningFault::Key(row.key_id.clone()))?);
    }
    Ok(signatures)
}

fn open_key(cycle: &Cycle, round_key: &Cipher, row: &IssuerKeyRow) -> Result<IssuerKey> {
    let wrapped = row.wrapped_private_key.as_deref().ok_or_else(|| Error::internal("an issuer key is disabled"))?;
    let context = key_context(cycle.id, cycle.round, row.evaluation_id, &row.issuer_id, row.generation);
    let opened = round_key.open(Use::IssuerKey, &context, wrapped)?;
    IssuerKey::from_pkcs8_der(&opened.ok_or_else(|| Error::internal("an issuer key does not open"))?)
}

/// Notes what was signed, after judging the request once more: nothing must have changed since it was admitted.
///
/// The audit entry bears the date alone and names no assignment; its place between other entries still bounds the time,
/// which links to nothing in the box, where no time is kept.
///
/// # Errors
/// As [`admit`].
pub fn keep(
    conn: &mut Conn,
    actor: &Actor,
    judge: JudgeId,
    manifest_digest: &Digest,
    asks: &[Ask],
    now: DateTime<Utc>,
) -> Result<()> {
    let Admitted { cycle, stored, .. } = admit(conn, judge, manifest_digest, asks, now)?;
    let new: Vec<&Ask> = asks.iter().filter(|ask| !stored.iter().any(|row| is_same_slot(row, ask))).collect();
    for ask in &new {
        let row = Issuance {
            assignment_id: ask.assignment_id,
            issuer_id: ask.issuer_id.clone(),
            key_id: ask.key_id.0.to_vec(),
            blinded_hash: hash_of(ask),
        };
        store::issuance::insert_issuance(conn, &row)?;
        let (drawn, issued) = (AssignmentState::Drawn, AssignmentState::Issued);
        // With several issuers the first of them has moved it already.
        store::assignments::set_state(conn, ask.assignment_id, drawn, issued, None)?;
    }
    if new.is_empty() {
        return Ok(());
    }
    let midnight = now.date_naive().and_time(NaiveTime::MIN).and_utc();
    let entry = store::audit::NewEntry::new(Some(actor.account_id), "collect_credentials", "cycle", cycle.id);
    store::audit::record(conn, entry, midnight)?;
    Ok(())
}

fn is_same_slot(row: &Issuance, ask: &Ask) -> bool {
    (row.assignment_id, row.issuer_id.as_str(), row.key_id.as_slice())
        == (ask.assignment_id, ask.issuer_id.as_str(), ask.key_id.0.as_slice())
}

fn hash_of(ask: &Ask) -> Vec<u8> {
    sha256(&[&ask.blinded_msg]).0.to_vec()
}
