//! How staff find judges, evaluations and what is due; and that no list reads a whole table for a page.

use std::sync::{Arc, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::Text;
use ejf::db::{Conn, Db, Purpose};
use ejf::domain::ids::{AccountId, JudgeId, SessionId};
use ejf::domain::judge_file::FilePurpose;
use ejf::domain::policy::{Actor, StaffRole};
use ejf::texts::Language;
use serde_json::{Value, json};

use crate::harness::{App, Client, Judge};
use crate::requests::{World, document, operations};

async fn ids_of(client: &Client, target: &str) -> Vec<String> {
    let page = client.get(target).await.expect(200);
    page.body["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn judges_are_found_by_the_post_that_they_hold_today() {
    let app = App::start().await;
    let almaty = app.court("Алмалы аудандық соты").await;
    let astana = app.court_in("astana", "Есіл аудандық соты").await;
    let (one, two, three) = (app.judge_at(&almaty).await, app.judge_at(&astana).await, app.judge_at(&almaty).await);
    let without = app.judge().await;
    app.end_post(&three, "2026-12-31").await;
    let secretary = app.secretary().await;
    // Those of one millisecond stand in the order of their ids, which nobody chose.
    let found = async |query: &str| {
        let mut found = ids_of(&secretary, &format!("/v1/judges?{query}")).await;
        found.sort();
        found
    };
    let of = |judges: &[&Judge]| {
        let mut ids: Vec<String> = judges.iter().map(|judge| judge.id.to_string()).collect();
        ids.sort();
        ids
    };

    assert_eq!(found("").await, of(&[&one, &two, &three, &without]));
    assert_eq!(found(&format!("court_id={almaty}")).await, of(&[&one]), "whose post has ended is not there");
    assert_eq!(found("region=astana").await, of(&[&two]));
    assert_eq!(found("level=district").await, of(&[&one, &two]));
    assert_eq!(found("level=supreme").await, of(&[]));
    assert_eq!(found("region=astana&level=regional").await, of(&[]));
    assert_eq!(found("position_kind=judge").await, of(&[&one, &two]));
    assert_eq!(found("position_kind=court_chair").await, of(&[]));
}

#[tokio::test]
async fn judges_are_found_by_what_the_post_that_they_hold_is_specialised_in() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let almaty = app.court("Алмалы аудандық соты").await;
    let astana = app.court_in("astana", "Есіл аудандық соты").await;
    let [one, two, three] = [app.judge().await, app.judge().await, app.judge().await];
    let post = async |judge: &Judge, court: &str, specialisations: Value, ends_on: Value| {
        let body = json!({"court_id": court, "kind": "judge", "starts_on": "2015-03-02", "ends_on": ends_on,
            "specialisations": specialisations, "source_system": "hr", "as_of": "2027-01-10"});
        secretary.post(&format!("/v1/judges/{}/positions", judge.id), body).await.expect(201)
    };
    let told = post(&one, &almaty, json!(["juvenile", "civil", "civil"]), Value::Null).await;
    post(&two, &astana, json!(["civil"]), Value::Null).await;
    post(&three, &almaty, json!(["military"]), json!("2026-12-31")).await;
    let found = async |query: &str| ids_of(&secretary, &format!("/v1/judges?{query}")).await;
    let id = |judge: &Judge| judge.id.to_string();

    assert_eq!(told.body["specialisations"], json!(["civil", "juvenile"]), "each once, in one order");
    assert_eq!(found("specialisation=juvenile").await, [id(&one)]);
    assert_eq!(found("specialisation=civil&sort=full_name_kk").await.len(), 2);
    assert_eq!(found("specialisation=civil&region=astana").await, [id(&two)]);
    assert_eq!(found("specialisation=civil&position_kind=court_chair").await, [""; 0]);
    assert_eq!(found("specialisation=military").await, [""; 0], "whose post has ended is not there");
    let unknown = secretary.get("/v1/judges?specialisation=tax").await.expect(400);
    assert_eq!(unknown.faults(), [("specialisation".to_owned(), "one_of".to_owned())]);

    // What a record said that was replaced is said no more, and the summary says what is.
    let moved = json!({"court_id": almaty, "kind": "judge", "starts_on": "2015-03-02", "specialisations": ["economic"],
        "source_system": "hr", "as_of": "2027-01-10", "supersedes_id": told.id()});
    secretary.post(&format!("/v1/judges/{}/positions", one.id), moved).await.expect(201);
    assert_eq!(found("specialisation=juvenile").await, [""; 0]);
    assert_eq!(found("specialisation=economic").await, [id(&one)]);
    let summary = secretary.get_for("personnel", &format!("/v1/judges/{}/file", one.id)).await.expect(200);
    assert_eq!(summary.body["positions"][0]["specialisations"], json!(["economic"]));
}

#[tokio::test]
async fn many_judges_of_a_level_are_walked_with_the_same_answer() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let court = app.court("Алмалы аудандық соты").await;
    let judge = app.judge_at(&court).await;
    app.judge().await;
    // Posts enough that their holders are not read at once.
    for number in 0..6 {
        let name = format!("Сот {number}");
        let body = json!({"name_kk": name, "name_ru": name, "level": "district", "region": "astana", "posts": 400});
        secretary.post("/v1/courts", body).await.expect(201);
    }

    let record = json!({"court_id": court, "kind": "panel_chair", "starts_on": "2015-03-02",
        "specialisations": ["economic"], "source_system": "hr", "as_of": "2027-01-10"});
    secretary.post(&format!("/v1/judges/{}/positions", judge.id), record).await.expect(201);

    let queries = [
        "level=district",
        "level=district&position_kind=judge",
        "level=district&sort=full_name_ru",
        "level=district&specialisation=economic",
    ];
    for query in queries {
        assert_eq!(ids_of(&secretary, &format!("/v1/judges?{query}")).await, [judge.id.to_string()], "{query}");
    }
    for query in ["position_kind=court_chair", "specialisation=civil", "position_kind=judge&specialisation=economic"] {
        let none = ids_of(&secretary, &format!("/v1/judges?level=district&{query}")).await;
        assert_eq!(none, [""; 0], "{query}");
    }
}

