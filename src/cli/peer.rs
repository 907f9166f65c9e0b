//! `ejf peer`: the reviewer's commands. What they do is in [`client`](crate::client); here are arguments, questions and
//! words.
//!
//! What a newcomer would get wrong: a password or passphrase as an argument would stand in the list of processes and in
//! the shell's history, so both come from a file or are asked for. And `submit` has no login: a reviewer who could log
//! in while submitting would be found by it.

use std::io::{BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use zeroize::Zeroizing;

use super::{DONE, UNREACHABLE, USAGE, WRONG, complain, say};
use crate::client::card::{Card, Held};
use crate::client::failure::{CardFailure, Failure};
use crate::client::peer::{Login, collect};
use crate::client::pinned::Places;
use crate::client::review::{self, Draft};
use crate::client::sealed_file::Kdf;
use crate::clock::Clock;
use crate::credential::encoding::Ref;
use crate::error::{Error, Place, Result};
use crate::problem::rule_text;
use crate::texts::{self, Arg, Language};

/// The longest secret or review that is read, in bytes.
const INPUT_SIZE_MAX: u64 = 64 * 1024;

/// What a reviewer can do.
#[derive(Subcommand)]
pub(super) enum PeerCommand {
    /// Log in and collect all credentials of a round into a card.
    ///
    /// Run it again after a cut: the same requests are sent. The ten groups of the digest stand in the Council's order.
    /// Example: ejf peer collect --registry https://registry.sjc.example --box https://box.sjc.example --login a.seitova
    /// --card card.json --digest "0f3a 77c1 …"
    Collect(CollectArguments),
    /// Send a review to the box, without any login, and keep its receipt in the card.
    ///
    /// A review that differs from the one sent before replaces it, until the box closes. Not from the court's network,
    /// and not on a day when you log in to the service.
    /// Example: ejf peer submit review.json --card card.json --box https://box.sjc.example
    Submit(SubmitArguments),
    /// Print a review file to fill in.
    ///
    /// Marks are null until filled in, which means "no basis"; `statements` takes codes of the form.
    /// Example: ejf peer example --card card.json --subject Ae4Rr7vN1mKp0sXyZ2bC3g > review.json
    Example(ExampleArguments),
}

/// The arguments of `ejf peer collect`.
#[derive(Args)]
pub(super) struct CollectArguments {
    /// Where the registry is.
    #[arg(long, value_name = "URL", value_parser = address)]
    registry: String,
    /// Where the ballot box is.
    #[arg(long = "box", value_name = "URL", value_parser = address)]
    ballot_box: String,
    /// The name to log in with.
    #[arg(long, value_name = "NAME")]
    login: String,
    /// The ten groups of four hex digits printed in the Council's order; asked for if left out.
    #[arg(long, value_name = "WORDS")]
    digest: Option<String>,
    /// A file whose first line is the password; asked for if left out.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// How the key of a new card is made of the passphrase.
    #[arg(long, value_enum, default_value = "pbkdf2-sha512")]
    kdf: KdfName,
    #[command(flatten)]
    card: CardArguments,
}

/// The arguments of `ejf peer submit`.
#[derive(Args)]
pub(super) struct SubmitArguments {
    /// The review: subject_ref or assignment_id, marks, statements.
    #[arg(value_name = "REVIEW.json")]
    review: PathBuf,
    /// Where the ballot box is.
    #[arg(long = "box", value_name = "URL", value_parser = address)]
    ballot_box: String,
    #[command(flatten)]
    card: CardArguments,
}

/// The arguments of `ejf peer example`.
#[derive(Args)]
pub(super) struct ExampleArguments {
    /// For which subject; without it, and if the card has several, they are listed.
    #[arg(long, value_name = "SUBJECT_REF")]
    subject: Option<Ref>,
    #[command(flatten)]
    card: CardArguments,
}

/// What each of the commands takes.
#[derive(Args)]
struct CardArguments {
    /// The card: an encrypted file that only you keep.
    #[arg(long = "card", value_name = "FILE")]
    path: PathBuf,
    /// A file whose first line is the card's passphrase; asked for if left out.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// The language of the messages: kk, ru or en; else that of the environment.
    #[arg(long, value_parser = language)]
    language: Option<Language>,
}

#[derive(Clone, Copy, ValueEnum)]
enum KdfName {
    /// PBKDF2; the browser's booth reads the card as well.
    #[value(name = "pbkdf2-sha512")]
    Pbkdf2Sha512,
    /// Argon2id, costlier to guess; only this program reads the card.
    #[value(name = "argon2id")]
    Argon2id,
}

/// Why a command stops: the client's reason, or a file of the reviewer's that cannot be read.
enum Stop {
    Client(Failure),
    File(PathBuf),
}

/// Runs one command and tells its outcome in words.
pub(super) fn run(command: PeerCommand) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::internal)?;
    let language = match &command {
        PeerCommand::Collect(arguments) => arguments.card.language,
        PeerCommand::Submit(arguments) => arguments.card.language,
        PeerCommand::Example(arguments) => arguments.card.language,
    };
    let language = language.unwrap_or_else(language_of_environment);
    let outcome = match command {
        PeerCommand::Collect(arguments) => runtime.block_on(run_collect(&arguments, language)),
        PeerCommand::Submit(arguments) => runtime.block_on(run_submit(&arguments, language)),
        PeerCommand::Example(arguments) => run_example(&arguments, language),
    };
    match outcome {
        Ok(code) => Ok(code),
        Err(Stop::Client(failure)) => {
            complain(&words(&failure, language));
            Ok(exit_code(&failure))
        }
        Err(Stop::File(path)) => {
            complain(&texts::text(language, "peer-file-unreadable", &[("file", Arg::Text(&shown(&path)))]));
            Ok(USAGE)
        }
    }
}

