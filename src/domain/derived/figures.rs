//! The figures on how the work goes: clearance, time, age of what is pending, terms kept. What a newcomer would get wrong:
//! none of them is a mark. Each says by its numerator, denominator and quarters what it is made of, and none is given
//! where the rules of the field say so.

use serde::Serialize;
use utoipa::ToSchema;

use super::comparison::{ComparedQuartiles, NoComparison, compare};
use super::counts::{Coverage, Input};
use super::span::{Span, days_of};
use super::{Group, NoFigure, Work, scaled};
use crate::coded;
use crate::domain::calendar::Period;

/// Below so many resolved cases no share of those in time is given.
pub const RESOLVED_MIN: i64 = 10;

coded! {
    /// A derived indicator on how the work goes.
    DerivedCode {
        /// Resolved ÷ incoming, in per cent.
        ClearanceRate = "clearance_rate",
        /// Pending at the end ÷ resolved × days of the period, in days.
        DispositionTime = "disposition_time",
        /// Share of the pending that is up to three months old.
        AgeOfPendingLe3 = "age_of_pending_le3",
        /// Share of the pending that is over three and up to six months old.
        AgeOfPendingLe6 = "age_of_pending_le6",
        /// Share of the pending that is over six and up to twelve months old.
        AgeOfPendingLe12 = "age_of_pending_le12",
        /// Share of the pending that is over twelve months old.
        AgeOfPendingGt12 = "age_of_pending_gt12",
        /// 1 − breaches of terms for which the judge answers ÷ resolved.
        OnTimeShare = "on_time_share",
    }
}

coded! {
    /// What a value is measured in, before its scale.
    DerivedUnit {
        /// Per cent.
        Percent = "percent",
        /// Days.
        Days = "days",
        /// Parts of one.
        Share = "share",
        /// Times the median.
        Ratio = "ratio",
    }
}

impl DerivedCode {
    /// What is needed of each quarter.
    fn inputs(self) -> [Input; 2] {
        match self {
            DerivedCode::ClearanceRate => [Input::Resolved, Input::Incoming],
            DerivedCode::DispositionTime => [Input::PendingEnd, Input::Resolved],
            DerivedCode::AgeOfPendingLe3 => [Input::PendingAgeLe3, Input::PendingEnd],
            DerivedCode::AgeOfPendingLe6 => [Input::PendingAgeLe6, Input::PendingEnd],
            DerivedCode::AgeOfPendingLe12 => [Input::PendingAgeLe12, Input::PendingEnd],
            DerivedCode::AgeOfPendingGt12 => [Input::PendingAgeGt12, Input::PendingEnd],
            DerivedCode::OnTimeShare => [Input::TermViolationsJudge, Input::Resolved],
        }
    }

    fn unit(self) -> DerivedUnit {
        match self {
            DerivedCode::ClearanceRate => DerivedUnit::Percent,
            DerivedCode::DispositionTime => DerivedUnit::Days,
            DerivedCode::AgeOfPendingLe3
            | DerivedCode::AgeOfPendingLe6
            | DerivedCode::AgeOfPendingLe12
            | DerivedCode::AgeOfPendingGt12
            | DerivedCode::OnTimeShare => DerivedUnit::Share,
        }
    }
}

impl DerivedUnit {
    /// The decimals of a value and the step, in its scaled integers, to which quartiles are rounded: coarse enough that
    /// nobody's counts can be worked out of them.
    pub fn scale_and_step(self) -> (u8, i64) {
        match self {
            DerivedUnit::Percent => (1, 10),
            DerivedUnit::Days => (0, 5),
            DerivedUnit::Share => (3, 10),
            DerivedUnit::Ratio => (2, 5),
        }
    }
}

