//! Acts that need two persons. A newcomer's usual mistake is to confirm an id: what the second person confirms is the
//! digest of the act, so that nothing can change between the asking and the doing.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::approvals;
use crate::db::Conn;
use crate::domain::ids::{AccountId, ApprovalId};
use crate::error::Result;
use crate::on;

/// An act that waits for its second person, or had it.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = approvals, treat_none_as_default_value = false)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// What is to be done, by its `verb_noun`.
    pub act: String,
    /// The thing it is done to.
    pub object_id: String,
    /// SHA-256, in hex, over the act, the thing, its version or digest, and the parameters.
    pub digest: String,
    /// The act's parameters as canonical JSON.
    pub parameters: String,
    /// Why, in the first person's words.
    pub reason: Option<String>,
    /// The first person.
    pub requested_by: AccountId,
    /// When it was asked for.
    pub requested_at: NaiveDateTime,
    /// When it lapses.
    pub expires_at: NaiveDateTime,
    /// The second person, once done.
    pub confirmed_by: Option<AccountId>,
    /// When it was done.
    pub confirmed_at: Option<NaiveDateTime>,
}

/// Adds a request.
pub fn insert(conn: &mut Conn, approval: &Approval) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(approvals::table).values(approval).execute(c) })?;
    Ok(())
}

/// The request with this id.
pub fn find(conn: &mut Conn, id: ApprovalId) -> Result<Option<Approval>> {
    Ok(on!(conn, |c| { approvals::table.find(id).select(Approval::as_select()).first(c).optional() })?)
}

/// Requests by id, after `after`, at most `limit`.
pub fn list(conn: &mut Conn, after: Option<ApprovalId>, limit: i64) -> Result<Vec<Approval>> {
    Ok(on!(conn, |c| {
        let mut query = approvals::table.select(Approval::as_select()).order(approvals::id).limit(limit).into_boxed();
        if let Some(after) = after {
            query = query.filter(approvals::id.gt(after));
        }
        query.load(c)
    })?)
}

/// Notes the second person and the time, once.
pub fn confirm(conn: &mut Conn, id: ApprovalId, by: AccountId, now: NaiveDateTime) -> Result<bool> {
    let changed = on!(conn, |c| {
        diesel::update(approvals::table.filter(approvals::id.eq(id).and(approvals::confirmed_by.is_null())))
            .set((approvals::confirmed_by.eq(by), approvals::confirmed_at.eq(now)))
            .execute(c)
    })?;
    Ok(changed == 1)
}
