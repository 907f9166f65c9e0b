//! The summary of a judge's file. What a newcomer would get wrong: what is kept from one reading to the next is never
//! shown on trust. Each reading asks the database whether anything about the judge was written since, in the same
//! transaction in which it is recorded; so another process's write shows at once, too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::file_figures::{SummaryFigures, summary_figures};
use super::record_views::period;
use crate::coded;
use crate::db::Conn;
use crate::domain::calendar::Period;
use crate::domain::derived::span::Span;
use crate::domain::ids::{CourtId, JudgeId, PositionId};
use crate::domain::judge_file::{PositionKind, RecordStatus};
use crate::domain::sections::Section;
use crate::domain::specialisations::{SpecialisationCode, Specialisations};
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::observations::QuarterValue;
use crate::store::positions::HeldPost;

/// The size of a summary's JSON at most, in bytes: what a slow line carries without a wait.
const SUMMARY_BYTES_MAX: usize = 20 * 1024;
/// The digits of a number at most.
const NUMBER_BYTES_MAX: usize = 20;
/// What a summary ends with, after the number of readings.
const END: char = '}';
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
/// Who the judge is; the posts held today; the figures of the last four quarters that are over, each with its parts and
/// compared with nobody; for each indicator and category those quarters as recorded; how many reviewed acts and records of
/// the other sections are in force, of those that may be shown, and how many of them are disputed; how many corrections are
/// open, and overdue; how often others read the file. A quarter still running is in the full view alone.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"view": "summary", "judge": {"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "full_name_en": null, "first_appointed_on": "2015-03-02"}, "positions": [], "quarters": ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"], "figures": [], "indicators": [], "left_out_count": 0, "reviewed_acts": {"record_count": 21, "disputed_count": 0}, "sections": [{"section": "training", "record_count": 4, "disputed_count": 0}], "open_correction_count": 0, "overdue_correction_count": 0, "reading_count": 3}))]
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
    /// What follows from the values, by category.
    #[schema(max_items = 40)]
    figures: Vec<SummaryFigures>,
    /// The values in force, by indicator and category.
    #[schema(max_items = 400)]
    indicators: Vec<IndicatorRow>,
    /// How many items of `figures` and `indicators` the size left no room for; `/indicators` and the full view have all.
    #[schema(minimum = 0)]
    left_out_count: usize,
    /// The reviews of acts by higher courts.
    reviewed_acts: ActCount,
    /// The other sections that have records; those without any are left out.
    #[schema(max_items = 13)]
    sections: Vec<SectionCount>,
    /// How many requests for correction are open.
    #[schema(minimum = 0)]
    open_correction_count: usize,
    /// How many of those should have been decided before today.
    #[schema(minimum = 0)]
    overdue_correction_count: usize,
    /// How often others read the file or a part of it before; the judge's own readings are not counted.
    #[schema(minimum = 0)]
    reading_count: i64,
}

/// How much of a section is in force and may be shown.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"section": "training", "record_count": 4, "disputed_count": 0}))]
pub struct SectionCount {
    /// The section.
    section: Section,
    /// Its records.
    #[schema(minimum = 1)]
    record_count: i64,
    /// Those of them whose correction is asked for.
    #[schema(minimum = 0)]
    disputed_count: i64,
}

/// How many reviews of acts are in force.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"record_count": 21, "disputed_count": 0}))]
pub struct ActCount {
    /// The records.
    #[schema(minimum = 0)]
    record_count: i64,
    /// Those of them whose correction is asked for.
    #[schema(minimum = 0)]
    disputed_count: i64,
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
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "kind": "judge", "starts_on": "2015-03-02", "ends_on": null, "status": "active", "court_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "court_name_kk": "Алмалы аудандық соты", "court_name_ru": "Алмалинский районный суд", "court_name_en": null, "specialisations": ["civil"]}))]
pub struct HeldPositionView {
    /// The record's id.
    id: PositionId,
    /// What kind of post.
    kind: PositionKind,
    /// The first day.
    starts_on: NaiveDate,
    /// The last day, or null where none is known.
    ends_on: Option<NaiveDate>,
    /// `active`, or `disputed` while its correction is asked for.
    status: RecordStatus,
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
    /// In what it is specialised; empty where nothing is told.
    #[schema(value_type = Vec<SpecialisationCode>, max_items = 20)]
    specialisations: Specialisations,
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

/// What summaries said when they were last read; shared by all of the server's threads.
#[derive(Default)]
pub struct KeptSummaries(Mutex<HashMap<JudgeId, Arc<Kept>>>);

/// A summary as it goes out, all but the number of readings, which is the last that it tells. All of it changes only with an
/// entry in the audit log that concerns the judge, with the day, or with a court at which the judge holds a post.
pub struct Kept {
    /// The number of the last such entry.
    last_write: Option<i64>,
    /// The day on which it was made: a penalty may be shown on one day and not on the next.
    day: NaiveDate,
    /// The courts, and their versions.
    courts: Vec<(CourtId, i64)>,
    /// The JSON up to where the number of readings stands.
    head: String,
}

impl KeptSummaries {
    /// Reads what a summary shows: a look at each court's version where nothing else was written since today's last
    /// reading, else six queries.
    pub fn find(
        &self,
        conn: &mut Conn,
        judge_id: JudgeId,
        last_write: Option<i64>,
        today: NaiveDate,
    ) -> Result<Arc<Kept>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&judge_id).cloned();
        if let Some(kept) = kept.filter(|kept| kept.last_write == last_write && kept.day == today)
            && kept.is_of_present_courts(conn)?
        {
            return Ok(kept);
        }
        Ok(Arc::new(Kept::read(conn, judge_id, last_write, today)?))
    }

