//! What two persons do to one evaluation alone: end it, stop it for a while, go back because of an error, take a decision out
//! of force. A newcomer's usual mistake is to end one at any time: from the draw to the seal the panels of all subjects are
//! tied together, and the manifest names every one of them.

use chrono::{DateTime, Utc};

use super::cycles::{self, Mover};
use super::{appeals, course, extracts, notices};
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::deciding::DecisionStatus;
use crate::domain::evaluation::{EvaluationAct, EvaluationState, may_act};
use crate::domain::events::EventKind;
use crate::domain::extracts::Revocation;
use crate::domain::ids::{DecisionId, EvaluationId, JudgeId};
use crate::domain::notices::NoticeKind;
use crate::domain::planning::RequestKind;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::cycles::Cycle;
use crate::store::evaluations::Evaluation;
use crate::store::events::NewEvent;
use crate::store::extracts::Revoked;
use crate::workflow::course::Course;

/// The state that an approval of the cancellation covers: the evaluation's own, so that two can be asked for at once.
pub fn state(conn: &mut Conn, id: EvaluationId) -> Result<String> {
    let evaluation = store::evaluations::find(conn, id)?.ok_or(Code::NotFound)?;
    Ok(format!("{} version {}", evaluation.state, evaluation.version))
}

/// Whether an evaluation can be cancelled now.
///
/// # Errors
/// 404; 409 `wrong_phase` where it is cancelled already, or its cycle is drawn, with what would help.
pub fn check_cancel(conn: &mut Conn, id: EvaluationId) -> Result<(Evaluation, Cycle)> {
    let evaluation = store::evaluations::find(conn, id)?.ok_or(Code::NotFound)?;
    let cycle = cycles::load(conn, evaluation.cycle_id)?.cycle;
    let refused = |hint: Hint| Err(Error::hinted(Code::WrongPhase, hint));
    if evaluation.state == EvaluationState::Cancelled {
        return refused(Hint::new("evaluation_is_cancelled"));
    }
    match cycle.phase {
        Phase::Draft | Phase::Announced | Phase::FileReview | Phase::PoolReview => Ok((evaluation, cycle)),
        Phase::Drawn | Phase::Issuance | Phase::Submission => refused(Hint::new("evaluation_is_drawn")),
        Phase::Sealed => refused(Hint::new("evaluation_is_sealed")),
        Phase::Reporting | Phase::Closed | Phase::Cancelled => {
            may_act(EvaluationAct::Cancel, evaluation.state, None)?;
            Ok((evaluation, cycle))
        }
    }
}

/// Cancels an evaluation. Before the draw the cycle's version grows with it: what was approved of the cycle before was
/// approved of other subjects.
///
/// # Errors
/// As [`check_cancel`].
pub fn cancel(conn: &mut Conn, id: EvaluationId, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let (evaluation, mut cycle) = check_cancel(conn, id)?;
    if cycle.phase == Phase::Reporting {
        let mut course = course::load(conn, id, now)?;
        course::enter(conn, &mut course, EvaluationAct::Cancel, None, Some(mover), now)?;
        drop_decisions(conn, id, now)?;
    } else {
        store::evaluations::set_state(conn, id, EvaluationState::Cancelled)?;
        store::cycles::update(conn, &mut cycle)?;
    }
    record(conn, "cancel_evaluation", &evaluation, mover, now)?;
    if cycle.phase != Phase::Draft {
        // Nobody was told of a cycle in draft.
        notices::of_evaluation(conn, NoticeKind::EvaluationCancelled, &evaluation, now)?;
    }
    Ok(())
}

/// Whether an evaluation can be suspended, resumed, reopened or revoked now.
///
/// # Errors
/// 404; 409 `wrong_phase` with what can be done instead.
pub fn check_act(conn: &mut Conn, id: EvaluationId, act: EvaluationAct) -> Result<()> {
    let evaluation = store::evaluations::find(conn, id)?.ok_or(Code::NotFound)?;
    may_act(act, evaluation.state, None).map(drop)
}

/// Stops an evaluation for a while: a long leave, an illness, a suspension of powers, a disciplinary case on the same facts.
///
/// # Errors
/// As [`check_act`].
pub fn suspend(conn: &mut Conn, id: EvaluationId, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let mut course = course::load(conn, id, now)?;
    course::enter(conn, &mut course, EvaluationAct::Suspend, None, Some(mover), now)?;
    told(conn, "suspend_evaluation", NoticeKind::EvaluationSuspended, &course, mover, now)
}

