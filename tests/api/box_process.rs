//! The box as the real program, as an operator has it: what may look at it while it runs, when it does not open, and that
//! it says nothing of who came. A newcomer's usual mistake is to read the registry's lines as the box's.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use ejf::db::Location;
use ejf::publication::Folder;
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::ballot_storage::execute;
use crate::harness::ballot_round::{BallotRound, date, dates};
use crate::harness::{BoxClient, TestDb};

const COLUMN_KEY: &str = "5a175a175a175a175a175a175a175a175a175a175a175a175a175a175a175a17";

/// A longer name beats a shorter one in a filter, so that these would speak though the framework as a whole is silent.
const MOST_TALKATIVE: &str = "trace,actix_http::h1=trace,actix_http::h1::dispatcher=trace,actix_server::worker=trace,\
    actix_server::accept=trace,mio::poll=trace,actix_web::app_service=trace";

fn url_of(location: &Location) -> String {
    match location {
        Location::Sqlite(path) => format!("sqlite://{}", path.display()),
        Location::Postgres(url) => url.clone(),
    }
}

/// The program in the folder of a test's databases, with no variable but ours.
fn ejf(db: &TestDb, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ejf"));
    command.args(arguments);
    with_settings(command, db)
}

fn with_settings(mut command: Command, db: &TestDb) -> Command {
    command.current_dir(db.folder()).env_clear().stdin(Stdio::null());
    command.env("EJF_DATABASE_URL", url_of(&db.registry)).env("EJF_BALLOT_DATABASE_URL", url_of(&db.ballot));
    // Beside the folder of the databases, where no key file may lie; these tests make none.
    command.env("EJF_KEY_DIR", "../keys-of-nobody");
    command.env("EJF_COLUMN_KEY", COLUMN_KEY).env("EJF_BIND", "127.0.0.1:0").env("EJF_BALLOT_BIND", "127.0.0.1:0");
    command
}

