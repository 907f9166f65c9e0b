//! What two auditors state about a sealed round, and what is known of its complaints. A newcomer's usual mistake is to let
//! an auditor correct a statement; whoever could change it could also be made to.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use super::results::{check_sealed, check_was_sealed};
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::ids::CycleId;
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::cycles::Cycle;
use crate::store::recounts::{RecountOutcome, RecountStatement, SealedRound};

/// The digest of the results that are stored with a round, which are of all rounds up to it; of the present one where none
/// is named.
///
/// # Errors
/// 404, for a round that the cycle has not come to as well; 409 `wrong_phase` before the seal; 409 `guard_not_met` until
/// the results are computed.
pub fn stored_digest(conn: &mut Conn, id: CycleId, round: Option<i32>) -> Result<String> {
    let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
    let round = check_round_sealed(&cycle, round)?;
    let stored = store::recounts::find_round(conn, id, round)?.and_then(|round| round.result_digest);
    stored.ok_or_else(|| Error::hinted(Code::GuardNotMet, Hint::new("results_not_stored")))
}

/// The round that is meant, the present one where none is named.
///
/// # Errors
/// 404 for a round that the cycle has not come to; 409 `wrong_phase` before the seal.
pub fn check_round_sealed(cycle: &Cycle, round: Option<i32>) -> Result<i32> {
    let round = round.unwrap_or(cycle.round);
    match round.cmp(&cycle.round) {
        // A round that another one followed was sealed.
        Ordering::Less => {}
        Ordering::Equal => check_was_sealed(cycle)?,
        Ordering::Greater => return Err(Code::NotFound.into()),
    }
    Ok(round)
}

/// The supplementary round that has no results yet, where one is under way: of its subjects nothing is told, while what is
/// known of the others stays known.
pub fn round_under_way(conn: &mut Conn, cycle: &Cycle) -> Result<Option<i32>> {
    let known = store::recounts::find_round(conn, cycle.id, cycle.round)?;
    let is_under_way = cycle.round > 1 && known.is_none_or(|round| round.result_digest.is_none());
    Ok(is_under_way.then_some(cycle.round))
}

/// Records an auditor's statement: before the cycle reports, and afterwards where an appeal panel asked for one.
///
/// # Errors
/// As [`stored_digest`]; 409 `wrong_phase` once nothing waits for a statement; 422 where results of another digest are said to
/// be equal; 409 `already_exists` for a second one about the same results.
pub fn state(
    conn: &mut Conn,
    actor: &Actor,
    id: CycleId,
    result_digest: &str,
    outcome: RecountOutcome,
    now: DateTime<Utc>,
) -> Result<RecountStatement> {
    let stored = stored_digest(conn, id, None)?;
    let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
    // What nobody asked for then could no longer hold anything up.
    if cycle.phase != Phase::Reporting || !store::decisions::is_recount_awaited(conn, id)? {
        check_sealed(&cycle)?;
    }
    if outcome == RecountOutcome::Equal && result_digest != stored {
        return Err(Error::invalid("/result_digest", Rule::Mismatch { other: "outcome" }));
    }
    let statement = RecountStatement {
        cycle_id: id,
        round: cycle.round,
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
pub fn put_result_digest(conn: &mut Conn, id: CycleId, round: i32, result_digest: &str) -> Result<()> {
    let known = store::recounts::find_round(conn, id, round)?;
    let complaint_count = known.map_or(0, |round| round.complaint_count);
    let result_digest = Some(result_digest.to_owned());
    store::recounts::put_round(conn, &SealedRound { cycle_id: id, round, result_digest, complaint_count })
}

/// Keeps how many broken promises of the box are proven; the number never falls, as what is proven stays so.
pub fn put_complaint_count(conn: &mut Conn, id: CycleId, round: i32, count: usize, now: DateTime<Utc>) -> Result<()> {
    let complaint_count = i32::try_from(count).map_err(Error::internal)?;
    let known = store::recounts::find_round(conn, id, round)?;
    if known.as_ref().map_or(0, |round| round.complaint_count) >= complaint_count {
        return Ok(());
    }
    let result_digest = known.and_then(|round| round.result_digest);
    store::recounts::put_round(conn, &SealedRound { cycle_id: id, round, result_digest, complaint_count })?;
    let entry = store::audit::NewEntry::new(None, "record_proven_complaints", "cycle", id);
    store::audit::record(conn, entry, now)
}
