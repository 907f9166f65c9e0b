//! What is known of a judge's person: who tells it, who sees how much of it, and above all where sex and birth date do not go.

use ejf::domain::caller::Scope;
use ejf::domain::policy::StaffRole;
use ejf::texts::{Language, plain};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{App, Client, Judge, invented_iin};
use crate::imports::{findings, imported};
use crate::poppler::Printed;
use crate::requests::{World, document, operations};

fn told(birth_date: &str, sex: &str) -> Value {
    json!({"birth_date": birth_date, "sex": sex, "source_system": "hr", "as_of": "2027-01-10"})
}

async fn tell(client: &Client, judge: &Judge, body: Value) -> crate::harness::Answer {
    client.post(&format!("/v1/judges/{}/particulars", judge.id), body).await
}

/// The whole file as a reader gets it.
async fn file(client: &Client, judge: &Judge, query: &str) -> Value {
    client.get(&format!("/v1/judges/{}/file?view=full{query}", judge.id)).await.expect(200).body
}

#[tokio::test]
async fn a_birth_date_is_seen_for_a_personnel_matter_and_sex_by_the_judge_alone() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge().await;

    let made = tell(&secretary, &judge, told("1985-06-15", "f")).await.expect(201);

    assert_eq!((&made.body["birth_date"], &made.body["status"]), (&json!("1985-06-15"), &json!("active")));
    assert!(made.body.get("sex").is_none(), "{}", made.text);
    let own = file(&judge.client(&app).await, &judge, "").await;
    assert_eq!((&own["particulars"], &own["sex"]), (&json!([made.body]), &json!("f")));
    for (purpose, seen) in
        [("personnel", json!([made.body])), ("correction", json!([made.body])), ("evaluation", Value::Null)]
    {
        let read = file(&secretary, &judge, &format!("&purpose={purpose}")).await;
        assert_eq!((&read["particulars"], &read["sex"]), (&seen, &Value::Null), "{purpose}");
    }
}

#[tokio::test]
async fn what_is_told_anew_takes_the_place_of_what_was_known_and_silence_changes_nothing() {
    let app = App::start().await;
    let judge = app.judge().await;
    let first = tell(&app.secretary().await, &judge, told("1985-06-15", "f")).await.expect(201).body;
    app.go_to("2027-01-20");
    let secretary = app.secretary().await;
    let again = json!({"birth_date": "1985-06-15", "source_system": "hr", "as_of": "2027-01-19"});

    let same = tell(&secretary, &judge, again).await.expect(201).body;
    let years = json!({"legal_service_hundredths": 1750, "source_system": "hr", "as_of": "2027-01-19"});
    let second = tell(&secretary, &judge, years).await.expect(201).body;

    assert_eq!(same["id"], first["id"]);
    assert_eq!((&second["supersedes_id"], &second["birth_date"]), (&first["id"], &json!("1985-06-15")));
    let own = file(&judge.client(&app).await, &judge, "").await;
    let stood: Vec<_> = own["particulars"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!((stood, &own["sex"]), (vec![json!("corrected"), json!("active")], &json!("f")));
    assert_eq!(own["particulars"][1]["legal_service_hundredths"], 1750);
    let before = file(&secretary, &judge, "&purpose=personnel&known_on=2027-01-12").await;
    assert_eq!(before["particulars"], json!([first]), "as it was known then");
    let older = json!({"birth_date": "1985-06-16", "source_system": "hr", "as_of": "2027-01-18"});
    tell(&secretary, &judge, older).await.expect_problem(409, "already_superseded");
}

#[tokio::test]
async fn a_date_by_which_nobody_is_a_judge_is_refused_at_the_field() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let (judge, retired) = (app.judge_at(&app.court("Алмалы аудандық соты").await).await, app.judge().await);
    let cases = [
        (&judge, told("1990-03-03", "m"), 422, "/birth_date", "range"),
        // In office at 76; out of office, of that age, a judge may be.
        (&judge, told("1950-12-01", "m"), 422, "/birth_date", "range"),
        (&judge, told("1850-12-01", "m"), 422, "/birth_date", "format"),
        (&judge, told("1985-02-30", "m"), 400, "/birth_date", "type"),
        (&judge, told("1985-06-15", "x"), 400, "/sex", "one_of"),
        (
            &judge,
            json!({"legal_service_hundredths": 6001, "source_system": "hr", "as_of": "2027-01-10"}),
            422,
            "/legal_service_hundredths",
            "range",
        ),
        (&judge, json!({"sex": "m", "source_system": "hr", "as_of": "2027-01-12"}), 422, "/as_of", "format"),
    ];
    for (judge, body, status, pointer, code) in cases {
        let faults = tell(&secretary, judge, body.clone()).await.expect(status).faults();
        assert_eq!(faults[0], (pointer.to_owned(), code.to_owned()), "{body}");
    }
    tell(&secretary, &retired, told("1950-12-01", "m")).await.expect(201);
    let nothing = tell(&secretary, &judge, json!({"source_system": "hr", "as_of": "2027-01-10"})).await.expect(422);
    let required =
        ["/birth_date", "/sex", "/legal_service_hundredths"].map(|field| (field.to_owned(), "required".to_owned()));
    assert_eq!(nothing.faults(), required);
    let new = json!({"iin": invented_iin(), "full_name_kk": "Сәуле", "full_name_ru": "Сауле",
        "first_appointed_on": "2015-03-02", "birth_date": "1999-01-01"});
    let faults = secretary.post("/v1/judges", new).await.expect(422).faults();
    assert_eq!(faults, [("/external_id".into(), "required".into()), ("/birth_date".into(), "range".into())]);
}

