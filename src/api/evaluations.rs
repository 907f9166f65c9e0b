//! Evaluations and their eligible pools. A newcomer's usual mistake is to show the panel: a subject sees who may be drawn
//! and never who was.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, NotModified, PageOf, PageQuery, Valid, versioned};
use super::lists::Answering;
use super::two_persons::{ApprovalView, ask};
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::cycle::EvaluationKind;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{CycleId, EvaluationId, JudgeId, PoolEntryId};
use crate::domain::judge_file::FilePurpose;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::domain::pool::{CourtGroup, Exclusion};
use crate::error::{Code, Result};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::evaluations::Evaluation;
use crate::store::pools::NamedEntry;
use crate::workflow::approvals::{Act, Request};
use crate::workflow::lists::List;

/// Which evaluations of a cycle are listed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EvaluationsQuery {
    /// Only evaluations that stand there.
    #[param(inline)]
    state: Option<EvaluationState>,
    /// How many items at most: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// Why an evaluation is to end without a result.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Судья отставкаға шықты. Судья ушёл в отставку."}))]
pub struct EvaluationCancellation {
    /// The reasons, which stay with the approval.
    #[validate(length(min = 10, max = 2000))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// One judge's passage through a cycle.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "cycle_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "kind": "periodic", "instrument_id": "judge-1", "state": "collecting", "subject_ref": null, "version": 3}))]
pub struct EvaluationView {
    /// Its id.
    id: EvaluationId,
    /// The cycle it is part of.
    cycle_id: CycleId,
    /// The subject.
    judge_id: JudgeId,
    /// Why the judge is evaluated.
    kind: EvaluationKind,
    /// The instrument that reviewers fill in.
    #[schema(max_length = 64)]
    instrument_id: String,
    /// Where it stands.
    state: EvaluationState,
    /// The ballot box's name for the subject, 16 bytes base64url; null before the manifest.
    #[schema(min_length = 22, max_length = 22)]
    subject_ref: Option<String>,
    /// Grows by one with each change; the `ETag`.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<Evaluation> for EvaluationView {
    fn from(row: Evaluation) -> Self {
        EvaluationView {
            id: row.id,
            cycle_id: row.cycle_id,
            judge_id: row.judge_id,
            kind: row.kind,
            instrument_id: row.instrument_id,
            state: row.state,
            subject_ref: row.subject_ref.map(|bytes| URL_SAFE_NO_PAD.encode(bytes)),
            version: row.version,
        }
    }
}

/// One person of an eligible pool.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Серік Данияр Маратұлы", "full_name_ru": "Серик Данияр Маратович", "full_name_en": null, "court_group": "same_region", "is_excluded": false, "exclusion_reason": null}))]
pub struct PoolEntryView {
    /// Its id; a challenge names it.
    id: PoolEntryId,
    /// The person.
    judge_id: JudgeId,
    /// The person's name in Kazakh.
    #[schema(max_length = 200)]
    full_name_kk: String,
    /// The person's name in Russian.
    #[schema(max_length = 200)]
    full_name_ru: String,
    /// The person's name in English, or null.
    #[schema(max_length = 200)]
    full_name_en: Option<String>,
    /// How the person's court stands to the subject's.
    court_group: CourtGroup,
    /// Whether the person cannot be drawn; always false for the subject, who sees the others alone.
    is_excluded: bool,
    /// Why not; null also where it is a conflict and the caller may not know of it.
    exclusion_reason: Option<Exclusion>,
}

impl PoolEntryView {
    /// `shows_conflicts`: a conflict is confidential, so others than secretaries and auditors see no reason in its place.
    fn new((entry, full_name_kk, full_name_ru, full_name_en): NamedEntry, shows_conflicts: bool) -> Self {
        let exclusion_reason = entry.exclusion_reason.filter(|why| shows_conflicts || *why != Exclusion::Conflict);
        PoolEntryView {
            id: entry.id,
            judge_id: entry.judge_id,
            full_name_kk,
            full_name_ru,
            full_name_en,
            court_group: entry.court_group,
            is_excluded: entry.is_excluded,
            exclusion_reason,
        }
    }
}

/// List the evaluations of a cycle.
///
/// For staff but administrators.
#[utoipa::path(tag = "evaluations", params(EvaluationsQuery),
    responses((status = 200, body = PageOf<EvaluationView>), ReadProblems))]
