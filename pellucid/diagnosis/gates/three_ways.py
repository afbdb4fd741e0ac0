"""Learning in three ways: from examples as they are, with inputs of 0, and with the targets of other examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.limits import Limits
from pellucid.diagnosis.gates.probe import examples
from pellucid.diagnosis.gates.small_fits import (
    MOST_ROWS,
    affordable_steps,
    halves,
    learn,
    losses,
    with_targets_of,
    without_inputs,
)
from pellucid.optim.lbfgs import LBFGS
from pellucid.random import permutation
from pellucid.training.step import WEIGHT

LEAST = 80
"""Where there are fewer examples, a fourth of them says too little."""


@dataclass(frozen=True, eq=False)
class ThreeWays:
    """Losses of new examples after learning from examples as they are, without inputs, and with shuffled targets.

    Attributes
    ----------
    rows, steps : int
        How many were learned from, and for how long at most.
    weights : ndarray [examples]
    real, zero, shuffled : ndarray [examples]
        Losses under the true targets; each at the step at which they were least.
    of_shuffled, of_constant : ndarray or None [examples]
        Of shuffled targets, after learning from shuffled ones, and under the best constant.
    """

    rows: int
    steps: int
    weights: np.ndarray
    real: np.ndarray
    zero: np.ndarray
    shuffled: np.ndarray
    of_shuffled: np.ndarray
    of_constant: np.ndarray | None


def three_ways(case: Case) -> ThreeWays | None:
    """Return what new examples cost after learning in three ways; None where there are too few of them."""
    return case.once("three ways", lambda: _three_ways(case))


def _three_ways(case: Case) -> ThreeWays | None:
    if case.options.get("start_from") is not None:  # what was learned before would be known in all three ways
        return None
    if len(case.arranged.examples.rows) < LEAST or targets_are_alike(case):
        return None
    found = halves(case, MOST_ROWS)
    learning, judging = found.learning, found.judging
    rows, new = len(learning[WEIGHT]), len(judging[WEIGHT])
    mixed = with_targets_of(case, learning, permutation(case.seed, "gates, shuffled", 0, rows))
    mixed_new = with_targets_of(case, judging, permutation(case.seed, "gates, shuffled", 1, new))
    weights = np.asarray(judging[WEIGHT])
    most = _steps_of_training(case, rows)
    ways: dict[str, np.ndarray] = {}
    of_shuffled = np.zeros(new)
    for steps in sorted({max(most // share, 1) for share in (27, 9, 3, 1)}):
        for name, arrays, new_examples in (
            ("real", learning, judging),
            ("zero", without_inputs(case, learning), without_inputs(case, judging)),
            ("shuffled", mixed, judging),
        ):
            parameters = learn(case, arrays, steps)
            each = losses(case, parameters, new_examples)
            if name not in ways or np.average(each, weights=weights) < np.average(ways[name], weights=weights):
                ways[name] = each
            if name == "shuffled" and steps == most:
                of_shuffled = losses(case, parameters, mixed_new)
    of_constant = _of_constant(case, mixed_new)
    return ThreeWays(rows, most, weights, ways["real"], ways["zero"], ways["shuffled"], of_shuffled, of_constant)


def targets_are_alike(case: Case) -> bool:
    """Say whether a constant output is right for all examples, so that there is nothing to learn."""
    limits = Limits(case, examples(case, MOST_ROWS))
    constant = limits.constant()
    return abs(constant - limits.least()) <= 1e-9 * max(1.0, abs(constant))


def _steps_of_training(case: Case, rows: int) -> int:
    """Return how many steps the training would have, or fewer where that costs too much."""
    options, course = case.options, case.arranged.course
    per_epoch = 1 if isinstance(course.optimizer, LBFGS) else -(-rows // min(rows, course.batch_size or rows))
    own = int(course.epochs) * per_epoch
    if options.get("steps") is not None:
        own = min(own, int(options["steps"]))
    return max(1, min(own, affordable_steps(case, rows)))


def _of_constant(case: Case, arrays: Any) -> np.ndarray | None:
    """Return the loss of each example under the best constant; None where that says nothing."""
    constant = case.constant
    if constant is None:
        return None
    limits = Limits(case, arrays)
    if not limits.least() < limits.constant():  # by such a loss nothing can be said
        return None
    outputs = {name: constant.parameters[f"{name}_constant"] for name in case.network.outputs}
    rows = len(arrays[WEIGHT])
    filled = {name: np.broadcast_to(output, (rows, *output.shape)) for name, output in outputs.items()}
    return limits.each(filled)
