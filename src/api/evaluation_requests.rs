//! Requests for evaluations outside of the regular order: for the reserve, a higher post, a chair, after training, or at the
//! judge's own wish. A newcomer's usual mistake is to start an evaluation here; a request waits for the next plan.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once, reasons};
use super::lists::Answering;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::caller::Caller;
use crate::domain::ids;
use crate::domain::ids::{AccountId, ClientId, EvaluationRequestId, JudgeId};
use crate::domain::judge_file::{Check, NAME_LENGTH_MAX};
use crate::domain::planning::RequestKind;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::domain::sections::OWN_SOURCE;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::evaluation_requests::EvaluationRequest;
use crate::workflow::lists::List;

/// A request for an evaluation.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "promotion", "filed_on": "2027-01-08", "reference": "Competition 4 of 2027", "source_system": "hr"}))]
pub struct NewEvaluationRequest {
    /// What for; a judge asks for `on_request` and for what the judge applies for, not for `repeat`.
    kind: RequestKind,
    /// The day on which it was filed; not in the future.
    filed_on: NaiveDate,
    /// The application, vacancy or decision that it belongs to.
    #[schema(min_length = 1, max_length = 200)]
    reference: Option<String>,
    /// The system of record; `judge` for what a judge asks for here, and it may be left out then.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    source_system: Option<String>,
}

/// Why a request ends without an evaluation.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The judge withdrew the application."}))]
pub struct RequestWithdrawal {
    /// The reason, which stays with the request.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// A request.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "kind": "promotion", "filed_on": "2027-01-08", "reference": "Competition 4 of 2027", "source_system": "hr", "received_at": "2027-01-11T04:30:00Z", "recorded_by": null, "recorded_by_client": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "is_open": true, "ended_at": null, "end_reason": null, "due_on": null}))]
pub struct EvaluationRequestView {
    /// Its id.
    id: EvaluationRequestId,
    /// Who is to be evaluated.
    judge_id: JudgeId,
    /// What for.
    kind: RequestKind,
    /// The day on which it was filed.
    filed_on: NaiveDate,
    /// The application, vacancy or decision that it belongs to, or null.
    #[schema(max_length = 200)]
    reference: Option<String>,
    /// The system of record.
    #[schema(max_length = 40)]
    source_system: String,
    /// When it was recorded here.
    received_at: DateTime<Utc>,
    /// By which account, or null.
    recorded_by: Option<AccountId>,
    /// By which machine client, or null.
    recorded_by_client: Option<ClientId>,
    /// Whether it waits for an evaluation.
    is_open: bool,
    /// When it was withdrawn, or an evaluation was made of it; null while it is open.
    ended_at: Option<DateTime<Utc>>,
    /// Why it was withdrawn; null where it was not.
    #[schema(max_length = 2000)]
    end_reason: Option<String>,
    /// From which day on it is to be planned, as after training; null where that is at once.
    due_on: Option<NaiveDate>,
}

impl From<EvaluationRequest> for EvaluationRequestView {
    fn from(row: EvaluationRequest) -> Self {
        EvaluationRequestView {
            id: row.id,
            judge_id: row.judge_id,
            kind: row.kind,
            filed_on: row.filed_on,
            reference: row.reference,
            source_system: row.source_system,
            received_at: row.received_at.and_utc(),
            recorded_by: row.recorded_by,
            recorded_by_client: row.recorded_by_client,
            is_open: row.is_open,
            ended_at: row.ended_at.map(|at| at.and_utc()),
            end_reason: row.end_reason,
            due_on: row.due_on,
        }
    }
}

/// Whether the caller asks for the own person.
fn is_own(caller: &Caller, judge_id: JudgeId) -> bool {
    matches!(caller, Caller::Person(actor) if actor.judge_id == Some(judge_id))
}

/// Ask for an evaluation.
///
/// For secretaries, machine clients with `file:write`, which tell of their own system (an application that was filed, a
/// vacancy), and the judge for the own person. It waits for the next plan. 409 `already_exists` where one of the kind is
/// open for the judge.
#[utoipa::path(tag = "planning", security(("bearer" = []), ("oauth2" = ["file:write"])), params(IdempotencyKeyHeader),
    request_body = NewEvaluationRequest,
    responses((status = 201, body = EvaluationRequestView), CreateProblems))]
