//! Reviews of closed cycles whose time is over: ordered to go, taken out of our copy of the sealed bundle, and told to be
//! gone by the box. A newcomer's usual mistake is to stop at the first cycle that is held; each is on its own.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::told::Told;
use super::{destroy_due_keys, folder_of, on_disk, publish_documents, take_in};
use crate::cipher::Cipher;
use crate::credential::bundle::Index;
use crate::credential::encoding::Digest;
use crate::credential::jcs;
use crate::db::Registry;
use crate::domain::cycle::Phase;
use crate::error::{Code, Error, Result};
use crate::publication::{Document, REVIEW_FILES, RoundFolder};
use crate::store;
use crate::store::cycles::Cycle;
use crate::workflow::deletions;

/// Ends the reviews of every closed cycle that are due. May be repeated at any time, and completes what a stop cut short:
/// each step follows from a row, and is done again until the box's note is taken in. What holds a cycle up is told in the
/// log, once while nothing changes.
pub async fn end_reviews(
    registry: &Registry,
    cipher: &Cipher,
    dir: &Path,
    key_dir: &Path,
    told: &mut Told,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut after = None;
    loop {
        let cycles = registry.0.read(move |conn| store::cycles::list(conn, after, 100)).await?;
        let Some(last) = cycles.last() else { return Ok(()) };
        after = Some(last.id);
        for cycle in cycles.iter().filter(|cycle| cycle.phase == Phase::Closed) {
            if let Some(error) =
                told.news(cycle.id, &end_reviews_of(registry, cipher, (dir, key_dir), cycle, now).await)
            {
                tracing::warn!(cycle_id = %cycle.id, error, "the reviews of a closed cycle are kept");
            }
        }
    }
}

async fn end_reviews_of(
    registry: &Registry,
    cipher: &Cipher,
    (dir, key_dir): (&Path, &Path),
    cycle: &Cycle,
    now: DateTime<Utc>,
) -> Result<()> {
    let id = cycle.id;
    let looking = cycle.clone();
    let endings = registry.0.read(move |conn| deletions::endings(conn, &looking, now)).await?;
    if endings.is_empty() {
        return Ok(());
    }
    if endings.iter().any(|ending| !ending.is_ordered) {
        // A complaint that the box recorded and nobody has seen yet keeps the reviews as well.
        take_in(registry, dir, key_dir, id, now).await?;
    }
    for ending in endings.iter().filter(|ending| !ending.is_ordered) {
        let round = ending.round;
        let Some(folder) = folder_of(dir, cycle, round)? else { continue };
        let files = on_disk(move || listed(&folder)).await?;
        let cipher = cipher.clone();
        registry.0.write(move |conn| deletions::order(conn, &cipher, id, round, &files, now)).await?;
    }
    // The order lies in the folder before anything is taken out of it.
    publish_documents(registry, dir, id).await?;
    // It was the last thing that the keys of the cycle's documents had to sign.
    destroy_due_keys(registry, key_dir, id, now).await?;
    for ending in endings {
        let Some(folder) = folder_of(dir, cycle, ending.round)? else { continue };
        let note = on_disk(move || {
            folder.erase_reviews()?;
            folder.read(&Document::Deleted)
        });
        let Some(note) = note.await? else { continue };
        let note = String::from_utf8(note).map_err(|_| Error::from(Code::BoxNotReady))?;
        let cycle = cycle.clone();
        registry.0.write(move |conn| deletions::put_deleted(conn, &cycle, ending.round, &note, now)).await?;
    }
    Ok(())
}

/// What of our copy of a bundle holds reviews, by the digests of its table of contents; nothing where there is no copy.
fn listed(folder: &RoundFolder) -> Result<BTreeMap<String, Digest>> {
    let Some(index) = folder.bundle_index()? else { return Ok(BTreeMap::new()) };
    let index: Index = jcs::read(&index)?;
    Ok(index.files.into_iter().filter(|(name, _)| REVIEW_FILES.contains(&name.as_str())).collect())
}
