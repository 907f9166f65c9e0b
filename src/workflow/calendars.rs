//! Entering the working-day calendar of a year. A newcomer's usual mistake is to move the days of a cycle that was
//! announced: they were told to its judges, and only those of cycles in draft follow the new calendar.

use chrono::{DateTime, Utc};

use super::cycles;
use crate::db::Conn;
use crate::domain::calendar::years::CalendarYear;
use crate::domain::cycle::Phase;
use crate::domain::cycle::dates::CycleDates;
use crate::domain::ids;
use crate::domain::ids::WorkCalendarId;
use crate::domain::policy::Actor;
use crate::error::Result;
use crate::store;
use crate::store::work_calendars::WorkCalendarRow;

/// Adds a version of a year's calendar, and counts the days of cycles in draft anew.
pub fn enter(
    conn: &mut Conn,
    actor: &Actor,
    year: &CalendarYear,
    source: &str,
    now: DateTime<Utc>,
) -> Result<WorkCalendarRow> {
    let version = store::work_calendars::newest(conn, year.year)?.map_or(1, |newest| newest.version.saturating_add(1));
    let row = WorkCalendarRow {
        id: WorkCalendarId(ids::new_at(now)),
        year: year.year,
        version,
        moves_weekend_holidays: year.moves_weekend_holidays,
        source: source.to_owned(),
        entered_by: actor.account_id,
        entered_at: now.naive_utc(),
    };
    store::work_calendars::insert(conn, &row, &year.days)?;
    let entry = store::audit::NewEntry::new(Some(actor.account_id), "create_work_calendar", "work_calendar", row.id);
    store::audit::record(conn, entry, now)?;
    let calendar = store::work_calendars::load(conn)?;
    for id in store::cycles::in_phase(conn, Phase::Draft)? {
        let loaded = cycles::load(conn, id)?;
        let dates = CycleDates::derive(&loaded.methodology, loaded.dates.starts_on, &calendar);
        if dates != loaded.dates {
            let mut cycle = loaded.cycle;
            store::cycles::set_dates(conn, id, &dates)?;
            // What was asked for of the cycle was asked for with its old days.
            store::cycles::update(conn, &mut cycle)?;
            let entry = store::audit::NewEntry::new(Some(actor.account_id), "move_days_of_draft", "cycle", id);
            store::audit::record(conn, entry, now)?;
        }
    }
    Ok(row)
}
