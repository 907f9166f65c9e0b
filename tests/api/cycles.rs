//! A cycle from its plan to the draw.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use ejf::domain::draw::{self, DrawRecord};
use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::plans::{Plan, all_items};
use crate::harness::{Answer, App, Client, Judge};
use crate::requests::{Operation, Request, World, document, operations};

#[tokio::test]
async fn a_cycle_is_planned_with_days_that_follow_from_its_methodology() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;

    let cycle = plan.cycle(&app).await;

    assert_eq!((&cycle["phase"], &cycle["dates"]["starts_on"]), (&json!("draft"), &json!("2027-02-01")));
    let days =
        ["starts_on", "file_review_open", "pool_review_open", "issue_open", "submit_open", "submit_close", "seal_by"];
    let dates: Vec<&str> = days.iter().map(|day| cycle["dates"][*day].as_str().unwrap()).collect();
    assert!(dates.is_sorted(), "{dates:?}");
    assert_eq!(all_items(&app.secretary().await, &plan.path("/evaluations")).await.len(), 10);
}

#[tokio::test]
async fn every_fault_of_a_new_cycle_is_named() {
    let app = App::start().await;
    let judge = app.judge().await;
    let methodology_id = app.published_methodology().await;
    let secretary = app.secretary().await;
    let nobody = "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11";
    let body = |change: Value| {
        let mut body = json!({
            "methodology_id": methodology_id, "evaluating_body": "council", "title_kk": "x", "title_ru": "x",
            "starts_on": "2027-02-01", "subjects": [{"judge_id": judge.id, "kind": "periodic"}],
        });
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let twice = json!([{"judge_id": judge.id, "kind": "periodic"}, {"judge_id": judge.id, "kind": "chair"}]);
    let cases = [
        (json!({"methodology_id": nobody}), "/methodology_id", "missing"),
        (json!({"starts_on": "2026-12-31"}), "/starts_on", "order"),
        (json!({"starts_on": "+262142-12-31"}), "/starts_on", "format"),
        (json!({"evaluating_body": "Сапа жөніндегі комиссия"}), "/evaluating_body", "format"),
        (json!({"title_kk": "  "}), "/title_kk", "length"),
        (json!({"subjects": [{"judge_id": nobody, "kind": "periodic"}]}), "/subjects/0/judge_id", "missing"),
        (json!({"subjects": []}), "/subjects", "length"),
        (json!({"subjects": twice}), "/subjects/1/judge_id", "duplicate"),
        (
            json!({"subjects": [{"judge_id": judge.id, "kind": "periodic", "instrument_id": "none"}]}),
            "/subjects/0/instrument_id",
            "missing",
        ),
    ];
    for (change, pointer, code) in cases {
        let refused = secretary.post("/v1/cycles", body(change.clone())).await.expect_problem(422, "invalid");
        assert_eq!(refused.faults(), [(pointer.to_owned(), code.to_owned())], "{change}");
    }
}

#[tokio::test]
async fn a_cycle_of_too_few_subjects_is_not_opened() {
    let app = App::start().await;
    let judge = app.judge().await;
    let methodology_id = app.published_methodology().await;
    let body = json!({
        "methodology_id": methodology_id, "evaluating_body": "council", "title_kk": "x", "title_ru": "x",
        "starts_on": "2027-02-01", "subjects": [{"judge_id": judge.id, "kind": "periodic"}],
    });
    let secretary = app.secretary().await;
    let id = secretary.post("/v1/cycles", body).await.expect(201).id();

    let refused = secretary.with_key("open").post(&format!("/v1/cycles/{id}/open"), json!({})).await;

    refused.expect_problem(409, "guard_not_met");
}

#[tokio::test]
async fn a_move_out_of_turn_is_refused_and_the_one_that_helps_is_named() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let secretary = app.secretary().await;

    let skipped = secretary.post(&plan.path("/advance"), json!({"to": "issuance"})).await;
    let alone = secretary.post(&plan.path("/advance"), json!({"to": "announced"})).await;

    let skipped = skipped.expect_problem(409, "wrong_phase");
    assert!(skipped.body["detail"].as_str().unwrap().contains("announcement"), "{}", skipped.text);
    alone.expect_problem(409, "approval_required");
    plan.open(&app).await;
    let early = app.secretary().await.post(&plan.path("/advance"), json!({"to": "file_review"})).await;
    let early = early.expect_problem(409, "guard_not_met");
    let day = plan.day(&app, "file_review_open").await;
    assert!(early.body["detail"].as_str().unwrap().contains(&day), "{}", early.text);
}

