//! Derived indicators: worked out of what is recorded, beside comparable judges, never a rank, an input to no score.

use ejf::domain::calendar::Period;
use ejf::domain::ids::{self, AccountId, ActId, JudgeId, ObservationId};
use ejf::domain::judge_file::RecordStatus;
use ejf::domain::policy::StaffRole;
use ejf::store;
use ejf::store::acts::Act;
use ejf::store::observations::Observation;
use serde_json::{Value, json};

use crate::acts::act;
use crate::harness::{App, Client, Judge};
use crate::traps::statements;

const QUARTERS: [&str; 4] = ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"];

/// Values by category and indicator for quarters of 2026, put in past HTTP.
type Values<'a> = &'a [(&'a str, &'a str, &'a [i64])];

async fn db_add_values(app: &App, judge_id: JudgeId, recorded_by: AccountId, values: Values<'_>) {
    let now = app.clock.now();
    let mut rows = Vec::new();
    for (category, code, values) in values {
        for (quarter, numerator) in QUARTERS.iter().zip(*values) {
            let quarter = Period::parse(quarter).unwrap();
            rows.push(Observation {
                id: ObservationId(ids::new_at(now)),
                judge_id,
                indicator_code: (*code).to_owned(),
                category: (*category).to_owned(),
                period_start: quarter.starts_on(),
                period_end: quarter.ends_on(),
                numerator: *numerator,
                denominator: None,
                source_system: "toerelik".to_owned(),
                source_record_id: None,
                as_of: quarter.ends_on(),
                received_at: now.naive_utc(),
                recorded_by: Some(recorded_by),
                recorded_by_client: None,
                status: RecordStatus::Active,
                supersedes_id: None,
                legal_basis: None,
                batch_id: None,
            });
        }
    }
    let insert = move |conn: &mut ejf::db::Conn| rows.iter().try_for_each(|row| store::observations::insert(conn, row));
    app.registry().0.write(insert).await.unwrap();
}

/// So many reviewed acts of May 2026, of which the first were amended, put in past HTTP.
async fn db_add_acts(app: &App, judge_id: JudgeId, recorded_by: AccountId, reviewed: usize, reversed: usize) {
    use ejf::domain::acts::{ActInstance, ActOutcome, ActReason};
    let now = app.clock.now();
    let rows: Vec<Act> = (0..reviewed)
        .map(|number| Act {
            id: ActId(ids::new_at(now)),
            judge_id,
            case_no: format!("2-{number}/2026"),
            category: "civil".to_owned(),
            act_date: "2026-05-04".parse().unwrap(),
            appealed_on: "2026-05-20".parse().unwrap(),
            instance: ActInstance::Appeal,
            outcome: if number < reversed { ActOutcome::Amended } else { ActOutcome::Upheld },
            reason_code: (number < reversed).then_some(ActReason::EvidenceAssessment),
            jury_decision_ref: None,
            source_system: "toerelik".to_owned(),
            source_record_id: None,
            as_of: "2026-09-01".parse().unwrap(),
            received_at: now.naive_utc(),
            recorded_by: Some(recorded_by),
            recorded_by_client: None,
            status: RecordStatus::Active,
            supersedes_id: None,
            legal_basis: None,
            batch_id: None,
        })
        .collect();
    let insert = move |conn: &mut ejf::db::Conn| rows.iter().try_for_each(|row| store::acts::insert(conn, row));
    app.registry().0.write(insert).await.unwrap();
}

/// A judge of a court with civil cases: 100 came in each quarter, and so many were resolved.
pub async fn judge_who_resolved(app: &App, court: &str, staff: AccountId, resolved: i64) -> Judge {
    let judge = app.judge_at(court).await;
    let days = [("all", "working_days", &[60_i64; 4][..])];
    let cases: [(&str, &str, &[i64]); 4] = [
        ("civil", "incoming", &[100; 4]),
        ("civil", "resolved", &[resolved; 4]),
        ("civil", "pending_end", &[50; 4]),
        ("civil", "weighted_workload", &[resolved * 1000; 4]),
    ];
    db_add_values(app, judge.id, staff, &days).await;
    db_add_values(app, judge.id, staff, &cases).await;
    judge
}

/// Marks the cases resolved in the last quarter of 2026 as disputed, past HTTP.
pub async fn db_dispute_last_resolved(app: &App, judge_id: JudgeId) {
    let last = Period::parse("2026-Q4").unwrap().starts_on();
    let dispute = move |conn: &mut ejf::db::Conn| {
        let rows = store::observations::list(conn, judge_id, Some("resolved"), None, 100)?;
        let row = rows.iter().find(|row| row.period_start == last).unwrap();
        store::observations::set_status(conn, row.id, RecordStatus::Disputed)
    };
    app.registry().0.write(dispute).await.unwrap();
}

async fn indicators(client: &Client, judge: &Judge, query: &str) -> Value {
    client.get(&format!("/v1/judges/{}/indicators{query}", judge.id)).await.expect(200).body
}

/// A figure of the first category.
fn figure<'a>(body: &'a Value, code: &str) -> &'a Value {
    let category = &body["categories"][0];
    let mut all =
        category["figures"].as_array().unwrap().iter().chain(category["reviews"]["rates"].as_array().unwrap());
    all.find(|figure| figure["code"] == code).unwrap_or_else(|| panic!("no {code} in {body}"))
}

