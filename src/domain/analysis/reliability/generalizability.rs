//! Where the differences between marks come from, and how many reviews a firm score would take: a generalizability
//! study of reviewers nested in subjects and crossed with criteria.
//!
//! A newcomer would take the variances of the tables of variance; panels differ in size, so they are estimated by
//! restricted maximum likelihood (REML). With complete reviews the likelihood falls into two parts that meet nowhere
//! but in the bounds: the means of the reviews, and how the criteria of a review differ from its mean. Each part is
//! searched along one ratio of variances; the rest has closed form. Equal panels give the table's variances exactly.

use super::super::{Unknown, at_least, mean, squares};
use super::intraclass::OneWay;
use serde::Serialize;

/// Steps of the first, coarse search for a ratio of variances, and halvings of the fine one.
const COARSE_STEPS: usize = 200;
const FINE_STEPS: usize = 100;

/// The parts that the variance of one mark has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Components {
    /// Between subjects: what is to be measured.
    pub subject: f64,
    /// Between reviewers of one subject: severity, and the impression that colours all criteria.
    pub reviewer: f64,
    /// Between criteria, the same for all subjects; harms no comparison.
    pub criterion: f64,
    /// Between criteria, differently for each subject: its profile.
    pub profile: f64,
    /// The rest.
    pub residual: f64,
}

/// How sure a mean of n reviews would be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    /// The variance between subjects.
    subject: f64,
    /// The error variance that more reviews do not lessen.
    lasting: f64,
    /// The error variance of a single review.
    per_review: f64,
}

impl Components {
    /// Estimates the parts from complete reviews: by subject, by review, a mark for each criterion.
    ///
    /// Needs two subjects with a review, one review more than subjects, and two criteria. `BelowZero` where a part
    /// would have to be negative.
    pub fn of(panels: &[Vec<Vec<f64>>]) -> Result<Components, Unknown> {
        let criteria = panels.iter().flatten().map(Vec::len).next().unwrap_or(0);
        at_least("criteria", 2, criteria)?;
        let keys: Vec<Vec<f64>> =
            panels.iter().map(|panel| panel.iter().filter_map(|review| mean(review)).collect()).collect();
        let table = OneWay::of(&keys)?;
        let (subjects, reviews) = (table.groups as f64, table.values as f64);
        let panels: Vec<&Vec<Vec<f64>>> = panels.iter().filter(|panel| !panel.is_empty()).collect();
        let sizes: Vec<f64> = panels.iter().map(|panel| panel.len() as f64).collect();

        let width = criteria as f64;
        let levels: Vec<f64> = keys.iter().filter_map(|group| mean(group)).collect();
        let within = table.within * (reviews - subjects);
        let level = |ratio: f64| {
            let fit = Fit::of(&sizes, &[levels.as_slice()], ratio);
            let variance = (within + fit.between) / (reviews - 1.0);
            ((reviews - 1.0) * variance.ln() + fit.log_sizes + fit.weight.ln(), variance)
        };
        let ratio = least(|ratio| level(ratio).0, subjects / reviews);
        let (_, of_keys) = level(ratio);
        let (between_keys, within_keys) = (ratio * of_keys, of_keys);

        let profiles = profiles(&panels, criteria);
        let columns: Vec<&[f64]> = profiles.iter().map(Vec::as_slice).collect();
        let residual: f64 = panels.iter().map(|panel| residual_squares(panel)).sum();
        let shape = |ratio: f64| {
            let fit = Fit::of(&sizes, &columns, ratio);
            Shape::of(&fit, residual, reviews, width - 1.0)
        };
        let profile_ratio = least(|ratio| shape(ratio).deviance, subjects / reviews);
        let Shape { residual, criterion, .. } = shape(profile_ratio);
        let profile = profile_ratio * residual;

        let subject = between_keys - profile / width;
        let reviewer = within_keys - residual / width;
        let is_usable = |variance: f64| variance.is_finite() && variance > 0.0;
        if !is_usable(within_keys) || !is_usable(residual) {
            return Err(Unknown::NoVariation);
        }
        // Both parts at their best want a variance below zero: they no longer separate, and no number is made up.
        if subject < 0.0 || reviewer < 0.0 {
            return Err(Unknown::BelowZero);
        }
        Ok(Components { subject, reviewer, criterion, profile, residual })
    }

    /// How sure the mean of reviews on so many criteria would be.
    pub fn design(&self, criteria: usize) -> Design {
        let criteria = criteria as f64;
        Design {
            subject: self.subject,
            lasting: self.profile / criteria,
            per_review: self.reviewer + self.residual / criteria,
        }
    }
}

impl Design {
    /// The same from the means of reviews alone.
    ///
    /// `BelowZero` where subjects differ less than chance would make them.
    pub fn of_keys(table: &OneWay) -> Result<Design, Unknown> {
        let subject = table.subject_variance();
        if subject < 0.0 {
            return Err(Unknown::BelowZero);
        }
        Ok(Design { subject, lasting: 0.0, per_review: table.within })
    }

