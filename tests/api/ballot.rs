//! The ballot box through HTTP: what it takes, what it refuses, and that every answer looks alike.

use std::io::{Read, Write};

use ejf::credential::encoding::{Bytes, Ref};
use ejf::credential::envelope::Envelope;
use ejf::credential::seal_order::BoxKeys;
use ejf::publication::Document;
use reqwest::Method;
use serde_json::json;

use crate::ballot_storage::{connect, execute, rows};
use crate::harness::App;
use crate::harness::ballot_round::BallotRound;

/// A box with a round in it, on a day on which reviews are taken.
async fn open_box() -> (App, BallotRound) {
    let app = App::start().await;
    let round = BallotRound::publish(&app.publication());
    app.go_to("2027-02-20");
    (app, round)
}

#[tokio::test]
async fn a_review_is_taken_and_its_receipt_holds() {
    let (app, round) = open_box().await;
    let envelope = round.reviewer().review(&round, &[]);

    let answer = app.anonymous_box().submit(&envelope).await.expect(202);

    assert_eq!(answer.header("content-type"), "application/json");
    let receipt = answer.receipt();
    assert!(receipt.verify(&round.manifest.manifest().receipt_key));
    assert_eq!(receipt.leaf, envelope.leaf().unwrap());
}

#[tokio::test]
async fn a_request_that_names_its_sender_is_refused_and_nothing_is_stored() {
    let (mut app, round) = open_box().await;
    let envelope = round.reviewer().review(&round, &[]);
    for name in ["Authorization", "Proxy-Authorization", "Cookie", "X-Forwarded-Client-Cert"] {
        let named = app.anonymous_box().with_header(name, "canary");
        named.submit(&envelope).await.expect_problem(400, "identified_request_refused");
    }
    assert_eq!(rows(&mut app, "review").await, [] as [String; 0]);
}

#[tokio::test]
async fn each_broken_request_is_refused_by_its_own_check() {
    let (mut app, round) = open_box().await;
    let good = round.reviewer().review(&round, &[]).to_submission().unwrap();
    let anonymous = app.anonymous_box();
    let text = String::from_utf8(good.clone()).unwrap();

    anonymous
        .with_header("Content-Type", "text/plain")
        .post(good.clone())
        .await
        .expect_problem(415, "unsupported_media_type");
    anonymous
        .with_header("Content-Encoding", "gzip")
        .post(good.clone())
        .await
        .expect_problem(415, "unsupported_media_type");
    for size in [0, 1, 8191, 8193, 50_000] {
        anonymous.post(vec![b' '; size]).await.expect_problem(400, "wrong_size");
    }
    anonymous.post(vec![b' '; 8192]).await.expect_problem(400, "malformed");
    let doubled = text.replacen("\"seq\":1", "\"v\":1", 1).replacen("\"pad\":\"00", "\"pad\":\"0000", 1);
    anonymous.post(doubled.into_bytes()[..8192].to_vec()).await.expect_problem(400, "malformed");
    anonymous.post(text.replacen("00\"", "01\"", 1).into_bytes()).await.expect_problem(400, "malformed");
    assert_eq!(rows(&mut app, "review").await, [] as [String; 0]);
}

