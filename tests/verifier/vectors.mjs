// Runs every vector and known answer in JavaScript, and every altered copy of one, which has to be refused:
//
//     node tests/verifier/vectors.mjs
//
// One line for each check; exit 0 all passed, 1 at least one failed, 2 a file could not be read. The files are those
// that the Rust and the Python implementation are held to. This program knows Node; what it checks, the modules in
// `assets/booth`, are those that the reviewer's pages are made of, and know the functions of the web and nothing else.
import { readFileSync, readdirSync } from 'node:fs';
import { loadWebCrypto, quit } from './node_only.mjs';

const FILES = {
    rfc8032: 'rfc8032_vectors.json',
    rfc6962: 'rfc6962_vectors.json',
    rfc9474: 'rfc9474_vectors.json',
    edges: 'ed25519_edges.json',
    signedJson: 'signed_json_vectors.json',
    answers: 'credential_known_answers.json',
};
const GROUPS = ['encodings', 'curve', 'blind_rsa', 'tree', 'notes', 'known_answers', 'complaints', 'booth'];

/** What a page in a browser does not have, and what would reach for it. */
const NODE_ALONE = /\bnode:|\brequire\(|\bprocess\b|\bBuffer\b|\bglobal\b|\bimport\(|from '(?!\.\.?\/)/;

function readFiles() {
    const read = (name) => JSON.parse(readFileSync(new URL(`../data/${name}`, import.meta.url), 'utf8'));
    try {
        return Object.fromEntries(Object.entries(FILES).map(([key, name]) => [key, read(name)]));
    } catch (error) {
        return quit(2, `a vector file cannot be read: ${error.message}`);
    }
}

/** The page is made of these, so they know the functions of the web and nothing else. */
function modulesNeedNoNode() {
    const folder = new URL('../../assets/booth/', import.meta.url);
    const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.mjs'));
    for (const name of names) {
        const code = readFileSync(new URL(name, folder), 'utf8').replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
        const found = NODE_ALONE.exec(code);
        if (found) {
            throw new Error(`${name} names "${found[0]}", which a browser has not`);
        }
    }
    if (names.length === 0) {
        throw new Error('the modules were not found');
    }
}

await loadWebCrypto();
const files = readFiles();
const checks = { 'the page\'s modules would load in a browser': modulesNeedNoNode };
for (const group of GROUPS) {
    Object.assign(checks, (await import(`./checks/${group}.mjs`)).checks);
}
let failed = 0;
for (const [name, check] of Object.entries(checks)) {
    try {
        await check(files);
        console.log(`ok      ${name}`);
    } catch (error) {
        failed += 1;
        console.log(`FAILED  ${name}\n        ${error.stack}`);
    }
}
const all = Object.keys(checks).length;
quit(failed === 0 ? 0 : 1, failed === 0 ? `all ${all} checks passed` : `${failed} of ${all} checks failed`);
