// The sealing tree: RFC 6962 with SHA-256, over leaves sorted by their bytes.
//
// What a newcomer would get wrong: the leaves of the published list are leaf *hashes*; hashing them once more would
// give another tree. There are no audit paths: whoever looks for a leaf fetches the whole list, or the box would learn
// which review was looked for.
import { compare, sha256, want } from './bytes.mjs';

const LEAF_SIZE = 32;

/** The hash of a leaf over its data. */
export const leafHash = (leafData) => sha256(Uint8Array.of(0), leafData);

/** The hash of an inner node over its two children. */
export const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

/** The root over leaf hashes in the given order; of no leaves, the hash of nothing. */
export async function root(leaves) {
    if (leaves.length === 0) {
        return sha256();
    }
    let level = leaves;
    while (level.length > 1) {
        const above = [];
        for (let at = 0; at < level.length; at += 2) {
            // The last node of an odd level rises as it is, which equals the RFC's split at a power of two.
            above.push(at + 1 < level.length ? await nodeHash(level[at], level[at + 1]) : level[at]);
        }
        level = above;
    }
    return level[0];
}

/** The leaves of a published list; refused unless they are whole, sorted by their bytes and distinct. */
export function readLeaves(bytes) {
    want(bytes.length % LEAF_SIZE === 0, 'the list of leaves does not end with a whole leaf');
    const leaves = [];
    for (let at = 0; at < bytes.length; at += LEAF_SIZE) {
        leaves.push(bytes.subarray(at, at + LEAF_SIZE));
    }
    const isAscending = leaves.every((leaf, at) => at === 0 || compare(leaves[at - 1], leaf) < 0);
    want(isAscending, 'the leaves are not sorted and distinct');
    return leaves;
}

/** True if the leaf stands in a sorted list. */
export function holdsLeaf(leaves, leaf) {
    let [low, high] = [0, leaves.length];
    while (low < high) {
        const middle = (low + high) >>> 1;
        const order = compare(leaves[middle], leaf);
        if (order === 0) {
            return true;
        }
        [low, high] = order < 0 ? [middle + 1, high] : [low, middle];
    }
    return false;
}
