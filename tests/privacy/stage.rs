//! A cycle brought to the first day of submission over HTTP: people, methodology, draw, keys, manifest, credentials,
//! ledgers. Reviewers are the released client, with cards in memory.
//!
//! What a newcomer would get wrong: nothing here is shortened but the people's files. Draw, issuance and ledgers are the
//! service's own, for they make what an insider could join with.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use ejf::client::card::{Card, Held};
use ejf::client::failure::{Failure, Idle};
use ejf::client::peer::{Login, collect_pinned};
use ejf::client::pinned::{Places, fetch_manifest};
use ejf::credential::encoding::{Ref, random};
use ejf::credential::frozen::Frozen;
use ejf::domain::iin::Iin;
use ejf::domain::methodology::DEFAULT_JSON;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::caller::{Caller, Passed, Recorder};
use crate::server::{PASSWORD, Server, Terms};
use ejf::ballot::leaks::Leak;

/// The instant at which every cycle begins: Monday 11 January 2027, 09:00 in Astana.
const BEGINNING: &str = "2027-01-11T04:00:00Z";
/// The issuer of the default methodology.
const JUDGES_PER_COURT: usize = 5;

/// How large a population is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub subjects: usize,
    pub others: usize,
}

/// The engine under both stores.
#[derive(Debug, Clone)]
pub enum Engine {
    Sqlite,
    /// A server for each store; the data folder of the box's.
    Postgres {
        registry: String,
        ballot: String,
        data: PathBuf,
    },
}

impl Engine {
    pub fn name(&self) -> &'static str {
        match self {
            Engine::Sqlite => "SQLite",
            Engine::Postgres { .. } => "PostgreSQL",
        }
    }
}

/// The stores of one run; they vanish with the value.
pub struct Stores {
    pub folder: TempDir,
    pub terms: Terms,
    /// Schemas, with the server that each is on.
    pub schemas: Vec<(String, String)>,
}

impl Stores {
    pub fn create(engine: &Engine, keys: usize, leak: Option<Leak>) -> Stores {
        let folder = tempfile::Builder::new().prefix("ejf-privacy-").tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        let mark = hex(&random::<6>().unwrap());
        let mut schemas = Vec::new();
        let (registry, ballot) = match engine {
            Engine::Sqlite => (sqlite(&data, "registry.db"), sqlite(&data, "ballot.db")),
            Engine::Postgres { registry, ballot, .. } => {
                let mut place = |server: &String, name: &str| {
                    let schema = format!("privacy_{name}_{mark}");
                    connect(server).batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
                    schemas.push((server.clone(), schema.clone()));
                    format!("{server}?options=-csearch_path%3D{schema}")
                };
                (place(registry, "registry"), place(ballot, "box"))
            }
        };
        let terms = Terms {
            folder: data,
            registry,
            ballot,
            column_key: hex(&random::<32>().unwrap()),
            now: BEGINNING.parse().unwrap(),
            keys,
            is_new: true,
            leak,
        };
        Stores { folder, terms, schemas }
    }

    /// A copy of SQLite stores that lie still, to run on with another leak.
    pub fn copy(&self, now: DateTime<Utc>, leak: Option<Leak>) -> Stores {
        assert!(self.schemas.is_empty(), "a schema has no copy");
        let folder = tempfile::Builder::new().prefix("ejf-privacy-").tempdir().unwrap();
        let data = folder.path().join("data");
        copy_folder(&self.terms.folder, &data);
        let (registry, ballot) = (sqlite(&data, "registry.db"), sqlite(&data, "ballot.db"));
        let terms = Terms { folder: data, registry, ballot, now, keys: 0, is_new: false, leak, ..self.terms.clone() };
        Stores { folder, terms, schemas: Vec::new() }
    }

    pub fn start(&self) -> Server {
        Server::start(&self.terms, &self.folder.path().join("stderr"))
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        for (server, schema) in &self.schemas {
            // A run that failed because the server went away must show that failure, not this one.
            let Ok(mut admin) = PgConnection::establish(server) else { continue };
            let _ = admin.batch_execute(&format!("DROP SCHEMA {schema} CASCADE"));
        }
    }
}

fn sqlite(data: &Path, name: &str) -> String {
    format!("sqlite://{}", data.join(name).display())
}

