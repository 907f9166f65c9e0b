//! Figures for the staff: what is due, late and blocked, and by what. A newcomer's usual mistake is to count who has sent a
//! review: nobody can, and nothing here comes near it.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::clocks::{Late, late_on_own_course};
use super::cycles::{self, Loaded};
use super::planning::{each_career, year_end};
use super::{appeals, methodologies};
use crate::db::Conn;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::cycle::{Phase, may_move};
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::CycleId;
use crate::domain::notices::{Channel, DeliveryState};
use crate::domain::planning::{Obstacle, Standing, upcoming};
use crate::error::{Code, Error, Result};
use crate::store;

/// Hints that say that a day has not come, which holds nothing up.
const WAITING: [&str; 2] = ["wait_until", "wait_until_over"];

/// How many evaluations that are to come stand in which way.
#[derive(Debug, Default)]
pub struct Coming {
    /// Due by the end of the year, or asked for.
    pub due: u32,
    /// Past their day.
    pub late: u32,
    /// With something in their way.
    pub blocked: u32,
    /// How often each obstacle stands in the way; an evaluation may have several.
    pub obstacles: BTreeMap<&'static str, u32>,
}

/// A cycle that is under way.
#[derive(Debug)]
pub struct CycleFigures {
    /// The cycle.
    pub cycle_id: CycleId,
    /// Where it stands.
    pub phase: Phase,
    /// The last day to leave the phase; none where it has none.
    pub due_on: Option<NaiveDate>,
    /// Whether that day is past.
    pub is_late: bool,
    /// What has to be done before it can move on, by the keys of the hints.
    pub blocked_by: Vec<&'static str>,
}

/// All figures.
#[derive(Debug)]
pub struct Figures {
    /// The day on which they were taken.
    pub today: NaiveDate,
    /// The years, this one and the next, whose working-day calendar is missing.
    pub calendar_years_missing: Vec<i32>,
    /// Evaluations that are to come; none where no methodology is in force.
    pub coming: Option<Coming>,
    /// Cycles that are under way, oldest first.
    pub cycles: Vec<CycleFigures>,
    /// Evaluations after the count and before their end, by state.
    pub on_own_course: Vec<(EvaluationState, i64)>,
    /// Those of them that are past the day that their state had, longest first.
    pub late_on_own_course: Vec<Late>,
    /// Decisions of which the vote has not ended.
    pub votes_open: i64,
    /// Requests of judges that a member step back which nobody has decided.
    pub recusals_open: i64,
    /// Appeals that wait for a recount which no auditor has stated.
    pub recounts_awaited: i64,
    /// Requests for correction that wait for a decision.
    pub corrections_open: i64,
    /// Those of them that are past their day.
    pub corrections_late: i64,
    /// Deliveries by each way that wait or were given up.
    pub deliveries: Vec<(Channel, DeliveryState, i64)>,
    /// Deliveries to webhooks that were given up.
    pub webhook_deliveries_given_up: i64,
    /// Withdrawals of which a system has not said that it knows, each with each system.
    pub withdrawals_unacknowledged: i64,
}

/// The figures of today.
pub fn figures(conn: &mut Conn, now: DateTime<Utc>) -> Result<Figures> {
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let this_year = today.year();
    let calendar = store::work_calendars::load(conn)?;
    let calendar_years_missing = calendar.years_missing(today, year_end(this_year + 1));
    let (corrections_open, corrections_late) = store::corrections::count_waiting(conn, today)?;
    Ok(Figures {
        today,
        calendar_years_missing,
        coming: coming(conn, now)?,
        cycles: under_way(conn, now)?,
        on_own_course: store::own_course::count(conn)?,
        late_on_own_course: late_on_own_course(conn, &calendar, now)?,
        votes_open: store::decisions::count_open(conn)?,
        recusals_open: store::recusals::count_open(conn)?,
        recounts_awaited: recounts_awaited(conn)?,
        corrections_open,
        corrections_late,
        deliveries: store::notices::count_unfinished(conn)?,
        webhook_deliveries_given_up: store::webhook_deliveries::count_given_up(conn)?,
        withdrawals_unacknowledged: store::events::count_unacknowledged(conn)?,
    })
}

