//! What two persons do to a cycle: open it, draw its panels, seal its box, begin its second round, close it, cancel it; and
//! the draw as auditors see it. A newcomer's usual mistake is to do the act here; it is only asked for.

use actix_web::{HttpResponse, get, post, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, RoundQuery, Valid, reasons};
use super::jobs::Start;
use super::two_persons::{ApprovalView, ask};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Registry;
use crate::domain::draw::DrawRecord;
use crate::domain::ids::CycleId;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Result};
use crate::exchange;
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::workflow;
use crate::workflow::approvals::{Act, Request};
use crate::workflow::supplements::Supplement;

/// When the supplementary round issues its credentials.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"issue_open": "2027-05-10"}))]
pub struct NewRound {
    /// The first such day, within the next 90; the other days follow from the methodology.
    issue_open: NaiveDate,
}

/// Why a cycle is to end.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Әдістеме күшін жойды. Методика утратила силу."}))]
pub struct Cancellation {
    /// The reasons, which stay with the cycle.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// Why nothing of a cycle is to come any more.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Барлық шешім күшіне енді, шағым жоқ. Все решения вступили в силу, обжалований нет."}))]
pub struct Closing {
    /// What the two persons rest on: that every decision is final and no appeal is pending. It stays with the cycle.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// A draw opened to auditors.
#[derive(Serialize, ToSchema)]
pub struct DrawRecordView {
    /// SHA-256 of the text of `record` as stored, in hex: equal to `record_digest` among the cycle's `draws`.
    #[schema(min_length = 64, max_length = 64)]
    digest: String,
    /// The record as stored; `ejf draw verify` repeats the draw from it.
    #[schema(max_length = 67_108_864)]
    record: String,
    /// The same record, read.
    content: DrawRecord,
}

/// Ask to open a cycle.
///
/// For secretaries; another secretary confirms. Its subjects are then told, and the draw's seed is committed to.
#[utoipa::path(tag = "cycles", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/cycles/{cycle_id}/open")]
pub async fn open_cycle(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    let deed = Deed { by: actor.id(), operation: "open_cycle", key, digest: start.digest };
    ask_for(&registry, actor, deed, Act::OpenCycle, cycle_id.into_inner(), None, &clock).await
}

/// Ask to draw the panels.
///
/// For secretaries; another secretary confirms. All panels of the cycle are drawn at once from the frozen pools and the
/// committed seed.
#[utoipa::path(tag = "cycles", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/cycles/{cycle_id}/draw")]
pub async fn draw_panels(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    let deed = Deed { by: actor.id(), operation: "draw_panels", key, digest: start.digest };
    ask_for(&registry, actor, deed, Act::DrawPanels, cycle_id.into_inner(), None, &clock).await
}

/// Ask to seal the ballot box.
///
/// For secretaries, after the last day of submission; another secretary confirms. The box then publishes its tree.
#[utoipa::path(tag = "cycles", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/cycles/{cycle_id}/seal")]
pub async fn seal_cycle(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    let deed = Deed { by: actor.id(), operation: "seal_cycle", key, digest: start.digest };
    ask_for(&registry, actor, deed, Act::SealCycle, cycle_id.into_inner(), None, &clock).await
}

/// Ask to begin the supplementary round.
///
/// For secretaries, once in a sealed cycle whose results are computed and whose days for complaints are over, where the
/// methodology provides it and some subject has too few reviews for a decision (409 `guard_not_met` else); another
/// secretary confirms. For each such subject reviewers who are new are drawn from the pool by the second seed, and keys,
/// manifest, issuance, submission and seal follow as in the first round. The results of the whole cycle are withdrawn:
/// they are computed once, over both rounds, and nothing of them is shown before. 409 `pool_too_small` where a pool is
/// used up. From then on the cycle is not cancelled.
#[utoipa::path(tag = "cycles", params(IdempotencyKeyHeader), request_body = NewRound,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/cycles/{cycle_id}/supplementary-round")]
pub async fn begin_supplementary_round(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    new: Valid<NewRound>,
) -> Result<HttpResponse> {
    policy::may_run_cycles(&actor)?;
    let Valid { body: NewRound { issue_open }, digest } = new;
    let parameters = serde_json::to_string(&Supplement { issue_open }).map_err(Error::internal)?;
    let deed = Deed { by: actor.id(), operation: "begin_supplementary_round", key, digest };
    let object_id = cycle_id.into_inner().0;
    let request = Request { act: Act::BeginSupplementaryRound, object_id, parameters, reason: None };
    ask(&registry, actor, deed, request, clock.now()).await
}

/// Ask to close a cycle.
///
/// For secretaries, from `reporting`, with what it rests on; another secretary confirms. Every evaluation must be final or
/// cancelled, and no complaint proven (409 `guard_not_met`). The reviews are deleted `review_deletion_days` of the methodology
/// later, by date.
#[utoipa::path(tag = "cycles", params(IdempotencyKeyHeader), request_body = Closing,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/cycles/{cycle_id}/close")]
pub async fn close_cycle(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    closing: Valid<Closing>,
) -> Result<HttpResponse> {
    let Valid { body, digest } = closing;
    let deed = Deed { by: actor.id(), operation: "close_cycle", key, digest };
    ask_for(&registry, actor, deed, Act::CloseCycle, cycle_id.into_inner(), Some(body.reason), &clock).await
}

/// Ask to cancel a cycle.
///
/// For secretaries, with reasons; another secretary confirms. Reviews that were given are destroyed unread. A sealed cycle is
/// cancelled only where the box is proven to have broken its promise (409 `guard_not_met` else): nothing of it is told, its
/// judges are due again, and what was sealed stays as evidence.
#[utoipa::path(tag = "cycles", params(IdempotencyKeyHeader), request_body = Cancellation,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/cycles/{cycle_id}/cancel")]
pub async fn cancel_cycle(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    config: web::Data<Config>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    cancellation: Valid<Cancellation>,
) -> Result<HttpResponse> {
    policy::may_run_cycles(&actor)?;
    let Valid { body, digest } = cancellation;
    // A complaint that nobody has taken in yet may be what it rests on. A folder that cannot be believed stops no cancelling.
    let (dir, key_dir) = (&config.publication_dir, &config.key_dir);
    match exchange::take_in(&registry, dir, key_dir, *cycle_id, clock.now()).await {
        Err(error) if error.code() == Code::BoxNotReady => {
            tracing::warn!(cycle_id = %cycle_id, %error, "the box's documents were not taken in before a cancelling");
        }
        taken_in => taken_in?,
    }
    let deed = Deed { by: actor.id(), operation: "cancel_cycle", key, digest };
    ask_for(&registry, actor, deed, Act::CancelCycle, cycle_id.into_inner(), Some(body.reason), &clock).await
}

async fn ask_for(
    registry: &Registry,
    actor: Actor,
    deed: Deed,
    act: Act,
    id: CycleId,
    reason: Option<String>,
    clock: &Clock,
) -> Result<HttpResponse> {
    policy::may_run_cycles(&actor)?;
    let request = Request { act, object_id: id.0, parameters: "{}".to_owned(), reason };
    ask(registry, actor, deed, request, clock.now()).await
}

/// Open the draw to an auditor.
///
/// For auditors alone: whoever has seen a pool could otherwise repeat the draw and read the panel. 404 before the draw of
/// that round.
#[utoipa::path(tag = "cycles", params(RoundQuery), responses((status = 200, body = DrawRecordView), ReadProblems))]
#[get("/cycles/{cycle_id}/draw-record")]
pub async fn get_draw_record(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    cycle_id: web::Path<CycleId>,
    query: web::Query<RoundQuery>,
) -> Result<HttpResponse> {
    policy::may_open_draws(&actor)?;
    let now = clock.now();
    let (id, round) = (cycle_id.into_inner(), query.round()?);
    let record = registry
        .0
        .write(move |conn| {
            let record = store::draws::record(conn, id, round.unwrap_or(1))?.ok_or(Code::NotFound)?;
            let entry = store::audit::NewEntry::new(Some(actor.account_id), "get_draw_record", "cycle", id);
            store::audit::record(conn, entry, now)?;
            Ok(record)
        })
        .await?;
    let content = serde_json::from_str(&record).map_err(Error::internal)?;
    let digest = workflow::cycles::record_digest(&record);
    Ok(HttpResponse::Ok().json(DrawRecordView { digest, record, content }))
}
