//! Times of days, both ends included. What a newcomer would get wrong: a day of two times counts once, and one that follows
//! on the day after another leaves no gap; so times are merged before their days are counted.

use chrono::NaiveDate;

use crate::domain::calendar::days_after;

/// The first day of a time and its last one; none while no end is known.
pub type Span = (NaiveDate, Option<NaiveDate>);

/// The spans in order, without a day twice; those that overlap or follow on one another are one.
pub fn merged(spans: &[Span]) -> Vec<Span> {
    let mut sorted: Vec<Span> = spans.iter().copied().filter(|(from, to)| to.is_none_or(|to| *from <= to)).collect();
    sorted.sort_unstable();
    let mut merged: Vec<Span> = Vec::new();
    for (from, to) in sorted {
        match merged.last_mut() {
            Some((_, None)) => break,
            Some((_, Some(last))) if from <= days_after(*last, 1) => match to {
                Some(to) => *last = to.max(*last),
                None => {
                    let first = merged.pop().map_or(from, |(first, _)| first);
                    merged.push((first, None));
                }
            },
            Some(_) | None => merged.push((from, to)),
        }
    }
    merged
}

/// Whether a day is one of a time.
pub fn holds((from, to): Span, day: NaiveDate) -> bool {
    from <= day && to.is_none_or(|to| day <= to)
}

/// The part of a span that lies before the end of `day`, if any.
pub fn until((from, to): Span, day: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    (from <= day).then(|| (from, to.map_or(day, |to| to.min(day))))
}

/// How many days are in a time.
pub fn days((from, to): (NaiveDate, NaiveDate)) -> i64 {
    (to - from).num_days() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(told: &[(&str, &str)]) -> Vec<Span> {
        let day = |text: &str| text.parse().ok();
        told.iter().map(|(from, to)| (from.parse().unwrap(), day(to))).collect()
    }

    #[test]
    fn what_overlaps_or_follows_on_is_one_and_what_has_no_end_takes_in_all_behind_it() {
        let (first, next, apart) =
            (("2026-03-01", "2026-03-10"), ("2026-03-11", "2026-03-20"), ("2026-03-22", "2026-03-22"));
        assert_eq!(merged(&spans(&[apart, next, first])), spans(&[("2026-03-01", "2026-03-20"), apart]));
        assert_eq!(merged(&spans(&[first, ("2026-03-05", ""), apart])), spans(&[("2026-03-01", "")]));
        assert_eq!(merged(&spans(&[first, ("2026-03-02", "2026-03-03")])), spans(&[first]));
        assert_eq!(merged(&spans(&[first, ("2026-03-13", "")])), spans(&[first, ("2026-03-13", "")]));
        assert_eq!(merged(&spans(&[("2026-03-02", "2026-03-01")])), []);
    }
}
