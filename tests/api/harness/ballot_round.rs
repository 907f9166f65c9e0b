//! A round for tests of the ballot box: the test plays the registry, which writes signed documents into the folder, and
//! the reviewers, who hold credentials.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use ed25519_dalek::SigningKey;
use ejf::credential::blind_rsa::{IssuerKey, Pending, credential_message};
use ejf::credential::encoding::{Blob, Bytes, Digest, Ref, sha256};
use ejf::credential::envelope::{Body, Credential, Envelope};
use ejf::credential::frozen::Frozen;
use ejf::credential::ledger::Ledger;
use ejf::credential::manifest::{Dates, Instrument, Issuer, Item, Log, Manifest, Name, Purpose, Subject, SubjectKey};
use ejf::credential::seal_order::{Act, BoxKeys, SealOrder};
use ejf::credential::signing::{PublicKey, generate, public_key};
use ejf::publication::{Document, Folder, RoundFolder};

use super::key_pool;

pub const METHODOLOGY: &[u8] = b"{\"title\":\"example\"}";

/// A round with two subjects: the first has its gate open, the second has one credential too few.
pub struct BallotRound {
    pub folder: RoundFolder,
    pub manifest: Frozen,
    pub doc_key: SigningKey,
    issuer_keys: Vec<IssuerKey>,
}

pub fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The dates of every test round, which the clock's beginning (11 January 2027) lies before.
pub fn dates() -> Dates {
    Dates {
        issue_open: date("2027-02-01"),
        issue_close: date("2027-02-10"),
        submit_open: date("2027-02-12"),
        submit_close: date("2027-03-04"),
        seal_by: date("2027-03-08"),
        challenge_close: date("2027-03-16"),
    }
}

impl BallotRound {
    /// Writes generation 0 of a new round, and its ledger, into the folder.
    pub fn publish(folder: &Folder) -> BallotRound {
        BallotRound::publish_with(folder, |_| {})
    }

    /// The same with a changed manifest.
    pub fn publish_with(folder: &Folder, change: impl FnOnce(&mut Manifest)) -> BallotRound {
        BallotRound::publish_of(folder, &["council"], change)
    }

    /// The same with two issuers, both of whom must have signed.
    pub fn publish_with_two_issuers(folder: &Folder) -> BallotRound {
        BallotRound::publish_of(folder, &["council", "bar"], |_| {})
    }

    fn publish_of(folder: &Folder, issuers: &[&str], change: impl FnOnce(&mut Manifest)) -> BallotRound {
        let keys = BoxKeys::parse(&folder.box_keys().unwrap().expect("the box has published its keys")).unwrap();
        let issuer_keys = key_pool::deal(2 * issuers.len());
        let doc_key = generate().unwrap();
        let mut manifest = manifest(&keys, issuers, &issuer_keys, &doc_key);
        change(&mut manifest);
        let manifest = Frozen::new(manifest).unwrap();
        let round = folder.round(&manifest.manifest().cycle_ref, 1);
        let round = BallotRound { folder: round, manifest, doc_key, issuer_keys };
        round.folder.write(&Document::Methodology, METHODOLOGY).unwrap();
        round.write_manifest();
        round.write_ledger(12, 11);
        round
    }

    fn write_manifest(&self) {
        let generation = self.manifest.manifest().generation;
        self.folder.write(&Document::Manifest(generation), self.manifest.bytes()).unwrap();
    }

    /// Publishes the next generation, changed.
    pub fn extend(&mut self, change: impl FnOnce(&mut Manifest)) {
        let mut next = self.manifest.manifest().clone();
        next.generation += 1;
        next.prev_manifest_digest = Some(self.manifest.digest());
        change(&mut next);
        self.manifest = Frozen::new(next).unwrap();
        self.write_manifest();
    }

    /// Publishes every issuer's ledger with as many credentials for each of the two subjects.
    pub fn write_ledger(&self, first: u8, second: u8) {
        let subjects = &self.manifest.manifest().subjects;
        let entries = |at: usize, count: u8| (0..count).map(move |n| (subjects[at].subject_ref, Bytes([n; 32])));
        let issued: Vec<(Ref, Digest)> = entries(0, first).chain(entries(1, second)).collect();
        for issuer in &self.manifest.manifest().issuers {
            let ledger = Ledger::build(&self.manifest, &issuer.issuer_id, &issued, &self.doc_key).unwrap();
            let document = Document::Ledger { issuer_id: issuer.issuer_id.clone(), generation: ledger.generation };
            self.folder.write(&document, &ledger.to_bytes().unwrap()).unwrap();
        }
    }

    /// Publishes the order of two persons.
    pub fn order(&self, act: Act) {
        self.order_with(act, None);
    }

    /// The same where the seal comes late: a day until which it can be complained.
    pub fn order_with(&self, act: Act, complaints_until: Option<NaiveDate>) {
        let order = SealOrder::sign(&self.manifest, act, complaints_until, &self.doc_key).unwrap();
        self.folder.write(&Document::SealOrder, &order.to_bytes().unwrap()).unwrap();
    }

