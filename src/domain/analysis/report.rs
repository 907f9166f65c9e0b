//! All figures of one cycle about itself, as `ejf score reliability` prints them. A newcomer would average what is
//! unknown as zero; a figure that cannot be had says why instead.

use super::quality::{self, Excess, Flagged, Pressure};
use super::reliability::agreement::{Metric, cronbach, krippendorff, r_wg, r_wg_j};
use super::reliability::generalizability::{Components, Design};
use super::reliability::intraclass::OneWay;
use super::{Figure, Panel, Unknown, at_least, key, mean, scale, sorted};
use serde::Serialize;

/// Sizes of panel that the outlook tells of.
const OUTLOOK: [usize; 7] = [5, 7, 10, 12, 15, 20, 30];

/// Two means of one design differ credibly beyond so many standard errors of measurement: 1.96 times the root of two.
const CREDIBLE_ERRORS: f64 = 2.77;

/// A scale of marks: `min`, `min + step`, … `max`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Marks {
    /// The lowest mark.
    pub min: f64,
    /// The highest mark.
    pub max: f64,
    /// The distance of neighbouring marks.
    pub step: f64,
}

/// What the marks of a cycle say of themselves. The order of subjects and of reviews changes no bit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The subjects with a review.
    pub subjects: usize,
    /// The reviews that answer something.
    pub reviews: usize,
    /// Those that answer everything.
    pub complete_reviews: usize,
    /// The marks.
    pub marks: usize,
    /// Agreement between reviewers and between criteria.
    pub agreement: Agreement,
    /// The parts of a mark's variance, from complete reviews.
    pub variance: Figure<Components>,
    /// How sure scores are, and would be with other panels.
    pub outlook: Figure<Outlook>,
    /// The median over subjects of three measures of how far keys lie apart.
    pub spread: Spread,
    /// How reviewers used the form.
    pub quality: Quality,
}

/// Agreement between reviewers, and between criteria.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// ICC(1) of keys: how much one review says of its subject.
    pub icc_1: Figure,
    /// ICC(1,k): how much the mean of a subject's reviews says of it.
    pub icc_1_k: Figure,
    /// Krippendorff's alpha of keys, interval.
    pub alpha_keys: Figure,
    /// Krippendorff's alpha of each criterion's marks, ordinal.
    pub alpha_criteria: Vec<Figure>,
    /// The mean over subjects of r_wg of keys.
    pub r_wg: Figure,
    /// The mean over subjects of r_wg(j) of complete reviews.
    pub r_wg_j: Figure,
    /// Cronbach's alpha of the criteria over complete reviews. High means halo.
    pub cronbach_alpha: Figure,
}

/// How sure scores are, and would be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outlook {
    /// What it is computed from: `criteria` (complete reviews) or `keys`.
    pub from: &'static str,
    /// The mean number of reviews of a subject.
    pub reviews_mean: f64,
    /// The generalizability coefficient of a mean of that many.
    pub dependability: f64,
    /// Its standard error of measurement, in points.
    pub standard_error: f64,
    /// Two subjects differ credibly beyond so many points.
    pub credible_difference: f64,
    /// The same for other sizes of panel.
    pub panels: Vec<PanelOutlook>,
    /// The fewest reviews for a coefficient of 0.7; null where no number is enough.
    pub reviews_for_70: Option<usize>,
    /// The fewest reviews for a coefficient of 0.8; null where no number is enough.
    pub reviews_for_80: Option<usize>,
}

/// How sure a score of `n` reviews would be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PanelOutlook {
    /// The number of reviews.
    pub n: usize,
    /// The generalizability coefficient.
    pub dependability: f64,
    /// The standard error of measurement, in points.
    pub standard_error: f64,
}

/// The median over subjects of how far their keys lie apart, in points; of subjects with two reviews.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// By the median distance from the median.
    pub mad: Figure,
    /// By Sn.
    pub sn: Figure,
    /// By Qn.
    pub qn: Figure,
}

/// How reviewers used the form.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// The share of marks that are the highest of the scale.
    pub ceiling: Figure,
    /// Reviews with one mark for all criteria.
    pub straight_lines: Figure<Excess>,
    /// Those where it is the highest mark.
    pub straight_lines_at_the_top: Figure<Excess>,
    /// Reviews with a twin in their panel, straight lines aside.
    pub identical: Figure<Excess>,
    /// Quartiles over panels of the halo index: lowest, quarter, median, three quarters, highest.
    pub halo: Figure<[f64; 5]>,
    /// Which way setting aside moved the scores.
    pub pressure: Figure<Pressure>,
    /// Reviews more than three standard deviations from their subject's level.
    pub flagged: Figure<Flagged>,
}

