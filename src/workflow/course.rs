//! The own course of an evaluation: what a step of it is judged by, and how it is written. A newcomer's usual mistake is to set
//! a state by itself: `enter` writes the state, the move with who made it and why, and the state's version together.

use chrono::{DateTime, NaiveDate, Utc};

use super::cycles::{self, Loaded, Mover};
use super::members;
use crate::db::Conn;
use crate::domain::calendar::{WorkCalendar, date_at};
use crate::domain::deciding::{AppealOutcome, DecisionStatus};
use crate::domain::evaluation::{EvaluationAct, EvaluationState, may_act};
use crate::domain::ids;
use crate::domain::ids::{AccountId, EvaluationId, EvaluationMoveId, JudgeId};
use crate::domain::methodology::Methodology;
use crate::domain::pauses::{Deadline, Limit, Pause, PauseGround, deadline};
use crate::domain::planning::stopping;
use crate::domain::policy::{Actor, StaffRole};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::decisions::Decision;
use crate::store::evaluations::Evaluation;
use crate::store::members::EvaluationMember;
use crate::store::proceedings::{EvaluationMove, Hearing, ROWS_MAX, Report, Response};

/// An evaluation with what a step of its own course is judged by.
pub struct Course {
    /// The row.
    pub evaluation: Evaluation,
    /// The rules.
    pub methodology: Methodology,
    /// The calendar day of the request where the cycle takes place.
    pub today: NaiveDate,
}

/// A member's place in an evaluation.
pub struct Seat {
    /// Whether this member drafts.
    pub is_rapporteur: bool,
    /// Whether the member is a judge.
    pub is_judge: bool,
}

/// Loads an evaluation.
///
/// # Errors
/// 404 where there is none.
pub fn load(conn: &mut Conn, id: EvaluationId, now: DateTime<Utc>) -> Result<Course> {
    let evaluation = store::evaluations::find(conn, id)?.ok_or(Code::NotFound)?;
    complete(conn, evaluation, now)
}

/// The evaluation of a row with what a step of its own course is judged by.
pub fn complete(conn: &mut Conn, evaluation: Evaluation, now: DateTime<Utc>) -> Result<Course> {
    let loaded = cycles::load(conn, evaluation.cycle_id)?;
    let today = loaded.today(now);
    let Loaded { methodology, .. } = loaded;
    Ok(Course { evaluation, methodology, today })
}

/// Loads an evaluation for the judge it is of; to everybody else it is not there, and costs what an absent one costs.
///
/// # Errors
/// 404.
pub fn load_own(conn: &mut Conn, actor: &Actor, id: EvaluationId, now: DateTime<Utc>) -> Result<Course> {
    let evaluation = store::evaluations::find(conn, id)?;
    let own = evaluation.filter(|evaluation| actor.judge_id == Some(evaluation.judge_id));
    complete(conn, own.ok_or(Code::NotFound)?, now)
}

/// An evaluation with the member's assignment to it, where there are both and it is not the member's own. What is hidden costs
/// the same questions as what is absent, or the time would tell one from the other.
pub fn find_seat(conn: &mut Conn, actor: &Actor, id: EvaluationId) -> Result<Option<(Evaluation, EvaluationMember)>> {
    let evaluation = store::evaluations::find(conn, id)?;
    let member = store::members::find(conn, id, actor.account_id)?;
    let seat = evaluation.zip(member);
    Ok(seat.filter(|(evaluation, _)| actor.judge_id != Some(evaluation.judge_id)))
}

/// Loads the evaluation of a seat that [`find_seat`] found, for a member of a role.
///
/// # Errors
/// 404 without a seat; 403 for another role, and for a member who by now stands too near to the judge (`domain.md` 5, rule 2).
pub fn load_seat(
    conn: &mut Conn,
    actor: &Actor,
    seat: Option<(Evaluation, EvaluationMember)>,
    role: StaffRole,
    now: DateTime<Utc>,
) -> Result<(Course, Seat)> {
    let (evaluation, member) = seat.ok_or(Code::NotFound)?;
    if actor.staff_role != Some(role) {
        return Err(Code::Forbidden.into());
    }
    let course = complete(conn, evaluation, now)?;
    if let Some(judge) = actor.judge_id
        && members::nearness(conn, course.evaluation.judge_id, judge, course.today)?.is_some()
    {
        return Err(Code::Forbidden.into());
    }
    let seat = Seat { is_rapporteur: member.is_rapporteur, is_judge: actor.judge_id.is_some() };
    Ok((course, seat))
}

