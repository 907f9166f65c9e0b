//! Imports: each a file of records with what came of it, row by row where something was found. A newcomer's usual mistake
//! is to keep the file: it may hold IINs, so it lies here encrypted, and only until the work has ended.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{import_files, import_findings, imports};
use crate::db::Conn;
use crate::domain::ids::{AccountId, ClientId, ImportId, JobId};
use crate::domain::imports::{Charset, DryRun, FINDINGS_MAX, FileFormat, ImportMode, ImportType, Tally};
use crate::error::{Error, Result};
use crate::on;

/// A file of records and what came of it.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = imports, treat_none_as_default_value = false)]
pub struct Import {
    /// Its id, which its records have as `batch_id`.
    pub id: ImportId,
    /// The work.
    pub job_id: JobId,
    /// What the rows are.
    pub record_type: ImportType,
    /// What becomes of a file with faults.
    pub mode: ImportMode,
    /// Whether anything is taken in at all.
    pub dry_run: DryRun,
    /// How the file is written.
    pub file_format: FileFormat,
    /// How it is encoded: as the caller says, then as it was read.
    pub charset: Option<Charset>,
    /// SHA-256 of the file.
    pub file_digest: String,
    /// Its size.
    pub file_bytes: i64,
    /// Which person sent it.
    pub requested_by: Option<AccountId>,
    /// Which machine client sent it.
    pub requested_by_client: Option<ClientId>,
    /// When it was sent.
    pub created_at: NaiveDateTime,
    /// Whether its records were taken in.
    pub is_applied: bool,
    /// Rows read.
    pub read_count: i64,
    /// Rows that are new records.
    pub new_count: i64,
    /// Rows that say what was on record.
    pub unchanged_count: i64,
    /// Rows that took the place of what was on record.
    pub restated_count: i64,
    /// Rows refused.
    pub refused_count: i64,
    /// Warnings.
    pub warning_count: i64,
    /// Findings kept.
    pub finding_count: i64,
    /// When the batch was taken back, if it was.
    pub reversed_at: Option<NaiveDateTime>,
    /// Grows by one with each change.
    pub version: i64,
}

impl Import {
    /// How its rows fared so far.
    pub fn tally(&self) -> Tally {
        Tally {
            read: self.read_count,
            new: self.new_count,
            unchanged: self.unchanged_count,
            restated: self.restated_count,
            refused: self.refused_count,
            warnings: self.warning_count,
        }
    }
}

/// What was found in a row.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = import_findings, treat_none_as_default_value = false)]
pub struct Finding {
    /// The import.
    pub import_id: ImportId,
    /// Its place among the findings, from 1.
    pub number: i64,
    /// The row, as the file counts them; the head is the first.
    pub row_number: i64,
    /// The field, as an RFC 6901 pointer into the record; empty for the row as a whole.
    pub pointer: String,
    /// The rule that is broken, or the warning.
    pub code: String,
    /// What its text is filled with.
    pub argument: Option<String>,
    /// Whether the row was taken all the same.
    pub is_warning: bool,
}

/// Adds an import with its file, which is sealed.
pub fn insert(conn: &mut Conn, import: &Import, sealed_file: &[u8]) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(imports::table).values(import).execute(c)?;
        diesel::insert_into(import_files::table)
            .values((import_files::import_id.eq(import.id), import_files::content.eq(sealed_file)))
            .execute(c)
    })?;
    Ok(())
}

/// The import with this id.
pub fn find(conn: &mut Conn, id: ImportId) -> Result<Option<Import>> {
    Ok(on!(conn, |c| { imports::table.find(id).select(Import::as_select()).first(c).optional() })?)
}

/// Its sealed file, while the work has not ended.
pub fn find_file(conn: &mut Conn, id: ImportId) -> Result<Option<Vec<u8>>> {
    Ok(on!(conn, |c| { import_files::table.find(id).select(import_files::content).first(c).optional() })?)
}

/// Deletes its file.
pub fn delete_file(conn: &mut Conn, id: ImportId) -> Result<()> {
    on!(conn, |c| { diesel::delete(import_files::table.find(id)).execute(c) })?;
    Ok(())
}

/// Notes how the file is encoded.
pub fn set_charset(conn: &mut Conn, id: ImportId, charset: Charset) -> Result<()> {
    on!(conn, |c| { diesel::update(imports::table.find(id)).set(imports::charset.eq(charset)).execute(c) })?;
    Ok(())
}

/// Notes how its rows fared so far and what was found in them, as far as findings are kept.
pub fn progress(conn: &mut Conn, id: ImportId, tally: Tally, findings: &[Finding], is_applied: bool) -> Result<()> {
    let kept: i64 = on!(conn, |c| { imports::table.find(id).select(imports::finding_count).first(c) })?;
    let room = usize::try_from(FINDINGS_MAX - kept).map_err(Error::internal)?;
    let rows: Vec<Finding> = findings
        .iter()
        .take(room)
        .zip(kept + 1..)
        .map(|(finding, number)| Finding { number, ..finding.clone() })
        .collect();
    for some in rows.chunks(1000) {
        on!(conn, |c| { diesel::insert_into(import_findings::table).values(some).execute(c) })?;
    }
    let added = i64::try_from(rows.len()).map_err(Error::internal)?;
    on!(conn, |c| {
        diesel::update(imports::table.find(id))
            .set((
                imports::read_count.eq(tally.read),
                imports::new_count.eq(tally.new),
                imports::unchanged_count.eq(tally.unchanged),
                imports::restated_count.eq(tally.restated),
                imports::refused_count.eq(tally.refused),
                imports::warning_count.eq(tally.warnings),
                imports::finding_count.eq(kept + added),
                imports::is_applied.eq(is_applied),
                imports::version.eq(imports::version + 1),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// What was found, in the file's order, after the finding with the number `after`, at most `limit`.
pub fn findings(conn: &mut Conn, id: ImportId, after: Option<i64>, limit: i64) -> Result<Vec<Finding>> {
    Ok(on!(conn, |c| {
        import_findings::table
            .filter(import_findings::import_id.eq(id).and(import_findings::number.gt(after.unwrap_or(0))))
            .order((import_findings::import_id, import_findings::number))
            .select(Finding::as_select())
            .limit(limit)
            .load(c)
    })?)
}

/// Notes that the batch was taken back.
pub fn set_reversed(conn: &mut Conn, id: ImportId, now: NaiveDateTime) -> Result<()> {
    on!(conn, |c| {
        diesel::update(imports::table.find(id))
            .set((imports::reversed_at.eq(now), imports::version.eq(imports::version + 1)))
            .execute(c)
    })?;
    Ok(())
}
