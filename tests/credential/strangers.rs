//! Every reader of what comes from outside, given what a stranger could send: it never stops the program, never blames the
//! service for it, and believes nothing but what was signed. A newcomer's usual mistake is to look for panics alone; a
//! document that is believed though somebody touched it is the worse end.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use ejf::client::card::{Card, CardSubject, Held};
use ejf::client::recount::read_archive;
use ejf::client::spread;
use ejf::credential::audit;
use ejf::credential::blind_rsa::{self, IssuerPublicKey};
use ejf::credential::bundle::{self, Files};
use ejf::credential::deletion_order::{DeletionOrder, deleted_note, verify_deleted};
use ejf::credential::encoding::{Blob, Bytes, Ref, sha256};
use ejf::credential::envelope::{self, Envelope};
use ejf::credential::frozen::Frozen;
use ejf::credential::jcs;
use ejf::credential::ledger::Ledger;
use ejf::credential::manifest::{BODY_SIZE, Manifest, digest_words, matches_words};
use ejf::credential::note::{Checkpoint, VerifierKey};
use ejf::credential::packs::{ListedPack, PackList, PackedAct, ReadingPack};
use ejf::credential::receipt::Receipt;
use ejf::credential::rules::BallotRules;
use ejf::credential::seal_order::{Act, BoxKeys, SealOrder};
use ejf::credential::signing::public_key;
use ejf::credential::{succession, tally};
use ejf::domain::reading::{ReadingLanguage, ReadingType};
use ejf::error::{Code, Error};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::damage::{damaged, inputs, sample};
use crate::round::{
    ALMA, BOLAT, CYCLE, Reviewer, doc_key, issuer_key, ledger, log_key, manifest, receipt_key, rules, today,
};
use crate::sealed::sealed;

/// A refusal that is the sender's fault; whatever is sent, ours it is never.
fn expect_refusal(error: &Error) {
    assert!(!matches!(error.code(), Code::Internal | Code::Busy), "{error:?}");
}

fn frozen() -> Frozen {
    Frozen::new(manifest()).unwrap()
}

fn shared_rules() -> &'static BallotRules {
    static RULES: OnceLock<BallotRules> = OnceLock::new();
    RULES.get_or_init(rules)
}

fn review() -> &'static Envelope {
    static REVIEW: OnceLock<Envelope> = OnceLock::new();
    REVIEW.get_or_init(|| Reviewer::new(81, ALMA).review(shared_rules().current(), &[]))
}

/// As long as the box wants it, by its pad where it has one, so that more than its length is looked at.
fn fit(bytes: Vec<u8>) -> Vec<u8> {
    let mut bytes = bytes;
    let mark = b"\"pad\":\"";
    let Some(at) = bytes.windows(mark.len()).position(|window| window == mark).map(|at| at + mark.len()) else {
        bytes.resize(BODY_SIZE, b' ');
        return bytes;
    };
    let zeros = bytes[at..].iter().take_while(|byte| **byte == b'0').count();
    let others = bytes.len() - zeros;
    drop(bytes.splice(at..at + zeros, std::iter::repeat_n(b'0', BODY_SIZE.saturating_sub(others))));
    bytes
}

