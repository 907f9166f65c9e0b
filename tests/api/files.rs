//! The file as a whole: what the summary shows and how large it is, who reads it, and that each reading is on record.

use chrono::NaiveDate;
use ejf::domain::calendar::Period;
use ejf::domain::ids::{self, AccountId, JudgeId, ObservationId};
use ejf::domain::judge_file::RecordStatus;
use ejf::domain::policy::StaffRole;
use ejf::store;
use ejf::store::observations::Observation;
use serde_json::{Value, json};

use crate::acts::act;
use crate::harness::{App, Judge};
use crate::records::{told, training};
use crate::traps::statements;

/// Ten years of 40 values a quarter, put in past HTTP: 20 indicators in two categories.
async fn db_add_ten_years(app: &App, judge_id: JudgeId, recorded_by: AccountId) {
    let now = app.clock.now();
    app.registry()
        .0
        .write(move |conn| {
            let indicators = store::indicators::list(conn, None, 20)?;
            let mut quarter = Period::parse("2017-Q1").unwrap();
            while quarter <= Period::parse("2026-Q4").unwrap() {
                for indicator in &indicators {
                    for category in ["cassation_administrative", "cassation_admin_offence"] {
                        let row = Observation {
                            id: ObservationId(ids::new_at(now)),
                            judge_id,
                            indicator_code: indicator.code.clone(),
                            category: category.to_owned(),
                            period_start: quarter.starts_on(),
                            period_end: quarter.ends_on(),
                            numerator: indicator.max,
                            denominator: Some(1_000_000_000),
                            source_system: "court_information_system".to_owned(),
                            source_record_id: Some("i".repeat(100)),
                            as_of: quarter.ends_on(),
                            received_at: now.naive_utc(),
                            recorded_by: Some(recorded_by),
                            recorded_by_client: None,
                            status: RecordStatus::Active,
                            supersedes_id: None,
                            legal_basis: None,
                            batch_id: None,
                        };
                        store::observations::insert(conn, &row)?;
                    }
                }
                quarter = quarter.next().unwrap();
            }
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn the_summary_shows_who_where_and_the_last_four_quarters_as_recorded() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge_at(&app.court("Алмалы аудандық соты").await).await;
    let path = format!("/v1/judges/{}", judge.id);
    let mut ids = Vec::new();
    for (period, numerator) in [("2025-Q4", 1), ("2026-Q1", 2), ("2026-Q3", 3), ("2027-Q1", 4)] {
        let as_of = Period::parse(period).unwrap().starts_on();
        let body = json!({
            "indicator_code": "resolved", "category": "civil", "period": period, "numerator": numerator,
            "denominator": 9, "source_system": "toerelik", "as_of": as_of,
        });
        ids.push(secretary.post(&format!("{path}/observations"), body).await.expect(201).id());
    }
    let disputed = json!({"record_type": "observation", "record_id": ids[2], "claim": "Олай емес."});
    judge.client(&app).await.post(&format!("{path}/correction-requests"), disputed).await.expect(201);
    secretary.get_for("personnel", &format!("{path}/file")).await.expect(200);

    let file = judge.client(&app).await.get(&format!("{path}/file")).await.expect(200);

    assert_eq!(file.body["quarters"], json!(["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]));
    let value = |numerator: u8, status: &str| json!({"numerator": numerator, "denominator": 9, "status": status});
    let values = json!([value(2, "active"), null, value(3, "disputed"), null]);
    assert_eq!(file.body["indicators"], json!([{"indicator_code": "resolved", "category": "civil", "values": values}]));
    assert_eq!(file.body["judge"]["id"], json!(judge.id));
    assert_eq!(file.body["positions"][0]["court_name_kk"], "Алмалы аудандық соты");
    let counts = ["left_out_count", "open_correction_count", "reading_count"].map(|name| file.body[name].clone());
    assert_eq!(counts, [json!(0), json!(1), json!(1)]);
}

/// What is kept from one reading to the next must never outlive a write: each kind of write is followed by a reading.
#[tokio::test]
async fn a_summary_read_again_shows_whatever_was_written_to_the_file_since() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge_at(&app.court("Алмалы аудандық соты").await).await;
    let elsewhere = app.court("Медеу аудандық соты").await;
    let path = format!("/v1/judges/{}", judge.id);
    let observation = |numerator: u8, replaced: Option<&str>| {
        json!({"indicator_code": "resolved", "category": "civil", "period": "2026-Q3", "numerator": numerator,
            "source_system": "toerelik", "as_of": "2026-10-05", "supersedes_id": replaced})
    };
    let summary = async || secretary.get_for("personnel", &format!("{path}/file")).await.expect(200).body;
    let value = |body: &serde_json::Value| body["indicators"][0]["values"][2].clone();
    assert_eq!(summary().await["indicators"], json!([]));

    let first = secretary.post(&format!("{path}/observations"), observation(7, None)).await.expect(201).id();
    assert_eq!(value(&summary().await)["numerator"], 7);

    let claim = json!({"record_type": "observation", "record_id": first, "claim": "Олай емес."});
    let asked = judge.client(&app).await.post(&format!("{path}/correction-requests"), claim).await.expect(201).id();
    let disputed = summary().await;
    assert_eq!((&value(&disputed)["status"], &disputed["open_correction_count"]), (&json!("disputed"), &json!(1)));

    let restated = secretary.post(&format!("{path}/observations"), observation(8, Some(&first))).await.expect(201).id();
    assert_eq!(value(&summary().await)["numerator"], 8);
    let decision = json!({"outcome": "accepted", "reason": "Расталды."});
    secretary.post(&format!("/v1/correction-requests/{asked}/decide"), decision).await.expect(200);
    assert_eq!(summary().await["open_correction_count"], 0);

    let post = json!({"court_id": elsewhere, "kind": "panel_chair", "starts_on": "2026-11-02", "source_system": "hr",
        "as_of": "2026-11-02"});
    secretary.post(&format!("{path}/positions"), post).await.expect(201);
    assert_eq!(summary().await["positions"].as_array().unwrap().len(), 2);

    // Another process, which knows nothing of what this one keeps, writes as this one does.
    let (id, old, now) = (judge.id, restated.parse().unwrap(), app.clock.now());
    let by_another = move |conn: &mut ejf::db::Conn| {
        store::observations::set_status(conn, old, RecordStatus::Disputed)?;
        let entry = store::audit::NewEntry::new(None, "create_correction_request", "observation", old).of_judge(id);
        store::audit::record(conn, entry, now)
    };
    app.registry().0.write(by_another).await.unwrap();
    assert_eq!(value(&summary().await)["status"], "disputed");
}

#[tokio::test]
async fn the_full_view_holds_all_records_and_who_looked() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge_at(&app.court("Алмалы аудандық соты").await).await;
    let path = format!("/v1/judges/{}", judge.id);
    let body = json!({
        "indicator_code": "resolved", "category": "civil", "period": "2019-Q4", "numerator": 7,
        "source_system": "toerelik", "as_of": "2020-01-05",
    });
    let first = secretary.post(&format!("{path}/observations"), body.clone()).await.expect(201).id();
    let mut restated = body;
    restated["supersedes_id"] = json!(first);
    secretary.post(&format!("{path}/observations"), restated).await.expect(201);
    secretary.post(&format!("{path}/records"), told(training(40), json!({}))).await.expect(201);
    secretary.post(&format!("{path}/acts"), act(json!({}))).await.expect(201);
    secretary.get_for("evaluation", &format!("{path}/file")).await.expect(200);

    let file = judge.client(&app).await.get(&format!("{path}/file?view=full")).await.expect(200);

    let listed = secretary.get_for("personnel", &format!("{path}/acts")).await.expect(200);
    assert_eq!((&file.body["acts"], listed.body["items"].as_array().unwrap().len()), (&listed.body["items"], 1));
    let count = |name: &str| file.body[name].as_array().unwrap().len();
    assert_eq!((count("positions"), count("observations"), count("correction_requests")), (1, 2, 0));
    assert_eq!(count("records"), 1);
    assert_eq!((&file.body["view"], &file.body["reading_count"]), (&json!("full"), &json!(1)));
    let reading = &file.body["latest_readings"][0];
    assert_eq!((&reading["act"], &reading["purpose"]), (&json!("get_judge_file"), &json!("evaluation")));
    assert!(!file.text.contains(&judge.iin));
}

#[tokio::test]
async fn the_summary_shows_figures_with_their_parts_and_marks_all_that_is_disputed() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge_at(&app.court("Алмалы аудандық соты").await).await;
    let path = format!("/v1/judges/{}", judge.id);
    let mut ids = Vec::new();
    for (code, period, numerator) in [
        ("incoming", "2026-Q3", 40),
        ("resolved", "2026-Q3", 50),
        ("incoming", "2026-Q4", 60),
        ("resolved", "2026-Q4", 10),
    ] {
        let body = json!({"indicator_code": code, "category": "civil", "period": period, "numerator": numerator,
            "source_system": "toerelik", "as_of": "2027-01-05"});
        ids.push(secretary.post(&format!("{path}/observations"), body).await.expect(201).id());
    }
    let course = secretary.post(&format!("{path}/records"), told(training(40), json!({}))).await.expect(201).id();
    secretary.post(&format!("{path}/records"), told(training(41), json!({}))).await.expect(201);
    let act = secretary.post(&format!("{path}/acts"), act(json!({}))).await.expect(201).id();
    let post =
        secretary.get_for("personnel", &format!("{path}/positions")).await.expect(200).body["items"][0]["id"].clone();
    let summary = async || secretary.get_for("personnel", &format!("{path}/file")).await.expect(200).body;
    let clearance = |body: &Value| {
        let figures = body["figures"][0]["figures"].as_array().unwrap();
        let found = figures.iter().find(|figure| figure["code"] == "clearance_rate").unwrap();
        ["numerator", "denominator", "value", "quarters", "disputed_quarters"].map(|name| found[name].clone())
    };
    let marks = |body: &Value| {
        let (acts, training) = (&body["reviewed_acts"], &body["sections"][0]);
        [&acts["record_count"], &acts["disputed_count"], &training["record_count"], &training["disputed_count"]]
            .map(Value::clone)
    };

    let before = summary().await;
    assert_eq!(clearance(&before), [json!(60), json!(100), json!(600), json!(["2026-Q3", "2026-Q4"]), json!([])]);
    assert_eq!(marks(&before), [json!(1), json!(0), json!(2), json!(0)]);
    assert_eq!(before["positions"][0]["status"], "active");
    for word in ["comparison", "rank", "percentile", "reversal"] {
        assert!(!before.to_string().contains(word), "{word}");
    }

    let disputed = [("observation", json!(ids[3])), ("record", json!(course)), ("act", json!(act)), ("position", post)];
    for (kind, id) in disputed {
        let body = json!({"record_type": kind, "record_id": id, "claim": "Олай емес."});
        judge.client(&app).await.post(&format!("{path}/correction-requests"), body).await.expect(201);
    }
    let after = summary().await;
    assert_eq!(clearance(&after), [json!(50), json!(40), json!(1250), json!(["2026-Q3"]), json!(["2026-Q4"])]);
    assert_eq!(marks(&after), [json!(1), json!(1), json!(2), json!(1)]);
    assert_eq!((&after["positions"][0]["status"], &after["open_correction_count"]), (&json!("disputed"), &json!(4)));
}

/// A record of each kind names its source, its name there, the day, who recorded it and the law, in its list and in the file.
#[tokio::test]
async fn every_record_tells_where_it_comes_from() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let (judge, court) = (app.judge().await, app.court("Алмалы аудандық соты").await);
    let path = format!("/v1/judges/{}", judge.id);
    let origin = json!({"source_system": "hr", "source_record_id": "H-7", "as_of": "2027-01-05",
        "legal_basis": "2000 жылғы 25 желтоқсандағы № 132-II Конституциялық заң"});
    let with = |body: Value| {
        let mut body = body;
        body.as_object_mut().unwrap().extend(origin.as_object().unwrap().clone());
        body
    };
    let post = json!({"court_id": court, "kind": "judge", "starts_on": "2015-03-02"});
    let value = json!({"indicator_code": "resolved", "category": "civil", "period": "2026-Q3", "numerator": 7});
    let of_each = [
        ("positions", post),
        ("observations", value),
        ("acts", act(json!({}))),
        ("records", told(training(40), json!({}))),
    ];
    for (list, body) in of_each {
        let made = secretary.post(&format!("{path}/{list}"), with(body.clone())).await.expect(201);
        let file = secretary.get(&format!("{path}/file?purpose=personnel&view=full")).await.expect(200);
        let page = secretary.get_for("personnel", &format!("{path}/{list}")).await.expect(200);
        for shown in [&made.body, &file.body[list][0], &page.body["items"][0]] {
            for (name, value) in origin.as_object().unwrap() {
                assert_eq!(&shown[name], value, "{list} {name}");
            }
            assert!(shown["recorded_by"].is_string() && shown["received_at"].is_string(), "{list}");
            assert_eq!((&shown["status"], &shown["supersedes_id"]), (&json!("active"), &Value::Null), "{list}");
        }
        let mut blank = with(body);
        blank["legal_basis"] = json!(" ");
        let refused = secretary.post(&format!("{path}/{list}"), blank).await.expect(422);
        assert!(refused.faults().contains(&("/legal_basis".to_owned(), "length".to_owned())), "{list}");
    }
}

#[tokio::test]
async fn conflicts_stand_in_the_file_of_who_declared_them_and_members_do_not_read_them() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let (judge, other) = (&plan.subjects[0], &plan.subjects[1]);
    let evaluation = plan.evaluation_of(&app, judge).await;
    let member = app.member(StaffRole::Member).await;
    app.assign(&evaluation, member.account_id, false).await.expect(201);
    let declare = async |by: &Judge, kind: &str| {
        let body = json!({"judge_id": judge.id, "other_judge_id": other.id, "kind": kind, "starts_on": "2020-01-06"});
        by.client(&app).await.post("/v1/conflicts", body).await.expect(201).body
    };
    let own = declare(judge, "relative").await;
    declare(other, "litigation").await;

    let path = format!("/v1/judges/{}/file?view=full", judge.id);
    let by_judge = judge.client(&app).await.get(&path).await.expect(200);
    let by_secretary = app.secretary().await.get(&format!("{path}&purpose=personnel")).await.expect(200);
    let by_member = member.client(&app).await.get(&format!("{path}&purpose=evaluation")).await.expect(200);

    assert_eq!(by_judge.body["conflicts"], json!([own]), "what the other judge declared is not told");
    assert_eq!(by_secretary.body["conflicts"], json!([own]));
    assert_eq!(by_member.body["conflicts"], Value::Null);
}