/// One figure, with what it is made of and what comparable judges have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"code": "clearance_rate", "unit": "percent", "scale": 1, "numerator": 214, "denominator": 220, "value": 973, "no_figure": null, "quarters": ["2026-Q3"], "disputed_quarters": [], "comparison": {"lower_quartile": 950, "median": 990, "upper_quartile": 1040, "judge_count_at_least": 15}, "no_comparison": null}))]
pub struct DerivedFigure {
    /// Which figure.
    pub code: DerivedCode,
    /// What `value` and the quartiles are measured in.
    pub unit: DerivedUnit,
    /// Their decimals: 973 at scale 1 is 97.3.
    #[schema(minimum = 0, maximum = 3)]
    pub scale: u8,
    /// What is counted, or null where nothing is recorded.
    pub numerator: Option<i64>,
    /// Of what, or null.
    pub denominator: Option<i64>,
    /// The figure, rounded half up, or null.
    pub value: Option<i64>,
    /// Why there is none, or null.
    pub no_figure: Option<NoFigure>,
    /// The quarters that it is made of.
    #[schema(max_items = 20)]
    pub quarters: Vec<Period>,
    /// The quarters left out because something is disputed.
    #[schema(max_items = 20)]
    pub disputed_quarters: Vec<Period>,
    /// What comparable judges have over the same whole period, or null.
    pub comparison: Option<ComparedQuartiles>,
    /// Why nothing is compared, or null.
    pub no_comparison: Option<NoComparison>,
}

/// A figure before it is compared.
struct Measured {
    coverage: Coverage,
    numerator: i64,
    denominator: i64,
    value: Result<i64, NoFigure>,
}

/// All figures of a category.
pub fn all(own: &Work, group: Option<Group<'_>>, category: &str, span: &Span) -> Vec<DerivedFigure> {
    DerivedCode::ALL.iter().map(|code| figure(own, group, category, span, *code)).collect()
}

fn figure(own: &Work, group: Option<Group<'_>>, category: &str, span: &Span, code: DerivedCode) -> DerivedFigure {
    let measured = measure(own, category, span, code);
    let unit = code.unit();
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
    DerivedFigure {
        code,
        unit,
        scale,
        numerator: is_recorded.then_some(measured.numerator),
        denominator: is_recorded.then_some(measured.denominator),
        value: measured.value.ok(),
        no_figure: measured.value.err(),
        quarters: measured.coverage.quarters,
        disputed_quarters: measured.coverage.disputed,
        comparison: compared.as_ref().ok().cloned(),
        no_comparison: compared.err(),
    }
}

fn measure(work: &Work, category: &str, span: &Span, code: DerivedCode) -> Measured {
    let counts = &work.counts;
    let inputs = code.inputs();
    let coverage = counts.coverage(category, span, &inputs);
    let quarters = &coverage.quarters;
    let [counted, of] = inputs;
    let (numerator, denominator) = match code {
        DerivedCode::ClearanceRate => (counts.sum(category, counted, quarters), counts.sum(category, of, quarters)),
        DerivedCode::DispositionTime => (counts.last(category, counted, quarters), counts.sum(category, of, quarters)),
        DerivedCode::AgeOfPendingLe3
        | DerivedCode::AgeOfPendingLe6
        | DerivedCode::AgeOfPendingLe12
        | DerivedCode::AgeOfPendingGt12 => {
            (counts.last(category, counted, quarters), counts.last(category, of, quarters))
        }
        DerivedCode::OnTimeShare => {
            let resolved = counts.sum(category, of, quarters);
            (resolved - counts.sum(category, counted, quarters), resolved)
        }
    };
    let value = if quarters.is_empty() {
        Err(coverage.reason())
    } else {
        value(code, numerator, denominator, days_of(quarters))
    };
    Measured { coverage, numerator, denominator, value }
}

