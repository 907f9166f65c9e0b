//! The acts of a reading pack one by one: texts, their check, objections and decisions; and what a reviewer takes along. What a
//! newcomer would get wrong: a reviewer takes all packs of a cycle at once and never one, as nobody is to show interest in
//! one subject.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, get, post, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, Reply, Valid, act_once, read_body, reasons};
use super::reading_views::{ReadingActView, ReadingTextView};
use crate::clock::Clock;
use crate::credential::encoding::sha256;
use crate::db::Registry;
use crate::domain::ids::{CycleId, ReadingActId, ReadingTextId};
use crate::domain::policy::{Actor, reading as law};
use crate::domain::reading::{ActDecision, Checklist, ReadingLanguage, ReadingType, TEXT_BYTES_MAX, TextVerdict};
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::workflow;
use crate::workflow::reading_texts::{Finding, NewText};

/// What is told of a text beside its bytes, for the API document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only describes the headers; the handler reads them")]
pub struct ReadingTextHeaders {
    /// The text's language: `kk` or `ru`.
    #[param(rename = "Content-Language", max_length = 2, example = "kk")]
    content_language: String,
}

/// What a second person found of a text.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"verdict": "passed", "checklist": {"parties_removed": true, "author_removed": true, "case_removed": true, "facts_generalised": true, "is_readable": true}, "reason": null}))]
pub struct TextCheck {
    /// Whether it may be read by reviewers.
    verdict: TextVerdict,
    /// What was looked for; all of it true, or it cannot pass.
    checklist: Checklist,
    /// Why it does not pass; then it must be given. Nobody is named in it.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: Option<String>,
}

/// What the judge objects to an act.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"objection": "I took no part in this act; it is of another panel."}))]
pub struct NewObjection {
    /// The reasons.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    objection: String,
}

/// What staff decide of an act.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"decision": "replace", "reason": "The hearing was closed; no text can be given."}))]
pub struct NewActDecision {
    /// Whether it stays, against an objection, or the next of its category takes its place.
    decision: ActDecision,
    /// Why.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// Put in the depersonalised text of a drawn act.
///
/// For secretaries: plain text in UTF-8, or a PDF that neither acts nor links, at most 256 KiB; in Kazakh or Russian. 422 where a
/// machine sees a number of twelve digits, the number of the case, the judge's name or the court in a plain text; a PDF is
/// read by persons alone. Then another secretary checks it.
#[utoipa::path(tag = "reading packs", params(ReadingTextHeaders, IdempotencyKeyHeader),
    request_body(description = "The bytes of the text.", content(("text/plain"), ("application/pdf"))),
    responses((status = 201, body = ReadingTextView), CreateProblems))]
#[post("/reading-acts/{reading_act_id}/texts")]
pub async fn add_reading_text(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    reading_act_id: web::Path<ReadingActId>,
    key: IdempotencyKey,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse> {
    law::may_prepare_packs(&actor)?;
    let now = clock.now();
    let is_plain = !request.headers().contains_key(CONTENT_ENCODING);
    let media_type = request.content_type().to_ascii_lowercase().parse::<ReadingType>();
    let (Ok(media_type), true) = (media_type, is_plain) else { return Err(Code::UnsupportedMediaType.into()) };
    let new = NewText { act_id: reading_act_id.into_inner(), language: language(&request)?, media_type };
    let bytes = read_body(payload.into_inner(), TEXT_BYTES_MAX).await?;
    let told = format!("{}\n{media_type}\n{}", new.act_id, new.language);
    let digest = sha256(&[&bytes, told.as_bytes()]).0;
    let deed = Deed { by: actor.id(), operation: "add_reading_text", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let text = workflow::reading_texts::add(conn, &actor, &new, &bytes, now)?;
        Reply::created(format!("/v1/reading-texts/{}", text.id), None, &ReadingTextView::from(text))
    })
    .await
}

/// The language; 400 where none is named, or another one.
fn language(request: &HttpRequest) -> Result<ReadingLanguage> {
    let refuse = |rule| Error::faults(Code::Malformed, vec![Fault::parameter("Content-Language", rule)]);
    let header = request.headers().get(CONTENT_LANGUAGE).ok_or_else(|| refuse(Rule::Required))?;
    let named = header.to_str().ok().and_then(|text| text.trim().to_ascii_lowercase().parse().ok());
    named.ok_or_else(|| refuse(Rule::OneOf { allowed: "kk, ru".into() }))
}

/// Get the bytes of a depersonalised text.
///
/// For secretaries and the subject; always as an attachment; 404 once it is erased, as what did not pass is with the freezing
/// of the pack. The reading is recorded, and the judge sees it.
#[utoipa::path(tag = "reading packs",
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream",
        description = "The bytes, under the content type that they were put in with."), ReadProblems))]
