//! K-1 to K-7 of the design's section 14: every lie that a server may tell, and the alarm that it raises.
//!
//! What a newcomer would get wrong: testing the checks alone. Each lie is told here by servers on sockets to the client as
//! reviewers run it, and what counts is what reached them: no request for a credential after a lie that comes before it,
//! and never a review.

use ejf::client::card::Held;
use ejf::client::failure::{Alarm, Failure, Moment};
use ejf::client::review;
use ejf::credential::encoding::{Blob, Bytes, sha256};
use ejf::credential::jcs::canonical_unsigned;
use ejf::credential::ledger::Ledger;
use ejf::credential::manifest::{Log, Manifest, digest_words};
use ejf::credential::signing::{public_key, sign};
use openssl::bn::BigNum;
use openssl::rsa::Rsa;

use crate::round::{
    ALMA, BOLAT_ASSIGNMENT, doc_key, keys, log_key, manifest, note, subject_key, while_submitting, words,
};
use crate::servers::{Servers, Side, assignment, keep_empty};

use Lie::{Collecting, CollectingAgain, Manifested, Printed, Submitting};

/// Where the lie is told.
pub enum Lie {
    /// In the manifest itself, of which the order prints the true digest.
    Manifested(fn(&mut Manifest)),
    /// In the order, or by the servers to a reviewer who typed the order's digest.
    Printed,
    /// By the servers while credentials are collected.
    Collecting(fn(&Servers)),
    /// The same, in a second collection with the same card.
    CollectingAgain(fn(&Servers)),
    /// By the servers while a review is to be sent.
    Submitting(fn(&Servers)),
}

