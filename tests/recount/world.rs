//! A sealed round with its results, made by the functions by which box and registry make theirs: three subjects, of whom
//! one has a result for a decision, one an indicative and one none; two generations; revisions and a withdrawal.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use chrono::{Days, NaiveDate};
use ed25519_dalek::SigningKey;
use ejf::credential::blind_rsa::{IssuerKey, Pending, credential_message};
use ejf::credential::bundle::{self, Files, Superseded};
use ejf::credential::encoding::{Blob, Bytes, Digest, Ref, sha256};
use ejf::credential::envelope::{Body, Credential, Envelope};
use ejf::credential::frozen::Frozen;
use ejf::credential::jcs;
use ejf::credential::ledger::{self, Ledger};
use ejf::credential::manifest::{Dates, Instrument, Issuer, Item, Log, Manifest, Name, Purpose, Subject, SubjectKey};
use ejf::credential::rules::BallotRules;
use ejf::credential::signing::public_key;
use ejf::credential::tally::score_bundle;
use ejf::domain::methodology::Methodology;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::key_pool;

const CYCLE: Ref = Bytes([1; 16]);
const FORM: &str = "judge-1";
/// The reviewers of each subject, one of the first of whom withdraws.
const REVIEWERS: [u8; 3] = [11, 6, 3];

/// The bundle and the secrets of all who made it, for whoever plays an insider.
pub struct World {
    pub files: Files,
    pub manifests: Vec<Vec<u8>>,
    pub reviewers: Vec<SigningKey>,
}

pub fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[12; 32])
}

pub fn receipt_key() -> SigningKey {
    SigningKey::from_bytes(&[13; 32])
}

pub fn methodology() -> Methodology {
    Methodology::standard().unwrap()
}

/// The round with one issuer, made once.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| make(&["council"], &methodology(), any_mark))
}

/// The round in which each credential needs two signatures.
pub fn world_of_two_issuers() -> World {
    make(&["council", "union"], &methodology(), any_mark)
}

/// The round under a methodology that asks for so many reviews kept.
pub fn world_keeping(kept_min: u32) -> World {
    let mut stricter = methodology();
    stricter.counts.kept_min = kept_min;
    make(&["council"], &stricter, any_mark)
}

/// The round in which nearly everybody gives the highest mark to everything.
pub fn world_agreeing() -> World {
    make(&["council"], &methodology(), |chance| Some(if chance.is_multiple_of(40) { 4 } else { 5 }))
}

/// The key of an issuer's documents, by its place in the manifest.
pub fn doc_key(issuer: usize) -> SigningKey {
    SigningKey::from_bytes(&[100 + u8::try_from(issuer).unwrap(); 32])
}

fn subject_ref(subject: usize) -> Ref {
    Bytes([2 + u8::try_from(subject).unwrap(); 16])
}

fn make(issuers: &[&str], rules: &Methodology, mark: fn(u32) -> Option<i64>) -> World {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let keys = key_pool::deal(REVIEWERS.len() * issuers.len());
    let key = |subject: usize, issuer: usize| &keys[subject * issuers.len() + issuer];
    let text = jcs::canonical_to_depth(rules, 8).unwrap();
    let first = Frozen::new(manifest(issuers, key, sha256(&[&text]))).unwrap();
    let mut extended = first.manifest().clone();
    extended.generation = 1;
    extended.prev_manifest_digest = Some(first.digest());
    extended.dates.seal_by = extended.dates.seal_by.checked_add_days(Days::new(1)).unwrap();
    let current = Frozen::new(extended).unwrap();
    let ledgers = issuers.iter().enumerate().map(|(at, issuer)| ledger(&current, issuer, &doc_key(at))).collect();

    let mut reviewers = Vec::new();
    let (mut envelopes, mut superseded) = (Vec::new(), Vec::new());
    for (subject, count) in REVIEWERS.into_iter().enumerate() {
        for number in 0..count {
            let esk = SigningKey::from_bytes(&[u8::try_from(reviewers.len()).unwrap() + 150; 32]);
            let credentials: Vec<Credential> = issuers
                .iter()
                .enumerate()
                .map(|(at, issuer)| credential(issuer, key(subject, at), subject_ref(subject), &esk))
                .collect();
            let pinned = if number % 3 == 0 { &first } else { &current };
            let mut earlier: Vec<Digest> = Vec::new();
            let versions = [3, 2, 2].get(usize::from(number)).copied().unwrap_or(1);
            for version in 1..=versions {
                let is_withdrawn = (subject, number, version) == (0, 1, 2);
                let chosen = if version < versions { REPLACED } else { statements(number) };
                let chosen = if is_withdrawn { &[] } else { chosen };
                let body = body(pinned, subject, &earlier, chosen, mark, &mut random);
                let envelope = Envelope::sign(body, credentials.clone(), &esk).unwrap();
                if version < versions {
                    let leaf = envelope.leaf().unwrap();
                    earlier.push(leaf);
                    superseded.push(Superseded { leaf, epk: envelope.epk });
                } else {
                    envelopes.push(envelope);
                }
            }
            reviewers.push(esk);
        }
    }
    let manifests = vec![first.bytes().to_vec(), current.bytes().to_vec()];
    let note = current.sign_note(&log_key()).unwrap();
    let ballot_rules = BallotRules::new(vec![first, current], ledgers).unwrap();
    let mut files = bundle::build(&ballot_rules, &note, &text, &envelopes, &superseded, &log_key()).unwrap();
    let scored = score_bundle(&files, rules).unwrap();
    bundle::add_result(&mut files, &scored.to_bytes().unwrap()).unwrap();
    World { files, manifests, reviewers }
}

