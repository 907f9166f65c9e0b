//! A small round with two subjects, made with real keys: what the other files of this test start from.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use chrono::NaiveDate;
use ed25519_dalek::SigningKey;
use ejf::credential::blind_rsa::{IssuerKey, Pending, credential_message};
use ejf::credential::encoding::{Blob, Bytes, Digest, Ref, sha256};
use ejf::credential::envelope::{Body, Credential, Envelope};
use ejf::credential::frozen::Frozen;
use ejf::credential::ledger::Ledger;
use ejf::credential::manifest::{Dates, Instrument, Issuer, Item, Log, Manifest, Name, Purpose, Subject, SubjectKey};
use ejf::credential::rules::BallotRules;
use ejf::credential::signing::public_key;

pub const CYCLE: Ref = Bytes([1; 16]);
pub const ALMA: Ref = Bytes([2; 16]);
pub const BOLAT: Ref = Bytes([3; 16]);
pub const METHODOLOGY: &[u8] = b"{\"title\":\"example\"}";

pub fn doc_key() -> SigningKey {
    SigningKey::from_bytes(&[11; 32])
}

pub fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[12; 32])
}

pub fn receipt_key() -> SigningKey {
    SigningKey::from_bytes(&[13; 32])
}

/// The issuer's keys for Alma and for Bolat; two keys are made in this process and no more.
pub fn issuer_keys() -> &'static [IssuerKey; 2] {
    static KEYS: OnceLock<[IssuerKey; 2]> = OnceLock::new();
    KEYS.get_or_init(|| [IssuerKey::generate().unwrap(), IssuerKey::generate().unwrap()])
}

pub fn issuer_key(subject_ref: Ref) -> &'static IssuerKey {
    &issuer_keys()[usize::from(subject_ref == BOLAT)]
}

pub fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A day on which reviews are taken.
pub fn today() -> NaiveDate {
    date("2027-02-20")
}

pub fn subject_key(key: &ejf::credential::blind_rsa::IssuerPublicKey) -> SubjectKey {
    SubjectKey {
        issuer_id: "council".to_owned(),
        purpose: Purpose::Marks,
        key_id: key.key_id(),
        spki: Blob(key.spki_der().to_vec()),
    }
}

pub fn manifest() -> Manifest {
    let subject = |subject_ref| Subject {
        subject_ref,
        instrument_id: "judge-1".to_owned(),
        panel_size: 14,
        keys: vec![subject_key(issuer_key(subject_ref).public())],
    };
    let item = |code: &str| Item { code: code.to_owned(), min: 1, max: 5 };
    Manifest {
        v: 1,
        cycle_ref: CYCLE,
        round: 1,
        generation: 0,
        prev_manifest_digest: None,
        methodology_digest: sha256(&[METHODOLOGY]),
        utc_offset_minutes: 300,
        dates: Dates {
            issue_open: date("2027-02-01"),
            issue_close: date("2027-02-10"),
            submit_open: date("2027-02-12"),
            submit_close: date("2027-03-04"),
            seal_by: date("2027-03-08"),
            challenge_close: date("2027-03-16"),
        },
        issued_min: 12,
        display_min: 5,
        decision_min: 10,
        body_size: 8192,
        max_seq: 3,
        issuers: vec![Issuer {
            issuer_id: "council".to_owned(),
            name: Name { kk: "Кеңес".to_owned(), ru: "Совет".to_owned(), en: "Council".to_owned() },
            doc_key: public_key(&doc_key()),
        }],
        receipt_key: public_key(&receipt_key()),
        log: Log::new("sjc.example/box", &CYCLE, 1, &public_key(&log_key())).unwrap(),
        witnesses: Vec::new(),
        witness_quorum: 0,
        client_hashes: Vec::new(),
        instruments: vec![Instrument {
            instrument_id: "judge-1".to_owned(),
            items: vec![item("k1"), item("k2")],
            statements: vec!["s01".to_owned(), "s02".to_owned()],
            max_statements: 1,
        }],
        subjects: vec![subject(ALMA), subject(BOLAT)],
    }
}

/// The manifest that follows `earlier`, changed by `change`.
pub fn next(earlier: &Frozen, change: impl FnOnce(&mut Manifest)) -> Frozen {
    let mut manifest = earlier.manifest().clone();
    manifest.generation += 1;
    manifest.prev_manifest_digest = Some(earlier.digest());
    change(&mut manifest);
    Frozen::new(manifest).unwrap()
}

/// A ledger with as many credentials for Alma and Bolat as given.
pub fn ledger(manifest: &Frozen, alma: u8, bolat: u8) -> Ledger {
    let entries = |subject_ref, count| (0..count).map(move |n| (subject_ref, Bytes([n; 32])));
    let issued: Vec<(Ref, Digest)> = entries(ALMA, alma).chain(entries(BOLAT, bolat)).collect();
    Ledger::build(manifest, "council", &issued, &doc_key()).unwrap()
}

/// The rules of the round, Alma's gate open and Bolat's closed.
pub fn rules() -> BallotRules {
    let manifest = Frozen::new(manifest()).unwrap();
    let ledger = ledger(&manifest, 12, 11);
    BallotRules::new(vec![manifest], vec![ledger]).unwrap()
}

pub fn marks(k1: Option<i64>, k2: Option<i64>) -> BTreeMap<String, Option<i64>> {
    BTreeMap::from([("k1".to_owned(), k1), ("k2".to_owned(), k2)])
}

/// A reviewer of one subject, with key and credential as the protocol makes them.
pub struct Reviewer {
    pub esk: SigningKey,
    pub credential: Credential,
    subject_ref: Ref,
}

impl Reviewer {
    pub fn new(seed: u8, subject_ref: Ref) -> Self {
        let esk = SigningKey::from_bytes(&[seed; 32]);
        let issuer = issuer_key(subject_ref);
        let key_id = issuer.public().key_id();
        let msg = credential_message(&CYCLE, &subject_ref, &key_id, &public_key(&esk));
        let pending = Pending::blind(issuer.public(), &msg).unwrap();
        let blind_sig = issuer.blind_sign(&pending.blinded_msg.0).unwrap();
        let sig = Bytes::from_slice(&pending.finalize(issuer.public(), &msg, &blind_sig).unwrap()).unwrap();
        let credential = Credential { issuer_id: "council".to_owned(), key_id, prefix: pending.prefix, sig };
        Reviewer { esk, credential, subject_ref }
    }

    pub fn body(&self, manifest: &Frozen, earlier: &[Digest]) -> Body {
        Body::new(manifest, self.subject_ref, earlier, marks(Some(4), None), &["s02".to_owned()]).unwrap()
    }

    pub fn seal(&self, body: Body) -> Envelope {
        Envelope::sign(body, vec![self.credential.clone()], &self.esk).unwrap()
    }

    pub fn review(&self, manifest: &Frozen, earlier: &[Digest]) -> Envelope {
        self.seal(self.body(manifest, earlier))
    }
}
