// Signed JSON: a strict reader, and the canonical text of RFC 8785 over which every signature and digest is made.
//
// What a newcomer would get wrong: `JSON.parse` lets the last of two equal members win and rounds large integers, so
// two readers of one signed text could see two values. This reader refuses such a text, and every other one with a
// second reading: floats, integers from 2^53 up, nesting above six, member names outside ASCII, strings not in NFC.
// Objects have no prototype, or a member named `__proto__` would be lost.
import { compare, textOf, utf8, want } from './bytes.mjs';

/** The deepest nesting of lists and objects; the outermost one is depth 1. */
const DEPTH_MAX = 6;

const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y;
const INTEGER = /-?(?:0|[1-9][0-9]*)/y;
const SPACE = /[ \t\n\r]*/y;
const WORDS = [['null', null], ['true', true], ['false', false]];

/** The value of a signed JSON text; refused if the text has a second reading. */
export function parse(bytes) {
    const reader = new Reader(textOf(bytes));
    const value = reader.value(DEPTH_MAX);
    reader.take(SPACE);
    want(reader.at === reader.text.length, 'something follows the value');
    return value;
}

/** As `parse`, for a text that must be the canonical one, byte for byte: what is compared by hash has one writing. */
export function parseCanonical(bytes) {
    const value = parse(bytes);
    want(compare(canonical(value), bytes) === 0, 'the text is not in its canonical writing');
    return value;
}

/** The canonical text of a value, UTF-8; refused if it holds what signed JSON may not, or nests deeper than told. */
export const canonical = (value, depthMax = DEPTH_MAX) => utf8(written(value, depthMax));

/** The object itself, if it has exactly these members, which are named with spaces between them; else refused. */
export function members(value, names) {
    const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
    const wanted = names.split(' ').sort().join(' ');
    want(isObject && Object.keys(value).sort().join(' ') === wanted, `other members than ${names}`);
    return value;
}

class Reader {
    constructor(text) {
        this.text = text;
        this.at = 0;
    }

    /** What the pattern finds at this very place, or undefined; the reader goes on behind it. */
    take(pattern) {
        pattern.lastIndex = this.at;
        const found = pattern.exec(this.text)?.[0];
        this.at += found?.length ?? 0;
        return found;
    }

    takes(sign) {
        this.take(SPACE);
        const stands = this.text.startsWith(sign, this.at);
        this.at += stands ? sign.length : 0;
        return stands;
    }

    value(depthLeft) {
        if (this.takes('{')) {
            return this.object(depthLeft - 1);
        }
        if (this.takes('[')) {
            return this.list(depthLeft - 1);
        }
        for (const [word, value] of WORDS) {
            if (this.takes(word)) {
                return value;
            }
        }
        const digits = this.take(INTEGER);
        return digits === undefined ? this.string() : integer(digits);
    }

    string() {
        const token = this.take(STRING);
        want(token !== undefined, 'no value, or no string');
        return sound(JSON.parse(token));
    }

    list(depthLeft) {
        want(depthLeft >= 0, 'nested too deeply');
        const list = [];
        if (this.takes(']')) {
            return list;
        }
        do {
            list.push(this.value(depthLeft));
        } while (this.takes(','));
        want(this.takes(']'), 'a list without end');
        return list;
    }

    object(depthLeft) {
        want(depthLeft >= 0, 'nested too deeply');
        const object = Object.create(null);
        if (this.takes('}')) {
            return object;
        }
        do {
            this.take(SPACE);
            const name = ascii(this.string());
            want(!(name in object), 'a member stands twice');
            want(this.takes(':'), 'a member without value');
            object[name] = this.value(depthLeft);
        } while (this.takes(','));
        want(this.takes('}'), 'an object without end');
        return object;
    }
}

function integer(digits) {
    const number = Number(digits);
    want(Number.isSafeInteger(number) && digits !== '-0', 'an integer out of range');
    return number;
}

function sound(text) {
    want(!/\p{Surrogate}/u.test(text) && text.normalize('NFC') === text, 'a string that is not in NFC');
    return text;
}

function ascii(name) {
    want(!/[^\0-\x7f]/.test(name), 'a member name outside ASCII');
    return name;
}

function written(value, depthLeft) {
    if (value === null || typeof value === 'boolean') {
        return String(value);
    }
    if (typeof value === 'number') {
        want(Number.isSafeInteger(value) && !Object.is(value, -0), 'an integer out of range');
        return String(value);
    }
    if (typeof value === 'string') {
        return JSON.stringify(sound(value));
    }
    want(typeof value === 'object' && depthLeft > 0, 'nested too deeply, or nothing that JSON can write');
    if (Array.isArray(value)) {
        return `[${value.map((one) => written(one, depthLeft - 1)).join()}]`;
    }
    const one = (name) => `${JSON.stringify(ascii(name))}:${written(value[name], depthLeft - 1)}`;
    return `{${Object.keys(value).sort().map(one).join()}}`;
}
