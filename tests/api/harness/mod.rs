//! A running service for one test, with a clock that the test moves, and the people who use it.

pub mod ballot_round;
mod box_client;
mod client;
mod db;
pub mod key_pool;
pub mod people;
pub mod plans;
pub mod reading;
pub mod rounds;
pub mod seeded;

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use ejf::app::{Occasion, RunningBallot, RunningRegistry, open_audit_log, open_registry, serve_ballot, serve_registry};
use ejf::audit_log::AuditLog;
use ejf::auth::clients::{self, NewClient};
use ejf::auth::password::Passwords;
use ejf::clock::Clock;
use ejf::config::origins::Origins;
use ejf::config::{Config, Docs, Secret};
use ejf::credential::blind_rsa::IssuerKey;
use ejf::credential::key_source::KeySource;
use ejf::db::Conn;
use ejf::domain::caller::Scope;
use ejf::domain::ids::{self, AccountId, JudgeId};
use ejf::domain::policy::StaffRole;
use ejf::error::Result;
use ejf::publication::Folder;
use ejf::store;
use ejf::store::accounts::Account;
use ejf::texts::Language;
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub use box_client::{BoxClient, complaint};
pub use client::{Answer, Client};
pub use db::TestDb;
pub use people::{Judge, Member, invented_iin};

/// The password of every account of a test.
pub const PASSWORD: &str = "seven quiet rivers under snow";

/// The instant at which every test begins: Monday 11 January 2027, 09:00 in Almaty.
pub fn beginning() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2027-01-11T04:00:00Z").unwrap().to_utc()
}

/// Lets a test that fails print what the service warned of meanwhile; an answer says "internal" and no more.
fn tell_warnings() {
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_ansi(false).with_test_writer();
    // Whichever test comes first has set it for all.
    let _ = log.try_init();
}

/// One running service of both halves; it and its databases vanish with the value.
pub struct App {
    pub clock: Clock,
    pub base: String,
    pub box_base: String,
    config: Config,
    ballot: Option<RunningBallot>,
    document: Arc<Value>,
    running: RunningRegistry,
    passwords: Passwords,
    secretary: tokio::sync::OnceCell<people::LogIn>,
    // Dropped last: the service still holds connections to it while it stops.
    #[allow(dead_code, reason = "held for its end, which removes the databases")]
    pub db: TestDb,
}

impl App {
    pub async fn start() -> App {
        App::start_with(|_| {}).await
    }

    /// Starts with a changed configuration.
    pub async fn start_with(change: impl Fn(&mut Config)) -> App {
        App::start_dealing(0, change).await
    }

    /// Starts with so many issuer keys made before.
    pub async fn start_with_keys(count: usize) -> App {
        App::start_dealing(count, |_| {}).await
    }

    /// Starts with issuer keys that are made as they are needed, which takes its time.
    pub async fn start_generating_keys() -> App {
        let db = TestDb::create();
        let config = test_config(&db);
        App::serve(db, config, Clock::fixed(beginning()), KeySource::Generate).await
    }

    /// Starts with a store of keys that the test holds: while it is locked, key making stands still.
    pub async fn start_over_keys(keys: Arc<Mutex<Vec<IssuerKey>>>) -> App {
        let db = TestDb::create();
        let config = test_config(&db);
        App::serve(db, config, Clock::fixed(beginning()), KeySource::Dealt(keys)).await
    }

    /// Starts with so many issuer keys made before, and a changed configuration.
    pub async fn start_dealing(count: usize, change: impl Fn(&mut Config)) -> App {
        let db = TestDb::create();
        let mut config = test_config(&db);
        change(&mut config);
        App::serve(db, config, Clock::fixed(beginning()), dealt(count)).await
    }

    /// Stops both halves and starts them again over the same databases, with `count` keys made before.
    pub async fn restarted(mut self, count: usize) -> App {
        self.stop_box().await;
        let App { clock, running, db, config, .. } = self;
        running.stop().await;
        App::serve(db, config, clock, dealt(count)).await
    }

    /// The same, with a changed configuration.
    pub async fn restarted_with(mut self, change: impl Fn(&mut Config)) -> App {
        self.stop_box().await;
        let App { clock, running, db, mut config, .. } = self;
        running.stop().await;
        change(&mut config);
        App::serve(db, config, clock, dealt(0)).await
    }

