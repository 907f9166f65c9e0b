//! `ejf serve`: registry and ballot box, together or one of them. A newcomer's usual mistake is to drop one half when the
//! other ends: the box has its tables to rewrite first.

use std::future::pending;

use tokio::sync::watch;

use super::{DONE, Half, WRONG, complain, doctor, log};
use crate::app;
use crate::app::Occasion;
use crate::clock::Clock;
use crate::config::Config;
use crate::credential::key_source::KeySource;
use crate::error::Result;
use crate::store;

/// Runs both halves, or one, until it is stopped.
pub(super) async fn run(config: &Config, only: Option<Half>, is_rehearsal: bool) -> Result<u8> {
    let occasion = if is_rehearsal { Occasion::Rehearsal } else { Occasion::Real };
    let has_box = only != Some(Half::Registry);
    if has_box && !doctor::may_open(config).await? && !is_rehearsal {
        complain("ejf: the box does not open on this engine: see the lines above, or say --rehearsal");
        return Ok(WRONG);
    }
    app::forbid_core_dumps()?;
    app::install_panic_hook();
    log::start(config)?;
    match only {
        Some(Half::Registry) => serve_registry(config, pending()).await?,
        Some(Half::Box) => serve_box(config, occasion, pending()).await?,
        None => serve(config, occasion).await?,
    }
    Ok(DONE)
}

/// Both halves; where one ends, however it ends, the other is told and ends in order.
async fn serve(config: &Config, occasion: Occasion) -> Result<()> {
    let (end, told) = watch::channel(false);
    both(serve_registry(config, told_to_end(told.clone())), serve_box(config, occasion, told_to_end(told)), &end).await
}

/// Runs two services until both have ended. Nothing is dropped half-way: the box has its tables to rewrite at the end, or
/// the reviews of its last minute would lie there in the order of their arrival.
async fn both(
    registry: impl Future<Output = Result<()>>,
    ballot_box: impl Future<Output = Result<()>>,
    end: &watch::Sender<bool>,
) -> Result<()> {
    let of_registry = async {
        let ended = registry.await;
        end.send_replace(true);
        ended
    };
    let of_box = async {
        let ended = ballot_box.await;
        end.send_replace(true);
        ended
    };
    let (of_registry, of_box) = tokio::join!(of_registry, of_box);
    of_registry.and(of_box)
}

/// Waits until the other half has ended.
async fn told_to_end(mut told: watch::Receiver<bool>) {
    // The sender outlives both halves; were it gone, there would be no other half to wait for.
    let _ = told.wait_for(|is_over| *is_over).await;
}

async fn serve_registry(config: &Config, end: impl Future<Output = ()>) -> Result<()> {
    let running = app::serve_registry(config, Clock::System, KeySource::Generate).await?;
    tracing::info!(address = %running.address, "the registry listens");
    if !running.registry.0.read(store::accounts::is_any).await? {
        complain("no account yet: make the first with `ejf account add NAME --role administrator`");
    }
    running.wait(end).await
}

async fn serve_box(config: &Config, occasion: Occasion, end: impl Future<Output = ()>) -> Result<()> {
    let running = app::serve_ballot(config, Clock::System, occasion).await?;
    complain(&format!("the ballot box listens on {}", running.address));
    running.wait(end).await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::error::Error;

    #[tokio::test]
    async fn where_one_half_fails_the_other_ends_in_order_and_the_failure_is_told() {
        for registry_fails in [true, false] {
            let (end, told) = watch::channel(false);
            let is_compacted = Cell::new(false);
            let fails = async { Err(Error::internal("the port is taken")) };
            let ends_in_order = async {
                told_to_end(told).await;
                // What a box does after its last request takes a while.
                tokio::task::yield_now().await;
                is_compacted.set(true);
                Ok(())
            };

            let ended = match registry_fails {
                true => both(fails, ends_in_order, &end).await,
                false => both(ends_in_order, fails, &end).await,
            };

            assert!(is_compacted.get(), "the other half was dropped");
            assert!(ended.is_err_and(|error| error.to_string().contains("the port is taken")));
        }
    }
}
