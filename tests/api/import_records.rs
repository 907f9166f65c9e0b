//! Files of the other sections, of reviews of acts and of statistics; and what a file tells beside what is on record.

use ejf::domain::caller::Scope;
use serde_json::{Value, json};

use crate::harness::plans::all_items;
use crate::harness::{App, Client, Judge};
use crate::imports::{findings, imported};

pub const TRAINING: &str =
    "judge_id;course;provider;hours;starts_on;ends_on;result;score;source_system;source_record_id;as_of";
pub const ACTS: &str =
    "judge_id;case_no;category;act_date;appealed_on;instance;outcome;reason_code;source_system;source_record_id;as_of";
pub const STATISTICS: &str = "judge_id;category;period;pending_start;incoming;resolved;transferred_in;transferred_out;pending_end;source_system;source_record_id;as_of";

pub fn course(judge: &Judge, hours: &str, result: &str, name: &str) -> String {
    format!("{};Дәлелдеу;Academy;{hours};02.03.2026;06.03.2026;{result};88;academy;{name};2027-01-10\n", judge.id)
}

pub fn act(judge: &Judge, outcome: &str, name: &str, as_of: &str) -> String {
    format!("{};7517/1042;civil;2026-05-04;2026-05-20;appeal;{outcome};toerelik;{name};{as_of}\n", judge.id)
}

pub fn statistics(judge: &Judge, period: &str, values: [&str; 6], name: &str) -> String {
    format!("{};civil;{period};{};toerelik;{name};2027-01-10\n", judge.id, values.join(";"))
}

fn found(row: i64, pointer: &str, code: &str) -> (i64, String, String) {
    (row, pointer.to_owned(), code.to_owned())
}

fn rows(import: &Value) -> [i64; 6] {
    ["read", "new", "unchanged", "restated", "refused", "warnings"].map(|name| import["rows"][name].as_i64().unwrap())
}

async fn listed(app: &App, judge: &Judge, list: &str) -> Vec<Value> {
    all_items(&app.secretary().await, &format!("/v1/judges/{}/{list}?purpose=personnel", judge.id)).await
}

/// What a file told and what was on record when it was through: quarter, indicator, both counts and both sums.
async fn reconciled(client: &Client, import: &Value) -> Vec<[Value; 6]> {
    let path = format!("/v1/imports/{}/reconciliation", import["id"].as_str().unwrap());
    let members = ["period", "indicator_code", "file_count", "recorded_count", "file_total", "recorded_total"];
    let items = all_items(client, &path).await;
    items.iter().map(|item| members.map(|member| item[member].clone())).collect()
}

#[tokio::test]
async fn a_row_becomes_the_record_that_is_added_alone_and_is_known_by_its_source() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let file = |hours: &str| format!("{TRAINING}\n{}", course(&judge, hours, "passed", "T-1"));

    let first = imported(&app, &secretary, "type=training", file("40")).await;
    let again = imported(&app, &secretary, "type=training", file("40")).await;
    let changed = imported(&app, &secretary, "type=training", file("32")).await;

    assert_eq!([rows(&first), rows(&again)], [[1, 1, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0]]);
    assert_eq!(rows(&changed), [1, 0, 0, 1, 0, 0]);
    let records = listed(&app, &judge, "records").await;
    let of = |status: &str| records.iter().find(|record| record["status"] == status).unwrap();
    let content = |hours: i64| {
        json!({"training": {"course": "Дәлелдеу", "provider": "Academy", "hours": hours, "starts_on": "2026-03-02",
            "ends_on": "2026-03-06", "result": "passed", "score": 88}})
    };
    assert_eq!((&of("corrected")["content"], &of("active")["content"]), (&content(40), &content(32)));
    assert_eq!(
        [&of("corrected")["batch_id"], &of("active")["batch_id"], &of("active")["supersedes_id"]],
        [&first["id"], &changed["id"], &of("corrected")["id"]]
    );
}

