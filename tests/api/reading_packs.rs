//! Reading packs as wholes: what holds a cycle up, what freezing means, and that all reviewers of a subject get the same bytes.

use std::collections::BTreeMap;

use ejf::client::card::Held;
use ejf::client::failure::{Failure, Idle};
use ejf::client::peer::{Login, collect};
use ejf::client::pinned::Places;
use ejf::credential::encoding::{Ref, sha256};
use ejf::credential::frozen::Frozen;
use ejf::credential::manifest::digest_words;
use ejf::credential::packs::PackList;
use ejf::domain::policy::StaffRole;
use ejf::publication::Document;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::harness::plans::{Plan, all_items};
use crate::harness::reading::checklist;
use crate::harness::rounds::{Round, SUBJECTS};
use crate::harness::{App, PASSWORD};

#[tokio::test]
async fn no_pool_is_shown_before_the_acts_of_every_subject_are_drawn() {
    let app = App::start().await;
    let plan = app.reading_cycle().await;
    plan.open(&app).await;
    let evaluations = app.evaluations(&plan).await;
    for evaluation in &evaluations[1..] {
        app.draw_acts(evaluation, &[("civil", 4)]).await;
    }
    app.go_to(&plan.day(&app, "file_review_open").await);
    plan.move_to(&app, "file_review").await;
    plan.pass(&app, "file_review_close").await;

    let refused = app.secretary().await.post(&plan.path("/advance"), json!({"to": "pool_review"})).await;

    let told = refused.expect_problem(409, "guard_not_met").body["detail"].as_str().unwrap().to_owned();
    assert!(told.contains("1 are not drawn"), "{told}");
    app.draw_acts(&evaluations[0], &[("civil", 4)]).await;
    plan.move_to(&app, "pool_review").await;
}

#[tokio::test]
async fn no_manifest_is_frozen_before_every_pack_is_and_a_frozen_pack_does_not_change() {
    let app = App::start_with_keys(SUBJECTS).await;
    let plan = app.reading_cycle().await;
    app.draw_all_acts(&plan).await;
    let evaluations = app.evaluations(&plan).await;
    let early = app.freeze_pack(&evaluations[0], json!({})).await;
    early.expect_problem(409, "wrong_phase");
    app.draw_panels(&plan).await;
    plan.work(&app, "/keys", "keys").await;
    app.publish_box_keys();
    let lacking = app.freeze_pack(&evaluations[0], json!({})).await.expect_problem(409, "guard_not_met");
    assert!(lacking.body["detail"].as_str().unwrap().contains("missing texts: 4"), "{}", lacking.text);
    for evaluation in &evaluations[1..] {
        app.prepare_pack(evaluation).await;
        app.freeze_pack(evaluation, json!({})).await.expect(200);
    }
    let secretary = app.secretary().await;

    let refused = secretary.with_key("m").post(&plan.path("/manifest"), json!({})).await;
    let told = refused.expect_problem(409, "guard_not_met").body["detail"].as_str().unwrap().to_owned();
    let first = app.pack(&evaluations[0]).await;
    assert!(told.contains(first["judge_id"].as_str().unwrap()) && told.contains("missing texts: 4"), "{told}");
    let standing = all_items(&secretary, &plan.path("/reading-packs")).await;
    let open: Vec<&Value> = standing.iter().filter(|one| one["is_frozen"] == false).collect();
    assert_eq!(open.len(), 1);
    assert_eq!((&open[0]["texts_missing"], &open[0]["acts_count"]), (&json!(4), &json!(4)));
    let act = first["acts"][0]["id"].as_str().unwrap();
    let sent_back = secretary.post_text(act, "Истец живёт на улице Абая, 5.").await.expect(201).id();
    let back = json!({"verdict": "sent_back", "checklist": checklist(false), "reason": "A street is named."});
    let other = app.staff(StaffRole::Secretary).await;
    other.post(&format!("/v1/reading-texts/{sent_back}/check"), back).await.expect(200);
    app.prepare_pack(&evaluations[0]).await;
    secretary.get(&format!("/v1/reading-texts/{sent_back}")).await.expect(200);
    let frozen = app.freeze_pack(&evaluations[0], json!({})).await.expect(200).body;
    secretary.get(&format!("/v1/reading-texts/{sent_back}")).await.expect_problem(404, "not_found");
    let texts = frozen["acts"][0]["texts"].as_array().unwrap();
    let passed = texts.iter().find(|text| text["verdict"] == "passed").unwrap()["id"].as_str().unwrap();
    secretary.get(&format!("/v1/reading-texts/{passed}")).await.expect(200);
    plan.freeze(&app).await;

    let act = frozen["acts"][0]["id"].as_str().unwrap();
    let replace = json!({"decision": "replace", "reason": "Another one would be better."});
    secretary.post(&format!("/v1/reading-acts/{act}/decision"), replace).await.expect_problem(409, "guard_not_met");
    secretary.post_text(act, "Другой текст.").await.expect_problem(409, "guard_not_met");
    let path = format!("/v1/evaluations/{}/reading-pack/freeze", evaluations[0]);
    secretary.with_key("again").post(&path, json!({})).await.expect_problem(409, "guard_not_met");
}