async fn run_collect(arguments: &CollectArguments, language: Language) -> std::result::Result<u8, Stop> {
    let password = secret(arguments.password_file.as_deref(), "peer-ask-password", language)?;
    let passphrase = secret(arguments.card.passphrase_file.as_deref(), "peer-ask-passphrase", language)?;
    let digest = match &arguments.digest {
        Some(digest) => digest.clone(),
        None => line("peer-ask-digest", language)?.to_string(),
    };
    let mut held = match Held::open(&arguments.card.path, &passphrase) {
        Err(Failure::Card(CardFailure::Missing)) => {
            let kdf = match arguments.kdf {
                KdfName::Pbkdf2Sha512 => Kdf::Pbkdf2Sha512,
                KdfName::Argon2id => Kdf::Argon2id,
            };
            Held::create(&arguments.card.path, &passphrase, kdf)?
        }
        other => other?,
    };
    let places = Places { registry: arguments.registry.clone(), ballot_box: arguments.ballot_box.clone() };
    let login = Login::Password { login: &arguments.login, password: &password };
    let collected = collect(&places, &login, &digest, &mut held, Clock::System.now()).await?;
    let (fresh, ready) = (collected.fresh_count.to_string(), collected.ready_count.to_string());
    let counts = [("fresh", Arg::Text(&fresh)), ("ready", Arg::Text(&ready))];
    say(&format!("{}\n", texts::text(language, "peer-collected", &counts)));
    if let Some(card) = held.card() {
        say(&subjects(card));
    }
    complain(&texts::text(language, "peer-advice", &[]));
    Ok(DONE)
}

