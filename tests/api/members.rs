//! To whom evaluations are assigned: who may be, what it opens, who is told, and when it ends.

use ejf::domain::ids::AccountId;
use ejf::domain::policy::StaffRole;
use ejf::store;
use serde_json::json;

use crate::harness::plans::Plan;
use crate::harness::{App, Judge, Member};

/// A cycle being prepared, and the evaluation of its first subject.
async fn planned(app: &App) -> (Plan, String) {
    let plan = app.planned_cycle().await;
    let evaluation = plan.evaluation_of(app, &plan.subjects[0]).await;
    (plan, evaluation)
}

/// Makes a judge a member of the commission as well; the judge's account.
pub async fn call_to_commission(app: &App, judge: &Judge) -> AccountId {
    let id = judge.client(app).await.get("/v1/me").await.expect(200).body["account_id"].as_str().unwrap().to_owned();
    let administrator = app.staff(StaffRole::Administrator).await.if_match(1);
    administrator.patch(&format!("/v1/accounts/{id}"), json!({"staff_role": "member"})).await.expect(200);
    id.parse().unwrap()
}

/// What a member may read of a judge for the evaluation.
async fn file_status(app: &App, member: &Member, judge: &Judge) -> u16 {
    let path = format!("/v1/judges/{}/file?purpose=evaluation", judge.id);
    member.client(app).await.get(&path).await.status
}

