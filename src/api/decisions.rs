//! Decisions of the commission: proposed, voted on, settled, served. A newcomer's usual mistake is to let a number speak; an
//! outcome is people's, with reasons for each criterion, and the words say how numbers were used.

use actix_web::{HttpResponse, post, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, Reply, Valid, act_once};
use super::proceeding_views::{DecisionView, REASONING_BYTES_MAX, VoteView};
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::deciding::{REASONS_LENGTH_MAX, Reasoning, Vote};
use crate::domain::ids::{DecisionId, EvaluationId};
use crate::domain::judge_file::Check;
use crate::domain::policy::Actor;
use crate::domain::policy::deciding::{ProceedingsSight, may_draft, may_run_proceedings, may_sit};
use crate::error::Result;
use crate::problem::responses::CreateProblems;
use crate::store;
use crate::store::decisions::Decision;
use crate::workflow::decisions;
use crate::workflow::decisions::Proposal;

/// A decision that is put to the vote.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "fit", "reasoning": {"criteria": [{"code": "reasoning", "reasons": "The acts answer each main argument.", "advice": "Keep to the shorter form of acts."}], "number_use": "The figures were one ground among others.", "evidence_ids": []}, "relies_on_peer_result": true}))]
pub struct NewDecision {
    /// The outcome, by its code in the methodology.
    #[validate(length(min = 1, max = 32))]
    #[schema(min_length = 1, max_length = 32, example = "fit_with_training")]
    outcome: String,
    /// The reasons.
    reasoning: Reasoning,
    /// Whether the peer result is a ground for it.
    relies_on_peer_result: bool,
}

impl From<NewDecision> for Proposal {
    fn from(new: NewDecision) -> Self {
        let NewDecision { outcome, reasoning, relies_on_peer_result } = new;
        Proposal { outcome, reasoning, relies_on_peer_result }
    }
}

/// A member's vote.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vote": "against", "dissent": "The records do not bear it out."}))]
pub struct NewVote {
    /// How.
    vote: Vote,
    /// Why, of a vote against, if the member wishes to say so; the judge reads it without a name.
    #[schema(min_length = 1, max_length = 5000)]
    dissent: Option<String>,
}

/// That a vote has ended.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct VoteEnd {}

/// When the decision was delivered.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"served_on": "2027-07-05"}))]
pub struct DecisionService {
    /// The day of delivery: from that of the decision to today. The time to appeal runs from it.
    served_on: NaiveDate,
}

/// The view of a decision, with the votes on it, for the staff.
fn view(conn: &mut Conn, decision: Decision) -> Result<DecisionView> {
    let mut votes = store::decisions::votes(conn, decision.evaluation_id)?;
    votes.retain(|vote| vote.decision_id == decision.id);
    DecisionView::new(decision, votes, ProceedingsSight::Whole)
}

/// Put a decision to the vote.
///
/// For the rapporteur, once the judge has answered or could have, and after the hearing where there is one. 409 `guard_not_met`
/// for an outcome that burdens an unheard judge, for reliance on a peer result that is too thin, annulled, or whose interval
/// reaches the standard, and for a burden that rests on nothing; each hint says what would help. 409 `already_exists` while
/// another waits.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = NewDecision,
    responses((status = 201, body = DecisionView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/decisions")]
pub async fn propose_decision(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    new: Valid<NewDecision, REASONING_BYTES_MAX>,
) -> Result<HttpResponse> {
    may_draft(&actor)?;
    let (now, id) = (clock.now(), evaluation_id.into_inner());
    let Valid { body, digest } = new;
    let proposal = Proposal::from(body);
    let deed = Deed { by: actor.id(), operation: "propose_decision", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let decision = decisions::propose(conn, &actor, id, &proposal, now)?;
        Reply::created(format!("/v1/evaluations/{id}/proceedings"), None, &view(conn, decision)?)
    })
    .await
}

/// Vote on a decision.
///
/// For the members of the commission to whom the evaluation is assigned, or, on an appeal, those of the appeal panel; once, and
/// after a hearing only for who was there (409 `guard_not_met`). Nobody sees how others voted before the vote has ended.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = NewVote,
    responses((status = 201, body = VoteView), CreateProblems))]
#[post("/decisions/{decision_id}/votes")]
pub async fn vote_on_decision(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    decision_id: web::Path<DecisionId>,
    key: IdempotencyKey,
    new: Valid<NewVote>,
) -> Result<HttpResponse> {
    may_sit(&actor)?;
    let (now, id) = (clock.now(), decision_id.into_inner());
    let Valid { body: NewVote { vote, dissent }, digest } = new;
    let mut check = Check::default();
    check.optional_text("/dissent", dissent.as_deref(), REASONS_LENGTH_MAX);
    check.done()?;
    let deed = Deed { by: actor.id(), operation: "vote_on_decision", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let cast = decisions::vote(conn, &actor, id, (vote, dissent.clone()), now)?;
        Reply::created(format!("/v1/decisions/{id}/votes"), None, &VoteView::from(cast))
    })
    .await
}

/// End the vote on a decision.
///
/// For secretaries. With more votes for it than against the decision is adopted, and its digest fixed; else it is rejected and
/// another can be proposed. 409 `guard_not_met` without a quorum, without a majority of judges, while a request that one of
/// the panel step back is open, and on an appeal while a recount that was asked for is not stated.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = VoteEnd,
    responses((status = 200, body = DecisionView), CreateProblems))]
#[post("/decisions/{decision_id}/settle")]
pub async fn settle_decision(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    decision_id: web::Path<DecisionId>,
    key: IdempotencyKey,
    end: Valid<VoteEnd>,
) -> Result<HttpResponse> {
    may_run_proceedings(&actor)?;
    let (now, id) = (clock.now(), decision_id.into_inner());
    let deed = Deed { by: actor.id(), operation: "settle_decision", key, digest: end.digest };
    act_once(&registry, deed, now, move |conn| {
        let decision = decisions::settle(conn, &actor, id, now)?;
        Reply::ok(None, &view(conn, decision)?)
    })
    .await
}

/// Serve the decision on the judge.
///
/// For secretaries: it was delivered with its reasons and with the word on appeals. From that day the judge may appeal within the
/// methodology's `appeal_filing_working_days`.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = DecisionService,
    responses((status = 200, body = DecisionView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/decision-service")]
pub async fn serve_decision(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    service: Valid<DecisionService>,
) -> Result<HttpResponse> {
    may_run_proceedings(&actor)?;
    let (now, id) = (clock.now(), evaluation_id.into_inner());
    let Valid { body: DecisionService { served_on }, digest } = service;
    let deed = Deed { by: actor.id(), operation: "serve_decision", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let decision = decisions::serve(conn, &actor, id, served_on, now)?;
        Reply::ok(None, &view(conn, decision)?)
    })
    .await
}
