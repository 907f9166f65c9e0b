//! Requests that a member step back, and who may not act in an evaluation any more. A newcomer's usual mistake is to look for
//! reviewers here: a reviewer leaves a panel by the assignment, and nothing of that is told to the judge.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::proceedings::ROWS_MAX;
use super::schema::{barred_members, recusal_requests};
use crate::coded;
use crate::db::Conn;
use crate::domain::ids::{AccountId, EvaluationId, RecusalRequestId};
use crate::error::{Code, OnUnique, Result};
use crate::on;

coded! {
    /// Where a request stands.
    RecusalStatus {
        /// Nobody has decided it.
        Open = "open",
        /// The member has left the evaluation.
        Accepted = "accepted",
        /// The member stays.
        Rejected = "rejected",
    }
}

coded! {
    /// Why somebody may not act in an evaluation any more.
    BarCause {
        /// A request that the member step back was accepted, or the member did so alone.
        Recused = "recused",
        /// The member had part in a decision that was sent back.
        HadPart = "had_part",
    }
}

/// A judge's request that a member step back.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = recusal_requests, treat_none_as_default_value = false)]
pub struct RecusalRequest {
    /// Its id.
    pub id: RecusalRequestId,
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// The member.
    pub account_id: AccountId,
    /// The judge's reasons.
    pub ground: String,
    /// Where it stands.
    pub status: RecusalStatus,
    /// The reasons of the decision.
    pub reason: Option<String>,
    /// When it was filed.
    pub filed_at: NaiveDateTime,
    /// Who decided it.
    pub decided_by: Option<AccountId>,
    /// When.
    pub decided_at: Option<NaiveDateTime>,
}

/// Adds a request; 409 `already_exists` where this member was asked to step back before.
pub fn insert(conn: &mut Conn, request: &RecusalRequest) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(recusal_requests::table).values(request).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The request with this id.
pub fn find(conn: &mut Conn, id: RecusalRequestId) -> Result<Option<RecusalRequest>> {
    Ok(on!(conn, |c| { recusal_requests::table.find(id).select(RecusalRequest::as_select()).first(c).optional() })?)
}

/// The requests of an evaluation, in their order.
pub fn of_evaluation(conn: &mut Conn, id: EvaluationId) -> Result<Vec<RecusalRequest>> {
    Ok(on!(conn, |c| {
        recusal_requests::table
            .filter(recusal_requests::evaluation_id.eq(id))
            .order(recusal_requests::id)
            .select(RecusalRequest::as_select())
            .limit(ROWS_MAX)
            .load(c)
    })?)
}

/// Decides an open request; whether it was open.
pub fn decide(
    conn: &mut Conn,
    id: RecusalRequestId,
    status: RecusalStatus,
    reason: &str,
    (by, at): (AccountId, NaiveDateTime),
) -> Result<bool> {
    let open = recusal_requests::table
        .filter(recusal_requests::id.eq(id).and(recusal_requests::status.eq(RecusalStatus::Open)));
    let decided = on!(conn, |c| {
        diesel::update(open)
            .set((
                recusal_requests::status.eq(status),
                recusal_requests::reason.eq(reason),
                recusal_requests::decided_by.eq(by),
                recusal_requests::decided_at.eq(at),
            ))
            .execute(c)
    })?;
    Ok(decided == 1)
}

/// Keeps a member from acting in an evaluation ever again; nothing happens where that is so.
pub fn bar(conn: &mut Conn, id: EvaluationId, account: AccountId, cause: BarCause, reason: Option<&str>) -> Result<()> {
    if is_barred(conn, id, account)? {
        return Ok(());
    }
    let row = (
        barred_members::evaluation_id.eq(id),
        barred_members::account_id.eq(account),
        barred_members::cause.eq(cause),
        barred_members::reason.eq(reason),
    );
    on!(conn, |c| { diesel::insert_into(barred_members::table).values(row).execute(c) })?;
    Ok(())
}

/// Whether somebody may not act in an evaluation any more.
pub fn is_barred(conn: &mut Conn, id: EvaluationId, account: AccountId) -> Result<bool> {
    Ok(on!(conn, |c| {
        let found = barred_members::table.find((id, account)).select(barred_members::account_id);
        diesel::select(diesel::dsl::exists(found)).get_result(c)
    })?)
}

/// How many requests nobody has decided.
pub fn count_open(conn: &mut Conn) -> Result<i64> {
    let open = recusal_requests::status.eq(RecusalStatus::Open);
    Ok(on!(conn, |c| { recusal_requests::table.filter(open).count().get_result(c) })?)
}
