//! E12: how long the box takes, by what comes of a submission. What a newcomer would get wrong: no mark is set for these
//! figures. The cheapest check comes first, so refusals take their own time each, and whoever sees an answer knows its
//! class anyway; the figures are here so that nobody has to guess them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ejf::credential::encoding::{Bytes, Ref};
use ejf::credential::envelope::{Body, Envelope};
use serde::{Deserialize, Serialize};

use crate::ballot_round::{BallotRound, Reviewer};
use crate::dice::Dice;
use crate::lean::{Box, ask_for_reply, get, noon, submission};
use crate::runs::{Scale, engines};
use crate::stage::Engine;

const JSON: &str = "Content-Type: application/json\r\n";
/// What a review is called that is taken, and one that was taken before.
const TAKEN: &str = "taken";
const AGAIN: &str = "taken before, sent again";

/// Milliseconds by class: the middle, and between what nine of ten lie.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Latencies {
    pub engine: String,
    pub samples: usize,
    pub classes: BTreeMap<String, [f64; 3]>,
}

#[test]
fn every_class_of_answer_is_timed() {
    let scale = Scale::of_this_run();
    let samples = if scale.is_whole() { 200 } else { 2 };
    for engine in engines() {
        let latencies = measure(&engine, samples);
        scale.keep_as("latencies", &latencies.engine, &latencies);
        assert_eq!(latencies.classes.len(), 16, "{latencies:?}");
    }
}

fn measure(engine: &Engine, samples: usize) -> Latencies {
    let mut ballot = Box::start(engine);
    let round = BallotRound::publish(&ballot.folder);
    take_in(&ballot, &round);
    let [early, closed] = [46, 34].map(|first| shifted(&ballot, first));
    ballot.server.go_to(noon(50));
    let address = ballot.address();
    let mut requests = refusals(&round, &early, &closed);
    let taken = round.reviewer().review(&round, &[]);
    assert_eq!(ask_for_reply(&address, &wire(&taken)).unwrap().status, 202);
    requests.push((AGAIN, wire(&taken)));
    let mut turns: Vec<Option<usize>> =
        (0..samples).flat_map(|_| (0..requests.len()).map(Some).chain([None])).collect();
    // In an order of chance, so that whatever else the machine does meets all classes alike.
    Dice::new(2027).shuffle(&mut turns);
    let mut times: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for turn in turns {
        let fresh;
        let (class, request) = match turn {
            Some(at) => (requests[at].0, &requests[at].1),
            None => {
                fresh = wire(&round.reviewer().review(&round, &[]));
                (TAKEN, &fresh)
            }
        };
        let started = Instant::now();
        let reply = ask_for_reply(&address, request).unwrap();
        times.entry(class).or_default().push(started.elapsed());
        let expected = if [TAKEN, AGAIN].contains(&class) { "" } else { class };
        assert_eq!(reply.code, expected);
    }
    ballot.server.stop();
    let classes = times.into_iter().map(|(class, times)| (class.to_owned(), spread(times))).collect();
    Latencies { engine: engine.name().to_owned(), samples, classes }
}

/// A round whose days begin so many days after 1 January 2027.
fn shifted(ballot: &Box, first: i64) -> BallotRound {
    let date = |day: i64| noon(first + day).date_naive();
    let round = BallotRound::publish_with(&ballot.folder, |manifest| {
        let dates = &mut manifest.dates;
        (dates.issue_open, dates.issue_close) = (date(0), date(3));
        (dates.submit_open, dates.submit_close) = (date(6), date(13));
        (dates.seal_by, dates.challenge_close) = (date(15), date(25));
    });
    take_in(ballot, &round);
    round
}

/// Makes the box take a round in: it gives out the key for the next one only then.
fn take_in(ballot: &Box, round: &BallotRound) {
    assert_eq!(get(&ballot.address(), &round.path("manifest")).unwrap().0, 200);
}

fn wire(review: &Envelope) -> Vec<u8> {
    submission(JSON, &review.to_submission().unwrap())
}

/// One request for each refusal, by its code.
fn refusals(round: &BallotRound, early: &BallotRound, closed: &BallotRound) -> Vec<(&'static str, Vec<u8>)> {
    let reviewer = round.reviewer();
    let changed = |change: &dyn Fn(&mut Body)| {
        let mut body = reviewer.body(round, &[], Some(4));
        change(&mut body);
        wire(&reviewer.seal(body))
    };
    let good = reviewer.review(round, &[]).to_submission().unwrap();
    let own = |other: &BallotRound| wire(&other.reviewer().review(other, &[]));
    let stray = Ref::random().unwrap();
    let stolen = Reviewer { credentials: reviewer.credentials.clone(), ..round.reviewer() };
    let mut altered = reviewer.review(round, &[]);
    altered.body.marks.insert("k1".to_owned(), Some(5));
    vec![
        ("identified_request_refused", submission(&format!("{JSON}Authorization: Bearer x\r\n"), &good)),
        ("unsupported_media_type", submission("Content-Type: text/plain\r\n", &good)),
        ("wrong_size", submission(JSON, &good[1..])),
        ("malformed", submission(JSON, &[b' '; 8192])),
        ("unknown_cycle", changed(&|body| body.cycle_ref = stray)),
        ("manifest_mismatch", changed(&|body| body.manifest_digest = Bytes([9; 32]))),
        ("too_early", own(early)),
        ("window_closed", own(closed)),
        ("unknown_subject", changed(&|body| body.subject_ref = stray)),
        ("gate_closed", wire(&round.reviewer_of(1).review(round, &[]))),
        ("invalid_review", changed(&|body| body.marks.extend([("k1".to_owned(), Some(6))]))),
        ("credential_invalid", wire(&stolen.review(round, &[]))),
        ("signature_invalid", wire(&altered)),
        ("seq_conflict", changed(&|body| (body.seq, body.prev) = (2, vec![Bytes([1; 32])]))),
    ]
}

/// The middle, and the twentieths at both ends, in milliseconds.
fn spread(mut times: Vec<Duration>) -> [f64; 3] {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1000.0;
    [at(0.5), at(0.05), at(0.95)]
}
