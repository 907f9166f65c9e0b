//! Agreement of marks that needs no author's name: Krippendorff's alpha, r_wg, and Cronbach's alpha of the criteria.
//! A newcomer would fill a missing mark with a zero or a mean; it is left out.

use super::super::{Unknown, at_least, sorted, squares};

/// How Krippendorff's alpha weighs a disagreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Different is different.
    Nominal,
    /// By how many of the values lie between, whatever the distance.
    Ordinal,
    /// By the squared distance.
    Interval,
    /// By the squared distance in proportion to the sum; for values above a true zero.
    Ratio,
}

/// Krippendorff's alpha of units that each hold any number of values: 1 is full agreement, 0 is chance.
///
/// Needs two values in one unit; units of one value are left out.
pub fn krippendorff(units: &[Vec<f64>], metric: Metric) -> Result<f64, Unknown> {
    let mut pairable: Vec<Vec<f64>> = units.iter().filter(|unit| unit.len() > 1).map(|unit| sorted(unit)).collect();
    at_least("subjects with two values", 1, pairable.len())?;
    if metric == Metric::Ordinal {
        to_ranks(&mut pairable);
    }
    let expected = disagreement(&counts(&sorted(&pairable.concat())), metric);
    if expected <= 0.0 {
        return Err(Unknown::NoVariation);
    }
    let observed: f64 = pairable.iter().map(|unit| disagreement(&counts(unit), metric)).sum();
    Ok(1.0 - observed / expected)
}

/// Puts in place of each value the mean of its ranks among all: their distance is how many values lie between two, each
/// end counted half, which is the ordinal metric.
fn to_ranks(units: &mut [Vec<f64>]) {
    let all = sorted(&units.concat());
    for value in units.iter_mut().flatten() {
        let (below, up_to) = (all.partition_point(|other| other < value), all.partition_point(|other| other <= value));
        *value = f64::midpoint(below as f64, up_to as f64);
    }
}

/// The values of a sorted sample and how often each stands in it.
fn counts(sorted: &[f64]) -> Vec<(f64, f64)> {
    sorted.chunk_by(|a, b| a == b).filter_map(|equal| Some((*equal.first()?, equal.len() as f64))).collect()
}

/// The sum of the weights of all ordered pairs of a sample, over one less than its size.
fn disagreement(sample: &[(f64, f64)], metric: Metric) -> f64 {
    let size: f64 = sample.iter().map(|(_, count)| count).sum();
    let weight: fn(f64, f64) -> f64 = match metric {
        Metric::Nominal => |_, _| 1.0,
        Metric::Ratio => |low, high| ((high - low) / (high + low)).powi(2),
        Metric::Ordinal | Metric::Interval => {
            // The squared distances of all pairs are twice the size times the squares about the mean, without a double
            // loop.
            let mean = sample.iter().map(|(value, count)| value * count).sum::<f64>() / size;
            let squares: f64 = sample.iter().map(|(value, count)| count * (value - mean).powi(2)).sum();
            return 2.0 * size * squares / (size - 1.0);
        }
    };
    let mut sum = 0.0;
    let mut rest = sample;
    while let [(low, low_count), behind @ ..] = rest {
        sum += behind.iter().map(|(high, count)| 2.0 * low_count * count * weight(*low, *high)).sum::<f64>();
        rest = behind;
    }
    sum / (size - 1.0)
}

/// r_wg of one subject on a scale of so many points: 1 is full agreement, 0 is what random marks would show or worse.
///
/// Needs two values.
pub fn r_wg(values: &[f64], points: usize) -> Result<f64, Unknown> {
    Ok((1.0 - relative_variance(values, points)?).max(0.0))
}

/// r_wg(j) of one subject: the same for complete reviews on several criteria together.
///
/// Needs two reviews.
pub fn r_wg_j(reviews: &[Vec<f64>], points: usize) -> Result<f64, Unknown> {
    let criteria = reviews.first().map_or(0, Vec::len);
    at_least("criteria", 1, criteria)?;
    let variances = columns(reviews).into_iter().map(|column| relative_variance(&column, points));
    let variances = variances.sum::<Result<f64, Unknown>>()?;
    let within = (variances / criteria as f64).min(1.0);
    let agreement = criteria as f64 * (1.0 - within);
    Ok(agreement / (agreement + within))
}

/// The variance of the values in proportion to that of a uniform choice among the points of the scale.
fn relative_variance(values: &[f64], points: usize) -> Result<f64, Unknown> {
    at_least("reviews of a subject", 2, values.len())?;
    at_least("points of the scale", 2, points)?;
    let uniform = ((points as f64).powi(2) - 1.0) / 12.0;
    Ok(squares(values) / (values.len() as f64 - 1.0) / uniform)
}

/// Cronbach's alpha of the criteria over complete reviews.
///
/// Needs two criteria and two reviews.
pub fn cronbach(reviews: &[Vec<f64>]) -> Result<f64, Unknown> {
    let criteria = reviews.first().map_or(0, Vec::len);
    at_least("criteria", 2, criteria)?;
    at_least("complete reviews", 2, reviews.len())?;
    let sums: Vec<f64> = reviews.iter().map(|review| review.iter().sum()).collect();
    let of_sums = squares(&sums);
    if of_sums <= 0.0 {
        return Err(Unknown::NoVariation);
    }
    let of_criteria: f64 = columns(reviews).iter().map(|column| squares(column)).sum();
    let criteria = criteria as f64;
    Ok(criteria / (criteria - 1.0) * (1.0 - of_criteria / of_sums))
}

fn columns(reviews: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut columns = vec![Vec::with_capacity(reviews.len()); reviews.first().map_or(0, Vec::len)];
    for review in reviews {
        columns.iter_mut().zip(review).for_each(|(column, value)| column.push(*value));
    }
    columns
}
