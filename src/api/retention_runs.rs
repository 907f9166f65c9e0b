//! The destruction of what was kept for its time, and what is left of it. A newcomer's usual mistake is to look for the run
//! at once: it begins when the second person confirms, and the worker does it.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Valid};
use super::jobs::Start;
use super::lists::Answering;
use super::two_persons::{ApprovalView, ask};
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::ids::{AccountId, JudgeId, RecordId, RetentionRunId, RetentionScheduleId};
use crate::domain::judge_file::FilePurpose;
use crate::domain::policy::Actor;
use crate::domain::policy::records::may_read_access_history;
use crate::domain::policy::retention::{may_keep_retention, may_read_retention};
use crate::domain::retention::RetentionCategory;
use crate::error::{Code, Error, Result};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::retention::Tombstone;
use crate::store::retention_runs::Run;
use crate::workflow::approvals::{Act, Request};
use crate::workflow::lists::List;
use crate::workflow::retention_runs::RunParameters;

/// A destruction of what was kept for its time.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "retention_schedule_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "counted_on": "2027-01-11", "requested_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "confirmed_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "started_at": "2027-01-11T04:30:00Z", "destroyed_count": 412, "kept_count": 3, "proof_digest": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7", "finished_at": "2027-01-11T04:31:00Z"}))]
pub struct RetentionRunView {
    /// Its id.
    id: RetentionRunId,
    /// The edition that it follows.
    retention_schedule_id: RetentionScheduleId,
    /// The day on which the time of a record had to be over.
    counted_on: NaiveDate,
    /// Who asked for it.
    requested_by: AccountId,
    /// Who confirmed it.
    confirmed_by: AccountId,
    /// When it was confirmed.
    started_at: DateTime<Utc>,
    /// How many records it has destroyed.
    #[schema(minimum = 0)]
    destroyed_count: i64,
    /// How many whose time was over it kept: held, disputed, or of a judge under evaluation.
    #[schema(minimum = 0)]
    kept_count: i64,
    /// The proof, once it ended: SHA-256, in hex, over the line `ejf destruction <run> <edition's digest> <day>` and a line
    /// `<id> <category> <digest>` for each tombstone, in order of ids. It stands in the audit log.
    #[schema(min_length = 64, max_length = 64)]
    proof_digest: Option<String>,
    /// When it ended: the rows were gone and the database was made to wipe what it still held. Null while it runs.
    finished_at: Option<DateTime<Utc>>,
}

impl From<Run> for RetentionRunView {
    fn from(row: Run) -> Self {
        RetentionRunView {
            id: row.id,
            retention_schedule_id: row.schedule_id,
            counted_on: row.counted_on,
            requested_by: row.requested_by,
            confirmed_by: row.confirmed_by,
            started_at: row.started_at.and_utc(),
            destroyed_count: row.destroyed_count,
            kept_count: row.kept_count,
            proof_digest: row.proof_digest,
            finished_at: row.finished_at.map(|at| at.and_utc()),
        }
    }
}

/// How many records of a kind a run destroyed.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"category": "training", "record_count": 40}))]
pub struct DestroyedCount {
    /// The kind.
    category: RetentionCategory,
    /// How many.
    #[schema(minimum = 1)]
    record_count: i64,
}

/// A run with its counts.
#[derive(Serialize, ToSchema)]
pub struct RetentionRunDetail {
    /// What it is.
    #[serde(flatten)]
    run: RetentionRunView,
    /// What it destroyed, by kind.
    #[schema(max_items = 17)]
    destroyed: Vec<DestroyedCount>,
}

/// What is left of a destroyed record, without whose it was.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"record_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "category": "training", "digest": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7"}))]
pub struct TombstoneView {
    /// The id that it had.
    record_id: RecordId,
    /// What kind of record it was.
    category: RetentionCategory,
    /// A keyed digest of what it said; nobody without the key of the columns can compare it with anything.
    #[schema(min_length = 64, max_length = 64)]
    digest: String,
}

/// A record of the own file that was destroyed.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"record_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "category": "training", "destroyed_at": "2027-01-11T04:30:00Z", "retention_run_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12"}))]
pub struct DestroyedRecordView {
    /// The id that it had.
    record_id: RecordId,
    /// What kind of record it was.
    category: RetentionCategory,
    /// When.
    destroyed_at: DateTime<Utc>,
    /// By which run.
    retention_run_id: RetentionRunId,
}

