//! What panels are asked to decide and have decided, the votes, and the appeals. A newcomer's usual mistake is to change an
//! adopted decision: the appeal panel's own decision stands beside it, and the first is marked as replaced.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::proceedings::ROWS_MAX;
use super::schema::{appeals, decisions, votes};
use crate::db::Conn;
use crate::domain::deciding::{AppealOutcome, DecisionStatus, Vote};
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{AccountId, AppealId, CycleId, DecisionId, EvaluationId, JudgeId, ReportId};
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// A decision, from the proposal on.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = decisions, treat_none_as_default_value = false)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// Which one, from 1, of the commission and the appeal panel together.
    pub number: i32,
    /// The report that the commission decides after; none on an appeal.
    pub report_id: Option<ReportId>,
    /// The appeal that it is on; none of the commission.
    pub appeal_id: Option<AppealId>,
    /// How the appeal is decided.
    pub appeal_outcome: Option<AppealOutcome>,
    /// The outcome, of the methodology; none where an appeal is decided without a new one.
    pub outcome: Option<String>,
    /// The reasons as JSON.
    pub content: String,
    /// Where it stands.
    pub status: DecisionStatus,
    /// Who proposed it.
    pub proposed_by: AccountId,
    /// When.
    pub proposed_at: NaiveDateTime,
    /// When the vote ended.
    pub settled_at: Option<NaiveDateTime>,
    /// SHA-256 of what was adopted, base64url.
    pub digest: Option<String>,
    /// When it was served on the judge.
    pub served_on: Option<NaiveDate>,
    /// From which day on it is in force.
    pub in_force_on: Option<NaiveDate>,
    /// The last day on which it serves competitions.
    pub valid_until: Option<NaiveDate>,
}

/// Adds a proposal; 409 `already_exists` where one of the evaluation waits for its votes.
pub fn insert(conn: &mut Conn, decision: &Decision) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(decisions::table).values(decision).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The decision with this id.
pub fn find(conn: &mut Conn, id: DecisionId) -> Result<Option<Decision>> {
    Ok(on!(conn, |c| { decisions::table.find(id).select(Decision::as_select()).first(c).optional() })?)
}

/// The decisions of an evaluation, in their order.
pub fn of_evaluation(conn: &mut Conn, id: EvaluationId) -> Result<Vec<Decision>> {
    Ok(on!(conn, |c| {
        decisions::table
            .filter(decisions::evaluation_id.eq(id))
            .order(decisions::number)
            .select(Decision::as_select())
            .limit(ROWS_MAX)
            .load(c)
    })?)
}

/// Ends the vote on a proposal.
pub fn settle(
    conn: &mut Conn,
    id: DecisionId,
    status: DecisionStatus,
    digest: Option<&str>,
    at: NaiveDateTime,
) -> Result<()> {
    on!(conn, |c| {
        diesel::update(decisions::table.find(id))
            .set((decisions::status.eq(status), decisions::digest.eq(digest), decisions::settled_at.eq(at)))
            .execute(c)
    })?;
    Ok(())
}

/// Marks an adopted decision as replaced or revoked.
pub fn set_status(conn: &mut Conn, id: DecisionId, status: DecisionStatus) -> Result<()> {
    on!(conn, |c| { diesel::update(decisions::table.find(id)).set(decisions::status.eq(status)).execute(c) })?;
    Ok(())
}

/// Notes when a decision was served.
pub fn serve(conn: &mut Conn, id: DecisionId, on: NaiveDate) -> Result<()> {
    on!(conn, |c| { diesel::update(decisions::table.find(id)).set(decisions::served_on.eq(on)).execute(c) })?;
    Ok(())
}

/// Puts a decision in force; without a last day it serves nothing but its judge.
pub fn put_in_force(conn: &mut Conn, id: DecisionId, on: NaiveDate, valid_until: Option<NaiveDate>) -> Result<()> {
    on!(conn, |c| {
        diesel::update(decisions::table.find(id))
            .set((decisions::in_force_on.eq(on), decisions::valid_until.eq(valid_until)))
            .execute(c)
    })?;
    Ok(())
}

/// The last decision on a judge that is in force and serves on a day.
pub fn valid_of(conn: &mut Conn, judge: JudgeId, day: NaiveDate) -> Result<Option<Decision>> {
    use super::schema::evaluations;
    Ok(on!(conn, |c| {
        decisions::table
            .inner_join(evaluations::table.on(evaluations::id.eq(decisions::evaluation_id)))
            .filter(evaluations::judge_id.eq(judge).and(evaluations::state.eq(EvaluationState::Final)))
            .filter(decisions::status.eq(DecisionStatus::Adopted).and(decisions::in_force_on.le(day)))
            .filter(decisions::valid_until.ge(day))
            .order((decisions::in_force_on.desc(), decisions::id.desc()))
            .select(Decision::as_select())
            .first(c)
            .optional()
    })?)
}

/// The evaluations whose decision was served before a day and is not in force, by id, after `after`, at most `limit`: those
/// whose time to appeal may be over.
pub fn served_until(
    conn: &mut Conn,
    day: NaiveDate,
    after: Option<EvaluationId>,
    limit: i64,
) -> Result<Vec<EvaluationId>> {
    use super::schema::evaluations;
    Ok(on!(conn, |c| {
        decisions::table
            .inner_join(evaluations::table.on(evaluations::id.eq(decisions::evaluation_id)))
            .filter(evaluations::state.eq(EvaluationState::Served))
            .filter(decisions::status.eq(DecisionStatus::Adopted).and(decisions::appeal_id.is_null()))
            .filter(decisions::served_on.lt(day))
            .filter(evaluations::id.gt(after.unwrap_or(EvaluationId(uuid::Uuid::nil()))))
            .order(evaluations::id)
            .select(evaluations::id)
            .limit(limit)
            .load(c)
    })?)
}

