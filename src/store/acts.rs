//! Reviews of a judge's acts by higher courts, and what members found of them. Both are appended, never overwritten: a
//! review is restated by a record that supersedes it, and of the findings on one record the last stands.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::{count_star, max};
use diesel::prelude::*;

use super::schema::{act_attributions, acts};
use crate::db::Conn;
use crate::domain::acts::{ActInstance, ActOutcome, ActReason, Attributable};
use crate::domain::ids::{AccountId, ActId, ClientId, ImportId, JudgeId};
use crate::domain::judge_file::RecordStatus;
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// One review of an act.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = acts, treat_none_as_default_value = false)]
pub struct Act {
    /// The record's id.
    pub id: ActId,
    /// Whose act.
    pub judge_id: JudgeId,
    /// The number of the case.
    pub case_no: String,
    /// The kind of case.
    pub category: String,
    /// The day of the act.
    pub act_date: NaiveDate,
    /// The day of the appeal.
    pub appealed_on: NaiveDate,
    /// Which instance.
    pub instance: ActInstance,
    /// What became of the act.
    pub outcome: ActOutcome,
    /// Why, unless it was upheld.
    pub reason_code: Option<ActReason>,
    /// The decision of the Judicial Jury on a gross breach, if any.
    pub jury_decision_ref: Option<String>,
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
    pub supersedes_id: Option<ActId>,
    /// The law by which it is kept, where the source names one.
    pub legal_basis: Option<String>,
    /// The import that it came in with; none where it was recorded alone.
    pub batch_id: Option<ImportId>,
}

/// What members found on one record.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = act_attributions, treat_none_as_default_value = false)]
pub struct Attribution {
    /// The record.
    pub act_id: ActId,
    /// Its place among the findings on that record, from 1.
    pub number: i32,
    /// Whether the judge answers for it.
    pub attributable: Attributable,
    /// Why.
    pub reason: String,
    /// Which account decided.
    pub decided_by: AccountId,
    /// When.
    pub decided_at: NaiveDateTime,
}

/// Adds a record; 409 `already_exists` where one is in force for its judge, case, day and instance.
pub fn insert(conn: &mut Conn, act: &Act) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(acts::table).values(act).execute(c) }).on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The record with this id.
pub fn find(conn: &mut Conn, id: ActId) -> Result<Option<Act>> {
    Ok(on!(conn, |c| { acts::table.find(id).select(Act::as_select()).first(c).optional() })?)
}

/// The record in force that a source has under this name.
pub fn find_by_source(conn: &mut Conn, source_system: &str, source_record_id: &str) -> Result<Option<Act>> {
    Ok(on!(conn, |c| {
        acts::table
            .filter(acts::source_system.eq(source_system).and(acts::source_record_id.eq(source_record_id)))
            .filter(acts::status.eq(RecordStatus::Active).or(acts::status.eq(RecordStatus::Disputed)))
            .select(Act::as_select())
            .first(c)
            .optional()
    })?)
}

/// The record in force for the judge, case, day and instance of `like`.
pub fn find_in_force(conn: &mut Conn, like: &Act) -> Result<Option<Act>> {
    Ok(on!(conn, |c| {
        acts::table
            .filter(acts::judge_id.eq(like.judge_id).and(acts::case_no.eq(&like.case_no)))
            .filter(acts::act_date.eq(like.act_date).and(acts::instance.eq(like.instance)))
            .filter(acts::status.eq(RecordStatus::Active).or(acts::status.eq(RecordStatus::Disputed)))
            .select(Act::as_select())
            .first(c)
            .optional()
    })?)
}

/// Sets how a record stands.
pub fn set_status(conn: &mut Conn, id: ActId, status: RecordStatus) -> Result<()> {
    on!(conn, |c| { diesel::update(acts::table.find(id)).set(acts::status.eq(status)).execute(c) })?;
    Ok(())
}

/// A judge's records by id, after `after`, at most `limit`: superseded ones, too.
pub fn list(conn: &mut Conn, judge: JudgeId, after: Option<ActId>, limit: i64) -> Result<Vec<Act>> {
    Ok(on!(conn, |c| {
        let mut query = acts::table
            .filter(acts::judge_id.eq(judge))
            .select(Act::as_select())
            .order(acts::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(acts::id.gt(after));
        }
        query.load(c)
    })?)
}

/// A judge's records by id, superseded ones, too, each with what members found on it, by number; in one query of at most
/// `limit` rows.
pub fn with_attributions(conn: &mut Conn, judge: JudgeId, limit: i64) -> Result<Vec<(Act, Vec<Attribution>)>> {
    let rows: Vec<(Act, Option<Attribution>)> = on!(conn, |c| {
        acts::table
            .left_join(act_attributions::table.on(act_attributions::act_id.eq(acts::id)))
            .filter(acts::judge_id.eq(judge))
            .order((acts::id, act_attributions::number))
            .select((Act::as_select(), Option::<Attribution>::as_select()))
            .limit(limit)
            .load(c)
    })?;
    let mut found: Vec<(Act, Vec<Attribution>)> = Vec::new();
    for (act, attribution) in rows {
        match found.last_mut() {
            Some((last, all)) if last.id == act.id => all.extend(attribution),
            Some(_) | None => found.push((act, attribution.into_iter().collect())),
        }
    }
    Ok(found)
}

/// How many of a judge's records are in force, and how many of those are disputed.
pub fn count_in_force(conn: &mut Conn, judge: JudgeId) -> Result<(i64, i64)> {
    let is_in_force = acts::status.eq(RecordStatus::Active).or(acts::status.eq(RecordStatus::Disputed));
    let counts: Vec<(RecordStatus, i64)> = on!(conn, |c| {
        acts::table
            .filter(acts::judge_id.eq(judge).and(is_in_force))
            .group_by(acts::status)
            .select((acts::status, count_star()))
            .load(c)
    })?;
    let disputed = counts.iter().filter(|(status, _)| *status == RecordStatus::Disputed);
    Ok((counts.iter().map(|(_, count)| count).sum(), disputed.map(|(_, count)| count).sum()))
}

/// What members found last, or that nobody has found either way.
pub fn attributable(found: &[Attribution]) -> Attributable {
    found.last().map_or(Attributable::Undetermined, |last| last.attributable)
}

/// Whether a report may name an act: the judge answers for it, and the record is in force and not disputed.
pub fn may_be_named(act: &Act, found: &[Attribution]) -> bool {
    attributable(found).may_be_named() && act.status == RecordStatus::Active
}

/// Adds a finding behind those there are, which stay; its `number` is given here.
pub fn attribute(conn: &mut Conn, found: Attribution) -> Result<()> {
    let last: Option<i32> = on!(conn, |c| {
        act_attributions::table
            .filter(act_attributions::act_id.eq(found.act_id))
            .select(max(act_attributions::number))
            .get_result(c)
    })?;
    let found = Attribution { number: last.unwrap_or(0) + 1, ..found };
    on!(conn, |c| { diesel::insert_into(act_attributions::table).values(&found).execute(c) })?;
    Ok(())
}

/// The findings on some records, by record and number.
pub fn attributions(conn: &mut Conn, of: &[ActId]) -> Result<Vec<Attribution>> {
    Ok(on!(conn, |c| {
        act_attributions::table
            .filter(act_attributions::act_id.eq_any(of))
            .select(Attribution::as_select())
            .order((act_attributions::act_id, act_attributions::number))
            .load(c)
    })?)
}
