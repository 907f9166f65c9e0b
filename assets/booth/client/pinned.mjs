// The public documents of a round, fetched and checked: what the client may act on.
//
// What a newcomer would get wrong: both listeners must say the same before anything is read; what is read must be sound
// before its digest is compared; and only the digest of the printed order makes a manifest the pinned one.
import { isSame, sha256, toBase64url } from '../protocol/bytes.mjs';
import { matchesWords } from '../protocol/documents.mjs';
import { canonical } from '../protocol/signed_json.mjs';
import { Failure, alarm, cardFault, idle, need, refused } from './failure.mjs';
import { readLedger } from './ledger.mjs';
import { get } from './line.mjs';
import { checkNote, dateAt, freeze, freezeAgain, windowOf } from './manifest.mjs';

export const roundPath = (cycleRef, round) => `/v1/public/cycles/${cycleRef}/rounds/${round}`;

/** A document's bytes, or null where the server has none. */
export async function find(base, path) {
    try {
        return await get(base, path);
    } catch (failure) {
        if (failure instanceof Failure && failure.kind === 'refused' && failure.code === 'not_found') {
            return null;
        }
        throw failure;
    }
}

/** The same bytes from both listeners, the box first: it signs a manifest that it has not seen before. */
async function fromBoth({ registry, box }, path) {
    const copies = [await find(box, path), await find(registry, path)];
    need(!copies.includes(null), refused('not_found'));
    need(isSame(...copies), alarm('split_view'));
    return copies[0];
}

/** The manifest of a round, from both listeners, with all its checks but for the digest. */
export async function fetchManifest(places, cycleRef, round) {
    const path = roundPath(cycleRef, round);
    const frozen = await freeze(await fromBoth(places, `${path}/manifest`), cycleRef, round);
    await checkNote(frozen, await fromBoth(places, `${path}/manifest.note`));
    return frozen;
}

/** `digest_differs` unless these are the words of the printed order. */
export const checkWords = ({ hash }, words) => need(matchesWords(hash, words), alarm('digest_differs'));

/** The generations that a card was bound to, the one in force last; `unreadable` if the card was tampered with. */
export async function pinnedBy(card) {
    const generations = [];
    for (const manifest of card.manifests) {
        generations.push(await freezeAgain(manifest).catch(() => Promise.reject(cardFault('unreadable'))));
    }
    const last = generations.at(-1);
    need(last?.digest === card.manifest_digest, cardFault('unreadable'));
    const areOfRound = card.manifests.every((one) => one.cycle_ref === card.cycle_ref && one.round === card.round);
    need(areOfRound, cardFault('unreadable'));
    return generations;
}

/** `second_digest` for another manifest of the card's generation or an earlier one; true for a later one. */
export function isLater(card, shown) {
    if (shown.digest === card.manifest_digest) {
        return false;
    }
    need(shown.manifest.generation > card.manifests.at(-1).generation, alarm('second_digest'));
    return true;
}

/** What a review will be judged by, from the box alone: the card's manifest again, and every issuer's ledger. */
export async function fetchRules(box, card, now) {
    const path = roundPath(card.cycle_ref, card.round);
    const generations = await pinnedBy(card);
    const shown = await freeze(await get(box, `${path}/manifest`), card.cycle_ref, card.round);
    need(!isLater(card, shown), idle('new_generation'));
    await checkNote(shown, await get(box, `${path}/manifest.note`));
    checkSubmitWindow(shown, now);
    const ledgers = [];
    for (const { issuer_id: id } of shown.manifest.issuers) {
        const bytes = await find(box, `${path}/ledger/${id}`);
        // Within the window a ledger that is not published keeps every gate closed, whatever the server says of it.
        need(bytes !== null, alarm('gate_closed'));
        ledgers.push(await readLedger(bytes, id, generations));
    }
    return { current: shown, generations, ledgers };
}

/** `too_early` or `window_closed` outside the days of submission. */
export function checkSubmitWindow(frozen, now) {
    const window = windowOf(frozen, 'submit', dateAt(frozen, now));
    need(window !== 'early', refused('too_early'));
    need(window !== 'closed', refused('window_closed'));
}

/** Keeps which ledgers a review is sent by; true if one is new, `second_ledger` if one was met otherwise before. */
export async function meet(card, ledgers) {
    let isNew = false;
    for (const { ledger } of ledgers) {
        const { issuer_id: id, generation } = ledger;
        const digest = toBase64url(await sha256(canonical(ledger)));
        const known = card.ledgers.find((met) => met.issuer_id === id && met.generation === generation);
        need(known === undefined || known.digest === digest, alarm('second_ledger'));
        if (known === undefined) {
            card.ledgers.push({ issuer_id: id, generation, digest });
            isNew = true;
        }
    }
    return isNew;
}
