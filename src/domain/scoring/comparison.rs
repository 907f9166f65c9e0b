//! What simpler estimators would have said, for the demonstration on public data alone. A newcomer would show the
//! plain mean beside the trimmed score: together they disclose the lowest review, so nothing here may ever be stored,
//! sent or shown for a real cycle.

use super::fraction::Fraction;
use super::reading::Reading;
use super::rules::{Panel, Rules};
use crate::error::Result;

/// Simpler estimates of one subject. Never leaves the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The plain mean of the keys.
    pub mean: Fraction,
    /// By criterion, the mean of its marks after a fifth of them, rounded down, is set aside on each side; `None` where
    /// nobody answered. This is the rule by which skating panels are scored.
    pub criteria: Vec<Option<Fraction>>,
}

/// Computes the simpler estimates of one panel; `None` where it holds no valid review.
pub fn compare(rules: &Rules, panel: &Panel) -> Result<Option<Comparison>> {
    let unit = rules.unit();
    let mut reading = Reading::new(rules);
    let keys = reading.keys(panel)?;
    if keys.is_empty() {
        return Ok(None);
    }
    let mean = Fraction::new(keys.iter().sum(), keys.len() as i64 * unit);
    let trimmed = reading.trimmed_marks(|n| n / 5)?;
    let criteria = trimmed.iter().map(|marks| marks.map(|marks| marks.mean(unit))).collect();
    Ok(Some(Comparison { mean, criteria }))
}
