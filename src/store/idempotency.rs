//! Answers kept under an Idempotency-Key for 24 hours, in the transaction of the act they answer: a repeat gets the same
//! answer, and neither can exist without the other.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::idempotency_keys;
use crate::db::Conn;
use crate::error::Result;
use crate::on;

/// A kept answer.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_keys, treat_none_as_default_value = false)]
pub struct KeptAnswer {
    /// Who asked: the id of an account or of a machine client.
    pub caller_id: String,
    /// Which operation, by its operation id.
    pub operation: String,
    /// The key the caller chose.
    pub key: String,
    /// SHA-256 over the path and body of the request.
    pub request_digest: Vec<u8>,
    /// The answer's status.
    pub status: i32,
    /// The answer's `Location`.
    pub location: Option<String>,
    /// The answer's version, its `ETag`.
    pub version: Option<i64>,
    /// The answer's JSON.
    pub body: String,
    /// When it was given.
    pub created_at: NaiveDateTime,
}

/// The answer kept for this caller, operation and key, if it is younger than `since`.
pub fn find(
    conn: &mut Conn,
    caller_id: &str,
    operation: &str,
    key: &str,
    since: NaiveDateTime,
) -> Result<Option<KeptAnswer>> {
    Ok(on!(conn, |c| {
        idempotency_keys::table
            .find((caller_id, operation, key))
            .filter(idempotency_keys::created_at.gt(since))
            .select(KeptAnswer::as_select())
            .first(c)
            .optional()
    })?)
}

/// Keeps an answer, in place of an expired one of the same key, and drops what expired before `before`.
pub fn save(conn: &mut Conn, answer: &KeptAnswer, before: NaiveDateTime) -> Result<()> {
    on!(conn, |c| {
        diesel::delete(idempotency_keys::table.filter(idempotency_keys::created_at.le(before))).execute(c)?;
        diesel::insert_into(idempotency_keys::table).values(answer).execute(c)
    })?;
    Ok(())
}
