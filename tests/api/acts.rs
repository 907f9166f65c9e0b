//! What higher courts did with a judge's acts: its rules, that nothing is overwritten, and who finds the judge answerable.

use ejf::domain::caller::Scope;
use ejf::domain::policy::StaffRole;
use ejf::store;
use serde_json::{Value, json};

use crate::harness::{Answer, App};

const ABSENT: &str = "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11";

pub fn act(change: Value) -> Value {
    let mut body = json!({
        "case_no": "7517-26-00-2/1042", "category": "civil", "act_date": "2026-05-04", "appealed_on": "2026-05-20",
        "instance": "appeal", "outcome": "cancelled_remitted", "reason_code": "procedural_error",
        "source_system": "toerelik", "as_of": "2026-09-01",
    });
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_review_is_recorded_with_where_it_comes_from_and_nobody_answers_for_it_yet() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge().await;
    let path = format!("/v1/judges/{}/acts", judge.id);

    let told = json!({"source_record_id": "AC-88120", "jury_decision_ref": "Decision 14 of 9 June 2026"});
    let made = secretary.post(&path, act(told)).await.expect(201);

    assert_eq!(made.header("location"), path);
    let shown = |field: &str| made.body[field].clone();
    assert_eq!(
        [
            shown("outcome"),
            shown("reason_code"),
            shown("source_record_id"),
            shown("jury_decision_ref"),
            shown("status")
        ],
        [
            json!("cancelled_remitted"),
            json!("procedural_error"),
            json!("AC-88120"),
            json!("Decision 14 of 9 June 2026"),
            json!("active")
        ]
    );
    assert_eq!((shown("attributable"), shown("may_be_named_in_report")), (json!("undetermined"), json!(false)));
    let page = judge.client(&app).await.get(&path).await.expect(200);
    assert_eq!(page.body["items"], json!([made.body]));
    let id = judge.id;
    let entries = app.registry().0.read(move |conn| store::audit::list(conn, Some(id), None, 100)).await.unwrap();
    let told: Vec<_> = entries.iter().map(|entry| (entry.act.as_str(), entry.purpose.as_deref())).collect();
    assert_eq!(told[1..], [("create_act", None), ("list_acts", Some("own_file"))]);
}

