//! Rates of the review of acts by higher courts: for people to look at, with reasons, denominators and intervals, and an
//! input to nothing. What a newcomer would get wrong: to read a number out of here. A [`ReviewRate`] can be written to
//! the wire and do nothing else; it has no accessor, no order, no arithmetic and no conversion, and a test of the layers
//! keeps this module out of everything that scores (Kyiv Recommendations 28, CCJE Opinion 17).
//!
//! ```compile_fail
//! fn score(rate: &ejf::domain::derived::reviews::ReviewRate) -> Option<i64> {
//!     rate.value
//! }
//! ```

use serde::Serialize;
use utoipa::ToSchema;

use super::comparison::{ComparedQuartiles, NoComparison, compare};
use super::counts::{Coverage, Input};
use super::figures::{DerivedUnit, share};
use super::span::Span;
use super::{Group, NoFigure, Work, wilson};
use crate::coded;
use crate::domain::acts::{ActReason, ReviewCounts};
use crate::domain::calendar::Period;

/// Below so many reviewed acts there are counts and no rate of reversal.
const DECIDED_MIN: i64 = 10;

coded! {
    /// A rate on the review of acts; display only.
    ReviewRateCode {
        /// Acts that were reviewed ÷ resolved.
        AppealRate = "appeal_rate",
        /// Acts amended or cancelled, in whole or in part ÷ acts reviewed.
        ReversalOfAppealed = "reversal_of_appealed",
        /// Acts amended or cancelled, in whole or in part ÷ resolved.
        ReversalOfResolved = "reversal_of_resolved",
    }
}

/// A rate on the review of acts. Display only: nothing but the wire can take it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"code": "reversal_of_appealed", "unit": "share", "scale": 3, "is_scorable": false, "numerator": 3, "denominator": 21, "value": 143, "interval_lower": 49, "interval_upper": 347, "no_figure": null, "quarters": ["2026-Q3"], "disputed_quarters": [], "comparison": null, "no_comparison": "too_few_judges"}))]
pub struct ReviewRate {
    /// Which rate.
    code: ReviewRateCode,
    /// Parts of one.
    unit: DerivedUnit,
    /// Decimals of `value`, the interval and the quartiles.
    #[schema(minimum = 3, maximum = 3)]
    scale: u8,
    /// Always false: no methodology can take it into a score.
    is_scorable: bool,
    /// What is counted, or null where nothing is recorded.
    #[schema(minimum = 0)]
    numerator: Option<i64>,
    /// Of what, or null.
    #[schema(minimum = 0)]
    denominator: Option<i64>,
    /// The rate, rounded half up, or null.
    #[schema(minimum = 0, maximum = 1000)]
    value: Option<i64>,
    /// The lower end of the 95 % interval of Wilson, rounded outwards, for rates of reversal; or null.
    #[schema(minimum = 0, maximum = 1000)]
    interval_lower: Option<i64>,
    /// The upper end, or null.
    #[schema(minimum = 0, maximum = 1000)]
    interval_upper: Option<i64>,
    /// Why there is no rate, or null.
    no_figure: Option<NoFigure>,
    /// The quarters that it is made of.
    #[schema(max_items = 20)]
    quarters: Vec<Period>,
    /// The quarters left out because a value is disputed.
    #[schema(max_items = 20)]
    disputed_quarters: Vec<Period>,
    /// What comparable judges have over the same whole period, or null.
    comparison: Option<ComparedQuartiles>,
    /// Why nothing is compared, or null.
    no_comparison: Option<NoComparison>,
}

/// How many reversed acts have a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"reason_code": "procedural_error", "act_count": 2}))]
pub struct ReasonCount {
    /// The reason.
    reason_code: ActReason,
    /// How many acts.
    #[schema(minimum = 1)]
    act_count: i64,
}

/// What higher courts did with the acts of a period in one category. An act counts in the quarter in which the judge made
/// it, once, and as the last instance left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"reviewed_act_count": 21, "reversed_act_count": 3, "disputed_act_count": 0, "reasons": [{"reason_code": "procedural_error", "act_count": 2}, {"reason_code": "new_evidence", "act_count": 1}], "rates": []}))]
pub struct ReviewedActs {
    /// Acts on whose review a higher court decided.
    #[schema(minimum = 0)]
    reviewed_act_count: i64,
    /// Those amended or cancelled, in whole or in part.
    #[schema(minimum = 0)]
    reversed_act_count: i64,
    /// Acts left out because a record of them is disputed.
    #[schema(minimum = 0)]
    disputed_act_count: i64,
    /// The reversed acts by reason; a reason of another judge's making, such as new evidence, is no fault of this one.
    #[schema(max_items = 8)]
    reasons: Vec<ReasonCount>,
    /// The rates; display only.
    #[schema(max_items = 3)]
    rates: Vec<ReviewRate>,
}

