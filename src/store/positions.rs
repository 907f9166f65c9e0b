//! The posts that judges hold and held. Appended, never overwritten: the end of a post is a new record that supersedes
//! the open one.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::schema::{courts, position_specialisations, positions};
use crate::db::Conn;
use crate::domain::ids::{AccountId, ClientId, CourtId, ImportId, JudgeId, PositionId};
use crate::domain::judge_file::{EndedReason, PositionKind, RecordStatus};
use crate::domain::specialisations::Specialisations;
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// A post held, as one record tells it.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = positions, treat_none_as_default_value = false)]
pub struct Position {
    /// The record's id.
    pub id: PositionId,
    /// Who holds it.
    pub judge_id: JudgeId,
    /// At which court.
    pub court_id: CourtId,
    /// What kind of post.
    pub kind: PositionKind,
    /// The act of appointment, if known.
    pub act_ref: Option<String>,
    /// The first day.
    pub starts_on: NaiveDate,
    /// The last day; none while it is held.
    pub ends_on: Option<NaiveDate>,
    /// Why it ended, if it did and the reason is known.
    pub ended_reason: Option<EndedReason>,
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
    pub supersedes_id: Option<PositionId>,
    /// The record's name in its source.
    pub source_record_id: Option<String>,
    /// The law by which it is kept, where the source names one.
    pub legal_basis: Option<String>,
    /// The import that it came in with; none where it was recorded alone.
    pub batch_id: Option<ImportId>,
    /// In what it is specialised, as far as the source tells.
    pub specialisations: Specialisations,
}

/// A post held on some day, with its court: what is asked most often, without what nobody looks at.
#[derive(Debug, Clone, Queryable, Selectable)]
pub struct HeldPost {
    /// The record's id.
    #[diesel(select_expression = positions::id)]
    pub position_id: PositionId,
    /// What kind of post.
    #[diesel(select_expression = positions::kind)]
    pub kind: PositionKind,
    /// The first day.
    #[diesel(select_expression = positions::starts_on)]
    pub starts_on: NaiveDate,
    /// The last day; none while no end is known.
    #[diesel(select_expression = positions::ends_on)]
    pub ends_on: Option<NaiveDate>,
    /// At which court.
    #[diesel(select_expression = positions::court_id)]
    pub court_id: CourtId,
    /// The court's name in Kazakh.
    #[diesel(select_expression = courts::name_kk)]
    pub court_name_kk: String,
    /// The court's name in Russian.
    #[diesel(select_expression = courts::name_ru)]
    pub court_name_ru: String,
    /// The court's name in English, if any.
    #[diesel(select_expression = courts::name_en)]
    pub court_name_en: Option<String>,
    /// The court's version.
    #[diesel(select_expression = courts::version)]
    pub court_version: i64,
    /// How the record stands.
    #[diesel(select_expression = positions::status)]
    pub status: RecordStatus,
    /// In what the post is specialised, as far as is told.
    #[diesel(select_expression = positions::specialisations)]
    pub specialisations: Specialisations,
}

const IN_FORCE: [RecordStatus; 2] = [RecordStatus::Active, RecordStatus::Disputed];

/// Whether a row of `positions` tells of a post held on a day, by a record in force.
///
/// Not `eq_any`: a list of values keeps diesel from preparing the statement once and for all.
macro_rules! is_held_on {
    ($day:expr) => {
        $crate::store::schema::positions::status
            .eq($crate::domain::judge_file::RecordStatus::Active)
            .or($crate::store::schema::positions::status.eq($crate::domain::judge_file::RecordStatus::Disputed))
            .and($crate::store::schema::positions::starts_on.le($day))
            .and(
                $crate::store::schema::positions::ends_on
                    .is_null()
                    .or($crate::store::schema::positions::ends_on.ge($day)),
            )
    };
}
pub(super) use is_held_on;

/// Adds a record; 409 `already_exists` where an open post of the kind is on record.
pub fn insert(conn: &mut Conn, position: &Position) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(positions::table).values(position).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    let id = position_specialisations::position_id.eq(position.id);
    let codes = position.specialisations.codes();
    let found_by: Vec<_> = codes.map(|code| (id, position_specialisations::specialisation.eq(code))).collect();
    if !found_by.is_empty() {
        on!(conn, |c| { diesel::insert_into(position_specialisations::table).values(&found_by).execute(c) })?;
    }
    Ok(())
}

/// The record with this id.
pub fn find(conn: &mut Conn, id: PositionId) -> Result<Option<Position>> {
    Ok(on!(conn, |c| { positions::table.find(id).select(Position::as_select()).first(c).optional() })?)
}

/// The record in force that a system has under this name.
pub fn find_by_source(conn: &mut Conn, source_system: &str, source_record_id: &str) -> Result<Option<Position>> {
    Ok(on!(conn, |c| {
        positions::table
            .filter(positions::source_system.eq(source_system).and(positions::source_record_id.eq(source_record_id)))
            .filter(positions::status.eq_any(IN_FORCE))
            .select(Position::as_select())
            .first(c)
            .optional()
    })?)
}

/// Sets how a record stands.
pub fn set_status(conn: &mut Conn, id: PositionId, status: RecordStatus) -> Result<()> {
    on!(conn, |c| { diesel::update(positions::table.find(id)).set(positions::status.eq(status)).execute(c) })?;
    Ok(())
}

/// Whether a record in force, other than the one that `position` replaces, has a post of its kind on any of its days.
pub fn is_held(conn: &mut Conn, position: &Position) -> Result<bool> {
    let Position { judge_id: judge, kind, starts_on, ends_on, supersedes_id, .. } = *position;
    let last = ends_on.unwrap_or(NaiveDate::MAX);
    let spans: Vec<(PositionId, NaiveDate, Option<NaiveDate>)> = on!(conn, |c| {
        positions::table
            .filter(positions::judge_id.eq(judge).and(positions::kind.eq(kind)))
            .filter(positions::status.eq_any(IN_FORCE))
            .select((positions::id, positions::starts_on, positions::ends_on))
            .load(c)
    })?;
    let mut others = spans.into_iter().filter(|(id, _, _)| Some(*id) != supersedes_id);
    Ok(others.any(|(_, start, end)| start <= last && end.is_none_or(|end| end >= starts_on)))
}

/// A judge's records by id, after `after`, at most `limit`: superseded ones, too.
pub fn list(conn: &mut Conn, judge: JudgeId, after: Option<PositionId>, limit: i64) -> Result<Vec<Position>> {
    Ok(on!(conn, |c| {
        let mut query = positions::table
            .filter(positions::judge_id.eq(judge))
            .select(Position::as_select())
            .order(positions::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(positions::id.gt(after));
        }
        query.load(c)
    })?)
}

/// The posts that a judge holds on a day, earliest first.
pub fn held_on(conn: &mut Conn, judge: JudgeId, day: NaiveDate) -> Result<Vec<HeldPost>> {
    Ok(on!(conn, |c| {
        positions::table
            .inner_join(courts::table.on(courts::id.eq(positions::court_id)))
            .filter(positions::judge_id.eq(judge).and(is_held_on!(day)))
            .order((positions::starts_on, positions::id))
            .select(HeldPost::as_select())
            .limit(10)
            .load(c)
    })?)
}
