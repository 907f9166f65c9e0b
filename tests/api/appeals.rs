//! Appeals: who decides them, what each outcome leads to, and that the peer result stands or falls as a whole.

use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::plans::all_items;
use crate::harness::seeded::{Panel, decision, figures, reasoning};
use crate::harness::{Answer, App};
use crate::proceedings::Scene;
use crate::results::Sealed;

fn ruling(outcome: &str) -> Value {
    json!({"outcome": outcome, "reasons": "Шағымның уәждері істің материалдарымен салыстырылды."})
}

/// A judge who was found fit, served today, and appeals.
async fn appealed(outcome: &str, band: &str) -> (Scene, String) {
    let scene = Scene::with(&figures(band)).await;
    let own = scene.judge.client(&scene.app).await;
    scene.panel.decide(&scene.app, &own, decision(outcome), band == "below").await;
    let appeal = scene.panel.appeal(&own).await;
    (scene, appeal)
}

#[tokio::test]
async fn an_appeal_suspends_the_decision_until_others_have_decided_it() {
    let (scene, appeal) = appealed("fit", "above").await;
    let (app, panel) = (&scene.app, &scene.panel);
    let own = scene.judge.client(app).await;
    own.post(&panel.path("/appeals"), json!({"grounds": "Тағы да."})).await.expect_problem(409, "wrong_phase");
    let path = format!("/v1/appeals/{appeal}/decisions");
    panel.members[0].client(app).await.post(&path, ruling("upheld")).await.expect_problem(403, "forbidden");
    let stranger = app.member(StaffRole::AppealMember).await;
    stranger.client(app).await.post(&path, ruling("upheld")).await.expect_problem(404, "not_found");
    app.go_to("2027-03-01");
    let stopped = app.secretary().await.post(&panel.path("/finalise"), json!({})).await;
    assert!(stopped.expect_problem(409, "wrong_phase").text.contains("uphold"), "it has no effect meanwhile");

    panel.decide_appeal(app, &appeal, ruling("upheld")).await;

    let own = scene.own().await;
    assert_eq!((&own["state"], &own["decisions"][0]["in_force_on"]), (&json!("final"), &json!("2027-03-01")));
    assert_eq!(own["decisions"][1]["appeal_outcome"], "upheld");
    assert!(own["appeals"][0]["decided_at"].is_string());
    assert!(scene.kinds_of_notices().await.contains(&"appeal_decided".to_owned()));
}

#[tokio::test]
async fn a_graver_outcome_is_reviewed_by_more() {
    let (scene, appeal) = appealed("unfit_professional", "below").await;
    let (app, panel) = (&scene.app, &scene.panel);
    let path = format!("/v1/appeals/{appeal}/decisions");
    let id = panel.appeal[0].client(app).await.post(&path, ruling("upheld")).await.expect(201).id();
    for member in &panel.appeal[..4] {
        let votes = format!("/v1/decisions/{id}/votes");
        member.client(app).await.post(&votes, json!({"vote": "for"})).await.expect(201);
    }

    let settle = format!("/v1/decisions/{id}/settle");
    let few = app.secretary().await.post(&settle, json!({})).await.expect_problem(409, "guard_not_met");

    assert!(few.body["detail"].as_str().unwrap().contains("4 votes are not enough: 5"), "{}", few.text);
    let votes = format!("/v1/decisions/{id}/votes");
    panel.members[1].client(app).await.post(&votes, json!({"vote": "for"})).await.expect_problem(403, "forbidden");
    panel.appeal[4].client(app).await.post(&votes, json!({"vote": "for"})).await.expect(201);
    app.secretary().await.post(&settle, json!({})).await.expect(200);
    assert_eq!(panel.state(app).await, "final");
}

#[tokio::test]
async fn an_appeal_never_makes_it_worse_and_a_change_has_its_own_reasons() {
    let (scene, appeal) = appealed("fit", "above").await;
    let (app, panel) = (&scene.app, &scene.panel);
    let member = panel.appeal[0].client(app).await;
    let path = format!("/v1/appeals/{appeal}/decisions");
    let changed = |outcome: &str| {
        let mut ruling = ruling("changed");
        ruling["changed"] = decision(outcome);
        ruling
    };
    let place = async |body: Value| member.post(&path, body).await.expect_problem(422, "invalid").faults()[0].0.clone();

    assert_eq!(place(changed("unfit_professional")).await, "/changed/outcome");
    assert_eq!(place(changed("fit")).await, "/changed/outcome");
    assert_eq!(place(changed("excellent")).await, "/changed/outcome");
    assert_eq!(place(ruling("changed")).await, "/changed");
    let mut both = changed("fit_recommended_higher");
    both["outcome"] = json!("upheld");
    assert_eq!(place(both).await, "/changed");
    let mut thin = changed("fit_recommended_higher");
    thin["changed"]["reasoning"]["criteria"] = json!([]);
    assert_eq!(place(thin).await, "/changed/reasoning/criteria");
    panel.decide_appeal(app, &appeal, changed("fit_recommended_higher")).await;

    let own = scene.own().await;
    assert_eq!(own["state"], "final");
    assert_eq!(
        (&own["decisions"][0]["status"], &own["decisions"][0]["in_force_on"]),
        (&json!("replaced"), &Value::Null)
    );
    let second = &own["decisions"][1];
    assert_eq!((&second["outcome"], &second["in_force_on"]), (&json!("fit_recommended_higher"), &json!("2027-01-11")));
}

