//! The folder of checkpoints, outside the database (`EJF_AUDIT_DIR`). A newcomer's usual mistake is to trust what lies
//! here: whoever can change the database can perhaps change this folder too. What counts is the signature, and the
//! copies that lie elsewhere.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::credential::encoding::Digest;
use crate::credential::jcs;
use crate::credential::note::{Checkpoint, VerifierKey};
use crate::credential::tree::Frontier;
use crate::durable;
use crate::error::Result;

/// What the files of checkpoints begin with; the number of entries follows.
const CHECKPOINT: &str = "checkpoint-";
/// So many digits, so that names are in the order of numbers.
const DIGITS: usize = 16;
const FRONTIER: &str = "frontier.json";
/// A checkpoint tells nothing of anybody and is made to be handed on.
const MODE: u32 = 0o644;

/// The folder.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

/// A file that may hold a checkpoint.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Where it was found, for whoever has to look at it.
    pub source: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// A checkpoint with a good signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where it was found.
    pub source: String,
    /// What it says.
    pub checkpoint: Checkpoint,
}

/// The frontier as it lies in its file.
#[derive(Serialize, Deserialize)]
struct FrontierFile {
    size: u64,
    edge: Vec<Digest>,
}

impl Folder {
    /// The folder at this path; it is made when the first file is written.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Folder { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files that should hold checkpoints of at least `size_min` entries, smallest first.
    pub fn candidates(&self, size_min: u64) -> Result<Vec<Candidate>> {
        let mut names: Vec<(u64, String)> = Vec::new();
        for name in durable::names(&self.path)? {
            let Some(size) = name.strip_prefix(CHECKPOINT) else { continue };
            // A file of such a name that holds no number is looked at as well: its content says what it is.
            names.push((size.parse().unwrap_or(u64::MAX), name));
        }
        names.retain(|(size, _)| *size >= size_min);
        names.sort_unstable();
        let mut candidates = Vec::with_capacity(names.len());
        for (_, name) in names {
            let path = self.path.join(&name);
            // What went between the listing and the reading is not there.
            let Some(bytes) = durable::read(&path)? else { continue };
            candidates.push(Candidate { source: path.display().to_string(), bytes });
        }
        Ok(candidates)
    }

    /// The signed note of the newest checkpoint, as it lies here.
    pub fn newest(&self) -> Result<Option<Vec<u8>>> {
        let name = durable::names(&self.path)?.into_iter().filter(|name| is_checkpoint(name)).max();
        name.map_or(Ok(None), |name| durable::read(&self.path.join(name)))
    }

    /// Writes the signed note of a checkpoint, then the frontier from which the next one goes on.
    pub fn put(&self, note: &str, frontier: &Frontier) -> Result<()> {
        let name = format!("{CHECKPOINT}{:0DIGITS$}", frontier.size());
        durable::write(&self.path, &name, note.as_bytes(), MODE)?;
        self.put_frontier(frontier)
    }

    /// Writes the frontier of a checkpoint that lies here.
    pub fn put_frontier(&self, frontier: &Frontier) -> Result<()> {
        let file = FrontierFile { size: frontier.size(), edge: frontier.edge().to_vec() };
        durable::write(&self.path, FRONTIER, &jcs::canonical(&file)?, MODE)
    }

    /// The frontier, if it is that of a checkpoint that lies here and bears a signature of `key`; else the tree is grown
    /// from its first leaf, which costs a reading of the whole log and nothing else.
    pub fn frontier(&self, key: &VerifierKey) -> Result<Option<Frontier>> {
        let Some(bytes) = durable::read(&self.path.join(FRONTIER))? else { return Ok(None) };
        let Ok(file) = jcs::read::<FrontierFile>(&bytes) else { return Ok(None) };
        let Some(frontier) = Frontier::from_parts(file.size, file.edge) else { return Ok(None) };
        let name = format!("{CHECKPOINT}{:0DIGITS$}", frontier.size());
        let Some(bytes) = durable::read(&self.path.join(name))? else { return Ok(None) };
        let checkpoint = read_checkpoint(&bytes, std::slice::from_ref(key));
        let is_signed = checkpoint.is_some_and(|found| found.size == frontier.size() && found.root == frontier.root());
        Ok(is_signed.then_some(frontier))
    }
}

/// Sorts candidates into checkpoints signed with one of the keys, and the places of what is none.
pub fn sort_out(candidates: Vec<Candidate>, keys: &[VerifierKey]) -> (Vec<Kept>, Vec<String>) {
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    for Candidate { source, bytes } in candidates {
        match read_checkpoint(&bytes, keys) {
            Some(checkpoint) => kept.push(Kept { source, checkpoint }),
            None => refused.push(source),
        }
    }
    (kept, refused)
}

/// The checkpoint in a note that one of the keys has signed.
fn read_checkpoint(bytes: &[u8], keys: &[VerifierKey]) -> Option<Checkpoint> {
    // What is no text or no note of these keys is no checkpoint of this log, whatever else it is.
    let note = std::str::from_utf8(bytes).ok()?;
    keys.iter().find_map(|key| Checkpoint::verify(note, key).ok())
}

fn is_checkpoint(name: &str) -> bool {
    let digits = name.strip_prefix(CHECKPOINT);
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()))
}
