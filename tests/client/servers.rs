//! A registry and a ballot box on sockets of their own, honest until a test turns a switch, and a record of what came.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::http::header::LOCATION;
use actix_web::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use chrono::NaiveDate;
use ejf::booth::{self, Page};
use ejf::client::card::Held;
use ejf::client::draft::Draft;
use ejf::client::failure::Result;
use ejf::client::peer::{Collected, Login, collect};
use ejf::client::pinned::Places;
use ejf::client::review::keep;
use ejf::credential::blind_rsa::IssuerKey;
use ejf::credential::encoding::{Blob, Bytes, Digest, sha256};
use ejf::credential::envelope::{self, Envelope};
use ejf::credential::frozen::Frozen;
use ejf::credential::ledger::{self, Ledger};
use ejf::credential::manifest::Manifest;
use ejf::credential::note::Checkpoint;
use ejf::credential::receipt::Receipt;
use ejf::credential::rules::BallotRules;
use ejf::credential::signing::public_key;
use ejf::credential::tree;
use ejf::domain::methodology::Methodology;
use ejf::texts::Language;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::round::{
    ALMA, ALMA_ASSIGNMENT, BOLAT, BOLAT_ASSIGNMENT, CYCLE, doc_key, keys, log_key, manifest, methodology, next, note,
    receipt_key, while_issuing, while_submitting, words,
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    Registry,
    Box,
}

/// One request as it reached a server.
#[derive(Clone, Debug)]
pub struct Seen {
    pub side: Side,
    pub path: String,
    pub headers: HashMap<String, String>,
    pub peer: String,
    pub body: Vec<u8>,
}

/// What the servers serve and do.
pub struct State {
    pub manifests: HashMap<bool, Vec<u8>>,
    pub notes: HashMap<bool, String>,
    pub assignments: Vec<Value>,
    /// The keys that sign, by the id that a request names.
    pub signers: HashMap<Digest, &'static IssuerKey>,
    /// The ledgers; absent ones are a 404.
    pub ledgers: HashMap<String, Vec<u8>>,
    /// The lists of the reading packs; absent ones are a 404.
    pub packs: HashMap<bool, Vec<u8>>,
    /// What the registry gives the reviewer to read.
    pub frames: Vec<u8>,
    /// The words of the forms, as the registry shows them.
    pub methodology: Methodology,
    /// Does the work and then breaks the connection instead of answering.
    pub is_cut: bool,
    /// The same for so many answers and no more.
    pub cuts: u32,
    /// Answers every request by sending it on to this address, which keeps method and body.
    pub moved_to: Option<String>,
    pub is_receipt_forged: bool,
    pub receipt_leaf: Option<Digest>,
    pub is_answer_short: bool,
    /// The day on which the box judges what comes.
    pub today: NaiveDate,
    pub seen: Vec<Seen>,
    /// Checkpoint and leaves, once sealed.
    pub seals: HashMap<bool, (String, Vec<u8>)>,
    pub leaves: HashMap<Bytes<32>, Vec<Digest>>,
    /// The reviewer's pages.
    pages: HashMap<bool, Page>,
    /// The generations before the one served.
    earlier: Vec<Vec<u8>>,
    /// What was issued: issuer, subject, entry.
    issued: Vec<(String, Bytes<16>, Digest)>,
}

#[derive(Clone)]
pub struct Servers {
    pub places: Places,
    state: Arc<Mutex<State>>,
}

pub fn assignment(id: &str, subject_ref: Bytes<16>, name: &str) -> Value {
    json!({"id": id, "evaluation_id": id, "cycle_id": id, "cycle_ref": CYCLE, "round": 1, "subject_ref": subject_ref,
        "subject": {"judge_id": id, "full_name_kk": name, "full_name_ru": name, "full_name_en": null},
        "instrument_id": "judge-1", "state": "drawn"})
}

impl Servers {
    /// Honest servers with the usual manifest.
    pub async fn honest() -> Servers {
        Servers::with(&manifest()).await
    }

