//! What makes a later generation of the manifest: new keys for one subject, later days for all; each by two persons. A
//! newcomer's usual mistake is to stop there: both are in force only once the manifest is frozen again.

use actix_web::{HttpResponse, post, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, Valid};
use super::two_persons::{ApprovalView, ask};
use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::cycle::extension::Extension;
use crate::domain::ids::{AssignmentId, CycleId, EvaluationId};
use crate::domain::judge_file::Check;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::problem::responses::CreateProblems;
use crate::workflow::approvals::{Act, Request};
use crate::workflow::generations::{Bump, BumpReason};
use crate::workflow::recusals::RecusalReason;

/// Why the keys of a subject are replaced, and who leaves.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "lost_card"}))]
pub struct KeyBump {
    /// The reason.
    reason: BumpReason,
    /// The assignment that is left, for a recusal; never for a lost card, since nobody needs to know whose it was.
    assignment_id: Option<AssignmentId>,
    /// Why that reviewer leaves, for a recusal.
    recusal_reason: Option<RecusalReason>,
}

/// The days of a cycle as they shall be; each at least as late as it is now.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"issue_close": "2027-04-03", "submit_open": "2027-04-05", "submit_close": "2027-04-25", "seal_by": "2027-04-29", "challenge_close": "2027-05-07"}))]
pub struct NewDays {
    /// The last day on which credentials are issued.
    issue_close: NaiveDate,
    /// The first day on which reviews are taken, at least 24 hours later.
    submit_open: NaiveDate,
    /// The last such day.
    submit_close: NaiveDate,
    /// The last day for the seal.
    seal_by: NaiveDate,
    /// The last day to prove that a review is missing.
    challenge_close: NaiveDate,
}

/// Ask to replace the issuers' keys of one subject.
///
/// For secretaries, after a lost card or where somebody leaves who has collected; another secretary confirms. All
/// credentials of this subject are then void, its whole panel collects anew, and collecting rests until the keys are made
/// and the next manifest is frozen. 409 `guard_not_met` from the opening of submission on, where a lost card means
/// abstention; where no day is left to collect on, extend the cycle first.
#[utoipa::path(tag = "issuance", params(IdempotencyKeyHeader), request_body = KeyBump,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/key-bumps")]
pub async fn bump_subject(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    bump: Valid<KeyBump>,
) -> Result<HttpResponse> {
    policy::may_run_cycles(&actor)?;
    let Valid { body: KeyBump { reason, assignment_id, recusal_reason }, digest } = bump;
    let fields = [("/assignment_id", assignment_id.is_some()), ("/recusal_reason", recusal_reason.is_some())];
    let faults = fields.into_iter().filter_map(|(pointer, is_given)| match (reason, is_given) {
        (BumpReason::Recusal, false) => Some(Fault::at(pointer, Rule::Required)),
        (BumpReason::LostCard, true) => Some(Fault::at(pointer, Rule::Mismatch { other: "reason" })),
        (BumpReason::Recusal, true) | (BumpReason::LostCard, false) => None,
    });
    let faults: Vec<Fault> = faults.collect();
    if !faults.is_empty() {
        return Err(Error::faults(Code::Invalid, faults));
    }
    let bump = Bump { reason, assignment_id, recusal_reason };
    let parameters = serde_json::to_string(&bump).map_err(Error::internal)?;
    let deed = Deed { by: actor.id(), operation: "bump_subject", key, digest };
    let object_id = evaluation_id.into_inner().0;
    let request = Request { act: Act::BumpSubject, object_id, parameters, reason: None };
    ask(&registry, actor, deed, request, clock.now()).await
}

/// Ask to move the days of a cycle later.
///
/// For secretaries, where panels have not collected enough or more time is needed; another secretary confirms. It moves
/// the whole cycle, and is in force once the next manifest is frozen; keys stay, and so does what was signed. From the
/// opening of submission on, issuance stays as it is; after its end nothing is opened again (409 `guard_not_met`).
#[utoipa::path(tag = "issuance", params(IdempotencyKeyHeader), request_body = NewDays,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/cycles/{cycle_id}/extend")]
pub async fn extend_cycle(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    days: Valid<NewDays>,
) -> Result<HttpResponse> {
    policy::may_run_cycles(&actor)?;
    let Valid { body: NewDays { issue_close, submit_open, submit_close, seal_by, challenge_close }, digest } = days;
    let mut check = Check::default();
    check.date("/issue_close", issue_close);
    check.date("/submit_open", submit_open);
    check.date("/submit_close", submit_close);
    check.date("/seal_by", seal_by);
    check.date("/challenge_close", challenge_close);
    check.done()?;
    let extension = Extension { issue_close, submit_open, submit_close, seal_by, challenge_close };
    let parameters = serde_json::to_string(&extension).map_err(Error::internal)?;
    let deed = Deed { by: actor.id(), operation: "extend_cycle", key, digest };
    let request = Request { act: Act::ExtendCycle, object_id: cycle_id.into_inner().0, parameters, reason: None };
    ask(&registry, actor, deed, request, clock.now()).await
}
