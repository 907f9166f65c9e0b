//! From the draft report to the hearing: the rapporteur drafts, the judge answers, and whoever asks is heard. A newcomer's
//! usual mistake is to let a draft rest on what is disputed by the time it is served; it is looked at again there.

use chrono::{DateTime, NaiveDate, Utc};

use super::{course, notices};
use crate::db::Conn;
use crate::domain::calendar::days_after;
use crate::domain::deciding::Reasoning;
use crate::domain::evaluation::EvaluationAct;
use crate::domain::ids;
use crate::domain::ids::{AccountId, EvaluationId, HearingId, ReportId};
use crate::domain::judge_file::Check;
use crate::domain::methodology::Instrument;
use crate::domain::notices::NoticeKind;
use crate::domain::pauses::Limit;
use crate::domain::policy::{Actor, StaffRole};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::store;
use crate::store::proceedings::{Hearing, Report, Response};
use crate::workflow::course::Course;

/// The instrument by which the judge is evaluated.
pub fn instrument(course: &Course) -> Result<&Instrument> {
    let found = course.methodology.instrument(&course.evaluation.instrument_id);
    found.ok_or_else(|| Error::internal("an evaluation's instrument is missing"))
}

/// Writes a version of the report.
///
/// # Errors
/// 404 for whom it is not there; 403 unless the rapporteur; 409 `wrong_phase`; 422 for reasons that are missing and evidence
/// that a report may not rest on.
pub fn draft(
    conn: &mut Conn,
    actor: &Actor,
    id: EvaluationId,
    reasoning: &Reasoning,
    now: DateTime<Utc>,
) -> Result<Report> {
    let (mut course, seat) = course::load_seated(conn, actor, id, StaffRole::Member, now)?;
    if !seat.is_rapporteur {
        return Err(Code::Forbidden.into());
    }
    course::check(&course, EvaluationAct::DraftReport)?;
    let mut check = Check::default();
    reasoning.check(&mut check, "/reasoning", instrument(&course)?);
    check.done()?;
    course::check_evidence(conn, &course, "/reasoning/evidence_ids", &reasoning.evidence_ids)?;
    let number = course::next_number(&store::proceedings::reports(conn, id)?)?;
    let report = Report {
        id: ReportId(ids::new_at(now)),
        evaluation_id: id,
        number,
        account_id: actor.account_id,
        content: serde_json::to_string(reasoning).map_err(Error::internal)?,
        drafted_at: now.naive_utc(),
        served_at: None,
    };
    store::proceedings::insert_report(conn, &report)?;
    course::enter(conn, &mut course, EvaluationAct::DraftReport, None, course::alone(actor.account_id), now)?;
    record(conn, actor, "create_report", "report", report.id, &course, now)?;
    Ok(report)
}

/// Serves the last version of the report on the judge, whose time to answer begins.
///
/// # Errors
/// 404; 409 `wrong_phase`; 409 `guard_not_met` where it rests on what is disputed by now.
pub fn serve(conn: &mut Conn, actor: &Actor, id: EvaluationId, now: DateTime<Utc>) -> Result<Report> {
    let mut course = course::load(conn, id, now)?;
    course::check(&course, EvaluationAct::ServeReport)?;
    let last = store::proceedings::reports(conn, id)?.pop().filter(|report| report.served_at.is_none());
    // After a remittal or a reopening nothing is drafted yet.
    let mut report = last.ok_or_else(|| Error::hinted(Code::GuardNotMet, Hint::new("report_not_drafted")))?;
    let reasoning: Reasoning = serde_json::from_str(&report.content).map_err(Error::internal)?;
    let unusable = course::unusable(conn, &course, &reasoning.evidence_ids)?.len();
    if unusable > 0 {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("evidence_is_disputed").text("count", unusable)));
    }
    store::proceedings::serve_report(conn, report.id, now.naive_utc())?;
    report.served_at = Some(now.naive_utc());
    course::enter(conn, &mut course, EvaluationAct::ServeReport, None, course::alone(actor.account_id), now)?;
    record(conn, actor, "serve_report", "report", report.id, &course, now)?;
    let last_day = response_due(conn, &course, course.today)?;
    notices::of_course(conn, NoticeKind::ReportServed, &course.evaluation, (course.today, last_day), now)?;
    Ok(report)
}