#[tokio::test]
async fn judges_stand_in_the_order_that_is_asked_for_page_by_page() {
    let app = App::start().await;
    for _ in 0..7 {
        app.judge().await;
    }
    let secretary = app.secretary().await;
    for sort in ["added", "full_name_kk", "full_name_ru", "first_appointed_on"] {
        let whole = secretary.get(&format!("/v1/judges?sort={sort}")).await.expect(200).body["items"].clone();
        let mut paged: Vec<Value> = Vec::new();
        let mut next = format!("/v1/judges?sort={sort}&limit=2");
        loop {
            let page = secretary.get(&next).await.expect(200);
            paged.extend(page.body["items"].as_array().unwrap().iter().cloned());
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            next = format!("/v1/judges?sort={sort}&limit=2&cursor={cursor}");
        }
        assert_eq!(json!(paged), whole, "{sort}");
        // Each engine compares texts by its own rules; of days both think alike.
        if sort == "first_appointed_on" {
            let days: Vec<&str> = paged.iter().map(|item| item[sort].as_str().unwrap()).collect();
            assert!(days.is_sorted(), "{days:?}");
        }
    }
    let first = secretary.get("/v1/judges?sort=full_name_kk&limit=2").await.expect(200);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let other = secretary.get(&format!("/v1/judges?sort=full_name_ru&limit=2&cursor={cursor}")).await;
    other.expect_problem(400, "bad_cursor");
}

