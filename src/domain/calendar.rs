//! Quarters, windows of days, working days, and the day that an instant falls on. What a newcomer would get wrong: a
//! window is open from 00:00 of its first to 24:00 of its last day *in Kazakhstan*, so both ends are included and the
//! day of an instant depends on the offset, which is an argument here and data elsewhere.

pub mod years;

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc, Weekday};
use serde::{Deserialize, Serialize};

use crate::error::Rule;

/// Minutes by which Kazakhstan's clocks are ahead of UTC since 1 March 2024: a default for configuration and for a
/// methodology, never to be used where either gives a value.
pub const KAZAKHSTAN_UTC_OFFSET_MINUTES: i32 = 300;

/// The first year that an observation may belong to.
pub const FIRST_YEAR: i32 = 2000;

/// The calendar date of an instant at an offset from UTC given in minutes (east positive).
pub fn date_at(instant: DateTime<Utc>, utc_offset_minutes: i32) -> NaiveDate {
    // An instant at the very edge of what can be represented keeps its UTC date; no real clock gets there.
    instant
        .checked_add_signed(TimeDelta::minutes(i64::from(utc_offset_minutes)))
        .map_or_else(|| instant.date_naive(), |shifted| shifted.date_naive())
}

/// The day `count` calendar days after `date`.
pub fn days_after(date: NaiveDate, count: u32) -> NaiveDate {
    // Past the end of the calendar (year 262,142) there is only its last day.
    date.checked_add_days(Days::new(u64::from(count))).unwrap_or(NaiveDate::MAX)
}

/// The day `count` calendar days before `date`.
pub fn days_before(date: NaiveDate, count: u32) -> NaiveDate {
    date.checked_sub_days(Days::new(u64::from(count))).unwrap_or(NaiveDate::MIN)
}

/// The same day `count` months later, or the last day of that month where it is shorter.
pub fn months_after(date: NaiveDate, count: u32) -> NaiveDate {
    date.checked_add_months(Months::new(count)).unwrap_or(NaiveDate::MAX)
}

/// The same day `count` months earlier, or the last day of that month where it is shorter.
pub fn months_before(date: NaiveDate, count: u32) -> NaiveDate {
    date.checked_sub_months(Months::new(count)).unwrap_or(NaiveDate::MIN)
}

/// A calendar quarter from 2000-Q1 on, the period of an observation; written `2025-Q3`. Ordered by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = r"^2\d{3}-Q[1-4]$", min_length = 7, max_length = 7, example = "2025-Q3")]
pub struct Period(NaiveDate);

impl Period {
    /// The quarter of a year; `quarter` is 1 to 4. `None` before 2000, after 2999, or for another quarter.
    pub fn new(year: i32, quarter: u32) -> Option<Period> {
        if !(FIRST_YEAR..=2999).contains(&year) || !(1..=4).contains(&quarter) {
            return None;
        }
        NaiveDate::from_ymd_opt(year, quarter * 3 - 2, 1).map(Period)
    }

    /// Reads `2025-Q3`.
    ///
    /// # Errors
    /// [`Rule::Format`] for anything else, a quarter before 2000-Q1 included.
    pub fn parse(text: &str) -> Result<Period, Rule> {
        let refused = Rule::Format { expected: "a quarter from 2000-Q1 on, such as 2025-Q3" };
        let Some((year, quarter)) = text.split_once("-Q") else { return Err(refused) };
        // `parse` alone would let "+025" and "3 " in.
        let is_plain =
            |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_plain(year, 4) || !is_plain(quarter, 1) {
            return Err(refused);
        }
        match (year.parse(), quarter.parse()) {
            (Ok(year), Ok(quarter)) => Period::new(year, quarter).ok_or(refused),
            (Err(_), _) | (_, Err(_)) => Err(refused),
        }
    }

    /// The quarter that holds a date; `None` before 2000.
    pub fn containing(date: NaiveDate) -> Option<Period> {
        Period::new(date.year(), date.month0() / 3 + 1)
    }

    /// The year, 2000 to 2999.
    pub fn year(self) -> i32 {
        self.0.year()
    }

