//! Working-day calendars through HTTP: entered with a source, replaced by a newer entry, and used by every deadline in
//! working days. A year without one is named and never guessed.

use chrono::TimeDelta;
use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::App;

fn day(date: &str, kind: &str) -> Value {
    json!({"date": date, "kind": kind, "name_kk": "Мереке", "name_ru": "Праздник"})
}

/// The request for a calendar of 2027.
pub fn calendar_of_2027(days: &[Value]) -> Value {
    json!({
        "year": 2027,
        "moves_weekend_holidays": true,
        "source": "Law on holidays; decision of the government on moving days of rest in 2027",
        "days": days,
    })
}

#[tokio::test]
async fn a_calendar_is_entered_with_its_source_and_replaced_by_a_newer_one() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    secretary.get("/v1/work-calendars/2027").await.expect_problem(404, "not_found");

    let first = calendar_of_2027(&[day("2027-03-08", "public_holiday")]);
    let entered = secretary.post("/v1/work-calendars", first).await.expect(201);
    let second = calendar_of_2027(&[day("2027-03-08", "public_holiday"), day("2027-05-16", "day_off")]);
    app.clock.advance(TimeDelta::minutes(1));
    let newer = secretary.post("/v1/work-calendars", second).await.expect(201);

    assert_eq!((&entered.body["version"], &newer.body["version"]), (&json!(1), &json!(2)));
    assert_eq!(entered.header("location"), "/v1/work-calendars/2027");
    let judge = app.judge().await.client(&app).await;
    assert_eq!(judge.get("/v1/work-calendars/2027").await.expect(200).body, newer.body);
    let all = judge.get("/v1/work-calendars").await.expect(200);
    assert_eq!(all.body["items"], json!([entered.body, newer.body]));
    assert_eq!(app.db_acts().await.iter().filter(|act| *act == "create_work_calendar").count(), 2);
}

#[tokio::test]
async fn a_calendar_that_cannot_be_right_is_refused_and_nobody_else_enters_one() {
    let app = App::start().await;
    let wrong = calendar_of_2027(&[
        day("2026-12-31", "public_holiday"),
        day("2027-03-13", "moved_day_off"),
        day("2027-03-15", "moved_working_day"),
    ]);

    let refused = app.secretary().await.post("/v1/work-calendars", wrong).await.expect_problem(422, "invalid");

    let places: Vec<String> = refused.faults().into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["/days/0/date", "/days/1/kind", "/days/2/kind"]);
    let right = calendar_of_2027(&[day("2027-03-08", "public_holiday")]);
    for role in [StaffRole::Member, StaffRole::Auditor] {
        app.staff(role).await.post("/v1/work-calendars", right.clone()).await.expect_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn the_days_of_a_cycle_in_draft_follow_a_calendar_and_those_of_an_announced_one_stay() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let before = plan.cycle(&app).await;
    assert_eq!(before["calendar_years_missing"], json!([2027]));
    assert_eq!(before["dates"]["pool_challenge_close"], "2027-03-09");
    let secretary = app.secretary().await;

    // Women's Day is a Monday within the five working days; the Tuesday is off for the Saturday before.
    let days = [
        day("2027-03-06", "moved_working_day"),
        day("2027-03-08", "public_holiday"),
        day("2027-03-09", "moved_day_off"),
    ];
    secretary.post("/v1/work-calendars", calendar_of_2027(&days)).await.expect(201);

    let after = plan.cycle(&app).await;
    assert_eq!(after["calendar_years_missing"], json!([]));
    assert_eq!(after["dates"]["pool_challenge_close"], "2027-03-10");
    assert_eq!(after["version"], json!(before["version"].as_i64().unwrap() + 1));
    plan.open(&app).await;
    secretary.post("/v1/work-calendars", calendar_of_2027(&[day("2027-12-16", "public_holiday")])).await.expect(201);
    assert_eq!(plan.cycle(&app).await["dates"], after["dates"], "what was told to judges stays");
}

#[tokio::test]
async fn a_request_for_correction_is_due_by_the_calendar() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let days = [day("2027-01-14", "public_holiday"), day("2027-01-16", "moved_working_day")];
    secretary.post("/v1/work-calendars", calendar_of_2027(&days)).await.expect(201);
    let days = [day("2027-01-14", "public_holiday")];
    let judge = app.judge().await;
    let value = json!({"indicator_code": "resolved", "category": "civil", "period": "2024-Q1", "numerator": 7,
        "source_system": "toerelik", "as_of": "2024-04-05"});
    let record = secretary.post(&format!("/v1/judges/{}/observations", judge.id), value.clone()).await.expect(201).id();
    let path = format!("/v1/judges/{}/correction-requests", judge.id);
    let claim = |record: &str| json!({"record_type": "observation", "record_id": record, "claim": "Олай емес."});

    // Ten working days from Monday the 11th: a holiday and a worked Saturday make up for one another.
    let filed = judge.client(&app).await.post(&path, claim(&record)).await.expect(201);
    assert_eq!(filed.body["due_on"], "2027-01-25");

    secretary.post("/v1/work-calendars", calendar_of_2027(&days)).await.expect(201);
    let value = json!({"indicator_code": "resolved", "category": "criminal", "period": "2024-Q1", "numerator": 7,
        "source_system": "toerelik", "as_of": "2024-04-05"});
    let record = secretary.post(&format!("/v1/judges/{}/observations", judge.id), value).await.expect(201).id();
    let filed = judge.client(&app).await.post(&path, claim(&record)).await.expect(201);
    assert_eq!(filed.body["due_on"], "2027-01-26");
}
