//! The embedded migrations of both databases and both engines. Twin folders hold the same names (a test compares them).

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

/// Applies what is pending, in order, each in its transaction; returns the names applied.
pub fn migrate(conn: &mut Conn, purpose: Purpose) -> Result<Vec<String>> {
    keep_books_without_time(conn, purpose)?;
    let applied = match conn {
        Conn::Sqlite(c) => names(c.run_pending_migrations(sqlite(purpose)).map_err(Error::Internal)?),
        Conn::Postgres(c) => names(c.run_pending_migrations(postgres(purpose)).map_err(Error::Internal)?),
    };
    Ok(applied)
}

/// Undoes the newest `count` migrations and returns their names; data of the tables undone is lost.
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

/// Compares the database's schema with this program's migrations; changes nothing but the bookkeeping table's existence.
pub fn pending_migrations(conn: &mut Conn, purpose: Purpose) -> Result<Schema> {
    keep_books_without_time(conn, purpose)?;
    let (pending, applied, known) = match conn {
        Conn::Sqlite(c) => (
            c.pending_migrations(sqlite(purpose))
                .map_err(Error::Internal)?
                .iter()
                .map(|migration| migration.name().to_string())
                .collect(),
            c.applied_migrations().map_err(Error::Internal)?,
            known_versions::<diesel::sqlite::Sqlite>(sqlite(purpose))?,
        ),
        Conn::Postgres(c) => (
            c.pending_migrations(postgres(purpose))
                .map_err(Error::Internal)?
                .iter()
                .map(|migration| migration.name().to_string())
                .collect(),
            c.applied_migrations().map_err(Error::Internal)?,
            known_versions::<diesel::pg::Pg>(postgres(purpose))?,
        ),
    };
    let unknown = applied.iter().map(ToString::to_string).filter(|version| !known.contains(version)).collect();
    Ok(Schema { pending, unknown })
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

/// Whether the database has exactly this program's migrations. Only reads, so that it can be asked in a snapshot;
/// [`pending_migrations`] makes the bookkeeping table first, which PostgreSQL refuses there.
pub fn is_current(conn: &mut Conn, purpose: Purpose) -> Result<bool> {
    let mut known = match conn {
        Conn::Sqlite(_) => known_versions::<diesel::sqlite::Sqlite>(sqlite(purpose))?,
        Conn::Postgres(_) => known_versions::<diesel::pg::Pg>(postgres(purpose))?,
    };
    known.sort();
    let applied: Vec<String> = on!(conn, |c| {
        __diesel_schema_migrations::table
            .select(__diesel_schema_migrations::version)
            .order(__diesel_schema_migrations::version)
            .load(c)
    })?;
    Ok(applied == known)
}

fn known_versions<DB: diesel::backend::Backend>(source: EmbeddedMigrations) -> Result<Vec<String>> {
    use diesel::migration::MigrationSource;
    let migrations = MigrationSource::<DB>::migrations(&source).map_err(Error::Internal)?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
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

fn names(versions: Vec<diesel::migration::MigrationVersion<'_>>) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}