#[tokio::test]
async fn members_are_named_to_the_subject_and_to_auditors_and_to_no_other_judge() {
    let app = App::start().await;
    let (plan, evaluation) = planned(&app).await;
    let path = format!("/v1/evaluations/{evaluation}/members");
    let (rapporteur, appeal) = (app.member(StaffRole::Member).await, app.member(StaffRole::AppealMember).await);
    let judge = &plan.others[0];
    let seat = call_to_commission(&app, judge).await;

    let made = app.assign(&evaluation, rapporteur.account_id, true).await.expect(201);
    app.assign(&evaluation, appeal.account_id, false).await.expect(201);
    app.assign(&evaluation, seat, false).await.expect(201);

    assert_eq!(made.body, json!({"account_id": rapporteur.account_id, "judge_id": null, "is_rapporteur": true}));
    assert_eq!(made.header("location"), path);
    let mut expected = [
        json!({"account_id": rapporteur.account_id, "judge_id": null, "is_rapporteur": true}),
        json!({"account_id": appeal.account_id, "judge_id": null, "is_rapporteur": false}),
        json!({"account_id": seat, "judge_id": judge.id, "is_rapporteur": false}),
    ];
    expected.sort_by_key(|member| member["account_id"].as_str().unwrap().to_owned());
    let (subject, auditor) = (plan.subjects[0].client(&app).await, app.staff(StaffRole::Auditor).await);
    for reader in [&subject, &auditor, &app.secretary().await] {
        assert_eq!(reader.get(&path).await.expect(200).body["items"], json!(expected));
    }
    let first = subject.get(&format!("{path}?limit=2")).await.expect(200);
    let next = format!("{path}?limit=2&cursor={}", first.body["next_cursor"].as_str().unwrap());
    assert_eq!(subject.get(&next).await.expect(200).body["items"], json!(expected[2..]));
    plan.subjects[1].client(&app).await.get(&path).await.expect_problem(404, "not_found");
    rapporteur.client(&app).await.get(&path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn only_open_accounts_of_the_commission_are_assigned_and_one_of_them_drafts() {
    let app = App::start().await;
    let (plan, evaluation) = planned(&app).await;
    let member = app.member(StaffRole::Member).await;
    let secretary = app.db_add_account("keeper", Some(StaffRole::Secretary), None).await;
    let closed = app.db_add_account("left", Some(StaffRole::Member), None).await;
    let administrator = app.staff(StaffRole::Administrator).await.if_match(1);
    administrator.patch(&format!("/v1/accounts/{closed}"), json!({"is_closed": true})).await.expect(200);
    let judge = plan.others[0].client(&app).await.get("/v1/me").await.body["account_id"].as_str().unwrap().to_owned();
    let absent = AccountId(plan.others[0].id.0);

    for id in [secretary, closed, judge.parse().unwrap(), absent] {
        let refused = app.assign(&evaluation, id, false).await.expect_problem(422, "invalid");
        assert_eq!(refused.faults(), [("/account_id".into(), "missing".into())]);
    }
    let appeal = app.member(StaffRole::AppealMember).await;
    let refused = app.assign(&evaluation, appeal.account_id, true).await.expect_problem(422, "invalid");
    assert_eq!(refused.faults(), [("/is_rapporteur".into(), "mismatch".into())]);
    app.assign(&evaluation, member.account_id, true).await.expect(201);
    app.assign(&evaluation, member.account_id, false).await.expect_problem(409, "already_exists");
    let second = app.member(StaffRole::Member).await;
    app.assign(&evaluation, second.account_id, true).await.expect_problem(409, "already_exists");
    app.assign(&evaluation, second.account_id, false).await.expect(201);
    // Each evaluation has a rapporteur of its own.
    let other = plan.evaluation_of(&app, &plan.subjects[1]).await;
    app.assign(&other, second.account_id, true).await.expect(201);
    app.assign(&absent.to_string(), member.account_id, false).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_member_who_may_not_act_on_the_subject_is_not_assigned_and_the_secretary_is_told_why() {
    let app = App::start().await;
    let (plan, evaluation) = planned(&app).await;
    let subject = &plan.subjects[0];
    // Judges are spread over six courts in turn.
    let (colleague, relative, friend) = (&plan.others[2], &plan.others[0], &plan.others[1]);
    for (other, ends_on) in [(relative, None), (friend, Some("2026-12-31"))] {
        let conflict = json!({"judge_id": other.id, "other_judge_id": subject.id, "kind": "relative",
            "starts_on": "2010-06-01", "ends_on": ends_on});
        app.secretary().await.post("/v1/conflicts", conflict).await.expect(201);
    }
    let path = format!("/v1/evaluations/{evaluation}/members");
    let cases = [
        (subject, "en", "The account belongs to the subject: name another member."),
        (colleague, "ru", "Член комиссии – судья того же суда, что и оцениваемый: назначьте другого члена комиссии."),
        (
            relative,
            "kk",
            "Комиссия мүшесі мен бағаланатын судья арасында мүдделер қақтығысы мәлімделген: комиссияның басқа мүшесін \
             тағайындаңыз.",
        ),
    ];

    for (judge, language, hint) in cases {
        let account = call_to_commission(&app, judge).await;
        let secretary = app.secretary().await.with_header("Accept-Language", language);
        let refused = secretary.post(&path, json!({"account_id": account, "is_rapporteur": false})).await;
        let refused = refused.expect_problem(409, "guard_not_met");
        assert!(refused.body["detail"].as_str().unwrap().ends_with(hint), "{}", refused.text);
    }
    let account = call_to_commission(&app, friend).await;
    app.assign(&evaluation, account, false).await.expect(201);
}

#[tokio::test]
async fn who_joined_the_commission_after_the_pools_were_made_is_assigned_in_no_cycle_that_may_draw_them() {
    let app = App::start().await;
    let (plan, evaluation) = planned(&app).await;
    let early = call_to_commission(&app, &plan.others[0]).await;
    plan.to_pool_review(&app).await;
    let late = call_to_commission(&app, &plan.others[1]).await;

    let refused = app.assign(&evaluation, late, false).await.expect_problem(409, "guard_not_met");

    let hint = "The member is in a pool of reviewers of this cycle: name another member.";
    assert!(refused.body["detail"].as_str().unwrap().ends_with(hint), "{}", refused.text);
    app.assign(&evaluation, early, false).await.expect(201);
}

#[tokio::test]
async fn an_assigned_member_reads_the_file_for_the_evaluation_until_it_is_taken_away() {
    let app = App::start().await;
    let (plan, evaluation) = planned(&app).await;
    let (subject, other) = (&plan.subjects[0], &plan.subjects[1]);
    let member = app.member(StaffRole::Member).await;
    let client = member.client(&app).await;
    assert_eq!(file_status(&app, &member, subject).await, 404);

    app.assign(&evaluation, member.account_id, true).await.expect(201);

    let path = format!("/v1/judges/{}", subject.id);
    client.get(&format!("{path}/file?purpose=evaluation")).await.expect(200);
    for records in ["positions", "observations", "correction-requests"] {
        client.get(&format!("{path}/{records}?purpose=evaluation")).await.expect(200);
        client.get(&format!("{path}/{records}")).await.expect_problem(400, "malformed");
    }
    client.get(&format!("{path}/file?purpose=personnel")).await.expect_problem(403, "forbidden");
    client.get(&format!("{path}/file")).await.expect_problem(400, "malformed");
    assert_eq!(file_status(&app, &member, other).await, 404);
    let taken = format!("/v1/evaluations/{evaluation}/members/{}", member.account_id);
    client.delete(&taken).await.expect_problem(403, "forbidden");
    app.secretary().await.delete(&taken).await.expect(204);
    app.secretary().await.delete(&taken).await.expect_problem(404, "not_found");
    assert_eq!(file_status(&app, &member, subject).await, 404);
    client.get(&format!("{path}/positions")).await.expect_problem(404, "not_found");

    let (id, account) = (subject.id, member.account_id);
    let entries = app.registry().0.read(move |conn| store::audit::list(conn, Some(id), None, 1_000)).await.unwrap();
    let by_member: Vec<_> = entries.iter().filter(|entry| entry.account_id == Some(account)).collect();
    assert_eq!(by_member.len(), 4);
    assert!(by_member.iter().all(|entry| entry.purpose.as_deref() == Some("evaluation")));
    let object = format!("{evaluation}/{account}");
    let acts: Vec<_> =
        entries.iter().filter(|entry| entry.object_id == object).map(|entry| entry.act.as_str()).collect();
    assert_eq!(acts, ["assign_member", "remove_member"]);
}

#[tokio::test]
async fn when_a_cycle_is_cancelled_its_members_stay_on_record_and_read_no_file() {
    let app = App::start().await;
    let (plan, evaluation) = planned(&app).await;
    let (member, late) = (app.member(StaffRole::Member).await, app.member(StaffRole::Member).await);
    app.assign(&evaluation, member.account_id, false).await.expect(201);
    plan.open(&app).await;
    assert_eq!(file_status(&app, &member, &plan.subjects[0]).await, 200);

    app.by_two(&plan.path("/cancel"), json!({"reason": "The methodology was withdrawn."})).await;

    assert_eq!(file_status(&app, &member, &plan.subjects[0]).await, 404);
    let refused = app.assign(&evaluation, late.account_id, false).await.expect_problem(409, "wrong_phase");
    let hint = "The members of an evaluation stay as they are once it, or its cycle, is closed or cancelled.";
    assert!(refused.body["detail"].as_str().unwrap().contains(hint), "{}", refused.text);
    let path = format!("/v1/evaluations/{evaluation}/members");
    let secretary = app.secretary().await;
    let taken = secretary.delete(&format!("{path}/{}", member.account_id)).await;
    taken.expect_problem(409, "wrong_phase");
    assert_eq!(secretary.get(&path).await.expect(200).body["items"].as_array().unwrap().len(), 1);
}
