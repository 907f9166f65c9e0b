//! The sealing tree: RFC 6962, SHA-256, with inclusion proofs as in RFC 9162.
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

/// The audit path of the leaf at `index` (from 0), lowest node first; `None` beyond the last leaf.
pub fn inclusion_path(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    leaves.get(index)?;
    let mut path = Vec::new();
    let mut level = leaves.to_vec();
    let mut index = index;
    while level.len() > 1 {
        // A node without a sibling rises unchanged, so it adds nothing to the path.
        path.extend(level.get(index ^ 1));
        level = parents(&level);
        index /= 2;
    }
    Some(path)
}

/// True if `path` proves that `leaf` stands at `index` in the tree of `size` leaves with this root.
///
/// The algorithm is that of RFC 9162, section 2.1.3.2.
pub fn verify_inclusion(leaf: &Digest, index: u64, size: u64, path: &[Digest], root: &Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
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
