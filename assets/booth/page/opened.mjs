// Page 2's card, and where everything stands by it.
//
// What a newcomer would get wrong: asking a server to show something. All that is shown here comes out of the card; the
// box is asked only when something is to be sent or checked.
import { isReady, isUnreceipted, isWaiting } from '../client/card.mjs';
import { windowOf } from '../client/manifest.mjs';
import { button, el } from './dom.mjs';
import { work } from './frame.mjs';
import { say } from './words.mjs';

/** The card that is open, if one is. */
export const open = { held: null };

export const card = () => open.held?.card;

/** The manifest in force, as the card holds it. */
export const manifest = () => card().manifests.at(-1);

/** The date where the round takes place. */
export const today = () =>
    new Date(Date.now() + manifest().utc_offset_minutes * 60_000).toISOString().slice(0, 10);

/** `early`, `open` or `closed`. */
export const submitWindow = () => windowOf({ manifest: manifest() }, 'submit', today());

export const subjects = () => card().credentials;

export const waiting = () => subjects().filter(isWaiting);

/** Where the review of a subject stands, as far as the card knows. */
export function stateOf(subject) {
    const sent = subject.versions.filter((version) => version.receipt !== null).length;
    const states = [
        subject.pending.length > 0 && say('peer-state-asked'),
        subject.pending.length === 0 && !isReady(subject) && say('peer-state-void'),
        sent > 0 && say('peer-state-sent', { count: sent, max: manifest().max_seq }),
        isUnreceipted(subject) && say('peer-state-unreceipted'),
        subject.draft !== null && say('peer-state-draft'),
    ].filter(Boolean);
    return states.join('; ') || say('peer-state-ready');
}

/** The reminder that the card has to be saved, where it does. */
export function unsaved() {
    if (open.held.isSaved) {
        return null;
    }
    return el('div', { class: 'unsaved' }, el('p', {}, say('booth-unsaved')), save());
}

/** The button that hands the card out as a file. */
export const save = (then) =>
    button(say('booth-save', { name: open.held.nextName }), () =>
        work(card, async () => {
            await open.held.save();
            then?.();
        }));
