//! The printed file: the content of the full view, for the same people, on the same record, in three languages. A newcomer
//! would test the pages here; `tests/paper` measures them.

use ejf::domain::policy::StaffRole;
use ejf::texts::{Language, plain};
use serde_json::json;

use crate::harness::{Answer, App, Client, Judge};
use crate::judge_indicators::{db_dispute_last_resolved, judge_who_resolved};
use crate::poppler::Printed;
use crate::records::{told, training};
use crate::results::Sealed;

async fn print(client: &Client, judge: &Judge, query: &str, language: Language) -> Answer {
    let path = format!("/v1/judges/{}/file/pdf{query}", judge.id);
    client.with_header("Accept-Language", language.as_tag()).get(&path).await.expect(200)
}

#[tokio::test]
async fn the_printed_file_says_what_is_in_the_file_with_sources_and_what_is_disputed() {
    let app = App::start().await;
    let staff = app.db_add_account("keeper", Some(StaffRole::Secretary), None).await;
    let court = app.court("Алмалы аудандық соты").await;
    let judge = judge_who_resolved(&app, &court, staff, 97).await;
    for resolved in 0..11 {
        judge_who_resolved(&app, &court, staff, 80 + 3 * resolved).await;
    }
    let secretary = app.secretary().await;
    secretary.post(&format!("/v1/judges/{}/records", judge.id), told(training(40), json!({}))).await.expect(201);
    let own = judge.client(&app).await;
    let said = json!({"content": {"judge_statement": {"text": "Екі сотта қызмет атқардым: ұзақ іссапар."}}});
    own.post("/v1/me/records", said).await.expect(201);
    db_dispute_last_resolved(&app, judge.id).await;
    let full = own.get(&format!("/v1/judges/{}/file?view=full", judge.id)).await.expect(200).body;

    for language in Language::ALL {
        let answer = print(&own, &judge, "", language).await;
        assert_eq!(
            (answer.header("content-type"), answer.header("content-language")),
            ("application/pdf", language.as_tag())
        );
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"judge-file.pdf\"");
        assert_eq!((answer.header("vary"), answer.header("cache-control")), ("Accept-Language", "no-store"));
        let printed = Printed::new(&answer.bytes);
        printed.check();
        let text = printed.text();
        let word = |key: &str| plain(language, key).unwrap();
        let parts = [
            full["judge"]["full_name_kk"].as_str().unwrap(),
            full["judge"]["full_name_ru"].as_str().unwrap(),
            "Алмалы аудандық соты",
            word("file-position_kind-judge"),
            word("file-section-training"),
            "Сот актісін уәждеу",
            "Екі сотта қызмет атқардым: ұзақ іссапар.",
            word("file-category-civil"),
            word("file-disputed-mark"),
            "toerelik, ",
            word("file-section-readings"),
            word("file-section-corrections"),
        ];
        for part in parts {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(printed.metadata().contains("<pdfaid:part>2</pdfaid:part>"));
        assert!(printed.structure().contains("TH"), "tables name their columns");
    }
    let again = print(&own, &judge, "", Language::Kk).await;
    assert_eq!(print(&own, &judge, "", Language::Kk).await.bytes, again.bytes, "the same file, the same bytes");
}

#[tokio::test]
async fn the_printed_file_is_for_those_who_read_the_file_and_each_reading_is_on_record() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let path = format!("/v1/judges/{}/file/pdf", judge.id);
    let secretary = app.secretary().await;

    secretary.get(&path).await.expect_problem(400, "malformed");
    other.client(&app).await.get(&path).await.expect_problem(404, "not_found");
    app.staff(StaffRole::Auditor).await.get(&path).await.expect_problem(403, "forbidden");
    app.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
    secretary.get(&format!("{path}?purpose=personnel")).await.expect(200);

    let own = judge.client(&app).await;
    let trail = own.get(&format!("/v1/judges/{}/access-entries", judge.id)).await.expect(200).body;
    assert_eq!(trail["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&trail["items"][0]["act"], &trail["items"][0]["purpose"]),
        (&json!("get_judge_file_pdf"), &json!("personnel"))
    );
    // The judge is told who it was; the secretary sees the id of an account.
    let name = trail["items"][0]["full_name"].as_str().unwrap();
    let told = Printed::new(&print(&own, &judge, "", Language::En).await.bytes).text();
    assert!(told.contains(name), "{told}");
    let untold = Printed::new(&print(&secretary, &judge, "?purpose=personnel", Language::En).await.bytes).text();
    assert!(!untold.contains(name), "{untold}");
}

#[tokio::test]
async fn the_printed_file_of_an_earlier_day_holds_what_was_known_then() {
    let app = App::start().await;
    let judge = app.judge().await;
    app.clock.advance(chrono::TimeDelta::days(2));
    let secretary = app.secretary().await;
    secretary.post(&format!("/v1/judges/{}/records", judge.id), told(training(40), json!({}))).await.expect(201);
    let own = judge.client(&app).await;

    let now = Printed::new(&print(&own, &judge, "", Language::Kk).await.bytes).text();
    let then = Printed::new(&print(&own, &judge, "?known_on=2027-01-11", Language::Kk).await.bytes).text();

    assert!(now.contains("Сот актісін уәждеу") && !then.contains("Сот актісін уәждеу"), "{then}");
    assert!(then.contains(plain(Language::Kk, "file-fact-known_on").unwrap()), "{then}");
    let path = format!("/v1/judges/{}/file/pdf?known_on=2028-01-01", judge.id);
    own.get(&path).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn a_published_result_is_printed_as_far_as_its_reader_may_see_it() {
    let sealed = Sealed::computed().await;
    let app = &sealed.app;
    let evaluation = app.secretary().await.get(&format!("/v1/evaluations/{}", sealed.evaluations[0])).await.body;
    let subject = sealed.round.plan.judges().find(|judge| evaluation["judge_id"] == json!(judge.id)).unwrap();
    let title = plain(Language::En, "file-section-results").unwrap();
    let scale = plain(Language::En, "figure-result-note").unwrap();
    let before = Printed::new(&print(&subject.client(app).await, subject, "", Language::En).await.bytes).text();
    assert!(!before.contains(title), "nothing before the cycle reports: {before}");

    sealed.to_reporting().await;

    let result = subject.client(app).await.get(&sealed.result_path(0)).await.expect(200).body;
    let hundredths = result["overall"]["point_hundredths"].as_i64().unwrap();
    let point = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    let own = Printed::new(&print(&subject.client(app).await, subject, "", Language::En).await.bytes);
    let text = own.text();
    assert!(text.contains(title) && text.contains(&format!("{point} (")), "{point} in {text}");
    assert!(own.structure().contains(scale), "the figure has its words");
    let secretarys = print(&app.secretary().await, subject, "?purpose=personnel", Language::En).await;
    let text = Printed::new(&secretarys.bytes).text();
    assert!(text.contains("The result may ground a decision") && !text.contains(&format!("{point} (")), "{text}");
}
