//! From a sealed bundle to results: what is checked, destroyed, stored and shown. The box is played by its documents.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use ejf::cipher::{Cipher, Use, round_key};
use ejf::credential::audit;
use ejf::credential::bundle::{self, CHECKPOINT, ENVELOPES, Files, INDEX, LEAVES, RESULT};
use ejf::credential::encoding::Ref;
use ejf::credential::envelope::Envelope;
use ejf::credential::ledger::Ledger;
use ejf::credential::seal_order::{Act, SealOrder};
use ejf::credential::tally::RoundResult;
use ejf::db::Conn;
use ejf::domain::policy::StaffRole;
use ejf::error::Code;
use ejf::on;
use ejf::publication::{Document, RoundFolder};
use ejf::store;
use ejf::store::schema::issuer_keys;
use ejf::workflow::results;
use serde_json::{Value, json};

use crate::harness::App;
use crate::harness::plans::{all_items, developmental, methodology};
use crate::harness::rounds::{Round, SUBJECTS};

/// A sealed cycle whose box has not written its bundle yet.
pub struct Sealed {
    pub app: App,
    pub round: Round,
    pub folder: RoundFolder,
    pub files: Files,
    /// The evaluation of each subject, in the manifest's order.
    pub evaluations: Vec<String>,
}

/// One subject's reviews as they were sent: the mark of an item by place and code; none at all is a withdrawn review.
pub type Marks = fn(subject: usize, place: usize, item: &str) -> Option<i64>;

/// How many reviews each subject gets, in the manifest's order, and the mark of all of them; the rest are withdrawn.
const REVIEWS: [(usize, i64); SUBJECTS] =
    [(14, 5), (10, 3), (9, 5), (5, 1), (4, 4), (0, 3), (12, 3), (12, 4), (12, 2), (12, 3)];

/// So many reviews of so many marks as [`REVIEWS`] says.
fn as_listed(subject: usize, place: usize, _item: &str) -> Option<i64> {
    let (count, mark) = REVIEWS[subject];
    (place < count).then_some(mark)
}

/// The statements that one of a subject's reviews chooses.
pub type Chosen = fn(subject: usize, place: usize) -> &'static [&'static str];

pub async fn sealed() -> Sealed {
    sealed_with(methodology(), as_listed, |_, _| &[]).await
}

async fn sealed_with(methodology: Value, marks: Marks, chosen: Chosen) -> Sealed {
    let app = App::start_with_keys(SUBJECTS).await;
    let methodology_id = app.published(methodology).await;
    let round = app.frozen(app.cycle_of(methodology_id, SUBJECTS, 30).await).await;
    let plan = &round.plan;
    round.publish_note(&app).await;
    plan.move_to(&app, "issuance").await;
    let cards = round.collect_all(&app).await;
    let ledger: Ledger = round.ledger(&app).await;
    app.go_to(&plan.day(&app, "submit_open").await);
    plan.move_to(&app, "submission").await;
    plan.pass(&app, "submit_close").await;
    app.by_two(&plan.path("/seal"), json!({})).await;

    let mut envelopes: Vec<Envelope> = Vec::new();
    for (at, subject) in round.manifest.manifest().subjects.iter().enumerate() {
        for (place, (card, credential)) in cards[&subject.subject_ref].iter().enumerate() {
            let statements = chosen(at, place);
            envelopes.push(round.review_with(card, credential, |item| marks(at, place, item), statements));
        }
    }
    let files = round.bundle(&app, ledger, &envelopes).await;
    let by_ref: BTreeMap<String, String> = all_items(&app.secretary().await, &plan.path("/evaluations"))
        .await
        .iter()
        .map(|item| (item["subject_ref"].as_str().unwrap().to_owned(), item["id"].as_str().unwrap().to_owned()))
        .collect();
    let subjects = &round.manifest.manifest().subjects;
    let evaluations = subjects.iter().map(|subject| by_ref[&subject.subject_ref.to_string()].clone()).collect();
    let folder = plan.round_folder(&app).await;
    Sealed { app, round, folder, files, evaluations }
}

