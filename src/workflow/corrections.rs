//! Requests to correct a record of the file, of whatever kind, with the record that they are about. What a newcomer would
//! get wrong: deciding a request changes no value. The right one is recorded before, or the record withdrawn, and the
//! decision only says that it was.

use chrono::NaiveDate;

use super::records::{check_documents, standing};
use crate::db::Conn;
use crate::domain::ids::{ActId, JudgeId, ObservationId, ParticularsId, PositionId, RecordId};
use crate::domain::judge_file::{Check, CorrectionOutcome, CorrectionStatus, RecordStatus};
use crate::domain::policy::{Actor, may_decide_corrections};
use crate::domain::sections::{RecordRef, RecordType};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::corrections::{CorrectionRequest, Sight};

/// Files a request: its record is disputed from then on.
///
/// # Errors
/// 422 where the record, or a document, is not in the judge's file; 409 `already_superseded` where the record is not in
/// force; 409 `already_exists` where a request for it is open.
pub fn file(
    conn: &mut Conn,
    correction: &CorrectionRequest,
    document_ids: &[RecordId],
    today: NaiveDate,
) -> Result<()> {
    let found = standing(conn, correction.judge_id, correction.record(), Some(today))?;
    let mut check = Check::default();
    check.rule(found.is_some(), "/record_id", Rule::Missing);
    check_documents(conn, correction.judge_id, document_ids, "/document_ids", &mut check)?;
    check.done()?;
    if found.is_some_and(|status| !status.is_in_force()) {
        return Err(Code::AlreadySuperseded.into());
    }
    store::corrections::insert(conn, correction)?;
    set_status(conn, correction.record(), RecordStatus::Disputed)
}

/// Ends the dispute: what is in force of the record and those that took its place stands undisputed, unless another
/// request is open for one of them. Accepted, the record must have been replaced or withdrawn already.
///
/// # Errors
/// 409 `guard_not_met` where it was not.
pub fn settle(conn: &mut Conn, request: &CorrectionRequest, outcome: CorrectionOutcome) -> Result<()> {
    let record = request.record();
    let is_in_force = standing(conn, request.judge_id, record, None)?.is_some_and(RecordStatus::is_in_force);
    match outcome {
        CorrectionOutcome::Accepted | CorrectionOutcome::Partly if is_in_force => {
            return Err(Error::hinted(Code::GuardNotMet, Hint::new("superseding_record_missing")));
        }
        CorrectionOutcome::Rejected | CorrectionOutcome::Accepted | CorrectionOutcome::Partly => {}
    }
    let versions = store::versions::of(conn, record)?;
    let ids: Vec<RecordId> = versions.iter().map(|version| version.id).collect();
    let requests = store::corrections::of_record(conn, request.judge_id, &ids)?;
    let is_open = |other: &CorrectionRequest| other.id != request.id && other.status == CorrectionStatus::Open;
    if requests.iter().any(is_open) {
        return Ok(());
    }
    // What was replaced or withdrawn meanwhile is not revived.
    let standing = versions.into_iter().filter(|version| version.status.is_in_force());
    for version in standing {
        let record = RecordRef { record_id: version.id, ..record };
        set_status(conn, record, RecordStatus::Active)?;
    }
    Ok(())
}

/// Which requests of a judge somebody sees who may read the file.
pub fn sight(actor: &Actor, judge: JudgeId, today: NaiveDate) -> Sight {
    if actor.judge_id == Some(judge) {
        return Sight::Own;
    }
    if may_decide_corrections(actor).is_ok() { Sight::ShownOrOpen(today) } else { Sight::Shown(today) }
}

fn set_status(conn: &mut Conn, record: RecordRef, status: RecordStatus) -> Result<()> {
    let RecordRef { record_type, record_id } = record;
    match record_type {
        RecordType::Act => store::acts::set_status(conn, ActId(record_id.0), status),
        RecordType::Observation => store::observations::set_status(conn, ObservationId(record_id.0), status),
        RecordType::Particulars => store::particulars::set_status(conn, ParticularsId(record_id.0), status),
        RecordType::Position => store::positions::set_status(conn, PositionId(record_id.0), status),
        RecordType::Record => store::file_records::set_status(conn, record_id, status),
    }
}
