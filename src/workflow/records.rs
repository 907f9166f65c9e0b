//! Records of the file's sections: recorded, replaced, confirmed, withdrawn. What a newcomer would get wrong: what the
//! judge declared is the judge's to change. Staff confirm it or leave it as it is; they never speak in the judge's name.

use chrono::{DateTime, NaiveDate, Utc};

use super::cycles;
use crate::db::Conn;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::caller::{Caller, CallerId};
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids;
use crate::domain::ids::{AccountId, ActId, ImportId, JudgeId, ObservationId, ParticularsId, PositionId, RecordId};
use crate::domain::judge_file::{Check, RecordStatus};
use crate::domain::sections::own::{JudgeStatementFields, SelfAssessmentFields};
use crate::domain::sections::{ConfirmationState, Content, OWN_SOURCE, RecordRef, RecordType, Section};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::file_records::FileRecord;

/// What is to be recorded, and by whom.
#[derive(Debug, Clone)]
pub struct NewFileRecord {
    /// Whose file.
    pub judge_id: JudgeId,
    /// The section's fields.
    pub content: Content,
    /// Who records it.
    pub by: CallerId,
    /// The system of record.
    pub source_system: String,
    /// The record's name there.
    pub source_record_id: Option<String>,
    /// The day whose state the source told.
    pub as_of: NaiveDate,
    /// The law by which it is kept.
    pub legal_basis: Option<String>,
    /// Whether it has to be confirmed.
    pub confirmation: ConfirmationState,
    /// The record that it replaces.
    pub supersedes_id: Option<RecordId>,
    /// The import that it comes in with; none where it is recorded alone.
    pub batch_id: Option<ImportId>,
}

/// Whose records somebody replaces and withdraws; to others they are absent.
#[derive(Debug, Clone)]
pub enum Keeper {
    /// Staff and other systems: what systems of record said for which the caller speaks.
    Source(Caller),
    /// The judge: what the judge declared.
    Judge,
}

impl Keeper {
    fn keeps(&self, record: &FileRecord) -> bool {
        let is_own = record.source_system == OWN_SOURCE;
        match self {
            Keeper::Source(caller) => !is_own && caller.speaks_for(&record.source_system),
            Keeper::Judge => is_own,
        }
    }
}

/// Records it; a record that it names as superseded becomes `corrected`.
///
/// # Errors
/// 404 without the judge; 422 where what it refers to is not in the judge's file; 409 `already_superseded`; 409
/// `already_exists` where the source has a record of this name in force; 409 `wrong_phase` for a self-assessment after
/// the evaluation's pool was settled.
pub fn record(conn: &mut Conn, keeper: &Keeper, new: &NewFileRecord, now: DateTime<Utc>) -> Result<FileRecord> {
    store::judges::find(conn, new.judge_id)?.ok_or(Code::NotFound)?;
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let mut row = row(new, now)?;
    match &new.content {
        Content::JudgeStatement(fields) => {
            check_statement(conn, new.judge_id, fields, today)?;
            row.about_id = fields.about.map(|about| about.record_id);
        }
        Content::SelfAssessment(fields) => {
            check_self_assessment(conn, new.judge_id, fields)?;
            row.source_record_id = Some(fields.evaluation_id.to_string());
        }
        Content::Document(fields) => row.sha256 = Some(fields.sha256.clone()),
        Content::Education(_)
        | Content::Language(_)
        | Content::Incentive(_)
        | Content::Training(_)
        | Content::Teaching(_)
        | Content::Publication(_)
        | Content::RuleMaking(_)
        | Content::Suspension(_)
        | Content::Discipline(_)
        | Content::Complaint(_)
        | Content::EthicsFinding(_) => {}
    }
    if let Some(old_id) = new.supersedes_id {
        (row.first_id, row.status) = supersede(conn, keeper, new, old_id, now)?;
    }
    store::file_records::insert(conn, &row)?;
    Ok(row)
}

