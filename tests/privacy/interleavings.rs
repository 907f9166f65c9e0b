//! O-2: issue, submit, revise and close in any order, against a small model. What a newcomer would get wrong: histories
//! of different reviewers are interleaved, and the round closes in the middle of them; each step is judged by its own
//! history and the day alone.

use ejf::credential::encoding::{Bytes, Digest};
use ejf::credential::envelope::Envelope;
use serde::{Deserialize, Serialize};

use crate::ballot_round::{BallotRound, Reviewer};
use crate::dice::Dice;
use crate::lean::{Box, noon, post};
use crate::runs::{Scale, engines};
use crate::stage::Engine;

/// Histories that run at the same time in one round.
const TOGETHER: usize = 50;
const STEPS: usize = 6;
/// Days from one round to the next; a round is open on eight of them.
const ROUND_DAYS: i64 = 20;
const VERSIONS_MAX: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    Before,
    Open,
    After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Gets the credential that was missing until now.
    Issue,
    /// Sends a first version with other marks than any before.
    First,
    /// Sends an earlier version again.
    Again,
    /// Sends the next version, naming all earlier ones.
    Revise,
    /// Sends a next version that names somebody else's leaf in place of the last.
    Usurp,
}

const ALL: [Step; 5] = [Step::Issue, Step::First, Step::Again, Step::Revise, Step::Usurp];

/// One reviewer, and the model: what was accepted so far.
struct History {
    reviewer: Reviewer,
    is_issued: bool,
    accepted: Vec<Envelope>,
}

/// What came of all histories.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Interleavings {
    pub engine: String,
    pub histories: u64,
    pub steps: u64,
    pub accepted: u64,
    pub seconds: f64,
}

#[test]
fn any_interleaving_of_issue_submit_revise_and_close_goes_as_the_model_says() {
    let scale = Scale::of_this_run();
    let rounds = if scale.is_whole() { 200 } else { 2 };
    for engine in engines() {
        let outcome = play(&engine, rounds);
        assert_eq!(outcome.histories, (rounds as usize * TOGETHER) as u64);
        scale.keep_as("interleavings", &outcome.engine, &outcome);
    }
}

fn play(engine: &Engine, rounds: i64) -> Interleavings {
    let started = std::time::Instant::now();
    let mut ballot = Box::start(engine);
    let mut outcome = Interleavings { engine: engine.name().to_owned(), ..Interleavings::default() };
    let mut dice = Dice::new(2027);
    for number in 0..rounds {
        let first = 40 + number * ROUND_DAYS;
        let date = |day: i64| noon(first + day).date_naive();
        let round = BallotRound::publish_with(&ballot.folder, |manifest| {
            let dates = &mut manifest.dates;
            (dates.issue_open, dates.issue_close) = (date(0), date(3));
            (dates.submit_open, dates.submit_close) = (date(6), date(13));
            (dates.seal_by, dates.challenge_close) = (date(15), date(25));
        });
        ballot.server.go_to(noon(first + 5));
        let mut histories: Vec<History> = (0..TOGETHER)
            .map(|_| History { reviewer: round.reviewer(), is_issued: dice.below(3) > 0, accepted: Vec::new() })
            .collect();
        let mut order: Vec<usize> = (0..TOGETHER * STEPS).map(|at| at % TOGETHER).collect();
        dice.shuffle(&mut order);
        let opens = dice.below(20);
        let closes = opens + 1 + dice.below(order.len() as u64);
        let mut day = Day::Before;
        for (at, which) in (0..).zip(order) {
            if at == opens {
                (day, _) = (Day::Open, ballot.server.go_to(noon(first + 9)));
            } else if at == closes {
                (day, _) = (Day::After, ballot.server.go_to(noon(first + 14)));
            }
            let address = ballot.address();
            outcome.accepted += u64::from(histories[which].step(&address, &round, day, &mut dice));
            outcome.steps += 1;
        }
        outcome.histories += TOGETHER as u64;
    }
    ballot.server.stop();
    outcome.seconds = started.elapsed().as_secs_f64();
    outcome
}

impl History {
    /// Takes one step and holds the answer against the model; true where a review was accepted.
    fn step(&mut self, address: &str, round: &BallotRound, day: Day, dice: &mut Dice) -> bool {
        let step = ALL[usize::try_from(dice.below(ALL.len() as u64)).unwrap()];
        let mark = Some(dice.below(5).cast_signed() + 1);
        let mut earlier: Vec<Digest> = self.accepted.iter().map(|version| version.leaf().unwrap()).collect();
        earlier.sort_unstable();
        let review = match step {
            Step::Issue => {
                self.is_issued = true;
                return false;
            }
            Step::First => self.review(round, &[], mark),
            Step::Again if !self.accepted.is_empty() => {
                self.accepted[usize::try_from(dice.below(self.accepted.len() as u64)).unwrap()].clone()
            }
            Step::Usurp if !earlier.is_empty() => {
                *earlier.last_mut().unwrap() = Bytes([0xff; 32]);
                self.review(round, &earlier, mark)
            }
            Step::Again | Step::Revise | Step::Usurp => self.review(round, &earlier, mark),
        };
        let expected = self.expected(step, day, &review);
        let reply = post(address, &review).expect("an answer");
        assert_eq!(
            (reply.status, reply.code.as_str()),
            expected,
            "{step:?} on {day:?} after {} versions",
            self.accepted.len()
        );
        let is_new = reply.status == 202 && !self.accepted.contains(&review);
        if is_new {
            assert_eq!(reply.leaf, Some(review.leaf().unwrap()));
            self.accepted.push(review);
        }
        is_new
    }

    fn review(&self, round: &BallotRound, earlier: &[Digest], mark: Option<i64>) -> Envelope {
        let mut review = self.reviewer.seal(self.reviewer.body(round, earlier, mark));
        if !self.is_issued {
            // Without the issuer there is a signature of the right size and nothing more.
            review.credentials[0].sig = Bytes([1; 384]);
        }
        review
    }

    /// The model.
    fn expected(&self, step: Step, day: Day, review: &Envelope) -> (u16, &'static str) {
        match day {
            Day::Before => return (425, "too_early"),
            Day::After => return (410, "window_closed"),
            Day::Open => {}
        }
        if self.accepted.len() >= VERSIONS_MAX && review.body.seq as usize > VERSIONS_MAX {
            return (422, "invalid_review");
        }
        if !self.is_issued {
            return (403, "credential_invalid");
        }
        let is_known = self.accepted.contains(review);
        let is_next = review.body.seq as usize == self.accepted.len() + 1;
        let is_usurper = step == Step::Usurp && !self.accepted.is_empty();
        if is_known || (is_next && !is_usurper) { (202, "") } else { (409, "seq_conflict") }
    }
}
