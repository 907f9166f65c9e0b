//! A small round with real keys: two subjects, one issuer, and a third key that no honest manifest has.

use std::sync::OnceLock;

use chrono::{DateTime, NaiveDate, Utc};
use ed25519_dalek::SigningKey;
use ejf::credential::blind_rsa::{IssuerKey, IssuerPublicKey};
use ejf::credential::encoding::{Blob, Bytes, Ref, sha256};
use ejf::credential::jcs;
use ejf::credential::manifest::{
    Dates, Instrument, Issuer, Item, Log, Manifest, Name, Purpose, Subject, SubjectKey, digest_words,
};
use ejf::credential::signing::public_key;
use ejf::domain::methodology::Methodology;

pub const CYCLE: Ref = Bytes([1; 16]);
pub const ALMA: Ref = Bytes([2; 16]);
pub const BOLAT: Ref = Bytes([3; 16]);
pub const ALMA_ASSIGNMENT: &str = "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11";
pub const BOLAT_ASSIGNMENT: &str = "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12";

pub fn doc_key() -> SigningKey {
    SigningKey::from_bytes(&[11; 32])
}

pub fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[12; 32])
}

pub fn receipt_key() -> SigningKey {
    SigningKey::from_bytes(&[13; 32])
}

/// The keys for Alma and Bolat, and a stranger's; three are made in this process and no more.
pub fn keys() -> &'static [IssuerKey; 3] {
    static KEYS: OnceLock<[IssuerKey; 3]> = OnceLock::new();
    KEYS.get_or_init(|| std::array::from_fn(|_| IssuerKey::generate().unwrap()))
}

/// A moment in the days of issuance.
pub fn while_issuing() -> DateTime<Utc> {
    "2027-02-05T06:00:00Z".parse().unwrap()
}

/// A moment in the days of submission.
pub fn while_submitting() -> DateTime<Utc> {
    "2027-02-20T06:00:00Z".parse().unwrap()
}

pub fn subject_key(issuer_id: &str, key: &IssuerPublicKey) -> SubjectKey {
    SubjectKey {
        issuer_id: issuer_id.to_owned(),
        purpose: Purpose::Marks,
        key_id: key.key_id(),
        spki: Blob(key.spki_der().to_vec()),
    }
}

pub fn issuer(issuer_id: &str) -> Issuer {
    Issuer {
        issuer_id: issuer_id.to_owned(),
        name: Name { kk: "Кеңес".to_owned(), ru: "Совет".to_owned(), en: "Council".to_owned() },
        doc_key: public_key(&doc_key()),
    }
}

/// The methodology in force, whose digest every manifest here names.
pub fn methodology() -> Methodology {
    Methodology::standard().unwrap()
}

/// A manifest for Alma alone in which two issuers must sign.
pub fn two_issuers() -> Manifest {
    let mut two = manifest();
    two.issuers.push(issuer("bar"));
    two.subjects.truncate(1);
    two.subjects[0].keys.push(subject_key("bar", keys()[2].public()));
    two
}

/// The generation that follows a manifest, changed.
pub fn next(earlier: &Manifest, change: impl FnOnce(&mut Manifest)) -> Manifest {
    let mut next = earlier.clone();
    next.generation += 1;
    next.prev_manifest_digest = Some(earlier.digest().unwrap());
    change(&mut next);
    next
}

pub fn manifest() -> Manifest {
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    let subject = |subject_ref, key: &IssuerKey| Subject {
        subject_ref,
        instrument_id: "judge-1".to_owned(),
        panel_size: 14,
        keys: vec![subject_key("council", key.public())],
    };
    let item = |code: &str| Item { code: code.to_owned(), min: 1, max: 5 };
    Manifest {
        v: 1,
        cycle_ref: CYCLE,
        round: 1,
        generation: 0,
        prev_manifest_digest: None,
        methodology_digest: sha256(&[&jcs::canonical_to_depth(&methodology(), 12).unwrap()]),
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
        issuers: vec![issuer("council")],
        receipt_key: public_key(&receipt_key()),
        log: Log::new("sjc.example/box", &CYCLE, 1, &public_key(&log_key())).unwrap(),
        witnesses: Vec::new(),
        witness_quorum: 0,
        client_hashes: Vec::new(),
        instruments: vec![Instrument {
            instrument_id: "judge-1".to_owned(),
            items: vec![item("k1"), item("k2")],
            statements: vec!["s01".to_owned(), "s02".to_owned(), "s03".to_owned()],
            max_statements: 2,
        }],
        subjects: vec![subject(ALMA, &keys()[0]), subject(BOLAT, &keys()[1])],
    }
}

/// What the Council's order prints for a manifest, even for a hostile one.
pub fn words(manifest: &Manifest) -> String {
    digest_words(&manifest.digest().unwrap())
}

/// The box's note, made whether or not the manifest is sound, as a hostile box would.
pub fn note(manifest: &Manifest) -> String {
    let origin = manifest.note_origin().unwrap();
    ejf::credential::note::Checkpoint { origin, size: u64::from(manifest.generation), root: manifest.digest().unwrap() }
        .sign(&log_key())
        .unwrap()
}