#[tokio::test]
async fn a_subject_sees_the_pool_and_challenges_a_person_before_the_draw() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let (subject, stranger) = (&plan.subjects[0], &plan.subjects[1]);
    let evaluation = plan.evaluation_of(&app, subject).await;
    let challenges = format!("/v1/evaluations/{evaluation}/challenges");
    let challenge = |entry: &Value| json!({"pool_entry_id": entry, "ground": "We were opposing parties in 2025."});
    let nobody = json!("019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11");
    subject.client(&app).await.post(&challenges, challenge(&nobody)).await.expect_problem(425, "too_early");
    plan.to_pool_review(&app).await;

    let pool = all_items(&subject.client(&app).await, &format!("/v1/evaluations/{evaluation}/pool-entries")).await;
    assert_eq!(pool.len(), 25);
    let (first, second) = (&pool[0]["id"], &pool[1]["id"]);
    stranger.client(&app).await.post(&challenges, challenge(first)).await.expect_problem(404, "not_found");
    let made = subject.client(&app).await.post(&challenges, challenge(first)).await.expect(201);
    subject.client(&app).await.post(&challenges, challenge(first)).await.expect_problem(409, "already_exists");
    let other = subject.client(&app).await.post(&challenges, challenge(second)).await.expect(201);

    plan.pass(&app, "pool_challenge_close").await;
    subject.client(&app).await.post(&challenges, challenge(&pool[2]["id"])).await.expect_problem(410, "window_closed");
    let secretary = app.secretary().await;
    let undecided = secretary.with_key("draw").post(&plan.path("/draw"), json!({})).await;
    undecided.expect_problem(409, "guard_not_met");
    let member = app.staff(StaffRole::Member).await;
    let decide = |id: String, outcome: &str| {
        let path = format!("/v1/challenges/{id}/decide");
        let body = json!({"outcome": outcome, "reason": "The case is on record."});
        let member = member.clone();
        async move { member.post(&path, body).await }
    };
    decide(made.id(), "accepted").await.expect(200);
    decide(made.id(), "rejected").await.expect_problem(409, "wrong_phase");
    decide(other.id(), "rejected").await.expect(200);

    let left = all_items(&subject.client(&app).await, &format!("/v1/evaluations/{evaluation}/pool-entries")).await;
    assert_eq!(left.len(), 24);
    app.by_two(&plan.path("/draw"), json!({})).await;
    let auditor = app.staff(StaffRole::Auditor).await;
    let record = record(&auditor.get(&plan.path("/draw-record")).await.expect(200).body);
    let challenged = pool[0]["judge_id"].as_str().unwrap();
    let own = record.panels.iter().find(|panel| panel.subject == subject.id.to_string()).unwrap();
    assert!(!own.panel.contains(&challenged.to_owned()) && !own.reserve.contains(&challenged.to_owned()));
}

#[tokio::test]
async fn a_declared_conflict_keeps_a_person_out_and_is_not_told_to_the_subject() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let (subject, relative) = (&plan.subjects[0], &plan.others[0]);
    let conflict = json!({
        "judge_id": subject.id, "other_judge_id": relative.id, "kind": "relative", "starts_on": "2020-01-01",
    });
    app.secretary().await.post("/v1/conflicts", conflict).await.expect(201);

    plan.to_pool_review(&app).await;

    let path = format!("/v1/evaluations/{}/pool-entries", plan.evaluation_of(&app, subject).await);
    let seen = all_items(&subject.client(&app).await, &path).await;
    let known = all_items(&app.secretary().await, &path).await;
    let is_relative = |entry: &&Value| entry["judge_id"] == relative.id.to_string();
    assert!(seen.iter().find(is_relative).is_none());
    assert_eq!(known.iter().find(is_relative).unwrap()["exclusion_reason"], "conflict");
}

