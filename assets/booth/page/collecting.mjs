// Page 1, served by the registry: logs in, checks the manifest, collects the credentials and writes the card.
//
// What a newcomer would get wrong: sending a review from here. This page knows who its reader is; reviews go out from
// the other page, on another day, and only the card's file passes between them.
import { utf8 } from '../protocol/bytes.mjs';
import { isStrong, suggestPassphrase } from '../client/card.mjs';
import { ask, logIn, prepare } from '../client/collect.mjs';
import { Failure } from '../client/failure.mjs';
import { renew } from '../client/generation.mjs';
import { fetchPacks } from '../client/packs.mjs';
import { button, choice, el, field, heading, input, mainButton, more, p } from './dom.mjs';
import { download, newHeld, openFile } from './file.mjs';
import { PLACES, fail, isNamedBy, show, start, work } from './frame.mjs';
import { say } from './words.mjs';

/** What was typed; drawn again when the language changes. */
const typed = {
    login: input('text', { autocomplete: 'username' }),
    password: input('password', { autocomplete: 'current-password' }),
    words: input('text', { spellcheck: 'false' }),
    isNew: input('radio', { name: 'which', value: 'new', checked: true }),
    isOld: input('radio', { name: 'which', value: 'old' }),
    file: input('file', { accept: '.json' }),
    passphrase: input('password', {}),
    again: input('password', {}),
    between: input('file', { accept: '.json', multiple: true }),
};

let held;
let asking;
let token;
let packs = null;

function collectView() {
    return [
        heading(say('booth-collect')),
        more(say('booth-why'), p(say('peer-explanation'))),
        field(say('booth-login'), typed.login),
        field(say('booth-password'), typed.password),
        field(say('booth-digest'), typed.words, say('booth-digest-hint')),
        el('fieldset', {}, el('legend', {}, say('booth-which')),
            choice(say('booth-which-new'), typed.isNew), choice(say('booth-which-old'), typed.isOld),
            field(say('booth-card-file'), typed.file, say('booth-card-file-old'))),
        field(say('booth-passphrase'), typed.passphrase, say('booth-passphrase-hint')),
        field(say('booth-passphrase-again'), typed.again, say('booth-passphrase-again-hint')),
        p(button(say('booth-suggest'), suggest), ' ', el('output', { id: 'suggested' })),
        p(mainButton(say('booth-prepare'), () => work(card, prepareCard))),
        p(button(say('booth-pin'), () => show(pinView))),
    ];
}

const card = () => held?.card;

function suggest() {
    const passphrase = suggestPassphrase();
    [typed.passphrase.value, typed.again.value] = [passphrase, passphrase];
    document.getElementById('suggested').textContent = `${say('booth-suggested')} ${passphrase}`;
}

async function prepareCard() {
    const { login, password, words, isNew, passphrase } = typed;
    // What was typed is judged before the password goes anywhere; a new card's key, which takes its time, is made last.
    held = isNew.checked ? null : await openTyped();
    need(held || passphrase.value === typed.again.value, 'passphrases_differ');
    need(held || isStrong(passphrase.value), 'weak_passphrase');
    token = await logIn(PLACES, login.value.trim(), password.value);
    asking = await prepare(PLACES, token, words.value, held?.card ?? null, Date.now());
    held ??= await newHeld(passphrase.value);
    held.card = asking.card;
    held.change();
    forgetSecrets();
    await held.save();
    if (asking.body) {
        show(savedView);
    } else {
        await takePacks();
        show(doneView);
    }
}

/** What there is to read comes while the reviewer is logged in, and nothing is asked for afterwards. */
async function takePacks() {
    try {
        packs = asking.card.methodology.reading_pack ? await fetchPacks(PLACES, token, asking) : null;
    } finally {
        token = null;
    }
}

async function openTyped() {
    const [file] = typed.file.files;
    need(file, 'missing');
    return openFile(file, typed.passphrase.value);
}

function need(holds, code) {
    if (!holds) {
        throw new Failure('card', code);
    }
}

function forgetSecrets() {
    for (const secret of [typed.password, typed.passphrase, typed.again]) {
        secret.value = '';
    }
}

