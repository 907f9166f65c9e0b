//! Files of whole lists that were ordered. A newcomer's usual mistake is to look for the file here: the row says what was
//! asked for, by whom and why; the file lies in a folder under the row's id, and goes when its time is over.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::exports;
use crate::db::Conn;
use crate::domain::exports::{ExportState, Format};
use crate::domain::ids::{AccountId, ExportId};
use crate::domain::judge_file::FilePurpose;
use crate::error::Result;
use crate::on;

/// An order.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = exports, treat_none_as_default_value = false)]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// The path and query of the list.
    pub list: String,
    /// The form of the file.
    pub format: Format,
    /// Its language, as a tag.
    pub language: String,
    /// Why it was ordered.
    pub purpose: FilePurpose,
    /// How it stands.
    pub state: ExportState,
    /// How many rows the file has.
    pub row_count: Option<i64>,
    /// How many bytes.
    pub byte_count: Option<i64>,
    /// SHA-256 of its bytes, in hex.
    pub sha256: Option<String>,
    /// Why there is no file: a code.
    pub error: Option<String>,
    /// Who asked.
    pub requested_by: AccountId,
    /// When.
    pub requested_at: NaiveDateTime,
    /// When the file was done, or that there will be none was found.
    pub finished_at: Option<NaiveDateTime>,
    /// Until when the file is kept.
    pub expires_at: NaiveDateTime,
    /// Grows by one with each change.
    pub version: i64,
}

/// Adds an order.
pub fn insert(conn: &mut Conn, export: &Export) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(exports::table).values(export).execute(c) })?;
    Ok(())
}

/// The order with this id.
pub fn find(conn: &mut Conn, id: ExportId) -> Result<Option<Export>> {
    Ok(on!(conn, |c| { exports::table.find(id).select(Export::as_select()).first(c).optional() })?)
}

/// The order that waits longest.
pub fn find_next(conn: &mut Conn) -> Result<Option<Export>> {
    Ok(on!(conn, |c| {
        exports::table
            .filter(exports::state.eq(ExportState::Queued))
            .order((exports::state, exports::id))
            .select(Export::as_select())
            .first(c)
            .optional()
    })?)
}

/// Orders whose file is kept and whose time is over, at most a hundred.
pub fn find_due(conn: &mut Conn, now: NaiveDateTime) -> Result<Vec<ExportId>> {
    Ok(on!(conn, |c| {
        exports::table
            .filter(exports::state.eq(ExportState::Done).and(exports::expires_at.le(now)))
            .order((exports::state, exports::id))
            .select(exports::id)
            .limit(100)
            .load(c)
    })?)
}

/// Writes how an order ended, or that its file is gone.
pub fn update(conn: &mut Conn, export: &Export) -> Result<()> {
    on!(conn, |c| {
        diesel::update(exports::table.find(export.id))
            .set((
                exports::state.eq(export.state),
                exports::row_count.eq(export.row_count),
                exports::byte_count.eq(export.byte_count),
                exports::sha256.eq(&export.sha256),
                exports::error.eq(&export.error),
                exports::finished_at.eq(export.finished_at),
                exports::version.eq(exports::version + 1),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// Notes that the file of an order is gone.
pub fn expire(conn: &mut Conn, id: ExportId) -> Result<()> {
    on!(conn, |c| {
        diesel::update(exports::table.find(id))
            .set((exports::state.eq(ExportState::Expired), exports::version.eq(exports::version + 1)))
            .execute(c)
    })?;
    Ok(())
}
