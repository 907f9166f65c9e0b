//! What must hold for any marks: order changes no bit, scores move with marks, bounds hold, no small group of dishonest
//! reviewers breaks the resilience band. A newcomer would compare results with a tolerance; equal means equal bits.

use crate::common::{NO, panel, plain, score, score_one, values};
use ejf::domain::scoring::rules::{Criterion, Panel, RuleValues, Rules};
use ejf::domain::scoring::{pool, score_cycle, score_each};
use proptest::collection::vec;
use proptest::prelude::*;

/// A cycle: what the methodology says, and the rows of each subject.
#[derive(Debug, Clone)]
struct Cycle {
    values: RuleValues,
    subjects: Vec<Vec<Vec<u8>>>,
}

impl Cycle {
    fn rules(&self) -> Rules {
        Rules::new(self.values.clone()).unwrap()
    }

    fn items(&self) -> usize {
        self.values.criteria.iter().map(|criterion| criterion.items).sum()
    }
}

fn cycles(reviews: std::ops::Range<usize>, blank: u32) -> impl Strategy<Value = Cycle> {
    let criteria = vec((1_u32..=3, 1_usize..=4), 1..=5);
    (criteria, prop_oneof![Just((1_u8, 5_u8)), Just((0, 10))]).prop_flat_map(move |(criteria, scale)| {
        let values = values(scale, &criteria);
        let items = criteria.iter().map(|&(_, items)| items).sum::<usize>();
        let mark = prop_oneof![blank => Just(NO), 9 => scale.0..=scale.1];
        let subjects = vec(vec(vec(mark, items), reviews.clone()), 1..4);
        subjects.prop_map(move |subjects| Cycle { values: values.clone(), subjects })
    })
}

