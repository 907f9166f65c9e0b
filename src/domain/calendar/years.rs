//! The working-day calendar of one year as data: public holidays by law, days off of religious feasts, days moved by the
//! government's yearly decision. What a newcomer would get wrong: a public holiday at a weekend gives the next working day
//! off, and a religious day off does not; which holidays there are, and whether that holds, is said by the year's entry.

use chrono::{Datelike, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::coded;
use crate::domain::calendar::{FIRST_YEAR, WorkCalendar, days_after};
use crate::domain::judge_file::{Check, NAME_LENGTH_MAX};
use crate::error::Rule;

/// The most days that one year's entry names.
pub const DAYS_MAX: usize = 100;

coded! {
    /// Why a day is no working day, or is one although it falls on a weekend.
    DayKind {
        /// A public holiday by law.
        PublicHoliday = "public_holiday",
        /// A day off by law that moves nowhere, such as the first day of Kurban Ait.
        DayOff = "day_off",
        /// A weekday off by the government's decision for the year.
        MovedDayOff = "moved_day_off",
        /// A weekend day that is worked in exchange.
        MovedWorkingDay = "moved_working_day",
    }
}

/// A day on which the year differs from plain weeks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"date": "2027-05-16", "kind": "day_off", "name_kk": "Құрбан айттың бірінші күні", "name_ru": "Первый день Курбан айта", "name_en": "First day of Kurban Ait"}))]
pub struct CalendarDay {
    /// The day, within the year.
    pub date: NaiveDate,
    /// Why it differs.
    pub kind: DayKind,
    /// What it is called in Kazakh.
    #[schema(min_length = 1, max_length = 200)]
    pub name_kk: String,
    /// What it is called in Russian.
    #[schema(min_length = 1, max_length = 200)]
    pub name_ru: String,
    /// What it is called in English.
    #[schema(min_length = 1, max_length = 200)]
    pub name_en: Option<String>,
}

/// A year of the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarYear {
    /// The year.
    pub year: i32,
    /// Whether a public holiday at a weekend gives the next working day off.
    pub moves_weekend_holidays: bool,
    /// The days on which it differs from plain weeks.
    pub days: Vec<CalendarDay>,
}

fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

impl CalendarYear {
    /// Notes every fault: a day of another year, a day that stands twice, a moved day on the wrong side of the week.
    pub fn check(&self, check: &mut Check) {
        let is_year = (FIRST_YEAR..=2999).contains(&self.year);
        check.rule(is_year, "/year", Rule::Range { min: i64::from(FIRST_YEAR), max: 2999 });
        let is_filled = (1..=DAYS_MAX).contains(&self.days.len());
        check.rule(is_filled, "/days", Rule::Length { min: 1, max: DAYS_MAX as u64 });
        let mut seen = std::collections::BTreeSet::new();
        for (index, day) in self.days.iter().enumerate() {
            let at = |member: &str| format!("/days/{index}/{member}");
            check.rule(day.date.year() == self.year, &at("date"), Rule::Mismatch { other: "year" });
            check.rule(seen.insert(day.date), &at("date"), Rule::Duplicate);
            let is_placed = match day.kind {
                DayKind::PublicHoliday | DayKind::DayOff => true,
                DayKind::MovedDayOff => !is_weekend(day.date),
                DayKind::MovedWorkingDay => is_weekend(day.date),
            };
            check.rule(is_placed, &at("kind"), Rule::Mismatch { other: "date" });
            check.text(&at("name_kk"), &day.name_kk, NAME_LENGTH_MAX);
            check.text(&at("name_ru"), &day.name_ru, NAME_LENGTH_MAX);
            check.optional_text(&at("name_en"), day.name_en.as_deref(), NAME_LENGTH_MAX);
        }
    }

