//! Phase 2: receipts, repeats and revisions, and K-7: what a server says of the gate is not believed.

use std::collections::{BTreeMap, BTreeSet};

use ejf::client::card::{Card, Held};
use ejf::client::draft::{Draft, example};
use ejf::client::failure::{Alarm, Failure, Idle, Result};
use ejf::client::review;
use ejf::credential::blind_rsa::IssuerKey;
use ejf::credential::encoding::{Blob, Bytes, to_base64url};
use ejf::credential::envelope::Envelope;
use ejf::credential::frozen::Frozen;
use ejf::credential::receipt::Receipt;
use ejf::credential::signing::public_key;
use ejf::error::{Code, Place, Rule};
use serde_json::{Value, json};

use crate::round::{
    ALMA, ALMA_ASSIGNMENT, BOLAT, BOLAT_ASSIGNMENT, CYCLE, keys, manifest, receipt_key, while_issuing, while_submitting,
};
use crate::servers::{Servers, Side};

const REVIEWS: &str = "/v1/anon/reviews";

/// A reviewer with a card, after the ledgers are published with this many entries.
async fn reviewer(issued_count: u8) -> (Servers, Held) {
    let servers = Servers::honest().await;
    let mut held = Held::in_memory();
    servers.collect(&mut held).await.unwrap();
    servers.publish_ledger(issued_count);
    servers.state().seen.clear();
    (servers, held)
}

fn draft(held: &Held, k1: Option<i64>) -> Draft {
    let marks = BTreeMap::from([("k1".to_owned(), k1), ("k2".to_owned(), None)]);
    Draft::new(held.card().unwrap(), ALMA, marks, vec!["s02".to_owned()]).unwrap()
}

async fn send(servers: &Servers, held: &mut Held, k1: i64) -> Result<Receipt> {
    let draft = draft(held, Some(k1));
    review::keep(held, draft).unwrap();
    review::send(&servers.places.ballot_box, held, &ALMA, while_submitting()).await
}

fn alarm(outcome: Result<Receipt>) -> Alarm {
    match outcome {
        Err(Failure::Alarm(alarm)) => alarm,
        other => panic!("no alarm but {other:?}"),
    }
}

#[actix_web::test]
async fn whoever_is_sent_elsewhere_goes_nowhere_and_keeps_the_review() {
    let (servers, mut held) = reviewer(12).await;
    let (elsewhere, registry) = (Servers::honest().await, servers.places.registry.clone());
    let kept = draft(&held, Some(4));
    review::keep(&mut held, kept).unwrap();
    let own = servers.places.ballot_box.clone();
    // Another server that would take the review, and the registry, where the reviewer has a name.
    for place in [elsewhere.places.ballot_box.clone(), registry.clone()] {
        servers.state().moved_to = Some(place);
        let refused = review::send(&own, &mut held, &ALMA, while_submitting()).await;
        assert!(matches!(&refused, Err(Failure::UnexpectedAnswer(from, 307)) if *from == own), "{refused:?}");
    }
    assert!(elsewhere.state().seen.is_empty());
    assert!(servers.state().seen.iter().all(|seen| seen.side == Side::Box));
    // What was kept is sent once the box answers for itself.
    servers.state().moved_to = None;
    let receipt = review::send(&own, &mut held, &ALMA, while_submitting()).await.unwrap();
    assert_eq!(held.card().unwrap().subject(&ALMA).unwrap().versions[0].receipt.as_ref(), Some(&receipt));
}

#[actix_web::test]
async fn a_log_in_that_is_sent_elsewhere_takes_its_password_nowhere() {
    let (servers, elsewhere) = (Servers::honest().await, Servers::honest().await);
    servers.state().moved_to = Some(elsewhere.places.registry.clone());
    assert!(servers.collect(&mut Held::in_memory()).await.is_err());
    assert!(!servers.state().seen.is_empty());
    assert!(elsewhere.state().seen.is_empty());
}

#[actix_web::test]
async fn a_review_gets_a_receipt_that_the_card_keeps() {
    let (servers, mut held) = reviewer(12).await;
    let receipt = send(&servers, &mut held, 4).await.unwrap();
    assert!(receipt.verify(&public_key(&receipt_key())));
    let version = &held.card().unwrap().subject(&ALMA).unwrap().versions[0];
    assert_eq!(version.receipt.as_ref(), Some(&receipt));
    assert_eq!(version.review.leaf().unwrap(), receipt.leaf);
    let bodies = servers.bodies(REVIEWS);
    assert_eq!(bodies.iter().map(Vec::len).collect::<Vec<_>>(), [8192]);
    assert_eq!(Envelope::parse_submission(&bodies[0]).unwrap(), version.review);
}

