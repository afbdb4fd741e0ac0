"""The gate of how many examples there are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.training.step import WEIGHT

declare(
    Threshold(
        "enough_examples",
        50,
        20,
        "examples to learn from, as many as weigh alike",
        "from 20 rows a share of one half is known to within 0.2 (Wilson 1927)",
        above=False,
    )
)


@gate("before", "Are there enough examples to learn what holds for others?")
def enough_examples(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    if case.held_out is None:
        return  # nothing is asked about others: four rows are all there are of exclusive or
    weights = np.asarray(case.arranged.examples.arrays[WEIGHT], np.float64)
    alike = float(weights.sum() ** 2 / (weights**2).sum())
    used = int(np.count_nonzero(weights))
    told = "" if alike > used - 0.5 else f", which count as much as {alike:.1f} of equal weight"
    yield find(
        "enough_examples",
        thresholds["enough_examples"],
        alike,
        f"there are {used} examples to learn from{told}",
        remedy="Get more rows; until then take a linear model with L2.",
        causes=("too_few_examples", "overfitting"),
    )
