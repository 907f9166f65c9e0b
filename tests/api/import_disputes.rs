//! Files over records that a judge disputes. A newcomer's usual mistake is to let a source end a dispute by saying the same
//! again: it goes on over what takes the record's place, and over what stands again when the batch is taken back.

use serde_json::{Value, json};

use crate::harness::plans::all_items;
use crate::harness::{App, Judge};
use crate::import_records::{ACTS, STATISTICS, TRAINING, act, course, statistics};
use crate::imports::{findings, imported};

/// A kind of record, the list of it, the name of the record that is looked at, and a file of three states of it.
struct Kind {
    name: &'static str,
    import: &'static str,
    list: &'static str,
    record: &'static str,
    files: [String; 3],
}

/// The one record in force that has this name.
async fn standing(app: &App, judge: &Judge, list: &str, name: &str) -> Value {
    let items = all_items(&app.secretary().await, &format!("/v1/judges/{}/{list}?purpose=personnel", judge.id)).await;
    let is_in_force = |item: &Value| item["status"] == "active" || item["status"] == "disputed";
    let mut found: Vec<Value> = items.into_iter().filter(is_in_force).collect();
    found.retain(|item| item["source_record_id"] == name);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found.remove(0)
}

/// Disputes the first state, lets a file tell the second and another one the third, and takes that one back.
async fn in_dispute_to_the_end(app: &App, judge: &Judge, kind: Kind) {
    let secretary = app.secretary().await;
    let Kind { name, import, list, record, files: [first, second, third] } = kind;
    let query = format!("type={import}");
    let begun = imported(app, &secretary, &query, first).await;
    assert_eq!(begun["rows"]["new"], 1, "{begun}");
    let disputed = standing(app, judge, list, record).await;
    let claim = json!({"record_type": name, "record_id": disputed["id"], "claim": "Олай емес."});
    let requests = format!("/v1/judges/{}/correction-requests", judge.id);
    let request = judge.client(app).await.post(&requests, claim).await.expect(201).id();

    let restated = imported(app, &secretary, &query, second).await;
    let between = standing(app, judge, list, record).await;
    let batch = imported(app, &secretary, &query, third).await;
    let last = standing(app, judge, list, record).await;

    assert_eq!((&between["status"], &last["status"]), (&json!("disputed"), &json!("disputed")));
    let found = findings(&secretary, &restated).await;
    assert!(found.iter().any(|(_, _, code)| code == "restates_disputed"), "{found:?}");
    let reversal = format!("/v1/imports/{}/reversal", batch["id"].as_str().unwrap());
    let preview = secretary.get(&reversal).await.expect(200).body;
    let undone = secretary.post(&reversal, json!({})).await.expect(200).body;
    assert_eq!([&preview["withdraws"], &preview["restores"]], [&undone["withdrawn"], &undone["restored"]]);
    assert_eq!(undone["withdrawn"], undone["restored"]);
    let again = standing(app, judge, list, record).await;
    assert_eq!((&again["status"], &again["supersedes_id"]), (&json!("disputed"), &last["id"]));
    let decision = json!({"outcome": "rejected", "reason": "Негіз жоқ."});
    secretary.post(&format!("/v1/correction-requests/{request}/decide"), decision).await.expect(200);
    assert_eq!(standing(app, judge, list, record).await["status"], "active");
}

#[tokio::test]
async fn a_value_stays_disputed_through_files_and_their_reversal() {
    let app = App::start().await;
    let judge = app.judge().await;
    let file = |value: u8| {
        let head = "judge_id,indicator_code,category,period,numerator,source_system,source_record_id,as_of";
        format!("{head}\n{},resolved,civil,2026-Q2,{value},hr,V-1,2027-01-10\n", judge.id)
    };
    let files = [file(40), file(41), file(42)];
    let kind = Kind { name: "observation", import: "observations", list: "observations", record: "V-1", files };
    in_dispute_to_the_end(&app, &judge, kind).await;
}

#[tokio::test]
async fn a_value_of_statistics_stays_disputed_through_files_and_their_reversal() {
    let app = App::start().await;
    let judge = app.judge().await;
    let file = |resolved: &str, pending: &str| {
        let row = statistics(&judge, "2026-Q3", ["40", "100", resolved, "0", "0", pending], "S-1");
        format!("{STATISTICS}\n{row}")
    };
    let files = [file("95", "45"), file("96", "44"), file("97", "43")];
    let kind = Kind { name: "observation", import: "statistics", list: "observations", record: "S-1/resolved", files };
    in_dispute_to_the_end(&app, &judge, kind).await;
}

#[tokio::test]
async fn a_post_stays_disputed_through_files_and_their_reversal() {
    let app = App::start().await;
    let judge = app.judge().await;
    let court = app.court("Медеу аудандық соты").await;
    let files = ["1", "2", "3"].map(|decree| {
        let head = "judge_id,court_id,kind,starts_on,act_ref,source_system,source_record_id,as_of";
        format!("{head}\n{},{court},panel_chair,2015-03-02,{decree},hr,P-1,2027-01-10\n", judge.id)
    });
    let kind = Kind { name: "position", import: "positions", list: "positions", record: "P-1", files };
    in_dispute_to_the_end(&app, &judge, kind).await;
}

#[tokio::test]
async fn a_review_stays_disputed_through_files_and_their_reversal() {
    let app = App::start().await;
    let judge = app.judge().await;
    let outcomes = ["upheld;", "amended;other", "amended;procedural_error"];
    let files = outcomes.map(|outcome| format!("{ACTS}\n{}", act(&judge, outcome, "A-1", "2026-09-01")));
    let kind = Kind { name: "act", import: "acts", list: "acts", record: "A-1", files };
    in_dispute_to_the_end(&app, &judge, kind).await;
}

#[tokio::test]
async fn a_record_of_a_section_stays_disputed_through_files_and_their_reversal() {
    let app = App::start().await;
    let judge = app.judge().await;
    let files = ["40", "32", "24"].map(|hours| format!("{TRAINING}\n{}", course(&judge, hours, "passed", "T-1")));
    let kind = Kind { name: "record", import: "training", list: "records", record: "T-1", files };
    in_dispute_to_the_end(&app, &judge, kind).await;
}
