//! Two requests at the same instant: whatever their order, one outcome that can be told. A newcomer's usual mistake is
//! to expect a certain one of the two to win; the sum of what happened is the promise.

use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::{App, PASSWORD};

#[tokio::test]
async fn of_two_refreshes_at_once_one_gets_tokens_and_the_log_in_ends() {
    let app = App::start().await;
    app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;
    let anonymous = app.anonymous();
    let granted = anonymous.post("/v1/sessions", json!({"login": "aigul", "password": PASSWORD})).await.expect(201);
    let body = json!({"refresh_token": granted.body["refresh_token"]});
    let refresh = || anonymous.post("/v1/sessions/refresh", body.clone());

    let (one, other) = tokio::join!(refresh(), refresh());

    let (won, lost) = if one.status == 201 { (one, other) } else { (other, one) };
    let won = won.expect(201);
    lost.expect_problem(401, "refresh_refused");
    // Nobody can tell which of the two holds the copy, so what the winner got is good for nothing any more.
    let next = json!({"refresh_token": won.body["refresh_token"]});
    anonymous.post("/v1/sessions/refresh", next).await.expect_problem(401, "refresh_refused");
    let acts = app.db_acts().await;
    assert_eq!(acts.iter().filter(|act| *act == "refresh_session").count(), 1);
}

#[tokio::test]
async fn of_two_changes_of_one_version_one_wins_and_the_other_is_told() {
    let app = App::start().await;
    let administrator = app.staff(StaffRole::Administrator).await.if_match(1);
    let id = app.db_add_account("serik", Some(StaffRole::Member), None).await;
    let path = format!("/v1/accounts/{id}");
    let change = |role: &str| administrator.patch(&path, json!({"staff_role": role}));

    let (one, other) = tokio::join!(change("secretary"), change("auditor"));

    let (won, lost) = if one.status == 200 { (one, other) } else { (other, one) };
    let won = won.expect(200);
    lost.expect_problem(412, "stale");
    let now = administrator.get(&path).await.expect(200);
    assert_eq!((&now.body["staff_role"], &now.body["version"]), (&won.body["staff_role"], &json!(2)));
}

#[tokio::test]
async fn the_same_request_many_times_at_once_is_one_act_with_one_answer() {
    let app = App::start().await;
    let administrator = app.staff(StaffRole::Administrator).await.with_key("make-serik");
    let body = json!({"login": "serik", "password": PASSWORD, "staff_role": "member"});
    let make = || administrator.post("/v1/accounts", body.clone());

    let (a, b, c, d) = tokio::join!(make(), make(), make(), make());

    let answers: Vec<Value> = [a, b, c, d].into_iter().map(|answer| answer.expect(201).body).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(app.db_acts().await.iter().filter(|act| *act == "create_account").count(), 1);
}

#[tokio::test]
async fn of_two_accounts_of_one_name_made_at_once_one_exists() {
    let app = App::start().await;
    let administrator = app.staff(StaffRole::Administrator).await;
    let body = json!({"login": "serik", "password": PASSWORD, "staff_role": "member"});
    let make = || administrator.post("/v1/accounts", body.clone());

    let (one, other) = tokio::join!(make(), make());

    let (won, lost) = if one.status == 201 { (one, other) } else { (other, one) };
    won.expect(201);
    lost.expect_problem(409, "already_exists");
}

#[tokio::test]
async fn writes_made_at_once_are_numbered_without_gaps() {
    let app = App::start().await;
    let administrator = app.staff(StaffRole::Administrator).await;
    let auditor = app.staff(StaffRole::Auditor).await;
    let make = |number: usize| {
        let body = json!({"login": format!("serik-{number}"), "password": PASSWORD, "staff_role": "member"});
        let administrator = administrator.clone();
        async move { administrator.post("/v1/accounts", body).await.expect(201) }
    };

    futures_util::future::join_all((0..12).map(make)).await;

    let page = auditor.get("/v1/audit-entries?limit=100").await.expect(200);
    let entries = page.body["items"].as_array().unwrap();
    let numbers: Vec<u64> = entries.iter().map(|entry| entry["sequence"].as_u64().unwrap()).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{numbers:?}");
    assert_eq!(entries.iter().filter(|entry| entry["act"] == "create_account").count(), 12);
}
