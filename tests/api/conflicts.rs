//! Declared conflicts: by whom, and that nobody learns what another declared.

use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::App;

#[tokio::test]
async fn a_pair_is_kept_in_one_form_whoever_is_named_first() {
    let app = App::start().await;
    let (aigul, marat) = (app.judge().await, app.judge().await);
    let body = |one: &dyn ToString, other: &dyn ToString, kind: &str| json!({"judge_id": one.to_string(), "other_judge_id": other.to_string(), "kind": kind, "starts_on": "2010-06-01"});

    let one = app.secretary().await.post("/v1/conflicts", body(&aigul.id, &marat.id, "relative")).await.expect(201);
    let other =
        aigul.client(&app).await.post("/v1/conflicts", body(&marat.id, &aigul.id, "litigation")).await.expect(201);

    let pair = json!([aigul.id.min(marat.id), aigul.id.max(marat.id)]);
    for made in [&one, &other] {
        assert_eq!(json!([made.body["judge_id"], made.body["other_judge_id"]]), pair);
    }
    let list = app.staff(StaffRole::Auditor).await.get("/v1/conflicts").await.expect(200);
    assert_eq!(list.body["items"].as_array().unwrap().len(), 2);
    let again = app.secretary().await.post("/v1/conflicts", body(&marat.id, &aigul.id, "relative")).await;
    again.expect_problem(409, "already_exists");
}

#[tokio::test]
async fn a_judge_declares_conflicts_of_the_own_pairs_and_reads_none() {
    let app = App::start().await;
    let (aigul, marat, third) = (app.judge().await, app.judge().await, app.judge().await);
    let client = aigul.client(&app).await;
    let foreign =
        json!({"judge_id": marat.id, "other_judge_id": third.id, "kind": "business", "starts_on": "2020-01-01"});

    client.post("/v1/conflicts", foreign.clone()).await.expect_problem(403, "forbidden");
    client.get("/v1/conflicts").await.expect_problem(403, "forbidden");
    for role in StaffRole::ALL.iter().filter(|role| **role != StaffRole::Secretary) {
        app.staff(*role).await.post("/v1/conflicts", foreign.clone()).await.expect_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn a_declaration_does_not_tell_that_the_other_judge_declared_the_same() {
    let app = App::start().await;
    let (aigul, marat) = (app.judge().await, app.judge().await);
    let body = json!({
        "judge_id": aigul.id, "other_judge_id": marat.id, "kind": "close_friendship_or_hostility", "starts_on": "2020-01-01",
    });

    aigul.client(&app).await.post("/v1/conflicts", body.clone()).await.expect(201);

    marat.client(&app).await.post("/v1/conflicts", body).await.expect(201);
}

#[tokio::test]
async fn every_fault_of_a_conflict_is_named() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let (aigul, marat) = (app.judge().await, app.judge().await);
    let absent = "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11";
    let with = |field: &str, value: Value| {
        let mut body =
            json!({"judge_id": aigul.id, "other_judge_id": marat.id, "kind": "relative", "starts_on": "2010-06-01"});
        body[field] = value;
        body
    };
    let cases = [
        (with("other_judge_id", json!(aigul.id)), 422, "/other_judge_id", "mismatch"),
        (with("other_judge_id", json!(absent)), 422, "/other_judge_id", "missing"),
        (with("judge_id", json!(absent)), 422, "/judge_id", "missing"),
        (with("judge_id", json!("x")), 400, "/judge_id", "type"),
        (with("ends_on", json!("2010-05-31")), 422, "/ends_on", "order"),
        (with("kind", json!("envy")), 400, "/kind", "one_of"),
    ];
    for (body, status, pointer, code) in cases {
        let answer = secretary.post("/v1/conflicts", body.clone()).await.expect(status);
        assert_eq!(answer.faults(), [(pointer.to_owned(), code.to_owned())], "{body}");
    }
}
