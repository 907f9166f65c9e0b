// What can stop the reviewer's client: the same closed lists of codes as in the program `ejf peer`.
//
// What a newcomer would get wrong: an alarm is not an error to retry. It says that somebody lies, so nothing more is
// sent, and the reviewer turns to the Council's auditors. Any error that is none of these is a fault of the page.
import { Refused } from '../protocol/bytes.mjs';

/** Why a step did not happen: `alarm`, `refused`, `unreachable`, `unexpected`, `card` or `idle`, with its code. */
export class Failure extends Error {
    constructor(kind, code, details = {}) {
        super(`${kind}: ${code}`);
        Object.assign(this, { kind, code, details });
    }

    /** True if the same bytes may well be taken a little later. */
    get isPassing() {
        const passing = ['box_unfit', 'busy', 'request_timeout', 'too_many_requests'];
        return (
            this.kind === 'unreachable' ||
            (this.kind === 'unexpected' && this.details.status >= 500) ||
            (this.kind === 'refused' && passing.includes(this.code))
        );
    }
}

export const alarm = (code) => new Failure('alarm', code);
export const refused = (code) => new Failure('refused', code);
export const idle = (code) => new Failure('idle', code);
export const cardFault = (code) => new Failure('card', code);

/** Throws the failure unless `holds`. */
export function need(holds, failure) {
    if (!holds) {
        throw failure;
    }
}

/** What `work` gives; what the protocol refuses in it is told as this failure. */
export async function told(failure, work) {
    try {
        return await work();
    } catch (error) {
        throw error instanceof Refused ? failure : error;
    }
}

/** How far things have gone by what the card holds: it decides what an alarm tells of what was sent. */
export function momentOf(card) {
    const subjects = card?.credentials ?? [];
    if (subjects.some((subject) => subject.versions.length > 0)) {
        return 'sending';
    }
    return subjects.length > 0 ? 'collecting' : 'before';
}
