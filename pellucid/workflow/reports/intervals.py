"""Confidence intervals for what was measured on a sample of rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pellucid.random import permutation, uniform

LEVEL = 0.95
Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

RESAMPLES = 1000
MOST_UNITS = 4096
"""Of more rows, random groups of rows are drawn instead of rows: so many groups tell the width of an interval within
about one percent, less than the 1000 resamples do."""

MOST_DRAWS = 10_000_000
"""Of many rows fewer resamples are told to statistics that look at every row anew."""

Interval = tuple[float, float]


def wilson_interval(share: float, rows: int) -> Interval:
    """Return the 95 % interval of a share that was found among so many rows.

    Unlike the normal one it is right for shares near 0 and 1.
    Source: Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).

    Examples
    --------
    >>> low, high = wilson_interval(1.0, 36)
    >>> round(low, 4), high
    (0.9036, 1.0)
    """
    square = Z * Z / rows
    middle = (share + square / 2) / (1 + square)
    half = Z / (1 + square) * math.sqrt(share * (1 - share) / rows + square / (4 * rows))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


@dataclass(frozen=True, eq=False)
class Sums:
    """A statistic of weighted sums over rows, so that all resamples of it are one product of matrices.

    Attributes
    ----------
    values : tuple of ndarray, [rows] each
        What a row adds to each sum, before its weight.
    finish : callable
        ``finish(*sums)`` of arrays [resamples, classes] gives the statistic, [resamples].
    classes : ndarray of int, [rows], optional
        Sums are kept apart by these numbers.
    count : int
        How many classes there are.

    Examples
    --------
    >>> mean = Sums((np.ones(3), np.array([1.0, 5.0, 9.0])), lambda weight, total: (total / weight)[:, 0])
    >>> float(mean(np.array([1.0, 1.0, 0.0])))
    3.0
    """

    values: tuple[np.ndarray, ...]
    finish: Callable[..., np.ndarray]
    classes: np.ndarray | None = None
    count: int = 1

    def __call__(self, weight: np.ndarray) -> float:
        """Return the statistic of weighted rows."""
        return float(self.of(self.add_up(weight, np.zeros(len(weight), np.int64), 1))[0])

    def add_up(self, weight: np.ndarray, units: np.ndarray, number: int) -> np.ndarray:
        """Return the sums of each unit of rows, [units, values, classes]."""
        cells = units if self.classes is None else units * self.count + self.classes
        totals = [np.bincount(cells, weight * value, number * self.count) for value in self.values]
        return np.stack(totals, axis=1).reshape(number, self.count, -1).swapaxes(1, 2)

    def of(self, sums: np.ndarray) -> np.ndarray:
        """Return the statistic of sums [resamples, values, classes]."""
        with np.errstate(all="ignore"):
            return np.asarray(self.finish(*sums.swapaxes(0, 1)), np.float64)


Statistic = Sums | Callable[[np.ndarray], float]
"""A number computed from weights of the rows, [rows]."""


class Bootstrap:
    """Resamples of rows with replacement, as weights: the same ones for every statistic, so that differences pair.

    Source: Efron, Bootstrap methods: another look at the jackknife, Annals of Statistics 7 (1979).

    Parameters
    ----------
    rows : int
    seed : int
        The same seed gives the same resamples.
    weights : ndarray, [rows], optional
        How much each row counts.

    Examples
    --------
    >>> values = np.arange(100.0)
    >>> mean = Sums((np.ones(100), values), lambda weight, total: (total / weight)[:, 0])
    >>> [round(bound) for bound in Bootstrap(100, seed=0).interval(mean)]
    [44, 55]
    """

    def __init__(self, rows: int, seed: int, weights: np.ndarray | None = None):
        self.rows, self.seed = rows, seed
        self.row_weights = np.ones(rows) if weights is None else np.asarray(weights, np.float64)
        self.number = min(rows, MOST_UNITS)
        self.units = np.arange(rows)
        if rows > MOST_UNITS:
            self.units = permutation(seed, "bootstrap groups", 0, rows) * self.number // rows

    @cached_property
    def counts(self) -> np.ndarray:
        """How often each unit, a row or a group of rows, is in each resample, float64 [resamples, units]."""
        return np.stack([self._draw(resample) for resample in range(RESAMPLES)])

    def _draw(self, resample: int) -> np.ndarray:
        drawn = np.floor(uniform(self.seed, "bootstrap", resample, self.number) * self.number).astype(np.int64)
        return np.bincount(drawn, minlength=self.number).astype(np.float64)

    def weights(self, resample: int) -> np.ndarray:
        """Return what each row counts in a resample, [rows]."""
        return self.counts[resample][self.units] * self.row_weights

    def values(self, statistic: Statistic) -> np.ndarray:
        """Return a statistic of each resample, [resamples]; the first ones are the same for all statistics."""
        if isinstance(statistic, Sums):
            sums = statistic.add_up(self.row_weights, self.units, self.number)
            with np.errstate(all="ignore"):
                totals = self.counts @ sums.reshape(self.number, -1)
            return statistic.of(totals.reshape(RESAMPLES, *sums.shape[1:]))
        count = min(RESAMPLES, max(100, MOST_DRAWS // self.rows))
        return np.array([statistic(self.weights(resample)) for resample in range(count)])

    def interval(self, statistic: Statistic) -> Interval | None:
        """Return the 95 % percentile interval of a statistic; None where :func:`percentiles` cannot tell it."""
        return percentiles(self.values(statistic)) if self.rows > 1 else None


def percentiles(values: np.ndarray) -> Interval | None:
    """Return the 95 % interval of resampled values; None where it cannot be told.

    Resamples for which the statistic is not defined, such as those of a single class, do not count; more than a tenth
    of them, and there is no interval. Nor is there one where all resamples agree: rows without any mistake cannot tell
    how rare mistakes are.
    """
    defined = values[np.isfinite(values)]
    if not len(values) or len(defined) < 0.9 * len(values):
        return None
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return (float(low), float(high)) if low < high else None
