//! What two auditors state about a sealed round, and what is known of its complaints. A newcomer's usual mistake is to let
//! an auditor correct a statement; whoever could change it could also be made to.

use chrono::{DateTime, Utc};

use super::results::{check_sealed, check_was_sealed};
use crate::db::Conn;
use crate::domain::ids::CycleId;
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::recounts::{RecountOutcome, RecountStatement, SealedRound};

/// The digest of a cycle's stored results.
///
/// # Errors
/// 404; 409 `wrong_phase` before the seal; 409 `guard_not_met` until the results are computed.
pub fn stored_digest(conn: &mut Conn, id: CycleId) -> Result<String> {
    let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
    check_was_sealed(&cycle)?;
    let stored = store::recounts::find_round(conn, id)?.and_then(|round| round.result_digest);
    stored.ok_or_else(|| Error::hinted(Code::GuardNotMet, Hint::new("results_not_stored")))
}

/// Records an auditor's statement.
///
/// # Errors
/// As [`stored_digest`]; 422 where results of another digest are said to be equal; 409 `already_exists` for a second one.
pub fn state(
    conn: &mut Conn,
    actor: &Actor,
    id: CycleId,
    result_digest: &str,
    outcome: RecountOutcome,
    now: DateTime<Utc>,
) -> Result<RecountStatement> {
    let stored = stored_digest(conn, id)?;
    // What is stated later could no longer hold anything up.
    check_sealed(&store::cycles::find(conn, id)?.ok_or(Code::NotFound)?)?;
    if outcome == RecountOutcome::Equal && result_digest != stored {
        return Err(Error::invalid("/result_digest", Rule::Mismatch { other: "outcome" }));
    }
    let statement = RecountStatement {
        cycle_id: id,
        account_id: actor.account_id,
        result_digest: result_digest.to_owned(),
        outcome,
        stated_at: now.naive_utc(),
    };
    store::recounts::insert(conn, &statement)?;
    let act = format!("state_recount_{outcome}");
    let entry = store::audit::NewEntry {
        digest: Some(statement.result_digest.clone()),
        ..store::audit::NewEntry::new(Some(actor.account_id), &act, "cycle", id)
    };
    store::audit::record(conn, entry, now)?;
    Ok(statement)
}

/// Keeps the digest of the results that were just computed.
pub fn put_result_digest(conn: &mut Conn, id: CycleId, result_digest: &str) -> Result<()> {
    let known = store::recounts::find_round(conn, id)?;
    let complaint_count = known.map_or(0, |round| round.complaint_count);
    let round = SealedRound { cycle_id: id, result_digest: Some(result_digest.to_owned()), complaint_count };
    store::recounts::put_round(conn, &round)
}

/// Keeps how many broken promises of the box are proven; the number never falls, as what is proven stays so.
pub fn put_complaint_count(conn: &mut Conn, id: CycleId, count: usize, now: DateTime<Utc>) -> Result<()> {
    let complaint_count = i32::try_from(count).map_err(Error::internal)?;
    let known = store::recounts::find_round(conn, id)?;
    if known.as_ref().map_or(0, |round| round.complaint_count) >= complaint_count {
        return Ok(());
    }
    let result_digest = known.and_then(|round| round.result_digest);
    store::recounts::put_round(conn, &SealedRound { cycle_id: id, result_digest, complaint_count })?;
    let entry = store::audit::NewEntry::new(None, "record_proven_complaints", "cycle", id);
    store::audit::record(conn, entry, now)
}
