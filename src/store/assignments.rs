//! Assignments: who reviews whom. They name reviewers, which is identified and fine; no state "submitted" exists.

use diesel::prelude::*;

use super::cycles::Cycle;
use super::evaluations::Evaluation;
use super::schema::{assignments, cycles, evaluations, external_ids, judges};
use crate::coded;
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::ids::{AssignmentId, CycleId, EvaluationId, JudgeId};
use crate::error::Result;
use crate::on;

coded! {
    /// Where an assignment stands.
    AssignmentState {
        /// Next in drawn order when somebody leaves.
        Reserve = "reserve",
        /// Drawn; the credential is not collected yet.
        Drawn = "drawn",
        /// Left the panel; what was collected before is void.
        Recused = "recused",
        /// The credential was collected.
        Issued = "issued",
    }
}

/// One reviewer for one subject.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = assignments, treat_none_as_default_value = false)]
pub struct Assignment {
    /// Its id.
    pub id: AssignmentId,
    /// The subject's evaluation.
    pub evaluation_id: EvaluationId,
    /// The reviewer.
    pub judge_id: JudgeId,
    /// The place in drawn order, from 0; the reserve follows the panel.
    pub drawn_order: i32,
    /// Where it stands.
    pub state: AssignmentState,
    /// Why the reviewer left, if so: `no_contact` or `conflict`.
    pub recusal_reason: Option<String>,
    /// The round of collection that it is for.
    pub round: i32,
}

/// Rows of one multi-row insert, and values of one list; SQLite takes 32,766 values in a statement.
const ROWS_AT_ONCE: usize = 1000;

/// Adds assignments.
pub fn insert_all(conn: &mut Conn, rows: &[Assignment]) -> Result<()> {
    for some in rows.chunks(ROWS_AT_ONCE) {
        on!(conn, |c| { diesel::insert_into(assignments::table).values(some).execute(c) })?;
    }
    Ok(())
}

