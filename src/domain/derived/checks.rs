//! Whether recorded values add up. What a newcomer would get wrong: a mismatch is flagged and never refused, since the
//! source is corrected by its owner and what it said meanwhile is on record.

use serde::Serialize;
use utoipa::ToSchema;

use super::counts::{AGES, Counts, Input};
use super::span::Span;
use crate::coded;
use crate::domain::calendar::Period;

coded! {
    /// A sum that must come out.
    SumCheck {
        /// Pending at the start + incoming + taken over − resolved − handed on = pending at the end.
        PendingIdentity = "pending_identity",
        /// The four ages of the pending = pending at the end.
        PendingAges = "pending_ages",
    }
}

/// Recorded values that do not add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"check": "pending_identity", "category": "civil", "quarter": "2026-Q3", "expected": 41, "recorded": 40}))]
pub struct CountMismatch {
    /// Which sum.
    pub check: SumCheck,
    /// The kind of case.
    #[schema(max_length = 40)]
    pub category: String,
    /// The quarter.
    pub quarter: Period,
    /// What `pending_end` would have to be by the other values.
    pub expected: i64,
    /// What it is.
    pub recorded: i64,
}

/// All sums of the period that do not come out; where a value is missing there is no sum.
pub fn mismatches(counts: &Counts, span: &Span) -> Vec<CountMismatch> {
    let mut found = Vec::new();
    for category in counts.categories_with(|input| input == Input::PendingEnd) {
        for quarter in span.quarters() {
            let value = |input| counts.get(category, input, *quarter).map(|count| count.value);
            let Some(recorded) = value(Input::PendingEnd) else { continue };
            let sum = |inputs: &[Input]| inputs.iter().map(|input| value(*input)).sum::<Option<i64>>();
            let came = sum(&[Input::PendingStart, Input::Incoming, Input::TransferredIn]);
            let went = sum(&[Input::Resolved, Input::TransferredOut]);
            let flow = came.zip(went).map(|(came, went)| came - went);
            for (check, expected) in [(SumCheck::PendingIdentity, flow), (SumCheck::PendingAges, sum(&AGES))] {
                if let Some(expected) = expected.filter(|expected| *expected != recorded) {
                    let category = category.to_owned();
                    found.push(CountMismatch { check, category, quarter: *quarter, expected, recorded });
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::derived::counts::Count;

    fn found(values: &[(Input, i64)]) -> Vec<(SumCheck, i64, i64)> {
        let span = Span::parse("2026-Q3").unwrap();
        let mut counts = Counts::default();
        for (input, value) in values {
            counts.add("civil", *input, span.quarters()[0], Count { value: *value, is_disputed: false });
        }
        let mismatches = mismatches(&counts, &span).into_iter();
        mismatches.map(|mismatch| (mismatch.check, mismatch.expected, mismatch.recorded)).collect()
    }

    #[test]
    fn the_pending_are_those_before_and_those_that_came_less_those_that_went() {
        let flow = |pending_end| {
            [
                (Input::PendingStart, 40),
                (Input::Incoming, 100),
                (Input::TransferredIn, 3),
                (Input::Resolved, 95),
                (Input::TransferredOut, 8),
                (Input::PendingEnd, pending_end),
            ]
        };
        assert_eq!(found(&flow(40)), []);
        assert_eq!(found(&flow(41)), [(SumCheck::PendingIdentity, 40, 41)]);
        assert_eq!(found(&flow(41)[1..]), [], "without one of the values there is no sum");
    }

    #[test]
    fn the_ages_add_up_to_the_pending() {
        let ages = |oldest| {
            let ages = AGES.iter().copied().zip([20, 10, 9, oldest]);
            ages.chain([(Input::PendingEnd, 40)]).collect::<Vec<_>>()
        };
        assert_eq!(found(&ages(1)), []);
        assert_eq!(found(&ages(0)), [(SumCheck::PendingAges, 39, 40)]);
    }
}
