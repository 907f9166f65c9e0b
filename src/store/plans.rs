//! Yearly plans of evaluations, their entries, and each change of them with its reason. A newcomer's usual mistake is to
//! delete an entry: it is marked as removed, and the change that removed it says why.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::schema::{evaluation_plan_changes, evaluation_plan_entries, evaluation_plans, evaluations};
use crate::coded;
use crate::db::Conn;
use crate::domain::cycle::EvaluationKind;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{
    AccountId, EvaluationId, EvaluationPlanId, EvaluationRequestId, JudgeId, MethodologyId, PlanEntryId,
};
use crate::error::{Code, Error, OnUnique, Result};
use crate::on;

coded! {
    /// Where a plan stands.
    PlanState {
        /// It is being made.
        Draft = "draft",
        /// Two persons approved it; whoever is added or taken out since has a reason that says so.
        Approved = "approved",
    }
}

coded! {
    /// How a judge came into a plan.
    EntryOrigin {
        /// By the rules of the methodology.
        Rule = "rule",
        /// Added by a person, with a reason.
        Added = "added",
    }
}

coded! {
    /// What was done to an entry.
    EntryChange {
        /// It was added.
        Added = "added",
        /// It was taken out.
        Removed = "removed",
    }
}

/// A plan.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = evaluation_plans, treat_none_as_default_value = false)]
pub struct Plan {
    /// Its id.
    pub id: EvaluationPlanId,
    /// The year.
    pub year: i32,
    /// The body that evaluates, by its code.
    pub evaluating_body: String,
    /// The methodology whose rules made it.
    pub methodology_id: MethodologyId,
    /// Where it stands.
    pub state: PlanState,
    /// Who made it.
    pub created_by: AccountId,
    /// When.
    pub created_at: NaiveDateTime,
    /// When it was approved.
    pub approved_at: Option<NaiveDateTime>,
    /// Grows by one with each change, those of its entries included.
    pub version: i64,
}

/// One judge's entry.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = evaluation_plan_entries, treat_none_as_default_value = false)]
pub struct PlanEntry {
    /// Its id.
    pub id: PlanEntryId,
    /// The plan.
    pub plan_id: EvaluationPlanId,
    /// The judge.
    pub judge_id: JudgeId,
    /// Why the judge is evaluated.
    pub kind: EvaluationKind,
    /// How the judge came in.
    pub origin: EntryOrigin,
    /// The request that it serves.
    pub request_id: Option<EvaluationRequestId>,
    /// When it was due as the rule had it; none where a pause had no end, or a person added it.
    pub due_on: Option<NaiveDate>,
    /// Whether it was taken out.
    pub is_removed: bool,
    /// The evaluation that was made of it.
    pub evaluation_id: Option<EvaluationId>,
}

/// A change of an entry.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = evaluation_plan_changes, treat_none_as_default_value = false)]
pub struct PlanChange {
    /// Its id.
    pub id: String,
    /// The entry.
    pub entry_id: PlanEntryId,
    /// What was done.
    pub change: EntryChange,
    /// Whether the plan was approved already.
    pub is_after_approval: bool,
    /// Why.
    pub reason: String,
    /// Who.
    pub account_id: AccountId,
    /// When.
    pub changed_at: NaiveDateTime,
}

/// Rows of one multi-row insert; SQLite takes 32,766 values in a statement.
const ROWS_AT_ONCE: usize = 1000;

/// Adds a plan; 409 `already_exists` where the body has one for the year.
pub fn insert(conn: &mut Conn, plan: &Plan) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(evaluation_plans::table).values(plan).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The plan with this id.
pub fn find(conn: &mut Conn, id: EvaluationPlanId) -> Result<Option<Plan>> {
    Ok(on!(conn, |c| { evaluation_plans::table.find(id).select(Plan::as_select()).first(c).optional() })?)
}

/// Plans by id, after `after`, at most `limit`.
pub fn list(conn: &mut Conn, after: Option<EvaluationPlanId>, limit: i64) -> Result<Vec<Plan>> {
    Ok(on!(conn, |c| {
        let mut query =
            evaluation_plans::table.select(Plan::as_select()).order(evaluation_plans::id).limit(limit).into_boxed();
        if let Some(after) = after {
            query = query.filter(evaluation_plans::id.gt(after));
        }
        query.load(c)
    })?)
}

