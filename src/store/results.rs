//! Results as they may be published, one for each evaluation. A newcomer's usual mistake is to store more: exact figures
//! stay in the sealed bundle.

use diesel::prelude::*;

use super::schema::{evaluations, results};
use crate::coded;
use crate::db::Conn;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{CycleId, EvaluationId, JudgeId};
use crate::domain::scoring::Status;
use crate::domain::scoring::gate::Release;
use crate::error::Result;
use crate::on;

/// Rows of one multi-row insert: a national cycle has a hundred thousand results, and a statement for each would cost more
/// than scoring them. SQLite takes 32,766 values in a statement.
pub(super) const ROWS_AT_ONCE: usize = 1000;

coded! {
    /// What a result may be used for.
    ResultStatus {
        /// It may ground a decision.
        Ok = "ok",
        /// One word, which grounds no decision.
        Indicative = "indicative",
        /// Too few reviews: nothing is shown.
        Insufficient = "insufficient",
        /// Statements alone, by a methodology without numbers: it grounds advice, and nothing that burdens the judge.
        Developmental = "developmental",
    }
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = results, treat_none_as_default_value = false)]
pub struct ResultRow {
    /// The subject's evaluation.
    pub evaluation_id: EvaluationId,
    /// What it may be used for.
    pub status: ResultStatus,
    /// The published image as JSON.
    pub document: String,
    /// The version of formulas and constants.
    pub algorithm_version: String,
    /// SHA-256, in hex, of the envelopes it was computed from.
    pub input_digest: String,
}

impl ResultRow {
    /// The row of what the gate let out.
    pub fn of(evaluation_id: EvaluationId, release: &Release, algorithm_version: &str) -> Result<ResultRow> {
        let status = match release.status() {
            Status::Ok => ResultStatus::Ok,
            Status::Indicative => ResultStatus::Indicative,
            Status::Insufficient => ResultStatus::Insufficient,
            Status::Developmental => ResultStatus::Developmental,
        };
        Ok(ResultRow {
            evaluation_id,
            status,
            document: release.text()?,
            algorithm_version: algorithm_version.to_owned(),
            input_digest: release.reviews().to_owned(),
        })
    }

    /// What the gate let out, read back.
    pub fn release(&self) -> Result<Release> {
        Release::read(&self.document, &self.input_digest)
    }
}

/// Puts results in place of earlier ones of the same evaluations.
pub fn put_all(conn: &mut Conn, rows: &[ResultRow]) -> Result<()> {
    for some in rows.chunks(ROWS_AT_ONCE) {
        let ids = some.iter().map(|row| row.evaluation_id);
        on!(conn, |c| {
            diesel::delete(results::table.filter(results::evaluation_id.eq_any(ids))).execute(c)?;
            diesel::insert_into(results::table).values(some).execute(c)
        })?;
    }
    Ok(())
}

/// The result of an evaluation.
pub fn find(conn: &mut Conn, id: EvaluationId) -> Result<Option<ResultRow>> {
    Ok(on!(conn, |c| { results::table.find(id).select(ResultRow::as_select()).first(c).optional() })?)
}

/// The results of a judge with their cycles, by evaluation; a judge is evaluated a few times in a life.
pub fn of_judge(conn: &mut Conn, judge: JudgeId) -> Result<Vec<(ResultRow, CycleId)>> {
    Ok(on!(conn, |c| {
        results::table
            .inner_join(evaluations::table.on(evaluations::id.eq(results::evaluation_id)))
            .filter(evaluations::judge_id.eq(judge))
            .order(results::evaluation_id)
            .select((ResultRow::as_select(), evaluations::cycle_id))
            .limit(100)
            .load(c)
    })?)
}

/// The evaluations of a cycle that too few reviews are given of, without those that are cancelled, by id.
pub fn short_of_cycle(conn: &mut Conn, cycle: CycleId) -> Result<Vec<EvaluationId>> {
    Ok(on!(conn, |c| {
        results::table
            .inner_join(evaluations::table.on(evaluations::id.eq(results::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle).and(evaluations::state.ne(EvaluationState::Cancelled)))
            .filter(results::status.eq_any([ResultStatus::Indicative, ResultStatus::Insufficient]))
            .order(results::evaluation_id)
            .select(results::evaluation_id)
            .load(c)
    })?)
}

/// Deletes all results of a cycle, before they are computed over another round as well.
pub fn delete_of_cycle(conn: &mut Conn, cycle: CycleId) -> Result<()> {
    on!(conn, |c| {
        let of_cycle = evaluations::table.filter(evaluations::cycle_id.eq(cycle)).select(evaluations::id);
        diesel::delete(results::table.filter(results::evaluation_id.eq_any(of_cycle))).execute(c)
    })?;
    Ok(())
}
