//! Sending reviews: now, or spread over the window.
//!
//! What a newcomer would get wrong: any request that is not the review's own. Nothing here logs in, and the registry is
//! not even named. And giving up when no answer comes: the same bytes go out again until a receipt verifies.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Outcome;
use super::arguments::{SendingArguments, SubmitArguments, WithdrawArguments};
use super::asking::{confirm, open, read, secret};
use super::voice::Voice;
use crate::cli::{DONE, complain, say};
use crate::client::card::Held;
use crate::client::draft::Draft;
use crate::client::failure::{CardFailure, Failure, Idle};
use crate::client::{review, spread};
use crate::clock::Clock;
use crate::credential::encoding::Ref;

/// How often the same bytes are sent in one run, unless told otherwise.
const ATTEMPTS: u32 = 5;
/// The pause after the first failed attempt, in seconds; it doubles with each.
const PAUSE_SECONDS: u64 = 2;
const PAUSE_SECONDS_MAX: u64 = 900;
/// A sleeping machine's timers stop, so the clock is asked at least this often.
const NAP: Duration = Duration::from_secs(30);

pub(super) async fn run_submit(arguments: &SubmitArguments, voice: Voice, clock: &Clock) -> Outcome<u8> {
    let texts = arguments.reviews.iter().map(|path| read(path)).collect::<Outcome<Vec<_>>>()?;
    let passphrase = secret(arguments.card.passphrase_file.as_deref(), "peer-ask-passphrase", voice)?;
    let mut held = Held::open(&arguments.card.path, &passphrase)?;
    let card = held.card().ok_or(Failure::Card(CardFailure::Missing))?;
    // All are read before one is kept: a fault in the last file sends nothing of the first.
    let mut drafts = Vec::new();
    for text in &texts {
        drafts.push(Draft::read(card, text)?);
    }
    let named: Vec<Ref> = drafts.iter().map(Draft::subject_ref).collect();
    for draft in drafts {
        review::keep(&mut held, draft)?;
    }
    let mut subjects = spread::waiting(&held)?;
    subjects.retain(|subject_ref| named.is_empty() || named.contains(subject_ref));
    if subjects.is_empty() {
        return Err(Failure::Idle(Idle::NothingToSend).into());
    }
    if !arguments.spread {
        warn(&held, clock.now(), voice);
        for subject_ref in &subjects {
            send(&arguments.sending, &mut held, subject_ref, Some(ATTEMPTS), (voice, clock)).await?;
        }
        return Ok(DONE);
    }
    let planned = spread::plan(&mut held, &subjects, clock.now())?;
    let count = planned.len().to_string();
    for ((moment, subject_ref), number) in planned.into_iter().zip(1_u32..) {
        let number = number.to_string();
        let told = moment.format("%Y-%m-%d %H:%M UTC").to_string();
        voice.say("peer-spread", &[("number", &number), ("count", &count), ("moment", &told)]);
        wait_until(clock, moment).await;
        // While this waited, the reviewer may have changed her mind with another command.
        held = Held::open(&arguments.card.path, &passphrase)?;
        if held.card().and_then(|card| card.subject(&subject_ref)).is_some_and(|subject| subject.is_waiting()) {
            warn(&held, clock.now(), voice);
            send(&arguments.sending, &mut held, &subject_ref, None, (voice, clock)).await?;
        }
    }
    Ok(DONE)
}

pub(super) async fn run_withdraw(arguments: &WithdrawArguments, voice: Voice, clock: &Clock) -> Outcome<u8> {
    let mut held = open(&arguments.card, voice)?;
    let card = held.card().ok_or(Failure::Card(CardFailure::Missing))?;
    let subject = card.subject(&arguments.subject).filter(|subject| subject.is_ready());
    let subject = subject.ok_or(Failure::Idle(Idle::NoCredential))?;
    if subject.versions.is_empty() {
        return Err(Failure::Idle(Idle::NothingToWithdraw).into());
    }
    let withdrawal = Draft::withdrawal(subject);
    say(&format!("{}\n", subject.subject_name));
    if !arguments.yes && !confirm("peer-withdraw-confirm", voice)? {
        voice.say("peer-withdraw-dropped", &[]);
        return Ok(DONE);
    }
    review::keep(&mut held, withdrawal)?;
    warn(&held, clock.now(), voice);
    send(&arguments.sending, &mut held, &arguments.subject, Some(ATTEMPTS), (voice, clock)).await?;
    voice.remark("peer-withdrawn", &[]);
    Ok(DONE)
}

/// What makes a moment a bad one to send at, as far as the card tells.
fn warn(held: &Held, now: DateTime<Utc>, voice: Voice) {
    let is_same_day = held.card().is_some_and(|card| {
        let today = card.manifests.last().map(|manifest| manifest.date_at(now));
        card.collected_on.is_some() && card.collected_on == today
    });
    if is_same_day {
        voice.remark("peer-warn-same_day", &[]);
    }
    voice.remark("peer-warn-network", &[]);
}

/// Sends what waits for one subject until its receipt verifies.
async fn send(
    arguments: &SendingArguments,
    held: &mut Held,
    subject_ref: &Ref,
    attempts: Option<u32>,
    (voice, clock): (Voice, &Clock),
) -> Outcome<()> {
    let mut left = arguments.attempts.or(attempts);
    let mut pause = PAUSE_SECONDS;
    loop {
        left = left.map(|left| left.saturating_sub(1));
        match review::send(&arguments.ballot_box, held, subject_ref, clock.now()).await {
            Ok(_) => {
                // The receipt itself is not shown: two of them on one screen join two reviews of one person.
                voice.say("peer-receipt-kept", &[]);
                return Ok(());
            }
            Err(failure) if failure.is_passing() && left != Some(0) => {
                complain(&voice.words(&failure));
                voice.remark("peer-again", &[("seconds", &pause.to_string())]);
                tokio::time::sleep(Duration::from_secs(pause)).await;
                pause = (pause * 2).min(PAUSE_SECONDS_MAX);
            }
            Err(failure) => return Err(failure.into()),
        }
    }
}

async fn wait_until(clock: &Clock, moment: DateTime<Utc>) {
    // A moment that is past has no time left, which is no error.
    while let Some(left) = (moment - clock.now()).to_std().ok().filter(|left| !left.is_zero()) {
        tokio::time::sleep(left.min(NAP)).await;
    }
}
