//! Files of records as batches: what is taken in, what is refused and why, and that the same file twice is one.

use ejf::cipher::Use;
use ejf::domain::caller::Scope;
use ejf::domain::ids::{self, AccountId, ImportId, JobId};
use ejf::domain::imports::{DryRun, FileFormat, ImportMode, ImportType};
use ejf::domain::policy::StaffRole;
use ejf::store;
use ejf::store::imports::Import;
use ejf::store::jobs::{Job, JobKind, JobState};
use serde_json::{Value, json};

use crate::harness::{App, Client, Judge};

const HEAD: &str = "judge_id,indicator_code,category,period,numerator,denominator,source_system,source_record_id,as_of";

/// A file of values of a judge, one a line: the indicator, the quarter, the value and the name of the record.
fn values(judge: &Judge, rows: &[(&str, &str, &str, &str)]) -> String {
    let mut file = format!("{HEAD}\n");
    for (indicator, period, value, name) in rows {
        file += &format!("{},{indicator},civil,{period},{value},,toerelik,{name},2027-01-05\n", judge.id);
    }
    file
}

/// Sends a file and waits for its end.
pub async fn imported(app: &App, client: &Client, query: &str, file: impl Into<Vec<u8>>) -> Value {
    imported_as(app, client, query, "text/csv", file).await
}

/// The same, of any content type.
pub async fn imported_as(app: &App, client: &Client, query: &str, kind: &str, file: impl Into<Vec<u8>>) -> Value {
    let sent = client.post_file(&format!("/v1/imports?{query}"), kind, file).await.expect(202);
    assert_eq!(sent.header("location"), format!("/v1/imports/{}", sent.id()));
    app.ended_job(sent.header("location")).await
}

fn rows(import: &Value) -> [i64; 6] {
    ["read", "new", "unchanged", "restated", "refused", "warnings"].map(|name| import["rows"][name].as_i64().unwrap())
}

/// What was found, as row, pointer and code.
pub async fn findings(client: &Client, import: &Value) -> Vec<(i64, String, String)> {
    let path = format!("/v1/imports/{}/errors?limit=100", import["id"].as_str().unwrap());
    let page = client.get(&path).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = page.body["items"].as_array().unwrap().clone();
    items.iter().map(|item| (item["row"].as_i64().unwrap(), text(&item["pointer"]), text(&item["code"]))).collect()
}

fn found(row: i64, pointer: &str, code: &str) -> (i64, String, String) {
    (row, pointer.to_owned(), code.to_owned())
}

async fn recorded(app: &App, judge: &Judge) -> Vec<Value> {
    let path = format!("/v1/judges/{}/observations?purpose=personnel", judge.id);
    app.secretary().await.get(&path).await.expect(200).body["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_file_of_values_is_taken_in_as_one_batch_and_the_same_file_again_changes_nothing() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let file = values(&judge, &[("incoming", "2026-Q3", "220", "a"), ("resolved", "2026-Q3", "214", "b")]);

    let first = imported(&app, &secretary, "type=observations", file.clone()).await;
    let again = imported(&app, &secretary, "type=observations", file).await;

    assert_eq!(
        (&first["state"], &first["is_applied"], rows(&first)),
        (&json!("done"), &json!(true), [2, 2, 0, 0, 0, 0])
    );
    assert_eq!(
        (&first["charset"], &first["total_count"], &first["done_count"]),
        (&json!("utf-8"), &json!(2), &json!(2))
    );
    assert_eq!(rows(&again), [2, 0, 2, 0, 0, 0]);
    let records = recorded(&app, &judge).await;
    let mut told: Vec<_> = records.iter().map(|one| one["numerator"].as_i64().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, [214, 220]);
    assert!(records.iter().all(|one| one["batch_id"] == first["id"]), "{records:?}");
    let acts = app.db_acts().await;
    let count = |act: &str| acts.iter().filter(|one| *one == act).count();
    assert_eq!((count("import_records"), count("apply_import")), (2, 2));
}

#[tokio::test]
async fn the_summary_of_a_file_tells_what_an_import_has_changed() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let summary = format!("/v1/judges/{}/file?view=summary&purpose=personnel", judge.id);
    let before = secretary.get(&summary).await.expect(200).text;
    assert!(!before.contains("4711"), "{before}");

    imported(&app, &secretary, "type=observations", values(&judge, &[("resolved", "2026-Q4", "4711", "a")])).await;

    let after = secretary.get(&summary).await.expect(200).text;
    assert!(after.contains("4711"), "{after}");
}

