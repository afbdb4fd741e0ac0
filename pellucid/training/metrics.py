"""Metrics: how good predictions are, as numbers that people compare."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pellucid.training.metric import METRICS, Metric, declare, declare_mean, metric, metrics_for
from pellucid.training.metric_parts import (
    absolute_error_part,
    accuracy_part,
    exact_match_part,
    label_accuracy_part,
    log_loss_part,
    squared_error_part,
)

__all__ = [
    "FOUND",
    "METRICS",
    "Metric",
    "as_probability",
    "declare",
    "declare_mean",
    "metric",
    "metrics_for",
    "predicted_classes",
]


def _flat(prediction: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count = len(target)
    return np.asarray(prediction, np.float64).reshape(count, -1), np.asarray(target, np.float64).reshape(count, -1)


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


@declare_mean(
    "accuracy",
    "Share of examples that get their right class.",
    _CLASSES,
    True,
    decided=True,
    build=accuracy_part,
)
def accuracy(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    return predicted_classes(prediction) == np.asarray(target).reshape(len(target))


@declare_mean(
    "log_loss",
    "Mean of -log(probability given to what was true), in nats.",
    (*_CLASSES, "multilabel"),
    False,
    build=log_loss_part,
)
def log_loss(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    dtype = prediction.dtype if prediction.dtype.kind == "f" else np.dtype(np.float64)
    p = np.clip(np.asarray(prediction, np.float64), np.finfo(dtype).tiny, 1.0).reshape(len(target), -1)
    t = np.asarray(target).reshape(len(target), -1)
    if t.shape[1] == 1 and p.shape[1] > 1:
        return -np.log(p[np.arange(len(p)), t[:, 0].astype(np.int64)])
    q = np.maximum(1.0 - p, np.finfo(dtype).eps / 2)
    return -np.where(t > 0.5, np.log(p), np.log(q)).sum(1)


@declare("balanced_accuracy", "Mean over classes of the share of their examples found.", _CLASSES, True, decided=True)
def balanced_accuracy(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    truth = np.asarray(target).reshape(len(target))
    _, place = np.unique(truth, return_inverse=True)
    right = predicted_classes(prediction) == truth
    there, found = np.bincount(place, weight), np.bincount(place, weight * right)
    with np.errstate(invalid="ignore"):  # a class whose examples all have weight 0
        return float(np.mean(found / there))


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


@declare(
    "average_precision",
    "Mean over true examples of the share of true ones among all that get as high a probability.",
    ("binary",),
    True,
    listed=False,
)
def average_precision(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    """Area under the precision-recall curve as a sum of steps (Zhu, 2004), weighted."""
    p, t = prediction.reshape(len(target)), np.asarray(target).reshape(len(target)) > 0.5
    values, place = np.unique(-p, return_inverse=True)
    true, both = np.bincount(place, weight * t, len(values)), np.bincount(place, weight, len(values))
    precision = _share(np.cumsum(true), np.cumsum(both))
    return float(np.sum(true * precision) / true.sum()) if true.sum() > 0 else float("nan")


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, and 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)


def _found(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return how much weighs what is of a class and found to be, what is found to be, and what is, by class.

    Of two classes it is the second alone; of several, those that occur; of labels, each.
    """
    p, t = prediction.reshape(len(target), -1), np.asarray(target).reshape(len(target), -1)
    guess, truth = p > 0.5, t > 0.5
    if t.shape[1] == 1 and p.shape[1] > 1:
        classes = np.arange(p.shape[1])
        guess, truth = p.argmax(1)[:, None] == classes, t == classes
        counted = (guess | truth).any(axis=0) if p.shape[1] > 2 else classes == 1
        guess, truth = guess[:, counted], truth[:, counted]
    return weight @ (guess & truth), weight @ guess, weight @ truth


FOUND: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "f1": lambda both, found, there: (2 * both, found + there),
    "precision": lambda both, found, there: (both, found),
    "recall": lambda both, found, there: (both, there),
}
"""What is divided by what in metrics of each class: what is of it and found to be, what is found to be, and what is."""

_FOUND = "of the second class of two, mean over more classes or over labels"
_LABELED = (*_CLASSES, "multilabel")


def _mean_share(name: str, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    return float(np.mean(_share(*FOUND[name](*_found(prediction, target, weight)))))


@declare("f1", f"Harmonic mean of precision and recall: {_FOUND}.", _LABELED, True, listed=False, decided=True)
def f1(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    """F1 (van Rijsbergen, 1979); 0 for a class that is neither there nor found."""
    return _mean_share("f1", prediction, target, weight)


@declare("precision", f"Share of right ones among those found: {_FOUND}.", _LABELED, True, listed=False, decided=True)
def precision(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    return _mean_share("precision", prediction, target, weight)


@declare("recall", f"Share of those there that are found: {_FOUND}.", _LABELED, True, listed=False, decided=True)
def recall(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    return _mean_share("recall", prediction, target, weight)


@declare_mean(
    "rmse",
    "Root of the mean squared error, in the target's unit (all outputs together).",
    ("regression",),
    False,
    finish=np.sqrt,
    build=squared_error_part,
)
def rmse(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    p, t = _flat(prediction, target)
    return ((p - t) ** 2).mean(1)


@declare_mean(
    "mae",
    "Mean absolute error, in the target's unit (all outputs together).",
    ("regression",),
    False,
    build=absolute_error_part,
)
def mae(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    p, t = _flat(prediction, target)
    return np.abs(p - t).mean(1)


@declare("r2", "Share of the targets' variance that is explained, mean over outputs.", ("regression",), True)
def r2(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    p, t = _flat(prediction, target)
    if weight.sum() <= 0:
        return float("nan")
    residual = np.average((p - t) ** 2, axis=0, weights=weight)
    spread = np.average((t - np.average(t, axis=0, weights=weight)) ** 2, axis=0, weights=weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.mean(1 - residual / spread))


@declare(
    "median_absolute_error",
    "Median absolute error, in the target's unit (mean over outputs).",
    ("regression",),
    False,
    listed=False,
)
def median_absolute_error(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    """Median of |error| by weight: half of the weight lies on each side."""
    p, t = _flat(prediction, target)
    counted = weight > 0
    if not counted.any():
        return float("nan")
    return float(np.mean([_median(error, weight[counted]) for error in np.abs(p - t)[counted].T]))


def _median(values: np.ndarray, weight: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order], dtype=np.float64)
    half = below[-1] / 2
    middle = [np.searchsorted(below, half, side=side) for side in ("left", "right")]
    return float(np.mean(values[order][middle]))


@declare_mean(
    "label_accuracy",
    "Share of labels that are right, over all examples and labels.",
    ("multilabel",),
    True,
    decided=True,
    build=label_accuracy_part,
)
def label_accuracy(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    p, t = _flat(prediction, target)
    return ((p > 0.5) == (t > 0.5)).mean(1)


@declare_mean(
    "exact_match",
    "Share of examples with all labels right.",
    ("multilabel",),
    True,
    decided=True,
    build=exact_match_part,
)
def exact_match(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    p, t = _flat(prediction, target)
    return ((p > 0.5) == (t > 0.5)).all(1)


METRICS["loss"] = Metric(
    "loss", "The mean loss itself.", ("regression", "binary", "multiclass", "multilabel"), False, lambda p, t, w: np.nan
)
