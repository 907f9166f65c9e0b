//! The yearly plan through HTTP: who is due by rule, changes with reasons, approval by two persons, a cycle of it, and how
//! each entry stands when things change.

use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::plans::all_items;
use crate::harness::{Answer, App, Judge};
use crate::work_calendars::calendar_of_2027;

const REASON: &str = "The judge asked for it in writing.";

/// Judges of one court: ten whose periodic evaluation is late, one in the first year, one who serves for twenty years.
struct Court {
    late: Vec<Judge>,
    new: Judge,
    exempt: Judge,
    methodology_id: String,
}

async fn court(app: &App) -> Court {
    let methodology_id = app.published_methodology().await;
    let court = app.court("Аудандық сот").await;
    let mut late = Vec::new();
    for _ in 0..10 {
        late.push(app.judge_at(&court).await);
    }
    let new = app.judge_at_since(&court, "2026-06-01").await;
    let exempt = app.judge_at_since(&court, "2005-06-01").await;
    Court { late, new, exempt, methodology_id }
}

/// Enters a calendar of 2027 with one holiday.
pub async fn enter_calendar(app: &App) {
    let day = json!({"date": "2027-12-16", "kind": "public_holiday", "name_kk": "Мереке", "name_ru": "Праздник"});
    app.secretary().await.post("/v1/work-calendars", calendar_of_2027(&[day])).await.expect(201);
}

async fn draw_up(app: &App, court: &Court) -> String {
    let new = json!({"year": 2027, "evaluating_body": "quality_commission", "methodology_id": court.methodology_id});
    let made = app.secretary().await.post("/v1/evaluation-plans", new).await.expect(201);
    assert_eq!(made.body["state"], "draft");
    format!("/v1/evaluation-plans/{}", made.id())
}

async fn approve(app: &App, path: &str) {
    app.by_two(&format!("{path}/approve"), json!({})).await;
}

async fn entries(app: &App, path: &str) -> Vec<Value> {
    all_items(&app.secretary().await, &format!("{path}/entries")).await
}

/// The entry of a judge.
async fn entry(app: &App, path: &str, judge: &Judge) -> Value {
    let id = judge.id.to_string();
    entries(app, path).await.into_iter().rfind(|entry| entry["judge_id"] == id).expect("an entry")
}

fn cycle_until(day: &str) -> Value {
    json!({"title_kk": "2027 жылғы бағалау", "title_ru": "Оценка 2027 года", "starts_on": "2027-02-01", "due_until": day})
}

fn detail(refused: &Answer) -> &str {
    refused.body["detail"].as_str().unwrap()
}

#[tokio::test]
async fn a_plan_holds_whoever_is_due_by_the_rules_and_nobody_who_is_exempt() {
    let app = App::start().await;
    let court = court(&app).await;
    let secretary = app.secretary().await;
    let filed = json!({"kind": "chair", "filed_on": "2027-01-08", "source_system": "hr", "reference": "Vacancy 7"});
    let requests = format!("/v1/judges/{}/evaluation-requests", court.exempt.id);
    let request = secretary.post(&requests, filed).await.expect(201);

    let path = draw_up(&app, &court).await;

    let late = entry(&app, &path, &court.late[0]).await;
    assert_eq!(
        (&late["kind"], &late["standing"], &late["due_on"]),
        (&json!("periodic"), &json!("late"), &json!("2021-03-02"))
    );
    let new = entry(&app, &path, &court.new).await;
    assert_eq!(
        (&new["kind"], &new["standing"], &new["due_on"]),
        (&json!("first_year"), &json!("due"), &json!("2027-06-01"))
    );
    let chair = entry(&app, &path, &court.exempt).await;
    assert_eq!((&chair["kind"], &chair["request_id"]), (&json!("chair"), &json!(request.id())));
    assert_eq!(
        entries(&app, &path).await.len(),
        12,
        "ten late ones, one new, one on request, and no exemption counted"
    );
    let counts = secretary.get(&path).await.expect(200).body["entries"].clone();
    assert_eq!((&counts["late"], &counts["due"], &counts["blocked"]), (&json!(10), &json!(2), &json!(0)));
    let again = json!({"year": 2027, "evaluating_body": "quality_commission", "methodology_id": court.methodology_id});
    secretary.post("/v1/evaluation-plans", again).await.expect_problem(409, "already_exists");
    let past = json!({"year": 2026, "evaluating_body": "quality_commission", "methodology_id": court.methodology_id});
    let refused = secretary.post("/v1/evaluation-plans", past).await.expect_problem(422, "invalid");
    assert_eq!(refused.faults()[0].0, "/year");
}

