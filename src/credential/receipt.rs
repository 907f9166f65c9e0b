//! The receipt: the box's signed promise that a leaf will be in the sealed tree.
//!
//! What a newcomer would get wrong: a receipt has no date and no number, and signing is deterministic. The same review
//! sent twice gets the same bytes, so receipts tell nothing of when, or how often, anyone wrote.

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::credential::encoding::{Digest, Ref};
use crate::credential::signing::{self, PublicKey, Sig};

const TAG: &[u8] = b"EJF-RECEIPT-v1\0";

/// A signed promise; shows neither subject nor key nor marks, so it can be shown to anyone as a complaint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The version of this format: 1.
    pub v: u32,
    /// The box's name of the cycle.
    pub cycle_ref: Ref,
    /// The round.
    pub round: u32,
    /// The leaf that will be in the tree.
    pub leaf: Digest,
    /// Ed25519 by the box's receipt key over the members above.
    pub rsig: Sig,
}

impl Receipt {
    /// The receipt of a leaf.
    pub fn sign(receipt_key: &SigningKey, cycle_ref: &Ref, round: u32, leaf: &Digest) -> Self {
        let rsig = signing::sign(receipt_key, &[TAG, &cycle_ref.0, &round.to_be_bytes(), &leaf.0]);
        Receipt { v: 1, cycle_ref: *cycle_ref, round, leaf: *leaf, rsig }
    }

    /// True if the box that holds this receipt key made the promise.
    pub fn verify(&self, receipt_key: &PublicKey) -> bool {
        let parts: [&[u8]; 4] = [TAG, &self.cycle_ref.0, &self.round.to_be_bytes(), &self.leaf.0];
        self.v == 1 && signing::verify(receipt_key, &parts, &self.rsig)
    }
}
