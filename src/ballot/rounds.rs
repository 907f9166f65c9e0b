//! What the box knows of the rounds: taken from the publication folder, checked, and pinned.
//!
//! What a newcomer would get wrong: the folder is the registry's to write, and the registry may be hostile. The box puts
//! its note to one manifest of a generation for ever; what it once signed is kept in its own tables, not in the folder.

use std::sync::Arc;

use chrono::NaiveDate;
use ed25519_dalek::SigningKey;

use super::pins::{self, LedgerPin};
use super::tables::{self, RoundKey};
use super::{Ballot, blocking, keys};
use crate::credential::deletion_order::DeletionOrder;
use crate::credential::encoding::{Digest, Ref, sha256};
use crate::credential::frozen::Frozen;
use crate::credential::ledger::Ledger;
use crate::credential::manifest::Window;
use crate::credential::receipt::Receipt;
use crate::credential::rules::BallotRules;
use crate::credential::seal_order::{Act, SealOrder};
use crate::credential::signing::public_key;
use crate::error::{Code, Error, Result};
use crate::publication::{Document, Fingerprint, RoundFolder};

/// What the box has made of a round's folder, and of which state of the folder.
pub(super) struct Known {
    seen: Fingerprint,
    round: Option<Arc<Round>>,
}

/// A round that the box has taken in.
pub struct Round {
    found: Arc<Found>,
    receipt_key: Option<SigningKey>,
    is_closed: bool,
    /// Whether the deletion of its reviews is ordered and waits for its day.
    awaits_deletion: bool,
}

/// What lay in a round's folder and passed the checks that need no database.
pub(super) struct Found {
    pub(super) rules: BallotRules,
    pub(super) methodology: Vec<u8>,
    order: Option<Act>,
    /// The last day for complaints: the manifest's, or a later one that the order names.
    complaints_until: NaiveDate,
    pub(super) deletion: Option<DeletionOrder>,
}

impl Known {
    /// The round, where it was taken in.
    pub(super) fn round(&self) -> Option<&Arc<Round>> {
        self.round.as_ref()
    }
}

impl Round {
    /// What a review is judged by.
    pub fn rules(&self) -> &BallotRules {
        &self.found.rules
    }

    /// Whether no complaint can come any more.
    pub(super) fn is_past_complaints(&self, today: NaiveDate) -> bool {
        self.found.is_past_complaints(today)
    }

    /// Whether it is sealed or destroyed, by the box's own tables: an order alone ends nothing.
    pub fn has_ended(&self) -> bool {
        self.is_closed
    }

    /// The receipt of a leaf; `None` once the end was ordered, whether it could be brought about or not.
    pub fn receipt(&self, leaf: &Digest) -> Option<Receipt> {
        let manifest = self.rules().current().manifest();
        self.receipt_key.as_ref().map(|key| Receipt::sign(key, &manifest.cycle_ref, manifest.round, leaf))
    }
}

impl Found {
    /// The order that may be obeyed on this date: a seal when reviews are no longer taken.
    fn due_order(&self, today: NaiveDate) -> Option<Act> {
        self.order.filter(|act| match act {
            Act::Seal => self.rules.current().manifest().submit_window(today) == Window::Closed,
            Act::Destroy => true,
        })
    }

    /// Whether no complaint can come any more, before which no review is deleted: it may be the proof against one.
    pub(super) fn is_past_complaints(&self, today: NaiveDate) -> bool {
        today > self.complaints_until
    }
}

impl Ballot {
    /// The round as it stands in the folder now; `None` if there is none or it was not taken in.
    pub(super) async fn find_round(&self, cycle_ref: &Ref, round: u32) -> Result<Option<Arc<Round>>> {
        let folder = self.folder().round(cycle_ref, round);
        let seeing = folder.clone();
        let Some(seen) = blocking(move || seeing.fingerprint()).await? else { return Ok(None) };
        let Some(key) = RoundKey::new(*cycle_ref, round) else { return Ok(None) };
        if let Some(known) = self.look_up(cycle_ref, round, &seen) {
            return Ok(known);
        }
        let _alone = self.taking_in.lock().await;
        if let Some(known) = self.look_up(cycle_ref, round, &seen) {
            return Ok(known);
        }
        let taken = match self.take_in(key, folder).await {
            Ok(taken) => Some(Arc::new(taken)),
            // A broken machine is no judgement on the manifest: it is looked at again the next time.
            Err(error) if matches!(error.code(), Code::Internal | Code::Busy) => return Err(error),
            Err(_) => None,
        };
        self.known().insert((*cycle_ref, round), Known { seen, round: taken.clone() });
        Ok(taken)
    }

    /// Takes in whatever lies in the folder. A round that cannot be taken in now stands in nobody's way.
    pub(super) async fn look_around(&self) {
        let folder = self.folder().clone();
        let Ok(rounds) = blocking(move || folder.rounds()).await else { return };
        for (cycle_ref, round) in rounds {
            // There is nobody to tell: whoever asks for the round is told.
            let _ = self.find_round(&cycle_ref, round).await;
        }
    }

    fn look_up(&self, cycle_ref: &Ref, round: u32, seen: &Fingerprint) -> Option<Option<Arc<Round>>> {
        let known = self.known();
        let known = known.get(&(*cycle_ref, round)).filter(|known| known.seen == *seen)?;
        let is_stale = known.round.as_ref().is_some_and(|round| {
            let today = round.rules().current().manifest().date_at(self.now());
            let is_end_due = round.receipt_key.is_some() && round.found.due_order(today).is_some();
            is_end_due || round.awaits_deletion && round.found.is_past_complaints(today)
        });
        (!is_stale).then(|| known.round.clone())
    }