#[tokio::test]
async fn what_is_remitted_is_drafted_and_decided_by_others_alone() {
    let (scene, appeal) = appealed("fit", "above").await;
    let (app, panel) = (&scene.app, &scene.panel);

    panel.decide_appeal(app, &appeal, ruling("remitted")).await;

    let whole = panel.proceedings(app).await;
    assert_eq!((&whole["state"], &whole["decisions"][0]["status"]), (&json!("drafting"), &json!("replaced")));
    let body = json!({"reasoning": reasoning(&[])});
    panel.members[0].client(app).await.post(&panel.path("/reports"), body.clone()).await.expect(404);
    for member in &panel.members {
        app.assign(&panel.evaluation, member.account_id, false).await.expect_problem(409, "guard_not_met");
    }
    let others = App::judge_member(app, StaffRole::Member).await;
    app.assign(&panel.evaluation, others.account_id, true).await.expect(201);
    others.client(app).await.post(&panel.path("/reports"), body).await.expect(201);
    app.secretary().await.post(&panel.path("/report-service"), json!({})).await.expect(200);
    let responding = scene.own().await;
    assert_eq!(responding["state"], "responding");
    assert_eq!(responding["reports"].as_array().unwrap().len(), 2, "what was served before stays to be read");
}

#[tokio::test]
async fn an_annulled_peer_part_grounds_nothing_ever_after_and_its_reviews_are_counted_by_nobody_anew() {
    let (scene, appeal) = appealed("unfit_professional", "below").await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.decide_appeal(app, &appeal, ruling("peer_part_annulled")).await;
    assert_eq!(scene.own().await["is_peer_part_annulled"], true);
    let own = scene.judge.client(app).await;
    assert_eq!(own.get(&panel.path("/result")).await.expect(200).body["is_annulled"], true);
    let mut members = Vec::new();
    for place in 0..5 {
        let member = app.judge_member(StaffRole::Member).await;
        app.assign(&panel.evaluation, member.account_id, place == 0).await.expect(201);
        members.push(member);
    }
    let rapporteur = members[0].client(app).await;
    rapporteur.post(&panel.path("/reports"), json!({"reasoning": reasoning(&[])})).await.expect(201);
    app.secretary().await.post(&panel.path("/report-service"), json!({})).await.expect(200);
    panel.respond(&own, false).await;

    let refused = rapporteur.post(&panel.path("/decisions"), decision("fit")).await;

    assert!(refused.expect_problem(409, "guard_not_met").text.contains("annulled"));
    let mut without = decision("insufficient_data");
    without["relies_on_peer_result"] = json!(false);
    let id = rapporteur.post(&panel.path("/decisions"), without).await.expect(201).id();
    panel.adopt(app, &members, &id).await;
    panel.serve_decision(app).await;
    app.go_to("2027-02-20");
    app.secretary().await.post(&panel.path("/finalise"), json!({})).await.expect(200);
    let clocks =
        app.secretary().await.get(&format!("/v1/judges/{}/evaluation-clocks", scene.judge.id)).await.expect(200).body;
    assert_eq!(
        clocks["items"][0]["trigger"], "appointment",
        "no conclusion was possible: the next one is as due as before"
    );
}

#[tokio::test]
async fn a_new_evaluation_is_ordered_as_a_request_that_planning_finds() {
    let (scene, appeal) = appealed("fit", "above").await;
    let (app, panel) = (&scene.app, &scene.panel);

    panel.decide_appeal(app, &appeal, ruling("new_evaluation_ordered")).await;

    assert_eq!(panel.state(app).await, "cancelled");
    let path = format!("/v1/judges/{}/evaluation-requests", scene.judge.id);
    let requests = all_items(&app.secretary().await, &path).await;
    assert_eq!((&requests[0]["kind"], &requests[0]["is_open"]), (&json!("repeat"), &json!(true)));
    let ended =
        app.secretary().await.post(&panel.path("/finalise"), json!({})).await.expect_problem(409, "wrong_phase");
    assert!(ended.body["detail"].as_str().unwrap().contains("cancelled"), "{}", ended.text);
}

/// A cycle with real reviews that reports, of which a subject appeals against being found fit, with the ways of a vote.
struct Appealed {
    sealed: Sealed,
    panel: Panel,
    appeal: String,
}

impl Appealed {
    async fn new() -> Appealed {
        let sealed = Sealed::computed().await;
        sealed.to_reporting().await;
        Appealed::of(sealed, 0).await
    }

