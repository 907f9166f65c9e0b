//! The observed values that indicators are derived from, of one judge. What a newcomer would get wrong: a quarter counts
//! for a figure only where all of its inputs are recorded and none is disputed; a missing value is no zero.

use std::collections::BTreeMap;

use super::NoFigure;
use super::span::Span;
use crate::coded;
use crate::domain::calendar::Period;

coded! {
    /// An observed value that something is derived from, by its code in the catalogue.
    Input {
        /// Cases at the start.
        PendingStart = "pending_start",
        /// Cases that came in.
        Incoming = "incoming",
        /// Cases resolved.
        Resolved = "resolved",
        /// Cases at the end.
        PendingEnd = "pending_end",
        /// Cases taken over.
        TransferredIn = "transferred_in",
        /// Cases handed on.
        TransferredOut = "transferred_out",
        /// Pending at the end, up to three months old.
        PendingAgeLe3 = "pending_age_le3",
        /// Pending at the end, over three and up to six months old.
        PendingAgeLe6 = "pending_age_le6",
        /// Pending at the end, over six and up to twelve months old.
        PendingAgeLe12 = "pending_age_le12",
        /// Pending at the end, over twelve months old.
        PendingAgeGt12 = "pending_age_gt12",
        /// Days worked.
        WorkingDays = "working_days",
        /// Standard cases, in thousandths.
        WeightedWorkload = "weighted_workload",
        /// Breaches of a term for which the judge answers.
        TermViolationsJudge = "term_violations_judge",
    }
}

/// The four ages of pending cases, youngest first.
pub const AGES: [Input; 4] = [Input::PendingAgeLe3, Input::PendingAgeLe6, Input::PendingAgeLe12, Input::PendingAgeGt12];

/// One value in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The value, in the indicator's scaled integers.
    pub value: i64,
    /// Whether its correction is asked for.
    pub is_disputed: bool,
}

/// The values in force of one judge.
#[derive(Debug, Clone, Default)]
pub struct Counts(BTreeMap<String, BTreeMap<(Input, Period), Count>>);

/// For which quarters a figure can be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Those of which all is recorded, earliest first.
    pub quarters: Vec<Period>,
    /// Those that are left out because something is disputed.
    pub disputed: Vec<Period>,
}

impl Coverage {
    /// Notes a quarter: counted, left out as disputed, or neither where a value is missing.
    pub fn note(&mut self, quarter: Period, parts: &[Option<Count>]) {
        if parts.iter().any(Option::is_none) {
            return;
        }
        let is_disputed = parts.iter().flatten().any(|count| count.is_disputed);
        let noted = if is_disputed { &mut self.disputed } else { &mut self.quarters };
        noted.push(quarter);
    }

    /// Whether every quarter of the period counts.
    pub fn is_whole(&self, span: &Span) -> bool {
        self.quarters == span.quarters()
    }

    /// Why there is no figure where no quarter counts.
    pub fn reason(&self) -> NoFigure {
        if self.disputed.is_empty() { NoFigure::NotRecorded } else { NoFigure::Disputed }
    }
}

impl Counts {
    /// Adds a value; there is one in force for each category, input and quarter.
    pub fn add(&mut self, category: &str, input: Input, quarter: Period, count: Count) {
        self.0.entry(category.to_owned()).or_default().insert((input, quarter), count);
    }

    /// One value.
    pub fn get(&self, category: &str, input: Input, quarter: Period) -> Option<Count> {
        self.0.get(category)?.get(&(input, quarter)).copied()
    }

    /// The categories in which an input of some kind is recorded.
    pub fn categories_with(&self, is_wanted: impl Fn(Input) -> bool) -> impl Iterator<Item = &str> {
        let found = self.0.iter().filter(move |(_, counts)| counts.keys().any(|(input, _)| is_wanted(*input)));
        found.map(|(category, _)| category.as_str())
    }

    /// The quarters of the period for which all inputs are recorded.
    pub fn coverage(&self, category: &str, span: &Span, inputs: &[Input]) -> Coverage {
        let mut coverage = Coverage::default();
        for quarter in span.quarters() {
            let parts: Vec<_> = inputs.iter().map(|input| self.get(category, *input, *quarter)).collect();
            coverage.note(*quarter, &parts);
        }
        coverage
    }

    /// The sum of an input over some quarters.
    pub fn sum(&self, category: &str, input: Input, quarters: &[Period]) -> i64 {
        quarters.iter().filter_map(|quarter| self.get(category, input, *quarter)).map(|count| count.value).sum()
    }

    /// An input at the last of some quarters; 0 where there is none.
    pub fn last(&self, category: &str, input: Input, quarters: &[Period]) -> i64 {
        let count = quarters.last().and_then(|quarter| self.get(category, input, *quarter));
        count.map_or(0, |count| count.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::indicators::Catalogue;

    #[test]
    fn every_input_is_an_indicator_of_the_catalogue() {
        let catalogue = Catalogue::standard().unwrap();
        for input in Input::ALL {
            assert!(catalogue.indicators.iter().any(|indicator| indicator.code == input.as_str()), "{input}");
        }
    }

    #[test]
    fn a_quarter_counts_where_all_is_recorded_and_nothing_disputed() {
        let span = Span::parse("2026").unwrap();
        let mut counts = Counts::default();
        let [first, second, third, _] = span.quarters() else { panic!("four quarters") };
        for (quarter, is_disputed) in [(first, false), (second, true), (third, false)] {
            counts.add("civil", Input::Incoming, *quarter, Count { value: 5, is_disputed });
        }
        for quarter in [first, second] {
            counts.add("civil", Input::Resolved, *quarter, Count { value: 3, is_disputed: false });
        }
        let coverage = counts.coverage("civil", &span, &[Input::Incoming, Input::Resolved]);
        assert_eq!(coverage, Coverage { quarters: vec![*first], disputed: vec![*second] });
        assert!(!coverage.is_whole(&span));
        assert_eq!(counts.sum("civil", Input::Incoming, span.quarters()), 15);
        assert_eq!(counts.last("civil", Input::Resolved, span.quarters()), 0);
    }
}
