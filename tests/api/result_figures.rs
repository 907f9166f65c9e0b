//! The figure of a result beside the result itself: for the same people, at the same time, on the same record, with the same
//! content. A newcomer's usual mistake is to take an image for decoration; whoever may not read the numbers may not see them.

use ejf::domain::policy::StaffRole;
use ejf::store;
use ejf::texts::Language;
use reqwest::Method;
use roxmltree::Document;
use serde_json::{Value, json};

use crate::harness::{Answer, Client};
use crate::results::Sealed;

/// What is seen and read aloud of an image, a text each.
fn texts_of(answer: &Answer) -> String {
    let document = Document::parse(&answer.text).unwrap();
    document.descendants().filter(|node| node.is_text()).map(|node| node.text().unwrap()).collect::<Vec<_>>().join("\n")
}

async fn figure_in(client: &Client, path: &str, language: &str) -> Answer {
    client.with_header("Accept-Language", language).get(&format!("{path}/figure")).await.expect(200)
}

/// The numbers of a result's figure as a language writes them.
fn numbers_of(figure: &Value, language: Language) -> [String; 4] {
    let written = |name: &str| {
        let hundredths = figure[name].as_i64().unwrap();
        let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        if language == Language::En { text } else { text.replace('.', ",") }
    };
    [written("point_hundredths"), written("lo_hundredths"), written("hi_hundredths"), figure["n"].to_string()]
}

#[tokio::test]
async fn a_figure_shows_what_the_result_says_in_the_language_that_is_asked_for() {
    let sealed = Sealed::computed().await;
    let auditor = sealed.app.staff(StaffRole::Auditor).await;
    // Two with figures, one with a word, one with nothing.
    for subject in [0, 1, 2, 4] {
        let path = sealed.result_path(subject);
        let result = auditor.get(&path).await.expect(200).body;
        for language in Language::ALL {
            let answer = figure_in(&auditor, &path, language.as_tag()).await;

            assert_eq!(answer.header("content-type"), "image/svg+xml");
            assert_eq!(
                (answer.header("content-language"), answer.header("vary")),
                (language.as_tag(), "Accept-Language")
            );
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
            assert!(!answer.headers.contains_key("etag"), "a result has none either");
            let said = texts_of(&answer);
            let criteria = result["criteria"].as_array().into_iter().flatten().map(|criterion| &criterion["figure"]);
            for figure in criteria.chain(result.get("overall").filter(|overall| overall.is_object())) {
                for number in numbers_of(figure, language) {
                    assert!(said.contains(&number), "{number} of {result} in {said}");
                }
            }
            let word = |band: &Value| ejf::texts::plain(language, &format!("figure-band-{}", band.as_str().unwrap()));
            match result["status"].as_str().unwrap() {
                "ok" => assert!(said.contains(word(&result["overall"]["band"]).unwrap()), "{said}"),
                "indicative" => assert!(said.contains(word(&result["band"]).unwrap()), "{said}"),
                _ => assert!(said.contains(ejf::texts::plain(language, "figure-insufficient").unwrap()), "{said}"),
            }
            if result["overall"].is_null() {
                assert!(!said.contains(|c: char| c.is_ascii_digit()), "{said}");
            }
        }
    }
    let path = format!("{}/figure", sealed.result_path(0));
    let unasked = auditor.get(&path).await.expect(200);
    assert_eq!(unasked.header("content-language"), "en", "the language of the service");
    let head = auditor.send_unchecked(Method::HEAD, &path, None).await;
    assert_eq!((head.status, head.header("content-type"), head.text.as_str()), (200, "image/svg+xml", ""));
}

#[tokio::test]
async fn a_figure_is_seen_by_those_who_see_the_result_no_earlier_and_on_record() {
    let sealed = Sealed::computed().await;
    let (app, path) = (&sealed.app, sealed.result_path(0));
    let figure = format!("{path}/figure");
    let evaluation = app.secretary().await.get(path.trim_end_matches("/result")).await.expect(200).body;
    let subject = sealed.round.plan.judges().find(|judge| evaluation["judge_id"] == json!(judge.id)).unwrap();
    let other = sealed.round.plan.judges().find(|judge| judge.id != subject.id).unwrap();
    let member = app.member(StaffRole::Member).await;
    app.assign(&sealed.evaluations[0], member.account_id, false).await.expect(201);
    let auditor = app.staff(StaffRole::Auditor).await;
    let full = auditor.get(&figure).await.expect(200);
    for client in [subject.client(app).await, other.client(app).await, member.client(app).await] {
        client.get(&figure).await.expect_problem(404, "not_found");
    }
    app.staff(StaffRole::Administrator).await.get(&figure).await.expect_problem(404, "not_found");
    app.anonymous().get(&figure).await.expect_problem(401, "unauthenticated");
    let secretarys = app.secretary().await.get(&figure).await.expect(200);
    let said = texts_of(&secretarys);
    assert!(!said.contains(|c: char| c.is_ascii_digit()), "the status alone: {said}");
    assert!(said.contains("The result may ground a decision") && !said.contains("standard"), "{said}");

    sealed.to_reporting().await;

    // Nothing lies before the commission that the judge cannot see.
    for client in [subject.client(app).await, member.client(app).await] {
        assert_eq!(client.get(&figure).await.expect(200).text, full.text);
    }
    other.client(app).await.get(&figure).await.expect_problem(404, "not_found");
    member.client(app).await.get(&format!("{}/figure", sealed.result_path(1))).await.expect_problem(404, "not_found");
    let id = subject.id;
    let entries = app.registry().0.read(move |conn| store::audit::list(conn, Some(id), None, 1_000)).await.unwrap();
    let of_figure = entries.iter().filter(|entry| entry.act == "get_result_figure");
    let purposes: Vec<&str> = of_figure.map(|entry| entry.purpose.as_deref().unwrap()).collect();
    assert_eq!(purposes, ["evaluation", "evaluation", "own_file", "evaluation"]);
    let file = subject.client(app).await.get(&format!("/v1/judges/{id}/file?view=full")).await.expect(200).body;
    let shown = file["latest_readings"].as_array().unwrap().iter();
    let of_figure = shown.filter(|reading| reading["act"] == "get_result_figure");
    assert_eq!(of_figure.count(), 3, "the judge sees each reading by others: {file}");
}