    /// The quarter within the year, 1 to 4.
    pub fn quarter(self) -> u32 {
        self.0.month0() / 3 + 1
    }

    /// The first day.
    pub fn starts_on(self) -> NaiveDate {
        self.0
    }

    /// The last day, included.
    pub fn ends_on(self) -> NaiveDate {
        days_before(months_after(self.0, 3), 1)
    }

    /// The number of days, 90 to 92.
    pub fn days(self) -> i64 {
        (self.ends_on() - self.0).num_days() + 1
    }

    /// Whether the quarter has begun: nothing can be observed before.
    pub fn has_begun_on(self, today: NaiveDate) -> bool {
        today >= self.0
    }

    /// The quarter after this one; `None` after 2999-Q4.
    pub fn next(self) -> Option<Period> {
        Period::containing(self.ends_on().succ_opt()?)
    }

    /// The quarter before this one; `None` before 2000-Q1.
    pub fn previous(self) -> Option<Period> {
        Period::containing(self.0.pred_opt()?)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-Q{}", self.year(), self.quarter())
    }
}

impl std::str::FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Period, PeriodError> {
        Period::parse(text).map_err(|_| PeriodError)
    }
}

impl TryFrom<String> for Period {
    type Error = PeriodError;

    fn try_from(text: String) -> Result<Period, PeriodError> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> String {
        period.to_string()
    }
}

/// A text that names no quarter from 2000-Q1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a quarter from 2000-Q1 on, such as 2025-Q3")]
pub struct PeriodError;

/// A window of calendar days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The day at whose 00:00 the window opens.
    pub opens_on: NaiveDate,
    /// The day at whose 24:00 the window closes.
    pub closes_on: NaiveDate,
}

/// Where a day lies with regard to a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// The window has not opened yet.
    Before,
    /// The window is open.
    Within,
    /// The window has closed.
    After,
}

impl Window {
    /// A window of `days` days that opens on a day; 0 counts as 1, since a window has no shorter form.
    pub fn lasting(opens_on: NaiveDate, days: u32) -> Window {
        Window { opens_on, closes_on: days_after(opens_on, days.saturating_sub(1)) }
    }

    /// Where `today` lies.
    pub fn position(self, today: NaiveDate) -> Position {
        if today < self.opens_on {
            Position::Before
        } else if today <= self.closes_on {
            Position::Within
        } else {
            Position::After
        }
    }
}

/// Which days are worked: Monday to Friday, but for the exceptions that the government announces each year as data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkCalendar {
    /// Days off that fall on Monday to Friday: public holidays and days off moved there.
    pub holidays: BTreeSet<NaiveDate>,
    /// Saturdays and Sundays that are worked in exchange for a day off moved elsewhere.
    pub worked_weekends: BTreeSet<NaiveDate>,
    /// The years whose exceptions are on record; of any other year only the weekends are known.
    pub known_years: BTreeSet<i32>,
}

impl WorkCalendar {
    /// Whether a day is worked. A day in both sets is a day off.
    pub fn is_working_day(&self, date: NaiveDate) -> bool {
        let is_weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
        !self.holidays.contains(&date) && (!is_weekend || self.worked_weekends.contains(&date))
    }

    /// The years between two days, both included, of which only the weekends are known: whoever shows a day that was
    /// counted through one of them says so.
    pub fn years_missing(&self, first: NaiveDate, last: NaiveDate) -> Vec<i32> {
        (first.year()..=last.year()).filter(|year| !self.known_years.contains(year)).collect()
    }

