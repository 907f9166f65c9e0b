//! The log of the services, on standard error. A newcomer's usual mistake is to turn a module down within the filter: in
//! it a longer name wins, and whoever sets `EJF_LOG` can always write a longer one.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::complain;
use crate::config::Config;
use crate::error::{Error, Result};

/// The crates whose lines would tell of connections.
const FRAMEWORK: &[&str] = &["actix_http", "actix_server", "actix_web", "mio", "tokio"];

/// The log of the registry. What the framework tells of connections is kept out of it, however the filter is set: the
/// box's are among them, and a line for each would be a clock. So this is no part of the filter, in which a longer name
/// would win, but a second one that every line has to pass as well.
pub(super) fn start(config: &Config) -> Result<()> {
    let chosen = config.log.parse::<EnvFilter>().map_err(Error::internal)?;
    let silent = filter_fn(|line| {
        let module = line.target().split("::").next().unwrap_or_default();
        !FRAMEWORK.contains(&module) || *line.level() <= tracing::Level::WARN
    });
    let lines = tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(chosen).with(silent).with(lines).init();
    complain("evaluation copy: not for real cycles");
    Ok(())
}
