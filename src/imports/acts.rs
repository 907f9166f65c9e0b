//! Files of reviews of judges' acts by higher courts. What a newcomer would get wrong: what members found on a review stays
//! with its record; one that is restated begins undetermined.

use chrono::{DateTime, NaiveDate, Utc};

use super::cells::{Column, Fields, SourceRow};
use super::{Kind, Run, one_of};
use crate::db::Conn;
use crate::domain::acts::{ActInstance, ActOutcome, ActReason};
use crate::domain::caller::Caller;
use crate::domain::ids::{self, ActId, ImportId};
use crate::domain::imports::Warning;
use crate::domain::judge_file::RecordStatus;
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::store;
use crate::store::acts::Act;
use crate::store::batches::{Dependants, Extent, Undone};
use crate::store::reconciliation::Recorded;
use crate::workflow::checks::{check_act, insert_act};

/// Reviews of acts.
pub(super) struct Acts;

const COLUMNS: &[Column] = &[
    Column::text("judge_id", ""),
    Column::text("judge_external_id", "J-20417"),
    Column::text("judge_source_system", ""),
    Column::text("case_no", "7517-26-00-2/1042"),
    Column::text("category", "civil"),
    Column::value("act_date", "2026-05-04"),
    Column::value("appealed_on", "2026-05-20"),
    Column::text("instance", "appeal"),
    Column::text("outcome", "cancelled_remitted"),
    Column::text("reason_code", "procedural_error"),
    Column::text("jury_decision_ref", ""),
    Column::text("source_system", "toerelik"),
    Column::text("source_record_id", "AC-2026-88120"),
    Column::value("as_of", "2026-09-01"),
    Column::text("legal_basis", ""),
];

