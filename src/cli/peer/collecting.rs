//! Collecting credentials, pinning a later manifest, and where everything stands.
//!
//! What a newcomer would get wrong: logging in to look. `status` reads the card alone, and asks the registry only where
//! that is wanted, for a day with a login is no day to send on.

use chrono::{DateTime, NaiveDate, Utc};

use super::arguments::{CollectArguments, DigestArgument, PinArguments, StatusArguments};
use super::asking::{ask, open, read, secret, shown, subjects};
use super::voice::Voice;
use super::{Outcome, Stop};
use crate::cli::{DONE, say};
use crate::client::card::{Card, CardSubject, Held};
use crate::client::failure::{CardFailure, Failure, Moment};
use crate::client::generation::{Change, Moved, renew};
use crate::client::packs;
use crate::client::peer::{Assignment, Login, collect, list_assignments};
use crate::credential::manifest::{Manifest, Window, digest_words};

pub(super) async fn run_collect(arguments: &CollectArguments, voice: Voice, now: DateTime<Utc>) -> Outcome<u8> {
    let password = secret(arguments.password_file.as_deref(), "peer-ask-password", voice)?;
    let passphrase = secret(arguments.card.passphrase_file.as_deref(), "peer-ask-passphrase", voice)?;
    let digest = printed(&arguments.digest, voice)?;
    let mut held = match Held::open(&arguments.card.path, &passphrase) {
        Err(Failure::Card(CardFailure::Missing)) => {
            let new = Held::create(&arguments.card.path, &passphrase, arguments.kdf.into())?;
            voice.say("peer-explanation", &[]);
            new
        }
        other => other?,
    };
    let login = Login::Password { login: &arguments.login, password: &password };
    let collected = collect(&arguments.places.places(), &login, &digest, &mut held, now).await;
    let collected = collected.map_err(|failure| Stop::Client(failure, Moment::of(held.card())))?;
    if let Some(change) = &collected.change {
        say_change(change, voice);
    }
    let (fresh, ready) = (collected.fresh_count.to_string(), collected.ready_count.to_string());
    voice.say("peer-collected", &[("fresh", &fresh), ("ready", &ready)]);
    if let Some(packs) = &collected.packs {
        let folder = packs::keep(&arguments.card.path, packs);
        let folder = folder.map_err(|failure| Stop::Client(failure, Moment::of(held.card())))?;
        let count = packs.packs.iter().map(|(_, pack)| pack.acts.len()).sum::<usize>().to_string();
        voice.say("peer-packs", &[("count", &count), ("folder", &shown(&folder))]);
    }
    if let Some(card) = held.card() {
        say(&subjects(card));
        let count = card.manifests.last().map_or(0, |manifest| manifest.subjects.len()).to_string();
        voice.say("peer-collected-round", &[("count", &count)]);
    }
    voice.remark("peer-advice", &[]);
    Ok(DONE)
}

pub(super) async fn run_pin(arguments: &PinArguments, voice: Voice, now: DateTime<Utc>) -> Outcome<u8> {
    let mut held = open(&arguments.card, voice)?;
    let digest = printed(&arguments.digest, voice)?;
    let between = arguments.between.iter().map(|path| read(path)).collect::<Outcome<Vec<_>>>()?;
    let renewed = renew(&arguments.places.places(), &digest, &between, &mut held, now).await;
    match renewed.map_err(|failure| Stop::Client(failure, Moment::of(held.card())))? {
        Some(change) => say_change(&change, voice),
        None => voice.say("peer-pinned-already", &[]),
    }
    Ok(DONE)
}

fn printed(argument: &DigestArgument, voice: Voice) -> Outcome<String> {
    match &argument.digest {
        Some(digest) => Ok(digest.clone()),
        None => ask("peer-ask-digest", voice).map(|typed| typed.to_string()),
    }
}

fn say_change(change: &Change, voice: Voice) {
    let (generation, count) = (change.generation.to_string(), change.subjects.len().to_string());
    voice.say("peer-change", &[("generation", &generation), ("count", &count)]);
    for name in &change.own {
        voice.say("peer-change-own", &[("name", name)]);
    }
    if !change.own.is_empty() {
        voice.say("peer-change-collect", &[]);
    }
    for Moved { what, before, after } in &change.moved {
        let name = voice.plain(&format!("peer-moved-{what}"));
        voice.say("peer-change-moved", &[("name", &name), ("before", before), ("after", after)]);
    }
}

