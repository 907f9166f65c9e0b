//! A derived indicator as a figure. What a newcomer would get wrong: why there is no value and why nothing is compared are two
//! things, and each is said in words; neither ever becomes a zero.

use super::drawing::Picture;
use super::indicator_figure::{self, IndicatorFigure, Own, Quartiles};
use super::words::Voice;
use crate::domain::derived::figures::{DerivedCode, DerivedFigure};
use crate::domain::methodology::Text;
use crate::error::{Error, Result};
use crate::texts::Language;

/// Draws a figure of a category over a period, each in the words of its reader.
///
/// # Errors
/// Internal error: quartiles out of order, or a value that no indicator has.
pub fn draw(figure: &DerivedFigure, category: &str, period: &str, language: Language) -> Result<Picture> {
    let voice = Voice(language);
    let name = name(figure.code);
    let when = format!("{period}, {}", voice.category(category));
    let unit = voice.unit(figure.unit);
    let absent = figure.no_figure.map(|reason| voice.word("no_figure", reason.as_str()));
    let alone = figure.no_comparison.map(|reason| voice.word("no_comparison", reason.as_str()));
    let own = match (figure.value, &absent) {
        (Some(value), _) => Own::Value(value),
        (None, Some(reason)) => Own::Absent(reason),
        (None, None) => return Err(Error::internal("a figure without a value and without a reason")),
    };
    let comparable = match (&figure.comparison, &alone) {
        (Some(compared), _) => Ok(Quartiles {
            n: u32::try_from(compared.judge_count_at_least).map_err(Error::internal)?,
            lower: compared.lower_quartile,
            median: compared.median,
            upper: compared.upper_quartile,
        }),
        (None, Some(reason)) => Err(reason.as_str()),
        (None, None) => return Err(Error::internal("no comparison and no reason for that")),
    };
    let drawn = IndicatorFigure {
        code: figure.code.as_str(),
        name: &name,
        period: &when,
        unit: &unit,
        decimals: figure.scale,
        own,
        comparable,
    };
    indicator_figure::draw(&drawn, language)
}

/// The indicator's name in all languages.
fn name(code: DerivedCode) -> Text {
    let [kk, ru, en] = Language::ALL.map(|language| Voice(language).word("derived", code.as_str()));
    Text { kk, ru, en: Some(en) }
}
