//! The sealing tree: RFC 6962, SHA-256.
//!
//! What a newcomer would get wrong: the leaves given here are leaf *hashes*, `H(0x00 ‖ leaf_data)`; hashing them once
//! more would give another tree. The functions do not sort: whoever seals sorts bytewise first, so that the tree tells
//! nothing of the order in which reviews arrived.

use crate::credential::encoding::{Digest, sha256};

/// The right edge of a growing tree: the roots of the whole subtrees that it falls into, the largest first. It is all
/// that is needed to add leaves and to tell the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    edge: Vec<Digest>,
}

impl Frontier {
    /// The frontier of a tree of `size` leaves; `None` unless the edge has one root for each bit of the size.
    pub fn from_parts(size: u64, edge: Vec<Digest>) -> Option<Frontier> {
        let is_whole = usize::try_from(size.count_ones()).is_ok_and(|roots| roots == edge.len());
        is_whole.then_some(Frontier { size, edge })
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the whole subtrees, the largest first.
    pub fn edge(&self) -> &[Digest] {
        &self.edge
    }

    /// Adds a leaf hash.
    pub fn push(&mut self, leaf: Digest) {
        let mut node = leaf;
        // Each subtree as large as the new one becomes its left sibling, as in a binary addition of one.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.edge.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.edge.push(node);
        self.size += 1;
    }

    /// The root over all leaves so far; of none, the hash of nothing.
    pub fn root(&self) -> Digest {
        let joined = self.edge.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
        joined.unwrap_or_else(|| sha256(&[]))
    }
}

/// The hash of a leaf over its data.
pub fn leaf_hash(leaf_data: &[u8]) -> Digest {
    sha256(&[&[0x00], leaf_data])
}

/// The hash of an inner node over its two children.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    sha256(&[&[0x01], &left.0, &right.0])
}

/// The root over leaf hashes in the given order; of no leaves, the hash of nothing.
pub fn root(leaves: &[Digest]) -> Digest {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = parents(&level);
    }
    level.first().copied().unwrap_or_else(|| sha256(&[]))
}

/// The level above; the last node of an odd level rises as it is, which equals RFC 6962's split at a power of two.
fn parents(level: &[Digest]) -> Vec<Digest> {
    level
        .chunks(2)
        .filter_map(|pair| match pair {
            [left, right] => Some(node_hash(left, right)),
            [single] => Some(*single),
            _ => None,
        })
        .collect()
}
