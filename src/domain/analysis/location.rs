//! The formulas behind [`super::estimators::Estimator`], each on a sorted sample. A newcomer would compute how many
//! values to set aside in floats: the floor of 0.29 x 100 is 28 there, so counts come in as whole numbers.

use super::estimators::Estimate;
use super::pairs::Pairs;
use super::scale::{mad, median};
use super::{mean, quantiles, squares};

/// Rounds after which reweighting ends even where it has not settled.
const ROUNDS_MAX: usize = 2000;

/// The most values for which the signed-rank distribution is computed and not approximated.
const SIGNED_RANK_EXACT_MAX: usize = 100;

/// A sorted sample, what is asked of it and the step of its scale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample<'a> {
    pub sorted: &'a [f64],
    pub scale_step: f64,
    pub confidence: f64,
}

impl Sample<'_> {
    /// The plain mean with Student's interval.
    pub fn mean(self) -> Option<Estimate> {
        student(self.sorted, self.confidence)
    }

    /// The mean of what is left after `set_aside` values a side, with Yuen's interval.
    pub fn trimmed(self, set_aside: usize) -> Option<Estimate> {
        let kept = self.kept(set_aside)?;
        let h = kept.len() as f64;
        // Yuen's s_w x sqrt((n - 1) / (h (h - 1))) with the n - 1 of s_w cancelled.
        let error = (squares(&self.winsorise(set_aside)?) / (h * (h - 1.0))).sqrt();
        self.around(mean(kept)?, error, kept.len())
    }

    /// The mean after `set_aside + part` values a side, the last of them in part; no interval is defined for it.
    pub fn trimmed_fractional(self, set_aside: usize, part: f64) -> Option<Estimate> {
        let kept = self.kept(set_aside)?;
        let ends = kept.first()? + kept.last()?;
        let sum = kept.iter().sum::<f64>() - part * ends;
        Some(point(sum / (kept.len() as f64 - 2.0 * part)))
    }

    /// The mean after `set_aside` values a side are replaced by the nearest kept one, with Dixon and Tukey's interval.
    pub fn winsorised(self, set_aside: usize) -> Option<Estimate> {
        let values = self.winsorise(set_aside)?;
        let kept = self.kept(set_aside)?.len();
        let (n, h) = (values.len() as f64, kept as f64);
        let deviation = (squares(&values) / (n - 1.0)).sqrt();
        let error = deviation * (n - 1.0) / ((h - 1.0) * n.sqrt());
        self.around(mean(&values)?, error, kept)
    }

    /// The median, with the interval between two of the values.
    pub fn median(self) -> Option<Estimate> {
        let score = median(self.sorted)?;
        Some(self.between(score, self.ranks_outside(), |rank| self.sorted.get(rank - 1).copied(), self.sorted.len()))
    }

    /// The median of all pairwise means, with the interval that inverts the signed-rank test.
    pub fn hodges_lehmann(self) -> Option<Estimate> {
        let pairs = Pairs::means(self.sorted);
        let score = pairs.median()?;
        let outside = signed_ranks_outside(self.sorted.len(), 1.0 - self.confidence);
        Some(self.between(score, outside, |rank| pairs.smallest(rank), pairs.count()))
    }

    /// Huber's estimate: far values weigh less, in proportion to their distance beyond `k` scales.
    pub fn huber(self, k: f64) -> Option<Estimate> {
        self.reweighted(|distance| if distance <= k { 1.0 } else { k / distance })
    }

    /// Tukey's estimate: values beyond `c` scales weigh nothing.
    pub fn biweight(self, c: f64) -> Option<Estimate> {
        self.reweighted(|distance| (1.0 - (distance / c).powi(2)).max(0.0).powi(2))
    }

    /// The mean of the values within `limit` scales of the median, with Student's interval as if nothing were dropped.
    pub fn filtered(self, limit: f64) -> Option<Estimate> {
        let (centre, scale) = (median(self.sorted)?, mad(self.sorted)?);
        let near = self.sorted.iter().copied().filter(|value| (value - centre).abs() <= limit * scale);
        student(&near.collect::<Vec<_>>(), self.confidence)
    }

    /// The mean of the neighbours, all but `dropped`, that lie closest together; of several such sets, their mean.
    pub fn least_trimmed(self, dropped: usize) -> Option<Estimate> {
        let windows = self.sorted.windows(self.sorted.len().checked_sub(dropped)?.max(1));
        let spreads: Vec<(f64, f64)> = windows.filter_map(|window| Some((squares(window), mean(window)?))).collect();
        let least = spreads.iter().map(|(spread, _)| *spread).min_by(f64::total_cmp)?;
        let near_least = spreads.iter().filter(|(spread, _)| *spread <= least + 1e-9 * (1.0 + least));
        Some(point(mean(&near_least.map(|(_, centre)| *centre).collect::<Vec<_>>())?))
    }

    fn kept(&self, set_aside: usize) -> Option<&[f64]> {
        self.sorted.get(set_aside..self.sorted.len().checked_sub(set_aside)?).filter(|kept| !kept.is_empty())
    }

    fn winsorise(&self, set_aside: usize) -> Option<Vec<f64>> {
        let kept = self.kept(set_aside)?;
        let (first, last) = (*kept.first()?, *kept.last()?);
        Some(self.sorted.iter().map(|value| value.clamp(first, last)).collect())
    }

    /// Iteratively reweighted from the median, with the scale fixed at MADN and never below half a step.
    fn reweighted(self, weight: impl Fn(f64) -> f64) -> Option<Estimate> {
        let scale = mad(self.sorted)?.max(self.scale_step / 2.0);
        let mut centre = median(self.sorted)?;
        if scale <= 0.0 {
            return Some(point(centre));
        }
        for _ in 0..ROUNDS_MAX {
            let (mut sum, mut total) = (0.0, 0.0);
            for value in self.sorted {
                let weight = weight((value - centre).abs() / scale);
                sum += weight * value;
                total += weight;
            }
            let next = sum / total;
            let is_settled = (next - centre).abs() <= 1e-12 * centre.abs().max(1.0);
            centre = next;
            if is_settled {
                break;
            }
        }
        Some(point(centre))
    }

    /// `score` -+ t(kept - 1) x `error`; without an interval where that has no meaning.
    fn around(self, score: f64, error: f64, kept: usize) -> Option<Estimate> {
        let half = quantiles::student_t(kept.saturating_sub(1), self.confidence).map(|quantile| quantile * error);
        let half = half.filter(|half| half.is_finite());
        Some(Estimate { score, lo: half.map(|half| score - half), hi: half.map(|half| score + half) })
    }

    /// The largest r with 2 P(Bin(n, 1/2) <= r) at most what may miss; `None` where even 0 is too much.
    fn ranks_outside(self) -> Option<usize> {
        let n = self.sorted.len();
        let tail = |rank: usize| quantiles::binomial_at_most(rank, n, 0.5);
        let fits = |rank: usize| tail(rank).is_some_and(|tail| 2.0 * tail <= 1.0 - self.confidence);
        if !fits(0) {
            return None;
        }
        let (mut low, mut high) = (0, n / 2 + 1);
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            if fits(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(low)
    }

    /// From the first value that is not `outside` to the last; the whole range where the confidence cannot be had.
    fn between(
        self,
        score: f64,
        outside: Option<usize>,
        at_rank: impl Fn(usize) -> Option<f64>,
        count: usize,
    ) -> Estimate {
        let is_meant = self.sorted.len() > 1 && self.confidence > 0.0 && self.confidence < 1.0;
        let outside = is_meant.then_some(outside.unwrap_or(0));
        let lo = outside.and_then(|outside| at_rank(outside + 1));
        let hi = outside.and_then(|outside| at_rank(count - outside));
        Estimate { score, lo, hi }
    }
}

