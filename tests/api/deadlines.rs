//! Time limits of a methodology with the clock moved over them: before the last day, on it, and on the day after. What a
//! newcomer would get wrong: the last day still belongs to whoever has the time, and what others owe is late afterwards but
//! never barred, or nobody would be decided on. Limits whose days are told elsewhere are not told again here.

use std::collections::BTreeSet;

use ejf::credential::seal_order::SealOrder;
use ejf::domain::draw::DrawRecord;
use ejf::domain::policy::StaffRole;
use ejf::publication::Document;
use serde_json::{Value, json};

use crate::generations::later;
use crate::harness::App;
use crate::harness::plans::{Plan, all_items, methodology};
use crate::harness::rounds::{Round, SUBJECTS};
use crate::harness::seeded::{decision, figures};
use crate::proceedings::Scene;

/// The days that an extension moves when the end of submission moves.
const END: [&str; 3] = ["submit_close", "seal_by", "challenge_close"];

/// How the one cycle stands on the dashboard: its phase, its last day, and whether that is past.
async fn cycle_figures(app: &App) -> (String, String, bool) {
    let figures = app.secretary().await.get("/v1/dashboard").await.expect(200).body;
    let cycle = &figures["cycles"][0];
    let text = |name: &str| cycle[name].as_str().unwrap().to_owned();
    (text("phase"), text("due_on"), cycle["is_late"].as_bool().unwrap())
}

fn stands(phase: &str, due_on: &str, is_late: bool) -> (String, String, bool) {
    (phase.to_owned(), due_on.to_owned(), is_late)
}

/// From when to when a clock of an evaluation runs.
async fn clock(app: &App, evaluation: &str, kind: &str) -> (String, String) {
    let path = format!("/v1/evaluations/{evaluation}/clocks");
    let clocks = app.secretary().await.get(&path).await.expect(200).body;
    let one = clocks["clocks"].as_array().unwrap().iter().find(|one| one["kind"] == kind).expect("such a clock");
    let text = |name: &str| one[name].as_str().unwrap().to_owned();
    (text("starts_on"), text("due_on"))
}

fn runs(starts_on: &str, due_on: &str) -> (String, String) {
    (starts_on.to_owned(), due_on.to_owned())
}

/// For what the dashboard says that the evaluation of a scene is late, and since which day; null while it is not.
async fn late(scene: &Scene) -> Value {
    let figures = scene.app.secretary().await.get("/v1/dashboard").await.expect(200).body;
    let named = figures["late_on_own_course"]["longest"].as_array().unwrap();
    let own = named.iter().find(|one| one["evaluation_id"] == scene.panel.evaluation.as_str());
    own.map_or(Value::Null, |one| json!([one["clock"], one["due_on"]]))
}

/// A cycle whose reviews are collected: nobody has asked for a credential, and the ledgers say so.
async fn collecting(app: &App) -> Round {
    let round = app.frozen_cycle().await;
    round.publish_note(app).await;
    round.plan.move_to(app, "issuance").await;
    round.ledger(app).await;
    app.go_to(&round.plan.day(app, "submit_open").await);
    round.plan.move_to(app, "submission").await;
    round
}

#[tokio::test]
async fn the_file_is_read_to_the_end_of_its_fifteenth_day_before_pools_are_shown() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    plan.open(&app).await;
    let evaluation = plan.evaluation_of(&app, &plan.subjects[0]).await;
    assert_eq!(clock(&app, &evaluation, "file_review").await, runs("2027-02-15", "2027-03-01"));
    app.go_to("2027-02-15");
    plan.move_to(&app, "file_review").await;

    for day in ["2027-02-22", "2027-03-01"] {
        app.go_to(day);
        let early = app.secretary().await.post(&plan.path("/advance"), json!({"to": "pool_review"})).await;
        let early = early.expect_problem(409, "guard_not_met");
        assert!(early.body["detail"].as_str().unwrap().contains("2027-03-01"), "{}", early.text);
    }

    app.go_to("2027-03-02");
    plan.move_to(&app, "pool_review").await;
}

