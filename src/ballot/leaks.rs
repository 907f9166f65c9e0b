//! Deliberate leaks, and places where the process can be made to die: what the adversary harness must notice. Compiled
//! in under the feature `leaks` alone, which no release build takes.
//!
//! What a newcomer would get wrong: this is no place to try things out. Each leak is one that real services have; one
//! that the harness does not notice means that the harness is blind, and its clean runs prove nothing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

use super::answer;
use crate::clock::Clock;
use crate::credential::encoding::Ref;
use crate::credential::signing::PublicKey;
use crate::db::{BallotBox, Conn, Connector, Location};
use crate::error::{Error, Result};

/// One deliberate leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leak {
    /// A column with the millisecond of each review.
    CreatedAt,
    /// A column with the day of each review.
    CreatedOn,
    /// A column that counts the reviews.
    SerialId,
    /// A UUIDv7 for each review.
    UuidV7,
    /// Tables are never rewritten.
    NoCompaction,
    /// A line for each request.
    AccessLog,
    /// A counter of accepted reviews for whoever asks.
    RequestCounter,
    /// A copy of the database is kept every day.
    NightlyCopies,
    /// Requests that name their sender are taken, and the name is kept.
    AuthorizationAccepted,
    /// Reviews lie in the registry's database as well, under a foreign key.
    SharedDatabase,
    /// Tables are put in order by `CLUSTER` and not copied; PostgreSQL alone.
    Cluster,
}

/// What happens at an armed place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blow {
    /// The process dies as by `kill -9`.
    Kill,
    /// The thread panics, with the review in its words.
    Panic,
}

/// The places at which the process can be made to die, in the order in which they are passed.
pub const PLACES: &[&str] = &[
    "submit_read",
    "submit_verified",
    "submit_looked_up",
    "submit_superseded",
    "submit_inserted",
    "submit_updated",
    "submit_committed",
    "compact_begun",
    "compact_old_copy_removed",
    "compact_copied",
    "compact_synced",
    "compact_connection_closed",
    "compact_renamed",
    "compact_folder_synced",
    "compact_before_commit",
    "compact_committed",
    "seal_begun",
    "seal_compacted",
    "seal_built",
    "seal_closed",
    "seal_committed",
    "seal_key_erased",
    "seal_bundle_written",
    "seal_leaves_written",
    "seal_checkpoint_written",
    "delete_begun",
    "delete_committed",
    "delete_compacted",
    "delete_bundle_erased",
];

struct Chosen {
    leak: Option<Leak>,
    clock: Clock,
    registry: Location,
}

static CHOSEN: OnceLock<Chosen> = OnceLock::new();
static ARMED: Mutex<Option<(String, Blow)>> = Mutex::new(None);
static ACCEPTED: AtomicU64 = AtomicU64::new(0);
static SENDER: Mutex<Option<String>> = Mutex::new(None);
static COPIED: Mutex<Option<String>> = Mutex::new(None);

/// Settles the leak of this process, before a box is opened in it; later calls change nothing.
pub fn choose(leak: Option<Leak>, clock: Clock, registry: Location) {
    CHOSEN.get_or_init(|| Chosen { leak, clock, registry });
}

/// Arms one place; the first that passes it is struck.
pub fn arm(place: &str, blow: Blow) {
    *locked(&ARMED) = Some((place.to_owned(), blow));
}

/// A place at which the process can be made to die.
pub(super) fn failpoint(place: &str) {
    failpoint_over(place, "");
}

/// The same where a review is at hand, which a panic would repeat if the hook let it.
#[allow(clippy::panic, reason = "what a panic tells is one of the things that the harness looks for")]
pub(super) fn failpoint_over(place: &str, review: &str) {
    let mut armed = locked(&ARMED);
    let Some((_, blow)) = armed.take_if(|(armed, _)| armed == place) else { return };
    drop(armed);
    match blow {
        Blow::Panic => std::panic::panic_any(format!("{place}: {review}")),
        // Nothing can be done about a signal that could not be sent; the test sees that the process lives.
        Blow::Kill => drop(kill_process(getpid(), Signal::KILL)),
    }
}

pub(super) fn is_on(leak: Leak) -> bool {
    CHOSEN.get().and_then(|chosen| chosen.leak) == Some(leak)
}

/// Gives the tables the columns that a leak fills.
pub(super) async fn prepare(ballot_box: &BallotBox) -> Result<()> {
    let Some(Chosen { leak: Some(leak), registry, .. }) = CHOSEN.get() else { return Ok(()) };
    if *leak == Leak::SharedDatabase {
        return execute(
            &mut connect(registry)?,
            "CREATE TABLE IF NOT EXISTS reviews (id INTEGER PRIMARY KEY, epk BLOB NOT NULL, \
             evaluation_id TEXT NOT NULL REFERENCES evaluations (id))",
            "CREATE TABLE IF NOT EXISTS reviews (id BIGSERIAL PRIMARY KEY, epk BYTEA NOT NULL, \
             evaluation_id TEXT NOT NULL REFERENCES evaluations (id))",
        );
    }
    let (sqlite, postgres) = match leak {
        Leak::CreatedAt => ("created_at INTEGER", "created_at BIGINT"),
        Leak::CreatedOn => ("created_on TEXT", "created_on TEXT"),
        Leak::SerialId => ("id INTEGER", "id BIGINT"),
        Leak::UuidV7 => ("id BLOB", "id BYTEA"),
        Leak::AuthorizationAccepted => ("sender TEXT", "sender TEXT"),
        Leak::NoCompaction
        | Leak::AccessLog
        | Leak::RequestCounter
        | Leak::NightlyCopies
        | Leak::SharedDatabase
        | Leak::Cluster => return Ok(()),
    };
    ballot_box
        .0
        .write(move |conn| {
            let add = |column: &str| format!("ALTER TABLE review ADD COLUMN {column}");
            execute(conn, &add(sqlite), &add(postgres))
        })
        .await
}