fn row(new: &NewFileRecord, now: DateTime<Utc>) -> Result<FileRecord> {
    let id = RecordId(ids::new_at(now));
    let effect = new.content.effect();
    Ok(FileRecord {
        id,
        judge_id: new.judge_id,
        section: new.content.section(),
        content: new.content.to_json()?,
        effective_from: effect.from,
        effective_to: effect.to,
        shown: effect.shown,
        about_id: None,
        sha256: None,
        source_system: new.source_system.clone(),
        source_record_id: new.source_record_id.clone(),
        as_of: new.as_of,
        received_at: now.naive_utc(),
        recorded_by: new.by.account(),
        recorded_by_client: new.by.client(),
        status: RecordStatus::Active,
        first_id: id,
        supersedes_id: new.supersedes_id,
        legal_basis: new.legal_basis.clone(),
        confirmation: new.confirmation,
        confirmed_by: None,
        confirmed_at: None,
        ended_at: None,
        end_reason: None,
        batch_id: new.batch_id,
    })
}

/// Takes the old record out of force, for a new one to take its place; the first of those that replaced one another, and
/// how the new one stands.
fn supersede(
    conn: &mut Conn,
    keeper: &Keeper,
    new: &NewFileRecord,
    old_id: RecordId,
    now: DateTime<Utc>,
) -> Result<(RecordId, RecordStatus)> {
    let old = store::file_records::find(conn, new.judge_id, old_id)?.filter(|old| keeper.keeps(old));
    let old = old.ok_or_else(|| Error::invalid("/supersedes_id", Rule::Missing))?;
    if old.section != new.content.section() {
        return Err(Error::invalid("/supersedes_id", Rule::Mismatch { other: "content" }));
    }
    if !old.status.is_in_force() {
        return Err(Code::AlreadySuperseded.into());
    }
    store::file_records::end(conn, old_id, RecordStatus::Corrected, now.naive_utc(), None)?;
    Ok((old.first_id, old.status.of_successor()))
}

fn check_statement(conn: &mut Conn, judge: JudgeId, fields: &JudgeStatementFields, today: NaiveDate) -> Result<()> {
    let mut check = Check::default();
    if let Some(about) = fields.about {
        let is_there = standing(conn, judge, about, Some(today))?.is_some();
        check.rule(is_there, "/content/judge_statement/about/record_id", Rule::Missing);
    }
    check_documents(conn, judge, &fields.attachments, "/content/judge_statement/attachments", &mut check)?;
    check.done()
}

/// Notes each id that is none of a document in force in the judge's file; `place` is the pointer of the list.
pub fn check_documents(
    conn: &mut Conn,
    judge: JudgeId,
    document_ids: &[RecordId],
    place: &str,
    check: &mut Check,
) -> Result<()> {
    for (index, id) in document_ids.iter().enumerate() {
        let found = store::file_records::find(conn, judge, *id)?;
        let is_document = found.is_some_and(|found| found.section == Section::Document && found.status.is_in_force());
        check.rule(is_document, &format!("{place}/{index}"), Rule::Missing);
    }
    Ok(())
}

/// Own marks are of the items and the scale that reviewers have, and are made before anybody reviews.
fn check_self_assessment(conn: &mut Conn, judge: JudgeId, fields: &SelfAssessmentFields) -> Result<()> {
    let place = "/content/self_assessment";
    let evaluation = store::evaluations::find(conn, fields.evaluation_id)?.filter(|found| found.judge_id == judge);
    let evaluation = evaluation.ok_or_else(|| Error::invalid(format!("{place}/evaluation_id"), Rule::Missing))?;
    match evaluation.state {
        EvaluationState::Planned
        | EvaluationState::Notified
        | EvaluationState::FileReview
        | EvaluationState::PoolReview => {}
        EvaluationState::Collecting
        | EvaluationState::Counted
        | EvaluationState::Drafting
        | EvaluationState::Responding
        | EvaluationState::Hearing
        | EvaluationState::Decided
        | EvaluationState::Served
        | EvaluationState::Appealed
        | EvaluationState::Final
        | EvaluationState::Suspended
        | EvaluationState::Cancelled => {
            return Err(Error::hinted(Code::WrongPhase, Hint::new("own_marks_too_late")));
        }
    }
    let methodology = cycles::load(conn, evaluation.cycle_id)?.methodology;
    let asked = methodology.items_of(&evaluation.instrument_id);
    let asked = asked.ok_or_else(|| Error::internal("an evaluation's instrument is missing"))?;
    let mut check = Check::default();
    for (index, mark) in fields.items.iter().enumerate() {
        let is_asked = asked.iter().any(|item| item.code == mark.item);
        check.rule(is_asked, &format!("{place}/items/{index}/item"), Rule::Missing);
        // Without a scale there are no items, so that whatever is marked is not asked.
        if let Some(scale) = methodology.scale {
            let marks = Rule::Range { min: i64::from(scale.min), max: i64::from(scale.max) };
            let is_mark = mark.value.is_none_or(|value| scale.contains(value));
            check.rule(is_mark, &format!("{place}/items/{index}/value"), marks);
        }
    }
    check.done()
}

