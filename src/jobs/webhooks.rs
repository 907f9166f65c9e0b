//! Sending events to endpoints: a round every second over the deliveries whose turn has come, at all endpoints at once, so that a
//! slow one holds up nobody else. What a newcomer would get wrong: a delivery is taken for a while before it is sent, and noted
//! afterwards; where all ends in between it goes out again, with the same id, and never not at all.

mod sending;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use zeroize::Zeroizing;

use self::sending::{Attempt, Sending, client};
use super::rounds::{Rounds, Stop};
use crate::cipher::{Cipher, Use};
use crate::clock::Clock;
use crate::config::Config;
use crate::config::origins::Origins;
use crate::db::{Conn, Registry};
use crate::domain::webhooks::{EventDeliveryFault, EventDeliveryState, wait_after};
use crate::error::{Error, Result};
use crate::store;
use crate::store::webhook_deliveries::Delivery;
use crate::store::webhooks::Webhook;

/// How often it is looked whether a delivery's turn has come.
const EVERY: Duration = Duration::from_secs(1);
/// How long a receiver may take for one delivery.
const PATIENCE: Duration = Duration::from_secs(15);
/// For how long a delivery that is being sent is nobody else's: far longer than a receiver may take for it.
const TAKEN_FOR: TimeDelta = TimeDelta::minutes(10);
/// Deliveries of one round to one endpoint.
const DELIVERIES_AT_ONCE: i64 = 50;

/// What events are sent with.
pub struct Courier {
    registry: Arc<Registry>,
    cipher: Cipher,
    clock: Clock,
    origins: Origins,
    client: reqwest::Client,
}

impl Courier {
    /// A courier to the configured origins; none where none is configured.
    pub fn new(config: &Config, registry: Arc<Registry>, cipher: Cipher, clock: Clock) -> Result<Option<Courier>> {
        if config.webhook_origins.is_empty() {
            return Ok(None);
        }
        let origins = config.webhook_origins.clone();
        Ok(Some(Courier { registry, cipher, clock, origins, client: client(PATIENCE)? }))
    }

    /// Begins the rounds.
    pub fn open(self) -> Rounds {
        let courier = Arc::new(self);
        Rounds::open(EVERY, PATIENCE, "events could not be looked for or noted", move |stop| {
            let courier = courier.clone();
            async move { round(&courier, &stop).await }
        })
    }
}

async fn round(courier: &Courier, stop: &Stop) -> Result<()> {
    let looked = |conn: &mut Conn| Ok((store::webhooks::active(conn)?, store::events::last_sequence(conn)?));
    let (endpoints, last_sequence) = courier.registry.0.read(looked).await?;
    let ended = join_all(endpoints.into_iter().map(|webhook| serve(courier, webhook, last_sequence, stop))).await;
    ended.into_iter().collect()
}

/// Spreads to an endpoint what came about, and sends what is due.
async fn serve(courier: &Courier, webhook: Webhook, last_sequence: i64, stop: &Stop) -> Result<()> {
    if webhook.spread_to < last_sequence {
        let (webhook, now) = (webhook.clone(), courier.clock.now());
        // What is left over is spread in the next round.
        courier.registry.0.write(move |conn| store::webhook_deliveries::spread(conn, &webhook, now)).await?;
    }
    let (id, now) = (webhook.id, courier.clock.now().naive_utc());
    let due =
        courier.registry.0.read(move |conn| store::webhook_deliveries::due(conn, id, now, DELIVERIES_AT_ONCE)).await?;
    if due.is_empty() {
        return Ok(());
    }
    let secrets = secrets(courier, &webhook)?;
    let begun = Instant::now();
    for (delivery, event) in due {
        // Whoever takes long for each does not keep the rest waiting for a round.
        if *stop.borrow() || begun.elapsed() > PATIENCE {
            return Ok(());
        }
        let until = (courier.clock.now() + TAKEN_FOR).naive_utc();
        let taking = move |conn: &mut Conn| store::webhook_deliveries::take(conn, &delivery, until);
        let Some(taken) = courier.registry.0.write(taking).await? else { continue };
        let sending = Sending::new(&webhook, &taken, event, courier.clock.now())?;
        let attempt = sending.attempt(&courier.client, &courier.origins, &secrets).await?;
        if let Some(fault) = attempt.fault {
            tracing::warn!(delivery_id = %taken.id, webhook_id = %id, %fault, "a delivery was not taken");
        }
        let is_to_go_on = attempt.reached_somebody();
        note(courier, taken, &attempt).await?;
        if !is_to_go_on {
            return Ok(());
        }
    }
    Ok(())
}

