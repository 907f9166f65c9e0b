//! The acts that reviewers read, one by one: drawn at random, depersonalised, checked by another person, replaced with a
//! record, objected to by the judge.

use ejf::domain::policy::StaffRole;
use ejf::domain::reading::draw;
use ejf::store;
use serde_json::{Value, json};

use crate::harness::plans::Plan;
use crate::harness::reading::{CLEAN, acts, checklist, passed};
use crate::harness::{App, Client};

/// An open cycle, its first subject's evaluation, and the secretary.
async fn opened(app: &App) -> (Plan, String, Client) {
    let plan = app.reading_cycle().await;
    plan.open(app).await;
    let evaluation = plan.evaluation_of(app, &plan.subjects[0]).await;
    (plan, evaluation, app.secretary().await)
}

fn at(evaluation: &str, rest: &str) -> String {
    format!("/v1/evaluations/{evaluation}{rest}")
}

#[tokio::test]
async fn acts_are_drawn_by_a_seed_committed_to_before_the_list_and_an_auditor_repeats_the_draw() {
    let app = App::start().await;
    let (_, evaluation, secretary) = opened(&app).await;
    let before = app.pack(&evaluation).await;
    assert_eq!(
        (&before["candidate_count"], &before["acts"], &before["record_digest"]),
        (&json!(0), &json!([]), &Value::Null)
    );
    let auditor = app.staff(StaffRole::Auditor).await;
    auditor.get(&at(&evaluation, "/reading-pack/record")).await.expect_problem(404, "not_found");

    let drawn = app.draw_acts(&evaluation, &[("civil", 9), ("criminal", 4), ("administrative", 1)]).await;

    let categories: Vec<&str> =
        drawn["acts"].as_array().unwrap().iter().map(|act| act["category"].as_str().unwrap()).collect();
    assert_eq!(categories, ["administrative", "civil", "civil", "criminal", "criminal"]);
    let opened = auditor.get(&at(&evaluation, "/reading-pack/record")).await.expect(200).body;
    assert_eq!(opened["digest"], drawn["record_digest"]);
    let record: draw::ReadingRecord = serde_json::from_str(opened["record"].as_str().unwrap()).unwrap();
    draw::replay(&record).unwrap();
    assert_eq!(ejf::domain::hex::hex(&record.commitment.0), before["seed_commitment"].as_str().unwrap());
    let first: Vec<&str> = record.drawn().map(|(_, act)| act.case_no.as_str()).collect();
    let shown: Vec<&str> =
        drawn["acts"].as_array().unwrap().iter().map(|act| act["case_no"].as_str().unwrap()).collect();
    assert_eq!(shown, first);
    secretary.get(&at(&evaluation, "/reading-pack/record")).await.expect_problem(403, "forbidden");
    let file = app.db.folder().join("reading-record.json");
    let verify = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let published = [&before["seed_commitment"], &drawn["record_digest"]].map(|one| one.as_str().unwrap());
        let mut ejf = std::process::Command::new(env!("CARGO_BIN_EXE_ejf"));
        ejf.args(["draw", "verify", file.to_str().unwrap(), "--commitment", published[0], "--digest", published[1]]);
        ejf.status().unwrap().code()
    };
    assert_eq!(verify(&opened.to_string()), Some(0));
    let forged = opened["record"].as_str().unwrap().replacen("civil-1/2026", "civil-1a/2026", 1);
    assert_eq!(verify(&forged), Some(1));
}

#[tokio::test]
async fn what_became_of_an_act_has_no_part_in_the_draw_and_an_act_in_list_and_file_is_one() {
    let app = App::start().await;
    let (plan, evaluation, secretary) = opened(&app).await;
    let file = format!("/v1/judges/{}/acts", plan.subjects[0].id);
    let reviewed = [
        ("civil-1/2026", "amended", "2026-02-15"),
        ("2-77/2026", "upheld", "2026-03-01"),
        ("2-78/2026", "cancelled_remitted", "2026-03-01"),
    ];
    for (case_no, outcome, day) in reviewed {
        for instance in ["appeal", "cassation"] {
            let review = json!({"case_no": case_no, "category": "civil", "act_date": day, "appealed_on": day,
                "instance": instance, "outcome": outcome, "reason_code": "other", "source_system": "toerelik",
                "as_of": "2027-01-05"});
            secretary.post(&file, review).await.expect(201);
        }
    }

    let listed = secretary.post(&at(&evaluation, "/reading-candidates"), acts(&[("civil", 3)])).await.expect(200);

    assert_eq!(listed.body, json!({"added_count": 3, "candidate_count": 5}));
    let again = secretary.post(&at(&evaluation, "/reading-candidates"), acts(&[("civil", 3)])).await.expect(200);
    assert_eq!(again.body, json!({"added_count": 0, "candidate_count": 5}));
    let draw =
        secretary.with_key("draw").post(&at(&evaluation, "/reading-pack/draw"), json!({"candidate_count": 5})).await;
    let text = draw.expect(200).text;
    let record = app.db_reading_record(&evaluation).await;
    for word in ["outcome", "amended", "upheld", "reason_code", "appeal"] {
        assert!(!text.contains(word) && !record.contains(word), "{word}");
    }
}