#[tokio::test]
async fn a_changed_value_of_a_closed_quarter_is_a_new_version_and_the_change_is_told() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    imported(&app, &secretary, "type=observations", values(&judge, &[("resolved", "2026-Q3", "214", "a")])).await;

    let file = values(&judge, &[("resolved", "2026-Q3", "208", "a"), ("resolved", "2027-Q1", "3", "b")]);
    let restated = imported(&app, &secretary, "type=observations", file).await;

    assert_eq!(rows(&restated), [2, 1, 0, 1, 0, 2]);
    let path = format!("/v1/imports/{}/errors", restated["id"].as_str().unwrap());
    let told = secretary.with_header("Accept-Language", "en").get(&path).await.expect(200);
    let first = &told.body["items"][0];
    assert_eq!((&first["row"], &first["is_warning"]), (&json!(2), &json!(true)));
    assert_eq!(first["detail"], "The value of a quarter that is over changes: 214 → 208.");
    assert_eq!(told.body["items"][1]["code"], "quarter_not_over");
    let records = recorded(&app, &judge).await;
    let told: Vec<_> = records.iter().map(|one| (one["numerator"].clone(), one["status"].clone())).collect();
    assert_eq!(told.len(), 3);
    assert!(told.contains(&(json!(214), json!("corrected"))) && told.contains(&(json!(208), json!("active"))));
    let older = values(&judge, &[("resolved", "2026-Q3", "214", "a")]).replace("2027-01-05", "2027-01-04");
    let refused = imported(&app, &secretary, "type=observations", older).await;
    assert_eq!(findings(&secretary, &refused).await, [found(2, "", "already_superseded")]);
}

#[tokio::test]
async fn one_refused_row_keeps_out_an_atomic_file_and_itself_alone_from_a_partial_one() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let file = values(
        &judge,
        &[
            ("incoming", "2026-Q3", "220", "a"),
            ("charm", "2026-Q3", "1", "b"),
            ("resolved", "2026-Q9", "1 214", "c"),
            ("resolved", "2026-Q3", "30001", "d"),
            ("incoming", "2026-Q3", "221", "e"),
        ],
    );

    let atomic = imported(&app, &secretary, "type=observations&mode=atomic", file.clone()).await;

    assert_eq!(
        (&atomic["state"], &atomic["is_applied"], rows(&atomic)),
        (&json!("done"), &json!(false), [5, 1, 0, 0, 4, 0])
    );
    let expected = [
        found(3, "/indicator_code", "missing"),
        found(4, "/period", "format"),
        found(4, "/numerator", "format"),
        found(5, "/numerator", "range"),
        found(6, "", "observation_exists"),
    ];
    assert_eq!(findings(&secretary, &atomic).await, expected);
    assert_eq!(recorded(&app, &judge).await, [Value::Null; 0]);
    let path = format!("/v1/imports/{}/errors?limit=1", atomic["id"].as_str().unwrap());
    let page = secretary.with_header("Accept-Language", "ru").get(&path).await.expect(200);
    assert_eq!(page.header("content-language"), "ru");
    assert!(page.body["items"][0]["detail"].as_str().unwrap().starts_with(|c: char| c > 'А'), "{}", page.text);
    let cursor = page.body["next_cursor"].as_str().unwrap();
    let next = secretary.get(&format!("{path}&cursor={cursor}")).await.expect(200);
    assert_eq!(next.body["items"][0]["column"], "period");

    let partial = imported(&app, &secretary, "type=observations&mode=partial", file).await;

    assert_eq!((&partial["is_applied"], rows(&partial)), (&json!(true), [5, 1, 0, 0, 4, 0]));
    assert_eq!(findings(&secretary, &partial).await, expected);
    assert_eq!(recorded(&app, &judge).await.len(), 1);
}

#[tokio::test]
async fn a_dry_run_counts_and_writes_nothing_and_a_warning_can_hold_a_file_back() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let running = values(&judge, &[("resolved", "2027-Q1", "3", "a")]);

    let dry = imported(&app, &secretary, "type=observations&dry_run=true&mode=partial", running.clone()).await;
    let held = imported(&app, &secretary, "type=observations&dry_run=if_warning", running.clone()).await;

    for import in [&dry, &held] {
        assert_eq!((&import["is_applied"], rows(import)), (&json!(false), [1, 1, 0, 0, 0, 1]), "{import}");
        assert_eq!(findings(&secretary, import).await, [found(2, "/period", "quarter_not_over")]);
    }
    assert_eq!(recorded(&app, &judge).await, [Value::Null; 0]);
    let acts = app.db_acts().await;
    assert!(!acts.iter().any(|act| act == "apply_import"), "{acts:?}");
    let over = values(&judge, &[("resolved", "2026-Q4", "3", "a")]);
    let taken = imported(&app, &secretary, "type=observations&dry_run=if_warning", over).await;
    assert_eq!(taken["is_applied"], true);
}

