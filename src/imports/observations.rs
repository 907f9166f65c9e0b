//! Files of observed values. A newcomer's usual mistake is to look each row up by itself: a million rows are taken in by
//! the hundreds, and only those that are in the way of another are looked at alone.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::cells::{Column, SourceRow};
use super::{Kind, Run, a_quarter};
use crate::db::Conn;
use crate::domain::calendar::Period;
use crate::domain::caller::Caller;
use crate::domain::ids::{self, ImportId, JudgeId, ObservationId};
use crate::domain::imports::Warning;
use crate::domain::indicators::Catalogue;
use crate::domain::judge_file::RecordStatus;
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::store;
use crate::store::batches::{Dependants, Extent, Undone};
use crate::store::observations::Observation;
use crate::store::reconciliation::Recorded;
use crate::workflow::checks::check_observation;

/// Observed values.
pub(super) struct Observations;

const COLUMNS: &[Column] = &[
    Column::text("judge_id", ""),
    Column::text("judge_external_id", "J-20417"),
    Column::text("judge_source_system", ""),
    Column::text("indicator_code", "resolved"),
    Column::text("category", "civil"),
    Column::text("period", "2026-Q3"),
    Column::value("numerator", "214"),
    Column::value("denominator", ""),
    Column::text("source_system", "toerelik"),
    Column::text("source_record_id", "2026/Q3/20417"),
    Column::value("as_of", "2026-10-05"),
    Column::text("legal_basis", ""),
];

/// A row that keeps the rules by itself.
struct Taken {
    row: i64,
    value: Observation,
}

