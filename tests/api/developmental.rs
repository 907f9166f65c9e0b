//! Evaluations for development: a methodology without numbers comes to statements and advice, and no score is anywhere. A
//! newcomer's usual mistake is to hide a score; here there is none to hide.

use ejf::credential::bundle::RESULT;
use ejf::domain::caller::Scope;
use ejf::domain::policy::StaffRole;
use ejf::texts::Language;
use serde_json::{Value, json};

use crate::harness::App;
use crate::harness::plans::{all_items, developmental, new_cycle};
use crate::harness::seeded::{decision, figures};
use crate::recounts::{findings, second_opinion};
use crate::results::Sealed;
use crate::statements::in_words;
use crate::traps::dump;

/// Fourteen reviews of the first subject choose something, ten of the second and nine of the third; nobody says anything of
/// the others.
fn chosen(subject: usize, place: usize) -> &'static [&'static str] {
    match (subject, place) {
        (0, 0..=2) => &["s01", "s03"],
        (0, 3) => &["s01", "s03", "s05", "s06"],
        (0, 4..=5) => &["s05"],
        (0, _) | (2, 0..=8) => &["s01"],
        (1, 0..=1) => &["s12"],
        (1, 2..=9) => &["s10"],
        _ => &[],
    }
}

/// Where in the registry a score stands.
async fn scores(app: &App) -> Vec<String> {
    let said = ["\"point\"", "\"overall\"", "\"band\"", "\"lo\"", "score"];
    let rows = dump::registry(app).await.into_values().flatten();
    // PostgreSQL doubles the quotes within a row.
    rows.map(|row| row.replace("\"\"", "\"")).filter(|row| said.iter().any(|word| row.contains(word))).collect()
}

#[tokio::test]
async fn reviews_without_marks_come_to_statements_and_to_no_score_in_storage_api_or_image() {
    let sealed = Sealed::developmental(chosen).await;
    let (app, auditor) = (&sealed.app, sealed.app.staff(StaffRole::Auditor).await);
    let mut views = Vec::new();
    for subject in 0..4 {
        views.push(auditor.get(&sealed.result_path(subject)).await.expect(200).body);
    }

    // Of the first subject two who chose `s05` are one too few, and the third chose its contrary as well.
    assert_eq!(views[0]["statements"], in_words(&["s01", "s03"]));
    assert_eq!(views[1]["statements"], in_words(&["s10"]), "two chose the other");
    let statuses: Vec<&Value> = views.iter().map(|view| &view["status"]).collect();
    assert_eq!(statuses, ["developmental", "developmental", "insufficient", "insufficient"]);
    for view in &views {
        for figure in ["band", "overall", "criteria"] {
            assert_eq!(view[figure], Value::Null, "{figure} of {view}");
        }
        assert_eq!(view["algorithm_version"], "statements-1");
    }
    assert_eq!((&views[2]["statements"], &views[3]["statements"]), (&Value::Null, &Value::Null));

    let exact: Value = serde_json::from_slice(&sealed.folder.bundle().unwrap().unwrap()[RESULT]).unwrap();
    assert_eq!(exact["instruments"], json!([]), "no variance of marks that nobody gave");
    for subject in exact["subjects"].as_array().unwrap() {
        assert_eq!((subject.get("overall"), &subject["criteria"]), (None, &json!([])), "{subject}");
    }
    assert_eq!(scores(app).await, [""; 0]);
    app.db_set_result(&sealed.evaluations[3], &figures("above")).await;
    assert_eq!(scores(app).await.len(), 1, "the search finds one where there is one");
    app.db_set_result(&sealed.evaluations[3], &json!({"status": "insufficient"})).await;

    for language in Language::ALL {
        let path = format!("{}/figure", sealed.result_path(0));
        let image = auditor.with_header("Accept-Language", language.as_tag()).get(&path).await.expect(200).text;
        let document = roxmltree::Document::parse(&image).unwrap();
        let said: String = document.descendants().filter_map(|node| node.text()).collect();
        assert!(said.contains(ejf::texts::plain(language, "figure-developmental").unwrap()), "{said}");
        assert!(!said.contains(|c: char| c.is_ascii_digit()), "{said}");
    }
}