impl Kind for Acts {
    fn columns(&'static self) -> &'static [Column] {
        COLUMNS
    }

    fn take(&'static self, conn: &mut Conn, run: &mut Run<'_>, rows: &[SourceRow]) -> Result<()> {
        for row in rows {
            let mut fields = run.fields(COLUMNS, row);
            let Some(act) = read(conn, run, &mut fields)? else {
                run.refuse_for(row.number, fields.into_faults());
                continue;
            };
            if let Err(error) = settle(conn, run, row.number, act) {
                run.refuse(row.number, error)?;
            }
        }
        Ok(())
    }

    fn recorded(&self, conn: &mut Conn, source_system: &str, _period: Option<NaiveDate>) -> Result<Vec<Recorded>> {
        store::reconciliation::acts(conn, source_system)
    }

    fn dependants(&self, conn: &mut Conn, batch: ImportId, since: NaiveDate) -> Result<Vec<Dependants>> {
        store::batches::dependants_of_acts(conn, batch, since)
    }

    fn extent(&self, conn: &mut Conn, batch: ImportId) -> Result<Extent> {
        <Act as store::batches::undoing::Batched>::extent(conn, batch)
    }

    fn undo(&self, conn: &mut Conn, batch: ImportId, by: &Caller, now: DateTime<Utc>) -> Result<Undone> {
        store::batches::undoing::undo::<Act>(conn, batch, by.id(), now)
    }
}

/// The review of a row, or `None` with faults noted.
fn read(conn: &mut Conn, run: &mut Run<'_>, fields: &mut Fields<'_>) -> Result<Option<Act>> {
    let judge_id = run.judge(conn, fields)?;
    let case_no = fields.needed("case_no", |fields, name| fields.text(name));
    let category = fields.needed("category", |fields, name| fields.text(name));
    let act_date = fields.needed("act_date", |fields, name| fields.day(name));
    let appealed_on = fields.needed("appealed_on", |fields, name| fields.day(name));
    let instances = one_of(ActInstance::ALL.iter().map(|word| word.as_str()));
    let instance = fields.needed("instance", |fields, name| fields.word::<ActInstance>(name, instances.clone()));
    let outcomes = one_of(ActOutcome::ALL.iter().map(|word| word.as_str()));
    let outcome = fields.needed("outcome", |fields, name| fields.word::<ActOutcome>(name, outcomes.clone()));
    let reasons = one_of(ActReason::ALL.iter().map(|word| word.as_str()));
    let reason_code = fields.word::<ActReason>("reason_code", reasons);
    let jury_decision_ref = fields.text("jury_decision_ref");
    let source_system = fields.needed("source_system", |fields, name| fields.text(name));
    let source_record_id = fields.needed("source_record_id", |fields, name| fields.text(name));
    let as_of = fields.needed("as_of", |fields, name| fields.day(name));
    let legal_basis = fields.text("legal_basis");
    if !fields.is_sound() {
        return Ok(None);
    }
    let (
        Some(judge_id),
        Some(case_no),
        Some(category),
        Some(act_date),
        Some(appealed_on),
        Some(instance),
        Some(outcome),
        Some(source_system),
        Some(as_of),
    ) = (judge_id, case_no, category, act_date, appealed_on, instance, outcome, source_system, as_of)
    else {
        return Err(Error::internal("a field that is not there has no fault"));
    };
    Ok(Some(Act {
        id: ActId(ids::new_at(run.terms.now)),
        judge_id,
        case_no,
        category,
        act_date,
        appealed_on,
        instance,
        outcome,
        reason_code,
        jury_decision_ref,
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
    }))
}

/// Records a review, unless it is on record as it is.
fn settle(conn: &mut Conn, run: &mut Run<'_>, row: i64, mut act: Act) -> Result<()> {
    check_act(&run.terms.caller, &act, run.terms.today())?;
    let name = act.source_record_id.as_deref().unwrap_or_default();
    let mut old = store::acts::find_by_source(conn, &act.source_system, name)?;
    if old.as_ref().is_some_and(|old| key(old) != key(&act)) {
        return Err(Error::faults(Code::Invalid, vec![Fault::at("/source_record_id", Rule::Duplicate)]));
    }
    if old.is_none() {
        old = store::acts::find_in_force(conn, &act)?;
        let is_ours = |old: &Act| old.source_system == act.source_system && old.source_record_id.is_none();
        if old.as_ref().is_some_and(|old| !is_ours(old)) {
            return Err(Code::AlreadyExists.into());
        }
    }
    let mut change = None;
    if let Some(old) = &old {
        let changed = changed(old, &act);
        if changed.is_empty() {
            run.tally.unchanged += 1;
            run.count(&act.source_system);
            return Ok(());
        }
        if act.as_of < old.as_of {
            return Err(Code::AlreadySuperseded.into());
        }
        act.supersedes_id = Some(old.id);
        change = (old.status == RecordStatus::Disputed).then(|| changed.join(", "));
    }
    let act = insert_act(conn, &run.terms.caller, act)?;
    run.touched.insert(act.judge_id);
    if old.is_some() {
        run.tally.restated += 1;
    } else {
        run.tally.new += 1;
    }
    run.count(&act.source_system);
    if let Some(change) = change {
        run.warn(row, "", Warning::RestatesDisputed, change);
    }
    Ok(())
}

/// What a review is of.
fn key(act: &Act) -> impl PartialEq + '_ {
    (act.judge_id, &act.case_no, act.act_date, act.instance)
}

/// The names of the fields that a row changes.
fn changed(old: &Act, new: &Act) -> Vec<&'static str> {
    let fields = [
        ("category", old.category != new.category),
        ("appealed_on", old.appealed_on != new.appealed_on),
        ("outcome", old.outcome != new.outcome),
        ("reason_code", old.reason_code != new.reason_code),
        ("jury_decision_ref", old.jury_decision_ref != new.jury_decision_ref),
        ("legal_basis", old.legal_basis != new.legal_basis),
    ];
    fields.into_iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| name).collect()
}
