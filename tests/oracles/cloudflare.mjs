// Client and issuer of @cloudflare/blindrsa-ts.
import { RSABSSA } from '@cloudflare/blindrsa-ts';
import { concat } from '../../assets/booth/protocol/bytes.mjs';

const suite = RSABSSA.SHA384.PSS.Randomized();
const algorithm = { name: 'RSA-PSS', hash: 'SHA-384' };
const publicKey = (spki) => crypto.subtle.importKey('spki', spki, algorithm, true, ['verify']);
let pending;

export async function blind({ spki, msg }) {
    const [key, input] = [await publicKey(spki), suite.prepare(msg)];
    const { blindedMsg, inv } = await suite.blind(key, input);
    pending = { key, input, inv };
    return { prefix: input.subarray(0, 32), blinded: blindedMsg };
}

export async function sign({ pkcs8, blinded }) {
    const key = await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']);
    return { answer: await suite.blindSign(key, blinded) };
}

export async function finalize({ answer }) {
    return { signature: await suite.finalize(pending.key, pending.input, answer, pending.inv) };
}

export async function verify({ spki, prefix, msg, signature }) {
    return { is_valid: await suite.verify(await publicKey(spki), signature, concat(prefix, msg)) };
}