fn run(db: &TestDb, arguments: &[&str]) -> Output {
    ejf(db, arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A service whose standard output and error go into one file; it is killed when the value goes, if not before.
struct Service {
    process: Child,
    told: PathBuf,
    box_address: String,
}

impl Service {
    /// Starts, and waits until the box listens, and the registry too where it runs.
    fn start(mut command: Command, told: &Path, registry: bool) -> Service {
        let file = File::create(told).unwrap();
        let process = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let mut service = Service { process, told: told.to_owned(), box_address: String::new() };
        loop {
            let text = service.told();
            let listens = text.lines().find_map(|line| line.strip_prefix("the ballot box listens on "));
            if let Some(address) = listens
                && (!registry || text.contains("the registry listens"))
                && text.ends_with('\n')
            {
                service.box_address = address.to_owned();
                service.expect_alive(&text);
                return service;
            }
            assert!(service.process.try_wait().unwrap().is_none(), "the service ended:\n{text}");
            std::thread::yield_now();
        }
    }

    /// Both listeners answer; before that a signal finds nobody who would end in order.
    fn expect_alive(&self, told: &str) {
        let entries = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let registry = entries.filter_map(|entry| Some(entry["fields"]["address"].as_str()?.to_owned()));
        for address in registry.chain([self.box_address.clone()]) {
            let mut stream = TcpStream::connect(&address).unwrap();
            stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 "), "{address}: {answer}");
        }
    }

    fn told(&self) -> String {
        fs::read_to_string(&self.told).unwrap()
    }

    fn client(&self) -> BoxClient {
        BoxClient::new(format!("http://{}", self.box_address))
    }

    /// Ends it as an operator does, and gives all that it said.
    fn end(mut self) -> String {
        kill_process(Pid::from_child(&self.process), Signal::TERM).unwrap();
        assert!(self.process.wait().unwrap().success(), "{}", self.told());
        self.told()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may be dead already; then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Every file below a folder with its bytes.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

const LOOKERS: [&[&str]; 3] = [&["migrate", "--check"], &["box", "doctor"], &["box", "doctor", "--json"]];

#[test]
fn whoever_only_looks_makes_no_file_where_there_was_none() {
    let db = TestDb::create();
    for arguments in LOOKERS {
        let looked = run(&db, arguments);
        assert_eq!(looked.status.code(), Some(1), "{arguments:?}: {looked:?}");
        assert_eq!(contents(db.folder()), [], "{arguments:?}");
    }
    let pending = stdout(&run(&db, LOOKERS[0]));
    assert!(pending.contains("registry: pending: ") && pending.contains("ballot box: pending: "), "{pending}");
}

#[test]
fn a_running_service_is_looked_at_and_nothing_changes() {
    let db = TestDb::create();
    // What the service says goes elsewhere: it may still be speaking while it is looked at.
    let elsewhere = tempfile::tempdir().unwrap();
    let service = Service::start(ejf(&db, &["serve", "--rehearsal"]), &elsewhere.path().join("told"), true);
    let before = contents(db.folder());
    let [migrated, examined, as_json] = LOOKERS.map(|arguments| run(&db, arguments));
    assert_eq!(contents(db.folder()), before);
    service.end();

    assert_eq!(migrated.status.code(), Some(0), "{migrated:?}");
    assert_eq!(examined.status.code(), Some(1), "{examined:?}");
    // The addresses of the test are none for a real box: no TLS.
    assert!(stdout(&examined).contains("unencrypted: Reviewers reach the box without TLS"), "{examined:?}");
    let told: Value = serde_json::from_slice(&as_json.stdout).unwrap();
    let checks: Vec<&str> = told["faults"].as_array().unwrap().iter().map(|f| f["check"].as_str().unwrap()).collect();
    assert!(!checks.contains(&"leftover") && !checks.contains(&"row_order"), "{told}");

    let before = contents(db.folder());
    for arguments in LOOKERS {
        run(&db, arguments);
    }
    assert!(contents(db.folder()) == before, "a service that stopped was changed by looking");
}

#[test]
fn a_running_service_can_leave_no_core_file_whatever_it_was_allowed() {
    let db = TestDb::create();
    let mut shell = Command::new("/bin/sh");
    let raised = "ulimit -c unlimited 2>/dev/null; exec \"$0\" serve --rehearsal";
    shell.args(["-c", raised, env!("CARGO_BIN_EXE_ejf")]);
    let service = Service::start(with_settings(shell, &db), &db.folder().join("told"), true);

    let limits = fs::read_to_string(format!("/proc/{}/limits", service.process.id())).unwrap();

    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>(), ["0", "0", "bytes"]);
}

#[test]
fn a_deployment_that_is_right_has_no_fault_but_the_machines() {
    let db = TestDb::create();
    if matches!(db.ballot, Location::Postgres(_)) {
        return;
    }
    fs::set_permissions(db.folder(), fs::Permissions::from_mode(0o700)).unwrap();
    drop(Service::start(ejf(&db, &["serve"]), &db.folder().join("told"), true));
    let proxy = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/nginx-box.conf");
    let examine = |language: &str| {
        let mut command = ejf(&db, &["box", "doctor", "--json", "--proxy", proxy, "--language", language]);
        command.env("EJF_PUBLIC_URL", "https://file.example").env("EJF_BALLOT_PUBLIC_URL", "https://box.example");
        let output = command.output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), told)
    };
    let (code, told) = examine("en");
    let faults = told["faults"].as_array().unwrap();
    for fault in faults {
        let of_machine = ["swap", "core_limit", "core_pattern", "tracing"];
        assert!(of_machine.contains(&fault["check"].as_str().unwrap()), "{fault}");
    }
    assert_eq!(code, Some(i32::from(!faults.is_empty())));
    let unseen: Vec<&str> = told["unseen"].as_array().unwrap().iter().map(|u| u["what"].as_str().unwrap()).collect();
    assert_eq!(unseen, ["volume", "services", "proxy_start", "certificate"]);

    let copy = db.folder().join("ballot.db.night");
    fs::copy(db.folder().join("ballot.db"), &copy).unwrap();
    fs::set_permissions(db.folder().join("ballot.db"), fs::Permissions::from_mode(0o644)).unwrap();
    for (language, word) in [("kk", "жойыңыз"), ("ru", "Удалите"), ("en", "Remove it")] {
        let (code, told) = examine(language);
        assert_eq!(code, Some(1));
        let text = |check: &str| -> String {
            let fault = told["faults"].as_array().unwrap().iter().find(|fault| fault["check"] == check);
            fault.unwrap_or_else(|| panic!("{check} in {told}"))["text"].as_str().unwrap().to_owned()
        };
        assert!(text("leftover").contains(copy.to_str().unwrap()) && text("leftover").contains(word), "{told}");
        assert!(text("file_mode").contains("chmod 600"), "{told}");
    }
}

#[test]
fn the_box_does_not_open_on_an_engine_that_keeps_an_order_unless_it_is_a_rehearsal() {
    let db = TestDb::create();
    assert!(run(&db, &["migrate"]).status.success());
    // On PostgreSQL the server of the tests is wrong already: it has the registry's tables as well.
    if let Location::Sqlite(path) = &db.ballot {
        assert!(run(&db, &["box", "doctor"]).status.code() == Some(1));
        let conn = diesel::Connection::establish(path.to_str().unwrap()).unwrap();
        execute(&mut ejf::db::Conn::Sqlite(conn), "CREATE INDEX by_subject ON review (subject_ref)", "");
    }
    for arguments in [&["serve"][..], &["serve", "--only", "box"]] {
        let refused = run(&db, arguments);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(told.contains("row_order: ") || told.contains("shared_database: "), "{told}");
        assert!(told.contains("say --rehearsal"), "{told}");
    }
    Service::start(ejf(&db, &["serve", "--rehearsal"]), &db.folder().join("told"), true).end();
}

/// A round whose window is open on the machine's own day, as the program reads the machine's clock.
fn open_round(db: &TestDb) -> BallotRound {
    let today = DateTime::<Utc>::from(SystemTime::now()).date_naive();
    let shift = today - date("2027-02-20");
    BallotRound::publish_with(&Folder::new(db.folder().join("data/public")), |manifest| {
        let mut moved = dates();
        for day in [
            &mut moved.issue_open,
            &mut moved.issue_close,
            &mut moved.submit_open,
            &mut moved.submit_close,
            &mut moved.seal_by,
            &mut moved.challenge_close,
        ] {
            *day += shift;
        }
        manifest.dates = moved;
    })
}

/// Everything that a box may meet: good and bad reviews, and callers who do not keep to HTTP.
async fn bother(service: &Service, round: &BallotRound) -> Vec<TcpStream> {
    let client = service.client();
    let reviewer = round.reviewer();
    let good = reviewer.review(round, &[]);
    client.submit(&good).await.expect(202);
    client.submit(&good).await.expect(202);
    client.submit(&reviewer.seal(reviewer.body(round, &[good.leaf().unwrap()], Some(2)))).await.expect(202);
    let mut forged = round.reviewer().review(round, &[]);
    forged.sig = good.sig;
    for (bad, code) in [
        (round.reviewer().review(round, &[good.leaf().unwrap()]), "seq_conflict"),
        (round.reviewer_of(1).review(round, &[]), "gate_closed"),
        (forged, "signature_invalid"),
    ] {
        assert_eq!(client.submit(&bad).await.body["code"], code);
    }
    for (size, code) in [(8192, "malformed"), (100, "wrong_size"), (100_000, "wrong_size")] {
        assert_eq!(client.post(vec![b'{'; size]).await.body["code"], code);
    }
    client.with_header("Authorization", "Bearer x").submit(&good).await.expect(400);
    client.send(Method::DELETE, "/v1/anon/reviews", None).await.expect(405);
    client.get("/v1/anon/nowhere").await.expect(404);
    // What would count requests is not there.
    for path in ["/metrics", "/stats", "/debug/pprof", "/readyz", "/v1/anon/metrics", "/server-status"] {
        client.get(path).await.expect(404);
    }
    let head = "POST /v1/anon/reviews HTTP/1.1\r\nHost: box\r\nContent-Type: application/json\r\n";
    let slow = [
        format!("{head}Content-Length: 8192\r\n\r\n{{\"epk\":"),
        format!("{head}Content-Length: eight\r\n\r\n"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}not a request".to_owned(),
        head.to_owned(),
    ];
    let mut held = Vec::new();
    for text in slow {
        for is_cut in [true, false] {
            let mut stream = TcpStream::connect(&service.box_address).unwrap();
            stream.write_all(text.as_bytes()).unwrap();
            if is_cut {
                stream.shutdown(std::net::Shutdown::Both).unwrap();
            } else {
                held.push(stream);
            }
        }
    }
    // Served after all of these on one of the same workers.
    client.submit(&good).await.expect(202);
    held
}

/// Runs a service at its most talkative, with or without callers, and gives all that it said.
async fn say_all(arguments: &[&str], has_callers: bool) -> String {
    let db = TestDb::create();
    let mut command = ejf(&db, arguments);
    for (name, value) in [("EJF_LOG", MOST_TALKATIVE), ("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full")] {
        command.env(name, value);
    }
    let has_registry = !arguments.contains(&"box");
    let service = Service::start(command, &db.folder().join("told"), has_registry);
    let round = open_round(&db);
    let address = service.box_address.clone();
    let held = if has_callers { bother(&service, &round).await } else { Vec::new() };
    drop(held);
    let told = service.end().replace(&address, "ADDRESS");
    // What is told of the engine comes before, and on a shared server names whatever else is there at the moment.
    told.split_once("evaluation copy").expect("it says what it is").1.to_owned()
}

#[tokio::test]
async fn the_box_says_the_same_whether_anybody_came_or_nobody() {
    let alone = say_all(&["serve", "--only", "box", "--rehearsal"], false).await;
    let visited = say_all(&["serve", "--only", "box", "--rehearsal"], true).await;
    assert!(alone.contains("the ballot box listens on ADDRESS"), "{alone}");
    assert_eq!(visited, alone);
}

#[tokio::test]
async fn what_the_registry_says_beside_the_box_does_not_tell_whether_anybody_came() {
    let kinds = |told: String| -> BTreeSet<String> {
        let kind = |line: &str| match serde_json::from_str::<Value>(line) {
            Ok(entry) => format!("{} {}", entry["target"], entry["fields"]["message"]),
            Err(_) => line.to_owned(),
        };
        told.lines().map(kind).collect()
    };
    let alone = kinds(say_all(&["serve", "--rehearsal"], false).await);
    let visited = kinds(say_all(&["serve", "--rehearsal"], true).await);
    assert_eq!(visited, alone);
    assert!(!visited.iter().any(|kind| kind.contains("actix") || kind.contains("ejf::ballot")), "{visited:?}");
}
