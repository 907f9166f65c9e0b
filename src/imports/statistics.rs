//! Files of case statistics: a row for each judge, kind of case and quarter, with a column for each indicator. A newcomer's
//! usual mistake is to refuse a row whose sums do not come out: the source is corrected by its owner, so it is a warning.

use std::collections::HashMap;
use std::sync::OnceLock;

use chrono::{DateTime, NaiveDate, Utc};

use super::cells::{Column, Fields, SourceRow};
use super::observations::{Standing, checked, insert, standing, warn_of_quarter, warn_of_restatement};
use super::references::JUDGE_COLUMNS;
use super::{Kind, Run, a_quarter};
use crate::db::Conn;
use crate::domain::calendar::Period;
use crate::domain::caller::Caller;
use crate::domain::derived::checks::{CountMismatch, SumCheck, mismatches};
use crate::domain::derived::counts::{Count, Counts, Input};
use crate::domain::derived::span::Span;
use crate::domain::ids::{self, ImportId, JudgeId, ObservationId};
use crate::domain::imports::Warning;
use crate::domain::indicators::Catalogue;
use crate::domain::judge_file::RecordStatus;
use crate::error::{Code, Error, Fault, Place, Result, Rule};
use crate::store;
use crate::store::batches::{Dependants, Extent, Undone};
use crate::store::observations::Observation;
use crate::store::reconciliation::Recorded;

/// Values of all indicators of a judge, a kind of case and a quarter in one row.
pub(super) struct Statistics;

const KEY_COLUMNS: [Column; 2] = [Column::text("category", "criminal"), Column::text("period", "2026-Q3")];
const SOURCE_COLUMNS: [Column; 4] = [
    Column::text("source_system", "toerelik"),
    Column::text("source_record_id", "2026/Q3/criminal/20417"),
    Column::value("as_of", "2026-10-05"),
    Column::text("legal_basis", ""),
];

/// What a row tells of all its values.
struct Head {
    judge_id: JudgeId,
    category: String,
    period: Period,
    source_system: String,
    source_record_id: String,
    as_of: NaiveDate,
    legal_basis: Option<String>,
}

impl Kind for Statistics {
    fn columns(&'static self) -> &'static [Column] {
        static COLUMNS: OnceLock<Vec<Column>> = OnceLock::new();
        COLUMNS.get_or_init(|| {
            // A catalogue that could not be read, which a test rules out, leaves a file without values.
            let indicators = Catalogue::standard().map(|catalogue| catalogue.indicators.as_slice()).unwrap_or_default();
            let values = indicators.iter().map(|indicator| Column::value(&indicator.code, example(&indicator.code)));
            JUDGE_COLUMNS.into_iter().chain(KEY_COLUMNS).chain(values).chain(SOURCE_COLUMNS).collect()
        })
    }

    fn take(&'static self, conn: &mut Conn, run: &mut Run<'_>, rows: &[SourceRow]) -> Result<()> {
        for row in rows {
            let mut fields = run.fields(self.columns(), row);
            let Some(values) = read(conn, run, &mut fields)? else {
                run.refuse_for(row.number, fields.into_faults());
                continue;
            };
            match faults(conn, run, &values)? {
                faults if faults.is_empty() => settle(conn, run, row.number, values)?,
                faults => run.refuse_for(row.number, faults),
            }
        }
        Ok(())
    }

    fn recorded(&self, conn: &mut Conn, source_system: &str, period: Option<NaiveDate>) -> Result<Vec<Recorded>> {
        store::reconciliation::observations(conn, source_system, period)
    }

    fn dependants(&self, conn: &mut Conn, batch: ImportId, since: NaiveDate) -> Result<Vec<Dependants>> {
        store::batches::dependants_of_observations(conn, batch, since)
    }

    fn extent(&self, conn: &mut Conn, batch: ImportId) -> Result<Extent> {
        <Observation as store::batches::undoing::Batched>::extent(conn, batch)
    }

    fn undo(&self, conn: &mut Conn, batch: ImportId, by: &Caller, now: DateTime<Utc>) -> Result<Undone> {
        store::batches::undoing::undo::<Observation>(conn, batch, by.id(), now)
    }
}

fn example(code: &str) -> &'static str {
    match code {
        "pending_start" => "40",
        "incoming" => "220",
        "resolved" => "214",
        "pending_end" => "46",
        "transferred_in" | "transferred_out" => "0",
        _ => "",
    }
}