#[tokio::test]
async fn each_wrong_review_is_refused_by_its_own_check() {
    let (mut app, round) = open_box().await;
    let anonymous = app.anonymous_box();
    let reviewer = round.reviewer();
    let changed = |change: &dyn Fn(&mut ejf::credential::envelope::Body)| {
        let mut body = reviewer.body(&round, &[], Some(4));
        change(&mut body);
        reviewer.seal(body)
    };

    let stray = Ref::random().unwrap();
    anonymous.submit(&changed(&|body| body.cycle_ref = stray)).await.expect_problem(404, "unknown_cycle");
    anonymous.submit(&changed(&|body| body.round = 2)).await.expect_problem(404, "unknown_cycle");
    anonymous
        .submit(&changed(&|body| body.manifest_digest = Bytes([9; 32])))
        .await
        .expect_problem(412, "manifest_mismatch");
    anonymous.submit(&changed(&|body| body.subject_ref = stray)).await.expect_problem(422, "unknown_subject");
    let shut = round.reviewer_of(1);
    anonymous.submit(&shut.review(&round, &[])).await.expect_problem(403, "gate_closed");
    anonymous
        .submit(&changed(&|body| body.marks.extend([("k1".to_owned(), Some(6))])))
        .await
        .expect_problem(422, "invalid_review");
    anonymous
        .submit(&changed(&|body| body.marks.retain(|code, _| code != "k2")))
        .await
        .expect_problem(422, "invalid_review");
    anonymous.submit(&changed(&|body| body.seq = 0)).await.expect_problem(422, "invalid_review");

    let mut stolen = round.reviewer();
    stolen.credentials = reviewer.credentials.clone();
    anonymous.submit(&stolen.review(&round, &[])).await.expect_problem(403, "credential_invalid");
    let mut altered = reviewer.review(&round, &[]);
    altered.body.marks.insert("k1".to_owned(), Some(5));
    anonymous.submit(&altered).await.expect_problem(403, "signature_invalid");
    let second = changed(&|body| (body.seq, body.prev) = (2, vec![Bytes([1; 32])]));
    anonymous.submit(&second).await.expect_problem(409, "seq_conflict");
    assert_eq!(rows(&mut app, "review").await, [] as [String; 0]);
}

#[tokio::test]
async fn with_two_issuers_both_must_have_signed() {
    let mut app = App::start().await;
    let round = BallotRound::publish_with_two_issuers(&app.publication());
    app.go_to("2027-02-20");
    let (anonymous, reviewer) = (app.anonymous_box(), round.reviewer());
    let review = reviewer.review(&round, &[]);
    for left_out in 0..2 {
        let mut one = review.clone();
        one.credentials.remove(left_out);
        anonymous.submit(&one).await.expect_problem(403, "credential_invalid");
        let mut twice = review.clone();
        twice.credentials[left_out] = twice.credentials[1 - left_out].clone();
        anonymous.submit(&twice).await.expect_problem(403, "credential_invalid");
    }
    assert_eq!(rows(&mut app, "review").await, [] as [String; 0]);

    let receipt = anonymous.submit(&review).await.receipt();

    assert_eq!(receipt.leaf, review.leaf().unwrap());
}

#[tokio::test]
async fn reviews_are_taken_within_the_window_alone() {
    let app = App::start().await;
    let round = BallotRound::publish(&app.publication());
    let envelope = round.reviewer().review(&round, &[]);
    for (day, refusal) in [
        ("2027-02-11", Some((425, "too_early"))),
        ("2027-02-12", None),
        ("2027-03-04", None),
        ("2027-03-05", Some((410, "window_closed"))),
    ] {
        app.go_to(day);
        let answer = app.anonymous_box().submit(&envelope).await;
        match refusal {
            Some((status, code)) => drop(answer.expect_problem(status, code)),
            None => drop(answer.expect(202)),
        }
    }
}

#[tokio::test]
async fn a_revision_replaces_the_version_before_and_only_in_its_turn() {
    let (mut app, round) = open_box().await;
    let (anonymous, reviewer) = (app.anonymous_box(), round.reviewer());
    let first = reviewer.review(&round, &[]);
    let leaf = first.leaf().unwrap();
    let second = reviewer.seal(reviewer.body(&round, &[leaf], Some(5)));
    let rival = reviewer.seal(reviewer.body(&round, &[leaf], Some(1)));
    let third = reviewer.seal(reviewer.body(&round, &[leaf, second.leaf().unwrap()], None));

    anonymous.submit(&second).await.expect_problem(409, "seq_conflict");
    let receipt = anonymous.submit(&first).await.receipt();
    anonymous.submit(&reviewer.review(&round, &[])).await.expect_problem(409, "seq_conflict");
    anonymous.submit(&second).await.expect(202);
    anonymous.submit(&rival).await.expect_problem(409, "seq_conflict");
    anonymous.submit(&third).await.expect(202);

    assert_eq!(anonymous.submit(&first).await.receipt(), receipt, "a version that was replaced keeps its receipt");
    assert_eq!(rows(&mut app, "review").await.len(), 1);
    assert_eq!(rows(&mut app, "superseded").await.len(), 2);
    let stored = app.ballot_bytes();
    let old = first.body.to_bytes().unwrap();
    assert!(!stored.windows(old.len()).any(|window| window == old), "the replaced body is erased");
}

