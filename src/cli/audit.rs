//! `ejf audit`: checkpoints of the audit log, and whether the log is still the one that they were signed over.
//!
//! What a newcomer would get wrong: `verify` is the auditor's. It asks nothing of the running service and trusts nothing
//! that lies beside the database, if the key and the checkpoints are given that were kept elsewhere.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::peer::{language, language_of_environment};
use super::{DONE, USAGE, WRONG, complain, configuration, say};
use crate::app;
use crate::audit_log::{self, AuditLog, Breach, Candidate, Folder, Kept, Outcome, Report};
use crate::cipher::Cipher;
use crate::config::Config;
use crate::credential::note::VerifierKey;
use crate::db::{Db, Location, Purpose};
use crate::error::Result;
use crate::texts::{self, Arg, Language};

/// Something that has to be read cannot be; the log is neither found good nor bad.
const UNREADABLE: u8 = USAGE;

#[derive(Subcommand)]
pub(super) enum AuditCommand {
    /// Write a checkpoint now, if the log has grown since the last one.
    ///
    /// The service does so each hour and when it stops; before a copy is taken away is another good moment. Exit 1 where
    /// the log has a gap or is not the one of earlier checkpoints: such a log is not signed. Exit 2: there is no registry.
    /// Example: ejf audit checkpoint
    Checkpoint,
    /// Print the key that checks the signatures of checkpoints.
    ///
    /// It belongs in an order of the Council: an auditor takes it from there and from nowhere else. The service makes it at
    /// its first start; exit 2 before that.
    /// Example: ejf audit key
    Key,
    /// Hold the audit log against its checkpoints.
    ///
    /// Reads the whole log in one snapshot, while the service runs or not, and needs none of its secrets. Exit 0: the log
    /// agrees with every checkpoint. Exit 1: something covered by a checkpoint was deleted, altered, reordered or cut; it
    /// lies between the last checkpoint that agrees and the first that fails. Exit 2: something cannot be read.
    ///
    /// A checkpoint protects the entries that it covers, for whoever has it: who can delete the last entries on the server
    /// can delete the checkpoints there as well, and sign others. So keep copies elsewhere, and give them with
    /// --checkpoint. Checkpoints that are missing in between are no fault.
    /// Example: ejf audit verify --database-url postgres://auditor@db/registry --checkpoint kept/2027-02 --key
    /// "registry.sjc.example/audit+1f2e3d4c+AT9h…"
    Verify(VerifyArguments),
}

/// The arguments of `ejf audit verify`.
#[derive(Args)]
pub(super) struct VerifyArguments {
    /// The registry's database; without it, the settings of this server tell it and the folder of checkpoints.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// A folder of checkpoints, as EJF_AUDIT_DIR is.
    #[arg(long, value_name = "DIR")]
    checkpoints: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere; may be said more than once.
    #[arg(long = "checkpoint", value_name = "FILE")]
    copies: Vec<PathBuf>,
    /// The key that must have signed them, as `ejf audit key` printed it; may be said more than once, where the log has
    /// had several. Without it, the one that lies beside the checkpoints.
    #[arg(long = "key", value_name = "VKEY", value_parser = verifier_key)]
    keys: Vec<VerifierKey>,
    /// The language of the messages: kk, ru or en; else that of the environment.
    #[arg(long, value_parser = language)]
    language: Option<Language>,
}

/// What is held against what.
struct Evidence {
    database: Location,
    candidates: Vec<Candidate>,
    keys: Vec<VerifierKey>,
}

/// Writes a checkpoint.
pub(super) async fn checkpoint(config: &Config) -> Result<u8> {
    let language = language_of_environment();
    // Opening a path without a file would make one.
    if let Location::Sqlite(path) = &config.database
        && !path.is_file()
    {
        return Ok(unreadable(language, &path.display().to_string()));
    }
    let cipher = Cipher::new(*app::column_key(config)?.0);
    let log = app::open_audit_log(config, &cipher)?;
    let registry = Db::open_registry(&config.database, 1)?;
    match log.checkpoint(&registry).await? {
        Outcome::Written(size) => {
            let (size, folder) = (size.to_string(), config.audit_dir.display().to_string());
            tell(language, "audit-written", &[("size", Arg::Text(&size)), ("folder", Arg::Text(&folder))]);
            Ok(DONE)
        }
        Outcome::Unchanged(size) => {
            tell(language, "audit-unchanged", &[("size", Arg::Text(&size.to_string()))]);
            Ok(DONE)
        }
        Outcome::Refused(report) => {
            tell_faults(language, &report);
            Ok(WRONG)
        }
    }
}

/// Prints the verifier key.
pub(super) fn key(config: &Config) -> Result<u8> {
    let cipher = Cipher::new(*app::column_key(config)?.0);
    let Some(log) = AuditLog::load(Folder::new(&config.audit_dir), &cipher)? else {
        let folder = config.audit_dir.display().to_string();
        complain(&texts::text(language_of_environment(), "audit-key-missing", &[("folder", Arg::Text(&folder))]));
        return Ok(UNREADABLE);
    };
    say(&format!("{}\n", log.key().verifier()));
    Ok(DONE)
}

