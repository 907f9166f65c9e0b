//! Evaluations: one judge's passage through one cycle.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::schema::evaluations;
use crate::db::Conn;
use crate::domain::cycle::EvaluationKind;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{CycleId, EvaluationId, JudgeId};
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// An evaluation.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = evaluations, treat_none_as_default_value = false)]
pub struct Evaluation {
    /// Its id.
    pub id: EvaluationId,
    /// The cycle it is part of.
    pub cycle_id: CycleId,
    /// The subject.
    pub judge_id: JudgeId,
    /// Why the judge is evaluated.
    pub kind: EvaluationKind,
    /// The instrument that reviewers fill in.
    pub instrument_id: String,
    /// Where it stands.
    pub state: EvaluationState,
    /// The box's name for the subject, 16 random bytes, made with the manifest.
    pub subject_ref: Option<Vec<u8>>,
    /// Grows by one with each change.
    pub version: i64,
    /// The last round in which reviews are collected for the subject, from 1.
    pub last_round: i32,
    /// The day on which it became final.
    pub final_on: Option<NaiveDate>,
}

/// Adds an evaluation; 409 `already_exists` where the cycle has one of this judge, or an active one of the kind is on
/// record.
pub fn insert(conn: &mut Conn, evaluation: &Evaluation) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(evaluations::table).values(evaluation).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The evaluation with this id.
pub fn find(conn: &mut Conn, id: EvaluationId) -> Result<Option<Evaluation>> {
    Ok(on!(conn, |c| { evaluations::table.find(id).select(Evaluation::as_select()).first(c).optional() })?)
}

/// The cycle in which a judge has an active evaluation of a kind: one neither final nor cancelled.
pub fn active_cycle(conn: &mut Conn, judge: JudgeId, kind: EvaluationKind) -> Result<Option<CycleId>> {
    Ok(on!(conn, |c| {
        evaluations::table
            .filter(evaluations::judge_id.eq(judge).and(evaluations::kind.eq(kind)))
            .filter(evaluations::state.ne_all(EvaluationState::ENDED))
            .select(evaluations::cycle_id)
            .first(c)
            .optional()
    })?)
}

/// The cycles in which a judge has an active evaluation of any kind; a handful at most.
pub fn active_cycles(conn: &mut Conn, judge: JudgeId) -> Result<Vec<CycleId>> {
    Ok(on!(conn, |c| {
        evaluations::table
            .filter(evaluations::judge_id.eq(judge))
            .filter(evaluations::state.ne_all(EvaluationState::ENDED))
            .order(evaluations::id)
            .select(evaluations::cycle_id)
            .load(c)
    })?)
}

/// Of some judges, whose evaluations are neither final nor cancelled; a judge with several stands there several times.
pub fn under_way_of(conn: &mut Conn, judges: &[JudgeId]) -> Result<Vec<JudgeId>> {
    Ok(on!(conn, |c| {
        evaluations::table
            .filter(evaluations::judge_id.eq_any(judges))
            .filter(evaluations::state.ne_all(EvaluationState::ENDED))
            .select(evaluations::judge_id)
            .load(c)
    })?)
}

/// The evaluations of a cycle by id, after `after`, at most `limit`; those in one state where it is given.
pub fn list(
    conn: &mut Conn,
    cycle: CycleId,
    state: Option<EvaluationState>,
    after: Option<EvaluationId>,
    limit: i64,
) -> Result<Vec<Evaluation>> {
    Ok(on!(conn, |c| {
        let mut query = evaluations::table
            .filter(evaluations::cycle_id.eq(cycle))
            .select(Evaluation::as_select())
            .order(evaluations::id)
            .limit(limit)
            .into_boxed();
        if let Some(state) = state {
            query = query.filter(evaluations::state.eq(state));
        }
        if let Some(after) = after {
            query = query.filter(evaluations::id.gt(after));
        }
        query.load(c)
    })?)
}

/// All evaluations of a cycle that are not cancelled, by id; a cycle holds a few thousand at most.
pub fn of_cycle(conn: &mut Conn, cycle: CycleId) -> Result<Vec<Evaluation>> {
    Ok(on!(conn, |c| {
        evaluations::table
            .filter(evaluations::cycle_id.eq(cycle).and(evaluations::state.ne(EvaluationState::Cancelled)))
            .select(Evaluation::as_select())
            .order(evaluations::id)
            .load(c)
    })?)
}

