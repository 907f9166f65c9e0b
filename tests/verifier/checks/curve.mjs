// Ed25519 against RFC 8032, and against signatures on which implementations differ.
import { publicKey, sign, verify } from '../../../assets/booth/protocol/ed25519.mjs';
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

/** An engine that takes everything leaves the rules that stand before it. The equation is the engine's: two cases. */
async function verificationIsStrictByItself(files) {
    const engine = crypto.subtle.verify;
    crypto.subtle.verify = async () => true;
    try {
        for (const { what, key, message, signature } of files.edges.refused) {
            const isOfEquation = what.includes('with cofactor alone');
            equal(await verify(raw(key), raw(message), raw(signature)), isOfEquation, what);
        }
        const { key, message, signature } = files.edges.accepted[0];
        for (const [keySize, signatureSize, isRight] of [[32, 64, true], [31, 64], [33, 64], [32, 63], [32, 65]]) {
            const [longKey, longSignature] = [raw(`${key}00`), raw(`${signature}00`)];
            const parts = [longKey.subarray(0, keySize), raw(message), longSignature.subarray(0, signatureSize)];
            equal(await verify(...parts), isRight === true, `${keySize} and ${signatureSize} bytes`);
        }
    } finally {
        delete crypto.subtle.verify;
    }
    equal(crypto.subtle.verify, engine, 'the engine is back');
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
}

export const checks = {
    'Ed25519: the five vectors of RFC 8032, and every alteration of them is found': rfc8032Holds,
    'Ed25519: strict where implementations differ': verificationIsStrict,
    'Ed25519: strict by itself, whatever the engine takes': verificationIsStrictByItself,
    'Ed25519: a flipped bit of key, message or signature is found': everyFlippedBitIsFound,
};
