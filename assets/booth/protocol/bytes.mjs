// Bytes and their writings: base64 and base64url in the one canonical form, hashes, comparisons.
//
// What a newcomer would get wrong: nothing in this folder may come from Node alone. These modules are what a page of a
// reviewer or an auditor would load as they are, so they know the web's own functions and each other, nothing else. And
// `atob` takes texts with several readings; only writing the bytes again shows them.

/** Thrown for what the protocol refuses. Any other error is a fault of this program and never a verdict. */
export class Refused extends Error {}

/** Refuses unless `holds`. */
export function want(holds, what) {
    if (!holds) {
        throw new Refused(what);
    }
}

/** The parts one after the other. */
export function concat(...parts) {
    const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    let at = 0;
    for (const part of parts) {
        whole.set(part, at);
        at += part.length;
    }
    return whole;
}

/** Below zero, zero or above, as `left` stands before, with or after `right` in the order of bytes. */
export function compare(left, right) {
    const shorter = Math.min(left.length, right.length);
    for (let at = 0; at < shorter; at += 1) {
        if (left[at] !== right[at]) {
            return left[at] - right[at];
        }
    }
    return left.length - right.length;
}

/** True if both hold the same bytes. */
export const isSame = (left, right) => compare(left, right) === 0;

/** The UTF-8 of a text. */
export const utf8 = (text) => new TextEncoder().encode(text);

/** The text of UTF-8 bytes; refused if they are none. A byte order mark stays in it, and is refused by its reader. */
export function textOf(bytes) {
    try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
        throw new Refused('the bytes are no UTF-8');
    }
}

/** Four bytes, big-endian. */
export function u32(number) {
    want(Number.isInteger(number) && number >= 0 && number < 2 ** 32, 'the number does not fit into four bytes');
    return Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);
}

/** The bytes after their length: `u32 ‖ bytes`. */
export const lp = (bytes) => concat(u32(bytes.length), bytes);

/** Standard base64 with padding, as signed notes write it. */
export const toBase64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));

/** The bytes of canonical standard base64 with padding; else refused. */
export function fromBase64(text) {
    let decoded;
    try {
        decoded = atob(text);
    } catch {
        throw new Refused('no base64');
    }
    const bytes = Uint8Array.from(decoded, (character) => character.charCodeAt(0));
    want(toBase64(bytes) === text, 'base64 in another writing than the canonical one');
    return bytes;
}

/** Base64url without padding, as signed JSON writes bytes. */
export const toBase64url = (bytes) =>
    toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

/** The bytes of canonical base64url without padding, of the given size where one is given; else refused. */
export function fromBase64url(text, size) {
    want(typeof text === 'string' && /^[A-Za-z0-9_-]*$/.test(text), 'no base64url');
    want(text.length % 4 !== 1, 'base64url of no whole number of bytes');
    const padded = text.padEnd(Math.ceil(text.length / 4) * 4, '=');
    const bytes = fromBase64(padded.replaceAll('-', '+').replaceAll('_', '/'));
    want(size === undefined || bytes.length === size, `not ${size} bytes`);
    return bytes;
}

/** Lower-case hexadecimal digits. */
export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The number that the bytes write, the most significant first. */
export const toNumber = (bytes) => BigInt(`0x0${toHex(bytes)}`);

/** The number in `size` bytes, the most significant first. */
export function fromNumber(number, size) {
    const digits = number.toString(16).padStart(2 * size, '0');
    want(digits.length === 2 * size, 'the number does not fit');
    return Uint8Array.from({ length: size }, (_, at) => Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16));
}

/** SHA-256 of the parts, one after the other. */
export const sha256 = (...parts) => hash('SHA-256', parts);

/** SHA-384 of the parts, one after the other. */
export const sha384 = (...parts) => hash('SHA-384', parts);

async function hash(name, parts) {
    return new Uint8Array(await crypto.subtle.digest(name, concat(...parts)));
}
