// The proof against a box: a receipt for a leaf that the sealed list does not hold, judged by public documents alone.
//
// What a newcomer would get wrong: a manifest proves nothing by itself, for whoever cheats can write another one with
// keys of his own. Whoever judges compares its words with those of the printed order.
import { fromBase64url, isSame, sha256, textOf, utf8, want } from './bytes.mjs';
import { digestWords, receiptMessage } from './documents.mjs';
import { verify } from './ed25519.mjs';
import { openCheckpoint, readVerifierKey } from './note.mjs';
import { members, parse, parseCanonical } from './signed_json.mjs';
import { holdsLeaf, readLeaves, root } from './tree.mjs';

/**
 * A sealed round from the bytes of its public documents; refused unless the manifest's log key signed both the manifest
 * and a checkpoint over these leaves.
 */
export async function openRound({ manifest, note, checkpoint, leaves }) {
    const settled = parseCanonical(manifest);
    want(settled?.v === 1 && Number.isInteger(settled.round) && settled.log, 'no manifest of version 1');
    const logKey = await readVerifierKey(String(settled.log.vkey));
    const place = `/${settled.cycle_ref}/${settled.round}`;
    want(logKey.name === settled.log.origin && logKey.name.endsWith(place), 'the log is that of another round');
    const signer = `${logKey.name.slice(0, -place.length)}/manifest${place}`;
    const noted = await openCheckpoint(note, { name: signer, key: logKey.key });
    const digest = await sha256(manifest);
    want(isSame(noted.hash, digest) && noted.number === settled.generation, 'the note is on another manifest');

    const list = readLeaves(leaves);
    const sealed = await openCheckpoint(checkpoint, logKey);
    const isSealed = sealed.number === list.length && isSame(sealed.hash, await root(list));
    want(isSealed, 'the checkpoint seals other leaves');
    return {
        cycleRef: settled.cycle_ref,
        round: settled.round,
        receiptKey: fromBase64url(settled.receipt_key, 32),
        leaves: list,
        words: digestWords(digest),
    };
}

/** Refuses unless the box of the round promised, by this receipt, a leaf that it did not seal. */
export async function prove(round, receipt) {
    const { v, cycle_ref, round: number, leaf, rsig } = members(parse(receipt), 'v cycle_ref round leaf rsig');
    want(v === 1 && cycle_ref === round.cycleRef && number === round.round, 'a receipt of another round');
    const promised = fromBase64url(leaf, 32);
    const promise = receiptMessage(fromBase64url(cycle_ref, 16), number, promised);
    want(await verify(round.receiptKey, promise, fromBase64url(rsig, 64)), 'the box did not promise this leaf');
    want(!holdsLeaf(round.leaves, promised), 'the leaf was sealed');
}

/** As `prove`, for each line of a published list of complaints; the number of proofs. */
export async function proveAll(round, complaints) {
    const lines = textOf(complaints).split('\n').filter((line) => line !== '');
    for (const line of lines) {
        await prove(round, utf8(line));
    }
    return lines.length;
}
