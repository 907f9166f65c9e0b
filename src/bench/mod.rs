//! `ejf bench`: what the service does in a second beside what the machine could do, measured in one run.
//!
//! Both services run in this process, on fresh stores, as `ejf serve` runs them; a lean client in the same process drives
//! them over loopback, with kept connections, except to the ballot box, which closes each. For every operation a raw limit
//! follows each round of the service: the same client, the same rows through the same group commit, and nothing else
//! (see `limits`). The client's cost is in the figures of both sides, which draws ratios towards 1; for a log-in and for
//! the rows of a review the limit has no client at all, which draws them the other way.
//!
//! What a newcomer would get wrong: a figure of one run does not compare with one of another. Ratios do.

mod aggregation;
mod ballots;
mod files;
mod imports;
mod limits;
mod lists;
mod load;
mod log_ins;
mod records;
mod report;
mod scoring;
mod singles;
mod submissions;
mod wire;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::{
    NewStaff, Occasion, RunningBallot, RunningRegistry, ThrowawayStores, add_account, serve_ballot, serve_registry,
};
use crate::clock::Clock;
use crate::config::Config;
use crate::credential::encoding::{random, to_base64url};
use crate::credential::key_source::KeySource;
use crate::error::{Error, Result};
use crate::publication::Folder;

use ballots::Round;
use files::RawFiles;
use imports::Imports;
use limits::{Floor, FloorServer, ReviewRow, Samples};
use load::{Load, Order, Rounds};
use records::{Staff, Values};
pub use report::Report;
use report::{Comparison, Limit, Setting, Single};
use wire::{Extras, Line, request};

/// Requests of a round where no number is given.
pub const REQUESTS_DEFAULT: u32 = 4000;
/// Connections where no number is given: half of what the box takes at once.
pub const CONNECTIONS_DEFAULT: u16 = 32;
/// The most connections: the box refuses more submissions at once than this.
pub const CONNECTIONS_MAX: u16 = 64;

/// Rounds of each side.
const ROUNDS: usize = 3;

/// What a measurement is asked to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Requests of a round of the cheap operations; dear ones take a fraction of it.
    pub requests: u32,
    /// Connections at once, 1 to [`CONNECTIONS_MAX`].
    pub connections: u16,
    /// A PostgreSQL server for the stores; none for SQLite files.
    pub database_url: Option<String>,
    /// How much is prepared and repeated.
    pub extent: Extent,
}

/// How much is prepared and repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Enough for figures that mean something.
    Whole,
    /// Just enough to see that all of it runs.
    Quick,
}

/// How many of what.
struct Sizes {
    requests: usize,
    logins: usize,
    full_reads: usize,
    submissions: usize,
    connections: usize,
    /// Files, over which reads are spread: how often a file was read before is part of what its summary tells.
    judges: usize,
    /// Files that have the other sections, too, and are read as a whole.
    whole_files: usize,
    /// Reviews that are made at least, for the check of all.
    checked: usize,
    keys: usize,
    signatures: usize,
    scored: usize,
    imported: usize,
}

impl Sizes {
    fn of(options: &Options) -> Result<Sizes> {
        let requests = usize::try_from(options.requests).map_err(Error::internal)?.max(1);
        let connections = usize::from(options.connections.clamp(1, CONNECTIONS_MAX));
        let is_whole = options.extent == Extent::Whole;
        let either = |whole: usize, quick: usize| if is_whole { whole } else { quick };
        Ok(Sizes {
            requests,
            logins: (requests / 40).max(connections),
            full_reads: (requests / 4).max(1),
            submissions: (requests / 2).max(1),
            connections,
            judges: either(60, 2),
            whole_files: either(12, 1),
            checked: either(10_000, 0),
            keys: either(8, 1),
            signatures: either(300, 5),
            scored: either(120_000, 1200),
            imported: either(80_000, 600),
        })
    }
}

/// The limits' stores: the rows of reviews alone have one of their own, so that no table grows faster than the service's.
struct Floors {
    behind_handlers: Arc<Floor>,
    alone: Arc<Floor>,
}

impl Floors {
    async fn open(database_url: Option<&str>, samples: Samples, now: DateTime<Utc>) -> Result<Floors> {
        let samples = Arc::new(samples);
        let behind_handlers = Floor::open(database_url, samples.clone(), now).await?;
        Ok(Floors { behind_handlers, alone: Floor::open(database_url, samples, now).await? })
    }
}

/// The services under measurement, and who asks them.
struct Stage {
    registry: RunningRegistry,
    ballot_box: RunningBallot,
    config: Config,
    password: Arc<str>,
    // Dropped last: the stores go with it.
    stores: ThrowawayStores,
}

