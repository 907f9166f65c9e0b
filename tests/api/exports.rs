//! Lists as files: the same rows as the pages, in CSV, NDJSON and XLSX; for whom, with what on record, and until when.

use std::path::PathBuf;
use std::process::Command;

use chrono::TimeDelta;
use ejf::db::Conn;
use ejf::domain::ids::{self, CourtId};
use ejf::domain::judge_file::CourtLevel;
use ejf::domain::policy::StaffRole;
use ejf::domain::specialisations::Specialisations;
use ejf::store::courts::Court;
use serde_json::{Value, json};

use crate::harness::{App, Client};
use crate::requests::{World, document, operations};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// All items of a list, page by page.
async fn items(client: &Client, target: &str) -> Vec<Value> {
    let separator = if target.contains('?') { '&' } else { '?' };
    let mut items = Vec::new();
    let mut next = format!("{target}{separator}limit=100");
    loop {
        let page = client.get(&next).await.expect(200);
        items.extend(page.body["items"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page.body["next_cursor"].as_str() else { return items };
        next = format!("{target}{separator}limit=100&cursor={cursor}");
    }
}

/// The lines of a file in NDJSON.
async fn lines(client: &Client, target: &str) -> Vec<Value> {
    let file = client.with_header("Accept", "application/x-ndjson").get(target).await.expect(200);
    assert_eq!(file.header("content-type"), "application/x-ndjson");
    file.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The records of a CSV file, its head first.
fn records(bytes: &[u8], separator: u8) -> Vec<Vec<String>> {
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).expect("a byte order mark");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(separator).from_reader(text);
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// A cell as an import reads it: without the one mark before a text.
fn cell(value: &Value) -> Vec<String> {
    match value {
        Value::Null => vec![String::new()],
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\'', '\t', '\r']) => vec![format!("'{text}")],
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

#[tokio::test]
async fn a_file_of_a_list_shows_to_everybody_what_its_pages_show_and_no_more() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let document = document();
    let is_list = |item: &Value| item["responses"]["200"]["content"].get("application/x-ndjson").is_some();
    let lists: Vec<_> = operations(&document).into_iter().filter(|one| one.id.starts_with("list_")).collect();
    assert!(lists.iter().all(|one| is_list(&one.item)), "a list that is no file");
    assert!(lists.len() >= 26, "{}", lists.len());
    let mut compared = 0;
    for (role, login) in &world.people {
        let client = app.log_in(login).await;
        for list in &lists {
            let target = world.request(&document, list).target();
            let page = client.get(&target).await;
            let file = client.with_header("Accept", "application/x-ndjson").get(&target).await;
            assert_eq!(page.status, file.status, "{} as {role}", list.id);
            if page.status != 200 {
                assert_eq!(page.code(), file.code(), "{} as {role}", list.id);
                continue;
            }
            compared += 1;
            let shown = items(&client, &target).await;
            let mut filed = lines(&client, &target).await;
            // An export is on record before a row of it is read.
            let is_growing = ["list_audit_entries", "list_evaluation_entries"].contains(&list.id.as_str());
            if is_growing {
                filed.truncate(shown.len());
            }
            assert_eq!(filed, shown, "{} as {role}", list.id);
            let csv = client.with_header("Accept", "text/csv").with_header("Accept-Language", "en").get(&target).await;
            let records = records(&csv.bytes, b',');
            let (head, rows) = records.split_first().unwrap();
            assert!(rows.len() == shown.len() || is_growing, "{} as {role}: {} rows", list.id, rows.len());
            for (row, item) in rows.iter().zip(&shown) {
                let item = item.as_object().unwrap();
                assert_eq!(head.len(), item.len(), "{} as {role}: {head:?}", list.id);
                for (name, found) in head.iter().zip(row) {
                    let expected = item.get(name).unwrap_or_else(|| panic!("{}: no {name} on the page", list.id));
                    let same = match expected {
                        Value::Array(_) | Value::Object(_) => {
                            serde_json::from_str::<Value>(found).unwrap() == *expected
                        }
                        plain => cell(plain).contains(found),
                    };
                    assert!(same, "{} as {role}: {name} is {found}, not {expected}", list.id);
                }
            }
        }
    }
    assert!(compared > 50, "only {compared} lists were let through");
}

#[tokio::test]
async fn no_text_of_a_file_begins_like_a_formula() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    for name in ["=HYPERLINK(\"http://x\")", "+7 727", "-1+1", "@SUM(A1)", "'кавычка", "a;b,\"c\"", "Әділет"]
    {
        let body = json!({"name_kk": name, "name_ru": name, "level": "district", "region": "astana", "posts": 20});
        secretary.post("/v1/courts", body).await.expect(201);
    }
    let shown = items(&secretary, "/v1/courts").await;

    for (language, separator) in [("kk", b';'), ("ru", b';'), ("en", b',')] {
        let asking = secretary.with_header("Accept", "text/csv").with_header("Accept-Language", language);
        let file = asking.get("/v1/courts").await.expect(200);
        assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(file.header("content-language"), language);
        assert!(file.text.ends_with("\r\n"), "lines end with CR and LF");
        let records = records(&file.bytes, separator);
        let at = records[0].iter().position(|name| name == "name_kk").unwrap();
        let names: Vec<&str> = records[1..].iter().map(|record| record[at].as_str()).collect();
        assert_eq!(names.len(), shown.len());
        for (name, item) in names.iter().zip(&shown) {
            assert!(!name.starts_with(['=', '+', '-', '@', '\t', '\r']), "{name}");
            let read = name.strip_prefix('\'').unwrap_or(name);
            assert_eq!(read, item["name_kk"].as_str().unwrap(), "taking one mark off gives the text back");
        }
        let posts = records[0].iter().position(|name| name == "posts").unwrap();
        assert_eq!(records[1][posts], "20");
    }
}

#[tokio::test]
async fn a_spreadsheet_holds_texts_as_texts_and_numbers_as_numbers() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let body = json!({"name_kk": "=1+1", "name_ru": "Суд", "level": "district", "region": "astana", "posts": 20});
    secretary.post("/v1/courts", body).await.expect(201);

    let file = secretary.with_header("Accept", XLSX).get("/v1/courts").await.expect(200);
    let again = secretary.with_header("Accept", XLSX).get("/v1/courts").await.expect(200);

    assert_eq!(file.header("content-type"), XLSX);
    assert_eq!(file.bytes, again.bytes, "the same rows at the same time are the same bytes");
    let path = app.db.folder().join("courts.xlsx");
    std::fs::write(&path, &file.bytes).unwrap();
    let script = "import sys,zipfile;print(zipfile.ZipFile(sys.argv[1]).read('xl/worksheets/sheet1.xml').decode())";
    let output = Command::new("python3").arg("-c").arg(script).arg(&path).output().unwrap();
    let sheet = String::from_utf8(output.stdout).unwrap();
    assert!(sheet.contains("<t>=1+1</t>") && !sheet.contains("<f>"), "{sheet}");
    assert!(sheet.contains("<v>20</v>") && sheet.contains("<t>name_kk</t>") && sheet.contains("state=\"frozen\""));
}