/// Lets a suspended evaluation go on where it stood.
///
/// # Errors
/// As [`check_act`].
pub fn resume(conn: &mut Conn, id: EvaluationId, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let mut course = course::load(conn, id, now)?;
    course::check(&course, EvaluationAct::Resume)?;
    let suspended = store::proceedings::moves(conn, id)?.into_iter().rfind(|one| one.act == EvaluationAct::Suspend);
    let suspended = suspended.ok_or_else(|| Error::internal("an evaluation was never suspended that is"))?;
    course::enter(conn, &mut course, EvaluationAct::Resume, Some(suspended.from_state), Some(mover), now)?;
    told(conn, "resume_evaluation", NoticeKind::EvaluationResumed, &course, mover, now)
}

/// Goes back to the draft because of an error: what was proposed or decided since falls, what was served stays on record.
///
/// # Errors
/// As [`check_act`].
pub fn reopen(conn: &mut Conn, id: EvaluationId, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let mut course = course::load(conn, id, now)?;
    course::enter(conn, &mut course, EvaluationAct::Reopen, None, Some(mover), now)?;
    drop_decisions(conn, id, now)?;
    told(conn, "reopen_evaluation", NoticeKind::EvaluationReopened, &course, mover, now)
}

/// Ends what is put to the vote, and marks what the commission decided as replaced.
fn drop_decisions(conn: &mut Conn, id: EvaluationId, now: DateTime<Utc>) -> Result<()> {
    for decision in store::decisions::of_evaluation(conn, id)? {
        match decision.status {
            DecisionStatus::Proposed => {
                store::decisions::settle(conn, decision.id, DecisionStatus::Rejected, None, now.naive_utc())?;
            }
            DecisionStatus::Adopted if decision.appeal_id.is_none() => {
                store::decisions::set_status(conn, decision.id, DecisionStatus::Replaced)?;
            }
            DecisionStatus::Adopted | DecisionStatus::Rejected | DecisionStatus::Replaced | DecisionStatus::Revoked => {
            }
        }
    }
    Ok(())
}

/// Takes a decision out of force that was quashed; other members draft and decide anew.
///
/// # Errors
/// As [`check_act`].
pub fn revoke(conn: &mut Conn, id: EvaluationId, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let mut course = course::load(conn, id, now)?;
    course::enter(conn, &mut course, EvaluationAct::Revoke, None, Some(mover), now)?;
    for decision in store::decisions::of_evaluation(conn, id)? {
        if decision.status == DecisionStatus::Adopted && decision.in_force_on.is_some() {
            store::decisions::set_status(conn, decision.id, DecisionStatus::Revoked)?;
            let event = NewEvent {
                evaluation_id: Some(id),
                document_digest: decision.digest.as_deref(),
                ..NewEvent::new(EventKind::EvaluationRevoked, course.evaluation.judge_id)
            };
            store::events::append(conn, event, now)?;
            withdraw_repeat(conn, course.evaluation.judge_id, decision.id, mover, now)?;
        }
    }
    let explanation = mover.reason.unwrap_or_default();
    let (by, at, revocation) = (mover.account_id, now.naive_utc(), Revocation::FactQuashed);
    let revoked = Revoked { by, at, revocation, explanation };
    extracts::revoke_of_evaluation(conn, course.evaluation.judge_id, id, &revoked, now)?;
    store::evaluations::set_final(conn, id, None)?;
    appeals::bar_who_had_part(conn, id)?;
    told(conn, "revoke_decision", NoticeKind::DecisionRevoked, &course, mover, now)
}

/// Ends the request for the evaluation that was to follow a decision's training: it follows nothing any more.
fn withdraw_repeat(
    conn: &mut Conn,
    judge: JudgeId,
    decision: DecisionId,
    mover: Mover<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    let reference = decision.to_string();
    let open = store::evaluation_requests::open_of_reference(conn, judge, RequestKind::Repeat, &reference)?;
    let Some(id) = open else { return Ok(()) };
    store::evaluation_requests::end(conn, id, now.naive_utc(), mover.reason)?;
    let by = Some(mover.account_id);
    let entry = store::audit::NewEntry::new(by, "withdraw_evaluation_request", "evaluation_request", id);
    store::audit::record(conn, entry.of_judge(judge), now)
}

fn told(
    conn: &mut Conn,
    act: &str,
    kind: NoticeKind,
    course: &Course,
    mover: Mover<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    record(conn, act, &course.evaluation, mover, now)?;
    notices::of_course(conn, kind, &course.evaluation, (course.today, Some(course.today)), now)
}

fn record(conn: &mut Conn, act: &str, evaluation: &Evaluation, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let entry = store::audit::NewEntry::new(Some(mover.account_id), act, "evaluation", evaluation.id);
    store::audit::record(conn, entry.of_judge(evaluation.judge_id), now)
}
