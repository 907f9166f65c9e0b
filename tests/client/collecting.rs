//! Phase 1: what an honest registry gives, once and in the same bytes.

use ejf::client::card::Held;
use ejf::client::failure::{Alarm, Failure, Idle, Result};
use ejf::client::peer::{Collected, Login, collect};
use ejf::client::sealed_file::Kdf;
use ejf::credential::encoding::Bytes;
use ejf::error::Code;
use serde_json::json;

use crate::round::{ALMA, ALMA_ASSIGNMENT, BOLAT, BOLAT_ASSIGNMENT, manifest, words};
use crate::servers::{Servers, Side, assignment};

const PASSPHRASE: &str = "seven quiet rivers under snow";

fn alarm(outcome: Result<Collected>) -> Alarm {
    match outcome {
        Err(Failure::Alarm(alarm)) => alarm,
        other => panic!("no alarm but {other:?}"),
    }
}

fn counts(fresh_count: usize, ready_count: usize) -> Collected {
    Collected { fresh_count, ready_count, change: None, packs: None }
}

#[actix_web::test]
async fn an_honest_registry_issues_for_every_assignment_in_one_request() {
    let servers = Servers::honest().await;
    let mut held = Held::in_memory();
    let collected = servers.collect(&mut held).await.unwrap();
    assert_eq!(collected, counts(2, 2));
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
        let needs_token =
            ["/v1/me/", "/v1/cycles/", "/v1/methodologies/"].iter().any(|path| request.path.starts_with(path));
        assert_eq!(request.headers.contains_key("authorization"), needs_token, "{}", request.path);
    }
    assert!(seen.iter().any(|request| request.side == Side::Box));
}

#[actix_web::test]
async fn the_whole_digest_of_the_printed_code_serves_as_well_as_its_words() {
    let servers = Servers::honest().await;
    let digest = manifest().digest().unwrap().to_string();
    assert_eq!(servers.collect_under(&digest, &mut Held::in_memory()).await.unwrap(), counts(2, 2));
    let servers = Servers::honest().await;
    let refused = servers.collect_under(&digest[..27], &mut Held::in_memory()).await;
    assert!(matches!(refused, Err(Failure::Alarm(Alarm::DigestDiffers))), "{refused:?}");
}

#[actix_web::test]
async fn collecting_again_asks_for_nothing() {
    let servers = Servers::honest().await;
    let mut held = Held::in_memory();
    servers.collect(&mut held).await.unwrap();
    let again = servers.collect(&mut held).await.unwrap();
    assert_eq!(again, counts(0, 2));
    assert_eq!(servers.bodies("/v1/me/credentials").len(), 1);
}

#[actix_web::test]
async fn an_assignment_out_of_the_reserve_is_collected_later_without_the_others() {
    let servers = Servers::honest().await;
    let mut held = Held::in_memory();
    let reserve = servers.state().assignments.pop().unwrap();
    servers.collect(&mut held).await.unwrap();
    servers.state().assignments.push(reserve);
    assert_eq!(servers.collect(&mut held).await.unwrap(), counts(1, 2));
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
    assert_eq!(servers.collect(&mut held).await.unwrap(), counts(2, 2));
    let bodies = servers.bodies("/v1/me/credentials");
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
    drop(held);
    let reread = Held::open(&path, PASSPHRASE).unwrap();
    assert!(reread.card().unwrap().credentials.iter().all(ejf::client::card::CardSubject::is_ready));
}

#[actix_web::test]
async fn a_program_that_is_killed_while_it_waits_for_the_answer_sends_the_same_bytes_again() {
    let servers = Servers::honest().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card.json");
    let mut held = Held::create(&path, PASSPHRASE, Kdf::Pbkdf2Sha512).unwrap();
    let reached = async {
        while servers.bodies("/v1/me/credentials").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    // It ends as soon as the request has reached the registry, before anything is made of the answer.
    tokio::select! {
        biased;
        () = reached => {}
        _ = servers.collect(&mut held) => panic!("it was not cut"),
    }
    drop(held);

    let mut held = Held::open(&path, PASSPHRASE).unwrap();

    assert_eq!(servers.collect(&mut held).await.unwrap(), counts(2, 2));
    let bodies = servers.bodies("/v1/me/credentials");
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
}

#[actix_web::test]
async fn a_round_that_cannot_be_fetched_keeps_nobody_from_the_one_that_is_printed() {
    let servers = Servers::honest().await;
    // A round that comes first, and of which neither listener shows anything.
    let mut other = assignment(ALMA_ASSIGNMENT, ALMA, "Ержан Оспанов");
    other["cycle_ref"] = json!(Bytes([0; 16]));
    servers.state().assignments.push(other);
    let mut held = Held::in_memory();
    assert_eq!(servers.collect(&mut held).await.unwrap(), counts(2, 2));
    let nowhere = servers.collect_under("0000 1111", &mut Held::in_memory()).await;
    assert!(matches!(nowhere, Err(Failure::Refused(Code::NotFound))), "{nowhere:?}");
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
