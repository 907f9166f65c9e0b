//! Endpoints that events are sent to, as administrators keep them. A newcomer's usual mistake is to take an Idempotency-Key for an
//! answer that shows a secret: the kept answer would keep the secret, so a lost one is followed by a rotation.

use actix_web::http::header::{ETAG, LOCATION};
use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{IfMatch, IfMatchHeader, NotModified, PageOf, PageQuery, Valid, changed, versioned};
use super::lists::Answering;
use crate::auth::grants;
use crate::cipher::{Cipher, Use};
use crate::clock::Clock;
use crate::config::Config;
use crate::credential::webhook::{fresh_secret, secret_text};
use crate::db::{Conn, Registry};
use crate::domain::events::EventKind;
use crate::domain::ids::{ClientId, WebhookId, new_at};
use crate::domain::judge_file::Check;
use crate::domain::policy::Actor;
use crate::domain::policy::events::{may_manage_webhooks, may_read_webhooks};
use crate::domain::webhooks::{EventKinds, URL_LENGTH_MAX, WebhookState};
use crate::error::{Code, Result, Rule};
use crate::problem::responses::{ChangeProblems, CreateProblems, ReadProblems};
use crate::store;
use crate::store::webhooks::Webhook;
use crate::workflow::lists::List;

/// Hours for which the secret before the present one signs as well where nothing else is asked for.
const OVERLAP_HOURS: u32 = 24;

/// A new endpoint.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"client_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "url": "https://hr.example.kz/ejf/events", "types": ["evaluation.finalised", "evaluation.revoked"]}))]
pub struct NewWebhook {
    /// The machine client with `events:read` whose endpoint it is: it is sent what this client is told.
    client_id: ClientId,
    /// Where it is: at one of the origins that the service is configured to send to.
    #[schema(min_length = 1, max_length = 500)]
    url: String,
    /// What it is sent; each once. Kinds that come with a later version have to be asked for.
    #[schema(min_items = 1, max_items = 5)]
    types: Vec<EventKind>,
}

/// What is to change; an absent field stays.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"state": "paused"}))]
pub struct WebhookChange {
    /// Where it is.
    #[schema(min_length = 1, max_length = 500)]
    url: Option<String>,
    /// What it is sent from now on; each once.
    #[schema(min_items = 1, max_items = 5)]
    types: Option<Vec<EventKind>>,
    /// `active` or `paused`; what came about meanwhile is sent once it is active again.
    state: Option<WebhookState>,
}

/// How a secret is replaced.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"overlap_hours": 24}))]
pub struct WebhookRotation {
    /// For how many hours the present secret signs as well, 24 where absent; 0 where somebody else may know it.
    #[validate(range(min = 0, max = 168))]
    #[schema(minimum = 0, maximum = 168)]
    overlap_hours: Option<u32>,
}

/// An endpoint; never its secret.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "client_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "url": "https://hr.example.kz/ejf/events", "types": ["evaluation.finalised", "evaluation.revoked"], "state": "active", "previous_secret_until": null, "version": 1, "created_at": "2027-01-11T04:30:00Z"}))]
pub struct WebhookView {
    /// Its id.
    id: WebhookId,
    /// The machine client whose endpoint it is.
    client_id: ClientId,
    /// Where it is.
    #[schema(max_length = 500)]
    url: String,
    /// What it is sent.
    #[schema(max_items = 5)]
    types: Vec<EventKind>,
    /// Whether it is sent events; `gone` where it answered 410.
    state: WebhookState,
    /// Until when the secret before the present one signs as well, or null where there is none.
    previous_secret_until: Option<DateTime<Utc>>,
    /// Grows by one with each change; the `ETag`.
    #[schema(minimum = 1)]
    version: i64,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl From<Webhook> for WebhookView {
    fn from(row: Webhook) -> Self {
        WebhookView {
            id: row.id,
            client_id: row.client_id,
            url: row.url,
            types: row.kinds.as_slice().to_vec(),
            state: row.state,
            previous_secret_until: row.previous_until.map(|until| until.and_utc()),
            version: row.version,
            created_at: row.created_at.and_utc(),
        }
    }
}

/// An endpoint with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"webhook": {"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "client_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "url": "https://hr.example.kz/ejf/events", "types": ["evaluation.finalised", "evaluation.revoked"], "state": "active", "previous_secret_until": null, "version": 1, "created_at": "2027-01-11T04:30:00Z"}, "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}))]
pub struct WebhookSecretView {
    /// The endpoint.
    webhook: WebhookView,
    /// Its secret, with which the receiver checks `webhook-signature`.
    #[schema(max_length = 50)]
    secret: String,
}

/// Add an endpoint.
///
/// For administrators. From now on it is sent each event of the kinds named that its machine client is told, signed by
/// Standard Webhooks 1.0, at least once and in order for each judge; what came about before is read at `GET /v1/events`. The
/// secret is shown this once; `Idempotency-Key` is not taken, as a kept answer would keep it. 422 where the address is at
/// none of the origins in `EJF_WEBHOOK_ORIGINS`, or the client may not read events.
#[utoipa::path(tag = "webhooks", request_body = NewWebhook,
    responses((status = 201, body = WebhookSecretView), CreateProblems))]
