//! Endpoints that events are sent to. A newcomer's usual mistake is to hash their secrets as those of machine clients are: a secret
//! that we sign with has to come back, so it lies encrypted.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{clients, webhooks};
use crate::db::Conn;
use crate::domain::ids::{ClientId, WebhookId};
use crate::domain::webhooks::{EventKinds, WebhookState};
use crate::error::Result;
use crate::on;

/// An endpoint.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = webhooks, treat_none_as_default_value = false)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The system whose endpoint it is: it is sent what this one is told.
    pub client_id: ClientId,
    /// Where it is.
    pub url: String,
    /// What it is sent.
    pub kinds: EventKinds,
    /// Whether it is sent events.
    pub state: WebhookState,
    /// The secret that deliveries are signed with, encrypted.
    pub wrapped_secret: Vec<u8>,
    /// The secret before, which signs as well until `previous_until`.
    pub previous_wrapped_secret: Option<Vec<u8>>,
    /// Until when the secret before signs as well.
    pub previous_until: Option<NaiveDateTime>,
    /// The number of the last event that has its delivery, or is not for this endpoint.
    pub spread_to: i64,
    /// When it was made.
    pub created_at: NaiveDateTime,
    /// Grows by one with each change.
    pub version: i64,
}

/// Adds an endpoint.
pub fn insert(conn: &mut Conn, webhook: &Webhook) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(webhooks::table).values(webhook).execute(c) })?;
    Ok(())
}

/// The endpoint with this id.
pub fn find(conn: &mut Conn, id: WebhookId) -> Result<Option<Webhook>> {
    Ok(on!(conn, |c| { webhooks::table.find(id).select(Webhook::as_select()).first(c).optional() })?)
}

/// Endpoints by id, after `after`, at most `limit`.
pub fn list(conn: &mut Conn, after: Option<WebhookId>, limit: i64) -> Result<Vec<Webhook>> {
    Ok(on!(conn, |c| {
        let mut query = webhooks::table.select(Webhook::as_select()).order(webhooks::id).limit(limit).into_boxed();
        if let Some(after) = after {
            query = query.filter(webhooks::id.gt(after));
        }
        query.load(c)
    })?)
}

/// Endpoints that are sent events by now: active ones of systems that may read events.
pub fn active(conn: &mut Conn) -> Result<Vec<Webhook>> {
    Ok(on!(conn, |c| {
        webhooks::table
            .inner_join(clients::table.on(clients::id.eq(webhooks::client_id)))
            .filter(webhooks::state.eq(WebhookState::Active))
            .filter(clients::may_read_events.eq(true).and(clients::is_closed.eq(false)))
            .order(webhooks::id)
            .select(Webhook::as_select())
            .limit(1000)
            .load(c)
    })?)
}

/// Puts a changed endpoint in the place of its row, where that still has the version `seen`; `false` where it has moved on.
/// How far events were spread is not changed by it.
pub fn update(conn: &mut Conn, webhook: &Webhook, seen: i64) -> Result<bool> {
    let changed = on!(conn, |c| {
        diesel::update(webhooks::table.filter(webhooks::id.eq(webhook.id).and(webhooks::version.eq(seen))))
            .set((
                webhooks::url.eq(&webhook.url),
                webhooks::kinds.eq(&webhook.kinds),
                webhooks::state.eq(webhook.state),
                webhooks::wrapped_secret.eq(&webhook.wrapped_secret),
                webhooks::previous_wrapped_secret.eq(&webhook.previous_wrapped_secret),
                webhooks::previous_until.eq(webhook.previous_until),
                webhooks::version.eq(webhook.version),
            ))
            .execute(c)
    })?;
    Ok(changed == 1)
}

/// Notes that an endpoint answered 410, where it is still active; a present version is outdated by it.
pub fn set_gone(conn: &mut Conn, id: WebhookId) -> Result<()> {
    on!(conn, |c| {
        diesel::update(webhooks::table.find(id).filter(webhooks::state.eq(WebhookState::Active)))
            .set((webhooks::state.eq(WebhookState::Gone), webhooks::version.eq(webhooks::version + 1)))
            .execute(c)
    })?;
    Ok(())
}

/// Notes how far events were spread, where it was `seen` before; `false` where somebody else has spread them meanwhile.
pub fn set_spread(conn: &mut Conn, id: WebhookId, seen: i64, spread_to: i64) -> Result<bool> {
    let changed = on!(conn, |c| {
        diesel::update(webhooks::table.find(id).filter(webhooks::spread_to.eq(seen)))
            .set(webhooks::spread_to.eq(spread_to))
            .execute(c)
    })?;
    Ok(changed == 1)
}
