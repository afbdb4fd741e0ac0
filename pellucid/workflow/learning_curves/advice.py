"""Whether more rows or another network would help: what the difference is, and how sure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.workflow.learning_curves.power_law import PowerLaw
from pellucid.workflow.reports.intervals import Interval

HELPS, UNCLEAR, HARDLY = "helps", "unclear", "hardly"

LEAST = 0.02
"""A smaller share of the error than this is not worth much."""


@dataclass(frozen=True)
class Gain:
    """What a change would bring.

    Attributes
    ----------
    change : str
        Such as "1,006 rows", "hidden layers of 512".
    before, after : float
        The error.
    interval : (float, float) or None
        The 95 % interval of their difference; positive where the error falls.
    verdict : str
        "helps" where it is surely 2 % of the error or more; "hardly" where it is surely less; "unclear" otherwise.
    """

    change: str
    before: float
    after: float
    interval: Interval | None
    verdict: str

    @property
    def share(self) -> float:
        """By which share the error falls; NaN where there is none."""
        return (self.before - self.after) / self.before if self.before > 0 else math.nan

    @property
    def share_interval(self) -> Interval | None:
        """The interval of that share."""
        if self.interval is None or not self.before > 0:
            return None
        return self.interval[0] / self.before, self.interval[1] / self.before


def mean_interval(values: np.ndarray, overlap: float, level: float = 0.95) -> Interval | None:
    """Return the interval of a mean over draws; None of a single one.

    Draws share rows to learn from, so that their spread alone makes the mean look surer than it is: its variance is
    taken for ``1 / draws + overlap`` times theirs.
    Source: Nadeau and Bengio, Inference for the generalization error, Machine Learning 52 (2003).

    Parameters
    ----------
    values : ndarray [draws]
    overlap : float
        Rows held out by rows learned from, of one draw.
    level : float

    Examples
    --------
    >>> low, high = mean_interval(np.array([1.0, 2.0, 3.0, 2.0]), overlap=0.0)
    >>> round(low, 3), round(high, 3)
    (0.701, 3.299)
    """
    draws = len(values)
    if draws < 2:
        return None
    from scipy.stats import t

    middle, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
    half = float(t.ppf((1 + level) / 2, draws - 1)) * deviation * math.sqrt(1 / draws + overlap)
    return middle - half, middle + half


def error_interval(errors: np.ndarray, overlap: float) -> Interval | None:
    """Return the 95 % interval of a mean error over draws; no error is less than 0."""
    found = mean_interval(errors, overlap)
    return None if found is None else (max(found[0], 0.0), found[1])


def gain_of_rows(law: PowerLaw) -> Gain:
    """Return what twice as many rows would bring by a power law."""
    before, after = law.predict(np.array([law.last, 2 * law.last]))
    resampled = law.predict_resampled(np.array([law.last, 2 * law.last]))
    low, high = np.quantile(resampled[:, 0] - resampled[:, 1], [0.025, 0.975])
    return _judged(f"{2 * law.last:,} rows", float(before), float(after), (float(low), float(high)))


def last_gain_of_rows(rows: np.ndarray, errors: np.ndarray, overlap: float) -> Gain | None:
    """Return what about the last doubling of the rows has brought; None of a single size."""
    if len(rows) < 2:
        return None
    place = int(np.abs(np.log(rows[:-1]) - math.log(rows[-1] / 2)).argmin())
    return _paired(f"{rows[-1]:,} rows instead of {rows[place]:,}", errors[:, place], errors[:, -1], overlap)


def gain_of_larger(
    names: Sequence[str], parameters: np.ndarray, errors: np.ndarray, planned: int, overlap: float
) -> Gain | None:
    """Return what the best of the larger networks brings; as it is chosen among several, the interval is wider."""
    larger = [number for number in range(len(names)) if parameters[number] > parameters[planned]]
    if not larger:
        return None
    best = min(larger, key=lambda number: float(errors[:, number].mean()))
    return _paired(names[best], errors[:, planned], errors[:, best], overlap, 1 - 0.05 / len(larger))


def gain_of_smaller(
    names: Sequence[str], parameters: np.ndarray, errors: np.ndarray, planned: int, overlap: float
) -> Gain | None:
    """Return how the smallest network compares that is not measurably worse, nor by 2 %; None if there is none."""
    for number in np.argsort(parameters, kind="stable"):
        if parameters[number] >= parameters[planned]:
            return None
        found = _paired(names[number], errors[:, planned], errors[:, number], overlap)
        if found.after <= found.before * (1 + LEAST) and (found.interval is None or found.interval[1] >= 0):
            return found
    return None


def _paired(change: str, before: np.ndarray, after: np.ndarray, overlap: float, level: float = 0.95) -> Gain:
    interval = mean_interval(before - after, overlap, level)
    return _judged(change, float(before.mean()), float(after.mean()), interval)


def _judged(change: str, before: float, after: float, interval: Interval | None) -> Gain:
    least = LEAST * before
    if before <= 0 or (interval is not None and interval[1] < least):
        verdict = HARDLY
    elif interval is not None and interval[0] >= least:
        verdict = HELPS
    else:
        verdict = UNCLEAR
    return Gain(change, before, after, interval, verdict)