#[post("/webhooks")]
pub async fn create_webhook(
    actor: Actor,
    registry: web::Data<Registry>,
    cipher: web::Data<Cipher>,
    config: web::Data<Config>,
    clock: web::Data<Clock>,
    new: Valid<NewWebhook>,
) -> Result<HttpResponse> {
    may_manage_webhooks(&actor)?;
    let now = clock.now();
    let NewWebhook { client_id, url, types } = new.body;
    let mut check = Check::default();
    let url = check_url(&mut check, &url, &config);
    let kinds = EventKinds::checked(&mut check, "/types", &types);
    check.done()?;
    let (id, secret) = (WebhookId(new_at(now)), fresh_secret()?);
    let mut row = Webhook {
        id,
        client_id,
        url,
        kinds,
        state: WebhookState::Active,
        wrapped_secret: cipher.seal(Use::WebhookSecret, id.0.as_bytes(), &secret)?,
        previous_wrapped_secret: None,
        previous_until: None,
        spread_to: 0,
        created_at: now.naive_utc(),
        version: 1,
    };
    let made = registry.0.write(move |conn| {
        let client = store::clients::find(conn, client_id)?;
        let mut check = Check::default();
        let may_read = client.is_some_and(|client| client.may_read_events && !client.is_closed);
        check.rule(may_read, "/client_id", Rule::Missing);
        check.done()?;
        let row = Webhook { spread_to: store::events::last_sequence(conn)?, ..row.clone() };
        store::webhooks::insert(conn, &row)?;
        record(conn, &actor, "create_webhook", &row, now)?;
        Ok(row)
    });
    row = made.await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/v1/webhooks/{id}")))
        .insert_header((ETAG, format!("\"{}\"", row.version)))
        .json(WebhookSecretView { webhook: row.into(), secret: secret_text(&secret).to_string() }))
}

/// The address as it is kept; a fault is noted where events may not be sent there.
fn check_url(check: &mut Check, text: &str, config: &Config) -> String {
    let url = Url::parse(text).map(|url| (config.webhook_origins.allow(&url), url.to_string()));
    let (is_allowed, url) = url.unwrap_or_default();
    let is_short = url.len() <= URL_LENGTH_MAX && text.len() <= URL_LENGTH_MAX;
    check.rule(is_short, "/url", Rule::Length { min: 1, max: URL_LENGTH_MAX as u64 });
    let expected = "an address at one of the origins of EJF_WEBHOOK_ORIGINS";
    check.rule(is_allowed || !is_short, "/url", Rule::Format { expected });
    url
}

/// Records an act on an endpoint with what it is by now.
fn record(conn: &mut Conn, actor: &Actor, act: &str, row: &Webhook, now: DateTime<Utc>) -> Result<()> {
    let entry = store::audit::NewEntry::by(actor.id(), act, "webhook", row.id);
    store::audit::record(conn, entry.of_digest(grants::of_webhook(row)?), now)
}

/// List endpoints.
///
/// For administrators, secretaries and auditors, oldest first.
#[utoipa::path(tag = "webhooks", params(PageQuery),
    responses((status = 200, body = PageOf<WebhookView>), ReadProblems))]
#[get("/webhooks")]
pub async fn list_webhooks(actor: Actor, query: web::Query<PageQuery>, answering: Answering) -> Result<HttpResponse> {
    let list = list(&actor)?;
    answering.list(actor, list, query.into_inner()).await
}

/// All endpoints, for whoever may read them.
pub fn list(actor: &Actor) -> Result<List> {
    may_read_webhooks(actor)?;
    Ok(List::new("list_webhooks", "webhooks", store::webhooks::list, |row| row.id, WebhookView::from))
}