#[tokio::test]
async fn a_plan_is_approved_by_two_persons_and_not_without_the_calendar_of_its_year() {
    let app = App::start().await;
    let court = court(&app).await;
    let path = draw_up(&app, &court).await;
    let first = app.staff(StaffRole::Secretary).await;
    let approve = format!("{path}/approve");

    let blind = first.with_key("blind").post(&approve, json!({})).await.expect_problem(409, "guard_not_met");
    assert!(detail(&blind).contains("calendar of 2027"), "{}", blind.text);
    enter_calendar(&app).await;
    let asked = first.with_key("asked").post(&approve, json!({})).await.expect(202).body;
    let confirm = format!("/v1/approvals/{}/confirm", asked["id"].as_str().unwrap());
    let digest = json!({"digest": asked["digest"]});
    first.post(&confirm, digest.clone()).await.expect_problem(409, "second_person_required");
    assert_eq!(first.get(&path).await.expect(200).body["plan"]["state"], "draft");
    let second = app.staff(StaffRole::Secretary).await;
    // Whoever is added meanwhile was not looked at by the first person.
    let added = json!({"judge_id": court.exempt.id, "kind": "on_request", "reason": REASON});
    second.post(&format!("{path}/entries"), added).await.expect(201);
    second.post(&confirm, digest).await.expect_problem(409, "approval_stale");
    app.by_two(&approve, json!({})).await;

    let plan = second.get(&path).await.expect(200).body["plan"].clone();
    assert_eq!(plan["state"], "approved");
    assert!(plan["approved_at"].is_string());
    let told = court.exempt.client(&app).await.get("/v1/me/notices").await.expect(200).body;
    assert_eq!(told["items"][0]["kind"], "evaluation_planned");
    assert!(told["items"][0]["title"].as_str().unwrap().contains("2027"));
}

#[tokio::test]
async fn an_approved_plan_is_changed_with_reasons_that_say_that_they_came_later() {
    let app = App::start().await;
    let court = court(&app).await;
    enter_calendar(&app).await;
    let path = draw_up(&app, &court).await;
    let secretary = app.secretary().await;
    let early = entry(&app, &path, &court.late[0]).await;
    let remove = |id: &Value| format!("/v1/evaluation-plan-entries/{}/remove", id.as_str().unwrap());
    let reason = json!({"reason": "The judge retires in March 2027."});
    secretary.post(&remove(&early["id"]), json!({"reason": "no"})).await.expect_problem(422, "invalid");

    let gone = secretary.post(&remove(&early["id"]), reason.clone()).await.expect(200).body;
    approve(&app, &path).await;
    let late = entry(&app, &path, &court.late[1]).await;
    let later = secretary.post(&remove(&late["id"]), reason).await.expect(200).body;
    let added = json!({"judge_id": court.exempt.id, "kind": "periodic", "reason": REASON});
    let added = secretary.post(&format!("{path}/entries"), added).await.expect(201).body;

    for (change, is_after) in [(&gone, false), (&later, true), (&added, true)] {
        assert_eq!(change["changes"][0]["is_after_approval"], json!(is_after), "{change}");
        assert!(change["changes"][0]["account_id"].is_string());
    }
    assert_eq!((&gone["standing"], &later["standing"]), (&json!("removed"), &json!("removed")));
    assert_eq!((&added["origin"], &added["obstacles"]), (&json!("added"), &json!([])), "a person had a reason");
    let again = secretary.post(&remove(&gone["id"]), json!({"reason": "The judge retires soon."})).await;
    again.expect_problem(409, "wrong_phase");
}

