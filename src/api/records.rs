//! Records of the file's other sections: education to discipline, and what the judge says. A newcomer's usual mistake is to
//! show a record because its reader may read the file: a penalty that has expired, or a complaint that was not founded, is
//! shown to nobody, and the store alone decides which those are.

use actix_web::{HttpResponse, get, post, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once, reasons};
use super::known_file::{Past, end_of_day};
use super::lists::Answering;
use super::record_views::{CorrectionRequestView, PurposeQuery, RecordView};
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::caller::Caller;
use crate::domain::ids::{JudgeId, RecordId};
use crate::domain::judge_file::{Check, FilePurpose};
use crate::domain::policy;
use crate::domain::policy::{Actor, records::may_confirm_records};
use crate::domain::sections::{ConfirmationState, Content, RecordedContent, Section};
use crate::error::{Code, Result};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::file_records::FileRecord;
use crate::workflow;
use crate::workflow::checks::check_record;
use crate::workflow::lists::List;
use crate::workflow::records::{Keeper, NewFileRecord};

/// By its own name, else the document would describe the two parts once more, and without words.
type RecordPath = web::Path<(JudgeId, RecordId)>;

/// A new record of a section that staff and other systems fill.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"content": {"education": {"degree": "LL.M.", "institution": "Қазақ ұлттық университеті", "year": 2008}}, "source_system": "hr", "source_record_id": "E-114", "as_of": "2027-01-10"}))]
pub struct NewRecord {
    /// The section's fields.
    content: RecordedContent,
    /// The system of record; `judge` and `registry` are the service's own words.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    source_system: String,
    /// The record's name there; one record of a name is in force.
    #[schema(min_length = 1, max_length = 100)]
    source_record_id: Option<String>,
    /// The day whose state the source told; not in the future.
    as_of: NaiveDate,
    /// The law by which it is kept.
    #[schema(min_length = 1, max_length = 200)]
    legal_basis: Option<String>,
    /// The record that this one replaces, of the same judge and section.
    supersedes_id: Option<RecordId>,
}

/// Why a record is withdrawn.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Recorded for the wrong judge."}))]
pub struct RecordWithdrawal {
    /// The reason; the judge reads it.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// Which records of a judge are listed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FileRecordsQuery {
    /// Only records of this section.
    #[param(inline)]
    section: Option<Section>,
    /// Only what was in force at the end of this day, as it stood then; not in the future.
    known_on: Option<NaiveDate>,
    /// Why the records are read: `personnel` where a secretary names nothing else; a judge's own are `own_file`.
    #[param(inline)]
    purpose: Option<FilePurpose>,
    /// How many items at most: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// A record with its history and what stands beside it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"record": {"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "section": "education", "content": {"education": {"degree": "LL.M.", "institution": "Қазақ ұлттық университеті", "year": 2008}}, "source_system": "hr", "source_record_id": "E-114", "as_of": "2027-01-10", "received_at": "2027-01-11T04:30:00Z", "recorded_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "recorded_by_client": null, "status": "active", "supersedes_id": null, "legal_basis": null, "confirmation": "not_needed", "confirmed_by": null, "confirmed_at": null, "ended_at": null, "end_reason": null, "batch_id": null}, "versions": [], "correction_requests": [], "statements": []}))]
pub struct RecordHistoryView {
    /// The record that was asked for.
    record: RecordView,
    /// Those that replaced one another, this one among them, the first one first.
    #[schema(max_items = 100)]
    versions: Vec<RecordView>,
    /// The requests to correct any of them.
    #[schema(max_items = 100)]
    correction_requests: Vec<CorrectionRequestView>,
    /// What the judge says about any of them.
    #[schema(max_items = 100)]
    statements: Vec<RecordView>,
}

/// Record an entry of one of the file's other sections.
///
/// For secretaries, and machine clients with `file:write`, which tell of their own system and supersede its records alone.
/// With `supersedes_id` the old record becomes `corrected` in the same step; what a judge declared is superseded by the
/// judge alone. Penalties and complaints are taken whatever became of them, and shown while they hold. 409
/// `already_exists` where the source has a record of this name in force, `already_superseded` where the old record is not.
#[utoipa::path(tag = "judges", security(("bearer" = []), ("oauth2" = ["file:write"])), params(IdempotencyKeyHeader),
    request_body = NewRecord,
    responses((status = 201, body = RecordView), CreateProblems))]
