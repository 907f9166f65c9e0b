//! Connections and transactions, for both engines; knows no table. A newcomer's usual mistake is to open a transaction
//! by hand: a write goes through [`Db::write`], where it runs as if alone, and several reads that must agree go through
//! [`Db::read`], one snapshot.

mod lock;
mod migrations;
mod writer;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{ManageConnection, Pool};
use diesel::{Connection, PgConnection, SqliteConnection};

use crate::error::{Code, Error, Result};

pub use lock::is_held;
pub use migrations::{Schema, is_current, migrate, migrate_down, missing_schema, pending_migrations};
use writer::Writer;

/// What keeps an SQLite ballot box from remembering, connection by connection; the journal's mode lies in the file.
const BOX_SETTINGS: &str = "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;";

/// A connection to one of the two engines; [`on!`](crate::on) runs a block against whichever it is.
pub enum Conn {
    /// SQLite, a file.
    Sqlite(SqliteConnection),
    /// PostgreSQL, a server.
    Postgres(PgConnection),
}

/// Runs the block with the concrete connection; it is compiled once for each engine, so all of diesel is at hand.
#[macro_export]
macro_rules! on {
    ($conn:expr, |$c:ident| $work:block) => {
        match $conn {
            $crate::db::Conn::Sqlite($c) => $work,
            $crate::db::Conn::Postgres($c) => $work,
        }
    };
}

/// Which of the two databases a connection is for: their engines are set differently (`privacy.md` S-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// People, files, cycles: write-ahead log, many readers.
    Registry,
    /// Reviews: no write-ahead log, which would keep the order of arrival, and what is deleted is overwritten.
    BallotBox,
}

/// Where a database is, read from a URL by its scheme; anything else is refused, never guessed. Prints without secrets.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// `sqlite://PATH`.
    Sqlite(PathBuf),
    /// `postgres://…` or `postgresql://…`, handed to libpq as it is; may hold a password.
    Postgres(String),
}

impl Location {
    /// Reads a database URL; the error says which forms are taken, and never repeats the URL, which may hold a password.
    pub fn parse(url: &str) -> std::result::Result<Location, &'static str> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            if path.is_empty() || path.starts_with(':') {
                return Err("sqlite:// needs the path of a file");
            }
            return Ok(Location::Sqlite(PathBuf::from(path)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Location::Postgres(url.to_owned()));
        }
        Err("must begin with sqlite:// or postgres://")
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Location::Postgres(url) => f.debug_tuple("Postgres").field(&without_secrets(url)).finish(),
        }
    }
}

/// A URL of libpq with `***` in the place of whoever logs in and of every parameter that may be a password.
///
/// All before the last `@` is hidden, as a password that was not percent-encoded may hold one; and so is a parameter
/// whose name is, as libpq would decode it.
fn without_secrets(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("***@", rest));
    let Some((place, query)) = rest.split_once('?') else { return format!("{scheme}://{user}{rest}") };
    let parameters = query.split('&').map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or(("", parameter));
        let is_plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let is_shown = is_plain && !name.contains("password");
        if is_shown { format!("{name}={value}") } else { format!("{}=***", if is_plain { name } else { "***" }) }
    });
    format!("{scheme}://{user}{place}?{}", parameters.collect::<Vec<_>>().join("&"))
}

/// How connections to one database are made; r2d2's manager.
#[derive(Debug, Clone)]
pub struct Connector {
    location: Location,
    purpose: Purpose,
    is_reader: bool,
}

impl Connector {
    fn establish(&self) -> Result<Conn> {
        match &self.location {
            Location::Sqlite(path) => self.establish_sqlite(path),
            Location::Postgres(url) => Ok(Conn::Postgres(PgConnection::establish(url).map_err(Error::internal)?)),
        }
    }

    fn establish_sqlite(&self, path: &Path) -> Result<Conn> {
        make_folder(path)?;
        if self.purpose == Purpose::BallotBox && !path.exists() {
            // SQLite would make it readable by all, and keys are in it before the first compaction.
            File::options().write(true).create_new(true).mode(0o600).open(path).map_err(Error::internal)?;
        }
        let name = path.to_str().ok_or_else(|| Error::internal("the database path is not UTF-8"))?;
        let mut conn = SqliteConnection::establish(name).map_err(Error::internal)?;
        // busy_timeout first: switching the journal mode takes a lock that another connection may hold.
        conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;").map_err(Error::Sql)?;
        match self.purpose {
            // What is deleted, such as a private key at the seal, is overwritten.
            Purpose::Registry => {
                conn.batch_execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;")
            }
            Purpose::BallotBox => conn.batch_execute(&format!("PRAGMA journal_mode = DELETE; {BOX_SETTINGS}")),
        }
        .map_err(Error::Sql)?;
        if self.is_reader {
            // SQLite would let a write through inside a read; PostgreSQL's READ ONLY would not.
            conn.batch_execute("PRAGMA query_only = ON;").map_err(Error::Sql)?;
            if self.purpose == Purpose::Registry {
                // A table larger than a reader's cache would be copied page by page out of the system's, on every request.
                conn.batch_execute("PRAGMA mmap_size = 1073741824;").map_err(Error::Sql)?;
            }
        } else if self.purpose == Purpose::Registry {
            // The writer's pages stay in its cache over its own commits, which empty the cache of every reader.
            conn.batch_execute("PRAGMA cache_size = -16384;").map_err(Error::Sql)?;
        }
        Ok(Conn::Sqlite(conn))
    }
}

