//! `ejf import` against the real program, and a kill in the middle of a file. A newcomer's usual mistake is to wait for a
//! started service by the clock; it tells on standard error when and where it listens.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

#[allow(dead_code, reason = "the rest of it is for tests that the library cannot run itself")]
#[path = "credential/damage.rs"]
mod damage;
#[path = "import/strangers.rs"]
mod strangers;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use ejf::domain::indicators::Catalogue;
use serde_json::{Value, json};
use tempfile::TempDir;

const PASSWORD: &str = "seven quiet rivers under snow";
const COURTS: &str = "name_kk;name_ru;level;region;posts;source_system;source_record_id\n";
const JUDGES: &str = "iin,full_name_kk,full_name_ru,first_appointed_on,source_system,source_record_id\n\
    850101424712,Нұрлан Әбдіров,Нурлан Абдиров,2015-03-02,toerelik,J-1\n";

/// The program in a folder of its own, with cheap password hashes and no other variable.
fn ejf(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ejf"));
    command.args(arguments).current_dir(folder).env_clear();
    command.env("EJF_ARGON2_MEMORY_KIB", "19456").env("EJF_ARGON2_PASSES", "2");
    command.env("EJF_BIND", "127.0.0.1:0").env("EJF_BALLOT_BIND", "127.0.0.1:0").stdin(Stdio::null());
    command
}

/// A service that listens; killed when the value goes.
struct Service {
    process: Child,
    url: String,
}

impl Service {
    fn start(folder: &Path) -> Service {
        let mut serve = ejf(folder, &["serve", "--only", "registry"]);
        let mut process = serve.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = loop {
            let line = lines.next().expect("the service listens").unwrap();
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            if entry["fields"]["message"] == "the registry listens" {
                break format!("http://{}", entry["fields"]["address"].as_str().unwrap());
            }
        };
        // Read on to the end, or a full pipe would stop the service.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Service { process, url }
    }

