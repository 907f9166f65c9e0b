//! After the seal: what the signed list must be, a receipt whose leaf is missing, the complaint, and two issuers from the
//! first request to the last check.

use ejf::client::card::Held;
use ejf::client::failure::{Alarm, Failure, Idle, Result};
use ejf::client::review;
use ejf::client::sealed::{FinalCheck, Verdict, check, complain};
use ejf::credential::encoding::{Bytes, Ref};
use ejf::credential::manifest::Manifest;
use ejf::credential::receipt::Receipt;

use crate::round::{ALMA, BOLAT, CYCLE, manifest, receipt_key, two_issuers, while_submitting, words};
use crate::servers::{Servers, Side, keep_empty};

async fn sent(manifest: &Manifest, subjects: &[Ref]) -> (Servers, Held) {
    let servers = Servers::with(manifest).await;
    let mut held = Held::in_memory();
    servers.state().assignments.truncate(manifest.subjects.len());
    servers.collect_under(&words(manifest), &mut held).await.unwrap();
    servers.publish_ledger(12);
    for subject_ref in subjects {
        keep_empty(&mut held, subject_ref);
        review::send(&servers.places.ballot_box, &mut held, subject_ref, while_submitting()).await.unwrap();
    }
    (servers, held)
}

async fn checked(servers: &Servers, held: &mut Held) -> Result<FinalCheck> {
    check(&servers.places, held).await
}

fn receipt(held: &Held, subject_ref: &Ref) -> Receipt {
    held.card().unwrap().subject(subject_ref).unwrap().versions[0].receipt.clone().unwrap()
}

#[actix_web::test]
async fn every_receipt_is_found_in_the_sealed_list() {
    let (servers, mut held) = sent(&manifest(), &[ALMA, BOLAT]).await;
    assert!(matches!(checked(&servers, &mut held).await, Err(Failure::Idle(Idle::NotSealed))));
    servers.seal_without(&[]);
    servers.state().seen.clear();
    let found = checked(&servers, &mut held).await.unwrap();
    assert_eq!((found.leaf_count, found.found_count, found.missing.len(), found.unreceipted.len()), (22, 2, 0, 0));
    assert!(held.card().unwrap().checked_root.is_some());
    for request in &servers.state().seen {
        assert!(request.path.starts_with("/v1/public/") && !request.headers.contains_key("authorization"));
    }
}

#[actix_web::test]
async fn a_missing_leaf_is_told_with_the_receipt_that_proves_it() {
    let (servers, mut held) = sent(&manifest(), &[ALMA, BOLAT]).await;
    let (lost, kept) = (receipt(&held, &ALMA), receipt(&held, &BOLAT));
    servers.seal_without(&[lost.leaf]);
    let found = checked(&servers, &mut held).await.unwrap();
    assert_eq!((found.found_count, found.missing), (1, vec![lost.clone()]));
    assert!(held.card().unwrap().checked_root.is_none());

    servers.state().seen.clear();
    let place = &servers.places.ballot_box;
    assert_eq!(complain(place, &lost).await.unwrap(), Verdict::Recorded);
    assert_eq!(complain(place, &kept).await.unwrap(), Verdict::LeafPresent);
    let mut forged = Receipt::sign(&receipt_key(), &CYCLE, 1, &Bytes([9; 32]));
    forged.rsig.0[0] ^= 1;
    assert_eq!(complain(place, &forged).await.unwrap(), Verdict::NoProof);
    let seen = servers.state().seen.clone();
    let peers: std::collections::HashSet<_> = seen.iter().map(|request| &request.peer).collect();
    assert_eq!(peers.len(), 3);
    for request in &seen {
        assert_eq!((request.path.as_str(), request.body.len()), ("/v1/anon/complaints", 8192));
        for name in request.headers.keys() {
            assert!(["accept", "content-length", "content-type", "host"].contains(&name.as_str()), "{name}");
        }
    }
}

#[actix_web::test]
async fn a_review_without_a_receipt_is_looked_for_as_well() {
    let (servers, mut held) = sent(&manifest(), &[]).await;
    for (subject_ref, is_taken) in [(ALMA, true), (BOLAT, false)] {
        keep_empty(&mut held, &subject_ref);
        servers.state().is_cut = true;
        review::send(&servers.places.ballot_box, &mut held, &subject_ref, while_submitting()).await.unwrap_err();
        let epk = held.card().unwrap().subject(&subject_ref).unwrap().epk;
        if !is_taken {
            servers.state().leaves.remove(&epk);
        }
    }
    servers.seal_without(&[]);
    let found = checked(&servers, &mut held).await.unwrap();
    assert_eq!(found.unreceipted, [("Алма Сейітова".to_owned(), true), ("Болат Ахметов".to_owned(), false)]);
}

