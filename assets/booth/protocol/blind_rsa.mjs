// Blind RSA signatures: the client's half of RFC 9474, `RSABSSA-SHA384-PSS-Randomized`, in whole numbers.
//
// What a newcomer would get wrong: WebCrypto knows PSS and no blinding, so the encoding has to be made here, bit by
// bit. Whole numbers of this language are not computed in constant time; that is right for one reviewer's own device,
// and it is why nothing here works with an issuer's private key.
import { Refused, concat, fromNumber, isSame, sha384, toNumber, u32, want } from './bytes.mjs';

const HASH_SIZE = 48;

/** The salt of every signature of the protocol, in bytes. RFC 9474 has variants with none. */
export const SALT_SIZE = HASH_SIZE;

const EXPONENT = 65537n;
const MODULUS_BITS = 3072;

/** Below this no modulus may have a factor; it catches keys made to be weak in plain sight. */
const FACTOR_BOUND = 2000;

/** `SEQUENCE { rsaEncryption, NULL }`, in DER. */
const RSA_ENCRYPTION = Uint8Array.of(0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0);

/** The last byte of an encoded message. */
const TRAILER = 0xbc;

/** A public key from its numbers; its modulus has a whole number of bytes. */
export function publicKey(n, e) {
    const bits = n.toString(2).length;
    want(bits % 8 === 0, 'a modulus that fills no whole number of bytes');
    return { n, e, size: bits / 8 };
}

/** Refused for a key that can be read and must not be used. */
export class Unfit extends Refused {}

/** The key of an SPKI with the `rsaEncryption` identifier in its one DER form, whatever the key is worth. */
export function parseSpki(der) {
    const [outer] = read(der, 0x30, 1);
    const [inner] = read(read(outer.subarray(RSA_ENCRYPTION.length), 0x03, 1)[0].subarray(1), 0x30, 1);
    const [n, e] = read(inner, 0x02, 2).map(toNumber);
    want(isSame(writeSpki(n, e), der), 'no SPKI in its one writing');
    return { n, e };
}

/** The key of an SPKI; refused unless it is fit for a manifest: 65537, exactly 3072 bits, odd, no factor below 2000. */
export function readSpki(der) {
    const { n, e } = parseSpki(der);
    const fit = (holds, what) => {
        if (!holds) {
            throw new Unfit(what);
        }
    };
    fit(e === EXPONENT, 'another exponent than 65537');
    fit(n.toString(2).length === MODULUS_BITS, 'a modulus of another size than 3072 bits');
    for (const [product, primes] of smallPrimes()) {
        const rest = Number(n % BigInt(product));
        const factor = primes.find((prime) => rest % prime === 0);
        fit(factor === undefined, `a modulus with the factor ${factor}`);
    }
    return publicKey(n, e);
}

let grouped;

/** The primes below the bound, and the product of each few of them: one long division tells of a few dozen primes. */
function smallPrimes() {
    grouped ??= groups();
    return grouped;
}

function groups() {
    const found = [];
    const all = [[1, []]];
    for (let number = 2; number < FACTOR_BOUND; number += 1) {
        if (found.every((prime) => number % prime !== 0)) {
            found.push(number);
            const [product, primes] = all.at(-1);
            if (Number.isSafeInteger(product * number)) {
                all[all.length - 1] = [product * number, [...primes, number]];
            } else {
                all.push([number, [number]]);
            }
        }
    }
    return all;
}

/** The contents of so many DER values of one kind that lie one after the other; `writeSpki` shows what was passed over. */
function read(der, kind, count) {
    const values = [];
    let at = 0;
    while (values.length < count) {
        want(der[at] === kind && at + 2 <= der.length, 'no such value');
        const sizes = der[at + 1] < 0x80 ? 0 : der[at + 1] - 0x80;
        want(sizes <= 3, 'a value too long');
        const start = at + 2 + sizes;
        const size = sizes === 0 ? der[at + 1] : Number(toNumber(der.subarray(at + 2, start)));
        want(start + size <= der.length, 'a value without its end');
        values.push(der.subarray(start, start + size));
        at = start + size;
    }
    return values;
}

