//! Judges as staff look for them: by the post that they hold today, in an order of names or days. What a newcomer would get
//! wrong: one plan for every filter. Where a filter names few posts their holders are read, and where it names many the
//! judges are walked in order until the page is full; either way a page costs the same in a large table as in a small one.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::judges::Judge;
use super::positions::is_held_on;
use super::schema::{courts, judges, position_specialisations, positions};
use crate::coded;
use crate::db::Conn;
use crate::domain::ids::{CourtId, JudgeId, PositionId};
use crate::domain::judge_file::{CourtLevel, PositionKind};
use crate::error::{Code, Error, Result};
use crate::on;

/// How many posts are few: so many holders are read at once.
const FEW_POSTS: i64 = 2_000;
/// The most courts that a filter names.
const COURTS_MAX: i64 = 2_000;

coded! {
    /// By what judges are sorted; each is unique with the id behind it.
    JudgeSort {
        /// The order in which they were added.
        Added = "added",
        /// The full name in Kazakh.
        FullNameKk = "full_name_kk",
        /// The full name in Russian.
        FullNameRu = "full_name_ru",
        /// The day of the first appointment.
        FirstAppointedOn = "first_appointed_on",
    }
}

/// Which judges are looked for: all, or those who hold such a post on a day.
#[derive(Debug, Clone)]
pub struct JudgeFilter {
    /// The region of the post's court.
    pub region: Option<String>,
    /// Its level.
    pub level: Option<CourtLevel>,
    /// The court.
    pub court: Option<CourtId>,
    /// The kind of post.
    pub kind: Option<PositionKind>,
    /// In what the post is specialised.
    pub specialisation: Option<String>,
    /// The day on which it is held.
    pub day: NaiveDate,
}

/// Where a judge stands in an order.
pub struct Place {
    /// What the judge is sorted by; nothing in the order in which they were added.
    pub value: String,
    /// The judge.
    pub id: JudgeId,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.value)
    }
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Place> {
        let refused = || Error::from(Code::BadCursor);
        let (id, value) = text.split_once(' ').ok_or_else(refused)?;
        Ok(Place { value: value.to_owned(), id: id.parse().map_err(|_| refused())? })
    }
}

/// Whose posts a filter names.
enum Holders {
    /// Anybody's, with a post or without.
    Anybodys,
    /// Those of these judges alone.
    Few(Vec<JudgeId>),
    /// Those at these courts, or at any court.
    At(Option<Vec<CourtId>>),
}

/// The judges of a filter in the order of `sort`, after `after`, at most `limit`.
pub fn list(
    conn: &mut Conn,
    filter: &JudgeFilter,
    sort: JudgeSort,
    after: Option<&Place>,
    limit: i64,
) -> Result<Vec<Judge>> {
    let holders = holders(conn, filter)?;
    let day = after
        .filter(|_| sort == JudgeSort::FirstAppointedOn)
        .map(|place| place.value.parse::<NaiveDate>().map_err(|_| Error::from(Code::BadCursor)))
        .transpose()?;
    Ok(on!(conn, |c| {
        let mut query = judges::table.select(Judge::as_select()).limit(limit).into_boxed();
        query = match &holders {
            Holders::Anybodys => query,
            Holders::Few(few) => query.filter(judges::id.eq_any(few)),
            Holders::At(at) => {
                let is_anywhere = at.is_none().into_sql::<Bool>();
                let is_any_kind = filter.kind.is_none().into_sql::<Bool>();
                let (at, kind) = (at.clone().unwrap_or_default(), filter.kind.unwrap_or(PositionKind::Judge));
                let is_any_specialisation = filter.specialisation.is_none().into_sql::<Bool>();
                let told = position_specialisations::table
                    .filter(position_specialisations::position_id.eq(positions::id))
                    .filter(
                        position_specialisations::specialisation.eq(filter.specialisation.clone().unwrap_or_default()),
                    );
                let held = positions::table
                    .filter(positions::judge_id.eq(judges::id))
                    .filter(is_held_on!(filter.day))
                    .filter(is_anywhere.or(positions::court_id.eq_any(at)))
                    .filter(is_any_kind.or(positions::kind.eq(kind)))
                    .filter(is_any_specialisation.or(exists(told)));
                query.filter(exists(held))
            }
        };
        // Of each pair of conditions the first is what an index can begin at.
        query = match sort {
            JudgeSort::Added => query.order(judges::id),
            JudgeSort::FullNameKk => query.order((judges::full_name_kk, judges::id)),
            JudgeSort::FullNameRu => query.order((judges::full_name_ru, judges::id)),
            JudgeSort::FirstAppointedOn => query.order((judges::first_appointed_on, judges::id)),
        };
        if let Some(Place { value, id }) = after {
            query = match (sort, day) {
                (JudgeSort::Added, _) => query.filter(judges::id.gt(*id)),
                (JudgeSort::FullNameKk, _) => query
                    .filter(judges::full_name_kk.ge(value))
                    .filter(judges::full_name_kk.gt(value).or(judges::id.gt(*id))),
                (JudgeSort::FullNameRu, _) => query
                    .filter(judges::full_name_ru.ge(value))
                    .filter(judges::full_name_ru.gt(value).or(judges::id.gt(*id))),
                (JudgeSort::FirstAppointedOn, Some(day)) => query
                    .filter(judges::first_appointed_on.ge(day))
                    .filter(judges::first_appointed_on.gt(day).or(judges::id.gt(*id))),
                (JudgeSort::FirstAppointedOn, None) => query,
            };
        }
        query.load(c)
    })?)
}

