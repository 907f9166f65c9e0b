//! Complaints: a receipt whose leaf was not sealed becomes a public proof, and nothing else becomes anything.

use std::process::Command;

use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use ed25519_dalek::SigningKey;
use ejf::credential::encoding::Bytes;
use ejf::credential::note::Checkpoint;
use ejf::credential::receipt::Receipt;
use ejf::credential::seal_order::Act;
use ejf::db::Conn;
use ejf::publication::Document;
use tempfile::TempDir;

use crate::ballot_storage::{connect, rows};
use crate::harness::ballot_round::{BallotRound, date};
use crate::harness::{App, complaint};

/// A sealed round whose box lost a promised review: the receipts of the lost one and of one that was kept.
pub async fn cheated(app: &App) -> (BallotRound, Receipt, Receipt) {
    cheated_until(app, None).await
}

/// The same where the order gives another day until which it can be complained.
async fn cheated_until(app: &App, complaints_until: Option<NaiveDate>) -> (BallotRound, Receipt, Receipt) {
    let round = BallotRound::publish(&app.publication());
    app.go_to("2027-02-20");
    let anonymous = app.anonymous_box();
    let lost = anonymous.submit(&round.reviewer().review(&round, &[])).await.receipt();
    let kept = anonymous.submit(&round.reviewer().review(&round, &[])).await.receipt();
    anonymous.complain(&lost).await.expect_problem(425, "too_early");
    db_delete_review(app, &lost);
    round.order_with(Act::Seal, complaints_until);
    app.go_to("2027-03-05");
    anonymous.get(&round.path("checkpoint")).await.expect(200);
    (round, lost, kept)
}

#[tokio::test]
async fn a_late_seal_takes_no_day_from_whoever_complains_and_an_order_shortens_nothing() {
    let app = App::start().await;
    let (_, lost, _) = cheated_until(&app, Some(date("2027-03-30"))).await;
    app.go_to("2027-03-30");
    app.anonymous_box().complain(&lost).await.expect(202);
    app.go_to("2027-03-31");
    app.anonymous_box().complain(&lost).await.expect_problem(410, "window_closed");

    let other = App::start().await;
    let (_, lost, _) = cheated_until(&other, Some(date("2027-03-06"))).await;
    other.go_to("2027-03-16");
    other.anonymous_box().complain(&lost).await.expect(202);
}

/// What a cheating operator would do.
fn db_delete_review(app: &App, receipt: &Receipt) {
    let hex: String = receipt.leaf.0.iter().map(|byte| format!("{byte:02x}")).collect();
    match &mut connect(app) {
        Conn::Sqlite(c) => c.batch_execute(&format!("DELETE FROM review WHERE leaf = x'{hex}'")).unwrap(),
        Conn::Postgres(c) => c.batch_execute(&format!("DELETE FROM review WHERE leaf = '\\x{hex}'")).unwrap(),
    }
}

#[tokio::test]
async fn a_receipt_of_a_lost_review_becomes_a_proof_that_everybody_can_check() {
    let mut app = App::start().await;
    let (round, lost, _) = cheated(&app).await;
    let anonymous = app.anonymous_box();
    let before = anonymous.get(&round.path("complaints")).await.expect(200);
    assert_eq!((before.bytes.as_slice(), before.header("cache-control")), (&b""[..], "no-cache"));

    let answer = anonymous.complain(&lost).await.expect(202);
    let again = anonymous.complain(&lost).await.expect(202);

    assert_eq!(answer.body["outcome"], "proof_recorded");
    assert_eq!(answer.bytes, again.bytes);
    let published = anonymous.get(&round.path("complaints")).await.expect(200);
    let of_registry = app.anonymous().get(&round.path("complaints")).await.expect(200);
    assert_eq!(published.bytes, of_registry.text.as_bytes());
    let text = String::from_utf8(published.bytes).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert_eq!(serde_json::from_str::<Receipt>(text.trim_end()).unwrap(), lost);
    let leaf: String = lost.leaf.0.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(rows(&mut app, "complaint").await, [leaf]);
    assert_eq!(Evidence::of(&app, &round, &text).proves(), [true, true], "the proof is transferable");
}

#[tokio::test]
async fn a_receipt_of_a_sealed_review_proves_nothing_and_is_not_kept() {
    let mut app = App::start().await;
    let (round, _, kept) = cheated(&app).await;

    let answer = app.anonymous_box().complain(&kept).await.expect(200);

    assert_eq!(answer.body["outcome"], "leaf_present");
    assert_eq!(rows(&mut app, "complaint").await, [] as [String; 0]);
    assert_eq!(app.anonymous_box().get(&round.path("complaints")).await.expect(200).bytes, b"");
    assert_eq!(Evidence::of(&app, &round, &serde_json::to_string(&kept).unwrap()).proves(), [false, false]);
}