#[tokio::test]
async fn one_act_makes_a_cycle_of_a_plan_and_names_who_is_left_out_and_why() {
    let app = App::start().await;
    let court = court(&app).await;
    enter_calendar(&app).await;
    let path = draw_up(&app, &court).await;
    let secretary = app.secretary().await;
    let make = format!("{path}/cycles");
    let draft = secretary.post(&make, cycle_until("2027-03-31")).await.expect_problem(409, "guard_not_met");
    assert!(detail(&draft).contains("approved by two persons"), "{}", draft.text);
    approve(&app, &path).await;
    let away = json!({"starts_on": "2027-01-05", "source_system": "hr", "as_of": "2027-01-10"});
    secretary.post(&format!("/v1/judges/{}/leaves", court.late[0].id), away).await.expect(201);
    app.end_post(&court.late[1], "2027-01-10").await;

    let made = secretary.post(&make, cycle_until("2027-03-31")).await.expect(201);

    assert_eq!(made.body["evaluation_count"], 8);
    let left = made.body["left_out"].as_array().unwrap();
    assert_eq!(left.len(), 2);
    for (judge, why) in [(&court.late[0], "paused"), (&court.late[1], "no_post")] {
        let found = left.iter().find(|one| one["judge_id"] == judge.id.to_string()).unwrap();
        assert_eq!(found["obstacles"], json!([why]));
    }
    let cycle = secretary.get(made.header("location")).await.expect(200).body;
    assert_eq!((&cycle["phase"], &cycle["calendar_years_missing"]), (&json!("draft"), &json!([])));
    assert_eq!(entry(&app, &path, &court.late[2]).await["standing"], "under_way");
    assert_eq!(entry(&app, &path, &court.new).await["standing"], "due", "the first year ends in June");
    let nobody = secretary.post(&make, cycle_until("2027-03-31")).await.expect_problem(409, "guard_not_met");
    assert!(detail(&nobody).contains("2027-03-31"), "{}", nobody.text);
    // An evaluation that is cancelled is due again, and one that is under way is not taken out.
    let taken = entry(&app, &path, &court.late[2]).await;
    let remove = format!("/v1/evaluation-plan-entries/{}/remove", taken["id"].as_str().unwrap());
    let reason = json!({"reason": "The judge retires in March 2027."});
    let held = secretary.post(&remove, reason).await.expect_problem(409, "wrong_phase");
    let evaluation = taken["evaluation_id"].as_str().unwrap();
    assert!(detail(&held).contains(evaluation), "{}", held.text);
    app.by_two(
        &format!("/v1/evaluations/{evaluation}/cancel"),
        json!({"reason": "The judge withdrew the application."}),
    )
    .await;
    assert_eq!(entry(&app, &path, &court.late[2]).await["standing"], "late");
}

