//! Cycles: planned, read, moved on by one person. A newcomer's usual mistake is to answer "forbidden" to a
//! judge who has no part in a cycle: for them it does not exist.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{
    Deed, IdempotencyKey, IdempotencyKeyHeader, NotModified, PageOf, PageQuery, Reply, Valid, act_once, versioned,
};
use super::lists::Answering;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Conn, Registry};
use crate::domain::cycle::dates::CycleDates;
use crate::domain::cycle::{EvaluationKind, Phase};
use crate::domain::ids::{CycleId, JudgeId, MethodologyId};
use crate::domain::judge_file::{Check, NAME_LENGTH_MAX};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Result};
use crate::exchange;
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::cycles::Cycle;
use crate::store::draws::Draw;
use crate::workflow;
use crate::workflow::lists::List;
use crate::workflow::new_cycles::Subject;

/// Bytes of a new cycle: a few thousand subjects.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A new cycle, in `draft`.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"methodology_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "evaluating_body": "quality_commission", "title_kk": "2027 жылғы бағалау", "title_ru": "Оценка 2027 года", "starts_on": "2027-02-01", "subjects": [{"judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "kind": "periodic"}]}))]
pub struct NewCycle {
    /// The methodology that it follows to its end; published before the cycle is opened.
    methodology_id: MethodologyId,
    /// The body that evaluates, by its code.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z][a-z0-9_]{0,63}$")]
    evaluating_body: String,
    /// Its title in Kazakh.
    #[schema(min_length = 1, max_length = 200)]
    title_kk: String,
    /// Its title in Russian.
    #[schema(min_length = 1, max_length = 200)]
    title_ru: String,
    /// Its title in English.
    #[schema(min_length = 1, max_length = 200)]
    title_en: Option<String>,
    /// Its first day, not past; the other days follow from the methodology's limits.
    starts_on: NaiveDate,
    /// Who is evaluated; at least as many as the methodology asks for when the cycle is opened.
    #[schema(min_items = 1, max_items = 5000)]
    subjects: Vec<NewSubject>,
}

/// One judge to be evaluated.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "kind": "periodic"}))]
pub struct NewSubject {
    /// The judge.
    judge_id: JudgeId,
    /// Why the judge is evaluated.
    kind: EvaluationKind,
    /// The instrument of the methodology that reviewers fill in; `judge-1` where none is named.
    #[schema(min_length = 1, max_length = 64)]
    instrument_id: Option<String>,
}

/// A cycle.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "methodology_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "evaluating_body": "quality_commission", "title_kk": "2027 жылғы бағалау", "title_ru": "Оценка 2027 года", "title_en": "Evaluation of 2027", "phase": "drawn", "dates": {"starts_on": "2027-02-01", "file_review_open": "2027-02-15", "file_review_close": "2027-03-01", "pool_review_open": "2027-03-02", "pool_challenge_close": "2027-03-09", "pool_review_close": "2027-03-16", "draw_by": "2027-03-17", "issue_open": "2027-03-18", "issue_close": "2027-03-27", "submit_open": "2027-03-29", "submit_close": "2027-04-18", "seal_by": "2027-04-22", "challenge_close": "2027-04-30", "recount_by": "2027-05-07"}, "calendar_years_missing": [], "cycle_ref": "q1Zk8m0sTt2VwYx3aB4cDg", "round": 1, "generation": 0, "draws": [{"round": 1, "seed_commitment": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7", "record_digest": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7"}], "manifest_digest": "Wm5eQw1Zk8m0sTt2VwYx3aB4cDgAAAAAAAAAAAAAAAA", "sealed_on": null, "cancel_reason": null, "version": 5}))]
pub struct CycleView {
    /// Its id.
    id: CycleId,
    /// The methodology that it follows.
    methodology_id: MethodologyId,
    /// The body that evaluates.
    #[schema(max_length = 64)]
    evaluating_body: String,
    /// Its title in Kazakh.
    #[schema(max_length = 200)]
    title_kk: String,
    /// Its title in Russian.
    #[schema(max_length = 200)]
    title_ru: String,
    /// Its title in English, or null.
    #[schema(max_length = 200)]
    title_en: Option<String>,
    /// Where it stands.
    phase: Phase,
    /// Its days; both ends of a window are included.
    dates: CycleDates,
    /// The years whose working-day calendar is not on record: through them weekends alone were left out. While the cycle is
    /// in `draft`, entering the calendar (`POST /v1/work-calendars`) counts its days anew.
    #[schema(max_items = 3)]
    calendar_years_missing: Vec<i32>,
    /// The ballot box's name for it, 16 bytes base64url; null before the manifest.
    #[schema(min_length = 22, max_length = 22)]
    cycle_ref: Option<String>,
    /// The round of collection, from 1.
    #[schema(minimum = 1)]
    round: i32,
    /// The generation of the manifest in force, or of the one that is being made.
    #[schema(minimum = 0)]
    generation: i32,
    /// The draw of each round that the methodology allows, from the opening on.
    #[schema(max_items = 2)]
    draws: Vec<DrawView>,
    /// The digest of the manifest in force, base64url; null before it, and while the next generation is being made.
    #[schema(min_length = 43, max_length = 43)]
    manifest_digest: Option<String>,
    /// The day on which the seal was ordered, or null.
    sealed_on: Option<NaiveDate>,
    /// Why it was cancelled, or null.
    #[schema(max_length = 2000)]
    cancel_reason: Option<String>,
    /// Grows by one with each change; the `ETag`.
    #[schema(minimum = 1)]
    version: i64,
}

