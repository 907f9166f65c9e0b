//! `ejf export`: a file of a whole list, from the server's own shell. What a newcomer would get wrong: whoever sits at the
//! server is nobody in particular. The file has what an account may see, and the export is on record as that account's.

use std::fs::File;
use std::io::{copy, stdout};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{DONE, USAGE, WRONG, complain};
use crate::api;
use crate::app;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::exports::{Format, ROWS_MAX};
use crate::domain::ids::SessionId;
use crate::domain::judge_file::FilePurpose;
use crate::domain::policy::Actor;
use crate::error::{Error, Result};
use crate::exports::{self, Order, Whole};
use crate::store;
use crate::texts::Language;

/// What is exported, and how.
#[derive(Args)]
pub(super) struct ExportArguments {
    /// The path of the list with its filters, as the API takes them.
    list: String,
    /// The account by whose rights the list is read; the export is recorded as its own.
    #[arg(long = "as", value_name = "LOGIN")]
    login: String,
    /// evaluation, personnel, correction or `own_file`; the judges whom the file names see it.
    #[arg(long)]
    purpose: FilePurpose,
    /// csv, ndjson or xlsx.
    #[arg(long, default_value = "csv")]
    format: Format,
    /// kk, ru or en: in English values are separated by `,`, else by `;`.
    #[arg(long, default_value = "kk", value_parser = language)]
    lang: Language,
    /// The file to make; standard output where none is named.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn language(tag: &str) -> std::result::Result<Language, &'static str> {
    Language::from_tag(tag).ok_or("expected kk, ru or en")
}

/// Makes the file.
pub(super) async fn run(config: &Config, arguments: ExportArguments) -> Result<u8> {
    let ExportArguments { list, login, purpose, format, lang: language, out } = arguments;
    let now = Clock::System.now();
    let registry = app::open_registry(config, now).await?;
    let asked = login.clone();
    let account = registry.0.read(move |conn| store::accounts::find_by_login(conn, &asked)).await?;
    let Some(account) = account.filter(|account| !account.is_closed) else {
        complain(&format!("ejf: there is no open account {login}"));
        return Ok(USAGE);
    };
    let session_id = SessionId(uuid::Uuid::nil());
    let actor =
        Actor { account_id: account.id, session_id, staff_role: account.staff_role, judge_id: account.judge_id };
    let made = async {
        let list = api::list_at(&actor, &list, purpose, language, now)?;
        let folder = config.export_dir.as_path();
        let order = Order { actor: &actor, format, language, rows_max: ROWS_MAX, folder };
        exports::write(&registry, list, &order, now).await
    };
    match made.await {
        Ok(whole) => {
            let row_count = whole.row_count;
            give(whole, out.as_deref())?;
            complain(&format!("{row_count} rows"));
            Ok(DONE)
        }
        Err(Error::Refused(refusal)) => {
            complain(&format!("ejf: {}: {login} may not have that list, or there is none", refusal.code.as_str()));
            Ok(WRONG)
        }
        Err(error) => Err(error),
    }
}

/// Writes the file where it is wanted, for its owner alone.
fn give(mut whole: Whole, out: Option<&Path>) -> Result<()> {
    let written = match out {
        Some(path) => {
            let file = File::options().write(true).create_new(true).mode(0o600).open(path);
            file.and_then(|mut file| copy(&mut whole.file, &mut file))
        }
        None => copy(&mut whole.file, &mut stdout().lock()),
    };
    written.map(drop).map_err(Error::internal)
}
