//! The yearly figures for the Council: made once from published results, of groups of thirty and more beside thirty others.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use ejf::db::Conn;
use ejf::domain::cycle::{EvaluationKind, Phase};
use ejf::domain::evaluation::EvaluationState;
use ejf::domain::ids::{self, AccountId, CourtId, CycleId, EvaluationId, JudgeId, ParticularsId, PositionId};
use ejf::domain::judge_file::{PositionKind, RecordStatus};
use ejf::domain::particulars::Sex;
use ejf::domain::policy::StaffRole;
use ejf::error::Result;
use ejf::on;
use ejf::store;
use ejf::store::evaluations::Evaluation;
use ejf::store::judges::{Judge, KeptIin};
use ejf::store::particulars::Particulars;
use ejf::store::positions::Position;
use ejf::store::results::{ResultRow, ResultStatus};
use ejf::store::schema::{cycle_moves, cycles};
use serde_json::{Value, json};

use crate::harness::{App, Client};

/// The last second of 2026 in Kazakhstan.
const LAST_OF_2026: &str = "2026-12-31T18:59:59";

/// Judges of one group, all evaluated in the cycle.
#[derive(Clone, Copy)]
struct Cohort<'a> {
    count: usize,
    sex: Option<Sex>,
    court: &'a str,
    /// The published points, one judge after the other in turn.
    points: &'a [i64],
}

/// A judge with a post since 2 March 2015, and an evaluation with a published result, past HTTP.
fn db_add_evaluated(conn: &mut Conn, cycle: CycleId, staff: AccountId, some: &Cohort<'_>, at: usize) -> Result<()> {
    let id = JudgeId(ids::random());
    let judge = Judge {
        id,
        full_name_kk: "Ерлан Қасымов".to_owned(),
        full_name_ru: "Ерлан Касымов".to_owned(),
        full_name_en: None,
        first_appointed_on: "2015-03-02".parse().unwrap(),
        version: 1,
        batch_id: None,
    };
    store::judges::insert(conn, &judge, &KeptIin { sealed: vec![1], hash: id.0.as_bytes().to_vec() })?;
    let received_at: NaiveDateTime = "2026-06-01T00:00:00".parse().unwrap();
    let position = Position {
        id: PositionId(ids::random()),
        judge_id: id,
        court_id: some.court.parse::<CourtId>().unwrap(),
        kind: PositionKind::Judge,
        act_ref: None,
        starts_on: judge.first_appointed_on,
        ends_on: None,
        ended_reason: None,
        source_system: "hr".to_owned(),
        as_of: "2026-06-01".parse().unwrap(),
        received_at,
        recorded_by: Some(staff),
        recorded_by_client: None,
        status: RecordStatus::Active,
        supersedes_id: None,
        source_record_id: None,
        legal_basis: None,
        batch_id: None,
        specialisations: Default::default(),
    };
    store::positions::insert(conn, &position)?;
    if let Some(sex) = some.sex {
        let told = Particulars {
            id: ParticularsId(ids::random()),
            judge_id: id,
            birth_date: None,
            sex: Some(sex),
            legal_service_hundredths: None,
            source_system: "hr".to_owned(),
            as_of: position.as_of,
            received_at,
            recorded_by: Some(staff),
            recorded_by_client: None,
            status: RecordStatus::Active,
            supersedes_id: None,
            batch_id: None,
        };
        store::particulars::insert(conn, &told)?;
    }
    let evaluation = Evaluation {
        id: EvaluationId(ids::random()),
        cycle_id: cycle,
        judge_id: id,
        kind: EvaluationKind::Periodic,
        instrument_id: "default".to_owned(),
        state: EvaluationState::Counted,
        subject_ref: None,
        version: 1,
        last_round: 1,
        final_on: None,
    };
    store::evaluations::insert(conn, &evaluation)?;
    let point = some.points[at % some.points.len()];
    let document = json!({"status": "ok", "criteria": [],
        "overall": {"n": 12, "point": point, "lo": point - 50, "hi": point + 50, "band": "above"}});
    let result = ResultRow {
        evaluation_id: evaluation.id,
        status: ResultStatus::Ok,
        document: document.to_string(),
        algorithm_version: "level-profile-1".to_owned(),
        input_digest: "00".to_owned(),
    };
    store::results::put_all(conn, &[result])
}

