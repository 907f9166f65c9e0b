//! The end of reviews in the box: deleted by a signed order when no complaint can come any more, from tables, files and
//! bundle. What a newcomer would get wrong: what is deleted is looked for past the database, in raw files.

use std::collections::BTreeMap;

use ejf::credential::bundle::ENVELOPES;
use ejf::credential::deletion_order::{DeletionOrder, verify_deleted};
use ejf::credential::envelope::Envelope;
use ejf::credential::note::Checkpoint;
use ejf::credential::seal_order::Act;
use ejf::credential::signing::generate;
use ejf::publication::Document;

use crate::ballot_storage::{heap_bytes, places_of, rows};
use crate::complaints::cheated;
use crate::harness::App;
use crate::harness::ballot_round::{BallotRound, date};

/// The first day after the one on which a complaint could still be made.
const FREE: &str = "2027-03-17";

/// A sealed round of three reviews, one of them in its second version, with the checkpoint.
async fn sealed(app: &App) -> (BallotRound, Vec<Envelope>, Vec<u8>) {
    let round = BallotRound::publish(&app.publication());
    app.go_to("2027-02-20");
    let anonymous = app.anonymous_box();
    let mut envelopes = Vec::new();
    for mark in 1..=3 {
        let reviewer = round.reviewer();
        let first = reviewer.seal(reviewer.body(&round, &[], Some(mark)));
        anonymous.submit(&first).await.expect(202);
        envelopes.push(first);
        if mark == 2 {
            let revised = reviewer.seal(reviewer.body(&round, &[envelopes[1].leaf().unwrap()], Some(5)));
            anonymous.submit(&revised).await.expect(202);
            envelopes.push(revised);
        }
    }
    round.order(Act::Seal);
    app.go_to("2027-03-05");
    let checkpoint = anonymous.get(&round.path("checkpoint")).await.expect(200).bytes;
    (round, envelopes, checkpoint)
}

fn order(round: &BallotRound, checkpoint: &[u8]) -> DeletionOrder {
    let ordered_on = date("2027-05-01");
    DeletionOrder::sign(&round.manifest, checkpoint, BTreeMap::new(), ordered_on, &round.doc_key).unwrap()
}

fn give(round: &BallotRound, order: &DeletionOrder) {
    round.folder.write(&Document::DeletionOrder, &order.to_bytes().unwrap()).unwrap();
}

