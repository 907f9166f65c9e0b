//! W-1: does blind signing take longer for some inputs than for others? Whoever asks for a signature chooses the number
//! that the private key works on, and could read the key from such differences.
//!
//! What a newcomer would get wrong: the classes are asked in turns of chance, never one after the other, as a machine has
//! slower and faster minutes; and the slowest few per cent are left out, as what interrupts a signature has nothing to do
//! with it but drowns what has.

use std::collections::BTreeMap;
use std::time::Instant;

use ejf::credential::blind_rsa::{IssuerKey, SIGNATURE_SIZE};
use openssl::bn::BigNum;
use openssl::rsa::Rsa;
use serde::{Deserialize, Serialize};

use crate::dice::Dice;
use crate::key_pool;
use crate::runs::{Scale, engines};
use crate::stage::Engine;

const SAMPLES: usize = 100_000;
/// Samples of the control, and of the look that the fast subset has.
const FEW: usize = 800;
/// The share of the slowest that is left out.
const CROPPED: f64 = 0.05;
/// Welch's t beyond which the classes differ.
const LIMIT: f64 = 4.5;

/// A kind of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// Any number, another each time; the others are held against it.
    Random,
    /// Any number, always the same.
    Fixed,
    /// A number of eight bytes.
    Small,
    /// A number that far below the modulus.
    NearModulus,
}

const CLASSES: [Class; 4] = [Class::Random, Class::Fixed, Class::Small, Class::NearModulus];

impl Class {
    fn name(self) -> &'static str {
        match self {
            Class::Random => "random",
            Class::Fixed => "fixed",
            Class::Small => "small",
            Class::NearModulus => "near the modulus",
        }
    }
}

/// What was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Timing {
    pub samples: usize,
    /// Milliseconds of the middle signature.
    pub median: f64,
    /// Welch's t of each class against random inputs.
    pub t: BTreeMap<String, f64>,
}

impl Timing {
    /// The classes that differ from random inputs.
    fn differing(&self) -> Vec<&str> {
        self.t.iter().filter(|(_, t)| t.abs() >= LIMIT).map(|(class, _)| class.as_str()).collect()
    }
}

#[test]
fn blind_signing_takes_as_long_for_every_class_of_input() {
    let scale = Scale::of_this_run();
    // No engine is asked; one look is enough.
    if !scale.is_whole() || !engines().iter().any(|engine| matches!(engine, Engine::Sqlite)) {
        return;
    }
    let key = key_pool::deal(1).remove(0);
    let timing = measure(&key, SAMPLES, |z| drop(key.blind_sign(z).unwrap()));
    scale.keep_as("timing", "blind signing", &timing);
    eprintln!("{timing:?}");
    assert_eq!(timing.differing(), [""; 0], "{timing:?}");
}

#[test]
fn a_signature_that_takes_longer_for_small_inputs_is_caught() {
    let key = key_pool::deal(1).remove(0);
    let timing = measure(&key, FEW, |z| {
        drop(key.blind_sign(z).unwrap());
        if z.starts_with(&[0; 64]) {
            drop(key.blind_sign(z).unwrap());
        }
    });
    assert!(timing.differing().contains(&"small"), "{timing:?}");
}

fn measure(key: &IssuerKey, samples: usize, mut sign: impl FnMut(&[u8])) -> Timing {
    let mut inputs = Inputs::new(key);
    let mut turns: Vec<Class> = CLASSES.into_iter().cycle().take(samples).collect();
    inputs.dice.shuffle(&mut turns);
    let mut times = Vec::with_capacity(samples);
    // All inputs lie at one place, so that none is nearer to the processor than another.
    let mut input = [0; SIGNATURE_SIZE];
    for class in turns {
        inputs.write(class, &mut input);
        let started = Instant::now();
        sign(&input);
        times.push((class, started.elapsed().as_nanos() as f64));
    }
    let mut sorted: Vec<f64> = times.iter().map(|(_, nanos)| *nanos).collect();
    sorted.sort_by(f64::total_cmp);
    let t = against_random(&times);
    Timing { samples, median: sorted[samples / 2] / 1e6, t }
}

