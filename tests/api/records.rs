//! Records of the file's other sections: where they come from, that nothing is overwritten, and that what no longer holds
//! is shown to nobody.

use ejf::domain::caller::Scope;
use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use crate::harness::{App, Client, Judge};

/// A record of a section as the source `hr` tells it.
pub fn told(content: Value, change: Value) -> Value {
    let mut body = json!({"content": content, "source_system": "hr", "as_of": "2027-01-10"});
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    body
}

/// A course of so many hours.
pub fn training(hours: i32) -> Value {
    json!({"training": {"course": "Сот актісін уәждеу", "provider": "Сот төрелігі академиясы", "hours": hours,
        "starts_on": "2026-03-02", "ends_on": "2026-03-06", "result": "passed", "score": 88}})
}

fn discipline(change: Value) -> Value {
    let mut fields = json!({"decision_ref": "7 шешім", "ground": "Актіні кеш дайындау", "penalty": "remark",
        "decided_on": "2026-10-12", "in_force_on": "2026-10-26", "expires_on": "2027-04-26", "appeal": "none"});
    fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    json!({"discipline": fields})
}

fn complaint(outcome: &str) -> Value {
    json!({"complaint": {"received_on": "2026-06-15", "channel": "e_otinish", "subject": "Акт кеш берілді",
        "outcome": outcome}})
}

fn finding(outcome: &str) -> Value {
    json!({"ethics_finding": {"commission": "Алматы", "article": "7-бап", "decided_on": "2025-11-20",
        "outcome": outcome}})
}

fn path_of(judge: &Judge) -> String {
    format!("/v1/judges/{}/records", judge.id)
}

/// The ids in the list that a reader sees.
pub async fn listed(reader: &Client, path: &str) -> Vec<String> {
    let page = reader.get(path).await.expect(200);
    page.body["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_record_is_kept_with_where_it_comes_from_and_read_with_its_section() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge().await;
    let path = path_of(&judge);
    let degree = json!({"education": {"degree": "LL.M.", "institution": "ҚазҰУ", "year": 2008}});

    let body = told(degree.clone(), json!({"source_record_id": "E-114", "legal_basis": "Заң 29-бап"}));
    let made = secretary.post(&path, body).await.expect(201);

    let id = made.id();
    assert_eq!(made.header("location"), format!("{path}/{id}"));
    assert_eq!((&made.body["section"], &made.body["content"]), (&json!("education"), &degree));
    let shown = ["source_system", "source_record_id", "as_of", "legal_basis", "status", "confirmation"];
    assert_eq!(
        shown.map(|name| made.body[name].clone()),
        ["hr", "E-114", "2027-01-10", "Заң 29-бап", "active", "not_needed"].map(|text| json!(text))
    );
    app.clock.advance(chrono::TimeDelta::seconds(1));
    let course = secretary.post(&path, told(training(40), json!({}))).await.expect(201).id();
    let own = judge.client(&app).await;
    assert_eq!(listed(&own, &path).await, [id.clone(), course.clone()]);
    assert_eq!(listed(&own, &format!("{path}?section=training")).await, std::slice::from_ref(&course));
    let first = own.get(&format!("{path}?limit=1")).await.expect(200);
    let next = format!("{path}?limit=1&cursor={}", first.body["next_cursor"].as_str().unwrap());
    assert_eq!(listed(&own, &next).await, [course]);
    let read = own.get(&format!("{path}/{id}")).await.expect(200);
    assert_eq!((&read.body["record"], &read.body["versions"]), (&made.body, &json!([made.body])));
    let file = own.get(&format!("/v1/judges/{}/file?view=full", judge.id)).await.expect(200);
    assert_eq!(file.body["records"][0], made.body);
}

#[tokio::test]
async fn a_correction_is_appended_and_the_record_before_it_stays_readable() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let path = path_of(&judge);
    let named = json!({"source_record_id": "T-7"});
    let first = secretary.post(&path, told(training(40), named.clone())).await.expect(201).id();

    let twice = secretary.post(&path, told(training(41), named)).await;
    twice.expect_problem(409, "already_exists");
    app.clock.advance(chrono::TimeDelta::minutes(1));
    let change = json!({"source_record_id": "T-7", "supersedes_id": first});
    let second = secretary.post(&path, told(training(42), change.clone())).await.expect(201).id();

    let read = secretary.get_for("personnel", &format!("{path}/{second}")).await.expect(200).body;
    let versions = read["versions"].as_array().unwrap();
    let stand: Vec<_> = versions.iter().map(|one| (one["id"].clone(), one["status"].clone())).collect();
    assert_eq!(stand, [(json!(first), json!("corrected")), (json!(second), json!("active"))]);
    assert!(versions[0]["ended_at"].is_string() && versions[1]["ended_at"].is_null());
    secretary.post(&path, told(training(43), change)).await.expect_problem(409, "already_superseded");
    let foreign = secretary.post(&path_of(&other), told(training(43), json!({"supersedes_id": second}))).await;
    assert_eq!(foreign.expect(422).faults(), [("/supersedes_id".to_owned(), "missing".to_owned())]);
    let degree = json!({"education": {"degree": "LL.M.", "institution": "ҚазҰУ", "year": 2008}});
    let of_other_section = secretary.post(&path, told(degree, json!({"supersedes_id": second}))).await;
    assert_eq!(of_other_section.expect(422).faults(), [("/supersedes_id".to_owned(), "mismatch".to_owned())]);
    let file = secretary.get(&format!("/v1/judges/{}/file?view=full&purpose=personnel", judge.id)).await.expect(200);
    assert_eq!(file.body["records"].as_array().unwrap().len(), 1, "the whole file holds what is in force");
}

