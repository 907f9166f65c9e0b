//! From rows of marks to whole numbers over the common denominator: marks of criteria, keys, differences.
//! A newcomer would divide here; nothing is divided that does not come out even.

use super::lanes::Lanes;
use super::rules::{NO_BASIS, Panel, Rules, answered_min};
use super::trim::{Trimmed, set_aside};
use crate::error::{Error, Result};

/// Room for one panel at a time, used again for the next, so that no review costs an allocation.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    rules: &'a Rules,
    keys: Vec<i64>,
    criteria: Vec<Vec<Answer>>,
    row: Vec<Option<i64>>,
    sorted: Vec<i64>,
    lanes: Option<Lanes>,
    sums: PanelSums,
}

/// A criterion's mark in one review, and that review's key; both over the rules' common denominator.
#[derive(Debug, Clone, Copy)]
struct Answer {
    mark: i64,
    key: i64,
}

/// The exact sums of one panel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PanelSums {
    /// The valid reviews: those that answer at least one criterion.
    pub n: usize,
    /// The trimmed keys; `None` below `display_min` reviews.
    pub keys: Option<Trimmed>,
    /// The sums of the keys without the highest set aside, and without the lowest.
    pub one_sided: (i64, i64),
    /// By criterion: how many reviews answer it, and their trimmed differences from `display_min` on. Empty without keys.
    pub criteria: Vec<(usize, Option<Trimmed>)>,
}

