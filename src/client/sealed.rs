//! After the seal, never logged in: is every review of the card in the signed list, and what to do if not. Design, section 7.
//!
//! What a newcomer would get wrong: asking the box whether it has a leaf. The question would tell which leaf is whose, so
//! the whole list is fetched, the same for everybody. And two receipts shown together join the reviews of one person: a
//! complaint goes alone.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde::Serialize;

use super::card::Held;
use super::failure::{Alarm, CardFailure, Failure, Idle, Result};
use super::generation::compare;
use super::line::Line;
use super::pinned::{Places, fetch_both, fetch_manifest};
use crate::credential::bundle::leaves_from_bytes;
use crate::credential::encoding::{Digest, sha256};
use crate::credential::jcs;
use crate::credential::manifest::BODY_SIZE;
use crate::credential::note::Checkpoint;
use crate::credential::receipt::Receipt;
use crate::credential::tree;
use crate::error::{Code, Error};

/// What the sealed list says of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalCheck {
    /// The number of leaves in the list, replaced and withdrawn versions included.
    pub leaf_count: usize,
    /// The root of the list's tree, which auditors must find in what they recount.
    pub root: Digest,
    /// The receipts whose leaves are in it.
    pub found_count: usize,
    /// The receipts whose leaves are not: each proves that the box broke its word.
    pub missing: Vec<Receipt>,
    /// The subjects of whom the last review got no receipt, by name, and whether it is in the list all the same.
    pub unreceipted: Vec<(String, bool)>,
}

/// What the box answers to a complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has recorded that it broke its word.
    Recorded,
    /// The leaf is in the sealed list.
    LeafPresent,
    /// The receipt proves nothing.
    NoProof,
}

#[derive(Serialize)]
struct Complaint<'a> {
    receipt: &'a Receipt,
    pad: String,
}

/// Fetches checkpoint and list from both listeners, checks signature, order and root, and looks for every receipt. The
/// ledgers by which reviews were sent must be shown unchanged as well.
///
/// A card all of whose receipts are found is marked as checked. `not_sealed` while either listener has no seal.
pub async fn check(places: &Places, held: &mut Held) -> Result<FinalCheck> {
    let card = held.card().ok_or(CardFailure::Missing)?;
    let (cycle_ref, round) = (card.cycle_ref, card.round);
    let manifest = fetch_manifest(places, &cycle_ref, round).await?;
    compare(card, &manifest)?;
    let pinned = card.pinned()?;
    let note = fetch_both(places, &cycle_ref, round, "checkpoint").await?.ok_or(Idle::NotSealed)?;
    let leaves = fetch_both(places, &cycle_ref, round, "leaves").await?.ok_or(Idle::NotSealed)?;
    // The log's key is the card's, whatever generation is shown: no generation may change it.
    let note = std::str::from_utf8(&note).map_err(|_| Alarm::SealInvalid)?;
    let checkpoint = Checkpoint::verify(note, pinned.log_key()).map_err(|_| Alarm::SealInvalid)?;
    let leaves = read_leaves(&leaves, &checkpoint)?;
    for met in &card.ledgers {
        let document = format!("ledger/{}/{}", met.issuer_id, met.generation);
        let shown = fetch_both(places, &cycle_ref, round, &document).await?;
        // Every ledger stays public; one that is withdrawn is not what auditors will be shown either.
        if shown.is_none_or(|bytes| sha256(&[&bytes]) != met.digest) {
            return Err(Alarm::SecondLedger.into());
        }
    }
    let (mut found_count, mut missing, mut unreceipted) = (0, Vec::new(), Vec::new());
    for subject in &card.credentials {
        for version in &subject.versions {
            match &version.receipt {
                Some(receipt) if leaves.contains(&receipt.leaf) => found_count += 1,
                Some(receipt) => missing.push(receipt.clone()),
                None => {
                    let is_present = leaves.contains(&version.review.leaf()?);
                    unreceipted.push((subject.subject_name.clone(), is_present));
                }
            }
        }
    }
    if missing.is_empty() {
        if let Some(card) = held.card_mut() {
            card.checked_root = Some(checkpoint.root);
        }
        held.save()?;
    }
    Ok(FinalCheck { leaf_count: leaves.len(), root: checkpoint.root, found_count, missing, unreceipted })
}

/// The leaves, if they are the ones that the checkpoint signs: ascending, distinct, as many, with its root.
fn read_leaves(bytes: &[u8], checkpoint: &Checkpoint) -> Result<BTreeSet<Digest>> {
    let leaves = leaves_from_bytes(bytes).map_err(|_| Alarm::SealInvalid)?;
    let is_signed = leaves.is_sorted_by(|left, right| left < right)
        && u64::try_from(leaves.len()).is_ok_and(|count| count == checkpoint.size)
        && tree::root(&leaves) == checkpoint.root;
    if is_signed { Ok(leaves.into_iter().collect()) } else { Err(Alarm::SealInvalid.into()) }
}

/// Sends one receipt to the box as a complaint: as large as a review, and as nameless.
pub async fn complain(ballot_box: &str, receipt: &Receipt) -> Result<Verdict> {
    let mut complaint = Complaint { receipt, pad: String::new() };
    let size = jcs::canonical(&complaint)?.len();
    complaint.pad = "0".repeat(BODY_SIZE.checked_sub(size).ok_or_else(|| Error::from(Code::WrongSize))?);
    let line = Line::to(ballot_box)?;
    match line.post_for_status("/v1/anon/complaints", jcs::canonical(&complaint)?).await? {
        StatusCode::ACCEPTED => Ok(Verdict::Recorded),
        StatusCode::OK => Ok(Verdict::LeafPresent),
        StatusCode::UNPROCESSABLE_ENTITY => Ok(Verdict::NoProof),
        StatusCode::NOT_FOUND => Err(Failure::Refused(Code::UnknownCycle)),
        StatusCode::SERVICE_UNAVAILABLE => Err(Failure::Refused(Code::Busy)),
        other => Err(line.unexpected(other)),
    }
}
