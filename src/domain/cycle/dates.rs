//! The dates of a cycle: derived from a methodology and a first day, or chosen and then checked. What a newcomer would
//! get wrong: from `issue_open` on they stand in the signed manifest, so only a new generation of it can move them, and
//! for the whole cycle at once; a later end for one subject would point at its reviewers.

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar::{Window, WorkCalendar, days_after, days_before};
use crate::domain::methodology::Methodology;
use crate::error::{Fault, Rule};

/// The days on which the phases of a cycle begin and end; both ends of a window are included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CycleDates {
    /// The first day of `announced`; the methodology must be in force on it.
    pub starts_on: NaiveDate,
    /// The first day on which subjects read their file.
    pub file_review_open: NaiveDate,
    /// The last such day.
    pub file_review_close: NaiveDate,
    /// The first day on which pools can be challenged.
    pub pool_review_open: NaiveDate,
    /// The last such day.
    pub pool_challenge_close: NaiveDate,
    /// The last day to decide challenges.
    pub pool_review_close: NaiveDate,
    /// The last day for the draw, the keys and the manifest.
    pub draw_by: NaiveDate,
    /// The first day on which credentials are issued.
    pub issue_open: NaiveDate,
    /// The last such day.
    pub issue_close: NaiveDate,
    /// The first day on which reviews are taken.
    pub submit_open: NaiveDate,
    /// The last such day.
    pub submit_close: NaiveDate,
    /// The last day for the seal.
    pub seal_by: NaiveDate,
    /// The last day to prove that a review is missing.
    pub challenge_close: NaiveDate,
    /// The last day for the auditors' recounts.
    pub recount_by: NaiveDate,
}

impl CycleDates {
    /// The dates that a methodology's time limits give from a first day on.
    pub fn derive(methodology: &Methodology, starts_on: NaiveDate, calendar: &WorkCalendar) -> CycleDates {
        let limits = &methodology.time_limits;
        let next_day = |date| days_after(date, 1);
        let file_review = Window::lasting(
            calendar.working_days_after(starts_on, limits.announced_working_days),
            limits.file_review_days,
        );
        let pool_review_open = next_day(file_review.closes_on);
        // The day on which the pool is shown is not counted against those who may challenge it.
        let pool_challenge_close =
            calendar.working_days_after(pool_review_open, limits.pool_review_challenge_working_days);
        let pool_review_close =
            calendar.working_days_after(pool_challenge_close, limits.pool_review_decide_working_days);
        let draw_by = days_after(pool_review_close, limits.draw_days);
        let before = CycleDates {
            starts_on,
            file_review_open: file_review.opens_on,
            file_review_close: file_review.closes_on,
            pool_review_open,
            pool_challenge_close,
            pool_review_close,
            draw_by,
            // Those of the round, which follow.
            issue_open: draw_by,
            issue_close: draw_by,
            submit_open: draw_by,
            submit_close: draw_by,
            seal_by: draw_by,
            challenge_close: draw_by,
            recount_by: draw_by,
        };
        before.with_round(next_day(draw_by), methodology, calendar)
    }

    /// The dates of a supplementary round that issues from a day on; those before the draw stay.
    #[must_use]
    pub fn supplementary(
        &self,
        issue_open: NaiveDate,
        methodology: &Methodology,
        calendar: &WorkCalendar,
    ) -> CycleDates {
        let drawn = CycleDates { draw_by: days_before(issue_open, 1), ..*self };
        drawn.with_round(issue_open, methodology, calendar)
    }

    /// The dates with a round of collection that issues from a day on and lasts as the limits say.
    fn with_round(self, issue_open: NaiveDate, methodology: &Methodology, calendar: &WorkCalendar) -> CycleDates {
        let limits = &methodology.time_limits;
        let issue = Window::lasting(issue_open, limits.issuance_days);
        let submit = Window::lasting(days_after(issue.closes_on, 1 + gap_days(methodology)), limits.submission_days);
        let seal_by = days_after(submit.closes_on, limits.seal_by_days);
        let challenge_close = days_after(seal_by, limits.complaint_days);
        CycleDates {
            issue_open: issue.opens_on,
            issue_close: issue.closes_on,
            submit_open: submit.opens_on,
            submit_close: submit.closes_on,
            seal_by,
            challenge_close,
            recount_by: calendar.working_days_after(challenge_close, limits.recount_working_days),
            ..self
        }
    }

