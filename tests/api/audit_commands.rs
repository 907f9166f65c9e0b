//! `ejf audit` as an operator and an auditor have it: the real program beside a real service.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use ejf::db::Location;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{PASSWORD, TestDb};

const COLUMN_KEY: &str = "5a175a175a175a175a175a175a175a175a175a175a175a175a175a175a175a17";

/// A server's databases and folders, and the program on them.
struct Server {
    db: TestDb,
}

impl Server {
    /// One with a first account, and so with a first entry.
    fn create() -> Server {
        let server = Server { db: TestDb::create() };
        let mut add = server.command(&["account", "add", "aigul", "--role", "administrator"]);
        let mut child = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{PASSWORD}\n").as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        server
    }

    fn url(&self) -> String {
        match &self.db.registry {
            Location::Sqlite(path) => format!("sqlite://{}", path.display()),
            Location::Postgres(url) => url.clone(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ejf"));
        command.args(arguments).current_dir(self.db.folder()).env_clear().stdin(Stdio::null());
        command
            .env("EJF_KEY_DIR", "../keys-of-nobody")
            .env("EJF_DATABASE_URL", self.url())
            .env("EJF_BALLOT_DATABASE_URL", "sqlite://none.db");
        command.env("EJF_COLUMN_KEY", COLUMN_KEY).env("EJF_AUDIT_DIR", self.folder());
        command.env("EJF_BIND", "127.0.0.1:0").env("EJF_BALLOT_BIND", "127.0.0.1:0");
        command.env("EJF_ARGON2_MEMORY_KIB", "19456").env("EJF_ARGON2_PASSES", "2");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn folder(&self) -> PathBuf {
        self.db.folder().join("checkpoints")
    }

    /// Changes the log past everything.
    fn db_change(&self, statement: &str) {
        match &self.db.registry {
            Location::Sqlite(path) => {
                SqliteConnection::establish(path.to_str().unwrap()).unwrap().batch_execute(statement).unwrap();
            }
            Location::Postgres(url) => PgConnection::establish(url).unwrap().batch_execute(statement).unwrap(),
        }
    }

    /// The registry, listening.
    fn serve(&self) -> (Child, String) {
        let mut serve = self.command(&["serve", "--only", "registry"]);
        let mut process = serve.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let entry: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap_or_default();
            if entry["fields"]["message"] == "the registry listens" {
                break entry["fields"]["address"].as_str().unwrap().to_owned();
            }
        };
        // Read on to the end, or a full pipe would stop the service.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        (process, address)
    }
}

/// The exit code and all that was said.
fn outcome(output: &Output) -> (Option<i32>, String) {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

async fn add_accounts(address: &str, logins: &[&str]) {
    let http = reqwest::Client::new();
    let body = json!({"login": "aigul", "password": PASSWORD});
    let session = http.post(format!("http://{address}/v1/sessions")).json(&body).send().await.unwrap();
    let session: Value = session.json().await.unwrap();
    let token = session["access_token"].as_str().unwrap();
    for login in logins {
        let body = json!({"login": login, "password": PASSWORD, "staff_role": "member"});
        let added = http.post(format!("http://{address}/v1/accounts")).bearer_auth(token).json(&body).send();
        assert_eq!(added.await.unwrap().status(), 201);
    }
}

#[tokio::test]
async fn a_service_that_is_told_to_stop_signs_its_log_and_an_auditor_verifies_it_before_and_after() {
    let server = Server::create();
    let (mut process, address) = server.serve();
    add_accounts(&address, &["serik-1", "serik-2"]).await;

    let beside = outcome(&server.run(&["audit", "verify"]));
    kill_process(Pid::from_child(&process), Signal::TERM).unwrap();
    let status = process.wait().unwrap();
    let after = outcome(&server.run(&["audit", "verify", "--language", "ru"]));

    assert_eq!(beside.0, Some(0), "{}", beside.1);
    assert!(beside.1.contains("Entries after it, which no checkpoint protects yet: 3."), "{}", beside.1);
    assert!(status.success());
    assert_eq!(after.0, Some(0), "{}", after.1);
    assert!(after.1.contains("ещё не защищённых контрольной точкой: 0."), "{}", after.1);
    let names = files(&server.folder());
    assert_eq!(names, ["audit-key", "checkpoint-0000000000000003", "checkpoint-0000000000000006", "frontier.json"]);
}

/// What a kill in the middle of a writing leaves is passed over, and the next start goes on.
#[tokio::test]
async fn a_service_that_was_killed_while_it_wrote_a_checkpoint_signs_its_log_at_the_next_start() {
    let server = Server::create();
    let (mut process, address) = server.serve();
    add_accounts(&address, &["serik-1"]).await;
    process.kill().unwrap();
    process.wait().unwrap();
    std::fs::write(server.folder().join(".unfinished-7Kq2"), "registry.test/audit\n2\nha").unwrap();

    let killed = outcome(&server.run(&["audit", "verify"]));
    let (mut process, _) = server.serve();
    process.kill().unwrap();
    process.wait().unwrap();
    let restarted = outcome(&server.run(&["audit", "verify"]));

    assert!(killed.0 == Some(0) && killed.1.contains("protects yet: 2."), "{}", killed.1);
    assert!(restarted.0 == Some(0) && restarted.1.contains("protects yet: 0."), "{}", restarted.1);
}

#[test]
fn a_changed_log_is_told_with_its_place_and_is_not_signed() {
    let server = Server::create();
    let written = outcome(&server.run(&["audit", "checkpoint"]));
    let again = outcome(&server.run(&["audit", "checkpoint"]));
    server.db_change("UPDATE audit_entries SET act = 'nothing'");
    let altered = outcome(&server.run(&["audit", "verify"]));
    server.db_change("DELETE FROM audit_entries");
    let cut = outcome(&server.run(&["audit", "checkpoint"]));

    assert!(written.0 == Some(0) && written.1.contains("the entries up to 2 lies in"), "{}", written.1);
    assert!(again.0 == Some(0) && again.1.contains("covers all entries already"), "{}", again.1);
    assert_eq!(altered.0, Some(1), "{}", altered.1);
    assert!(altered.1.contains("checkpoint-0000000000000002: the log does not agree"), "{}", altered.1);
    assert!(altered.1.contains("among the entries 1 to 2"), "{}", altered.1);
    assert_eq!(cut.0, Some(1), "{}", cut.1);
}

/// The auditor's machine has neither the server's settings nor its secrets: a database to read, the printed key, and
/// the copy that was kept.
#[test]
fn an_auditor_needs_a_kept_checkpoint_and_the_printed_key_alone() {
    let server = Server::create();
    assert_eq!(server.run(&["audit", "checkpoint"]).status.code(), Some(0));
    let key = String::from_utf8(server.run(&["audit", "key"]).stdout).unwrap().trim().to_owned();
    let desk = tempfile::tempdir().unwrap();
    let copy = desk.path().join("kept");
    std::fs::copy(server.folder().join("checkpoint-0000000000000002"), &copy).unwrap();
    let verify = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ejf"));
        command.args(["audit", "verify", "--database-url", &server.url()]).args(more);
        outcome(&command.env_clear().current_dir(desk.path()).output().unwrap())
    };
    let copy = copy.to_str().unwrap();
    let strange = ejf::credential::signing::public_key(&ejf::credential::signing::generate().unwrap());
    let strange = ejf::credential::note::VerifierKey::new(key.split('+').next().unwrap(), strange).unwrap().to_string();

    let good = verify(&["--checkpoint", copy, "--key", &key]);
    let other_key = verify(&["--checkpoint", copy, "--key", &strange]);
    let both_keys = verify(&["--checkpoint", copy, "--key", &strange, "--key", &key]);
    let no_key = verify(&["--checkpoint", copy]);
    let no_checkpoint = verify(&["--key", &key]);
    let empty_folder = verify(&["--key", &key, "--checkpoints", desk.path().to_str().unwrap()]);
    let no_file = verify(&["--checkpoint", "absent", "--key", &key]);
    // The insider deletes the entry and every checkpoint on the server, and signs what is left.
    std::fs::remove_dir_all(server.folder()).unwrap();
    server.db_change("DELETE FROM audit_entries");
    let deleted = verify(&["--checkpoint", copy, "--key", &key]);

    assert_eq!(good.0, Some(0), "{}", good.1);
    assert!(other_key.0 == Some(1) && other_key.1.contains("no checkpoint that the given key"), "{}", other_key.1);
    assert_eq!(both_keys.0, Some(0), "{}", both_keys.1);
    for (what, found) in [("key", no_key), ("checkpoint", no_checkpoint), ("folder", empty_folder), ("file", no_file)] {
        assert_eq!(found.0, Some(2), "{what}: {}", found.1);
    }
    assert!(deleted.0 == Some(1) && deleted.1.contains("among the entries 1 to 2"), "{}", deleted.1);
}

#[test]
fn a_database_that_is_not_there_is_unreadable_and_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let key = ejf::credential::signing::public_key(&ejf::credential::signing::generate().unwrap());
    let key = ejf::credential::note::VerifierKey::new("registry.test/audit", key).unwrap().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ejf"));
    command.args(["audit", "verify", "--database-url", "sqlite://absent.db", "--checkpoints", ".", "--key", &key]);

    let found = outcome(&command.env_clear().current_dir(folder.path()).output().unwrap());

    assert_eq!(found.0, Some(2), "{}", found.1);
    assert!(files(folder.path()).is_empty());
}

#[test]
fn a_command_that_reads_makes_neither_a_registry_nor_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ejf"));
        command.args(arguments).stdin(Stdio::null());
        outcome(&command.env_clear().current_dir(folder.path()).output().unwrap())
    };
    let checkpoint = run(&["audit", "checkpoint"]);
    let key = run(&["audit", "key"]);
    assert!(checkpoint.0 == Some(2) && checkpoint.1.contains("registry.db"), "{}", checkpoint.1);
    assert!(key.0 != Some(0), "{}", key.1);
    assert!(files(folder.path()).is_empty());

    let made = run(&["migrate"]);
    let no_key_yet = run(&["audit", "key"]);
    assert!(made.0 == Some(0) && no_key_yet.0 == Some(2), "{}{}", made.1, no_key_yet.1);
    let place = folder.path().join("data");
    assert!(!place.join("audit").exists());

    std::fs::remove_file(place.join("column.key")).unwrap();
    let lost = run(&["audit", "checkpoint"]);
    assert!(lost.0 != Some(0) && lost.1.contains("column.key"), "{}", lost.1);
    assert!(!place.join("column.key").exists(), "another key would open nothing");
}
