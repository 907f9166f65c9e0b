//! Extracts and the keys that sign them. What a newcomer would get wrong: an extract is never changed. There is one way to write
//! to it after it was issued, the revocation, and it takes effect once.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::schema::{extract_keys, extracts};
use crate::db::Conn;
use crate::domain::extracts::{ExtractPurpose, Revocation};
use crate::domain::ids::{AccountId, ClientId, ExtractId, JudgeId};
use crate::error::Result;
use crate::on;

/// A key that signs extracts.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = extract_keys)]
pub struct ExtractKey {
    /// Its name.
    pub id: String,
    /// The Ed25519 public key, 32 bytes.
    pub public_key: Vec<u8>,
    /// The private key, encrypted.
    pub wrapped_private_key: Vec<u8>,
    /// The first instant at which it signs; a newer key takes over from it.
    pub signs_from: NaiveDateTime,
}

/// An extract.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = extracts, treat_none_as_default_value = false)]
pub struct Extract {
    /// Its id.
    pub id: ExtractId,
    /// Of whose file.
    pub judge_id: JudgeId,
    /// What it is for.
    pub purpose: ExtractPurpose,
    /// For whom, by name.
    pub recipient: String,
    /// The system that may fetch it, if one may.
    pub recipient_client_id: Option<ClientId>,
    /// What was signed: canonical JSON.
    pub facts: String,
    /// SHA-256 of the facts, base64url.
    pub digest: String,
    /// The key that signed.
    pub key_id: String,
    /// The signature, base64url.
    pub signature: String,
    /// Who issued it.
    pub issued_by: AccountId,
    /// When.
    pub issued_at: NaiveDateTime,
    /// The last day on which it is good.
    pub expires_on: NaiveDate,
    /// When it was revoked.
    pub revoked_at: Option<NaiveDateTime>,
    /// Who revoked it.
    pub revoked_by: Option<AccountId>,
    /// Why, by a code.
    pub revocation: Option<Revocation>,
    /// Why, in words.
    pub explanation: Option<String>,
}

/// A revocation.
#[derive(Debug, Clone)]
pub struct Revoked<'a> {
    /// Who.
    pub by: AccountId,
    /// When.
    pub at: NaiveDateTime,
    /// Why.
    pub revocation: Revocation,
    /// Why, in words.
    pub explanation: &'a str,
}

/// Adds a key.
pub fn insert_key(conn: &mut Conn, key: &ExtractKey) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(extract_keys::table).values(key).execute(c) })?;
    Ok(())
}

/// All keys, oldest first; one a year, so there are a handful.
pub fn keys(conn: &mut Conn) -> Result<Vec<ExtractKey>> {
    Ok(on!(conn, |c| {
        extract_keys::table
            .order((extract_keys::signs_from, extract_keys::id))
            .select(ExtractKey::as_select())
            .limit(1000)
            .load(c)
    })?)
}

/// Adds an extract.
pub fn insert(conn: &mut Conn, extract: &Extract) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(extracts::table).values(extract).execute(c) })?;
    Ok(())
}

/// The extract with this id.
pub fn find(conn: &mut Conn, id: ExtractId) -> Result<Option<Extract>> {
    Ok(on!(conn, |c| { extracts::table.find(id).select(Extract::as_select()).first(c).optional() })?)
}

/// The extract whose facts have this digest.
pub fn find_by_digest(conn: &mut Conn, digest: &str) -> Result<Option<Extract>> {
    Ok(on!(conn, |c| {
        extracts::table.filter(extracts::digest.eq(digest)).select(Extract::as_select()).first(c).optional()
    })?)
}

/// The extracts of a judge, newest first, those issued before `before` where one is given.
pub fn list(conn: &mut Conn, judge: JudgeId, before: Option<ExtractId>, limit: i64) -> Result<Vec<Extract>> {
    Ok(on!(conn, |c| {
        let mut query = extracts::table
            .filter(extracts::judge_id.eq(judge))
            .select(Extract::as_select())
            .order(extracts::id.desc())
            .limit(limit)
            .into_boxed();
        if let Some(before) = before {
            query = query.filter(extracts::id.lt(before));
        }
        query.load(c)
    })?)
}

/// Revokes an extract; false where it was revoked before.
pub fn revoke(conn: &mut Conn, id: ExtractId, revoked: &Revoked<'_>) -> Result<bool> {
    let count = on!(conn, |c| {
        diesel::update(extracts::table.filter(extracts::id.eq(id).and(extracts::revoked_at.is_null())))
            .set((
                extracts::revoked_at.eq(revoked.at),
                extracts::revoked_by.eq(revoked.by),
                extracts::revocation.eq(revoked.revocation),
                extracts::explanation.eq(revoked.explanation),
            ))
            .execute(c)
    })?;
    Ok(count == 1)
}