/// Few holders are found by the courts; of many no list is made.
fn holders(conn: &mut Conn, filter: &JudgeFilter) -> Result<Holders> {
    let JudgeFilter { region, level, court, kind, specialisation, .. } = filter;
    let is_of_courts = region.is_some() || level.is_some() || court.is_some();
    if !is_of_courts {
        if let Some(few) = few_of(conn, specialisation.as_deref(), filter)? {
            return Ok(Holders::Few(few));
        }
        let is_of_posts = kind.is_some() || specialisation.is_some();
        return Ok(if is_of_posts { Holders::At(None) } else { Holders::Anybodys });
    }
    let found: Vec<(CourtId, i32)> = on!(conn, |c| {
        let mut query = courts::table.select((courts::id, courts::posts)).limit(COURTS_MAX).into_boxed();
        if let Some(court) = court {
            query = query.filter(courts::id.eq(*court));
        }
        if let Some(region) = region {
            query = query.filter(courts::region.eq(region));
        }
        if let Some(level) = level {
            query = query.filter(courts::level.eq(*level));
        }
        query.load(c)
    })?;
    let post_count: i64 = found.iter().map(|(_, posts)| i64::from(*posts)).sum();
    let at: Vec<CourtId> = found.into_iter().map(|(id, _)| id).collect();
    if post_count > FEW_POSTS {
        return Ok(Holders::At(Some(at)));
    }
    let few: Vec<JudgeId> = on!(conn, |c| {
        let mut query = positions::table
            .filter(positions::court_id.eq_any(at))
            .filter(is_held_on!(filter.day))
            .select(positions::judge_id)
            .into_boxed();
        if let Some(kind) = kind {
            query = query.filter(positions::kind.eq(*kind));
        }
        if let Some(specialisation) = specialisation {
            let told = position_specialisations::table
                .filter(position_specialisations::position_id.eq(positions::id))
                .filter(position_specialisations::specialisation.eq(specialisation));
            query = query.filter(exists(told));
        }
        query.load(c)
    })?;
    Ok(Holders::Few(few))
}

/// The holders of posts of a specialisation, where the records of it are few.
fn few_of(conn: &mut Conn, specialisation: Option<&str>, filter: &JudgeFilter) -> Result<Option<Vec<JudgeId>>> {
    let Some(specialisation) = specialisation else { return Ok(None) };
    let told: Vec<PositionId> = on!(conn, |c| {
        position_specialisations::table
            .filter(position_specialisations::specialisation.eq(specialisation))
            .select(position_specialisations::position_id)
            .limit(FEW_POSTS + 1)
            .load(c)
    })?;
    if i64::try_from(told.len()).map_err(Error::internal)? > FEW_POSTS {
        return Ok(None);
    }
    if told.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let few = on!(conn, |c| {
        let mut query = positions::table
            .filter(positions::id.eq_any(told))
            .filter(is_held_on!(filter.day))
            .select(positions::judge_id)
            .into_boxed();
        if let Some(kind) = filter.kind {
            query = query.filter(positions::kind.eq(kind));
        }
        query.load(c)
    })?;
    Ok(Some(few))
}
