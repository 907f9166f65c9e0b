"""Makes credential_known_answers.json: every line of the protocol's encodings, computed without the Rust code.

Run once with Python 3 and the `cryptography` package (48.0.0 was used): python3 make_credential_known_answers.py
Everything but the RSA key and its signature follows from the fixed inputs; a new run therefore changes `spki` and
all that hashes it. The private RSA key is thrown away.
"""

import base64
import hashlib
import json
import pathlib
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def b64u(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def H(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def jcs(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def lp(raw):
    return struct.pack(">I", len(raw)) + raw


class Key:
    def __init__(self, byte):
        self.seed = bytes([byte]) * 32
        self.key = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.public = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    def sign(self, raw):
        return self.key.sign(raw)


def key_id(name, public):
    return H(name.encode(), b"\n", b"\x01", public)[:4]


def vkey(name, public):
    encoded = base64.b64encode(b"\x01" + public).decode()
    return f"{name}+{key_id(name, public).hex()}+{encoded}"


def note(origin, number, digest, key):
    text = f"{origin}\n{number}\n{base64.b64encode(digest).decode()}\n"
    line = base64.b64encode(key_id(origin, key.public) + key.sign(text.encode())).decode()
    return f"{text}\n— {origin} {line}\n"


esk, doc, log, receipt = Key(1), Key(2), Key(3), Key(4)
cycle_ref, subject_ref = bytes(range(16)), bytes(range(16, 32))
rsa_key = rsa.generate_private_key(65537, 3072)
spki = rsa_key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
rsa_key_id = H(spki)
prefix = bytes([5]) * 32
msg = b"EJF-CRED-v1\0" + cycle_ref + subject_ref + rsa_key_id + esk.public
credential_sig = rsa_key.sign(
    prefix + msg, padding.PSS(mgf=padding.MGF1(hashes.SHA384()), salt_length=48), hashes.SHA384()
)

log_name = "sjc.example/box"
origin = f"{log_name}/{b64u(cycle_ref)}/1"
methodology = b'{"title":"example"}'
manifest = {
    "v": 1, "cycle_ref": b64u(cycle_ref), "round": 1, "generation": 0, "prev_manifest_digest": None,
    "methodology_digest": b64u(H(methodology)), "utc_offset_minutes": 300,
    "dates": {"issue_open": "2027-02-01", "issue_close": "2027-02-10", "submit_open": "2027-02-12",
              "submit_close": "2027-03-04", "seal_by": "2027-03-08", "challenge_close": "2027-03-16"},
    "issued_min": 12, "display_min": 5, "decision_min": 10, "body_size": 8192, "max_seq": 20,
    "issuers": [{"issuer_id": "council", "doc_key": b64u(doc.public),
                 "name": {"kk": "Жоғары Сот Кеңесі", "ru": "Высший Судебный Совет", "en": "Supreme Judicial Council"}}],
    "receipt_key": b64u(receipt.public), "log": {"origin": origin, "vkey": vkey(origin, log.public)},
    "witnesses": [], "witness_quorum": 0, "client_hashes": [b64u(H(b"client"))],
    "instruments": [{"instrument_id": "judge-1", "statements": ["s01", "s02"], "max_statements": 8,
                     "items": [{"code": "k1", "min": 1, "max": 5}, {"code": "k2", "min": 1, "max": 5}]}],
    "subjects": [{"subject_ref": b64u(subject_ref), "instrument_id": "judge-1", "panel_size": 14,
                  "keys": [{"issuer_id": "council", "purpose": "marks", "key_id": b64u(rsa_key_id), "spki": b64u(spki)}]}],
}
manifest_digest = H(jcs(manifest))

assignment_ids = [bytes.fromhex(f"019477a25c1e7b3d9e104f2a6c8d0b{n:02x}") for n in range(12)]
blinded_msgs = [bytes([n]) * 384 for n in range(12)]
entries = [H(b"EJF-ENTRY-v1\0", rsa_key_id, a, H(b)) for a, b in zip(assignment_ids, blinded_msgs)]
ledger = {"v": 1, "cycle_ref": b64u(cycle_ref), "round": 1, "generation": 0, "issuer_id": "council",
          "manifest_digest": b64u(manifest_digest),
          "subjects": [{"subject_ref": b64u(subject_ref), "key_id": b64u(rsa_key_id),
                        "entries": [b64u(e) for e in sorted(entries)]}]}
ledger["sig"] = b64u(doc.sign(b"EJF-LEDGER-v1\0" + jcs(ledger)))

body = {"v": 1, "cycle_ref": b64u(cycle_ref), "round": 1, "subject_ref": b64u(subject_ref),
        "manifest_digest": b64u(manifest_digest), "seq": 1, "prev": [], "nonce": b64u(bytes([6]) * 32),
        "purpose": "marks", "marks": {"k1": 4, "k2": None}, "statements": ["s02"]}
sig_review = esk.sign(b"EJF-REVIEW-v1\0" + jcs(body))
leaf_data = b"EJF-LEAF-v1\0" + cycle_ref + H(lp(jcs(body)) + lp(sig_review) + esk.public)
leaf = H(b"\0", leaf_data)
envelope = {"epk": b64u(esk.public), "body": body, "sig": b64u(sig_review),
            "credentials": [{"issuer_id": "council", "key_id": b64u(rsa_key_id), "prefix": b64u(prefix),
                             "sig": b64u(credential_sig)}]}
rsig = receipt.sign(b"EJF-RECEIPT-v1\0" + cycle_ref + struct.pack(">I", 1) + leaf)

order = {"v": 1, "cycle_ref": b64u(cycle_ref), "round": 1, "manifest_digest": b64u(manifest_digest), "act": "seal"}
order["sig"] = b64u(doc.sign(b"EJF-SEAL-v1\0" + jcs(order)))
box = {"v": 1, "log_name": log_name, "log_key": b64u(log.public), "receipt_key": b64u(receipt.public)}
box["sig"] = b64u(log.sign(b"EJF-BOX-v1\0" + jcs(box)))
checkpoint = note(origin, 1, leaf, log)
deletion = {"v": 1, "cycle_ref": b64u(cycle_ref), "round": 1, "manifest_digest": b64u(manifest_digest),
            "checkpoint_digest": b64u(H(checkpoint.encode())), "ordered_on": "2027-07-01",
            "files": {"envelopes.ndjson": b64u(H(b"reviews")), "superseded.ndjson": b64u(H(b"versions"))}}
deletion["sig"] = b64u(doc.sign(b"EJF-DELETE-v1\0" + jcs(deletion)))

answers = {
    "source": "make_credential_known_answers.py beside this file: Python 3 with hashlib and the cryptography package, "
              "independent of the Rust code. Bytes are base64url without padding; seeds are Ed25519 private keys.",
    "seeds": {"esk": b64u(esk.seed), "doc_key": b64u(doc.seed), "log_key": b64u(log.seed), "receipt_key": b64u(receipt.seed)},
    "cycle_ref": b64u(cycle_ref), "subject_ref": b64u(subject_ref), "round": 1,
    "spki": b64u(spki), "key_id": b64u(rsa_key_id), "epk": b64u(esk.public),
    "msg": b64u(msg), "prefix": b64u(prefix), "input_msg": b64u(prefix + msg), "credential_sig": b64u(credential_sig),
    "methodology": methodology.decode(), "manifest": jcs(manifest).decode(), "manifest_digest": b64u(manifest_digest),
    "manifest_words": " ".join(manifest_digest.hex()[n:n + 4] for n in range(0, 40, 4)),
    "manifest_note": note(f"{log_name}/manifest/{b64u(cycle_ref)}/1", 0, manifest_digest, log),
    "assignment_ids": [b64u(a) for a in assignment_ids], "blinded_msgs": [b64u(b) for b in blinded_msgs],
    "entries": [b64u(e) for e in entries], "ledger": jcs(ledger).decode(), "ledger_sig": ledger["sig"],
    "body": jcs(body).decode(), "sig_review": b64u(sig_review), "leaf_data": b64u(leaf_data), "leaf": b64u(leaf),
    "envelope": jcs(envelope).decode(), "rsig": b64u(rsig),
    "vkey": vkey(origin, log.public), "checkpoint": checkpoint,
    "seal_order": jcs(order).decode(), "box_keys": jcs(box).decode(), "deletion_order": jcs(deletion).decode(),
    "deleted_note": note(f"{log_name}/deleted/{b64u(cycle_ref)}/1", 1, leaf, log),
}
path = pathlib.Path(__file__).with_name("credential_known_answers.json")
path.write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