    /// Imports a file of this text as the secretary.
    fn import(&self, folder: &Path, text: &str, more: &[&str]) -> Output {
        std::fs::write(folder.join("records.csv"), text).unwrap();
        std::fs::write(folder.join("password"), PASSWORD).unwrap();
        let own = ["import", "records.csv", "--url", &self.url, "--login", "aigul", "--secret-file", "password"];
        ejf(folder, &[&own[..], more].concat()).output().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may be dead already; then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn add_secretary(folder: &Path) {
    let mut add = ejf(folder, &["account", "add", "aigul", "--role", "secretary"]);
    let mut child = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    assert!(child.wait().unwrap().success());
}

/// A machine client of the system whose values are sent, with its secret in a file; its id.
fn add_client(folder: &Path) -> String {
    let add = ["client", "add", "Court Administration", "--source-system", "toerelik", "--scope", "file:write"];
    let told = stdout(&ejf(folder, &add).output().unwrap());
    let member = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    std::fs::write(folder.join("secret"), member("client_secret")).unwrap();
    member("client_id")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Whether the table tells this count.
fn has_count(output: &Output, name: &str, count: &str) -> bool {
    stdout(output).lines().any(|line| line.split_whitespace().eq([name, count]))
}

#[test]
fn a_file_is_checked_taken_in_and_told_by_its_exit_code() {
    let folder = TempDir::new().unwrap();
    add_secretary(folder.path());
    let service = Service::start(folder.path());
    let sound = format!("{COURTS}Алмалы соты;Алмалинский суд;district;abay;3;hr;1\n");
    let faulty = format!("{sound}Медеу соты;Медеуский суд;village;abay;3;hr;2\n");
    let import =
        |text: &str, more: &[&str]| service.import(folder.path(), text, &[&["--type", "courts"][..], more].concat());

    let dry = import(&sound, &["--dry-run"]);
    let refused = import(&faulty, &[]);
    let partial = import(&faulty, &["--partial", "--format", "json"]);
    let again = import(&sound, &[]);

    // A bar is for a terminal, and this is none.
    assert!([&dry, &refused, &partial, &again].iter().all(|output| output.stderr.is_empty()));
    let codes = [&dry, &refused, &partial, &again].map(|output| output.status.code());
    assert_eq!(codes, [Some(0), Some(1), Some(1), Some(0)], "{}", String::from_utf8_lossy(&dry.stderr));
    assert!(stdout(&dry).contains("nothing was taken in") && has_count(&dry, "new", "1"), "{}", stdout(&dry));
    assert!(stdout(&refused).contains("row 3, level: refused: "), "{}", stdout(&refused));
    let told: Value = serde_json::from_slice(&partial.stdout).unwrap();
    assert_eq!((&told["import"]["rows"]["new"], &told["errors"][0]["code"]), (&json!(1), &json!("one_of")));
    assert_eq!(told["reconciliation"][0]["recorded_count"], 1, "{told}");
    assert!(has_count(&again, "unchanged", "1") && !stdout(&again).contains("on record"), "{}", stdout(&again));
}

#[test]
fn what_is_no_file_or_no_service_has_an_exit_code_of_its_own() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
    std::fs::write(folder.path().join("records.csv"), COURTS).unwrap();
    let run = |file: &str| {
        let own = ["import", file, "--type", "courts", "--login", "aigul", "--secret-file", "password"];
        ejf(folder.path(), &[&own[..], &["--url", "http://127.0.0.1:9"]].concat()).output().unwrap().status.code()
    };
    assert_eq!([run("absent.csv"), run("records.doc"), run("records.csv")], [Some(2), Some(2), Some(3)]);
}

/// Values of one judge, each of another indicator, category and quarter, behind the first so many of them.
fn values(after: usize, count: usize) -> String {
    let catalogue = Catalogue::standard().unwrap();
    let mut file =
        "judge_external_id,indicator_code,category,period,numerator,source_system,source_record_id,as_of\n".to_owned();
    let (mut passed_over, mut left) = (0, count);
    for year in 2005..2025 {
        for quarter in 1..=4 {
            for category in &catalogue.specialisations {
                for indicator in &catalogue.indicators {
                    if left == 0 {
                        return file;
                    }
                    if passed_over < after {
                        passed_over += 1;
                        continue;
                    }
                    left -= 1;
                    let code = &indicator.code;
                    let as_of = "2025-01-10";
                    file += &format!("J-1,{code},{category},{year}-Q{quarter},1,toerelik,{after}-{left},{as_of}\n");
                }
            }
        }
    }
    panic!("there are not so many values");
}

#[tokio::test]
async fn a_kill_in_the_middle_of_a_partial_file_loses_and_doubles_nothing() {
    killed_and_taken_up_again("partial").await;
}

#[tokio::test]
async fn a_kill_in_the_middle_of_an_atomic_file_leaves_nothing_of_it_until_it_is_taken_up_again() {
    killed_and_taken_up_again("atomic").await;
}

/// Kills the service once the import tells of rows done, and waits for the end under a new one. A row that the first had
/// taken in for good and the second takes again would be unchanged to it.
async fn killed_and_taken_up_again(mode: &str) {
    const ROWS: usize = 9000;
    let folder = TempDir::new().unwrap();
    add_secretary(folder.path());
    let mut service = Service::start(folder.path());
    let judges = service.import(folder.path(), JUDGES, &["--type", "judges"]);
    assert_eq!(judges.status.code(), Some(0), "{}", stdout(&judges));
    let client = reqwest::Client::new();
    let log_in = |url: String| {
        let client = client.clone();
        async move {
            let body = json!({"login": "aigul", "password": PASSWORD});
            let granted: Value =
                client.post(format!("{url}/v1/sessions")).json(&body).send().await.unwrap().json().await.unwrap();
            granted["access_token"].as_str().unwrap().to_owned()
        }
    };
    let look = |url: String, token: String| {
        let client = client.clone();
        async move { client.get(url).bearer_auth(token).send().await.unwrap().json::<Value>().await.unwrap() }
    };
    let token = log_in(service.url.clone()).await;
    let path = format!("{}/v1/imports?type=observations&mode={mode}", service.url);
    let sending = client.post(path).bearer_auth(&token).header("Content-Type", "text/csv").body(values(0, ROWS));
    let sent: Value = sending.send().await.unwrap().json().await.unwrap();
    let id = sent["id"].as_str().unwrap().to_owned();
    while look(format!("{}/v1/imports/{id}", service.url), token.clone()).await["done_count"] == 0 {}

    // SIGKILL: nothing is flushed, nobody is told.
    service.process.kill().unwrap();
    service.process.wait().unwrap();

    let service = Service::start(folder.path());
    let token = log_in(service.url.clone()).await;
    let ended = loop {
        let import = look(format!("{}/v1/imports/{id}", service.url), token.clone()).await;
        if import["state"] == "done" || import["state"] == "failed" {
            break import;
        }
    };
    assert_eq!((&ended["state"], &ended["rows"]["new"]), (&json!("done"), &json!(ROWS)), "{ended}");
    assert_eq!((&ended["rows"]["unchanged"], &ended["rows"]["refused"]), (&json!(0), &json!(0)), "{ended}");
}

/// Kilobytes that the service has in memory.
#[cfg(target_os = "linux")]
fn resident(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_from_file_to_file() {
    const ROWS: usize = 3000;
    let folder = TempDir::new().unwrap();
    add_secretary(folder.path());
    let service = Service::start(folder.path());
    service.import(folder.path(), JUDGES, &["--type", "judges"]);
    // A log-in takes the memory of a password hash, and its thread keeps it for the next one; a client's secret has none.
    let client_id = add_client(folder.path());
    let sizes = [(0, "new"), (1, "new"), (1, "unchanged"), (1, "unchanged")].map(|(number, fate)| {
        std::fs::write(folder.path().join("records.csv"), values(number * ROWS, ROWS)).unwrap();
        let own = ["import", "records.csv", "--type", "observations", "--url", &service.url];
        let as_client = ["--client-id", &client_id, "--secret-file", "secret"];
        let output = ejf(folder.path(), &[&own[..], &as_client].concat()).output().unwrap();
        assert!(has_count(&output, fate, &ROWS.to_string()), "{}", stdout(&output));
        resident(&service)
    });

    // What is new is in the engine's cache of pages as well, which has a bound of its own; a file that was read leaves nothing.
    assert!(sizes[1] < sizes[0] + 8192 && sizes[3] < sizes[1] + 2048, "{sizes:?} kilobytes");
}
