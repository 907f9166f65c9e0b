//! The simulated courts: judges who review each other, honest marks, and what dishonest reviewers put in their place. A
//! newcomer would score judges against their quality; they are scored against the mark that an honest colleague is
//! expected to give, so that the plain mean is right when nobody cheats.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::domain::scoring::rules::{
    Criterion, DECISION_MIN_FLOOR, DISPLAY_MIN_FLOOR, KEPT_MIN_FLOOR, PublishStep, RuleValues, Rules, Scale,
};
use crate::error::Result;

/// Judges of a court; each reviews and is reviewed.
pub(super) const JUDGES: usize = 300;
/// The judges who are attacked: 30 %.
pub(super) const ATTACKED: usize = 90;
/// Criteria of the instrument.
pub(super) const CRITERIA: usize = 8;

/// The lowest mark.
pub(super) const MIN: u8 = 1;
/// The highest mark.
pub(super) const MAX: u8 = 5;
/// How far judges differ in quality, in points.
const QUALITY: f64 = 0.45;
/// How far a judge's criteria differ from the judge's quality.
const DEVIATION: f64 = 0.25;
/// How far reviewers differ in noise, on the logarithm.
const NOISE_SPREAD: f64 = 0.3;

/// One kind of court, on a scale from 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct World {
    /// Its name.
    pub name: &'static str,
    mean: f64,
    severity: f64,
    halo: f64,
    noise: f64,
}

/// The world that the method was tuned in, and four others.
pub(super) const WORLDS: [World; 5] = [
    World { name: "tuned", mean: 3.7, severity: 0.40, halo: 0.40, noise: 0.60 },
    World { name: "noisy", mean: 3.4, severity: 0.33, halo: 0.60, noise: 1.00 },
    World { name: "quiet", mean: 3.7, severity: 0.20, halo: 0.26, noise: 0.43 },
    World { name: "severe", mean: 3.7, severity: 0.70, halo: 0.40, noise: 0.60 },
    World { name: "ceiling", mean: 4.3, severity: 0.40, halo: 0.40, noise: 0.60 },
];

/// What dishonest reviewers do to the judges who are attacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attack {
    /// Nothing.
    Honest,
    /// A fifth give top marks.
    Friends,
    /// A fifth give bottom marks.
    Retaliation,
    /// A fifth give top or bottom marks, each as a coin falls.
    Mixed,
    /// A fifth give the bottom mark on the first criterion and top marks elsewhere.
    Aimed,
}

/// The honest marks of one court.
pub(super) struct Court {
    /// By judge, the expected honest mark on each criterion.
    pub targets: Vec<[f64; CRITERIA]>,
    /// By judge, the reviews.
    pub reviews: Vec<Vec<[u8; CRITERIA]>>,
    /// By judge, a coin for each review, by which mixed attacks go.
    pub coins: Vec<u64>,
}

/// The mark that an honest reviewer is expected to give, by the true value; on a fine grid.
pub(super) struct Expectation {
    values: Vec<f64>,
}

/// The stream of chances of one court.
struct Chances {
    stream: ChaCha20Rng,
    spare: Option<f64>,
}

