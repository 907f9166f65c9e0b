// The manifest of a round: read strictly, held against its own rules and against what a hostile issuer would try.
//
// What a newcomer would get wrong: the checks have their order, and each its own alarm, the same as in `ejf peer`. A
// manifest is acted on only as what `freeze` gives, and it is the pinned one only if its digest was printed.
import { compare, fromBase64url, isSame, sha256, toBase64url, want } from '../protocol/bytes.mjs';
import { Unfit, readSpki } from '../protocol/blind_rsa.mjs';
import { credentialMessage } from '../protocol/documents.mjs';
import { openCheckpoint, readVerifierKey } from '../protocol/note.mjs';
import { canonical, parse } from '../protocol/signed_json.mjs';
import { alarm, need, told } from './failure.mjs';
import { bytes, date, fit, integer, nullable, one, text, u32 } from './shape.mjs';

/** The size of every submission, in bytes. */
export const BODY_SIZE = 8192;

/** The fewest credentials that may open a subject's reviews: whoever could set this floor could set it to 1. */
const ISSUED_FLOOR = 6;
const CHALLENGE_DAYS_MIN = 7;
const SUBJECTS_MAX = 20_000;
const DAY = 86_400_000;

export const INSTRUMENT = {
    instrument_id: text,
    items: [{ code: text, min: integer, max: integer }],
    statements: [text],
    max_statements: u32,
};

const DAYS = ['issue_open', 'issue_close', 'submit_open', 'submit_close', 'seal_by', 'challenge_close'];

const MANIFEST = {
    v: one(1),
    cycle_ref: bytes(16),
    round: u32,
    generation: u32,
    prev_manifest_digest: nullable(bytes(32)),
    methodology_digest: bytes(32),
    utc_offset_minutes: integer,
    dates: Object.fromEntries(DAYS.map((day) => [day, date])),
    issued_min: u32,
    display_min: u32,
    decision_min: u32,
    body_size: one(BODY_SIZE),
    max_seq: u32,
    issuers: [{ issuer_id: text, name: { kk: text, ru: text, en: text }, doc_key: bytes(32) }],
    receipt_key: bytes(32),
    log: { origin: text, vkey: text },
    witnesses: [text],
    witness_quorum: one(0),
    client_hashes: [bytes(32)],
    instruments: [INSTRUMENT],
    subjects: [
        {
            subject_ref: bytes(16),
            instrument_id: text,
            panel_size: u32,
            keys: [{ issuer_id: text, purpose: one('marks'), key_id: bytes(32), spki: bytes() }],
        },
    ],
};

/** A day so many days later. */
const after = (day, count) => new Date(Date.parse(`${day}T00:00:00Z`) + count * DAY).toISOString().slice(0, 10);

const isCode = (name) => /^[A-Za-z0-9._-]{1,40}$/.test(name);

const areDistinct = (values) => new Set(values).size === values.length;

/** Refuses a manifest that contradicts itself; what a hostile issuer would try is looked for in `firstAlarm`. */
function validate(manifest) {
    const { dates } = manifest;
    want(manifest.round >= 1, 'no round');
    want((manifest.generation === 0) === (manifest.prev_manifest_digest === null), 'no chain of generations');
    want(Math.abs(manifest.utc_offset_minutes) <= 840, 'no offset from UTC');
    want(manifest.display_min >= 1 && manifest.decision_min >= manifest.display_min, 'bounds that cross');
    want(manifest.max_seq >= 1 && manifest.max_seq <= 50, 'no number of versions');
    want(manifest.witnesses.length === 0, 'witnesses');
    want(dates.issue_open <= dates.issue_close, 'issuance ends before it begins');
    want(dates.submit_open >= after(dates.issue_close, 2), 'no day between issuance and submission');
    want(dates.submit_open <= dates.submit_close && dates.submit_close < dates.seal_by, 'days out of order');
    want(dates.challenge_close >= after(dates.seal_by, CHALLENGE_DAYS_MIN), 'too short a time for complaints');
    const ids = manifest.issuers.map((issuer) => issuer.issuer_id);
    want(ids.length >= 1 && ids.length <= 8 && areDistinct(ids), 'no list of issuers');
    want(ids.every((id) => isCode(id) && !/[.A-Z]/.test(id)), 'an issuer without a plain name');
    const forms = manifest.instruments.map((instrument) => instrument.instrument_id);
    want(forms.length > 0 && areDistinct(forms), 'no list of forms');
    manifest.instruments.forEach(validateInstrument);
    const { subjects } = manifest;
    want(subjects.length >= 1 && subjects.length <= SUBJECTS_MAX, 'no list of subjects');
    want(subjects.every((subject) => forms.includes(subject.instrument_id)), 'a subject without a form');
    const refs = subjects.map((subject) => fromBase64url(subject.subject_ref));
    want(refs.every((ref, at) => at === 0 || compare(refs[at - 1], ref) < 0), 'subjects out of order');
}