#[tokio::test]
async fn a_system_tells_of_itself_and_does_not_replace_what_another_one_told() {
    let app = App::start().await;
    let (hr, other) = (app.machine("hr", &[Scope::FileWrite]).await, app.machine("academy", &[Scope::FileWrite]).await);
    let judge = app.judge().await;

    tell(&hr, &judge, told("1985-06-15", "f")).await.expect(201);

    let foreign = tell(&other, &judge, told("1985-06-15", "f")).await.expect(422);
    assert_eq!(foreign.faults(), [("/source_system".into(), "one_of".into())]);
    let mut own = told("1985-06-16", "f");
    own["source_system"] = json!("academy");
    tell(&other, &judge, own).await.expect_problem(409, "already_exists");
    tell(&hr, &judge, told("1985-06-16", "f")).await.expect(201);
}

#[tokio::test]
async fn a_judge_disputes_a_birth_date_which_is_marked_until_it_is_decided_and_no_member_sees_it() {
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let judge = &plan.subjects[0];
    let evaluation = plan.evaluation_of(&app, judge).await;
    let member = app.member(StaffRole::Member).await;
    app.assign(&evaluation, member.account_id, true).await.expect(201);
    let secretary = app.secretary().await;
    let first = tell(&secretary, judge, told("1962-07-17", "f")).await.expect(201).body;
    let requests = format!("/v1/judges/{}/correction-requests", judge.id);
    let claim = json!({"record_type": "particulars", "record_id": first["id"], "claim": "1963 жылы туғанмын."});

    let asked = judge.client(&app).await.post(&requests, claim).await.expect(201).id();

    let listed = secretary.get("/v1/age-limits").await.expect(200).body["items"][0].clone();
    assert_eq!((&listed["judge_id"], &listed["status"]), (&json!(judge.id), &json!("disputed")));
    let seen = secretary.get_for("correction", &requests).await.expect(200).body;
    assert_eq!(seen["items"][0]["id"], json!(asked));
    let path = format!("/v1/judges/{}/file?view=full&purpose=evaluation", judge.id);
    let reader = member.client(&app).await;
    for text in
        [reader.get_for("evaluation", &requests).await.expect(200).text, reader.get(&path).await.expect(200).text]
    {
        assert!(!text.contains("1963") && !text.contains(&asked), "{text}");
    }
    let decide = format!("/v1/correction-requests/{asked}/decide");
    let accepted = json!({"outcome": "accepted", "reason": "Құжатпен расталды."});
    secretary.post(&decide, accepted.clone()).await.expect_problem(409, "guard_not_met");
    let again = tell(&secretary, judge, told("1963-07-17", "f")).await.expect(201).body;
    assert_eq!(again["status"], "disputed", "what takes its place could say the same again");
    secretary.post(&decide, accepted).await.expect(200);
    let own = file(&judge.client(&app).await, judge, "").await;
    let stood = |one: &Value| format!("{} {}", one["birth_date"].as_str().unwrap(), one["status"].as_str().unwrap());
    let mut stood: Vec<String> = own["particulars"].as_array().unwrap().iter().map(stood).collect();
    stood.sort_unstable();
    assert_eq!(stood, ["1962-07-17 corrected", "1963-07-17 active"]);
}

