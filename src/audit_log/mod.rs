//! The audit log as an append-only Merkle tree (RFC 6962), whose signed checkpoints lie outside the database: whatever
//! was covered by a checkpoint cannot be deleted, altered, reordered or cut unseen by whoever kept that checkpoint.
//!
//! What a newcomer would get wrong: the tree lies nowhere. A checkpoint needs its right edge alone, which is kept beside
//! the checkpoints, so that an hour's checkpoint reads an hour's entries; a verification reads the log and trusts none
//! of what the service kept but the signatures.

mod folder;
mod key;
mod leaf;
mod walk;

use crate::cipher::Cipher;
use crate::credential::tree::Frontier;
use crate::db::Registry;
use crate::error::{Error, Result};
use crate::store::audit_records;

pub use folder::{Candidate, Folder, Kept, sort_out};
pub use key::{AuditKey, own_verifier};
pub use walk::{Breach, Report, verify};
use walk::{PAGE, Walk};

/// The folder of checkpoints with the key that signs them.
pub struct AuditLog {
    folder: Folder,
    key: AuditKey,
}

/// What came of a wish for a checkpoint.
#[derive(Debug)]
pub enum Outcome {
    /// One over so many entries was written.
    Written(u64),
    /// The newest covers all entries already; there are so many.
    Unchanged(u64),
    /// The log has a gap, or is not the one that earlier checkpoints were signed over: it is not signed.
    Refused(Report),
}

impl AuditLog {
    /// Opens the folder; the key is made there, under `name`, where there is none.
    pub fn open(folder: Folder, cipher: &Cipher, name: &str) -> Result<AuditLog> {
        let place = folder.path().display().to_string();
        let key =
            AuditKey::open(&folder, cipher, name).map_err(|error| Error::internal(format!("{place}: {error}")))?;
        Ok(AuditLog { folder, key })
    }

    /// Opens the folder of a log that has its key; `None` where there is none.
    pub fn load(folder: Folder, cipher: &Cipher) -> Result<Option<AuditLog>> {
        Ok(AuditKey::load(&folder, cipher)?.map(|key| AuditLog { folder, key }))
    }

    /// The key that checks the checkpoints' signatures.
    pub fn key(&self) -> &AuditKey {
        &self.key
    }

    /// Writes a checkpoint if the log has grown since the last one; reads the entries since then alone.
    ///
    /// Entries are never changed once committed, so that pages read one after the other make one log.
    pub async fn checkpoint(&self, registry: &Registry) -> Result<Outcome> {
        let last = registry.0.read(audit_records::last).await?;
        let mut walk = self.start(last)?;
        let start = walk.size();
        loop {
            let after = walk.last();
            let page = registry.0.read(move |conn| audit_records::list(conn, after, PAGE)).await?;
            if walk.take(page).is_break() {
                break;
            }
            // A log that is read from its first entry takes a while, and others want this thread.
            tokio::task::yield_now().await;
        }
        let (frontier, report) = walk.end();
        if !report.is_intact() {
            return Ok(Outcome::Refused(report));
        }
        if report.unprotected() == 0 {
            if start != frontier.size() {
                self.folder.put_frontier(&frontier)?;
            }
            return Ok(Outcome::Unchanged(frontier.size()));
        }
        self.folder.put(&self.key.sign(frontier.size(), frontier.root())?, &frontier)?;
        Ok(Outcome::Written(frontier.size()))
    }

    /// A walk from the kept frontier; from the first entry where that one is lost, or lies beyond the end of the log.
    fn start(&self, last: Option<i64>) -> Result<Walk> {
        let key = self.key.verifier();
        let is_within = |frontier: &Frontier| {
            last.and_then(|last| u64::try_from(last).ok()).is_some_and(|last| frontier.size() <= last)
        };
        let frontier = self.folder.frontier(key)?.filter(is_within).unwrap_or_default();
        // What another key signed is for a verification to judge: after the loss of a key it is rightly there.
        let (mut kept, _) = sort_out(self.folder.candidates(frontier.size())?, std::slice::from_ref(key));
        kept.retain(|kept| kept.checkpoint.size >= frontier.size());
        Ok(Walk::new(frontier, kept))
    }
}