/// Which of the design's variants it belongs to, what is done, and the alarm it must raise.
pub const VARIANTS: &[(&str, &str, Lie, Alarm)] = &[
    ("K-1", "one judge's own key signs", Collecting(|s| sign_with(s, 2)), Alarm::CredentialInvalid),
    (
        "K-2",
        "the registry shows another manifest",
        Collecting(|s| s.serve_on(Side::Registry, &other())),
        Alarm::SplitView,
    ),
    ("K-2", "the box shows another manifest", Collecting(|s| s.serve_on(Side::Box, &other())), Alarm::SplitView),
    ("K-2", "the listeners show different notes", Collecting(|s| set_note(s, &[true])), Alarm::SplitView),
    ("K-2", "the box signed another manifest", Collecting(|s| set_note(s, &[true, false])), Alarm::NoteInvalid),
    ("K-2", "both show another manifest than was printed", Printed, Alarm::DigestDiffers),
    ("K-2", "a second manifest is printed too", CollectingAgain(serve_other), Alarm::SecondDigest),
    ("K-2", "a second manifest at the time of sending", Submitting(serve_other), Alarm::SecondDigest),
    ("K-2", "a manifest in another writing", Collecting(add_space), Alarm::ManifestUnreadable),
    ("K-2", "a manifest of another round", Manifested(of_round_2), Alarm::OtherRound),
    ("K-2", "a form of the reviewer's own", Collecting(reword), Alarm::MethodologyDiffers),
    (
        "K-3",
        "one key for two subjects",
        Manifested(|m| m.subjects[1].keys = m.subjects[0].keys.clone()),
        Alarm::DuplicateKey,
    ),
    ("K-3", "a subject without a key", Manifested(|m| m.subjects[0].keys.clear()), Alarm::KeyCount),
    ("K-3", "two keys of one issuer", Manifested(add_key), Alarm::KeyCount),
    (
        "K-3",
        "a key of a stranger",
        Manifested(|m| m.subjects[0].keys[0].issuer_id = "other".to_owned()),
        Alarm::KeyCount,
    ),
    (
        "K-3",
        "a key under another's name",
        Manifested(|m| m.subjects[0].keys[0].key_id = Bytes([9; 32])),
        Alarm::KeyIdMismatch,
    ),
    ("K-4", "the exponent 3", Manifested(|m| set_key(m, modulus(), 3)), Alarm::WeakKey),
    ("K-4", "an even modulus", Manifested(|m| set_key(m, changed(|n| n.sub_word(1).unwrap()), 65537)), Alarm::WeakKey),
    ("K-4", "a modulus of 2048 bits", Manifested(|m| set_key(m, short(), 65537)), Alarm::WeakKey),
    (
        "K-4",
        "a modulus of 3074 bits",
        Manifested(|m| set_key(m, changed(|n| n.mul_word(3).unwrap()), 65537)),
        Alarm::WeakKey,
    ),
    (
        "K-4",
        "a modulus with the factor 1999",
        Manifested(|m| set_key(m, changed(make_multiple), 65537)),
        Alarm::WeakKey,
    ),
    ("K-4", "bytes that are no key", Manifested(|m| set_spki(m, b"no key".to_vec())), Alarm::UnreadableKey),
    ("K-5", "another subject's valid key signs", Collecting(|s| sign_with(s, 1)), Alarm::CredentialInvalid),
    ("K-6", "issued_min 1", Manifested(|m| m.issued_min = 1), Alarm::IssuedMin),
    ("K-6", "issued_min 5", Manifested(|m| m.issued_min = 5), Alarm::IssuedMin),
    ("K-6", "issued_min above the panel", Manifested(|m| m.issued_min = 15), Alarm::IssuedMin),
    ("K-6", "an assignment outside the manifest", Collecting(|s| assign(s, Bytes([9; 16]))), Alarm::AssignmentStrange),
    ("K-6", "one subject assigned twice", Collecting(|s| assign(s, ALMA)), Alarm::AssignmentStrange),
    ("K-6", "one judge under two subjects", Collecting(|s| rename(s, "Алма Сейітова")), Alarm::AssignmentStrange),
    ("K-7", "one credential issued, the gate said open", Submitting(|s| s.publish_ledger(1)), Alarm::GateClosed),
    ("K-7", "one credential too few", Submitting(|s| s.publish_ledger(11)), Alarm::GateClosed),
    ("K-7", "more credentials than reviewers", Submitting(overfill_ledger), Alarm::LedgerInvalid),
    ("K-7", "no ledger", Submitting(|s| s.state().ledgers.clear()), Alarm::GateClosed),
    ("K-7", "a ledger without the own entry", Submitting(|s| s.publish_foreign_ledger(12)), Alarm::EntryMissing),
    ("K-7", "a ledger that its issuer did not sign", Submitting(forge_ledger), Alarm::LedgerInvalid),
];

#[actix_web::test]
async fn every_lie_is_refused_with_its_alarm_and_nothing_is_sent_after_it() {
    let mut refused_count = 0;
    for (id, what, lie, expected) in VARIANTS {
        let (servers, raised, moment) = tell(lie).await;
        match raised {
            Failure::Alarm(alarm) => assert_eq!(alarm, *expected, "{id}: {what}"),
            other => panic!("{id}: {what}: {other}"),
        }
        let requests = servers.bodies("/v1/me/credentials").len();
        let asked_before = usize::from(matches!(lie, CollectingAgain(_) | Submitting(_)));
        let asked_for_the_lie = usize::from(*expected == Alarm::CredentialInvalid);
        assert_eq!(requests, asked_before + asked_for_the_lie, "{id}: {what}");
        // What the reviewer is told of it: whether requests have gone out, and that no review has.
        let truth = if requests == 0 { Moment::Before } else { Moment::Collecting };
        assert_eq!(moment, truth, "{id}: {what}");
        assert!(servers.bodies("/v1/anon/reviews").is_empty(), "{id}: {what}");
        refused_count += 1;
    }
    for id in ["K-1", "K-2", "K-3", "K-4", "K-5", "K-6", "K-7"] {
        assert!(VARIANTS.iter().any(|(of, ..)| *of == id), "{id}");
    }
    eprintln!("hostile-issuer variants refused: {refused_count} of {}", VARIANTS.len());
}

