//! Methodologies: the rules of an evaluation as one document. A newcomer's usual mistake is to correct a published one:
//! it never changes, and a new edition is added under the same code.

use actix_web::{HttpRequest, HttpResponse, get, post, put, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use validator::{Validate, ValidationErrors};

use super::extract::{
    Deed, IdempotencyKey, IdempotencyKeyHeader, IfMatch, IfMatchHeader, NotModified, PageOf, PageQuery, Reply, Valid,
    act_once, changed, versioned,
};
use super::lists::Answering;
use super::two_persons::{ApprovalView, ask};
use crate::clock::Clock;
use crate::coded;
use crate::credential::jcs;
use crate::db::{Conn, Registry};
use crate::domain::hex::hex;
use crate::domain::ids;
use crate::domain::ids::MethodologyId;
use crate::domain::methodology::Methodology;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Result};
use crate::problem::responses::{ChangeProblems, CreateProblems, ReadProblems};
use crate::store;
use crate::store::methodologies::MethodologyRow;
use crate::workflow::approvals::{Act, Request};
use crate::workflow::lists::List;
use crate::workflow::methodologies::PublishParameters;

/// Bytes of a methodology's document.
const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;
/// Members within one another in a methodology's document.
const DOCUMENT_DEPTH_MAX: usize = 12;

/// The document as it is sent.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Document(Methodology);

impl Validate for Document {
    /// The rules of a methodology name their own pointers; they are checked by the handler.
    fn validate(&self) -> std::result::Result<(), ValidationErrors> {
        Ok(())
    }
}

coded! {
    /// Whether a methodology can still be changed.
    MethodologyState {
        /// It can, and no cycle may use it.
        Draft = "draft",
        /// It cannot, and cycles may use it.
        Published = "published",
    }
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MethodologyQuery {
    /// Only methodologies in this state.
    state: Option<MethodologyState>,
    /// How many items at most: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// A methodology without its document.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "code": "peer-review", "edition": 1, "state": "draft", "digest": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7", "has_draft_texts": true, "created_at": "2027-01-11T04:30:00Z", "published_at": null, "version": 1}))]
pub struct MethodologySummary {
    /// Its id.
    id: MethodologyId,
    /// Its name; editions share it.
    #[schema(max_length = 100)]
    code: String,
    /// Its edition under that code, from 1.
    #[schema(minimum = 1)]
    edition: i32,
    /// Whether it can still be changed.
    state: MethodologyState,
    /// SHA-256 of the canonical document, in hex.
    #[schema(min_length = 64, max_length = 64)]
    digest: String,
    /// Whether any language's texts are drafts.
    has_draft_texts: bool,
    /// When it was added.
    created_at: DateTime<Utc>,
    /// When it was published, or null.
    published_at: Option<DateTime<Utc>>,
    /// Grows by one with each change; the `ETag`.
    #[schema(minimum = 1)]
    version: i64,
}

/// A methodology with its document.
#[derive(Serialize, ToSchema)]
pub struct MethodologyView {
    /// What it is.
    #[serde(flatten)]
    summary: MethodologySummary,
    /// The rules.
    document: Methodology,
}

/// Whether draft texts may be published.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"accepts_draft_texts": true}))]
pub struct Publication {
    /// Texts marked as drafts need this said by both persons.
    accepts_draft_texts: bool,
}

fn summary(row: &MethodologyRow) -> Result<MethodologySummary> {
    Ok(MethodologySummary {
        id: row.id,
        code: row.code.clone(),
        edition: row.edition,
        state: row.state.parse().map_err(Error::internal)?,
        digest: row.digest.clone(),
        has_draft_texts: row.has_draft_texts,
        created_at: row.created_at.and_utc(),
        published_at: row.published_at.map(|at| at.and_utc()),
        version: row.version,
    })
}

fn view(row: &MethodologyRow) -> Result<MethodologyView> {
    Ok(MethodologyView { summary: summary(row)?, document: crate::workflow::methodologies::document(row)? })
}

/// The canonical text of a valid document; 422 with all its faults otherwise.
fn canonical(document: &Methodology) -> Result<String> {
    let faults = document.validate();
    if !faults.is_empty() {
        return Err(Error::faults(Code::Invalid, faults));
    }
    String::from_utf8(jcs::canonical_to_depth(document, DOCUMENT_DEPTH_MAX)?).map_err(Error::internal)
}

/// Add a methodology as a draft.
///
/// For secretaries. The document holds everything that an evaluation follows: criteria, items, scale, counts, days,
/// texts in Kazakh and Russian of equal standing. It is checked whole; 422 names every rule that it breaks. The same
/// code again makes the next edition.
#[utoipa::path(tag = "methodologies", params(IdempotencyKeyHeader), request_body = Document,
    responses((status = 201, body = MethodologyView), CreateProblems))]
#[post("/methodologies")]
pub async fn create_methodology(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    key: IdempotencyKey,
    new: Valid<Document, DOCUMENT_BYTES_MAX>,
) -> Result<HttpResponse> {
    policy::may_write_methodologies(&actor)?;
    let now = clock.now();
    let Valid { body: Document(document), digest } = new;
    let text = canonical(&document)?;
    let deed = Deed { by: actor.id(), operation: "create_methodology", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let row = MethodologyRow {
            id: MethodologyId(ids::new_at(now)),
            code: document.code.clone(),
            edition: store::methodologies::newest_edition(conn, &document.code)? + 1,
            state: MethodologyState::Draft.to_string(),
            digest: hex(&Sha256::digest(text.as_bytes())),
            document: text.clone(),
            has_draft_texts: document.has_draft_texts(),
            created_at: now.naive_utc(),
            published_at: None,
            version: 1,
        };
        store::methodologies::insert(conn, &row)?;
        let entry = store::audit::NewEntry {
            digest: Some(row.digest.clone()),
            ..store::audit::NewEntry::new(Some(actor.account_id), "create_methodology", "methodology", row.id)
        };
        store::audit::record(conn, entry, now)?;
        Reply::created(format!("/v1/methodologies/{}", row.id), Some(1), &view(&row)?)
    })
    .await
}

