// The reviewer's client in the page, as far as it needs no browser: the card's file, the manifest's and ledger's checks.
import { utf8 } from '../../../assets/booth/protocol/bytes.mjs';
import { Failure } from '../../../assets/booth/client/failure.mjs';
import { closeCard, isStrong, newCard, newLock, openCard, suggestPassphrase } from '../../../assets/booth/client/card.mjs';
import { readLedger } from '../../../assets/booth/client/ledger.mjs';
import { freeze } from '../../../assets/booth/client/manifest.mjs';
import { Mismatch, altered, equal, flipped } from './expect.mjs';

/** Fails unless `work` stops with this failure. */
async function stops(what, kind, code, work) {
    try {
        await work();
    } catch (failure) {
        if (failure instanceof Failure) {
            equal(`${failure.kind} ${failure.code}`, `${kind} ${code}`, what);
            return;
        }
        throw failure;
    }
    throw new Mismatch(`${what}: nothing stopped it`);
}

const known = ({ answers }) => freeze(utf8(answers.manifest), answers.cycle_ref, answers.round);

async function aCardIsWhatItWas(files) {
    const [frozen, passphrase] = [await known(files), suggestPassphrase()];
    equal(isStrong(passphrase), true, 'what is suggested is strong');
    const lock = await newLock(passphrase);
    const file = utf8(await closeCard(newCard(frozen), lock));
    const { card } = await openCard(file, passphrase);
    equal(card.manifest_digest, frozen.digest, 'the card of the file');
    equal(JSON.parse(await closeCard(card, lock)).iv === JSON.parse(await closeCard(card, lock)).iv, false, 'a fresh iv');
    await stops('another passphrase', 'card', 'wrong_passphrase', () => openCard(file, `${passphrase}x`));
    const sealed = JSON.parse(new TextDecoder().decode(file));
    for (const [name, code] of [['iv', 'wrong_passphrase'], ['ciphertext', 'wrong_passphrase'], ['cipher', 'unreadable']]) {
        const other = { ...sealed, [name]: altered(sealed[name]) };
        await stops(name, 'card', code, () => openCard(utf8(JSON.stringify(other)), passphrase));
    }
    for (const iterations of [1000, 599_999, 10_000_001]) {
        const other = { ...sealed, kdf: { ...sealed.kdf, iterations } };
        await stops(`${iterations} rounds`, 'card', 'unreadable', () => openCard(utf8(JSON.stringify(other)), passphrase));
    }
    for (const weak of ['', 'short', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'abababababababababababab']) {
        await stops(weak, 'card', 'weak_passphrase', () => newLock(weak));
    }
}

async function theKnownManifestAndLedgerAreTaken(files) {
    const frozen = await known(files);
    equal(frozen.digest, files.answers.manifest_digest, 'digest');
    const { subjects } = await readLedger(utf8(files.answers.ledger), 'council', [frozen]);
    equal(subjects.get(files.answers.subject_ref).entries.length, 12, 'entries');
    for (let place = 0; place < files.answers.ledger.length; place += 7) {
        const touched = flipped(utf8(files.answers.ledger), place, place % 7);
        await stops(`byte ${place} of the ledger`, 'alarm', 'ledger_invalid', () => readLedger(touched, 'council', [frozen]));
    }
}

/** What a hostile issuer would try inside the manifest; in the browser the rest is tried too. */
async function everyLieInAManifestHasItsAlarm(files) {
    const { answers } = files;
    const lies = {
        manifest_unreadable: [(m) => { m.extra = 1; }, (m) => { m.v = 2; }, (m) => { m.max_seq = 51; }, (m) => { m.witnesses.push('x'); },
            (m) => { m.dates.submit_open = m.dates.issue_close; }, (m) => { m.dates.seal_by = '2027-02-30'; },
            (m) => { m.instruments[0].items[0].max = 0; }, (m) => { m.subjects = []; }, (m) => { m.log.origin += 'x'; },
            (m) => { m.prev_manifest_digest = m.methodology_digest; }, (m) => { m.issuers[0].issuer_id = 'Council'; }],
        key_count: [(m) => { m.subjects[0].keys = []; }, (m) => { m.subjects[0].keys[0].issuer_id = 'other'; },
            (m) => { m.subjects[0].keys.push(m.subjects[0].keys[0]); }],
        issued_min: [(m) => { m.issued_min = 5; }, (m) => { m.issued_min = m.subjects[0].panel_size + 1; },
            (m) => { m.issued_min = m.decision_min - 1; }],
        key_id_mismatch: [(m) => { m.subjects[0].keys[0].key_id = m.methodology_digest; }],
    };
    for (const [code, acts] of Object.entries(lies)) {
        for (const act of acts) {
            const manifest = JSON.parse(answers.manifest);
            act(manifest);
            await stops(String(act), 'alarm', code, () =>
                freeze(utf8(JSON.stringify(manifest)), answers.cycle_ref, answers.round));
        }
    }
    const space = utf8(`${answers.manifest}\n`);
    await stops('a space', 'alarm', 'manifest_unreadable', () => freeze(space, answers.cycle_ref, answers.round));
    await stops('another round', 'alarm', 'other_round', () => freeze(utf8(answers.manifest), answers.cycle_ref, 2));
}

export const checks = {
    'booth: a card opens again as it was, and not where it was touched': aCardIsWhatItWas,
    'booth: the known manifest and ledger are taken, and no touched ledger': theKnownManifestAndLedgerAreTaken,
    'booth: every lie in a manifest has its alarm': everyLieInAManifestHasItsAlarm,
};