/// The submission without its pad, which would take most of the damage.
fn without_pad() -> Vec<u8> {
    let mut sent: Value = serde_json::from_slice(&review().to_submission().unwrap()).unwrap();
    sent["pad"] = json!("");
    sent.to_string().into_bytes()
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A card of one subject under this manifest, drawing the moment at which a review would be sent.
fn plan(manifest: &Frozen) {
    let Some(subject) = manifest.manifest().subjects.first() else { return };
    let instrument = manifest.instrument(subject).unwrap().clone();
    for now in ["2027-02-20T04:30:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        let mut held = Held::in_memory();
        let of_one = CardSubject::new(Uuid::nil(), subject.subject_ref, "Алма".to_owned(), instrument.clone()).unwrap();
        held.card_or(|| Card::new(manifest)).credentials.push(of_one);
        // Closed windows are refused, which is as good as a moment.
        let _ = spread::plan(&mut held, &[subject.subject_ref], None, moment(now));
    }
}

fn pack_of(subject: &Ref) -> ReadingPack {
    let content = Blob(format!("Act of {subject}").into_bytes());
    let (category, language) = ("civil".to_owned(), ReadingLanguage::Kk);
    ReadingPack { v: 1, acts: vec![PackedAct { category, language, media_type: ReadingType::Text, content }] }
}

fn pack_list() -> PackList {
    let listed = shared_rules().current().manifest().subjects.iter().map(|subject| {
        let bytes = pack_of(&subject.subject_ref).to_bytes().unwrap();
        let size = u32::try_from(bytes.len()).unwrap();
        ListedPack { subject_ref: subject.subject_ref, digest: sha256(&[&bytes]), size }
    });
    PackList::build(shared_rules().current(), listed.collect(), &doc_key()).unwrap()
}

/// One frame as the registry gives it.
fn pack_frames() -> Vec<u8> {
    pack_list().enframe(&ALMA, &pack_of(&ALMA).to_bytes().unwrap()).unwrap()
}

proptest! {
    #![proptest_config(inputs(1_000))]

    #[test]
    fn a_submission(bytes in damaged(without_pad())) {
        for bytes in [fit(bytes.clone()), bytes] {
            match Envelope::parse_submission(&bytes) {
                Err(error) => expect_refusal(&error),
                Ok(sent) => match envelope::verify(shared_rules(), &sent, today()) {
                    Err(error) => expect_refusal(&error),
                    Ok(verified) => prop_assert_eq!(verified.leaf(), review().leaf().unwrap()),
                },
            }
        }
    }

    #[test]
    fn a_line_of_a_bundle(bytes in damaged(review().to_bytes().unwrap())) {
        match Envelope::parse(&bytes) {
            Err(error) => expect_refusal(&error),
            Ok(sent) => match envelope::verify_sealed(shared_rules(), &sent) {
                Err(error) => expect_refusal(&error),
                Ok(verified) => prop_assert_eq!(verified.leaf(), review().leaf().unwrap()),
            },
        }
    }

    #[test]
    fn a_receipt(bytes in damaged(
        jcs::canonical(&Receipt::sign(&receipt_key(), &CYCLE, 1, &Bytes([5; 32]))).unwrap()
    )) {
        match jcs::read::<Receipt>(&bytes) {
            Err(error) => expect_refusal(&error),
            Ok(read) if read.verify(&public_key(&receipt_key())) => {
                prop_assert_eq!(read, Receipt::sign(&receipt_key(), &CYCLE, 1, &Bytes([5; 32])));
            }
            Ok(_) => {}
        }
    }

    #[test]
    fn a_list_of_packs_and_what_comes_by_it(
        list in damaged(pack_list().to_bytes().unwrap()),
        frames in damaged(pack_frames()),
    ) {
        match PackList::parse(&list) {
            Err(error) => expect_refusal(&error),
            Ok(read) => {
                prop_assert!(read.verify(shared_rules().current()).is_err() || read == pack_list());
                // What is not verified yet opens nothing that it does not list, and stops nobody.
                drop(read.open(&frames));
            }
        }
        match pack_list().open(&frames) {
            Err(error) => expect_refusal(&error),
            Ok(opened) => prop_assert!(opened.iter().all(|(of, pack)| pack_of(of) == *pack)),
        }
    }

    #[test]
    fn a_note_and_its_key(bytes in damaged(frozen().sign_note(&log_key()).unwrap().into_bytes())) {
        let note = String::from_utf8_lossy(&bytes);
        let manifest = shared_rules().current();
        if let Err(error) = manifest.verify_note(&note) {
            expect_refusal(&error);
        }
        if let Err(error) = Checkpoint::verify(&note, manifest.log_key()) {
            expect_refusal(&error);
        }
        if let Err(error) = VerifierKey::parse(&note) {
            expect_refusal(&error);
        }
        // Words that a person types are no better than a note.
        prop_assert!(!matches_words(&manifest.digest(), &note));
    }

    #[test]
    fn a_key_of_the_log(bytes in damaged(manifest().log.vkey.into_bytes())) {
        let text = String::from_utf8_lossy(&bytes);
        match VerifierKey::parse(&text) {
            Err(error) => expect_refusal(&error),
            Ok(key) => prop_assert_eq!(key.to_string(), text, "one key has one writing"),
        }
    }

    #[test]
    fn a_public_key_and_what_it_is_to_sign(
        der in damaged(issuer_key(ALMA).public().spki_der().to_vec()),
        message in damaged(vec![0x7f; 384]),
    ) {
        match IssuerPublicKey::from_spki_der(&der) {
            Err(error) => expect_refusal(&error),
            Ok(key) => {
                prop_assert_eq!(key.spki_der(), der.as_slice());
                let is_other = key.key_id() != issuer_key(ALMA).public().key_id();
                // Of a key that is none it is told; whether it is one is asked first.
                let _ = key.check();
                let credential = &review().credentials[0];
                prop_assert!(!is_other || !blind_rsa::verify(&key, &credential.prefix, b"x", &credential.sig.0));
            }
        }
        if let Err(error) = issuer_key(ALMA).public().check_blinded(&message) {
            expect_refusal(&error);
        }
        prop_assert!(!blind_rsa::verify(issuer_key(ALMA).public(), &Bytes([1; 32]), b"x", &message));
    }

    #[test]
    fn an_order(
        seal in damaged(SealOrder::sign(&frozen(), Act::Seal, None, &doc_key()).unwrap().to_bytes().unwrap()),
        deletion in damaged(deletion_order().to_bytes().unwrap()),
        keys in damaged(box_keys().to_bytes().unwrap()),
    ) {
        let manifest = shared_rules().current();
        match SealOrder::parse(&seal) {
            Err(error) => expect_refusal(&error),
            Ok(order) => prop_assert!(order.verify(manifest).is_err() || order.act == Act::Seal),
        }
        match DeletionOrder::parse(&deletion) {
            Err(error) => expect_refusal(&error),
            Ok(order) => prop_assert!(order.verify(manifest).is_err() || order == deletion_order()),
        }
        match BoxKeys::parse(&keys) {
            Err(error) => expect_refusal(&error),
            Ok(read) => prop_assert_eq!(read.to_bytes().unwrap(), box_keys().to_bytes().unwrap()),
        }
    }

    #[test]
    fn a_note_that_reviews_are_gone(bytes in damaged(
        deleted_note(shared_rules().current(), &seal(), &log_key()).unwrap().into_bytes()
    )) {
        if let Err(error) = verify_deleted(&String::from_utf8_lossy(&bytes), shared_rules().current(), &seal()) {
            expect_refusal(&error);
        }
    }
}

proptest! {
    #![proptest_config(inputs(300))]

    #[test]
    fn a_manifest(bytes in damaged(frozen().bytes().to_vec())) {
        if let Ok(text) = jcs::read::<Manifest>(&bytes) {
            // What is read is looked through whole, whatever it says.
            let _ = (text.validate(), text.alarms(), text.log_name().map(str::len), text.note_origin());
        }
        match Frozen::parse(&bytes) {
            Err(error) => expect_refusal(&error),
            Ok(read) => {
                prop_assert_eq!(Frozen::parse(read.bytes()).unwrap().digest(), read.digest());
                let (text, now) = (read.manifest(), moment("2027-02-20T04:30:00Z"));
                let _ = (text.issue_window(text.date_at(now)), text.submit_window(text.date_at(now)));
                prop_assert!(matches_words(&read.digest(), &digest_words(&read.digest())));
                let is_other = read.digest() != shared_rules().current().digest();
                prop_assert!(read.succeeds(shared_rules().current()).is_err());
                prop_assert!(!is_other || read.verify_note(&frozen().sign_note(&log_key()).unwrap()).is_err());
                plan(&read);
            }
        }
    }

    #[test]
    fn a_ledger(bytes in damaged(ledger(&frozen(), 12, 11).to_bytes().unwrap())) {
        match Ledger::parse(&bytes) {
            Err(error) => expect_refusal(&error),
            Ok(read) => match read.verify(shared_rules().current()) {
                Err(error) => expect_refusal(&error),
                Ok(()) => prop_assert_eq!(read, ledger(shared_rules().current(), 12, 11)),
            },
        }
    }

    #[test]
    fn a_card(bytes in damaged(card_text())) {
        let Ok(card) = serde_json::from_slice::<Card>(&bytes) else { return Ok(()) };
        let _ = (card.pinned().is_ok(), card.earlier().is_ok());
        for subject in [ALMA, BOLAT].iter().filter_map(|subject_ref| card.subject(subject_ref)) {
            let _ = (subject.signing_key().is_ok(), subject.is_ready(), subject.is_waiting());
        }
    }
}

proptest! {
    #![proptest_config(inputs(60))]

    #[test]
    fn a_file_of_a_bundle(at in 0..sealed().len(), seed in any::<u64>()) {
        let mut files = sealed();
        let name = files.keys().nth(at).unwrap().clone();
        let sound = files[&name].clone();
        let bytes = sample(&sound, seed);
        files.insert(name.clone(), bytes.clone());

        let findings = audit::check(&files);

        prop_assert!(bytes == sound || !findings.is_empty(), "{} was touched unseen", name);
        let _ = succession::check(&sealed(), &files);
        if let Ok(methodology) = serde_json::from_slice(&files[bundle::METHODOLOGY]) {
            let _ = tally::score_bundle(&files, &methodology);
        }
    }

    #[test]
    fn an_archive(bytes in damaged(archive(&sealed()))) {
        // Either it is whole, or it says that it is not.
        if let Ok(files) = read_archive(&bytes) {
            let _ = audit::check(&files);
        }
    }
}

fn seal() -> Checkpoint {
    Checkpoint { origin: manifest().log.origin, size: 12, root: Bytes([6; 32]) }
}

fn deletion_order() -> DeletionOrder {
    let files = BTreeMap::from([(bundle::ENVELOPES.to_owned(), Bytes([7; 32]))]);
    DeletionOrder::sign(&frozen(), b"a checkpoint", files, today(), &doc_key()).unwrap()
}

fn box_keys() -> BoxKeys {
    BoxKeys::sign("sjc.example/box", public_key(&receipt_key()), &log_key()).unwrap()
}

fn card_text() -> Vec<u8> {
    let manifest = frozen();
    let mut card = Card::new(&manifest);
    for subject in &manifest.manifest().subjects {
        let instrument = manifest.instrument(subject).unwrap().clone();
        card.credentials
            .push(CardSubject::new(Uuid::nil(), subject.subject_ref, "Алма".to_owned(), instrument).unwrap());
    }
    serde_json::to_vec(&card).unwrap()
}

/// The files of a bundle as one ustar archive.
fn archive(files: &Files) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, content) in files {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        header[148..156].copy_from_slice(b"        ");
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: usize = header.iter().map(|byte| usize::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend_from_slice(&header);
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    assert_eq!(read_archive(&archive).unwrap(), *files, "the sound archive is read");
    archive
}
