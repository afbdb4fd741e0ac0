"""Few examples, learned by heart with the network, loss and optimizer that were chosen: does it go, and why not?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.limits import Limits
from pellucid.diagnosis.gates.probe import count, examples
from pellucid.diagnosis.gates.small_fits import (
    MOST_ROWS,
    affordable_steps,
    course_of,
    is_regularized,
    known_settings,
    learn,
    losses,
    taken,
)
from pellucid.optim.lbfgs import LBFGS
from pellucid.random import permutation
from pellucid.training.step import WEIGHT, target_inputs

FEW = 50
"""How many examples are learned by heart."""

ENOUGH = 0.5
"""Where this share of a constant's loss is left, examples are not learned by heart."""

NOTHING = 0.95
"""Where this share is left, nothing at all is learned."""

DIVERGED = 1.5
"""Where more than this share is left, learning has made it worse."""

FACTORS = (10.0, 100.0, 0.1, 0.01)
"""By these the learning rate is changed where a network does not learn, to see whether it would."""


@dataclass(frozen=True, eq=False)
class ByHeart:
    """What became of learning few examples by heart.

    Attributes
    ----------
    arrays : dict of ndarray
    judge : callable
        Returns of parameters the loss, and the share of a constant's loss that is left.
    steps : int
    left : float
        The share of a constant's loss that was left.
    constant, reached : float
        The losses.
    better : dict of float
        What was left with the learning rate times another factor, where it was tried; 1 is for no schedule.
    """

    arrays: dict[str, np.ndarray]
    judge: Callable[[Any], tuple[float, float]]
    steps: int
    left: float
    constant: float
    reached: float
    better: dict[float, float]

    @property
    def rows(self) -> int:
        return count(self.arrays)


def learned_by_heart(case: Case) -> ByHeart | None:
    """Return what becomes of learning few examples without regularization; None where that says nothing."""
    return case.once("by heart", lambda: _learn_by_heart(case))


def _learn_by_heart(case: Case) -> ByHeart | None:
    arrays = _few(case)
    limits = Limits(case, arrays)
    constant, least = limits.constant(), limits.least()
    if not constant - least > 1e-9 * max(1.0, abs(constant)):
        return None

    def judge(parameters: Any) -> tuple[float, float]:
        reached = float(np.average(losses(case, parameters, arrays), weights=arrays[WEIGHT].astype(np.float64)))
        return reached, (reached - least) / (constant - least)

    most = affordable_steps(case, count(arrays))
    best = math.inf, math.inf, most
    for steps in (most // 20, most // 4, most):
        reached, share = judge(learn(case, arrays, max(steps, 1), quiet=True))
        if share < best[1]:
            best = reached, share, steps
        if share < 0.3:
            break
    better = {}
    if best[1] > ENOUGH:
        for factor, settings in _other_rates(case, count(arrays)):
            parameters = learn(case, arrays, most, quiet=True, settings=settings, scheduled=factor != 1)
            better[factor] = judge(parameters)[1]
    return ByHeart(arrays, judge, best[2], best[1], constant, best[0], better)


def _few(case: Case) -> dict[str, np.ndarray]:
    """Return few examples that differ in their inputs, of classes about as many each."""
    arrays = examples(case, MOST_ROWS)
    flat = np.concatenate(
        [arrays[name].reshape(count(arrays), -1).astype(np.float64) for name in case.network.inputs], axis=1
    )
    _, first = np.unique(flat, axis=0, return_index=True)
    order = permutation(case.seed, "gates, few", 0, len(first))
    rows = np.sort(first)[order]
    target = arrays[next(iter(target_inputs(case.network, case.losses)))]
    if case.task in ("binary", "multiclass") and target.size == len(target):
        _, codes = np.unique(target.reshape(-1)[rows], return_inverse=True)
        rows = rows[np.argsort(_turns(codes), kind="stable")]
    return taken(arrays, np.sort(rows[:FEW]))


def _turns(codes: np.ndarray) -> np.ndarray:
    """Return how many rows of its class come before each row."""
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    turns = np.empty(len(codes), np.int64)
    turns[order] = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    return turns


def _other_rates(case: Case, rows: int) -> Iterator[tuple[float, dict[str, float]]]:
    course = course_of(case, quiet=True)
    if isinstance(course.optimizer, LBFGS) or not hasattr(course.optimizer, "learning_rate"):
        return
    known = known_settings(case, course, min(rows, course.batch_size or rows))
    rate = float((case.options.get("settings") or {}).get("learning_rate", known["learning_rate"]))
    for factor in FACTORS if course.schedule is None else (1.0, *FACTORS):
        yield factor, {"learning_rate": rate * factor}


def why_not_learned(found: ByHeart) -> tuple[tuple[str, ...], str, str]:
    """Return causes of little being learned, a remedy, and what another learning rate would do, in words."""
    if found.better:
        factor = min(found.better, key=lambda factor: found.better[factor])
        share = found.better[factor]
        if share < 0.7 * found.left or (not math.isfinite(found.left) and math.isfinite(share)):
            told = f"; with {factor:g} times the learning rate {share:.0%} of that is left"
            if factor == 1:
                return ("step_too_small",), "Let the schedule fall more slowly.", f"; without the schedule {share:.0%}"
            if factor > 1:
                return ("step_too_small", "network_too_small"), "Raise the learning rate.", told
            return ("step_too_large", "large_initialization"), "Lower the learning rate.", told
    if not found.left <= DIVERGED:
        return ("step_too_large", "large_initialization"), "Lower the learning rate.", ""
    causes: tuple[str, ...] = ("network_too_small", "wrong_output", "detached_layer")
    if found.left > NOTHING:
        causes = ("vanishing_gradients", "dead_units", "network_too_small")
    return causes, "Look at the other gates; else take more units or layers.", ""


def learned_with_regularization(case: Case) -> tuple[float, float] | None:
    """Return the loss that few examples are learned to with regularization, and the share of a constant's that is left.

    None where there is no regularization, or where they can not be learned without it either.
    """
    return case.once("by heart with regularization", lambda: _learn_with_regularization(case))


def _learn_with_regularization(case: Case) -> tuple[float, float] | None:
    found = learned_by_heart(case)
    if found is None or found.left > ENOUGH or not is_regularized(case):
        return None
    steps = min(max(4 * found.steps, 500), affordable_steps(case, found.rows))
    return found.judge(learn(case, found.arrays, steps))
