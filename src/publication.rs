//! The publication folder: the one place that knows its layout, and how its files are written and read.
//!
//! What a newcomer would get wrong: a document is here only once it has its name. It is put here by
//! [`durable::write`](crate::durable::write), so neither side ever reads half a document, and a crash leaves none.

pub mod archive;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::credential::bundle::{ENVELOPES, Files, INDEX, RESULT, SUPERSEDED};
use crate::credential::encoding::{Digest, Ref, sha256};
use crate::durable::{erase, erase_unfinished, make_folder, names, read, sync_folder, write};
use crate::error::{Code, Error, Result};

const BOX_KEYS: &str = "box.json";
const BUNDLE: &str = "bundle";
/// Everybody may read what is public.
const PUBLIC_MODE: u32 = 0o644;
/// Registry and box may run as two users, who share a group; whatever one makes in a folder of this mode, the other can
/// replace, and belongs to that group as well.
const SHARED_FOLDER_MODE: u32 = 0o2775;
/// A sealed bundle holds reviews: it is for registry and box alone.
const BUNDLE_FILE_MODE: u32 = 0o640;
const BUNDLE_FOLDER_MODE: u32 = 0o2770;

/// What of a sealed bundle is deleted when reviews have been kept long enough.
pub const REVIEW_FILES: [&str; 2] = [ENVELOPES, SUPERSEDED];

/// The folder through which registry and box pass signed documents to each other.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

/// The folder of one round within it.
#[derive(Debug, Clone)]
pub struct RoundFolder {
    root: PathBuf,
    path: PathBuf,
}

/// A document of a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// A generation of the manifest; by the registry.
    Manifest(u32),
    /// The methodology whose digest the manifest names; by the registry.
    Methodology,
    /// An issuer's ledger under a generation of the manifest; by the registry.
    Ledger {
        /// Whose it is.
        issuer_id: String,
        /// Under which generation it was closed.
        generation: u32,
    },
    /// The digests of the reading packs, which are the same for every reviewer; by the registry.
    Packs,
    /// The order to seal or to destroy; by the registry.
    SealOrder,
    /// The order to delete the reviews that were sealed; by the registry.
    DeletionOrder,
    /// The box's note on the newest manifest.
    ManifestNote,
    /// The box's signed checkpoint; with it a round is sealed.
    Checkpoint,
    /// All leaves, sorted; by the box.
    Leaves,
    /// The receipts whose leaves were not sealed; by the box.
    Complaints,
    /// The box's note that it destroyed the round's reviews.
    Destroyed,
    /// The box's note that it deleted the reviews that were sealed.
    Deleted,
}

/// A document that anybody may read, by the last part of its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicDocument {
    /// The newest manifest.
    Manifest,
    /// The box's note on it.
    ManifestNote,
    /// A generation of the manifest.
    ManifestOf(u32),
    /// The newest ledger of an issuer.
    Ledger(String),
    /// The ledger of an issuer under a generation.
    LedgerOf(String, u32),
    /// The digests of the reading packs.
    Packs,
    /// The signed checkpoint.
    Checkpoint,
    /// All leaves, sorted, 32 bytes each.
    Leaves,
    /// The receipts whose leaves were not sealed, one a line.
    Complaints,
}

/// A public document as found.
#[derive(Debug)]
pub struct Published {
    /// Its bytes, the same for everyone.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// Whether the round is sealed, so that no document of it changes again.
    pub is_final: bool,
}

impl PublicDocument {
    /// The manifest of a generation, as an address names it; `not_found` where that is no generation.
    pub fn manifest_of(generation: &str) -> Result<Self> {
        Ok(PublicDocument::ManifestOf(number(generation).ok_or(Code::NotFound)?))
    }

    /// The ledger of an issuer and a generation, as an address names them; `not_found` where that is no generation.
    pub fn ledger_of(issuer_id: String, generation: &str) -> Result<Self> {
        Ok(PublicDocument::LedgerOf(issuer_id, number(generation).ok_or(Code::NotFound)?))
    }