#[tokio::test]
async fn every_fault_of_a_review_is_named() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge().await;
    let path = format!("/v1/judges/{}/acts", judge.id);
    let cases = [
        (json!({"reason_code": null}), 422, "/reason_code", "required"),
        (json!({"outcome": "settled_on_appeal", "reason_code": null}), 422, "/reason_code", "required"),
        (json!({"reason_code": "charm"}), 400, "/reason_code", "one_of"),
        (json!({"outcome": "quashed"}), 400, "/outcome", "one_of"),
        (json!({"instance": "supervision"}), 400, "/instance", "one_of"),
        (json!({"case_no": ""}), 422, "/case_no", "length"),
        (json!({"case_no": "х".repeat(65)}), 422, "/case_no", "length"),
        (json!({"case_no": judge.iin}), 422, "/case_no", "format"),
        (json!({"category": "cvil"}), 422, "/category", "missing"),
        (json!({"category": "Civil"}), 422, "/category", "format"),
        (json!({"act_date": "2027-01-12"}), 422, "/act_date", "format"),
        (json!({"appealed_on": "2026-05-03"}), 422, "/appealed_on", "order"),
        (json!({"as_of": "2026-05-19"}), 422, "/as_of", "order"),
        (json!({"as_of": "2027-01-12"}), 422, "/as_of", "format"),
        (json!({"jury_decision_ref": " "}), 422, "/jury_decision_ref", "length"),
        (json!({"source_system": "Törelik"}), 422, "/source_system", "format"),
        (json!({"source_record_id": ""}), 422, "/source_record_id", "length"),
        (json!({"attributable": "yes"}), 400, "/attributable", "unknown"),
        (json!({"deviates_from_practice": true}), 400, "/deviates_from_practice", "unknown"),
    ];
    for (change, status, pointer, code) in cases {
        let answer = secretary.post(&path, act(change.clone())).await.expect(status);
        let found = answer.faults();
        assert!(found.contains(&(pointer.to_owned(), code.to_owned())), "{change}: {found:?}");
    }
    let upheld = json!({"outcome": "upheld", "reason_code": null});
    secretary.post(&path, act(upheld)).await.expect(201);
    secretary.post(&format!("/v1/judges/{ABSENT}/acts"), act(json!({}))).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn an_instance_reviews_an_act_once_and_a_restatement_takes_its_place() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let path = format!("/v1/judges/{}/acts", judge.id);
    let first = secretary.post(&path, act(json!({}))).await.expect(201).id();

    secretary.post(&path, act(json!({"outcome": "amended"}))).await.expect_problem(409, "already_exists");
    let cassation = json!({"instance": "cassation", "outcome": "upheld", "reason_code": null});
    secretary.post(&path, act(cassation)).await.expect(201);
    for (at, change, code) in [
        (&path, json!({"case_no": "7517-26-00-2/1043"}), "mismatch"),
        (&path, json!({"act_date": "2026-05-05"}), "mismatch"),
        (&path, json!({"instance": "cassation"}), "mismatch"),
        (&format!("/v1/judges/{}/acts", other.id), json!({}), "missing"),
    ] {
        let mut body = act(change.clone());
        body["supersedes_id"] = json!(first);
        let answer = secretary.post(at, body).await.expect(422);
        assert_eq!(answer.faults(), [("/supersedes_id".to_owned(), code.to_owned())], "{change}");
    }
    let restated = json!({"outcome": "amended", "supersedes_id": first});
    let restated = secretary.post(&path, act(restated.clone())).await.expect(201);
    let again = json!({"outcome": "upheld", "supersedes_id": first});
    secretary.post(&path, act(again)).await.expect_problem(409, "already_superseded");

    let page = secretary.get_for("personnel", &path).await.expect(200);
    let items = page.body["items"].as_array().unwrap();
    let status = |id: &str| items.iter().find(|item| item["id"] == id).unwrap()["status"].clone();
    assert_eq!((status(&first), status(&restated.id())), (json!("corrected"), json!("active")));
    assert_eq!((items.len(), &restated.body["supersedes_id"]), (3, &json!(first)));
    let paged = secretary.get(&format!("{path}?purpose=personnel&limit=2")).await.expect(200);
    let next = format!("{path}?purpose=personnel&limit=2&cursor={}", paged.body["next_cursor"].as_str().unwrap());
    assert_eq!(secretary.get(&next).await.expect(200).body["items"], json!(items[2..]));
}

#[tokio::test]
async fn a_machine_tells_of_its_own_system_and_supersedes_no_other_record() {
    let app = App::start().await;
    let judge = app.judge().await;
    let path = format!("/v1/judges/{}/acts", judge.id);
    let (hr, toerelik) =
        (app.machine("hr", &[Scope::FileWrite]).await, app.machine("toerelik", &[Scope::FileWrite]).await);

    let foreign = hr.post(&path, act(json!({}))).await.expect(422);
    assert_eq!(foreign.faults(), [("/source_system".to_owned(), "one_of".to_owned())]);
    let made = toerelik.post(&path, act(json!({}))).await.expect(201);
    assert!(made.body["recorded_by_client"].is_string() && made.body["recorded_by"].is_null());
    let by_other = json!({"source_system": "hr", "supersedes_id": made.id()});
    let by_other = hr.post(&path, act(by_other)).await.expect(422);
    assert_eq!(by_other.faults(), [("/supersedes_id".to_owned(), "missing".to_owned())]);
    toerelik.post(&path, act(json!({"outcome": "amended", "supersedes_id": made.id()}))).await.expect(201);
}

fn found(answer: &Answer) -> [Value; 2] {
    ["attributable", "may_be_named_in_report"].map(|field| answer.body[field].clone())
}