#[tokio::test]
async fn challenges_are_to_be_decided_in_five_working_days_and_the_draw_made_on_the_next() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    plan.to_pool_review(&app).await;
    let evaluation = plan.evaluation_of(&app, &plan.subjects[0]).await;
    assert_eq!(clock(&app, &evaluation, "pool_decision").await, runs("2027-03-09", "2027-03-16"));
    assert_eq!(clock(&app, &evaluation, "draw").await, runs("2027-03-16", "2027-03-17"));

    app.go_to("2027-03-17");
    assert_eq!(cycle_figures(&app).await, stands("pool_review", "2027-03-17", false));
    app.go_to("2027-03-18");
    assert_eq!(cycle_figures(&app).await, stands("pool_review", "2027-03-17", true));
    app.go_to("2027-04-30");
    app.by_two(&plan.path("/draw"), json!({})).await;
    let dates = &plan.cycle(&app).await["dates"];
    let later = ["draw_by", "issue_open", "submit_open", "submit_close", "seal_by"].map(|name| dates[name].clone());
    // Forty-four days late: nobody finds a window past that has not begun.
    assert_eq!(later, ["2027-04-30", "2027-05-01", "2027-05-12", "2027-06-01", "2027-06-05"]);
}

#[tokio::test]
async fn a_box_that_is_sealed_late_takes_complaints_for_the_whole_time_all_the_same() {
    let app = App::start_with_keys(SUBJECTS).await;
    let Round { plan, manifest } = collecting(&app).await;
    assert_eq!(manifest.manifest().dates.challenge_close.to_string(), "2027-04-29");
    app.go_to("2027-05-03");
    app.by_two(&plan.path("/seal"), json!({})).await;

    let dates = &plan.cycle(&app).await["dates"];
    assert_eq!([&dates["challenge_close"], &dates["recount_by"]], ["2027-05-10", "2027-05-17"]);
    let order = plan.round_folder(&app).await.read(&Document::SealOrder).unwrap().unwrap();
    let order = SealOrder::parse(&order).unwrap();
    order.verify(&manifest).unwrap();
    assert_eq!(order.complaints_until.unwrap().to_string(), "2027-05-10");
    assert_eq!(cycle_figures(&app).await, stands("sealed", "2027-05-17", false));
}

#[tokio::test]
async fn submission_is_extended_by_fourteen_days_and_by_no_day_more_in_however_many_steps() {
    let app = App::start_with_keys(SUBJECTS).await;
    let Round { plan, .. } = app.frozen_cycle().await;
    assert_eq!(plan.day(&app, "submit_close").await, "2027-04-18");
    let ask = async |key: &str, days: u64| {
        let days = later(&app, &plan, &END, days).await;
        app.secretary().await.with_key(key).post(&plan.path("/extend"), days).await
    };
    app.go_to("2027-04-18");

    let long = ask("long", 15).await.expect_problem(409, "guard_not_met");
    assert!(long.body["detail"].as_str().unwrap().contains("2027-05-02"), "{}", long.text);
    ask("asked", 14).await.expect(202);
    app.by_two(&plan.path("/extend"), later(&app, &plan, &END, 14).await).await;

    assert_eq!(plan.day(&app, "submit_close").await, "2027-05-02");
    ask("more", 1).await.expect_problem(409, "guard_not_met");
}

#[tokio::test]
async fn what_is_not_sealed_in_four_days_is_late_can_be_sealed_and_is_extended_no_more() {
    let app = App::start_with_keys(SUBJECTS).await;
    let Round { plan, .. } = collecting(&app).await;
    let seal = async |key: &str| app.secretary().await.with_key(key).post(&plan.path("/seal"), json!({})).await;
    app.go_to("2027-04-18");
    seal("early").await.expect_problem(409, "guard_not_met");

    app.go_to("2027-04-19");
    let days = later(&app, &plan, &END, 7).await;
    let over = app.secretary().await.with_key("over").post(&plan.path("/extend"), days).await;
    assert!(over.expect_problem(409, "guard_not_met").text.contains("2027-04-18"));
    app.go_to("2027-04-22");
    assert_eq!(cycle_figures(&app).await, stands("submission", "2027-04-22", false));
    app.go_to("2027-04-23");
    assert_eq!(cycle_figures(&app).await, stands("submission", "2027-04-22", true));

    seal("late").await.expect(202);
}

#[tokio::test]
async fn auditors_have_five_working_days_after_those_for_complaints() {
    let app = App::start_with_keys(SUBJECTS).await;
    let Round { plan, .. } = collecting(&app).await;
    app.go_to("2027-04-19");
    app.by_two(&plan.path("/seal"), json!({})).await;
    let evaluation = plan.evaluation_of(&app, &plan.subjects[0]).await;
    assert_eq!(clock(&app, &evaluation, "recount").await, runs("2027-04-29", "2027-05-06"));

    app.go_to("2027-05-06");
    assert_eq!(cycle_figures(&app).await, stands("sealed", "2027-05-06", false));
    app.go_to("2027-05-07");
    assert_eq!(cycle_figures(&app).await, stands("sealed", "2027-05-06", true));
}