    /// Whether the box makes it at the end of a round, so that it means nothing before.
    pub fn is_of_the_end(&self) -> bool {
        matches!(self, PublicDocument::Checkpoint | PublicDocument::Leaves | PublicDocument::Complaints)
    }

    /// Whether it stays as it is once the round has ended.
    pub fn is_fixed(&self) -> bool {
        *self != PublicDocument::Complaints
    }

    /// Its media type.
    pub fn content_type(&self) -> &'static str {
        match self {
            PublicDocument::Manifest
            | PublicDocument::ManifestOf(_)
            | PublicDocument::Ledger(_)
            | PublicDocument::LedgerOf(..)
            | PublicDocument::Packs => "application/json",
            PublicDocument::ManifestNote | PublicDocument::Checkpoint => "text/plain; charset=utf-8",
            PublicDocument::Leaves => "application/octet-stream",
            PublicDocument::Complaints => "application/x-ndjson",
        }
    }
}

impl Published {
    /// For how long a copy of it is good: for ever once sealed; before, a new generation may replace it at any time.
    pub fn cache_control(&self) -> &'static str {
        if self.is_final { "public, max-age=31536000, immutable" } else { "no-cache" }
    }
}

/// What of the registry's lies in a round's folder, by name, inode, size and time of change: cheap to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(Vec<(String, u64, u64, i64, i64)>);

impl Folder {
    /// The folder at this path; it is made when the first document is written.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Folder { root: root.into() }
    }

    /// `box.json`, the box's public keys for the next round; `None` before the box has run.
    pub fn box_keys(&self) -> Result<Option<Vec<u8>>> {
        read(&self.root.join(BOX_KEYS))
    }

    /// Publishes `box.json`.
    pub fn put_box_keys(&self, bytes: &[u8]) -> Result<()> {
        make_shared(&self.root, &self.root)?;
        write(&self.root, BOX_KEYS, bytes, PUBLIC_MODE)
    }

    /// The folder of a round, whether it exists or not.
    pub fn round(&self, cycle_ref: &Ref, round: u32) -> RoundFolder {
        let path = self.root.join(cycle_ref.to_string()).join(round.to_string());
        RoundFolder { root: self.root.clone(), path }
    }

    /// All rounds that have a folder, in no order that means anything.
    pub fn rounds(&self) -> Result<Vec<(Ref, u32)>> {
        let mut rounds = Vec::new();
        for cycle in names(&self.root)? {
            // What is named otherwise is not ours.
            let Ok(cycle_ref) = cycle.parse::<Ref>() else { continue };
            rounds.extend(names(&self.root.join(&cycle))?.iter().filter_map(|name| Some((cycle_ref, number(name)?))));
        }
        Ok(rounds)
    }
}

impl RoundFolder {
    /// The bytes of a document; `None` while there is none.
    pub fn read(&self, document: &Document) -> Result<Option<Vec<u8>>> {
        match file_name(document) {
            Some(name) => read(&self.path.join(name)),
            None => Ok(None),
        }
    }

    /// Publishes a document, in place of an earlier one of its name.
    pub fn write(&self, document: &Document, bytes: &[u8]) -> Result<()> {
        let name = file_name(document).ok_or_else(|| Error::internal("an issuer's name that no file can bear"))?;
        make_shared(&self.root, &self.path)?;
        write(&self.path, &name, bytes, PUBLIC_MODE)
    }

    /// The generations of the manifest, ascending.
    pub fn generations(&self) -> Result<Vec<u32>> {
        let mut generations: Vec<u32> = names(&self.path)?.iter().filter_map(|name| manifest_of(name)).collect();
        generations.sort_unstable();
        Ok(generations)
    }

