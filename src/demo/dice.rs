//! The chances of the demonstration, all from its seed. A newcomer would keep one stream and draw from it as things
//! happen; then whoever answers first would change every figure. Each thing has a stream of its own, by its name.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::credential::encoding::sha256;

/// How many uniform numbers make one normal one.
const UNIFORMS_PER_NORMAL: usize = 12;

/// One stream of chances.
pub(super) struct Dice(ChaCha20Rng);

impl Dice {
    /// The stream of a purpose, a thing's name and a number, under the demonstration's seed.
    pub fn of(seed: u64, purpose: &str, name: &str, number: usize) -> Dice {
        let parts = format!("ejf demo\0{seed}\0{purpose}\0{name}\0{number}");
        Dice(ChaCha20Rng::from_seed(sha256(&[parts.as_bytes()]).0))
    }

    /// A number from 0 to `bound` - 1; 0 where `bound` is 0. The slight favour of low numbers does no harm here.
    pub fn below(&mut self, bound: usize) -> usize {
        let word = u64::from(self.0.next_u32());
        usize::try_from((word * bound as u64) >> 32).unwrap_or(0)
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / 4_294_967_296.0
    }

    /// Normal about 0, as the sum of twelve uniform numbers: additions alone, which every machine rounds alike.
    pub fn normal(&mut self, deviation: f64) -> f64 {
        let sum: f64 = (0..UNIFORMS_PER_NORMAL).map(|_| self.unit()).sum();
        (sum - UNIFORMS_PER_NORMAL as f64 / 2.0) * deviation
    }

    /// One of the values, or `None` where there is none.
    pub fn pick<'a, T>(&mut self, values: &'a [T]) -> Option<&'a T> {
        values.get(self.below(values.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_gives_the_same_chances_and_another_name_others() {
        let first = |name: &str, number| Dice::of(1, "review", name, number).0.next_u64();
        assert_eq!(first("S001", 0), first("S001", 0));
        assert_ne!(first("S001", 0), first("S001", 1));
        assert_ne!(first("S001", 0), first("S002", 0));
        assert_ne!(first("S001", 0), Dice::of(2, "review", "S001", 0).0.next_u64());
    }

    #[test]
    fn normal_chances_have_the_mean_and_deviation_asked_for() {
        let mut dice = Dice::of(1, "test", "", 0);
        let drawn: Vec<f64> = (0..20_000).map(|_| dice.normal(0.5)).collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let variance = drawn.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.02 && (variance - 0.25).abs() < 0.01, "{mean} {variance}");
    }

    #[test]
    fn a_bounded_chance_stays_below_its_bound_and_reaches_all() {
        let mut dice = Dice::of(1, "test", "", 1);
        let seen: std::collections::BTreeSet<usize> = (0..200).map(|_| dice.below(4)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(dice.below(0), 0);
    }
}
