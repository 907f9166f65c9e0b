//! Acts of two persons: the first asks, the second confirms the exact digest, and the act is done in that transaction.
//! A newcomer's usual mistake is to let an approval outlive a change: the digest covers the thing's version, and it is
//! computed again when it is confirmed.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::cycles::Mover;
use super::{cycles, evaluations, generations, methodologies, planning, retention, retention_runs, supplements};
use crate::cipher::Cipher;
use crate::coded;
use crate::credential::jcs;
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::evaluation::EvaluationAct;
use crate::domain::hex::hex;
use crate::domain::ids;
use crate::domain::ids::{ApprovalId, CycleId, EvaluationId, EvaluationPlanId};
use crate::domain::policy::{Actor, StaffRole};
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::approvals::Approval;

/// Hours after which an unconfirmed request lapses (`privacy.md` 15, four eyes).
const LAPSES_AFTER_HOURS: i64 = 24;

coded! {
    /// The acts that need two persons (`domain.md` 5, rule 4).
    Act {
        /// Freeze the plan of a year.
        ApproveEvaluationPlan = "approve_evaluation_plan",
        /// Make a methodology immutable and usable.
        PublishMethodology = "publish_methodology",
        /// Announce a cycle.
        OpenCycle = "open_cycle",
        /// Draw the panels of a cycle.
        DrawPanels = "draw_panels",
        /// Seal the ballot box of a cycle.
        SealCycle = "seal_cycle",
        /// End a cycle of which nothing is to come any more.
        CloseCycle = "close_cycle",
        /// End a cycle without results.
        CancelCycle = "cancel_cycle",
        /// End one evaluation without a result.
        CancelEvaluation = "cancel_evaluation",
        /// Stop one evaluation for a while.
        SuspendEvaluation = "suspend_evaluation",
        /// Let a suspended evaluation go on.
        ResumeEvaluation = "resume_evaluation",
        /// Go back to the draft of an evaluation because of an error.
        ReopenEvaluation = "reopen_evaluation",
        /// Take a decision out of force that was quashed.
        RevokeDecision = "revoke_decision",
        /// Replace the issuers' keys of one subject.
        BumpSubject = "bump_subject",
        /// Move the days of a cycle later.
        ExtendCycle = "extend_cycle",
        /// Add reviewers where a sealed cycle has too few reviews.
        BeginSupplementaryRound = "begin_supplementary_round",
        /// Say how long records are kept from now on.
        AdoptRetentionSchedule = "adopt_retention_schedule",
        /// Destroy what was kept for its time.
        RunRetention = "run_retention",
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The act.
    pub act: Act,
    /// The thing.
    pub object_id: uuid::Uuid,
    /// The act's parameters as canonical JSON; `{}` where it has none.
    pub parameters: String,
    /// Why, in the asker's words.
    pub reason: Option<String>,
}

/// What the digest covers.
#[derive(Serialize)]
struct Deed<'a> {
    act: &'a str,
    object_id: String,
    /// The version or digest of the thing as it is now.
    state: String,
    parameters: &'a str,
    reason: Option<&'a str>,
}

/// Notes that an act is asked for, after checking that it would be allowed now; the answer shows the digest.
///
/// # Errors
/// 404 where the thing does not exist; whatever the act itself would be refused with.
pub fn request(conn: &mut Conn, actor: &Actor, request: &Request, now: DateTime<Utc>) -> Result<Approval> {
    let digest = digest(conn, request.act, request.object_id, &request.parameters, request.reason.as_deref())?;
    check(conn, request.act, request.object_id, &request.parameters, now)?;
    let approval = Approval {
        id: ApprovalId(ids::new_at(now)),
        act: request.act.to_string(),
        object_id: request.object_id.to_string(),
        digest,
        parameters: request.parameters.clone(),
        reason: request.reason.clone(),
        requested_by: actor.account_id,
        requested_at: now.naive_utc(),
        expires_at: (now + TimeDelta::hours(LAPSES_AFTER_HOURS)).naive_utc(),
        confirmed_by: None,
        confirmed_at: None,
    };
    store::approvals::insert(conn, &approval)?;
    let entry = store::audit::NewEntry {
        digest: Some(approval.digest.clone()),
        ..store::audit::NewEntry::new(Some(actor.account_id), "request_approval", "approval", approval.id)
    };
    store::audit::record(conn, entry, now)?;
    Ok(approval)
}

