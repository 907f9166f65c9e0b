//! A review that comes in leaves no trace outside the box, and inside it nothing that tells when it came. A newcomer's
//! usual mistake is to mark "has voted" beside the review: one transaction, or two in a row, give all pairs back.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use chrono::TimeDelta;
use ejf::domain::policy::StaffRole;
use reqwest::Method;
use serde_json::Value;

use super::{Open, dump};
use crate::harness::{App, Client};
use crate::requests::{World, document, operations};

/// Every file below a folder with its bytes and when it was written.
fn files(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let written = std::fs::metadata(&path).unwrap().modified().unwrap();
            found.insert(path.to_str().unwrap().to_owned(), (std::fs::read(&path).unwrap(), written));
        }
    }
    found
}

/// Readings that are recorded, so that each changes what the next one shows.
const RECORDED: [&str; 26] = [
    "get_document",
    "get_evaluation_clocks",
    "get_judge_clocks",
    "get_judge_file",
    "get_judge_file_pdf",
    "get_judge_indicator_figure",
    "get_judge_indicators",
    "get_my_reading_packs",
    "get_proceedings",
    "get_reading_pack",
    "get_reading_record",
    "get_reading_text",
    "get_record",
    "get_result",
    "get_result_figure",
    "list_access_entries",
    "list_acts",
    "list_audit_entries",
    "list_correction_requests",
    "list_destroyed_records",
    "list_evaluation_entries",
    "list_evaluation_requests",
    "list_leaves",
    "list_observations",
    "list_positions",
    "list_records",
];

/// A page without the place of the next one, which is encrypted anew each time.
fn without_cursor(text: &str) -> String {
    match text.split_once("\"next_cursor\":\"") {
        Some((before, after)) => format!("{before}{}", after.split_once('"').unwrap().1),
        None => text.to_owned(),
    }
}

