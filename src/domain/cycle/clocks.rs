//! The clocks of one evaluation: when each ends, whether it stands still while the judge is away, and why. What a newcomer
//! would get wrong: the windows of a cycle stand still for nobody. They are one for all, since a later end for one subject
//! would point at those who review that subject.

use chrono::NaiveDate;

use crate::coded;
use crate::domain::calendar::WorkCalendar;
use crate::domain::cycle::dates::CycleDates;
use crate::domain::methodology::Methodology;
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

/// The days on which the steps of an evaluation's own course were made, as far as they were; of those made again the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Course {
    /// Counted, reopened or sent back: a report is to be drafted.
    pub drafting_since: Option<NaiveDate>,
    /// The report was served.
    pub report_served_on: Option<NaiveDate>,
    /// The judge asked to be heard.
    pub hearing_wanted_on: Option<NaiveDate>,
    /// The judge has answered, or was heard: a decision is to be taken.
    pub ready_on: Option<NaiveDate>,
    /// The commission decided.
    pub decided_on: Option<NaiveDate>,
    /// The decision was served.
    pub served_on: Option<NaiveDate>,
    /// The judge appealed.
    pub appealed_on: Option<NaiveDate>,
}

impl Course {
    /// The clocks that have begun, each with its limit.
    fn begun(&self, limits: &TimeLimits) -> Vec<(ClockKind, PauseRule, NaiveDate, Limit)> {
        use PauseRule::{Others, Personal};
        let all = [
            (ClockKind::Drafting, Others, self.drafting_since, Limit::WorkingDays(limits.drafting_working_days)),
            (ClockKind::Response, Personal, self.report_served_on, Limit::Days(limits.response_days)),
            (ClockKind::Hearing, Others, self.hearing_wanted_on, Limit::Days(limits.hearing_days)),
            (ClockKind::Decision, Others, self.ready_on, Limit::WorkingDays(limits.decision_working_days)),
            (ClockKind::Service, Others, self.decided_on, Limit::WorkingDays(limits.service_working_days)),
            (ClockKind::Appeal, Personal, self.served_on, Limit::WorkingDays(limits.appeal_filing_working_days)),
            (ClockKind::AppealDecision, Others, self.appealed_on, Limit::Days(limits.appeal_decision_days)),
        ];
        all.into_iter().filter_map(|(kind, rule, from, limit)| from.map(|from| (kind, rule, from, limit))).collect()
    }
}

/// The clocks of an evaluation, in their order; those of its own course as far as they have begun. A suspension of the evaluation
/// stops all of these, the judge's absence those that are the judge's own.
pub fn clocks(
    dates: &CycleDates,
    methodology: &Methodology,
    course: &Course,
    (away, suspended): (&[Pause], &[Pause]),
    calendar: &WorkCalendar,
) -> Vec<EvaluationClock> {
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
    let fixed = fixed.into_iter().map(|(kind, rule, starts_on, due_on)| EvaluationClock {
        kind,
        rule,
        starts_on,
        deadline: Deadline { due_on: Some(due_on), pauses: Vec::new() },
    });
    let own: Vec<Pause> = away.iter().chain(suspended).copied().collect();
    let begun = course.begun(&methodology.time_limits).into_iter().map(|(kind, rule, starts_on, limit)| {
        let pauses = if rule == PauseRule::Personal { &own } else { suspended };
        EvaluationClock { kind, rule, starts_on, deadline: deadline(starts_on, limit, pauses, calendar) }
    });
    fixed.chain(begun).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pauses::PauseGround;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn pause(from: &str, to: &str) -> Pause {
        Pause { ground: PauseGround::Suspension, from: day(from), to: Some(day(to)) }
    }

    #[test]
    fn windows_of_the_cycle_stand_still_for_nobody_and_the_judges_own_time_does_for_the_judge() {
        let methodology = Methodology::standard().unwrap();
        let calendar = WorkCalendar::default();
        let dates = CycleDates::derive(&methodology, day("2027-02-01"), &calendar);
        let since = Some(day("2027-05-10"));
        let course = Course {
            drafting_since: since,
            report_served_on: since,
            hearing_wanted_on: since,
            ready_on: since,
            decided_on: since,
            served_on: since,
            appealed_on: since,
        };
        let found = clocks(&dates, &methodology, &course, (&[pause("2027-01-01", "2027-05-17")], &[]), &calendar);
        for clock in &found {
            let is_personal = clock.rule == PauseRule::Personal;
            assert_eq!(is_personal, matches!(clock.kind, ClockKind::Appeal | ClockKind::Response), "{}", clock.kind);
            assert_eq!(!clock.deadline.pauses.is_empty(), is_personal, "{}", clock.kind);
        }
        let due = |found: &[EvaluationClock], kind| found.iter().find(|one| one.kind == kind).unwrap().deadline.due_on;
        assert_eq!(due(&found, ClockKind::Appeal), Some(day("2027-05-31")));
        assert_eq!(due(&found, ClockKind::Response), Some(day("2027-06-01")));
        assert_eq!(due(&found, ClockKind::AppealDecision), Some(day("2027-06-09")));
        assert_eq!(found.len(), ClockKind::ALL.len());
        let suspended = clocks(&dates, &methodology, &course, (&[], &[pause("2027-05-12", "2027-05-21")]), &calendar);
        assert_eq!(due(&suspended, ClockKind::AppealDecision), Some(day("2027-06-19")));
        let none = clocks(&dates, &methodology, &Course::default(), (&[], &[]), &calendar);
        assert_eq!(none.len(), ClockKind::ALL.len() - 7);
    }
}
