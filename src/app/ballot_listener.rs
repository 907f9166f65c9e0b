//! The ballot box's own listener: nothing of the registry's is here, and nothing is wrapped around it.
//!
//! What a newcomer would get wrong: a middleware for all, a log line, a kept-alive connection. Each is a clock beside
//! the box, and with two clocks reviews get names.

use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::KeepAlive;
use actix_web::{App, HttpServer, web};
use tokio::task::JoinSet;
use tracing::subscriber::NoSubscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use utoipa_actix_web::AppExt;

use super::HEAD_SECONDS;
use crate::ballot::{self, Ballot, Occasion};
use crate::booth::{Page, Places, Side};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{BallotBox, Db, Location, Purpose, migrate, pending_migrations};
use crate::error::{Error, Result};
use crate::publication::Folder;

/// Connections that may be open at once, and with it the bodies that may be on their way; each is given up after a few
/// seconds. It leaves some of the 1024 files that a process may commonly have open.
const CONNECTIONS_MAX: usize = 768;

/// A running ballot box.
pub struct RunningBallot {
    /// Where it listens.
    pub address: SocketAddr,
    ballot: Arc<Ballot>,
    house: JoinSet<()>,
    handle: ServerHandle,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl RunningBallot {
    /// Runs until it is told to stop by a signal, or `end` is over. It ends as well where its upkeep has ended: nobody
    /// would put the reviews in order.
    pub async fn wait(mut self, end: impl Future<Output = ()>) -> Result<()> {
        let mut upkeep = Ok(());
        let end = async {
            tokio::select! {
                () = end => {}
                _ = self.house.join_next() => upkeep = Err(Error::internal("the box's upkeep has ended")),
            }
        };
        let ended = super::run_until(&mut self.task, &self.handle, end).await;
        self.house.abort_all();
        // A review of the last minute must not stay in the order of its arrival while nothing runs.
        let closed = self.ballot.close().await;
        ended.and(upkeep).and(closed)
    }

    /// Lets submissions under way end, then stops.
    pub async fn stop(mut self) {
        self.handle.stop(true).await;
        self.house.abort_all();
        // What could not be rewritten now is rewritten at the next start.
        let _ = self.ballot.close().await;
    }

    /// Rewrites the tables in the order of their keys, without waiting for the next turn.
    pub async fn compact_now(&self) -> Result<()> {
        self.ballot.turn().await
    }

    /// The settings of the engine that would keep what the box must forget; a real window may open only without any.
    pub async fn faults(&self) -> Result<Vec<ballot::Fault>> {
        self.ballot.faults().await
    }
}

/// Opens the ballot box, applies what migrations are pending, and refuses one that a newer program was at.
pub async fn open_ballot_box(config: &Config) -> Result<BallotBox> {
    let ballot_box = Db::open_ballot_box(&config.ballot_database)?;
    ballot_box
        .0
        .maintain(|conn, _| {
            let schema = pending_migrations(conn, Purpose::BallotBox)?;
            if !schema.unknown.is_empty() {
                let unknown = schema.unknown.join(", ");
                return Err(Error::internal(format!("the ballot box was migrated by a newer program: {unknown}")));
            }
            migrate(conn, Purpose::BallotBox)
        })
        .await?;
    Ok(ballot_box)
}

/// What is wrong with the engine, by the connection that serves will write with; a real window may open only without any.
pub async fn examine_engine(config: &Config) -> Result<Vec<ballot::Fault>> {
    ballot::doctor(&open_ballot_box(config).await?).await
}

/// What an examination of the whole deployment found.
#[derive(Debug)]
pub struct Examination {
    /// What would keep what the box must forget.
    pub faults: Vec<ballot::Fault>,
    /// What could not be looked at.
    pub unseen: Vec<ballot::Unseen>,
}

/// Examines engine, files, machine, settings and, where its text is given, the proxy's configuration. Beside a running
/// box or not: no lock is taken and no file made.
pub fn examine_deployment(config: &Config, proxy: Option<&str>) -> Result<Examination> {
    let (mut faults, mut unseen) = (Vec::new(), ballot::doctor_blind_spots(proxy.is_some()));
    let engine = Db::examine(&config.ballot_database, Purpose::BallotBox, ballot::examine_engine)?;
    let (of_engine, of_engine_unseen) = engine.unwrap_or_else(|| (Vec::new(), vec![ballot::Unseen::Database]));
    faults.extend(of_engine);
    unseen.extend(of_engine_unseen);
    match &config.ballot_database {
        Location::Sqlite(path) => {
            let registry = match &config.database {
                Location::Sqlite(registry) => Some(registry.as_path()),
                Location::Postgres(_) => None,
            };
            faults.extend(ballot::examine_files(path, registry)?);
        }
        Location::Postgres(_) => unseen.push(ballot::Unseen::DatabaseServer),
    }
    faults.extend(ballot::examine_machine()?);
    faults.extend(ballot::examine_addresses(&config.public_url, &config.ballot_public_url));
    let filter = config.log.parse::<EnvFilter>().map_err(Error::internal)?;
    if filter.max_level_hint().is_none_or(|level| level > LevelFilter::INFO) {
        let name = "EJF_LOG".to_owned();
        let (found, wanted) = (config.log.clone(), "info".to_owned());
        faults.push(ballot::Fault { check: ballot::Check::LogLevel, name, found, wanted });
    }
    if let Some(text) = proxy {
        let (of_proxy, of_proxy_unseen) = ballot::examine_proxy(text, &config.ballot_public_url);
        faults.extend(of_proxy);
        unseen.extend(of_proxy_unseen);
    }
    unseen.sort_unstable();
    unseen.dedup();
    Ok(Examination { faults, unseen })
}

/// Starts the ballot box's listener. Where reviews are real, nothing is taken on an engine that keeps an order or a time.
pub async fn serve_ballot(config: &Config, clock: Clock, occasion: Occasion) -> Result<RunningBallot> {
    // The port comes first: a process that cannot serve has no business to rewrite the tables.
    let listener = TcpListener::bind(config.ballot_bind).map_err(Error::internal)?;
    let address = listener.local_addr().map_err(Error::internal)?;
    let db = Arc::new(open_ballot_box(config).await?);
    let folder = Folder::new(&config.publication_dir);
    let ballot = Arc::new(Ballot::open(db, folder, log_name(config), clock, occasion).await?);

    let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let shared = web::Data::from(ballot.clone());
    let page = web::Data::new(Page::new(Side::Box, Places::of(config))?);
    let server = HttpServer::new(move || {
        // Each worker thread begins here. Whatever the framework would trace of a connection goes nowhere, however the
        // log is set; the guard would restore the log when dropped, and the thread serves the box for its whole life.
        std::mem::forget(tracing::subscriber::set_default(NoSubscriber::default()));
        let (app, _) = App::new()
            .into_utoipa_app()
            .app_data(shared.clone())
            .app_data(page.clone())
            .configure(ballot::routes)
            .split_for_parts();
        app.default_service(web::to(ballot::not_served))
    })
    .workers(workers)
    .max_connections((CONNECTIONS_MAX / workers).max(1))
    .client_request_timeout(Duration::from_secs(HEAD_SECONDS))
    .keep_alive(KeepAlive::Disabled)
    .shutdown_timeout(10)
    .listen(listener)
    .map_err(Error::internal)?
    .run();
    let handle = server.handle();
    let house = ballot.keep();
    Ok(RunningBallot { address, ballot, house, handle, task: tokio::spawn(server) })
}

/// The name before cycle and round in the origins of the box's notes: its public host.
fn log_name(config: &Config) -> &str {
    let url = config.ballot_public_url.as_str();
    url.split_once("://").map_or(url, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::ThrowawayStores;

    #[tokio::test]
    async fn a_box_whose_upkeep_has_ended_ends_as_a_whole() {
        let stores = ThrowawayStores::create("upkeep", None).unwrap();
        let config = stores.config(&[]).unwrap();
        let mut running = serve_ballot(&config, Clock::System, Occasion::Rehearsal).await.unwrap();
        running.house.abort_all();

        let ended = running.wait(std::future::pending()).await;

        assert!(ended.unwrap_err().to_string().contains("upkeep"));
        // In order: the tables are closed, and another process may open them.
        drop(Db::open_ballot_box(&config.ballot_database).unwrap());
    }
}