#[tokio::test]
async fn a_row_is_checked_by_what_the_rows_before_it_have_left() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let same_name = [("resolved", "2026-Q3", "214", "a"), ("resolved", "2026-Q3", "208", "a")];
    let moved = [("resolved", "2026-Q2", "214", "a")];

    let restated = imported(&app, &secretary, "type=observations", values(&judge, &same_name)).await;
    let refused = imported(&app, &secretary, "type=observations", values(&judge, &moved)).await;

    assert_eq!(rows(&restated), [2, 1, 0, 1, 0, 1]);
    assert_eq!(findings(&secretary, &refused).await, [found(2, "/source_record_id", "duplicate")]);
}

#[tokio::test]
async fn a_machine_client_imports_what_its_own_system_says_and_sees_its_own_files_alone() {
    let app = App::start().await;
    let judge = app.judge().await;
    let toerelik = app.machine("toerelik", &[Scope::FileWrite]).await;
    let hr = app.machine("hr", &[Scope::FileWrite]).await;
    let file = values(&judge, &[("resolved", "2026-Q3", "214", "a")]);

    let sent = toerelik.post_file("/v1/imports?type=observations", "text/csv", file.clone()).await.expect(202);
    let foreign = imported(&app, &hr, "type=observations", file).await;

    let own = app.ended_job(sent.header("location")).await;
    assert_eq!(rows(&own), [1, 1, 0, 0, 0, 0]);
    toerelik.get(sent.header("location")).await.expect(200);
    hr.get(sent.header("location")).await.expect_problem(404, "not_found");
    hr.get(&format!("{}/errors", sent.header("location"))).await.expect_problem(404, "not_found");
    assert_eq!(findings(&hr, &foreign).await, [found(2, "/source_system", "one_of")]);
    let record = &recorded(&app, &judge).await[0];
    assert_eq!((record["recorded_by"].is_null(), record["recorded_by_client"].is_string()), (true, true));
}

#[tokio::test]
async fn lines_of_json_are_read_as_strictly_as_a_body() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let row = json!({"judge_id": judge.id, "indicator_code": "resolved", "category": "civil", "period": "2026-Q3",
        "numerator": 214, "source_system": "toerelik", "source_record_id": "a", "as_of": "2026-10-05"});
    let with = |name: &str, value: Value| {
        let mut row = row.clone();
        row[name] = value;
        row.to_string()
    };
    let lines = [
        row.to_string(),
        String::new(),
        with("rank", json!(1)),
        with("numerator", json!(1.5)),
        with("category", json!(["civil"])),
        "{\"period\": \"2026-Q3\", \"period\": \"2026-Q2\"}".to_owned(),
        "{\"judge_id\": ".to_owned(),
    ];

    let kind = "application/x-ndjson";
    let import = imported_as(&app, &secretary, "type=observations&mode=partial", kind, lines.join("\n")).await;

    assert_eq!(rows(&import), [6, 1, 0, 0, 5, 0]);
    let expected = [
        found(3, "", "unknown"),
        found(4, "/numerator", "type"),
        found(5, "/category", "type"),
        found(6, "/period", "duplicate"),
        found(7, "", "format"),
    ];
    assert_eq!(findings(&secretary, &import).await, expected);
}

#[tokio::test]
async fn what_is_no_file_of_records_is_refused_at_once_and_a_repeat_is_one_import() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let path = "/v1/imports?type=observations";
    let file = values(&judge, &[("resolved", "2026-Q3", "214", "a")]);

    secretary.post(path, json!({})).await.expect_problem(415, "unsupported_media_type");
    secretary.post_file("/v1/imports", "text/csv", "x").await.expect_problem(400, "malformed");
    secretary.post_file("/v1/imports?type=marks", "text/csv", "x").await.expect_problem(400, "malformed");
    let large = vec![b'x'; 20 * 1024 * 1024 + 1];
    secretary.post_file(path, "text/csv", large).await.expect_problem(413, "payload_too_large");
    let keyed = secretary.with_key("once");
    let first = keyed.post_file(path, "text/csv", file.clone()).await.expect(202);
    let again = keyed.post_file(path, "text/csv", file.clone()).await.expect(202);
    assert_eq!(first.id(), again.id());
    let other = format!("{path}&mode=partial");
    keyed.post_file(&other, "text/csv", file).await.expect_problem(422, "idempotency_key_reused");
}

