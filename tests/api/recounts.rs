//! What auditors get of a sealed round and state about it, and that a cycle does not report without two of them.

use std::process::{Command, Output};

use ed25519_dalek::SigningKey;
use ejf::client::recount::{read_archive, recount};
use ejf::credential::bundle::{ENVELOPES, Files, ledger_file};
use ejf::credential::encoding::{Bytes, Ref};
use ejf::credential::envelope::Envelope;
use ejf::credential::ledger::Ledger;
use ejf::credential::receipt::Receipt;
use ejf::domain::ids::CycleId;
use ejf::domain::policy::StaffRole;
use ejf::publication::Document;
use ejf::store;
use ejf::store::recounts::SealedRound;
use serde_json::{Value, json};

use crate::harness::plans::all_items;
use crate::results::{Sealed, sealed};

/// The checks that a recount of a bundle fails, held against one published result.
pub fn findings(files: &Files, subject_ref: Ref, answer: &Value) -> Vec<&'static str> {
    let published = [(subject_ref, serde_json::from_value(answer.clone()).unwrap())];
    recount(files, &published, &|| {}).findings.iter().map(|one| one.check.as_str()).collect()
}

/// What the verifier in Python says of a bundle.
pub fn second_opinion(files: &Files) -> Output {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verifier/recount.py");
    Command::new("python3").args(["-B", verifier]).arg(folder.path()).output().expect("Python 3")
}

impl Sealed {
    /// The bundle as an auditor downloads it, with the box's name of a subject.
    pub async fn recounted(&self, subject: usize) -> (Files, Ref) {
        let auditor = self.app.staff(StaffRole::Auditor).await;
        let archive = auditor.get(&self.round.plan.path("/bundle")).await.expect(200).bytes;
        (read_archive(&archive).unwrap(), self.round.manifest.manifest().subjects[subject].subject_ref)
    }
}

#[tokio::test]
async fn an_auditor_downloads_the_bundle_and_recounts_it() {
    let sealed = Sealed::computed().await;
    let auditor = sealed.app.staff(StaffRole::Auditor).await;
    let path = sealed.round.plan.path("/bundle");

    let answer = auditor.get(&path).await.expect(200);

    assert_eq!(answer.header("content-type"), "application/x-tar");
    assert_eq!(answer.header("content-length"), answer.bytes.len().to_string());
    let files = read_archive(&answer.bytes).unwrap();
    assert_eq!(files, sealed.folder.bundle().unwrap().unwrap());
    let outcome = recount(&files, &[], &|| {});
    assert_eq!(outcome.findings, []);
    let digest: String = outcome.result_digest.unwrap().0.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, sealed.result_digest());
    assert_eq!(auditor.get(&path).await.expect(200).bytes, answer.bytes, "the same bytes each time");
    let acts = sealed.app.db_acts().await;
    assert_eq!(acts.iter().filter(|act| *act == "get_bundle").count(), 2);
    for damaged in [&answer.bytes[..answer.bytes.len() / 2], &answer.bytes[512..], b""] {
        assert!(read_archive(damaged).is_err());
    }
}

#[tokio::test]
async fn a_published_answer_is_compared_with_the_result_it_is_the_image_of() {
    let sealed = Sealed::computed().await;
    let auditor = sealed.app.staff(StaffRole::Auditor).await;
    let files = read_archive(&auditor.get(&sealed.round.plan.path("/bundle")).await.expect(200).bytes).unwrap();
    let subjects = &sealed.round.manifest.manifest().subjects;
    let mut published = Vec::new();
    for (at, subject) in subjects.iter().enumerate() {
        let answer = auditor.get(&sealed.result_path(at)).await.expect(200).body;
        published.push((subject.subject_ref, serde_json::from_value(answer).unwrap()));
    }
    assert_eq!(recount(&files, &published, &|| {}).findings, []);

    let mut altered = auditor.get(&sealed.result_path(0)).await.expect(200).body;
    altered["overall"]["point_hundredths"] = json!(475);
    let altered = (subjects[0].subject_ref, serde_json::from_value(altered).unwrap());
    let strange = (Bytes([9; 16]), published[1].1.clone());
    let another = (subjects[0].subject_ref, published[1].1.clone());
    for answer in [altered, strange, another] {
        let findings = recount(&files, &[answer], &|| {}).findings;
        assert_eq!(findings.iter().map(|finding| finding.check.as_str()).collect::<Vec<_>>(), ["c10"]);
    }
}

