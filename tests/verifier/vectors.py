"""Runs every vector and known answer through the verifier, and every altered copy, which has to be refused.

vectors.py: one line for each check; exit 0 all passed, 1 at least one failed, 2 a file could not be read. The files are
those that the Rust and the JavaScript implementation are held to. An auditor signs and blinds nothing, nor does this.
"""
import copy, json, pathlib, sys
from hashlib import sha384
from unittest import mock
import recount
from complaint import prove
from recount import attempt, b64, b64url, canonical, certified, read_json, sealed_leaves, sha256, signed, text_of, want

FOLDER = pathlib.Path(__file__).parent.parent / "data"
PROSE = "source", "note", "what"
# The reader leaves these to the shape of each document, which has no such name, number or depth.
OF_THE_SHAPE = (
    "a member name outside ASCII", "two to the power of 53", "an integer that would be rounded to the largest one",
    "minus two to the power of 53", "two to the power of 64", "seven lists", "seven containers, mixed")
# What is thrown for no: by `want`, and by the readers of JSON, UTF-8 and base64.
VERDICTS = "ValueError", "JSONDecodeError", "UnicodeEncodeError", "UnicodeDecodeError", "Error"
raw, number = bytes.fromhex, lambda digits: int(digits, 16)

def refused(work, *given):
    """True if it said no; an error of another kind is a fault of the program and no verdict."""
    value, fault = attempt(work, *given)
    want(not fault or fault.split(":")[0] in VERDICTS, f"it failed: {fault}")
    return bool(fault) or value is False

def places(value, place=()):
    if not isinstance(value, (dict, list)):
        yield place
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in steps:
        if step not in PROSE:
            yield from places(one, (*place, step))

def altered(value):
    if isinstance(value, (bool, int)):
        return not value if isinstance(value, bool) else value + 1
    middle = len(value) // 2
    return value[:middle] + ("2" if value[middle : middle + 1] == "1" else "1") + value[middle + 1 :] if value else "00"

def finds_every_alteration(vectors, check):
    check(vectors)
    for place in places(vectors):
        other = copy.deepcopy(vectors)
        owner = other
        for step in place[:-1]:
            owner = owner[step]
        owner[place[-1]] = altered(owner[place[-1]])
        want(refused(check, other), f"{place} was altered, and nothing found it")

def rfc_8032(files):
    for vector in files["rfc8032_vectors"]["vectors"]:
        parts = {name: vector[name] for name in SIGNED}
        finds_every_alteration(parts, lambda one: want(is_signed(one), "signature"))

SIGNED = "key", "message", "signature"
is_signed = lambda one: signed(*(raw(one[name]) for name in SIGNED))

def edges(files):
    for one in files["ed25519_edges"]["accepted"]:
        want(is_signed(one), one["what"])
    for one in files["ed25519_edges"]["refused"]:
        want(refused(is_signed, one), one["what"])

def rfc_9474(files):
    def holds(one):
        n, d, p, q = (number(one[name]) for name in "ndpq")
        want(p * q == n and d * 65537 % (p - 1) == 1 == d * 65537 % (q - 1) and number(one["e"]) == 65537, "the key")
        zero, kind = "" if one["salt_len"] else "ZERO", "Randomized" if one["is_randomized"] else "Deterministic"
        want(one["name"] == f"RSABSSA-SHA384-PSS{zero}-{kind}", "name")
        want(len(raw(one["msg_prefix"])) == (32 if one["is_randomized"] else 0), "msg_prefix")
        want(one["input_msg"] == one["msg_prefix"] + one["msg"], "input_msg")
        want(encoded(raw(one["input_msg"]), raw(one["salt"])) == raw(one["encoded_msg"]), "encoded_msg")
        inverse, blinded, answer, sig = (number(one[name]) for name in ("inv", "blinded_msg", "blind_sig", "sig"))
        want(blinded == number(one["encoded_msg"]) * pow(pow(inverse, -1, n), 65537, n) % n, "blinded_msg")
        want(pow(answer, 65537, n) == blinded and answer * inverse % n == sig, "blind_sig, sig")
        # Without a salt it is no signature of this protocol.
        want(len(raw(one["salt"])) == one["salt_len"], "salt_len")
        want(certified(n, raw(one["input_msg"]), raw(one["sig"])) == (one["salt_len"] == 48), "verification")
    for vector in files["rfc9474_vectors"]["vectors"]:
        finds_every_alteration(vector, holds)