/// Writes state, day of approval and methodology of a plan whose row still has `plan.version`, which grows by one.
///
/// # Errors
/// 412 `stale` where the row has moved on.
pub fn update(conn: &mut Conn, plan: &mut Plan) -> Result<()> {
    let seen = plan.version;
    plan.version += 1;
    let changed = on!(conn, |c| {
        diesel::update(
            evaluation_plans::table.filter(evaluation_plans::id.eq(plan.id).and(evaluation_plans::version.eq(seen))),
        )
        .set((
            evaluation_plans::state.eq(plan.state),
            evaluation_plans::approved_at.eq(plan.approved_at),
            evaluation_plans::version.eq(plan.version),
        ))
        .execute(c)
    })?;
    if changed == 1 { Ok(()) } else { Err(Code::Stale.into()) }
}

/// Adds entries; 409 `already_exists` where a judge stands in the plan for that kind.
pub fn insert_entries(conn: &mut Conn, entries: &[PlanEntry]) -> Result<()> {
    for some in entries.chunks(ROWS_AT_ONCE) {
        on!(conn, |c| { diesel::insert_into(evaluation_plan_entries::table).values(some).execute(c) })
            .on_unique(Code::AlreadyExists)?;
    }
    Ok(())
}

/// The entry with this id.
pub fn find_entry(conn: &mut Conn, id: PlanEntryId) -> Result<Option<PlanEntry>> {
    Ok(on!(conn, |c| { evaluation_plan_entries::table.find(id).select(PlanEntry::as_select()).first(c).optional() })?)
}

/// The entries of a plan by id, after `after`, at most `limit`: removed ones, too.
pub fn list_entries(
    conn: &mut Conn,
    plan: EvaluationPlanId,
    after: Option<PlanEntryId>,
    limit: i64,
) -> Result<Vec<PlanEntry>> {
    Ok(on!(conn, |c| {
        let mut query = evaluation_plan_entries::table
            .filter(evaluation_plan_entries::plan_id.eq(plan))
            .select(PlanEntry::as_select())
            .order(evaluation_plan_entries::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(evaluation_plan_entries::id.gt(after));
        }
        query.load(c)
    })?)
}

/// All entries of a plan that were not removed, by id; a few thousand at most.
pub fn standing_entries(conn: &mut Conn, plan: EvaluationPlanId) -> Result<Vec<PlanEntry>> {
    Ok(on!(conn, |c| {
        evaluation_plan_entries::table
            .filter(evaluation_plan_entries::plan_id.eq(plan).and(evaluation_plan_entries::is_removed.eq(false)))
            .select(PlanEntry::as_select())
            .order(evaluation_plan_entries::id)
            .load(c)
    })?)
}

/// Marks an entry as taken out.
pub fn remove_entry(conn: &mut Conn, id: PlanEntryId) -> Result<()> {
    on!(conn, |c| {
        diesel::update(evaluation_plan_entries::table.find(id))
            .set(evaluation_plan_entries::is_removed.eq(true))
            .execute(c)
    })?;
    Ok(())
}

/// Names the evaluation that was made of an entry.
pub fn set_evaluation(conn: &mut Conn, id: PlanEntryId, evaluation: EvaluationId) -> Result<()> {
    let changed = on!(conn, |c| {
        diesel::update(evaluation_plan_entries::table.find(id))
            .set(evaluation_plan_entries::evaluation_id.eq(evaluation))
            .execute(c)
    })?;
    if changed == 1 { Ok(()) } else { Err(Error::internal("an entry of a plan vanished")) }
}

/// Adds a change.
pub fn insert_change(conn: &mut Conn, change: &PlanChange) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(evaluation_plan_changes::table).values(change).execute(c) })?;
    Ok(())
}

/// The changes of some entries, in their order.
pub fn changes(conn: &mut Conn, of: &[PlanEntryId]) -> Result<Vec<PlanChange>> {
    Ok(on!(conn, |c| {
        evaluation_plan_changes::table
            .filter(evaluation_plan_changes::entry_id.eq_any(of))
            .order((evaluation_plan_changes::entry_id, evaluation_plan_changes::id))
            .select(PlanChange::as_select())
            .load(c)
    })?)
}

/// How the evaluations that were made of a plan's entries stand.
pub fn evaluation_states(conn: &mut Conn, plan: EvaluationPlanId) -> Result<Vec<(PlanEntryId, EvaluationState)>> {
    Ok(on!(conn, |c| {
        evaluation_plan_entries::table
            .inner_join(evaluations::table.on(evaluation_plan_entries::evaluation_id.eq(evaluations::id.nullable())))
            .filter(evaluation_plan_entries::plan_id.eq(plan))
            .order(evaluation_plan_entries::id)
            .select((evaluation_plan_entries::id, evaluations::state))
            .load(c)
    })?)
}
