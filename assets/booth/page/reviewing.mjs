// Page 2, served by the box or opened from a file: reads the card, shows the forms, sends the reviews.
//
// What a newcomer would get wrong: naming its reader. This page logs in nowhere, keeps nothing and asks nobody but the
// box, for the same documents as everybody.
import { isReady } from '../client/card.mjs';
import { withdrawal } from '../client/draft.mjs';
import { cardFault, idle, need } from '../client/failure.mjs';
import { pinnedBy } from '../client/pinned.mjs';
import { digestWords } from '../protocol/documents.mjs';
import { fromBase64url } from '../protocol/bytes.mjs';
import { button, el, field, heading, input, mainButton, more, p } from './dom.mjs';
import { beginCheck, beginComplaint, beginDestroying } from './ending.mjs';
import { openFile } from './file.mjs';
import { fillIn } from './form.mjs';
import { isNamedBy, show, start, work } from './frame.mjs';
import { card, manifest, open, stateOf, subjects, submitWindow, unsaved, waiting } from './opened.mjs';
import { beginSending } from './sending.mjs';
import { say } from './words.mjs';

const file = input('file', { accept: '.json' });
const passphrase = input('password', {});

function openView() {
    return [
        heading(say('booth-open')),
        more(say('booth-why'), p(say('peer-explanation'))),
        p(el('strong', {}, say('peer-advice'))),
        field(say('booth-card-file'), file, say('booth-card-file-hint')),
        field(say('booth-passphrase'), passphrase),
        p(mainButton(say('booth-open-do'), () => work(card, openPicked))),
        p(button(say('booth-complain'), () => beginComplaint(() => show(openView)))),
    ];
}

async function openPicked() {
    need(file.files[0], cardFault('missing'));
    const held = await openFile(file.files[0], passphrase.value);
    // A card whose manifests were changed is no card to show forms of.
    await pinnedBy(held.card);
    passphrase.value = '';
    open.held = held;
    show(overview);
}

const overviewAgain = () => show(overview);

function overview() {
    const { dates, generation } = manifest();
    const words = digestWords(fromBase64url(card().manifest_digest));
    const window = submitWindow();
    return [
        heading(say('booth-overview')),
        unsaved(),
        p(say('peer-status-days', dates)),
        p(el('strong', {}, say(`booth-today-${todo(window)}`))),
        el('ul', { class: 'subjects' }, subjects().map((subject) => line(subject, window))),
        p(actions(window)),
        more(say('booth-round'),
            p(say('peer-status-round', { cycle: card().cycle_ref, round: card().round, generation, words })),
            p(say(isNamedBy(manifest()) ? 'booth-named' : 'booth-unnamed'))),
    ];
}

/** What can be done today. */
function todo(window) {
    if (window === 'open') {
        return waiting().length > 0 ? 'send' : 'fill';
    }
    if (window === 'early') {
        return 'form';
    }
    return card().checked_root === null ? 'check' : 'destroy';
}

function line(subject, window) {
    const isOpen = window !== 'closed' && isReady(subject);
    const fill = subject.draft || subject.versions.length > 0 ? 'booth-change' : 'booth-fill';
    return el('li', {},
        el('span', { class: 'name' }, subject.subject_name), ' ',
        el('span', { class: 'state' }, stateOf(subject)), ' ',
        isOpen ? button(say(fill), () => fillIn(subject, overviewAgain), { 'aria-label': named(subject, fill) }) : null,
        ' ',
        isOpen && subject.versions.length > 0 ? button(say('booth-withdraw'), () => show(withdrawView(subject)),
            { 'aria-label': named(subject, 'booth-withdraw') }) : null);
}

/** A button's name where several on the page say the same. */
const named = (subject, key) => `${say(key)}: ${subject.subject_name}`;

function actions(window) {
    const buttons = [];
    if (window === 'open' && waiting().length > 0) {
        buttons.push(mainButton(say('booth-send'), () => beginSending(overviewAgain)));
    }
    if (window === 'closed') {
        buttons.push(mainButton(say('booth-check'), () => beginCheck(overviewAgain)));
    }
    buttons.push(button(say('booth-destroy'), () => beginDestroying(overviewAgain)));
    return buttons.flatMap((one) => [one, ' ']);
}

const withdrawView = (subject) => () => [
    heading(say('booth-withdraw')),
    p(subject.subject_name),
    p(say('booth-withdraw-why')),
    p(mainButton(say('booth-withdraw-do'), () => work(card, async () => {
        need(subject.versions.length > 0, idle('nothing_to_withdraw'));
        subject.draft = withdrawal(subject);
        open.held.change();
        overviewAgain();
    }))),
    p(button(say('booth-back'), overviewAgain)),
];

start(openView);