/// A cycle of these judges that began to report in November 2026 and was closed at an instant, past HTTP.
async fn db_closed_cycle(app: &App, groups: &[Cohort<'_>], closed_at: &str) {
    let cycle: CycleId = app.planned_cycle().await.cycle_id.parse().unwrap();
    let staff = app.db_add_account("registrar", Some(StaffRole::Secretary), None).await;
    let owned: Vec<(usize, Option<Sex>, String, Vec<i64>)> =
        groups.iter().map(|some| (some.count, some.sex, some.court.to_owned(), some.points.to_vec())).collect();
    let closed_at: NaiveDateTime = closed_at.parse().unwrap();
    let write = move |conn: &mut Conn| {
        for (count, sex, court, points) in &owned {
            let some = Cohort { count: *count, sex: *sex, court, points };
            for at in 0..some.count {
                db_add_evaluated(conn, cycle, staff, &some, at)?;
            }
        }
        let reported_at: NaiveDateTime = "2026-11-02T00:00:00".parse().unwrap();
        for (from, to, at) in
            [(Phase::Sealed, Phase::Reporting, reported_at), (Phase::Reporting, Phase::Closed, closed_at)]
        {
            let step = (
                cycle_moves::id.eq(ids::random().to_string()),
                cycle_moves::cycle_id.eq(cycle),
                cycle_moves::from_phase.eq(from),
                cycle_moves::to_phase.eq(to),
                cycle_moves::account_id.eq(staff),
                cycle_moves::moved_at.eq(at),
            );
            on!(conn, |c| { diesel::insert_into(cycle_moves::table).values(step).execute(c) })?;
        }
        let closing = cycles::phase.eq(Phase::Closed);
        Ok(on!(conn, |c| { diesel::update(cycles::table.find(cycle)).set(closing).execute(c) })?)
    };
    app.registry().0.write(write).await.unwrap();
}

async fn make(secretary: &Client, year: i32) -> Value {
    secretary.post("/v1/statistics", json!({"year": year})).await.expect(201).body
}

fn group<'a>(figures: &'a Value, code: &str) -> &'a Value {
    figures["groups"].as_array().unwrap().iter().find(|group| group["group"] == code).unwrap()
}

/// The whole of 119: 40 with 300 and 350 in turn, 50 with 400, 29 with 425. By Python: the mean is 380.88; of f 325, of m
/// 409.18; the difference is -84.18, its interval by statistics.variance and NormalDist from -92.47 to -75.89.
#[tokio::test]
async fn a_group_of_twenty_nine_shows_nothing_and_cannot_be_computed_from_what_is_shown() {
    let app = App::start().await;
    let courts =
        [app.court_in("abai", "А").await, app.court_in("astana", "Б").await, app.court_in("kostanay", "В").await];
    let (f, m) = (Some(Sex::F), Some(Sex::M));
    let groups = [
        Cohort { count: 40, sex: f, court: &courts[0], points: &[300, 350] },
        Cohort { count: 50, sex: m, court: &courts[1], points: &[400] },
        Cohort { count: 29, sex: m, court: &courts[2], points: &[425] },
    ];
    db_closed_cycle(&app, &groups, LAST_OF_2026).await;

    let figures = make(&app.secretary().await, 2026).await;

    assert_eq!((&figures["cycle_count"], &figures["evaluation_count"]), (&json!(1), &json!(119)));
    assert_eq!(figures["kinds"], json!([{"code": "periodic", "count": 119}]));
    assert_eq!(
        figures["overall"],
        json!({"subject_count": 119, "mean_hundredths": 381, "bands": [{"code": "above", "count": 119}],
            "is_ceiling_alarm": false})
    );
    let shown = json!({"dimension": "sex", "group": "f", "is_held_back": false, "subject_count": 40,
        "mean_hundredths": 325, "other_count": 79, "other_mean_hundredths": 409, "difference_hundredths": -84,
        "difference_lo_hundredths": -93, "difference_hi_hundredths": -75, "is_distinguishable": true});
    assert_eq!(group(&figures, "f"), &shown);
    assert_eq!(group(&figures, "m")["difference_hundredths"], 84);
    // Astana has fifty, and is held back all the same: the whole less f less astana would be the twenty-nine.
    for code in ["kostanay", "astana", "abai", "district", "10_to_19"] {
        let held = group(&figures, code);
        assert_eq!(held["is_held_back"], true, "{code}");
        let told = held.as_object().unwrap().iter().filter(|(name, value)| {
            !["dimension", "group", "is_held_back"].contains(&name.as_str()) && !value.is_null()
        });
        assert_eq!(told.count(), 0, "{held}");
    }
    assert!(!figures.to_string().contains("judge_id") && !figures.to_string().contains("rank"));
}

#[tokio::test]
async fn fewer_than_thirty_judges_have_no_figure_of_results_at_all() {
    let app = App::start().await;
    let court = app.court("А").await;
    let some = Cohort { count: 29, sex: Some(Sex::F), court: &court, points: &[400] };
    db_closed_cycle(&app, &[some], LAST_OF_2026).await;

    let figures = make(&app.secretary().await, 2026).await;

    assert_eq!((&figures["withheld"], &figures["overall"]), (&json!("too_few_subjects"), &Value::Null));
    assert_eq!((&figures["groups"], &figures["evaluation_count"]), (&json!([]), &json!(29)));
}