/// What is public of a draw.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"round": 1, "seed_commitment": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7", "record_digest": null}))]
pub struct DrawView {
    /// The round that it is for.
    #[schema(minimum = 1, maximum = 2)]
    round: i32,
    /// SHA-256 of the tagged seed, in hex: published before any pool exists, so that the seed cannot be chosen.
    #[schema(min_length = 64, max_length = 64)]
    seed_commitment: String,
    /// SHA-256 of the record, in hex, or null before the draw; the record itself is opened to auditors alone.
    #[schema(min_length = 64, max_length = 64)]
    record_digest: Option<String>,
}

impl From<Draw> for DrawView {
    fn from(draw: Draw) -> Self {
        let Draw { round, seed_commitment, record_digest, .. } = draw;
        DrawView { round, seed_commitment, record_digest }
    }
}

/// A cycle with its days and draws, and the years of its days whose calendar is missing.
type Whole = (Cycle, CycleDates, Vec<Draw>, Vec<i32>);

fn whole(conn: &mut Conn, cycle: Cycle) -> Result<Whole> {
    let dates = store::cycles::dates(conn, cycle.id)?;
    let draws = store::draws::of_cycle(conn, cycle.id)?;
    let years_missing = store::work_calendars::load(conn)?.years_missing(dates.starts_on, dates.recount_by);
    Ok((cycle, dates, draws, years_missing))
}

fn view((cycle, dates, draws, calendar_years_missing): Whole) -> CycleView {
    CycleView {
        id: cycle.id,
        methodology_id: cycle.methodology_id,
        evaluating_body: cycle.evaluating_body,
        title_kk: cycle.title_kk,
        title_ru: cycle.title_ru,
        title_en: cycle.title_en,
        phase: cycle.phase,
        dates,
        calendar_years_missing,
        cycle_ref: cycle.cycle_ref.map(|bytes| URL_SAFE_NO_PAD.encode(bytes)),
        round: cycle.round,
        generation: cycle.generation,
        draws: draws.into_iter().map(DrawView::from).collect(),
        manifest_digest: cycle.manifest_digest,
        sealed_on: cycle.sealed_on,
        cancel_reason: cycle.cancel_reason,
        version: cycle.version,
    }
}

/// The phase to move to.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "file_review"}))]
pub struct Advance {
    /// The next phase; moves that two persons make have operations of their own.
    to: Phase,
}

/// The request to widen pools, which the rule alone shapes.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct Widening {}

/// Plan a cycle.
///
/// For secretaries. Makes a cycle in `draft` with one evaluation for each subject; its days follow from the
/// methodology. Nothing is announced before two secretaries open it. A judge has one active evaluation of a kind: a
/// second one is a fault (422), and the other cycle is named.
#[utoipa::path(tag = "cycles", params(IdempotencyKeyHeader), request_body = NewCycle,
    responses((status = 201, body = CycleView), CreateProblems))]
#[post("/cycles")]
pub async fn create_cycle(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    key: IdempotencyKey,
    new: Valid<NewCycle, BODY_BYTES_MAX>,
) -> Result<HttpResponse> {
    policy::may_run_cycles(&actor)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    check(&new)?;
    let subject =
        |new: NewSubject| Subject { judge_id: new.judge_id, kind: new.kind, instrument_id: new.instrument_id };
    let new = workflow::new_cycles::NewCycle {
        methodology_id: new.methodology_id,
        evaluating_body: new.evaluating_body,
        title_kk: new.title_kk,
        title_ru: new.title_ru,
        title_en: new.title_en,
        starts_on: new.starts_on,
        subjects: new.subjects.into_iter().map(subject).collect(),
    };
    let deed = Deed { by: actor.id(), operation: "create_cycle", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let made = workflow::new_cycles::create(conn, &actor, &new, now)?;
        let path = format!("/v1/cycles/{}", made.cycle.id);
        Reply::created(path, Some(1), &view(whole(conn, made.cycle)?))
    })
    .await
}

