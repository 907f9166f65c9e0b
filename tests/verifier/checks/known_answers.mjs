// Every line of the protocol's encodings against the numbers that the other languages are held to.
import { compare, concat, fromBase64url, isSame, sha256, textOf, toBase64url, utf8 } from '../../../assets/booth/protocol/bytes.mjs';
import { readSpki, verify as certifies } from '../../../assets/booth/protocol/blind_rsa.mjs';
import * as documents from '../../../assets/booth/protocol/documents.mjs';
import { publicKey, sign, verify } from '../../../assets/booth/protocol/ed25519.mjs';
import { openCheckpoint, readVerifierKey, writeVerifierKey } from '../../../assets/booth/protocol/note.mjs';
import { canonical, parseCanonical } from '../../../assets/booth/protocol/signed_json.mjs';
import { leafHash, root } from '../../../assets/booth/protocol/tree.mjs';
import { equal, findsEveryAlteration } from './expect.mjs';
import { signCheckpoint } from './notes.mjs';

/** A part of the answers: their texts as bytes, and the four private keys. */
class Answers {
    constructor(answers) {
        this.texts = answers;
        this.round = answers.round;
    }

    raw(name) {
        return fromBase64url(this.texts[name]);
    }

    list(name) {
        return this.texts[name].map((text) => fromBase64url(text));
    }

    seed(name) {
        return fromBase64url(this.texts.seeds[name], 32);
    }

    equal(found, name) {
        equal(found instanceof Uint8Array ? toBase64url(found) : found, this.texts[name], name);
    }

    async signed(seed, message) {
        const signature = await sign(this.seed(seed), message);
        equal(await verify(await publicKey(this.seed(seed)), message, signature), true, `${seed} verifies`);
        return signature;
    }
}

/** A document with its signature, in its canonical writing. */
async function signedDocument(answers, seed, kind, document) {
    const message = documents.documentMessage(kind, document);
    const signed = { ...document, sig: toBase64url(await answers.signed(seed, message)) };
    equal(documents.documentMessage(kind, signed), message, 'no signature covers itself');
    return textOf(canonical(signed));
}

async function credential(answers) {
    const spki = answers.raw('spki');
    const key = readSpki(spki);
    answers.equal(await sha256(spki), 'key_id');
    answers.equal(await publicKey(answers.seed('esk')), 'epk');
    const parts = ['cycle_ref', 'subject_ref', 'key_id', 'epk'].map((name) => answers.raw(name));
    const msg = documents.credentialMessage(...parts);
    equal(msg.length, 108, 'size of msg');
    answers.equal(msg, 'msg');
    const input = concat(answers.raw('prefix'), msg);
    equal(input.length, 140, 'size of input_msg');
    answers.equal(input, 'input_msg');
    equal(await certifies(key, input, answers.raw('credential_sig')), true, 'credential_sig');
}

async function manifest(answers) {
    const { texts } = answers;
    const bytes = utf8(texts.manifest);
    const settled = parseCanonical(bytes);
    const digest = await sha256(bytes);
    answers.equal(digest, 'manifest_digest');
    answers.equal(documents.digestWords(digest), 'manifest_words');
    equal(settled.methodology_digest, toBase64url(await sha256(utf8(texts.methodology))), 'methodology_digest');
    equal([settled.cycle_ref, settled.round].join(), [texts.cycle_ref, texts.round].join(), 'the round');
    const [subject] = settled.subjects;
    const stated = [subject.subject_ref, subject.keys[0].key_id, subject.keys[0].spki].join();
    equal(stated, [texts.subject_ref, texts.key_id, texts.spki].join(), 'the subject');
    equal(settled.issuers[0].doc_key, toBase64url(await publicKey(answers.seed('doc_key'))), 'doc_key');
    equal(settled.receipt_key, toBase64url(await publicKey(answers.seed('receipt_key'))), 'receipt_key');

    const logKey = await publicKey(answers.seed('log_key'));
    const origin = `sjc.example/box/${texts.cycle_ref}/${texts.round}`;
    equal([settled.log.origin, settled.log.vkey].join(), [origin, texts.vkey].join(), 'the log');
    answers.equal(await writeVerifierKey(origin, logKey), 'vkey');
    const signer = `sjc.example/box/manifest/${texts.cycle_ref}/${texts.round}`;
    const noted = { origin: signer, number: settled.generation, hash: digest };
    answers.equal(await signCheckpoint(noted, answers.seed('log_key')), 'manifest_note');
    await openCheckpoint(utf8(texts.manifest_note), { name: signer, key: logKey });
}

