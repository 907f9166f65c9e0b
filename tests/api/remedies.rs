//! Wrong steps over HTTP, each with the remedy that its refusal names: whoever comes too late or too early reads what helps
//! now, and the tests take that step where it is theirs to take. A newcomer's usual mistake is to check the code alone, which
//! is the same for every wrong step.

use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::rounds::{SUBJECTS, assignments};
use crate::harness::seeded::{decision, figures};
use crate::harness::{Answer, App, Judge};
use crate::imports::imported;
use crate::issuance::unfit_request;
use crate::proceedings::Scene;
use crate::records::{told, training};
use crate::retention::{HOLDS, SCHEDULES, kept_for_a_year};

const NOBODY: &str = "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11";

/// Fails unless the refusal has this status and code, and its detail says this among the rest.
#[track_caller]
fn expect_remedy(refused: Answer, (status, code): (u16, &str), remedy: &str) {
    let refused = refused.expect_problem(status, code);
    assert!(refused.body["detail"].as_str().unwrap().contains(remedy), "{remedy}: {}", refused.text);
}

const WRONG_PHASE: (u16, &str) = (409, "wrong_phase");
const NOT_MET: (u16, &str) = (409, "guard_not_met");
const CLOSED: (u16, &str) = (410, "window_closed");
const EARLY: (u16, &str) = (425, "too_early");

/// Puts a leave on record that the secretary learns of later; long enough to stop the clocks.
async fn record_leave(app: &App, judge: &Judge, (starts_on, ends_on): (&str, &str)) {
    let leave = json!({"starts_on": starts_on, "ends_on": ends_on, "source_system": "hr", "as_of": "2027-01-11"});
    app.secretary().await.post(&format!("/v1/judges/{}/leaves", judge.id), leave).await.expect(201);
}

#[tokio::test]
async fn whoever_answers_too_late_reads_of_leave_hearing_appeal_and_reopening() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;
    app.go_to("2027-02-15");
    let (own, path) = (scene.judge.client(app).await, panel.path("/responses"));

    let late = own.post(&path, json!({"wants_hearing": true})).await;

    let detail = late.expect_problem(410, "window_closed").body["detail"].as_str().unwrap().to_owned();
    for remedy in [
        "ended on 2027-01-26",
        "A suspension or a long leave",
        "have a secretary record it",
        "ask for a hearing",
        "in an appeal",
        "reopen",
    ] {
        assert!(detail.contains(remedy), "{remedy}: {detail}");
    }
    record_leave(app, &scene.judge, ("2027-01-12", "2027-03-31")).await;
    own.with_key("again").post(&path, json!({"wants_hearing": true})).await.expect(201);
}

#[tokio::test]
async fn whoever_appeals_too_late_is_told_that_recorded_leave_makes_the_time_longer() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.decide(app, &scene.judge.client(app).await, decision("fit"), false).await;
    app.go_to("2027-01-26");
    let (own, path) = (scene.judge.client(app).await, panel.path("/appeals"));
    let appeal = json!({"grounds": "Отырыс туралы хабарланбады."});

    let late = own.post(&path, appeal.clone()).await;

    expect_remedy(late, CLOSED, "ended on 2027-01-25. A suspension or a long leave within it makes it longer");
    record_leave(app, &scene.judge, ("2027-01-18", "2027-03-31")).await;
    own.with_key("again").post(&path, appeal).await.expect(201);
}

#[tokio::test]
async fn after_a_vote_another_decision_a_reopening_or_an_appeal_is_named() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    let proposed = panel.conclude(app, &scene.judge.client(app).await, decision("fit"), false).await;

    let again = app.secretary().await.post(&format!("/v1/decisions/{proposed}/settle"), json!({})).await;

    expect_remedy(again, NOT_MET, "two persons may reopen the evaluation because of an error until it is served");
}

#[tokio::test]
async fn where_those_who_heard_the_judge_are_too_few_two_persons_make_way_for_a_new_hearing() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;
    panel.respond(&scene.judge.client(app).await, true).await;
    panel.hear(app).await;
    let new = app.member(StaffRole::Member).await;
    app.assign(&panel.evaluation, new.account_id, false).await.expect(201);
    let proposed = panel.propose(app, decision("fit")).await.expect(201).id();

    let absent = new.client(app).await.post(&format!("/v1/decisions/{proposed}/votes"), json!({"vote": "for"})).await;

    expect_remedy(absent, NOT_MET, "If too few of them are left, two persons may reopen the evaluation");
    let hearing = json!({"held_on": app.today(), "is_remote": true});
    let secretary = app.secretary().await;
    secretary.post(&panel.path("/hearings"), hearing).await.expect_problem(409, "guard_not_met");
    app.by_two(&panel.path("/reopen"), json!({"reason": "Тыңдауға қатысқан мүшелер аз қалды."})).await;
    panel.serve_report(app).await;
    panel.respond(&scene.judge.client(app).await, true).await;
    panel.hear(app).await;
}

