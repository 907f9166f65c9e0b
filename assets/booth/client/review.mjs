// Phase 2, never logged in: signing a review, sending it to the box, and believing nothing but its receipt.
//
// What a newcomer would get wrong: making a new review when no answer came. The box may have stored the first one; so
// what was signed lies in the saved card before it is sent, and goes out again, byte for byte, until a receipt verifies.
// Only then can another version follow.
import { compare, concat, fromBase64url, toBase64url } from '../protocol/bytes.mjs';
import { verify as certifies } from '../protocol/blind_rsa.mjs';
import { leafData, receiptMessage, reviewMessage } from '../protocol/documents.mjs';
import { sign, verify } from '../protocol/ed25519.mjs';
import { canonical } from '../protocol/signed_json.mjs';
import { leafHash } from '../protocol/tree.mjs';
import { isReady, isUnreceipted } from './card.mjs';
import { isSaidBy } from './draft.mjs';
import { alarm, idle, need, refused, told } from './failure.mjs';
import { checkEntries, checkGate } from './ledger.mjs';
import { post } from './line.mjs';
import { BODY_SIZE, formOf, keepsSubject, keyIdOf, messageOf } from './manifest.mjs';
import { checkSubmitWindow, meet } from './pinned.mjs';

/**
 * Makes ready what is to be sent of a subject: signs the next version of the review unless one waits for its receipt.
 * The card has to be saved before `send`; false if the last version says the same already.
 */
export async function makeReady(rules, card, subject, now) {
    checkOpen(rules, subject, now);
    await meet(card, rules.ledgers);
    if (isUnreceipted(subject)) {
        return true;
    }
    need(subject.draft !== null, idle('nothing_to_send'));
    const last = subject.versions.at(-1);
    if (last && isSaidBy(subject.draft, last.review.body)) {
        Object.assign(subject, { draft: null, send_at: null });
        return false;
    }
    need(subject.versions.length < rules.current.manifest.max_seq, idle('versions_used_up'));
    const review = await signNext(rules.current, subject);
    submission(review);
    await examine(rules, review, now);
    subject.versions.push({ review, receipt: null });
    return true;
}

async function signNext({ manifest, digest }, subject) {
    const earlier = [];
    for (const { review } of subject.versions) {
        earlier.push(await leafOf(review));
    }
    const body = {
        v: 1,
        cycle_ref: manifest.cycle_ref,
        round: manifest.round,
        subject_ref: subject.subject_ref,
        manifest_digest: digest,
        seq: earlier.length + 1,
        prev: earlier.sort(compare).map(toBase64url),
        nonce: toBase64url(crypto.getRandomValues(new Uint8Array(32))),
        purpose: 'marks',
        marks: subject.draft.marks,
        // Sorted, so that the order in which a reviewer clicked is not kept.
        statements: [...subject.draft.statements].sort(),
    };
    const sig = await sign(fromBase64url(subject.esk), reviewMessage(canonical(body)));
    // Without the ledger's entry, which never leaves the card.
    const credentials = subject.credentials.map(({ entry, ...shown }) => shown);
    return { epk: subject.epk, credentials, body, sig: toBase64url(sig) };
}

/** The leaf that stands for a signed review in the tree. */
export const leafOf = async ({ body, sig, epk }) =>
    leafHash(await leafData(fromBase64url(body.cycle_ref), canonical(body), fromBase64url(sig), fromBase64url(epk)));

/** The submission of exactly 8192 bytes; `wrong_size` if the review is too long for it. */
export const submission = (review) => padded(review);

/** A text filled up with zeros in `pad` to the one size of all submissions. */
export function padded(document) {
    const missing = BODY_SIZE - canonical({ ...document, pad: '' }).length;
    need(missing >= 0, refused('wrong_size'));
    return canonical({ ...document, pad: '0'.repeat(missing) });
}

/** The window, the reviewer's own ledger entries, and the gate, in this order. */
function checkOpen(rules, subject, now) {
    need(isReady(subject), idle('no_credential'));
    checkSubmitWindow(rules.current, now);
    checkEntries(rules, subject);
    checkGate(rules, subject.subject_ref);
}