    /// The same, with what a kill would have left written in between, while no worker is there to look at it.
    pub async fn restarted_over(
        mut self,
        count: usize,
        left: impl Fn(&mut Conn) -> Result<()> + Send + 'static,
    ) -> App {
        self.stop_box().await;
        let App { clock, running, db, config, .. } = self;
        running.stop().await;
        let registry = open_registry(&config, clock.now()).await.unwrap();
        registry.0.write(left).await.unwrap();
        registry.0.close();
        App::serve(db, config, clock, dealt(count)).await
    }

    async fn serve(db: TestDb, config: Config, clock: Clock, keys: KeySource) -> App {
        tell_warnings();
        let running = serve_registry(&config, clock.clone(), keys).await.unwrap();
        let ballot = serve_ballot(&config, clock.clone(), Occasion::Rehearsal).await.unwrap();
        let (base, box_base) = (format!("http://{}", running.address), format!("http://{}", ballot.address));
        let document = Arc::new(serde_json::to_value(ejf::app::document()).unwrap());
        let passwords = Passwords::new(64, 2).unwrap();
        let secretary = tokio::sync::OnceCell::new();
        App { clock, base, box_base, config, ballot: Some(ballot), document, running, passwords, secretary, db }
    }

    /// A caller of the ballot box, who is nobody.
    pub fn anonymous_box(&self) -> BoxClient {
        BoxClient::new(self.box_base.clone())
    }

    /// The running box, for what is not done through HTTP.
    pub fn ballot(&self) -> &RunningBallot {
        self.ballot.as_ref().expect("the box runs")
    }

    /// Stops the box and starts it again on the same database and folder, at another port.
    pub async fn restart_box(&mut self) {
        self.restart_box_for(Occasion::Rehearsal).await;
    }

    /// The same, for an occasion of its own.
    pub async fn restart_box_for(&mut self, occasion: Occasion) {
        self.stop_box().await;
        let ballot = serve_ballot(&self.config, self.clock.clone(), occasion).await.unwrap();
        self.box_base = format!("http://{}", ballot.address);
        self.ballot = Some(ballot);
    }

    /// Stops the box, so that its files lie still.
    pub async fn stop_box(&mut self) {
        if let Some(ballot) = self.ballot.take() {
            ballot.stop().await;
        }
    }

    /// Ends the box as `ejf serve` does where the registry has ended.
    pub async fn end_box_with_the_registry(&mut self) {
        if let Some(ballot) = self.ballot.take() {
            ballot.wait(std::future::ready(())).await.unwrap();
        }
    }

    /// The publication folder, in which tests of the box play the registry.
    pub fn publication(&self) -> Folder {
        Folder::new(&self.config.publication_dir)
    }

    /// Where that folder lies.
    pub fn publication_path(&self) -> std::path::PathBuf {
        self.config.publication_dir.clone()
    }

    /// The bytes of the box's SQLite file; none where the box lies in PostgreSQL.
    pub fn ballot_bytes(&self) -> Vec<u8> {
        match &self.config.ballot_database {
            ejf::db::Location::Sqlite(path) => std::fs::read(path).unwrap(),
            ejf::db::Location::Postgres(_) => Vec::new(),
        }
    }