impl Sealed {
    pub async fn computed() -> Sealed {
        Sealed::computed_with(as_listed).await
    }

    /// The results of reviews with these marks.
    pub async fn computed_with(marks: Marks) -> Sealed {
        Sealed::computed_of(methodology(), marks, |_, _| &[]).await
    }

    /// The results of the listed reviews with these statements.
    pub async fn computed_choosing(chosen: Chosen) -> Sealed {
        Sealed::computed_of(methodology(), as_listed, chosen).await
    }

    /// The results of reviews with these statements under the developmental methodology, whose forms have nothing to mark.
    pub async fn developmental(chosen: Chosen) -> Sealed {
        Sealed::computed_of(developmental(), |_, _, _| None, chosen).await
    }

    /// The results of the listed reviews under a methodology.
    pub async fn computed_under(methodology: Value) -> Sealed {
        Sealed::computed_of(methodology, as_listed, |_, _| &[]).await
    }

    async fn computed_of(methodology: Value, marks: Marks, chosen: Chosen) -> Sealed {
        let sealed = sealed_with(methodology, marks, chosen).await;
        sealed.publish(&sealed.files);
        let job = sealed.round.plan.work(&sealed.app, "/results", "results").await;
        assert_eq!((&job["state"], &job["error"]), (&json!("done"), &Value::Null));
        assert_eq!((&job["done_count"], &job["total_count"]), (&json!(10), &json!(10)));
        sealed
    }

    /// The box publishes its sealed list, and this bundle for auditors.
    pub fn publish(&self, bundle: &Files) {
        self.folder.write_bundle(bundle).unwrap();
        self.folder.write(&Document::Leaves, &self.files[LEAVES]).unwrap();
        self.folder.write(&Document::Checkpoint, &self.files[CHECKPOINT]).unwrap();
    }

    /// The digest of the stored results, as an auditor signs it.
    pub fn result_digest(&self) -> String {
        let result = &self.folder.bundle().unwrap().unwrap()[RESULT];
        ejf::credential::encoding::sha256(&[result]).0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// States that a recount was equal, as an auditor of its own.
    pub async fn state_equal(&self) {
        let auditor = self.app.staff(StaffRole::Auditor).await;
        let statement = json!({"result_digest": self.result_digest(), "outcome": "equal"});
        auditor.post(&self.round.plan.path("/recounts"), statement).await.expect(201);
    }

    pub fn result_path(&self, subject: usize) -> String {
        format!("/v1/evaluations/{}/result", self.evaluations[subject])
    }

    /// The cycle reports to its subjects.
    pub async fn to_reporting(&self) {
        self.to_reporting_day().await;
        self.round.plan.move_to(&self.app, "reporting").await;
    }

    /// Two auditors agree, and the day comes on which the cycle may report.
    pub async fn to_reporting_day(&self) {
        self.state_equal().await;
        self.state_equal().await;
        self.round.plan.pass(&self.app, "challenge_close").await;
    }
}

/// The issuers' keys: the public half, and the private one as it is wrapped.
pub async fn private_keys(app: &App) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let keys = app.registry().0.read(|conn| {
        Ok(on!(conn, |c| {
            issuer_keys::table.select((issuer_keys::public_key, issuer_keys::wrapped_private_key)).load(c)
        })?)
    });
    keys.await.unwrap()
}

#[tokio::test]
async fn the_seal_is_ordered_by_a_signed_document_and_results_wait_for_the_bundle() {
    let sealed = sealed().await;
    let order = SealOrder::parse(&sealed.folder.read(&Document::SealOrder).unwrap().unwrap()).unwrap();
    order.verify(&sealed.round.manifest).unwrap();
    assert_eq!(order.act, Act::Seal);

    let asked = sealed.app.secretary().await.post(&sealed.round.plan.path("/results"), json!({})).await;

    asked.expect_problem(409, "box_not_ready");
    let auditor = sealed.app.staff(StaffRole::Auditor).await;
    auditor.get(&sealed.result_path(0)).await.expect_problem(404, "not_found");
    assert!(private_keys(&sealed.app).await.iter().all(|(_, wrapped)| wrapped.is_some()));
}

