"""Short trainings that gates run before the real one, with the network, loss and optimizer that were chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.data.dataset import is_sparse, with_data
from pellucid.data.split import split
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.probe import GIVEN, Arrays, forward, losses_of_outputs, quieted, settings_of
from pellucid.errors import PellucidError, TrainingError
from pellucid.executors.inputs import gather
from pellucid.executors.program import DEFAULT_EXECUTOR
from pellucid.graph.context import Context
from pellucid.nn.regularizers import L1, L2, InputNoise, MaxNorm, StayNear, TargetNoise, Tie
from pellucid.optim.lbfgs import LBFGS
from pellucid.random import permutation
from pellucid.training.course import Course
from pellucid.training.events import Handlers
from pellucid.training.loop import INTERRUPTED
from pellucid.training.preparation import classes_of_targets
from pellucid.training.setup import Examples, prepare_training
from pellucid.training.step import WEIGHT, build_objective, target_inputs

COST = 3e9
"""So many products of a parameter and an example a training may cost: about a second."""

BESIDES = 1e4
"""What a step costs besides, in the same unit."""

SLOWER = 100
"""How many times slower the interpreter is, for small networks."""

MOST_ROWS = 2000
MOST_STEPS = 4000
MOST_ITERATIONS = 200

BY_SETTINGS = (L1, L2, Tie, StayNear, InputNoise, TargetNoise, MaxNorm)
"""Regularizers that do nothing with settings of their own."""

SHARE = 0.1
"""The share of differences that may be much larger than the others."""

Given = Mapping[str, Any]
"""Arrays of examples, dense or sparse."""


def affordable_steps(case: Case, rows: int) -> int:
    """Return how many steps a short training may have: by sizes alone, so that it is the same on every machine."""
    course = case.arranged.course
    batch = min(rows, course.batch_size or rows)
    cost = float(case.network.count_parameters()) * batch + BESIDES
    if course.executor != DEFAULT_EXECUTOR:
        cost *= SLOWER
    if isinstance(course.optimizer, LBFGS):
        return int(min(MOST_ITERATIONS, max(20, COST / (2 * cost * rows / batch))))
    return int(min(MOST_STEPS, max(50, COST / cost)))


def learn(
    case: Case,
    arrays: Given,
    steps: int,
    *,
    quiet: bool = False,
    settings: Mapping[str, float] | None = None,
    scheduled: bool = True,
) -> Arrays | None:
    """Return the parameters after so many steps, or None where a value was not finite.

    Parameters
    ----------
    case : Case
    arrays : mapping of ndarray or CSR matrix
        The examples to learn from.
    steps : int
        With L-BFGS, iterations.
    quiet : bool
        Whether regularizers, dropout and noise are off.
    settings : mapping of float, optional
        Numbers in place of the case's own.
    scheduled : bool
        Whether the learning rate follows its schedule.
    """
    course, count = course_of(case, quiet), len(arrays[WEIGHT])
    per_epoch = 1 if isinstance(course.optimizer, LBFGS) else -(-count // min(count, course.batch_size or count))
    course = replace(course, steps=steps, epochs=-(-steps // per_epoch), patience=None, metric="loss")
    course = course if scheduled else replace(course, schedule=None)
    own = dict(case.options.get("settings") or {})
    known = known_settings(case, course, min(count, course.batch_size or count))
    own = {**known, **{name: own[name] for name in own if name in known}}
    run = replace(
        case.arranged.run,
        settings={**(quieted(own) if quiet else own), **(settings or {})},
        time_limit=None,
        checkpoint=None,
        history_file=None,
        resume=False,
        progress=False,
    )
    try:
        training = prepare_training(course, Examples(arrays, None, np.arange(count)), run, Handlers())
        if training.run() == INTERRUPTED:
            raise KeyboardInterrupt
    except TrainingError:
        return None
    return dict(training.progress.parameters)


def course_of(case: Case, quiet: bool) -> Course:
    """Return the case's course; where it is to be quiet, without the regularizers that no setting turns off."""
    course = case.arranged.course
    if not quiet or all(type(one) in BY_SETTINGS for one in course.regularizers):
        return course
    kept = [one for one in course.regularizers if type(one) in BY_SETTINGS]
    return case.once("quiet course", lambda: replace(course, regularizers=kept, compiled={}))


def known_settings(case: Case, course: Course, batch: int) -> dict[str, float]:
    """Return the settings of a course's steps, with the numbers that they have unless told otherwise."""
    if not isinstance(course.optimizer, LBFGS):
        return dict(course.step_for(batch)[0].settings)
    context = Context(training=True, batch=2, dtype=case.network.dtype)
    build_objective(context, case.network, case.losses, course.regularizers)
    return dict(context.settings)


