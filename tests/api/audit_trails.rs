//! The trail of one evaluation: everything that was done to it, and nothing of another.

use std::collections::BTreeSet;

use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::App;
use crate::harness::plans::all_items;

/// The acts of entries, in their order.
fn acts(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["act"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_auditor_reads_what_was_done_to_one_evaluation_from_its_cycle_to_its_panel_and_nothing_of_another() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let evaluation = plan.evaluation_of(&app, &plan.subjects[0]).await;
    let other = plan.evaluation_of(&app, &plan.subjects[1]).await;
    let member = app.member(StaffRole::Member).await;
    app.assign(&evaluation, member.account_id, false).await.expect(201);
    plan.to_pool_review(&app).await;
    for (subject, id) in [(&plan.subjects[0], &evaluation), (&plan.subjects[1], &other)] {
        let own = subject.client(&app).await;
        let pool = all_items(&own, &format!("/v1/evaluations/{id}/pool-entries")).await;
        let challenge = json!({"pool_entry_id": pool[0]["id"], "ground": "Екі жыл бойы ортақ іс бойынша дау."});
        own.post(&format!("/v1/evaluations/{id}/challenges"), challenge).await.expect(201);
    }
    let auditor = app.staff(StaffRole::Auditor).await;
    let path = format!("/v1/evaluations/{evaluation}/audit-entries");

    let whole = all_items(&auditor, &path).await;

    let expected =
        ["create_cycle", "assign_member", "confirm_approval", "move_cycle_to_pool_review", "create_challenge"];
    let seen = acts(&whole);
    assert!(expected.iter().all(|act| seen.contains(act)), "{seen:?}");
    assert_eq!(seen.iter().filter(|act| **act == "create_challenge").count(), 1, "the other judge's is not among them");
    let numbers: Vec<i64> = whole.iter().map(|entry| entry["sequence"].as_i64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "each once, in the order of commits: {numbers:?}");
    // Pages of two are the same list.
    let mut paged = Vec::new();
    let mut target = Some(format!("{path}?limit=2"));
    while let Some(page) = target {
        let page = auditor.get(&page).await.expect(200);
        paged.extend(page.body["items"].as_array().unwrap().clone());
        target = page.body["next_cursor"].as_str().map(|cursor| format!("{path}?limit=2&cursor={cursor}"));
    }
    assert_eq!(paged, whole);
    let all = all_items(&auditor, "/v1/audit-entries").await;
    let told: BTreeSet<String> = all.iter().map(Value::to_string).collect();
    assert!(whole.iter().all(|entry| told.contains(&entry.to_string())), "an entry is shown as the log shows it");
    auditor.get(&format!("/v1/evaluations/{}/audit-entries", plan.cycle_id)).await.expect_problem(404, "not_found");
    app.secretary().await.get(&path).await.expect_problem(403, "forbidden");
    plan.subjects[0].client(&app).await.get(&path).await.expect(403);
}