/// A connection that reads, one snapshot after the other.
pub struct Reader {
    conn: Conn,
    /// Whether a snapshot was not ended: the server is gone or has hung up, or the work panicked.
    is_broken: bool,
}

impl ManageConnection for Connector {
    type Connection = Reader;
    type Error = Error;

    fn connect(&self) -> Result<Reader> {
        Ok(Reader { conn: self.establish()?, is_broken: false })
    }

    fn is_valid(&self, reader: &mut Reader) -> Result<()> {
        on!(&mut reader.conn, |c| { c.batch_execute("SELECT 1").map_err(Error::Sql) })
    }

    /// Without this a connection that the server has ended would be handed out for ever.
    fn has_broken(&self, reader: &mut Reader) -> bool {
        reader.is_broken
    }
}

/// One database: its writer and, for the registry, a pool of readers.
pub struct Db {
    writer: Writer,
    readers: Option<Pool<Connector>>,
    is_postgres: bool,
}

/// The registry's database; a type of its own, so that a handler cannot be given the ballot box instead.
pub struct Registry(pub Db);

/// The ballot box's database; a type of its own, so that a handler cannot be given the registry instead.
pub struct BallotBox(pub Db);

impl Db {
    /// Opens the registry with up to `pool_size` readers.
    pub fn open_registry(location: &Location, pool_size: u32) -> Result<Registry> {
        let reader = Connector { location: location.clone(), purpose: Purpose::Registry, is_reader: true };
        let writer = Connector { is_reader: false, ..reader.clone() };
        // The writer comes first: it makes a new SQLite file, which a query-only reader cannot.
        let writer = Writer::start(writer, None)?;
        let readers = Pool::builder()
            .max_size(pool_size.max(1))
            .min_idle(Some(0))
            .test_on_check_out(false)
            .connection_timeout(Duration::from_secs(2))
            .build(reader)
            .map_err(Error::internal)?;
        Ok(Registry(Db { writer, readers: Some(readers), is_postgres: matches!(location, Location::Postgres(_)) }))
    }

    /// Opens the ballot box: everything goes through its one connection, so that a compaction can replace the file under it.
    /// For the same reason an SQLite box is open once at a time; where it is, the error names the file of the lock.
    pub fn open_ballot_box(location: &Location) -> Result<BallotBox> {
        let writer = Connector { location: location.clone(), purpose: Purpose::BallotBox, is_reader: false };
        let lock = match location {
            Location::Sqlite(path) => Some(lock::take(path)?),
            Location::Postgres(_) => None,
        };
        let writer = Writer::start(writer, lock)?;
        Ok(BallotBox(Db { writer, readers: None, is_postgres: matches!(location, Location::Postgres(_)) }))
    }

    /// One snapshot: nothing that `work` reads can change under it. `work` touches nothing but the database.
    ///
    /// SQLite reads run inline on a pooled connection (a hand-over to another thread costs more than the read);
    /// PostgreSQL reads run on a blocking thread. [`Code::Busy`] where no connection is free in two seconds.
    pub async fn read<T: Send + 'static>(&self, work: impl Fn(&mut Conn) -> Result<T> + Send + 'static) -> Result<T> {
        let Some(readers) = &self.readers else { return self.writer.write(work).await };
        if !self.is_postgres {
            return read_snapshot(readers, &work);
        }
        let readers = readers.clone();
        tokio::task::spawn_blocking(move || read_snapshot(&readers, &work)).await.map_err(Error::internal)?
    }

    /// One snapshot of a database that another process may be serving, past pool and writer: no lock is taken, no setting
    /// of the file changed and no file made. `None` where there is no such SQLite file.
    pub fn examine<T>(
        location: &Location,
        purpose: Purpose,
        work: impl FnOnce(&mut Conn) -> Result<T>,
    ) -> Result<Option<T>> {
        let conn = match location {
            Location::Sqlite(path) if !path.is_file() => return Ok(None),
            Location::Sqlite(path) => Conn::Sqlite(open_to_look(path, purpose)?),
            Location::Postgres(url) => Conn::Postgres(PgConnection::establish(url).map_err(Error::internal)?),
        };
        snapshot(&mut Reader { conn, is_broken: false }, work).map(Some)
    }

    /// Runs `work` in a transaction as if alone and answers after the commit; an `Err` from `work` undoes it.
    ///
    /// One writer thread takes what is queued, runs each job in a savepoint of one transaction, commits and then
    /// answers all: the cost of a durable commit is shared. SQLite: `BEGIN IMMEDIATE`. PostgreSQL: `SERIALIZABLE`, run
    /// again with jitter when another process's write refuses it. So `work` touches nothing but the database, and may
    /// run more than once. [`Code::Busy`] when the queue is full.
    pub async fn write<T: Send + 'static>(&self, work: impl Fn(&mut Conn) -> Result<T> + Send + 'static) -> Result<T> {
        self.writer.write(work).await
    }

    /// Runs `work` on the writer's connection outside a transaction, after all that was queued before it. `work` may
    /// put another connection in place, made with the connector; compaction of the ballot box does.
    pub async fn maintain<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn, &Connector) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.maintain(work).await
    }

    /// Waits until everything queued is committed and ends the writer; later writes are refused as [`Code::Busy`].
    pub fn close(&self) {
        self.writer.close();
    }
}