/// What every kind of caller is answered by every operation that reads and leaves no record.
async fn answers(open: &Open, callers: &[(&'static str, Client)]) -> BTreeMap<String, (u16, String, String)> {
    let document = document();
    let plan = &open.round.plan;
    let evaluation = plan.evaluation_of(&open.app, &plan.subjects[0]).await;
    let ids = BTreeMap::from([
        ("cycle_id", plan.cycle_id.clone()),
        ("evaluation_id", evaluation),
        ("judge_id", plan.subjects[0].id.to_string()),
    ]);
    let world = World { people: Vec::new(), machines: BTreeMap::new(), ids };
    let mut answers = BTreeMap::new();
    for operation in operations(&document) {
        if operation.method != Method::GET || RECORDED.contains(&operation.id.as_str()) {
            continue;
        }
        for (who, client) in callers {
            let mut request = world.request(&document, &operation);
            let cycle_ref = open.round.manifest.manifest().cycle_ref.to_string();
            if request.path.starts_with("/v1/public/cycles/") {
                let rest = request.path.split('/').skip(7).collect::<Vec<_>>().join("/");
                request.path = format!("/v1/public/cycles/{cycle_ref}/rounds/1/{rest}");
            }
            let answer = request.send(client).await;
            let text = without_cursor(&answer.text.replace(answer.header("x-request-id"), "-"));
            let seen = (answer.status, answer.header("etag").to_owned(), text);
            // An id that the test made up is another one each time.
            if request.is_real || request.path.contains("/public/") || !request.path.contains('-') {
                answers.insert(format!("{} as {who}", operation.id), seen);
            }
        }
    }
    answers
}

#[tokio::test]
async fn a_review_that_comes_in_changes_nothing_in_the_registry() {
    let open = Open::begin().await;
    let app = &open.app;
    let plan = &open.round.plan;
    let mut callers = vec![("subject", plan.subjects[0].client(app).await), ("peer", plan.others[0].client(app).await)];
    for role in StaffRole::ALL {
        callers.push((role.as_str(), app.staff(*role).await));
    }
    let told_before = answers(&open, &callers).await;
    assert!(told_before.values().filter(|(status, ..)| *status == 200).count() > 60);
    let stored_before = dump::registry(app).await;
    let files_before = files(&app.publication_path());

    open.send(0, 3, 4).await;
    open.send(1, 2, 2).await;
    app.ballot().compact_now().await.unwrap();

    assert_eq!(dump::registry(app).await, stored_before);
    assert_eq!(files(&app.publication_path()), files_before);
    assert_eq!(answers(&open, &callers).await, told_before);
}

/// Whatever in a text could be a clock: an instant, an id of a registry (which holds one), a number as large as one.
fn clocks_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    let is_of = |pattern: &str, at: usize| {
        pattern.chars().enumerate().all(|(i, kind)| match (kind, chars.get(at + i)) {
            ('9', Some(c)) => c.is_ascii_digit(),
            ('f', Some(c)) => c.is_ascii_hexdigit(),
            (kind, Some(c)) => *c == kind,
            (_, None) => false,
        })
    };
    for at in 0..chars.len() {
        for pattern in ["9999-99-99T99", "9999-99-99 99:", "ffffffff-ffff-7fff-", "\":1999999999", " 99:99:99"] {
            if is_of(pattern, at) {
                found.push(chars[at..(at + 40).min(chars.len())].iter().collect());
            }
        }
    }
    found
}

/// Members whose names speak of a time or a place in an order.
fn telling_members(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let words = [
                    "created",
                    "received",
                    "stored",
                    "time",
                    "timestamp",
                    "date",
                    "serial",
                    "id",
                    "sequence",
                    "number",
                ];
                let is_telling = words.contains(&name.as_str()) || name.ends_with("_at") || name.ends_with("_on");
                found.extend(is_telling.then(|| name.clone()));
                telling_members(member, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| telling_members(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn nothing_of_a_round_tells_when_a_review_came() {
    let open = Open::begin().await;
    let app = &open.app;
    let mut texts = BTreeMap::new();
    let mut headers = Vec::new();
    for place in 0..6 {
        let answer = app.anonymous_box().submit(&open.envelope(0, place, 3)).await.expect(202);
        let names = answer.headers.iter().filter(|(name, _)| *name != "date");
        let mut names: Vec<(String, String)> =
            names.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        names.sort_unstable();
        headers.push(names);
        texts.insert(format!("receipt {place}"), answer.body);
        app.clock.advance(TimeDelta::hours(7));
    }
    assert!(headers.windows(2).all(|pair| pair[0] == pair[1]), "{headers:?}");
    // The same bytes, hours later: the receipt is a function of the review.
    let again = app.anonymous_box().submit(&open.envelope(0, 0, 3)).await;
    assert_ne!(again.status, 202, "a second review of one key is refused");
    let refusals = [again.body, app.anonymous_box().post(vec![b' '; 8192]).await.body];
    for (at, refusal) in refusals.into_iter().enumerate() {
        texts.insert(format!("refusal {at}"), refusal);
    }
    open.seal_and_count().await;
    let folder = app.publication_path();
    let mut faults = Vec::new();
    for (path, (bytes, _)) in files(&folder) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // The methodology is the registry's and says when it is in force.
        if path.ends_with("methodology.json") {
            continue;
        }
        faults.extend(clocks_in(&text).iter().map(|found| format!("{path}: {found}")));
        for line in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            texts.insert(path.clone(), line);
        }
    }
    assert!(texts.len() > 12, "{:?}", texts.keys());
    for (place, value) in &texts {
        let mut members = Vec::new();
        telling_members(value, &mut members);
        faults.extend(members.iter().map(|member| format!("{place}: {member}")));
        faults.extend(clocks_in(&value.to_string()).iter().map(|found| format!("{place}: {found}")));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn what_looks_for_clocks_finds_them() {
    for text in [
        r#"{"at":"2027-02-12T04:00:00Z"}"#,
        "2027-02-12 04:00",
        "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11",
        r#"{"t":1802000000}"#,
        "Fri, 12 Feb 2027 04:00:00 GMT",
    ] {
        assert!(!clocks_in(text).is_empty(), "{text}");
    }
    assert_eq!(clocks_in(r#"{"issue_open":"2027-02-01","utc_offset_minutes":300,"leaf":"Jp4"}"#), [""; 0]);
    let mut members = Vec::new();
    telling_members(&serde_json::json!({"v": 1, "rows": [{"created_at": 1, "id": 2}]}), &mut members);
    assert_eq!(members, ["created_at", "id"]);
}

/// The receipt for the same bytes is the same whenever they are sent, and however often.
#[tokio::test]
async fn a_receipt_is_the_same_whenever_it_is_asked_for() {
    let open = Open::begin().await;
    let app: &App = &open.app;
    let envelope = open.envelope(0, 0, 3);
    let first = app.anonymous_box().submit(&envelope).await.expect(202).bytes;
    app.clock.advance(TimeDelta::days(3));
    open.send(1, 4, 2).await;

    assert_eq!(app.anonymous_box().submit(&envelope).await.expect(202).bytes, first);
}
