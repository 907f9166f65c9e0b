//! The judge's file. What a newcomer would get wrong: the summary is no evaluation. It has no total, no rate and no rank;
//! it shows what was observed, and each reading of it is on record, with its purpose, before it is answered.

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::record_views::{CorrectionRequestView, JudgeView, ObservationView, PositionView, period};
use crate::clock::Clock;
use crate::coded;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, Period, date_at};
use crate::domain::ids::{AccountId, CourtId, JudgeId, PositionId};
use crate::domain::judge_file::{FilePurpose, PositionKind, RecordStatus};
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Result};
use crate::problem::responses::ReadProblems;
use crate::store;
use crate::store::courts::Court;
use crate::store::judges::Judge;
use crate::store::observations::QuarterValue;
use crate::store::positions::Position;
use crate::workflow;

/// The size of a summary's JSON at most, in bytes: what a slow line carries without a wait.
const SUMMARY_BYTES_MAX: usize = 20 * 1024;
/// How many quarters a summary shows.
const QUARTERS: usize = 4;
/// How many records of one kind the full view has at most: forty years at forty values a quarter, three times over.
const RECORDS_MAX: i64 = 20_000;
/// How many of the latest readings the full view names.
const READINGS_MAX: i64 = 100;

coded! {
    /// How much of a file is shown.
    FileView {
        /// What fits on a page.
        Summary = "summary",
        /// All records.
        Full = "full",
    }
}

/// What is read, and why.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FileQuery {
    /// Why the file is read: staff must say; a judge's own file is `own_file`. The judge sees it.
    #[param(inline)]
    purpose: Option<FilePurpose>,
    /// How much is shown: `summary`, where nothing is asked for, or `full`.
    #[param(inline)]
    view: Option<FileView>,
}

/// A judge's file: the members of the view that was asked for, and no others.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(example = json!({"view": "summary", "judge": {"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "full_name_en": null, "first_appointed_on": "2015-03-02"}, "positions": [], "quarters": ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"], "indicators": [{"indicator_code": "resolved", "category": "civil", "values": [null, null, {"numerator": 214, "denominator": null, "status": "active"}, null]}], "left_out_count": 0, "open_correction_count": 0, "reading_count": 3}))]
pub enum JudgeFileView {
    /// With `view=summary`.
    Summary(FileSummary),
    /// With `view=full`.
    Full(FullFile),
}

/// What fits on a page: at most 20 KB.
///
/// Who the judge is; the posts held today; for each indicator and category the last four quarters that are over, as
/// recorded (nothing is added up, divided or compared); how many corrections are open; how often others read the file.
/// A quarter still running is in the full view alone.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"view": "summary", "judge": {"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "full_name_en": null, "first_appointed_on": "2015-03-02"}, "positions": [], "quarters": ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"], "indicators": [], "left_out_count": 0, "open_correction_count": 0, "reading_count": 3}))]
pub struct FileSummary {
    /// Always `summary`.
    view: FileView,
    /// Who.
    judge: PersonView,
    /// The posts held today.
    #[schema(max_items = 10)]
    positions: Vec<HeldPositionView>,
    /// The quarters of `values`, earliest first.
    #[schema(min_items = 4, max_items = 4)]
    quarters: Vec<Period>,
    /// The values in force, by indicator and category.
    #[schema(max_items = 400)]
    indicators: Vec<IndicatorRow>,
    /// How many rows of `indicators` the size left no room for; they are in the full view.
    #[schema(minimum = 0)]
    left_out_count: usize,
    /// How many requests for correction are open.
    #[schema(minimum = 0)]
    open_correction_count: i64,
    /// How often others read the file or a part of it before; the judge's own readings are not counted.
    #[schema(minimum = 0)]
    reading_count: i64,
}

/// A person, in a summary.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "full_name_en": null, "first_appointed_on": "2015-03-02"}))]
pub struct PersonView {
    /// The judge's id.
    id: JudgeId,
    /// The full name in Kazakh.
    #[schema(min_length = 1, max_length = 200)]
    full_name_kk: String,
    /// The full name in Russian.
    #[schema(min_length = 1, max_length = 200)]
    full_name_ru: String,
    /// The full name in English, or null.
    #[schema(min_length = 1, max_length = 200)]
    full_name_en: Option<String>,
    /// The day of the first appointment to a judge's post.
    first_appointed_on: NaiveDate,
}

/// A post held today, in a summary.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "kind": "judge", "starts_on": "2015-03-02", "ends_on": null, "court_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "court_name_kk": "Алмалы аудандық соты", "court_name_ru": "Алмалинский районный суд", "court_name_en": null}))]
pub struct HeldPositionView {
    /// The record's id.
    id: PositionId,
    /// What kind of post.
    kind: PositionKind,
    /// The first day.
    starts_on: NaiveDate,
    /// The last day, or null where none is known.
    ends_on: Option<NaiveDate>,
    /// At which court.
    court_id: CourtId,
    /// The court's name in Kazakh.
    #[schema(max_length = 200)]
    court_name_kk: String,
    /// The court's name in Russian.
    #[schema(max_length = 200)]
    court_name_ru: String,
    /// The court's name in English, or null.
    #[schema(max_length = 200)]
    court_name_en: Option<String>,
}