#[tokio::test]
async fn a_summary_has_at_most_20_kb_however_much_is_on_record() {
    let app = App::start().await;
    let long = "Ұ".repeat(200);
    let court =
        json!({"name_kk": long, "name_ru": long, "name_en": long, "level": "district", "region": "abai", "posts": 5});
    let court = app.secretary().await.post("/v1/courts", court).await.expect(201).id();
    let judge = app.judge_at(&court).await;
    let staff = app.db_add_account("bulk", Some(StaffRole::Secretary), None).await;
    db_add_ten_years(&app, judge.id, staff).await;
    let client = judge.client(&app).await;

    let file = client.get(&format!("/v1/judges/{}/file?view=summary", judge.id)).await.expect(200);

    assert!(file.text.len() <= 20 * 1024, "{} bytes", file.text.len());
    let shown = file.body["indicators"].as_array().unwrap().len();
    assert!(shown >= 40, "{shown} of 40 rows");
    assert_eq!(file.body["left_out_count"], json!(40 - shown));
    let full = client.get(&format!("/v1/judges/{}/file?view=full", judge.id)).await.expect(200);
    assert_eq!(full.body["observations"].as_array().unwrap().len(), 10 * 4 * 40);
}

#[tokio::test]
async fn each_reading_of_a_person_is_on_record_with_its_purpose() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge().await;
    let path = format!("/v1/judges/{}", judge.id);

    secretary.get_for("evaluation", &format!("{path}/file")).await.expect(200);
    judge.client(&app).await.get(&format!("{path}/file")).await.expect(200);
    secretary.get_for("personnel", &format!("{path}/positions")).await.expect(200);
    secretary.get_for("correction", &format!("{path}/observations")).await.expect(200);
    secretary.get_for("correction", &format!("{path}/correction-requests")).await.expect(200);
    for view in ["full", "full&known_on=2027-01-11", "report_basis"] {
        secretary.get(&format!("{path}/file?purpose=personnel&view={view}")).await.expect(200);
    }
    secretary.get_for("personnel", &format!("{path}/acts")).await.expect(200);
    secretary.get(&format!("{path}/file?purpose=own_file")).await.expect_problem(403, "forbidden");

    let id = judge.id;
    let entries = app.registry().0.read(move |conn| store::audit::list(conn, Some(id), None, 100)).await.unwrap();
    let found: Vec<_> =
        entries.iter().filter_map(|entry| Some((entry.act.as_str(), entry.purpose.as_deref()?))).collect();
    assert_eq!(
        found,
        [
            ("get_judge_file", "evaluation"),
            ("get_judge_file", "own_file"),
            ("list_positions", "personnel"),
            ("list_observations", "correction"),
            ("list_correction_requests", "correction"),
            ("get_judge_file", "personnel"),
            ("get_judge_file", "personnel"),
            ("get_judge_file", "personnel"),
            ("list_acts", "personnel"),
        ]
    );
}