    /// A caller without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(self.base.clone(), self.document.clone())
    }

    /// A caller with a token that nobody signed for us.
    pub fn forged(&self) -> Client {
        self.anonymous().with_token("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSIsImtpZCI6IngifQ.e30.AAAA")
    }

    /// A logged-in member of staff, with an account of their own.
    pub async fn staff(&self, role: StaffRole) -> Client {
        let login = format!("{}-{}", role.as_str().replace('_', "-"), ids::random().simple());
        let login = &login[..40.min(login.len())];
        self.db_add_account(login, Some(role), None).await;
        self.log_in(login).await
    }

    /// Logs in with the password of every test account.
    pub async fn log_in(&self, login: &str) -> Client {
        let answer =
            self.anonymous().post("/v1/sessions", json!({"login": login, "password": PASSWORD})).await.expect(201);
        self.anonymous().with_token(answer.body["access_token"].as_str().unwrap())
    }

    /// Adds an account past HTTP, as `ejf account add` does.
    pub async fn db_add_account(&self, login: &str, role: Option<StaffRole>, judge_id: Option<JudgeId>) -> AccountId {
        let now = self.clock.now();
        let account = Account {
            id: AccountId(ids::new_at(now)),
            login: login.to_owned(),
            password_hash: self.passwords.hash(Zeroizing::new(PASSWORD.to_owned())).await.unwrap(),
            staff_role: role,
            judge_id,
            is_closed: false,
            version: 1,
            created_at: now.naive_utc(),
            full_name: judge_id.is_none().then(|| name_of(login)),
        };
        let id = account.id;
        self.running.registry.0.write(move |conn| store::accounts::insert(conn, &account)).await.unwrap();
        id
    }

    /// Adds a machine client past HTTP, as `ejf client add` does; gives its id and secret.
    pub async fn db_add_client(&self, source_system: &str, scopes: &[Scope]) -> (String, String) {
        let new = NewClient {
            name: format!("The system {source_system}"),
            source_system: source_system.to_owned(),
            scopes: scopes.to_vec(),
        };
        let added = clients::add(self.registry(), new, None, self.clock.now()).await.unwrap();
        (added.0.id.to_string(), added.1.to_string())
    }

    /// A machine client with a token for all of its scopes.
    pub async fn machine(&self, source_system: &str, scopes: &[Scope]) -> Client {
        let (id, secret) = self.db_add_client(source_system, scopes).await;
        let granted = self.token_request(&id, &secret, "").await.expect(200);
        self.anonymous().with_token(granted.body["access_token"].as_str().unwrap())
    }

    /// Asks for a machine client's token, its secret in the form; `more` follows in the form.
    pub async fn token_request(&self, id: &str, secret: &str, more: &str) -> Answer {
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}{more}");
        self.anonymous().post_form("/oauth2/token", &form).await
    }

    /// The cipher of the registry's columns, for tests that hold its keys.
    pub fn cipher(&self) -> &ejf::cipher::Cipher {
        &self.running.cipher
    }

    /// The settings of both halves, for what a test opens beside them.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The registry's database, for what a test must see past HTTP.
    pub fn registry(&self) -> &ejf::db::Registry {
        &self.running.registry
    }

    /// The checkpoints of the audit log, as `ejf audit checkpoint` has them.
    pub fn audit_log(&self) -> AuditLog {
        open_audit_log(&self.config, self.cipher()).unwrap()
    }

    /// The folder of those checkpoints.
    pub fn audit_folder(&self) -> ejf::audit_log::Folder {
        ejf::audit_log::Folder::new(&self.config.audit_dir)
    }

    /// The acts in the audit log, in order.
    pub async fn db_acts(&self) -> Vec<String> {
        let entries = self.registry().0.read(|conn| store::audit::list(conn, None, None, 10_000)).await.unwrap();
        entries.into_iter().map(|entry| entry.act).collect()
    }
}

/// The name of whoever has an account that is no judge's.
fn name_of(login: &str) -> String {
    format!("Серікқызы {login}")
}

/// So many issuer keys made before.
fn dealt(count: usize) -> KeySource {
    KeySource::Dealt(Arc::new(Mutex::new(key_pool::deal(count))))
}

fn test_config(db: &TestDb) -> Config {
    Config {
        database: db.registry.clone(),
        ballot_database: db.ballot.clone(),
        bind: "127.0.0.1:0".parse().unwrap(),
        ballot_bind: "127.0.0.1:0".parse().unwrap(),
        public_url: "http://registry.test".to_owned(),
        ballot_public_url: "http://box.test".to_owned(),
        column_key: Some(Secret(Zeroizing::new([7; 32]))),
        box_key: None,
        publication_dir: db.folder().join("public"),
        audit_dir: db.folder().join("audit"),
        export_dir: db.folder().join("exports"),
        key_dir: db.folder().join("keys"),
        // The cost of real passwords would be the cost of the suite.
        argon2_memory_kib: 64,
        argon2_passes: 2,
        token_ttl_seconds: 600,
        pool_size: 2,
        log: "off".to_owned(),
        language: Language::En,
        docs: Docs::Public,
        mail: None,
        trusted_proxies: Vec::new(),
        webhook_origins: Origins::parse("https://hr.example.kz").unwrap(),
    }
}
