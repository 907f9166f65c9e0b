//! How long records are kept, what holds them back, and what is left of those that were destroyed. What a newcomer would get
//! wrong: a tombstone holds no word of its record; its digest is keyed, as a plain one of a few words could be guessed.

use chrono::NaiveDateTime;
use diesel::dsl::{count_star, exists, max};
use diesel::prelude::*;

use super::schema::{cycles, evaluations, retention_holds, retention_schedules, tombstones};
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{AccountId, EvaluationId, HoldId, JudgeId, RecordId, RetentionRunId, RetentionScheduleId};
use crate::domain::retention::RetentionCategory;
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// One edition of how long records are kept.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = retention_schedules, treat_none_as_default_value = false)]
pub struct ScheduleRow {
    /// Its id.
    pub id: RetentionScheduleId,
    /// Its number, from 1.
    pub edition: i32,
    /// The rules as canonical JSON.
    pub document: String,
    /// SHA-256 of the document, in hex.
    pub digest: String,
    /// When it was added.
    pub created_at: NaiveDateTime,
    /// When two persons adopted it.
    pub adopted_at: Option<NaiveDateTime>,
}

/// What keeps records from being destroyed.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = retention_holds, treat_none_as_default_value = false)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Whose file.
    pub judge_id: JudgeId,
    /// The one record that it is on; the whole file where there is none.
    pub record_id: Option<RecordId>,
    /// The evaluation for whose sake the file is held.
    pub evaluation_id: Option<EvaluationId>,
    /// Why.
    pub reason: String,
    /// By which law.
    pub legal_basis: String,
    /// Who set it.
    pub set_by: AccountId,
    /// When.
    pub set_at: NaiveDateTime,
    /// Who lifted it.
    pub lifted_by: Option<AccountId>,
    /// When.
    pub lifted_at: Option<NaiveDateTime>,
    /// Why.
    pub lift_reason: Option<String>,
}

/// What is left of a record that was destroyed.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = tombstones, treat_none_as_default_value = false)]
pub struct Tombstone {
    /// The record's id.
    pub id: RecordId,
    /// Whose file it was in.
    pub judge_id: JudgeId,
    /// What kind of record it was.
    pub category: RetentionCategory,
    /// The keyed digest of what it said, in hex.
    pub digest: String,
    /// The run that destroyed it.
    pub run_id: RetentionRunId,
    /// When.
    pub destroyed_at: NaiveDateTime,
}

/// Adds an edition; 409 `already_exists` where another was added at the same time.
pub fn insert_schedule(conn: &mut Conn, row: &ScheduleRow) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(retention_schedules::table).values(row).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The number of the newest edition; 0 where there is none.
pub fn newest_edition(conn: &mut Conn) -> Result<i32> {
    let newest: Option<i32> =
        on!(conn, |c| { retention_schedules::table.select(max(retention_schedules::edition)).get_result(c) })?;
    Ok(newest.unwrap_or(0))
}

/// The edition with this id.
pub fn find_schedule(conn: &mut Conn, id: RetentionScheduleId) -> Result<Option<ScheduleRow>> {
    Ok(on!(conn, |c| { retention_schedules::table.find(id).select(ScheduleRow::as_select()).first(c).optional() })?)
}

/// The edition that holds: of the adopted ones, the last.
pub fn schedule_in_force(conn: &mut Conn) -> Result<Option<ScheduleRow>> {
    Ok(on!(conn, |c| {
        retention_schedules::table
            .filter(retention_schedules::adopted_at.is_not_null())
            .order(retention_schedules::edition.desc())
            .select(ScheduleRow::as_select())
            .first(c)
            .optional()
    })?)
}

/// Editions by number, after `after`, at most `limit`.
pub fn list_schedules(conn: &mut Conn, after: i32, limit: i64) -> Result<Vec<ScheduleRow>> {
    Ok(on!(conn, |c| {
        retention_schedules::table
            .filter(retention_schedules::edition.gt(after))
            .order(retention_schedules::edition)
            .select(ScheduleRow::as_select())
            .limit(limit)
            .load(c)
    })?)
}

/// Notes that an edition is adopted.
pub fn adopt(conn: &mut Conn, id: RetentionScheduleId, at: NaiveDateTime) -> Result<()> {
    on!(conn, |c| {
        diesel::update(retention_schedules::table.find(id)).set(retention_schedules::adopted_at.eq(at)).execute(c)
    })?;
    Ok(())
}

