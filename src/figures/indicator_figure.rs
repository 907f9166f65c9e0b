//! The figure of an indicator: a judge's own value beside the quartiles of comparable judges. What a newcomer would get
//! wrong: nothing here tells a place among them. No rank, no percentile and no other judge's value is an input, and where
//! too few are comparable there is no comparison.

use super::drawing::{
    Column, Drawing, FULL, MARGIN, Marker, Picture, Size, Stroke, WIDTH, Words, on_one_line, width_of,
};
use super::numbers::decimal;
use crate::domain::methodology::Text;
use crate::error::{Error, Result};
use crate::texts::{Arg, Language, text};

/// The least number of comparable judges whose quartiles are drawn; among fewer a quartile is somebody's value.
pub const COMPARABLE_MIN: u32 = 10;

/// Beyond this no value of an indicator lies; the numbers of an axis would not fit.
const VALUE_MAX: i64 = 1_000_000_000_000;

/// Where the axis begins and how long it is.
const PLOT: Column = Column { x: 72, width: WIDTH - 2 * 72 };

/// An indicator of one judge over one period. All values are whole numbers of units in the last decimal.
#[derive(Debug, Clone, Copy)]
pub struct IndicatorFigure<'a> {
    /// The indicator's code, which tells the figure from the others of a page.
    pub code: &'a str,
    /// The indicator's name.
    pub name: &'a Text,
    /// The period as its reader writes it.
    pub period: &'a str,
    /// The unit behind each value, in the reader's language; empty where there is none.
    pub unit: &'a str,
    /// How many decimals a value has.
    pub decimals: u8,
    /// The judge's own value.
    pub own: Own<'a>,
    /// The quartiles of comparable judges, or why there are none, in the reader's language: short, without a full stop.
    pub comparable: std::result::Result<Quartiles, &'a str>,
}

/// A judge's own value.
#[derive(Debug, Clone, Copy)]
pub enum Own<'a> {
    /// It is this.
    Value(i64),
    /// There is none, for a reason in the reader's language: short, without a full stop.
    Absent(&'a str),
}

/// The quartiles of the values of comparable judges.
#[derive(Debug, Clone, Copy)]
pub struct Quartiles {
    /// At least so many judges have a value.
    pub n: u32,
    /// A quarter of the values lie at it or below.
    pub lower: i64,
    /// Half of them do.
    pub median: i64,
    /// Three quarters of them do.
    pub upper: i64,
}

/// What is said beside the drawing, and in place of it.
struct Sentences {
    own: String,
    comparison: Vec<String>,
}

/// Draws an indicator; the same input gives the same picture. Fewer than [`COMPARABLE_MIN`] comparable judges are none.
///
/// # Errors
/// Internal error: quartiles out of order, or a value that no indicator has.
pub fn draw(figure: &IndicatorFigure<'_>, language: Language) -> Result<Picture> {
    let few = text(language, "figure-indicator-few", &[("min", Arg::Text(&COMPARABLE_MIN.to_string()))]);
    let is_enough =
        |quartiles: Quartiles| if quartiles.n >= COMPARABLE_MIN { Ok(quartiles) } else { Err(few.as_str()) };
    let comparable = figure.comparable.and_then(is_enough);
    check(figure.own, comparable.ok())?;
    let name = Words::of_name(figure.name, language);
    let said = sentences(figure, comparable, language);
    let mut drawing = Drawing::new(language);
    let top = drawing.paragraph(FULL, MARGIN, Size::Title, &name);
    let period = on_one_line(figure.period);
    let top = drawing.paragraph(FULL, top, Size::Small, &Words::new(period.as_str(), language)) + 10;
    let end = match comparable {
        Ok(quartiles) => plot(&mut drawing, figure, quartiles, &said, language, top),
        Err(_) => alone(&mut drawing, &said, language, top),
    };
    let title = format!("{}, {period}", name.text());
    let all: Vec<&str> = std::iter::once(&said.own).chain(&said.comparison).map(String::as_str).collect();
    Ok(drawing.finish(figure.code, &title, &all.join(" "), end + MARGIN))
}

fn check(own: Own<'_>, comparable: Option<Quartiles>) -> Result<()> {
    let own = match own {
        Own::Value(value) => Some(value),
        Own::Absent(_) => None,
    };
    let quartiles = comparable.map_or([0; 3], |quartiles| [quartiles.lower, quartiles.median, quartiles.upper]);
    if !quartiles.is_sorted() {
        return Err(Error::internal("quartiles are out of order"));
    }
    if own.into_iter().chain(quartiles).any(|value| value.unsigned_abs() > VALUE_MAX.unsigned_abs()) {
        return Err(Error::internal("a value that no indicator has"));
    }
    Ok(())
}

