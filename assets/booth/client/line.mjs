// HTTP as the client speaks it: one request, nothing kept, nothing that identifies.
//
// What a newcomer would get wrong: what a browser adds by itself. Cookies, credentials, a referrer, a cached copy with
// its tag or a redirect would join what the protocol keeps apart, so each is refused here. Who asks is named by the caller
// alone, in the page that logs in.
import { refused, Failure } from './failure.mjs';

const ANSWER_MILLIS = 60_000;

/** The largest answer that is read, in bytes: a manifest of the most subjects allowed has some 20 MB. */
const ANSWER_SIZE_MAX = 32 * 1024 * 1024;

/** The bytes at a path of a server; `headers` are the caller's. */
export const get = (base, path, headers = {}) => ask(base, path, { method: 'GET', headers }, 200);

/** The JSON at a path. */
export const getJson = async (base, path, headers) => readJson(base, 200, await get(base, path, headers));

/** The JSON answer to a JSON text. */
export const post = async (base, path, body, expected, headers) =>
    readJson(base, expected, await ask(base, path, posting(body, headers), expected));

/** The status of the answer to a JSON text, whatever it is. */
export const postForStatus = async (base, path, body) => (await send(base, path, posting(body))).status;

const posting = (body, headers) =>
    ({ method: 'POST', body, headers: { ...headers, 'Content-Type': 'application/json' } });

async function ask(base, path, request, expected) {
    const response = await send(base, path, request);
    const bytes = await read(base, response);
    if (response.status === expected) {
        return bytes;
    }
    throw problemIn(bytes) ?? unexpected(base, response.status);
}

async function send(base, path, request) {
    try {
        return await fetch(`${base}${path}`, {
            ...request,
            cache: 'no-store',
            credentials: 'omit',
            mode: 'cors',
            redirect: 'error',
            referrerPolicy: 'no-referrer',
            signal: AbortSignal.timeout(ANSWER_MILLIS),
        });
    } catch {
        throw new Failure('unreachable', 'unreachable', { address: base });
    }
}

async function read(base, response) {
    let bytes;
    try {
        bytes = new Uint8Array(await response.arrayBuffer());
    } catch {
        throw new Failure('unreachable', 'unreachable', { address: base });
    }
    if (bytes.length > ANSWER_SIZE_MAX) {
        throw unexpected(base, response.status);
    }
    return bytes;
}

function readJson(base, status, bytes) {
    try {
        return JSON.parse(new TextDecoder().decode(bytes));
    } catch {
        throw unexpected(base, status);
    }
}

/** What a problem document (RFC 9457) says; a page of a proxy is none. */
function problemIn(bytes) {
    try {
        const { code } = JSON.parse(new TextDecoder().decode(bytes));
        return typeof code === 'string' && /^[a-z_]{1,40}$/.test(code) ? refused(code) : undefined;
    } catch {
        return undefined;
    }
}

export const unexpected = (address, status) => new Failure('unexpected', 'unexpected', { address, status });
