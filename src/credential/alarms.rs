//! What a hostile issuer would try in a manifest, and the client's answer: section 4, (c) and (d).
//!
//! What a newcomer would get wrong: these limits are not the methodology's. They are compiled in, because whoever could
//! set them could set them so that reviewers stand alone. Box, registry and auditor apply them too.

use std::collections::HashSet;
use std::fmt;

use crate::credential::blind_rsa::{IssuerPublicKey, KeyFault};
use crate::credential::encoding::{Digest, Ref, sha256};
use crate::credential::manifest::{Manifest, SubjectKey};

/// The fewest credentials that may open a subject's reviews. Compiled in on purpose: a server that could set the
/// floor could set it to 1, and then know who wrote the only review.
pub const ISSUED_FLOOR: u32 = 6;

/// What a hostile or broken issuer shows: the client discards everything and warns (section 4, (c) and (d)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alarm {
    /// The subject does not have exactly one key of each issuer, or has one of a stranger.
    KeyCount(Ref),
    /// Two entries name the same key.
    DuplicateKey(Digest),
    /// `key_id` is not the hash of the key beside it.
    KeyIdMismatch(Digest),
    /// The key cannot be read, or does not have the `rsaEncryption` identifier.
    UnreadableKey(Digest),
    /// The key is not a sound 3072-bit key.
    WeakKey(Digest, KeyFault),
    /// `issued_min` is below 6, above this subject's panel, or in round 1 below `decision_min`.
    IssuedMin(Ref),
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Alarm::KeyCount(subject) => write!(f, "subject {subject} does not have exactly one key of each issuer"),
            Alarm::DuplicateKey(key) => write!(f, "key {key} stands more than once"),
            Alarm::KeyIdMismatch(key) => write!(f, "key {key} is not the hash of its bytes"),
            Alarm::UnreadableKey(key) => write!(f, "key {key} cannot be read"),
            Alarm::WeakKey(key, fault) => write!(f, "key {key} is unsound: {fault:?}"),
            Alarm::IssuedMin(subject) => write!(f, "issued_min is out of bounds for subject {subject}"),
        }
    }
}

impl Manifest {
    /// The client's checks (c) and (d); empty is good. Box, registry and auditor make them too.
    pub fn alarms(&self) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        let mut seen = HashSet::new();
        for subject in &self.subjects {
            let is_complete = subject.keys.len() == self.issuers.len()
                && self
                    .issuers
                    .iter()
                    .all(|issuer| subject.keys.iter().filter(|key| key.issuer_id == issuer.issuer_id).count() == 1);
            if !is_complete {
                alarms.push(Alarm::KeyCount(subject.subject_ref));
            }
            let is_below_decision = self.round == 1 && self.issued_min < self.decision_min;
            if self.issued_min < ISSUED_FLOOR || self.issued_min > subject.panel_size || is_below_decision {
                alarms.push(Alarm::IssuedMin(subject.subject_ref));
            }
            for key in &subject.keys {
                if !seen.insert(key.key_id) {
                    alarms.push(Alarm::DuplicateKey(key.key_id));
                }
                alarms.extend(key.alarm());
            }
        }
        alarms
    }
}

impl SubjectKey {
    fn alarm(&self) -> Option<Alarm> {
        if sha256(&[&self.spki.0]) != self.key_id {
            return Some(Alarm::KeyIdMismatch(self.key_id));
        }
        match IssuerPublicKey::from_spki_der(&self.spki.0) {
            Err(_) => Some(Alarm::UnreadableKey(self.key_id)),
            Ok(key) => key.check().err().map(|fault| Alarm::WeakKey(self.key_id, fault)),
        }
    }
}
