//! What a judge puts into the own file: it stands as declared until it is confirmed, beside what it concerns, and nobody
//! else's hand reaches it.

use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::acts::act;
use crate::harness::{App, Judge};
use crate::records::{told, training};

const REASON: &str = "Дәрісті әріптесім оқыды.";

fn lecture() -> Value {
    json!({"content": {"teaching": {"kind": "lecture", "title": "Әкімшілік істердегі дәлелдемелер",
        "held_on": "2026-04-17", "hours": 6}}})
}

fn statement(about: Value) -> Value {
    json!({"content": {"judge_statement": {"text": "Үшінші тоқсанда екі сотта істедім.", "about": about}}})
}

async fn declare(app: &App, judge: &Judge, body: Value) -> Value {
    judge.client(app).await.post("/v1/me/records", body).await.expect(201).body
}

#[tokio::test]
async fn what_a_judge_declared_awaits_confirmation_and_shows_who_confirmed_it() {
    let app = App::start().await;
    let judge = app.judge().await;

    let made = declare(&app, &judge, lecture()).await;

    let path = format!("/v1/judges/{}/records/{}", judge.id, made["id"].as_str().unwrap());
    let shown = ["confirmation", "source_system", "as_of"].map(|name| made[name].clone());
    assert_eq!(shown, ["awaited", "judge", "2027-01-11"].map(|text| json!(text)));
    let secretary = app.secretary().await;
    assert_eq!(secretary.get_for("personnel", &path).await.expect(200).body["record"]["confirmation"], "awaited");
    let confirm = format!("{path}/confirm");
    judge.client(&app).await.post(&confirm, json!({})).await.expect_problem(403, "forbidden");
    let confirmed = secretary.post(&confirm, json!({})).await.expect(200).body;
    assert_eq!(confirmed["confirmation"], "confirmed");
    assert!(confirmed["confirmed_by"].is_string() && confirmed["confirmed_at"].is_string());
    secretary.post(&confirm, json!({})).await.expect_problem(409, "wrong_phase");
    let mut newer = lecture();
    newer["supersedes_id"] = made["id"].clone();
    assert_eq!(
        declare(&app, &judge, newer).await["confirmation"],
        "awaited",
        "what is declared anew is confirmed anew"
    );
    secretary.post(&confirm, json!({})).await.expect_problem(409, "already_superseded");
}

#[tokio::test]
async fn nobody_else_changes_or_withdraws_what_a_judge_declared() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let made = declare(&app, &judge, lecture()).await;
    let id = made["id"].as_str().unwrap();
    let records = format!("/v1/judges/{}/records", judge.id);
    let secretary = app.secretary().await;

    let body = told(lecture()["content"].clone(), json!({"supersedes_id": id}));
    let changed = secretary.post(&records, body).await.expect(422);
    assert_eq!(changed.faults(), [("/supersedes_id".to_owned(), "missing".to_owned())]);
    let reason = json!({"reason": REASON});
    secretary.post(&format!("{records}/{id}/withdraw"), reason.clone()).await.expect_problem(404, "not_found");
    let own = format!("/v1/me/records/{id}/withdraw");
    other.client(&app).await.post(&own, reason.clone()).await.expect_problem(404, "not_found");
    secretary.post(&own, reason.clone()).await.expect_problem(403, "forbidden");
    let withdrawn = judge.client(&app).await.post(&own, reason).await.expect(200);
    assert_eq!((&withdrawn.body["status"], &withdrawn.body["end_reason"]), (&json!("withdrawn"), &json!(REASON)));
    let of_staff = secretary.post(&records, told(training(40), json!({}))).await.expect(201).id();
    let mut newer = lecture();
    newer["supersedes_id"] = json!(of_staff);
    let taken = judge.client(&app).await.post("/v1/me/records", newer).await.expect(422);
    assert_eq!(taken.faults(), [("/supersedes_id".to_owned(), "missing".to_owned())]);
}

