//! Both services in a process of their own, so that their output is theirs alone and they can die. The process is this
//! very test binary, told by a variable what to serve; commands and answers go over its standard streams.
//!
//! What a newcomer would get wrong: the clients live in the other process. What they log, and what they know, must not
//! be among the evidence.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use ejf::app::{self, NewStaff, Occasion, RunningBallot, RunningRegistry, serve_ballot, serve_registry};
use ejf::ballot::leaks::{self, Blow, Leak};
use ejf::clock::Clock;
use ejf::config::origins::Origins;
use ejf::config::{Config, Docs, Secret};
use ejf::credential::key_source::KeySource;
use ejf::db::Location;
use ejf::texts::Language;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::key_pool;

/// The password of every account.
pub const PASSWORD: &str = "seven quiet rivers under snow";
/// What a line of an answer begins with; every other line of the output is evidence.
const ANSWER: &str = "@answer ";
const VARIABLE: &str = "EJF_PRIVACY_SERVER";
/// What the framework says of connections is kept out of the log, as `ejf serve` does however its filter is set.
const FILTER: &str = "trace,actix_http=warn,actix_server=warn,actix_web=warn,mio=warn,tokio=warn";

/// Where the stores lie and what the process is to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Terms {
    /// Publication folder, round keys, and SQLite files.
    pub folder: PathBuf,
    /// The registry's database.
    pub registry: String,
    /// The box's database.
    pub ballot: String,
    /// The column key, in hex.
    pub column_key: String,
    /// What the clock shows at the start.
    pub now: DateTime<Utc>,
    /// Issuer keys made before.
    pub keys: usize,
    /// Whether the first administrator is to be made.
    pub is_new: bool,
    /// What leaks.
    pub leak: Option<Leak>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    Advance(i64),
    Compact,
    Arm(String, Blow),
    Stop,
}

#[derive(Serialize, Deserialize)]
struct Addresses {
    registry: String,
    ballot: String,
}

/// A running process of both services, as its parent holds it.
pub struct Server {
    pub registry: String,
    pub ballot: String,
    pub now: DateTime<Utc>,
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// What it wrote to standard output besides answers.
    pub output: Vec<u8>,
    errors: PathBuf,
}

impl Server {
    /// Starts the process and waits until both listen; its standard error is kept in `errors`.
    pub fn start(terms: &Terms, errors: &Path) -> Server {
        let file = std::fs::File::create(errors).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["server::serves_its_parent", "--exact", "--nocapture"])
            .env(VARIABLE, serde_json::to_string(terms).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .unwrap();
        let (orders, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut server = Server {
            registry: String::new(),
            ballot: String::new(),
            now: terms.now,
            child,
            orders,
            answers,
            output: Vec::new(),
            errors: errors.to_owned(),
        };
        let addresses = server.answer().unwrap_or_else(|| panic!("no start: {}", server.errors()));
        let addresses: Addresses = serde_json::from_str(&addresses).unwrap();
        Server { registry: addresses.registry, ballot: addresses.ballot, ..server }
    }

    /// What the process wrote to standard error.
    pub fn errors(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap()
    }

    /// Moves the clock of both services; never back.
    pub fn go_to(&mut self, at: DateTime<Utc>) {
        let ahead = at - self.now;
        if ahead > TimeDelta::zero() {
            self.order(&Order::Advance(ahead.num_milliseconds())).expect("the clock moves");
            self.now = at;
        }
    }

    /// Rewrites the box's tables; false where the process died of it.
    pub fn compact(&mut self) -> bool {
        self.order(&Order::Compact).is_some()
    }

    /// Makes the process die, or panic, at a place.
    pub fn arm(&mut self, place: &str, blow: Blow) {
        self.order(&Order::Arm(place.to_owned(), blow)).expect("the place is armed");
    }

    /// Stops both services in good order; what they wrote.
    pub fn stop(mut self) -> Vec<u8> {
        self.order(&Order::Stop).expect("the services stop");
        self.rest()
    }

    /// Kills the process, if it lives; what it wrote.
    pub fn kill(mut self) -> Vec<u8> {
        // It may be dead already, which is as good.
        let _ = self.child.kill();
        self.rest()
    }

    /// Kills the process by itself after so many milliseconds.
    pub fn killer(&self, millis: u64) -> std::thread::JoinHandle<()> {
        let pid = self.child.id().cast_signed();
        std::thread::spawn(move || {
            let until = std::time::Instant::now() + std::time::Duration::from_millis(millis);
            while std::time::Instant::now() < until {
                std::thread::yield_now();
            }
            // It may be dead already, which is as good.
            let _ = rustix::process::kill_process(
                rustix::process::Pid::from_raw(pid).unwrap(),
                rustix::process::Signal::KILL,
            );
        })
    }

    fn rest(mut self) -> Vec<u8> {
        self.answers.read_to_end(&mut self.output).unwrap();
        self.child.wait().unwrap();
        self.output.extend(std::fs::read(&self.errors).unwrap());
        self.output
    }

    fn order(&mut self, order: &Order) -> Option<String> {
        // A process that died takes no orders; the missing answer tells.
        let _ = writeln!(self.orders, "{}", serde_json::to_string(order).unwrap());
        self.answer()
    }

    fn answer(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.answers.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            match line.strip_prefix(ANSWER) {
                Some(answer) => return Some(answer.trim_end().to_owned()),
                None => self.output.extend(line.as_bytes()),
            }
        }
    }
}

