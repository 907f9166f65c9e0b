//! Decisions: what may ground one, who votes, when it is in force, and how two persons stop, reopen or revoke it.

use ejf::domain::caller::Scope;
use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::deletions::looked;
use crate::harness::App;
use crate::harness::people::Member;
use crate::harness::plans::all_items;
use crate::harness::seeded::{Panel, decision, figures, reasoning};
use crate::proceedings::Scene;

/// The detail of a decision that is refused.
async fn refused(app: &App, panel: &Panel, decision: Value) -> String {
    panel.propose(app, decision).await.expect_problem(409, "guard_not_met").body["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn no_number_burdens_a_judge_whose_interval_reaches_the_standard() {
    let scene = Scene::with(&figures("not_distinguishable")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;
    panel.respond(&scene.judge.client(app).await, false).await;

    let unheard = refused(app, panel, decision("unfit_professional")).await;

    assert!(unheard.contains("Nobody is burdened unheard") && unheard.contains("interval"), "{unheard}");
    panel.hear(app).await;
    let crossed = refused(app, panel, decision("unfit_professional")).await;
    assert!(!crossed.contains("unheard") && crossed.contains("reaches the standard"), "{crossed}");
    let mut without = decision("unfit_professional");
    without["relies_on_peer_result"] = json!(false);
    let nothing = refused(app, panel, without.clone()).await;
    assert!(nothing.contains("rests on something"), "{nothing}");
    for (result, hint) in [
        (json!({"status": "indicative", "band": "below"}), "too few reviews"),
        (json!({"status": "insufficient"}), "too few reviews"),
        (figures("above"), "reaches the standard"),
    ] {
        app.db_set_result(&panel.evaluation, &result).await;
        let told = refused(app, panel, decision("transfer_recommended")).await;
        assert!(told.contains(hint), "{result}: {told}");
    }
    let unknown = panel.propose(app, decision("excellent")).await.expect_problem(422, "invalid");
    assert_eq!(unknown.faults(), [("/outcome".to_owned(), "missing".to_owned())]);
    let discipline = json!({"content": {"training": {"course": "Сот этикасы", "provider": "Академия", "hours": 36,
        "starts_on": "2026-03-02", "ends_on": "2026-03-06", "result": "failed"}}, "source_system": "academy",
        "as_of": "2026-04-01"});
    let records = format!("/v1/judges/{}/records", scene.judge.id);
    let record = app.secretary().await.post(&records, discipline).await.expect(201).id();
    without["reasoning"] = reasoning(&[&record]);
    panel.propose(app, without).await.expect(201);
}

#[tokio::test]
async fn a_vote_is_cast_once_seen_by_nobody_before_its_end_and_ended_by_a_quorum() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;
    panel.respond(&scene.judge.client(app).await, false).await;
    let id = panel.propose(app, decision("fit")).await.expect(201).id();
    panel.propose(app, decision("fit")).await.expect_problem(409, "already_exists");
    let votes = format!("/v1/decisions/{id}/votes");
    let settle = format!("/v1/decisions/{id}/settle");
    let cast = async |member: &Member, vote: Value| member.client(app).await.post(&votes, vote).await;
    cast(&panel.members[0], json!({"vote": "for"})).await.expect(201);
    let against = json!({"vote": "against", "dissent": "Жазбалар мұны растамайды."});
    cast(&panel.members[1], against).await.expect(201);

    cast(&panel.members[0], json!({"vote": "for"})).await.expect_problem(409, "already_exists");
    let odd = cast(&panel.members[2], json!({"vote": "for", "dissent": "Бірақ."})).await.expect_problem(422, "invalid");
    assert_eq!(odd.faults(), [("/dissent".to_owned(), "mismatch".to_owned())]);
    cast(&panel.appeal[0], json!({"vote": "for"})).await.expect_problem(403, "forbidden");
    let secretary = app.secretary().await;
    secretary.post(&votes, json!({"vote": "for"})).await.expect_problem(403, "forbidden");
    let few = secretary.post(&settle, json!({})).await.expect_problem(409, "guard_not_met");
    assert!(few.body["detail"].as_str().unwrap().contains("2 votes are not enough: 5"), "{}", few.text);
    let open = &panel.proceedings(app).await["decisions"][0]["votes"];
    assert_eq!(
        (&open["voters"], &open["for_count"], &open["votes"], &open["dissents"]),
        (&json!(2), &Value::Null, &json!([]), &json!([]))
    );
    for member in &panel.members[2..] {
        cast(member, json!({"vote": "for"})).await.expect(201);
    }

    let adopted = secretary.post(&settle, json!({})).await.expect(200).body;

    assert_eq!((&adopted["status"], &adopted["votes"]["for_count"]), (&json!("adopted"), &json!(4)));
    assert_eq!(adopted["digest"].as_str().unwrap().len(), 43);
    assert_eq!(panel.state(app).await, "decided");
    cast(&panel.members[2], json!({"vote": "for"})).await.expect_problem(409, "guard_not_met");
    assert_eq!(scene.own().await["decisions"], json!([]), "a decision reaches the judge by service");
    for day in ["2027-01-10", "2027-01-12"] {
        let refused = secretary.post(&panel.path("/decision-service"), json!({"served_on": day})).await;
        assert_eq!(refused.expect_problem(422, "invalid").faults()[0].0, "/served_on");
    }
    panel.serve_decision(app).await;
    let own = &scene.own().await["decisions"][0];
    assert_eq!((&own["outcome"], &own["votes"]["votes"]), (&json!("fit"), &json!([])));
    assert_eq!(own["votes"]["dissents"], json!(["Жазбалар мұны растамайды."]), "without a name");
}

#[tokio::test]
async fn the_vote_of_a_member_who_has_left_since_does_not_count() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;
    panel.respond(&scene.judge.client(app).await, false).await;
    let id = panel.propose(app, decision("fit")).await.expect(201).id();
    for member in &panel.members {
        let votes = format!("/v1/decisions/{id}/votes");
        member.client(app).await.post(&votes, json!({"vote": "for"})).await.expect(201);
    }
    let reason = json!({"reason": "Академияда судьяның оқытушысы болдым."});
    panel.members[4].client(app).await.post(&panel.path("/step-back"), reason).await.expect(204);

    let settled = app.secretary().await.post(&format!("/v1/decisions/{id}/settle"), json!({})).await;

    assert!(settled.expect_problem(409, "guard_not_met").text.contains("4 votes are not enough: 5"));
}

