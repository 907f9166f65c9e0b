//! O-1: one key is accepted once, however many send at the same time. What a newcomer would get wrong: the same bytes may
//! come as often as they like and get the same receipt. Two receipts for two first versions would be two reviews.

use std::collections::BTreeSet;

use ejf::credential::encoding::Digest;
use serde::{Deserialize, Serialize};

use crate::ballot_round::BallotRound;
use crate::evidence::tables_of_box;
use crate::lean::{Box, Reply, noon, post_bytes};
use crate::runs::{Scale, engines};
use crate::stage::Engine;

/// Posts of one key at the same time.
const PARALLEL: usize = 100;

/// What came of all attempts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Attempts {
    pub engine: String,
    /// Posts that the rule decided on.
    pub judged: u64,
    pub accepted: u64,
    /// Posts that came when the box was full, and were sent again.
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
        assert_eq!(attempts.judged, (keys * PARALLEL) as u64);
    }
}

fn attempt(engine: &Engine, keys: usize) -> Attempts {
    let started = std::time::Instant::now();
    let mut ballot = Box::start(engine);
    let round = BallotRound::publish(&ballot.folder);
    ballot.server.go_to(noon(50));
    let mut attempts = Attempts { engine: engine.name().to_owned(), ..Attempts::default() };
    let mut promised = BTreeSet::new();
    for _ in 0..keys {
        let reviewer = round.reviewer();
        let versions =
            [4, 2].map(|mark| reviewer.seal(reviewer.body(&round, &[], Some(mark))).to_submission().unwrap());
        let address = ballot.address();
        let replies: Vec<_> = std::thread::scope(|scope| {
            let (versions, address) = (&versions, &address);
            let posting: Vec<_> =
                (0..PARALLEL).map(|at| scope.spawn(move || until_judged(address, &versions[at % 2]))).collect();
            posting.into_iter().map(|posted| posted.join().unwrap()).collect()
        });
        attempts.judged += replies.len() as u64;
        let leaves: BTreeSet<_> = replies.iter().filter_map(|(reply, _)| reply.leaf).collect();
        attempts.double_accepts += leaves.len().saturating_sub(1) as u64;
        promised.extend(leaves);
        for (reply, busy) in &replies {
            attempts.busy += busy;
            match (reply.status, reply.code.as_str()) {
                (202, _) => attempts.accepted += 1,
                (409, "seq_conflict") => {}
                other => panic!("{other:?}"),
            }
        }
    }
    ballot.server.stop();
    let tables = tables_of_box(engine, &ballot.stores);
    let table = |name: &str| tables.iter().find(|table| table.name == name).unwrap();
    let leaf = table("review").columns.iter().position(|column| column.name == "leaf").unwrap();
    let stored: BTreeSet<_> =
        table("review").rows.iter().map(|row| Digest::from_slice(row.values[leaf].bytes()).unwrap()).collect();
    assert_eq!(stored.len(), keys, "each key has its review");
    assert_eq!(stored, promised, "what is stored is what was promised");
    assert!(table("superseded").rows.is_empty());
    attempts.seconds = started.elapsed().as_secs_f64();
    attempts
}

/// Posts until the box decides, as a reviewer does; how often it was too busy to, or gave up a head that came too slowly.
fn until_judged(address: &str, bytes: &[u8]) -> (Reply, u64) {
    let mut busy = 0;
    loop {
        match post_bytes(address, bytes) {
            Some(reply) if (reply.status, reply.code.as_str()) != (503, "busy") => return (reply, busy),
            Some(_) | None => busy += 1,
        }
    }
}
