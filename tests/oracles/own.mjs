// The client in JavaScript that the vectors hold. It is no issuer.
import { concat } from '../../assets/booth/protocol/bytes.mjs';
import * as rsa from '../../assets/booth/protocol/blind_rsa.mjs';

const random = (size) => crypto.getRandomValues(new Uint8Array(size));
let pending;

export async function blind({ spki, msg }) {
    const key = rsa.readSpki(spki);
    const prefix = random(32);
    const input = concat(prefix, msg);
    const { blindedMsg, inverse } = await rsa.blind(key, input, random(rsa.SALT_SIZE), rsa.drawFactor(key));
    pending = { key, input, inverse };
    return { prefix, blinded: blindedMsg };
}

export async function finalize({ answer }) {
    return { signature: await rsa.finalize(pending.key, pending.input, answer, pending.inverse) };
}

export async function verify({ spki, prefix, msg, signature }) {
    return { is_valid: await rsa.verify(rsa.readSpki(spki), concat(prefix, msg), signature) };
}
