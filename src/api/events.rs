//! Events, as other systems read them. A newcomer's usual mistake is to take the feed for a list that is read once: a reader keeps
//! the id of the last event that it has dealt with, and asks for those after it.

use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{PageOf, PageQuery};
use super::lists::Answering;
use crate::db::Conn;
use crate::domain::caller::Caller;
use crate::domain::events::{Event, EventKind};
use crate::domain::ids::EventId;
use crate::domain::policy::events::may_read_events;
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::problem::responses::ReadProblems;
use crate::store;
use crate::store::events::{EventFilter, EventRow};
use crate::workflow::lists::List;

/// Which events are asked for.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Of one kind alone.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    kind: Option<EventKind>,
    /// Those after this event alone: the last one that the caller has dealt with.
    after: Option<EventId>,
    /// How many items at most: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// List events.
///
/// For machine clients with `events:read`, and for auditors: what became final, by ids and codes, in the order in which it
/// did. An event never moves, changes or goes: whoever keeps the id of the last one that was dealt with and asks for those
/// `after` it misses none, though they may have been lost on the way; without `after` all come again from the first. A
/// client reads what every system is told, and of extracts those that were issued to it. What each kind says stands under
/// `webhooks`; `type` gives one kind alone, and a later version may bring others. 400 where no event of the id `after` is told
/// to the caller.
#[utoipa::path(tag = "events", security(("bearer" = []), ("oauth2" = ["events:read"])), params(EventQuery),
    responses((status = 200, body = PageOf<Event>), ReadProblems))]
#[get("/events")]
pub async fn list_events(caller: Caller, query: web::Query<EventQuery>, answering: Answering) -> Result<HttpResponse> {
    let query = query.into_inner();
    let list = list(&caller, &query)?;
    answering.list_for(caller, list, PageQuery { limit: query.limit, cursor: query.cursor }).await
}

/// The events that are asked for, for whoever may read them.
pub fn list(caller: &Caller, query: &EventQuery) -> Result<List> {
    let client_id = may_read_events(caller)?.client();
    let filter = EventFilter { client_id, kind: query.kind };
    let begun_after = query.after;
    let find = move |conn: &mut Conn, after: Option<i64>, limit| {
        let after = match (after, begun_after) {
            (Some(after), _) => after,
            (None, Some(id)) => {
                let unknown = || Error::faults(Code::Malformed, vec![Fault::parameter("after", Rule::Missing)]);
                store::events::find(conn, id, client_id)?.ok_or_else(unknown)?.sequence
            }
            (None, None) => 0,
        };
        store::events::list(conn, filter, after, limit)
    };
    let name = format!("events {client_id:?} {:?} {begun_after:?}", query.kind);
    Ok(List::new("list_events", name, find, |row: &EventRow| row.sequence, Event::from))
}
