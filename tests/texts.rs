//! Each hint that the source makes against the sentences in `texts/`: a key without its text would show itself to a
//! caller. A newcomer's usual mistake is to pass a key in a variable: keys are literals, or this test cannot see them.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

#[allow(dead_code, reason = "the rest of it blanks what stands in quotes, which is what this test reads")]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use ejf::domain::cycle::Phase;
use ejf::domain::evaluation::{EvaluationAct, EvaluationState};
use ejf::domain::imports::Warning;
use ejf::texts::Language;

/// The names of the variables of each hint.
type Hints = BTreeMap<String, BTreeSet<String>>;

const START: &str = "Hint::new(\"";

/// How a variable is added to a hint.
const VARIABLE: [&str; 4] = [".text(\"", ".word(\"", ".words(\"", ".phase(\""];

fn up_to_quote(text: &str) -> &str {
    text.split('"').next().unwrap()
}

/// What follows the parenthesis that closes the call whose arguments `text` begins with.
fn after_call(text: &str) -> &str {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[at + 1..];
        }
    }
    panic!("a call that never ends: {text}");
}

/// The variables that the chain of calls after `Hint::new("…")` adds.
fn chained(mut rest: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    loop {
        let call = rest.trim_start();
        let Some(args) = VARIABLE.iter().find_map(|start| call.strip_prefix(start)) else { return names };
        names.insert(up_to_quote(args).to_owned());
        rest = after_call(args);
    }
}

/// All hints made in shipped code, with the variables that they are given.
fn made() -> Vec<(String, String, BTreeSet<String>)> {
    let mut made = Vec::new();
    for file in source::rust_files("src").into_iter().filter(|file| !file.path.ends_with("/tests.rs")) {
        let shipped = file.text.split("#[cfg(test)]").next().unwrap();
        for call in shipped.split(START).skip(1) {
            made.push((file.path.clone(), up_to_quote(call).to_owned(), chained(after_call(call))));
        }
    }
    made
}

fn catalogue(language: Language) -> String {
    fs::read_to_string(source::top().join(format!("texts/{}.ftl", language.as_tag()))).unwrap()
}

/// The hints of a catalogue with the variables that their sentences use; each stands on one line.
fn written(language: Language) -> Hints {
    let text = catalogue(language);
    let hints = text.lines().filter_map(|line| line.strip_prefix("hint-")?.split_once(" = "));
    let variable = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    hints.map(|(key, words)| (key.to_owned(), words.split('$').skip(1).map(variable).collect())).collect()
}

#[test]
fn every_hint_of_the_source_is_said_in_all_languages_with_the_same_variables() {
    let made = made();
    assert!(made.len() > 30, "the scan finds {} hints only", made.len());
    for language in Language::ALL {
        let written = written(language);
        for (path, key, variables) in &made {
            assert_eq!(written.get(key), Some(variables), "{path}: hint-{key} in {}", language.as_tag());
        }
    }
}

#[test]
fn no_catalogue_has_a_hint_that_nothing_makes() {
    let mut keys: BTreeSet<String> = made().into_iter().map(|(_, key, _)| key).collect();
    keys.insert(ejf::error::hint::Hint::VERBATIM.to_owned());
    for language in Language::ALL {
        assert_eq!(written(language).into_keys().collect::<BTreeSet<_>>(), keys, "{}", language.as_tag());
    }
}

#[test]
fn every_hint_is_a_whole_sentence_short_enough_for_several_in_one_detail() {
    for language in Language::ALL {
        for line in catalogue(language).lines().filter(|line| line.starts_with("hint-")) {
            assert!(line.ends_with('.') && line.chars().count() <= 300, "{line}");
        }
    }
}

#[test]
fn every_phase_and_language_has_its_name() {
    let phases = Phase::ALL.iter().map(|phase| format!("phase-{phase}"));
    let languages = Language::ALL.iter().map(|language| format!("language-{}", language.as_tag()));
    let expected: BTreeSet<String> = phases.chain(languages).collect();
    for language in Language::ALL {
        let text = catalogue(language);
        let keys = text.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.to_owned());
        let named = keys.filter(|key| key.starts_with("phase-") || key.starts_with("language-"));
        assert_eq!(named.collect::<BTreeSet<_>>(), expected, "{}", language.as_tag());
    }
}

#[test]
fn every_state_and_act_of_an_evaluation_has_its_name() {
    let states = EvaluationState::ALL.iter().map(|state| format!("evaluation-state-{state}"));
    let acts = EvaluationAct::ALL.iter().map(|act| format!("evaluation-act-{act}"));
    let expected: BTreeSet<String> = states.chain(acts).collect();
    for language in Language::ALL {
        let text = catalogue(language);
        let keys = text.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.to_owned());
        let named = keys.filter(|key| key.starts_with("evaluation-"));
        assert_eq!(named.collect::<BTreeSet<_>>(), expected, "{}", language.as_tag());
    }
}

#[test]
fn every_warning_of_an_import_is_said_in_all_languages() {
    let expected: BTreeSet<String> = Warning::ALL.iter().map(|warning| format!("warning-{warning}")).collect();
    for language in Language::ALL {
        let text = catalogue(language);
        let keys = text.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.to_owned());
        let said = keys.filter(|key| key.starts_with("warning-"));
        assert_eq!(said.collect::<BTreeSet<_>>(), expected, "{}", language.as_tag());
    }
}
