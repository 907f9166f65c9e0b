//! That systems know of a withdrawal. A newcomer's usual mistake is to take an answered request for knowledge: a receiver that
//! took a delivery may have lost it, so it says by an act of its own that it has done what it has to do.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once};
use super::jobs::Start;
use super::lists::Answering;
use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::caller::{Caller, CallerId};
use crate::domain::events::EventKind;
use crate::domain::ids::{ClientId, EvaluationId, EventId, ExtractId, JudgeId};
use crate::domain::policy::Actor;
use crate::domain::policy::events::{may_acknowledge_events, may_read_acknowledgements};
use crate::error::{Code, Result};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::events::{AwaitedKey, Unacknowledged};
use crate::workflow::lists::List;

/// That a system knows of an event.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"event_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "client_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "acknowledged_at": "2027-07-01T04:30:00Z"}))]
pub struct AcknowledgementView {
    /// The event.
    event_id: EventId,
    /// The machine client.
    client_id: ClientId,
    /// When it first said so.
    acknowledged_at: DateTime<Utc>,
}

/// A withdrawal that a system has not said to know of.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"event_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "type": "evaluation.revoked", "occurred_on": "2027-06-30", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "extract_id": null, "client_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "client_name": "Court Administration, personnel", "is_client_closed": false}))]
pub struct UnacknowledgedView {
    /// The event.
    event_id: EventId,
    /// What was withdrawn.
    #[serde(rename = "type")]
    kind: EventKind,
    /// The day in Kazakhstan on which it was.
    occurred_on: NaiveDate,
    /// Whom it concerns.
    judge_id: JudgeId,
    /// Which evaluation, or null.
    evaluation_id: Option<EvaluationId>,
    /// Which extract, or null.
    extract_id: Option<ExtractId>,
    /// The machine client that is awaited.
    client_id: ClientId,
    /// What people call it.
    #[schema(max_length = 100)]
    client_name: String,
    /// Whether it is closed, so that it cannot say so: whoever runs the system is asked.
    is_client_closed: bool,
}

impl From<Unacknowledged> for UnacknowledgedView {
    fn from(row: Unacknowledged) -> Self {
        UnacknowledgedView {
            event_id: row.event.id,
            kind: row.event.kind,
            occurred_on: row.event.occurred_on,
            judge_id: row.event.judge_id,
            evaluation_id: row.event.evaluation_id,
            extract_id: row.event.extract_id,
            client_id: row.client_id,
            client_name: row.client_name,
            is_client_closed: row.is_client_closed,
        }
    }
}

/// Acknowledge an event.
///
/// For machine clients with `events:read`: the system has done what it has to do. It is awaited of each system for
/// `evaluation.revoked` and `extract.revoked`, and staff see who has not; for other events it may be said and is not awaited.
/// Saying it again changes nothing. 404 where no event of that id is told to the client.
#[utoipa::path(tag = "events", security(("bearer" = []), ("oauth2" = ["events:read"])), params(IdempotencyKeyHeader),
    request_body = Start, responses((status = 200, body = AcknowledgementView), CreateProblems))]
#[post("/events/{event_id}/acknowledgement")]
pub async fn acknowledge_event(
    caller: Caller,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    event_id: web::Path<EventId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    let client_id = may_acknowledge_events(&caller)?;
    let (id, now) = (event_id.into_inner(), clock.now());
    let by = CallerId::Client(client_id);
    let deed = Deed { by, operation: "acknowledge_event", key, digest: start.digest };
    act_once(&registry, deed, now, move |conn| {
        let event = store::events::find(conn, id, Some(client_id))?.ok_or(Code::NotFound)?;
        let at = now.naive_utc();
        let first = store::events::acknowledge(conn, event.sequence, client_id, at)?;
        if first == at {
            let entry = store::audit::NewEntry::by(by, "acknowledge_event", "event", id);
            store::audit::record(conn, entry.of_judge(event.judge_id), now)?;
        }
        Reply::ok(None, &AcknowledgementView { event_id: id, client_id, acknowledged_at: first.and_utc() })
    })
    .await
}

/// List withdrawals that are not acknowledged.
///
/// For secretaries and auditors, oldest first: each `evaluation.revoked` and `extract.revoked` with each system that could
/// have read what was withdrawn and has not said that it knows.
#[utoipa::path(tag = "events", params(PageQuery),
    responses((status = 200, body = PageOf<UnacknowledgedView>), ReadProblems))]
#[get("/unacknowledged-events")]
pub async fn list_unacknowledged_events(
    actor: Actor,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor)?;
    answering.list(actor, list, query.into_inner()).await
}

/// All withdrawals that are not acknowledged, for whoever may read of them.
pub fn list(actor: &Actor) -> Result<List> {
    may_read_acknowledgements(actor)?;
    let key = |row: &Unacknowledged| AwaitedKey { event_sequence: row.event.sequence, client_id: row.client_id };
    let find = store::events::unacknowledged;
    Ok(List::new("list_unacknowledged_events", "unacknowledged-events", find, key, UnacknowledgedView::from))
}
