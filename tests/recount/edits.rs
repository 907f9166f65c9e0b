//! How a bundle is touched, and how an insider then covers the traces.

use ejf::credential::bundle::{self, Counts, Files, INDEX, Index, RESULT};
use ejf::credential::encoding::{Bytes, Digest, sha256};
use ejf::credential::envelope::Envelope;
use ejf::credential::jcs;
use ejf::credential::note::Checkpoint;
use ejf::credential::tally::score_bundle;
use ejf::credential::tree::root;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use serde_json::Value;

use crate::world::{self, World};

/// One way to touch a bundle. What it changes is left to chance, the seed of which names the case.
pub type Edit = fn(&mut Files, &World, &mut Chance);

/// The chances of one case.
pub struct Chance(pub ChaCha8Rng);

/// What is made anew over the touched files; each does what those before it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cover {
    /// Nothing: the index finds it.
    Nothing,
    /// The hashes of the index.
    Hashes,
    /// Its counts too, as they follow from the files.
    Counts,
    /// The results too, by the engine that made them.
    Results,
    /// The leaves and their tree too; but the log's key signs for nobody, so another one signs the checkpoint.
    Tree,
}

impl Cover {
    pub const ALL: [Cover; 5] = [Cover::Nothing, Cover::Hashes, Cover::Counts, Cover::Results, Cover::Tree];

    /// Makes anew what can still be made.
    pub fn traces(self, files: &mut Files) {
        if self >= Cover::Tree {
            seal(files);
        }
        if self >= Cover::Results
            && let Ok(scored) = score_bundle(files, &world::methodology())
        {
            files.insert(RESULT.to_owned(), scored.to_bytes().unwrap());
        }
        let Some(mut index) = files.get(INDEX).and_then(|text| jcs::read::<Index>(text).ok()) else { return };
        if self >= Cover::Hashes {
            let others = files.iter().filter(|(name, _)| *name != INDEX);
            index.files = others.map(|(name, bytes)| (name.clone(), sha256(&[bytes]))).collect();
        }
        if self >= Cover::Counts {
            index.counts = count(files);
        }
        if self != Cover::Nothing {
            files.insert(INDEX.to_owned(), jcs::canonical(&index).unwrap());
        }
    }
}

fn envelopes(files: &Files) -> Vec<Envelope> {
    lines(files, "envelopes.ndjson").iter().filter_map(|line| Envelope::parse(line.as_bytes()).ok()).collect()
}

fn count(files: &Files) -> Counts {
    let envelopes = envelopes(files);
    let withdrawn = envelopes.iter().filter(|envelope| envelope.body.is_withdrawn()).count() as u64;
    Counts {
        leaves: files.get("leaves").map_or(0, |bytes| bytes.len() as u64 / 32),
        tallied: envelopes.len() as u64 - withdrawn,
        superseded: lines(files, "superseded.ndjson").len() as u64,
        withdrawn,
    }
}

fn seal(files: &mut Files) {
    let mut leaves: Vec<Digest> = envelopes(files).iter().map(|envelope| envelope.leaf().unwrap()).collect();
    for line in lines(files, "superseded.ndjson") {
        let leaf: Option<Digest> =
            serde_json::from_str::<Value>(&line).ok().and_then(|line| line["leaf"].as_str()?.parse().ok());
        leaves.extend(leaf);
    }
    leaves.sort_unstable();
    leaves.dedup();
    let bytes = bundle::leaves_to_bytes(&leaves);
    let is_changed = files.get("leaves") != Some(&bytes);
    let Some(text) = files.get("checkpoint").and_then(|note| String::from_utf8(note.clone()).ok()) else { return };
    if is_changed && let Some(origin) = text.lines().next() {
        let sealed = Checkpoint { origin: origin.to_owned(), size: leaves.len() as u64, root: root(&leaves) };
        let Ok(note) = sealed.sign(&ed25519_dalek::SigningKey::from_bytes(&[66; 32])) else { return };
        files.insert("checkpoint".to_owned(), note.into_bytes());
        files.insert("leaves".to_owned(), bytes);
    }
}

impl Chance {
    /// A number from 0 to `bound` - 1.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0.next_u32() as usize % bound
    }

    /// Two different places below `bound`.
    pub fn two(&mut self, bound: usize) -> (usize, usize) {
        let first = self.below(bound);
        (first, (first + 1 + self.below(bound - 1)) % bound)
    }

    /// Random bytes as JSON has them.
    pub fn bytes<const N: usize>(&mut self) -> Value {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        Value::from(Bytes(bytes).to_string())
    }
}

/// The lines of a file without their ends.
pub fn lines(files: &Files, name: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(files.get(name).map(Vec::as_slice).unwrap_or_default()).into_owned();
    text.lines().map(str::to_owned).collect()
}

pub fn put_lines(files: &mut Files, name: &str, lines: &[String]) {
    files.insert(name.to_owned(), lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect());
}

/// Changes one line's document, and writes it canonically again.
pub fn edit_line(files: &mut Files, name: &str, at: usize, edit: impl FnOnce(&mut Value)) {
    let mut all = lines(files, name);
    let mut line: Value = serde_json::from_str(&all[at]).unwrap();
    edit(&mut line);
    all[at] = canonical(&line);
    put_lines(files, name, &all);
}

/// Changes a document, and writes it canonically again.
pub fn edit_json(files: &mut Files, name: &str, edit: impl FnOnce(&mut Value)) {
    let mut document: Value = serde_json::from_slice(&files[name]).unwrap();
    edit(&mut document);
    files.insert(name.to_owned(), canonical(&document).into_bytes());
}

pub fn canonical(document: &Value) -> String {
    String::from_utf8(jcs::canonical_to_depth(document, 12).unwrap()).unwrap()
}

/// Adds to an integer.
pub fn add(value: &mut Value, more: i64) {
    *value = Value::from(value.as_i64().unwrap() + more);
}
