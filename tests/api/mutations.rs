//! Valid requests of every operation, damaged in every way that a caller could think of: never a 5xx, never an answer
//! that is not declared, and what is refused has written nothing. A newcomer's usual mistake is to add a case here for
//! one operation; what is damaged comes from the document, so a new operation is in from its first day.

pub mod seeded;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use ejf::db::Conn;
use ejf::error::Error;
use ejf::on;
use futures_util::FutureExt;
use reqwest::Method;
use seeded::Seeded;
use serde_json::{Value, json};

use crate::ballot_storage::rows;
use crate::harness::ballot_round::BallotRound;
use crate::harness::{App, Client};
use crate::requests::{Operation, Request, World, body_schema, document, operations};

/// Each of them gets every kind of damage for every operation; the judge reads the own file before a secretary changes it.
const CALLERS: [&str; 6] = ["administrator", "judge", "secretary", "member", "appeal_member", "auditor"];

/// Operations that find nothing here, are for machines, or take bytes, which is not sent here; other tests show that they do.
const NOTHING_YET: [&str; 24] = [
    "acknowledge_event",
    "add_reading_text",
    "create_document",
    "create_import",
    "get_checkpoint",
    "get_complaints",
    "get_draw_record",
    "get_export",
    "get_export_file",
    "get_job",
    "get_leaves",
    "get_ledger",
    "get_ledger_of_generation",
    "get_manifest",
    "get_manifest_note",
    "get_manifest_of_generation",
    "get_my_reading_packs",
    "get_packs",
    "get_result",
    "get_result_figure",
    "get_retention_run",
    "issue_token",
    "list_tombstones",
    "recuse_assignment",
];

/// Bytes of a submission to the box.
const SUBMISSION_BYTES: usize = 8192;

/// A request on its way to be damaged; its body may by now be no JSON at all.
struct Damaged {
    request: Request,
    bytes: Option<Vec<u8>>,
}

/// One way to damage a request.
type Damage = fn(&mut Damaged, &mut Seeded);

const OF_ALL: &[(&str, Damage)] = &[
    ("query", damage_query),
    ("query_again", damage_query),
    ("path", damage_path),
    ("path_again", damage_path),
    ("header", damage_header),
    ("header_again", damage_header),
    ("no_headers", |damaged, _| damaged.request.headers.clear()),
    ("as_it_is", |_, _| {}),
];

