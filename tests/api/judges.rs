//! Judges and their posts; above all, where an IIN does not go.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use ejf::db::Location;
use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::{App, invented_iin};

fn new_judge(iin: &str) -> Value {
    json!({
        "iin": iin, "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович",
        "first_appointed_on": "2015-03-02", "external_id": {"source_system": "toerelik", "value": "J-20417"},
    })
}

#[tokio::test]
async fn a_judge_is_added_once_and_the_iin_is_never_given_back() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let iin = invented_iin();

    let made = secretary.post("/v1/judges", new_judge(&iin)).await.expect(201);

    assert_eq!(made.header("location"), format!("/v1/judges/{}", made.id()));
    let mut again = new_judge(&iin);
    again["external_id"]["value"] = json!("J-20418");
    let again = secretary.post("/v1/judges", again).await.expect_problem(409, "already_exists");
    let one = secretary.get(&format!("/v1/judges/{}", made.id())).await.expect(200);
    let list = secretary.get("/v1/judges").await.expect(200);
    assert_eq!(one.body, made.body);
    assert_eq!(list.body["items"], json!([made.body]));
    for answer in [&made, &again, &one, &list] {
        assert!(!answer.text.contains(&iin) && !answer.text.contains("iin"), "{}", answer.text);
    }
}

#[tokio::test]
async fn every_fault_of_a_new_judge_is_named_without_repeating_the_iin() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let iin = invented_iin();
    let with = |field: &str, value: Value| {
        let mut body = new_judge(&iin);
        body[field] = value;
        body
    };
    let other_digit = (iin[11..].parse::<u32>().unwrap() + 1) % 10;
    let wrong = format!("{}{other_digit}", &iin[..11]);
    let cases = [
        (with("iin", json!(wrong)), 422, "/iin", "check_digit"),
        (with("iin", json!(&iin[1..])), 422, "/iin", "length"),
        (with("iin", json!("75010100001x")), 422, "/iin", "format"),
        (with("iin", json!(750101000011_i64)), 400, "/iin", "type"),
        (with("full_name_kk", json!(" ")), 422, "/full_name_kk", "length"),
        (with("first_appointed_on", json!("2027-01-12")), 422, "/first_appointed_on", "format"),
        (with("first_appointed_on", json!("2015-02-30")), 400, "/first_appointed_on", "type"),
        (with("external_id", json!({"source_system": "hr", "value": iin})), 422, "/external_id/value", "format"),
        (with("sex", json!("female")), 400, "/sex", "one_of"),
        (with("birth_place", json!("Almaty")), 400, "/birth_place", "unknown"),
    ];
    for (body, status, pointer, code) in cases {
        let answer = secretary.post("/v1/judges", body.clone()).await.expect(status);
        assert_eq!(answer.faults(), [(pointer.to_owned(), code.to_owned())], "{body}");
        assert!(!answer.text.contains(&iin) && !answer.text.contains(&wrong));
    }
}

#[tokio::test]
async fn a_judge_is_looked_up_by_iin_or_by_another_systems_name() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let iin = invented_iin();
    let made = secretary.post("/v1/judges", new_judge(&iin)).await.expect(201);
    let look_up = async |body: Value| secretary.look_up_for("personnel", body).await;

    let by_iin = look_up(json!({"iin": iin})).await.expect(200);
    let by_name = look_up(json!({"external_id": {"source_system": "toerelik", "value": "J-20417"}})).await.expect(200);

    assert_eq!((&by_iin.body, &by_name.body), (&made.body, &made.body));
    look_up(json!({"iin": invented_iin()})).await.expect_problem(404, "not_found");
    let unknown = json!({"external_id": {"source_system": "hr", "value": "J-20417"}});
    look_up(unknown).await.expect_problem(404, "not_found");
    assert_eq!(look_up(json!({"iin": "750101000010"})).await.expect(422).faults()[0].0, "/iin");
    let neither = look_up(json!({})).await.expect(422);
    assert_eq!(neither.faults(), [("/iin".into(), "required".into()), ("/external_id".into(), "required".into())]);
    let both = json!({"iin": iin, "external_id": {"source_system": "toerelik", "value": "J-20417"}});
    assert_eq!(look_up(both).await.expect(422).faults(), [("/external_id".into(), "mismatch".into())]);
    app.staff(StaffRole::Auditor).await.look_up_for("personnel", json!({"iin": iin})).await.expect(403);
    secretary.look_up_for("own_file", json!({"iin": iin})).await.expect_problem(403, "forbidden");
    let unnamed = secretary.post("/v1/judges/lookup", json!({"iin": iin})).await.expect(400);
    assert_eq!(unnamed.faults(), [("/purpose".into(), "required".into())], "nobody's purpose is guessed");
}