#[tokio::test]
async fn a_promise_that_was_kept_is_no_proof_because_somebody_cut_the_list() {
    let mut app = App::start().await;
    let (round, _, kept) = cheated(&app).await;
    let leaves = round.folder.read(&Document::Leaves).unwrap().unwrap();
    for other in [Vec::new(), vec![0; leaves.len()]] {
        round.folder.write(&Document::Leaves, &other).unwrap();
        app.anonymous_box().complain(&kept).await.expect_problem(500, "internal");
    }
    assert_eq!(rows(&mut app, "complaint").await, [] as [String; 0]);

    round.folder.write(&Document::Leaves, &leaves).unwrap();

    app.anonymous_box().complain(&kept).await.expect(200);
}

#[tokio::test]
async fn a_proof_of_which_anything_was_touched_is_none_in_any_language() {
    let app = App::start().await;
    let (round, lost, _) = cheated(&app).await;
    let proof = Evidence::of(&app, &round, &serde_json::to_string(&lost).unwrap());
    assert_eq!(proof.proves(), [true, true]);

    let touched = |change: &dyn Fn(&mut Evidence)| {
        let mut evidence = proof.clone();
        change(&mut evidence);
        evidence.proves()
    };
    let receipt = |receipt: &Receipt| touched(&|evidence| evidence.receipt = serde_json::to_vec(receipt).unwrap());
    let mut flipped = lost.clone();
    flipped.leaf.0[31] ^= 1;
    assert_eq!(receipt(&flipped), [false, false]);
    let mut flipped = lost.clone();
    flipped.rsig.0[0] ^= 0x80;
    assert_eq!(receipt(&flipped), [false, false]);
    assert_eq!(receipt(&Receipt { round: 2, ..lost.clone() }), [false, false]);

    let note = String::from_utf8(proof.checkpoint.clone()).unwrap();
    let checkpoint = Checkpoint::parse(&note[..=note.find("\n\n").unwrap()]).unwrap();
    let of_another = checkpoint.sign(&SigningKey::from_bytes(&[9; 32])).unwrap();
    assert_eq!(touched(&|evidence| evidence.checkpoint = of_another.clone().into_bytes()), [false, false]);
    assert_eq!(touched(&|evidence| evidence.leaves[0] ^= 1), [false, false]);
    assert_eq!(touched(&|evidence| evidence.leaves.clear()), [false, false]);
    assert_eq!(touched(&|evidence| evidence.manifest.push(b'\n')), [false, false]);
    // A manifest of one's own, with a receipt key of one's own: the box's log key has not signed it.
    let manifest = String::from_utf8(proof.manifest.clone()).unwrap();
    let own = manifest.replace("\"decision_min\":10", "\"decision_min\":11").into_bytes();
    assert_ne!(own, proof.manifest);
    let [_, javascript] = touched(&|evidence| evidence.manifest = own.clone());
    assert!(!javascript);
}

#[tokio::test]
async fn what_the_box_never_promised_is_no_complaint() {
    let mut app = App::start().await;
    let (round, lost, _) = cheated(&app).await;
    let anonymous = app.anonymous_box();

    let forged = Receipt { rsig: Bytes([7; 64]), ..lost.clone() };
    anonymous.complain(&forged).await.expect_problem(422, "invalid_receipt");
    let other_leaf = Receipt { leaf: Bytes([7; 32]), ..lost.clone() };
    anonymous.complain(&other_leaf).await.expect_problem(422, "invalid_receipt");
    anonymous.complain(&Receipt { round: 2, ..lost.clone() }).await.expect_problem(404, "unknown_cycle");
    anonymous.complain(&Receipt { v: 2, ..lost.clone() }).await.expect_problem(400, "malformed");

    let path = "/v1/anon/complaints";
    let post = |client: crate::harness::BoxClient, bytes| async move {
        client.send(reqwest::Method::POST, path, Some(bytes)).await
    };
    let sound = complaint(&lost);
    post(anonymous.clone(), sound[1..].to_vec()).await.expect_problem(400, "wrong_size");
    let marked = String::from_utf8(sound.clone()).unwrap().replacen("\"pad\":\"0", "\"pad\":\"1", 1).into_bytes();
    post(anonymous.clone(), marked).await.expect_problem(400, "malformed");
    let named = anonymous.with_header("Authorization", "Bearer x");
    post(named, sound.clone()).await.expect_problem(400, "identified_request_refused");
    let foreign = anonymous.with_header("Content-Type", "text/plain");
    post(foreign, sound.clone()).await.expect_problem(415, "unsupported_media_type");
    anonymous.get(path).await.expect_problem(405, "method_not_allowed");
    assert_eq!(rows(&mut app, "complaint").await, [] as [String; 0]);

    app.go_to("2027-03-16");
    anonymous.complain(&lost).await.expect(202);
    app.go_to("2027-03-17");
    anonymous.complain(&lost).await.expect_problem(410, "window_closed");
    drop(round);
}

