//! The sealed bundle: the folder that holds a whole round, and from which anyone with it can recount.
//!
//! What a newcomer would get wrong: the box writes the bundle before any result exists. [`build`] makes it, and
//! [`add_result`] puts `result.json` in later and names it in the index; nothing else ever changes. Names and bytes come
//! in and go out as a map: reading and writing the folder is the caller's.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::credential::encoding::{Bytes, Digest, Ref, sha256};
use crate::credential::envelope::Envelope;
use crate::credential::frozen::Frozen;
use crate::credential::jcs;
use crate::credential::manifest::Manifest;
use crate::credential::note::Checkpoint;
use crate::credential::rules::BallotRules;
use crate::credential::signing::PublicKey;
use crate::credential::tree::root;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};

/// The bundle's files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The table of contents.
pub const INDEX: &str = "index.json";
/// All generations of the manifest: a JSON list, generation 0 first.
pub const MANIFESTS: &str = "manifest.json";
/// The box's note on the last generation.
pub const NOTE: &str = "manifest.note";
/// The bytes whose SHA-256 is the manifests' `methodology_digest`.
pub const METHODOLOGY: &str = "methodology.json";
/// The signed checkpoint of the tree.
pub const CHECKPOINT: &str = "checkpoint";
/// All leaves, ascending, 32 bytes each and nothing between them.
pub const LEAVES: &str = "leaves";
/// One envelope a line, ascending by leaf.
pub const ENVELOPES: &str = "envelopes.ndjson";
/// One [`Superseded`] a line, ascending by leaf.
pub const SUPERSEDED: &str = "superseded.ndjson";
/// The results; absent until they are computed.
pub const RESULT: &str = "result.json";

/// `index.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// The version of this format: 1.
    pub v: u32,
    /// The box's name of the cycle.
    pub cycle_ref: Ref,
    /// The round.
    pub round: u32,
    /// SHA-256 of every other file.
    pub files: BTreeMap<String, Digest>,
    /// What the leaves are.
    pub counts: Counts,
}

/// What the leaves of a round are; `tallied + superseded + withdrawn = leaves`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// The size of the tree.
    pub leaves: u64,
    /// Reviews that count.
    pub tallied: u64,
    /// Versions replaced by a later one.
    pub superseded: u64,
    /// Reviews withdrawn by their last version.
    pub withdrawn: u64,
}

/// A replaced version: its body is erased, its leaf stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Superseded {
    /// The leaf of the replaced version.
    pub leaf: Digest,
    /// The one-time key that replaced it.
    pub epk: PublicKey,
}

impl Counts {
    /// Of so many leaves, last versions, withdrawals among them, and replaced versions.
    pub(super) fn of(leaves: usize, last: usize, withdrawn: usize, superseded: usize) -> Counts {
        let [leaves, tallied, superseded, withdrawn] =
            [leaves, last - withdrawn, superseded, withdrawn].map(|count| count as u64);
        Counts { leaves, tallied, superseded, withdrawn }
    }
}

/// The file of an issuer's ledger.
pub fn ledger_file(issuer_id: &str) -> String {
    format!("ledger-{issuer_id}.json")
}

/// Seals a round: sorts the leaves, signs the checkpoint with the log key and lays out every file but `result.json`.
///
/// `already_exists` if a leaf stands twice; `internal` if the log key is not the one that the manifest names.
pub fn build(
    rules: &BallotRules,
    note: &str,
    methodology: &[u8],
    envelopes: &[Envelope],
    superseded: &[Superseded],
    log_key: &SigningKey,
) -> Result<Files> {
    let mut opened = BTreeMap::new();
    for envelope in envelopes {
        if opened.insert(envelope.leaf()?, envelope).is_some() {
            return Err(Code::AlreadyExists.into());
        }
    }
    let retired: BTreeMap<Digest, &Superseded> = superseded.iter().map(|version| (version.leaf, version)).collect();
    let mut leaves: Vec<Digest> = opened.keys().chain(retired.keys()).copied().collect();
    leaves.sort_unstable();
    if retired.len() != superseded.len() || !leaves.is_sorted_by(|left, right| left < right) {
        return Err(Code::AlreadyExists.into());
    }

    let text = rules.current().manifest();
    let checkpoint = seal(rules.current(), &leaves, log_key)?;
    let manifests: Vec<&Manifest> = rules.generations().map(Frozen::manifest).collect();
    let mut files = Files::from([
        (MANIFESTS.to_owned(), jcs::canonical(&manifests)?),
        (NOTE.to_owned(), note.as_bytes().to_vec()),
        (METHODOLOGY.to_owned(), methodology.to_vec()),
        (CHECKPOINT.to_owned(), checkpoint.into_bytes()),
        (LEAVES.to_owned(), leaves_to_bytes(&leaves)),
        (ENVELOPES.to_owned(), lines(opened.values().copied())?),
        (SUPERSEDED.to_owned(), lines(retired.values().copied())?),
    ]);
    for ledger in rules.ledgers() {
        files.insert(ledger_file(&ledger.issuer_id), ledger.to_bytes()?);
    }
    let withdrawn = envelopes.iter().filter(|envelope| envelope.body.is_withdrawn()).count();
    let counts = Counts::of(leaves.len(), envelopes.len(), withdrawn, superseded.len());
    write_index(
        &mut files,
        Index { v: 1, cycle_ref: text.cycle_ref, round: text.round, files: BTreeMap::new(), counts },
    )?;
    Ok(files)
}

