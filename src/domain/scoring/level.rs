//! The overall score: reviews are ranked by their own mean, the highest and lowest are set aside, the rest averaged.
//! A newcomer would trim each criterion by itself, which makes favouritism worse on a short scale.

use super::fraction::{Divisors, Fraction, Variance};
use super::trim::Trimmed;

/// The level of one subject, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// How many reviews were set aside on each side. Never leaves the service.
    pub set_aside: usize,
    /// How many reviews the score is the mean of.
    pub kept: usize,
    /// T, the mean key of the kept reviews.
    pub score: Fraction,
    /// The lower end of the resilience band: the mean of all keys but the `set_aside` highest. Never leaves the service.
    ///
    /// If at most `set_aside` reviews are dishonest, whatever they say, the mean of the honest ones is within the band,
    /// and so is the score: the honest keys number at least n - `set_aside`, so their mean is at least the mean of
    /// their own n - `set_aside` lowest, which is at least the mean of the n - `set_aside` lowest of all.
    pub resilience_lo: Fraction,
    /// The upper end of the resilience band: the mean of all keys but the `set_aside` lowest. Never leaves the service.
    pub resilience_hi: Fraction,
    /// The winsorised variance of the keys, before it is moderated.
    pub variance: Variance,
}

impl Level {
    /// The level of the trimmed keys with their one-sided sums, all over the denominator `unit`.
    pub(super) fn of(keys: &Trimmed, (low_sum, high_sum): (i64, i64), unit: i64, divisors: &mut Divisors) -> Level {
        let all_but_one_side = (keys.n - keys.set_aside) as i64 * unit;
        Level {
            set_aside: keys.set_aside,
            kept: keys.kept(),
            score: divisors.reduce(keys.kept_sum, keys.kept() as i64 * unit),
            resilience_lo: divisors.reduce(low_sum, all_but_one_side),
            resilience_hi: divisors.reduce(high_sum, all_but_one_side),
            variance: keys.variance(unit),
        }
    }
}
