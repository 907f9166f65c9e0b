//! Observed values of indicators. Appended, never overwritten: a value is restated by a record that supersedes it, and
//! one record of a judge, indicator, category and period is in force.

use std::collections::HashSet;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::schema::observations;
use crate::db::Conn;
use crate::domain::ids::{AccountId, ClientId, ImportId, JudgeId, ObservationId};
use crate::domain::judge_file::RecordStatus;
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// One observed value.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = observations, treat_none_as_default_value = false)]
pub struct Observation {
    /// The record's id.
    pub id: ObservationId,
    /// Whose work.
    pub judge_id: JudgeId,
    /// The indicator.
    pub indicator_code: String,
    /// The kind of case.
    pub category: String,
    /// The first day of the quarter.
    pub period_start: NaiveDate,
    /// The last day of the quarter.
    pub period_end: NaiveDate,
    /// The value, or the numerator of a ratio, in the indicator's scaled integers.
    pub numerator: i64,
    /// The denominator of a ratio.
    pub denominator: Option<i64>,
    /// The system of record.
    pub source_system: String,
    /// The record's name there.
    pub source_record_id: Option<String>,
    /// The day whose state the source told.
    pub as_of: NaiveDate,
    /// When it was recorded here.
    pub received_at: NaiveDateTime,
    /// By which account; none where a machine client recorded it.
    pub recorded_by: Option<AccountId>,
    /// By which machine client; none where a person recorded it.
    pub recorded_by_client: Option<ClientId>,
    /// How the record stands.
    pub status: RecordStatus,
    /// The record that this one replaces.
    pub supersedes_id: Option<ObservationId>,
    /// The law by which it is kept, where the source names one.
    pub legal_basis: Option<String>,
    /// The import that it came in with; none where it was recorded alone.
    pub batch_id: Option<ImportId>,
}

/// What a summary shows of a value in force. Reading whole records would cost several times as much, most of it for
/// dates and ids that nobody looks at.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = observations)]
pub struct QuarterValue {
    /// The indicator.
    pub indicator_code: String,
    /// The kind of case.
    pub category: String,
    /// The first day of the quarter.
    pub period_start: NaiveDate,
    /// The value, or the numerator of a ratio, in the indicator's scaled integers.
    pub numerator: i64,
    /// The denominator of a ratio.
    pub denominator: Option<i64>,
    /// How the record stands.
    pub status: RecordStatus,
}

/// Adds a record; 409 `observation_exists` where one is in force for its judge, indicator, category and period.
pub fn insert(conn: &mut Conn, observation: &Observation) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(observations::table).values(observation).execute(c) })
        .on_unique(Code::ObservationExists)?;
    Ok(())
}

/// Adds records, of which none may be in the way of another; the ids of those that went in. One that has the key of a
/// record in force does not.
pub fn insert_batch(conn: &mut Conn, batch: &[&Observation]) -> Result<HashSet<ObservationId>> {
    let ids: HashSet<ObservationId> = batch.iter().map(|row| row.id).collect();
    let inserted = on!(conn, |c| {
        diesel::insert_into(observations::table).values(batch.to_vec()).on_conflict_do_nothing().execute(c)
    })?;
    if inserted == ids.len() {
        return Ok(ids);
    }
    let present: Vec<ObservationId> =
        on!(conn, |c| { observations::table.filter(observations::id.eq_any(&ids)).select(observations::id).load(c) })?;
    Ok(present.into_iter().collect())
}

/// The records in force that a system has under these names.
pub fn list_by_source(conn: &mut Conn, source_system: &str, record_ids: &[&str]) -> Result<Vec<Observation>> {
    let is_in_force = observations::status.eq(RecordStatus::Active).or(observations::status.eq(RecordStatus::Disputed));
    Ok(on!(conn, |c| {
        observations::table
            .filter(observations::source_system.eq(source_system))
            .filter(observations::source_record_id.eq_any(record_ids))
            .filter(is_in_force)
            .select(Observation::as_select())
            .load(c)
    })?)
}

/// The records in force for the judge, category and quarter of `like`: one for each indicator.
pub fn list_in_force(conn: &mut Conn, like: &Observation) -> Result<Vec<Observation>> {
    let is_in_force = observations::status.eq(RecordStatus::Active).or(observations::status.eq(RecordStatus::Disputed));
    Ok(on!(conn, |c| {
        observations::table
            .filter(observations::judge_id.eq(like.judge_id).and(observations::period_start.eq(like.period_start)))
            .filter(observations::category.eq(&like.category))
            .filter(is_in_force)
            .select(Observation::as_select())
            .load(c)
    })?)
}

/// The record in force for the judge, indicator, category and quarter of `like`.
pub fn find_in_force(conn: &mut Conn, like: &Observation) -> Result<Option<Observation>> {
    let is_in_force = observations::status.eq(RecordStatus::Active).or(observations::status.eq(RecordStatus::Disputed));
    Ok(on!(conn, |c| {
        observations::table
            .filter(observations::judge_id.eq(like.judge_id).and(observations::indicator_code.eq(&like.indicator_code)))
            .filter(observations::category.eq(&like.category).and(observations::period_start.eq(like.period_start)))
            .filter(is_in_force)
            .select(Observation::as_select())
            .first(c)
            .optional()
    })?)
}

/// The record with this id.
pub fn find(conn: &mut Conn, id: ObservationId) -> Result<Option<Observation>> {
    Ok(on!(conn, |c| { observations::table.find(id).select(Observation::as_select()).first(c).optional() })?)
}

/// Sets how a record stands.
pub fn set_status(conn: &mut Conn, id: ObservationId, status: RecordStatus) -> Result<()> {
    on!(conn, |c| { diesel::update(observations::table.find(id)).set(observations::status.eq(status)).execute(c) })?;
    Ok(())
}

/// A judge's records by id, after `after`, at most `limit`: superseded ones, too; of one indicator where one is given.
pub fn list(
    conn: &mut Conn,
    judge: JudgeId,
    indicator_code: Option<&str>,
    after: Option<ObservationId>,
    limit: i64,
) -> Result<Vec<Observation>> {
    Ok(on!(conn, |c| {
        let mut query = observations::table
            .filter(observations::judge_id.eq(judge))
            .select(Observation::as_select())
            .order(observations::id)
            .limit(limit)
            .into_boxed();
        if let Some(code) = indicator_code {
            query = query.filter(observations::indicator_code.eq(code.to_owned()));
        }
        if let Some(after) = after {
            query = query.filter(observations::id.gt(after));
        }
        query.load(c)
    })?)
}

/// A judge's values in force for quarters that begin from `first` to `last`, by indicator, category and quarter.
pub fn in_force_between(
    conn: &mut Conn,
    judge: JudgeId,
    first: NaiveDate,
    last: NaiveDate,
    limit: i64,
) -> Result<Vec<QuarterValue>> {
    // Not `eq_any`: a list of values keeps diesel from preparing the statement once and for all.
    let is_in_force = observations::status.eq(RecordStatus::Active).or(observations::status.eq(RecordStatus::Disputed));
    Ok(on!(conn, |c| {
        observations::table
            .filter(observations::judge_id.eq(judge).and(observations::period_start.between(first, last)))
            .filter(is_in_force)
            .order((observations::indicator_code, observations::category, observations::period_start))
            .select(QuarterValue::as_select())
            .limit(limit)
            .load(c)
    })?)
}