/// Writes down how an attempt ended; an endpoint that wants no more is left alone from then on.
async fn note(courier: &Courier, taken: Delivery, attempt: &Attempt) -> Result<()> {
    let (seen, is_gone) = (taken.version, attempt.fault == Some(EventDeliveryFault::Gone));
    let ended = after(taken, attempt, courier.clock.now());
    courier
        .registry
        .0
        .write(move |conn| {
            // Where somebody put it in line again meanwhile, it goes out again.
            store::webhook_deliveries::update(conn, &ended, seen)?;
            if is_gone { store::webhooks::set_gone(conn, ended.webhook_id) } else { Ok(()) }
        })
        .await
}

/// How a delivery stands after an attempt: taken, tried again after a while, or given up.
fn after(delivery: Delivery, attempt: &Attempt, now: DateTime<Utc>) -> Delivery {
    let attempt_count = delivery.attempt_count.saturating_add(1);
    let now_utc = now.naive_utc();
    let wait = match attempt.fault {
        None => None,
        // It waits for an administrator and is not tried before, so it is no attempt in vain.
        Some(EventDeliveryFault::Gone) => Some(TimeDelta::zero()),
        Some(
            EventDeliveryFault::Unreachable
            | EventDeliveryFault::TimedOut
            | EventDeliveryFault::Refused
            | EventDeliveryFault::Redirected
            | EventDeliveryFault::NotAllowed,
        ) => wait_after(attempt_count, jitter(&delivery), attempt.wait_asked_seconds),
    };
    let state = match (attempt.fault, wait) {
        (None, _) => EventDeliveryState::Delivered,
        (Some(_), Some(_)) => EventDeliveryState::Pending,
        (Some(_), None) => EventDeliveryState::GivenUp,
    };
    Delivery {
        state,
        attempt_count,
        attempted_at: Some(now_utc),
        next_attempt_at: wait.map(|wait| (now + wait).naive_utc()),
        error: attempt.fault,
        status_code: attempt.status.map(i32::from),
        delivered_at: if attempt.fault.is_none() { Some(now_utc) } else { delivery.delivered_at },
        ..delivery
    }
}

/// A number that is random among deliveries: a byte of the id that is no time.
fn jitter(delivery: &Delivery) -> u8 {
    let [.., last] = delivery.id.0.into_bytes();
    last
}

/// The secrets that deliveries to an endpoint are signed with by now: the one before as well, while it is replaced.
fn secrets(courier: &Courier, webhook: &Webhook) -> Result<Vec<Zeroizing<Vec<u8>>>> {
    let now = courier.clock.now().naive_utc();
    let previous = webhook.previous_wrapped_secret.as_ref().filter(|_| webhook.previous_until > Some(now));
    let wrapped = [Some(&webhook.wrapped_secret), previous].into_iter().flatten();
    let open = |sealed: &Vec<u8>| {
        let opened = courier.cipher.open(Use::WebhookSecret, webhook.id.0.as_bytes(), sealed)?;
        opened.ok_or_else(|| Error::internal("the secret of an endpoint does not open"))
    };
    wrapped.map(open).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::WebhookId;

    fn tried(attempt_count: i32, fault: Option<EventDeliveryFault>) -> Delivery {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let waiting = Delivery::waiting(WebhookId(uuid::Uuid::nil()), None, now);
        let attempt = Attempt { fault, status: None, wait_asked_seconds: None };
        after(Delivery { attempt_count, ..waiting }, &attempt, now)
    }

    #[test]
    fn what_was_not_taken_is_tried_again_later_and_given_up_after_the_last_wait() {
        let retried = tried(0, Some(EventDeliveryFault::TimedOut));
        assert_eq!((retried.state, retried.attempt_count), (EventDeliveryState::Pending, 1));
        assert!(retried.next_attempt_at > retried.attempted_at && retried.delivered_at.is_none());
        let last = tried(9, Some(EventDeliveryFault::Refused));
        assert_eq!((last.state, last.next_attempt_at), (EventDeliveryState::GivenUp, None));
        let taken = tried(3, None);
        assert_eq!((taken.state, taken.error), (EventDeliveryState::Delivered, None));
        assert_eq!(taken.delivered_at, taken.attempted_at);
    }

    #[test]
    fn what_an_endpoint_that_is_gone_misses_is_never_given_up() {
        let missed = tried(9, Some(EventDeliveryFault::Gone));
        assert_eq!((missed.state, missed.next_attempt_at), (EventDeliveryState::Pending, missed.attempted_at));
    }
}
