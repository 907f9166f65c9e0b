//! From the draw to the ledgers: keys, manifest, credentials, recusal.

use std::sync::{Arc, Mutex};

use ejf::credential::encoding::{Blob, Bytes, Ref, sha256};
use ejf::credential::ledger::entry;
use ejf::credential::manifest::digest_words;
use ejf::credential::signing;
use ejf::domain::policy::StaffRole;
use ejf::publication::Document;
use ejf::store;
use serde_json::{Value, json};

use crate::harness::App;
use crate::harness::ballot_round::BallotRound;
use crate::harness::plans::all_items;
use crate::harness::rounds::{SUBJECTS, assignments, log_key};

const NOBODY: &str = "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11";

#[tokio::test]
async fn keys_are_made_once_and_the_manifest_is_frozen_once() {
    let app = App::start_with_keys(SUBJECTS).await;
    let plan = app.drawn_cycle().await;
    let secretary = app.secretary().await;
    let unkeyed = secretary.post(&plan.path("/manifest"), json!({})).await;
    assert_eq!(unkeyed.expect_problem(400, "malformed").body["errors"][0]["parameter"], "Idempotency-Key");
    let secretary = secretary.with_key("early");
    secretary.post(&plan.path("/manifest"), json!({})).await.expect_problem(409, "guard_not_met");

    let job = plan.work(&app, "/keys", "keys").await;
    let again = plan.work(&app, "/keys", "again").await;

    assert_eq!((&job["state"], &job["done_count"], &job["total_count"]), (&json!("done"), &json!(10), &json!(10)));
    assert_eq!((&again["state"], &again["done_count"]), (&json!("done"), &json!(10)));
    std::fs::remove_file(app.publication_path().join("box.json")).unwrap();
    secretary.post(&plan.path("/manifest"), json!({})).await.expect_problem(409, "box_not_ready");
    app.publish_box_keys();
    let frozen = plan.freeze(&app).await;
    assert_eq!(plan.freeze(&app).await, frozen);
    // A repeat under another key finds it frozen.
    assert_eq!(secretary.post(&plan.path("/manifest"), json!({})).await.expect(200).body, frozen);
    let cycle = plan.cycle(&app).await;
    assert_eq!(cycle["manifest_digest"], frozen["manifest_digest"]);
    let folder = plan.round_folder(&app).await;
    let manifest = folder.read(&Document::Manifest(0)).unwrap().unwrap();
    let digest = sha256(&[&manifest]);
    assert_eq!(frozen["manifest_digest"], json!(digest));
    assert_eq!(frozen["digest_words"], json!(digest_words(&digest)));
    let acts = app.db_acts().await;
    assert_eq!(acts.iter().filter(|act| *act == "freeze_manifest").count(), 1);
}

#[tokio::test]
async fn work_that_a_stop_interrupted_goes_on_at_the_next_start() {
    let app = App::start_with_keys(4).await;
    let plan = app.drawn_cycle().await;
    let job = plan.work(&app, "/keys", "keys").await;
    assert_eq!((&job["state"], &job["done_count"], &job["error"]), (&json!("failed"), &json!(4), &json!("internal")));
    let id = job["id"].as_str().unwrap().parse().unwrap();
    let begun = app.clock.now().naive_utc();

    // A worker at work would take the job up by itself before it is killed.
    let app = app.restarted_over(SUBJECTS, move |conn| store::jobs::start(conn, id, 4, 10, begun)).await;

    let job = app.ended_job(&format!("/v1/jobs/{id}")).await;
    assert_eq!((&job["state"], &job["done_count"], &job["error"]), (&json!("done"), &json!(10), &Value::Null));
    app.publish_box_keys();
    plan.freeze(&app).await;
    let folder = plan.round_folder(&app).await;
    std::fs::remove_dir_all(app.db.folder().join("public")).unwrap();
    let app = app.restarted(0).await;
    // The worker publishes before it looks for jobs, so work that has ended shows that it has published.
    plan.work(&app, "/keys", "again").await;
    assert!(folder.read(&Document::Manifest(0)).unwrap().is_some());
}