pub(super) async fn run_status(arguments: &StatusArguments, voice: Voice, now: DateTime<Utc>) -> Outcome<u8> {
    let password = match &arguments.login {
        Some(_) => Some(secret(arguments.password_file.as_deref(), "peer-ask-password", voice)?),
        None => None,
    };
    let mut held = open(&arguments.card, voice)?;
    let mut assignments = Vec::new();
    if let (Some(registry), Some(login), Some(password)) = (&arguments.registry, &arguments.login, &password) {
        assignments = list_assignments(registry, &Login::Password { login, password }).await?;
        if let Some(card) = held.card_mut() {
            card.collected_on = card.manifests.last().map(|manifest| manifest.date_at(now));
        }
        held.save()?;
    }
    let card = held.card().ok_or(Failure::Card(CardFailure::Missing))?;
    let manifest = card.manifests.last().ok_or(Failure::Card(CardFailure::Unreadable))?;
    say_round(card, manifest, manifest.date_at(now), voice);
    for subject in &card.credentials {
        say(&format!("{}  {}: {}\n", subject.subject_ref, subject.subject_name, state(subject, manifest, voice)));
    }
    for other in assignments.iter().filter(|other| !is_in(card, other)) {
        let state = match other.state.as_str() {
            "drawn" => voice.plain("peer-state-drawn"),
            "issued" => voice.plain("peer-state-elsewhere"),
            _ => voice.plain("peer-state-recused"),
        };
        say(&format!("{}: {state}\n", other.subject_name()));
    }
    Ok(DONE)
}

fn is_in(card: &Card, assignment: &Assignment) -> bool {
    assignment.subject_ref.is_some_and(|subject_ref| card.subject(&subject_ref).is_some())
}

/// The round, its days, and what can be done today.
fn say_round(card: &Card, manifest: &Manifest, today: NaiveDate, voice: Voice) {
    let (round, generation) = (card.round.to_string(), manifest.generation.to_string());
    let words = digest_words(&card.manifest_digest);
    let cycle = card.cycle_ref.to_string();
    let named = [("cycle", cycle.as_str()), ("round", &round), ("generation", &generation), ("words", &words)];
    voice.say("peer-status-round", &named);
    let dates = &manifest.dates;
    let days = [dates.issue_open, dates.issue_close, dates.submit_open, dates.submit_close, dates.seal_by];
    let [issue_open, issue_close, submit_open, submit_close, seal_by] = days.map(|day| day.to_string());
    let until = dates.challenge_close.to_string();
    let days = [
        ("issue_open", issue_open.as_str()),
        ("issue_close", &issue_close),
        ("submit_open", &submit_open),
        ("submit_close", &submit_close),
        ("seal_by", &seal_by),
        ("challenge_close", &until),
    ];
    voice.say("peer-status-days", &days);
    let todo = match (manifest.issue_window(today), manifest.submit_window(today)) {
        (Window::TooEarly, _) => "peer-today-early",
        (Window::Open, _) => "peer-today-collect",
        (Window::Closed, Window::TooEarly) => "peer-today-form",
        (Window::Closed, Window::Open) => "peer-today-submit",
        (Window::Closed, Window::Closed) if card.checked_root.is_some() => "peer-today-destroy",
        (Window::Closed, Window::Closed) => "peer-today-check",
    };
    voice.say(todo, &[]);
}

/// Where the review of a subject stands, as far as the card knows.
fn state(subject: &CardSubject, manifest: &Manifest, voice: Voice) -> String {
    let mut states = Vec::new();
    let sent_count = subject.versions.iter().filter(|version| version.receipt.is_some()).count();
    if !subject.pending.is_empty() {
        states.push(voice.plain("peer-state-asked"));
    } else if !subject.is_ready() {
        states.push(voice.plain("peer-state-void"));
    }
    if sent_count > 0 {
        let of = manifest.max_seq.to_string();
        states.push(voice.text("peer-state-sent", &[("count", &sent_count.to_string()), ("max", &of)]));
    }
    if sent_count < subject.versions.len() {
        states.push(voice.plain("peer-state-unreceipted"));
    }
    if subject.draft.is_some() {
        states.push(voice.plain("peer-state-draft"));
    }
    if let Some(moment) = subject.send_at {
        let moment = moment.format("%Y-%m-%d %H:%M UTC").to_string();
        states.push(voice.text("peer-state-planned", &[("moment", &moment)]));
    }
    if states.is_empty() {
        states.push(voice.plain("peer-state-ready"));
    }
    states.join("; ")
}