/// Verifies the log and tells what was found.
pub(super) fn verify(arguments: VerifyArguments) -> Result<u8> {
    let language = arguments.language.unwrap_or_else(language_of_environment);
    let evidence = match gather(arguments, language) {
        Ok(Some(evidence)) => evidence,
        Ok(None) => return Ok(UNREADABLE),
        Err(error) => return Ok(unreadable(language, &error.to_string())),
    };
    let (kept, refused) = audit_log::sort_out(evidence.candidates, &evidence.keys);
    let report = match Db::examine(&evidence.database, Purpose::Registry, |conn| audit_log::verify(conn, kept)) {
        Ok(Some(report)) => report,
        Ok(None) => {
            let Location::Sqlite(path) = &evidence.database else { return Ok(UNREADABLE) };
            return Ok(unreadable(language, &path.display().to_string()));
        }
        Err(error) => return Ok(unreadable(language, &error.to_string())),
    };
    tell(language, "audit-entries", &[("count", Arg::Text(&report.entries.to_string()))]);
    for source in &refused {
        tell(language, "audit-refused", &[("source", Arg::Text(source))]);
    }
    tell_faults(language, &report);
    if !report.is_intact() {
        return Ok(WRONG);
    }
    let Some(newest) = report.last_holding() else {
        tell(language, "audit-none", &[]);
        return Ok(if refused.is_empty() { UNREADABLE } else { WRONG });
    };
    let (count, size) = (report.holding.len().to_string(), newest.checkpoint.size.to_string());
    tell(language, "audit-holds", &[("count", Arg::Text(&count)), ("size", Arg::Text(&size))]);
    tell(language, "audit-unprotected", &[("count", Arg::Text(&report.unprotected().to_string()))]);
    Ok(if refused.is_empty() { DONE } else { WRONG })
}

/// Reads the checkpoints and finds out the database and the keys; `None` where the reason has been told.
fn gather(arguments: VerifyArguments, language: Language) -> Result<Option<Evidence>> {
    let VerifyArguments { database_url, checkpoints, copies, mut keys, language: _ } = arguments;
    let (database, folder) = match database_url {
        None => {
            let Some(config) = configuration() else { return Ok(None) };
            (config.database, Some(checkpoints.unwrap_or(config.audit_dir)))
        }
        Some(_) if checkpoints.is_none() && copies.is_empty() => {
            complain(&texts::text(language, "audit-no-place", &[]));
            return Ok(None);
        }
        Some(url) => match Location::parse(&url) {
            Ok(database) => (database, checkpoints),
            Err(form) => {
                unreadable(language, &format!("--database-url {form}"));
                return Ok(None);
            }
        },
    };
    let mut candidates = Vec::new();
    if let Some(path) = folder {
        if !path.is_dir() {
            unreadable(language, &path.display().to_string());
            return Ok(None);
        }
        let folder = Folder::new(path);
        candidates = folder.candidates(0)?;
        if keys.is_empty()
            && let Some(own) = audit_log::own_verifier(&folder)?
        {
            complain(&texts::text(language, "audit-own-key", &[]));
            keys.push(own);
        }
    }
    if keys.is_empty() {
        complain(&texts::text(language, "audit-no-key", &[]));
        return Ok(None);
    }
    for copy in copies {
        let source = copy.display().to_string();
        match std::fs::read(copy) {
            Ok(bytes) => candidates.push(Candidate { source, bytes }),
            Err(error) => {
                unreadable(language, &format!("{source}: {error}"));
                return Ok(None);
            }
        }
    }
    Ok(Some(Evidence { database, candidates, keys }))
}

/// All that is wrong with the log, a line each.
fn tell_faults(language: Language, report: &Report) {
    let line = |key: &str, kept: &Kept| {
        let (source, size) = (kept.source.as_str(), kept.checkpoint.size.to_string());
        tell(language, key, &[("source", Arg::Text(source)), ("size", Arg::Text(&size))]);
    };
    match report.breach {
        None => {}
        Some(Breach::Gap { after, next }) => {
            let (after, next) = (after.to_string(), next.to_string());
            tell(language, "audit-gap", &[("after", Arg::Text(&after)), ("next", Arg::Text(&next))]);
        }
        Some(Breach::Unreadable { after }) => {
            tell(language, "audit-unreadable-entry", &[("after", Arg::Text(&after.to_string()))]);
        }
        Some(Breach::Disguised { sequence }) => {
            tell(language, "audit-disguised", &[("sequence", Arg::Text(&sequence.to_string()))]);
        }
    }
    for failing in &report.failing {
        line("audit-fails", failing);
    }
    if let Some((from, to)) = report.suspects() {
        match report.last_holding() {
            Some(holding) => line("audit-last", holding),
            None => tell(language, "audit-last-none", &[]),
        }
        let (from, to) = (from.to_string(), to.to_string());
        tell(language, "audit-suspects", &[("from", Arg::Text(&from)), ("to", Arg::Text(&to))]);
    }
}

fn tell(language: Language, key: &str, values: &[(&'static str, Arg<'_>)]) {
    say(&format!("{}\n", texts::text(language, key, values)));
}

fn unreadable(language: Language, cause: &str) -> u8 {
    complain(&texts::text(language, "audit-unreadable", &[("cause", Arg::Text(cause))]));
    UNREADABLE
}

fn verifier_key(text: &str) -> std::result::Result<VerifierKey, String> {
    VerifierKey::parse(text).map_err(|_| "expected NAME+8 hex digits+base64, as `ejf audit key` prints it".to_owned())
}