/// The marks of a row by criterion.
fn by_criterion(row: &[u8], criteria: &[Criterion]) -> Vec<Vec<u8>> {
    let mut rest = row;
    let mut parts = Vec::new();
    for criterion in criteria {
        let (part, tail) = rest.split_at(criterion.items);
        parts.push(part.to_vec());
        rest = tail;
    }
    parts
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let rules = plain((1, 5), 3);
    let mut state: u32 = 11;
    let mut mark = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        [1, 2, 3, 4, 5, NO][(state >> 8) as usize % 6]
    };
    // So many that every thread gets a share, in panels of 4 to 15 reviews.
    let panels: Vec<Panel> = (0..4_000)
        .map(|subject| panel(&rules, &(0..4 + subject % 12).map(|_| vec![mark(), mark(), mark()]).collect::<Vec<_>>()))
        .collect();

    let spread = pool(&rules, &panels, 1).unwrap();

    for threads in [2, 3, 7] {
        assert_eq!(pool(&rules, &panels, threads).unwrap(), spread, "{threads} threads");
    }
    let mut alone = Vec::new();
    score_each(&rules, &panels, &spread, |score| {
        alone.push(score.clone());
        Ok(())
    })
    .unwrap();
    let together = score_cycle(&rules, &panels).unwrap();
    assert_eq!((together.panels, together.spread), (alone, spread));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_order_of_reviews_and_of_subjects_changes_no_bit(
        (cycle, shuffled) in cycles(0..24, 2).prop_flat_map(|cycle| {
            let subjects: Vec<_> = cycle.subjects.iter().map(|rows| Just(rows.clone()).prop_shuffle()).collect();
            (Just(cycle), subjects)
        })
    ) {
        let rules = cycle.rules();
        let ours = score(&rules, &cycle.subjects);
        prop_assert_eq!(&score(&rules, &shuffled), &ours);

        let reversed: Vec<_> = shuffled.into_iter().rev().collect();
        let mut backwards = score(&rules, &reversed);
        backwards.panels.reverse();
        prop_assert_eq!(backwards, ours);
    }

    #[test]
    fn the_order_of_criteria_and_of_their_items_changes_no_bit(cycle in cycles(5..16, 2)) {
        let mut turned = cycle.clone();
        turned.values.criteria.reverse();
        for row in turned.subjects.iter_mut().flatten() {
            // Reversing a whole row reverses the criteria and the items within each.
            row.reverse();
        }

        let ours = score(&cycle.rules(), &cycle.subjects);
        let mut theirs = score(&turned.rules(), &turned.subjects);

        theirs.spread.differences.reverse();
        theirs.panels.iter_mut().for_each(|panel| panel.criteria.reverse());
        prop_assert_eq!(theirs, ours);
    }

    #[test]
    fn a_shifted_scale_shifts_every_score_and_no_variance(cycle in cycles(5..16, 2), shift in 1_u8..100) {
        let mut shifted = cycle.clone();
        shifted.values.scale.min += shift;
        shifted.values.scale.max += shift;
        shifted.values.expected_hundredths += i64::from(shift) * 100;
        for mark in shifted.subjects.iter_mut().flatten().flatten().filter(|mark| **mark != NO) {
            *mark += shift;
        }

        let ours = score(&cycle.rules(), &cycle.subjects);
        let theirs = score(&shifted.rules(), &shifted.subjects);

        prop_assert_eq!(&theirs.spread, &ours.spread);
        for (theirs, ours) in theirs.panels.iter().zip(&ours.panels) {
            prop_assert_eq!(theirs.n, ours.n);
            prop_assert_eq!(theirs.overall.is_some(), ours.overall.is_some());
            if let (Some(theirs), Some(ours)) = (theirs.overall, ours.overall) {
                let expected = ours.level.score.num() + i64::from(shift) * ours.level.score.den();
                prop_assert_eq!(theirs.level.score.den(), ours.level.score.den());
                prop_assert_eq!(theirs.level.score.num(), expected);
                prop_assert_eq!(theirs.level.variance, ours.level.variance);
                prop_assert_eq!(theirs.certainty.moderated_variance, ours.certainty.moderated_variance);
            }
        }
    }

    #[test]
    fn a_higher_mark_never_lowers_the_overall_score(cycle in cycles(5..16, 2), review in 0_usize..16, item in 0_usize..20) {
        let rows = &cycle.subjects[0];
        let (review, item) = (review % rows.len(), item % cycle.items());
        let mut raised = rows.clone();
        let mark = &mut raised[review][item];
        prop_assume!(*mark != NO && *mark < cycle.values.scale.max);
        *mark += 1;

        let before = score_one(&cycle.rules(), rows);
        let after = score_one(&cycle.rules(), &raised);

        if let (Some(before), Some(after)) = (before.overall, after.overall) {
            prop_assert!(after.level.score.value() >= before.level.score.value());
        }
    }

    #[test]
    fn scores_stay_within_the_scale_and_within_their_intervals(cycle in cycles(5..30, 4)) {
        let (min, max) = (f64::from(cycle.values.scale.min), f64::from(cycle.values.scale.max));
        for panel in score(&cycle.rules(), &cycle.subjects).panels {
            let Some(overall) = panel.overall else { continue };
            let score = overall.level.score.value();
            prop_assert!((min..=max).contains(&score));
            prop_assert!(overall.level.resilience_lo.value() <= score && score <= overall.level.resilience_hi.value());
            prop_assert!(overall.certainty.ordinary.lo < score && score < overall.certainty.ordinary.hi);
            for (profile, certainty) in panel.criteria.iter().filter_map(|criterion| criterion.figures) {
                prop_assert!((min..=max).contains(&profile.score.value()));
                prop_assert!(certainty.aware.lo <= certainty.ordinary.lo && certainty.ordinary.lo < certainty.ordinary.hi);
                prop_assert!(certainty.ordinary.hi <= certainty.aware.hi);
            }
        }
    }

    #[test]
    fn the_mean_of_the_honest_reviews_is_within_the_resilience_band(
        cycle in cycles(5..24, 0), lies in vec(0_u8..=10, 6)
    ) {
        // Whatever at most n div 4 reviewers write, the mean of the others stays within the band of all.
        let mut rows = cycle.subjects[0].clone();
        let dishonest = rows.len() / 4;
        let (min, max) = (cycle.values.scale.min, cycle.values.scale.max);
        for (row, lie) in rows.iter_mut().zip(&lies).take(dishonest) {
            row.fill((*lie).clamp(min, max));
        }
        let rules = cycle.rules();

        let level = score_one(&rules, &rows).overall.unwrap().level;

        let honest = &rows[lies.len().min(dishonest)..];
        let total: f64 = cycle.values.criteria.iter().map(|criterion| f64::from(criterion.weight)).sum();
        let key = |row: &Vec<u8>| {
            let parts = by_criterion(row, &cycle.values.criteria);
            let mean = |part: &Vec<u8>| part.iter().map(|&mark| f64::from(mark)).sum::<f64>() / part.len() as f64;
            let weighted = parts.iter().zip(&cycle.values.criteria).map(|(part, c)| f64::from(c.weight) * mean(part));
            weighted.sum::<f64>() / total
        };
        let mean = honest.iter().map(key).sum::<f64>() / honest.len() as f64;
        prop_assert!(level.resilience_lo.value() <= mean + 1e-9, "{mean} is below {}", level.resilience_lo);
        prop_assert!(mean - 1e-9 <= level.resilience_hi.value(), "{mean} is above {}", level.resilience_hi);
        prop_assert!(level.resilience_lo.value() <= level.score.value());
        prop_assert!(level.score.value() <= level.resilience_hi.value());
    }
}
