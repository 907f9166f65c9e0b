//! Long work, a row each, so that its state survives a restart. A newcomer's usual mistake is to hold progress in memory:
//! whoever asks may ask another process.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::jobs;
use crate::coded;
use crate::db::Conn;
use crate::domain::ids::{AccountId, ClientId, JobId};
use crate::error::Result;
use crate::on;

coded! {
    /// What a job does.
    JobKind {
        /// Makes the issuers' keys of a cycle.
        MakeKeys = "make_keys",
        /// Checks a cycle's sealed bundle and computes its results.
        ComputeResults = "compute_results",
        /// Takes in a file of records.
        ImportRecords = "import_records",
    }
}

coded! {
    /// Where a job stands.
    JobState {
        /// It waits for its turn.
        Queued = "queued",
        /// It runs, or ran when the service stopped and goes on at its next start.
        Running = "running",
        /// It is done.
        Done = "done",
        /// It ended without result; `error` says why.
        Failed = "failed",
    }
}

/// A job.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = jobs, treat_none_as_default_value = false)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// The thing it is done to.
    pub object_id: String,
    /// Where it stands.
    pub state: JobState,
    /// The parts done.
    pub done_count: i32,
    /// The parts in all; 0 before it is known.
    pub total_count: i32,
    /// Why it failed: a code, with a hint.
    pub error: Option<String>,
    /// Which person asked for it.
    pub requested_by: Option<AccountId>,
    /// When it was asked for.
    pub created_at: NaiveDateTime,
    /// When it ended.
    pub finished_at: Option<NaiveDateTime>,
    /// Grows by one with each change.
    pub version: i64,
    /// When it began to run, or went on after a stop.
    pub started_at: Option<NaiveDateTime>,
    /// The parts that were done by then.
    pub started_count: i32,
    /// When it last counted a part.
    pub progressed_at: Option<NaiveDateTime>,
    /// Which machine client asked for it.
    pub requested_by_client: Option<ClientId>,
}

/// Adds a job.
pub fn insert(conn: &mut Conn, job: &Job) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(jobs::table).values(job).execute(c) })?;
    Ok(())
}

/// The job with this id.
pub fn find(conn: &mut Conn, id: JobId) -> Result<Option<Job>> {
    Ok(on!(conn, |c| { jobs::table.find(id).select(Job::as_select()).first(c).optional() })?)
}

/// The newest job of a kind for a thing.
pub fn find_newest(conn: &mut Conn, kind: JobKind, object_id: &str) -> Result<Option<Job>> {
    Ok(on!(conn, |c| {
        jobs::table
            .filter(jobs::object_id.eq(object_id).and(jobs::kind.eq(kind)))
            .order(jobs::id.desc())
            .select(Job::as_select())
            .first(c)
            .optional()
    })?)
}

/// The job to do next: one that a stop interrupted, else the one that waits longest.
pub fn find_next(conn: &mut Conn) -> Result<Option<Job>> {
    for state in [JobState::Running, JobState::Queued] {
        let found = on!(conn, |c| {
            jobs::table
                .filter(jobs::state.eq(state))
                .order((jobs::state, jobs::id))
                .select(Job::as_select())
                .first(c)
                .optional()
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Marks a job as running, with the number of its parts.
pub fn start(conn: &mut Conn, id: JobId, done_count: i32, total_count: i32, now: NaiveDateTime) -> Result<()> {
    on!(conn, |c| {
        diesel::update(jobs::table.find(id))
            .set((
                jobs::state.eq(JobState::Running),
                jobs::done_count.eq(done_count),
                jobs::total_count.eq(total_count),
                jobs::started_at.eq(now),
                jobs::started_count.eq(done_count),
                jobs::progressed_at.eq(now),
                jobs::version.eq(jobs::version + 1),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// Counts parts that are done.
pub fn count_done(conn: &mut Conn, id: JobId, parts: i32, now: NaiveDateTime) -> Result<()> {
    on!(conn, |c| {
        diesel::update(jobs::table.find(id))
            .set((
                jobs::done_count.eq(jobs::done_count + parts),
                jobs::progressed_at.eq(now),
                jobs::version.eq(jobs::version + 1),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// Ends a job: done, or failed with why.
pub fn finish(conn: &mut Conn, id: JobId, error: Option<&str>, now: NaiveDateTime) -> Result<()> {
    let state = if error.is_some() { JobState::Failed } else { JobState::Done };
    on!(conn, |c| {
        diesel::update(jobs::table.find(id))
            .set((
                jobs::state.eq(state),
                jobs::error.eq(error),
                jobs::finished_at.eq(now),
                jobs::version.eq(jobs::version + 1),
            ))
            .execute(c)
    })?;
    Ok(())
}
