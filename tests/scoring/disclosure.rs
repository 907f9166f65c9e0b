//! Rule P-t by brute force: every set of reviews that fits what was released, and what it makes likely of single marks.
//!
//! A newcomer would test examples. Here all reviews of a small instrument are enumerated and weighed by how likely they
//! are; a reader knows the release, the cycle's constants and perhaps some of the reviews, and asks what another reviewer
//! wrote. No mark may come out likelier than [`POSTERIOR_MAX`] if the release made it likelier by more than [`GAIN_MAX`].
//! What is held back is part of what is released: the reader knows the rule and sees the gap.

use std::collections::HashMap;
use std::fmt::Write;

use crate::common::{panel, plain, rules};
use ejf::domain::scoring::document::{HeldBack, SubjectResult, document};
use ejf::domain::scoring::publication::publish;
use ejf::domain::scoring::rules::{Panel, Rules};
use ejf::domain::scoring::{pool, score_under};

/// Above this a mark counts as known.
const POSTERIOR_MAX: f64 = 0.9;
/// What a release may add all the same.
const GAIN_MAX: f64 = 0.1;

/// How likely the marks 1 to 5 are before anything is known.
const PRIOR: [f64; 5] = [0.03, 0.08, 0.22, 0.40, 0.27];
/// The same on a scale of three.
const PRIOR_OF_THREE: [f64; 3] = [0.11, 0.62, 0.27];

/// What is released of a subject with these reviews.
type Release = fn(&Rules, &SubjectResult, &[Vec<u8>]) -> String;

/// All that `n` reviewers can have written.
struct World {
    rules: Rules,
    n: usize,
    prior: Vec<f64>,
    /// Every review that can be written.
    sheets: Vec<Vec<u8>>,
    /// How often each of them was, one list for each set of reviews.
    counts: Vec<Vec<usize>>,
    results: Vec<SubjectResult>,
}

/// The worst that a reader can make of a release.
#[derive(Debug, Clone, Copy)]
struct Worst {
    /// The greatest probability of another reviewer's mark, among those that the release raised by more than [`GAIN_MAX`].
    posterior: f64,
    /// How likely it is that a release makes some mark likelier than [`POSTERIOR_MAX`].
    breach: f64,
}

impl World {
    fn new(prior: &[f64], criteria: usize, n: usize) -> World {
        let rules = plain((1, prior.len() as u8), criteria);
        let mut sheets = vec![Vec::new()];
        for _ in 0..criteria {
            let longer = |sheet: &Vec<u8>| {
                (1..=prior.len() as u8).map(|mark| [&sheet[..], &[mark]].concat()).collect::<Vec<_>>()
            };
            sheets = sheets.iter().flat_map(longer).collect();
        }
        let mut counts = Vec::new();
        spread(n, &mut vec![0; sheets.len()], 0, &mut counts);
        let rows = |counts: &Vec<usize>| panel(&rules, &rows(&sheets, counts));
        let panels: Vec<Panel> = counts.iter().map(rows).collect();
        let names: Vec<String> = (0..panels.len()).map(|number| format!("{number:08}")).collect();
        // The constants are those of a cycle in which reviews are as likely as the prior says.
        let spread = pool(&rules, &usual_panels(&rules, prior, n), 1).unwrap();
        let scores = score_under(&rules, &panels, spread).unwrap();
        let results = document(&rules, &names, &scores).unwrap().subjects;
        World { rules, n, prior: prior.to_vec(), sheets, counts, results }
    }

