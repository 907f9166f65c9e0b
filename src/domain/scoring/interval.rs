//! How sure a score is: variances pooled over the cycle, each subject's moderated towards them, and two intervals.
//! A newcomer would add doubles in the order of arrival; here exact integers are added per panel size and turned into
//! doubles once, so that no order of reviews, subjects or threads changes a bit.

use super::constants::{dishonesty_allowance, student_t};
use super::fraction::Variance;
use super::level::Level;
use super::profile::Profile;
use super::reading::PanelSums;
use super::rules::{REVIEWS_MAX, Rules};
use super::trim::Trimmed;
use crate::error::{Error, Result};

/// The weight of the pooled variance, in degrees of freedom, against the subject's own.
const PRIOR_FREEDOM: usize = 4;

/// An interval, not yet clipped to the scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub lo: f64,
    /// The upper end.
    pub hi: f64,
}

/// How sure one score is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Certainty {
    /// The variance after moderation towards the cycle's.
    pub moderated_variance: f64,
    /// The degrees of freedom of the ordinary interval.
    pub freedom: usize,
    /// The 95 % interval if every review is honest.
    pub ordinary: Interval,
    /// The 95 % interval that allows for as many dishonest reviews as are set aside on a side: the one to publish.
    pub aware: Interval,
}

/// The cycle's pooled variances, published once with its results.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// The pooled variance of keys, sigma0 squared; at least the rounding of a mean over all criteria.
    pub keys: f64,
    /// By criterion, the pooled variance of differences, rho0 squared; at least the rounding of one mark.
    pub differences: Vec<f64>,
}

/// What is pooled: exact sums by panel size, since each size has its own denominator.
#[derive(Debug, Clone)]
struct Sum {
    squares: Vec<i128>,
    freedom: i64,
    floored_freedom: i64,
}

/// The exact sums that the cycle's spread is made of.
#[derive(Debug, Clone)]
pub(super) struct Pool<'a> {
    rules: &'a Rules,
    keys: Sum,
    differences: Vec<Sum>,
    /// The square of one step over the common denominator.
    step_squared: i128,
}

impl<'a> Pool<'a> {
    /// A pool without panels.
    pub fn new(rules: &'a Rules) -> Pool<'a> {
        let empty = Sum { squares: vec![0; REVIEWS_MAX + 1], freedom: 0, floored_freedom: 0 };
        let step = i128::from(rules.unit()) * i128::from(rules.values().scale.step);
        let differences = vec![empty.clone(); rules.values().criteria.len()];
        Pool { rules, keys: empty, differences, step_squared: step * step }
    }

    /// Adds a panel; one without a score adds nothing.
    pub fn add(&mut self, panel: &PanelSums) -> Result<()> {
        if let Some(keys) = &panel.keys {
            self.keys.add(keys)?;
        }
        for (sum, (_, differences)) in self.differences.iter_mut().zip(&panel.criteria) {
            if let Some(differences) = differences {
                sum.add_floored(differences, self.step_squared)?;
            }
        }
        Ok(())
    }

    /// Adds what another pool of the same rules holds.
    pub fn merge(&mut self, other: &Pool<'_>) -> Result<()> {
        let own = std::iter::once(&mut self.keys).chain(&mut self.differences);
        own.zip(std::iter::once(&other.keys).chain(&other.differences)).try_for_each(|(own, other)| own.merge(other))
    }

    /// The pooled variances. Without any scored panel they are the floors, and nothing uses them.
    pub fn spread(&self) -> Spread {
        let floor = rounding_variance(self.rules);
        let criteria_count = self.differences.len() as f64;
        Spread {
            keys: self.keys.pooled(self.rules).max(floor / criteria_count),
            differences: self.differences.iter().map(|sum| sum.pooled(self.rules).max(floor)).collect(),
        }
    }
}

impl Sum {
    fn add(&mut self, sample: &Trimmed) -> Result<()> {
        let of_size = self.squares.get_mut(sample.n);
        let of_size = of_size.ok_or_else(|| Error::internal("a panel holds more reviews than can be scored"))?;
        let sum = of_size.checked_add(sample.squares);
        *of_size = sum.ok_or_else(too_many_subjects)?;
        self.freedom += sample.kept() as i64 - 1;
        Ok(())
    }

    fn merge(&mut self, other: &Sum) -> Result<()> {
        for (own, other) in self.squares.iter_mut().zip(&other.squares) {
            *own = own.checked_add(*other).ok_or_else(too_many_subjects)?;
        }
        self.freedom += other.freedom;
        self.floored_freedom += other.floored_freedom;
        Ok(())
    }

