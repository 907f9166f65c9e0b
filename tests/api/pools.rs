//! Who stands in a pool, who decides on challenges of it, and who follows from the reserve, as posts, conflicts and seats
//! change.

use ejf::db::Conn;
use ejf::domain::draw::DrawRecord;
use ejf::domain::ids;
use ejf::domain::ids::{AssignmentId, CycleId, EvaluationId, JudgeId};
use ejf::domain::policy::StaffRole;
use ejf::error::Result;
use ejf::store;
use ejf::store::assignments::{Assignment, AssignmentState};
use serde_json::{Value, json};

use crate::harness::plans::{Plan, all_items};
use crate::harness::rounds::assignments;
use crate::harness::{App, Client, Judge};
use crate::members::call_to_commission;

#[tokio::test]
async fn a_post_whose_end_is_known_is_held_until_that_day() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let (subject, retiring) = (&plan.subjects[0], &plan.others[0]);
    app.end_post(subject, "2028-06-30").await;
    app.end_post(retiring, "2028-06-30").await;
    app.end_post(&plan.others[1], "2027-01-31").await;

    plan.to_pool_review(&app).await;

    let path = format!("/v1/evaluations/{}/pool-entries", plan.evaluation_of(&app, subject).await);
    let pool = all_items(&app.secretary().await, &path).await;
    let is_in = |judge: &Judge| pool.iter().any(|entry| entry["judge_id"] == judge.id.to_string());
    assert_eq!((pool.len(), is_in(retiring), is_in(&plan.others[1])), (24, true, false));
}

/// A judge of the commission as a caller.
async fn member(app: &App, judge: &Judge) -> Client {
    call_to_commission(app, judge).await;
    app.log_in(judge.login()).await
}

#[tokio::test]
async fn a_colleague_by_any_post_of_today_decides_no_challenge() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    plan.to_pool_review(&app).await;
    let subject = &plan.subjects[0];
    let evaluation = plan.evaluation_of(&app, subject).await;
    let pool = all_items(&app.secretary().await, &format!("/v1/evaluations/{evaluation}/pool-entries")).await;
    // Judges are spread over six courts in turn, so these are of the second one.
    let challenged = &plan.subjects[1];
    let entry = pool.iter().find(|entry| entry["judge_id"] == challenged.id.to_string()).unwrap();
    let body = json!({"pool_entry_id": entry["id"], "ground": "We were opposing parties in 2025."});
    let challenges = format!("/v1/evaluations/{evaluation}/challenges");
    let challenge = subject.client(&app).await.post(&challenges, body).await.expect(201).id();
    // Of the subject's court: one who will retire, and one who chairs a panel elsewhere as well.
    let (retiring, chairing, other) = (&plan.others[2], &plan.others[8], &plan.others[1]);
    app.end_post(retiring, "2028-06-30").await;
    let elsewhere = app.court("№ 7 аудандық сот").await;
    let second = json!({"court_id": elsewhere, "kind": "panel_chair", "starts_on": "2020-03-02", "source_system": "hr",
        "as_of": "2027-01-10"});
    app.secretary().await.post(&format!("/v1/judges/{}/positions", chairing.id), second).await.expect(201);
    let decide = async |judge: &Judge| {
        let body = json!({"outcome": "rejected", "reason": "The case is on record."});
        member(&app, judge).await.post(&format!("/v1/challenges/{challenge}/decide"), body).await
    };

    for judge in [subject, challenged, retiring, chairing, &plan.others[3]] {
        decide(judge).await.expect_problem(403, "forbidden");
    }

    decide(other).await.expect(200);
}

