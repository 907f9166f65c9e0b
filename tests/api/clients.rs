//! Machine clients: how they are kept, how they get in, and how little they can do there.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use ejf::credential::encoding::sha256;
use ejf::domain::caller::Scope;
use ejf::domain::policy::StaffRole;
use ejf::store;
use serde_json::{Value, json};

use crate::harness::plans::all_items;
use crate::harness::{Answer, App, Client, invented_iin};

fn new_client() -> Value {
    json!({"name": "Court Administration, statistics", "source_system": "toerelik", "scopes": ["file:write"]})
}

fn new_judge(source_system: &str, value: &str) -> Value {
    json!({
        "iin": invented_iin(), "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович",
        "first_appointed_on": "2015-03-02", "external_id": {"source_system": source_system, "value": value},
    })
}

fn new_court(value: &str) -> Value {
    json!({
        "name_kk": "Алмалы аудандық соты", "name_ru": "Алмалинский районный суд", "level": "district",
        "region": "almaty_city", "posts": 24, "external_id": {"source_system": "toerelik", "value": value},
    })
}

fn new_observation(source_system: &str) -> Value {
    json!({
        "indicator_code": "resolved", "category": "civil", "period": "2026-Q3", "numerator": 214,
        "source_system": source_system, "as_of": "2026-10-05",
    })
}

/// A caller with the token that was granted.
fn holder(app: &App, granted: &Answer) -> Client {
    app.anonymous().with_token(granted.body["access_token"].as_str().unwrap())
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

#[tokio::test]
async fn an_administrator_adds_a_client_and_its_secret_is_shown_once() {
    let app = App::start().await;
    let administrator = app.staff(StaffRole::Administrator).await;

    let made = administrator.post("/v1/clients", new_client()).await.expect(201);
    let id = made.body["client"]["id"].as_str().unwrap();
    let secret = made.body["client_secret"].as_str().unwrap();
    let path = format!("/v1/clients/{id}");
    let one = administrator.get(&path).await.expect(200);
    let list = administrator.get("/v1/clients").await.expect(200);

    assert_eq!((made.header("location"), made.header("etag")), (path.as_str(), "\"1\""));
    assert_eq!(one.body, made.body["client"]);
    assert_eq!(list.body["items"], json!([one.body]));
    for answer in [&one, &list] {
        assert!(!answer.text.contains(secret) && !answer.text.contains("hash"), "{}", answer.text);
    }
    administrator.post("/v1/clients", new_client()).await.expect_problem(409, "already_exists");
    assert_eq!(app.db_acts().await.last().unwrap(), "create_client");
}

#[tokio::test]
async fn every_fault_of_a_client_is_named() {
    let app = App::start().await;
    let administrator = app.staff(StaffRole::Administrator).await;
    let cases = [
        (json!({"name": " ", "source_system": "hr", "scopes": ["scim"]}), "/name", "length"),
        (json!({"name": "HR", "source_system": "H R", "scopes": ["scim"]}), "/source_system", "format"),
        (json!({"name": "HR", "source_system": "hr", "scopes": []}), "/scopes", "length"),
        (json!({"name": "HR", "source_system": "hr", "scopes": ["scim", "scim"]}), "/scopes", "duplicate"),
    ];
    for (body, pointer, code) in cases {
        let answer = administrator.post("/v1/clients", body).await.expect_problem(422, "invalid");
        assert_eq!(answer.faults(), [(pointer.to_owned(), code.to_owned())]);
    }
    let unknown = json!({"name": "HR", "source_system": "hr", "scopes": ["file:read"]});
    administrator.post("/v1/clients", unknown).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn a_token_is_got_by_header_or_form_and_by_nothing_in_between() {
    let app = App::start().await;
    let (id, secret) = app.db_add_client("toerelik", &[Scope::FileWrite]).await;
    let by_header = app.anonymous().with_header("Authorization", &basic(&id, &secret));

    let granted = app.token_request(&id, &secret, "&resource=ignored").await.expect(200);
    assert_eq!(granted.body["token_type"], "Bearer");
    assert_eq!((&granted.body["expires_in"], &granted.body["scope"]), (&json!(600), &json!("file:write")));
    assert_eq!((granted.header("cache-control"), granted.header("pragma")), ("no-store", "no-cache"));
    by_header.post_form("/oauth2/token", "grant_type=client_credentials&scope=").await.expect(200);
    let acts = app.db_acts().await;
    assert_eq!(acts.iter().filter(|act| *act == "issue_token").count(), 2);

    let both = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let twice = format!("{both}&scope=scim&scope=scim");
    let refusals = [
        (by_header.post_form("/oauth2/token", &both).await, "invalid_request"),
        (app.anonymous().post_form("/oauth2/token", &twice).await, "invalid_request"),
        (by_header.post_form("/oauth2/token", "").await, "invalid_request"),
        (by_header.post("/oauth2/token", json!({"grant_type": "client_credentials"})).await, "invalid_request"),
        (by_header.post_form("/oauth2/token", "grant_type=password").await, "unsupported_grant_type"),
        (app.token_request(&id, &secret, "&scope=results:read").await, "invalid_scope"),
        (app.token_request(&id, &secret, "&scope=file:write+admin").await, "invalid_scope"),
    ];
    for (answer, error) in refusals {
        let answer = answer.expect(400);
        assert_eq!(answer.body["error"], error);
        assert!(answer.body["error_description"].as_str().unwrap().is_ascii());
    }
    let long = format!("{both}&x={}", "x".repeat(4096));
    app.anonymous().post_form("/oauth2/token", &long).await.expect_problem(413, "payload_too_large");
}

#[tokio::test]
async fn unknown_wrong_and_closed_get_the_same_answer() {
    let app = App::start().await;
    let (id, secret) = app.db_add_client("toerelik", &[Scope::FileWrite]).await;
    let (closed_id, closed_secret) = app.db_add_client("hr", &[Scope::FileWrite]).await;
    let administrator = app.staff(StaffRole::Administrator).await;
    let close = json!({"is_closed": true});
    administrator.if_match(1).patch(&format!("/v1/clients/{closed_id}"), close).await.expect(200);
    let nobody = "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11";

    let answers = [
        app.token_request(&id, &closed_secret, "").await,
        app.token_request(nobody, &secret, "").await,
        app.token_request("no-id", &secret, "").await,
        app.token_request("00000000-0000-0000-0000-000000000000", &secret, "").await,
        app.token_request(&closed_id, &closed_secret, "").await,
        app.anonymous()
            .with_header("Authorization", &basic(&id, ""))
            .post_form("/oauth2/token", "grant_type=client_credentials")
            .await,
        app.anonymous().post_form("/oauth2/token", "grant_type=client_credentials").await,
    ];

    let texts: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
    for answer in &answers {
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Basic realm=\"ejf\""));
        assert_eq!(answer.body["error"], "invalid_client");
        assert_eq!(answer.text, texts[0]);
    }
    app.token_request(&id, &secret, "").await.expect(200);
}

