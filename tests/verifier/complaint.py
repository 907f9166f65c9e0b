"""Exit 0 if a receipt proves that the box sealed a round without a leaf that it had promised; with any other, 1.

complaint.py MANIFEST CHECKPOINT LEAVES RECEIPT: the round's public documents as anybody can fetch them, and a receipt
"""
import json, pathlib, sys
from recount import attempt, b64url, members, read_json, sealed_leaves, signed, want

def prove(manifest, checkpoint, leaves, receipt):
    manifest, receipt = read_json(manifest), members(json.loads(receipt), "v cycle_ref round leaf rsig")
    is_own = [receipt["v"], receipt["cycle_ref"], receipt["round"]] == [1, manifest["cycle_ref"], manifest["round"]]
    cycle, leaf = b64url(receipt["cycle_ref"], 16), b64url(receipt["leaf"], 32)
    promise = b"EJF-RECEIPT-v1\0" + cycle + receipt["round"].to_bytes(4, "big") + leaf
    is_signed = signed(b64url(manifest["receipt_key"], 32), promise, b64url(receipt["rsig"], 64))
    want(is_own and is_signed, "the box did not promise this leaf")
    want(leaf not in sealed_leaves(manifest, leaves, checkpoint), "the leaf was sealed")

if __name__ == "__main__":
    _, fault = attempt(lambda: prove(*(pathlib.Path(name).read_bytes() for name in sys.argv[1:])))
    print(fault or "the box sealed without a leaf that it had promised")
    sys.exit(1 if fault else 0)
