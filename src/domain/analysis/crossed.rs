//! Scores, severity and consistency of reviewers who each rate many subjects: the method of ITU-T P.913, 12.6 (in
//! P.910 as well), for studying scales on data whose authors are known.
//!
//! A newcomer would score judges with it. It weighs reviewers by how well they agree with the others, which silences
//! dissent; and it needs to know which marks have one author, which a blind cycle does not say.

use super::{Unknown, at_least};

/// What the method adds to a reviewer's variance, so that nobody's weight is infinite.
const VARIANCE_FLOOR: f64 = 1e-8;

/// The change of all scores together at which the method ends.
const SETTLED: f64 = 1e-8;

/// Rounds after which it ends even where it has not settled.
const ROUNDS_MAX: usize = 10_000;

/// What the method makes of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovered {
    /// By subject, the score.
    pub scores: Vec<f64>,
    /// By subject, the standard error of the score.
    pub errors: Vec<f64>,
    /// By reviewer, how far the marks lie above the scores on average; the mean over reviewers is zero.
    pub biases: Vec<f64>,
    /// By reviewer, the standard deviation of the marks about score and bias.
    pub inconsistencies: Vec<f64>,
}

/// One mark: the subject's row, the reviewer's column.
#[derive(Debug, Clone, Copy)]
struct Mark {
    row: usize,
    column: usize,
    value: f64,
}

/// Runs the method on a row for each subject and a column for each reviewer; `None` is a missing mark.
///
/// Needs two subjects and two reviewers, and a mark in each row and column.
pub fn recover(matrix: &[Vec<Option<f64>>]) -> Result<Recovered, Unknown> {
    let (rows, columns) = (matrix.len(), matrix.iter().map(Vec::len).max().unwrap_or(0));
    at_least("subjects", 2, rows)?;
    at_least("reviewers", 2, columns)?;
    let mut marks = Vec::new();
    for (row, line) in matrix.iter().enumerate() {
        let given = line.iter().enumerate().filter_map(|(column, value)| Some((column, (*value)?)));
        marks.extend(given.map(|(column, value)| Mark { row, column, value }));
    }
    let (row_counts, column_counts) =
        (counts(rows, &marks, |mark| mark.row), counts(columns, &marks, |mark| mark.column));
    let least = row_counts.iter().chain(&column_counts).min().copied().unwrap_or(0);
    at_least("marks in each row and column", 1, least)?;

    let by_row = |weigh: &dyn Fn(&Mark) -> (f64, f64)| means(rows, marks.iter().map(|mark| (mark.row, weigh(mark))));
    let by_column =
        |weigh: &dyn Fn(&Mark) -> (f64, f64)| means(columns, marks.iter().map(|mark| (mark.column, weigh(mark))));
    let mut scores = by_row(&|mark| (1.0, mark.value));
    let mut biases = by_column(&|mark| (1.0, mark.value - at(&scores, mark.row)));
    let mut inconsistencies = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let rest = |mark: &Mark| mark.value - at(&scores, mark.row) - at(&biases, mark.column);
        let centres = by_column(&|mark| (1.0, rest(mark)));
        let variances = by_column(&|mark| (1.0, (rest(mark) - at(&centres, mark.column)).powi(2)));
        let next = by_row(&|mark| {
            (1.0 / (at(&variances, mark.column) + VARIANCE_FLOOR), mark.value - at(&biases, mark.column))
        });
        let change: f64 = next.iter().zip(&scores).map(|(next, score)| (next - score).powi(2)).sum();
        inconsistencies = variances.iter().map(|variance| variance.sqrt()).collect();
        scores = next;
        biases = by_column(&|mark| (1.0, mark.value - at(&scores, mark.row)));
        if change.sqrt() < SETTLED {
            break;
        }
    }
    let shift = biases.iter().sum::<f64>() / columns as f64;
    scores.iter_mut().for_each(|score| *score += shift);
    biases.iter_mut().for_each(|bias| *bias -= shift);
    let rest = |mark: &Mark| mark.value - at(&scores, mark.row) - at(&biases, mark.column);
    let centres = by_row(&|mark| (1.0, rest(mark)));
    let variances = by_row(&|mark| (1.0, (rest(mark) - at(&centres, mark.row)).powi(2)));
    let errors = variances.iter().zip(&row_counts).map(|(variance, count)| (variance / *count as f64).sqrt()).collect();
    Ok(Recovered { scores, errors, biases, inconsistencies })
}

fn counts(size: usize, marks: &[Mark], place: fn(&Mark) -> usize) -> Vec<usize> {
    let mut counts = vec![0; size];
    for mark in marks {
        if let Some(count) = counts.get_mut(place(mark)) {
            *count += 1;
        }
    }
    counts
}

/// The weighted mean at each place of (place, (weight, value)).
fn means(size: usize, weighted: impl Iterator<Item = (usize, (f64, f64))>) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); size];
    for (place, (weight, value)) in weighted {
        if let Some((sum, total)) = sums.get_mut(place) {
            *sum += weight * value;
            *total += weight;
        }
    }
    sums.into_iter().map(|(sum, total)| sum / total).collect()
}

/// The value at a place that the marks were counted by.
fn at(values: &[f64], place: usize) -> f64 {
    values.get(place).copied().unwrap_or(f64::NAN)
}