/// The values of a row, or `None` with faults noted.
fn read(conn: &mut Conn, run: &mut Run<'_>, fields: &mut Fields<'_>) -> Result<Option<Vec<Observation>>> {
    let judge_id = run.judge(conn, fields)?;
    let category = fields.needed("category", |fields, name| fields.text(name));
    let period = fields.needed("period", |fields, name| fields.word::<Period>(name, a_quarter()));
    let source_system = fields.needed("source_system", |fields, name| fields.text(name));
    let source_record_id = fields.needed("source_record_id", |fields, name| fields.text(name));
    let as_of = fields.needed("as_of", |fields, name| fields.day(name));
    let legal_basis = fields.text("legal_basis");
    let mut told = Vec::new();
    for indicator in &Catalogue::standard()?.indicators {
        told.extend(fields.whole(&indicator.code).map(|value| (indicator.code.as_str(), value)));
    }
    if told.is_empty() {
        fields.fault("resolved", Rule::Required);
    }
    if !fields.is_sound() {
        return Ok(None);
    }
    let (Some(judge_id), Some(category), Some(period), Some(source_system), Some(source_record_id), Some(as_of)) =
        (judge_id, category, period, source_system, source_record_id, as_of)
    else {
        return Err(Error::internal("a field that is not there has no fault"));
    };
    let head = Head { judge_id, category, period, source_system, source_record_id, as_of, legal_basis };
    Ok(Some(told.into_iter().map(|(code, value)| of_indicator(run, &head, code, value)).collect()))
}

/// One value of a row; its name in the source is the row's with the indicator behind it.
fn of_indicator(run: &Run<'_>, head: &Head, code: &str, numerator: i64) -> Observation {
    Observation {
        id: ObservationId(ids::new_at(run.terms.now)),
        judge_id: head.judge_id,
        indicator_code: code.to_owned(),
        category: head.category.clone(),
        period_start: head.period.starts_on(),
        period_end: head.period.ends_on(),
        numerator,
        denominator: None,
        source_system: head.source_system.clone(),
        source_record_id: Some(format!("{}/{code}", head.source_record_id)),
        as_of: head.as_of,
        received_at: run.terms.now.naive_utc(),
        recorded_by: run.terms.caller.id().account(),
        recorded_by_client: run.terms.caller.id().client(),
        status: RecordStatus::Active,
        supersedes_id: None,
        legal_basis: head.legal_basis.clone(),
        batch_id: Some(run.terms.import_id),
    }
}