function validateInstrument({ instrument_id: id, items, statements, max_statements: max }) {
    const codes = items.map((item) => item.code);
    // Without items it is the form of a developmental methodology, which asks for statements alone.
    want(codes.length >= 1 || (statements.length >= 1 && max >= 1), 'a form that asks nothing');
    want(codes.length <= 60 && areDistinct(codes), 'no list of items');
    want(statements.length <= 60 && areDistinct(statements), 'no list of statements');
    want([id, ...codes, ...statements].every(isCode), 'a name that is no code');
    want(items.every((item) => item.min <= item.max), 'an item without marks');
}

/** The code of the first thing that a hostile issuer would try, and the keys of the manifest by their ids. */
async function examine(manifest) {
    const keys = new Map();
    const floor = manifest.round === 1 ? Math.max(ISSUED_FLOOR, manifest.decision_min) : ISSUED_FLOOR;
    for (const subject of manifest.subjects) {
        const owners = subject.keys.map((key) => key.issuer_id);
        const isComplete =
            owners.length === manifest.issuers.length &&
            manifest.issuers.every((issuer) => owners.filter((id) => id === issuer.issuer_id).length === 1);
        need(isComplete, alarm('key_count'));
        const { issued_min: least } = manifest;
        need(least >= floor && least <= subject.panel_size, alarm('issued_min'));
        for (const { key_id: id, spki } of subject.keys) {
            need(!keys.has(id), alarm('duplicate_key'));
            const der = fromBase64url(spki);
            need(toBase64url(await sha256(der)) === id, alarm('key_id_mismatch'));
            keys.set(id, readKey(der));
        }
    }
    return keys;
}

function readKey(der) {
    try {
        return readSpki(der);
    } catch (error) {
        throw alarm(error instanceof Unfit ? 'weak_key' : 'unreadable_key');
    }
}

/**
 * A manifest that passed every check inside it, from its bytes: the text, its digest, and its keys ready for use.
 *
 * Alarms in the order of the checks; `other_round` unless it is the manifest of the round asked for.
 */
export async function freeze(written, cycleRef, round) {
    const manifest = await told(alarm('manifest_unreadable'), () => {
        const value = fit(parse(written), MANIFEST);
        validate(value);
        return value;
    });
    const logKey = await told(alarm('manifest_unreadable'), () => readLogKey(manifest));
    const keys = await examine(manifest);
    need(manifest.cycle_ref === cycleRef && manifest.round === round, alarm('other_round'));
    // White space would change no digest, and could mark each reader's copy.
    need(isSame(canonical(manifest), written), alarm('manifest_unreadable'));
    return frozen(manifest, written, keys, logKey);
}

/** The same for a manifest that a card holds as a value. */
export const freezeAgain = (manifest) => freeze(canonical(manifest), manifest.cycle_ref, manifest.round);

async function frozen(manifest, written, keys, logKey) {
    const subjects = new Map(manifest.subjects.map((subject) => [subject.subject_ref, subject]));
    const forms = new Map(manifest.instruments.map((form) => [form.instrument_id, form]));
    const hash = await sha256(written);
    return { manifest, hash, digest: toBase64url(hash), subjects, forms, keys, logKey };
}

