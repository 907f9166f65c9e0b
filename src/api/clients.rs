//! Machine clients, as administrators keep them. A newcomer's usual mistake is to take an Idempotency-Key for an answer
//! that shows a secret: the kept answer would keep the secret, so a lost one is followed by a rotation.

use actix_web::http::header::{ETAG, LOCATION};
use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{IfMatch, IfMatchHeader, NotModified, PageOf, PageQuery, Valid, changed, versioned};
use super::lists::Answering;
use crate::auth::{Auth, clients, grants};
use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::caller::Scope;
use crate::domain::ids::ClientId;
use crate::domain::judge_file::Check;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Result};
use crate::problem::responses::{ChangeProblems, CreateProblems, ReadProblems};
use crate::store;
use crate::store::clients::Client;
use crate::workflow::lists::List;

/// A new machine client.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Court Administration, statistics", "source_system": "toerelik", "scopes": ["file:write"]}))]
pub struct NewClient {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The one system of record that it speaks for; no other client may, and it never changes.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    source_system: String,
    /// What it may do; each once.
    #[schema(min_items = 1, max_items = 4)]
    scopes: Vec<Scope>,
}

/// What is to change; an absent field stays.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"is_closed": true}))]
pub struct ClientChange {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// What it may do from now on, tokens under way included; each once.
    #[schema(min_items = 1, max_items = 4)]
    scopes: Option<Vec<Scope>>,
    /// A closed client gets no token, and those that it has are refused.
    is_closed: Option<bool>,
}

/// How a secret is replaced.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"overlap_hours": 24}))]
pub struct ClientRotation {
    /// For how many hours the present secret stays good, 24 where absent; 0 where somebody else may know it.
    #[validate(range(min = 0, max = 168))]
    #[schema(minimum = 0, maximum = 168)]
    overlap_hours: Option<u32>,
}

/// A machine client; never its secret.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "name": "Court Administration, statistics", "source_system": "toerelik", "scopes": ["file:write"], "is_closed": false, "previous_secret_until": null, "version": 1, "created_at": "2027-01-11T04:30:00Z"}))]
pub struct ClientView {
    /// Its id, the `client_id` of OAuth.
    id: ClientId,
    /// What people call it.
    #[schema(max_length = 100)]
    name: String,
    /// The one system of record that it speaks for.
    #[schema(max_length = 40)]
    source_system: String,
    /// What it may do.
    #[schema(max_items = 4)]
    scopes: Vec<Scope>,
    /// Whether it gets no more tokens.
    is_closed: bool,
    /// Until when the secret before the present one is good, or null where there is none.
    previous_secret_until: Option<DateTime<Utc>>,
    /// Grows by one with each change; the `ETag`.
    #[schema(minimum = 1)]
    version: i64,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl From<Client> for ClientView {
    fn from(row: Client) -> Self {
        ClientView {
            id: row.id,
            scopes: row.scopes(),
            name: row.name,
            source_system: row.source_system,
            is_closed: row.is_closed,
            previous_secret_until: row.previous_until.map(|until| until.and_utc()),
            version: row.version,
            created_at: row.created_at.and_utc(),
        }
    }
}

/// A machine client with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"client": {"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "name": "Court Administration, statistics", "source_system": "toerelik", "scopes": ["file:write"], "is_closed": false, "previous_secret_until": null, "version": 1, "created_at": "2027-01-11T04:30:00Z"}, "client_secret": "mF0Qm3m1YvJd0m3P4p1n1wTn9i6vYQ2f0cRr3a7bK8E"}))]
pub struct ClientSecretView {
    /// The client.
    client: ClientView,
    /// Its secret: goes with the client's id to `POST /oauth2/token`.
    #[schema(max_length = 43)]
    client_secret: String,
}

/// Add a machine client.
///
/// For administrators. The secret is shown this once and kept as a hash; `Idempotency-Key` is not taken, as a kept answer
/// would keep the secret. 409 `already_exists` where another client speaks for the system.
#[utoipa::path(tag = "clients", request_body = NewClient,
    responses((status = 201, body = ClientSecretView), CreateProblems))]
#[post("/clients")]
pub async fn create_client(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    new: Valid<NewClient>,
) -> Result<HttpResponse> {
    policy::may_manage_clients(&actor)?;
    let NewClient { name, source_system, scopes } = new.body;
    let new = clients::NewClient { name, source_system, scopes };
    let (client, secret) = clients::add(&registry, new, Some(actor.account_id), clock.now()).await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/v1/clients/{}", client.id)))
        .insert_header((ETAG, format!("\"{}\"", client.version)))
        .json(ClientSecretView { client: client.into(), client_secret: secret.to_string() }))
}

