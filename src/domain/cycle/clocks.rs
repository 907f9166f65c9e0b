//! The clocks of one evaluation: when each ends, whether it stands still while the judge is away, and why. What a newcomer
//! would get wrong: the windows of a cycle stand still for nobody. They are one for all, since a later end for one subject
//! would point at those who review that subject.

use chrono::NaiveDate;

use crate::coded;
use crate::domain::calendar::WorkCalendar;
use crate::domain::cycle::dates::CycleDates;
use crate::domain::evaluation::{EvaluationAct, EvaluationState};
use crate::domain::methodology::limits::TimeLimits;
use crate::domain::pauses::{Deadline, Limit, Pause, deadline};

coded! {
    /// What a clock measures.
    ClockKind {
        /// The judge reads the file and asks for corrections.
        FileReview = "file_review",
        /// The judge challenges people of the eligible pool.
        PoolChallenge = "pool_challenge",
        /// Members decide the challenges.
        PoolDecision = "pool_decision",
        /// Panels are drawn, keys made and the manifest frozen.
        Draw = "draw",
        /// Reviewers collect their credentials.
        Issuance = "issuance",
        /// Reviews are taken.
        Submission = "submission",
        /// The box is sealed.
        Seal = "seal",
        /// Reviewers prove that a review is missing.
        Complaints = "complaints",
        /// Auditors recount.
        Recount = "recount",
        /// The rapporteur drafts the report.
        Drafting = "drafting",
        /// The judge answers the report.
        Response = "response",
        /// The judge is heard.
        Hearing = "hearing",
        /// The commission decides.
        Decision = "decision",
        /// The decision is served.
        Service = "service",
        /// The judge appeals.
        Appeal = "appeal",
        /// The appeal panel decides.
        AppealDecision = "appeal_decision",
    }
}

coded! {
    /// Whether a clock stands still while the judge is away, with the reason.
    PauseRule {
        /// It does: the time is the judge's own.
        Personal = "personal",
        /// It does not: the window is one for the whole cycle.
        WholeCycle = "whole_cycle",
        /// It does not: others act in this time.
        Others = "others",
    }
}

/// One clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationClock {
    /// What it measures.
    pub kind: ClockKind,
    /// Whether it stands still while the judge is away.
    pub rule: PauseRule,
    /// When it began, or begins; the day itself counts where the clock is a window.
    pub starts_on: NaiveDate,
    /// When it ends, and what made it stand still.
    pub deadline: Deadline,
}

/// A step of an evaluation's own course, with its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CourseStep {
    /// What was done.
    pub act: EvaluationAct,
    /// When.
    pub on: NaiveDate,
}

/// The days on which the steps of an evaluation's own course were made, as far as they were; of those made again the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Course {
    /// Counted, reopened or sent back: a report is to be drafted.
    pub drafting_since: Option<NaiveDate>,
    /// The report was served.
    pub report_served_on: Option<NaiveDate>,
    /// The judge asked to be heard, or the commission arranged a hearing by itself.
    pub hearing_since: Option<NaiveDate>,
    /// The judge has answered, or was heard: a decision is to be taken. None while a hearing is to come.
    pub ready_on: Option<NaiveDate>,
    /// The commission decided.
    pub decided_on: Option<NaiveDate>,
    /// The decision was served.
    pub served_on: Option<NaiveDate>,
    /// The judge appealed.
    pub appealed_on: Option<NaiveDate>,
}