const OF_BODIES: &[(&str, Damage)] = &[
    ("drop", |damaged, seeded| change_field(damaged, seeded, |_| None)),
    ("null", |damaged, seeded| change_field(damaged, seeded, |_| Some(Value::Null))),
    ("type", |damaged, seeded| {
        let other = [json!(1), json!("x"), json!([]), json!({}), json!(true), json!(1.5)];
        let other = seeded.pick(&other).clone();
        change_field(damaged, seeded, move |_| Some(other));
    }),
    ("text", |damaged, seeded| {
        let odd = [
            "",
            " ",
            "\u{0}",
            "\u{7f}\u{1b}[2J",
            "\u{202e}\u{feff}",
            "👩‍⚖️",
            "'; DROP TABLE judges; --",
            "%_%",
            "../..",
            "0",
        ];
        let odd = seeded.pick(&odd).to_string();
        change_field(damaged, seeded, move |_| Some(Value::String(odd)));
    }),
    ("huge_text", |damaged, seeded| change_field(damaged, seeded, |_| Some(json!("ә".repeat(20_000))))),
    ("number", |damaged, seeded| {
        let odd = [json!(-1), json!(0), json!(i64::MAX), json!(i64::MIN), json!(u64::MAX), json!(1e308), json!(-0.0)];
        let odd = seeded.pick(&odd).clone();
        change_field(damaged, seeded, move |_| Some(odd));
    }),
    ("date", |damaged, seeded| {
        let odd = [
            "0000-01-01",
            "9999-12-31",
            "2027-02-30",
            "-0001-01-01",
            "+262142-12-31",
            "2027-01-11T00:00:00Z",
            "2026-Q5",
            "9999-Q4",
        ];
        let odd = seeded.pick(&odd).to_string();
        change_field(damaged, seeded, move |_| Some(Value::String(odd)));
    }),
    ("many", |damaged, seeded| change_field(damaged, seeded, |value| Some(Value::Array(vec![value; 500])))),
    ("id", |damaged, seeded| {
        let odd = [
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "019477A2-5C1E-7B3D-9E10-4F2A6C8D0B11",
        ];
        let odd = seeded.pick(&odd).to_string();
        change_field(damaged, seeded, move |_| Some(Value::String(odd)));
    }),
    ("extra", |damaged, _| {
        if let Some(Value::Object(body)) = &mut damaged.request.body {
            body.insert("is_admin".to_owned(), Value::Bool(true));
        }
    }),
    ("deep", |damaged, seeded| {
        change_field(damaged, seeded, |value| Some((0..60).fold(value, |inner, _| json!([inner]))));
    }),
    ("twice", |damaged, _| {
        let text = damaged.request.body.as_ref().unwrap().to_string();
        damaged.bytes = Some(text.replacen('{', &format!("{{{},", first_member(&text)), 1).into_bytes());
    }),
    ("cut", |damaged, seeded| {
        let mut bytes = damaged.request.body.as_ref().unwrap().to_string().into_bytes();
        bytes.truncate(usize::try_from(seeded.next()).unwrap() % bytes.len());
        damaged.bytes = Some(bytes);
    }),
    ("noise", |damaged, seeded| damaged.bytes = Some((0..200).map(|_| seeded.next() as u8).collect())),
    ("broken_utf8", |damaged, _| {
        let text = damaged.request.body.as_ref().unwrap().to_string();
        let at = text.rfind('"').unwrap_or(0);
        damaged.bytes = Some([&text.as_bytes()[..at], b"\xc3\x28", &text.as_bytes()[at..]].concat());
    }),
    ("other_body", |damaged, seeded| {
        let other = ["", "null", "[]", "{}", "\"x\"", "5", "[[[", "{\"\":\"\"}", "\u{feff}{}"];
        damaged.bytes = Some(seeded.pick(&other).as_bytes().to_vec());
    }),
    ("oversize", |damaged, _| damaged.bytes = Some(vec![b' '; 65 * 1024])),
    ("content_type", |damaged, seeded| {
        let other =
            ["text/plain", "application/xml", "multipart/form-data; boundary=x", "", "application/json, text/html"];
        damaged.request.headers.push(("Content-Type".to_owned(), seeded.pick(&other).to_string()));
    }),
];

/// Puts another value in place of a field picked anywhere in the body; `None` takes the field out.
fn change_field(damaged: &mut Damaged, seeded: &mut Seeded, change: impl FnOnce(Value) -> Option<Value>) {
    let Some(body) = &mut damaged.request.body else { return };
    let mut pointers = Vec::new();
    collect_pointers(body, "", &mut pointers);
    if pointers.is_empty() {
        return;
    }
    let pointer = seeded.pick(&pointers).clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).unwrap() {
        Value::Object(members) => {
            let key = key.replace("~1", "/").replace("~0", "~");
            let old = members.remove(&key).unwrap();
            if let Some(new) = change(old) {
                members.insert(key, new);
            }
        }
        Value::Array(items) => {
            let index: usize = key.parse().unwrap();
            let old = items.remove(index);
            if let Some(new) = change(old) {
                items.insert(index, new);
            }
        }
        _ => unreachable!("only arrays and objects have members"),
    }
}

fn collect_pointers(value: &Value, at: &str, pointers: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.replace('~', "~0").replace('/', "~1"), member)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (name, member) in members {
        let pointer = format!("{at}/{name}");
        collect_pointers(member, &pointer, pointers);
        pointers.push(pointer);
    }
}

