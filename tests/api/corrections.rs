//! Requests for correction: the record is disputed until a person decides, and a decision never edits a value.

use ejf::domain::methodology::DEFAULT_JSON;
use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::acts::act;
use crate::harness::plans::new_cycle;
use crate::harness::{App, Judge};
use crate::records::{told, training};

const CLAIM: &str = "Бұл істердің алтауы тамызда басқа судьяға берілген.";

/// A judge with one observation; its id.
async fn judge_with_value(app: &App) -> (Judge, String) {
    let judge = app.judge().await;
    let id = app.secretary().await.post(&format!("/v1/judges/{}/observations", judge.id), value(json!({}))).await;
    let id = id.expect(201).id();
    (judge, id)
}

fn value(change: Value) -> Value {
    let mut body = json!({
        "indicator_code": "resolved", "category": "civil", "period": "2026-Q3", "numerator": 214,
        "source_system": "toerelik", "as_of": "2026-10-05",
    });
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    body
}

async fn status_of(app: &App, judge: &Judge, id: &str) -> String {
    let page = app
        .secretary()
        .await
        .get(&format!("/v1/judges/{}/observations?purpose=correction", judge.id))
        .await
        .expect(200);
    let items = page.body["items"].as_array().unwrap();
    items.iter().find(|item| item["id"] == id).unwrap()["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_rejected_request_leaves_the_record_as_it_was() {
    let app = App::start().await;
    let (judge, record) = judge_with_value(&app).await;
    let path = format!("/v1/judges/{}/correction-requests", judge.id);

    let body = json!({"record_type": "observation", "record_id": record, "claim": CLAIM, "evidence": "114 бұйрық"});
    let filed = judge.client(&app).await.post(&path, body).await.expect(201);

    assert_eq!((&filed.body["status"], &filed.body["due_on"]), (&json!("open"), &json!("2027-01-25")));
    assert_eq!(status_of(&app, &judge, &record).await, "disputed");
    let decide = format!("/v1/correction-requests/{}/decide", filed.id());
    let rejected = json!({"outcome": "rejected", "reason": "Бұйрық басқа тоқсанға қатысты."});
    let decided = app.secretary().await.post(&decide, rejected.clone()).await.expect(200);
    assert_eq!((&decided.body["status"], &decided.body["version"]), (&json!("rejected"), &json!(2)));
    assert_eq!(status_of(&app, &judge, &record).await, "active");
    app.secretary().await.post(&decide, rejected).await.expect_problem(409, "wrong_phase");
    let page = judge.client(&app).await.get(&path).await.expect(200);
    assert_eq!(page.body["items"], json!([decided.body]));
}

#[tokio::test]
async fn the_methodology_by_which_a_judge_is_evaluated_says_when_a_request_is_due() {
    let app = App::start().await;
    let (judge, record) = judge_with_value(&app).await;
    let secretary = app.secretary().await;
    // Of two evaluations at once the shorter time holds.
    for (code, days, kind) in [("slow", 7, "reserve"), ("quick", 3, "periodic"), ("slower", 8, "promotion")] {
        let mut methodology: Value = serde_json::from_str(DEFAULT_JSON).unwrap();
        methodology["code"] = json!(code);
        methodology["time_limits"]["source_answer_working_days"] = json!(days);
        let methodology_id = secretary.post("/v1/methodologies", methodology).await.expect(201).id();
        let cycle = new_cycle(&methodology_id, "2027-02-01", std::slice::from_ref(&judge), kind);
        secretary.post("/v1/cycles", cycle).await.expect(201);
    }

    let path = format!("/v1/judges/{}/correction-requests", judge.id);
    let filed = judge
        .client(&app)
        .await
        .post(&path, json!({"record_type": "observation", "record_id": record, "claim": CLAIM}))
        .await;

    assert_eq!(filed.expect(201).body["due_on"], "2027-01-14");
}

#[tokio::test]
async fn an_accepted_request_needs_the_right_value_on_record_first() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    for outcome in ["accepted", "partly"] {
        let (judge, record) = judge_with_value(&app).await;
        let path = format!("/v1/judges/{}/correction-requests", judge.id);
        let filed = judge
            .client(&app)
            .await
            .post(&path, json!({"record_type": "observation", "record_id": record, "claim": CLAIM}))
            .await;
        let decide = format!("/v1/correction-requests/{}/decide", filed.expect(201).id());
        let decision = json!({"outcome": outcome, "reason": "Алты іс берілген."});

        let early = secretary.post(&decide, decision.clone()).await.expect_problem(409, "guard_not_met");
        assert!(early.body["detail"].as_str().unwrap().contains("supersedes_id"), "{}", early.text);
        assert_eq!(status_of(&app, &judge, &record).await, "disputed");
        let right = value(json!({"numerator": 208, "supersedes_id": record}));
        let right = secretary.post(&format!("/v1/judges/{}/observations", judge.id), right).await.expect(201).id();
        let decided = secretary.post(&decide, decision).await.expect(200);

        assert_eq!(decided.body["status"], outcome);
        assert_eq!(status_of(&app, &judge, &record).await, "corrected");
        assert_eq!(status_of(&app, &judge, &right).await, "active");
    }
}