#[tokio::test]
async fn a_replay_gives_the_same_receipt_after_a_restart_too() {
    let (mut app, round) = open_box().await;
    let envelope = round.reviewer().review(&round, &[]);
    let before = app.anonymous_box().submit(&envelope).await.expect(202);

    assert_eq!(app.anonymous_box().submit(&envelope).await.bytes, before.bytes);
    app.restart_box().await;
    assert_eq!(app.anonymous_box().submit(&envelope).await.bytes, before.bytes);
    assert_eq!(rows(&mut app, "review").await.len(), 1);
}

#[tokio::test]
async fn a_hundred_parallel_posts_of_one_key_leave_one_review() {
    let (mut app, round) = open_box().await;
    let reviewer = round.reviewer();
    let envelopes: Vec<Envelope> = (0..10).map(|_| reviewer.review(&round, &[])).collect();
    let anonymous = app.anonymous_box();
    let posts = (0..100).map(|at| {
        let (anonymous, envelope) = (anonymous.clone(), envelopes[at % 10].clone());
        tokio::spawn(async move { anonymous.submit(&envelope).await })
    });
    let posts: Vec<_> = posts.collect();

    let mut receipts = Vec::new();
    for post in posts {
        let answer = post.await.unwrap();
        match answer.status {
            202 => receipts.push(answer.receipt()),
            409 => drop(answer.expect_problem(409, "seq_conflict")),
            _ => assert_eq!(answer.expect_problem(503, "busy").header("retry-after"), "5"),
        }
    }

    receipts.dedup();
    assert_eq!(receipts.len(), 1, "all receipts are of the one review that was first");
    assert_eq!(rows(&mut app, "review").await.len(), 1);
}

#[tokio::test]
async fn bytes_signed_before_an_extension_stay_good() {
    let (app, mut round) = open_box().await;
    let envelope = round.reviewer().review(&round, &[]);
    app.anonymous_box().get(&round.path("manifest")).await.expect(200);
    round.extend(|manifest| {
        manifest.dates.submit_close = crate::harness::ballot_round::date("2027-03-05");
    });

    app.go_to("2027-03-05");

    app.anonymous_box().submit(&envelope).await.expect(202);
    let note = app.anonymous_box().get(&round.path("manifest.note")).await.expect(200);
    round.manifest.verify_note(std::str::from_utf8(&note.bytes).unwrap()).unwrap();
}

#[tokio::test]
async fn both_listeners_serve_the_same_documents() {
    let (app, round) = open_box().await;
    for (document, expected) in [("manifest", round.manifest.bytes().to_vec()), ("ledger/council", Vec::new())] {
        let of_box = app.anonymous_box().get(&round.path(document)).await.expect(200);
        let of_registry = app.anonymous().get(&round.path(document)).await.expect(200);
        assert_eq!(of_box.bytes, of_registry.text.as_bytes());
        assert!(expected.is_empty() || of_box.bytes == expected);
        for name in ["etag", "cache-control", "content-type", "access-control-allow-origin"] {
            assert_eq!(of_box.header(name), of_registry.header(name), "{name}");
        }
        assert_eq!(of_box.header("cache-control"), "no-cache");
        let known = app.anonymous_box().with_header("If-None-Match", of_box.header("etag"));
        known.get(&round.path(document)).await.expect(304);
    }
    let note = app.anonymous().get(&round.path("manifest.note")).await.expect(200);
    round.manifest.verify_note(&note.text).unwrap();
    app.anonymous_box().get(&round.path("checkpoint")).await.expect_problem(404, "not_found");
    app.anonymous().get(&round.path("checkpoint")).await.expect_problem(404, "not_found");
    app.anonymous().get(&round.path("ledger/..%2Fx")).await.expect_problem(404, "not_found");
    app.anonymous().get("/v1/public/cycles/x/rounds/1/manifest").await.expect_problem(404, "unknown_cycle");
    app.anonymous_box().get("/v1/public/cycles/x/rounds/1/manifest").await.expect_problem(404, "unknown_cycle");
}

