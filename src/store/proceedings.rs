//! What an evaluation leaves behind on its own course until it is decided: its moves, versions of the report, the judge's
//! responses, hearings. A newcomer's usual mistake is to update: a second draft is a second row, and what was served stays.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::schema::{evaluation_moves, hearing_members, hearings, reports, responses};
use crate::db::Conn;
use crate::domain::evaluation::{EvaluationAct, EvaluationState};
use crate::domain::ids::{AccountId, EvaluationId, EvaluationMoveId, HearingId, ReportId};
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// So many rows of a kind an evaluation has at most; the workflow refuses more.
pub const ROWS_MAX: i64 = 100;

/// A move of an evaluation's own course.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = evaluation_moves, treat_none_as_default_value = false)]
pub struct EvaluationMove {
    /// Its id.
    pub id: EvaluationMoveId,
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// The version of the evaluation that it led to.
    pub version: i64,
    /// What was done.
    pub act: EvaluationAct,
    /// The state left.
    pub from_state: EvaluationState,
    /// The state entered.
    pub to_state: EvaluationState,
    /// By whom; nobody where a clock made it.
    pub account_id: Option<AccountId>,
    /// The second person, where two were needed.
    pub second_account_id: Option<AccountId>,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub moved_at: NaiveDateTime,
}

/// Adds a move.
pub fn insert_move(conn: &mut Conn, moved: &EvaluationMove) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(evaluation_moves::table).values(moved).execute(c) })?;
    Ok(())
}

/// The moves of an evaluation, in their order.
pub fn moves(conn: &mut Conn, id: EvaluationId) -> Result<Vec<EvaluationMove>> {
    Ok(on!(conn, |c| {
        evaluation_moves::table
            .filter(evaluation_moves::evaluation_id.eq(id))
            .order(evaluation_moves::version)
            .select(EvaluationMove::as_select())
            .limit(ROWS_MAX * 10)
            .load(c)
    })?)
}

/// A version of the draft report.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = reports, treat_none_as_default_value = false)]
pub struct Report {
    /// Its id.
    pub id: ReportId,
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// Which version, from 1.
    pub number: i32,
    /// The rapporteur.
    pub account_id: AccountId,
    /// The reasoning as JSON.
    pub content: String,
    /// When it was written.
    pub drafted_at: NaiveDateTime,
    /// When it was served on the judge.
    pub served_at: Option<NaiveDateTime>,
}

/// Adds a version of the report; 409 `already_exists` where another has its number.
pub fn insert_report(conn: &mut Conn, report: &Report) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(reports::table).values(report).execute(c) }).on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The versions of the report of an evaluation, in their order.
pub fn reports(conn: &mut Conn, id: EvaluationId) -> Result<Vec<Report>> {
    Ok(on!(conn, |c| {
        reports::table
            .filter(reports::evaluation_id.eq(id))
            .order(reports::number)
            .select(Report::as_select())
            .limit(ROWS_MAX)
            .load(c)
    })?)
}

/// Notes when a version was served.
pub fn serve_report(conn: &mut Conn, id: ReportId, at: NaiveDateTime) -> Result<()> {
    on!(conn, |c| { diesel::update(reports::table.find(id)).set(reports::served_at.eq(at)).execute(c) })?;
    Ok(())
}

/// The judge's answer to a served report.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = responses, treat_none_as_default_value = false)]
pub struct Response {
    /// The report.
    pub report_id: ReportId,
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// What the judge says; none where the judge waives an answer.
    pub answer: Option<String>,
    /// Whether the judge asks to be heard.
    pub wants_hearing: bool,
    /// When it was filed.
    pub filed_at: NaiveDateTime,
}

/// Adds an answer; 409 `already_exists` where the report has one.
pub fn insert_response(conn: &mut Conn, response: &Response) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(responses::table).values(response).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The answers of the judge, by report.
pub fn responses(conn: &mut Conn, id: EvaluationId) -> Result<Vec<Response>> {
    Ok(on!(conn, |c| {
        responses::table
            .filter(responses::evaluation_id.eq(id))
            .order(responses::report_id)
            .select(Response::as_select())
            .limit(ROWS_MAX)
            .load(c)
    })?)
}

/// A hearing.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = hearings, treat_none_as_default_value = false)]
pub struct Hearing {
    /// Its id.
    pub id: HearingId,
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// Which one of the evaluation, from 1.
    pub number: i32,
    /// The report that it is on.
    pub report_id: ReportId,
    /// The day.
    pub held_on: NaiveDate,
    /// Whether it is held by video.
    pub is_remote: bool,
    /// Who arranged it.
    pub scheduled_by: AccountId,
    /// When.
    pub scheduled_at: NaiveDateTime,
    /// Whether the judge was there; none until it is on record.
    pub is_judge_present: Option<bool>,
    /// What was said; none until it is on record.
    pub minutes: Option<String>,
    /// Who put it on record.
    pub recorded_by: Option<AccountId>,
    /// When.
    pub recorded_at: Option<NaiveDateTime>,
}

/// Adds a hearing.
pub fn insert_hearing(conn: &mut Conn, hearing: &Hearing) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(hearings::table).values(hearing).execute(c) })?;
    Ok(())
}

/// The hearings of an evaluation, in the order in which they were arranged.
pub fn hearings(conn: &mut Conn, id: EvaluationId) -> Result<Vec<Hearing>> {
    Ok(on!(conn, |c| {
        hearings::table
            .filter(hearings::evaluation_id.eq(id))
            .order(hearings::number)
            .select(Hearing::as_select())
            .limit(ROWS_MAX)
            .load(c)
    })?)
}

/// The hearing with this id.
pub fn find_hearing(conn: &mut Conn, id: HearingId) -> Result<Option<Hearing>> {
    Ok(on!(conn, |c| { hearings::table.find(id).select(Hearing::as_select()).first(c).optional() })?)
}

/// Puts on record who was there and what was said.
pub fn record_hearing(
    conn: &mut Conn,
    id: HearingId,
    present: &[AccountId],
    is_judge_present: bool,
    minutes: &str,
    (by, at): (AccountId, NaiveDateTime),
) -> Result<()> {
    let rows: Vec<_> = present
        .iter()
        .map(|account| (hearing_members::hearing_id.eq(id), hearing_members::account_id.eq(*account)))
        .collect();
    on!(conn, |c| {
        diesel::update(hearings::table.find(id))
            .set((
                hearings::is_judge_present.eq(is_judge_present),
                hearings::minutes.eq(minutes),
                hearings::recorded_by.eq(by),
                hearings::recorded_at.eq(at),
            ))
            .execute(c)?;
        diesel::insert_into(hearing_members::table).values(&rows).execute(c)
    })?;
    Ok(())
}

/// Which members were present at the hearings of an evaluation, by hearing.
pub fn present(conn: &mut Conn, id: EvaluationId) -> Result<Vec<(HearingId, AccountId)>> {
    Ok(on!(conn, |c| {
        hearing_members::table
            .inner_join(hearings::table.on(hearings::id.eq(hearing_members::hearing_id)))
            .filter(hearings::evaluation_id.eq(id))
            .order((hearing_members::hearing_id, hearing_members::account_id))
            .select((hearing_members::hearing_id, hearing_members::account_id))
            .limit(ROWS_MAX * 30)
            .load(c)
    })?)
}
