//! The judge's own access history: who read the file, in which role, what, why and when; and nobody else sees it.

use chrono::TimeDelta;
use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::App;

#[tokio::test]
async fn a_judge_sees_who_read_the_file_newest_first_page_by_page() {
    let app = App::start().await;
    let judge = app.judge().await;
    let file = format!("/v1/judges/{}", judge.id);
    let secretary = app.secretary().await;
    secretary.get(&format!("{file}/file?purpose=personnel")).await.expect(200);
    app.clock.advance(TimeDelta::minutes(1));
    secretary.get(&format!("{file}/observations?purpose=correction")).await.expect(200);
    app.clock.advance(TimeDelta::minutes(1));
    secretary.get(&format!("{file}/records?purpose=personnel")).await.expect(200);
    let own = judge.client(&app).await;
    own.get(&format!("{file}/file")).await.expect(200);
    let path = format!("{file}/access-entries");

    let page = own.get(&path).await.expect(200);

    let told = |item: &Value| ["number", "act", "purpose", "staff_role", "occurred_at"].map(|name| item[name].clone());
    let items = page.body["items"].as_array().unwrap();
    let row = |number: i64, act: &str, purpose: &str, at: &str| {
        [json!(number), json!(act), json!(purpose), json!("secretary"), json!(at)]
    };
    assert_eq!(
        items.iter().map(told).collect::<Vec<_>>(),
        [
            row(3, "list_records", "personnel", "2027-01-11T04:02:00Z"),
            row(2, "list_observations", "correction", "2027-01-11T04:01:00Z"),
            row(1, "get_judge_file", "personnel", "2027-01-11T04:00:00Z"),
        ]
    );
    let names: Vec<_> = items.iter().map(|item| item["full_name"].as_str().unwrap()).collect();
    assert!(names.iter().all(|name| name.starts_with("Серікқызы secretary-")), "{names:?}");
    assert!(items.iter().all(|item| item.get("login").is_none()));
    let first = own.get(&format!("{path}?limit=2")).await.expect(200);
    let next = format!("{path}?limit=2&cursor={}", first.body["next_cursor"].as_str().unwrap());
    assert_eq!(own.get(&next).await.expect(200).body["items"], json!(items[2..]), "looking changes nothing in it");
}

#[tokio::test]
async fn nobody_but_the_judge_sees_the_access_history() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let path = format!("/v1/judges/{}/access-entries", judge.id);

    other.client(&app).await.get(&path).await.expect_problem(404, "not_found");
    for role in StaffRole::ALL {
        app.staff(*role).await.get(&path).await.expect_problem(403, "forbidden");
    }
}