#[tokio::test]
async fn each_round_gets_a_receipt_key_of_its_own() {
    let (app, first) = open_box().await;
    let keys = BoxKeys::parse(&app.publication().box_keys().unwrap().unwrap()).unwrap();
    app.anonymous_box().get(&first.path("manifest.note")).await.expect(200);
    let next = BoxKeys::parse(&app.publication().box_keys().unwrap().unwrap()).unwrap();
    assert_eq!(next.log_key, keys.log_key);
    assert_ne!(next.receipt_key, keys.receipt_key);

    let used = BallotRound::publish_with(&app.publication(), |manifest| manifest.receipt_key = keys.receipt_key);
    app.anonymous_box().get(&used.path("manifest.note")).await.expect_problem(404, "unknown_cycle");

    let second = BallotRound::publish(&app.publication());
    let (one, two) = (first.reviewer().review(&first, &[]), second.reviewer().review(&second, &[]));
    let anonymous = app.anonymous_box();
    assert!(anonymous.submit(&one).await.receipt().verify(&keys.receipt_key));
    assert!(anonymous.submit(&two).await.receipt().verify(&next.receipt_key));
    let strayed = first.reviewer().seal(second.reviewer().body(&second, &[], Some(3)));
    anonymous.submit(&strayed).await.expect_problem(403, "credential_invalid");
}

#[tokio::test]
async fn the_box_signs_one_manifest_of_a_generation_and_no_other() {
    let (app, mut round) = open_box().await;
    let signed = round.manifest.bytes().to_vec();
    app.anonymous_box().get(&round.path("manifest.note")).await.expect(200);

    let mut forged = round.manifest.manifest().clone();
    forged.max_seq = 2;
    round.folder.write(&Document::Manifest(0), &forged.to_bytes().unwrap()).unwrap();
    app.anonymous_box().get(&round.path("manifest.note")).await.expect_problem(404, "unknown_cycle");

    round.folder.write(&Document::Manifest(0), &signed).unwrap();
    app.anonymous_box().get(&round.path("manifest.note")).await.expect(200);
    round.extend(|manifest| manifest.log = forged.log.clone());
    app.anonymous_box().get(&round.path("manifest")).await.expect(200);
}

#[tokio::test]
async fn a_ledger_that_the_box_has_seen_is_never_replaced_by_another() {
    let (mut app, round) = open_box().await;
    let review = round.reviewer().review(&round, &[]);
    app.anonymous_box().submit(&review).await.expect(202);

    // Two more entries, signed by the issuer, for reviewers who never collected.
    round.write_ledger(14, 11);
    app.anonymous_box().submit(&review).await.expect_problem(404, "unknown_cycle");
    app.anonymous_box().get(&round.path("ledger/council")).await.expect_problem(404, "unknown_cycle");
    app.restart_box().await;
    app.anonymous_box().submit(&review).await.expect_problem(404, "unknown_cycle");

    round.write_ledger(12, 11);
    app.anonymous_box().submit(&review).await.expect(202);
    app.anonymous_box().get(&round.path("ledger/council")).await.expect(200);
}

#[tokio::test]
async fn a_generation_that_the_box_signed_cannot_be_taken_away_again() {
    let (mut app, mut round) = open_box().await;
    round.extend(|manifest| manifest.dates.submit_close = crate::harness::ballot_round::date("2027-03-06"));
    app.anonymous_box().get(&round.path("manifest.note")).await.expect(200);
    let newest = app.publication_path().join(round.manifest.manifest().cycle_ref.to_string()).join("1/manifest-1.json");
    let bytes = std::fs::read(&newest).unwrap();

    std::fs::remove_file(&newest).unwrap();
    app.anonymous_box().get(&round.path("manifest")).await.expect_problem(404, "unknown_cycle");
    app.restart_box().await;
    let review = round.reviewer().review(&round, &[]);
    app.anonymous_box().submit(&review).await.expect_problem(404, "unknown_cycle");

    std::fs::write(&newest, bytes).unwrap();
    app.anonymous_box().submit(&review).await.expect(202);
}

#[tokio::test]
async fn a_manifest_under_another_log_key_is_not_taken_in() {
    let app = App::start().await;
    let strange = ejf::credential::signing::public_key(&ejf::credential::signing::generate().unwrap());
    let round = BallotRound::publish_with(&app.publication(), |manifest| {
        manifest.log = ejf::credential::manifest::Log::new("box.test", &manifest.cycle_ref, 1, &strange).unwrap();
    });
    app.anonymous_box().get(&round.path("manifest")).await.expect_problem(404, "unknown_cycle");
    assert!(round.folder.read(&Document::ManifestNote).unwrap().is_none());
}

