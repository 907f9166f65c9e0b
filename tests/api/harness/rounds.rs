//! A drawn cycle brought to its ledgers and its seal: staff through HTTP, judges with a client's own arithmetic, and a
//! ballot box that is nothing but its documents in the publication folder.

use std::collections::BTreeMap;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use ejf::credential::blind_rsa::{Pending, credential_message};
use ejf::credential::bundle::{self, Files};
use ejf::credential::encoding::{Blob, Bytes, Ref};
use ejf::credential::envelope::{Body, Credential, Envelope};
use ejf::credential::frozen::Frozen;
use ejf::credential::ledger::Ledger;
use ejf::credential::rules::BallotRules;
use ejf::credential::seal_order::BoxKeys;
use ejf::credential::signing;
use ejf::publication::{Document, Folder, RoundFolder};
use serde_json::{Value, json};

use super::people::Judge;
use super::plans::Plan;
use super::{App, Client};

/// How many keys the cycles of these tests need: one for each subject.
pub const SUBJECTS: usize = 10;

/// A cycle whose manifest is frozen.
pub struct Round {
    pub plan: Plan,
    pub manifest: Frozen,
}

/// What one judge keeps between asking and sending: an entry for each assignment.
pub struct Card {
    pub assignment_id: String,
    pub subject_ref: Ref,
    esk: SigningKey,
    pending: Pending,
}

impl Card {
    /// Signs whatever is given as the review of this card.
    pub fn sign(&self, body: Body, credential: &Credential) -> Envelope {
        Envelope::sign(body, vec![credential.clone()], &self.esk).unwrap()
    }
}

/// The box's log key in these tests.
pub fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[12; 32])
}

impl App {
    pub fn folder(&self) -> Folder {
        Folder::new(self.db.folder().join("public"))
    }

    /// What a ballot box publishes before it knows of any cycle.
    pub fn publish_box_keys(&self) {
        let receipt_key = signing::public_key(&SigningKey::from_bytes(&[13; 32]));
        let keys = BoxKeys::sign("sjc.test/box", receipt_key, &log_key()).unwrap();
        self.folder().put_box_keys(&keys.to_bytes().unwrap()).unwrap();
    }

    /// A cycle that is drawn.
    pub async fn drawn_cycle(&self) -> Plan {
        self.drawn(self.planned_cycle().await).await
    }

    async fn drawn(&self, plan: Plan) -> Plan {
        plan.to_pool_review(self).await;
        plan.draw(self).await;
        plan
    }

    /// A cycle whose keys are made and whose manifest is frozen, on the first day of issuance.
    pub async fn frozen_cycle(&self) -> Round {
        self.frozen(self.planned_cycle().await).await
    }

    /// The same of a cycle in `draft`.
    pub async fn frozen(&self, plan: Plan) -> Round {
        let plan = self.drawn(plan).await;
        self.frozen_after_draw(plan).await
    }

    /// The same of a cycle that is drawn.
    pub async fn frozen_after_draw(&self, plan: Plan) -> Round {
        plan.work(self, "/keys", "keys").await;
        self.publish_box_keys();
        plan.freeze(self).await;
        let round = plan.round_folder(self).await;
        let manifest = Frozen::parse(&round.read(&Document::Manifest(0)).unwrap().unwrap()).unwrap();
        self.go_to(&plan.day(self, "issue_open").await);
        Round { plan, manifest }
    }

    /// A job once it has ended, asked for as often as it takes.
    pub async fn ended_job(&self, location: &str) -> Value {
        self.job_in(&["done", "failed"], location).await
    }