/// The evaluations for which reviews are collected in this round of a cycle, without those that are cancelled, by id.
pub fn of_round(conn: &mut Conn, cycle: CycleId, round: i32) -> Result<Vec<Evaluation>> {
    let mut all = of_cycle(conn, cycle)?;
    all.retain(|evaluation| evaluation.last_round == round);
    Ok(all)
}

/// Moves all evaluations of a cycle that are not cancelled to `state`.
pub fn set_state_of_cycle(conn: &mut Conn, cycle: CycleId, state: EvaluationState) -> Result<()> {
    on!(conn, |c| {
        diesel::update(
            evaluations::table
                .filter(evaluations::cycle_id.eq(cycle).and(evaluations::state.ne(EvaluationState::Cancelled))),
        )
        .set((evaluations::state.eq(state), evaluations::version.eq(evaluations::version + 1)))
        .execute(c)
    })?;
    Ok(())
}

/// Makes `round` the last one in which reviews are collected for these subjects.
pub fn set_last_round(conn: &mut Conn, ids: &[EvaluationId], round: i32) -> Result<()> {
    on!(conn, |c| {
        diesel::update(evaluations::table.filter(evaluations::id.eq_any(ids)))
            .set((evaluations::last_round.eq(round), evaluations::version.eq(evaluations::version + 1)))
            .execute(c)
    })?;
    Ok(())
}

/// Gives a subject the name by which the box knows it, once.
pub fn set_subject_ref(conn: &mut Conn, id: EvaluationId, subject_ref: &[u8]) -> Result<()> {
    on!(conn, |c| {
        diesel::update(evaluations::table.find(id))
            .set((evaluations::subject_ref.eq(subject_ref), evaluations::version.eq(evaluations::version + 1)))
            .execute(c)
    })?;
    Ok(())
}

/// Makes an evaluation final on a day, or takes that back.
pub fn set_final(conn: &mut Conn, id: EvaluationId, on: Option<NaiveDate>) -> Result<()> {
    on!(conn, |c| { diesel::update(evaluations::table.find(id)).set(evaluations::final_on.eq(on)).execute(c) })?;
    Ok(())
}

/// Moves one evaluation to `state`, where it is in another one.
pub fn set_state(conn: &mut Conn, id: EvaluationId, state: EvaluationState) -> Result<()> {
    on!(conn, |c| {
        diesel::update(evaluations::table.filter(evaluations::id.eq(id).and(evaluations::state.ne(state))))
            .set((evaluations::state.eq(state), evaluations::version.eq(evaluations::version + 1)))
            .execute(c)
    })?;
    Ok(())
}

/// Whether a judge is evaluated in a cycle.
pub fn is_subject(conn: &mut Conn, cycle: CycleId, judge: JudgeId) -> Result<bool> {
    Ok(on!(conn, |c| {
        let own = evaluations::table.filter(evaluations::cycle_id.eq(cycle).and(evaluations::judge_id.eq(judge)));
        diesel::select(diesel::dsl::exists(own.select(evaluations::id))).get_result::<bool>(c)
    })?)
}

/// Whether a judge takes part in a cycle, as subject or as reviewer.
pub fn is_part(conn: &mut Conn, cycle: CycleId, judge: JudgeId) -> Result<bool> {
    use super::assignments::AssignmentState;
    use super::schema::assignments;
    if is_subject(conn, cycle, judge)? {
        return Ok(true);
    }
    Ok(on!(conn, |c| {
        let reviewers = assignments::table
            .inner_join(evaluations::table.on(evaluations::id.eq(assignments::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle).and(assignments::judge_id.eq(judge)))
            .filter(assignments::state.eq_any([AssignmentState::Drawn, AssignmentState::Issued]))
            .select(assignments::id);
        diesel::select(diesel::dsl::exists(reviewers)).get_result::<bool>(c)
    })?)
}

/// Moves one evaluation to `state`, even where it is in it, from the version that was read; whether it was that still.
pub fn move_to(conn: &mut Conn, evaluation: &Evaluation, state: EvaluationState) -> Result<bool> {
    let as_read = evaluations::id.eq(evaluation.id).and(evaluations::version.eq(evaluation.version));
    let moved = on!(conn, |c| {
        diesel::update(evaluations::table.filter(as_read))
            .set((evaluations::state.eq(state), evaluations::version.eq(evaluations::version + 1)))
            .execute(c)
    })?;
    Ok(moved == 1)
}