#[tokio::test]
async fn a_row_is_refused_by_the_rules_of_its_section_at_the_column() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let other = app.judge().await;
    let file = format!(
        "{TRAINING}\n{}{}{}{}",
        course(&judge, "1001", "passed", "T-1"),
        course(&judge, "", "won", "T-2"),
        course(&judge, "40", "passed", "T-3"),
        course(&other, "40", "passed", "T-3"),
    );

    let import = imported(&app, &secretary, "type=training&mode=partial", file).await;

    let expected = [
        found(2, "/hours", "range"),
        found(3, "/hours", "required"),
        found(3, "/result", "one_of"),
        found(5, "/source_record_id", "duplicate"),
    ];
    assert_eq!(findings(&secretary, &import).await, expected);
    assert_eq!(listed(&app, &judge, "records").await.len(), 1);
    assert_eq!(listed(&app, &other, "records").await, [Value::Null; 0]);
    let own = format!("{TRAINING}\n{}", course(&judge, "40", "passed", "T-4")).replace(";academy;", ";judge;");
    let import = imported(&app, &secretary, "type=training", own).await;
    assert_eq!(findings(&secretary, &import).await, [found(2, "/source_system", "fixed")]);
}

#[tokio::test]
async fn a_penalty_that_is_quashed_by_a_file_is_shown_to_nobody_and_no_finding_tells_of_it() {
    let app = App::start().await;
    let judge = app.judge().await;
    let jury = app.machine("jury", &[Scope::FileWrite]).await;
    let head = "judge_id;decision_ref;ground;penalty;decided_on;in_force_on;expires_on;appeal;source_system;source_record_id;as_of";
    let file = |appeal: &str| {
        let row = "Decision 7;Late reasoning;remark;2026-10-12;2026-10-26;2027-04-26";
        format!("{head}\n{};{row};{appeal};jury;D-7;2027-01-10\n", judge.id)
    };

    let first = imported(&app, &jury, "type=discipline", file("none")).await;
    assert_eq!((rows(&first), listed(&app, &judge, "records").await.len()), ([1, 1, 0, 0, 0, 0], 1));
    let second = imported(&app, &jury, "type=discipline", file("quashed")).await;

    assert_eq!(rows(&second), [1, 0, 0, 1, 0, 0]);
    assert_eq!(listed(&app, &judge, "records").await, [Value::Null; 0]);
    assert!(findings(&jury, &second).await.is_empty());
}

#[tokio::test]
async fn a_batch_of_records_is_taken_back_unless_the_judge_has_spoken_to_it() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let file = |hours: &str| format!("{TRAINING}\n{}", course(&judge, hours, "passed", "T-1"));
    imported(&app, &secretary, "type=training", file("40")).await;
    let batch = imported(&app, &secretary, "type=training", file("32")).await;
    let reversal = |import: &Value| format!("/v1/imports/{}/reversal", import["id"].as_str().unwrap());

    let undone = secretary.post(&reversal(&batch), json!({})).await.expect(200);

    assert_eq!((&undone.body["withdrawn"], &undone.body["restored"]), (&json!(1), &json!(1)));
    let records = listed(&app, &judge, "records").await;
    let active: Vec<&Value> = records.iter().filter(|record| record["status"] == "active").collect();
    assert_eq!((records.len(), &active[0]["content"]["training"]["hours"]), (3, &json!(40)));
    let next = imported(&app, &secretary, "type=training", file("24")).await;
    let record = listed(&app, &judge, "records").await.into_iter().find(|record| record["status"] == "active").unwrap();
    let statement = json!({"content": {"judge_statement": {"text": "Ол курс 40 сағат болды.",
        "about": {"record_type": "record", "record_id": record["id"]}}}});
    judge.client(&app).await.post("/v1/me/records", statement).await.expect(201);
    let preview = secretary.get(&reversal(&next)).await.expect(200);
    assert_eq!(preview.body["dependants"], json!([{"what": "statements", "count": 1}]));
    secretary.post(&reversal(&next), json!({})).await.expect_problem(409, "guard_not_met");
}

