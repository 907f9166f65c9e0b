//! How long somebody has served as a judge (`domain.md` 6.1). What a newcomer would get wrong: years from the first appointment.
//! Days between posts and days of suspended powers are no service, and a day on which two posts are held counts once.

use chrono::NaiveDate;

use crate::domain::spans::{Span, days, merged, until};

/// Hundredths of a year of 365.25 days, in days' hundredths: 100 years are 36,525 days.
const DAYS_OF_A_CENTURY: i64 = 36_525;

/// Service until the end of `day` in hundredths of a year, rounded down, 0 and more: days with a post less days of suspension.
pub fn service_years_hundredths(posts: &[Span], suspensions: &[Span], day: NaiveDate) -> i64 {
    let counted =
        |spans: &[Span]| -> Vec<_> { merged(spans).into_iter().filter_map(|span| until(span, day)).collect() };
    let (held, suspended) = (counted(posts), counted(suspensions));
    let served: i64 = held.iter().map(|span| days(*span)).sum();
    let overlaps = held.iter().flat_map(|held| suspended.iter().map(move |suspended| overlap(*held, *suspended)));
    (served - overlaps.sum::<i64>()) * 10_000 / DAYS_OF_A_CENTURY
}

fn overlap(one: (NaiveDate, NaiveDate), other: (NaiveDate, NaiveDate)) -> i64 {
    days((one.0.max(other.0), one.1.min(other.1))).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn years(posts: &[(&str, &str)], suspensions: &[(&str, &str)], on: &str) -> i64 {
        let spans = |spans: &[(&str, &str)]| -> Vec<Span> {
            spans.iter().map(|(from, to)| (day(from), (!to.is_empty()).then(|| day(to)))).collect()
        };
        service_years_hundredths(&spans(posts), &spans(suspensions), day(on))
    }

    /// Days counted one by one with Python's `datetime`, then × 100 / 365.25, rounded down.
    #[test]
    fn days_with_a_post_count_once_and_days_of_suspension_and_between_posts_do_not() {
        // 4,334 days.
        assert_eq!(years(&[("2015-03-02", "")], &[], "2027-01-11"), 1186);
        // A second post at the same time adds nothing, and one that follows on the next day leaves no gap.
        assert_eq!(years(&[("2015-03-02", ""), ("2020-01-01", "2021-12-31")], &[], "2027-01-11"), 1186);
        assert_eq!(years(&[("2015-03-02", "2019-12-31"), ("2020-01-01", "")], &[], "2027-01-11"), 1186);
        // 1,766 and 376 days, with half a year and more between.
        assert_eq!(years(&[("2015-03-02", "2019-12-31"), ("2026-01-01", "")], &[], "2027-01-11"), 586);
        // 119 days of suspension, told by two records that overlap.
        let suspended = [("2024-05-06", "2024-08-01"), ("2024-07-01", "2024-09-01")];
        assert_eq!(years(&[("2015-03-02", "")], &suspended, "2027-01-11"), 1154);
        // Suspended before any post, and a post that begins tomorrow.
        assert_eq!(years(&[("2027-01-12", "")], &[("2020-01-01", "2020-12-31")], "2027-01-11"), 0);
        assert_eq!(years(&[("2015-03-02", "")], &[("2015-03-02", "")], "2027-01-11"), 0);
    }
}
