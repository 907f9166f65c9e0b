//! The judge's own clocks stand still while the judge is away and go on afterwards; the windows of a cycle stand still for
//! nobody. Each clock says when it ends, whether it pauses, and why.

use chrono::TimeDelta;
use ejf::domain::caller::Scope;
use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::seeded::{decision, figures};
use crate::harness::{App, Judge};
use crate::proceedings::Scene;
use crate::traps::statements;

fn leave(starts_on: &str, ends_on: Option<&str>) -> Value {
    json!({"starts_on": starts_on, "ends_on": ends_on, "source_system": "hr", "as_of": "2027-01-10"})
}

/// The regular evaluation that is to come for a judge, as the judge sees it.
async fn regular(app: &App, judge: &Judge) -> Value {
    let path = format!("/v1/judges/{}/evaluation-clocks", judge.id);
    judge.client(app).await.get(&path).await.expect(200).body["items"][0].clone()
}

/// A judge in the first year, appointed on 1 June 2026.
async fn new_judge(app: &App) -> Judge {
    let court = app.court("Аудандық сот").await;
    app.judge_at_since(&court, "2026-06-01").await
}

/// The clocks tell of leaves, so that somebody else's look at them is one at the file.
#[tokio::test]
async fn a_judge_sees_who_else_has_read_the_clocks_and_the_requests_to_evaluate() {
    let app = App::start().await;
    app.published_methodology().await;
    let judge = new_judge(&app).await;
    let (secretary, auditor) = (app.secretary().await, app.staff(StaffRole::Auditor).await);
    let clocks = format!("/v1/judges/{}/evaluation-clocks", judge.id);
    let requests = format!("/v1/judges/{}/evaluation-requests", judge.id);

    regular(&app, &judge).await;
    auditor.get(&clocks).await.expect(200);
    secretary.get(&requests).await.expect(200);
    app.judge().await.client(&app).await.get(&clocks).await.expect_problem(404, "not_found");

    let entries = format!("/v1/judges/{}/access-entries", judge.id);
    let seen = judge.client(&app).await.get(&entries).await.expect(200).body["items"].clone();
    let told = seen.as_array().unwrap().iter().map(|entry| [&entry["act"], &entry["staff_role"], &entry["purpose"]]);
    let row = |act: &'static str, role: &'static str| [json!(act), json!(role), json!("evaluation")];
    assert_eq!(
        told.map(|members| members.map(Clone::clone)).collect::<Vec<_>>(),
        [row("list_evaluation_requests", "secretary"), row("get_judge_clocks", "auditor")]
    );
}

#[tokio::test]
async fn a_judge_sees_who_else_has_read_the_clocks_of_an_evaluation() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let subject = &plan.subjects[0];
    let clocks = format!("/v1/evaluations/{}/clocks", plan.evaluation_of(&app, subject).await);

    subject.client(&app).await.get(&clocks).await.expect(200);
    app.staff(StaffRole::Auditor).await.get(&clocks).await.expect(200);

    let entries = format!("/v1/judges/{}/access-entries", subject.id);
    let seen = subject.client(&app).await.get(&entries).await.expect(200).body["items"].clone();
    let told: Vec<_> = seen.as_array().unwrap().iter().map(|entry| [&entry["act"], &entry["staff_role"]]).collect();
    assert_eq!(told, [[&json!("get_evaluation_clocks"), &json!("auditor")]]);
}

