"""Recounts the supplementary round of a cycle after its first: each bundle by recount.py, then what holds between the two,
and the results over both.

supplement.py DIR1 DIR2: the outcome, then one line for each finding; exit 0 equal, 1 mismatch, 2 unreadable
"""
import json, multiprocessing, pathlib, sys
import recount
from recount import b64url, sha256, want

def check_together(index, one, two):
    """c9 of the second bundle, whose results are over the reviews of both; subjects and forms are those of the first."""
    (rules, files, reviews), (later, results, added) = one, two
    first, second = rules.last, later.last
    want((first["round"], second["round"]) == (1, 2), "not the first and the second round")
    for name in ("cycle_ref", "methodology_digest", "issuers"):
        want(first[name] == second[name], f"another {name} than in the first round")
    want(first["log"]["vkey"].split("+", 2)[2] == second["log"]["vkey"].split("+", 2)[2], "another log key")
    want(first["receipt_key"] != second["receipt_key"], "the receipt key of the first round")
    stored = json.loads(files["result.json"])["subjects"]
    short = {subject["subject_ref"] for subject in stored if subject["status"] in ("insufficient", "indicative")}
    want({subject["subject_ref"] for subject in second["subjects"]} <= short, "a subject who had enough reviews")
    want(not {review[1] for review in reviews} & {review[1] for review in added}, "a key has a review in both rounds")
    recount.check_results(rules, results, reviews + added, "algorithm earlier instruments subjects")
    earlier = json.loads(results["result.json"])["earlier"]
    want(b64url(earlier) == sha256(index), "the results were computed after another first round")

def check(pool, first, second):
    rounds = []
    def alone(*round):
        rounds.append(round)
        recount.check_results(*round)
    code, findings = recount.check(pool, first, results=alone)
    if code:
        return code, [f"round 1: {finding}" for finding in findings]
    index = pathlib.Path(first, "index.json").read_bytes()
    return recount.check(pool, second, results=lambda *round: check_together(index, rounds[0], round))

if __name__ == "__main__":
    with multiprocessing.Pool() as workers:
        code, findings = check(workers, *sys.argv[1:]) if len(sys.argv) == 3 else (2, [__doc__])
    print(("equal", "not equal", "unreadable")[code], *findings, sep="\n")
    sys.exit(code)
