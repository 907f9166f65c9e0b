//! The seeded draw of the acts of one reading pack, replayable bit for bit from its record. What a newcomer would get wrong:
//! the record orders *all* acts of a category and not only those drawn, so that who replaces an act chooses nothing.
//!
//! # The algorithm `EJF-READING-v1`
//!
//! Acts are sorted by category, day and number of the case, and numbered from 0. The stream of random numbers, `below` and
//! `shuffle` are those of `EJF-DRAW-v1`. For each category in ascending order the numbers of its acts, ascending, are
//! shuffled on the one stream: that is the category's order. How many of it are drawn is settled without chance: categories
//! are taken by how many acts they have, most first, then by code; each gives `acts_per_category`, or as many as it has, or
//! as many as are left of `acts_max`. What is replaced later is followed by the next of its category's order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::Candidate;
use crate::domain::draw::Bytes32;
use crate::domain::draw::random::Stream;
use crate::error::{Code, Error, Fault, Result, Rule};

/// The name of the algorithm that a record was made by.
pub const ALGORITHM: &str = "EJF-READING-v1";

/// The tag before the seed in its commitment; ends in a zero byte like every tag of the protocol.
const COMMITMENT_TAG: &[u8] = b"EJF-READING-v1\0";

/// What is drawn from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadingInput {
    /// Acts drawn of each category.
    #[schema(minimum = 1, maximum = 8)]
    pub acts_per_category: u32,
    /// Acts drawn in all.
    #[schema(minimum = 1, maximum = 8)]
    pub acts_max: u32,
    /// All acts of the window, sorted.
    pub acts: Vec<Candidate>,
}

/// The order of one category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Stratum {
    /// The kind of case.
    #[schema(max_length = 40)]
    pub category: String,
    /// How many of the order are drawn at once.
    #[schema(minimum = 0, maximum = 8)]
    pub drawn: u32,
    /// The category's acts in drawn order, by their number in the input.
    pub order: Vec<u32>,
}

/// All that is needed to repeat a draw of acts and to compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadingRecord {
    /// The algorithm, [`ALGORITHM`].
    #[schema(max_length = 32, example = "EJF-READING-v1")]
    pub algorithm: String,
    /// SHA-256 of the tagged seed, shown before the first act was on the list.
    pub commitment: Bytes32,
    /// The seed, opened by the draw.
    pub seed: Bytes32,
    /// What was drawn from.
    pub input: ReadingInput,
    /// The outcome, by category.
    pub strata: Vec<Stratum>,
}

impl ReadingRecord {
    /// The acts that are drawn at once, each with its place in its category's order.
    pub fn drawn(&self) -> impl Iterator<Item = (usize, &Candidate)> {
        self.strata.iter().flat_map(|stratum| {
            let first = stratum.order.iter().take(stratum.drawn as usize).enumerate();
            first.filter_map(|(place, number)| Some((place, self.input.acts.get(*number as usize)?)))
        })
    }

    /// The act at a place of a category's order; `None` behind its end.
    pub fn at(&self, category: &str, place: usize) -> Option<&Candidate> {
        let stratum = self.strata.iter().find(|stratum| stratum.category == category)?;
        self.input.acts.get(*stratum.order.get(place)? as usize)
    }
}

/// What is shown before the first act is on the list, so that the seed cannot be chosen to suit them.
pub fn commitment(seed: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(COMMITMENT_TAG).chain_update(seed).finalize().into()
}

/// Draws the acts of a pack, as the module's documentation says.
///
/// # Errors
/// [`Code::Invalid`] when an act stands twice or a number is out of range.
pub fn draw(mut input: ReadingInput, seed: &[u8; 32]) -> Result<ReadingRecord> {
    let faults = faults_of(&input);
    if !faults.is_empty() {
        return Err(Error::faults(Code::Invalid, faults));
    }
    input.acts.sort_unstable();
    let mut orders: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (number, act) in (0..).zip(&input.acts) {
        orders.entry(&act.category).or_default().push(number);
    }
    let drawn = drawn_counts(&input, &orders);
    let mut stream = Stream::new(seed);
    let mut strata = Vec::with_capacity(orders.len());
    for (category, mut order) in orders {
        stream.shuffle(&mut order)?;
        let drawn = drawn.get(category).copied().unwrap_or(0);
        strata.push(Stratum { category: category.to_owned(), drawn, order });
    }
    Ok(ReadingRecord {
        algorithm: ALGORITHM.to_owned(),
        commitment: Bytes32(commitment(seed)),
        seed: Bytes32(*seed),
        strata,
        input,
    })
}

