//! The file as it stood at the end of an earlier day: records, disputes and confirmations as they were known then.

use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::acts::act;
use crate::harness::{App, Judge};
use crate::records::{told, training};

/// Ids and how they stood, of one list of a file.
fn stood(body: &Value, list: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    body[list].as_array().unwrap().iter().map(|item| (text(&item["id"]), text(&item["status"]))).collect()
}

async fn file_on(app: &App, judge: &Judge, day: &str) -> Value {
    let path = format!("/v1/judges/{}/file?view=full&purpose=personnel&known_on={day}", judge.id);
    app.secretary().await.get(&path).await.expect(200).body
}

async fn records_on(app: &App, judge: &Judge, day: &str) -> Value {
    let path = format!("/v1/judges/{}/records?purpose=personnel&known_on={day}", judge.id);
    app.secretary().await.get(&path).await.expect(200).body
}

fn pair(id: &str, status: &str) -> (String, String) {
    (id.to_owned(), status.to_owned())
}

/// One value and one course: recorded on 12, disputed on 14, corrected on 18, decided on 20 January.
#[tokio::test]
async fn on_each_day_the_file_stood_as_it_was_known_then() {
    let app = App::start().await;
    let judge = app.judge().await;
    let (observations, records) =
        (format!("/v1/judges/{}/observations", judge.id), format!("/v1/judges/{}/records", judge.id));
    let value = |numerator: u8, change: Value| {
        let mut body = json!({"indicator_code": "resolved", "category": "civil", "period": "2026-Q3",
            "numerator": numerator, "source_system": "toerelik", "as_of": "2026-10-05"});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    };
    app.go_to("2027-01-12");
    let old_value = app.secretary().await.post(&observations, value(7, json!({}))).await.expect(201).id();
    let old_course = app.secretary().await.post(&records, told(training(40), json!({}))).await.expect(201).id();
    app.go_to("2027-01-14");
    let path = format!("/v1/judges/{}/correction-requests", judge.id);
    let mut asked = Vec::new();
    for (kind, id) in [("observation", &old_value), ("record", &old_course)] {
        let body = json!({"record_type": kind, "record_id": id, "claim": "Олай емес."});
        asked.push(judge.client(&app).await.post(&path, body).await.expect(201).id());
    }
    app.go_to("2027-01-18");
    let change = json!({"supersedes_id": old_value});
    let new_value = app.secretary().await.post(&observations, value(8, change)).await.expect(201).id();
    let change = json!({"supersedes_id": old_course});
    let new_course = app.secretary().await.post(&records, told(training(42), change)).await.expect(201).id();
    app.go_to("2027-01-20");
    for id in &asked {
        let decision = json!({"outcome": "accepted", "reason": "Расталды."});
        app.secretary().await.post(&format!("/v1/correction-requests/{id}/decide"), decision).await.expect(200);
    }

    let values = [
        ("2027-01-11", vec![]),
        ("2027-01-12", vec![pair(&old_value, "active")]),
        ("2027-01-13", vec![pair(&old_value, "active")]),
        ("2027-01-14", vec![pair(&old_value, "disputed")]),
        ("2027-01-17", vec![pair(&old_value, "disputed")]),
        ("2027-01-18", vec![pair(&old_value, "corrected"), pair(&new_value, "disputed")]),
        ("2027-01-20", vec![pair(&old_value, "corrected"), pair(&new_value, "active")]),
    ];
    let courses = [
        ("2027-01-11", vec![]),
        ("2027-01-12", vec![pair(&old_course, "active")]),
        ("2027-01-14", vec![pair(&old_course, "disputed")]),
        ("2027-01-18", vec![pair(&new_course, "disputed")]),
        ("2027-01-20", vec![pair(&new_course, "active")]),
    ];
    for (day, expected) in values {
        assert_eq!(stood(&file_on(&app, &judge, day).await, "observations"), expected, "{day}");
    }
    for (day, expected) in courses {
        assert_eq!(stood(&file_on(&app, &judge, day).await, "records"), expected, "{day}");
        assert_eq!(stood(&records_on(&app, &judge, day).await, "items"), expected, "{day}");
    }
    let open =
        |body: &Value| stood(body, "correction_requests").into_iter().map(|(_, status)| status).collect::<Vec<_>>();
    assert_eq!(open(&file_on(&app, &judge, "2027-01-13").await), [""; 0]);
    assert_eq!(open(&file_on(&app, &judge, "2027-01-19").await), ["open", "open"]);
    assert_eq!(open(&file_on(&app, &judge, "2027-01-20").await), ["accepted", "accepted"]);
}

