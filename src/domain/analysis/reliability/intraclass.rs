//! Intraclass correlations from the analysis of variance, after Shrout and Fleiss (1979). A newcomer would use the
//! two-way form everywhere; it needs to know which marks have one author, which a blind cycle does not say.

use super::super::{Unknown, at_least, mean, squares};

/// One-way analysis of variance: each group is one subject, each value one review of it, authors unknown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneWay {
    /// How many subjects there are.
    pub groups: usize,
    /// How many values they have together.
    pub values: usize,
    /// The mean square between subjects.
    pub between: f64,
    /// The mean square within subjects.
    pub within: f64,
    /// The size of a group that stands for all, k0 = (N - sum of squared sizes / N) / (J - 1).
    pub size: f64,
}

impl OneWay {
    /// Needs two subjects, and one review more than there are subjects; an empty group counts for nothing.
    pub fn of(groups: &[Vec<f64>]) -> Result<OneWay, Unknown> {
        let filled: Vec<&Vec<f64>> = groups.iter().filter(|group| !group.is_empty()).collect();
        let all: Vec<f64> = filled.iter().flat_map(|group| group.iter().copied()).collect();
        let (count, n) = (filled.len(), all.len());
        at_least("subjects", 2, count)?;
        at_least("reviews", count + 1, n)?;
        let within: f64 = filled.iter().map(|group| squares(group)).sum();
        let between = (squares(&all) - within).max(0.0);
        let squared_sizes: f64 = filled.iter().map(|group| (group.len() as f64).powi(2)).sum();
        let (groups, values) = (count as f64, n as f64);
        Ok(OneWay {
            groups: count,
            values: n,
            between: between / (groups - 1.0),
            within: within / (values - groups),
            size: (values - squared_sizes / values) / (groups - 1.0),
        })
    }

    /// ICC(1): how much one review says of its subject.
    pub fn single(&self) -> Result<f64, Unknown> {
        self.single_for_size(self.size)
    }

    /// ICC(1) as it is with another size of group, such as the mean one that some programs use.
    pub fn single_for_size(&self, size: f64) -> Result<f64, Unknown> {
        ratio(self.between - self.within, self.between + (size - 1.0) * self.within)
    }

    /// ICC(1,k): how much the mean of a subject's reviews says of it.
    pub fn mean(&self) -> Result<f64, Unknown> {
        ratio(self.between - self.within, self.between)
    }

    /// The variance between subjects, free of what chance adds; below zero where they differ less than chance makes them.
    pub fn subject_variance(&self) -> f64 {
        (self.between - self.within) / self.size
    }
}

/// Two-way analysis of variance: a full matrix, a row for each subject, a column for each reviewer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoWay {
    rows: f64,
    columns: f64,
    between_rows: f64,
    between_columns: f64,
    residual: f64,
}

impl TwoWay {
    /// Needs two rows of two values each, all rows equally long.
    pub fn of(matrix: &[Vec<f64>]) -> Result<TwoWay, Unknown> {
        let width = matrix.first().map_or(0, Vec::len);
        at_least("subjects", 2, matrix.len())?;
        at_least("reviewers", 2, width)?;
        at_least("reviewers of each subject", width, matrix.iter().map(Vec::len).min().unwrap_or(0))?;
        let (rows, columns) = (matrix.len() as f64, width as f64);
        let row_means: Vec<f64> = matrix.iter().filter_map(|row| mean(row)).collect();
        let mut sums = vec![0.0; width];
        for row in matrix {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        let column_means: Vec<f64> = sums.iter().map(|sum| sum / rows).collect();
        let all: Vec<f64> = matrix.iter().flat_map(|row| row.iter().copied()).collect();
        let (of_rows, of_columns) = (columns * squares(&row_means), rows * squares(&column_means));
        Ok(TwoWay {
            rows,
            columns,
            between_rows: of_rows / (rows - 1.0),
            between_columns: of_columns / (columns - 1.0),
            residual: (squares(&all) - of_rows - of_columns).max(0.0) / ((rows - 1.0) * (columns - 1.0)),
        })
    }

    /// ICC(2,1): how far one reviewer's mark agrees with another's, severity counted as disagreement.
    pub fn single(&self) -> Result<f64, Unknown> {
        let severity = self.columns * (self.between_columns - self.residual) / self.rows;
        let rest = (self.columns - 1.0) * self.residual + severity;
        ratio(self.between_rows - self.residual, self.between_rows + rest)
    }

    /// ICC(2,k): the same for the mean of all reviewers.
    pub fn mean(&self) -> Result<f64, Unknown> {
        let severity = (self.between_columns - self.residual) / self.rows;
        ratio(self.between_rows - self.residual, self.between_rows + severity)
    }
}

fn ratio(numerator: f64, denominator: f64) -> Result<f64, Unknown> {
    if denominator > 0.0 { Ok(numerator / denominator) } else { Err(Unknown::NoVariation) }
}