/// The signed checkpoint over sorted leaves; `internal` if the log key is not the one that the manifest names.
pub fn seal(manifest: &Frozen, leaves: &[Digest], log_key: &SigningKey) -> Result<String> {
    let checkpoint = Checkpoint {
        origin: manifest.manifest().log.origin.clone(),
        size: u64::try_from(leaves.len()).map_err(Error::internal)?,
        root: root(leaves),
    };
    let note = checkpoint.sign(log_key)?;
    Checkpoint::verify(&note, manifest.log_key()).map_err(|_| Error::internal("the log key is not the manifest's"))?;
    Ok(note)
}

/// Adds or replaces `result.json` and its digest in the index, which names the others by what the box found them to be;
/// `malformed` if there is no index to go by.
pub fn add_result(files: &mut Files, result: &[u8]) -> Result<()> {
    let mut index: Index = jcs::read(get(files, INDEX)?)?;
    index.files.insert(RESULT.to_owned(), sha256(&[result]));
    files.insert(RESULT.to_owned(), result.to_vec());
    files.insert(INDEX.to_owned(), jcs::canonical(&index)?);
    Ok(())
}

/// The published leaf file: 32 bytes a leaf, nothing between them.
pub fn leaves_to_bytes(leaves: &[Digest]) -> Vec<u8> {
    leaves.iter().flat_map(|leaf| leaf.0).collect()
}

/// Reads a leaf file; `malformed` unless its size is a multiple of 32. Their order is not checked here.
pub fn leaves_from_bytes(bytes: &[u8]) -> Result<Vec<Digest>> {
    let (leaves, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(Code::Malformed.into());
    }
    Ok(leaves.iter().copied().map(Bytes).collect())
}

/// The file of this name; `malformed` if the bundle lacks it.
pub(super) fn get<'a>(files: &'a Files, name: &str) -> Result<&'a [u8]> {
    let bytes = files.get(name).map(Vec::as_slice);
    bytes.ok_or_else(|| Error::hinted(Code::Malformed, Hint::plain(format!("{name} is missing"))))
}

/// The text file of this name; `malformed` if the bundle lacks it or it is not UTF-8.
pub(super) fn get_text<'a>(files: &'a Files, name: &str) -> Result<&'a str> {
    std::str::from_utf8(get(files, name)?).map_err(|_| Code::Malformed.into())
}

/// The lines of a file, each of which must end in a line feed; `malformed` otherwise.
pub(super) fn split_lines(bytes: &[u8]) -> Result<Vec<&[u8]>> {
    match bytes.strip_suffix(b"\n") {
        Some(lines) => Ok(lines.split(|byte| *byte == b'\n').collect()),
        None if bytes.is_empty() => Ok(Vec::new()),
        None => Err(Code::Malformed.into()),
    }
}

fn lines<'a, T: Serialize + 'a>(documents: impl Iterator<Item = &'a T>) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for document in documents {
        out.extend(jcs::canonical(document)?);
        out.push(b'\n');
    }
    Ok(out)
}

fn write_index(files: &mut Files, index: Index) -> Result<()> {
    files.remove(INDEX);
    let hashes = files.iter().map(|(name, bytes)| (name.clone(), sha256(&[bytes]))).collect();
    let index = jcs::canonical(&Index { files: hashes, ..index })?;
    files.insert(INDEX.to_owned(), index);
    Ok(())
}
