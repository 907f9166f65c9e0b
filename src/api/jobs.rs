//! Long work, as those who asked for it watch it. A newcomer's usual mistake is to ring the bell inside the write: the
//! worker would look before the commit and find nothing.

use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, NotModified, Reply, act_once, versioned};
use crate::db::{Conn, Registry};
use crate::domain::ids::JobId;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Result};
use crate::problem::responses::ReadProblems;
use crate::store;
use crate::store::jobs::{Job, JobKind, JobState};
use crate::workflow::jobs::{Bell, queue};

/// After how many seconds it is worth asking again: a part takes about one.
pub const ASK_AGAIN_SECONDS: HeaderValue = HeaderValue::from_static("2");

/// An act, or work, that needs no parameters.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct Start {}

/// A piece of long work.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "kind": "make_keys", "object_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "state": "running", "done_count": 120, "total_count": 400, "parts_per_minute": 58.3, "error": null, "created_at": "2027-01-11T04:30:00Z", "finished_at": null, "version": 122}))]
pub struct JobView {
    /// Its id.
    id: JobId,
    /// What it does.
    kind: JobKind,
    /// The thing it is done to, such as a cycle.
    #[schema(max_length = 64)]
    object_id: String,
    /// Where it stands.
    state: JobState,
    /// The parts done.
    #[schema(minimum = 0)]
    done_count: i32,
    /// The parts in all; 0 until it has begun.
    #[schema(minimum = 0)]
    total_count: i32,
    /// How many parts it did in a minute since it began or went on; null until one is done.
    #[schema(minimum = 0)]
    parts_per_minute: Option<f64>,
    /// Why it failed: a problem's code, with what was found; or null.
    #[schema(max_length = 2000)]
    error: Option<String>,
    /// When it was asked for.
    created_at: DateTime<Utc>,
    /// When it ended, or null.
    finished_at: Option<DateTime<Utc>>,
    /// Another with each change; the `ETag`.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<Job> for JobView {
    fn from(row: Job) -> Self {
        let parts_per_minute = parts_per_minute(&row);
        JobView {
            id: row.id,
            kind: row.kind,
            object_id: row.object_id,
            state: row.state,
            done_count: row.done_count,
            total_count: row.total_count,
            parts_per_minute,
            error: row.error,
            created_at: row.created_at.and_utc(),
            finished_at: row.finished_at.map(|at| at.and_utc()),
            version: row.version,
        }
    }
}

/// The rate of this run of a job, to a tenth.
fn parts_per_minute(job: &Job) -> Option<f64> {
    let milliseconds = (job.progressed_at? - job.started_at?).num_milliseconds();
    let parts = job.done_count - job.started_count;
    if milliseconds <= 0 || parts <= 0 {
        return None;
    }
    // At most two billion parts in at least a millisecond: both are exact as floats.
    let minutes = milliseconds as f64 / 60_000.0;
    Some((f64::from(parts) / minutes * 10.0).round() / 10.0)
}

/// Get a piece of long work.
///
/// For secretaries and auditors. Ask again, after `Retry-After` seconds, until `state` is `done` or `failed`; with
/// `If-None-Match` an unchanged answer is a 304.
#[utoipa::path(tag = "jobs", responses((status = 200, body = JobView), NotModified, ReadProblems))]
#[get("/jobs/{job_id}")]
pub async fn get_job(
    actor: Actor,
    registry: web::Data<Registry>,
    bell: web::Data<Bell>,
    job_id: web::Path<JobId>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    policy::may_read_jobs(&actor)?;
    let job_id = job_id.into_inner();
    let row = registry.0.read(move |conn| store::jobs::find(conn, job_id)).await?;
    let row = bell.heard_of(row.ok_or(Code::NotFound)?);
    let is_under_way = matches!(row.state, JobState::Queued | JobState::Running);
    let mut response = versioned(&request, row.version, &JobView::from(row));
    if is_under_way {
        response.headers_mut().insert(RETRY_AFTER, ASK_AGAIN_SECONDS);
    }
    Ok(response)
}

/// Queues work on a thing, once `check` lets it, and answers 202 with where it can be watched.
pub async fn ask_for_work(
    registry: &Registry,
    bell: &Bell,
    actor: Actor,
    deed: Deed,
    kind: JobKind,
    object_id: String,
    now: DateTime<Utc>,
    check: impl Fn(&mut Conn) -> Result<()> + Send + 'static,
) -> Result<HttpResponse> {
    let mut response = act_once(registry, deed, now, move |conn| {
        check(conn)?;
        let job = queue(conn, &actor, kind, &object_id, now)?;
        Reply::accepted(format!("/v1/jobs/{}", job.id), &JobView::from(job))
    })
    .await?;
    bell.ring();
    response.headers_mut().insert(RETRY_AFTER, ASK_AGAIN_SECONDS);
    Ok(response)
}
