// The reviewer's card: keys, credentials and signed reviews of one round, in the file that `ejf peer` reads and writes.
//
// What a newcomer would get wrong: the card joins a person with the reviews, so it exists once, with the reviewer, and
// nothing of it but an envelope is ever sent. The member `entry` above all stays here: it is the issuer's name for the
// request, and a box that saw it could ask the registry who made it.
import { fromBase64url, isSame, toBase64url, utf8, want } from '../protocol/bytes.mjs';
import { publicKey } from '../protocol/ed25519.mjs';
import { cardFault, need, told } from './failure.mjs';
import { INSTRUMENT } from './manifest.mjs';
import { bytes, date, fit, integer, nullable, one, text, u32 } from './shape.mjs';

const CIPHER = 'aes-256-gcm';
const IV_SIZE = 12;
const ITERATIONS = 600_000;
/** Above this cost a file is refused, as it would hang the reader; below ours it would be cheap to guess. */
const ITERATIONS_MAX = 10_000_000;

/** An own passphrase has at least this length, and so many different characters; the program judges more finely. */
const OWN_LENGTH_MIN = 20;
const OWN_DISTINCT_MIN = 8;
/** Letters and digits that nobody mistakes for one another, 5 bits each. */
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';

const RECEIPT = { v: one(1), cycle_ref: bytes(16), round: u32, leaf: bytes(32), rsig: bytes(64) };

const marks = (value) => Object.values(value).forEach(nullable(integer));

const BODY = {
    v: one(1),
    cycle_ref: bytes(16),
    round: u32,
    subject_ref: bytes(16),
    manifest_digest: bytes(32),
    seq: u32,
    prev: [bytes(32)],
    nonce: bytes(32),
    purpose: text,
    marks,
    statements: [text],
};

const ENVELOPE = {
    epk: bytes(32),
    credentials: [{ issuer_id: text, key_id: bytes(32), prefix: bytes(32), sig: bytes(384) }],
    body: BODY,
    sig: bytes(64),
};

const SUBJECT = {
    assignment_id: text,
    subject_ref: bytes(16),
    subject_name: text,
    instrument: INSTRUMENT,
    esk: bytes(32),
    epk: bytes(32),
    pending: [
        {
            issuer_id: text,
            key_id: bytes(32),
            blinding: { prefix: bytes(32), blinded_msg: bytes(384), inv: bytes(384) },
        },
    ],
    credentials: [{ issuer_id: text, key_id: bytes(32), prefix: bytes(32), sig: bytes(384), entry: bytes(32) }],
    versions: [{ review: ENVELOPE, receipt: nullable((value) => fit(value, RECEIPT)) }],
    draft: nullable((value) => fit(value, { subject_ref: bytes(16), marks, statements: [text] })),
    send_at: nullable(text),
};

const CARD = {
    v: one(1),
    manifest_digest: bytes(32),
    cycle_ref: bytes(16),
    round: u32,
    manifests: [(value) => want(value !== null && typeof value === 'object', 'no manifest')],
    methodology: nullable((value) => want(typeof value === 'object', 'no methodology')),
    collected_on: nullable(date),
    ledgers: [{ issuer_id: text, generation: u32, digest: bytes(32) }],
    checked_root: nullable(bytes(32)),
    credentials: [SUBJECT],
};

const SEALED = {
    v: one(1),
    kdf: { name: one('pbkdf2-sha512'), iterations: u32, salt: bytes(16) },
    cipher: one(CIPHER),
    iv: bytes(IV_SIZE),
    ciphertext: bytes(),
};

const random = (size) => crypto.getRandomValues(new Uint8Array(size));

/** An empty card bound to a pinned manifest. */
export const newCard = ({ manifest, digest }) => ({
    v: 1,
    manifest_digest: digest,
    cycle_ref: manifest.cycle_ref,
    round: manifest.round,
    manifests: [manifest],
    methodology: null,
    collected_on: null,
    ledgers: [],
    checked_root: null,
    credentials: [],
});

/** A new one-time key for an assignment, with nothing asked yet. */
export async function newSubject(assignment, name, instrument) {
    const seed = random(32);
    return {
        assignment_id: assignment.id,
        subject_ref: assignment.subject_ref,
        subject_name: name,
        instrument,
        esk: toBase64url(seed),
        epk: toBase64url(await publicKey(seed)),
        pending: [],
        credentials: [],
        versions: [],
        draft: null,
        send_at: null,
    };
}