#[tokio::test]
async fn a_leave_and_a_suspension_stop_the_clock_of_the_first_year_and_it_goes_on_afterwards() {
    let app = App::start().await;
    app.published_methodology().await;
    let judge = new_judge(&app).await;
    let before = regular(&app, &judge).await;
    assert_eq!((&before["kind"], &before["due_on"]), (&json!("first_year"), &json!("2027-06-01")));
    let secretary = app.secretary().await;
    let path = format!("/v1/judges/{}", judge.id);

    // Longer than the sixty days of the methodology: 61 days.
    let long = secretary.post(&format!("{path}/leaves"), leave("2026-08-01", Some("2026-09-30"))).await.expect(201);
    secretary.post(&format!("{path}/leaves"), leave("2026-10-05", Some("2026-10-20"))).await.expect(201);
    let suspension = json!({"content": {"suspension": {"starts_on": "2026-11-02", "ends_on": "2026-11-11", "reason": "secondment"}},
        "source_system": "hr", "as_of": "2027-01-10"});
    secretary.post(&format!("{path}/records"), suspension).await.expect(201);

    let after = regular(&app, &judge).await;
    assert_eq!(
        (&after["due_on"], &after["is_paused"], &after["standing"]),
        (&json!("2027-08-11"), &json!(false), &json!("due"))
    );
    assert_eq!(
        after["pauses"],
        json!([
            {"ground": "leave", "from": "2026-08-01", "to": "2026-09-30"},
            {"ground": "suspension", "from": "2026-11-02", "to": "2026-11-11"},
        ])
    );
    let withdrawn = format!("/v1/leaves/{}/withdraw", long.id());
    secretary.post(&withdrawn, json!({"reason": "The leave was not taken."})).await.expect(200);
    assert_eq!(regular(&app, &judge).await["due_on"], "2027-06-11");
}

#[tokio::test]
async fn a_leave_without_an_end_leaves_no_day_and_its_end_gives_one() {
    let app = App::start().await;
    app.published_methodology().await;
    let judge = new_judge(&app).await;
    let secretary = app.secretary().await;
    let path = format!("/v1/judges/{}/leaves", judge.id);

    let open = secretary.post(&path, leave("2027-01-04", None)).await.expect(201).id();

    let paused = regular(&app, &judge).await;
    assert_eq!((&paused["due_on"], &paused["is_paused"]), (&Value::Null, &json!(true)));
    assert_eq!((&paused["standing"], &paused["obstacles"]), (&json!("blocked"), &json!(["paused"])));
    let mut ended = leave("2027-01-04", Some("2027-03-31"));
    ended["supersedes_id"] = json!(open);
    app.clock.advance(TimeDelta::minutes(1));
    secretary.post(&path, ended).await.expect(201);
    let known = regular(&app, &judge).await;
    assert_eq!((&known["due_on"], &known["is_paused"]), (&json!("2027-08-27"), &json!(true)));
    let listed = judge.client(&app).await.get(&path).await.expect(200);
    let states: Vec<&str> =
        listed.body["items"].as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["corrected", "active"]);
}

