//! L-3: does anything that can be put in order follow the order of arrival? Kendall's tau with the exact variance under
//! chance. What a newcomer would get wrong: a weak order is one too, so the strength is judged against chance and not
//! against a fixed number.

/// Concordant less discordant pairs, their share, and the probability that chance is as strong in either direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tau {
    pub tau: f64,
    pub p: f64,
}

/// How far the values, which stand in the order of arrival, follow it; none where they are too few or all the same.
pub fn kendall(values: &[u128]) -> Option<Tau> {
    let n = values.len();
    let mut score: i64 = 0;
    for (at, one) in values.iter().enumerate() {
        for other in &values[at + 1..] {
            score += i64::from(other > one) - i64::from(other < one);
        }
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let spread = |count: f64| count * (count - 1.0) * (2.0 * count + 5.0);
    let pairs = |count: f64| count * (count - 1.0) / 2.0;
    let groups: Vec<f64> = sorted.chunk_by(|a, b| a == b).map(|group| group.len() as f64).collect();
    let variance = (spread(n as f64) - groups.iter().copied().map(spread).sum::<f64>()) / 18.0;
    if n < 20 || variance <= 0.0 {
        return None;
    }
    let tied: f64 = groups.into_iter().map(pairs).sum();
    let total = pairs(n as f64);
    let tau = score as f64 / (total * (total - tied)).sqrt();
    Some(Tau { tau, p: two_sided(score as f64 / variance.sqrt()) })
}

/// The probability of a standard normal value at least so far from zero.
pub fn two_sided(z: f64) -> f64 {
    // Numerical Recipes' rational approximation of erfc; its relative error is below 1.2e-7.
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    let coefficients = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ];
    let sum = coefficients.iter().fold(0.0, |sum, coefficient| sum * t + coefficient);
    t * (-x * x + sum).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;

    #[test]
    fn order_is_seen_and_chance_is_not() {
        let rising: Vec<u128> = (0..100).collect();
        let tau = kendall(&rising).unwrap();
        assert!((tau.tau - 1.0).abs() < 1e-9 && tau.p < 1e-20);
        let falling: Vec<u128> = (0..100).rev().collect();
        assert!((kendall(&falling).unwrap().tau + 1.0).abs() < 1e-9);
        assert_eq!(kendall(&[7; 100]), None);
        let days: Vec<u128> = (0..100).map(|at| at / 8).collect();
        assert!(kendall(&days).unwrap().p < 1e-12, "ties hide nothing");
    }

    #[test]
    fn under_chance_the_probability_is_even() {
        let mut dice = Dice::new(7);
        let mut below = 0;
        for _ in 0..2000 {
            let mut values: Vec<u128> = (0..60).map(|at| at / 2).collect();
            dice.shuffle(&mut values);
            below += u32::from(kendall(&values).unwrap().p < 0.1);
        }
        assert!((150..250).contains(&below), "{below} of 2000 below 0.1");
    }

    #[test]
    fn the_normal_tail_is_right() {
        for (z, p) in [(0.0, 1.0), (1.959_964, 0.05), (-3.290_527, 0.001), (5.0, 5.733e-7)] {
            assert!((two_sided(z) / p - 1.0).abs() < 1e-3, "{z}");
        }
    }
}