#[tokio::test]
async fn nobody_draws_from_a_list_they_did_not_see_nor_twice_nor_changes_it_afterwards() {
    let app = App::start().await;
    let (plan, evaluation, secretary) = opened(&app).await;
    let (list, draw) = (at(&evaluation, "/reading-candidates"), at(&evaluation, "/reading-pack/draw"));
    secretary.post(&list, acts(&[("civil", 5)])).await.expect(200);

    let unseen = secretary.with_key("a").post(&draw, json!({"candidate_count": 4})).await;
    assert_eq!(unseen.expect_problem(422, "invalid").faults(), [("/candidate_count".into(), "mismatch".into())]);
    secretary.delete(&list).await.expect(204);
    assert_eq!(app.pack(&evaluation).await["candidate_count"], 0);
    secretary.post(&list, acts(&[("civil", 6)])).await.expect(200);
    secretary.with_key("b").post(&draw, json!({"candidate_count": 6})).await.expect(200);

    secretary.with_key("c").post(&draw, json!({"candidate_count": 6})).await.expect_problem(409, "guard_not_met");
    secretary.post(&list, acts(&[("civil", 7)])).await.expect_problem(409, "guard_not_met");
    secretary.delete(&list).await.expect_problem(409, "guard_not_met");
    let other = plan.evaluation_of(&app, &plan.subjects[1]).await;
    let outside = json!({"acts": [{"category": "civil", "act_date": "2027-02-01", "case_no": "1"}]});
    let refused = secretary.post(&at(&other, "/reading-candidates"), outside).await;
    assert_eq!(refused.expect_problem(422, "invalid").faults(), [("/acts/0/act_date".into(), "format".into())]);
}

#[tokio::test]
async fn a_text_that_shows_a_number_the_case_the_judge_or_the_court_is_not_taken() {
    let app = App::start().await;
    let (plan, evaluation, secretary) = opened(&app).await;
    let drawn = app.draw_acts(&evaluation, &[("civil", 5)]).await;
    let act = &drawn["acts"][0];
    let act_id = act["id"].as_str().unwrap();
    let judge = secretary.get(&format!("/v1/judges/{}", plan.subjects[0].id)).await.expect(200).body;
    let surname = judge["full_name_ru"].as_str().unwrap().split(' ').next().unwrap();
    let post = secretary
        .get(&format!("/v1/judges/{}/positions?purpose=evaluation", plan.subjects[0].id))
        .await
        .expect(200)
        .body;
    let court =
        secretary.get(&format!("/v1/courts/{}", post["items"][0]["court_id"].as_str().unwrap())).await.expect(200).body;
    let telling = [
        "ИИН 850101 424712".to_owned(),
        format!("дело № {}", act["case_no"].as_str().unwrap()),
        format!("судья {surname}ым"),
        format!("{} шешті", court["name_kk"].as_str().unwrap()),
    ];

    for text in telling {
        let refused = secretary.post_text(act_id, &format!("{CLEAN} {text}")).await;
        assert_eq!(refused.expect_problem(422, "invalid").faults(), [(String::new(), "format".into())], "{text}");
    }
    let pdf = b"%PDF-1.4\n1 0 obj <</OpenAction <</S /URI /URI (http://court.example)>>>> endobj";
    let refused = secretary.post_reading(act_id, "application/pdf", "kk", pdf).await;
    assert_eq!(refused.expect_problem(422, "invalid").faults().len(), 1);
    secretary.post_reading(act_id, "text/plain", "en", b"Text").await.expect_problem(400, "malformed");
    secretary.post_reading(act_id, "image/png", "kk", b"\x89PNG").await.expect_problem(415, "unsupported_media_type");
    let long = "а ".repeat(90_000);
    secretary.post_text(act_id, &long).await.expect_problem(413, "payload_too_large");
    assert_eq!(app.pack(&evaluation).await["acts"][0]["texts"], json!([]), "nothing was kept");
    secretary.post_reading(act_id, "application/pdf", "kk", b"%PDF-1.4\n1 0 obj <</Type /Catalog>>").await.expect(201);
}