#[post("/judges/{judge_id}/evaluation-requests")]
pub async fn create_evaluation_request(
    caller: Caller,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
    key: IdempotencyKey,
    new: Valid<NewEvaluationRequest>,
) -> Result<HttpResponse> {
    let judge_id = judge_id.into_inner();
    policy::planning::may_request_evaluation(&caller, judge_id)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    let is_own = is_own(&caller, judge_id);
    let mut check = Check::default();
    check.rule(!is_own || new.kind != RequestKind::Repeat, "/kind", Rule::Fixed);
    check.past_date("/filed_on", new.filed_on, date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES));
    check.optional_text("/reference", new.reference.as_deref(), NAME_LENGTH_MAX);
    match &new.source_system {
        Some(system) => {
            check.system("/source_system", system);
            caller.check_source(&mut check, "/source_system", system);
            check.rule(!is_own || system == OWN_SOURCE, "/source_system", Rule::OneOf { allowed: OWN_SOURCE.into() });
        }
        None => check.rule(is_own, "/source_system", Rule::Required),
    }
    check.done()?;
    let request = EvaluationRequest {
        id: EvaluationRequestId(ids::new_at(now)),
        judge_id,
        kind: new.kind,
        filed_on: new.filed_on,
        reference: new.reference,
        source_system: new.source_system.unwrap_or_else(|| OWN_SOURCE.to_owned()),
        received_at: now.naive_utc(),
        recorded_by: caller.id().account(),
        recorded_by_client: caller.id().client(),
        is_open: true,
        ended_at: None,
        end_reason: None,
        due_on: None,
    };
    let deed = Deed { by: caller.id(), operation: "create_evaluation_request", key, digest };
    act_once(&registry, deed, now, move |conn| {
        store::judges::find(conn, judge_id)?.ok_or(Code::NotFound)?;
        store::evaluation_requests::insert(conn, &request)?;
        let act = "create_evaluation_request";
        let entry = store::audit::NewEntry::by(caller.id(), act, "evaluation_request", request.id);
        store::audit::record(conn, entry.of_judge(judge_id), now)?;
        let location = format!("/v1/judges/{judge_id}/evaluation-requests");
        Reply::created(location, None, &EvaluationRequestView::from(request.clone()))
    })
    .await
}

/// List the requests for evaluations of a judge.
///
/// For secretaries, auditors and the judge, who sees that others have read it; oldest first, ended ones included.
#[utoipa::path(tag = "planning", params(PageQuery),
    responses((status = 200, body = PageOf<EvaluationRequestView>), ReadProblems))]
#[get("/judges/{judge_id}/evaluation-requests")]
pub async fn list_evaluation_requests(
    actor: Actor,
    judge_id: web::Path<JudgeId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor, judge_id.into_inner())?;
    answering.list(actor, list, query.into_inner()).await
}

/// The requests for evaluations of a judge, for whoever may read them.
pub fn list(actor: &Actor, judge_id: JudgeId) -> Result<List> {
    let purpose = policy::planning::may_read_clocks(actor, judge_id)?;
    let find = move |conn: &mut Conn, after, limit| store::evaluation_requests::list(conn, judge_id, after, limit);
    let name = format!("evaluation-requests {judge_id}");
    let list = List::new("list_evaluation_requests", name, find, |row| row.id, EvaluationRequestView::from);
    Ok(list.in_file(judge_id, move |conn, _| {
        store::judges::find(conn, judge_id)?.ok_or(Code::NotFound)?;
        Ok(purpose)
    }))
}

/// Withdraw a request for an evaluation.
///
/// For secretaries, machine clients with `file:write` for requests of their own system, and the judge whom it is about, with
/// a reason. To everybody else it is not there (404). 409 `wrong_phase` where it has ended already.
#[utoipa::path(tag = "planning", security(("bearer" = []), ("oauth2" = ["file:write"])), params(IdempotencyKeyHeader),
    request_body = RequestWithdrawal,
    responses((status = 200, body = EvaluationRequestView), CreateProblems))]
#[post("/evaluation-requests/{evaluation_request_id}/withdraw")]
pub async fn withdraw_evaluation_request(
    caller: Caller,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_request_id: web::Path<EvaluationRequestId>,
    key: IdempotencyKey,
    withdrawal: Valid<RequestWithdrawal>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let id = evaluation_request_id.into_inner();
    let Valid { body: RequestWithdrawal { reason }, digest } = withdrawal;
    let deed = Deed { by: caller.id(), operation: "withdraw_evaluation_request", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let found = store::evaluation_requests::find(conn, id)?;
        // Asked in any case, so that what is somebody else's costs what an absent one does.
        let judge_id = found.as_ref().map_or(JudgeId(uuid::Uuid::nil()), |found| found.judge_id);
        policy::planning::may_request_evaluation(&caller, judge_id)?;
        let found = found.filter(|found| caller.speaks_for(&found.source_system)).ok_or(Code::NotFound)?;
        if !found.is_open {
            return Err(Error::hinted(Code::WrongPhase, Hint::new("request_has_ended")));
        }
        store::evaluation_requests::end(conn, id, now.naive_utc(), Some(&reason))?;
        let act = "withdraw_evaluation_request";
        let entry = store::audit::NewEntry::by(caller.id(), act, "evaluation_request", id);
        store::audit::record(conn, entry.of_judge(judge_id), now)?;
        let ended = store::evaluation_requests::find(conn, id)?.ok_or(Code::NotFound)?;
        Reply::ok(None, &EvaluationRequestView::from(ended))
    })
    .await
}
