//! Keys that sign access tokens: made here, wrapped by the caller's cipher, replaced with overlap.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::token_keys;
use crate::db::Conn;
use crate::error::Result;
use crate::on;

/// A token-signing key.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = token_keys)]
pub struct TokenKey {
    /// The `kid` of tokens signed with it.
    pub id: String,
    /// The Ed25519 public key, 32 bytes.
    pub public_key: Vec<u8>,
    /// The PKCS#8 private key, encrypted.
    pub wrapped_private_key: Vec<u8>,
    /// First instant at which it signs.
    pub signs_from: NaiveDateTime,
    /// Instant from which a newer one signs; tokens stay good until their own end.
    pub signs_until: NaiveDateTime,
}

/// Adds a key.
pub fn insert(conn: &mut Conn, key: &TokenKey) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(token_keys::table).values(key).execute(c) })?;
    Ok(())
}

/// Keys whose tokens may still be good at `since`, oldest first; there are a handful at most.
pub fn list_since(conn: &mut Conn, since: NaiveDateTime) -> Result<Vec<TokenKey>> {
    Ok(on!(conn, |c| {
        token_keys::table
            .filter(token_keys::signs_until.gt(since))
            .order((token_keys::signs_from, token_keys::id))
            .select(TokenKey::as_select())
            .load(c)
    })?)
}