#[tokio::test]
async fn work_under_way_tells_its_rate_and_when_to_ask_again() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let app = App::start_over_keys(keys.clone()).await;
    let plan = app.drawn_cycle().await;
    // While the store of keys is locked, the worker is at work and gets no further by itself.
    let (locked, is_locked) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let holder = std::thread::spawn(move || {
        let held = keys.lock().unwrap();
        locked.send(()).unwrap();
        // The sender is dropped, which is the sign.
        let _ = released.recv();
        drop(held);
    });
    is_locked.recv().unwrap();

    let asked = app.secretary().await.with_key("keys").post(&plan.path("/keys"), json!({})).await.expect(202);
    assert_eq!(asked.header("Retry-After"), "2");
    let path = asked.header("Location").to_owned();
    let begun = app.job_in(&["running"], &path).await;
    assert_eq!((&begun["done_count"], &begun["parts_per_minute"]), (&json!(0), &Value::Null));
    let (id, later) = (begun["id"].as_str().unwrap().parse().unwrap(), app.clock.now().naive_utc());
    let later = later + chrono::TimeDelta::seconds(40);
    app.registry().0.write(move |conn| store::jobs::count_done(conn, id, 3, later)).await.unwrap();

    let job = app.secretary().await.get(&path).await.expect(200);
    assert_eq!((&job.body["done_count"], &job.body["parts_per_minute"]), (&json!(3), &json!(4.5)));
    assert_eq!(job.header("Retry-After"), "2");

    drop(release);
    holder.join().unwrap();
    assert_eq!(app.ended_job(&path).await["state"], json!("failed"), "the store of keys was empty");
}

#[tokio::test]
async fn the_manifest_names_no_judge_and_stands_for_what_is_stored() {
    let app = App::start_with_keys(SUBJECTS).await;
    let round = app.frozen_cycle().await;
    let manifest = round.manifest.manifest();
    let cycle = round.plan.cycle(&app).await;
    let folder = round.plan.round_folder(&app).await;

    let methodology = folder.read(&Document::Methodology).unwrap().unwrap();

    assert_eq!(sha256(&[&methodology]), manifest.methodology_digest);
    assert_eq!(json!(manifest.dates.submit_open), cycle["dates"]["submit_open"]);
    assert!(manifest.subjects.iter().all(|subject| subject.panel_size == 14));
    assert_eq!((manifest.subjects.len(), manifest.issuers[0].issuer_id.as_str()), (10, "council"));
    let text = String::from_utf8(round.manifest.bytes().to_vec()).unwrap();
    for judge in round.plan.judges() {
        assert!(!text.contains(&judge.id.to_string()) && !text.contains(&judge.iin));
    }
}

#[tokio::test]
async fn who_is_meant_by_each_subject_is_bound_in_the_audit_log_before_anything_is_issued() {
    let app = App::start_with_keys(SUBJECTS).await;
    let round = app.frozen_cycle().await;
    let auditor = app.staff(StaffRole::Auditor).await;

    // As an auditor does it, from the list of evaluations alone.
    let mut listed: Vec<(Ref, Value)> = all_items(&auditor, &round.plan.path("/evaluations"))
        .await
        .iter()
        .map(|item| {
            let bound = json!({"judge_id": item["judge_id"], "subject_ref": item["subject_ref"]});
            (item["subject_ref"].as_str().unwrap().parse().unwrap(), bound)
        })
        .collect();
    listed.sort_unstable_by_key(|(subject_ref, _)| *subject_ref);
    let list: Vec<&Value> = listed.iter().map(|(_, bound)| bound).collect();
    let digest = sha256(&[&serde_json::to_vec(&list).unwrap()]).to_string();

    let entries = all_items(&auditor, "/v1/audit-entries").await;
    let of = |act: &str| entries.iter().filter(|entry| entry["act"] == act).collect::<Vec<_>>();
    assert_eq!((list.len(), of("bind_subjects").len()), (SUBJECTS, 1));
    assert_eq!(of("bind_subjects")[0]["digest"], json!(digest));
    assert_eq!(of("bind_subjects")[0]["occurred_at"], of("freeze_manifest")[0]["occurred_at"]);
}

#[tokio::test]
async fn the_guard_of_issuance_waits_for_the_boxs_own_note() {
    let app = App::start_with_keys(SUBJECTS).await;
    let round = app.frozen_cycle().await;
    let to_issuance = json!({"to": "issuance"});
    let move_on = round.plan.path("/advance");
    app.secretary().await.post(&move_on, to_issuance.clone()).await.expect_problem(409, "guard_not_met");

    let folder = round.plan.round_folder(&app).await;
    let forged = round.manifest.sign_note(&crate::harness::rounds::log_key()).unwrap().replace("— ", "— x");
    folder.write(&Document::ManifestNote, forged.as_bytes()).unwrap();
    let refused = app.secretary().await.with_key("forged").post(&round.plan.path("/manifest"), json!({})).await;
    refused.expect_problem(409, "box_not_ready");

    round.publish_note(&app).await;
    round.plan.freeze(&app).await;
    app.secretary().await.post(&move_on, to_issuance).await.expect(200);
}

