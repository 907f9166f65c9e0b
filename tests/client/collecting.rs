//! Phase 1: what an honest registry gives, and K-1 to K-6 of the design's section 14, after which nothing was sent.

use ejf::client::card::Held;
use ejf::client::failure::{Alarm, Failure, Idle, Result};
use ejf::client::peer::{Collected, Login, collect};
use ejf::client::sealed_file::Kdf;
use ejf::credential::encoding::{Blob, Bytes, sha256};
use ejf::credential::manifest::{Manifest, digest_words};
use ejf::error::Code;
use openssl::bn::BigNum;
use openssl::rsa::Rsa;
use serde_json::json;

use crate::round::{ALMA, BOLAT, BOLAT_ASSIGNMENT, issuer, keys, manifest, subject_key, words};
use crate::servers::{Servers, Side, assignment};

const PASSPHRASE: &str = "seven quiet rivers under snow";

fn alarm(outcome: Result<Collected>) -> Alarm {
    match outcome {
        Err(Failure::Alarm(alarm)) => alarm,
        other => panic!("no alarm but {other:?}"),
    }
}

/// The alarm raised by a manifest whose digest is the printed one; nothing may have been asked for.
async fn alarm_of(change: impl FnOnce(&mut Manifest)) -> Alarm {
    let mut hostile = manifest();
    change(&mut hostile);
    let servers = Servers::with(&hostile).await;
    let mut held = Held::in_memory();
    let alarm = alarm(servers.collect_under(&words(&hostile), &mut held).await);
    assert!(servers.bodies("/v1/me/credentials").is_empty());
    assert!(held.card().is_none());
    alarm
}

#[actix_web::test]
async fn an_honest_registry_issues_for_every_assignment_in_one_request() {
    let servers = Servers::honest().await;
    let mut held = Held::in_memory();
    let collected = servers.collect(&mut held).await.unwrap();
    assert_eq!(collected, Collected { fresh_count: 2, ready_count: 2 });
    let bodies = servers.bodies("/v1/me/credentials");
    assert_eq!(bodies.len(), 1);
    let request: serde_json::Value = serde_json::from_slice(&bodies[0]).unwrap();
    assert_eq!(request["requests"].as_array().unwrap().len(), 2);
    let card = held.card().unwrap();
    assert!(card.subject(&ALMA).unwrap().is_ready() && card.subject(&BOLAT).unwrap().is_ready());
    // Nothing that joins request and credential is left.
    let text = serde_json::to_string(card).unwrap();
    assert!(!text.contains("\"inv\"") && !text.contains("\"pending\"") && !text.contains("blinded_msg"));
}

#[actix_web::test]
async fn the_box_is_shown_no_token_and_no_request_identifies_its_program() {
    let servers = Servers::honest().await;
    servers.collect(&mut Held::in_memory()).await.unwrap();
    let seen = servers.state().seen.clone();
    for request in &seen {
        assert!(!request.headers.contains_key("user-agent") && !request.headers.contains_key("cookie"));
        let needs_token = request.path.starts_with("/v1/me/");
        assert_eq!(request.headers.contains_key("authorization"), needs_token, "{}", request.path);
    }
    assert!(seen.iter().any(|request| request.side == Side::Box));
}

#[actix_web::test]
async fn collecting_again_asks_for_nothing() {
    let servers = Servers::honest().await;
    let mut held = Held::in_memory();
    servers.collect(&mut held).await.unwrap();
    let again = servers.collect(&mut held).await.unwrap();
    assert_eq!(again, Collected { fresh_count: 0, ready_count: 2 });
    assert_eq!(servers.bodies("/v1/me/credentials").len(), 1);
}

#[actix_web::test]
async fn an_assignment_out_of_the_reserve_is_collected_later_without_the_others() {
    let servers = Servers::honest().await;
    let mut held = Held::in_memory();
    let reserve = servers.state().assignments.pop().unwrap();
    servers.collect(&mut held).await.unwrap();
    servers.state().assignments.push(reserve);
    assert_eq!(servers.collect(&mut held).await.unwrap(), Collected { fresh_count: 1, ready_count: 2 });
    let last: serde_json::Value = serde_json::from_slice(&servers.bodies("/v1/me/credentials")[1]).unwrap();
    assert_eq!(last["requests"].as_array().unwrap().len(), 1);
    assert_eq!(last["requests"][0]["assignment_id"], BOLAT_ASSIGNMENT);
}

