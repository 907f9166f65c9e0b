//! Appeals of the judge, and how they are decided. A newcomer's usual mistake is to leave the decision in effect meanwhile:
//! nothing of it leaves the service until the appeal is decided.

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, Reply, Valid, act_once};
use super::proceeding_views::{AppealView, DecisionView, REASONING_BYTES_MAX};
use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::deciding::{AppealOutcome, Reasoning};
use crate::domain::ids::{AppealId, EvaluationId};
use crate::domain::judge_file::Check;
use crate::domain::policy::Actor;
use crate::domain::policy::deciding::{ProceedingsSight, may_decide_appeals, may_run_proceedings};
use crate::error::Result;
use crate::problem::responses::{CreateProblems, TimedProblems};
use crate::workflow::appeals;
use crate::workflow::decisions::Proposal;

/// The longest grounds, in characters.
const GROUNDS_LENGTH_MAX: usize = 10_000;

/// An appeal.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"grounds": "The hearing was held without notice."}))]
pub struct NewAppeal {
    /// The judge's grounds.
    #[schema(min_length = 1, max_length = 10000)]
    grounds: String,
}

/// That the sealed reviews are to be recounted.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct RecountRequest {}

/// Another outcome in place of the first.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedDecision {
    /// The outcome, by its code in the methodology; one that burdens a judge whom the first did not is refused.
    #[schema(min_length = 1, max_length = 32, example = "fit")]
    outcome: String,
    /// The reasons for each criterion.
    reasoning: Reasoning,
    /// Whether the peer result is a ground for it.
    relies_on_peer_result: bool,
}

/// A decision on an appeal that is put to the vote.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "upheld", "reasons": "The grounds were compared with the records.", "changed": null}))]
pub struct NewAppealDecision {
    /// How the appeal is decided.
    outcome: AppealOutcome,
    /// The reasons.
    #[schema(min_length = 10, max_length = 5000)]
    reasons: String,
    /// With `changed`, and only then: what takes the place of the first decision.
    changed: Option<ChangedDecision>,
}

/// That the time to appeal is over.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct Finality {}

/// Appeal against the decision on me.
///
/// For the judge, within the methodology's `appeal_filing_working_days` from the day of delivery, which stand still during a leave
/// or suspension (410 `window_closed` afterwards). It suspends the effect of the decision; other people decide it.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = NewAppeal,
    responses((status = 201, body = AppealView), TimedProblems))]
#[post("/evaluations/{evaluation_id}/appeals")]
pub async fn create_appeal(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    new: Valid<NewAppeal>,
) -> Result<HttpResponse> {
    let (now, id) = (clock.now(), evaluation_id.into_inner());
    let Valid { body: NewAppeal { grounds }, digest } = new;
    let mut check = Check::default();
    check.text("/grounds", &grounds, GROUNDS_LENGTH_MAX);
    check.done()?;
    let deed = Deed { by: actor.id(), operation: "create_appeal", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let appeal = appeals::file(conn, &actor, id, &grounds, now)?;
        Reply::created(format!("/v1/evaluations/{id}/proceedings"), None, &AppealView::from(appeal))
    })
    .await
}

/// Ask the auditors for a recount.
///
/// For the appeal panel, once: the same sealed reviews are counted anew, and nobody learns who wrote them. The appeal is not
/// decided before an auditor who has not recounted yet states the result (`POST /v1/cycles/{cycle_id}/recounts`), and the
/// decision does not stay where it differs.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = RecountRequest,
    responses((status = 200, body = AppealView), CreateProblems))]
#[post("/appeals/{appeal_id}/recount-request")]
pub async fn ask_for_recount(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    appeal_id: web::Path<AppealId>,
    key: IdempotencyKey,
    request: Valid<RecountRequest>,
) -> Result<HttpResponse> {
    may_decide_appeals(&actor)?;
    let (now, id) = (clock.now(), appeal_id.into_inner());
    let deed = Deed { by: actor.id(), operation: "ask_for_recount", key, digest: request.digest };
    act_once(&registry, deed, now, move |conn| {
        Reply::ok(None, &AppealView::from(appeals::ask_recount(conn, &actor, id, now)?))
    })
    .await
}

/// Put a decision on an appeal to the vote.
///
/// For members of the appeal panel to whom the evaluation is assigned and who had no part in what is appealed against (403). The
/// peer result stands or falls as a whole: it is left, annulled, or the judge is evaluated anew; no review is taken out of it.
/// `POST /v1/decisions/{decision_id}/votes` and `/settle` follow; more members must vote where the outcome burdens the judge.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = NewAppealDecision,
    responses((status = 201, body = DecisionView), CreateProblems))]
#[post("/appeals/{appeal_id}/decisions")]
pub async fn propose_appeal_decision(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    appeal_id: web::Path<AppealId>,
    key: IdempotencyKey,
    new: Valid<NewAppealDecision, REASONING_BYTES_MAX>,
) -> Result<HttpResponse> {
    may_decide_appeals(&actor)?;
    let (now, id) = (clock.now(), appeal_id.into_inner());
    let Valid { body: NewAppealDecision { outcome, reasons, changed }, digest } = new;
    let changed = changed.map(|new| {
        let ChangedDecision { outcome, reasoning, relies_on_peer_result } = new;
        Proposal { outcome, reasoning, relies_on_peer_result }
    });
    let deed = Deed { by: actor.id(), operation: "propose_appeal_decision", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let decision = appeals::propose(conn, &actor, id, (outcome, &reasons), changed.as_ref(), now)?;
        let location = format!("/v1/evaluations/{}/proceedings", decision.evaluation_id);
        Reply::created(location, None, &DecisionView::new(decision, Vec::new(), ProceedingsSight::Whole)?)
    })
    .await
}

/// Put a served decision in force.
///
/// For secretaries, once the time to appeal is over (409 `guard_not_met` with its last day). The service does it by itself, too;
/// this is for whoever does not want to wait for it.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = Finality,
    responses((status = 200, body = DecisionView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/finalise")]
pub async fn finalise_evaluation(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    finality: Valid<Finality>,
) -> Result<HttpResponse> {
    may_run_proceedings(&actor)?;
    let (now, id) = (clock.now(), evaluation_id.into_inner());
    let deed = Deed { by: actor.id(), operation: "finalise_evaluation", key, digest: finality.digest };
    act_once(&registry, deed, now, move |conn| {
        let decision = appeals::finalise(conn, Some(actor.account_id), id, now)?;
        let mut votes = crate::store::decisions::votes(conn, id)?;
        votes.retain(|vote| vote.decision_id == decision.id);
        Reply::ok(None, &DecisionView::new(decision, votes, ProceedingsSight::Whole)?)
    })
    .await
}