#[tokio::test]
async fn a_pack_with_an_open_objection_or_too_few_acts_is_not_frozen_without_more() {
    let app = App::start().await;
    let plan = app.reading_cycle().await;
    plan.open(&app).await;
    let evaluation = plan.evaluation_of(&app, &plan.subjects[0]).await;
    for other in app.evaluations(&plan).await.iter().filter(|one| **one != evaluation) {
        app.draw_acts(other, &[("civil", 4)]).await;
    }
    let drawn = app.draw_acts(&evaluation, &[("civil", 1)]).await;
    let act = drawn["acts"][0]["id"].as_str().unwrap();
    let said = json!({"objection": "I took no part in this act."});
    plan.subjects[0]
        .client(&app)
        .await
        .post(&format!("/v1/reading-acts/{act}/objection"), said.clone())
        .await
        .expect(200);
    app.draw_panels(&plan).await;
    let late = plan.subjects[1].client(&app).await;
    let of_other = app.pack(&plan.evaluation_of(&app, &plan.subjects[1]).await).await["acts"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    late.post(&format!("/v1/reading-acts/{of_other}/objection"), said).await.expect_problem(409, "wrong_phase");
    app.prepare_pack(&evaluation).await;

    let refused = app.freeze_pack(&evaluation, json!({})).await.expect_problem(409, "guard_not_met");
    assert!(refused.body["detail"].as_str().unwrap().contains("objections to be decided: 1"), "{}", refused.text);
    let keep = json!({"decision": "keep", "reason": "The minutes show the judge as presiding."});
    app.secretary().await.post(&format!("/v1/reading-acts/{act}/decision"), keep).await.expect(200);
    let short = app.freeze_pack(&evaluation, json!({})).await.expect_problem(422, "invalid");
    assert_eq!(short.faults(), [("/short_reason".into(), "required".into())]);
    let path = format!("/v1/evaluations/{evaluation}/reading-pack/freeze");
    let because = json!({"short_reason": "The judge was on leave for eleven months."});
    let frozen = app.secretary().await.with_key("short").post(&path, because).await.expect(200).body;
    assert_eq!(frozen["short_reason"], "The judge was on leave for eleven months.");
    let enough = app.evaluations(&plan).await.into_iter().find(|one| *one != evaluation).unwrap();
    app.prepare_pack(&enough).await;
    let unasked = app.freeze_pack(&enough, json!({"short_reason": "There is no need for a reason."})).await;
    assert_eq!(unasked.expect_problem(422, "invalid").faults(), [("/short_reason".into(), "unknown".into())]);
}

/// A cycle on the first day of issuance, with its packs frozen and its manifest published.
async fn issuing(app: &App) -> Round {
    let plan = app.cycle_with_packs().await;
    plan.work(app, "/keys", "keys").await;
    app.publish_box_keys();
    plan.freeze(app).await;
    let folder = plan.round_folder(app).await;
    let manifest = Frozen::parse(&folder.read(&Document::Manifest(0)).unwrap().unwrap()).unwrap();
    app.go_to(&plan.day(app, "issue_open").await);
    Round { plan, manifest }
}

fn taking(plan: &Plan) -> String {
    format!("/v1/me/reading-packs/{}", plan.cycle_id)
}

#[tokio::test]
async fn all_reviewers_of_a_subject_get_the_same_bytes_all_subjects_at_once_in_frames_of_one_length() {
    let app = App::start_with_keys(SUBJECTS).await;
    let round = issuing(&app).await;
    let cycle_ref = round.manifest.manifest().cycle_ref;
    let public = format!("/v1/public/cycles/{cycle_ref}/rounds/1/packs");
    let published = app.anonymous().get(&public).await.expect(200);
    let list = PackList::parse(&published.bytes).unwrap();
    list.verify(&round.manifest).unwrap();

    let mut seen: BTreeMap<Ref, Vec<Vec<u8>>> = BTreeMap::new();
    for judge in round.plan.judges() {
        let client = judge.client(&app).await;
        let cards = round.collect(&client).await;
        let taken = client.get(&taking(&round.plan)).await;
        if cards.is_empty() {
            taken.expect_problem(404, "not_found");
            continue;
        }
        let taken = taken.expect(200);
        assert_eq!(taken.bytes.len(), cards.len() * list.frame as usize, "the length tells how many, and not which");
        let mut own: Vec<Ref> = cards.iter().map(|(card, _)| card.subject_ref).collect();
        own.sort_unstable();
        let opened = list.open(&taken.bytes).unwrap();
        assert_eq!(opened.iter().map(|(subject, _)| *subject).collect::<Vec<_>>(), own);
        for (subject, pack) in opened {
            seen.entry(subject).or_default().push(pack.to_bytes().unwrap());
        }
    }
    assert_eq!(seen.len(), SUBJECTS);
    for (subject, packs) in seen {
        assert!(packs.len() >= 12 && packs.iter().all(|pack| *pack == packs[0]), "{subject}");
        let shown = String::from_utf8(packs[0].clone()).unwrap();
        assert!(!shown.contains("/2026") && !shown.contains("2026-"), "neither number nor day of a case");
        assert_eq!(sha256(&[&packs[0]]), list.find(&subject).unwrap().digest);
    }
}

#[tokio::test]
async fn who_takes_a_pack_leaves_a_date_and_no_subject_and_nothing_is_to_be_had_once_submission_opens() {
    let app = App::start_with_keys(SUBJECTS).await;
    let round = issuing(&app).await;
    let judge = round.reviewer(&app).await;
    let client = judge.client(&app).await;
    client.get(&taking(&round.plan)).await.expect_problem(404, "not_found");
    round.collect(&client).await;
    client.get(&taking(&round.plan)).await.expect(200);

    let auditor = app.staff(StaffRole::Auditor).await;
    let entries = all_items(&auditor, "/v1/audit-entries").await;
    let taken: Vec<&Value> = entries.iter().filter(|entry| entry["act"] == "get_my_reading_packs").collect();
    assert_eq!(taken.len(), 1);
    assert_eq!((&taken[0]["object_type"], &taken[0]["object_id"]), (&json!("cycle"), &json!(round.plan.cycle_id)));
    assert!(taken[0]["occurred_at"].as_str().unwrap().ends_with("T00:00:00Z"), "{}", taken[0]);
    assert_eq!((&taken[0]["judge_id"], &taken[0]["digest"]), (&Value::Null, &Value::Null));
    for evaluation in app.evaluations(&round.plan).await {
        let trail = all_items(&auditor, &format!("/v1/evaluations/{evaluation}/audit-entries")).await;
        assert!(trail.iter().any(|entry| entry["act"] == "freeze_reading_pack"));
        assert!(
            trail.iter().all(|entry| entry["act"] != "get_my_reading_packs"),
            "beside one evaluation it says nothing"
        );
    }
    for subject in &round.plan.subjects {
        let own = subject.client(&app).await;
        let told = own.get(&format!("/v1/judges/{}/access-entries", subject.id)).await.expect(200);
        assert!(!told.text.contains("get_my_reading_packs"), "no subject learns who is on the panel");
    }
    app.go_to(&round.plan.day(&app, "submit_open").await);
    let client = judge.client(&app).await;
    client.get(&taking(&round.plan)).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_list_of_packs_is_published_once_with_the_manifest_and_signed_by_its_first_issuer() {
    let app = App::start_with_keys(SUBJECTS).await;
    let round = issuing(&app).await;
    let folder = round.plan.round_folder(&app).await;
    let bytes = folder.read(&Document::Packs).unwrap().expect("a list in the folder");
    let list = PackList::parse(&bytes).unwrap();
    list.verify(&round.manifest).unwrap();

    for standing in all_items(&app.secretary().await, &round.plan.path("/reading-packs")).await {
        let digest = standing["digest"].as_str().unwrap();
        assert!(list.packs.iter().any(|pack| pack.digest.to_string() == digest), "{standing}");
    }
    let mut other = list.clone();
    other.packs[0].digest.0[0] ^= 1;
    assert!(other.verify(&round.manifest).is_err(), "nobody else can sign another one");
    let acts = app.db_acts().await;
    assert_eq!(acts.iter().filter(|act| *act == "publish_reading_packs").count(), 1);
}

#[tokio::test]
async fn the_reviewers_client_takes_the_acts_with_the_credentials_from_the_service_itself() {
    let app = App::start_with_keys(SUBJECTS).await;
    let plan = app.cycle_with_packs().await;
    plan.work(&app, "/keys", "keys").await;
    let frozen = plan.freeze(&app).await;
    app.go_to(&plan.day(&app, "issue_open").await);
    let cycle = plan.cycle(&app).await;
    let path = format!("/v1/public/cycles/{}/rounds/1/manifest", cycle["cycle_ref"].as_str().unwrap());
    app.anonymous_box().get(&path).await.expect(200);
    plan.freeze(&app).await;
    let words = digest_words(&frozen["manifest_digest"].as_str().unwrap().parse().unwrap());
    let places = Places { registry: app.base.clone(), ballot_box: app.box_base.clone() };
    let mut taken = 0;
    for judge in plan.judges() {
        let password = Zeroizing::new(PASSWORD.to_owned());
        let login = Login::Password { login: judge.login(), password: &password };
        let mut held = Held::in_memory();
        match collect(&places, &login, &words, &mut held, app.clock.now()).await {
            Ok(collected) => {
                let packs = collected.packs.expect("packs").packs;
                assert_eq!(packs.len(), held.card().unwrap().credentials.len());
                assert!(packs.iter().all(|(_, pack)| pack.acts.len() == 4));
                taken += 1;
            }
            Err(Failure::Idle(Idle::NoAssignments)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert!(taken > 12, "{taken}");
    // The box serves no list that it cannot vouch for, so a reviewer who compares both listeners sees at once.
    let public = path.replace("/manifest", "/packs");
    app.anonymous_box().get(&public).await.expect(200);
    let folder = plan.round_folder(&app).await;
    let mut other = PackList::parse(&folder.read(&Document::Packs).unwrap().unwrap()).unwrap();
    other.packs[0].size += 1;
    folder.write(&Document::Packs, &other.to_bytes().unwrap()).unwrap();
    app.anonymous_box().get(&public).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_methodology_without_packs_has_none_and_nothing_waits_for_them() {
    let app = App::start_with_keys(SUBJECTS).await;
    let round = app.frozen_cycle().await;
    let evaluation = round.plan.evaluation_of(&app, &round.plan.subjects[0]).await;
    let secretary = app.secretary().await;

    secretary.get(&format!("/v1/evaluations/{evaluation}/reading-pack")).await.expect_problem(404, "not_found");
    assert_eq!(all_items(&secretary, &round.plan.path("/reading-packs")).await, [] as [Value; 0]);
    let cycle_ref = round.manifest.manifest().cycle_ref;
    let public = format!("/v1/public/cycles/{cycle_ref}/rounds/1/packs");
    app.anonymous().get(&public).await.expect_problem(404, "not_found");
}
