// An implementation of RFC 9474 as a program: one request a line, one answer a line, bytes in hexadecimal digits.
//
//     node exchange.mjs own|cloudflare
//
// `own` is the client in JavaScript that the vectors hold, `cloudflare` another body's, which `npm ci` installs. What a
// newcomer would get wrong: a refusal is an answer, `{"refused": true}`; only a request that nobody knows ends it all.
import { createInterface } from 'node:readline';
import { loadWebCrypto } from '../verifier/node_only.mjs';
import { toHex } from '../../assets/booth/protocol/bytes.mjs';
import { fromHex } from '../verifier/checks/expect.mjs';

const ACTS = ['blind', 'sign', 'finalize', 'verify'];

await loadWebCrypto();
const implementation = await import(`./${process.argv[2]}.mjs`);
for await (const line of createInterface({ input: process.stdin })) {
    const { act, ...members } = JSON.parse(line);
    if (!ACTS.includes(act)) {
        throw new Error(`nobody knows how to ${act}`);
    }
    const given = Object.fromEntries(Object.entries(members).map(([name, digits]) => [name, fromHex(digits)]));
    console.log(JSON.stringify(await answer(act, given)));
}

async function answer(act, given) {
    let result;
    try {
        result = await implementation[act](given);
    } catch (error) {
        // Each implementation refuses by errors of its own; another failure would show where it has to accept.
        return { refused: true, error: String(error) };
    }
    const isBytes = (value) => value instanceof Uint8Array;
    return Object.fromEntries(Object.entries(result).map(([name, one]) => [name, isBytes(one) ? toHex(one) : one]));
}