#[tokio::test]
async fn a_statement_stands_beside_the_record_that_it_is_about() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let secretary = app.secretary().await;
    let records = format!("/v1/judges/{}/records", judge.id);
    let course = secretary.post(&records, told(training(40), json!({}))).await.expect(201).id();
    let foreign = secretary.post(&format!("/v1/judges/{}/records", other.id), told(training(40), json!({}))).await;
    let foreign = foreign.expect(201).id();

    let said = declare(&app, &judge, statement(json!({"record_type": "record", "record_id": course}))).await;
    declare(&app, &judge, statement(Value::Null)).await;

    let read = secretary.get_for("personnel", &format!("{records}/{course}")).await.expect(200);
    assert_eq!(read.body["statements"], json!([said]));
    let act = secretary.post(&format!("/v1/judges/{}/acts", judge.id), act(json!({}))).await.expect(201).id();
    let of_act = declare(&app, &judge, statement(json!({"record_type": "act", "record_id": act}))).await;
    let about = &of_act["content"]["judge_statement"]["about"];
    assert_eq!(*about, json!({"record_type": "act", "record_id": act}));
    let change = json!({"supersedes_id": course});
    let newer = secretary.post(&records, told(training(42), change)).await.expect(201).id();
    let read = secretary.get_for("personnel", &format!("{records}/{newer}")).await.expect(200);
    assert_eq!(read.body["statements"], json!([said]), "a newer version keeps what was said");
    for about in [
        json!({"record_type": "record", "record_id": foreign}),
        json!({"record_type": "observation", "record_id": course}),
    ] {
        let refused = judge.client(&app).await.post("/v1/me/records", statement(about)).await.expect(422);
        assert_eq!(refused.faults(), [("/content/judge_statement/about/record_id".to_owned(), "missing".to_owned())]);
    }
    let mut with_foreign = statement(Value::Null);
    with_foreign["content"]["judge_statement"]["attachments"] = json!([course]);
    let refused = judge.client(&app).await.post("/v1/me/records", with_foreign).await.expect(422);
    assert_eq!(refused.faults(), [("/content/judge_statement/attachments/0".to_owned(), "missing".to_owned())]);
}

#[tokio::test]
async fn a_self_assessment_is_of_the_items_that_reviewers_mark_and_once_for_an_evaluation() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let subject = &plan.subjects[0];
    let own = subject.client(&app).await;
    let evaluation = plan.evaluation_of(&app, subject).await;
    let assessment = |items: Value| json!({"content": {"self_assessment": {"evaluation_id": evaluation, "items": items, "text": "Көшу жылы."}}});

    let items = json!([{"item": "k1", "value": 3}, {"item": "o2", "value": null}]);
    let made = own.post("/v1/me/records", assessment(items.clone())).await.expect(201);

    assert_eq!(made.body["confirmation"], "not_needed");
    own.post("/v1/me/records", assessment(items.clone())).await.expect_problem(409, "already_exists");
    let mut newer = assessment(json!([{"item": "k1", "value": 4}]));
    newer["supersedes_id"] = made.body["id"].clone();
    own.post("/v1/me/records", newer).await.expect(201);
    let place = "/content/self_assessment";
    for (items, pointer, code) in [
        (json!([{"item": "zz", "value": 3}]), format!("{place}/items/0/item"), "missing"),
        // Asked of chairs alone.
        (json!([{"item": "h1", "value": 3}]), format!("{place}/items/0/item"), "missing"),
        (json!([{"item": "k1", "value": 6}]), format!("{place}/items/0/value"), "range"),
        (json!([{"item": "k1", "value": 300}]), format!("{place}/items/0/value"), "type"),
    ] {
        let status = if code == "type" { 400 } else { 422 };
        let refused = own.post("/v1/me/records", assessment(items)).await.expect(status);
        assert_eq!(refused.faults(), [(pointer, code.to_owned())]);
    }
    let of_other = plan.subjects[1].client(&app).await.post("/v1/me/records", assessment(items)).await.expect(422);
    assert_eq!(of_other.faults(), [(format!("{place}/evaluation_id"), "missing".to_owned())]);
}

#[tokio::test]
async fn once_the_panels_are_drawn_nobody_marks_the_own_work_any_more() {
    let app = App::start_with_keys(10).await;
    let plan = app.drawn_cycle().await;
    let subject = &plan.subjects[0];
    let evaluation = plan.evaluation_of(&app, subject).await;
    let body =
        json!({"content": {"self_assessment": {"evaluation_id": evaluation, "items": [{"item": "k1", "value": 3}]}}});

    let late = subject.client(&app).await.post("/v1/me/records", body).await;

    late.expect_problem(409, "wrong_phase");
}

#[tokio::test]
async fn only_judges_have_an_own_file_and_no_section_of_others_in_it() {
    let app = App::start().await;
    let judge = app.judge().await;

    for role in StaffRole::ALL {
        app.staff(*role).await.post("/v1/me/records", lecture()).await.expect_problem(403, "forbidden");
    }
    let own = judge.client(&app).await;
    let taken = own.post("/v1/me/records", json!({"content": training(40)})).await.expect(400);
    assert_eq!(taken.faults(), [("/content".to_owned(), "one_of".to_owned())]);
    let path = format!("/v1/judges/{}/records", judge.id);
    own.post(&path, told(training(40), json!({}))).await.expect_problem(403, "forbidden");
}
