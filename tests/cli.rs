//! The real program, as an operator has it: commands, exit codes, and what it keeps through a kill. A newcomer's usual
//! mistake is to wait for a started service by the clock; it tells on standard error when and where it listens.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

#[path = "api/harness/db.rs"]
mod db;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use ejf::db::Location;
use ejf::domain::iin::Iin;
use serde_json::{Value, json};
use tempfile::TempDir;

use db::TestDb;

const PASSWORD: &str = "seven quiet rivers under snow";
const USAGE: i32 = 2;
const UNREACHABLE: i32 = 3;

/// The program in a folder of its own, with no variable but those given.
fn ejf(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ejf"));
    command.args(arguments).current_dir(folder).env_clear();
    // Password hashes at their least cost: these tests are about other things.
    command.env("EJF_ARGON2_MEMORY_KIB", "19456").env("EJF_ARGON2_PASSES", "2");
    command.env("EJF_BIND", "127.0.0.1:0").env("EJF_BALLOT_BIND", "127.0.0.1:0");
    command.envs(variables.iter().copied()).stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    ejf(folder, arguments, variables).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn add_account(folder: &Path, login: &str, role: &str) -> Output {
    add_account_with(folder, login, role, &[])
}

fn add_account_with(folder: &Path, login: &str, role: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = ejf(folder, &["account", "add", login, "--role", role], variables);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    child.wait_with_output().unwrap()
}

/// A service that listens; killed when the value goes, if not before.
struct Service {
    process: Child,
    address: String,
    box_address: String,
    /// What it has written to standard error, in lines.
    told: Arc<Mutex<Vec<String>>>,
}

impl Service {
    fn start(folder: &Path) -> Service {
        Service::start_with(folder, &[])
    }

    fn start_with(folder: &Path, variables: &[(&str, &str)]) -> Service {
        // The server of the tests is none for a box with real reviews.
        let is_postgres = variables.iter().any(|(_, value)| value.starts_with("postgres"));
        let arguments = if is_postgres { &["serve", "--rehearsal"][..] } else { &["serve"] };
        let mut serve = ejf(folder, arguments, variables);
        let mut process = serve.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let told = Arc::new(Mutex::new(Vec::new()));
        let (mut address, mut box_address) = (None, None);
        while address.is_none() || box_address.is_none() {
            let Some(Ok(line)) = lines.next() else {
                panic!("the service ended:\n{}", told.lock().unwrap().join("\n"))
            };
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            if entry["fields"]["message"] == "the registry listens" {
                address = Some(entry["fields"]["address"].as_str().unwrap().to_owned());
            }
            if let Some(told) = line.strip_prefix("the ballot box listens on ") {
                box_address = Some(told.to_owned());
            }
            told.lock().unwrap().push(line);
        }
        // Read on to the end, or a full pipe would stop the service.
        let kept = told.clone();
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line)));
        Service { process, address: address.unwrap(), box_address: box_address.unwrap(), told }
    }

    /// Waits until it has told of so many failed requests, and gives the lines up to the last of them.
    async fn told_until_failures(&self, count: usize) -> Vec<String> {
        loop {
            let told = self.told.lock().unwrap().clone();
            let mut failures = told.iter().enumerate().filter(|(_, line)| line.contains("a request failed"));
            if let Some((at, _)) = failures.nth(count - 1) {
                return told[..=at].to_vec();
            }
            tokio::task::yield_now().await;
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn log_in(&self, login: &str) -> String {
        let body = json!({"login": login, "password": PASSWORD});
        let answer = reqwest::Client::new().post(self.url("/v1/sessions")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let answer: Value = answer.json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// SIGKILL: nothing is flushed, nobody is told.
    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may be dead already; then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn help_names_every_command_with_its_example() {
    let folder = TempDir::new().unwrap();

    let help = run(folder.path(), &["--help"], &[]);

    assert_eq!(help.status.code(), Some(0));
    let text = stdout(&help);
    let commands = commands_in(&text);
    let all = ["audit", "serve", "box", "migrate", "account", "demo", "openapi", "config", "health", "peer"];
    for known in all {
        assert!(commands.iter().any(|command| command == known), "{known} in\n{text}");
    }
    for command in &commands {
        expect_example(folder.path(), &[command]);
    }
}

/// The commands in a help text.
fn commands_in(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    listed
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next().map(str::to_owned))
        .filter(|name| !name.is_empty() && name != "help")
        .collect()
}

/// A command shows an example in its help; one that is but a group of others leaves that to them.
fn expect_example(folder: &Path, command: &[&str]) {
    let help = run(folder, &[command, &["--help"]].concat(), &[]);
    assert_eq!(help.status.code(), Some(0), "{command:?}");
    let text = stdout(&help);
    let within = commands_in(&text);
    assert!(!within.is_empty() || text.contains("Example: "), "{command:?} shows no example:\n{text}");
    for name in &within {
        expect_example(folder, &[command, &[name]].concat());
    }
}

#[test]
fn no_command_or_an_unknown_one_is_a_wrong_use() {
    let folder = TempDir::new().unwrap();
    for arguments in [&[][..], &["severe"], &["serve", "--fast"], &["account", "add", "aigul", "--role", "king"]] {
        assert_eq!(run(folder.path(), arguments, &[]).status.code(), Some(USAGE), "{arguments:?}");
    }
}

#[test]
fn a_check_of_the_configuration_tells_all_faults_at_once() {
    let folder = TempDir::new().unwrap();
    let faults = [("EJF_DATABASE_URL", "registry.db"), ("EJF_POOL_SIZE", "0"), ("EJF_LANGUAGE", "tlh")];

    let checked = run(folder.path(), &["config", "check"], &faults);
    let fine = run(folder.path(), &["config", "check"], &[]);

    assert_eq!(checked.status.code(), Some(USAGE));
    for (name, _) in faults {
        assert!(stderr(&checked).contains(&format!("  {name}: expected ")), "{name} in\n{}", stderr(&checked));
    }
    assert_eq!(fine.status.code(), Some(0), "{}", stderr(&fine));
    assert_eq!(fs_entries(folder.path()), [""; 0], "a check makes nothing");
}

#[test]
fn a_check_of_the_configuration_shows_no_password_of_a_database() {
    let url = "postgres://ejf:s3cret@db:5432/ballot?sslmode=require&password=s3cret";

    let checked = run(TempDir::new().unwrap().path(), &["config", "check"], &[("EJF_BALLOT_DATABASE_URL", url)]);

    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));
    let shown = stdout(&checked);
    assert!(shown.contains("db:5432/ballot?sslmode=require") && !shown.contains("s3cret"), "{shown}");
}

fn fs_entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_service_does_not_start_with_a_sample_key_or_a_variable_that_nobody_knows() {
    let folder = TempDir::new().unwrap();
    let sample = "00".repeat(32);
    for (name, value) in [("EJF_COLUMN_KEY", sample.as_str()), ("EJF_COLUMN_KEY", "secret"), ("EJF_LANGUGE", "ru")] {
        let refused = run(folder.path(), &["serve"], &[(name, value)]);
        assert_eq!(refused.status.code(), Some(USAGE), "{name}");
        assert!(stderr(&refused).contains(&format!("  {name}: ")), "{}", stderr(&refused));
        assert!(!stderr(&refused).contains(value) || value == "ru", "a secret is not told again");
    }
}

#[test]
fn the_variables_are_listed_and_the_document_printed_without_any_configuration() {
    let folder = TempDir::new().unwrap();
    let broken = [("EJF_BIND", "nowhere")];

    let variables = run(folder.path(), &["config", "variables"], &broken);
    let document = run(folder.path(), &["openapi"], &broken);

    assert!(stdout(&variables).contains("| `EJF_BALLOT_DATABASE_URL` |"));
    assert_eq!(stdout(&document), ejf::app::document_text().unwrap());
    assert_eq!(fs_entries(folder.path()), [""; 0]);
}

#[test]
fn a_password_that_is_easily_guessed_and_a_name_that_is_taken_are_refused() {
    let folder = TempDir::new().unwrap();
    let weak = "password1234567";
    let mut command = ejf(folder.path(), &["account", "add", "aigul", "--role", "auditor"], &[]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{weak}").unwrap();
    let refused = child.wait_with_output().unwrap();

    assert_eq!(refused.status.code(), Some(USAGE), "{}", stderr(&refused));
    assert!(!stderr(&refused).contains(weak));
    assert_eq!(add_account(folder.path(), "aigul", "auditor").status.code(), Some(0));
    assert_eq!(add_account(folder.path(), "aigul", "auditor").status.code(), Some(1));
}

#[test]
fn a_database_is_checked_before_and_after_it_is_brought_up_to_date() {
    let folder = TempDir::new().unwrap();
    let check = || run(folder.path(), &["migrate", "--check"], &[]);

    let before = check();
    let done = run(folder.path(), &["migrate"], &[]);
    let after = check();

    assert_eq!(before.status.code(), Some(1), "{}", stderr(&before));
    assert!(stdout(&before).contains("pending: "), "{}", stdout(&before));
    assert_eq!((done.status.code(), after.status.code()), (Some(0), Some(0)), "{}", stderr(&done));
}

#[tokio::test]
async fn an_account_made_in_the_shell_logs_in_over_http_and_health_tells_who_lives() {
    let folder = TempDir::new().unwrap();
    let added = add_account(folder.path(), "aigul", "administrator");
    assert_eq!(added.status.code(), Some(0), "{}", stderr(&added));

    let mut service = Service::start(folder.path());
    let token = service.log_in("aigul").await;
    let me = reqwest::Client::new().get(service.url("/v1/me")).bearer_auth(token).send().await.unwrap();
    let address = service.address.clone();
    let health = || run(folder.path(), &["health", "--only", "registry"], &[("EJF_BIND", &address)]).status.code();
    let alive = health();
    service.kill();
    let dead = health();

    let me: Value = me.json().await.unwrap();
    assert_eq!((&me["login"], &me["staff_role"]), (&json!("aigul"), &json!("administrator")));
    assert_eq!((alive, dead), (Some(0), Some(UNREACHABLE)));
}

/// The word after `name` in what a command printed.
fn printed(output: &Output, name: &str) -> String {
    let text = stdout(output);
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().to_owned()
}

#[tokio::test]
async fn a_machine_client_made_in_the_shell_gets_tokens_and_its_rotated_secret_does() {
    let folder = TempDir::new().unwrap();
    let add = ["client", "add", "Court Administration", "--source-system", "toerelik", "--scope", "file:write"];
    let made = run(folder.path(), &add, &[]);
    let taken = run(folder.path(), &add, &[]);
    let unknown = run(folder.path(), &["client", "rotate", "hr"], &[]);
    let unfit = run(folder.path(), &["client", "add", "HR", "--source-system", "H R", "--scope", "scim"], &[]);
    let rotated = run(folder.path(), &["client", "rotate", "toerelik", "--overlap-hours", "0"], &[]);
    assert_eq!((made.status.code(), rotated.status.code()), (Some(0), Some(0)), "{}", stderr(&made));
    assert_eq!((taken.status.code(), unknown.status.code(), unfit.status.code()), (Some(1), Some(1), Some(USAGE)));
    let id = printed(&made, "client_id");
    assert_eq!(printed(&rotated, "client_id"), id);

    let service = Service::start(folder.path());
    let http = reqwest::Client::new();
    for (output, status) in [(&made, 401), (&rotated, 200)] {
        let secret = printed(output, "client_secret");
        let asked = http
            .post(service.url("/oauth2/token"))
            .basic_auth(&id, Some(secret))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials")
            .send();
        assert_eq!(asked.await.unwrap().status(), status);
    }
}

#[test]
fn the_key_made_on_the_first_start_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    drop(Service::start(folder.path()));

    let key = std::fs::metadata(folder.path().join("data/column.key")).unwrap();

    assert_eq!(key.permissions().mode() & 0o777, 0o600);
}

/// What was answered is on the disk: the process is killed while more is under way, and nothing answered is missing.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_answered_before_a_kill_is_there_after_it() {
    let folder = TempDir::new().unwrap();
    add_account(folder.path(), "aigul", "administrator");
    let mut service = Service::start(folder.path());
    let token = service.log_in("aigul").await;
    let answered = Arc::new(Mutex::new(BTreeSet::new()));
    let (enough, mut is_enough) = tokio::sync::mpsc::channel::<()>(64);

    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (url, token) = (service.url("/v1/accounts"), token.clone());
            let (answered, enough) = (answered.clone(), enough.clone());
            tokio::spawn(async move {
                let http = reqwest::Client::new();
                for number in 0..1000 {
                    let login = format!("serik-{writer}-{number}");
                    let body = json!({"login": login, "password": PASSWORD, "staff_role": "member"});
                    // The service goes away under the writers: that is the test.
                    let Ok(answer) = http.post(&url).bearer_auth(&token).json(&body).send().await else { return };
                    assert_eq!(answer.status(), 201);
                    answered.lock().unwrap().insert(login);
                    // Nobody waits for it once there were enough.
                    let _ = enough.try_send(());
                }
            })
        })
        .collect();
    for _ in 0..20 {
        is_enough.recv().await.unwrap();
    }
    service.kill();
    for writer in writers {
        writer.await.unwrap();
    }

    let service = Service::start(folder.path());
    let token = service.log_in("aigul").await;
    let http = reqwest::Client::new();
    let mut found = BTreeSet::new();
    let mut path = "/v1/accounts?limit=100".to_owned();
    loop {
        let page = http.get(service.url(&path)).bearer_auth(&token).send().await.unwrap();
        let page: Value = page.json().await.unwrap();
        found.extend(page["items"].as_array().unwrap().iter().map(|item| item["login"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/accounts?limit=100&cursor={cursor}");
    }
    let answered = answered.lock().unwrap();
    assert!(answered.len() >= 20);
    let lost: Vec<&String> = answered.difference(&found).collect();
    assert!(lost.is_empty(), "answered and lost: {lost:?}");
}

fn url_of(location: &Location) -> String {
    match location {
        Location::Sqlite(path) => format!("sqlite://{}", path.display()),
        Location::Postgres(url) => url.clone(),
    }
}

/// Takes a table away under the running service, so that what asks for it fails and is told of.
fn break_courts(location: &Location) {
    let statement = "ALTER TABLE courts RENAME TO courts_before";
    match location {
        Location::Sqlite(path) => {
            SqliteConnection::establish(path.to_str().unwrap()).unwrap().batch_execute(statement).unwrap();
        }
        Location::Postgres(url) => PgConnection::establish(url).unwrap().batch_execute(statement).unwrap(),
    }
}

/// What is told at the most talkative setting: of the registry no secret and no person, and of the box nothing at all.
#[tokio::test]
async fn a_service_that_tells_all_it_can_tells_no_secret_and_nothing_of_the_box() {
    let db = TestDb::create();
    let (registry, ballot) = (url_of(&db.registry), url_of(&db.ballot));
    let column_key = "5a17".repeat(16);
    let variables = [
        ("EJF_DATABASE_URL", registry.as_str()),
        ("EJF_BALLOT_DATABASE_URL", &ballot),
        ("EJF_COLUMN_KEY", &column_key),
        ("EJF_KEY_DIR", "../keys-of-nobody"),
        ("EJF_LOG", "trace"),
    ];
    let added = add_account_with(db.folder(), "aigul", "secretary", &variables);
    assert_eq!(added.status.code(), Some(0), "{}", stderr(&added));
    let service = Service::start_with(db.folder(), &variables);
    let http = reqwest::Client::new();
    let iin = Iin::with_check_digit("75010100042").or_else(|| Iin::with_check_digit("75010100043")).unwrap();
    let wrong = json!({"login": "nobody", "password": "wrong rivers under snow"});
    http.post(service.url("/v1/sessions")).json(&wrong).send().await.unwrap();
    let token = service.log_in("aigul").await;
    let judge = json!({
        "iin": iin.as_str(), "full_name_kk": "Қасенов Ерлан", "full_name_ru": "Касенов Ерлан",
        "first_appointed_on": "2015-03-02",
    });
    let lookup = json!({"iin": iin.as_str(), "purpose": "personnel"});
    for (path, body) in [("/v1/judges", judge), ("/v1/judges/lookup", lookup)] {
        let answer = http.post(service.url(path)).bearer_auth(&token).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
    }
    break_courts(&db.registry);
    let fail = || http.get(service.url("/v1/courts")).bearer_auth(&token).send();

    assert_eq!(fail().await.unwrap().status(), 500);
    let before = service.told_until_failures(1).await;
    for (header, size) in [("x-nothing", 8192), ("authorization", 8192), ("x-nothing", 100)] {
        let review = http.post(format!("http://{}/v1/anon/reviews", service.box_address)).header(header, "x");
        let review = review.header("content-type", "application/json").body(vec![b' '; size]);
        assert_eq!(review.send().await.unwrap().status(), 400);
    }
    assert_eq!(fail().await.unwrap().status(), 500);
    let after = service.told_until_failures(2).await;

    assert_eq!(after.len(), before.len() + 1, "the box made the service tell: {:?}", &after[before.len()..]);
    let told = after.join("\n");
    assert!(told.contains("evaluation copy: not for real cycles"), "{told}");
    for secret in [iin.as_str(), PASSWORD, "wrong rivers under snow", &token, &column_key, "Қасенов", "Касенов"]
    {
        assert!(!told.contains(secret), "{secret} in\n{told}");
    }
}

/// The block of the README as it stands there, but for the port, and with the program on the path.
#[test]
fn the_calls_of_the_readme_work_as_they_are_written() {
    let readme = include_str!("../README.md");
    let (_, section) = readme.split_once("## The API in five lines").unwrap();
    let block = section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("methodologies")).unwrap();
    let rules = include_str!("../methodologies/default.json");
    std::fs::write(folder.path().join("methodologies/default.json"), rules).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let block = block.replace("127.0.0.1:8080", &free);
    let script = format!("trap 'kill $(jobs -p)' EXIT\n{block}");
    let program = Path::new(env!("CARGO_BIN_EXE_ejf")).parent().unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", program.display());
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).current_dir(folder.path()).env_clear().stdin(Stdio::null());
    bash.env("PATH", path).env("EJF_BIND", &free).env("EJF_BALLOT_BIND", "127.0.0.1:0");

    let output = bash.output().unwrap();

    let answers = stdout(&output);
    for part in ["\"code\":\"", "\"state\":\"draft\"", "\"login\":\"secretary\"", "\"staff_role\":\"secretary\""] {
        assert!(answers.contains(part), "{part} in\n{answers}\n{}", stderr(&output));
    }
    assert!(!answers.contains("\"status\":4"), "{answers}");
}