/** The pending card is with the browser; nothing is asked for before the reviewer says that it is in a file. */
function savedView() {
    const isKept = input('checkbox', {});
    return [
        heading(say('booth-save-first')),
        p(say('booth-save-first-why', { name: `card-${held.number}.json` })),
        p(button(say('booth-save-again'), () => work(card, () => held.save()))),
        choice(say('booth-kept'), isKept),
        p(mainButton(say('booth-ask', { count: asking.freshCount }), () => work(card, () => askNow(isKept)))),
    ];
}

async function askNow(isKept) {
    need(isKept.checked, 'not_kept');
    const failure = await ask(PLACES, token, asking);
    held.change();
    await held.save();
    show(doneView);
    if (failure) {
        token = null;
        fail(failure, 'collecting');
        return;
    }
    await takePacks();
    show(doneView);
}

function doneView() {
    const subjects = held.card.credentials.map((one) => el('li', {}, one.subject_name, ' ',
        el('small', {}, say(one.credentials.length > 0 ? 'booth-have' : 'peer-state-void'))));
    const ready = held.card.credentials.filter((one) => one.credentials.length > 0).length;
    const { manifest } = asking.frozen;
    return [
        heading(say('booth-done')),
        changeLines(asking.change),
        p(say('peer-collected', { fresh: asking.freshCount, ready })),
        p(say('peer-collected-round', { count: manifest.subjects.length })),
        el('ul', {}, subjects),
        packLines(),
        p(say('booth-done-file', { name: `card-${held.number}.json` })),
        p(button(say('booth-save-again'), () => work(card, () => held.save()))),
        p(el('strong', {}, say('peer-advice'))),
        p(say('booth-done-next', { address: `${PLACES.box}/booth` })),
        isNamedBy(manifest) ? null : p(say('booth-unnamed')),
    ];
}

function packLines() {
    if (packs === null) {
        return null;
    }
    const lines = packs.flatMap(({ subjectRef, acts }) => acts.map((act, at) => {
        const { subject_name: name } = held.card.credentials.find((one) => one.subject_ref === subjectRef);
        const { category, language, ending, type, content } = act;
        const file = `${subjectRef}-${at + 1}-${category}.${language}.${ending}`;
        const label = say('booth-pack-save', { name, number: at + 1, category, language });
        return el('li', {}, button(label, () => download(file, content, type)));
    }));
    return el('section', {}, el('h3', {}, say('booth-packs')), p(say('booth-packs-why')), el('ul', {}, lines));
}

function changeLines(change) {
    if (!change) {
        return null;
    }
    const lines = change.own.map((name) => say('peer-change-own', { name }));
    const moves = change.moved.map(({ what, before, after }) =>
        say('peer-change-moved', { name: say(`peer-moved-${what}`), before, after }));
    const { generation, count } = change;
    return el('div', {}, p(say('peer-change', { generation, count })),
        el('ul', {}, [...lines, ...moves].map((line) => el('li', {}, line))),
        lines.length > 0 ? p(say('booth-change-collect')) : null);
}

function pinView() {
    return [
        heading(say('booth-pin')),
        p(say('booth-pin-why')),
        field(say('booth-card-file'), typed.file),
        field(say('booth-passphrase'), typed.passphrase),
        field(say('booth-digest'), typed.words, say('booth-digest-hint')),
        field(say('booth-between'), typed.between, say('booth-between-hint')),
        p(mainButton(say('booth-pin-do'), () => work(card, pinCard))),
        p(button(say('booth-back'), () => show(collectView))),
    ];
}

async function pinCard() {
    held = await openTyped();
    const between = [];
    for (const file of typed.between.files) {
        between.push(utf8(await file.text()));
    }
    const { card: renewed, changes } = await renew(PLACES, held.card, typed.words.value, between, Date.now());
    forgetSecrets();
    if (changes.length === 0) {
        show(() => [heading(say('booth-pin')), p(say('peer-pinned-already'))]);
        return;
    }
    held.card = renewed;
    held.change();
    await held.save();
    show(() => [heading(say('booth-pin')), ...changes.map(changeLines),
        p(say('booth-done-file', { name: `card-${held.number}.json` }))]);
}

start(collectView);
