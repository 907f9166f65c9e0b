//! L-3: does anything that can be put in order follow the order of arrival? Kendall's tau with the exact variance under
//! chance, that of all permutations; in one run, and in several together. What a newcomer would get wrong: a weak order is
//! one too, so the strength is judged against chance and not against a fixed number.

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Fewer values have no order that could be told from chance.
const VALUES_MIN: usize = 20;

/// Concordant less discordant pairs, their share, and the probability that chance is as strong in either direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tau {
    pub tau: f64,
    pub p: f64,
}

/// Concordant less discordant pairs, the variance of that among all permutations, and tau.
#[derive(Debug, Clone, Copy)]
struct Score {
    score: f64,
    variance: f64,
    tau: f64,
}

/// How far the values, which stand in the order of arrival, follow it; none where they are too few or all the same.
pub fn kendall(values: &[u128]) -> Option<Tau> {
    let Score { score, variance, tau } = score(values)?;
    Some(Tau { tau, p: two_sided(score / variance.sqrt()) })
}

/// One attribute over several runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pooled {
    /// The mean of the runs' taus.
    pub tau: f64,
    pub p: f64,
}

/// How far one attribute follows the order of arrival in several runs, each given as its values in that order.
///
/// Three questions, and the least of their probabilities counts three times. Whether the scores of all runs together are
/// further from zero than their variances allow: what makes an order makes it the same way in every run, so that the
/// scores add up where chance cancels, and twenty runs of 42 reviews show a tau of 0.13 as surely as one run of 840
/// does, though none of them shows it alone. Whether their squares are larger than chance makes them (chi-squared): this
/// finds an order that runs another way in each run. And whether any single run is too far out for as many runs as there
/// are: this finds an order that one run alone has.
pub fn pooled(runs: &[Vec<u128>]) -> Option<Pooled> {
    let scores: Vec<Score> = runs.iter().filter_map(|values| score(values)).collect();
    let count = scores.len() as f64;
    let variance: f64 = scores.iter().map(|one| one.variance).sum();
    let together = scores.iter().map(|one| one.score).sum::<f64>() / variance.sqrt();
    let squares = scores.iter().map(|one| one.score * one.score / one.variance);
    let furthest = squares.clone().fold(0.0, f64::max).sqrt();
    // No run, no freedom: such a distribution does not exist.
    let chi = ChiSquared::new(count).ok()?;
    let least = two_sided(together).min(chi.sf(squares.sum())).min(count * two_sided(furthest));
    let tau = scores.iter().map(|one| one.tau).sum::<f64>() / count;
    Some(Pooled { tau, p: (3.0 * least).min(1.0) })
}

fn score(values: &[u128]) -> Option<Score> {
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
    if n < VALUES_MIN || variance <= 0.0 {
        return None;
    }
    let tied: f64 = groups.into_iter().map(pairs).sum();
    let total = pairs(n as f64);
    let tau = score as f64 / (total * (total - tied)).sqrt();
    Some(Score { score: score as f64, variance, tau })
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

    /// Runs of 42 values, each in the order of arrival with this share and by chance otherwise.
    fn runs(count: usize, share: f64, is_turning: bool, dice: &mut Dice) -> Vec<Vec<u128>> {
        let mut run = |number: usize| {
            let turned = is_turning && number % 2 == 1;
            let mut value = |at: u128| {
                let own = if turned { 41 - at } else { at };
                if dice.unit() < share { own } else { u128::from(dice.below(42)) }
            };
            (0..42).map(&mut value).collect()
        };
        (0..count).map(&mut run).collect()
    }

    #[test]
    fn an_order_that_no_run_shows_is_seen_in_twenty() {
        let mut dice = Dice::new(3);
        let weak = runs(20, 0.4, false, &mut dice);
        let shown = weak.iter().filter(|run| kendall(run).unwrap().p < 1e-6).count();
        let all = pooled(&weak).unwrap();
        assert!(shown <= 1 && all.p < 1e-6 && all.tau > 0.1, "{shown} {all:?}");
    }

    #[test]
    fn an_order_that_turns_round_and_one_of_a_single_run_are_seen() {
        let mut dice = Dice::new(4);
        let turning = pooled(&runs(20, 0.5, true, &mut dice)).unwrap();
        assert!(turning.p < 1e-6 && turning.tau.abs() < 0.1, "{turning:?}");
        let mut single = runs(19, 0.0, false, &mut dice);
        single.push((0..42).collect());
        assert!(pooled(&single).unwrap().p < 1e-6);
    }

    #[test]
    fn twenty_runs_of_chance_are_chance() {
        let mut dice = Dice::new(5);
        let mut below = 0;
        for _ in 0..500 {
            below += u32::from(pooled(&runs(20, 0.0, false, &mut dice)).unwrap().p < 0.1);
        }
        // At most fifty are due: the three questions overlap.
        assert!((10..75).contains(&below), "{below} of 500 below 0.1");
        assert_eq!(pooled(&[]), None);
        assert_eq!(pooled(&[vec![7; 42]]), None);
    }

    #[test]
    fn the_normal_tail_is_right() {
        for (z, p) in [(0.0, 1.0), (1.959_964, 0.05), (-3.290_527, 0.001), (5.0, 5.733e-7)] {
            assert!((two_sided(z) / p - 1.0).abs() < 1e-3, "{z}");
        }
    }
}
