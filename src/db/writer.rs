//! The one writer of a database and its group commit. A newcomer's usual mistake is to answer before the commit: a job
//! keeps its outcome until the whole batch is durable, and a failed commit fails every job of it.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as SqlError};
use tokio::sync::{mpsc, oneshot};

use super::{Conn, Connector, Purpose, execute};
use crate::error::{Code, Error, Result};

/// Jobs that may wait; beyond it a write is refused as busy.
const QUEUE_MAX: usize = 4096;
/// Jobs of one commit.
const BATCH_MAX: usize = 512;
/// Tries of one batch on PostgreSQL before its jobs are refused as busy.
const ATTEMPTS_MAX: u32 = 12;

/// What the writer thread asks of a queued job, in this order; `Run` may come more than once.
enum Step<'a> {
    Run(&'a mut Conn),
    Answer(End),
}

/// How a batch ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Committed,
    Failed,
    /// Other processes wrote in between every time.
    Overtaken,
}

/// How a job's run ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ran {
    Done,
    Refused,
    /// Another process wrote at the same time; the whole batch must start again.
    Conflict,
}

type Job = Box<dyn FnMut(Step<'_>) -> Ran + Send>;
type Maintenance = Box<dyn FnOnce(&mut Conn, &Connector) + Send>;

enum Work {
    Job(Job),
    Maintenance(Maintenance),
}

pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Work>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Connects, so that a wrong URL fails at start, and begins to work. The lock is held as long as the connection.
    pub(super) fn start(connector: Connector, lock: Option<File>) -> Result<Writer> {
        let mut conn = connector.establish()?;
        let (queue, mut waiting) = mpsc::channel::<Work>(QUEUE_MAX);
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                work_off(&mut conn, &connector, &mut waiting);
                drop(conn);
                drop(lock);
            })
            .map_err(Error::internal)?;
        Ok(Writer { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let mut reply = Some(reply);
        let mut outcome: Option<Result<T>> = None;
        let job = move |step: Step<'_>| match step {
            Step::Run(conn) => {
                let result = catch_unwind(AssertUnwindSafe(|| work(conn)))
                    .unwrap_or_else(|_| Err(Error::internal("a write panicked")));
                let ran = match &result {
                    Ok(_) => Ran::Done,
                    Err(error) if is_conflict(error) => Ran::Conflict,
                    Err(_) => Ran::Refused,
                };
                outcome = Some(result);
                ran
            }
            Step::Answer(end) => {
                if let Some(reply) = reply.take() {
                    let said = match (end, outcome.take()) {
                        (End::Committed, Some(outcome)) | (End::Failed, Some(outcome @ Err(_))) => outcome,
                        (End::Overtaken, _) => Err(busy()),
                        (End::Committed | End::Failed, _) => Err(Error::internal("the commit failed")),
                    };
                    // The caller may have hung up; the work is committed all the same.
                    let _ = reply.send(said);
                }
                Ran::Done
            }
        };
        self.enqueue(Work::Job(Box::new(job)))?;
        answer.await.map_err(Error::internal)?
    }

    pub(super) async fn maintain<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn, &Connector) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let maintenance = move |conn: &mut Conn, connector: &Connector| {
            // The caller may have hung up; the work is done all the same.
            let _ = reply.send(work(conn, connector));
        };
        self.enqueue(Work::Maintenance(Box::new(maintenance)))?;
        answer.await.map_err(Error::internal)?
    }

    pub(super) fn close(&self) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(queue);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A writer that panicked has already failed every job that waited for it.
            let _ = thread.join();
        }
    }

    fn enqueue(&self, work: Work) -> Result<()> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.as_ref().ok_or_else(busy)?.try_send(work).map_err(|_| busy())
    }
}

fn busy() -> Error {
    Error::retry_after(Code::Busy, 1)
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

fn work_off(conn: &mut Conn, connector: &Connector, waiting: &mut mpsc::Receiver<Work>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut batch = Vec::new();
        let mut maintenance = None;
        let mut next = Some(first);
        while let Some(work) = next {
            match work {
                Work::Job(job) => batch.push(job),
                Work::Maintenance(work) => maintenance = Some(work),
            }
            // Whatever is queued joins this commit; nothing waits for more to come.
            let is_full = maintenance.is_some() || batch.len() >= BATCH_MAX;
            next = if is_full { None } else { waiting.try_recv().ok() };
        }
        commit_batch(conn, connector, &mut batch);
        if let Some(work) = maintenance {
            work(conn, connector);
        }
    }
}

fn commit_batch(conn: &mut Conn, connector: &Connector, batch: &mut [Job]) {
    if batch.is_empty() {
        return;
    }
    let mut attempt = 0;
    let end = loop {
        attempt += 1;
        match try_batch(conn, batch) {
            Ok(true) => break End::Committed,
            Ok(false) if attempt < ATTEMPTS_MAX => pause(attempt),
            Ok(false) => break End::Overtaken,
            Err(error) => {
                complain(connector, &error, "a commit failed");
                reconnect_when_lost(conn, connector);
                break End::Failed;
            }
        }
    };
    for job in batch {
        job(Step::Answer(end));
    }
}

/// One try: `Ok(false)` where another process's write refused it.
fn try_batch(conn: &mut Conn, batch: &mut [Job]) -> Result<bool> {
    execute(conn, "BEGIN IMMEDIATE", "BEGIN ISOLATION LEVEL SERIALIZABLE")?;
    for job in batch.iter_mut() {
        execute(conn, "SAVEPOINT job", "SAVEPOINT job")?;
        match job(Step::Run(conn)) {
            Ran::Done => execute(conn, "RELEASE job", "RELEASE SAVEPOINT job")?,
            Ran::Refused => {
                let undo = "ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job";
                execute(conn, undo, undo)?;
            }
            Ran::Conflict => {
                execute(conn, "ROLLBACK", "ROLLBACK")?;
                return Ok(false);
            }
        }
    }
    match execute(conn, "COMMIT", "COMMIT") {
        Ok(()) => Ok(true),
        Err(error) => {
            // PostgreSQL has already rolled back; SQLite keeps the transaction open, and the next BEGIN would fail.
            let rolled_back = execute(conn, "ROLLBACK", "ROLLBACK");
            if is_conflict(&error) { rolled_back.map(|()| false) } else { Err(error) }
        }
    }
}

fn is_conflict(error: &Error) -> bool {
    match error {
        Error::Sql(SqlError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
        Error::Sql(SqlError::DatabaseError(_, details)) => details.message().starts_with("deadlock detected"),
        Error::Sql(_) | Error::Refused(_) | Error::Internal(_) => false,
    }
}

/// Waits a random while that grows with each try, so that two processes do not meet again at once.
fn pause(attempt: u32) {
    let mut random = [0u8; 1];
    // Without randomness the pause is merely not jittered.
    let _ = getrandom::fill(&mut random);
    let millis = u64::from(random[0]) * u64::from(attempt.min(6)) / 64 + 1;
    std::thread::sleep(Duration::from_millis(millis));
}

/// After a failed commit the connection may be gone (server restarted) or half-way; a new one is sound either way.
fn reconnect_when_lost(conn: &mut Conn, connector: &Connector) {
    match connector.establish() {
        Ok(fresh) => *conn = fresh,
        Err(error) => complain(connector, &error, "the database cannot be reached"),
    }
}

/// Logs a failure of the registry's. Of the ballot box nothing is logged: a line there would tell when a review came.
fn complain(connector: &Connector, error: &Error, what: &str) {
    match connector.purpose {
        Purpose::Registry => tracing::error!(%error, "{what}"),
        Purpose::BallotBox => {}
    }
}