/** True once a review can be signed. */
export const isReady = (subject) => subject.pending.length === 0 && subject.credentials.length > 0;

/** True if a review was signed whose receipt has not come: its bytes go out again. */
export const isUnreceipted = (subject) => subject.versions.length > 0 && subject.versions.at(-1).receipt === null;

/** True if there is something to send. */
export const isWaiting = (subject) => isReady(subject) && (subject.draft !== null || isUnreceipted(subject));

/** A passphrase of 80 random bits that can be read out and typed. */
export const suggestPassphrase = () =>
    Array.from(random(16), (byte) => LETTERS[byte & 31]).join('').match(/.{4}/g).join('-');

/** True if a passphrase may close a new card: a suggested one, or a long one of the reviewer's. */
export function isStrong(passphrase) {
    const characters = [...passphrase.normalize('NFC')];
    return characters.length >= OWN_LENGTH_MIN - 1 && new Set(characters).size >= OWN_DISTINCT_MIN;
}

/** What opens and closes a new card's file: a key made of the passphrase, which costs half a second. */
export async function newLock(passphrase) {
    need(isStrong(passphrase), cardFault('weak_passphrase'));
    const kdf = { name: 'pbkdf2-sha512', iterations: ITERATIONS, salt: toBase64url(random(16)) };
    return { kdf, key: await derive(kdf, passphrase) };
}

/** The card of a file, and its lock; `unreadable` or `wrong_passphrase`. */
export async function openCard(file, passphrase) {
    const sealed = await told(cardFault('unreadable'), () => readSealed(file));
    const key = await derive(sealed.kdf, passphrase);
    const [iv, ciphertext] = [fromBase64url(sealed.iv), fromBase64url(sealed.ciphertext)];
    let opened;
    try {
        opened = new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, ciphertext));
    } catch {
        // A wrong passphrase and a changed file look alike, and have to.
        throw cardFault('wrong_passphrase');
    }
    const card = await told(cardFault('unreadable'), () => readCard(opened));
    opened.fill(0);
    return { card, lock: { kdf: sealed.kdf, key } };
}

/** The text of a card's file, under a fresh initialisation vector. */
export async function closeCard(card, { kdf, key }) {
    const [iv, opened] = [random(IV_SIZE), utf8(JSON.stringify(written(card)))];
    const ciphertext = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, opened));
    opened.fill(0);
    return JSON.stringify({
        v: 1,
        kdf,
        cipher: CIPHER,
        iv: toBase64url(iv),
        ciphertext: toBase64url(ciphertext),
    });
}

async function derive({ iterations, salt }, passphrase) {
    const material = await crypto.subtle.importKey('raw', utf8(passphrase), 'PBKDF2', false, ['deriveKey']);
    const kdf = { name: 'PBKDF2', hash: 'SHA-512', iterations, salt: fromBase64url(salt) };
    return crypto.subtle.deriveKey(kdf, material, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

/** JSON of any kind; refused if it is none. */
function parseJson(bytes_) {
    try {
        return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes_));
    } catch {
        return want(false, 'no JSON');
    }
}

function readSealed(file) {
    const sealed = fit(parseJson(file), SEALED);
    const { iterations } = sealed.kdf;
    want(iterations >= ITERATIONS && iterations <= ITERATIONS_MAX, 'a passphrase too cheap or too costly to try');
    return sealed;
}

/** A card as it lies in the file: what the program leaves out where it is empty is filled in. */
function readCard(opened) {
    const card = parseJson(opened);
    want(card !== null && typeof card === 'object' && Array.isArray(card.credentials), 'no card');
    const whole = {
        methodology: null,
        collected_on: null,
        ledgers: [],
        checked_root: null,
        ...card,
        credentials: card.credentials.map((subject) => ({ pending: [], draft: null, send_at: null, ...subject })),
    };
    fit(whole, CARD);
    for (const subject of whole.credentials) {
        subject.versions.forEach(({ review }) => want(review.epk === subject.epk, 'a review of another key'));
    }
    return whole;
}

/** The card without what the program leaves out where it is empty. */
function written(card) {
    const lean = ({ pending, ...subject }) => (pending.length > 0 ? { ...subject, pending } : subject);
    return { ...card, credentials: card.credentials.map(lean) };
}
