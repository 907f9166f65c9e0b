//! Methodologies: one canonical JSON document each. A published row is never updated again.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::methodologies;
use crate::db::Conn;
use crate::domain::ids::MethodologyId;
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// A methodology's row.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = methodologies, treat_none_as_default_value = false)]
pub struct MethodologyRow {
    /// Its id.
    pub id: MethodologyId,
    /// Its name among methodologies; editions share it.
    pub code: String,
    /// Its edition under that code, from 1.
    pub edition: i32,
    /// `draft` or `published`.
    pub state: String,
    /// The rules as canonical JSON.
    pub document: String,
    /// SHA-256 of the document, in hex.
    pub digest: String,
    /// Whether any text is marked as a draft.
    pub has_draft_texts: bool,
    /// When it was added.
    pub created_at: NaiveDateTime,
    /// When it was published.
    pub published_at: Option<NaiveDateTime>,
    /// Grows by one with each change.
    pub version: i64,
}

/// Adds a draft; 409 `already_exists` where the code has that edition.
pub fn insert(conn: &mut Conn, row: &MethodologyRow) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(methodologies::table).values(row).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The newest edition number of a code; 0 where there is none.
pub fn newest_edition(conn: &mut Conn, code: &str) -> Result<i32> {
    let newest: Option<i32> = on!(conn, |c| {
        methodologies::table
            .filter(methodologies::code.eq(code))
            .select(diesel::dsl::max(methodologies::edition))
            .get_result(c)
    })?;
    Ok(newest.unwrap_or(0))
}

/// The methodology with this id.
pub fn find(conn: &mut Conn, id: MethodologyId) -> Result<Option<MethodologyRow>> {
    Ok(on!(conn, |c| { methodologies::table.find(id).select(MethodologyRow::as_select()).first(c).optional() })?)
}

/// Methodologies by id, after `after`, at most `limit`; published ones alone where asked.
pub fn list(
    conn: &mut Conn,
    state: Option<&str>,
    after: Option<MethodologyId>,
    limit: i64,
) -> Result<Vec<MethodologyRow>> {
    Ok(on!(conn, |c| {
        let mut query =
            methodologies::table.select(MethodologyRow::as_select()).order(methodologies::id).limit(limit).into_boxed();
        if let Some(state) = state {
            query = query.filter(methodologies::state.eq(state.to_owned()));
        }
        if let Some(after) = after {
            query = query.filter(methodologies::id.gt(after));
        }
        query.load(c)
    })?)
}

/// The latest of those that are published, newest first, at most `limit`.
pub fn newest_published(conn: &mut Conn, limit: i64) -> Result<Vec<MethodologyRow>> {
    Ok(on!(conn, |c| {
        methodologies::table
            .filter(methodologies::state.eq("published"))
            .order((methodologies::published_at.desc(), methodologies::id.desc()))
            .select(MethodologyRow::as_select())
            .limit(limit)
            .load(c)
    })?)
}

/// Replaces the document of a draft that still has `version`; `false` where it moved on or is published.
pub fn update_draft(conn: &mut Conn, row: &MethodologyRow, version: i64) -> Result<bool> {
    let changed = on!(conn, |c| {
        diesel::update(methodologies::table.filter(
            methodologies::id.eq(row.id).and(methodologies::version.eq(version)).and(methodologies::state.eq("draft")),
        ))
        .set((
            methodologies::document.eq(&row.document),
            methodologies::digest.eq(&row.digest),
            methodologies::has_draft_texts.eq(row.has_draft_texts),
            methodologies::version.eq(version.saturating_add(1)),
        ))
        .execute(c)
    })?;
    Ok(changed == 1)
}

/// Publishes a draft that still has `version`; `false` where it moved on.
pub fn publish(conn: &mut Conn, id: MethodologyId, version: i64, now: NaiveDateTime) -> Result<bool> {
    let changed = on!(conn, |c| {
        diesel::update(methodologies::table.filter(
            methodologies::id.eq(id).and(methodologies::version.eq(version)).and(methodologies::state.eq("draft")),
        ))
        .set((
            methodologies::state.eq("published"),
            methodologies::published_at.eq(now),
            methodologies::version.eq(version.saturating_add(1)),
        ))
        .execute(c)
    })?;
    Ok(changed == 1)
}
