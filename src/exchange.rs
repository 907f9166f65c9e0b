//! The registry's side of the publication folder. A newcomer's usual mistake is to write a document there before its
//! commit: documents are rows first, and the folder is made from the rows, again and again if need be.

pub mod endings;
pub mod told;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::cipher::round_key;
use crate::credential::bundle::{self, Files};
use crate::credential::encoding::{Digest, Ref};
use crate::credential::frozen::Frozen;
use crate::credential::jcs;
use crate::credential::note::Checkpoint;
use crate::credential::receipt::Receipt;
use crate::credential::seal_order::BoxKeys;
use crate::credential::tree;
use crate::db::Registry;
use crate::domain::cycle::Phase;
use crate::domain::ids::CycleId;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::publication::archive::Archive;
use crate::publication::{Document, Folder, RoundFolder};
use crate::store;
use crate::store::cycles::Cycle;
use crate::workflow::results::{Computed, Sealed};
use crate::workflow::{deletions, issuance, reading_packs, recounts, results};
use told::Told;

/// Writes a cycle's documents into the folders of its rounds, those that are not there or differ; does nothing for a cycle
/// without manifest. May be repeated at any time.
pub async fn publish_documents(registry: &Registry, dir: &Path, id: CycleId) -> Result<()> {
    let found = registry
        .0
        .read(move |conn| {
            let Some(cycle) = store::cycles::find(conn, id)? else { return Ok(None) };
            Ok(Some((cycle, store::cycles::documents(conn, id)?)))
        })
        .await?;
    let Some((cycle, documents)) = found else { return Ok(()) };
    let dir = dir.to_owned();
    on_disk(move || {
        for (round, name, content) in documents {
            // The box's own documents, which the registry only took in, have no entry here.
            let Some(document) = document_of(&name) else { continue };
            let Some(folder) = folder_of(&dir, &cycle, round)? else { continue };
            if folder.read(&document)?.as_ref() != Some(&content) {
                folder.write(&document, &content)?;
            }
        }
        Ok(())
    })
    .await
}

/// Publishes the documents of every cycle and destroys what keys are due: a stop may have come between a commit and what
/// follows from it.
pub async fn publish_all(registry: &Registry, dir: &Path, key_dir: &Path, now: DateTime<Utc>) -> Result<()> {
    let mut after = None;
    loop {
        let cycles = registry.0.read(move |conn| store::cycles::list(conn, after, 100)).await?;
        let Some(last) = cycles.last() else { return Ok(()) };
        after = Some(last.id);
        for cycle in &cycles {
            publish_documents(registry, dir, cycle.id).await?;
            destroy_due_keys(registry, key_dir, cycle.id, now).await?;
        }
    }
}

/// Takes in the checkpoint of every sealed round that the box has published one of: the issuers' keys are not to wait for
/// the next act on the cycle. A round whose documents are not the box's is told, once while nothing changes, and holds up no
/// other.
pub async fn take_in_seals(
    registry: &Registry,
    dir: &Path,
    key_dir: &Path,
    told: &mut Told,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut after = None;
    loop {
        let (last, waiting) = registry
            .0
            .read(move |conn| {
                let cycles = store::cycles::list(conn, after, 100)?;
                let mut waiting = Vec::new();
                for cycle in cycles.iter().filter(|cycle| cycle.phase == Phase::Sealed) {
                    if store::cycles::document(conn, cycle.id, cycle.round, issuance::CHECKPOINT_FILE)?.is_none() {
                        waiting.push(cycle.id);
                    }
                }
                Ok((cycles.last().map(|cycle| cycle.id), waiting))
            })
            .await?;
        for id in waiting {
            if let Some(error) = told.news(id, &take_in(registry, dir, key_dir, id, now).await) {
                tracing::warn!(cycle_id = %id, error, "the documents of a seal were not taken in");
            }
        }
        if last.is_none() {
            return Ok(());
        }
        after = last;
    }
}

