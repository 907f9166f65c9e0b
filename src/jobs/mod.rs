//! The registry's long work: one worker, one job at a time, each job with all cores. A newcomer's usual mistake is to keep
//! state in the worker: it may be stopped at any moment, and the next start goes on from the rows.

pub mod checkpoints;
mod exports;
mod finality;
mod imports;
mod keys;
pub mod mail;
mod results;
mod retention;
pub mod rounds;
pub mod webhooks;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::cipher::Cipher;
use crate::clock::Clock;
use crate::config::Config;
use crate::credential::key_source::KeySource;
use crate::db::Registry;
use crate::domain::ids::CycleId;
use crate::error::{Error, Result};
use crate::exchange::told::Told;
use crate::exchange::{self, endings};
use crate::exports::Lister;
use crate::store;
use crate::store::jobs::{Job, JobKind};
use crate::workflow::jobs::Bell;

/// How often the box's folder is looked into while there is no work.
const LOOK: Duration = Duration::from_secs(60);
/// How long the worker waits for the bell after the database failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the worker works with.
pub struct Workshop {
    /// The registry's database.
    pub registry: Arc<Registry>,
    /// The cipher of columns.
    pub cipher: Cipher,
    /// The clock.
    pub clock: Clock,
    /// Rung when a job is queued.
    pub bell: Arc<Bell>,
    /// Where fresh issuer keys come from.
    pub key_source: KeySource,
    /// The folder of per-round key files.
    pub key_dir: PathBuf,
    /// The publication folder.
    pub publication_dir: PathBuf,
    /// The folder of files of lists.
    pub export_dir: PathBuf,
    /// How a list is found that a file is ordered of.
    pub lister: Lister,
}

/// The running worker.
pub struct Worker {
    task: tokio::task::JoinHandle<()>,
}

impl Workshop {
    /// A workshop with the folders of the configuration.
    pub fn new(
        config: &Config,
        registry: Arc<Registry>,
        cipher: Cipher,
        clock: Clock,
        bell: Arc<Bell>,
        key_source: KeySource,
        lister: Lister,
    ) -> Self {
        let (key_dir, publication_dir) = (config.key_dir.clone(), config.publication_dir.clone());
        let export_dir = config.export_dir.clone();
        Workshop { registry, cipher, clock, bell, key_source, key_dir, publication_dir, export_dir, lister }
    }

    /// Starts the worker: it publishes what a stop left unpublished, goes on with an interrupted job, then waits for the
    /// bell.
    pub fn open(self) -> Worker {
        Worker { task: tokio::spawn(work(self)) }
    }
}

impl Worker {
    /// Stops at the next step; what is left is taken up by the next start.
    pub async fn stop(self) {
        self.task.abort();
        // A task that was told to stop ends as cancelled, which is what was wanted.
        let _ = self.task.await;
    }
}

async fn work(shop: Workshop) {
    let now = shop.clock.now();
    if let Err(error) = exchange::publish_all(&shop.registry, &shop.publication_dir, &shop.key_dir, now).await {
        tracing::error!(%error, "documents could not be published at the start");
    }
    let (mut told_of_seals, mut told_of_reviews) = (Told::default(), Told::default());
    end_reviews(&shop, &mut told_of_reviews).await;
    finality::put_in_force(&shop).await;
    let mut looks = interval_at(Instant::now() + LOOK, LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        match shop.registry.0.read(store::jobs::find_next).await {
            Ok(Some(job)) => {
                if let Err(error) = run(&shop, &job).await {
                    tracing::error!(job_id = %job.id, %error, "a job could not be ended; it is taken up again");
                    rung_within(&shop.bell, PATIENCE).await;
                }
            }
            Ok(None) => match without_a_job(&shop).await {
                Ok(true) => {}
                Ok(false) => wait(&shop, &mut looks, (&mut told_of_seals, &mut told_of_reviews)).await,
                Err(error) => {
                    tracing::error!(%error, "an export or a destruction could not be ended; it is taken up again");
                    rung_within(&shop.bell, PATIENCE).await;
                }
            },
            Err(error) => {
                tracing::error!(%error, "jobs could not be looked for");
                rung_within(&shop.bell, PATIENCE).await;
            }
        }
    }
}

