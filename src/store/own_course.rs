//! What the clocks of evaluations on their own course are counted from, for many of them at once. A newcomer's usual mistake
//! is to ask for one evaluation after the other: the dashboard looks at all of them, so each question here is asked once for
//! a page.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::evaluations::Evaluation;
use super::methodologies::MethodologyRow;
use super::proceedings::EvaluationMove;
use super::schema::{cycle_moves, cycles, decisions, evaluation_moves, evaluations, methodologies, reports, responses};
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::deciding::DecisionStatus;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{CycleId, EvaluationId, MethodologyId};
use crate::error::Result;
use crate::on;

/// The phases of a cycle whose evaluations go their own way; a revocation leads back out of a closed one.
const COUNTED: [Phase; 2] = [Phase::Reporting, Phase::Closed];

/// How many evaluations that nobody has cancelled stand in each state between the count and their end.
pub fn count(conn: &mut Conn) -> Result<Vec<(EvaluationState, i64)>> {
    Ok(on!(conn, |c| {
        evaluations::table
            .inner_join(cycles::table.on(cycles::id.eq(evaluations::cycle_id)))
            .filter(cycles::phase.eq_any(COUNTED))
            .filter(evaluations::state.eq_any(EvaluationState::OWN_COURSE))
            .group_by(evaluations::state)
            .order(evaluations::state)
            .select((evaluations::state, diesel::dsl::count_star()))
            .load(c)
    })?)
}

/// Those evaluations themselves by id, after `after`, at most `limit`.
pub fn list(conn: &mut Conn, after: Option<EvaluationId>, limit: i64) -> Result<Vec<Evaluation>> {
    Ok(on!(conn, |c| {
        evaluations::table
            .inner_join(cycles::table.on(cycles::id.eq(evaluations::cycle_id)))
            .filter(cycles::phase.eq_any(COUNTED))
            .filter(evaluations::state.eq_any(EvaluationState::OWN_COURSE))
            .filter(evaluations::id.gt(after.unwrap_or(EvaluationId(uuid::Uuid::nil()))))
            .order(evaluations::id)
            .select(Evaluation::as_select())
            .limit(limit)
            .load(c)
    })?)
}

/// The instants (UTC) at which these cycles last began to report, as far as they have.
pub fn reporting_since(conn: &mut Conn, cycles: &[CycleId]) -> Result<Vec<(CycleId, NaiveDateTime)>> {
    Ok(on!(conn, |c| {
        cycle_moves::table
            .filter(cycle_moves::cycle_id.eq_any(cycles).and(cycle_moves::to_phase.eq(Phase::Reporting)))
            .group_by(cycle_moves::cycle_id)
            .order(cycle_moves::cycle_id)
            .select((cycle_moves::cycle_id, diesel::dsl::max(cycle_moves::moved_at).assume_not_null()))
            .load(c)
    })?)
}

/// By which methodology each of these cycles goes.
pub fn methodologies_of(conn: &mut Conn, of: &[CycleId]) -> Result<Vec<(CycleId, MethodologyId)>> {
    Ok(on!(conn, |c| {
        cycles::table
            .filter(cycles::id.eq_any(of))
            .order(cycles::id)
            .select((cycles::id, cycles::methodology_id))
            .load(c)
    })?)
}

/// The methodologies with these ids, by id; a handful.
pub fn methodologies(conn: &mut Conn, ids: &[MethodologyId]) -> Result<Vec<MethodologyRow>> {
    Ok(on!(conn, |c| {
        methodologies::table
            .filter(methodologies::id.eq_any(ids))
            .order(methodologies::id)
            .select(MethodologyRow::as_select())
            .load(c)
    })?)
}

/// The moves of these evaluations, those of each in their order.
pub fn moves(conn: &mut Conn, ids: &[EvaluationId]) -> Result<Vec<EvaluationMove>> {
    Ok(on!(conn, |c| {
        evaluation_moves::table
            .filter(evaluation_moves::evaluation_id.eq_any(ids))
            .order((evaluation_moves::evaluation_id, evaluation_moves::version))
            .select(EvaluationMove::as_select())
            .load(c)
    })?)
}

/// Whether each answer of a judge to a report of these evaluations asks for a hearing; those of an evaluation in the order
/// of the reports.
pub fn hearings_wanted(conn: &mut Conn, ids: &[EvaluationId]) -> Result<Vec<(EvaluationId, bool)>> {
    Ok(on!(conn, |c| {
        responses::table
            .inner_join(reports::table.on(reports::id.eq(responses::report_id)))
            .filter(responses::evaluation_id.eq_any(ids))
            .order((responses::evaluation_id, reports::number))
            .select((responses::evaluation_id, responses::wants_hearing))
            .load(c)
    })?)
}

/// On which days decisions of the commission that stand were served; those of an evaluation in their order.
pub fn served_on(conn: &mut Conn, ids: &[EvaluationId]) -> Result<Vec<(EvaluationId, NaiveDate)>> {
    let is_standing = decisions::status.eq(DecisionStatus::Adopted).and(decisions::appeal_id.is_null());
    Ok(on!(conn, |c| {
        decisions::table
            .filter(decisions::evaluation_id.eq_any(ids).and(is_standing))
            .filter(decisions::served_on.is_not_null())
            .order((decisions::evaluation_id, decisions::number))
            .select((decisions::evaluation_id, decisions::served_on.assume_not_null()))
            .load(c)
    })?)
}
