//! the process is killed at every step of a submission, a rewriting, a seal and a deletion, and at moments of chance;
//! it starts again, the reviewers send the same bytes, and no receipt is broken.
//!
//! What a newcomer would get wrong: a review without a receipt may be lost and is sent again; a review with a receipt may
//! not. And after the crash the files must tell nothing of the order either.

use std::collections::{BTreeMap, BTreeSet};

use ejf::ballot::leaks::{Blow, PLACES};
use ejf::credential::bundle;
use ejf::credential::deletion_order::DeletionOrder;
use ejf::credential::encoding::Digest;
use ejf::credential::envelope::Envelope;
use ejf::credential::seal_order::Act;
use ejf::publication::Document;
use serde::{Deserialize, Serialize};

use crate::ballot_round::{BallotRound, date};
use crate::dice::Dice;
use crate::evidence::tables_of_box;
use crate::lean::{Box, get, noon, post};
use crate::runs::{Scale, engines};
use crate::stage::Engine;

const REVIEWERS: usize = 5;

/// What came of all crashes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Crashes {
    pub engine: String,
    pub places: u64,
    pub kills: u64,
    pub receipts: u64,
    pub honoured: u64,
    pub seconds: f64,
}

#[test]
fn no_receipt_is_broken_by_a_kill_at_any_step() {
    let scale = Scale::of_this_run();
    let by_chance = if scale.is_whole() { 60 } else { 4 };
    for engine in engines() {
        let started = std::time::Instant::now();
        let mut crashes = Crashes { engine: engine.name().to_owned(), ..Crashes::default() };
        for place in PLACES.iter().filter(|place| is_of(&engine, place)) {
            let (receipts, honoured) = crash(&engine, Some(place), 0);
            assert_eq!(receipts, honoured, "{place}");
            (crashes.places, crashes.kills) = (crashes.places + 1, crashes.kills + 1);
            (crashes.receipts, crashes.honoured) = (crashes.receipts + receipts, crashes.honoured + honoured);
        }
        for seed in 0..by_chance {
            let (receipts, honoured) = crash(&engine, None, seed);
            assert_eq!(receipts, honoured, "kill of chance {seed}");
            crashes.kills += 1;
            (crashes.receipts, crashes.honoured) = (crashes.receipts + receipts, crashes.honoured + honoured);
        }
        crashes.seconds = started.elapsed().as_secs_f64();
        scale.keep_as("crashes", &crashes.engine, &crashes);
    }
}

/// Whether an engine passes a place: each has its own way to rewrite.
fn is_of(engine: &Engine, place: &str) -> bool {
    let of_postgres = ["compact_before_commit", "compact_committed"].contains(&place);
    let of_both = !place.starts_with("compact") || place == "compact_begun";
    of_both || of_postgres == matches!(engine, Engine::Postgres { .. })
}

/// One round with a crash in it: receipts given, and receipts whose leaf is in the sealed tree.
fn crash(engine: &Engine, place: Option<&str>, seed: u64) -> (u64, u64) {
    let mut ballot = Box::start(engine);
    let round = BallotRound::publish(&ballot.folder);
    ballot.server.go_to(noon(50));
    let mut receipts: BTreeSet<Digest> = BTreeSet::new();
    let mut reviews: Vec<Envelope> = Vec::new();
    let stage = place.map_or("chance", |place| place.split('_').next().unwrap());
    let mut deaths = 0;
    let victim = (stage == "chance").then(|| ballot.server.killer(Dice::new(seed).below(600)));
    for number in 0..REVIEWERS {
        let reviewer = round.reviewer();
        let first = reviewer.review(&round, &[]);
        if stage == "submit" && number == 3 {
            ballot.server.arm(place.unwrap(), Blow::Kill);
        }
        ballot = send(ballot, &first, &mut receipts, &mut deaths);
        let second = reviewer.seal(reviewer.body(&round, &[first.leaf().unwrap()], Some(1)));
        ballot = send(ballot, &second, &mut receipts, &mut deaths);
        reviews.extend([first, second]);
        if number == 2 && stage == "compact" {
            ballot.server.arm(place.unwrap(), Blow::Kill);
            assert!(!ballot.server.compact(), "{place:?} is passed");
            ballot = ballot.restarted();
        } else if stage == "chance" && !ballot.server.compact() {
            ballot = ballot.restarted();
        }
    }
    assert!(stage != "submit" || deaths == 1, "{place:?} is passed once");
    ballot.server.go_to(noon(65));
    if stage == "seal" {
        ballot.server.arm(place.unwrap(), Blow::Kill);
    }
    round.order(Act::Seal);
    ballot = seal(ballot, &round, place.filter(|_| stage == "seal"));
    if let Some(victim) = victim {
        // A kill that came after all is said has still come.
        victim.join().unwrap();
    }
    ballot = ballot.restarted();
    if stage == "delete" {
        ballot = delete(ballot, &round, place.unwrap());
    }
    let leaves = round.folder.read(&Document::Leaves).unwrap().unwrap();
    let leaves: BTreeSet<Digest> = bundle::leaves_from_bytes(&leaves).unwrap().into_iter().collect();
    assert_eq!(leaves.len(), reviews.len(), "nothing is there twice");
    ballot.server.kill();
    expect_no_order(engine, &ballot.stores);
    if stage == "delete" {
        let tables = tables_of_box(engine, &ballot.stores);
        let kept = |table: &str| tables.iter().find(|one| one.name == table).unwrap().rows.len();
        assert_eq!((kept("review"), kept("superseded"), kept("deleted_round")), (0, 0, 1), "{place:?}");
    }
    (receipts.len() as u64, receipts.iter().filter(|leaf| leaves.contains(leaf)).count() as u64)
}

