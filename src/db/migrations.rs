//! The embedded migrations of both databases and both engines. Twin folders hold the same names (a test compares them).

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Conn, Purpose, execute};
use crate::error::{Error, Result};
use crate::on;

const REGISTRY_SQLITE: EmbeddedMigrations = embed_migrations!("migrations/registry/sqlite");
const REGISTRY_POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/registry/postgres");
const BALLOT_SQLITE: EmbeddedMigrations = embed_migrations!("migrations/ballot/sqlite");
const BALLOT_POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/ballot/postgres");

/// How far a database's schema is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Names of the migrations that this program has and the database has not, in order.
    pub pending: Vec<String>,
    /// Versions that the database has and this program does not know: a newer program was here.
    pub unknown: Vec<String>,
}

/// Applies what is pending, in order, each in its transaction; returns the versions applied.
pub fn migrate(conn: &mut Conn, purpose: Purpose) -> Result<Vec<String>> {
    keep_books_without_time(conn, purpose)?;
    let applied = match conn {
        Conn::Sqlite(c) => texts(c.run_pending_migrations(sqlite(purpose)).map_err(Error::Internal)?),
        Conn::Postgres(c) => texts(c.run_pending_migrations(postgres(purpose)).map_err(Error::Internal)?),
    };
    Ok(applied)
}

/// Undoes the newest `count` migrations and returns their versions; data of the tables undone is lost.
pub fn migrate_down(conn: &mut Conn, purpose: Purpose, count: usize) -> Result<Vec<String>> {
    keep_books_without_time(conn, purpose)?;
    let mut undone = Vec::new();
    for _ in 0..count {
        let version = match conn {
            Conn::Sqlite(c) => c.revert_last_migration(sqlite(purpose)).map_err(Error::Internal)?.to_string(),
            Conn::Postgres(c) => c.revert_last_migration(postgres(purpose)).map_err(Error::Internal)?.to_string(),
        };
        undone.push(version);
    }
    Ok(undone)
}

/// Compares the database's schema with this program's migrations. Only reads, so that it can be asked in a snapshot.
pub fn pending_migrations(conn: &mut Conn, purpose: Purpose) -> Result<Schema> {
    let known = match conn {
        Conn::Sqlite(_) => known::<diesel::sqlite::Sqlite>(sqlite(purpose))?,
        Conn::Postgres(_) => known::<diesel::pg::Pg>(postgres(purpose))?,
    };
    let applied = applied(conn)?;
    let unknown = applied.iter().filter(|version| !known.contains_key(*version)).cloned().collect();
    let pending = known.into_iter().filter(|(version, _)| !applied.contains(version)).map(|(_, name)| name).collect();
    Ok(Schema { pending, unknown })
}

/// The schema of a database that is not there yet: everything is pending.
pub fn missing_schema(purpose: Purpose) -> Result<Schema> {
    let known = known::<diesel::sqlite::Sqlite>(sqlite(purpose))?;
    Ok(Schema { pending: known.into_values().collect(), unknown: Vec::new() })
}

/// The versions that the database has, ascending; none where nothing was ever applied.
fn applied(conn: &mut Conn) -> Result<Vec<String>> {
    let asked = match conn {
        Conn::Sqlite(c) => {
            diesel::sql_query("SELECT count(*) AS tables FROM sqlite_master WHERE name = '__diesel_schema_migrations'")
                .get_result::<Books>(c)
        }
        Conn::Postgres(c) => diesel::sql_query(
            "SELECT count(*) AS tables FROM pg_class WHERE oid = to_regclass('__diesel_schema_migrations')",
        )
        .get_result::<Books>(c),
    };
    if asked.map_err(Error::Sql)?.tables == 0 {
        return Ok(Vec::new());
    }
    Ok(on!(conn, |c| {
        __diesel_schema_migrations::table
            .select(__diesel_schema_migrations::version)
            .order(__diesel_schema_migrations::version)
            .load(c)
    })?)
}

#[derive(QueryableByName)]
struct Books {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    tables: i64,
}

/// Makes diesel's bookkeeping table of the ballot box before diesel does, which would put the hour into every row.
fn keep_books_without_time(conn: &mut Conn, purpose: Purpose) -> Result<()> {
    match purpose {
        Purpose::Registry => Ok(()),
        Purpose::BallotBox => execute(
            conn,
            "CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (version TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID",
            "SET client_min_messages = warning;
             CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (version VARCHAR(50) NOT NULL PRIMARY KEY)",
        ),
    }
}

diesel::table! {
    /// Diesel's own list of what was applied.
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// Whether the database has exactly this program's migrations.
pub fn is_current(conn: &mut Conn, purpose: Purpose) -> Result<bool> {
    let schema = pending_migrations(conn, purpose)?;
    Ok(schema.pending.is_empty() && schema.unknown.is_empty())
}

/// This program's migrations: their names by version, in the order in which they are applied.
fn known<DB: diesel::backend::Backend>(source: EmbeddedMigrations) -> Result<BTreeMap<String, String>> {
    use diesel::migration::MigrationSource;
    let migrations = MigrationSource::<DB>::migrations(&source).map_err(Error::Internal)?;
    Ok(migrations.iter().map(|one| (one.name().version().to_string(), one.name().to_string())).collect())
}

fn sqlite(purpose: Purpose) -> EmbeddedMigrations {
    match purpose {
        Purpose::Registry => REGISTRY_SQLITE,
        Purpose::BallotBox => BALLOT_SQLITE,
    }
}

fn postgres(purpose: Purpose) -> EmbeddedMigrations {
    match purpose {
        Purpose::Registry => REGISTRY_POSTGRES,
        Purpose::BallotBox => BALLOT_POSTGRES,
    }
}

fn texts(versions: Vec<diesel::migration::MigrationVersion<'_>>) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}