pub fn connect(server: &str) -> PgConnection {
    PgConnection::establish(server).unwrap()
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A reviewer with the card that the issuance left.
#[derive(Clone)]
pub struct Peer {
    pub login: String,
    pub judge_id: String,
    pub card: Card,
}

/// A cycle on the first day of submission.
pub struct Cycle {
    pub id: String,
    pub manifest: Frozen,
    pub peers: Vec<Peer>,
    /// What the registry's listener saw of the issuance.
    pub transcript: Vec<Passed>,
    /// Identified events of the issuance: who, when.
    pub issuances: Vec<(String, DateTime<Utc>)>,
    pub submit_close: NaiveDate,
    pub evaluations: Vec<String>,
    pub now: DateTime<Utc>,
}

/// The staff who run a cycle.
pub struct Staff {
    pub administrator: Caller,
    pub secretary: Caller,
    pub second: Caller,
    pub member: Caller,
    pub auditor: Caller,
}

impl Staff {
    pub fn of(server: &Server) -> Staff {
        let caller = |login: &str| Caller::new(&server.registry, login);
        Staff {
            administrator: caller("administrator"),
            secretary: caller("secretary"),
            second: caller("second-secretary"),
            member: caller("member"),
            auditor: caller("auditor"),
        }
    }

    async fn engage(&self) {
        for (login, role) in [
            ("secretary", "secretary"),
            ("second-secretary", "secretary"),
            ("member", "member"),
            ("auditor", "auditor"),
        ] {
            let account = json!({"login": login, "password": PASSWORD, "staff_role": role});
            self.administrator.post("/v1/accounts", account).await;
        }
    }

    async fn advance(&self, id: &str, to: &str) {
        self.secretary.post(&format!("/v1/cycles/{id}/advance"), json!({"to": to})).await;
    }

    /// An act of two persons on the cycle.
    pub async fn act(&self, id: &str, act: &str) {
        self.secretary.act_with(&self.second, &format!("/v1/cycles/{id}/{act}"), json!({})).await;
    }

    /// Waits for the end of a job, asking as often as it takes.
    async fn finish(&self, job: &Value) {
        let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
        loop {
            let job = self.secretary.get(&path).await;
            match job["state"].as_str().unwrap() {
                "done" => return,
                "failed" => panic!("a job failed: {job}"),
                _ => tokio::task::yield_now().await,
            }
        }
    }
}

/// Nine in the morning in Astana of a day.
pub fn morning(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(4)
}

/// Brings a new service to the first day of submission.
pub async fn prepare(server: &mut Server, size: Size) -> Cycle {
    let staff = Staff::of(server);
    staff.engage().await;
    let judges = register(&staff, size).await;
    let id = open(&staff, &judges[..size.subjects], server.now.date_naive()).await;
    let view = staff.secretary.get(&format!("/v1/cycles/{id}")).await;
    let day = |name: &str| -> NaiveDate { view["dates"][name].as_str().unwrap().parse().unwrap() };
    server.go_to(morning(day("file_review_open")));
    staff.advance(&id, "file_review").await;
    server.go_to(morning(day("pool_review_open")));
    staff.advance(&id, "pool_review").await;
    server.go_to(morning(day("draw_by")));
    staff.act(&id, "draw").await;
    let keys = staff.secretary.post(&format!("/v1/cycles/{id}/keys"), json!({})).await;
    staff.finish(&keys).await;
    let manifest = freeze(server, &staff, &id).await;

    server.go_to(morning(day("issue_open")));
    staff.advance(&id, "issuance").await;
    let recorder = Recorder::before(&server.registry);
    let (mut peers, mut issuances) = (Vec::new(), Vec::new());
    // One after the other, minutes apart: the order of issuance is what an insider would compare with.
    for (login, judge_id) in judges {
        server.go_to(server.now + TimeDelta::minutes(37));
        let token = Caller::new(&server.registry, &login).log_in().await;
        let mut held = Held::in_memory();
        match collect_pinned(&recorder.base, &Login::Token(&token), &manifest, &mut held, server.now).await {
            Ok(_) => {
                issuances.push((judge_id.clone(), server.now));
                peers.push(Peer { login, judge_id, card: held.card().unwrap().clone() });
            }
            Err(Failure::Idle(Idle::NoAssignments)) => {}
            Err(failure) => panic!("{failure}"),
        }
    }
    server.go_to(morning(day("issue_close") + Days::new(1)));
    staff.secretary.post(&format!("/v1/cycles/{id}/ledgers"), json!({})).await;
    server.go_to(morning(day("submit_open")));
    staff.advance(&id, "submission").await;
    let evaluations = staff.secretary.list(&format!("/v1/cycles/{id}/evaluations")).await;
    let evaluations = evaluations.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    let submit_close = day("submit_close");
    let transcript = recorder.passed();
    Cycle { id, manifest, peers, transcript, issuances, submit_close, evaluations, now: server.now }
}

/// Judges with posts and accounts: login and id.
async fn register(staff: &Staff, size: Size) -> Vec<(String, String)> {
    let mut courts = Vec::new();
    let count = size.subjects + size.others;
    for number in 1..=count.div_ceil(JUDGES_PER_COURT) {
        let name = format!("№ {number} аудандық сот");
        let court =
            json!({"name_kk": name, "name_ru": name, "level": "district", "region": "almaty_city", "posts": 20});
        courts.push(staff.secretary.post("/v1/courts", court).await["id"].as_str().unwrap().to_owned());
    }
    let mut judges = Vec::new();
    let mut iins = (0..).filter_map(|number| Iin::with_check_digit(&format!("750101{number:05}")));
    for (number, court) in courts.iter().cycle().take(count).enumerate() {
        let name = format!("Ойдан шығарылған {number}");
        let judge = json!({
            "iin": iins.next().unwrap().as_str(), "full_name_kk": name, "full_name_ru": name,
            "first_appointed_on": "2015-03-02",
        });
        let id = staff.secretary.post("/v1/judges", judge).await["id"].as_str().unwrap().to_owned();
        let post = json!({
            "court_id": court, "kind": "judge", "starts_on": "2015-03-02", "source_system": "hr", "as_of": "2027-01-10",
        });
        staff.secretary.post(&format!("/v1/judges/{id}/positions"), post).await;
        let login = format!("judge-{number:03}");
        let account = json!({"login": login, "password": PASSWORD, "judge_id": id});
        staff.administrator.post("/v1/accounts", account).await;
        judges.push((login, id));
    }
    judges
}

/// Publishes the default methodology and opens a cycle of these judges.
async fn open(staff: &Staff, subjects: &[(String, String)], starts_on: NaiveDate) -> String {
    let document: Value = serde_json::from_str(DEFAULT_JSON).unwrap();
    let methodology = staff.secretary.post("/v1/methodologies", document).await;
    let methodology = methodology["id"].as_str().unwrap();
    let path = format!("/v1/methodologies/{methodology}/publish");
    staff.secretary.act_with(&staff.second, &path, json!({"accepts_draft_texts": true})).await;
    let subjects: Vec<Value> = subjects.iter().map(|(_, id)| json!({"judge_id": id, "kind": "periodic"})).collect();
    let cycle = json!({
        "methodology_id": methodology, "evaluating_body": "quality_commission", "starts_on": starts_on,
        "title_kk": "2027 жылғы бағалау", "title_ru": "Оценка 2027 года", "subjects": subjects,
    });
    let id = staff.secretary.post("/v1/cycles", cycle).await["id"].as_str().unwrap().to_owned();
    staff.act(&id, "open").await;
    id
}

/// Freezes the manifest and fetches it as every peer does.
async fn freeze(server: &Server, staff: &Staff, id: &str) -> Frozen {
    let path = format!("/v1/cycles/{id}/manifest");
    staff.secretary.post(&path, json!({})).await;
    let view = staff.secretary.get(&format!("/v1/cycles/{id}")).await;
    let cycle_ref: Ref = view["cycle_ref"].as_str().unwrap().parse().unwrap();
    let places = Places { registry: server.registry.clone(), ballot_box: server.ballot.clone() };
    let manifest = fetch_manifest(&places, &cycle_ref, 1).await.unwrap();
    // The box has signed its note by now; the repeat takes it into the registry.
    staff.secretary.post(&path, json!({})).await;
    manifest
}