/// The figure, by the rules of `domain.md` 6.4.
fn value(code: DerivedCode, numerator: i64, denominator: i64, days: i64) -> Result<i64, NoFigure> {
    match code {
        DerivedCode::ClearanceRate if denominator == 0 => Err(NoFigure::IncomingZero),
        DerivedCode::ClearanceRate => Ok(scaled(numerator, 1000, denominator)),
        DerivedCode::DispositionTime if denominator == 0 => Err(NoFigure::ResolvedZero),
        DerivedCode::DispositionTime => Ok(scaled(numerator, days, denominator)),
        DerivedCode::OnTimeShare if denominator < RESOLVED_MIN => Err(NoFigure::TooFewResolved),
        DerivedCode::AgeOfPendingLe3
        | DerivedCode::AgeOfPendingLe6
        | DerivedCode::AgeOfPendingLe12
        | DerivedCode::AgeOfPendingGt12
            if denominator == 0 =>
        {
            Err(NoFigure::PendingEndZero)
        }
        DerivedCode::AgeOfPendingLe3
        | DerivedCode::AgeOfPendingLe6
        | DerivedCode::AgeOfPendingLe12
        | DerivedCode::AgeOfPendingGt12
        | DerivedCode::OnTimeShare => share(numerator, denominator),
    }
}