/// The first member of an object's text, as far as it is simple; a member of our own where there is none.
fn first_member(text: &str) -> String {
    let parsed: Value = serde_json::from_str(text).unwrap();
    let first = parsed.as_object().and_then(|members| members.iter().next());
    first.map_or_else(|| "\"a\":1".to_owned(), |(name, value)| format!("{}:{value}", json!(name)))
}

fn damage_query(damaged: &mut Damaged, seeded: &mut Seeded) {
    let odd = [
        "limit=-1",
        "limit=0",
        "limit=101",
        "limit=99999999999999999999",
        "limit=",
        "limit",
        "limit=1&limit=2",
        "limit=1.5",
        "cursor=",
        "cursor=AAAA",
        "cursor=%2e%2e",
        "cursor=%00",
        "cursor=%ff%fe",
        "cursor=!!!!",
        "unknown=1",
        "&&&",
        "=",
        "%00=1",
        "a[]=1",
        "purpose=x",
        "view=x",
        "region=%D3%99",
        "region=%00",
        "level=x",
        "indicator_code=%27",
    ];
    let long = format!("cursor={}", "A".repeat(4000));
    let odd = if seeded.next().is_multiple_of(26) { long.as_str() } else { seeded.pick(&odd) };
    odd.clone_into(&mut damaged.request.query);
}

fn damage_path(damaged: &mut Damaged, seeded: &mut Seeded) {
    let parts: Vec<&str> = damaged.request.path.split('/').collect();
    let is_id = |part: &&str| part.len() == 36 && part.contains('-');
    let Some(id) = parts.iter().copied().find(is_id).map(str::to_owned) else { return };
    let odd = [
        "00000000-0000-0000-0000-000000000000",
        "019477A2-5C1E-7B3D-9E10-4F2A6C8D0B11",
        "019477a25c1e7b3d9e104f2a6c8d0b11",
        "x",
        "-1",
        "%00",
        "%ff",
        "%2f",
        "%D3%99",
        "null",
        "%7B019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11%7D",
    ];
    let long = "9".repeat(3000);
    let odd = if seeded.next().is_multiple_of(12) { long.as_str() } else { seeded.pick(&odd) };
    damaged.request.path = damaged.request.path.replacen(&id, odd, 1);
}

fn damage_header(damaged: &mut Damaged, seeded: &mut Seeded) {
    let odd = [
        ("If-Match", "*"),
        ("If-Match", "\"\""),
        ("If-Match", "\"-1\""),
        ("If-Match", "\"9223372036854775807\""),
        ("If-Match", "\"9223372036854775808\""),
        ("If-Match", "1"),
        ("If-Match", "\"1\", \"2\""),
        ("If-Match", "ә"),
        ("If-None-Match", "\"1\", W/\"x\", ,"),
        ("Idempotency-Key", ""),
        ("Idempotency-Key", "a b"),
        ("Idempotency-Key", "ключ"),
        ("Accept-Language", ";;q=9"),
        ("Accept", "text/html"),
        ("X-Request-Id", "<x>"),
        ("Content-Encoding", "gzip"),
        ("Range", "bytes=0-1"),
        ("Cookie", "a=b"),
        ("X-Forwarded-For", "\u{ff}"),
    ];
    let (name, value) = *seeded.pick(&odd);
    damaged.request.headers.retain(|(known, _)| known != name);
    damaged.request.headers.push((name.to_owned(), value.to_owned()));
}

/// How many rows each table has.
type Rows = BTreeMap<String, i64>;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    value: i64,
}