async fn run_submit(arguments: &SubmitArguments, language: Language) -> std::result::Result<u8, Stop> {
    let text = read(&arguments.review)?;
    let mut held = open(&arguments.card, language)?;
    let card = held.card().ok_or(Failure::Card(CardFailure::Missing))?;
    let draft = Draft::read(card, &text)?;
    let receipt = review::submit(&arguments.ballot_box, &mut held, &draft, Clock::System.now()).await?;
    let shown_receipt = serde_json::to_string(&receipt).map_err(|error| Failure::Internal(Error::internal(error)))?;
    say(&format!("{shown_receipt}\n"));
    let kept = [("file", Arg::Text(&shown(&arguments.card.path)))];
    complain(&texts::text(language, "peer-receipt-kept", &kept));
    Ok(DONE)
}

fn run_example(arguments: &ExampleArguments, language: Language) -> std::result::Result<u8, Stop> {
    let held = open(&arguments.card, language)?;
    let card = held.card().ok_or(Failure::Card(CardFailure::Missing))?;
    let subject = match (&arguments.subject, card.credentials.as_slice()) {
        (Some(subject_ref), _) => card.subject(subject_ref),
        (None, [only]) => Some(only),
        (None, _) => {
            complain(&texts::text(language, "peer-choose-subject", &[]));
            complain(subjects(card).trim_end());
            return Ok(USAGE);
        }
    };
    let subject = subject.ok_or(Failure::Idle(crate::client::failure::Idle::NoCredential))?;
    let text = serde_json::to_string_pretty(&review::example(subject))
        .map_err(|error| Failure::Internal(Error::internal(error)))?;
    say(&format!("{text}\n"));
    // On the other stream, so that a redirected example stays a review file.
    complain(&subject.subject_name);
    for item in &subject.instrument.items {
        complain(&format!("  {}: {}..{}, null", item.code, item.min, item.max));
    }
    let (max, statements) = (subject.instrument.max_statements, subject.instrument.statements.join(" "));
    complain(&format!("  statements 0..{max}: {statements}"));
    Ok(DONE)
}

fn open(arguments: &CardArguments, language: Language) -> std::result::Result<Held, Stop> {
    let passphrase = secret(arguments.passphrase_file.as_deref(), "peer-ask-passphrase", language)?;
    Ok(Held::open(&arguments.path, &passphrase)?)
}

/// The subjects of a card, one a line: the name that a review file needs, and the judge's.
fn subjects(card: &Card) -> String {
    card.credentials.iter().map(|held| format!("{}  {}\n", held.subject_ref, held.subject_name)).collect()
}

fn words(failure: &Failure, language: Language) -> String {
    let say = |key: &str| texts::text(language, key, &[]);
    match failure {
        Failure::Alarm(alarm) => {
            format!("{}\n{}", say(&format!("peer-alarm-{}", alarm.as_str())), say("peer-alarm-advice"))
        }
        Failure::Refused(code) => {
            // Some details name a number of seconds, which only the server's answer had.
            let detail = texts::plain(language, &format!("{}-detail", code.as_str()));
            detail.map_or_else(|| say(&format!("{}-title", code.as_str())), str::to_owned)
        }
        Failure::Unreachable(address) => texts::text(language, "peer-unreachable", &[("address", Arg::Text(address))]),
        Failure::UnexpectedAnswer(address, status) => {
            let args = [("address", Arg::Text(address)), ("status", Arg::Text(&status.to_string()))];
            texts::text(language, "peer-unexpected", &args)
        }
        Failure::Card(fault) => say(&format!("peer-card-{}", fault.as_str())),
        Failure::Review(faults) => {
            let mut text = say("peer-review-refused");
            for fault in faults {
                let (Place::Pointer(place) | Place::Parameter(place)) = &fault.place;
                let place = if place.is_empty() { say("peer-whole") } else { place.clone() };
                text.push_str(&format!("\n  {place}: {}", rule_text(&fault.rule, language)));
            }
            text
        }
        Failure::Idle(idle) => say(&format!("peer-idle-{}", idle.as_str())),
        Failure::Internal(error) => texts::text(language, "peer-internal", &[("cause", Arg::Text(&error.to_string()))]),
    }
}

