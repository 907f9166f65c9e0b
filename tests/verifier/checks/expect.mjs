// What the checks are made of.
//
// What a newcomer would get wrong: an altered vector must be *refused* or differ. A TypeError over it is a fault of the
// code and no verdict, so neither `refuses` nor `findsEveryAlteration` takes one for an answer.
import { Refused, toHex, want } from '../../../assets/booth/protocol/bytes.mjs';

/** Members of the vector files that are prose. */
const PROSE = ['source', 'note', 'what'];

/** Thrown where a value is another one than the vector says. */
export class Mismatch extends Error {}

/** Bytes are given as such or in hexadecimal digits; everything else as it stands. */
export function equal(found, expected, what) {
    const [left, right] = [found, expected].map((value) => (value instanceof Uint8Array ? toHex(value) : value));
    if (left !== right) {
        throw new Mismatch(`${what}: ${left}, expected ${right}`);
    }
}

/** The bytes of hexadecimal digits, as the vectors of the RFCs write them. */
export function fromHex(digits) {
    want(/^(?:[0-9a-f]{2})*$/.test(digits), 'no hexadecimal digits');
    return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

/** Fails unless `work` throws Refused. */
export async function refuses(what, work) {
    try {
        await work();
    } catch (error) {
        if (error instanceof Refused) {
            return;
        }
        throw error;
    }
    throw new Mismatch(`${what}: not refused`);
}

/**
 * Runs `check` over the data, and then over a copy of it for each single value in it, altered in one place; fails
 * unless the check passes the data and no altered copy. The number of copies.
 */
export async function findsEveryAlteration(data, check) {
    await check(data);
    const places = [...placesIn(data, [])];
    for (const place of places) {
        const copy = structuredClone(data);
        const owner = place.slice(0, -1).reduce((value, step) => value[step], copy);
        owner[place.at(-1)] = altered(owner[place.at(-1)]);
        try {
            await check(copy);
        } catch (error) {
            if (error instanceof Refused || error instanceof Mismatch) {
                continue;
            }
            throw error;
        }
        throw new Mismatch(`${place.join('.')} was altered, and nothing found it`);
    }
    return places.length;
}

/** A copy of the bytes with one bit flipped. */
export function flipped(bytes, place, bit) {
    const copy = Uint8Array.from(bytes);
    copy[place] ^= 1 << bit;
    return copy;
}

function* placesIn(value, place) {
    if (value === null || typeof value !== 'object') {
        yield place;
        return;
    }
    for (const [step, one] of Object.entries(value)) {
        if (!PROSE.includes(step)) {
            yield* placesIn(one, [...place, Array.isArray(value) ? Number(step) : step]);
        }
    }
}

export function altered(value) {
    if (typeof value === 'number') {
        return value + 1;
    }
    if (typeof value === 'boolean') {
        return !value;
    }
    // A digit keeps hexadecimal digits, base64 and most texts readable, so that what refuses the text is its meaning.
    // An empty text gets a byte.
    const middle = value.length >> 1;
    const other = value[middle] === '1' ? '2' : '1';
    return value === '' ? '00' : value.slice(0, middle) + other + value.slice(middle + 1);
}
