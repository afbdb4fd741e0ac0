"""A gate on small perturbations of the input: they should not change much."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.data.dataset import Dataset, is_sparse
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.judged import interval, judged_held_out, judged_learned, row_losses, unit_of_loss
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.random import normal

SIZE = 0.05
"""The standard deviation of the noise, as a share of that of each feature."""

DRAWS = 4

declare(
    Threshold(
        "robustness",
        0.1,
        0.4,
        f"by how much noise of {SIZE:.0%} of each feature's spread raises the loss, for sure, as a share of what the"
        " best constant costs",
        "Novak et al. 2018; set by faults",
    )
)


@gate("after", "Do small perturbations of the input change little?")
def robustness(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    unit = None if case.fit is None else unit_of_loss(case)
    if case.fit is None or unit is None:
        return
    found = judged_held_out(case) or judged_learned(case)
    if not any(_can_be_moved(array) for array in found.dataset.inputs.values()):
        return
    moved = np.mean([row_losses(case.fit, perturb(found.dataset, case.seed, draw)) for draw in range(DRAWS)], axis=0)
    if not (np.isfinite(moved).all() and np.isfinite(found.network).all()):
        return
    rise = interval(moved - found.network, found.weights)
    yield find(
        "robustness",
        thresholds["robustness"],
        rise.low / unit,
        f"noise of {SIZE:.0%} of each feature's spread changes the loss from {found.mean(found.network):.4g}"
        f" to {found.mean(moved):.4g}; the best constant costs {unit:.4g}",
        remedy="Add noise to the inputs, L2 or dropout, or stop earlier.",
        causes=("overfitting", "large_initialization", "step_too_large"),
    )


def perturb(dataset: Dataset, seed: int, draw: int) -> Dataset:
    """Return a dataset with normal noise on its dense inputs of floats, a share of each feature's spread."""
    inputs = {}
    for name, array in dataset.inputs.items():
        if _can_be_moved(array):
            spread = np.std(array, axis=0, dtype=np.float64)
            noise = normal(seed, f"perturbation {name}", draw, array.size).reshape(array.shape)
            inputs[name] = (array + SIZE * spread * noise).astype(array.dtype)
        else:
            inputs[name] = array
    return Dataset(inputs, dataset.targets, dataset.weights)


def _can_be_moved(array: object) -> bool:
    """Say whether an array holds numbers that may change a little, which numbers of categories may not."""
    return not is_sparse(array) and isinstance(array, np.ndarray) and array.dtype.kind == "f"
