"""Recounts a sealed bundle: a second implementation of the checks c1 to c8, and of c9 counts, fractions and statements.

Written from the protocol's description and not from the service's code, with Python's standard library alone, so that
an auditor's engineer can read all of it. Interval ends and variances, which are doubles, are left to `ejf recount`.
recount.py DIR [CHECKPOINT, as all were shown it]: outcome and findings; exit 0 equal, 1 mismatch, 2 unreadable."""
import base64, functools, hashlib, itertools, json, multiprocessing, pathlib, re, sys, unicodedata
from fractions import Fraction
def want(holds, what):
    if not holds: raise ValueError(what)
sha256 = lambda *parts: hashlib.sha256(b"".join(parts)).digest()
ascending = lambda items: all(left < right for left, right in zip(items, items[1:]))
# --- Encodings: canonical base64, and signed JSON in its one canonical writing (RFC 8785 without floats).
def b64url(text, size=None):
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    want(text_of(raw) == text and size in (None, len(raw)), "not such base64url")
    return raw
text_of = lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")
def b64(text):
    want(base64.b64encode(base64.b64decode(text)).decode() == text, "base64 that is not canonical")
    return base64.b64decode(text)
canonical = lambda value: json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
def read_json(raw, names=None):
    """Doubled members, white space and every other second writing fail the comparison; True would pass for 1."""
    value = json.loads(raw.decode(), parse_float=int, parse_constant=int)
    want(canonical(value) == raw and unicodedata.is_normalized("NFC", raw.decode()), "not in its canonical writing")
    want(not re.search(rb"true|false", re.sub(rb'"(\\.|[^"\\])*"', b"", raw)), "a truth value in place of a number")
    return members(value, names) if names else value
def members(value, names):
    want(isinstance(value, dict) and set(value) == set(names.split()), f"other members than {names}")
    return value
# --- Ed25519 (RFC 8032), strict: canonical points (X, Y, Z, T) and scalar, none of small order; products by Straus.
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT, ZERO = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P), (0, 1, 1, 0)
def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P
double = lambda p: add(p, p)
def point(raw):
    y, sign = int.from_bytes(raw, "little") & (2**255 - 1), raw[31] >> 7
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    x = x if v * x * x % P == u else x * ROOT % P
    want(y < P and v * x * x % P == u and (x or not sign), "no point of the curve, or not in its canonical writing")
    x = x if x & 1 == sign else P - x
    eight = double(double(double((x, y, 1, x * y % P))))
    want(eight[0] or eight[1] != eight[2], "a point of small order")
    return x, y, 1, x * y % P
multiples = lambda p: list(itertools.accumulate([ZERO] + [p] * 15, add))
BASE = multiples(point(bytes.fromhex("58" + "66" * 31)))
def signed(key, message, signature):
    (x, y, _, t), _, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    minus, total = multiples((P - x, y, 1, P - t)), ZERO
    for shift in range(252, -4, -4):
        total = double(double(double(double(total))))
        total = add(add(total, BASE[s >> shift & 15]), minus[k >> shift & 15])
    x, y = (coordinate * pow(total[2], -1, P) % P for coordinate in total[:2])
    return s < L and (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]
# --- RSA: an SPKI of 3072 bits with e = 65537, whose DER has one form; PSS with SHA-384 and a salt of 48 bytes.
SPKI = bytes.fromhex("308201a2300d06092a864886f70d01010105000382018f003082018a0282018100"), bytes.fromhex("0203010001")
def modulus(der):
    n = int.from_bytes(der[33:417], "big")
    is_whole = len(der) == 422 and der[:33] == SPKI[0] and der[417:] == SPKI[1] and n >> 3071
    want(is_whole and all(n % factor for factor in range(2, 2000)), "no sound RSA key of 3072 bits with 65537")
    return n