    /// The ledgers by issuer and generation, ascending.
    pub fn ledgers(&self) -> Result<Vec<(String, u32)>> {
        let mut ledgers: Vec<_> = names(&self.path)?.iter().filter_map(|name| ledger_of(name)).collect();
        ledgers.sort_unstable();
        Ok(ledgers)
    }

    /// The newest ledger of each issuer.
    pub fn newest_ledgers(&self) -> Result<Vec<Document>> {
        let mut newest = std::collections::BTreeMap::new();
        newest.extend(self.ledgers()?);
        Ok(newest.into_iter().map(|(issuer_id, generation)| Document::Ledger { issuer_id, generation }).collect())
    }

    /// What of the registry's lies here; `None` where the folder does not exist.
    pub fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        if !self.path.is_dir() {
            return Ok(None);
        }
        let mut entries = Vec::new();
        for name in names(&self.path)? {
            let is_ours = manifest_of(&name).is_some()
                || ledger_of(&name).is_some()
                || [Document::Methodology, Document::SealOrder, Document::DeletionOrder]
                    .iter()
                    .any(|document| file_name(document).as_ref() == Some(&name));
            if is_ours {
                let found = match fs::metadata(self.path.join(&name)) {
                    // It was there when the names were read; what is gone now does not lie here.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    found => found.map_err(Error::internal)?,
                };
                entries.push((name, found.ino(), found.size(), found.mtime(), found.mtime_nsec()));
            }
        }
        entries.sort_unstable();
        Ok(Some(Fingerprint(entries)))
    }

    /// A document that anybody may read; `None` while there is none.
    pub fn find_public(&self, document: &PublicDocument) -> Result<Option<Published>> {
        let wanted = match document {
            PublicDocument::Manifest => self.generations()?.last().copied().map(Document::Manifest),
            PublicDocument::ManifestNote => Some(Document::ManifestNote),
            PublicDocument::ManifestOf(generation) => Some(Document::Manifest(*generation)),
            PublicDocument::LedgerOf(issuer_id, generation) => {
                Some(Document::Ledger { issuer_id: issuer_id.clone(), generation: *generation })
            }
            PublicDocument::Ledger(wanted) => self
                .newest_ledgers()?
                .into_iter()
                .find(|ledger| matches!(ledger, Document::Ledger { issuer_id, .. } if issuer_id == wanted)),
            PublicDocument::Packs => Some(Document::Packs),
            PublicDocument::Checkpoint => Some(Document::Checkpoint),
            PublicDocument::Leaves => Some(Document::Leaves),
            PublicDocument::Complaints => Some(Document::Complaints),
        };
        let Some(wanted) = wanted else { return Ok(None) };
        let is_final = document.is_fixed() && self.read(&Document::Checkpoint)?.is_some();
        let bytes = self.read(&wanted)?;
        Ok(bytes.map(|bytes| Published { digest: sha256(&[&bytes]), bytes, is_final }))
    }

    /// Whether the sealed bundle lies here whole; its table of contents is written last.
    pub fn has_bundle(&self) -> bool {
        self.path.join(BUNDLE).join(INDEX).is_file()
    }

    /// The table of contents of the sealed bundle; `None` until it is whole.
    pub fn bundle_index(&self) -> Result<Option<Vec<u8>>> {
        read(&self.path.join(BUNDLE).join(INDEX))
    }

    /// The sealed bundle; `None` until it is whole.
    pub fn bundle(&self) -> Result<Option<Files>> {
        if !self.has_bundle() {
            return Ok(None);
        }
        let folder = self.path.join(BUNDLE);
        let mut files = Files::new();
        for name in names(&folder)? {
            if let Some(bytes) = read(&folder.join(&name))? {
                files.insert(name, bytes);
            }
        }
        Ok(Some(files))
    }

    /// Writes the sealed bundle, its table of contents last.
    pub fn write_bundle(&self, files: &Files) -> Result<()> {
        let folder = self.path.join(BUNDLE);
        if !folder.is_dir() {
            make_shared(&self.root, &self.path)?;
            make_folder(&folder, BUNDLE_FOLDER_MODE)?;
            sync_folder(&self.path)?;
        }
        let (index, others): (Vec<_>, Vec<_>) = files.iter().partition(|(name, _)| *name == INDEX);
        for (name, bytes) in others.into_iter().chain(index) {
            write(&folder, name, bytes, BUNDLE_FILE_MODE)?;
        }
        Ok(())
    }

    /// Writes the results of a bundle that lies here, and the table of contents that names them after them.
    pub fn write_result(&self, files: &Files) -> Result<()> {
        let folder = self.path.join(BUNDLE);
        for name in [RESULT, INDEX] {
            let bytes = files.get(name).ok_or_else(|| Error::internal("a bundle has no results to write"))?;
            write(&folder, name, bytes, BUNDLE_FILE_MODE)?;
        }
        Ok(())
    }

    /// Whether the sealed bundle still has a file that holds reviews, or that joins keys with leaves.
    pub fn has_reviews(&self) -> bool {
        REVIEW_FILES.iter().any(|name| self.path.join(BUNDLE).join(name).exists())
    }

    /// Erases those files, and what crashes left of them. The table of contents stays and names them by their digests.
    pub fn erase_reviews(&self) -> Result<()> {
        let folder = self.path.join(BUNDLE);
        for name in REVIEW_FILES {
            erase(&folder.join(name))?;
        }
        if folder.is_dir() { erase_unfinished(&folder) } else { Ok(()) }
    }
}