#[actix_web::test]
async fn a_card_in_a_file_sends_the_same_bytes_after_a_cut() {
    let servers = Servers::honest().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card.json");
    let mut held = Held::create(&path, PASSPHRASE, Kdf::Pbkdf2Sha512).unwrap();
    servers.state().is_cut = true;
    assert!(matches!(servers.collect(&mut held).await, Err(Failure::Unreachable(_))));
    // The process is gone; only the file is left.
    drop(held);
    servers.state().is_cut = false;
    let mut held = Held::open(&path, PASSPHRASE).unwrap();
    assert_eq!(servers.collect(&mut held).await.unwrap(), Collected { fresh_count: 2, ready_count: 2 });
    let bodies = servers.bodies("/v1/me/credentials");
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
    let reread = Held::open(&path, PASSPHRASE).unwrap();
    assert!(reread.card().unwrap().credentials.iter().all(ejf::client::card::CardSubject::is_ready));
}

#[actix_web::test]
async fn every_issuer_of_the_list_must_sign() {
    let mut two = manifest();
    two.issuers.push(issuer("bar"));
    two.subjects.truncate(1);
    two.subjects[0].keys.push(subject_key("bar", keys()[2].public()));
    let servers = Servers::with(&two).await;
    servers.state().assignments.truncate(1);
    let mut held = Held::in_memory();
    servers.collect_under(&words(&two), &mut held).await.unwrap();
    let subject = held.card().unwrap().subject(&ALMA).unwrap();
    let issuers: Vec<_> = subject.credentials.iter().map(|held| held.issuer_id.as_str()).collect();
    assert_eq!(issuers, ["council", "bar"]);
}

#[actix_web::test]
async fn k_1_a_key_of_one_judge_alone_is_refused_and_the_credential_thrown_away() {
    let servers = Servers::honest().await;
    servers.state().signers.insert(keys()[0].public().key_id(), &keys()[2]);
    let mut held = Held::in_memory();
    assert_eq!(alarm(servers.collect(&mut held).await), Alarm::CredentialInvalid);
    let card = held.card().unwrap();
    assert!(!card.subject(&ALMA).unwrap().is_ready() && card.subject(&BOLAT).unwrap().is_ready());
    // And it is never asked for again, under this key or any other.
    servers.state().assignments[0]["state"] = json!("drawn");
    servers.collect(&mut held).await.unwrap();
    assert_eq!(servers.bodies("/v1/me/credentials").len(), 1);
}

#[actix_web::test]
async fn k_2_a_manifest_that_differs_between_the_listeners_is_refused() {
    for side in [Side::Registry, Side::Box] {
        let servers = Servers::honest().await;
        let mut other = manifest();
        other.client_hashes.push(Bytes([1; 32]));
        servers.serve_on(side, &other);
        assert_eq!(alarm(servers.collect(&mut Held::in_memory()).await), Alarm::SplitView);
        assert!(servers.bodies("/v1/me/credentials").is_empty());
    }
}

#[actix_web::test]
async fn k_2_a_manifest_with_another_digest_than_the_printed_one_is_refused() {
    let servers = Servers::honest().await;
    let printed = digest_words(&Bytes([7; 32]));
    assert_eq!(alarm(servers.collect_under(&printed, &mut Held::in_memory()).await), Alarm::DigestDiffers);
    assert!(servers.bodies("/v1/me/credentials").is_empty());
}

#[actix_web::test]
async fn k_2_a_second_manifest_for_a_card_is_refused_even_if_printed() {
    let servers = Servers::honest().await;
    let mut held = Held::in_memory();
    servers.collect(&mut held).await.unwrap();
    let mut second = manifest();
    second.client_hashes.push(Bytes([1; 32]));
    servers.serve_on(Side::Registry, &second);
    servers.serve_on(Side::Box, &second);
    servers.state().assignments[0]["state"] = json!("drawn");
    assert_eq!(alarm(servers.collect_under(&words(&second), &mut held).await), Alarm::SecondDigest);
    assert_eq!(servers.bodies("/v1/me/credentials").len(), 1);
}

#[actix_web::test]
async fn a_note_that_the_box_did_not_sign_is_refused() {
    let servers = Servers::honest().await;
    let mut other = manifest();
    other.client_hashes.push(Bytes([1; 32]));
    let foreign = crate::round::note(&other);
    for is_box in [true, false] {
        servers.state().notes.insert(is_box, foreign.clone());
    }
    assert_eq!(alarm(servers.collect(&mut Held::in_memory()).await), Alarm::NoteInvalid);
    assert!(servers.bodies("/v1/me/credentials").is_empty());
}

#[actix_web::test]
async fn a_manifest_with_spaces_or_of_another_round_is_refused() {
    let servers = Servers::honest().await;
    let mut spaced = manifest().to_bytes().unwrap();
    spaced.push(b'\n');
    for is_box in [true, false] {
        servers.state().manifests.insert(is_box, spaced.clone());
    }
    assert_eq!(alarm(servers.collect(&mut Held::in_memory()).await), Alarm::ManifestUnreadable);
    let log_key = ejf::credential::signing::public_key(&crate::round::log_key());
    let other = alarm_of(|manifest| {
        manifest.round = 2;
        manifest.log =
            ejf::credential::manifest::Log::new("sjc.example/box", &manifest.cycle_ref, 2, &log_key).unwrap();
    });
    assert_eq!(other.await, Alarm::OtherRound);
}

