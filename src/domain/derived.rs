//! Derived indicators: computed on reading out of stored counts, never stored (`domain.md` 6.4). What a newcomer would get
//! wrong: a figure without its numerator, denominator, period and comparison is no figure, and where a rule of the field
//! gives none there is a coded reason instead, never a zero. What concerns the review of acts lies in [`reviews`], in
//! types that nothing can take a number from.

pub mod checks;
pub mod comparison;
pub mod counts;
pub mod figures;
pub mod overview;
pub mod reviews;
pub mod span;
mod wilson;
pub mod workload;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use crate::coded;
use crate::domain::acts::ReviewCounts;
use crate::domain::calendar::Period;
use checks::CountMismatch;
use counts::{Counts, Input};
use figures::DerivedFigure;
use reviews::ReviewedActs;
use span::Span;
use workload::Workload;

coded! {
    /// Why there is no figure; never replaced by a number.
    NoFigure {
        /// In no quarter of the period is all of it recorded.
        NotRecorded = "not_recorded",
        /// What is recorded is disputed, and left out until that is decided.
        Disputed = "disputed",
        /// Nothing came in.
        IncomingZero = "incoming_zero",
        /// Nothing was resolved.
        ResolvedZero = "resolved_zero",
        /// Fewer than 10 were resolved.
        TooFewResolved = "too_few_resolved",
        /// Nothing is pending.
        PendingEndZero = "pending_end_zero",
        /// No act was reviewed.
        AppealsZero = "appeals_zero",
        /// Fewer than 10 acts were reviewed: the counts alone.
        TooFewAppeals = "too_few_appeals",
        /// No working day.
        WorkingDaysZero = "working_days_zero",
        /// The quarters of the judge are not all there, so that the judge cannot be set beside others.
        QuartersMissing = "quarters_missing",
        /// Fewer than 10 comparable judges.
        TooFewComparable = "too_few_comparable",
        /// The median of the comparable judges is zero.
        MedianZero = "median_zero",
        /// The counts contradict one another: the part is larger than the whole.
        Inconsistent = "inconsistent",
    }
}

/// What is known of one judge's work in a period.
#[derive(Debug, Clone, Default)]
pub struct Work {
    /// The observed values.
    pub counts: Counts,
    /// The reviewed acts, by category and the quarter of the act.
    pub reviews: BTreeMap<(String, Period), ReviewCounts>,
}

/// The derived indicators of a judge, each beside those of comparable judges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// How much work there was, which stands beside every comparison.
    pub workload: Workload,
    /// The figures, by category.
    pub categories: Vec<CategoryFigures>,
    /// Recorded values that do not add up; flagged and never refused.
    pub mismatches: Vec<CountMismatch>,
}

/// The figures of one category of cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CategoryFigures {
    /// The kind of case.
    #[schema(max_length = 40, example = "civil")]
    pub category: String,
    /// The figures on how the work goes.
    #[schema(max_items = 10)]
    pub figures: Vec<DerivedFigure>,
    /// What higher courts did: for people to look at with the reasons, and an input to nothing.
    pub reviews: ReviewedActs,
}

/// The comparable judges of a judge: of the same level and region. Specialisation is compared category by category.
#[derive(Debug, Clone, Copy)]
pub struct Group<'a> {
    /// The work of each but the judge.
    pub others: &'a [Work],
    /// The judge's own work, where the judge is of the group.
    pub own: Option<&'a Work>,
}

/// Derives the indicators of a judge over a period; without a group nothing is compared.
pub fn derive(own: &Work, group: Option<Group<'_>>, span: &Span) -> Derived {
    let categories = own.categories().into_iter().map(|category| CategoryFigures {
        figures: figures::all(own, group, category, span),
        reviews: ReviewedActs::of(own, group, category, span),
        category: category.to_owned(),
    });
    Derived {
        workload: Workload::of(own, group, span),
        categories: categories.collect(),
        mismatches: checks::mismatches(&own.counts, span),
    }
}

impl Work {
    /// The categories of cases of which anything but the time spent is known.
    fn categories(&self) -> BTreeSet<&str> {
        let is_of_cases = |input: Input| !matches!(input, Input::WorkingDays | Input::WeightedWorkload);
        let counted = self.counts.categories_with(is_of_cases);
        counted.chain(self.reviews.keys().map(|(category, _)| category.as_str())).collect()
    }
}

/// A ratio times `factor`, rounded half up; the denominator is positive.
fn scaled(numerator: i64, factor: i64, denominator: i64) -> i64 {
    let (numerator, denominator) = (i128::from(numerator) * i128::from(factor), i128::from(denominator));
    // Counts lie below 2^31 and factors below 2^20, so that the quotient fits.
    (2 * numerator + denominator).div_euclid(2 * denominator) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_rounded_half_up() {
        assert_eq!((scaled(1, 1000, 8), scaled(1, 100, 8), scaled(3, 100, 8)), (125, 13, 38));
        assert_eq!(scaled(30_000, 365, 1), 10_950_000);
    }
}
