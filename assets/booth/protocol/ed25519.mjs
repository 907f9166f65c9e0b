// Ed25519 (RFC 8032) as the protocol wants it: strict, the same in every implementation.
//
// What a newcomer would get wrong: engines differ in which odd signatures they take. WebCrypto decides the equation
// here; that the scalar is canonical, that both points are written in their one way, and that neither has a small
// order, is decided before it, in whole numbers.
import { concat, fromBase64url, toNumber } from './bytes.mjs';

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * power(121666n, P - 2n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);

/** What stands before the seed in PKCS #8, in DER. */
const PKCS8_HEAD = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);

/** True if `signature` is a strictly valid signature of the message. */
export async function verify(key, message, signature) {
    if (key.length !== 32 || signature.length !== 64) {
        return false;
    }
    const isStrict = isSoundPoint(key) && isSoundPoint(signature.subarray(0, 32));
    if (!isStrict || littleEndian(signature.subarray(32)) >= ORDER) {
        return false;
    }
    const imported = await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']);
    return crypto.subtle.verify('Ed25519', imported, signature, message);
}

/** The signature of the message under the private key that follows from a seed of 32 bytes. */
export async function sign(seed, message) {
    return new Uint8Array(await crypto.subtle.sign('Ed25519', await privateKey(seed), message));
}

/** The public key that follows from a seed. */
export async function publicKey(seed) {
    return fromBase64url((await crypto.subtle.exportKey('jwk', await privateKey(seed))).x, 32);
}

const privateKey = (seed) => crypto.subtle.importKey('pkcs8', concat(PKCS8_HEAD, seed), 'Ed25519', true, ['sign']);

/** True for the canonical writing of a point of the curve whose order is not small. */
function isSoundPoint(bytes) {
    const written = littleEndian(bytes);
    const [y, sign] = [written & (2n ** 255n - 1n), written >> 255n];
    if (y >= P) {
        return false;
    }
    const [u, v] = [mod(y * y - 1n), mod(D * y * y + 1n)];
    let x = mod(u * power(v, 3n) * power(u * power(v, 7n), (P - 5n) / 8n));
    x = mod(v * x * x) === u ? x : mod(x * ROOT_OF_MINUS_ONE);
    if (mod(v * x * x) !== u || (x === 0n && sign === 1n)) {
        return false;
    }
    // Eight times the point: the neutral one, (0 : 1 : 1), if its order is small. The sign of x does not matter to it.
    const [eightX, eightY, eightZ] = double(double(double([x, y, 1n])));
    return eightX !== 0n || eightY !== eightZ;
}

/** Twice a point in projective coordinates, x = X/Z and y = Y/Z, on −x² + y² = 1 + d·x²·y². */
function double([x, y, z]) {
    const [b, c, d] = [mod((x + y) ** 2n), mod(x * x), mod(y * y)];
    const f = d - c;
    const j = f - 2n * z * z;
    return [mod((b - c - d) * j), mod(f * (-c - d)), mod(f * j)];
}

function littleEndian(bytes) {
    return toNumber(Uint8Array.from(bytes).reverse());
}

function mod(number) {
    const rest = number % P;
    return rest < 0n ? rest + P : rest;
}

function power(base, exponent) {
    let product = 1n;
    for (let square = mod(base), left = exponent; left > 0n; left >>= 1n, square = mod(square * square)) {
        product = left & 1n ? mod(product * square) : product;
    }
    return product;
}
