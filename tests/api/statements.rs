//! Coded statements from the reviews to those they are for. What a newcomer would get wrong: the code alone is told, from
//! the threshold on, and to everybody the same.

use ejf::domain::methodology::Methodology;
use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::recounts::findings;
use crate::results::Sealed;

/// Fourteen, ten and nine reviews of the first three subjects count; the last four of the second are withdrawn but for what
/// they choose.
fn chosen(subject: usize, place: usize) -> &'static [&'static str] {
    match (subject, place) {
        (0, 0..=1) => &["s01", "s03", "s06"],
        (0, 2) => &["s01", "s06"],
        (0, 3..=7) => &["s06", "s07", "s08"],
        (0 | 2, _) => &["s06"],
        (1, 0..=2) => &["s10", "s24"],
        (1, 3) => &["s24"],
        (1, 10..) => &["s12"],
        _ => &[],
    }
}

/// The statements of these codes as they are told; both committed methodologies have the same.
pub fn in_words(codes: &[&str]) -> Value {
    let methodology = Methodology::standard().unwrap();
    codes.iter().map(|code| json!({"code": code, "text": methodology.statement(code).unwrap().text})).collect()
}

#[tokio::test]
async fn statements_that_enough_reviewers_chose_are_told_in_words_and_never_counted() {
    let sealed = Sealed::computed_choosing(chosen).await;
    let auditor = sealed.app.staff(StaffRole::Auditor).await;
    let mut told = Vec::new();
    for subject in 0..7 {
        told.push(auditor.get(&sealed.result_path(subject)).await.expect(200).body["statements"].clone());
    }

    // Two of the first subject's reviewers chose `s03`, five both of a pair; four who answered nothing chose `s12` of the
    // second; of nine, five, four and no reviews nothing is told.
    assert_eq!(told[0], in_words(&["s01", "s06"]));
    assert_eq!(told[1], in_words(&["s10", "s24"]));
    assert!(told[2..6].iter().all(Value::is_null), "{told:?}");
    assert_eq!(told[6], json!([]), "with a figure, and nothing chosen");
    for language in ["kk", "ru", "en"] {
        assert!(!told[0][0]["text"][language].as_str().unwrap().is_empty());
    }
    let stored = String::from_utf8(sealed.folder.bundle().unwrap().unwrap()["result.json"].clone()).unwrap();
    assert!(stored.contains(r#""statements":["s01","s06"]"#) && !stored.contains("s03") && !stored.contains("s12"));
}

#[tokio::test]
async fn judge_commission_and_auditors_are_told_the_same_statements_and_the_secretary_none() {
    let sealed = Sealed::computed_choosing(chosen).await;
    let (app, path) = (&sealed.app, sealed.result_path(0));
    let evaluation = app.secretary().await.get(path.trim_end_matches("/result")).await.expect(200).body;
    let subject = sealed.round.plan.judges().find(|judge| evaluation["judge_id"] == json!(judge.id)).unwrap();
    let member = app.member(StaffRole::Member).await;
    app.assign(&sealed.evaluations[0], member.account_id, false).await.expect(201);
    subject.client(app).await.get(&path).await.expect_problem(404, "not_found");

    sealed.to_reporting().await;

    let clients = [subject.client(app).await, member.client(app).await, app.staff(StaffRole::Auditor).await];
    for client in &clients {
        assert_eq!(client.get(&path).await.expect(200).body["statements"], in_words(&["s01", "s06"]));
    }
    assert_eq!(app.secretary().await.get(&path).await.expect(200).body["statements"], Value::Null);
}

#[tokio::test]
async fn what_is_told_of_statements_is_recounted() {
    let sealed = Sealed::computed_choosing(chosen).await;
    let auditor = sealed.app.staff(StaffRole::Auditor).await;
    let (files, subject_ref) = sealed.recounted(0).await;
    let answer = auditor.get(&sealed.result_path(0)).await.expect(200).body;
    let findings = |answer: &Value| findings(&files, subject_ref, answer);
    assert_eq!(findings(&answer), [""; 0]);

    let mut missing = answer.clone();
    missing["statements"].as_array_mut().unwrap().remove(1);
    let mut more = answer.clone();
    more["statements"].as_array_mut().unwrap().push(in_words(&["s03"])[0].clone());
    let mut other_words = answer.clone();
    other_words["statements"][0]["text"]["ru"] = json!("Изученные акты не имели ясной структуры.");
    for altered in [missing, more, other_words] {
        assert_eq!(findings(&altered), ["c10"], "{altered}");
    }
}