/// Numbers of every class under one key.
struct Inputs {
    dice: Dice,
    modulus: BigNum,
    fixed: [u8; SIGNATURE_SIZE],
}

impl Inputs {
    fn new(key: &IssuerKey) -> Inputs {
        let modulus = Rsa::public_key_from_der(key.public().spki_der()).unwrap().n().to_owned().unwrap();
        let mut inputs = Inputs { dice: Dice::new(2027), modulus, fixed: [0; SIGNATURE_SIZE] };
        let mut fixed = [0; SIGNATURE_SIZE];
        inputs.write(Class::Random, &mut fixed);
        inputs.fixed = fixed;
        inputs
    }

    fn write(&mut self, class: Class, input: &mut [u8; SIGNATURE_SIZE]) {
        // The same is drawn for each class, so that nothing before the signature tells them apart.
        let drawn = self.dice.bytes::<SIGNATURE_SIZE>();
        let small = BigNum::from_slice(&[&[1], &drawn[..7]].concat()).unwrap();
        let mut random = BigNum::from_slice(&drawn).unwrap();
        if random >= self.modulus {
            // The modulus has its highest bit, so one subtraction is enough.
            random = &random - &self.modulus;
        }
        let near = &self.modulus - &small;
        let number = match class {
            Class::Random => random,
            Class::Fixed => BigNum::from_slice(&self.fixed).unwrap(),
            Class::Small => small,
            Class::NearModulus => near,
        };
        input.copy_from_slice(&number.to_vec_padded(i32::try_from(SIGNATURE_SIZE).unwrap()).unwrap());
    }
}

/// Welch's t of the logarithms of each class against those of random inputs, without the slowest of all.
fn against_random(times: &[(Class, f64)]) -> BTreeMap<String, f64> {
    let mut sorted: Vec<f64> = times.iter().map(|(_, nanos)| *nanos).collect();
    sorted.sort_by(f64::total_cmp);
    let limit = sorted[((sorted.len() - 1) as f64 * (1.0 - CROPPED)) as usize];
    let mut kept: BTreeMap<Class, Vec<f64>> = BTreeMap::new();
    for (class, nanos) in times.iter().filter(|(_, nanos)| *nanos <= limit) {
        kept.entry(*class).or_default().push(nanos.ln());
    }
    let t = |class: &Class| welch(kept.get(class).map_or(&[], Vec::as_slice), &kept[&Class::Random]);
    CLASSES[1..].iter().map(|class| (class.name().to_owned(), t(class))).collect()
}

/// Welch's t. A class of which too little is left differs beyond all bounds.
fn welch(one: &[f64], other: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let error = |values: &[f64]| {
        let mean = mean(values);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        squares / (values.len() as f64 - 1.0) / values.len() as f64
    };
    if one.len() < 2 || other.len() < 2 {
        return f64::MAX;
    }
    (mean(one) - mean(other)) / (error(one) + error(other)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times around two milliseconds with a long tail; those of small inputs are longer by this share.
    fn times(more: f64, seed: u64) -> Vec<(Class, f64)> {
        let mut dice = Dice::new(seed);
        let mut time = |class: Class| {
            let noise = 1.0 + 0.05 * (dice.unit() + dice.unit() + dice.unit() - 1.5);
            let tail = if dice.below(30) == 0 { dice.exponential(3.0) } else { 0.0 };
            let own = if class == Class::Small { 1.0 + more } else { 1.0 };
            (class, 2e6 * (noise + tail) * own)
        };
        (0..10_000).flat_map(|_| CLASSES).map(&mut time).collect()
    }

    #[test]
    fn a_third_of_a_hundredth_is_seen_and_chance_is_not() {
        for seed in 0..5 {
            let same = against_random(&times(0.0, seed));
            assert!(same.values().all(|t| t.abs() < LIMIT), "{same:?}");
        }
        let longer = against_random(&times(0.003, 9));
        assert!(longer["small"] > LIMIT && longer["fixed"].abs() < LIMIT, "{longer:?}");
        // What is so slow that the cropping takes it whole must not count as the same.
        assert!(welch(&[], &[1.0, 2.0]) > LIMIT);
    }
}
