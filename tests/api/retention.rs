//! How long records are kept, as two persons said; what is due, and what holds it back.

use ejf::domain::policy::StaffRole;
use ejf::domain::retention::RetentionCategory;
use serde_json::{Value, json};

use crate::harness::{App, Client, Judge};
use crate::records::{told, training};

pub const SCHEDULES: &str = "/v1/retention/schedules";
pub const PREVIEW: &str = "/v1/retention/preview";
pub const HOLDS: &str = "/v1/retention/holds";

/// Everything is kept for a year from its record or decision on.
pub fn kept_for_a_year() -> Value {
    let rule = |category: &RetentionCategory| {
        let is_request = *category == RetentionCategory::CorrectionRequest;
        let starts_with = if is_request { "decided" } else { "recorded" };
        let basis = json!({"kk": "Тізбе, 4-тармақ", "ru": "Перечень, пункт 4", "en": "List, item 4"});
        json!({"category": category, "starts_with": starts_with, "kept_months": 12, "legal_basis": basis})
    };
    json!({"rules": RetentionCategory::ALL.iter().map(rule).collect::<Vec<_>>()})
}

/// The same with changes to the rule of one kind.
pub fn kept_but(category: &str, change: Value) -> Value {
    let mut rules = kept_for_a_year();
    let rule = rules["rules"].as_array_mut().unwrap().iter_mut().find(|rule| rule["category"] == category).unwrap();
    rule.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    rules
}

impl App {
    /// An edition that two secretaries adopted; its id.
    pub async fn adopted_retention(&self, rules: Value) -> String {
        let id = self.secretary().await.post(SCHEDULES, rules).await.expect(201).id();
        self.by_two(&format!("{SCHEDULES}/{id}/adopt"), json!({})).await;
        id
    }
}

/// A course in a judge's file; its id.
pub async fn course(app: &App, judge: &Judge, change: Value) -> String {
    let path = format!("/v1/judges/{}/records", judge.id);
    app.secretary().await.post(&path, told(training(40), change)).await.expect(201).id()
}

async fn previewed(reader: &Client, query: &str) -> Vec<Value> {
    reader.get(&format!("{PREVIEW}?{query}")).await.expect(200).body["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn how_long_records_are_kept_is_adopted_by_two_persons_and_the_last_edition_that_was_adopted_holds() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    secretary.get(PREVIEW).await.expect_problem(404, "not_found");
    let made = secretary.post(SCHEDULES, kept_for_a_year()).await.expect(201);
    assert_eq!((&made.body["edition"], &made.body["adopted_at"]), (&json!(1), &Value::Null));
    secretary.get(PREVIEW).await.expect_problem(404, "not_found");
    let newer = secretary.post(SCHEDULES, kept_for_a_year()).await.expect(201);

    app.by_two(&format!("{SCHEDULES}/{}/adopt", newer.id()), json!({})).await;

    let listed = app.judge().await.client(&app).await.get(SCHEDULES).await.expect(200);
    let told: Vec<_> = listed.body["items"].as_array().unwrap().iter().map(|one| one["adopted_at"].is_null()).collect();
    assert_eq!(told, [true, false]);
    assert_eq!(previewed(&secretary, "").await, [""; 0]);
    let late = secretary.with_key("late").post(&format!("{SCHEDULES}/{}/adopt", made.id()), json!({})).await;
    late.expect_problem(409, "wrong_phase");
    let run = secretary.with_key("run").post(&format!("{SCHEDULES}/{}/run", made.id()), json!({})).await;
    run.expect_problem(409, "wrong_phase");
    let acts = app.db_acts().await;
    for act in ["create_retention_schedule", "request_approval", "adopt_retention_schedule", "confirm_approval"] {
        assert!(acts.contains(&act.to_owned()), "{act}");
    }
}

#[tokio::test]
async fn every_fault_of_an_edition_is_named() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let mut short = kept_for_a_year();
    short["rules"].as_array_mut().unwrap().pop();
    let basis = |kk: &str| json!({"legal_basis": {"kk": kk, "ru": "Перечень", "en": "List"}});
    for (rules, status, pointer, code) in [
        (short, 422, "/rules", "missing"),
        (kept_but("education", json!({"kept_months": 0})), 422, "/rules/0/kept_months", "range"),
        (kept_but("education", json!({"starts_with": "decided"})), 422, "/rules/0/starts_with", "mismatch"),
        (kept_but("education", basis(" ")), 422, "/rules/0/legal_basis/kk", "length"),
        (
            kept_but("education", json!({"legal_basis": {"kk": "а", "ru": "б"}})),
            422,
            "/rules/0/legal_basis/en",
            "length",
        ),
        (kept_but("education", json!({"starts_with": "birth"})), 400, "/rules/0/starts_with", "one_of"),
    ] {
        let refused = secretary.post(SCHEDULES, rules).await.expect(status);
        assert!(refused.faults().contains(&(pointer.to_owned(), code.to_owned())), "{}", refused.text);
    }
}

