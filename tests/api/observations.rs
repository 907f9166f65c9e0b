//! Observed values: their rules, and that nothing is overwritten.

use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::App;

fn observation(change: Value) -> Value {
    let mut body = json!({
        "indicator_code": "resolved", "category": "civil", "period": "2026-Q3", "numerator": 214,
        "source_system": "toerelik", "as_of": "2026-10-05",
    });
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_value_is_recorded_with_where_it_comes_from() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge().await;
    let path = format!("/v1/judges/{}/observations", judge.id);

    let late = json!({"indicator_code": "term_violations_judge", "numerator": 3, "denominator": 214, "source_record_id": "q3/17"});
    let made = secretary.post(&path, observation(late)).await.expect(201);

    assert_eq!(made.header("location"), path);
    let shown = |field: &str| made.body[field].clone();
    assert_eq!(
        [shown("numerator"), shown("denominator"), shown("period"), shown("status"), shown("source_record_id")],
        [json!(3), json!(214), json!("2026-Q3"), json!("active"), json!("q3/17")]
    );
    let page = judge.client(&app).await.get(&path).await.expect(200);
    assert_eq!(page.body["items"], json!([made.body]));
    let other = secretary.get(&format!("{path}?purpose=personnel&indicator_code=resolved")).await.expect(200);
    assert_eq!(other.body["items"], json!([]));
    let odd = secretary.get(&format!("{path}?purpose=personnel&indicator_code=Resolved!")).await.expect(400);
    assert_eq!(odd.faults(), [("indicator_code".to_owned(), "format".to_owned())]);
    let same =
        secretary.get(&format!("{path}?purpose=personnel&indicator_code=term_violations_judge")).await.expect(200);
    assert_eq!(same.body["items"], json!([made.body]));
}

#[tokio::test]
async fn a_second_value_for_a_period_is_refused_and_a_restatement_takes_the_place_of_the_first() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge().await;
    let path = format!("/v1/judges/{}/observations", judge.id);
    let first = secretary.post(&path, observation(json!({}))).await.expect(201);

    let second = secretary.post(&path, observation(json!({"numerator": 208}))).await;
    let restated = json!({"numerator": 208, "supersedes_id": first.id()});
    let restated = secretary.post(&path, observation(restated)).await.expect(201);

    second.expect_problem(409, "observation_exists");
    assert_eq!(restated.body["supersedes_id"], json!(first.id()));
    let page = secretary.get_for("personnel", &path).await.expect(200);
    let items = page.body["items"].as_array().unwrap();
    let status = |id: String| items.iter().find(|item| item["id"] == id).unwrap()["status"].clone();
    assert_eq!((status(first.id()), status(restated.id())), (json!("corrected"), json!("active")));
    let again = json!({"numerator": 207, "supersedes_id": first.id()});
    secretary.post(&path, observation(again)).await.expect_problem(409, "already_superseded");
    let acts = app.db_acts().await;
    assert_eq!(acts.iter().filter(|act| *act == "create_observation").count(), 2);
}

#[tokio::test]
async fn a_restatement_is_of_the_same_judge_indicator_category_and_period() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let path = format!("/v1/judges/{}/observations", judge.id);
    let first = secretary.post(&path, observation(json!({}))).await.expect(201).id();
    let elsewhere = format!("/v1/judges/{}/observations", other.id);
    let absent = "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11";
    let cases = [
        (path.as_str(), json!({"indicator_code": "incoming", "supersedes_id": first}), "mismatch"),
        (&path, json!({"category": "criminal", "supersedes_id": first}), "mismatch"),
        (&path, json!({"period": "2026-Q2", "supersedes_id": first}), "mismatch"),
        (&elsewhere, json!({"supersedes_id": first}), "missing"),
        (&path, json!({"supersedes_id": absent}), "missing"),
    ];
    for (path, change, code) in cases {
        let answer = secretary.post(path, observation(change.clone())).await.expect(422);
        assert_eq!(answer.faults(), [("/supersedes_id".to_owned(), code.to_owned())], "{change}");
    }
    let page = secretary.get_for("personnel", &path).await.expect(200);
    assert_eq!(page.body["items"][0]["status"], "active", "a refused restatement changes nothing");
}

#[tokio::test]
async fn every_fault_of_a_value_is_named() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge().await;
    let path = format!("/v1/judges/{}/observations", judge.id);
    let cases = [
        (json!({"indicator_code": "charm"}), 422, "/indicator_code", "missing"),
        (json!({"category": "cvil"}), 422, "/category", "missing"),
        (json!({"category": "Civil"}), 422, "/category", "format"),
        (json!({"period": "2027-Q2", "as_of": "2027-01-11"}), 422, "/period", "format"),
        (json!({"period": "1999-Q4"}), 400, "/period", "type"),
        (json!({"numerator": 30_001}), 422, "/numerator", "range"),
        (json!({"numerator": -1}), 422, "/numerator", "range"),
        (json!({"numerator": 1.5}), 400, "/numerator", "type"),
        (json!({"denominator": 0}), 422, "/denominator", "range"),
        (json!({"denominator": 213}), 422, "/numerator", "mismatch"),
        (json!({"as_of": "2027-01-12"}), 422, "/as_of", "format"),
        (json!({"as_of": "2026-06-30"}), 422, "/as_of", "order"),
        (json!({"source_system": "Törelik"}), 422, "/source_system", "format"),
        (json!({"source_record_id": ""}), 422, "/source_record_id", "length"),
        (json!({"rank": 1}), 400, "/rank", "unknown"),
    ];
    for (change, status, pointer, code) in cases {
        let answer = secretary.post(&path, observation(change.clone())).await.expect(status);
        let found = answer.faults();
        assert!(found.contains(&(pointer.to_owned(), code.to_owned())), "{change}: {found:?}");
    }
    let running = json!({"period": "2027-Q1", "as_of": "2027-01-11"});
    secretary.post(&path, observation(running)).await.expect(201);
    let absent = "/v1/judges/019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11/observations";
    secretary.post(absent, observation(json!({}))).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn values_are_written_by_secretaries_and_read_by_them_and_the_judge_alone() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let path = format!("/v1/judges/{}/observations", judge.id);

    judge.client(&app).await.post(&path, observation(json!({}))).await.expect_problem(403, "forbidden");
    other.client(&app).await.get(&path).await.expect_problem(404, "not_found");
    for role in StaffRole::ALL.iter().filter(|role| **role != StaffRole::Secretary) {
        let client = app.staff(*role).await;
        client.post(&path, observation(json!({}))).await.expect_problem(403, "forbidden");
        // For a member to whom no evaluation of the judge is assigned, there is nothing to read.
        match role {
            StaffRole::Member | StaffRole::AppealMember => client.get(&path).await.expect_problem(404, "not_found"),
            _ => client.get(&path).await.expect_problem(403, "forbidden"),
        };
    }
}
