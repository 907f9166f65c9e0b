//! The anonymous ballot box: its own listener, its own database, no log, no clock in its tables.
//!
//! What a newcomer would get wrong: whatever helps to run a service (a log line, a counter, a time stamp, a middleware
//! around everything) helps to find who wrote a review. Nothing is wrapped around the box; the guard stands before the
//! anonymous routes and takes away what could name a caller.

pub mod answer;
mod compaction;
pub mod complaints;
mod deletion;
mod doctor;
pub mod documents;
pub mod intake;
mod keys;
#[cfg(feature = "leaks")]
pub mod leaks;
mod pins;
mod rounds;
mod seal;
mod tables;
mod upkeep;

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::middleware::from_fn;
use actix_web::web;
use chrono::{DateTime, Utc};
use ed25519_dalek::SigningKey;
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::clock::Clock;
use crate::credential::encoding::Ref;
use crate::db::{BallotBox, Conn};
use crate::error::{Error, Result};
use crate::publication::Folder;

pub use doctor::{
    Check, Fault, Unseen, doctor, doctor_blind_spots, examine_addresses, examine_engine, examine_files,
    examine_machine, examine_proxy, forbid_core_dumps,
};
pub use rounds::Round;
pub use upkeep::Occasion;

use rounds::Known;
use upkeep::Upkeep;

/// Submissions that may be in work at once; beyond it the answer is a constant 503.
const IN_WORK_MAX: usize = 64;

/// The box at work.
pub struct Ballot {
    db: Arc<BallotBox>,
    folder: Folder,
    clock: Clock,
    log_name: String,
    log_key: SigningKey,
    known: Mutex<HashMap<(Ref, u32), Known>>,
    taking_in: tokio::sync::Mutex<()>,
    listing_complaints: tokio::sync::Mutex<()>,
    in_work: Semaphore,
    upkeep: Upkeep,
}

impl Ballot {
    /// Puts a migrated box to work: makes its keys where there are none, publishes `box.json`, rewrites the tables.
    ///
    /// `log_name` is the name before cycle and round in the origins of its notes, such as `sjc.example`.
    pub async fn open(
        db: Arc<BallotBox>,
        folder: Folder,
        log_name: &str,
        clock: Clock,
        occasion: Occasion,
    ) -> Result<Ballot> {
        let log_key = keys::log_key(&db).await?;
        let ballot = Ballot {
            db,
            folder,
            clock,
            log_name: log_name.to_owned(),
            log_key,
            known: Mutex::new(HashMap::new()),
            taking_in: tokio::sync::Mutex::new(()),
            listing_complaints: tokio::sync::Mutex::new(()),
            in_work: Semaphore::new(IN_WORK_MAX),
            upkeep: Upkeep::new(occasion),
        };
        #[cfg(feature = "leaks")]
        leaks::prepare(&ballot.db).await?;
        ballot.publish_keys().await?;
        ballot.look_around().await;
        ballot.compact().await?;
        Ok(ballot)
    }

    /// Rewrites the tables a last time and closes them; for when nothing is served any more.
    pub async fn close(&self) -> Result<()> {
        let done = self.turn().await;
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

    /// Reads in one snapshot. Nothing is marked: a look must not bring about a rewriting, whose time would tell of it.
    async fn read<T: Send + 'static>(&self, work: impl Fn(&mut Conn) -> Result<T> + Send + 'static) -> Result<T> {
        self.db.0.read(work).await
    }

    /// Writes in a transaction. The box is marked as changed by the thread that writes, before the commit: whoever
    /// asked may hang up, and the write is done all the same.
    async fn write<T: Send + 'static>(&self, work: impl Fn(&mut Conn) -> Result<T> + Send + 'static) -> Result<T> {
        let is_changed = self.upkeep.mark();
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
    cfg.service(documents::get_booth_of_box)
        .service(documents::get_live_of_box)
        .service(documents::get_manifest_from_box)
        .service(documents::get_manifest_note_from_box)
        .service(documents::get_ledger_from_box)
        .service(documents::get_checkpoint_from_box)
        .service(documents::get_leaves_from_box)
        .service(documents::get_packs_from_box)
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
    let is_document = matches!(path, "/booth" | "/livez") || path.starts_with("/v1/public/cycles/");
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
