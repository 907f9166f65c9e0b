//! Notices and their deliveries. A newcomer's usual mistake is to note when somebody read one: near the sending of a review
//! that would be a clock, so nothing here is written when a notice is read.

use chrono::NaiveDateTime;
use diesel::dsl::{count_star, max};
use diesel::prelude::*;

use super::schema::{accounts, contacts, notice_deliveries, notices};
use crate::db::Conn;
use crate::domain::ids::{AccountId, CycleId, JudgeId, NoticeId};
use crate::domain::notices::{Channel, DeliveryState, MailFault, NoticeKind, NoticeLanguage};
use crate::error::Result;
use crate::on;

/// A notice to one person.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = notices, treat_none_as_default_value = false)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// What it is about.
    pub kind: NoticeKind,
    /// To whom.
    pub account_id: AccountId,
    /// In which language.
    pub language: NoticeLanguage,
    /// The cycle that it is about, if any.
    pub cycle_id: Option<CycleId>,
    /// Its title as it was worded.
    pub title: String,
    /// Its text as it was worded, a paragraph a line.
    pub body: String,
    /// Whether it is shown to the person in the service.
    pub is_shown: bool,
    /// When it was given.
    pub created_at: NaiveDateTime,
}

/// One way by which a notice reaches its person.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = notice_deliveries, treat_none_as_default_value = false)]
pub struct Delivery {
    /// The notice.
    pub notice_id: NoticeId,
    /// The way.
    pub channel: Channel,
    /// How it stands.
    pub state: DeliveryState,
    /// How often a mail was tried.
    pub attempt_count: i32,
    /// When it is tried next.
    pub next_attempt_at: Option<NaiveDateTime>,
    /// Why the last attempt failed.
    pub error: Option<MailFault>,
    /// When it was done.
    pub delivered_at: Option<NaiveDateTime>,
    /// Who of the staff handed it over.
    pub delivered_by: Option<AccountId>,
}

/// Rows of one multi-row insert; SQLite takes 32,766 values in a statement.
const ROWS_AT_ONCE: usize = 1000;

/// Adds notices with their deliveries.
pub fn insert(conn: &mut Conn, rows: &[Notice], deliveries: &[Delivery]) -> Result<()> {
    for some in rows.chunks(ROWS_AT_ONCE) {
        on!(conn, |c| { diesel::insert_into(notices::table).values(some).execute(c) })?;
    }
    for some in deliveries.chunks(ROWS_AT_ONCE) {
        on!(conn, |c| { diesel::insert_into(notice_deliveries::table).values(some).execute(c) })?;
    }
    Ok(())
}

/// The notice with this id.
pub fn find(conn: &mut Conn, id: NoticeId) -> Result<Option<Notice>> {
    Ok(on!(conn, |c| { notices::table.find(id).select(Notice::as_select()).first(c).optional() })?)
}

/// A notice with the judge that it is for; none where the account is no judge's.
pub type Addressed = (Notice, Option<JudgeId>);

/// All notices by id, after `after`, at most `limit`; of one cycle where one is given.
pub fn list(conn: &mut Conn, cycle: Option<CycleId>, after: Option<NoticeId>, limit: i64) -> Result<Vec<Addressed>> {
    Ok(on!(conn, |c| {
        let mut query = notices::table
            .inner_join(accounts::table.on(accounts::id.eq(notices::account_id)))
            .select((Notice::as_select(), accounts::judge_id))
            .order(notices::id)
            .limit(limit)
            .into_boxed();
        if let Some(cycle) = cycle {
            query = query.filter(notices::cycle_id.eq(cycle));
        }
        if let Some(after) = after {
            query = query.filter(notices::id.gt(after));
        }
        query.load(c)
    })?)
}

/// When the last notice of a kind was given of a cycle.
pub fn latest(conn: &mut Conn, cycle: CycleId, kind: NoticeKind) -> Result<Option<NaiveDateTime>> {
    Ok(on!(conn, |c| {
        notices::table
            .filter(notices::cycle_id.eq(cycle).and(notices::kind.eq(kind)))
            .select(max(notices::created_at))
            .get_result(c)
    })?)
}

