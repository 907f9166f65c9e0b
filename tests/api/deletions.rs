//! The end of a cycle in the registry: closed by two persons, and its reviews deleted by date. The box is played by its
//! documents.

use std::io;
use std::sync::{Arc, Mutex};

use chrono::Days;
use ed25519_dalek::SigningKey;
use ejf::client::recount::{read_archive, recount};
use ejf::credential::bundle::{CHECKPOINT, ENVELOPES, INDEX, Index, SUPERSEDED};
use ejf::credential::deletion_order::{DeletionOrder, deleted_note};
use ejf::credential::encoding::Bytes;
use ejf::credential::envelope::Envelope;
use ejf::credential::jcs;
use ejf::credential::note::Checkpoint;
use ejf::credential::receipt::Receipt;
use ejf::domain::ids::{self, CycleId, JobId};
use ejf::domain::policy::StaffRole;
use ejf::exchange::endings::end_reviews;
use ejf::exchange::told::Told;
use ejf::publication::Document;
use ejf::store;
use ejf::store::jobs::{Job, JobKind, JobState};
use serde_json::{Value, json};
use tracing::Instrument;

use crate::ballot_storage::{heap_bytes, places_of, rows};
use crate::harness::App;
use crate::harness::plans::{Plan, all_items};
use crate::harness::rounds::{Round, log_key};
use crate::results::Sealed;

const REASON: &str = "All decisions are final; no appeal is pending.";

/// Two secretaries close the cycle, half a month after it began to report.
async fn close(app: &App, plan: &Plan) {
    later(app, 15);
    app.db_finalise(plan).await;
    app.by_two(&plan.path("/close"), json!({"reason": REASON})).await;
    assert_eq!(plan.cycle(app).await["phase"], "closed");
}

fn later(app: &App, days: u64) {
    let day = app.clock.now().date_naive().checked_add_days(Days::new(days)).unwrap();
    app.go_to(&day.to_string());
}

/// The next start, at which the worker looks for reviews that are due before it takes up the job that waits for it.
pub async fn looked(app: App, cycle_id: &str) -> App {
    let now = app.clock.now();
    let id = JobId(ids::new_at(now));
    let job = Job {
        id,
        // No key is made for a closed cycle, so it ends at once.
        kind: JobKind::MakeKeys,
        object_id: cycle_id.to_owned(),
        state: JobState::Queued,
        done_count: 0,
        total_count: 0,
        error: None,
        requested_by: Some(app.db_add_account(&format!("waiting-{id}"), Some(StaffRole::Secretary), None).await),
        created_at: now.naive_utc(),
        finished_at: None,
        version: 1,
        started_at: None,
        started_count: 0,
        progressed_at: None,
        requested_by_client: None,
    };
    let app = app.restarted_over(0, move |conn| store::jobs::insert(conn, &job)).await;
    assert_eq!(app.ended_job(&format!("/v1/jobs/{id}")).await["state"], "failed");
    app
}

impl Sealed {
    async fn closed() -> Sealed {
        let sealed = Sealed::computed().await;
        sealed.to_reporting().await;
        close(&sealed.app, &sealed.round.plan).await;
        sealed
    }

    async fn looked(self) -> Sealed {
        let Sealed { app, round, folder, files, evaluations } = self;
        let app = looked(app, &round.plan.cycle_id).await;
        Sealed { app, round, folder, files, evaluations }
    }

    fn order(&self) -> Option<DeletionOrder> {
        self.folder.read(&Document::DeletionOrder).unwrap().map(|order| DeletionOrder::parse(&order).unwrap())
    }
}