/// A rate before it is compared.
struct Measured {
    coverage: Coverage,
    numerator: i64,
    denominator: i64,
    value: Result<i64, NoFigure>,
}

impl ReviewedActs {
    /// The counts and rates of a category over a period.
    pub fn of(own: &Work, group: Option<Group<'_>>, category: &str, span: &Span) -> ReviewedActs {
        let counts = counts_of(own, category, span.quarters());
        let reasons = counts.reversed.iter();
        ReviewedActs {
            reviewed_act_count: counts.decided,
            reversed_act_count: counts.reversed_count(),
            disputed_act_count: counts.disputed,
            reasons: reasons.map(|(reason, count)| ReasonCount { reason_code: *reason, act_count: *count }).collect(),
            rates: ReviewRateCode::ALL.iter().map(|code| rate(own, group, category, span, *code)).collect(),
        }
    }
}

fn counts_of(work: &Work, category: &str, quarters: &[Period]) -> ReviewCounts {
    let mut sum = ReviewCounts::default();
    for quarter in quarters {
        if let Some(counts) = work.reviews.get(&(category.to_owned(), *quarter)) {
            sum.add(counts);
        }
    }
    sum
}

fn rate(own: &Work, group: Option<Group<'_>>, category: &str, span: &Span, code: ReviewRateCode) -> ReviewRate {
    let measured = measure(own, category, span, code);
    let unit = DerivedUnit::Share;
    let (scale, step) = unit.scale_and_step();
    let whole = |work: &Work| {
        let measured = measure(work, category, span, code);
        measured.value.ok().filter(|_| measured.coverage.is_whole(span))
    };
    let compared = match measured.value {
        Err(_) => Err(NoComparison::NoFigure),
        Ok(_) if !measured.coverage.is_whole(span) => Err(NoComparison::QuartersMissing),
        Ok(_) => compare(group, step, whole),
    };
    let is_recorded = !measured.coverage.quarters.is_empty();
    let has_interval = code != ReviewRateCode::AppealRate && measured.value.is_ok();
    let interval = has_interval.then(|| wilson::in_thousandths(measured.numerator, measured.denominator));
    ReviewRate {
        code,
        unit,
        scale,
        is_scorable: false,
        numerator: is_recorded.then_some(measured.numerator),
        denominator: is_recorded.then_some(measured.denominator),
        value: measured.value.ok(),
        interval_lower: interval.map(|(lower, _)| lower),
        interval_upper: interval.map(|(_, upper)| upper),
        no_figure: measured.value.err(),
        quarters: measured.coverage.quarters,
        disputed_quarters: measured.coverage.disputed,
        comparison: compared.as_ref().ok().cloned(),
        no_comparison: compared.err(),
    }
}