fn sentences(
    figure: &IndicatorFigure<'_>,
    comparable: std::result::Result<Quartiles, &str>,
    language: Language,
) -> Sentences {
    let value = |value: i64| valued(figure, value, language);
    let own = match figure.own {
        Own::Value(own) => text(language, "figure-indicator-own", &[("value", Arg::Text(&value(own)))]),
        Own::Absent(reason) => text(language, "figure-indicator-none", &[("reason", Arg::Text(&on_one_line(reason)))]),
    };
    let Quartiles { n, lower, median, upper } = match comparable {
        Ok(quartiles) => quartiles,
        Err(reason) => {
            let reason = on_one_line(reason);
            let comparison = vec![text(language, "figure-indicator-alone", &[("reason", Arg::Text(&reason))])];
            return Sentences { own, comparison };
        }
    };
    let (lower, upper) = (value(lower), value(upper));
    let quartiles = [("lower", Arg::Text(&lower)), ("upper", Arg::Text(&upper))];
    let comparison = vec![
        text(language, "figure-indicator-median", &[("value", Arg::Text(&value(median)))]),
        text(language, "figure-indicator-quartiles", &quartiles),
        text(language, "figure-indicator-count", &[("n", Arg::Text(&n.to_string()))]),
    ];
    Sentences { own, comparison }
}

/// A value with its unit, which stays on its line.
fn valued(figure: &IndicatorFigure<'_>, value: i64, language: Language) -> String {
    let number = decimal(language, value, figure.decimals);
    let unit = on_one_line(figure.unit);
    if unit.is_empty() { number } else { format!("{number}\u{a0}{unit}") }
}

/// The sentences in a box, where there is nothing to compare with.
fn alone(drawing: &mut Drawing, said: &Sentences, language: Language, top: i64) -> i64 {
    let inside = Column { x: MARGIN + 16, width: FULL.width - 32 };
    let mut below = top + 12;
    for sentence in std::iter::once(&said.own).chain(&said.comparison) {
        below = drawing.paragraph(inside, below, Size::Body, &Words::new(sentence.as_str(), language)) + 2;
    }
    let bottom = below + 10;
    drawing.frame((MARGIN, top), FULL.width, bottom - top);
    bottom
}

/// The own value over the box of the quartiles, over an axis; below it each sign with its words.
fn plot(
    drawing: &mut Drawing,
    figure: &IndicatorFigure<'_>,
    quartiles: Quartiles,
    said: &Sentences,
    language: Language,
    top: i64,
) -> i64 {
    let Quartiles { lower, median, upper, .. } = quartiles;
    let own = match figure.own {
        Own::Value(own) => Some(own),
        Own::Absent(_) => None,
    };
    let label = |value: i64| decimal(language, value, figure.decimals);
    let axis = Axis::over(own.unwrap_or(median).min(lower), own.unwrap_or(median).max(upper), label);
    let (own_y, box_y, axis_y) = (top + 12, top + 30, top + 66);
    drawing.line((PLOT.x, axis_y), (PLOT.x + PLOT.width, axis_y), Stroke::Axis);
    let values = axis.values();
    drawing.ticks(&values.iter().map(|value| axis.x(*value)).collect::<Vec<_>>(), axis_y, 6);
    for value in values {
        drawing.label(axis.x(value), axis_y + 6 + Size::Small.font(), Size::Small, &label(value));
    }
    drawing.frame((axis.x(lower), box_y), axis.x(upper) - axis.x(lower), 26);
    drawing.line((axis.x(median), box_y), (axis.x(median), box_y + 26), Stroke::MainRange);
    if let Some(own) = own {
        drawing.line((axis.x(own), own_y), (axis.x(own), axis_y), Stroke::Dashed);
        drawing.marker(Marker::Diamond, (axis.x(own), own_y));
    }

    let mut below = axis_y + 6 + Size::Small.pitch() + 12;
    let beside = Column { x: MARGIN + 36, width: FULL.width - 36 };
    for (at, sentence) in std::iter::once(&said.own).chain(&said.comparison).enumerate() {
        let (x, y) = (MARGIN + 12, below + Size::Body.pitch() / 2);
        match at {
            0 if own.is_some() => drawing.marker(Marker::Diamond, (x, y)),
            1 => drawing.line((x, y - 9), (x, y + 9), Stroke::MainRange),
            2 => drawing.frame((x - 12, y - 7), 24, 14),
            _ => {}
        }
        below = drawing.paragraph(beside, below, Size::Body, &Words::new(sentence.as_str(), language)) + 4;
    }
    below
}

/// An axis from one round number to another.
struct Axis {
    from: i64,
    step: i64,
    intervals: i64,
}

impl Axis {
    /// Over two values, with as many round numbers as there is room for: two to five intervals.
    fn over(min: i64, max: i64, label: impl Fn(i64) -> String) -> Axis {
        if min == max {
            return Axis { from: min - 1, step: 1, intervals: 2 };
        }
        let of = |most: i64| {
            let spans = |step: i64| max.div_euclid(step) + i64::from(max.rem_euclid(step) > 0) - min.div_euclid(step);
            let mut steps = (0..=12).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_i64.pow(power)));
            // With the longest step two intervals reach over all values that there are.
            let step = steps.find(|step| spans(*step) <= most).unwrap_or(VALUE_MAX);
            Axis { from: min.div_euclid(step) * step, step, intervals: spans(step) }
        };
        let fits = |axis: &Axis| {
            let widest = axis.values().into_iter().map(|value| width_of(&label(value), Size::Small)).max();
            widest.unwrap_or(0) + 12 <= PLOT.width / axis.intervals
        };
        (2..=5).rev().map(of).find(fits).unwrap_or_else(|| of(2))
    }

    fn values(&self) -> Vec<i64> {
        (0..=self.intervals).map(|at| self.from + at * self.step).collect()
    }

    fn x(&self, value: i64) -> i64 {
        PLOT.x + (value - self.from) * PLOT.width / (self.step * self.intervals)
    }
}
