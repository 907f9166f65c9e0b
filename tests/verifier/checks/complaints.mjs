// The proof against a box: a lost review is proved, and nothing else is.
import { compare, concat, fromBase64url, sha256, textOf, toBase64url, utf8 } from '../protocol/bytes.mjs';
import { receiptMessage } from '../protocol/documents.mjs';
import { sign } from '../protocol/ed25519.mjs';
import { openRound, prove, proveAll } from '../protocol/proof.mjs';
import { parse } from '../protocol/signed_json.mjs';
import { readLeaves, root } from '../protocol/tree.mjs';
import { equal, flipped, refuses } from './expect.mjs';
import { signCheckpoint } from './notes.mjs';

/** A round that was sealed over five other leaves than the one that the known answers' receipt promises. */
async function cheated({ answers }) {
    const leaves = [];
    for (let at = 0; at < 5; at += 1) {
        leaves.push(await sha256(utf8(`leaf ${at}`)));
    }
    return {
        manifest: utf8(answers.manifest),
        note: utf8(answers.manifest_note),
        checkpoint: await checkpointOver(answers, leaves.sort(compare)),
        leaves: concat(...leaves),
        receipt: utf8(JSON.stringify(receiptOf(answers))),
    };
}

const receiptOf = ({ cycle_ref, round, leaf, rsig }) => ({ v: 1, cycle_ref, round, leaf, rsig });

async function checkpointOver(answers, leaves, seed = answers.seeds.log_key) {
    const origin = JSON.parse(answers.manifest).log.origin;
    const checkpoint = { origin, number: leaves.length, hash: await root(leaves) };
    return utf8(await signCheckpoint(checkpoint, fromBase64url(seed, 32)));
}

async function judge({ receipt, ...documents }) {
    await prove(await openRound(documents), receipt);
}

async function aLostReviewIsProved(files) {
    const round = await cheated(files);
    await judge(round);
    equal((await openRound(round)).words, files.answers.manifest_words, 'the words to compare with the order');
    const list = concat(round.receipt, utf8('\n'));
    equal(await proveAll(await openRound(round), list), 1, 'a published list of one');
    equal(await proveAll(await openRound(round), new Uint8Array()), 0, 'an empty list');
    await refuses('a list whose second line proves nothing', async () =>
        proveAll(await openRound(round), concat(list, utf8('{}\n'))));
}

async function aSealedReviewProvesNothing(files) {
    const { answers } = files;
    const round = await cheated(files);
    // As it was sealed in the known answers: one leaf, which is the root.
    const sealed = { checkpoint: utf8(answers.checkpoint), leaves: fromBase64url(answers.leaf, 32) };
    await refuses('a leaf that is the whole list', () => judge({ ...round, ...sealed }));
    const leaves = [...readLeaves(round.leaves), sealed.leaves].sort(compare);
    const among = { checkpoint: await checkpointOver(answers, leaves), leaves: concat(...leaves) };
    await refuses('a leaf among others', () => judge({ ...round, ...among }));
}

/** One bit of every byte of every document, and every bit of what the receipt signs. */
async function everyFlippedBitIsRefused(files) {
    const round = await cheated(files);
    for (const [name, bytes] of Object.entries(round)) {
        for (let place = 0; place < bytes.length; place += 1) {
            const touched = { ...round, [name]: flipped(bytes, place, place % 8) };
            await refuses(`byte ${place} of ${name}`, () => judge(touched));
        }
    }
    const opened = await openRound(round);
    const { leaf, rsig, cycle_ref: cycle } = receiptOf(files.answers);
    for (const [name, text] of Object.entries({ leaf, rsig, cycle_ref: cycle })) {
        const bytes = fromBase64url(text);
        for (let place = 0; place < 8 * bytes.length; place += 1) {
            const touched = { ...receiptOf(files.answers), [name]: toBase64url(flipped(bytes, place >> 3, place & 7)) };
            await refuses(`bit ${place} of ${name}`, () => prove(opened, utf8(JSON.stringify(touched))));
        }
    }
}

