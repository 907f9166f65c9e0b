// A later generation of the manifest: when a card may go by it, and what of the card it makes void.
//
// What a newcomer would get wrong: a new generation is what a hostile operator would use to give one reviewer a key of
// her own. So it must follow from the pinned one, be pinned by its own printed digest, and change no key once reviews
// are being sent.
import { alarm, idle, need } from './failure.mjs';
import { changedSubjects, dateAt, freeze, moved, succeeds, windowOf } from './manifest.mjs';
import { checkWords, fetchManifest, isLater, pinnedBy } from './pinned.mjs';

/** Binds a card to the next generation, which the caller has pinned; null if the card is bound to it already. */
export async function accept(card, next, now) {
    if (!isLater(card, next)) {
        return null;
    }
    const before = (await pinnedBy(card)).at(-1);
    need(before.manifest.generation + 1 === next.manifest.generation, idle('generations_missed'));
    need(succeeds(next, before), alarm('chain_broken'));
    const changed = changedSubjects(next, before);
    const isSent = card.credentials.some((held) =>
        changed.includes(held.subject_ref) && held.versions.length > 0);
    const isLate = changed.length > 0 && windowOf(before, 'submit', dateAt(before, now)) !== 'early';
    need(!isSent && !isLate, alarm('changed_too_late'));
    const own = card.credentials.filter((held) => changed.includes(held.subject_ref));
    card.credentials = card.credentials.filter((held) => !own.includes(held));
    card.manifests.push(next.manifest);
    card.manifest_digest = next.digest;
    // The days may have moved, so a moment drawn within the old ones may lie outside.
    card.credentials.forEach((held) => Object.assign(held, { send_at: null }));
    return {
        generation: next.manifest.generation,
        count: changed.length,
        own: own.map((held) => held.subject_name),
        moved: moved(before, next),
    };
}

/**
 * Pins the manifest in force by its printed digest, without any login; the changes, oldest first.
 *
 * `between` are the bytes of the generations in between, where the card has missed some: the digest of the last one
 * leads back to them. On any failure the card stays as it is.
 */
export async function renew(places, card, words, between, now) {
    const shown = await fetchManifest(places, card.cycle_ref, card.round);
    checkWords(shown, words);
    const renewed = structuredClone(card);
    const changes = [];
    for (const text of between) {
        const earlier = await freeze(text, card.cycle_ref, card.round);
        changes.push(await accept(renewed, earlier, now));
    }
    changes.push(await accept(renewed, shown, now));
    return { card: renewed, changes: changes.filter((change) => change !== null) };
}
