//! The outbox: what other systems are told, and who of them has to say that it knows. A newcomer's usual mistake is to number
//! events by a database sequence: a slow transaction would commit a smaller number after a reader has passed it. The number is
//! taken in the writer's transaction, as that of the audit log is, so it follows the order of commits; and no event is ever
//! deleted, as the number of the last one would be given again.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use diesel::dsl::max;
use diesel::prelude::*;

use super::schema::{clients, event_acknowledgements, events};
use crate::db::Conn;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::events::{Event, EventKind};
use crate::domain::ids::{ClientId, EvaluationId, EventId, ExtractId, JudgeId, new_at};
use crate::error::{Error, Result};
use crate::on;

/// An event to be told, by ids and codes.
#[derive(Debug, Clone)]
pub struct NewEvent<'a> {
    /// What came about.
    pub kind: EventKind,
    /// Whom it concerns.
    pub judge_id: JudgeId,
    /// Which evaluation.
    pub evaluation_id: Option<EvaluationId>,
    /// Which extract.
    pub extract_id: Option<ExtractId>,
    /// The one system that is told; every system that reads events where there is none.
    pub recipient_client_id: Option<ClientId>,
    /// How the evaluation ended, by a code.
    pub outcome_code: Option<&'a str>,
    /// The last day on which the outcome serves.
    pub valid_until: Option<NaiveDate>,
    /// The digest of the document that says so: SHA-256 in base64url or hex.
    pub document_digest: Option<&'a str>,
}

impl NewEvent<'_> {
    /// An event that says nothing but that it came about.
    pub fn new(kind: EventKind, judge_id: JudgeId) -> Self {
        let (evaluation_id, extract_id, recipient_client_id) = (None, None, None);
        let (outcome_code, valid_until, document_digest) = (None, None, None);
        NewEvent {
            kind,
            judge_id,
            evaluation_id,
            extract_id,
            recipient_client_id,
            outcome_code,
            valid_until,
            document_digest,
        }
    }
}

/// An event in the outbox.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub struct EventRow {
    /// Its place in the order of commits, from 1.
    pub sequence: i64,
    /// Its id.
    pub id: EventId,
    /// What came about.
    pub kind: EventKind,
    /// The version of its form.
    pub version: i32,
    /// The day in Kazakhstan on which it came about.
    pub occurred_on: NaiveDate,
    /// Whom it concerns.
    pub judge_id: JudgeId,
    /// Which evaluation.
    pub evaluation_id: Option<EvaluationId>,
    /// Which extract.
    pub extract_id: Option<ExtractId>,
    /// The one system that is told, if it is one.
    pub recipient_client_id: Option<ClientId>,
    /// How the evaluation ended, by a code.
    pub outcome_code: Option<String>,
    /// The last day on which the outcome serves.
    pub valid_until: Option<NaiveDate>,
    /// The digest of the document that says so.
    pub document_digest: Option<String>,
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Event {
        Event {
            kind: row.kind,
            version: row.version,
            id: row.id,
            occurred_on: row.occurred_on,
            judge_id: row.judge_id,
            evaluation_id: row.evaluation_id,
            extract_id: row.extract_id,
            outcome_code: row.outcome_code,
            valid_until: row.valid_until,
            document_digest: row.document_digest,
        }
    }
}

/// That a system has to say, or has said, that it knows of an event.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = event_acknowledgements, treat_none_as_default_value = false)]
pub struct Acknowledgement {
    /// The event.
    pub event_sequence: i64,
    /// The system.
    pub client_id: ClientId,
    /// When it said so.
    pub acknowledged_at: Option<NaiveDateTime>,
}

/// Adds an event in the caller's transaction, the one of what came about. A withdrawal is awaited to be acknowledged by every
/// system that could have read what is withdrawn.
///
/// # Errors
/// Internal where the event lacks what its kind says, or says more.
pub fn append(conn: &mut Conn, new: NewEvent<'_>, now: DateTime<Utc>) -> Result<EventId> {
    let last: Option<i64> = on!(conn, |c| { events::table.select(max(events::sequence)).get_result(c) })?;
    let row = EventRow {
        sequence: last.unwrap_or(0) + 1,
        id: EventId(new_at(now)),
        kind: new.kind,
        version: new.kind.version(),
        occurred_on: date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES),
        judge_id: new.judge_id,
        evaluation_id: new.evaluation_id,
        extract_id: new.extract_id,
        recipient_client_id: new.recipient_client_id,
        outcome_code: new.outcome_code.map(str::to_owned),
        valid_until: new.valid_until,
        document_digest: new.document_digest.map(str::to_owned),
    };
    if let Some(member) = Event::from(row.clone()).fault() {
        return Err(Error::internal(format!("an event of {} with a wrong {member}", row.kind)));
    }
    on!(conn, |c| { diesel::insert_into(events::table).values(&row).execute(c) })?;
    if row.kind.is_acknowledged() {
        await_acknowledgements(conn, &row)?;
    }
    Ok(row.id)
}

fn await_acknowledgements(conn: &mut Conn, event: &EventRow) -> Result<()> {
    let told: Vec<ClientId> = on!(conn, |c| {
        let mut query = clients::table
            .filter(clients::may_read_events.eq(true).and(clients::is_closed.eq(false)))
            .select(clients::id)
            .order(clients::id)
            .into_boxed();
        if let Some(recipient) = event.recipient_client_id {
            query = query.filter(clients::id.eq(recipient));
        }
        query.load(c)
    })?;
    let row = |client_id| Acknowledgement { event_sequence: event.sequence, client_id, acknowledged_at: None };
    let rows: Vec<Acknowledgement> = told.into_iter().map(row).collect();
    on!(conn, |c| { diesel::insert_into(event_acknowledgements::table).values(&rows).execute(c) })?;
    Ok(())
}