/// Loads an evaluation for a member of the commission or the appeal panel, with that member's place in it.
///
/// # Errors
/// As [`load_seat`].
pub fn load_seated(
    conn: &mut Conn,
    actor: &Actor,
    id: EvaluationId,
    role: StaffRole,
    now: DateTime<Utc>,
) -> Result<(Course, Seat)> {
    let seat = find_seat(conn, actor, id)?;
    load_seat(conn, actor, seat, role, now)
}

/// Refuses an act that the evaluation's state does not allow, and names those that it does.
pub fn check(course: &Course, act: EvaluationAct) -> Result<()> {
    may_act(act, course.evaluation.state, None).map(drop)
}

/// Makes a step: the state, its version and the move in one. `to` says which of several, else there is one.
pub fn enter(
    conn: &mut Conn,
    course: &mut Course,
    act: EvaluationAct,
    to: Option<EvaluationState>,
    mover: Option<Mover<'_>>,
    now: DateTime<Utc>,
) -> Result<()> {
    let step = may_act(act, course.evaluation.state, to)?;
    if !store::evaluations::move_to(conn, &course.evaluation, step.to)? {
        return Err(Code::Stale.into());
    }
    let moved = EvaluationMove {
        id: EvaluationMoveId(ids::new_at(now)),
        evaluation_id: course.evaluation.id,
        version: course.evaluation.version + 1,
        act,
        from_state: step.from,
        to_state: step.to,
        account_id: mover.map(|mover| mover.account_id),
        second_account_id: mover.and_then(|mover| mover.second),
        reason: mover.and_then(|mover| mover.reason).map(str::to_owned),
        moved_at: now.naive_utc(),
    };
    store::proceedings::insert_move(conn, &moved)?;
    course.evaluation.state = step.to;
    course.evaluation.version += 1;
    Ok(())
}

/// One person who makes a step alone, without words.
pub fn alone(account_id: AccountId) -> Option<Mover<'static>> {
    Some(Mover { account_id, second: None, reason: None })
}

/// Refuses a further row of a kind where an evaluation has as many as are kept.
pub fn check_room<T>(rows: &[T]) -> Result<()> {
    if (rows.len() as i64) < ROWS_MAX {
        return Ok(());
    }
    Err(Error::hinted(Code::GuardNotMet, Hint::new("proceedings_full").text("most", ROWS_MAX)))
}

/// The number of the next row of a kind.
pub fn next_number<T>(rows: &[T]) -> Result<i32> {
    check_room(rows)?;
    i32::try_from(rows.len() + 1).map_err(Error::internal)
}

/// 422 at each piece of evidence that a report may not rest on: it is of another judge, not in force, or disputed.
pub fn check_evidence(conn: &mut Conn, course: &Course, pointer: &str, ids: &[uuid::Uuid]) -> Result<()> {
    let unusable = unusable(conn, course, ids)?;
    let faults = unusable.into_iter().map(|index| crate::error::Fault::at(format!("{pointer}/{index}"), Rule::Missing));
    let faults: Vec<_> = faults.collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::faults(Code::Invalid, faults)) }
}