#[get("/cycles/{cycle_id}/evaluations")]
pub async fn list_evaluations(
    actor: Actor,
    cycle_id: web::Path<CycleId>,
    query: web::Query<EvaluationsQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let query = query.into_inner();
    let list = list(&actor, cycle_id.into_inner(), &query)?;
    answering.list(actor, list, PageQuery { limit: query.limit, cursor: query.cursor }).await
}

/// The evaluations of a cycle, for whoever may read it.
pub fn list(actor: &Actor, cycle: CycleId, query: &EvaluationsQuery) -> Result<List> {
    policy::may_read_cycles(actor)?;
    let state = query.state;
    let find = move |conn: &mut Conn, after, limit| {
        store::cycles::find(conn, cycle)?.ok_or(Code::NotFound)?;
        store::evaluations::list(conn, cycle, state, after, limit)
    };
    let name = format!("evaluations {cycle} {state:?}");
    let subject = |row: &Evaluation| row.judge_id;
    let list = List::of_names("list_evaluations", name, find, |row| row.id, subject, EvaluationView::from);
    list.for_purpose(FilePurpose::Evaluation)
}

/// Get an evaluation.
///
/// For staff but administrators, and for its subject.
#[utoipa::path(tag = "evaluations", responses((status = 200, body = EvaluationView), NotModified, ReadProblems))]
#[get("/evaluations/{evaluation_id}")]
pub async fn get_evaluation(
    actor: Actor,
    registry: web::Data<Registry>,
    evaluation_id: web::Path<EvaluationId>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let id = evaluation_id.into_inner();
    let row = registry.0.read(move |conn| store::evaluations::find(conn, id)).await?;
    let row = row.filter(|row| sees(&actor, row)).ok_or(Code::NotFound)?;
    Ok(versioned(&request, row.version, &EvaluationView::from(row)))
}

/// Whether an evaluation exists for this caller.
fn sees(actor: &Actor, evaluation: &Evaluation) -> bool {
    policy::may_read_cycles(actor).is_ok() || actor.judge_id == Some(evaluation.judge_id)
}

/// List the eligible pool of an evaluation.
///
/// For staff but administrators, with who is excluded and why; for its subject, from `pool_review` on, those who may be
/// drawn. Nobody is shown who was drawn.
#[utoipa::path(tag = "evaluations", params(PageQuery),
    responses((status = 200, body = PageOf<PoolEntryView>), ReadProblems))]
#[get("/evaluations/{evaluation_id}/pool-entries")]
pub async fn list_pool_entries(
    actor: Actor,
    evaluation_id: web::Path<EvaluationId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list_pool(&actor, evaluation_id.into_inner());
    answering.list(actor, list, query.into_inner()).await
}

/// The eligible pool of an evaluation, as the caller may see it.
pub fn list_pool(actor: &Actor, id: EvaluationId) -> List {
    let is_staff = policy::may_read_cycles(actor).is_ok();
    let shows_conflicts = policy::may_read_conflicts(actor).is_ok();
    let actor = actor.clone();
    let find = move |conn: &mut Conn, after, limit| {
        let evaluation = store::evaluations::find(conn, id)?;
        let evaluation = evaluation.filter(|evaluation| sees(&actor, evaluation)).ok_or(Code::NotFound)?;
        // A member who is the subject sees what a subject sees.
        let is_own = actor.judge_id == Some(evaluation.judge_id);
        store::pools::list_entries(conn, id, is_own || !is_staff, after, limit)
    };
    let name = format!("pool-entries {id} {is_staff}");
    let view = move |row| PoolEntryView::new(row, shows_conflicts);
    List::new("list_pool_entries", name, find, |(entry, ..)| entry.id, view)
}

/// Ask to cancel an evaluation.
///
/// For secretaries, with reasons: the judge left office, died, is exempt or withdrew an application; another secretary
/// confirms. The cycle goes on without it, and whatever two persons were about to do to the cycle is asked for anew. 409
/// `wrong_phase` from the draw until the cycle reports.
#[utoipa::path(tag = "evaluations", params(IdempotencyKeyHeader), request_body = EvaluationCancellation,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/cancel")]
pub async fn cancel_evaluation(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    cancellation: Valid<EvaluationCancellation>,
) -> Result<HttpResponse> {
    policy::may_run_cycles(&actor)?;
    let Valid { body, digest } = cancellation;
    let deed = Deed { by: actor.id(), operation: "cancel_evaluation", key, digest };
    let object_id = evaluation_id.into_inner().0;
    let request =
        Request { act: Act::CancelEvaluation, object_id, parameters: "{}".to_owned(), reason: Some(body.reason) };
    ask(&registry, actor, deed, request, clock.now()).await
}