    /// Checks what lies in the folder, pins it, signs the note, and obeys the order where there is one.
    async fn take_in(&self, key: RoundKey, folder: RoundFolder) -> Result<Round> {
        let log_key = public_key(&self.log_key);
        let reading = folder.clone();
        let found = Arc::new(blocking(move || read(&reading, key)).await?);
        if *found.rules.current().log_key().key() != log_key {
            return Err(Code::ManifestMismatch.into());
        }
        let receipt_key = self.pin(key, &found.rules).await?;
        let note = found.rules.current().sign_note(&self.log_key)?;
        let writing = folder.clone();
        blocking(move || {
            if writing.read(&Document::ManifestNote)?.as_deref() == Some(note.as_bytes()) {
                return Ok(());
            }
            writing.write(&Document::ManifestNote, note.as_bytes())
        })
        .await?;
        self.publish_keys().await?;

        let today = found.rules.current().manifest().date_at(self.now());
        let order = found.due_order(today);
        if order.is_some() || receipt_key.is_none() {
            let is_closed = self.end(key, folder.clone(), &found, order).await?;
            let awaits_deletion = is_closed && self.delete(key, folder, &found).await?;
            return Ok(Round { found, receipt_key: None, is_closed, awaits_deletion });
        }
        Ok(Round { found, receipt_key, is_closed: false, awaits_deletion: false })
    }

    /// Compares manifests and ledgers with those pinned before, records the new ones and finds the round's receipt key.
    ///
    /// `manifest_mismatch` if one was pinned with another digest, if a generation that was signed is gone, if there is a
    /// new one although the round has ended, or if the receipt key is not the one that the box gave out.
    async fn pin(&self, key: RoundKey, rules: &BallotRules) -> Result<Option<SigningKey>> {
        let digests: Vec<Digest> = rules.generations().map(Frozen::digest).collect();
        let mut ledgers = Vec::new();
        for ledger in rules.ledgers() {
            ledgers.push(LedgerPin {
                issuer_id: ledger.issuer_id.clone(),
                generation: i32::try_from(ledger.generation).map_err(Error::internal)?,
                digest: sha256(&[&ledger.to_bytes()?]),
            });
        }
        let named = rules.current().manifest().receipt_key;
        let fresh = keys::fresh()?;
        let receipt_key = self
            .write(move |conn| {
                let is_closed = tables::find_closed(conn, key)?.is_some();
                let bound = if is_closed { None } else { Some(keys::bind_receipt_key(conn, key, &named, &fresh)?) };
                pins::pin_manifests(conn, key, &digests, is_closed)?;
                pins::pin_ledgers(conn, key, &ledgers)?;
                Ok(bound)
            })
            .await?;
        Ok(receipt_key.map(|key| SigningKey::from_bytes(&key)))
    }
}

/// Reads a round's folder; any refusal means that the round is not taken in.
fn read(folder: &RoundFolder, key: RoundKey) -> Result<Found> {
    let missing = || Error::from(Code::UnknownCycle);
    let mut generations = Vec::new();
    for generation in folder.generations()? {
        let bytes = folder.read(&Document::Manifest(generation))?.ok_or_else(missing)?;
        let manifest = Frozen::parse(&bytes)?;
        // The digest is that of the canonical text; the bytes served must be these and no others.
        let is_own = manifest.bytes() == bytes
            && RoundKey::new(manifest.manifest().cycle_ref, manifest.manifest().round) == Some(key)
            && manifest.manifest().generation == generation;
        if !is_own {
            return Err(Code::ManifestMismatch.into());
        }
        generations.push(manifest);
    }
    let mut ledgers = Vec::new();
    for document in folder.newest_ledgers()? {
        // A ledger that is not sound keeps the gates closed; the round's documents are there all the same.
        let ledger = folder.read(&document)?.and_then(|bytes| Ledger::parse(&bytes).ok());
        ledgers.extend(ledger.filter(|ledger| is_sound(ledger, &document, &generations)));
    }
    let rules = BallotRules::new(generations, ledgers)?;
    let methodology = folder.read(&Document::Methodology)?.ok_or_else(missing)?;
    if sha256(&[&methodology]) != rules.current().manifest().methodology_digest {
        return Err(Code::ManifestMismatch.into());
    }
    // An order that is not sound orders nothing.
    let order = folder.read(&Document::SealOrder)?.and_then(|bytes| SealOrder::parse(&bytes).ok());
    let order = order.filter(|order| order.verify(rules.current()).is_ok());
    let challenge_close = rules.current().manifest().dates.challenge_close;
    let later = order.as_ref().and_then(|order| order.complaints_until);
    let complaints_until = later.map_or(challenge_close, |later| later.max(challenge_close));
    let order = order.map(|order| order.act);
    let deletion = folder.read(&Document::DeletionOrder)?.and_then(|bytes| DeletionOrder::parse(&bytes).ok());
    let deletion = deletion.filter(|order| order.verify(rules.current()).is_ok());
    Ok(Found { rules, methodology, order, complaints_until, deletion })
}

fn is_sound(ledger: &Ledger, document: &Document, generations: &[Frozen]) -> bool {
    let is_named = matches!(document, Document::Ledger { issuer_id, generation }
        if *issuer_id == ledger.issuer_id && *generation == ledger.generation);
    let manifest = generations.iter().find(|manifest| manifest.digest() == ledger.manifest_digest);
    is_named && manifest.is_some_and(|manifest| ledger.verify(manifest).is_ok())
}
