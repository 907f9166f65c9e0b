//! What a cycle's marks say of how reviewers used the form: counts for people to look at, over the whole cycle.
//!
//! A newcomer would drop what is flagged, or ask who wrote it. No flag changes a score, no figure here joins two
//! reviews of one author, and none names a subject: a flag opens a look at how the reviewers were drawn.

use super::scale::flags;
use super::{Panel, Sheet, Unknown, at_least, mean, quantiles, sorted, squares};
use serde::Serialize;
use std::collections::HashMap;

/// Below this many reviews a panel is not tested by itself.
const TESTED_FROM: usize = 10;

/// Below this many reviews a panel has no level.
const LEVEL_FROM: usize = 5;

/// A panel is flagged when chance alone would do so less often than this.
const RARE: f64 = 0.01;

/// The weight of the pooled variance against a panel's own, in degrees of freedom.
const PRIOR_FREEDOM: f64 = 4.0;

/// Two means closer than this are equal: what remains is rounding.
const EQUAL_WITHIN: f64 = 1e-9;

/// How often something happened in the cycle, and in how many panels more often than the cycle's own rate explains.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Excess {
    /// The reviews in which it could happen.
    pub reviews: usize,
    /// The share of them in which it did.
    pub share: f64,
    /// The panels of at least ten such reviews.
    pub panels_tested: usize,
    /// Those with more than chance explains, at one in a hundred.
    pub panels_flagged: usize,
    /// The most that chance alone would flag, on average.
    pub by_chance_at_most: f64,
}

/// Which side of the plain mean the trimmed scores of a cycle lie on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pressure {
    /// Subjects whose score is above the plain mean: low reviews were set aside from further out.
    pub above: usize,
    /// Subjects whose score is below it: high reviews were.
    pub below: usize,
    /// Subjects whose score equals it.
    pub equal: usize,
    /// The probability of a split at least so uneven if both sides were equally likely.
    pub p: f64,
}

/// How many reviews lie more than three moderated standard deviations from their subject's level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Flagged {
    /// The reviews of subjects with a level.
    pub reviews: usize,
    /// Those that lie far off.
    pub flagged: usize,
}

/// The level of one subject as section "level" of `docs/scoring.md` defines it, in floats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// The mean of the keys that are not set aside.
    pub score: f64,
    /// The standard deviation, moderated towards the cycle's.
    pub deviation: f64,
}

/// The share of marks that are the highest of the scale.
pub fn ceiling(panels: &[Panel], highest: f64) -> Result<f64, Unknown> {
    let marks = || panels.iter().flatten().flatten().flatten();
    let count = marks().count();
    at_least("marks", 1, count)?;
    Ok(marks().filter(|mark| **mark >= highest).count() as f64 / count as f64)
}

/// Reviews that give one mark to all criteria they answer, at least two.
pub fn straight_lines(panels: &[Panel]) -> Result<Excess, Unknown> {
    excess(&tallies(panels, is_straight))
}

/// The same, where that mark is the highest of the scale.
pub fn straight_lines_at_the_top(panels: &[Panel], highest: f64) -> Result<Excess, Unknown> {
    let is_at_the_top = |sheet: &Sheet| sheet.iter().flatten().all(|mark| *mark >= highest);
    excess(&tallies(panels, |sheet| is_straight(sheet) && is_at_the_top(sheet)))
}

/// Reviews whose marks all stand in another review of the same subject too, straight lines aside.
pub fn identical(panels: &[Panel]) -> Result<Excess, Unknown> {
    let twins = |panel: &Panel| {
        let mut alike = HashMap::<Vec<Option<u64>>, usize>::new();
        for sheet in panel.iter().filter(|sheet| answers_several(sheet) && !is_straight(sheet)) {
            *alike.entry(sheet.iter().map(|mark| mark.map(f64::to_bits)).collect()).or_default() += 1;
        }
        (panel.iter().filter(|sheet| answers_several(sheet)).count(), alike.values().filter(|count| **count > 1).sum())
    };
    excess(&panels.iter().map(twins).collect::<Vec<_>>())
}

/// By panel with at least two reviews of two answers: how much the criteria of its reviews differ, in proportion to the
/// cycle's mean. Near zero, reviewers gave one impression to all criteria. Sorted, so that no place names a subject.
pub fn halo(panels: &[Panel]) -> Result<Vec<f64>, Unknown> {
    let spreads = |panel: &Panel| {
        let answered = panel.iter().map(|sheet| sheet.iter().flatten().copied().collect::<Vec<f64>>());
        let several = answered.filter(|marks| marks.len() > 1);
        several.map(|marks| squares(&marks) / (marks.len() as f64 - 1.0)).collect::<Vec<f64>>()
    };
    let by_panel: Vec<Vec<f64>> = panels.iter().map(spreads).filter(|spreads| spreads.len() > 1).collect();
    at_least("subjects with two reviews of two answers", 1, by_panel.len())?;
    let cycle = mean(&by_panel.concat()).filter(|cycle| *cycle > 0.0).ok_or(Unknown::NoVariation)?;
    let indices: Vec<f64> = by_panel.iter().filter_map(|spreads| Some(mean(spreads)? / cycle)).collect();
    Ok(sorted(&indices))
}