impl<'a> Reading<'a> {
    /// Room for panels under these rules.
    pub fn new(rules: &'a Rules) -> Reading<'a> {
        let criteria_count = rules.values().criteria.len();
        Reading {
            rules,
            keys: Vec::new(),
            criteria: vec![Vec::new(); criteria_count],
            row: Vec::with_capacity(criteria_count),
            sorted: Vec::new(),
            lanes: Lanes::new(rules),
            sums: PanelSums { n: 0, keys: None, one_sided: (0, 0), criteria: Vec::with_capacity(criteria_count) },
        }
    }

    /// Reads a panel and adds up what its score needs.
    pub fn sums(&mut self, panel: &Panel) -> Result<&PanelSums> {
        let display_min = self.rules.values().display_min;
        let n = panel.review_count(self.rules);
        if n >= display_min
            && let Some(lanes) = &mut self.lanes
            && let Some((keys, one_sided)) = lanes.read(panel.marks(), set_aside(n), &mut self.sums.criteria)
        {
            self.sums.n = n;
            self.sums.keys = Some(keys);
            self.sums.one_sided = one_sided;
            return Ok(&self.sums);
        }
        self.sums = self.sums_with_gaps(panel)?;
        Ok(&self.sums)
    }

    /// The same for any panel, however large and wherever an answer is missing.
    fn sums_with_gaps(&mut self, panel: &Panel) -> Result<PanelSums> {
        self.read(panel)?;
        let (n, display_min) = (self.keys.len(), self.rules.values().display_min);
        if n < display_min {
            return Ok(PanelSums { n, keys: None, one_sided: (0, 0), criteria: Vec::new() });
        }
        let keys = trimmed(&mut self.keys, set_aside(n))?;
        let one_sided = keys.one_sided(&self.keys);
        let mut criteria = Vec::with_capacity(self.criteria.len());
        for answers in &self.criteria {
            let mut sums = None;
            if answers.len() >= display_min {
                self.sorted.clear();
                self.sorted.extend(answers.iter().map(|answer| answer.mark - answer.key));
                sums = Some(trimmed(&mut self.sorted, set_aside(answers.len()))?);
            }
            criteria.push((answers.len(), sums));
        }
        Ok(PanelSums { n, keys: Some(keys), one_sided, criteria })
    }

    /// Reads a panel and gives its keys, in the order of its rows.
    pub fn keys(&mut self, panel: &Panel) -> Result<&[i64]> {
        self.read(panel)?;
        Ok(&self.keys)
    }

    /// The trimmed marks of each criterion of the panel last read, with `set_aside(n)` of n marks set aside a side.
    ///
    /// `None` where nobody answered.
    pub fn trimmed_marks(&mut self, set_aside: impl Fn(usize) -> usize) -> Result<Vec<Option<Trimmed>>> {
        let mut marks = Vec::with_capacity(self.criteria.len());
        for answers in &self.criteria {
            self.sorted.clear();
            self.sorted.extend(answers.iter().map(|answer| answer.mark));
            let is_answered = !answers.is_empty();
            marks.push(is_answered.then(|| trimmed(&mut self.sorted, set_aside(answers.len()))).transpose()?);
        }
        Ok(marks)
    }

    fn read(&mut self, panel: &Panel) -> Result<()> {
        self.keys.clear();
        self.criteria.iter_mut().for_each(Vec::clear);
        for row in panel.rows(self.rules) {
            self.read_row(row)?;
        }
        Ok(())
    }

    fn read_row(&mut self, mut row: &[u8]) -> Result<()> {
        let (mark_unit, weight_unit) = (self.rules.mark_unit(), self.rules.weight_unit());
        self.row.clear();
        let (mut weighted_sum, mut weight_sum) = (0, 0);
        for (criterion, weight) in self.rules.weighted_criteria() {
            let (items, rest) = row.split_at_checked(criterion.items).ok_or_else(short_row)?;
            row = rest;
            let mark = mark_of(items, mark_unit);
            if let Some(mark) = mark {
                weighted_sum += weight * mark;
                weight_sum += weight;
            }
            self.row.push(mark);
        }
        if weight_sum == 0 {
            return Ok(());
        }
        let key = weighted_sum * (weight_unit / weight_sum);
        self.keys.push(key);
        for (answers, mark) in self.criteria.iter_mut().zip(&self.row) {
            if let Some(mark) = mark {
                answers.push(Answer { mark: mark * weight_unit, key });
            }
        }
        Ok(())
    }
}

/// The mean of a criterion's answered items over the denominator `mark_unit`, if at least half are answered.
fn mark_of(items: &[u8], mark_unit: i64) -> Option<i64> {
    let (mut sum, mut count) = (0, 0);
    for &item in items {
        if item != NO_BASIS {
            sum += i64::from(item);
            count += 1;
        }
    }
    (count >= answered_min(items.len())).then(|| sum * (mark_unit / count as i64))
}

fn trimmed(values: &mut [i64], set_aside: usize) -> Result<Trimmed> {
    Trimmed::of(values, set_aside).ok_or_else(|| Error::internal("setting reviews aside left none"))
}

fn short_row() -> Error {
    Error::internal("a panel was scored under rules that it was not made for")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scoring::rules::{Criterion, PublishStep, RuleValues, Scale};

    fn rules(criteria: &[(u32, usize)], scale: (u8, u8)) -> Rules {
        let criteria = criteria.iter().enumerate();
        let criteria = criteria.map(|(place, &(weight, items))| Criterion { code: place.to_string(), weight, items });
        let values = RuleValues {
            scale: Scale { min: scale.0, max: scale.1, step: 1 },
            criteria: criteria.collect(),
            display_min: 5,
            decision_min: 10,
            kept_min: 6,
            publish_step: PublishStep::Quarter,
            expected_hundredths: 300,
        };
        Rules::new(values).unwrap()
    }

    #[test]
    fn a_complete_panel_is_read_alike_on_both_ways() {
        let mut state: u32 = 7;
        let mut next = |bound: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % bound
        };
        for criteria in [
            &[(1, 1); 8][..],
            &[(1, 1); 7],
            &[(1, 1); 20],
            &[(2, 3), (3, 3), (5, 3), (2, 3), (3, 3)],
            &[(1, 2), (1, 5)],
            &[(9, 1)],
        ] {
            let rules = rules(criteria, (1, 5));
            let mut reading = Reading::new(&rules);
            assert!(reading.lanes.is_some(), "{criteria:?}");
            // Large after small and small after large, as the room is used again.
            for n in [5, 16, 7, 10, 15, 9, 12, 5] {
                let marks = (0..n * rules.item_count()).map(|_| next(5) as u8 + 1).collect();
                let panel = Panel::new(&rules, marks).unwrap();

                let slow = reading.sums_with_gaps(&panel).unwrap();

                assert_eq!(reading.sums(&panel).unwrap(), &slow, "{criteria:?} {n}");
            }
        }
    }

    #[test]
    fn numbers_too_large_for_lanes_are_read_the_slower_way() {
        assert!(Reading::new(&rules(&[(97, 1), (101, 1)], (0, 100))).lanes.is_none());
    }
}