async function ledger(answers) {
    const { texts } = answers;
    const [assignments, blinded] = [answers.list('assignment_ids'), answers.list('blinded_msgs')];
    const entries = [];
    for (const [at, assignment] of assignments.entries()) {
        entries.push(await documents.ledgerEntry(answers.raw('key_id'), assignment, blinded[at]));
        equal(toBase64url(entries[at]), texts.entries[at], `entry ${at}`);
    }
    equal([assignments.length, blinded.length, texts.entries.length].join(), '12,12,12', 'a panel of twelve');
    const sorted = entries.sort(compare).map(toBase64url);
    const written = await signedDocument(answers, 'doc_key', 'LEDGER', {
        v: 1, cycle_ref: texts.cycle_ref, round: answers.round, generation: 0, issuer_id: 'council',
        manifest_digest: texts.manifest_digest,
        subjects: [{ subject_ref: texts.subject_ref, key_id: texts.key_id, entries: sorted }],
    });
    answers.equal(written, 'ledger');
    equal(parseCanonical(utf8(written)).sig, texts.ledger_sig, 'ledger_sig');
}

async function review(answers) {
    const { texts } = answers;
    const bytes = utf8(texts.body);
    const body = parseCanonical(bytes);
    const stands = [body.cycle_ref, body.round, body.subject_ref, body.manifest_digest];
    equal(stands.join(), [texts.cycle_ref, texts.round, texts.subject_ref, texts.manifest_digest].join(), 'body');
    const signature = await answers.signed('esk', documents.reviewMessage(bytes));
    answers.equal(signature, 'sig_review');
    const leafData = await documents.leafData(answers.raw('cycle_ref'), bytes, signature, answers.raw('epk'));
    answers.equal(leafData, 'leaf_data');
    answers.equal(await leafHash(leafData), 'leaf');
    const given = { issuer_id: 'council', key_id: texts.key_id, prefix: texts.prefix, sig: texts.credential_sig };
    const envelope = { epk: texts.epk, body, sig: texts.sig_review, credentials: [given] };
    answers.equal(textOf(canonical(envelope)), 'envelope');
}

async function receiptAndSeal(answers) {
    const { texts } = answers;
    const leaf = answers.raw('leaf');
    const promise = documents.receiptMessage(answers.raw('cycle_ref'), answers.round, leaf);
    answers.equal(await answers.signed('receipt_key', promise), 'rsig');

    const key = await readVerifierKey(texts.vkey);
    const sealed = { origin: key.name, number: 1, hash: await root([leaf]) };
    answers.equal(await signCheckpoint(sealed, answers.seed('log_key')), 'checkpoint');
    equal(isSame((await openCheckpoint(utf8(texts.checkpoint), key)).hash, leaf), true, 'root of one leaf');

    const { cycle_ref, manifest_digest } = texts;
    const order = { v: 1, cycle_ref, round: answers.round, manifest_digest, act: 'seal' };
    answers.equal(await signedDocument(answers, 'doc_key', 'SEAL', order), 'seal_order');
    const written = async (seed) => toBase64url(await publicKey(answers.seed(seed)));
    const keys = { log_key: await written('log_key'), receipt_key: await written('receipt_key') };
    const box = { v: 1, log_name: 'sjc.example/box', ...keys };
    answers.equal(await signedDocument(answers, 'log_key', 'BOX', box), 'box_keys');
}

/** What ends the reviews of a round: the order, and the box's note that they are gone. */
async function deletion(answers) {
    const { texts } = answers;
    const digest = async (text) => toBase64url(await sha256(utf8(text)));
    const { cycle_ref, manifest_digest } = texts;
    const order = {
        v: 1, cycle_ref, round: answers.round, manifest_digest, ordered_on: '2027-07-01',
        checkpoint_digest: await digest(texts.checkpoint),
        files: { 'envelopes.ndjson': await digest('reviews'), 'superseded.ndjson': await digest('versions') },
    };
    answers.equal(await signedDocument(answers, 'doc_key', 'DELETE', order), 'deletion_order');

    const origin = `sjc.example/box/deleted/${cycle_ref}/${answers.round}`;
    const gone = { origin, number: 1, hash: await root([answers.raw('leaf')]) };
    answers.equal(await signCheckpoint(gone, answers.seed('log_key')), 'deleted_note');
}

const PARTS = { credential, manifest, ledger, review, receiptAndSeal, deletion };

async function everyLineIsAsKnown(files) {
    for (const part of Object.values(PARTS)) {
        await part(new Answers(files.answers));
    }
}

/** All parts together are held against each altered copy: an answer that no part looks at would be found here. */
async function everyAlterationIsFound(files) {
    const copies = await findsEveryAlteration(files.answers, (answers) => everyLineIsAsKnown({ answers }));
    equal(copies > 60, true, 'answers that were altered');
}

export const checks = {
    'known answers: every line of the encodings': everyLineIsAsKnown,
    'known answers: every alteration of them is found': everyAlterationIsFound,
};
