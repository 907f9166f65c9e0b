//! The derived figures of a summary. What a newcomer would get wrong: they stand here without comparable judges, so that
//! nothing of others is kept from one reading to the next; `/indicators` sets each beside its quartiles. Rates on the review
//! of acts are not among them, which nobody should read without their reasons.

use serde::Serialize;
use utoipa::ToSchema;

use super::record_views::period;
use crate::domain::calendar::Period;
use crate::domain::derived::counts::{Count, Input};
use crate::domain::derived::figures::{DerivedCode, DerivedFigure, DerivedUnit};
use crate::domain::derived::span::Span;
use crate::domain::derived::{NoFigure, Work, derive};
use crate::domain::judge_file::RecordStatus;
use crate::error::Result;
use crate::store::observations::QuarterValue;

/// The figures of one kind of case over the quarters of the summary. With comparable judges they stand at `/indicators`.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"category": "civil", "figures": [{"code": "clearance_rate", "unit": "percent", "scale": 1, "numerator": 214, "denominator": 220, "value": 973, "no_figure": null, "quarters": ["2026-Q3"], "disputed_quarters": []}]}))]
pub struct SummaryFigures {
    /// The kind of case.
    #[schema(max_length = 40)]
    category: String,
    /// Those of which anything is recorded.
    #[schema(max_items = 10)]
    figures: Vec<SummaryFigure>,
}

/// One figure, with what it is made of.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"code": "clearance_rate", "unit": "percent", "scale": 1, "numerator": 214, "denominator": 220, "value": 973, "no_figure": null, "quarters": ["2026-Q3"], "disputed_quarters": []}))]
pub struct SummaryFigure {
    /// Which figure.
    code: DerivedCode,
    /// What `value` is measured in.
    unit: DerivedUnit,
    /// Its decimals: 973 at scale 1 is 97.3.
    #[schema(minimum = 0, maximum = 3)]
    scale: u8,
    /// What is counted, or null.
    numerator: Option<i64>,
    /// Of what, or null.
    denominator: Option<i64>,
    /// The figure, rounded half up, or null.
    value: Option<i64>,
    /// Why there is none, or null.
    no_figure: Option<NoFigure>,
    /// The quarters that it is made of.
    #[schema(max_items = 4)]
    quarters: Vec<Period>,
    /// The quarters left out because something is disputed.
    #[schema(max_items = 4)]
    disputed_quarters: Vec<Period>,
}

impl SummaryFigure {
    /// None where nothing of it is recorded.
    fn of(figure: DerivedFigure) -> Option<SummaryFigure> {
        let DerivedFigure { code, unit, scale, numerator, denominator, value, no_figure, .. } = figure;
        let (quarters, disputed_quarters) = (figure.quarters, figure.disputed_quarters);
        if quarters.is_empty() && disputed_quarters.is_empty() {
            return None;
        }
        let parts =
            SummaryFigure { code, unit, scale, numerator, denominator, value, no_figure, quarters, disputed_quarters };
        Some(parts)
    }
}

/// The figures of each category that has any, by category.
pub fn summary_figures(values: &[QuarterValue], span: &Span) -> Result<Vec<SummaryFigures>> {
    let mut work = Work::default();
    for value in values {
        // Not all that is observed is an input of a figure.
        let Ok(input) = value.indicator_code.parse::<Input>() else { continue };
        let count = Count { value: value.numerator, is_disputed: value.status == RecordStatus::Disputed };
        work.counts.add(&value.category, input, period(value.period_start)?, count);
    }
    let categories = derive(&work, None, span).categories.into_iter().map(|found| SummaryFigures {
        category: found.category,
        figures: found.figures.into_iter().filter_map(SummaryFigure::of).collect(),
    });
    Ok(categories.filter(|found| !found.figures.is_empty()).collect())
}