impl Course {
    /// The course of an evaluation whose cycle reports since a day, by its steps in their order. What was served or decided
    /// before it was sent back is past. `wants_hearing` tells the judge's last answer, `served_on` the day on which the
    /// decision that stands was served, where it is other than that of the step.
    pub fn of(
        reporting_since: Option<NaiveDate>,
        steps: impl IntoIterator<Item = CourseStep>,
        wants_hearing: bool,
        served_on: Option<NaiveDate>,
    ) -> Course {
        let mut course = Course { drafting_since: reporting_since, ..Course::default() };
        for CourseStep { act, on } in steps {
            let on = Some(on);
            match act {
                EvaluationAct::Remit | EvaluationAct::AnnulPeerPart | EvaluationAct::Reopen | EvaluationAct::Revoke => {
                    course = Course { drafting_since: on, ..Course::default() }
                }
                EvaluationAct::ServeReport => course.report_served_on = on,
                EvaluationAct::FileResponse if wants_hearing => course.hearing_since = on,
                EvaluationAct::FileResponse | EvaluationAct::RecordHearing => course.ready_on = on,
                EvaluationAct::ScheduleHearing => {
                    // Another day for the same hearing wins no time.
                    course.hearing_since = course.hearing_since.or(on);
                    course.ready_on = None;
                }
                EvaluationAct::AdoptDecision => course.decided_on = on,
                EvaluationAct::ServeDecision => course.served_on = served_on.or(on),
                EvaluationAct::FileAppeal => course.appealed_on = on,
                EvaluationAct::DraftReport
                | EvaluationAct::ProposeDecision
                | EvaluationAct::Finalise
                | EvaluationAct::Uphold
                | EvaluationAct::Change
                | EvaluationAct::OrderNewEvaluation
                | EvaluationAct::Suspend
                | EvaluationAct::Resume
                | EvaluationAct::Cancel => {}
            }
        }
        course
    }

    /// The clocks that have begun by a day, in their order. A suspension of the evaluation stops all of them, the judge's
    /// absence those that are the judge's own.
    pub fn clocks(
        &self,
        limits: &TimeLimits,
        (away, suspended): (&[Pause], &[Pause]),
        calendar: &WorkCalendar,
        today: NaiveDate,
    ) -> Vec<EvaluationClock> {
        use ClockKind::{Appeal, AppealDecision, Decision, Drafting, Hearing, Response, Service};
        use PauseRule::{Others, Personal};
        let own: Vec<Pause> = away.iter().chain(suspended).copied().collect();
        let clock = |kind, rule, since: Option<NaiveDate>, limit| {
            let pauses = if rule == Personal { &own } else { suspended };
            since.map(|from| EvaluationClock {
                kind,
                rule,
                starts_on: from,
                deadline: deadline(from, limit, pauses, calendar),
            })
        };
        let response = clock(Response, Personal, self.report_served_on, Limit::Days(limits.response_days));
        // Who does not answer leaves the commission to decide when the time for it is over.
        let unanswered = response.as_ref().and_then(|one| one.deadline.due_on).filter(|last| *last < today);
        let unanswered = unanswered.filter(|_| self.hearing_since.is_none());
        let ready_on = self.ready_on.or(unanswered);
        let all = [
            clock(Drafting, Others, self.drafting_since, Limit::WorkingDays(limits.drafting_working_days)),
            response,
            clock(Hearing, Others, self.hearing_since, Limit::Days(limits.hearing_days)),
            clock(Decision, Others, ready_on, Limit::WorkingDays(limits.decision_working_days)),
            clock(Service, Others, self.decided_on, Limit::WorkingDays(limits.service_working_days)),
            clock(Appeal, Personal, self.served_on, Limit::WorkingDays(limits.appeal_filing_working_days)),
            clock(AppealDecision, Others, self.appealed_on, Limit::Days(limits.appeal_decision_days)),
        ];
        all.into_iter().flatten().collect()
    }
}