#[tokio::test]
async fn no_manifest_is_frozen_under_another_log_key_than_the_one_agreed() {
    let theirs = signing::public_key(&log_key());
    for (agreed, status) in [([9; 32], 409), (theirs.0, 200)] {
        let app = App::start_dealing(SUBJECTS, |config| config.box_key = Some(agreed)).await;
        let plan = app.drawn_cycle().await;
        plan.work(&app, "/keys", "keys").await;
        app.publish_box_keys();

        let answer = app.secretary().await.with_key("freeze").post(&plan.path("/manifest"), json!({})).await;

        if status == 409 {
            let refused = answer.expect_problem(409, "box_not_ready");
            assert!(refused.body["detail"].as_str().unwrap().contains(&theirs.to_string()), "{}", refused.body);
        } else {
            answer.expect(status);
        }
    }
}

#[tokio::test]
async fn the_first_manifest_pins_the_boxs_log_key_for_all_that_follow() {
    let app = App::start_with_keys(SUBJECTS).await;
    let plan = app.drawn_cycle().await;
    plan.work(&app, "/keys", "keys").await;
    // As if of a cycle before, under the log key of another box.
    let earlier = BallotRound::publish(&app.publication()).manifest.bytes().to_vec();
    let id = plan.cycle_id.parse().unwrap();
    let put = move |conn: &mut ejf::db::Conn| store::cycles::put_document(conn, id, 1, "manifest-0.json", &earlier);
    app.registry().0.write(put).await.unwrap();
    app.publish_box_keys();

    let refused = app.secretary().await.with_key("freeze").post(&plan.path("/manifest"), json!({})).await;

    refused.expect_problem(409, "box_not_ready");
}

#[tokio::test]
async fn work_on_a_cycle_is_a_secretarys_and_in_its_phase() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let secretary = app.secretary().await.with_key("early");
    for path in ["/keys", "/manifest"] {
        secretary.post(&plan.path(path), json!({})).await.expect_problem(409, "wrong_phase");
    }
    secretary.post(&plan.path("/ledgers"), json!({})).await.expect_problem(409, "guard_not_met");
    for path in ["/keys", "/manifest", "/ledgers", "/results"] {
        let unknown = format!("/v1/cycles/{NOBODY}{path}");
        secretary.post(&unknown, json!({})).await.expect_problem(404, "not_found");
        for role in [StaffRole::Administrator, StaffRole::Member, StaffRole::AppealMember, StaffRole::Auditor] {
            app.staff(role)
                .await
                .with_key("theirs")
                .post(&plan.path(path), json!({}))
                .await
                .expect_problem(403, "forbidden");
        }
        let judge = plan.subjects[0].client(&app).await;
        judge.with_key("theirs").post(&plan.path(path), json!({})).await.expect_problem(403, "forbidden");
    }
    secretary.get(&format!("/v1/jobs/{NOBODY}")).await.expect_problem(404, "not_found");
    secretary.get("/v1/me/assignments").await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_judge_collects_all_credentials_at_once_and_a_repeat_gets_the_same_bytes() {
    let app = App::start_with_keys(SUBJECTS).await;
    let round = app.frozen_cycle().await;
    let judge = round.reviewer(&app).await.client(&app).await;
    let (cards, request) = round.blind(&judge).await;

    let first = judge.post("/v1/me/credentials", request.clone()).await.expect(200);
    let second = judge.post("/v1/me/credentials", request.clone()).await.expect(200);

    assert_eq!(first.text, second.text);
    // Finishing verifies each signature under the key of the manifest.
    cards.iter().for_each(|card| drop(round.finalize(card, &first.body)));
    assert!(assignments(&judge).await.iter().all(|assignment| assignment["state"] == "issued"));
    let counts = all_items(&app.secretary().await, &round.plan.path("/issuance")).await;
    let issued: u64 = counts.iter().map(|count| count["issued_count"].as_u64().unwrap()).sum();
    assert_eq!(issued, cards.len() as u64);
    assert!(counts.iter().all(|count| count["panel_size"] == 14));
    let entries = app.registry().0.read(|conn| store::audit::list(conn, None, None, 10_000)).await.unwrap();
    let collected: Vec<_> = entries.iter().filter(|entry| entry.act == "collect_credentials").collect();
    assert_eq!(collected.len(), 1);
    assert_eq!(collected[0].occurred_at, collected[0].occurred_at.date().and_hms_opt(0, 0, 0).unwrap());
    assert_eq!((collected[0].object_type.as_str(), &collected[0].judge_id), ("cycle", &None));

    let (_, other) = (cards, other_messages(&request));
    judge.post("/v1/me/credentials", other).await.expect_problem(409, "credential_already_issued");
}

