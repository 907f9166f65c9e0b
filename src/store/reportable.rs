//! What a report on a judge may rest on: records in force that nobody disputes. What a newcomer would get wrong: a report
//! never reads the file by itself; it asks here, so that a value under dispute is left out of every report at once.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::acts::{self, Act, Attribution};
use super::file_records::{self, FileRecord};
use super::observations::Observation;
use super::positions::Position;
use super::schema::{observations, positions};
use crate::db::Conn;
use crate::domain::ids::JudgeId;
use crate::domain::judge_file::RecordStatus;
use crate::error::Result;
use crate::on;

/// The records that a report may use.
#[derive(Debug, Clone)]
pub struct Reportable {
    /// The posts.
    pub positions: Vec<Position>,
    /// The reviewed acts that a report may name, each with what members found on it.
    pub acts: Vec<(Act, Vec<Attribution>)>,
    /// The observed values.
    pub observations: Vec<Observation>,
    /// The records of the other sections that may be shown on the day.
    pub records: Vec<FileRecord>,
}

/// What a report of a day may rest on; at most `limit` records of each kind.
pub fn find(conn: &mut Conn, judge: JudgeId, day: NaiveDate, limit: i64) -> Result<Reportable> {
    let mut records = file_records::in_force(conn, judge, day, limit)?;
    records.retain(|record| record.status == RecordStatus::Active);
    let mut acts = acts::with_attributions(conn, judge, limit)?;
    acts.retain(|(act, found)| acts::may_be_named(act, found));
    let (positions, observations) = on!(conn, |c| {
        let posts = positions::table
            .filter(positions::judge_id.eq(judge).and(positions::status.eq(RecordStatus::Active)))
            .select(Position::as_select())
            .order(positions::id)
            .limit(limit)
            .load(c)?;
        let values = observations::table
            .filter(observations::judge_id.eq(judge).and(observations::status.eq(RecordStatus::Active)))
            .select(Observation::as_select())
            .order(observations::id)
            .limit(limit)
            .load(c)?;
        (posts, values)
    });
    Ok(Reportable { positions, acts, observations, records })
}