fn parts(figure: &Value) -> [Value; 4] {
    ["numerator", "denominator", "value", "no_figure"].map(|part| figure[part].clone())
}

#[tokio::test]
async fn figures_are_worked_out_of_the_recorded_counts_with_their_parts_and_period() {
    let app = App::start().await;
    let staff = app.db_add_account("keeper", Some(StaffRole::Secretary), None).await;
    let judge = app.judge_at(&app.court("Алмалы аудандық соты").await).await;
    let values: [(&str, &str, &[i64]); 11] = [
        ("civil", "pending_start", &[40, 45, 50, 55]),
        ("civil", "incoming", &[100, 100, 100, 100]),
        ("civil", "transferred_in", &[0, 0, 0, 0]),
        ("civil", "resolved", &[95, 95, 95, 95]),
        ("civil", "transferred_out", &[0, 0, 0, 1]),
        ("civil", "pending_end", &[45, 50, 55, 60]),
        ("civil", "pending_age_le3", &[0, 0, 0, 30]),
        ("civil", "pending_age_le6", &[0, 0, 0, 15]),
        ("civil", "pending_age_le12", &[0, 0, 0, 12]),
        ("civil", "pending_age_gt12", &[0, 0, 0, 3]),
        ("civil", "term_violations_judge", &[1, 0, 2, 1]),
    ];
    db_add_values(&app, judge.id, staff, &values).await;
    db_add_acts(&app, judge.id, staff, 20, 3).await;

    let body = indicators(&judge.client(&app).await, &judge, "").await;

    assert_eq!((&body["period"], &body["quarters"], &body["days"]), (&json!("2026"), &json!(QUARTERS), &json!(365)));
    for (code, expected) in [
        ("clearance_rate", json!([380, 400, 950, null])),
        ("disposition_time", json!([60, 380, 58, null])),
        ("age_of_pending_le3", json!([30, 60, 500, null])),
        ("age_of_pending_gt12", json!([3, 60, 50, null])),
        ("on_time_share", json!([376, 380, 989, null])),
        ("appeal_rate", json!([20, 380, 53, null])),
        ("reversal_of_appealed", json!([3, 20, 150, null])),
        ("reversal_of_resolved", json!([3, 380, 8, null])),
    ] {
        assert_eq!(json!(parts(figure(&body, code))), expected, "{code}");
        assert_eq!(figure(&body, code)["no_comparison"], "too_few_judges", "{code}");
    }
    let reversed = figure(&body, "reversal_of_appealed");
    assert_eq!((&reversed["interval_lower"], &reversed["interval_upper"]), (&json!(52), &json!(361)));
    let reasons = &body["categories"][0]["reviews"]["reasons"];
    assert_eq!(*reasons, json!([{"reason_code": "evidence_assessment", "act_count": 3}]));
    // In the first three quarters the ages, in the last the flow does not come out.
    let mismatches: Vec<_> = body["mismatches"].as_array().unwrap().iter().map(|one| &one["check"]).collect();
    let expected = ["pending_ages", "pending_ages", "pending_ages", "pending_identity"];
    assert_eq!(json!(mismatches), json!(expected));
    let quarter = indicators(&judge.client(&app).await, &judge, "?period=2026-Q3").await;
    assert_eq!(json!(parts(figure(&quarter, "disposition_time"))), json!([55, 95, 53, null]));
    assert_eq!(quarter["days"], 92);
}