#[tokio::test]
async fn a_report_that_is_drafted_late_is_late_and_is_taken() {
    let scene = Scene::with(&figures("above")).await;
    assert_eq!(clock(&scene.app, &scene.panel.evaluation, "drafting").await, runs("2027-01-11", "2027-01-25"));

    scene.app.go_to("2027-01-25");
    assert_eq!(late(&scene).await, Value::Null);
    scene.app.go_to("2027-01-26");
    assert_eq!(late(&scene).await, json!(["drafting", "2027-01-25"]));

    scene.panel.serve_report(&scene.app).await;
    assert_eq!(late(&scene).await, Value::Null);
}

#[tokio::test]
async fn the_commission_has_five_working_days_from_the_answer_and_decides_later_where_it_must() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;
    app.go_to("2027-01-13");
    panel.respond(&scene.judge.client(app).await, false).await;
    assert_eq!(clock(app, &panel.evaluation, "decision").await, runs("2027-01-13", "2027-01-20"));

    app.go_to("2027-01-20");
    assert_eq!(late(&scene).await, Value::Null);
    app.go_to("2027-01-21");
    assert_eq!(late(&scene).await, json!(["decision", "2027-01-20"]));

    let proposed = panel.propose(app, decision("fit")).await.expect(201).id();
    panel.adopt(app, &panel.members, &proposed).await;
    assert_eq!(late(&scene).await, Value::Null);
}

#[tokio::test]
async fn a_hearing_is_held_on_the_thirtieth_day_at_the_latest_and_not_before_its_own() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;
    panel.respond(&scene.judge.client(app).await, true).await;
    assert_eq!(clock(app, &panel.evaluation, "hearing").await, runs("2027-01-11", "2027-02-10"));
    let on = |day: &str| json!({"held_on": day, "is_remote": false});
    let secretary = app.secretary().await;

    let beyond = secretary.post(&panel.path("/hearings"), on("2027-02-11")).await;
    assert!(beyond.expect_problem(409, "guard_not_met").text.contains("2027-02-10"));
    let hearing = secretary.post(&panel.path("/hearings"), on("2027-02-10")).await.expect(201).id();
    let present: Vec<_> = panel.members.iter().map(|member| member.account_id).collect();
    let record = json!({"present_ids": present, "is_judge_present": true, "minutes": "Судья түсініктеме берді."});
    let path = format!("/v1/hearings/{hearing}/record");
    app.go_to("2027-02-09");
    let early = app.secretary().await.post(&path, record.clone()).await;
    assert!(early.expect_problem(409, "guard_not_met").text.contains("2027-02-10"));

    app.go_to("2027-02-10");
    app.secretary().await.post(&path, record).await.expect(200);
    assert_eq!(late(&scene).await, Value::Null);
    assert_eq!(clock(app, &panel.evaluation, "decision").await, runs("2027-02-10", "2027-02-17"));
}

#[tokio::test]
async fn a_decision_is_to_be_served_in_three_working_days_and_the_time_to_appeal_waits_for_it() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.conclude(app, &scene.judge.client(app).await, decision("fit"), false).await;
    assert_eq!(clock(app, &panel.evaluation, "service").await, runs("2027-01-11", "2027-01-14"));

    app.go_to("2027-01-14");
    assert_eq!(late(&scene).await, Value::Null);
    app.go_to("2027-01-15");
    assert_eq!(late(&scene).await, json!(["service", "2027-01-14"]));

    panel.serve_decision(app).await;
    assert_eq!(late(&scene).await, Value::Null);
    assert_eq!(clock(app, &panel.evaluation, "appeal").await, runs("2027-01-15", "2027-01-29"));
    app.go_to("2027-01-29");
    panel.appeal(&scene.judge.client(app).await).await;
}

#[tokio::test]
async fn an_appeal_is_to_be_decided_in_thirty_days_and_is_decided_after_them() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    let own = scene.judge.client(app).await;
    panel.decide(app, &own, decision("fit"), false).await;
    let appeal = panel.appeal(&own).await;
    assert_eq!(clock(app, &panel.evaluation, "appeal_decision").await, runs("2027-01-11", "2027-02-10"));

    app.go_to("2027-02-10");
    assert_eq!(late(&scene).await, Value::Null);
    app.go_to("2027-02-11");
    assert_eq!(late(&scene).await, json!(["appeal_decision", "2027-02-10"]));

    let upheld = json!({"outcome": "upheld", "reasons": "Шағымның уәждері істің материалдарымен салыстырылды."});
    panel.decide_appeal(app, &appeal, upheld).await;
    assert_eq!((late(&scene).await, panel.state(app).await), (Value::Null, "final".to_owned()));
}