/// List machine clients.
///
/// For administrators and auditors, oldest first.
#[utoipa::path(tag = "clients", params(PageQuery),
    responses((status = 200, body = PageOf<ClientView>), ReadProblems))]
#[get("/clients")]
pub async fn list_clients(actor: Actor, query: web::Query<PageQuery>, answering: Answering) -> Result<HttpResponse> {
    let list = list(&actor)?;
    answering.list(actor, list, query.into_inner()).await
}

/// All machine clients, for whoever may read them.
pub fn list(actor: &Actor) -> Result<List> {
    policy::may_read_clients(actor)?;
    Ok(List::new("list_clients", "clients", store::clients::list, |row| row.id, ClientView::from))
}

/// Get a machine client.
///
/// For administrators and auditors.
#[utoipa::path(tag = "clients", responses((status = 200, body = ClientView), NotModified, ReadProblems))]
#[get("/clients/{client_id}")]
pub async fn get_client(
    actor: Actor,
    registry: web::Data<Registry>,
    client_id: web::Path<ClientId>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    policy::may_read_clients(&actor)?;
    let client_id = client_id.into_inner();
    let row = registry.0.read(move |conn| store::clients::find(conn, client_id)).await?;
    let row = row.ok_or(Code::NotFound)?;
    Ok(versioned(&request, row.version, &ClientView::from(row)))
}

/// Change a machine client's name or scopes, or close it.
///
/// For administrators. Holds for tokens under way too: at once in this process, within 30 seconds in others.
#[utoipa::path(tag = "clients", params(IfMatchHeader), request_body = ClientChange,
    responses((status = 200, body = ClientView), ChangeProblems))]
#[patch("/clients/{client_id}")]
pub async fn update_client(
    actor: Actor,
    auth: web::Data<Auth>,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    client_id: web::Path<ClientId>,
    seen: IfMatch,
    change: Valid<ClientChange>,
) -> Result<HttpResponse> {
    policy::may_manage_clients(&actor)?;
    let now = clock.now();
    let client_id = client_id.into_inner();
    let change = change.body;
    check(&change)?;
    let row = registry
        .0
        .write(move |conn| {
            let mut client = store::clients::find(conn, client_id)?.ok_or(Code::NotFound)?;
            if let Some(name) = &change.name {
                client.name.clone_from(name);
            }
            if let Some(scopes) = &change.scopes {
                client.set_scopes(scopes);
            }
            client.is_closed = change.is_closed.unwrap_or(client.is_closed);
            client.version = seen.0.saturating_add(1);
            if !store::clients::update(conn, &client, seen.0)? {
                return Err(Code::Stale.into());
            }
            let entry = store::audit::NewEntry::new(Some(actor.account_id), "update_client", "client", client_id);
            store::audit::record(conn, entry.of_digest(grants::of_client(&client)?), now)?;
            Ok(client)
        })
        .await?;
    auth.forget_client(client_id);
    Ok(changed(row.version, &ClientView::from(row)))
}

fn check(change: &ClientChange) -> Result<()> {
    let mut check = Check::default();
    check.optional_text("/name", change.name.as_deref(), clients::NAME_LENGTH_MAX);
    if let Some(scopes) = &change.scopes {
        clients::check_scopes(&mut check, scopes);
    }
    check.done()
}

/// Give a machine client a new secret.
///
/// For administrators. The new secret is shown this once; the present one stays good for the overlap, so that the client
/// can be set up anew without a gap, and one before it ends. `Idempotency-Key` is not taken: rotate again where the answer
/// was lost. Tokens issued under an old secret run out by themselves within ten minutes; closing the client ends them.
#[utoipa::path(tag = "clients", request_body = ClientRotation,
    responses((status = 200, body = ClientSecretView), CreateProblems))]
#[post("/clients/{client_id}/rotate")]
pub async fn rotate_client(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    client_id: web::Path<ClientId>,
    rotation: Valid<ClientRotation>,
) -> Result<HttpResponse> {
    policy::may_manage_clients(&actor)?;
    let hours = rotation.body.overlap_hours.unwrap_or(clients::OVERLAP_HOURS);
    let by = Some(actor.account_id);
    let (client, secret) = clients::rotate(&registry, client_id.into_inner(), hours, by, clock.now()).await?;
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, format!("\"{}\"", client.version)))
        .json(ClientSecretView { client: client.into(), client_secret: secret.to_string() }))
}
