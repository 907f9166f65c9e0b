//! Files of lists that are too long for one answer: ordered, made by the worker, downloaded, deleted. A newcomer's usual
//! mistake is to ask for rights once: they are asked for with the order, when the file is made, and when it is fetched.

use std::path::PathBuf;

use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, NotModified, Reply, Valid, act_once, versioned};
use super::lists::Answering;
use crate::config::Config;
use crate::db::Registry;
use crate::domain::exports::{ExportState, Format, KEPT_HOURS};
use crate::domain::ids;
use crate::domain::ids::ExportId;
use crate::domain::judge_file::FilePurpose;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Result};
use crate::exports::path_of;
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::audit::NewEntry;
use crate::store::exports::Export;
use crate::workflow::jobs::Bell;

/// After how many seconds it is worth asking again.
const ASK_AGAIN_SECONDS: HeaderValue = HeaderValue::from_static("2");

/// The order of a file of a whole list.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"list": "/v1/courts?level=district", "format": "csv", "purpose": "personnel"}))]
pub struct NewExport {
    /// The path of the list with its filters, as its GET takes them; without `limit`, `cursor` and `purpose`.
    #[validate(length(min = 1, max = 1024))]
    #[schema(min_length = 1, max_length = 1024)]
    list: String,
    /// The form of the file.
    format: Format,
    /// Why it is ordered. The judges whom it names see that.
    purpose: FilePurpose,
}

/// An ordered file.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "list": "/v1/courts?level=district", "format": "csv", "purpose": "personnel", "state": "done", "row_count": 320, "byte_count": 48112, "sha256": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7", "error": null, "requested_at": "2027-01-11T04:30:00Z", "finished_at": "2027-01-11T04:30:02Z", "expires_at": "2027-01-12T04:30:00Z", "version": 2}))]
pub struct ExportView {
    /// Its id.
    id: ExportId,
    /// The list.
    #[schema(max_length = 1024)]
    list: String,
    /// The form.
    format: Format,
    /// Why it was ordered.
    purpose: FilePurpose,
    /// How the order stands.
    state: ExportState,
    /// How many rows the file has; null before it is done.
    #[schema(minimum = 0)]
    row_count: Option<i64>,
    /// How many bytes; null before it is done.
    #[schema(minimum = 0)]
    byte_count: Option<i64>,
    /// SHA-256 of its bytes, in hex; null before it is done.
    #[schema(max_length = 64)]
    sha256: Option<String>,
    /// Why there is no file: a problem's code; or null.
    #[schema(max_length = 2000)]
    error: Option<String>,
    /// When it was ordered.
    requested_at: DateTime<Utc>,
    /// When the file was done, or it was found that there will be none; or null.
    finished_at: Option<DateTime<Utc>>,
    /// Until when the file is kept.
    expires_at: DateTime<Utc>,
    /// Grows by one with each change; the `ETag`.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<Export> for ExportView {
    fn from(row: Export) -> Self {
        ExportView {
            id: row.id,
            list: row.list,
            format: row.format,
            purpose: row.purpose,
            state: row.state,
            row_count: row.row_count,
            byte_count: row.byte_count,
            sha256: row.sha256,
            error: row.error,
            requested_at: row.requested_at.and_utc(),
            finished_at: row.finished_at.map(|at| at.and_utc()),
            expires_at: row.expires_at.and_utc(),
            version: row.version,
        }
    }
}

/// Order a file of a whole list.
///
/// For whoever may read the list; what the list refuses, this refuses. The file has the rows and members that the list
/// shows to the caller, in the language that is asked for, and is kept for 24 hours for the caller alone. That it was made
/// is recorded with its purpose, for each judge whom it names where the list is of judges. 422 where there is no such list.
#[utoipa::path(tag = "exports", params(IdempotencyKeyHeader), request_body = NewExport,
    responses((status = 202, body = ExportView), CreateProblems))]