    /// Adds a sample of differences, whose variance counts as at least the rounding of one mark.
    fn add_floored(&mut self, sample: &Trimmed, step_squared: i128) -> Result<()> {
        let freedom = sample.kept() as i64 - 1;
        if 12 * sample.squares >= i128::from(sample.n as i64 * freedom) * step_squared {
            return self.add(sample);
        }
        self.freedom += freedom;
        self.floored_freedom += freedom;
        Ok(())
    }

    fn pooled(&self, rules: &Rules) -> f64 {
        if self.freedom == 0 {
            return 0.0;
        }
        let unit = i128::from(rules.unit());
        let by_size = self.squares.iter().enumerate().filter(|&(_, &squares)| squares != 0);
        let squares: f64 = by_size.map(|(n, &squares)| squares as f64 / n as f64).sum();
        let floored = self.floored_freedom as f64 * rounding_variance(rules);
        (squares / (unit * unit) as f64 + floored) / self.freedom as f64
    }
}

/// How sure the overall score of `n` reviews is, and the resilience interval, which never leaves the service.
pub(super) fn of_level(n: usize, level: &Level, spread: &Spread) -> Result<(Certainty, Interval)> {
    let (freedom, moderated_variance) = moderate(spread.keys, level.variance.value(), level.kept);
    let quantile = quantile(freedom)?;
    let deviation = moderated_variance.sqrt();
    let score = level.score.value();
    let one_side = quantile / ((n - level.set_aside) as f64).sqrt();
    let certainty = Certainty {
        moderated_variance,
        freedom,
        ordinary: around(score, quantile * deviation / (level.kept as f64).sqrt()),
        aware: around(score, (allowance(n)? + one_side) * deviation),
    };
    let resilience = Interval {
        lo: level.resilience_lo.value() - one_side * deviation,
        hi: level.resilience_hi.value() + one_side * deviation,
    };
    Ok((certainty, resilience))
}

/// What the intervals of all criteria of one subject share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shared {
    kept: usize,
    /// The squared standard error of the level.
    error: f64,
    /// The allowance for dishonest reviews, in points.
    allowance: f64,
    /// The variance of rounding one mark.
    rounding: f64,
}

impl Shared {
    /// What the level of `n` reviews gives.
    pub fn of(n: usize, level: &Level, certainty: &Certainty, rules: &Rules) -> Result<Shared> {
        Ok(Shared {
            kept: level.kept,
            error: certainty.moderated_variance / level.kept as f64,
            allowance: allowance(n)? * certainty.moderated_variance.sqrt(),
            rounding: rounding_variance(rules),
        })
    }
}

/// How sure a criterion's score is: the level's and the profile's variance together.
pub(super) fn of_profile(shared: &Shared, profile: &Profile, pooled: f64) -> Result<Certainty> {
    let own = profile.variance.value().max(shared.rounding);
    let (_, moderated_variance) = moderate(pooled, own, profile.kept);
    let freedom = shared.kept.min(profile.kept) - 1 + PRIOR_FREEDOM;
    let half_width = quantile(freedom)? * (shared.error + moderated_variance / profile.kept as f64).sqrt();
    let score = profile.score.value();
    let aware = half_width + shared.allowance;
    Ok(Certainty { moderated_variance, freedom, ordinary: around(score, half_width), aware: around(score, aware) })
}

/// The degrees of freedom and the variance of a sample of which `kept` count, moderated towards the pooled one.
fn moderate(pooled: f64, own: f64, kept: usize) -> (usize, f64) {
    let own_freedom = kept - 1;
    let freedom = own_freedom + PRIOR_FREEDOM;
    (freedom, (PRIOR_FREEDOM as f64 * pooled + own_freedom as f64 * own) / freedom as f64)
}

/// The variance of rounding to the scale's steps.
fn rounding_variance(rules: &Rules) -> f64 {
    let step = i128::from(rules.values().scale.step);
    Variance { num: step * step, den: 12 }.value()
}

fn around(centre: f64, half_width: f64) -> Interval {
    Interval { lo: centre - half_width, hi: centre + half_width }
}

fn quantile(freedom: usize) -> Result<f64> {
    student_t(freedom).ok_or_else(no_constant)
}

fn allowance(n: usize) -> Result<f64> {
    dishonesty_allowance(n).ok_or_else(no_constant)
}

fn too_many_subjects() -> Error {
    Error::internal("a cycle holds more subjects than can be scored")
}

fn no_constant() -> Error {
    Error::internal("no frozen constant for a panel of this size")
}
