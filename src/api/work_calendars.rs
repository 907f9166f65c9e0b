//! The working-day calendars of the years. A newcomer's usual mistake is to look for an update: a calendar that was wrong is
//! entered anew, with its source, and the newest one of a year counts.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once};
use super::lists::Answering;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::years::{CalendarDay, CalendarYear};
use crate::domain::ids::{AccountId, WorkCalendarId};
use crate::domain::judge_file::Check;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Result};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::work_calendars::WorkCalendarRow;
use crate::workflow;
use crate::workflow::lists::List;

/// The longest name of a source, in characters.
const SOURCE_LENGTH_MAX: usize = 1000;

/// The calendar of a year.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"year": 2027, "moves_weekend_holidays": true, "source": "Law on holidays; decision of the government on moving days of rest in 2027", "days": [{"date": "2027-03-08", "kind": "public_holiday", "name_kk": "Халықаралық әйелдер күні", "name_ru": "Международный женский день", "name_en": "International Women's Day"}, {"date": "2027-05-16", "kind": "day_off", "name_kk": "Құрбан айттың бірінші күні", "name_ru": "Первый день Курбан айта", "name_en": null}]}))]
pub struct NewWorkCalendar {
    /// The year.
    #[schema(minimum = 2000, maximum = 2999)]
    year: i32,
    /// Whether a public holiday at a weekend gives the next working day off.
    moves_weekend_holidays: bool,
    /// The law and the government's decision that it comes from.
    #[schema(min_length = 1, max_length = 1000)]
    source: String,
    /// The days on which the year differs from plain weeks, each once.
    #[schema(min_items = 1, max_items = 100)]
    days: Vec<CalendarDay>,
}

/// A version of a year's calendar.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "year": 2027, "version": 1, "moves_weekend_holidays": true, "source": "Law on holidays", "days": [{"date": "2027-03-08", "kind": "public_holiday", "name_kk": "Халықаралық әйелдер күні", "name_ru": "Международный женский день", "name_en": null}], "entered_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "entered_at": "2027-01-11T04:30:00Z"}))]
pub struct WorkCalendarView {
    /// Its id.
    id: WorkCalendarId,
    /// The year.
    #[schema(minimum = 2000, maximum = 2999)]
    year: i32,
    /// Its number among the entries of the year; the greatest one counts.
    #[schema(minimum = 1)]
    version: i32,
    /// Whether a public holiday at a weekend gives the next working day off.
    moves_weekend_holidays: bool,
    /// The law and the government's decision that it comes from.
    #[schema(max_length = 1000)]
    source: String,
    /// The days on which the year differs from plain weeks.
    #[schema(max_items = 100)]
    days: Vec<CalendarDay>,
    /// Who entered it.
    entered_by: AccountId,
    /// When.
    entered_at: DateTime<Utc>,
}

impl WorkCalendarView {
    fn new((row, days): (WorkCalendarRow, Vec<CalendarDay>)) -> Self {
        WorkCalendarView {
            id: row.id,
            year: row.year,
            version: row.version,
            moves_weekend_holidays: row.moves_weekend_holidays,
            source: row.source,
            days,
            entered_by: row.entered_by,
            entered_at: row.entered_at.and_utc(),
        }
    }
}

fn with_days(conn: &mut Conn, row: WorkCalendarRow) -> Result<(WorkCalendarRow, Vec<CalendarDay>)> {
    let days = store::work_calendars::days(conn, row.id)?;
    Ok((row, days))
}

/// Enter the working-day calendar of a year.
///
/// For secretaries: public holidays by law, days off by law, days moved by the government's decision. A second entry for
/// a year replaces the first, which stays readable. Every deadline in working days is counted by it from now on; the days of
/// cycles in `draft` are counted anew, those of announced cycles stay as they were told.
#[utoipa::path(tag = "planning", params(IdempotencyKeyHeader), request_body = NewWorkCalendar,
    responses((status = 201, body = WorkCalendarView), CreateProblems))]
#[post("/work-calendars")]
pub async fn create_work_calendar(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    key: IdempotencyKey,
    new: Valid<NewWorkCalendar>,
) -> Result<HttpResponse> {
    policy::planning::may_enter_calendars(&actor)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    let year = CalendarYear { year: new.year, moves_weekend_holidays: new.moves_weekend_holidays, days: new.days };
    let mut check = Check::default();
    year.check(&mut check);
    check.text("/source", &new.source, SOURCE_LENGTH_MAX);
    check.done()?;
    let deed = Deed { by: actor.id(), operation: "create_work_calendar", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let row = workflow::calendars::enter(conn, &actor, &year, &new.source, now)?;
        let view = WorkCalendarView::new(with_days(conn, row)?);
        Reply::created(format!("/v1/work-calendars/{}", view.year), None, &view)
    })
    .await
}

/// List the working-day calendars.
///
/// For everybody but administrators, in the order of their entry, replaced versions included.
#[utoipa::path(tag = "planning", params(PageQuery),
    responses((status = 200, body = PageOf<WorkCalendarView>), ReadProblems))]
#[get("/work-calendars")]
pub async fn list_work_calendars(
    actor: Actor,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor)?;
    answering.list(actor, list, query.into_inner()).await
}

/// The calendars of all years with their versions.
pub fn list(actor: &Actor) -> Result<List> {
    policy::may_read_catalogues(actor)?;
    let find = |conn: &mut Conn, after: Option<WorkCalendarId>, limit| {
        let rows = store::work_calendars::list(conn, after, limit)?;
        rows.into_iter().map(|row| with_days(conn, row)).collect::<Result<Vec<_>>>()
    };
    let view = WorkCalendarView::new;
    Ok(List::new("list_work_calendars", "work-calendars", find, |(row, _)| row.id, view))
}

/// Get the working-day calendar of a year.
///
/// For everybody but administrators: its newest version. 404 where none is on record; through such a year deadlines are
/// counted by weekends alone, which whatever shows them says.
#[utoipa::path(tag = "planning", params(("year" = i32, Path, description = "The year.", minimum = 2000, maximum = 2999, example = 2027)),
    responses((status = 200, body = WorkCalendarView), ReadProblems))]
#[get("/work-calendars/{year}")]
pub async fn get_work_calendar(
    actor: Actor,
    registry: web::Data<Registry>,
    year: web::Path<i32>,
) -> Result<HttpResponse> {
    policy::may_read_catalogues(&actor)?;
    let year = year.into_inner();
    let found = registry
        .0
        .read(move |conn| {
            let row = store::work_calendars::newest(conn, year)?.ok_or(Code::NotFound)?;
            with_days(conn, row)
        })
        .await?;
    Ok(HttpResponse::Ok().json(WorkCalendarView::new(found)))
}
