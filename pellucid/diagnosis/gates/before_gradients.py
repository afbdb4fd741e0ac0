"""Gates of the gradient: it is the derivative, every parameter receives it, and the units of a layer differ in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pellucid import random
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import FAIL, WARN, Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.probe import Arrays, Runner, count, examples, inputs_are_alike, moved, objective
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.graph.graph import live_nodes

ROWS = 32
STEPS = (1e-5, 1e-6)
"""Finite differences are taken with these parts of a parameter's size: with the second where the first meets a kink."""

FIRST_STEPS = 4
"""So many steps are done to see whether units become different."""

ROUNDING = 1e-7
"""Slopes smaller than this part of the objective are lost in its rounding."""

declare(
    Threshold(
        "gradients_are_derivatives",
        1e-3,
        1e-2,
        "how far a gradient is from the finite difference along a random direction, as a part of the larger one",
        "central differences in float64: Nocedal and Wright 2006, section 8.1",
    ),
    Threshold(
        "parameters_learn",
        1e-9,
        1e-9,
        "share of parameter arrays whose gradient is exactly 0 for every example",
        "such a parameter never changes",
    ),
    Threshold(
        "units_differ",
        0.25,
        0.5,
        "share of a layer's units that have the same weights as another one after some steps",
        "symmetry has to be broken: Goodfellow, Bengio, Courville 2016, section 8.4",
    ),
)


@dataclass(frozen=True)
class Slopes:
    """The slope of the objective along a random direction of each parameter, by gradient and by finite difference.

    Attributes
    ----------
    objective : float
    gradients : dict of ndarray
        By path.
    by_gradient, by_difference : dict of float
        By path.
    """

    objective: float
    gradients: Arrays
    by_gradient: dict[str, float]
    by_difference: dict[str, float]

    def error(self, path: str) -> float:
        """Return how far the two are from each other, as a part of the larger one."""
        one, other = self.by_gradient[path], self.by_difference[path]
        return abs(one - other) / max(abs(one), abs(other), ROUNDING * max(1.0, abs(self.objective)))


def slopes(case: Case) -> list[Slopes]:
    """Return the slopes near the first parameters, twice: at two places in two directions; computed once."""
    return case.once("slopes", lambda: _slopes(case))


def _slopes(case: Case) -> list[Slopes]:
    arrays = examples(case, ROWS)
    runner = objective(case, count(arrays))
    plain = objective(case, count(arrays), gradients=False)
    return [_slopes_at(case, runner, plain, arrays, number) for number in (1, 2)]


def _slopes_at(case: Case, runner: Runner, plain: Runner, arrays: Arrays, number: int) -> Slopes:
    place = moved(case, number)
    found = runner(place, arrays)
    gradients = {path: found[f"d {path}"] for path in place}
    slopes = Slopes(float(found["objective"]), gradients, {}, {})
    for path, array in place.items():
        size = max(float(np.sqrt(np.mean(array * array))), 0.01) if array.size else 1.0
        direction = size * random.normal(case.seed, f"gates, direction/{path}", number, array.shape)
        slopes.by_gradient[path] = float(np.sum(gradients[path] * direction))
        for step in STEPS:
            ends = [
                float(plain({**place, path: array + sign * step * direction}, arrays)["objective"]) for sign in (1, -1)
            ]
            slopes.by_difference[path] = (ends[0] - ends[1]) / (2 * step)
            if slopes.error(path) < 1e-4:
                break
    return slopes


