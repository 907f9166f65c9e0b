//! Filling in a review: as questions in the terminal, or as a file.
//!
//! What a newcomer would get wrong: a default. An empty answer to an item is asked again, for a mark that nobody gave would
//! count like one; "no basis" has to be typed. What is filled in goes into the encrypted card and nowhere else.

use std::collections::BTreeMap;

use super::Outcome;
use super::arguments::SubjectArguments;
use super::asking::{confirm, line, open, subjects};
use super::voice::Voice;
use crate::cli::{DONE, USAGE, complain, say};
use crate::client::card::{Card, CardSubject};
use crate::client::draft::{Draft, example};
use crate::client::failure::{CardFailure, Failure, Idle, Moment};
use crate::client::review;
use crate::credential::manifest::Item;
use crate::domain::methodology::{Methodology, Scale};
use crate::error::Error;

/// What is typed for "no basis", and for "no statement".
pub(super) const NONE: &str = "-";

pub(super) fn run_form(arguments: &SubjectArguments, voice: Voice) -> Outcome<u8> {
    let mut held = open(&arguments.card, voice)?;
    let card = held.card().ok_or(Failure::Card(CardFailure::Missing))?;
    let subject = match &arguments.subject {
        Some(subject_ref) => card.subject(subject_ref),
        None => choose(card, voice)?,
    };
    let subject = subject.filter(|subject| subject.is_ready()).ok_or(Failure::Idle(Idle::NoCredential))?;
    let methodology = card.methodology.as_deref();
    introduce(subject, methodology, voice);
    let count = subject.instrument.items.len();
    let mut marks = BTreeMap::new();
    for (item, number) in subject.instrument.items.iter().zip(1..) {
        say(&format!("\n[{number}/{count}] {}\n", item_text(item, methodology, voice)));
        marks
            .insert(item.code.clone(), ask_mark(item.min, item.max, methodology.and_then(|known| known.scale), voice)?);
    }
    let draft = ask_statements(card, subject, &marks, voice)?;
    summarise(subject, methodology, &draft, voice);
    if !confirm("peer-form-confirm", voice)? {
        voice.say("peer-form-dropped", &[]);
        return Ok(DONE);
    }
    review::keep(&mut held, draft)?;
    voice.say("peer-form-kept", &[]);
    Ok(DONE)
}

/// The one subject of the card, or the one of a number typed.
fn choose(card: &Card, voice: Voice) -> Outcome<Option<&CardSubject>> {
    if let [only] = card.credentials.as_slice() {
        return Ok(Some(only));
    }
    loop {
        voice.say("peer-form-choose", &[]);
        for (subject, number) in card.credentials.iter().zip(1..) {
            say(&format!("  {number}  {}\n", subject.subject_name));
        }
        // What is no number is asked again.
        let number: Option<usize> = line()?.trim().parse().ok();
        if let Some(subject) = number.and_then(|number| card.credentials.get(number.checked_sub(1)?)) {
            return Ok(Some(subject));
        }
    }
}

fn introduce(subject: &CardSubject, methodology: Option<&Methodology>, voice: Voice) {
    say(&format!("{}\n", subject.subject_name));
    if !subject.versions.is_empty() {
        voice.say("peer-form-replaces", &[]);
    }
    let Some(methodology) = methodology else {
        voice.say("peer-form-no_words", &[]);
        return;
    };
    if subject.versions.is_empty() && !methodology.calibration_cases.is_empty() {
        voice.say("peer-form-calibrate", &[]);
    }
    say(&format!("{}\n{}\n", voice.of(&methodology.preparation), voice.of(&methodology.lead)));
    show_anchors(methodology, voice);
}

/// What each mark means.
pub(super) fn show_anchors(methodology: &Methodology, voice: Voice) {
    for anchor in &methodology.anchors {
        let mark = anchor.mark.map_or_else(|| NONE.to_owned(), |mark| mark.to_string());
        say(&format!("  {mark}  {}\n", voice.of(&anchor.text)));
    }
}

/// What one mark means.
pub(super) fn anchor_text(methodology: &Methodology, mark: Option<u8>, voice: Voice) -> Option<&str> {
    methodology.anchors.iter().find(|anchor| anchor.mark == mark).map(|anchor| voice.of(&anchor.text))
}

/// What is asked, with the criterion that it belongs to; its code alone where the card holds no words.
fn item_text(item: &Item, methodology: Option<&Methodology>, voice: Voice) -> String {
    let words = methodology.and_then(|methodology| {
        let known = methodology.items.iter().find(|known| known.code == item.code)?;
        let criterion = methodology.criteria.iter().find(|criterion| criterion.code == known.criterion)?;
        Some(format!("{}: {}", voice.of(&criterion.name), voice.of(&known.text)))
    });
    words.unwrap_or_else(|| item.code.clone())
}

