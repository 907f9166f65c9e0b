//! How events get to endpoints: what waits, what was taken, what was given up, and what staff do about it. A newcomer's usual
//! mistake is to show whom an event concerns: administrators look after endpoints and have no business with judges.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Deed, IdempotencyKey, IdempotencyKeyHeader, NotModified, PageOf, PageQuery, Reply, Valid, act_once, versioned,
};
use super::jobs::Start;
use super::lists::Answering;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::events::EventKind;
use crate::domain::ids::{DeliveryId, EventId, WebhookId};
use crate::domain::policy::Actor;
use crate::domain::policy::events::{may_manage_webhooks, may_read_webhooks, may_resend_deliveries};
use crate::domain::webhooks::{EventDeliveryFault, EventDeliveryState, WebhookState};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::webhook_deliveries::{Delivery, DeliveryFilter, Sending};
use crate::workflow::lists::List;

/// One event on its way to one endpoint.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "webhook_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "event_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "type": "evaluation.finalised", "state": "pending", "attempt_count": 2, "attempted_at": "2027-07-01T04:30:05Z", "next_attempt_at": "2027-07-01T04:35:12Z", "error": "refused", "status_code": 503, "delivered_at": null, "version": 5}))]
pub struct EventDeliveryView {
    /// Its id.
    id: DeliveryId,
    /// The endpoint.
    webhook_id: WebhookId,
    /// The event; null for a test.
    event_id: Option<EventId>,
    /// What came about; null for a test.
    #[serde(rename = "type")]
    kind: Option<EventKind>,
    /// How it stands. What is `pending` may wait for an earlier event of the same judge.
    state: EventDeliveryState,
    /// How often it was tried since it was last put in line.
    #[schema(minimum = 0)]
    attempt_count: i32,
    /// When it was last tried, or null.
    attempted_at: Option<DateTime<Utc>>,
    /// When it is tried next, if nothing stands before it; or null.
    next_attempt_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed, or null.
    error: Option<EventDeliveryFault>,
    /// The HTTP status that the receiver answered the last attempt with, or null.
    #[schema(minimum = 100, maximum = 999)]
    status_code: Option<i32>,
    /// When the receiver last took it, or null.
    delivered_at: Option<DateTime<Utc>>,
    /// Grows by one with each change; the `ETag`.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<Sending> for EventDeliveryView {
    fn from((row, event): Sending) -> Self {
        EventDeliveryView {
            id: row.id,
            webhook_id: row.webhook_id,
            event_id: event.as_ref().map(|event| event.id),
            kind: event.map(|event| event.kind),
            state: row.state,
            attempt_count: row.attempt_count,
            attempted_at: row.attempted_at.map(|at| at.and_utc()),
            next_attempt_at: row.next_attempt_at.map(|at| at.and_utc()),
            error: row.error,
            status_code: row.status_code,
            delivered_at: row.delivered_at.map(|at| at.and_utc()),
            version: row.version,
        }
    }
}

/// Which deliveries are asked for.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    /// To one endpoint alone.
    webhook_id: Option<WebhookId>,
    /// That stand so alone: `given_up` is what staff have to look at.
    state: Option<EventDeliveryState>,
    /// How many items at most: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// How many deliveries were put in line again.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"delivery_count": 12}))]
pub struct ResentView {
    /// Those that were given up, and those that follow them of the same judges.
    #[schema(minimum = 0)]
    delivery_count: usize,
}

/// List deliveries of events.
///
/// For administrators, secretaries and auditors, oldest first. Whom an event concerns is not told.
#[utoipa::path(tag = "webhooks", params(DeliveryQuery),
    responses((status = 200, body = PageOf<EventDeliveryView>), ReadProblems))]
#[get("/webhook-deliveries")]
pub async fn list_webhook_deliveries(
    actor: Actor,
    query: web::Query<DeliveryQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let query = query.into_inner();
    let list = list(&actor, &query)?;
    answering.list(actor, list, PageQuery { limit: query.limit, cursor: query.cursor }).await
}

/// The deliveries that are asked for, for whoever may read them.
pub fn list(actor: &Actor, query: &DeliveryQuery) -> Result<List> {
    may_read_webhooks(actor)?;
    let filter = DeliveryFilter { webhook_id: query.webhook_id, state: query.state };
    let find = move |conn: &mut Conn, after, limit| store::webhook_deliveries::list(conn, filter, after, limit);
    let name = format!("webhook-deliveries {filter:?}");
    Ok(List::new("list_webhook_deliveries", name, find, |(row, _): &Sending| row.id, EventDeliveryView::from))
}

