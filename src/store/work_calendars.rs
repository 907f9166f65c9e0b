//! The working-day calendars of the years, each entry a version that stays. A newcomer's usual mistake is to look for an
//! update: what was wrong is entered anew, and the newest version of a year counts.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::schema::{work_calendar_days, work_calendars};
use crate::db::Conn;
use crate::domain::calendar::WorkCalendar;
use crate::domain::calendar::years::{CalendarDay, CalendarYear, DayKind};
use crate::domain::ids::{AccountId, WorkCalendarId};
use crate::error::Result;
use crate::on;

/// A version of a year's calendar, without its days.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = work_calendars, treat_none_as_default_value = false)]
pub struct WorkCalendarRow {
    /// Its id.
    pub id: WorkCalendarId,
    /// The year.
    pub year: i32,
    /// Its number among the entries of the year, from 1.
    pub version: i32,
    /// Whether a public holiday at a weekend gives the next working day off.
    pub moves_weekend_holidays: bool,
    /// The law and the decision that it was entered from.
    pub source: String,
    /// By whom.
    pub entered_by: AccountId,
    /// When.
    pub entered_at: NaiveDateTime,
}

/// One day of a version.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = work_calendar_days, treat_none_as_default_value = false)]
struct DayRow {
    calendar_id: WorkCalendarId,
    day: NaiveDate,
    kind: DayKind,
    name_kk: String,
    name_ru: String,
    name_en: Option<String>,
}

/// Adds a version with its days.
pub fn insert(conn: &mut Conn, row: &WorkCalendarRow, days: &[CalendarDay]) -> Result<()> {
    let days: Vec<DayRow> = days
        .iter()
        .map(|day| DayRow {
            calendar_id: row.id,
            day: day.date,
            kind: day.kind,
            name_kk: day.name_kk.clone(),
            name_ru: day.name_ru.clone(),
            name_en: day.name_en.clone(),
        })
        .collect();
    on!(conn, |c| {
        diesel::insert_into(work_calendars::table).values(row).execute(c)?;
        diesel::insert_into(work_calendar_days::table).values(&days).execute(c)
    })?;
    Ok(())
}

/// The newest version of a year.
pub fn newest(conn: &mut Conn, year: i32) -> Result<Option<WorkCalendarRow>> {
    Ok(on!(conn, |c| {
        work_calendars::table
            .filter(work_calendars::year.eq(year))
            .order(work_calendars::version.desc())
            .select(WorkCalendarRow::as_select())
            .first(c)
            .optional()
    })?)
}

/// Versions by id, after `after`, at most `limit`: those that a newer one replaced, too.
pub fn list(conn: &mut Conn, after: Option<WorkCalendarId>, limit: i64) -> Result<Vec<WorkCalendarRow>> {
    Ok(on!(conn, |c| {
        let mut query = work_calendars::table
            .select(WorkCalendarRow::as_select())
            .order(work_calendars::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(work_calendars::id.gt(after));
        }
        query.load(c)
    })?)
}

/// The days of a version, in their order.
pub fn days(conn: &mut Conn, id: WorkCalendarId) -> Result<Vec<CalendarDay>> {
    let rows: Vec<DayRow> = on!(conn, |c| {
        work_calendar_days::table
            .filter(work_calendar_days::calendar_id.eq(id))
            .order(work_calendar_days::day)
            .select(DayRow::as_select())
            .load(c)
    })?;
    let days = rows.into_iter().map(|row| CalendarDay {
        date: row.day,
        kind: row.kind,
        name_kk: row.name_kk,
        name_ru: row.name_ru,
        name_en: row.name_en,
    });
    Ok(days.collect())
}

/// All years that are on record, each in its newest version: a few days a year, so all of them are one calendar.
pub fn load(conn: &mut Conn) -> Result<WorkCalendar> {
    let rows: Vec<WorkCalendarRow> = on!(conn, |c| {
        work_calendars::table
            .order((work_calendars::year, work_calendars::version.desc()))
            .select(WorkCalendarRow::as_select())
            .load(c)
    })?;
    let mut calendar = WorkCalendar::default();
    for row in rows {
        // Of each year the newest version comes first.
        if !calendar.known_years.contains(&row.year) {
            let days = days(conn, row.id)?;
            let year = CalendarYear { year: row.year, moves_weekend_holidays: row.moves_weekend_holidays, days };
            year.add_to(&mut calendar);
        }
    }
    Ok(calendar)
}
