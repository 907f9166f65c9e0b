//! What stays of a sealed round in the registry: the digest of its results, accepted counts, auditors' statements. A
//! newcomer's usual mistake is to update a statement; an auditor who erred says so to the other one, not to the table.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::results::ROWS_AT_ONCE;
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
    /// The round.
    pub round: i32,
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
    /// The last round of those that the results are of.
    pub round: i32,
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
#[derive(Debug, Clone, PartialEq, Eq, Insertable)]
#[diesel(table_name = accepted_counts, treat_none_as_default_value = false)]
pub struct AcceptedCount {
    /// The subject's evaluation.
    pub evaluation_id: EvaluationId,
    /// In which round.
    pub round: i32,
    /// How many.
    pub accepted_count: i32,
}

/// What is known of a cycle's round.
pub fn find_round(conn: &mut Conn, cycle: CycleId, round: i32) -> Result<Option<SealedRound>> {
    Ok(on!(conn, |c| {
        sealed_rounds::table.find((cycle, round)).select(SealedRound::as_select()).first(c).optional()
    })?)
}

/// Puts what is known of a round in place of what was known.
pub fn put_round(conn: &mut Conn, round: &SealedRound) -> Result<()> {
    let known = sealed_rounds::table.find((round.cycle_id, round.round));
    let changed = on!(conn, |c| { diesel::update(known).set(round).execute(c) })?;
    if changed == 0 {
        on!(conn, |c| { diesel::insert_into(sealed_rounds::table).values(round).execute(c) })?;
    }
    Ok(())
}

/// Puts the accepted counts of a round in place of earlier ones of the same evaluations.
pub fn put_accepted(conn: &mut Conn, round: i32, rows: &[AcceptedCount]) -> Result<()> {
    for some in rows.chunks(ROWS_AT_ONCE) {
        let ids = some.iter().map(|row| row.evaluation_id);
        on!(conn, |c| {
            let of_round = accepted_counts::round.eq(round);
            diesel::delete(accepted_counts::table.filter(of_round.and(accepted_counts::evaluation_id.eq_any(ids))))
                .execute(c)?;
            diesel::insert_into(accepted_counts::table).values(some).execute(c)
        })?;
    }
    Ok(())
}

/// The accepted counts of a cycle, those of all rounds together, by evaluation, after `after`, at most `limit`;
/// without the subjects of a round that is hidden.
pub fn list_accepted(
    conn: &mut Conn,
    cycle: CycleId,
    hidden_round: Option<i32>,
    after: Option<EvaluationId>,
    limit: i64,
) -> Result<Vec<(EvaluationId, i64)>> {
    let after = after.unwrap_or(EvaluationId(uuid::Uuid::nil()));
    let rows: Vec<(EvaluationId, Option<i64>)> = on!(conn, |c| {
        accepted_counts::table
            .inner_join(evaluations::table.on(evaluations::id.eq(accepted_counts::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle).and(accepted_counts::evaluation_id.gt(after)))
            .filter(evaluations::last_round.ne(hidden_round.unwrap_or_default()))
            .group_by(accepted_counts::evaluation_id)
            .select((accepted_counts::evaluation_id, diesel::dsl::sum(accepted_counts::accepted_count)))
            .order(accepted_counts::evaluation_id)
            .limit(limit)
            .load(c)
    })?;
    Ok(rows.into_iter().map(|(evaluation, count)| (evaluation, count.unwrap_or(0))).collect())
}

/// Records a statement; 409 `already_exists` where the auditor has made one about these results.
pub fn insert(conn: &mut Conn, statement: &RecountStatement) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(recount_statements::table).values(statement).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The statements about a cycle, by round, auditor and digest, after `after`, at most `limit`.
pub fn list(
    conn: &mut Conn,
    cycle: CycleId,
    after: Option<&(i32, AccountId, String)>,
    limit: i64,
) -> Result<Vec<RecountStatement>> {
    use recount_statements::{account_id, result_digest, round};
    Ok(on!(conn, |c| {
        let mut query = recount_statements::table
            .filter(recount_statements::cycle_id.eq(cycle))
            .select(RecountStatement::as_select())
            .order((round, account_id, result_digest))
            .limit(limit)
            .into_boxed();
        if let Some((in_round, by, of)) = after {
            let is_later = account_id.gt(by).or(account_id.eq(by).and(result_digest.gt(of)));
            query = query.filter(round.gt(in_round).or(round.eq(in_round).and(is_later)));
        }
        query.load(c)
    })?)
}

/// How many auditors found the results of this digest equal, which a cycle has after a round.
pub fn count_equal(conn: &mut Conn, cycle: CycleId, round: i32, result_digest: &str) -> Result<i64> {
    Ok(on!(conn, |c| {
        recount_statements::table
            .filter(recount_statements::cycle_id.eq(cycle).and(recount_statements::round.eq(round)))
            .filter(recount_statements::result_digest.eq(result_digest))
            .filter(recount_statements::outcome.eq(RecountOutcome::Equal))
            .count()
            .get_result(c)
    })?)
}

/// How the recounts of a cycle ended that were stated at an instant or later.
pub fn stated_since(conn: &mut Conn, cycle: CycleId, since: NaiveDateTime) -> Result<Vec<RecountOutcome>> {
    Ok(on!(conn, |c| {
        recount_statements::table
            .filter(recount_statements::cycle_id.eq(cycle).and(recount_statements::stated_at.ge(since)))
            .order((recount_statements::round, recount_statements::account_id))
            .select(recount_statements::outcome)
            .limit(100)
            .load(c)
    })?)
}
