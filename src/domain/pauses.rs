//! Clocks that stop while a judge is away: a suspension of powers, a leave. What a newcomer would get wrong: a day of a
//! pause does not count at all, be it worked or not, and where two pauses overlap a day is left out once; a pause without
//! a known end leaves the clock without a due day, which is told as such and never guessed.

use chrono::NaiveDate;

use crate::coded;
use crate::domain::calendar::{WorkCalendar, days_after, months_after};
use crate::domain::spans::{Span, days, holds, merged};

coded! {
    /// Why a clock stands still.
    PauseGround {
        /// The judge's powers are suspended.
        Suspension = "suspension",
        /// The judge is on leave.
        Leave = "leave",
    }
}

/// Days on which a judge is away, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// Why.
    pub ground: PauseGround,
    /// The first day.
    pub from: NaiveDate,
    /// The last day; none while no end is known.
    pub to: Option<NaiveDate>,
}

impl Pause {
    /// Whether a day is one of it.
    pub fn holds(&self, day: NaiveDate) -> bool {
        holds((self.from, self.to), day)
    }

    /// How many days it has; none while no end is known.
    pub fn days(&self) -> Option<i64> {
        self.to.map(|to| (to - self.from).num_days() + 1)
    }
}

/// How long a clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// So many months.
    Months(u32),
    /// So many calendar days.
    Days(u32),
    /// So many working days.
    WorkingDays(u32),
}

/// When a clock ends, and what made it stand still until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// The last day; none while a pause lasts whose end is not known.
    pub due_on: Option<NaiveDate>,
    /// The pauses that lie between its start and its end.
    pub pauses: Vec<Pause>,
}

impl Deadline {
    /// Whether the clock stands still on a day.
    pub fn is_paused_on(&self, day: NaiveDate) -> bool {
        self.pauses.iter().any(|pause| pause.holds(day))
    }
}

/// When a clock that starts on a day ends; the day itself does not count.
pub fn deadline(starts_on: NaiveDate, limit: Limit, pauses: &[Pause], calendar: &WorkCalendar) -> Deadline {
    let mut later: Vec<Pause> =
        pauses.iter().copied().filter(|pause| pause.to.is_none_or(|to| to > starts_on)).collect();
    later.sort_unstable_by_key(|pause| pause.from);
    let spans: Vec<Span> = later.iter().map(|pause| (pause.from, pause.to)).collect();
    let away = merged(&spans);
    let due_on = match limit {
        Limit::Months(months) => calendar_days(starts_on, months_after(starts_on, months), &away),
        Limit::Days(days) => calendar_days(starts_on, days_after(starts_on, days), &away),
        Limit::WorkingDays(count) => working_days(starts_on, count, &away, calendar),
    };
    later.retain(|pause| due_on.is_none_or(|due_on| pause.from <= due_on));
    Deadline { due_on, pauses: later }
}

/// The planned end moved by every day away before it; `away` in order, without a day twice.
fn calendar_days(starts_on: NaiveDate, planned: NaiveDate, away: &[Span]) -> Option<NaiveDate> {
    let mut due_on = planned;
    for (from, to) in away {
        let from = (*from).max(days_after(starts_on, 1));
        if from > due_on {
            break;
        }
        due_on = days_after(due_on, u32::try_from(days((from, (*to)?))).unwrap_or(u32::MAX));
    }
    Some(due_on)
}