/// The pairs of a subject and somebody of the pool whom the subject reviewed lately.
async fn reciprocal(app: &App, plan: &Plan) -> BTreeSet<(String, String)> {
    let mut pairs = BTreeSet::new();
    for subject in &plan.subjects {
        let path = format!("/v1/evaluations/{}/pool-entries", plan.evaluation_of(app, subject).await);
        let pool = all_items(&app.secretary().await, &path).await;
        let excluded = pool.iter().filter(|entry| entry["exclusion_reason"] == "reciprocal");
        pairs.extend(excluded.map(|entry| (subject.id.to_string(), entry["judge_id"].as_str().unwrap().to_owned())));
    }
    pairs
}

#[tokio::test]
async fn nobody_is_reviewed_by_whom_they_reviewed_in_a_cycle_that_began_twelve_months_ago_and_the_day_after_they_can_be()
 {
    let app = App::start().await;
    let plan = app.drawn_cycle().await;
    assert_eq!(plan.day(&app, "starts_on").await, "2027-02-01");
    let opened = app.staff(StaffRole::Auditor).await.get(&plan.path("/draw-record")).await.expect(200).body;
    let record: DrawRecord = serde_json::from_value(opened["content"].clone()).unwrap();
    let is_subject = |judge: &String| plan.subjects.iter().any(|subject| subject.id.to_string() == *judge);
    let drawn = record.panels.iter().flat_map(|one| one.panel.iter().map(|by| (by.clone(), one.subject.clone())));
    let reviewed: BTreeSet<(String, String)> = drawn.filter(|(by, _)| is_subject(by)).collect();
    app.go_to("2027-12-01");
    let again = async |kind: &str| {
        let body = plan.another(&app, kind).await;
        let cycle_id = app.secretary().await.post("/v1/cycles", body).await.expect(201).id();
        let again = Plan { cycle_id, ..plan.clone() };
        again.open(&app).await;
        again
    };
    let (first, second) = (again("chair").await, again("promotion").await);
    app.go_to("2028-02-01");
    for cycle in [&first, &second] {
        cycle.move_to(&app, "file_review").await;
    }

    first.move_to(&app, "pool_review").await;
    app.go_to("2028-02-02");
    second.move_to(&app, "pool_review").await;

    assert!(!reviewed.is_empty(), "some subjects reviewed others");
    assert_eq!(reciprocal(&app, &first).await, reviewed);
    assert_eq!(reciprocal(&app, &second).await, BTreeSet::new());
}

#[tokio::test]
async fn a_decision_serves_others_for_twenty_four_months_to_the_end_of_the_last_day() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.decide(app, &scene.judge.client(app).await, decision("fit"), false).await;
    app.go_to("2027-01-26");
    let done = app.secretary().await.post(&panel.path("/finalise"), json!({})).await.expect(200).body;
    assert_eq!(done["valid_until"], "2029-01-26");
    let stated = async || {
        let extracts = format!("/v1/judges/{}/extracts", scene.judge.id);
        let order = json!({"purpose": "promotion", "recipient": "Конкурстық комиссия", "expires_on": "2029-03-31"});
        let secretary = app.secretary().await;
        let id = secretary.post(&extracts, order).await.expect(201).id();
        let extract = secretary.get(&format!("/v1/extracts/{id}?purpose=personnel")).await.expect(200).body;
        extract["facts"]["evaluation"]["outcome"].clone()
    };

    app.go_to("2029-01-26");
    assert_eq!(stated().await, "fit");
    app.go_to("2029-01-27");
    assert_eq!(stated().await, Value::Null);
}

#[tokio::test]
async fn no_periodic_evaluation_is_due_from_six_months_before_a_known_end_of_office() {
    let app = App::start().await;
    let mut document = methodology();
    document["time_limits"]["exempt_before_leaving_months"] = json!(6);
    app.published(document).await;
    let judge = app.judge_at(&app.court("Аудандық сот").await).await;
    app.end_post(&judge, "2027-07-12").await;
    let regular = async || {
        let path = format!("/v1/judges/{}/evaluation-clocks", judge.id);
        let one = app.secretary().await.get(&path).await.expect(200).body["items"][0].clone();
        json!([one["kind"], one["standing"], one["obstacles"]])
    };

    assert_eq!(regular().await, json!(["periodic", "late", []]), "the day before");
    app.go_to("2027-01-12");
    assert_eq!(regular().await, json!(["periodic", "blocked", ["exempt_before_leaving"]]));
}