#[tokio::test]
async fn what_reviews_without_marks_came_to_is_recounted_and_told_to_the_judge_as_to_the_commission() {
    let sealed = Sealed::developmental(chosen).await;
    let auditor = sealed.app.staff(StaffRole::Auditor).await;
    let (files, subject_ref) = sealed.recounted(0).await;
    let answer = auditor.get(&sealed.result_path(0)).await.expect(200).body;
    let findings = |answer: &Value| findings(&files, subject_ref, answer);
    assert_eq!(findings(&answer), [""; 0]);
    let mut fewer = answer.clone();
    fewer["statements"].as_array_mut().unwrap().pop();
    let mut scored = answer.clone();
    scored["status"] = json!("ok");
    assert_eq!((findings(&fewer), findings(&scored)), (vec!["c10"], vec!["c10"]));

    let told = second_opinion(&files);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
    let mut altered = files.clone();
    let result = String::from_utf8(files[RESULT].clone()).unwrap();
    altered.insert(RESULT.to_owned(), result.replacen("\"s01\"", "\"s02\"", 1).into_bytes());
    assert!(String::from_utf8_lossy(&second_opinion(&altered).stdout).contains("c9: "));

    sealed.to_reporting().await;

    let path = sealed.result_path(0);
    let evaluation = sealed.app.secretary().await.get(path.trim_end_matches("/result")).await.expect(200).body;
    let judge = sealed.round.plan.judges().find(|judge| evaluation["judge_id"] == json!(judge.id)).unwrap();
    assert_eq!(judge.client(&sealed.app).await.get(&path).await.expect(200).body, answer);
    let status = sealed.app.secretary().await.get(&path).await.expect(200).body;
    assert_eq!((&status["status"], &status["statements"]), (&json!("developmental"), &Value::Null));
}

#[tokio::test]
async fn a_decision_for_development_gives_advice_burdens_nobody_and_serves_no_competition() {
    let app = App::start().await;
    let methodology_id = app.published(developmental()).await;
    let plan = app.cycle_of(methodology_id, 10, 30).await;
    app.db_report(&plan, &json!({"status": "developmental", "statements": ["s01", "s04"]})).await;
    let judge = &plan.subjects[0];
    let own = judge.client(&app).await;
    let panel = app.panel(&plan.evaluation_of(&app, judge).await).await;
    assert_eq!(own.get(&panel.path("/result")).await.expect(200).body["statements"], in_words(&["s01", "s04"]));
    panel.serve_report(&app).await;
    panel.respond(&own, false).await;
    let unfit = panel.propose(&app, decision("unfit_professional")).await.expect_problem(422, "invalid");
    assert_eq!(unfit.faults(), [("/outcome".to_owned(), "missing".to_owned())]);

    let proposed = panel.propose(&app, decision("advised_with_training")).await.expect(201).id();
    panel.adopt(&app, &panel.members, &proposed).await;
    panel.serve_decision(&app).await;
    app.go_to("2027-01-26");
    app.secretary().await.post(&panel.path("/finalise"), json!({})).await.expect(200);

    let own = judge.client(&app).await;
    let clocks = own.get(&format!("/v1/judges/{}/evaluation-clocks", judge.id)).await.expect(200).body;
    assert_eq!(clocks["items"][0]["trigger"], "appointment", "the evaluation by law is as due as before: {clocks}");
    let decided = &own.get(&panel.path("/proceedings")).await.expect(200).body["decisions"][0];
    assert!(decided["reasoning"]["criteria"][0]["advice"].is_string());
    assert_eq!((&decided["in_force_on"], &decided["valid_until"]), (&json!("2027-01-26"), &Value::Null));
    let events = app.machine("hr", &[Scope::EventsRead]).await.get("/v1/events").await.expect(200).body;
    let told: Vec<_> =
        events["items"].as_array().unwrap().iter().map(|one| (&one["type"], &one["valid_until"])).collect();
    let (finalised, training) = (json!("evaluation.finalised"), json!("training.recommended"));
    assert_eq!(told, [(&finalised, &Value::Null), (&training, &Value::Null)]);
    let order = json!({"purpose": "competition", "recipient": "Конкурстық комиссия", "expires_on": "2027-03-31"});
    let secretary = app.secretary().await;
    let id = secretary.post(&format!("/v1/judges/{}/extracts", judge.id), order).await.expect(201).id();
    let extract = own.get(&format!("/v1/extracts/{id}")).await.expect(200).body;
    assert!(extract["facts"].is_object() && extract["facts"]["evaluation"].is_null(), "{extract}");
}

