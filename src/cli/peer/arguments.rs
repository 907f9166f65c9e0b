//! What the reviewer's commands take.
//!
//! What a newcomer would get wrong: a password, a passphrase or a mark as an argument would stand in the list of processes
//! and in the shell's history, so none of them is one.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::client::pinned::Places;
use crate::client::sealed_file::Kdf;
use crate::credential::encoding::Ref;
use crate::texts::Language;

/// The arguments of `ejf peer collect`.
#[derive(Args)]
pub(in crate::cli) struct CollectArguments {
    #[command(flatten)]
    pub(super) places: PlaceArguments,
    /// The name to log in with.
    #[arg(long, value_name = "NAME")]
    pub(super) login: String,
    /// A file whose first line is the password; asked for if left out.
    #[arg(long, value_name = "FILE")]
    pub(super) password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) digest: DigestArgument,
    /// How the key of a new card is made of the passphrase.
    #[arg(long, value_enum, default_value = "pbkdf2-sha512")]
    pub(super) kdf: KdfName,
    #[command(flatten)]
    pub(super) card: CardArguments,
}

/// The arguments of `ejf peer pin`.
#[derive(Args)]
pub(in crate::cli) struct PinArguments {
    #[command(flatten)]
    pub(super) places: PlaceArguments,
    #[command(flatten)]
    pub(super) digest: DigestArgument,
    /// The manifests between the card's and the one in force, oldest first, where the card has missed some.
    #[arg(long, value_name = "MANIFEST.json", num_args = 1..)]
    pub(super) between: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) card: CardArguments,
}

/// The arguments of `ejf peer status`.
#[derive(Args)]
pub(in crate::cli) struct StatusArguments {
    /// Also ask the registry for the assignments, as this account; not on a day on which you send.
    #[arg(long, value_name = "NAME", requires = "registry")]
    pub(super) login: Option<String>,
    /// Where the registry is; needed to log in alone.
    #[arg(long, value_name = "URL", value_parser = address, requires = "login")]
    pub(super) registry: Option<String>,
    /// A file whose first line is the password; asked for if left out.
    #[arg(long, value_name = "FILE", requires = "login")]
    pub(super) password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) card: CardArguments,
}

/// The arguments of `ejf peer form` and `ejf peer example`.
#[derive(Args)]
pub(in crate::cli) struct SubjectArguments {
    /// For which subject, by the name that `ejf peer status` shows.
    #[arg(long, value_name = "SUBJECT_REF")]
    pub(super) subject: Option<Ref>,
    #[command(flatten)]
    pub(super) card: CardArguments,
}

/// The arguments of `ejf peer submit`.
#[derive(Args)]
pub(in crate::cli) struct SubmitArguments {
    /// Review files: subject_ref or assignment_id, marks, statements. Without any, what `ejf peer form` has kept is sent.
    #[arg(value_name = "REVIEW.json")]
    pub(super) reviews: Vec<PathBuf>,
    /// Send each review at a random moment of the window, and wait for it; can be cut and run again.
    #[arg(long)]
    pub(super) spread: bool,
    #[command(flatten)]
    pub(super) sending: SendingArguments,
    #[command(flatten)]
    pub(super) card: CardArguments,
}

/// The arguments of `ejf peer withdraw`.
#[derive(Args)]
pub(in crate::cli) struct WithdrawArguments {
    /// Whose review, by the name that `ejf peer status` shows.
    #[arg(long, value_name = "SUBJECT_REF")]
    pub(super) subject: Ref,
    /// Do not ask once more.
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) sending: SendingArguments,
    #[command(flatten)]
    pub(super) card: CardArguments,
}

/// The arguments of `ejf peer check`.
#[derive(Args)]
pub(in crate::cli) struct CheckArguments {
    #[command(flatten)]
    pub(super) places: PlaceArguments,
    /// Where receipts of missing reviews are written, one in each file; the card's folder if left out.
    #[arg(long, value_name = "FOLDER")]
    pub(super) proofs: Option<PathBuf>,
    #[command(flatten)]
    pub(super) card: CardArguments,
}

/// The arguments of `ejf peer complain`.
#[derive(Args)]
pub(in crate::cli) struct ComplainArguments {
    /// One receipt, as `ejf peer check` has written it.
    #[arg(value_name = "RECEIPT.json")]
    pub(super) receipt: PathBuf,
    /// Where the ballot box is.
    #[arg(long = "box", value_name = "URL", value_parser = address)]
    pub(super) ballot_box: String,
    #[command(flatten)]
    pub(super) speech: SpeechArguments,
}

/// The arguments of `ejf peer destroy`.
#[derive(Args)]
pub(in crate::cli) struct DestroyArguments {
    /// Also without a successful check: a review that is missing in the list can then be proven by nobody.
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) card: CardArguments,
}

/// The two services, of which neither is believed alone.
#[derive(Args)]
pub(super) struct PlaceArguments {
    /// Where the registry is.
    #[arg(long, value_name = "URL", value_parser = address)]
    registry: String,
    /// Where the ballot box is.
    #[arg(long = "box", value_name = "URL", value_parser = address)]
    ballot_box: String,
}

/// How a review goes out.
#[derive(Args)]
pub(super) struct SendingArguments {
    /// Where the ballot box is.
    #[arg(long = "box", value_name = "URL", value_parser = address)]
    pub(super) ballot_box: String,
    /// How often the same bytes are sent until a receipt comes: 5 times, with --spread until the window closes.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) attempts: Option<u32>,
}

/// What is printed in the Council's order.
#[derive(Args)]
pub(super) struct DigestArgument {
    /// The ten groups of four hex digits printed in the Council's order, or the text of its QR code; asked for if left out.
    #[arg(long, value_name = "WORDS")]
    pub(super) digest: Option<String>,
}

/// The card, and how it opens.
#[derive(Args)]
pub(in crate::cli) struct CardArguments {
    /// The card: an encrypted file that only you keep.
    #[arg(long = "card", value_name = "FILE")]
    pub(super) path: PathBuf,
    /// A file whose first line is the card's passphrase; asked for if left out.
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) speech: SpeechArguments,
}

/// In which language a command speaks.
#[derive(Args)]
pub(in crate::cli) struct SpeechArguments {
    /// The language of the messages: kk, ru or en; else that of the environment.
    #[arg(long, visible_alias = "lang", value_parser = language)]
    pub(super) language: Option<Language>,
}

/// How a card's key is made.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum KdfName {
    /// PBKDF2; the browser's booth reads the card as well.
    #[value(name = "pbkdf2-sha512")]
    Pbkdf2Sha512,
    /// Argon2id, costlier to guess; only this program reads the card.
    #[value(name = "argon2id")]
    Argon2id,
}

impl PlaceArguments {
    pub(super) fn places(&self) -> Places {
        Places { registry: self.registry.clone(), ballot_box: self.ballot_box.clone() }
    }
}

impl From<KdfName> for Kdf {
    fn from(name: KdfName) -> Self {
        match name {
            KdfName::Pbkdf2Sha512 => Kdf::Pbkdf2Sha512,
            KdfName::Argon2id => Kdf::Argon2id,
        }
    }
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

pub(in crate::cli) fn language(text: &str) -> std::result::Result<Language, String> {
    Language::from_tag(text).ok_or_else(|| "kk, ru or en".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