    /// The path of its public documents.
    pub fn path(&self, document: &str) -> String {
        let manifest = self.manifest.manifest();
        format!("/v1/public/cycles/{}/rounds/{}/{document}", manifest.cycle_ref, manifest.round)
    }

    /// A reviewer of the first subject with a credential of their own.
    pub fn reviewer(&self) -> Reviewer {
        self.reviewer_of(0)
    }

    pub fn reviewer_of(&self, subject: usize) -> Reviewer {
        let subject_ref = self.manifest.manifest().subjects[subject].subject_ref;
        let esk = generate().unwrap();
        let issuers = &self.manifest.manifest().issuers;
        let credentials =
            issuers.iter().map(|issuer| self.credential(&issuer.issuer_id, subject_ref, &public_key(&esk))).collect();
        Reviewer { esk, credentials, subject_ref }
    }

    fn credential(&self, issuer_id: &str, subject_ref: Ref, epk: &PublicKey) -> Credential {
        let key_id = self.manifest.key_id(&subject_ref, issuer_id).unwrap();
        let issuer = self.issuer_keys.iter().find(|key| key.public().key_id() == key_id).unwrap();
        let msg = credential_message(&self.manifest.manifest().cycle_ref, &subject_ref, &key_id, epk);
        let pending = Pending::blind(issuer.public(), &msg).unwrap();
        let blind_sig = issuer.blind_sign(&pending.blinded_msg.0).unwrap();
        let sig = Bytes::from_slice(&pending.finalize(issuer.public(), &msg, &blind_sig).unwrap()).unwrap();
        Credential { issuer_id: issuer_id.to_owned(), key_id, prefix: pending.prefix, sig }
    }
}

/// Who may review one subject once.
pub struct Reviewer {
    pub esk: SigningKey,
    /// One of each issuer.
    pub credentials: Vec<Credential>,
    pub subject_ref: Ref,
}

impl Reviewer {
    /// A review of theirs, the next after those whose leaves are given.
    pub fn body(&self, round: &BallotRound, earlier: &[Digest], k1: Option<i64>) -> Body {
        let marks = BTreeMap::from([("k1".to_owned(), k1), ("k2".to_owned(), None)]);
        let statements: &[String] = if k1.is_some() { &["s02".to_owned()] } else { &[] };
        Body::new(&round.manifest, self.subject_ref, earlier, marks, statements).unwrap()
    }

    pub fn seal(&self, body: Body) -> Envelope {
        Envelope::sign(body, self.credentials.clone(), &self.esk).unwrap()
    }

    pub fn review(&self, round: &BallotRound, earlier: &[Digest]) -> Envelope {
        self.seal(self.body(round, earlier, Some(4)))
    }
}

fn issuer(issuer_id: &str, doc_key: &SigningKey) -> Issuer {
    let name = Name { kk: "Кеңес".to_owned(), ru: "Совет".to_owned(), en: "Council".to_owned() };
    Issuer { issuer_id: issuer_id.to_owned(), name, doc_key: public_key(doc_key) }
}

fn manifest(keys: &BoxKeys, issuers: &[&str], issuer_keys: &[IssuerKey], doc_key: &SigningKey) -> Manifest {
    let cycle_ref = Ref::random().unwrap();
    let item = |code: &str| Item { code: code.to_owned(), min: 1, max: 5 };
    let key = |(issuer_id, key): (&&str, &IssuerKey)| SubjectKey {
        issuer_id: (*issuer_id).to_owned(),
        purpose: Purpose::Marks,
        key_id: key.public().key_id(),
        spki: Blob(key.public().spki_der().to_vec()),
    };
    let mut subjects: Vec<Subject> = issuer_keys
        .chunks(issuers.len())
        .map(|own| Subject {
            subject_ref: Ref::random().unwrap(),
            instrument_id: "judge-1".to_owned(),
            panel_size: 14,
            keys: issuers.iter().zip(own).map(key).collect(),
        })
        .collect();
    subjects.sort_by_key(|subject| subject.subject_ref);
    Manifest {
        v: 1,
        cycle_ref,
        round: 1,
        generation: 0,
        prev_manifest_digest: None,
        methodology_digest: sha256(&[METHODOLOGY]),
        utc_offset_minutes: 300,
        dates: dates(),
        issued_min: 12,
        display_min: 5,
        decision_min: 10,
        body_size: 8192,
        max_seq: 3,
        issuers: issuers.iter().map(|id| issuer(id, doc_key)).collect(),
        receipt_key: keys.receipt_key,
        log: Log::new(&keys.log_name, &cycle_ref, 1, &keys.log_key).unwrap(),
        witnesses: Vec::new(),
        witness_quorum: 0,
        client_hashes: Vec::new(),
        instruments: vec![Instrument {
            instrument_id: "judge-1".to_owned(),
            items: vec![item("k1"), item("k2")],
            statements: vec!["s01".to_owned(), "s02".to_owned()],
            max_statements: 1,
        }],
        subjects,
    }
}