def encoded(message, salt):
    """EMSA-PSS with SHA-384 into 4095 bits."""
    digest = sha384(bytes(8) + sha384(message).digest() + salt).digest()
    block = bytes(512 - 50 - len(salt)) + b"\1" + salt
    mask = b"".join(sha384(digest + at.to_bytes(4, "big")).digest() for at in range(10))
    masked = bytes(a ^ b for a, b in zip(block, mask))
    return bytes([masked[0] & 127]) + masked[1:] + digest + b"\xbc"

def rfc_6962(files):
    def sealed(leaves, root):
        # Only the tree is asked for here: these leaves are not sorted, and nobody signed their roots.
        with mock.patch.multiple(recount, note=lambda *_: (len(leaves), root), ascending=lambda _: True):
            return sealed_leaves({"log": {"origin": ""}}, b"".join(leaves), b"")
    def holds(vectors):
        leaves = [sha256(b"\0", raw(text)) for text in vectors["leaf_inputs"]]
        want([leaf.hex() for leaf in leaves] == vectors["leaf_hashes"], "leaf_hashes")
        for at, one in enumerate(vectors["roots"]):
            want(one["size"] == at and sealed(leaves[:at], raw(one["root"])) == leaves[:at], f"{at} leaves")
    names = "leaf_inputs", "leaf_hashes", "roots"
    finds_every_alteration({name: files["rfc6962_vectors"][name] for name in names}, holds)

def signed_json(files):
    for pair in files["signed_json_vectors"]["canonical"]:
        expected = pair["canonical"].encode()
        want(canonical(json.loads(pair["text"])) == canonical(read_json(expected)) == expected, pair["text"])
        want(pair["text"] == pair["canonical"] or refused(read_json, pair["text"].encode()), pair["text"])
    for one in files["signed_json_vectors"]["refused"]:
        is_refused = refused(read_json, one["text"].encode("utf-8", "surrogatepass"))
        want(is_refused == (one["what"] not in OF_THE_SHAPE), one["what"])

def base64_texts(files):
    want((b64url("AA"), b64url("AAE", 2)) == (b"\0", b"\0\1") and b64url("-_8") == b64("+/8=") == b"\xfb\xff", "bytes")
    for wrong in ("AB", "AA==", "A", "A A", "AA\n", "+/8", "-_9", "é"):
        want(refused(b64url, wrong), wrong)
    for wrong in ("AB==", "AA", "A===", "AA ==", "-_8=", "AA==\n", "é"):
        want(refused(b64, wrong), wrong)

def known_answers(files):
    finds_every_alteration(files["credential_known_answers"], every_line)

