//! Wiring of the two services: the same function for `ejf serve`, the demo and the tests. A newcomer's usual mistake is
//! to add a route or middleware here: routes are listed in `api`, and nothing is wrapped around the ballot box.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{ResourceDef, ServerHandle};
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use chrono::{DateTime, Utc};
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::{OpenApi, RefOr};
use zeroize::Zeroizing;

use crate::api;
use crate::api::file_summary::KeptSummaries;
use crate::audit_log::{self, AuditLog};
use crate::auth::password::Passwords;
use crate::auth::{Auth, authenticate, grants};
use crate::booth::{Page, Places, Side};
use crate::cipher::Cipher;
use crate::clock::Clock;
use crate::config::{Config, Docs, Secret, key_from_hex};
use crate::credential::key_source::KeySource;
use crate::db::{Db, Location, Purpose, Registry, migrate};
use crate::domain::hex::hex;
use crate::domain::ids;
use crate::domain::ids::AccountId;
use crate::domain::indicators::Catalogue;
use crate::domain::policy::StaffRole;
use crate::durable::create;
use crate::error::{Code, Error, Result};
use crate::jobs::checkpoints::Keeper;
use crate::jobs::mail::Postman;
use crate::jobs::rounds::Rounds;
use crate::jobs::webhooks::Courier;
use crate::jobs::{Worker, Workshop};
use crate::problem::extract::{path_config, query_config};
use crate::problem::middleware::{DefaultLanguage, localise};
use crate::store;
use crate::store::accounts::Account;
use crate::workflow::jobs::Bell;

mod address_limit;
mod ballot_listener;
mod document;
mod request_id;
mod target;
mod throwaway;

use address_limit::AddressLimit;

pub use crate::ballot::{Check, Fault, Occasion, Unseen, forbid_core_dumps, install_panic_hook};
pub use ballot_listener::{
    Examination, RunningBallot, examine_deployment, examine_engine, open_ballot_box, serve_ballot,
};
pub use document::{document, document_text};
pub use throwaway::ThrowawayStores;

/// The file beside an SQLite registry that holds the column key.
const COLUMN_KEY: &str = "column.key";
/// Seconds in which a request's head must have arrived.
const HEAD_SECONDS: u64 = 5;
/// Seconds for which an idle connection is kept.
const KEEP_ALIVE_SECONDS: u64 = 15;

/// A running registry.
pub struct RunningRegistry {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its database, for what must bypass HTTP in tests and commands.
    pub registry: Arc<Registry>,
    /// Encryption of columns and cursors.
    pub cipher: Cipher,
    handle: ServerHandle,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
    worker: Worker,
    postman: Option<Rounds>,
    courier: Option<Rounds>,
    checkpoints: Keeper,
}

impl RunningRegistry {
    /// Runs until it is told to stop by a signal, or `end` is over.
    pub async fn wait(mut self, end: impl Future<Output = ()>) -> Result<()> {
        let ended = run_until(&mut self.task, &self.handle, end).await;
        self.close().await;
        ended
    }

    /// Lets requests under way end, then stops.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        self.close().await;
    }

    async fn close(self) {
        self.worker.stop().await;
        for rounds in [self.postman, self.courier].into_iter().flatten() {
            rounds.stop().await;
        }
        self.registry.0.close();
        self.checkpoints.stop().await;
    }
}

/// Waits for a listener's end; `end` brings it about, after the requests under way.
async fn run_until(
    task: &mut tokio::task::JoinHandle<std::io::Result<()>>,
    handle: &ServerHandle,
    end: impl Future<Output = ()>,
) -> Result<()> {
    tokio::select! {
        ended = &mut *task => return ended.map_err(Error::internal)?.map_err(Error::internal),
        () = end => {}
    }
    handle.stop(true).await;
    task.await.map_err(Error::internal)?.map_err(Error::internal)
}

/// The column key: configured, or, beside an SQLite registry, read from `column.key`, which was made with the registry.
pub fn column_key(config: &Config) -> Result<Secret> {
    if let Some(key) = &config.column_key {
        return Ok(key.clone());
    }
    let Location::Sqlite(database) = &config.database else {
        return Err(Error::internal("EJF_COLUMN_KEY is required with PostgreSQL"));
    };
    let file = folder_of(database).join(COLUMN_KEY);
    let text = std::fs::read_to_string(&file).map_err(|error| {
        Error::internal(format!("the column key of the registry cannot be read: {}: {error}", file.display()))
    })?;
    let text = Zeroizing::new(text);
    key_from_hex(text.trim())
        .ok_or_else(|| Error::internal(format!("{} holds no key of 64 hex digits", file.display())))
}

