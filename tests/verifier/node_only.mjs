// What the two programs of this folder need of Node, and no module of the protocol may.

const VERSION_MIN = 18;

/** Ends the program with one line on what came of it. */
export function quit(code, line) {
    console.log(line);
    process.exit(code);
}

/** Gives Node 18 the `crypto` that browsers and later versions have; older ones know no Ed25519. */
export async function loadWebCrypto() {
    if (Number.parseInt(process.versions.node, 10) < VERSION_MIN) {
        quit(2, `this is Node ${process.versions.node}; version ${VERSION_MIN} or newer is needed (Debian: nodejs)`);
    }
    globalThis.crypto ??= (await import('node:crypto')).webcrypto;
    // Node 20 says once that its Ed25519 may still change; the vectors would show it if it had.
    process.removeAllListeners('warning');
}