const HEAD: &str =
    "iin,full_name_kk,full_name_ru,first_appointed_on,source_system,source_record_id,birth_date,sex,as_of";

#[tokio::test]
async fn a_file_of_judges_tells_of_persons_and_is_taken_back_with_what_it_told() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let iin = invented_iin();
    let row = |more: &str| format!("{HEAD}\n{iin},Сәуле,Сауле,2015-03-02,hr,J-1,{more}\n");
    let known = async || {
        let found = secretary.look_up_for("personnel", json!({"iin": iin})).await.expect(200).id();
        let path = format!("/v1/judges/{found}/file?view=full&purpose=personnel");
        secretary.get(&path).await.expect(200).body["particulars"].clone()
    };

    let without = imported(&app, &secretary, "type=judges", row(",,")).await;
    let wrong = imported(&app, &secretary, "type=judges&mode=partial", row("1999-01-01,f,")).await;
    let batch = imported(&app, &secretary, "type=judges", row("1985-06-15,f,2027-01-09")).await;
    let again = imported(&app, &secretary, "type=judges", row("1985-06-15,f,2027-01-09")).await;
    let silent = imported(&app, &secretary, "type=judges", row(",,")).await;

    assert_eq!(findings(&secretary, &wrong).await, [(2, "/birth_date".to_owned(), "range".to_owned())]);
    assert_eq!((&without["rows"]["new"], &batch["rows"]["restated"]), (&json!(1), &json!(1)));
    assert_eq!((&again["rows"]["unchanged"], &silent["rows"]["unchanged"]), (&json!(1), &json!(1)));
    let now = known().await;
    assert_eq!(
        (&now[0]["birth_date"], &now[0]["as_of"], &now[0]["batch_id"]),
        (&json!("1985-06-15"), &json!("2027-01-09"), &batch["id"])
    );
    let next = imported(&app, &secretary, "type=judges", row("1985-06-16,,2027-01-10")).await;
    let path = |import: &Value| format!("/v1/imports/{}/reversal", import["id"].as_str().unwrap());
    let preview = secretary.get(&path(&batch)).await.expect(200).body;
    assert_eq!(preview["dependants"], json!([{"what": "restatements", "count": 1}]));
    let preview = secretary.get(&path(&next)).await.expect(200).body;
    assert_eq!((&preview["withdraws"], &preview["restores"]), (&json!(1), &json!(1)));
    secretary.post(&path(&next), json!({})).await.expect(200);
    let after = known().await;
    let stood = |one: &Value| format!("{} {}", one["birth_date"].as_str().unwrap(), one["status"].as_str().unwrap());
    let mut stood: Vec<String> = after.as_array().unwrap().iter().map(stood).collect();
    stood.sort_unstable();
    assert_eq!(stood, ["1985-06-15 active", "1985-06-15 corrected", "1985-06-16 corrected"]);
}

