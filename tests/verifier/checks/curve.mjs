// Ed25519 against RFC 8032, and against signatures on which implementations differ.
import { publicKey, sign, verify } from '../protocol/ed25519.mjs';
import { equal, findsEveryAlteration, flipped, fromHex as raw } from './expect.mjs';

async function rfc8032Holds(files) {
    await findsEveryAlteration(files.rfc8032.vectors, async (vectors) => {
        for (const { name, seed, key, message, signature } of vectors) {
            equal(/^TEST (?:[123]|1024|SHA\(abc\))$/.test(name), true, `${name} is a test of the RFC`);
            equal(await publicKey(raw(seed)), key, `${name}: public key`);
            equal(await sign(raw(seed), raw(message)), signature, `${name}: signature`);
            equal(await verify(raw(key), raw(message), raw(signature)), true, `${name}: verification`);
        }
    });
}

/** Each refused one fits an equation that some implementation goes by; the other languages read the same file. */
async function verificationIsStrict(files) {
    const verdict = ({ key, message, signature }) => verify(raw(key), raw(message), raw(signature));
    for (const one of files.edges.accepted) {
        equal(await verdict(one), true, one.what);
    }
    for (const one of files.edges.refused) {
        equal(await verdict(one), false, one.what);
    }
}

async function everyFlippedBitIsFound(files) {
    const { key, message, signature } = files.rfc8032.vectors.find((vector) => vector.name === 'TEST 3');
    const parts = [raw(key), raw(message), raw(signature)];
    for (const [which, part] of parts.entries()) {
        for (let place = 0; place < 8 * part.length; place += 1) {
            const touched = [...parts];
            touched[which] = flipped(part, place >> 3, place & 7);
            equal(await verify(...touched), false, `bit ${place} of part ${which}`);
        }
    }
    for (const [short, ofSize] of [[0, 31], [0, 33], [2, 63], [2, 65]]) {
        const touched = [...parts];
        touched[short] = new Uint8Array(ofSize);
        equal(await verify(...touched), false, `${ofSize} bytes`);
    }
}

export const checks = {
    'Ed25519: the five vectors of RFC 8032, and every alteration of them is found': rfc8032Holds,
    'Ed25519: strict where implementations differ': verificationIsStrict,
    'Ed25519: a flipped bit of key, message or signature is found': everyFlippedBitIsFound,
};