def certified(n, message, signature):
    em = pow(power := int.from_bytes(signature, "big"), 65537, n).to_bytes(len(signature), "big")
    masked, digest = em[:-49], em[-49:-1]
    mask = b"".join(hashlib.sha384(digest + at.to_bytes(4, "big")).digest() for at in range(-(-len(masked) // 48)))
    block = bytes([(masked[0] ^ mask[0]) & 127]) + bytes(a ^ b for a, b in zip(masked[1:], mask[1:]))
    inner = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + block[-48:]).digest()
    return power < n and masked[0] < 128 and em[-1] == 0xBC and block[:-48].lstrip(b"\0") == b"\1" and inner == digest
# --- C2SP signed notes, read as number and hash if the log key signed them under `name`; the RFC 6962 tree.
def note(raw, name, manifest):
    text, blank, signatures = raw.decode().rpartition("\n\n")
    key, is_signed = b64(manifest["log"]["vkey"].split("+", 2)[2])[1:], False
    want(blank and signatures.endswith("\n"), "no note")
    for line in signatures[:-1].split("\n"):
        dash, signer, encoded = line.split(" ")
        want(dash == "—" and len(b64(encoded)) > 4, "no signature line")
        if signer == name and b64(encoded)[:4] == sha256(name.encode(), b"\n\1", key)[:4]:
            is_signed = signed(key, text.encode() + b"\n", b64(encoded)[4:])
    origin, number, encoded = text.split("\n")
    want(is_signed and origin == name and str(int(number)) == number, "the note is not the log's")
    return int(number), b64(encoded)
def sealed_leaves(manifest, raw, checkpoint):
    leaves = level = [raw[at : at + 32] for at in range(0, len(raw), 32)]
    want(len(raw) % 32 == 0 and ascending(leaves), "the leaves are not sorted and distinct")
    while len(level) > 1: level = [sha256(b"\1", *pair) for pair in zip(level[::2], level[1::2])] + level[len(level) & ~1 :]
    sealed = note(checkpoint, manifest["log"]["origin"], manifest)
    want(sealed == (len(leaves), level[0] if level else sha256()), "the checkpoint seals other leaves")
    return leaves
# --- c2 and c3: what the reviews are judged by. A manifest's members by their places; no generation changes `KEPT`.
KEPT = ("v cycle_ref round methodology_digest issuers receipt_key log issued_min display_min decision_min body_size "
        "max_seq witnesses witness_quorum")
SHAPE = {"": KEPT + " generation prev_manifest_digest utc_offset_minutes dates client_hashes instruments subjects",
    "dates": "issue_open issue_close submit_open submit_close seal_by challenge_close", "name": "kk ru en",
    "issuers": "issuer_id name doc_key", "log": "origin vkey", "subjects": "subject_ref instrument_id panel_size keys",
    "instruments": "instrument_id items statements max_statements", "items": "code min max",
    "keys": "issuer_id purpose key_id spki"}
def shaped(value, place=""):
    listed = [(place, one) for one in value] if isinstance(value, list) else ()
    for name, one in members(value, SHAPE[place]).items() if isinstance(value, dict) else listed:
        shaped(one, name)
def keys_of(manifest):
    """Keys by subject and issuer, if the manifest is one under which a reviewer's client would ask for credentials."""
    shaped(manifest)
    fixed = [manifest[name] for name in ("v", "body_size", "witnesses", "witness_quorum")]
    refs, keys = [b64url(subject["subject_ref"], 16) for subject in manifest["subjects"]], {}
    want(fixed == [1, 8192, [], 0] and refs and ascending(refs), "another version, or subjects not in their order")
    floor = max(6, manifest["decision_min"]) if manifest["round"] == 1 else 6
    for ref, subject in zip(refs, manifest["subjects"]):
        want(floor <= manifest["issued_min"] <= subject["panel_size"], "issued_min is out of bounds")
        owners = sorted((key["issuer_id"], key["purpose"]) for key in subject["keys"])
        want(owners == sorted((issuer["issuer_id"], "marks") for issuer in manifest["issuers"]), "keys of others")
        for key in subject["keys"]:
            want(b64url(key["key_id"]) == sha256(b64url(key["spki"])), "a key_id is not the hash of its key")
            keys[ref, key["issuer_id"]] = b64url(key["key_id"]), modulus(b64url(key["spki"]))
    want(len(set(keys.values())) == len(refs) * len(manifest["issuers"]), "a key stands twice")
    return keys
class Rules:
    def __init__(self, files):
        self.manifests = read_json(files["manifest.json"])
        self.digests = [sha256(canonical(manifest)) for manifest in self.manifests]
        for at, manifest in enumerate(self.manifests):
            link = [at, text_of(self.digests[at - 1]) if at else None, *map(self.manifests[0].get, KEPT.split())]
            names = ["generation", "prev_manifest_digest", *KEPT.split()]
            want([manifest.get(name) for name in names] == link, "no chain of generations")
            self.keys = keys_of(manifest)
        self.last = self.manifests[-1]
        self.issuers = {issuer["issuer_id"]: b64url(issuer["doc_key"], 32) for issuer in self.last["issuers"]}
        self.forms = {form["instrument_id"]: form for form in self.last["instruments"]}
        self.subjects = {b64url(subject["subject_ref"], 16): subject for subject in self.last["subjects"]}
        place = self.last["log"]["origin"].split("/")
        signer = "/".join(place[:-2] + ["manifest", self.last["cycle_ref"], str(self.last["round"])])
        want(note(files["manifest.note"], signer, self.last) == (at, self.digests[-1]), "another manifest is noted")
    def issued(self, issuer_id, raw):
        """What the issuer's ledger counts, by subject, where the subject still has the key that was counted."""
        ledger = read_json(raw, "v cycle_ref round generation issuer_id manifest_digest subjects sig")
        unsigned, counts = canonical({name: value for name, value in ledger.items() if name != "sig"}), {}
        want(signed(self.issuers[issuer_id], b"EJF-LEDGER-v1\0" + unsigned, b64url(ledger["sig"], 64)), "bad signature")
        then = self.manifests[self.digests.index(b64url(ledger["manifest_digest"]))]
        is_own = all(ledger[name] == then[name] for name in ("v", "cycle_ref", "round", "generation"))
        want(is_own and ledger["issuer_id"] == issuer_id, "another round's or issuer's")
        for listed, subject in zip(ledger["subjects"], then["subjects"], strict=True):
            own = [key["key_id"] for key in subject["keys"] if key["issuer_id"] == issuer_id]
            entries = [b64url(entry, 32) for entry in members(listed, "subject_ref key_id entries")["entries"]]
            want([listed["subject_ref"], listed["key_id"]] == [subject["subject_ref"], *own], "another subject or key")
            want(ascending(entries) and len(entries) <= subject["panel_size"], "unsorted, doubled or too many entries")
            if self.keys.get((b64url(listed["subject_ref"]), issuer_id), "-")[0] == b64url(listed["key_id"]):
                counts[b64url(listed["subject_ref"])] = len(entries)
        return counts
# --- c5: one envelope, as (leaf, epk, subject, prev, (marks, statements), is_withdrawn).
def read_envelope(rules, line):
    envelope, last = read_json(line, "epk credentials body sig"), rules.last
    body, epk, sig = envelope["body"], b64url(envelope["epk"], 32), b64url(envelope["sig"], 64)
    members(body, "v cycle_ref round subject_ref manifest_digest seq prev nonce purpose marks statements")
    stands = [b64url(body["nonce"], 32) and body[name] for name in ("v", "purpose", "cycle_ref", "round")]
    want(stands == [1, "marks", last["cycle_ref"], last["round"]], "another round's, or no body of this version")
    ref, marks, chosen = b64url(body["subject_ref"]), body["marks"], body["statements"]
    subject, then = rules.subjects[ref], rules.manifests[rules.digests.index(b64url(body["manifest_digest"]))]
    before = next(old for old in then["subjects"] if old["subject_ref"] == body["subject_ref"])
    form, prev = rules.forms[subject["instrument_id"]], [b64url(leaf, 32) for leaf in body["prev"]]
    is_kept = before["keys"] == subject["keys"] and before["instrument_id"] == form["instrument_id"]
    want(is_kept and form in then["instruments"], "signed under a manifest that no longer holds for the subject")
    allowed = {item["code"]: (None, *range(item["min"], item["max"] + 1)) for item in form["items"]}
    want(set(marks) == set(allowed) and all(marks[code] in allowed[code] for code in marks), "no marks of the form")
    is_short = ascending(chosen) and len(chosen) <= form["max_statements"]
    want(is_short and set(chosen) <= set(form["statements"]), "statements that the form does not allow")
    want(len(prev) + 1 == body["seq"] <= last["max_seq"] and ascending(prev), "no such sequence of versions")
    given = {members(one, "issuer_id key_id prefix sig")["issuer_id"]: one for one in envelope["credentials"]}
    want(set(given) == set(rules.issuers) and len(given) == len(envelope["credentials"]), "other credentials")
    for issuer_id, one in given.items():
        key_id, n = rules.keys[ref, issuer_id]
        message = b64url(one["prefix"], 32) + b"EJF-CRED-v1\0" + b64url(last["cycle_ref"], 16) + ref + key_id + epk
        want(b64url(one["key_id"]) == key_id and certified(n, message, b64url(one["sig"], 384)), "a bad credential")
    want(signed(epk, b"EJF-REVIEW-v1\0" + canonical(body), sig), "the signature is not valid")
    opened = b"".join(len(part).to_bytes(4, "big") + part for part in (canonical(body), sig)) + epk
    leaf = sha256(b"\0EJF-LEAF-v1\0", b64url(last["cycle_ref"]), sha256(opened))
    return leaf, epk, ref, prev, (marks, chosen), not chosen and all(mark is None for mark in marks.values())
def attempt(work, *given):
    try:
        return work(*given), None
    except Exception as fault:  # Whatever cannot be read is a finding, and no reason to stop.
        return None, f"{type(fault).__name__}: {fault}"
# --- c9: counts, levels and profiles as exact fractions; statements that enough chose; criteria that are held back.
def trimmed(values):
    g = len(values) // 4
    return sum(sorted(values)[g : len(values) - g], Fraction(0)) / (len(values) - 2 * g)
exact = lambda value: [value.numerator, value.denominator]
def figure(value, stored):
    text = "{}.{:02}".format(*divmod((200 * value.numerator + value.denominator) // (2 * value.denominator), 100))
    return {"score": exact(value), "text": text, "ordinary": stored["ordinary"], "aware": stored["aware"]}
def score(methodology, criteria, sheets, stored):
    scale, counts, (differences, alike) = methodology["scale"], methodology["counts"], [[[] for _ in criteria] for _ in "12"]
    keys, chosen, opposite = [], [], {one["code"]: one.get("opposite") for one in methodology["statements"]}
    asked = [[one["code"] for one in methodology["items"] if one["criterion"] == row["code"]] for row in criteria]
    is_enough = lambda n: n >= counts["decision_min"] and n - n // 4 * 2 >= counts["kept_min"]
    for marks, codes in sheets:
        means = []
        for items, row in zip(([marks[code] for code in codes_of] for codes_of in asked), alike):
            given = [mark for mark in items if mark is not None and (mark - scale["min"]) % scale["step"] == 0]
            means.append(Fraction(sum(given), len(given)) if 2 * len(given) >= len(items) else None)
            is_one = len(set(given)) == 1 and (len(items) == 1 or given[0] in (scale["min"], scale["max"]))
            row += [] if means[-1] is None else [given[0] if is_one else None]
        answered = [(one["weight"], mean) for one, mean in zip(criteria, means) if mean is not None]
        if answered:
            chosen += [code for code in codes if opposite[code] not in codes]
            keys.append(sum(weight * mean for weight, mean in answered) / sum(weight for weight, _ in answered))
            for row, mean in zip(differences, means):
                row += [] if mean is None else [mean - keys[-1]]
    n, g = len(keys), len(keys) // 4
    if n < counts["display_min"]: return {"status": "insufficient", "criteria": []}
    level, low, high = trimmed(keys), sum(sorted(keys)[: n - g]) / (n - g), sum(sorted(keys)[g:]) / (n - g)
    overall = {"set_aside": g, "resilience_lo": exact(low), "resilience_hi": exact(high)}
    overall |= {"resilience": stored["overall"]["resilience"], **figure(level, stored["overall"])}
    rows = [{"code": criterion["code"], "n": len(row)} for criterion, row in zip(criteria, differences)]
    for criterion, row, found in zip(rows, differences, stored["criteria"]):
        if len(row) >= counts["display_min"]:
            value = Fraction(min(scale["max"], max(scale["min"], level + trimmed(row))))
            criterion |= {"difference": exact(trimmed(row)), **figure(value, found)}
    told = [code for code in opposite if chosen.count(code) >= counts["statement_min"]]
    is_held = any(is_enough(len(row)) and 10 * max(map(row.count, {*row} - {None}), default=0)
                  > (len(row) - 1) * max(0, 10 - len(items)) for row, items in zip(alike, asked))
    more = {"statements": told, "held_back": is_held and "criteria"} if is_enough(n) else {}
    known = {"status": ("indicative", "ok")[is_enough(n)], "n": n, "overall": overall, "criteria": rows}
    return known | {name: value for name, value in more.items() if value}
def tell(methodology, sheets):
    """Without marks: the statements that enough of at least decision_min reviews chose, and nothing else."""
    counts, opposite = methodology["counts"], {one["code"]: one.get("opposite") for one in methodology["statements"]}
    given = [codes for _, codes in sheets if codes]
    if len(given) < counts["decision_min"]: return {"status": "insufficient", "criteria": []}
    chosen = [code for codes in given for code in codes if opposite[code] not in codes]
    told = [code for code in opposite if chosen.count(code) >= counts["statement_min"]]
    return {"status": "developmental", "n": len(given), "criteria": []} | ({"statements": told} if told else {})
def check_results(rules, files, reviews, names="algorithm instruments subjects"):
    methodology, result = json.loads(files["methodology.json"]), read_json(files["result.json"])
    asked = {form["instrument_id"]: [one for one in methodology["criteria"] if one["code"] in form["criteria"]]
             for form in methodology["instruments"]}
    forms = [(one["instrument_id"], [row["code"] for row in one["criteria"]]) for one in result["instruments"]]
    used = sorted({subject["instrument_id"] for subject in rules.subjects.values()})
    is_marked = "scale" in methodology
    marked = [(form, [row["code"] for row in asked[form]]) for form in used if is_marked]
    want(forms == marked, "other instruments or criteria")
    algorithm = ("statements-1", "level-profile-1")[is_marked]
    want(members(result, names)["algorithm"] == algorithm, "another algorithm")
    by_ref = lambda subject: subject["subject_ref"]
    for subject, stored in zip(sorted(rules.last["subjects"], key=by_ref), result["subjects"], strict=True):
        sheets = [review[4] for review in reviews if review[2] == b64url(subject["subject_ref"])]
        form = asked[subject["instrument_id"]]
        expected = score(methodology, form, sheets, stored) if is_marked else tell(methodology, sheets)
        want(stored == {"subject_ref": subject["subject_ref"], **expected}, f"the result of {subject['subject_ref']}")
def lines_of(raw):
    want(not raw or raw.endswith(b"\n"), "the last line has no end")
    return raw.splitlines()
def read_retired(raw):
    versions = [read_json(line, "leaf epk") for line in lines_of(raw)]
    return [(b64url(version["leaf"], 32), b64url(version["epk"], 32)) for version in versions]
words = lambda digest: " ".join(re.findall("....", digest.hex()[:40]))
def check(pool, folder, *kept, results=check_results):
    read = lambda paths: {path.name: path.read_bytes() for path in paths}
    found, fault = attempt(lambda: (read(pathlib.Path(folder).iterdir()), read(map(pathlib.Path, kept))))
    if fault or "index.json" not in found[0]: return 2, [fault or "there is no index.json"]
    (files, given), findings = found, []
    def reading(what, work, *given):
        value, fault = attempt(work, *given)
        findings.extend([f"{what}: {fault}"] if fault else [])
        return value or {}
    index = reading("c1", read_json, files.pop("index.json"), "v cycle_ref round files counts")
    hashes = {name: text_of(sha256(raw)) for name, raw in files.items()}
    reading("c1", want, (index.get("v"), index.get("files")) == (1, hashes), "files missing, added or changed")
    rules = reading("c2", Rules, files)
    if not rules: return 1, findings
    reading("c2", want, rules.last["methodology_digest"] == hashes.get("methodology.json"), "another methodology")
    is_own = [index.get("cycle_ref"), index.get("round")] == [rules.last["cycle_ref"], rules.last["round"]]
    base = "leaves envelopes.ndjson superseded.ndjson manifest.json manifest.note methodology.json result.json".split()
    ledgers = {issuer_id: f"ledger-{issuer_id}.json" for issuer_id in rules.issuers}
    reading("c1", want, is_own and set(files) == {"checkpoint", *base, *ledgers.values()}, "another round or files")
    issued = [reading(f"c3: {name}", rules.issued, issuer_id, files.get(name)) for issuer_id, name in ledgers.items()]
    leaves = reading("c4", sealed_leaves, rules.last, files.get("leaves"), files.get("checkpoint")) or []
    for checkpoint in given.values():
        reading("c4: the checkpoint given", sealed_leaves, rules.last, files.get("leaves"), checkpoint)
    lines = reading("c5", lines_of, files.get("envelopes.ndjson")) or []
    judged = pool.map(functools.partial(attempt, read_envelope, rules), lines, 16)
    findings += [f"c5: envelope {at}: {fault}" for at, (_, fault) in enumerate(judged, 1) if fault]
    reviews = [review for review, _ in judged if review]
    opened, withdrawn = [review[0] for review in reviews], sum(review[5] for review in reviews)
    reading("c5", want, ascending(opened) and set(opened) <= set(leaves), "not sorted by leaf, doubled or not sealed")
    reading("c6", want, len({review[1] for review in reviews}) == len(reviews), "a key has two reviews")
    for ref, subject in rules.subjects.items():
        count, counts = sum(review[2] == ref for review in reviews), [ledger.get(ref, 0) for ledger in issued]
        is_open = rules.last["issued_min"] <= min(counts) and max(counts) <= subject["panel_size"]
        reading("c6", want, count == 0 or is_open and count <= min(counts), f"gate of {subject['subject_ref']}")
    retired = reading("c7", read_retired, files.get("superseded.ndjson")) or []
    consents = sorted((leaf, review[1]) for review in reviews for leaf in review[3])
    reading("c7", want, ascending(retired) and consents == retired, "leaves retired otherwise than by their authors")
    reading("c7", want, sorted(opened + [leaf for leaf, _ in retired]) == leaves, "leaves not accounted for once")
    counts = [len(leaves), len(reviews) - withdrawn, len(retired), withdrawn]
    is_listed = index.get("counts") == dict(zip(("leaves", "tallied", "superseded", "withdrawn"), counts))
    reading("c8", want, is_listed and 2 * len(leaves) == sum(counts), "the counts differ")
    reading("c9", results, rules, files, reviews)
    if findings: return 1, findings
    seen = words(rules.digests[-1]), words(b64(files["checkpoint"].decode().split("\n")[2]))
    told = "manifest, as ordered: {}\nroot, as reviewers read it: {}\ndigest of the results: {}"
    return 0, told.format(*seen, sha256(files["result.json"]).hex()).split("\n")
if __name__ == "__main__":
    with multiprocessing.Pool() as workers:
        code, findings = check(workers, *sys.argv[1:]) if len(sys.argv) in (2, 3) else (2, [__doc__])
    print(("equal", "not equal", "unreadable")[code], *findings, sep="\n")
    sys.exit(code)
