//! The states of an evaluation and the only legal steps between them, as data. What a newcomer would get wrong: until the
//! count the cycle carries all its evaluations together; from `counted` on each goes its own way, and only here is said which.

use crate::coded;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};

coded! {
    /// Where an evaluation stands (`domain.md` 7.2).
    EvaluationState {
        /// Its cycle is not announced yet.
        Planned = "planned",
        /// The judge was told.
        Notified = "notified",
        /// The judge reads the file.
        FileReview = "file_review",
        /// The judge sees the eligible pool.
        PoolReview = "pool_review",
        /// Credentials and reviews are collected.
        Collecting = "collecting",
        /// The result is recounted, and its cycle reports.
        Counted = "counted",
        /// The rapporteur drafts the report.
        Drafting = "drafting",
        /// The draft is served, and the judge may answer it.
        Responding = "responding",
        /// The judge is to be heard, or was.
        Hearing = "hearing",
        /// The commission has decided.
        Decided = "decided",
        /// The decision is served, and the judge may appeal.
        Served = "served",
        /// An appeal is filed; the decision has no effect until it is decided.
        Appealed = "appealed",
        /// The decision is in force.
        Final = "final",
        /// The course stands still; its clocks do, too.
        Suspended = "suspended",
        /// Ended without result.
        Cancelled = "cancelled",
    }
}

impl EvaluationState {
    /// Those from the count to the decision in force, in which an evaluation goes its own way.
    pub const OWN_COURSE: [EvaluationState; 8] = [
        EvaluationState::Counted,
        EvaluationState::Drafting,
        EvaluationState::Responding,
        EvaluationState::Hearing,
        EvaluationState::Decided,
        EvaluationState::Served,
        EvaluationState::Appealed,
        EvaluationState::Suspended,
    ];

    /// Those of which nothing is to come any more.
    pub const ENDED: [EvaluationState; 2] = [EvaluationState::Final, EvaluationState::Cancelled];
}

coded! {
    /// What is done to an evaluation on its own course.
    EvaluationAct {
        /// The rapporteur writes a version of the report.
        DraftReport = "draft_report",
        /// The draft is served on the judge.
        ServeReport = "serve_report",
        /// The judge answers the draft.
        FileResponse = "file_response",
        /// A hearing is arranged.
        ScheduleHearing = "schedule_hearing",
        /// What happened at a hearing is put on record.
        RecordHearing = "record_hearing",
        /// A decision is put to the vote.
        ProposeDecision = "propose_decision",
        /// The vote ends with a majority for it.
        AdoptDecision = "adopt_decision",
        /// The decision is served on the judge.
        ServeDecision = "serve_decision",
        /// The judge appeals.
        FileAppeal = "file_appeal",
        /// The decision comes into force, as nobody has appealed.
        Finalise = "finalise",
        /// The appeal panel leaves the decision as it is.
        Uphold = "uphold",
        /// The appeal panel puts another outcome in its place.
        Change = "change",
        /// The appeal panel sends the evaluation back to other members.
        Remit = "remit",
        /// The appeal panel takes the peer result out and sends the evaluation back.
        AnnulPeerPart = "annul_peer_part",
        /// The appeal panel orders a new evaluation with a new panel.
        OrderNewEvaluation = "order_new_evaluation",
        /// Two persons stop the course for a while.
        Suspend = "suspend",
        /// Two persons let it go on.
        Resume = "resume",
        /// Two persons go back to the draft because of an error.
        Reopen = "reopen",
        /// Two persons end it without a result.
        Cancel = "cancel",
        /// Two persons record that a decision in force was quashed.
        Revoke = "revoke",
    }
}

/// One legal step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub act: EvaluationAct,
    /// The state left.
    pub from: EvaluationState,
    /// The state entered.
    pub to: EvaluationState,
}

const fn step(act: EvaluationAct, from: EvaluationState, to: EvaluationState) -> Step {
    Step { act, from, to }
}

use EvaluationAct as Act;
use EvaluationState as State;