#[tokio::test]
async fn an_auditor_repeats_the_draw_from_what_was_committed_to() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    plan.to_pool_review(&app).await;
    let committed = plan.cycle(&app).await["draws"][0]["seed_commitment"].clone();

    plan.draw(&app).await;

    let auditor = app.staff(StaffRole::Auditor).await;
    let opened = auditor.get(&plan.path("/draw-record")).await.expect(200).body;
    let record = record(&opened);
    draw::replay(&record).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(committed, hex(&record.commitment.0));
    assert_eq!(opened["digest"], plan.cycle(&app).await["draws"][0]["record_digest"]);
    for panel in &record.panels {
        assert_eq!(panel.panel.len(), 14);
        assert!(!panel.panel.contains(&panel.subject));
        for reviewer in &panel.panel {
            let back = record.panels.iter().find(|other| other.subject == *reviewer);
            assert!(!back.is_some_and(|back| back.panel.contains(&panel.subject)), "a pair in both directions");
        }
    }
    assert!(app.db_acts().await.contains(&"get_draw_record".to_owned()));

    let file = app.db.folder().join("draw-record.json");
    std::fs::write(&file, opened.to_string()).unwrap();
    let verify = |commitment: &str| {
        let mut ejf = std::process::Command::new(env!("CARGO_BIN_EXE_ejf"));
        let arguments = ["draw", "verify", file.to_str().unwrap(), "--commitment", commitment, "--digest"];
        ejf.args(arguments).arg(opened["digest"].as_str().unwrap()).status().unwrap().code()
    };
    assert_eq!(verify(committed.as_str().unwrap()), Some(0));
    assert_eq!(verify(&"0".repeat(64)), Some(1));
    let mut forged = opened["record"].as_str().unwrap().to_owned();
    forged = forged.replacen(&record.panels[0].panel[0], &record.panels[0].reserve[0], 1);
    std::fs::write(&file, forged).unwrap();
    assert_eq!(verify(committed.as_str().unwrap()), Some(1));
    std::fs::write(&file, "no record").unwrap();
    assert_eq!(verify(committed.as_str().unwrap()), Some(2));
}

/// Pool, algorithm and seed together are the panel, and the first two are public: so the seed must reach nobody else.
/// Every operation that reads is asked, of the cycle as it stands after the draw, as everybody.
#[tokio::test]
async fn nobody_but_an_auditor_can_repeat_a_draw_or_read_a_panel() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let (subject, other) = (&plan.subjects[0], &plan.others[0]);
    let chair = court_chair(&app, &subject.id.to_string()).await;
    plan.to_pool_review(&app).await;
    let evaluation = plan.evaluation_of(&app, subject).await;
    let pool_path = format!("/v1/evaluations/{evaluation}/pool-entries");
    let pool_before = all_items(&subject.client(&app).await, &pool_path).await;
    plan.draw(&app).await;
    let world = drawn_world(&app, &plan).await;
    let opened = app.staff(StaffRole::Auditor).await.get(&plan.path("/draw-record")).await.expect(200).body;
    let seed = record(&opened).seed;
    let hex: String = seed.0.iter().map(|byte| format!("{byte:02x}")).collect();
    // The record is a text of JSON within JSON.
    let secrets = [String::from(seed), hex, r#"\"reserve\":"#.to_owned()];
    let found = secrets.iter().filter(|secret| opened.to_string().contains(secret.as_str()));
    assert!(found.count() >= 2, "what is looked for is there to be found");

    let mut callers = vec![("anonymous".to_owned(), app.anonymous())];
    for role in StaffRole::ALL {
        callers.push((role.to_string(), app.staff(*role).await));
    }
    for (name, judge) in [("subject", subject), ("reviewer", other), ("chair", &chair)] {
        callers.push((name.to_owned(), judge.client(&app).await));
    }
    let document = document();
    let mut answered = 0;
    for operation in all_reads(&document) {
        for (name, caller) in &callers {
            let is_opened = operation.id == "get_draw_record" && name == "auditor";
            for answer in asked(&world, &document, &operation, caller).await {
                answered += usize::from(answer.status == 200);
                let told = secrets.iter().any(|secret| answer.text.contains(secret));
                assert!(is_opened || !told, "{} tells the {name}: {}", operation.id, answer.text);
                assert_eq!(is_opened, operation.id == "get_draw_record" && answer.status == 200, "{name}");
                let names_subject = answer.text.contains(&evaluation) || answer.text.contains(&subject.id.to_string());
                let of_assignments = operation.path.contains("assignment") || answer.text.contains("assignment");
                let is_close = ["subject", "chair", "administrator"].contains(&name.as_str());
                assert!(
                    !(is_close && names_subject && of_assignments),
                    "{} tells the {name} of an assignment to the subject: {}",
                    operation.id,
                    answer.text
                );
            }
        }
    }
    assert!(answered > 100, "only {answered} answers were looked at");
    // The draw changes nothing of what the subject sees of the pool.
    assert_eq!(all_items(&subject.client(&app).await, &pool_path).await, pool_before);
    let fields: Vec<&String> = pool_before[0].as_object().unwrap().keys().collect();
    let shown = [
        "court_group",
        "exclusion_reason",
        "full_name_en",
        "full_name_kk",
        "full_name_ru",
        "id",
        "is_excluded",
        "judge_id",
    ];
    assert!(fields.iter().all(|field| shown.contains(&field.as_str())), "{fields:?}");
}