/// How many acts each category gives.
fn drawn_counts(input: &ReadingInput, orders: &BTreeMap<&str, Vec<u32>>) -> BTreeMap<String, u32> {
    let mut by_size: Vec<(&str, usize)> = orders.iter().map(|(category, acts)| (*category, acts.len())).collect();
    by_size.sort_by_key(|(category, size)| (Reverse(*size), *category));
    let mut left = input.acts_max;
    let mut counts = BTreeMap::new();
    for (category, size) in by_size {
        let count = input.acts_per_category.min(left).min(u32::try_from(size).unwrap_or(u32::MAX));
        left -= count;
        counts.insert(category.to_owned(), count);
    }
    counts
}

/// Repeats a draw of acts from its record and compares bit for bit.
///
/// # Errors
/// [`Code::Invalid`] with the first place that differs: `/algorithm`, `/seed` (not the one committed to), `/input` (not
/// sorted), `/strata/<index>`; or whatever [`draw`] refuses.
pub fn replay(record: &ReadingRecord) -> Result<()> {
    if record.algorithm != ALGORITHM {
        return Err(Error::invalid("/algorithm", Rule::OneOf { allowed: ALGORITHM.into() }));
    }
    if commitment(&record.seed.0) != record.commitment.0 {
        return Err(Error::invalid("/seed", Rule::Mismatch { other: "commitment" }));
    }
    let again = draw(record.input.clone(), &record.seed.0)?;
    if again.input != record.input {
        return Err(Error::invalid("/input", Rule::Order { other: "category" }));
    }
    let count = again.strata.len();
    if record.strata.len() != count {
        return Err(Error::invalid("/strata", Rule::Length { min: count as u64, max: count as u64 }));
    }
    match again.strata.iter().zip(&record.strata).position(|(drawn, recorded)| drawn != recorded) {
        None => Ok(()),
        Some(index) => Err(Error::invalid(format!("/strata/{index}"), Rule::Mismatch { other: "seed" })),
    }
}

