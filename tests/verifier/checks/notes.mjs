// Signed notes and checkpoints of C2SP.
import { concat, fromBase64, fromBase64url, toBase64, utf8 } from '../../../assets/booth/protocol/bytes.mjs';
import { publicKey, sign } from '../../../assets/booth/protocol/ed25519.mjs';
import * as note from '../../../assets/booth/protocol/note.mjs';
import { equal, flipped, refuses } from './expect.mjs';

/** The example of the C2SP and Go note documentation. */
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const PETERS_NOTE =
    'If you think cryptography is the answer to your problem,\n' +
    "then you don't know what your problem is.\n\n" +
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';

/** The note that the holder of a private key makes: box and registry do so, no client does. */
export async function signNote(text, name, seed) {
    const signature = concat(await note.keyId(name, await publicKey(seed)), await sign(seed, utf8(text)));
    return `${text}\n— ${name} ${toBase64(signature)}\n`;
}

/** A signed checkpoint or manifest note. */
export const signCheckpoint = (checkpoint, seed) =>
    signNote(note.checkpointText(checkpoint), checkpoint.origin, seed);

async function theExampleOfTheReferenceHolds() {
    const key = await note.readVerifierKey(PETER);
    equal(key.name, 'PeterNeumann', 'name');
    equal(await note.writeVerifierKey(key.name, key.key), PETER, 'written again');
    const bytes = utf8(PETERS_NOTE);
    equal((await note.openNote(bytes, key)).endsWith('problem is.\n'), true, 'the text');
    for (let place = 0; place < bytes.length; place += 1) {
        await refuses(`byte ${place} of the note`, () => note.openNote(flipped(bytes, place, place % 7), key));
    }
    for (let place = 0; place < PETER.length; place += 1) {
        const touched = new TextDecoder().decode(flipped(utf8(PETER), place, place % 7));
        await refuses(`byte ${place} of the key`, () => note.readVerifierKey(touched));
    }
    await refuses('the name of somebody else', () => note.openNote(bytes, { ...key, name: 'Peter' }));
    for (const text of ['', 'Peter', 'Peter+c74f20a3', '+c74f20a3+AA==', 'Peter+c74f20a3+AA==']) {
        await refuses(`the key ${text}`, () => note.readVerifierKey(text));
    }
    for (const [name, size] of [['', 32], ['a b', 32], ['a\tb', 32], ['Peter', 31], ['Peter', 33]]) {
        const written = await note.writeVerifierKey(name, new Uint8Array(size).fill(7));
        await refuses(`a well-made key of ${size} bytes for "${name}"`, () => note.readVerifierKey(written));
    }
}

async function whatIsNoNoteIsRefused() {
    const key = await note.readVerifierKey(PETER);
    const line = PETERS_NOTE.split('\n\n')[1];
    const empty = ['', '\n\n', 'text\n', 'text\n\n'];
    const wrong = ['text\n\nPeter AAAA\n', 'text\n\n— Peter AAAA', 'a\tb\n\n— P AAAAAAAA\n'];
    for (const text of [...empty, ...wrong, `text\n${line}`, `text\n\n${line}\n`, `text\n\n${line.trimEnd()} more\n`]) {
        await refuses(JSON.stringify(text), () => note.openNote(utf8(text), key));
    }
    await refuses('a note without end', () => note.openNote(utf8(PETERS_NOTE.trimEnd()), key));
    await refuses('bytes that are no UTF-8', () => note.openNote(Uint8Array.of(0xff, 10, 10), key));
    const isOfAnother = PETERS_NOTE.replace('— PeterNeumann x', '— PeterNeumann y');
    await refuses('a key id of another key', () => note.openNote(utf8(isOfAnother), key));
    const witnessed = `${PETERS_NOTE}— witness AAAAAAAA\n`;
    equal(await note.openNote(utf8(witnessed), key), `${PETERS_NOTE.split('\n\n')[0]}\n`, 'a signature of another key');
    const [, signature] = PETERS_NOTE.trimEnd().split('PeterNeumann ');
    const wrongOne = toBase64(flipped(fromBase64(signature), 40, 3));
    await refuses('a second signature of the key, which is wrong', () =>
        note.openNote(utf8(`${PETERS_NOTE}— PeterNeumann ${wrongOne}\n`), key));
}

