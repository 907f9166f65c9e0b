//! What a methodology must hold to where marks are given, and where none are. What a newcomer would get wrong: a methodology
//! with half of its numbers is neither; without a scale everything that serves a score is refused, and so is every outcome
//! that burdens the judge, since nothing could ground one.

use std::collections::BTreeSet;

use super::{Check, NAME_LENGTH_MAX};
use crate::domain::methodology::{Methodology, Scale};
use crate::error::Rule;

impl Methodology {
    /// The scale and all that hangs on it, or that nothing does.
    pub(super) fn check_marking(&self, check: &mut Check) {
        match self.scale {
            Some(scale) => {
                check_scale(scale, check);
                self.check_anchors(scale, check);
                self.check_marked(check);
            }
            None if !self.items.is_empty() => check.fault("/scale", Rule::Required),
            None => self.check_unmarked(check),
        }
    }

    fn check_anchors(&self, scale: Scale, check: &mut Check) {
        let marks = scale.marks();
        let mut seen = BTreeSet::new();
        for (index, anchor) in self.anchors.iter().enumerate() {
            let pointer = format!("/anchors/{index}/mark");
            if anchor.mark.is_some_and(|mark| !marks.contains(&mark)) {
                check.fault(pointer, Rule::Range { min: i64::from(scale.min), max: i64::from(scale.max) });
            } else if !seen.insert(anchor.mark) {
                check.fault(pointer, Rule::Duplicate);
            }
            check.text(&format!("/anchors/{index}/text"), &anchor.text, NAME_LENGTH_MAX);
        }
        // One anchor for each mark, and one for "no basis".
        let is_complete = marks.iter().all(|mark| seen.contains(&Some(*mark))) && seen.contains(&None);
        if !is_complete {
            let needed = marks.len() as u64 + 1;
            check.fault("/anchors", Rule::Length { min: needed, max: needed });
        }
    }

    fn check_marked(&self, check: &mut Check) {
        check.length("/items", self.items.len(), 1, 100);
        for (index, criterion) in self.criteria.iter().enumerate() {
            let pointer = format!("/criteria/{index}");
            match criterion.weight {
                Some(weight) => check.range(&format!("{pointer}/weight"), weight, 1, 1_000),
                None => check.fault(format!("{pointer}/weight"), Rule::Required),
            }
            // The means of criteria are exact fractions; more items make the common denominator outgrow 64 bits.
            let items = self.items_in(&criterion.code).count();
            if !(1..=6).contains(&items) {
                check.fault(pointer, Rule::Mismatch { other: "items" });
            }
        }
        match &self.trim_rule {
            None => check.fault("/trim_rule", Rule::Required),
            Some(rule) => {
                if rule.name != "level_profile" {
                    check.fault("/trim_rule/name", Rule::OneOf { allowed: "level_profile".into() });
                }
                check.range("/trim_rule/reviews_per_cut", rule.reviews_per_cut, 4, 4);
            }
        }
        match self.publish_step {
            None => check.fault("/publish_step", Rule::Required),
            Some(25 | 50) => {}
            Some(_) => check.fault("/publish_step", Rule::OneOf { allowed: "25, 50".into() }),
        }
    }

    /// A developmental methodology: what is left of a score in it would be one that nobody had a scale for.
    fn check_unmarked(&self, check: &mut Check) {
        let leftovers = [
            ("/anchors".to_owned(), !self.anchors.is_empty()),
            ("/calibration_cases".to_owned(), !self.calibration_cases.is_empty()),
            ("/trim_rule".to_owned(), self.trim_rule.is_some()),
            ("/publish_step".to_owned(), self.publish_step.is_some()),
        ];
        let weights = self.criteria.iter().enumerate();
        let weights = weights.map(|(index, one)| (format!("/criteria/{index}/weight"), one.weight.is_some()));
        for (pointer, _) in leftovers.into_iter().chain(weights).filter(|(_, is_there)| *is_there) {
            check.fault(pointer, Rule::Mismatch { other: "scale" });
        }
        check.length("/statements", self.statements.len(), 1, 60);
        check.range("/counts/statements_per_review_max", self.counts.statements_per_review_max, 1, 8);
        for (index, _) in self.outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_unfavourable) {
            check.fault(format!("/outcomes/{index}/is_unfavourable"), Rule::Mismatch { other: "scale" });
        }
    }
}

fn check_scale(scale: Scale, check: &mut Check) {
    check.range("/scale/min", u32::from(scale.min), 0, 100);
    check.range("/scale/step", u32::from(scale.step), 1, 50);
    let (min, step) = (i64::from(scale.min), i64::from(scale.step));
    // At least three marks, or there is no inside for the expected one; at most eleven, as people tell no more apart.
    if scale.step > 0 {
        let (lowest, highest) = (min + 2 * step, (min + 10 * step).min(100));
        if !(lowest..=highest).contains(&i64::from(scale.max)) {
            check.fault("/scale/max", Rule::Range { min: lowest, max: highest });
        } else if !scale.contains(scale.max) {
            check.fault("/scale/max", Rule::Mismatch { other: "step" });
        } else if scale.expected <= scale.min || scale.expected >= scale.max {
            check.fault("/scale/expected", Rule::Range { min: min + 1, max: i64::from(scale.max) - 1 });
        } else if !scale.contains(scale.expected) {
            check.fault("/scale/expected", Rule::Mismatch { other: "step" });
        }
    }
}
