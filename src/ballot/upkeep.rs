//! The box's upkeep: rewriting its tables, looking into the folder, examining the engine; and whether it is fit to take
//! anything.
//!
//! What a newcomer would get wrong: nobody may be told of a failure as it happens, since a line in a log is a time. So a
//! box that cannot forget stops taking, and says so to whoever asks, in one fixed answer that tells of no review.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, sleep, timeout};

use super::rounds::Known;
use super::tables::{self, RoundKey};
use super::{Ballot, compaction, doctor};
use crate::credential::manifest::{Manifest, Window};
use crate::error::{Code, Error, Result};

/// How often the box looks into the publication folder by itself.
const LOOK: Duration = Duration::from_secs(5);
/// Time between two rewritings: with their own time, no review waits a minute.
const TURN: Duration = Duration::from_secs(45);
/// After which a turn that failed is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// What a rewriting may take; one that is held up for longer has failed, whatever becomes of it.
const REWRITING_MAX: Duration = Duration::from_secs(120);
/// For how long reviews are taken although the tables cannot be rewritten.
const FAILING_MAX: TimeDelta = TimeDelta::minutes(5);
/// For how long the engine is taken to be as it was when it was last examined.
const EXAMINED_MAX: TimeDelta = TimeDelta::hours(1);

/// What a box is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Real reviews: on an engine that would keep an order or a time nothing is taken.
    Real,
    /// Tests and demonstrations, which hold no real review and run on any engine.
    Rehearsal,
}

/// What the box knows of its own state; in memory alone, and the same whether anybody came or nobody.
pub(super) struct Upkeep {
    occasion: Occasion,
    /// The tables may hold something in the order in which it came.
    is_changed: Arc<AtomicBool>,
    /// The first rewriting that failed since one succeeded.
    failing_since: Mutex<Option<DateTime<Utc>>>,
    examined: Mutex<Option<Examined>>,
}

/// The engine as it was found.
#[derive(Clone, Copy)]
struct Examined {
    at: DateTime<Utc>,
    is_sound: bool,
}

impl Upkeep {
    pub(super) fn new(occasion: Occasion) -> Upkeep {
        Upkeep {
            occasion,
            is_changed: Arc::new(AtomicBool::new(false)),
            failing_since: Mutex::new(None),
            examined: Mutex::new(None),
        }
    }

    /// The mark of a changed box, for the thread that writes.
    pub(super) fn mark(&self) -> Arc<AtomicBool> {
        self.is_changed.clone()
    }
}

impl Ballot {
    /// Begins the upkeep: a task for the tables and one for everything else, so that neither holds up the other. Neither
    /// ends by itself; a box without one of them must not go on.
    pub fn keep(self: &Arc<Self>) -> JoinSet<()> {
        let mut house = JoinSet::new();
        let (keeper, looker) = (self.clone(), self.clone());
        house.spawn(async move { keeper.keep_order().await });
        house.spawn(async move { looker.keep_looking().await });
        house
    }

    /// Rewrites what tells when somebody came, again and again.
    ///
    /// While reviews or complaints are taken it is done at every turn, and once more after: if it were done for a change
    /// alone, the files' times would tell when the last one came.
    async fn keep_order(&self) {
        let mut turns = interval_at(Instant::now() + TURN, TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_taking = false;
        loop {
            turns.tick().await;
            let is_taking = self.is_any_round(|manifest| {
                let day = manifest.date_at(self.now());
                (manifest.dates.submit_open..=manifest.dates.challenge_close).contains(&day)
            });
            if is_taking || was_taking || self.upkeep.is_changed.load(Ordering::SeqCst) {
                while self.turn().await.is_err() {
                    sleep(RETRY).await;
                }
            }
            was_taking = is_taking;
        }
    }

    /// Looks into the folder, and at the engine while reviews are taken.
    async fn keep_looking(&self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            self.look_around().await;
            let open = self.rounds().into_iter().find(|round| {
                let manifest = round.rules().current().manifest();
                manifest.submit_window(manifest.date_at(self.now())) == Window::Open
            });
            if let Some(round) = open {
                // What is wrong is remembered; an engine that cannot be asked takes no review either.
                let _ = self.check_engine(round.rules().current().manifest()).await;
            }
        }
    }

    fn is_any_round(&self, holds: impl Fn(&Manifest) -> bool) -> bool {
        self.rounds().iter().any(|round| holds(round.rules().current().manifest()))
    }

    fn rounds(&self) -> Vec<Arc<super::Round>> {
        self.known().values().filter_map(Known::round).cloned().collect()
    }

    /// Rewrites all that tells by its time when somebody came: the tables, then the lists of complaints.
    pub async fn turn(&self) -> Result<()> {
        self.compact().await?;
        for round in self.rounds().iter().filter(|round| round.has_ended()) {
            let manifest = round.rules().current().manifest();
            let Some(key) = RoundKey::new(manifest.cycle_ref, manifest.round) else { continue };
            let closed = self.read(move |conn| tables::find_closed(conn, key)).await?;
            if closed.is_some_and(|closed| closed.is_sealed()) {
                self.publish_complaints(key, self.folder().round(&manifest.cycle_ref, manifest.round)).await?;
            }
        }
        Ok(())
    }

    /// Rewrites the tables in the order of their keys.
    pub(super) async fn compact(&self) -> Result<()> {
        let began = self.now();
        let done = match timeout(REWRITING_MAX, compaction::compact(&self.db, self.upkeep.mark())).await {
            Ok(done) => done,
            Err(_) => Err(Error::internal("the tables could not be rewritten in time")),
        };
        let mut failing_since = locked(&self.upkeep.failing_since);
        *failing_since = match &done {
            Ok(()) => None,
            Err(_) => Some(failing_since.unwrap_or(began)),
        };
        done
    }

    /// `box_unfit` where the box would keep what it must forget: its tables have not been rewritten for minutes, or its
    /// engine was found to be wrong.
    pub fn check_fitness(&self) -> Result<()> {
        let now = self.now();
        let is_failing = locked(&self.upkeep.failing_since).is_some_and(|since| now - since > FAILING_MAX);
        let is_unsound = locked(&self.upkeep.examined).is_some_and(|examined| !examined.is_sound);
        if is_failing || is_unsound { Err(Code::BoxUnfit.into()) } else { Ok(()) }
    }

    /// The same, and the engine is examined first where that was not done within the hour, or not since the round's
    /// window opened: its settings can be changed at any time.
    pub(super) async fn check_engine(&self, manifest: &Manifest) -> Result<()> {
        let now = self.now();
        let has_opened = |at| manifest.date_at(at) >= manifest.dates.submit_open;
        let holds =
            |examined: &Examined| now - examined.at <= EXAMINED_MAX && (has_opened(examined.at) || !has_opened(now));
        let is_known = locked(&self.upkeep.examined).as_ref().is_some_and(holds);
        if self.upkeep.occasion == Occasion::Real && !is_known {
            let is_sound = doctor(&self.db).await?.is_empty();
            *locked(&self.upkeep.examined) = Some(Examined { at: now, is_sound });
        }
        self.check_fitness()
    }
}

fn locked<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever holds a lock sets one value and nothing else, so a poisoned one is as good as any.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
