//! The only figures of a result that may leave the service, and the words that stand for them (rules P-1, P-2 and P-6 of
//! publication). A newcomer would add one more helpful number; each is a channel back to single marks, so this module
//! reads the sealed document, which recounting proves, and nothing else.

use super::Status;
use super::document::{CriterionResult, HeldBack, OverallResult, SubjectResult};
use super::fraction::Fraction;
use super::rules::Rules;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// The most criteria that are published with figures: the first ones of the instrument.
///
/// Which ones is settled by the methodology's order and never by the marks.
pub const PUBLISHED_CRITERIA_MAX: usize = 5;

/// What may be known of one subject's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case", deny_unknown_fields)]
pub enum Published {
    /// Fewer than `display_min` reviews: nothing more is said, not even how many.
    Insufficient {},
    /// Fewer than `decision_min` reviews, or fewer than `kept_min` of them kept: one word for all criteria together, which
    /// grounds no decision.
    Indicative {
        /// Where the subject stands against the expected standard.
        band: Band,
    },
    /// At least `decision_min` reviews, and `kept_min` of them kept.
    Ok {
        /// The overall figure.
        overall: Figure,
        /// The criteria that as many reviews answer, in the order of the instrument.
        criteria: Vec<CriterionFigure>,
        /// The codes of the statements that enough of the reviews chose (rule P-6); why no number stands with them is
        /// said in [`statements`](super::statements).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        statements: Vec<String>,
    },
    /// At least `decision_min` reviews under a methodology without numbers: there is no figure to show.
    Developmental {
        /// The codes of the statements that enough of the reviews chose (rule P-6).
        statements: Vec<String>,
    },
}

/// The image of a sealed result: what would be published of it. [`publish`] and [`publish_statements`] alone make one, and
/// it leaves through [`gate::release`](super::gate::release) alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image(Published);

/// Where an interval lies against the expected standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// The whole interval is above the standard.
    Above,
    /// The whole interval is below the standard.
    Below,
    /// The interval contains the standard.
    NotDistinguishable,
}

/// A published figure: hundredths of a point on the grid of the methodology's `publish_step`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The number of reviews behind this very figure.
    pub n: i64,
    /// The score, half up, once, from the exact fraction.
    pub point: i64,
    /// The lower end of the interval that allows for dishonest reviews, outward.
    pub lo: i64,
    /// The upper end of that interval, outward.
    pub hi: i64,
    /// Where that interval lies against the standard, before it is widened to the grid.
    pub band: Band,
}

/// The published figure of one criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CriterionFigure {
    /// The criterion.
    pub code: String,
    /// Its figure.
    pub figure: Figure,
}

impl Image {
    /// What it says; for comparing, not for showing.
    pub fn published(&self) -> &Published {
        &self.0
    }

    /// What it says, for the gate.
    pub(super) fn into_published(self) -> Published {
        self.0
    }
}

/// The image of a sealed result.
///
/// Internal error: a document that these rules cannot have made.
pub fn publish(rules: &Rules, result: &SubjectResult) -> Result<Image> {
    let published = match result.status {
        Status::Developmental => return Err(Error::internal("a result without marks is published by rules for marks")),
        Status::Insufficient => Published::Insufficient {},
        Status::Indicative => Published::Indicative { band: band_of(rules, overall_of(result)?.aware) },
        Status::Ok => {
            let overall = overall_of(result)?;
            let n = result.n.filter(|&n| is_decisive(rules, n));
            let n = n.ok_or_else(|| Error::internal("a result that may ground a decision has too few reviews"))?;
            let codes = rules.values().criteria.iter().map(|criterion| criterion.code.as_str());
            if !codes.eq(result.criteria.iter().map(|criterion| criterion.code.as_str())) {
                return Err(Error::internal("a result is published under rules that it was not made by"));
            }
            Published::Ok {
                overall: figure(rules, n, overall.score, overall.aware)?,
                criteria: criterion_figures(rules, result)?,
                statements: result.statements.clone(),
            }
        }
    };
    Ok(Image(published))
}

