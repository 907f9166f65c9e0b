// Signed notes and checkpoints in the formats of C2SP.
//
// What a newcomer would get wrong: the key name *is* the origin, so one log key has a verifier key of its own for each
// cycle and round, and a signature made for one round never verifies for another. Notes use standard base64 with
// padding, where everything else here uses base64url without.
import { concat, fromBase64, isSame, sha256, textOf, toBase64, toHex, utf8, want } from './bytes.mjs';
import { verify } from './ed25519.mjs';

/** The C2SP signature type of Ed25519. */
const ED25519 = Uint8Array.of(1);

/** The longest note that is read, in bytes. */
const SIZE_MAX = 16 * 1024;

/** The first four bytes of `H(name ‖ 0x0A ‖ 0x01 ‖ public key)`. */
export async function keyId(name, key) {
    return (await sha256(utf8(`${name}\n`), ED25519, key)).subarray(0, 4);
}

/** The writing of a verifier key: `<name>+<8 hex>+base64(0x01 ‖ public key)`. */
export async function writeVerifierKey(name, key) {
    return `${name}+${toHex(await keyId(name, key))}+${toBase64(concat(ED25519, key))}`;
}

/** Name and public key of a verifier key; refused unless it is written as it would be written again. */
export async function readVerifierKey(text) {
    // Base64 may hold a `+`, name and key id may not.
    const [name, , ...encoded] = text.split('+');
    const bytes = fromBase64(encoded.join('+'));
    want(isName(name) && bytes.length === 33 && bytes[0] === ED25519[0], 'no verifier key');
    const key = bytes.subarray(1);
    want((await writeVerifierKey(name, key)) === text, 'the key id is not that of the verifier key');
    return { name, key };
}

/** The text of a note that bears a valid signature of the key. Signatures of other keys are passed over. */
export async function openNote(bytes, { name, key }) {
    const note = textOf(bytes);
    const blank = note.lastIndexOf('\n\n');
    const [text, signatures] = [note.slice(0, blank + 1), note.slice(blank + 2)];
    want(bytes.length <= SIZE_MAX && blank > 0 && isText(text) && /^(?:[^\n]+\n)+$/.test(signatures), 'no note');
    const id = await keyId(name, key);
    let isSigned = false;
    for (const line of signatures.slice(0, -1).split('\n')) {
        const [dash, signer, encoded, ...rest] = line.split(' ');
        want(dash === '—' && isName(signer) && rest.length === 0, 'no signature line');
        const signature = fromBase64(encoded);
        want(signature.length > 4, 'no signature line');
        if (signer === name && isSame(signature.subarray(0, 4), id)) {
            want(await verify(key, utf8(text), signature.subarray(4)), 'a signature of the note is wrong');
            isSigned = true;
        }
    }
    want(isSigned, 'the key has not signed the note');
    return text;
}

/** The three lines of a checkpoint or manifest note. */
export const checkpointText = ({ origin, number, hash }) => `${origin}\n${number}\n${toBase64(hash)}\n`;

/**
 * Origin, number and hash of a note signed by the key, whose name must be the origin. In a checkpoint they are the
 * number of leaves and the root, in a manifest note the generation and the digest.
 */
export async function openCheckpoint(bytes, key) {
    const text = await openNote(bytes, key);
    const [origin, digits, encoded] = text.split('\n');
    want(encoded !== undefined, 'no three lines');
    const checkpoint = { origin, number: Number(digits), hash: fromBase64(encoded) };
    want(Number.isSafeInteger(checkpoint.number) && checkpoint.number >= 0, 'no number');
    want(checkpoint.hash.length === 32 && checkpointText(checkpoint) === text, 'no three canonical lines');
    want(origin === key.name, 'the note is about something else than its key');
    return checkpoint;
}

/** A note's text ends in a line feed and holds no other control character. */
const isText = (text) => /^(?:[^\p{Cc}]|\n)*\n$/u.test(text);

/** A key name is not empty and holds neither white space nor `+`. */
const isName = (name) => /^[^\s\p{Cc}+]+$/u.test(name ?? '');
