//! The end of the issuers' keys: with the box's checkpoint or with a cycle that is cancelled, and nothing stops it half-way.

use std::path::PathBuf;
use std::time::Duration;

use ejf::cipher::round_key;
use ejf::credential::encoding::Ref;
use ejf::credential::ledger::Ledger;
use ejf::domain::ids::CycleId;
use ejf::publication::Document;
use ejf::store;
use ejf::workflow::issuance::CHECKPOINT_FILE;
use serde_json::json;

use crate::deletions::document_keys;
use crate::generations::{bump, freeze, manifest, one_collected};
use crate::harness::App;
use crate::harness::plans::{Plan, all_items};
use crate::harness::rounds::{Round, SUBJECTS, assignments};
use crate::results::{private_keys, sealed};

fn key_file(app: &App, plan: &Plan) -> PathBuf {
    round_key::path(&app.db.folder().join("keys"), &plan.cycle_id, 1)
}

/// How often the end of the keys stands in the audit log.
async fn ends(app: &App) -> usize {
    app.db_acts().await.iter().filter(|act| *act == "destroy_issuer_keys").count()
}

/// Waits until no key of the cycle can be opened, asked for as often as it takes.
async fn expect_no_key(app: &App, plan: &Plan) {
    let asking = async {
        while key_file(app, plan).exists() || private_keys(app).await.iter().any(|(_, wrapped)| wrapped.is_some()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.expect("the keys are destroyed");
}

#[tokio::test]
async fn the_boxs_checkpoint_destroys_the_keys_though_nobody_computes_results() {
    let sealed = sealed().await;
    let (app, plan) = (&sealed.app, &sealed.round.plan);
    assert!(key_file(app, plan).exists());
    sealed.folder.write(&Document::Checkpoint, &sealed.files["checkpoint"]).unwrap();

    // The move itself is refused; what the box published is taken in all the same.
    let secretary = app.secretary().await.with_key("early");
    secretary.post(&plan.path("/advance"), json!({"to": "reporting"})).await.expect(409);

    assert!(!key_file(app, plan).exists());
    assert!(private_keys(app).await.iter().all(|(_, wrapped)| wrapped.is_none()));
    assert_eq!(ends(app).await, 1);
}

#[tokio::test]
async fn the_boxs_checkpoint_destroys_the_keys_though_nobody_does_anything_at_all() {
    let sealed = sealed().await;
    sealed.folder.write(&Document::Checkpoint, &sealed.files["checkpoint"]).unwrap();

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();

    expect_no_key(&sealed.app, &sealed.round.plan).await;
    assert_eq!(ends(&sealed.app).await, 1);
}

#[tokio::test]
async fn keys_that_a_stop_left_behind_the_checkpoint_go_at_the_next_start() {
    let sealed = sealed().await;
    let id: CycleId = sealed.round.plan.cycle_id.parse().unwrap();
    let checkpoint = sealed.files["checkpoint"].clone();
    // As a kill leaves it that comes between the commit of the checkpoint and the end of the keys.
    let put = move |conn: &mut ejf::db::Conn| store::cycles::put_document(conn, id, 1, CHECKPOINT_FILE, &checkpoint);
    sealed.app.registry().0.write(put).await.unwrap();

    let app = sealed.app.restarted(0).await;

    expect_no_key(&app, &sealed.round.plan).await;
    assert_eq!(ends(&app).await, 1);
    let app = app.restarted(0).await;
    expect_no_key(&app, &sealed.round.plan).await;
    assert_eq!(ends(&app).await, 1, "what is done is not told again");
}

#[tokio::test]
async fn the_key_file_that_a_stop_left_of_a_cancelled_cycle_goes_at_the_next_start() {
    let app = App::start_with_keys(SUBJECTS).await;
    let plan = app.drawn_cycle().await;
    plan.work(&app, "/keys", "keys").await;
    let bytes = std::fs::read(key_file(&app, &plan)).unwrap();
    assert_eq!(document_keys(&app, &plan).await, 1);
    app.by_two(&plan.path("/cancel"), json!({"reason": "The methodology was withdrawn."})).await;
    expect_no_key(&app, &plan).await;
    assert_eq!(document_keys(&app, &plan).await, 0, "nothing is left to sign");
    // As a kill leaves it that comes between the commit and the end of the file.
    std::fs::write(key_file(&app, &plan), bytes).unwrap();

    let app = app.restarted(0).await;

    expect_no_key(&app, &plan).await;
    assert_eq!(ends(&app).await, 1);
}

#[tokio::test]
async fn no_key_is_made_past_the_cancelling_of_its_cycle() {
    let app = App::start_generating_keys().await;
    let plan = app.drawn_cycle().await;
    let secretary = app.secretary().await.with_key("keys");
    let asked = secretary.post(&plan.path("/keys"), json!({})).await.expect(202);

    app.by_two(&plan.path("/cancel"), json!({"reason": "The methodology was withdrawn."})).await;
    let job = app.ended_job(asked.header("location")).await;

    assert_eq!(job["state"], "failed", "{job}");
    expect_no_key(&app, &plan).await;
    assert_eq!(document_keys(&app, &plan).await, 0);
}

#[tokio::test]
async fn new_keys_that_were_never_frozen_are_dropped_and_hold_up_no_seal() {
    let app = App::start_with_keys(SUBJECTS + 1).await;
    let (round, evaluation_id, _) = one_collected(&app).await;
    let reviewer = round.reviewer(&app).await.login().to_owned();
    let own = async |plan: &Plan| {
        let judge = plan.judges().find(|judge| judge.login() == reviewer).unwrap();
        assignments(&judge.client(&app).await).await
    };
    round.publish_note(&app).await;
    round.plan.move_to(&app, "issuance").await;
    bump(&app, &evaluation_id, json!({"reason": "lost_card"})).await;
    let held = own(&round.plan).await;
    assert!(held.iter().any(|one| one["state"] == "drawn"), "what it holds is void");
    round.plan.work(&app, "/keys", "new-keys").await;
    app.go_to(&round.plan.day(&app, "submit_open").await);

    freeze(&app, &round.plan, "late").await;

    let next = manifest(&app, &round.plan, 1).await;
    assert_eq!(next.changed_subjects(&round.manifest), Vec::<Ref>::new());
    let next = Round { plan: round.plan, manifest: next };
    next.publish_note(&app).await;
    let counts = all_items(&app.secretary().await, &next.plan.path("/issuance")).await;
    let collected = counts.iter().filter(|count| count["issued_count"] == 1).count();
    assert_eq!(collected, held.len(), "what it holds is good again");
    app.secretary().await.with_key("ledgers").post(&next.plan.path("/ledgers"), json!({})).await.expect(200);
    let ledger = Document::Ledger { issuer_id: "council".to_owned(), generation: 1 };
    let ledger = Ledger::parse(&next.plan.round_folder(&app).await.read(&ledger).unwrap().unwrap()).unwrap();
    let counts: Vec<usize> = ledger.subjects.iter().map(|subject| subject.entries.len()).filter(|n| *n > 0).collect();
    assert_eq!(counts.len(), held.len(), "the void one counts as well");
    next.plan.move_to(&app, "submission").await;
    next.plan.pass(&app, "submit_close").await;
    app.by_two(&next.plan.path("/seal"), json!({})).await;
    assert!(app.db_acts().await.contains(&"drop_key_bump".to_owned()));
}
