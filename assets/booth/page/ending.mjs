// After the seal: looking for the own reviews in the signed list, complaining, and parting with the card.
//
// What a newcomer would get wrong: destroying the card first. Until every receipt is found, the card alone proves that
// the box took a review. And a page cannot remove a file: it forgets, and says what is left to do.
import { canonical, parse } from '../protocol/signed_json.mjs';
import { textOf } from '../protocol/bytes.mjs';
import { alarm, cardFault, idle, need, told } from '../client/failure.mjs';
import { roundPath } from '../client/pinned.mjs';
import { checkSealed, complain } from '../client/sealed.mjs';
import { button, choice, el, field, heading, input, mainButton, p } from './dom.mjs';
import { download } from './file.mjs';
import { PLACES, fail, show, work } from './frame.mjs';
import { card, open, save } from './opened.mjs';
import { say } from './words.mjs';

const copy = el('textarea', { rows: '6', spellcheck: 'false', autocomplete: 'off' });
let found;
let leave;

/** Shows how the sealed list is checked; `back` shows what comes after it. */
export function beginCheck(back) {
    leave = back;
    show(checkView);
}

function checkView() {
    const { cycle_ref: cycleRef, round } = card();
    const address = `${PLACES.registry}${roundPath(cycleRef, round)}/checkpoint`;
    return [
        heading(say('booth-check')),
        p(say('booth-check-why')),
        p(el('code', { id: 'checkpoint' }, address)),
        field(say('booth-check-copy'), copy, say('booth-check-copy-hint')),
        p(mainButton(say('booth-check-do'), () => work(card, check, 'sealed'))),
        p(button(say('booth-back'), leave)),
    ];
}

async function check() {
    found = await checkSealed(PLACES.box, card(), copy.value);
    if (card().checked_root !== null) {
        open.held.change();
        await open.held.save();
    }
    show(checkedView);
    if (found.missing.length > 0) {
        fail(alarm('leaf_missing'), 'sealed');
    }
}

function checkedView() {
    const isChecked = card().checked_root !== null;
    return [
        heading(say('booth-checked')),
        p(say('peer-checked', { leaves: found.leafCount, found: found.foundCount })),
        p(say('peer-checked-root', { root: found.words })),
        found.unreceipted.map(({ name, isPresent }) =>
            p(say(isPresent ? 'peer-checked-unreceipted' : 'peer-checked-lost', { name }))),
        found.isCompared ? null : p(say('booth-not-compared')),
        found.missing.map(lost),
        isChecked ? p(say('booth-destroyable')) : null,
        isChecked ? p(button(say('booth-destroy'), () => beginDestroying(leave))) : null,
        p(mainButton(say('booth-back'), leave)),
    ];
}

/** One receipt of a review that is not in the list: it names nobody, and goes to the box alone. */
function lost(receipt, at) {
    const verdict = el('output', {});
    return el('fieldset', {}, el('legend', {}, say('booth-lost', { number: at + 1 })),
        p(say('booth-lost-why')),
        button(say('booth-lost-save'), () => download(`receipt-${receipt.leaf}.json`, textOf(canonical(receipt)))),
        ' ',
        button(say('booth-lost-complain'), () => work(card, async () => {
            verdict.textContent = verdictOf(await complain(PLACES.box, receipt));
        }, 'sealed')),
        ' ', verdict);
}

const verdictOf = (verdict) =>
    say(verdict === 'present' ? 'booth-complaint-present' : `peer-complaint-${verdict}`);

/** Shows how a receipt that was saved is complained of, without any card. */
export function beginComplaint(back) {
    leave = back;
    const file = input('file', { accept: '.json' });
    const verdict = el('output', {});
    const send = async () => {
        need(file.files[0], cardFault('missing'));
        const bytes = new Uint8Array(await file.files[0].arrayBuffer());
        const receipt = await told(cardFault('receipt'), () => parse(bytes));
        verdict.textContent = verdictOf(await complain(PLACES.box, receipt));
    };
    show(() => [
        heading(say('booth-complain')),
        p(say('booth-lost-why')),
        field(say('booth-receipt-file'), file),
        p(mainButton(say('booth-lost-complain'), () => work(card, send, 'sealed')), ' ', verdict),
        p(button(say('booth-back'), leave)),
    ]);
}

/** Shows how the card is parted with. */
export function beginDestroying(back) {
    leave = back;
    const isForced = input('checkbox', {});
    const destroy = async () => {
        need(card().checked_root !== null || isForced.checked, idle('not_checked'));
        open.held.forget();
        show(() => [heading(say('booth-destroyed')), p(say('booth-destroyed-files'))]);
    };
    show(() => [
        heading(say('booth-destroy')),
        p(say('booth-destroy-why')),
        card().checked_root === null ? choice(say('booth-destroy-force'), isForced) : null,
        open.held.isSaved ? null : p(save()),
        p(mainButton(say('booth-destroy-do'), () => work(card, destroy, 'sealed'))),
        p(button(say('booth-back'), leave)),
    ]);
}
