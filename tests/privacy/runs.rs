//! One run from start to judgement, and how large runs are. What a newcomer would get wrong: the whole and the fast
//! subset are the same code; a variable of the tests settles how much of it.

use std::path::PathBuf;
use std::time::Instant;

use ejf::ballot::leaks::Leak;
use serde::Serialize;

use crate::evidence::{raw_files, tables_of_box, tables_of_registry};
use crate::measured::{Measured, measure};
use crate::population::{Manner, submit_all};
use crate::proxy::{Front, Proxy};
use crate::stage::{Cycle, Engine, Size, Stores, prepare};

/// The fast subset, and every control: what leaks is seen in a small population as well.
pub const SMALL: Size = Size { subjects: 12, others: 18 };
/// Sixty judges with a panel of fourteen each; with five cycles 4,200 reviews.
const WHOLE: Size = Size { subjects: 60, others: 60 };

/// How much is run.
#[derive(Debug, Clone)]
pub struct Scale {
    /// Of the clean populations.
    pub size: Size,
    pub cycles: usize,
    /// Where measurements are kept; none in the fast subset.
    pub folder: Option<PathBuf>,
}

impl Scale {
    /// The fast subset, unless `EJF_PRIVACY_FOLDER` says where the measurements of the whole are to be kept.
    pub fn of_this_run() -> Scale {
        match variable("EJF_PRIVACY_FOLDER") {
            Some(folder) => Scale { size: WHOLE, cycles: 5, folder: Some(folder.into()) },
            None => Scale { size: SMALL, cycles: 1, folder: None },
        }
    }

    pub fn is_whole(&self) -> bool {
        self.folder.is_some()
    }

    /// Keeps a measurement, where any are kept.
    pub fn keep_as<T: Serialize>(&self, kind: &str, name: &str, measurement: &T) {
        let Some(folder) = &self.folder else { return };
        std::fs::create_dir_all(folder).unwrap();
        let name = format!("{kind} {name}.json").to_lowercase().replace([' ', '/'], "-");
        std::fs::write(folder.join(name), serde_json::to_vec_pretty(measurement).unwrap()).unwrap();
    }
}

/// The engines at hand: SQLite, unless `EJF_PRIVACY_REGISTRY` and `EJF_PRIVACY_BOX` name a PostgreSQL server for each store.
pub fn engines() -> Vec<Engine> {
    match (variable("EJF_PRIVACY_REGISTRY"), variable("EJF_PRIVACY_BOX"), variable("EJF_PRIVACY_BOX_FOLDER")) {
        (Some(registry), Some(ballot), Some(data)) => {
            vec![Engine::Postgres { registry, ballot, data: data.into() }]
        }
        _ => vec![Engine::Sqlite],
    }
}

#[allow(clippy::disallowed_methods, reason = "the tests' own variables, which the product never reads")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A server that holds both stores and archives its write-ahead log, where one is at hand.
pub fn shared_cluster() -> Option<Engine> {
    let (server, data) = (variable("EJF_PRIVACY_SHARED")?, variable("EJF_PRIVACY_SHARED_FOLDER")?);
    Some(Engine::Postgres { registry: server.clone(), ballot: server, data: data.into() })
}

/// A cycle that is ready for submission, kept so that several runs can begin with it.
pub struct Prepared {
    pub stores: Stores,
    pub cycle: Cycle,
}

/// Prepares a cycle on SQLite.
pub async fn prepared(size: Size) -> Prepared {
    let stores = Stores::create(&Engine::Sqlite, size.subjects, None);
    let mut server = stores.start();
    let cycle = prepare(&mut server, size).await;
    server.stop();
    Prepared { stores, cycle }
}

/// A run on SQLite from a prepared cycle.
pub async fn run_from(
    prepared: &Prepared,
    manner: Manner,
    leak: Option<Leak>,
    front: Option<&Front>,
    seed: u64,
) -> Measured {
    let stores = prepared.stores.copy(prepared.cycle.now, leak);
    let server = stores.start();
    run(&Engine::Sqlite, &stores, &prepared.cycle, server, manner, front, seed).await
}

/// A run from the start, for an engine whose stores have no copy.
pub async fn run_whole(
    engine: &Engine,
    size: Size,
    manner: Manner,
    leak: Option<Leak>,
    front: Option<&Front>,
    seed: u64,
) -> Measured {
    let stores = Stores::create(engine, size.subjects, leak);
    let mut server = stores.start();
    let cycle = prepare(&mut server, size).await;
    run(engine, &stores, &cycle, server, manner, front, seed).await
}

async fn run(
    engine: &Engine,
    stores: &Stores,
    cycle: &Cycle,
    mut server: crate::server::Server,
    manner: Manner,
    front: Option<&Front>,
    seed: u64,
) -> Measured {
    let started = Instant::now();
    let proxy = front.map(|front| Proxy::start(front, &server.ballot));
    if let Some(proxy) = &proxy {
        server.ballot.clone_from(&proxy.base);
    }
    let (truth, mut evidence) = submit_all(engine, stores, cycle, &mut server, manner, seed).await;
    evidence.output = server.stop();
    evidence.of_box = tables_of_box(engine, stores);
    evidence.of_registry = tables_of_registry(engine, stores);
    evidence.files = raw_files(engine, stores);
    if let Some(proxy) = proxy {
        let (files, passed) = proxy.stop();
        evidence.files.extend(files);
        evidence.at_proxy = passed;
    }
    let mut measured = measure(cycle, &truth, evidence, seed);
    measured.engine = engine.name().to_owned();
    measured.seconds = started.elapsed().as_secs_f64();
    measured
}