/// One member's vote.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = votes, treat_none_as_default_value = false)]
pub struct CastVote {
    /// On what.
    pub decision_id: DecisionId,
    /// By whom.
    pub account_id: AccountId,
    /// How.
    pub vote: Vote,
    /// Whether the voter is a judge.
    pub is_judge: bool,
    /// Why, of a vote against.
    pub dissent: Option<String>,
    /// When.
    pub voted_at: NaiveDateTime,
}

/// Adds a vote; 409 `already_exists` where the member has voted.
pub fn insert_vote(conn: &mut Conn, vote: &CastVote) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(votes::table).values(vote).execute(c) }).on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The votes on all decisions of an evaluation, by decision and voter.
pub fn votes(conn: &mut Conn, id: EvaluationId) -> Result<Vec<CastVote>> {
    Ok(on!(conn, |c| {
        votes::table
            .inner_join(decisions::table.on(decisions::id.eq(votes::decision_id)))
            .filter(decisions::evaluation_id.eq(id))
            .order((decisions::number, votes::account_id))
            .select(CastVote::as_select())
            .limit(ROWS_MAX * 30)
            .load(c)
    })?)
}

/// An appeal.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = appeals, treat_none_as_default_value = false)]
pub struct Appeal {
    /// Its id.
    pub id: AppealId,
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// The decision appealed against, by its number.
    pub decision_number: i32,
    /// The judge's grounds.
    pub grounds: String,
    /// When it was filed.
    pub filed_at: NaiveDateTime,
    /// When the appeal panel asked for a recount.
    pub recount_asked_at: Option<NaiveDateTime>,
    /// Who asked.
    pub recount_asked_by: Option<AccountId>,
    /// When it was decided.
    pub decided_at: Option<NaiveDateTime>,
}

/// Adds an appeal; 409 `already_exists` where the decision has one.
pub fn insert_appeal(conn: &mut Conn, appeal: &Appeal) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(appeals::table).values(appeal).execute(c) }).on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The appeal with this id.
pub fn find_appeal(conn: &mut Conn, id: AppealId) -> Result<Option<Appeal>> {
    Ok(on!(conn, |c| { appeals::table.find(id).select(Appeal::as_select()).first(c).optional() })?)
}

/// The appeals of an evaluation, in their order.
pub fn appeals(conn: &mut Conn, id: EvaluationId) -> Result<Vec<Appeal>> {
    Ok(on!(conn, |c| {
        appeals::table
            .filter(appeals::evaluation_id.eq(id))
            .order(appeals::decision_number)
            .select(Appeal::as_select())
            .limit(ROWS_MAX)
            .load(c)
    })?)
}

/// Notes that a recount was asked for.
pub fn ask_recount(conn: &mut Conn, id: AppealId, by: AccountId, at: NaiveDateTime) -> Result<()> {
    on!(conn, |c| {
        diesel::update(appeals::table.find(id))
            .set((appeals::recount_asked_at.eq(at), appeals::recount_asked_by.eq(by)))
            .execute(c)
    })?;
    Ok(())
}

/// Whether an appeal against a decision of a cycle waits for a recount, stated or not.
pub fn is_recount_awaited(conn: &mut Conn, cycle: CycleId) -> Result<bool> {
    use super::schema::evaluations;
    let open = appeals::recount_asked_at.is_not_null().and(appeals::decided_at.is_null());
    let of_cycle = appeals::table.inner_join(evaluations::table.on(evaluations::id.eq(appeals::evaluation_id)));
    let awaited = of_cycle.filter(evaluations::cycle_id.eq(cycle).and(open));
    Ok(on!(conn, |c| { diesel::select(diesel::dsl::exists(awaited)).get_result(c) })?)
}

/// The undecided appeals for which a recount was asked, as numbers by cycle.
pub fn count_recounts_asked(conn: &mut Conn) -> Result<Vec<(CycleId, i64)>> {
    use super::schema::evaluations;
    Ok(on!(conn, |c| {
        appeals::table
            .inner_join(evaluations::table.on(evaluations::id.eq(appeals::evaluation_id)))
            .filter(appeals::recount_asked_at.is_not_null().and(appeals::decided_at.is_null()))
            .group_by(evaluations::cycle_id)
            .order(evaluations::cycle_id)
            .select((evaluations::cycle_id, diesel::dsl::count_star()))
            .load(c)
    })?)
}

/// When a recount of a cycle was first asked for on an appeal; none where it never was.
pub fn recount_first_asked_at(conn: &mut Conn, cycle: CycleId) -> Result<Option<NaiveDateTime>> {
    use super::schema::evaluations;
    let of_cycle = appeals::table.inner_join(evaluations::table.on(evaluations::id.eq(appeals::evaluation_id)));
    let asked = of_cycle.filter(evaluations::cycle_id.eq(cycle)).select(diesel::dsl::min(appeals::recount_asked_at));
    Ok(on!(conn, |c| { asked.first(c) })?)
}

/// Notes when an appeal was decided.
pub fn end_appeal(conn: &mut Conn, id: AppealId, at: NaiveDateTime) -> Result<()> {
    on!(conn, |c| { diesel::update(appeals::table.find(id)).set(appeals::decided_at.eq(at)).execute(c) })?;
    Ok(())
}

/// How many votes have not ended.
pub fn count_open(conn: &mut Conn) -> Result<i64> {
    let open = decisions::status.eq(DecisionStatus::Proposed);
    Ok(on!(conn, |c| { decisions::table.filter(open).count().get_result(c) })?)
}
