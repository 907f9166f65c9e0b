//! Figures over all evaluations of a year, for the Council's yearly report. What a newcomer would get wrong: to add a filter.
//! Two answers with different filters are a difference, and a difference may be one judge; so a year is made once, whole.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once};
use super::lists::Answering;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::ids::AccountId;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::domain::statistics::{EvaluationCount, FiguresWithheld, Group, GroupDimension, OverallResults, figures};
use crate::error::{Code, Error, Result};
use crate::problem::middleware::Caller;
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::audit::NewEntry;
use crate::store::statistics::YearRow;
use crate::texts::{Language, plain};
use crate::workflow;
use crate::workflow::lists::List;

/// Of which year.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"year": 2026}))]
pub struct NewStatistics {
    /// A year that is over.
    #[schema(minimum = 2000, maximum = 2999)]
    year: i32,
}

/// The figures of a year, of the whole system alone.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"year": 2026, "note": "These figures are of the whole system. They say nothing about any judge or court.", "cycle_count": 2, "evaluation_count": 391, "kinds": [{"code": "periodic", "count": 371}], "statuses": [{"code": "ok", "count": 371}], "withheld": null, "overall": null, "groups": [], "made_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "made_at": "2027-01-11T04:30:00Z"}))]
pub struct StatisticsView {
    /// The year in which the cycles were closed.
    year: i32,
    /// What the figures are and what they are not, in the caller's language.
    #[schema(max_length = 1000)]
    note: String,
    /// The cycles that were closed in it.
    #[schema(minimum = 0)]
    cycle_count: usize,
    /// Their evaluations, without those that were cancelled.
    #[schema(minimum = 0)]
    evaluation_count: usize,
    /// The same by kind.
    #[schema(max_items = 20)]
    kinds: Vec<EvaluationCount>,
    /// The same by what the result may be used for.
    #[schema(max_items = 10)]
    statuses: Vec<EvaluationCount>,
    /// Why there are no figures of results, or null.
    withheld: Option<FiguresWithheld>,
    /// All results that may ground a decision together, one of each judge, or null.
    overall: Option<OverallResults>,
    /// Groups of judges beside all others, in no order of merit.
    #[schema(max_items = 1000)]
    groups: Vec<GroupView>,
    /// Who had the figures made.
    made_by: AccountId,
    /// When.
    made_at: DateTime<Utc>,
}

/// A group of judges beside all others; all figures are null where it is held back.
#[derive(Clone, Serialize, ToSchema)]
#[schema(example = json!({"dimension": "sex", "group": "f", "is_held_back": false, "subject_count": 164, "mean_hundredths": 365, "other_count": 207, "other_mean_hundredths": 378, "difference_hundredths": -13, "difference_lo_hundredths": -22, "difference_hi_hundredths": -3, "is_distinguishable": true}))]
pub struct GroupView {
    /// By what judges are grouped.
    dimension: GroupDimension,
    /// Which group; `not_known` where that is not known of thirty and more.
    #[schema(max_length = 100)]
    group: String,
    /// Whether nothing is shown: the group or all others together are fewer than thirty, or its figures would, with others,
    /// tell of fewer than thirty, or of fewer than five.
    is_held_back: bool,
    /// The judges of the group, or null.
    #[schema(minimum = 30)]
    subject_count: Option<usize>,
    /// The mean of their published points in hundredths, or null.
    mean_hundredths: Option<i64>,
    /// All other judges, or null.
    #[schema(minimum = 30)]
    other_count: Option<usize>,
    /// The mean of theirs, or null.
    other_mean_hundredths: Option<i64>,
    /// The first mean less the second, or null.
    difference_hundredths: Option<i64>,
    /// The lower end of the difference's 95 % interval, or null.
    difference_lo_hundredths: Option<i64>,
    /// Its upper end, or null.
    difference_hi_hundredths: Option<i64>,
    /// Whether the interval leaves out 0, or null.
    is_distinguishable: Option<bool>,
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        let shown = group.comparison;
        let shown = shown.as_ref();
        GroupView {
            dimension: group.dimension,
            group: group.code,
            is_held_back: shown.is_none(),
            subject_count: shown.map(|shown| shown.subject_count),
            mean_hundredths: shown.map(|shown| shown.mean_hundredths),
            other_count: shown.map(|shown| shown.other_count),
            other_mean_hundredths: shown.map(|shown| shown.other_mean_hundredths),
            difference_hundredths: shown.map(|shown| shown.difference_hundredths),
            difference_lo_hundredths: shown.map(|shown| shown.difference_lo_hundredths),
            difference_hi_hundredths: shown.map(|shown| shown.difference_hi_hundredths),
            is_distinguishable: shown.map(|shown| shown.is_distinguishable),
        }
    }
}