fn recounts_awaited(conn: &mut Conn) -> Result<i64> {
    let mut awaited = 0;
    for (cycle, asked) in store::decisions::count_recounts_asked(conn)? {
        if appeals::recounted(conn, cycle)?.is_empty() {
            awaited += asked;
        }
    }
    Ok(awaited)
}

fn coming(conn: &mut Conn, now: DateTime<Utc>) -> Result<Option<Coming>> {
    let methodology = match methodologies::in_force(conn, now) {
        Ok((_, methodology)) => methodology,
        Err(error) if error.code() == Code::MethodologyNotInForce => return Ok(None),
        Err(error) => return Err(error),
    };
    let limits = &methodology.time_limits;
    let today = date_at(now, limits.utc_offset_minutes);
    let last = year_end(today.year());
    let mut coming = Coming::default();
    each_career(conn, today, |career| {
        for one in upcoming(career, limits, today) {
            // Whoever is exempt or out of office by the clock alone is nobody's work.
            let is_out = |obstacle: &Obstacle| {
                matches!(obstacle, Obstacle::ExemptByService | Obstacle::ExemptBeforeLeaving | Obstacle::NoPost)
            };
            let is_near = one.deadline.due_on.is_none_or(|due_on| due_on <= last);
            if one.request_id.is_none() && (!is_near || one.obstacles.iter().any(is_out)) {
                continue;
            }
            match one.standing(today, last) {
                Standing::Upcoming => {}
                Standing::Due => coming.due += 1,
                Standing::Late => coming.late += 1,
                Standing::Blocked => {
                    coming.blocked += 1;
                    for obstacle in &one.obstacles {
                        *coming.obstacles.entry(obstacle.as_str()).or_default() += 1;
                    }
                }
            }
        }
    })?;
    Ok(Some(coming))
}

fn under_way(conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<CycleFigures>> {
    let mut found = Vec::new();
    for phase in Phase::ALL.iter().copied().filter(|phase| phase.next().is_some()) {
        for id in store::cycles::in_phase(conn, phase)? {
            let loaded = cycles::load(conn, id)?;
            let today = loaded.today(now);
            let due_on = last_day(&loaded);
            let is_late = due_on.is_some_and(|due_on| due_on < today);
            let blocked_by = blocked_by(conn, &loaded, now)?;
            found.push(CycleFigures { cycle_id: id, phase, due_on, is_late, blocked_by });
        }
    }
    found.sort_by_key(|one| one.cycle_id);
    Ok(found)
}

/// The last day on which a cycle is to leave its phase.
fn last_day(loaded: &Loaded) -> Option<NaiveDate> {
    let dates = &loaded.dates;
    match loaded.cycle.phase {
        Phase::Draft => Some(dates.starts_on),
        Phase::Announced => Some(dates.file_review_open),
        Phase::FileReview => Some(dates.pool_review_open),
        Phase::PoolReview => Some(dates.draw_by),
        Phase::Drawn => Some(dates.issue_open),
        Phase::Issuance => Some(dates.submit_open),
        Phase::Submission => Some(dates.seal_by),
        Phase::Sealed => Some(dates.recount_by),
        Phase::Reporting | Phase::Closed | Phase::Cancelled => None,
    }
}

/// The guards of the next move that somebody has to do something about.
fn blocked_by(conn: &mut Conn, loaded: &Loaded, now: DateTime<Utc>) -> Result<Vec<&'static str>> {
    let Some(next) = loaded.cycle.phase.next() else { return Ok(Vec::new()) };
    let step = may_move(loaded.cycle.phase, next)?;
    match cycles::check_step(conn, loaded, step, now) {
        Ok(()) => Ok(Vec::new()),
        Err(Error::Refused(refusal)) => {
            Ok(refusal.hints.iter().map(|hint| hint.key).filter(|key| !WAITING.contains(key)).collect())
        }
        Err(error) => Err(error),
    }
}
