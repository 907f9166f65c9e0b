//! Clean populations pass and every deliberate leak is caught, by one judgement. What a newcomer would get wrong: a
//! control that is caught by nothing is not a weak control but a blind harness.

use std::path::Path;
use std::sync::{Arc, Mutex};

use ejf::ballot::leaks::Leak;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::analysis::linker::FULL_SIZE;
use crate::measured::{Measured, pooled_faults};
use crate::population::Manner;
use crate::runs::{Prepared, SMALL, Scale, engines, prepared, run_from, run_whole, shared_cluster};
use crate::stage::{Engine, Size};

const SEED: u64 = 2027;
/// Runs at the same time: a run's client and server take turns, so two keep two cores busy.
const AT_ONCE: usize = 2;

/// What leaks, under which number and name, and the test that has to find it: any other may fail by chance.
type Control = (&'static str, Leak, &'static str);

const ON_BOTH: &[Control] = &[
    ("1 created_at in milliseconds", Leak::CreatedAt, "L-4"),
    ("2 created_on by the day", Leak::CreatedOn, "L-4"),
    ("3 serial id", Leak::SerialId, "L-3"),
    ("4 UUIDv7", Leak::UuidV7, "L-4"),
    ("5 no compaction", Leak::NoCompaction, "L-3"),
    ("6 access log", Leak::AccessLog, "counters"),
    ("7 request counter", Leak::RequestCounter, "counters"),
    ("9 Authorization accepted", Leak::AuthorizationAccepted, "L-7"),
    ("10 shared database with a foreign key", Leak::SharedDatabase, "L-2"),
];
const ON_SQLITE: &[Control] = &[("8 nightly copies", Leak::NightlyCopies, "L-5")];
const ON_POSTGRES: &[Control] = &[("11 CLUSTER instead of a copy", Leak::Cluster, "L-3")];
/// Leaks by the way its server is run.
const ON_A_SHARED_CLUSTER: (&str, &str) = ("12 write-ahead log archived", "L-3");

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clean_populations_pass() {
    let scale = Scale::of_this_run();
    let (mut wrong, mut all) = (Vec::new(), Vec::new());
    for engine in engines() {
        for cycle in 1..=scale.cycles {
            let start = Start::on(&engine, scale.size).await;
            for manner in [Manner::Designed, Manner::Careless] {
                start.begin(format!("{} {cycle}", manner.name()), manner, None, SEED + cycle as u64);
            }
            for (run, measured) in start.ended().await {
                let measured = Measured { run, ..measured };
                let faults = tell(&scale, &measured);
                wrong.extend(faults.into_iter().map(|fault| format!("{} {cycle}: {fault}", engine.name())));
                all.push(measured);
            }
        }
        for manner in [Manner::Designed, Manner::Careless] {
            let is_of = |run: &&Measured| run.engine == engine.name() && run.run.starts_with(manner.name());
            let runs: Vec<&Measured> = all.iter().filter(is_of).collect();
            let reviews: u64 = runs.iter().map(|run| run.reviews).sum();
            assert!(!scale.is_whole() || reviews >= FULL_SIZE, "{reviews} reviews are no population of full size");
            let faults = pooled_faults(&runs);
            wrong.extend(faults.into_iter().map(|fault| format!("{} {}: {fault}", engine.name(), manner.name())));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_deliberate_leak_is_caught() {
    let scale = Scale::of_this_run();
    let mut missed = Vec::new();
    for engine in engines() {
        let own = if matches!(engine, Engine::Sqlite) { ON_SQLITE } else { ON_POSTGRES };
        let start = Start::on(&engine, SMALL).await;
        let mut required = Vec::new();
        for (name, leak, test) in ON_BOTH.iter().chain(own) {
            start.begin(format!("control {name}"), Manner::Careless, Some(*leak), SEED);
            required.push(*test);
        }
        let mut runs = start.ended().await;
        if let (Some(shared), Engine::Postgres { .. }) = (shared_cluster(), &engine) {
            let start = Start::on(&shared, SMALL).await;
            let (name, test) = ON_A_SHARED_CLUSTER;
            start.begin(format!("control {name}"), Manner::Careless, None, SEED);
            required.push(test);
            runs.extend(start.ended().await);
        }
        for ((run, measured), test) in runs.into_iter().zip(required) {
            let faults = tell(&scale, &Measured { run: run.clone(), is_control: true, ..measured });
            let is_found = faults.iter().any(|fault| fault.starts_with(test));
            missed.extend((!is_found).then(|| format!("{} {run}: not by {test}", engine.name())));
        }
    }
    assert!(missed.is_empty(), "not caught:\n{}", missed.join("\n"));
}

/// Keeps and tells what was measured of a run; its faults.
pub fn tell(scale: &Scale, measured: &Measured) -> Vec<String> {
    scale.keep_as("run", &format!("{} {}", measured.engine, measured.run), measured);
    let faults = measured.faults();
    let Measured { engine, run, reviews, seconds, is_control, .. } = measured;
    if !is_control && !faults.is_empty() {
        // Panels and keys differ from run to run, so what is not kept now is lost.
        let kept =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("privacy {engine} {run}.json").replace(' ', "-"));
        std::fs::write(&kept, serde_json::to_vec_pretty(measured).unwrap()).unwrap();
        eprintln!("all that was measured: {}", kept.display());
    }
    eprintln!("{engine} {run}, {reviews} reviews, {seconds:.0} s: {faults:?}");
    faults
}

/// Where several runs begin: on SQLite with one prepared cycle, of which each gets a copy.
struct Start {
    engine: Engine,
    size: Size,
    prepared: Option<Arc<Prepared>>,
    turns: Arc<Semaphore>,
    runs: Mutex<Vec<(String, JoinHandle<Measured>)>>,
}

impl Start {
    async fn on(engine: &Engine, size: Size) -> Start {
        let prepared = match engine {
            Engine::Sqlite => Some(Arc::new(prepared(size).await)),
            Engine::Postgres { .. } => None,
        };
        // Two boxes of one server would find one another's traces in its files.
        let turns = Arc::new(Semaphore::new(if prepared.is_some() { AT_ONCE } else { 1 }));
        Start { engine: engine.clone(), size, prepared, turns, runs: Mutex::default() }
    }

    fn begin(&self, name: String, manner: Manner, leak: Option<Leak>, seed: u64) {
        let (engine, size, prepared, turns) =
            (self.engine.clone(), self.size, self.prepared.clone(), self.turns.clone());
        let run = tokio::spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            match prepared {
                Some(prepared) => run_from(&prepared, manner, leak, None, seed).await,
                None => run_whole(&engine, size, manner, leak, None, seed).await,
            }
        });
        self.runs.lock().unwrap().push((name, run));
    }

    async fn ended(self) -> Vec<(String, Measured)> {
        let mut measured = Vec::new();
        for (name, run) in self.runs.into_inner().unwrap() {
            measured.push((name, run.await.unwrap()));
        }
        measured
    }
}