fn measure(work: &Work, category: &str, span: &Span, code: ReviewRateCode) -> Measured {
    let coverage = match code {
        // Of acts alone, which are events: a quarter without any is no gap.
        ReviewRateCode::ReversalOfAppealed => Coverage { quarters: span.quarters().to_vec(), disputed: Vec::new() },
        ReviewRateCode::AppealRate | ReviewRateCode::ReversalOfResolved => {
            work.counts.coverage(category, span, &[Input::Resolved])
        }
    };
    let quarters = &coverage.quarters;
    let counts = counts_of(work, category, quarters);
    let resolved = work.counts.sum(category, Input::Resolved, quarters);
    let (numerator, denominator) = match code {
        ReviewRateCode::AppealRate => (counts.decided, resolved),
        ReviewRateCode::ReversalOfAppealed => (counts.reversed_count(), counts.decided),
        ReviewRateCode::ReversalOfResolved => (counts.reversed_count(), resolved),
    };
    let value = if quarters.is_empty() {
        Err(coverage.reason())
    } else {
        match code {
            ReviewRateCode::AppealRate | ReviewRateCode::ReversalOfResolved if resolved == 0 => {
                Err(NoFigure::ResolvedZero)
            }
            ReviewRateCode::ReversalOfAppealed if counts.decided == 0 => Err(NoFigure::AppealsZero),
            ReviewRateCode::ReversalOfAppealed | ReviewRateCode::ReversalOfResolved if counts.decided < DECIDED_MIN => {
                Err(NoFigure::TooFewAppeals)
            }
            ReviewRateCode::AppealRate | ReviewRateCode::ReversalOfAppealed | ReviewRateCode::ReversalOfResolved => {
                share(numerator, denominator)
            }
        }
    };
    Measured { coverage, numerator, denominator, value }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::derived::counts::Count;

    /// Work with so many resolved cases and reviewed acts in one quarter.
    fn reviewed(quarter: Period, resolved: i64, decided: i64, reversed: i64) -> Work {
        let mut work = Work::default();
        work.counts.add("civil", Input::Resolved, quarter, Count { value: resolved, is_disputed: false });
        let reversed = BTreeMap::from([(ActReason::ProceduralError, reversed)]);
        work.reviews.insert(("civil".to_owned(), quarter), ReviewCounts { decided, reversed, disputed: 0 });
        work
    }

    fn rates(resolved: i64, decided: i64, reversed: i64) -> BTreeMap<ReviewRateCode, ReviewRate> {
        let span = Span::parse("2026-Q3").unwrap();
        let work = reviewed(span.quarters()[0], resolved, decided, reversed);
        let reviews = ReviewedActs::of(&work, None, "civil", &span);
        assert_eq!((reviews.reviewed_act_count, reviews.reversed_act_count), (decided, reversed));
        reviews.rates.into_iter().map(|rate| (rate.code, rate)).collect()
    }

    #[test]
    fn rates_have_their_parts_and_reversals_their_interval() {
        use ReviewRateCode::{AppealRate, ReversalOfAppealed, ReversalOfResolved};
        let rates = rates(210, 21, 3);
        let parts = |code| (rates[&code].numerator.unwrap(), rates[&code].denominator.unwrap());
        assert_eq!([AppealRate, ReversalOfAppealed, ReversalOfResolved].map(parts), [(21, 210), (3, 21), (3, 210)]);
        let values = |code| (rates[&code].value, rates[&code].interval_lower, rates[&code].interval_upper);
        assert_eq!(values(AppealRate), (Some(100), None, None));
        assert_eq!(values(ReversalOfAppealed), (Some(143), Some(49), Some(347)));
        assert_eq!(values(ReversalOfResolved), (Some(14), Some(4), Some(42)));
    }

    #[test]
    fn below_ten_reviewed_acts_there_are_counts_and_no_rate_of_reversal() {
        use ReviewRateCode::{AppealRate, ReversalOfAppealed, ReversalOfResolved};
        let rates = rates(210, 9, 3);
        for code in [ReversalOfAppealed, ReversalOfResolved] {
            let rate = &rates[&code];
            assert_eq!((rate.value, rate.interval_lower, rate.numerator), (None, None, Some(3)), "{code}");
            assert_eq!(rate.no_figure, Some(NoFigure::TooFewAppeals));
        }
        assert_eq!(rates[&AppealRate].value, Some(43));
    }

    #[test]
    fn nothing_resolved_or_reviewed_is_no_rate() {
        use ReviewRateCode::{AppealRate, ReversalOfAppealed, ReversalOfResolved};
        let rates = rates(0, 0, 0);
        let reason = |code| rates[&code].no_figure;
        let reasons = [AppealRate, ReversalOfAppealed, ReversalOfResolved].map(reason);
        assert_eq!(reasons, [NoFigure::ResolvedZero, NoFigure::AppealsZero, NoFigure::ResolvedZero].map(Some));
        let odd = self::rates(5, 12, 12);
        assert_eq!(odd[&AppealRate].no_figure, Some(NoFigure::Inconsistent));
        assert_eq!(odd[&ReversalOfResolved].no_figure, Some(NoFigure::Inconsistent));
    }

    #[test]
    fn every_rate_says_that_it_can_be_scored_by_nobody() {
        for rate in rates(210, 21, 3).values() {
            assert_eq!(serde_json::to_value(rate).unwrap()["is_scorable"], false);
        }
    }
}