/** Signed as they should be, and no notes all the same. */
async function whatIsSignedAndNoNoteIsRefused(files) {
    const seed = fromBase64url(files.answers.seeds.log_key, 32);
    const key = { name: 'o/1', key: await publicKey(seed) };
    const open = async (text, name = 'o/1') => note.openNote(utf8(await signNote(text, name, seed)), { ...key, name });
    equal(await open('some text\n'), 'some text\n', 'a text');
    equal(await open('a\n\nb\n'), 'a\n\nb\n', 'a text with a blank line');
    equal((await open(`${'x'.repeat(16000)}\n`)).length, 16001, 'a long text');
    const wrong = ['no line feed', 'a tab\t\n', 'a carriage return\r\n', 'a zero\0\n', '\n', ''];
    for (const text of [...wrong, `${'x'.repeat(17000)}\n`]) {
        await refuses(JSON.stringify(text.slice(0, 20)), () => open(text));
    }
    for (const name of ['', 'o 1', 'o+1']) {
        await refuses(`the name "${name}"`, () => open('some text\n', name));
    }
    const whole = await signNote('some text\n', 'o/1', seed);
    const changes = [[/\n$/, ' more\n'], ['— ', '- '], ['— ', '—  '], [/$/, '\n']];
    for (const touched of changes.map(([from, to]) => whole.replace(from, to))) {
        await refuses(touched, () => note.openNote(utf8(touched), key));
    }
}

async function aCheckpointIsOneRoundsAlone(files) {
    const seed = fromBase64url(files.answers.seeds.log_key, 32);
    const key = await publicKey(seed);
    const checkpoint = { origin: 'o/1', number: 1487, hash: new Uint8Array(32).fill(9) };
    const text = note.checkpointText(checkpoint);
    const open = async (words, signer = 'o/1', name = 'o/1') =>
        note.openCheckpoint(utf8(await signNote(words, signer, seed)), { name, key });
    const opened = await open(text);
    equal(opened.origin, 'o/1', 'origin');
    equal(opened.number, 1487, 'size');
    equal(opened.hash, checkpoint.hash, 'root');
    equal((await open(text.replace('1487', '0'))).number, 0, 'an empty tree');
    for (const number of ['01487', '+1487', '1487.0', '-1', '', '9007199254740993', '1e3', 'NaN']) {
        await refuses(`the number ${number}`, () => open(text.replace('1487', number)));
    }
    for (const [from, to] of [['=\n', '=\nmore\n'], ['o/1', 'o/2'], ['CQkJ', 'CQk'], ['\n1487', '']]) {
        await refuses(`${to} in place of ${from}`, () => open(text.replace(from, to)));
    }
    for (const size of [0, 31, 33]) {
        const other = note.checkpointText({ ...checkpoint, hash: new Uint8Array(size) });
        await refuses(`a root of ${size} bytes`, () => open(other));
    }
    await refuses('the checkpoint of another round', () => open(text, 'o/1', 'o/2'));
    await refuses('another round under the name of this one', () => open(text.replace('o/1', 'o/2'), 'o/1'));
    const other = await publicKey(fromBase64url(files.answers.seeds.doc_key, 32));
    await refuses('the checkpoint of another key', async () =>
        note.openCheckpoint(utf8(await signNote(text, 'o/1', seed)), { name: 'o/1', key: other }));
}

export const checks = {
    'signed notes: the example of the reference, and every touch of it is found': theExampleOfTheReferenceHolds,
    'signed notes: what is none is refused': whatIsNoNoteIsRefused,
    'signed notes: what is signed and none is refused': whatIsSignedAndNoNoteIsRefused,
    'checkpoints: three canonical lines, for one round alone': aCheckpointIsOneRoundsAlone,
};