/// Adds a hold.
pub fn insert_hold(conn: &mut Conn, hold: &Hold) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(retention_holds::table).values(hold).execute(c) })?;
    Ok(())
}

/// The hold with this id.
pub fn find_hold(conn: &mut Conn, id: HoldId) -> Result<Option<Hold>> {
    Ok(on!(conn, |c| { retention_holds::table.find(id).select(Hold::as_select()).first(c).optional() })?)
}

/// Holds by id, after `after`, at most `limit`: lifted ones, too.
pub fn list_holds(conn: &mut Conn, after: Option<HoldId>, limit: i64) -> Result<Vec<Hold>> {
    Ok(on!(conn, |c| {
        let mut query =
            retention_holds::table.select(Hold::as_select()).order(retention_holds::id).limit(limit).into_boxed();
        if let Some(after) = after {
            query = query.filter(retention_holds::id.gt(after));
        }
        query.load(c)
    })?)
}

/// Lifts a hold.
pub fn lift_hold(conn: &mut Conn, id: HoldId, by: AccountId, at: NaiveDateTime, reason: &str) -> Result<()> {
    on!(conn, |c| {
        diesel::update(retention_holds::table.find(id))
            .set((
                retention_holds::lifted_by.eq(by),
                retention_holds::lifted_at.eq(at),
                retention_holds::lift_reason.eq(reason),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// Whether a hold is on a judge's file, or on any of these records of it.
pub fn is_held(conn: &mut Conn, judge: JudgeId, ids: &[RecordId]) -> Result<bool> {
    Ok(on!(conn, |c| {
        let holds = retention_holds::table
            .filter(retention_holds::judge_id.eq(judge).and(retention_holds::lifted_at.is_null()))
            .filter(retention_holds::record_id.is_null().or(retention_holds::record_id.eq_any(ids)));
        diesel::select(exists(holds)).get_result(c)
    })?)
}

/// Whether a judge is evaluated in a cycle that is not over.
pub fn is_under_evaluation(conn: &mut Conn, judge: JudgeId) -> Result<bool> {
    Ok(on!(conn, |c| {
        let open = evaluations::table
            .inner_join(cycles::table.on(cycles::id.eq(evaluations::cycle_id)))
            .filter(evaluations::judge_id.eq(judge).and(evaluations::state.ne(EvaluationState::Cancelled)))
            .filter(cycles::phase.ne_all([Phase::Closed, Phase::Cancelled]))
            .select(evaluations::id);
        diesel::select(exists(open)).get_result(c)
    })?)
}

/// Adds what is left of records.
pub fn insert_tombstones(conn: &mut Conn, rows: &[Tombstone]) -> Result<()> {
    on!(conn, |c| {
        for row in rows {
            diesel::insert_into(tombstones::table).values(row).execute(c)?;
        }
        Ok(())
    })
}

/// What was destroyed of a judge's file, by id, after `after`, at most `limit`.
pub fn tombstones_of_judge(
    conn: &mut Conn,
    judge: JudgeId,
    after: Option<RecordId>,
    limit: i64,
) -> Result<Vec<Tombstone>> {
    Ok(on!(conn, |c| {
        let mut query = tombstones::table
            .filter(tombstones::judge_id.eq(judge))
            .select(Tombstone::as_select())
            .order(tombstones::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(tombstones::id.gt(after));
        }
        query.load(c)
    })?)
}

/// What a run destroyed, by id, after `after`, at most `limit`.
pub fn tombstones_of_run(
    conn: &mut Conn,
    run: RetentionRunId,
    after: Option<RecordId>,
    limit: i64,
) -> Result<Vec<Tombstone>> {
    Ok(on!(conn, |c| {
        let mut query = tombstones::table
            .filter(tombstones::run_id.eq(run))
            .select(Tombstone::as_select())
            .order(tombstones::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(tombstones::id.gt(after));
        }
        query.load(c)
    })?)
}

/// How many records of each kind a run destroyed.
pub fn counts_of_run(conn: &mut Conn, run: RetentionRunId) -> Result<Vec<(RetentionCategory, i64)>> {
    Ok(on!(conn, |c| {
        tombstones::table
            .filter(tombstones::run_id.eq(run))
            .group_by(tombstones::category)
            .select((tombstones::category, count_star()))
            .order(tombstones::category)
            .load(c)
    })?)
}