    async fn of(sealed: Sealed, subject: usize) -> Appealed {
        let app = &sealed.app;
        let evaluation = &sealed.evaluations[subject];
        let of = app.secretary().await.get(&format!("/v1/evaluations/{evaluation}")).await.expect(200).body;
        let judge = sealed.round.plan.judges().find(|judge| of["judge_id"] == json!(judge.id)).unwrap();
        let (panel, own) = (app.panel(evaluation).await, judge.client(app).await);
        panel.decide(app, &own, decision("fit"), false).await;
        let appeal = panel.appeal(&own).await;
        Appealed { sealed, panel, appeal }
    }

    async fn ask_for_recount(&self) -> Answer {
        let path = format!("/v1/appeals/{}/recount-request", self.appeal);
        self.panel.appeal[0].client(&self.sealed.app).await.post(&path, json!({})).await
    }

    async fn propose(&self, outcome: &str) -> Answer {
        let path = format!("/v1/appeals/{}/decisions", self.appeal);
        self.panel.appeal[0].client(&self.sealed.app).await.post(&path, ruling(outcome)).await
    }

    /// All of the panel vote for an outcome; the path by which the vote is ended.
    async fn vote(&self, outcome: &str) -> String {
        let id = self.propose(outcome).await.expect(201).id();
        for one in &self.panel.appeal {
            let votes = format!("/v1/decisions/{id}/votes");
            one.client(&self.sealed.app).await.post(&votes, json!({"vote": "for"})).await.expect(201);
        }
        format!("/v1/decisions/{id}/settle")
    }

    /// A new auditor states how a recount ended.
    async fn state(&self, outcome: &str) -> Answer {
        let statement = json!({"result_digest": self.sealed.result_digest(), "outcome": outcome});
        let auditor = self.sealed.app.staff(StaffRole::Auditor).await;
        auditor.post(&self.sealed.round.plan.path("/recounts"), statement).await
    }

    async fn awaited(&self) -> Value {
        self.sealed.app.secretary().await.get("/v1/dashboard").await.expect(200).body["recounts_awaited"].clone()
    }
}

#[tokio::test]
async fn an_appeal_waits_for_the_recount_that_its_panel_asked_for_and_goes_on_with_it() {
    let appealed = Appealed::new().await;
    let (app, panel) = (&appealed.sealed.app, &appealed.panel);
    appealed.state("equal").await.expect_problem(409, "wrong_phase");
    let path = format!("/v1/appeals/{}/recount-request", appealed.appeal);
    panel.members[0].client(app).await.post(&path, json!({})).await.expect_problem(403, "forbidden");
    appealed.ask_for_recount().await.expect(200);
    appealed.ask_for_recount().await.expect_problem(409, "already_exists");
    let settle = appealed.vote("upheld").await;

    let waiting = app.secretary().await.post(&settle, json!({})).await.expect_problem(409, "guard_not_met");

    assert!(waiting.body["detail"].as_str().unwrap().contains("recount"), "{}", waiting.text);
    assert_eq!(appealed.awaited().await, 1);
    let wrong = json!({"result_digest": "a".repeat(64), "outcome": "equal"});
    let recounts = appealed.sealed.round.plan.path("/recounts");
    app.staff(StaffRole::Auditor).await.post(&recounts, wrong).await.expect_problem(422, "invalid");
    appealed.state("equal").await.expect(201);
    assert_eq!(appealed.awaited().await, 0);
    assert_eq!(app.secretary().await.post(&settle, json!({})).await.expect(200).body["status"], "adopted");
    assert_eq!(panel.state(app).await, "final");
    appealed.state("equal").await.expect_problem(409, "wrong_phase");
}

#[tokio::test]
async fn what_one_auditor_states_on_appeal_serves_every_appeal_of_the_cycle() {
    let first = Appealed::new().await;
    first.ask_for_recount().await.expect(200);
    first.state("equal").await.expect(201);
    first.sealed.app.clock.advance(chrono::TimeDelta::minutes(1));
    let second = Appealed::of(first.sealed, 1).await;
    second.ask_for_recount().await.expect(200);
    let settle = second.vote("upheld").await;

    let ended = second.sealed.app.secretary().await.post(&settle, json!({})).await.expect(200).body;

    assert_eq!((&ended["status"], second.awaited().await), (&json!("adopted"), json!(0)));
}

#[tokio::test]
async fn what_a_recount_finds_wrong_falls_with_whatever_was_voted_to_leave_it_in_place() {
    let appealed = Appealed::new().await;
    let (app, panel) = (&appealed.sealed.app, &appealed.panel);
    appealed.ask_for_recount().await.expect(200);
    let settle = appealed.vote("upheld").await;
    appealed.state("mismatch").await.expect(201);

    let ended = app.secretary().await.post(&settle, json!({})).await.expect(200).body;

    assert_eq!((&ended["status"], &ended["votes"]["for_count"]), (&json!("rejected"), &json!(5)));
    let again = appealed.propose("upheld").await.expect_problem(409, "guard_not_met");
    assert!(again.body["detail"].as_str().unwrap().contains("annul the peer part"), "{}", again.text);
    let settle = appealed.vote("peer_part_annulled").await;
    assert_eq!(app.secretary().await.post(&settle, json!({})).await.expect(200).body["status"], "adopted");
    assert_eq!(panel.state(app).await, "drafting");
}
