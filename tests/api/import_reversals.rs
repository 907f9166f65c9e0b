//! Batches taken back: as one act, with a preview, and not once something rests on them.

use serde_json::{Value, json};

use crate::harness::{App, Client, Judge, invented_iin};
use crate::imports::imported;

fn value(judge: &Judge, value: i64, name: &str) -> String {
    let head = "judge_id,indicator_code,category,period,numerator,source_system,source_record_id,as_of";
    format!("{head}\n{},resolved,civil,2026-Q3,{value},toerelik,{name},2027-01-05\n", judge.id)
}

fn path(import: &Value) -> String {
    format!("/v1/imports/{}/reversal", import["id"].as_str().unwrap())
}

async fn statuses(secretary: &Client, judge: &Judge) -> Vec<(i64, String)> {
    let page = secretary.get_for("personnel", &format!("/v1/judges/{}/observations", judge.id)).await.expect(200);
    let items = page.body["items"].as_array().unwrap().clone();
    let mut told: Vec<(i64, String)> = items
        .iter()
        .map(|one| (one["numerator"].as_i64().unwrap(), one["status"].as_str().unwrap().to_owned()))
        .collect();
    told.sort();
    told
}

fn told(rows: &[(i64, &str)]) -> Vec<(i64, String)> {
    rows.iter().map(|(value, status)| (*value, (*status).to_owned())).collect()
}

#[tokio::test]
async fn a_batch_taken_back_is_withdrawn_and_what_it_restated_stands_again() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    imported(&app, &secretary, "type=observations", value(&judge, 214, "a")).await;
    let batch = imported(&app, &secretary, "type=observations", value(&judge, 208, "a")).await;

    let preview = secretary.get(&path(&batch)).await.expect(200);
    let done = secretary.post(&path(&batch), json!({})).await.expect(200);

    let shown = ["is_possible", "withdraws", "restores", "dependants"].map(|name| preview.body[name].clone());
    assert_eq!(shown, [json!(true), json!(1), json!(1), json!([])]);
    assert_eq!((&done.body["withdrawn"], &done.body["restored"]), (&json!(1), &json!(1)));
    let expected = told(&[(208, "corrected"), (214, "active"), (214, "corrected")]);
    assert_eq!(statuses(&secretary, &judge).await, expected);
    secretary.post(&path(&batch), json!({})).await.expect_problem(409, "wrong_phase");
    let again = imported(&app, &secretary, "type=observations", value(&judge, 208, "a")).await;
    assert_eq!(again["rows"]["restated"], 1);
    assert!(app.db_acts().await.contains(&"reverse_import".to_owned()));
}

#[tokio::test]
async fn a_batch_that_something_rests_on_stays_and_it_is_told_what() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let first = imported(&app, &secretary, "type=observations", value(&judge, 214, "a")).await;
    imported(&app, &secretary, "type=observations", value(&judge, 208, "a")).await;

    let preview = secretary.get(&path(&first)).await.expect(200);
    let refused = secretary.with_header("Accept-Language", "en").post(&path(&first), json!({})).await;

    assert_eq!(preview.body["is_possible"], false);
    assert_eq!(preview.body["dependants"], json!([{"what": "restatements", "count": 1}]));
    let refused = refused.expect_problem(409, "guard_not_met");
    assert!(refused.body["detail"].as_str().unwrap().contains("Other things rest on this batch: restatements: 1."));
    assert_eq!(statuses(&secretary, &judge).await, told(&[(208, "active"), (214, "corrected")]));
}

#[tokio::test]
async fn a_value_that_a_judge_disputes_keeps_its_batch() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let batch = imported(&app, &secretary, "type=observations", value(&judge, 214, "a")).await;
    let records = secretary.get_for("personnel", &format!("/v1/judges/{}/observations", judge.id)).await.expect(200);
    let claim =
        json!({"record_type": "observation", "record_id": records.body["items"][0]["id"], "claim": "Олай емес."});
    let requests = format!("/v1/judges/{}/correction-requests", judge.id);
    judge.client(&app).await.post(&requests, claim).await.expect(201);

    let preview = secretary.get(&path(&batch)).await.expect(200);

    assert_eq!(preview.body["dependants"], json!([{"what": "correction_requests", "count": 1}]));
    secretary.post(&path(&batch), json!({})).await.expect_problem(409, "guard_not_met");
}

#[tokio::test]
async fn a_file_that_an_evaluation_is_drawn_on_keeps_its_batch() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let plan = app.planned_cycle().await;
    let subject = &plan.subjects[0];
    let batch = imported(&app, &secretary, "type=observations", value(subject, 214, "a")).await;
    assert_eq!(secretary.get(&path(&batch)).await.expect(200).body["is_possible"], true);

    plan.to_pool_review(&app).await;

    let secretary = app.secretary().await;
    let preview = secretary.get(&path(&batch)).await.expect(200);
    assert_eq!(preview.body["dependants"], json!([{"what": "evaluations", "count": 1}]));
}