    /// The generalizability coefficient of a mean of `n` reviews: the share of its variance that is the subjects'.
    pub fn dependability(&self, n: f64) -> Result<f64, Unknown> {
        let total = self.subject + self.lasting + self.per_review / n;
        if total > 0.0 { Ok(self.subject / total) } else { Err(Unknown::NoVariation) }
    }

    /// The standard error of measurement of a mean of `n` reviews, in points.
    pub fn error(&self, n: f64) -> f64 {
        (self.per_review / n).sqrt()
    }

    /// The fewest reviews with which the coefficient reaches `target`; `None` where no number does.
    pub fn reviews_needed(&self, target: f64) -> Option<usize> {
        let room = self.subject * (1.0 - target) - target * self.lasting;
        let needed = (target * self.per_review / room).ceil().max(1.0);
        (room > 0.0 && needed < 1e9).then_some(needed as usize)
    }
}

/// Weighted sums of group values, for one ratio of the variance between groups to that within.
struct Fit {
    /// The sum of the weights n / (1 + n ratio).
    weight: f64,
    /// The sum of the logarithms of 1 + n ratio.
    log_sizes: f64,
    /// The weighted squares of the values about their weighted means, over all columns.
    between: f64,
    /// The weight times the squared weighted means, over all columns.
    about_zero: f64,
}

impl Fit {
    fn of(sizes: &[f64], columns: &[&[f64]], ratio: f64) -> Fit {
        let weights: Vec<f64> = sizes.iter().map(|size| size / (1.0 + size * ratio)).collect();
        let weight: f64 = weights.iter().sum();
        let mut fit = Fit {
            weight,
            log_sizes: sizes.iter().map(|size| (size * ratio).ln_1p()).sum(),
            between: 0.0,
            about_zero: 0.0,
        };
        for column in columns {
            let pairs = || weights.iter().zip(*column);
            let centre = pairs().map(|(weight, value)| weight * value).sum::<f64>() / weight;
            fit.between += pairs().map(|(weight, value)| weight * (value - centre).powi(2)).sum::<f64>();
            fit.about_zero += weight * centre.powi(2);
        }
        fit
    }
}

/// The second part of the likelihood at its best for one ratio: what the criteria of a review say beside its mean.
struct Shape {
    deviance: f64,
    residual: f64,
    criterion: f64,
}

impl Shape {
    fn of(fit: &Fit, within: f64, reviews: f64, contrasts: f64) -> Shape {
        let residual = (within + fit.between) / (contrasts * (reviews - 1.0));
        let common = fit.about_zero / contrasts;
        let (residual, common) = if common > residual {
            (residual, common)
        } else {
            let together = (within + fit.between + fit.about_zero) / (contrasts * reviews);
            (together, together)
        };
        Shape {
            deviance: contrasts * ((reviews - 1.0) * residual.ln() + fit.log_sizes + common.ln()),
            residual,
            criterion: (common - residual) / fit.weight,
        }
    }
}

/// By criterion, how far each subject's mean on it lies from the subject's mean on all.
fn profiles(panels: &[&Vec<Vec<f64>>], criteria: usize) -> Vec<Vec<f64>> {
    let mut profiles = vec![Vec::with_capacity(panels.len()); criteria];
    for panel in panels {
        let means = criterion_means(panel);
        let level = means.iter().sum::<f64>() / means.len() as f64;
        profiles.iter_mut().zip(means).for_each(|(profile, mean)| profile.push(mean - level));
    }
    profiles
}

fn criterion_means(panel: &[Vec<f64>]) -> Vec<f64> {
    let mut sums = vec![0.0; panel.first().map_or(0, Vec::len)];
    for review in panel {
        sums.iter_mut().zip(review).for_each(|(sum, mark)| *sum += mark);
    }
    sums.iter().map(|sum| sum / panel.len() as f64).collect()
}

/// The squares that neither the reviews' nor the criteria's means of one subject explain.
fn residual_squares(panel: &[Vec<f64>]) -> f64 {
    let means = criterion_means(panel);
    let rest = |review: &Vec<f64>| {
        let beside: Vec<f64> = review.iter().zip(&means).map(|(mark, mean)| mark - mean).collect();
        squares(&beside)
    };
    panel.iter().map(rest).sum()
}

/// The ratio from 0 on at which `deviance` is least; `usual` is of the size of the ratios that matter.
///
/// Ratios are mapped onto 0 to 1, tried on a grid, and the best place is then narrowed down by golden section.
fn least(deviance: impl Fn(f64) -> f64, usual: f64) -> f64 {
    let ratio_at = |place: f64| usual * place / (1.0 - place);
    let at = |step: usize| step as f64 / COARSE_STEPS as f64;
    let grid = (0..COARSE_STEPS).map(|step| (step, deviance(ratio_at(at(step)))));
    let best = grid.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(step, _)| step);
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (at(best.saturating_sub(1)), at(best + 1).min(1.0 - 1e-9));
    for _ in 0..FINE_STEPS {
        let (left, right) = (high - golden * (high - low), low + golden * (high - low));
        if deviance(ratio_at(left)) <= deviance(ratio_at(right)) {
            high = right;
        } else {
            low = left;
        }
    }
    let found = ratio_at(f64::midpoint(low, high));
    if deviance(0.0) <= deviance(found) { 0.0 } else { found }
}
