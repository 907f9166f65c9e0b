//! The database engine: settings, neighbours and tables (`privacy.md` S-1, S-2). `ejf serve` does not open the box while
//! one of these is wrong.
//!
//! What a newcomer would get wrong: a setting that an ordinary role is not shown is not thereby right; it is unseen.

use diesel::deserialize::QueryableByName;
use diesel::sql_types::{Nullable, Text};
use diesel::{PgConnection, RunQueryDsl, SqliteConnection};

use super::{Check, Fault, Unseen};
use crate::ballot::compaction::{self, TABLES};
use crate::db::Conn;
use crate::error::{Error, Result};

/// The settings of an SQLite connection: the pragma, the value wanted. The program makes them itself.
const SQLITE: &[(&str, &str)] =
    &[("journal_mode", "delete"), ("synchronous", "2"), ("secure_delete", "1"), ("temp_store", "2")];

/// The settings of a PostgreSQL server. Those from `log_checkpoints` on are not in S-2: a checkpoint's line in the log
/// counts the pages that a compaction wrote, minute by minute, and every other line has its time as well.
const POSTGRES: &[(&str, &str)] = &[
    ("wal_level", "minimal"),
    ("archive_mode", "off"),
    ("wal_recycle", "off"),
    ("max_wal_senders", "0"),
    ("track_commit_timestamp", "off"),
    ("autovacuum", "off"),
    ("track_counts", "off"),
    ("log_statement", "none"),
    ("log_min_duration_statement", "-1"),
    ("log_min_error_statement", "panic"),
    ("log_checkpoints", "off"),
    ("log_connections", "off"),
    ("log_disconnections", "off"),
    ("log_duration", "off"),
    ("log_executor_stats", "off"),
    ("log_lock_waits", "off"),
    ("log_min_duration_sample", "-1"),
    ("log_parser_stats", "off"),
    ("log_planner_stats", "off"),
    ("log_statement_stats", "off"),
    ("log_temp_files", "-1"),
    ("log_transaction_sample_rate", "0"),
];

/// Where a server names the libraries that it loads.
const PRELOADS: &[&str] = &["shared_preload_libraries", "session_preload_libraries", "local_preload_libraries"];

/// Libraries that keep or count statements, however they are set.
const LIBRARIES: &[&str] = &["pg_stat_statements", "auto_explain", "pgaudit", "pg_stat_kcache", "pg_qualstats"];

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

/// Examines the engine behind a connection, which may be one that only reads.
pub fn examine(conn: &mut Conn) -> Result<(Vec<Fault>, Vec<Unseen>)> {
    match conn {
        Conn::Sqlite(c) => examine_sqlite(c).map(|faults| (faults, Vec::new())),
        Conn::Postgres(c) => examine_postgres(c),
    }
}

fn examine_sqlite(conn: &mut SqliteConnection) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    let mut ask = |query: &str| -> Result<Option<String>> {
        Ok(diesel::sql_query(query).get_result::<Found>(conn).map_err(Error::Sql)?.value)
    };
    for (name, wanted) in SQLITE {
        let found = ask(&format!("SELECT CAST({name} AS TEXT) AS value FROM pragma_{name}"))?.unwrap_or_default();
        if found != *wanted {
            faults.push(Fault::new(Check::EngineSetting, *name, found, *wanted));
        }
    }
    let kept = ask("SELECT group_concat(name, ', ') AS value FROM sqlite_master \
         WHERE (type = 'table' AND sql NOT LIKE '%WITHOUT ROWID%') OR type <> 'table'")?;
    faults.extend(kept.map(|kept| Fault::new(Check::RowOrder, "sqlite_master", kept, "WITHOUT ROWID")));
    Ok(faults)
}

