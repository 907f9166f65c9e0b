//! Machine clients from the server's own shell. A newcomer's usual mistake is to look for a secret afterwards: it is
//! printed once, and a lost one is replaced by `rotate`.

use clap::Subcommand;
use zeroize::Zeroizing;

use super::{DONE, USAGE, WRONG, complain, say};
use crate::app;
use crate::auth::clients;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::caller::Scope;
use crate::error::{Code, Result};
use crate::store;
use crate::store::clients::Client;

#[derive(Subcommand)]
pub(super) enum ClientCommand {
    /// Add a machine client; prints its id and its secret, this once.
    ///
    /// Example: ejf client add "Court Administration" --source-system toerelik --scope file:write
    Add {
        /// What people call it.
        name: String,
        /// The one system of record that it speaks for: a-z, 0-9 and _, a letter first.
        #[arg(long)]
        source_system: String,
        /// file:write, results:read, events:read or scim; may be said more than once.
        #[arg(long = "scope", required = true)]
        scopes: Vec<Scope>,
    },
    /// Give a machine client a new secret; prints it, this once.
    ///
    /// Example: ejf client rotate toerelik --overlap-hours 0
    Rotate {
        /// The system of record that the client speaks for.
        source_system: String,
        /// For how many hours the present secret stays good; 0 where somebody else may know it.
        #[arg(long, default_value_t = clients::OVERLAP_HOURS,
            value_parser = clap::value_parser!(u32).range(0..=i64::from(clients::OVERLAP_HOURS_MAX)))]
        overlap_hours: u32,
    },
}

/// Does what is asked.
pub(super) async fn run(config: &Config, command: ClientCommand) -> Result<u8> {
    match command {
        ClientCommand::Add { name, source_system, scopes } => {
            add(config, clients::NewClient { name, source_system, scopes }).await
        }
        ClientCommand::Rotate { source_system, overlap_hours } => rotate(config, source_system, overlap_hours).await,
    }
}

async fn add(config: &Config, new: clients::NewClient) -> Result<u8> {
    if new.check().is_err() {
        complain(
            "ejf: a name has 1 to 100 characters, a system of record 1 to 40 of a-z 0-9 _ with a letter first, and each \
             scope is said once",
        );
        return Ok(USAGE);
    }
    let source_system = new.source_system.clone();
    let now = Clock::System.now();
    let registry = app::open_registry(config, now).await?;
    match clients::add(&registry, new, None, now).await {
        Ok((client, secret)) => Ok(show(&client, &secret)),
        Err(error) if error.code() == Code::AlreadyExists => {
            complain(&format!("ejf: another client speaks for {source_system} already"));
            Ok(WRONG)
        }
        Err(error) => Err(error),
    }
}

async fn rotate(config: &Config, source_system: String, overlap_hours: u32) -> Result<u8> {
    let now = Clock::System.now();
    let registry = app::open_registry(config, now).await?;
    let named = source_system.clone();
    let found = registry.0.read(move |conn| store::clients::find_by_source_system(conn, &named)).await?;
    let Some(client) = found else {
        complain(&format!("ejf: no client speaks for {source_system}"));
        return Ok(WRONG);
    };
    let (client, secret) = clients::rotate(&registry, client.id, overlap_hours, None, now).await?;
    Ok(show(&client, &secret))
}

fn show(client: &Client, secret: &Zeroizing<String>) -> u8 {
    say(&format!("client_id {}\nclient_secret {}\n", client.id, secret.as_str()));
    DONE
}