    /// The worst for a reader who wrote `known` of the reviews, whichever they are.
    fn worst(&self, release: Release, known: usize) -> Worst {
        let mut own = Vec::new();
        spread(known, &mut vec![0; self.sheets.len()], 0, &mut own);
        // By release and own reviews: how likely together, and how many of the others' marks are expected to be what.
        let mut seen: HashMap<(String, usize), (f64, Vec<f64>)> = HashMap::new();
        for (counts, result) in self.counts.iter().zip(&self.results) {
            let text = release(&self.rules, result, &rows(&self.sheets, counts));
            for (number, own) in own.iter().enumerate() {
                let others = counts.iter().zip(own).map(|(all, own)| all.checked_sub(*own)).collect::<Option<Vec<_>>>();
                let Some(others) = others else { continue };
                let weight = self.weight(&others);
                let (sum, marks) = seen.entry((text.clone(), number)).or_insert_with(|| (0.0, vec![0.0; self.cells()]));
                *sum += weight;
                for (sheet, count) in self.sheets.iter().zip(&others) {
                    for (criterion, mark) in sheet.iter().enumerate() {
                        marks[criterion * self.prior.len() + usize::from(*mark) - 1] += weight * *count as f64;
                    }
                }
            }
        }
        let mut worst = Worst { posterior: 0.0, breach: 0.0 };
        for ((_, number), (sum, marks)) in &seen {
            let posteriors = marks.iter().enumerate().map(|(cell, expected)| {
                (expected / sum / (self.n - known) as f64, self.prior[cell % self.prior.len()])
            });
            let raised = posteriors.filter(|(posterior, prior)| posterior - prior > GAIN_MAX);
            let likeliest = raised.map(|(posterior, _)| posterior).fold(0.0, f64::max);
            worst.posterior = worst.posterior.max(likeliest);
            if likeliest > POSTERIOR_MAX {
                worst.breach += sum * self.weight(&own[*number]);
            }
        }
        worst
    }

    fn cells(&self) -> usize {
        self.prior.len() * self.rules.values().criteria.len()
    }

    /// How likely a set of reviews is, in any order.
    fn weight(&self, counts: &[usize]) -> f64 {
        let mut weight = 1.0;
        let mut place = 0.0;
        for (sheet, count) in self.sheets.iter().zip(counts) {
            let chance: f64 = sheet.iter().map(|mark| self.prior[usize::from(*mark) - 1]).product();
            for repeat in 1..=*count {
                place += 1.0;
                weight *= chance * place / repeat as f64;
            }
        }
        weight
    }
}

/// Marks drawn by a prior, the same on every run.
struct Dice(u32);

impl Dice {
    fn mark(&mut self, prior: &[f64]) -> u8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut left = f64::from(self.0 >> 8) / f64::from(1 << 24);
        let place = prior.iter().position(|chance| {
            left -= chance;
            left < 0.0
        });
        place.map_or(prior.len() as u8, |place| place as u8 + 1)
    }

    fn marks(&mut self, prior: &[f64], count: usize) -> Vec<u8> {
        (0..count).map(|_| self.mark(prior)).collect()
    }
}

/// The panels of a cycle of 500 subjects, drawn by the prior.
fn usual_panels(rules: &Rules, prior: &[f64], n: usize) -> Vec<Panel> {
    let mut dice = Dice(2027);
    let marks = n * rules.item_count();
    (0..500).map(|_| Panel::new(rules, dice.marks(prior, marks)).unwrap()).collect()
}

/// All ways to spread `left` reviews over the places from `at` on.
fn spread(left: usize, counts: &mut Vec<usize>, at: usize, all: &mut Vec<Vec<usize>>) {
    if at + 1 == counts.len() {
        counts[at] = left;
        all.push(counts.clone());
        return;
    }
    for here in 0..=left {
        counts[at] = here;
        spread(left - here, counts, at + 1, all);
    }
}

fn rows(sheets: &[Vec<u8>], counts: &[usize]) -> Vec<Vec<u8>> {
    sheets.iter().zip(counts).flat_map(|(sheet, count)| std::iter::repeat_n(sheet.clone(), *count)).collect()
}

/// What the product publishes.
fn product(rules: &Rules, result: &SubjectResult, _reviews: &[Vec<u8>]) -> String {
    serde_json::to_string(publish(rules, result).unwrap().published()).unwrap()
}

/// What the product would publish if it held nothing back.
fn with_every_criterion(rules: &Rules, result: &SubjectResult, reviews: &[Vec<u8>]) -> String {
    product(rules, &SubjectResult { held_back: None, ..result.clone() }, reviews)
}

