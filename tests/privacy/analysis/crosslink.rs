//! L-6: can two reviews of one author be told from two of different authors? For every feature the area under the curve
//! of "nearer means same author". What a newcomer would get wrong: nobody has to be named for that. Reviews that are
//! known to be one person's name the person by the panels they are in.

use std::collections::HashMap;

use super::attributes::Attribute;
use crate::dice::Dice;
use crate::population::TrueReview;

/// Pairs of different authors for each pair of one.
const OTHERS: usize = 4;

/// The area for one feature, with its standard deviation under chance.
#[derive(Debug, Clone, PartialEq)]
pub struct Area {
    pub feature: String,
    pub auc: f64,
    pub sigma: f64,
}

/// The area for every attribute, by how near two values are in rank.
pub fn areas(reviews: &[TrueReview], attributes: &[Attribute], seed: u64) -> Vec<Area> {
    let mut by_author: HashMap<&str, Vec<usize>> = HashMap::new();
    for (number, review) in reviews.iter().enumerate() {
        by_author.entry(&review.author).or_default().push(number);
    }
    let mut same = Vec::new();
    for own in by_author.values() {
        for (at, one) in own.iter().enumerate() {
            same.extend(own[at + 1..].iter().map(|other| (*one, *other)));
        }
    }
    same.sort_unstable();
    let mut dice = Dice::new(seed);
    let mut others = Vec::new();
    let mut any = || usize::try_from(dice.below(reviews.len() as u64)).unwrap();
    while others.len() < same.len() * OTHERS {
        let (one, other) = (any(), any());
        // Nobody reviews a subject twice, so a pair of one subject would be no fair comparison.
        if reviews[one].author != reviews[other].author && reviews[one].subject_ref != reviews[other].subject_ref {
            others.push((one, other));
        }
    }
    attributes.iter().filter_map(|attribute| area(attribute, &same, &others)).collect()
}

fn area(attribute: &Attribute, same: &[(usize, usize)], others: &[(usize, usize)]) -> Option<Area> {
    let ranks = ranks(&attribute.values);
    let distance = |(one, other): &(usize, usize)| Some((ranks[*one]? - ranks[*other]?).abs());
    let mut distances: Vec<(f64, bool)> = same.iter().filter_map(|pair| Some((distance(pair)?, true))).collect();
    let near = distances.len() as f64;
    distances.extend(others.iter().filter_map(|pair| Some((distance(pair)?, false))));
    let far = distances.len() as f64 - near;
    if near < 20.0 || far < 20.0 {
        return None;
    }
    distances.sort_by(|a, b| a.0.total_cmp(&b.0));
    // The chance that a pair of one author is the nearer one; equal distances count half.
    let (mut wins, mut passed) = (0.0, 0.0);
    for group in distances.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let own = group.iter().filter(|(_, is_same)| *is_same).count() as f64;
        let foreign = group.len() as f64 - own;
        wins += own * (far - passed - foreign / 2.0);
        passed += foreign;
    }
    let sigma = ((near + far + 1.0) / (12.0 * near * far)).sqrt();
    Some(Area { feature: attribute.name.clone(), auc: wins / (near * far), sigma })
}

/// Ranks from 0 to 1; equal values share theirs.
pub fn ranks(values: &[Option<u128>]) -> Vec<Option<f64>> {
    let mut order: Vec<(u128, usize)> =
        values.iter().enumerate().filter_map(|(at, value)| Some(((*value)?, at))).collect();
    order.sort_unstable();
    let mut ranks = vec![None; values.len()];
    let mut before = 0;
    for group in order.chunk_by(|a, b| a.0 == b.0) {
        let middle = before as f64 + (group.len() - 1) as f64 / 2.0;
        for (_, at) in group {
            ranks[*at] = Some(middle / order.len().max(2) as f64);
        }
        before += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::attributes::tests::reviews;

    #[test]
    fn a_feature_of_the_author_is_seen_and_chance_is_not() {
        let reviews = reviews(200, 20);
        let own = |review: &TrueReview| review.author.bytes().last().map(u128::from);
        let mut dice = Dice::new(3);
        let attributes = [
            Attribute { name: "own".to_owned(), values: reviews.iter().map(own).collect() },
            Attribute {
                name: "chance".to_owned(),
                values: reviews.iter().map(|_| Some(dice.below(1 << 40).into())).collect(),
            },
            Attribute { name: "same".to_owned(), values: vec![Some(1); 200] },
        ];
        let areas = areas(&reviews, &attributes, 1);
        assert!(areas[0].auc > 0.9, "{:?}", areas[0]);
        assert!((areas[1].auc - 0.5).abs() < 5.0 * areas[1].sigma, "{:?}", areas[1]);
        assert!((areas[2].auc - 0.5).abs() < 1e-9, "{:?}", areas[2]);
    }
}
