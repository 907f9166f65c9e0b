//! What must hold of every estimator for any marks, and of the sealed result for a thousand orders of the reviews. A
//! newcomer would compare shuffled results with a tolerance; equal means equal bits.

use crate::common::{leadership_reviews, panel, plain};
use ejf::domain::analysis::estimators::{Estimate, Estimator};
use ejf::domain::analysis::report::{Marks, Report};
use ejf::domain::analysis::{Panel, Sheet};
use ejf::domain::scoring::document::document;
use ejf::domain::scoring::rules::Rules;
use ejf::domain::scoring::score_cycle;
use proptest::collection::vec;
use proptest::prelude::*;

/// Those whose estimate moves with its values alone, and never against one.
const MONOTONE: [&str; 7] =
    ["mean", "median", "trimmed:0.2", "trimmed-fractional:0.15", "winsorized:0.25", "interquartile", "hodges-lehmann"];

/// Those that weigh or drop values by their distance, so that a higher mark may lower the estimate.
const REST: [&str; 4] = ["huber", "biweight", "mad-filter", "least-trimmed"];

/// Rounding of sums of thirty marks.
const ROUNDING: f64 = 1e-9;

fn all() -> impl Iterator<Item = (&'static str, Estimator)> {
    MONOTONE.into_iter().chain(REST).map(|name| (name, name.parse().unwrap()))
}

fn panels() -> impl Strategy<Value = Vec<f64>> {
    vec((0_u8..=40).prop_map(|quarters| f64::from(quarters) / 4.0), 1..30)
}

fn bits(estimate: Estimate) -> [Option<u64>; 3] {
    [Some(estimate.score), estimate.lo, estimate.hi].map(|number| number.map(f64::to_bits))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_order_of_marks_changes_no_bit_of_an_estimate(
        (values, shuffled) in panels().prop_flat_map(|values| (Just(values.clone()), Just(values).prop_shuffle()))
    ) {
        for (name, estimator) in all() {
            let ours = estimator.estimate(&values, 0.25, 0.95).unwrap();
            let theirs = estimator.estimate(&shuffled, 0.25, 0.95).unwrap();
            prop_assert_eq!(bits(ours), bits(theirs), "{}", name);
        }
    }

    #[test]
    fn a_shift_of_all_marks_shifts_estimate_and_interval(values in panels(), shift in -20_i8..=20) {
        let shift = f64::from(shift) / 2.0;
        let shifted: Vec<f64> = values.iter().map(|value| value + shift).collect();
        for (name, estimator) in all() {
            let ours = estimator.estimate(&values, 0.25, 0.9).unwrap();
            let theirs = estimator.estimate(&shifted, 0.25, 0.9).unwrap();
            prop_assert!((theirs.score - ours.score - shift).abs() < ROUNDING, "{} {:?} {:?}", name, ours, theirs);
            prop_assert_eq!(theirs.lo.is_some(), ours.lo.is_some());
            for (theirs, ours) in theirs.lo.zip(ours.lo).into_iter().chain(theirs.hi.zip(ours.hi)) {
                prop_assert!((theirs - ours - shift).abs() < ROUNDING, "{}", name);
            }
        }
    }

    #[test]
    fn estimates_stay_within_the_marks_and_within_their_intervals(values in panels()) {
        let lowest = values.iter().copied().fold(f64::INFINITY, f64::min) - ROUNDING;
        let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max) + ROUNDING;
        for (name, estimator) in all() {
            let Estimate { score, lo, hi } = estimator.estimate(&values, 0.25, 0.95).unwrap();
            prop_assert!((lowest..=highest).contains(&score), "{}: {}", name, score);
            prop_assert!(lo.is_none_or(|lo| lo <= score + ROUNDING), "{}", name);
            prop_assert!(hi.is_none_or(|hi| score - ROUNDING <= hi), "{}", name);
            prop_assert_eq!(lo.is_some(), hi.is_some());
        }
    }

    #[test]
    fn a_higher_mark_never_lowers_an_estimate_that_only_ranks(values in panels(), place in 0_usize..30, step in 1_u8..40) {
        let mut raised = values.clone();
        let place = place % raised.len();
        raised[place] += f64::from(step) / 4.0;
        for name in MONOTONE {
            let estimator: Estimator = name.parse().unwrap();
            let before = estimator.estimate(&values, 0.25, 0.95).unwrap().score;
            let after = estimator.estimate(&raised, 0.25, 0.95).unwrap().score;
            prop_assert!(after >= before - ROUNDING, "{}: {} fell to {}", name, before, after);
        }
    }

    #[test]
    fn so_many_false_marks_as_are_set_aside_leave_the_trimmed_mean_among_the_honest(
        honest in vec(1_u8..=5, 4..20), lies in vec(-1000_i32..1000, 5)
    ) {
        let honest: Vec<f64> = honest.into_iter().map(f64::from).collect();
        // With n marks, of which n div 5 are false: the largest number below 5 for which that holds.
        let false_marks = (0..=lies.len()).rev().find(|count| (honest.len() + count) / 5 >= *count).unwrap();
        let mut values = honest.clone();
        values.extend(lies.iter().take(false_marks).map(|lie| f64::from(*lie)));

        let score = "trimmed:0.2".parse::<Estimator>().unwrap().estimate(&values, 1.0, 0.95).unwrap().score;

        let lowest = honest.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = honest.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert!((lowest - ROUNDING..=highest + ROUNDING).contains(&score), "{}", score);
    }
}

