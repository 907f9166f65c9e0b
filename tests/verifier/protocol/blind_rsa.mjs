// Blind RSA signatures: the client's half of RFC 9474, `RSABSSA-SHA384-PSS-Randomized`, in whole numbers.
//
// What a newcomer would get wrong: WebCrypto knows PSS and no blinding, so the encoding has to be made here, bit by
// bit. Whole numbers of this language are not computed in constant time; that is right for one reviewer's own device,
// and it is why nothing here works with an issuer's private key.
import { concat, fromNumber, isSame, sha384, toHex, toNumber, u32, want } from './bytes.mjs';

const HASH_SIZE = 48;

/** The salt of every signature of the protocol, in bytes. RFC 9474 has variants with none. */
export const SALT_SIZE = HASH_SIZE;

const EXPONENT = 65537n;
const MODULUS_SIZE = 384;
const FACTOR_BOUND = 2000n;

/** What stands before and behind the modulus in an SPKI of 3072 bits with the `rsaEncryption` identifier, in DER. */
const SPKI_HEAD = '308201a2300d06092a864886f70d01010105000382018f003082018a0282018100';
const SPKI_TAIL = '0203010001';

/** The last byte of an encoded message. */
const TRAILER = 0xbc;

/** A public key from its numbers; its modulus has a whole number of bytes. */
export function publicKey(n, e) {
    const bits = n.toString(2).length;
    want(bits % 8 === 0, 'a modulus that fills no whole number of bytes');
    return { n, e, size: bits / 8 };
}

/**
 * The key of an SPKI in its one DER form; refused unless it is fit for a manifest: 65537, exactly 3072 bits, odd, no
 * factor below 2000.
 */
export function readSpki(der) {
    const digits = toHex(der);
    const modulus = digits.slice(SPKI_HEAD.length, SPKI_HEAD.length + 2 * MODULUS_SIZE);
    want(digits === SPKI_HEAD + modulus + SPKI_TAIL, 'no SPKI of 3072 bits with exponent 65537');
    const key = publicKey(BigInt(`0x0${modulus}`), EXPONENT);
    want(key.size === MODULUS_SIZE, 'a modulus of fewer than 3072 bits');
    for (let factor = 2n; factor < FACTOR_BOUND; factor += 1n) {
        want(key.n % factor !== 0n, `a modulus with the factor ${factor}`);
    }
    return key;
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
