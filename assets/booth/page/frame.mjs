// What both pages have in common: the frame, the language, the page's own hash, and how work and failures are shown.
//
// What a newcomer would get wrong: the hash that a page shows of itself proves nothing to whoever doubts the page, which
// is why the words beside it say how to take it of a saved file.
import { sha256, toBase64url, toHex, utf8 } from '../protocol/bytes.mjs';
import { publicKey } from '../protocol/ed25519.mjs';
import { momentOf } from '../client/failure.mjs';
import { button, el, heading, more, p } from './dom.mjs';
import { chooseLanguage, failureLines, languages, say, useLanguage } from './words.mjs';

/** The page as it was served, before anything in it was changed: its markup is written as browsers write it again. */
const SOURCE = `<!DOCTYPE html>${document.documentElement.outerHTML}`;

/** Where the two services are. */
export const PLACES = { registry: BUILT_IN.registry, box: BUILT_IN.box };

const root = document.getElementById('booth');
const notice = el('div', { id: 'notice', tabindex: '-1' });
const progress = el('p', { role: 'status', 'aria-live': 'polite' });
const view = el('main', {});
let shown;
let isBusy = false;

/** Shows a view, a function that gives its elements, and puts the focus on its heading. */
export function show(next) {
    shown = next;
    notice.replaceChildren();
    draw();
    view.querySelector('h2')?.focus();
    scrollTo(0, 0);
}

/** Shows the present view anew. */
export function draw() {
    document.title = say(`booth-title-${BUILT_IN.side}`);
    root.replaceChildren(header(), notice, progress, view, footer());
    view.replaceChildren(...shown().flat().filter(Boolean));
}

/** Does work that takes a while; a failure is told, and where the work goes on with the focus. */
export async function work(card, task, moment) {
    if (isBusy) {
        return;
    }
    isBusy = true;
    notice.replaceChildren();
    tell(say('booth-working'));
    view.setAttribute('aria-busy', 'true');
    try {
        await task();
    } catch (failure) {
        fail(failure, moment ?? momentOf(card?.()));
    } finally {
        isBusy = false;
        view.removeAttribute('aria-busy');
        tell('');
    }
}

/** Tells how far the work is. */
export function tell(text) {
    progress.textContent = text;
}

/** Tells what went wrong and what to do, in words, with the focus on it. */
export function fail(failure, moment) {
    const kind = failure?.kind === 'alarm' ? 'alarm' : 'fault';
    const lines = failureLines(failure, moment).map((line) => p(line));
    const code = failure?.code ? p(el('small', {}, `${failure.kind}: ${failure.code}`)) : null;
    notice.replaceChildren(el('div', { class: kind, role: 'alert' }, lines, code));
    notice.focus();
}

function header() {
    const switches = languages().map(({ tag, name, isCurrent }) =>
        button(name, () => { useLanguage(tag); draw(); }, { lang: tag, 'aria-pressed': String(isCurrent) }));
    return el('header', {},
        el('h1', {}, say(`booth-title-${BUILT_IN.side}`)),
        el('nav', { 'aria-label': say('booth-languages') }, switches));
}

let ownHash = '';

function footer() {
    return el('footer', {},
        more(say('booth-trust'), p(say(`booth-trust-${BUILT_IN.side}`)), p(say('booth-trust-hash')),
            p(el('code', { id: 'hash' }, ownHash)), p(say('booth-trust-how'), ' ', el('code', {}, 'sha256sum booth.html'))));
}

/** SHA-256 of the page, as a manifest would name it. */
let ownDigest = '';

/** Whether a manifest names this very page. */
export const isNamedBy = (manifest) => manifest.client_hashes.includes(ownDigest);

/** Ed25519 in WebCrypto, without which nothing here can be signed; and WebCrypto itself, which needs https. */
async function isAble() {
    try {
        await publicKey(new Uint8Array(32));
        return true;
    } catch {
        return false;
    }
}

/** Starts the page with its first view, or says what is missing. */
export async function start(first) {
    chooseLanguage();
    if (globalThis.crypto?.subtle) {
        const hash = await sha256(utf8(SOURCE));
        [ownHash, ownDigest] = [toHex(hash), toBase64url(hash)];
    }
    const able = await isAble();
    show(able ? first : () => [heading(say('booth-unable')), p(say('booth-unable-why')), p(el('code', {}, 'ejf peer'))]);
}