#[tokio::test]
async fn a_file_is_closed_to_all_but_its_judge_and_secretaries() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let path = format!("/v1/judges/{}/file", judge.id);

    let foreign = other.client(&app).await.get(&path).await.expect_problem(404, "not_found");
    let absent = other.client(&app).await.get("/v1/judges/019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11/file").await;

    assert_eq!(foreign.body["detail"], absent.expect_problem(404, "not_found").body["detail"]);
    let asked = format!("{path}?purpose=evaluation");
    for role in [StaffRole::Administrator, StaffRole::Auditor] {
        app.staff(role).await.get(&asked).await.expect_problem(403, "forbidden");
    }
    for role in [StaffRole::Member, StaffRole::AppealMember] {
        app.staff(role).await.get(&asked).await.expect_problem(404, "not_found");
    }
    let unnamed = app.secretary().await.get(&path).await.expect_problem(400, "malformed");
    assert_eq!(unnamed.faults(), [("purpose".into(), "required".into())]);
    app.secretary().await.get_for("curiosity", &path).await.expect_problem(400, "malformed");
    judge.client(&app).await.get(&format!("{path}?purpose=evaluation")).await.expect_problem(403, "forbidden");
    let absent = "/v1/judges/019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11/file?purpose=personnel";
    app.secretary().await.get(absent).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_whole_file_says_how_long_the_judge_has_served_without_days_of_suspension() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge_at(&app.court("Алмалы аудандық соты").await).await;
    let served = async |more: &str| {
        // A token of the day before is good no more.
        let secretary = app.secretary().await;
        let path = format!("/v1/judges/{}/file?view=full&purpose=personnel{more}", judge.id);
        secretary.get(&path).await.expect(200).body["service_years_hundredths"].clone()
    };
    // Since 2 March 2015: 4,334 days.
    assert_eq!(served("").await, 1186);
    let suspension = json!({"content": {"suspension": {"starts_on": "2024-05-06", "ends_on": "2024-09-01", "reason": "secondment"}},
        "source_system": "hr", "as_of": "2027-01-10"});
    secretary.post(&format!("/v1/judges/{}/records", judge.id), suspension).await.expect(201);
    assert_eq!(served("").await, 1154);
    app.go_to("2028-01-11");
    assert_eq!(served("").await, 1253);
    assert_eq!(served("&known_on=2027-01-11").await, 1154, "as it stood then");
}