#[actix_web::test]
async fn submitting_speaks_to_the_box_alone_and_identifies_nothing() {
    let (servers, mut held) = reviewer(12).await;
    let entry = held.card().unwrap().subject(&ALMA).unwrap().credentials[0].entry.to_string();
    send(&servers, &mut held, 4).await.unwrap();
    send(&servers, &mut held, 3).await.unwrap();
    let seen = servers.state().seen.clone();
    let mut peers = std::collections::HashSet::new();
    for request in &seen {
        assert_eq!(request.side, Side::Box);
        for name in request.headers.keys() {
            assert!(["accept", "content-length", "content-type", "host"].contains(&name.as_str()), "{name}");
        }
        assert!(peers.insert(&request.peer), "a connection served two requests");
        let text = String::from_utf8_lossy(&request.body);
        assert!(!text.contains(&entry) && !text.contains(ALMA_ASSIGNMENT));
    }
}

/// Every text of a document that is long enough to name somebody.
fn words(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|inner| words(inner, found)),
        Value::Object(members) => members.values().for_each(|inner| words(inner, found)),
        Value::String(text) if text.len() >= 11 && text.bytes().any(|byte| byte != b'0') => {
            found.insert(text.clone());
        }
        _ => {}
    }
}

#[actix_web::test]
async fn no_review_shares_a_word_with_another_or_with_what_the_issuers_saw() {
    let mut seen: Vec<BTreeSet<String>> = Vec::new();
    for _ in 0..2 {
        // The same reviewer of the same subjects, who begins anew.
        let servers = Servers::honest().await;
        let mut held = Held::in_memory();
        servers.collect(&mut held).await.unwrap();
        let request: Value = serde_json::from_slice(&servers.bodies("/v1/me/credentials")[0]).unwrap();
        let mut of_issuers = BTreeSet::new();
        words(&request, &mut of_issuers);
        for asked in request["requests"].as_array().unwrap() {
            let blinded: Blob = serde_json::from_value(asked["blinded_msg"].clone()).unwrap();
            let is_its = |key: &&IssuerKey| json!(key.public().key_id()) == asked["key_id"];
            let signature = keys().iter().find(is_its).unwrap().blind_sign(&blinded.0).unwrap();
            of_issuers.insert(to_base64url(&signature));
        }
        seen.push(of_issuers);
        servers.publish_ledger(12);
        for subject_ref in [ALMA, BOLAT] {
            let marks = BTreeMap::from([("k1".to_owned(), Some(4)), ("k2".to_owned(), None)]);
            let draft = Draft::new(held.card().unwrap(), subject_ref, marks, vec!["s02".to_owned()]).unwrap();
            review::keep(&mut held, draft).unwrap();
            review::send(&servers.places.ballot_box, &mut held, &subject_ref, while_submitting()).await.unwrap();
        }
        for body in servers.bodies(REVIEWS) {
            let mut of_box = BTreeSet::new();
            words(&serde_json::from_slice(&body).unwrap(), &mut of_box);
            seen.push(of_box);
        }
    }

    let manifest = Frozen::new(manifest()).unwrap();
    // The assignments' ids are of the issuers' requests alone, by another test.
    let assignments = [ALMA_ASSIGNMENT, BOLAT_ASSIGNMENT].map(str::to_owned);
    let mut of_all = BTreeSet::from([manifest.digest().to_string(), CYCLE.to_string()]);
    of_all.extend(assignments);
    for subject in &manifest.manifest().subjects {
        of_all.insert(subject.subject_ref.to_string());
        of_all.extend(subject.keys.iter().map(|key| key.key_id.to_string()));
    }
    assert_eq!(seen.len(), 6);
    for (at, one) in seen.iter().enumerate() {
        assert!(one.len() > 5, "{one:?}");
        for other in &seen[at + 1..] {
            let shared: Vec<&String> = one.intersection(other).filter(|word| !of_all.contains(*word)).collect();
            assert!(shared.is_empty(), "{shared:?}");
        }
    }
}

#[actix_web::test]
async fn after_a_cut_the_same_bytes_are_sent_until_a_receipt_comes() {
    let (servers, mut held) = reviewer(12).await;
    servers.state().is_cut = true;
    assert!(matches!(send(&servers, &mut held, 4).await, Err(Failure::Unreachable(_))));
    servers.state().is_cut = false;
    send(&servers, &mut held, 4).await.unwrap();
    let bodies = servers.bodies(REVIEWS);
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
    // The same review once more is nothing new.
    send(&servers, &mut held, 4).await.unwrap();
    assert_eq!(servers.bodies(REVIEWS).len(), 2);
}

#[actix_web::test]
async fn a_changed_mind_becomes_the_next_version_over_all_before() {
    let (servers, mut held) = reviewer(12).await;
    send(&servers, &mut held, 4).await.unwrap();
    servers.state().is_cut = true;
    assert!(send(&servers, &mut held, 3).await.is_err());
    servers.state().is_cut = false;
    // The second version has no receipt yet, so it goes first; the third follows.
    send(&servers, &mut held, 2).await.unwrap();
    let subject = held.card().unwrap().subject(&ALMA).unwrap();
    assert!(subject.versions.iter().all(|version| version.receipt.is_some()));
    let mut leaves: Vec<_> = subject.versions[..2].iter().map(|version| version.review.leaf().unwrap()).collect();
    leaves.sort_unstable();
    let last = &subject.versions[2].review.body;
    assert_eq!((last.seq, &last.prev, last.marks["k1"]), (3, &leaves, Some(2)));
    // The manifest allows three.
    let fourth = send(&servers, &mut held, 1).await;
    assert!(matches!(fourth, Err(Failure::Idle(Idle::VersionsUsedUp))), "{fourth:?}");
    assert_eq!(servers.bodies(REVIEWS).len(), 4);
}

