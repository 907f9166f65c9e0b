//! One evaluation, or a whole cycle, ended without a result: what goes on without it, and what becomes free again.

use ejf::domain::ids::{self, EvaluationId};
use ejf::domain::policy::StaffRole;
use ejf::error::Code;
use ejf::store;
use serde_json::{Value, json};

use crate::harness::plans::{Plan, all_items};
use crate::harness::{Answer, App};

const RETIRED: &str = "The judge retired with honour.";

fn cancel_path(evaluation: &str) -> String {
    format!("/v1/evaluations/{evaluation}/cancel")
}

fn detail(refused: &Answer) -> &str {
    refused.body["detail"].as_str().unwrap()
}

/// The approval of an act as it waits.
async fn ask(app: &App, path: &str, body: Value) -> Answer {
    let key = format!("{path}-{}", ids::random());
    app.staff(StaffRole::Secretary).await.with_key(&key).post(path, body).await
}

async fn confirm(app: &App, approval: &Value) -> Answer {
    let path = format!("/v1/approvals/{}/confirm", approval["id"].as_str().unwrap());
    app.staff(StaffRole::Secretary).await.post(&path, json!({"digest": approval["digest"]})).await
}

#[tokio::test]
async fn a_subject_who_left_office_is_taken_out_by_two_persons_and_the_cycle_goes_on() {
    let app = App::start().await;
    let plan = app.planned_cycle_of(11).await;
    let retired = &plan.subjects[0];
    let evaluation = plan.evaluation_of(&app, retired).await;
    app.end_post(retired, "2027-01-31").await;
    plan.open(&app).await;
    app.go_to(&plan.day(&app, "file_review_open").await);
    plan.move_to(&app, "file_review").await;
    plan.pass(&app, "file_review_close").await;
    let stuck = app.secretary().await.post(&plan.path("/advance"), json!({"to": "pool_review"})).await;
    let stuck = stuck.expect_problem(409, "guard_not_met");
    assert!(detail(&stuck).contains(&retired.id.to_string()) && detail(&stuck).contains("cancel the evaluation"));
    let version = plan.cycle(&app).await["version"].as_i64().unwrap();

    app.by_two(&cancel_path(&evaluation), json!({"reason": RETIRED})).await;

    plan.move_to(&app, "pool_review").await;
    plan.draw(&app).await;
    assert_eq!(plan.cycle(&app).await["version"], version + 3);
    let secretary = app.secretary().await;
    let all = all_items(&secretary, &plan.path("/evaluations")).await;
    let states: Vec<&str> = all.iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states.iter().filter(|state| **state == "cancelled").count(), 1);
    assert_eq!(states.iter().filter(|state| **state == "collecting").count(), 10);
    let approvals = all_items(&secretary, "/v1/approvals").await;
    let approval = approvals.iter().find(|one| one["act"] == "cancel_evaluation").unwrap();
    assert_eq!((&approval["object_id"], &approval["reason"]), (&json!(evaluation), &json!(RETIRED)));
    let id = retired.id;
    let entries = app.registry().0.read(move |conn| store::audit::list(conn, Some(id), None, 100)).await.unwrap();
    assert!(entries.iter().any(|entry| entry.act == "cancel_evaluation" && entry.object_id == evaluation));
    // Once the panels are drawn nobody leaves alone.
    let other = plan.evaluation_of(&app, &plan.subjects[1]).await;
    for (id, hint) in [(&other, "cancel the whole of it"), (&evaluation, "cancelled already")] {
        let refused = ask(&app, &cancel_path(id), json!({"reason": RETIRED})).await;
        assert!(detail(&refused.expect_problem(409, "wrong_phase")).contains(hint), "{hint}");
    }
}