/// The same request with other, valid messages.
fn other_messages(request: &Value) -> Value {
    let mut other = request.clone();
    for one in other["requests"].as_array_mut().unwrap() {
        let mut number = [0; 384];
        number[383] = 5;
        one["blinded_msg"] = json!(Blob(number.to_vec()));
    }
    other
}

#[tokio::test]
async fn a_credential_request_is_refused_whole_for_each_fault_in_its_order() {
    let app = App::start_with_keys(SUBJECTS).await;
    let round = app.frozen_cycle().await;
    let reviewer = round.reviewer(&app).await;
    let judge = reviewer.client(&app).await;
    let (_, good) = round.blind(&judge).await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    let wrong_digest = json!(Bytes([9; 32]));
    let zero = json!(Blob(vec![0; 384]));
    let too_large = json!(Blob(vec![255; 384]));
    let cases: Vec<(Value, u16, &str)> = vec![
        (with(&|r| r["requests"] = json!([])), 422, "invalid"),
        (with(&|r| r["manifest_digest"] = json!("x")), 422, "invalid"),
        (
            with(&|r| {
                r["requests"][0]["assignment_id"] = json!(NOBODY);
                r["manifest_digest"] = wrong_digest.clone();
            }),
            403,
            "not_assigned",
        ),
        (
            with(&|r| {
                r["manifest_digest"] = wrong_digest.clone();
                drop(r["requests"].as_array_mut().unwrap().pop());
            }),
            412,
            "manifest_mismatch",
        ),
        (with(&|r| drop(r["requests"].as_array_mut().unwrap().pop())), 422, "incomplete_request"),
        (with(&|r| r["requests"][1] = r["requests"][0].clone()), 422, "incomplete_request"),
        (with(&|r| r["requests"][0]["issuer_id"] = json!("other")), 422, "incomplete_request"),
        (with(&|r| r["requests"][0]["key_id"] = wrong_digest.clone()), 422, "incomplete_request"),
        (with(&|r| r["requests"][0]["blinded_msg"] = zero.clone()), 422, "bad_blinded_msg"),
        (with(&|r| r["requests"][1]["blinded_msg"] = too_large.clone()), 422, "bad_blinded_msg"),
        (with(&|r| r["requests"][1]["blinded_msg"] = json!("AAAA")), 422, "bad_blinded_msg"),
        (with(&|r| r["requests"][1]["blinded_msg"] = json!("not base64url!")), 422, "bad_blinded_msg"),
    ];
    for (request, status, code) in cases {
        judge.post("/v1/me/credentials", request).await.expect_problem(status, code);
    }
    assert!(assignments(&judge).await.iter().all(|assignment| assignment["state"] == "drawn"));
    app.secretary().await.post("/v1/me/credentials", good.clone()).await.expect_problem(403, "forbidden");
    for other in round.plan.judges().filter(|judge| judge.id != reviewer.id).take(1) {
        let other = other.client(&app).await;
        other.post("/v1/me/credentials", good.clone()).await.expect_problem(403, "not_assigned");
    }
    judge.post("/v1/me/credentials", good).await.expect(200);
}

/// A request for the credential of an assignment that no key fits; whether it comes in time is asked first.
pub fn unfit_request(frozen: &Value, assignment: &Value) -> Value {
    json!({"manifest_digest": frozen["manifest_digest"], "requests": [{
        "assignment_id": assignment["id"], "issuer_id": "council", "key_id": Bytes([0; 32]), "blinded_msg": "AAAA",
    }]})
}

