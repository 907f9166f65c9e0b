//! Questions to the reviewer, and files of hers. What a newcomer would get wrong: a prompt that only a terminal sees. Every
//! question can be answered over a pipe, line by line, in the same order.

use std::io::{BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::arguments::CardArguments;
use super::voice::Voice;
use super::{Outcome, Stop};
use crate::cli::{complain, say};
use crate::client::card::{Card, Held};

/// The longest secret, review or manifest that is read, in bytes.
const INPUT_SIZE_MAX: u64 = 32 * 1024 * 1024;

/// The card of a command.
pub(super) fn open(arguments: &CardArguments, voice: Voice) -> Outcome<Held> {
    let passphrase = secret(arguments.passphrase_file.as_deref(), "peer-ask-passphrase", voice)?;
    Ok(Held::open(&arguments.path, &passphrase)?)
}

/// A secret from the first line of its file, or asked for without showing what is typed.
pub(super) fn secret(file: Option<&Path>, question: &str, voice: Voice) -> Outcome<Zeroizing<String>> {
    if let Some(path) = file {
        let bytes = Zeroizing::new(read(path)?);
        let text = std::str::from_utf8(&bytes).map_err(|_| Stop::File(path.to_owned()))?;
        return Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()));
    }
    if !std::io::stdin().is_terminal() {
        return line();
    }
    complain(&voice.plain(question));
    let typed = console::Term::stderr().read_secure_line().map_err(|_| Stop::File(PathBuf::from("-")))?;
    Ok(Zeroizing::new(typed))
}

/// The next line of standard input; the question is put where somebody sits before it.
pub(super) fn ask(question: &str, voice: Voice) -> Outcome<Zeroizing<String>> {
    if std::io::stdin().is_terminal() {
        complain(&voice.plain(question));
    }
    line()
}

/// True if the reviewer says yes to a question that is always shown.
pub(super) fn confirm(question: &str, voice: Voice) -> Outcome<bool> {
    say(&format!("{}\n", voice.plain(question)));
    Ok(voice.is_yes(&line()?))
}

/// The next line of standard input; [`Stop::Cut`] at its end.
pub(super) fn line() -> Outcome<Zeroizing<String>> {
    let mut typed = Zeroizing::new(String::new());
    let size = std::io::stdin().lock().read_line(&mut typed).map_err(|_| Stop::File(PathBuf::from("-")))?;
    if size == 0 {
        return Err(Stop::Cut);
    }
    Ok(Zeroizing::new(typed.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A file of the reviewer's.
pub(super) fn read(path: &Path) -> Outcome<Vec<u8>> {
    let unreadable = |_| Stop::File(path.to_owned());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(INPUT_SIZE_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// A path for the eye.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The subjects of a card, one a line: the name that a review file needs, and the judge's.
pub(super) fn subjects(card: &Card) -> String {
    card.credentials.iter().map(|held| format!("{}  {}\n", held.subject_ref, held.subject_name)).collect()
}
