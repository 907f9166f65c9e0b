// The tree against the vectors of RFC 6962, and leaves that are looked for in a sorted list.
import { Refused, compare, concat, isSame, sha256, utf8 } from '../../../assets/booth/protocol/bytes.mjs';
import { holdsLeaf, leafHash, nodeHash, readLeaves, root } from '../../../assets/booth/protocol/tree.mjs';
import { equal, findsEveryAlteration, flipped, fromHex as raw, refuses } from './expect.mjs';

async function rfc6962Holds(files) {
    const { source, note, ...vectors } = files.rfc6962;
    await findsEveryAlteration(vectors, async ({ leaf_inputs: inputs, leaf_hashes: hashes, ...proofs }) => {
        const leaves = [];
        for (const [at, input] of inputs.entries()) {
            leaves.push(await leafHash(raw(input)));
            equal(leaves[at], hashes[at], `leaf ${at}`);
        }
        const roots = [];
        for (const [at, one] of proofs.roots.entries()) {
            equal(one.size, at, 'sizes without a gap');
            roots.push(await root(leaves.slice(0, one.size)));
            equal(roots[at], one.root, `root over ${at} leaves`);
        }
        for (const { index, size, path } of proofs.inclusion) {
            equal(proves(leaves, index, size), true, `a leaf ${index} of ${size}`);
            const proof = await auditPath(index, leaves.slice(0, size));
            equal(proof.join(), path.map(raw).join(), `path ${index} of ${size}`);
        }
        for (const { first, second, path } of proofs.consistency) {
            equal(proves(leaves, first - 1, second), true, `trees of ${first} and ${second} leaves`);
            const proof = await consistency(first, leaves.slice(0, second), true);
            equal(proof.join(), path.map(raw).join(), `from ${first} to ${second} leaves`);
        }
    });
}

const proves = (leaves, index, size) => index >= 0 && index < size && size <= leaves.length;

/** The largest power of two below the number. */
const split = (size) => 2 ** Math.floor(Math.log2(size - 1));

/** PATH(m, D[n]) of RFC 6962, 2.1.1, word for word. */
async function auditPath(index, leaves) {
    if (leaves.length === 1) {
        return [];
    }
    const [left, right] = [leaves.slice(0, split(leaves.length)), leaves.slice(split(leaves.length))];
    return index < left.length
        ? [...(await auditPath(index, left)), await root(right)]
        : [...(await auditPath(index - left.length, right)), await root(left)];
}

/** SUBPROOF(m, D[n], b) of RFC 6962, 2.1.2, word for word. */
async function consistency(first, leaves, isKnown) {
    if (first === leaves.length) {
        return isKnown ? [] : [await root(leaves)];
    }
    const [left, right] = [leaves.slice(0, split(leaves.length)), leaves.slice(split(leaves.length))];
    return first <= left.length
        ? [...(await consistency(first, left, isKnown)), await root(right)]
        : [...(await consistency(first - left.length, right, false)), await root(left)];
}

/** A published list of so many leaves. */
async function published(size) {
    const leaves = [];
    for (let at = 0; at < size; at += 1) {
        leaves.push(await leafHash(utf8(`leaf ${at}`)));
    }
    return concat(...leaves.sort(compare));
}

async function aLeafIsFoundIfAndOnlyIfItIsThere() {
    for (const size of [0, 1, 2, 3, 7, 8, 100]) {
        const leaves = readLeaves(await published(size));
        equal(leaves.length, size, 'leaves');
        for (const leaf of leaves) {
            equal(holdsLeaf(leaves, leaf), true, `a leaf of ${size}`);
            for (const bit of [0, 7]) {
                equal(holdsLeaf(leaves, flipped(leaf, 0, bit)), false, 'a leaf with another first byte');
                equal(holdsLeaf(leaves, flipped(leaf, 31, bit)), false, 'a leaf with another last byte');
            }
        }
        for (const byte of [0x00, 0xff]) {
            equal(holdsLeaf(leaves, new Uint8Array(32).fill(byte)), false, 'a leaf at the edge');
        }
    }
}

async function rootOrNothing(list) {
    try {
        return await root(readLeaves(list));
    } catch (error) {
        if (error instanceof Refused) {
            return new Uint8Array();
        }
        throw error;
    }
}

async function aListIsWholeSortedAndDistinct() {
    const list = await published(5);
    const [one, two, ...others] = readLeaves(list);
    await refuses('two leaves swapped', () => readLeaves(concat(two, one, ...others)));
    await refuses('a leaf twice', () => readLeaves(concat(one, one, two, ...others)));
    await refuses('a byte too few', () => readLeaves(list.subarray(0, -1)));
    const whole = await root(readLeaves(list));
    for (let place = 0; place < list.length; place += 1) {
        equal(isSame(await rootOrNothing(flipped(list, place, place & 7)), whole), false, `byte ${place} of the list`);
    }
    equal(await nodeHash(one, two), await sha256(Uint8Array.of(1), one, two), 'a node');
    equal(isSame(await nodeHash(one, two), await nodeHash(two, one)), false, 'the order of two children');
}

export const checks = {
    'RFC 6962: leaves, roots, audit paths and consistency, and every alteration of them is found': rfc6962Holds,
    'sealed list: a leaf is found if and only if it is there': aLeafIsFoundIfAndOnlyIfItIsThere,
    'sealed list: whole, sorted and distinct': aListIsWholeSortedAndDistinct,
};