/// Makes a folder that registry and box share, with those above it up to the root. What lies above the root is nobody's
/// here, and gets whatever mode the process gives.
fn make_shared(root: &Path, folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    match folder.parent() {
        Some(parent) if folder == root => fs::create_dir_all(parent).map_err(Error::internal)?,
        Some(parent) => make_shared(root, parent)?,
        None => {}
    }
    make_folder(folder, SHARED_FOLDER_MODE)
}

/// The file of a document; `None` for an issuer whose name could lead out of the folder.
fn file_name(document: &Document) -> Option<String> {
    Some(match document {
        Document::Manifest(generation) => format!("manifest-{generation}.json"),
        Document::Methodology => "methodology.json".to_owned(),
        Document::Ledger { issuer_id, generation } => {
            let name = format!("ledger-{issuer_id}-{generation}.json");
            is_issuer(issuer_id).then_some(name)?
        }
        Document::Packs => "packs.json".to_owned(),
        Document::SealOrder => "seal-order.json".to_owned(),
        Document::DeletionOrder => "deletion-order.json".to_owned(),
        Document::ManifestNote => "manifest.note".to_owned(),
        Document::Checkpoint => "checkpoint".to_owned(),
        Document::Leaves => "leaves".to_owned(),
        Document::Complaints => "complaints".to_owned(),
        Document::Destroyed => "destroyed".to_owned(),
        Document::Deleted => "deleted".to_owned(),
    })
}

fn manifest_of(name: &str) -> Option<u32> {
    number(name.strip_prefix("manifest-")?.strip_suffix(".json")?)
}

fn ledger_of(name: &str) -> Option<(String, u32)> {
    let (issuer_id, generation) = name.strip_prefix("ledger-")?.strip_suffix(".json")?.rsplit_once('-')?;
    Some((is_issuer(issuer_id).then(|| issuer_id.to_owned())?, number(generation)?))
}

fn is_issuer(issuer_id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    (1..=40).contains(&issuer_id.len()) && issuer_id.bytes().all(is_plain)
}

