//! The score of a criterion: the level, plus how reviewers placed the criterion above or below their own mean.
//! A newcomer would expect the criterion scores to average exactly to the level; each difference is trimmed by
//! itself, so they need not.

use super::fraction::{Fraction, Variance};
use super::rules::Scale;
use super::trim::Trimmed;

/// The profile of one subject on one criterion, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// How many differences the profile is the mean of.
    pub kept: usize,
    /// P, the trimmed mean of the differences between the criterion's marks and the keys of their reviews.
    pub difference: Fraction,
    /// The level plus the difference, within the scale.
    pub score: Fraction,
    /// The winsorised variance of the differences, before the floor of rounding and before it is moderated.
    pub variance: Variance,
}

impl Profile {
    /// The profile of the trimmed differences beside the trimmed keys, both over the denominator `unit`.
    pub(super) fn of(differences: &Trimmed, keys: &Trimmed, unit: i64, scale: Scale) -> Profile {
        let (kept, keys_kept) = (differences.kept() as i64, keys.kept() as i64);
        let sum = keys.kept_sum * kept + differences.kept_sum * keys_kept;
        Profile {
            kept: differences.kept(),
            difference: differences.mean(unit),
            score: Fraction::new(sum, keys_kept * kept * unit).clamp(scale.min, scale.max),
            variance: differences.variance(unit),
        }
    }
}