#[tokio::test]
async fn a_credential_outside_its_days_and_a_recusal_after_them_say_who_can_extend_them() {
    let app = App::start_with_keys(SUBJECTS).await;
    let plan = app.drawn_cycle().await;
    plan.work(&app, "/keys", "keys").await;
    app.publish_box_keys();
    let frozen = plan.freeze(&app).await;
    let judge = &plan.others[0];
    let own = assignments(&judge.client(&app).await).await;
    let request = unfit_request(&frozen, &own[0]);
    let (open, close) = (plan.day(&app, "issue_open").await, plan.day(&app, "issue_close").await);

    let early = judge.client(&app).await.post("/v1/me/credentials", request.clone()).await;
    plan.pass(&app, "issue_close").await;
    let client = judge.client(&app).await;
    let late = client.post("/v1/me/credentials", request).await;
    let recuse = format!("/v1/me/assignments/{}/recuse", own[0]["id"].as_str().unwrap());
    let left = client.post(&recuse, json!({"reason": "conflict"})).await;

    expect_remedy(early, EARLY, &format!("Wait until {open}."));
    let extended = format!("Issuance ended on {close}. Before reviews are taken, two secretaries may extend it");
    expect_remedy(late, CLOSED, &extended);
    expect_remedy(left, CLOSED, "you need do nothing. For somebody else to take the place, two secretaries may extend");
}

#[tokio::test]
async fn whoever_leaves_a_panel_after_collecting_is_told_of_new_keys_and_who_left_that_nothing_is_needed() {
    let app = App::start_with_keys(SUBJECTS).await;
    let round = app.frozen_cycle().await;
    let judge = round.reviewer(&app).await.client(&app).await;
    let secretary = app.secretary().await;
    let ledgers = secretary.with_key("early").post(&round.plan.path("/ledgers"), json!({})).await;
    let close = round.plan.day(&app, "issue_close").await;
    let left = assignments(&judge).await.remove(0);
    let recuse = |one: &Value| format!("/v1/me/assignments/{}/recuse", one["id"].as_str().unwrap());
    let reason = json!({"reason": "conflict"});
    judge.with_key("leave").post(&recuse(&left), reason.clone()).await.expect(200);
    round.collect(&judge).await;
    let issued = assignments(&judge).await.into_iter().find(|one| one["state"] == "issued").unwrap();

    let twice = judge.with_key("twice").post(&recuse(&left), reason.clone()).await;
    let collected = judge.with_key("collected").post(&recuse(&issued), reason).await;

    expect_remedy(ledgers, EARLY, &format!("Wait until {close} is over."));
    expect_remedy(twice, WRONG_PHASE, "nothing more is needed from you");
    let keys = "two secretaries may give this subject new keys because of your recusal";
    expect_remedy(collected, (409, "credential_already_issued"), keys);
}

#[tokio::test]
async fn a_challenge_at_the_wrong_time_names_the_day_or_the_secretary_who_records_a_conflict() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let subject = &plan.subjects[0];
    let challenges = format!("/v1/evaluations/{}/challenges", plan.evaluation_of(&app, subject).await);
    let challenge = json!({"pool_entry_id": NOBODY, "ground": "We were opposing parties in 2025."});
    let opens = plan.day(&app, "pool_review_open").await;

    let early = subject.client(&app).await.post(&challenges, challenge.clone()).await;
    plan.to_pool_review(&app).await;
    plan.pass(&app, "pool_challenge_close").await;
    let late = subject.client(&app).await.post(&challenges, challenge).await;

    expect_remedy(early, EARLY, &format!("shown to you, on {opens} or later"));
    expect_remedy(late, CLOSED, "Until the draw a secretary may still record a conflict that you can prove");
}

#[tokio::test]
async fn a_record_with_nothing_to_confirm_is_replaced_or_withdrawn_instead() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let records = format!("/v1/judges/{}/records", judge.id);
    let record = secretary.post(&records, told(training(36), json!({}))).await.expect(201).id();

    let refused = secretary.post(&format!("{records}/{record}/confirm"), json!({})).await;

    expect_remedy(refused, WRONG_PHASE, "whoever recorded it replaces or withdraws it");
}