/// Replace a draft's document.
///
/// For secretaries. A published methodology never changes: 409 `methodology_published`.
#[utoipa::path(tag = "methodologies", params(IfMatchHeader), request_body = Document,
    responses((status = 200, body = MethodologyView), ChangeProblems))]
#[put("/methodologies/{methodology_id}")]
pub async fn update_methodology(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    methodology_id: web::Path<MethodologyId>,
    seen: IfMatch,
    change: Valid<Document, DOCUMENT_BYTES_MAX>,
) -> Result<HttpResponse> {
    policy::may_write_methodologies(&actor)?;
    let now = clock.now();
    let id = methodology_id.into_inner();
    let Document(document) = change.body;
    let text = canonical(&document)?;
    let row = registry
        .0
        .write(move |conn| {
            let mut row = store::methodologies::find(conn, id)?.ok_or(Code::NotFound)?;
            if row.state != MethodologyState::Draft.as_str() {
                return Err(Code::MethodologyPublished.into());
            }
            if document.code != row.code {
                return Err(Error::invalid("/code", crate::error::Rule::Fixed));
            }
            row.digest = hex(&Sha256::digest(text.as_bytes()));
            row.document = text.clone();
            row.has_draft_texts = document.has_draft_texts();
            if !store::methodologies::update_draft(conn, &row, seen.0)? {
                return Err(Code::Stale.into());
            }
            row.version = seen.0.saturating_add(1);
            let entry = store::audit::NewEntry {
                digest: Some(row.digest.clone()),
                ..store::audit::NewEntry::new(Some(actor.account_id), "update_methodology", "methodology", id)
            };
            store::audit::record(conn, entry, now)?;
            Ok(row)
        })
        .await?;
    Ok(changed(row.version, &view(&row)?))
}

/// List methodologies.
///
/// For staff; others see published ones alone. Oldest first, without their documents.
#[utoipa::path(tag = "methodologies", params(MethodologyQuery),
    responses((status = 200, body = PageOf<MethodologySummary>), ReadProblems))]
#[get("/methodologies")]
pub async fn list_methodologies(
    actor: Actor,
    query: web::Query<MethodologyQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let query = query.into_inner();
    let list = list(&actor, &query);
    answering.list(actor, list, PageQuery { limit: query.limit, cursor: query.cursor }).await
}

/// The methodologies that the caller may read.
pub fn list(actor: &Actor, query: &MethodologyQuery) -> List {
    let drafts_too = policy::may_read_draft_methodologies(actor).is_ok();
    // To whom drafts are not shown, there are none: asked for, the list is empty.
    let is_empty = !drafts_too && query.state == Some(MethodologyState::Draft);
    let state = if drafts_too { query.state } else { Some(MethodologyState::Published) };
    let state = state.map(MethodologyState::as_str);
    let find = move |conn: &mut Conn, after, limit| match is_empty {
        true => Ok(Vec::new()),
        false => store::methodologies::list(conn, state, after, limit)?.iter().map(summary).collect::<Result<Vec<_>>>(),
    };
    let name = format!("methodologies {}", state.unwrap_or_default());
    List::new("list_methodologies", name, find, |row| row.id, |row| row)
}

/// Get a methodology.
///
/// For staff; others see published ones alone.
#[utoipa::path(tag = "methodologies", responses((status = 200, body = MethodologyView), NotModified, ReadProblems))]
#[get("/methodologies/{methodology_id}")]
pub async fn get_methodology(
    actor: Actor,
    registry: web::Data<Registry>,
    methodology_id: web::Path<MethodologyId>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let id = methodology_id.into_inner();
    let row = registry.0.read(move |conn| store::methodologies::find(conn, id)).await?;
    let row = row.ok_or(Code::NotFound)?;
    if row.state == MethodologyState::Draft.as_str() && policy::may_read_draft_methodologies(&actor).is_err() {
        return Err(Code::NotFound.into());
    }
    Ok(versioned(&request, row.version, &view(&row)?))
}

/// Ask to publish a methodology.
///
/// For secretaries; another secretary confirms. From then on nothing of it changes and cycles may use it. Texts marked
/// as drafts are published only where both persons say so (409 `draft_texts`).
#[utoipa::path(tag = "methodologies", params(IdempotencyKeyHeader), request_body = Publication,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/methodologies/{methodology_id}/publish")]
pub async fn publish_methodology(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    methodology_id: web::Path<MethodologyId>,
    key: IdempotencyKey,
    publication: Valid<Publication>,
) -> Result<HttpResponse> {
    policy::may_write_methodologies(&actor)?;
    let Valid { body, digest } = publication;
    let parameters = PublishParameters { accepts_draft_texts: body.accepts_draft_texts };
    let request = Request {
        act: Act::PublishMethodology,
        object_id: methodology_id.into_inner().0,
        parameters: serde_json::to_string(&parameters).map_err(Error::internal)?,
        reason: None,
    };
    let deed = Deed { by: actor.id(), operation: "publish_methodology", key, digest };
    ask(&registry, actor, deed, request, clock.now()).await
}