impl Connector {
    /// The file of an SQLite database, for a compaction that replaces it.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.location {
            Location::Sqlite(path) => Some(path),
            Location::Postgres(_) => None,
        }
    }

    /// A new connection with this database's settings.
    pub fn reconnect(&self) -> Result<Conn> {
        self.establish()
    }
}

/// Makes the folder of a database where there is none, for its owner alone.
fn make_folder(database: &Path) -> Result<()> {
    let Some(folder) = database.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Error::internal)
}

/// Opens an SQLite file to look at it.
///
/// The registry's write-ahead log can be read by those alone who may write beside it: SQLite makes its two files where
/// nobody serves the registry, and removes them when the connection ends. The box has no such log, and is opened to be
/// read only; if its file asks for one all the same, the file is taken as it lies, else SQLite would make that log.
fn open_to_look(path: &Path, purpose: Purpose) -> Result<SqliteConnection> {
    let name = path.to_str().ok_or_else(|| Error::internal("the database path is not UTF-8"))?;
    let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let mode = match purpose {
        Purpose::Registry => "rw",
        Purpose::BallotBox if wants_write_ahead_log(path)? => "ro&immutable=1",
        Purpose::BallotBox => "ro",
    };
    let mut conn = SqliteConnection::establish(&format!("file:{name}?mode={mode}")).map_err(Error::internal)?;
    conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;").map_err(Error::Sql)?;
    if purpose == Purpose::BallotBox {
        conn.batch_execute(BOX_SETTINGS).map_err(Error::Sql)?;
    }
    Ok(conn)
}

/// Whether an SQLite file says of itself that it is to be used with a write-ahead log (byte 19 of its head).
pub fn wants_write_ahead_log(path: &Path) -> Result<bool> {
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(20).read_to_end(&mut head)).map_err(Error::internal)?;
    Ok(head.get(19) == Some(&2))
}

fn read_snapshot<T>(readers: &Pool<Connector>, work: &impl Fn(&mut Conn) -> Result<T>) -> Result<T> {
    snapshot(&mut *readers.get().map_err(|_| Error::retry_after(Code::Busy, 1))?, work)
}

fn snapshot<T>(reader: &mut Reader, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
    let Reader { conn, is_broken } = reader;
    *is_broken = true;
    execute(conn, "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    let result = work(conn);
    // Ending a snapshot keeps nothing, but a connection that cannot end it is broken, and what it read is not trusted.
    let ended = execute(conn, "ROLLBACK", "ROLLBACK");
    *is_broken = ended.is_err();
    result.and_then(|value| ended.map(|()| value))
}

/// Runs one statement that the two engines spell differently.
fn execute(conn: &mut Conn, sqlite: &str, postgres: &str) -> Result<()> {
    match conn {
        Conn::Sqlite(c) => c.batch_execute(sqlite).map_err(Error::Sql),
        Conn::Postgres(c) => c.batch_execute(postgres).map_err(Error::Sql),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_known_scheme_is_refused_not_guessed() {
        assert!(Location::parse("registry.db").is_err());
        assert!(Location::parse("posgres://host/db").is_err());
        assert!(Location::parse("sqlite://").is_err());
        assert!(Location::parse("sqlite://:memory:").is_err());
        assert_eq!(Location::parse("sqlite:///tmp/x.db"), Ok(Location::Sqlite("/tmp/x.db".into())));
        assert!(matches!(Location::parse("postgresql://h/d"), Ok(Location::Postgres(_))));
    }

    #[test]
    fn a_location_is_printed_without_what_logs_in() {
        for (url, shown) in [
            ("postgres://db/registry?sslmode=require", "postgres://db/registry?sslmode=require"),
            ("postgres://ejf:s3cret@db:5432/registry", "postgres://***@db:5432/registry"),
            ("postgres://ejf:s3/c?r@et@db/registry", "postgres://***@db/registry"),
            ("postgres://db/registry?user=ejf&password=s3cret", "postgres://db/registry?user=ejf&password=***"),
            ("postgres://db/registry?pass%77ord=s3cret", "postgres://db/registry?***=***"),
            ("postgres://db/registry?sslpassword=s3cret&s3cret", "postgres://db/registry?sslpassword=***&***=***"),
        ] {
            assert_eq!(format!("{:?}", Location::parse(url).unwrap()), format!("Postgres({shown:?})"));
        }
    }
}
