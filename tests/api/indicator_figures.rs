//! The figure of a derived indicator: what the numbers say, for the same people, on the same record, and never a rank. A
//! newcomer would test the drawing here; `tests/figures` measures it.

use ejf::domain::policy::StaffRole;
use ejf::texts::Language;
use roxmltree::Document;
use serde_json::json;

use crate::harness::{Answer, App};
use crate::judge_indicators::{db_dispute_last_resolved, judge_who_resolved};

fn said(answer: &Answer) -> String {
    let document = Document::parse(&answer.text).unwrap();
    document.descendants().filter(|node| node.is_text()).map(|node| node.text().unwrap()).collect::<Vec<_>>().join("\n")
}

fn path(judge: &crate::harness::Judge, more: &str) -> String {
    format!("/v1/judges/{}/indicators/clearance_rate/figure?category=civil{more}", judge.id)
}

#[tokio::test]
async fn a_figure_shows_the_own_value_and_the_quartiles_that_the_numbers_have_and_nobody_elses() {
    let app = App::start().await;
    let staff = app.db_add_account("keeper", Some(StaffRole::Secretary), None).await;
    let court = app.court("Алмалы аудандық соты").await;
    let judge = judge_who_resolved(&app, &court, staff, 97).await;
    for resolved in 0..11 {
        judge_who_resolved(&app, &court, staff, 80 + 3 * resolved).await;
    }
    let client = judge.client(&app).await;
    let numbers = client.get(&format!("/v1/judges/{}/indicators", judge.id)).await.expect(200).body;
    let figure = &numbers["categories"][0]["figures"][0];
    assert_eq!((&figure["code"], &figure["value"]), (&json!("clearance_rate"), &json!(970)));
    let percent = |value: &serde_json::Value, point: &str| {
        let value = value.as_i64().unwrap();
        format!("{}{point}{}\u{a0}%", value / 10, value % 10)
    };

    for (language, point) in [(Language::Kk, ","), (Language::Ru, ","), (Language::En, ".")] {
        let reader = client.with_header("Accept-Language", language.as_tag());
        let answer = reader.get(&path(&judge, "")).await.expect(200);
        assert_eq!(
            (answer.header("content-type"), answer.header("content-language")),
            ("image/svg+xml", language.as_tag())
        );
        let said = said(&answer);
        let compared = &figure["comparison"];
        for value in [&figure["value"], &compared["lower_quartile"], &compared["median"], &compared["upper_quartile"]] {
            assert!(said.contains(&percent(value, point)), "{value} in {said}");
        }
        // The lowest and the highest of the others.
        for value in [json!(800), json!(1100)] {
            assert!(!said.contains(&percent(&value, point)), "{value} in {said}");
        }
    }
}

#[tokio::test]
async fn a_figure_is_seen_by_those_who_read_the_file_and_each_reading_is_on_record() {
    let app = App::start().await;
    let staff = app.db_add_account("keeper", Some(StaffRole::Secretary), None).await;
    let judge = judge_who_resolved(&app, &app.court("Медеу аудандық соты").await, staff, 97).await;
    let secretary = app.secretary().await;

    secretary.get(&path(&judge, "")).await.expect_problem(400, "malformed");
    secretary.get(&path(&judge, "&purpose=personnel")).await.expect(200);
    app.judge().await.client(&app).await.get(&path(&judge, "")).await.expect_problem(404, "not_found");

    let trail = judge.client(&app).await.get(&format!("/v1/judges/{}/access-entries", judge.id)).await.expect(200);
    let entry = &trail.body["items"][0];
    assert_eq!((&entry["act"], &entry["purpose"]), (&json!("get_judge_indicator_figure"), &json!("personnel")));
}

#[tokio::test]
async fn where_there_is_no_value_or_nothing_to_compare_the_figure_says_why() {
    let app = App::start().await;
    let staff = app.db_add_account("keeper", Some(StaffRole::Secretary), None).await;
    let judge = judge_who_resolved(&app, &app.court("Медеу аудандық соты").await, staff, 97).await;
    let client = judge.client(&app).await.with_header("Accept-Language", "en");
    let words = |key: &str| ejf::texts::plain(Language::En, key).unwrap();

    let few = said(&client.get(&path(&judge, "")).await.expect(200));
    assert!(few.contains(words("file-no_comparison-too_few_judges")), "{few}");
    db_dispute_last_resolved(&app, judge.id).await;
    let disputed = said(&client.get(&path(&judge, "")).await.expect(200));
    assert!(disputed.contains(words("file-no_comparison-quarters_missing")), "{disputed}");
    let other = format!("/v1/judges/{}/indicators/on_time_share/figure?category=criminal", judge.id);
    let none = said(&client.get(&other).await.expect(200));
    assert!(none.contains(words("file-no_figure-not_recorded")), "{none}");

    client.get(&path(&judge, "&period=2026-Q9")).await.expect_problem(400, "malformed");
    let unreadable = format!("/v1/judges/{}/indicators/on_time_share/figure?category=No%20category", judge.id);
    client.get(&unreadable).await.expect_problem(400, "malformed");
}
