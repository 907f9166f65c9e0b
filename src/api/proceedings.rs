//! What follows the count of one evaluation, read whole, and what two persons do to it. A newcomer's usual mistake is to let the
//! judge see more or less than was served: the sight says it once for every part.

use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, Valid, reasons};
use super::proceeding_views::{
    AppealView, DecisionView, EvaluationMoveView, HearingView, RecusalRequestView, ReportView, ResponseView,
};
use super::two_persons::{ApprovalView, ask};
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::deciding::DecisionStatus;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::EvaluationId;
use crate::domain::judge_file::FilePurpose;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::domain::policy::deciding::{ProceedingsSight, may_read_proceedings};
use crate::error::{Code, Result};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::decisions::Decision;
use crate::workflow::approvals::{Act, Request};

/// Everything that follows the count of an evaluation, each part in its order.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "state": "drafting", "is_peer_part_annulled": false, "moves": [], "reports": [{"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "number": 1, "account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "reasoning": {"criteria": [{"code": "reasoning", "reasons": "The acts answer each main argument.", "advice": "Keep to the shorter form of acts."}], "number_use": "The figures were one ground among others.", "evidence_ids": []}, "drafted_at": "2027-06-01T05:00:00Z", "served_at": null}], "responses": [], "hearings": [], "decisions": [], "appeals": [], "recusal_requests": []}))]
pub struct ProceedingsView {
    /// The evaluation.
    evaluation_id: EvaluationId,
    /// Where it stands.
    state: EvaluationState,
    /// Whether the appeal panel took the peer result out.
    is_peer_part_annulled: bool,
    /// The steps of its own course.
    #[schema(max_items = 1000)]
    moves: Vec<EvaluationMoveView>,
    /// The versions of the report; for the judge those that were served.
    #[schema(max_items = 100)]
    reports: Vec<ReportView>,
    /// The judge's answers.
    #[schema(max_items = 100)]
    responses: Vec<ResponseView>,
    /// The hearings.
    #[schema(max_items = 100)]
    hearings: Vec<HearingView>,
    /// The decisions; for the judge those that were served, and those on appeals.
    #[schema(max_items = 100)]
    decisions: Vec<DecisionView>,
    /// The judge's appeals.
    #[schema(max_items = 100)]
    appeals: Vec<AppealView>,
    /// The judge's requests that members step back.
    #[schema(max_items = 100)]
    recusal_requests: Vec<RecusalRequestView>,
}