/// The reviews of both rounds of a cycle that reports, counted by a box that is no play: ordered, deleted, told to be gone.
pub async fn both_rounds_end(app: App, round: &Round) {
    close(&app, &round.plan).await;
    later(&app, 30);

    let mut app = looked(app, &round.plan.cycle_id).await;

    // Before the box speaks: the registry's worker may hear it at any moment after that.
    let taken_in = count(&app, "take_in_box_document").await;
    let cycle_ref = round.manifest.manifest().cycle_ref;
    for number in [1, 2] {
        let folder = app.folder().round(&cycle_ref, number);
        assert!(!folder.has_reviews() && folder.has_bundle());
        // The box sees the order no later than with the next request.
        let leaves = format!("/v1/public/cycles/{cycle_ref}/rounds/{number}/leaves");
        app.anonymous_box().get(&leaves).await.expect(200);
        assert!(folder.read(&Document::Deleted).unwrap().is_some());
    }
    for table in ["review", "superseded"] {
        assert_eq!((rows(&mut app, table).await, heap_bytes(&app, table)), (Vec::new(), 0));
    }
    let app = looked(app, &round.plan.cycle_id).await;
    assert_eq!(count(&app, "take_in_box_document").await, taken_in + 2);
    assert_eq!(count(&app, "order_review_deletion").await, 2);
    let auditor = app.staff(StaffRole::Auditor).await;
    for number in [1, 2] {
        let path = round.plan.path(&format!("/bundle?round={number}"));
        auditor.get(&path).await.expect_problem(410, "reviews_deleted");
    }
}

/// How many keys a cycle has for its documents.
pub async fn document_keys(app: &App, plan: &Plan) -> usize {
    let id: CycleId = plan.cycle_id.parse().unwrap();
    app.registry().0.read(move |conn| store::issuance::document_keys(conn, id)).await.unwrap().len()
}

async fn count(app: &App, act: &str) -> usize {
    app.db_acts().await.iter().filter(|one| *one == act).count()
}

#[tokio::test]
async fn a_cycle_is_closed_by_two_persons_when_all_its_evaluations_are_final() {
    let sealed = Sealed::computed().await;
    let (app, path) = (&sealed.app, sealed.round.plan.path("/close"));
    let close = async |key: &str, reason: &str| {
        app.secretary().await.with_key(key).post(&path, json!({"reason": reason})).await
    };
    close("sealed", REASON).await.expect_problem(409, "wrong_phase");
    sealed.to_reporting().await;

    let early = close("early", REASON).await.expect_problem(409, "guard_not_met");
    assert!(early.body["detail"].as_str().unwrap().contains("still open: 10"), "{}", early.body);
    assert_eq!(close("short", "done").await.expect(422).faults()[0].0, "/reason");
    app.db_finalise(&sealed.round.plan).await;
    let alone = app.secretary().await.post(&sealed.round.plan.path("/advance"), json!({"to": "closed"})).await;
    alone.expect_problem(409, "approval_required");
    app.by_two(&path, json!({"reason": REASON})).await;

    assert_eq!(sealed.round.plan.cycle(app).await["phase"], "closed");
    assert_eq!(count(app, "move_cycle_to_closed").await, 1);
    close("again", REASON).await.expect_problem(409, "wrong_phase");
}

