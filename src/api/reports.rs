//! The draft report, its service and the judge's answer. A newcomer's usual mistake is to change what was served: whatever is
//! written later is another version, and the judge has the whole time for it.

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, Reply, Valid, act_once};
use super::proceeding_views::{REASONING_BYTES_MAX, ReportView, ResponseView};
use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::deciding::Reasoning;
use crate::domain::ids::EvaluationId;
use crate::domain::judge_file::Check;
use crate::domain::policy::Actor;
use crate::domain::policy::deciding::{may_draft, may_run_proceedings};
use crate::error::Result;
use crate::problem::responses::{CreateProblems, TimedProblems};
use crate::workflow::reports;

/// The longest answer of the judge, in characters.
const ANSWER_LENGTH_MAX: usize = 10_000;

/// A version of the report.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reasoning": {"criteria": [{"code": "reasoning", "reasons": "The acts answer each main argument.", "advice": "Keep to the shorter form of acts."}], "number_use": "The figures were one ground among others.", "evidence_ids": []}}))]
pub struct NewReport {
    /// What it says.
    reasoning: Reasoning,
}

/// That the last version of the report is served.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct ReportService {}

/// The judge's answer to the report.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"answer": "The second half of the year was a time of double work.", "wants_hearing": true}))]
pub struct NewResponse {
    /// What the judge says; leave it out to waive an answer.
    #[schema(min_length = 1, max_length = 10000)]
    answer: Option<String>,
    /// Whether the judge asks to be heard.
    wants_hearing: bool,
}

/// Draft the report on an evaluation.
///
/// For its rapporteur, once the result is counted, as often as needed until a version is served: reasons and advice for each
/// criterion, how numbers were used, and the records that it rests on. 422 at evidence that is disputed, not in force or of
/// another judge. Nothing of it is shown to the judge before it is served.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = NewReport,
    responses((status = 201, body = ReportView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/reports")]
pub async fn create_report(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    new: Valid<NewReport, REASONING_BYTES_MAX>,
) -> Result<HttpResponse> {
    may_draft(&actor)?;
    let (now, id) = (clock.now(), evaluation_id.into_inner());
    let Valid { body: new, digest } = new;
    let deed = Deed { by: actor.id(), operation: "create_report", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let report = reports::draft(conn, &actor, id, &new.reasoning, now)?;
        Reply::created(format!("/v1/evaluations/{id}/proceedings"), None, &ReportView::new(report)?)
    })
    .await
}

/// Serve the draft report on the judge.
///
/// For secretaries: the last version, which the judge can read from now on and answer within the methodology's
/// `response_days`. 409 `guard_not_met` where it rests on a record that is disputed by now.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = ReportService,
    responses((status = 200, body = ReportView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/report-service")]
pub async fn serve_report(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    service: Valid<ReportService>,
) -> Result<HttpResponse> {
    may_run_proceedings(&actor)?;
    let (now, id) = (clock.now(), evaluation_id.into_inner());
    let deed = Deed { by: actor.id(), operation: "serve_report", key, digest: service.digest };
    act_once(&registry, deed, now, move |conn| {
        Reply::ok(None, &ReportView::new(reports::serve(conn, &actor, id, now)?)?)
    })
    .await
}

/// Answer the draft report on me.
///
/// For the judge, once for each version that was served, within the methodology's `response_days`, which stand still during a
/// leave or suspension (410 `window_closed` afterwards): an answer, a request to be heard, or neither, which waives both.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = NewResponse,
    responses((status = 201, body = ResponseView), TimedProblems))]
#[post("/evaluations/{evaluation_id}/responses")]
pub async fn create_response(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    new: Valid<NewResponse>,
) -> Result<HttpResponse> {
    let (now, id) = (clock.now(), evaluation_id.into_inner());
    let Valid { body: new, digest } = new;
    let mut check = Check::default();
    check.optional_text("/answer", new.answer.as_deref(), ANSWER_LENGTH_MAX);
    check.done()?;
    let deed = Deed { by: actor.id(), operation: "create_response", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let response = reports::respond(conn, &actor, id, new.answer.clone(), new.wants_hearing, now)?;
        Reply::created(format!("/v1/evaluations/{id}/proceedings"), None, &ResponseView::from(response))
    })
    .await
}
