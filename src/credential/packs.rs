//! Reading packs as reviewers get them: the bytes of one subject's pack, the published list of their digests, and the frames
//! in which they come. What a newcomer would get wrong: two reviewers of a subject must never read different acts, else what
//! they write tells them apart. So the list is the same for everybody, signed by the key that the manifest names, and a
//! pack that is not on it is an alarm; two signed lists of a round are a proof that anybody can check.
//!
//! A list's sizes are public, and whoever sees how many bytes a reviewer takes could tell from them which subjects the
//! reviewer has. So every pack comes in a frame of one length: `subject_ref(16) ‖ u32 big-endian length ‖ pack ‖ zeros`.

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::credential::encoding::{Blob, Bytes, Digest, Ref, sha256};
use crate::credential::frozen::Frozen;
use crate::credential::jcs;
use crate::credential::signing::{self, Sig, public_key};
use crate::domain::reading::{ReadingLanguage, ReadingType};
use crate::error::{Code, Error, Result};

const TAG: &[u8] = b"EJF-PACKS-v1\0";
/// The name of the subject and the length of the pack.
const HEAD_SIZE: usize = 20;
/// Frames are of a multiple of this length.
const FRAME_STEP: usize = 64 * 1024;

/// The acts of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingPack {
    /// The version of this format: 1.
    pub v: u32,
    /// The acts, by category and drawn order.
    pub acts: Vec<PackedAct>,
}

/// One act: no number, no day, no court.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackedAct {
    /// The kind of case.
    pub category: String,
    /// The language of the text.
    pub language: ReadingLanguage,
    /// The type of the text.
    pub media_type: ReadingType,
    /// The bytes of the text.
    pub content: Blob,
}

/// The digests of a round's packs, as published with its manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackList {
    /// The version of this format: 1.
    pub v: u32,
    /// The box's name of the cycle.
    pub cycle_ref: Ref,
    /// The round.
    pub round: u32,
    /// The length of every frame, in bytes.
    pub frame: u32,
    /// One for each subject of the manifest, in its order.
    pub packs: Vec<ListedPack>,
    /// Ed25519 by the `doc_key` of the manifest's first issuer over the list without this member.
    pub sig: Sig,
}

/// One pack on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedPack {
    /// The box's name of the subject.
    pub subject_ref: Ref,
    /// SHA-256 of the pack's bytes.
    pub digest: Digest,
    /// How many bytes it has.
    pub size: u32,
}

impl ReadingPack {
    /// The bytes that are frozen: canonical JSON, so that one pack has one digest.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        jcs::canonical(self)
    }

    /// Reads a pack in its one writing; `malformed` if it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let pack: ReadingPack = jcs::read_canonical(bytes)?;
        if pack.v == 1 { Ok(pack) } else { Err(Code::Malformed.into()) }
    }
}

impl PackList {
    /// Builds and signs the list of a round, given in any order.
    ///
    /// `internal` if a subject of the manifest has no pack, or a pack no subject: the caller's records are wrong.
    pub fn build(manifest: &Frozen, mut packs: Vec<ListedPack>, doc_key: &SigningKey) -> Result<Self> {
        packs.sort_unstable_by_key(|pack| pack.subject_ref);
        let largest = packs.iter().map(|pack| pack.size as usize).max().unwrap_or(0);
        let frame = (largest + HEAD_SIZE).next_multiple_of(FRAME_STEP);
        let text = manifest.manifest();
        let mut list = PackList {
            v: 1,
            cycle_ref: text.cycle_ref,
            round: text.round,
            frame: u32::try_from(frame).map_err(Error::internal)?,
            packs,
            sig: Bytes([0; 64]),
        };
        list.sig = signing::sign(doc_key, &[TAG, &jcs::canonical_unsigned(&list)?]);
        if text.issuers.first().map(|issuer| issuer.doc_key) != Some(public_key(doc_key)) {
            return Err(Error::internal("the document key is not the one that the manifest names"));
        }
        list.verify(manifest).map_err(|fault| Error::internal(format!("the new list does not verify: {fault}")))?;
        Ok(list)
    }