#[tokio::test]
async fn a_machine_tells_of_leaves_of_its_own_system_alone() {
    let app = App::start().await;
    let judge = app.judge().await;
    let path = format!("/v1/judges/{}/leaves", judge.id);
    let hr = app.machine("hr", &[Scope::FileWrite]).await;
    let mut told = leave("2027-02-01", Some("2027-04-30"));
    told["source_record_id"] = json!("L-311");

    let recorded = hr.post(&path, told.clone()).await.expect(201);

    assert!(recorded.body["recorded_by_client"].is_string() && recorded.body["recorded_by"].is_null());
    hr.post(&path, told).await.expect_problem(409, "already_exists");
    let other = app.machine("academy", &[Scope::FileWrite]).await;
    other.post(&path, leave("2027-02-01", None)).await.expect_problem(422, "invalid");
    let reason = json!({"reason": "The leave was not taken."});
    other.post(&format!("/v1/leaves/{}/withdraw", recorded.id()), reason).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_windows_of_a_cycle_stand_still_for_nobody_and_each_clock_says_why() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let subject = &plan.subjects[0];
    let evaluation = plan.evaluation_of(&app, subject).await;
    let path = format!("/v1/evaluations/{evaluation}/clocks");
    let before = subject.client(&app).await.get(&path).await.expect(200).body;
    let secretary = app.secretary().await;
    let leaves = format!("/v1/judges/{}/leaves", subject.id);
    secretary.post(&leaves, leave("2027-02-01", Some("2027-06-30"))).await.expect(201);

    let after = subject.client(&app).await.get(&path).await.expect(200).body;

    assert_eq!(after, before, "a later end for one subject would point at its reviewers");
    assert_eq!(after["calendar_years_missing"], json!([2027]));
    let clocks = after["clocks"].as_array().unwrap();
    let challenge = clocks.iter().find(|one| one["kind"] == "pool_challenge").unwrap();
    assert_eq!((&challenge["due_on"], &challenge["pause_rule"]), (&json!("2027-03-09"), &json!("whole_cycle")));
    assert!(clocks.iter().all(|one| one["is_paused"] == false && one["pauses"] == json!([])));
    let other = &plan.others[0];
    other.client(&app).await.get(&path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_time_to_appeal_begins_with_service_and_stands_still_while_the_judges_powers_are_suspended() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    let path = panel.path("/clocks");
    let clock = async |kind: &str| {
        let clocks = scene.judge.client(app).await.get(&path).await.expect(200).body;
        clocks["clocks"].as_array().unwrap().iter().find(|one| one["kind"] == kind).cloned()
    };
    assert_eq!(clock("drafting").await.unwrap()["due_on"], "2027-01-25");
    assert!(clock("appeal").await.is_none() && clock("response").await.is_none(), "nothing was served");
    panel.decide(app, &scene.judge.client(app).await, decision("fit"), false).await;
    let before = clock("appeal").await.unwrap();
    let suspension = json!({"content": {"suspension": {"starts_on": "2027-01-12", "ends_on": "2027-01-25",
        "reason": "secondment"}}, "source_system": "hr", "as_of": "2027-01-10"});
    let records = format!("/v1/judges/{}/records", scene.judge.id);
    app.secretary().await.post(&records, suspension).await.expect(201);

    let after = clock("appeal").await.unwrap();

    assert_eq!((&after["pause_rule"], &after["pauses"][0]["ground"]), (&json!("personal"), &json!("suspension")));
    assert_eq!((&before["due_on"], &after["due_on"]), (&json!("2027-01-25"), &json!("2027-02-08")));
    app.go_to("2027-01-26");
    let early = app.secretary().await.post(&panel.path("/finalise"), json!({})).await;
    assert!(early.expect_problem(409, "guard_not_met").text.contains("2027-02-08"));
    app.go_to("2027-02-09");
    app.secretary().await.post(&panel.path("/finalise"), json!({})).await.expect(200);
}

/// How many evaluations the dashboard says are late, and those that it names as late for other than the draft.
async fn late(app: &App) -> (u64, Vec<Value>) {
    let figures = app.secretary().await.get("/v1/dashboard").await.expect(200).body;
    let late = &figures["late_on_own_course"];
    let named = late["longest"].as_array().unwrap();
    assert_eq!(late["count"], json!(named.len()), "fewer than a hundred are all named");
    let past_draft = named.iter().filter(|one| one["clock"] != "drafting").cloned().collect();
    (late["count"].as_u64().unwrap(), past_draft)
}

#[tokio::test]
async fn an_evaluation_is_late_from_the_day_after_the_last_one_of_its_state_and_the_staff_sees_which() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;

    app.go_to("2027-01-25");
    assert_eq!(late(app).await, (0, vec![]), "the last day of the drafts");
    app.go_to("2027-01-26");
    assert_eq!(late(app).await, (9, vec![]), "the last day to answer");
    // Nobody answered, so that the commission has its five working days.
    app.go_to("2027-02-02");
    assert_eq!(late(app).await, (9, vec![]), "the last day to decide");
    app.go_to("2027-02-03");
    let told =
        json!({"evaluation_id": panel.evaluation, "state": "responding", "clock": "decision", "due_on": "2027-02-02"});
    assert_eq!(late(app).await, (10, vec![told]));

    let clocks = app.secretary().await.get(&panel.path("/clocks")).await.expect(200).body;
    let own = clocks["clocks"].as_array().unwrap().iter().rfind(|one| one["kind"] == "decision").unwrap();
    assert_eq!((&own["starts_on"], &own["due_on"]), (&json!("2027-01-26"), &json!("2027-02-02")), "by one law");
    let proposed = panel.propose(app, decision("fit")).await.expect(201).id();
    panel.adopt(app, &panel.members, &proposed).await;
    assert_eq!(late(app).await, (9, vec![]), "the time to serve has begun");
    let figures = app.secretary().await.get("/v1/dashboard").await.expect(200).body;
    let longest = figures["late_on_own_course"]["longest"][0].clone();
    assert_eq!((&longest["state"], &longest["due_on"]), (&json!("counted"), &json!("2027-01-25")));
}

