//! From marks to rows, by level and profile or by another estimator. A newcomer would let a subject with too few reviews
//! show its number; its rows hold their status and nothing else.

use super::grid::{Grid, Points};
use super::marks::{Marks, Subject};
use super::output::{Figures, Row};
use super::{Refusal, Sink};
use crate::domain::analysis::estimators::{Estimator, UnknownEstimator};
use crate::domain::analysis::{kept, quantiles};
use crate::domain::scoring::constants::dishonesty_allowance;
use crate::domain::scoring::document::document;
use crate::domain::scoring::fraction::{Fraction, Variance};
use crate::domain::scoring::gate::release;
use crate::domain::scoring::interval::{Certainty, Interval};
use crate::domain::scoring::publication::{Figure, Published, publish};
use crate::domain::scoring::resilience::{is_resilient, verdict};
use crate::domain::scoring::rules::{
    Criterion, DECISION_MIN_FLOOR, KEPT_MIN_FLOOR, NO_BASIS, Panel, PublishStep, REVIEWS_MAX, RuleValues, Rules,
};
use crate::domain::scoring::trim::set_aside;
use crate::domain::scoring::{CriterionScore, Overall, PanelScore, Status, cores, pool, score_cycle, score_each};
use crate::error::{Error, Result};

/// The confidence that the frozen constants of level and profile are for.
pub(super) const CONFIDENCE: f64 = 0.95;

/// How scores are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// The product's rule.
    LevelProfile,
    /// Whole reviews set aside, the others averaged for every figure.
    KeptReviews,
    /// Another estimator: of the reviews' own means, and of each criterion's marks.
    Estimator(Estimator),
}

impl std::str::FromStr for Method {
    type Err = UnknownEstimator;

    fn from_str(text: &str) -> std::result::Result<Method, UnknownEstimator> {
        match text {
            "level-profile" => Ok(Method::LevelProfile),
            "kept-reviews" => Ok(Method::KeptReviews),
            _ => text.parse().map(Method::Estimator),
        }
    }
}

/// What the user decides about scores.
#[derive(Debug)]
pub(super) struct Settings {
    /// The scale.
    pub grid: Grid,
    /// Below this many reviews nothing is shown.
    pub min_show: usize,
    /// Below this many reviews a score is indicative.
    pub min_decide: usize,
    /// The confidence of the intervals, between 0 and 1.
    pub confidence: f64,
    /// The weight of each criterion, in the order of the marks' criteria.
    pub weights: Vec<u32>,
    /// The standard, where verdicts are asked for.
    pub expected: Option<Points>,
}

impl Settings {
    fn status(&self, n: usize) -> Status {
        match n {
            n if n < self.min_show => Status::Insufficient,
            n if n < self.min_decide => Status::Indicative,
            _ => Status::Ok,
        }
    }

    /// The engine's rules for these marks; `None` where there is no mark at all.
    pub fn rules(&self, marks: &Marks) -> std::result::Result<Option<Rules>, String> {
        if let Some(subject) = marks.subjects.iter().find(|s| s.rows.len() > REVIEWS_MAX * marks.criteria.len()) {
            let name = &subject.name;
            return Err(format!(
                "{name:?} has more than {REVIEWS_MAX} reviews, where level-profile has its last constants"
            ));
        }
        if marks.criteria.is_empty() {
            return Ok(None);
        }
        let expected = self.expected.unwrap_or(self.grid.middle());
        let outside = || format!("the standard {expected} is not on the scale {}", self.grid);
        let criteria = marks.criteria.iter().zip(&self.weights);
        let values = RuleValues {
            scale: self.grid.scale,
            criteria: criteria.map(|(code, &weight)| Criterion { code: code.clone(), weight, items: 1 }).collect(),
            display_min: self.min_show,
            decision_min: self.min_decide.max(DECISION_MIN_FLOOR),
            kept_min: KEPT_MIN_FLOOR,
            publish_step: PublishStep::Quarter,
            expected_hundredths: self.grid.hundredths(expected).ok_or_else(outside)?,
        };
        // Everything else was checked where it was read.
        let too_large = "these weights have no common denominator small enough for exact fractions; take smaller ones";
        Rules::new(values).map(Some).map_err(|_| too_large.to_owned())
    }
}