#[tokio::test]
async fn another_systems_name_belongs_to_one_judge_but_a_court_may_have_it_too() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    secretary.post("/v1/judges", new_judge(&invented_iin())).await.expect(201);

    let second = secretary.post("/v1/judges", new_judge(&invented_iin())).await;

    second.expect_problem(409, "already_exists");
    let list = secretary.get("/v1/judges").await.expect(200);
    assert_eq!(list.body["items"].as_array().unwrap().len(), 1, "the second judge was not kept without the name");
    let court = json!({
        "name_kk": "Сот", "name_ru": "Суд", "level": "district", "region": "abai", "posts": 5,
        "external_id": {"source_system": "toerelik", "value": "J-20417"},
    });
    secretary.post("/v1/courts", court).await.expect(201);
}

#[tokio::test]
async fn a_judge_sees_nobody_else_and_administrators_and_members_see_nobody() {
    let app = App::start().await;
    let (aigul, marat) = (app.judge().await, app.judge().await);
    let client = aigul.client(&app).await;

    client.get(&format!("/v1/judges/{}", aigul.id)).await.expect(200);
    let other = client.get(&format!("/v1/judges/{}", marat.id)).await.expect_problem(404, "not_found");
    let absent = client.get("/v1/judges/019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11").await.expect_problem(404, "not_found");

    assert_eq!((&other.body["detail"], &other.body["title"]), (&absent.body["detail"], &absent.body["title"]));
    client.get("/v1/judges").await.expect_problem(403, "forbidden");
    client.post("/v1/judges", new_judge(&invented_iin())).await.expect_problem(403, "forbidden");
    for role in [StaffRole::Administrator, StaffRole::Member, StaffRole::AppealMember] {
        app.staff(role).await.get(&format!("/v1/judges/{}", marat.id)).await.expect_problem(403, "forbidden");
    }
    app.staff(StaffRole::Auditor).await.get(&format!("/v1/judges/{}", marat.id)).await.expect(200);
}

#[tokio::test]
async fn a_post_is_ended_by_a_record_that_supersedes_it_and_the_history_stays() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let (court, next_court) = (app.court("Алмалы аудандық соты").await, app.court("Медеу аудандық соты").await);
    let judge = app.judge_at(&court).await;
    let path = format!("/v1/judges/{}/positions", judge.id);
    let open = secretary.get_for("personnel", &path).await.expect(200).body["items"][0]["id"].clone();
    let post = |court: &str, from: &str, change: Value| {
        let mut body = json!({"court_id": court, "kind": "judge", "starts_on": from, "source_system": "hr", "as_of": "2027-01-10"});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    };

    let early = secretary.post(&path, post(&next_court, "2026-06-01", json!({}))).await;
    let end = json!({"ends_on": "2026-05-31", "ended_reason": "transfer", "supersedes_id": open});
    let ended = secretary.post(&path, post(&court, "2015-03-02", end.clone())).await.expect(201);
    let next = secretary.post(&path, post(&next_court, "2026-06-01", json!({}))).await.expect(201);

    early.expect_problem(409, "already_exists");
    let again = secretary.post(&path, post(&court, "2015-03-02", end)).await;
    again.expect_problem(409, "already_superseded");
    let overlap = post(&court, "2014-01-01", json!({"ends_on": "2015-03-02"}));
    secretary.post(&path, overlap).await.expect_problem(409, "already_exists");
    let page = secretary.get_for("personnel", &path).await.expect(200);
    let mut found: Vec<_> =
        page.body["items"].as_array().unwrap().iter().map(|item| (&item["id"], &item["status"])).collect();
    found.sort_by_key(|(id, _)| id.to_string());
    let mut expected = [(open.clone(), "corrected"), (json!(ended.id()), "active"), (json!(next.id()), "active")]
        .map(|(id, s)| (id, json!(s)));
    expected.sort_by_key(|(id, _)| id.to_string());
    assert_eq!(found, expected.iter().map(|(id, status)| (id, status)).collect::<Vec<_>>());
    let other = app.judge().await;
    let foreign = post(&court, "2015-03-02", json!({"supersedes_id": next.id()}));
    let foreign = secretary.post(&format!("/v1/judges/{}/positions", other.id), foreign).await.expect(422);
    assert_eq!(foreign.faults(), [("/supersedes_id".into(), "missing".into())]);
}