#[post("/exports")]
pub async fn create_export(
    actor: Actor,
    registry: web::Data<Registry>,
    bell: web::Data<Bell>,
    key: IdempotencyKey,
    answering: Answering,
    new: Valid<NewExport>,
) -> Result<HttpResponse> {
    let now = answering.now();
    let Valid { body: NewExport { list, format, purpose }, digest } = new;
    let asked = super::list_at(&actor, &list, purpose, answering.language(), now)?;
    let export = Export {
        id: ExportId(ids::new_at(now)),
        list,
        format,
        language: answering.language().as_tag().to_owned(),
        purpose,
        state: ExportState::Queued,
        row_count: None,
        byte_count: None,
        sha256: None,
        error: None,
        requested_by: actor.account_id,
        requested_at: now.naive_utc(),
        finished_at: None,
        expires_at: (now + TimeDelta::hours(KEPT_HOURS)).naive_utc(),
        version: 1,
    };
    let deed = Deed { by: actor.id(), operation: "create_export", key, digest };
    let mut response = act_once(&registry, deed, now, move |conn| {
        asked.check(conn, &actor)?;
        store::exports::insert(conn, &export)?;
        let entry = NewEntry::new(Some(actor.account_id), "create_export", "export", export.id);
        store::audit::record(conn, NewEntry { purpose: Some(purpose.as_str()), ..entry }, now)?;
        Reply::accepted(format!("/v1/exports/{}", export.id), &ExportView::from(export.clone()))
    })
    .await?;
    bell.ring();
    response.headers_mut().insert(RETRY_AFTER, ASK_AGAIN_SECONDS);
    Ok(response)
}

/// Get an ordered file's state.
///
/// For whoever ordered it; to others there is none (404). Ask again, after `Retry-After` seconds, until it is `done`,
/// `failed` or `expired`; with `If-None-Match` an unchanged answer is a 304.
#[utoipa::path(tag = "exports", responses((status = 200, body = ExportView), NotModified, ReadProblems))]
#[get("/exports/{export_id}")]
pub async fn get_export(
    actor: Actor,
    registry: web::Data<Registry>,
    export_id: web::Path<ExportId>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let export = own(&registry, &actor, export_id.into_inner()).await?;
    let is_under_way = export.state == ExportState::Queued;
    let mut response = versioned(&request, export.version, &ExportView::from(export));
    if is_under_way {
        response.headers_mut().insert(RETRY_AFTER, ASK_AGAIN_SECONDS);
    }
    Ok(response)
}

/// Download an ordered file.
///
/// For whoever ordered it, while it is `done` and the list may still be read; 404 otherwise. The download is recorded.
#[utoipa::path(tag = "exports",
    responses((status = 200, content((String = "text/csv"), (String = "application/x-ndjson"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), ReadProblems))]
#[get("/exports/{export_id}/file")]
pub async fn get_export_file(
    actor: Actor,
    registry: web::Data<Registry>,
    config: web::Data<Config>,
    export_id: web::Path<ExportId>,
    answering: Answering,
) -> Result<HttpResponse> {
    let now = answering.now();
    let export = own(&registry, &actor, export_id.into_inner()).await?;
    if export.state != ExportState::Done || export.expires_at <= now.naive_utc() {
        return Err(Code::NotFound.into());
    }
    let list = super::list_at(&actor, &export.list, export.purpose, answering.language(), now)?;
    let noun = list.noun().to_owned();
    let id = export.id;
    registry
        .0
        .write(move |conn| {
            list.check(conn, &actor)?;
            let entry = NewEntry::new(Some(actor.account_id), "get_export_file", "export", id);
            store::audit::record(conn, entry, now)
        })
        .await?;
    let path: PathBuf = path_of(&config.export_dir, id);
    let file = tokio::fs::File::open(path).await.map_err(Error::internal)?.into_std().await;
    answering.kept(file, export.format, &export.language, &noun)
}

/// The caller's own order; others' are not there.
async fn own(registry: &Registry, actor: &Actor, id: ExportId) -> Result<Export> {
    let account_id = actor.account_id;
    let found = registry.0.read(move |conn| store::exports::find(conn, id)).await?;
    Ok(found.filter(|export| export.requested_by == account_id).ok_or(Code::NotFound)?)
}
