//! Accounts from the server's own shell. A newcomer's usual mistake is to take a password as an argument: the list of
//! processes would show it, so it is asked for, or read from standard input.

use std::io::{BufRead, IsTerminal, Read};

use clap::Subcommand;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::{DONE, USAGE, WRONG, complain, say};
use crate::app;
use crate::auth::password;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::caller::is_login_name;
use crate::domain::judge_file::{Check, NAME_LENGTH_MAX};
use crate::domain::policy::StaffRole;
use crate::error::{Code, Error, Result};

#[derive(Subcommand)]
pub(super) enum AccountCommand {
    /// Add an account; the password is asked for, or is the first line of standard input.
    ///
    /// Example: ejf account add a.nurlanova --role secretary --name "Нұрланова Айгүл" < password.txt
    Add {
        /// The name to log in with.
        login: String,
        /// administrator, secretary, member, appeal_member or auditor.
        #[arg(long)]
        role: StaffRole,
        /// Whose account it is: judges whose file is read are told so.
        #[arg(long)]
        name: Option<String>,
    },
}

/// Does what is asked.
pub(super) async fn run(config: &Config, command: AccountCommand) -> Result<u8> {
    match command {
        AccountCommand::Add { login, role, name } => add(config, &login, role, name.as_deref()).await,
    }
}

async fn add(config: &Config, login: &str, role: StaffRole, name: Option<&str>) -> Result<u8> {
    let password = ask_password()?;
    if !is_login_name(login) {
        complain("ejf: a login has 3 to 64 of a-z 0-9 . _ -");
        return Ok(USAGE);
    }
    if password::check_strength(&password, login, "").is_err() {
        complain("ejf: the password needs 15 to 128 characters and must not be easily guessed; several words do well");
        return Ok(USAGE);
    }
    let mut check = Check::default();
    check.optional_text("", name, NAME_LENGTH_MAX);
    if check.done().is_err() {
        complain("ejf: a name has 1 to 200 characters");
        return Ok(USAGE);
    }
    let registry = app::open_registry(config, Clock::System.now()).await?;
    let new = app::NewStaff { login, role, full_name: name, password: &password };
    match app::add_account(&registry, config, new, Clock::System.now()).await {
        Ok(()) => {
            say(&format!("{login} may log in\n"));
            Ok(DONE)
        }
        Err(error) if error.code() == Code::AlreadyExists => {
            complain(&format!("ejf: there is an account {login} already"));
            Ok(WRONG)
        }
        Err(error) => Err(error),
    }
}

/// A password from the terminal, without showing it, or the first line of standard input; in the form in which a log-in
/// is read.
fn ask_password() -> Result<Zeroizing<String>> {
    if std::io::stdin().is_terminal() {
        complain("password (15 to 128 characters):");
        let line = console::Term::stderr().read_secure_line().map(Zeroizing::new).map_err(Error::internal)?;
        return Ok(Zeroizing::new(line.nfc().collect()));
    }
    let mut line = Zeroizing::new(String::new());
    std::io::stdin().lock().take(1024).read_line(&mut line).map_err(Error::internal)?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).nfc().collect()))
}
