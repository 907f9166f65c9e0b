//! What needs to know which marks have one author: ICC(2) and reviewers' severity, from data in which raters are named.
//!
//! A newcomer would want these figures of a cycle. A blind cycle does not say who wrote what, so they are for files of
//! marks that somebody holds anyway, and even there nobody is named.

use serde::Serialize;

use super::crossed::{Recovered, recover};
use super::reliability::intraclass::TwoWay;
use super::report::quartiles;
use super::{Figure, Unknown, at_least, sorted};

/// What named raters tell of themselves as a whole. Neither their names nor their order changes a bit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Linked {
    /// Always true: no blind cycle can have these figures.
    pub needs_named_raters: bool,
    /// The raters with a mark.
    pub raters: usize,
    /// ICC(2,1) of keys: how far one rater's mean agrees with another's, severity counted as disagreement.
    pub icc_2: Figure,
    /// ICC(2,k): the same for the mean of all raters.
    pub icc_2_k: Figure,
    /// Quartiles over raters of how far their keys lie above the subjects' scores, by the method of ITU-T P.913: lowest,
    /// quarter, median, three quarters, highest.
    pub severity: Figure<[f64; 5]>,
    /// The same of the standard deviation of a rater's keys about score and severity.
    pub inconsistency: Figure<[f64; 5]>,
    /// Quartiles over subjects of the standard error of the scores that the method makes.
    pub standard_error: Figure<[f64; 5]>,
}

impl Linked {
    /// Computes the figures from the keys of each subject's reviews, each with the number of its rater.
    ///
    /// ICC(2) takes a key for every pair of subject and rater; severity takes one for half of all pairs, as its method is
    /// made for full matrices.
    pub fn of(subjects: &[Vec<(usize, f64)>]) -> Linked {
        let mut raters: Vec<usize> = subjects.iter().flatten().map(|(rater, _)| *rater).collect();
        raters.sort_unstable();
        raters.dedup();
        let filled: Vec<&Vec<(usize, f64)>> = subjects.iter().filter(|keys| !keys.is_empty()).collect();
        let recovered = matrix(&filled, &raters).and_then(|matrix| recover(&matrix));
        let two_way = matrix(&filled, &raters).and_then(|matrix| {
            let full = matrix.into_iter().map(|row| row.into_iter().flatten().collect()).collect::<Vec<Vec<f64>>>();
            at_least("raters of each subject", raters.len(), full.iter().map(Vec::len).min().unwrap_or(0))?;
            TwoWay::of(&full)
        });
        let quartiles_of = |figures: fn(&Recovered) -> &[f64]| {
            recovered.as_ref().map(|recovered| quartiles(&sorted(figures(recovered)))).map_err(|why| *why).into()
        };
        Linked {
            needs_named_raters: true,
            raters: raters.len(),
            icc_2: two_way.and_then(|table| table.single()).into(),
            icc_2_k: two_way.and_then(|table| table.mean()).into(),
            severity: quartiles_of(|recovered| &recovered.biases),
            inconsistency: quartiles_of(|recovered| &recovered.inconsistencies),
            standard_error: quartiles_of(|recovered| &recovered.errors),
        }
    }
}

/// A row for each subject and a column for each rater, the columns in the order of what they hold, so that no name counts.
///
/// Refused unless half of the cells are filled: a national cycle would have a cell for each of a million million pairs.
fn matrix(subjects: &[&Vec<(usize, f64)>], raters: &[usize]) -> Result<Vec<Vec<Option<f64>>>, Unknown> {
    let keys = subjects.iter().map(|keys| keys.len()).sum();
    at_least("reviews, half of all pairs of subject and rater", (subjects.len() * raters.len()).div_ceil(2), keys)?;
    let mut columns = vec![vec![None; subjects.len()]; raters.len()];
    for (row, keys) in subjects.iter().enumerate() {
        for (rater, key) in *keys {
            let column = raters.binary_search(rater).ok().and_then(|place| columns.get_mut(place));
            if let Some(cell) = column.and_then(|column| column.get_mut(row)) {
                *cell = Some(*key);
            }
        }
    }
    columns.sort_by_cached_key(|column| column.iter().map(|key| key.map(f64::to_bits)).collect::<Vec<_>>());
    let row = |place: usize| columns.iter().map(|column| column.get(place).copied().flatten()).collect();
    Ok((0..subjects.len()).map(row).collect())
}
