// The form of one review: the questions in the reviewer's language, with what each mark means.
//
// What a newcomer would get wrong: a default. A mark that nobody gave would count like one, so nothing is chosen before
// the reviewer chooses, and "no basis" is an answer like any other.
import { faultsOf, isOnScale } from '../client/draft.mjs';
import { button, choice, el, heading, input, mainButton, p } from './dom.mjs';
import { draw, show } from './frame.mjs';
import { card, open } from './opened.mjs';
import { of, say } from './words.mjs';

/** What is chosen so far; the form is drawn anew when the language changes. */
let chosen;
let subject;
let faults = [];
let leave;

/** Shows the form of a subject; `back` shows what comes after it. */
export function fillIn(one, back) {
    const { marks = {}, statements = [] } = one.draft ?? one.versions.at(-1)?.review.body ?? {};
    [subject, leave, faults] = [one, back, []];
    chosen = { marks: { ...marks }, statements: [...statements] };
    show(formView);
}

function formView() {
    const { methodology } = card();
    return [
        heading(say('peer-form-summary', { name: subject.subject_name })),
        subject.versions.length > 0 ? p(say('booth-replaces')) : null,
        methodology ? [p(of(methodology.preparation)), p(of(methodology.lead))] : p(say('peer-form-no_words')),
        faults.length > 0 ? el('div', { class: 'fault', role: 'alert' }, p(say('booth-incomplete', { count: faults.length }))) : null,
        subject.instrument.items.map((item, at) => question(item, at + 1, methodology)),
        subject.instrument.statements.length > 0 ? statementList(methodology) : null,
        p(mainButton(say('booth-keep'), keep), ' ', button(say('booth-cancel'), leave)),
    ];
}

function question(item, number, methodology) {
    const words = methodology?.items.find((known) => known.code === item.code);
    const criterion = methodology?.criteria.find((known) => known.code === words?.criterion);
    const title = words && criterion ? `${of(criterion.name)}: ${of(words.text)}` : item.code;
    const marks = [];
    for (let mark = item.min; mark <= item.max; mark += 1) {
        if (isOnScale(methodology, mark)) {
            marks.push(mark);
        }
    }
    const isMissing = faults.some((fault) => fault.at === item.code);
    return el('fieldset', { class: isMissing ? 'missing' : undefined, 'data-item': item.code },
        el('legend', {}, `${number}. ${title}`),
        isMissing ? el('p', { class: 'hint' }, say('booth-missing')) : null,
        [...marks, null].map((mark) => answer(item.code, mark, methodology)));
}

function answer(code, mark, methodology) {
    const meaning = methodology?.anchors.find((anchor) => anchor.mark === mark);
    const label = mark === null ? (meaning ? of(meaning.text) : say('booth-no-basis')) :
        `${mark}${meaning ? ` – ${of(meaning.text)}` : ''}`;
    const radio = input('radio', {
        name: `mark-${code}`,
        value: String(mark),
        checked: Object.hasOwn(chosen.marks, code) && chosen.marks[code] === mark,
        onchange: () => { chosen.marks[code] = mark; },
    });
    return choice(label, radio);
}

function statementList(methodology) {
    const { statements, max_statements: max } = subject.instrument;
    const problem = faults.find((fault) => fault.at === 'statements');
    const boxes = statements.map((code) => {
        const known = methodology?.statements.find((statement) => statement.code === code);
        const box = input('checkbox', {
            value: code,
            checked: chosen.statements.includes(code),
            onchange: (event) => {
                const others = chosen.statements.filter((other) => other !== code);
                chosen.statements = event.target.checked ? [...others, code] : others;
            },
        });
        return choice(known ? of(known.text) : code, box);
    });
    return el('fieldset', { class: problem ? 'missing' : undefined },
        el('legend', {}, say('booth-statements', { max })),
        problem ? el('p', { class: 'hint' }, say(`booth-fault-${problem.code}`, { max })) : null,
        boxes);
}

function keep() {
    faults = faultsOf(subject, card().methodology, chosen);
    if (faults.length > 0) {
        draw();
        document.querySelector('.missing input')?.focus();
        return;
    }
    subject.draft = { subject_ref: subject.subject_ref, ...chosen };
    open.held.change();
    leave();
}
