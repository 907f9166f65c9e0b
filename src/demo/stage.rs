//! What the demonstration runs on: fresh stores, both services on free ports of this machine, and the clock that it
//! moves. A newcomer would give both services one host; a browser sends cookies to every port of a host, so the registry
//! is 127.0.0.1 and the box is `localhost`.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::app::{Occasion, RunningBallot, RunningRegistry, ThrowawayStores, serve_ballot, serve_registry};
use crate::clock::Clock;
use crate::config::Config;
use crate::credential::key_source::KeySource;
use crate::error::{Error, Result};

/// The instant at which every demonstration begins: Monday 11 January 2027, 09:00 in Astana.
const BEGINNING: &str = "2027-01-11T04:00:00Z";

/// Memory and passes of a password hash: the OWASP minimum for Argon2id, so that a hundred log-ins take seconds.
const ARGON2_MEMORY_KIB: &str = "19456";
const ARGON2_PASSES: &str = "2";

/// Both services at work.
pub(super) struct Stage {
    /// The registry.
    pub registry: RunningRegistry,
    /// The ballot box.
    pub ballot_box: RunningBallot,
    /// The settings of both.
    pub config: Config,
    /// The clock of both, which the demonstration moves.
    pub clock: Clock,
    stores: ThrowawayStores,
}

impl Stage {
    /// Makes the stores and starts both services on them.
    pub async fn open(database_url: Option<&str>, keys: KeySource) -> Result<Stage> {
        let stores = ThrowawayStores::create("demo", database_url)?;
        let config = stores.config(&[
            ("EJF_ARGON2_MEMORY_KIB", ARGON2_MEMORY_KIB),
            ("EJF_ARGON2_PASSES", ARGON2_PASSES),
            ("EJF_DOCS", "public"),
        ])?;
        let clock = Clock::fixed(BEGINNING.parse::<DateTime<Utc>>().map_err(Error::internal)?);
        let ballot_box = serve_ballot(&config, clock.clone(), Occasion::Rehearsal).await?;
        let registry = serve_registry(&config, clock.clone(), keys).await?;
        Ok(Stage { registry, ballot_box, config, clock, stores })
    }

    /// The registry's address.
    pub fn registry_url(&self) -> String {
        format!("http://{}", self.registry.address)
    }

    /// The box's address, under another host than the registry's.
    pub fn ballot_url(&self) -> String {
        format!("http://localhost:{}", self.ballot_box.address.port())
    }

    /// Where the stores are, for a reader.
    pub fn places(&self) -> String {
        self.stores.places()
    }

    /// Moves the clock to nine in the morning of a day where the cycle takes place, never back.
    pub fn move_to(&self, day: NaiveDate) {
        let nine_o_clock = day.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::hours(4);
        let ahead = nine_o_clock - self.clock.now();
        if ahead > TimeDelta::zero() {
            self.clock.advance(ahead);
        }
    }

    /// Stops both services; the stores go with them.
    pub async fn close(self) {
        self.registry.stop().await;
        self.ballot_box.stop().await;
    }
}
