//! The reconciliation of an import: what its file tells beside what is on record from the same source. A newcomer's usual
//! mistake is to count the batch: what counts is what stands when the file is through, by whichever batch it came.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::external_ids::Named;
use super::schema::{acts, external_ids, file_records, import_totals, observations, positions};
use crate::db::Conn;
use crate::domain::ids::ImportId;
use crate::domain::judge_file::RecordStatus;
use crate::domain::sections::Section;
use crate::error::{Error, Result};
use crate::on;

/// Groups that are kept of one file.
const GROUPS_MAX: usize = 10_000;

/// What is counted together: a source, and for values a quarter and an indicator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The system of record.
    pub source_system: String,
    /// The first day of the quarter.
    pub period_start: Option<NaiveDate>,
    /// The indicator.
    pub indicator_code: Option<String>,
}

/// What a source has on record in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The indicator, where the records are values.
    pub indicator_code: Option<String>,
    /// Records in force.
    pub count: i64,
    /// The sum of their values.
    pub total: Option<i64>,
}

/// The counts of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Amounts {
    file_count: i64,
    file_total: Option<i64>,
    recorded_count: i64,
    recorded_total: Option<i64>,
}

/// The counts of a file, by group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals(BTreeMap<Group, Amounts>);

/// A group of a file as it is kept.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = import_totals, treat_none_as_default_value = false)]
pub struct Total {
    /// The import.
    pub import_id: ImportId,
    /// Its place, from 1.
    pub number: i64,
    /// The system of record.
    pub source_system: String,
    /// The first day of the quarter, where the records are of quarters.
    pub period_start: Option<NaiveDate>,
    /// The indicator, where the records are values.
    pub indicator_code: Option<String>,
    /// Rows of the file that are on record.
    pub file_count: i64,
    /// The sum of their values.
    pub file_total: Option<i64>,
    /// Records of the source in force.
    pub recorded_count: i64,
    /// The sum of their values.
    pub recorded_total: Option<i64>,
}

impl Totals {
    /// Counts a row, with its value where it is one.
    pub fn add(&mut self, group: Group, value: Option<i64>) {
        self.merge(group, 1, value);
    }

    fn merge(&mut self, group: Group, count: i64, total: Option<i64>) {
        if self.0.len() >= GROUPS_MAX && !self.0.contains_key(&group) {
            return;
        }
        let amounts = self.0.entry(group).or_default();
        amounts.file_count += count;
        amounts.file_total = sum(amounts.file_total, total);
    }

    /// Notes what is on record of a group; one that the file leaves out becomes one of it.
    pub fn set_recorded(&mut self, group: Group, count: i64, total: Option<i64>) {
        let amounts = self.0.entry(group).or_default();
        (amounts.recorded_count, amounts.recorded_total) = (count, total);
    }

    /// The sources and quarters of the groups.
    pub fn sources(&self) -> BTreeSet<(String, Option<NaiveDate>)> {
        self.0.keys().map(|group| (group.source_system.clone(), group.period_start)).collect()
    }

    /// Adds what another part of the file has counted.
    pub fn add_all(&mut self, part: &Totals) {
        for (group, amounts) in &part.0 {
            self.merge(group.clone(), amounts.file_count, amounts.file_total);
        }
    }
}

fn sum(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    }
}

/// What is kept of an import.
pub fn load(conn: &mut Conn, id: ImportId) -> Result<Totals> {
    let rows: Vec<Total> = on!(conn, |c| {
        import_totals::table.filter(import_totals::import_id.eq(id)).select(Total::as_select()).load(c)
    })?;
    let of_row = |row: Total| {
        let Total { source_system, period_start, indicator_code, file_count, file_total, .. } = row;
        let (recorded_count, recorded_total) = (row.recorded_count, row.recorded_total);
        let group = Group { source_system, period_start, indicator_code };
        (group, Amounts { file_count, file_total, recorded_count, recorded_total })
    };
    Ok(Totals(rows.into_iter().map(of_row).collect()))
}