/// Confirms an act and carries it out.
///
/// # Errors
/// 404 where there is no such request; 409 `second_person_required` for the one who asked; 409 `approval_stale` where
/// it was done or lapsed, the digest is another, or the thing has changed; whatever the act is refused with.
pub fn confirm(
    conn: &mut Conn,
    cipher: &Cipher,
    actor: &Actor,
    id: ApprovalId,
    confirmed_digest: &str,
    now: DateTime<Utc>,
) -> Result<Approval> {
    let approval = store::approvals::find(conn, id)?.ok_or(Code::NotFound)?;
    if approval.requested_by == actor.account_id {
        return Err(Code::SecondPersonRequired.into());
    }
    let is_open = approval.confirmed_by.is_none() && now.naive_utc() < approval.expires_at;
    if !is_open || approval.digest != confirmed_digest {
        return Err(Code::ApprovalStale.into());
    }
    // The first person's word counts only while that person may still give it.
    let first = store::accounts::find(conn, approval.requested_by)?;
    if !first.is_some_and(|account| !account.is_closed && account.staff_role == Some(StaffRole::Secretary)) {
        return Err(Code::ApprovalStale.into());
    }
    let act: Act = approval.act.parse().map_err(Error::internal)?;
    let object_id = uuid::Uuid::parse_str(&approval.object_id).map_err(Error::internal)?;
    let present = digest(conn, act, object_id, &approval.parameters, approval.reason.as_deref())?;
    if present != approval.digest {
        return Err(Code::ApprovalStale.into());
    }
    perform(conn, cipher, act, object_id, &approval, actor, now)?;
    if !store::approvals::confirm(conn, id, actor.account_id, now.naive_utc())? {
        return Err(Code::ApprovalStale.into());
    }
    let entry = store::audit::NewEntry {
        digest: Some(approval.digest.clone()),
        ..store::audit::NewEntry::new(Some(actor.account_id), "confirm_approval", "approval", id)
    };
    store::audit::record(conn, entry, now)?;
    store::approvals::find(conn, id)?.ok_or_else(|| Error::internal("an approval vanished"))
}

/// Checks an act without doing it, so that the first person learns at once what stands in its way.
fn check(conn: &mut Conn, act: Act, object_id: uuid::Uuid, parameters: &str, now: DateTime<Utc>) -> Result<()> {
    let to = match act {
        Act::ApproveEvaluationPlan => return planning::check_approve(conn, EvaluationPlanId(object_id)).map(drop),
        Act::PublishMethodology => return methodologies::check_publish(conn, object_id, parameters).map(drop),
        Act::CancelEvaluation => return evaluations::check_cancel(conn, EvaluationId(object_id)).map(drop),
        Act::SuspendEvaluation => return check_evaluation(conn, object_id, EvaluationAct::Suspend),
        Act::ResumeEvaluation => return check_evaluation(conn, object_id, EvaluationAct::Resume),
        Act::ReopenEvaluation => return check_evaluation(conn, object_id, EvaluationAct::Reopen),
        Act::RevokeDecision => return check_evaluation(conn, object_id, EvaluationAct::Revoke),
        Act::BumpSubject => {
            return generations::check_bump(conn, EvaluationId(object_id), parameters, now).map(drop);
        }
        Act::ExtendCycle => {
            return generations::check_extension(conn, CycleId(object_id), parameters, now).map(drop);
        }
        Act::BeginSupplementaryRound => {
            return supplements::check(conn, CycleId(object_id), parameters, now).map(drop);
        }
        Act::AdoptRetentionSchedule => return retention::check_adopt(conn, object_id).map(drop),
        Act::RunRetention => return retention_runs::check(conn, object_id).map(drop),
        Act::OpenCycle => Phase::Announced,
        Act::DrawPanels => Phase::Drawn,
        Act::SealCycle => Phase::Sealed,
        Act::CloseCycle => Phase::Closed,
        Act::CancelCycle => Phase::Cancelled,
    };
    cycles::check(conn, CycleId(object_id), to, now).map(drop)
}

