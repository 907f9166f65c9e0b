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