#[tokio::test]
async fn a_text_is_checked_by_another_person_point_by_point_and_goes_back_with_reasons() {
    let app = App::start().await;
    let (_, evaluation, first) = opened(&app).await;
    let drawn = app.draw_acts(&evaluation, &[("civil", 5)]).await;
    let act_id = drawn["acts"][0]["id"].as_str().unwrap();
    let second = app.staff(StaffRole::Secretary).await;
    let text_id = first.post_text(act_id, CLEAN).await.expect(201).id();
    let check = format!("/v1/reading-texts/{text_id}/check");
    first.post_text(act_id, CLEAN).await.expect_problem(409, "guard_not_met");

    first.post(&check, passed()).await.expect_problem(409, "second_person_required");
    let unfound = json!({"verdict": "passed", "checklist": checklist(false)});
    assert_eq!(second.post(&check, unfound).await.expect_problem(422, "invalid").faults().len(), 5);
    let unsaid = json!({"verdict": "sent_back", "checklist": checklist(false)});
    let refused = second.post(&check, unsaid).await;
    assert_eq!(refused.expect_problem(422, "invalid").faults(), [("/reason".into(), "required".into())]);
    let back = json!({"verdict": "sent_back", "checklist": checklist(false), "reason": "A street is named."});
    second.post(&check, back.clone()).await.expect(200);
    second.post(&check, back).await.expect_problem(409, "guard_not_met");
    assert_eq!(app.pack(&evaluation).await["acts"][0]["state"], "sent_back");
    let text_id = second.post_text(act_id, CLEAN).await.expect(201).id();
    let check = format!("/v1/reading-texts/{text_id}/check");
    second.post(&check, passed()).await.expect_problem(409, "second_person_required");
    first.post(&check, passed()).await.expect(200);

    let act = app.pack(&evaluation).await["acts"][0].clone();
    assert_eq!(act["state"], "passed");
    assert_eq!(act["texts"].as_array().unwrap().len(), 2, "what was sent back stays");
    first.post_text(act_id, CLEAN).await.expect_problem(409, "guard_not_met");
}

#[tokio::test]
async fn an_act_that_is_recognised_is_followed_by_the_next_of_its_drawn_order_and_stays_on_record() {
    let app = App::start().await;
    let (_, evaluation, first) = opened(&app).await;
    let drawn = app.draw_acts(&evaluation, &[("civil", 4)]).await;
    let record: draw::ReadingRecord = serde_json::from_str(&app.db_reading_record(&evaluation).await).unwrap();
    let second = app.staff(StaffRole::Secretary).await;
    let act_id = drawn["acts"][0]["id"].as_str().unwrap();
    let text_id = first.post_text(act_id, CLEAN).await.expect(201).id();

    let body = json!({"verdict": "recognisable", "checklist": checklist(false), "reason": "The only case of its kind in the country."});
    second.post(&format!("/v1/reading-texts/{text_id}/check"), body).await.expect(200);

    let acts = app.pack(&evaluation).await["acts"].clone();
    let told = |act: &Value| (act["place"].clone(), act["state"].clone(), act["replacement_ground"].clone());
    assert_eq!(told(&acts[0]), (json!(0), json!("replaced"), json!("recognisable")));
    assert_eq!(acts[0]["decision_reason"], "The only case of its kind in the country.");
    assert_eq!(told(&acts[2]), (json!(2), json!("drawn"), Value::Null));
    assert_eq!(acts[2]["case_no"], record.at("civil", 2).unwrap().case_no.as_str());
    for place in 1..4 {
        let in_use = app.acts_in_use(&evaluation).await;
        let body = json!({"decision": "replace", "reason": "The hearing was closed."});
        let path = format!("/v1/reading-acts/{}/decision", in_use[0]["id"].as_str().unwrap());
        let replaced = first.post(&path, body).await.expect(200).body;
        assert_eq!((&replaced["place"], &replaced["replacement_ground"]), (&json!(place), &json!("unavailable")));
    }
    assert_eq!(app.acts_in_use(&evaluation).await, [] as [Value; 0], "nobody makes up an act behind the order's end");
    first
        .post(
            &format!("/v1/reading-acts/{act_id}/decision"),
            json!({"decision": "replace", "reason": "Once more, please."}),
        )
        .await
        .expect_problem(409, "guard_not_met");
}

