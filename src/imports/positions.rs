//! Files of posts. What a newcomer would get wrong: the end of a post is told by the same source name again, with an end;
//! it becomes a record of its own that replaces the open one.

use chrono::{DateTime, NaiveDate, Utc};

use super::cells::{Column, Fields, SourceRow};
use super::{Kind, Run, one_of};
use crate::db::Conn;
use crate::domain::caller::Caller;
use crate::domain::ids::{self, ImportId, PositionId};
use crate::domain::imports::Warning;
use crate::domain::judge_file::{EndedReason, PositionKind, RecordStatus};
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::store;
use crate::store::batches::{Dependants, Extent, Undone};
use crate::store::positions::Position;
use crate::store::reconciliation::Recorded;
use crate::workflow::checks::{check_position, insert_position};

/// Posts that judges hold and held.
pub(super) struct Positions;

const COLUMNS: &[Column] = &[
    Column::text("judge_id", ""),
    Column::text("judge_external_id", "J-20417"),
    Column::text("judge_source_system", "toerelik"),
    Column::text("court_id", ""),
    Column::text("court_external_id", "7101"),
    Column::text("court_source_system", "toerelik"),
    Column::text("kind", "judge"),
    Column::value("starts_on", "2015-03-02"),
    Column::value("ends_on", ""),
    Column::text("ended_reason", ""),
    Column::text("act_ref", "Decree 417 of 2 March 2015"),
    Column::text("specialisations", "civil juvenile"),
    Column::text("source_system", "hr"),
    Column::text("source_record_id", "P-118"),
    Column::value("as_of", "2027-01-10"),
    Column::text("legal_basis", ""),
];

impl Kind for Positions {
    fn columns(&'static self) -> &'static [Column] {
        COLUMNS
    }

    fn take(&'static self, conn: &mut Conn, run: &mut Run<'_>, rows: &[SourceRow]) -> Result<()> {
        for row in rows {
            let mut fields = run.fields(COLUMNS, row);
            let Some(position) = read(conn, run, &mut fields)? else {
                run.refuse_for(row.number, fields.into_faults());
                continue;
            };
            if let Err(error) = settle(conn, run, row.number, position) {
                run.refuse(row.number, error)?;
            }
        }
        Ok(())
    }

    fn recorded(&self, conn: &mut Conn, source_system: &str, _period: Option<NaiveDate>) -> Result<Vec<Recorded>> {
        store::reconciliation::positions(conn, source_system)
    }

    fn dependants(&self, conn: &mut Conn, batch: ImportId, since: NaiveDate) -> Result<Vec<Dependants>> {
        store::batches::dependants_of_positions(conn, batch, since)
    }

    fn extent(&self, conn: &mut Conn, batch: ImportId) -> Result<Extent> {
        <Position as store::batches::undoing::Batched>::extent(conn, batch)
    }

    fn undo(&self, conn: &mut Conn, batch: ImportId, by: &Caller, now: DateTime<Utc>) -> Result<Undone> {
        store::batches::undoing::undo::<Position>(conn, batch, by.id(), now)
    }
}

/// The post of a row, or `None` with faults noted.
fn read(conn: &mut Conn, run: &mut Run<'_>, fields: &mut Fields<'_>) -> Result<Option<Position>> {
    let judge_id = run.judge(conn, fields)?;
    let court_id = run.court(conn, fields)?;
    let kinds = one_of(PositionKind::ALL.iter().map(|kind| kind.as_str()));
    let kind = fields.needed("kind", |fields, name| fields.word::<PositionKind>(name, kinds.clone()));
    let starts_on = fields.needed("starts_on", |fields, name| fields.day(name));
    let ends_on = fields.day("ends_on");
    let reasons = one_of(EndedReason::ALL.iter().map(|reason| reason.as_str()));
    let ended_reason = fields.word::<EndedReason>("ended_reason", reasons);
    let act_ref = fields.text("act_ref");
    let specialisations = fields.codes("specialisations");
    let source_system = fields.needed("source_system", |fields, name| fields.text(name));
    let source_record_id = fields.needed("source_record_id", |fields, name| fields.text(name));
    let as_of = fields.needed("as_of", |fields, name| fields.day(name));
    let legal_basis = fields.text("legal_basis");
    if !fields.is_sound() {
        return Ok(None);
    }
    let (Some(judge_id), Some(court_id), Some(kind), Some(starts_on), Some(source_system), Some(as_of)) =
        (judge_id, court_id, kind, starts_on, source_system, as_of)
    else {
        return Err(Error::internal("a field that is not there has no fault"));
    };
    Ok(Some(Position {
        id: PositionId(ids::new_at(run.terms.now)),
        judge_id,
        court_id,
        kind,
        act_ref,
        starts_on,
        ends_on,
        ended_reason,
        source_system,
        as_of,
        received_at: run.terms.now.naive_utc(),
        recorded_by: run.terms.caller.id().account(),
        recorded_by_client: run.terms.caller.id().client(),
        status: RecordStatus::Active,
        supersedes_id: None,
        source_record_id,
        legal_basis,
        batch_id: Some(run.terms.import_id),
        specialisations,
    }))
}

/// Records a post, unless it is on record as it is.
fn settle(conn: &mut Conn, run: &mut Run<'_>, row: i64, mut position: Position) -> Result<()> {
    check_position(&run.terms.caller, &position, run.terms.today())?;
    let name = position.source_record_id.as_deref().unwrap_or_default();
    let old = store::positions::find_by_source(conn, &position.source_system, name)?;
    let mut change = None;
    if let Some(old) = &old {
        if (old.judge_id, old.kind) != (position.judge_id, position.kind) {
            return Err(Error::faults(Code::Invalid, vec![Fault::at("/source_record_id", Rule::Duplicate)]));
        }
        let changed = changed(old, &position);
        if changed.is_empty() {
            run.tally.unchanged += 1;
            run.count(&position.source_system);
            return Ok(());
        }
        if position.as_of < old.as_of {
            return Err(Code::AlreadySuperseded.into());
        }
        position.supersedes_id = Some(old.id);
        change = (old.status == RecordStatus::Disputed).then(|| changed.join(", "));
    }
    let position = insert_position(conn, &run.terms.caller, position)?;
    run.touched.insert(position.judge_id);
    run.count(&position.source_system);
    if old.is_some() {
        run.tally.restated += 1;
    } else {
        run.tally.new += 1;
    }
    if let Some(change) = change {
        run.warn(row, "", Warning::RestatesDisputed, change);
    }
    Ok(())
}

/// The names of the fields that a row changes.
fn changed(old: &Position, new: &Position) -> Vec<&'static str> {
    let fields = [
        ("court_id", old.court_id != new.court_id),
        ("starts_on", old.starts_on != new.starts_on),
        ("ends_on", old.ends_on != new.ends_on),
        ("ended_reason", old.ended_reason != new.ended_reason),
        ("act_ref", old.act_ref != new.act_ref),
        ("specialisations", old.specialisations != new.specialisations),
        ("legal_basis", old.legal_basis != new.legal_basis),
    ];
    fields.into_iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| name).collect()
}