    /// Adds the year to a calendar, with the days off that holidays at weekends give.
    pub fn add_to(&self, calendar: &mut WorkCalendar) {
        calendar.known_years.insert(self.year);
        let mut at_weekends = Vec::new();
        for day in &self.days {
            match day.kind {
                DayKind::MovedWorkingDay => {
                    calendar.worked_weekends.insert(day.date);
                }
                DayKind::PublicHoliday | DayKind::DayOff | DayKind::MovedDayOff => {
                    calendar.holidays.insert(day.date);
                }
            }
            if day.kind == DayKind::PublicHoliday && is_weekend(day.date) {
                at_weekends.push(day.date);
            }
        }
        if !self.moves_weekend_holidays {
            return;
        }
        at_weekends.sort_unstable();
        for holiday in at_weekends {
            let mut next = days_after(holiday, 1);
            while !calendar.is_working_day(next) && next < NaiveDate::MAX {
                next = days_after(next, 1);
            }
            calendar.holidays.insert(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn entry(date: &str, kind: DayKind) -> CalendarDay {
        let name = "Мереке".to_owned();
        CalendarDay { date: day(date), kind, name_kk: name.clone(), name_ru: name, name_en: None }
    }

    fn year(number: i32, days: &[(&str, DayKind)]) -> CalendarYear {
        let days = days.iter().map(|(date, kind)| entry(date, *kind)).collect();
        CalendarYear { year: number, moves_weekend_holidays: true, days }
    }

    fn calendar(years: &[CalendarYear]) -> WorkCalendar {
        let mut calendar = WorkCalendar::default();
        years.iter().for_each(|year| year.add_to(&mut calendar));
        calendar
    }

    use DayKind::{DayOff, MovedDayOff, MovedWorkingDay, PublicHoliday};

    #[test]
    fn holidays_at_a_weekend_give_the_next_working_days_off_one_each() {
        // Nauryz of 2026 begins on a Saturday: two of its three days fall on a weekend.
        let nauryz = [("2026-03-21", PublicHoliday), ("2026-03-22", PublicHoliday), ("2026-03-23", PublicHoliday)];
        let moving = calendar(&[year(2026, &nauryz)]);
        for (date, is_worked) in
            [("2026-03-20", true), ("2026-03-24", false), ("2026-03-25", false), ("2026-03-26", true)]
        {
            assert_eq!(moving.is_working_day(day(date)), is_worked, "{date}");
        }
        let staying = CalendarYear { moves_weekend_holidays: false, ..year(2026, &nauryz) };
        assert!(calendar(&[staying]).is_working_day(day("2026-03-24")));
    }

    #[test]
    fn a_religious_day_off_at_a_weekend_moves_nowhere() {
        // The first day of Kurban Ait of 2027 is a Sunday.
        let found = calendar(&[year(2027, &[("2027-05-16", DayOff)])]);
        assert!(!found.is_working_day(day("2027-05-16")) && found.is_working_day(day("2027-05-17")));
    }

    #[test]
    fn a_moved_day_is_off_and_the_weekend_day_in_exchange_is_worked() {
        let found = calendar(&[year(2027, &[("2027-01-08", MovedDayOff), ("2027-01-16", MovedWorkingDay)])]);
        assert!(!found.is_working_day(day("2027-01-08")) && found.is_working_day(day("2027-01-16")));
        // Thursday the 7th: the Friday is off, the Saturday after next is worked.
        assert_eq!(found.working_days_after(day("2027-01-07"), 1), day("2027-01-11"));
        assert_eq!(found.working_days_after(day("2027-01-15"), 1), day("2027-01-16"));
    }

    #[test]
    fn a_holiday_at_a_weekend_that_is_followed_by_a_worked_weekend_day_takes_that_one() {
        let found = calendar(&[year(2027, &[("2027-05-01", PublicHoliday), ("2027-05-02", MovedWorkingDay)])]);
        assert!(!found.is_working_day(day("2027-05-02")) && found.is_working_day(day("2027-05-03")));
    }

    #[test]
    fn a_year_without_an_entry_is_named_and_never_guessed() {
        let found = calendar(&[year(2026, &[("2026-12-16", PublicHoliday)])]);
        assert_eq!(found.years_missing(day("2026-12-20"), day("2027-01-10")), [2027]);
        assert_eq!(found.years_missing(day("2026-01-01"), day("2026-12-31")), [0; 0]);
    }

    #[test]
    fn a_day_of_another_year_twice_or_on_the_wrong_side_of_the_week_is_a_fault() {
        let faulty = year(
            2027,
            &[
                ("2026-12-31", PublicHoliday),
                ("2027-03-08", PublicHoliday),
                ("2027-03-08", DayOff),
                ("2027-03-13", MovedDayOff),
                ("2027-03-15", MovedWorkingDay),
            ],
        );
        let mut check = Check::default();
        faulty.check(&mut check);
        let refused = format!("{:?}", check.done().unwrap_err());
        for place in ["/days/0/date", "/days/2/date", "/days/3/kind", "/days/4/kind"] {
            assert!(refused.contains(place), "{place}: {refused}");
        }
        assert!(!refused.contains("/days/1/"), "{refused}");
    }
}