#[tokio::test]
async fn a_file_has_a_name_in_the_callers_language_and_takes_no_page() {
    let app = App::start().await;
    let secretary = app.secretary().await.with_header("Accept-Language", "kk");
    let asking = secretary.with_header("Accept", "text/csv");

    let file = asking.get("/v1/judges").await.expect(200);
    let page = secretary.get("/v1/judges").await.expect(200);
    let limited = asking.get("/v1/judges?limit=5").await.expect_problem(400, "malformed");
    let unknown = asking.get("/v1/judges?iin=1").await.expect_problem(400, "malformed");

    let name = "attachment; filename=\"judges-2027-01-11.csv\"; filename*=UTF-8''";
    let encoded = file.header("content-disposition").strip_prefix(name).unwrap_or_else(|| panic!("{:?}", file.headers));
    assert!(encoded.starts_with("%D0%A1") && encoded.ends_with("%202027-01-11.csv"), "{encoded}");
    let vary: Vec<_> = page.headers.get_all("vary").iter().collect();
    assert!(vary.iter().any(|value| *value == "Accept"), "{vary:?}");
    assert_eq!(limited.faults(), [("limit".to_owned(), "mismatch".to_owned())]);
    assert_eq!(unknown.faults(), [("iin".to_owned(), "unknown".to_owned())]);
}

#[tokio::test]
async fn a_judge_sees_the_exports_that_named_the_judge() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let secretary = app.secretary().await;
    let csv = secretary.with_header("Accept", "text/csv");
    secretary.get("/v1/judges").await.expect(200);
    csv.get("/v1/judges").await.expect(200);
    csv.get(&format!("/v1/judges/{}/observations?purpose=correction", judge.id)).await.expect(200);
    judge.client(&app).await.with_header("Accept", "text/csv").get(&format!("/v1/judges/{}/acts", judge.id)).await;

    let seen = async |judge: &crate::harness::Judge| {
        let entries = items(&judge.client(&app).await, &format!("/v1/judges/{}/access-entries", judge.id)).await;
        let told = entries.iter().map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            (entry["number"].as_i64().unwrap(), text("act"), text("purpose"))
        });
        told.collect::<Vec<_>>()
    };
    let row = |number: i64, act: &str, purpose: &str| (number, act.to_owned(), purpose.to_owned());
    assert_eq!(
        seen(&judge).await,
        [row(2, "export_observations", "correction"), row(1, "export_judges", "personnel")],
        "a page of names is no reading, and the judge's own export is not among them"
    );
    assert_eq!(seen(&other).await, [row(1, "export_judges", "personnel")]);
}

