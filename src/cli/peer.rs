//! `ejf peer`: the reviewer's commands. What they do is in [`client`](crate::client); here are arguments, questions and
//! words.
//!
//! What a newcomer would get wrong: a password or passphrase as an argument would stand in the list of processes and in
//! the shell's history, so both come from a file or are asked for. And only `collect`, and `status` where it is told to,
//! log in: a reviewer who could log in while submitting would be found by it.

mod arguments;
mod asking;
mod calibrating;
mod collecting;
mod ending;
mod filling;
mod sending;
mod voice;

use std::path::PathBuf;

use arguments::{
    CardArguments, CheckArguments, CollectArguments, ComplainArguments, DestroyArguments, PinArguments,
    SpeechArguments, StatusArguments, SubjectArguments, SubmitArguments, WithdrawArguments,
};
use clap::Subcommand;
use voice::{Voice, exit_code};

pub(super) use arguments::language;
pub(super) use voice::language_of_environment;

use super::{DONE, USAGE, complain};
use crate::client::failure::{Failure, Moment};
use crate::clock::Clock;
use crate::error::{Error, Result};

/// What a reviewer can do, in the order in which it is done.
#[derive(Subcommand)]
pub(super) enum PeerCommand {
    /// Say in plain words why nobody can tell who wrote a review, and what a reviewer has to do for it.
    ///
    /// Example: ejf peer explain --lang kk
    Explain(SpeechArguments),
    /// Log in and collect all credentials of a round, and the words of its forms, into a card.
    ///
    /// Run it again after a cut: the same requests are sent. The ten groups of the digest stand in the Council's order.
    /// Example: ejf peer collect --registry https://registry.sjc.example --box https://box.sjc.example --login a.seitova
    /// --card card.json --digest "0f3a 77c1 …"
    Collect(CollectArguments),
    /// Bind the card to a later generation of the manifest, by its own printed digest, without any login.
    ///
    /// Shows which subjects changed; for those, collect anew.
    /// Example: ejf peer pin --card card.json --registry https://registry.sjc.example --box https://box.sjc.example
    Pin(PinArguments),
    /// Show the round, the subjects, what the card holds of each, and what can be done today.
    ///
    /// Reads the card alone unless told to log in.
    /// Example: ejf peer status --card card.json
    Status(StatusArguments),
    /// Practise on invented cases, and see what the methodology marks and why; nothing is kept or sent.
    ///
    /// Before the first review. Works over a pipe: one answer a line.
    /// Example: ejf peer calibrate --card card.json --lang kk
    Calibrate(CardArguments),
    /// Fill in a review, question by question, and keep it in the card; nothing is sent.
    ///
    /// Works over a pipe: one answer a line. For a review that was sent, the next `submit` sends the new one in its place.
    /// Example: ejf peer form --card card.json --lang kk
    Form(SubjectArguments),
    /// Print a review file to fill in instead of the form.
    ///
    /// Marks are null until filled in, which means "no basis"; `statements` takes codes of the form.
    /// Example: ejf peer example --card card.json --subject Ae4Rr7vN1mKp0sXyZ2bC3g > review.json
    Example(SubjectArguments),
    /// Send reviews to the box, without any login, and keep their receipts in the card.
    ///
    /// A review that differs from the one sent before replaces it, until the box closes: to revise is to submit again.
    /// Not from the court's network, and not on a day when you log in to the service.
    /// Example: ejf peer submit --spread --card card.json --box https://box.sjc.example
    Submit(SubmitArguments),
    /// Take back the review of one subject: it then counts for nothing, until another is sent.
    ///
    /// Example: ejf peer withdraw --subject Ae4Rr7vN1mKp0sXyZ2bC3g --card card.json --box https://box.sjc.example
    Withdraw(WithdrawArguments),
    /// After the seal, look for every receipt of the card in the signed list.
    ///
    /// Exit 1 where one is missing; its receipt is written to a file, as the proof.
    /// Example: ejf peer check --card card.json --registry https://registry.sjc.example --box https://box.sjc.example
    Check(CheckArguments),
    /// Complain to the box of a review that is missing in the sealed list; the receipt shows no mark and no name.
    ///
    /// Exit 0 where the box has recorded the proof, 1 where the receipt proves nothing.
    /// Example: ejf peer complain receipt-Jp4….json --box https://box.sjc.example
    Complain(ComplainArguments),
    /// Overwrite and remove the card: from then on nobody can prove who wrote the reviews.
    ///
    /// Only after a successful check.
    /// Example: ejf peer destroy --card card.json
    Destroy(DestroyArguments),
}

