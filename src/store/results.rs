//! Results as they may be published, one for each evaluation. A newcomer's usual mistake is to store more: exact figures
//! stay in the sealed bundle.

use diesel::prelude::*;

use super::evaluations::EvaluationState;
use super::schema::{evaluations, results};
use crate::coded;
use crate::db::Conn;
use crate::domain::ids::{CycleId, EvaluationId, JudgeId};
use crate::domain::scoring::Status;
use crate::domain::scoring::gate::Release;
use crate::error::Result;
use crate::on;

coded! {
    /// What a result may be used for.
    ResultStatus {
        /// It may ground a decision.
        Ok = "ok",
        /// One word, which grounds no decision.
        Indicative = "indicative",
        /// Too few reviews: nothing is shown.
        Insufficient = "insufficient",
    }
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = results)]
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

/// Puts a result in place of an earlier one of the same evaluation.
pub fn put(conn: &mut Conn, row: &ResultRow) -> Result<()> {
    on!(conn, |c| {
        diesel::delete(results::table.find(row.evaluation_id)).execute(c)?;
        diesel::insert_into(results::table).values(row).execute(c)
    })?;
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

/// The evaluations of a cycle whose result may not ground a decision, without those that are cancelled, by id.
pub fn short_of_cycle(conn: &mut Conn, cycle: CycleId) -> Result<Vec<EvaluationId>> {
    Ok(on!(conn, |c| {
        results::table
            .inner_join(evaluations::table.on(evaluations::id.eq(results::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle).and(evaluations::state.ne(EvaluationState::Cancelled)))
            .filter(results::status.ne(ResultStatus::Ok))
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
