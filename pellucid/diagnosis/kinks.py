"""Kinks: where the slope of a function of one operand jumps, and only a stated point says what it is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np

from pellucid.diagnosis.trials import CheckError, CheckReport
from pellucid.ops.declare import Elementwise

CELLS = 64
"""Into how many cells an interval is divided, each time that it is looked at more closely."""

JUMP = 1e-3
"""The smallest jump of the slope that counts, relative to the slopes beside it or to 1."""

STEP = 1e-5
"""How closely a kink is looked at, relative to its place or to 1: a smooth slope changes by little over this."""


def check_kinks(op: Elementwise, rng: np.random.Generator, report: CheckReport) -> None:
    """Check that every kink in the range of the samples is among the declared points.

    Raises
    ------
    CheckError
        With the place of one that is not.
    """
    if op.arity != 1 or op.accepts[0] == "bool" or op.result == "bool" or not op.differentiable:
        return
    drawn = np.asarray(op.sample[0].draw(rng, (256,)), float)
    stated = [float(operands[0]) for operands, *_ in op.read_points()]

    def function(x: np.ndarray) -> np.ndarray:
        return np.asarray(op.reference(x, **op.param_defaults), float)

    for kink in find_kinks(function, float(drawn.min()), float(drawn.max())):
        if not any(abs(kink - point) <= 10 * STEP * max(abs(kink), 1.0) for point in stated):
            raise CheckError(
                "the slope jumps at an operand that is not among the points",
                where=f"{op.name} near {kink:.6g}",
                expected="a point there, with its value and its slope",
                fix=f"Declare it: points={{{kink:.6g}: (value, slope), ...}}.",
            )
        report.note("kinks")


def find_kinks(function: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> list[float]:
    """Return where the slope of a function jumps between two places, or the function does.

    Examples
    --------
    >>> [round(kink, 3) for kink in find_kinks(lambda x: np.abs(x - 0.3) + np.fmax(x, 1.0), -2.0, 3.0)]
    [0.3, 1.0]
    >>> find_kinks(np.tanh, -5.0, 5.0)
    []
    """
    found: list[float] = []
    for left, right in _suspects(function, low, high):
        place = _look_closer(function, left, right)
        if place is not None and not any(abs(place - other) <= 4 * STEP * max(abs(place), 1.0) for other in found):
            found.append(place)
    return found


def _slopes(function: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    x = np.linspace(low, high, CELLS + 1)
    with np.errstate(all="ignore"):
        return x, np.diff(function(x)) / np.diff(x)


def _suspects(function: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> Iterator[tuple[float, float]]:
    """Yield overlapping intervals that cover the range: a kink at the border of one is inside another."""
    edges = np.linspace(low, high, CELLS + 1)
    for left, right in itertools.pairwise(edges):
        width = right - left
        yield max(left - 0.37 * width, low), min(right + 0.29 * width, high)


def _look_closer(function: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> float | None:
    """Follow the largest change of the slope down to a small step; return its place if it stays as large."""
    while True:
        x, slopes = _slopes(function, low, high)
        if not np.isfinite(slopes).all():
            return None
        changes = np.abs(np.diff(slopes))
        at = int(changes.argmax())
        size = max(abs(float(slopes[at])), abs(float(slopes[at + 1])), 1.0)
        if changes[at] < JUMP * size:
            return None
        place = float(x[at + 1])
        step = STEP * max(abs(place), 1.0)
        if x[1] - x[0] <= step:
            return place if _stays(function, place, step) else None
        low, high = float(x[max(at - 1, 0)]), float(x[min(at + 3, CELLS)])


def _stays(function: Callable[[np.ndarray], np.ndarray], place: float, step: float) -> bool:
    """Say whether slopes on both sides differ as much nearby as farther off, which those of a curve do not."""
    jumps = []
    for wide in (8 * step, 2 * step):
        x = np.array([place - 2 * wide, place - wide, place + wide, place + 2 * wide])
        with np.errstate(all="ignore"):
            y = function(x)
        before, after = (y[1] - y[0]) / wide, (y[3] - y[2]) / wide
        jumps.append(abs(float(after - before)))
    size = max(abs(float(before)), abs(float(after)), 1.0)
    return math.isfinite(jumps[1]) and jumps[1] >= JUMP * size and jumps[1] > 0.6 * jumps[0]
