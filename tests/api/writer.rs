//! The one writer of a database, past HTTP: what a batch of writes may not do to one another, and what a second process
//! on the same database may not do to any of them. A newcomer's usual mistake is to put a time where an order is meant:
//! what must wait here waits for a word from the test.

use std::sync::mpsc;

use diesel::connection::SimpleConnection;
use diesel::deserialize::QueryableByName;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, RunQueryDsl, sql_query};
use ejf::db::{Conn, Db, Location, Registry};
use ejf::error::{Code, Error, Result};
use ejf::on;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::harness::TestDb;

/// Writes that may wait.
const QUEUE_MAX: usize = 4096;
/// How often a batch is tried.
const ATTEMPTS_MAX: usize = 12;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

/// A database with one table, `numbers`, of one column.
async fn open(db: &TestDb) -> Registry {
    let registry = Db::open_registry(&db.registry, 1).unwrap();
    registry.0.write(|conn| run(conn, "CREATE TABLE numbers (value BIGINT NOT NULL)")).await.unwrap();
    registry
}

fn run(conn: &mut Conn, statement: &str) -> Result<()> {
    on!(conn, |c| { c.batch_execute(statement).map_err(Error::Sql) })
}

fn insert(conn: &mut Conn, number: usize) -> Result<()> {
    run(conn, &format!("INSERT INTO numbers VALUES ({number})"))
}

fn numbers(conn: &mut Conn) -> Result<Vec<i64>> {
    let query = "SELECT value FROM numbers ORDER BY value";
    let rows: Vec<Number> = on!(conn, |c| { sql_query(query).load(c).map_err(Error::Sql) })?;
    Ok(rows.into_iter().map(|row| row.value).collect())
}

/// A write that is queued, in the order of the calls.
type Queued<'a> = BoxFuture<'a, Result<()>>;

/// Queues a write; what it came to where that is known at once.
fn queue(registry: &Registry, work: impl Fn(&mut Conn) -> Result<()> + Send + 'static) -> (Queued<'_>, Option<Code>) {
    let mut write = Box::pin(registry.0.write(work));
    let refused = (&mut write).now_or_never().map(|answer| answer.unwrap_err().code());
    (write, refused)
}

/// Holds the writer up in a write of its own until the sender goes; whatever is queued meanwhile is one batch.
async fn held(registry: &Registry) -> (Queued<'_>, mpsc::Sender<()>) {
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let (release, is_released) = mpsc::channel();
    let (blocker, refused) = queue(registry, move |_| {
        begun.send(()).unwrap();
        // The sender goes without a word.
        let _ = is_released.recv();
        Ok(())
    });
    assert_eq!(refused, None);
    has_begun.recv().await.unwrap();
    (blocker, release)
}

#[tokio::test]
async fn a_write_that_fails_or_panics_takes_no_other_of_its_batch_with_it() {
    let db = TestDb::create();
    let registry = open(&db).await;
    let (blocker, release) = held(&registry).await;
    let fails = |conn: &mut Conn| insert(conn, 2).and_then(|()| Err(Code::NotFound.into()));
    let breaks = |conn: &mut Conn| insert(conn, 3).and_then(|()| run(conn, "INSERT INTO numbers VALUES (NULL)"));
    let panics = |conn: &mut Conn| insert(conn, 4).map(|()| panic!("a panic of a test"));
    let (first, _) = queue(&registry, |conn| insert(conn, 1));
    let (failing, _) = queue(&registry, fails);
    let (breaking, _) = queue(&registry, breaks);
    let (panicking, _) = queue(&registry, panics);
    let (last, _) = queue(&registry, |conn| insert(conn, 5));

    drop(release);

    blocker.await.unwrap();
    first.await.unwrap();
    assert_eq!(failing.await.unwrap_err().code(), Code::NotFound);
    assert!(matches!(breaking.await, Err(Error::Sql(_))));
    assert!(matches!(panicking.await, Err(Error::Internal(_))));
    last.await.unwrap();
    registry.0.write(|conn| insert(conn, 6)).await.unwrap();
    assert_eq!(registry.0.read(numbers).await.unwrap(), [1, 5, 6]);
}

#[tokio::test]
async fn a_write_that_finds_the_queue_full_is_told_to_come_back_and_those_in_it_are_done() {
    let db = TestDb::create();
    let registry = open(&db).await;
    let (blocker, release) = held(&registry).await;
    let mut waiting = Vec::new();
    let refused = loop {
        let number = waiting.len();
        match queue(&registry, move |conn| insert(conn, number)) {
            (write, None) => waiting.push(write),
            (_, Some(refused)) => break refused,
        }
    };

    drop(release);

    assert_eq!((refused, waiting.len()), (Code::Busy, QUEUE_MAX));
    blocker.await.unwrap();
    for write in waiting {
        write.await.unwrap();
    }
    assert!(registry.0.read(numbers).await.unwrap().into_iter().eq(0..4096));
}