impl Report {
    /// Computes every figure. Criteria weigh the same; reviews without an answer do not exist.
    pub fn of(mut panels: Vec<Panel>, marks: Marks) -> Report {
        for panel in &mut panels {
            panel.retain(|sheet| sheet.iter().any(Option::is_some));
            panel.sort_unstable_by(|a, b| order(a, b));
        }
        panels.retain(|panel| !panel.is_empty());
        panels.sort_unstable_by(|a, b| {
            let sheets = a.iter().zip(b).map(|(a, b)| order(a, b));
            sheets.fold(a.len().cmp(&b.len()), std::cmp::Ordering::then)
        });
        let keys: Vec<Vec<f64>> = panels.iter().map(|panel| panel.iter().filter_map(key).collect()).collect();
        let complete: Vec<Vec<Vec<f64>>> = panels.iter().map(complete).collect();
        let criteria = panels.iter().flatten().map(Vec::len).max().unwrap_or(0);
        let points = ((marks.max - marks.min) / marks.step).round() as usize + 1;
        let variance = Components::of(&complete);
        Report {
            subjects: panels.len(),
            reviews: panels.iter().map(Vec::len).sum(),
            complete_reviews: complete.iter().map(Vec::len).sum(),
            marks: panels.iter().flatten().flatten().flatten().count(),
            agreement: agreement(&panels, &keys, &complete, criteria, points),
            outlook: outlook(variance, &keys, criteria).into(),
            variance: variance.into(),
            spread: Spread {
                mad: middle(&keys, scale::mad).into(),
                sn: middle(&keys, scale::sn).into(),
                qn: middle(&keys, scale::qn).into(),
            },
            quality: Quality {
                ceiling: quality::ceiling(&panels, marks.max).into(),
                straight_lines: quality::straight_lines(&panels).into(),
                straight_lines_at_the_top: quality::straight_lines_at_the_top(&panels, marks.max).into(),
                identical: quality::identical(&panels).into(),
                halo: quality::halo(&panels).map(|indices| quartiles(&indices)).into(),
                pressure: quality::pressure(&keys).into(),
                flagged: quality::flagged(&keys, marks.step.powi(2) / 12.0 / criteria.max(1) as f64).into(),
            },
        }
    }
}

fn agreement(
    panels: &[Panel],
    keys: &[Vec<f64>],
    complete: &[Vec<Vec<f64>>],
    criteria: usize,
    points: usize,
) -> Agreement {
    let table = OneWay::of(keys);
    let of_criterion = |place: usize| {
        let units: Vec<Vec<f64>> = panels
            .iter()
            .map(|panel| panel.iter().filter_map(|sheet| sheet.get(place).copied().flatten()).collect())
            .collect();
        krippendorff(&units, Metric::Ordinal).into()
    };
    Agreement {
        icc_1: table.and_then(|table| table.single()).into(),
        icc_1_k: table.and_then(|table| table.mean()).into(),
        alpha_keys: krippendorff(keys, Metric::Interval).into(),
        alpha_criteria: (0..criteria).map(of_criterion).collect(),
        r_wg: mean_of(keys, |keys| r_wg(keys, points)).into(),
        r_wg_j: mean_of(complete, |reviews| r_wg_j(reviews, points)).into(),
        cronbach_alpha: cronbach(&complete.concat()).into(),
    }
}

fn outlook(variance: Result<Components, Unknown>, keys: &[Vec<f64>], criteria: usize) -> Result<Outlook, Unknown> {
    let table = OneWay::of(keys)?;
    let (from, design) = match variance {
        Ok(components) => ("criteria", components.design(criteria)),
        Err(_) => ("keys", Design::of_keys(&table)?),
    };
    let reviews_mean = table.values as f64 / table.groups as f64;
    let of_size = |n: usize| {
        let (dependability, standard_error) = (design.dependability(n as f64)?, design.error(n as f64));
        Ok(PanelOutlook { n, dependability, standard_error })
    };
    Ok(Outlook {
        from,
        reviews_mean,
        dependability: design.dependability(reviews_mean)?,
        standard_error: design.error(reviews_mean),
        credible_difference: CREDIBLE_ERRORS * design.error(reviews_mean),
        panels: OUTLOOK.into_iter().map(of_size).collect::<Result<Vec<_>, Unknown>>()?,
        reviews_for_70: design.reviews_needed(0.7),
        reviews_for_80: design.reviews_needed(0.8),
    })
}

/// The complete reviews of a panel.
fn complete(panel: &Panel) -> Vec<Vec<f64>> {
    panel.iter().filter_map(|sheet| sheet.iter().copied().collect::<Option<Vec<f64>>>()).collect()
}

/// The mean of a figure over the panels that have it; the first refusal where none has.
fn mean_of<T>(panels: &[Vec<T>], figure: impl Fn(&[T]) -> Result<f64, Unknown>) -> Result<f64, Unknown> {
    let figures: Vec<Result<f64, Unknown>> = panels.iter().map(|panel| figure(panel)).collect();
    let known: Vec<f64> = figures.iter().filter_map(|figure| figure.as_ref().ok()).copied().collect();
    match (mean(&known), figures.first()) {
        (Some(mean), _) => Ok(mean),
        (None, Some(Err(unknown))) => Err(*unknown),
        (None, _) => Err(Unknown::TooFew { what: "subjects", needed: 1, found: 0 }),
    }
}

/// The median over the panels of at least two keys.
fn middle(keys: &[Vec<f64>], measure: fn(&[f64]) -> Option<f64>) -> Result<f64, Unknown> {
    let measured: Vec<f64> = keys.iter().filter(|keys| keys.len() > 1).filter_map(|keys| measure(keys)).collect();
    at_least("subjects with two reviews", 1, measured.len())?;
    scale::median(&sorted(&measured)).ok_or(Unknown::NoVariation)
}

/// Lowest, quarter, median, three quarters and highest of a sorted sample that is not empty.
pub(super) fn quartiles(sorted: &[f64]) -> [f64; 5] {
    let last = sorted.len().saturating_sub(1);
    [0, 1, 2, 3, 4].map(|quarter| sorted.get(last * quarter / 4).copied().unwrap_or(f64::NAN))
}

fn order(a: &[Option<f64>], b: &[Option<f64>]) -> std::cmp::Ordering {
    let place = |mark: &Option<f64>| mark.unwrap_or(f64::NEG_INFINITY);
    let marks = a.iter().zip(b).map(|(a, b)| place(a).total_cmp(&place(b)));
    marks.fold(a.len().cmp(&b.len()), std::cmp::Ordering::then)
}