#[tokio::test]
async fn a_language_is_told_by_its_code_with_the_level_of_its_certificate() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge().await;
    let path = path_of(&judge);
    let of = |language: &str, level: &str, certified_on: &str| {
        told(json!({"language": {"language": language, "level": level, "certified_on": certified_on}}), json!({}))
    };

    let made = secretary.post(&path, of("kk", "C1", "2024-05-18")).await.expect(201);

    let seen = judge.client(&app).await.get(&format!("{path}/{}", made.id())).await.expect(200);
    assert_eq!(
        seen.body["record"]["content"],
        json!({"language": {"language": "kk", "level": "C1", "certified_on": "2024-05-18"}})
    );
    for (body, status, member, code) in [
        (of("Kazakh", "C1", "2024-05-18"), 422, "language", "format"),
        (of("k", "C1", "2024-05-18"), 422, "language", "format"),
        (of("kk", "C1", "2027-01-12"), 422, "certified_on", "format"),
        (of("kk", "C3", "2024-05-18"), 400, "level", "one_of"),
    ] {
        let refused = secretary.post(&path, body).await.expect(status);
        assert_eq!(refused.faults(), [(format!("/content/language/{member}"), code.to_owned())]);
    }
}

#[tokio::test]
async fn a_record_is_withdrawn_for_a_reason_and_by_whom_it_belongs_to() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge().await;
    let path = path_of(&judge);
    let id = secretary.post(&path, told(training(40), json!({}))).await.expect(201).id();
    let withdraw = format!("{path}/{id}/withdraw");
    let reason = json!({"reason": "Басқа судьяға қатысты жазба."});

    let short = secretary.post(&withdraw, json!({"reason": "жоқ"})).await.expect(422);
    assert_eq!(short.faults(), [("/reason".to_owned(), "length".to_owned())]);
    judge.client(&app).await.post(&withdraw, reason.clone()).await.expect_problem(403, "forbidden");
    let own = format!("/v1/me/records/{id}/withdraw");
    judge.client(&app).await.post(&own, reason.clone()).await.expect_problem(404, "not_found");
    let withdrawn = secretary.post(&withdraw, reason.clone()).await.expect(200);

    assert_eq!((&withdrawn.body["status"], &withdrawn.body["end_reason"]), (&json!("withdrawn"), &reason["reason"]));
    secretary.post(&withdraw, reason).await.expect_problem(409, "already_superseded");
    assert_eq!(listed(&secretary, &format!("{path}?purpose=personnel")).await, [id]);
    let acts = app.db_acts().await;
    assert_eq!(acts.iter().filter(|act| *act == "withdraw_record").count(), 1);
}

