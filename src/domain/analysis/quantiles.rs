//! Quantiles and tails for intervals whose confidence a user chooses. A newcomer would take the intervals of published
//! results from here; those use the constants frozen in [`crate::domain::scoring::constants`].

use crate::domain::scoring::constants;
use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal, StudentsT};

/// Above this many degrees of freedom the library's search loses digits (1.83 instead of 1.96 at ten million), and the
/// expansion about the normal quantile is exact to 1e-12.
const FREEDOM_OF_EXPANSION: usize = 2000;

/// The quantile t with which mean -+ t x standard error covers `confidence` of all samples.
///
/// `None` without a degree of freedom or for a confidence that is not strictly between 0 and 1.
pub fn student_t(freedom: usize, confidence: f64) -> Option<f64> {
    if freedom == 0 {
        return None;
    }
    let frozen = constants::student_t(freedom).filter(|_| confidence == 0.95);
    if frozen.is_some() {
        return frozen;
    }
    let z = normal(confidence)?;
    let freedom = freedom as f64;
    if freedom > FREEDOM_OF_EXPANSION as f64 {
        // Abramowitz and Stegun 26.7.5.
        let first = (z.powi(3) + z) / 4.0;
        let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
        let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
        return Some(z + first / freedom + second / freedom.powi(2) + third / freedom.powi(3));
    }
    // The only error is a parameter out of range.
    let distribution = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(distribution.inverse_cdf(upper_tail(confidence)))
}

/// The quantile z with which -z to z covers `confidence` of the standard normal distribution.
pub fn normal(confidence: f64) -> Option<f64> {
    let is_open = confidence > 0.0 && confidence < 1.0;
    is_open.then(|| Normal::standard().inverse_cdf(upper_tail(confidence)))
}

/// The probability of at most `count` successes in `n` trials.
///
/// `None` for a probability that is not from 0 to 1.
pub fn binomial_at_most(count: usize, n: usize, probability: f64) -> Option<f64> {
    // The only error is a probability out of range, here and below.
    let distribution = Binomial::new(probability, n as u64).ok()?;
    Some(distribution.cdf(count as u64))
}

/// The probability of at least `count` successes in `n` trials.
pub fn binomial_at_least(count: usize, n: usize, probability: f64) -> Option<f64> {
    let distribution = Binomial::new(probability, n as u64).ok()?;
    Some(count.checked_sub(1).map_or(1.0, |below| distribution.sf(below as u64)))
}

fn upper_tail(confidence: f64) -> f64 {
    f64::midpoint(1.0, confidence)
}