/// The rows of every table of the registry but the failed log-ins, which are counted where a log-in is refused.
async fn db_rows(app: &App) -> Rows {
    let count = |conn: &mut Conn| {
        let tables = match conn {
            Conn::Sqlite(_) => "SELECT name, 0 AS value FROM sqlite_master WHERE type = 'table'",
            Conn::Postgres(_) => {
                "SELECT table_name::text AS name, 0::bigint AS value FROM information_schema.tables \
                 WHERE table_schema = current_schema()"
            }
        };
        let ask = |conn: &mut Conn, query: &str| -> ejf::error::Result<Vec<Count>> {
            on!(conn, |c| { diesel::sql_query(query).load(c).map_err(Error::Sql) })
        };
        let tables = ask(conn, tables)?.into_iter().map(|table| table.name).filter(|name| name != "login_attempts");
        let counts = tables.map(|name| format!("SELECT '{name}' AS name, count(*) AS value FROM {name}"));
        ask(conn, &counts.collect::<Vec<_>>().join(" UNION ALL "))
    };
    let counts = app.registry().0.read(count).await.unwrap();
    let counts: Rows = counts.into_iter().map(|count| (count.name, count.value)).collect();
    assert!(counts.len() > 25 && counts.contains_key("audit_entries"), "{counts:?}");
    counts
}

/// Sends a damaged request; gives its status, or what is wrong with how it was answered. `rows` are those before it, and
/// then those after it.
async fn send_damaged(
    app: &App,
    client: &Client,
    operation: &Operation,
    damaged: Damaged,
    rows: &mut Rows,
) -> Result<u16, String> {
    let Damaged { request, bytes } = damaged;
    let body = bytes.or_else(|| request.body.as_ref().map(|body| body.to_string().into_bytes()));
    let sender = request.headers.iter().fold(client.clone(), |sender, (name, value)| sender.with_header(name, value));
    let shown = body.as_deref().map(|body| String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned());
    let told = format!("{} {} {:?} {shown:?}", request.method, request.target(), request.headers);
    // The client holds each answer against the document and stops where it does not fit.
    let sent = AssertUnwindSafe(sender.send(request.method.clone(), &request.target(), body)).catch_unwind().await;
    let Ok(answer) = sent else { return Err(format!("{told}\nwas answered as the document does not say")) };
    if answer.status >= 500 {
        return Err(format!("{told}\n{} {}", answer.status, answer.text));
    }
    // What is ordered is made after the answer, and is on record then.
    if operation.id == "create_export" && answer.status == 202 {
        client.ended_export(answer.header("location")).await;
    }
    let after = db_rows(app).await;
    let before = std::mem::replace(rows, after);
    let is_audited = rows["audit_entries"] > before["audit_entries"];
    // A refresh token that is used twice ends its log-in: that refusal is an act.
    let may_write = answer.status < 400 || operation.id == "refresh_session";
    if !may_write && *rows != before {
        let changed: Vec<_> = rows.iter().filter(|(table, count)| before[*table] != **count).collect();
        return Err(format!("{told}\n{} has written to {changed:?}", answer.status));
    }
    let is_act = operation.method != Method::GET;
    if is_act && answer.status < 300 && !is_audited {
        return Err(format!("{told}\n{} is not in the audit log", answer.status));
    }
    Ok(answer.status)
}

#[tokio::test]
async fn a_damaged_request_is_refused_as_declared_and_writes_nothing() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let document = document();
    let mut faults = Vec::new();
    let mut never_through: BTreeSet<String> = operations(&document).into_iter().map(|operation| operation.id).collect();
    for caller in CALLERS {
        let (_, login) = world.people.iter().find(|(known, _)| *known == caller).unwrap();
        let mut client = app.log_in(login).await;
        let mut rows = db_rows(&app).await;
        for operation in operations(&document) {
            let has_body = body_schema(&document, &operation).is_some();
            let of_body = if has_body { OF_BODIES } else { &[] };
            // By its name, so that a new operation changes nothing of what the others are sent.
            let mut seeded = Seeded::of(&format!("{caller} {}", operation.id));
            for (kind, damage) in OF_ALL.iter().chain(of_body) {
                let mut damaged = Damaged { request: world.request(&document, &operation), bytes: None };
                damage(&mut damaged, &mut seeded);
                match send_damaged(&app, &client, &operation, damaged, &mut rows).await {
                    Err(fault) => faults.push(format!("{} as {caller}, {kind}: {fault}", operation.id)),
                    Ok(status) => {
                        if matches!(status, 200..300 | 409 | 412 | 422 | 428) {
                            never_through.remove(&operation.id);
                        }
                        // Some operations end the log-in that the next attempt would need.
                        if status < 300 && operation.id.ends_with("_session") {
                            client = app.log_in(login).await;
                            rows = db_rows(&app).await;
                        }
                    }
                }
            }
        }
        client.get("/v1/me").await.expect(200);
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n\n"));
    assert!(never_through.iter().eq(&NOTHING_YET), "these got past authorisation for nobody: {never_through:?}");
}

