//! The clocks of one evaluation, and those that run for one judge, from what is on record. A newcomer's usual mistake is to
//! keep a due day in a row: an absence that is recorded later moves it, so it is counted anew whenever somebody asks.

use chrono::{DateTime, NaiveDate, Utc};

use super::{cycles, methodologies, planning};
use crate::db::Conn;
use crate::domain::calendar::date_at;
use crate::domain::cycle::Phase;
use crate::domain::cycle::clocks::{EvaluationClock, clocks};
use crate::domain::ids::JudgeId;
use crate::domain::methodology::limits::TimeLimits;
use crate::domain::pauses::Pause;
use crate::domain::planning::{Upcoming, stopping, upcoming};
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::evaluations::Evaluation;

/// The clocks of an evaluation with the day on which they are looked at, and the years whose calendar is missing.
#[derive(Debug)]
pub struct Clocks {
    /// The clocks, in their order.
    pub clocks: Vec<EvaluationClock>,
    /// The calendar day of the request where the cycle takes place.
    pub today: NaiveDate,
    /// The years through which days were counted by weekends alone.
    pub years_missing: Vec<i32>,
}

/// The clocks of an evaluation.
pub fn of_evaluation(conn: &mut Conn, evaluation: &Evaluation, now: DateTime<Utc>) -> Result<Clocks> {
    let loaded = cycles::load(conn, evaluation.cycle_id)?;
    let limits = &loaded.methodology.time_limits;
    let reporting_at = store::cycles::entered_at(conn, loaded.cycle.id, Phase::Reporting)?;
    let reporting_since = reporting_at.map(|at| date_at(at.and_utc(), limits.utc_offset_minutes));
    let calendar = store::work_calendars::load(conn)?;
    let away = store::leaves::pauses_of(conn, &[evaluation.judge_id])?;
    let away: Vec<Pause> = away.into_iter().map(|(_, pause)| pause).collect();
    let pauses = stopping(&away, limits);
    let clocks = clocks(&loaded.dates, &loaded.methodology, reporting_since, &pauses, &calendar);
    let last = clocks.iter().filter_map(|clock| clock.deadline.due_on).max().unwrap_or(loaded.dates.recount_by);
    let years_missing = calendar.years_missing(loaded.dates.starts_on, last);
    Ok(Clocks { clocks, today: loaded.today(now), years_missing })
}

/// The evaluations that are to come for a judge, by the methodology in force, and the day on which they are looked at.
///
/// # Errors
/// 404 where there is no such judge; 409 `methodology_not_in_force` where none is published and in force.
pub fn of_judge(conn: &mut Conn, judge: JudgeId, now: DateTime<Utc>) -> Result<(Vec<Upcoming>, NaiveDate)> {
    let judges = store::careers::judges(conn, &[judge])?;
    if judges.is_empty() {
        return Err(Code::NotFound.into());
    }
    let (_, methodology) = methodologies::in_force(conn, now)?;
    let limits = &methodology.time_limits;
    let today = date_at(now, limits.utc_offset_minutes);
    let careers = store::careers::of(conn, &judges, today, limits.utc_offset_minutes)?;
    let career = careers.first().ok_or_else(|| Error::internal("a judge without a career"))?;
    Ok((upcoming(career, limits, today), today))
}

/// When subjects are away in a way that stops their own clocks, by judge.
pub fn subjects_away(
    conn: &mut Conn,
    evaluations: &[Evaluation],
    limits: &TimeLimits,
) -> Result<Vec<(JudgeId, Vec<Pause>)>> {
    let judges: Vec<JudgeId> = evaluations.iter().map(|one| one.judge_id).collect();
    let mut away = Vec::new();
    for some in judges.chunks(planning::JUDGES_AT_ONCE) {
        away.extend(store::careers::away(conn, some)?);
    }
    let stopped = away.into_iter().map(|(judge, pauses)| (judge, stopping(&pauses, limits)));
    Ok(stopped.filter(|(_, pauses)| !pauses.is_empty()).collect())
}
