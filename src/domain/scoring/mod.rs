//! From anonymous marks to results: "level and profile" with intervals that allow for dishonest reviews.
//!
//! A newcomer would show what is computed here. Nothing of it is for a reader outside the service: [`score_cycle`]
//! gives exact figures, [`document`] writes them for the sealed bundle, [`publication`] makes the image of that document,
//! and only what the [`gate`] lets out of the image may leave.

mod agreement;
pub mod comparison;
pub mod constants;
pub mod developmental;
pub mod document;
pub mod fraction;
pub mod gate;
pub mod interval;
mod lanes;
pub mod level;
pub mod profile;
pub mod publication;
mod reading;
pub mod resilience;
pub mod rules;
pub mod statements;
pub mod trim;

use crate::error::{Error, Result};
use fraction::Divisors;
use interval::{Certainty, Interval, Pool, Shared, Spread};
use level::Level;
use profile::Profile;
use reading::{PanelSums, Reading};
use rules::{Panel, Rules};

/// Below so many panels another thread is not worth its start.
const SHARE_MIN: usize = 512;

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
    /// At least `decision_min` reviews under a methodology without numbers: statements alone, there is no score.
    Developmental,
}

/// The exact results of a cycle, in the order of the panels given.
#[derive(Debug, Clone, PartialEq)]
pub struct CycleScores {
    /// The pooled variances that the intervals are moderated towards.
    pub spread: Spread,
    /// One score per panel.
    pub panels: Vec<PanelScore>,
    /// By panel, whether its reviewers agree so much on a criterion that none may be shown.
    pub alike: Vec<bool>,
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

/// Scores the panels of one cycle, with as many threads as there are cores.
///
/// The pooled variances come from all panels with at least `display_min` reviews, so a cycle is scored as a whole and
/// never piecemeal. Neither the order of reviews within a panel, nor that of panels, nor the number of threads changes a
/// bit of any result. Internal error: a panel made for other rules.
pub fn score_cycle(rules: &Rules, panels: &[Panel]) -> Result<CycleScores> {
    score_under(rules, panels, pool(rules, panels, cores())?)
}

/// Scores panels under the pooled variances of their cycle, with as many threads as there are cores.
pub fn score_under(rules: &Rules, panels: &[Panel], spread: Spread) -> Result<CycleScores> {
    let shares = in_shares(panels, cores(), |share| {
        let mut scores = Vec::with_capacity(share.len());
        score_each(rules, share, &spread, |score| {
            scores.push(score.clone());
            Ok(())
        })?;
        let alike = share.iter().map(|panel| agreement::is_alike(rules, panel));
        Ok(scores.into_iter().zip(alike).collect::<Vec<_>>())
    })?;
    let (panels, alike) = shares.into_iter().flatten().unzip();
    Ok(CycleScores { spread, panels, alike })
}

/// The pooled variances of a cycle, added up by so many threads.
pub fn pool(rules: &Rules, panels: &[Panel], threads: usize) -> Result<Spread> {
    let pools = in_shares(panels, threads, |share| {
        let mut reading = Reading::new(rules);
        let mut pool = Pool::new(rules);
        share.iter().try_for_each(|panel| pool.add(reading.sums(panel)?)).map(|()| pool)
    })?;
    let mut whole = Pool::new(rules);
    pools.iter().try_for_each(|part| whole.merge(part))?;
    Ok(whole.spread())
}

/// Scores panels one after the other under the pooled variances of their cycle and hands each score over; nothing of it
/// is kept, so that a national cycle takes no more room than its marks.
pub fn score_each(
    rules: &Rules,
    panels: &[Panel],
    spread: &Spread,
    mut take: impl FnMut(&PanelScore) -> Result<()>,
) -> Result<()> {
    let (mut reading, mut divisors) = (Reading::new(rules), Divisors::default());
    let mut score = PanelScore { status: Status::Insufficient, n: 0, overall: None, criteria: Vec::new() };
    for panel in panels {
        score_panel(rules, reading.sums(panel)?, spread, &mut divisors, &mut score)?;
        take(&score)?;
    }
    Ok(())
}

/// The threads that a cycle is scored by.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The results of a function over equal shares of the panels, in their order, each share in a thread of its own.
fn in_shares<T: Send>(panels: &[Panel], threads: usize, work: impl Fn(&[Panel]) -> Result<T> + Sync) -> Result<Vec<T>> {
    let size = panels.len().div_ceil(threads.max(1)).max(SHARE_MIN);
    if panels.len() <= size {
        return Ok(vec![work(panels)?]);
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = panels.chunks(size).map(|share| scope.spawn(|| work(share))).collect();
        let died = |_| Err(Error::internal("a thread that scores died"));
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(died)).collect()
    })
}

/// The status that a number of valid reviews gives.
pub fn status_of(rules: &Rules, n: usize) -> Status {
    if n < rules.values().display_min {
        return Status::Insufficient;
    }
    if rules.is_decisive(n) { Status::Ok } else { Status::Indicative }
}

fn score_panel(
    rules: &Rules,
    sums: &PanelSums,
    spread: &Spread,
    divisors: &mut Divisors,
    score: &mut PanelScore,
) -> Result<()> {
    score.status = status_of(rules, sums.n);
    score.n = sums.n;
    score.overall = None;
    score.criteria.clear();
    let Some(keys) = &sums.keys else { return Ok(()) };
    let level = Level::of(keys, sums.one_sided, rules.unit(), divisors);
    let (certainty, resilience) = interval::of_level(sums.n, &level, spread)?;
    score.overall = Some(Overall { level, certainty, resilience });
    let shared = Shared::of(sums.n, &level, &certainty, rules)?;
    for ((answered, differences), pooled) in sums.criteria.iter().zip(&spread.differences) {
        let mut figures = None;
        if let Some(differences) = differences {
            let profile = Profile::of(differences, keys, rules.unit(), rules.values().scale, divisors);
            let of_profile = interval::of_profile(&shared, &profile, *pooled)?;
            figures = Some((profile, of_profile));
        }
        score.criteria.push(CriterionScore { n: *answered, figures });
    }
    Ok(())
}
