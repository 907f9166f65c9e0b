// The acts that a reviewer is given to read: fetched with the credentials, and checked against the list that everybody is
// shown.
//
// What a newcomer would get wrong: fetching an act when it is read. A request for one subject on the day before a review
// tells whose review it is; so all packs come at once, while the reviewer is logged in anyway, and go into files.
import { fromBase64url, isSame, sha256, toBase64url, u32, want } from '../protocol/bytes.mjs';
import { documentMessage } from '../protocol/documents.mjs';
import { verify } from '../protocol/ed25519.mjs';
import { parseCanonical } from '../protocol/signed_json.mjs';
import { isReady } from './card.mjs';
import { alarm, need, told } from './failure.mjs';
import { get } from './line.mjs';
import { find, roundPath } from './pinned.mjs';
import { bytes, fit, integer, one, text } from './shape.mjs';

/** The name of the subject and the length of the pack. */
const HEAD_SIZE = 20;

const LIST = {
    v: one(1),
    cycle_ref: bytes(16),
    round: integer,
    frame: integer,
    packs: [{ subject_ref: bytes(16), digest: bytes(32), size: integer }],
    sig: bytes(64),
};

const PACK = { v: one(1), acts: [{ category: text, language: text, media_type: text, content: bytes() }] };

/** How the name of a file ends, by its type. */
const ENDINGS = new Map([['text/plain', 'txt'], ['application/pdf', 'pdf']]);

/**
 * The acts of all subjects for whom the card can sign, by subject.
 *
 * `pack_differs` where the list is not the same at both listeners and signed by the manifest's issuer, a pack is not the
 * listed one, or a subject has none: the acts may have been chosen for this reviewer alone.
 */
export async function fetchPacks({ registry, box }, token, { card, frozen, cycleId }) {
    const { manifest } = frozen;
    const path = `${roundPath(manifest.cycle_ref, manifest.round)}/packs`;
    const copies = [await find(box, path), await find(registry, path)];
    need(!copies.includes(null), alarm('pack_differs'));
    need(isSame(...copies), alarm('split_view'));
    return told(alarm('pack_differs'), async () => {
        const list = await readList(copies[0], manifest);
        const packs = await opened(list, await get(registry, `/v1/me/reading-packs/${cycleId}`, token));
        const ready = card.credentials.filter(isReady).map((held) => held.subject_ref);
        want(ready.every((ref) => packs.has(ref)), 'no acts of a subject');
        return ready.map((subjectRef) => ({ subjectRef, acts: packs.get(subjectRef) }));
    });
}

async function readList(written, manifest) {
    const list = fit(parseCanonical(written), LIST);
    const [{ doc_key: key }] = manifest.issuers;
    const message = documentMessage('PACKS', list);
    want(await verify(fromBase64url(key), message, fromBase64url(list.sig)), 'the issuer did not sign');
    want(list.cycle_ref === manifest.cycle_ref && list.round === manifest.round, 'a list of another round');
    const subjects = manifest.subjects.map((subject) => subject.subject_ref);
    want(list.packs.length === subjects.length, 'other subjects than the manifest');
    want(list.packs.every((pack, at) => pack.subject_ref === subjects[at]), 'other subjects than the manifest');
    want(list.packs.every((pack) => pack.size >= 0 && pack.size + HEAD_SIZE <= list.frame), 'a pack beyond its frame');
    return list;
}

/** The packs of an answer, each of which is on the list with its digest, and nothing besides. */
async function opened({ frame, packs }, answer) {
    want(frame > HEAD_SIZE && answer.length % frame === 0, 'no whole frames');
    const found = new Map();
    for (let at = 0; at < answer.length; at += frame) {
        const framed = answer.subarray(at, at + frame);
        const ref = toBase64url(framed.subarray(0, 16));
        const listed = packs.find((pack) => pack.subject_ref === ref);
        want(listed !== undefined && !found.has(ref), 'a pack that is not listed, or twice');
        const end = HEAD_SIZE + listed.size;
        want(isSame(framed.subarray(16, HEAD_SIZE), u32(listed.size)), 'a pack of another length');
        want(framed.subarray(end).every((byte) => byte === 0), 'something behind a pack');
        const pack = framed.subarray(HEAD_SIZE, end);
        want(toBase64url(await sha256(pack)) === listed.digest, 'a pack that is not the listed one');
        found.set(ref, fit(parseCanonical(pack), PACK).acts.map(actOf));
    }
    return found;
}

/** An act as a file is made of it; what comes into the file's name is known beforehand. */
function actOf({ category, language, media_type: type, content }) {
    want(/^[a-z][a-z0-9_]{0,39}$/.test(category), 'a category that is no code');
    want(['kk', 'ru'].includes(language) && ENDINGS.has(type), 'a language or type that is none');
    return { category, language, type, ending: ENDINGS.get(type), content: fromBase64url(content) };
}
