"""Power laws: how an error falls with the number of rows, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.random import uniform
from pellucid.workflow.reports.intervals import Interval, percentiles

EXPONENTS = (0.05, 4.0)
"""Between these the exponent lies: below, a power cannot be told from a logarithm; above, all is over at once."""

GRID = 60
REFINEMENTS = 3
RESAMPLES = 1000

LEAST_SIZES = 5
"""Of fewer numbers of rows no law is fitted: it has three numbers of its own."""

FITS_WITHIN = 0.05
"""A law that is nowhere farther off than this share of the error fits, even where chance alone is less than that."""

LEVEL = 0.99


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """An error that falls with the number of rows as ``floor + scale * rows ** -exponent``.

    Attributes
    ----------
    floor, scale, exponent : float
        The error that no number of rows takes away; and how fast the rest goes.
    floor_interval, exponent_interval : (float, float) or None
        95 % intervals.
    first : int
        From so many rows on it holds, as far as is known.
    last : int
        The largest number of rows that it was fitted to.
    misfit : float
        By which share of the error the mean of a size differs from it at most.
    resamples : ndarray of float64 [resamples, 4]
        Floor, scale and exponent of resampled draws, and from how many rows on they hold.
    """

    floor: float
    scale: float
    exponent: float
    floor_interval: Interval | None
    exponent_interval: Interval | None
    first: int
    last: int
    misfit: float
    resamples: np.ndarray

    def __str__(self) -> str:
        return f"{self.floor:.4g} + {self.scale:.4g} * rows^-{self.exponent:.3g}"

    def predict(self, rows: float | np.ndarray) -> np.ndarray:
        """Return the error for these numbers of rows.

        Examples
        --------
        >>> law = PowerLaw(0.1, 2.0, 0.5, None, None, 10, 100, 0.0, np.empty((0, 4)))
        >>> float(law.predict(400))
        0.2
        """
        return self.floor + self.scale * np.asarray(rows, np.float64) ** -self.exponent

    def predict_resampled(self, rows: float | np.ndarray) -> np.ndarray:
        """Return what each resample says, [resamples, rows]; NaN for fewer rows than it holds for."""
        given = np.atleast_1d(np.asarray(rows, np.float64))
        floor, scale, exponent, first = self.resamples.T[:, :, None]
        return np.where(given < first * (1 - 1e-9), np.nan, floor + scale * given**-exponent)

    def interval(self, rows: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the 95 % interval of the error for these numbers of rows."""
        low, high = np.nanquantile(self.predict_resampled(rows), [0.025, 0.975], axis=0)
        return low, high


def fit_power_law(rows: np.ndarray, errors: np.ndarray, seed: int = 0, overlap: float = 0.0) -> PowerLaw | None:
    """Fit a power law to errors of several draws; None where they follow none.

    Each size counts by how sure its mean is. The smallest sizes, at which a network has hardly begun to learn, are left
    out as long as the law does not fit with them. It fits where the means of the sizes differ from it by no more than
    chance, or by less than 5 %.

    The intervals are those of a bootstrap over the draws, widened by what their overlap hides; and as it is not known
    from which size on the law holds, the resamples begin at every size with which it fits.
    Sources: Hestness et al., Deep learning scaling is predictable, empirically, arXiv 1712.00409 (2017); Nadeau and
    Bengio, Inference for the generalization error, Machine Learning 52 (2003).

    Parameters
    ----------
    rows : ndarray [sizes]
        Ascending.
    errors : ndarray [draws, sizes]
        Not negative.
    seed : int
        Of the bootstrap.
    overlap : float
        Rows held out by rows learned from, of one draw.

    Examples
    --------
    >>> rows = np.array([16, 32, 64, 128, 256, 512])
    >>> law = fit_power_law(rows, np.tile(0.2 + 3 * rows**-0.5, (3, 1)))
    >>> round(law.floor, 3), round(law.scale, 2), round(law.exponent, 3)
    (0.2, 3.0, 0.5)
    """
    sizes = np.asarray(rows, np.float64)
    starts = range(len(sizes) - LEAST_SIZES + 1)
    fitting = [start for start in starts if _misfit(sizes[start:], errors[:, start:]) is not None]
    return _resampled(sizes, errors, fitting, seed, overlap) if fitting else None


def _misfit(rows: np.ndarray, errors: np.ndarray) -> float | None:
    """Return by which share of the error the law is off at most; None where it does not fit."""
    mean, variance = errors.mean(axis=0), variance_of_means(rows, errors)
    floor, scale, exponent = _fit(rows, mean[None], variance)[0]
    deviation = np.abs(mean - (floor + scale * rows**-exponent))
    with np.errstate(divide="ignore", invalid="ignore"):
        misfit = float(np.where(deviation > 0, deviation / mean, 0.0).max())
    return misfit if misfit <= FITS_WITHIN or _within_chance(deviation, variance, len(errors)) else None


