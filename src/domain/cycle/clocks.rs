//! The clocks of one evaluation: when each ends, whether it stands still while the judge is away, and why. What a newcomer
//! would get wrong: the windows of a cycle stand still for nobody. They are one for all, since a later end for one subject
//! would point at those who review that subject.

use chrono::NaiveDate;

use crate::coded;
use crate::domain::calendar::WorkCalendar;
use crate::domain::cycle::dates::CycleDates;
use crate::domain::methodology::Methodology;
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
        /// The judge appeals.
        Appeal = "appeal",
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

/// The clocks of an evaluation, in the order in which they end; that of the appeal once its cycle reports.
pub fn clocks(
    dates: &CycleDates,
    methodology: &Methodology,
    reporting_since: Option<NaiveDate>,
    pauses: &[Pause],
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
    let filing = Limit::WorkingDays(methodology.time_limits.appeal_filing_working_days);
    let appeal = reporting_since.map(|starts_on| EvaluationClock {
        kind: ClockKind::Appeal,
        rule: PauseRule::Personal,
        starts_on,
        deadline: deadline(starts_on, filing, pauses, calendar),
    });
    fixed.chain(appeal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pauses::PauseGround;

    #[test]
    fn windows_of_the_cycle_stand_still_for_nobody_and_the_time_to_appeal_does_for_its_judge() {
        let methodology = Methodology::standard().unwrap();
        let calendar = WorkCalendar::default();
        let dates = CycleDates::derive(&methodology, "2027-02-01".parse().unwrap(), &calendar);
        let reporting = "2027-05-10".parse().unwrap();
        let away = Pause {
            ground: PauseGround::Suspension,
            from: "2027-01-01".parse().unwrap(),
            to: "2027-05-17".parse().ok(),
        };
        let found = clocks(&dates, &methodology, Some(reporting), &[away], &calendar);
        for clock in &found {
            let is_personal = clock.rule == PauseRule::Personal;
            assert_eq!(is_personal, clock.kind == ClockKind::Appeal);
            assert_eq!(!clock.deadline.pauses.is_empty(), is_personal, "{}", clock.kind);
        }
        let appeal = found.last().unwrap();
        assert_eq!(appeal.deadline.due_on, "2027-05-31".parse().ok());
        assert_eq!(found.len(), ClockKind::ALL.len());
        assert_eq!(clocks(&dates, &methodology, None, &[away], &calendar).len(), ClockKind::ALL.len() - 1);
    }
}