#[tokio::test]
async fn the_judge_sees_the_acts_objects_with_reasons_and_is_answered_with_reasons() {
    let app = App::start().await;
    let (plan, evaluation, secretary) = opened(&app).await;
    let drawn = app.draw_acts(&evaluation, &[("civil", 5)]).await;
    let act = |at: usize| format!("/v1/reading-acts/{}", drawn["acts"][at]["id"].as_str().unwrap());
    let own = plan.subjects[0].client(&app).await;
    assert_eq!(own.get(&at(&evaluation, "/reading-pack")).await.expect(200).body["acts"], drawn["acts"]);

    let said = json!({"objection": "I took no part in this act."});
    for number in [0, 1] {
        own.post(&format!("{}/objection", act(number)), said.clone()).await.expect(200);
    }
    own.post(&format!("{}/objection", act(0)), said.clone()).await.expect_problem(409, "already_exists");
    let others = [plan.subjects[1].client(&app).await, secretary.clone()];
    for other in others {
        other.post(&format!("{}/objection", act(0)), said.clone()).await.expect_problem(404, "not_found");
    }
    let keep = json!({"decision": "keep", "reason": "The minutes show the judge as presiding."});
    let kept = secretary.post(&format!("{}/decision", act(0)), keep.clone()).await.expect(200).body;
    assert_eq!((&kept["state"], &kept["objection"]), (&json!("drawn"), &said["objection"]));
    secretary.post(&format!("{}/decision", act(0)), keep).await.expect_problem(409, "guard_not_met");
    let replace = json!({"decision": "replace", "reason": "The judge was on leave that day."});
    let replaced = secretary.post(&format!("{}/decision", act(1)), replace).await.expect(200).body;

    assert_eq!((&replaced["state"], &replaced["replacement_ground"]), (&json!("replaced"), &json!("objection")));
    let seen = own.get(&at(&evaluation, "/reading-pack")).await.expect(200).body;
    assert_eq!(seen["acts"][1]["decision_reason"], "The judge was on leave that day.");
    assert_eq!(seen["acts"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn every_reading_is_recorded_and_told_to_the_judge_and_to_others_there_is_no_pack() {
    let app = App::start().await;
    let (plan, evaluation, secretary) = opened(&app).await;
    let drawn = app.draw_acts(&evaluation, &[("civil", 5)]).await;
    let text_id = secretary.post_text(drawn["acts"][0]["id"].as_str().unwrap(), CLEAN).await.expect(201).id();
    let (pack, text) = (at(&evaluation, "/reading-pack"), format!("/v1/reading-texts/{text_id}"));
    let auditor = app.staff(StaffRole::Auditor).await;
    auditor.get(&pack).await.expect(200);
    secretary.get(&pack).await.expect(200);
    let read = secretary.get(&text).await.expect(200);
    assert_eq!(read.bytes, CLEAN.as_bytes());
    assert_eq!(read.header("content-disposition"), "attachment; filename=\"act.txt\"");
    let own = plan.subjects[0].client(&app).await;
    assert_eq!(own.get(&text).await.expect(200).bytes, CLEAN.as_bytes());

    let entries = own.get(&format!("/v1/judges/{}/access-entries", plan.subjects[0].id)).await.expect(200).body;
    let acts: Vec<&str> = entries["items"].as_array().unwrap().iter().map(|one| one["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["get_reading_text", "get_reading_pack", "get_reading_pack"]);
    let mut others = vec![plan.subjects[1].client(&app).await, plan.others[0].client(&app).await];
    for role in [StaffRole::Administrator, StaffRole::Member, StaffRole::AppealMember] {
        others.push(app.staff(role).await);
    }
    for other in others {
        other.get(&pack).await.expect_problem(404, "not_found");
        other.get(&text).await.expect_problem(404, "not_found");
    }
    auditor.get(&text).await.expect_problem(404, "not_found");
}

impl App {
    /// The record of a draw as it is stored.
    async fn db_reading_record(&self, evaluation: &str) -> String {
        let id = evaluation.parse().unwrap();
        self.registry().0.read(move |conn| store::reading_packs::record(conn, id)).await.unwrap().unwrap()
    }
}