fn exit_code(failure: &Failure) -> u8 {
    match failure {
        Failure::Alarm(_) | Failure::Refused(_) | Failure::Review(_) | Failure::Idle(_) => WRONG,
        Failure::Card(_) => USAGE,
        Failure::Unreachable(_) | Failure::UnexpectedAnswer(..) | Failure::Internal(_) => UNREACHABLE,
    }
}

/// A secret from the first line of its file, or asked for without showing what is typed.
fn secret(file: Option<&Path>, question: &str, language: Language) -> std::result::Result<Zeroizing<String>, Stop> {
    if let Some(path) = file {
        let bytes = Zeroizing::new(read(path)?);
        let text = std::str::from_utf8(&bytes).map_err(|_| Stop::File(path.to_owned()))?;
        return Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()));
    }
    if !std::io::stdin().is_terminal() {
        return line(question, language);
    }
    complain(&texts::text(language, question, &[]));
    let typed = console::Term::stderr().read_secure_line().map_err(|_| Stop::File(PathBuf::from("-")))?;
    Ok(Zeroizing::new(typed))
}

/// The next line of standard input; the question is put where somebody sits before it.
fn line(question: &str, language: Language) -> std::result::Result<Zeroizing<String>, Stop> {
    if std::io::stdin().is_terminal() {
        complain(&texts::text(language, question, &[]));
    }
    let mut typed = Zeroizing::new(String::new());
    std::io::stdin().lock().read_line(&mut typed).map_err(|_| Stop::File(PathBuf::from("-")))?;
    Ok(Zeroizing::new(typed.trim_end_matches(['\r', '\n']).to_owned()))
}

fn read(path: &Path) -> std::result::Result<Vec<u8>, Stop> {
    let unreadable = |_| Stop::File(path.to_owned());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(INPUT_SIZE_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// An address to which a password or a review may go: encrypted, or this very machine's.
fn address(text: &str) -> std::result::Result<String, String> {
    let url = reqwest::Url::parse(text).map_err(|_| "not an address such as https://box.sjc.example".to_owned())?;
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() == "https" || (url.scheme() == "http" && is_here) {
        Ok(text.to_owned())
    } else {
        Err("must begin with https:// (http:// goes to this machine alone)".to_owned())
    }
}

pub(super) fn language(text: &str) -> std::result::Result<Language, String> {
    Language::from_tag(text).ok_or_else(|| "kk, ru or en".to_owned())
}

/// The language of the messages where none is named, as other programs choose theirs; English as in the help.
pub(super) fn language_of_environment() -> Language {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(std::env::var_os)
        .filter_map(|value| value.into_string().ok()) // An unreadable locale is none.
        .find(|value| !value.is_empty())
        .and_then(|value| Language::from_tag(value.split(['_', '.', '@']).next()?))
        .unwrap_or(Language::En)
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Client(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::failure::{Alarm, Idle};
    use crate::error::Code;

    #[test]
    fn every_failure_of_the_client_has_words_in_every_language() {
        let alarms = Alarm::ALL.iter().map(|alarm| Failure::Alarm(*alarm));
        let cards = CardFailure::ALL.iter().map(|fault| Failure::Card(*fault));
        let idles = Idle::ALL.iter().map(|idle| Failure::Idle(*idle));
        let codes = Code::ALL.iter().map(|code| Failure::Refused(*code));
        for failure in alarms.chain(cards).chain(idles).chain(codes) {
            for language in Language::ALL {
                let told = words(&failure, language);
                // A key without its text shows itself.
                assert!(!told.starts_with("peer-") && told.contains(' '), "{told}");
            }
        }
    }

    #[test]
    fn no_password_goes_over_a_network_unencrypted() {
        for good in ["https://box.sjc.example", "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:1/"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in ["http://box.sjc.example", "http://127.0.0.1.sjc.example", "ftp://localhost", "box.sjc.example"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