#[tokio::test]
async fn a_request_that_is_rejected_after_a_restatement_revives_nothing() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let (judge, record) = judge_with_value(&app).await;
    let path = format!("/v1/judges/{}/correction-requests", judge.id);
    let filed = judge
        .client(&app)
        .await
        .post(&path, json!({"record_type": "observation", "record_id": record, "claim": CLAIM}))
        .await
        .expect(201);
    let newer = value(json!({"numerator": 208, "supersedes_id": record}));
    let newer = secretary.post(&format!("/v1/judges/{}/observations", judge.id), newer).await.expect(201).id();

    let decide = format!("/v1/correction-requests/{}/decide", filed.id());
    secretary.post(&decide, json!({"outcome": "rejected", "reason": "Негіз жоқ."})).await.expect(200);

    assert_eq!(status_of(&app, &judge, &record).await, "corrected");
    assert_eq!(status_of(&app, &judge, &newer).await, "active");
}

#[tokio::test]
async fn a_record_is_disputed_once_at_a_time_and_only_while_it_is_in_force() {
    let app = App::start().await;
    let (judge, record) = judge_with_value(&app).await;
    let client = judge.client(&app).await;
    let path = format!("/v1/judges/{}/correction-requests", judge.id);
    let body = json!({"record_type": "observation", "record_id": record, "claim": CLAIM});
    client.post(&path, body.clone()).await.expect(201);

    let second = client.post(&path, body.clone()).await;

    second.expect_problem(409, "already_exists");
    let newer = value(json!({"numerator": 208, "supersedes_id": record}));
    app.secretary().await.post(&format!("/v1/judges/{}/observations", judge.id), newer).await.expect(201);
    client.post(&path, body).await.expect_problem(409, "already_superseded");
}