/// What an account is shown, by id, after `after`, at most `limit`.
pub fn shown_to(conn: &mut Conn, account: AccountId, after: Option<NoticeId>, limit: i64) -> Result<Vec<Notice>> {
    Ok(on!(conn, |c| {
        let mut query = notices::table
            .filter(notices::account_id.eq(account).and(notices::is_shown))
            .select(Notice::as_select())
            .order(notices::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(notices::id.gt(after));
        }
        query.load(c)
    })?)
}

/// The deliveries of some notices, by notice and way.
pub fn deliveries(conn: &mut Conn, of: &[NoticeId]) -> Result<Vec<Delivery>> {
    Ok(on!(conn, |c| {
        notice_deliveries::table
            .filter(notice_deliveries::notice_id.eq_any(of))
            .order((notice_deliveries::notice_id, notice_deliveries::channel))
            .select(Delivery::as_select())
            .load(c)
    })?)
}

/// Adds a delivery, or replaces the one by the same way.
pub fn put_delivery(conn: &mut Conn, delivery: &Delivery) -> Result<()> {
    let of_way =
        notice_deliveries::notice_id.eq(delivery.notice_id).and(notice_deliveries::channel.eq(delivery.channel));
    on!(conn, |c| {
        diesel::delete(notice_deliveries::table.filter(of_way)).execute(c)?;
        diesel::insert_into(notice_deliveries::table).values(delivery).execute(c)
    })?;
    Ok(())
}

/// A mail that is to be sent now.
#[derive(Debug, Clone)]
pub struct WaitingMail {
    /// Its notice.
    pub notice: Notice,
    /// The delivery.
    pub delivery: Delivery,
    /// The address, sealed; none where it was taken back.
    pub sealed_email: Option<Vec<u8>>,
}

/// The mails whose turn has come, those that wait longest first, at most `limit`.
pub fn mails_due(conn: &mut Conn, now: NaiveDateTime, limit: i64) -> Result<Vec<WaitingMail>> {
    let rows: Vec<(Notice, Delivery, Option<Vec<u8>>)> = on!(conn, |c| {
        notice_deliveries::table
            .inner_join(notices::table.on(notices::id.eq(notice_deliveries::notice_id)))
            .left_join(contacts::table.on(contacts::account_id.eq(notices::account_id)))
            .filter(notice_deliveries::channel.eq(Channel::Email))
            .filter(notice_deliveries::state.eq(DeliveryState::Pending))
            .filter(notice_deliveries::next_attempt_at.le(now))
            .order((notice_deliveries::next_attempt_at, notice_deliveries::notice_id))
            .select((Notice::as_select(), Delivery::as_select(), contacts::sealed_email.nullable()))
            .limit(limit)
            .load(c)
    })?;
    Ok(rows
        .into_iter()
        .map(|(notice, delivery, sealed_email)| WaitingMail { notice, delivery, sealed_email })
        .collect())
}

/// Takes a mail that waits, so that until then it is nobody else's turn; whether it stood as it was read.
pub fn take_mail(conn: &mut Conn, waiting: &Delivery, until: NaiveDateTime) -> Result<bool> {
    let as_read = notice_deliveries::notice_id
        .eq(waiting.notice_id)
        .and(notice_deliveries::channel.eq(waiting.channel))
        .and(notice_deliveries::state.eq(DeliveryState::Pending))
        .and(notice_deliveries::next_attempt_at.eq(waiting.next_attempt_at));
    let taken = on!(conn, |c| {
        diesel::update(notice_deliveries::table.filter(as_read))
            .set(notice_deliveries::next_attempt_at.eq(until))
            .execute(c)
    })?;
    Ok(taken == 1)
}

/// How many deliveries by each way wait or were given up.
pub fn count_unfinished(conn: &mut Conn) -> Result<Vec<(Channel, DeliveryState, i64)>> {
    Ok(on!(conn, |c| {
        notice_deliveries::table
            .filter(notice_deliveries::state.ne(DeliveryState::Delivered))
            .group_by((notice_deliveries::channel, notice_deliveries::state))
            .order((notice_deliveries::channel, notice_deliveries::state))
            .select((notice_deliveries::channel, notice_deliveries::state, count_star()))
            .load(c)
    })?)
}