#[tokio::test]
async fn every_fault_of_a_post_is_named() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let court = app.court("Алмалы аудандық соты").await;
    let judge = app.judge().await;
    let path = format!("/v1/judges/{}/positions", judge.id);
    let with = |field: &str, value: Value| {
        let mut body = json!({"court_id": court, "kind": "judge", "starts_on": "2015-03-02", "source_system": "hr", "as_of": "2027-01-10"});
        body[field] = value;
        body
    };
    let cases = [
        (with("court_id", json!("019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11")), 422, "/court_id", "missing"),
        (with("ends_on", json!("2015-03-01")), 422, "/ends_on", "order"),
        (with("ended_reason", json!("age")), 422, "/ended_reason", "mismatch"),
        (with("as_of", json!("2027-01-12")), 422, "/as_of", "format"),
        (with("starts_on", json!("+12000-01-01")), 422, "/starts_on", "format"),
        (with("source_system", json!("")), 422, "/source_system", "format"),
        (with("kind", json!("king")), 400, "/kind", "one_of"),
        (with("specialisations", json!(["civil", "materials"])), 422, "/specialisations", "one_of"),
        (with("specialisations", json!("civil")), 400, "/specialisations", "type"),
    ];
    for (body, status, pointer, code) in cases {
        let answer = secretary.post(&path, body.clone()).await.expect(status);
        assert_eq!(answer.faults(), [(pointer.to_owned(), code.to_owned())], "{body}");
    }
    let absent = "/v1/judges/019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11/positions";
    secretary.post(absent, with("act_ref", json!("1"))).await.expect_problem(404, "not_found");
    secretary.get_for("personnel", absent).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn no_iin_lies_readable_in_the_database() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let iin = invented_iin();
    secretary.with_key("make-judge").post("/v1/judges", new_judge(&iin)).await.expect(201);
    secretary.with_key("make-judge").post("/v1/judges", new_judge(&iin)).await.expect(201);
    secretary.look_up_for("personnel", json!({"iin": iin})).await.expect(200);
    secretary.look_up_for("personnel", json!({"iin": invented_iin()})).await.expect(404);
    let judge = app.judge().await;
    let in_a_file = invented_iin();
    let head = "iin,full_name_kk,full_name_ru,first_appointed_on,source_system,source_record_id";
    let file =
        format!("{head}\n{in_a_file},Сәуле,Сауле,2015-03-02,hr,J-9\n{in_a_file},Сәуле,Сауле,2015-03-02,hr,J-8\n");
    let import = crate::imports::imported(&app, &secretary, "type=judges&mode=partial", file).await;
    assert_eq!((&import["rows"]["new"], &import["rows"]["refused"]), (&json!(1), &json!(1)));

    let (text, is_seen) = db_contents(&app);

    assert!(is_seen, "the scan does not see what is there");
    for iin in [&iin, &judge.iin, &in_a_file] {
        let in_hex: String = iin.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!text.contains(iin) && !text.contains(&in_hex), "an IIN lies readable in the database");
    }
}

/// Everything the registry's database holds, as text, and whether a name that lies there in the clear was found.
fn db_contents(app: &App) -> (String, bool) {
    let name = "Нұрлан Серікұлы Әбдіров";
    let text = match &app.db.registry {
        Location::Sqlite(path) => {
            let folder = path.parent().unwrap();
            let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let files = files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("registry.db"));
            files.map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).collect()
        }
        Location::Postgres(url) => postgres_contents(url),
    };
    let is_seen = text.contains(name);
    (text, is_seen)
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

/// Every row of every table as text; binary columns in hex.
fn postgres_contents(url: &str) -> String {
    let mut conn = PgConnection::establish(url).unwrap();
    conn.batch_execute("SET bytea_output = 'hex'").unwrap();
    let tables = "SELECT table_name::text AS line FROM information_schema.tables WHERE table_schema = current_schema()";
    let tables: Vec<Line> = diesel::sql_query(tables).load(&mut conn).unwrap();
    let mut text = String::new();
    for table in tables {
        let rows = format!("SELECT row_to_json(t)::text AS line FROM \"{}\" t", table.line);
        let rows: Vec<Line> = diesel::sql_query(rows).load(&mut conn).unwrap();
        text.extend(rows.into_iter().map(|row| row.line + "\n"));
    }
    text
}

#[tokio::test]
async fn a_judge_sees_who_turned_an_iin_into_a_name() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge().await;
    secretary.look_up_for("correction", json!({"iin": judge.iin})).await.expect(200);

    let path = format!("/v1/judges/{}/file?view=full", judge.id);
    let file = judge.client(&app).await.get(&path).await.expect(200).body;

    let me = secretary.get("/v1/me").await.expect(200).body;
    let reading = &file["latest_readings"][0];
    assert_eq!((&reading["act"], &reading["account_id"]), (&json!("lookup_judge"), &me["account_id"]));
    assert_eq!(reading["purpose"], "correction");
    assert!(!file.to_string().contains(&judge.iin));
}

#[tokio::test]
async fn a_name_in_another_system_is_the_same_whatever_form_its_letters_came_in() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let named = |value: &str| {
        let mut body = new_judge(&invented_iin());
        body["external_id"]["value"] = json!(value);
        body
    };
    let made = secretary.post("/v1/judges", named("\u{418}\u{306}-7")).await.expect(201);

    let again = secretary.post("/v1/judges", named("\u{419}-7")).await;
    let lookup = json!({"external_id": {"source_system": "toerelik", "value": "\u{418}\u{306}-7"}});
    let found = secretary.look_up_for("personnel", lookup).await.expect(200);

    again.expect_problem(409, "already_exists");
    assert_eq!(found.body["id"], made.id());
    assert_eq!(made.body["external_ids"][0]["value"], "\u{419}-7");
}