impl World {
    /// The court of a seed, a panel size and a repetition; the same arguments give the same court.
    pub fn court(&self, expectation: &Expectation, seed: u64, place: usize, n: usize, repetition: usize) -> Court {
        let mut chances = Chances::of(seed, [place as u64, n as u64, repetition as u64]);
        let noise: Vec<f64> = (0..JUDGES).map(|_| self.noise * (NOISE_SPREAD * chances.normal()).exp()).collect();
        let severity: Vec<f64> = (0..JUDGES).map(|_| self.severity * chances.normal()).collect();
        let order = chances.permutation();
        let truths: Vec<[f64; CRITERIA]> = (0..JUDGES)
            .map(|_| {
                let quality = self.mean + QUALITY * chances.normal();
                std::array::from_fn(|_| quality + DEVIATION * chances.normal())
            })
            .collect();
        let mut reviews: Vec<Vec<_>> = (0..JUDGES).map(|_| Vec::with_capacity(n)).collect();
        for (place, &reviewer) in order.iter().enumerate() {
            // Each reviews the next n of a circle in random order, and so is reviewed by the n before.
            for &judge in order.iter().cycle().skip(place + 1).take(n) {
                let (Some(truth), Some(severity), Some(noise)) =
                    (truths.get(judge), severity.get(reviewer), noise.get(reviewer))
                else {
                    continue;
                };
                let bias = severity + self.halo * chances.normal();
                let review = truth.map(|value| mark(value + bias + noise * chances.normal()));
                if let Some(of_judge) = reviews.get_mut(judge) {
                    of_judge.push(review);
                }
            }
        }
        Court {
            targets: truths.iter().map(|truth| truth.map(|value| expectation.of(value))).collect(),
            reviews,
            coins: (0..JUDGES).map(|_| chances.stream.next_u64()).collect(),
        }
    }
}

/// The nearest mark.
fn mark(value: f64) -> u8 {
    value.round().clamp(f64::from(MIN), f64::from(MAX)) as u8
}

impl Attack {
    /// The attacks of every panel size.
    pub const USUAL: [Attack; 4] = [Attack::Honest, Attack::Friends, Attack::Retaliation, Attack::Mixed];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Attack::Honest => "honest",
            Attack::Friends => "friends",
            Attack::Retaliation => "retaliation",
            Attack::Mixed => "mixed",
            Attack::Aimed => "aimed",
        }
    }

    /// The judges over whom errors are taken: those attacked, or all where none is.
    pub fn judges(self) -> usize {
        if self == Attack::Honest { JUDGES } else { ATTACKED }
    }

    /// Puts dishonest reviews in the place of honest ones.
    pub fn strike(self, reviews: &mut [[u8; CRITERIA]], coins: u64) {
        let fifth = (reviews.len() * 20 + 50) / 100;
        match self {
            Attack::Honest => {}
            Attack::Friends => reviews.iter_mut().take(fifth).for_each(|review| *review = [MAX; CRITERIA]),
            Attack::Retaliation => reviews.iter_mut().take(fifth).for_each(|review| *review = [MIN; CRITERIA]),
            Attack::Mixed => {
                for (place, review) in reviews.iter_mut().take(fifth).enumerate() {
                    *review = if coins >> place & 1 == 0 { [MAX; CRITERIA] } else { [MIN; CRITERIA] };
                }
            }
            Attack::Aimed => {
                let aimed = std::array::from_fn(|criterion| if criterion == 0 { MIN } else { MAX });
                reviews.iter_mut().take(fifth).for_each(|review| *review = aimed);
            }
        }
    }
}

impl Expectation {
    const LOWEST: f64 = -2.0;
    const PER_POINT: f64 = 200.0;
    const POINTS: usize = 2200;

    /// Computes the grid of a world: reviewers of every severity, halo and noise, marks rounded and clipped.
    pub fn of_world(world: &World) -> Expectation {
        let standard = Normal::standard();
        // The normal density over the logarithm of noise, in steps of a quarter of its deviation.
        let nodes: Vec<(f64, f64)> = (-20..=20)
            .map(|step| f64::from(step) / 4.0)
            .map(|z| (world.noise * (NOISE_SPREAD * z).exp(), (-z * z / 2.0).exp()))
            .collect();
        let weight: f64 = nodes.iter().map(|(_, weight)| weight).sum();
        let shared = world.severity.powi(2) + world.halo.powi(2);
        let expected = |value: f64| {
            let of_noise = |noise: f64| {
                let deviation = (shared + noise * noise).sqrt();
                let at_least = |mark: u8| standard.cdf((value - (f64::from(mark) - 0.5)) / deviation);
                f64::from(MIN) + (MIN + 1..=MAX).map(at_least).sum::<f64>()
            };
            nodes.iter().map(|&(noise, weight)| weight * of_noise(noise)).sum::<f64>() / weight
        };
        let at = |point: usize| expected(Self::LOWEST + point as f64 / Self::PER_POINT);
        Expectation { values: (0..Self::POINTS).map(at).collect() }
    }

