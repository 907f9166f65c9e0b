//! The members to whom an evaluation is assigned. A newcomer's usual mistake is to keep them from the subject: who reviews
//! is secret, who decides is not (CCJE Opinion 17, § 36).

use actix_web::{HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once};
use super::lists::Answering;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::ids::{AccountId, EvaluationId, JudgeId};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Result};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::members::EvaluationMember;
use crate::workflow::lists::List;
use crate::workflow::members;

// By its alias, so that utoipa leaves the ids of the path to `Completion`, which declares all of them alike.
type MemberPath = web::Path<(EvaluationId, AccountId)>;

/// Who gets an evaluation, and as what.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "is_rapporteur": true}))]
pub struct NewMember {
    /// An open account whose role is `member` or `appeal_member`.
    account_id: AccountId,
    /// Whether this member drafts the report: one `member` of an evaluation at most.
    is_rapporteur: bool,
}

/// A member to whom an evaluation is assigned.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "judge_id": null, "is_rapporteur": true}))]
pub struct MemberView {
    /// The member's account.
    account_id: AccountId,
    /// The judge who the member is; null for a member who is none.
    judge_id: Option<JudgeId>,
    /// Whether this member drafts the report.
    is_rapporteur: bool,
}

impl From<(EvaluationMember, Option<JudgeId>)> for MemberView {
    fn from((row, judge_id): (EvaluationMember, Option<JudgeId>)) -> Self {
        MemberView { account_id: row.account_id, judge_id, is_rapporteur: row.is_rapporteur }
    }
}

/// Assign an evaluation to a member.
///
/// For secretaries, until the cycle is closed or cancelled (409 `wrong_phase`). From then on the member reads the file for
/// the evaluation, and the result. 409 `guard_not_met` for a member who is the subject, a judge of the subject's court, in
/// a declared conflict with the subject, or in a pool of the cycle, and once enough of the panel have voted on a decision
/// of which the vote has not ended; 409 `already_exists` for a member who has it already and for a second rapporteur.
#[utoipa::path(tag = "evaluations", params(IdempotencyKeyHeader), request_body = NewMember,
    responses((status = 201, body = MemberView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/members")]
pub async fn assign_member(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    new: Valid<NewMember>,
) -> Result<HttpResponse> {
    policy::may_assign_members(&actor)?;
    let now = clock.now();
    let evaluation_id = evaluation_id.into_inner();
    let Valid { body: NewMember { account_id, is_rapporteur }, digest } = new;
    let member = EvaluationMember { evaluation_id, account_id, is_rapporteur };
    let deed = Deed { by: actor.id(), operation: "assign_member", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let judge_id = members::assign(conn, &actor, &member, now)?;
        let location = format!("/v1/evaluations/{evaluation_id}/members");
        Reply::created(location, None, &MemberView::from((member.clone(), judge_id)))
    })
    .await
}

/// List the members to whom an evaluation is assigned.
///
/// For secretaries, auditors and the subject, by account. To everybody else there is none (404).
#[utoipa::path(tag = "evaluations", params(PageQuery),
    responses((status = 200, body = PageOf<MemberView>), ReadProblems))]
#[get("/evaluations/{evaluation_id}/members")]
pub async fn list_members(
    actor: Actor,
    evaluation_id: web::Path<EvaluationId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor, evaluation_id.into_inner());
    answering.list(actor, list, query.into_inner()).await
}

/// The members of an evaluation, for those for whom it is there.
pub fn list(actor: &Actor, id: EvaluationId) -> List {
    let actor = actor.clone();
    let find = move |conn: &mut Conn, after, limit| {
        let evaluation = store::evaluations::find(conn, id)?.ok_or(Code::NotFound)?;
        policy::may_read_members(&actor, evaluation.judge_id)?;
        store::members::list(conn, id, after, limit)
    };
    List::new("list_members", format!("members {id}"), find, |(row, _)| row.account_id, MemberView::from)
}

/// Take an evaluation from a member.
///
/// For secretaries, until the cycle is closed or cancelled (409 `wrong_phase`). From then on the member reads neither the
/// file nor the result; what was read stays on record. 404 where it is not assigned to the account. 409 `guard_not_met`
/// while the panel votes on a decision: a member who may not vote steps back, or is replaced at the judge's request.
#[utoipa::path(tag = "evaluations", responses((status = 204, description = "Taken."), CreateProblems))]
#[delete("/evaluations/{evaluation_id}/members/{account_id}")]
pub async fn remove_member(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    path: MemberPath,
) -> Result<HttpResponse> {
    policy::may_assign_members(&actor)?;
    let now = clock.now();
    let (evaluation_id, account_id) = path.into_inner();
    registry.0.write(move |conn| members::remove(conn, &actor, evaluation_id, account_id, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
