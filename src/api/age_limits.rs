//! Who reaches the age limit of office, and when. What a newcomer would get wrong: to add a filter by birth date to the list
//! of judges, where asking often enough would tell the date of anybody. Here each name on a page is a reading of that
//! judge's file, for a personnel matter, which the judge sees.

use std::fmt;
use std::str::FromStr;

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{PageOf, PageQuery};
use super::lists::Answering;
use crate::db::Conn;
use crate::domain::calendar::date_at;
use crate::domain::ids::JudgeId;
use crate::domain::judge_file::{Check, FilePurpose, RecordStatus};
use crate::domain::particulars::{age_reached_on, born_until};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::problem::responses::PlanReadProblems;
use crate::store;
use crate::workflow;
use crate::workflow::lists::List;
use crate::workflow::planning::year_end;

/// Until when, and how many.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AgeLimitsQuery {
    /// Judges who reach the limit until this day; the last day of this year where none is named.
    until: Option<NaiveDate>,
    /// How many items at most: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// A judge in office with the day of the age limit.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "full_name_en": null, "status": "active", "age_limit_on": "2027-06-15"}))]
pub struct AgeLimitView {
    /// The judge.
    judge_id: JudgeId,
    /// The full name in Kazakh.
    #[schema(max_length = 200)]
    full_name_kk: String,
    /// The full name in Russian.
    #[schema(max_length = 200)]
    full_name_ru: String,
    /// The full name in English, or null.
    #[schema(max_length = 200)]
    full_name_en: Option<String>,
    /// `active`, or `disputed` while the correction of the birth date is asked for.
    status: RecordStatus,
    /// The day on which the judge reaches the limit; an extension by the Council is not known here.
    age_limit_on: NaiveDate,
}

/// List who reaches the age limit.
///
/// For secretaries: the judges in office whose birth date is known and who reach the limit of the methodology in force
/// (`age_limit_years`) until a day, those past it included, the first one first. Each page is a reading of the file of each
/// judge who is named on it, for a personnel matter. 409 `methodology_not_in_force` where none is published and in force,
/// `guard_not_met` where it names no limit.
#[utoipa::path(tag = "judges", params(AgeLimitsQuery),
    responses((status = 200, body = PageOf<AgeLimitView>), PlanReadProblems))]
#[get("/age-limits")]
pub async fn list_age_limits(
    actor: Actor,
    query: web::Query<AgeLimitsQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let query = query.into_inner();
    let list = list(&actor, &query, answering.now())?;
    answering.list(actor, list, PageQuery { limit: query.limit, cursor: query.cursor }).await
}

/// Who reaches the age limit until a day, for whoever may see birth dates.
pub fn list(actor: &Actor, query: &AgeLimitsQuery, now: DateTime<Utc>) -> Result<List> {
    policy::records::may_list_age_limits(actor)?;
    let until = query.until;
    let mut check = Check::default();
    if let Some(until) = until {
        check.date("until", until);
    }
    check.parameters()?;
    let find = move |conn: &mut Conn, after: Option<Place>, limit: i64| {
        let (_, methodology) = workflow::methodologies::in_force(conn, now)?;
        let limits = &methodology.time_limits;
        let today = date_at(now, limits.utc_offset_minutes);
        let unknown = || Error::hinted(Code::GuardNotMet, Hint::new("age_limit_is_unknown"));
        let years = limits.age_limit_years.ok_or_else(unknown)?;
        let last = born_until(until.unwrap_or_else(|| year_end(today.year())), years);
        let after = after.map(|Place(day, id)| (day, id));
        let found = store::particulars::list_born_until(conn, last, today, after, limit)?;
        Ok(found.into_iter().map(|row| (row, years)).collect::<Vec<_>>())
    };
    let list = List::of_names(
        "list_age_limits",
        format!("age-limits {until:?}"),
        find,
        |(row, _)| Place(row.birth_date, row.judge_id),
        |(row, _)| row.judge_id,
        |(row, years)| AgeLimitView {
            judge_id: row.judge_id,
            full_name_kk: row.full_name_kk,
            full_name_ru: row.full_name_ru,
            full_name_en: row.full_name_en,
            status: row.status,
            age_limit_on: age_reached_on(row.birth_date, years),
        },
    );
    Ok(list.read_by_page(FilePurpose::Personnel))
}

/// The place of a judge among those who reach the limit; a cursor is sealed, so the birth date in it is not readable.
struct Place(NaiveDate, JudgeId);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Place> {
        let refused = || Error::from(Code::BadCursor);
        let (born_on, id) = text.split_once(' ').ok_or_else(refused)?;
        Ok(Place(born_on.parse().map_err(|_| refused())?, id.parse().map_err(|_| refused())?))
    }
}