#[tokio::test]
async fn an_import_that_cannot_be_taken_back_can_be_made_anew() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let head = "judge_id,indicator_code,category,period,numerator,source_system,source_record_id,as_of";
    let file = format!("{head}\n{},resolved,civil,2026-Q3,214,toerelik,a,2027-01-05\n", judge.id);
    let dry = imported(&app, &secretary, "type=observations&dry_run=true", file.clone()).await;
    let batch = imported(&app, &secretary, "type=observations", file).await;
    let reversal = |import: &Value| format!("/v1/imports/{}/reversal", import["id"].as_str().unwrap());
    secretary.post(&reversal(&batch), json!({})).await.expect(200);

    let nothing = secretary.get(&reversal(&dry)).await;
    let twice = secretary.with_key("twice").post(&reversal(&batch), json!({})).await;

    expect_remedy(
        nothing,
        WRONG_PHASE,
        "there is nothing to take back: if the records are wanted, import the file anew",
    );
    expect_remedy(twice, WRONG_PHASE, "taken back already. If its records are wanted after all, import the file anew");
}

#[tokio::test]
async fn what_is_done_with_an_extract_a_hold_or_a_retention_edition_is_done_anew_and_not_twice() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let order = json!({"purpose": "competition", "recipient": "Конкурстық комиссия", "expires_on": "2027-03-31"});
    let extract = secretary.post(&format!("/v1/judges/{}/extracts", judge.id), order).await.expect(201).id();
    let revocation = format!("/v1/extracts/{extract}/revocation");
    let why = json!({"reason": "record_corrected", "explanation": "Лауазым күні түзетілді."});
    secretary.with_key("first").post(&revocation, why.clone()).await.expect(200);
    let hold = json!({"judge_id": judge.id, "reason": "Сот дауы қаралып жатыр.", "legal_basis": "АПК, 31-бап"});
    let lift = format!("{HOLDS}/{}/lift", secretary.post(HOLDS, hold).await.expect(201).id());
    let settled = json!({"reason": "Талап шешілді."});
    secretary.with_key("lift").post(&lift, settled.clone()).await.expect(200);
    let older = secretary.with_key("older").post(SCHEDULES, kept_for_a_year()).await.expect(201).id();
    let newer = secretary.with_key("newer").post(SCHEDULES, kept_for_a_year()).await.expect(201).id();
    let run = format!("{SCHEDULES}/{older}/run");
    let none_holds = secretary.with_key("none").post(&run, json!({})).await;
    app.by_two(&format!("{SCHEDULES}/{newer}/adopt"), json!({})).await;

    let revoked = secretary.with_key("again").post(&revocation, why).await;
    let lifted = secretary.with_key("lift-again").post(&lift, settled).await;
    let adopted = secretary.with_key("adopt").post(&format!("{SCHEDULES}/{older}/adopt"), json!({})).await;
    let other_holds = secretary.with_key("run").post(&run, json!({})).await;

    expect_remedy(revoked, WRONG_PHASE, "If the recipient needs one, issue a new one.");
    expect_remedy(lifted, WRONG_PHASE, "place a new one");
    expect_remedy(none_holds, WRONG_PHASE, "first let two persons adopt this one");
    expect_remedy(adopted, WRONG_PHASE, "write a new edition, and let two persons adopt it");
    expect_remedy(other_holds, WRONG_PHASE, "start the run by edition 2");
}

#[tokio::test]
async fn what_a_cancelled_evaluation_refuses_points_to_a_new_one() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    app.by_two(&panel.path("/cancel"), json!({"reason": "Судья қызметінен кетті."})).await;

    let served = app.secretary().await.post(&panel.path("/report-service"), json!({})).await;
    let own = scene.judge.client(app).await.post(&panel.path("/appeals"), json!({"grounds": "Келіспеймін."})).await;

    expect_remedy(served, WRONG_PHASE, "plan a new one in another cycle, or file a request for it");
    expect_remedy(own, WRONG_PHASE, "plan a new one in another cycle, or file a request for it");
}

#[tokio::test]
async fn before_the_count_a_refusal_says_when_two_persons_may_cancel() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let evaluation = plan.evaluation_of(&app, &plan.subjects[0]).await;

    let early = app.secretary().await.post(&format!("/v1/evaluations/{evaluation}/report-service"), json!({})).await;

    expect_remedy(early, WRONG_PHASE, "Two persons may cancel the evaluation before the draw, and again once");
}