/** The box's log key under this round's name. */
async function readLogKey({ log, cycle_ref: cycleRef, round }) {
    const key = await readVerifierKey(log.vkey);
    const place = `/${cycleRef}/${round}`;
    want(key.name === log.origin && log.origin.endsWith(place) && log.origin !== place, 'the log is of another round');
    return { ...key, note: `${log.origin.slice(0, -place.length)}/manifest${place}` };
}

/** `note_invalid` unless the box signed this very manifest. */
export async function checkNote({ manifest, hash, logKey }, note) {
    const noted = await told(alarm('note_invalid'), () => openCheckpoint(note, { name: logKey.note, key: logKey.key }));
    need(noted.number === manifest.generation && isSame(noted.hash, hash), alarm('note_invalid'));
}

/** The form of a subject. */
export const formOf = ({ subjects, forms }, subjectRef) => forms.get(subjects.get(subjectRef)?.instrument_id);

/** The id of the key under which an issuer certifies reviewers of a subject. */
export const keyIdOf = ({ subjects }, subjectRef, issuerId) =>
    subjects.get(subjectRef)?.keys.find((key) => key.issuer_id === issuerId)?.key_id;

/** What the credential of a one-time key for a subject certifies. */
export const messageOf = ({ cycle_ref: cycleRef }, { subject_ref: subjectRef, epk }, keyId) =>
    credentialMessage(...[cycleRef, subjectRef, keyId, epk].map((name) => fromBase64url(name)));

/** The date at which a moment, in milliseconds, falls where the round takes place. */
export const dateAt = ({ manifest }, now) =>
    new Date(now + manifest.utc_offset_minutes * 60_000).toISOString().slice(0, 10);

/** `early`, `open` or `closed`, for `issue` or `submit` on a date. */
export function windowOf({ manifest: { dates } }, what, day) {
    if (day < dates[`${what}_open`]) {
        return 'early';
    }
    return day <= dates[`${what}_close`] ? 'open' : 'closed';
}

/** True if the texts of two values are the same, member for member. */
const isEqual = (left, right) => isSame(canonical(left), canonical(right));

const KEPT = ['cycle_ref', 'round', 'methodology_digest', 'issuers', 'receipt_key', 'log', 'issued_min', 'display_min',
    'decision_min', 'body_size', 'max_seq'];

/** True if `next` is the generation after `before` and keeps what reviewers were promised. */
export const succeeds = (next, before) =>
    next.manifest.generation === before.manifest.generation + 1 &&
    next.manifest.prev_manifest_digest === before.digest &&
    KEPT.every((name) => isEqual(next.manifest[name], before.manifest[name])) &&
    next.manifest.subjects.every(({ subject_ref: ref, panel_size: size }) =>
        (before.subjects.get(ref)?.panel_size ?? size) === size);

/** True if bytes signed under `before` stay good for a subject: same keys, same form. */
export function keepsSubject(next, before, subjectRef) {
    const [one, other] = [next, before].map(({ subjects }) => subjects.get(subjectRef));
    return Boolean(one && other) && isEqual(one.keys, other.keys) &&
        isEqual(formOf(next, subjectRef), formOf(before, subjectRef));
}

/** The subjects whose reviewers must collect anew, or that are new or gone. */
export const changedSubjects = (next, before) =>
    [...new Set([...next.subjects.keys(), ...before.subjects.keys()])].filter((ref) => !keepsSubject(next, before, ref));

/** What a generation moves besides: the code, what it was and what it is. */
export function moved(before, next) {
    const lines = ({ manifest }) => ({
        ...manifest.dates,
        utc_offset: String(manifest.utc_offset_minutes),
        client_hashes: manifest.client_hashes.join(' ') || '-',
    });
    const [old, now] = [lines(before), lines(next)];
    return Object.keys(old).filter((what) => old[what] !== now[what])
        .map((what) => ({ what, before: old[what], after: now[what] }));
}