#[tokio::test]
async fn a_new_judge_of_a_file_goes_with_what_the_file_told() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let file = format!("{HEAD}\n{},Сәуле,Сауле,2015-03-02,hr,J-1,1985-06-15,f,2027-01-09\n", invented_iin());
    let batch = imported(&app, &secretary, "type=judges", file.clone()).await;
    let path = format!("/v1/imports/{}/reversal", batch["id"].as_str().unwrap());

    let preview = secretary.get(&path).await.expect(200).body;
    let undone = secretary.post(&path, json!({})).await.expect(200).body;

    assert_eq!(
        (&preview["withdraws"], &preview["dependants"], &undone["withdrawn"]),
        (&json!(1), &json!([]), &json!(1))
    );
    assert_eq!(imported(&app, &secretary, "type=judges", file).await["rows"]["new"], 1);
}

#[tokio::test]
async fn who_reaches_the_age_limit_is_listed_for_secretaries_and_each_name_is_a_reading() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let court = app.court("Алмалы аудандық соты").await;
    let (late, next, later, retired) =
        (app.judge_at(&court).await, app.judge_at(&court).await, app.judge_at(&court).await, app.judge().await);
    secretary.get("/v1/age-limits").await.expect_problem(409, "methodology_not_in_force");
    app.published_methodology().await;
    for (judge, born) in
        [(&late, "1961-12-31"), (&next, "1962-07-17"), (&later, "1963-01-01"), (&retired, "1955-01-01")]
    {
        tell(&secretary, judge, told(born, "m")).await.expect(201);
    }
    let listed = async |query: &str| {
        let page = secretary.get(&format!("/v1/age-limits{query}")).await.expect(200);
        assert!(!page.text.contains("birth_date") && !page.text.contains("sex"), "{}", page.text);
        let item = |item: &Value| (item["judge_id"].clone(), item["age_limit_on"].clone());
        (page.body["items"].as_array().unwrap().iter().map(item).collect::<Vec<_>>(), page.body["next_cursor"].clone())
    };
    let at = |judge: &Judge, day: &str| (json!(judge.id), json!(day));

    let this_year = listed("").await.0;
    let (first, cursor) = listed("?limit=1").await;
    let second = listed(&format!("?limit=1&cursor={}", cursor.as_str().unwrap())).await;

    assert_eq!(this_year, [at(&late, "2026-12-31"), at(&next, "2027-07-17")]);
    assert_eq!((first, second), (vec![this_year[0].clone()], (vec![this_year[1].clone()], Value::Null)));
    assert_eq!(listed("?until=2027-07-16").await.0, [at(&late, "2026-12-31")]);
    assert_eq!(listed("?until=2028-01-01").await.0.len(), 3);
    for role in [StaffRole::Administrator, StaffRole::Member, StaffRole::AppealMember, StaffRole::Auditor] {
        app.staff(role).await.get("/v1/age-limits").await.expect_problem(403, "forbidden");
    }
    let read = next.client(&app).await.get(&format!("/v1/judges/{}/access-entries", next.id)).await.expect(200).body;
    let acts: Vec<_> = read["items"].as_array().unwrap().iter().map(|one| (&one["act"], &one["purpose"])).collect();
    assert_eq!(acts, vec![(&json!("list_age_limits"), &json!("personnel")); 3]);
}

#[tokio::test]
async fn who_nears_an_age_limit_that_nobody_has_entered_is_not_guessed() {
    let app = App::start().await;
    let standard = serde_json::from_str(ejf::domain::methodology::DEFAULT_JSON).unwrap();
    app.published(standard).await;

    let refused = app.secretary().await.get("/v1/age-limits").await.expect_problem(409, "guard_not_met");

    assert!(refused.body["detail"].as_str().unwrap().contains("age_limit_years"), "{}", refused.text);
}

#[tokio::test]
async fn a_printed_file_has_the_sex_for_the_judge_alone_and_no_age_for_an_evaluation() {
    let app = App::start().await;
    let (secretary, judge) = (app.secretary().await, app.judge().await);
    tell(&secretary, &judge, told("1977-07-17", "f")).await.expect(201);
    let word = |key: &str| plain(Language::En, key).unwrap();
    let own = judge.client(&app).await;
    for (client, query, has_age, has_sex) in [
        (&own, "", true, true),
        (&secretary, "?purpose=personnel", true, false),
        (&secretary, "?purpose=evaluation", false, false),
    ] {
        let path = format!("/v1/judges/{}/file/pdf{query}", judge.id);
        let text = Printed::new(&client.with_header("Accept-Language", "en").get(&path).await.expect(200).bytes).text();
        assert_eq!(text.contains(word("file-fact-birth_date")), has_age, "{query}");
        assert_eq!(text.contains("1977"), has_age, "{query}");
        assert_eq!(text.contains(word("file-sex-f")), has_sex, "{query}");
    }
}

