// Blind RSA signatures against RFC 9474, and against the signatures of the engine itself.
import { concat, fromNumber, toNumber } from '../../../assets/booth/protocol/bytes.mjs';
import * as rsa from '../../../assets/booth/protocol/blind_rsa.mjs';
import { equal, findsEveryAlteration, flipped, fromHex as raw, refuses } from './expect.mjs';

const number = (hex) => toNumber(raw(hex));
const random = (size) => crypto.getRandomValues(new Uint8Array(size));

/** The issuer's half, which is no part of a client: by the Chinese remainders, as these numbers have 4096 bits. */
function blindSign({ p, q, d }, blindedMsg) {
    const z = toNumber(blindedMsg);
    const [ofP, ofQ] = [p, q].map((factor) => rsa.power(z % factor, d % (factor - 1n), factor));
    const difference = (((ofP - ofQ) % p) + p) % p;
    return fromNumber(ofQ + q * ((difference * rsa.invert(q, p)) % p), blindedMsg.length);
}

async function rfc9474Holds(files) {
    let copies = 0;
    for (const vector of files.rfc9474.vectors) {
        copies += await findsEveryAlteration(vector, everyStep);
    }
    equal(copies, 4 * 17, 'values that were altered');
}

async function everyStep(vector) {
    const { name, is_randomized: isRandomized, salt_len: saltSize } = vector;
    const [n, e, d, p, q] = ['n', 'e', 'd', 'p', 'q'].map((member) => number(vector[member]));
    const variant = `RSABSSA-SHA384-PSS${saltSize ? '' : 'ZERO'}-${isRandomized ? 'Randomized' : 'Deterministic'}`;
    equal(name, variant, 'name of the variant');
    equal(p * q, n, `${name}: n`);
    equal([p, q].every((factor) => (d * e) % (factor - 1n) === 1n), true, `${name}: d`);
    const key = rsa.publicKey(n, e);
    const [msg, prefix, salt] = ['msg', 'msg_prefix', 'salt'].map((member) => raw(vector[member]));
    equal(prefix.length, isRandomized ? 32 : 0, `${name}: size of the prefix`);
    equal(salt.length, saltSize, `${name}: size of the salt`);
    const input = concat(prefix, msg);
    equal(input, vector.input_msg, `${name}: input_msg`);
    equal(await rsa.encode(input, salt, key.size), vector.encoded_msg, `${name}: encoded_msg`);
    const { blindedMsg, inverse } = await rsa.blind(key, input, salt, rsa.invert(number(vector.inv), n));
    equal(fromNumber(inverse, key.size), vector.inv, `${name}: inv`);
    equal(blindedMsg, vector.blinded_msg, `${name}: blinded_msg`);
    equal(blindSign({ p, q, d }, blindedMsg), vector.blind_sig, `${name}: blind_sig`);
    const signature = await rsa.finalize(key, input, raw(vector.blind_sig), inverse, saltSize);
    equal(signature, vector.sig, `${name}: sig`);
    equal(await rsa.verify(key, input, raw(vector.sig), saltSize), true, `${name}: verification`);
    equal(await rsa.verify(key, input, raw(vector.sig), rsa.SALT_SIZE - saltSize), false, `${name}: the other salt`);
}

/** Encodings with one fault each, signed by the private key: nothing but the named rule can refuse them. */
async function everyFaultOfAnEncodingIsFound(files) {
    const [vector] = files.rfc9474.vectors;
    const [n, e, d, p, q] = ['n', 'e', 'd', 'p', 'q'].map((member) => number(vector[member]));
    const [key, input] = [rsa.publicKey(n, e), raw(vector.input_msg)];
    const takes = (encoded) => rsa.verify(key, input, blindSign({ p, q, d }, encoded));
    // The first bit is one more than an encoding has; with it the number is below n for some salts alone.
    let encoded = raw(vector.encoded_msg);
    for (let salt = 0; toNumber(flipped(encoded, 0, 7)) >= n; salt += 1) {
        encoded = await rsa.encode(input, new Uint8Array(rsa.SALT_SIZE).fill(salt), key.size);
    }
    equal(await takes(encoded), true, 'the encoding itself');
    const separator = key.size - 1 - 48 - 48 - 1;
    const faults = {
        'a bit too many': [0, 7], 'the first byte of the padding': [0, 0], 'the padding': [100, 3],
        'the last byte of the padding': [separator - 1, 0], 'the byte behind the padding': [separator, 1],
        'the salt': [separator + 1, 0], 'the end of the salt': [separator + 48, 0],
        'the last byte of the hash': [key.size - 2, 0], 'the trailer': [key.size - 1, 0],
    };
    for (const [what, [place, bit]] of Object.entries(faults)) {
        equal(await takes(flipped(encoded, place, bit)), false, what);
    }
    equal(await rsa.verify(key, flipped(input, 0, 0), blindSign({ p, q, d }, encoded)), false, 'another message');
}

/** A modulus with the factor 3, for which every third encoding cannot be blinded. */
async function aModulusThatCannotBlindIsRefused(files) {
    const input = raw(files.rfc9474.vectors[0].input_msg);
    const hostile = rsa.publicKey(2n ** 3071n - (2n ** 3071n % 3n) + 3n, 65537n);
    const salt = new Uint8Array(rsa.SALT_SIZE);
    while (toNumber(await rsa.encode(input, salt, hostile.size)) % 3n !== 0n) {
        salt[0] += 1;
    }
    await refuses('an encoding that shares a factor with the modulus', () => rsa.blind(hostile, input, salt, 2n));
    salt[0] += 1;
    await rsa.blind(hostile, input, salt, 2n);
}