#[tokio::test]
async fn a_destroyed_round_takes_no_complaint() {
    let app = App::start().await;
    let round = BallotRound::publish(&app.publication());
    app.go_to("2027-02-20");
    let receipt = app.anonymous_box().submit(&round.reviewer().review(&round, &[])).await.receipt();
    round.order(Act::Destroy);

    app.anonymous_box().complain(&receipt).await.expect_problem(410, "window_closed");
}

#[tokio::test]
async fn proofs_outlive_a_restart_and_a_lost_file() {
    let mut app = App::start().await;
    let (round, lost, _) = cheated(&app).await;
    app.anonymous_box().complain(&lost).await.expect(202);
    let published = app.anonymous_box().get(&round.path("complaints")).await.expect(200).bytes;
    let folder = app.publication_path().join(round.manifest.manifest().cycle_ref.to_string()).join("1");
    std::fs::remove_file(folder.join("complaints")).unwrap();

    app.restart_box().await;

    assert_eq!(app.anonymous_box().get(&round.path("complaints")).await.expect(200).bytes, published);
}

#[tokio::test]
async fn every_generation_stays_public_at_both_listeners() {
    let app = App::start().await;
    let mut round = BallotRound::publish(&app.publication());
    let first = round.manifest.bytes().to_vec();
    round.extend(|manifest| manifest.dates.seal_by = crate::harness::ballot_round::date("2027-03-09"));
    round.write_ledger(12, 12);

    for (document, bytes) in [("manifests/0", first.as_slice()), ("manifests/1", round.manifest.bytes())] {
        let of_box = app.anonymous_box().get(&round.path(document)).await.expect(200);
        assert_eq!(of_box.bytes, bytes);
        assert_eq!(app.anonymous().get(&round.path(document)).await.expect(200).text.as_bytes(), bytes);
    }
    let ledgers: Vec<String> = {
        let mut ledgers = Vec::new();
        for document in ["ledger/council/0", "ledger/council/1", "ledger/council"] {
            let of_box = app.anonymous_box().get(&round.path(document)).await.expect(200);
            let of_registry = app.anonymous().get(&round.path(document)).await.expect(200);
            assert_eq!(of_box.bytes, of_registry.text.as_bytes());
            ledgers.push(of_registry.text);
        }
        ledgers
    };
    assert_ne!(ledgers[0], ledgers[1]);
    assert_eq!(ledgers[1], ledgers[2]);
    for absent in ["manifests/2", "manifests/00", "ledger/council/2", "ledger/union/0"] {
        app.anonymous_box().get(&round.path(absent)).await.expect_problem(404, "not_found");
        app.anonymous().get(&round.path(absent)).await.expect_problem(404, "not_found");
    }
}

/// What anybody can fetch of a sealed round, and a receipt or the published list of complaints.
#[derive(Clone)]
struct Evidence {
    manifest: Vec<u8>,
    note: Vec<u8>,
    checkpoint: Vec<u8>,
    leaves: Vec<u8>,
    receipt: Vec<u8>,
}

impl Evidence {
    fn of(app: &App, round: &BallotRound, receipt: &str) -> Evidence {
        let folder = app.publication_path().join(round.manifest.manifest().cycle_ref.to_string()).join("1");
        let read = |name| std::fs::read(folder.join(name)).unwrap();
        Evidence {
            manifest: read("manifest-0.json"),
            note: read("manifest.note"),
            checkpoint: read("checkpoint"),
            leaves: read("leaves"),
            receipt: receipt.as_bytes().to_vec(),
        }
    }

    /// Whether the verifiers in Python and in JavaScript, which share nothing with the box, take it for a proof.
    fn proves(&self) -> [bool; 2] {
        let Evidence { manifest, note, checkpoint, leaves, receipt } = self;
        let python = verifier("python3", &["-B"], "complaint.py", &[manifest, checkpoint, leaves, receipt]);
        let javascript = verifier("node", &[], "complaint.mjs", &[manifest, note, checkpoint, leaves, receipt]);
        [python, javascript]
    }
}

/// Runs one of the verifiers over documents in files; it must be there, or the test would prove nothing.
fn verifier(interpreter: &str, options: &[&str], program: &str, documents: &[&Vec<u8>]) -> bool {
    let scratch = TempDir::new().unwrap();
    let mut command = Command::new(interpreter);
    command.args(options);
    command.arg(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifier").join(program));
    for (number, document) in documents.iter().enumerate() {
        let path = scratch.path().join(number.to_string());
        std::fs::write(&path, document).unwrap();
        command.arg(path);
    }
    let output = command.output().unwrap_or_else(|error| {
        panic!("{interpreter} must be installed (Debian: python3, nodejs; Node 18 or newer): {error}")
    });
    let told = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => true,
        Some(1) if told.is_empty() => false,
        other => panic!("{program} ended with {other:?}: {told}"),
    }
}