fn perform(
    conn: &mut Conn,
    cipher: &Cipher,
    act: Act,
    object_id: uuid::Uuid,
    approval: &Approval,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let mover =
        Mover { account_id: approval.requested_by, second: Some(actor.account_id), reason: approval.reason.as_deref() };
    let cycle = CycleId(object_id);
    match act {
        Act::ApproveEvaluationPlan => planning::approve(conn, EvaluationPlanId(object_id), mover, now),
        Act::PublishMethodology => methodologies::publish(conn, object_id, &approval.parameters, actor, now),
        Act::OpenCycle => cycles::open(conn, cipher, cycle, mover, now),
        Act::DrawPanels => cycles::draw(conn, cipher, cycle, mover, now),
        Act::SealCycle => cycles::seal(conn, cipher, cycle, mover, now),
        Act::CloseCycle => cycles::close(conn, cycle, mover, now),
        Act::CancelCycle => cycles::cancel(conn, cipher, cycle, mover, now),
        Act::CancelEvaluation => evaluations::cancel(conn, EvaluationId(object_id), mover, now),
        Act::SuspendEvaluation => evaluations::suspend(conn, EvaluationId(object_id), mover, now),
        Act::ResumeEvaluation => evaluations::resume(conn, EvaluationId(object_id), mover, now),
        Act::ReopenEvaluation => evaluations::reopen(conn, EvaluationId(object_id), mover, now),
        Act::RevokeDecision => evaluations::revoke(conn, EvaluationId(object_id), mover, now),
        Act::BumpSubject => generations::bump(conn, EvaluationId(object_id), &approval.parameters, mover, now),
        Act::ExtendCycle => generations::extend(conn, cycle, &approval.parameters, mover, now),
        Act::BeginSupplementaryRound => supplements::begin(conn, cipher, cycle, &approval.parameters, mover, now),
        Act::AdoptRetentionSchedule => retention::adopt(conn, object_id, actor, now),
        Act::RunRetention => retention_runs::start(conn, object_id, &approval.parameters, mover, now),
    }
}

fn check_evaluation(conn: &mut Conn, object_id: uuid::Uuid, act: EvaluationAct) -> Result<()> {
    evaluations::check_act(conn, EvaluationId(object_id), act)
}

fn digest(conn: &mut Conn, act: Act, object_id: uuid::Uuid, parameters: &str, reason: Option<&str>) -> Result<String> {
    let state = match act {
        Act::ApproveEvaluationPlan => planning::state(conn, EvaluationPlanId(object_id))?,
        Act::PublishMethodology => methodologies::state(conn, object_id)?,
        Act::BumpSubject => generations::state(conn, EvaluationId(object_id))?,
        Act::CancelEvaluation
        | Act::SuspendEvaluation
        | Act::ResumeEvaluation
        | Act::ReopenEvaluation
        | Act::RevokeDecision => evaluations::state(conn, EvaluationId(object_id))?,
        Act::AdoptRetentionSchedule | Act::RunRetention => retention::state(conn, object_id)?,
        Act::OpenCycle
        | Act::DrawPanels
        | Act::SealCycle
        | Act::CloseCycle
        | Act::CancelCycle
        | Act::ExtendCycle
        | Act::BeginSupplementaryRound => cycles::state(conn, object_id)?,
    };
    let deed = Deed { act: act.as_str(), object_id: object_id.to_string(), state, parameters, reason };
    Ok(hex(&Sha256::digest(jcs::canonical(&deed)?)))
}
