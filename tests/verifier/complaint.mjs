// Exit 0 if receipts prove that a box sealed a round without leaves that it had promised; 1 if one does not, 2 if a
// file cannot be read:
//
//     node tests/verifier/complaint.mjs MANIFEST NOTE CHECKPOINT LEAVES RECEIPTS
//
// The round's public documents as anybody can fetch them, and a receipt or the published list of complaints. Compare
// the words that it prints with those of the printed order: another manifest has other keys, and proves anything.
import { readFileSync } from 'node:fs';
import { loadWebCrypto, quit } from './node_only.mjs';
import { Refused } from '../../assets/booth/protocol/bytes.mjs';
import { openRound, proveAll } from '../../assets/booth/protocol/proof.mjs';

const NAMES = ['manifest', 'note', 'checkpoint', 'leaves', 'receipts'];

function readDocuments(paths) {
    if (paths.length !== NAMES.length) {
        return quit(2, `usage: complaint.mjs ${NAMES.join(' ').toUpperCase()}`);
    }
    try {
        return Object.fromEntries(NAMES.map((name, at) => [name, new Uint8Array(readFileSync(paths[at]))]));
    } catch (error) {
        return quit(2, error.message);
    }
}

await loadWebCrypto();
const { receipts, ...documents } = readDocuments(process.argv.slice(2));
try {
    const round = await openRound(documents);
    const proofs = await proveAll(round, receipts);
    console.log(`manifest, as ordered: ${round.words}`);
    quit(proofs > 0 ? 0 : 1, `leaves that the box had promised and did not seal: ${proofs}`);
} catch (error) {
    if (!(error instanceof Refused)) {
        throw error;
    }
    quit(1, error.message);
}
