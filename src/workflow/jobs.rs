//! How long work is asked for. A newcomer's usual mistake is to start it in the handler: the job is a row in the caller's
//! transaction, so it exists exactly if the act does, and the worker is rung for after the commit.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use crate::db::Conn;
use crate::domain::caller::CallerId;
use crate::domain::ids;
use crate::domain::ids::JobId;
use crate::domain::policy::Actor;
use crate::error::Result;
use crate::store;
use crate::store::jobs::{Job, JobKind, JobState};

/// Wakes the worker, and tells how far it is. One ring is kept while it is busy, so that none is lost.
#[derive(Debug, Default)]
pub struct Bell {
    ring: Notify,
    told: Mutex<Option<(JobId, i64)>>,
}

impl Bell {
    /// Tells the worker to look for jobs.
    pub fn ring(&self) {
        self.ring.notify_one();
    }

    /// Waits for the next ring.
    pub async fn rung(&self) {
        self.ring.notified().await;
    }

    /// Tells how many parts of a job are done that are not committed yet: what is one transaction has nothing in its row
    /// until it ends. Another process does not hear of it, and shows what is committed.
    pub fn tell(&self, job: JobId, parts: i64) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some((job, parts));
    }

    /// The job with the parts that were told of, where it is under way.
    pub fn heard_of(&self, job: Job) -> Job {
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let parts = told.filter(|(of, _)| *of == job.id && job.state == JobState::Running).map(|(_, parts)| parts);
        let parts = parts.and_then(|parts| i32::try_from(parts).ok()).filter(|parts| *parts > job.done_count);
        match parts {
            // Each number of parts is an answer of its own, and needs a version of its own.
            Some(parts) => Job { done_count: parts, version: job.version + i64::from(parts), ..job },
            None => job,
        }
    }
}

/// The job of this kind for a cycle that waits or runs; a new one where there is none.
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
    add(conn, actor.id(), kind, "cycle", &object_id, now)
}

/// Adds a job on a thing, with its audit entry.
pub fn add(
    conn: &mut Conn,
    by: CallerId,
    kind: JobKind,
    object_type: &str,
    object_id: &str,
    now: DateTime<Utc>,
) -> Result<Job> {
    let job = Job {
        id: JobId(ids::new_at(now)),
        kind,
        object_id: object_id.to_owned(),
        state: JobState::Queued,
        done_count: 0,
        total_count: 0,
        error: None,
        requested_by: by.account(),
        created_at: now.naive_utc(),
        finished_at: None,
        version: 1,
        started_at: None,
        started_count: 0,
        progressed_at: None,
        requested_by_client: by.client(),
    };
    store::jobs::insert(conn, &job)?;
    let entry = store::audit::NewEntry::by(by, kind.as_str(), object_type, object_id);
    store::audit::record(conn, entry, now)?;
    Ok(job)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDateTime;

    use super::*;

    #[test]
    fn what_is_told_of_a_running_job_is_shown_until_more_is_committed() {
        let at = NaiveDateTime::default();
        let job = |number: u128, state: JobState, done_count: i32| Job {
            id: JobId(uuid::Uuid::from_u128(number)),
            kind: JobKind::ImportRecords,
            object_id: String::new(),
            state,
            done_count,
            total_count: 2000,
            error: None,
            requested_by: None,
            created_at: at,
            finished_at: None,
            version: 2,
            started_at: None,
            started_count: 0,
            progressed_at: None,
            requested_by_client: None,
        };
        let bell = Bell::default();
        let heard = |job: Job| (bell.heard_of(job.clone()).done_count, bell.heard_of(job).version);
        assert_eq!(heard(job(1, JobState::Running, 0)), (0, 2));

        bell.tell(JobId(uuid::Uuid::from_u128(1)), 500);

        assert_eq!(heard(job(1, JobState::Running, 0)), (500, 502), "each number is an answer with a tag of its own");
        assert_eq!(heard(job(1, JobState::Running, 2000)), (2000, 2));
        assert_eq!(heard(job(1, JobState::Failed, 0)), (0, 2), "nothing of it was committed");
        assert_eq!(heard(job(2, JobState::Running, 0)), (0, 2), "another job is not told of");
    }
}