/// A part of a positive whole in thousandths; refused where it is none.
pub fn share(numerator: i64, denominator: i64) -> Result<i64, NoFigure> {
    if (0..=denominator).contains(&numerator) {
        Ok(scaled(numerator, 1000, denominator))
    } else {
        Err(NoFigure::Inconsistent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::derived::counts::{AGES, Count};

    const YEAR: &str = "2026";

    /// Work of one category: each input with its values by quarter of 2026.
    fn work(values: &[(Input, &[i64])]) -> Work {
        let mut work = Work::default();
        let span = Span::parse(YEAR).unwrap();
        for (input, values) in values {
            for (quarter, value) in span.quarters().iter().zip(*values) {
                work.counts.add("civil", *input, *quarter, Count { value: *value, is_disputed: false });
            }
        }
        work
    }

    fn figure_of(work: &Work, span: &str, code: DerivedCode) -> DerivedFigure {
        figure(work, None, "civil", &Span::parse(span).unwrap(), code)
    }

    /// A study in Revista da EMERJ 21 (2), 2019, pages 17 and 18, works out CEPEJ's two rates for the Italian Court of
    /// Cassation in 2013: 29,091 cases came in, 30,179 were disposed of, 98,690 were pending; 103 % and 1,193 days. The
    /// study cuts decimals off where figures here are rounded.
    #[test]
    fn clearance_rate_and_disposition_time_are_those_of_a_study_by_the_cepej_approach() {
        let court = work(&[
            (Input::Incoming, &[7_000, 7_000, 7_000, 8_091]),
            (Input::Resolved, &[7_000, 7_000, 8_000, 8_179]),
            (Input::PendingEnd, &[0, 0, 0, 98_690]),
        ]);
        let clearance = figure_of(&court, YEAR, DerivedCode::ClearanceRate);
        assert_eq!((clearance.numerator, clearance.denominator), (Some(30_179), Some(29_091)));
        assert_eq!((clearance.value, clearance.value.unwrap() / 10, clearance.scale), (Some(1037), 103, 1));
        let time = figure_of(&court, YEAR, DerivedCode::DispositionTime);
        assert_eq!((time.numerator, time.denominator), (Some(98_690), Some(30_179)));
        assert_eq!((time.value, 98_690 * 365 / 30_179, time.scale), (Some(1194), 1193, 0));
    }

    #[test]
    fn a_stock_over_a_flow_becomes_time_by_the_days_of_the_period() {
        let stock = work(&[(Input::PendingEnd, &[260, 240, 220, 200]), (Input::Resolved, &[100; 4])]);
        let time = |span| figure_of(&stock, span, DerivedCode::DispositionTime).value;
        assert_eq!((time(YEAR), time("2026-Q1"), time("2026-Q3")), (Some(183), Some(234), Some(202)));
    }

    #[test]
    fn the_ages_of_the_pending_are_shares_of_the_last_quarter() {
        let ages = work(&[
            (Input::PendingEnd, &[10, 20, 30, 40]),
            (Input::PendingAgeLe3, &[1, 1, 1, 20]),
            (Input::PendingAgeLe6, &[1, 1, 1, 10]),
            (Input::PendingAgeLe12, &[1, 1, 1, 9]),
            (Input::PendingAgeGt12, &[1, 1, 1, 1]),
        ]);
        let shares = DerivedCode::ALL.iter().filter(|code| AGES.contains(&code.inputs()[0]));
        let shares: Vec<_> = shares.map(|code| figure_of(&ages, YEAR, *code).value).collect();
        assert_eq!(shares, [Some(500), Some(250), Some(225), Some(25)]);
    }

    #[test]
    fn where_the_field_knows_no_figure_there_is_a_reason_and_the_counts() {
        use DerivedCode::{AgeOfPendingGt12, ClearanceRate, DispositionTime, OnTimeShare};
        let idle = work(&[
            (Input::Incoming, &[0; 4]),
            (Input::Resolved, &[0; 4]),
            (Input::PendingEnd, &[0; 4]),
            (Input::PendingAgeGt12, &[0; 4]),
            (Input::TermViolationsJudge, &[0; 4]),
        ]);
        for (code, reason) in [
            (ClearanceRate, NoFigure::IncomingZero),
            (DispositionTime, NoFigure::ResolvedZero),
            (AgeOfPendingGt12, NoFigure::PendingEndZero),
            (OnTimeShare, NoFigure::TooFewResolved),
        ] {
            let figure = figure_of(&idle, YEAR, code);
            assert_eq!((figure.value, figure.no_figure), (None, Some(reason)), "{code}");
            assert_eq!((figure.numerator, figure.denominator), (Some(0), Some(0)), "{code}");
            assert_eq!(figure.no_comparison, Some(NoComparison::NoFigure));
        }
        for code in DerivedCode::ALL {
            let figure = figure_of(&Work::default(), YEAR, *code);
            assert_eq!((figure.numerator, figure.no_figure), (None, Some(NoFigure::NotRecorded)), "{code}");
        }
    }

    #[test]
    fn the_share_in_time_begins_at_ten_resolved_cases() {
        let with = |resolved: i64, late: i64| {
            let work = work(&[(Input::Resolved, &[resolved]), (Input::TermViolationsJudge, &[late])]);
            let figure = figure_of(&work, "2026-Q1", DerivedCode::OnTimeShare);
            (figure.value, figure.no_figure)
        };
        assert_eq!(with(9, 0), (None, Some(NoFigure::TooFewResolved)));
        assert_eq!(with(10, 1), (Some(900), None));
        assert_eq!(with(10, 11), (None, Some(NoFigure::Inconsistent)), "breaches among the pending cases, too");
    }

    #[test]
    fn a_disputed_quarter_is_left_out_and_named() {
        let mut work = work(&[(Input::Incoming, &[10; 4]), (Input::Resolved, &[10, 10, 10, 2])]);
        let span = Span::parse(YEAR).unwrap();
        let last = *span.quarters().last().unwrap();
        work.counts.add("civil", Input::Resolved, last, Count { value: 2, is_disputed: true });
        let figure = figure_of(&work, YEAR, DerivedCode::ClearanceRate);
        assert_eq!((figure.value, figure.numerator, figure.denominator), (Some(1000), Some(30), Some(30)));
        assert_eq!((figure.quarters.len(), figure.disputed_quarters), (3, vec![last]));
        assert_eq!(figure.no_comparison, Some(NoComparison::QuartersMissing));
        let alone = figure_of(&work, "2026-Q4", DerivedCode::ClearanceRate);
        assert_eq!((alone.value, alone.no_figure), (None, Some(NoFigure::Disputed)));
    }
}
