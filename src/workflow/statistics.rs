//! The yearly figures for the Council, from the published results of the year's closed cycles. What a newcomer would get
//! wrong: to read the exact scores. Only what was published of a result is put together, so that no figure knows more than
//! all who may read the results do.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, Utc};

use super::issuance::methodology_of;
use crate::db::Conn;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::cycle::Phase;
use crate::domain::ids::{CycleId, JudgeId};
use crate::domain::particulars::Sex;
use crate::domain::policy::Actor;
use crate::domain::scoring::publication::Published;
use crate::domain::service::service_years_hundredths;
use crate::domain::spans::Span;
use crate::domain::statistics::{GroupDimension, Material, Statistics, Subject, seniority};
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::results::ResultStatus;
use crate::store::statistics::{Evaluated, YearRow};

/// So many judges are looked at in one question to the database.
const JUDGES_AT_ONCE: usize = 500;
/// The first year that there can be figures of.
const YEAR_FIRST: i32 = 2000;

/// Of what the figures of a year are made, read beside all writes; nothing where they are made already.
///
/// # Errors
/// 422 before the year is over.
pub fn material(conn: &mut Conn, year: i32, now: DateTime<Utc>) -> Result<Option<Material>> {
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    if !(YEAR_FIRST..today.year()).contains(&year) {
        let (min, max) = (i64::from(YEAR_FIRST), i64::from(today.year() - 1));
        return Err(Error::invalid("/year", Rule::Range { min, max }));
    }
    if store::statistics::find(conn, year)?.is_some() {
        return Ok(None);
    }
    of_year(conn, year).map(Some)
}

/// Keeps the figures of a year, once.
///
/// # Errors
/// 409 `already_exists` where they are made already.
pub fn keep(
    conn: &mut Conn,
    actor: &Actor,
    year: i32,
    figures: Option<&Statistics>,
    now: DateTime<Utc>,
) -> Result<YearRow> {
    let figures = figures.ok_or(Code::AlreadyExists)?;
    let document = serde_json::to_string(figures).map_err(Error::internal)?;
    let row = YearRow { year, document, made_by: actor.account_id, made_at: now.naive_utc() };
    store::statistics::insert(conn, &row)?;
    Ok(row)
}

/// The figures as they were made.
pub fn read(row: &YearRow) -> Result<Statistics> {
    serde_json::from_str(&row.document).map_err(Error::internal)
}

fn of_year(conn: &mut Conn, year: i32) -> Result<Material> {
    let cycles = store::statistics::closed(conn, year_begin(year)?, year_begin(year + 1)?)?;
    let mut material = Material { cycle_count: cycles.len(), ..Material::default() };
    // Of a judge who was evaluated twice the later result stands for both: each judge is one subject.
    let mut subjects: BTreeMap<JudgeId, Subject> = BTreeMap::new();
    for id in cycles {
        let evaluated = store::statistics::evaluated(conn, id)?;
        let scale = scale(conn, id)?;
        let on = reported_on(conn, id)?;
        for some in evaluated.chunks(JUDGES_AT_ONCE) {
            material.kinds.extend(some.iter().map(|one| one.kind.as_str()));
            material.statuses.extend(some.iter().map(|one| one.result.status.as_str()));
            subjects.extend(subjects_of(conn, some, on)?);
        }
        let has_figures = evaluated.iter().any(|one| one.result.status == ResultStatus::Ok);
        material.scales.extend(scale.filter(|scale| has_figures && !material.scales.contains(scale)));
    }
    material.subjects = subjects.into_values().collect();
    Ok(material)
}

/// The instant (UTC) at which a year begins in Kazakhstan.
fn year_begin(year: i32) -> Result<NaiveDateTime> {
    let day = NaiveDate::from_ymd_opt(year, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
    let midnight = day.ok_or_else(|| Error::internal("a year that has no first day"))?;
    Ok(midnight - Duration::minutes(i64::from(KAZAKHSTAN_UTC_OFFSET_MINUTES)))
}

/// The ends of a cycle's scale; none of a developmental methodology.
fn scale(conn: &mut Conn, id: CycleId) -> Result<Option<(i64, i64)>> {
    let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
    let (methodology, _) = methodology_of(conn, &cycle)?;
    Ok(methodology.scale.map(|scale| (i64::from(scale.min), i64::from(scale.max))))
}

/// The day on which a cycle began to report: groups are as they were then.
fn reported_on(conn: &mut Conn, id: CycleId) -> Result<NaiveDate> {
    let at = store::cycles::entered_at(conn, id, Phase::Reporting)?;
    let at = at.ok_or_else(|| Error::internal("a closed cycle that never reported"))?;
    Ok(date_at(at.and_utc(), KAZAKHSTAN_UTC_OFFSET_MINUTES))
}

/// The judges whose result may ground a decision, with their groups on a day.
fn subjects_of(conn: &mut Conn, evaluated: &[Evaluated], on: NaiveDate) -> Result<Vec<(JudgeId, Subject)>> {
    let judges: Vec<JudgeId> = evaluated.iter().map(|one| one.judge_id).collect();
    let known = store::statistics::backgrounds(conn, &judges, on)?;
    let sexes: HashMap<JudgeId, Sex> = known.sexes.into_iter().collect();
    let mut courts = HashMap::new();
    for (judge, region, level) in known.courts {
        courts.entry(judge).or_insert((region, level));
    }
    let (posts, suspensions) = (grouped(known.posts), grouped(known.suspensions));
    let none = Vec::new();
    let mut subjects = Vec::with_capacity(evaluated.len());
    for Evaluated { judge_id, result, .. } in evaluated {
        let release = result.release()?;
        let Published::Ok { overall, .. } = release.published() else { continue };
        let court = courts.get(judge_id);
        let groups = GroupDimension::ALL.iter().map(|dimension| match dimension {
            GroupDimension::Sex => sexes.get(judge_id).map(|sex| sex.as_str().to_owned()),
            GroupDimension::Region => court.map(|(region, _)| region.clone()),
            GroupDimension::Level => court.map(|(_, level)| level.as_str().to_owned()),
            GroupDimension::Seniority => posts.get(judge_id).map(|posts| {
                let suspended = suspensions.get(judge_id).unwrap_or(&none);
                seniority(service_years_hundredths(posts, suspended, on)).to_owned()
            }),
        });
        let groups: Vec<Option<String>> = groups.collect();
        let groups = groups.try_into().map_err(|_| Error::internal("a judge has a group of each dimension"))?;
        subjects.push((*judge_id, Subject { point: overall.point, band: overall.band, groups }));
    }
    Ok(subjects)
}

fn grouped(pairs: Vec<(JudgeId, Span)>) -> HashMap<JudgeId, Vec<Span>> {
    let mut groups: HashMap<JudgeId, Vec<Span>> = HashMap::new();
    for (judge, span) in pairs {
        groups.entry(judge).or_default().push(span);
    }
    groups
}