/// The last day to answer a report that was served on a day; none while a pause lasts whose end is not known.
pub fn response_due(conn: &mut Conn, course: &Course, served_on: NaiveDate) -> Result<Option<NaiveDate>> {
    let limit = Limit::Days(course.methodology.time_limits.response_days);
    Ok(course::own_deadline(conn, course, served_on, limit)?.due_on)
}

/// Files the judge's answer, or that there is none.
///
/// # Errors
/// 404 for everybody but the judge; 409 `wrong_phase`; 410 `window_closed`; 409 `already_exists` for a second answer.
pub fn respond(
    conn: &mut Conn,
    actor: &Actor,
    id: EvaluationId,
    answer: Option<String>,
    wants_hearing: bool,
    now: DateTime<Utc>,
) -> Result<Response> {
    let mut course = course::load_own(conn, actor, id, now)?;
    course::check(&course, EvaluationAct::FileResponse)?;
    let (report, earlier) = served(conn, id)?;
    if earlier.is_some() {
        return Err(Code::AlreadyExists.into());
    }
    let served_on = course::day(&course, report.served_at.unwrap_or(report.drafted_at));
    if let Some(last) = response_due(conn, &course, served_on)?.filter(|last| course.today > *last) {
        return Err(Error::hinted(Code::WindowClosed, Hint::new("response_too_late").text("day", last)));
    }
    let response =
        Response { report_id: report.id, evaluation_id: id, answer, wants_hearing, filed_at: now.naive_utc() };
    store::proceedings::insert_response(conn, &response)?;
    course::enter(conn, &mut course, EvaluationAct::FileResponse, None, course::alone(actor.account_id), now)?;
    record(conn, actor, "create_response", "report", report.id, &course, now)?;
    Ok(response)
}

fn served(conn: &mut Conn, id: EvaluationId) -> Result<(Report, Option<Response>)> {
    course::served_report(conn, id)?.ok_or_else(|| Error::internal("nothing was served that is being answered"))
}

/// The report that the judge has answered, or had the time to answer.
///
/// # Errors
/// 409 `guard_not_met` with the day on which that time is over.
pub fn answered(conn: &mut Conn, course: &Course) -> Result<(Report, Option<Response>)> {
    let (report, answer) = served(conn, course.evaluation.id)?;
    if answer.is_some() {
        return Ok((report, answer));
    }
    let served_on = course::day(course, report.served_at.unwrap_or(report.drafted_at));
    let hint = match response_due(conn, course, served_on)? {
        Some(last) if course.today > last => return Ok((report, answer)),
        Some(last) => Hint::new("response_time_runs").text("day", last),
        None => Hint::new("response_time_paused"),
    };
    Err(Error::hinted(Code::GuardNotMet, hint))
}

/// Arranges a hearing, or another day for one that was not held.
///
/// # Errors
/// 404; 409 `wrong_phase`; 409 `guard_not_met` while the judge may still answer, and for a day outside of the time limit.
pub fn schedule_hearing(
    conn: &mut Conn,
    actor: &Actor,
    id: EvaluationId,
    (held_on, is_remote): (NaiveDate, bool),
    now: DateTime<Utc>,
) -> Result<Hearing> {
    let mut course = course::load(conn, id, now)?;
    course::check(&course, EvaluationAct::ScheduleHearing)?;
    let (report, _) = answered(conn, &course)?;
    if course::hearing_of(conn, &report)?.is_some_and(|hearing| hearing.recorded_at.is_some()) {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("hearing_was_held")));
    }
    let last = days_after(course.today, course.methodology.time_limits.hearing_days);
    if held_on < course.today || held_on > last {
        let hint = Hint::new("hearing_day_outside").text("first", course.today).text("last", last);
        return Err(Error::hinted(Code::GuardNotMet, hint));
    }
    let number = course::next_number(&store::proceedings::hearings(conn, id)?)?;
    let hearing = Hearing {
        id: HearingId(ids::new_at(now)),
        evaluation_id: id,
        number,
        report_id: report.id,
        held_on,
        is_remote,
        scheduled_by: actor.account_id,
        scheduled_at: now.naive_utc(),
        is_judge_present: None,
        minutes: None,
        recorded_by: None,
        recorded_at: None,
    };
    store::proceedings::insert_hearing(conn, &hearing)?;
    course::enter(conn, &mut course, EvaluationAct::ScheduleHearing, None, course::alone(actor.account_id), now)?;
    record(conn, actor, "create_hearing", "hearing", hearing.id, &course, now)?;
    let day = (held_on, Some(held_on));
    notices::of_course(conn, NoticeKind::HearingScheduled, &course.evaluation, day, now)?;
    Ok(hearing)
}