@gate("before", "Are the gradients the derivatives of the objective?")
def gradients_are_derivatives(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    found = slopes(case)
    if not all(np.isfinite(one.objective) for one in found):
        return
    learning = [path for path in case.parameters if path not in detached(found)]
    if not learning:
        return
    # A kink may stand in the way at one place, but hardly at both.
    errors = {path: min(one.error(path) for one in found) for path in learning}
    worst = max(errors, key=lambda path: errors[path])
    told = found[int(np.argmin([one.error(worst) for one in found]))]
    finding = find(
        "gradients_are_derivatives",
        thresholds["gradients_are_derivatives"],
        errors[worst],
        f"along a random direction of {worst} the gradient says {told.by_gradient[worst]:.6g},"
        f" finite differences say {told.by_difference[worst]:.6g}",
        remedy="Check the operations of your own between it and the loss with pl.check.",
        causes=("wrong_gradient", "detached_layer"),
        where=worst,
    )
    if finding.verdict == FAIL and _is_stopped(case):
        finding = replace(finding, verdict=WARN, remedy="Look at each stop_gradient: is it meant?")
    yield finding


@gate("before", "Does every parameter receive a gradient?")
def parameters_learn(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    found = slopes(case)
    if not all(np.isfinite(one.objective) for one in found):
        return
    without = [path for path in case.parameters if all(not one.gradients[path].any() for one in found)]
    stopped = detached(found)
    unused = [path for path in without if path not in stopped and not _is_used(case, path)]
    if stopped or unused:
        causes: tuple[str, ...] = ("detached_layer",)
        remedy = "Look for stop_gradient, step units and comparisons, or values not used."
    elif inputs_are_alike(case):
        causes, remedy = ("uninformative_inputs",), "Look at how the inputs are read: they are all alike."
    else:
        causes, remedy = ("dead_units", "uninformative_inputs"), "Look at what comes into this layer: it may be 0."
    named = ", ".join(without[:4]) + (f" and {len(without) - 4} more" if len(without) > 4 else "")
    told = f"{len(without)} of {len(case.parameters)} parameters" + (f" ({named})" if without else "")
    yield find(
        "parameters_learn",
        thresholds["parameters_learn"],
        len(without) / max(len(case.parameters), 1),
        f"{told} have a gradient of exactly 0 for each of {ROWS} examples",
        remedy=remedy,
        causes=causes,
        where=without[0] if without else "",
    )


def detached(found: list[Slopes]) -> list[str]:
    """Return the parameters on which the objective depends, but whose gradient is exactly 0."""
    return [
        path
        for path in found[0].gradients
        if all(not one.gradients[path].any() for one in found) and any(one.error(path) > 1e-2 for one in found)
    ]


def _is_used(case: Case, path: str) -> bool:
    graph = case.network.graph(batch=2, training=True)
    return graph.inputs[path] in set(live_nodes(graph.outputs.values()))


def _is_stopped(case: Case) -> bool:
    return any(node.op.name == "stop_gradient" for node in case.network.graph(batch=2, training=True).nodes)


@gate("before", "Do the units of a layer become different from each other?")
def units_differ(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    shares = {path: _share_of_twins(array) for path, array in _after_some_steps(case).items()}
    if not shares:
        return
    worst = max(shares, key=lambda path: shares[path])
    units = case.network.parameters[worst].type.shape[1]
    yield find(
        "units_differ",
        thresholds["units_differ"],
        shares[worst],
        f"after {FIRST_STEPS} steps {shares[worst]:.0%} of the {units} units of {worst} are the same as another one",
        remedy="Draw first weights at random: leave out the initializer.",
        causes=("zero_initialization",),
        where=worst if shares[worst] else "",
    )


def _after_some_steps(case: Case) -> Arrays:
    """Return the weights [features, units] after some small steps down the gradient; units that are twins stay so.

    What begins at 0 on purpose, as the last layer of a block or of the network does, has moved by then.
    """
    arrays = examples(case, ROWS)
    run = objective(case, count(arrays))
    place = {path: array.astype(np.float64) for path, array in case.parameters.items()}
    for _ in range(FIRST_STEPS):
        found = run(place, arrays)
        for path, array in place.items():
            gradient = found[f"d {path}"]
            size = float(np.abs(gradient).max(initial=0.0))
            if size > 0 and np.isfinite(size):
                place[path] = array - 0.01 * max(float(np.abs(array).max()), 1.0) * gradient / size
    known = case.network.parameters.items()
    matrices = [path for path, one in known if one.kind == "weight" and one.type.ndim == 2 and one.type.shape[1] > 1]
    return {path: place[path] for path in matrices if np.isfinite(place[path]).all()}


def _share_of_twins(columns: np.ndarray) -> float:
    """Return the share of columns that equal another one but for rounding."""
    scaled = columns / (float(np.abs(columns).max()) or 1.0)
    _, counts = np.unique(np.round(scaled, 9) + 0.0, axis=1, return_counts=True)
    return float(counts[counts > 1].sum() / columns.shape[1])