#[tokio::test]
async fn beside_a_figure_stand_the_quartiles_of_ten_others_and_never_a_rank() {
    let app = App::start().await;
    let staff = app.db_add_account("keeper", Some(StaffRole::Secretary), None).await;
    let (court, next) = (app.court("Алмалы аудандық соты").await, app.court("Медеу аудандық соты").await);
    let far = app.court_in("abai", "Семей қалалық соты").await;
    let mut judges = Vec::new();
    for number in 0..10 {
        let court = if number % 2 == 0 { &court } else { &next };
        judges.push(judge_who_resolved(&app, court, staff, 80 + 4 * number).await);
        // Judges of another region are no comparison, however many they are.
        judge_who_resolved(&app, &far, staff, 1).await;
    }
    let nine = indicators(&judges[0].client(&app).await, &judges[0], "").await;
    assert_eq!(figure(&nine, "clearance_rate")["no_comparison"], "too_few_judges");
    assert_eq!(nine["workload"]["no_figure"], "too_few_comparable");

    judges.push(judge_who_resolved(&app, &next, staff, 120).await);
    let body = indicators(&judges[0].client(&app).await, &judges[0], "").await;

    // Of 80, 84, … 116 and 120 per cent.
    let quartiles = json!({"lower_quartile": 900, "median": 1000, "upper_quartile": 1100, "judge_count_at_least": 10});
    assert_eq!(figure(&body, "clearance_rate")["comparison"], quartiles);
    assert_eq!(figure(&body, "clearance_rate")["value"], 800);
    let group = json!({"level": "district", "region": "almaty_city", "on": "2026-12-31", "is_sample": false});
    assert_eq!(body["compared_with"], group);
    let workload = &body["workload"];
    assert_eq!((&workload["specialisation"], &workload["working_days"]), (&json!("civil"), &json!(240)));
    assert_eq!((&workload["per_working_day"], &workload["median_per_working_day"]), (&json!(1333), &json!(1650)));
    assert_eq!(workload["value"], 81);
    // All of the group are shown the same, so that two of them together know no more.
    for judge in &judges[1..] {
        let shown = indicators(&judge.client(&app).await, judge, "").await;
        assert_eq!(figure(&shown, "clearance_rate")["comparison"], quartiles);
    }
    let text = body.to_string();
    for word in ["rank", "percentile", "position", "minimum", "maximum", "mean"] {
        assert!(!text.contains(&format!("\"{word}")), "{word} in {text}");
    }
}

#[tokio::test]
async fn who_joins_or_leaves_a_group_at_its_edge_is_not_seen_in_it() {
    let app = App::start().await;
    let staff = app.db_add_account("keeper", Some(StaffRole::Secretary), None).await;
    let court = app.court("Алмалы аудандық соты").await;
    let mut judges = Vec::new();
    for number in 0..12 {
        // Most do about the same; one more and one less, whatever they do, move nothing by more than a step.
        judges.push(judge_who_resolved(&app, &court, staff, if number < 6 { 98 } else { 102 }).await);
    }
    let shown = async || {
        let body = indicators(&judges[0].client(&app).await, &judges[0], "").await;
        figure(&body, "clearance_rate")["comparison"].clone()
    };
    let before = shown().await;
    assert_eq!(before["judge_count_at_least"], 10);

    judge_who_resolved(&app, &court, staff, 1).await;
    judge_who_resolved(&app, &court, staff, 400).await;

    assert_eq!(shown().await, before, "neither the number of judges nor a quartile tells of the two");
}

#[tokio::test]
async fn what_is_disputed_is_left_out_on_both_sides_and_the_own_quarters_are_named() {
    let app = App::start().await;
    let staff = app.db_add_account("keeper", Some(StaffRole::Secretary), None).await;
    let court = app.court("Алмалы аудандық соты").await;
    let mut judges = Vec::new();
    for number in 0..11 {
        judges.push(judge_who_resolved(&app, &court, staff, 80 + 4 * number).await);
    }
    let [own, other] = [&judges[0], &judges[1]];
    let clearance = |body: &Value| figure(body, "clearance_rate").clone();
    let before = clearance(&indicators(&own.client(&app).await, own, "").await);
    assert!(before["comparison"].is_object());

    db_dispute_last_resolved(&app, other.id).await;
    let after = clearance(&indicators(&own.client(&app).await, own, "").await);
    assert_eq!((&after["value"], &after["no_comparison"]), (&before["value"], &json!("too_few_judges")));

    db_dispute_last_resolved(&app, own.id).await;
    let own_view = clearance(&indicators(&own.client(&app).await, own, "").await);
    assert_eq!(json!(parts(&own_view)), json!([240, 300, 800, null]));
    assert_eq!(own_view["disputed_quarters"], json!(["2026-Q4"]));
    assert_eq!(
        (&own_view["quarters"], &own_view["no_comparison"]),
        (&json!(&QUARTERS[..3]), &json!("quarters_missing"))
    );
    let quarter = indicators(&own.client(&app).await, own, "?period=2026-Q4").await;
    assert_eq!(clearance(&quarter)["no_figure"], "disputed");
}