fn check(new: &NewCycle) -> Result<()> {
    let mut check = Check::default();
    check.body("/evaluating_body", &new.evaluating_body);
    check.text("/title_kk", &new.title_kk, NAME_LENGTH_MAX);
    check.text("/title_ru", &new.title_ru, NAME_LENGTH_MAX);
    check.optional_text("/title_en", new.title_en.as_deref(), NAME_LENGTH_MAX);
    check.date("/starts_on", new.starts_on);
    check.done()
}

/// List cycles.
///
/// For staff but administrators, oldest first.
#[utoipa::path(tag = "cycles", params(PageQuery),
    responses((status = 200, body = PageOf<CycleView>), ReadProblems))]
#[get("/cycles")]
pub async fn list_cycles(actor: Actor, query: web::Query<PageQuery>, answering: Answering) -> Result<HttpResponse> {
    let list = list(&actor)?;
    answering.list(actor, list, query.into_inner()).await
}

/// All cycles, for whoever may read them.
pub fn list(actor: &Actor) -> Result<List> {
    policy::may_read_cycles(actor)?;
    let find = |conn: &mut Conn, after, limit| {
        let cycles = store::cycles::list(conn, after, limit)?;
        cycles.into_iter().map(|cycle| whole(conn, cycle)).collect::<Result<Vec<_>>>()
    };
    Ok(List::new("list_cycles", "cycles", find, |(cycle, ..)| cycle.id, view))
}

/// Get a cycle.
///
/// For staff but administrators, and for judges who take part in it.
#[utoipa::path(tag = "cycles", responses((status = 200, body = CycleView), NotModified, ReadProblems))]
#[get("/cycles/{cycle_id}")]
pub async fn get_cycle(
    actor: Actor,
    registry: web::Data<Registry>,
    cycle_id: web::Path<CycleId>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let id = cycle_id.into_inner();
    let found = registry
        .0
        .read(move |conn| {
            // What does not exist costs the same questions as what is hidden, or the time would tell one from the other.
            let cycle = store::cycles::find(conn, id)?;
            if policy::may_read_cycles(&actor).is_err() {
                let judge = actor.judge_id.ok_or(Code::NotFound)?;
                if !store::evaluations::is_part(conn, id, judge)? {
                    return Err(Code::NotFound.into());
                }
            }
            whole(conn, cycle.ok_or(Code::NotFound)?)
        })
        .await?;
    Ok(versioned(&request, found.0.version, &view(found)))
}

/// Move a cycle to its next phase.
///
/// For secretaries, where one person suffices. A move that is not the next one is refused with the move that would
/// help (409 `wrong_phase`), one whose guards are not met with each of them (409 `guard_not_met`).
#[utoipa::path(tag = "cycles", params(IdempotencyKeyHeader), request_body = Advance,
    responses((status = 200, body = CycleView), CreateProblems))]
#[post("/cycles/{cycle_id}/advance")]
pub async fn move_cycle(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    config: web::Data<Config>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    advance: Valid<Advance>,
) -> Result<HttpResponse> {
    policy::may_run_cycles(&actor)?;
    let now = clock.now();
    let id = cycle_id.into_inner();
    let Valid { body, digest } = advance;
    // Two guards ask for what the box has published; the move itself touches only the database.
    exchange::take_in(&registry, &config.publication_dir, &config.key_dir, id, now).await?;
    let deed = Deed { by: actor.id(), operation: "move_cycle", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let cycle = workflow::cycles::move_on(conn, &actor, id, body.to, now)?;
        Reply::ok(Some(cycle.version), &view(whole(conn, cycle)?))
    })
    .await
}

/// Widen the pools that have become too small.
///
/// For secretaries, in `pool_review`. By the same rule that made the pools: where too few can still be drawn, judges of
/// other regions come in. The pools are then shown anew, so the days to challenge and to decide begin again and all later
/// days move with them. 409 `guard_not_met` where no pool is too small, or everybody in office is in it already.
#[utoipa::path(tag = "cycles", params(IdempotencyKeyHeader), request_body = Widening,
    responses((status = 200, body = CycleView), CreateProblems))]
#[post("/cycles/{cycle_id}/widen-pools")]
pub async fn widen_pools(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    widening: Valid<Widening>,
) -> Result<HttpResponse> {
    policy::may_run_cycles(&actor)?;
    let now = clock.now();
    let id = cycle_id.into_inner();
    let deed = Deed { by: actor.id(), operation: "widen_pools", key, digest: widening.digest };
    act_once(&registry, deed, now, move |conn| {
        let cycle = workflow::pools::widen(conn, &actor, id, now)?;
        Reply::ok(Some(cycle.version), &view(whole(conn, cycle)?))
    })
    .await
}