#[tokio::test]
async fn a_round_whose_methodology_is_not_the_one_that_the_manifest_names_is_not_taken_in() {
    let app = App::start().await;
    let round = BallotRound::publish(&app.publication());
    let named = round.folder.read(&Document::Methodology).unwrap().unwrap();
    round.folder.write(&Document::Methodology, br#"{"title":"another"}"#).unwrap();
    app.anonymous_box().get(&round.path("manifest")).await.expect_problem(404, "unknown_cycle");

    round.folder.write(&Document::Methodology, &named).unwrap();

    app.anonymous_box().get(&round.path("manifest")).await.expect(200);
}

#[tokio::test]
async fn every_other_answer_has_the_one_size_too() {
    let (app, _round) = open_box().await;
    let anonymous = app.anonymous_box();
    anonymous.get("/v1/anon/reviews").await.expect_problem(405, "method_not_allowed");
    anonymous
        .send(Method::PUT, "/v1/anon/reviews", Some(vec![b' '; 8192]))
        .await
        .expect_problem(405, "method_not_allowed");
    anonymous.get("/v1/anon/receipts/1").await.expect_problem(404, "not_found");
    anonymous.get("/v1/me").await.expect_problem(404, "not_found");
    anonymous.send(Method::POST, "/livez", Some(Vec::new())).await.expect_problem(405, "method_not_allowed");
    assert_eq!(anonymous.get("/livez").await.expect(200).body, json!({"status": "ok"}));

    let asked =
        anonymous.with_header("Origin", "null").send(Method::OPTIONS, "/v1/anon/reviews", None).await.expect(200);
    assert_eq!(asked.header("access-control-allow-methods"), "POST");
    assert_eq!(asked.header("access-control-allow-headers"), "content-type");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up_after_ten_seconds() {
    let (app, _round) = open_box().await;
    let address = app.box_base.strip_prefix("http://").unwrap().to_owned();
    let answer = tokio::task::spawn_blocking(move || {
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        let head = "POST /v1/anon/reviews HTTP/1.1\r\nHost: box\r\nContent-Type: application/json\r\nContent-Length: 8192\r\n\r\n{";
        socket.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(answer.split_once("\r\n\r\n").unwrap().1.len(), 1024);
}

#[tokio::test]
async fn bodies_that_do_not_arrive_close_the_box_to_nobody() {
    let (app, round) = open_box().await;
    let address = app.box_base.strip_prefix("http://").unwrap().to_owned();
    let head = "POST /v1/anon/reviews HTTP/1.1\r\nHost: box\r\nContent-Type: application/json\r\nContent-Length: 8192\r\n\r\n{";
    let mut held = Vec::new();
    for _ in 0..100 {
        let mut socket = std::net::TcpStream::connect(&address).unwrap();
        socket.write_all(head.as_bytes()).unwrap();
        held.push(socket);
    }
    app.anonymous_box().submit(&round.reviewer().review(&round, &[])).await.expect(202);
}

#[tokio::test]
async fn beyond_sixty_four_submissions_in_work_the_answer_is_a_constant_503() {
    let (app, round) = open_box().await;
    let (anonymous, envelope) = (app.anonymous_box(), round.reviewer().review(&round, &[]));
    anonymous.get(&round.path("manifest")).await.expect(200);
    // Nothing can be written while another connection holds the table, so that whatever is in work stays so.
    let mut holder = connect(&app);
    execute(&mut holder, "BEGIN EXCLUSIVE", "BEGIN; LOCK TABLE review");
    let mut posts = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (anonymous, envelope) = (anonymous.clone(), envelope.clone());
        posts.spawn(async move { anonymous.submit(&envelope).await });
    }

    let refused = posts.join_next().await.unwrap().unwrap();
    execute(&mut holder, "ROLLBACK", "ROLLBACK");

    assert_eq!(refused.expect_problem(503, "busy").header("retry-after"), "5");
    let others = posts.join_all().await;
    assert!(others.iter().any(|answer| answer.status == 202), "those in work are taken in the end");
    anonymous.submit(&envelope).await.expect(202);
}
