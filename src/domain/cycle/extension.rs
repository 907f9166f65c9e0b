//! Moving the days of a cycle later once its manifest is frozen. What a newcomer would get wrong: an extension never opens
//! again what has closed, and once reviews are sent, issuance stays as it was, or a late credential would date its review.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::{Window, WorkCalendar, days_after};
use crate::domain::cycle::dates::CycleDates;
use crate::domain::methodology::Methodology;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};

/// The days that an extension may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// The last day on which credentials are issued.
    pub issue_close: NaiveDate,
    /// The first day on which reviews are taken.
    pub submit_open: NaiveDate,
    /// The last such day.
    pub submit_close: NaiveDate,
    /// The last day for the seal.
    pub seal_by: NaiveDate,
    /// The last day to prove that a review is missing.
    pub challenge_close: NaiveDate,
}

/// The days as an extension makes them; the recounts get as many days after the complaints as the methodology gives.
///
/// # Errors
/// 409 `guard_not_met` with the move that would help; 422 `invalid` where the new days are out of order or too close.
pub fn extended(
    dates: &CycleDates,
    extension: &Extension,
    methodology: &Methodology,
    calendar: &WorkCalendar,
    today: NaiveDate,
) -> Result<CycleDates> {
    let refused = |hint: Hint| Err(Error::hinted(Code::GuardNotMet, hint));
    if today > dates.submit_close {
        return refused(Hint::new("submission_is_over").text("day", dates.submit_close));
    }
    let moves = [
        ("issue_close", dates.issue_close, extension.issue_close),
        ("submit_open", dates.submit_open, extension.submit_open),
        ("submit_close", dates.submit_close, extension.submit_close),
        ("seal_by", dates.seal_by, extension.seal_by),
        ("challenge_close", dates.challenge_close, extension.challenge_close),
    ];
    if let Some((name, day, _)) = moves.iter().find(|(_, old, new)| new < old) {
        return refused(Hint::new("days_only_move_later").text("name", name).text("day", day));
    }
    if moves.iter().all(|(_, old, new)| new == old) {
        return refused(Hint::new("nothing_is_extended"));
    }
    let issuance = (extension.issue_close, extension.submit_open);
    if today >= dates.submit_open && issuance != (dates.issue_close, dates.submit_open) {
        return refused(Hint::new("issuance_is_settled").text("day", dates.submit_open));
    }
    // One extension for the whole cycle: however often the days are moved, the window is never longer than this.
    let limits = &methodology.time_limits;
    let regular = Window::lasting(extension.submit_open, limits.submission_days).closes_on;
    let latest = days_after(regular, limits.submission_extension_days);
    if extension.submit_close > latest {
        return refused(Hint::new("extension_too_long").text("day", latest));
    }
    let recount_days = methodology.time_limits.recount_working_days;
    let recount_by = calendar.working_days_after(extension.challenge_close, recount_days);
    let Extension { issue_close, submit_open, submit_close, seal_by, challenge_close } = *extension;
    let extended = CycleDates {
        issue_close,
        submit_open,
        submit_close,
        seal_by,
        challenge_close,
        recount_by: recount_by.max(dates.recount_by),
        ..*dates
    };
    let faults = extended.validate(methodology);
    if faults.is_empty() { Ok(extended) } else { Err(Error::faults(Code::Invalid, faults)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting() -> (Methodology, CycleDates, Extension) {
        let methodology = Methodology::standard().unwrap();
        let dates = CycleDates::derive(&methodology, "2026-12-07".parse().unwrap(), &WorkCalendar::default());
        let week = |day| days_after(day, 7);
        let extension = Extension {
            issue_close: week(dates.issue_close),
            submit_open: week(dates.submit_open),
            submit_close: week(dates.submit_close),
            seal_by: week(dates.seal_by),
            challenge_close: week(dates.challenge_close),
        };
        (methodology, dates, extension)
    }

    fn plain() -> WorkCalendar {
        WorkCalendar::default()
    }

    fn told(outcome: Result<CycleDates>) -> String {
        match outcome.unwrap_err() {
            Error::Refused(refusal) if refusal.hints.is_empty() => refusal.code.as_str().to_owned(),
            Error::Refused(refusal) => refusal.hints[0].to_string(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_whole_week_later_moves_the_recounts_too_and_nothing_before_issuance() {
        let (methodology, dates, extension) = setting();
        let later = extended(&dates, &extension, &methodology, &plain(), dates.issue_close).unwrap();
        assert_eq!((later.issue_open, later.draw_by), (dates.issue_open, dates.draw_by));
        assert_eq!(later.recount_by, days_after(dates.recount_by, 7));
        assert_eq!(later.validate(&methodology), []);
    }

    #[test]
    fn days_move_later_only_and_what_has_closed_stays_closed() {
        let (methodology, dates, extension) = setting();
        let before = dates.issue_close;
        let earlier = Extension { seal_by: dates.seal_by.pred_opt().unwrap(), ..extension };
        assert_eq!(
            told(extended(&dates, &earlier, &methodology, &plain(), before)),
            "days_only_move_later name=seal_by day=2027-02-25"
        );
        let late = days_after(dates.submit_close, 1);
        assert_eq!(
            told(extended(&dates, &extension, &methodology, &plain(), late)),
            "submission_is_over day=2027-02-21"
        );
        let too_close = Extension { submit_open: days_after(extension.issue_close, 1), ..extension };
        assert_eq!(told(extended(&dates, &too_close, &methodology, &plain(), before)), "invalid");
    }

    #[test]
    fn submission_is_extended_by_the_days_of_the_methodology_and_no_more_in_however_many_steps() {
        let (mut methodology, dates, extension) = setting();
        methodology.time_limits.submission_extension_days = 10;
        let regular = Extension { submit_close: days_after(extension.submit_open, 20), ..extension };
        let by = |days| Extension {
            submit_close: days_after(regular.submit_close, days),
            seal_by: days_after(extension.seal_by, 14),
            challenge_close: days_after(extension.challenge_close, 14),
            ..extension
        };
        let before = dates.issue_close;
        let once = extended(&dates, &by(10), &methodology, &plain(), before).unwrap();
        let refused = "extension_too_long day=2027-03-10";
        assert_eq!(once.submit_close.to_string(), "2027-03-10");
        assert_eq!(told(extended(&dates, &by(11), &methodology, &plain(), before)), refused);
        assert_eq!(told(extended(&once, &by(11), &methodology, &plain(), once.submit_close)), refused);
    }

    #[test]
    fn once_reviews_are_taken_issuance_stays_and_their_end_can_move() {
        let (methodology, dates, extension) = setting();
        let open = dates.submit_open;
        assert_eq!(
            told(extended(&dates, &extension, &methodology, &plain(), open)),
            "issuance_is_settled day=2027-02-01"
        );
        let end = Extension { issue_close: dates.issue_close, submit_open: dates.submit_open, ..extension };
        assert!(extended(&dates, &end, &methodology, &plain(), open).is_ok());
        let nothing = Extension {
            submit_close: dates.submit_close,
            seal_by: dates.seal_by,
            challenge_close: dates.challenge_close,
            ..end
        };
        assert_eq!(told(extended(&dates, &nothing, &methodology, &plain(), open)), "nothing_is_extended");
    }
}
