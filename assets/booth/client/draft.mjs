// What a review may say: held against the form before anything is signed.
//
// What a newcomer would get wrong: a mark left out is not "no basis". An oversight would count like a judgement, so each
// item of the form has to be answered, and null has to be said.

/**
 * What is wrong with a review of a subject: for each fault the item or statement, and a code, `missing`, `too_many` or
 * `opposite`. Empty is good.
 */
export function faultsOf({ instrument }, methodology, { marks, statements }) {
    const faults = [];
    for (const { code, min, max } of instrument.items) {
        const mark = marks[code];
        const isMark = Number.isInteger(mark) && mark >= min && mark <= max && isOnScale(methodology, mark);
        if (mark !== null && !isMark) {
            faults.push({ at: code, code: 'missing' });
        }
    }
    if (statements.length > instrument.max_statements) {
        faults.push({ at: 'statements', code: 'too_many' });
    }
    for (const code of statements) {
        const known = methodology?.statements.find((statement) => statement.code === code);
        if (known?.opposite && statements.includes(known.opposite)) {
            faults.push({ at: 'statements', code: 'opposite' });
            break;
        }
    }
    return faults;
}

/** True if a mark is a step of the methodology's scale. */
export function isOnScale(methodology, mark) {
    const scale = methodology?.scale;
    return !scale || (mark >= scale.min && mark <= scale.max && (mark - scale.min) % scale.step === 0);
}

/** The withdrawal of what was said of a subject: every mark null, and no statement. */
export const withdrawal = (subject) => ({
    subject_ref: subject.subject_ref,
    marks: Object.fromEntries(subject.instrument.items.map(({ code }) => [code, null])),
    statements: [],
});

/** True if it says nothing: sent, it counts as withdrawn. */
export const isEmptyDraft = ({ marks, statements }) =>
    statements.length === 0 && Object.values(marks).every((mark) => mark === null);

/** True if a signed review says the same. */
export function isSaidBy(draft, body) {
    const codes = Object.keys(body.marks);
    return (
        codes.length === Object.keys(draft.marks).length &&
        codes.every((code) => draft.marks[code] === body.marks[code]) &&
        [...draft.statements].sort().join(' ') === body.statements.join(' ')
    );
}