/// Takes in what the box published of a cycle: its note on the manifest and, after the seal, its checkpoint, with which
/// the issuers' keys are destroyed. To be called before a move whose guard asks for them; nothing happens while there is
/// nothing.
///
/// # Errors
/// 404; 409 `box_not_ready` where the box's key did not sign them, it signed another checkpoint before, or its complaints
/// cannot be told from sealed reviews.
pub async fn take_in(registry: &Registry, dir: &Path, key_dir: &Path, id: CycleId, now: DateTime<Utc>) -> Result<()> {
    let (cycle, manifest) = registry
        .0
        .read(move |conn| {
            let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
            let name = issuance::manifest_file(cycle.generation);
            let manifest = store::cycles::document(conn, id, cycle.round, &name)?;
            Ok((cycle, manifest))
        })
        .await?;
    let (Some(folder), Some(manifest)) = (round_folder(dir, &cycle)?, manifest) else { return Ok(()) };
    let signed = on_disk(move || {
        let text = |bytes: Option<Vec<u8>>| {
            bytes.map(String::from_utf8).transpose().map_err(|_| Error::from(Code::BoxNotReady))
        };
        let note = text(folder.read(&Document::ManifestNote)?)?;
        let checkpoint = text(folder.read(&Document::Checkpoint)?)?;
        Ok((folder, Frozen::parse(&manifest)?, note, checkpoint))
    });
    let (folder, manifest, note, checkpoint) = signed.await?;
    let (manifest, checkpoint) = (Arc::new(manifest), Arc::new(checkpoint));
    let (its_manifest, its_checkpoint) = (manifest.clone(), checkpoint.clone());
    let round = cycle.round;
    registry
        .0
        .write(move |conn| {
            let checkpoint = its_checkpoint.as_deref();
            issuance::put_box_documents(conn, &cycle, &its_manifest, note.as_deref(), checkpoint, now)
        })
        .await?;
    // With the checkpoint the keys have done their work, whatever the leaves and the complaints then turn out to be.
    destroy_due_keys(registry, key_dir, id, now).await?;
    let complaints = on_disk(move || count_proofs(&folder, &manifest, checkpoint.as_deref())).await?;
    registry.0.write(move |conn| recounts::put_complaint_count(conn, id, round, complaints, now)).await
}

/// How many of a round's published complaints are proofs: promised by the box, and not among the leaves. What is no
/// proof counts for nothing, whoever put it there; and before the seal nothing is one.
///
/// # Errors
/// 409 `box_not_ready` where the leaves are not those that the checkpoint seals: by others, or by none, every promise
/// that was kept would look broken.
fn count_proofs(folder: &RoundFolder, manifest: &Frozen, checkpoint: Option<&str>) -> Result<usize> {
    let text = manifest.manifest();
    let complaints = folder.read(&Document::Complaints)?.unwrap_or_default();
    let promised: HashSet<Digest> = complaints
        .split(|byte| *byte == b'\n')
        // A line that is no receipt proves nothing.
        .filter_map(|line| jcs::read::<Receipt>(line).ok())
        .filter(|receipt| (receipt.cycle_ref, receipt.round) == (text.cycle_ref, text.round))
        .filter(|receipt| receipt.verify(&text.receipt_key))
        .map(|receipt| receipt.leaf)
        .collect();
    let Some(checkpoint) = checkpoint.filter(|_| !promised.is_empty()) else { return Ok(0) };
    let checkpoint = Checkpoint::verify(checkpoint, manifest.log_key())
        .map_err(|_| Error::hinted(Code::BoxNotReady, Hint::new("box_document_unsigned").text("name", "checkpoint")))?;
    let unsealed = || Error::hinted(Code::BoxNotReady, Hint::new("leaves_not_sealed"));
    let leaves = folder.read(&Document::Leaves)?.ok_or_else(unsealed)?;
    let leaves = bundle::leaves_from_bytes(&leaves).map_err(|_| unsealed())?;
    if (checkpoint.size, checkpoint.root) != (leaves.len() as u64, tree::root(&leaves)) {
        return Err(unsealed());
    }
    let leaves: HashSet<Digest> = leaves.into_iter().collect();
    Ok(promised.difference(&leaves).count())
}

/// Destroys the issuers' keys of a cycle's round where they have done their work: the box's checkpoint is stored, or the
/// cycle was cancelled; and the keys of its documents once it has its last order. Nothing for any other cycle; may be
/// repeated at any time, and completes what a stop cut short.
///
/// The key file goes first: once it is gone, no row and no backup of one can be opened, whatever happens next.
pub async fn destroy_due_keys(registry: &Registry, key_dir: &Path, id: CycleId, now: DateTime<Utc>) -> Result<()> {
    let due = registry.0.read(move |conn| {
        let Some(cycle) = store::cycles::find(conn, id)? else { return Ok(None) };
        let is_sealed = store::cycles::document(conn, id, cycle.round, issuance::CHECKPOINT_FILE)?.is_some();
        Ok((is_sealed || cycle.phase == Phase::Cancelled).then_some(cycle.round))
    });
    let Some(round) = due.await? else { return Ok(()) };
    let file = round_key::path(key_dir, &id.to_string(), round);
    let had_file = on_disk(move || round_key::destroy(&file)).await?;
    let had_rows = registry.0.write(move |conn| {
        let had_keys = results::delete_private_keys(conn, id, round, now)?;
        Ok(deletions::delete_document_keys(conn, id, now)? || had_keys)
    });
    if had_rows.await? || had_file {
        registry.0.maintain(|conn, _| store::issuance::erase_deleted_keys(conn)).await?;
    }
    Ok(())
}