#[tokio::test]
async fn nobody_has_the_bundle_or_a_count_before_the_results_of_the_seal() {
    let sealed = sealed().await;
    let (app, plan) = (&sealed.app, &sealed.round.plan);
    let auditor = app.staff(StaffRole::Auditor).await;
    auditor.get(&plan.path("/bundle")).await.expect_problem(409, "box_not_ready");
    for path in ["/accepted-counts"] {
        let refused = auditor.get(&plan.path(path)).await.expect_problem(409, "guard_not_met");
        assert!(refused.body["detail"].as_str().unwrap().contains("results of the sealed cycle"), "{}", refused.body);
    }
    sealed.folder.write_bundle(&sealed.files).unwrap();
    auditor.get(&plan.path("/bundle")).await.expect_problem(409, "guard_not_met");
    let statement = json!({"result_digest": "a".repeat(64), "outcome": "mismatch"});
    auditor.post(&plan.path("/recounts"), statement).await.expect_problem(409, "guard_not_met");
}

#[tokio::test]
async fn accepted_counts_are_for_commission_and_auditors_and_few_reviews_are_not_numbered() {
    let sealed = Sealed::computed().await;
    let (app, path) = (&sealed.app, sealed.round.plan.path("/accepted-counts"));
    let member = app.member(StaffRole::Member).await.client(app).await;

    let items = all_items(&member, &path).await;

    let of = |subject: usize| items.iter().find(|item| item["evaluation_id"] == sealed.evaluations[subject]).unwrap();
    assert_eq!(items.len(), 10);
    // Withdrawn reviews were accepted too: everybody of the panel sent one.
    for subject in 0..10 {
        assert_eq!((&of(subject)["accepted_count"], &of(subject)["is_below_five"]), (&json!(14), &json!(false)));
    }
    app.staff(StaffRole::Auditor).await.get(&path).await.expect(200);
    for role in [StaffRole::Secretary, StaffRole::AppealMember, StaffRole::Administrator] {
        app.staff(role).await.get(&path).await.expect_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn fewer_than_five_accepted_reviews_are_told_as_such() {
    let mut sealed = sealed().await;
    let first = sealed.round.manifest.manifest().subjects[0].subject_ref;
    let text = String::from_utf8(sealed.files[ENVELOPES].clone()).unwrap();
    let mut kept = 0;
    let few: Vec<_> = text
        .lines()
        .map(|line| Envelope::parse(line.as_bytes()).unwrap())
        .filter(|envelope| {
            kept += i32::from(envelope.body.subject_ref == first);
            envelope.body.subject_ref != first || kept <= 4
        })
        .collect();
    let ledger = Ledger::parse(&sealed.files[&ledger_file("council")]).unwrap();
    sealed.files = sealed.round.bundle(&sealed.app, ledger, &few).await;
    sealed.publish(&sealed.files);
    sealed.round.plan.work(&sealed.app, "/results", "results").await;
    let auditor = sealed.app.staff(StaffRole::Auditor).await;

    let items = all_items(&auditor, &sealed.round.plan.path("/accepted-counts")).await;

    let told = items.iter().find(|item| item["evaluation_id"] == sealed.evaluations[0]).unwrap();
    assert_eq!((&told["accepted_count"], &told["is_below_five"]), (&Value::Null, &json!(true)));
}

#[tokio::test]
async fn a_cycle_reports_only_when_two_auditors_found_it_equal() {
    let sealed = Sealed::computed().await;
    let (app, plan) = (&sealed.app, &sealed.round.plan);
    let advance = async || app.secretary().await.post(&plan.path("/advance"), json!({"to": "reporting"})).await;
    let told = async || advance().await.expect_problem(409, "guard_not_met").body["detail"].to_string();
    let early = told().await;
    assert!(early.contains("still missing: 2") && early.contains("is over"), "{early}");
    plan.pass(app, "challenge_close").await;
    let auditor = app.staff(StaffRole::Auditor).await;
    let path = plan.path("/recounts");
    let equal = json!({"result_digest": sealed.result_digest(), "outcome": "equal"});

    let other = json!({"result_digest": "a".repeat(64), "outcome": "equal"});
    assert_eq!(auditor.post(&path, other).await.expect(422).faults()[0].0, "/result_digest");
    let shouted = json!({"result_digest": sealed.result_digest().to_uppercase(), "outcome": "equal"});
    assert_eq!(auditor.post(&path, shouted).await.expect(422).faults()[0].0, "/result_digest");
    let answer = auditor.post(&path, equal.clone()).await.expect(201);
    assert_eq!((&answer.body["outcome"], answer.header("location")), (&json!("equal"), path.as_str()));
    let contrary = json!({"result_digest": sealed.result_digest(), "outcome": "mismatch"});
    auditor.post(&path, contrary.clone()).await.expect_problem(409, "already_exists");
    assert!(told().await.contains("still missing: 1"));
    app.staff(StaffRole::Auditor).await.post(&path, contrary).await.expect(201);
    assert!(told().await.contains("still missing: 1"), "a mismatch is no second voice");
    app.secretary().await.post(&path, equal.clone()).await.expect_problem(403, "forbidden");
    sealed.state_equal().await;
    assert_eq!(advance().await.expect(200).body["phase"], "reporting");

    let statements = all_items(&app.secretary().await, &path).await;
    let outcomes: Vec<&str> = statements.iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "equal").count(), 2, "{outcomes:?}");
    assert_eq!(outcomes.len(), 3);
    let acts = app.db_acts().await;
    assert_eq!(acts.iter().filter(|act| *act == "state_recount_equal").count(), 2);
    app.staff(StaffRole::Auditor).await.post(&path, equal).await.expect_problem(409, "wrong_phase");
    app.staff(StaffRole::Auditor).await.get(&plan.path("/bundle")).await.expect(200);
}