#[tokio::test]
async fn a_preview_tells_what_would_go_and_nothing_goes() {
    let app = App::start().await;
    app.adopted_retention(kept_for_a_year()).await;
    let judge = app.judge().await;
    let first = course(&app, &judge, json!({})).await;
    app.clock.advance(chrono::TimeDelta::seconds(1));
    let newer = course(&app, &judge, json!({"supersedes_id": first})).await;
    let path = format!("/v1/judges/{}/records", judge.id);
    let penalty = json!({"discipline": {"decision_ref": "7 шешім", "ground": "Кеш дайындау", "penalty": "remark",
        "decided_on": "2026-10-12", "in_force_on": "2026-10-26", "expires_on": "2027-04-26", "appeal": "none"}});
    let penalty = app.secretary().await.post(&path, told(penalty, json!({}))).await.expect(201).id();

    let secretary = app.secretary().await;
    assert_eq!(previewed(&secretary, "").await, [""; 0], "nothing was kept for a year yet");
    let found = previewed(&secretary, "counted_on=2028-01-11").await;

    let row = |category: &str, id: &str, judge: Value, goes_with: Value| {
        json!({"category": category, "record_id": id, "judge_id": judge, "begun_on": "2027-01-11",
            "kept_because": null, "goes_with": goes_with})
    };
    let course = row("training", &newer, json!(judge.id), json!([first]));
    let hidden = row("discipline", &penalty, Value::Null, json!([]));
    assert_eq!(
        found,
        [course.clone(), hidden.clone()],
        "the last version stands for all; whose penalty it is is not told"
    );
    assert_eq!(previewed(&secretary, "counted_on=2028-01-10").await, [""; 0], "not a day early");
    assert_eq!(previewed(&secretary, "counted_on=2028-01-11&category=discipline").await, std::slice::from_ref(&hidden));
    let page = secretary.get(&format!("{PREVIEW}?counted_on=2028-01-11&limit=1")).await.expect(200);
    assert_eq!(page.body["items"], json!([course]));
    let next = format!("counted_on=2028-01-11&limit=1&cursor={}", page.body["next_cursor"].as_str().unwrap());
    assert_eq!(previewed(&secretary, &next).await, [hidden]);
    let draft = secretary.post(SCHEDULES, kept_but("training", json!({"kept_months": null}))).await.expect(201).id();
    let by_draft = format!("counted_on=2028-01-11&retention_schedule_id={draft}&category=training");
    assert_eq!(previewed(&secretary, &by_draft).await, [""; 0], "kept for good");
    assert_eq!(crate::records::listed(&judge.client(&app).await, &path).await.len(), 3, "looking changes nothing");
}

#[tokio::test]
async fn an_office_ends_with_the_last_post_and_not_by_a_transfer() {
    let app = App::start().await;
    app.adopted_retention(kept_but("training", json!({"starts_with": "end_of_office"}))).await;
    let court = app.court("Алмалы ауданы").await;
    let (retired, transferred, serving) =
        (app.judge_at(&court).await, app.judge_at(&court).await, app.judge_at(&court).await);
    for judge in [&retired, &transferred, &serving] {
        course(&app, judge, json!({})).await;
    }
    app.end_post(&retired, "2026-06-30").await;
    let positions = format!("/v1/judges/{}/positions", transferred.id);
    let secretary = app.secretary().await;
    let post = secretary.get_for("personnel", &positions).await.expect(200).body["items"][0].clone();
    let left = json!({"court_id": court, "kind": "judge", "starts_on": "2015-03-02", "ends_on": "2026-06-30",
        "ended_reason": "transfer", "source_system": "hr", "as_of": "2027-01-10", "supersedes_id": post["id"]});
    secretary.post(&positions, left).await.expect(201);

    let found = previewed(&secretary, "counted_on=2027-07-01&category=training").await;

    let told: Vec<_> = found.iter().map(|one| (one["judge_id"].clone(), one["begun_on"].clone())).collect();
    assert_eq!(told, [(json!(retired.id), json!("2026-06-30"))]);
    assert_eq!(previewed(&secretary, "counted_on=2027-06-29&category=training").await, [""; 0]);
}

#[tokio::test]
async fn a_hold_is_set_and_lifted_with_a_reason_and_a_basis_and_auditors_see_it() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let record = course(&app, &judge, json!({})).await;
    let hold = |change: Value| {
        let mut body = json!({"reason": "Сотта талап қаралуда.", "legal_basis": "АПК 73-бап"});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    };
    let absent = "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11";
    let secretary = app.secretary().await;
    for (change, pointer, code) in [
        (json!({}), "/judge_id", "required"),
        (json!({"judge_id": absent}), "/judge_id", "missing"),
        (json!({"judge_id": other.id, "record_id": record}), "/record_id", "missing"),
        (json!({"judge_id": judge.id, "evaluation_id": absent}), "/judge_id", "mismatch"),
        (json!({"evaluation_id": absent}), "/evaluation_id", "missing"),
        (json!({"judge_id": judge.id, "reason": "жоқ"}), "/reason", "length"),
    ] {
        let refused = secretary.post(HOLDS, hold(change)).await.expect(422);
        assert_eq!(refused.faults(), [(pointer.to_owned(), code.to_owned())]);
    }

    let set = secretary.post(HOLDS, hold(json!({"judge_id": judge.id, "record_id": record}))).await.expect(201);
    let lift = format!("{HOLDS}/{}/lift", set.id());
    let lifted = secretary.post(&lift, json!({"reason": "Талап шешілді."})).await.expect(200);

    assert!(lifted.body["lifted_by"].is_string() && lifted.body["lifted_at"].is_string());
    secretary.post(&lift, json!({"reason": "Талап шешілді."})).await.expect_problem(409, "wrong_phase");
    let seen = app.staff(StaffRole::Auditor).await.get(HOLDS).await.expect(200);
    assert_eq!(seen.body["items"], json!([lifted.body]));
    let acts = app.db_acts().await;
    assert!(["create_hold", "lift_hold"].iter().all(|act| acts.contains(&(*act).to_owned())));
}