#[tokio::test]
async fn nobody_is_taken_from_a_panel_that_votes_and_nobody_joins_it_once_enough_have_voted() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;
    panel.respond(&scene.judge.client(app).await, false).await;
    let id = panel.propose(app, decision("fit")).await.expect(201).id();
    let secretary = app.secretary().await;
    let late = app.member(StaffRole::Member).await;
    let path_of = |member: &Member| panel.path(&format!("/members/{}", member.account_id));

    secretary.delete(&path_of(&panel.members[1])).await.expect_problem(409, "guard_not_met");

    // The other panel does not vote.
    secretary.delete(&path_of(&panel.appeal[0])).await.expect(204);
    // One of five does not come, and five are the quorum.
    app.assign(&panel.evaluation, late.account_id, false).await.expect(201);
    for member in panel.members[..4].iter().chain([&late]) {
        let votes = format!("/v1/decisions/{id}/votes");
        member.client(app).await.post(&votes, json!({"vote": "for"})).await.expect(201);
    }
    let more = app.member(StaffRole::Member).await;
    let packed = app.assign(&panel.evaluation, more.account_id, false).await.expect_problem(409, "guard_not_met");
    assert!(packed.text.contains("once enough have voted"), "{}", packed.text);
    secretary.post(&format!("/v1/decisions/{id}/settle"), json!({})).await.expect(200);
    app.assign(&panel.evaluation, more.account_id, false).await.expect(201);
}

