//! `ejf booth`: the reviewer's pages as files, and their hashes. What a newcomer would get wrong: believing the hash that a
//! page shows of itself. Whoever prints or compares one takes it from here, of a program that was checked.

use clap::Subcommand;

use super::{DONE, Half, say};
use crate::booth::{Page, Places, Side};
use crate::config::Config;
use crate::domain::hex::hex;
use crate::error::Result;

/// What can be told of the pages.
#[derive(Subcommand)]
pub(super) enum BoothCommand {
    /// Print the SHA-256 of the pages that this program serves under these settings: in hex, as `sha256sum` of the saved
    /// page shows it, and in base64url, as a manifest names it.
    ///
    /// Depends on EJF_PUBLIC_URL, EJF_BALLOT_PUBLIC_URL, EJF_LANGUAGE and the version of the program.
    /// Example: ejf booth hash
    Hash,
    /// Print a page, for use from a file.
    ///
    /// Example: ejf booth page box > booth.html
    Page {
        /// Whose page: the registry's works from its own address alone.
        side: Half,
    },
}

pub(super) fn run(config: &Config, command: &BoothCommand) -> Result<u8> {
    match command {
        BoothCommand::Hash => {
            for side in Side::ALL {
                let digest = Page::new(side, Places::of(config))?.digest();
                say(&format!("{:<8}  {}  {digest}\n", side.as_str(), hex(&digest.0)));
            }
        }
        BoothCommand::Page { side } => {
            let side = match side {
                Half::Registry => Side::Registry,
                Half::Box => Side::Box,
            };
            say(Page::new(side, Places::of(config))?.html());
        }
    }
    Ok(DONE)
}
