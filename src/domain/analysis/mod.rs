//! What others would compute from the same marks, and what a cycle's marks say as a whole: for analysis, never for
//! publication.
//!
//! A newcomer would show one of these figures beside a result. A plain mean beside the trimmed score discloses the
//! lowest review, so no handler, job or workflow may use this module; a test of the layers keeps it so. The command
//! that reads a file of marks may: its user holds every mark already.

pub mod crossed;
pub mod estimators;
pub mod kept;
pub mod linked;
mod location;
mod pairs;
pub mod quality;
pub mod quantiles;
pub mod reliability;
pub mod report;
pub mod scale;

use serde::Serialize;
use std::fmt;

/// One review: a mark for each criterion, `None` for "no basis to judge".
pub type Sheet = Vec<Option<f64>>;

/// The reviews of one subject.
pub type Panel = Vec<Sheet>;

/// Why a figure cannot be given. It is never replaced by a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "unknown", rename_all = "snake_case")]
pub enum Unknown {
    /// There is not enough of something.
    TooFew {
        /// What is missing.
        what: &'static str,
        /// The fewest with which the figure is defined.
        needed: usize,
        /// How many there are.
        found: usize,
    },
    /// All values are equal, so that a ratio of variances has no denominator.
    NoVariation,
    /// The most likely value of a variance would be below zero: less variation than chance alone would give.
    BelowZero,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unknown::TooFew { what, needed, found } => write!(f, "needs at least {needed} {what}, found {found}"),
            Unknown::NoVariation => f.write_str("all values are equal"),
            Unknown::BelowZero => f.write_str("the values vary less than chance alone would make them"),
        }
    }
}

/// A figure, or why there is none: a number or an object with `unknown` in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Figure<T = f64> {
    /// The figure.
    Known(T),
    /// Why there is none.
    Unknown(Unknown),
}

impl<T> From<Result<T, Unknown>> for Figure<T> {
    fn from(figure: Result<T, Unknown>) -> Figure<T> {
        match figure {
            Ok(figure) => Figure::Known(figure),
            Err(unknown) => Figure::Unknown(unknown),
        }
    }
}

/// The mean of a review's answered criteria, each with the same weight; `None` where it answers nothing.
pub fn key(sheet: &Sheet) -> Option<f64> {
    let answered: Vec<f64> = sheet.iter().flatten().copied().collect();
    mean(&answered)
}

/// Refuses what is too few.
fn at_least(what: &'static str, needed: usize, found: usize) -> Result<(), Unknown> {
    if found < needed { Err(Unknown::TooFew { what, needed, found }) } else { Ok(()) }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sum of squares about the mean; zero for no values.
fn squares(values: &[f64]) -> f64 {
    mean(values).map_or(0.0, |mean| values.iter().map(|value| (value - mean).powi(2)).sum())
}

/// A copy in ascending order, with one kind of zero, so that no order of the input changes a bit of a sum.
fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}
