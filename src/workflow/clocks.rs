//! The clocks of one evaluation, and those that run for one judge, from what is on record. A newcomer's usual mistake is to
//! keep a due day in a row: an absence that is recorded later moves it, so it is counted anew whenever somebody asks.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use super::{course, cycles, methodologies};
use crate::db::Conn;
use crate::domain::calendar::date_at;
use crate::domain::cycle::Phase;
use crate::domain::cycle::clocks::{Course, EvaluationClock, clocks};
use crate::domain::evaluation::{EvaluationAct, EvaluationState};
use crate::domain::ids::JudgeId;
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
    let calendar = store::work_calendars::load(conn)?;
    let away = store::leaves::pauses_of(conn, &[evaluation.judge_id])?;
    let away: Vec<Pause> = away.into_iter().map(|(_, pause)| pause).collect();
    let away = stopping(&away, limits);
    let suspended = course::suspensions(&store::proceedings::moves(conn, evaluation.id)?, limits.utc_offset_minutes);
    let course = begun(conn, evaluation, limits.utc_offset_minutes)?;
    let clocks = clocks(&loaded.dates, &loaded.methodology, &course, (&away, &suspended), &calendar);
    let last = clocks.iter().filter_map(|clock| clock.deadline.due_on).max().unwrap_or(loaded.dates.recount_by);
    let years_missing = calendar.years_missing(loaded.dates.starts_on, last);
    Ok(Clocks { clocks, today: loaded.today(now), years_missing })
}

/// When the steps of an evaluation's own course were made; what was served or decided before it was sent back is past.
fn begun(conn: &mut Conn, evaluation: &Evaluation, utc_offset_minutes: i32) -> Result<Course> {
    let day = |at: NaiveDateTime| date_at(at.and_utc(), utc_offset_minutes);
    let mut course = Course::default();
    if !EvaluationState::OWN_COURSE.contains(&evaluation.state) && evaluation.state != EvaluationState::Final {
        return Ok(course);
    }
    let reporting = store::cycles::entered_at(conn, evaluation.cycle_id, Phase::Reporting)?;
    course.drafting_since = reporting.map(day);
    for one in store::proceedings::moves(conn, evaluation.id)? {
        let on = Some(day(one.moved_at));
        match one.act {
            EvaluationAct::Remit | EvaluationAct::AnnulPeerPart | EvaluationAct::Reopen | EvaluationAct::Revoke => {
                course = Course { drafting_since: on, ..Course::default() };
            }
            EvaluationAct::ServeReport => course.report_served_on = on,
            EvaluationAct::FileResponse | EvaluationAct::RecordHearing => course.ready_on = on,
            EvaluationAct::AdoptDecision => course.decided_on = on,
            EvaluationAct::FileAppeal => course.appealed_on = on,
            EvaluationAct::ServeDecision => {
                let decisions = store::decisions::of_evaluation(conn, evaluation.id)?;
                course.served_on = course::standing(&decisions).and_then(|decision| decision.served_on).or(on);
            }
            EvaluationAct::DraftReport
            | EvaluationAct::ScheduleHearing
            | EvaluationAct::ProposeDecision
            | EvaluationAct::Finalise
            | EvaluationAct::Uphold
            | EvaluationAct::Change
            | EvaluationAct::OrderNewEvaluation
            | EvaluationAct::Suspend
            | EvaluationAct::Resume
            | EvaluationAct::Cancel => {}
        }
    }
    if let Some((_, Some(answer))) = course::served_report(conn, evaluation.id)?
        && answer.wants_hearing
        && course.report_served_on.is_some()
    {
        course.hearing_wanted_on = Some(day(answer.filed_at));
    }
    Ok(course)
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
    let careers = store::careers::of(conn, &judges, today)?;
    let career = careers.first().ok_or_else(|| Error::internal("a judge without a career"))?;
    Ok((upcoming(career, limits, today), today))
}
