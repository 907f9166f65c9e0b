//! What a reviewer has to do, and leaving it. A newcomer's usual mistake is to show more: no reviewer learns who else is on
//! a panel, and from the opening of submission on there is nothing to log in for.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once};
use super::lists::Answering;
use crate::clock::Clock;
use crate::credential::encoding::to_base64url;
use crate::db::{Conn, Registry};
use crate::domain::ids::{AssignmentId, CycleId, EvaluationId, JudgeId};
use crate::domain::policy::Actor;
use crate::error::{Error, Result};
use crate::problem::responses::{ReadProblems, TimedProblems};
use crate::store;
use crate::store::assignments::{AssignmentState, Duty};
use crate::workflow::issuance::{methodology_of, today};
use crate::workflow::lists::List;
use crate::workflow::recusals;
use crate::workflow::recusals::RecusalReason;

/// Why a reviewer leaves.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "no_contact"}))]
pub struct Recusal {
    /// The reason; it does not reach the subject.
    reason: RecusalReason,
}

/// One subject that the caller is asked to review.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "cycle_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "cycle_ref": "q1Zk8m0sTt2VwYx3aB4cDg", "round": 1, "subject_ref": "Ae4Rr7vN1mKp0sXyZ2bC3g", "subject": {"judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Нұрланова Айгүл", "full_name_ru": "Нурланова Айгуль", "full_name_en": null}, "instrument_id": "judge-1", "state": "drawn"}))]
pub struct AssignmentView {
    /// The assignment's id.
    id: AssignmentId,
    /// The subject's evaluation.
    evaluation_id: EvaluationId,
    /// The cycle.
    cycle_id: CycleId,
    /// The box's name of the cycle, base64url; null until the manifest is frozen.
    #[schema(max_length = 22)]
    cycle_ref: Option<String>,
    /// The round of collection.
    #[schema(minimum = 1)]
    round: i32,
    /// The box's name of the subject, base64url; null until the manifest is frozen.
    #[schema(max_length = 22)]
    subject_ref: Option<String>,
    /// Who is reviewed.
    subject: SubjectView,
    /// The form to fill in.
    #[schema(max_length = 32)]
    instrument_id: String,
    /// Where the assignment stands; whether a review was sent is not known to the service.
    state: AssignmentState,
}

/// The judge who is reviewed.
#[derive(Serialize, ToSchema)]
pub struct SubjectView {
    /// The judge.
    judge_id: JudgeId,
    /// The name in Kazakh.
    #[schema(max_length = 200)]
    full_name_kk: String,
    /// The name in Russian.
    #[schema(max_length = 200)]
    full_name_ru: String,
    /// The name in English, or null.
    #[schema(max_length = 200)]
    full_name_en: Option<String>,
}

impl From<Duty> for AssignmentView {
    fn from(duty: Duty) -> Self {
        let Duty { assignment, evaluation, cycle, subject_names: (full_name_kk, full_name_ru, full_name_en) } = duty;
        let judge_id = evaluation.judge_id;
        AssignmentView {
            id: assignment.id,
            evaluation_id: evaluation.id,
            cycle_id: cycle.id,
            cycle_ref: cycle.cycle_ref.as_deref().map(to_base64url),
            round: cycle.round,
            subject_ref: evaluation.subject_ref.as_deref().map(to_base64url),
            subject: SubjectView { judge_id, full_name_kk, full_name_ru, full_name_en },
            instrument_id: evaluation.instrument_id,
            state: assignment.state,
        }
    }
}

/// List one's own assignments.
///
/// For judges: the subjects that the caller is asked to review, until submission opens. From then on nothing needs a
/// log-in, and the list is empty, so that nobody logs in near the sending of a review.
#[utoipa::path(tag = "assignments", params(PageQuery),
    responses((status = 200, body = PageOf<AssignmentView>), ReadProblems))]
#[get("/me/assignments")]
pub async fn list_my_assignments(
    actor: Actor,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor, answering.now())?;
    answering.list(actor, list, query.into_inner()).await
}

/// The caller's own assignments; a judge has a handful, so a page is cut from all of them.
pub fn list(actor: &Actor, now: DateTime<Utc>) -> Result<List> {
    let judge = actor.judge()?;
    let find = move |conn: &mut Conn, after: Option<AssignmentId>, limit: i64| {
        let mut rows = open_duties(conn, judge, now)?;
        rows.retain(|duty| after.is_none_or(|after| duty.assignment.id > after));
        rows.truncate(usize::try_from(limit).map_err(Error::internal)?);
        Ok(rows)
    };
    Ok(List::new("list_my_assignments", "my_assignments", find, |duty| duty.assignment.id, AssignmentView::from))
}

/// The duties of cycles whose submission has not opened.
fn open_duties(conn: &mut Conn, judge: JudgeId, now: DateTime<Utc>) -> Result<Vec<Duty>> {
    let mut open = Vec::new();
    for duty in store::assignments::duties_of(conn, judge)? {
        let (methodology, _) = methodology_of(conn, &duty.cycle)?;
        if today(&methodology, now) < store::cycles::dates(conn, duty.cycle.id)?.submit_open {
            open.push(duty);
        }
    }
    Ok(open)
}

/// Leave a panel.
///
/// For the assigned judge, until the credential is collected (409 `credential_already_issued`) and at most until issuance
/// closes (410). The next of the reserve takes the place. Nobody is asked for an explanation.
#[utoipa::path(tag = "assignments", params(IdempotencyKeyHeader), request_body = Recusal,
    responses((status = 200, body = AssignmentView), TimedProblems))]
#[post("/me/assignments/{assignment_id}/recuse")]
pub async fn recuse_assignment(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    assignment_id: web::Path<AssignmentId>,
    key: IdempotencyKey,
    recusal: Valid<Recusal>,
) -> Result<HttpResponse> {
    let judge = actor.judge()?;
    let now = clock.now();
    let id = assignment_id.into_inner();
    let Valid { body, digest } = recusal;
    let deed = Deed { by: actor.id(), operation: "recuse_assignment", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let duty = recusals::recuse(conn, &actor, judge, id, body.reason, now)?;
        Reply::ok(None, &AssignmentView::from(duty))
    })
    .await
}
