//! Requests that a member step back, and members who do so themselves. A newcomer's usual mistake is a silent veto; the judge
//! gives reasons, and another member decides with reasons.

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, Reply, Valid, act_once, reasons};
use super::proceeding_views::RecusalRequestView;
use crate::clock::Clock;
use crate::coded;
use crate::db::Registry;
use crate::domain::ids::{AccountId, EvaluationId, RecusalRequestId};
use crate::domain::policy::Actor;
use crate::domain::policy::deciding::may_sit;
use crate::error::Result;
use crate::problem::responses::CreateProblems;
use crate::workflow::recusal_requests;

/// A request that a member step back.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "ground": "We were opposing parties in a civil case in 2025."}))]
pub struct NewRecusalRequest {
    /// The member, as named in `GET /v1/evaluations/{evaluation_id}/members`.
    account_id: AccountId,
    /// The reasons.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    ground: String,
}

coded! {
    /// How a request that a member step back is decided.
    RecusalOutcome {
        /// The member leaves the evaluation.
        Accepted = "accepted",
        /// The member stays.
        Rejected = "rejected",
    }
}

/// The decision on a request.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "accepted", "reason": "The case is on record."}))]
pub struct RecusalDecision {
    /// How it is decided.
    outcome: RecusalOutcome,
    /// The reasons, which the judge reads.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// Why a member steps back.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "I taught the judge at the Academy."}))]
pub struct SteppingBack {
    /// The reasons.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// Ask that a member step back.
///
/// For the judge, with reasons, until the members have decided; once for each member. While a request is open no decision is put
/// to the vote.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = NewRecusalRequest,
    responses((status = 201, body = RecusalRequestView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/recusal-requests")]
pub async fn create_recusal_request(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    new: Valid<NewRecusalRequest>,
) -> Result<HttpResponse> {
    let (now, id) = (clock.now(), evaluation_id.into_inner());
    let Valid { body: NewRecusalRequest { account_id, ground }, digest } = new;
    let deed = Deed { by: actor.id(), operation: "create_recusal_request", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let request = recusal_requests::file(conn, &actor, id, (account_id, &ground), now)?;
        Reply::created(format!("/v1/evaluations/{id}/proceedings"), None, &RecusalRequestView::from(request))
    })
    .await
}

/// Decide a request that a member step back.
///
/// For another member to whom the evaluation is assigned, once, with reasons. Where it is accepted the member leaves the
/// evaluation for good, and what that member drafted or voted stays on record.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = RecusalDecision,
    responses((status = 200, body = RecusalRequestView), CreateProblems))]
#[post("/recusal-requests/{recusal_request_id}/decide")]
pub async fn decide_recusal_request(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    recusal_request_id: web::Path<RecusalRequestId>,
    key: IdempotencyKey,
    decision: Valid<RecusalDecision>,
) -> Result<HttpResponse> {
    may_sit(&actor)?;
    let (now, id) = (clock.now(), recusal_request_id.into_inner());
    let Valid { body: RecusalDecision { outcome, reason }, digest } = decision;
    let is_accepted = outcome == RecusalOutcome::Accepted;
    let deed = Deed { by: actor.id(), operation: "decide_recusal_request", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let request = recusal_requests::decide(conn, &actor, id, is_accepted, &reason, now)?;
        Reply::ok(None, &RecusalRequestView::from(request))
    })
    .await
}

/// Step back from an evaluation.
///
/// For a member to whom it is assigned, with reasons, until the members have decided. The member does not return to it.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = SteppingBack,
    responses((status = 204, description = "The evaluation is not assigned to the member any more."), CreateProblems))]
#[post("/evaluations/{evaluation_id}/step-back")]
pub async fn step_back(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    _key: IdempotencyKey,
    stepping: Valid<SteppingBack>,
) -> Result<HttpResponse> {
    may_sit(&actor)?;
    let (now, id) = (clock.now(), evaluation_id.into_inner());
    let reason = stepping.body.reason;
    registry.0.write(move |conn| recusal_requests::step_back(conn, &actor, id, &reason, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
