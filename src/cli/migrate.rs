//! `ejf migrate`: both databases brought to this program's schema, or looked at. A newcomer's usual mistake is to open
//! them for a look: that would make them, so a check examines what is there.

use super::{DONE, WRONG, say};
use crate::app;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, Location, Purpose, Schema, missing_schema, pending_migrations};
use crate::error::Result;

/// Registry and box one after the other: nothing here holds both.
pub(super) async fn run(config: &Config, is_check: bool) -> Result<u8> {
    let of_registry = migrate_registry(config, is_check).await?;
    let of_box = migrate_box(config, is_check).await?;
    let mut code = DONE;
    for (store, schema) in [("registry", of_registry), ("ballot box", of_box)] {
        let pending = schema.pending.iter().map(|name| format!("{store}: pending: {name}\n"));
        let unknown = schema.unknown.iter().map(|version| format!("{store}: made by a newer program: {version}\n"));
        for line in pending.chain(unknown) {
            say(&line);
            code = WRONG;
        }
    }
    if code == DONE {
        say("registry and ballot box are up to date\n");
    }
    Ok(code)
}

async fn migrate_registry(config: &Config, is_check: bool) -> Result<Schema> {
    if is_check {
        return examine_schema(&config.database, Purpose::Registry);
    }
    let registry = app::open_registry(config, Clock::System.now()).await?;
    registry.0.maintain(|conn, _| pending_migrations(conn, Purpose::Registry)).await
}

async fn migrate_box(config: &Config, is_check: bool) -> Result<Schema> {
    if is_check {
        return examine_schema(&config.ballot_database, Purpose::BallotBox);
    }
    let ballot_box = app::open_ballot_box(config).await?;
    ballot_box.0.maintain(|conn, _| pending_migrations(conn, Purpose::BallotBox)).await
}

/// How far a database is, beside a running service or not, and without making it.
fn examine_schema(location: &Location, purpose: Purpose) -> Result<Schema> {
    match Db::examine(location, purpose, |conn| pending_migrations(conn, purpose))? {
        Some(schema) => Ok(schema),
        None => missing_schema(purpose),
    }
}