/// Goes on with what has rows of its own: destructions, then files, which wait for the rest, since whoever needs keys or
/// results holds up others. Whether there was anything.
async fn without_a_job(shop: &Workshop) -> Result<bool> {
    Ok(retention::go_on(shop).await? || exports::make_next(shop).await?)
}

/// Waits for the bell; meanwhile takes in what the box publishes of a seal, and ends reviews that are due.
async fn wait(shop: &Workshop, looks: &mut Interval, (told_of_seals, told_of_reviews): (&mut Told, &mut Told)) {
    loop {
        tokio::select! {
            () = shop.bell.rung() => return,
            _ = looks.tick() => {}
        }
        let (dir, now) = (&shop.publication_dir, shop.clock.now());
        if let Err(error) = exchange::take_in_seals(&shop.registry, dir, &shop.key_dir, told_of_seals, now).await {
            tracing::error!(%error, "what the box published could not be looked for");
        }
        end_reviews(shop, told_of_reviews).await;
        finality::put_in_force(shop).await;
        if let Err(error) = exports::expire(shop).await {
            tracing::error!(%error, "files whose time is over could not be deleted");
        }
    }
}

/// Deletes the reviews of closed cycles whose time is over; nobody has to ask for it.
async fn end_reviews(shop: &Workshop, told: &mut Told) {
    let (registry, cipher, now) = (&shop.registry, &shop.cipher, shop.clock.now());
    if let Err(error) = endings::end_reviews(registry, cipher, &shop.publication_dir, &shop.key_dir, told, now).await {
        tracing::error!(%error, "closed cycles could not be looked through");
    }
}

/// Waits for the bell, and no longer than `at_most`: what failed for a while is tried again though nobody asks.
async fn rung_within(bell: &Bell, at_most: Duration) {
    // Whether it rang or the time is over, there may be work.
    let _ = tokio::time::timeout(at_most, bell.rung()).await;
}

/// Does a job to its end; an error only where the end itself could not be written.
async fn run(shop: &Workshop, job: &Job) -> Result<()> {
    let outcome = match job.kind {
        JobKind::MakeKeys => make_keys(shop, job).await,
        JobKind::ComputeResults => results::compute(shop, job).await,
        JobKind::ImportRecords => imports::take_in(shop, job).await,
    };
    let Err(error) = outcome else { return Ok(()) };
    tracing::warn!(job_id = %job.id, kind = %job.kind, %error, "a job failed");
    let (id, reason, now) = (job.id, reason(&error), shop.clock.now().naive_utc());
    shop.registry.0.write(move |conn| store::jobs::finish(conn, id, Some(&reason), now)).await
}

/// A cycle may be cancelled while its keys are made: what was made past that end is destroyed like the rest.
async fn make_keys(shop: &Workshop, job: &Job) -> Result<()> {
    let made = keys::make(shop, job).await;
    let id: CycleId = job.object_id.parse().map_err(Error::internal)?;
    let destroyed = exchange::destroy_due_keys(&shop.registry, &shop.key_dir, id, shop.clock.now()).await;
    made.and(destroyed)
}

/// The code with its hints, for whoever asked for the job; what is our fault is told in the log alone.
fn reason(error: &Error) -> String {
    match error {
        Error::Refused(refusal) if refusal.hints.is_empty() => refusal.code.as_str().to_owned(),
        Error::Refused(refusal) => {
            let hints: Vec<String> = refusal.hints.iter().map(ToString::to_string).collect();
            format!("{}: {}", refusal.code.as_str(), hints.join("; "))
        }
        Error::Sql(_) | Error::Internal(_) => error.code().as_str().to_owned(),
    }
}

/// Runs computing or file work where it does not hold up requests.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn after_a_failure_the_worker_goes_on_by_itself_and_a_ring_is_not_lost_to_it() {
        let bell = Bell::default();
        rung_within(&bell, Duration::ZERO).await;
        bell.ring();
        rung_within(&bell, Duration::MAX).await;
    }
}
