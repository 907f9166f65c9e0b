//! Acts of two persons, shown on the publication of a methodology.

use chrono::TimeDelta;
use ejf::domain::methodology::DEFAULT_JSON;
use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::plans::all_items;
use crate::harness::{App, Client};

fn standard() -> Value {
    serde_json::from_str(DEFAULT_JSON).unwrap()
}

async fn draft(secretary: &Client) -> String {
    secretary.post("/v1/methodologies", standard()).await.expect(201).id()
}

async fn ask(secretary: &Client, id: &str) -> Value {
    let path = format!("/v1/methodologies/{id}/publish");
    let key = format!("publish-{id}");
    secretary.with_key(&key).post(&path, json!({"accepts_draft_texts": true})).await.expect(202).body
}

fn confirmation(approval: &Value) -> (String, Value) {
    let path = format!("/v1/approvals/{}/confirm", approval["id"].as_str().unwrap());
    (path, json!({"digest": approval["digest"]}))
}

#[tokio::test]
async fn a_methodology_is_published_by_two_persons_and_never_changes_again() {
    let app = App::start().await;
    let first = app.staff(StaffRole::Secretary).await;
    let second = app.staff(StaffRole::Secretary).await;
    let id = draft(&first).await;
    let path = format!("/v1/methodologies/{id}");

    let approval = ask(&first, &id).await;
    assert_eq!(first.get(&path).await.expect(200).body["state"], "draft");
    let (confirm, digest) = confirmation(&approval);
    let done = second.post(&confirm, digest).await.expect(200);

    assert!(done.body["confirmed_by"].is_string());
    let published = first.get(&path).await.expect(200);
    assert_eq!((&published.body["state"], &published.body["version"]), (&json!("published"), &json!(2)));
    first.if_match(2).put(&path, standard()).await.expect_problem(409, "methodology_published");
    let again = first.with_key("again").post(&format!("{path}/publish"), json!({"accepts_draft_texts": true})).await;
    again.expect_problem(409, "methodology_published");
    let acts = app.db_acts().await;
    for act in ["create_methodology", "request_approval", "publish_methodology", "confirm_approval"] {
        assert!(acts.contains(&act.to_owned()), "{act}");
    }
}

#[tokio::test]
async fn nobody_is_their_own_second_person() {
    let app = App::start().await;
    let secretary = app.staff(StaffRole::Secretary).await;
    let id = draft(&secretary).await;
    let (confirm, digest) = confirmation(&ask(&secretary, &id).await);

    secretary.post(&confirm, digest).await.expect_problem(409, "second_person_required");
    assert_eq!(secretary.get(&format!("/v1/methodologies/{id}")).await.body["state"], "draft");
}

#[tokio::test]
async fn an_approval_covers_what_was_shown_and_nothing_else() {
    let app = App::start().await;
    let first = app.staff(StaffRole::Secretary).await;
    let second = app.staff(StaffRole::Secretary).await;
    let id = draft(&first).await;
    let (confirm, digest) = confirmation(&ask(&first, &id).await);

    second.post(&confirm, json!({"digest": "0".repeat(64)})).await.expect_problem(409, "approval_stale");
    let mut changed = standard();
    changed["counts"]["panel_size"] = json!(15);
    first.if_match(1).put(&format!("/v1/methodologies/{id}"), changed).await.expect(200);
    second.post(&confirm, digest).await.expect_problem(409, "approval_stale");
}

#[tokio::test]
async fn an_approval_lapses_after_a_day_and_is_used_once() {
    let app = App::start().await;
    let first = app.staff(StaffRole::Secretary).await;
    let second = app.staff(StaffRole::Secretary).await;
    let late = draft(&first).await;
    let (confirm, digest) = confirmation(&ask(&first, &late).await);
    app.clock.advance(TimeDelta::hours(24));
    let (first, second_again) = (app.staff(StaffRole::Secretary).await, app.staff(StaffRole::Secretary).await);
    second.post(&confirm, digest.clone()).await.expect_problem(401, "unauthenticated");
    second_again.post(&confirm, digest).await.expect_problem(409, "approval_stale");

    let id = draft(&first).await;
    let (confirm, digest) = confirmation(&ask(&first, &id).await);
    second_again.post(&confirm, digest.clone()).await.expect(200);
    second_again.post(&confirm, digest).await.expect_problem(409, "approval_stale");
}

