//! How much work there was and in how many days: what stands beside every comparison. What a newcomer would get
//! wrong: cases are not equal, so cases are compared within a category, and only weighted cases across them, among judges
//! who do mainly the same.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::comparison::{ComparedQuartiles, NoComparison, compare};
use super::counts::{Count, Counts, Coverage, Input};
use super::figures::DerivedUnit;
use super::span::Span;
use super::{Group, NoFigure, Work, scaled};
use crate::domain::calendar::Period;
use crate::domain::indicators::{CATEGORY_ALL, CATEGORY_MATERIALS};

/// The step of the median of cases a day, in thousandths: coarse enough that nobody's counts can be worked out of it.
const PER_DAY_STEP: i64 = 50;

/// The work of a period: weighted cases, days worked, and the ratio of both to that of comparable judges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"specialisation": "civil", "working_days": 61, "weighted_workload": 183500, "per_working_day": 3008, "median_per_working_day": 2850, "unit": "ratio", "scale": 2, "value": 106, "no_figure": null, "quarters": ["2026-Q3"], "disputed_quarters": [], "comparison": {"lower_quartile": 85, "median": 100, "upper_quartile": 120, "judge_count_at_least": 15}, "no_comparison": null}))]
pub struct Workload {
    /// The category in which most cases were resolved, materials apart, or null; comparable are judges of the same.
    #[schema(max_length = 40)]
    pub specialisation: Option<String>,
    /// The days worked in `quarters`, or null where none is recorded.
    #[schema(minimum = 0)]
    pub working_days: Option<i64>,
    /// The standard cases in `quarters`, in thousandths, or null.
    #[schema(minimum = 0)]
    pub weighted_workload: Option<i64>,
    /// Standard cases a working day, in thousandths: what the ratio counts; or null.
    pub per_working_day: Option<i64>,
    /// The median of that over comparable judges, rounded to fifty thousandths: what it is divided by; or null.
    pub median_per_working_day: Option<i64>,
    /// Times the median.
    pub unit: DerivedUnit,
    /// Decimals of `value` and of the quartiles: 106 is 1.06 times the median.
    #[schema(minimum = 2, maximum = 2)]
    pub scale: u8,
    /// The workload ratio, or null.
    pub value: Option<i64>,
    /// Why there is none, or null.
    pub no_figure: Option<NoFigure>,
    /// The quarters that the work is of.
    #[schema(max_items = 20)]
    pub quarters: Vec<Period>,
    /// The quarters left out because something is disputed.
    #[schema(max_items = 20)]
    pub disputed_quarters: Vec<Period>,
    /// The quartiles of comparable judges, in the same ratio, or null.
    pub comparison: Option<ComparedQuartiles>,
    /// Why nothing is compared, or null.
    pub no_comparison: Option<NoComparison>,
}

/// Weighted cases and days over the quarters that have both.
struct Measured {
    coverage: Coverage,
    weighted: i64,
    days: i64,
}

impl Measured {
    fn of(counts: &Counts, span: &Span) -> Measured {
        let mut measured = Measured { coverage: Coverage::default(), weighted: 0, days: 0 };
        for quarter in span.quarters() {
            let days = counts.get(CATEGORY_ALL, Input::WorkingDays, *quarter);
            let weighted = weighted(counts, *quarter);
            measured.coverage.note(*quarter, &[days, weighted]);
            if let (Some(days), Some(weighted)) = (days, weighted)
                && !days.is_disputed
                && !weighted.is_disputed
            {
                measured.days += days.value;
                measured.weighted += weighted.value;
            }
        }
        measured
    }

    fn per_day(&self) -> Result<i64, NoFigure> {
        if self.coverage.quarters.is_empty() {
            return Err(self.coverage.reason());
        }
        if self.days <= 0 {
            return Err(NoFigure::WorkingDaysZero);
        }
        Ok(scaled(self.weighted, 1, self.days))
    }
}

/// The weighted cases of a quarter: as recorded for all work, else added up over the categories.
fn weighted(counts: &Counts, quarter: Period) -> Option<Count> {
    let input = Input::WeightedWorkload;
    let of_all = counts.get(CATEGORY_ALL, input, quarter);
    let parts = counts.categories_with(|known| known == input);
    let parts = parts.filter_map(|category| counts.get(category, input, quarter));
    let sum = parts.reduce(|one, other| Count {
        value: one.value + other.value,
        is_disputed: one.is_disputed || other.is_disputed,
    });
    of_all.or(sum)
}

/// The category in which most cases were resolved.
fn specialisation(counts: &Counts, span: &Span) -> Option<String> {
    let categories = counts.categories_with(|input| input == Input::Resolved);
    let cases = categories.filter(|category| !matches!(*category, CATEGORY_ALL | CATEGORY_MATERIALS));
    let resolved: BTreeMap<&str, i64> =
        cases.map(|category| (category, counts.sum(category, Input::Resolved, span.quarters()))).collect();
    // Of two with as many the first by name, so that no order of records decides.
    let most = resolved.values().max().filter(|most| **most > 0)?;
    resolved.iter().find(|(_, count)| *count == most).map(|(category, _)| (*category).to_owned())
}

