// After the seal, never logged in: is every review of the card in the signed list, and what to do if not.
//
// What a newcomer would get wrong: asking the box whether it has a leaf. The question would tell which leaf is whose, so
// the whole list is fetched, the same for everybody. And two receipts shown together join the reviews of one person: a
// complaint goes alone.
import { fromBase64url, isSame, sha256, toBase64url, utf8, want } from '../protocol/bytes.mjs';
import { digestWords } from '../protocol/documents.mjs';
import { openCheckpoint } from '../protocol/note.mjs';
import { holdsLeaf, readLeaves, root } from '../protocol/tree.mjs';
import { alarm, idle, need, refused, told } from './failure.mjs';
import { get, postForStatus, unexpected } from './line.mjs';
import { checkNote, freeze } from './manifest.mjs';
import { find, isLater, pinnedBy, roundPath } from './pinned.mjs';
import { leafOf, padded } from './review.mjs';

/**
 * Fetches checkpoint and list from the box, checks signature, order and root, and looks for every receipt. The ledgers
 * by which reviews were sent must be shown unchanged as well.
 *
 * This page asks the box alone, so `copy` is the registry's checkpoint as the reviewer got it, or empty: only where it is
 * the same is the card marked as checked.
 */
export async function checkSealed(box, card, copy) {
    const path = roundPath(card.cycle_ref, card.round);
    const shown = await freeze(await get(box, `${path}/manifest`), card.cycle_ref, card.round);
    await checkNote(shown, await get(box, `${path}/manifest.note`));
    isLater(card, shown);
    const pinned = (await pinnedBy(card)).at(-1);
    const note = await find(box, `${path}/checkpoint`);
    const list = note && (await find(box, `${path}/leaves`));
    need(list, idle('not_sealed'));
    const isCompared = copy.trim() !== '';
    need(!isCompared || isSame(utf8(`${copy.trim()}\n`), note), alarm('split_view'));
    const { leaves, hash } = await told(alarm('seal_invalid'), async () => {
        // The log's key is the card's, whatever generation is shown: no generation may change it.
        const sealed = await openCheckpoint(note, pinned.logKey);
        const all = readLeaves(list);
        want(sealed.number === all.length && isSame(sealed.hash, await root(all)), 'another list than was signed');
        return { leaves: all, hash: sealed.hash };
    });
    for (const met of card.ledgers) {
        const ledger = await find(box, `${path}/ledger/${met.issuer_id}/${met.generation}`);
        need(ledger && toBase64url(await sha256(ledger)) === met.digest, alarm('second_ledger'));
    }
    const found = await look(card, leaves);
    if (found.missing.length === 0 && isCompared) {
        card.checked_root = toBase64url(hash);
    }
    return { ...found, leafCount: leaves.length, words: digestWords(hash), isCompared };
}

async function look(card, leaves) {
    const found = { foundCount: 0, missing: [], unreceipted: [] };
    for (const subject of card.credentials) {
        for (const { review, receipt } of subject.versions) {
            if (receipt === null) {
                const isPresent = holdsLeaf(leaves, await leafOf(review));
                found.unreceipted.push({ name: subject.subject_name, isPresent });
            } else if (holdsLeaf(leaves, fromBase64url(receipt.leaf))) {
                found.foundCount += 1;
            } else {
                found.missing.push(receipt);
            }
        }
    }
    return found;
}

/** Sends one receipt to the box as a complaint, as large as a review and as nameless; the box's verdict. */
export async function complain(box, receipt) {
    const status = await postForStatus(box, '/v1/anon/complaints', padded({ receipt }));
    const verdict = { 202: 'recorded', 200: 'present', 422: 'no_proof' }[status];
    need(status !== 404, refused('unknown_cycle'));
    need(status !== 503, refused('busy'));
    need(verdict !== undefined, unexpected(box, status));
    return verdict;
}
