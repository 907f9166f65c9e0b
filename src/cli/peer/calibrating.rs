//! Practice before the first review: invented cases are marked, and set beside what the methodology says of them.
//!
//! What a newcomer would get wrong: keeping how somebody marked. Nothing is written, not even that somebody practised; the
//! card is only read, for the words of its form.

use std::cmp::Ordering;

use super::Outcome;
use super::arguments::CardArguments;
use super::asking::open;
use super::filling::{NONE, anchor_text, ask_mark, show_anchors};
use super::voice::Voice;
use crate::cli::{DONE, USAGE, say};
use crate::client::failure::{CardFailure, Failure};
use crate::domain::methodology::calibration::{CalibrationCase, CalibrationMark};
use crate::domain::methodology::{Methodology, Scale};

/// How marks lie beside those of the methodology.
#[derive(Default)]
struct Tally {
    same: u32,
    above: u32,
    below: u32,
    basis: u32,
}

pub(super) fn run_calibrate(arguments: &CardArguments, voice: Voice) -> Outcome<u8> {
    let held = open(arguments, voice)?;
    let card = held.card().ok_or(Failure::Card(CardFailure::Missing))?;
    let known = card.methodology.as_deref().filter(|known| !known.calibration_cases.is_empty());
    let Some((methodology, scale)) = known.and_then(|known| Some((known, known.scale?))) else {
        voice.remark("peer-calibrate-none", &[]);
        return Ok(USAGE);
    };
    voice.say("peer-calibrate-begin", &[]);
    show_anchors(methodology, voice);
    let mut tally = Tally::default();
    for (case, number) in methodology.calibration_cases.iter().zip(1..) {
        say(&format!("\n[{number}/{}] {}\n", methodology.calibration_cases.len(), voice.of(&case.text)));
        practise((methodology, scale), case, &mut tally, voice)?;
    }
    say("\n");
    let count = [tally.same, tally.above, tally.below, tally.basis].map(|count| count.to_string());
    let [same, above, below, basis] = count.each_ref().map(String::as_str);
    voice.say("peer-calibrate-end", &[("same", same), ("above", above), ("below", below), ("basis", basis)]);
    Ok(DONE)
}

/// Asks for all marks of a case before any is shown: the first would steer the next.
fn practise(
    (methodology, scale): (&Methodology, Scale),
    case: &CalibrationCase,
    tally: &mut Tally,
    voice: Voice,
) -> Outcome<()> {
    let mut marked: Vec<(&CalibrationMark, Option<u8>)> = Vec::new();
    for known in methodology.calibration_of(&case.code) {
        say(&format!("\n{}\n", item_text(methodology, known, voice)));
        let mark = ask_mark(scale.min.into(), scale.max.into(), Some(scale), voice)?;
        marked.push((known, mark.and_then(|mark| u8::try_from(mark).ok())));
    }
    for (known, mark) in marked {
        let shown = |mark: Option<u8>| {
            let typed = mark.map_or_else(|| NONE.to_owned(), |mark| mark.to_string());
            anchor_text(methodology, mark, voice).map_or_else(|| typed.clone(), |words| format!("{typed} ({words})"))
        };
        say(&format!("\n{}\n", item_text(methodology, known, voice)));
        voice.say("peer-calibrate-beside", &[("own", &shown(mark)), ("known", &shown(known.mark))]);
        say(&format!("  {}\n", voice.of(&known.reason)));
        match (mark, known.mark) {
            (Some(mark), Some(known)) => match mark.cmp(&known) {
                Ordering::Equal => tally.same += 1,
                Ordering::Greater => tally.above += 1,
                Ordering::Less => tally.below += 1,
            },
            (None, None) => tally.same += 1,
            (Some(_), None) | (None, Some(_)) => tally.basis += 1,
        }
    }
    Ok(())
}

fn item_text<'a>(methodology: &'a Methodology, known: &'a CalibrationMark, voice: Voice) -> &'a str {
    let item = methodology.items.iter().find(|item| item.code == known.item);
    item.map_or(known.item.as_str(), |item| voice.of(&item.text))
}