/// A generator of no quality, so that the thousand orders are the same in every run.
struct Shuffler(u64);

impl Shuffler {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place + 1));
        }
    }
}

/// The sealed document of a cycle, byte for byte.
fn sealed(rules: &Rules, subjects: &[(String, Vec<Vec<u8>>)]) -> String {
    let panels: Vec<_> = subjects.iter().map(|(_, rows)| panel(rules, rows)).collect();
    let names: Vec<String> = subjects.iter().map(|(name, _)| name.clone()).collect();
    let scores = score_cycle(rules, &panels).unwrap();
    serde_json::to_string(&document(rules, &names, &scores).unwrap()).unwrap()
}

#[test]
fn a_thousand_orders_of_subjects_and_reviews_seal_the_same_bytes() {
    let rules = plain((1, 5), 11);
    let leadership = leadership_reviews("lq2002_lead_small.csv");
    let mut subjects: Vec<_> = leadership.into_iter().map(|(target, rows)| (format!("s{target:02}"), rows)).collect();
    let ours = sealed(&rules, &subjects);
    let mut shuffler = Shuffler(2026);
    for order in 0..1_000 {
        shuffler.shuffle(&mut subjects);
        subjects.iter_mut().for_each(|(_, rows)| shuffler.shuffle(rows));

        assert!(sealed(&rules, &subjects) == ours, "order {order} changed a byte");
    }
}

#[test]
fn the_order_of_subjects_and_reviews_changes_no_bit_of_the_report() {
    let sheet = |row: &Vec<u8>| row.iter().map(|mark| Some(f64::from(*mark))).collect::<Sheet>();
    let rows = leadership_reviews("lq2002_lead_small.csv");
    let mut panels: Vec<Panel> = rows.values().map(|rows| rows.iter().map(sheet).collect()).collect();
    // Some reviews are not complete.
    panels.iter_mut().step_by(3).for_each(|panel| panel[0][4] = None);
    let marks = Marks { min: 1.0, max: 5.0, step: 1.0 };
    let ours = serde_json::to_string(&Report::of(panels.clone(), marks)).unwrap();
    let mut shuffler = Shuffler(7);
    for _ in 0..20 {
        shuffler.shuffle(&mut panels);
        panels.iter_mut().for_each(|panel| shuffler.shuffle(panel));

        assert_eq!(serde_json::to_string(&Report::of(panels.clone(), marks)).unwrap(), ours);
    }
}