/// Why two persons do something to an evaluation.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Судья ұзақ мерзімді демалыста. Судья в длительном отпуске."}))]
pub struct EvaluationActReason {
    /// The reasons, which stay with the step; the judge reads them.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// Get what follows the count of an evaluation.
///
/// For secretaries and auditors, the members and appeal members to whom it is assigned, and the judge, who sees what was served
/// and what the judge filed; to everybody else there is nothing (404). Each reading is recorded, and the judge sees it.
#[utoipa::path(tag = "proceedings", responses((status = 200, body = ProceedingsView), ReadProblems))]
#[get("/evaluations/{evaluation_id}/proceedings")]
pub async fn get_proceedings(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
) -> Result<HttpResponse> {
    let (now, id) = (clock.now(), evaluation_id.into_inner());
    let view = registry
        .0
        .write(move |conn| {
            // What does not exist costs the same questions as what is hidden.
            let evaluation = store::evaluations::find(conn, id)?;
            let is_assigned = store::members::is_assigned(conn, id, actor.account_id)?;
            let evaluation = evaluation.ok_or(Code::NotFound)?;
            let judge = evaluation.judge_id;
            let sight = may_read_proceedings(&actor, judge, is_assigned)?;
            let purpose = match sight {
                ProceedingsSight::Own => FilePurpose::OwnFile,
                ProceedingsSight::Whole => FilePurpose::Evaluation,
            };
            store::audit::record_reading(conn, actor.account_id, "get_proceedings", judge, purpose, now)?;
            read(conn, id, evaluation.state, sight)
        })
        .await?;
    Ok(HttpResponse::Ok().json(view))
}

fn read(conn: &mut Conn, id: EvaluationId, state: EvaluationState, sight: ProceedingsSight) -> Result<ProceedingsView> {
    let is_whole = sight == ProceedingsSight::Whole;
    let present = store::proceedings::present(conn, id)?;
    let votes = store::decisions::votes(conn, id)?;
    let decisions = store::decisions::of_evaluation(conn, id)?;
    let is_peer_part_annulled = crate::workflow::course::is_peer_part_annulled(&decisions);
    // A decision reaches the judge by service; one on an appeal, which goes into effect at once, when it is adopted.
    let is_shown = |one: &Decision| {
        let is_adopted = !matches!(one.status, DecisionStatus::Proposed | DecisionStatus::Rejected);
        is_whole || one.served_on.is_some() || (one.appeal_id.is_some() && is_adopted)
    };
    let decisions = decisions.into_iter().filter(is_shown).map(|one| {
        let of_one = votes.iter().filter(|vote| vote.decision_id == one.id).cloned().collect();
        DecisionView::new(one, of_one, sight)
    });
    let reports = store::proceedings::reports(conn, id)?.into_iter();
    Ok(ProceedingsView {
        evaluation_id: id,
        state,
        is_peer_part_annulled,
        moves: store::proceedings::moves(conn, id)?
            .into_iter()
            .map(|one| EvaluationMoveView::new(one, sight))
            .collect(),
        reports: reports
            .filter(|one| is_whole || one.served_at.is_some())
            .map(ReportView::new)
            .collect::<Result<_>>()?,
        responses: store::proceedings::responses(conn, id)?.into_iter().map(ResponseView::from).collect(),
        hearings: store::proceedings::hearings(conn, id)?
            .into_iter()
            .map(|one| HearingView::new(one, &present))
            .collect(),
        decisions: decisions.collect::<Result<_>>()?,
        appeals: store::decisions::appeals(conn, id)?.into_iter().map(AppealView::from).collect(),
        recusal_requests: store::recusals::of_evaluation(conn, id)?.into_iter().map(RecusalRequestView::from).collect(),
    })
}

/// Ask for an act of two persons on an evaluation.
async fn ask_for(
    (actor, registry, clock): (Actor, web::Data<Registry>, web::Data<Clock>),
    id: EvaluationId,
    (act, operation): (Act, &'static str),
    key: IdempotencyKey,
    new: Valid<EvaluationActReason>,
) -> Result<HttpResponse> {
    policy::may_run_cycles(&actor)?;
    let Valid { body, digest } = new;
    let deed = Deed { by: actor.id(), operation, key, digest };
    let request = Request { act, object_id: id.0, parameters: "{}".to_owned(), reason: Some(body.reason) };
    ask(&registry, actor, deed, request, clock.now()).await
}

/// Ask to suspend an evaluation.
///
/// For secretaries, with reasons, from the count to the decision in force: a long leave, an illness, a suspension of powers, a
/// disciplinary case on the same facts; another secretary confirms. The judge's times stand still. A running collection is not
/// stopped (409 `wrong_phase`).
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = EvaluationActReason,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/suspend")]
pub async fn suspend_evaluation(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    new: Valid<EvaluationActReason>,
) -> Result<HttpResponse> {
    let act = (Act::SuspendEvaluation, "suspend_evaluation");
    ask_for((actor, registry, clock), evaluation_id.into_inner(), act, key, new).await
}

/// Ask to let a suspended evaluation go on.
///
/// For secretaries, with reasons; another secretary confirms. It goes on where it stood.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = EvaluationActReason,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/resume")]
pub async fn resume_evaluation(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    new: Valid<EvaluationActReason>,
) -> Result<HttpResponse> {
    let act = (Act::ResumeEvaluation, "resume_evaluation");
    ask_for((actor, registry, clock), evaluation_id.into_inner(), act, key, new).await
}

/// Ask to go back to the draft of an evaluation.
///
/// For secretaries, with the error as reason, before the decision is served; another secretary confirms. What was served stays on
/// record, a decision that was taken falls, and the judge gets a new report with the whole time to answer. Afterwards the remedies
/// are an appeal and a revocation.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = EvaluationActReason,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/reopen")]
pub async fn reopen_evaluation(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    new: Valid<EvaluationActReason>,
) -> Result<HttpResponse> {
    let act = (Act::ReopenEvaluation, "reopen_evaluation");
    ask_for((actor, registry, clock), evaluation_id.into_inner(), act, key, new).await
}

/// Ask to revoke a decision in force.
///
/// For secretaries, with the act that quashed it as reason; another secretary confirms. Whoever received the outcome is told, and
/// other members draft and decide anew.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = EvaluationActReason,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/revoke")]
pub async fn revoke_decision(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    new: Valid<EvaluationActReason>,
) -> Result<HttpResponse> {
    let act = (Act::RevokeDecision, "revoke_decision");
    ask_for((actor, registry, clock), evaluation_id.into_inner(), act, key, new).await
}
