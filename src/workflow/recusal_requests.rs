//! The judge's right to have a member replaced who could seem biased (CCJE Opinion 17, § 36), and a member's own duty to step
//! back. A newcomer's usual mistake is to let the challenged member decide; another member of the evaluation does, with reasons.

use chrono::{DateTime, Utc};

use super::reports::record;
use super::{course, notices};
use crate::db::Conn;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids;
use crate::domain::ids::{AccountId, EvaluationId, RecusalRequestId};
use crate::domain::notices::NoticeKind;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::recusals::{BarCause, RecusalRequest, RecusalStatus};
use crate::workflow::course::Course;

/// Refuses where the members of an evaluation have nothing more to do.
fn check_under_way(course: &Course) -> Result<()> {
    match course.evaluation.state {
        EvaluationState::Decided | EvaluationState::Served | EvaluationState::Final | EvaluationState::Cancelled => {
            Err(Error::hinted(Code::WrongPhase, Hint::new("members_have_decided")))
        }
        EvaluationState::Planned
        | EvaluationState::Notified
        | EvaluationState::FileReview
        | EvaluationState::PoolReview
        | EvaluationState::Collecting
        | EvaluationState::Counted
        | EvaluationState::Drafting
        | EvaluationState::Responding
        | EvaluationState::Hearing
        | EvaluationState::Appealed
        | EvaluationState::Suspended => Ok(()),
    }
}

/// Files the judge's request that a member step back.
///
/// # Errors
/// 404 for everybody but the judge; 409 `wrong_phase` once it is decided; 422 for somebody who is no member of the evaluation;
/// 409 `already_exists` for a second request about the same member.
pub fn file(
    conn: &mut Conn,
    actor: &Actor,
    id: EvaluationId,
    (account_id, ground): (AccountId, &str),
    now: DateTime<Utc>,
) -> Result<RecusalRequest> {
    let course = course::load_own(conn, actor, id, now)?;
    check_under_way(&course)?;
    if !store::members::is_assigned(conn, id, account_id)? {
        return Err(Error::invalid("/account_id", Rule::Missing));
    }
    course::check_room(&store::recusals::of_evaluation(conn, id)?)?;
    let request = RecusalRequest {
        id: RecusalRequestId(ids::new_at(now)),
        evaluation_id: id,
        account_id,
        ground: ground.to_owned(),
        status: RecusalStatus::Open,
        reason: None,
        filed_at: now.naive_utc(),
        decided_by: None,
        decided_at: None,
    };
    store::recusals::insert(conn, &request)?;
    record(conn, actor, "create_recusal_request", "recusal_request", request.id, &course, now)?;
    Ok(request)
}

/// Decides a request: where it is accepted, the member leaves the evaluation for good.
///
/// # Errors
/// 404 for whom the evaluation is not assigned to; 403 for the member whom it concerns; 409 `wrong_phase` where it is decided.
pub fn decide(
    conn: &mut Conn,
    actor: &Actor,
    id: RecusalRequestId,
    is_accepted: bool,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<RecusalRequest> {
    let role = actor.staff_role.filter(|role| policy::is_of_commission(Some(*role))).ok_or(Code::NotFound)?;
    let request = store::recusals::find(conn, id)?;
    let evaluation_id = request.as_ref().map_or(EvaluationId(id.0), |request| request.evaluation_id);
    let seat = course::find_seat(conn, actor, evaluation_id)?;
    let request = request.ok_or(Code::NotFound)?;
    let (course, _) = course::load_seat(conn, actor, seat, role, now)?;
    if request.account_id == actor.account_id {
        return Err(Code::Forbidden.into());
    }
    let status = if is_accepted { RecusalStatus::Accepted } else { RecusalStatus::Rejected };
    if !store::recusals::decide(conn, id, status, reason, (actor.account_id, now.naive_utc()))? {
        return Err(Error::hinted(Code::WrongPhase, Hint::new("recusal_is_decided")));
    }
    if is_accepted {
        leave(conn, request.evaluation_id, request.account_id, None)?;
    }
    record(conn, actor, "decide_recusal_request", "recusal_request", id, &course, now)?;
    let today = (course.today, Some(course.today));
    notices::of_course(conn, NoticeKind::RecusalDecided, &course.evaluation, today, now)?;
    store::recusals::find(conn, id)?.ok_or_else(|| Error::internal("a request vanished"))
}

/// Lets a member step back, with reasons.
///
/// # Errors
/// 404 for whom the evaluation is not assigned to; 409 `wrong_phase` once it is decided.
pub fn step_back(conn: &mut Conn, actor: &Actor, id: EvaluationId, reason: &str, now: DateTime<Utc>) -> Result<()> {
    let seat = course::find_seat(conn, actor, id)?.ok_or(Code::NotFound)?;
    let course = course::complete(conn, seat.0, now)?;
    check_under_way(&course)?;
    leave(conn, id, actor.account_id, Some(reason))?;
    record(conn, actor, "step_back", "evaluation", id, &course, now)
}

fn leave(conn: &mut Conn, id: EvaluationId, account: AccountId, reason: Option<&str>) -> Result<()> {
    store::recusals::bar(conn, id, account, BarCause::Recused, reason)?;
    store::members::delete(conn, id, account)?;
    Ok(())
}
