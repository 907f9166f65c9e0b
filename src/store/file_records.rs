//! Records of the file's other sections. Appended, never overwritten, as posts and observed values are. What a newcomer
//! would get wrong: what is read for somebody is filtered by `shown`; only whoever writes finds a record that nobody may
//! read.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::schema::file_records;
use crate::db::Conn;
use crate::domain::ids::{AccountId, ClientId, ImportId, JudgeId, RecordId};
use crate::domain::judge_file::RecordStatus;
use crate::domain::sections::{ConfirmationState, Section, Shown};
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// A record of one of the sections.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = file_records, treat_none_as_default_value = false)]
pub struct FileRecord {
    /// The record's id.
    pub id: RecordId,
    /// Whose file.
    pub judge_id: JudgeId,
    /// Which section.
    pub section: Section,
    /// The section's fields, as [`Content`](crate::domain::sections::Content) in JSON.
    pub content: String,
    /// The first day of its effect.
    pub effective_from: Option<NaiveDate>,
    /// The last day of its effect.
    pub effective_to: Option<NaiveDate>,
    /// When it may be shown.
    pub shown: Shown,
    /// The record that a statement stands beside.
    pub about_id: Option<RecordId>,
    /// The digest of a document's bytes.
    pub sha256: Option<String>,
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
    /// The first of the records that replaced one another; of a first one, its own id.
    pub first_id: RecordId,
    /// The record that this one replaces.
    pub supersedes_id: Option<RecordId>,
    /// The law by which it is kept, where the source names one.
    pub legal_basis: Option<String>,
    /// Whether it is confirmed, where it has to be.
    pub confirmation: ConfirmationState,
    /// Who confirmed it.
    pub confirmed_by: Option<AccountId>,
    /// When.
    pub confirmed_at: Option<NaiveDateTime>,
    /// When it was replaced or withdrawn.
    pub ended_at: Option<NaiveDateTime>,
    /// Why it was withdrawn.
    pub end_reason: Option<String>,
    /// The import that it came in with; none where it was recorded alone.
    pub batch_id: Option<ImportId>,
}

/// Whether a record is in force. Not `eq_any`: a list of values keeps diesel from preparing the statement once and for all.
macro_rules! is_in_force {
    () => {
        file_records::status.eq(RecordStatus::Active).or(file_records::status.eq(RecordStatus::Disputed))
    };
}

/// Whether a record may be shown on a day.
macro_rules! is_shown_on {
    ($day:expr) => {
        file_records::shown.eq(Shown::Always).or(file_records::shown
            .eq(Shown::InEffect)
            .and(is_in_force!())
            .and(file_records::effective_from.is_null().or(file_records::effective_from.le($day)))
            .and(file_records::effective_to.is_null().or(file_records::effective_to.ge($day))))
    };
}

pub(super) use {is_in_force, is_shown_on};

/// Adds a record; 409 `already_exists` where its source has a record of this name in force, or the judge these bytes.
pub fn insert(conn: &mut Conn, record: &FileRecord) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(file_records::table).values(record).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The record in force that a source has under this name, whether it may be shown or not.
pub fn find_by_source(conn: &mut Conn, source_system: &str, source_record_id: &str) -> Result<Option<FileRecord>> {
    Ok(on!(conn, |c| {
        file_records::table
            .filter(file_records::source_system.eq(source_system))
            .filter(file_records::source_record_id.eq(source_record_id).and(is_in_force!()))
            .select(FileRecord::as_select())
            .first(c)
            .optional()
    })?)
}

/// The record with this id in a judge's file, whether it may be shown or not.
pub fn find(conn: &mut Conn, judge: JudgeId, id: RecordId) -> Result<Option<FileRecord>> {
    Ok(on!(conn, |c| {
        file_records::table
            .filter(file_records::id.eq(id).and(file_records::judge_id.eq(judge)))
            .select(FileRecord::as_select())
            .first(c)
            .optional()
    })?)
}

/// The record with this id in a judge's file, where it may be shown on a day.
pub fn find_shown(conn: &mut Conn, judge: JudgeId, id: RecordId, day: NaiveDate) -> Result<Option<FileRecord>> {
    Ok(on!(conn, |c| {
        file_records::table
            .filter(file_records::id.eq(id).and(file_records::judge_id.eq(judge)))
            .filter(is_shown_on!(day))
            .select(FileRecord::as_select())
            .first(c)
            .optional()
    })?)
}