#[tokio::test]
async fn a_rotated_secret_stays_good_for_the_overlap_and_no_longer() {
    let app = App::start().await;
    let administrator = app.staff(StaffRole::Administrator).await;
    let (id, first) = app.db_add_client("toerelik", &[Scope::FileWrite]).await;
    let path = format!("/v1/clients/{id}/rotate");

    let rotated = administrator.post(&path, json!({})).await.expect(200);
    let second = rotated.body["client_secret"].as_str().unwrap();
    assert_eq!(rotated.body["client"]["previous_secret_until"], "2027-01-12T04:00:00Z");
    app.token_request(&id, &first, "").await.expect(200);
    app.token_request(&id, second, "").await.expect(200);

    app.clock.advance(TimeDelta::hours(24));
    app.token_request(&id, &first, "").await.expect(401);
    app.token_request(&id, second, "").await.expect(200);

    let administrator = app.staff(StaffRole::Administrator).await;
    let leaked = administrator.post(&path, json!({"overlap_hours": 0})).await.expect(200);
    assert_eq!(leaked.body["client"]["previous_secret_until"], Value::Null);
    app.token_request(&id, second, "").await.expect(401);
    app.token_request(&id, leaked.body["client_secret"].as_str().unwrap(), "").await.expect(200);
    let long = administrator.post(&path, json!({"overlap_hours": 169})).await.expect_problem(422, "invalid");
    assert_eq!(long.faults(), [("/overlap_hours".to_owned(), "range".to_owned())]);
    let unknown = format!("/v1/clients/{}/rotate", ejf::domain::ids::random());
    administrator.post(&unknown, json!({})).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_closed_client_is_out_at_once_here_and_within_half_a_minute_elsewhere() {
    let app = App::start().await;
    let administrator = app.staff(StaffRole::Administrator).await;
    let (id, secret) = app.db_add_client("toerelik", &[Scope::FileWrite]).await;
    let machine = holder(&app, &app.token_request(&id, &secret, "").await.expect(200));
    let path = format!("/v1/clients/{id}");

    machine.post("/v1/courts", new_court("1")).await.expect(201);
    administrator.if_match(1).patch(&path, json!({"is_closed": true})).await.expect(200);
    machine.post("/v1/courts", new_court("2")).await.expect_problem(401, "unauthenticated");
    administrator.if_match(1).patch(&path, json!({"is_closed": false})).await.expect_problem(412, "stale");
    administrator.if_match(2).patch(&path, json!({"is_closed": false})).await.expect(200);
    machine.post("/v1/courts", new_court("3")).await.expect(201);

    // As another process would close it.
    let client_id = id.parse().unwrap();
    let close = move |conn: &mut ejf::db::Conn| {
        let mut client = store::clients::find(conn, client_id)?.unwrap();
        (client.is_closed, client.version) = (true, 4);
        store::clients::update(conn, &client, 3)
    };
    assert!(app.registry().0.write(close).await.unwrap());
    app.clock.advance(TimeDelta::seconds(30));
    machine.post("/v1/courts", new_court("4")).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_token_does_what_it_was_asked_for_and_what_the_client_may_still_do() {
    let app = App::start().await;
    let administrator = app.staff(StaffRole::Administrator).await;
    let (id, secret) = app.db_add_client("toerelik", &[Scope::FileWrite, Scope::EventsRead]).await;
    let all = holder(&app, &app.token_request(&id, &secret, "").await.expect(200));
    let narrow = app.token_request(&id, &secret, "&scope=events:read").await.expect(200);
    assert_eq!(narrow.body["scope"], "events:read");

    all.post("/v1/courts", new_court("1")).await.expect(201);
    holder(&app, &narrow).post("/v1/courts", new_court("2")).await.expect_problem(403, "forbidden");
    let change = json!({"scopes": ["events:read"]});
    administrator.if_match(1).patch(&format!("/v1/clients/{id}"), change).await.expect(200);
    all.post("/v1/courts", new_court("3")).await.expect_problem(403, "forbidden");

    let wider = json!({"scopes": ["events:read", "file:write"], "name": "Court Administration"});
    administrator.if_match(2).patch(&format!("/v1/clients/{id}"), wider).await.expect(200);
    holder(&app, &narrow).post("/v1/courts", new_court("4")).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_machine_writes_what_its_own_system_says_and_supersedes_nothing_else() {
    let app = App::start().await;
    let hr = app.machine("hr", &[Scope::FileWrite]).await;
    let toerelik = app.machine("toerelik", &[Scope::FileWrite]).await;
    let court = toerelik.post("/v1/courts", new_court("7101")).await.expect(201);
    let judge = hr.post("/v1/judges", new_judge("hr", "J-1")).await.expect(201);

    let of_other = hr.post("/v1/judges", new_judge("toerelik", "J-2")).await.expect_problem(422, "invalid");
    assert_eq!(of_other.faults(), [("/external_id/source_system".to_owned(), "one_of".to_owned())]);
    let mut of_nobody = new_judge("hr", "J-3");
    of_nobody.as_object_mut().unwrap().remove("external_id");
    let of_nobody = hr.post("/v1/judges", of_nobody).await.expect_problem(422, "invalid");
    assert_eq!(of_nobody.faults(), [("/external_id".to_owned(), "required".to_owned())]);

    let positions = format!("/v1/judges/{}/positions", judge.id());
    let post = json!({
        "court_id": court.id(), "kind": "judge", "starts_on": "2015-03-02", "source_system": "hr", "as_of": "2027-01-10",
    });
    let held = hr.post(&positions, post.clone()).await.expect(201);
    assert_eq!(held.body["recorded_by"], Value::Null);
    assert!(held.body["recorded_by_client"].is_string());
    let mut ended = post;
    (ended["ends_on"], ended["supersedes_id"]) = (json!("2026-12-31"), json!(held.id()));
    ended["source_system"] = json!("toerelik");
    let by_other = toerelik.post(&positions, ended.clone()).await.expect_problem(422, "invalid");
    assert_eq!(by_other.faults(), [("/supersedes_id".to_owned(), "missing".to_owned())]);
    ended["source_system"] = json!("hr");
    hr.post(&positions, ended).await.expect(201);

    let observations = format!("/v1/judges/{}/observations", judge.id());
    let of_other = hr.post(&observations, new_observation("toerelik")).await.expect_problem(422, "invalid");
    assert_eq!(of_other.faults(), [("/source_system".to_owned(), "one_of".to_owned())]);
    let first = toerelik.post(&observations, new_observation("toerelik")).await.expect(201);
    let mut newer = new_observation("hr");
    newer["supersedes_id"] = json!(first.id());
    let by_other = hr.post(&observations, newer).await.expect_problem(422, "invalid");
    assert_eq!(by_other.faults(), [("/supersedes_id".to_owned(), "missing".to_owned())]);
    let mut newer = new_observation("toerelik");
    (newer["supersedes_id"], newer["numerator"]) = (json!(first.id()), json!(215));
    toerelik.post(&observations, newer).await.expect(201);
}

#[tokio::test]
async fn a_machine_repeats_under_its_own_key_and_stands_in_the_audit_log_under_its_own_name() {
    let app = App::start().await;
    let hr = app.machine("hr", &[Scope::FileWrite]).await;
    let toerelik = app.machine("toerelik", &[Scope::FileWrite]).await;
    let judge = new_judge("hr", "J-1");

    let first = hr.with_key("k").post("/v1/judges", judge.clone()).await.expect(201);
    let again = hr.with_key("k").post("/v1/judges", judge.clone()).await.expect(201);
    // Another client's key of the same text is another key.
    toerelik.with_key("k").post("/v1/judges", judge).await.expect_problem(422, "invalid");
    let auditor = app.staff(StaffRole::Auditor).await;
    let log = auditor.get("/v1/audit-entries?limit=100").await.expect(200);

    assert_eq!(first.body, again.body);
    let entries = log.body["items"].as_array().unwrap();
    let made: Vec<&Value> = entries.iter().filter(|entry| entry["act"] == "create_judge").collect();
    assert_eq!(made.len(), 1);
    assert_eq!((&made[0]["account_id"], made[0]["client_id"].is_string()), (&Value::Null, true));
}

#[tokio::test]
async fn a_machine_reads_nothing_back_and_is_nobody() {
    let app = App::start().await;
    let hr = app.machine("hr", Scope::ALL).await;
    let judge = hr.post("/v1/judges", new_judge("hr", "J-1")).await.expect(201).id();
    let lookup = json!({"external_id": {"source_system": "hr", "value": "J-1"}});

    for path in [
        "/v1/me".to_owned(),
        "/v1/judges".to_owned(),
        "/v1/courts".to_owned(),
        format!("/v1/judges/{judge}"),
        format!("/v1/judges/{judge}/file?purpose=personnel"),
        format!("/v1/judges/{judge}/positions"),
        format!("/v1/judges/{judge}/observations"),
        format!("/v1/judges/{judge}/acts"),
        format!("/v1/judges/{judge}/indicators?purpose=personnel"),
        "/v1/me/assignments".to_owned(),
    ] {
        hr.get(&path).await.expect_problem(403, "forbidden");
    }
    hr.look_up_for("personnel", lookup).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_machine_is_no_second_person() {
    let app = App::start().await;
    let hr = app.machine("hr", Scope::ALL).await;
    let plan = app.planned_cycle().await;
    let secretary = app.secretary().await;
    let asked = secretary.with_key("open").post(&format!("/v1/cycles/{}/open", plan.cycle_id), json!({})).await;
    let asked = asked.expect(202);

    let confirm = format!("/v1/approvals/{}/confirm", asked.id());
    let digest = json!({"digest": asked.body["digest"]});
    hr.with_key("confirm").post(&confirm, digest).await.expect_problem(403, "forbidden");
    hr.delete("/v1/me/session").await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn libraries_find_the_token_endpoint_by_its_metadata() {
    let app = App::start().await;

    let found = app.anonymous().get("/.well-known/oauth-authorization-server").await.expect(200);

    assert_eq!(found.body["issuer"], "http://registry.test");
    assert_eq!(found.body["token_endpoint"], "http://registry.test/oauth2/token");
    assert_eq!(found.body["jwks_uri"], "http://registry.test/.well-known/jwks.json");
    assert_eq!(found.body["scopes_supported"], json!(["file:write", "results:read", "events:read", "scim"]));
}

#[tokio::test]
async fn the_audit_log_proves_what_a_client_may_do_after_each_act() {
    let app = App::start().await;
    let administrator = app.staff(StaffRole::Administrator).await;
    let made = administrator.post("/v1/clients", new_client()).await.expect(201).body["client"].clone();
    let path = format!("/v1/clients/{}", made["id"].as_str().unwrap());
    let scopes = json!({"scopes": ["events:read", "file:write"]});
    let changed = administrator.if_match(1).patch(&path, scopes).await.expect(200).body;

    let entries = all_items(&app.staff(StaffRole::Auditor).await, "/v1/audit-entries").await;
    for (act, view) in [("create_client", &made), ("update_client", &changed)] {
        let granted = format!(
            r#"{{"id":{},"name":{},"source_system":{},"scopes":{},"is_closed":{}}}"#,
            view["id"], view["name"], view["source_system"], view["scopes"], view["is_closed"]
        );
        let digest = ejf::domain::hex::hex(&sha256(&[granted.as_bytes()]).0);
        let entry = entries.iter().find(|entry| entry["act"] == act).unwrap();
        assert_eq!(entry["digest"], digest, "{act}");
    }
}
