//! Whether the engine under the box is set so that it forgets the order of arrival (`ejf box doctor`).
//!
//! What a newcomer would get wrong: these settings cannot be made by a migration. The server's belong to whoever runs
//! it, so each fault names the setting, what was found, and what to do.

use std::fmt;

use diesel::deserialize::QueryableByName;
use diesel::sql_types::{Nullable, Text};
use diesel::{PgConnection, RunQueryDsl, SqliteConnection};

use super::compaction::{self, TABLES};
use crate::db::{BallotBox, Conn};
use crate::error::{Error, Result};

/// One setting that would keep what the box must forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The setting.
    pub setting: String,
    /// What was found.
    pub found: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}; {}", self.setting, self.found, self.remedy)
    }
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

/// The settings of an SQLite connection: the pragma, the value wanted. The program makes them itself.
const SQLITE: &[(&str, &str)] =
    &[("journal_mode", "delete"), ("synchronous", "2"), ("secure_delete", "1"), ("temp_store", "2")];

/// The settings of a PostgreSQL server and how each is made.
const POSTGRES: &[(&str, &str, &str)] = &[
    ("wal_segment_size", "1MB", "make the cluster with `initdb --wal-segsize=1`"),
    ("wal_level", "minimal", CONF),
    ("archive_mode", "off", CONF),
    ("wal_recycle", "off", CONF),
    ("max_wal_senders", "0", CONF),
    ("track_commit_timestamp", "off", CONF),
    ("autovacuum", "off", CONF),
    ("track_counts", "off", CONF),
    ("log_statement", "none", CONF),
    ("log_min_duration_statement", "-1", CONF),
    ("log_min_error_statement", "panic", CONF),
];

const CONF: &str = "set it in postgresql.conf of the box's own cluster and restart";

/// The settings that are wrong; empty is good, and then only may a window with real reviews open.
pub async fn doctor(ballot_box: &BallotBox) -> Result<Vec<Fault>> {
    ballot_box
        .0
        .maintain(|conn, _| match conn {
            Conn::Sqlite(c) => examine_sqlite(c),
            Conn::Postgres(c) => examine_postgres(c),
        })
        .await
}

fn examine_sqlite(conn: &mut SqliteConnection) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for (name, wanted) in SQLITE {
        let query = format!("SELECT CAST({name} AS TEXT) AS value FROM pragma_{name}");
        let found = diesel::sql_query(query).get_result::<Setting>(conn).map_err(Error::Sql)?;
        faults.extend(compare(name, wanted, found.value, "restart the service; it makes this setting itself"));
    }
    Ok(faults)
}

fn examine_postgres(conn: &mut PgConnection) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for (name, wanted, remedy) in POSTGRES {
        let found = ask(conn, &format!("SELECT current_setting('{name}', true) AS value"))?;
        // A server too old to have a setting does not do what the setting turns off.
        faults.extend(found.and_then(|found| compare(name, wanted, Some(found), remedy)));
    }
    let others = ask(
        conn,
        "SELECT string_agg(datname, ', ' ORDER BY datname) AS value FROM pg_database \
         WHERE NOT datistemplate AND datname NOT IN (current_database(), 'postgres')",
    )?;
    faults.extend(others.and_then(|others| {
        compare("databases of the cluster", "the box alone", Some(others), "give the box a cluster of its own")
    }));
    let statistics =
        ask(conn, "SELECT string_agg(extname, ', ') AS value FROM pg_extension WHERE extname = 'pg_stat_statements'")?;
    faults.extend(
        statistics.and_then(|found| compare("extensions", "none that counts", Some(found), "drop the extension")),
    );
    for (table, _) in TABLES.iter().filter(|(table, _)| !table.starts_with("__")) {
        let query = format!(
            "SELECT string_agg(attname, ', ' ORDER BY attnum) AS value FROM pg_attribute \
             WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped AND attstorage <> 'p'"
        );
        let columns = ask(conn, &query)?;
        faults.extend(columns.and_then(|columns| {
            compare(
                &format!("storage in {table}"),
                "plain",
                Some(columns),
                "ALTER TABLE … ALTER COLUMN … SET STORAGE PLAIN",
            )
        }));
    }
    let rights = compaction::rights(conn)?;
    let grants = [
        ("right to CHECKPOINT", rights.can_checkpoint, "GRANT pg_checkpoint TO the box's role"),
        (
            "right to pg_switch_wal()",
            rights.can_switch_wal,
            "GRANT EXECUTE ON FUNCTION pg_switch_wal() TO the box's role",
        ),
    ];
    for (name, is_granted, remedy) in grants {
        let found = if is_granted { "granted" } else { "missing" };
        faults.extend(compare(name, "granted", Some(found.to_owned()), remedy));
    }
    Ok(faults)
}

fn ask(conn: &mut PgConnection, query: &str) -> Result<Option<String>> {
    Ok(diesel::sql_query(query).get_result::<Setting>(conn).map_err(Error::Sql)?.value)
}

fn compare(setting: &str, wanted: &str, found: Option<String>, remedy: &str) -> Option<Fault> {
    let found = found.unwrap_or_else(|| "nothing".to_owned());
    let fault =
        || Fault { setting: setting.to_owned(), found: found.clone(), remedy: format!("want {wanted}: {remedy}") };
    (found != wanted).then(fault)
}