/// Ask to destroy what has been kept for its time.
///
/// For secretaries, by the edition that holds; another secretary confirms, and what is due on the day of the asking goes,
/// but for what is held, disputed or of a judge under evaluation when its turn comes. It cannot be undone. 409 `wrong_phase`
/// where another edition holds, `already_exists` while a run is under way.
#[utoipa::path(tag = "retention", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/retention/schedules/{retention_schedule_id}/run")]
pub async fn run_retention(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    retention_schedule_id: web::Path<RetentionScheduleId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    may_keep_retention(&actor)?;
    let now = clock.now();
    let parameters = RunParameters { counted_on: date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES) };
    let request = Request {
        act: Act::RunRetention,
        object_id: retention_schedule_id.into_inner().0,
        parameters: serde_json::to_string(&parameters).map_err(Error::internal)?,
        reason: None,
    };
    let deed = Deed { by: actor.id(), operation: "run_retention", key, digest: start.digest };
    ask(&registry, actor, deed, request, now).await
}

/// List the destructions of what was kept for its time.
///
/// For secretaries and auditors, oldest first; one that is under way is the last.
#[utoipa::path(tag = "retention", params(PageQuery),
    responses((status = 200, body = PageOf<RetentionRunView>), ReadProblems))]
#[get("/retention/runs")]
pub async fn list_retention_runs(
    actor: Actor,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor)?;
    answering.list(actor, list, query.into_inner()).await
}

/// All destructions.
pub fn list(actor: &Actor) -> Result<List> {
    may_read_retention(actor)?;
    let find = store::retention_runs::list;
    Ok(List::new("list_retention_runs", "retention-runs", find, |row| row.id, RetentionRunView::from))
}

/// Get a destruction with its counts and its proof.
///
/// For secretaries and auditors.
#[utoipa::path(tag = "retention", responses((status = 200, body = RetentionRunDetail), ReadProblems))]
#[get("/retention/runs/{retention_run_id}")]
pub async fn get_retention_run(
    actor: Actor,
    registry: web::Data<Registry>,
    retention_run_id: web::Path<RetentionRunId>,
) -> Result<HttpResponse> {
    may_read_retention(&actor)?;
    let id = retention_run_id.into_inner();
    let (run, counts) = registry
        .0
        .read(move |conn| {
            let run = store::retention_runs::find(conn, id)?.ok_or(Code::NotFound)?;
            Ok((run, store::retention::counts_of_run(conn, id)?))
        })
        .await?;
    let count = |(category, record_count)| DestroyedCount { category, record_count };
    let destroyed = counts.into_iter().map(count).collect();
    Ok(HttpResponse::Ok().json(RetentionRunDetail { run: run.into(), destroyed }))
}

/// List what is left of what a run destroyed.
///
/// For secretaries and auditors, by id, without whose it was: what the proof is computed over.
#[utoipa::path(tag = "retention", params(PageQuery),
    responses((status = 200, body = PageOf<TombstoneView>), ReadProblems))]
#[get("/retention/runs/{retention_run_id}/tombstones")]
pub async fn list_tombstones(
    actor: Actor,
    retention_run_id: web::Path<RetentionRunId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list_left(&actor, retention_run_id.into_inner())?;
    answering.list(actor, list, query.into_inner()).await
}

/// What is left of what a run destroyed.
pub fn list_left(actor: &Actor, id: RetentionRunId) -> Result<List> {
    may_read_retention(actor)?;
    let find = move |conn: &mut Conn, after, limit| {
        store::retention_runs::find(conn, id)?.ok_or(Code::NotFound)?;
        store::retention::tombstones_of_run(conn, id, after, limit)
    };
    let view = |row: Tombstone| {
        let Tombstone { id: record_id, category, digest, .. } = row;
        TombstoneView { record_id, category, digest }
    };
    Ok(List::new("list_tombstones", format!("tombstones {id}"), find, |row: &Tombstone| row.id, view))
}

/// List what was destroyed of the own file.
///
/// For the judge alone: which records, of which kind, when and by which run. What they said is gone.
#[utoipa::path(tag = "judges", params(PageQuery),
    responses((status = 200, body = PageOf<DestroyedRecordView>), ReadProblems))]
#[get("/judges/{judge_id}/destroyed-records")]
pub async fn list_destroyed_records(
    actor: Actor,
    judge_id: web::Path<JudgeId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list_destroyed(&actor, judge_id.into_inner())?;
    answering.list(actor, list, query.into_inner()).await
}

/// What was destroyed of a file, for its judge.
pub fn list_destroyed(actor: &Actor, judge_id: JudgeId) -> Result<List> {
    may_read_access_history(actor, judge_id)?;
    let find = move |conn: &mut Conn, after, limit| store::retention::tombstones_of_judge(conn, judge_id, after, limit);
    let view = |row: Tombstone| DestroyedRecordView {
        record_id: row.id,
        category: row.category,
        destroyed_at: row.destroyed_at.and_utc(),
        retention_run_id: row.run_id,
    };
    let name = format!("destroyed-records {judge_id}");
    let list = List::new("list_destroyed_records", name, find, |row: &Tombstone| row.id, view);
    Ok(list.in_file(judge_id, move |_, actor| {
        may_read_access_history(actor, judge_id)?;
        Ok(FilePurpose::OwnFile)
    }))
}