fn faults_of(input: &ReadingInput) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (pointer, value) in [("/acts_per_category", input.acts_per_category), ("/acts_max", input.acts_max)] {
        if !(1..=8).contains(&value) {
            faults.push(Fault::at(pointer, Rule::Range { min: 1, max: 8 }));
        }
    }
    let mut seen = BTreeSet::new();
    for (index, act) in input.acts.iter().enumerate() {
        if !seen.insert((&act.case_no, act.act_date)) {
            faults.push(Fault::at(format!("/acts/{index}/case_no"), Rule::Duplicate));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acts(of: &[(&str, usize)]) -> Vec<Candidate> {
        let mut acts = Vec::new();
        for (category, count) in of {
            for number in 0..*count {
                acts.push(Candidate {
                    category: (*category).to_owned(),
                    act_date: chrono::NaiveDate::from_ymd_opt(2026, 3, 1).unwrap() + chrono::Days::new(number as u64),
                    case_no: format!("{category}-{number}"),
                });
            }
        }
        acts
    }

    fn input(of: &[(&str, usize)]) -> ReadingInput {
        ReadingInput { acts_per_category: 2, acts_max: 5, acts: acts(of) }
    }

    fn drawn(record: &ReadingRecord) -> Vec<(&str, u32)> {
        record.strata.iter().map(|stratum| (stratum.category.as_str(), stratum.drawn)).collect()
    }

    #[test]
    fn each_category_gives_its_number_the_largest_first_and_all_together_no_more_than_the_most() {
        let record = draw(input(&[("civil", 9), ("criminal", 1), ("economic", 3), ("juvenile", 4)]), &[7; 32]).unwrap();
        assert_eq!(drawn(&record), [("civil", 2), ("criminal", 0), ("economic", 1), ("juvenile", 2)]);
        let few = draw(input(&[("civil", 1), ("criminal", 1)]), &[7; 32]).unwrap();
        assert_eq!(drawn(&few), [("civil", 1), ("criminal", 1)]);
        assert_eq!(few.drawn().count(), 2);
        assert_eq!(draw(input(&[]), &[7; 32]).unwrap().strata, []);
    }

    #[test]
    fn the_order_of_the_list_changes_nothing_and_the_seed_everything() {
        let record = draw(input(&[("civil", 40), ("criminal", 40)]), &[7; 32]).unwrap();
        let mut turned = input(&[("civil", 40), ("criminal", 40)]);
        turned.acts.reverse();
        assert_eq!(draw(turned, &[7; 32]).unwrap(), record);
        let other = draw(input(&[("civil", 40), ("criminal", 40)]), &[8; 32]).unwrap();
        assert_ne!(other.strata, record.strata);
    }

    #[test]
    fn the_draw_is_the_one_that_was_frozen() {
        let record = draw(input(&[("civil", 5), ("criminal", 3)]), &[1; 32]).unwrap();
        let orders: Vec<&[u32]> = record.strata.iter().map(|stratum| stratum.order.as_slice()).collect();
        assert_eq!(orders, FROZEN, "a changed algorithm needs another name");
        let first: Vec<usize> = record.drawn().map(|(place, _)| place).collect();
        assert_eq!(first, [0, 1, 0, 1]);
        assert_eq!(record.at("civil", 4).map(|act| act.category.as_str()), Some("civil"));
        assert_eq!(record.at("civil", 5), None);
        assert_eq!(record.at("juvenile", 0), None);
    }

    /// Computed by another program from the module's documentation alone.
    const FROZEN: [&[u32]; 2] = [&[3, 1, 0, 4, 2], &[7, 6, 5]];

    #[test]
    fn every_act_of_a_category_is_drawn_equally_often() {
        let mut counts = [0_i64; 6];
        for round in 0..6_000_u32 {
            let mut seed = [0; 32];
            seed[..4].copy_from_slice(&round.to_le_bytes());
            let record = draw(ReadingInput { acts_per_category: 1, ..input(&[("civil", 6)]) }, &seed).unwrap();
            counts[record.strata[0].order[0] as usize] += 1;
        }
        let chi_square: i64 = counts.iter().map(|count| (count - 1_000).pow(2)).sum::<i64>() / 1_000;
        assert!(chi_square < 21, "0.1 % point of chi-square with 5 degrees of freedom is 20.5: {counts:?}");
    }

    #[test]
    fn a_record_that_was_changed_anywhere_does_not_repeat() {
        let record = draw(input(&[("civil", 9), ("criminal", 4)]), &[7; 32]).unwrap();
        replay(&record).unwrap();
        type Change = fn(&mut ReadingRecord);
        let changes: [(&str, Change); 8] = [
            ("algorithm", |r| r.algorithm = "EJF-READING-v2".into()),
            ("commitment", |r| r.commitment.0[0] ^= 1),
            ("seed", |r| r.seed.0[0] ^= 1),
            ("input order", |r| r.input.acts.reverse()),
            ("an act less", |r| drop(r.input.acts.pop())),
            ("counts", |r| r.input.acts_per_category = 1),
            ("order", |r| r.strata[0].order.swap(0, 1)),
            ("a category less", |r| drop(r.strata.pop())),
        ];
        for (what, change) in changes {
            let mut other = record.clone();
            change(&mut other);
            assert!(replay(&other).is_err(), "{what}");
        }
    }

    #[test]
    fn an_act_that_stands_twice_is_refused() {
        let mut twice = input(&[("civil", 3)]);
        twice.acts.push(Candidate { category: "criminal".into(), ..twice.acts[0].clone() });
        assert_eq!(draw(twice, &[7; 32]).unwrap_err().code(), Code::Invalid);
    }
}