/// The box's public keys.
///
/// # Errors
/// 409 `box_not_ready` where it has published none, or what is there is not signed by itself.
pub async fn box_keys(dir: &Path) -> Result<BoxKeys> {
    let folder = Folder::new(dir);
    on_disk(move || {
        let text = folder.box_keys()?.ok_or(Code::BoxNotReady)?;
        BoxKeys::parse(&text)
            .map_err(|_| Error::hinted(Code::BoxNotReady, Hint::new("box_document_unsigned").text("name", "box.json")))
    })
    .await
}

/// Whether the sealed bundle of a cycle's round lies in the folder.
pub fn has_bundle(dir: &Path, cycle: &Cycle) -> Result<bool> {
    Ok(round_folder(dir, cycle)?.is_some_and(|folder| folder.has_bundle()))
}

/// The sealed bundle of a cycle's round.
///
/// # Errors
/// 409 `box_not_ready` until it is whole.
pub async fn bundle(dir: &Path, cycle: &Cycle, round: i32) -> Result<Files> {
    let folder = folder_of(dir, cycle, round)?.ok_or(Code::BoxNotReady)?;
    on_disk(move || folder.bundle()?.ok_or_else(|| Code::BoxNotReady.into())).await
}

/// The sealed list of a cycle's round, as everybody may read it.
///
/// # Errors
/// 409 `box_not_ready` until the box has published it.
pub async fn sealed(dir: &Path, cycle: &Cycle, round: i32) -> Result<Sealed> {
    let folder = folder_of(dir, cycle, round)?.ok_or(Code::BoxNotReady)?;
    on_disk(move || {
        let published = |document| folder.read(&document)?.ok_or_else(|| Error::from(Code::BoxNotReady));
        Ok(Sealed { checkpoint: published(Document::Checkpoint)?, leaves: published(Document::Leaves)? })
    })
    .await
}

/// The checkpoint of a round as the registry took it in, whatever lies in the folder since; `None` before.
pub async fn checkpoint_taken_in(registry: &Registry, cycle_ref: Ref, round: u32) -> Result<Option<Vec<u8>>> {
    registry
        .0
        .read(move |conn| {
            let Some(cycle) = store::cycles::find_by_ref(conn, &cycle_ref.0)? else { return Ok(None) };
            // A number that no round has is of no document.
            let Ok(round) = i32::try_from(round) else { return Ok(None) };
            store::cycles::document(conn, cycle.id, round, issuance::CHECKPOINT_FILE)
        })
        .await
}

/// The sealed bundle of a cycle's round, opened to be written out as one file.
///
/// # Errors
/// 409 `box_not_ready` until it is whole.
pub async fn archive(dir: &Path, cycle: &Cycle, round: i32) -> Result<Archive> {
    let folder = folder_of(dir, cycle, round)?.ok_or(Code::BoxNotReady)?;
    on_disk(move || folder.archive()?.ok_or_else(|| Code::BoxNotReady.into())).await
}

/// Writes the results into the cycle's sealed bundle, whose other files stay as the box wrote them.
pub async fn write_result(dir: &Path, cycle: &Cycle, computed: Arc<Computed>) -> Result<()> {
    let folder = round_folder(dir, cycle)?.ok_or(Code::BoxNotReady)?;
    on_disk(move || folder.write_result(&computed.files)).await
}

/// The folder of the cycle's present round.
fn round_folder(dir: &Path, cycle: &Cycle) -> Result<Option<RoundFolder>> {
    folder_of(dir, cycle, cycle.round)
}

fn folder_of(dir: &Path, cycle: &Cycle, round: i32) -> Result<Option<RoundFolder>> {
    let Some(cycle_ref) = &cycle.cycle_ref else { return Ok(None) };
    let round = u32::try_from(round).map_err(Error::internal)?;
    Ok(Some(Folder::new(dir).round(&Ref::from_slice(cycle_ref)?, round)))
}

/// The registry's own document of this name; `None` for what is the box's.
fn document_of(name: &str) -> Option<Document> {
    let stem = name.strip_suffix(".json")?;
    if let Some(generation) = stem.strip_prefix("manifest-") {
        // A name that holds no number is none of ours.
        return generation.parse().ok().map(Document::Manifest);
    }
    if let Some((issuer_id, generation)) = stem.strip_prefix("ledger-").and_then(|rest| rest.rsplit_once('-')) {
        let generation = generation.parse().ok()?;
        return Some(Document::Ledger { issuer_id: issuer_id.to_owned(), generation });
    }
    match name {
        issuance::METHODOLOGY_FILE => Some(Document::Methodology),
        reading_packs::PACKS_FILE => Some(Document::Packs),
        issuance::SEAL_ORDER_FILE => Some(Document::SealOrder),
        deletions::DELETION_ORDER_FILE => Some(Document::DeletionOrder),
        _ => None,
    }
}

async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
