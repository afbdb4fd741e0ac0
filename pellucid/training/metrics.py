"""Metrics: how good predictions are, as numbers that people compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pellucid.errors import UsageError, nearest


@dataclass(frozen=True)
class Metric:
    """A number that says how good predictions are.

    Attributes
    ----------
    name, doc : str
    tasks : tuple of str
        What it fits: ``regression``, ``binary``, ``multiclass``, ``multilabel``.
    higher_is_better : bool
    compute : callable
        ``compute(prediction, target, weight)``: prediction as the loss gives it ([n, outputs] numbers, [n, 1] or
        [n, labels] probabilities of being true, [n, classes] probabilities), target as the loss takes it, weights [n].
    """

    name: str
    doc: str
    tasks: tuple[str, ...]
    higher_is_better: bool
    compute: Callable[[np.ndarray, np.ndarray, np.ndarray], float]

    def fits(self, kind: str) -> bool:
        """Say whether it can be computed from what a loss predicts: scores say nothing of probabilities."""
        return self.name not in ("loss", "log_loss" if kind == "score" else "loss")

    def is_better(self, new: float, old: float, by: float = 0.0) -> bool:
        """Say whether a new value is better than an old one by more than `by`; NaN never is, anything beats NaN."""
        if np.isnan(new):
            return False
        if np.isnan(old):
            return True
        return new > old + by if self.higher_is_better else new < old - by


METRICS: dict[str, Metric] = {}


def declare(name: str, doc: str, tasks: tuple[str, ...], higher_is_better: bool) -> Callable[[Callable], Callable]:
    """Register the decorated function as a metric."""

    def add(compute: Callable[[np.ndarray, np.ndarray, np.ndarray], float]) -> Callable:
        METRICS[name] = Metric(name, doc, tasks, higher_is_better, compute)
        return compute

    return add


def metric(name: str) -> Metric:
    """Return the metric of this name.

    Examples
    --------
    >>> metric("accuracy").higher_is_better
    True
    """
    if name not in METRICS:
        raise UsageError(f"no metric is called {name!r}", fix=nearest(name, METRICS))
    return METRICS[name]


def metrics_for(task: str) -> list[Metric]:
    """Return the metrics that fit a task, the most usual first."""
    return [found for found in METRICS.values() if task in found.tasks]


def _flat(prediction: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count = len(target)
    return np.asarray(prediction, np.float64).reshape(count, -1), np.asarray(target, np.float64).reshape(count, -1)


def _mean(values: np.ndarray, weight: np.ndarray) -> float:
    return float(np.average(values, weights=weight)) if weight.sum() > 0 else float("nan")


_CLASSES = ("binary", "multiclass")


def as_probability(prediction: np.ndarray, kind: str) -> np.ndarray:
    """Return scores of one class, positive for true, as numbers in the same order, above 1/2 for true; others as are.

    Examples
    --------
    >>> as_probability(np.array([[-1.0], [0.0], [3.0]]), "score").tolist()
    [[0.25], [0.5], [0.875]]
    """
    alone = prediction.reshape(len(prediction), -1).shape[1] == 1
    return 0.5 + 0.5 * prediction / (1 + np.abs(prediction)) if kind == "score" and alone else prediction


def predicted_classes(prediction: np.ndarray) -> np.ndarray:
    """Return the number of the most probable class of each row; one column is the probability of class 1."""
    prediction = prediction.reshape(len(prediction), -1)
    return (prediction[:, 0] > 0.5).astype(np.int64) if prediction.shape[1] == 1 else prediction.argmax(1)


@declare("accuracy", "Share of examples that get their right class.", _CLASSES, True)
def accuracy(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    return _mean(predicted_classes(prediction) == np.asarray(target).reshape(len(target)), weight)


@declare("log_loss", "Mean of -log(probability given to what was true), in nats.", (*_CLASSES, "multilabel"), False)
def log_loss(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    dtype = prediction.dtype if prediction.dtype.kind == "f" else np.dtype(np.float64)
    p = np.clip(np.asarray(prediction, np.float64), np.finfo(dtype).tiny, 1.0).reshape(len(target), -1)
    t = np.asarray(target).reshape(len(target), -1)
    if t.shape[1] == 1 and p.shape[1] > 1:
        return _mean(-np.log(p[np.arange(len(p)), t[:, 0].astype(np.int64)]), weight)
    q = np.maximum(1.0 - p, np.finfo(dtype).eps / 2)
    return _mean(-np.where(t > 0.5, np.log(p), np.log(q)).sum(1), weight)


@declare("balanced_accuracy", "Mean over classes of the share of their examples found.", _CLASSES, True)
def balanced_accuracy(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    classes, truth = predicted_classes(prediction), np.asarray(target).reshape(len(target))
    return float(np.mean([_mean(classes[truth == k] == k, weight[truth == k]) for k in np.unique(truth)]))


@declare("auc", "Probability that a true example gets a higher probability than a false one.", ("binary",), True)
def auc(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    """Area under the receiver operating characteristic, ties counted half (Mann and Whitney, 1947), weighted."""
    p, t = prediction.reshape(len(target)), np.asarray(target).reshape(len(target)) > 0.5
    values, place = np.unique(p, return_inverse=True)
    true = np.bincount(place, weight * t, len(values))
    false = np.bincount(place, weight * ~t, len(values))
    pairs = true.sum() * false.sum()
    below = np.cumsum(false) - false
    return float(np.sum(true * (below + false / 2)) / pairs) if pairs > 0 else float("nan")


@declare("rmse", "Root of the mean squared error, in the target's unit (all outputs together).", ("regression",), False)
def rmse(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    p, t = _flat(prediction, target)
    return float(np.sqrt(_mean(((p - t) ** 2).mean(1), weight)))


@declare("mae", "Mean absolute error, in the target's unit (all outputs together).", ("regression",), False)
def mae(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    p, t = _flat(prediction, target)
    return _mean(np.abs(p - t).mean(1), weight)


@declare("r2", "Share of the targets' variance that is explained, mean over outputs.", ("regression",), True)
def r2(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    p, t = _flat(prediction, target)
    if weight.sum() <= 0:
        return float("nan")
    residual = np.average((p - t) ** 2, axis=0, weights=weight)
    spread = np.average((t - np.average(t, axis=0, weights=weight)) ** 2, axis=0, weights=weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.mean(1 - residual / spread))


@declare("label_accuracy", "Share of labels that are right, over all examples and labels.", ("multilabel",), True)
def label_accuracy(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    p, t = _flat(prediction, target)
    return _mean(((p > 0.5) == (t > 0.5)).mean(1), weight)


@declare("exact_match", "Share of examples with all labels right.", ("multilabel",), True)
def exact_match(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    p, t = _flat(prediction, target)
    return _mean(((p > 0.5) == (t > 0.5)).all(1), weight)


METRICS["loss"] = Metric(
    "loss", "The mean loss itself.", ("regression", "binary", "multiclass", "multilabel"), False, lambda p, t, w: np.nan
)