async function whatTheBoxNeverSaidIsRefused(files) {
    const { answers } = files;
    const round = await cheated(files);
    const { log_key: logKey, doc_key: docKey, receipt_key: receiptKey } = answers.seeds;
    const leaves = readLeaves(round.leaves);
    await refuses('a checkpoint under another key', async () =>
        judge({ ...round, checkpoint: await checkpointOver(answers, leaves, docKey) }));
    await refuses('leaves that do not give the root', () => judge({ ...round, leaves: concat(...leaves.slice(1)) }));
    await refuses('the root of all and the number of fewer', async () => {
        const origin = JSON.parse(answers.manifest).log.origin;
        const wrong = { origin, number: 4, hash: await root(leaves) };
        return judge({ ...round, checkpoint: utf8(await signCheckpoint(wrong, fromBase64url(logKey, 32))) });
    });
    await refuses('leaves out of their order under a checkpoint of their own', async () => {
        const turned = [...leaves].reverse();
        return judge({ ...round, checkpoint: await checkpointOver(answers, turned), leaves: concat(...turned) });
    });
    await refuses('the note in place of the checkpoint', () => judge({ ...round, checkpoint: round.note }));
    await refuses('the checkpoint in place of the note', () => judge({ ...round, note: round.checkpoint }));
    await refuses('a space behind the manifest', () =>
        judge({ ...round, manifest: concat(round.manifest, utf8(' ')) }));

    const receipt = (change) => utf8(JSON.stringify({ ...receiptOf(answers), ...change }));
    const cycle = fromBase64url(answers.cycle_ref, 16);
    const promised = async (seed, number) =>
        toBase64url(await sign(fromBase64url(seed, 32), receiptMessage(cycle, number, fromBase64url(answers.leaf))));
    const wrong = {
        'another version': receipt({ v: 2 }),
        'another round, with its own signature': receipt({ round: 2, rsig: await promised(receiptKey, 2) }),
        'a receipt that another key of the box signed': receipt({ rsig: await promised(logKey, 1) }),
        'a member more': receipt({ time: 1 }),
        'a leaf of another size': receipt({ leaf: answers.cycle_ref }),
        'a round that is a text': receipt({ round: '1' }),
        'a member twice': utf8(textOf(receipt({})).replace('{', '{"v":1,')),
        'a list': utf8('[]'),
        'nothing': new Uint8Array(),
    };
    for (const [what, bytes] of Object.entries(wrong)) {
        await refuses(what, () => judge({ ...round, receipt: bytes }));
    }
    equal(parse(receipt({})).rsig, await promised(receiptKey, 1), 'the receipt that proves');
}

/** The manifest of a cheat: well signed, with keys of his own. It opens, and its words are not those of the order. */
async function aManifestOfOnesOwnHasOtherWords(files) {
    const { answers } = files;
    const round = await cheated(files);
    const manifest = utf8(answers.manifest.replace('"decision_min":10', '"decision_min":11'));
    const signer = answers.manifest_note.split('\n')[0];
    const noted = { origin: signer, number: 0, hash: await sha256(manifest) };
    const note = utf8(await signCheckpoint(noted, fromBase64url(answers.seeds.log_key, 32)));
    equal((await openRound({ ...round, manifest, note })).words === answers.manifest_words, false, 'the words');
    await refuses('the note on the other one', () => openRound({ ...round, manifest }));
    const later = utf8(await signCheckpoint({ ...noted, number: 1 }, fromBase64url(answers.seeds.log_key, 32)));
    await refuses('a note on another generation', () => openRound({ ...round, manifest, note: later }));
}

export const checks = {
    'complaints: a lost review is proved': aLostReviewIsProved,
    'complaints: a sealed review proves nothing': aSealedReviewProvesNothing,
    'complaints: a flipped bit in any document is refused': everyFlippedBitIsRefused,
    'complaints: what the box never said is refused': whatTheBoxNeverSaidIsRefused,
    'complaints: a manifest of one\'s own has other words than the order': aManifestOfOnesOwnHasOtherWords,
};