#[tokio::test]
async fn a_pool_that_became_too_small_is_widened_by_rule_and_shown_again() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let far = app.court_in("abai", "№ 1 аудандық сот").await;
    let mut strangers = Vec::new();
    for _ in 0..7 {
        strangers.push(app.judge_at(&far).await);
    }
    plan.to_pool_review(&app).await;
    let (subject, other) = (&plan.subjects[0], &plan.subjects[1]);
    let pool_of = async |judge: &Judge| {
        let path = format!("/v1/evaluations/{}/pool-entries", plan.evaluation_of(&app, judge).await);
        all_items(&app.secretary().await, &path).await
    };
    let widen = async |key: &str| app.secretary().await.with_key(key).post(&plan.path("/widen-pools"), json!({})).await;
    widen("needless").await.expect_problem(409, "guard_not_met");
    // Of 25 only 11 can be drawn, and a panel has 14.
    let near = pool_of(subject).await;
    for entry in &near[..14] {
        let conflict = json!({"judge_id": entry["judge_id"], "other_judge_id": subject.id, "kind": "litigation",
            "starts_on": "2020-01-01"});
        app.secretary().await.post("/v1/conflicts", conflict).await.expect(201);
    }
    let before = plan.cycle(&app).await;
    plan.pass(&app, "pool_challenge_close").await;
    let draw = async |key: &str| app.secretary().await.with_key(key).post(&plan.path("/draw"), json!({})).await;
    let refused = draw("first").await.expect_problem(409, "guard_not_met");
    assert!(refused.body["detail"].as_str().unwrap().contains("Widen the pools"), "{}", refused.text);

    let widened = widen("due").await.expect(200);

    assert_eq!(widen("due").await.expect(200).text, widened.text);
    let (old, new) = (&before["dates"], &widened.body["dates"]);
    for day in ["pool_challenge_close", "pool_review_close", "draw_by", "submit_close", "recount_by"] {
        assert!(new[day].as_str() > old[day].as_str(), "{day}");
    }
    assert_eq!(new["pool_review_open"], old["pool_review_open"]);
    let groups = |pool: &[Value]| pool.iter().filter(|entry| entry["court_group"] == "other_region").count();
    let (wide, same) = (pool_of(subject).await, pool_of(other).await);
    assert_eq!((wide.len(), groups(&wide), groups(&same)), (32, 7, 0));
    assert!(app.db_acts().await.contains(&"widen_pools".to_owned()));
    widen("again").await.expect_problem(409, "guard_not_met");
    // It is shown again before anybody draws from it.
    let early = draw("second").await.expect_problem(409, "guard_not_met");
    assert!(early.body["detail"].as_str().unwrap().contains(new["pool_challenge_close"].as_str().unwrap()));
    plan.draw(&app).await;
    widen("late").await.expect_problem(409, "wrong_phase");
}

/// All assignments of a cycle as the database has them.
async fn db_assignments(app: &App, cycle: CycleId) -> Vec<Assignment> {
    app.registry().0.read(move |conn| store::assignments::of_round(conn, cycle, 1)).await.unwrap()
}

/// Gives a judge so many assignments in another cycle, past HTTP.
async fn db_burden(app: &App, plan: &Plan, judge: JudgeId) {
    let body = plan.another(app, "chair").await;
    let cycle: CycleId = app.secretary().await.post("/v1/cycles", body).await.expect(201).id().parse().unwrap();
    let now = app.clock.now();
    let write = move |conn: &mut Conn| -> Result<()> {
        let evaluations = store::evaluations::of_cycle(conn, cycle)?;
        let row = |evaluation_id: EvaluationId| Assignment {
            id: AssignmentId(ids::new_at(now)),
            evaluation_id,
            judge_id: judge,
            drawn_order: 0,
            state: AssignmentState::Drawn,
            recusal_reason: None,
            round: 1,
        };
        let rows: Vec<Assignment> = evaluations.into_iter().map(|one| row(one.id)).collect();
        store::assignments::insert_all(conn, &rows)
    };
    app.registry().0.write(write).await.unwrap();
}

#[tokio::test]
async fn whoever_could_not_be_drawn_any_more_does_not_follow_from_the_reserve() {
    let app = App::start().await;
    let plan = app.drawn_cycle().await;
    let opened = app.staff(StaffRole::Auditor).await.get(&plan.path("/draw-record")).await.expect(200).body;
    let record: DrawRecord = serde_json::from_str(opened["record"].as_str().unwrap()).unwrap();
    let judge = |key: &String| plan.judges().find(|judge| judge.id.to_string() == *key).unwrap();
    let panel = record.panels.iter().find(|panel| panel.reserve.len() > 5).expect("a reserve of some size");
    let subject = judge(&panel.subject);
    let evaluation = plan.evaluation_of(&app, subject).await;
    let [retired, seated, relative, burdened] = [0, 1, 2, 3].map(|place| judge(&panel.reserve[place]));
    app.end_post(retired, &plan.day(&app, "pool_review_open").await).await;
    call_to_commission(&app, seated).await;
    let conflict = json!({"judge_id": subject.id, "other_judge_id": relative.id, "kind": "relative",
        "starts_on": "2020-01-01"});
    app.secretary().await.post("/v1/conflicts", conflict).await.expect(201);
    db_burden(&app, &plan, burdened.id).await;
    let leaver = judge(&panel.panel[0]).client(&app).await;
    let own = assignments(&leaver).await;
    let left = own.iter().find(|one| one["evaluation_id"] == evaluation.as_str()).unwrap()["id"].as_str().unwrap();

    let path = format!("/v1/me/assignments/{left}/recuse");
    leaver.post(&path, json!({"reason": "no_contact"})).await.expect(200);

    let of_it: Vec<Assignment> = db_assignments(&app, plan.cycle_id.parse().unwrap())
        .await
        .into_iter()
        .filter(|one| one.evaluation_id.to_string() == evaluation)
        .collect();
    let drawn: Vec<String> =
        of_it.iter().filter(|one| one.state == AssignmentState::Drawn).map(|one| one.judge_id.to_string()).collect();
    assert_eq!(drawn.len(), 14, "somebody follows");
    let come: Vec<&String> = drawn.iter().filter(|one| !panel.panel.contains(one)).collect();
    assert!(panel.reserve[4..].contains(come[0]), "{come:?} of {:?}", panel.reserve);
}
