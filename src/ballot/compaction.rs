//! Rewriting the box in the order of its keys, so that nothing of the order of arrival stays in its files.
//!
//! What a newcomer would get wrong: vacuuming or clustering is not enough. On PostgreSQL both keep each row's
//! transaction id, which counts arrivals; only a copy into new tables, all of them in one transaction, forgets it.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use diesel::connection::SimpleConnection;
use diesel::deserialize::QueryableByName;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};

use crate::db::{BallotBox, Conn, Connector};
use crate::durable::sync_folder;
use crate::error::{Error, Result};

/// Every table with the key that its rows are put in order by. The migrations' own comes first, as a rewrite of all
/// tables but one would leave that one's age as a mark.
pub const TABLES: &[(&str, &str)] = &[
    ("__diesel_schema_migrations", "version"),
    ("box_key", "purpose"),
    ("closed_round", "cycle_ref, round"),
    ("complaint", "cycle_ref, round, leaf"),
    ("deleted_round", "cycle_ref, round"),
    ("review", "epk"),
    ("signed_ledger", "cycle_ref, round, issuer_id, generation"),
    ("signed_manifest", "cycle_ref, round, generation"),
    ("superseded", "leaf"),
];

/// What holds the connection's place while the file changes hands.
const STAND_IN: &str = ":memory:";

/// Rewrites all tables in key order, after what was queued before and before what comes later.
///
/// The mark of a changed box is taken off here, on the thread that writes: so no write can come between, and a caller who
/// hangs up changes nothing. It is put back when the tables could not be rewritten.
pub async fn compact(ballot_box: &BallotBox, is_changed: Arc<AtomicBool>) -> Result<()> {
    let work = move |conn: &mut Conn, connector: &Connector| {
        #[cfg(feature = "leaks")]
        if super::leaks::is_on(super::leaks::Leak::NoCompaction) {
            return Ok(());
        }
        is_changed.store(false, Ordering::SeqCst);
        let done = rewrite(conn, connector);
        #[cfg(feature = "leaks")]
        super::leaks::keep_copy(connector)?;
        if done.is_err() {
            is_changed.store(true, Ordering::SeqCst);
        }
        done
    };
    ballot_box.0.maintain(work).await
}

fn rewrite(conn: &mut Conn, connector: &Connector) -> Result<()> {
    match (&mut *conn, connector.sqlite_path()) {
        (Conn::Postgres(c), _) => {
            let done = rewrite_postgres(c);
            if done.is_err() {
                // The connection may be lost, and then no rewriting would ever succeed through it.
                *conn = connector.reconnect()?;
            }
            done
        }
        (Conn::Sqlite(_), Some(path)) => rewrite_sqlite(conn, connector, path),
        (Conn::Sqlite(_), None) => Err(Error::internal("an SQLite connection without a file")),
    }
}

fn rewrite_sqlite(conn: &mut Conn, connector: &Connector, path: &Path) -> Result<()> {
    if is_stand_in(conn)? {
        *conn = connector.reconnect()?;
    }
    let fresh = beside(path, ".compact");
    #[cfg(feature = "leaks")]
    super::leaks::failpoint("compact_begun");
    let Conn::Sqlite(c) = &mut *conn else { return Err(Error::internal("an SQLite file without its connection")) };
    write_copy(c, &fresh)?;
    #[cfg(feature = "leaks")]
    super::leaks::failpoint("compact_synced");
    // The old file's connection must be gone before the name changes hands: a write through it afterwards would go into a
    // file that no longer has a name. What stands in meanwhile has no tables, so that a write fails and loses nothing.
    *conn = Conn::Sqlite(SqliteConnection::establish(STAND_IN).map_err(Error::internal)?);
    #[cfg(feature = "leaks")]
    super::leaks::failpoint("compact_connection_closed");
    let renamed = fs::rename(&fresh, path).map_err(Error::internal);
    #[cfg(feature = "leaks")]
    super::leaks::failpoint("compact_renamed");
    let renamed = renamed.and_then(|()| path.parent().map_or(Ok(()), sync_folder));
    #[cfg(feature = "leaks")]
    super::leaks::failpoint("compact_folder_synced");
    // Whether it succeeded or not, the file that now has the name is whole.
    *conn = connector.reconnect()?;
    renamed
}

/// Whether an earlier rewriting could not connect to the file again. Copying from what stands in would empty the box.
fn is_stand_in(conn: &mut Conn) -> Result<bool> {
    let Conn::Sqlite(c) = conn else { return Ok(false) };
    let place: Place = diesel::sql_query("SELECT file AS path FROM pragma_database_list WHERE name = 'main'")
        .get_result(c)
        .map_err(Error::Sql)?;
    Ok(place.path.unwrap_or_default().is_empty())
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Nullable<Text>)]
    path: Option<String>,
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn write_copy(conn: &mut SqliteConnection, fresh: &Path) -> Result<()> {
    for left in [fresh.to_owned(), beside(fresh, "-journal")] {
        if left.exists() {
            // Left by a crash; the database itself is whole.
            fs::remove_file(left).map_err(Error::internal)?;
        }
    }
    #[cfg(feature = "leaks")]
    super::leaks::failpoint("compact_old_copy_removed");
    let name = fresh.to_str().ok_or_else(|| Error::internal("the database path is not UTF-8"))?;
    // The file holds private keys. It is made empty with its rights first; the copy goes into it.
    File::options().write(true).create_new(true).mode(0o600).open(fresh).map_err(Error::internal)?;
    conn.batch_execute(&format!("VACUUM INTO '{}'", name.replace('\'', "''"))).map_err(Error::Sql)?;
    #[cfg(feature = "leaks")]
    super::leaks::failpoint("compact_copied");
    let file = File::options().write(true).open(fresh).map_err(Error::internal)?;
    // The file's own time would tell when the minute of a submission was over.
    file.set_modified(SystemTime::UNIX_EPOCH).map_err(Error::internal)?;
    file.sync_all().map_err(Error::internal)
}