/// Makes a submission as long as the box wants it, so that more than its length is looked at: by the zeros of its pad
/// where it has them, by blanks otherwise.
fn fit(mut bytes: Vec<u8>) -> Vec<u8> {
    let mark = b"\"pad\":\"";
    let pad = bytes.windows(mark.len()).position(|window| window == mark).map(|at| at + mark.len());
    while bytes.len() != SUBMISSION_BYTES {
        let is_short = bytes.len() < SUBMISSION_BYTES;
        match pad {
            Some(at) if is_short => bytes.insert(at, b'0'),
            Some(at) if bytes.get(at) == Some(&b'0') => drop(bytes.remove(at)),
            None if is_short => bytes.push(b' '),
            Some(_) | None => break,
        }
    }
    bytes
}

#[tokio::test]
async fn a_damaged_review_is_refused_in_one_size_and_the_box_keeps_nothing_of_it() {
    let mut app = App::start().await;
    let round = BallotRound::publish(&app.publication());
    app.go_to("2027-02-20");
    let anonymous = app.anonymous_box();
    anonymous.submit(&round.reviewer().review(&round, &[])).await.expect(202);
    let sound = round.reviewer().review(&round, &[]).to_submission().unwrap();
    let path = "/v1/anon/reviews";
    let request = Request {
        method: Method::POST,
        path: path.to_owned(),
        query: String::new(),
        headers: Vec::new(),
        body: Some(serde_json::from_slice(&sound).unwrap()),
        is_real: true,
    };
    let mut seeded = Seeded(20_270_220);
    let mut faults = Vec::new();
    let mut statuses = BTreeSet::new();
    for _ in 0..12 {
        for (kind, damage) in OF_BODIES {
            let mut damaged = Damaged { request: request.clone(), bytes: None };
            damage(&mut damaged, &mut seeded);
            let Damaged { request, bytes } = damaged;
            let bytes = fit(bytes.unwrap_or_else(|| request.body.unwrap().to_string().into_bytes()));
            if bytes == sound && request.headers.is_empty() {
                // The damage put in what was there.
                continue;
            }
            let mut client = anonymous.clone();
            for (name, value) in &request.headers {
                client = client.with_header(name, value);
            }
            let told = String::from_utf8_lossy(&bytes[..bytes.len().min(2500)]).into_owned();
            // The client looks at what every answer of the box must be and stops where it is not so.
            let sent = AssertUnwindSafe(client.send(Method::POST, path, Some(bytes))).catch_unwind().await;
            match sent {
                Ok(answer) if (400..500).contains(&answer.status) => drop(statuses.insert(answer.status)),
                Ok(answer) => faults.push(format!("{kind}: {} {}\n{told}", answer.status, answer.body)),
                Err(_) => faults.push(format!("{kind}: an answer that the box never gives\n{told}")),
            }
        }
    }

    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n\n"));
    assert!(statuses.len() >= 4, "the damage was found at few steps alone: {statuses:?}");
    let kept = [rows(&mut app, "review").await.len(), rows(&mut app, "superseded").await.len()];
    anonymous.post(sound).await.expect(202);
    assert_eq!((kept, rows(&mut app, "review").await.len()), ([1, 0], 2));
}
