//! From the count to the hearing: what is drafted, served, answered and heard, and what is told to whom meanwhile.

use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::App;
use crate::harness::people::Judge;
use crate::harness::seeded::{Panel, decision, figures, reasoning};

/// A cycle that reports, with a commission for its first subject.
pub struct Scene {
    pub app: App,
    pub judge: Judge,
    pub other: Judge,
    pub panel: Panel,
    pub plan: crate::harness::plans::Plan,
}

impl Scene {
    pub async fn with(result: &Value) -> Scene {
        let app = App::start().await;
        let plan = app.reporting_cycle(result).await;
        let (judge, other) = (plan.subjects[0].clone(), plan.subjects[1].clone());
        let panel = app.panel(&plan.evaluation_of(&app, &judge).await).await;
        Scene { app, judge, other, panel, plan }
    }

    pub async fn own(&self) -> Value {
        let own = self.judge.client(&self.app).await;
        own.get(&self.panel.path("/proceedings")).await.expect(200).body
    }

    pub async fn kinds_of_notices(&self) -> Vec<String> {
        let own = self.judge.client(&self.app).await;
        let items = crate::harness::plans::all_items(&own, "/v1/me/notices").await;
        items.iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_draft_is_the_rapporteurs_and_reaches_the_judge_by_service_alone() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    let body = json!({"reasoning": reasoning(&[])});
    let path = panel.path("/reports");
    let rapporteur = panel.members[0].client(app).await;

    let draft = rapporteur.post(&path, body.clone()).await.expect(201).body;

    assert_eq!((&draft["number"], &draft["served_at"]), (&json!(1), &Value::Null));
    assert_eq!(rapporteur.post(&path, body.clone()).await.expect(201).body["number"], 2);
    panel.members[1].client(app).await.post(&path, body.clone()).await.expect_problem(403, "forbidden");
    let stranger = app.member(StaffRole::Member).await;
    stranger.client(app).await.post(&path, body.clone()).await.expect_problem(404, "not_found");
    app.secretary().await.post(&path, body.clone()).await.expect_problem(403, "forbidden");
    assert_eq!(scene.own().await["reports"], json!([]), "nothing is told before it is served");
    scene.other.client(app).await.get(&panel.path("/proceedings")).await.expect_problem(404, "not_found");
    stranger.client(app).await.get(&panel.path("/proceedings")).await.expect_problem(404, "not_found");

    let served = app.secretary().await.post(&panel.path("/report-service"), json!({})).await.expect(200).body;

    assert_eq!(served["number"], 2);
    let own = scene.own().await;
    assert_eq!(own["state"], "responding");
    let numbers: Vec<&Value> = own["reports"].as_array().unwrap().iter().map(|one| &one["number"]).collect();
    assert_eq!(numbers, [2], "the version that was not served stays with the commission");
    assert!(own["moves"].as_array().unwrap().iter().all(|one| one["account_id"] == Value::Null));
    assert!(scene.kinds_of_notices().await.contains(&"report_served".to_owned()));
    let late = rapporteur.post(&path, body).await.expect_problem(409, "wrong_phase");
    let detail = late.body["detail"].as_str().unwrap();
    assert!(detail.contains("answer of the judge") && detail.contains("reopen it because of an error"), "{detail}");
}

#[tokio::test]
async fn a_report_gives_reasons_and_advice_for_each_criterion_and_rests_on_nothing_disputed() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel, judge) = (&scene.app, &scene.panel, &scene.judge);
    let training = json!({"content": {"training": {"course": "Сот этикасы", "provider": "Академия", "hours": 36,
        "starts_on": "2026-03-02", "ends_on": "2026-03-06", "result": "passed"}}, "source_system": "academy",
        "as_of": "2026-04-01"});
    let secretary = app.secretary().await;
    let record = secretary.post(&format!("/v1/judges/{}/records", judge.id), training.clone()).await.expect(201).id();
    let strange = secretary.post(&format!("/v1/judges/{}/records", scene.other.id), training).await.expect(201).id();
    let rapporteur = panel.members[0].client(app).await;
    let path = panel.path("/reports");
    let mut thin = reasoning(&[]);
    thin["criteria"].as_array_mut().unwrap().pop();
    thin["criteria"][1]["advice"] = json!("жоқ");

    let refused = rapporteur.post(&path, json!({"reasoning": thin})).await.expect_problem(422, "invalid");

    let places: Vec<String> = refused.faults().into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["/reasoning/criteria/1/advice", "/reasoning/criteria"]);
    let strange = json!({"reasoning": reasoning(&[&record, &strange])});
    let refused = rapporteur.post(&path, strange).await.expect_problem(422, "invalid");
    assert_eq!(refused.faults(), [("/reasoning/evidence_ids/1".to_owned(), "missing".to_owned())]);
    rapporteur.post(&path, json!({"reasoning": reasoning(&[&record])})).await.expect(201);

    let own = judge.client(app).await;
    let request = json!({"record_type": "record", "record_id": record, "claim": "Курс 72 сағат болды.",
        "evidence": "Сертификат."});
    own.post(&format!("/v1/judges/{}/correction-requests", judge.id), request).await.expect(201);
    let refused = secretary.post(&panel.path("/report-service"), json!({})).await.expect_problem(409, "guard_not_met");
    assert!(refused.body["detail"].as_str().unwrap().contains("disputed"), "{}", refused.text);
    rapporteur.post(&path, json!({"reasoning": reasoning(&[])})).await.expect(201);
    secretary.post(&panel.path("/report-service"), json!({})).await.expect(200);
}