/// Keeps these in place of what was kept of an import.
pub fn save(conn: &mut Conn, id: ImportId, totals: &Totals) -> Result<()> {
    let rows: Vec<Total> = totals
        .0
        .iter()
        .zip(1..)
        .map(|((group, amounts), number)| Total {
            import_id: id,
            number,
            source_system: group.source_system.clone(),
            period_start: group.period_start,
            indicator_code: group.indicator_code.clone(),
            file_count: amounts.file_count,
            file_total: amounts.file_total,
            recorded_count: amounts.recorded_count,
            recorded_total: amounts.recorded_total,
        })
        .collect();
    on!(conn, |c| {
        diesel::delete(import_totals::table.filter(import_totals::import_id.eq(id))).execute(c)?;
        for some in rows.chunks(1000) {
            diesel::insert_into(import_totals::table).values(some).execute(c)?;
        }
        Ok::<_, diesel::result::Error>(())
    })
    .map_err(Error::Sql)
}

/// The groups of an import, after the one with the number `after`, at most `limit`.
pub fn list(conn: &mut Conn, id: ImportId, after: Option<i64>, limit: i64) -> Result<Vec<Total>> {
    Ok(on!(conn, |c| {
        import_totals::table
            .filter(import_totals::import_id.eq(id).and(import_totals::number.gt(after.unwrap_or(0))))
            .order((import_totals::import_id, import_totals::number))
            .select(Total::as_select())
            .limit(limit)
            .load(c)
    })?)
}

/// The values of a source in force, of a quarter, by indicator.
pub fn observations(conn: &mut Conn, source_system: &str, period: Option<NaiveDate>) -> Result<Vec<Recorded>> {
    let Some(period) = period else { return Ok(Vec::new()) };
    let is_in_force = observations::status.eq(RecordStatus::Active).or(observations::status.eq(RecordStatus::Disputed));
    // The engines' sums of large integers are of different types.
    let total = || sql::<BigInt>("CAST(SUM(numerator) AS BIGINT)");
    let rows: Vec<(String, i64, i64)> = on!(conn, |c| {
        observations::table
            .filter(observations::source_system.eq(source_system).and(observations::period_start.eq(period)))
            .filter(is_in_force)
            .group_by(observations::indicator_code)
            .select((observations::indicator_code, count_star(), total()))
            .order(observations::indicator_code)
            .load(c)
    })?;
    let recorded = |(code, count, total)| Recorded { indicator_code: Some(code), count, total: Some(total) };
    Ok(rows.into_iter().map(recorded).collect())
}

/// The records in force of a table with the columns of every record, that a source has.
macro_rules! of_source {
    ($conn:expr, $table:ident, $source_system:expr) => {{
        let is_in_force = $table::status.eq(RecordStatus::Active).or($table::status.eq(RecordStatus::Disputed));
        // The index of names is one of those that have a name.
        let is_named = $table::source_record_id.is_not_null();
        let of_source = $table::source_system.eq($source_system).and(is_named);
        on!($conn, |c| { $table::table.filter(of_source).filter(is_in_force).count().get_result(c) })?
    }};
}

fn counted(count: i64) -> Vec<Recorded> {
    vec![Recorded { indicator_code: None, count, total: None }]
}

/// The posts of a source in force.
pub fn positions(conn: &mut Conn, source_system: &str) -> Result<Vec<Recorded>> {
    Ok(counted(of_source!(conn, positions, source_system)))
}

/// The reviews of acts of a source in force.
pub fn acts(conn: &mut Conn, source_system: &str) -> Result<Vec<Recorded>> {
    Ok(counted(of_source!(conn, acts, source_system)))
}

/// The records of a section in force that a source has.
pub fn records(conn: &mut Conn, section: Section, source_system: &str) -> Result<Vec<Recorded>> {
    let is_in_force = file_records::status.eq(RecordStatus::Active).or(file_records::status.eq(RecordStatus::Disputed));
    let is_named = file_records::source_record_id.is_not_null();
    let of_source = file_records::source_system.eq(source_system).and(is_named);
    let of_section = file_records::section.eq(section);
    Ok(counted(on!(conn, |c| {
        file_records::table.filter(of_source).filter(of_section).filter(is_in_force).count().get_result(c)
    })?))
}

/// The courts or judges that a source has a name for.
pub fn named(conn: &mut Conn, named: Named, source_system: &str) -> Result<Vec<Recorded>> {
    let of_source = external_ids::object_type.eq(named).and(external_ids::source_system.eq(source_system));
    Ok(counted(on!(conn, |c| { external_ids::table.filter(of_source).count().get_result(c) })?))
}