#[tokio::test]
async fn a_judge_reads_what_auditors_found_of_the_own_cycle_once_it_reports() {
    let sealed = Sealed::computed().await;
    let (app, plan) = (&sealed.app, &sealed.round.plan);
    let path = plan.path("/recounts");
    let subject = plan.subjects[0].client(app).await;
    sealed.state_equal().await;
    subject.get(&path).await.expect_problem(404, "not_found");

    sealed.to_reporting().await;

    // Days have passed, and with them the log-in.
    let told = all_items(&plan.subjects[0].client(app).await, &path).await;
    assert!(told.len() == 3 && told.iter().all(|one| one["result_digest"] == sealed.result_digest()), "{told:?}");
    plan.others[0].client(app).await.get(&path).await.expect_problem(404, "not_found");
    app.staff(StaffRole::Administrator).await.get(&path).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn results_that_were_computed_anew_are_stated_anew_by_the_same_auditors() {
    let sealed = Sealed::computed().await;
    let auditor = sealed.app.staff(StaffRole::Auditor).await;
    let path = sealed.round.plan.path("/recounts");
    let equal = json!({"result_digest": sealed.result_digest(), "outcome": "equal"});
    auditor.post(&path, equal.clone()).await.expect(201);
    auditor.post(&path, equal.clone()).await.expect_problem(409, "already_exists");

    let id: CycleId = sealed.round.plan.cycle_id.parse().unwrap();
    let corrected = SealedRound { cycle_id: id, round: 1, result_digest: Some("b".repeat(64)), complaint_count: 0 };
    sealed.app.registry().0.write(move |conn| store::recounts::put_round(conn, &corrected)).await.unwrap();

    assert_eq!(auditor.post(&path, equal).await.expect(422).faults()[0].0, "/result_digest");
    auditor.post(&path, json!({"result_digest": "b".repeat(64), "outcome": "equal"})).await.expect(201);
    let first = auditor.get(&format!("{path}?limit=1")).await.expect(200).body;
    let rest = format!("{path}?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
    let second = auditor.get(&rest).await.expect(200).body;
    let digests = [&first, &second].map(|page| page["items"][0]["result_digest"].as_str().unwrap().to_owned());
    let mut expected = [sealed.result_digest(), "b".repeat(64)];
    expected.sort_unstable();
    assert_eq!(digests, expected);
    assert_eq!((&second["next_cursor"], &second["items"][0]["round"]), (&Value::Null, &json!(1)));
}

#[tokio::test]
async fn a_proven_complaint_stops_the_report_and_what_proves_nothing_does_not() {
    let sealed = Sealed::computed().await;
    let (app, plan) = (&sealed.app, &sealed.round.plan);
    sealed.state_equal().await;
    sealed.state_equal().await;
    plan.pass(app, "challenge_close").await;
    let manifest = sealed.round.manifest.manifest();
    let receipt_key = SigningKey::from_bytes(&[13; 32]);
    let line = |receipt: &Receipt| format!("{}\n", serde_json::to_string(receipt).unwrap());
    let proof = line(&Receipt::sign(&receipt_key, &manifest.cycle_ref, 1, &Bytes([7; 32])));
    let present = sealed.files["leaves"].as_chunks::<32>().0[0];
    let sealed_leaf = line(&Receipt::sign(&receipt_key, &manifest.cycle_ref, 1, &Bytes(present)));
    let forged = line(&Receipt::sign(&SigningKey::from_bytes(&[14; 32]), &manifest.cycle_ref, 1, &Bytes([8; 32])));
    let advance = async || app.secretary().await.post(&plan.path("/advance"), json!({"to": "reporting"})).await;
    let cancelling = json!({"reason": "Жәшік уәде еткен параққа мөр баспаған."});
    let early = app.secretary().await.with_key("early").post(&plan.path("/cancel"), cancelling).await;
    let stands = early.expect_problem(409, "guard_not_met");
    assert!(stands.body["detail"].as_str().unwrap().contains("let it report"), "{}", stands.text);

    let all = [proof.as_str(), &sealed_leaf, &forged, "no receipt\n"].concat();
    sealed.folder.write(&Document::Complaints, all.as_bytes()).unwrap();
    let refused = advance().await.expect_problem(409, "guard_not_met");
    assert!(refused.body["detail"].as_str().unwrap().contains("Proven complaints: 1;"), "{}", refused.body);

    // Whoever takes the proof out of the folder does not take it out of the world.
    sealed.folder.write(&Document::Complaints, [sealed_leaf.as_str(), &forged].concat().as_bytes()).unwrap();
    advance().await.expect_problem(409, "guard_not_met");

    // What is left is to cancel the cycle, by two: nothing of it is told, and what was sealed stays as evidence.
    app.by_two(&plan.path("/cancel"), json!({"reason": "Жәшік уәде еткен параққа мөр баспаған."})).await;
    let states = all_items(&app.secretary().await, &plan.path("/evaluations?state=cancelled")).await;
    assert_eq!((plan.cycle(app).await["phase"].clone(), states.len()), (json!("cancelled"), 10));
    let auditor = app.staff(StaffRole::Auditor).await;
    let evidence = read_archive(&auditor.get(&plan.path("/bundle")).await.expect(200).bytes).unwrap();
    assert_eq!(evidence, sealed.folder.bundle().unwrap().unwrap());
    let subject = plan.subjects[0].client(app).await;
    for evaluation in &sealed.evaluations {
        subject.get(&format!("/v1/evaluations/{evaluation}/result")).await.expect_problem(404, "not_found");
    }

    // Each thing of the box is taken in once, with its trail: the note, the checkpoint, and that a promise is broken.
    let acts = app.db_acts().await;
    let count = |act: &str| acts.iter().filter(|one| *one == act).count();
    assert_eq!((count("take_in_box_document"), count("record_proven_complaints")), (2, 1));
}

#[tokio::test]
async fn a_promise_that_was_kept_is_no_proof_because_the_list_of_leaves_is_gone() {
    let sealed = Sealed::computed().await;
    let (app, plan) = (&sealed.app, &sealed.round.plan);
    sealed.to_reporting_day().await;
    let receipt_key = SigningKey::from_bytes(&[13; 32]);
    let leaves = &sealed.files["leaves"];
    let kept = Receipt::sign(
        &receipt_key,
        &sealed.round.manifest.manifest().cycle_ref,
        1,
        &Bytes(leaves.as_chunks::<32>().0[0]),
    );
    sealed.folder.write(&Document::Complaints, serde_json::to_string(&kept).unwrap().as_bytes()).unwrap();
    let advance = async || app.secretary().await.post(&plan.path("/advance"), json!({"to": "reporting"})).await;

    let cycle_ref = sealed.round.manifest.manifest().cycle_ref.to_string();
    std::fs::remove_file(app.db.folder().join("public").join(cycle_ref).join("1/leaves")).unwrap();
    for unsealed in [None, Some(&leaves[32..]), Some(&leaves[1..])] {
        if let Some(bytes) = unsealed {
            sealed.folder.write(&Document::Leaves, bytes).unwrap();
        }
        let refused = advance().await.expect_problem(409, "box_not_ready");
        assert!(refused.body["detail"].as_str().unwrap().contains("list of leaves"), "{}", refused.text);
    }

    sealed.folder.write(&Document::Leaves, leaves).unwrap();
    assert_eq!(advance().await.expect(200).body["phase"], "reporting");
}