/// A penalty by its days: every reader asks on every day.
#[tokio::test]
async fn a_penalty_is_shown_from_the_day_it_is_in_force_until_it_expires_and_to_nobody_outside_of_that() {
    let app = App::start().await;
    let judge = app.judge().await;
    let path = path_of(&judge);
    let days = json!({"decided_on": "2027-01-11", "in_force_on": "2027-01-13", "expires_on": "2027-01-15"});
    let id = app.secretary().await.post(&path, told(discipline(days), json!({}))).await.expect(201).id();

    for (day, is_shown) in [("2027-01-12", false), ("2027-01-13", true), ("2027-01-14", true), ("2027-01-15", false)] {
        app.go_to(day);
        let readers = [(judge.client(&app).await, ""), (app.secretary().await, "&purpose=personnel")];
        for (reader, purpose) in readers {
            let expected: &[String] = if is_shown { std::slice::from_ref(&id) } else { &[] };
            assert_eq!(
                listed(&reader, &format!("{path}?{}", purpose.trim_start_matches('&'))).await,
                expected,
                "{day}"
            );
            let status = reader.get(&format!("{path}/{id}?{}", purpose.trim_start_matches('&'))).await.status;
            assert_eq!(status, if is_shown { 200 } else { 404 }, "{day}");
            for view in ["full", "report_basis"] {
                let file = reader.get(&path_of_file(&judge, &format!("?view={view}{purpose}"))).await.expect(200);
                assert_eq!(file.body["records"].as_array().unwrap().len(), usize::from(is_shown), "{view} on {day}");
            }
            let summary = reader.get(&path_of_file(&judge, &format!("?view=summary{purpose}"))).await.expect(200);
            let expected = json!([{"section": "discipline", "record_count": 1, "disputed_count": 0}]);
            assert_eq!(summary.body["sections"], if is_shown { expected } else { json!([]) }, "{day}");
        }
    }
}

fn path_of_file(judge: &Judge, query: &str) -> String {
    format!("/v1/judges/{}/file{query}", judge.id)
}

