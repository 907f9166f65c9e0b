//! Reading packs as wholes: the list that is drawn from, the draw, its record, the freezing, and how far each is. A newcomer's
//! usual mistake is to answer an act's outcome beside it: then whoever fills the list or replaces an act could steer by it.

use actix_web::{HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once, reasons};
use super::lists::Answering;
use super::reading_views::ReadingPackView;
use crate::cipher::Cipher;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::ids::{CycleId, EvaluationId, JudgeId};
use crate::domain::policy::{Actor, reading as law};
use crate::domain::reading::Candidate;
use crate::domain::reading::draw::ReadingRecord;
use crate::error::{Code, Error, Result};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::workflow;
use crate::workflow::lists::List;
use crate::workflow::reading_packs::Standing;

/// Acts of a judge for the list that is drawn from.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"acts": [{"category": "civil", "act_date": "2026-05-04", "case_no": "7517-26-00-2/1042"}]}))]
pub struct NewCandidates {
    /// The acts, 1 to 300; those on the list already stay.
    #[schema(min_items = 1, max_items = 300)]
    acts: Vec<Candidate>,
}

/// What became of acts that were given for the list.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"added_count": 1, "candidate_count": 214}))]
pub struct CandidatesView {
    /// How many of them are new on the list.
    #[schema(minimum = 0)]
    added_count: usize,
    /// How many acts there are to draw from now, those of the file included.
    #[schema(minimum = 0)]
    candidate_count: usize,
}

/// The draw of a pack's acts.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"candidate_count": 214}))]
pub struct ReadingDraw {
    /// From how many acts, as the pack shows it: so nobody draws from a list that is not whole yet.
    #[schema(minimum = 0, maximum = 100_000)]
    candidate_count: usize,
}

/// The freezing of a pack.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"short_reason": null}))]
pub struct ReadingFreeze {
    /// Why it has fewer acts than the methodology asks for; only then.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    short_reason: Option<String>,
}

/// The record of the draw of a pack's acts.
#[derive(Serialize, ToSchema)]
pub struct ReadingRecordView {
    /// SHA-256 of `record`, in hex, as the pack shows it.
    #[schema(min_length = 64, max_length = 64)]
    digest: String,
    /// The record as it is stored: the digest is over these bytes, and `ejf draw verify` takes them.
    #[schema(max_length = 16_777_216)]
    record: String,
    /// The same, to be read.
    content: ReadingRecord,
}

/// How far a pack is; nothing of what is in it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "is_drawn": true, "acts_count": 6, "replaced_count": 1, "texts_missing": 2, "texts_unchecked": 1, "objections_open": 0, "is_frozen": false, "digest": null}))]
pub struct ReadingStandingView {
    /// The evaluation.
    evaluation_id: EvaluationId,
    /// The subject.
    judge_id: JudgeId,
    /// Whether its acts are drawn.
    is_drawn: bool,
    /// Acts that are in it as things are.
    #[schema(minimum = 0)]
    acts_count: u32,
    /// Acts in whose place another was taken.
    #[schema(minimum = 0)]
    replaced_count: u32,
    /// Acts whose text is awaited.
    #[schema(minimum = 0)]
    texts_missing: u32,
    /// Acts whose text waits for a second person.
    #[schema(minimum = 0)]
    texts_unchecked: u32,
    /// Objections of the judge on which nobody has decided.
    #[schema(minimum = 0)]
    objections_open: u32,
    /// Whether it is frozen.
    is_frozen: bool,
    /// SHA-256 of the frozen pack, base64url, or null.
    #[schema(min_length = 43, max_length = 43)]
    digest: Option<String>,
}

impl From<Standing> for ReadingStandingView {
    fn from(standing: Standing) -> Self {
        let Standing { evaluation, pack, acts_count, replaced_count, gaps } = standing;
        ReadingStandingView {
            evaluation_id: evaluation.id,
            judge_id: evaluation.judge_id,
            is_drawn: pack.record_digest.is_some(),
            acts_count,
            replaced_count,
            texts_missing: gaps.texts_missing,
            texts_unchecked: gaps.texts_unchecked,
            objections_open: gaps.objections_open,
            is_frozen: pack.digest.is_some(),
            digest: pack.digest,
        }
    }
}

