// Base64, lengths, signed JSON and the words of a digest.
import * as bytes from '../../../assets/booth/protocol/bytes.mjs';
import { digestWords, matchesWords } from '../../../assets/booth/protocol/documents.mjs';
import { canonical, members, parse, parseCanonical } from '../../../assets/booth/protocol/signed_json.mjs';
import { equal, findsEveryAlteration, refuses } from './expect.mjs';

async function base64urlIsCanonical() {
    equal(bytes.fromBase64url('AA'), '00', 'one byte');
    equal(bytes.fromBase64url('AAE', 2), '0001', 'two bytes');
    equal(bytes.toBase64url(bytes.fromBase64url('-_8')), '-_8', 'the two letters of its own');
    for (const wrong of ['AB', 'AA==', 'A', 'AAAAA', 'A A', 'AA\n', '+/8', '-_9', 'é', null, 7, undefined]) {
        await refuses(`base64url ${wrong}`, () => bytes.fromBase64url(wrong));
    }
    await refuses('a byte too few', () => bytes.fromBase64url('AAE', 3));
}

async function base64IsCanonical() {
    equal(bytes.fromBase64('+/8='), 'fbff', 'the two letters of its own');
    for (const wrong of ['AB==', 'AA', 'A===', 'AA ==', '-_8=', 'AA==\n', 'é']) {
        await refuses(`base64 ${wrong}`, () => bytes.fromBase64(wrong));
    }
}

async function lengthsAreFourBytes() {
    equal(bytes.lp(bytes.utf8('abc')), '00000003616263', 'a text after its length');
    equal(bytes.u32(2 ** 32 - 1), 'ffffffff', 'the largest length');
    await refuses('a length of five bytes', () => bytes.u32(2 ** 32));
    await refuses('a negative length', () => bytes.u32(-1));
    equal(bytes.isSame(bytes.utf8('ab'), bytes.utf8('ab')), true, 'the same bytes');
    for (const other of ['', 'a', 'abc', 'aB']) {
        equal(bytes.isSame(bytes.utf8('ab'), bytes.utf8(other)), false, `ab and ${other}`);
        equal(bytes.compare(bytes.utf8(other), bytes.utf8('ab')) < 0, other !== 'abc', `ab after ${other}`);
    }
}

/** RFC 8785 as far as signed JSON goes: the vectors are those that the other languages read. */
async function signedJsonIsThatOfTheVectors(files) {
    const again = (text) => bytes.textOf(canonical(parse(bytes.utf8(text))));
    await findsEveryAlteration(files.signedJson.canonical, async (pairs) => {
        for (const { text, canonical: expected } of pairs) {
            equal(again(text), expected, text);
            equal(canonical(parseCanonical(bytes.utf8(expected))), bytes.utf8(expected), expected);
        }
    });
    for (const { text } of files.signedJson.canonical.filter((one) => one.text !== one.canonical)) {
        await refuses(`in place of the canonical text: ${text}`, () => parseCanonical(bytes.utf8(text)));
    }
    for (const { what, text } of files.signedJson.refused) {
        await refuses(what, () => parse(bytes.utf8(text)));
    }
    await refuses('bytes that are no UTF-8', () => parse(Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d)));
}

async function whatCannotBeSignedIsNotWritten() {
    const deep = (depth) => (depth === 0 ? 1 : [deep(depth - 1)]);
    equal(bytes.textOf(canonical(deep(6))), '[[[[[[1]]]]]]', 'six lists');
    for (const value of [0.5, -0, 2 ** 53, NaN, Infinity, undefined, 1n, deep(7), ['e\u0301'], ['\ud800'], { é: 1 }]) {
        await refuses(`writing ${String(value)}`, () => canonical(value));
    }
    for (const value of [null, [], 'a b', { a: 1 }, { a: 1, b: 2, c: 3 }]) {
        await refuses('another shape', () => members(value, 'a b'));
    }
}

async function wordsAreTheFirstTwentyBytes(files) {
    const digest = bytes.fromBase64url(files.answers.manifest_digest, 32);
    const words = digestWords(digest);
    equal(words.split(' ').length, 10, 'ten groups');
    equal(matchesWords(digest, words.toUpperCase().replaceAll(' ', '-')), true, 'typed in another way');
    equal(matchesWords(digest, words.slice(5)), false, 'nine groups');
    equal(matchesWords(digest, `${words} 0000`), false, 'eleven groups');
    equal(matchesWords(digest, words.replace(/^./, (sign) => (sign === '0' ? '1' : '0'))), false, 'another digit');
}

export const checks = {
    'base64url has one writing': base64urlIsCanonical,
    'base64 has one writing': base64IsCanonical,
    'a length is four bytes, big-endian': lengthsAreFourBytes,
    'signed JSON (RFC 8785): canonical texts and refused ones': signedJsonIsThatOfTheVectors,
    'signed JSON: what cannot be signed is not written': whatCannotBeSignedIsNotWritten,
    'the words of a digest': wordsAreTheFirstTwentyBytes,
};
