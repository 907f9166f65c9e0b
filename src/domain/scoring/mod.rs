//! From anonymous marks to results: "level and profile" with intervals that allow for dishonest reviews.
//!
//! A newcomer would show what is computed here. Nothing of it is for a reader outside the service: [`score_cycle`]
//! gives exact figures, [`document`] writes them for the sealed bundle, [`publication`] makes the image of that document,
//! and only what the [`gate`] lets out of the image may leave.

pub mod comparison;
pub mod constants;
pub mod document;
pub mod fraction;
pub mod gate;
pub mod interval;
pub mod level;
pub mod profile;
pub mod publication;
mod reading;
pub mod resilience;
pub mod rules;
pub mod trim;

use crate::error::Result;
use interval::{Certainty, Interval, Pool, Spread};
use level::Level;
use profile::Profile;
use reading::{PanelSums, Reading};
use rules::{Panel, Rules};

/// What a result may be used for, by its number of valid reviews alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// At least `decision_min` reviews, of which `kept_min` are kept after setting aside.
    Ok,
    /// At least `display_min` reviews: one word, grounds no decision.
    Indicative,
    /// Fewer: nothing is computed or shown, not even the number.
    Insufficient,
}

/// The exact results of a cycle, in the order of the panels given.
#[derive(Debug, Clone, PartialEq)]
pub struct CycleScores {
    /// The pooled variances that the intervals are moderated towards.
    pub spread: Spread,
    /// One score per panel.
    pub panels: Vec<PanelScore>,
}

/// The exact result of one subject. Never leaves the service as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelScore {
    /// What the result may be used for.
    pub status: Status,
    /// The valid reviews: those that answer at least one criterion. A withdrawn one has no answer and is none.
    pub n: usize,
    /// The overall score; `None` where the status is insufficient.
    pub overall: Option<Overall>,
    /// One entry per criterion in the order of the rules; empty where the status is insufficient.
    pub criteria: Vec<CriterionScore>,
}

/// The overall score of a subject.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overall {
    /// The exact score and its variance.
    pub level: Level,
    /// The intervals around it.
    pub certainty: Certainty,
    /// The resilience band widened by the error of a mean; for the Council's one-bit statement, never published.
    pub resilience: Interval,
}

/// The score of a subject on one criterion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CriterionScore {
    /// The reviews that answer the criterion.
    pub n: usize,
    /// The exact score and its intervals; `None` below `display_min` answers.
    pub figures: Option<(Profile, Certainty)>,
}

/// Scores the panels of one cycle.
///
/// The pooled variances come from all panels with at least `display_min` reviews, so a cycle is scored as a whole and
/// never piecemeal. Neither the order of reviews within a panel nor that of panels changes a bit of any result.
/// Internal error: a panel made for other rules.
pub fn score_cycle(rules: &Rules, panels: &[Panel]) -> Result<CycleScores> {
    let mut reading = Reading::new(rules);
    let mut pool = Pool::new(rules);
    let mut sums = Vec::with_capacity(panels.len());
    for panel in panels {
        let panel_sums = reading.sums(panel)?;
        pool.add(&panel_sums)?;
        sums.push(panel_sums);
    }
    let spread = pool.spread();
    let panels = sums.iter().map(|panel_sums| score_panel(rules, panel_sums, &spread)).collect::<Result<Vec<_>>>()?;
    Ok(CycleScores { spread, panels })
}

/// The status that a number of valid reviews gives.
pub fn status_of(rules: &Rules, n: usize) -> Status {
    if n < rules.values().display_min {
        return Status::Insufficient;
    }
    if rules.is_decisive(n) { Status::Ok } else { Status::Indicative }
}

fn score_panel(rules: &Rules, sums: &PanelSums, spread: &Spread) -> Result<PanelScore> {
    let (status, n) = (status_of(rules, sums.n), sums.n);
    let Some(keys) = &sums.keys else {
        return Ok(PanelScore { status, n, overall: None, criteria: Vec::new() });
    };
    let level = Level::of(keys, rules.unit());
    let (certainty, resilience) = interval::of_level(n, &level, spread)?;
    let mut criteria = Vec::with_capacity(sums.criteria.len());
    for ((answered, differences), pooled) in sums.criteria.iter().zip(&spread.differences) {
        let mut figures = None;
        if let Some(differences) = differences {
            let profile = Profile::of(differences, keys, rules.unit(), rules.values().scale);
            let of_profile = interval::of_profile(n, &level, &certainty, &profile, *pooled, rules)?;
            figures = Some((profile, of_profile));
        }
        criteria.push(CriterionScore { n: *answered, figures });
    }
    Ok(PanelScore { status, n, overall: Some(Overall { level, certainty, resilience }), criteria })
}