/// All assignments of a cycle's round, by evaluation and drawn order; a few tens of thousands at most.
pub fn of_round(conn: &mut Conn, cycle: CycleId, round: i32) -> Result<Vec<Assignment>> {
    Ok(on!(conn, |c| {
        assignments::table
            .inner_join(evaluations::table.on(evaluations::id.eq(assignments::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle).and(assignments::round.eq(round)))
            .order((assignments::evaluation_id, assignments::drawn_order))
            .select(Assignment::as_select())
            .load(c)
    })?)
}

/// Whoever was ever drawn for the subjects of a cycle, as (evaluation, judge, place in drawn order).
pub fn drawn_of_cycle(conn: &mut Conn, cycle: CycleId) -> Result<Vec<(EvaluationId, JudgeId, i32)>> {
    Ok(on!(conn, |c| {
        assignments::table
            .inner_join(evaluations::table.on(evaluations::id.eq(assignments::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle))
            .select((assignments::evaluation_id, assignments::judge_id, assignments::drawn_order))
            .load(c)
    })?)
}

/// Deletes the reserve of these subjects, which nobody needs any more; the draw's record keeps it.
pub fn delete_reserve(conn: &mut Conn, of: &[EvaluationId]) -> Result<()> {
    on!(conn, |c| {
        let reserve = assignments::state.eq(AssignmentState::Reserve);
        diesel::delete(assignments::table.filter(assignments::evaluation_id.eq_any(of).and(reserve))).execute(c)
    })?;
    Ok(())
}

/// Whether somebody in this state is of the panel: drawn and not left.
pub fn is_of_panel(state: AssignmentState) -> bool {
    match state {
        AssignmentState::Drawn | AssignmentState::Issued => true,
        AssignmentState::Reserve | AssignmentState::Recused => false,
    }
}

/// A reviewer's assignment with what it is for.
#[derive(Debug, Clone)]
pub struct Duty {
    /// The assignment.
    pub assignment: Assignment,
    /// The subject's evaluation.
    pub evaluation: Evaluation,
    /// Its cycle.
    pub cycle: Cycle,
    /// The subject's names: Kazakh, Russian, English.
    pub subject_names: (String, String, Option<String>),
}

type DutyRow = (Assignment, Evaluation, Cycle, (String, String, Option<String>));

/// A judge's assignments, those left included and the reserve not, in rounds that are drawn and not sealed, by id; a
/// reviewer has a handful, since the methodology caps the load of a year.
pub fn duties_of(conn: &mut Conn, judge: JudgeId) -> Result<Vec<Duty>> {
    let open = [Phase::Drawn, Phase::Issuance, Phase::Submission];
    let rows: Vec<DutyRow> = on!(conn, |c| {
        assignments::table
            .inner_join(evaluations::table.on(evaluations::id.eq(assignments::evaluation_id)))
            .inner_join(cycles::table.on(cycles::id.eq(evaluations::cycle_id)))
            .inner_join(judges::table.on(judges::id.eq(evaluations::judge_id)))
            .filter(assignments::judge_id.eq(judge).and(assignments::state.ne(AssignmentState::Reserve)))
            .filter(cycles::phase.eq_any(open).and(cycles::round.eq(assignments::round)))
            .filter(evaluations::state.ne(crate::domain::evaluation::EvaluationState::Cancelled))
            .order(assignments::id)
            .select((
                Assignment::as_select(),
                Evaluation::as_select(),
                Cycle::as_select(),
                (judges::full_name_kk, judges::full_name_ru, judges::full_name_en),
            ))
            .load(c)
    })?;
    Ok(rows
        .into_iter()
        .map(|(assignment, evaluation, cycle, subject_names)| Duty { assignment, evaluation, cycle, subject_names })
        .collect())
}

/// The assignment with this id.
pub fn find(conn: &mut Conn, id: AssignmentId) -> Result<Option<Assignment>> {
    Ok(on!(conn, |c| { assignments::table.find(id).select(Assignment::as_select()).first(c).optional() })?)
}

/// Moves an assignment from one state to another, with the reason where it is left; `false` where it is in
/// another one.
pub fn set_state(
    conn: &mut Conn,
    id: AssignmentId,
    from: AssignmentState,
    to: AssignmentState,
    reason: Option<&str>,
) -> Result<bool> {
    let changed = on!(conn, |c| {
        diesel::update(assignments::table.filter(assignments::id.eq(id).and(assignments::state.eq(from))))
            .set((assignments::state.eq(to), assignments::recusal_reason.eq(reason)))
            .execute(c)
    })?;
    Ok(changed == 1)
}

/// Sets everybody of a subject's panel in a round who collected back to `drawn`: what they hold is void.
pub fn reopen(conn: &mut Conn, evaluation: EvaluationId, round: i32) -> Result<()> {
    let (issued, drawn) = (AssignmentState::Issued, AssignmentState::Drawn);
    on!(conn, |c| {
        diesel::update(
            assignments::table
                .filter(assignments::evaluation_id.eq(evaluation).and(assignments::round.eq(round)))
                .filter(assignments::state.eq(issued)),
        )
        .set(assignments::state.eq(drawn))
        .execute(c)
    })?;
    Ok(())
}

/// The keys by which a draw's record names the subjects and reviewers of a cycle: the first external id by source
/// system, or the judge's own id where there is none.
pub fn record_keys(conn: &mut Conn, cycle: CycleId) -> Result<Vec<(JudgeId, String)>> {
    let (reviewers, subjects): (Vec<JudgeId>, Vec<JudgeId>) = on!(conn, |c| {
        let reviewers = assignments::table
            .inner_join(evaluations::table.on(evaluations::id.eq(assignments::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle))
            .select(assignments::judge_id)
            .distinct()
            .load(c)?;
        let subjects =
            evaluations::table.filter(evaluations::cycle_id.eq(cycle)).select(evaluations::judge_id).load(c)?;
        Ok::<_, diesel::result::Error>((reviewers, subjects))
    })?;
    let judges: std::collections::BTreeSet<JudgeId> = reviewers.into_iter().chain(subjects).collect();
    let judges: Vec<JudgeId> = judges.into_iter().collect();
    let mut named: Vec<(JudgeId, String, String)> = Vec::new();
    for some in judges.chunks(ROWS_AT_ONCE) {
        named.extend(on!(conn, |c| {
            external_ids::table
                .filter(external_ids::object_type.eq("judge"))
                .filter(external_ids::object_id.eq_any(some))
                .order((external_ids::object_id, external_ids::source_system.desc(), external_ids::value.desc()))
                .select((external_ids::object_id, external_ids::source_system, external_ids::value))
                .load::<(JudgeId, String, String)>(c)
        })?);
    }
    // In descending order the first source system comes last, and the last one given to a map stays.
    let named: std::collections::BTreeMap<JudgeId, String> =
        named.into_iter().map(|(judge, system, value)| (judge, super::pools::draw_key(&system, &value))).collect();
    Ok(judges
        .into_iter()
        .map(|judge| (judge, named.get(&judge).cloned().unwrap_or_else(|| judge.to_string())))
        .collect())
}
