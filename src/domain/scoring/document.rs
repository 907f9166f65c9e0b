//! `result.json` of the sealed bundle: every result of a cycle in whole numbers, so that two recounts are equal byte
//! for byte. A newcomer would send it to a client; only its image under [`super::publication`] may leave.
//!
//! Fractions are pairs `[numerator, denominator]` in lowest terms, below 2^53. Interval ends are millionths of a
//! point, rounded outward and clipped to the scale; variances are millionths, half up. Strict JSON allows a nesting
//! of six, and this document uses all six.

use super::fraction::Fraction;
use super::interval::{Certainty, Interval};
use super::profile::Profile;
use super::rules::{Rules, Scale};
use super::{CriterionScore, CycleScores, Overall, PanelScore, Status};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// The version of formulas and constants; changes whenever any bit of a result could.
pub const ALGORITHM: &str = "level-profile-1";

/// The results of a cycle, as they are sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultDocument {
    /// [`ALGORITHM`] at the time of writing.
    pub algorithm: String,
    /// The pooled variance of keys, sigma0 squared, in millionths.
    pub keys_variance_millionths: i64,
    /// The criteria in the order of the instrument.
    pub criteria: Vec<CriterionSpread>,
    /// The subjects in ascending order of the bytes of `subject_ref`.
    pub subjects: Vec<SubjectResult>,
}

/// The pooled variance of one criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CriterionSpread {
    /// The criterion.
    pub code: String,
    /// The pooled variance of differences, rho0 squared, in millionths.
    pub differences_variance_millionths: i64,
}

/// The result of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectResult {
    /// The box's name of the subject, as text.
    pub subject_ref: String,
    /// What the result may be used for.
    pub status: Status,
    /// The number of valid reviews; absent where the status is insufficient, since this document outlives the reviews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<i64>,
    /// The overall score; absent where the status is insufficient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overall: Option<OverallResult>,
    /// The criteria in the order of the instrument; empty where the status is insufficient.
    pub criteria: Vec<CriterionResult>,
    /// The codes of the statements that are told, in the methodology's order; absent where there is none. How many chose
    /// them is not written down, since this document outlives the reviews.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<String>,
    /// What may not be shown of it, for a reason that only the marks know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<HeldBack>,
}

/// What of a result is held back; a word, since a truth value in a signed document would pass for a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBack {
    /// All criteria: on one of them reviewers agree so much that its figure would tell what each of them wrote.
    Criteria,
}

/// The overall score of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverallResult {
    /// How many reviews were set aside on each side.
    pub set_aside: i64,
    /// The exact score.
    pub score: [i64; 2],
    /// The score in two decimals, half up.
    pub text: String,
    /// The interval if every review is honest, in millionths.
    pub ordinary: [i64; 2],
    /// The interval that allows for dishonest reviews, in millionths.
    pub aware: [i64; 2],
    /// The lower end of the resilience band, exact.
    pub resilience_lo: [i64; 2],
    /// The upper end of the resilience band, exact.
    pub resilience_hi: [i64; 2],
    /// The resilience interval, in millionths.
    pub resilience: [i64; 2],
}

/// The score of one subject on one criterion.
///
/// The figures stand beside `n`, since one level more would be deeper than strict JSON allows; so this part alone
/// does not refuse unknown members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CriterionResult {
    /// The criterion.
    pub code: String,
    /// The reviews that answer it.
    pub n: i64,
    /// The figures; absent where too few answer.
    #[serde(flatten)]
    pub figures: Option<CriterionFigures>,
}

/// The figures of one criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CriterionFigures {
    /// The exact trimmed mean of differences.
    pub difference: [i64; 2],
    /// The exact score, within the scale.
    pub score: [i64; 2],
    /// The score in two decimals, half up.
    pub text: String,
    /// The interval if every review is honest, in millionths.
    pub ordinary: [i64; 2],
    /// The interval that allows for dishonest reviews, in millionths.
    pub aware: [i64; 2],
}

