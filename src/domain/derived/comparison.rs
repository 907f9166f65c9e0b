//! The distribution of a figure over comparable judges: three quartiles and no more. What a newcomer would get wrong:
//! no rank and no percentile of a judge is ever given (`privacy.md` P-5), and quartiles are a way to single somebody out
//! unless the group is large, the step coarse and the number of judges vague.
//!
//! The judge's own value is among those that the quartiles are of: so all judges of a group are shown the same three
//! numbers, and two of them who compare what they were shown learn nothing of a third. At least ten values besides the
//! own one are needed, and each is of the same whole period, so that like stands beside like.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Group, Work};
use crate::coded;

/// The fewest comparable judges, not counting the judge.
pub const JUDGES_MIN: usize = 10;

/// The step in which the number of judges is told, downwards: one who joins or leaves is not seen.
const COUNT_STEP: usize = 5;

coded! {
    /// Why nothing is compared.
    NoComparison {
        /// There is no figure to compare.
        NoFigure = "no_figure",
        /// The figure is not of the whole period.
        QuartersMissing = "quarters_missing",
        /// The judge held no post at the end of the period, so that nobody is comparable.
        NoPost = "no_post",
        /// Fewer than 10 comparable judges have such a figure.
        TooFewJudges = "too_few_judges",
    }
}

/// The quartiles of comparable judges, in the figure's scaled integers and rounded to a coarse step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"lower_quartile": 950, "median": 990, "upper_quartile": 1040, "judge_count_at_least": 15}))]
pub struct ComparedQuartiles {
    /// A quarter of the values lies below, about.
    pub lower_quartile: i64,
    /// Half of them.
    pub median: i64,
    /// Three quarters.
    pub upper_quartile: i64,
    /// How many judges, rounded down to fives.
    #[schema(minimum = 10)]
    pub judge_count_at_least: usize,
}

/// Compares over a group: `value` gives a judge's figure, `None` where the judge has none over the whole period.
///
/// # Errors
/// Why nothing is compared.
pub fn compare(
    group: Option<Group<'_>>,
    step: i64,
    value: impl Fn(&Work) -> Option<i64>,
) -> Result<ComparedQuartiles, NoComparison> {
    let group = group.ok_or(NoComparison::NoPost)?;
    let mut values: Vec<i64> = group.others.iter().filter_map(&value).collect();
    if values.len() < JUDGES_MIN {
        return Err(NoComparison::TooFewJudges);
    }
    values.extend(group.own.and_then(&value));
    values.sort_unstable();
    let quartile = |quarters| quartile(&values, quarters, step).ok_or(NoComparison::TooFewJudges);
    Ok(ComparedQuartiles {
        lower_quartile: quartile(1)?,
        median: quartile(2)?,
        upper_quartile: quartile(3)?,
        judge_count_at_least: values.len() - values.len() % COUNT_STEP,
    })
}