/// Scores by level and profile and hands over each row, ascending by subject and criterion.
pub(super) fn level_profile(
    rules: &Rules,
    settings: &Settings,
    marks: &Marks,
    write: Sink<'_>,
) -> std::result::Result<(), Refusal> {
    let panels = panels(rules, &marks.subjects)?;
    let spread = pool(rules, &panels, cores())?;
    let mut subjects = marks.subjects.iter();
    let mut written = Ok(());
    score_each(rules, &panels, &spread, |panel| {
        // One score per subject, in their order.
        if let (Some(subject), true) = (subjects.next(), written.is_ok()) {
            written = rows_of(rules, settings, (subject, &marks.criteria), panel)?.iter().try_for_each(&mut *write);
        }
        Ok(())
    })?;
    Ok(written?)
}

fn rows_of<'a>(
    rules: &Rules,
    settings: &Settings,
    (subject, criteria): (&'a Subject, &'a [String]),
    panel: &PanelScore,
) -> Result<Vec<Row<'a>>> {
    let overall = panel.overall.as_ref().map(|overall| at_confidence(settings.confidence, panel.n, overall));
    let overall = overall.transpose()?;
    let mut rows = vec![overall_row(rules, settings, subject, panel.n, overall.as_ref())];
    for (place, criterion) in criteria.iter().enumerate() {
        let score = panel.criteria.get(place);
        rows.push(criterion_row(settings, &subject.name, criterion, (panel.n, overall.as_ref(), score))?);
    }
    Ok(rows)
}

/// What the disclosure rules let out of the same scores, ascending by subject and criterion.
pub(super) fn published(rules: &Rules, marks: &Marks, write: Sink<'_>) -> std::result::Result<(), Refusal> {
    let scores = score_cycle(rules, &panels(rules, &marks.subjects)?)?;
    let names: Vec<String> = marks.subjects.iter().map(|subject| subject.name.clone()).collect();
    // The document has the order of the names, as the subjects have.
    for result in document(rules, &names, &scores)?.subjects {
        let name = result.subject_ref.as_str();
        // One run over one file is one release of it; what was let out of other files it cannot know.
        let release = release(publish(rules, &result)?, "", &[]).map_err(Error::internal)?;
        let rows = match release.published() {
            Published::Insufficient {} => vec![insufficient(name, "")],
            Published::Developmental { .. } => return Err(Error::internal("marks came to no figure").into()),
            Published::Indicative { band } => {
                vec![Row { status: Status::Indicative, verdict: Some(*band), ..insufficient(name, "") }]
            }
            Published::Ok { overall, criteria, .. } => {
                let mut rows = vec![published_row(name, "", *overall)];
                for criterion in &marks.criteria {
                    let figure = criteria.iter().find(|figure| figure.code == *criterion);
                    rows.extend(figure.map(|figure| published_row(name, criterion, figure.figure)));
                }
                rows
            }
        };
        rows.iter().try_for_each(&mut *write)?;
    }
    Ok(())
}

/// Scores by another estimator and hands over each row, ascending by subject and criterion.
///
/// The overall score is its estimate from the reviews' own means, a criterion's from its marks.
pub(super) fn estimated(
    estimator: Estimator,
    settings: &Settings,
    marks: &Marks,
    write: Sink<'_>,
) -> std::result::Result<(), Refusal> {
    for subject in &marks.subjects {
        let reviews = || subject.rows.chunks_exact(marks.criteria.len().max(1));
        let keys: Vec<f64> = reviews().map(|review| key(settings, review)).collect();
        let is_shown = settings.status(keys.len()) != Status::Insufficient;
        write(&estimated_row(estimator, settings, (&subject.name, ""), &keys))?;
        for (place, criterion) in marks.criteria.iter().enumerate() {
            let given = reviews().filter_map(|review| review.get(place)).filter(|mark| **mark != NO_BASIS && is_shown);
            let given: Vec<f64> = given.map(|mark| settings.grid.points(f64::from(*mark))).collect();
            write(&estimated_row(estimator, settings, (&subject.name, criterion), &given))?;
        }
    }
    Ok(())
}

