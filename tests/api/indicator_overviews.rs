//! Sums over courts and their region: who reads them, what they are made of, and what is held back.

use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::App;
use crate::judge_indicators::{db_dispute_last_resolved, judge_who_resolved};

const PATH: &str = "/v1/indicator-overviews?region=almaty_city&level=district&quarter=2026-Q4";

/// The figures of a court in the first category.
fn court<'a>(body: &'a Value, id: &str) -> &'a Value {
    let courts = body["categories"][0]["courts"].as_array().unwrap();
    &courts.iter().find(|court| court["court_id"] == id).unwrap()["figures"]
}

#[tokio::test]
async fn a_small_court_is_held_back_and_so_much_with_it_that_no_difference_tells_its_sum() {
    let app = App::start().await;
    let staff = app.db_add_account("keeper", Some(StaffRole::Secretary), None).await;
    let (small, middle) = (app.court("Алмалы аудандық соты").await, app.court("Медеу аудандық соты").await);
    let large = app.court("Бостандық аудандық соты").await;
    let far = app.court_in("abai", "Семей қалалық соты").await;
    for (court, count) in [(&small, 2), (&middle, 5), (&large, 7), (&far, 6)] {
        for _ in 0..count {
            judge_who_resolved(&app, court, staff, 90).await;
        }
    }
    let secretary = app.secretary().await;

    let body = secretary.get(PATH).await.expect(200).body;

    assert_eq!(court(&body, &small)["withheld"], "too_few_judges");
    assert_eq!(court(&body, &middle)["withheld"], "complementary");
    for id in [&small, &middle] {
        for part in ["judge_count", "incoming", "resolved", "pending_end", "clearance_rate", "disposition_time_days"] {
            assert!(court(&body, id)[part].is_null(), "{part}");
        }
    }
    let sums = |judges: i64| {
        json!({"withheld": null, "judge_count": judges, "incoming": judges * 100, "resolved": judges * 90,
            "pending_end": judges * 50, "clearance_rate": 900, "clearance_rate_scale": 1, "disposition_time_days": 51})
    };
    assert_eq!(*court(&body, &large), sums(7));
    assert_eq!(body["categories"][0]["region"], sums(14), "the courts of another region are in no sum");
    let same = secretary.get(PATH.trim_end_matches("&quarter=2026-Q4")).await.expect(200);
    assert_eq!(same.body, body, "the last quarter that is over");
    let none = secretary.get(&PATH.replace("district", "regional")).await.expect(200);
    assert_eq!(none.body["categories"], json!([]));
}

#[tokio::test]
async fn a_judge_with_a_disputed_value_is_in_no_sum() {
    let app = App::start().await;
    let staff = app.db_add_account("keeper", Some(StaffRole::Secretary), None).await;
    let court_id = app.court("Алмалы аудандық соты").await;
    let mut judges = Vec::new();
    for _ in 0..6 {
        judges.push(judge_who_resolved(&app, &court_id, staff, 90).await);
    }
    db_dispute_last_resolved(&app, judges[0].id).await;
    let secretary = app.secretary().await;
    assert_eq!(court(&secretary.get(PATH).await.expect(200).body, &court_id)["judge_count"], 5);

    db_dispute_last_resolved(&app, judges[1].id).await;

    assert_eq!(court(&secretary.get(PATH).await.expect(200).body, &court_id)["withheld"], "too_few_judges");
}

#[tokio::test]
async fn sums_are_read_by_secretaries_for_a_region_a_level_and_a_quarter() {
    let app = App::start().await;
    for role in StaffRole::ALL.iter().filter(|role| **role != StaffRole::Secretary) {
        app.staff(*role).await.get(PATH).await.expect_problem(403, "forbidden");
    }
    app.judge().await.client(&app).await.get(PATH).await.expect_problem(403, "forbidden");
    let secretary = app.secretary().await;
    for odd in ["region=almaty_city", "level=district", "region=Алматы&level=district", "region=a&level=city"] {
        secretary.get(&format!("/v1/indicator-overviews?{odd}")).await.expect_problem(400, "malformed");
    }
    for quarter in ["2026", "2026-Q5", "1999-Q4"] {
        secretary.get(&PATH.replace("2026-Q4", quarter)).await.expect_problem(400, "malformed");
    }
}
