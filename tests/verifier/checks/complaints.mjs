// The proof against a box: a lost review is proved, and nothing else is.
import { compare, concat, fromBase64url, sha256, textOf, toBase64url, utf8 } from '../../../assets/booth/protocol/bytes.mjs';
import { receiptMessage } from '../../../assets/booth/protocol/documents.mjs';
import { sign } from '../../../assets/booth/protocol/ed25519.mjs';
import { openRound, prove, proveAll } from '../../../assets/booth/protocol/proof.mjs';
import { canonical, parse } from '../../../assets/booth/protocol/signed_json.mjs';
import { readLeaves, root } from '../../../assets/booth/protocol/tree.mjs';
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
    const promised = async (seed, number, ofCycle = cycle) =>
        toBase64url(await sign(fromBase64url(seed, 32), receiptMessage(ofCycle, number, fromBase64url(answers.leaf))));
    const other = fromBase64url(answers.subject_ref, 16);
    const wrong = {
        'another version': receipt({ v: 2 }),
        'another round, with its own signature': receipt({ round: 2, rsig: await promised(receiptKey, 2) }),
        'another cycle, with its own signature': receipt({
            cycle_ref: answers.subject_ref, rsig: await promised(receiptKey, 1, other) }),
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

/** A round whose manifest was altered and signed anew, as whoever holds the log key can. */
async function resigned(files, change, { number = 0, round = 1 } = {}) {
    const { answers } = files;
    const settled = JSON.parse(answers.manifest);
    change(settled);
    const manifest = canonical(settled);
    const origin = `sjc.example/box/manifest/${answers.cycle_ref}/${round}`;
    const noted = { origin, number, hash: await sha256(manifest) };
    const note = utf8(await signCheckpoint(noted, fromBase64url(answers.seeds.log_key, 32)));
    return { ...(await cheated(files)), manifest, note };
}

/** The manifest of a cheat: well signed, with keys of his own. It opens, and its words are not those of the order. */
async function aManifestOfOnesOwnHasOtherWords(files) {
    const other = await resigned(files, (manifest) => { manifest.decision_min = 11; });
    equal((await openRound(other)).words === files.answers.manifest_words, false, 'the words');
    const { note } = await cheated(files);
    await refuses('the note on the other one', () => openRound({ ...other, note }));
    const unlike = {
        'a note on another generation': [() => {}, { number: 1 }],
        'another version': [(manifest) => { manifest.v = 2; }],
        'a round that is a text': [(manifest) => { manifest.round = '1'; }],
        'the log of another round': [(manifest) => { manifest.round = 2; }, { round: 2 }],
        'a log of another name': [(manifest) => { manifest.log.origin = 'sjc.example/other'; }],
        'no log': [(manifest) => { delete manifest.log; }],
        'a receipt key that is none': [(manifest) => { manifest.receipt_key = 'AA'; }],
    };
    for (const [what, [change, others]] of Object.entries(unlike)) {
        const round = await resigned(files, change, others);
        await refuses(what, () => openRound(round));
    }
}

export const checks = {
    'complaints: a lost review is proved': aLostReviewIsProved,
    'complaints: a sealed review proves nothing': aSealedReviewProvesNothing,
    'complaints: a flipped bit in any document is refused': everyFlippedBitIsRefused,
    'complaints: what the box never said is refused': whatTheBoxNeverSaidIsRefused,
    'complaints: a manifest of one\'s own has other words than the order': aManifestOfOnesOwnHasOtherWords,
};
