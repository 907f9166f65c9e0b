//! Requests of judges to correct a record of their file, of whatever kind. A newcomer's usual mistake is to let a decision
//! change a value: the right one is recorded first, as a record of its own, and the decision only says that it was.

use std::fmt;
use std::str::FromStr;

use actix_web::{HttpResponse, get, post, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once};
use super::lists::Answering;
use super::record_views::{CorrectionRequestView, RecordsQuery};
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::ids;
use crate::domain::ids::{CorrectionRequestId, JudgeId, RecordId};
use crate::domain::judge_file::FilePurpose;
use crate::domain::judge_file::{Check, CorrectionOutcome, CorrectionStatus, correction_due_on};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::domain::sections::RecordType;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::corrections::CorrectionRequest;
use crate::workflow;
use crate::workflow::lists::List;

/// The longest text of a request or a decision, in characters.
const TEXT_LENGTH_MAX: usize = 4000;
/// How many documents a request may have with it.
const DOCUMENTS_MAX: usize = 10;

/// A judge's request to correct a record.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"record_type": "record", "record_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "claim": "Six of these cases were transferred to another judge in August.", "evidence": "Order 114 of 9 August 2026"}))]
pub struct NewCorrectionRequest {
    /// The kind of the record in question.
    record_type: RecordType,
    /// The record in question: one in force in the own file.
    record_id: RecordId,
    /// What is wrong with it.
    #[schema(min_length = 1, max_length = 4000)]
    claim: String,
    /// What proves that.
    #[schema(min_length = 1, max_length = 4000)]
    evidence: Option<String>,
    /// Documents of the own file that prove it.
    #[serde(default)]
    #[schema(max_items = 10)]
    document_ids: Vec<RecordId>,
}

/// The decision on a request.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "accepted", "reason": "Order 114 moved six cases; the quarter was restated."}))]
pub struct CorrectionDecision {
    /// What is decided.
    outcome: CorrectionOutcome,
    /// Why; the judge reads it.
    #[schema(min_length = 1, max_length = 4000)]
    reason: String,
}

/// Ask for the correction of a record of the own file.
///
/// For the judge, on a record of any kind. It becomes `disputed` until the request is decided, which is due in ten working
/// days, or in as many as the methodology says by which the judge is being evaluated. Nothing is decided by the clock: once
/// the day has passed the request is `is_overdue`, and the record stays out of reports. 409 `already_exists` where a request
/// for the record is open, `already_superseded` where the record is not in force.
#[utoipa::path(tag = "judges", params(IdempotencyKeyHeader), request_body = NewCorrectionRequest,
    responses((status = 201, body = CorrectionRequestView), CreateProblems))]
#[post("/judges/{judge_id}/correction-requests")]
pub async fn create_correction_request(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
    key: IdempotencyKey,
    new: Valid<NewCorrectionRequest>,
) -> Result<HttpResponse> {
    let judge_id = judge_id.into_inner();
    policy::may_request_correction(&actor, judge_id)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    let mut check = Check::default();
    check.text("/claim", &new.claim, TEXT_LENGTH_MAX);
    check.optional_text("/evidence", new.evidence.as_deref(), TEXT_LENGTH_MAX);
    let is_short = new.document_ids.len() <= DOCUMENTS_MAX;
    check.rule(is_short, "/document_ids", Rule::Length { min: 0, max: DOCUMENTS_MAX as u64 });
    check.done()?;
    let filed_on = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let correction = CorrectionRequest {
        id: CorrectionRequestId(ids::new_at(now)),
        judge_id,
        record_type: new.record_type,
        record_id: new.record_id,
        claim: new.claim,
        evidence: new.evidence,
        document_ids: serde_json::to_string(&new.document_ids).map_err(Error::internal)?,
        status: CorrectionStatus::Open,
        reason: None,
        // Until it is known by which methodology, if any, the judge is evaluated.
        due_on: filed_on,
        filed_at: now.naive_utc(),
        decided_by: None,
        decided_at: None,
        version: 1,
    };
    let document_ids = new.document_ids;
    let deed = Deed { by: actor.id(), operation: "create_correction_request", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let days = workflow::cycles::correction_days(conn, judge_id)?;
        let due_on = correction_due_on(filed_on, days, &store::work_calendars::load(conn)?);
        let correction = CorrectionRequest { due_on, ..correction.clone() };
        workflow::corrections::file(conn, &correction, &document_ids, filed_on)?;
        let act = "create_correction_request";
        let entry = store::audit::NewEntry::new(Some(actor.account_id), act, "correction_request", correction.id);
        store::audit::record(conn, entry.of_judge(judge_id), now)?;
        let location = format!("/v1/judges/{judge_id}/correction-requests");
        Reply::created(location, Some(1), &CorrectionRequestView::new(correction, filed_on)?)
    })
    .await
}

/// List the correction requests of a judge.
///
/// For the judge; for secretaries, who name the purpose; and members as for the file; oldest first, decided ones included. A
/// decided request about a penalty, a complaint or a finding that is shown no longer is shown to its judge alone. The
/// reading is recorded with its purpose.
#[utoipa::path(tag = "judges", params(RecordsQuery),
    responses((status = 200, body = PageOf<CorrectionRequestView>), ReadProblems))]
#[get("/judges/{judge_id}/correction-requests")]
pub async fn list_correction_requests(
    actor: Actor,
    judge_id: web::Path<JudgeId>,
    query: web::Query<RecordsQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor, judge_id.into_inner(), query.purpose, answering.today());
    answering.list(actor, list, query.page()).await
}