/// Adds so many courts past HTTP.
async fn add_courts(app: &App, count: usize) {
    let now = app.clock.now();
    let adding = move |conn: &mut Conn| {
        for number in 0..count {
            let court = Court {
                id: CourtId(ids::new_at(now)),
                name_kk: format!("Сот {number}"),
                name_ru: format!("Суд {number}"),
                name_en: None,
                level: CourtLevel::District,
                region: "astana".to_owned(),
                posts: 5,
                batch_id: None,
                version: 1,
                specialisations: Specialisations::default(),
            };
            ejf::store::courts::insert(conn, &court)?;
        }
        Ok(())
    };
    app.registry().0.write(adding).await.unwrap();
}

#[tokio::test]
async fn a_list_too_long_for_one_answer_is_ordered_as_a_file_that_expires() {
    let app = App::start().await;
    add_courts(&app, 10_001).await;
    let secretary = app.secretary().await;
    let asking = secretary.with_header("Accept", "application/x-ndjson");
    asking.get("/v1/courts").await.expect_problem(422, "export_too_large");
    let order = json!({"list": "/v1/courts?region=astana", "format": "ndjson", "purpose": "personnel"});

    let asked = secretary.with_key("order-1").post("/v1/exports", order.clone()).await.expect(202);
    let location = asked.header("location").to_owned();
    let repeated = secretary.with_key("order-1").post("/v1/exports", order.clone()).await.expect(202);
    let done = secretary.ended_export(&location).await;
    let file = secretary.get(&format!("{location}/file")).await.expect(200);

    assert_eq!(asked.header("retry-after"), "2");
    assert_eq!(repeated.id(), asked.id(), "a repeat orders nothing twice");
    assert_eq!((&done["state"], &done["row_count"]), (&json!("done"), &json!(10_001)), "{done}");
    assert_eq!(file.text.lines().count(), 10_001);
    assert_eq!(done["byte_count"], json!(file.bytes.len()));
    let kept: PathBuf = app.config().export_dir.join(asked.id());
    assert!(kept.is_file());
    app.staff(StaffRole::Secretary).await.get(&location).await.expect_problem(404, "not_found");
    app.staff(StaffRole::Secretary).await.get(&format!("{location}/file")).await.expect_problem(404, "not_found");

    app.clock.advance(TimeDelta::hours(24));
    let secretary = app.secretary().await;
    secretary.get(&format!("{location}/file")).await.expect_problem(404, "not_found");
    let next = secretary.post("/v1/exports", order).await.expect(202);
    secretary.ended_export(next.header("location")).await;
    assert_eq!(secretary.get(&location).await.expect(200).body["state"], "expired");
    assert!(!kept.exists(), "the file is deleted with the order's time");
}

#[tokio::test]
async fn an_order_is_refused_as_its_list_is_and_names_no_other_things() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let secretary = app.secretary().await;
    let order = |list: &str, purpose: &str| json!({"list": list, "format": "csv", "purpose": purpose});
    let own = format!("/v1/judges/{}/observations", judge.id);

    for list in ["/v1/judges?limit=5", "/v1/judges?cursor=x", "/v1/nothing", "/v1/courts?iin=1", "https://x/v1/judges"]
    {
        let refused = secretary.post("/v1/exports", order(list, "personnel")).await.expect_problem(422, "invalid");
        assert_eq!(refused.faults(), [("/list".to_owned(), "format".to_owned())], "{list}");
    }
    secretary.post("/v1/exports", order("/v1/judges", "own_file")).await.expect_problem(403, "forbidden");
    secretary.post("/v1/exports", order("/v1/audit-entries", "personnel")).await.expect_problem(403, "forbidden");
    let stranger = other.client(&app).await;
    stranger.post("/v1/exports", order(&own, "personnel")).await.expect_problem(404, "not_found");
    let mine = judge.client(&app).await.post("/v1/exports", order(&own, "own_file")).await.expect(202);
    assert_eq!(mine.body["purpose"], "own_file");
}

#[tokio::test]
async fn a_file_is_not_fetched_by_whoever_may_no_longer_read_the_list() {
    let app = App::start().await;
    let account = app.member(StaffRole::Auditor).await;
    let auditor = account.client(&app).await;
    let asked =
        auditor.post("/v1/exports", json!({"list": "/v1/judges", "format": "csv", "purpose": "personnel"})).await;
    let location = asked.expect(202).header("location").to_owned();
    let done = auditor.ended_export(&location).await;
    assert_eq!(done["state"], "done", "{done}");
    let administrator = app.staff(StaffRole::Administrator).await;
    let path = format!("/v1/accounts/{}", account.account_id);
    administrator.if_match(1).patch(&path, json!({"staff_role": "member"})).await.expect(200);

    auditor.get(&format!("{location}/file")).await.expect_problem(403, "forbidden");
}