#[tokio::test]
async fn who_leaves_office_in_pool_review_is_named_and_their_challenges_hold_nobody_up() {
    let app = App::start().await;
    let plan = app.planned_cycle_of(11).await;
    plan.to_pool_review(&app).await;
    let retired = &plan.subjects[0];
    let evaluation = plan.evaluation_of(&app, retired).await;
    let path = format!("/v1/evaluations/{evaluation}");
    let pool = all_items(&retired.client(&app).await, &format!("{path}/pool-entries")).await;
    let challenge = |at: usize| json!({"pool_entry_id": pool[at]["id"], "ground": "We were opposing parties in 2025."});
    let challenges = format!("{path}/challenges");
    retired.client(&app).await.post(&challenges, challenge(0)).await.expect(201);
    app.end_post(retired, &plan.day(&app, "file_review_close").await).await;
    // Nothing that was approved of the cycle with this subject is done to the cycle without.
    let ended = ask(&app, &plan.path("/cancel"), json!({"reason": RETIRED})).await.expect(202).body;
    let taken_out = ask(&app, &cancel_path(&evaluation), json!({"reason": RETIRED})).await.expect(202).body;

    confirm(&app, &taken_out).await.expect(200);

    confirm(&app, &ended).await.expect_problem(409, "approval_stale");
    retired.client(&app).await.post(&challenges, challenge(1)).await.expect_problem(410, "window_closed");
    app.end_post(&plan.subjects[1], &plan.day(&app, "file_review_close").await).await;
    plan.pass(&app, "pool_challenge_close").await;
    let stuck = ask(&app, &plan.path("/draw"), json!({})).await.expect_problem(409, "guard_not_met");
    let (first, second) = (retired.id.to_string(), plan.subjects[1].id.to_string());
    assert!(detail(&stuck).contains(&second) && !detail(&stuck).contains(&first), "{}", stuck.text);
    assert!(!detail(&stuck).contains("Widen"), "{}", stuck.text);
    let other = plan.evaluation_of(&app, &plan.subjects[1]).await;
    app.by_two(&cancel_path(&other), json!({"reason": RETIRED})).await;
    // Nine are left.
    let tiny = ask(&app, &plan.path("/draw"), json!({})).await.expect_problem(409, "guard_not_met");
    assert!(detail(&tiny).contains("9 are left of at least 10"), "{}", tiny.text);
}

#[tokio::test]
async fn what_a_cancelled_cycle_drew_counts_for_nobody_in_the_cycle_that_replaces_it() {
    let app = App::start().await;
    let plan = app.drawn_cycle().await;
    app.by_two(&plan.path("/cancel"), json!({"reason": "The methodology was withdrawn."})).await;
    let body = plan.another(&app, "periodic").await;
    let cycle_id = app.secretary().await.post("/v1/cycles", body).await.expect(201).id();
    let again = Plan { cycle_id, ..plan };
    again.to_pool_review(&app).await;

    again.draw(&app).await;

    let secretary = app.secretary().await;
    for judge in &again.subjects {
        let path = format!("/v1/evaluations/{}/pool-entries", again.evaluation_of(&app, judge).await);
        let pool = all_items(&secretary, &path).await;
        assert!(pool.iter().all(|entry| entry["is_excluded"] == false), "nobody reviewed anybody lately");
    }
}

#[tokio::test]
async fn a_judge_has_one_active_evaluation_of_a_kind_until_it_is_cancelled() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let secretary = app.secretary().await;
    let plan_again =
        async |key: &str, kind: &str| secretary.with_key(key).post("/v1/cycles", plan.another(&app, kind).await).await;

    let refused = plan_again("first", "periodic").await.expect_problem(422, "invalid");

    let faults = refused.faults();
    assert_eq!(faults.len(), 10);
    assert_eq!(faults[3], ("/subjects/3/judge_id".to_owned(), "duplicate".to_owned()));
    assert!(detail(&refused).contains(&plan.cycle_id), "{}", refused.text);
    plan_again("second", "chair").await.expect(201);
    // The database holds to it where the check is passed by.
    let id = plan.evaluation_of(&app, &plan.subjects[0]).await.parse::<EvaluationId>().unwrap();
    let other = plan_again("third", "promotion").await.expect(201).id();
    let now = app.clock.now();
    let write = move |conn: &mut ejf::db::Conn| {
        let first = store::evaluations::find(conn, id)?.unwrap();
        let copy = store::evaluations::Evaluation {
            id: EvaluationId(ids::new_at(now)),
            cycle_id: other.parse().unwrap(),
            ..first
        };
        store::evaluations::insert(conn, &copy)
    };
    assert_eq!(app.registry().0.write(write).await.unwrap_err().code(), Code::AlreadyExists);
    app.by_two(&plan.path("/cancel"), json!({"reason": "The methodology was withdrawn."})).await;
    plan_again("fourth", "periodic").await.expect(201);
}