/// Scores by the reviews that are kept whole and hands over each row, ascending by subject and criterion.
pub(super) fn kept_reviews(settings: &Settings, marks: &Marks, write: Sink<'_>) -> std::result::Result<(), Refusal> {
    for subject in &marks.subjects {
        let reviews: Vec<&[u8]> = subject.rows.chunks_exact(marks.criteria.len().max(1)).collect();
        let keys: Vec<f64> = reviews.iter().map(|review| key(settings, review)).collect();
        let shares = kept::shares(&keys);
        let is_shown = settings.status(keys.len()) != Status::Insufficient;
        let row = |criterion, shared: Vec<(f64, f64)>| {
            // In the order of what they hold, as sums of doubles depend on it.
            let shared = in_order(shared);
            let score = kept::mean(&shared).filter(|_| is_shown);
            simple_row((&subject.name, criterion), settings.status(shared.len()), shared.len(), score, None)
        };
        write(&row("", shares.iter().copied().zip(keys.iter().copied()).collect()))?;
        for (place, criterion) in marks.criteria.iter().enumerate() {
            let given = reviews.iter().zip(&shares).filter_map(|(review, share)| Some((*share, *review.get(place)?)));
            let given = given.filter(|(_, mark)| *mark != NO_BASIS);
            write(&row(
                criterion,
                given.map(|(share, mark)| (share, settings.grid.points(f64::from(mark)))).collect(),
            ))?;
        }
    }
    Ok(())
}

fn in_order(mut shared: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    shared.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.total_cmp(&b.0)));
    shared
}

fn panels(rules: &Rules, subjects: &[Subject]) -> Result<Vec<Panel>> {
    subjects.iter().map(|subject| Panel::new(rules, subject.rows.clone())).collect()
}

/// The weighted mean of a review's marks, in points.
fn key(settings: &Settings, review: &[u8]) -> f64 {
    let given = review.iter().zip(&settings.weights).filter(|(mark, _)| **mark != NO_BASIS);
    let (sum, weights) = given.fold((0, 0), |(sum, weights), (&mark, &weight)| {
        (sum + i64::from(mark) * i64::from(weight), weights + i64::from(weight))
    });
    settings.grid.fraction(Fraction::new(sum, weights.max(1))).value()
}

fn overall_row<'a>(
    rules: &Rules,
    settings: &Settings,
    subject: &'a Subject,
    n: usize,
    overall: Option<&Overall>,
) -> Row<'a> {
    let Some(overall) = overall else { return insufficient(&subject.name, "") };
    let Overall { level, certainty, resilience } = overall;
    let band = Interval { lo: level.resilience_lo.value(), hi: level.resilience_hi.value() };
    let is_standard = settings.expected.is_some();
    Row {
        figures: Figures {
            trimmed: Some((level.set_aside as i64, level.kept as i64)),
            band: Some(in_points(&settings.grid, band)),
            resilience: Some(in_points(&settings.grid, *resilience)),
            ..figures(&settings.grid, n, (level.score, level.variance), certainty)
        },
        status: settings.status(n),
        verdict: is_standard.then(|| verdict(rules, certainty.aware)),
        is_resilient: is_standard.then(|| is_resilient(rules, overall)),
        ..insufficient(&subject.name, "")
    }
}

fn criterion_row<'a>(
    settings: &Settings,
    subject: &'a str,
    criterion: &'a str,
    (n, overall, score): (usize, Option<&Overall>, Option<&CriterionScore>),
) -> Result<Row<'a>> {
    let scored = score.and_then(|score| Some((score.n, score.figures.as_ref()?)));
    let Some(((answered, (profile, certainty)), overall)) = scored.zip(overall) else {
        return Ok(insufficient(subject, criterion));
    };
    let deviation = overall.certainty.moderated_variance.sqrt();
    let certainty = widened(settings.confidence, n, profile.score.value(), deviation, certainty)?;
    Ok(Row {
        figures: Figures {
            trimmed: Some((set_aside(answered) as i64, profile.kept as i64)),
            ..figures(&settings.grid, answered, (profile.score, profile.variance), &certainty)
        },
        status: settings.status(answered),
        ..insufficient(subject, criterion)
    })
}

/// What overall scores and criteria have in common.
fn figures(grid: &Grid, n: usize, (score, variance): (Fraction, Variance), certainty: &Certainty) -> Figures {
    let score = grid.fraction(score);
    let moderated = grid.points_squared(certainty.moderated_variance);
    Figures {
        n: Some(n as i64),
        exact: Some((score.num(), score.den())),
        score: Some(score.value()),
        variances: Some((grid.points_squared(variance.value()), moderated)),
        freedom: Some(certainty.freedom as i64),
        ordinary: Some(in_points(grid, certainty.ordinary)),
        aware: Some(in_points(grid, certainty.aware)),
        ..Figures::default()
    }
}