/** The box's own checks: a review that cannot be taken stays at home. The leaf. */
async function examine(rules, review, now) {
    const { current, generations } = rules;
    const { body, epk } = review;
    const { manifest } = current;
    need(body.cycle_ref === manifest.cycle_ref && body.round === manifest.round, refused('unknown_cycle'));
    const signedUnder = generations.find(({ digest }) => digest === body.manifest_digest);
    const isKept = signedUnder !== undefined &&
        (signedUnder.digest === current.digest || keepsSubject(current, signedUnder, body.subject_ref));
    need(isKept, refused('manifest_mismatch'));
    checkSubmitWindow(current, now);
    checkGate(rules, body.subject_ref);
    need(fits(body, formOf(current, body.subject_ref), manifest.max_seq), refused('invalid_review'));
    need(review.credentials.length === manifest.issuers.length, refused('credential_invalid'));
    for (const { issuer_id: id } of manifest.issuers) {
        const keyId = keyIdOf(current, body.subject_ref, id);
        const given = review.credentials.find((one) => one.issuer_id === id && one.key_id === keyId);
        need(given !== undefined, refused('credential_invalid'));
        const input = concat(fromBase64url(given.prefix), messageOf(manifest, { ...body, epk }, keyId));
        const isCertified = await certifies(current.keys.get(keyId), input, fromBase64url(given.sig));
        need(isCertified, refused('credential_invalid'));
    }
    const message = reviewMessage(canonical(body));
    const isSigned = await verify(fromBase64url(epk), message, fromBase64url(review.sig));
    need(isSigned, refused('signature_invalid'));
    return leafOf(review);
}

/** Every item of the form and no other, marks in range, statements of the form, in order and not too many. */
function fits(body, form, maxSeq) {
    const { marks, statements, seq, prev } = body;
    const prior = prev.map((leaf) => fromBase64url(leaf));
    const isMark = ({ code, min, max }) =>
        Object.hasOwn(marks, code) && (marks[code] === null || (marks[code] >= min && marks[code] <= max));
    return (
        body.purpose === 'marks' &&
        seq >= 1 && seq <= maxSeq && prior.length === seq - 1 &&
        prior.every((leaf, at) => at === 0 || compare(prior[at - 1], leaf) < 0) &&
        Object.keys(marks).length === form.items.length && form.items.every(isMark) &&
        statements.length <= form.max_statements &&
        statements.every((code, at) => form.statements.includes(code) && (at === 0 || statements[at - 1] < code))
    );
}

/**
 * Sends the last version of a saved card's subject and keeps the receipt, if it is one: the same bytes, however often.
 * A draft that says no more than what was sent is done with.
 */
export async function send(box, rules, card, subject, now) {
    checkOpen(rules, subject, now);
    const version = subject.versions.at(-1);
    need(version !== undefined, idle('no_credential'));
    const leaf = toBase64url(await examine(rules, version.review, now));
    const { receipt } = await post(box, '/v1/anon/reviews', submission(version.review), 202);
    need(await isPromise(rules.current.manifest, receipt, leaf), alarm('receipt_invalid'));
    version.receipt = receipt;
    if (subject.draft !== null && isSaidBy(subject.draft, version.review.body)) {
        subject.draft = null;
    }
    subject.send_at = null;
}

/** True if the box's receipt key promises this very leaf. */
const isPromise = (manifest, receipt, leaf) =>
    told(alarm('receipt_invalid'), async () => {
        const names = Object.keys(receipt ?? {}).sort().join(' ');
        const isIts = names === 'cycle_ref leaf round rsig v' && receipt.v === 1 && receipt.leaf === leaf &&
            receipt.cycle_ref === manifest.cycle_ref && receipt.round === manifest.round;
        const message = receiptMessage(fromBase64url(manifest.cycle_ref), manifest.round, fromBase64url(leaf));
        return isIts && verify(fromBase64url(manifest.receipt_key), message, fromBase64url(receipt.rsig, 64));
    });

/** A list in a random order, each order as likely as any other. */
export function shuffled(list) {
    const drawn = [...list];
    for (let end = drawn.length - 1; end > 0; end -= 1) {
        // Of 2^53 numbers so few are left over that no bias could be seen.
        const [high, low] = crypto.getRandomValues(new Uint32Array(2));
        const other = ((high >>> 11) * 2 ** 32 + low) % (end + 1);
        [drawn[end], drawn[other]] = [drawn[other], drawn[end]];
    }
    return drawn;
}