function writeSpki(n, e) {
    const integers = [n, e].map((number) => write(0x02, fromNumber(number, (number.toString(2).length >> 3) + 1)));
    const key = write(0x03, concat(Uint8Array.of(0), write(0x30, concat(...integers))));
    return write(0x30, concat(RSA_ENCRYPTION, key));
}

function write(kind, contents) {
    const { length } = contents;
    const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
    return concat(Uint8Array.of(kind, ...size), contents);
}

/** EMSA-PSS (RFC 8017, 9.1.1) with SHA-384 into one bit fewer than a modulus of `size` bytes has. */
export async function encode(message, salt, size) {
    const digest = await saltedHash(message, salt);
    const block = new Uint8Array(size - HASH_SIZE - 1);
    want(block.length > salt.length, 'a modulus too small for the salt');
    block[block.length - salt.length - 1] = 1;
    block.set(salt, block.length - salt.length);
    return concat(await masked(block, digest), digest, Uint8Array.of(TRAILER));
}

/** The inverse of a number; refused where it shares a factor with the modulus. */
export function invert(number, n) {
    let [a, b, x, y] = [number % n, n, 1n, 0n];
    while (a > 1n && b > 0n) {
        const quotient = b / a;
        [a, b, x, y] = [b - quotient * a, a, y - quotient * x, x];
    }
    want(a === 1n, 'the number has no inverse');
    return ((x % n) + n) % n;
}

/** `base` to the power of `exponent` modulo `n`. */
export function power(base, exponent, n) {
    let product = 1n;
    for (const bit of exponent.toString(2)) {
        product = (product * product) % n;
        product = bit === '1' ? (product * base) % n : product;
    }
    return product;
}

/** A uniform blinding factor in [1, n), from 64 bits more than the modulus has. */
export function drawFactor(key) {
    const surplus = crypto.getRandomValues(new Uint8Array(key.size + 8));
    return (toNumber(surplus) % (key.n - 1n)) + 1n;
}

/** Blind: what the issuer is asked to sign, and the inverse that turns its answer into the signature. */
export async function blind(key, inputMsg, salt, factor) {
    const encoded = toNumber(await encode(inputMsg, salt, key.size));
    invert(encoded, key.n);
    const inverse = invert(factor, key.n);
    const blinded = (encoded * power(factor, key.e, key.n)) % key.n;
    return { blindedMsg: fromNumber(blinded, key.size), inverse };
}

/** Finalize: the signature of `inputMsg`; refused unless the issuer signed with this very key. */
export async function finalize(key, inputMsg, blindSig, inverse, saltSize = SALT_SIZE) {
    want(blindSig.length === key.size, 'an answer of another size');
    const signature = fromNumber((toNumber(blindSig) * inverse) % key.n, key.size);
    want(await verify(key, inputMsg, signature, saltSize), 'the issuer signed with another key');
    return signature;
}

/** True if `signature` is one of the message: a number below n, and EMSA-PSS (RFC 8017, 9.1.2) with such a salt. */
export async function verify(key, inputMsg, signature, saltSize = SALT_SIZE) {
    const number = toNumber(signature);
    if (signature.length !== key.size || number >= key.n) {
        return false;
    }
    const encoded = fromNumber(power(number, key.e, key.n), key.size);
    const digest = encoded.subarray(-HASH_SIZE - 1, -1);
    const block = encoded.subarray(0, -HASH_SIZE - 1);
    if (encoded.at(-1) !== TRAILER || block[0] > 0x7f) {
        return false;
    }
    const opened = await masked(block, digest);
    const salt = opened.subarray(opened.length - saltSize);
    const isPadded = opened.subarray(0, -saltSize - 1).every((byte) => byte === 0);
    return isPadded && opened.at(-saltSize - 1) === 1 && isSame(await saltedHash(inputMsg, salt), digest);
}

const saltedHash = async (message, salt) => sha384(new Uint8Array(8), await sha384(message), salt);

/** The block under the mask of MGF1 (RFC 8017, B.2.1), its first bit cleared; twice is the block again. */
async function masked(block, seed) {
    const mask = [];
    for (let counter = 0; mask.length * HASH_SIZE < block.length; counter += 1) {
        mask.push(await sha384(seed, u32(counter)));
    }
    const bytes = concat(...mask);
    const under = block.map((byte, at) => byte ^ bytes[at]);
    under[0] &= 0x7f;
    return under;
}