/// Puts on record who was at a hearing and what was said.
///
/// # Errors
/// 404; 409 `wrong_phase`; 409 `guard_not_met` before its day, where another was arranged or it is on record, without a quorum
/// or a majority of judges; 422 for somebody who is no member of the evaluation.
pub fn record_hearing(
    conn: &mut Conn,
    actor: &Actor,
    id: HearingId,
    present: &[AccountId],
    (is_judge_present, minutes): (bool, &str),
    now: DateTime<Utc>,
) -> Result<Hearing> {
    let hearing = store::proceedings::find_hearing(conn, id)?.ok_or(Code::NotFound)?;
    let mut course = course::load(conn, hearing.evaluation_id, now)?;
    course::check(&course, EvaluationAct::RecordHearing)?;
    let (report, _) = served(conn, hearing.evaluation_id)?;
    let is_current = course::hearing_of(conn, &report)?.is_some_and(|current| current.id == id);
    if !is_current || hearing.recorded_at.is_some() {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("hearing_is_past")));
    }
    if course.today < hearing.held_on {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("wait_until").text("day", hearing.held_on)));
    }
    let panel = store::members::of_role(conn, hearing.evaluation_id, StaffRole::Member)?;
    let mut faults = Vec::new();
    let mut judge_count = 0;
    for (index, account) in present.iter().enumerate() {
        let at = format!("/present_ids/{index}");
        match panel.iter().find(|(member, _)| member == account) {
            None => faults.push(Fault::at(at, Rule::Missing)),
            Some(_) if present.iter().take(index).any(|earlier| earlier == account) => {
                faults.push(Fault::at(at, Rule::Duplicate));
            }
            Some((_, judge)) => judge_count += u32::from(judge.is_some()),
        }
    }
    if !faults.is_empty() {
        return Err(Error::faults(Code::Invalid, faults));
    }
    check_quorum(&course, panel.len(), present.len(), judge_count)?;
    let by = (actor.account_id, now.naive_utc());
    store::proceedings::record_hearing(conn, id, present, is_judge_present, minutes, by)?;
    course::enter(conn, &mut course, EvaluationAct::RecordHearing, None, course::alone(actor.account_id), now)?;
    record(conn, actor, "record_hearing", "hearing", id, &course, now)?;
    store::proceedings::find_hearing(conn, id)?.ok_or_else(|| Error::internal("a hearing vanished"))
}

fn check_quorum(course: &Course, assigned: usize, present: usize, judge_count: u32) -> Result<()> {
    let count = |number: usize| u32::try_from(number).map_err(Error::internal);
    let (least, present) = (course.methodology.deciding().quorum(count(assigned)?), count(present)?);
    let mut unmet = Vec::new();
    if present < least {
        unmet.push(Hint::new("members_too_few").text("count", present).text("least", least));
    }
    if judge_count * 2 <= present {
        unmet.push(Hint::new("judges_no_majority").text("judges", judge_count).text("count", present));
    }
    if unmet.is_empty() { Ok(()) } else { Err(Error::hints(Code::GuardNotMet, unmet)) }
}

/// Records that something was done on the own course of an evaluation.
pub fn record(
    conn: &mut Conn,
    actor: &Actor,
    act: &str,
    object_type: &str,
    object_id: impl ToString,
    course: &Course,
    now: DateTime<Utc>,
) -> Result<()> {
    let entry = store::audit::NewEntry::new(Some(actor.account_id), act, object_type, object_id);
    store::audit::record(conn, entry.of_judge(course.evaluation.judge_id), now)
}
