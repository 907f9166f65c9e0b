//! The anonymous ballot box: its own listener, its own database, no log, no clock in its tables.
//!
//! What a newcomer would get wrong: whatever helps to run a service (a log line, a counter, a time stamp, a middleware
//! around everything) helps to find who wrote a review. Nothing is wrapped around the box; the guard stands before the
//! anonymous routes and takes away what could name a caller.

pub mod answer;
mod compaction;
pub mod complaints;
mod doctor;
pub mod documents;
pub mod intake;
mod keys;
#[cfg(feature = "leaks")]
pub mod leaks;
mod rounds;
mod seal;
mod tables;

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::web;
use chrono::{DateTime, Utc};
use ed25519_dalek::SigningKey;
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::clock::Clock;
use crate::credential::encoding::Ref;
use crate::credential::manifest::Window;
use crate::db::{BallotBox, Conn};
use crate::error::{Error, Result};
use crate::publication::Folder;

pub use doctor::{
    Check, Fault, Unseen, doctor, doctor_blind_spots, examine_addresses, examine_engine, examine_files,
    examine_machine, examine_proxy, forbid_core_dumps,
};
pub use rounds::Round;

use rounds::Known;

/// Submissions that may be in work at once; beyond it the answer is a constant 503.
const IN_WORK_MAX: usize = 64;
/// How often the box looks into the publication folder by itself.
const LOOK_SECONDS: u64 = 5;
/// Looks between two compactions: with the compaction's own time, no review waits a minute.
const LOOKS_PER_COMPACTION: u32 = 9;

/// The box at work.
pub struct Ballot {
    db: Arc<BallotBox>,
    folder: Folder,
    clock: Clock,
    log_name: String,
    log_key: SigningKey,
    known: Mutex<HashMap<(Ref, u32), Known>>,
    taking_in: tokio::sync::Mutex<()>,
    in_work: Semaphore,
    /// The tables may hold something in the order in which it came.
    is_changed: Arc<AtomicBool>,
}

impl Ballot {
    /// Puts a migrated box to work: makes its keys where there are none, publishes `box.json`, rewrites the tables.
    ///
    /// `log_name` is the name before cycle and round in the origins of its notes, such as `sjc.example`.
    pub async fn open(db: Arc<BallotBox>, folder: Folder, log_name: &str, clock: Clock) -> Result<Ballot> {
        let log_key = keys::log_key(&db).await?;
        let ballot = Ballot {
            db,
            folder,
            clock,
            log_name: log_name.to_owned(),
            log_key,
            known: Mutex::new(HashMap::new()),
            taking_in: tokio::sync::Mutex::new(()),
            in_work: Semaphore::new(IN_WORK_MAX),
            is_changed: Arc::new(AtomicBool::new(false)),
        };
        #[cfg(feature = "leaks")]
        leaks::prepare(&ballot.db).await?;
        ballot.publish_keys().await?;
        ballot.look_around().await;
        ballot.compact().await?;
        Ok(ballot)
    }

    /// Looks into the folder and rewrites the tables, again and again; it never ends by itself.
    ///
    /// While reviews are taken the tables are rewritten at every turn, and once more after: if it were done for a change
    /// alone, the file's times would tell when the last review came.
    pub async fn keep_house(&self) {
        let mut looks = tokio::time::interval(Duration::from_secs(LOOK_SECONDS));
        let (mut count, mut was_open) = (0_u32, false);
        loop {
            looks.tick().await;
            self.look_around().await;
            count = count.saturating_add(1);
            if count < LOOKS_PER_COMPACTION {
                continue;
            }
            let is_open = self.is_any_window_open();
            let is_due = is_open || was_open || self.is_changed.load(Ordering::SeqCst);
            // What failed is tried again at the next look; there is nobody here to tell.
            if !is_due || self.compact().await.is_ok() {
                (count, was_open) = (0, is_open);
            }
        }
    }

    fn is_any_window_open(&self) -> bool {
        let now = self.now();
        self.known().values().filter_map(Known::round).any(|round| {
            let manifest = round.rules().current().manifest();
            manifest.submit_window(manifest.date_at(now)) == Window::Open
        })
    }

    /// Rewrites the tables in the order of their keys.
    pub async fn compact(&self) -> Result<()> {
        compaction::compact(&self.db, self.is_changed.clone()).await
    }

    /// Rewrites the tables a last time and closes them; for when nothing is served any more.
    pub async fn close(&self) -> Result<()> {
        let done = self.compact().await;
        self.db.0.close();
        done
    }

    /// The settings of the engine that are wrong; empty is good.
    pub async fn faults(&self) -> Result<Vec<Fault>> {
        doctor(&self.db).await
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn folder(&self) -> &Folder {
        &self.folder
    }

    /// A place among the submissions in work; `None` when all are taken.
    fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.in_work.try_acquire().ok()
    }

    /// Runs `work` in a transaction. The box is marked as changed by the thread that writes, before the commit: whoever
    /// asked may hang up, and the write is done all the same.
    async fn write<T: Send + 'static>(&self, work: impl Fn(&mut Conn) -> Result<T> + Send + 'static) -> Result<T> {
        let is_changed = self.is_changed.clone();
        let marked = move |conn: &mut Conn| {
            is_changed.store(true, Ordering::SeqCst);
            work(conn)
        };
        self.db.0.write(marked).await
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<(Ref, u32), Known>> {
        // Nothing that holds the lock can leave the map half-way, so a poisoned one is as good as any.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The box's routes, those of the API document.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(documents::get_live_of_box)
        .service(documents::get_manifest_from_box)
        .service(documents::get_manifest_note_from_box)
        .service(documents::get_ledger_from_box)
        .service(documents::get_checkpoint_from_box)
        .service(documents::get_leaves_from_box)
        .service(documents::get_complaints_from_box)
        .service(documents::get_manifest_of_generation_from_box)
        .service(documents::get_ledger_of_generation_from_box)
        .service(
            utoipa_actix_web::scope("/v1/anon")
                .wrap(from_fn(answer::guard))
                .service(intake::submit_review)
                .service(complaints::submit_complaint)
                .default_service(web::to(not_served)),
        );
}

/// The answer where no route is: 405 where the path is a route's, else 404; of the one size.
pub async fn not_served(request: actix_web::HttpRequest) -> actix_web::HttpResponse {
    let path = request.path();
    #[cfg(feature = "leaks")]
    if let Some(served) = leaks::served(path) {
        return served;
    }
    if matches!(path, "/v1/anon/reviews" | "/v1/anon/complaints") {
        return answer::method_not_allowed("POST, OPTIONS");
    }
    let is_document = path == "/livez" || path.starts_with("/v1/public/cycles/");
    if is_document && *request.method() != actix_web::http::Method::GET {
        return answer::method_not_allowed("GET");
    }
    answer::problem(crate::error::Code::NotFound)
}

/// From now on a panic prints its place and never its payload, which may hold a review.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        // A closed standard error leaves nobody to tell.
        let _ = writeln!(std::io::stderr().lock(), "a panic at {place}");
    }));
}

/// Runs file work where it may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
