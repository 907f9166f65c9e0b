//! Log-ins and their refresh tokens. A replaced token stays known, so that its reuse is seen and ends the whole log-in.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::accounts::Account;
use super::schema::{accounts, refresh_tokens, sessions};
use crate::db::Conn;
use crate::domain::ids::{AccountId, SessionId};
use crate::error::Result;
use crate::on;

/// A log-in.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub account_id: AccountId,
    /// When it began.
    pub created_at: NaiveDateTime,
    /// When a token of it was last issued.
    pub used_at: NaiveDateTime,
    /// When it ends whatever happens.
    pub expires_at: NaiveDateTime,
    /// When it was ended by its owner, by closure of the account or by reuse of a refresh token.
    pub revoked_at: Option<NaiveDateTime>,
}

/// Adds a log-in.
pub fn insert(conn: &mut Conn, session: &Session) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(sessions::table).values(session).execute(c) })?;
    Ok(())
}

/// A log-in with its account.
pub fn find_with_account(conn: &mut Conn, id: SessionId) -> Result<Option<(Session, Account)>> {
    Ok(on!(conn, |c| {
        sessions::table
            .inner_join(accounts::table.on(accounts::id.eq(sessions::account_id)))
            .filter(sessions::id.eq(id))
            .select((Session::as_select(), Account::as_select()))
            .first(c)
            .optional()
    })?)
}

/// Notes that a token was issued now.
pub fn touch(conn: &mut Conn, id: SessionId, now: NaiveDateTime) -> Result<()> {
    on!(conn, |c| { diesel::update(sessions::table.find(id)).set(sessions::used_at.eq(now)).execute(c) })?;
    Ok(())
}

/// Ends one log-in; `false` for one that was ended before, which keeps its time.
pub fn revoke(conn: &mut Conn, id: SessionId, now: NaiveDateTime) -> Result<bool> {
    let changed = on!(conn, |c| {
        diesel::update(sessions::table.filter(sessions::id.eq(id).and(sessions::revoked_at.is_null())))
            .set(sessions::revoked_at.eq(now))
            .execute(c)
    })?;
    Ok(changed == 1)
}

/// Ends all log-ins of an account but `except`.
pub fn revoke_all(conn: &mut Conn, account: AccountId, except: Option<SessionId>, now: NaiveDateTime) -> Result<()> {
    on!(conn, |c| {
        diesel::update(
            sessions::table.filter(
                sessions::account_id
                    .eq(account)
                    .and(sessions::revoked_at.is_null())
                    .and(sessions::id.ne_all(except.iter().copied().collect::<Vec<_>>())),
            ),
        )
        .set(sessions::revoked_at.eq(now))
        .execute(c)
    })?;
    Ok(())
}

/// Adds a refresh token by its hash.
pub fn insert_refresh_token(conn: &mut Conn, token_hash: &[u8], session: SessionId) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(refresh_tokens::table)
            .values((
                refresh_tokens::token_hash.eq(token_hash),
                refresh_tokens::session_id.eq(session),
                refresh_tokens::is_replaced.eq(false),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// The log-in of a refresh token and whether the token was replaced before.
pub fn find_refresh_token(conn: &mut Conn, token_hash: &[u8]) -> Result<Option<(SessionId, bool)>> {
    Ok(on!(conn, |c| {
        refresh_tokens::table
            .find(token_hash)
            .select((refresh_tokens::session_id, refresh_tokens::is_replaced))
            .first(c)
            .optional()
    })?)
}

/// Marks a refresh token as replaced.
pub fn replace_refresh_token(conn: &mut Conn, token_hash: &[u8]) -> Result<()> {
    on!(conn, |c| {
        diesel::update(refresh_tokens::table.find(token_hash)).set(refresh_tokens::is_replaced.eq(true)).execute(c)
    })?;
    Ok(())
}

/// Removes log-ins that ended before `before`, with their tokens.
pub fn sweep(conn: &mut Conn, before: NaiveDateTime) -> Result<()> {
    on!(conn, |c| {
        let ended = sessions::table.filter(sessions::expires_at.lt(before)).select(sessions::id);
        diesel::delete(refresh_tokens::table.filter(refresh_tokens::session_id.eq_any(ended))).execute(c)?;
        diesel::delete(sessions::table.filter(sessions::expires_at.lt(before))).execute(c)
    })?;
    Ok(())
}
