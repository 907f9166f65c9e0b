//! The end of what was kept for its time: what goes, that it is really gone, what is left of it, and what stays.

use std::collections::BTreeSet;
use std::time::Duration;

use ejf::db::Location;
use ejf::domain::policy::StaffRole;
use ejf::domain::retention::{Permanent, RetentionCategory};
use ejf::store;
use ejf::workflow::retention_runs::step;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::acts::act;
use crate::audit_log::found;
use crate::ballot_storage::places_of;
use crate::harness::{App, Judge};
use crate::records::{listed, told, training};
use crate::retention::{HOLDS, PREVIEW, SCHEDULES, course, kept_for_a_year};

const RUNS: &str = "/v1/retention/runs";
/// A word that stands nowhere else.
const NEEDLE: &str = "Zhetysu needle 7731";

impl App {
    /// Two secretaries have what is due destroyed; the run once it ended.
    async fn destroyed(&self, schedule_id: &str) -> Value {
        // Runs are listed by when they began.
        self.clock.advance(chrono::TimeDelta::seconds(1));
        self.by_two(&format!("{SCHEDULES}/{schedule_id}/run"), json!({})).await;
        self.ended_run().await
    }

    /// The last run, once it ended.
    async fn ended_run(&self) -> Value {
        let asking = async {
            loop {
                let runs = self.secretary().await.get(RUNS).await.expect(200).body;
                let last = runs["items"].as_array().unwrap().last().unwrap().clone();
                if last["finished_at"].is_string() {
                    return last;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), asking).await.expect("the run ends")
    }
}

fn path_of(judge: &Judge) -> String {
    format!("/v1/judges/{}/records", judge.id)
}

#[tokio::test]
async fn what_was_kept_for_its_time_is_gone_with_its_bytes_and_the_proof_holds_nothing_of_it() {
    let app = App::start().await;
    let schedule = app.adopted_retention(kept_for_a_year()).await;
    let judge = app.judge().await;
    let mut said = training(40);
    said["training"]["provider"] = json!(NEEDLE);
    let secretary = app.secretary().await;
    secretary.post(&path_of(&judge), told(said, json!({}))).await.expect(201);
    let bytes = NEEDLE.repeat(2000);
    let documents = format!("/v1/judges/{}/documents", judge.id);
    secretary.post_document(&documents, "text/plain", "order.txt", bytes.as_bytes()).await.expect(201);
    let is_in_files = matches!(app.db.registry, Location::Sqlite(_));
    assert_eq!(places_of(&app, NEEDLE.as_bytes()).is_empty(), !is_in_files, "the search finds what is there");
    app.go_to("2028-02-01");

    let run = app.destroyed(&schedule).await;

    assert_eq!((&run["destroyed_count"], &run["kept_count"]), (&json!(2), &json!(0)));
    assert_eq!(listed(&judge.client(&app).await, &path_of(&judge)).await, [""; 0]);
    let left = crate::traps::dump::registry(&app).await;
    let hex: String = NEEDLE.bytes().map(|byte| format!("{byte:02X}")).collect();
    for (table, rows) in left {
        let tells = rows.iter().any(|row| row.contains(NEEDLE) || row.to_uppercase().contains(&hex));
        assert!(!tells, "{table} still tells of it");
    }
    assert_eq!(places_of(&app, NEEDLE.as_bytes()), [""; 0], "not even in the bytes of a file");
    let auditor = app.staff(StaffRole::Auditor).await;
    let run_path = format!("{RUNS}/{}", run["id"].as_str().unwrap());
    let detail = auditor.get(&run_path).await.expect(200).body;
    let counted = json!([{"category": "document", "record_count": 1}, {"category": "training", "record_count": 1}]);
    assert_eq!(detail["destroyed"], counted);
    let tombstones = auditor.get(&format!("{run_path}/tombstones")).await.expect(200).body;
    let editions = auditor.get(SCHEDULES).await.expect(200).body;
    let edition = editions["items"][0]["digest"].as_str().unwrap();
    let mut proof = format!("ejf destruction {} {edition} 2028-02-01\n", run["id"].as_str().unwrap());
    for one in tombstones["items"].as_array().unwrap() {
        let [id, category, digest] = ["record_id", "category", "digest"].map(|name| one[name].as_str().unwrap());
        proof += &format!("{id} {category} {digest}\n");
    }
    let proof: String = Sha256::digest(proof).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(run["proof_digest"], proof);
    let entries = app.registry().0.read(|conn| store::audit::list(conn, None, None, 1_000)).await.unwrap();
    assert!(entries.iter().any(|entry| entry.act == "destroy_records" && entry.digest.as_deref() == Some(&proof)));
    app.audit_log().checkpoint(app.registry()).await.unwrap();
    assert!(found(&app).await.is_intact(), "the log that tells of it verifies");
}

#[tokio::test]
async fn a_judge_sees_what_was_destroyed_of_the_own_file_and_when_and_nobody_else_does() {
    let app = App::start().await;
    let schedule = app.adopted_retention(kept_for_a_year()).await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let record = course(&app, &judge, json!({})).await;
    app.go_to("2028-02-01");
    let run = app.destroyed(&schedule).await;

    let path = format!("/v1/judges/{}/destroyed-records", judge.id);
    let told = judge.client(&app).await.get(&path).await.expect(200).body;

    let gone = &told["items"][0];
    assert_eq!((&gone["record_id"], &gone["category"]), (&json!(record), &json!("training")));
    assert_eq!(gone["retention_run_id"], run["id"]);
    assert!(gone["destroyed_at"].as_str().unwrap().starts_with("2028-02-01"));
    other.client(&app).await.get(&path).await.expect_problem(404, "not_found");
    app.secretary().await.get(&path).await.expect_problem(403, "forbidden");
    judge.client(&app).await.get(&format!("{}/{record}", path_of(&judge))).await.expect_problem(404, "not_found");
    let summary = judge.client(&app).await.get(&format!("/v1/judges/{}/file", judge.id)).await.expect(200).body;
    assert_eq!(summary["sections"], json!([]), "the summary that was kept is not shown any more");
}

#[tokio::test]
async fn a_hold_on_a_file_a_record_or_an_evaluation_blocks_destruction_until_it_is_lifted() {
    let app = App::start().await;
    let schedule = app.adopted_retention(kept_for_a_year()).await;
    let plan = app.planned_cycle().await;
    let (by_judge, by_record, free) = (app.judge().await, app.judge().await, app.judge().await);
    let subject = &plan.subjects[0];
    let mut ids = Vec::new();
    for judge in [&by_judge, &by_record, subject, &free] {
        ids.push(course(&app, judge, json!({})).await);
    }
    let evaluation = plan.evaluation_of(&app, subject).await;
    let cancelled = format!("/v1/evaluations/{evaluation}/cancel");
    app.by_two(&cancelled, json!({"reason": "The judge has left office."})).await;
    let mut holds = Vec::new();
    for what in [
        json!({"judge_id": by_judge.id}),
        json!({"judge_id": by_record.id, "record_id": ids[1]}),
        json!({"evaluation_id": evaluation}),
    ] {
        let mut body = json!({"reason": "Сотта талап қаралуда.", "legal_basis": "АПК 73-бап"});
        body.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        holds.push(app.secretary().await.post(HOLDS, body).await.expect(201).id());
    }
    app.go_to("2028-02-01");

    let run = app.destroyed(&schedule).await;

    assert_eq!((&run["destroyed_count"], &run["kept_count"]), (&json!(1), &json!(3)));
    let left = async |judge: &Judge| listed(&judge.client(&app).await, &path_of(judge)).await.len();
    for judge in [&by_judge, &by_record, subject] {
        assert_eq!(left(judge).await, 1, "what is held stays");
    }
    assert_eq!(left(&free).await, 0);
    for hold in holds {
        let lift = format!("{HOLDS}/{hold}/lift");
        app.secretary().await.post(&lift, json!({"reason": "Талап шешілді."})).await.expect(200);
    }
    let run = app.destroyed(&schedule).await;
    assert_eq!((&run["destroyed_count"], &run["kept_count"]), (&json!(3), &json!(0)));
}

/// The ids that a preview says would go: of those not kept, each with what goes with it; and those that are kept.
async fn previewed(app: &App) -> [BTreeSet<String>; 2] {
    let [mut going, mut kept] = [BTreeSet::new(), BTreeSet::new()];
    let mut path = format!("{PREVIEW}?limit=3");
    loop {
        let page = app.secretary().await.get(&path).await.expect(200).body;
        for item in page["items"].as_array().unwrap() {
            let found = if item["kept_because"].is_null() { &mut going } else { &mut kept };
            found.insert(item["record_id"].as_str().unwrap().to_owned());
            found.extend(item["goes_with"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()));
        }
        let Some(cursor) = page["next_cursor"].as_str() else { return [going, kept] };
        path = format!("{PREVIEW}?limit=3&cursor={cursor}");
    }
}

/// A judge of whom something of every kind that has a period is recorded, and some of it about another.
async fn judge_with_every_kind(app: &App, court: &str) -> (Judge, BTreeSet<String>) {
    let judge = app.judge_at(court).await;
    let path = |part: &str| format!("/v1/judges/{}/{part}", judge.id);
    let secretary = app.secretary().await;
    let mut ids = BTreeSet::new();
    let first = course(app, &judge, json!({})).await;
    let claim = json!({"record_type": "record", "record_id": first, "claim": "Басқа курс болды."});
    let request = judge.client(app).await.post(&path("correction-requests"), claim).await.expect(201).id();
    let newer = course(app, &judge, json!({"supersedes_id": first})).await;
    let decide = format!("/v1/correction-requests/{request}/decide");
    secretary.post(&decide, json!({"outcome": "accepted", "reason": "Түзетілді, рахмет."})).await.expect(200);
    let about = json!({"record_type": "record", "record_id": newer});
    let statement = json!({"content": {"judge_statement": {"text": "Курс пайдалы болды.", "about": about}}});
    ids.insert(judge.client(app).await.post("/v1/me/records", statement).await.expect(201).id());
    ids.insert(secretary.post(&path("acts"), act(json!({}))).await.expect(201).id());
    let value = json!({"indicator_code": "resolved", "category": "civil", "period": "2026-Q3", "numerator": 214,
        "source_system": "toerelik", "as_of": "2026-10-05"});
    ids.insert(secretary.post(&path("observations"), value).await.expect(201).id());
    let degree = json!({"education": {"degree": "LL.M.", "institution": "ҚазҰУ", "year": 2008}});
    ids.insert(secretary.post(&path("records"), told(degree, json!({}))).await.expect(201).id());
    let order = json!({"purpose": "competition", "recipient": "Конкурстық комиссия", "expires_on": "2027-03-31"});
    ids.insert(secretary.post(&path("extracts"), order).await.expect(201).id());
    let document = secretary.post_document(&path("documents"), "text/plain", "order.txt", b"order").await;
    ids.insert(document.expect(201).id());
    ids.extend([first, newer, request]);
    (judge, ids)
}

#[tokio::test]
async fn a_run_destroys_exactly_what_its_preview_listed_and_leaves_the_rest() {
    let app = App::start().await;
    let schedule = app.adopted_retention(kept_for_a_year()).await;
    let court = app.court("Алмалы ауданы").await;
    let (_, gone) = judge_with_every_kind(&app, &court).await;
    let (held, stays) = judge_with_every_kind(&app, &court).await;
    let hold = json!({"judge_id": held.id, "reason": "Сотта талап қаралуда.", "legal_basis": "АПК 73-бап"});
    app.secretary().await.post(HOLDS, hold).await.expect(201);
    app.go_to("2028-02-01");
    let file = format!("/v1/judges/{}/file?view=full", held.id);
    let before = held.client(&app).await.get(&file).await.expect(200).body;

    let [going, kept] = previewed(&app).await;
    let run = app.destroyed(&schedule).await;

    assert_eq!(
        (&going, &kept),
        (&gone, &stays),
        "every kind that has a period is known, and what goes with it is named"
    );
    let tombstones = format!("{RUNS}/{}/tombstones?limit=100", run["id"].as_str().unwrap());
    let left = app.secretary().await.get(&tombstones).await.expect(200).body;
    let destroyed: BTreeSet<String> =
        left["items"].as_array().unwrap().iter().map(|one| one["record_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(destroyed, going);
    assert_eq!(run["destroyed_count"], going.len());
    let after = held.client(&app).await.get(&file).await.expect(200).body;
    for part in ["records", "acts", "observations", "correction_requests", "positions"] {
        assert_eq!(after[part], before[part], "{part}");
    }
    let [going, still] = previewed(&app).await;
    assert_eq!((going, still), (BTreeSet::new(), stays));
}

#[tokio::test]
async fn what_has_no_period_is_named_by_the_edition_and_nothing_of_it_is_destroyed() {
    let app = App::start().await;
    let mut rules = kept_for_a_year();
    for rule in rules["rules"].as_array_mut().unwrap() {
        rule["kept_months"] = Value::Null;
    }
    let schedule = app.adopted_retention(rules).await;
    let (judge, _) = judge_with_every_kind(&app, &app.court("Алмалы ауданы").await).await;
    let conflict = json!({"judge_id": judge.id, "other_judge_id": app.judge().await.id, "kind": "relative",
        "starts_on": "2026-01-01"});
    judge.client(&app).await.post("/v1/conflicts", conflict).await.expect(201);
    app.go_to("2040-02-01");
    let before = crate::traps::dump::registry(&app).await;

    let preview = app.secretary().await.get(PREVIEW).await.expect(200).body;
    let run = app.destroyed(&schedule).await;

    assert_eq!(preview["items"], json!([]));
    let edition = &app.secretary().await.get(SCHEDULES).await.expect(200).body["items"][0];
    assert_eq!(edition["without_period"], json!(RetentionCategory::ALL));
    assert_eq!(edition["permanent"], json!(Permanent::ALL));
    assert_eq!((&run["destroyed_count"], &run["kept_count"]), (&json!(0), &json!(0)));
    let after = crate::traps::dump::registry(&app).await;
    let of_judges = [
        "judges",
        "positions",
        "conflicts",
        "file_records",
        "document_contents",
        "observations",
        "acts",
        "correction_requests",
        "extracts",
    ];
    for (table, rows) in &before {
        if of_judges.contains(&table.as_str()) {
            assert!(!rows.is_empty(), "{table}");
            assert_eq!(after.get(table), Some(rows), "{table}");
        }
    }
}

#[tokio::test]
async fn what_is_disputed_or_of_a_judge_under_evaluation_is_kept() {
    let app = App::start().await;
    let schedule = app.adopted_retention(kept_for_a_year()).await;
    let plan = app.planned_cycle().await;
    let (subject, judge) = (&plan.subjects[0], app.judge().await);
    course(&app, subject, json!({})).await;
    let record = course(&app, &judge, json!({})).await;
    let claim = json!({"record_type": "record", "record_id": record, "claim": "Басқа судьяға қатысты."});
    let requests = format!("/v1/judges/{}/correction-requests", judge.id);
    judge.client(&app).await.post(&requests, claim).await.expect(201);
    app.go_to("2028-02-01");

    let due = app.secretary().await.get("/v1/retention/preview?category=training").await.expect(200).body;
    let run = app.destroyed(&schedule).await;

    let mut why: Vec<_> = due["items"].as_array().unwrap().iter().map(|one| one["kept_because"].clone()).collect();
    why.sort_by_key(ToString::to_string);
    assert_eq!(why, ["disputed", "under_evaluation"]);
    assert_eq!((&run["destroyed_count"], &run["kept_count"]), (&json!(0), &json!(2)));
}

#[tokio::test]
async fn versions_go_together_by_the_last_and_take_with_them_what_was_said_about_any_of_them() {
    let app = App::start().await;
    let schedule = app.adopted_retention(kept_for_a_year()).await;
    let judge = app.judge().await;
    let own = judge.client(&app).await;
    let first = course(&app, &judge, json!({})).await;
    let requests = format!("/v1/judges/{}/correction-requests", judge.id);
    let claim = json!({"record_type": "record", "record_id": first, "claim": format!("{NEEDLE} is wrong.")});
    let request = own.post(&requests, claim).await.expect(201).id();
    let about = json!({"record_type": "record", "record_id": first});
    let statement = json!({"content": {"judge_statement": {"text": NEEDLE, "about": about}}});
    own.post("/v1/me/records", statement).await.expect(201);
    app.go_to("2027-12-01");
    let newer = course(&app, &judge, json!({"supersedes_id": first})).await;
    let decide = format!("/v1/correction-requests/{request}/decide");
    let accepted = json!({"outcome": "accepted", "reason": "Жаңа жазба енгізілді."});
    app.secretary().await.post(&decide, accepted).await.expect(200);
    app.go_to("2028-02-01");

    // The statement is a year old; the first version is, too, and stays as long as the last.
    let early = app.destroyed(&schedule).await;
    assert_eq!(early["destroyed_count"], 1);
    assert_eq!(listed(&judge.client(&app).await, &path_of(&judge)).await, [first, newer]);
    app.go_to("2028-12-01");
    let late = app.destroyed(&schedule).await;

    assert_eq!(late["destroyed_count"], 3, "both versions and the request");
    assert_eq!(judge.client(&app).await.get(&requests).await.expect(200).body["items"], json!([]));
    assert_eq!(places_of(&app, NEEDLE.as_bytes()), [""; 0]);
}

#[tokio::test]
async fn a_run_that_was_killed_in_the_middle_goes_on_and_destroys_nothing_by_halves() {
    let app = App::start().await;
    let schedule = app.adopted_retention(kept_for_a_year()).await;
    let judge = app.judge().await;
    for _ in 0..3 {
        course(&app, &judge, json!({})).await;
        app.clock.advance(chrono::TimeDelta::seconds(1));
    }
    let value = json!({"indicator_code": "resolved", "category": "civil", "period": "2026-Q3", "numerator": 214,
        "source_system": "toerelik", "as_of": "2026-10-05"});
    app.secretary().await.post(&format!("/v1/judges/{}/observations", judge.id), value).await.expect(201);
    let accounts = [
        app.db_add_account("first-one", Some(StaffRole::Secretary), None).await,
        app.db_add_account("second-one", Some(StaffRole::Secretary), None).await,
    ];
    app.go_to("2028-02-01");
    let (cipher, now) = (app.cipher().clone(), app.clock.now());

    // What a kill leaves after the first step: courses are gone, the observed value is not.
    let app = app
        .restarted_over(0, move |conn| {
            let run = store::retention_runs::Run {
                id: ejf::domain::ids::RetentionRunId(ejf::domain::ids::new_at(now)),
                schedule_id: schedule.parse().unwrap(),
                counted_on: "2028-02-01".parse().unwrap(),
                requested_by: accounts[0],
                confirmed_by: accounts[1],
                started_at: now.naive_utc(),
                category: None,
                after_id: None,
                destroyed_count: 0,
                kept_count: 0,
                proof_digest: None,
                finished_at: None,
            };
            store::retention_runs::insert(conn, &run)?;
            assert!(!step(conn, &cipher, run.id, now)?, "there is more to do");
            let (id, judge) = (run.id, judge.id);
            assert_eq!(store::retention::tombstones_of_run(conn, id, None, 10)?.len(), 3);
            assert_eq!(store::observations::list(conn, judge, None, None, 10)?.len(), 1);
            Ok(())
        })
        .await;

    let run = app.ended_run().await;
    assert_eq!(run["destroyed_count"], 4);
    assert!(run["proof_digest"].is_string());
    let entries = app.registry().0.read(|conn| store::audit::list(conn, None, None, 1_000)).await.unwrap();
    let trail = entries.iter().filter(|entry| entry.act == "destroy_record").count();
    assert_eq!(trail, 4, "each record has one trail, and no second one");
}

#[tokio::test]
async fn two_runs_are_not_under_way_at_once_and_one_person_starts_none() {
    let app = App::start().await;
    let schedule = app.adopted_retention(kept_for_a_year()).await;
    let secretary = app.secretary().await;
    let path = format!("{SCHEDULES}/{schedule}/run");

    let asked = secretary.with_key("once").post(&path, json!({})).await.expect(202).body;

    assert_eq!(asked["parameters"], json!({"counted_on": "2027-01-11"}));
    let confirm = format!("/v1/approvals/{}/confirm", asked["id"].as_str().unwrap());
    let word = json!({"digest": asked["digest"]});
    secretary.post(&confirm, word).await.expect_problem(409, "second_person_required");
    assert_eq!(secretary.get(RUNS).await.expect(200).body["items"], json!([]));
}
