//! Accounts and failed log-ins. A newcomer's usual mistake is to tell unknown names from known ones: attempts are counted
//! by keyed hash of whatever name was given.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{accounts, login_attempts};
use crate::db::Conn;
use crate::domain::ids::{AccountId, JudgeId};
use crate::domain::policy::StaffRole;
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// An account.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, Identifiable)]
#[diesel(table_name = accounts, treat_none_as_default_value = false)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The name it logs in with, in lower case.
    pub login: String,
    /// The Argon2id hash of its password, in PHC form.
    pub password_hash: String,
    /// Its staff role, if any.
    pub staff_role: Option<StaffRole>,
    /// The judge it belongs to, if any.
    pub judge_id: Option<JudgeId>,
    /// Closed accounts cannot log in and are never deleted: the audit log names them.
    pub is_closed: bool,
    /// Grows by one with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: NaiveDateTime,
    /// Whose it is; of a judge's account, the judge's name stands for it.
    pub full_name: Option<String>,
}

/// Adds an account; 409 `already_exists` where the login or the judge has one.
pub fn insert(conn: &mut Conn, account: &Account) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(accounts::table).values(account).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The account with this id.
pub fn find(conn: &mut Conn, id: AccountId) -> Result<Option<Account>> {
    Ok(on!(conn, |c| { accounts::table.find(id).select(Account::as_select()).first(c).optional() })?)
}

/// The account with this login, which is given in lower case.
pub fn find_by_login(conn: &mut Conn, login: &str) -> Result<Option<Account>> {
    Ok(on!(conn, |c| {
        accounts::table.filter(accounts::login.eq(login)).select(Account::as_select()).first(c).optional()
    })?)
}

/// Whether any account exists; before the first one, nobody can log in.
pub fn is_any(conn: &mut Conn) -> Result<bool> {
    Ok(on!(conn, |c| { diesel::select(diesel::dsl::exists(accounts::table.select(accounts::id))).get_result(c) })?)
}

/// Accounts by id, after `after`, at most `limit`.
pub fn list(conn: &mut Conn, after: Option<AccountId>, limit: i64) -> Result<Vec<Account>> {
    Ok(on!(conn, |c| {
        let mut query = accounts::table.select(Account::as_select()).order(accounts::id).limit(limit).into_boxed();
        if let Some(after) = after {
            query = query.filter(accounts::id.gt(after));
        }
        query.load(c)
    })?)
}

/// Sets role and closure, where the account still has `version`; `false` where it has moved on.
pub fn update(conn: &mut Conn, account: &Account, version: i64) -> Result<bool> {
    let changed = on!(conn, |c| {
        diesel::update(accounts::table.filter(accounts::id.eq(account.id).and(accounts::version.eq(version))))
            .set((
                accounts::staff_role.eq(account.staff_role),
                accounts::is_closed.eq(account.is_closed),
                accounts::full_name.eq(&account.full_name),
                accounts::version.eq(version.saturating_add(1)),
            ))
            .execute(c)
    })?;
    Ok(changed == 1)
}

/// Sets the password's hash.
pub fn set_password_hash(conn: &mut Conn, id: AccountId, hash: &str) -> Result<()> {
    on!(conn, |c| {
        diesel::update(accounts::table.find(id))
            .set((accounts::password_hash.eq(hash), accounts::version.eq(accounts::version + 1)))
            .execute(c)
    })?;
    Ok(())
}

/// The failures counted for a name and until when it is blocked.
pub fn login_attempts(conn: &mut Conn, login_hash: &[u8]) -> Result<Option<(i32, NaiveDateTime)>> {
    Ok(on!(conn, |c| {
        login_attempts::table
            .find(login_hash)
            .select((login_attempts::failures, login_attempts::blocked_until))
            .first(c)
            .optional()
    })?)
}

/// Counts a failure beforehand: parallel guesses must not all find the door open.
pub fn put_login_attempt(conn: &mut Conn, login_hash: &[u8], failures: i32, until: NaiveDateTime) -> Result<()> {
    clear_login_attempts(conn, login_hash)?;
    on!(conn, |c| {
        diesel::insert_into(login_attempts::table)
            .values((
                login_attempts::login_hash.eq(login_hash),
                login_attempts::failures.eq(failures),
                login_attempts::blocked_until.eq(until),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// Forgets the failures of a name, after a success.
pub fn clear_login_attempts(conn: &mut Conn, login_hash: &[u8]) -> Result<()> {
    on!(conn, |c| { diesel::delete(login_attempts::table.find(login_hash)).execute(c) })?;
    Ok(())
}

/// Forgets failures whose block ended before `before`, so that names made up by callers do not pile up.
pub fn sweep_login_attempts(conn: &mut Conn, before: NaiveDateTime) -> Result<()> {
    on!(conn, |c| {
        diesel::delete(login_attempts::table.filter(login_attempts::blocked_until.lt(before))).execute(c)
    })?;
    Ok(())
}

/// Whether this judge exists.
pub fn is_judge(conn: &mut Conn, id: JudgeId) -> Result<bool> {
    use super::schema::judges;
    Ok(on!(conn, |c| {
        diesel::select(diesel::dsl::exists(judges::table.filter(judges::id.eq(id)).select(judges::id))).get_result(c)
    })?)
}