fn published_row<'a>(subject: &'a str, criterion: &'a str, figure: Figure) -> Row<'a> {
    let points = |hundredths: i64| hundredths as f64 / 100.0;
    let figures = Figures {
        n: Some(figure.n),
        score: Some(points(figure.point)),
        aware: Some((points(figure.lo), points(figure.hi))),
        ..Figures::default()
    };
    Row { figures, status: Status::Ok, verdict: Some(figure.band), ..insufficient(subject, criterion) }
}

fn estimated_row<'a>(
    estimator: Estimator,
    settings: &Settings,
    (subject, criterion): (&'a str, &'a str),
    values: &[f64],
) -> Row<'a> {
    let status = settings.status(values.len());
    let estimate = estimator.estimate(values, settings.grid.step(), settings.confidence);
    let interval = estimate.and_then(|estimate| estimate.lo.zip(estimate.hi));
    simple_row((subject, criterion), status, values.len(), estimate.map(|estimate| estimate.score), interval)
}

/// A row of `n` values with a score and perhaps an interval; of too few values it says nothing.
fn simple_row<'a>(
    (subject, criterion): (&'a str, &'a str),
    status: Status,
    n: usize,
    score: Option<f64>,
    ordinary: Option<(f64, f64)>,
) -> Row<'a> {
    if score.is_none() || status == Status::Insufficient {
        return insufficient(subject, criterion);
    }
    let figures = Figures { n: Some(n as i64), score, ordinary, ..Figures::default() };
    Row { figures, status, ..insufficient(subject, criterion) }
}

/// A row that shows nothing but its status.
fn insufficient<'a>(subject: &'a str, criterion: &'a str) -> Row<'a> {
    let status = Status::Insufficient;
    Row { subject, criterion, figures: Figures::default(), status, verdict: None, is_resilient: None }
}

/// An overall score with its intervals at another confidence than the one that its constants are for.
fn at_confidence(confidence: f64, n: usize, overall: &Overall) -> Result<Overall> {
    let Overall { level, certainty, resilience } = *overall;
    let deviation = certainty.moderated_variance.sqrt();
    let factor = quantile_factor(confidence, certainty.freedom)?;
    let resilience = factor.map_or(resilience, |factor| {
        let (lo, hi) = (level.resilience_lo.value(), level.resilience_hi.value());
        Interval { lo: lo - (lo - resilience.lo) * factor, hi: hi + (resilience.hi - hi) * factor }
    });
    let certainty = widened(confidence, n, level.score.value(), deviation, &certainty)?;
    Ok(Overall { level, certainty, resilience })
}

/// The intervals about a score at another confidence; the allowance for dishonest reviews stays what it is.
fn widened(confidence: f64, n: usize, score: f64, deviation: f64, certainty: &Certainty) -> Result<Certainty> {
    let Some(factor) = quantile_factor(confidence, certainty.freedom)? else { return Ok(*certainty) };
    let allowance = dishonesty_allowance(n).ok_or_else(no_constant)? * deviation;
    let about = |half_width: f64| Interval { lo: score - half_width, hi: score + half_width };
    let ordinary = about((certainty.ordinary.hi - score) * factor);
    let aware = about(allowance + (certainty.aware.hi - score - allowance) * factor);
    Ok(Certainty { ordinary, aware, ..*certainty })
}

/// By how much an interval grows from the confidence of the frozen constants; `None` where it is that one.
fn quantile_factor(confidence: f64, freedom: usize) -> Result<Option<f64>> {
    if confidence == CONFIDENCE {
        return Ok(None);
    }
    let quantile = |confidence| quantiles::student_t(freedom, confidence).ok_or_else(no_constant);
    Ok(Some(quantile(confidence)? / quantile(CONFIDENCE)?))
}

fn no_constant() -> Error {
    Error::internal("no quantile for a panel of this size")
}

fn in_points(grid: &Grid, interval: Interval) -> (f64, f64) {
    (grid.points(interval.lo), grid.points(interval.hi))
}
