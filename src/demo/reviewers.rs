//! What is written in the reviews of the demonstration. A newcomer would let each peer think for itself; but the draw's
//! seed is the service's own, so panels differ from run to run. Reviews of one judge are interchangeable, hence the
//! k-th review of a judge follows from the seed, the judge's external id and k alone, whichever peer hands it in.

use super::dice::Dice;
use super::ratings::{Expected, ITEM_MEASURES};

/// Spread of the reviewers' severity, in marks; it and the next two are those of `scoring.md`'s simulated world.
const SEVERITY: f64 = 0.40;
/// Spread of what one reviewer thinks of one judge as a whole.
const HALO: f64 = 0.40;
/// Spread of a single mark.
const NOISE: f64 = 0.60;
/// Share of items on which a reviewer has no basis to judge.
const NO_BASIS_SHARE: f64 = 0.04;
/// The ends of the scale, which dishonest reviews consist of.
const LOWEST: u8 = 1;
const HIGHEST: u8 = 5;

/// Reviews of the judge who shows `insufficient`.
const INSUFFICIENT_REVIEWS: usize = 4;
/// Reviews of the judge who shows `indicative`.
const INDICATIVE_REVIEWS: usize = 8;
/// At most so many of a panel send no review.
const SILENT_MAX: usize = 3;

/// How a review is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Temper {
    /// As the reviewer sees it.
    Honest,
    /// The highest mark everywhere.
    Friendly,
    /// The lowest mark everywhere.
    Hostile,
}

/// The marks of one review, in the order of the items; `None` is "no basis".
pub(super) type Marks = [Option<u8>; ITEM_MEASURES.len()];

/// One review that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Review {
    /// How it is meant.
    pub temper: Temper,
    /// What is sent.
    pub sent: Marks,
    /// What the same reviewer would have sent honestly.
    pub honest: Marks,
}

/// All reviews of one judge, who has `number` among the subjects, out of a panel of `panel_size`.
pub(super) fn reviews_of(
    seed: u64,
    external_id: &str,
    number: usize,
    expected: &Expected,
    panel_size: usize,
) -> Vec<Review> {
    let count = review_count(seed, external_id, number, panel_size);
    let tempers = dishonest(number).iter().copied().chain(std::iter::repeat(Temper::Honest));
    tempers.take(count).enumerate().map(|(k, temper)| review(seed, external_id, k, temper, expected)).collect()
}

/// One judge stays below `display_min`, one below `decision_min`; of the others' panels a few reviewers stay silent.
fn review_count(seed: u64, external_id: &str, number: usize, panel_size: usize) -> usize {
    match number {
        3 => INSUFFICIENT_REVIEWS,
        6 => INDICATIVE_REVIEWS,
        _ => panel_size - Dice::of(seed, "silent", external_id, 0).below(SILENT_MAX + 1),
    }
}

/// The dishonest reviews of a judge: three in five judges have two of them; one in fifteen has four friends, more than
/// are set aside on a side, which no trimming survives.
fn dishonest(number: usize) -> &'static [Temper] {
    use Temper::{Friendly, Hostile};
    if number % 15 == 7 {
        return &[Friendly, Friendly, Friendly, Friendly];
    }
    match number % 5 {
        1 => &[Friendly, Friendly],
        2 => &[Hostile, Hostile],
        4 => &[Friendly, Hostile],
        _ => &[],
    }
}

fn review(seed: u64, external_id: &str, k: usize, temper: Temper, expected: &Expected) -> Review {
    let mut dice = Dice::of(seed, "review", external_id, k);
    let lean = dice.normal(SEVERITY) + dice.normal(HALO);
    let honest = expected.map(|mark| {
        let has_basis = dice.unit() >= NO_BASIS_SHARE;
        let seen = mark + lean + dice.normal(NOISE);
        has_basis.then(|| nearest(seen))
    });
    let sent = match temper {
        Temper::Honest => honest,
        Temper::Friendly => [Some(HIGHEST); ITEM_MEASURES.len()],
        Temper::Hostile => [Some(LOWEST); ITEM_MEASURES.len()],
    };
    Review { temper, sent, honest }
}

/// The mark of the scale nearest to what was seen.
fn nearest(seen: f64) -> u8 {
    let marks = LOWEST..HIGHEST;
    LOWEST + marks.fold(0, |above, mark| above + u8::from(seen >= f64::from(mark) + 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::ratings::{TYPICAL_MARK, rated_judges};

    const TYPICAL: Expected = [TYPICAL_MARK; ITEM_MEASURES.len()];

    #[test]
    fn the_seed_and_the_judge_settle_every_mark() {
        let rated = rated_judges().unwrap();
        let all = |seed| -> Vec<Vec<Review>> {
            let judges = rated.iter().enumerate();
            judges
                .map(|(number, judge)| reviews_of(seed, &format!("S{number:03}"), number, &judge.expected(), 14))
                .collect()
        };
        assert_eq!(all(1), all(1));
        assert_ne!(all(1), all(2));
    }

    #[test]
    fn every_status_and_every_kind_of_dishonesty_occurs_among_ten_judges() {
        let panels: Vec<Vec<Review>> =
            (0..10).map(|number| reviews_of(1, &format!("S{number:03}"), number, &TYPICAL, 14)).collect();
        let counts: Vec<usize> = panels.iter().map(Vec::len).collect();
        assert_eq!((counts[3], counts[6]), (4, 8));
        assert!(counts.iter().enumerate().all(|(number, n)| number == 3 || number == 6 || (11..=14).contains(n)));
        let kinds = |number: usize, temper| panels[number].iter().filter(|review| review.temper == temper).count();
        assert_eq!((kinds(1, Temper::Friendly), kinds(2, Temper::Hostile), kinds(7, Temper::Friendly)), (2, 2, 4));
        assert_eq!((kinds(4, Temper::Friendly), kinds(4, Temper::Hostile)), (1, 1));
        assert_eq!(kinds(0, Temper::Honest), counts[0]);
    }

    #[test]
    fn honest_reviews_of_a_typical_judge_average_to_the_typical_mark() {
        let marks: Vec<f64> = (0..400)
            .flat_map(|k| review(1, "S000", k, Temper::Honest, &TYPICAL).sent)
            .flatten()
            .map(f64::from)
            .collect();
        let mean = marks.iter().sum::<f64>() / marks.len() as f64;
        assert!((mean - TYPICAL_MARK).abs() < 0.1, "{mean}");
        assert!(marks.len() < 400 * ITEM_MEASURES.len(), "nobody lacked a basis");
    }

    #[test]
    fn marks_are_rounded_half_up_and_stay_on_the_scale() {
        assert_eq!([-3.0, 1.49, 1.5, 3.2, 4.5, 9.0].map(nearest), [1, 1, 2, 3, 5, 5]);
    }
}