#[tokio::test]
async fn reviews_of_acts_come_in_by_the_file_are_restated_and_taken_back() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let file = |rows: &[String]| format!("{ACTS}\n{}", rows.concat());
    let upheld = act(&judge, "upheld;", "A-1", "2026-09-01");
    let amended = act(&judge, "amended;other", "A-1", "2026-09-02");

    let first = imported(&app, &secretary, "type=acts", file(std::slice::from_ref(&upheld))).await;
    let again = imported(&app, &secretary, "type=acts", file(std::slice::from_ref(&upheld))).await;
    let second = imported(&app, &secretary, "type=acts", file(&[amended])).await;
    let refused = imported(
        &app,
        &secretary,
        "type=acts&mode=partial",
        file(&[upheld, act(&judge, "amended;", "A-2", "2026-09-02"), act(&judge, "upheld;", "A-3", "2026-09-02")]),
    )
    .await;

    assert_eq!([rows(&first)[1], rows(&again)[2], rows(&second)[3]], [1, 1, 1]);
    let expected =
        [found(2, "", "already_superseded"), found(3, "/reason_code", "required"), found(4, "", "already_exists")];
    assert_eq!(findings(&secretary, &refused).await, expected);
    let standing = async |judge: &Judge| {
        let acts = listed(&app, judge, "acts").await;
        let active = acts.into_iter().filter(|act| act["status"] == "active");
        active.map(|act| (act["outcome"].clone(), act["attributable"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(standing(&judge).await, [(json!("amended"), json!("undetermined"))]);
    let reversal = format!("/v1/imports/{}/reversal", second["id"].as_str().unwrap());
    secretary.post(&reversal, json!({})).await.expect(200);
    assert_eq!(standing(&judge).await, [(json!("upheld"), json!("undetermined"))]);
}

#[tokio::test]
async fn a_row_of_statistics_is_a_value_of_each_indicator_and_what_does_not_add_up_is_a_warning() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let file = |rows: &[String]| format!("{STATISTICS}\n{}", rows.concat());
    let sound = statistics(&judge, "2026-Q3", ["40", "100", "95", "3", "8", "40"], "S-3");
    let odd = statistics(&judge, "2026-Q2", ["30", "100", "90", "0", "0", "41"], "S-2");

    let held = imported(&app, &secretary, "type=statistics&dry_run=if_warning", file(&[sound.clone(), odd])).await;
    let taken =
        imported(&app, &secretary, "type=statistics&dry_run=if_warning", file(std::slice::from_ref(&sound))).await;
    let again = imported(&app, &secretary, "type=statistics", file(&[sound])).await;

    assert_eq!((&held["is_applied"], rows(&held)), (&json!(false), [2, 2, 0, 0, 0, 1]));
    assert_eq!(findings(&secretary, &held).await, [found(3, "/pending_end", "pending_identity")]);
    let path = format!("/v1/imports/{}/errors", held["id"].as_str().unwrap());
    let told = secretary.with_header("Accept-Language", "en").get(&path).await.expect(200);
    assert!(told.text.contains("41 ≠ 40"), "{}", told.text);
    assert_eq!([rows(&taken), rows(&again)], [[1, 1, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0]]);
    let records = listed(&app, &judge, "observations").await;
    let named = |code: &str| records.iter().find(|record| record["indicator_code"] == code).unwrap();
    assert_eq!((records.len(), &named("resolved")["numerator"]), (6, &json!(95)));
    assert_eq!(named("resolved")["source_record_id"], "S-3/resolved");
}

#[tokio::test]
async fn a_row_of_statistics_is_taken_in_whole_or_not_at_all() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    let file = |values: [&str; 6], name: &str| format!("{STATISTICS}\n{}", statistics(&judge, "2026-Q3", values, name));
    let alone = "judge_id,indicator_code,category,period,numerator,source_system,source_record_id,as_of";
    let alone = format!("{alone}\n{},incoming,civil,2026-Q3,100,hr,H-1,2027-01-10\n", judge.id);
    imported(&app, &secretary, "type=observations", alone).await;
    let partial = "type=statistics&mode=partial";

    let taken = imported(&app, &secretary, partial, file(["40", "100", "95", "", "", "45"], "S-3")).await;
    let wrong = imported(&app, &secretary, partial, file(["40", "", "30001", "x", "", "45"], "S-3")).await;
    let empty = imported(&app, &secretary, partial, file([""; 6], "S-3")).await;

    assert_eq!(findings(&secretary, &taken).await, [found(2, "/incoming", "duplicate")]);
    assert_eq!(findings(&secretary, &wrong).await, [found(2, "/transferred_in", "format")]);
    assert_eq!(findings(&secretary, &empty).await, [found(2, "/resolved", "required")]);
    assert_eq!(listed(&app, &judge, "observations").await.len(), 1);
    let out_of_range = imported(&app, &secretary, partial, file(["40", "", "30001", "", "", "45"], "S-3")).await;
    assert_eq!(findings(&secretary, &out_of_range).await, [found(2, "/resolved", "range")]);
    imported(&app, &secretary, partial, file(["40", "", "95", "", "", "45"], "S-3")).await;
    let restated = imported(&app, &secretary, partial, file(["40", "", "96", "", "", "45"], "S-3")).await;
    assert_eq!(rows(&restated), [1, 0, 0, 1, 0, 1]);
    assert_eq!(findings(&secretary, &restated).await, [found(2, "/resolved", "restates_closed_quarter")]);
    let values = listed(&app, &judge, "observations").await;
    assert_eq!(values.iter().filter(|value| value["status"] == "corrected").count(), 1);
}

#[tokio::test]
async fn the_reconciliation_tells_what_a_file_leaves_out_of_what_is_on_record() {
    let app = App::start().await;
    let (secretary, first, second) = (app.secretary().await, app.judge().await, app.judge().await);
    let head = "judge_id,indicator_code,category,period,numerator,source_system,source_record_id,as_of\n";
    let row = |judge: &Judge, code: &str, value: i64| {
        format!("{},{code},civil,2026-Q3,{value},toerelik,{code}/{},2027-01-10\n", judge.id, judge.id)
    };
    let whole = [head, &row(&first, "resolved", 90), &row(&second, "resolved", 80), &row(&first, "incoming", 100)];
    imported(&app, &secretary, "type=observations", whole.concat()).await;
    let part = [head, &row(&first, "resolved", 91), &row(&second, "hearings", 7)].concat();

    for (query, applied) in [("dry_run=true", false), ("mode=partial", true), ("mode=atomic", true)] {
        let import = imported(&app, &secretary, &format!("type=observations&{query}"), part.clone()).await;

        assert_eq!(import["is_applied"], applied);
        let line = |code: &str, numbers: [Value; 4]| {
            let [told, recorded, sum, recorded_sum] = numbers;
            [json!("2026-Q3"), json!(code), told, recorded, sum, recorded_sum]
        };
        let expected = [
            line("hearings", [json!(1), json!(1), json!(7), json!(7)]),
            line("incoming", [json!(0), json!(1), Value::Null, json!(100)]),
            line("resolved", [json!(1), json!(2), json!(91), json!(171)]),
        ];
        assert_eq!(reconciled(&secretary, &import).await, expected, "{query}");
    }
    let courts = "name_kk,name_ru,level,region,posts,source_system,source_record_id\nСот,Суд,district,abay,3,hr,1\n";
    let import = imported(&app, &secretary, "type=courts", courts).await;
    let nothing = || Value::Null;
    let expected = [nothing(), nothing(), json!(1), json!(1), nothing(), nothing()];
    assert_eq!(reconciled(&secretary, &import).await, [expected]);
    let foreign = app.machine("hr", &[Scope::FileWrite]).await;
    let path = format!("/v1/imports/{}/reconciliation", import["id"].as_str().unwrap());
    foreign.get(&path).await.expect_problem(404, "not_found");
}
