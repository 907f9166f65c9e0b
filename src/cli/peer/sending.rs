//! Sending reviews: now, or spread over the window.
//!
//! What a newcomer would get wrong: any request that is not the review's own. Nothing here logs in, and the registry is
//! not even named. And giving up when no answer comes: the same bytes go out again until a receipt verifies. And keeping the
//! card while nothing is sent: that can be days, in which the reviewer works with it by other commands.

use std::time::Duration;

use chrono::{DateTime, Utc};

use zeroize::Zeroizing;

use super::arguments::{CardArguments, SendingArguments, SubmitArguments, WithdrawArguments};
use super::asking::{confirm, read, secret};
use super::voice::Voice;
use super::{Outcome, Stop};
use crate::cli::{DONE, complain, say};
use crate::client::card::{CardSubject, Held};
use crate::client::draft::Draft;
use crate::client::failure::{CardFailure, Failure, Idle, Moment};
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
/// How long another command may have the card before it is asked for again.
const CARD_ASKED_EVERY: Duration = Duration::from_secs(5);

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
    // From here on the card is opened for each attempt alone, so that another command can change it meanwhile.
    drop(held);
    let card = (&arguments.card, passphrase);
    if arguments.spread {
        return spread_out(&arguments.sending, &card, subjects, (voice, clock)).await;
    }
    if subjects.len() > 1 {
        voice.remark("peer-warn-burst", &[("count", &subjects.len().to_string())]);
    }
    for subject_ref in &subjects {
        send(&arguments.sending, &card, subject_ref, Some(ATTEMPTS), (voice, clock)).await?;
    }
    Ok(DONE)
}

/// A card by its file, and what opens it.
type Closed<'a> = (&'a CardArguments, Zeroizing<String>);

/// Sends each subject's review at its moment; the moments are looked at anew after each, for the machine may have slept.
async fn spread_out(
    arguments: &SendingArguments,
    card: &Closed<'_>,
    subjects: Vec<Ref>,
    (voice, clock): (Voice, &Clock),
) -> Outcome<u8> {
    let (mut left, mut last) = (subjects, None);
    let count = left.len().to_string();
    for number in 1..=left.len() {
        let moments = {
            let mut held = reopen(card, voice).await?;
            // While this waited, the reviewer may have sent or dropped something with another command.
            let is_waiting = |subject_ref: &Ref| {
                let subject = held.card().and_then(|card| card.subject(subject_ref));
                subject.is_some_and(|subject| subject.is_ready() && subject.is_waiting())
            };
            left.retain(is_waiting);
            spread::plan(&mut held, &left, last, clock.now())?
        };
        let Some((moment, subject_ref)) = moments.first() else { break };
        let number = number.to_string();
        let told = moment.format("%Y-%m-%d %H:%M UTC").to_string();
        voice.say("peer-spread", &[("number", &number), ("count", &count), ("moment", &told)]);
        wait_until(clock, *moment).await;
        send(arguments, card, subject_ref, None, (voice, clock)).await?;
        left.retain(|other| other != subject_ref);
        last = Some(clock.now());
    }
    Ok(DONE)
}

/// The card once more, as soon as no other program has it.
async fn reopen(card: &Closed<'_>, voice: Voice) -> Outcome<Held> {
    let (arguments, passphrase) = card;
    loop {
        match Held::open(&arguments.path, passphrase) {
            Err(Failure::Card(CardFailure::InUse)) => {
                voice.remark("peer-card-in_use", &[]);
                tokio::time::sleep(CARD_ASKED_EVERY).await;
            }
            other => return Ok(other?),
        }
    }
}

pub(super) async fn run_withdraw(arguments: &WithdrawArguments, voice: Voice, clock: &Clock) -> Outcome<u8> {
    let passphrase = secret(arguments.card.passphrase_file.as_deref(), "peer-ask-passphrase", voice)?;
    let mut held = Held::open(&arguments.card.path, &passphrase)?;
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
    drop(held);
    send(&arguments.sending, &(&arguments.card, passphrase), &arguments.subject, Some(ATTEMPTS), (voice, clock))
        .await?;
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
    card: &Closed<'_>,
    subject_ref: &Ref,
    attempts: Option<u32>,
    (voice, clock): (Voice, &Clock),
) -> Outcome<()> {
    let mut left = arguments.attempts.or(attempts);
    let mut pause = PAUSE_SECONDS;
    let mut is_warned = false;
    loop {
        left = left.map(|left| left.saturating_sub(1));
        let failure = {
            let mut held = reopen(card, voice).await?;
            let subject = held.card().and_then(|card| card.subject(subject_ref));
            if !subject.is_some_and(CardSubject::is_waiting) {
                // Another command has sent it meanwhile.
                return Ok(());
            }
            if !std::mem::replace(&mut is_warned, true) {
                warn(&held, clock.now(), voice);
            }
            match review::send(&arguments.ballot_box, &mut held, subject_ref, clock.now()).await {
                Ok(_) => {
                    // The receipt itself is not shown: two of them on one screen join two reviews of one person.
                    voice.say("peer-receipt-kept", &[]);
                    return Ok(());
                }
                Err(failure) if failure.is_passing() && left != Some(0) => failure,
                Err(failure) => return Err(Stop::Client(failure, Moment::of(held.card()))),
            }
        };
        complain(&voice.words(&failure, Moment::Sending));
        voice.remark("peer-again", &[("seconds", &pause.to_string())]);
        tokio::time::sleep(Duration::from_secs(pause)).await;
        pause = (pause * 2).min(PAUSE_SECONDS_MAX);
    }
}

async fn wait_until(clock: &Clock, moment: DateTime<Utc>) {
    // A moment that is past has no time left, which is no error.
    while let Some(left) = (moment - clock.now()).to_std().ok().filter(|left| !left.is_zero()) {
        tokio::time::sleep(left.min(NAP)).await;
    }
}
