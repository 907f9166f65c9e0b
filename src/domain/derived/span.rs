//! The period that indicators are derived for: a year, a quarter, or a range of quarters. What a newcomer would get wrong:
//! four quarters count as 365 days, in a leap year, too, as CEPEJ counts them; a single quarter has its own days.

use std::fmt;

use chrono::NaiveDate;

use crate::domain::calendar::Period;
use crate::error::{Error, Result, Rule};

/// The most quarters that are looked at together: the five years of a periodic evaluation.
pub const QUARTERS_MAX: usize = 20;

/// The form of a period.
const FORM: Rule = Rule::Format { expected: "a year, a quarter or at most 20 quarters, such as 2025-Q3..2026-Q2" };

/// One to twenty consecutive quarters, written `2026`, `2026-Q1` or `2025-Q3..2026-Q2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    quarters: Vec<Period>,
}

impl Span {
    /// Reads a period.
    ///
    /// # Errors
    /// [`Rule::Format`] for any other form, and for quarters in the wrong order or too many.
    pub fn parse(text: &str) -> std::result::Result<Span, Rule> {
        let (first, last) = match text.split_once("..") {
            Some((first, last)) => (first.to_owned(), last.to_owned()),
            None if text.contains('Q') => (text.to_owned(), text.to_owned()),
            None => (format!("{text}-Q1"), format!("{text}-Q4")),
        };
        let read = |quarter: &str| Period::parse(quarter).map_err(|_| FORM);
        Span::between(read(&first)?, read(&last)?).ok_or(FORM)
    }

    /// The four quarters that ended last before `today`.
    ///
    /// # Errors
    /// Internal error: the clock stands before the first year.
    pub fn last_four(today: NaiveDate) -> Result<Span> {
        let last = Period::containing(today).and_then(Period::previous);
        let first = last.and_then(Period::previous).and_then(Period::previous).and_then(Period::previous);
        let span = first.zip(last).and_then(|(first, last)| Span::between(first, last));
        span.ok_or_else(|| Error::internal("the clock stands before the first quarters"))
    }

    /// The quarters from `first` to `last`; `None` where they are in the wrong order or too many.
    fn between(first: Period, last: Period) -> Option<Span> {
        let quarters: Vec<Period> = std::iter::successors(Some(first), |quarter| quarter.next())
            .take(QUARTERS_MAX)
            .take_while(|quarter| *quarter <= last)
            .collect();
        (quarters.last() == Some(&last)).then_some(Span { quarters })
    }

    /// The quarters, earliest first.
    pub fn quarters(&self) -> &[Period] {
        &self.quarters
    }

    /// The first and the last day, both included.
    pub fn days_between(&self) -> Option<(NaiveDate, NaiveDate)> {
        Some((self.quarters.first()?.starts_on(), self.quarters.last()?.ends_on()))
    }

    /// The days by which a stock over a flow is turned into time: 365 for each four quarters in a row.
    pub fn days(&self) -> i64 {
        days_of(&self.quarters)
    }
}

/// The days of some quarters, earliest first: 365 for each four in a row, else as the calendar has them.
pub fn days_of(quarters: &[Period]) -> i64 {
    let mut days = 0;
    let mut rest = quarters;
    while let Some((first, after)) = rest.split_first() {
        match rest.split_at_checked(4) {
            Some((year, after)) if is_in_a_row(year) => {
                days += 365;
                rest = after;
            }
            Some(_) | None => {
                days += first.days();
                rest = after;
            }
        }
    }
    days
}

fn is_in_a_row(quarters: &[Period]) -> bool {
    quarters.iter().zip(quarters.iter().skip(1)).all(|(one, other)| one.next() == Some(*other))
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.quarters.as_slice() {
            [only] => only.fmt(f),
            [first, _, _, last] if first.year() == last.year() => write!(f, "{:04}", first.year()),
            [first, .., last] => write!(f, "{first}..{last}"),
            [] => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_year_a_quarter_or_a_range_and_is_written_shortest() {
        for (text, count, written) in [
            ("2026", 4, "2026"),
            ("2026-Q3", 1, "2026-Q3"),
            ("2025-Q3..2026-Q2", 4, "2025-Q3..2026-Q2"),
            ("2026-Q1..2026-Q4", 4, "2026"),
            ("2026-Q2..2026-Q2", 1, "2026-Q2"),
            ("2022-Q1..2026-Q4", 20, "2022-Q1..2026-Q4"),
        ] {
            let span = Span::parse(text).unwrap();
            assert_eq!((span.quarters().len(), span.to_string()), (count, written.to_owned()), "{text}");
        }
    }

    #[test]
    fn another_form_a_wrong_order_and_too_many_quarters_are_refused() {
        for text in [
            "",
            "26",
            "1999",
            "3000",
            "2026-Q5",
            "2026-Q",
            "Q1",
            "2026-Q2..2026-Q1",
            "2021-Q4..2026-Q4",
            "2026-Q1..",
            "..2026-Q1",
            "2026..2027",
            "2026-Q1..2026-Q2..2026-Q3",
            " 2026",
            "２０２６",
        ] {
            assert_eq!(Span::parse(text), Err(FORM), "{text}");
        }
    }

    #[test]
    fn four_quarters_in_a_row_are_365_days_in_a_leap_year_too() {
        let days = |text: &str| Span::parse(text).unwrap().days();
        assert_eq!((days("2026"), days("2024"), days("2023-Q2..2024-Q1")), (365, 365, 365));
        assert_eq!((days("2024-Q1"), days("2026-Q1"), days("2026-Q3")), (91, 90, 92));
        assert_eq!((days("2022-Q1..2026-Q4"), days("2025-Q1..2026-Q1")), (5 * 365, 365 + 90));
        let gap = ["2026-Q1", "2026-Q2", "2026-Q4"].map(|quarter| Period::parse(quarter).unwrap());
        assert_eq!(days_of(&gap), 90 + 91 + 92);
    }

    #[test]
    fn the_last_four_quarters_are_over() {
        assert_eq!(Span::last_four("2027-01-11".parse().unwrap()).unwrap().to_string(), "2026");
        assert_eq!(Span::last_four("2026-12-31".parse().unwrap()).unwrap().to_string(), "2025-Q4..2026-Q3");
    }
}
