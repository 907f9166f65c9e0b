//! One journey for each role, as that person would tell it: what comes first, what is found on the way, where it ends. A
//! newcomer's usual mistake is to test corners here; they have tests of their own, and these are to be read aloud.

use ejf::domain::caller::Scope;
use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::plans::all_items;
use crate::harness::seeded::{decision, figures, reasoning};
use crate::proceedings::Scene;

#[tokio::test]
async fn a_judge_reads_the_result_and_the_draft_answers_is_heard_appeals_and_is_vindicated() {
    let scene = Scene::with(&figures("below")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    let me = scene.judge.client(app).await;
    let result = me.get(&panel.path("/result")).await.expect(200).body;
    assert_eq!(result["overall"]["band"], "below", "the same figures lie before the commission");
    let decides = all_items(&me, &panel.path("/members")).await;
    assert_eq!(decides.len(), 10, "whoever decides is named");
    panel.serve_report(app).await;
    let draft = &scene.own().await["reports"][0];
    assert!(draft["reasoning"]["criteria"][0]["advice"].is_string());
    let answer = json!({"answer": "Екінші жартыжылдықта жүктеме екі есе болды.", "wants_hearing": true});
    me.post(&panel.path("/responses"), answer).await.expect(201);
    panel.hear(app).await;
    let unfit = panel.propose(app, decision("unfit_professional")).await.expect(201).id();
    panel.adopt(app, &panel.members, &unfit).await;
    panel.serve_decision(app).await;

    let appeal = panel.appeal(&me).await;
    let mut ruling = json!({"outcome": "changed", "reasons": "Жүктеме екі есе болғаны ескерілмеген."});
    ruling["changed"] = decision("fit_with_training");
    panel.decide_appeal(app, &appeal, ruling).await;

    let own = scene.own().await;
    assert_eq!((&own["state"], &own["decisions"][1]["outcome"]), (&json!("final"), &json!("fit_with_training")));
    let told = scene.kinds_of_notices().await;
    for kind in ["report_served", "hearing_scheduled", "decision_served", "appeal_decided"] {
        assert!(told.contains(&kind.to_owned()), "{kind} among {told:?}");
    }
    let seen = all_items(&me, &format!("/v1/judges/{}/access-entries", scene.judge.id)).await;
    assert!(seen.iter().all(|one| one["purpose"] == "evaluation"), "and sees who looked: {seen:?}");
}

#[tokio::test]
async fn a_rapporteur_reads_what_is_assigned_drafts_proposes_and_votes_like_any_other() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    let me = panel.members[0].client(app).await;
    let file = format!("/v1/judges/{}/file?purpose=evaluation", scene.judge.id);
    me.get(&file).await.expect(200);
    me.get(&format!("/v1/judges/{}/file?purpose=evaluation", scene.other.id)).await.expect_problem(404, "not_found");
    me.post(&panel.path("/reports"), json!({"reasoning": reasoning(&[])})).await.expect(201);
    me.post(&panel.path("/report-service"), json!({})).await.expect_problem(403, "forbidden");
    app.secretary().await.post(&panel.path("/report-service"), json!({})).await.expect(200);
    panel.respond(&scene.judge.client(app).await, false).await;
    let id = me.post(&panel.path("/decisions"), decision("fit")).await.expect(201).id();
    let votes = format!("/v1/decisions/{id}/votes");
    me.post(&votes, json!({"vote": "for"})).await.expect(201);
    let settle = format!("/v1/decisions/{id}/settle");
    me.post(&settle, json!({})).await.expect_problem(403, "forbidden");
    for member in &panel.members[1..] {
        let vote = json!({"vote": "against", "dissent": "Мерзімдер бұзылған."});
        member.client(app).await.post(&votes, vote).await.expect(201);
    }

    let ended = app.secretary().await.post(&settle, json!({})).await.expect(200).body;

    assert_eq!((&ended["status"], &ended["votes"]["against_count"]), (&json!("rejected"), &json!(4)));
    me.post(&panel.path("/decisions"), decision("fit_with_training")).await.expect(201);
}