    /// The dates where pools are shown anew on a day: the time to challenge and to decide begins again, and all that follows
    /// moves by as many days.
    pub fn with_pools_shown_on(
        &self,
        today: NaiveDate,
        methodology: &Methodology,
        calendar: &WorkCalendar,
    ) -> CycleDates {
        let limits = &methodology.time_limits;
        let challenged = calendar.working_days_after(today, limits.pool_review_challenge_working_days);
        let pool_challenge_close = challenged.max(self.pool_challenge_close);
        let decided = calendar.working_days_after(pool_challenge_close, limits.pool_review_decide_working_days);
        let pool_review_close = decided.max(self.pool_review_close);
        let moved = self.drawn_later(pool_review_close - self.pool_review_close);
        CycleDates { pool_challenge_close, pool_review_close, ..moved }
    }

    /// The dates where the draw comes on a day: what follows moves by as many days as it is late.
    pub fn with_draw_on(&self, today: NaiveDate) -> CycleDates {
        self.drawn_later((today - self.draw_by).max(TimeDelta::zero()))
    }

    /// The dates with the draw and all that follows it later by so long.
    fn drawn_later(&self, by: TimeDelta) -> CycleDates {
        let later = |day: NaiveDate| day.checked_add_signed(by).unwrap_or(NaiveDate::MAX);
        CycleDates {
            draw_by: later(self.draw_by),
            issue_open: later(self.issue_open),
            issue_close: later(self.issue_close),
            submit_open: later(self.submit_open),
            submit_close: later(self.submit_close),
            seal_by: later(self.seal_by),
            challenge_close: later(self.challenge_close),
            recount_by: later(self.recount_by),
            ..*self
        }
    }

    /// The dates where the seal comes on a day: all have the whole time to complain of a missing review after it, and
    /// auditors to recount after that.
    pub fn with_seal_on(&self, today: NaiveDate, methodology: &Methodology, calendar: &WorkCalendar) -> CycleDates {
        let limits = &methodology.time_limits;
        let challenge_close = days_after(today, limits.complaint_days);
        if challenge_close <= self.challenge_close {
            return *self;
        }
        let recounted = calendar.working_days_after(challenge_close, limits.recount_working_days);
        CycleDates { challenge_close, recount_by: recounted.max(self.recount_by), ..*self }
    }

    /// The faults of dates that a person chose: out of order, or closer than the methodology allows.
    ///
    /// Pointers are relative to these dates: `/issue_close`. A window may be longer than the time limit, never shorter
    /// where the limit protects somebody (reading the file, submitting, complaining, the gap before submission).
    pub fn validate(&self, methodology: &Methodology) -> Vec<Fault> {
        let limits = &methodology.time_limits;
        let mut faults = Vec::new();
        let mut order = |pointer: &str, date: NaiveDate, not_before: NaiveDate, other: &'static str| {
            if date < not_before {
                faults.push(Fault::at(pointer, Rule::Order { other }));
            }
        };
        let last_of = |opens_on: NaiveDate, days: u32| Window::lasting(opens_on, days).closes_on;
        order("/file_review_open", self.file_review_open, self.starts_on, "starts_on");
        let file_review_last = last_of(self.file_review_open, limits.file_review_days);
        order("/file_review_close", self.file_review_close, file_review_last, "file_review_open");
        order("/pool_review_open", self.pool_review_open, days_after(self.file_review_close, 1), "file_review_close");
        order("/pool_challenge_close", self.pool_challenge_close, self.pool_review_open, "pool_review_open");
        order("/pool_review_close", self.pool_review_close, self.pool_challenge_close, "pool_challenge_close");
        order("/draw_by", self.draw_by, self.pool_review_close, "pool_review_close");
        order("/issue_open", self.issue_open, days_after(self.draw_by, 1), "draw_by");
        order("/issue_close", self.issue_close, self.issue_open, "issue_open");
        let submit_first = days_after(self.issue_close, 1 + gap_days(methodology));
        order("/submit_open", self.submit_open, submit_first, "issue_close");
        let submit_last = last_of(self.submit_open, limits.submission_days);
        order("/submit_close", self.submit_close, submit_last, "submit_open");
        order("/seal_by", self.seal_by, days_after(self.submit_close, 1), "submit_close");
        let challenge_last = days_after(self.seal_by, limits.complaint_days);
        order("/challenge_close", self.challenge_close, challenge_last, "seal_by");
        order("/recount_by", self.recount_by, self.challenge_close, "challenge_close");
        let notice_last = days_after(self.starts_on, limits.notice_days_min);
        order("/submit_open", self.submit_open, notice_last, "starts_on");
        faults
    }
}

