//! `ejf demo`: options, and what is printed where. Results go to standard output, whether table or JSON; progress, calls
//! and remarks to standard error, so that a program reads nothing but the results.

use clap::Args;

use super::{DONE, WRONG, complain, postgres_url, say};
use crate::credential::key_source::KeySource;
use crate::demo::trace::Trace;
use crate::demo::{Demo, JUDGES_DEFAULT, JUDGES_MAX, JUDGES_MIN, Options};
use crate::error::{Error, Result};

/// Options of the demonstration.
#[derive(Args)]
pub(super) struct DemoArguments {
    /// What settles every figure: the same seed gives the same results.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many judges are evaluated; beyond 43 their ratings are used again.
    #[arg(long, default_value_t = JUDGES_DEFAULT, value_parser = clap::value_parser!(u16).range(i64::from(JUDGES_MIN)..=i64::from(JUDGES_MAX)))]
    judges: u16,
    /// A PostgreSQL server; two schemas are made there and dropped at the end.
    #[arg(long, value_name = "URL", value_parser = postgres_url)]
    database_url: Option<String>,
    /// Print results and timings as JSON.
    #[arg(long)]
    json: bool,
    /// Print every call to the registry as a curl line, on standard error.
    #[arg(long)]
    trace: bool,
    /// Leave both services running until they are interrupted; accounts and addresses are printed.
    #[arg(long)]
    serve: bool,
}

/// Runs the demonstration; 1 where the service published anything else than the reviews give.
pub(super) fn run(arguments: DemoArguments) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::internal)?;
    runtime.block_on(play(arguments))
}

async fn play(arguments: DemoArguments) -> Result<u8> {
    let DemoArguments { seed, judges, database_url, json, trace, serve } = arguments;
    let trace = if trace { Trace::On } else { Trace::Off };
    complain("Invented people, real protocol. Demo passwords are hashed with the OWASP minimum for Argon2id.");
    let demo = Demo::play(&Options { seed, judges, database_url, trace }, KeySource::Generate).await?;
    say(&if json { format!("{}\n", demo.json()) } else { demo.table() });
    let surprises = demo.surprises().join(", ");
    if !surprises.is_empty() {
        complain(&format!("ejf: the service published something else than the reviews give: {surprises}"));
    }
    let code = if surprises.is_empty() { DONE } else { WRONG };
    if serve {
        complain(demo.addresses().trim_end());
        complain("It runs until you press Ctrl-C; its clock goes on from the demonstration's last day.");
        demo.serve().await?;
    } else {
        demo.close().await;
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_postgresql_is_taken_for_a_server() {
        assert!(postgres_url("postgres://ejf@127.0.0.1/ejf").is_ok());
        assert!(postgres_url("sqlite:///tmp/demo.db").is_err());
        assert!(postgres_url("registry.db").is_err());
    }
}