/// Which of these a report of today may not rest on, by place.
pub fn unusable(conn: &mut Conn, course: &Course, ids: &[uuid::Uuid]) -> Result<Vec<usize>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let basis = store::reportable::find(conn, course.evaluation.judge_id, course.today, EVIDENCE_LOOKED_AT)?;
    let mut usable: std::collections::HashSet<uuid::Uuid> = basis.records.iter().map(|row| row.id.0).collect();
    usable.extend(basis.acts.iter().map(|(act, _)| act.id.0));
    usable.extend(basis.observations.iter().map(|row| row.id.0));
    usable.extend(basis.positions.iter().map(|row| row.id.0));
    Ok(ids.iter().enumerate().filter(|(_, id)| !usable.contains(id)).map(|(index, _)| index).collect())
}

/// Records of each kind among which evidence is looked for: more than a career has.
const EVIDENCE_LOOKED_AT: i64 = 20_000;

/// The last served version of the report with the judge's answer to it.
pub fn served_report(conn: &mut Conn, id: EvaluationId) -> Result<Option<(Report, Option<Response>)>> {
    let served = store::proceedings::reports(conn, id)?.into_iter().rfind(|report| report.served_at.is_some());
    let Some(report) = served else { return Ok(None) };
    let answer = store::proceedings::responses(conn, id)?.into_iter().find(|one| one.report_id == report.id);
    Ok(Some((report, answer)))
}

/// The last hearing that was arranged on a report.
pub fn hearing_of(conn: &mut Conn, report: &Report) -> Result<Option<Hearing>> {
    let hearings = store::proceedings::hearings(conn, report.evaluation_id)?;
    Ok(hearings.into_iter().rfind(|hearing| hearing.report_id == report.id))
}

/// Of these decisions the one of the commission that stands: adopted and not replaced or revoked.
pub fn standing(decisions: &[Decision]) -> Option<&Decision> {
    decisions.iter().rfind(|one| one.appeal_id.is_none() && one.status == DecisionStatus::Adopted)
}

/// Whether the appeal panel took the peer result out.
pub fn is_peer_part_annulled(decisions: &[Decision]) -> bool {
    decisions
        .iter()
        .any(|one| one.status == DecisionStatus::Adopted && one.appeal_outcome == Some(AppealOutcome::PeerPartAnnulled))
}

/// The last day of a time that is the judge's own, which stands still while the judge is away or the course is suspended.
pub fn own_deadline(conn: &mut Conn, course: &Course, from: NaiveDate, limit: Limit) -> Result<Deadline> {
    let (pauses, calendar) = pauses(conn, course)?;
    Ok(deadline(from, limit, &pauses, &calendar))
}

/// When the course stands still for its judge, and the working days on record.
pub fn pauses(conn: &mut Conn, course: &Course) -> Result<(Vec<Pause>, WorkCalendar)> {
    let judge: JudgeId = course.evaluation.judge_id;
    let away = store::leaves::pauses_of(conn, &[judge])?;
    let away: Vec<Pause> = away.into_iter().map(|(_, pause)| pause).collect();
    let mut pauses = stopping(&away, &course.methodology.time_limits);
    let offset = course.methodology.time_limits.utc_offset_minutes;
    let moves = store::proceedings::moves(conn, course.evaluation.id)?;
    pauses.extend(suspensions(&moves, offset));
    Ok((pauses, store::work_calendars::load(conn)?))
}

/// The days on which a course was suspended, the first one included and the day of its resumption not.
pub fn suspensions(moves: &[EvaluationMove], utc_offset_minutes: i32) -> Vec<Pause> {
    let day = |one: &EvaluationMove| date_at(one.moved_at.and_utc(), utc_offset_minutes);
    let mut found: Vec<Pause> = Vec::new();
    for one in moves {
        if one.act == EvaluationAct::Suspend {
            found.push(Pause { ground: PauseGround::Suspension, from: day(one), to: None });
        } else if one.from_state == EvaluationState::Suspended
            && let Some(last) = found.last_mut()
        {
            last.to = day(one).pred_opt();
        }
    }
    found.retain(|pause| pause.to.is_none_or(|to| to >= pause.from));
    found
}

/// The day of an instant where the cycle takes place.
pub fn day(course: &Course, at: chrono::NaiveDateTime) -> NaiveDate {
    date_at(at.and_utc(), course.methodology.time_limits.utc_offset_minutes)
}