/// Of the clocks of an evaluation's own course the one that runs in a state: what is to be done until it ends. None where the
/// course stands still, has not begun or is over.
pub fn running(state: EvaluationState, clocks: &[EvaluationClock]) -> Option<&EvaluationClock> {
    let last = |kinds: &[ClockKind]| clocks.iter().rfind(|clock| kinds.contains(&clock.kind));
    match state {
        EvaluationState::Counted | EvaluationState::Drafting => last(&[ClockKind::Drafting]),
        EvaluationState::Responding | EvaluationState::Hearing => {
            last(&[ClockKind::Response, ClockKind::Hearing, ClockKind::Decision])
        }
        EvaluationState::Decided => last(&[ClockKind::Service]),
        EvaluationState::Served => last(&[ClockKind::Appeal]),
        EvaluationState::Appealed => last(&[ClockKind::AppealDecision]),
        EvaluationState::Planned
        | EvaluationState::Notified
        | EvaluationState::FileReview
        | EvaluationState::PoolReview
        | EvaluationState::Collecting
        | EvaluationState::Final
        | EvaluationState::Suspended
        | EvaluationState::Cancelled => None,
    }
}

/// The clocks that run for a whole cycle, in their order.
pub fn windows(dates: &CycleDates) -> Vec<EvaluationClock> {
    use ClockKind::{Complaints, Draw, FileReview, Issuance, PoolChallenge, PoolDecision, Recount, Seal, Submission};
    use PauseRule::{Others, WholeCycle};
    let fixed = [
        (FileReview, WholeCycle, dates.file_review_open, dates.file_review_close),
        (PoolChallenge, WholeCycle, dates.pool_review_open, dates.pool_challenge_close),
        (PoolDecision, Others, dates.pool_challenge_close, dates.pool_review_close),
        (Draw, Others, dates.pool_review_close, dates.draw_by),
        (Issuance, WholeCycle, dates.issue_open, dates.issue_close),
        (Submission, WholeCycle, dates.submit_open, dates.submit_close),
        (Seal, Others, dates.submit_close, dates.seal_by),
        (Complaints, WholeCycle, dates.seal_by, dates.challenge_close),
        (Recount, Others, dates.challenge_close, dates.recount_by),
    ];
    let clock = |(kind, rule, starts_on, due_on)| EvaluationClock {
        kind,
        rule,
        starts_on,
        deadline: Deadline { due_on: Some(due_on), pauses: Vec::new() },
    };
    fixed.into_iter().map(clock).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::methodology::Methodology;
    use crate::domain::pauses::PauseGround;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn pause(from: &str, to: &str) -> Pause {
        Pause { ground: PauseGround::Suspension, from: day(from), to: Some(day(to)) }
    }

    fn limits() -> TimeLimits {
        Methodology::standard().unwrap().time_limits
    }

    fn due(found: &[EvaluationClock], kind: ClockKind) -> Option<NaiveDate> {
        found.iter().find(|one| one.kind == kind).unwrap().deadline.due_on
    }

    /// The course of steps on days of May 2027, by the last answer.
    fn course(steps: &[(EvaluationAct, u32)], wants_hearing: bool) -> Course {
        let on = |day| NaiveDate::from_ymd_opt(2027, 5, day).unwrap();
        let steps = steps.iter().map(|(act, day)| CourseStep { act: *act, on: on(*day) });
        Course::of(Some(on(1)), steps, wants_hearing, None)
    }

    /// What runs in a state on a day of June 2027, and until when.
    fn told(state: EvaluationState, course: &Course) -> (ClockKind, String) {
        let clocks = course.clocks(&limits(), (&[], &[]), &WorkCalendar::default(), day("2027-06-15"));
        let one = running(state, &clocks).unwrap();
        (one.kind, one.deadline.due_on.unwrap().to_string())
    }

    #[test]
    fn windows_of_the_cycle_stand_still_for_nobody_and_the_judges_own_time_does_for_the_judge() {
        let methodology = Methodology::standard().unwrap();
        let (limits, calendar) = (&methodology.time_limits, WorkCalendar::default());
        let dates = CycleDates::derive(&methodology, day("2027-02-01"), &calendar);
        let since = Some(day("2027-05-10"));
        let course = Course {
            drafting_since: since,
            report_served_on: since,
            hearing_since: since,
            ready_on: since,
            decided_on: since,
            served_on: since,
            appealed_on: since,
        };
        let today = day("2027-05-10");
        let away = [pause("2027-01-01", "2027-05-17")];
        let own = course.clocks(limits, (&away, &[]), &calendar, today);
        for clock in windows(&dates).iter().chain(&own) {
            let is_personal = clock.rule == PauseRule::Personal;
            assert_eq!(is_personal, matches!(clock.kind, ClockKind::Appeal | ClockKind::Response), "{}", clock.kind);
            assert_eq!(!clock.deadline.pauses.is_empty(), is_personal, "{}", clock.kind);
        }
        assert_eq!(due(&own, ClockKind::Appeal), Some(day("2027-05-31")));
        assert_eq!(due(&own, ClockKind::Response), Some(day("2027-06-01")));
        assert_eq!(due(&own, ClockKind::AppealDecision), Some(day("2027-06-09")));
        assert_eq!(windows(&dates).len() + own.len(), ClockKind::ALL.len());
        let suspended = course.clocks(limits, (&[], &[pause("2027-05-12", "2027-05-21")]), &calendar, today);
        assert_eq!(due(&suspended, ClockKind::AppealDecision), Some(day("2027-06-19")));
        assert_eq!(Course::default().clocks(limits, (&[], &[]), &calendar, today), []);
    }

    #[test]
    fn in_each_state_the_clock_runs_of_what_is_to_be_done_next() {
        use EvaluationAct::{FileResponse, RecordHearing, ScheduleHearing, ServeReport};
        use EvaluationState::{Drafting, Hearing, Responding};
        let told_of = |state, steps: &[(EvaluationAct, u32)], wants| told(state, &course(steps, wants));
        assert_eq!(told_of(Drafting, &[], false), (ClockKind::Drafting, "2027-05-14".to_owned()));
        let answered = [(ServeReport, 3), (FileResponse, 5)];
        assert_eq!(told_of(Responding, &answered, false), (ClockKind::Decision, "2027-05-12".to_owned()));
        assert_eq!(told_of(Responding, &answered, true), (ClockKind::Hearing, "2027-06-04".to_owned()));
        let moved = [(ServeReport, 3), (FileResponse, 5), (ScheduleHearing, 10), (ScheduleHearing, 20)];
        assert_eq!(told_of(Hearing, &moved, true), (ClockKind::Hearing, "2027-06-04".to_owned()));
        assert_eq!(told_of(Hearing, &moved, false), (ClockKind::Hearing, "2027-06-09".to_owned()));
        let heard = [(ServeReport, 3), (FileResponse, 5), (ScheduleHearing, 10), (RecordHearing, 24)];
        assert_eq!(told_of(Hearing, &heard, true), (ClockKind::Decision, "2027-05-31".to_owned()));
        // Fifteen days without an answer, then the commission's five working days.
        assert_eq!(told_of(Responding, &[(ServeReport, 3)], false), (ClockKind::Decision, "2027-05-25".to_owned()));
        // The time to answer runs on its last day still.
        let last = [(ServeReport, 31)];
        assert_eq!(told_of(Responding, &last, false), (ClockKind::Response, "2027-06-15".to_owned()));
    }

    #[test]
    fn what_is_sent_back_begins_again_and_what_stands_still_is_never_late() {
        use EvaluationAct::{AdoptDecision, Remit, ServeDecision, ServeReport};
        let all = [(ServeReport, 3), (AdoptDecision, 20), (ServeDecision, 21), (Remit, 28)];
        let again = course(&all, false);
        assert_eq!(again, Course { drafting_since: Some(day("2027-05-28")), ..Course::default() });
        let clocks = again.clocks(&limits(), (&[], &[]), &WorkCalendar::default(), day("2027-06-15"));
        for state in [EvaluationState::Suspended, EvaluationState::Final, EvaluationState::Collecting] {
            assert_eq!(running(state, &clocks), None, "{state}");
        }
    }
}
