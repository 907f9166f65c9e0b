//! Leaves of judges. Appended, never overwritten, as posts are; a newcomer's usual mistake is to ask for a reason: there is
//! none here on purpose, as it would be health or family.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::schema::{file_records, leaves};
use crate::db::Conn;
use crate::domain::ids::{AccountId, ClientId, JudgeId, LeaveId};
use crate::domain::judge_file::RecordStatus;
use crate::domain::pauses::{Pause, PauseGround};
use crate::domain::sections::Section;
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// A leave, as one record tells it.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = leaves, treat_none_as_default_value = false)]
pub struct Leave {
    /// The record's id.
    pub id: LeaveId,
    /// Whose leave.
    pub judge_id: JudgeId,
    /// The first day.
    pub starts_on: NaiveDate,
    /// The last day; none while no end is known.
    pub ends_on: Option<NaiveDate>,
    /// The act by which it was granted, if known.
    pub act_ref: Option<String>,
    /// The system of record.
    pub source_system: String,
    /// The record's name there.
    pub source_record_id: Option<String>,
    /// The day whose state the source told.
    pub as_of: NaiveDate,
    /// When it was recorded here.
    pub received_at: NaiveDateTime,
    /// By which account; none where a machine client recorded it.
    pub recorded_by: Option<AccountId>,
    /// By which machine client; none where a person recorded it.
    pub recorded_by_client: Option<ClientId>,
    /// How the record stands.
    pub status: RecordStatus,
    /// The record that this one replaces.
    pub supersedes_id: Option<LeaveId>,
    /// Why it was withdrawn.
    pub end_reason: Option<String>,
}

const IN_FORCE: [RecordStatus; 2] = [RecordStatus::Active, RecordStatus::Disputed];

/// Adds a record; 409 `already_exists` where its source has a record of this name in force.
pub fn insert(conn: &mut Conn, leave: &Leave) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(leaves::table).values(leave).execute(c) }).on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The record with this id.
pub fn find(conn: &mut Conn, id: LeaveId) -> Result<Option<Leave>> {
    Ok(on!(conn, |c| { leaves::table.find(id).select(Leave::as_select()).first(c).optional() })?)
}

/// Sets how a record stands.
pub fn set_status(conn: &mut Conn, id: LeaveId, status: RecordStatus) -> Result<()> {
    on!(conn, |c| { diesel::update(leaves::table.find(id)).set(leaves::status.eq(status)).execute(c) })?;
    Ok(())
}

/// Takes a record back, for a reason.
pub fn withdraw(conn: &mut Conn, id: LeaveId, reason: &str) -> Result<()> {
    on!(conn, |c| {
        diesel::update(leaves::table.find(id))
            .set((leaves::status.eq(RecordStatus::Withdrawn), leaves::end_reason.eq(reason)))
            .execute(c)
    })?;
    Ok(())
}

/// A judge's records by id, after `after`, at most `limit`: superseded ones, too.
pub fn list(conn: &mut Conn, judge: JudgeId, after: Option<LeaveId>, limit: i64) -> Result<Vec<Leave>> {
    Ok(on!(conn, |c| {
        let mut query = leaves::table
            .filter(leaves::judge_id.eq(judge))
            .select(Leave::as_select())
            .order(leaves::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(leaves::id.gt(after));
        }
        query.load(c)
    })?)
}

/// When these judges are or were away, by records in force: suspensions of the file, and leaves; of a thousand judges at
/// most.
pub fn pauses_of(conn: &mut Conn, judges: &[JudgeId]) -> Result<Vec<(JudgeId, Pause)>> {
    type Span = (JudgeId, Option<NaiveDate>, Option<NaiveDate>);
    let suspended: Vec<Span> = on!(conn, |c| {
        file_records::table
            .filter(file_records::judge_id.eq_any(judges).and(file_records::section.eq(Section::Suspension)))
            .filter(file_records::status.eq_any(IN_FORCE))
            .order((file_records::judge_id, file_records::id))
            .select((file_records::judge_id, file_records::effective_from, file_records::effective_to))
            .load(c)
    })?;
    let on_leave: Vec<(JudgeId, NaiveDate, Option<NaiveDate>)> = on!(conn, |c| {
        leaves::table
            .filter(leaves::judge_id.eq_any(judges).and(leaves::status.eq_any(IN_FORCE)))
            .order((leaves::judge_id, leaves::id))
            .select((leaves::judge_id, leaves::starts_on, leaves::ends_on))
            .load(c)
    })?;
    // A suspension always has a first day; its section is checked when it is recorded.
    let suspended = suspended
        .into_iter()
        .filter_map(|(judge, from, to)| Some((judge, Pause { ground: PauseGround::Suspension, from: from?, to })));
    let on_leave =
        on_leave.into_iter().map(|(judge, from, to)| (judge, Pause { ground: PauseGround::Leave, from, to }));
    Ok(suspended.chain(on_leave).collect())
}
