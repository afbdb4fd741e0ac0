"""Metrics as statistics of weights, in the form in which they are resampled fast."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pellucid.training.metrics import FOUND, Metric, predicted_classes
from pellucid.workflow.reports.intervals import MOST_UNITS, Statistic, Sums

MOST_CLASSES = 1000
"""Of more classes sums are not kept apart."""

MOST_ROWS = 100_000
"""Of more rows, statistics that look at every row anew are not resampled."""

ROUNDING = 1e-12


def statistic_of(found: Metric, prediction: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> Statistic | None:
    """Return a metric of fixed predictions as a statistic of the rows' weights; None where resampling takes too long.

    Parameters
    ----------
    found : Metric
    prediction, truth : ndarray
        As :attr:`Metric.compute` takes them.
    weights : ndarray, [rows]
        Of the rows: the area under the curve of many rows is told by its slopes around these.

    Examples
    --------
    >>> from pellucid.training.metrics import metric
    >>> error = statistic_of(metric("rmse"), np.array([[1.0], [2.0]]), np.array([[1.0], [5.0]]), np.ones(2))
    >>> float(error(np.array([0.0, 1.0])))
    3.0
    """
    if found.per_row is not None:
        return _mean(np.asarray(found.per_row(prediction, truth), np.float64), found.finish)
    if found.name == "r2" and prediction.reshape(len(truth), -1).shape[1] == 1:
        return _explained(prediction.reshape(-1), truth.reshape(-1), weights)
    if found.name == "balanced_accuracy":
        return _mean_over_classes(prediction, truth)
    if found.name in FOUND and truth.reshape(len(truth), -1).shape[1] == 1:
        confusions = _of_confusions(FOUND[found.name], prediction, truth)
        if confusions is not None:
            return confusions
    if found.name == "auc":
        return _area(prediction.reshape(-1), truth.reshape(-1) > 0.5, weights)
    return _of_rows(found, prediction, truth) if len(truth) <= MOST_ROWS else None


def _of_rows(found: Metric, prediction: np.ndarray, truth: np.ndarray) -> Callable[[np.ndarray], float]:
    def compute(weight: np.ndarray) -> float:
        used = weight > 0  # what is not in the resample must not count as a class of its own
        return found.compute(prediction[used], truth[used], weight[used]) if used.any() else float("nan")

    return compute


def _mean(values: np.ndarray, shape: Callable) -> Sums:
    return Sums((np.ones(len(values)), values), lambda weight, total: shape((total / weight)[:, 0]))


def _explained(prediction: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> Sums:
    """Return r2 as a statistic; the truth is centred, so that squares of large numbers do not drown its spread."""
    centred = truth - (np.average(truth, weights=weights) if weights.sum() > 0 else 0.0)

    def finish(weight: np.ndarray, residual: np.ndarray, total: np.ndarray, square: np.ndarray) -> np.ndarray:
        spread = square / weight - (total / weight) ** 2
        spread = np.where(spread > ROUNDING * square / weight, spread, np.nan)  # all the same: only rounding is left
        return (1 - residual / weight / spread)[:, 0]

    return Sums((np.ones(len(truth)), (prediction - truth) ** 2, centred, centred**2), finish)


def _mean_over_classes(prediction: np.ndarray, truth: np.ndarray) -> Sums | None:
    classes = truth.reshape(-1).astype(np.int64)
    _, classes = np.unique(classes, return_inverse=True)
    count = int(classes.max()) + 1
    if count > MOST_CLASSES:
        return None
    right = (predicted_classes(prediction) == truth.reshape(-1)).astype(np.float64)

    def finish(weight: np.ndarray, found: np.ndarray) -> np.ndarray:
        present = weight > 0
        shares = np.divide(found, weight, out=np.zeros_like(found), where=present)
        return shares.sum(axis=1) / present.sum(axis=1)

    return Sums((np.ones(len(classes)), right), finish, classes, count)


def _of_confusions(
    parts: Callable[..., tuple[np.ndarray, np.ndarray]], prediction: np.ndarray, truth: np.ndarray
) -> Sums | None:
    """Return a metric that is a mean over classes; of two classes it is that of the second."""
    count = max(2, prediction.reshape(len(truth), -1).shape[1])
    if count * count > MOST_CLASSES:
        return None
    cells = truth.reshape(-1).astype(np.int64) * count + predicted_classes(prediction)

    def finish(weight: np.ndarray) -> np.ndarray:
        table = weight.reshape(-1, count, count)
        told, true = table.sum(axis=1), table.sum(axis=2)
        part, whole = parts(np.diagonal(table, axis1=1, axis2=2), told, true)
        shares = np.divide(part, whole, out=np.zeros_like(told), where=whole > 0)
        counted = told + true > 0
        return shares[:, 1] if count == 2 else (shares * counted).sum(axis=1) / counted.sum(axis=1)

    return Sums((np.ones(len(truth)),), finish, cells, count * count)


def _area(score: np.ndarray, true: np.ndarray, weights: np.ndarray) -> Statistic:
    """Return the area under the curve: exact for few rows, by its slopes for many.

    The slope in a true row's weight is the share of false rows below it, and the other way round.
    Source: DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated receiver operating
    characteristic curves, Biometrics 44 (1988).
    """
    values, place = np.unique(score, return_inverse=True)

    def shares(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return for each score the weights of both kinds, and the share of the other kind below and above it."""
        yes = np.bincount(place, weight * true, len(values))
        no = np.bincount(place, weight * ~true, len(values))
        with np.errstate(all="ignore"):
            below = (np.cumsum(no) - no / 2) / no.sum()
            above = 1 - (np.cumsum(yes) - yes / 2) / yes.sum()
        return yes, no, below, above

    def exact(weight: np.ndarray) -> float:
        yes, _, below, _ = shares(weight)
        with np.errstate(all="ignore"):
            return float(yes @ below / yes.sum())

    if len(score) <= MOST_UNITS:
        return exact
    _, _, below, above = shares(weights)
    area, slope = exact(weights), np.where(true, below[place], above[place])

    def finish(yes: np.ndarray, over: np.ndarray, no: np.ndarray, under: np.ndarray) -> np.ndarray:
        return np.clip(over / yes + under / no - area, 0, 1)[:, 0]

    return Sums((true * 1.0, true * slope, ~true * 1.0, ~true * slope), finish)
