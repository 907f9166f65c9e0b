//! Who reads which part of a judge's file, and for what: the matrix of roles and purposes over every operation that shows
//! a part of it, taken from the document, so that a new one is in from its first day.

use std::collections::BTreeSet;

use ejf::domain::judge_file::FilePurpose;
use ejf::domain::policy::StaffRole;
use ejf::domain::sections::Section;
use serde_json::{Value, json};

use crate::harness::{Answer, App, Client, Judge};
use crate::records::told;
use crate::requests::{World, document, operations};

/// Of the judge alone, whatever the purpose; `access_entries.rs` and `retention_runs.rs` hold that.
const OF_THE_JUDGE_ALONE: [&str; 2] = ["list_access_entries", "list_destroyed_records"];

/// What a reader is answered: a status, and at a refusal its code.
type Answered = (u16, &'static str);

/// Of the judge and the secretaries alone: what was handed out of a file is nothing that a member decides by.
const OF_SECRETARIES: [&str; 1] = ["list_extracts"];

/// Of planning, for secretaries and auditors: read for an evaluation and for nothing else; `clocks.rs` holds that.
const OF_PLANNING: [&str; 2] = ["get_judge_clocks", "list_evaluation_requests"];

/// The law of the file (`domain.md` 5) for a reader and a purpose.
fn expected(id: &str, reader: &str, purpose: Option<FilePurpose>) -> Answered {
    let (granted, refused, absent, unnamed) = ((200, ""), (403, "forbidden"), (404, "not_found"), (400, "malformed"));
    match (reader, purpose) {
        ("judge", None | Some(FilePurpose::OwnFile)) => granted,
        ("judge", Some(_)) => refused,
        ("member" | "appeal_member", _) if OF_SECRETARIES.contains(&id) => refused,
        ("other_judge" | "appeal_member", _) => absent,
        ("administrator" | "auditor", _) => refused,
        ("secretary" | "member", None) => unnamed,
        ("secretary" | "member", Some(FilePurpose::OwnFile)) => refused,
        ("secretary", Some(_)) | ("member", Some(FilePurpose::Evaluation)) => granted,
        ("member", Some(_)) => refused,
        (machine, _) => {
            assert!(machine.contains(':') || machine == "scim", "{machine}");
            refused
        }
    }
}

/// The parts of the file of the world's judge, each by its operation.
fn parts(world: &World) -> Vec<(String, String)> {
    let document = document();
    let mut parts = Vec::new();
    for operation in operations(&document) {
        let is_part = operation.path.starts_with("/v1/judges/{judge_id}/") && operation.method == reqwest::Method::GET;
        let id = operation.id.as_str();
        if !is_part || OF_THE_JUDGE_ALONE.contains(&id) || OF_PLANNING.contains(&id) {
            continue;
        }
        let request = world.request(&document, &operation);
        let is_of_a_code = operation.id == "get_judge_indicator_figure";
        assert!(request.is_real || is_of_a_code, "{}: World::ids knows no thing of its path", operation.id);
        let path = request.target();
        match operation.id.as_str() {
            "get_judge_file" => {
                parts.extend(
                    ["summary", "full", "report_basis"]
                        .map(|view| (operation.id.clone(), format!("{path}?view={view}"))),
                );
            }
            "list_records" => {
                let of = |section: &Section| (operation.id.clone(), format!("{path}?section={section}"));
                parts.extend(Section::ALL.iter().map(of));
            }
            _ => parts.push((operation.id.clone(), path)),
        }
    }
    parts
}

async fn read(client: &Client, path: &str, purpose: Option<FilePurpose>) -> Answer {
    match purpose {
        Some(purpose) => client.get_for(purpose.as_str(), path).await,
        None => client.get(path).await,
    }
}

async fn readers(app: &App, world: &World) -> Vec<(&'static str, Client)> {
    let mut readers = Vec::new();
    for (role, login) in &world.people {
        readers.push((*role, app.log_in(login).await));
    }
    readers.extend(world.machines.iter().map(|(scope, client)| (*scope, client.clone())));
    readers
}

#[tokio::test]
async fn every_part_of_a_file_is_open_to_whom_the_law_names_for_the_purpose_that_is_named_and_each_reading_is_told() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let parts = parts(&world);
    let known: BTreeSet<&str> = parts.iter().map(|(id, _)| id.as_str()).collect();
    for id in [
        "get_judge_file",
        "get_judge_file_pdf",
        "get_record",
        "list_extracts",
        "list_acts",
        "list_correction_requests",
        "list_observations",
    ] {
        assert!(known.contains(id), "{id}");
    }
    let purposes: Vec<_> = FilePurpose::ALL.iter().copied().map(Some).chain([None]).collect();
    let mut faults = Vec::new();
    let mut readings = Vec::new();
    for (reader, client) in readers(&app, &world).await {
        for (id, path) in &parts {
            for purpose in purposes.iter().copied() {
                let answer = read(&client, path, purpose).await;
                let found = (answer.status, answer.code());
                if found != expected(id, reader, purpose) {
                    faults.push(format!("{path} for {purpose:?} as {reader}: {found:?}"));
                }
                if let Some(purpose) = purpose.filter(|_| answer.status == 200 && reader != "judge") {
                    readings.push((id.clone(), purpose.to_string(), reader));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));

    let (_, own) = world.people.iter().find(|(role, _)| *role == "judge").unwrap();
    let own = app.log_in(own).await;
    let mut told = Vec::new();
    let mut path = format!("/v1/judges/{}/access-entries?limit=100", world.ids["judge_id"]);
    loop {
        let page = own.get(&path).await.expect(200).body;
        told.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/judges/{}/access-entries?limit=100&cursor={cursor}", world.ids["judge_id"]);
    }
    let word = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let mut told: Vec<_> =
        told.iter().map(|entry| (word(entry, "act"), word(entry, "purpose"), word(entry, "staff_role"))).collect();
    told.reverse();
    let readings: Vec<_> = readings.into_iter().map(|(id, purpose, role)| (id, purpose, role.to_owned())).collect();
    // The secretary read the file before, to set up what is in it.
    assert!(told.ends_with(&readings), "the judge is not told of each reading with its purpose and role");
}

/// A judge who chairs the court of another.
async fn chair_of(app: &App, court: &str) -> Judge {
    let chair = app.judge_at(court).await;
    let post = json!({"court_id": court, "kind": "court_chair", "starts_on": "2024-03-02", "source_system": "hr",
        "as_of": "2027-01-10"});
    app.secretary().await.post(&format!("/v1/judges/{}/positions", chair.id), post).await.expect(201);
    chair
}

#[tokio::test]
async fn a_court_chair_sees_no_file_no_pool_no_panel_and_no_result_of_a_judge_of_the_own_court() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let held =
        app.secretary().await.get(&format!("/v1/judges/{}/positions?purpose=personnel", world.ids["judge_id"])).await;
    let court = held.expect(200).body["items"][0]["court_id"].as_str().unwrap().to_owned();
    let chair = chair_of(&app, &court).await.client(&app).await;
    let document = document();
    let mut faults = Vec::new();
    for operation in operations(&document) {
        let of_somebody = ["{judge_id}", "{evaluation_id}", "{cycle_id}"].iter().any(|id| operation.path.contains(id));
        if operation.is_public || !of_somebody || operation.method != reqwest::Method::GET {
            continue;
        }
        let answer = world.request(&document, &operation).send(&chair).await;
        if !matches!((answer.status, answer.code()), (404, "not_found") | (403, "forbidden")) {
            faults.push(format!("{}: {}", operation.id, answer.status));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[tokio::test]
async fn a_source_system_reads_nothing_that_it_or_anybody_wrote() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let document = document();
    let mut faults = Vec::new();
    for operation in operations(&document) {
        if operation.is_public || operation.method != reqwest::Method::GET {
            continue;
        }
        if operation.item["security"][1]["oauth2"].is_array() {
            // What was made for machines, such as how their own batch fared; never a part of a file.
            assert!(!operation.path.starts_with("/v1/judges"), "{}", operation.id);
            continue;
        }
        for (scope, machine) in &world.machines {
            let answer = world.request(&document, &operation).send(machine).await;
            if (answer.status, answer.code()) != (403, "forbidden") {
                faults.push(format!("{} with {scope}: {}", operation.id, answer.status));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[tokio::test]
async fn the_judicial_jury_has_no_account_and_its_decisions_come_in_and_go_nowhere() {
    assert!(StaffRole::ALL.iter().all(|role| !role.as_str().contains("jury")));
    let app = App::start().await;
    let judge = app.judge().await;
    let jury = app.machine("jury", &[ejf::domain::caller::Scope::FileWrite]).await;
    let records = format!("/v1/judges/{}/records", judge.id);
    let penalty = json!({"discipline": {"decision_ref": "7 шешім", "ground": "Кеш дайындау", "penalty": "remark",
        "decided_on": "2026-10-12", "in_force_on": "2026-10-26", "expires_on": "2027-04-26", "appeal": "none"}});

    let told = told(penalty, json!({"source_system": "jury"}));
    let made = jury.post(&records, told).await.expect(201).id();

    for path in [format!("{records}/{made}"), records, format!("/v1/judges/{}/file", judge.id)] {
        for purpose in FilePurpose::ALL {
            jury.get_for(purpose.as_str(), &path).await.expect_problem(403, "forbidden");
        }
    }
}

#[tokio::test]
async fn what_a_judge_asks_about_a_penalty_is_shown_to_others_no_longer_than_the_penalty() {
    let app = App::start().await;
    let judge = app.judge().await;
    let records = format!("/v1/judges/{}/records", judge.id);
    let penalty = json!({"discipline": {"decision_ref": "7 шешім", "ground": "Кеш дайындау", "penalty": "remark",
        "decided_on": "2026-10-12", "in_force_on": "2026-10-26", "expires_on": "2027-04-26", "appeal": "none"}});
    let penalty = app.secretary().await.post(&records, told(penalty, json!({}))).await.expect(201).id();
    let requests = format!("/v1/judges/{}/correction-requests", judge.id);
    let claim = json!({"record_type": "record", "record_id": penalty, "claim": "The remark was for another judge."});
    let request = judge.client(&app).await.post(&requests, claim).await.expect(201).id();
    let seen = async |list: &str, app: &App| {
        let read = app.secretary().await.get_for("correction", list).await.expect(200);
        read.body["items"].as_array().unwrap().len()
    };
    let in_file = async |app: &App| {
        let path = format!("/v1/judges/{}/file?view=full&purpose=personnel", judge.id);
        app.secretary().await.get(&path).await.expect(200).text.contains("another judge")
    };

    assert_eq!((seen(&requests, &app).await, in_file(&app).await), (1, true));
    app.go_to("2027-05-01");
    assert_eq!(seen(&requests, &app).await, 1, "an open one is shown to whoever decides it");
    let decide = format!("/v1/correction-requests/{request}/decide");
    let rejected = json!({"outcome": "rejected", "reason": "Жаза осы судьяға берілген."});
    app.secretary().await.post(&decide, rejected).await.expect(200);

    assert_eq!((seen(&requests, &app).await, in_file(&app).await), (0, false));
    let own = judge.client(&app).await.get(&requests).await.expect(200);
    assert_eq!(own.body["items"].as_array().unwrap().len(), 1, "the own words stay with the judge");
}