/// Which of the events somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct EventFilter {
    /// The system that reads; it sees what all are told and what it alone is told. All events where there is none.
    pub client_id: Option<ClientId>,
    /// Of one kind alone.
    pub kind: Option<EventKind>,
}

/// Events in the order of commits, after the number `after`, at most `limit`.
pub fn list(conn: &mut Conn, filter: EventFilter, after: i64, limit: i64) -> Result<Vec<EventRow>> {
    Ok(on!(conn, |c| {
        let mut query = events::table
            .filter(events::sequence.gt(after))
            .order(events::sequence)
            .select(EventRow::as_select())
            .limit(limit)
            .into_boxed();
        if let Some(client_id) = filter.client_id {
            let for_all = events::recipient_client_id.is_null();
            query = query.filter(for_all.or(events::recipient_client_id.eq(client_id)));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(events::kind.eq(kind));
        }
        query.load(c)
    })?)
}

/// The event with this id, where the system is told it; whichever it is where no system asks.
pub fn find(conn: &mut Conn, id: EventId, client_id: Option<ClientId>) -> Result<Option<EventRow>> {
    let found: Option<EventRow> =
        on!(conn, |c| { events::table.filter(events::id.eq(id)).select(EventRow::as_select()).first(c).optional() })?;
    let is_told = |row: &EventRow| match (client_id, row.recipient_client_id) {
        (Some(asking), Some(recipient)) => asking == recipient,
        (None, _) | (_, None) => true,
    };
    Ok(found.filter(is_told))
}

/// The number of the last event; 0 before there is one.
pub fn last_sequence(conn: &mut Conn) -> Result<i64> {
    let last: Option<i64> = on!(conn, |c| { events::table.select(max(events::sequence)).get_result(c) })?;
    Ok(last.unwrap_or(0))
}

/// Notes that a system knows of an event; when it first said so.
pub fn acknowledge(conn: &mut Conn, event: i64, client_id: ClientId, now: NaiveDateTime) -> Result<NaiveDateTime> {
    let said: Option<Option<NaiveDateTime>> = on!(conn, |c| {
        event_acknowledgements::table
            .find((event, client_id))
            .select(event_acknowledgements::acknowledged_at)
            .first(c)
            .optional()
    })?;
    match said {
        Some(Some(at)) => return Ok(at),
        Some(None) => on!(conn, |c| {
            diesel::update(event_acknowledgements::table.find((event, client_id)))
                .set(event_acknowledgements::acknowledged_at.eq(now))
                .execute(c)
        })?,
        None => on!(conn, |c| {
            let row = Acknowledgement { event_sequence: event, client_id, acknowledged_at: Some(now) };
            diesel::insert_into(event_acknowledgements::table).values(&row).execute(c)
        })?,
    };
    Ok(now)
}

/// A withdrawal that a system has not said to know of.
#[derive(Debug, Clone)]
pub struct Unacknowledged {
    /// The event.
    pub event: EventRow,
    /// The system.
    pub client_id: ClientId,
    /// What people call it.
    pub client_name: String,
    /// Whether it gets no more tokens, so that it cannot say so.
    pub is_client_closed: bool,
}

/// Where an entry of [`unacknowledged`] stands: the event's number, then the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AwaitedKey {
    /// The event's number.
    pub event_sequence: i64,
    /// The system.
    pub client_id: ClientId,
}

impl std::fmt::Display for AwaitedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.event_sequence, self.client_id)
    }
}

impl std::str::FromStr for AwaitedKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (sequence, client) =
            text.split_once(' ').ok_or_else(|| Error::internal("a key without its second part"))?;
        let event_sequence = sequence.parse().map_err(Error::internal)?;
        Ok(AwaitedKey { event_sequence, client_id: client.parse().map_err(Error::internal)? })
    }
}

/// Withdrawals with each system that has not said to know of one, oldest first, after `after`, at most `limit`.
pub fn unacknowledged(conn: &mut Conn, after: Option<AwaitedKey>, limit: i64) -> Result<Vec<Unacknowledged>> {
    use event_acknowledgements::{acknowledged_at, client_id as of_client, event_sequence};
    let rows: Vec<(EventRow, ClientId, String, bool)> = on!(conn, |c| {
        let mut query = event_acknowledgements::table
            .inner_join(events::table.on(events::sequence.eq(event_sequence)))
            .inner_join(clients::table.on(clients::id.eq(of_client)))
            .filter(acknowledged_at.is_null())
            .order((event_sequence, of_client))
            .select((EventRow::as_select(), of_client, clients::name, clients::is_closed))
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            let of_same = event_sequence.eq(after.event_sequence).and(of_client.gt(after.client_id));
            query = query.filter(event_sequence.gt(after.event_sequence).or(of_same));
        }
        query.load(c)
    })?;
    let entry = |(event, client_id, client_name, is_client_closed)| Unacknowledged {
        event,
        client_id,
        client_name,
        is_client_closed,
    };
    Ok(rows.into_iter().map(entry).collect())
}

/// How many lines [`unacknowledged`] has.
pub fn count_unacknowledged(conn: &mut Conn) -> Result<i64> {
    let open = event_acknowledgements::acknowledged_at.is_null();
    Ok(on!(conn, |c| { event_acknowledgements::table.filter(open).count().get_result(c) })?)
}
