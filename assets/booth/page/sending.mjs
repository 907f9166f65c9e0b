// Sending reviews: warned of, signed, saved, and only then sent, until a receipt verifies.
//
// What a newcomer would get wrong: sending before the signed review lies in a file. If the browser is closed then, the
// box may hold a review that nobody can revise or prove.
import { Failure } from '../client/failure.mjs';
import { fetchRules } from '../client/pinned.mjs';
import { makeReady, send, shuffled } from '../client/review.mjs';
import { button, choice, el, heading, input, mainButton, p } from './dom.mjs';
import { PLACES, fail, show, tell, work } from './frame.mjs';
import { card, open, save, today, waiting } from './opened.mjs';
import { failureLines, say } from './words.mjs';

/** How often the same bytes are sent, and the pause after the first attempt, which doubles with each. */
const ATTEMPTS = 5;
const PAUSE_MILLIS = 2000;

let rules;
/** What is signed and goes out, in its order. */
let ready = [];
let leave;

/** Shows what sending means; `back` shows what comes after it. */
export function beginSending(back) {
    leave = back;
    show(warningView);
}

function warningView() {
    const count = waiting().length;
    const one = input('radio', { name: 'how', value: 'one', checked: true });
    const all = input('radio', { name: 'how', value: 'all' });
    return [
        heading(say('booth-send')),
        el('ul', { class: 'warnings' },
            card().collected_on === today() ? el('li', {}, say('peer-warn-same_day')) : null,
            el('li', {}, say('booth-warn-network')),
            el('li', {}, say('booth-warn-now'))),
        count > 1 ? el('fieldset', {}, el('legend', {}, say('booth-how')),
            choice(say('booth-how-one'), one),
            choice(say('booth-how-all', { count }), all)) : null,
        p(mainButton(say('booth-sign'), () => work(card, () => signAll(all.checked)))),
        p(button(say('booth-back'), leave)),
    ];
}

/** Signs what goes out, in a random order, and hands the card out as a file. */
async function signAll(isAll) {
    const order = shuffled(waiting());
    rules = await fetchRules(PLACES.box, card(), Date.now());
    ready = [];
    for (const subject of isAll ? order : order.slice(0, 1)) {
        open.held.change();
        if (await makeReady(rules, card(), subject, Date.now())) {
            ready.push(subject);
        }
    }
    await open.held.save();
    if (ready.length === 0) {
        leave();
        return;
    }
    show(signedView);
}

function signedView() {
    const isKept = input('checkbox', {});
    return [
        heading(say('booth-save-first')),
        p(say('booth-signed', { name: `card-${open.held.number}.json` })),
        p(save()),
        choice(say('booth-kept'), isKept),
        p(mainButton(say('booth-send-now', { count: ready.length }), () => work(card, () => sendAll(isKept.checked)))),
        p(button(say('booth-back'), leave)),
    ];
}

async function sendAll(isKept) {
    if (!isKept) {
        throw new Failure('card', 'not_kept');
    }
    let failure = null;
    const count = ready.length;
    while (ready.length > 0 && failure === null) {
        tell(say('booth-sending', { number: count - ready.length + 1, count }));
        failure = await sendUntilReceipt(ready[0]);
        if (failure === null) {
            ready.shift();
        }
    }
    // Receipts that came before a failure are kept as well.
    open.held.change();
    await open.held.save();
    show(sentView(count - ready.length));
    if (failure) {
        fail(failure, 'sending');
    }
}

/** The failure after which there is no use in trying again, or null: then the card holds the receipt. */
async function sendUntilReceipt(subject) {
    for (let attempt = 1, pause = PAUSE_MILLIS; ; attempt += 1, pause *= 2) {
        try {
            await send(PLACES.box, rules, card(), subject, Date.now());
            return null;
        } catch (failure) {
            if (!(failure instanceof Failure) || !failure.isPassing || attempt === ATTEMPTS) {
                return failure;
            }
            const [line] = failureLines(failure, 'sending');
            tell(`${line} ${say('peer-again', { seconds: pause / 1000 })}`);
            await new Promise((resume) => setTimeout(resume, pause));
        }
    }
}

/** The receipt itself is not shown: two of them on one screen join two reviews of one person. */
const sentView = (count) => () => [
    heading(say('booth-sent', { count })),
    p(say('booth-sent-file', { name: `card-${open.held.number}.json` })),
    p(save()),
    p(mainButton(say('booth-back'), leave)),
];
