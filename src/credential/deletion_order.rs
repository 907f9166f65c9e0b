//! The end of reviews: the registry's order to delete those of a sealed round, and the box's note that it did.
//!
//! What a newcomer would get wrong: an order deletes what was sealed and nothing else. It names the checkpoint, so it can
//! never fit a round that is still open, and what it takes away can be told from its own list of files and digests.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::credential::encoding::{Bytes, Digest, Ref, sha256};
use crate::credential::frozen::Frozen;
use crate::credential::jcs;
use crate::credential::note::{Checkpoint, VerifierKey};
use crate::credential::signing::{self, Sig, public_key};
use crate::error::{Code, Error, Result};

const TAG: &[u8] = b"EJF-DELETE-v1\0";

/// An order of the registry's issuer to the box, due by date: the reviews of a sealed round have been kept long enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeletionOrder {
    /// The version of this format: 1.
    pub v: u32,
    /// The box's name of the cycle.
    pub cycle_ref: Ref,
    /// The round.
    pub round: u32,
    /// The manifest in force when the round was sealed.
    pub manifest_digest: Digest,
    /// SHA-256 of the signed checkpoint of that seal.
    pub checkpoint_digest: Digest,
    /// The day of the order, where the cycle takes place.
    pub ordered_on: NaiveDate,
    /// What goes of the sealed bundle: SHA-256 of each file, as the bundle's table of contents has it.
    pub files: BTreeMap<String, Digest>,
    /// Ed25519 by the `doc_key` of the manifest's first issuer over the order without this member.
    pub sig: Sig,
}

impl DeletionOrder {
    /// An order for the sealed round of this manifest; `internal` if the key is not its first issuer's `doc_key`.
    pub fn sign(
        manifest: &Frozen,
        checkpoint: &[u8],
        files: BTreeMap<String, Digest>,
        ordered_on: NaiveDate,
        doc_key: &SigningKey,
    ) -> Result<Self> {
        let text = manifest.manifest();
        let mut order = DeletionOrder {
            v: 1,
            cycle_ref: text.cycle_ref,
            round: text.round,
            manifest_digest: manifest.digest(),
            checkpoint_digest: sha256(&[checkpoint]),
            ordered_on,
            files,
            sig: Bytes([0; 64]),
        };
        if text.issuers.first().map(|issuer| issuer.doc_key) != Some(public_key(doc_key)) {
            return Err(Error::internal("the document key is not the one that the manifest names"));
        }
        order.sig = signing::sign(doc_key, &[TAG, &jcs::canonical_unsigned(&order)?]);
        Ok(order)
    }

    /// Reads an order strictly; `malformed` if it is none.
    pub fn parse(text: &[u8]) -> Result<Self> {
        jcs::read(text)
    }

    /// The canonical bytes, which are published.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        jcs::canonical(self)
    }

    /// Checks the order against the manifest in force; `manifest_mismatch` or `signature_invalid`.
    pub fn verify(&self, manifest: &Frozen) -> Result<()> {
        let text = manifest.manifest();
        let belongs = self.v == 1
            && (self.cycle_ref, self.round) == (text.cycle_ref, text.round)
            && self.manifest_digest == manifest.digest();
        if !belongs {
            return Err(Code::ManifestMismatch.into());
        }
        let unsigned = jcs::canonical_unsigned(self)?;
        let is_signed =
            text.issuers.first().is_some_and(|issuer| signing::verify(&issuer.doc_key, &[TAG, &unsigned], &self.sig));
        if is_signed { Ok(()) } else { Err(Code::SignatureInvalid.into()) }
    }

    /// Whether it is about the round that this checkpoint sealed.
    pub fn is_of(&self, checkpoint: &[u8]) -> bool {
        self.checkpoint_digest == sha256(&[checkpoint])
    }
}

/// The box's note that the reviews under a sealed tree are deleted: the tree's size and root, under an origin of its own.
/// Deterministic, like every note.
pub fn deleted_note(manifest: &Frozen, sealed: &Checkpoint, log_key: &SigningKey) -> Result<String> {
    Checkpoint { origin: origin(manifest)?, ..sealed.clone() }.sign(log_key)
}

/// Checks such a note; `signature_invalid` or `malformed` where the manifest's log did not sign it for this tree.
pub fn verify_deleted(note: &str, manifest: &Frozen, sealed: &Checkpoint) -> Result<()> {
    let key = VerifierKey::new(origin(manifest)?, *manifest.log_key().key())?;
    let deleted = Checkpoint::verify(note, &key)?;
    let is_of_this = (deleted.size, deleted.root) == (sealed.size, sealed.root);
    if is_of_this { Ok(()) } else { Err(Code::Malformed.into()) }
}

fn origin(manifest: &Frozen) -> Result<String> {
    let text = manifest.manifest();
    let log_name = text.log_name().ok_or_else(|| Error::from(Code::Malformed))?;
    Ok(format!("{log_name}/deleted/{}/{}", text.cycle_ref, text.round))
}