fn point(score: f64) -> Estimate {
    Estimate { score, lo: None, hi: None }
}

fn student(values: &[f64], confidence: f64) -> Option<Estimate> {
    let n = values.len() as f64;
    let error = (squares(values) / (n - 1.0) / n).sqrt();
    Sample { sorted: values, scale_step: 0.0, confidence }.around(mean(values)?, error, values.len())
}

/// The largest signed-rank sum of `n` values whose lower tail is at most half of `miss`; `None` where none is.
fn signed_ranks_outside(n: usize, miss: f64) -> Option<usize> {
    if n > SIGNED_RANK_EXACT_MAX {
        let n = n as f64;
        let (centre, variance) = (n * (n + 1.0) / 4.0, n * (n + 1.0) * (2.0 * n + 1.0) / 24.0);
        let cut = (centre - quantiles::normal(1.0 - miss)? * variance.sqrt() - 0.5).floor();
        return (cut >= 0.0).then_some(cut as usize);
    }
    let mut probabilities = vec![1.0];
    for rank in 1..=n {
        let none = std::iter::repeat_n(0.0, rank);
        let without = probabilities.iter().copied().chain(none.clone());
        let with = none.chain(probabilities.iter().copied());
        probabilities = without.zip(with).map(|(a, b)| f64::midpoint(a, b)).collect();
    }
    let mut tail = 0.0;
    let fitting = probabilities.iter().take_while(|probability| {
        tail += **probability;
        2.0 * tail <= miss
    });
    fitting.count().checked_sub(1)
}