#[tokio::test]
async fn a_vote_does_not_end_while_the_judge_asks_that_one_of_its_panel_steps_back() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;
    let own = scene.judge.client(app).await;
    panel.respond(&own, false).await;
    let id = panel.propose(app, decision("fit")).await.expect(201).id();
    for member in &panel.members {
        let votes = format!("/v1/decisions/{id}/votes");
        member.client(app).await.post(&votes, json!({"vote": "for"})).await.expect(201);
    }
    let new = json!({"account_id": panel.members[2].account_id, "ground": "Менің ісім бойынша шағым берген."});
    let request = own.post(&panel.path("/recusal-requests"), new).await.expect(201).id();
    let settle = format!("/v1/decisions/{id}/settle");
    let secretary = app.secretary().await;

    let held = secretary.post(&settle, json!({})).await.expect_problem(409, "guard_not_met");

    assert!(held.text.contains("step back first"), "{}", held.text);
    let waiting = async || {
        let figures = secretary.get("/v1/dashboard").await.expect(200).body;
        let state =
            figures["on_own_course"].as_array().unwrap().iter().find(|one| one["count"] == 1).unwrap()["state"].clone();
        (state, figures["votes_open"].clone(), figures["recusals_open"].clone())
    };
    assert_eq!(waiting().await, (json!("responding"), json!(1), json!(1)));
    let decided = json!({"outcome": "rejected", "reason": "Шағым тіркелмеген."});
    let decide = format!("/v1/recusal-requests/{request}/decide");
    panel.members[1].client(app).await.post(&decide, decided).await.expect(200);
    secretary.post(&settle, json!({})).await.expect(200);
    assert_eq!(waiting().await, (json!("decided"), json!(0), json!(0)));
}

#[tokio::test]
async fn a_panel_without_a_majority_of_judges_decides_nothing_and_a_tie_is_no_majority() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    let mut lay = Vec::new();
    for _ in 0..3 {
        let member = app.member(StaffRole::Member).await;
        app.assign(&panel.evaluation, member.account_id, false).await.expect(201);
        lay.push(member);
    }
    panel.serve_report(app).await;
    panel.respond(&scene.judge.client(app).await, false).await;
    let id = panel.propose(app, decision("fit")).await.expect(201).id();
    let votes = format!("/v1/decisions/{id}/votes");
    let secretary = app.secretary().await;
    // Three judges of six.
    for member in panel.members[..3].iter().chain(&lay) {
        let vote = if lay.iter().any(|one| one.account_id == member.account_id) { "against" } else { "for" };
        member.client(app).await.post(&votes, json!({"vote": vote})).await.expect(201);
    }
    let settle = format!("/v1/decisions/{id}/settle");
    let half = secretary.post(&settle, json!({})).await.expect_problem(409, "guard_not_met");
    assert!(half.body["detail"].as_str().unwrap().contains("they are 3 of 6"), "{}", half.text);
    panel.members[3].client(app).await.post(&votes, json!({"vote": "against"})).await.expect(201);

    let rejected = secretary.post(&settle, json!({})).await.expect(200).body;

    assert_eq!((&rejected["status"], &rejected["digest"]), (&json!("rejected"), &Value::Null));
    assert_eq!(panel.state(app).await, "responding", "another can be proposed");
    panel.propose(app, decision("fit_with_training")).await.expect(201);
}