/// Sends the same bytes until a receipt comes, to a box that may die of it.
fn send(mut ballot: Box, review: &Envelope, receipts: &mut BTreeSet<Digest>, deaths: &mut u32) -> Box {
    loop {
        match post(&ballot.address(), review) {
            Some(reply) => {
                assert_eq!((reply.status, reply.code.as_str()), (202, ""));
                receipts.insert(reply.leaf.unwrap());
                return ballot;
            }
            None => {
                *deaths += 1;
                ballot = ballot.restarted();
            }
        }
    }
}

/// Waits for the checkpoint, starting the box again when it has died.
fn seal(mut ballot: Box, round: &BallotRound, place: Option<&str>) -> Box {
    let mut deaths = 0;
    loop {
        match get(&ballot.address(), &round.path("checkpoint")) {
            Some((200, _)) => break,
            Some(other) => panic!("{other:?}"),
            None => {
                deaths += 1;
                ballot = ballot.restarted();
            }
        }
    }
    assert!(place.is_none() || deaths == 1, "{place:?} is passed once");
    ballot
}

/// Orders the reviews to be deleted, and waits until the box says that they are, starting it again when it has died.
fn delete(mut ballot: Box, round: &BallotRound, place: &str) -> Box {
    ballot.server.go_to(noon(76));
    ballot.server.arm(place, Blow::Kill);
    let checkpoint = round.folder.read(&Document::Checkpoint).unwrap().unwrap();
    let day = date("2027-05-01");
    let order = DeletionOrder::sign(&round.manifest, &checkpoint, BTreeMap::new(), day, &round.doc_key).unwrap();
    round.folder.write(&Document::DeletionOrder, &order.to_bytes().unwrap()).unwrap();
    let mut deaths = 0;
    while get(&ballot.address(), &round.path("leaves")).is_none() {
        deaths += 1;
        ballot = ballot.restarted();
    }
    assert_eq!(deaths, 1, "{place} is passed once");
    assert!(round.folder.read(&Document::Deleted).unwrap().is_some() && !round.folder.has_reviews(), "{place}");
    ballot
}

/// The rows lie in the order of their keys, and nothing else tells of any other.
fn expect_no_order(engine: &Engine, stores: &crate::stage::Stores) {
    if matches!(engine, Engine::Sqlite) {
        for ending in ["-journal", "-wal", ".compact", ".compact-journal"] {
            assert!(!stores.terms.folder.join(format!("ballot.db{ending}")).exists(), "{ending}");
        }
    }
    let tables = tables_of_box(engine, stores);
    let rows = &tables.iter().find(|table| table.name == "review").unwrap().rows;
    let keys: Vec<&[u8]> = rows.iter().map(|row| row.values[0].bytes()).collect();
    assert!(keys.is_sorted());
    // Pages themselves do not ascend: an inner page holds a row that stands between those of two leaves.
    for place in ["overflow page", "ctid"] {
        let places: Vec<_> = rows.iter().filter_map(|row| row.place(place)).collect();
        assert!(places.is_sorted(), "{place}: {places:?}");
    }
    let transactions: BTreeSet<_> = rows.iter().filter_map(|row| row.place("xmin")).collect();
    assert!(transactions.len() <= 1);
}
