//! Ending one evaluation alone, so that its cycle goes on without it: a judge left office, is exempt or withdrew. A
//! newcomer's usual mistake is to allow it at any time: the draw ties the panels of all subjects together, and the manifest
//! names every one of them.

use chrono::{DateTime, Utc};

use super::cycles::{self, Mover};
use super::notices;
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::ids::EvaluationId;
use crate::domain::notices::NoticeKind;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::cycles::Cycle;
use crate::store::evaluations::{Evaluation, EvaluationState};

/// The state that an approval of the cancellation covers: the evaluation's own, so that two can be asked for at once.
pub fn state(conn: &mut Conn, id: EvaluationId) -> Result<String> {
    let evaluation = store::evaluations::find(conn, id)?.ok_or(Code::NotFound)?;
    Ok(format!("{} version {}", evaluation.state, evaluation.version))
}

/// Whether an evaluation can be cancelled now.
///
/// # Errors
/// 404; 409 `wrong_phase` where it is cancelled already, or its cycle is drawn, with what would help.
pub fn check_cancel(conn: &mut Conn, id: EvaluationId) -> Result<(Evaluation, Cycle)> {
    let evaluation = store::evaluations::find(conn, id)?.ok_or(Code::NotFound)?;
    let cycle = cycles::load(conn, evaluation.cycle_id)?.cycle;
    let refused = |hint: Hint| Err(Error::hinted(Code::WrongPhase, hint));
    if evaluation.state == EvaluationState::Cancelled {
        return refused(Hint::new("evaluation_is_cancelled"));
    }
    match cycle.phase {
        Phase::Draft | Phase::Announced | Phase::FileReview | Phase::PoolReview => Ok((evaluation, cycle)),
        Phase::Drawn | Phase::Issuance | Phase::Submission => refused(Hint::new("evaluation_is_drawn")),
        Phase::Sealed | Phase::Reporting | Phase::Closed | Phase::Cancelled => {
            refused(Hint::new("evaluation_is_sealed"))
        }
    }
}

/// Cancels an evaluation. The cycle's version grows with it: what was approved of the cycle before was approved of other
/// subjects.
///
/// # Errors
/// As [`check_cancel`].
pub fn cancel(conn: &mut Conn, id: EvaluationId, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let (evaluation, mut cycle) = check_cancel(conn, id)?;
    store::evaluations::set_state(conn, id, EvaluationState::Cancelled)?;
    store::cycles::update(conn, &mut cycle)?;
    let entry = store::audit::NewEntry::new(Some(mover.account_id), "cancel_evaluation", "evaluation", id);
    store::audit::record(conn, entry.of_judge(evaluation.judge_id), now)?;
    if cycle.phase != Phase::Draft {
        // Nobody was told of a cycle in draft.
        notices::of_evaluation(conn, NoticeKind::EvaluationCancelled, &evaluation, now)?;
    }
    Ok(())
}