#[post("/judges/{judge_id}/records")]
pub async fn create_record(
    caller: Caller,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
    key: IdempotencyKey,
    new: Valid<NewRecord>,
) -> Result<HttpResponse> {
    policy::may_write_files(&caller)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    let new = NewFileRecord {
        judge_id: judge_id.into_inner(),
        content: Content::from(new.content),
        by: caller.id(),
        source_system: new.source_system,
        source_record_id: new.source_record_id,
        as_of: new.as_of,
        legal_basis: new.legal_basis,
        confirmation: ConfirmationState::NotNeeded,
        supersedes_id: new.supersedes_id,
        batch_id: None,
    };
    check_record(&caller, &new, date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES))?;
    let deed = Deed { by: caller.id(), operation: "create_record", key, digest };
    let keeper = Keeper::Source(caller);
    act_once(&registry, deed, now, move |conn| {
        let record = workflow::records::record(conn, &keeper, &new, now)?;
        let entry = store::audit::NewEntry::by(new.by, "create_record", "record", record.id);
        store::audit::record(conn, entry.of_judge(record.judge_id), now)?;
        let location = format!("/v1/judges/{}/records/{}", record.judge_id, record.id);
        Reply::created(location, None, &RecordView::new(record)?)
    })
    .await
}

/// List the records of the file's other sections.
///
/// For secretaries, the judge, and members as for the file; in the order in which they were recorded, superseded records
/// included. Of penalties, complaints and ethics findings only what holds today. With `known_on` as the file stood at the
/// end of that day. The reading is recorded with its purpose.
#[utoipa::path(tag = "judges", params(FileRecordsQuery),
    responses((status = 200, body = PageOf<RecordView>), ReadProblems))]
#[get("/judges/{judge_id}/records")]
pub async fn list_records(
    actor: Actor,
    judge_id: web::Path<JudgeId>,
    query: web::Query<FileRecordsQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let query = query.into_inner();
    let list = list(judge_id.into_inner(), query.purpose, &query, answering.today())?;
    answering.list(actor, list, PageQuery { limit: query.limit, cursor: query.cursor }).await
}

/// The records of a judge's other sections, for whoever may read them.
pub fn list(judge_id: JudgeId, asked: Option<FilePurpose>, query: &FileRecordsQuery, today: NaiveDate) -> Result<List> {
    let FileRecordsQuery { section, known_on, .. } = *query;
    let instant = end_of_day(known_on, today)?;
    let find = move |conn: &mut Conn, after, limit| {
        let rows = store::file_records::list(conn, judge_id, section, instant, today, after, limit)?;
        let rows = match instant {
            Some(instant) => {
                let disputed = store::corrections::disputed_before(conn, judge_id, instant)?;
                Past::new(instant, disputed).records(rows)
            }
            None => rows,
        };
        rows.into_iter().map(RecordView::new).collect::<Result<Vec<_>>>()
    };
    let name = format!("records {judge_id} {section:?} {known_on:?}");
    let list = List::new("list_records", name, find, |row| row.id, |view| view);
    Ok(list.of_records(judge_id, asked))
}

/// Get a record of one of the file's other sections with its history.
///
/// For secretaries, the judge, and members as for the file; with the records that it replaced or that replaced it, the
/// requests to correct them and what the judge says about them. 404 where it may not be shown. The reading is recorded
/// with its purpose.
#[utoipa::path(tag = "judges", params(PurposeQuery), responses((status = 200, body = RecordHistoryView), ReadProblems))]
#[get("/judges/{judge_id}/records/{record_id}")]
pub async fn get_record(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    path: RecordPath,
    query: web::Query<PurposeQuery>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let (judge_id, record_id) = path.into_inner();
    let why = query.purpose;
    let view = registry
        .0
        .write(move |conn| {
            let purpose = workflow::members::file_purpose(conn, &actor, judge_id, why)?;
            let record = store::file_records::find_shown(conn, judge_id, record_id, today)?.ok_or(Code::NotFound)?;
            store::audit::record_reading(conn, actor.account_id, "get_record", judge_id, purpose, now)?;
            history(conn, record, today)
        })
        .await?;
    Ok(HttpResponse::Ok().json(view))
}