#[tokio::test]
async fn a_decision_is_in_force_the_day_after_the_last_day_to_appeal_and_its_cycle_closes_no_sooner() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    let own = scene.judge.client(app).await;
    panel.decide(app, &own, decision("fit"), false).await;
    assert!(scene.kinds_of_notices().await.contains(&"decision_served".to_owned()));
    let finalise = panel.path("/finalise");
    let close = json!({"reason": "All decisions are final; no appeal is pending."});

    app.go_to("2027-01-25");
    let early = app.secretary().await.post(&finalise, json!({})).await.expect_problem(409, "guard_not_met");
    assert!(early.body["detail"].as_str().unwrap().contains("2027-01-25"), "ten working days: {}", early.text);
    app.go_to("2027-01-26");
    let open = app.secretary().await.with_key("early").post(&scene.plan.path("/close"), close.clone()).await;
    assert!(open.expect_problem(409, "guard_not_met").text.contains("still open: 10"));
    let late = json!({"grounds": "Отырыс туралы хабарланбады."});
    let own = scene.judge.client(app).await;
    own.post(&panel.path("/appeals"), late).await.expect_problem(410, "window_closed");
    let done = app.secretary().await.post(&finalise, json!({})).await.expect(200).body;

    assert_eq!((&done["in_force_on"], &done["valid_until"]), (&json!("2027-01-26"), &json!("2029-01-26")));
    assert_eq!(panel.state(app).await, "final");
    assert!(scene.kinds_of_notices().await.contains(&"decision_in_force".to_owned()));
    let machine = app.machine("hr_events", &[Scope::EventsRead]).await;
    let events = machine.get("/v1/events").await.expect(200).body;
    let told: Vec<&Value> = events["items"].as_array().unwrap().iter().map(|one| &one["type"]).collect();
    assert_eq!(told, ["evaluation.finalised"], "nothing before it is in force, and no training for who is fit");
    let event = &events["items"][0];
    assert_eq!((&event["outcome_code"], &event["valid_until"]), (&json!("fit"), &json!("2029-01-26")));
    assert_eq!(event["document_digest"], done["digest"]);
    let clocks =
        app.secretary().await.get(&format!("/v1/judges/{}/evaluation-clocks", scene.judge.id)).await.expect(200).body;
    let regular = &clocks["items"][0];
    assert_eq!((&regular["trigger"], &regular["runs_from"]), (&json!("earlier_evaluation"), &json!("2027-01-26")));
    for judge in &scene.plan.subjects[1..] {
        let evaluation = scene.plan.evaluation_of(app, judge).await;
        let reason = json!({"reason": "Судья отставкаға шықты."});
        app.by_two(&format!("/v1/evaluations/{evaluation}/cancel"), reason).await;
    }
    app.by_two(&scene.plan.path("/close"), close).await;
}

#[tokio::test]
async fn the_service_puts_a_decision_in_force_by_itself_when_the_time_to_appeal_is_over() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (scene.app, scene.panel);
    panel.decide(&app, &scene.judge.client(&app).await, decision("fit"), false).await;
    app.go_to("2027-01-25");
    let app = looked(app, &scene.plan.cycle_id).await;
    assert_eq!(panel.state(&app).await, "served", "its last day is not over");
    app.go_to("2027-01-26");

    let app = looked(app, &scene.plan.cycle_id).await;

    let whole = panel.proceedings(&app).await;
    assert_eq!((&whole["state"], &whole["decisions"][0]["in_force_on"]), (&json!("final"), &json!("2027-01-26")));
    let last = whole["moves"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["act"], &last["account_id"]), (&json!("finalise"), &Value::Null));
}