/// Get a delivery of an event.
///
/// For administrators, secretaries and auditors.
#[utoipa::path(tag = "webhooks", responses((status = 200, body = EventDeliveryView), NotModified, ReadProblems))]
#[get("/webhook-deliveries/{delivery_id}")]
pub async fn get_webhook_delivery(
    actor: Actor,
    registry: web::Data<Registry>,
    delivery_id: web::Path<DeliveryId>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    may_read_webhooks(&actor)?;
    let id = delivery_id.into_inner();
    let found = registry.0.read(move |conn| store::webhook_deliveries::find(conn, id)).await?;
    let found = found.ok_or(Code::NotFound)?;
    Ok(versioned(&request, found.0.version, &EventDeliveryView::from(found)))
}

/// Try an endpoint.
///
/// For administrators: a delivery of type `ping` is sent, signed as every other; how it fares is read at `Location`. 409
/// `wrong_phase` where the endpoint is not active.
#[utoipa::path(tag = "webhooks", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 201, body = EventDeliveryView), CreateProblems))]
#[post("/webhooks/{webhook_id}/test")]
pub async fn test_webhook(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    webhook_id: web::Path<WebhookId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    may_manage_webhooks(&actor)?;
    let (id, now) = (webhook_id.into_inner(), clock.now());
    let deed = Deed { by: actor.id(), operation: "test_webhook", key, digest: start.digest };
    act_once(&registry, deed, now, move |conn| {
        let webhook = store::webhooks::find(conn, id)?.ok_or(Code::NotFound)?;
        if webhook.state != WebhookState::Active {
            return Err(Error::hinted(Code::WrongPhase, Hint::new("endpoint_not_active")));
        }
        let delivery = Delivery::waiting(id, None, now);
        store::webhook_deliveries::insert(conn, &delivery)?;
        store::audit::record(conn, store::audit::NewEntry::by(actor.id(), "test_webhook", "webhook", id), now)?;
        let location = format!("/v1/webhook-deliveries/{}", delivery.id);
        Reply::created(location, Some(delivery.version), &EventDeliveryView::from((delivery, None)))
    })
    .await
}

/// Send a delivery again.
///
/// For administrators and secretaries, where it was given up, or was taken and lost. It is put in line again, and with it what
/// follows it of the same judge, so that the receiver hears all of it in order; ids are those of before, by which a receiver
/// knows what it has. 409 `wrong_phase` where it waits already.
#[utoipa::path(tag = "webhooks", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 200, body = EventDeliveryView), CreateProblems))]
#[post("/webhook-deliveries/{delivery_id}/resend")]
pub async fn resend_delivery(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    delivery_id: web::Path<DeliveryId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    may_resend_deliveries(&actor)?;
    let (id, now) = (delivery_id.into_inner(), clock.now());
    let deed = Deed { by: actor.id(), operation: "resend_delivery", key, digest: start.digest };
    act_once(&registry, deed, now, move |conn| {
        let (delivery, _) = store::webhook_deliveries::find(conn, id)?.ok_or(Code::NotFound)?;
        if delivery.state == EventDeliveryState::Pending {
            return Err(Error::hinted(Code::WrongPhase, Hint::new("delivery_waits")));
        }
        store::webhook_deliveries::put_in_line(conn, &delivery, now.naive_utc())?;
        store::audit::record(
            conn,
            store::audit::NewEntry::by(actor.id(), "resend_delivery", "webhook_delivery", id),
            now,
        )?;
        let found = store::webhook_deliveries::find(conn, id)?.ok_or_else(|| Error::internal("a delivery went"))?;
        Reply::ok(Some(found.0.version), &EventDeliveryView::from(found))
    })
    .await
}

/// Send again all that was given up.
///
/// For administrators and secretaries, once the receiver is there again: all that was given up at this endpoint is put in line,
/// each with what follows it of the same judge, as where one delivery is sent again. Where nothing was given up, nothing
/// happens.
#[utoipa::path(tag = "webhooks", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 200, body = ResentView), CreateProblems))]
#[post("/webhooks/{webhook_id}/resend")]
pub async fn resend_deliveries(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    webhook_id: web::Path<WebhookId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    may_resend_deliveries(&actor)?;
    let (id, now) = (webhook_id.into_inner(), clock.now());
    let deed = Deed { by: actor.id(), operation: "resend_deliveries", key, digest: start.digest };
    act_once(&registry, deed, now, move |conn| {
        store::webhooks::find(conn, id)?.ok_or(Code::NotFound)?;
        let delivery_count = store::webhook_deliveries::put_given_up_in_line(conn, id, now.naive_utc())?;
        store::audit::record(conn, store::audit::NewEntry::by(actor.id(), "resend_deliveries", "webhook", id), now)?;
        Reply::ok(None, &ResentView { delivery_count })
    })
    .await
}
