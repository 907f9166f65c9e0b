//! L-3 over twenty seeds: small populations of the real box, each with arrivals of its own, and every attribute of their
//! reviews over all of them together.
//!
//! What a newcomer would get wrong: small is not weak. Forty-two reviews have the 861 pairs that Kendall's tau needs, and
//! what twenty such runs show together one run of 840 shows no better; the full-size populations are looked at beside
//! these. Registry and reviewers are played here; the box, its files, its seal and its server are real.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use ejf::ballot::leaks::Leak;
use ejf::credential::encoding::Digest;
use ejf::credential::envelope::{Body, Envelope};
use ejf::credential::manifest::Item;
use ejf::credential::seal_order::Act;
use serde::{Deserialize, Serialize};

use crate::analysis::attributes::{self, Attribute};
use crate::analysis::order::pooled;
use crate::ballot_round::{BallotRound, Reviewer};
use crate::dice::Dice;
use crate::evidence::{Evidence, raw_files, tables_of_box, tables_of_registry};
use crate::lean::{Box, get, noon, post};
use crate::measured::stable_name;
use crate::population::{TrueReview, Truth};
use crate::runs::{Scale, engines};
use crate::stage::Engine;

const SEEDS: u64 = 20;
/// Seeds of the fast subset, and of the control.
const FEW: u64 = 2;
/// Items of the form.
const ITEMS: usize = 15;
/// Reviews of one population.
const REVIEWS: usize = 42;
/// One review in so many is revised, before so many more have come.
const REVISED_ONE_IN: u64 = 12;
const LATEST: usize = 10;
/// The probability below which an order is no chance, among all attributes together.
const LEVEL: f64 = 0.001;

/// What came of all seeds on one engine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Orders {
    pub engine: String,
    pub seeds: u64,
    pub reviews: usize,
    pub attributes: usize,
    /// The least probability of any attribute, times the number of attributes.
    pub least: f64,
    /// Attributes in the order of arrival.
    pub ordered: Vec<String>,
    pub seconds: f64,
}

#[test]
fn no_attribute_follows_the_order_of_arrival_over_all_seeds() {
    let scale = Scale::of_this_run();
    let seeds = if scale.is_whole() { SEEDS } else { FEW };
    for engine in engines() {
        let orders = over(&engine, None, seeds);
        scale.keep_as("orders", &orders.engine, &orders);
        eprintln!("{orders:?}");
        assert!(orders.ordered.is_empty(), "{orders:?}");
    }
}

#[test]
fn a_box_that_is_never_put_in_order_is_caught() {
    for engine in engines() {
        let orders = over(&engine, Some(Leak::NoCompaction), FEW);
        assert!(orders.ordered.iter().any(|name| name.starts_with("box review.")), "{orders:?}");
    }
}

fn over(engine: &Engine, leak: Option<Leak>, seeds: u64) -> Orders {
    let started = std::time::Instant::now();
    let mut runs: BTreeMap<String, Vec<Vec<u128>>> = BTreeMap::new();
    for seed in 1..=seeds {
        for Attribute { name, values } in play(engine, leak, seed) {
            runs.entry(name).or_default().push(values.into_iter().flatten().collect());
        }
    }
    let judged: Vec<_> = runs.iter().filter_map(|(name, runs)| Some((name, pooled(runs)?))).collect();
    let count = judged.len() as f64;
    let ordered = judged.iter().filter(|(_, pooled)| pooled.p * count < LEVEL);
    Orders {
        engine: engine.name().to_owned(),
        seeds,
        reviews: REVIEWS,
        attributes: judged.len(),
        least: judged.iter().map(|(_, pooled)| (pooled.p * count).min(1.0)).fold(1.0, f64::min),
        ordered: ordered.map(|(name, pooled)| format!("{name} tau {:.2} p {:.1e}", pooled.tau, pooled.p)).collect(),
        seconds: started.elapsed().as_secs_f64(),
    }
}

