//! What stays of a sealed round in the registry: the digest of its results, accepted counts, auditors' statements. A
//! newcomer's usual mistake is to update a statement; an auditor who erred says so to the other one, not to the table.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{accepted_counts, evaluations, recount_statements, sealed_rounds};
use crate::coded;
use crate::db::Conn;
use crate::domain::ids::{AccountId, CycleId, EvaluationId};
use crate::error::{Code, OnUnique, Result};
use crate::on;

coded! {
    /// How a recount ended.
    RecountOutcome {
        /// Everything was found as it should be.
        Equal = "equal",
        /// Something was not.
        Mismatch = "mismatch",
    }
}

/// What is known of a sealed round as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = sealed_rounds, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct SealedRound {
    /// The cycle.
    pub cycle_id: CycleId,
    /// SHA-256 of the canonical results, in hex; none until they are computed.
    pub result_digest: Option<String>,
    /// How many promises of the box are proven broken.
    pub complaint_count: i32,
}

/// What an auditor states after a recount.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = recount_statements)]
pub struct RecountStatement {
    /// The cycle.
    pub cycle_id: CycleId,
    /// The auditor.
    pub account_id: AccountId,
    /// SHA-256, in hex, of the results that were recounted.
    pub result_digest: String,
    /// How it ended.
    pub outcome: RecountOutcome,
    /// When it was stated.
    pub stated_at: NaiveDateTime,
}

/// How many reviews the box accepted for a subject.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = accepted_counts)]
pub struct AcceptedCount {
    /// The subject's evaluation.
    pub evaluation_id: EvaluationId,
    /// How many.
    pub accepted_count: i32,
}

/// What is known of a cycle's round.
pub fn find_round(conn: &mut Conn, cycle: CycleId) -> Result<Option<SealedRound>> {
    Ok(on!(conn, |c| { sealed_rounds::table.find(cycle).select(SealedRound::as_select()).first(c).optional() })?)
}

/// Puts what is known of a round in place of what was known.
pub fn put_round(conn: &mut Conn, round: &SealedRound) -> Result<()> {
    let changed = on!(conn, |c| { diesel::update(sealed_rounds::table.find(round.cycle_id)).set(round).execute(c) })?;
    if changed == 0 {
        on!(conn, |c| { diesel::insert_into(sealed_rounds::table).values(round).execute(c) })?;
    }
    Ok(())
}

/// Puts an accepted count in place of an earlier one of the same evaluation.
pub fn put_accepted(conn: &mut Conn, row: &AcceptedCount) -> Result<()> {
    on!(conn, |c| {
        diesel::delete(accepted_counts::table.find(row.evaluation_id)).execute(c)?;
        diesel::insert_into(accepted_counts::table).values(row).execute(c)
    })?;
    Ok(())
}

/// The accepted counts of a cycle, by evaluation, after `after`, at most `limit`.
pub fn list_accepted(
    conn: &mut Conn,
    cycle: CycleId,
    after: Option<EvaluationId>,
    limit: i64,
) -> Result<Vec<AcceptedCount>> {
    Ok(on!(conn, |c| {
        let mut query = accepted_counts::table
            .inner_join(evaluations::table.on(evaluations::id.eq(accepted_counts::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle))
            .select(AcceptedCount::as_select())
            .order(accepted_counts::evaluation_id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(accepted_counts::evaluation_id.gt(after));
        }
        query.load(c)
    })?)
}

/// Records a statement; 409 `already_exists` where the auditor has made one about this cycle.
pub fn insert(conn: &mut Conn, statement: &RecountStatement) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(recount_statements::table).values(statement).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The statements about a cycle, by auditor, after `after`, at most `limit`.
pub fn list(conn: &mut Conn, cycle: CycleId, after: Option<AccountId>, limit: i64) -> Result<Vec<RecountStatement>> {
    Ok(on!(conn, |c| {
        let mut query = recount_statements::table
            .filter(recount_statements::cycle_id.eq(cycle))
            .select(RecountStatement::as_select())
            .order(recount_statements::account_id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(recount_statements::account_id.gt(after));
        }
        query.load(c)
    })?)
}

/// How many auditors found a cycle's results of this digest equal.
pub fn count_equal(conn: &mut Conn, cycle: CycleId, result_digest: &str) -> Result<i64> {
    Ok(on!(conn, |c| {
        recount_statements::table
            .filter(recount_statements::cycle_id.eq(cycle))
            .filter(recount_statements::result_digest.eq(result_digest))
            .filter(recount_statements::outcome.eq(RecountOutcome::Equal))
            .count()
            .get_result(c)
    })?)
}
