// Phase 1, logged in: all credentials of a round at once, each under the pinned key.
//
// What a newcomer would get wrong: asking for one credential only, or asking again under another key. Whoever asks for
// one subject shows interest in it; so a request covers every assignment not yet issued, lies in the saved card before
// it is sent, and is repeated only in the same bytes. What does not verify is thrown away for good.
import { concat, fromBase64url, fromNumber, sha256, toBase64url, toNumber } from '../protocol/bytes.mjs';
import { SALT_SIZE, blind, drawFactor, finalize } from '../protocol/blind_rsa.mjs';
import { ledgerEntry } from '../protocol/documents.mjs';
import { canonical } from '../protocol/signed_json.mjs';
import { isReady, newCard, newSubject } from './card.mjs';
import { Failure, alarm, idle, need, refused, told } from './failure.mjs';
import { accept } from './generation.mjs';
import { getJson, post, unexpected } from './line.mjs';
import { dateAt, formOf, keyIdOf, messageOf, windowOf } from './manifest.mjs';
import { checkWords, fetchManifest } from './pinned.mjs';

/** The most pages of assignments that are read; a judge has a few dozen assignments. */
const PAGES_MAX = 50;

/** Members within one another in a methodology, as its digest is made. */
const METHODOLOGY_DEPTH_MAX = 12;

const PREFIX_SIZE = 32;

/** What names the reviewer to the registry, for a login and a password; it goes with single requests. */
export async function logIn({ registry }, login, password) {
    const { access_token: token } = await post(registry, '/v1/sessions', JSON.stringify({ login, password }), 201);
    need(typeof token === 'string' && token !== '', unexpected(registry, 201));
    return { Authorization: `Bearer ${token}` };
}

/** The reviewer's assignments as the registry has them. */
async function fetchAssignments({ registry }, token) {
    const assignments = [];
    let path = '/v1/me/assignments';
    for (let page = 0; page < PAGES_MAX; page += 1) {
        const { items, next_cursor: cursor } = await getJson(registry, path, token);
        need(Array.isArray(items), unexpected(registry, 200));
        assignments.push(...items);
        if (!cursor) {
            break;
        }
        path = `/v1/me/assignments?cursor=${encodeURIComponent(cursor)}`;
    }
    return assignments;
}

/** The subject's name, in both languages where they differ. */
export const nameOf = ({ subject: { full_name_kk: kk, full_name_ru: ru } }) => (kk === ru ? kk : `${kk} / ${ru}`);

/** The manifest with the printed digest, among the rounds that the reviewer is assigned in. */
async function pin(places, assignments, words, card) {
    const rounds = new Map();
    for (const { cycle_ref: cycleRef, round } of assignments) {
        if (cycleRef && round && (!card || (cycleRef === card.cycle_ref && round === card.round))) {
            rounds.set(`${cycleRef}/${round}`, [cycleRef, round]);
        }
    }
    need(rounds.size > 0, idle('no_assignments'));
    // A round that cannot be fetched keeps nobody from another; it is told of where none has the printed digest.
    let first;
    for (const [cycleRef, round] of rounds.values()) {
        try {
            const frozen = await fetchManifest(places, cycleRef, round);
            checkWords(frozen, words);
            return frozen;
        } catch (failure) {
            if (!(failure instanceof Failure)) {
                throw failure;
            }
            first = failure.code === 'digest_differs' ? first : (first ?? failure);
        }
    }
    throw first ?? alarm('digest_differs');
}

/** An assignment of the manifest's round. */
function here({ manifest }, assignments) {
    const found = assignments.find((one) => one.cycle_ref === manifest.cycle_ref && one.round === manifest.round);
    need(found !== undefined, idle('no_assignments'));
    return found;
}

/** The words of the forms, whose digest stands in the manifest: nobody is shown a form of their own. */
async function fetchMethodology({ registry }, token, frozen, assignments) {
    const { manifest } = frozen;
    const { cycle_id: cycleId } = here(frozen, assignments);
    const { methodology_id: id } = await getJson(registry, `/v1/cycles/${cycleId}`, token);
    const { document } = await getJson(registry, `/v1/methodologies/${id}`, token);
    const differs = alarm('methodology_differs');
    const digest = await told(differs, () => sha256(canonical(document, METHODOLOGY_DEPTH_MAX)));
    need(toBase64url(digest) === manifest.methodology_digest, differs);
    return document;
}

/**
 * Everything up to the request: what is to be asked for lies in the card that is given back, which has to be saved
 * before `ask` is called. `body` is null where there is nothing to ask for.
 */
export async function prepare(places, token, words, before, now) {
    const assignments = await fetchAssignments(places, token);
    const frozen = await pin(places, assignments, words, before);
    const methodology = before?.methodology ?? (await fetchMethodology(places, token, frozen, assignments));
    const card = before ?? newCard(frozen);
    const change = before ? await accept(card, frozen, now) : null;
    const window = windowOf(frozen, 'issue', dateAt(frozen, now));
    need(window !== 'early', refused('too_early'));
    need(window !== 'closed', refused('window_closed'));
    const recused = assignments.filter((one) => one.state === 'recused').map((one) => one.id);
    const assigned = ofRound(frozen, assignments);
    // Who has recused was issued nothing, and a request that names the assignment would be refused as a whole.
    card.credentials = card.credentials.filter((held) =>
        held.pending.length === 0 || !recused.includes(held.assignment_id));
    const isLost = await addRequests(card, frozen, assigned);
    const asked = card.credentials.filter((held) => held.pending.length > 0);
    if (asked.length === 0) {
        need(card.credentials.some(isReady), idle(isLost ? 'collected_elsewhere' : 'no_assignments'));
    }
    Object.assign(card, { methodology, collected_on: dateAt(frozen, now) });
    const { cycle_id: cycleId } = here(frozen, assignments);
    return { card, frozen, cycleId, change, freshCount: asked.length, body: asked.length > 0 ? requestOf(card) : null };
}