/// What a step of a command comes to.
type Outcome<T> = std::result::Result<T, Stop>;

/// Why a command stops: the client's reason, a file of the reviewer's that cannot be used, or no more answers.
enum Stop {
    /// With how far things had gone, which an alarm has to tell.
    Client(Failure, Moment),
    File(PathBuf),
    Cut,
}

/// Runs one command and tells its outcome in words.
pub(super) fn run(command: PeerCommand) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::internal)?;
    let voice = Voice(command.speech().language.unwrap_or_else(language_of_environment));
    match runtime.block_on(execute(&command, voice)) {
        Ok(code) => Ok(code),
        Err(Stop::Client(failure, moment)) => {
            complain(&voice.words(&failure, moment));
            Ok(exit_code(&failure))
        }
        Err(Stop::File(path)) => {
            voice.remark("peer-file-unreadable", &[("file", &asking::shown(&path))]);
            Ok(USAGE)
        }
        Err(Stop::Cut) => {
            voice.remark("peer-input-ended", &[]);
            Ok(USAGE)
        }
    }
}

async fn execute(command: &PeerCommand, voice: Voice) -> Outcome<u8> {
    let clock = Clock::System;
    match command {
        PeerCommand::Explain(_) => {
            voice.say("peer-explanation", &[]);
            Ok(DONE)
        }
        PeerCommand::Collect(arguments) => collecting::run_collect(arguments, voice, clock.now()).await,
        PeerCommand::Pin(arguments) => collecting::run_pin(arguments, voice, clock.now()).await,
        PeerCommand::Status(arguments) => collecting::run_status(arguments, voice, clock.now()).await,
        PeerCommand::Calibrate(card) => calibrating::run_calibrate(card, voice),
        PeerCommand::Form(arguments) => filling::run_form(arguments, voice),
        PeerCommand::Example(arguments) => filling::run_example(arguments, voice),
        PeerCommand::Submit(arguments) => sending::run_submit(arguments, voice, &clock).await,
        PeerCommand::Withdraw(arguments) => sending::run_withdraw(arguments, voice, &clock).await,
        PeerCommand::Check(arguments) => ending::run_check(arguments, voice).await,
        PeerCommand::Complain(arguments) => ending::run_complain(arguments, voice).await,
        PeerCommand::Destroy(arguments) => ending::run_destroy(arguments, voice),
    }
}

impl PeerCommand {
    fn speech(&self) -> &SpeechArguments {
        match self {
            PeerCommand::Explain(speech) => speech,
            PeerCommand::Collect(arguments) => &arguments.card.speech,
            PeerCommand::Pin(arguments) => &arguments.card.speech,
            PeerCommand::Status(arguments) => &arguments.card.speech,
            PeerCommand::Calibrate(card) => &card.speech,
            PeerCommand::Form(arguments) | PeerCommand::Example(arguments) => &arguments.card.speech,
            PeerCommand::Submit(arguments) => &arguments.card.speech,
            PeerCommand::Withdraw(arguments) => &arguments.card.speech,
            PeerCommand::Check(arguments) => &arguments.card.speech,
            PeerCommand::Complain(arguments) => &arguments.speech,
            PeerCommand::Destroy(arguments) => &arguments.card.speech,
        }
    }
}

impl From<Failure> for Stop {
    /// For steps that speak to no server: what does raises alarms, and names its moment.
    fn from(failure: Failure) -> Self {
        Stop::Client(failure, Moment::Before)
    }
}
