//! The tree against the vectors of RFC 6962.

use ejf::credential::encoding::{Bytes, Digest};
use ejf::credential::tree::{Frontier, leaf_hash, node_hash, root};
use serde_json::Value;

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn digests(value: &Value) -> Vec<Digest> {
    value.as_array().unwrap().iter().map(|value| Bytes::from_slice(&unhex(value)).unwrap()).collect()
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../data/rfc6962_vectors.json")).unwrap()
}

#[test]
fn leaves_and_roots_are_those_of_the_reference() {
    let vectors = vectors();
    let hashes = digests(&vectors["leaf_hashes"]);
    for (input, hash) in vectors["leaf_inputs"].as_array().unwrap().iter().zip(&hashes) {
        assert_eq!(leaf_hash(&unhex(input)), *hash);
    }
    for case in vectors["roots"].as_array().unwrap() {
        let size = usize::try_from(case["size"].as_u64().unwrap()).unwrap();
        assert_eq!(root(&hashes[..size]).0.as_slice(), unhex(&case["root"]), "{size} leaves");
    }
}

#[test]
fn the_proofs_of_the_reference_lead_to_our_roots() {
    let vectors = vectors();
    let hashes = digests(&vectors["leaf_hashes"]);
    for case in vectors["inclusion"].as_array().unwrap() {
        let (index, size) = (case["index"].as_u64().unwrap(), case["size"].as_u64().unwrap());
        let leaves = &hashes[..usize::try_from(size).unwrap()];
        let leaf = &leaves[usize::try_from(index).unwrap()];
        let path = digests(&case["path"]);
        assert!(verify_inclusion(leaf, index, size, &path, &root(leaves)), "{index} of {size}");
        assert!(!verify_inclusion(leaf, index + 1, size, &path, &root(leaves)), "{index} of {size}");
        assert!(!verify_inclusion(&Bytes([0; 32]), index, size, &path, &root(leaves)));
    }
}

/// True if `path` proves that `leaf` stands at `index` in the tree of `size` leaves with this root.
///
/// The algorithm is that of RFC 9162, section 2.1.3.2.
fn verify_inclusion(leaf: &Digest, index: u64, size: u64, path: &[Digest], root: &Digest) -> bool {
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

#[test]
fn a_tree_that_grows_leaf_by_leaf_has_the_root_of_the_whole_at_every_size() {
    let leaves: Vec<Digest> = (0..=255_u8).map(|n| leaf_hash(&[n])).collect();
    let mut frontier = Frontier::default();
    for size in 0..leaves.len() {
        assert_eq!(frontier.root(), root(&leaves[..size]), "{size} leaves");
        let parts = Frontier::from_parts(frontier.size(), frontier.edge().to_vec());
        assert_eq!(parts.as_ref(), Some(&frontier));
        frontier.push(leaves[size]);
    }
    assert!(Frontier::from_parts(3, frontier.edge().to_vec()).is_none());
}