/// The child's part; where nobody asks for a server there is nothing to do.
#[test]
fn serves_its_parent() {
    #[allow(clippy::disallowed_methods, reason = "the tests' own variable, which the product never reads")]
    let Ok(terms) = std::env::var(VARIABLE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(serve(serde_json::from_str(&terms).unwrap()));
}

async fn serve(terms: Terms) {
    let filter: tracing_subscriber::EnvFilter = FILTER.parse().unwrap();
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    let (config, clock) = (config(&terms), Clock::fixed(terms.now));
    leaks::choose(terms.leak, clock.clone(), config.database.clone());
    let keys = KeySource::Dealt(Arc::new(Mutex::new(key_pool::deal(terms.keys))));
    // The registry comes first: one of the leaks writes into its tables.
    let registry = serve_registry(&config, clock.clone(), keys).await.unwrap();
    let ballot = serve_ballot(&config, clock.clone(), Occasion::Rehearsal).await.unwrap();
    app::install_panic_hook();
    if terms.is_new {
        app::add_account(&registry.registry, &config, NewStaff::administrator(PASSWORD), clock.now()).await.unwrap();
    }
    let addresses = Addresses {
        registry: format!("http://{}", registry.address),
        ballot: format!("http://localhost:{}", ballot.address.port()),
    };
    answer(&serde_json::to_string(&addresses).unwrap());
    obey(&clock, registry, ballot).await;
}

async fn obey(clock: &Clock, registry: RunningRegistry, ballot: RunningBallot) {
    loop {
        let line = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).map(|_| line)
        });
        let line = line.await.unwrap().unwrap();
        // A parent that is gone gives no orders, and the child goes with it.
        let Ok(order) = serde_json::from_str(&line) else { return };
        match order {
            Order::Advance(millis) => clock.advance(TimeDelta::milliseconds(millis)),
            Order::Compact => ballot.compact_now().await.unwrap(),
            Order::Arm(place, blow) => leaks::arm(&place, blow),
            Order::Stop => {
                ballot.stop().await;
                registry.stop().await;
                answer("");
                return;
            }
        }
        answer("");
    }
}

fn answer(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{ANSWER}{text}").unwrap();
    out.flush().unwrap();
}

fn config(terms: &Terms) -> Config {
    let mut key = [0; 32];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&terms.column_key[2 * at..2 * at + 2], 16).unwrap();
    }
    Config {
        database: Location::parse(&terms.registry).unwrap(),
        ballot_database: Location::parse(&terms.ballot).unwrap(),
        bind: "127.0.0.1:0".parse().unwrap(),
        ballot_bind: "127.0.0.1:0".parse().unwrap(),
        public_url: "http://registry.test".to_owned(),
        ballot_public_url: "http://box.test".to_owned(),
        column_key: Some(Secret(Zeroizing::new(key))),
        box_key: None,
        publication_dir: terms.folder.join("public"),
        export_dir: terms.folder.join("exports"),
        key_dir: terms.folder.join("keys"),
        audit_dir: terms.folder.join("audit"),
        // The cost of real passwords would be the cost of the run.
        argon2_memory_kib: 64,
        argon2_passes: 2,
        token_ttl_seconds: 600,
        pool_size: 2,
        log: "off".to_owned(),
        language: Language::En,
        docs: Docs::Public,
        mail: None,
        trusted_proxies: Vec::new(),
        webhook_origins: Origins::default(),
    }
}