def _resampled(rows: np.ndarray, errors: np.ndarray, starts: Sequence[int], seed: int, overlap: float) -> PowerLaw:
    """Return the law from the first of the starts on; its resamples take the starts in turn."""
    draws, first = len(errors), starts[0]
    mean = errors.mean(axis=0)
    drawn = np.stack([uniform(seed, "learning curve", number, draws) for number in range(RESAMPLES)])
    counts = (np.floor(drawn * draws)[:, :, None] == np.arange(draws)).sum(axis=1)
    means = np.maximum(mean + np.sqrt(1 + draws * overlap) * (counts @ errors / draws - mean), 0.0)
    resamples = np.empty((RESAMPLES, 4))
    for turn, start in enumerate(starts):
        own = slice(turn, None, len(starts))
        resamples[own, :3] = _fit(rows[start:], means[own, start:], variance_of_means(rows[start:], errors[:, start:]))
        resamples[own, 3] = rows[start]
    floor, scale, exponent = _fit(rows[first:], mean[None, first:], variance_of_means(rows[first:], errors[:, first:]))[
        0
    ]
    misfit = _misfit(rows[first:], errors[:, first:])
    return PowerLaw(
        float(floor),
        float(scale),
        float(exponent),
        percentiles(resamples[:, 0]),
        percentiles(resamples[:, 2]),
        int(rows[first]),
        int(rows[-1]),
        misfit or 0.0,
        resamples,
    )


def variance_of_means(rows: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Return the variance of the mean error of each size, apart from what shifts a whole draw; smooth in the sizes.

    Some draws are easier than others at every size: that says nothing of the form of the curve.
    """
    draws, sizes = errors.shape
    own = errors - errors.mean(axis=1, keepdims=True) - errors.mean(axis=0) + errors.mean()
    deviation = np.sqrt((own**2).sum(axis=0) * sizes / max((draws - 1) * (sizes - 1), 1) / draws)
    known = deviation > 1e-12 * np.abs(errors).max()
    if known.sum() < 2:
        return np.ones(sizes)
    slope, level = np.polyfit(np.log(rows[known]), np.log(deviation[known]), 1)
    return np.exp(level + slope * np.log(rows)) ** 2


def _within_chance(deviation: np.ndarray, variance: np.ndarray, draws: int) -> bool:
    from scipy.stats import f

    freedom = len(deviation) - 3
    found = float((deviation**2 / variance).sum()) / freedom
    return draws > 1 and found <= f.ppf(LEVEL, freedom, (draws - 1) * len(deviation))


def _fit(rows: np.ndarray, means: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return floor, scale and exponent of each row of means, [resamples, 3]: weighted least squares, none negative.

    For a given exponent the other two are known in closed form; so it is looked for on a grid, then on finer ones.
    """
    weights = variance.min() / variance
    low, high = (np.full(len(means), np.log(bound)) for bound in EXPONENTS)
    for _ in range(REFINEMENTS):
        grid = np.linspace(low, high, GRID, axis=1)
        floor, scale, squares = _solve(rows / rows[-1], means, weights, np.exp(grid))
        best = squares.argmin(axis=1)
        chosen, step = np.arange(len(means)), (high - low) / (GRID - 1)
        middle = grid[chosen, best]
        low = np.maximum(middle - step, np.log(EXPONENTS[0]))
        high = np.minimum(middle + step, np.log(EXPONENTS[1]))
    exponent = np.exp(middle)
    return np.stack([floor[chosen, best], scale[chosen, best] * rows[-1] ** exponent, exponent], axis=1)


def _solve(
    rows: np.ndarray, means: np.ndarray, weights: np.ndarray, exponents: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return floor, scale and the sum of squares for each exponent, [resamples, exponents]."""
    power = rows ** -exponents[:, :, None]
    total = weights.sum()
    of_power, of_mean = (power * weights).sum(axis=2) / total, (means * weights).sum(axis=1)[:, None] / total
    square = (power**2 * weights).sum(axis=2) / total
    product = (power * (means * weights)[:, None]).sum(axis=2) / total
    spread = square - of_power**2
    scale = np.divide(product - of_power * of_mean, spread, out=np.zeros_like(spread), where=spread > 1e-300)
    scale = np.maximum(scale, 0.0)
    floor = of_mean - scale * of_power
    below = floor < 0
    scale = np.where(below, product / square, scale)
    floor = np.where(below, 0.0, floor)
    found = floor[:, :, None] + scale[:, :, None] * power
    return floor, scale, (weights * (means[:, None] - found) ** 2).sum(axis=2)