/// A number in its one form: no sign, no leading zero.
fn number(text: &str) -> Option<u32> {
    // What is not a number is not one of our names, which is an answer and no failure.
    text.parse::<u32>().ok().filter(|number| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::credential::encoding::Bytes;

    const CYCLE: Ref = Bytes([7; 16]);

    fn ledger(issuer_id: &str, generation: u32) -> Document {
        Document::Ledger { issuer_id: issuer_id.to_owned(), generation }
    }

    #[test]
    fn what_was_written_is_read_and_what_was_not_is_absent() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(root.path().join("public"));
        assert!(folder.rounds().unwrap().is_empty() && folder.box_keys().unwrap().is_none());
        let round = folder.round(&CYCLE, 2);
        assert!(round.fingerprint().unwrap().is_none());

        round.write(&Document::Manifest(10), b"ten").unwrap();
        round.write(&Document::Manifest(9), b"nine").unwrap();
        round.write(&ledger("court-2", 0), b"old").unwrap();
        round.write(&ledger("court-2", 1), b"new").unwrap();

        assert_eq!(folder.rounds().unwrap(), [(CYCLE, 2)]);
        assert_eq!(round.generations().unwrap(), [9, 10]);
        assert_eq!(round.newest_ledgers().unwrap(), [ledger("court-2", 1)]);
        assert_eq!(round.find_public(&PublicDocument::Manifest).unwrap().unwrap().bytes, b"ten");
        assert_eq!(round.find_public(&PublicDocument::Ledger("court-2".to_owned())).unwrap().unwrap().bytes, b"new");
        assert!(round.find_public(&PublicDocument::Checkpoint).unwrap().is_none());
    }

    #[test]
    fn a_name_that_leads_out_of_the_folder_is_never_used() {
        let root = tempfile::tempdir().unwrap();
        let round = Folder::new(root.path()).round(&CYCLE, 1);
        assert!(round.write(&ledger("../x", 0), b"x").is_err());
        assert!(round.read(&ledger("a/b", 0)).unwrap().is_none());
    }

    #[test]
    fn the_fingerprint_changes_with_the_registrys_documents_alone() {
        let root = tempfile::tempdir().unwrap();
        let round = Folder::new(root.path()).round(&CYCLE, 1);
        round.write(&Document::Manifest(0), b"one").unwrap();
        let first = round.fingerprint().unwrap();
        round.write(&Document::ManifestNote, b"note").unwrap();
        assert_eq!(round.fingerprint().unwrap(), first);
        round.write(&Document::Manifest(0), b"two").unwrap();
        assert_ne!(round.fingerprint().unwrap(), first);
    }

    #[test]
    fn a_bundle_is_there_only_when_its_index_is() {
        let root = tempfile::tempdir().unwrap();
        let round = Folder::new(root.path()).round(&CYCLE, 1);
        let mut files = Files::from([("leaves".to_owned(), vec![1])]);
        round.write_bundle(&files).unwrap();
        assert!(round.bundle().unwrap().is_none());
        files.insert(INDEX.to_owned(), vec![2]);
        round.write_bundle(&files).unwrap();
        assert_eq!(round.bundle().unwrap(), Some(files));
    }

    #[test]
    fn two_users_of_one_group_can_both_write_and_strangers_read_what_is_public_alone() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("above/public");
        let round = Folder::new(&root).round(&CYCLE, 1);
        round.write(&Document::Manifest(0), b"one").unwrap();
        round.write_bundle(&Files::from([("leaves".to_owned(), vec![1])])).unwrap();

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        for shared in [&root, round.path.parent().unwrap(), &round.path] {
            assert_eq!(mode(shared), 0o2775, "{}", shared.display());
        }
        assert_eq!(mode(&round.path.join("manifest-0.json")), 0o644);
        assert_eq!(mode(&round.path.join("bundle")), 0o2770);
        assert_eq!(mode(&round.path.join("bundle/leaves")), 0o640);
        assert_ne!(mode(root.parent().unwrap()), 0o2775, "what lies above is not ours");
        // Whoever comes second leaves the folders as their owner made them.
        fs::set_permissions(&round.path, fs::Permissions::from_mode(0o2770)).unwrap();
        round.write(&Document::Manifest(1), b"two").unwrap();
        assert_eq!(mode(&round.path), 0o2770);
    }
}