#[tokio::test]
async fn an_evaluation_that_stands_still_is_not_late_and_is_once_it_goes_on() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;
    let secretary = app.secretary().await;
    let leaves = format!("/v1/judges/{}/leaves", scene.judge.id);
    let away = secretary.post(&leaves, leave("2027-01-12", Some("2027-03-31"))).await.expect(201).id();
    let other = scene.plan.evaluation_of(app, &scene.other).await;
    let other = |act: &str| format!("/v1/evaluations/{other}/{act}");
    app.go_to("2027-01-20");
    app.by_two(&other("suspend"), json!({"reason": "A disciplinary case on the same facts."})).await;

    app.go_to("2027-02-10");
    assert_eq!(late(app).await, (8, vec![]), "one judge is away, and one evaluation is suspended");

    let reason = json!({"reason": "The leave was not taken."});
    app.secretary().await.post(&format!("/v1/leaves/{away}/withdraw"), reason).await.expect(200);
    assert_eq!(late(app).await.0, 9);
    app.by_two(&other("resume"), json!({"reason": "The case is closed."})).await;
    // Of its ten working days six were past when it was stopped.
    app.go_to("2027-02-15");
    assert_eq!(late(app).await.0, 9, "the last day of the draft that waited");
    app.go_to("2027-02-16");
    assert_eq!(late(app).await.0, 10);
}

#[tokio::test]
async fn the_time_for_a_hearing_comes_before_that_for_the_decision() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;
    panel.respond(&scene.judge.client(app).await, true).await;

    app.go_to("2027-02-10");
    assert_eq!(late(app).await, (9, vec![]), "thirty days to hear the judge");
    app.go_to("2027-02-11");
    let told =
        json!({"evaluation_id": panel.evaluation, "state": "responding", "clock": "hearing", "due_on": "2027-02-10"});
    assert_eq!(late(app).await, (10, vec![told]));
    panel.hear(app).await;
    assert_eq!(late(app).await, (9, vec![]), "the time to decide has begun");
}

#[tokio::test]
async fn however_many_evaluations_are_late_the_dashboard_asks_as_much_of_the_database() {
    statements::watch();
    let scene = Scene::with(&figures("above")).await;
    let app = &scene.app;
    app.go_to("2027-02-10");
    let secretary = app.secretary().await;
    let cost = async || {
        // What the service does by itself meanwhile is asked of the same database.
        let mut least = u64::MAX;
        for _ in 0..5 {
            let before = statements::count(app);
            secretary.get("/v1/dashboard").await.expect(200);
            least = least.min(statements::count(app) - before);
        }
        least
    };

    let of_ten = cost().await;

    assert_eq!(late(app).await.0, 10);
    for subject in &scene.plan.subjects[1..] {
        let cancel = format!("/v1/evaluations/{}/cancel", scene.plan.evaluation_of(app, subject).await);
        app.by_two(&cancel, json!({"reason": "The judge withdrew the application."})).await;
    }
    assert_eq!(late(app).await.0, 1);
    assert_eq!(cost().await, of_ten);
}

/// Within one instant ids have no order, so that the answer to the last report is told by its number.
#[tokio::test]
async fn of_several_answers_the_one_to_the_last_report_says_whether_the_judge_is_to_be_heard() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    for wants_hearing in [true, false, true, false, true] {
        panel.serve_report(app).await;
        panel.respond(&scene.judge.client(app).await, wants_hearing).await;

        let clocks = app.secretary().await.get(&panel.path("/clocks")).await.expect(200).body;
        let runs = |kind: &str| clocks["clocks"].as_array().unwrap().iter().any(|one| one["kind"] == kind);
        assert_eq!((runs("hearing"), runs("decision")), (wants_hearing, !wants_hearing));
        app.by_two(&panel.path("/reopen"), json!({"reason": "Есепте қате табылды."})).await;
    }
}