/// Get an endpoint.
///
/// For administrators, secretaries and auditors.
#[utoipa::path(tag = "webhooks", responses((status = 200, body = WebhookView), NotModified, ReadProblems))]
#[get("/webhooks/{webhook_id}")]
pub async fn get_webhook(
    actor: Actor,
    registry: web::Data<Registry>,
    webhook_id: web::Path<WebhookId>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    may_read_webhooks(&actor)?;
    let id = webhook_id.into_inner();
    let row = registry.0.read(move |conn| store::webhooks::find(conn, id)).await?;
    let row = row.ok_or(Code::NotFound)?;
    Ok(versioned(&request, row.version, &WebhookView::from(row)))
}

/// Change an endpoint, pause it, or set it active again.
///
/// For administrators. A paused endpoint misses nothing: what came about meanwhile is sent once it is active again. Of kinds
/// that are added, what comes about from now on is sent. 422 as where it was added.
#[utoipa::path(tag = "webhooks", params(IfMatchHeader), request_body = WebhookChange,
    responses((status = 200, body = WebhookView), ChangeProblems))]
#[patch("/webhooks/{webhook_id}")]
pub async fn update_webhook(
    actor: Actor,
    registry: web::Data<Registry>,
    config: web::Data<Config>,
    clock: web::Data<Clock>,
    webhook_id: web::Path<WebhookId>,
    seen: IfMatch,
    change: Valid<WebhookChange>,
) -> Result<HttpResponse> {
    may_manage_webhooks(&actor)?;
    let (id, now) = (webhook_id.into_inner(), clock.now());
    let WebhookChange { url, types, state } = change.body;
    let mut check = Check::default();
    let url = url.map(|url| check_url(&mut check, &url, &config));
    let kinds = types.map(|types| EventKinds::checked(&mut check, "/types", &types));
    let allowed = Rule::OneOf { allowed: "active, paused".into() };
    check.rule(state != Some(WebhookState::Gone), "/state", allowed);
    check.done()?;
    let row = registry.0.write(move |conn| {
        let old = store::webhooks::find(conn, id)?.ok_or(Code::NotFound)?;
        let row = Webhook {
            url: url.clone().unwrap_or(old.url),
            kinds: kinds.clone().unwrap_or(old.kinds),
            state: state.unwrap_or(old.state),
            version: seen.0.saturating_add(1),
            ..old
        };
        if !store::webhooks::update(conn, &row, seen.0)? {
            return Err(Code::Stale.into());
        }
        record(conn, &actor, "update_webhook", &row, now)?;
        Ok(row)
    });
    let row = row.await?;
    Ok(changed(row.version, &WebhookView::from(row)))
}

/// Give an endpoint a new secret.
///
/// For administrators. The new secret is shown this once; until the overlap ends, deliveries carry a signature by each, so
/// that the receiver can be set up anew without a gap. `Idempotency-Key` is not taken: rotate again where the answer was lost.
#[utoipa::path(tag = "webhooks", request_body = WebhookRotation,
    responses((status = 200, body = WebhookSecretView), CreateProblems))]
#[post("/webhooks/{webhook_id}/rotate")]
pub async fn rotate_webhook(
    actor: Actor,
    registry: web::Data<Registry>,
    cipher: web::Data<Cipher>,
    clock: web::Data<Clock>,
    webhook_id: web::Path<WebhookId>,
    rotation: Valid<WebhookRotation>,
) -> Result<HttpResponse> {
    may_manage_webhooks(&actor)?;
    let (id, now) = (webhook_id.into_inner(), clock.now());
    let hours = rotation.body.overlap_hours.unwrap_or(OVERLAP_HOURS);
    let until = (now + TimeDelta::hours(i64::from(hours))).naive_utc();
    let secret = fresh_secret()?;
    let wrapped = cipher.seal(Use::WebhookSecret, id.0.as_bytes(), &secret)?;
    let row = registry.0.write(move |conn| {
        let old = store::webhooks::find(conn, id)?.ok_or(Code::NotFound)?;
        let (seen, keeps_old) = (old.version, hours > 0);
        let row = Webhook {
            wrapped_secret: wrapped.clone(),
            previous_wrapped_secret: keeps_old.then_some(old.wrapped_secret),
            previous_until: keeps_old.then_some(until),
            version: seen + 1,
            ..old
        };
        if !store::webhooks::update(conn, &row, seen)? {
            return Err(Code::Stale.into());
        }
        record(conn, &actor, "rotate_webhook", &row, now)?;
        Ok(row)
    });
    let row = row.await?;
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, format!("\"{}\"", row.version)))
        .json(WebhookSecretView { webhook: row.into(), secret: secret_text(&secret).to_string() }))
}