#[tokio::test]
async fn reviews_are_deleted_thirty_days_after_the_close_and_what_was_sealed_and_found_stays() {
    let sealed = Sealed::closed().await;
    let bundle = sealed.round.plan.path("/bundle");
    later(&sealed.app, 29);
    let sealed = sealed.looked().await;
    let kept = sealed.app.staff(StaffRole::Auditor).await.get(&bundle).await.expect(200).bytes;
    assert_eq!(document_keys(&sealed.app, &sealed.round.plan).await, 1);
    assert!(sealed.folder.has_reviews() && sealed.order().is_none(), "a day too early");

    later(&sealed.app, 1);
    let day = sealed.app.clock.now().date_naive();
    let sealed = sealed.looked().await;

    assert!(!sealed.folder.has_reviews());
    let app = &sealed.app;
    let auditor = app.staff(StaffRole::Auditor).await;
    let gone = auditor.get(&bundle).await.expect_problem(410, "reviews_deleted");
    let detail = gone.body["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("Deleted since {day}")) && detail.contains("checkpoint stay"), "{detail}");
    auditor.get(&format!("{bundle}?round=1")).await.expect_problem(410, "reviews_deleted");
    app.secretary().await.get(&bundle).await.expect_problem(403, "forbidden");

    let order = sealed.order().unwrap();
    order.verify(&sealed.round.manifest).unwrap();
    assert_eq!(document_keys(app, &sealed.round.plan).await, 0, "the order was the last thing that they signed");
    assert!(order.is_of(&sealed.files[CHECKPOINT]) && order.ordered_on == day);
    let index: Index = jcs::read(&sealed.folder.bundle_index().unwrap().unwrap()).unwrap();
    let named: Vec<_> = order.files.iter().map(|(name, digest)| (name.as_str(), digest)).collect();
    assert_eq!(named, [ENVELOPES, SUPERSEDED].map(|name| (name, &index.files[name])));
    for act in ["order_review_deletion", "delete_envelopes", "delete_superseded", "destroy_document_keys"] {
        assert_eq!(count(app, act).await, 1, "{act}");
    }

    let published = published(&sealed).await;
    let files = read_archive(&kept).unwrap();
    assert_eq!(recount(&files, &published, &|| {}).findings, [], "an auditor's own copy is recounted as before");
    assert_eq!(all_items(&auditor, &sealed.round.plan.path("/accepted-counts")).await.len(), 10);
    assert_eq!(all_items(&auditor, &sealed.round.plan.path("/recounts")).await.len(), 2);
    let cycle_ref = sealed.round.manifest.manifest().cycle_ref;
    for document in ["manifest", "manifest.note", "ledger/council", "checkpoint", "leaves"] {
        app.anonymous().get(&format!("/v1/public/cycles/{cycle_ref}/rounds/1/{document}")).await.expect(200);
    }
    let text = String::from_utf8(files[ENVELOPES].clone()).unwrap();
    let first = Envelope::parse(text.lines().next().unwrap().as_bytes()).unwrap();
    for trace in [first.epk.to_string(), first.body.nonce.to_string(), r#""marks":{"#.to_owned()] {
        assert_eq!(places_of(app, trace.as_bytes()), [""; 0], "{trace}");
    }
}

/// Every result with its subject, as an auditor reads it.
async fn published(sealed: &Sealed) -> Vec<(ejf::credential::encoding::Ref, ejf::client::recount::PublishedResult)> {
    let auditor = sealed.app.staff(StaffRole::Auditor).await;
    let mut published = Vec::new();
    for (at, subject) in sealed.round.manifest.manifest().subjects.iter().enumerate() {
        let answer: Value = auditor.get(&sealed.result_path(at)).await.expect(200).body;
        published.push((subject.subject_ref, serde_json::from_value(answer).unwrap()));
    }
    published
}

#[tokio::test]
async fn a_deletion_that_a_stop_cut_short_is_completed_and_ends_with_the_boxs_note() {
    let sealed = Sealed::closed().await;
    later(&sealed.app, 30);
    let bundle = sealed.folder.bundle().unwrap().unwrap();
    let sealed = sealed.looked().await;
    let order = sealed.folder.read(&Document::DeletionOrder).unwrap().unwrap();

    // As a kill leaves it that comes between the commit of the order and what follows from it.
    let cycle_ref = sealed.round.manifest.manifest().cycle_ref.to_string();
    std::fs::remove_file(sealed.app.publication_path().join(cycle_ref).join("1/deletion-order.json")).unwrap();
    sealed.folder.write_bundle(&bundle).unwrap();
    later(&sealed.app, 3);
    let sealed = sealed.looked().await;
    assert!(!sealed.folder.has_reviews());
    assert_eq!(sealed.folder.read(&Document::DeletionOrder).unwrap().unwrap(), order, "one order, of one day");

    // A note by somebody else is none.
    let text = std::str::from_utf8(&sealed.files[CHECKPOINT]).unwrap();
    let list = Checkpoint::verify(text, sealed.round.manifest.log_key()).unwrap();
    let note = |key: &SigningKey| deleted_note(&sealed.round.manifest, &list, key).unwrap();
    let (forged, own) = (note(&SigningKey::from_bytes(&[66; 32])), note(&log_key()));
    let taken_in = count(&sealed.app, "take_in_box_document").await;
    sealed.folder.write(&Document::Deleted, forged.as_bytes()).unwrap();
    let sealed = sealed.looked().await;
    assert_eq!(count(&sealed.app, "take_in_box_document").await, taken_in);
    sealed.folder.write(&Document::Deleted, own.as_bytes()).unwrap();
    let sealed = sealed.looked().await;
    assert_eq!(count(&sealed.app, "take_in_box_document").await, taken_in + 1);
    let sealed = sealed.looked().await;
    assert_eq!(count(&sealed.app, "take_in_box_document").await, taken_in + 1, "what is done is not told again");
    assert_eq!(count(&sealed.app, "order_review_deletion").await, 1);
}

/// Marks what a test itself brings about.
const SPAN: &str = "of_this_test";

/// The lines of the log, of one thread and as long as its guard lives.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn catch(&self) -> tracing::subscriber::DefaultGuard {
        let lines = self.clone();
        let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || lines.clone()).finish();
        tracing::subscriber::set_default(log)
    }

    fn count(&self, what: &str) -> usize {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        // The worker of the service may look in between; what it tells stands outside of the span.
        text.lines().filter(|line| line.contains(SPAN) && line.contains(what)).count()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn that_reviews_are_kept_is_told_once_and_again_when_the_reason_is_another() {
    let sealed = Sealed::closed().await;
    let (app, manifest) = (&sealed.app, sealed.round.manifest.manifest());
    let mut complaints = String::new();
    let mut complain = |leaf: u8| {
        let broken = Receipt::sign(&SigningKey::from_bytes(&[13; 32]), &manifest.cycle_ref, 1, &Bytes([leaf; 32]));
        complaints += &format!("{}\n", serde_json::to_string(&broken).unwrap());
        sealed.folder.write(&Document::Complaints, complaints.as_bytes()).unwrap();
    };
    later(app, 60);
    let (lines, mut told) = (Lines::default(), Told::default());
    let _caught = lines.catch();
    let mut look = async || {
        let (dirs, now) = (app.config(), app.clock.now());
        let done = end_reviews(app.registry(), app.cipher(), &dirs.publication_dir, &dirs.key_dir, &mut told, now);
        done.instrument(tracing::info_span!("of_this_test")).await.unwrap();
        lines.count("the reviews of a closed cycle are kept")
    };

    complain(7);
    assert_eq!((look().await, look().await, look().await), (1, 1, 1));
    complain(8);
    assert_eq!((look().await, look().await), (2, 2));

    assert!(sealed.folder.has_reviews() && sealed.order().is_none());
}

#[tokio::test]
async fn nothing_is_deleted_while_a_complaint_is_proven() {
    let sealed = Sealed::closed().await;
    let manifest = sealed.round.manifest.manifest();
    let broken = Receipt::sign(&SigningKey::from_bytes(&[13; 32]), &manifest.cycle_ref, 1, &Bytes([7; 32]));
    sealed.folder.write(&Document::Complaints, serde_json::to_string(&broken).unwrap().as_bytes()).unwrap();
    later(&sealed.app, 60);

    let sealed = sealed.looked().await;

    assert!(sealed.folder.has_reviews() && sealed.order().is_none());
    assert_eq!(count(&sealed.app, "record_proven_complaints").await, 1);
    let auditor = sealed.app.staff(StaffRole::Auditor).await;
    auditor.get(&sealed.round.plan.path("/bundle")).await.expect(200);
    assert!(sealed.folder.bundle().unwrap().unwrap().contains_key(INDEX));
}