/// The levels of the panels with at least five reviews, moderated towards the variance pooled over them; `None` for
/// the others. `floor` is the least pooled variance: what rounding to the scale's steps alone makes.
pub fn levels(keys: &[Vec<f64>], floor: f64) -> Vec<Option<Level>> {
    let trims: Vec<Option<Trim>> = keys.iter().map(|keys| Trim::of(keys)).collect();
    let freedom: f64 = trims.iter().flatten().map(|trim| trim.freedom).sum();
    let pooled = trims.iter().flatten().map(|trim| trim.squares).sum::<f64>() / freedom;
    let pooled = if freedom > 0.0 { pooled.max(floor) } else { floor };
    let level = |trim: Trim| {
        let variance = (PRIOR_FREEDOM * pooled + trim.squares) / (trim.freedom + PRIOR_FREEDOM);
        Level { score: trim.score, deviation: variance.sqrt() }
    };
    trims.into_iter().map(|trim| trim.map(level)).collect()
}

/// Which way the setting aside moved the scores of a cycle.
///
/// Needs a subject with five reviews.
pub fn pressure(keys: &[Vec<f64>]) -> Result<Pressure, Unknown> {
    let shifts: Vec<f64> = keys.iter().filter_map(|keys| Some(Trim::of(keys)?.score - mean(keys)?)).collect();
    at_least("subjects with five reviews", 1, shifts.len())?;
    let above = shifts.iter().filter(|shift| **shift > EQUAL_WITHIN).count();
    let below = shifts.iter().filter(|shift| **shift < -EQUAL_WITHIN).count();
    let tail = quantiles::binomial_at_most(above.min(below), above + below, 0.5);
    Ok(Pressure {
        above,
        below,
        equal: shifts.len() - above - below,
        p: tail.map_or(1.0, |tail| (2.0 * tail).min(1.0)),
    })
}

/// The reviews that lie far from their subject's level.
///
/// Needs a subject with five reviews.
pub fn flagged(keys: &[Vec<f64>], floor: f64) -> Result<Flagged, Unknown> {
    let levels = levels(keys, floor);
    let with_level = keys.iter().zip(levels).filter_map(|(keys, level)| Some((keys, level?)));
    let (mut reviews, mut flagged) = (0, 0);
    for (keys, level) in with_level {
        reviews += keys.len();
        flagged += flags(keys, level.score, level.deviation);
    }
    at_least("reviews of subjects with five", 1, reviews)?;
    Ok(Flagged { reviews, flagged })
}

/// The keys of one panel after the highest and lowest are set aside, one for every full four.
#[derive(Debug, Clone, Copy)]
struct Trim {
    score: f64,
    squares: f64,
    freedom: f64,
}

impl Trim {
    fn of(keys: &[f64]) -> Option<Trim> {
        let keys = sorted(keys);
        if keys.len() < LEVEL_FROM {
            return None;
        }
        let set_aside = keys.len() / 4;
        let kept = keys.get(set_aside..keys.len() - set_aside)?;
        let (first, last) = (*kept.first()?, *kept.last()?);
        let winsorised: Vec<f64> = keys.iter().map(|key| key.clamp(first, last)).collect();
        Some(Trim { score: mean(kept)?, squares: squares(&winsorised), freedom: kept.len() as f64 - 1.0 })
    }
}

fn is_straight(sheet: &Sheet) -> bool {
    let mut marks = sheet.iter().flatten();
    let first = marks.next();
    first.is_some() && marks.all(|mark| Some(mark) == first)
}

fn answers_several(sheet: &Sheet) -> bool {
    sheet.iter().flatten().count() > 1
}

/// By panel, the reviews with at least two answers, and how many of them are as asked.
fn tallies(panels: &[Panel], is_so: impl Fn(&Sheet) -> bool) -> Vec<(usize, usize)> {
    let tally = |panel: &Panel| {
        let several = panel.iter().filter(|sheet| answers_several(sheet));
        several.fold((0, 0), |(n, count), sheet| (n + 1, count + usize::from(is_so(sheet))))
    };
    panels.iter().map(tally).collect()
}

fn excess(tallies: &[(usize, usize)]) -> Result<Excess, Unknown> {
    let reviews: usize = tallies.iter().map(|(n, _)| n).sum();
    at_least("reviews of two answers", 1, reviews)?;
    let share = tallies.iter().map(|(_, count)| count).sum::<usize>() as f64 / reviews as f64;
    let tested = tallies.iter().filter(|(n, _)| *n >= TESTED_FROM);
    let tails: Vec<f64> = tested.filter_map(|(n, count)| quantiles::binomial_at_least(*count, *n, share)).collect();
    Ok(Excess {
        reviews,
        share,
        panels_tested: tails.len(),
        panels_flagged: tails.iter().filter(|tail| **tail < RARE).count(),
        by_chance_at_most: RARE * tails.len() as f64,
    })
}
