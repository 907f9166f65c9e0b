//! How a round ends: sealed so that anybody can recount it, or destroyed unread.

use ejf::credential::audit;
use ejf::credential::bundle::{self, leaves_from_bytes};
use ejf::credential::envelope::Envelope;
use ejf::credential::jcs;
use ejf::credential::note::Checkpoint;
use ejf::credential::seal_order::Act;
use ejf::credential::tree::root;
use ejf::publication::Document;

use crate::ballot_storage::rows;
use crate::harness::App;
use crate::harness::ballot_round::BallotRound;

#[tokio::test]
async fn a_sealed_round_can_be_recounted_and_holds_every_receipt() {
    let mut app = App::start().await;
    let round = BallotRound::publish(&app.publication());
    let other = {
        app.anonymous_box().get(&round.path("manifest.note")).await.expect(200);
        BallotRound::publish(&app.publication())
    };
    app.go_to("2027-02-20");
    let anonymous = app.anonymous_box();
    let mut receipts = Vec::new();
    for mark in 1..=5 {
        let reviewer = round.reviewer();
        let first = reviewer.seal(reviewer.body(&round, &[], Some(mark)));
        receipts.push(anonymous.submit(&first).await.receipt());
        if mark == 2 {
            let withdrawn = reviewer.seal(reviewer.body(&round, &[first.leaf().unwrap()], None));
            receipts.push(anonymous.submit(&withdrawn).await.receipt());
        }
    }
    anonymous.submit(&other.reviewer().review(&other, &[])).await.expect(202);

    round.order(Act::Seal);
    app.go_to("2027-03-04");
    anonymous.get(&round.path("checkpoint")).await.expect_problem(404, "not_found");
    app.go_to("2027-03-05");
    let checkpoint = anonymous.get(&round.path("checkpoint")).await.expect(200);
    let leaves = anonymous.get(&round.path("leaves")).await.expect(200);

    assert_eq!(checkpoint.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(
        anonymous.get(&round.path("manifest")).await.header("cache-control"),
        checkpoint.header("cache-control")
    );
    let leaves = leaves_from_bytes(&leaves.bytes).unwrap();
    let note = std::str::from_utf8(&checkpoint.bytes).unwrap();
    let sealed = Checkpoint::verify(note, round.manifest.log_key()).unwrap();
    assert_eq!((sealed.size, sealed.root), (6, root(&leaves)));
    assert!(receipts.iter().all(|receipt| leaves.contains(&receipt.leaf)));
    let files = round.folder.bundle().unwrap().unwrap();
    assert_eq!(audit::check(&files), []);
    let counts = jcs::read::<bundle::Index>(&files[bundle::INDEX]).unwrap().counts;
    assert_eq!((counts.leaves, counts.tallied, counts.superseded, counts.withdrawn), (6, 4, 1, 1));
    anonymous.submit(&round.reviewer().review(&round, &[])).await.expect_problem(410, "window_closed");
    let keys = rows(&mut app, "box_key").await;
    assert!(!keys.iter().any(|key| key.contains(&round.manifest.manifest().cycle_ref.to_string())), "{keys:?}");
}

#[tokio::test]
async fn in_which_order_a_client_lists_its_credentials_is_kept_nowhere() {
    let app = App::start().await;
    let round = BallotRound::publish_with_two_issuers(&app.publication());
    app.go_to("2027-02-20");
    let mut review = round.reviewer().review(&round, &[]);
    review.credentials.reverse();
    app.anonymous_box().submit(&review).await.expect(202);
    round.order(Act::Seal);
    app.go_to("2027-03-05");

    app.anonymous_box().get(&round.path("checkpoint")).await.expect(200);

    let files = round.folder.bundle().unwrap().unwrap();
    assert_eq!(audit::check(&files), []);
    let line = String::from_utf8(files[bundle::ENVELOPES].clone()).unwrap();
    let sealed = Envelope::parse(line.trim_end().as_bytes()).unwrap();
    let issuers: Vec<&str> = sealed.credentials.iter().map(|credential| credential.issuer_id.as_str()).collect();
    assert_eq!(issuers, ["council", "bar"]);
}

#[tokio::test]
async fn a_seal_that_was_cut_short_is_completed_with_the_same_bytes() {
    let mut app = App::start().await;
    let round = BallotRound::publish(&app.publication());
    app.go_to("2027-02-20");
    app.anonymous_box().submit(&round.reviewer().review(&round, &[])).await.expect(202);
    round.order(Act::Seal);
    app.go_to("2027-03-05");
    let checkpoint = app.anonymous_box().get(&round.path("checkpoint")).await.expect(200).bytes;
    let files = round.folder.bundle().unwrap().unwrap();

    // As if the machine had died at each step: the table of contents closes the bundle, the checkpoint comes last.
    let folder = app.publication_path().join(round.manifest.manifest().cycle_ref.to_string()).join("1");
    let unwritten = ["bundle/checkpoint", "bundle/envelopes.ndjson", "bundle/index.json", "leaves", "checkpoint"];
    for written in 0..unwritten.len() {
        for lost in &unwritten[written..] {
            std::fs::remove_file(folder.join(lost)).unwrap();
        }
        app.restart_box().await;
        assert_eq!(app.anonymous_box().get(&round.path("checkpoint")).await.expect(200).bytes, checkpoint);
        app.anonymous_box().get(&round.path("leaves")).await.expect(200);
        assert_eq!(round.folder.bundle().unwrap().unwrap(), files);
    }
}

#[tokio::test]
async fn an_order_that_cannot_be_obeyed_yet_ends_nothing() {
    let app = App::start().await;
    let round = BallotRound::publish(&app.publication());
    let folder = app.publication_path().join(round.manifest.manifest().cycle_ref.to_string()).join("1");
    std::fs::remove_file(folder.join("ledger-council-0.json")).unwrap();
    round.order(Act::Seal);
    round.folder.write(&Document::Checkpoint, b"planted").unwrap();
    round.folder.write(&Document::Leaves, &[7; 32]).unwrap();
    app.go_to("2027-03-05");

    let anonymous = app.anonymous_box();
    anonymous.get(&round.path("checkpoint")).await.expect_problem(404, "not_found");
    anonymous.get(&round.path("leaves")).await.expect_problem(404, "not_found");
    assert_eq!(anonymous.get(&round.path("manifest")).await.expect(200).header("cache-control"), "no-cache");
    anonymous.submit(&round.reviewer().review(&round, &[])).await.expect_problem(410, "window_closed");

    round.write_ledger(12, 11);
    let sealed = anonymous.get(&round.path("checkpoint")).await.expect(200);
    assert_ne!(sealed.bytes, b"planted");
}

#[tokio::test]
async fn a_sealed_round_takes_no_new_generation() {
    let app = App::start().await;
    let mut round = BallotRound::publish(&app.publication());
    app.go_to("2027-03-05");
    round.order(Act::Seal);
    app.anonymous_box().get(&round.path("checkpoint")).await.expect(200);

    round.extend(|manifest| manifest.dates.submit_close = crate::harness::ballot_round::date("2027-03-06"));

    app.anonymous_box().submit(&round.reviewer().review(&round, &[])).await.expect_problem(404, "unknown_cycle");
}

#[tokio::test]
async fn an_order_that_nobody_may_give_seals_nothing() {
    let app = App::start().await;
    let mut round = BallotRound::publish(&app.publication());
    app.go_to("2027-03-05");
    round.order(Act::Destroy);
    let order = round.folder.read(&Document::SealOrder).unwrap().unwrap();
    let forged = String::from_utf8(order).unwrap().replace("destroy", "seal");
    round.folder.write(&Document::SealOrder, forged.as_bytes()).unwrap();
    app.anonymous_box().get(&round.path("checkpoint")).await.expect_problem(404, "not_found");

    // A checkpoint that the box did not sign does not exist for it.
    round.folder.write(&Document::Checkpoint, b"planted").unwrap();
    app.anonymous_box().get(&round.path("checkpoint")).await.expect_problem(404, "not_found");

    // An order names the manifest in force; one for the generation before is out of date.
    round.order(Act::Seal);
    let stale = round.folder.read(&Document::SealOrder).unwrap().unwrap();
    round.extend(|_| {});
    round.folder.write(&Document::SealOrder, &stale).unwrap();
    app.anonymous_box().get(&round.path("checkpoint")).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_cancelled_round_is_destroyed_unread() {
    let mut app = App::start().await;
    let round = BallotRound::publish(&app.publication());
    app.go_to("2027-02-20");
    let envelope = round.reviewer().review(&round, &[]);
    app.anonymous_box().submit(&envelope).await.expect(202);
    round.order(Act::Destroy);

    app.anonymous_box().submit(&envelope).await.expect_problem(410, "window_closed");

    let note = String::from_utf8(round.folder.read(&Document::Destroyed).unwrap().unwrap()).unwrap();
    let manifest = round.manifest.manifest();
    let origin = format!("box.test/destroyed/{}/1", manifest.cycle_ref);
    let key = ejf::credential::note::VerifierKey::new(origin, *round.manifest.log_key().key()).unwrap();
    assert_eq!(Checkpoint::verify(&note, &key).unwrap().root, round.manifest.digest());
    assert_eq!(rows(&mut app, "review").await, [] as [String; 0]);
    assert!(round.folder.bundle().unwrap().is_none());
    app.restart_box().await;
    app.anonymous_box().submit(&envelope).await.expect_problem(410, "window_closed");
}