fn rewrite_postgres(conn: &mut PgConnection) -> Result<()> {
    #[cfg(feature = "leaks")]
    super::leaks::failpoint("compact_begun");
    let mut statements = String::from("BEGIN ISOLATION LEVEL SERIALIZABLE; SET LOCAL lock_timeout = '10s';");
    for (table, key) in TABLES {
        // INCLUDING ALL takes the storage of each column along; without it values would go back into TOAST.
        statements.push_str(&format!(
            "CREATE TABLE fresh_{table} (LIKE {table} INCLUDING ALL); \
             INSERT INTO fresh_{table} SELECT * FROM {table} ORDER BY {key}; \
             DROP TABLE {table}; \
             ALTER TABLE fresh_{table} RENAME TO {table}; \
             ALTER INDEX fresh_{table}_pkey RENAME TO {table}_pkey;"
        ));
    }
    #[cfg(feature = "leaks")]
    if super::leaks::is_on(super::leaks::Leak::Cluster) {
        let cluster = |(table, _): &(&str, &str)| format!("CLUSTER {table} USING {table}_pkey;");
        statements = format!("BEGIN; {}", TABLES.iter().map(cluster).collect::<String>());
    }
    let copied = conn.batch_execute(&statements);
    #[cfg(feature = "leaks")]
    super::leaks::failpoint("compact_before_commit");
    if let Err(error) = copied.and_then(|()| conn.batch_execute("COMMIT")) {
        // The connection may be gone with the transaction; the first error is the one that says why.
        let _ = conn.batch_execute("ROLLBACK");
        return Err(Error::Sql(error));
    }
    #[cfg(feature = "leaks")]
    super::leaks::failpoint("compact_committed");
    // Asked for first, as a refusal would stand in the server's log once a minute, with its time.
    let rights = rights(conn)?;
    for (is_allowed, statement) in [
        (rights.can_checkpoint, "CHECKPOINT"),
        (rights.can_switch_wal, "SELECT pg_switch_wal()"),
        (rights.can_checkpoint, "CHECKPOINT"),
    ] {
        if is_allowed {
            conn.batch_execute(statement).map_err(Error::Sql)?;
        }
    }
    Ok(())
}

/// What the box's role may do to end the old segments of the write-ahead log.
#[derive(Debug, QueryableByName)]
pub struct Rights {
    /// `CHECKPOINT`.
    #[diesel(sql_type = Bool)]
    pub can_checkpoint: bool,
    /// `pg_switch_wal()`.
    #[diesel(sql_type = Bool)]
    pub can_switch_wal: bool,
}

/// The rights of the role that the box connects as.
pub fn rights(conn: &mut PgConnection) -> Result<Rights> {
    diesel::sql_query(
        "SELECT EXISTS (SELECT 1 FROM pg_roles me WHERE me.rolname = current_user AND (me.rolsuper OR EXISTS \
         (SELECT 1 FROM pg_roles r WHERE r.rolname = 'pg_checkpoint' AND pg_has_role(current_user, r.oid, 'USAGE')))) \
         AS can_checkpoint, has_function_privilege('pg_switch_wal()', 'EXECUTE') AS can_switch_wal",
    )
    .get_result(conn)
    .map_err(Error::Sql)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, Location};

    #[tokio::test]
    async fn what_stands_in_for_the_file_is_never_copied_over_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ballot.db");
        let ballot_box = Db::open_ballot_box(&Location::Sqlite(path.clone())).unwrap();
        let count = |conn: &mut Conn, _: &Connector| {
            let Conn::Sqlite(c) = conn else { return Err(Error::internal("no SQLite")) };
            c.batch_execute("SELECT * FROM kept").map_err(Error::Sql)
        };
        let lose = |conn: &mut Conn, _: &Connector| {
            let Conn::Sqlite(c) = conn else { return Err(Error::internal("no SQLite")) };
            c.batch_execute("CREATE TABLE kept (id INTEGER PRIMARY KEY)").map_err(Error::Sql)?;
            // As if the file could not be opened again after the last rewriting.
            *conn = Conn::Sqlite(SqliteConnection::establish(STAND_IN).map_err(Error::internal)?);
            Ok(())
        };
        ballot_box.0.maintain(lose).await.unwrap();
        assert!(ballot_box.0.maintain(count).await.is_err(), "a write fails meanwhile");

        compact(&ballot_box, Arc::new(AtomicBool::new(true))).await.unwrap();

        ballot_box.0.maintain(count).await.unwrap();
    }

    #[tokio::test]
    async fn a_rewriting_that_fails_keeps_the_mark_and_the_box() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ballot.db");
        let ballot_box = Db::open_ballot_box(&Location::Sqlite(path.clone())).unwrap();
        // A folder of this name cannot be removed as a file.
        fs::create_dir(beside(&path, ".compact")).unwrap();
        let is_changed = Arc::new(AtomicBool::new(true));
        assert!(compact(&ballot_box, is_changed.clone()).await.is_err());
        assert!(is_changed.load(Ordering::SeqCst));
        fs::remove_dir(beside(&path, ".compact")).unwrap();
        compact(&ballot_box, is_changed.clone()).await.unwrap();
        assert!(!is_changed.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_box_is_open_once_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("ballot.db"));
        let first = Db::open_ballot_box(&location).unwrap();
        let refused = Db::open_ballot_box(&location).err().unwrap().to_string();
        assert!(refused.contains("ballot.db.lock"), "{refused}");
        first.0.close();
        Db::open_ballot_box(&location).unwrap();
    }
}