#[tokio::test]
async fn credentials_are_issued_by_date_alone() {
    let app = App::start_with_keys(SUBJECTS).await;
    let plan = app.drawn_cycle().await;
    plan.work(&app, "/keys", "keys").await;
    app.publish_box_keys();
    let frozen = plan.freeze(&app).await;
    let judge = &plan.others[0];
    let open = assignments(&judge.client(&app).await).await;
    let request = unfit_request(&frozen, &open[0]);

    let early = judge.client(&app).await.post("/v1/me/credentials", request.clone()).await;
    plan.pass(&app, "issue_close").await;
    let late = judge.client(&app).await.post("/v1/me/credentials", request).await;

    early.expect_problem(425, "too_early");
    late.expect_problem(410, "window_closed");
    let recuse = format!("/v1/me/assignments/{}/recuse", open[0]["id"].as_str().unwrap());
    let judge = judge.client(&app).await;
    judge.post(&recuse, json!({"reason": "conflict"})).await.expect_problem(410, "window_closed");
    app.go_to(&plan.day(&app, "submit_open").await);
    assert_eq!(assignments(&plan.others[0].client(&app).await).await, Vec::<Value>::new());
}

#[tokio::test]
async fn whoever_leaves_a_panel_is_followed_by_the_next_of_the_reserve() {
    let app = App::start_with_keys(SUBJECTS).await;
    let round = app.frozen_cycle().await;
    let reviewer = round.reviewer(&app).await;
    let judge = reviewer.client(&app).await;
    let (_, request) = round.blind(&judge).await;
    let left = assignments(&judge).await.remove(0);
    let path = format!("/v1/me/assignments/{}/recuse", left["id"].as_str().unwrap());
    for other in round.plan.judges().filter(|other| other.id != reviewer.id).take(1) {
        let other = other.client(&app).await;
        other.post(&path, json!({"reason": "conflict"})).await.expect_problem(404, "not_found");
    }
    judge.post(&path, json!({"reason": "dislike"})).await.expect_problem(400, "malformed");

    let answer = judge.with_key("leave").post(&path, json!({"reason": "no_contact"})).await.expect(200);

    assert_eq!(answer.body["state"], "recused");
    judge.with_key("leave").post(&path, json!({"reason": "no_contact"})).await.expect(200);
    judge.post(&path, json!({"reason": "no_contact"})).await.expect_problem(409, "wrong_phase");
    judge.post("/v1/me/credentials", request).await.expect_problem(403, "recused");
    let counts = all_items(&app.secretary().await, &round.plan.path("/issuance")).await;
    assert!(counts.iter().all(|count| count["panel_size"] == 14), "{counts:?}");
    let mut followers = 0;
    for other in round.plan.judges().filter(|other| other.id != reviewer.id) {
        let own = assignments(&other.client(&app).await).await;
        followers += own.iter().filter(|one| one["evaluation_id"] == left["evaluation_id"]).count();
    }
    assert_eq!(followers, 14);

    round.collect(&judge).await;
    let issued = assignments(&judge).await.into_iter().find(|one| one["state"] == "issued").unwrap();
    let path = format!("/v1/me/assignments/{}/recuse", issued["id"].as_str().unwrap());
    judge.post(&path, json!({"reason": "conflict"})).await.expect_problem(409, "credential_already_issued");
}

#[tokio::test]
async fn the_ledger_holds_every_credential_and_ends_issuance() {
    let app = App::start_with_keys(SUBJECTS).await;
    let round = app.frozen_cycle().await;
    let judge = round.reviewer(&app).await;
    let (cards, request) = round.blind(&judge.client(&app).await).await;
    judge.client(&app).await.post("/v1/me/credentials", request.clone()).await.expect(200);
    let secretary = app.secretary().await.with_key("early");
    secretary.post(&round.plan.path("/ledgers"), json!({})).await.expect_problem(425, "too_early");

    let ledger = round.ledger(&app).await;

    ledger.verify(&round.manifest).unwrap();
    for (card, sent) in cards.iter().zip(request["requests"].as_array().unwrap()) {
        let blinded: Blob = serde_json::from_value(sent["blinded_msg"].clone()).unwrap();
        let id: uuid::Uuid = card.assignment_id.parse().unwrap();
        let key_id = round.manifest.key_id(&card.subject_ref, "council").unwrap();
        assert!(ledger.holds(&card.subject_ref, &entry(&key_id, &Bytes(*id.as_bytes()), &blinded.0)));
        assert_eq!(ledger.count(&card.subject_ref, &key_id), Some(1));
    }
    assert_eq!(ledger.subjects.iter().map(|subject| subject.entries.len()).sum::<usize>(), cards.len());
    let again = app.secretary().await.with_key("again").post(&round.plan.path("/ledgers"), json!({})).await.expect(200);
    assert_eq!(again.body["ledgers"][0]["digest"], json!(sha256(&[&ledger.to_bytes().unwrap()])));
    assert_eq!(app.db_acts().await.iter().filter(|act| *act == "publish_ledgers").count(), 1);
}
