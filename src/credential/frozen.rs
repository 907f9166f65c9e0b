//! A manifest that passed every check, with its digest and its keys ready for use.
//!
//! What a newcomer would get wrong: digests are compared, never manifests. A reviewer's bytes name the digest that was
//! current when they were signed, and [`Frozen::keeps_subject`] decides whether an earlier generation still counts.

use std::collections::HashMap;

use ed25519_dalek::SigningKey;

use crate::credential::blind_rsa::IssuerPublicKey;
use crate::credential::encoding::{Digest, Ref, sha256};
use crate::credential::manifest::{Instrument, Issuer, Manifest, Subject};
use crate::credential::note::{Checkpoint, VerifierKey};
use crate::credential::signing::public_key;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};

/// A manifest without faults and alarms. Holding one is the proof that all checks inside the document passed.
#[derive(Debug)]
pub struct Frozen {
    manifest: Manifest,
    bytes: Vec<u8>,
    digest: Digest,
    subjects: HashMap<Ref, usize>,
    keys: HashMap<Digest, IssuerPublicKey>,
    log_key: VerifierKey,
}

impl Frozen {
    /// Checks a manifest and freezes it; `invalid` with its faults, or with the first alarm as hint.
    pub fn new(manifest: Manifest) -> Result<Self> {
        manifest.validate()?;
        if let Some(alarm) = manifest.alarms().first() {
            return Err(Error::hinted(Code::Invalid, Hint::plain(alarm.to_string())));
        }
        let bytes = manifest.to_bytes()?;
        let mut keys = HashMap::new();
        for key in manifest.subjects.iter().flat_map(|subject| &subject.keys) {
            keys.insert(key.key_id, IssuerPublicKey::from_spki_der(&key.spki.0)?);
        }
        Ok(Frozen {
            digest: sha256(&[&bytes]),
            subjects: manifest.subjects.iter().enumerate().map(|(at, subject)| (subject.subject_ref, at)).collect(),
            log_key: VerifierKey::parse(&manifest.log.vkey)?,
            keys,
            bytes,
            manifest,
        })
    }

    /// Reads a manifest's text and freezes it; as [`Manifest::parse`] and [`Frozen::new`].
    pub fn parse(text: &[u8]) -> Result<Self> {
        Frozen::new(Manifest::parse(text)?)
    }

    /// The manifest itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its canonical bytes, the same for everyone.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `H(JCS(manifest))`.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The key of the box's log under this round's name.
    pub fn log_key(&self) -> &VerifierKey {
        &self.log_key
    }

    /// The subject of this name, if the manifest has it.
    pub fn subject(&self, subject_ref: &Ref) -> Option<&Subject> {
        self.subjects.get(subject_ref).and_then(|at| self.manifest.subjects.get(*at))
    }

    /// The form used for a subject.
    pub fn instrument(&self, subject: &Subject) -> Option<&Instrument> {
        self.manifest.instruments.iter().find(|instrument| instrument.instrument_id == subject.instrument_id)
    }

    /// The issuer of this name.
    pub fn issuer(&self, issuer_id: &str) -> Option<&Issuer> {
        self.manifest.issuers.iter().find(|issuer| issuer.issuer_id == issuer_id)
    }

    /// The id of the key under which an issuer certifies reviewers of a subject.
    pub fn key_id(&self, subject_ref: &Ref, issuer_id: &str) -> Option<Digest> {
        let subject = self.subject(subject_ref)?;
        subject.keys.iter().find(|key| key.issuer_id == issuer_id).map(|key| key.key_id)
    }

    /// The public key of this id.
    pub fn key(&self, key_id: &Digest) -> Option<&IssuerPublicKey> {
        self.keys.get(key_id)
    }

    /// Whether this is the next generation after `earlier`; `manifest_mismatch` if not.
    ///
    /// The generation is one more and names the digest before. What the reviewers were promised stays: cycle, round,
    /// methodology, issuers, the box's keys, the floor and the bounds, and the size of every panel. Dates may move, and a
    /// subject may get other keys.
    pub fn succeeds(&self, earlier: &Frozen) -> Result<()> {
        let (new, old) = (&self.manifest, &earlier.manifest);
        let follows = old.generation.checked_add(1) == Some(new.generation)
            && new.prev_manifest_digest == Some(earlier.digest)
            && (new.cycle_ref, new.round) == (old.cycle_ref, old.round)
            && new.methodology_digest == old.methodology_digest
            && new.issuers == old.issuers
            && new.receipt_key == old.receipt_key
            && new.log == old.log
            && (new.issued_min, new.display_min, new.decision_min)
                == (old.issued_min, old.display_min, old.decision_min)
            && (new.body_size, new.max_seq) == (old.body_size, old.max_seq)
            && new.subjects.iter().all(|subject| {
                earlier.subject(&subject.subject_ref).is_none_or(|before| before.panel_size == subject.panel_size)
            });
        if follows { Ok(()) } else { Err(Code::ManifestMismatch.into()) }
    }

    /// True if bytes signed under `earlier` stay good for this subject: same keys, same form.
    pub fn keeps_subject(&self, earlier: &Frozen, subject_ref: &Ref) -> bool {
        let (Some(new), Some(old)) = (self.subject(subject_ref), earlier.subject(subject_ref)) else {
            return false;
        };
        new.keys == old.keys && self.instrument(new) == earlier.instrument(old)
    }

    /// The subjects whose reviewers must collect anew, or that are new or gone, against an earlier generation.
    pub fn changed_subjects(&self, earlier: &Frozen) -> Vec<Ref> {
        let mut changed: Vec<Ref> = [&self.manifest, &earlier.manifest]
            .into_iter()
            .flat_map(|manifest| &manifest.subjects)
            .map(|subject| subject.subject_ref)
            .filter(|subject_ref| !self.keeps_subject(earlier, subject_ref))
            .collect();
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// The box's note on this manifest; `internal` if the key is not the log key that the manifest names.
    pub fn sign_note(&self, log_key: &SigningKey) -> Result<String> {
        if public_key(log_key) != *self.log_key.key() {
            return Err(Error::internal("the log key is not the one that the manifest names"));
        }
        self.note()?.sign(log_key)
    }

    /// Checks the box's note on this manifest; `signature_invalid` or `manifest_mismatch`.
    pub fn verify_note(&self, note: &str) -> Result<()> {
        let expected = self.note()?;
        let key = VerifierKey::new(expected.origin.as_str(), *self.log_key.key())?;
        if Checkpoint::verify(note, &key)? == expected { Ok(()) } else { Err(Code::ManifestMismatch.into()) }
    }

    fn note(&self) -> Result<Checkpoint> {
        let origin = self.manifest.note_origin().ok_or_else(|| Error::from(Code::Malformed))?;
        Ok(Checkpoint { origin, size: u64::from(self.manifest.generation), root: self.digest })
    }
}