def is_regularized(case: Case) -> bool:
    """Say whether there is dropout, noise, a penalty or the like to be turned off."""
    course = case.arranged.course
    if any(type(one) not in BY_SETTINGS for one in course.regularizers):
        return True
    count = len(case.arranged.examples.rows)
    settings = settings_of(case, known_settings(case, course, min(count, course.batch_size or count)))
    return quieted(settings) != settings


def losses(case: Case, parameters: Arrays | None, arrays: Given) -> np.ndarray:
    """Return the loss of each example as predicted, [examples]; infinite where there are no parameters."""
    count = len(arrays[WEIGHT])
    if parameters is None:
        return np.full(count, math.inf)
    forwards = case.once(f"forward of {count}", lambda: forward(case, count))
    costs = case.once(f"quiet losses of {count}", lambda: losses_of_outputs(case, count, quiet=True))
    dense = {name: gather(array, slice(None)) for name, array in arrays.items()}
    outputs = {GIVEN + name: output for name, output in forwards(parameters, dense).items()}
    found = np.asarray(costs({}, {**dense, **outputs})["losses"], np.float64)
    return np.where(np.isnan(found), math.inf, found)


def taken(arrays: Given, rows: np.ndarray) -> dict[str, Any]:
    """Return some of the examples."""
    return {name: array[rows] for name, array in arrays.items()}


def without_inputs(case: Case, arrays: Given) -> dict[str, Any]:
    """Return the examples with all inputs 0."""
    return {name: _zero(array) if name in case.network.inputs else array for name, array in arrays.items()}


def _zero(array: Any) -> Any:
    return with_data(array, np.zeros_like(array.data)) if is_sparse(array) else np.zeros_like(array)


def with_targets_of(case: Case, arrays: Given, rows: np.ndarray) -> dict[str, Any]:
    """Return the examples, each with the targets of another one."""
    targets = target_inputs(case.network, case.losses)
    return {name: array[rows] if name in targets else array for name, array in arrays.items()}


@dataclass(frozen=True, eq=False)
class Halves:
    """Examples to learn from for a short while, and others to judge by."""

    learning: dict[str, Any]
    judging: dict[str, Any]


def halves(case: Case, most: int) -> Halves:
    """Return at most so many of the examples that are learned from, in two parts: 3 of 4, and the others."""
    arrays = case.arranged.examples.arrays
    count = len(arrays[WEIGHT])
    chosen = permutation(case.seed, "gates, parts", 0, count)[:most]
    targets = next(iter(target_inputs(case.network, case.losses)))
    strata = classes_of_targets(len(chosen), arrays[targets][chosen], case.losses)
    try:
        parts: Sequence[np.ndarray] = split(len(chosen), [0.75, 0.25], case.seed, strata)
    except PellucidError:
        parts = split(len(chosen), [0.75, 0.25], case.seed)
    # Rows stay in their order: that of a training without shuffling counts.
    return Halves(*(taken(arrays, np.sort(chosen[part])) for part in parts))


def sureness(one: np.ndarray, other: np.ndarray, weights: np.ndarray) -> float:
    """Return how many standard errors the mean of losses lies above that of others, row by row.

    A few rows with very large differences make the error so large that they hide what all rows say. So the larger
    number counts: that of all differences, or that of them with the largest tenth cut to the least among it. Where one
    way ended in values that are not finite, the other one is better without doubt; if the other did, it is worse.

    Examples
    --------
    >>> round(sureness(np.array([1.0, 2.0, 3.0]), np.zeros(3), np.ones(3)), 3)
    3.713
    """
    if not np.isfinite(other).all():
        return -math.inf
    if not np.isfinite(one).all():
        return math.inf
    differences, weights = one - other, weights.astype(np.float64)
    cut = np.minimum(differences, np.quantile(differences, 1 - SHARE))
    return max(_in_errors(differences, weights), _in_errors(cut, weights))


def _in_errors(differences: np.ndarray, weights: np.ndarray) -> float:
    """Return the mean in standard errors."""
    mean = float(np.average(differences, weights=weights))
    rows = float(weights.sum() ** 2 / np.sum(weights**2))  # as many of equal weight would be as sure: Kish 1965
    variance = float(np.average((differences - mean) ** 2, weights=weights)) / max(rows - 1, 1e-9)
    if variance <= 0:
        return math.copysign(math.inf, mean) if mean else 0.0
    return mean / math.sqrt(variance)
