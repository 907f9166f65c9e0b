//! The commands. Each parses its arguments and calls one function; exit codes: 0 done, 1 the thing checked is wrong, 2
//! usage or configuration, 3 something needed is unreachable.

mod account;
mod audit;
mod bench;
mod booth;
mod client;
mod demo;
mod doctor;
mod draw;
mod export;
mod import;
mod log;
mod migrate;
mod peer;
mod recount;
mod score;
mod serve;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::app;
use crate::config;
use crate::config::Config;
use crate::error::{Error, Result};

const DONE: u8 = 0;
const WRONG: u8 = 1;
const USAGE: u8 = 2;
const UNREACHABLE: u8 = 3;

/// The electronic file of a judge and the blind evaluation of judges by their peers.
///
/// To see what it does: `ejf demo`. To run it: `ejf account add admin --role administrator`, then `ejf serve`; with
/// EJF_DOCS=public the document can be read in a browser at /docs. Settings come from EJF_… variables, which
/// `ejf config variables` lists.
#[derive(Parser)]
#[command(name = "ejf", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run registry and ballot box, or one of them, until stopped.
    ///
    /// Example: EJF_BIND=127.0.0.1:8080 ejf serve
    Serve {
        /// Run this half alone; the other then runs on another machine, where the Council can.
        #[arg(long)]
        only: Option<Half>,
        /// Run the box on a database that would keep the order of reviews: for rehearsals, never for real reviews.
        #[arg(long)]
        rehearsal: bool,
    },
    /// Look after the ballot box.
    #[command(subcommand)]
    Box(BoxCommand),
    /// Bring the database to this program's schema, or check that it is.
    ///
    /// Example: ejf migrate --check
    Migrate {
        /// Change nothing; exit 1 where something is pending.
        #[arg(long)]
        check: bool,
    },
    /// Protect the audit log by checkpoints, and verify it.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Keep accounts from the server's own shell.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Keep machine clients from the server's own shell.
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// Measure what the service does in a second beside what this machine could do.
    ///
    /// Both services run in this process on fresh stores, which are removed at the end, and a lean client in the same
    /// process asks them. It takes a few minutes; run it while nothing else runs.
    /// Example: ejf bench --json
    Bench(bench::BenchArguments),
    /// Print the reviewer's pages, or their hashes.
    #[command(subcommand)]
    Booth(booth::BoothCommand),
    /// Run the whole main job on invented people, through the API, and show what comes out.
    ///
    /// Both services start on free ports of this machine, on stores that are removed at the end. Whoever is on this
    /// machine can reach them meanwhile; passwords are random, and hashed with the OWASP minimum for Argon2id.
    /// Example: ejf demo --judges 10 --seed 7 --trace
    Demo(demo::DemoArguments),
    /// Verify draws.
    #[command(subcommand)]
    Draw(DrawCommand),
    /// Make a file of a whole list, with what an account may see of it; exit 1 where it may not.
    ///
    /// Example: ejf export '/v1/judges?level=district' --as a.nurlanova --purpose personnel --format xlsx --out judges.xlsx
    Export(export::ExportArguments),
    /// Print the API document (OpenAPI 3.1).
    ///
    /// Example: ejf openapi > openapi/openapi.json
    Openapi,
    /// Check the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Ask a running service whether it is ready; for container checks.
    ///
    /// Example: ejf health --only box
    Health {
        /// Ask this half alone.
        #[arg(long)]
        only: Option<Half>,
    },
    /// Send a file of records to a running service, and tell what becomes of each row.
    ///
    /// Templates: GET /v1/imports/templates/{type}. Exit 0: no row was refused. Exit 1: rows were, or the service refuses.
    /// Example: ejf import observations.csv --type observations --login aigul --secret-file password --dry-run
    Import(import::ImportArguments),
    /// The reviewer's side: collect credentials, fill in a review, send it.
    #[command(subcommand)]
    Peer(peer::PeerCommand),
    /// Recount a sealed bundle, offline; exit 0 equal, 1 mismatch with the list, 2 unreadable.
    ///
    /// Every signature, leaf and count is checked, the results are computed anew and compared bit for bit. Compare the
    /// manifest's digest that is printed with the one in the Council's order; the results' digest comes last, and is
    /// what an auditor signs.
    /// Example: tar -xf bundle.tar -C bundle && ejf recount bundle
    /// After a supplementary round: ejf recount second --earlier first
    Recount(recount::RecountArguments),
    Score(score::ScoreArguments),
}

#[derive(Subcommand)]
enum DrawCommand {
    /// Repeat a draw from its record and compare it with what was published; exit 1 where anything differs.
    ///
    /// The record is the answer of `GET /v1/cycles/{cycle_id}/draw-record`, which auditors alone can read; the seed's
    /// commitment and the record's digest stand in the cycle, where everybody in it reads them. The record of the acts that
    /// reviewers read, `GET /v1/evaluations/{evaluation_id}/reading-pack/record`, is repeated likewise; its commitment and
    /// digest stand in the reading pack.
    /// Example: ejf draw verify draw-record.json --commitment 9f3c… --digest 41aa…
    Verify {
        /// The file with the answer, or - for standard input.
        file: std::path::PathBuf,
        /// The `seed_commitment` of the round among the cycle's `draws`.
        #[arg(long)]
        commitment: Option<String>,
        /// The `record_digest` of the round among the cycle's `draws`.
        #[arg(long)]
        digest: Option<String>,
    },
}