/// Put acts on the list that a reading pack is drawn from.
///
/// For secretaries, in `announced` and `file_review`, until the acts are drawn (409): all acts of the judge of the pack's days,
/// by number, day and category, whatever became of them. Acts that the file has are drawn from without being on the list.
/// 404 where the methodology gives reviewers no acts to read.
#[utoipa::path(tag = "reading packs", params(IdempotencyKeyHeader), request_body = NewCandidates,
    responses((status = 200, body = CandidatesView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/reading-candidates")]
pub async fn add_reading_candidates(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    new: Valid<NewCandidates>,
) -> Result<HttpResponse> {
    law::may_prepare_packs(&actor)?;
    let now = clock.now();
    let id = evaluation_id.into_inner();
    let Valid { body: NewCandidates { acts }, digest } = new;
    let deed = Deed { by: actor.id(), operation: "add_reading_candidates", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let added_count = workflow::reading::add_candidates(conn, &actor, id, &acts, now)?;
        let opened = workflow::reading::open(conn, id)?;
        let candidate_count = workflow::reading::candidates(conn, &opened)?.len();
        Reply::ok(None, &CandidatesView { added_count, candidate_count })
    })
    .await
}

/// Take every act off the list that a reading pack is drawn from.
///
/// For secretaries, until the acts are drawn (409), so that a wrong list can be given anew. Acts of the file stay.
#[utoipa::path(tag = "reading packs", responses((status = 204, description = "The list is empty."), CreateProblems))]
#[delete("/evaluations/{evaluation_id}/reading-candidates")]
pub async fn clear_reading_candidates(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
) -> Result<HttpResponse> {
    law::may_prepare_packs(&actor)?;
    let now = clock.now();
    let id = evaluation_id.into_inner();
    registry.0.write(move |conn| workflow::reading::clear_candidates(conn, &actor, id, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Draw the acts of a reading pack.
///
/// For secretaries, once, in `announced` and `file_review`: at random, by the seed that was committed to when the cycle was
/// opened, so many of each category as the methodology says. From then on the judge sees which acts they are.
#[utoipa::path(tag = "reading packs", params(IdempotencyKeyHeader), request_body = ReadingDraw,
    responses((status = 200, body = ReadingPackView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/reading-pack/draw")]
pub async fn draw_reading_acts(
    actor: Actor,
    registry: web::Data<Registry>,
    cipher: web::Data<Cipher>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    draw: Valid<ReadingDraw>,
) -> Result<HttpResponse> {
    law::may_prepare_packs(&actor)?;
    let now = clock.now();
    let id = evaluation_id.into_inner();
    let Valid { body: ReadingDraw { candidate_count }, digest } = draw;
    let deed = Deed { by: actor.id(), operation: "draw_reading_acts", key: key.required()?, digest };
    act_once(&registry, deed, now, move |conn| {
        workflow::reading::draw(conn, &cipher, &actor, id, candidate_count, now)?;
        Reply::ok(None, &view(conn, id)?)
    })
    .await
}

/// A pack as it is now.
fn view(conn: &mut Conn, id: EvaluationId) -> Result<ReadingPackView> {
    let opened = workflow::reading::open(conn, id)?;
    let count = workflow::reading::candidates(conn, &opened)?.len();
    let acts = store::reading_packs::acts_of(conn, &[id])?;
    let texts = store::reading_texts::of_pack(conn, id)?;
    Ok(ReadingPackView::new(opened, count, acts, texts))
}

/// Get the reading pack of an evaluation.
///
/// For secretaries, auditors and the subject, with the acts that were drawn, what was said and decided of each, and their
/// texts. To everybody else there is none (404), nor where the methodology gives reviewers no acts to read. The reading is
/// recorded, and the judge sees it.
#[utoipa::path(tag = "reading packs", responses((status = 200, body = ReadingPackView), ReadProblems))]
#[get("/evaluations/{evaluation_id}/reading-pack")]
pub async fn get_reading_pack(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let id = evaluation_id.into_inner();
    let pack = registry.0.write(move |conn| {
        let judge = store::evaluations::find(conn, id)?.ok_or(Code::NotFound)?.judge_id;
        let purpose = law::may_read_pack(&actor, judge)?;
        let pack = view(conn, id)?;
        store::audit::record_reading(conn, actor.account_id, "get_reading_pack", judge, purpose, now)?;
        Ok(pack)
    });
    Ok(HttpResponse::Ok().json(pack.await?))
}

/// Get the record of the draw of a reading pack's acts.
///
/// For auditors: seed, list and drawn order, by which `ejf draw verify` repeats the draw. 404 before. Reading it is recorded.
#[utoipa::path(tag = "reading packs", responses((status = 200, body = ReadingRecordView), ReadProblems))]
#[get("/evaluations/{evaluation_id}/reading-pack/record")]
pub async fn get_reading_record(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
) -> Result<HttpResponse> {
    crate::domain::policy::may_open_draws(&actor)?;
    let now = clock.now();
    let id = evaluation_id.into_inner();
    let opening = registry.0.write(move |conn| {
        let record = store::reading_packs::record(conn, id)?.ok_or(Code::NotFound)?;
        let entry = store::audit::NewEntry::new(Some(actor.account_id), "get_reading_record", "evaluation", id);
        store::audit::record(conn, entry, now)?;
        Ok(record)
    });
    let record = opening.await?;
    let content = serde_json::from_str(&record).map_err(Error::internal)?;
    let digest = workflow::cycles::record_digest(&record);
    Ok(HttpResponse::Ok().json(ReadingRecordView { digest, record, content }))
}

/// Freeze a reading pack.
///
/// For secretaries, in `drawn`, once each of its acts has a text that a second person passed and every objection is decided
/// (409 `guard_not_met` with what it lacks). From then on its bytes are the same for every reviewer, and texts that did not get into it are erased. Where fewer acts are left
/// than the methodology asks for, a reason is needed; a repeat is 409. No manifest is frozen before all packs of its cycle.
#[utoipa::path(tag = "reading packs", params(IdempotencyKeyHeader), request_body = ReadingFreeze,
    responses((status = 200, body = ReadingPackView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/reading-pack/freeze")]
pub async fn freeze_reading_pack(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    freeze: Valid<ReadingFreeze>,
) -> Result<HttpResponse> {
    law::may_prepare_packs(&actor)?;
    let now = clock.now();
    let id = evaluation_id.into_inner();
    let Valid { body: ReadingFreeze { short_reason }, digest } = freeze;
    let deed = Deed { by: actor.id(), operation: "freeze_reading_pack", key: key.required()?, digest };
    act_once(&registry, deed, now, move |conn| {
        workflow::reading_packs::freeze(conn, &actor, id, short_reason.as_deref(), now)?;
        Reply::ok(None, &view(conn, id)?)
    })
    .await
}

/// List how far the reading packs of a cycle are.
///
/// For secretaries and auditors, by evaluation: what each lacks before it can be frozen. Empty where the methodology gives
/// reviewers no acts to read.
#[utoipa::path(tag = "reading packs", params(PageQuery),
    responses((status = 200, body = PageOf<ReadingStandingView>), ReadProblems))]
#[get("/cycles/{cycle_id}/reading-packs")]
pub async fn list_reading_packs(
    actor: Actor,
    cycle_id: web::Path<CycleId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor, cycle_id.into_inner())?;
    answering.list(actor, list, query.into_inner()).await
}

/// How far the packs of a cycle are, for whoever may know.
pub fn list(actor: &Actor, id: CycleId) -> Result<List> {
    law::may_list_packs(actor)?;
    let find = move |conn: &mut Conn, after, limit| {
        store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
        let evaluations = store::evaluations::list(conn, id, None, after, limit)?;
        workflow::reading_packs::standings(conn, evaluations)
    };
    let key = |standing: &Standing| standing.evaluation.id;
    Ok(List::new("list_reading_packs", format!("reading-packs {id}"), find, key, ReadingStandingView::from))
}