/// What a reviewer chooses in the last version: `s01` all but the one who withdraws, `s03` two, `s05` three; `s07` two, and
/// four more together with its opposite.
fn statements(number: u8) -> &'static [&'static str] {
    match number {
        0 => &["s01", "s03", "s05"],
        2 => &["s01", "s03", "s05"],
        3 => &["s01", "s05"],
        4..=7 => &["s01", "s07", "s08"],
        8 | 9 => &["s01", "s07"],
        _ => &["s01"],
    }
}

/// What everybody chose in versions that they replaced.
const REPLACED: &[&str] = &["s09"];

/// Every mark, and now and then none.
fn any_mark(chance: u32) -> Option<i64> {
    match chance % 8 {
        0 => None,
        other => Some(i64::from(other % 5) + 1),
    }
}

fn body(
    pinned: &Frozen,
    subject: usize,
    earlier: &[Digest],
    chosen: &[&str],
    mark: fn(u32) -> Option<i64>,
    random: &mut ChaCha8Rng,
) -> Body {
    let items = &pinned.manifest().instruments[0].items;
    // Everybody who does not withdraw chooses something.
    let is_withdrawn = chosen.is_empty();
    let mut mark = || Some(random.next_u32()).filter(|_| !is_withdrawn).and_then(mark);
    let marks: BTreeMap<String, Option<i64>> = items.iter().map(|item| (item.code.clone(), mark())).collect();
    let statements: Vec<String> = chosen.iter().map(|code| (*code).to_owned()).collect();
    let mut body = Body::new(pinned, subject_ref(subject), earlier, marks, &statements).unwrap();
    // The same reviews on every run: a failure names a mutation that can be made again.
    random.fill_bytes(&mut body.nonce.0);
    body
}

fn credential(issuer: &str, key: &IssuerKey, subject_ref: Ref, esk: &SigningKey) -> Credential {
    let key_id = key.public().key_id();
    let msg = credential_message(&CYCLE, &subject_ref, &key_id, &public_key(esk));
    let pending = Pending::blind(key.public(), &msg).unwrap();
    let blind_sig = key.blind_sign(&pending.blinded_msg.0).unwrap();
    let sig = Bytes::from_slice(&pending.finalize(key.public(), &msg, &blind_sig).unwrap()).unwrap();
    Credential { issuer_id: issuer.to_owned(), key_id, prefix: pending.prefix, sig }
}

fn ledger(manifest: &Frozen, issuer: &str, doc_key: &SigningKey) -> Ledger {
    let mut issued = Vec::new();
    for subject in &manifest.manifest().subjects {
        let key_id = manifest.key_id(&subject.subject_ref, issuer).unwrap();
        let entry = |number: u8| ledger::entry(&key_id, &Bytes([number; 16]), &[number; 384]);
        issued.extend((0..12).map(|number| (subject.subject_ref, entry(number))));
    }
    Ledger::build(manifest, issuer, &issued, doc_key).unwrap()
}

fn manifest<'a>(issuers: &[&str], key: impl Fn(usize, usize) -> &'a IssuerKey, methodology_digest: Digest) -> Manifest {
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    let rules = methodology();
    let scale = rules.scale.unwrap();
    let item = |code: &str| Item { code: code.to_owned(), min: scale.min.into(), max: scale.max.into() };
    let issuer = |(at, id): (usize, &&str)| Issuer {
        issuer_id: (*id).to_owned(),
        name: Name { kk: "Кеңес".to_owned(), ru: "Совет".to_owned(), en: "Council".to_owned() },
        doc_key: public_key(&doc_key(at)),
    };
    let subject_key = |subject: usize, at: usize| SubjectKey {
        issuer_id: issuers[at].to_owned(),
        purpose: Purpose::Marks,
        key_id: key(subject, at).public().key_id(),
        spki: Blob(key(subject, at).public().spki_der().to_vec()),
    };
    let subject = |subject: usize| Subject {
        subject_ref: subject_ref(subject),
        instrument_id: FORM.to_owned(),
        panel_size: 14,
        keys: (0..issuers.len()).map(|at| subject_key(subject, at)).collect(),
    };
    Manifest {
        v: 1,
        cycle_ref: CYCLE,
        round: 1,
        generation: 0,
        prev_manifest_digest: None,
        methodology_digest,
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
        max_seq: 20,
        issuers: issuers.iter().enumerate().map(issuer).collect(),
        receipt_key: public_key(&receipt_key()),
        log: Log::new("sjc.example/box", &CYCLE, 1, &public_key(&log_key())).unwrap(),
        witnesses: Vec::new(),
        witness_quorum: 0,
        client_hashes: Vec::new(),
        instruments: vec![Instrument {
            instrument_id: FORM.to_owned(),
            items: rules.items_of(FORM).unwrap().into_iter().map(|one| item(&one.code)).collect(),
            statements: rules.statements.iter().map(|statement| statement.code.clone()).collect(),
            max_statements: 8,
        }],
        subjects: (0..REVIEWERS.len()).map(subject).collect(),
    }
}