#[tokio::test]
async fn a_published_result_is_the_image_that_its_number_of_reviews_allows() {
    let sealed = Sealed::computed().await;
    let auditor = sealed.app.staff(StaffRole::Auditor).await;
    let mut views = Vec::new();
    for subject in 0..SUBJECTS {
        views.push(auditor.get(&sealed.result_path(subject)).await.expect(200).body);
    }

    let statuses: Vec<&str> = views.iter().map(|view| view["status"].as_str().unwrap()).collect();

    let (ok, few, none) = ("ok", "indicative", "insufficient");
    assert_eq!(statuses, [ok, ok, few, few, none, none, ok, ok, ok, ok]);
    for (view, (_, mark)) in views.iter().zip(REVIEWS) {
        let figures = [&view["overall"], &view["criteria"]];
        let n_words = view.to_string().matches("\"n\":").count();
        match view["status"].as_str().unwrap() {
            "insufficient" => assert!(figures.iter().all(|f| f.is_null()) && view["band"].is_null() && n_words == 0),
            "indicative" => assert!(figures.iter().all(|f| f.is_null()) && view["band"].is_string() && n_words == 0),
            _ => {
                let criteria = view["criteria"].as_array().unwrap();
                // All reviewers gave one mark to all questions. At an end of the scale the criteria would tell it.
                let expected = if mark == 1 || mark == 5 { 0 } else { 5 };
                assert!(view["band"].is_null() && criteria.len() == expected, "{view}");
                for figure in criteria.iter().map(|criterion| &criterion["figure"]).chain([&view["overall"]]) {
                    for name in ["point_hundredths", "lo_hundredths", "hi_hundredths"] {
                        assert_eq!(figure[name].as_i64().unwrap() % 25, 0, "{name} of {view}");
                    }
                }
            }
        }
    }
    assert_eq!((&views[0]["overall"]["n"], &views[0]["overall"]["point_hundredths"]), (&json!(14), &json!(500)));
    assert_eq!((&views[1]["overall"]["n"], &views[1]["overall"]["point_hundredths"]), (&json!(10), &json!(300)));
    assert_eq!((&views[0]["overall"]["band"], &views[3]["band"]), (&json!("above"), &json!("below")));
    assert_eq!(views[0]["algorithm_version"], "level-profile-1");
}

#[tokio::test]
async fn a_result_is_seen_by_those_it_is_assigned_to_and_by_its_judge_when_the_cycle_reports() {
    let sealed = Sealed::computed().await;
    let (app, path) = (&sealed.app, sealed.result_path(0));
    let evaluation = app.secretary().await.get(path.trim_end_matches("/result")).await.expect(200).body;
    let subject = sealed.round.plan.judges().find(|judge| evaluation["judge_id"] == json!(judge.id)).unwrap();
    assert_eq!(evaluation["state"], "collecting");

    assert!(app.staff(StaffRole::Auditor).await.get(&path).await.expect(200).body["overall"].is_object());
    let mut members = Vec::new();
    for role in [StaffRole::Member, StaffRole::AppealMember] {
        let member = app.member(role).await;
        let client = member.client(app).await;
        app.assign(&sealed.evaluations[0], member.account_id, false).await.expect(201);
        // Nothing lies before the commission that the judge cannot see, and nothing before it is recounted.
        client.get(&path).await.expect_problem(404, "not_found");
        members.push(member);
    }
    let secretarys = app.secretary().await.get(&path).await.expect(200).body;
    let null = Value::Null;
    assert_eq!((&secretarys["status"], &secretarys["overall"], &secretarys["criteria"]), (&json!("ok"), &null, &null));
    assert_eq!((&secretarys["band"], &secretarys["input_digest"]), (&null, &null));
    app.staff(StaffRole::Administrator).await.get(&path).await.expect_problem(404, "not_found");
    subject.client(app).await.get(&path).await.expect_problem(404, "not_found");
    let other = sealed.round.plan.judges().find(|judge| judge.id != subject.id).unwrap();
    other.client(app).await.get(&path).await.expect_problem(404, "not_found");
    app.anonymous().get(&path).await.expect_problem(401, "unauthenticated");

    sealed.to_reporting().await;

    assert!(subject.client(app).await.get(&path).await.expect(200).body["overall"].is_object());
    for member in &members {
        let member = member.client(app).await;
        assert!(member.get(&path).await.expect(200).body["overall"].is_object());
        member.get(&sealed.result_path(1)).await.expect_problem(404, "not_found");
    }
    let evaluation = app.secretary().await.get(path.trim_end_matches("/result")).await.expect(200).body;
    assert_eq!(evaluation["state"], "counted");
    other.client(app).await.get(&path).await.expect_problem(404, "not_found");
    let id = subject.id;
    let read = app.registry().0.read(move |conn| store::audit::list(conn, Some(id), None, 1_000)).await.unwrap();
    let purposes: Vec<&str> =
        read.iter().filter(|entry| entry.act == "get_result").map(|entry| entry.purpose.as_deref().unwrap()).collect();
    assert_eq!(purposes, ["evaluation", "evaluation", "own_file", "evaluation", "evaluation"]);

    let file = subject.client(app).await.get(&format!("/v1/judges/{id}/file?view=full")).await.expect(200).body;
    let shown = file["latest_readings"].as_array().unwrap();
    let of_result: Vec<&Value> = shown.iter().filter(|reading| reading["act"] == "get_result").collect();
    assert_eq!(of_result.len(), 4, "the judge sees each reading by others: {file}");
    let me = app.secretary().await.get("/v1/me").await.expect(200).body;
    assert_eq!((&of_result[2]["account_id"], &of_result[2]["purpose"]), (&me["account_id"], &json!("evaluation")));
}