#[actix_web::test]
async fn k_3_doubled_missing_and_misnamed_keys_are_refused() {
    assert_eq!(alarm_of(|m| m.subjects[1].keys = m.subjects[0].keys.clone()).await, Alarm::DuplicateKey);
    assert_eq!(alarm_of(|m| m.subjects[0].keys.clear()).await, Alarm::KeyCount);
    assert_eq!(alarm_of(|m| m.subjects[0].keys[0].key_id = Bytes([9; 32])).await, Alarm::KeyIdMismatch);
    let two = |m: &mut Manifest| m.subjects[0].keys.push(subject_key("council", keys()[2].public()));
    assert_eq!(alarm_of(two).await, Alarm::KeyCount);
}

#[actix_web::test]
async fn k_4_unsound_keys_are_refused() {
    let modulus = || Rsa::public_key_from_der(keys()[0].public().spki_der()).unwrap().n().to_owned().unwrap();
    let mut even = modulus();
    even.sub_word(1).unwrap();
    let short = Rsa::generate(2048).unwrap().n().to_owned().unwrap();
    for (n, e) in [(modulus(), 3), (even, 65537), (short, 65537)] {
        let rsa = Rsa::from_public_components(n, BigNum::from_u32(e).unwrap()).unwrap();
        let spki = rsa.public_key_to_der().unwrap();
        let weak = |m: &mut Manifest| {
            m.subjects[0].keys[0].key_id = sha256(&[&spki]);
            m.subjects[0].keys[0].spki = Blob(spki.clone());
        };
        assert_eq!(alarm_of(weak).await, Alarm::WeakKey);
    }
    let unreadable = |m: &mut Manifest| {
        m.subjects[0].keys[0].key_id = sha256(&[b"no key"]);
        m.subjects[0].keys[0].spki = Blob(b"no key".to_vec());
    };
    assert_eq!(alarm_of(unreadable).await, Alarm::UnreadableKey);
}

#[actix_web::test]
async fn k_5_a_signature_under_the_valid_key_of_another_subject_is_refused() {
    let servers = Servers::honest().await;
    servers.state().signers.insert(keys()[0].public().key_id(), &keys()[1]);
    assert_eq!(alarm(servers.collect(&mut Held::in_memory()).await), Alarm::CredentialInvalid);
}

#[actix_web::test]
async fn k_6_an_issued_min_of_one_is_refused() {
    for issued_min in [1, 5, 15] {
        assert_eq!(alarm_of(|m| m.issued_min = issued_min).await, Alarm::IssuedMin);
    }
}

#[actix_web::test]
async fn an_answer_that_leaves_one_out_is_refused_and_may_be_asked_for_again() {
    let servers = Servers::honest().await;
    servers.state().is_answer_short = true;
    let mut held = Held::in_memory();
    assert_eq!(alarm(servers.collect(&mut held).await), Alarm::AnswerIncomplete);
    servers.state().is_answer_short = false;
    assert_eq!(servers.collect(&mut held).await.unwrap().ready_count, 2);
    let bodies = servers.bodies("/v1/me/credentials");
    assert_eq!(bodies[0], bodies[1]);
}

#[actix_web::test]
async fn an_assignment_of_an_unknown_subject_or_a_second_one_of_the_same_is_refused() {
    for subject_ref in [Bytes([9; 16]), ALMA] {
        let servers = Servers::honest().await;
        servers.state().assignments[1] = assignment(BOLAT_ASSIGNMENT, subject_ref, "Болат Ахметов");
        assert_eq!(alarm(servers.collect(&mut Held::in_memory()).await), Alarm::AssignmentStrange);
        assert!(servers.bodies("/v1/me/credentials").is_empty());
    }
}

#[actix_web::test]
async fn credentials_issued_to_another_card_are_told_as_such() {
    let servers = Servers::honest().await;
    servers.collect(&mut Held::in_memory()).await.unwrap();
    let second = servers.collect(&mut Held::in_memory()).await;
    assert!(matches!(second, Err(Failure::Idle(Idle::CollectedElsewhere))), "{second:?}");
}

#[actix_web::test]
async fn outside_the_window_nothing_is_asked_for() {
    let servers = Servers::honest().await;
    for (now, expected) in [("2027-01-31T18:59:59Z", Code::TooEarly), ("2027-02-10T19:00:00Z", Code::WindowClosed)] {
        let (login, mut held) = (Login::Token("token"), Held::in_memory());
        let outcome = collect(&servers.places, &login, &words(&manifest()), &mut held, now.parse().unwrap()).await;
        assert!(matches!(outcome, Err(Failure::Refused(code)) if code == expected), "{now}");
    }
    assert!(servers.bodies("/v1/me/credentials").is_empty());
}