#[tokio::test]
async fn whatever_is_queued_when_the_database_is_closed_is_done_and_nothing_after_it() {
    let db = TestDb::create();
    let registry = open(&db).await;
    let (blocker, release) = held(&registry).await;
    let waiting: Vec<_> = (0..600).map(|number| queue(&registry, move |conn| insert(conn, number)).0).collect();

    drop(release);
    registry.0.close();

    assert_eq!(queue(&registry, |conn| insert(conn, 600)).1, Some(Code::Busy));
    blocker.await.unwrap();
    for write in waiting {
        write.await.unwrap();
    }
    assert!(registry.0.read(numbers).await.unwrap().into_iter().eq(0..600));
}

/// Reads the number and writes it one greater: two at once would lose one of them, were they not kept apart.
fn increment(conn: &mut Conn) -> Result<()> {
    let next = numbers(conn)?[0] + 1;
    run(conn, &format!("UPDATE numbers SET value = {next}"))
}

#[tokio::test]
async fn two_processes_that_write_the_same_row_lose_no_write() {
    let db = TestDb::create();
    let one = open(&db).await;
    let other = Db::open_registry(&db.registry, 1).unwrap();
    one.0.write(|conn| insert(conn, 0)).await.unwrap();
    let write_50 = |registry: Registry| async move {
        for _ in 0..50 {
            registry.0.write(increment).await.unwrap();
        }
        registry
    };

    let (one, _other) = tokio::join!(tokio::spawn(write_50(one)), tokio::spawn(write_50(other)));

    assert_eq!(one.unwrap().0.read(numbers).await.unwrap(), [100]);
}

/// A batch of two writes, of which the second is overtaken by another process so many times between its reading and its
/// writing; what became of both, and how often the second ran. Not on SQLite: there a write locks the file from its
/// beginning, and the other process waits.
async fn overtaken(db: &TestDb, times: usize) -> (Registry, [Result<()>; 2], usize) {
    let one = open(db).await;
    let other = Db::open_registry(&db.registry, 1).unwrap();
    one.0.write(|conn| insert(conn, 0)).await.unwrap();
    let (blocker, release) = held(&one).await;
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (neighbour, _) = queue(&one, |conn| insert(conn, 700));
    let (slow, _) = queue(&one, move |conn| {
        let next = numbers(conn)?[0] + 1;
        begun.send(()).unwrap();
        // Once nobody overtakes any more, nobody says a word, and nothing is waited for.
        let _ = may_go_on.recv();
        run(conn, &format!("UPDATE numbers SET value = {next} WHERE value < 700"))
    });
    drop(release);
    for _ in 0..times {
        has_begun.recv().await.unwrap();
        other.0.write(increment).await.unwrap();
        go_on.send(()).unwrap();
    }
    drop(go_on);
    blocker.await.unwrap();
    let outcomes = [neighbour.await, slow.await];
    let mut runs = times;
    while has_begun.try_recv().is_ok() {
        runs += 1;
    }
    (one, outcomes, runs)
}

#[tokio::test]
async fn a_batch_that_another_process_overtook_is_run_again_whole() {
    let db = TestDb::create();
    if matches!(db.registry, Location::Sqlite(_)) {
        return;
    }

    let (registry, outcomes, runs) = overtaken(&db, 3).await;

    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!((runs, registry.0.read(numbers).await.unwrap()), (4, vec![4, 700]));
}

#[tokio::test]
async fn a_batch_that_is_overtaken_every_time_is_told_to_come_back_and_has_done_nothing() {
    let db = TestDb::create();
    if matches!(db.registry, Location::Sqlite(_)) {
        return;
    }

    let (registry, outcomes, runs) = overtaken(&db, ATTEMPTS_MAX).await;

    assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(|error| error.code() == Code::Busy)));
    assert_eq!((runs, registry.0.read(numbers).await.unwrap()), (ATTEMPTS_MAX, vec![12]));
}

#[tokio::test]
async fn a_connection_that_the_server_has_ended_fails_one_read_and_is_replaced() {
    let db = TestDb::create();
    let Location::Postgres(url) = &db.registry else { return };
    let registry = open(&db).await;
    registry.0.write(|conn| insert(conn, 7)).await.unwrap();
    let pid = |conn: &mut Conn| -> Result<i64> {
        let rows: Vec<Number> =
            on!(conn, |c| { sql_query("SELECT pg_backend_pid()::bigint AS value").load(c).map_err(Error::Sql) })?;
        Ok(rows[0].value)
    };
    let ended = registry.0.read(pid).await.unwrap();
    let mut admin = PgConnection::establish(url).unwrap();
    admin.batch_execute(&format!("SELECT pg_terminate_backend({ended}, 5000)")).unwrap();

    assert!(registry.0.read(numbers).await.is_err());
    assert_eq!(registry.0.read(numbers).await.unwrap(), [7]);
}