/// Writes the results of a cycle; `subject_refs` name the panels in the order in which they were scored. Marks have no
/// statements: whoever read the reviews adds those that may be told.
///
/// Internal error: names that do not match the panels one to one.
pub fn document(rules: &Rules, subject_refs: &[String], scores: &CycleScores) -> Result<ResultDocument> {
    if subject_refs.len() != scores.panels.len() || subject_refs.len() != scores.alike.len() {
        return Err(Error::internal("results and subjects differ in number"));
    }
    let named = subject_refs.iter().zip(scores.panels.iter().zip(&scores.alike));
    let subject = |(name, (panel, is_alike)): (&String, (_, &bool))| subject_result(rules, name, panel, *is_alike);
    let mut subjects: Vec<SubjectResult> = named.map(subject).collect();
    subjects.sort_unstable_by(|a, b| a.subject_ref.cmp(&b.subject_ref));
    if subjects.iter().zip(subjects.iter().skip(1)).any(|(a, b)| a.subject_ref == b.subject_ref) {
        return Err(Error::internal("a subject has two results"));
    }
    let criteria = rules.values().criteria.iter().zip(&scores.spread.differences);
    Ok(ResultDocument {
        algorithm: ALGORITHM.to_owned(),
        keys_variance_millionths: millionths_half_up(scores.spread.keys),
        criteria: criteria
            .map(|(criterion, &variance)| CriterionSpread {
                code: criterion.code.clone(),
                differences_variance_millionths: millionths_half_up(variance),
            })
            .collect(),
        subjects,
    })
}

fn subject_result(rules: &Rules, subject_ref: &str, panel: &PanelScore, is_alike: bool) -> SubjectResult {
    let scale = rules.values().scale;
    let criteria = rules.values().criteria.iter().zip(&panel.criteria);
    SubjectResult {
        subject_ref: subject_ref.to_owned(),
        status: panel.status,
        n: panel.overall.is_some().then_some(panel.n as i64),
        overall: panel.overall.as_ref().map(|overall| overall_result(scale, overall)),
        criteria: criteria.map(|(criterion, score)| criterion_result(scale, &criterion.code, score)).collect(),
        statements: Vec::new(),
        held_back: (is_alike && panel.status == Status::Ok).then_some(HeldBack::Criteria),
    }
}

fn overall_result(scale: Scale, overall: &Overall) -> OverallResult {
    let Overall { level, certainty, resilience } = overall;
    OverallResult {
        set_aside: level.set_aside as i64,
        score: pair(level.score),
        text: level.score.text(),
        ordinary: millionths(scale, certainty.ordinary),
        aware: millionths(scale, certainty.aware),
        resilience_lo: pair(level.resilience_lo),
        resilience_hi: pair(level.resilience_hi),
        resilience: millionths(scale, *resilience),
    }
}

fn criterion_result(scale: Scale, code: &str, score: &CriterionScore) -> CriterionResult {
    CriterionResult {
        code: code.to_owned(),
        n: score.n as i64,
        figures: score.figures.as_ref().map(|(profile, certainty)| criterion_figures(scale, profile, certainty)),
    }
}

fn criterion_figures(scale: Scale, profile: &Profile, certainty: &Certainty) -> CriterionFigures {
    CriterionFigures {
        difference: pair(profile.difference()),
        score: pair(profile.score),
        text: profile.score.text(),
        ordinary: millionths(scale, certainty.ordinary),
        aware: millionths(scale, certainty.aware),
    }
}

fn pair(fraction: Fraction) -> [i64; 2] {
    [fraction.num(), fraction.den()]
}

/// The ends in millionths, outward, so that no rounding makes an interval narrower than it was computed.
pub(super) fn millionths(scale: Scale, interval: Interval) -> [i64; 2] {
    let (min, max) = (i64::from(scale.min) * 1_000_000, i64::from(scale.max) * 1_000_000);
    let lo = (interval.lo * 1_000_000.0).floor() as i64;
    let hi = (interval.hi * 1_000_000.0).ceil() as i64;
    [lo.clamp(min, max), hi.clamp(min, max)]
}

fn millionths_half_up(value: f64) -> i64 {
    (value * 1_000_000.0 + 0.5).floor() as i64
}