/// All legal steps of an evaluation's own course. What is revoked is drafted anew by other members; what is suspended goes on
/// where it stood, so that [`Act::Resume`] has a step for each state.
pub const STEPS: &[Step] = &[
    step(Act::DraftReport, State::Counted, State::Drafting),
    step(Act::DraftReport, State::Drafting, State::Drafting),
    step(Act::ServeReport, State::Drafting, State::Responding),
    step(Act::FileResponse, State::Responding, State::Responding),
    step(Act::ScheduleHearing, State::Responding, State::Hearing),
    step(Act::ScheduleHearing, State::Hearing, State::Hearing),
    step(Act::RecordHearing, State::Hearing, State::Hearing),
    step(Act::ProposeDecision, State::Responding, State::Responding),
    step(Act::ProposeDecision, State::Hearing, State::Hearing),
    step(Act::AdoptDecision, State::Responding, State::Decided),
    step(Act::AdoptDecision, State::Hearing, State::Decided),
    step(Act::ServeDecision, State::Decided, State::Served),
    step(Act::FileAppeal, State::Served, State::Appealed),
    step(Act::Finalise, State::Served, State::Final),
    step(Act::Uphold, State::Appealed, State::Final),
    step(Act::Change, State::Appealed, State::Final),
    step(Act::Remit, State::Appealed, State::Drafting),
    step(Act::AnnulPeerPart, State::Appealed, State::Drafting),
    step(Act::OrderNewEvaluation, State::Appealed, State::Cancelled),
    step(Act::Suspend, State::Counted, State::Suspended),
    step(Act::Suspend, State::Drafting, State::Suspended),
    step(Act::Suspend, State::Responding, State::Suspended),
    step(Act::Suspend, State::Hearing, State::Suspended),
    step(Act::Suspend, State::Decided, State::Suspended),
    step(Act::Suspend, State::Served, State::Suspended),
    step(Act::Suspend, State::Appealed, State::Suspended),
    step(Act::Resume, State::Suspended, State::Counted),
    step(Act::Resume, State::Suspended, State::Drafting),
    step(Act::Resume, State::Suspended, State::Responding),
    step(Act::Resume, State::Suspended, State::Hearing),
    step(Act::Resume, State::Suspended, State::Decided),
    step(Act::Resume, State::Suspended, State::Served),
    step(Act::Resume, State::Suspended, State::Appealed),
    step(Act::Reopen, State::Responding, State::Drafting),
    step(Act::Reopen, State::Hearing, State::Drafting),
    step(Act::Reopen, State::Decided, State::Drafting),
    step(Act::Cancel, State::Counted, State::Cancelled),
    step(Act::Cancel, State::Drafting, State::Cancelled),
    step(Act::Cancel, State::Responding, State::Cancelled),
    step(Act::Cancel, State::Hearing, State::Cancelled),
    step(Act::Cancel, State::Decided, State::Cancelled),
    step(Act::Cancel, State::Served, State::Cancelled),
    step(Act::Cancel, State::Appealed, State::Cancelled),
    step(Act::Cancel, State::Suspended, State::Cancelled),
    step(Act::Revoke, State::Final, State::Drafting),
];

/// The family of texts that name the acts.
const ACTS: &str = "evaluation-act";

/// The step that an act makes from a state; of several the one that leads to `to`, which only [`Act::Resume`] needs.
///
/// # Errors
/// 409 `wrong_phase`; the hint names where the evaluation stands and what can be done from there.
pub fn may_act(act: EvaluationAct, from: EvaluationState, to: Option<EvaluationState>) -> Result<&'static Step> {
    let found = STEPS.iter().find(|step| step.act == act && step.from == from && to.is_none_or(|to| to == step.to));
    found.ok_or_else(|| refusal(from))
}

/// What a step that is not legal is refused with: the state, and every act that is legal in it.
pub fn refusal(state: EvaluationState) -> Error {
    let mut acts: Vec<&'static str> = STEPS.iter().filter(|step| step.from == state).map(|s| s.act.as_str()).collect();
    acts.dedup();
    if state == State::Cancelled {
        return Error::hinted(Code::WrongPhase, Hint::new("evaluation_has_ended"));
    }
    if acts.is_empty() {
        let hint = Hint::new("evaluation_not_on_own_course").word("state", "evaluation-state", state.as_str());
        return Error::hinted(Code::WrongPhase, hint);
    }
    let word = state.as_str();
    let hint = Hint::new("evaluation_acts_are").word("state", "evaluation-state", word).words("acts", ACTS, acts);
    Error::hinted(Code::WrongPhase, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_is_left_by_revocation_alone_and_what_is_suspended_goes_on_where_it_stood_or_ends() {
        for step in STEPS {
            assert_ne!(step.from, State::Cancelled);
            assert_eq!(step.from == State::Final, step.act == Act::Revoke, "{step:?}");
            if step.from == State::Suspended {
                let is_way_back = STEPS.iter().any(|one| one.act == Act::Suspend && one.from == step.to);
                assert!(step.act == Act::Cancel || (step.act == Act::Resume && is_way_back), "{step:?}");
            }
        }
    }

    #[test]
    fn backwards_leads_a_remittal_a_reopening_or_a_revocation_and_nothing_else() {
        for step in STEPS.iter().filter(|step| step.to < step.from && step.from != State::Suspended) {
            let known = [Act::Remit, Act::AnnulPeerPart, Act::Reopen, Act::Revoke];
            assert!(known.contains(&step.act), "{step:?}");
        }
    }

    #[test]
    fn every_state_of_the_own_course_can_be_suspended_and_cancelled_and_leads_on() {
        for state in State::OWN_COURSE {
            assert!(may_act(Act::Cancel, state, None).is_ok(), "{state}");
            assert_eq!(may_act(Act::Suspend, state, None).is_ok(), state != State::Suspended, "{state}");
            assert!(STEPS.iter().any(|step| step.from == state && step.to > state), "{state}");
        }
        assert!(State::ENDED.iter().all(|state| may_act(Act::Suspend, *state, None).is_err()));
    }

    #[test]
    fn a_refusal_names_the_state_and_what_can_be_done_in_it() {
        let told = |state| match may_act(Act::ServeReport, state, None).unwrap_err() {
            Error::Refused(refusal) => refusal.hints.iter().map(ToString::to_string).collect::<Vec<_>>().join(";"),
            Error::Sql(_) | Error::Internal(_) => String::new(),
        };
        let text = told(State::Decided);
        assert!(text.contains("decided") && text.contains("serve_decision,suspend,reopen,cancel"), "{text}");
        let text = told(State::Collecting);
        assert!(text.contains("evaluation_not_on_own_course") && text.contains("collecting"), "{text}");
        assert_eq!(told(State::Cancelled), "evaluation_has_ended");
    }
}
