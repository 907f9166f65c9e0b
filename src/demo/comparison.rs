//! What the demonstration alone can say, because it knows who cheated: simpler estimates, and how far dishonest reviews
//! moved each. A newcomer would add these columns to a real result; the plain mean beside the trimmed score discloses
//! the lowest review, so they exist for invented reviews only.

use serde::Serialize;

use super::reviewers::{Marks, Review, Temper};
use crate::domain::scoring::comparison::compare;
use crate::domain::scoring::document::document;
use crate::domain::scoring::fraction::Fraction;
use crate::domain::scoring::publication::{Published, publish};
use crate::domain::scoring::rules::{NO_BASIS, Panel, Rules};
use crate::domain::scoring::score_cycle;
use crate::error::{Error, Result};

/// The estimates of one judge, in hundredths of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Estimates {
    /// The mean of all reviews' means.
    pub plain_mean: i64,
    /// The level of level and profile; null where nothing is computed.
    pub level: Option<i64>,
}

/// How far the dishonest reviews of one judge moved each estimate, in hundredths of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Shift {
    /// The plain mean.
    pub plain_mean: i64,
    /// The level of level and profile.
    pub level: i64,
}

/// What the demonstration knows of one judge's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// The estimates from the reviews as they were sent.
    pub estimates: Estimates,
    /// How far the dishonest ones moved them; none where there is no dishonest one, or no result.
    pub shift: Option<Shift>,
    /// What the service must publish for these reviews.
    pub published: Published,
}

impl Shift {
    /// Whether setting reviews aside left the result further off than plain averaging.
    pub fn is_trimming_worse(&self) -> bool {
        self.level.abs() > self.plain_mean.abs()
    }
}

/// What is known of each judge, in the order of `reviews`; scored as one cycle, as the service does.
pub(super) fn known_results(rules: &Rules, reviews: &[Vec<Review>]) -> Result<Vec<Known>> {
    let sent = scores(rules, reviews, |review| &review.sent)?;
    let honest = scores(rules, reviews, |review| &review.honest)?;
    let known = sent.into_iter().zip(honest).zip(reviews).map(|((sent, honest), reviews)| {
        let is_honest = reviews.iter().all(|review| review.temper == Temper::Honest);
        let level_shift = sent.level.zip(honest.level).filter(|_| !is_honest);
        let shift = level_shift.map(|(with, without)| Shift {
            plain_mean: difference(sent.mean, honest.mean),
            level: difference(with, without),
        });
        let estimates =
            Estimates { plain_mean: sent.mean.hundredths(1), level: sent.level.map(|level| level.hundredths(1)) };
        Known { estimates, shift, published: sent.published }
    });
    Ok(known.collect())
}

struct Score {
    mean: Fraction,
    level: Option<Fraction>,
    published: Published,
}

fn scores(rules: &Rules, reviews: &[Vec<Review>], marks: fn(&Review) -> &Marks) -> Result<Vec<Score>> {
    let panels: Vec<Panel> =
        reviews.iter().map(|reviews| panel(rules, reviews.iter().map(marks))).collect::<Result<_>>()?;
    let cycle = score_cycle(rules, &panels)?;
    // Names that sort as the judges are ordered, since the document sorts by them.
    let names: Vec<String> = (0..panels.len()).map(|number| format!("{number:06}")).collect();
    let written = document(rules, &names, &cycle)?;
    let mut scores = Vec::with_capacity(panels.len());
    for ((panel, score), subject) in panels.iter().zip(&cycle.panels).zip(&written.subjects) {
        let simple = compare(rules, panel)?.ok_or_else(|| Error::internal("a judge of the demo has no review"))?;
        let level = score.overall.map(|overall| overall.level.score);
        scores.push(Score { mean: simple.mean, level, published: publish(rules, subject)?.published().clone() });
    }
    Ok(scores)
}

fn panel<'a>(rules: &Rules, rows: impl Iterator<Item = &'a Marks>) -> Result<Panel> {
    Panel::new(rules, rows.flatten().map(|mark| mark.unwrap_or(NO_BASIS)).collect())
}

fn difference(with: Fraction, without: Fraction) -> i64 {
    let num = with.num() * without.den() - without.num() * with.den();
    Fraction::new(num, with.den() * without.den()).hundredths(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::tally::scoring_rules;
    use crate::demo::ratings::rated_judges;
    use crate::demo::reviewers::reviews_of;
    use crate::domain::methodology::Methodology;

    fn known(seed: u64) -> (Vec<Vec<Review>>, Vec<Known>) {
        let rules = scoring_rules(&Methodology::standard().unwrap(), "judge-1").unwrap();
        let rated = rated_judges().unwrap();
        let judges = rated.iter().enumerate();
        let reviews: Vec<_> = judges
            .map(|(number, judge)| reviews_of(seed, &format!("S{number:03}"), number, &judge.expected(), 14))
            .collect();
        let known = known_results(&rules, &reviews).unwrap();
        (reviews, known)
    }

    #[test]
    fn every_status_is_published() {
        let (reviews, known) = known(1);
        for (reviews, known) in reviews.iter().zip(&known) {
            let is_right = match known.published {
                Published::Insufficient {} => reviews.len() < 5,
                Published::Developmental { .. } => false,
                Published::Indicative { .. } => (5..10).contains(&reviews.len()),
                Published::Ok { .. } => reviews.len() >= 10,
            };
            assert!(is_right, "{} reviews: {:?}", reviews.len(), known.published);
        }
        assert!(known.iter().any(|known| known.published == Published::Insufficient {}));
        assert!(known.iter().any(|known| matches!(known.published, Published::Indicative { .. })));
    }

    #[test]
    fn hostile_reviews_move_the_plain_mean_further_than_the_level_on_average() {
        for seed in 1..=5 {
            let (reviews, known) = known(seed);
            let hostile = |reviews: &Vec<Review>| reviews.iter().any(|review| review.temper == Temper::Hostile);
            let shifts: Vec<Shift> =
                reviews.iter().zip(&known).filter(|(r, _)| hostile(r)).filter_map(|(_, known)| known.shift).collect();
            let total = |of: fn(&Shift) -> i64| shifts.iter().map(|shift| of(shift).abs()).sum::<i64>();
            assert!(total(|shift| shift.level) < total(|shift| shift.plain_mean), "seed {seed}");
        }
    }

    #[test]
    fn the_cases_in_which_trimming_does_worse_are_there_to_be_seen() {
        let (_, known) = known(1);
        assert!(known.iter().filter_map(|known| known.shift).any(|shift| shift.is_trimming_worse()));
    }

    #[test]
    fn honest_panels_have_no_shift() {
        let (reviews, known) = known(1);
        let honest = |reviews: &Vec<Review>| reviews.iter().all(|review| review.temper == Temper::Honest);
        assert!(reviews.iter().zip(&known).filter(|(r, _)| honest(r)).all(|(_, known)| known.shift.is_none()));
    }
}
