//! Courts, and the catalogue of indicators: reference data.

use ejf::domain::policy::StaffRole;
use serde_json::json;

use crate::harness::App;

#[tokio::test]
async fn a_court_is_added_and_found_by_region_and_level() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let body = json!({
        "name_kk": "Алмалы аудандық соты", "name_ru": "Алмалинский районный суд", "level": "district",
        "region": "almaty_city", "posts": 24, "specialisations": ["juvenile", "civil"],
        "external_id": {"source_system": "toerelik", "value": "7101"},
    });

    let made = secretary.post("/v1/courts", body).await.expect(201);
    let other = json!({"name_kk": "Облыстық сот", "name_ru": "Областной суд", "level": "regional", "region": "Абай", "posts": 30});
    let other = secretary.post("/v1/courts", other).await.expect(201);

    assert_eq!(made.header("location"), format!("/v1/courts/{}", made.id()));
    assert_eq!(made.header("etag"), "\"1\"");
    assert_eq!(made.body["specialisations"], json!(["civil", "juvenile"]));
    assert_eq!(made.body["external_ids"], json!([{"source_system": "toerelik", "value": "7101"}]));
    let auditor = app.staff(StaffRole::Auditor).await;
    let found = async |query: &str| {
        let page = auditor.get(&format!("/v1/courts?{query}")).await.expect(200);
        page.body["items"].as_array().unwrap().iter().map(|court| court["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(found("region=almaty_city").await, [json!(made.id())]);
    assert_eq!(found("level=regional").await, [json!(other.id())]);
    assert_eq!(found("level=district&region=%D0%90%D0%B1%D0%B0%D0%B9").await, [] as [serde_json::Value; 0]);
    let one = auditor.get(&format!("/v1/courts/{}", made.id())).await.expect(200);
    assert_eq!(one.body, made.body);
    auditor.get("/v1/courts/019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11").await.expect_problem(404, "not_found");
    auditor.get("/v1/courts?level=village").await.expect_problem(400, "malformed");
    auditor.get("/v1/courts?region=a%00b").await.expect_problem(400, "malformed");
    let long = auditor.get(&format!("/v1/courts?region={}", "a".repeat(101))).await.expect(400);
    assert_eq!(long.faults(), [("region".to_owned(), "length".to_owned())]);
    assert_eq!(found("region=%D0%90%D0%B1%D0%B0%D0%B8%CC%86").await, [json!(other.id())], "in letters of another form");
}

#[tokio::test]
async fn every_fault_of_a_new_court_is_named() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let sound = json!({"name_kk": "Сот", "name_ru": "Суд", "level": "district", "region": "abai", "posts": 5});
    let with = |field: &str, value: serde_json::Value| {
        let mut body = sound.clone();
        body[field] = value;
        body
    };
    let cases = [
        (with("name_kk", json!("  ")), 422, "/name_kk", "length"),
        (with("name_ru", json!("С".repeat(201))), 422, "/name_ru", "length"),
        (with("name_en", json!("a\u{7}b")), 422, "/name_en", "format"),
        (with("name_en", json!("a\u{0}b")), 400, "/name_en", "format"),
        (with("posts", json!(401)), 422, "/posts", "range"),
        (with("posts", json!(-1)), 422, "/posts", "range"),
        (with("level", json!("village")), 400, "/level", "one_of"),
        (with("specialisations", json!(["civil", "tax"])), 422, "/specialisations", "one_of"),
        (with("region", json!("")), 422, "/region", "length"),
        (
            with("external_id", json!({"source_system": "Törelik", "value": "1"})),
            422,
            "/external_id/source_system",
            "format",
        ),
        (with("external_id", json!({"source_system": "toerelik"})), 400, "/external_id/value", "required"),
    ];
    for (body, status, pointer, code) in cases {
        let answer = secretary.post("/v1/courts", body.clone()).await.expect(status);
        assert_eq!(answer.faults(), [(pointer.to_owned(), code.to_owned())], "{body}");
    }
}

#[tokio::test]
async fn another_systems_name_belongs_to_one_court() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let body = json!({
        "name_kk": "Сот", "name_ru": "Суд", "level": "district", "region": "abai", "posts": 5,
        "external_id": {"source_system": "toerelik", "value": "7101"},
    });

    secretary.post("/v1/courts", body.clone()).await.expect(201);

    secretary.post("/v1/courts", body).await.expect_problem(409, "already_exists");
    let page = secretary.get("/v1/courts").await.expect(200);
    assert_eq!(page.body["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn courts_are_written_by_secretaries_and_closed_to_administrators() {
    let app = App::start().await;
    let body = json!({"name_kk": "Сот", "name_ru": "Суд", "level": "district", "region": "abai", "posts": 5});
    for role in StaffRole::ALL.iter().filter(|role| **role != StaffRole::Secretary) {
        let client = app.staff(*role).await;
        client.post("/v1/courts", body.clone()).await.expect_problem(403, "forbidden");
        let status = if *role == StaffRole::Administrator { 403 } else { 200 };
        client.get("/v1/courts").await.expect(status);
        client.get("/v1/indicators").await.expect(status);
    }
}

#[tokio::test]
async fn the_catalogue_of_indicators_is_there_from_the_start_and_nothing_in_it_may_be_scored() {
    let app = App::start().await;

    let page = app.secretary().await.get("/v1/indicators?limit=100").await.expect(200);

    let items = page.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 21);
    let resolved = items.iter().find(|item| item["code"] == "resolved").unwrap();
    assert_eq!(
        (&resolved["name"]["kk"], &resolved["unit"], &resolved["min"], &resolved["max"], &resolved["is_scorable"]),
        (&json!("Қаралғаны"), &json!("case"), &json!(0), &json!(30_000), &json!(false))
    );
    assert!(items.iter().all(|item| item["is_scorable"] == false));
}

#[tokio::test]
async fn the_catalogue_is_put_in_once_however_often_the_registry_opens() {
    let app = App::start().await;
    let catalogue = ejf::domain::indicators::Catalogue::standard().unwrap();
    let now = app.clock.now();

    app.registry().0.write(move |conn| ejf::store::indicators::seed(conn, catalogue, now)).await.unwrap();

    assert_eq!(app.db_acts().await.iter().filter(|act| *act == "seed_indicators").count(), 1);
}