/// Tells one lie to a reviewer, and gives the servers with what reached them, the reason why it ended, and how far things
/// had gone by her card.
async fn tell(lie: &Lie) -> (Servers, Failure, Moment) {
    let mut told = manifest();
    if let Manifested(change) = lie {
        change(&mut told);
    }
    let servers = Servers::with(&told).await;
    let mut held = Held::in_memory();
    match lie {
        Manifested(_) => {}
        Printed => {
            let printed = digest_words(&Bytes([7; 32]));
            let ended = servers.collect_under(&printed, &mut held).await.unwrap_err();
            return (servers, ended, Moment::of(held.card()));
        }
        Collecting(act) => act(&servers),
        CollectingAgain(act) => {
            servers.collect(&mut held).await.unwrap();
            servers.state().assignments[0]["state"] = serde_json::json!("drawn");
            act(&servers);
            let ended = servers.collect_under(&words(&other()), &mut held).await.unwrap_err();
            return (servers, ended, Moment::of(held.card()));
        }
        Submitting(act) => {
            servers.collect(&mut held).await.unwrap();
            servers.publish_ledger(12);
            act(&servers);
            keep_empty(&mut held, &ALMA);
            let ended = review::send(&servers.places.ballot_box, &mut held, &ALMA, while_submitting()).await;
            assert!(held.card().unwrap().subject(&ALMA).unwrap().versions.is_empty());
            return (servers, ended.unwrap_err(), Moment::of(held.card()));
        }
    }
    let ended = servers.collect_under(&words(&told), &mut held).await.unwrap_err();
    (servers, ended, Moment::of(held.card()))
}

#[actix_web::test]
async fn what_another_key_signed_is_thrown_away_and_never_asked_for_again() {
    let servers = Servers::honest().await;
    sign_with(&servers, 2);
    let mut held = Held::in_memory();
    servers.collect(&mut held).await.unwrap_err();
    let card = held.card().unwrap();
    assert!(!card.subject(&ALMA).unwrap().is_ready() && card.subject(&crate::round::BOLAT).unwrap().is_ready());
    servers.state().assignments[0]["state"] = serde_json::json!("drawn");
    servers.collect(&mut held).await.unwrap();
    assert_eq!(servers.bodies("/v1/me/credentials").len(), 1);
}

#[actix_web::test]
async fn once_a_review_is_out_no_alarm_says_that_nothing_was_sent() {
    type Act = fn(&Servers);
    let lies: [Act; 3] = [serve_other, |servers| set_note(servers, &[true]), |servers| servers.publish_ledger(1)];
    for lie in lies {
        let (servers, mut held) = (Servers::honest().await, Held::in_memory());
        servers.collect(&mut held).await.unwrap();
        servers.publish_ledger(12);
        keep_empty(&mut held, &ALMA);
        review::send(&servers.places.ballot_box, &mut held, &ALMA, while_submitting()).await.unwrap();
        assert_eq!(Moment::of(held.card()), Moment::Sending);
        lie(&servers);
        keep_empty(&mut held, &crate::round::BOLAT);
        let ended = review::send(&servers.places.ballot_box, &mut held, &crate::round::BOLAT, while_submitting()).await;
        assert!(matches!(ended, Err(Failure::Alarm(_))), "{ended:?}");
        assert_eq!(Moment::of(held.card()), Moment::Sending);
    }
}

/// An honest manifest, but not the one in force.
pub fn other() -> Manifest {
    let mut other = manifest();
    other.client_hashes.push(Bytes([1; 32]));
    other
}

fn serve_other(servers: &Servers) {
    servers.serve_on(Side::Registry, &other());
    servers.serve_on(Side::Box, &other());
}