/// Measures everything; `tell` is told what is being done.
///
/// # Errors
/// Whatever a service refused or failed at; there is no figure without all answers being right.
pub async fn run(options: &Options, tell: impl Fn(&str)) -> Result<Report> {
    let sizes = Sizes::of(options)?;
    tell("starting both services");
    let stage = Stage::open(options).await?;
    let mut singles: Vec<Single> = stage.idle_memory().await?.into_iter().collect();

    tell("filling files");
    let now = Clock::System.now();
    let today = now.date_naive();
    let mut staff = Staff::at(stage.registry.address, &stage.password);
    let logins: Vec<String> = (0..sizes.connections).map(|number| format!("secretary-{number}")).collect();
    let administrator = staff.token("administrator").await?;
    staff.engage(&administrator, &logins).await?;
    let token = staff.token(logins.first().map_or("", String::as_str)).await?;
    let judges = staff.register(&token, sizes.judges, today).await?;
    let values_per_file = staff.fill(&token, &judges, today).await?;
    let whole_files = judges.get(..sizes.whole_files).unwrap_or(&judges);
    let records_per_whole_file = values_per_file + staff.fill_sections(&token, whole_files, today).await?;

    tell("making credentials and reviews");
    let folder = Folder::new(&stage.config.publication_dir);
    // One more for each connection, to warm up with, and one whose row is the pattern of the limit's.
    let count = (sizes.submissions * ROUNDS + sizes.connections + 1).max(sizes.checked);
    let (round, mut reviews) = aside(move || {
        let round = Round::publish(&folder, now)?;
        let reviews = round.reviews(count)?;
        Ok((round, reviews))
    })
    .await?;

    let file = |judge: &String, view: &str| {
        let path = format!("/v1/judges/{judge}/file?purpose=personnel&view={view}");
        request("GET", &path, Extras { token: Some(&token), ..Extras::default() })
    };
    let values = Values::of(judges.len(), today)?;
    let writes = writes(&values, &judges, &token, sizes.requests * ROUNDS + sizes.connections + 1, today)?;
    let first = judges.first().ok_or_else(|| Error::internal("nobody was registered"))?;
    let pattern = reviews.pop().ok_or_else(|| Error::internal("no review was made"))?;
    let samples = Samples {
        summary: body(&stage, &file(first, "summary"), 200).await?,
        full: body(&stage, &file(first, "full"), 200).await?,
        observation: {
            let last = writes.last().map_or(&[][..], Vec::as_slice);
            String::from_utf8(body(&stage, last, 201).await?).map_err(Error::internal)?
        },
        receipt: vec![b'0'; 1024],
        review: ReviewRow::of(&pattern)?,
        judge_count: judges.len(),
    };
    let raw_files = RawFiles::of(stage.registry.registry.clone(), whole_files.to_vec(), &samples.full)?;
    let floors = Floors::open(options.database_url.as_deref(), samples, now).await?;
    let server = FloorServer::start(&floors.behind_handlers, raw_files)?;

    tell("logging in");
    let mut comparisons = vec![log_ins::compare(&stage, &staff, &logins, &sizes).await?];
    let registry = |requests: Vec<Vec<u8>>, expected: u16| Load {
        address: stage.registry.address,
        requests: Arc::new(requests),
        expected,
        connections: sizes.connections,
    };
    let same_bytes = "a handler that answers the same bytes and writes one audit row";
    let same_rows = "a handler that loads the same rows, writes as many bytes of JSON and no audit row";
    for (operation, view, read, count, limits) in [
        ("file read, summary", "summary", &judges[..], sizes.requests, &[("/summary", same_bytes)][..]),
        ("file read, full", "full", whole_files, sizes.full_reads, &[("/rows", same_rows), ("/full", same_bytes)]),
    ] {
        tell(operation);
        let service = registry(read.iter().map(|judge| file(judge, view)).collect(), 200);
        let limits = limits.iter().map(|(path, what)| {
            let requests = Arc::new(vec![request("GET", path, Extras::default())]);
            (Load { address: server.address, requests, ..service.clone() }, *what)
        });
        comparisons.push(compare(operation, count, &service, limits.collect()).await?);
    }
    tell("file read, printed");
    let printed = whole_files.iter().map(|judge| {
        let path = format!("/v1/judges/{judge}/file/pdf?purpose=personnel");
        request("GET", &path, Extras { token: Some(&token), ..Extras::default() })
    });
    let printed = registry(printed.collect(), 200);
    let full = whole_files.iter().map(|judge| file(judge, "full")).collect();
    let limits = vec![(registry(full, 200), "the full view of the same files, as JSON")];
    comparisons.push(compare("file read, printed", (sizes.full_reads / 20).max(1), &printed, limits).await?);
    tell("observation write");
    let service = registry(writes, 201);
    let raw = request("POST", "/observations", Extras { body: b"{\"numerator\":42}", ..Extras::default() });
    let limit = Load { address: server.address, requests: Arc::new(vec![raw]), ..service.clone() };
    let limits = vec![(limit, "a handler that writes the same value, audit and idempotency rows")];
    comparisons.push(compare("observation write", sizes.requests, &service, limits).await?);

    tell("import of values");
    let first = sizes.requests * ROUNDS + sizes.connections + 1;
    let (address, rows) = (stage.registry.address, sizes.imported);
    // The first token may have ended by now, and the service has closed a line that was idle for so long.
    let mut staff = Staff::at(address, &stage.password);
    let token = staff.token(logins.first().map_or("", String::as_str)).await?;
    let imports = Imports { address, token: &token, judges: &judges, values: &values, first, rows, today };
    comparisons.push(imports.compare(&floors.behind_handlers).await?);

    tell("review submit");
    comparisons.push(submissions::compare(&stage, &floors, &server, &mut reviews, &sizes).await?);
    server.stop().await;

    tell("checking, signing, making keys");
    singles.extend(
        aside(move || {
            let sample = reviews.get(..sizes.signatures).unwrap_or(&reviews);
            Ok([
                singles::verification(&round, sample)?,
                singles::verification_over_cores(&round, &reviews)?,
                singles::blind_signing(&round, sizes.signatures)?,
                singles::key_making(sizes.keys)?,
            ])
        })
        .await?,
    );
    tell("aggregating and scoring a national cycle");
    let bundle_folder = stage.config.key_dir.with_file_name("aggregation");
    let database_url = options.database_url.as_deref();
    singles.extend(aggregation::aggregation(&bundle_folder, sizes.scored, database_url, now).await?);
    singles.extend(aside(move || scoring::scoring(sizes.scored)).await?);
    stage.close().await;
    comparisons.push(lists::pages(options, sizes.requests, sizes.connections, &tell).await?);
    let engine = if options.database_url.is_some() { "postgresql" } else { "sqlite" };
    let setting = Setting {
        engine,
        cores: cores(),
        connections: sizes.connections,
        rounds: ROUNDS,
        files: judges.len(),
        values_per_file,
        records_per_whole_file,
        is_optimised: !cfg!(debug_assertions),
    };
    Ok(Report { setting, comparisons, singles })
}