def every_line(answers):
    names = ("cycle_ref subject_ref spki key_id epk msg prefix input_msg credential_sig manifest_digest leaf_data leaf "
             "rsig")
    at = {name: b64url(answers[name]) for name in names.split()}
    files = {"manifest.json": f"[{answers['manifest']}]".encode(), "manifest.note": answers["manifest_note"].encode()}
    rules = recount.Rules(files)
    subject, log = rules.last["subjects"][0], rules.last["log"]
    stated = [rules.last["cycle_ref"], rules.last["round"], subject["subject_ref"], subject["keys"][0]["spki"]]
    want(stated == [answers[name] for name in ("cycle_ref", "round", "subject_ref", "spki")], "the manifest's subject")
    want(sha256(at["spki"]) == at["key_id"] and rules.digests == [at["manifest_digest"]], "key_id, manifest_digest")
    shown = recount.words(at["manifest_digest"]), log["vkey"]
    want(shown == (answers["manifest_words"], answers["vkey"]), "manifest_words, vkey")
    want(rules.last["methodology_digest"] == text_of(sha256(answers["methodology"].encode())), "methodology")
    msg = b"EJF-CRED-v1\0" + at["cycle_ref"] + at["subject_ref"] + at["key_id"] + at["epk"]
    want(msg == at["msg"] and at["prefix"] + msg == at["input_msg"], "msg, input_msg")
    want(certified(recount.modulus(at["spki"]), at["input_msg"], at["credential_sig"]), "credential_sig")

    entries = [sha256(b"EJF-ENTRY-v1\0", at["key_id"], b64url(assignment, 16), sha256(b64url(blinded)))
               for assignment, blinded in zip(answers["assignment_ids"], answers["blinded_msgs"], strict=True)]
    want([text_of(entry) for entry in entries] == answers["entries"], "entries")
    ledger = read_json(answers["ledger"].encode())
    want(rules.issued("council", answers["ledger"].encode()) == {at["subject_ref"]: 12}, "the ledger's count")
    want(ledger["subjects"][0]["entries"] == [text_of(entry) for entry in sorted(entries)], "the ledger's entries")
    want(ledger["sig"] == answers["ledger_sig"], "ledger_sig")

    body, envelope = answers["body"].encode(), read_json(answers["envelope"].encode())
    leaf, epk, *_ = recount.read_envelope(rules, answers["envelope"].encode())
    given = {"issuer_id": "council", "sig": answers["credential_sig"]}
    given |= {name: answers[name] for name in ("key_id", "prefix")}
    want((epk, canonical(envelope["body"]), envelope["credentials"]) == (at["epk"], body, [given]), "envelope")
    want(envelope["sig"] == answers["sig_review"], "sig_review")
    want(leaf == at["leaf"] == sha256(b"\0", at["leaf_data"]), "leaf_data, leaf")
    receipt = {name: answers[name] for name in ("cycle_ref", "round", "leaf", "rsig")} | {"v": 1}
    promise = b"EJF-RECEIPT-v1\0" + at["cycle_ref"] + answers["round"].to_bytes(4, "big") + leaf
    want(signed(b64url(rules.last["receipt_key"]), promise, at["rsig"]), "rsig")

    checkpoint = answers["checkpoint"].encode()
    want(sealed_leaves(rules.last, leaf, checkpoint) == [leaf], "checkpoint")
    judged = attempt(prove, answers["manifest"].encode(), checkpoint, leaf, canonical(receipt))[1]
    want(judged == "ValueError: the leaf was sealed", "a receipt of a sealed leaf")
    for name, tag, key in (("seal_order", b"EJF-SEAL-v1\0", rules.issuers["council"]),
                           ("deletion_order", b"EJF-DELETE-v1\0", rules.issuers["council"]),
                           ("box_keys", b"EJF-BOX-v1\0", b64(log["vkey"].split("+", 2)[2])[1:])):
        document = read_json(answers[name].encode())
        sig = b64url(document.pop("sig"), 64)
        want(signed(key, tag + canonical(document), sig), name)
    signer = f"sjc.example/box/deleted/{answers['cycle_ref']}/{answers['round']}"
    want(recount.note(answers["deleted_note"].encode(), signer, rules.last) == (1, leaf), "deleted_note")
    # Private keys, which only whoever signs needs.
    want(answers["seeds"] == {name: text_of(bytes([at]) * 32) for at, name in
                              enumerate(("esk", "doc_key", "log_key", "receipt_key"), 1)}, "seeds")

CHECKS = {
    "base64 and base64url have one writing": base64_texts,
    "signed JSON (RFC 8785): canonical texts and refused ones": signed_json,
    "Ed25519: the five vectors of RFC 8032, and every alteration of them is found": rfc_8032,
    "Ed25519: strict where implementations differ": edges,
    "RFC 9474: all four vectors, and every alteration of them is found": rfc_9474,
    "RFC 6962: leaves and roots, and every alteration of them is found": rfc_6962,
    "known answers: every line of the encodings": lambda files: every_line(files["credential_known_answers"]),
    "known answers: every alteration of them is found": known_answers,
}
NAMES = ["rfc8032_vectors", "ed25519_edges", "rfc9474_vectors", "rfc6962_vectors", "signed_json_vectors",
         "credential_known_answers"]

if __name__ == "__main__":
    files, fault = attempt(lambda: {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in NAMES})
    if fault:
        print(f"a vector file cannot be read: {fault}")
        sys.exit(2)
    failed = 0
    for name, check in CHECKS.items():
        _, fault = attempt(check, files)
        print(f"FAILED  {name}\n        {fault}" if fault else f"ok      {name}")
        failed += bool(fault)
    print(f"{failed} of {len(CHECKS)} checks failed" if failed else f"all {len(CHECKS)} checks passed")
    sys.exit(bool(failed))
