//! Checkpoints of the audit log: at the start, each hour, and at the end when nothing is written any more. A newcomer's
//! usual mistake is to end this before the writer: what is committed after the last checkpoint is protected by none.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::audit_log::{AuditLog, Outcome};
use crate::db::Registry;

const EVERY: Duration = Duration::from_secs(3600);

/// Keeps the checkpoints.
pub struct Keeper {
    log: Arc<AuditLog>,
    registry: Arc<Registry>,
    task: tokio::task::JoinHandle<()>,
}

impl Keeper {
    /// Begins with a checkpoint over what a crash left without one.
    pub async fn open(log: AuditLog, registry: Arc<Registry>) -> Keeper {
        checkpoint(&log, &registry).await;
        let log = Arc::new(log);
        let (hourly_log, hourly_registry) = (log.clone(), registry.clone());
        let task = tokio::spawn(async move {
            let mut hours = tokio::time::interval_at(Instant::now() + EVERY, EVERY);
            loop {
                hours.tick().await;
                checkpoint(&hourly_log, &hourly_registry).await;
            }
        });
        Keeper { log, registry, task }
    }

    /// Writes the last checkpoint; the registry's writer has ended before.
    pub async fn stop(self) {
        self.task.abort();
        // A task that was told to stop ends as cancelled, which is what was wanted.
        let _ = self.task.await;
        checkpoint(&self.log, &self.registry).await;
    }
}

/// A failure is told and the service goes on: the next hour tries again.
async fn checkpoint(log: &AuditLog, registry: &Registry) {
    match log.checkpoint(registry).await {
        Ok(Outcome::Written(_) | Outcome::Unchanged(_)) => {}
        Ok(Outcome::Refused(report)) => tracing::error!(
            breach = ?report.breach,
            suspects = ?report.suspects(),
            "the audit log was changed, and no checkpoint is signed over it: `ejf audit verify` tells what is wrong"
        ),
        Err(error) => tracing::error!(%error, "no checkpoint of the audit log could be written"),
    }
}