impl StatisticsView {
    fn new(row: &YearRow, language: Language) -> Result<StatisticsView> {
        let figures = workflow::statistics::read(row)?;
        let note = plain(language, "statistics-note").ok_or_else(|| Error::internal("the note has no text"))?;
        Ok(StatisticsView {
            year: row.year,
            note: note.to_owned(),
            cycle_count: figures.cycle_count,
            evaluation_count: figures.evaluation_count,
            kinds: figures.kinds,
            statuses: figures.statuses,
            withheld: figures.withheld,
            overall: figures.overall,
            groups: figures.groups.into_iter().map(GroupView::from).collect(),
            made_by: row.made_by,
            made_at: row.made_at.and_utc(),
        })
    }
}

/// Have the figures of a year made.
///
/// For secretaries, once, when the year is over: counts of the evaluations of the cycles that were closed in it, the mean of
/// the published results of at least thirty judges, and for groups of at least thirty beside at least thirty others whether
/// their means differ. Groups are as they were when a cycle began to report. What is known later changes nothing of it. 422
/// before the year is over; 409 `already_exists` where its figures are made.
#[utoipa::path(tag = "statistics", params(IdempotencyKeyHeader), request_body = NewStatistics,
    responses((status = 201, body = StatisticsView), CreateProblems))]
#[post("/statistics")]
pub async fn create_statistics(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    key: IdempotencyKey,
    new: Valid<NewStatistics>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    policy::statistics::may_make_statistics(&actor)?;
    let now = clock.now();
    let language = Caller::of(&request).language();
    let Valid { body: NewStatistics { year }, digest } = new;
    let material = registry.0.read(move |conn| workflow::statistics::material(conn, year, now)).await?;
    // What all figures together would tell takes a while to find out, and holds up nobody.
    let made = tokio::task::spawn_blocking(move || material.map(figures)).await.map_err(Error::internal)?;
    let deed = Deed { by: actor.id(), operation: "create_statistics", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let row = workflow::statistics::keep(conn, &actor, year, made.as_ref(), now)?;
        let entry = NewEntry::new(Some(actor.account_id), "create_statistics", "statistics", year);
        store::audit::record(conn, entry, now)?;
        Reply::created(format!("/v1/statistics/{year}"), None, &StatisticsView::new(&row, language)?)
    })
    .await
}

/// Get the figures of a year.
///
/// For auditors and secretaries; each reading is on record. 404 until they are made.
#[utoipa::path(tag = "statistics",
    params(("statistics_year" = i32, Path, description = "The year.", minimum = 2000, maximum = 2999, example = 2026)),
    responses((status = 200, body = StatisticsView), ReadProblems))]
#[get("/statistics/{statistics_year}")]
pub async fn get_statistics(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    statistics_year: web::Path<i32>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    policy::statistics::may_read_statistics(&actor)?;
    let (now, year) = (clock.now(), statistics_year.into_inner());
    let reading = registry.0.write(move |conn| {
        let row = find(conn, year)?;
        let entry = NewEntry::new(Some(actor.account_id), "get_statistics", "statistics", year);
        store::audit::record(conn, entry, now)?;
        Ok(row)
    });
    let row = reading.await?;
    Ok(HttpResponse::Ok().json(StatisticsView::new(&row, Caller::of(&request).language())?))
}

/// List the groups of a year.
///
/// For auditors and secretaries: the groups of the year's figures, as a list that can be had as a file. Each page and each
/// file is on record. In the order of dimensions and names, which is none of merit.
#[utoipa::path(tag = "statistics",
    params(("statistics_year" = i32, Path, description = "The year.", minimum = 2000, maximum = 2999, example = 2026), PageQuery),
    responses((status = 200, body = PageOf<GroupView>), ReadProblems))]
#[get("/statistics/{statistics_year}/groups")]
pub async fn list_statistics_groups(
    actor: Actor,
    statistics_year: web::Path<i32>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor, statistics_year.into_inner())?;
    answering.list(actor, list, query.into_inner()).await
}

/// The groups of a year, for whoever may read its figures.
pub fn list(actor: &Actor, year: i32) -> Result<List> {
    policy::statistics::may_read_statistics(actor)?;
    let find = move |conn: &mut Conn, after: Option<usize>, limit: i64| {
        let groups = workflow::statistics::read(&find(conn, year)?)?.groups.into_iter().enumerate();
        let first = after.map_or(0, |after| after + 1);
        let limit = usize::try_from(limit).map_err(Error::internal)?;
        Ok(groups.skip(first).take(limit).collect::<Vec<_>>())
    };
    let name = format!("statistics-groups {year}");
    let view = |(_, group)| GroupView::from(group);
    Ok(List::new("list_statistics_groups", name, find, |(at, _): &(usize, Group)| *at, view).recorded())
}

fn find(conn: &mut Conn, year: i32) -> Result<YearRow> {
    Ok(store::statistics::find(conn, year)?.ok_or(Code::NotFound)?)
}