/// Confirms what the judge declared.
///
/// # Errors
/// 404 without such a record in the file; 409 `already_superseded` where it is not in force; 409 `wrong_phase` where there
/// is nothing to confirm.
pub fn confirm(conn: &mut Conn, judge: JudgeId, id: RecordId, by: AccountId, now: DateTime<Utc>) -> Result<FileRecord> {
    let found = store::file_records::find(conn, judge, id)?.ok_or(Code::NotFound)?;
    if !found.status.is_in_force() {
        return Err(Code::AlreadySuperseded.into());
    }
    if found.confirmation != ConfirmationState::Awaited {
        return Err(Error::hinted(Code::WrongPhase, Hint::new("nothing_to_confirm")));
    }
    store::file_records::confirm(conn, id, by, now.naive_utc())?;
    let (confirmed_by, confirmed_at) = (Some(by), Some(now.naive_utc()));
    Ok(FileRecord { confirmation: ConfirmationState::Confirmed, confirmed_by, confirmed_at, ..found })
}

/// Withdraws a record for a reason.
///
/// # Errors
/// 404 without a record that is the keeper's in the file; 409 `already_superseded` where it is not in force.
pub fn withdraw(
    conn: &mut Conn,
    judge: JudgeId,
    id: RecordId,
    keeper: &Keeper,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<FileRecord> {
    let found = store::file_records::find(conn, judge, id)?.filter(|found| keeper.keeps(found));
    let found = found.ok_or(Code::NotFound)?;
    if !found.status.is_in_force() {
        return Err(Code::AlreadySuperseded.into());
    }
    let status = RecordStatus::Withdrawn;
    store::file_records::end(conn, id, status, now.naive_utc(), Some(reason))?;
    let (ended_at, end_reason) = (Some(now.naive_utc()), Some(reason.to_owned()));
    Ok(FileRecord { status, ended_at, end_reason, ..found })
}

/// How a record of the judge's file stands, of whatever kind; where a day is given, only if it may be shown on that day.
pub fn standing(
    conn: &mut Conn,
    judge: JudgeId,
    record: RecordRef,
    shown_on: Option<NaiveDate>,
) -> Result<Option<RecordStatus>> {
    let RecordRef { record_type, record_id } = record;
    let found = match record_type {
        RecordType::Act => store::acts::find(conn, ActId(record_id.0))?.map(|found| (found.judge_id, found.status)),
        RecordType::Observation => {
            store::observations::find(conn, ObservationId(record_id.0))?.map(|found| (found.judge_id, found.status))
        }
        RecordType::Particulars => {
            store::particulars::find(conn, ParticularsId(record_id.0))?.map(|found| (found.judge_id, found.status))
        }
        RecordType::Position => {
            store::positions::find(conn, PositionId(record_id.0))?.map(|found| (found.judge_id, found.status))
        }
        RecordType::Record => match shown_on {
            Some(day) => store::file_records::find_shown(conn, judge, record_id, day)?,
            None => store::file_records::find(conn, judge, record_id)?,
        }
        .map(|found| (found.judge_id, found.status)),
    };
    Ok(found.filter(|(of, _)| *of == judge).map(|(_, status)| status))
}