/// Keeps of a stored review what the leak keeps.
pub(super) fn stored(conn: &mut Conn, epk: &PublicKey, subject_ref: &Ref) -> Result<()> {
    let Some(Chosen { leak: Some(leak), clock, registry }) = CHOSEN.get() else { return Ok(()) };
    let now = clock.now();
    let set = match leak {
        Leak::CreatedAt => format!("created_at = {}", now.timestamp_millis()),
        Leak::CreatedOn => format!("created_on = '{}'", now.date_naive()),
        Leak::SerialId => "id = (SELECT coalesce(max(id), 0) + 1 FROM review)".to_owned(),
        Leak::UuidV7 => format!("id = {}", literal(conn, uuid_v7(now).as_bytes())),
        Leak::AuthorizationAccepted => match locked(&SENDER).take() {
            Some(sender) => format!("sender = '{}'", sender.replace('\'', "''")),
            None => return Ok(()),
        },
        Leak::SharedDatabase => {
            let mut registry = connect(registry)?;
            let (epk, subject_ref) = (literal(&registry, &epk.0), literal(&registry, &subject_ref.0));
            let insert = format!(
                "INSERT INTO reviews (epk, evaluation_id) SELECT {epk}, id FROM evaluations WHERE subject_ref = {subject_ref}"
            );
            return execute(&mut registry, &insert, &insert);
        }
        Leak::NoCompaction | Leak::AccessLog | Leak::RequestCounter | Leak::NightlyCopies | Leak::Cluster => {
            return Ok(());
        }
    };
    let update = format!("UPDATE review SET {set} WHERE epk = {}", literal(conn, &epk.0));
    execute(conn, &update, &update)
}

/// Counts an accepted review.
pub(super) fn accepted() {
    ACCEPTED.fetch_add(1, Ordering::SeqCst);
}

/// What is served besides the routes.
pub(super) fn served(path: &str) -> Option<HttpResponse> {
    let is_served = path == "/metrics" && is_on(Leak::RequestCounter);
    let counted = format!("ejf_reviews_accepted_total {}\n", ACCEPTED.load(Ordering::SeqCst));
    is_served.then(|| answer::builder(StatusCode::OK).content_type("text/plain").body(counted))
}

/// Whether a request that names its sender is let through; the name is kept for the review that follows.
pub(super) fn is_sender_taken(headers: &HeaderMap) -> bool {
    if !is_on(Leak::AuthorizationAccepted) {
        return false;
    }
    let name = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    *locked(&SENDER) = name.map(str::to_owned);
    name.is_some()
}

/// Writes the line of an access log.
pub(super) fn answered(method: &str, path: &str, status: StatusCode) {
    if let Some(Chosen { leak: Some(Leak::AccessLog), clock, .. }) = CHOSEN.get() {
        let now = clock.now().to_rfc3339();
        // A closed standard error leaves nobody to tell.
        let _ = writeln!(std::io::stderr().lock(), "{now} \"{method} {path} HTTP/1.1\" {}", status.as_u16());
    }
}

/// Keeps a copy of the database beside it, the first of each day.
pub(super) fn keep_copy(connector: &Connector) -> Result<()> {
    let Some(Chosen { leak: Some(Leak::NightlyCopies), clock, .. }) = CHOSEN.get() else { return Ok(()) };
    let Some(path) = connector.sqlite_path() else { return Ok(()) };
    let today = clock.now().date_naive().to_string();
    let mut copied = locked(&COPIED);
    if copied.as_ref() != Some(&today) {
        std::fs::copy(path, beside(path, &today)).map_err(Error::internal)?;
        *copied = Some(today);
    }
    Ok(())
}

fn beside(path: &Path, day: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{day}"));
    PathBuf::from(name)
}

fn uuid_v7(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}

fn connect(location: &Location) -> Result<Conn> {
    match location {
        Location::Sqlite(path) => {
            let name = path.to_str().ok_or_else(|| Error::internal("the database path is not UTF-8"))?;
            let mut conn = SqliteConnection::establish(name).map_err(Error::internal)?;
            conn.batch_execute("PRAGMA busy_timeout = 5000").map_err(Error::Sql)?;
            Ok(Conn::Sqlite(conn))
        }
        Location::Postgres(url) => Ok(Conn::Postgres(PgConnection::establish(url).map_err(Error::internal)?)),
    }
}

fn execute(conn: &mut Conn, sqlite: &str, postgres: &str) -> Result<()> {
    match conn {
        Conn::Sqlite(c) => c.batch_execute(sqlite).map_err(Error::Sql),
        Conn::Postgres(c) => c.batch_execute(postgres).map_err(Error::Sql),
    }
}

fn literal(conn: &Conn, bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match conn {
        Conn::Sqlite(_) => format!("X'{hex}'"),
        Conn::Postgres(_) => format!("'\\x{hex}'::bytea"),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
