//! How far marks lie apart, without letting a few far ones decide, and the flag of a review that lies far off. A
//! newcomer would delete what is flagged; a flag opens a look at how reviewers were drawn, and changes no score.

use super::pairs::Pairs;
use super::sorted;

/// Makes the median distance from the median a standard deviation under normality: 1 / quantile(3/4).
const MAD_CONSTANT: f64 = 1.482602218505602;

/// The constant of Sn, by Rousseeuw and Croux (1993).
const SN_CONSTANT: f64 = 1.1926;

/// The constant of Qn; early papers misprint it as 2.2219.
const QN_CONSTANT: f64 = 2.21914;

/// What makes Sn unbiased for 2 to 9 values, by Croux and Rousseeuw (1992).
const SN_SMALL: [f64; 8] = [0.743, 1.851, 0.954, 1.351, 0.993, 1.198, 1.005, 1.131];

/// What makes Qn unbiased for 2 to 12 values.
const QN_SMALL: [f64; 11] =
    [0.399356, 0.99365, 0.51321, 0.84401, 0.61220, 0.85877, 0.66993, 0.87344, 0.72014, 0.88906, 0.75743];

/// A review is flagged beyond this many standard deviations.
const FLAG_DEVIATIONS: f64 = 3.0;

/// MADN, the median distance from the median as a standard deviation; `None` without values.
pub fn mad(values: &[f64]) -> Option<f64> {
    let centre = median(&sorted(values))?;
    let distances: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    Some(MAD_CONSTANT * median(&sorted(&distances))?)
}

/// Sn: the low median of each value's high median distance to all values; `None` below two values.
pub fn sn(values: &[f64]) -> Option<f64> {
    let n = values.len();
    if n < 2 {
        return None;
    }
    let ascending = sorted(values);
    let high_medians: Vec<f64> = (0..n).filter_map(|place| nearest(&ascending, place, n / 2 + 1)).collect();
    let low_median = sorted(&high_medians).get(n.div_ceil(2) - 1).copied()?;
    let correction = match SN_SMALL.get(n - 2) {
        Some(correction) => *correction,
        None if n.is_multiple_of(2) => 1.0,
        None => n as f64 / (n as f64 - 0.9),
    };
    Some(SN_CONSTANT * correction * low_median)
}

/// Qn: about the lower quartile of all pairwise distances; `None` below two values.
pub fn qn(values: &[f64]) -> Option<f64> {
    let n = values.len();
    if n < 2 {
        return None;
    }
    let sorted = sorted(values);
    let half = n / 2 + 1;
    let distance = Pairs::distances(&sorted).smallest(half * (half - 1) / 2)?;
    let size = n as f64;
    let correction = match QN_SMALL.get(n - 2) {
        Some(correction) => *correction,
        None if n.is_multiple_of(2) => 1.0 / ((3.67561 + (1.9654 + (6.987 - 77.0 / size) / size) / size) / size + 1.0),
        None => 1.0 / ((1.60188 + (-2.1284 - 5.172 / size) / size) / size + 1.0),
    };
    Some(QN_CONSTANT * correction * distance)
}

/// How many keys lie more than three moderated standard deviations from the level.
///
/// In simulation it finds four of five retaliating reviews of a panel of ten, one in nine friendly ones, and flags one
/// honest review in seventy: a reason to look, never a proof.
pub fn flags(keys: &[f64], level: f64, deviation: f64) -> usize {
    keys.iter().filter(|key| (*key - level).abs() > FLAG_DEVIATIONS * deviation).count()
}

/// The middle value of a sorted sample, or the mean of the two in the middle.
pub(super) fn median(sorted: &[f64]) -> Option<f64> {
    let n = sorted.len();
    let low = sorted.get(n.div_ceil(2).checked_sub(1)?)?;
    let high = sorted.get(n / 2)?;
    Some(f64::midpoint(*low, *high))
}

/// The distance within which the value at `place` has `count` values, itself among them.
///
/// They stand side by side, so it is the reach of the best window of that length around the place: the further right a
/// window starts, the less it reaches to the left and the more to the right, and the best is where the two cross.
fn nearest(sorted: &[f64], place: usize, count: usize) -> Option<f64> {
    let value = sorted.get(place)?;
    let sides = |start: usize| Some((value - sorted.get(start)?, sorted.get(start + count - 1)? - value));
    let reach = |start: usize| sides(start).map(|(left, right)| left.max(right));
    let first = (place + 1).saturating_sub(count);
    let (mut low, mut high) = (first, place.min(sorted.len() - count));
    while low < high {
        let middle = usize::midpoint(low, high);
        let (left, right) = sides(middle)?;
        if left > right {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let before = low.checked_sub(1).filter(|before| *before >= first).and_then(reach);
    reach(low).map(|here| before.map_or(here, |before| before.min(here)))
}