#[tokio::test]
async fn a_methodology_with_half_of_its_numbers_is_refused_at_each_and_nobody_is_selected_by_one_without() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let mut half = developmental();
    half["criteria"][1]["weight"] = json!(2);
    half["publish_step"] = json!(25);
    half["outcomes"][0]["is_unfavourable"] = json!(true);

    let refused = secretary.post("/v1/methodologies", half).await.expect_problem(422, "invalid");

    let pointers: Vec<String> = refused.faults().into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/publish_step", "/criteria/1/weight", "/outcomes/0/is_unfavourable"]);
    let methodology_id = app.published(developmental()).await;
    let plan = app.cycle_of(methodology_id.clone(), 10, 30).await;
    for kind in ["reserve", "promotion", "chair"] {
        let body = new_cycle(&methodology_id, "2027-03-01", &plan.others[..1], kind);
        let refused = secretary.post("/v1/cycles", body).await.expect_problem(422, "invalid");
        assert_eq!(refused.faults(), [("/subjects/0/kind".to_owned(), "mismatch".to_owned())]);
        assert!(refused.body["detail"].as_str().unwrap().contains("nobody is selected"), "{}", refused.text);
    }
    let (subject, evaluation) = (&plan.subjects[0], plan.evaluation_of(&app, &plan.subjects[0]).await);
    let own = subject.client(&app).await;
    let mut said = json!({"content": {"self_assessment": {"evaluation_id": evaluation, "text": "Көшу жылы.",
        "items": [{"item": "k1", "value": 3}]}}});
    let marked = own.post("/v1/me/records", said.clone()).await.expect_problem(422, "invalid");
    assert_eq!(marked.faults(), [("/content/self_assessment/items/0/item".to_owned(), "missing".to_owned())]);
    said["content"]["self_assessment"]["items"] = json!([]);
    own.post("/v1/me/records", said).await.expect(201);
}

#[tokio::test]
async fn a_methodology_for_development_beside_another_changes_nothing_of_who_is_due() {
    let app = App::start().await;
    let judge = app.judge().await;
    let own = judge.client(&app).await;
    let clocks = async || {
        let answer = own.get(&format!("/v1/judges/{}/evaluation-clocks", judge.id)).await;
        (answer.status, answer.body)
    };
    let mut often = developmental();
    often["time_limits"]["first_year_months"] = json!(1);
    often["time_limits"]["periodic_months"] = json!(12);
    app.published(often.clone()).await;
    let alone = clocks().await;
    app.published_methodology().await;
    let beside = clocks().await;
    assert!(alone.0 == 200 && beside.0 == 200 && alone != beside, "{alone:?} {beside:?}");

    often["version"] = json!(2);
    app.published(often).await;

    assert_eq!(clocks().await, beside);
    assert_eq!(all_items(&app.secretary().await, "/v1/methodologies").await.len(), 3);
}
