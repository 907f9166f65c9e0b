//! Events on their way to endpoints, a row for each. A newcomer's usual mistake is to send whatever is due: an event waits while an
//! earlier one of the same judge does, or a receiver would learn of a withdrawal before what is withdrawn.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{exists, min, not};
use diesel::prelude::*;

use super::events::{EventFilter, EventRow, last_sequence};
use super::schema::{events, webhook_deliveries};
use super::webhooks::{self, Webhook};
use crate::db::Conn;
use crate::domain::ids::{DeliveryId, JudgeId, WebhookId, new_at};
use crate::domain::webhooks::{EventDeliveryFault, EventDeliveryState};
use crate::error::Result;
use crate::on;

/// Events that are spread to an endpoint at once.
const SPREAD_AT_ONCE: i64 = 200;

/// One event on its way to one endpoint.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_deliveries, treat_none_as_default_value = false)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The endpoint.
    pub webhook_id: WebhookId,
    /// The event; none for a test.
    pub event_sequence: Option<i64>,
    /// The judge in whose line it stands.
    pub judge_id: Option<JudgeId>,
    /// How it stands.
    pub state: EventDeliveryState,
    /// How often it was tried since it was last put in line.
    pub attempt_count: i32,
    /// When it was last tried.
    pub attempted_at: Option<NaiveDateTime>,
    /// When it is tried next, if nothing stands before it.
    pub next_attempt_at: Option<NaiveDateTime>,
    /// Why the last attempt failed.
    pub error: Option<EventDeliveryFault>,
    /// What the receiver answered to the last attempt.
    pub status_code: Option<i32>,
    /// When the receiver last took it.
    pub delivered_at: Option<NaiveDateTime>,
    /// Grows by one with each change.
    pub version: i64,
}

impl Delivery {
    /// A delivery that waits for its first attempt.
    pub fn waiting(webhook_id: WebhookId, event: Option<&EventRow>, now: DateTime<Utc>) -> Delivery {
        Delivery {
            id: DeliveryId(new_at(now)),
            webhook_id,
            event_sequence: event.map(|event| event.sequence),
            judge_id: event.map(|event| event.judge_id),
            state: EventDeliveryState::Pending,
            attempt_count: 0,
            attempted_at: None,
            next_attempt_at: Some(now.naive_utc()),
            error: None,
            status_code: None,
            delivered_at: None,
            version: 1,
        }
    }
}

/// A delivery with its event.
pub type Sending = (Delivery, Option<EventRow>);

/// Which deliveries somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryFilter {
    /// To one endpoint alone.
    pub webhook_id: Option<WebhookId>,
    /// That stand so alone.
    pub state: Option<EventDeliveryState>,
}

/// Adds a delivery.
pub fn insert(conn: &mut Conn, delivery: &Delivery) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(webhook_deliveries::table).values(delivery).execute(c) })?;
    Ok(())
}

/// Gives events that an endpoint has none of yet their deliveries; whether there may be more of them.
pub fn spread(conn: &mut Conn, webhook: &Webhook, now: DateTime<Utc>) -> Result<bool> {
    let told = EventFilter { client_id: Some(webhook.client_id), kind: None };
    let found = super::events::list(conn, told, webhook.spread_to, SPREAD_AT_ONCE)?;
    let is_full = usize::try_from(SPREAD_AT_ONCE).is_ok_and(|full| found.len() >= full);
    let spread_to = match found.last().filter(|_| is_full) {
        Some(last) => last.sequence,
        None => last_sequence(conn)?,
    };
    if spread_to == webhook.spread_to || !webhooks::set_spread(conn, webhook.id, webhook.spread_to, spread_to)? {
        return Ok(false);
    }
    let wanted = found.iter().filter(|event| webhook.kinds.contains(event.kind));
    let rows: Vec<Delivery> = wanted.map(|event| Delivery::waiting(webhook.id, Some(event), now)).collect();
    on!(conn, |c| { diesel::insert_into(webhook_deliveries::table).values(&rows).execute(c) })?;
    Ok(is_full)
}

/// Deliveries to an endpoint whose turn has come, at most `limit`: of each judge the first that waits, and tests.
pub fn due(conn: &mut Conn, webhook_id: WebhookId, now: NaiveDateTime, limit: i64) -> Result<Vec<Sending>> {
    use webhook_deliveries as of;
    let earlier = diesel::alias!(webhook_deliveries as earlier);
    let of_line = earlier.field(of::webhook_id).eq(webhook_id).and(earlier.field(of::judge_id).eq(of::judge_id));
    let waits = earlier.field(of::state).eq(EventDeliveryState::Pending);
    let is_before = earlier.field(of::event_sequence).lt(of::event_sequence);
    Ok(on!(conn, |c| {
        of::table
            .left_join(events::table.on(of::event_sequence.eq(events::sequence.nullable())))
            .filter(of::webhook_id.eq(webhook_id).and(of::state.eq(EventDeliveryState::Pending)))
            .filter(of::next_attempt_at.le(now))
            .filter(not(exists(earlier.filter(of_line.and(waits).and(is_before)))))
            .order((of::event_sequence, of::id))
            .select((Delivery::as_select(), Option::<EventRow>::as_select()))
            .limit(limit)
            .load(c)
    })?)
}

