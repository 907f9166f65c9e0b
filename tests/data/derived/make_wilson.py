"""Writes wilson.json: the 95 % score interval of Wilson as SciPy gives it.

    pip install scipy==1.17.1 && python make_wilson.py > wilson.json
"""

import json
import sys

import scipy
from scipy.stats import binomtest

CASES = [(count, of) for of in (1, 2, 5, 10, 11, 20, 29, 50, 148, 263, 1_000, 30_000) for count in
         sorted({0, 1, of // 7, of // 3, of // 2, of - 1, of}) if 0 <= count <= of]

if __name__ == "__main__":
    print(f"SciPy {scipy.__version__}", file=sys.stderr)
    rows = []
    for count, of in CASES:
        interval = binomtest(count, of).proportion_ci(confidence_level=0.95, method="wilson")
        rows.append({"count": count, "of": of, "low": float(interval.low), "high": float(interval.high)})
    print("[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]")