    /// The `count`-th working day after `date`; `date` itself for 0.
    pub fn working_days_after(&self, date: NaiveDate, count: u32) -> NaiveDate {
        let mut day = date;
        let mut left = count;
        while left > 0 && day < NaiveDate::MAX {
            day = days_after(day, 1);
            if self.is_working_day(day) {
                left -= 1;
            }
        }
        day
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_quarter_is_read_and_written_in_one_form() {
        for text in ["2000-Q1", "2025-Q3", "2999-Q4"] {
            assert_eq!(Period::parse(text).unwrap().to_string(), text);
        }
        for text in
            ["1999-Q4", "3000-Q1", "2025-Q0", "2025-Q5", "2025-q3", "2025Q3", "2025-Q03", "+025-Q3", "2025-Q3 ", ""]
        {
            assert!(matches!(Period::parse(text), Err(Rule::Format { .. })), "{text}");
        }
    }

    #[test]
    fn json_holds_the_same_form() {
        let period: Period = serde_json::from_str("\"2025-Q3\"").unwrap();
        assert_eq!(serde_json::to_string(&period).unwrap(), "\"2025-Q3\"");
        assert!(serde_json::from_str::<Period>("\"2025-Q9\"").is_err());
    }

    #[test]
    fn a_quarter_knows_its_days_in_leap_years_too() {
        for (text, first, last, days) in [
            ("2023-Q1", "2023-01-01", "2023-03-31", 90),
            ("2024-Q1", "2024-01-01", "2024-03-31", 91),
            ("2025-Q3", "2025-07-01", "2025-09-30", 92),
            ("2025-Q4", "2025-10-01", "2025-12-31", 92),
        ] {
            let period = Period::parse(text).unwrap();
            assert_eq!((period.starts_on(), period.ends_on(), period.days()), (day(first), day(last), days));
            assert_eq!(Period::containing(day(first)), Some(period));
            assert_eq!(Period::containing(day(last)), Some(period));
        }
    }

    #[test]
    fn a_quarter_begins_on_its_first_day() {
        let period = Period::parse("2025-Q3").unwrap();
        assert!(!period.has_begun_on(day("2025-06-30")) && period.has_begun_on(day("2025-07-01")));
    }

    #[test]
    fn quarters_follow_one_another_without_gaps() {
        let mut period = Period::new(2000, 1).unwrap();
        assert_eq!(period.previous(), None);
        for _ in 0..400 {
            let next = period.next().unwrap();
            assert_eq!(next.starts_on(), period.ends_on().succ_opt().unwrap());
            assert_eq!(next.previous(), Some(period));
            assert!(period < next);
            period = next;
        }
    }

    #[test]
    fn the_day_of_an_instant_is_that_of_kazakhstan() {
        let at = |text: &str| date_at(text.parse().unwrap(), KAZAKHSTAN_UTC_OFFSET_MINUTES);
        assert_eq!(at("2027-02-10T18:59:59.999Z"), day("2027-02-10"));
        assert_eq!(at("2027-02-10T19:00:00Z"), day("2027-02-11"));
        assert_eq!(date_at(DateTime::<Utc>::MAX_UTC, 300), DateTime::<Utc>::MAX_UTC.date_naive());
    }

    #[test]
    fn a_window_holds_both_its_ends() {
        let window = Window::lasting(day("2027-02-12"), 21);
        assert_eq!(window.closes_on, day("2027-03-04"));
        assert_eq!(window.position(day("2027-02-11")), Position::Before);
        assert_eq!(window.position(day("2027-02-12")), Position::Within);
        assert_eq!(window.position(day("2027-03-04")), Position::Within);
        assert_eq!(window.position(day("2027-03-05")), Position::After);
    }

    #[test]
    fn working_days_leave_out_weekends_and_holidays_and_count_moved_days() {
        let mut calendar = WorkCalendar::default();
        assert_eq!(calendar.working_days_after(day("2027-01-01"), 1), day("2027-01-04"), "a Friday, then a Monday");
        assert_eq!(calendar.working_days_after(day("2027-01-02"), 0), day("2027-01-02"));
        assert_eq!(calendar.working_days_after(day("2027-01-04"), 10), day("2027-01-18"));
        calendar.holidays.insert(day("2027-01-07"));
        assert_eq!(calendar.working_days_after(day("2027-01-04"), 10), day("2027-01-19"));
        calendar.worked_weekends.insert(day("2027-01-09"));
        assert_eq!(calendar.working_days_after(day("2027-01-04"), 10), day("2027-01-18"));
    }

    #[test]
    fn months_end_where_the_month_ends() {
        assert_eq!(months_after(day("2027-01-31"), 1), day("2027-02-28"));
        assert_eq!(months_before(day("2024-03-31"), 1), day("2024-02-29"));
    }
}