/// One indicator in one category, over the quarters of the summary.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"indicator_code": "resolved", "category": "civil", "values": [null, null, {"numerator": 214, "denominator": null, "status": "active"}, null]}))]
pub struct IndicatorRow {
    /// The indicator; its name and unit are in `/indicators`.
    #[schema(max_length = 40)]
    indicator_code: String,
    /// The kind of case.
    #[schema(max_length = 40)]
    category: String,
    /// One for each quarter; null where none is recorded.
    #[schema(min_items = 4, max_items = 4)]
    values: [Option<ValueView>; QUARTERS],
}

/// A value in force.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"numerator": 214, "denominator": null, "status": "active"}))]
pub struct ValueView {
    /// The value, or the numerator of a ratio, in the indicator's scaled integers.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    numerator: i64,
    /// The denominator of a ratio, or null.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    denominator: Option<i64>,
    /// `active`, or `disputed` while its correction is asked for.
    status: RecordStatus,
}

/// All records of a file, superseded ones included, each kind in the order in which it was recorded.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"view": "full", "judge": {"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "full_name_en": null, "first_appointed_on": "2015-03-02", "external_ids": [], "version": 1}, "positions": [], "observations": [], "correction_requests": [], "reading_count": 0, "latest_readings": []}))]
pub struct FullFile {
    /// Always `full`.
    view: FileView,
    /// Who.
    judge: JudgeView,
    /// The posts; the first 20,000 records, as in the lists below.
    #[schema(max_items = 20_000)]
    positions: Vec<PositionView>,
    /// The observed values.
    #[schema(max_items = 20_000)]
    observations: Vec<ObservationView>,
    /// The requests for correction.
    #[schema(max_items = 20_000)]
    correction_requests: Vec<CorrectionRequestView>,
    /// How often others read the file or a part of it before.
    #[schema(minimum = 0)]
    reading_count: i64,
    /// The latest of those readings, newest first.
    #[schema(max_items = 100)]
    latest_readings: Vec<ReadingView>,
}

/// A reading of the file by somebody other than the judge.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"occurred_at": "2027-01-11T04:30:00Z", "account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "act": "get_judge_file", "purpose": "personnel"}))]
pub struct ReadingView {
    /// When.
    occurred_at: DateTime<Utc>,
    /// Which account.
    account_id: Option<AccountId>,
    /// What was read, by its operation.
    #[schema(max_length = 64)]
    act: String,
    /// Why.
    #[schema(max_length = 64)]
    purpose: Option<String>,
}

/// Get a judge's file.
///
/// For secretaries, who name the purpose; for the judge; and with the purpose `evaluation` for the members and appeal
/// members to whom an evaluation of the judge is assigned, until its cycle is closed or cancelled. The reading is recorded
/// with its purpose before it is answered, and the judge sees it. With `view=full` all records, else a summary of at most
/// 20 KB.
#[utoipa::path(tag = "judges", params(FileQuery), responses((status = 200, body = JudgeFileView), ReadProblems))]
#[get("/judges/{judge_id}/file")]
pub async fn get_judge_file(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
    query: web::Query<FileQuery>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let judge_id = judge_id.into_inner();
    let asked = query.purpose;
    let view = query.view.unwrap_or(FileView::Summary);
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let account_id = actor.account_id;
    let record = move |conn: &mut Conn, purpose| {
        let entry = store::audit::NewEntry::reading(account_id, "get_judge_file", judge_id, purpose);
        store::audit::record(conn, entry, now)
    };
    let file = match view {
        // Few rows: read where the record is written, as the writer's cache of pages is warm after every commit.
        FileView::Summary => {
            let found = registry.0.write(move |conn| {
                let purpose = workflow::members::file_purpose(conn, &actor, judge_id, asked)?;
                let found = find_summary(conn, judge_id, today)?;
                record(conn, purpose)?;
                Ok(found)
            });
            JudgeFileView::Summary(summary(found.await?)?)
        }
        // Many rows, which would hold up all writes: read beside them, and answered once the record is committed.
        FileView::Full => {
            let reading = registry.0.read(move |conn| {
                let purpose = workflow::members::file_purpose(conn, &actor, judge_id, asked)?;
                Ok((full(conn, judge_id)?, purpose))
            });
            let (file, purpose) = reading.await?;
            registry.0.write(move |conn| record(conn, purpose)).await?;
            JudgeFileView::Full(file)
        }
    };
    Ok(HttpResponse::Ok().json(file))
}

/// What a summary is made of.
struct Found {
    judge: Judge,
    quarters: [Period; QUARTERS],
    held: Vec<(Position, Court)>,
    values: Vec<QuarterValue>,
    open_correction_count: i64,
    reading_count: i64,
}

