//! The score of a criterion: the level, plus how reviewers placed the criterion above or below their own mean.
//! A newcomer would expect the criterion scores to average exactly to the level; each difference is trimmed by
//! itself, so they need not.

use super::fraction::{Divisors, Fraction, Variance};
use super::rules::Scale;
use super::trim::Trimmed;

/// The profile of one subject on one criterion, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// How many differences the profile is the mean of.
    pub kept: usize,
    /// What P is the fraction of, which nobody reduces who does not ask for it.
    difference: (i64, i64),
    /// The level plus the difference, within the scale.
    pub score: Fraction,
    /// The winsorised variance of the differences, before the floor of rounding and before it is moderated.
    pub variance: Variance,
}

impl Profile {
    /// P, the trimmed mean of the differences between the criterion's marks and the keys of their reviews.
    pub fn difference(&self) -> Fraction {
        let (sum, denominator) = self.difference;
        Fraction::new(sum, denominator)
    }

    /// The profile of the trimmed differences beside the trimmed keys, both over the denominator `unit`.
    pub(super) fn of(
        differences: &Trimmed,
        keys: &Trimmed,
        unit: i64,
        scale: Scale,
        divisors: &mut Divisors,
    ) -> Profile {
        let (kept, keys_kept) = (differences.kept() as i64, keys.kept() as i64);
        // Where as many are kept, which is the rule, the smaller fraction is the quicker one to reduce.
        let (sum, denominator) = match kept == keys_kept {
            true => (keys.kept_sum + differences.kept_sum, kept * unit),
            false => (keys.kept_sum * kept + differences.kept_sum * keys_kept, keys_kept * kept * unit),
        };
        Profile {
            kept: differences.kept(),
            difference: (differences.kept_sum, kept * unit),
            score: divisors.reduce(sum, denominator).clamp(scale.min, scale.max),
            variance: differences.variance(unit),
        }
    }
}
