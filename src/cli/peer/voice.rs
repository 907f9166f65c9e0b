//! The words of the reviewer's commands, in one language, and the exit code of each failure.
//!
//! What a newcomer would get wrong: an alarm in the program's own terms. A judge has to understand from it what was seen,
//! whether anything was sent, and whom to tell; so each alarm has its sentence and its moment's advice in three languages.

use crate::cli::{UNREACHABLE, USAGE, WRONG, complain, say};
use crate::client::failure::{Alarm, Failure, Moment};
use crate::domain::methodology::Text;
use crate::error::Place;
use crate::problem::rule_text;
use crate::texts::{self, Arg, Language};

/// A language to speak in.
#[derive(Clone, Copy)]
pub(super) struct Voice(pub(super) Language);

impl Voice {
    /// The text of a key without variables.
    pub(super) fn plain(self, key: &str) -> String {
        texts::text(self.0, key, &[])
    }

    /// The text of a key with its variables.
    pub(super) fn text(self, key: &str, args: &[(&'static str, &str)]) -> String {
        let args: Vec<(&'static str, Arg<'_>)> = args.iter().map(|(name, value)| (*name, Arg::Text(value))).collect();
        texts::text(self.0, key, &args)
    }

    /// Prints a text as a line of the command's outcome.
    pub(super) fn say(self, key: &str, args: &[(&'static str, &str)]) {
        say(&format!("{}\n", self.text(key, args)));
    }

    /// Prints a text as a remark beside the outcome.
    pub(super) fn remark(self, key: &str, args: &[(&'static str, &str)]) {
        complain(&self.text(key, args));
    }

    /// A text of the methodology.
    pub(super) fn of(self, text: &Text) -> &str {
        match self.0 {
            Language::Kk => &text.kk,
            Language::Ru => &text.ru,
            Language::En => text.en_or_ru(),
        }
    }

    /// True if a typed word says yes, in whichever language.
    pub(super) fn is_yes(self, typed: &str) -> bool {
        let typed = typed.trim().to_lowercase();
        Language::ALL.iter().any(|language| texts::text(*language, "peer-yes", &[]) == typed)
    }

    /// What was seen, and what to do at this moment.
    pub(super) fn alarm(self, alarm: Alarm, moment: Moment) -> String {
        let (seen, advice) = (
            self.plain(&format!("peer-alarm-{}", alarm.as_str())),
            self.plain(&format!("peer-moment-{}", moment.as_str())),
        );
        format!("{}\n{seen}\n{advice}", self.plain("peer-alarm"))
    }

    /// What a failure means, and what to do if it comes at this moment.
    pub(super) fn words(self, failure: &Failure, moment: Moment) -> String {
        match failure {
            Failure::Alarm(alarm) => self.alarm(*alarm, moment),
            Failure::Refused(code) => {
                // Some details name a number of seconds, which only the server's answer had.
                let detail = texts::plain(self.0, &format!("{}-detail", code.as_str()));
                detail.map_or_else(|| self.plain(&format!("{}-title", code.as_str())), str::to_owned)
            }
            Failure::Unreachable(address) => self.text("peer-unreachable", &[("address", address)]),
            Failure::UnexpectedAnswer(address, status) => {
                self.text("peer-unexpected", &[("address", address), ("status", &status.to_string())])
            }
            Failure::Card(fault) => self.plain(&format!("peer-card-{}", fault.as_str())),
            Failure::Review(faults) => {
                let mut text = self.plain("peer-review-refused");
                for fault in faults {
                    let (Place::Pointer(place) | Place::Parameter(place)) = &fault.place;
                    let place = if place.is_empty() { self.plain("peer-whole") } else { place.clone() };
                    text.push_str(&format!("\n  {place}: {}", rule_text(&fault.rule, self.0)));
                }
                text
            }
            Failure::Idle(idle) => self.plain(&format!("peer-idle-{}", idle.as_str())),
            Failure::Internal(error) => self.text("peer-internal", &[("cause", &error.to_string())]),
        }
    }
}

/// The exit code of a failure.
pub(super) fn exit_code(failure: &Failure) -> u8 {
    match failure {
        Failure::Alarm(_) | Failure::Refused(_) | Failure::Review(_) | Failure::Idle(_) => WRONG,
        Failure::Card(_) => USAGE,
        Failure::Unreachable(_) | Failure::UnexpectedAnswer(..) | Failure::Internal(_) => UNREACHABLE,
    }
}

/// The language of the messages where none is named, as other programs choose theirs; English as in the help.
pub(in crate::cli) fn language_of_environment() -> Language {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(std::env::var_os)
        .filter_map(|value| value.into_string().ok()) // An unreadable locale is none.
        .find(|value| !value.is_empty())
        .and_then(|value| Language::from_tag(value.split(['_', '.', '@']).next()?))
        .unwrap_or(Language::En)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::client::failure::{CardFailure, Idle};
    use crate::error::Code;

    #[test]
    fn every_failure_of_the_client_has_words_in_every_language() {
        let alarms = Alarm::ALL.iter().map(|alarm| Failure::Alarm(*alarm));
        let cards = CardFailure::ALL.iter().map(|fault| Failure::Card(*fault));
        let idles = Idle::ALL.iter().map(|idle| Failure::Idle(*idle));
        let codes = Code::ALL.iter().map(|code| Failure::Refused(*code));
        for failure in alarms.chain(cards).chain(idles).chain(codes) {
            for language in Language::ALL {
                let told = Voice(language).words(&failure, Moment::Before);
                // A key without its text shows itself.
                assert!(!told.contains("peer-") || told.contains("ejf peer"), "{told}");
                assert!(told.contains(' '), "{told}");
            }
        }
    }

    #[test]
    fn every_alarm_says_what_was_seen_what_was_sent_and_what_to_do_without_terms_of_the_trade() {
        let trade = ["spki", "modulus", "модул", "sha", "digest", "дайджест", "rsa", "json", "leaf", "лист", "epk"];
        let mut told = BTreeSet::new();
        for alarm in Alarm::ALL {
            for language in Language::ALL {
                for moment in Moment::ALL {
                    let text = Voice(language).alarm(*alarm, *moment);
                    let lines: Vec<&str> = text.lines().collect();
                    assert!(lines.len() == 3 && lines.iter().all(|line| line.len() > 10), "{text}");
                    assert!(text.chars().count() <= 700, "{text}");
                    let words = text.to_lowercase();
                    assert!(
                        !trade.iter().any(|term| words.split_whitespace().any(|word| word.starts_with(term))),
                        "{text}"
                    );
                    assert!(told.insert(text), "{} says the same as another", alarm.as_str());
                }
            }
        }
        assert_eq!(told.len(), Alarm::ALL.len() * Moment::ALL.len() * 3);
    }
}