/** The assignments of the manifest's round in which the reviewer takes part; one name stands for one subject. */
function ofRound(frozen, assignments) {
    const { manifest, subjects } = frozen;
    const [refs, names] = [new Set(), new Set()];
    const assigned = assignments.filter((one) => one.cycle_ref === manifest.cycle_ref &&
        one.round === manifest.round && ['drawn', 'issued'].includes(one.state));
    for (const one of assigned) {
        const isSingle = !refs.has(one.subject_ref) && !names.has(nameOf(one));
        need(isSingle && subjects.has(one.subject_ref), alarm('assignment_strange'));
        refs.add(one.subject_ref);
        names.add(nameOf(one));
    }
    return assigned;
}

/** Adds a blinded request of each issuer for every assignment not in the card; true if some were issued elsewhere. */
async function addRequests(card, frozen, assigned) {
    let isLost = false;
    for (const assignment of assigned) {
        const { subject_ref: ref } = assignment;
        const known = card.credentials.find((held) => held.subject_ref === ref);
        if (known) {
            const isSame = known.assignment_id === assignment.id && known.subject_name === nameOf(assignment);
            need(isSame, alarm('assignment_strange'));
        } else if (assignment.state === 'issued') {
            isLost = true;
        } else {
            const held = await newSubject(assignment, nameOf(assignment), formOf(frozen, ref));
            for (const { issuer_id: issuerId } of frozen.manifest.issuers) {
                held.pending.push(await blinded(frozen, held, issuerId));
            }
            card.credentials.push(held);
        }
    }
    return isLost;
}

async function blinded(frozen, held, issuerId) {
    const keyId = keyIdOf(frozen, held.subject_ref, issuerId);
    const key = frozen.keys.get(keyId);
    const prefix = crypto.getRandomValues(new Uint8Array(PREFIX_SIZE));
    const salt = crypto.getRandomValues(new Uint8Array(SALT_SIZE));
    const input = concat(prefix, messageOf(frozen.manifest, held, keyId));
    const { blindedMsg, inverse } = await told(alarm('weak_key'), () => blind(key, input, salt, drawFactor(key)));
    return {
        issuer_id: issuerId,
        key_id: keyId,
        blinding: {
            prefix: toBase64url(prefix),
            blinded_msg: toBase64url(blindedMsg),
            inv: toBase64url(fromNumber(inverse, key.size)),
        },
    };
}

function requestOf(card) {
    const requests = card.credentials.flatMap(({ assignment_id: assignmentId, pending }) =>
        pending.map(({ issuer_id: issuerId, key_id: keyId, blinding }) => ({
            assignment_id: assignmentId,
            issuer_id: issuerId,
            key_id: keyId,
            blinded_msg: blinding.blinded_msg,
        })));
    return JSON.stringify({ manifest_digest: card.manifest_digest, requests });
}

/**
 * Sends the request of a saved card and makes credentials of the answer.
 *
 * Whatever was pending is emptied, and what fails has no second chance; but an answer to something else leaves the
 * requests, so that the same bytes go out again. The failure to tell, if any: the card has to be saved in either case.
 */
export async function ask({ registry }, token, { card, frozen, body }) {
    const { results } = await post(registry, '/v1/me/credentials', body, 200, token);
    need(Array.isArray(results), unexpected(registry, 200));
    const nameOfResult = ({ assignment_id: assignmentId, issuer_id: issuerId }) => `${assignmentId} ${issuerId}`;
    const answers = new Map(results.map((result) => [nameOfResult(result), result.blind_sig]));
    const waiting = card.credentials.filter((held) => held.pending.length > 0);
    const asked = waiting.flatMap((held) =>
        held.pending.map((one) => `${held.assignment_id} ${one.issuer_id}`));
    const isWhole = results.length === asked.length && asked.every((name) => answers.has(name));
    need(isWhole, alarm('answer_incomplete'));
    let failure = null;
    for (const held of waiting) {
        const made = [];
        for (const pending of held.pending) {
            made.push(await credentialOf(frozen, held, pending, answers.get(`${held.assignment_id} ${pending.issuer_id}`)));
        }
        // The inverses go with the requests.
        held.pending = [];
        if (made.includes(null)) {
            failure = alarm('credential_invalid');
        } else {
            held.credentials = made;
        }
    }
    return failure;
}

/** A credential verified under the pinned key; null if the issuer signed under any other. */
async function credentialOf(frozen, held, { issuer_id: issuerId, key_id: keyId, blinding }, blindSig) {
    const prefix = fromBase64url(blinding.prefix);
    const input = concat(prefix, messageOf(frozen.manifest, held, keyId));
    const inverse = toNumber(fromBase64url(blinding.inv));
    try {
        const sig = await told(alarm('credential_invalid'), () =>
            finalize(frozen.keys.get(keyId), input, fromBase64url(blindSig), inverse));
        const assignment = fromUuid(held.assignment_id);
        const entry = await ledgerEntry(fromBase64url(keyId), assignment, fromBase64url(blinding.blinded_msg));
        return {
            issuer_id: issuerId,
            key_id: keyId,
            prefix: blinding.prefix,
            sig: toBase64url(sig),
            entry: toBase64url(entry),
        };
    } catch (failure) {
        if (failure instanceof Failure) {
            return null;
        }
        throw failure;
    }
}

/** The 16 bytes of a UUID. */
const fromUuid = (name) =>
    Uint8Array.from(name.replaceAll('-', '').match(/../g), (digits) => Number.parseInt(digits, 16));