#[tokio::test]
async fn whoever_is_due_is_listed_with_what_stands_in_the_way_and_counted_for_the_staff() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let none = secretary.get("/v1/due-evaluations").await.expect_problem(409, "methodology_not_in_force");
    assert!(detail(&none).contains("Publish a methodology"), "{}", none.text);
    assert_eq!(secretary.get("/v1/dashboard").await.expect(200).body["evaluations"], Value::Null);
    let court = court(&app).await;
    let away = json!({"starts_on": "2027-01-05", "source_system": "hr", "as_of": "2027-01-10"});
    secretary.post(&format!("/v1/judges/{}/leaves", court.late[0].id), away).await.expect(201);

    let due = all_items(&secretary, "/v1/due-evaluations").await;

    let of = |judge: &Judge| {
        let id = judge.id.to_string();
        due.iter().find(|one| one["judge_id"] == id).unwrap()["evaluations"][0].clone()
    };
    assert_eq!(
        (&of(&court.late[0])["standing"], &of(&court.late[0])["obstacles"]),
        (&json!("blocked"), &json!(["paused"]))
    );
    assert_eq!(of(&court.late[1])["standing"], "late");
    assert_eq!(of(&court.new)["standing"], "due");
    assert_eq!(of(&court.exempt)["obstacles"], json!(["exempt_by_service"]));
    let figures = secretary.get("/v1/dashboard").await.expect(200).body;
    assert_eq!(
        figures["evaluations"],
        json!({"due": 1, "late": 9, "blocked": 1, "obstacles": [{"code": "paused", "count": 1}]})
    );
    assert_eq!(figures["calendar_years_missing"], json!([2027, 2028]));
    enter_calendar(&app).await;
    assert_eq!(secretary.get("/v1/dashboard").await.expect(200).body["calendar_years_missing"], json!([2028]));
}

#[tokio::test]
async fn the_dashboard_says_which_cycle_is_late_and_what_somebody_has_to_do() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    plan.to_pool_review(&app).await;
    let subject = &plan.subjects[0];
    let evaluation = plan.evaluation_of(&app, subject).await;
    let pool = subject.client(&app).await.get(&format!("/v1/evaluations/{evaluation}/pool-entries?limit=1")).await;
    let challenge =
        json!({"pool_entry_id": pool.body["items"][0]["id"], "ground": "We were opposing parties in 2025."});
    subject.client(&app).await.post(&format!("/v1/evaluations/{evaluation}/challenges"), challenge).await.expect(201);
    let of_cycle = async || app.secretary().await.get("/v1/dashboard").await.expect(200).body["cycles"][0].clone();

    let early = of_cycle().await;
    plan.pass(&app, "draw_by").await;
    let late = of_cycle().await;

    assert_eq!((&early["phase"], &early["is_late"]), (&json!("pool_review"), &json!(false)));
    assert_eq!((&early["blocked_by"], &late["blocked_by"]), (&json!(["challenges_open"]), &json!(["challenges_open"])));
    assert_eq!(late["is_late"], json!(true));
    let auditor = app.staff(StaffRole::Auditor).await;
    auditor.get("/v1/dashboard").await.expect(200);
    app.staff(StaffRole::Member).await.get("/v1/dashboard").await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_judge_asks_for_an_evaluation_of_the_own_person_and_takes_it_back() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let path = format!("/v1/judges/{}/evaluation-requests", judge.id);
    let client = judge.client(&app).await;
    let wish = json!({"kind": "on_request", "filed_on": "2027-01-11"});

    let asked = client.post(&path, wish.clone()).await.expect(201);

    assert_eq!((&asked.body["source_system"], &asked.body["is_open"]), (&json!("judge"), &json!(true)));
    client.post(&path, wish.clone()).await.expect_problem(409, "already_exists");
    let repeat = json!({"kind": "repeat", "filed_on": "2027-01-11"});
    client.post(&path, repeat).await.expect_problem(422, "invalid");
    other.client(&app).await.post(&path, wish).await.expect_problem(404, "not_found");
    let withdraw = format!("/v1/evaluation-requests/{}/withdraw", asked.id());
    let reason = json!({"reason": "I am leaving the court."});
    other.client(&app).await.post(&withdraw, reason.clone()).await.expect_problem(404, "not_found");
    let ended = client.post(&withdraw, reason.clone()).await.expect(200).body;
    assert_eq!((&ended["is_open"], &ended["end_reason"]), (&json!(false), &json!("I am leaving the court.")));
    client.post(&withdraw, reason).await.expect_problem(409, "wrong_phase");
}