#[tokio::test]
async fn the_judge_answers_once_in_time_and_nothing_is_decided_before() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;
    let own = scene.judge.client(app).await;
    let answer = json!({"answer": "Екінші жартыжылдықта жүктеме екі есе болды.", "wants_hearing": false});
    let path = panel.path("/responses");

    let early = panel.propose(app, decision("fit")).await.expect_problem(409, "guard_not_met");
    assert!(early.body["detail"].as_str().unwrap().contains("2027-01-26"), "{}", early.text);
    scene.other.client(app).await.post(&path, answer.clone()).await.expect_problem(404, "not_found");
    own.post(&path, answer.clone()).await.expect(201);

    own.post(&path, answer).await.expect_problem(409, "already_exists");
    panel.propose(app, decision("fit")).await.expect(201);
    assert_eq!(scene.own().await["decisions"], json!([]), "a proposal is the commission's");
}

#[tokio::test]
async fn a_silent_judge_has_the_whole_time_and_an_absent_one_longer() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;
    let leave =
        json!({"starts_on": "2027-01-20", "ends_on": "2027-05-30", "source_system": "hr", "as_of": "2027-01-11"});
    let leaves = format!("/v1/judges/{}/leaves", scene.judge.id);
    let leave = app.secretary().await.post(&leaves, leave).await.expect(201).id();

    app.go_to("2027-01-27");
    let early = panel.propose(app, decision("fit")).await.expect_problem(409, "guard_not_met");
    assert!(early.body["detail"].as_str().unwrap().contains("2027-06-06"), "131 days later: {}", early.text);
    let withdrawn = json!({"reason": "The leave was never taken."});
    app.secretary().await.post(&format!("/v1/leaves/{leave}/withdraw"), withdrawn).await.expect(200);

    panel.propose(app, decision("fit")).await.expect(201);
    let own = scene.judge.client(app).await;
    own.post(&panel.path("/responses"), json!({"wants_hearing": true})).await.expect_problem(410, "window_closed");
}

#[tokio::test]
async fn whoever_asks_is_heard_by_a_quorum_with_a_majority_of_judges() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    panel.serve_report(app).await;
    panel.respond(&scene.judge.client(app).await, true).await;
    let secretary = app.secretary().await;
    let unheard = panel.propose(app, decision("fit")).await.expect_problem(409, "guard_not_met");
    assert!(unheard.body["detail"].as_str().unwrap().contains("asked to be heard"), "{}", unheard.text);
    let path = panel.path("/hearings");
    for day in ["2027-01-10", "2027-02-11"] {
        let new = json!({"held_on": day, "is_remote": false});
        secretary.post(&path, new).await.expect_problem(409, "guard_not_met");
    }
    let first = secretary.post(&path, json!({"held_on": "2027-01-20", "is_remote": false})).await.expect(201).id();
    let hearing = secretary.post(&path, json!({"held_on": "2027-01-22", "is_remote": true})).await.expect(201).id();
    assert!(scene.kinds_of_notices().await.iter().filter(|kind| *kind == "hearing_scheduled").count() == 2);
    let ids: Vec<_> = panel.members.iter().map(|member| member.account_id).collect();
    let record =
        |present: &[_]| json!({"present_ids": present, "is_judge_present": false, "minutes": "Судья келмеді."});
    let of = |hearing: &str| format!("/v1/hearings/{hearing}/record");
    secretary.post(&of(&hearing), record(&ids)).await.expect_problem(409, "guard_not_met");

    app.go_to("2027-01-22");
    let secretary = app.secretary().await;
    let few = secretary.post(&of(&hearing), record(&ids[..4])).await.expect_problem(409, "guard_not_met");
    assert!(few.body["detail"].as_str().unwrap().contains("4 members are not enough: 5"), "{}", few.text);
    let stranger = app.member(StaffRole::Member).await.account_id;
    let strange = secretary.post(&of(&hearing), record(&[ids[0], stranger, ids[0]])).await;
    let faults = strange.expect_problem(422, "invalid").faults();
    assert_eq!(
        faults.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(),
        ["/present_ids/1", "/present_ids/2"]
    );
    secretary.post(&of(&first), record(&ids)).await.expect_problem(409, "guard_not_met");
    let lay = app.member(StaffRole::Member).await;
    app.assign(&panel.evaluation, lay.account_id, false).await.expect(201);
    let held = secretary.post(&of(&hearing), record(&ids)).await.expect(200).body;

    assert_eq!((&held["is_judge_present"], held["present_ids"].as_array().unwrap().len()), (&json!(false), 5));
    let proposed = panel.propose(app, decision("fit")).await.expect(201).id();
    let votes = format!("/v1/decisions/{proposed}/votes");
    let absent = lay.client(app).await.post(&votes, json!({"vote": "for"})).await.expect_problem(409, "guard_not_met");
    assert!(absent.body["detail"].as_str().unwrap().contains("not at the hearing"), "{}", absent.text);
    panel.members[4].client(app).await.post(&votes, json!({"vote": "for"})).await.expect(201);
}