#[tokio::test]
async fn a_post_that_ended_or_has_not_begun_is_not_held_today() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let court = app.court("Алмалы аудандық соты").await;
    let judge = app.judge().await;
    let path = format!("/v1/judges/{}", judge.id);
    let today: NaiveDate = "2027-01-11".parse().unwrap();
    let spans = [("2015-03-02", Some(today.pred_opt().unwrap())), ("2027-01-11", Some(today)), ("2027-01-12", None)];
    for (starts_on, ends_on) in spans {
        let body = json!({
            "court_id": court, "kind": "judge", "starts_on": starts_on, "ends_on": ends_on, "source_system": "hr",
            "as_of": "2027-01-10",
        });
        secretary.post(&format!("{path}/positions"), body).await.expect(201);
    }

    let file = secretary.get_for("personnel", &format!("{path}/file")).await.expect(200);

    let held: Vec<_> = file.body["positions"].as_array().unwrap().iter().map(|post| &post["starts_on"]).collect();
    assert_eq!(held, [&json!("2027-01-11")]);
}

/// However much is on record, and of whatever day: the whole file is read by the same few queries.
#[tokio::test]
async fn the_whole_file_takes_at_most_eight_queries() {
    statements::watch();
    let app = App::start().await;
    let secretary = app.secretary().await;
    let (empty, judge) = (app.judge().await, app.judge_at(&app.court("Алмалы аудандық соты").await).await);
    let staff = app.db_add_account("bulk", Some(StaffRole::Secretary), None).await;
    db_add_ten_years(&app, judge.id, staff).await;
    for hours in 1..=20 {
        secretary.post(&format!("/v1/judges/{}/records", judge.id), told(training(hours), json!({}))).await.expect(201);
        let case_no = json!({"case_no": format!("2-{hours}/2026")});
        secretary.post(&format!("/v1/judges/{}/acts", judge.id), act(case_no)).await.expect(201);
    }
    let cost = async |path: &str| {
        let mut least = u64::MAX;
        for _ in 0..2 {
            let before = statements::count(&app);
            secretary.get(path).await;
            least = least.min(statements::count(&app) - before);
        }
        least
    };
    let file = |id: JudgeId, query: &str| format!("/v1/judges/{id}/file?purpose=personnel&view={query}");

    let absent = cost("/v1/judges/019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11/file?purpose=personnel&view=full").await;
    let recording = cost(&format!("/v1/judges/{}/positions?limit=1&purpose=personnel", empty.id)).await - 2;
    let costs = [
        cost(&file(empty.id, "full")).await,
        cost(&file(judge.id, "full")).await,
        cost(&file(judge.id, "full&known_on=2027-01-11")).await,
    ];

    // What is absent costs the look for the judge; what a list of one query costs besides is the record of the reading.
    let queries = costs.map(|cost| cost + 1 - absent - recording);
    assert!(queries.iter().all(|count| *count <= 8), "{queries:?} queries");
    assert!(queries.iter().all(|count| *count == queries[0]), "{queries:?} queries");
}
