"""Writes year.json: the results of an invented year and the figures that Python's own statistics make of them.

Run with Python 3.9 or later and no packages: python3 make_year.py > year.json
Means and variances are statistics.mean and statistics.variance over exact fractions, the quantile is that of
statistics.NormalDist, and halves are rounded away from 0. Nothing of it is taken from the program that it checks.
"""

import json
import math
import random
from fractions import Fraction
from statistics import NormalDist, mean, variance

dice = random.Random(20270111)
REGIONS = [("almaty_city", 90), ("astana", 70), ("abai", 60), ("kostanay", 40)]
Z = NormalDist().inv_cdf(0.975)


def away(value):
    """Half away from 0, from an exact fraction."""
    sign = -1 if value < 0 else 1
    return sign * math.floor(abs(value) + Fraction(1, 2))


subjects = []
for region, count in REGIONS:
    for _ in range(count):
        sex = dice.choice("fm")
        level = dice.choice(["district"] * 3 + ["regional"])
        seniority = dice.choice(["under_5", "5_to_9", "10_to_19", "20_and_more"])
        middle = 370 - (20 if sex == "f" else 0) + (15 if level == "regional" else 0)
        point = min(500, max(100, 25 * round(dice.gauss(middle, 60) / 25)))
        band = "above" if point >= 350 else "below" if point < 275 else "not_distinguishable"
        subjects.append({"point": point, "band": band, "groups": [sex, region, level, seniority]})

dimensions = ["sex", "region", "level", "seniority"]
comparisons = []
for at, dimension in enumerate(dimensions):
    for code in sorted({subject["groups"][at] for subject in subjects}):
        own = [Fraction(s["point"]) for s in subjects if s["groups"][at] == code]
        other = [Fraction(s["point"]) for s in subjects if s["groups"][at] != code]
        assert min(len(own), len(other)) >= 30, (code, len(own))
        difference = mean(own) - mean(other)
        half = Z * math.sqrt(variance(own) / len(own) + variance(other) / len(other))
        lo, hi = math.floor(float(difference) - half), math.ceil(float(difference) + half)
        comparisons.append({
            "dimension": dimension, "code": code, "subject_count": len(own), "mean_hundredths": away(mean(own)),
            "other_count": len(other), "other_mean_hundredths": away(mean(other)),
            "difference_hundredths": away(difference), "difference_lo_hundredths": lo,
            "difference_hi_hundredths": hi, "is_distinguishable": lo > 0 or hi < 0,
        })

bands = {}
for subject in subjects:
    bands[subject["band"]] = bands.get(subject["band"], 0) + 1
print(json.dumps({
    "subjects": subjects,
    "mean_hundredths": away(mean([Fraction(s["point"]) for s in subjects])),
    "bands": sorted(bands.items()),
    "comparisons": comparisons,
}, indent=0))
