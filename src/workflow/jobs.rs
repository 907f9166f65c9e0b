//! How long work is asked for. A newcomer's usual mistake is to start it in the handler: the job is a row in the caller's
//! transaction, so it exists exactly if the act does, and the worker is rung for after the commit.

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use crate::db::Conn;
use crate::domain::ids;
use crate::domain::ids::JobId;
use crate::domain::policy::Actor;
use crate::error::Result;
use crate::store;
use crate::store::jobs::{Job, JobKind, JobState};

/// Wakes the worker. One ring is kept while it is busy, so that none is lost.
#[derive(Debug, Default)]
pub struct Bell(Notify);

impl Bell {
    /// Tells the worker to look for jobs.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits for the next ring.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}

/// The job of this kind for a thing that waits or runs; a new one where there is none.
pub fn queue(
    conn: &mut Conn,
    actor: &Actor,
    kind: JobKind,
    object_id: impl ToString,
    now: DateTime<Utc>,
) -> Result<Job> {
    let object_id = object_id.to_string();
    if let Some(job) = store::jobs::find_newest(conn, kind, &object_id)?
        && matches!(job.state, JobState::Queued | JobState::Running)
    {
        return Ok(job);
    }
    let job = Job {
        id: JobId(ids::new_at(now)),
        kind,
        object_id,
        state: JobState::Queued,
        done_count: 0,
        total_count: 0,
        error: None,
        requested_by: actor.account_id,
        created_at: now.naive_utc(),
        finished_at: None,
        version: 1,
        started_at: None,
        started_count: 0,
        progressed_at: None,
    };
    store::jobs::insert(conn, &job)?;
    let entry = store::audit::NewEntry::new(Some(actor.account_id), kind.as_str(), "cycle", &job.object_id);
    store::audit::record(conn, entry, now)?;
    Ok(job)
}