/// Whole days between the close of issuance and the opening of submission; both fall on midnight.
fn gap_days(methodology: &Methodology) -> u32 {
    methodology.time_limits.issuance_to_submission_hours.div_ceil(24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Place;

    /// Where a fault is expected, and the change that puts a date too early.
    type Breakage = (&'static str, fn(&mut CycleDates, NaiveDate));

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn derived() -> (Methodology, CycleDates) {
        let methodology = Methodology::standard().unwrap();
        let dates = CycleDates::derive(&methodology, day("2026-12-07"), &WorkCalendar::default());
        (methodology, dates)
    }

    #[test]
    fn default_dates_follow_from_the_time_limits() {
        let (_, dates) = derived();
        let expected = CycleDates {
            starts_on: day("2026-12-07"),
            file_review_open: day("2026-12-21"),
            file_review_close: day("2027-01-04"),
            pool_review_open: day("2027-01-05"),
            pool_challenge_close: day("2027-01-12"),
            pool_review_close: day("2027-01-19"),
            draw_by: day("2027-01-20"),
            issue_open: day("2027-01-21"),
            issue_close: day("2027-01-30"),
            submit_open: day("2027-02-01"),
            submit_close: day("2027-02-21"),
            seal_by: day("2027-02-25"),
            challenge_close: day("2027-03-04"),
            recount_by: day("2027-03-11"),
        };
        assert_eq!(dates, expected);
    }

    #[test]
    fn the_gap_before_submission_is_as_in_the_manifest_example() {
        // Issuance to the end of 10 February, submission from the start of 12 February: exactly 24 hours.
        let (methodology, mut dates) = derived();
        dates.issue_close = day("2027-02-10");
        dates.submit_open = day("2027-02-12");
        dates.submit_close = day("2027-03-04");
        dates.seal_by = day("2027-03-08");
        dates.challenge_close = day("2027-03-16");
        dates.recount_by = day("2027-03-20");
        assert_eq!(dates.validate(&methodology), []);
        dates.submit_open = day("2027-02-11");
        let found = dates.validate(&methodology);
        assert_eq!(found, [Fault::at("/submit_open", Rule::Order { other: "issue_close" })]);
    }

    #[test]
    fn pools_shown_again_give_the_whole_time_again_and_move_all_later_days_alike() {
        let (methodology, dates) = derived();
        let calendar = WorkCalendar::default();
        for late in 0..30 {
            let today = days_after(dates.pool_review_open, late);
            let moved = dates.with_pools_shown_on(today, &methodology, &calendar);
            assert_eq!(moved.validate(&methodology), [], "{today}");
            assert!(moved.pool_challenge_close >= calendar.working_days_after(today, 5), "{today}");
            let by = moved.pool_review_close - dates.pool_review_close;
            assert_eq!((moved.draw_by - dates.draw_by, moved.recount_by - dates.recount_by), (by, by));
            assert_eq!((moved.starts_on, moved.pool_review_open), (dates.starts_on, dates.pool_review_open));
        }
        assert_eq!(dates.with_pools_shown_on(dates.pool_review_open, &methodology, &calendar), dates);
    }

    #[test]
    fn a_late_draw_moves_all_that_follows_and_a_late_seal_the_days_after_it_alone() {
        let (methodology, dates) = derived();
        let calendar = WorkCalendar::default();
        for late in 0..40 {
            let drawn = dates.with_draw_on(days_after(dates.draw_by, late));
            let by = TimeDelta::days(late.into());
            assert_eq!((drawn.draw_by - dates.draw_by, drawn.recount_by - dates.recount_by), (by, by));
            assert_eq!((drawn.validate(&methodology), drawn.pool_review_close), (Vec::new(), dates.pool_review_close));
            let sealed_on = days_after(dates.seal_by, late);
            let sealed = dates.with_seal_on(sealed_on, &methodology, &calendar);
            assert_eq!(sealed.challenge_close - sealed_on, TimeDelta::days(7), "the whole time from the seal");
            assert_eq!((sealed.seal_by, sealed.submit_close), (dates.seal_by, dates.submit_close));
            assert_eq!(sealed.validate(&methodology), []);
        }
        let early = days_before(dates.draw_by, 1);
        assert_eq!(dates.with_draw_on(early), dates);
        assert_eq!(dates.with_seal_on(days_before(dates.seal_by, 2), &methodology, &calendar), dates);
    }

    #[test]
    fn derived_dates_have_no_fault_on_any_first_day_or_gap() {
        let mut methodology = Methodology::standard().unwrap();
        for hours in [24, 25, 48, 720] {
            methodology.time_limits.issuance_to_submission_hours = hours;
            for offset in 0..400 {
                let first = days_after(day("2026-12-01"), offset);
                let dates = CycleDates::derive(&methodology, first, &WorkCalendar::default());
                assert_eq!(dates.validate(&methodology), [], "{first} {hours}");
            }
        }
    }

    #[test]
    fn each_date_that_is_too_early_is_found_at_its_place() {
        let early = day("2020-01-01");
        let breakages: &[Breakage] = &[
            ("/file_review_open", |dates, day| dates.file_review_open = day),
            ("/file_review_close", |dates, day| dates.file_review_close = day),
            ("/pool_review_open", |dates, day| dates.pool_review_open = day),
            ("/pool_challenge_close", |dates, day| dates.pool_challenge_close = day),
            ("/pool_review_close", |dates, day| dates.pool_review_close = day),
            ("/draw_by", |dates, day| dates.draw_by = day),
            ("/issue_open", |dates, day| dates.issue_open = day),
            ("/issue_close", |dates, day| dates.issue_close = day),
            ("/submit_open", |dates, day| dates.submit_open = day),
            ("/submit_close", |dates, day| dates.submit_close = day),
            ("/seal_by", |dates, day| dates.seal_by = day),
            ("/challenge_close", |dates, day| dates.challenge_close = day),
            ("/recount_by", |dates, day| dates.recount_by = day),
        ];
        for (pointer, break_it) in breakages {
            let (methodology, mut dates) = derived();
            break_it(&mut dates, early);
            let places: Vec<Place> = dates.validate(&methodology).into_iter().map(|fault| fault.place).collect();
            assert!(places.contains(&Place::Pointer((*pointer).to_owned())), "{pointer}: {places:?}");
        }
    }

    #[test]
    fn a_supplementary_round_has_the_same_windows_later_and_nothing_before_it_moves() {
        let (methodology, dates) = derived();
        let later = dates.supplementary(day("2027-03-08"), &methodology, &WorkCalendar::default());
        let expected = CycleDates {
            draw_by: day("2027-03-07"),
            issue_open: day("2027-03-08"),
            issue_close: day("2027-03-17"),
            submit_open: day("2027-03-19"),
            submit_close: day("2027-04-08"),
            seal_by: day("2027-04-12"),
            challenge_close: day("2027-04-19"),
            recount_by: day("2027-04-26"),
            ..dates
        };
        assert_eq!(later, expected);
        assert_eq!(later.validate(&methodology), []);
    }

    #[test]
    fn submission_opens_no_sooner_than_the_notice_period_after_the_start() {
        let (mut methodology, dates) = derived();
        methodology.time_limits.notice_days_min = 57;
        assert_eq!(dates.validate(&methodology), [Fault::at("/submit_open", Rule::Order { other: "starts_on" })]);
        methodology.time_limits.notice_days_min = 56;
        assert_eq!(dates.validate(&methodology), []);
    }
}