/// Whether a JSON text tells somebody's sex.
fn tells_sex(text: &str) -> bool {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    ["f", "m"].iter().any(|sex| bare.contains(&format!("\"sex\":\"{sex}\"")))
}

/// Whatever anybody can get by any operation, and every list as a file: no sex, and no birth date but where it is for.
#[tokio::test]
async fn nobody_finds_a_judges_sex_or_birth_date_by_any_other_way() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let subject = world.ids["judge_id"].clone();
    let secretary = app.log_in("staff-secretary").await;
    let path = format!("/v1/judges/{subject}");
    secretary.post(&format!("{path}/particulars"), told("1977-07-17", "f")).await.expect(201);
    let document = document();
    let mut found = Vec::new();
    for operation in operations(&document).iter().filter(|one| one.method == Method::GET) {
        for (role, login) in &world.people {
            let client = app.log_in(login).await;
            let request = world.request(&document, operation);
            let target = request.target();
            let mut targets = vec![target.clone()];
            let join = if target.contains('?') { '&' } else { '?' };
            targets.extend(["personnel", "evaluation"].map(|purpose| format!("{target}{join}purpose={purpose}")));
            if operation.id == "get_judge_file" {
                targets.extend(["summary", "full", "report_basis"].map(|view| format!("{target}?view={view}")));
                targets.extend(["full", "report_basis"].map(|view| format!("{target}?view={view}&purpose=evaluation")));
                targets.push(format!("{target}?view=full&purpose=personnel"));
            }
            for target in targets {
                let answer = client.get(&target).await;
                let is_own_file = *role == "judge" && target.contains("view=full");
                let is_for_personnel = target.contains("view=full&purpose=personnel");
                let tells_age = answer.text.contains("1977-07-17") && !is_for_personnel;
                if answer.status == 200 && (tells_sex(&answer.text) || tells_age) && !is_own_file {
                    found.push(format!("{role}: {target}"));
                }
            }
        }
    }
    assert_eq!(found, [""; 0]);
    let own = app.log_in(&world.people.iter().find(|(role, _)| *role == "judge").unwrap().1).await;
    let text = own.get(&format!("{path}/file?view=full")).await.expect(200).text;
    assert!(tells_sex(&text) && text.contains("1977-07-17"), "the test sees what it looks for: {text}");
    for list in ["/v1/judges", "/v1/age-limits", &format!("{path}/positions"), &format!("{path}/records")] {
        let purpose = if list.starts_with(&path) { "?purpose=personnel" } else { "" };
        for format in ["text/csv", "application/x-ndjson"] {
            let whole = secretary.with_header("Accept", format).get(&format!("{list}{purpose}")).await.expect(200);
            let head = whole.text.lines().next().unwrap_or_default();
            assert!(!head.contains("sex") && !head.contains("birth_date"), "{list}: {head}");
            assert!(!whole.text.contains("1977-07-17"), "{list}");
        }
    }
    let summary = secretary.get_for("personnel", &format!("{path}/file")).await.expect(200).text;
    assert!(!summary.contains("1977-07-17") && !summary.contains("\"sex\""));
    let order = json!({"purpose": "promotion", "recipient": "Конкурстық комиссия", "expires_on": "2027-06-30"});
    let extract = secretary.post(&format!("{path}/extracts"), order).await.expect(201).text;
    assert!(!extract.contains("1977-07-17") && !extract.contains("\"sex\""));
    for query in ["sex=f", "birth_date=1977-07-17", "sort=sex", "sort=birth_date"] {
        secretary.get(&format!("/v1/judges?{query}")).await.expect_problem(400, "malformed");
    }
}