    /// Asks for a job until it stands in one of the states.
    pub async fn job_in(&self, states: &[&str], location: &str) -> Value {
        let asking = async {
            loop {
                let job = self.secretary().await.get(location).await.expect(200).body;
                if states.contains(&job["state"].as_str().unwrap()) {
                    return job;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(120), asking).await.expect("the job gets there")
    }
}

impl Client {
    /// An order of the caller's own once its file is made, or will not be.
    pub async fn ended_export(&self, location: &str) -> Value {
        let asking = async {
            loop {
                let export = self.get(location).await.expect(200).body;
                if export["state"] != "queued" {
                    return export;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(120), asking).await.expect("the export ends")
    }
}

impl Plan {
    pub async fn round_folder(&self, app: &App) -> RoundFolder {
        let cycle = self.cycle(app).await;
        let cycle_ref: Ref = cycle["cycle_ref"].as_str().unwrap().parse().unwrap();
        app.folder().round(&cycle_ref, u32::try_from(cycle["round"].as_u64().unwrap()).unwrap())
    }

    /// Asks for long work and waits for its end.
    pub async fn work(&self, app: &App, path: &str, key: &str) -> Value {
        let asked = app.secretary().await.with_key(key).post(&self.path(path), json!({})).await.expect(202);
        app.ended_job(asked.header("location")).await
    }

    pub async fn freeze(&self, app: &App) -> Value {
        app.secretary().await.with_key("freeze").post(&self.path("/manifest"), json!({})).await.expect(200).body
    }

    /// Every judge of the cycle.
    pub fn judges(&self) -> impl Iterator<Item = &Judge> {
        self.subjects.iter().chain(&self.others)
    }
}

/// The open assignments of a judge.
pub async fn assignments(client: &Client) -> Vec<Value> {
    client.get("/v1/me/assignments?limit=100").await.expect(200).body["items"].as_array().unwrap().clone()
}

impl Round {
    /// A judge who is on some panel.
    pub async fn reviewer(&self, app: &App) -> &Judge {
        for judge in self.plan.judges() {
            if assignments(&judge.client(app).await).await.len() > 1 {
                return judge;
            }
        }
        panic!("nobody is on two panels");
    }

    /// What a judge's client makes for all open assignments, and the request it sends.
    pub async fn blind(&self, client: &Client) -> (Vec<Card>, Value) {
        let open = assignments(client).await;
        let cards: Vec<Card> =
            open.iter().filter(|assignment| assignment["state"] == "drawn").map(|one| self.card(one)).collect();
        let request = self.request(&cards);
        (cards, request)
    }

    fn card(&self, assignment: &Value) -> Card {
        let text = |name: &str| assignment[name].as_str().unwrap().to_owned();
        let subject_ref: Ref = text("subject_ref").parse().unwrap();
        let esk = signing::generate().unwrap();
        let key_id = self.manifest.key_id(&subject_ref, "council").unwrap();
        let cycle_ref = self.manifest.manifest().cycle_ref;
        let msg = credential_message(&cycle_ref, &subject_ref, &key_id, &signing::public_key(&esk));
        let pending = Pending::blind(self.manifest.key(&key_id).unwrap(), &msg).unwrap();
        Card { assignment_id: text("id"), subject_ref, esk, pending }
    }

    pub fn request(&self, cards: &[Card]) -> Value {
        let requests: Vec<Value> = cards
            .iter()
            .map(|card| {
                let key_id = self.manifest.key_id(&card.subject_ref, "council").unwrap();
                let blinded_msg = &card.pending.blinded_msg;
                json!({
                    "assignment_id": card.assignment_id, "issuer_id": "council", "key_id": key_id,
                    "blinded_msg": blinded_msg,
                })
            })
            .collect();
        json!({"manifest_digest": self.manifest.digest(), "requests": requests})
    }

    /// Collects a judge's credentials and finishes them, which verifies every signature under the manifest's key.
    pub async fn collect(&self, client: &Client) -> Vec<(Card, Credential)> {
        let (cards, request) = self.blind(client).await;
        if cards.is_empty() {
            return Vec::new();
        }
        let answer = client.post("/v1/me/credentials", request).await.expect(200).body;
        cards
            .into_iter()
            .map(|card| {
                let credential = self.finalize(&card, &answer);
                (card, credential)
            })
            .collect()
    }

    pub fn finalize(&self, card: &Card, answer: &Value) -> Credential {
        let results = answer["results"].as_array().unwrap();
        let own = results.iter().find(|result| result["assignment_id"] == card.assignment_id.as_str()).unwrap();
        let blind_sig: Blob = serde_json::from_value(own["blind_sig"].clone()).unwrap();
        let key_id = self.manifest.key_id(&card.subject_ref, "council").unwrap();
        let cycle_ref = self.manifest.manifest().cycle_ref;
        let msg = credential_message(&cycle_ref, &card.subject_ref, &key_id, &signing::public_key(&card.esk));
        let sig = card.pending.finalize(self.manifest.key(&key_id).unwrap(), &msg, &blind_sig.0).unwrap();
        let sig = Bytes::from_slice(&sig).unwrap();
        Credential { issuer_id: "council".to_owned(), key_id, prefix: card.pending.prefix, sig }
    }

    /// Everybody collects; the cards with their credentials, by subject.
    pub async fn collect_all(&self, app: &App) -> BTreeMap<Ref, Vec<(Card, Credential)>> {
        let mut by_subject: BTreeMap<Ref, Vec<(Card, Credential)>> = BTreeMap::new();
        for judge in self.plan.judges() {
            for (card, credential) in self.collect(&judge.client(app).await).await {
                by_subject.entry(card.subject_ref).or_default().push((card, credential));
            }
        }
        by_subject
    }

    /// The ledgers, published on the day after issuance.
    pub async fn ledger(&self, app: &App) -> Ledger {
        self.plan.pass(app, "issue_close").await;
        let key = format!("ledgers-{}", self.manifest.manifest().round);
        app.secretary().await.with_key(&key).post(&self.plan.path("/ledgers"), json!({})).await.expect(200);
        let folder = self.plan.round_folder(app).await;
        let ledger = Document::Ledger { issuer_id: "council".to_owned(), generation: 0 };
        Ledger::parse(&folder.read(&ledger).unwrap().unwrap()).unwrap()
    }

    /// The box takes in the manifest: it signs its note.
    pub async fn publish_note(&self, app: &App) {
        let note = self.manifest.sign_note(&log_key()).unwrap();
        self.plan.round_folder(app).await.write(&Document::ManifestNote, note.as_bytes()).unwrap();
    }

    /// A review with the same mark for every item, or a withdrawn one.
    pub fn review(&self, card: &Card, credential: &Credential, mark: Option<i64>) -> Envelope {
        self.review_of(card, credential, |_| mark)
    }

    /// A review with a mark for each item by its code.
    pub fn review_of(&self, card: &Card, credential: &Credential, mark: impl Fn(&str) -> Option<i64>) -> Envelope {
        self.review_with(card, credential, mark, &[])
    }

    /// The same with the statements that it chooses.
    pub fn review_with(
        &self,
        card: &Card,
        credential: &Credential,
        mark: impl Fn(&str) -> Option<i64>,
        statements: &[&str],
    ) -> Envelope {
        let subject = self.manifest.subject(&card.subject_ref).unwrap();
        let items = &self.manifest.instrument(subject).unwrap().items;
        let marks = items.iter().map(|item| (item.code.clone(), mark(&item.code))).collect();
        let statements: Vec<String> = statements.iter().map(|code| (*code).to_owned()).collect();
        let body = Body::new(&self.manifest, card.subject_ref, &[], marks, &statements).unwrap();
        card.sign(body, credential)
    }

    /// The bundle that a box writes at the seal.
    pub async fn bundle(&self, app: &App, ledger: Ledger, envelopes: &[Envelope]) -> Files {
        let folder = self.plan.round_folder(app).await;
        let methodology = folder.read(&Document::Methodology).unwrap().unwrap();
        let note = self.manifest.sign_note(&log_key()).unwrap();
        let manifest = Frozen::parse(self.manifest.bytes()).unwrap();
        let rules = BallotRules::new(vec![manifest], vec![ledger]).unwrap();
        bundle::build(&rules, &note, &methodology, envelopes, &[], &log_key()).unwrap()
    }
}