/// The image of a sealed result that was made without marks.
///
/// Internal error: a document that has a figure, or the status of one.
pub fn publish_statements(result: &SubjectResult) -> Result<Image> {
    let has_figure = result.overall.is_some() || !result.criteria.is_empty();
    match result.status {
        Status::Insufficient if !has_figure => Ok(Image(Published::Insufficient {})),
        Status::Developmental if !has_figure => {
            Ok(Image(Published::Developmental { statements: result.statements.clone() }))
        }
        Status::Ok | Status::Indicative | Status::Insufficient | Status::Developmental => {
            Err(Error::internal("a result without marks has a figure"))
        }
    }
}

/// The figures of criteria that may be shown beside the overall score: none of an instrument in which one weighs too much,
/// and none of a subject whose reviewers agree too much on one of them.
///
/// The overall score is nearly the mean of all criteria. Where one of them alone is held back because few answered it,
/// it could be computed from the others, so one more is held back with it: the one that fewest answered, of those the
/// last. Numbers of answers and the instrument's order settle it, never the marks.
fn criterion_figures(rules: &Rules, result: &SubjectResult) -> Result<Vec<CriterionFigure>> {
    let is_held_back = match result.held_back {
        Some(HeldBack::Criteria) => true,
        None => !rules.may_show_criteria(),
    };
    let mut shown = Vec::new();
    if is_held_back {
        return Ok(shown);
    }
    let criteria = &result.criteria;
    for criterion in criteria.iter().take(PUBLISHED_CRITERIA_MAX) {
        shown.extend(criterion_figure(rules, criterion)?);
    }
    let answered = criteria.iter().filter(|criterion| criterion.n > 0);
    let hidden = answered.filter(|criterion| shown.iter().all(|figure| figure.code != criterion.code));
    if let [alone] = *hidden.collect::<Vec<_>>()
        && !is_decisive(rules, alone.n)
    {
        let fewest = shown.iter().enumerate().min_by_key(|(place, shown)| (shown.figure.n, Reverse(*place)));
        if let Some((place, _)) = fewest {
            shown.remove(place);
        }
    }
    Ok(shown)
}

fn overall_of(result: &SubjectResult) -> Result<&OverallResult> {
    result.overall.as_ref().ok_or_else(|| Error::internal("a result has a status but no score"))
}

fn criterion_figure(rules: &Rules, criterion: &CriterionResult) -> Result<Option<CriterionFigure>> {
    let figures = criterion.figures.as_ref().filter(|_| is_decisive(rules, criterion.n));
    let Some(figures) = figures else { return Ok(None) };
    let figure = figure(rules, criterion.n, figures.score, figures.aware)?;
    Ok(Some(CriterionFigure { code: criterion.code.clone(), figure }))
}

fn is_decisive(rules: &Rules, n: i64) -> bool {
    usize::try_from(n).is_ok_and(|n| rules.is_decisive(n))
}

fn figure(rules: &Rules, n: i64, [num, den]: [i64; 2], aware: [i64; 2]) -> Result<Figure> {
    if den < 1 {
        return Err(Error::internal("a result holds no fraction where one is due"));
    }
    let values = rules.values();
    let step = values.publish_step.hundredths();
    let (min, max) = (i64::from(values.scale.min) * 100, i64::from(values.scale.max) * 100);
    let [lo, hi] = aware;
    let grid = step * 10_000;
    Ok(Figure {
        n,
        point: Fraction::new(num, den).hundredths(step).clamp(min, max),
        lo: (lo.div_euclid(grid) * step).clamp(min, max),
        hi: (-(-hi).div_euclid(grid) * step).clamp(min, max),
        band: band_of(rules, aware),
    })
}

/// The word for an interval in millionths of a point.
pub(super) fn band_of(rules: &Rules, [lo, hi]: [i64; 2]) -> Band {
    let expected = rules.values().expected_hundredths * 10_000;
    if lo > expected {
        return Band::Above;
    }
    if hi < expected { Band::Below } else { Band::NotDistinguishable }
}
