//! The two small documents that cross the wall beside manifest and ledger: the seal order, and the box's public keys.
//!
//! What a newcomer would get wrong: the box obeys no request. It acts on a signed document that it finds in the
//! publication folder, and the order names the manifest's digest, so an order for one round can never seal another.

use chrono::NaiveDate;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::credential::encoding::{Bytes, Digest, Ref};
use crate::credential::frozen::Frozen;
use crate::credential::jcs;
use crate::credential::note::VerifierKey;
use crate::credential::signing::{self, PublicKey, Sig, public_key};
use crate::error::{Code, Error, Result};

const SEAL_TAG: &[u8] = b"EJF-SEAL-v1\0";
const BOX_TAG: &[u8] = b"EJF-BOX-v1\0";

/// An order of the registry's issuer to the box, decided by two persons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealOrder {
    /// The version of this format: 1.
    pub v: u32,
    /// The box's name of the cycle.
    pub cycle_ref: Ref,
    /// The round.
    pub round: u32,
    /// The manifest in force when the order was given.
    pub manifest_digest: Digest,
    /// What the box shall do.
    pub act: Act,
    /// The last day on which a missing review can be complained of, where the seal comes so late that the manifest's own would
    /// cut the time short; it never shortens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complaints_until: Option<NaiveDate>,
    /// Ed25519 by the `doc_key` of the manifest's first issuer over the order without this member.
    pub sig: Sig,
}

/// What the box is ordered to do with a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Build the tree, sign the checkpoint, publish, write the bundle.
    Seal,
    /// The cycle was cancelled: destroy its reviews unsealed.
    Destroy,
}

/// `box.json`: the box's public keys for the next round, so that the registry can build the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxKeys {
    /// The version of this format: 1.
    pub v: u32,
    /// The name before cycle and round in origins, such as `sjc.example/box`.
    pub log_name: String,
    /// The log's public key, for years.
    pub log_key: PublicKey,
    /// A fresh public key for the receipts of one round.
    pub receipt_key: PublicKey,
    /// Ed25519 by the log key over the document without this member.
    pub sig: Sig,
}

impl SealOrder {
    /// An order for the round of this manifest; `internal` if the key is not its first issuer's `doc_key`.
    pub fn sign(
        manifest: &Frozen,
        act: Act,
        complaints_until: Option<NaiveDate>,
        doc_key: &SigningKey,
    ) -> Result<Self> {
        let text = manifest.manifest();
        let mut order = SealOrder {
            v: 1,
            cycle_ref: text.cycle_ref,
            round: text.round,
            manifest_digest: manifest.digest(),
            act,
            complaints_until,
            sig: Bytes([0; 64]),
        };
        if text.issuers.first().map(|issuer| issuer.doc_key) != Some(public_key(doc_key)) {
            return Err(Error::internal("the document key is not the one that the manifest names"));
        }
        order.sig = signing::sign(doc_key, &[SEAL_TAG, &jcs::canonical_unsigned(&order)?]);
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
        let is_signed = text
            .issuers
            .first()
            .is_some_and(|issuer| signing::verify(&issuer.doc_key, &[SEAL_TAG, &unsigned], &self.sig));
        if is_signed { Ok(()) } else { Err(Code::SignatureInvalid.into()) }
    }
}

impl BoxKeys {
    /// The document of a box, signed with its log key; `malformed` if the name cannot stand in a note.
    pub fn sign(log_name: &str, receipt_key: PublicKey, log_key: &SigningKey) -> Result<Self> {
        VerifierKey::new(log_name, public_key(log_key))?;
        let mut keys = BoxKeys {
            v: 1,
            log_name: log_name.to_owned(),
            log_key: public_key(log_key),
            receipt_key,
            sig: Bytes([0; 64]),
        };
        keys.sig = signing::sign(log_key, &[BOX_TAG, &jcs::canonical_unsigned(&keys)?]);
        Ok(keys)
    }

    /// Reads `box.json` and checks that its own log key signed it; `malformed` or `signature_invalid`.
    ///
    /// That the log key is the one agreed with the box's operator is not said by it: `EJF_BOX_KEY`, or the manifests of
    /// earlier cycles, tell that when a manifest is frozen.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let keys: BoxKeys = jcs::read(text)?;
        if keys.v != 1 || VerifierKey::new(keys.log_name.as_str(), keys.log_key).is_err() {
            return Err(Code::Malformed.into());
        }
        let unsigned = jcs::canonical_unsigned(&keys)?;
        if !signing::verify(&keys.log_key, &[BOX_TAG, &unsigned], &keys.sig) {
            return Err(Code::SignatureInvalid.into());
        }
        Ok(keys)
    }

    /// The canonical bytes, which are published.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        jcs::canonical(self)
    }
}
