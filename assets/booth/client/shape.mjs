// The shape of documents: which members a value has, and of which kind each is.
//
// What a newcomer would get wrong: a member too many is as wrong as one too few. It would be signed and digested with
// the rest, and mean something to another reader.
import { fromBase64url, want } from '../protocol/bytes.mjs';
import { members } from '../protocol/signed_json.mjs';

export const text = (value) => want(typeof value === 'string', 'no text');

export const integer = (value) => want(Number.isSafeInteger(value), 'no integer');

export const u32 = (value) => want(Number.isInteger(value) && value >= 0 && value < 2 ** 32, 'no number of 32 bits');

/** Base64url of so many bytes, or of any number where none is given. */
export const bytes = (size) => (value) => fromBase64url(value, size);

export const one = (word) => (value) => want(value === word, `not ${word}`);

export const nullable = (shape) => (value) => value === null || fit(value, shape);

/** A date as it is written in documents, which sorts as a text. */
export function date(value) {
    text(value);
    want(/^\d{4}-\d\d-\d\d$/.test(value) && isoDate(Date.parse(`${value}T00:00:00Z`)) === value, 'no date');
}

const isoDate = (millis) => (Number.isNaN(millis) ? '' : new Date(millis).toISOString().slice(0, 10));

/**
 * Refuses a value of another shape. A shape is a check, a list with the shape of its elements, or an object with the
 * shape of each member, of which there may be no other.
 */
export function fit(value, shape) {
    if (typeof shape === 'function') {
        shape(value);
    } else if (Array.isArray(shape)) {
        want(Array.isArray(value), 'no list');
        value.forEach((element) => fit(element, shape[0]));
    } else {
        members(value, Object.keys(shape).join(' '));
        for (const [name, inner] of Object.entries(shape)) {
            fit(value[name], inner);
        }
    }
    return value;
}