impl Stage {
    async fn open(options: &Options) -> Result<Stage> {
        let stores = ThrowawayStores::create("bench", options.database_url.as_deref())?;
        let more: &[(&str, &str)] = match options.extent {
            Extent::Whole => &[],
            Extent::Quick => &[("EJF_ARGON2_MEMORY_KIB", "19456"), ("EJF_ARGON2_PASSES", "2")],
        };
        let config = stores.config(more)?;
        let ballot_box = serve_ballot(&config, Clock::System, Occasion::Rehearsal).await?;
        let registry = serve_registry(&config, Clock::System, KeySource::Generate).await?;
        let password: Arc<str> = format!("bench-{}", to_base64url(&random::<15>()?)).into();
        add_account(&registry.registry, &config, NewStaff::administrator(&password), Clock::System.now()).await?;
        Ok(Stage { registry, ballot_box, config, password, stores })
    }

    /// The memory of this process, which runs both services, after the first request.
    async fn idle_memory(&self) -> Result<Option<Single>> {
        body(self, &request("GET", "/livez", Extras::default()), 200).await?;
        Ok(load::resident_bytes().map(|bytes| Single {
            key: "idle_memory_megabytes",
            name: "memory when idle",
            value: bytes as f64 / 1e6,
            unit: "MB",
            note: "resident; both services and this command, after the start and one request",
        }))
    }

    async fn close(self) {
        self.registry.stop().await;
        self.ballot_box.stop().await;
        drop(self.stores);
    }
}

/// Rounds of the service and of its limit in turn.
async fn compare(
    operation: &'static str,
    requests: usize,
    service: &Load,
    limits: Vec<(Load, &'static str)>,
) -> Result<Comparison> {
    let (mut own, mut raw) = (Rounds::default(), vec![Rounds::default(); limits.len()]);
    // Each connection's first request is not measured; it takes the last ones, which no round comes to.
    let warm_up = service.requests.len().saturating_sub(service.connections + 1);
    service.round(service.connections, Order::From(warm_up)).await?;
    for (limit, _) in &limits {
        limit.round(limit.connections, Order::From(0)).await?;
    }
    for round in 0..ROUNDS {
        own.push(service.round(requests, Order::From(round * requests)).await?);
        for (rounds, (limit, _)) in raw.iter_mut().zip(&limits) {
            rounds.push(limit.round(requests, Order::From(0)).await?);
        }
    }
    let whats = limits.iter().map(|(_, what)| *what);
    let limits = raw.into_iter().zip(whats).map(|(rounds, what)| Limit { what, rounds, per_commit: None }).collect();
    Ok(Comparison { operation, requests, service: own, per_commit: None, limits })
}

/// Runs computing where it may block.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The requests that write so many values, each another one.
fn writes(values: &Values, judges: &[String], token: &str, count: usize, today: NaiveDate) -> Result<Vec<Vec<u8>>> {
    let request = |number| {
        let value = values.nth(number)?;
        Some(value.request(token, judges.get(value.judge)?, today))
    };
    let all: Option<Vec<_>> = (0..count).map(request).collect();
    all.ok_or_else(|| Error::internal("there are not so many values to write: ask for fewer requests"))
}

/// The answer's body of one request.
async fn body(stage: &Stage, request: &[u8], expected: u16) -> Result<Vec<u8>> {
    let mut line = Line::to(stage.registry.address);
    let answer = line.call(request).await?;
    answer.expect(expected)?;
    Ok(answer.body.to_vec())
}