#[get("/reading-texts/{reading_text_id}")]
pub async fn get_reading_text(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    reading_text_id: web::Path<ReadingTextId>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let id = reading_text_id.into_inner();
    let reading = registry.0.write(move |conn| {
        let judge = store::reading_texts::subject_of(conn, id)?.ok_or(Code::NotFound)?;
        let purpose = law::may_read_text(&actor, judge)?;
        let text = store::reading_texts::find(conn, id)?.ok_or(Code::NotFound)?;
        let bytes = store::reading_texts::content(conn, id)?.ok_or(Code::NotFound)?;
        store::audit::record_reading(conn, actor.account_id, "get_reading_text", judge, purpose, now)?;
        Ok((text.media_type, bytes))
    });
    let (media_type, bytes) = reading.await?;
    let (content_type, file_name) = match media_type {
        ReadingType::Text => ("text/plain; charset=utf-8", "attachment; filename=\"act.txt\""),
        ReadingType::Pdf => ("application/pdf", "attachment; filename=\"act.pdf\""),
    };
    Ok(HttpResponse::Ok().content_type(content_type).insert_header((CONTENT_DISPOSITION, file_name)).body(bytes))
}

/// Say what was found of a depersonalised text.
///
/// For a secretary other than the one who put it in (409 `second_person_required`). It passes, goes back with reasons, or can be
/// recognised whatever is left out: then the next of the drawn order takes the act's place, and it stays on record.
#[utoipa::path(tag = "reading packs", params(IdempotencyKeyHeader), request_body = TextCheck,
    responses((status = 200, body = ReadingTextView), CreateProblems))]
#[post("/reading-texts/{reading_text_id}/check")]
pub async fn check_reading_text(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    reading_text_id: web::Path<ReadingTextId>,
    key: IdempotencyKey,
    check: Valid<TextCheck>,
) -> Result<HttpResponse> {
    law::may_prepare_packs(&actor)?;
    let now = clock.now();
    let id = reading_text_id.into_inner();
    let Valid { body: TextCheck { verdict, checklist, reason }, digest } = check;
    let found = Finding { verdict, checklist, reason };
    let deed = Deed { by: actor.id(), operation: "check_reading_text", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let text = workflow::reading_texts::check(conn, &actor, id, &found, now)?;
        Reply::ok(None, &ReadingTextView::from(text))
    })
    .await
}

/// Object to an act of one's own reading pack.
///
/// For the subject, once for each act, until the review of the pool is over (409 `wrong_phase`). A secretary decides on it with
/// reasons before the pack is frozen. To everybody else there is no such act (404).
#[utoipa::path(tag = "reading packs", params(IdempotencyKeyHeader), request_body = NewObjection,
    responses((status = 200, body = ReadingActView), CreateProblems))]
#[post("/reading-acts/{reading_act_id}/objection")]
pub async fn object_to_reading_act(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    reading_act_id: web::Path<ReadingActId>,
    key: IdempotencyKey,
    objection: Valid<NewObjection>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let id = reading_act_id.into_inner();
    let Valid { body: NewObjection { objection }, digest } = objection;
    let deed = Deed { by: actor.id(), operation: "object_to_reading_act", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let act = workflow::reading::object(conn, &actor, id, &objection, now)?;
        Reply::ok(None, &ReadingActView::new(act, Vec::new()))
    })
    .await
}

/// Keep or replace a drawn act.
///
/// For secretaries, with reasons that the judge sees, until the pack is frozen (409): it stays against an objection, or the next
/// of the drawn order takes its place, as the judge objects or no text can be given.
#[utoipa::path(tag = "reading packs", params(IdempotencyKeyHeader), request_body = NewActDecision,
    responses((status = 200, body = ReadingActView), CreateProblems))]
#[post("/reading-acts/{reading_act_id}/decision")]
pub async fn decide_reading_act(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    reading_act_id: web::Path<ReadingActId>,
    key: IdempotencyKey,
    decision: Valid<NewActDecision>,
) -> Result<HttpResponse> {
    law::may_prepare_packs(&actor)?;
    let now = clock.now();
    let id = reading_act_id.into_inner();
    let Valid { body: NewActDecision { decision, reason }, digest } = decision;
    let deed = Deed { by: actor.id(), operation: "decide_reading_act", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let is_replaced = match decision {
            ActDecision::Keep => false,
            ActDecision::Replace => true,
        };
        let act = workflow::reading::decide(conn, &actor, id, is_replaced, &reason, now)?;
        Reply::ok(None, &ReadingActView::new(act, Vec::new()))
    })
    .await
}

/// Get the reading packs of one's own subjects in a cycle.
///
/// For reviewers who hold their credentials, until submission opens; then nothing is here (404), so that nobody logs in near the
/// sending of a review. All packs at once, in frames of one length for the whole cycle, each the box's name of the subject,
/// the length, the pack and zeros; the digests are on the published list. `ejf peer collect` takes and checks them.
#[utoipa::path(tag = "reading packs",
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), ReadProblems))]
#[get("/me/reading-packs/{cycle_id}")]
pub async fn get_my_reading_packs(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    cycle_id: web::Path<CycleId>,
) -> Result<HttpResponse> {
    let judge = actor.judge()?;
    let now = clock.now();
    let id = cycle_id.into_inner();
    let taking = registry.0.write(move |conn| workflow::reading_packs::of_reviewer(conn, &actor, judge, id, now));
    Ok(HttpResponse::Ok().content_type("application/octet-stream").body(taking.await?))
}