/** A fresh issuer key of 3072 bits, and the engine's own eyes for signatures under it. */
async function freshIssuer() {
    const algorithm = { name: 'RSA-PSS', modulusLength: 3072, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-384' };
    const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const jwk = await crypto.subtle.exportKey('jwk', pair.privateKey);
    const part = (name) => toNumber(fromJwk(jwk[name]));
    const spki = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
    return { pair, spki, key: rsa.readSpki(spki), numbers: { p: part('p'), q: part('q'), d: part('d') } };
}

const fromJwk = (text) =>
    Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (sign) => sign.charCodeAt(0));

async function theEngineTakesWhatWeFinalize() {
    const { pair, key, numbers } = await freshIssuer();
    const ofEngine = (input, signature, saltLength = 48) =>
        crypto.subtle.verify({ name: 'RSA-PSS', saltLength }, pair.publicKey, signature, input);
    for (let turn = 0; turn < 8; turn += 1) {
        const input = concat(random(32), random(108));
        const { blindedMsg, inverse } = await rsa.blind(key, input, random(rsa.SALT_SIZE), rsa.drawFactor(key));
        const blindSig = blindSign(numbers, blindedMsg);
        const signature = await rsa.finalize(key, input, blindSig, inverse);
        equal(await ofEngine(input, signature), true, 'the engine verifies');
        equal(await ofEngine(input, blindSig), false, 'what the issuer saw is no signature of it');
        const bit = random(2);
        const touched = flipped(signature, (256 * bit[0] + bit[1]) % signature.length, bit[0] & 7);
        equal(await rsa.verify(key, input, touched), false, 'a flipped bit');
        await refuses('a zero before the answer', () =>
            rsa.finalize(key, input, concat(Uint8Array.of(0), blindSig), inverse));
        const longer = concat(Uint8Array.of(0), signature);
        equal(await rsa.verify(key, input, longer), false, 'a zero before the signature');
        await refuses('an answer with a flipped bit', () =>
            rsa.finalize(key, input, flipped(blindSig, bit[0], bit[1] & 7), inverse));
    }
    const input = concat(random(32), random(108));
    for (const saltLength of [0, 32, 47, 48, 49]) {
        const engine = { name: 'RSA-PSS', saltLength };
        const signature = new Uint8Array(await crypto.subtle.sign(engine, pair.privateKey, input));
        equal(await rsa.verify(key, input, signature), saltLength === 48, `a salt of ${saltLength} bytes`);
    }
    const engine = { name: 'RSA-PSS', saltLength: 48 };
    const signature = new Uint8Array(await crypto.subtle.sign(engine, pair.privateKey, input));
    const above = toNumber(signature) + key.n;
    if (above < 2n ** 3072n) {
        equal(await rsa.verify(key, input, fromNumber(above, key.size)), false, 'the signature plus the modulus');
    }
    for (const size of [0, 383, 385]) {
        const other = concat(signature, Uint8Array.of(0)).subarray(0, size);
        equal(await rsa.verify(key, input, other), false, `${size} bytes`);
    }
    const factors = Array.from({ length: 8 }, () => rsa.drawFactor(key));
    equal(factors.every((factor) => factor > 0n && factor < key.n), true, 'factors below the modulus');
    equal(new Set(factors).size, factors.length, 'no factor twice');
}

/** A number a little above another one that has these factors below 2000 and no other. */
function withFactorsBelow2000(start, factors) {
    const product = factors.reduce((whole, factor) => whole * factor, 1n);
    const others = Array.from({ length: 1998 }, (_, at) => BigInt(at + 2)).filter((one) => !factors.includes(one));
    let candidate = start - (start % product) + product;
    while (others.some((other) => candidate % other === 0n)) {
        candidate += product;
    }
    return candidate;
}

async function unsoundKeysAreRefused() {
    const { spki } = await freshIssuer();
    const start = 33;
    const withModulus = (n) => concat(spki.subarray(0, start), fromNumber(n, 384), spki.subarray(start + 384));
    const n = toNumber(spki.subarray(start, start + 384));
    rsa.readSpki(withModulus(n));
    const hostile = {
        'an even modulus': withModulus(withFactorsBelow2000(n, [2n])),
        'the factor 3': withModulus(withFactorsBelow2000(n, [3n])),
        'the factor 1999': withModulus(withFactorsBelow2000(n, [1999n])),
        'a modulus of 3071 bits': withModulus(withFactorsBelow2000(n >> 1n, [])),
        'a modulus of 3064 bits': withModulus(withFactorsBelow2000(n >> 8n, [])),
        'the exponent 3': concat(spki.subarray(0, -1), Uint8Array.of(3)),
        'a byte behind': concat(spki, Uint8Array.of(0)),
        'a byte too few': spki.subarray(0, -1),
        'the PSS identifier': flipped(spki, 16, 0),
        'nothing': new Uint8Array(),
    };
    for (const [what, der] of Object.entries(hostile)) {
        await refuses(what, () => rsa.readSpki(der));
    }
    const small = rsa.publicKey(251n * 241n, 65537n);
    await refuses('a factor without inverse', () => rsa.invert(251n, small.n));
    await refuses('a modulus too small for the salt', () => rsa.encode(random(8), random(48), 97));
    await refuses('a modulus of 15 bits', () => rsa.publicKey(32749n, 3n));
}

export const checks = {
    'RFC 9474: all four vectors at every step, and every alteration of them is found': rfc9474Holds,
    'credentials: the engine takes what we finalize, and both refuse what was touched': theEngineTakesWhatWeFinalize,
    'credentials: every fault of an encoding is found': everyFaultOfAnEncodingIsFound,
    'credentials: a modulus that cannot blind is refused': aModulusThatCannotBlindIsRefused,
    'credentials: keys that no client may use are refused': unsoundKeysAreRefused,
};