#[tokio::test]
async fn nothing_that_is_hidden_can_be_filtered_or_sorted_by() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    for query in ["iin=850101424712", "birth_date=1985-01-01", "full_name_kk=x", "offset=1"] {
        secretary.get(&format!("/v1/judges?{query}")).await.expect_problem(400, "malformed");
    }
    for sort in ["iin", "iin_hash", "birth_date", "version", "-added", "level"] {
        secretary.get(&format!("/v1/judges?sort={sort}")).await.expect_problem(400, "malformed");
    }
    // Whoever may not list judges learns nothing by a filter either.
    app.staff(StaffRole::Member).await.get("/v1/judges?region=astana").await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn what_is_due_first_comes_first_and_each_page_of_it_is_a_reading() {
    let app = App::start().await;
    let (one, two) = (app.judge().await, app.judge().await);
    let secretary = app.secretary().await;
    let mut asked = Vec::new();
    for (judge, days) in [(&one, 0), (&two, 3)] {
        app.clock.advance(chrono::TimeDelta::days(days));
        let secretary = app.secretary().await;
        let file = format!("/v1/judges/{}", judge.id);
        let value = json!({"indicator_code": "resolved", "category": "civil", "period": "2026-Q1", "numerator": 7,
            "source_system": "toerelik", "as_of": "2026-04-05"});
        let observation = secretary.post(&format!("{file}/observations"), value).await.expect(201).id();
        let claim = json!({"record_type": "observation", "record_id": observation, "claim": "Олай емес."});
        let made = judge.client(&app).await.post(&format!("{file}/correction-requests"), claim).await.expect(201);
        asked.push((made.id(), made.body["due_on"].as_str().unwrap().to_owned()));
    }
    drop(secretary);
    let secretary = app.secretary().await;

    let first = secretary.get("/v1/correction-requests?limit=1").await.expect(200);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = secretary.get(&format!("/v1/correction-requests?limit=1&cursor={cursor}")).await.expect(200);
    let soon = ids_of(&secretary, &format!("/v1/correction-requests?due_by={}", asked[0].1)).await;

    assert_eq!(first.body["items"][0]["id"], json!(asked[0].0));
    assert_eq!(second.body["items"][0]["id"], json!(asked[1].0));
    assert_eq!(second.body["next_cursor"], Value::Null);
    assert_eq!(soon, [asked[0].0.clone()]);
    assert_eq!(ids_of(&secretary, "/v1/correction-requests?status=accepted").await, [""; 0]);
    let entries = |judge: &crate::harness::Judge| format!("/v1/judges/{}/access-entries", judge.id);
    let read = one.client(&app).await.get(&entries(&one)).await.expect(200).body;
    assert_eq!(read["items"].as_array().unwrap().len(), 2, "the first page, and what is due soon: {read}");
    let read = two.client(&app).await.get(&entries(&two)).await.expect(200).body;
    assert_eq!(read["items"].as_array().unwrap().len(), 1, "the row beyond a page is not shown: {read}");
    assert_eq!(read["items"][0]["purpose"], "correction");
}

#[tokio::test]
async fn the_evaluations_of_a_cycle_are_found_by_their_state() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    plan.to_pool_review(&app).await;
    let secretary = app.secretary().await;
    let path = format!("/v1/cycles/{}/evaluations", plan.cycle_id);

    let all = ids_of(&secretary, &path).await;

    assert_eq!(ids_of(&secretary, &format!("{path}?state=pool_review")).await, all);
    assert_eq!(ids_of(&secretary, &format!("{path}?state=counted")).await, [""; 0]);
    secretary.get(&format!("{path}?state=lost")).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn a_region_tells_how_its_courts_are_staffed_and_what_is_under_way() {
    let app = App::start().await;
    let (first, second) = (app.court("Алмалы аудандық соты").await, app.court("Бостандық аудандық соты").await);
    app.court_in("astana", "Есіл аудандық соты").await;
    let judge = app.judge_at(&first).await;
    app.judge_at(&first).await;
    let secretary = app.secretary().await;
    let file = format!("/v1/judges/{}", judge.id);
    let value = json!({"indicator_code": "resolved", "category": "civil", "period": "2026-Q1", "numerator": 7,
        "source_system": "toerelik", "as_of": "2026-04-05"});
    let observation = secretary.post(&format!("{file}/observations"), value).await.expect(201).id();
    let claim = json!({"record_type": "observation", "record_id": observation, "claim": "Олай емес."});
    judge.client(&app).await.post(&format!("{file}/correction-requests"), claim).await.expect(201);

    let found = secretary.get("/v1/staffing-overviews?region=almaty_city&level=district").await.expect(200).body;

    let figures = |posts: i64, judges: i64, corrections: i64| {
        json!({"posts": posts, "judge_count": judges, "evaluations_under_way": 0,
            "open_correction_requests": corrections})
    };
    assert_eq!(found["figures"], figures(40, 2, 1));
    let mut courts: Vec<(&str, &Value)> = found["courts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|court| (court["court_id"].as_str().unwrap(), &court["figures"]))
        .collect();
    courts.sort_unstable_by_key(|(id, _)| *id != first);
    assert_eq!(courts, [(first.as_str(), &figures(20, 2, 1)), (second.as_str(), &figures(20, 0, 0))]);
}

/// The statements that a connection was asked to run.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl Instrumentation for Statements {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            let statement = text.split(" -- binds:").next().unwrap_or_default().to_owned();
            if statement.starts_with("SELECT") {
                self.0.lock().unwrap().push(statement);
            }
        }
    }
}

