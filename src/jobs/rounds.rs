//! Work that comes round every few seconds, apart from the worker of jobs. A newcomer's usual mistake is to abort such work: what
//! it has just sent would not be noted, so it is told to stop and ends by itself, unless it takes too long.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::error::Result;

/// The running rounds.
pub struct Rounds {
    task: tokio::task::JoinHandle<()>,
    stopping: watch::Sender<bool>,
    patience: Duration,
}

/// Tells a round that it is to end after what it is at.
pub type Stop = watch::Receiver<bool>;

impl Rounds {
    /// Begins rounds, one after the other and never two at once; a failed one is told in the log as `failed`.
    pub fn open<F>(
        every: Duration,
        patience: Duration,
        failed: &'static str,
        round: impl Fn(Stop) -> F + Send + 'static,
    ) -> Rounds
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let (stopping, mut stop) = watch::channel(false);
        let rounds = async move {
            let mut ticks = tokio::time::interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    // It ends where it is told to, and where nobody is left who could tell.
                    _ = stop.changed() => return,
                    _ = ticks.tick() => {}
                }
                let round = round(stop.clone());
                if let Err(error) = round.await {
                    tracing::error!(%error, "{failed}");
                }
            }
        };
        Rounds { task: tokio::spawn(rounds), stopping, patience }
    }

    /// Stops after what is under way, so that what became of it is noted; whoever does not answer is not waited for.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        if tokio::time::timeout(self.patience, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}
