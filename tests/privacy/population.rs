//! A seeded population that submits through the real box with the released client, and the truth about it.
//!
//! *As designed*: nobody logs in while reviews are taken, and each review comes at a moment of its own. *Careless*: every
//! judge logs in to the registry and sends all reviews in the minutes after. What a newcomer would get wrong: the clock
//! leaps, so the box's own housekeeping would hardly ever run. It is run where it would have, within a minute of a review.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use ejf::ballot::leaks::Blow;
use ejf::client::card::Held;
use ejf::client::draft::Draft;
use ejf::client::pinned::fetch_rules;
use ejf::client::review::submit_under;
use ejf::credential::encoding::Ref;
use ejf::credential::envelope::Body;
use ejf::credential::rules::BallotRules;

use crate::caller::{Caller, http};
use crate::dice::Dice;
use crate::evidence::{Evidence, Polled, Snapshot, tables_of_box};
use crate::server::Server;
use crate::stage::{Cycle, Engine, Staff, Stores};

/// How a population behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Designed,
    Careless,
}

impl Manner {
    pub fn name(self) -> &'static str {
        match self {
            Manner::Designed => "as designed",
            Manner::Careless => "careless",
        }
    }
}

/// Where nothing listens.
const NOBODY: &str = "http://127.0.0.1:9";
/// Seconds from a review to the rewriting of the tables, as the box has it.
const COMPACTION_SECONDS: i64 = 45;
/// Minutes between two reviews of a careless judge, on average.
const GAP_MINUTES: f64 = 3.0;
/// One review in so many is revised later.
const REVISED_ONE_IN: u64 = 16;
/// Instants at which the insider looks while reviews are taken.
const LOOKS: usize = 6;
const POLLS: usize = 8;

/// One review as it truly came about.
#[derive(Debug, Clone)]
pub struct TrueReview {
    pub epk: [u8; 32],
    pub leaf: [u8; 32],
    pub sig: [u8; 64],
    pub subject_ref: Ref,
    pub author: String,
    pub at: DateTime<Utc>,
}

/// What truly happened: reviews in the order of their arrival, and what the registry saw meanwhile.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    pub reviews: Vec<TrueReview>,
    /// Who was seen by the registry, when: in issuance, and while reviews were taken.
    pub seen: Vec<(String, DateTime<Utc>)>,
    /// The machine's time in microseconds and the instant that the clock showed, ascending in both.
    pub clock: Vec<(i64, DateTime<Utc>)>,
    /// Words that a request carried besides its review, or that only its row may hold.
    pub canaries: Vec<String>,
    /// What was said in each version of each review, in the order in which they were accepted.
    pub bodies: Vec<Body>,
    /// Whether the box took a request that named its sender.
    pub is_identified_request_taken: bool,
}

/// The machine's time, by which files and an engine's log go.
pub fn machine_micros() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    LogIn(usize),
    Submit(usize, Ref),
    Revise(usize, Ref),
    Look,
    Poll,
}

/// A population at work.
pub struct Population<'a> {
    engine: &'a Engine,
    stores: &'a Stores,
    cycle: &'a Cycle,
    server: &'a mut Server,
    staff: Staff,
    rules: BallotRules,
    dice: Dice,
    cards: Vec<Held>,
    compaction: Option<DateTime<Utc>>,
    truth: Truth,
    evidence: Evidence,
}

/// Lets everybody submit, and goes on until the round is sealed.
pub async fn submit_all(
    engine: &Engine,
    stores: &Stores,
    cycle: &Cycle,
    server: &mut Server,
    manner: Manner,
    seed: u64,
) -> (Truth, Evidence) {
    // All cards hold the same pinned manifest.
    let rules = fetch_rules(&server.ballot, &cycle.peers[0].card, server.now);
    let (rules, staff) = (rules.await.unwrap(), Staff::of(server));
    let card = |held: &crate::stage::Peer| {
        let mut own = Held::in_memory();
        own.card_or(|| held.card.clone());
        own
    };
    let mut population = Population {
        engine,
        stores,
        cycle,
        staff,
        rules,
        dice: Dice::new(seed),
        cards: cycle.peers.iter().map(card).collect(),
        compaction: None,
        truth: Truth { seen: cycle.issuances.clone(), ..Truth::default() },
        evidence: Evidence { transcript: cycle.transcript.clone(), ..Evidence::default() },
        server,
    };
    for (at, event) in population.plan(manner) {
        population.go_to(at);
        population.happen(event).await;
    }
    population.seal().await;
    (population.truth, population.evidence)
}