#[tokio::test]
async fn draft_texts_are_published_only_where_that_is_said() {
    let app = App::start().await;
    let secretary = app.staff(StaffRole::Secretary).await;
    let id = draft(&secretary).await;
    let path = format!("/v1/methodologies/{id}/publish");

    let refused = secretary.with_key("a").post(&path, json!({"accepts_draft_texts": false})).await;

    refused.expect_problem(409, "draft_texts");
    let without_key = secretary.post(&path, json!({"accepts_draft_texts": true})).await.expect(400);
    assert_eq!(without_key.faults(), [("Idempotency-Key".to_owned(), "required".to_owned())]);
}

#[tokio::test]
async fn a_methodology_that_undercuts_a_floor_is_refused_with_each_fault_named() {
    let app = App::start().await;
    let secretary = app.staff(StaffRole::Secretary).await;
    let mut lax = standard();
    lax["counts"]["display_min"] = json!(2);
    lax["counts"]["issued_min"] = json!(3);
    lax["publish_step"] = json!(10);

    let refused = secretary.post("/v1/methodologies", lax).await;

    let pointers: Vec<String> = refused.expect(422).faults().into_iter().map(|(pointer, _)| pointer).collect();
    for pointer in ["/counts/display_min", "/counts/issued_min", "/publish_step"] {
        assert!(pointers.contains(&pointer.to_owned()), "{pointer} in {pointers:?}");
    }
}

#[tokio::test]
async fn an_act_is_read_while_it_waits_and_after_it_was_confirmed_by_who_may_confirm_or_audit() {
    let app = App::start().await;
    let first = app.staff(StaffRole::Secretary).await;
    let second = app.staff(StaffRole::Secretary).await;
    let auditor = app.staff(StaffRole::Auditor).await;
    let asked = ask(&first, &draft(&first).await).await;
    app.clock.advance(TimeDelta::seconds(1));
    let other = ask(&first, &draft(&first).await).await;
    let path = format!("/v1/approvals/{}", asked["id"].as_str().unwrap());

    assert_eq!(second.get(&path).await.expect(200).body, asked);
    assert_eq!((&asked["confirmed_by"], &asked["parameters"]), (&Value::Null, &json!({"accepts_draft_texts": true})));
    let (confirm, digest) = confirmation(&asked);
    let done = second.post(&confirm, digest).await.expect(200).body;

    assert_eq!(auditor.get(&path).await.expect(200).body, done);
    assert_eq!((&done["act"], &done["digest"]), (&json!("publish_methodology"), &asked["digest"]));
    assert_ne!(done["confirmed_by"], done["requested_by"]);
    assert_eq!(all_items(&auditor, "/v1/approvals").await, [done, other]);
    app.staff(StaffRole::Member).await.get(&path).await.expect_problem(403, "forbidden");
    let nothing = "/v1/approvals/019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11";
    auditor.get(nothing).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn judges_see_published_methodologies_alone_whatever_they_ask_for() {
    let app = App::start().await;
    let judge = app.judge().await.client(&app).await;
    let member = app.staff(StaffRole::Member).await;
    let published = app.published_methodology().await;
    app.clock.advance(TimeDelta::seconds(1));
    let drafted = draft(&app.secretary().await).await;
    let listed = async |client: &Client, query: &str| {
        let page = client.get(&format!("/v1/methodologies{query}")).await.expect(200).body;
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };

    assert_eq!(listed(&judge, "").await, [published.as_str()]);
    assert_eq!(listed(&judge, "?state=published").await, [published.as_str()]);
    assert_eq!(listed(&judge, "?state=draft").await, [""; 0]);
    assert_eq!(listed(&member, "").await, [published.as_str(), drafted.as_str()]);
    assert_eq!(listed(&member, "?state=draft").await, [drafted.as_str()]);
    judge.get(&format!("/v1/methodologies/{published}")).await.expect(200);
    judge.get(&format!("/v1/methodologies/{drafted}")).await.expect_problem(404, "not_found");
}