#[tokio::test]
async fn a_secretary_leads_an_evaluation_from_the_report_to_the_close_of_its_cycle_and_decides_nothing() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    let me = app.secretary().await;
    me.post(&panel.path("/reports"), json!({"reasoning": reasoning(&[])})).await.expect_problem(403, "forbidden");
    me.get(&panel.path("/result")).await.expect(200);
    panel.decide(app, &scene.judge.client(app).await, decision("fit"), true).await;
    for judge in &scene.plan.subjects[1..] {
        let path = format!("/v1/evaluations/{}/cancel", scene.plan.evaluation_of(app, judge).await);
        app.by_two(&path, json!({"reason": "Судья отставкаға шықты."})).await;
    }
    app.go_to("2027-01-26");
    app.secretary().await.post(&panel.path("/finalise"), json!({})).await.expect(200);

    app.by_two(&scene.plan.path("/close"), json!({"reason": "All decisions are final; no appeal is pending."})).await;

    assert_eq!(scene.plan.cycle(app).await["phase"], "closed");
    let states = all_items(&app.secretary().await, &scene.plan.path("/evaluations?state=final")).await;
    assert_eq!(states.len(), 1);
}

#[tokio::test]
async fn an_appeal_member_reads_what_was_decided_and_sends_it_to_others() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    let own = scene.judge.client(app).await;
    panel.decide(app, &own, decision("fit"), false).await;
    let appeal = panel.appeal(&own).await;
    let me = panel.appeal[0].client(app).await;
    let whole = me.get(&panel.path("/proceedings")).await.expect(200).body;
    assert_eq!(whole["appeals"][0]["grounds"], "Отырыс туралы хабарланбады.");
    me.post(&panel.path("/decisions"), decision("fit")).await.expect_problem(403, "forbidden");

    panel.decide_appeal(app, &appeal, json!({"outcome": "remitted", "reasons": "Отырыс туралы хабарланбаған."})).await;

    assert_eq!(panel.state(app).await, "drafting");
    let left = all_items(&app.secretary().await, &panel.path("/members")).await;
    assert!(left.iter().all(|one| one["is_rapporteur"] == false), "whoever drafted is gone");
}

#[tokio::test]
async fn an_auditor_follows_one_evaluation_from_its_cycle_to_its_decision_and_writes_nothing() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.decide(app, &scene.judge.client(app).await, decision("fit"), true).await;
    let me = app.staff(StaffRole::Auditor).await;

    let trail = all_items(&me, &panel.path("/audit-entries")).await;

    let acts: Vec<&str> = trail.iter().map(|one| one["act"].as_str().unwrap()).collect();
    let expected = [
        "create_cycle",
        "assign_member",
        "create_report",
        "serve_report",
        "create_response",
        "create_hearing",
        "record_hearing",
        "propose_decision",
        "vote_on_decision",
        "settle_decision",
        "serve_decision",
    ];
    let mut from = 0;
    for act in expected {
        let at = acts[from..].iter().position(|one| *one == act);
        from += at.unwrap_or_else(|| panic!("{act} does not follow in {acts:?}"));
    }
    let whole = me.get(&panel.path("/proceedings")).await.expect(200).body;
    assert_eq!(whole["decisions"][0]["votes"]["votes"].as_array().unwrap().len(), 5, "each vote with its member");
    me.post(&panel.path("/decision-service"), json!({"served_on": app.today()})).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_personnel_system_hears_of_final_outcomes_alone_and_says_that_it_knows_of_a_withdrawal() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    app.machine("hr_before", &[Scope::EventsRead]).await;
    panel.decide(app, &scene.judge.client(app).await, decision("fit_with_training"), false).await;
    let told = async |name: &str| {
        let me = app.machine(name, &[Scope::EventsRead]).await;
        let events = me.get("/v1/events").await.expect(200).body["items"].clone();
        (me, events.as_array().unwrap().clone())
    };
    assert!(told("hr_early").await.1.is_empty(), "served is not final");
    app.go_to("2027-01-26");
    app.secretary().await.post(&panel.path("/finalise"), json!({})).await.expect(200);
    app.by_two(&panel.path("/revoke"), json!({"reason": "Сот шешімді бұзды, іс қайтарылды."})).await;

    let (me, events) = told("hr_system").await;

    let kinds: Vec<&Value> = events.iter().map(|one| &one["type"]).collect();
    assert_eq!(kinds, ["evaluation.finalised", "training.recommended", "evaluation.revoked"]);
    let text = json!(events).to_string();
    assert!(!text.contains("hundredths") && !text.contains("reasons"), "ids and codes, no marks and no words: {text}");
    let known = format!("/v1/events/{}/acknowledgement", events[2]["id"].as_str().unwrap());
    me.post(&known, json!({})).await.expect(200);
    let waiting = all_items(&app.secretary().await, "/v1/unacknowledged-events").await;
    assert!(!waiting.is_empty(), "others have not said so yet");
}