    /// The expected mark of a true value, between two points of the grid.
    fn of(&self, value: f64) -> f64 {
        let place = ((value - Self::LOWEST) * Self::PER_POINT).clamp(0.0, (Self::POINTS - 2) as f64);
        let (below, part) = (place.floor() as usize, place.fract());
        let [low, high] = [below, below + 1].map(|point| self.values.get(point).copied().unwrap_or(f64::NAN));
        low + (high - low) * part
    }
}

impl Chances {
    fn of(seed: u64, names: [u64; 3]) -> Chances {
        let mut key = [0; 32];
        let words = std::iter::once(seed).chain(names).flat_map(u64::to_le_bytes);
        key.iter_mut().zip(words).for_each(|(byte, word)| *byte = word);
        Chances { stream: ChaCha20Rng::from_seed(key), spare: None }
    }

    /// Uniform in (0, 1].
    fn unit(&mut self) -> f64 {
        ((self.stream.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal, by Box and Muller, two at a time.
    fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * self.unit().ln()).sqrt();
        let (sine, cosine) = (std::f64::consts::TAU * self.unit()).sin_cos();
        self.spare = Some(radius * sine);
        radius * cosine
    }

    fn permutation(&mut self) -> Vec<usize> {
        let mut drawn: Vec<(u64, usize)> = (0..JUDGES).map(|judge| (self.stream.next_u64(), judge)).collect();
        drawn.sort_unstable();
        drawn.into_iter().map(|(_, judge)| judge).collect()
    }
}

/// The rules that the courts are scored by.
pub(super) fn rules() -> Result<Rules> {
    Rules::new(RuleValues {
        scale: Scale { min: MIN, max: MAX, step: 1 },
        criteria: (0..CRITERIA).map(|place| Criterion { code: format!("c{place}"), weight: 1, items: 1 }).collect(),
        display_min: DISPLAY_MIN_FLOOR,
        decision_min: DECISION_MIN_FLOOR,
        kept_min: KEPT_MIN_FLOOR,
        publish_step: PublishStep::Quarter,
        expected_hundredths: 300,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_mean_of_honest_marks_is_right_on_average() {
        for (place, world) in WORLDS.iter().enumerate() {
            let court = world.court(&Expectation::of_world(world), 1, place, 20, 0);
            let (mut marks, mut expected) = (0.0, 0.0);
            for (targets, reviews) in court.targets.iter().zip(&court.reviews) {
                assert_eq!(reviews.len(), 20);
                marks += reviews.iter().flatten().map(|mark| f64::from(*mark)).sum::<f64>() / 20.0;
                expected += targets.iter().sum::<f64>();
            }
            let error = (marks - expected) / (JUDGES * CRITERIA) as f64;
            assert!(error.abs() < 0.12, "{}: {error}", world.name);
        }
    }

    #[test]
    fn every_attack_replaces_as_many_reviews_as_it_says() {
        for (attack, n, replaced) in [
            (Attack::Honest, 10, 0),
            (Attack::Friends, 10, 2),
            (Attack::Retaliation, 15, 3),
            (Attack::Mixed, 10, 2),
            (Attack::Mixed, 5, 1),
            (Attack::Aimed, 10, 2),
        ] {
            let mut reviews = vec![[3; CRITERIA]; n];
            attack.strike(&mut reviews, 0b10);
            assert_eq!(reviews.iter().filter(|review| **review != [3; CRITERIA]).count(), replaced, "{attack:?} {n}");
        }
    }
}