#[tokio::test]
async fn two_persons_suspend_an_evaluation_whose_times_stand_still_until_two_resume_it_where_it_stood() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.decide(app, &scene.judge.client(app).await, decision("fit"), false).await;
    let reason = json!({"reason": "Сол фактілер бойынша тәртіптік іс қаралуда."});
    let first = app.staff(StaffRole::Secretary).await;
    let asked = first.with_key("alone").post(&panel.path("/suspend"), reason.clone()).await.expect(202).body;
    let confirm = format!("/v1/approvals/{}/confirm", asked["id"].as_str().unwrap());
    first.post(&confirm, json!({"digest": asked["digest"]})).await.expect_problem(409, "second_person_required");
    assert_eq!(panel.state(app).await, "served", "alone nobody suspends");
    app.by_two(&panel.path("/suspend"), reason.clone()).await;
    assert_eq!(panel.state(app).await, "suspended");

    app.go_to("2027-02-11");
    let own = scene.judge.client(app).await;
    let appeal = json!({"grounds": "Отырыс туралы хабарланбады."});
    let stopped = own.post(&panel.path("/appeals"), appeal.clone()).await.expect_problem(409, "wrong_phase");
    assert!(stopped.body["detail"].as_str().unwrap().contains("let it go on"), "{}", stopped.text);
    app.by_two(&panel.path("/resume"), reason).await;

    assert_eq!(panel.state(app).await, "served");
    let clocks = own.get(&panel.path("/clocks")).await.expect(200).body;
    let clock = clocks["clocks"].as_array().unwrap().iter().find(|one| one["kind"] == "appeal").unwrap().clone();
    assert_eq!((&clock["due_on"], &clock["pauses"][0]["from"]), (&json!("2027-02-24"), &json!("2027-01-11")));
    let kinds = scene.kinds_of_notices().await;
    assert!(kinds.contains(&"evaluation_suspended".to_owned()) && kinds.contains(&"evaluation_resumed".to_owned()));
    own.post(&panel.path("/appeals"), appeal).await.expect(201);
    assert_eq!(panel.proceedings(app).await["moves"].as_array().unwrap().last().unwrap()["act"], "file_appeal");
}

#[tokio::test]
async fn an_error_before_service_is_mended_by_reopening_and_after_it_by_no_such_thing() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    let own = scene.judge.client(app).await;
    panel.serve_report(app).await;
    panel.respond(&own, false).await;
    let id = panel.propose(app, decision("fit")).await.expect(201).id();
    panel.adopt(app, &panel.members, &id).await;
    let reason = json!({"reason": "Қорытындыда басқа судьяның деректері болған."});

    app.by_two(&panel.path("/reopen"), reason.clone()).await;

    let whole = panel.proceedings(app).await;
    assert_eq!((&whole["state"], &whole["decisions"][0]["status"]), (&json!("drafting"), &json!("replaced")));
    let stale = app.secretary().await.post(&panel.path("/report-service"), json!({})).await;
    assert!(stale.expect_problem(409, "guard_not_met").text.contains("rapporteur drafts one"));
    panel.serve_report(app).await;
    panel.respond(&own, false).await;
    let id = panel.propose(app, decision("fit")).await.expect(201).id();
    panel.adopt(app, &panel.members, &id).await;
    panel.serve_decision(app).await;
    let late = app
        .secretary()
        .await
        .with_key("late")
        .post(&panel.path("/reopen"), reason)
        .await
        .expect_problem(409, "wrong_phase");
    assert!(late.body["detail"].as_str().unwrap().contains("appeal"), "{}", late.text);
}