/// The chair of the court at which a judge sits.
async fn court_chair(app: &App, judge_id: &str) -> Judge {
    let secretary = app.secretary().await;
    let posts = all_items(&secretary, &format!("/v1/judges/{judge_id}/positions?purpose=personnel")).await;
    let chair = app.judge().await;
    let body = json!({
        "court_id": posts[0]["court_id"], "kind": "court_chair", "starts_on": "2020-03-02", "source_system": "hr",
        "as_of": "2027-01-10",
    });
    secretary.post(&format!("/v1/judges/{}/positions", chair.id), body).await.expect(201);
    chair
}

/// The things of a drawn cycle and its first subject, for the paths of every operation that reads.
async fn drawn_world(app: &App, plan: &Plan) -> World {
    let secretary = app.secretary().await;
    let subject = &plan.subjects[0];
    let evaluation = plan.evaluation_of(app, subject).await;
    let pool = all_items(&secretary, &format!("/v1/evaluations/{evaluation}/pool-entries")).await;
    let posts = all_items(&secretary, &format!("/v1/judges/{}/positions?purpose=personnel", subject.id)).await;
    let approvals = all_items(&secretary, "/v1/approvals").await;
    let draw = approvals.iter().find(|approval| approval["act"] == "draw_panels").expect("the draw's approval");
    // No key was dealt, so that the work fails; that it can be read is what matters.
    let job = plan.work(app, "/keys", "keys").await;
    let cycle = plan.cycle(app).await;
    let account = app.db_add_account("somebody", Some(StaffRole::Member), None).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let ids = BTreeMap::from([
        ("account_id", account.to_string()),
        ("approval_id", text(&draw["id"])),
        ("court_id", text(&posts[0]["court_id"])),
        ("cycle_id", plan.cycle_id.clone()),
        ("evaluation_id", evaluation),
        ("job_id", text(&job["id"])),
        ("judge_id", subject.id.to_string()),
        ("methodology_id", text(&cycle["methodology_id"])),
        ("pool_entry_id", text(&pool[0]["id"])),
    ]);
    World { people: Vec::new(), machines: std::collections::BTreeMap::new(), ids }
}

/// Every operation that reads, of the registry's listener.
fn all_reads(document: &Value) -> impl Iterator<Item = Operation> {
    operations(document).into_iter().filter(|operation| operation.method == reqwest::Method::GET)
}

/// The answers to a request as the document has it, and to one for as much as can be had.
async fn asked(world: &World, document: &Value, operation: &Operation, caller: &Client) -> Vec<Answer> {
    let plain = world.request(document, operation);
    let takes = |name: &str| operation.item["parameters"].to_string().contains(&format!("\"name\":\"{name}\""));
    let most = [("limit", "100"), ("purpose", "evaluation"), ("view", "full")];
    let most: Vec<String> =
        most.iter().filter(|(name, _)| takes(name)).map(|(name, value)| format!("{name}={value}")).collect();
    let mut answers = vec![plain.send(caller).await];
    if !most.is_empty() {
        answers.push(Request { query: most.join("&"), ..plain }.send(caller).await);
    }
    answers
}

