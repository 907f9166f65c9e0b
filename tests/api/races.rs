//! Two requests at the same instant: whatever their order, one outcome that can be told. A newcomer's usual mistake is
//! to expect a certain one of the two to win; the sum of what happened is the promise.

use chrono::TimeDelta;
use ejf::auth::password::Passwords;
use ejf::cipher::Use;
use ejf::domain::ids::AccountId;
use ejf::domain::policy::StaffRole;
use ejf::store;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::harness::{App, Client, PASSWORD};

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

/// Hashes that take so long to verify that other things happen meanwhile: their memory in KiB and their passes. Little
/// memory, so that tests beside them are not held up.
const SLOW: (u32, u32) = (64, 8_000);
const QUICK: (u32, u32) = (64, 2);
const NEW_PASSWORD: &str = "nine winters by the lake";

/// Sets a password past HTTP, hashed at this cost.
async fn db_set_password(app: &App, id: AccountId, password: &str, (memory_kib, passes): (u32, u32)) {
    let passwords = Passwords::new(memory_kib, passes).unwrap();
    let hash = passwords.hash(Zeroizing::new(password.to_owned())).await.unwrap();
    app.registry().0.write(move |conn| store::accounts::set_password_hash(conn, id, &hash)).await.unwrap();
}

/// Waits until an attempt to log in is counted, which is before the password is looked at.
async fn db_until_counted(app: &App, login: &str) {
    let attempt = app.cipher().keyed_hash(Use::LoginName, login.as_bytes()).unwrap();
    loop {
        let counted = attempt.clone();
        let found = app.registry().0.read(move |conn| store::accounts::login_attempts(conn, &counted)).await;
        if found.unwrap().is_some() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_password_that_is_changed_while_a_log_in_verifies_the_old_one_stays_and_the_log_in_is_asked_again() {
    let app = App::start().await;
    let id = app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;
    db_set_password(&app, id, PASSWORD, SLOW).await;
    let anonymous = app.anonymous();
    let log_in = |password: &str| anonymous.post("/v1/sessions", json!({"login": "aigul", "password": password}));
    let change = async {
        db_until_counted(&app, "aigul").await;
        db_set_password(&app, id, NEW_PASSWORD, QUICK).await;
    };

    let (old, ()) = tokio::join!(log_in(PASSWORD), change);

    old.expect_problem(503, "busy");
    app.clock.advance(TimeDelta::seconds(1));
    log_in(PASSWORD).await.expect_problem(401, "login_failed");
    app.clock.advance(TimeDelta::seconds(2));
    log_in(NEW_PASSWORD).await.expect(201);
}

#[tokio::test]
async fn an_account_that_is_closed_while_a_log_in_verifies_its_password_gets_no_tokens() {
    let app = App::start().await;
    let administrator = app.staff(StaffRole::Administrator).await;
    let id = app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;
    db_set_password(&app, id, PASSWORD, SLOW).await;
    let anonymous = app.anonymous();
    let close = async {
        db_until_counted(&app, "aigul").await;
        administrator.if_match(2).patch(&format!("/v1/accounts/{id}"), json!({"is_closed": true})).await.expect(200);
    };

    let log_in = anonymous.post("/v1/sessions", json!({"login": "aigul", "password": PASSWORD}));
    let (granted, ()) = tokio::join!(log_in, close);

    granted.expect_problem(401, "login_failed");
}

#[tokio::test]
async fn of_two_changes_of_one_password_at_once_the_second_is_refused() {
    let app = App::start().await;
    for (login, is_one_log_in, refused) in [("aigul", true, 422), ("serik", false, 401)] {
        let id = app.db_add_account(login, Some(StaffRole::Secretary), None).await;
        let here = app.log_in(login).await;
        let there = if is_one_log_in { here.clone() } else { app.log_in(login).await };
        db_set_password(&app, id, PASSWORD, SLOW).await;
        let change = async |client: &Client, new: &str| {
            let body = json!({"old_password": PASSWORD, "new_password": new});
            client.post("/v1/me/password", body).await.status
        };

        let (one, other) = tokio::join!(change(&here, NEW_PASSWORD), change(&there, "eight summers in the steppe"));

        let mut statuses = [one, other];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, refused], "{login}");
    }
}
