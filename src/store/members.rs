//! The members of the commission and of its appeal panel to whom an evaluation is assigned. A newcomer's usual mistake is
//! to look for reviewers here: who reviews is drawn and lies in `assignments`; these people read, draft and vote.

use diesel::prelude::*;

use super::schema::{accounts, cycles, evaluation_members, evaluations};
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{AccountId, EvaluationId, JudgeId};
use crate::domain::policy::StaffRole;
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// So many people an evaluation is assigned to at most, of the commission and the appeal panel together.
pub const MEMBERS_MAX: i64 = 60;

/// One person to whom an evaluation is assigned.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = evaluation_members, treat_none_as_default_value = false)]
pub struct EvaluationMember {
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// The member's account.
    pub account_id: AccountId,
    /// Whether this member drafts the report; one member of an evaluation at most.
    pub is_rapporteur: bool,
}

/// Assigns an evaluation; 409 `already_exists` where this member has it, or where it has a rapporteur and this is one.
pub fn insert(conn: &mut Conn, member: &EvaluationMember) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(evaluation_members::table).values(member).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// Takes an evaluation from a member; `false` where it was not assigned.
pub fn delete(conn: &mut Conn, evaluation: EvaluationId, account: AccountId) -> Result<bool> {
    Ok(on!(conn, |c| { diesel::delete(evaluation_members::table.find((evaluation, account))).execute(c) })? == 1)
}

/// The members of an evaluation with the judges they are, if any, by account, after `after`, at most `limit`.
pub fn list(
    conn: &mut Conn,
    evaluation: EvaluationId,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<(EvaluationMember, Option<JudgeId>)>> {
    Ok(on!(conn, |c| {
        let mut query = evaluation_members::table
            .inner_join(accounts::table.on(accounts::id.eq(evaluation_members::account_id)))
            .filter(evaluation_members::evaluation_id.eq(evaluation))
            .select((EvaluationMember::as_select(), accounts::judge_id))
            .order(evaluation_members::account_id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(evaluation_members::account_id.gt(after));
        }
        query.load(c)
    })?)
}

/// Whether an evaluation is assigned to an account.
pub fn is_assigned(conn: &mut Conn, evaluation: EvaluationId, account: AccountId) -> Result<bool> {
    Ok(on!(conn, |c| {
        let found = evaluation_members::table.find((evaluation, account)).select(evaluation_members::account_id);
        diesel::select(diesel::dsl::exists(found)).get_result(c)
    })?)
}

/// Whether an evaluation of this judge that is still under way is assigned to an account.
pub fn is_under_way(conn: &mut Conn, judge: JudgeId, account: AccountId) -> Result<bool> {
    Ok(on!(conn, |c| {
        let found = evaluation_members::table
            .inner_join(evaluations::table.on(evaluations::id.eq(evaluation_members::evaluation_id)))
            .inner_join(cycles::table.on(cycles::id.eq(evaluations::cycle_id)))
            .filter(evaluation_members::account_id.eq(account).and(evaluations::judge_id.eq(judge)))
            .filter(evaluations::state.ne(EvaluationState::Cancelled))
            .filter(cycles::phase.ne_all([Phase::Closed, Phase::Cancelled]))
            .select(evaluation_members::account_id);
        diesel::select(diesel::dsl::exists(found)).get_result(c)
    })?)
}

/// The members of one role to whom an evaluation is assigned and whose account is open, each with the judge they are, if any;
/// a panel has thirty members at most.
pub fn of_role(
    conn: &mut Conn,
    evaluation: EvaluationId,
    role: StaffRole,
) -> Result<Vec<(AccountId, Option<JudgeId>)>> {
    Ok(on!(conn, |c| {
        evaluation_members::table
            .inner_join(accounts::table.on(accounts::id.eq(evaluation_members::account_id)))
            .filter(evaluation_members::evaluation_id.eq(evaluation))
            .filter(accounts::staff_role.eq(role).and(accounts::is_closed.eq(false)))
            .order(evaluation_members::account_id)
            .select((evaluation_members::account_id, accounts::judge_id))
            .limit(MEMBERS_MAX)
            .load(c)
    })?)
}

/// The assignment of an evaluation to an account.
pub fn find(conn: &mut Conn, evaluation: EvaluationId, account: AccountId) -> Result<Option<EvaluationMember>> {
    Ok(on!(conn, |c| {
        evaluation_members::table.find((evaluation, account)).select(EvaluationMember::as_select()).first(c).optional()
    })?)
}

/// To how many people an evaluation is assigned.
pub fn count(conn: &mut Conn, evaluation: EvaluationId) -> Result<i64> {
    let assigned = evaluation_members::evaluation_id.eq(evaluation);
    Ok(on!(conn, |c| { evaluation_members::table.filter(assigned).count().get_result(c) })?)
}