#[tokio::test]
async fn a_quashed_decision_is_revoked_by_two_and_decided_anew_by_others() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.decide(app, &scene.judge.client(app).await, decision("fit_with_training"), false).await;
    let extracts = format!("/v1/judges/{}/extracts", scene.judge.id);
    let order = json!({"purpose": "promotion", "recipient": "Конкурстық комиссия", "expires_on": "2027-06-30"});
    let before = app.secretary().await.post(&extracts, order.clone()).await.expect(201).id();
    app.go_to("2027-01-26");
    app.secretary().await.post(&panel.path("/finalise"), json!({})).await.expect(200);
    let extract = app.secretary().await.post(&extracts, order).await.expect(201).id();
    let path = |id: &str| format!("/v1/extracts/{id}?purpose=personnel");
    let facts = |answer: Value| answer["facts"]["evaluation"].clone();
    let secretary = app.secretary().await;
    assert_eq!(facts(secretary.get(&path(&before)).await.expect(200).body), Value::Null, "nothing but what is final");
    let stated = facts(secretary.get(&path(&extract)).await.expect(200).body);
    assert_eq!((&stated["outcome"], &stated["valid_until"]), (&json!("fit_with_training"), &json!("2029-01-26")));
    let reason = json!({"reason": "Сот шешімді 2027 жылғы 26 қаңтарда бұзды."});

    app.by_two(&panel.path("/revoke"), reason).await;

    let whole = panel.proceedings(app).await;
    assert_eq!((&whole["state"], &whole["decisions"][0]["status"]), (&json!("drafting"), &json!("revoked")));
    assert!(scene.kinds_of_notices().await.contains(&"decision_revoked".to_owned()));
    let secretary = app.secretary().await;
    secretary.get(&path(&extract)).await.expect_problem(410, "extract_revoked");
    secretary.get(&path(&before)).await.expect(200);
    let machine = app.machine("hr_events", &[Scope::EventsRead]).await;
    let events = machine.get("/v1/events").await.expect(200).body;
    let told: Vec<&Value> = events["items"].as_array().unwrap().iter().map(|one| &one["type"]).collect();
    assert_eq!(told, ["evaluation.finalised", "training.recommended", "evaluation.revoked"]);
    let left = all_items(&app.secretary().await, &panel.path("/members")).await;
    assert_eq!(left.len(), 5, "the appeal panel, which had no part");
    let same = app.assign(&panel.evaluation, panel.members[1].account_id, false).await;
    same.expect_problem(409, "guard_not_met");
    let clocks =
        app.secretary().await.get(&format!("/v1/judges/{}/evaluation-clocks", scene.judge.id)).await.expect(200).body;
    assert_eq!(clocks["items"][0]["trigger"], "appointment", "it counts no more");
}

#[tokio::test]
async fn after_training_an_evaluation_follows_in_a_year_and_none_where_its_decision_was_quashed() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.decide(app, &scene.judge.client(app).await, decision("fit_with_training"), false).await;
    let requests = format!("/v1/judges/{}/evaluation-requests", scene.judge.id);
    assert!(all_items(&app.secretary().await, &requests).await.is_empty(), "served is not final");
    app.go_to("2027-01-26");
    app.secretary().await.post(&panel.path("/finalise"), json!({})).await.expect(200);

    let repeat = all_items(&app.secretary().await, &requests).await.remove(0);

    assert_eq!((&repeat["kind"], &repeat["filed_on"]), (&json!("repeat"), &json!("2027-01-26")));
    assert_eq!((&repeat["due_on"], &repeat["is_open"]), (&json!("2028-01-26"), &json!(true)));
    let auditor = app.staff(StaffRole::Auditor).await;
    let trail = all_items(&auditor, &panel.path("/audit-entries")).await;
    let of_repeat = |one: &&Value| one["act"] == "create_evaluation_request" && one["object_id"] == repeat["id"];
    assert_eq!(trail.iter().filter(of_repeat).count(), 1, "what it led to stands in its trail");
    let clocks = format!("/v1/judges/{}/evaluation-clocks", scene.judge.id);
    let told = app.secretary().await.get(&clocks).await.expect(200).body;
    let of_request = told["items"].as_array().unwrap().iter().find(|one| one["kind"] == "repeat").unwrap();
    assert_eq!(of_request["due_on"], "2028-01-26", "{told}");
    app.by_two(&panel.path("/revoke"), json!({"reason": "Сот шешімді бұзды, іс қайтарылды."})).await;
    let ended = all_items(&app.secretary().await, &requests).await.remove(0);
    let trail = all_items(&app.staff(StaffRole::Auditor).await, &panel.path("/audit-entries")).await;
    assert!(trail.iter().any(|one| one["act"] == "withdraw_evaluation_request" && one["object_id"] == repeat["id"]));
    assert_eq!((&ended["is_open"], &ended["end_reason"]), (&json!(false), &json!("Сот шешімді бұзды, іс қайтарылды.")));
}