#[tokio::test]
async fn results_destroy_the_issuers_keys_and_a_second_run_gives_the_same_bytes() {
    let sealed = sealed().await;
    let keys_folder = sealed.app.db.folder().join("keys");
    let file = round_key::path(&keys_folder, &sealed.round.plan.cycle_id, 1);
    let copy = std::fs::read(&file).unwrap();
    assert!(opens_any(&private_keys(&sealed.app).await, &copy, &sealed).await, "the control finds a key");
    sealed.publish(&sealed.files);
    sealed.round.plan.work(&sealed.app, "/results", "first").await;
    let first = sealed.folder.bundle().unwrap().unwrap();
    let stored = stored_results(&sealed).await;

    let job = sealed.round.plan.work(&sealed.app, "/results", "second").await;

    assert_eq!(job["state"], "done");
    assert_eq!(sealed.folder.bundle().unwrap().unwrap(), first);
    assert_eq!(stored_results(&sealed).await, stored);
    assert!(private_keys(&sealed.app).await.iter().all(|(_, wrapped)| wrapped.is_none()));
    assert_eq!(std::fs::read_dir(&keys_folder).unwrap().count(), 0);
    let acts = sealed.app.db_acts().await;
    assert_eq!(acts.iter().filter(|act| *act == "destroy_issuer_keys").count(), 1);

    assert_eq!(audit::check(&first), []);
    let changed: Vec<&String> = first.keys().filter(|name| first.get(*name) != sealed.files.get(*name)).collect();
    assert_eq!(changed, [INDEX, RESULT]);
    let exact: RoundResult = serde_json::from_slice(&first[RESULT]).unwrap();
    assert_eq!(exact.subjects.len(), SUBJECTS);
    let perfect: Ref = sealed.round.manifest.manifest().subjects[0].subject_ref;
    let perfect = exact.subjects.iter().find(|subject| subject.subject_ref == perfect.to_string()).unwrap();
    assert_eq!(perfect.overall.as_ref().unwrap().score, [5, 1]);
}