#[tokio::test]
async fn cycles_are_listed_to_staff_with_what_they_are_and_to_no_judge() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;

    let member = app.staff(StaffRole::Member).await;
    let listed = all_items(&member, "/v1/cycles").await;

    assert_eq!(listed, [plan.cycle(&app).await]);
    assert_eq!(listed[0]["phase"], "draft");
    plan.subjects[0].client(&app).await.get("/v1/cycles").await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn challenges_are_listed_to_their_subject_and_the_commission_with_how_they_end() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    plan.to_pool_review(&app).await;
    let (subject, stranger) = (&plan.subjects[0], &plan.subjects[1]);
    let evaluation = plan.evaluation_of(&app, subject).await;
    let pool = all_items(&subject.client(&app).await, &format!("/v1/evaluations/{evaluation}/pool-entries")).await;
    let path = format!("/v1/evaluations/{evaluation}/challenges");
    let mut made = Vec::new();
    for entry in &pool[..2] {
        let body = json!({"pool_entry_id": entry["id"], "ground": "We were opposing parties in 2025."});
        made.push(subject.client(&app).await.post(&path, body).await.expect(201).id());
        app.clock.advance(TimeDelta::seconds(1));
    }
    let member = app.staff(StaffRole::Member).await;
    let decision = json!({"outcome": "rejected", "reason": "The case is on record."});
    member.post(&format!("/v1/challenges/{}/decide", made[0]), decision).await.expect(200);

    let listed = all_items(&subject.client(&app).await, &path).await;

    let told: Vec<_> = listed.iter().map(|one| (one["id"].as_str().unwrap(), &one["status"], &one["reason"])).collect();
    let (rejected, open, reason) = (json!("rejected"), json!("open"), json!("The case is on record."));
    assert_eq!(told, [(made[0].as_str(), &rejected, &reason), (made[1].as_str(), &open, &Value::Null)]);
    assert_eq!(all_items(&member, &path).await, listed);
    stranger.client(&app).await.get(&path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_cycle_does_not_exist_for_a_judge_who_has_no_part_in_it() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let outsider = app.judge().await;

    outsider.client(&app).await.get(&plan.path("")).await.expect_problem(404, "not_found");
    plan.subjects[0].client(&app).await.get(&plan.path("")).await.expect(200);
    let evaluation = plan.evaluation_of(&app, &plan.subjects[0]).await;
    outsider.client(&app).await.get(&format!("/v1/evaluations/{evaluation}")).await.expect_problem(404, "not_found");
    let other = plan.subjects[1].client(&app).await.get(&format!("/v1/evaluations/{evaluation}")).await;
    other.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_cycle_is_cancelled_by_two_persons_with_reasons_and_goes_no_further() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    plan.open(&app).await;

    app.by_two(&plan.path("/cancel"), json!({"reason": "The methodology was withdrawn."})).await;

    let cycle = plan.cycle(&app).await;
    assert_eq!(
        (&cycle["phase"], &cycle["cancel_reason"]),
        (&json!("cancelled"), &json!("The methodology was withdrawn."))
    );
    let on = app.secretary().await.post(&plan.path("/advance"), json!({"to": "file_review"})).await;
    on.expect_problem(409, "wrong_phase");
    let evaluations = all_items(&app.secretary().await, &plan.path("/evaluations")).await;
    assert!(evaluations.iter().all(|evaluation| evaluation["state"] == "cancelled"));
}

fn record(opened: &Value) -> DrawRecord {
    serde_json::from_str(opened["record"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn the_reasons_of_a_cancellation_are_said_in_whatever_form_of_letters() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let secretary = app.secretary().await;
    let cancel = async |key: &str, reason: &str| {
        secretary.with_key(key).post(&plan.path("/cancel"), json!({"reason": reason})).await
    };

    let blank = cancel("blank", "          ").await.expect_problem(422, "invalid");
    let decomposed = cancel("decomposed", "Әдістеме жойылды, жан\u{438}\u{306}").await.expect(202);

    assert_eq!(blank.faults(), [("/reason".to_owned(), "length".to_owned())]);
    assert_eq!(decomposed.body["reason"], "Әдістеме жойылды, жан\u{439}");
}