#[tokio::test]
async fn a_year_is_made_once_it_is_over_and_once_alone() {
    let app = App::start().await;
    let court = app.court("А").await;
    let some = Cohort { count: 30, sex: Some(Sex::F), court: &court, points: &[475] };
    // The first second of 2027 in Kazakhstan, though still 2026 in UTC.
    db_closed_cycle(&app, &[some], "2026-12-31T19:00:00").await;
    let secretary = app.secretary().await;
    secretary.get("/v1/statistics/2026").await.expect_problem(404, "not_found");

    let figures = make(&secretary, 2026).await;

    assert_eq!(figures["cycle_count"], 0);
    secretary.post("/v1/statistics", json!({"year": 2026})).await.expect_problem(409, "already_exists");
    let early = secretary.post("/v1/statistics", json!({"year": 2027})).await.expect(422);
    assert_eq!(early.faults(), [("/year".into(), "range".into())]);
    app.go_to("2028-01-01");
    let next = make(&app.secretary().await, 2027).await;
    assert_eq!((&next["cycle_count"], &next["overall"]["is_ceiling_alarm"]), (&json!(1), &json!(true)));
}

/// Who is in which group is corrected later: made anew, the difference of both would be that judge's result.
#[tokio::test]
async fn what_becomes_known_of_a_judge_later_does_not_change_the_figures() {
    let app = App::start().await;
    let court = app.court("А").await;
    let (f, m) = (Some(Sex::F), Some(Sex::M));
    let groups = [
        Cohort { count: 40, sex: f, court: &court, points: &[350] },
        Cohort { count: 40, sex: m, court: &court, points: &[400] },
    ];
    db_closed_cycle(&app, &groups, LAST_OF_2026).await;
    let secretary = app.secretary().await;
    let made = make(&secretary, 2026).await;
    let judges = secretary.get("/v1/judges?limit=100").await.expect(200).body["items"].clone();
    let known = judges.as_array().unwrap().iter().filter(|judge| judge["full_name_kk"] == "Ерлан Қасымов");

    for judge in known {
        let told = json!({"sex": "m", "source_system": "hr", "as_of": "2027-01-10"});
        let path = format!("/v1/judges/{}/particulars", judge["id"].as_str().unwrap());
        secretary.post(&path, told).await.expect(201);
    }

    assert_eq!(secretary.get("/v1/statistics/2026").await.expect(200).body, made);
}

#[tokio::test]
async fn auditors_and_secretaries_read_a_year_as_a_file_too_and_each_reading_is_on_record() {
    let app = App::start().await;
    let court = app.court("А").await;
    let (f, m) = (Some(Sex::F), Some(Sex::M));
    let groups = [
        Cohort { count: 40, sex: f, court: &court, points: &[350] },
        Cohort { count: 41, sex: m, court: &court, points: &[400] },
    ];
    db_closed_cycle(&app, &groups, LAST_OF_2026).await;
    let made = make(&app.secretary().await, 2026).await;
    let auditor = app.staff(StaffRole::Auditor).await;
    let path = "/v1/statistics/2026/groups";

    let russian = auditor.with_header("Accept-Language", "ru").get("/v1/statistics/2026").await.expect(200).body;
    let first = auditor.get(&format!("{path}?limit=3")).await.expect(200).body;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = auditor.get(&format!("{path}?limit=3&cursor={cursor}")).await.expect(200).body;
    let csv = auditor.with_header("Accept", "text/csv").get(path).await.expect(200).text;

    assert!(russian["note"].as_str().unwrap().contains("ни об одном судье"), "{russian}");
    assert_eq!(russian["groups"], made["groups"]);
    let paged: Vec<Value> = [&first, &rest].iter().flat_map(|page| page["items"].as_array().unwrap().clone()).collect();
    assert_eq!(json!(paged), made["groups"]);
    assert!(csv.contains("\nsex,f,false,40,350,41,400,-50,-50,-50,true"), "{csv}");
    for role in [StaffRole::Administrator, StaffRole::Member, StaffRole::AppealMember] {
        app.staff(role).await.get(path).await.expect_problem(403, "forbidden");
        app.staff(role).await.get("/v1/statistics/2026").await.expect_problem(403, "forbidden");
    }
    app.judge().await.client(&app).await.get("/v1/statistics/2026").await.expect_problem(403, "forbidden");
    let acts = app.db_acts().await;
    for (act, times) in [
        ("create_statistics", 1),
        ("get_statistics", 1),
        ("list_statistics_groups", 2),
        ("export_statistics_groups", 1),
    ] {
        assert_eq!(acts.iter().filter(|found| *found == act).count(), times, "{act}");
    }
}