#[tokio::test]
async fn what_was_computed_while_sealed_is_stored_no_more_once_the_cycle_reports() {
    let sealed = Sealed::computed().await;
    let job = sealed.round.plan.work(&sealed.app, "/results", "again").await;
    let (job, cycle) = (job["id"].as_str().unwrap().parse().unwrap(), sealed.round.plan.cycle_id.parse().unwrap());
    let registry = sealed.app.registry();
    let expected = registry.0.read(move |conn| results::load(conn, cycle)).await.unwrap();
    // A review is dropped, so that the second result would tell what it said.
    let mut files = sealed.files.clone();
    let reviews = files.get_mut(ENVELOPES).unwrap();
    let last = reviews[..reviews.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
    reviews.truncate(last + 1);
    let computed = results::compute(&expected, None, files).unwrap();
    sealed.to_reporting().await;
    let before = stored_results(&sealed).await;

    let now = sealed.app.clock.now();
    let late = registry.0.write(move |conn| results::put(conn, job, cycle, &computed, now)).await;

    assert_eq!(late.unwrap_err().code(), Code::WrongPhase);
    assert_eq!(stored_results(&sealed).await, before);
}

#[tokio::test]
async fn the_same_results_computed_late_are_let_pass_once_more_and_change_nothing() {
    let sealed = Sealed::computed().await;
    let job = sealed.round.plan.work(&sealed.app, "/results", "again").await;
    let (job, cycle) = (job["id"].as_str().unwrap().parse().unwrap(), sealed.round.plan.cycle_id.parse().unwrap());
    let registry = sealed.app.registry();
    let expected = registry.0.read(move |conn| results::load(conn, cycle)).await.unwrap();
    let computed = results::compute(&expected, None, sealed.files.clone()).unwrap();
    sealed.to_reporting().await;
    let (before, acts) = (stored_results(&sealed).await, sealed.app.db_acts().await);

    let now = sealed.app.clock.now();
    registry.0.write(move |conn| results::put(conn, job, cycle, &computed, now)).await.unwrap();

    assert_eq!(stored_results(&sealed).await, before);
    assert_eq!(sealed.app.db_acts().await, acts, "nothing was stored, so there is nothing to tell");
}

/// Whether any wrapped key opens under a copy of the round's key file that somebody kept.
async fn opens_any(keys: &[(Vec<u8>, Option<Vec<u8>>)], copy: &[u8], sealed: &Sealed) -> bool {
    let cipher = Cipher::new(copy.try_into().unwrap());
    keys.iter().filter_map(|(_, wrapped)| wrapped.as_deref()).any(|wrapped| {
        sealed.evaluations.iter().any(|evaluation| {
            let context = format!("{} 1 {evaluation} council 0", sealed.round.plan.cycle_id);
            cipher.open(Use::IssuerKey, context.as_bytes(), wrapped).unwrap().is_some()
        })
    })
}

async fn stored_results(sealed: &Sealed) -> Vec<store::results::ResultRow> {
    let mut rows = Vec::new();
    for evaluation in &sealed.evaluations {
        let id = evaluation.parse().unwrap();
        let row = sealed.app.registry().0.read(move |conn| store::results::find(conn, id)).await.unwrap();
        rows.push(row.unwrap());
    }
    rows
}

#[tokio::test]
async fn a_bundle_that_fails_a_check_gives_no_result_and_the_keys_are_destroyed_all_the_same() {
    let sealed = sealed().await;
    let mut broken = sealed.files.clone();
    let envelopes = String::from_utf8(broken[ENVELOPES].clone()).unwrap();
    let kept: String = envelopes.lines().skip(1).map(|line| format!("{line}\n")).collect();
    broken.insert(ENVELOPES.to_owned(), kept.into_bytes());
    sealed.publish(&broken);

    let job = sealed.round.plan.work(&sealed.app, "/results", "broken").await;

    assert_eq!(job["state"], "failed");
    let error = job["error"].as_str().unwrap();
    assert!(error.starts_with("invalid: c1: envelopes.ndjson"), "{error}");
    // The checkpoint is good: the keys have done their work, and a bundle that fails is when they could be abused.
    assert!(private_keys(&sealed.app).await.iter().all(|(_, wrapped)| wrapped.is_none()));
    let auditor = sealed.app.staff(StaffRole::Auditor).await;
    auditor.get(&sealed.result_path(0)).await.expect_problem(404, "not_found");

    // A result that a stop left before the index could name it does not stand in the way of the next run.
    let mut unfinished = sealed.files.clone();
    unfinished.insert(RESULT.to_owned(), b"{}".to_vec());
    sealed.folder.write_bundle(&unfinished).unwrap();
    let job = sealed.round.plan.work(&sealed.app, "/results", "mended").await;
    assert_eq!((&job["state"], &job["error"]), (&json!("done"), &Value::Null));
}

/// A backup that reads for long keeps SQLite from emptying its log, which it says in a row and not as an error.
#[tokio::test]
async fn wrapped_keys_are_not_taken_for_erased_while_a_reader_holds_the_log() {
    let app = App::start().await;
    let ejf::db::Location::Sqlite(path) = &app.db.registry else { return };
    let connect = || diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let (mut reader, mut eraser) = (connect(), Conn::Sqlite(connect()));
    reader.batch_execute("BEGIN; SELECT count(*) FROM judges").unwrap();
    app.judge().await;

    let held = store::issuance::erase_deleted_keys(&mut eraser);

    assert_eq!(held.unwrap_err().code(), Code::Busy);
    reader.batch_execute("ROLLBACK").unwrap();
    store::issuance::erase_deleted_keys(&mut eraser).unwrap();
    assert_eq!(std::fs::metadata(path.with_extension("db-wal")).unwrap().len(), 0);
}

#[tokio::test]
async fn a_repeat_gets_the_kept_answer_though_its_act_would_be_refused_by_now() {
    let sealed = Sealed::computed().await;
    let (app, plan) = (&sealed.app, &sealed.round.plan);
    plan.pass(app, "challenge_close").await;
    let secretary = app.secretary().await.with_key("once");
    let first = secretary.post(&plan.path("/results"), json!({})).await.expect(202);
    app.ended_job(first.header("location")).await;
    sealed.to_reporting().await;
    let secretary = app.secretary().await;

    let again = secretary.with_key("once").post(&plan.path("/results"), json!({})).await.expect(202);
    let anew = secretary.with_key("other").post(&plan.path("/results"), json!({})).await;

    assert_eq!(again.body, first.body);
    anew.expect_problem(409, "wrong_phase");
}

/// The same reviews but for one of the first subject's, sealed by the same box: what an operator with its log key can show
/// to auditors alone.
async fn another_tree(sealed: &Sealed) -> Files {
    let text = String::from_utf8(sealed.files[ENVELOPES].clone()).unwrap();
    let envelopes: Vec<Envelope> = text.lines().skip(1).map(|line| Envelope::parse(line.as_bytes()).unwrap()).collect();
    let ledger = Ledger::parse(&sealed.files[&bundle::ledger_file("council")]).unwrap();
    sealed.round.bundle(&sealed.app, ledger, &envelopes).await
}

#[tokio::test]
async fn a_bundle_of_another_tree_than_reviewers_were_shown_gives_no_result() {
    let sealed = sealed().await;
    let other = another_tree(&sealed).await;
    assert_eq!(audit::check(&other), [], "by itself it holds");
    sealed.publish(&other);

    let job = sealed.round.plan.work(&sealed.app, "/results", "other").await;

    assert_eq!(job["state"], "failed");
    assert!(job["error"].as_str().unwrap().contains("checkpoint is not what was published"), "{job}");
}

#[tokio::test]
async fn the_registry_keeps_to_the_checkpoint_that_it_took_in() {
    let sealed = Sealed::computed().await;
    let other = another_tree(&sealed).await;
    sealed.folder.write(&Document::Checkpoint, &other[CHECKPOINT]).unwrap();
    let cycle_ref = sealed.round.manifest.manifest().cycle_ref;
    let path = format!("/v1/public/cycles/{cycle_ref}/rounds/1/checkpoint");

    assert_eq!(sealed.app.anonymous().get(&path).await.expect(200).bytes, sealed.files[CHECKPOINT]);
    let secretary = sealed.app.secretary().await.with_key("late");
    let refused = secretary.post(&sealed.round.plan.path("/advance"), json!({"to": "reporting"})).await;
    let detail = refused.expect_problem(409, "box_not_ready").body["detail"].to_string();
    assert!(detail.contains("not the one that was taken in before"), "{detail}");
}