#[tokio::test]
async fn only_the_judge_asks_and_only_about_the_own_file() {
    let app = App::start().await;
    let (judge, record) = judge_with_value(&app).await;
    let (other, foreign) = judge_with_value(&app).await;
    let path = format!("/v1/judges/{}/correction-requests", judge.id);
    let body = json!({"record_type": "observation", "record_id": record, "claim": CLAIM});

    app.secretary().await.post(&path, body.clone()).await.expect_problem(403, "forbidden");
    other.client(&app).await.post(&path, body.clone()).await.expect_problem(404, "not_found");
    other.client(&app).await.get(&path).await.expect_problem(404, "not_found");
    let client = judge.client(&app).await;
    let of_other = client
        .post(&path, json!({"record_type": "observation", "record_id": foreign, "claim": CLAIM}))
        .await
        .expect(422);
    let of_none =
        json!({"record_type": "observation", "record_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "claim": CLAIM});
    let of_none = client.post(&path, of_none).await.expect(422);
    let blank =
        client.post(&path, json!({"record_type": "observation", "record_id": record, "claim": " "})).await.expect(422);

    assert_eq!(of_other.faults(), [("/record_id".into(), "missing".into())]);
    assert_eq!(of_other.faults(), of_none.faults());
    assert_eq!(blank.faults(), [("/claim".into(), "length".into())]);
    let filed = client.post(&path, body).await.expect(201);
    let decide = format!("/v1/correction-requests/{}/decide", filed.id());
    let decision = json!({"outcome": "rejected", "reason": "Негіз жоқ."});
    client.post(&decide, decision.clone()).await.expect_problem(403, "forbidden");
    app.staff(StaffRole::Member).await.post(&decide, decision.clone()).await.expect_problem(403, "forbidden");
    let absent = "/v1/correction-requests/019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11/decide";
    app.secretary().await.post(absent, decision).await.expect_problem(404, "not_found");
    let silent = app.secretary().await.post(&decide, json!({"outcome": "rejected", "reason": ""})).await.expect(422);
    assert_eq!(silent.faults(), [("/reason".into(), "length".into())]);
}

/// Has somebody find that the judge answers for what was changed, past HTTP, so that a report may name it.
async fn db_find_answerable(app: &App, act_id: &str) {
    use ejf::domain::acts::Attributable;
    use ejf::store::acts::Attribution;
    let decided_by = app.db_add_account(&format!("finder-{act_id}"), Some(StaffRole::Member), None).await;
    let found = Attribution {
        act_id: act_id.parse().unwrap(),
        number: 1,
        attributable: Attributable::Yes,
        reason: "Хаттама жоқ.".to_owned(),
        decided_by,
        decided_at: app.clock.now().naive_utc(),
    };
    app.registry().0.write(move |conn| ejf::store::acts::attribute(conn, found.clone())).await.unwrap();
}

/// Records of four kinds of one judge: kind, id, and the list of the whole file that it is in.
async fn one_of_each(app: &App) -> (Judge, Vec<(&'static str, String, &'static str)>) {
    let judge = app.judge_at(&app.court("Алмалы аудандық соты").await).await;
    let secretary = app.secretary().await;
    let path = format!("/v1/judges/{}", judge.id);
    let post =
        secretary.get_for("personnel", &format!("{path}/positions")).await.expect(200).body["items"][0]["id"].clone();
    let observation = secretary.post(&format!("{path}/observations"), value(json!({}))).await.expect(201).id();
    let record = secretary.post(&format!("{path}/records"), told(training(40), json!({}))).await.expect(201).id();
    let act = secretary.post(&format!("{path}/acts"), act(json!({}))).await.expect(201).id();
    db_find_answerable(app, &act).await;
    let of_each = vec![
        ("position", post.as_str().unwrap().to_owned(), "positions"),
        ("observation", observation, "observations"),
        ("record", record, "records"),
        ("act", act, "acts"),
    ];
    (judge, of_each)
}

async fn full(app: &App, judge: &Judge, view: &str) -> Value {
    let path = format!("/v1/judges/{}/file?purpose=personnel&view={view}", judge.id);
    app.secretary().await.get(&path).await.expect(200).body
}

#[tokio::test]
async fn a_record_of_any_kind_is_disputed_marked_everywhere_and_left_out_of_reports_until_it_is_decided() {
    let app = App::start().await;
    let (judge, records) = one_of_each(&app).await;
    let own = judge.client(&app).await;
    let path = format!("/v1/judges/{}/correction-requests", judge.id);
    let status = |file: &Value, list: &str, id: &str| {
        let items = file[list].as_array().unwrap().iter();
        items.filter(|item| item["id"] == id).map(|item| item["status"].clone()).collect::<Vec<_>>()
    };

    for (kind, id, list) in &records {
        assert_eq!(status(&full(&app, &judge, "report_basis").await, list, id), [json!("active")], "{kind}");
        let body = json!({"record_type": kind, "record_id": id, "claim": CLAIM});
        let filed = own.post(&path, body.clone()).await.expect(201);
        assert_eq!((&filed.body["record_type"], &filed.body["record_id"]), (&json!(kind), &json!(id)));
        own.post(&path, body).await.expect_problem(409, "already_exists");

        assert_eq!(status(&full(&app, &judge, "full").await, list, id), [json!("disputed")], "{kind}");
        assert_eq!(status(&full(&app, &judge, "report_basis").await, list, id), [Value::Null; 0], "{kind}");
        let plain = format!("/v1/judges/{}/{list}?purpose=correction", judge.id);
        let page = app.secretary().await.get(&plain).await.expect(200);
        assert_eq!(status(&page.body, "items", id), [json!("disputed")], "{kind}");

        let decide = format!("/v1/correction-requests/{}/decide", filed.id());
        let rejected = json!({"outcome": "rejected", "reason": "Негіз жоқ."});
        app.secretary().await.post(&decide, rejected).await.expect(200);
        assert_eq!(status(&full(&app, &judge, "report_basis").await, list, id), [json!("active")], "{kind}");
    }
}

#[tokio::test]
async fn a_request_is_accepted_where_the_record_was_withdrawn_or_a_post_restated() {
    let app = App::start().await;
    let (judge, records) = one_of_each(&app).await;
    let secretary = app.secretary().await;
    let path = format!("/v1/judges/{}/correction-requests", judge.id);
    let accepted = json!({"outcome": "accepted", "reason": "Расталды."});
    for (kind, id, list) in records.iter().filter(|(kind, _, _)| *kind != "observation") {
        let body = json!({"record_type": kind, "record_id": id, "claim": CLAIM});
        let filed = judge.client(&app).await.post(&path, body).await.expect(201);
        let decide = format!("/v1/correction-requests/{}/decide", filed.id());
        secretary.post(&decide, accepted.clone()).await.expect_problem(409, "guard_not_met");
        if *kind == "record" {
            let withdraw = format!("/v1/judges/{}/{list}/{id}/withdraw", judge.id);
            secretary.post(&withdraw, json!({"reason": "Басқа судьяға қатысты."})).await.expect(200);
        } else if *kind == "act" {
            let restated = act(json!({"outcome": "amended", "supersedes_id": id}));
            secretary.post(&format!("/v1/judges/{}/acts", judge.id), restated).await.expect(201);
        } else {
            app.end_post(&judge, "2026-12-31").await;
        }

        secretary.post(&decide, accepted.clone()).await.expect(200);

        let ids: Vec<Value> = full(&app, &judge, "report_basis").await[*list].as_array().unwrap().to_vec();
        assert!(ids.iter().all(|item| item["id"] != json!(id)), "{kind}");
        let again = json!({"record_type": kind, "record_id": id, "claim": CLAIM});
        judge.client(&app).await.post(&path, again).await.expect_problem(409, "already_superseded");
    }
}

#[tokio::test]
async fn what_may_not_be_shown_cannot_be_disputed_and_one_kind_is_not_taken_for_another() {
    let app = App::start().await;
    let (judge, records) = one_of_each(&app).await;
    let hidden = json!({"complaint": {"received_on": "2026-06-15", "channel": "e_otinish", "subject": "Акт кеш берілді",
        "outcome": "pending"}});
    let path = format!("/v1/judges/{}", judge.id);
    let hidden = app.secretary().await.post(&format!("{path}/records"), told(hidden, json!({}))).await.expect(201).id();
    let own = judge.client(&app).await;
    let wrong =
        [("record", hidden.as_str()), ("position", records[1].1.as_str()), ("observation", records[2].1.as_str())];

    for (kind, id) in wrong {
        let body = json!({"record_type": kind, "record_id": id, "claim": CLAIM});
        let refused = own.post(&format!("{path}/correction-requests"), body).await.expect(422);
        assert_eq!(refused.faults(), [("/record_id".to_owned(), "missing".to_owned())], "{kind}");
    }
}

/// The same once more, of each kind, in the place of what there is; the new record's id and how it stands.
async fn restate(app: &App, judge: &Judge, kind: &str, id: &str) -> (String, String) {
    let secretary = app.secretary().await;
    let change = json!({"supersedes_id": id});
    let path = format!("/v1/judges/{}", judge.id);
    let (list, body) = match kind {
        "observation" => ("observations", value(change)),
        "record" => ("records", told(training(40), change)),
        "act" => ("acts", act(change)),
        _ => {
            let old = secretary.get_for("correction", &format!("{path}/positions")).await.expect(200).body["items"][0]
                .clone();
            let body = json!({"court_id": old["court_id"], "kind": "judge", "starts_on": old["starts_on"],
                "source_system": old["source_system"], "as_of": old["as_of"], "supersedes_id": id});
            ("positions", body)
        }
    };
    let made = secretary.post(&format!("{path}/{list}"), body).await.expect(201);
    (made.id(), made.body["status"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_source_that_says_the_same_again_does_not_end_a_dispute() {
    let app = App::start().await;
    let (judge, records) = one_of_each(&app).await;
    let own = judge.client(&app).await;
    let path = format!("/v1/judges/{}/correction-requests", judge.id);
    for (kind, id, list) in &records {
        let ask = async |id: &str| {
            let body = json!({"record_type": kind, "record_id": id, "claim": CLAIM});
            own.post(&path, body).await.expect(201).id()
        };
        let first = ask(id).await;

        let (second_id, status) = restate(&app, &judge, kind, id).await;
        assert_eq!(status, "disputed", "{kind}");
        let second = ask(&second_id).await;
        let (last_id, status) = restate(&app, &judge, kind, &second_id).await;
        assert_eq!(status, "disputed", "{kind}");

        let stood = async |view: &str| {
            let file = full(&app, &judge, view).await;
            let items = file[*list].as_array().unwrap().iter();
            items.filter(|item| item["id"] == json!(last_id)).map(|item| item["status"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(stood("full").await, [json!("disputed")], "{kind}");
        assert_eq!(stood("report_basis").await, [Value::Null; 0], "{kind}");
        // Either decision alone leaves the other request open.
        let secretary = app.secretary().await;
        for (request, expected) in [(second, "disputed"), (first, "active")] {
            let decision = json!({"outcome": "rejected", "reason": "Негіз жоқ."});
            secretary.post(&format!("/v1/correction-requests/{request}/decide"), decision).await.expect(200);
            assert_eq!(stood("full").await, [json!(expected)], "{kind}");
        }
        let later = restate(&app, &judge, kind, &last_id).await;
        assert_eq!(later.1, "active", "{kind}");
    }
}

#[tokio::test]
async fn a_request_that_nobody_decided_in_time_is_overdue_and_its_record_stays_out_of_reports() {
    let app = App::start().await;
    let (judge, record) = judge_with_value(&app).await;
    let path = format!("/v1/judges/{}/correction-requests", judge.id);
    let body = json!({"record_type": "observation", "record_id": record, "claim": CLAIM});
    let filed = judge.client(&app).await.post(&path, body).await.expect(201);
    assert_eq!((&filed.body["due_on"], &filed.body["is_overdue"]), (&json!("2027-01-25"), &json!(false)));
    let told = async || {
        let listed = app.secretary().await.get_for("correction", &path).await.expect(200);
        let listed = listed.body["items"][0]["is_overdue"].clone();
        let whole = full(&app, &judge, "full").await["correction_requests"][0]["is_overdue"].clone();
        let summary = full(&app, &judge, "summary").await;
        [listed, whole, summary["open_correction_count"].clone(), summary["overdue_correction_count"].clone()]
    };

    app.go_to("2027-01-25");
    assert_eq!(told().await, [json!(false), json!(false), json!(1), json!(0)]);
    app.go_to("2027-01-26");
    assert_eq!(told().await, [json!(true), json!(true), json!(1), json!(1)]);
    assert_eq!(status_of(&app, &judge, &record).await, "disputed");
    assert_eq!(full(&app, &judge, "report_basis").await["observations"], json!([]));
    let earlier = full(&app, &judge, "full&known_on=2027-01-20").await;
    assert_eq!(earlier["correction_requests"][0]["is_overdue"], json!(false), "on that day it was not");

    let decide = format!("/v1/correction-requests/{}/decide", filed.id());
    let decided = json!({"outcome": "rejected", "reason": "Негіз жоқ."});
    let decided = app.secretary().await.post(&decide, decided).await.expect(200);
    assert_eq!(decided.body["is_overdue"], json!(false));
    assert_eq!(told().await, [json!(false), json!(false), json!(0), json!(0)]);
}