/// A finer publication: two decimals of every score, ends of intervals in hundredths.
fn two_decimals(_rules: &Rules, result: &SubjectResult, _reviews: &[Vec<u8>]) -> String {
    let overall = result.overall.as_ref().unwrap();
    let hundredths = |[lo, hi]: [i64; 2]| (lo.div_euclid(10_000), -(-hi).div_euclid(10_000));
    let mut text = format!("{} {:?}", overall.text, hundredths(overall.aware));
    for criterion in &result.criteria {
        let figures = criterion.figures.as_ref().unwrap();
        write!(text, " {} {:?}", figures.text, hundredths(figures.aware)).unwrap();
    }
    text
}

/// What the product publishes, and the plain mean beside it.
fn with_plain_mean(rules: &Rules, result: &SubjectResult, reviews: &[Vec<u8>]) -> String {
    let sum: u32 = reviews.iter().flatten().map(|mark| u32::from(*mark)).sum();
    format!("{} {sum}", product(rules, result, reviews))
}

#[test]
fn a_figure_of_ten_reviews_or_more_makes_no_mark_known_to_those_who_wrote_none_or_one() {
    for n in [10, 12, 14] {
        let world = World::new(&PRIOR, 1, n);
        for known in [0, 1] {
            let worst = world.worst(product, known);
            assert!(worst.posterior <= POSTERIOR_MAX, "{n} reviews, {known} known: {worst:?}");
        }
        // Two who wrote the very reviews that were set aside see the others agree; one release in fifty thousand is so.
        assert!(world.worst(product, 2).breach < 4e-5, "{n} reviews");
    }
}

#[test]
fn a_word_of_five_to_nine_reviews_makes_no_mark_known() {
    for (world, known_max) in [
        (World::new(&PRIOR, 1, 5), 2),
        (World::new(&PRIOR, 1, 7), 2),
        (World::new(&PRIOR, 1, 9), 2),
        (World::new(&PRIOR_OF_THREE, 2, 5), 2),
    ] {
        for known in 0..=known_max {
            let worst = world.worst(product, known);
            assert!(worst.posterior <= POSTERIOR_MAX, "{} reviews, {known} known: {worst:?}", world.n);
        }
    }
}

#[test]
fn the_figures_of_all_criteria_together_make_no_mark_known_nor_does_it_that_they_are_held_back() {
    for n in [10, 12] {
        let world = World::new(&PRIOR_OF_THREE, 2, n);
        let held_back = world.results.iter().filter(|result| result.held_back == Some(HeldBack::Criteria)).count();
        assert!(held_back > 0 && held_back < world.results.len() / 2, "{held_back} sets of {n} reviews");
        for known in [0, 1] {
            let worst = world.worst(product, known);
            assert!(worst.posterior <= POSTERIOR_MAX, "{n} reviews, {known} known: {worst:?}");
        }
    }
}

#[test]
fn criteria_of_reviewers_who_agree_are_caught_if_they_are_not_held_back() {
    let world = World::new(&PRIOR_OF_THREE, 2, 10);

    for known in [0, 1] {
        let worst = world.worst(with_every_criterion, known);
        assert!(worst.posterior > 0.99 && worst.breach > 1e-6, "{known} known: {worst:?}");
    }
}