#[tokio::test]
async fn whether_the_judge_answers_is_found_by_assigned_members_with_reasons_and_the_last_finding_stands() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let plan = app.planned_cycle().await;
    let judge = &plan.subjects[0];
    let evaluation = plan.evaluation_of(&app, judge).await;
    let acts = format!("/v1/judges/{}/acts", judge.id);
    let made = secretary.post(&acts, act(json!({}))).await.expect(201).id();
    let path = format!("/v1/acts/{made}/attribution");
    let (assigned, outsider) = (app.member(StaffRole::Member).await, app.member(StaffRole::Member).await);
    let appeal = app.member(StaffRole::AppealMember).await;
    let second = app.member(StaffRole::Member).await;
    for member in [&assigned, &second, &appeal] {
        app.assign(&evaluation, member.account_id, false).await.expect(201);
    }
    let finding = |word: &str| json!({"attributable": word, "reason": "Сот отырысының хаттамасы жоқ."});

    let named = assigned.client(&app).await.post(&path, finding("yes")).await.expect(200);
    let cleared = second.client(&app).await.post(&path, finding("no")).await.expect(200);

    assert_eq!(found(&named), [json!("yes"), json!(true)]);
    assert_eq!(found(&cleared), [json!("no"), json!(false)]);
    let history = cleared.body["attributions"].as_array().unwrap();
    let told = |at: usize| (history[at]["number"].clone(), history[at]["decided_by"].clone());
    assert_eq!([told(0), told(1)], [(json!(1), json!(assigned.account_id)), (json!(2), json!(second.account_id))]);
    let shown = judge.client(&app).await.get(&acts).await.expect(200);
    assert_eq!(shown.body["items"][0], cleared.body, "the judge reads what was found, and by whom");

    for client in [outsider.client(&app).await, app.staff(StaffRole::Member).await] {
        let hidden = client.post(&path, finding("yes")).await.expect_problem(404, "not_found");
        let absent = client.post(&format!("/v1/acts/{ABSENT}/attribution"), finding("yes")).await;
        assert_eq!(hidden.body["detail"], absent.expect_problem(404, "not_found").body["detail"]);
    }
    for client in [secretary.clone(), appeal.client(&app).await, judge.client(&app).await] {
        client.post(&path, finding("yes")).await.expect_problem(403, "forbidden");
    }
    let mute = json!({"attributable": "yes", "reason": " "});
    let mute = assigned.client(&app).await.post(&path, mute).await.expect(422);
    assert_eq!(mute.faults(), [("/reason".to_owned(), "length".to_owned())]);
    assert_eq!(app.db_acts().await.iter().filter(|act| *act == "attribute_act").count(), 2);
}

#[tokio::test]
async fn a_finding_stays_with_the_record_that_it_was_made_on() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let plan = app.planned_cycle().await;
    let judge = &plan.subjects[0];
    let evaluation = plan.evaluation_of(&app, judge).await;
    let member = app.member(StaffRole::Member).await;
    app.assign(&evaluation, member.account_id, true).await.expect(201);
    let acts = format!("/v1/judges/{}/acts", judge.id);
    let first = secretary.post(&acts, act(json!({}))).await.expect(201).id();
    let finding = json!({"attributable": "yes", "reason": "Negligence in service."});
    let client = member.client(&app).await;
    client.post(&format!("/v1/acts/{first}/attribution"), finding.clone()).await.expect(200);

    let restated = json!({"reason_code": "new_evidence", "supersedes_id": first});
    let restated = secretary.post(&acts, act(restated)).await.expect(201);

    assert_eq!(found(&restated), [json!("undetermined"), json!(false)]);
    let path = format!("/v1/acts/{first}/attribution");
    client.post(&path, finding.clone()).await.expect_problem(409, "already_superseded");
    let listed = client.get_for("evaluation", &acts).await.expect(200);
    let old = listed.body["items"].as_array().unwrap().iter().find(|item| item["id"] == first).unwrap().clone();
    assert_eq!((&old["attributable"], &old["may_be_named_in_report"]), (&json!("yes"), &json!(false)));
    let upheld = json!({"case_no": "7517-26-00-2/7", "outcome": "upheld", "reason_code": null});
    let upheld = secretary.post(&acts, act(upheld)).await.expect(201).id();
    let refused = client.post(&format!("/v1/acts/{upheld}/attribution"), finding).await.expect(422);
    assert_eq!(refused.faults(), [("/attributable".to_owned(), "fixed".to_owned())]);
}