/// All faults of the values, each of a shared field once; what is wrong with a value is told at its column.
fn faults(conn: &mut Conn, run: &mut Run<'_>, values: &[Observation]) -> Result<Vec<Fault>> {
    let mut faults: Vec<Fault> = Vec::new();
    for value in values {
        let found = match checked(conn, run, value) {
            Ok(()) => continue,
            Err(Error::Refused(refusal)) => refusal.faults,
            Err(error) => return Err(error),
        };
        for fault in found {
            let own = format!("/{}", value.indicator_code);
            let at_value = matches!(&fault.place, Place::Pointer(pointer) if pointer == "/numerator");
            let fault = if at_value { Fault::at(own, fault.rule) } else { fault };
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
    }
    Ok(faults)
}

/// Takes in the values of a row: all of them, or none.
fn settle(conn: &mut Conn, run: &mut Run<'_>, row: i64, values: Vec<Observation>) -> Result<()> {
    let Some(first) = values.first().cloned() else { return Ok(()) };
    let sums = mismatches_of(&values)?;
    let Some(Plan { written, unchanged }) = plan(conn, run, row, &first, values)? else { return Ok(()) };
    for (_, old) in &written {
        if let Some(old) = old {
            store::observations::set_status(conn, old.id, RecordStatus::Corrected)?;
        }
    }
    let new: Vec<&Observation> = written.iter().map(|(value, _)| value).collect();
    let left_out = insert(conn, run, &new)?;
    if !left_out.is_empty() {
        return Err(Error::internal("a value whose place was free was not taken in"));
    }
    for (value, old) in &written {
        let pointer = format!("/{}", value.indicator_code);
        if let Some(old) = old {
            warn_of_restatement(run, row, &pointer, value, old);
        }
    }
    for value in written.iter().map(|(value, _)| value).chain(&unchanged) {
        run.count_value(value);
    }
    let is_restated = written.iter().any(|(_, old)| old.is_some());
    let fate = if is_restated {
        &mut run.tally.restated
    } else if written.is_empty() {
        &mut run.tally.unchanged
    } else {
        &mut run.tally.new
    };
    *fate += 1;
    if !written.is_empty() {
        warn_of_quarter(run, row, first.period_end);
    }
    for CountMismatch { check, expected, recorded, .. } in sums {
        let warning = match check {
            SumCheck::PendingIdentity => Warning::PendingIdentity,
            SumCheck::PendingAges => Warning::PendingAges,
        };
        run.warn(row, "/pending_end", warning, format!("{recorded} ≠ {expected}"));
    }
    Ok(())
}

/// What becomes of the values of a row.
struct Plan {
    /// Those to be written, each with the record whose place it takes.
    written: Vec<(Observation, Option<Observation>)>,
    /// Those that are on record.
    unchanged: Vec<Observation>,
}

/// Compares a row with what is on record; `None` where the row is refused.
fn plan(
    conn: &mut Conn,
    run: &mut Run<'_>,
    row: i64,
    first: &Observation,
    values: Vec<Observation>,
) -> Result<Option<Plan>> {
    let names: Vec<&str> = values.iter().filter_map(|value| value.source_record_id.as_deref()).collect();
    let by_name = store::observations::list_by_source(conn, &first.source_system, &names)?;
    let mut by_name: HashMap<Option<String>, Observation> =
        by_name.into_iter().map(|old| (old.source_record_id.clone(), old)).collect();
    let in_place = store::observations::list_in_force(conn, first)?;
    let mut in_place: HashMap<String, Observation> =
        in_place.into_iter().map(|old| (old.indicator_code.clone(), old)).collect();
    let (mut faults, mut is_older) = (Vec::new(), false);
    let mut plan = Plan { written: Vec::new(), unchanged: Vec::new() };
    for mut value in values {
        let there = in_place.remove(&value.indicator_code);
        let named = by_name.remove(&value.source_record_id);
        let is_nameless =
            |old: &Observation| old.source_system == value.source_system && old.source_record_id.is_none();
        let old = match (named, there) {
            (Some(old), _) => Some(old),
            (None, Some(old)) if is_nameless(&old) => Some(old),
            (None, Some(_)) => {
                faults.push(Fault::at(format!("/{}", value.indicator_code), Rule::Duplicate));
                continue;
            }
            (None, None) => None,
        };
        match old.map(|old| (standing(&value, &old), old)) {
            None => plan.written.push((value, None)),
            Some((Standing::Unchanged, _)) => plan.unchanged.push(value),
            Some((Standing::Restates, old)) => {
                value.supersedes_id = Some(old.id);
                value.status = old.status.of_successor();
                plan.written.push((value, Some(old)));
            }
            Some((Standing::Elsewhere, _)) => faults.push(Fault::at("/source_record_id", Rule::Duplicate)),
            Some((Standing::Older, _)) => is_older = true,
        }
    }
    if is_older {
        run.refuse(row, Code::AlreadySuperseded.into())?;
        return Ok(None);
    }
    if !faults.is_empty() {
        faults.dedup();
        run.refuse_for(row, faults);
        return Ok(None);
    }
    Ok(Some(plan))
}

/// The sums of a row that do not come out.
fn mismatches_of(values: &[Observation]) -> Result<Vec<CountMismatch>> {
    let Some(quarter) = values.first().and_then(|value| Period::containing(value.period_start)) else {
        return Ok(Vec::new());
    };
    let mut counts = Counts::default();
    for Observation { category, indicator_code, numerator, .. } in values {
        // What nothing is derived from is in no sum.
        if let Ok(input) = indicator_code.parse::<Input>() {
            counts.add(category, input, quarter, Count { value: *numerator, is_disputed: false });
        }
    }
    let span = Span::parse(&quarter.to_string()).map_err(|_| Error::internal("a quarter is no span"))?;
    Ok(mismatches(&counts, &span))
}
