//! Leaving a panel before the credential is collected; the next of the reserve takes the place. A newcomer's usual mistake
//! is to draw again: the reserve was drawn with the panel, and whoever follows can be checked from the record.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::issuance::{methodology_of, today};
use super::pools::Surroundings;
use crate::coded;
use crate::db::Conn;
use crate::domain::draw::{DrawRecord, next_in_reserve};
use crate::domain::ids::{AssignmentId, EvaluationId, JudgeId};
use crate::domain::methodology::Methodology;
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::assignments::{Assignment, AssignmentState, Duty, is_of_panel};
use crate::store::cycles::Cycle;
use crate::store::evaluations::Evaluation;

coded! {
    /// Why a reviewer leaves a panel.
    RecusalReason {
        /// They have seen too little of the subject's work to judge.
        NoContact = "no_contact",
        /// They are not impartial.
        Conflict = "conflict",
    }
}

/// Takes a judge out of a panel and the next of the reserve into it; the assignment as it is then. Where the reserve is
/// used up, the panel is one fewer.
///
/// # Errors
/// 404 where the judge has no such assignment; 409 `wrong_phase` where it was left already; 409
/// `credential_already_issued` once a credential was collected; 410 `window_closed` after issuance.
pub fn recuse(
    conn: &mut Conn,
    actor: &Actor,
    judge: JudgeId,
    id: AssignmentId,
    reason: RecusalReason,
    now: DateTime<Utc>,
) -> Result<Duty> {
    let duties = store::assignments::duties_of(conn, judge)?;
    let mut duty = duties.into_iter().find(|duty| duty.assignment.id == id).ok_or(Code::NotFound)?;
    match duty.assignment.state {
        AssignmentState::Drawn => {}
        AssignmentState::Issued => {
            return Err(Error::hinted(Code::CredentialAlreadyIssued, Hint::new("recusal_after_collecting")));
        }
        AssignmentState::Recused => return Err(Error::hinted(Code::WrongPhase, Hint::new("assignment_left"))),
        AssignmentState::Reserve => return Err(Code::NotFound.into()),
    }
    let (methodology, _) = methodology_of(conn, &duty.cycle)?;
    let issue_close = store::cycles::dates(conn, duty.cycle.id)?.issue_close;
    if today(&methodology, now) > issue_close {
        return Err(Error::hinted(Code::WindowClosed, Hint::new("recusal_too_late").text("day", issue_close)));
    }
    let (drawn, left) = (AssignmentState::Drawn, AssignmentState::Recused);
    store::assignments::set_state(conn, id, drawn, left, Some(reason.as_str()))?;
    if let Some(next) = next_assignment(conn, &duty.cycle, &duty.evaluation, &methodology, now)? {
        store::assignments::set_state(conn, next, AssignmentState::Reserve, drawn, None)?;
    }
    let entry = store::audit::NewEntry::new(Some(actor.account_id), "recuse_assignment", "assignment", id);
    store::audit::record(conn, entry, now)?;
    duty.assignment.state = left;
    duty.assignment.recusal_reason = Some(reason.to_string());
    Ok(duty)
}

/// Who follows, by the draw's record and the panels as they are now. Whoever could not be drawn any more is passed over:
/// somebody who left office, joined the commission, has a conflict declared since, or reviews enough others already.
pub(super) fn next_assignment(
    conn: &mut Conn,
    cycle: &Cycle,
    evaluation: &Evaluation,
    methodology: &Methodology,
    now: DateTime<Utc>,
) -> Result<Option<AssignmentId>> {
    let record = store::draws::record(conn, cycle.id, cycle.round)?;
    let record = record.ok_or_else(|| Error::internal("a drawn cycle has no record"))?;
    let record: DrawRecord = serde_json::from_str(&record).map_err(Error::internal)?;
    let keys: BTreeMap<JudgeId, String> = store::assignments::record_keys(conn, cycle.id)?.into_iter().collect();
    let key = |judge: JudgeId| keys.get(&judge).cloned().ok_or_else(|| Error::internal("a judge has no key"));
    let evaluations = store::evaluations::of_cycle(conn, cycle.id)?;
    let subjects: BTreeMap<EvaluationId, JudgeId> = evaluations.iter().map(|one| (one.id, one.judge_id)).collect();
    let mut panels: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut left = BTreeSet::new();
    let mut reserve: BTreeMap<String, AssignmentId> = BTreeMap::new();
    let surroundings = Surroundings::load(conn, methodology, today(methodology, now))?;
    let is_able = |judge: JudgeId| {
        let is_free = surroundings.load_of(judge) < methodology.counts.load_cap;
        is_free && surroundings.is_eligible(evaluation.judge_id, judge)
    };
    for Assignment { id, evaluation_id, judge_id, state, .. } in
        store::assignments::of_round(conn, cycle.id, cycle.round)?
    {
        // The panel of a cancelled evaluation binds nobody any more.
        let Some(subject) = subjects.get(&evaluation_id) else { continue };
        if is_of_panel(state) {
            panels.entry(key(*subject)?).or_default().push(key(judge_id)?);
        } else if evaluation_id == evaluation.id && state == AssignmentState::Reserve && is_able(judge_id) {
            reserve.insert(key(judge_id)?, id);
        } else if evaluation_id == evaluation.id {
            left.insert(key(judge_id)?);
        }
    }
    let next = next_in_reserve(&record, &key(evaluation.judge_id)?, &panels, &left);
    Ok(next.and_then(|key| reserve.get(key).copied()))
}
