//! The figures of a result: the same for every role, each with enough marks of its own, and never moved again once they
//! are published. A newcomer's usual mistake is a helpful second figure beside the first: their difference is a mark.

use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use super::Open;
use super::dump;
use crate::harness::plans::all_items;
use crate::harness::{App, Client};
use crate::results::Sealed;

/// Where two answers about the same thing differ; what one of them does not show is no difference. Elements of lists are
/// the same where their id, code or account is.
fn contradictions(a: &Value, b: &Value, at: &str, found: &mut Vec<String>) {
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(a), Value::Object(b)) => {
            for (name, value) in a {
                contradictions(value, b.get(name).unwrap_or(&Value::Null), &format!("{at}/{name}"), found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            let key = |item: &Value| ["id", "code", "account_id"].iter().find_map(|name| item.get(*name).cloned());
            for item in a {
                let same = b.iter().find(|other| key(other).is_some() && key(other) == key(item));
                contradictions(item, same.unwrap_or(&Value::Null), &format!("{at}/{:?}", key(item)), found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{at}: {a} and {b}")),
    }
}

#[tokio::test]
async fn no_count_or_mean_changes_with_the_role() {
    let sealed = Sealed::computed().await;
    let (app, plan) = (&sealed.app, &sealed.round.plan);
    let mut members = Vec::new();
    for role in [StaffRole::Member, StaffRole::AppealMember] {
        members.push(app.member(role).await);
    }
    // One with figures, one with a word, one with nothing.
    let shown = [0, 2, 4];
    for subject in shown {
        for member in &members {
            app.assign(&sealed.evaluations[subject], member.account_id, false).await.expect(201);
        }
    }
    sealed.to_reporting().await;
    let mut faults = Vec::new();
    let mut compared = 0;
    for subject in shown {
        let evaluation = format!("/v1/evaluations/{}", sealed.evaluations[subject]);
        let judge_id = app.secretary().await.get(&evaluation).await.expect(200).body["judge_id"].clone();
        let judge = plan.judges().find(|judge| judge_id == json!(judge.id)).unwrap();
        let mut callers: Vec<(&str, Client)> =
            vec![("secretary", app.secretary().await), ("auditor", app.staff(StaffRole::Auditor).await)];
        callers.push(("member", members[0].client(app).await));
        callers.push(("appeal member", members[1].client(app).await));
        callers.push(("subject", judge.client(app).await));
        let paths =
            ["", "/result", "/members", "/pool-entries", "/challenges"].map(|rest| format!("{evaluation}{rest}"));
        for path in paths.iter().chain(&[plan.path(""), plan.path("/evaluations"), plan.path("/issuance")]) {
            let mut answers = Vec::new();
            for (who, client) in &callers {
                let answer = client.get(path).await;
                answers.extend((answer.status == 200).then_some((who, answer.body)));
            }
            for (at, (first, a)) in answers.iter().enumerate() {
                for (second, b) in &answers[at + 1..] {
                    let mut found = Vec::new();
                    contradictions(a, b, "", &mut found);
                    compared += 1;
                    faults.extend(found.iter().map(|told| format!("{path} as {first} and as {second}: {told}")));
                }
            }
        }
    }
    assert!(compared > 60, "only {compared} were compared");
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Twelve reviews of which nine alone answer the second criterion (items o1 to o3).
fn thin_criterion(_subject: usize, place: usize, item: &str) -> Option<i64> {
    let is_thin = item.starts_with('o') && place >= 9;
    (place < 12 && !is_thin).then_some(4)
}

#[tokio::test]
async fn a_criterion_with_too_few_marks_is_not_shown_though_the_reviews_are_enough() {
    let sealed = Sealed::computed_with(thin_criterion).await;
    let auditor = sealed.app.staff(StaffRole::Auditor).await;

    let result = auditor.get(&sealed.result_path(0)).await.expect(200);

    assert_eq!((&result.body["status"], &result.body["overall"]["n"]), (&json!("ok"), &json!(12)));
    let criteria = result.body["criteria"].as_array().unwrap();
    let shown: Vec<(&str, i64)> = criteria
        .iter()
        .map(|criterion| (criterion["code"].as_str().unwrap(), criterion["figure"]["n"].as_i64().unwrap()))
        .collect();
    // From the score and four criteria the fifth could be computed, so that another one goes with it.
    assert_eq!(shown, [("reasoning", 12), ("communication", 12), ("integrity", 12)]);
    assert!(!result.text.contains("organisation"), "{}", result.text);
}

/// Fours alone. The first subject's reviewers leave nothing out; each of the second's leaves out one item of each
/// criterion, and one of the third's a whole criterion.
fn fours_with_gaps(subject: usize, place: usize, item: &str) -> Option<i64> {
    let is_left_out = match subject {
        1 => item.ends_with(["1", "2", "3"][place % 3]),
        2 => place == 0 && item.starts_with('o'),
        _ => false,
    };
    (place < 12 && !is_left_out).then_some(4)
}

#[tokio::test]
async fn what_a_reviewer_left_out_is_never_a_zero() {
    let sealed = Sealed::computed_with(fours_with_gaps).await;
    let auditor = sealed.app.staff(StaffRole::Auditor).await;
    let mut counts = Vec::new();
    for subject in 0..3 {
        let result = auditor.get(&sealed.result_path(subject)).await.expect(200).body;
        assert_eq!(result["overall"]["point_hundredths"], 400, "{result}");
        assert_eq!(result["overall"]["n"], 12, "{result}");
        for criterion in result["criteria"].as_array().unwrap() {
            assert_eq!(criterion["figure"]["point_hundredths"], 400, "{result}");
        }
        counts.push(result["criteria"][1]["figure"]["n"].clone());
    }
    assert_eq!(counts, [json!(12), json!(12), json!(11)]);
}

/// What is published of a round, and what is stored of its results.
async fn published(open: &Open) -> Vec<(String, String)> {
    let app = &open.app;
    let mut all = Vec::new();
    for document in ["manifest", "manifest.note", "checkpoint", "leaves", "ledger/council"] {
        let path = open.public_path(document);
        let of_box = app.anonymous_box().get(&path).await.expect(200).bytes;
        all.push((format!("box {document}"), format!("{of_box:?}")));
        // The registry's own client reads text, which the leaves are not.
        let of_registry = reqwest::get(format!("{}{path}", app.base)).await.unwrap().bytes().await.unwrap();
        all.push((format!("registry {document}"), format!("{:?}", of_registry.to_vec())));
    }
    for (name, bytes) in open.round.plan.round_folder(app).await.bundle().unwrap().unwrap() {
        all.push((name, format!("{bytes:?}")));
    }
    for table in ["results", "evaluations"] {
        all.push((table.to_owned(), dump::registry(app).await[table].join("\n")));
    }
    let (auditor, secretary) = (app.staff(StaffRole::Auditor).await, app.secretary().await);
    for evaluation in all_items(&secretary, &open.round.plan.path("/evaluations")).await {
        let path = format!("/v1/evaluations/{}/result", evaluation["id"].as_str().unwrap());
        for client in [&auditor, &secretary] {
            all.push((path.clone(), client.get(&path).await.expect(200).text));
        }
    }
    all
}

#[tokio::test]
async fn one_late_review_moves_nothing_that_was_published() {
    let open = Open::begin().await;
    open.send(0, 12, 4).await;
    let late = open.envelope(0, 12, 1);
    open.seal_and_count().await;
    let app = &open.app;
    let before = published(&open).await;
    assert!(before.iter().any(|(_, text)| text.contains("\"overall\":{\"n\":12")), "there is a figure to be moved");

    let refused = app.anonymous_box().submit(&late).await.expect_problem(410, "window_closed");
    let again = app.anonymous_box().submit(&late).await.expect_problem(410, "window_closed");
    assert_eq!(refused.bytes, again.bytes);
    open.round.plan.work(app, "/results", "after-the-late-one").await;

    assert_eq!(published(&open).await, before);
}

#[tokio::test]
async fn a_draw_is_done_once_and_no_second_one_changes_who_reviews_whom() {
    let app = App::start().await;
    let plan = app.drawn_cycle().await;
    let drawn =
        |dump: &std::collections::BTreeMap<String, Vec<String>>| (dump["assignments"].clone(), dump["cycles"].clone());
    let before = drawn(&dump::registry(&app).await);
    assert!(before.0.len() >= 140, "panels and reserves are there");
    let secretary = app.staff(StaffRole::Secretary).await;
    let approvals = all_items(&secretary, "/v1/approvals").await;
    let done = approvals.iter().find(|approval| approval["act"] == "draw_panels").expect("the draw's approval");

    secretary.with_key("again").post(&plan.path("/draw"), json!({})).await.expect_problem(409, "wrong_phase");
    let confirm = format!("/v1/approvals/{}/confirm", done["id"].as_str().unwrap());
    let confirmed = secretary.post(&confirm, json!({"digest": done["digest"]})).await;
    confirmed.expect_problem(409, "approval_stale");
    secretary
        .with_key("back")
        .post(&plan.path("/advance"), json!({"to": "pool_review"}))
        .await
        .expect_problem(409, "wrong_phase");

    assert_eq!(drawn(&dump::registry(&app).await), before);
}