impl Kind for Observations {
    fn columns(&'static self) -> &'static [Column] {
        COLUMNS
    }

    fn take(&'static self, conn: &mut Conn, run: &mut Run<'_>, rows: &[SourceRow]) -> Result<()> {
        let mut batch = Vec::with_capacity(rows.len());
        let mut names = HashSet::new();
        for row in rows {
            let Some(value) = read(conn, run, row)? else { continue };
            // The second of two rows of one name restates the first, which must be there by then.
            if !names.insert((value.source_system.clone(), value.source_record_id.clone())) {
                settle(conn, run, std::mem::take(&mut batch))?;
                names.clear();
                names.insert((value.source_system.clone(), value.source_record_id.clone()));
            }
            batch.push(Taken { row: row.number, value });
        }
        settle(conn, run, batch)
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

/// The value of a row, or `None` where the row is refused.
fn read(conn: &mut Conn, run: &mut Run<'_>, row: &SourceRow) -> Result<Option<Observation>> {
    let mut fields = run.fields(COLUMNS, row);
    let judge_id = run.judge(conn, &mut fields)?;
    let indicator_code = fields.needed("indicator_code", |fields, name| fields.text(name));
    let category = fields.needed("category", |fields, name| fields.text(name));
    let period = fields.needed("period", |fields, name| fields.word::<Period>(name, a_quarter()));
    let numerator = fields.needed("numerator", |fields, name| fields.whole(name));
    let denominator = fields.whole("denominator");
    let source_system = fields.needed("source_system", |fields, name| fields.text(name));
    let source_record_id = fields.needed("source_record_id", |fields, name| fields.text(name));
    let as_of = fields.needed("as_of", |fields, name| fields.day(name));
    let legal_basis = fields.text("legal_basis");
    let faults = fields.into_faults();
    let (
        Some(judge_id),
        Some(indicator_code),
        Some(category),
        Some(period),
        Some(numerator),
        Some(source_system),
        Some(as_of),
        true,
    ) = (judge_id, indicator_code, category, period, numerator, source_system, as_of, faults.is_empty())
    else {
        run.refuse_for(row.number, faults);
        return Ok(None);
    };
    let value = Observation {
        id: ObservationId(ids::new_at(run.terms.now)),
        judge_id,
        indicator_code,
        category,
        period_start: period.starts_on(),
        period_end: period.ends_on(),
        numerator,
        denominator,
        source_system,
        source_record_id,
        as_of,
        received_at: run.terms.now.naive_utc(),
        recorded_by: run.terms.caller.id().account(),
        recorded_by_client: run.terms.caller.id().client(),
        status: RecordStatus::Active,
        supersedes_id: None,
        legal_basis,
        batch_id: Some(run.terms.import_id),
    };
    match checked(conn, run, &value) {
        Ok(()) => Ok(Some(value)),
        Err(error) => run.refuse(row.number, error).map(|()| None),
    }
}

/// All faults of a value, as of one that is recorded alone.
pub(super) fn checked(conn: &mut Conn, run: &mut Run<'_>, value: &Observation) -> Result<()> {
    if !run.indicators.contains_key(&value.indicator_code) {
        let found = store::indicators::find(conn, &value.indicator_code)?;
        run.indicators.insert(value.indicator_code.clone(), found);
    }
    let indicator = run.indicators.get(&value.indicator_code).and_then(Option::as_ref);
    let period = Period::containing(value.period_start).ok_or_else(|| Error::internal("a value has no quarter"))?;
    check_observation(&run.terms.caller, Catalogue::standard()?, indicator, value, period, run.terms.today())
}

/// Takes in rows of different names.
fn settle(conn: &mut Conn, run: &mut Run<'_>, batch: Vec<Taken>) -> Result<()> {
    let mut known = known_by_name(conn, &batch)?;
    let mut fresh = Vec::with_capacity(batch.len());
    let mut restated = Vec::new();
    for taken in batch {
        let name = (taken.value.source_system.clone(), taken.value.source_record_id.clone());
        match known.remove(&name) {
            None => fresh.push(taken),
            Some(old) => restated.extend(compare(conn, run, taken, &old)?),
        }
    }
    // What is restated first: its place is free, and no fresh row may take it.
    insert(conn, run, &values(&restated))?;
    let conflicting = insert(conn, run, &values(&fresh))?;
    for taken in fresh {
        let row = taken.row;
        if !conflicting.contains(&taken.value.id) {
            run.tally.new += 1;
            run.count_value(&taken.value);
            warn_of_quarter(run, row, taken.value.period_end);
            continue;
        }
        let old = store::observations::find_in_force(conn, &taken.value)?;
        let nameless =
            old.filter(|old| old.source_system == taken.value.source_system && old.source_record_id.is_none());
        match nameless {
            Some(old) => {
                let restated: Vec<Taken> = compare(conn, run, taken, &old)?.into_iter().collect();
                insert(conn, run, &values(&restated))?;
            }
            None => run.refuse(row, Code::ObservationExists.into())?,
        }
    }
    Ok(())
}

/// The records in force that the sources of these rows have under the rows' names.
fn known_by_name(conn: &mut Conn, batch: &[Taken]) -> Result<HashMap<(String, Option<String>), Observation>> {
    let mut by_system: HashMap<&str, Vec<&str>> = HashMap::new();
    for Taken { value, .. } in batch {
        by_system.entry(&value.source_system).or_default().extend(value.source_record_id.as_deref());
    }
    let mut known = HashMap::new();
    for (system, names) in by_system {
        for old in store::observations::list_by_source(conn, system, &names)? {
            known.insert((old.source_system.clone(), old.source_record_id.clone()), old);
        }
    }
    Ok(known)
}

fn values(taken: &[Taken]) -> Vec<&Observation> {
    taken.iter().map(|taken| &taken.value).collect()
}

/// How a value stands to the record that it tells of anew.
pub(super) enum Standing {
    /// It says the same.
    Unchanged,
    /// It takes its place.
    Restates,
    /// It is of another judge, indicator, kind of case or quarter.
    Elsewhere,
    /// It tells of an earlier day than the record.
    Older,
}

/// How a value stands to a record.
pub(super) fn standing(new: &Observation, old: &Observation) -> Standing {
    fn key(value: &Observation) -> (JudgeId, &str, &str, NaiveDate) {
        (value.judge_id, &value.indicator_code, &value.category, value.period_start)
    }
    if key(new) != key(old) {
        return Standing::Elsewhere;
    }
    if (new.numerator, new.denominator, &new.legal_basis) == (old.numerator, old.denominator, &old.legal_basis) {
        return Standing::Unchanged;
    }
    if new.as_of < old.as_of { Standing::Older } else { Standing::Restates }
}

/// Compares a row with the record that it tells of anew. Where it takes that record's place, the record is out of force
/// and the row is given back.
fn compare(conn: &mut Conn, run: &mut Run<'_>, mut taken: Taken, old: &Observation) -> Result<Option<Taken>> {
    match standing(&taken.value, old) {
        Standing::Elsewhere => run.refuse_for(taken.row, vec![Fault::at("/source_record_id", Rule::Duplicate)]),
        Standing::Older => run.refuse(taken.row, Code::AlreadySuperseded.into())?,
        Standing::Unchanged => {
            run.tally.unchanged += 1;
            run.count_value(&taken.value);
        }
        Standing::Restates => {
            store::observations::set_status(conn, old.id, RecordStatus::Corrected)?;
            taken.value.supersedes_id = Some(old.id);
            taken.value.status = old.status.of_successor();
            run.tally.restated += 1;
            run.count_value(&taken.value);
            warn_of_restatement(run, taken.row, "/numerator", &taken.value, old);
            warn_of_quarter(run, taken.row, taken.value.period_end);
            return Ok(Some(taken));
        }
    }
    Ok(None)
}

/// Tells what a new version changes, where that is worth a look.
pub(super) fn warn_of_restatement(run: &mut Run<'_>, row: i64, pointer: &str, new: &Observation, old: &Observation) {
    let (before, after) = (shown(old), shown(new));
    if before == after {
        return;
    }
    let change = format!("{before} → {after}");
    if old.status == RecordStatus::Disputed {
        run.warn(row, pointer, Warning::RestatesDisputed, change.clone());
    }
    if new.period_end < run.terms.today() {
        run.warn(row, pointer, Warning::RestatesClosedQuarter, change);
    }
}

/// A value as a change of it is told.
fn shown(value: &Observation) -> String {
    match value.denominator {
        Some(denominator) => format!("{}/{denominator}", value.numerator),
        None => value.numerator.to_string(),
    }
}

/// Warns where the quarter of a row is not over.
pub(super) fn warn_of_quarter(run: &mut Run<'_>, row: i64, ends_on: NaiveDate) {
    if ends_on >= run.terms.today() {
        run.warn(row, "/period", Warning::QuarterNotOver, String::new());
    }
}

/// Inserts values; those that another record is in the way of are left out and given back.
pub(super) fn insert(conn: &mut Conn, run: &mut Run<'_>, values: &[&Observation]) -> Result<HashSet<ObservationId>> {
    if values.is_empty() {
        return Ok(HashSet::new());
    }
    let inserted = store::observations::insert_batch(conn, values)?;
    run.touched.extend(values.iter().filter(|value| inserted.contains(&value.id)).map(|value| value.judge_id));
    Ok(values.iter().map(|value| value.id).filter(|id| !inserted.contains(id)).collect())
}