/// One act: recorded on 12, found attributable on 13, disputed on 14, restated on 18, decided on 20 January; and a conflict
/// declared on 15 January.
#[tokio::test]
async fn acts_stood_as_members_and_the_judge_had_left_them_and_conflicts_as_they_had_been_declared() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let judge = &plan.subjects[0];
    let evaluation = plan.evaluation_of(&app, judge).await;
    let member = app.member(StaffRole::Member).await;
    app.assign(&evaluation, member.account_id, false).await.expect(201);
    let acts = format!("/v1/judges/{}/acts", judge.id);
    app.go_to("2027-01-12");
    let old = app.secretary().await.post(&acts, act(json!({}))).await.expect(201).id();
    app.go_to("2027-01-13");
    let finding = json!({"attributable": "yes", "reason": "Хаттама жоқ."});
    member.client(&app).await.post(&format!("/v1/acts/{old}/attribution"), finding).await.expect(200);
    app.go_to("2027-01-14");
    let claim = json!({"record_type": "act", "record_id": old, "claim": "Олай емес."});
    let path = format!("/v1/judges/{}/correction-requests", judge.id);
    let asked = judge.client(&app).await.post(&path, claim).await.expect(201).id();
    app.go_to("2027-01-15");
    let conflict = json!({"judge_id": judge.id, "other_judge_id": plan.subjects[1].id, "kind": "relative",
        "starts_on": "2010-06-01"});
    judge.client(&app).await.post("/v1/conflicts", conflict).await.expect(201);
    app.go_to("2027-01-18");
    let new = act(json!({"outcome": "amended", "supersedes_id": old}));
    let new = app.secretary().await.post(&acts, new).await.expect(201).id();
    app.go_to("2027-01-20");
    let decision = json!({"outcome": "accepted", "reason": "Расталды."});
    app.secretary().await.post(&format!("/v1/correction-requests/{asked}/decide"), decision).await.expect(200);

    for (day, expected, named) in [
        ("2027-01-11", vec![], vec![]),
        ("2027-01-12", vec![pair(&old, "active")], vec![false]),
        ("2027-01-13", vec![pair(&old, "active")], vec![true]),
        ("2027-01-14", vec![pair(&old, "disputed")], vec![false]),
        ("2027-01-18", vec![pair(&old, "corrected"), pair(&new, "disputed")], vec![false, false]),
        ("2027-01-20", vec![pair(&old, "corrected"), pair(&new, "active")], vec![false, false]),
    ] {
        let file = file_on(&app, judge, day).await;
        assert_eq!(stood(&file, "acts"), expected, "{day}");
        let items = file["acts"].as_array().unwrap().iter();
        assert_eq!(items.map(|item| item["may_be_named_in_report"] == true).collect::<Vec<_>>(), named, "{day}");
        let declared = file["conflicts"].as_array().unwrap().len();
        assert_eq!(declared, usize::from(day > "2027-01-14"), "{day}");
    }
}

#[tokio::test]
async fn what_was_confirmed_or_withdrawn_later_stood_as_it_was_before() {
    let app = App::start().await;
    let judge = app.judge().await;
    let lecture =
        json!({"content": {"teaching": {"kind": "lecture", "title": "Дәлелдемелер", "held_on": "2026-04-17"}}});
    let id = judge.client(&app).await.post("/v1/me/records", lecture).await.expect(201).id();
    app.go_to("2027-01-13");
    let path = format!("/v1/judges/{}/records/{id}", judge.id);
    app.secretary().await.post(&format!("{path}/confirm"), json!({})).await.expect(200);
    app.go_to("2027-01-15");
    let reason = json!({"reason": "Дәрісті әріптесім оқыды."});
    judge.client(&app).await.post(&format!("/v1/me/records/{id}/withdraw"), reason).await.expect(200);

    for (day, expected) in [
        ("2027-01-12", json!(["active", "awaited", null, null])),
        ("2027-01-13", json!(["active", "confirmed", "2027-01-13T07:00:00Z", null])),
        ("2027-01-14", json!(["active", "confirmed", "2027-01-13T07:00:00Z", null])),
    ] {
        let item = records_on(&app, &judge, day).await["items"][0].clone();
        let found = ["status", "confirmation", "confirmed_at", "ended_at"].map(|name| item[name].clone());
        assert_eq!(json!(found), expected, "{day}");
    }
    assert_eq!(records_on(&app, &judge, "2027-01-15").await["items"], json!([]));
}

#[tokio::test]
async fn a_day_ends_in_kazakhstan_and_one_to_come_is_refused() {
    let app = App::start().await;
    let judge = app.judge().await;
    let path = format!("/v1/judges/{}/records", judge.id);
    // 23:59 and 00:01 in Almaty.
    app.clock.advance(chrono::TimeDelta::minutes(14 * 60 + 59));
    let late = app.secretary().await.post(&path, told(training(40), json!({}))).await.expect(201).id();
    app.clock.advance(chrono::TimeDelta::minutes(2));
    let next = app.secretary().await.post(&path, told(training(41), json!({}))).await.expect(201).id();

    let on = async |day: &str| stood(&records_on(&app, &judge, day).await, "items");
    assert_eq!(on("2027-01-11").await, [pair(&late, "active")]);
    assert_eq!(on("2027-01-12").await, [pair(&late, "active"), pair(&next, "active")]);
    let secretary = app.secretary().await;
    let to_come = secretary.get(&format!("{path}?purpose=personnel&known_on=2027-01-13")).await.expect(400);
    assert_eq!(to_come.faults(), [("known_on".to_owned(), "format".to_owned())]);
    let file = format!("/v1/judges/{}/file?purpose=personnel&known_on=2027-01-11", judge.id);
    let of_summary = secretary.get(&file).await.expect(400);
    assert_eq!(of_summary.faults(), [("known_on".to_owned(), "mismatch".to_owned())]);
}
