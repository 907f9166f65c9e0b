// An issuer's ledger: how many credentials it gave out for each subject, and whether the own one is among them.
//
// What a newcomer would get wrong: a ledger may be of an earlier generation. It opens the gate of a subject only if the
// subject still has the key that the ledger counted.
import { compare, fromBase64url, want } from '../protocol/bytes.mjs';
import { documentMessage } from '../protocol/documents.mjs';
import { verify } from '../protocol/ed25519.mjs';
import { parseCanonical } from '../protocol/signed_json.mjs';
import { alarm, need, refused, told } from './failure.mjs';
import { keyIdOf } from './manifest.mjs';
import { bytes, fit, one, text, u32 } from './shape.mjs';

const LEDGER = {
    v: one(1),
    cycle_ref: bytes(16),
    round: u32,
    generation: u32,
    issuer_id: text,
    manifest_digest: bytes(32),
    subjects: [{ subject_ref: bytes(16), key_id: bytes(32), entries: [bytes(32)] }],
    sig: bytes(64),
};

/** A ledger of this issuer under one of the generations; `ledger_invalid` if it is none, or contradicts the manifest. */
export const readLedger = (written, issuerId, generations) =>
    told(alarm('ledger_invalid'), async () => {
        // In its one writing, as the manifest is: another one would have another digest.
        const ledger = fit(parseCanonical(written), LEDGER);
        const frozen = generations.find(({ digest }) => digest === ledger.manifest_digest);
        want(frozen !== undefined && ledger.issuer_id === issuerId, 'a ledger of somebody else');
        const { manifest } = frozen;
        const { doc_key: key } = manifest.issuers.find((issuer) => issuer.issuer_id === issuerId);
        const message = documentMessage('LEDGER', ledger);
        want(await verify(fromBase64url(key), message, fromBase64url(ledger.sig)), 'the issuer did not sign');
        const names = ['cycle_ref', 'round', 'generation'];
        want(names.every((name) => ledger[name] === manifest[name]), 'a ledger of another round');
        want(ledger.subjects.length === manifest.subjects.length, 'other subjects than the manifest');
        ledger.subjects.forEach((listed, at) => checkSubject(listed, manifest.subjects[at], frozen, issuerId));
        return { ledger, subjects: new Map(ledger.subjects.map((listed) => [listed.subject_ref, listed])) };
    });

function checkSubject(listed, subject, frozen, issuerId) {
    const isIts =
        listed.subject_ref === subject.subject_ref &&
        listed.key_id === keyIdOf(frozen, subject.subject_ref, issuerId);
    want(isIts, 'another subject or key than in the manifest');
    const entries = listed.entries.map((entry) => fromBase64url(entry));
    want(entries.length <= subject.panel_size, 'more credentials than reviewers');
    want(entries.every((entry, at) => at === 0 || compare(entries[at - 1], entry) < 0), 'entries out of order');
}

/** `entry_missing` unless each ledger lists the credential that this card holds of its issuer. */
export function checkEntries({ ledgers }, subject) {
    for (const { issuer_id: id, entry } of subject.credentials) {
        const its = ledgers.find(({ ledger }) => ledger.issuer_id === id);
        need(its !== undefined, alarm('gate_closed'));
        need(its.subjects.get(subject.subject_ref)?.entries.includes(entry), alarm('entry_missing'));
    }
}

/** `gate_closed` unless every ledger counts, for the subject's key in force, from `issued_min` to `panel_size`. */
export function checkGate({ current, ledgers }, subjectRef) {
    const subject = current.subjects.get(subjectRef);
    need(subject !== undefined, refused('unknown_subject'));
    for (const { issuer_id: id } of current.manifest.issuers) {
        const listed = ledgers.find(({ ledger }) => ledger.issuer_id === id)?.subjects.get(subjectRef);
        const isCounted = listed !== undefined && listed.key_id === keyIdOf(current, subjectRef, id);
        const count = isCounted ? listed.entries.length : 0;
        need(count >= current.manifest.issued_min && count <= subject.panel_size, alarm('gate_closed'));
    }
}