/// One population from its first review to the seal: its attributes, by names that are the same in every run.
fn play(engine: &Engine, leak: Option<Leak>, seed: u64) -> Vec<Attribute> {
    let mut dice = Dice::new(seed);
    let mut ballot = Box::leaking(engine, leak);
    let round = BallotRound::publish_with(&ballot.folder, |manifest| {
        // As long as the default form: a row of two marks would have no overflow page, in which SQLite keeps an order.
        let codes = (1..=ITEMS).map(|number| format!("criterion-{number:02}"));
        manifest.instruments[0].items = codes.map(|code| Item { code, min: 1, max: 5 }).collect();
    });
    ballot.server.go_to(noon(50));
    let mut truth = Truth::default();
    // Who will revise a review after how many have come. It is settled when the review comes: were it a later one's part to
    // choose among the earlier, `seq` would tell who came early.
    let mut revisions: Vec<(usize, Reviewer, Digest)> = Vec::new();
    for number in 0..REVIEWS + LATEST {
        for (_, reviewer, earlier) in revisions.extract_if(.., |(due, ..)| *due == number) {
            let review = write(&round, &reviewer, &[earlier], &mut dice);
            assert_eq!(post(&ballot.address(), &review).unwrap().status, 202);
        }
        if number >= REVIEWS {
            continue;
        }
        let reviewer = round.reviewer();
        let review = write(&round, &reviewer, &[], &mut dice);
        assert_eq!(post(&ballot.address(), &review).unwrap().status, 202);
        truth.reviews.push(TrueReview {
            epk: review.epk.0,
            leaf: review.leaf().unwrap().0,
            sig: review.sig.0,
            subject_ref: reviewer.subject_ref,
            author: String::new(),
            at: ballot.server.now,
        });
        if dice.below(REVISED_ONE_IN) == 0 {
            let due = number + 1 + usize::try_from(dice.below(LATEST as u64 - 1)).unwrap();
            revisions.push((due, reviewer, review.leaf().unwrap()));
        }
        // Some come within the minute in which the tables are not yet rewritten; most come hours apart.
        let (is_alone, now) = (dice.below(3) > 0, ballot.server.now);
        if is_alone {
            ballot.server.go_to(now + TimeDelta::seconds(45));
            assert!(ballot.server.compact());
        }
        let minutes = if is_alone { dice.below(360) } else { 0 };
        ballot.server.go_to(now + TimeDelta::seconds(50) + TimeDelta::minutes(minutes.cast_signed()));
    }
    ballot.server.go_to(noon(65));
    round.order(Act::Seal);
    assert_eq!(get(&ballot.address(), &round.path("checkpoint")).unwrap().0, 200);
    let (stores, output) = (ballot.stores, ballot.server.stop());
    let evidence = Evidence {
        of_box: tables_of_box(engine, &stores),
        of_registry: tables_of_registry(engine, &stores),
        files: raw_files(engine, &stores),
        output,
        ..Evidence::default()
    };
    let cycle_ref = round.manifest.manifest().cycle_ref.to_string();
    let mut named: Vec<Attribute> = Vec::new();
    // In ascending order the first file of a kind is the first in every run.
    for Attribute { name, values } in attributes::all(&evidence, &truth) {
        let name = stable_name(&name, &cycle_ref, |name| named.iter().any(|one| one.name == name));
        named.push(Attribute { name, values });
    }
    named
}

/// A review of any marks, the next after those whose leaves are given.
fn write(round: &BallotRound, reviewer: &Reviewer, earlier: &[Digest], dice: &mut Dice) -> Envelope {
    let items = &round.manifest.manifest().instruments[0].items;
    let marks = items.iter().map(|item| (item.code.clone(), Some(dice.below(5).cast_signed() + 1))).collect();
    let statements = ["s02".to_owned()];
    reviewer.seal(Body::new(&round.manifest, reviewer.subject_ref, earlier, marks, &statements).unwrap())
}
