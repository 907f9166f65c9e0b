//! What is known of a judge's person beside the name: appended, never overwritten. What a newcomer would get wrong: to read
//! it with the judge. A [`Judge`] has none of it, so that no list, search or extract can show it by mistake; each question
//! here reads what it needs and no more.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::exists;
use diesel::prelude::*;

use super::judges::Judge;
use super::positions::is_held_on;
use super::schema::{external_ids, judge_particulars, judges, positions};
use crate::db::Conn;
use crate::domain::ids::{AccountId, ClientId, ImportId, JudgeId, ParticularsId};
use crate::domain::judge_file::{ExternalId, RecordStatus};
use crate::domain::particulars::Sex;
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// What a source tells of a judge's person, as one record tells it.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = judge_particulars, treat_none_as_default_value = false)]
pub struct Particulars {
    /// The record's id.
    pub id: ParticularsId,
    /// Of whom.
    pub judge_id: JudgeId,
    /// The birth date, if known.
    pub birth_date: Option<NaiveDate>,
    /// The sex, if known; shown to the judge alone.
    pub sex: Option<Sex>,
    /// Years of legal service on the day `as_of`, in hundredths, as the source counts them; if known.
    pub legal_service_hundredths: Option<i64>,
    /// The system of record.
    pub source_system: String,
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
    pub supersedes_id: Option<ParticularsId>,
    /// The import that it came in with; none where it was recorded alone.
    pub batch_id: Option<ImportId>,
}

/// A judge with the names in other systems, and what was ever told of the person, by id.
pub type Person = (Judge, Vec<ExternalId>, Vec<Particulars>);

/// A judge in office who reaches an age.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = judge_particulars)]
pub struct Aging {
    /// Who.
    pub judge_id: JudgeId,
    /// Born on.
    #[diesel(select_expression = judge_particulars::birth_date.assume_not_null())]
    pub birth_date: NaiveDate,
    /// How the record stands that tells it.
    #[diesel(select_expression = judge_particulars::status)]
    pub status: RecordStatus,
    /// The full name in Kazakh.
    #[diesel(select_expression = judges::full_name_kk)]
    pub full_name_kk: String,
    /// The full name in Russian.
    #[diesel(select_expression = judges::full_name_ru)]
    pub full_name_ru: String,
    /// The full name in English, if any.
    #[diesel(select_expression = judges::full_name_en)]
    pub full_name_en: Option<String>,
}

const IN_FORCE: [RecordStatus; 2] = [RecordStatus::Active, RecordStatus::Disputed];

/// Adds a record; 409 `already_exists` where the judge has one in force.
pub fn insert(conn: &mut Conn, row: &Particulars) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(judge_particulars::table).values(row).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The record with this id.
pub fn find(conn: &mut Conn, id: ParticularsId) -> Result<Option<Particulars>> {
    Ok(on!(conn, |c| { judge_particulars::table.find(id).select(Particulars::as_select()).first(c).optional() })?)
}

/// The record of a judge that is in force.
pub fn in_force(conn: &mut Conn, judge: JudgeId) -> Result<Option<Particulars>> {
    Ok(on!(conn, |c| {
        judge_particulars::table
            .filter(judge_particulars::judge_id.eq(judge).and(judge_particulars::status.eq_any(IN_FORCE)))
            .select(Particulars::as_select())
            .first(c)
            .optional()
    })?)
}

/// Sets how a record stands.
pub fn set_status(conn: &mut Conn, id: ParticularsId, status: RecordStatus) -> Result<()> {
    on!(conn, |c| {
        diesel::update(judge_particulars::table.find(id)).set(judge_particulars::status.eq(status)).execute(c)
    })?;
    Ok(())
}

/// Whether the judge holds a post on a day.
pub fn is_in_office(conn: &mut Conn, judge: JudgeId, day: NaiveDate) -> Result<bool> {
    Ok(on!(conn, |c| {
        diesel::select(exists(positions::table.filter(positions::judge_id.eq(judge).and(is_held_on!(day)))))
            .get_result(c)
    })?)
}

/// The judge with this id with all that a whole file says of the person, in one query.
pub fn person(conn: &mut Conn, id: JudgeId) -> Result<Option<Person>> {
    type Row = (Judge, Option<String>, Option<String>, Option<Particulars>);
    let rows: Vec<Row> = on!(conn, |c| {
        judges::table
            .left_join(external_ids::table.on(external_ids::object_id.eq(judges::id)))
            .left_join(judge_particulars::table.on(judge_particulars::judge_id.eq(judges::id)))
            .filter(judges::id.eq(id))
            .order((judge_particulars::id, external_ids::source_system, external_ids::value))
            .select((
                Judge::as_select(),
                external_ids::source_system.nullable(),
                external_ids::value.nullable(),
                Option::<Particulars>::as_select(),
            ))
            .limit(10_000)
            .load(c)
    })?;
    let mut found: Option<Person> = None;
    let mut first = None;
    for (judge, source_system, value, told) in rows {
        let told_id = told.as_ref().map(|told| told.id);
        let (_, names, all) = found.get_or_insert_with(|| (judge, Vec::new(), Vec::new()));
        // Each record comes with every name, and each name with every record.
        if *first.get_or_insert(told_id) == told_id {
            names.extend(source_system.zip(value).map(|(source_system, value)| ExternalId { source_system, value }));
        }
        if all.last().map(|last: &Particulars| last.id) != told_id {
            all.extend(told);
        }
    }
    Ok(found)
}

/// The judges in office on `today` who were born until a day, the eldest first, after `after`, at most `limit`.
pub fn list_born_until(
    conn: &mut Conn,
    born_until: NaiveDate,
    today: NaiveDate,
    after: Option<(NaiveDate, JudgeId)>,
    limit: i64,
) -> Result<Vec<Aging>> {
    let born_on = judge_particulars::birth_date.assume_not_null();
    Ok(on!(conn, |c| {
        let held =
            positions::table.filter(positions::judge_id.eq(judge_particulars::judge_id)).filter(is_held_on!(today));
        let mut query = judge_particulars::table
            .inner_join(judges::table.on(judges::id.eq(judge_particulars::judge_id)))
            .filter(judge_particulars::status.eq_any(IN_FORCE))
            .filter(judge_particulars::birth_date.le(born_until))
            .filter(exists(held))
            .order((judge_particulars::birth_date, judge_particulars::judge_id))
            .select(Aging::as_select())
            .limit(limit)
            .into_boxed();
        if let Some((day, last)) = after {
            // The first part alone is what an index can begin at.
            let is_behind = born_on.gt(day).or(judge_particulars::judge_id.gt(last));
            query = query.filter(judge_particulars::birth_date.ge(day)).filter(is_behind);
        }
        query.load(c)
    })?)
}
