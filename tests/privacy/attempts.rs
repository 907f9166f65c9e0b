//! O-1: one key is accepted once, however many send at the same time. What a newcomer would get wrong: the same bytes may
//! come as often as they like and get the same receipt. Two receipts for two first versions would be two reviews.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ballot_round::BallotRound;
use crate::evidence::tables_of_box;
use crate::lean::{Box, noon, post_bytes};
use crate::runs::{Scale, engines};
use crate::stage::Engine;

/// Posts of one key at the same time.
const PARALLEL: usize = 100;

/// What came of all attempts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Attempts {
    pub engine: String,
    pub attempts: u64,
    pub accepted: u64,
    pub busy: u64,
    pub double_accepts: u64,
    pub seconds: f64,
}

#[test]
fn a_key_is_accepted_once_however_many_post_it_at_the_same_time() {
    let scale = Scale::of_this_run();
    let keys = if scale.is_whole() { 1000 } else { 10 };
    for engine in engines() {
        let attempts = attempt(&engine, keys);
        scale.keep_as("attempts", &attempts.engine, &attempts);
        assert_eq!(attempts.double_accepts, 0, "{attempts:?}");
        assert_eq!(attempts.attempts, (keys * PARALLEL) as u64);
    }
}

fn attempt(engine: &Engine, keys: usize) -> Attempts {
    let started = std::time::Instant::now();
    let mut ballot = Box::start(engine);
    let round = BallotRound::publish(&ballot.folder);
    ballot.server.go_to(noon(50));
    let mut attempts = Attempts { engine: engine.name().to_owned(), ..Attempts::default() };
    for _ in 0..keys {
        let reviewer = round.reviewer();
        let versions =
            [4, 2].map(|mark| reviewer.seal(reviewer.body(&round, &[], Some(mark))).to_submission().unwrap());
        let address = ballot.address();
        let replies: Vec<_> = std::thread::scope(|scope| {
            let (versions, address) = (&versions, &address);
            let posting: Vec<_> =
                (0..PARALLEL).map(|at| scope.spawn(move || post_bytes(address, &versions[at % 2]))).collect();
            posting.into_iter().map(|posted| posted.join().unwrap().expect("an answer")).collect()
        });
        attempts.attempts += replies.len() as u64;
        let leaves: BTreeSet<_> = replies.iter().filter_map(|reply| reply.leaf).collect();
        attempts.double_accepts += leaves.len().saturating_sub(1) as u64;
        for reply in &replies {
            match (reply.status, reply.code.as_str()) {
                (202, _) => attempts.accepted += 1,
                (503, "busy") => attempts.busy += 1,
                (409, "seq_conflict") => {}
                other => panic!("{other:?}"),
            }
        }
    }
    ballot.server.stop();
    let tables = tables_of_box(engine, &ballot.stores);
    let rows = &tables.iter().find(|table| table.name == "review").unwrap().rows;
    assert!(rows.len() <= keys, "{} rows of {keys} keys", rows.len());
    attempts.seconds = started.elapsed().as_secs_f64();
    attempts
}