/// A partial file on its way, as a kill leaves it, with so many of its rows taken in.
fn left_by_a_kill(app: &App, account: AccountId, file: &str, taken: i32) -> (Job, Import, Vec<u8>) {
    let now = app.clock.now();
    let (id, job_id) = (ImportId(ids::new_at(now)), JobId(ids::new_at(now)));
    let sealed = app.cipher().seal(Use::ImportFile, id.0.as_bytes(), file.as_bytes()).unwrap();
    let job = Job {
        id: job_id,
        kind: JobKind::ImportRecords,
        object_id: id.to_string(),
        state: JobState::Running,
        done_count: taken,
        total_count: 4,
        error: None,
        requested_by: Some(account),
        created_at: now.naive_utc(),
        finished_at: None,
        version: 3,
        started_at: Some(now.naive_utc()),
        started_count: 0,
        progressed_at: Some(now.naive_utc()),
        requested_by_client: None,
    };
    let import = Import {
        id,
        job_id,
        record_type: ImportType::Observations,
        mode: ImportMode::Partial,
        dry_run: DryRun::No,
        file_format: FileFormat::Csv,
        charset: None,
        file_digest: "0".repeat(64),
        file_bytes: 1,
        requested_by: Some(account),
        requested_by_client: None,
        created_at: now.naive_utc(),
        is_applied: true,
        read_count: i64::from(taken),
        new_count: i64::from(taken),
        unchanged_count: 0,
        restated_count: 0,
        refused_count: 0,
        warning_count: 0,
        finding_count: 0,
        reversed_at: None,
        version: 2,
    };
    (job, import, sealed)
}

#[tokio::test]
async fn a_file_whose_work_was_killed_is_taken_in_from_where_it_stood_and_then_deleted() {
    let app = App::start().await;
    let judge = app.judge().await;
    let account = app.db_add_account("killed", Some(StaffRole::Secretary), None).await;
    let periods = ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"];
    let lines: Vec<_> = periods.iter().map(|period| ("resolved", *period, "214", *period)).collect();
    let (job, import, sealed) = left_by_a_kill(&app, account, &values(&judge, &lines), 3);
    assert!(!String::from_utf8_lossy(&sealed).contains("toerelik"), "a file that waits is encrypted");
    let id = import.id;

    let app = app
        .restarted_over(0, move |conn| {
            store::jobs::insert(conn, &job)?;
            store::imports::insert(conn, &import, &sealed)
        })
        .await;

    let ended = app.ended_job(&format!("/v1/imports/{id}")).await;
    assert_eq!((&ended["state"], rows(&ended)), (&json!("done"), [4, 4, 0, 0, 0, 0]));
    let periods: Vec<_> = recorded(&app, &judge).await.iter().map(|one| one["period"].clone()).collect();
    assert_eq!(periods, ["2026-Q4"], "the rows before were taken in by the work that was killed");
    let left = app.registry().0.read(move |conn| store::imports::find_file(conn, id)).await.unwrap();
    assert_eq!(left, None);
}

#[tokio::test]
async fn a_right_that_was_taken_away_since_is_gone_when_the_work_begins() {
    let app = App::start().await;
    let judge = app.judge().await;
    let account = app.db_add_account("moved", Some(StaffRole::Member), None).await;
    let (job, import, sealed) =
        left_by_a_kill(&app, account, &values(&judge, &[("resolved", "2026-Q3", "214", "a")]), 0);
    let id = import.id;

    let app = app
        .restarted_over(0, move |conn| {
            store::jobs::insert(conn, &job)?;
            store::imports::insert(conn, &import, &sealed)
        })
        .await;

    let ended = app.ended_job(&format!("/v1/imports/{id}")).await;
    assert_eq!((&ended["state"], &ended["error"]), (&json!("failed"), &json!("forbidden")));
    assert_eq!(recorded(&app, &judge).await, [Value::Null; 0]);
    let left = app.registry().0.read(move |conn| store::imports::find_file(conn, id)).await.unwrap();
    assert_eq!(left, None);
}