#[actix_web::test]
async fn a_seal_that_differs_between_the_listeners_or_is_not_what_was_signed_is_an_alarm() {
    type Lie = fn(&Servers);
    let lies: [(Lie, Alarm); 7] = [
        // Another leaf in the place of one: as many, and in order.
        (|servers| edit(servers, &[true, false], |_, leaves| *leaves.last_mut().unwrap() ^= 1), Alarm::SealInvalid),
        (|servers| edit(servers, &[true], |_, leaves| leaves.truncate(leaves.len() - 32)), Alarm::SplitView),
        (|servers| edit(servers, &[false], |checkpoint, _| checkpoint.push('\n')), Alarm::SplitView),
        (|servers| edit(servers, &[true, false], |_, leaves| leaves.truncate(leaves.len() - 32)), Alarm::SealInvalid),
        (|servers| edit(servers, &[true, false], |_, leaves| leaves.rotate_left(32)), Alarm::SealInvalid),
        (|servers| edit(servers, &[true, false], |_, leaves| leaves.push(0)), Alarm::SealInvalid),
        (
            |servers| edit(servers, &[true, false], |checkpoint, _| *checkpoint = checkpoint.replacen("22", "21", 1)),
            Alarm::SealInvalid,
        ),
    ];
    for (lie, expected) in lies {
        let (servers, mut held) = sent(&manifest(), &[ALMA, BOLAT]).await;
        servers.seal_without(&[]);
        lie(&servers);
        match checked(&servers, &mut held).await {
            Err(Failure::Alarm(alarm)) => assert_eq!(alarm, expected),
            other => panic!("no alarm but {other:?}"),
        }
        assert!(held.card().unwrap().checked_root.is_none());
    }
}

fn edit(servers: &Servers, sides: &[bool], change: fn(&mut String, &mut Vec<u8>)) {
    for is_box in sides {
        let mut state = servers.state();
        let (checkpoint, leaves) = state.seals.get_mut(is_box).unwrap();
        change(checkpoint, leaves);
    }
}

#[actix_web::test]
async fn with_two_issuers_both_sign_both_ledgers_are_read_and_the_review_is_found() {
    let two = two_issuers();
    let (servers, mut held) = sent(&two, &[ALMA]).await;
    let request: serde_json::Value = serde_json::from_slice(&servers.bodies("/v1/me/credentials")[0]).unwrap();
    assert_eq!(request["requests"].as_array().unwrap().len(), 2);
    let subject = held.card().unwrap().subject(&ALMA).unwrap();
    let issuers: Vec<_> = subject.credentials.iter().map(|held| held.issuer_id.as_str()).collect();
    assert_eq!(issuers, ["council", "bar"]);
    let review = &subject.versions[0].review;
    assert_eq!(review.credentials.len(), 2);
    for path in ["ledger/council", "ledger/bar"] {
        assert!(servers.state().seen.iter().any(|seen| seen.side == Side::Box && seen.path.ends_with(path)), "{path}");
    }
    servers.seal_without(&[]);
    assert_eq!(checked(&servers, &mut held).await.unwrap().found_count, 1);
}

#[actix_web::test]
async fn one_of_two_issuers_can_neither_close_its_eyes_nor_sign_for_the_other() {
    let two = two_issuers();
    let bar = crate::round::keys()[2].public().key_id();
    // It signs under another key than its own.
    let servers = Servers::with(&two).await;
    servers.state().assignments.truncate(1);
    servers.state().signers.insert(bar, &crate::round::keys()[0]);
    let refused = servers.collect_under(&words(&two), &mut Held::in_memory()).await;
    assert!(matches!(refused, Err(Failure::Alarm(Alarm::CredentialInvalid))), "{refused:?}");
    // It publishes no ledger, or one without the reviewer's entry.
    for lie in [
        |servers: &Servers| drop(servers.state().ledgers.remove("bar")),
        |servers: &Servers| {
            let council = servers.state().ledgers["council"].clone();
            servers.publish_foreign_ledger(12);
            servers.state().ledgers.insert("council".to_owned(), council);
        },
    ] {
        let (servers, mut held) = sent(&two, &[]).await;
        lie(&servers);
        keep_empty(&mut held, &ALMA);
        let refused = review::send(&servers.places.ballot_box, &mut held, &ALMA, while_submitting()).await;
        let expected = [Alarm::GateClosed, Alarm::EntryMissing];
        assert!(matches!(refused, Err(Failure::Alarm(alarm)) if expected.contains(&alarm)), "{refused:?}");
        assert!(servers.bodies("/v1/anon/reviews").is_empty());
    }
}

#[actix_web::test]
async fn another_ledger_than_the_one_a_review_was_sent_by_is_an_alarm_when_it_is_revised_and_when_it_is_checked() {
    type Lie = fn(&Servers);
    // Credentials added after the fact, which hold by themselves; and a ledger that is shown no more.
    let lies: [Lie; 2] = [|servers| servers.publish_ledger(13), |servers| servers.state().ledgers.clear()];
    for lie in lies {
        let (servers, mut held) = sent(&manifest(), &[ALMA]).await;
        let met = &held.card().unwrap().ledgers;
        assert_eq!((met.len(), met[0].issuer_id.as_str(), met[0].generation), (1, "council", 0));
        servers.seal_without(&[]);
        assert_eq!(checked(&servers, &mut held).await.unwrap().found_count, 1);
        lie(&servers);
        let found = checked(&servers, &mut held).await;
        assert!(matches!(found, Err(Failure::Alarm(Alarm::SecondLedger))), "{found:?}");
    }
    let (servers, mut held) = sent(&manifest(), &[ALMA]).await;
    servers.publish_ledger(13);
    keep_empty(&mut held, &BOLAT);
    let refused = review::send(&servers.places.ballot_box, &mut held, &BOLAT, while_submitting()).await;
    assert!(matches!(refused, Err(Failure::Alarm(Alarm::SecondLedger))), "{refused:?}");
    assert_eq!(servers.bodies("/v1/anon/reviews").len(), 1);
}
