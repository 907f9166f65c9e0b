//! Every estimator of one panel's centre that somebody might propose instead of the product's rule, by name. A newcomer
//! would pick the one that looks best on one cycle; which was chosen, and why, is in `docs/scoring.md`.

use super::location::Sample;
use super::sorted;
use std::fmt;
use std::str::FromStr;

/// Where Huber's weights begin to fall, in scales: 95 % efficient under normality.
const HUBER_K: f64 = 1.345;

/// Where Tukey's weights end, in scales: 95 % efficient under normality.
const BIWEIGHT_C: f64 = 4.685;

/// Beyond how many scales the filter drops a value.
const FILTER_LIMIT: f64 = 2.5;

/// An estimator of location for one panel. [`FromStr`] and [`Display`](fmt::Display) use the names in backticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimator {
    /// `mean`: the plain mean; Student's interval.
    Mean,
    /// `median`: the middle value; interval between order statistics.
    Median,
    /// `trimmed:0.2`: the mean after the floor of that share of the values is set aside on each side; Yuen's interval.
    Trimmed(Share),
    /// `trimmed-fractional:0.2`: the mean after exactly that share on each side; no interval.
    TrimmedFractional(Share),
    /// `winsorized:0.2`: the mean after those values are replaced by the nearest kept one; Dixon and Tukey's interval.
    Winsorized(Share),
    /// `interquartile`: `trimmed-fractional:0.25`.
    Interquartile,
    /// `hodges-lehmann`: the median of all pairwise means; the inverted signed-rank test.
    HodgesLehmann,
    /// `huber`: k = 1.345, scale the larger of MADN and half a step, fixed; no interval.
    Huber,
    /// `biweight`: Tukey's, c = 4.685, the same scale; no interval.
    Biweight,
    /// `mad-filter`: the mean of the values within 2.5 MADN of the median; Student's interval on them, which is too short.
    MadFilter,
    /// `least-trimmed`: the mean of the closest neighbours, all but n div 4 of the values; no interval.
    LeastTrimmed,
}

/// A share of a panel, at least 0 and below one half, in whole millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    millionths: u32,
}

/// What an estimator says of one panel. The interval is not clipped to the scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub score: f64,
    /// The lower end of the interval, where one is defined.
    pub lo: Option<f64>,
    /// The upper end of the interval, where one is defined.
    pub hi: Option<f64>,
}

impl Estimator {
    /// Estimates the centre of a panel; the order of the values changes no bit.
    ///
    /// `None` without values or with one that is not a finite number. `scale_step` is the distance of neighbouring
    /// marks. A confidence that is not strictly between 0 and 1 gives no interval, and neither does a single value.
    pub fn estimate(&self, values: &[f64], scale_step: f64, confidence: f64) -> Option<Estimate> {
        if !values.iter().all(|value| value.is_finite()) {
            return None;
        }
        let sorted = sorted(values);
        let n = sorted.len();
        let sample = Sample { sorted: &sorted, scale_step, confidence };
        match self {
            Estimator::Mean => sample.mean(),
            Estimator::Median => sample.median(),
            Estimator::Trimmed(share) => sample.trimmed(share.of(n).0),
            Estimator::TrimmedFractional(share) => fractional(sample, *share),
            Estimator::Winsorized(share) => sample.winsorised(share.of(n).0),
            Estimator::Interquartile => fractional(sample, Share::QUARTER),
            Estimator::HodgesLehmann => sample.hodges_lehmann(),
            Estimator::Huber => sample.huber(HUBER_K),
            Estimator::Biweight => sample.biweight(BIWEIGHT_C),
            Estimator::MadFilter => sample.filtered(FILTER_LIMIT),
            Estimator::LeastTrimmed => sample.least_trimmed(n / 4),
        }
    }
}

fn fractional(sample: Sample<'_>, share: Share) -> Option<Estimate> {
    let (whole, part) = share.of(sample.sorted.len());
    sample.trimmed_fractional(whole, part)
}

impl Share {
    const QUARTER: Share = Share { millionths: Share::WHOLE / 4 };

