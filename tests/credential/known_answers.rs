//! Every line of the encodings against numbers computed in Python.

use ed25519_dalek::SigningKey;
use ejf::credential::blind_rsa::{self, IssuerPublicKey, credential_message};
use ejf::credential::deletion_order::{DeletionOrder, deleted_note, verify_deleted};
use ejf::credential::encoding::{Bytes, from_base64url, sha256};
use ejf::credential::envelope::{self, Body, Envelope, leaf_data};
use ejf::credential::frozen::Frozen;
use ejf::credential::ledger::{self, Ledger};
use ejf::credential::manifest::{digest_words, matches_words};
use ejf::credential::note::{Checkpoint, VerifierKey};
use ejf::credential::receipt::Receipt;
use ejf::credential::rules::BallotRules;
use ejf::credential::seal_order::{Act, BoxKeys, SealOrder};
use ejf::credential::signing::public_key;
use ejf::credential::tree::leaf_hash;
use serde_json::Value;

use crate::round::date;

fn answers() -> Value {
    serde_json::from_str(include_str!("../data/credential_known_answers.json")).unwrap()
}

fn text<'a>(answers: &'a Value, name: &str) -> &'a str {
    answers[name].as_str().unwrap()
}

fn raw(answers: &Value, name: &str) -> Vec<u8> {
    from_base64url(text(answers, name)).unwrap()
}

fn fixed<const N: usize>(answers: &Value, name: &str) -> Bytes<N> {
    text(answers, name).parse().unwrap()
}

fn key(answers: &Value, name: &str) -> SigningKey {
    SigningKey::from_bytes(&fixed::<32>(&answers["seeds"], name).0)
}

#[test]
fn credential_messages_and_signatures_are_as_python_makes_them() {
    let answers = answers();
    let issuer = IssuerPublicKey::from_spki_der(&raw(&answers, "spki")).unwrap();
    assert_eq!(issuer.key_id(), fixed(&answers, "key_id"));
    assert_eq!(issuer.check(), Ok(()));
    let epk = public_key(&key(&answers, "esk"));
    assert_eq!(epk, fixed(&answers, "epk"));
    let msg =
        credential_message(&fixed(&answers, "cycle_ref"), &fixed(&answers, "subject_ref"), &issuer.key_id(), &epk);
    assert_eq!((msg.len(), &msg), (108, &raw(&answers, "msg")));
    let prefix: Bytes<32> = fixed(&answers, "prefix");
    assert_eq!([prefix.0.as_slice(), &msg].concat(), raw(&answers, "input_msg"));
    assert!(blind_rsa::verify(&issuer, &prefix, &msg, &raw(&answers, "credential_sig")));
}

#[test]
fn manifest_digest_words_and_note_are_as_python_makes_them() {
    let answers = answers();
    let manifest = Frozen::parse(text(&answers, "manifest").as_bytes()).unwrap();
    assert_eq!(manifest.bytes(), text(&answers, "manifest").as_bytes());
    assert_eq!(manifest.digest(), fixed(&answers, "manifest_digest"));
    let words = text(&answers, "manifest_words");
    assert_eq!(digest_words(&manifest.digest()), words);
    assert!(matches_words(&manifest.digest(), &words.to_uppercase().replace(' ', "-")));
    assert!(!matches_words(&manifest.digest(), &words[5..]));
    assert_eq!(manifest.sign_note(&key(&answers, "log_key")).unwrap(), text(&answers, "manifest_note"));
    manifest.verify_note(text(&answers, "manifest_note")).unwrap();
}

#[test]
fn entries_and_ledger_are_as_python_makes_them() {
    let answers = answers();
    let manifest = Frozen::parse(text(&answers, "manifest").as_bytes()).unwrap();
    let list = |name: &str| -> Vec<Vec<u8>> {
        answers[name].as_array().unwrap().iter().map(|value| from_base64url(value.as_str().unwrap()).unwrap()).collect()
    };
    let subject_ref = fixed(&answers, "subject_ref");
    let mut issued = Vec::new();
    for ((assignment_id, blinded_msg), expected) in
        list("assignment_ids").iter().zip(list("blinded_msgs")).zip(list("entries"))
    {
        let entry = ledger::entry(&fixed(&answers, "key_id"), &Bytes::from_slice(assignment_id).unwrap(), &blinded_msg);
        assert_eq!(entry.0.as_slice(), expected);
        issued.push((subject_ref, entry));
    }
    let built = Ledger::build(&manifest, "council", &issued, &key(&answers, "doc_key")).unwrap();
    assert_eq!(built.sig, fixed(&answers, "ledger_sig"));
    assert_eq!(built.to_bytes().unwrap(), text(&answers, "ledger").as_bytes());
    assert!(built.holds(&subject_ref, &issued[3].1));
}

