// The protocol's own encodings: what is signed, hashed and shown, byte by byte.
//
// What a newcomer would get wrong: every signature is made over a tag that ends in a zero byte and then the canonical
// text, never over the text alone, or a signature of one kind of document would pass for another kind.
import { concat, lp, sha256, toBase64url, toHex, u32, utf8 } from './bytes.mjs';
import { canonical } from './signed_json.mjs';

/** The bytes of a tag. */
const tag = (name) => utf8(`${name}\0`);

/** What a credential certifies, 108 bytes. */
export const credentialMessage = (cycleRef, subjectRef, keyId, epk) =>
    concat(tag('EJF-CRED-v1'), cycleRef, subjectRef, keyId, epk);

/** What a reviewer signs: `body` is the canonical text. */
export const reviewMessage = (body) => concat(tag('EJF-REVIEW-v1'), body);

/** What the leaf of a review hashes; it hides subject, key and marks. */
export const leafData = async (cycleRef, body, signature, epk) =>
    concat(tag('EJF-LEAF-v1'), cycleRef, await sha256(lp(body), lp(signature), epk));

/** What the box signs when it promises that a leaf will be sealed. */
export const receiptMessage = (cycleRef, round, leaf) => concat(tag('EJF-RECEIPT-v1'), cycleRef, u32(round), leaf);

/** An issuer's ledger entry for one issued credential. */
export const ledgerEntry = async (keyId, assignmentId, blindedMsg) =>
    sha256(tag('EJF-ENTRY-v1'), keyId, assignmentId, await sha256(blindedMsg));

/** What the member `sig` of a signed document covers: the document without it. */
export function documentMessage(kind, document) {
    const { sig, ...unsigned } = document;
    return concat(tag(`EJF-${kind}-v1`), canonical(unsigned));
}

/** A digest as people compare it: its first 20 bytes as ten groups of four hexadecimal digits. */
export const digestWords = (digest) => toHex(digest.subarray(0, 20)).match(/.{4}/g).join(' ');

/**
 * True if what somebody typed or scanned is the digest: its words, in whatever case and spacing, or all of it in
 * base64url, as a printed QR code holds it.
 */
export const matchesWords = (digest, typed) =>
    typed.trim() === toBase64url(digest) ||
    typed.replace(/[\s-]/g, '').toLowerCase() === toHex(digest.subarray(0, 20));
