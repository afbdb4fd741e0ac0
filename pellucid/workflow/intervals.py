"""Confidence intervals for what was measured on a sample of rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pellucid.random import uniform

Statistic = Callable[[np.ndarray], float]

LEVEL = 0.95
Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

RESAMPLES = 1000
MOST_DRAWS = 10_000_000
"""Of many rows fewer resamples are drawn: their interval is narrow and varies little."""

MOST_KEPT = 4_000_000
"""Resamples of few rows are drawn once and kept."""


def wilson_interval(share: float, rows: int) -> tuple[float, float]:
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


class Bootstrap:
    """Resamples of rows with replacement, as weights: the same ones for every statistic, so that differences pair.

    Source: Efron, Bootstrap methods: another look at the jackknife, Annals of Statistics 7 (1979).

    Parameters
    ----------
    rows : int
    seed : int
        The same seed gives the same resamples.
    """

    def __init__(self, rows: int, seed: int):
        self.rows, self.seed = rows, seed
        self.count = max(100, min(RESAMPLES, MOST_DRAWS // max(1, rows)))
        self._kept: dict[int, np.ndarray] = {}

    def weights(self, resample: int) -> np.ndarray:
        """Return how often each row is in a resample, [rows]."""
        if resample not in self._kept:
            found = self._draw(resample)
            if self.rows * self.count > MOST_KEPT:
                return found
            self._kept[resample] = found
        return self._kept[resample]

    def _draw(self, resample: int) -> np.ndarray:
        drawn = np.floor(uniform(self.seed, "bootstrap", resample, self.rows) * self.rows).astype(np.int64)
        return np.bincount(drawn, minlength=self.rows).astype(np.float64)

    def interval(self, statistic: Statistic) -> tuple[float, float] | None:
        """Return the 95 % percentile interval of a statistic of weights; None where it cannot be told.

        Resamples for which the statistic is not defined, such as those of a single class, do not count; more than a
        tenth of them, and there is no interval. Nor is there one where all resamples agree: rows without any mistake
        cannot tell how rare mistakes are.
        """
        return self.intervals([statistic])[0]

    def intervals(self, statistics: list[Statistic]) -> list[tuple[float, float] | None]:
        """Return the interval of each of several statistics."""
        if self.rows < 2:
            return [None] * len(statistics)
        values = np.array([[f(weights) for f in statistics] for weights in map(self.weights, range(self.count))])
        return [_percentiles(column) for column in values.T]


def _percentiles(values: np.ndarray) -> tuple[float, float] | None:
    defined = values[np.isfinite(values)]
    if len(defined) < 0.9 * len(values):
        return None
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return (float(low), float(high)) if low < high else None