#[actix_web::test]
async fn a_receipt_for_another_leaf_or_with_a_false_signature_is_refused() {
    let (servers, mut held) = reviewer(12).await;
    servers.state().is_receipt_forged = true;
    assert_eq!(alarm(send(&servers, &mut held, 4).await), Alarm::ReceiptInvalid);
    servers.state().is_receipt_forged = false;
    servers.state().receipt_leaf = Some(Bytes([5; 32]));
    assert_eq!(alarm(send(&servers, &mut held, 4).await), Alarm::ReceiptInvalid);
    assert!(held.card().unwrap().subject(&ALMA).unwrap().versions[0].receipt.is_none());
    servers.state().receipt_leaf = None;
    assert_eq!(send(&servers, &mut held, 4).await.unwrap().cycle_ref, CYCLE);
    let bodies = servers.bodies(REVIEWS);
    assert!(bodies.len() == 3 && bodies.iter().all(|body| *body == bodies[0]));
}

#[actix_web::test]
async fn outside_the_window_nothing_is_sent() {
    let (servers, mut held) = reviewer(12).await;
    let draft = draft(&held, Some(4));
    review::keep(&mut held, draft).unwrap();
    let early = review::send(&servers.places.ballot_box, &mut held, &ALMA, while_issuing()).await;
    assert!(matches!(early, Err(Failure::Refused(Code::TooEarly))), "{early:?}");
    let late = "2027-03-04T19:00:00Z".parse().unwrap();
    let closed = review::send(&servers.places.ballot_box, &mut held, &ALMA, late).await;
    assert!(matches!(closed, Err(Failure::Refused(Code::WindowClosed))), "{closed:?}");
    assert!(servers.bodies(REVIEWS).is_empty());
}

fn faults(card: &Card, review: &str) -> Vec<(String, Rule)> {
    match Draft::read(card, review.as_bytes()) {
        Err(Failure::Review(faults)) => faults
            .into_iter()
            .map(|fault| match fault.place {
                Place::Pointer(pointer) => (pointer, fault.rule),
                Place::Parameter(name) => panic!("{name}"),
            })
            .collect(),
        other => panic!("no faults but {other:?}"),
    }
}

#[actix_web::test]
async fn a_review_file_is_read_by_subject_or_assignment() {
    let (_servers, held) = reviewer(12).await;
    let card = held.card().unwrap();
    for subject in [json!({"subject_ref": ALMA}), json!({"assignment_id": ALMA_ASSIGNMENT})] {
        let mut review = subject;
        review["marks"] = json!({"k1": 4, "k2": null});
        review["statements"] = json!(["s02"]);
        let read = Draft::read(card, review.to_string().as_bytes()).unwrap();
        assert_eq!(read, draft(&held, Some(4)));
    }
    let example = example(card.subject(&ALMA).unwrap()).to_string();
    assert_eq!(Draft::read(card, example.as_bytes()).unwrap().subject_ref(), ALMA);
}

#[actix_web::test]
async fn every_fault_of_a_review_file_names_its_field() {
    let (_servers, held) = reviewer(12).await;
    let card = held.card().unwrap();
    let review = json!({"subject_ref": ALMA, "marks": {"k1": 6, "k3/4": 1}, "statements": ["s01", "s99", "s01"],
        "comment": "text"});
    let expected = [
        ("/comment", Rule::Unknown),
        ("/marks/k1", Rule::Range { min: 1, max: 5 }),
        ("/marks/k2", Rule::Required),
        ("/marks/k3~14", Rule::Unknown),
        ("/statements", Rule::Length { min: 0, max: 2 }),
        ("/statements/1", Rule::Missing),
        ("/statements/2", Rule::Duplicate),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(pointer, rule)| (pointer.to_owned(), rule)).collect();
    assert_eq!(faults(card, &review.to_string()), expected);
    let one = |review: &str| faults(card, review).remove(0);
    assert_eq!(one("{}"), ("/subject_ref".to_owned(), Rule::Required));
    assert_eq!(one(r#"{"subject_ref":"x"}"#), ("/subject_ref".to_owned(), Rule::Missing));
    assert_eq!(one("[]"), (String::new(), Rule::Type));
    let doubled = format!(r#"{{"subject_ref":"{ALMA}","marks":{{"k1":1,"k1":2,"k2":null}},"statements":[]}}"#);
    assert_eq!(one(&doubled), (String::new(), Rule::Format { expected: "JSON" }));
}