#[test]
fn that_criteria_are_held_back_does_not_tell_on_which_of_three_reviewers_agree() {
    const DRAWN: usize = 1_000_000;
    const SEEN_MIN: f64 = 100.0;
    // By what is seen, the own review if any, and the criterion.
    type Seen<'a> = (String, Option<&'a [u8]>, usize);
    // Too many sets of reviews to go through: those are drawn in which nine of ten give one mark, weights as they may be.
    let (rules, n) = (rules((1, 5), &[(2, 1), (1, 1), (1, 1)]), 10);
    let spread = pool(&rules, &usual_panels(&rules, &PRIOR, n), 1).unwrap();
    let column = |marks: &[u8], criterion: usize| marks.iter().skip(criterion).step_by(3).copied().collect::<Vec<u8>>();
    let is_alike =
        |marks: &[u8]| (0..3).any(|criterion| (1..=5).any(|mark| 9 <= count(&column(marks, criterion), mark)));
    let mut dice = Dice(7);
    let drawn: Vec<Vec<u8>> = (0..DRAWN).map(|_| dice.marks(&PRIOR, 3 * n)).filter(|marks| is_alike(marks)).collect();
    let panels: Vec<Panel> = drawn.iter().map(|marks| Panel::new(&rules, marks.clone()).unwrap()).collect();
    let names: Vec<String> = (0..panels.len()).map(|number| format!("{number:08}")).collect();
    let results = document(&rules, &names, &score_under(&rules, &panels, spread).unwrap()).unwrap().subjects;

    // How often, and the shares of the others' marks.
    let mut seen: HashMap<Seen<'_>, (f64, [f64; 5])> = HashMap::new();
    for (marks, result) in drawn.iter().zip(&results) {
        assert_eq!(result.held_back, Some(HeldBack::Criteria));
        let text = product(&rules, result, &[]);
        for own in std::iter::once(None).chain(marks.chunks(3).map(Some)) {
            for criterion in 0..3 {
                let mut others = column(marks, criterion);
                if let Some(own) = own {
                    let place = others.iter().position(|mark| *mark == own[criterion]).unwrap();
                    others.remove(place);
                }
                let (times, shares) = seen.entry((text.clone(), own, criterion)).or_default();
                *times += 1.0;
                for (mark, share) in (1..).zip(shares) {
                    *share += count(&others, mark) as f64 / others.len() as f64;
                }
            }
        }
    }
    for is_known in [false, true] {
        let often = seen.iter().filter(|((_, own, _), (times, _))| own.is_some() == is_known && *times >= SEEN_MIN);
        let often: Vec<_> = often.collect();
        assert!(often.len() > 30, "{} things were seen often enough", often.len());
        for (what, (times, shares)) in often {
            for (share, prior) in shares.iter().zip(PRIOR) {
                let posterior = share / times;
                assert!(posterior <= POSTERIOR_MAX || posterior - prior <= GAIN_MAX, "{what:?}: {posterior}");
            }
        }
    }
}

fn count(marks: &[u8], mark: u8) -> usize {
    marks.iter().filter(|other| **other == mark).count()
}

#[test]
fn the_plain_mean_beside_the_published_figure_is_caught() {
    let world = World::new(&PRIOR, 1, 10);

    let worst = world.worst(with_plain_mean, 0);

    assert!(worst.posterior > 0.99, "{worst:?}");
}

#[test]
fn two_decimals_of_a_small_panel_are_caught() {
    let world = World::new(&PRIOR_OF_THREE, 2, 5);

    let worst = world.worst(two_decimals, 0);

    assert!(worst.posterior > 0.99 && worst.breach > 1e-3, "{worst:?}");
}

#[test]
fn a_second_release_after_one_review_is_dropped_would_tell_it() {
    let (whole, without) = (World::new(&PRIOR, 1, 11), World::new(&PRIOR, 1, 10));
    let after: HashMap<&Vec<usize>, &SubjectResult> = without.counts.iter().zip(&without.results).collect();
    let mut seen: HashMap<String, (f64, Vec<f64>)> = HashMap::new();
    for (counts, result) in whole.counts.iter().zip(&whole.results) {
        let first = product(&whole.rules, result, &[]);
        for place in (0..counts.len()).filter(|place| counts[*place] > 0) {
            let mut left = counts.clone();
            left[place] -= 1;
            let both = format!("{first} {}", product(&whole.rules, after[&left], &[]));
            let weight = whole.weight(counts) * counts[place] as f64 / whole.n as f64;
            let (sum, dropped) = seen.entry(both).or_insert_with(|| (0.0, vec![0.0; PRIOR.len()]));
            *sum += weight;
            dropped[place] += weight;
        }
    }
    let likeliest = |dropped: &[f64]| dropped.iter().copied().fold(0.0, f64::max);
    let known: f64 =
        seen.values().filter(|(sum, dropped)| likeliest(dropped) > POSTERIOR_MAX * sum).map(|(sum, _)| sum).sum();
    let guessed: f64 = seen.values().map(|(_, dropped)| likeliest(dropped)).sum();
    // Without the releases the best guess is the most usual mark.
    assert!(known > 0.01 && guessed > PRIOR[3] + 0.1, "{known} {guessed}");
}