impl Workload {
    /// The work of a period, and the ratio to the median of comparable judges.
    pub fn of(own: &Work, group: Option<Group<'_>>, span: &Span) -> Workload {
        let specialisation = specialisation(&own.counts, span);
        let measured = Measured::of(&own.counts, span);
        let per_day = measured.per_day();
        let unit = DerivedUnit::Ratio;
        let (scale, step) = unit.scale_and_step();
        let whole = |work: &Work| {
            let is_same = self::specialisation(&work.counts, span) == specialisation;
            let measured = Measured::of(&work.counts, span);
            measured.per_day().ok().filter(|_| is_same && measured.coverage.is_whole(span))
        };
        let compared = match per_day {
            Err(_) => Err(NoComparison::NoFigure),
            Ok(_) if !measured.coverage.is_whole(span) => Err(NoComparison::QuartersMissing),
            Ok(_) => compare(group, PER_DAY_STEP, whole),
        };
        let ratio = match (&compared, per_day) {
            (_, Err(reason)) => Err(reason),
            (Err(NoComparison::QuartersMissing), Ok(_)) => Err(NoFigure::QuartersMissing),
            (Err(_), Ok(_)) => Err(NoFigure::TooFewComparable),
            (Ok(compared), Ok(_)) if compared.median <= 0 => Err(NoFigure::MedianZero),
            (Ok(compared), Ok(per_day)) => Ok(scaled(per_day, 100, compared.median)),
        };
        let is_recorded = !measured.coverage.quarters.is_empty();
        let in_ratio = |compared: &ComparedQuartiles| {
            let of_median = |value: i64| scaled(value, 100, compared.median * step) * step;
            (compared.median > 0).then(|| ComparedQuartiles {
                lower_quartile: of_median(compared.lower_quartile),
                median: of_median(compared.median),
                upper_quartile: of_median(compared.upper_quartile),
                judge_count_at_least: compared.judge_count_at_least,
            })
        };
        Workload {
            specialisation,
            working_days: is_recorded.then_some(measured.days),
            weighted_workload: is_recorded.then_some(measured.weighted),
            per_working_day: per_day.ok(),
            median_per_working_day: compared.as_ref().ok().map(|compared| compared.median),
            unit,
            scale,
            value: ratio.ok(),
            no_figure: ratio.err(),
            quarters: measured.coverage.quarters,
            disputed_quarters: measured.coverage.disputed,
            comparison: compared.as_ref().ok().and_then(in_ratio),
            no_comparison: compared.err(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quarter's work: days, standard cases in thousandths, and the category in which cases were resolved.
    fn work(days: i64, weighted: i64, category: &str) -> Work {
        let quarter = Period::parse("2026-Q3").unwrap();
        let count = |value| Count { value, is_disputed: false };
        let mut work = Work::default();
        work.counts.add(CATEGORY_ALL, Input::WorkingDays, quarter, count(days));
        work.counts.add(category, Input::WeightedWorkload, quarter, count(weighted));
        work.counts.add(category, Input::Resolved, quarter, count(20));
        work.counts.add(CATEGORY_MATERIALS, Input::Resolved, quarter, count(500));
        work
    }

    fn workload(own: &Work, others: &[Work]) -> Workload {
        let group = Group { others, own: Some(own) };
        Workload::of(own, Some(group), &Span::parse("2026-Q3").unwrap())
    }

    #[test]
    fn work_a_day_is_set_beside_the_median_of_judges_who_do_mainly_the_same() {
        // 2.0 to 2.9 cases a day; the criminal judges have ten times as much and are not compared.
        let mut others: Vec<Work> = (20..30).map(|tenths| work(60, 60 * tenths * 100, "civil")).collect();
        others.extend((0..10).map(|_| work(60, 60 * 25_000, "criminal")));
        let found = workload(&work(60, 60 * 3_000, "civil"), &others);

        assert_eq!(found.specialisation.as_deref(), Some("civil"));
        assert_eq!((found.working_days, found.weighted_workload), (Some(60), Some(180_000)));
        assert_eq!((found.per_working_day, found.median_per_working_day), (Some(3_000), Some(2_500)));
        assert_eq!((found.value, found.scale), (Some(120), 2));
        let quartiles = found.comparison.unwrap();
        assert_eq!((quartiles.lower_quartile, quartiles.median, quartiles.upper_quartile), (90, 100, 110));
    }

    #[test]
    fn without_ten_others_or_a_working_day_there_is_no_ratio() {
        let others: Vec<Work> = (0..9).map(|_| work(60, 150_000, "civil")).collect();
        let found = workload(&work(60, 180_000, "civil"), &others);
        assert_eq!((found.value, found.no_figure), (None, Some(NoFigure::TooFewComparable)));
        assert_eq!((found.per_working_day, found.no_comparison), (Some(3_000), Some(NoComparison::TooFewJudges)));
        let idle = workload(&work(0, 0, "civil"), &others);
        assert_eq!((idle.value, idle.no_figure), (None, Some(NoFigure::WorkingDaysZero)));
        assert_eq!(workload(&Work::default(), &others).no_figure, Some(NoFigure::NotRecorded));
    }

    #[test]
    fn weighted_cases_are_those_of_all_work_or_the_sum_of_the_categories() {
        let quarter = Period::parse("2026-Q3").unwrap();
        let mut work = work(60, 100_000, "civil");
        let count = |value| Count { value, is_disputed: false };
        work.counts.add("criminal", Input::WeightedWorkload, quarter, count(50_000));
        assert_eq!(weighted(&work.counts, quarter), Some(count(150_000)));
        work.counts.add(CATEGORY_ALL, Input::WeightedWorkload, quarter, count(160_000));
        assert_eq!(weighted(&work.counts, quarter), Some(count(160_000)));
    }
}