/// Takes a delivery for a while, so that until then it is nobody else's turn; as it stands then, or none where it has moved on.
pub fn take(conn: &mut Conn, waiting: &Delivery, until: NaiveDateTime) -> Result<Option<Delivery>> {
    let taken = Delivery { next_attempt_at: Some(until), version: waiting.version + 1, ..waiting.clone() };
    Ok(update(conn, &taken, waiting.version)?.then_some(taken))
}

/// Writes how a delivery stands, where the row still has the version `seen`; `false` where it has moved on.
pub fn update(conn: &mut Conn, delivery: &Delivery, seen: i64) -> Result<bool> {
    use webhook_deliveries as of;
    let changed = on!(conn, |c| {
        diesel::update(of::table.filter(of::id.eq(delivery.id).and(of::version.eq(seen))))
            .set((
                of::state.eq(delivery.state),
                of::attempt_count.eq(delivery.attempt_count),
                of::attempted_at.eq(delivery.attempted_at),
                of::next_attempt_at.eq(delivery.next_attempt_at),
                of::error.eq(delivery.error),
                of::status_code.eq(delivery.status_code),
                of::delivered_at.eq(delivery.delivered_at),
                of::version.eq(seen + 1),
            ))
            .execute(c)
    })?;
    Ok(changed == 1)
}

/// The delivery with this id, with its event.
pub fn find(conn: &mut Conn, id: DeliveryId) -> Result<Option<Sending>> {
    Ok(on!(conn, |c| {
        webhook_deliveries::table
            .left_join(events::table.on(webhook_deliveries::event_sequence.eq(events::sequence.nullable())))
            .filter(webhook_deliveries::id.eq(id))
            .select((Delivery::as_select(), Option::<EventRow>::as_select()))
            .first(c)
            .optional()
    })?)
}

/// Deliveries with their events by id, after `after`, at most `limit`.
pub fn list(conn: &mut Conn, filter: DeliveryFilter, after: Option<DeliveryId>, limit: i64) -> Result<Vec<Sending>> {
    Ok(on!(conn, |c| {
        let mut query = webhook_deliveries::table
            .left_join(events::table.on(webhook_deliveries::event_sequence.eq(events::sequence.nullable())))
            .order(webhook_deliveries::id)
            .select((Delivery::as_select(), Option::<EventRow>::as_select()))
            .limit(limit)
            .into_boxed();
        if let Some(webhook_id) = filter.webhook_id {
            query = query.filter(webhook_deliveries::webhook_id.eq(webhook_id));
        }
        if let Some(state) = filter.state {
            query = query.filter(webhook_deliveries::state.eq(state));
        }
        if let Some(after) = after {
            query = query.filter(webhook_deliveries::id.gt(after));
        }
        query.load(c)
    })?)
}

/// Puts a delivery in line again, and with it those that follow it of the same judge: sent alone, what was withdrawn since would
/// come after its withdrawal. How many there are.
pub fn put_in_line(conn: &mut Conn, delivery: &Delivery, now: NaiveDateTime) -> Result<usize> {
    match (delivery.event_sequence, delivery.judge_id) {
        (Some(sequence), Some(judge_id)) => put_line(conn, delivery.webhook_id, judge_id, sequence, now),
        // A test stands in no line.
        _ => {
            let (state, next_attempt_at) = (EventDeliveryState::Pending, Some(now));
            let again = Delivery { state, attempt_count: 0, next_attempt_at, ..delivery.clone() };
            Ok(usize::from(update(conn, &again, delivery.version)?))
        }
    }
}

/// Puts all that was given up at an endpoint in line again, each with what follows it of the same judge. How many there are.
pub fn put_given_up_in_line(conn: &mut Conn, webhook_id: WebhookId, now: NaiveDateTime) -> Result<usize> {
    use webhook_deliveries as of;
    let firsts: Vec<(Option<JudgeId>, Option<i64>)> = on!(conn, |c| {
        of::table
            .filter(of::webhook_id.eq(webhook_id).and(of::state.eq(EventDeliveryState::GivenUp)))
            .filter(of::event_sequence.is_not_null())
            .group_by(of::judge_id)
            .select((of::judge_id, min(of::event_sequence)))
            .load(c)
    })?;
    let mut count = 0;
    for (judge_id, first) in firsts {
        if let (Some(judge_id), Some(first)) = (judge_id, first) {
            count += put_line(conn, webhook_id, judge_id, first, now)?;
        }
    }
    Ok(count)
}

fn put_line(
    conn: &mut Conn,
    webhook_id: WebhookId,
    judge_id: JudgeId,
    first: i64,
    now: NaiveDateTime,
) -> Result<usize> {
    use webhook_deliveries as of;
    let of_line = of::webhook_id.eq(webhook_id).and(of::judge_id.eq(judge_id));
    Ok(on!(conn, |c| {
        diesel::update(of::table.filter(of_line.and(of::event_sequence.ge(first))))
            .set((
                of::state.eq(EventDeliveryState::Pending),
                of::attempt_count.eq(0),
                of::next_attempt_at.eq(Some(now)),
                of::version.eq(of::version + 1),
            ))
            .execute(c)
    })?)
}

/// How many deliveries were given up.
pub fn count_given_up(conn: &mut Conn) -> Result<i64> {
    let given_up = webhook_deliveries::state.eq(EventDeliveryState::GivenUp);
    Ok(on!(conn, |c| { webhook_deliveries::table.filter(given_up).count().get_result(c) })?)
}