/// The folder of the registry's file, where its key lies beside it.
fn folder_of(database: &Path) -> &Path {
    database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes [`COLUMN_KEY`] where the registry is about to be made and nothing else holds its key. Beside a registry that is
/// there none is ever made: what it holds would not open under another.
fn make_first_key(config: &Config) -> Result<()> {
    let (None, Location::Sqlite(database)) = (&config.column_key, &config.database) else { return Ok(()) };
    let folder = folder_of(database);
    if database.exists() || folder.join(COLUMN_KEY).exists() {
        return Ok(());
    }
    let mut bytes = Zeroizing::new([0u8; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(Error::internal)?;
    let text = Zeroizing::new(hex(bytes.as_slice()));
    create(folder, COLUMN_KEY, text.as_bytes(), 0o600)
}

/// Opens the registry's database, made with its column key where there is none, applies what migrations are pending, puts
/// in what the standard catalogue of indicators has more, and refuses a database that a newer program was at.
pub async fn open_registry(config: &Config, now: DateTime<Utc>) -> Result<Registry> {
    make_first_key(config)?;
    let registry = Db::open_registry(&config.database, config.pool_size)?;
    registry
        .0
        .maintain(|conn, _| {
            let schema = crate::db::pending_migrations(conn, Purpose::Registry)?;
            if !schema.unknown.is_empty() {
                let unknown = schema.unknown.join(", ");
                return Err(Error::internal(format!("the registry was migrated by a newer program: {unknown}")));
            }
            migrate(conn, Purpose::Registry)
        })
        .await?;
    let catalogue = Catalogue::standard()?;
    registry.0.write(move |conn| store::indicators::seed(conn, catalogue, now)).await?;
    Ok(registry)
}

/// A first member of staff, whose account is made on the server itself.
pub struct NewStaff<'a> {
    /// The name to log in with.
    pub login: &'a str,
    /// The role.
    pub role: StaffRole,
    /// Whose account it is.
    pub full_name: Option<&'a str>,
    /// The password, whose strength the caller has checked.
    pub password: &'a str,
}

impl<'a> NewStaff<'a> {
    /// The administrator that a rehearsal begins with: without a name, as administrators read no file of which a judge is told.
    pub fn administrator(password: &'a str) -> NewStaff<'a> {
        NewStaff { login: "administrator", role: StaffRole::Administrator, full_name: None, password }
    }
}

/// Adds an account past HTTP: without a first administrator nobody could add any.
///
/// # Errors
/// 409 `already_exists` where the login is taken.
pub async fn add_account(registry: &Registry, config: &Config, new: NewStaff<'_>, now: DateTime<Utc>) -> Result<()> {
    let passwords = Passwords::new(config.argon2_memory_kib, config.argon2_passes)?;
    let account = Account {
        id: AccountId(ids::new_at(now)),
        login: new.login.to_owned(),
        password_hash: passwords.hash(Zeroizing::new(new.password.to_owned())).await?,
        staff_role: Some(new.role),
        judge_id: None,
        is_closed: false,
        version: 1,
        created_at: now.naive_utc(),
        full_name: new.full_name.map(str::to_owned),
    };
    registry
        .0
        .write(move |conn| {
            store::accounts::insert(conn, &account)?;
            let entry = store::audit::NewEntry::new(None, "create_account", "account", account.id);
            store::audit::record(conn, entry.of_digest(grants::of_account(&account)?), now)
        })
        .await?;
    Ok(())
}

/// The checkpoints of the audit log with their key, which is made where there is none; its name begins with the
/// registry's public host, and stays when that changes.
pub fn open_audit_log(config: &Config, cipher: &Cipher) -> Result<AuditLog> {
    let url = config.public_url.as_str();
    let host = url.split_once("://").map_or(url, |(_, host)| host);
    AuditLog::open(audit_log::Folder::new(&config.audit_dir), cipher, &format!("{host}/audit"))
}

/// Starts the registry's listener and its worker, whose issuer keys come from `key_source`.
pub async fn serve_registry(config: &Config, clock: Clock, key_source: KeySource) -> Result<RunningRegistry> {
    let registry = Arc::new(open_registry(config, clock.now()).await?);
    let cipher = Cipher::new(*column_key(config)?.0);
    let auth = web::Data::new(Auth::open(&registry, cipher.clone(), config, clock.now()).await?);
    let audit_log = open_audit_log(config, &cipher)?;
    let listener = TcpListener::bind(config.bind).map_err(Error::internal)?;
    let address = listener.local_addr().map_err(Error::internal)?;

    let bell = Arc::new(Bell::default());
    let workshop =
        Workshop::new(config, registry.clone(), cipher.clone(), clock.clone(), bell.clone(), key_source, api::list_at);
    let postman = Postman::new(config, registry.clone(), cipher.clone(), clock.clone())?;
    let courier = Courier::new(config, registry.clone(), cipher.clone(), clock.clone())?;
    let shared_bell = web::Data::from(bell);
    let shared_registry = web::Data::from(registry.clone());
    let shared_cipher = web::Data::new(cipher.clone());
    let shared_clock = web::Data::new(clock);
    let shared_config = web::Data::new(config.clone());
    let page = web::Data::new(Page::new(Side::Registry, Places::of(config))?);
    let kept_summaries = web::Data::new(KeptSummaries::default());
    let routes = document::registry_document();
    let paths = web::Data::new(Paths::of(&routes));
    let language = DefaultLanguage(config.language);
    let address_limit = web::Data::new(AddressLimit::new(&config.trusted_proxies));
    let docs = match config.docs {
        Docs::Off => None,
        Docs::SignedIn | Docs::Public => Some(document::Reader::of(routes)?),
    };
    let server = HttpServer::new(move || {
        let app = App::new()
            .app_data(auth.clone())
            .app_data(shared_registry.clone())
            .app_data(shared_bell.clone())
            .app_data(shared_cipher.clone())
            .app_data(shared_clock.clone())
            .app_data(shared_config.clone())
            .app_data(kept_summaries.clone())
            .app_data(page.clone())
            .app_data(paths.clone())
            .app_data(address_limit.clone())
            .app_data(language)
            .app_data(path_config())
            .app_data(query_config())
            .configure(api::public_routes)
            .service(
                web::scope("/v1")
                    .wrap(from_fn(authenticate))
                    .configure(api::routes)
                    .default_service(web::to(not_served)),
            );
        let app = match &docs {
            None => app,
            Some(reader) => app.configure(|cfg| reader.serve(cfg)),
        };
        app.default_service(web::to(not_served))
            .wrap(from_fn(address_limit::admit))
            .wrap(from_fn(target::settle))
            .wrap(from_fn(localise))
            .wrap(from_fn(request_id::identify))
            .wrap(security_headers())
    })
    .client_request_timeout(Duration::from_secs(HEAD_SECONDS))
    .keep_alive(Duration::from_secs(KEEP_ALIVE_SECONDS))
    .shutdown_timeout(10)
    .listen(listener)
    .map_err(Error::internal)?
    .run();
    let handle = server.handle();
    let worker = workshop.open();
    let (postman, courier) = (postman.map(Postman::open), courier.map(Courier::open));
    let task = tokio::spawn(server);
    let checkpoints = Keeper::open(audit_log, registry.clone()).await;
    Ok(RunningRegistry { address, registry, cipher, handle, task, worker, postman, courier, checkpoints })
}

/// What every answer says to browsers, where the handler says nothing else.
const SECURITY_HEADERS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cross-origin-resource-policy", "same-origin"),
    ("strict-transport-security", "max-age=31536000"),
];

fn security_headers() -> DefaultHeaders {
    SECURITY_HEADERS.into_iter().fold(DefaultHeaders::new(), DefaultHeaders::add)
}

/// The document's paths with their methods: what tells an unknown path from a wrong method, and whether a query is read.
struct Paths(Vec<(ResourceDef, Vec<Served>)>);

/// One method of a path.
struct Served {
    method: &'static str,
    reads_query: bool,
}

impl Paths {
    fn of(document: &OpenApi) -> Paths {
        let entries = document.paths.paths.iter().map(|(path, item)| {
            let methods = [
                ("GET", &item.get),
                ("HEAD", &item.get),
                ("POST", &item.post),
                ("PUT", &item.put),
                ("PATCH", &item.patch),
                ("DELETE", &item.delete),
            ];
            let served = methods.into_iter().filter_map(|(method, operation)| {
                let mut parameters = operation.as_ref()?.parameters.iter().flatten();
                let reads_query = parameters.any(|parameter| match parameter {
                    RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
                    RefOr::Ref(_) => true,
                });
                Some(Served { method, reads_query })
            });
            (ResourceDef::new(path.as_str()), served.collect())
        });
        Paths(entries.collect())
    }

    fn allowed(&self, path: &str) -> Option<String> {
        let (_, served) = self.0.iter().find(|(resource, _)| resource.is_match(path))?;
        let methods: Vec<&str> = served.iter().map(|served| served.method).collect();
        Some(methods.join(", "))
    }

    /// Whether a request goes to an operation that has no query parameter at all. (Those that have some refuse the
    /// others by themselves.)
    fn ignores_query(&self, method: &str, path: &str) -> bool {
        let mut matching = self.0.iter().filter(|(resource, _)| resource.is_match(path));
        let served = matching.find_map(|(_, served)| served.iter().find(|served| served.method == method));
        served.is_some_and(|served| !served.reads_query)
    }
}

/// 405 with `Allow` where the path exists with other methods, else 404.
async fn not_served(request: HttpRequest, paths: web::Data<Paths>) -> HttpResponse {
    let Some(allowed) = paths.allowed(request.path()) else {
        return HttpResponse::from_error(Error::from(Code::NotFound));
    };
    let mut response = HttpResponse::from_error(Error::from(Code::MethodNotAllowed));
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}
