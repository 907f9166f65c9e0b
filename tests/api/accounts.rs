//! Accounts, and the conventions that every resource shares.

use ejf::credential::encoding::sha256;
use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::plans::all_items;
use crate::harness::{App, PASSWORD};

#[tokio::test]
async fn an_administrator_makes_an_account_that_can_log_in() {
    let app = App::start().await;
    let admin = app.staff(StaffRole::Administrator).await;

    let made = admin
        .post("/v1/accounts", json!({"login": "d.serikov", "password": PASSWORD, "staff_role": "member"}))
        .await
        .expect(201);

    assert_eq!(made.header("location"), format!("/v1/accounts/{}", made.id()));
    assert_eq!(made.header("etag"), "\"1\"");
    assert!(!made.text.contains("argon2"));
    app.log_in("d.serikov").await.get("/v1/me").await.expect(200);
    let again = admin.post("/v1/accounts", json!({"login": "d.serikov", "password": PASSWORD, "staff_role": "member"}));
    again.await.expect_problem(409, "already_exists");
}

#[tokio::test]
async fn every_fault_of_a_new_account_is_named_by_its_field() {
    let app = App::start().await;
    let admin = app.staff(StaffRole::Administrator).await;
    let cases = [
        (json!({"login": "ab", "password": PASSWORD, "staff_role": "member"}), 422, "/login", "length"),
        (json!({"login": "А.Серік", "password": PASSWORD, "staff_role": "member"}), 422, "/login", "format"),
        (json!({"login": "serik", "password": "short", "staff_role": "member"}), 422, "/password", "length"),
        (json!({"login": "serik", "password": PASSWORD}), 422, "/staff_role", "required"),
        (json!({"login": "serik", "password": PASSWORD, "staff_role": "king"}), 400, "/staff_role", "one_of"),
        (json!({"login": 5, "password": PASSWORD, "staff_role": "member"}), 400, "/login", "type"),
        (json!({"password": PASSWORD, "staff_role": "member"}), 400, "/login", "required"),
        (
            json!({"login": "serik", "password": PASSWORD, "staff_role": "member", "is_admin": true}),
            400,
            "/is_admin",
            "unknown",
        ),
        (
            json!({"login": "serik", "password": PASSWORD, "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11"}),
            422,
            "/judge_id",
            "missing",
        ),
        (
            json!({"login": "serik", "password": PASSWORD, "staff_role": "auditor", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11"}),
            422,
            "/judge_id",
            "mismatch",
        ),
    ];
    for (body, status, pointer, code) in cases {
        let answer = admin.post("/v1/accounts", body.clone()).await.expect(status);
        assert_eq!(answer.faults(), [(pointer.to_owned(), code.to_owned())], "{body}");
        assert!(!answer.text.contains(PASSWORD));
    }
}

#[tokio::test]
async fn a_list_is_paged_to_its_end_and_a_cursor_is_bound_to_it() {
    let app = App::start().await;
    let admin = app.staff(StaffRole::Administrator).await;
    for number in 0..5 {
        // Ids of one millisecond have no order among themselves.
        app.clock.advance(chrono::TimeDelta::milliseconds(1));
        app.db_add_account(&format!("judge-{number}"), Some(StaffRole::Auditor), None).await;
    }

    let mut path = "/v1/accounts?limit=2".to_owned();
    let mut logins = Vec::new();
    loop {
        let page = admin.get(&path).await.expect(200);
        logins.extend(
            page.body["items"].as_array().unwrap().iter().map(|item| item["login"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        assert_eq!(page.header("link"), format!("</v1/accounts?limit=2&cursor={cursor}>; rel=\"next\""));
        path = format!("/v1/accounts?limit=2&cursor={cursor}");
    }

    assert_eq!(logins[1..], ["judge-0", "judge-1", "judge-2", "judge-3", "judge-4"]);
    admin.get("/v1/accounts?cursor=AAAA").await.expect_problem(400, "bad_cursor");
    let auditor = app.log_in("judge-0").await;
    let cursor = path.rsplit('=').next().unwrap();
    auditor.get(&format!("/v1/audit-entries?cursor={cursor}")).await.expect_problem(400, "bad_cursor");
    admin.get("/v1/accounts?limit=0").await.expect_problem(400, "malformed");
    admin.get("/v1/accounts?limit=101").await.expect_problem(400, "malformed");
    admin.get("/v1/accounts?offset=3").await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn a_change_needs_the_version_last_seen() {
    let app = App::start().await;
    let admin = app.staff(StaffRole::Administrator).await;
    let id = app.db_add_account("serik", Some(StaffRole::Member), None).await;
    let path = format!("/v1/accounts/{id}");
    let close = json!({"is_closed": true});

    admin.patch(&path, close.clone()).await.expect_problem(428, "precondition_required");
    admin.with_header("If-Match", "*").patch(&path, close.clone()).await.expect_problem(428, "precondition_required");
    admin.if_match(7).patch(&path, close.clone()).await.expect_problem(412, "stale");
    admin.with_header("If-Match", "\"x\"").patch(&path, close.clone()).await.expect_problem(412, "stale");
    let changed = admin.with_header("If-Match", "W/\"1\"").patch(&path, close.clone()).await.expect(200);
    admin.if_match(1).patch(&path, close).await.expect_problem(412, "stale");

    assert_eq!((changed.header("etag"), &changed.body["version"]), ("\"2\"", &json!(2)));
    admin.with_header("If-None-Match", "\"2\"").get(&path).await.expect(304);
    admin.with_header("If-None-Match", "\"1\"").get(&path).await.expect(200);
}

#[tokio::test]
async fn a_closed_account_is_out_at_once_and_cannot_come_back() {
    let app = App::start().await;
    let admin = app.staff(StaffRole::Administrator).await;
    let id = app.db_add_account("serik", Some(StaffRole::Member), None).await;
    let serik = app.log_in("serik").await;

    admin.if_match(1).patch(&format!("/v1/accounts/{id}"), json!({"is_closed": true})).await.expect(200);

    serik.get("/v1/me").await.expect_problem(401, "unauthenticated");
    let back = app.anonymous().post("/v1/sessions", json!({"login": "serik", "password": PASSWORD})).await;
    back.expect_problem(401, "login_failed");
}

#[tokio::test]
async fn the_same_request_under_one_key_is_done_once() {
    let app = App::start().await;
    let admin = app.staff(StaffRole::Administrator).await.with_key("make-serik");
    let body = json!({"login": "serik", "password": PASSWORD, "staff_role": "member"});

    let first = admin.post("/v1/accounts", body.clone()).await.expect(201);
    let second = admin.post("/v1/accounts", body).await.expect(201);
    let other =
        admin.post("/v1/accounts", json!({"login": "other", "password": PASSWORD, "staff_role": "member"})).await;

    assert_eq!((first.text, first.headers["location"].clone()), (second.text, second.headers["location"].clone()));
    other.expect_problem(422, "idempotency_key_reused");
    assert_eq!(app.db_acts().await.iter().filter(|act| *act == "create_account").count(), 1);
}

#[tokio::test]
async fn a_problem_speaks_the_callers_language() {
    let app = App::start().await;
    let title = async |language: &str| {
        let answer = app.anonymous().with_header("Accept-Language", language).get("/v1/me").await.expect(401);
        (answer.body["title"].as_str().unwrap().to_owned(), answer.header("content-language").to_owned())
    };

    let (kk, ru, en) = (title("kk-KZ").await, title("ru,en;q=0.5").await, title("en").await);

    assert_eq!((kk.1.as_str(), ru.1.as_str(), en.1.as_str()), ("kk", "ru", "en"));
    assert!(kk.0 != ru.0 && ru.0 != en.0, "{kk:?} {ru:?} {en:?}");
}

#[tokio::test]
async fn the_role_of_a_judge_ends_with_null_and_stays_where_nothing_is_said() {
    let app = App::start().await;
    let admin = app.staff(StaffRole::Administrator).await;
    let judge = app.judge().await;
    let id = admin.get("/v1/accounts?limit=100").await.expect(200).body["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|account| account["judge_id"] == json!(judge.id))
        .unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/v1/accounts/{id}");
    let change = async |version: i64, body: Value| admin.if_match(version).patch(&path, body).await;

    change(1, json!({"staff_role": "member"})).await.expect(200);
    let same = change(2, json!({"is_closed": false})).await.expect(200);
    let ended = change(3, json!({"staff_role": null})).await.expect(200);

    assert_eq!((&same.body["staff_role"], &ended.body["staff_role"]), (&json!("member"), &Value::Null));
    assert_eq!(ended.body["judge_id"], json!(judge.id));
    let member = app.db_add_account("serik", Some(StaffRole::Member), None).await;
    let refused = admin.if_match(1).patch(&format!("/v1/accounts/{member}"), json!({"staff_role": null})).await;
    assert_eq!(refused.expect(422).faults(), [("/staff_role".to_owned(), "required".to_owned())]);
}

#[tokio::test]
async fn a_write_is_answered_with_what_it_made_whatever_the_caller_knows() {
    let app = App::start().await;
    let admin = app.staff(StaffRole::Administrator).await;
    let id = app.db_add_account("serik", Some(StaffRole::Member), None).await;
    let path = format!("/v1/accounts/{id}");

    let change = admin.if_match(1).with_header("If-None-Match", "\"2\"").patch(&path, json!({"is_closed": true})).await;
    let beyond = admin.if_match(i64::MAX).patch(&path, json!({"is_closed": false})).await;

    assert_eq!(change.expect(200).body["is_closed"], true);
    beyond.expect_problem(412, "stale");
}

#[tokio::test]
async fn the_audit_log_proves_what_an_account_may_do_after_each_act() {
    let app = App::start().await;
    let admin = app.staff(StaffRole::Administrator).await;
    let body = json!({"login": "d.serikov", "password": PASSWORD, "staff_role": "member"});
    let made = admin.post("/v1/accounts", body).await.expect(201);
    let path = format!("/v1/accounts/{}", made.id());
    let changed = admin.if_match(1).patch(&path, json!({"staff_role": "secretary"})).await.expect(200);

    let auditor = app.staff(StaffRole::Auditor).await;
    let entries = all_items(&auditor, "/v1/audit-entries").await;
    for (act, view) in [("create_account", &made.body), ("update_account", &changed.body)] {
        let granted = format!(
            r#"{{"id":{},"login":{},"staff_role":{},"judge_id":{},"is_closed":{}}}"#,
            view["id"], view["login"], view["staff_role"], view["judge_id"], view["is_closed"]
        );
        let digest = ejf::domain::hex::hex(&sha256(&[granted.as_bytes()]).0);
        let entry = entries.iter().find(|entry| entry["act"] == act && entry["object_id"] == made.id()).unwrap();
        assert_eq!(entry["digest"], digest, "{act}");
    }
}
