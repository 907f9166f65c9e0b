//! How a round ends: sealed, its tree and bundle published, or destroyed unread.
//!
//! What a newcomer would get wrong: the end is one row in the box's tables, and everything in the folder follows from
//! it. A crash at any step leaves either no row, and the order is obeyed anew, or the row, and the same files are
//! written again: sorting, hashing and signing are all deterministic.

use std::sync::Arc;

use super::tables::{self, Closed, RoundKey, SEAL};
use super::{Ballot, blocking, keys, rounds::Found};
use crate::credential::bundle::{self, Files};
use crate::credential::note::Checkpoint;
use crate::credential::rules::BallotRules;
use crate::credential::seal_order::Act;
use crate::db::Conn;
use crate::error::{Code, Error, Result};
use crate::publication::{Document, RoundFolder};

const DESTROY: &str = "destroy";

impl Ballot {
    /// Obeys an order, or completes what an earlier one began; false where the order cannot be obeyed yet.
    pub(super) async fn end(
        &self,
        key: RoundKey,
        folder: RoundFolder,
        found: &Arc<Found>,
        order: Option<Act>,
    ) -> Result<bool> {
        let closed = self.read(move |conn| tables::find_closed(conn, key)).await?;
        if let Some(closed) = closed.clone() {
            if closed.is_sealed() {
                self.publish_complaints(key, folder.clone()).await?;
            }
            if self.read(move |conn| tables::find_deleted(conn, key)).await?.is_some() {
                // There is nothing left that a bundle could be made of.
                return Ok(true);
            }
            let looking = folder.clone();
            if blocking(move || Ok(is_published(&looking, &closed))).await? {
                return Ok(true);
            }
        }
        match (closed.as_ref().map(|closed| closed.act.as_str()), order) {
            (Some(SEAL), _) | (None, Some(Act::Seal)) => self.seal(key, folder, found).await,
            (Some(_), _) | (None, Some(Act::Destroy)) => self.destroy(key, folder, &found.rules).await.map(|()| true),
            (None, None) => Err(Error::internal("a round without receipt key, order and end")),
        }
    }

    async fn seal(&self, key: RoundKey, folder: RoundFolder, found: &Arc<Found>) -> Result<bool> {
        let issuers = found.rules.current().manifest().issuers.len();
        if found.rules.ledgers().len() != issuers {
            // Without all ledgers no gate ever opened, and nobody could check a bundle.
            return Ok(false);
        }
        #[cfg(feature = "leaks")]
        super::leaks::failpoint("seal_begun");
        self.compact().await?;
        #[cfg(feature = "leaks")]
        super::leaks::failpoint("seal_compacted");
        let note = found.rules.current().sign_note(&self.log_key)?;
        let (sealed, log_key) = (found.clone(), self.log_key.clone());
        let files = self
            .write(move |conn| {
                let files = build(conn, key, &sealed, &note, &log_key)?;
                #[cfg(feature = "leaks")]
                super::leaks::failpoint("seal_built");
                close(conn, key, SEAL, &text(&files, bundle::CHECKPOINT)?)?;
                #[cfg(feature = "leaks")]
                super::leaks::failpoint("seal_closed");
                Ok(files)
            })
            .await?;
        #[cfg(feature = "leaks")]
        super::leaks::failpoint("seal_committed");
        // The receipt key is gone from the table; now it goes from the file as well.
        self.compact().await?;
        #[cfg(feature = "leaks")]
        super::leaks::failpoint("seal_key_erased");
        self.publish_complaints(key, folder.clone()).await?;
        blocking(move || {
            folder.write_bundle(&files)?;
            #[cfg(feature = "leaks")]
            super::leaks::failpoint("seal_bundle_written");
            // The checkpoint comes last: with it everybody knows that the rest is there.
            for (document, name) in [(Document::Leaves, bundle::LEAVES), (Document::Checkpoint, bundle::CHECKPOINT)] {
                folder.write(&document, files.get(name).map(Vec::as_slice).unwrap_or_default())?;
                #[cfg(feature = "leaks")]
                super::leaks::failpoint(&format!("seal_{name}_written"));
            }
            Ok(true)
        })
        .await
    }

    async fn destroy(&self, key: RoundKey, folder: RoundFolder, rules: &BallotRules) -> Result<()> {
        let manifest = rules.current().manifest();
        let log_name = manifest.log_name().ok_or_else(|| Error::from(Code::Malformed))?;
        // The shape of all the box's notes: whose round, up to which generation, and the manifest's digest.
        let destroyed = Checkpoint {
            origin: format!("{log_name}/destroyed/{}/{}", manifest.cycle_ref, manifest.round),
            size: u64::from(manifest.generation),
            root: rules.current().digest(),
        };
        let note = destroyed.sign(&self.log_key)?;
        let published = note.clone();
        self.write(move |conn| {
            tables::delete_reviews(conn, key)?;
            close(conn, key, DESTROY, &note)
        })
        .await?;
        self.compact().await?;
        blocking(move || folder.write(&Document::Destroyed, published.as_bytes())).await
    }
}

/// Whether all that follows from an end lies in the folder, the last of it being the note of that end.
fn is_published(folder: &RoundFolder, closed: &Closed) -> bool {
    let (last, is_whole) = match closed.act.as_str() {
        SEAL => {
            (Document::Checkpoint, folder.has_bundle() && folder.read(&Document::Leaves).is_ok_and(|l| l.is_some()))
        }
        _ => (Document::Destroyed, true),
    };
    // A file that cannot be read is written anew.
    is_whole && folder.read(&last).is_ok_and(|bytes| bytes.as_deref() == Some(closed.note.as_bytes()))
}

/// Lays out the bundle; where the round was sealed before, with the very checkpoint of that time.
fn build(
    conn: &mut Conn,
    key: RoundKey,
    found: &Found,
    note: &str,
    log_key: &ed25519_dalek::SigningKey,
) -> Result<Files> {
    let envelopes = tables::list_envelopes(conn, key, found.rules.current())?;
    let superseded = tables::list_superseded(conn, key)?;
    let files = bundle::build(&found.rules, note, &found.methodology, &envelopes, &superseded, log_key)?;
    let before = tables::find_closed(conn, key)?;
    if before.is_some_and(|closed| files.get(bundle::CHECKPOINT).map(Vec::as_slice) != Some(closed.note.as_bytes())) {
        return Err(Error::internal("a sealed round no longer gives its checkpoint"));
    }
    Ok(files)
}

/// Records the end, once, and deletes the receipt key.
fn close(conn: &mut Conn, key: RoundKey, act: &str, note: &str) -> Result<()> {
    if tables::find_closed(conn, key)?.is_none() {
        tables::insert_closed(conn, key, &Closed { act: act.to_owned(), note: note.to_owned() })?;
    }
    keys::delete_receipt_key(conn, key)
}

fn text(files: &Files, name: &str) -> Result<String> {
    let bytes = files.get(name).cloned().unwrap_or_default();
    String::from_utf8(bytes).map_err(Error::internal)
}
