//! `ejf bench`: options, and what is printed where. Figures go to standard output, whether table or JSON, and what is
//! being done to standard error, so that a program reads nothing but the figures.

use clap::Args;

use super::{DONE, complain, postgres_url, say};
use crate::bench::{self, CONNECTIONS_DEFAULT, CONNECTIONS_MAX, Extent, Options, REQUESTS_DEFAULT};
use crate::error::{Error, Result};

/// Requests of a round with `--quick`, where no number is given.
const REQUESTS_QUICK: u32 = 24;
/// Connections with `--quick`, where no number is given.
const CONNECTIONS_QUICK: u16 = 4;

/// Options of the measurement.
#[derive(Args)]
pub(super) struct BenchArguments {
    /// Requests of a round of reads and writes; submissions are half of it, full files a quarter, log-ins a fortieth.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    requests: Option<u32>,
    /// Connections at once.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=i64::from(CONNECTIONS_MAX)))]
    connections: Option<u16>,
    /// A PostgreSQL server; schemas are made there and dropped at the end.
    #[arg(long, value_name = "URL", value_parser = postgres_url)]
    database_url: Option<String>,
    /// Do all of it a few times, to see that it runs; the figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the measurement.
pub(super) fn run(arguments: BenchArguments) -> Result<u8> {
    let BenchArguments { requests, connections, database_url, quick, json } = arguments;
    let (usual_requests, usual_connections, extent) = match quick {
        true => (REQUESTS_QUICK, CONNECTIONS_QUICK, Extent::Quick),
        false => (REQUESTS_DEFAULT, CONNECTIONS_DEFAULT, Extent::Whole),
    };
    let options = Options {
        requests: requests.unwrap_or(usual_requests),
        connections: connections.unwrap_or(usual_connections),
        database_url,
        extent,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::internal)?;
    let report = runtime.block_on(bench::run(&options, |step| complain(&format!("ejf: {step}"))))?;
    say(&if json { format!("{}\n", report.json()) } else { report.table() });
    Ok(DONE)
}
