//! The issuance ledger: how many credentials an issuer gave out for each subject, provable entry by entry.
//!
//! What a newcomer would get wrong: an entry names nobody. It hashes the assignment together with the blinded message,
//! which only the reviewer and the issuer know, so a reviewer finds the own entry and no one else can.

use std::collections::HashMap;

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::credential::encoding::{Bytes, Digest, Ref, sha256};
use crate::credential::frozen::Frozen;
use crate::credential::jcs;
use crate::credential::signing::{self, Sig, public_key};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};

const TAG: &[u8] = b"EJF-LEDGER-v1\0";

/// One issuer's ledger for a round, as published at `issue_close`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// The version of this format: 1.
    pub v: u32,
    /// The box's name of the cycle.
    pub cycle_ref: Ref,
    /// The round.
    pub round: u32,
    /// The generation of the manifest under which it was closed.
    pub generation: u32,
    /// Whose ledger it is.
    pub issuer_id: String,
    /// The digest of that manifest.
    pub manifest_digest: Digest,
    /// Every subject of the manifest, in its order.
    pub subjects: Vec<LedgerSubject>,
    /// Ed25519 by the issuer's `doc_key` over the ledger without this member.
    pub sig: Sig,
}

/// What was issued for one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerSubject {
    /// The box's name of the subject.
    pub subject_ref: Ref,
    /// The issuer's key for the subject.
    pub key_id: Digest,
    /// One entry per credential, ascending, so that they do not tell the order of issuance.
    pub entries: Vec<Digest>,
}

/// `H("EJF-ENTRY-v1\0" ‖ key_id ‖ assignment_id ‖ H(blinded_msg))`.
pub fn entry(key_id: &Digest, assignment_id: &Bytes<16>, blinded_msg: &[u8]) -> Digest {
    entry_of_hash(key_id, assignment_id, &sha256(&[blinded_msg]))
}

/// [`entry`] for whoever kept only `H(blinded_msg)`, as the registry does.
pub fn entry_of_hash(key_id: &Digest, assignment_id: &Bytes<16>, blinded_hash: &Digest) -> Digest {
    sha256(&[b"EJF-ENTRY-v1\0", &key_id.0, &assignment_id.0, &blinded_hash.0])
}

impl Ledger {
    /// Builds and signs the ledger of one issuer from the entries issued per subject, in any order.
    ///
    /// `internal` if the manifest has no such issuer or subject, or an entry stands twice: the caller's records are wrong.
    pub fn build(manifest: &Frozen, issuer_id: &str, issued: &[(Ref, Digest)], doc_key: &SigningKey) -> Result<Self> {
        let mut by_subject: HashMap<Ref, Vec<Digest>> = HashMap::new();
        for (subject_ref, entry) in issued {
            by_subject.entry(*subject_ref).or_default().push(*entry);
        }
        let mut subjects = Vec::new();
        for subject in &manifest.manifest().subjects {
            let subject_ref = subject.subject_ref;
            let key_id = manifest
                .key_id(&subject_ref, issuer_id)
                .ok_or_else(|| Error::internal("the manifest has no such issuer"))?;
            let mut entries = by_subject.remove(&subject_ref).unwrap_or_default();
            entries.sort_unstable();
            subjects.push(LedgerSubject { subject_ref, key_id, entries });
        }
        if !by_subject.is_empty() {
            return Err(Error::internal("an entry names a subject that the manifest does not have"));
        }
        let text = manifest.manifest();
        let mut ledger = Ledger {
            v: 1,
            cycle_ref: text.cycle_ref,
            round: text.round,
            generation: text.generation,
            issuer_id: issuer_id.to_owned(),
            manifest_digest: manifest.digest(),
            subjects,
            sig: Bytes([0; 64]),
        };
        ledger.sig = signing::sign(doc_key, &[TAG, &jcs::canonical_unsigned(&ledger)?]);
        if manifest.issuer(issuer_id).map(|issuer| issuer.doc_key) != Some(public_key(doc_key)) {
            return Err(Error::internal("the document key is not the one that the manifest names"));
        }
        ledger.verify(manifest).map_err(|fault| Error::internal(format!("the new ledger does not verify: {fault}")))?;
        Ok(ledger)
    }

    /// Reads a ledger strictly; `malformed` if it is none. Its truth is another question: [`Ledger::verify`].
    pub fn parse(text: &[u8]) -> Result<Self> {
        jcs::read(text)
    }

    /// The canonical bytes, which are published.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        jcs::canonical(self)
    }

    /// Checks the ledger against the manifest under which it was closed.
    ///
    /// `signature_invalid` if the issuer did not sign it; `manifest_mismatch` if it belongs to another manifest, or its
    /// subjects and keys are not the manifest's; `invalid` if entries are unsorted or doubled, or more than the panel.
    pub fn verify(&self, manifest: &Frozen) -> Result<()> {
        let text = manifest.manifest();
        let Some(issuer) = manifest.issuer(&self.issuer_id) else {
            return Err(Code::ManifestMismatch.into());
        };
        if !signing::verify(&issuer.doc_key, &[TAG, &jcs::canonical_unsigned(self)?], &self.sig) {
            return Err(Code::SignatureInvalid.into());
        }
        let belongs = self.v == 1
            && (self.cycle_ref, self.round) == (text.cycle_ref, text.round)
            && self.generation == text.generation
            && self.manifest_digest == manifest.digest()
            && self.subjects.len() == text.subjects.len();
        if !belongs {
            return Err(Code::ManifestMismatch.into());
        }
        for (listed, subject) in self.subjects.iter().zip(&text.subjects) {
            let key_id = manifest.key_id(&subject.subject_ref, &self.issuer_id);
            if listed.subject_ref != subject.subject_ref || Some(listed.key_id) != key_id {
                return Err(Code::ManifestMismatch.into());
            }
            let fits = u32::try_from(listed.entries.len()).is_ok_and(|count| count <= subject.panel_size);
            if !fits || !listed.entries.is_sorted_by(|left, right| left < right) {
                let finding = Hint::plain(format!("ledger of subject {}", subject.subject_ref));
                return Err(Error::hinted(Code::Invalid, finding));
            }
        }
        Ok(())
    }

    /// How many credentials were issued for a subject under this key; `None` if the ledger does not list them.
    pub fn count(&self, subject_ref: &Ref, key_id: &Digest) -> Option<u32> {
        let subject = self.find(subject_ref).filter(|subject| subject.key_id == *key_id)?;
        u32::try_from(subject.entries.len()).ok()
    }

    /// Whether an entry is listed for a subject: a reviewer's own must be, if and only if it was asked for.
    pub fn holds(&self, subject_ref: &Ref, entry: &Digest) -> bool {
        self.find(subject_ref).is_some_and(|subject| subject.entries.contains(entry))
    }

    fn find(&self, subject_ref: &Ref) -> Option<&LedgerSubject> {
        let at = self.subjects.binary_search_by(|subject| subject.subject_ref.cmp(subject_ref)).ok()?;
        self.subjects.get(at)
    }
}