/// What would tell that these reviews are still somewhere: marks as they are written, keys and leaves as bytes and text.
fn traces(envelopes: &[Envelope]) -> Vec<Vec<u8>> {
    let of_one = |envelope: &Envelope| {
        let (epk, nonce) = (envelope.epk, envelope.body.nonce);
        vec![epk.0.to_vec(), epk.to_string().into_bytes(), nonce.to_string().into_bytes(), envelope.sig.0.to_vec()]
    };
    envelopes.iter().flat_map(of_one).chain([br#""marks":{"k1":"#.to_vec()]).collect()
}

fn found(app: &App, traces: &[Vec<u8>]) -> Vec<String> {
    let mut places: Vec<String> = traces.iter().flat_map(|trace| places_of(app, trace)).collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[tokio::test]
async fn an_order_deletes_reviews_from_tables_files_and_bundle_and_the_sealed_list_stays() {
    let mut app = App::start().await;
    let (round, envelopes, checkpoint) = sealed(&app).await;
    let leaves = app.anonymous_box().get(&round.path("leaves")).await.expect(200).bytes;
    let traces = traces(&envelopes);
    let before = found(&app, &traces);
    assert!(before.contains(&ENVELOPES.to_owned()) && before.len() >= 2, "the control finds them: {before:?}");

    give(&round, &order(&round, &checkpoint));
    app.go_to("2027-03-16");
    app.anonymous_box().get(&round.path("manifest")).await.expect(200);
    assert_eq!((rows(&mut app, "review").await.len(), round.folder.has_reviews()), (3, true), "a complaint may come");
    app.go_to(FREE);
    app.anonymous_box().get(&round.path("manifest")).await.expect(200);

    for table in ["review", "superseded"] {
        assert_eq!(rows(&mut app, table).await, [""; 0]);
        assert_eq!(heap_bytes(&app, table), 0);
    }
    for (name, bytes) in [("leaves", &leaves), ("checkpoint", &checkpoint)] {
        assert_eq!(&app.anonymous_box().get(&round.path(name)).await.expect(200).bytes, bytes);
    }
    let note = String::from_utf8(round.folder.read(&Document::Deleted).unwrap().unwrap()).unwrap();
    let text = std::str::from_utf8(&checkpoint).unwrap();
    let sealed_list = Checkpoint::verify(text, round.manifest.log_key()).unwrap();
    verify_deleted(&note, &round.manifest, &sealed_list).unwrap();
    assert!(!round.folder.has_reviews() && round.folder.has_bundle());
    assert_eq!(found(&app, &traces), [""; 0], "while it runs");
    app.stop_box().await;
    assert_eq!(found(&app, &traces), [""; 0], "and when its files lie still");
}

#[tokio::test]
async fn a_deletion_that_was_cut_short_is_completed() {
    let mut app = App::start().await;
    let (round, envelopes, checkpoint) = sealed(&app).await;
    let bundle = round.folder.bundle().unwrap().unwrap();
    app.go_to(FREE);
    give(&round, &order(&round, &checkpoint));
    app.anonymous_box().get(&round.path("manifest")).await.expect(200);
    let note = round.folder.read(&Document::Deleted).unwrap().unwrap();
    let folder = app.publication_path().join(round.manifest.manifest().cycle_ref.to_string()).join("1");

    // As a kill leaves it that comes after the rows are gone, and one that came while the bundle was being written.
    std::fs::remove_file(folder.join("deleted")).unwrap();
    std::fs::write(folder.join("bundle/.unfinished-x7Kq"), &bundle[ENVELOPES]).unwrap();
    round.folder.write_bundle(&bundle).unwrap();
    app.restart_box().await;
    app.anonymous_box().get(&round.path("manifest")).await.expect(200);

    assert_eq!(round.folder.read(&Document::Deleted).unwrap().unwrap(), note, "the same bytes");
    assert_eq!(found(&app, &traces(&envelopes)), [""; 0]);
    app.anonymous_box().get(&round.path("leaves")).await.expect(200);
    app.anonymous_box().submit(&envelopes[0]).await.expect_problem(410, "window_closed");
}

#[tokio::test]
async fn an_order_that_is_not_the_issuers_or_not_of_this_seal_deletes_nothing() {
    let mut app = App::start().await;
    let (mut round, _, checkpoint) = sealed(&app).await;
    app.go_to(FREE);
    let good = order(&round, &checkpoint);
    let of_another_seal = order(&round, b"another checkpoint");
    let mut redated = good.clone();
    redated.ordered_on = date("2027-05-02");
    let doc_key = std::mem::replace(&mut round.doc_key, generate().unwrap());
    for wrong in [of_another_seal, redated] {
        give(&round, &wrong);
        app.anonymous_box().get(&round.path("manifest")).await.expect(200);
        assert_eq!(rows(&mut app, "review").await.len(), 3);
    }
    assert!(DeletionOrder::sign(&round.manifest, &checkpoint, BTreeMap::new(), date(FREE), &round.doc_key).is_err());
    round.doc_key = doc_key;

    give(&round, &good);
    app.anonymous_box().get(&round.path("manifest")).await.expect(200);
    assert_eq!(rows(&mut app, "review").await, [""; 0]);
}

#[tokio::test]
async fn an_order_for_a_round_that_is_not_sealed_deletes_nothing() {
    let mut app = App::start().await;
    let round = BallotRound::publish(&app.publication());
    app.go_to("2027-02-20");
    app.anonymous_box().submit(&round.reviewer().review(&round, &[])).await.expect(202);
    give(&round, &order(&round, b""));
    app.go_to(FREE);

    app.anonymous_box().get(&round.path("manifest")).await.expect(200);

    assert_eq!(rows(&mut app, "review").await.len(), 1);
}

#[tokio::test]
async fn a_proven_complaint_keeps_the_reviews() {
    let mut app = App::start().await;
    let (round, lost, _) = cheated(&app).await;
    app.anonymous_box().complain(&lost).await.expect(202);
    let checkpoint = app.anonymous_box().get(&round.path("checkpoint")).await.expect(200).bytes;
    app.go_to(FREE);

    give(&round, &order(&round, &checkpoint));
    app.anonymous_box().get(&round.path("manifest")).await.expect(200);

    assert_eq!((rows(&mut app, "review").await.len(), round.folder.has_reviews()), (1, true));
    assert!(round.folder.read(&Document::Deleted).unwrap().is_none());
}

#[tokio::test]
async fn reviews_are_not_deleted_while_the_list_that_was_sealed_is_not_there() {
    let mut app = App::start().await;
    let (round, _, checkpoint) = sealed(&app).await;
    app.go_to(FREE);
    let leaves = round.folder.read(&Document::Leaves).unwrap().unwrap();
    round.folder.write(&Document::Leaves, &leaves[32..]).unwrap();

    give(&round, &order(&round, &checkpoint));
    app.anonymous_box().get(&round.path("manifest")).await.expect(200);
    assert_eq!(rows(&mut app, "review").await.len(), 3);

    round.folder.write(&Document::Leaves, &leaves).unwrap();
    app.restart_box().await;
    app.anonymous_box().get(&round.path("manifest")).await.expect(200);
    assert_eq!(rows(&mut app, "review").await, [""; 0]);
}