    /// Servers that serve this manifest, whatever it is worth, with a valid note.
    pub async fn with(manifest: &Manifest) -> Servers {
        let bytes = manifest.to_bytes().unwrap();
        let both = |bytes: &Vec<u8>| HashMap::from([(true, bytes.clone()), (false, bytes.clone())]);
        let state = State {
            manifests: both(&bytes),
            notes: HashMap::from([(true, note(manifest)), (false, note(manifest))]),
            assignments: vec![
                assignment(ALMA_ASSIGNMENT, ALMA, "Алма Сейітова"),
                assignment(BOLAT_ASSIGNMENT, BOLAT, "Болат Ахметов"),
            ],
            signers: keys().iter().map(|key| (key.public().key_id(), key)).collect(),
            ledgers: HashMap::new(),
            packs: HashMap::new(),
            frames: Vec::new(),
            methodology: methodology(),
            is_cut: false,
            cuts: 0,
            moved_to: None,
            is_receipt_forged: false,
            receipt_leaf: None,
            is_answer_short: false,
            today: manifest.date_at(while_submitting()),
            seen: Vec::new(),
            seals: HashMap::new(),
            leaves: HashMap::new(),
            pages: HashMap::new(),
            earlier: Vec::new(),
            issued: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let (registry, ballot_box) = (start(Side::Registry, &state), start(Side::Box, &state));
        let places = booth::Places { registry: &registry, ballot_box: &ballot_box, language: Language::Kk };
        state.lock().unwrap().pages =
            booth::Side::ALL.map(|side| (side == booth::Side::Box, Page::new(side, places).unwrap())).into();
        Servers { places: Places { registry, ballot_box }, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Serves other bytes as manifest on one listener, with a valid note for them.
    pub fn serve_on(&self, side: Side, manifest: &Manifest) {
        let is_box = side == Side::Box;
        self.state().manifests.insert(is_box, manifest.to_bytes().unwrap());
        self.state().notes.insert(is_box, note(manifest));
    }

    /// The bodies that reached a path, in their order.
    pub fn bodies(&self, path: &str) -> Vec<Vec<u8>> {
        self.state().seen.iter().filter(|seen| seen.path == path).map(|seen| seen.body.clone()).collect()
    }

    pub async fn collect(&self, held: &mut Held) -> Result<Collected> {
        self.collect_under(&words(&manifest()), held).await
    }

    pub async fn collect_under(&self, words: &str, held: &mut Held) -> Result<Collected> {
        let password = "quiet rivers under snow".to_owned().into();
        let login = Login::Password { login: "a.seitova", password: &password };
        collect(&self.places, &login, words, held, while_issuing()).await
    }

    /// Serves the next generation on both listeners; the reviewer's assignments of changed subjects are open again.
    pub fn extend(&self, change: impl FnOnce(&mut Manifest)) -> Manifest {
        let before = self.state().manifests[&true].clone();
        let next = next(&Manifest::parse(&before).unwrap(), change);
        self.state().earlier.push(before);
        self.serve_on(Side::Registry, &next);
        self.serve_on(Side::Box, &next);
        next
    }

    /// Signs and publishes every issuer's ledger: what was issued, filled up to `count` entries for each subject.
    pub fn publish_ledger(&self, count: u8) {
        let mut state = self.state();
        let manifest = Frozen::parse(&state.manifests[&true]).unwrap();
        for issuer in &manifest.manifest().issuers {
            let own = state.issued.iter().filter(|(issuer_id, ..)| *issuer_id == issuer.issuer_id);
            let mut issued: Vec<_> = own.map(|(_, subject_ref, entry)| (*subject_ref, *entry)).collect();
            for subject in &manifest.manifest().subjects {
                let own = issued.iter().filter(|(subject_ref, _)| *subject_ref == subject.subject_ref).count();
                let fill = usize::from(count).saturating_sub(own);
                issued.extend((0..fill).map(|n| (subject.subject_ref, Bytes([u8::try_from(n).unwrap(); 32]))));
            }
            let ledger = Ledger::build(&manifest, &issuer.issuer_id, &issued, &doc_key()).unwrap();
            state.ledgers.insert(issuer.issuer_id.clone(), ledger.to_bytes().unwrap());
        }
    }

    /// Seals what was taken, but for the leaves left out, and publishes it on both listeners.
    pub fn seal_without(&self, left_out: &[Digest]) {
        let mut state = self.state();
        let manifest = Frozen::parse(&state.manifests[&true]).unwrap();
        let mut leaves: Vec<Digest> = state.leaves.values().flatten().copied().collect();
        // Other reviewers' leaves.
        leaves.extend((0..20).map(|n| sha256(&[&[n]])));
        leaves.retain(|leaf| !left_out.contains(leaf));
        leaves.sort_unstable();
        let size = u64::try_from(leaves.len()).unwrap();
        let origin = manifest.manifest().log.origin.clone();
        let checkpoint = Checkpoint { origin, size, root: tree::root(&leaves) }.sign(&log_key()).unwrap();
        let bytes: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.0).collect();
        state.seals = [true, false].map(|is_box| (is_box, (checkpoint.clone(), bytes.clone()))).into();
    }

    /// Publishes a ledger in which the requests of this reviewer do not stand.
    pub fn publish_foreign_ledger(&self, count: u8) {
        self.state().issued.clear();
        self.publish_ledger(count);
    }
}

/// Keeps an empty review of a subject in the card, as the form would.
pub fn keep_empty(held: &mut Held, subject_ref: &Bytes<16>) {
    let draft = Draft::withdrawal(held.card().unwrap().subject(subject_ref).unwrap());
    keep(held, draft).unwrap();
}

fn start(side: Side, state: &Arc<Mutex<State>>) -> String {
    let state = Arc::clone(state);
    let server = HttpServer::new(move || {
        let state = Arc::clone(&state);
        App::new().app_data(web::PayloadConfig::new(1 << 20)).default_service(web::to(
            move |request: HttpRequest, body: web::Bytes| {
                let state = Arc::clone(&state);
                async move {
                    let mut answer = state.lock().unwrap().answer(side, &request, &body);
                    // Public documents and the box's answers are for pages of whatever origin.
                    answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
                    answer
                }
            },
        ))
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    format!("http://{address}")
}

impl State {
    fn answer(&mut self, side: Side, request: &HttpRequest, body: &[u8]) -> HttpResponse {
        let headers = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let path = request.path().to_owned();
        let peer = request.peer_addr().unwrap().to_string();
        self.seen.push(Seen { side, path: path.clone(), headers, peer, body: body.to_vec() });
        if let Some(place) = &self.moved_to {
            let place = format!("{place}{path}");
            return HttpResponse::TemporaryRedirect().insert_header((LOCATION, place)).finish();
        }
        let is_box = side == Side::Box;
        let public = format!("/v1/public/cycles/{CYCLE}/rounds/1/");
        match (side, path.strip_prefix(&public).unwrap_or(&path)) {
            (_, "/booth") => HttpResponse::Ok().content_type("text/html").body(self.pages[&is_box].html().to_owned()),
            (_, "manifest") => HttpResponse::Ok().body(self.manifests[&is_box].clone()),
            (_, "manifest.note") => HttpResponse::Ok().body(self.notes[&is_box].clone()),
            (_, name) if name.starts_with("ledger/") => match self.ledger(&name["ledger/".len()..]) {
                Some(ledger) => HttpResponse::Ok().body(ledger),
                None => problem(404, "not_found"),
            },
            (_, "packs") => match self.packs.get(&is_box) {
                Some(list) => HttpResponse::Ok().body(list.clone()),
                None => problem(404, "not_found"),
            },
            (Side::Registry, path) if path.starts_with("/v1/me/reading-packs/") => {
                HttpResponse::Ok().body(self.frames.clone())
            }
            (Side::Registry, "/v1/sessions") => {
                HttpResponse::Created().json(json!({"access_token": "token-of-a-judge", "token_type": "Bearer"}))
            }
            (Side::Registry, "/v1/me/assignments") => {
                HttpResponse::Ok().json(json!({"items": self.assignments, "next_cursor": null}))
            }
            (Side::Registry, path) if path.starts_with("/v1/cycles/") => {
                HttpResponse::Ok().json(json!({"methodology_id": ALMA_ASSIGNMENT}))
            }
            (Side::Registry, path) if path.starts_with("/v1/methodologies/") => {
                HttpResponse::Ok().json(json!({"document": self.methodology}))
            }
            (_, "checkpoint") => match self.seals.get(&is_box) {
                Some((checkpoint, _)) => HttpResponse::Ok().body(checkpoint.clone()),
                None => problem(404, "not_found"),
            },
            (_, "leaves") => match self.seals.get(&is_box) {
                Some((_, leaves)) => HttpResponse::Ok().body(leaves.clone()),
                None => problem(404, "not_found"),
            },
            (Side::Box, "/v1/anon/complaints") => self.hear(body),
            (Side::Registry, "/v1/me/credentials") => {
                let answer = self.issue(&serde_json::from_slice(body).unwrap());
                self.send(200, answer)
            }
            (Side::Box, "/v1/anon/reviews") => match self.take(body) {
                Ok(receipt) => self.send(202, json!({"receipt": receipt, "pad": "00"})),
                Err(code) => problem(409, &code),
            },
            _ => problem(404, "not_found"),
        }
    }

    /// An issuer's newest ledger, or the one of the generation that is named beside it.
    fn ledger(&self, name: &str) -> Option<Vec<u8>> {
        let (issuer_id, generation) = name.split_once('/').map_or((name, None), |(id, number)| (id, Some(number)));
        let found = self.ledgers.get(issuer_id)?;
        let of = Ledger::parse(found).map(|ledger| ledger.generation.to_string()).unwrap_or_default();
        generation.is_none_or(|generation| generation == of).then(|| found.clone())
    }

    /// Judges a complaint as the design's section 7 has it.
    fn hear(&self, body: &[u8]) -> HttpResponse {
        let complaint: Value = serde_json::from_slice(body).unwrap();
        let receipt: Receipt = serde_json::from_value(complaint["receipt"].clone()).unwrap();
        let is_sealed = self.seals[&true].1.chunks(32).any(|leaf| leaf == receipt.leaf.0);
        match (receipt.verify(&public_key(&receipt_key())), is_sealed) {
            (false, _) => problem(422, "invalid"),
            (true, true) => HttpResponse::Ok().json(json!({"outcome": "leaf_present"})),
            (true, false) => HttpResponse::Accepted().json(json!({"outcome": "proof_recorded"})),
        }
    }

    fn send(&mut self, status: u16, value: Value) -> HttpResponse {
        let mut response = HttpResponse::build(status.try_into().unwrap());
        let is_cut = self.is_cut || self.cuts > 0;
        self.cuts = self.cuts.saturating_sub(1);
        if is_cut {
            let broken = std::io::Error::other("cut");
            return response.streaming(futures_util::stream::iter([Err::<web::Bytes, _>(broken)]));
        }
        response.json(value)
    }

    fn issue(&mut self, request: &Value) -> Value {
        let mut results = Vec::new();
        for asked in request["requests"].as_array().unwrap() {
            let text = |name: &str| asked[name].as_str().unwrap();
            let id: Uuid = text("assignment_id").parse().unwrap();
            let key_id: Digest = text("key_id").parse().unwrap();
            let blinded: Blob = serde_json::from_value(asked["blinded_msg"].clone()).unwrap();
            let subject = self.assignments.iter().find(|one| one["id"] == asked["assignment_id"]).unwrap();
            let subject_ref: Bytes<16> = subject["subject_ref"].as_str().unwrap().parse().unwrap();
            let entry = ledger::entry(&key_id, &Bytes(*id.as_bytes()), &blinded.0);
            let entry = (text("issuer_id").to_owned(), subject_ref, entry);
            if !self.issued.contains(&entry) {
                self.issued.push(entry);
            }
            // A stranger's modulus may be below the message: a hostile issuer then signs what fits.
            let signer = self.signers[&key_id];
            let mut message = blinded.0.clone();
            if signer.public().key_id() != key_id {
                message[0] &= 0x7f;
            }
            let blind_sig = Blob(signer.blind_sign(&message).unwrap());
            results.push(json!({"assignment_id": id, "issuer_id": text("issuer_id"), "blind_sig": blind_sig}));
        }
        if self.is_answer_short {
            results.pop();
        }
        for assignment in &mut self.assignments {
            assignment["state"] = json!("issued");
        }
        json!({ "results": results })
    }

    /// Judges a submission as the design's section 6 has it.
    fn take(&mut self, body: &[u8]) -> std::result::Result<Receipt, String> {
        let told = |error: ejf::error::Error| error.code().as_str().to_owned();
        let envelope = Envelope::parse_submission(body).map_err(told)?;
        let generations = self.earlier.iter().chain([&self.manifests[&true]]);
        let generations = generations.map(|bytes| Frozen::parse(bytes).unwrap()).collect();
        let ledgers = self.ledgers.values().map(|bytes| Ledger::parse(bytes).unwrap()).collect();
        let rules = BallotRules::new(generations, ledgers).map_err(told)?;
        let leaf = envelope::verify(&rules, &envelope, self.today).map_err(told)?.leaf();
        let leaves = self.leaves.entry(envelope.epk).or_default();
        if !leaves.contains(&leaf) {
            let mut stored = leaves.clone();
            stored.sort_unstable();
            if envelope.body.prev != stored {
                return Err("seq_conflict".to_owned());
            }
            leaves.push(leaf);
        }
        let mut receipt = Receipt::sign(&receipt_key(), &CYCLE, 1, &self.receipt_leaf.unwrap_or(leaf));
        if self.is_receipt_forged {
            receipt.rsig.0[0] ^= 1;
        }
        Ok(receipt)
    }
}

fn problem(status: u16, code: &str) -> HttpResponse {
    HttpResponse::build(status.try_into().unwrap())
        .content_type("application/problem+json")
        .json(json!({"type": format!("/problems/{code}"), "title": code, "status": status, "code": code}))
}