#[derive(QueryableByName)]
struct PostgresLine {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

#[derive(QueryableByName)]
struct SqliteLine {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// How an engine would find the rows of a statement whatever the values are.
fn plan(conn: &mut Conn, statement: &str) -> Vec<String> {
    match conn {
        Conn::Sqlite(c) => {
            let lines: Vec<SqliteLine> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(c).unwrap();
            lines.into_iter().map(|line| line.detail).collect()
        }
        Conn::Postgres(c) => {
            let count = (1..).take_while(|number| statement.contains(&format!("${number}"))).count();
            let nothing = vec!["NULL"; count].join(", ");
            let values = if count == 0 { String::new() } else { format!("({nothing})") };
            // Small tables are read whole because they are small: is there another way at all?
            let head = "SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan;";
            c.batch_execute(&format!("{head} PREPARE looked_at AS {statement}")).unwrap();
            let explain = format!("EXPLAIN (COSTS OFF) EXECUTE looked_at{values}");
            let lines: Vec<PostgresLine> = diesel::sql_query(explain).load(c).unwrap();
            c.batch_execute("DEALLOCATE looked_at").unwrap();
            lines.into_iter().map(|line| line.line).collect()
        }
    }
}

/// Whether a line says that a whole table is read: an order that an index has is walked, and ends at the page's end.
fn is_scan(line: &str) -> bool {
    let of_sqlite = line.starts_with("SCAN ") && !line.contains("USING INDEX") && !line.contains("COVERING INDEX");
    let of_postgres = line.contains("Seq Scan");
    // A value of constants, and the rows that an inner statement found, are no tables.
    (of_sqlite && !line.contains("CONSTANT ROW")) || of_postgres
}

#[tokio::test]
async fn no_list_reads_a_whole_table_for_a_page() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let document = document();
    let now = app.clock.now();
    let subject: JudgeId = world.ids["judge_id"].parse().unwrap();
    let mut targets = Vec::new();
    for list in operations(&document).iter().filter(|one| one.id.starts_with("list_")) {
        targets.push((list.id.clone(), world.request(&document, list).target()));
    }
    let court = &world.ids["court_id"];
    for filter in [
        format!("court_id={court}"),
        "level=district".into(),
        "position_kind=judge".into(),
        "specialisation=civil".into(),
    ] {
        targets.push(("list_judges".to_owned(), format!("/v1/judges?{filter}")));
    }
    for sort in ["full_name_kk", "full_name_ru", "first_appointed_on"] {
        targets.push(("list_judges".to_owned(), format!("/v1/judges?sort={sort}")));
    }
    let cycle = &world.ids["cycle_id"];
    targets.push(("list_evaluations".to_owned(), format!("/v1/cycles/{cycle}/evaluations?state=pool_review")));
    targets.push(("list_due_corrections".to_owned(), "/v1/correction-requests?due_by=2027-02-01".to_owned()));
    targets.push(("list_courts".to_owned(), "/v1/courts?region=almaty_city&level=district".to_owned()));
    let observations = format!("/v1/judges/{subject}/observations?indicator_code=resolved");
    targets.push(("list_observations".to_owned(), observations));

    let seen = Statements::default();
    let looking = seen.clone();
    let found = Db::examine(&app.db.registry, Purpose::Registry, move |conn| {
        match conn {
            Conn::Sqlite(c) => c.set_instrumentation(looking.clone()),
            Conn::Postgres(c) => c.set_instrumentation(looking.clone()),
        }
        let mut scans = Vec::new();
        for (id, target) in &targets {
            let mut is_read = false;
            for role in StaffRole::ALL.iter().copied().map(Some).chain([None]) {
                let nil = uuid::Uuid::nil();
                let judge_id = role.is_none().then_some(subject);
                let actor =
                    Actor { account_id: AccountId(nil), session_id: SessionId(nil), staff_role: role, judge_id };
                let purpose = if role.is_none() { FilePurpose::OwnFile } else { FilePurpose::Personnel };
                let listed = ejf::api::list_at(&actor, target, purpose, Language::En, now);
                let Ok(list) = listed else { continue };
                looking.0.lock().unwrap().clear();
                let Ok(rows) = list.rows(conn, None, 2) else { continue };
                is_read = true;
                if let Some(row) = rows.first() {
                    list.rows(conn, Some(&row.key), 2).unwrap();
                }
                let statements = std::mem::take(&mut *looking.0.lock().unwrap());
                for statement in statements {
                    for line in plan(conn, &statement) {
                        if is_scan(&line) {
                            scans.push(format!("{id} {target}: {line} in {statement}"));
                        }
                    }
                }
            }
            // Nothing is counted yet in the cycle of this world, and nothing was destroyed.
            let is_of_later = ["list_accepted_counts", "list_tombstones"].contains(&id.as_str());
            assert!(is_read || is_of_later, "{id}: nobody can read {target} for a file");
        }
        scans.sort();
        scans.dedup();
        Ok(scans)
    });
    let scans = found.unwrap().unwrap();
    assert!(scans.is_empty(), "\n{}", scans.join("\n"));
}
