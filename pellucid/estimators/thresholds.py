"""Decision thresholds: above which probability the second of two classes is predicted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.errors import UsageError, nearest
from pellucid.training.metrics import METRICS, metric, metrics_for

COSTS = ("false_positive", "false_negative")
MOST_CANDIDATES = 1000


def check_threshold(threshold: Any) -> None:
    """Raise a UsageError unless this is "auto", a probability, a metric's name, or the costs of both mistakes."""
    if isinstance(threshold, str):
        known = ("auto", *(found.name for found in metrics_for("binary") if found.decided))
        if threshold not in known:
            what = f"a threshold can not be chosen for {threshold!r}"
            raise UsageError(what, where="threshold", fix=nearest(threshold, known))
    elif isinstance(threshold, Mapping):
        for name in threshold:
            if name not in COSTS:
                raise UsageError(f"no mistake is called {name!r}", where="threshold", fix=nearest(str(name), COSTS))
        costs = [threshold.get(name, 1.0) for name in COSTS]
        if not all(_is_number(cost) and 0 <= cost < math.inf for cost in costs) or sum(costs) == 0:
            expected = "numbers, 0 or more, not both 0"
            raise UsageError(
                "costs of mistakes are out of range", where="threshold", got=repr(threshold), expected=expected
            )
    elif not _is_number(threshold) or not 0 <= threshold <= 1:
        raise UsageError("out of range", where="threshold", got=repr(threshold)[:80], expected="a number from 0 to 1")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def plain_threshold(threshold: Any, judged_by: str) -> Any:
    """Return what ``"auto"`` means: the metric that training is judged by where it depends on the threshold, or 1/2."""
    if isinstance(threshold, str) and threshold == "auto":
        return judged_by if judged_by in METRICS and METRICS[judged_by].decided else 0.5
    return threshold


def choose_threshold(threshold: Any, probability: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    """Return the best threshold for a metric or for costs, or the number that was given.

    Thresholds half-way between neighbouring probabilities are tried (1000 of them at most). Of several that are equally
    good, the nearest to 1/2 is taken; of costs, the nearest to ``false_positive / (false_positive + false_negative)``,
    which is the best one for true probabilities (Elkan, The foundations of cost-sensitive learning, IJCAI 2001).

    Parameters
    ----------
    threshold : float, str or mapping
    probability, target, weight : ndarray, [rows]
        Of the rows on which to choose: the probability of the second class, whether a row belongs to it, and how much
        it counts.

    Examples
    --------
    >>> probability, target = np.array([0.1, 0.2, 0.3, 0.9]), np.array([0.0, 1.0, 1.0, 1.0])
    >>> round(choose_threshold("accuracy", probability, target, np.ones(4)), 6)
    0.15
    """
    if _is_number(threshold):
        return float(threshold)
    counted = weight > 0
    probability, target, weight = probability[counted], target[counted], weight[counted]
    if isinstance(threshold, Mapping):
        positive, negative = (float(threshold.get(name, 1.0)) for name in COSTS)
        wanted, near = _cost_at(positive, negative, target, weight), positive / (positive + negative)
    else:
        wanted, near = _metric_at(threshold, target, weight), 0.5
    candidates = _candidates(probability, near)
    values = np.array([wanted(probability > candidate) for candidate in candidates])
    if np.isnan(values).all():
        return near
    best = candidates[values >= np.nanmax(values) - 1e-12]
    return float(best[np.abs(best - near).argmin()])


def _candidates(probability: np.ndarray, near: float) -> np.ndarray:
    found = np.unique(probability)
    edges = np.concatenate([[0.0], found, [1.0]])
    between = (edges[1:] + edges[:-1]) / 2
    if len(between) > MOST_CANDIDATES:
        between = between[np.linspace(0, len(between) - 1, MOST_CANDIDATES).astype(np.int64)]
    return np.unique(np.concatenate([[near], between]))


def _cost_at(positive: float, negative: float, target: np.ndarray, weight: np.ndarray) -> Any:
    def wanted(said: np.ndarray) -> float:
        wrong = said != (target > 0.5)
        return -float(weight @ (wrong * np.where(said, positive, negative)))

    return wanted


def _metric_at(name: str, target: np.ndarray, weight: np.ndarray) -> Any:
    found = metric(name)
    sign = 1.0 if found.higher_is_better else -1.0
    return lambda said: sign * found.compute(said[:, None].astype(np.float64), target[:, None], weight)


def as_score(threshold: float) -> float:
    """Return the score that :func:`pellucid.training.metrics.as_probability` takes to a threshold.

    Examples
    --------
    >>> as_score(0.5), as_score(0.875)
    (0.0, 3.0)
    """
    side = 2.0 * threshold - 1.0
    return side / max(1.0 - abs(side), 1e-300)
