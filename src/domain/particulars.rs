//! What is known of a judge's person beside the name: birth date, sex, years of legal service. What a newcomer would get
//! wrong: nothing of it is read from an IIN, whose digits need not match the person (`domain.md` 3). Sex serves the yearly
//! figures on bias and nothing else; the birth date serves the age limit.

use chrono::NaiveDate;

use crate::coded;
use crate::domain::calendar::{days_after, months_after, months_before};
use crate::domain::judge_file::{Check, FilePurpose};
use crate::error::Rule;

coded! {
    /// The sex that the personnel system tells; for the yearly figures on bias alone.
    Sex {
        /// Female.
        F = "f",
        /// Male.
        M = "m",
    }
}

/// The ages, in years, that a judge in office can have: a form that finds mistyped dates, and no law (`domain.md` 6.1).
pub const AGES_IN_OFFICE: (u32, u32) = (25, 75);
/// The longest legal service, in hundredths of a year.
pub const LEGAL_SERVICE_MAX: i64 = 6_000;

/// How much of a judge's particulars a reader of the file sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// All that is held: the judge alone.
    Whole,
    /// What a personnel matter rests on; without sex.
    Personnel,
    /// Nothing.
    Nothing,
}

/// What is seen for a purpose: an evaluation needs nobody's age, and sex is shown to nobody but the judge.
pub fn sight(purpose: FilePurpose) -> Sight {
    match purpose {
        FilePurpose::OwnFile => Sight::Whole,
        FilePurpose::Personnel | FilePurpose::Correction => Sight::Personnel,
        FilePurpose::Evaluation => Sight::Nothing,
    }
}

/// The faults of a birth date: in the future, or an age that no judge has, on the day of the first appointment or, for a
/// judge in office, today.
pub fn check_birth_date(
    check: &mut Check,
    pointer: &str,
    birth_date: NaiveDate,
    first_appointed_on: NaiveDate,
    in_office_on: Option<NaiveDate>,
) {
    check.date(pointer, birth_date);
    let (min, max) = AGES_IN_OFFICE;
    let is_of_age =
        |day: NaiveDate| age_reached_on(birth_date, min) <= day && day < age_reached_on(birth_date, max + 1);
    let is_likely = is_of_age(first_appointed_on) && in_office_on.is_none_or(is_of_age);
    check.rule(is_likely, pointer, Rule::Range { min: i64::from(min), max: i64::from(max) });
}

/// The day on which somebody reaches an age; born on 29 February, in other years on 1 March.
pub fn age_reached_on(birth_date: NaiveDate, years: u32) -> NaiveDate {
    let months = years.saturating_mul(12);
    let reached = months_after(birth_date, months);
    if months_before(reached, months) < birth_date { days_after(reached, 1) } else { reached }
}

/// The last birth date of whoever reaches an age on a day or before.
pub fn born_until(day: NaiveDate, years: u32) -> NaiveDate {
    months_before(day, years.saturating_mul(12))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn an_age_is_reached_on_the_birthday_and_on_the_first_of_march_where_there_is_none() {
        assert_eq!(age_reached_on(day("1962-06-15"), 65), day("2027-06-15"));
        assert_eq!(age_reached_on(day("1964-02-29"), 65), day("2029-03-01"));
        assert_eq!(age_reached_on(day("1964-02-29"), 64), day("2028-02-29"));
        // Whoever is listed as reaching it until a day reaches it until that day, and nobody else does.
        for until in ["2027-06-14", "2027-06-15", "2029-02-28", "2029-03-01", "2028-02-29"].map(day) {
            for born in ["1962-06-15", "1963-02-28", "1963-03-01", "1964-02-28", "1964-02-29", "1964-03-01"].map(day) {
                assert_eq!(born <= born_until(until, 65), age_reached_on(born, 65) <= until, "{born} {until}");
            }
        }
    }

    #[test]
    fn an_age_that_no_judge_has_is_a_fault_of_the_date() {
        let is_refused = |born: &str, appointed: &str, today: Option<&str>| {
            let mut check = Check::default();
            check_birth_date(&mut check, "/birth_date", day(born), day(appointed), today.map(day));
            check.done().is_err()
        };
        assert!(!is_refused("1990-03-02", "2015-03-02", None) && is_refused("1990-03-03", "2015-03-02", None));
        assert!(!is_refused("1940-03-03", "2016-03-02", None) && is_refused("1940-03-02", "2016-03-02", None));
        // Long out of office a judge may be older than any judge in office.
        assert!(!is_refused("1940-03-02", "1970-01-01", None));
        assert!(is_refused("1940-03-02", "1970-01-01", Some("2027-01-11")));
        assert!(!is_refused("1951-01-12", "1980-01-01", Some("2027-01-11")));
    }

    #[test]
    fn sex_is_seen_by_nobody_but_the_judge_and_the_age_by_nobody_who_evaluates() {
        let seen: Vec<Sight> = FilePurpose::ALL.iter().map(|purpose| sight(*purpose)).collect();
        assert_eq!(FilePurpose::ALL[0], FilePurpose::OwnFile);
        assert_eq!(seen, [Sight::Whole, Sight::Nothing, Sight::Personnel, Sight::Personnel]);
    }
}