    /// Keeps what was found and makes the summary. Only after the commit: what a transaction that failed had read was
    /// perhaps never so.
    pub fn summary(&self, judge_id: JudgeId, found: Arc<Kept>, reading_count: i64) -> String {
        let summary = format!("{}{reading_count}{END}", found.head);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX && !kept.contains_key(&judge_id) {
            kept.clear();
        }
        kept.insert(judge_id, found);
        summary
    }
}

impl Kept {
    fn is_of_present_courts(&self, conn: &mut Conn) -> Result<bool> {
        for (id, version) in &self.courts {
            if store::courts::version(conn, *id)? != Some(*version) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read(conn: &mut Conn, judge_id: JudgeId, last_write: Option<i64>, today: NaiveDate) -> Result<Kept> {
        let span = Span::last_four(today)?;
        let quarters = <[Period; QUARTERS]>::try_from(span.quarters()).map_err(Error::internal)?;
        let judge = store::judges::find(conn, judge_id)?.ok_or(Code::NotFound)?;
        let held = store::positions::held_on(conn, judge_id, today)?;
        let (first, last) = (quarters[0].starts_on(), quarters[QUARTERS - 1].starts_on());
        let values = store::observations::in_force_between(conn, judge_id, first, last, VALUES_MAX)?;
        let counts = store::file_records::count_by_section(conn, judge_id, today)?;
        let (record_count, disputed_count) = store::acts::count_in_force(conn, judge_id)?;
        let due = store::corrections::open_due_days(conn, judge_id)?;
        let courts = held.iter().map(|post| (post.court_id, post.court_version)).collect();
        let figures = summary_figures(&values, &span)?;
        let summary = FileSummary {
            view: FileView::Summary,
            judge: PersonView {
                id: judge.id,
                full_name_kk: judge.full_name_kk,
                full_name_ru: judge.full_name_ru,
                full_name_en: judge.full_name_en,
                first_appointed_on: judge.first_appointed_on,
            },
            positions: held.into_iter().map(held_position).collect(),
            quarters: quarters.to_vec(),
            figures: Vec::new(),
            indicators: Vec::new(),
            left_out_count: 0,
            reviewed_acts: ActCount { record_count, disputed_count },
            sections: section_counts(counts),
            open_correction_count: due.len(),
            overdue_correction_count: due.iter().filter(|day| **day < today).count(),
            reading_count: 0,
        };
        let summary = fitted(summary, figures, rows(&quarters, values)?)?;
        let json = serde_json::to_string(&summary).map_err(Error::internal)?;
        let head = json.strip_suffix(&format!("0{END}")).ok_or_else(|| Error::internal("a summary ends otherwise"))?;
        Ok(Kept { last_write, day: today, courts, head: head.to_owned() })
    }
}

/// Fills in as many figures and rows as there is room for: first figures, in half of it at most, then rows.
fn fitted(mut summary: FileSummary, figures: Vec<SummaryFigures>, rows: Vec<IndicatorRow>) -> Result<FileSummary> {
    let size = |part: serde_json::Result<Vec<u8>>| part.map_err(Error::internal).map(|bytes| bytes.len());
    // Room for the two numbers that are not known yet.
    let mut bytes = size(serde_json::to_vec(&summary))? + 2 * NUMBER_BYTES_MAX;
    let half = bytes + SUMMARY_BYTES_MAX.saturating_sub(bytes) / 2;
    summary.left_out_count = figures.len() + rows.len();
    for category in figures {
        // Each with the comma before it.
        bytes += size(serde_json::to_vec(&category))? + 1;
        if bytes > half {
            break;
        }
        summary.figures.push(category);
    }
    for row in rows {
        bytes += size(serde_json::to_vec(&row))? + 1;
        if bytes > SUMMARY_BYTES_MAX {
            break;
        }
        summary.indicators.push(row);
    }
    summary.left_out_count -= summary.figures.len() + summary.indicators.len();
    Ok(summary)
}

/// The counts of the sections, which come by section and standing, a section in one.
fn section_counts(counts: Vec<(Section, RecordStatus, i64)>) -> Vec<SectionCount> {
    let mut sections: Vec<SectionCount> = Vec::new();
    for (section, status, count) in counts {
        let disputed = if status == RecordStatus::Disputed { count } else { 0 };
        match sections.last_mut().filter(|last| last.section == section) {
            Some(last) => {
                last.record_count += count;
                last.disputed_count += disputed;
            }
            None => sections.push(SectionCount { section, record_count: count, disputed_count: disputed }),
        }
    }
    sections
}

fn held_position(post: HeldPost) -> HeldPositionView {
    HeldPositionView {
        id: post.position_id,
        kind: post.kind,
        starts_on: post.starts_on,
        ends_on: post.ends_on,
        status: post.status,
        court_id: post.court_id,
        court_name_kk: post.court_name_kk,
        court_name_ru: post.court_name_ru,
        court_name_en: post.court_name_en,
        specialisations: post.specialisations,
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