fn working_days(starts_on: NaiveDate, count: u32, away: &[Span], calendar: &WorkCalendar) -> Option<NaiveDate> {
    let mut day = starts_on;
    let mut left = count;
    while left > 0 && day < NaiveDate::MAX {
        day = days_after(day, 1);
        match away.iter().find(|span| holds(**span, day)) {
            Some((_, None)) => return None,
            // The next turn begins behind the pause.
            Some((_, Some(to))) => day = *to,
            None if calendar.is_working_day(day) => left -= 1,
            None => {}
        }
    }
    Some(day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::years::{CalendarDay, CalendarYear, DayKind};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn pause(from: &str, to: Option<&str>) -> Pause {
        Pause { ground: PauseGround::Leave, from: day(from), to: to.map(day) }
    }

    /// Women's Day of 2027 is a Monday, and the Tuesday after it is off in exchange for the Saturday before.
    fn march() -> WorkCalendar {
        let days = [
            ("2027-03-06", DayKind::MovedWorkingDay),
            ("2027-03-08", DayKind::PublicHoliday),
            ("2027-03-09", DayKind::MovedDayOff),
        ];
        let named = |(date, kind): (&str, DayKind)| CalendarDay {
            date: day(date),
            kind,
            name_kk: "Күн".to_owned(),
            name_ru: "День".to_owned(),
            name_en: None,
        };
        let mut calendar = WorkCalendar::default();
        let days = days.into_iter().map(named).collect();
        CalendarYear { year: 2027, moves_weekend_holidays: true, days }.add_to(&mut calendar);
        calendar
    }

    fn due(starts_on: &str, limit: Limit, pauses: &[Pause]) -> Option<String> {
        deadline(day(starts_on), limit, pauses, &march()).due_on.map(|day| day.to_string())
    }

    #[test]
    fn a_clock_of_working_days_stands_still_across_a_holiday_and_counts_each_day_once() {
        let three = Limit::WorkingDays(3);
        assert_eq!(
            due("2027-03-03", three, &[]).as_deref(),
            Some("2027-03-06"),
            "a Thursday, a Friday, a worked Saturday"
        );
        // The pause ends on the holiday: the moved day off after it is no working day either.
        let away = pause("2027-03-05", Some("2027-03-08"));
        assert_eq!(due("2027-03-03", three, &[away]).as_deref(), Some("2027-03-11"));
        // A day that is both a holiday and of a pause is left out once.
        let on_holiday = pause("2027-03-08", Some("2027-03-08"));
        assert_eq!(due("2027-03-05", three, &[on_holiday]), due("2027-03-05", three, &[]));
    }

    #[test]
    fn a_clock_of_months_moves_by_each_day_of_its_pauses_and_overlaps_count_once() {
        let year = Limit::Months(12);
        assert_eq!(due("2026-01-15", year, &[]).as_deref(), Some("2027-01-15"));
        let first = pause("2026-03-01", Some("2026-03-10"));
        let second = pause("2026-03-06", Some("2026-03-20"));
        assert_eq!(due("2026-01-15", year, &[first]).as_deref(), Some("2027-01-25"));
        assert_eq!(due("2026-01-15", year, &[second, first]).as_deref(), Some("2027-02-04"));
        let inner = pause("2026-03-02", Some("2026-03-03"));
        assert_eq!(due("2026-01-15", year, &[first, inner]).as_deref(), Some("2027-01-25"));
    }

    #[test]
    fn a_pause_that_begins_in_the_time_won_by_another_counts_too_and_one_behind_the_end_does_not() {
        let year = Limit::Months(12);
        let first = pause("2026-03-01", Some("2026-03-10"));
        let in_won_time = pause("2027-01-20", Some("2027-01-21"));
        assert_eq!(due("2026-01-15", year, &[first, in_won_time]).as_deref(), Some("2027-01-27"));
        let behind = pause("2027-02-20", Some("2027-02-21"));
        assert_eq!(due("2026-01-15", year, &[first, behind]).as_deref(), Some("2027-01-25"));
        let before = pause("2025-12-01", Some("2026-01-15"));
        assert_eq!(due("2026-01-15", year, &[before]).as_deref(), Some("2027-01-15"));
    }

    #[test]
    fn a_pause_without_an_end_leaves_the_clock_without_a_day_and_says_so() {
        for limit in [Limit::Months(12), Limit::WorkingDays(5)] {
            let found = deadline(day("2027-03-01"), limit, &[pause("2027-03-02", None)], &march());
            assert_eq!(found.due_on, None);
            assert!(found.is_paused_on(day("2027-06-01")) && !found.is_paused_on(day("2027-03-01")));
        }
        let later = deadline(day("2027-03-01"), Limit::WorkingDays(2), &[pause("2027-04-01", None)], &march());
        assert_eq!((later.due_on, later.pauses.len()), (Some(day("2027-03-03")), 0));
    }
}
