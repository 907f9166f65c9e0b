//! The summary of a judge's file. What a newcomer would get wrong: what is kept from one reading to the next is never
//! shown on trust. Each reading asks the database whether anything about the judge was written since, in the same
//! transaction in which it is recorded; so another process's write shows at once, too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use super::record_views::period;
use crate::coded;
use crate::db::Conn;
use crate::domain::calendar::Period;
use crate::domain::ids::{CourtId, JudgeId, PositionId};
use crate::domain::judge_file::{PositionKind, RecordStatus};
use crate::domain::sections::Section;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::observations::QuarterValue;
use crate::store::positions::HeldPost;

/// The size of a summary's JSON at most, in bytes: what a slow line carries without a wait.
const SUMMARY_BYTES_MAX: usize = 20 * 1024;
/// How many quarters a summary shows.
const QUARTERS: usize = 4;
/// How many values are read at most: forty years at forty values a quarter, three times over.
const VALUES_MAX: i64 = 20_000;
/// How many files are kept: with full summaries, some 20 MB.
const KEPT_MAX: usize = 1024;

coded! {
    /// How much of a file is shown.
    FileView {
        /// What fits on a page.
        Summary = "summary",
        /// All records.
        Full = "full",
        /// What a report may rest on.
        ReportBasis = "report_basis",
    }
}

/// What fits on a page: at most 20 KB.
///
/// Who the judge is; the posts held today; for each indicator and category the last four quarters that are over, as
/// recorded (nothing is added up, divided or compared); how many records the other sections have in force, of those that
/// may be shown; how many corrections are open; how often others read the file.
/// A quarter still running is in the full view alone.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"view": "summary", "judge": {"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "full_name_en": null, "first_appointed_on": "2015-03-02"}, "positions": [], "quarters": ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"], "indicators": [], "left_out_count": 0, "sections": [{"section": "training", "record_count": 4}], "open_correction_count": 0, "reading_count": 3}))]
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
    #[schema(max_items = 400, value_type = Vec<IndicatorRow>)]
    indicators: ShownRows,
    /// How many rows of `indicators` the size left no room for; they are in the full view.
    #[schema(minimum = 0)]
    left_out_count: usize,
    /// The other sections that have records; those without any are left out.
    #[schema(max_items = 13)]
    sections: Vec<SectionCount>,
    /// How many requests for correction are open.
    #[schema(minimum = 0)]
    open_correction_count: i64,
    /// How often others read the file or a part of it before; the judge's own readings are not counted.
    #[schema(minimum = 0)]
    reading_count: i64,
}

/// How much of a section is in force and may be shown.
#[derive(Clone, Serialize, ToSchema)]
#[schema(example = json!({"section": "training", "record_count": 4}))]
pub struct SectionCount {
    /// The section.
    section: Section,
    /// Its records.
    #[schema(minimum = 1)]
    record_count: i64,
}

/// A person, in a summary.
#[derive(Clone, Serialize, ToSchema)]
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

/// What summaries said of the judges' own records when they were last read; shared by all of the server's threads.
#[derive(Default)]
pub struct KeptRecords(Mutex<HashMap<JudgeId, Arc<Records>>>);

/// A judge's own records as a summary shows them. All of it changes only with an entry in the audit log that concerns
/// the judge; the names of courts do not, so they are no part of it.
struct Records {
    /// The number of the last such entry.
    last_write: Option<i64>,
    /// The day on which they were read: a penalty may be shown on one day and not on the next.
    day: NaiveDate,
    quarters: [Period; QUARTERS],
    person: PersonView,
    /// Each an [`IndicatorRow`] in JSON.
    rows: Vec<Box<RawValue>>,
    sections: Vec<SectionCount>,
    open_correction_count: i64,
}

/// The rows that a summary has room for, without a copy of them.
struct ShownRows {
    records: Arc<Records>,
    count: usize,
}

impl Serialize for ShownRows {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.records.rows.iter().take(self.count))
    }
}

/// What a summary is made of.
pub struct Found {
    judge_id: JudgeId,
    records: Arc<Records>,
    held: Vec<HeldPost>,
}

impl KeptRecords {
    /// Reads what a summary shows: one query where nothing was written since the records were kept
    /// today, else five.
    pub fn find(&self, conn: &mut Conn, judge_id: JudgeId, last_write: Option<i64>, today: NaiveDate) -> Result<Found> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&judge_id).cloned();
        let records = match kept.filter(|kept| kept.last_write == last_write && kept.day == today) {
            Some(kept) => kept,
            None => Arc::new(Records::read(conn, judge_id, last_write, today)?),
        };
        Ok(Found { judge_id, records, held: store::positions::held_on(conn, judge_id, today)? })
    }

    /// Keeps what was found and makes the summary. Only after the commit: what a transaction that failed had read was
    /// perhaps never so.
    pub fn summary(&self, found: Found, reading_count: i64) -> Result<FileSummary> {
        let Found { judge_id, records, held } = found;
        {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= KEPT_MAX && !kept.contains_key(&judge_id) {
                kept.clear();
            }
            kept.insert(judge_id, records.clone());
        }
        let mut summary = FileSummary {
            view: FileView::Summary,
            judge: records.person.clone(),
            positions: held.into_iter().map(held_position).collect(),
            quarters: records.quarters.to_vec(),
            indicators: ShownRows { records: records.clone(), count: 0 },
            left_out_count: records.rows.len(),
            sections: records.sections.clone(),
            open_correction_count: records.open_correction_count,
            reading_count,
        };
        let mut bytes = serde_json::to_vec(&summary).map_err(Error::internal)?.len();
        // Each with the comma before it.
        let fits = records.rows.iter().take_while(|row| {
            bytes += row.get().len() + 1;
            bytes <= SUMMARY_BYTES_MAX
        });
        summary.indicators.count = fits.count();
        summary.left_out_count -= summary.indicators.count;
        Ok(summary)
    }
}

impl Records {
    fn read(conn: &mut Conn, judge_id: JudgeId, last_write: Option<i64>, today: NaiveDate) -> Result<Records> {
        let quarters = last_quarters(today)?;
        let judge = store::judges::find(conn, judge_id)?.ok_or(Code::NotFound)?;
        let (first, last) = (quarters[0].starts_on(), quarters[QUARTERS - 1].starts_on());
        let values = store::observations::in_force_between(conn, judge_id, first, last, VALUES_MAX)?;
        let rows = rows(&quarters, values)?;
        let counts = store::file_records::count_by_section(conn, judge_id, today)?;
        Ok(Records {
            last_write,
            day: today,
            quarters,
            person: PersonView {
                id: judge.id,
                full_name_kk: judge.full_name_kk,
                full_name_ru: judge.full_name_ru,
                full_name_en: judge.full_name_en,
                first_appointed_on: judge.first_appointed_on,
            },
            rows: rows.iter().map(|row| to_raw_value(row).map_err(Error::internal)).collect::<Result<_>>()?,
            sections: counts
                .into_iter()
                .map(|(section, record_count)| SectionCount { section, record_count })
                .collect(),
            open_correction_count: store::corrections::count_open(conn, judge_id)?,
        })
    }
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

fn held_position(post: HeldPost) -> HeldPositionView {
    HeldPositionView {
        id: post.position_id,
        kind: post.kind,
        starts_on: post.starts_on,
        ends_on: post.ends_on,
        court_id: post.court_id,
        court_name_kk: post.court_name_kk,
        court_name_ru: post.court_name_ru,
        court_name_en: post.court_name_en,
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