/// A mark from `min` to `max` that the scale has, where it is known, or none for "no basis"; asked until it is one.
pub(super) fn ask_mark(min: i64, max: i64, scale: Option<Scale>, voice: Voice) -> Outcome<Option<i64>> {
    let (least, most) = (min.to_string(), max.to_string());
    loop {
        voice.say("peer-form-ask_mark", &[("min", &least), ("max", &most)]);
        let typed = line()?;
        if typed.trim() == NONE {
            return Ok(None);
        }
        let mark: Option<i64> = typed.trim().parse().ok();
        let is_mark = |mark: &i64| {
            let is_step = |scale: Scale| u8::try_from(*mark).is_ok_and(|mark| scale.contains(mark));
            (min..=max).contains(mark) && scale.is_none_or(is_step)
        };
        if let Some(mark) = mark.filter(is_mark) {
            return Ok(Some(mark));
        }
    }
}

/// Asks for statements by number until what is chosen fits the form.
fn ask_statements(
    card: &Card,
    subject: &CardSubject,
    marks: &BTreeMap<String, Option<i64>>,
    voice: Voice,
) -> Outcome<Draft> {
    let codes = &subject.instrument.statements;
    let max = subject.instrument.max_statements.to_string();
    if !codes.is_empty() {
        voice.say("peer-form-statements", &[]);
    }
    for (code, number) in codes.iter().zip(1..) {
        say(&format!("  {number}  {}\n", statement_text(code, card.methodology.as_deref(), voice)));
    }
    loop {
        let mut chosen = Some(Vec::new());
        if !codes.is_empty() {
            voice.say("peer-form-ask_statements", &[("max", &max)]);
            chosen = read_numbers(&line()?, codes);
        }
        let Some(chosen) = chosen else { continue };
        match Draft::new(card, subject.subject_ref, marks.clone(), chosen) {
            Err(failure @ Failure::Review(_)) if !codes.is_empty() => {
                complain(&voice.words(&failure, Moment::of(Some(card))));
            }
            other => return Ok(other?),
        }
    }
}

/// The codes of the numbers typed; none for an answer that is not one.
fn read_numbers(typed: &str, codes: &[String]) -> Option<Vec<String>> {
    let typed = typed.trim();
    if typed == NONE {
        return Some(Vec::new());
    }
    let words: Vec<&str> = typed.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return None;
    }
    let code = |word: &str| codes.get(word.parse::<usize>().ok()?.checked_sub(1)?).cloned();
    words.into_iter().map(code).collect()
}

fn statement_text(code: &str, methodology: Option<&Methodology>, voice: Voice) -> String {
    let known = methodology.and_then(|methodology| methodology.statements.iter().find(|known| known.code == code));
    known.map_or_else(|| code.to_owned(), |known| voice.of(&known.text).to_owned())
}

fn summarise(subject: &CardSubject, methodology: Option<&Methodology>, draft: &Draft, voice: Voice) {
    say("\n");
    voice.say("peer-form-summary", &[("name", &subject.subject_name)]);
    for item in &subject.instrument.items {
        let mark = draft.marks().get(&item.code).copied().flatten();
        let typed = mark.map_or_else(|| NONE.to_owned(), |mark| mark.to_string());
        // A mark of the form is one of the scale.
        let meant = mark.and_then(|mark| u8::try_from(mark).ok());
        let anchor = methodology.and_then(|methodology| anchor_text(methodology, meant, voice));
        let meaning = anchor.map_or_else(String::new, |words| format!(" ({words})"));
        say(&format!("  {}: {typed}{meaning}\n", item_text(item, methodology, voice)));
    }
    for code in draft.statements() {
        say(&format!("  + {}\n", statement_text(code, methodology, voice)));
    }
    if draft.is_empty() {
        voice.say("peer-form-empty", &[]);
    }
}

pub(super) fn run_example(arguments: &SubjectArguments, voice: Voice) -> Outcome<u8> {
    let held = open(&arguments.card, voice)?;
    let card = held.card().ok_or(Failure::Card(CardFailure::Missing))?;
    let subject = match (&arguments.subject, card.credentials.as_slice()) {
        (Some(subject_ref), _) => card.subject(subject_ref),
        (None, [only]) => Some(only),
        (None, _) => {
            voice.remark("peer-choose-subject", &[]);
            complain(subjects(card).trim_end());
            return Ok(USAGE);
        }
    };
    let subject = subject.ok_or(Failure::Idle(Idle::NoCredential))?;
    let text =
        serde_json::to_string_pretty(&example(subject)).map_err(|error| Failure::Internal(Error::internal(error)))?;
    say(&format!("{text}\n"));
    // On the other stream, so that a redirected example stays a review file.
    complain(&subject.subject_name);
    let methodology = card.methodology.as_deref();
    for item in &subject.instrument.items {
        let words = item_text(item, methodology, voice);
        complain(&format!("  {}: {}..{}, null  {words}", item.code, item.min, item.max));
    }
    complain(&format!("  statements 0..{}:", subject.instrument.max_statements));
    for code in &subject.instrument.statements {
        complain(&format!("  {code}: {}", statement_text(code, methodology, voice)));
    }
    Ok(DONE)
}