fn sign_with(servers: &Servers, key: usize) {
    servers.state().signers.insert(keys()[0].public().key_id(), &keys()[key]);
}

fn set_note(servers: &Servers, sides: &[bool]) {
    for is_box in sides {
        servers.state().notes.insert(*is_box, note(&other()));
    }
}

fn add_space(servers: &Servers) {
    for bytes in servers.state().manifests.values_mut() {
        bytes.push(b'\n');
    }
}

fn reword(servers: &Servers) {
    servers.state().methodology.lead.en = Some("Whom do you not like?".to_owned());
}

fn of_round_2(manifest: &mut Manifest) {
    manifest.round = 2;
    manifest.log = Log::new("sjc.example/box", &manifest.cycle_ref, 2, &public_key(&log_key())).unwrap();
}

fn add_key(manifest: &mut Manifest) {
    manifest.subjects[0].keys.push(subject_key("council", keys()[2].public()));
}

fn assign(servers: &Servers, subject_ref: Bytes<16>) {
    servers.state().assignments[1] = assignment(BOLAT_ASSIGNMENT, subject_ref, "Болат Ахметов");
}

fn rename(servers: &Servers, name: &str) {
    servers.state().assignments[1] = assignment(BOLAT_ASSIGNMENT, crate::round::BOLAT, name);
}

#[actix_web::test]
async fn a_subject_that_gets_another_judges_name_is_an_alarm() {
    let servers = Servers::honest().await;
    let mut held = Held::in_memory();
    servers.collect(&mut held).await.unwrap();
    rename(&servers, "Ержан Оспанов");
    let refused = servers.collect(&mut held).await;
    assert!(matches!(refused, Err(Failure::Alarm(Alarm::AssignmentStrange))), "{refused:?}");
}

fn forge_ledger(servers: &Servers) {
    let honest = String::from_utf8(servers.state().ledgers["council"].clone()).unwrap();
    let forged = honest.replacen("\"generation\":0", "\"generation\":1", 1);
    assert_ne!(honest, forged);
    servers.state().ledgers.insert("council".to_owned(), forged.into_bytes());
}

/// The honest program builds no such ledger, so this signs one by hand.
fn overfill_ledger(servers: &Servers) {
    servers.publish_ledger(14);
    let mut ledger = Ledger::parse(&servers.state().ledgers["council"]).unwrap();
    ledger.subjects[0].entries.push(Bytes([0xff; 32]));
    ledger.sig = sign(&doc_key(), &[b"EJF-LEDGER-v1\0", &canonical_unsigned(&ledger).unwrap()]);
    servers.state().ledgers.insert("council".to_owned(), ledger.to_bytes().unwrap());
}

fn modulus() -> BigNum {
    Rsa::public_key_from_der(keys()[0].public().spki_der()).unwrap().n().to_owned().unwrap()
}

fn changed(change: fn(&mut BigNum)) -> BigNum {
    let mut n = modulus();
    change(&mut n);
    n
}

fn short() -> BigNum {
    Rsa::generate(2048).unwrap().n().to_owned().unwrap()
}

/// The next odd multiple of 1999 below.
fn make_multiple(n: &mut BigNum) {
    let surplus = u32::try_from(n.mod_word(1999).unwrap()).unwrap();
    n.sub_word(surplus).unwrap();
    if !n.is_odd() {
        n.sub_word(1999).unwrap();
    }
}

fn set_key(manifest: &mut Manifest, n: BigNum, e: u32) {
    let rsa = Rsa::from_public_components(n, BigNum::from_u32(e).unwrap()).unwrap();
    set_spki(manifest, rsa.public_key_to_der().unwrap());
}

fn set_spki(manifest: &mut Manifest, spki: Vec<u8>) {
    manifest.subjects[0].keys[0].key_id = sha256(&[&spki]);
    manifest.subjects[0].keys[0].spki = Blob(spki);
}