/// One of the two services.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Half {
    /// People, files, cycles; with log-in.
    Registry,
    /// Reviews; without.
    Box,
}

#[derive(Subcommand)]
enum BoxCommand {
    /// Examine the box's deployment: whatever would keep what the box must forget, each fault with its remedy.
    ///
    /// Looks at the database engine, the files, this machine, the settings and, with --proxy, the configuration of the
    /// proxy in front of the box; changes nothing, makes no file, and may run beside the service. Exit 0: no fault. Exit
    /// 1: faults. What it cannot see it says. `ejf serve` does not open the box on an engine with faults.
    /// Example: ejf box doctor --proxy deploy/nginx-box.conf
    Doctor(doctor::DoctorArguments),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Read the configuration, tell all its faults at once, and show what holds.
    ///
    /// Example: EJF_BIND=127.0.0.1:9000 ejf config check
    Check,
    /// List the variables with their defaults and forms, as the table of the README.
    ///
    /// Example: ejf config variables
    Variables,
}

/// A PostgreSQL server, for a command that makes stores of its own there.
fn postgres_url(text: &str) -> std::result::Result<String, String> {
    let is_postgres = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    if is_postgres { Ok(text.to_owned()) } else { Err("expected postgres://USER@HOST/DB".to_owned()) }
}

/// Runs the command that the process was called with.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let code = match execute(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("ejf: {error}"));
            UNREACHABLE
        }
    };
    ExitCode::from(code)
}

fn execute(command: Command) -> Result<u8> {
    // Neither the measurement, the demonstration nor a machine that is not the server's runs on the settings of a server.
    let command = match command {
        Command::Audit(audit::AuditCommand::Verify(arguments)) => return audit::verify(arguments),
        Command::Bench(arguments) => return bench::run(arguments),
        Command::Demo(arguments) => return demo::run(arguments),
        Command::Import(arguments) => return import::run(&arguments),
        Command::Peer(command) => return peer::run(command),
        Command::Recount(arguments) => return recount::run(arguments),
        Command::Score(arguments) => return score::run(arguments),
        Command::Draw(DrawCommand::Verify { file, commitment, digest }) => {
            return draw::verify(&file, commitment.as_deref(), digest.as_deref());
        }
        other => other,
    };
    if let Command::Openapi = command {
        say(&app::document_text()?);
        return Ok(DONE);
    }
    if let Command::Config(ConfigCommand::Variables) = command {
        say(&config::table());
        return Ok(DONE);
    }
    let Some(config) = configuration() else { return Ok(USAGE) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::internal)?;
    match command {
        Command::Serve { only, rehearsal } => runtime.block_on(serve::run(&config, only, rehearsal)),
        Command::Audit(audit::AuditCommand::Checkpoint) => runtime.block_on(audit::checkpoint(&config)),
        Command::Audit(audit::AuditCommand::Key) => audit::key(&config),
        Command::Booth(command) => booth::run(&config, &command),
        Command::Box(BoxCommand::Doctor(arguments)) => doctor::run(&config, &arguments),
        Command::Migrate { check } => runtime.block_on(migrate::run(&config, check)),
        Command::Account(command) => runtime.block_on(account::run(&config, command)),
        Command::Client(command) => runtime.block_on(client::run(&config, command)),
        Command::Export(arguments) => runtime.block_on(export::run(&config, arguments)),
        Command::Config(ConfigCommand::Check) => {
            say(&format!("{config:#?}\n"));
            Ok(DONE)
        }
        Command::Health { only } => runtime.block_on(health(&config, only)),
        Command::Audit(audit::AuditCommand::Verify(_))
        | Command::Bench(_)
        | Command::Demo(_)
        | Command::Draw(_)
        | Command::Import(_)
        | Command::Openapi
        | Command::Peer(_)
        | Command::Recount(_)
        | Command::Score(_)
        | Command::Config(ConfigCommand::Variables) => Ok(DONE),
    }
}

/// The configuration; `None` where it has faults, which are told.
fn configuration() -> Option<Config> {
    match read_config() {
        Ok(config) => Some(config),
        Err(faults) => {
            complain(&format!("ejf: {} fault(s) in the configuration:", faults.len()));
            for fault in faults {
                complain(&format!("  {fault}"));
            }
            None
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn read_config() -> std::result::Result<Config, Vec<String>> {
    let names: Vec<String> = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
    Config::from_vars(&names, |name| std::env::var(name).ok(), |path| std::fs::read_to_string(path))
}

async fn health(config: &Config, only: Option<Half>) -> Result<u8> {
    let registry = (config.bind, "/readyz");
    let ballot_box = (config.ballot_bind, "/livez");
    let asked = match only {
        Some(Half::Registry) => vec![registry],
        Some(Half::Box) => vec![ballot_box],
        None => vec![registry, ballot_box],
    };
    let client =
        reqwest::Client::builder().timeout(std::time::Duration::from_secs(3)).build().map_err(Error::internal)?;
    for (mut address, path) in asked {
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let answer = client.get(format!("http://{address}{path}")).send().await.map_err(Error::internal)?;
        if !answer.status().is_success() {
            return Ok(WRONG);
        }
    }
    Ok(DONE)
}

/// Prints to standard output; a closed pipe is the reader's choice and no fault.
fn say(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Prints a line to standard error; a closed pipe is the reader's choice and no fault.
fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