fn history(conn: &mut Conn, record: FileRecord, today: NaiveDate) -> Result<RecordHistoryView> {
    let versions = store::file_records::versions(conn, record.first_id, today)?;
    let ids: Vec<RecordId> = versions.iter().map(|version| version.id).collect();
    let requests = store::corrections::of_record(conn, record.judge_id, &ids)?;
    let statements = store::file_records::statements_about(conn, &ids)?;
    Ok(RecordHistoryView {
        record: RecordView::new(record)?,
        versions: versions.into_iter().map(RecordView::new).collect::<Result<_>>()?,
        correction_requests: requests
            .into_iter()
            .map(|row| CorrectionRequestView::new(row, today))
            .collect::<Result<_>>()?,
        statements: statements.into_iter().map(RecordView::new).collect::<Result<_>>()?,
    })
}

/// Confirm what a judge declared.
///
/// For secretaries: teaching, publications and rule-making that the judge put into the file. 409 `wrong_phase` where there
/// is nothing to confirm, `already_superseded` where the record is not in force.
#[utoipa::path(tag = "judges", params(IdempotencyKeyHeader), responses((status = 200, body = RecordView), CreateProblems))]
#[post("/judges/{judge_id}/records/{record_id}/confirm")]
pub async fn confirm_record(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    path: RecordPath,
    key: IdempotencyKey,
) -> Result<HttpResponse> {
    may_confirm_records(&actor)?;
    let now = clock.now();
    let (judge_id, record_id) = path.into_inner();
    let deed = Deed { by: actor.id(), operation: "confirm_record", key, digest: [0; 32] };
    act_once(&registry, deed, now, move |conn| {
        let record = workflow::records::confirm(conn, judge_id, record_id, actor.account_id, now)?;
        let entry = store::audit::NewEntry::by(actor.id(), "confirm_record", "record", record_id);
        store::audit::record(conn, entry.of_judge(judge_id), now)?;
        Reply::ok(None, &RecordView::new(record)?)
    })
    .await
}

/// Withdraw a record of one of the file's other sections.
///
/// For secretaries, and machine clients with `file:write` for records of their own system; what a judge declared is
/// withdrawn by the judge alone, and is not there for others. The record stays readable as `withdrawn`, with the reason,
/// unless it is one that is shown only while it holds. 409 `already_superseded` where it is not in force.
#[utoipa::path(tag = "judges", security(("bearer" = []), ("oauth2" = ["file:write"])), params(IdempotencyKeyHeader),
    request_body = RecordWithdrawal,
    responses((status = 200, body = RecordView), CreateProblems))]
#[post("/judges/{judge_id}/records/{record_id}/withdraw")]
pub async fn withdraw_record(
    caller: Caller,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    path: RecordPath,
    key: IdempotencyKey,
    withdrawal: Valid<RecordWithdrawal>,
) -> Result<HttpResponse> {
    policy::may_write_files(&caller)?;
    let now = clock.now();
    let (judge_id, record_id) = path.into_inner();
    let Valid { body: RecordWithdrawal { reason }, digest } = withdrawal;
    let mut check = Check::default();
    check.text("/reason", &reason, 2000);
    check.done()?;
    let by = caller.id();
    let deed = Deed { by, operation: "withdraw_record", key, digest };
    let keeper = Keeper::Source(caller);
    act_once(&registry, deed, now, move |conn| {
        let record = workflow::records::withdraw(conn, judge_id, record_id, &keeper, &reason, now)?;
        let entry = store::audit::NewEntry::by(by, "withdraw_record", "record", record_id);
        store::audit::record(conn, entry.of_judge(judge_id), now)?;
        Reply::ok(None, &RecordView::new(record)?)
    })
    .await
}
