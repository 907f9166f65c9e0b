//! How people are written to: the language that they chose, and their address of e-mail, which is sealed here. A newcomer's
//! usual mistake is to compare addresses in SQL: nothing is ever looked up by one.

use diesel::prelude::*;

use super::schema::{accounts, contacts};
use crate::db::Conn;
use crate::domain::ids::{AccountId, JudgeId};
use crate::domain::notices::NoticeLanguage;
use crate::error::Result;
use crate::on;

/// How somebody is written to.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = contacts, primary_key(account_id), treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Contact {
    /// Whose.
    pub account_id: AccountId,
    /// In which language.
    pub language: NoticeLanguage,
    /// The address of e-mail, encrypted with the account as context; none where there is none.
    pub sealed_email: Option<Vec<u8>>,
    /// Grows by one with each change.
    pub version: i64,
}

/// The contact of an account; none where the person has said nothing.
pub fn find(conn: &mut Conn, account: AccountId) -> Result<Option<Contact>> {
    Ok(on!(conn, |c| { contacts::table.find(account).select(Contact::as_select()).first(c).optional() })?)
}

/// Adds or replaces the contact of an account.
pub fn put(conn: &mut Conn, contact: &Contact) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(contacts::table)
            .values(contact)
            .on_conflict(contacts::account_id)
            .do_update()
            .set(contact)
            .execute(c)
    })?;
    Ok(())
}

/// Somebody who can be written to.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// The account.
    pub account_id: AccountId,
    /// In which language, where the person chose one.
    pub language: Option<NoticeLanguage>,
    /// Whether an address of e-mail is on record.
    pub has_email: bool,
}

/// The accounts in use of these judges, by account; of a thousand judges at most.
pub fn of_judges(conn: &mut Conn, judges: &[JudgeId]) -> Result<Vec<Recipient>> {
    type Row = (AccountId, Option<NoticeLanguage>, Option<Vec<u8>>);
    let rows: Vec<Row> = on!(conn, |c| {
        accounts::table
            .left_join(contacts::table.on(contacts::account_id.eq(accounts::id)))
            .filter(accounts::judge_id.assume_not_null().eq_any(judges).and(accounts::is_closed.eq(false)))
            .order(accounts::id)
            .select((accounts::id, contacts::language.nullable(), contacts::sealed_email.nullable()))
            .load(c)
    })?;
    let recipient = |(account_id, language, email): Row| Recipient { account_id, language, has_email: email.is_some() };
    Ok(rows.into_iter().map(recipient).collect())
}