#[test]
fn review_leaf_and_receipt_are_as_python_makes_them() {
    let answers = answers();
    let body = Body::parse(text(&answers, "body").as_bytes()).unwrap();
    let expected = Envelope::parse(text(&answers, "envelope").as_bytes()).unwrap();
    let envelope = Envelope::sign(body, expected.credentials.clone(), &key(&answers, "esk")).unwrap();
    assert_eq!(envelope.sig, fixed(&answers, "sig_review"));
    assert_eq!(envelope.to_bytes().unwrap(), text(&answers, "envelope").as_bytes());
    let cycle_ref = fixed(&answers, "cycle_ref");
    let leaf = leaf_data(&cycle_ref, text(&answers, "body").as_bytes(), &envelope.sig, &envelope.epk);
    assert_eq!(leaf, raw(&answers, "leaf_data"));
    assert_eq!(leaf_hash(&leaf), fixed(&answers, "leaf"));
    assert_eq!(envelope.leaf().unwrap(), fixed(&answers, "leaf"));
    let receipt = Receipt::sign(&key(&answers, "receipt_key"), &cycle_ref, 1, &leaf_hash(&leaf));
    assert_eq!(receipt.rsig, fixed(&answers, "rsig"));
    assert!(receipt.verify(&public_key(&key(&answers, "receipt_key"))));
}

#[test]
fn the_review_that_python_made_passes_every_check() {
    let answers = answers();
    let manifest = Frozen::parse(text(&answers, "manifest").as_bytes()).unwrap();
    let ledger = Ledger::parse(text(&answers, "ledger").as_bytes()).unwrap();
    let rules = BallotRules::new(vec![manifest], vec![ledger]).unwrap();
    let envelope = Envelope::parse(text(&answers, "envelope").as_bytes()).unwrap();
    let verified = envelope::verify(&rules, &envelope, date("2027-02-12")).unwrap();
    assert_eq!(verified.leaf(), fixed(&answers, "leaf"));
    assert_eq!(verified.body(), text(&answers, "body").as_bytes());
}

#[test]
fn checkpoint_seal_order_and_box_keys_are_as_python_makes_them() {
    let answers = answers();
    let manifest = Frozen::parse(text(&answers, "manifest").as_bytes()).unwrap();
    let (doc_key, log_key) = (key(&answers, "doc_key"), key(&answers, "log_key"));
    let vkey = VerifierKey::parse(text(&answers, "vkey")).unwrap();
    assert_eq!(manifest.log_key(), &vkey);
    let checkpoint = Checkpoint { origin: vkey.name().to_owned(), size: 1, root: fixed(&answers, "leaf") };
    assert_eq!(checkpoint.sign(&log_key).unwrap(), text(&answers, "checkpoint"));
    assert_eq!(Checkpoint::verify(text(&answers, "checkpoint"), &vkey).unwrap(), checkpoint);

    let order = SealOrder::sign(&manifest, Act::Seal, None, &doc_key).unwrap();
    assert_eq!(order.to_bytes().unwrap(), text(&answers, "seal_order").as_bytes());
    SealOrder::parse(text(&answers, "seal_order").as_bytes()).unwrap().verify(&manifest).unwrap();
    let receipt_key = public_key(&key(&answers, "receipt_key"));
    let box_keys = BoxKeys::sign("sjc.example/box", receipt_key, &log_key).unwrap();
    assert_eq!(box_keys.to_bytes().unwrap(), text(&answers, "box_keys").as_bytes());
    assert_eq!(BoxKeys::parse(text(&answers, "box_keys").as_bytes()).unwrap(), box_keys);
    assert_eq!(sha256(&[text(&answers, "methodology").as_bytes()]), manifest.manifest().methodology_digest);
}

#[test]
fn deletion_order_and_the_boxs_note_on_it_are_as_python_makes_them() {
    let answers = answers();
    let manifest = Frozen::parse(text(&answers, "manifest").as_bytes()).unwrap();
    let (doc_key, log_key) = (key(&answers, "doc_key"), key(&answers, "log_key"));
    let checkpoint = text(&answers, "checkpoint").as_bytes();
    let files = [("envelopes.ndjson", "reviews"), ("superseded.ndjson", "versions")];
    let files = files.map(|(name, bytes)| (name.to_owned(), sha256(&[bytes.as_bytes()]))).into();

    let order = DeletionOrder::sign(&manifest, checkpoint, files, date("2027-07-01"), &doc_key).unwrap();

    assert_eq!(order.to_bytes().unwrap(), text(&answers, "deletion_order").as_bytes());
    let read = DeletionOrder::parse(text(&answers, "deletion_order").as_bytes()).unwrap();
    read.verify(&manifest).unwrap();
    assert!(read.is_of(checkpoint) && !read.is_of(b"another"));
    let sealed = Checkpoint::verify(text(&answers, "checkpoint"), manifest.log_key()).unwrap();
    let note = deleted_note(&manifest, &sealed, &log_key).unwrap();
    assert_eq!(note, text(&answers, "deleted_note"));
    verify_deleted(&note, &manifest, &sealed).unwrap();
    let other = Checkpoint { size: 2, ..sealed };
    assert!(verify_deleted(&note, &manifest, &other).is_err());
    assert!(verify_deleted(text(&answers, "checkpoint"), &manifest, &other).is_err(), "a seal is no deletion");
}