impl Population<'_> {
    /// All that will happen, in its order.
    fn plan(&mut self, manner: Manner) -> BTreeSet<(DateTime<Utc>, Event)> {
        let offset = TimeDelta::minutes(i64::from(self.cycle.manifest.manifest().utc_offset_minutes));
        let last = self.cycle.submit_close + Days::new(1);
        let (from, to) = (self.server.now + TimeDelta::minutes(1), last.and_time(NaiveTime::MIN).and_utc() - offset);
        let span = (to - from).num_seconds() as f64;
        let moment =
            |dice: &mut Dice, until: f64| from + TimeDelta::milliseconds((dice.unit() * until * 1000.0) as i64);
        let dice = &mut self.dice;
        let mut events = BTreeSet::new();
        for (peer, held) in self.cards.iter().enumerate() {
            let mut subjects: Vec<Ref> = held.card().unwrap().credentials.iter().map(|one| one.subject_ref).collect();
            dice.shuffle(&mut subjects);
            // A careless judge begins early enough to end within the window.
            let mut at = moment(dice, span - 12.0 * 3600.0);
            if manner == Manner::Careless {
                events.insert((at, Event::LogIn(peer)));
            }
            for subject in subjects {
                at = match manner {
                    Manner::Designed => moment(dice, span - 12.0 * 3600.0),
                    Manner::Careless => at + TimeDelta::milliseconds((dice.exponential(GAP_MINUTES) * 60_000.0) as i64),
                };
                events.insert((at, Event::Submit(peer, subject)));
                if dice.below(REVISED_ONE_IN) == 0 {
                    let later = at + TimeDelta::milliseconds((dice.exponential(180.0) * 60_000.0) as i64);
                    events.insert((later.min(to - TimeDelta::minutes(5)), Event::Revise(peer, subject)));
                }
            }
        }
        for _ in 0..POLLS {
            events.insert((moment(dice, span), Event::Poll));
        }
        if manner == Manner::Designed {
            for _ in 0..LOOKS {
                events.insert((moment(dice, span), Event::Look));
            }
        }
        events
    }

    /// Moves the clock, and rewrites the tables on the way where the box would have.
    fn go_to(&mut self, at: DateTime<Utc>) {
        if let Some(due) = self.compaction.filter(|due| *due <= at) {
            self.server.go_to(due);
            assert!(self.server.compact());
            self.compaction = None;
        }
        self.server.go_to(at);
        self.truth.clock.push((machine_micros(), self.server.now));
    }

    async fn happen(&mut self, event: Event) {
        match event {
            Event::LogIn(peer) => {
                let peer = &self.cycle.peers[peer];
                Caller::new(&self.server.registry, &peer.login).log_in().await;
                self.truth.seen.push((peer.judge_id.clone(), self.server.now));
            }
            Event::Submit(peer, subject) => self.submit(peer, subject).await,
            Event::Revise(peer, subject) => {
                let draft = self.draft(peer, subject);
                let (now, held) = (self.server.now, &mut self.cards[peer]);
                submit_under(&self.server.ballot, &self.rules, held, &draft, now).await.unwrap();
                self.keep_words(peer, &subject);
                self.changed();
            }
            Event::Look => {
                let tables = tables_of_box(self.engine, self.stores);
                self.evidence.snapshots.push(Snapshot { at: self.server.now, tables });
            }
            Event::Poll => self.poll().await,
        }
    }

    async fn submit(&mut self, peer: usize, subject: Ref) {
        let number = self.truth.reviews.len();
        let draft = self.draft(peer, subject);
        let now = self.server.now;
        match number {
            // The third carries what requests carry on the open network; the fifth names its sender first.
            2 | 4 => {
                let bytes = self.signed(peer, &draft).await;
                self.send_with_canaries(bytes, number == 4).await;
                submit_under(&self.server.ballot, &self.rules, &mut self.cards[peer], &draft, now).await.unwrap();
            }
            // The seventh meets a handler that panics over it.
            6 => {
                let bytes = self.signed(peer, &draft).await;
                self.server.arm("submit_read", Blow::Panic);
                assert_eq!(send(&self.server.ballot, bytes, &[]).await, 500);
                submit_under(&self.server.ballot, &self.rules, &mut self.cards[peer], &draft, now).await.unwrap();
            }
            _ => {
                submit_under(&self.server.ballot, &self.rules, &mut self.cards[peer], &draft, now).await.unwrap();
            }
        }
        let card = self.cards[peer].card().unwrap();
        let version = &card.subject(&subject).unwrap().versions[0].review;
        self.truth.reviews.push(TrueReview {
            epk: version.epk.0,
            leaf: version.leaf().unwrap().0,
            sig: version.sig.0,
            subject_ref: subject,
            author: self.cycle.peers[peer].judge_id.clone(),
            at: now,
        });
        self.keep_words(peer, &subject);
        self.changed();
    }

    /// Keeps what the last version of a review says.
    fn keep_words(&mut self, peer: usize, subject: &Ref) {
        let versions = &self.cards[peer].card().unwrap().subject(subject).unwrap().versions;
        self.truth.bodies.push(versions.last().unwrap().review.body.clone());
    }

    /// The bytes that the client will send: it signs and keeps them before it finds no box at this address.
    async fn signed(&mut self, peer: usize, draft: &Draft) -> Vec<u8> {
        let (now, held) = (self.server.now, &mut self.cards[peer]);
        submit_under(NOBODY, &self.rules, held, draft, now).await.unwrap_err();
        let subject = held.card().unwrap().subject(&draft.subject_ref()).unwrap();
        subject.versions.last().unwrap().review.to_submission().unwrap().to_vec()
    }

    fn changed(&mut self) {
        self.compaction.get_or_insert(self.server.now + TimeDelta::seconds(COMPACTION_SECONDS));
    }

    /// Sends a review as a browser behind proxies would, with words that may be nowhere afterwards.
    async fn send_with_canaries(&mut self, bytes: Vec<u8>, is_identified: bool) {
        let mut canary = || {
            let word: String = self.dice.bytes::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
            let word = format!("canary-{word}");
            self.truth.canaries.push(word.clone());
            word
        };
        let names = ["X-Forwarded-For", "User-Agent", "Accept-Language", "Origin", "Referer", "X-Request-Id", "DNT"];
        let mut headers: Vec<(&str, String)> = names.iter().map(|name| (*name, canary())).collect();
        if is_identified {
            headers.push(("Authorization", format!("Bearer {}", canary())));
        }
        let status = send(&self.server.ballot, bytes, &headers).await;
        if is_identified {
            self.truth.is_identified_request_taken = status != 400;
        } else {
            assert_eq!(status, 202);
        }
    }

    fn draft(&mut self, peer: usize, subject: Ref) -> Draft {
        let card = self.cards[peer].card().unwrap();
        let instrument = &card.subject(&subject).unwrap().instrument;
        let mut marks = BTreeMap::new();
        for item in &instrument.items {
            let mark = self.dice.below(6);
            marks.insert(item.code.clone(), (mark > 0).then(|| i64::try_from(mark).unwrap()));
        }
        let mut statements = instrument.statements.clone();
        self.dice.shuffle(&mut statements);
        statements.truncate(usize::try_from(self.dice.below(3)).unwrap());
        Draft::new(card, subject, marks, statements).unwrap()
    }

    /// Asks both listeners for all that they tell anybody, and the registry for all that staff may see.
    async fn poll(&mut self) {
        let reference = &self.cycle.manifest.manifest().cycle_ref;
        let public = |document: &str| format!("/v1/public/cycles/{reference}/rounds/1/{document}");
        let mut paths: Vec<String> =
            ["/livez", "/metrics", "/healthz", "/readyz", "/"].iter().map(|path| (*path).to_owned()).collect();
        paths.extend(
            ["manifest", "manifest.note", "ledger/council", "checkpoint", "leaves"].iter().map(|name| public(name)),
        );
        for (base, is_of_box) in [(self.server.ballot.clone(), true), (self.server.registry.clone(), false)] {
            for path in &paths {
                let answer = http().get(format!("{base}{path}")).send().await.unwrap();
                let status = answer.status().as_u16();
                let headers = answer.headers().iter().filter(|(name, _)| *name != "date" && *name != "x-request-id");
                // The framework writes headers in an order of chance.
                let mut lines: Vec<Vec<u8>> = headers
                    .map(|(name, value)| [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat())
                    .collect();
                lines.sort_unstable();
                let mut body = lines.concat();
                let mut content = answer.bytes().await.unwrap().to_vec();
                if status >= 400 && !is_of_box {
                    // Every problem of the registry names its own request.
                    content.clear();
                }
                body.extend(content);
                let what = format!("{} {path}", if is_of_box { "box" } else { "registry" });
                self.keep(what, is_of_box, status, body);
            }
        }
        let cycle = format!("/v1/cycles/{}", self.cycle.id);
        let evaluation = format!("/v1/evaluations/{}", self.cycle.evaluations[0]);
        let judge = format!("/v1/judges/{}", self.cycle.peers[0].judge_id);
        let mut asked = Vec::new();
        for rest in ["", "/evaluations?limit=100", "/issuance?limit=100", "/draw-record"] {
            asked.push(format!("{cycle}{rest}"));
        }
        for rest in ["", "/pool-entries?limit=100", "/challenges", "/members", "/result"] {
            asked.push(format!("{evaluation}{rest}"));
        }
        asked.push(judge.clone());
        for part in ["positions", "observations", "file", "correction-requests"] {
            asked.push(format!("{judge}/{part}?purpose=evaluation"));
        }
        for path in ["/v1/me", "/v1/accounts", "/v1/approvals", "/v1/cycles", "/v1/courts", "/v1/judges"] {
            asked.push(path.to_owned());
        }
        for (role, caller) in [
            ("administrator", &self.staff.administrator),
            ("secretary", &self.staff.secretary),
            ("member", &self.staff.member),
            ("auditor", &self.staff.auditor),
        ] {
            for path in &asked {
                let (status, body) = caller.look(path).await;
                let accepted = accepted(self.cycle, &self.truth);
                let what = format!("{role} {path}");
                self.evidence.polled.push(Polled { what, accepted, is_of_box: false, status, body });
            }
        }
    }

    fn keep(&mut self, what: String, is_of_box: bool, status: u16, body: Vec<u8>) {
        let accepted = accepted(self.cycle, &self.truth);
        self.evidence.polled.push(Polled { what, accepted, is_of_box, status, body });
    }

    /// The days of submission end, and two persons seal.
    async fn seal(&mut self) {
        let after = crate::stage::morning(self.cycle.submit_close + Days::new(1));
        self.go_to(after);
        self.staff.act(&self.cycle.id, "seal").await;
        let reference = &self.cycle.manifest.manifest().cycle_ref;
        let path = format!("{}/v1/public/cycles/{reference}/rounds/1/checkpoint", self.server.ballot);
        assert_eq!(http().get(path).send().await.unwrap().status().as_u16(), 200);
        assert!(self.server.compact());
    }
}

/// Posts a review past the released client; the status of the answer.
async fn send(ballot: &str, bytes: Vec<u8>, headers: &[(&str, String)]) -> u16 {
    let mut request = http().post(format!("{ballot}/v1/anon/reviews"));
    request = request.header("Content-Type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.body(bytes).send().await.unwrap().status().as_u16()
}

/// How many reviews were accepted: in all, then of each subject.
fn accepted(cycle: &Cycle, truth: &Truth) -> Vec<u64> {
    let of = |subject_ref: Ref| truth.reviews.iter().filter(|review| review.subject_ref == subject_ref).count() as u64;
    let by_subject = cycle.manifest.manifest().subjects.iter().map(|subject| of(subject.subject_ref));
    std::iter::once(truth.reviews.len() as u64).chain(by_subject).collect()
}