    /// Reads a list in its one writing; `malformed` if it is none. Its truth is another question: [`PackList::verify`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        jcs::read_canonical(bytes)
    }

    /// The canonical bytes, which are published.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        jcs::canonical(self)
    }

    /// Checks the list against any generation of its round's manifest.
    ///
    /// `signature_invalid` if the first issuer did not sign it; `manifest_mismatch` if it is of another round, or its
    /// subjects are not the manifest's; `invalid` if a pack does not fit the frame.
    pub fn verify(&self, manifest: &Frozen) -> Result<()> {
        let text = manifest.manifest();
        let first = text.issuers.first().ok_or(Code::ManifestMismatch)?;
        if !signing::verify(&first.doc_key, &[TAG, &jcs::canonical_unsigned(self)?], &self.sig) {
            return Err(Code::SignatureInvalid.into());
        }
        let subjects = text.subjects.iter().map(|subject| subject.subject_ref);
        let belongs = self.v == 1
            && (self.cycle_ref, self.round) == (text.cycle_ref, text.round)
            && subjects.eq(self.packs.iter().map(|pack| pack.subject_ref));
        if !belongs {
            return Err(Code::ManifestMismatch.into());
        }
        let fits = |pack: &ListedPack| pack.size as usize + HEAD_SIZE <= self.frame as usize;
        if self.packs.iter().all(fits) { Ok(()) } else { Err(Code::Invalid.into()) }
    }

    /// The entry of a subject.
    pub fn find(&self, subject_ref: &Ref) -> Option<&ListedPack> {
        self.packs.iter().find(|pack| pack.subject_ref == *subject_ref)
    }

    /// A pack in its frame.
    ///
    /// `internal` if it does not fit: it is not one of this list.
    pub fn enframe(&self, subject_ref: &Ref, pack: &[u8]) -> Result<Vec<u8>> {
        let size = u32::try_from(pack.len()).map_err(Error::internal)?;
        let mut frame = Vec::with_capacity(self.frame as usize);
        frame.extend_from_slice(&subject_ref.0);
        frame.extend_from_slice(&size.to_be_bytes());
        frame.extend_from_slice(pack);
        if frame.len() > self.frame as usize {
            return Err(Error::internal("a pack is larger than its frame"));
        }
        frame.resize(self.frame as usize, 0);
        Ok(frame)
    }

    /// The packs of an answer, each of which is on the list with its digest, and nothing besides.
    ///
    /// `malformed` where the bytes are no frames of this list, or a pack is not the listed one or stands twice.
    pub fn open(&self, answer: &[u8]) -> Result<Vec<(Ref, ReadingPack)>> {
        let malformed = || Error::from(Code::Malformed);
        let frame = (self.frame as usize).max(HEAD_SIZE);
        let mut opened: Vec<(Ref, ReadingPack)> = Vec::new();
        for bytes in answer.chunks(frame) {
            let (name, rest) = bytes.split_at_checked(16).ok_or_else(malformed)?;
            let subject_ref = Ref::from_slice(name)?;
            let listed = self.find(&subject_ref).ok_or_else(malformed)?;
            let (size, rest) = rest.split_at_checked(HEAD_SIZE - 16).ok_or_else(malformed)?;
            let (pack, padding) = rest.split_at_checked(listed.size as usize).ok_or_else(malformed)?;
            let is_listed = bytes.len() == frame
                && size == listed.size.to_be_bytes()
                && sha256(&[pack]) == listed.digest
                && padding.iter().all(|byte| *byte == 0)
                && opened.iter().all(|(known, _)| *known != subject_ref);
            if !is_listed {
                return Err(malformed());
            }
            opened.push((subject_ref, ReadingPack::parse(pack)?));
        }
        Ok(opened)
    }
}