fn examine_postgres(conn: &mut PgConnection) -> Result<(Vec<Fault>, Vec<Unseen>)> {
    let (mut faults, mut unseen) = (Vec::new(), Vec::new());
    for (name, wanted) in POSTGRES {
        // A server too old to have a setting does not do what the setting turns off. Newer ones have lists where older ones
        // have a switch; an empty list is off.
        let found = ask(conn, &format!("SELECT current_setting('{name}', true) AS value"))?;
        let wrong = found.filter(|found| found != wanted && !found.is_empty());
        faults.extend(wrong.map(|found| Fault::new(Check::ServerSetting, *name, found, *wanted)));
    }
    let segment = ask(conn, "SELECT current_setting('wal_segment_size') AS value")?.filter(|size| size != "1MB");
    faults.extend(segment.map(|size| Fault::new(Check::SegmentSize, "wal_segment_size", size, "1MB")));
    for (check, name, query) in NEIGHBOURS {
        faults.extend(ask(conn, query)?.map(|found| Fault::new(*check, *name, found, "-")));
    }
    for name in PRELOADS {
        match ask(conn, &format!("SELECT (SELECT setting FROM pg_settings WHERE name = '{name}') AS value"))? {
            None => unseen.push(Unseen::Libraries),
            Some(loaded) => {
                let counting = LIBRARIES.iter().filter(|library| loaded.contains(**library));
                faults.extend(counting.map(|library| Fault::new(Check::Statistics, *name, *library, "-")));
            }
        }
    }
    for (table, _) in TABLES.iter().filter(|(table, _)| !table.starts_with("__")) {
        let columns = ask(
            conn,
            &format!(
                "SELECT string_agg(attname, ', ' ORDER BY attnum) AS value FROM pg_attribute \
                 WHERE attrelid = to_regclass('{table}') AND attnum > 0 AND NOT attisdropped AND attstorage <> 'p'"
            ),
        )?;
        faults.extend(columns.map(|columns| Fault::new(Check::ColumnStorage, *table, columns, "PLAIN")));
    }
    let rights = compaction::rights(conn)?;
    for (name, is_granted, grant) in [
        ("CHECKPOINT", rights.can_checkpoint, "GRANT pg_checkpoint"),
        ("pg_switch_wal()", rights.can_switch_wal, "GRANT EXECUTE ON FUNCTION pg_switch_wal()"),
    ] {
        if !is_granted {
            faults.push(Fault::new(Check::MissingRight, name, "-", grant));
        }
    }
    Ok((faults, unseen))
}

/// Who shares what the box has, each as one text or null.
const NEIGHBOURS: &[(Check, &str, &str)] = &[
    (
        Check::SharedCluster,
        "pg_database",
        "SELECT string_agg(datname, ', ' ORDER BY datname) AS value FROM pg_database \
         WHERE NOT datistemplate AND datname NOT IN (current_database(), 'postgres')",
    ),
    (
        Check::SharedDatabase,
        "pg_class",
        "SELECT string_agg(DISTINCT nspname || '.' || relname, ', ') AS value FROM pg_class \
         JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE relkind = 'r' AND relname IN ('accounts', 'judges')",
    ),
    (
        Check::Statistics,
        "pg_extension",
        "SELECT string_agg(extname, ', ') AS value FROM pg_extension WHERE extname IN \
         ('pg_stat_statements', 'pgaudit', 'pg_stat_kcache', 'pg_qualstats')",
    ),
    (
        Check::Replica,
        "pg_replication_slots",
        "SELECT string_agg(replica, ', ') AS value FROM (SELECT slot_name::text AS replica FROM pg_replication_slots \
         UNION ALL SELECT 'pid ' || pid FROM pg_stat_replication \
         UNION ALL SELECT 'pg_is_in_recovery()' WHERE pg_is_in_recovery()) AS replicas",
    ),
];

fn ask(conn: &mut PgConnection, query: &str) -> Result<Option<String>> {
    Ok(diesel::sql_query(query).get_result::<Found>(conn).map_err(Error::Sql)?.value)
}
