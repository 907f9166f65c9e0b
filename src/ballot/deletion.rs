//! How reviews end that were sealed and kept for their time: deleted from the tables, from the files, from the bundle.
//!
//! What a newcomer would get wrong: deleting a row leaves its bytes in pages, heap and journal. Only the rewriting after it
//! forgets them. And the box believes no date of the registry: while a complaint can come, or one was proven, it keeps
//! what would prove who is right.

use std::sync::Arc;

use super::tables::{self, RoundKey};
use super::{Ballot, blocking, rounds::Found};
use crate::credential::bundle::leaves_from_bytes;
use crate::credential::deletion_order::deleted_note;
use crate::credential::note::Checkpoint;
use crate::credential::tree::root;
use crate::error::Result;
use crate::publication::{Document, RoundFolder};

impl Ballot {
    /// Obeys the order to delete the reviews of a round, or completes what an earlier one began; whether it waits for its
    /// day.
    ///
    /// An order for another seal, of a round with a proven complaint, or of one whose sealed list is not in the folder is
    /// not obeyed: the leaves are made of the reviews, and from here on the folder holds the only copy. A crash at any step
    /// leaves either no row, and the order is obeyed anew, or the row, and what follows from it is done again.
    pub(super) async fn delete(&self, key: RoundKey, folder: RoundFolder, found: &Arc<Found>) -> Result<bool> {
        let Some(order) = &found.deletion else { return Ok(false) };
        let state = self.read(move |conn| {
            let sealed = tables::find_closed(conn, key)?.filter(tables::Closed::is_sealed);
            let has_complaints = !tables::list_complaints(conn, key)?.is_empty();
            Ok((sealed, tables::find_deleted(conn, key)?, has_complaints))
        });
        let (Some(sealed), deleted, has_complaints) = state.await? else { return Ok(false) };
        let note = match deleted {
            Some(note) => note,
            None => {
                let manifest = found.rules.current();
                if has_complaints || !order.is_of(sealed.note.as_bytes()) {
                    return Ok(false);
                }
                if !found.is_past_complaints(manifest.manifest().date_at(self.now())) {
                    return Ok(true);
                }
                let checkpoint = Checkpoint::verify(&sealed.note, manifest.log_key())?;
                let note = deleted_note(manifest, &checkpoint, &self.log_key)?;
                let looking = folder.clone();
                if !blocking(move || holds_sealed_list(&looking, &checkpoint)).await? {
                    return Ok(false);
                }
                let kept = note.clone();
                #[cfg(feature = "leaks")]
                super::leaks::failpoint("delete_begun");
                self.write(move |conn| {
                    tables::delete_reviews(conn, key)?;
                    tables::insert_deleted(conn, key, &kept)
                })
                .await?;
                #[cfg(feature = "leaks")]
                super::leaks::failpoint("delete_committed");
                note
            }
        };
        let (looking, told) = (folder.clone(), note.clone());
        let is_done = blocking(move || {
            let is_told = looking.read(&Document::Deleted)?.as_deref() == Some(told.as_bytes());
            Ok(is_told && !looking.has_reviews())
        });
        if is_done.await? {
            return Ok(false);
        }
        self.compact().await?;
        #[cfg(feature = "leaks")]
        super::leaks::failpoint("delete_compacted");
        blocking(move || {
            folder.erase_reviews()?;
            #[cfg(feature = "leaks")]
            super::leaks::failpoint("delete_bundle_erased");
            // The note comes last: with it everybody knows that nothing is left.
            folder.write(&Document::Deleted, note.as_bytes())
        })
        .await?;
        Ok(false)
    }
}

/// Whether the folder holds the leaves that were sealed.
fn holds_sealed_list(folder: &RoundFolder, sealed: &Checkpoint) -> Result<bool> {
    let Some(bytes) = folder.read(&Document::Leaves)? else { return Ok(false) };
    // What is no list of leaves is not the sealed one.
    Ok(leaves_from_bytes(&bytes).is_ok_and(|leaves| (sealed.size, sealed.root) == (leaves.len() as u64, root(&leaves))))
}