#[tokio::test]
async fn what_was_quashed_or_was_not_founded_is_shown_to_nobody_nor_are_its_earlier_versions() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge().await;
    let path = path_of(&judge);
    for content in [
        discipline(json!({"appeal": "quashed"})),
        discipline(json!({"in_force_on": null, "expires_on": null})),
        complaint("pending"),
        complaint("unfounded"),
        complaint("redirected"),
        finding("no_violation"),
    ] {
        let id = secretary.post(&path, told(content, json!({}))).await.expect(201).id();
        secretary.get_for("personnel", &format!("{path}/{id}")).await.expect_problem(404, "not_found");
    }
    assert_eq!(listed(&secretary, &format!("{path}?purpose=personnel")).await, [""; 0]);

    let mut shown = Vec::new();
    for content in [discipline(json!({})), complaint("founded"), finding("violation")] {
        app.clock.advance(chrono::TimeDelta::seconds(1));
        shown.push(secretary.post(&path, told(content, json!({}))).await.expect(201).id());
    }
    assert_eq!(listed(&secretary, &format!("{path}?purpose=personnel")).await, shown);

    let restated = [discipline(json!({"appeal": "quashed"})), complaint("unfounded"), finding("no_violation")];
    for (content, id) in restated.into_iter().zip(&shown) {
        secretary.post(&path, told(content, json!({"supersedes_id": id}))).await.expect(201);
    }
    for (reader, purpose) in [(judge.client(&app).await, "own_file"), (secretary, "personnel")] {
        let path = |rest: &str| format!("{path}{rest}purpose={purpose}");
        assert_eq!(listed(&reader, &path("?")).await, [""; 0], "the version before is hidden with it");
        assert_eq!(listed(&reader, &path("?known_on=2027-01-11&")).await, [""; 0]);
        for id in &shown {
            reader.get(&path(&format!("/{id}?"))).await.expect_problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn a_machine_tells_of_its_own_system_and_reads_nothing_back() {
    let app = App::start().await;
    let judge = app.judge().await;
    let path = path_of(&judge);
    let hr = app.machine("hr", &[Scope::FileWrite]).await;
    let academy = app.machine("academy", &[Scope::FileWrite]).await;

    let id = hr.post(&path, told(training(40), json!({}))).await.expect(201).id();

    let of_other = academy.post(&path, told(training(40), json!({}))).await.expect(422);
    assert_eq!(of_other.faults(), [("/source_system".to_owned(), "one_of".to_owned())]);
    let change = json!({"source_system": "academy", "supersedes_id": id});
    let of_other = academy.post(&path, told(training(41), change)).await.expect(422);
    assert_eq!(of_other.faults(), [("/supersedes_id".to_owned(), "missing".to_owned())]);
    let reason = json!({"reason": "Басқа судьяға қатысты жазба."});
    let withdraw = format!("{path}/{id}/withdraw");
    academy.post(&withdraw, reason.clone()).await.expect_problem(404, "not_found");
    for read in [path.clone(), format!("{path}/{id}")] {
        hr.get(&read).await.expect_problem(403, "forbidden");
    }
    for word in ["judge", "registry"] {
        let taken = app.secretary().await.post(&path, told(training(40), json!({"source_system": word}))).await;
        assert_eq!(taken.expect(422).faults(), [("/source_system".to_owned(), "fixed".to_owned())]);
    }
    let withdrawn = hr.post(&withdraw, reason).await.expect(200);
    assert!(withdrawn.body["recorded_by"].is_null() && withdrawn.body["recorded_by_client"].is_string());
}

#[tokio::test]
async fn every_fault_of_a_record_is_named_at_its_field() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let path = path_of(&app.judge().await);
    let mut odd = training(40);
    odd["training"]["hours"] = json!("forty");
    let mut more = training(40);
    more["training"]["rank"] = json!(1);
    let mut two = training(40);
    two["complaint"] = complaint("founded")["complaint"].clone();
    let cases = [
        (told(training(0), json!({})), 422, "/content/training/hours", "range"),
        (told(odd, json!({})), 400, "/content/training/hours", "type"),
        (told(more, json!({})), 400, "/content/training/rank", "unknown"),
        (told(two, json!({})), 400, "/content", "type"),
        (told(json!({}), json!({})), 400, "/content", "type"),
        (told(json!({"charm": {}}), json!({})), 400, "/content", "one_of"),
        (told(json!({"judge_statement": {"text": "a"}}), json!({})), 400, "/content", "one_of"),
        (told(training(40), json!({"as_of": "2027-01-12"})), 422, "/as_of", "format"),
        (told(training(40), json!({"source_system": "Кадр"})), 422, "/source_system", "format"),
        (told(training(40), json!({"source_record_id": ""})), 422, "/source_record_id", "length"),
        (told(training(40), json!({"legal_basis": " "})), 422, "/legal_basis", "length"),
    ];
    for (body, status, pointer, code) in cases {
        let answer = secretary.post(&path, body.clone()).await.expect(status);
        let found = answer.faults();
        assert!(found.contains(&(pointer.to_owned(), code.to_owned())), "{body}: {found:?}");
    }
    let absent = "/v1/judges/019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11/records";
    secretary.post(absent, told(training(40), json!({}))).await.expect_problem(404, "not_found");
    let named = secretary.get(&format!("{path}?purpose=personnel&section=charm")).await.expect(400);
    assert_eq!(named.faults(), [("section".to_owned(), "one_of".to_owned())]);
}

#[tokio::test]
async fn records_are_read_by_the_judge_by_secretaries_and_by_the_member_they_are_assigned_to_and_each_reading_is_told()
{
    let app = App::start().await;
    let plan = app.planned_cycle().await;
    let subject = &plan.subjects[0];
    let path = path_of(subject);
    let id = app.secretary().await.post(&path, told(training(40), json!({}))).await.expect(201).id();
    let evaluation = plan.evaluation_of(&app, subject).await;
    let member = app.member(StaffRole::Member).await;
    let reader = member.client(&app).await;
    for read in [path.clone(), format!("{path}/{id}")] {
        reader.get(&read).await.expect_problem(404, "not_found");
        plan.subjects[1].client(&app).await.get(&read).await.expect_problem(404, "not_found");
        app.staff(StaffRole::Auditor).await.get(&read).await.expect_problem(403, "forbidden");
    }

    app.assign(&evaluation, member.account_id, true).await.expect(201);
    for read in [path.clone(), format!("{path}/{id}")] {
        reader.get(&format!("{read}?purpose=evaluation")).await.expect(200);
        reader.get(&format!("{read}?purpose=personnel")).await.expect_problem(403, "forbidden");
    }

    let history =
        subject.client(&app).await.get(&format!("/v1/judges/{}/access-entries", subject.id)).await.expect(200);
    let acts: Vec<_> = history.body["items"].as_array().unwrap().iter().map(|one| one["act"].clone()).collect();
    assert_eq!(acts[..2], [json!("get_record"), json!("list_records")]);
}
