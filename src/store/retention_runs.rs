//! The runs that destroy what was kept for its time, a row each with the place that it has come to. What a newcomer would get
//! wrong: deleting a row is not yet destroying it. What the engine leaves behind is wiped when all rows are gone.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::schema::{idempotency_keys, retention_runs};
use crate::db::Conn;
use crate::domain::ids::{AccountId, RecordId, RetentionRunId, RetentionScheduleId};
use crate::domain::retention::RetentionCategory;
use crate::error::{Code, Error, OnUnique, Result};
use crate::on;

/// Seconds after which it is worth asking again whether nobody reads old pages any more.
const READERS_LEAVE_SECONDS: u32 = 5;

/// A run.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = retention_runs, treat_none_as_default_value = false)]
pub struct Run {
    /// Its id.
    pub id: RetentionRunId,
    /// The edition that it follows.
    pub schedule_id: RetentionScheduleId,
    /// The day on which the time of a record had to be over.
    pub counted_on: NaiveDate,
    /// Who asked for it.
    pub requested_by: AccountId,
    /// Who confirmed it.
    pub confirmed_by: AccountId,
    /// When it was started.
    pub started_at: NaiveDateTime,
    /// The kind of record that it has come to.
    pub category: Option<RetentionCategory>,
    /// The last record of that kind that it has looked at.
    pub after_id: Option<RecordId>,
    /// How many records it destroyed.
    pub destroyed_count: i64,
    /// How many whose time was over it kept.
    pub kept_count: i64,
    /// SHA-256, in hex, over what it destroyed.
    pub proof_digest: Option<String>,
    /// When it ended.
    pub finished_at: Option<NaiveDateTime>,
}

/// Adds a run; 409 `already_exists` while another one is under way.
pub fn insert(conn: &mut Conn, run: &Run) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(retention_runs::table).values(run).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The run with this id.
pub fn find(conn: &mut Conn, id: RetentionRunId) -> Result<Option<Run>> {
    Ok(on!(conn, |c| { retention_runs::table.find(id).select(Run::as_select()).first(c).optional() })?)
}

/// The run that is under way.
pub fn find_under_way(conn: &mut Conn) -> Result<Option<Run>> {
    Ok(on!(conn, |c| {
        retention_runs::table.filter(retention_runs::finished_at.is_null()).select(Run::as_select()).first(c).optional()
    })?)
}

/// Runs by id, after `after`, at most `limit`.
pub fn list(conn: &mut Conn, after: Option<RetentionRunId>, limit: i64) -> Result<Vec<Run>> {
    Ok(on!(conn, |c| {
        let mut query =
            retention_runs::table.select(Run::as_select()).order(retention_runs::id).limit(limit).into_boxed();
        if let Some(after) = after {
            query = query.filter(retention_runs::id.gt(after));
        }
        query.load(c)
    })?)
}

/// Notes how far a run has come: the place and the counts as they are in `run`.
pub fn note_progress(conn: &mut Conn, run: &Run) -> Result<()> {
    on!(conn, |c| {
        diesel::update(retention_runs::table.find(run.id))
            .set((
                retention_runs::category.eq(run.category),
                retention_runs::after_id.eq(run.after_id),
                retention_runs::destroyed_count.eq(run.destroyed_count),
                retention_runs::kept_count.eq(run.kept_count),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// Ends a run with the digest of what it destroyed.
pub fn finish(conn: &mut Conn, id: RetentionRunId, proof_digest: &str, at: NaiveDateTime) -> Result<()> {
    on!(conn, |c| {
        diesel::update(retention_runs::table.find(id))
            .set((retention_runs::proof_digest.eq(proof_digest), retention_runs::finished_at.eq(at)))
            .execute(c)
    })?;
    Ok(())
}

/// Drops the kept answers of acts made before an instant: they hold records as they were answered.
pub fn drop_kept_answers(conn: &mut Conn, before: NaiveDateTime) -> Result<()> {
    on!(conn, |c| {
        diesel::delete(idempotency_keys::table.filter(idempotency_keys::created_at.le(before))).execute(c)
    })?;
    Ok(())
}

#[derive(QueryableByName)]
struct Checkpointed {
    #[diesel(sql_type = Integer)]
    busy: i32,
}

/// Wipes what the engine still holds of deleted rows; outside of any transaction.
///
/// SQLite has overwritten the rows in its file (`secure_delete`); older pages lie in the write-ahead log, which is taken
/// into the file and cut to nothing. PostgreSQL leaves deleted rows in their pages, so the tables are written anew and the
/// old files removed. What a disk, a backup, an archive of the write-ahead log or a replica keeps is out of its reach.
///
/// # Errors
/// 503 `busy` while somebody reads pages from before.
pub fn wipe(conn: &mut Conn) -> Result<()> {
    match conn {
        Conn::Sqlite(c) => {
            let done: Checkpointed = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(c)?;
            if done.busy == 0 { Ok(()) } else { Err(Error::retry_after(Code::Busy, READERS_LEAVE_SECONDS)) }
        }
        Conn::Postgres(c) => {
            let tables = "file_records, document_contents, observations, acts, act_attributions, correction_requests, \
                extracts, idempotency_keys";
            Ok(c.batch_execute(&format!("VACUUM FULL {tables}"))?)
        }
    }
}