    const WHOLE: u32 = 1_000_000;

    /// The whole number of `n` values that the share is, rounded down, and the part of one that is left.
    fn of(self, n: usize) -> (usize, f64) {
        let (product, whole) = (n as u128 * u128::from(self.millionths), u128::from(Share::WHOLE));
        ((product / whole) as usize, (product % whole) as f64 / whole as f64)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:06}", self.millionths);
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() { f.write_str("0") } else { write!(f, "0.{digits}") }
    }
}

impl FromStr for Share {
    type Err = UnknownEstimator;

    fn from_str(text: &str) -> Result<Share, UnknownEstimator> {
        let refused = || UnknownEstimator::Share(text.to_owned());
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let is_plain = decimals.len() <= 6 && decimals.bytes().all(|byte| byte.is_ascii_digit());
        if !matches!(whole, "0" | "") || !is_plain || text.is_empty() || text == "." {
            return Err(refused());
        }
        let millionths: u32 = format!("{decimals:0<6}").parse().map_err(|_| refused())?;
        if millionths >= Share::WHOLE / 2 {
            return Err(refused());
        }
        Ok(Share { millionths })
    }
}

impl fmt::Display for Estimator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Estimator::Mean => f.write_str("mean"),
            Estimator::Median => f.write_str("median"),
            Estimator::Trimmed(share) => write!(f, "trimmed:{share}"),
            Estimator::TrimmedFractional(share) => write!(f, "trimmed-fractional:{share}"),
            Estimator::Winsorized(share) => write!(f, "winsorized:{share}"),
            Estimator::Interquartile => f.write_str("interquartile"),
            Estimator::HodgesLehmann => f.write_str("hodges-lehmann"),
            Estimator::Huber => f.write_str("huber"),
            Estimator::Biweight => f.write_str("biweight"),
            Estimator::MadFilter => f.write_str("mad-filter"),
            Estimator::LeastTrimmed => f.write_str("least-trimmed"),
        }
    }
}

impl FromStr for Estimator {
    type Err = UnknownEstimator;

    fn from_str(text: &str) -> Result<Estimator, UnknownEstimator> {
        let (name, share) = match text.split_once(':') {
            Some((name, share)) => (name, Some(share)),
            None => (text, None),
        };
        let of_share = |make: fn(Share) -> Estimator| match share {
            Some(share) => Ok(make(share.parse()?)),
            None => Err(UnknownEstimator::ShareMissing(name.to_owned())),
        };
        let plain = match name {
            "trimmed" => return of_share(Estimator::Trimmed),
            "trimmed-fractional" => return of_share(Estimator::TrimmedFractional),
            "winsorized" => return of_share(Estimator::Winsorized),
            "mean" => Estimator::Mean,
            "median" => Estimator::Median,
            "interquartile" => Estimator::Interquartile,
            "hodges-lehmann" => Estimator::HodgesLehmann,
            "huber" => Estimator::Huber,
            "biweight" => Estimator::Biweight,
            "mad-filter" => Estimator::MadFilter,
            "least-trimmed" => Estimator::LeastTrimmed,
            _ => return Err(UnknownEstimator::Name(name.to_owned())),
        };
        if share.is_some() {
            return Err(UnknownEstimator::ShareSurplus(name.to_owned()));
        }
        Ok(plain)
    }
}

/// Why a text names no estimator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownEstimator {
    /// No estimator has this name.
    #[error(
        "`{0}` is no estimator; choose mean, median, trimmed:0.2, trimmed-fractional:0.2, winsorized:0.2, \
         interquartile, hodges-lehmann, huber, biweight, mad-filter, least-trimmed or kept-reviews"
    )]
    Name(String),
    /// It needs to be told how much to set aside.
    #[error("`{0}` needs the share to set aside on each side, as in {0}:0.2")]
    ShareMissing(String),
    /// It has no such choice.
    #[error("`{0}` takes no share; write {0} alone")]
    ShareSurplus(String),
    /// The share is not one.
    #[error("`{0}` is no share of each side; write a number from 0 to below 0.5 with at most six decimals, as in 0.2")]
    Share(String),
}