/// Five queries.
fn find_summary(conn: &mut Conn, judge_id: JudgeId, today: NaiveDate) -> Result<Found> {
    let judge = store::judges::find(conn, judge_id)?.ok_or(Code::NotFound)?;
    let quarters = last_quarters(today)?;
    let (first, last) = (quarters[0].starts_on(), quarters[QUARTERS - 1].starts_on());
    Ok(Found {
        judge,
        quarters,
        held: store::positions::held_on(conn, judge_id, today)?,
        values: store::observations::in_force_between(conn, judge_id, first, last, RECORDS_MAX)?,
        open_correction_count: store::corrections::count_open(conn, judge_id)?,
        reading_count: store::audit::count_reads(conn, judge_id)?,
    })
}

fn summary(found: Found) -> Result<FileSummary> {
    let Found { judge, quarters, held, values, open_correction_count, reading_count } = found;
    let mut summary = FileSummary {
        view: FileView::Summary,
        open_correction_count,
        reading_count,
        judge: PersonView {
            id: judge.id,
            full_name_kk: judge.full_name_kk,
            full_name_ru: judge.full_name_ru,
            full_name_en: judge.full_name_en,
            first_appointed_on: judge.first_appointed_on,
        },
        positions: held.into_iter().map(held_position).collect(),
        quarters: quarters.to_vec(),
        indicators: Vec::new(),
        left_out_count: 0,
    };
    let rows = rows(&quarters, values)?;
    fit(&mut summary, rows)?;
    Ok(summary)
}

/// The four quarters that ended last before `today`, earliest first.
fn last_quarters(today: NaiveDate) -> Result<[Period; QUARTERS]> {
    let mut quarter = Period::containing(today);
    let mut quarters = [None; QUARTERS];
    for place in quarters.iter_mut().rev() {
        quarter = quarter.and_then(Period::previous);
        *place = quarter;
    }
    match quarters {
        [Some(first), Some(second), Some(third), Some(fourth)] => Ok([first, second, third, fourth]),
        _ => Err(Error::internal("the clock stands before the first quarters")),
    }
}

fn held_position((position, court): (Position, Court)) -> HeldPositionView {
    HeldPositionView {
        id: position.id,
        kind: position.kind,
        starts_on: position.starts_on,
        ends_on: position.ends_on,
        court_id: court.id,
        court_name_kk: court.name_kk,
        court_name_ru: court.name_ru,
        court_name_en: court.name_en,
    }
}

/// The values, which come by indicator and category, in rows of one quarter beside the other.
fn rows(quarters: &[Period; QUARTERS], values: Vec<QuarterValue>) -> Result<Vec<IndicatorRow>> {
    let mut rows: Vec<IndicatorRow> = Vec::new();
    for QuarterValue { indicator_code, category, period_start, numerator, denominator, status } in values {
        let is_of_last =
            rows.last().is_some_and(|row| row.indicator_code == indicator_code && row.category == category);
        if !is_of_last {
            rows.push(IndicatorRow { indicator_code, category, values: [const { None }; QUARTERS] });
        }
        let quarter = period(period_start)?;
        let place = quarters.iter().position(|shown| *shown == quarter);
        if let (Some(row), Some(place)) = (rows.last_mut(), place)
            && let Some(value) = row.values.get_mut(place)
        {
            *value = Some(ValueView { numerator, denominator, status });
        }
    }
    Ok(rows)
}

/// Puts in as many rows as the size allows and counts the rest.
fn fit(summary: &mut FileSummary, rows: Vec<IndicatorRow>) -> Result<()> {
    summary.left_out_count = rows.len();
    let mut bytes = serde_json::to_vec(summary).map_err(Error::internal)?.len();
    for row in rows {
        // With the comma before it.
        bytes += serde_json::to_vec(&row).map_err(Error::internal)?.len() + 1;
        if bytes > SUMMARY_BYTES_MAX {
            break;
        }
        summary.indicators.push(row);
        summary.left_out_count -= 1;
    }
    Ok(())
}

/// Seven queries.
fn full(conn: &mut Conn, id: JudgeId) -> Result<FullFile> {
    let judge = store::judges::find(conn, id)?.ok_or(Code::NotFound)?;
    let named = store::external_ids::list_of(conn, &[id.to_string()])?;
    let observations = store::observations::list(conn, id, None, None, RECORDS_MAX)?;
    let readings = store::audit::latest_reads(conn, id, READINGS_MAX)?;
    Ok(FullFile {
        view: FileView::Full,
        judge: JudgeView::new(judge, named.into_iter().map(|(_, name)| name).collect()),
        positions: store::positions::list(conn, id, None, RECORDS_MAX)?.into_iter().map(PositionView::from).collect(),
        observations: observations.into_iter().map(ObservationView::new).collect::<Result<_>>()?,
        correction_requests: (store::corrections::list(conn, id, None, RECORDS_MAX)?.into_iter())
            .map(CorrectionRequestView::from)
            .collect(),
        reading_count: store::audit::count_reads(conn, id)?,
        latest_readings: readings
            .into_iter()
            .map(|entry| ReadingView {
                occurred_at: entry.occurred_at.and_utc(),
                account_id: entry.account_id,
                act: entry.act,
                purpose: entry.purpose,
            })
            .collect(),
    })
}