#[tokio::test]
async fn a_judge_has_a_member_replaced_with_reasons_who_never_returns() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    let own = scene.judge.client(app).await;
    let path = panel.path("/recusal-requests");
    let challenged = &panel.members[4];
    let new =
        json!({"account_id": challenged.account_id, "ground": "2025 жылы азаматтық іс бойынша қарсы тарап болды."});

    let request = own.post(&path, new.clone()).await.expect(201).id();

    own.post(&path, new.clone()).await.expect_problem(409, "already_exists");
    scene.other.client(app).await.post(&path, new).await.expect_problem(404, "not_found");
    panel.serve_report(app).await;
    panel.respond(&own, false).await;
    let held = panel.propose(app, decision("fit")).await.expect_problem(409, "guard_not_met");
    assert!(held.body["detail"].as_str().unwrap().contains("step back"), "{}", held.text);
    let decide = format!("/v1/recusal-requests/{request}/decide");
    let accepted = json!({"outcome": "accepted", "reason": "Іс тіркелген, қарсылық негізді."});
    challenged.client(app).await.post(&decide, accepted.clone()).await.expect_problem(403, "forbidden");
    panel.members[1].client(app).await.post(&decide, accepted.clone()).await.expect(200);
    panel.members[1].client(app).await.post(&decide, accepted).await.expect_problem(409, "wrong_phase");
    challenged.client(app).await.get(&panel.path("/proceedings")).await.expect_problem(404, "not_found");
    let again = app.assign(&panel.evaluation, challenged.account_id, false).await.expect_problem(409, "guard_not_met");
    assert!(again.body["detail"].as_str().unwrap().contains("recused"), "{}", again.text);
    assert_eq!(scene.own().await["recusal_requests"][0]["status"], "accepted");
    assert!(scene.kinds_of_notices().await.contains(&"recusal_decided".to_owned()));
    let reason = json!({"reason": "Академияда судьяның оқытушысы болдым."});
    panel.members[3].client(app).await.post(&panel.path("/step-back"), reason).await.expect(204);
    let panel_left = app.secretary().await.get(&panel.path("/members")).await.expect(200);
    assert_eq!(panel_left.body["items"].as_array().unwrap().len(), 8);
}

#[tokio::test]
async fn proceedings_are_read_with_a_trail_that_the_judge_sees() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel) = (&scene.app, &scene.panel);
    let own = scene.judge.client(app).await;

    panel.members[2].client(app).await.get(&panel.path("/proceedings")).await.expect(200);

    let path = format!("/v1/judges/{}/access-entries", scene.judge.id);
    let seen = crate::harness::plans::all_items(&own, &path).await;
    let readings: Vec<&Value> = seen.iter().filter(|one| one["act"] == "get_proceedings").collect();
    assert_eq!(readings.len(), 1, "{seen:?}");
    assert_eq!(readings[0]["purpose"], "evaluation");
    let administrator = app.staff(StaffRole::Administrator).await;
    administrator.get(&panel.path("/proceedings")).await.expect_problem(404, "not_found");
}