#[tokio::test]
async fn new_courts_and_judges_are_taken_back_while_nobody_refers_to_them() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judges = "iin,full_name_kk,full_name_ru,first_appointed_on,source_system,source_record_id\n\
        850101424712,Нұрлан Әбдіров,Нурлан Абдиров,2015-03-02,hr,J-1\n";
    let courts = "name_kk,name_ru,level,region,posts,source_system,source_record_id\n\
        Алмалы аудандық соты,Алмалинский районный суд,district,almaty_city,24,hr,C-1\n";
    let courts_batch = imported(&app, &secretary, "type=courts", courts).await;
    let judges_batch = imported(&app, &secretary, "type=judges", judges).await;
    let posts = "judge_external_id,court_external_id,kind,starts_on,source_system,source_record_id,as_of\n\
        J-1,C-1,judge,2015-03-02,hr,P-1,2027-01-10\n";
    let posts_batch = imported(&app, &secretary, "type=positions", posts).await;
    assert_eq!(posts_batch["rows"]["new"], 1, "{posts_batch}");

    let resting = json!([{"what": "positions", "count": 1}]);
    for batch in [&courts_batch, &judges_batch] {
        assert_eq!(secretary.get(&path(batch)).await.expect(200).body["dependants"], resting);
    }
    secretary.post(&path(&posts_batch), json!({})).await.expect(200);

    // A withdrawn post is still a record of the judge's file.
    secretary.post(&path(&judges_batch), json!({})).await.expect_problem(409, "guard_not_met");
    let others =
        [("courts", courts.replace("C-1", "C-2")), ("judges", judges.replace("850101424712", &invented_iin()))];
    for (kind, file) in others {
        let (query, file) = (format!("type={kind}"), file.replace("J-1", "J-2"));
        let alone = imported(&app, &secretary, &query, file.clone()).await;
        assert_eq!(secretary.get(&path(&alone)).await.expect(200).body["withdraws"], 1, "{kind}");
        let undone = secretary.post(&path(&alone), json!({})).await.expect(200);
        assert_eq!(undone.body["withdrawn"], 1, "{kind}");
        let again = imported(&app, &secretary, &query, file).await;
        assert_eq!(again["rows"]["new"], 1, "{kind}");
    }
}

#[tokio::test]
async fn a_judge_of_a_batch_of_whom_something_was_told_since_stays_and_it_is_said_what() {
    let app = App::start().await;
    let (secretary, other) = (app.secretary().await, app.judge().await);
    let file = format!(
        "iin,full_name_kk,full_name_ru,first_appointed_on,source_system,source_record_id\n\
        {},Сәуле,Сауле,2015-03-02,hr,J-3\n",
        invented_iin()
    );
    let batch = imported(&app, &secretary, "type=judges", file).await;
    let judges = secretary.get("/v1/judges?limit=100").await.expect(200).body["items"].clone();
    let new = judges.as_array().unwrap().iter().find(|judge| judge["full_name_kk"] == "Сәуле").unwrap();
    let pair =
        json!({"judge_id": new["id"], "other_judge_id": other.id, "kind": "relative", "starts_on": "2020-01-01"});
    secretary.post("/v1/conflicts", pair).await.expect(201);
    let told_of = |part: &str| format!("/v1/judges/{}/{part}", new["id"].as_str().unwrap());
    let leave = json!({"starts_on": "2027-02-01", "source_system": "hr", "as_of": "2027-01-10"});
    secretary.post(&told_of("leaves"), leave).await.expect(201);
    let request = json!({"kind": "promotion", "filed_on": "2027-01-08", "source_system": "hr"});
    secretary.post(&told_of("evaluation-requests"), request).await.expect(201);

    let preview = secretary.get(&path(&batch)).await.expect(200);

    let one = |what: &str| json!({"what": what, "count": 1});
    let resting = json!([one("conflicts"), one("leaves"), one("evaluation_requests")]);
    assert_eq!(preview.body["dependants"], resting);
    secretary.post(&path(&batch), json!({})).await.expect_problem(409, "guard_not_met");
}

#[tokio::test]
async fn what_was_not_taken_in_cannot_be_taken_back() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);

    let dry = imported(&app, &secretary, "type=observations&dry_run=true", value(&judge, 214, "a")).await;

    secretary.get(&path(&dry)).await.expect_problem(409, "wrong_phase");
    secretary.post(&path(&dry), json!({})).await.expect_problem(409, "wrong_phase");
}
