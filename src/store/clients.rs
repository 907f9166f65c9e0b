//! Machine clients. A newcomer's usual mistake is to keep a secret: its SHA-256 is kept, which is enough for 32 random
//! bytes, as nobody guesses them.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::clients;
use crate::db::Conn;
use crate::domain::caller::Scope;
use crate::domain::ids::ClientId;
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// A machine client.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = clients, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// What people call it.
    pub name: String,
    /// The one system of record that it speaks for.
    pub source_system: String,
    /// Whether it may have [`Scope::FileWrite`].
    pub may_write_files: bool,
    /// Whether it may have [`Scope::ResultsRead`].
    pub may_read_results: bool,
    /// Whether it may have [`Scope::EventsRead`].
    pub may_read_events: bool,
    /// Whether it may have [`Scope::Scim`].
    pub may_use_scim: bool,
    /// SHA-256 of its secret.
    pub secret_hash: Vec<u8>,
    /// SHA-256 of the secret before, which is good until `previous_until`.
    pub previous_secret_hash: Option<Vec<u8>>,
    /// Until when the secret before is good.
    pub previous_until: Option<NaiveDateTime>,
    /// Closed clients get no token; never deleted, as the audit log names them.
    pub is_closed: bool,
    /// Grows by one with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: NaiveDateTime,
}

impl Client {
    /// What it may do, in the order of the list.
    pub fn scopes(&self) -> Vec<Scope> {
        let may = |scope: &Scope| match scope {
            Scope::FileWrite => self.may_write_files,
            Scope::ResultsRead => self.may_read_results,
            Scope::EventsRead => self.may_read_events,
            Scope::Scim => self.may_use_scim,
        };
        Scope::ALL.iter().copied().filter(may).collect()
    }

    /// Sets what it may do; whatever is not named, it may no longer.
    pub fn set_scopes(&mut self, scopes: &[Scope]) {
        self.may_write_files = scopes.contains(&Scope::FileWrite);
        self.may_read_results = scopes.contains(&Scope::ResultsRead);
        self.may_read_events = scopes.contains(&Scope::EventsRead);
        self.may_use_scim = scopes.contains(&Scope::Scim);
    }
}

/// Adds a client; 409 `already_exists` where another one speaks for the system.
pub fn insert(conn: &mut Conn, client: &Client) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(clients::table).values(client).execute(c) }).on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The client with this id.
pub fn find(conn: &mut Conn, id: ClientId) -> Result<Option<Client>> {
    Ok(on!(conn, |c| { clients::table.find(id).select(Client::as_select()).first(c).optional() })?)
}

/// The client that speaks for a system of record.
pub fn find_by_source_system(conn: &mut Conn, source_system: &str) -> Result<Option<Client>> {
    Ok(on!(conn, |c| {
        clients::table.filter(clients::source_system.eq(source_system)).select(Client::as_select()).first(c).optional()
    })?)
}

/// Clients by id, after `after`, at most `limit`.
pub fn list(conn: &mut Conn, after: Option<ClientId>, limit: i64) -> Result<Vec<Client>> {
    Ok(on!(conn, |c| {
        let mut query = clients::table.select(Client::as_select()).order(clients::id).limit(limit).into_boxed();
        if let Some(after) = after {
            query = query.filter(clients::id.gt(after));
        }
        query.load(c)
    })?)
}

/// Puts a changed client in the place of its row, where that still has the version `seen`; `false` where it has moved on.
pub fn update(conn: &mut Conn, client: &Client, seen: i64) -> Result<bool> {
    let changed = on!(conn, |c| {
        diesel::update(clients::table.filter(clients::id.eq(client.id).and(clients::version.eq(seen))))
            .set(client)
            .execute(c)
    })?;
    Ok(changed == 1)
}
