//! The supplementary round: once in a cycle, reviewers are added for the subjects whose reviews are too few. A newcomer's
//! usual mistake is to publish the others first: the whole cycle waits, since variances are pooled over all its panels, and
//! whatever is computed twice tells by its difference who said what.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::cycles::{self, Loaded, Mover};
use super::draws;
use super::manifests::phase_needed;
use crate::cipher::Cipher;
use crate::db::Conn;
use crate::domain::calendar::days_after;
use crate::domain::cycle::dates::CycleDates;
use crate::domain::cycle::{Phase, SUPPLEMENT};
use crate::domain::ids::{CycleId, EvaluationId};
use crate::error::{Error, Result, Rule};
use crate::store;
use crate::store::cycles::EarlierRound;

/// Days within which issuance of the round must open: nobody can move it nearer, or cancel it.
const DAYS_AHEAD_MAX: u32 = 90;

/// What is asked for beside the cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supplement {
    /// The first day on which credentials of the round are issued; its other days follow from the methodology.
    pub issue_open: NaiveDate,
}

/// Whether the supplementary round of a cycle can begin now; the days that it would have.
///
/// # Errors
/// 404; 409 `wrong_phase` unless sealed; 409 `guard_not_met` with every guard that is not met; 422 for a day that is not
/// within the next three months.
pub fn check(conn: &mut Conn, id: CycleId, parameters: &str, now: DateTime<Utc>) -> Result<(Loaded, CycleDates)> {
    let Supplement { issue_open } = serde_json::from_str(parameters).map_err(Error::internal)?;
    let loaded = cycles::load(conn, id)?;
    if loaded.cycle.phase != Phase::Sealed {
        return Err(phase_needed(&loaded.cycle, Phase::Sealed));
    }
    cycles::check_step(conn, &loaded, SUPPLEMENT, now)?;
    let today = loaded.today(now);
    if issue_open <= today {
        return Err(Error::invalid("/issue_open", Rule::Order { other: "today" }));
    }
    if issue_open > days_after(today, DAYS_AHEAD_MAX) {
        return Err(Error::invalid("/issue_open", Rule::Format { expected: "a date within the next 90 days" }));
    }
    let dates = loaded.dates.supplementary(issue_open, &loaded.methodology, &store::work_calendars::load(conn)?);
    Ok((loaded, dates))
}

/// Puts the first round aside and draws the second: its subjects are those without a result that may ground a decision.
/// All results of the cycle go; they are computed once, over both rounds.
///
/// # Errors
/// As [`check`]; 409 `pool_too_small` where one of them has no panel of reviewers who are new: then nothing happens.
pub fn begin(
    conn: &mut Conn,
    cipher: &Cipher,
    id: CycleId,
    parameters: &str,
    mover: Mover<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    let (loaded, dates) = check(conn, id, parameters, now)?;
    let today = loaded.today(now);
    let Loaded { mut cycle, methodology, .. } = loaded;
    let missing = || Error::internal("a round with results lacks its manifest, its key or its bundle");
    store::cycles::insert_earlier(
        conn,
        &EarlierRound {
            cycle_id: id,
            round: cycle.round,
            generation: cycle.generation,
            manifest_digest: cycle.manifest_digest.take().ok_or_else(missing)?,
            receipt_key: cycle.receipt_key.take().ok_or_else(missing)?,
            sealed_on: cycle.sealed_on.take(),
            bundle_digest: cycle.bundle_digest.take().ok_or_else(missing)?,
        },
    )?;
    let short: Vec<EvaluationId> = store::results::short_of_cycle(conn, id)?;
    cycle.round += 1;
    cycle.generation = 0;
    store::evaluations::set_last_round(conn, &short, cycle.round)?;
    store::assignments::delete_reserve(conn, &short)?;
    store::results::delete_of_cycle(conn, id)?;
    store::cycles::set_dates(conn, id, &dates)?;
    draws::draw(conn, cipher, &cycle, &methodology, today, now)?;
    cycles::enter(conn, &mut cycle, SUPPLEMENT, mover, now)
}