/// A judge's records that may be shown on a day, by id, after `after`, at most `limit`: superseded ones, too; of one
/// section where one is given, and of those known at an earlier instant that were in force then, where one is given.
pub fn list(
    conn: &mut Conn,
    judge: JudgeId,
    section: Option<Section>,
    known_before: Option<NaiveDateTime>,
    day: NaiveDate,
    after: Option<RecordId>,
    limit: i64,
) -> Result<Vec<FileRecord>> {
    Ok(on!(conn, |c| {
        let mut query = file_records::table
            .filter(file_records::judge_id.eq(judge))
            .filter(is_shown_on!(day))
            .select(FileRecord::as_select())
            .order(file_records::id)
            .limit(limit)
            .into_boxed();
        if let Some(section) = section {
            query = query.filter(file_records::section.eq(section));
        }
        if let Some(instant) = known_before {
            query = query
                .filter(file_records::received_at.lt(instant))
                .filter(file_records::ended_at.is_null().or(file_records::ended_at.ge(instant)));
        }
        if let Some(after) = after {
            query = query.filter(file_records::id.gt(after));
        }
        query.load(c)
    })?)
}

/// A judge's records in force that may be shown on a day, by id.
pub fn in_force(conn: &mut Conn, judge: JudgeId, day: NaiveDate, limit: i64) -> Result<Vec<FileRecord>> {
    Ok(on!(conn, |c| {
        file_records::table
            .filter(file_records::judge_id.eq(judge).and(is_in_force!()))
            .filter(is_shown_on!(day))
            .select(FileRecord::as_select())
            .order(file_records::id)
            .limit(limit)
            .load(c)
    })?)
}

/// How many of a judge's records are in force and may be shown on a day, by section and how they stand.
pub fn count_by_section(conn: &mut Conn, judge: JudgeId, day: NaiveDate) -> Result<Vec<(Section, RecordStatus, i64)>> {
    Ok(on!(conn, |c| {
        file_records::table
            .filter(file_records::judge_id.eq(judge).and(is_in_force!()))
            .filter(is_shown_on!(day))
            .group_by((file_records::section, file_records::status))
            .select((file_records::section, file_records::status, count_star()))
            .order((file_records::section, file_records::status))
            .load(c)
    })?)
}

/// The records that replaced one another from `first` on and may be shown on a day, the first one first; at most 100.
pub fn versions(conn: &mut Conn, first: RecordId, day: NaiveDate) -> Result<Vec<FileRecord>> {
    Ok(on!(conn, |c| {
        file_records::table
            .filter(file_records::first_id.eq(first))
            .filter(is_shown_on!(day))
            .select(FileRecord::as_select())
            .order(file_records::id)
            .limit(100)
            .load(c)
    })?)
}

/// The judge's statements in force that stand beside any of these records; at most 100.
pub fn statements_about(conn: &mut Conn, ids: &[RecordId]) -> Result<Vec<FileRecord>> {
    Ok(on!(conn, |c| {
        file_records::table
            .filter(file_records::about_id.eq_any(ids).and(is_in_force!()))
            .select(FileRecord::as_select())
            .order(file_records::id)
            .limit(100)
            .load(c)
    })?)
}

/// The document in force that has these bytes.
pub fn find_document(conn: &mut Conn, judge: JudgeId, sha256: &str) -> Result<Option<FileRecord>> {
    Ok(on!(conn, |c| {
        file_records::table
            .filter(file_records::judge_id.eq(judge).and(file_records::sha256.eq(sha256)))
            .filter(is_in_force!())
            .select(FileRecord::as_select())
            .first(c)
            .optional()
    })?)
}

/// Sets how a record in force stands.
pub fn set_status(conn: &mut Conn, id: RecordId, status: RecordStatus) -> Result<()> {
    on!(conn, |c| { diesel::update(file_records::table.find(id)).set(file_records::status.eq(status)).execute(c) })?;
    Ok(())
}

/// Takes a record out of force: replaced, or withdrawn for a reason.
pub fn end(conn: &mut Conn, id: RecordId, status: RecordStatus, at: NaiveDateTime, reason: Option<&str>) -> Result<()> {
    on!(conn, |c| {
        diesel::update(file_records::table.find(id))
            .set((file_records::status.eq(status), file_records::ended_at.eq(at), file_records::end_reason.eq(reason)))
            .execute(c)
    })?;
    Ok(())
}

/// Notes that a record is confirmed.
pub fn confirm(conn: &mut Conn, id: RecordId, by: AccountId, at: NaiveDateTime) -> Result<()> {
    on!(conn, |c| {
        diesel::update(file_records::table.find(id))
            .set((
                file_records::confirmation.eq(ConfirmationState::Confirmed),
                file_records::confirmed_by.eq(by),
                file_records::confirmed_at.eq(at),
            ))
            .execute(c)
    })?;
    Ok(())
}