/// The value below which so many quarters of sorted values lie, between two of them in proportion (the seventh definition
/// of Hyndman and Fan, which R and NumPy take), rounded half up to the step; `None` for no values.
fn quartile(values: &[i64], quarters: usize, step: i64) -> Option<i64> {
    let place = values.len().checked_sub(1)? * quarters;
    let below = *values.get(place / 4)?;
    let above = *values.get(place / 4 + 1).unwrap_or(&below);
    let fourfold = 4 * below + (above - below) * (place % 4) as i64;
    Some((fourfold + 2 * step).div_euclid(4 * step) * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.percentile(values, [25, 50, 75])`, NumPy 2.4.2.
    #[test]
    fn quartiles_are_those_that_numpy_gives() {
        let cases: [(&[i64], [f64; 3]); 5] = [
            (&[800, 900, 1000, 1100], [875.0, 950.0, 1025.0]),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [3.25, 5.5, 7.75]),
            (&[12, 15, 15, 40, 77, 78, 90, 91, 200, 310, 400], [27.5, 78.0, 145.5]),
            (&[-3, 0, 9], [-1.5, 0.0, 4.5]),
            (&[7], [7.0, 7.0, 7.0]),
        ];
        for (values, expected) in cases {
            for (quarters, expected) in (1..).zip(expected) {
                // A step of one rounds half up.
                let rounded = (expected + 0.5).floor() as i64;
                assert_eq!(quartile(values, quarters, 1), Some(rounded), "{values:?} {quarters}");
            }
        }
        assert_eq!(quartile(&[], 1, 1), None);
    }

    #[test]
    fn quartiles_lie_on_the_step() {
        let values = [801, 902, 1003, 1104];
        assert_eq!([1, 2, 3].map(|quarters| quartile(&values, quarters, 10)), [Some(880), Some(950), Some(1030)]);
        assert_eq!([1, 2, 3].map(|quarters| quartile(&values, quarters, 5)), [Some(875), Some(955), Some(1030)]);
    }

    /// With the fewest judges that are compared at all, and with the own one or without.
    #[test]
    fn what_the_two_least_and_the_two_greatest_have_is_in_no_quartile() {
        for count in [JUDGES_MIN, JUDGES_MIN + 1, 12, 40] {
            let of = |edge: i64| {
                let middle = (4..count as i64).map(|value| 1_000 + value);
                let mut values: Vec<i64> = middle.chain([-edge, -edge, 5_000 + edge, 5_000 + edge]).collect();
                values.sort_unstable();
                [1, 2, 3].map(|quarters| quartile(&values, quarters, 1))
            };
            assert_eq!(of(0), of(1_000_000), "{count} judges");
        }
    }

    /// Each judge's figure is what the index in the list says.
    fn compared(others: usize, own: Option<i64>) -> Result<ComparedQuartiles, NoComparison> {
        use crate::domain::derived::counts::{Count, Input};
        let quarter = crate::domain::calendar::Period::parse("2026-Q1").unwrap();
        let with = |value: i64| {
            let mut work = Work::default();
            work.counts.add("civil", Input::Resolved, quarter, Count { value, is_disputed: false });
            work
        };
        let others: Vec<Work> = (1..=others).map(|place| with(place as i64 * 10)).collect();
        let own = own.map(with);
        let group = Group { others: &others, own: own.as_ref() };
        compare(Some(group), 1, |work| work.counts.get("civil", Input::Resolved, quarter).map(|count| count.value))
    }

    #[test]
    fn ten_others_are_needed_and_the_own_value_is_none_of_them() {
        assert_eq!(compared(9, Some(50)), Err(NoComparison::TooFewJudges));
        assert!(compared(10, None).is_ok());
        assert_eq!(compare(None, 1, |_| Some(1)), Err(NoComparison::NoPost));
    }

    #[test]
    fn the_number_of_judges_is_told_in_fives() {
        let told = |others, own| compared(others, own).unwrap().judge_count_at_least;
        assert_eq!((told(10, Some(50)), told(13, Some(50)), told(14, Some(50)), told(14, None)), (10, 10, 15, 10));
    }

    /// Two judges of one group are shown the same, whoever of them asks.
    #[test]
    fn all_judges_of_a_group_are_shown_the_same_quartiles() {
        use crate::domain::derived::counts::{Count, Input};
        let quarter = crate::domain::calendar::Period::parse("2026-Q1").unwrap();
        let all: Vec<Work> = (1..=12)
            .map(|place| {
                let mut work = Work::default();
                let count = Count { value: place * place, is_disputed: false };
                work.counts.add("civil", Input::Resolved, quarter, count);
                work
            })
            .collect();
        let value = |work: &Work| work.counts.get("civil", Input::Resolved, quarter).map(|count| count.value);
        let shown = |place: usize| {
            let mut others = all.clone();
            let own = others.remove(place);
            compare(Some(Group { others: &others, own: Some(&own) }), 1, value).unwrap()
        };
        assert!((1..12).all(|place| shown(place) == shown(0)));
    }
}