/// The requests of a judge, for whoever may read the records.
pub fn list(actor: &Actor, judge_id: JudgeId, asked: Option<FilePurpose>, today: NaiveDate) -> List {
    let sight = workflow::corrections::sight(actor, judge_id, today);
    let find = move |conn: &mut Conn, after, limit| {
        let rows = store::corrections::list(conn, judge_id, sight, after, limit)?;
        rows.into_iter().map(|row| CorrectionRequestView::new(row, today)).collect::<Result<Vec<_>>>()
    };
    let name = format!("correction-requests {judge_id}");
    let list = List::new("list_correction_requests", name, find, |view| view.id, |view| view);
    list.of_records(judge_id, asked)
}

/// Which requests for correction are listed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CorrectionsQuery {
    /// Only requests that stand so; `open` where nothing is asked for.
    #[param(inline)]
    status: Option<CorrectionStatus>,
    /// Only requests that are to be decided by this day.
    due_by: Option<NaiveDate>,
    /// How many items at most: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// List the correction requests of all judges.
///
/// For secretaries, who decide them; those that are due first come first. Each page is a reading of the file of each judge
/// who is named on it, with the purpose `correction`.
#[utoipa::path(tag = "judges", params(CorrectionsQuery),
    responses((status = 200, body = PageOf<CorrectionRequestView>), ReadProblems))]
#[get("/correction-requests")]
pub async fn list_due_corrections(
    actor: Actor,
    query: web::Query<CorrectionsQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let query = query.into_inner();
    let list = list_due(&actor, &query, answering.today())?;
    answering.list(actor, list, PageQuery { limit: query.limit, cursor: query.cursor }).await
}

/// The requests of all judges, for whoever decides them.
pub fn list_due(actor: &Actor, query: &CorrectionsQuery, today: NaiveDate) -> Result<List> {
    policy::may_decide_corrections(actor)?;
    let (status, due_by) = (query.status.unwrap_or(CorrectionStatus::Open), query.due_by);
    let find = move |conn: &mut Conn, after: Option<Due>, limit: i64| {
        let after = after.map(|Due(due_on, id)| (due_on, id));
        let rows = store::corrections::list_due(conn, status, due_by, after, limit)?;
        rows.into_iter().map(|row| CorrectionRequestView::new(row, today)).collect::<Result<Vec<_>>>()
    };
    let name = format!("correction-requests {status} {due_by:?}");
    let place = |view: &CorrectionRequestView| Due(view.due_on, view.id);
    let list = List::of_names("list_due_corrections", name, find, place, |view| view.judge_id, |view| view);
    Ok(list.read_by_page(FilePurpose::Correction))
}

/// The place of a request among those that are due.
struct Due(NaiveDate, CorrectionRequestId);

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

impl FromStr for Due {
    type Err = Error;

    fn from_str(text: &str) -> Result<Due> {
        let refused = || Error::from(Code::BadCursor);
        let (due_on, id) = text.split_once(' ').ok_or_else(refused)?;
        Ok(Due(due_on.parse().map_err(|_| refused())?, id.parse().map_err(|_| refused())?))
    }
}

/// Decide a correction request.
///
/// For secretaries, also after it was due. `rejected` leaves the record as it was, undisputed. `accepted` and `partly` need
/// that the right one has been recorded with `supersedes_id` before, or the record withdrawn (409 `guard_not_met`); until
/// then what took the record's place is disputed, too. 409 `wrong_phase` where it is decided already.
#[utoipa::path(tag = "judges", params(IdempotencyKeyHeader), request_body = CorrectionDecision,
    responses((status = 200, body = CorrectionRequestView), CreateProblems))]
#[post("/correction-requests/{correction_request_id}/decide")]
pub async fn decide_correction_request(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    correction_request_id: web::Path<CorrectionRequestId>,
    key: IdempotencyKey,
    decision: Valid<CorrectionDecision>,
) -> Result<HttpResponse> {
    policy::may_decide_corrections(&actor)?;
    let now = clock.now();
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let id = correction_request_id.into_inner();
    let Valid { body: decision, digest } = decision;
    let mut check = Check::default();
    check.text("/reason", &decision.reason, TEXT_LENGTH_MAX);
    check.done()?;
    let deed = Deed { by: actor.id(), operation: "decide_correction_request", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let mut correction = store::corrections::find(conn, id)?.ok_or(Code::NotFound)?;
        if correction.status != CorrectionStatus::Open {
            return Err(Error::hinted(Code::WrongPhase, Hint::new("correction_is_decided")));
        }
        workflow::corrections::settle(conn, &correction, decision.outcome)?;
        correction.status = decision.outcome.status();
        correction.reason = Some(decision.reason.clone());
        correction.decided_by = Some(actor.account_id);
        correction.decided_at = Some(now.naive_utc());
        correction.version += 1;
        store::corrections::update(conn, &correction)?;
        let act = "decide_correction_request";
        let entry = store::audit::NewEntry::new(Some(actor.account_id), act, "correction_request", id);
        store::audit::record(conn, entry.of_judge(correction.judge_id), now)?;
        workflow::notices::correction_decided(conn, correction.judge_id, now)?;
        Reply::ok(Some(correction.version), &CorrectionRequestView::new(correction, today)?)
    })
    .await
}