#[tokio::test]
async fn indicators_are_read_by_whom_the_file_is_and_each_reading_is_on_record() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let path = format!("/v1/judges/{}/indicators", judge.id);
    let secretary = app.secretary().await;

    let unnamed = secretary.get(&path).await.expect_problem(400, "malformed");
    assert_eq!(unnamed.faults(), [("purpose".to_owned(), "required".to_owned())]);
    let without_post = secretary.get(&format!("{path}?purpose=personnel")).await.expect(200);
    judge.client(&app).await.get(&path).await.expect(200);
    other.client(&app).await.get(&path).await.expect_problem(404, "not_found");
    for role in [StaffRole::Member, StaffRole::AppealMember] {
        app.staff(role).await.get(&format!("{path}?purpose=evaluation")).await.expect_problem(404, "not_found");
    }
    app.staff(StaffRole::Auditor).await.get(&path).await.expect_problem(403, "forbidden");

    assert_eq!((&without_post.body["compared_with"], &without_post.body["categories"]), (&Value::Null, &json!([])));
    let id = judge.id;
    let entries = app.registry().0.read(move |conn| store::audit::list(conn, Some(id), None, 100)).await.unwrap();
    let found: Vec<_> =
        entries.iter().filter_map(|entry| Some((entry.act.as_str(), entry.purpose.as_deref()?))).collect();
    assert_eq!(found, [("get_judge_indicators", "personnel"), ("get_judge_indicators", "own_file")]);
    for period in ["2026-Q5", "26", "2026-Q2..2026-Q1", "2000-Q1..2026-Q4", "2026..2027", ""] {
        let odd = judge.client(&app).await.get(&format!("{path}?period={period}")).await.expect(400);
        assert_eq!(odd.faults(), [("period".to_owned(), "format".to_owned())], "{period}");
    }
    // Nobody chooses with whom a judge is compared, so that no two answers differ by one judge.
    for narrowed in ["court_id", "region", "level", "judge_id", "category", "known_on", "filter"] {
        let odd = judge.client(&app).await.get(&format!("{path}?{narrowed}=x")).await;
        odd.expect_problem(400, "malformed");
    }
}

/// Five queries, whoever and how many are compared, and what a reading costs besides.
#[tokio::test]
async fn a_larger_group_costs_no_more_statements() {
    statements::watch();
    let app = App::start().await;
    let staff = app.db_add_account("keeper", Some(StaffRole::Secretary), None).await;
    let court = app.court("Алмалы аудандық соты").await;
    let judge = judge_who_resolved(&app, &court, staff, 90).await;
    let client = judge.client(&app).await;
    let cost = async || {
        let mut least = u64::MAX;
        for _ in 0..3 {
            let before = statements::count(&app);
            indicators(&client, &judge, "?period=2026").await;
            least = least.min(statements::count(&app) - before);
        }
        least
    };
    let alone = cost().await;
    for number in 0..12 {
        judge_who_resolved(&app, &court, staff, 80 + number).await;
    }

    assert_eq!(cost().await, alone);
    // Five to read, two to record the reading; the rest begins and ends the two transactions.
    assert!(alone <= 13, "{alone} statements");
}

#[tokio::test]
async fn no_rate_on_the_review_of_acts_can_be_made_an_input_to_a_score() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge().await;
    let standard: Value = serde_json::from_str(ejf::domain::methodology::DEFAULT_JSON).unwrap();

    for code in ["reversal_of_appealed", "reversal_of_resolved", "appeal_rate"] {
        // Neither is it a value that a source could report …
        let value = json!({"indicator_code": code, "category": "civil", "period": "2026-Q3", "numerator": 3,
            "denominator": 21, "source_system": "toerelik", "as_of": "2026-10-05"});
        let reported = secretary.post(&format!("/v1/judges/{}/observations", judge.id), value).await.expect(422);
        assert_eq!(reported.faults(), [("/indicator_code".to_owned(), "missing".to_owned())], "{code}");
        // … nor a criterion or an item that a methodology could have marked.
        let mut methodology = standard.clone();
        methodology["code"] = json!("by-numbers");
        methodology["criteria"][0]["code"] = json!(code);
        let refused = secretary.post("/v1/methodologies", methodology).await.expect_problem(422, "invalid");
        assert!(refused.faults().contains(&("/criteria/0/code".to_owned(), "fixed".to_owned())), "{code}");
        let mut methodology = standard.clone();
        methodology["code"] = json!("by-numbers");
        methodology["items"][0]["code"] = json!(code);
        let refused = secretary.post("/v1/methodologies", methodology).await.expect_problem(422, "invalid");
        assert!(refused.faults().contains(&("/items/0/code".to_owned(), "fixed".to_owned())), "{code}");
    }
    secretary.post(&format!("/v1/judges/{}/acts", judge.id), act(json!({}))).await.expect(201);
    let body = indicators(&judge.client(&app).await, &judge, "?period=2026").await;
    for rate in body["categories"][0]["reviews"]["rates"].as_array().unwrap() {
        assert_eq!(rate["is_scorable"], false);
    }
}
