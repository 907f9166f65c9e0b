//! The audit log as auditors read it, in the order of commits, and the checkpoint that they keep.

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{PageOf, PageQuery};
use super::lists::Answering;
use crate::audit_log::Folder;
use crate::config::Config;
use crate::db::Conn;
use crate::domain::ids::{AccountId, AuditEntryId, ClientId, EvaluationId, JudgeId};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Result};
use crate::problem::responses::ReadProblems;
use crate::store;
use crate::store::audit::AuditEntry;
use crate::workflow::lists::List;

/// One entry of the audit log; never marks, texts, or who reviews whom.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"sequence": 17, "id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "occurred_at": "2027-01-11T04:30:00Z", "account_id": null, "client_id": null, "act": "create_account", "object_type": "account", "object_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": null, "purpose": null, "digest": null}))]
pub struct AuditEntryView {
    /// Its place in the order of commits, from 1, without gaps.
    #[schema(minimum = 1)]
    sequence: i64,
    /// Its id.
    id: AuditEntryId,
    /// When; midnight of the day where the time itself must not be kept.
    occurred_at: DateTime<Utc>,
    /// Which person; null for a machine client and for the service itself.
    account_id: Option<AccountId>,
    /// Which machine client; null for a person and for the service itself.
    client_id: Option<ClientId>,
    /// What was done, by its operation.
    #[schema(max_length = 64)]
    act: String,
    /// The kind of thing it was done to.
    #[schema(max_length = 64)]
    object_type: String,
    /// The id of that thing.
    #[schema(max_length = 128)]
    object_id: String,
    /// Whose file it concerns, or null.
    judge_id: Option<JudgeId>,
    /// Why a person's file was read, or null.
    #[schema(max_length = 200)]
    purpose: Option<String>,
    /// The digest that two persons confirmed; of an account or a machine client that was made or changed, SHA-256, in hex,
    /// of what it may do then, as the JSON of `id`, `login`, `staff_role`, `judge_id` and `is_closed`, or of `id`, `name`,
    /// `source_system`, `scopes` and `is_closed`; of an endpoint of events, of `id`, `client_id`, `url`, `types` and `state`;
    /// of a document that was put into a file, SHA-256 of its bytes; else null.
    #[schema(max_length = 64)]
    digest: Option<String>,
}

impl From<AuditEntry> for AuditEntryView {
    fn from(row: AuditEntry) -> Self {
        AuditEntryView {
            sequence: row.sequence,
            id: row.id,
            occurred_at: row.occurred_at.and_utc(),
            account_id: row.account_id,
            client_id: row.client_id,
            act: row.act,
            object_type: row.object_type,
            object_id: row.object_id,
            judge_id: row.judge_id,
            purpose: row.purpose,
            digest: row.digest,
        }
    }
}

/// List the audit log.
///
/// For auditors, oldest first.
#[utoipa::path(tag = "audit", params(PageQuery),
    responses((status = 200, body = PageOf<AuditEntryView>), ReadProblems))]
#[get("/audit-entries")]
pub async fn list_audit_entries(
    actor: Actor,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor)?;
    answering.list(actor, list, query.into_inner()).await
}

/// The audit log, for whoever may read it.
pub fn list(actor: &Actor) -> Result<List> {
    policy::may_read_audit_log(actor)?;
    let find = |conn: &mut Conn, after, limit| store::audit::list(conn, None, after, limit);
    Ok(List::new("list_audit_entries", "audit-entries", find, |row| row.sequence, AuditEntryView::from))
}

/// List the audit log of an evaluation.
///
/// For auditors, oldest first: from the request or plan that it came by, through pool, challenges, draw and recusals to its
/// results and what two persons approved on the way; acts on its cycle are among them. Who collected credentials is not.
#[utoipa::path(tag = "audit", params(PageQuery),
    responses((status = 200, body = PageOf<AuditEntryView>), ReadProblems))]
#[get("/evaluations/{evaluation_id}/audit-entries")]
pub async fn list_evaluation_entries(
    actor: Actor,
    evaluation_id: web::Path<EvaluationId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list_of_evaluation(&actor, evaluation_id.into_inner())?;
    answering.list(actor, list, query.into_inner()).await
}

/// The audit log of an evaluation, for whoever may read the whole.
pub fn list_of_evaluation(actor: &Actor, id: EvaluationId) -> Result<List> {
    policy::may_read_audit_log(actor)?;
    let find = move |conn: &mut Conn, after, limit| {
        let evaluation = store::evaluations::find(conn, id)?.ok_or(Code::NotFound)?;
        store::audit_trails::list(conn, &evaluation, after, limit)
    };
    let name = format!("audit-entries of {id}");
    Ok(List::new("list_evaluation_entries", name, find, |row| row.sequence, AuditEntryView::from))
}

/// Get the newest checkpoint of the audit log.
///
/// For auditors: the signed note (C2SP) over the root of the tree of entries (RFC 6962), written each hour in which the
/// log grew. Whoever keeps it elsewhere finds with `ejf audit verify --checkpoint` whether anything that it covers was
/// changed since. 404 before the first one is written.
#[utoipa::path(tag = "audit",
    responses((status = 200, body = String, content_type = "text/plain"), ReadProblems))]
#[get("/audit/checkpoint")]
pub async fn get_audit_checkpoint(actor: Actor, config: web::Data<Config>) -> Result<HttpResponse> {
    policy::may_read_audit_log(&actor)?;
    let folder = Folder::new(&config.audit_dir);
    let found = tokio::task::spawn_blocking(move || folder.newest()).await.map_err(Error::internal)??;
    let note = found.ok_or(Code::NotFound)?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(note))
}
