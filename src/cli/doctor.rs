//! `ejf box doctor`: what in a deployment would keep what the box must forget, in the operator's language.
//!
//! What a newcomer would get wrong: the command is an observer. It runs beside the service, takes no lock and makes no file;
//! `ejf serve` asks the engine itself, through the connection that it will write with.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::peer::{language, language_of_environment};
use super::{DONE, USAGE, WRONG, complain, say};
use crate::app::{self, Fault, Unseen};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::texts::{self, Arg, Language};

/// The arguments of `ejf box doctor`.
#[derive(Args)]
pub(super) struct DoctorArguments {
    /// The configuration of the proxy in front of the box, in nginx's language; deploy/nginx-box.conf is one.
    #[arg(long, value_name = "FILE")]
    proxy: Option<PathBuf>,
    /// Print the outcome as JSON.
    #[arg(long)]
    json: bool,
    /// The language of the messages: kk, ru or en; else that of the environment.
    #[arg(long, value_parser = language)]
    language: Option<Language>,
}

/// The outcome as JSON.
#[derive(Serialize)]
struct Outcome {
    faults: Vec<FaultLine>,
    unseen: Vec<UnseenLine>,
}

#[derive(Serialize)]
struct FaultLine {
    check: &'static str,
    name: String,
    found: String,
    wanted: String,
    text: String,
}

#[derive(Serialize)]
struct UnseenLine {
    what: &'static str,
    text: String,
}

/// Examines the deployment and tells what was found.
pub(super) fn run(config: &Config, arguments: &DoctorArguments) -> Result<u8> {
    let language = arguments.language.unwrap_or_else(language_of_environment);
    let proxy = match &arguments.proxy {
        None => None,
        Some(path) => match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) => {
                complain(&format!("ejf: {}: {error}", path.display()));
                return Ok(USAGE);
            }
        },
    };
    let found = app::examine_deployment(config, proxy.as_deref())?;
    let code = if found.faults.is_empty() { DONE } else { WRONG };
    if arguments.json {
        let faults = found.faults.into_iter().map(|fault| FaultLine {
            text: words(language, &fault),
            check: fault.check.as_str(),
            name: fault.name,
            found: fault.found,
            wanted: fault.wanted,
        });
        let unseen =
            found.unseen.into_iter().map(|what| UnseenLine { what: what.as_str(), text: unseen(language, what) });
        let outcome = Outcome { faults: faults.collect(), unseen: unseen.collect() };
        say(&format!("{}\n", serde_json::to_string_pretty(&outcome).map_err(Error::internal)?));
        return Ok(code);
    }
    for fault in &found.faults {
        say(&format!("{}: {}\n", fault.check, words(language, fault)));
    }
    for what in &found.unseen {
        say(&format!("{}\n", unseen(language, *what)));
    }
    let count = found.faults.len().to_string();
    let verdict = if found.faults.is_empty() { "doctor-sound" } else { "doctor-faults" };
    say(&format!("{}\n", texts::text(language, verdict, &[("count", Arg::Text(&count))])));
    Ok(code)
}

/// Whether the box may open on its engine; what stands against it is told.
pub(super) async fn may_open(config: &Config) -> Result<bool> {
    let faults = app::examine_engine(config).await?;
    for fault in &faults {
        complain(&format!("{}: {}", fault.check, words(language_of_environment(), fault)));
    }
    Ok(faults.is_empty())
}

/// What a fault means and what to do.
fn words(language: Language, fault: &Fault) -> String {
    let Fault { check, name, found, wanted } = fault;
    let values = [("name", Arg::Text(name)), ("found", Arg::Text(found)), ("wanted", Arg::Text(wanted))];
    texts::text(language, &format!("doctor-{check}"), &values)
}

fn unseen(language: Language, what: Unseen) -> String {
    texts::text(language, &format!("doctor-unseen-{what}"), &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Check;

    #[test]
    fn every_fault_has_its_words_and_remedy_in_every_language() {
        for language in Language::ALL {
            for check in Check::ALL {
                let [name, found, wanted] = ["NAME", "FOUND", "WANTED"].map(str::to_owned);
                let told = words(language, &Fault { check: *check, name, found, wanted });
                assert!(!told.starts_with("doctor-") && !told.contains('{'), "{told}");
                assert!(
                    told.ends_with('.') && told.matches(". ").count() >= 1,
                    "what is wrong, and what to do: {told}"
                );
                assert!(told.contains("NAME") || told.contains("FOUND") || told.contains("WANTED"), "{told}");
            }
            for what in Unseen::ALL {
                assert!(unseen(language, *what).ends_with('.'), "{what} in {}", language.as_tag());
            }
        }
    }
}
