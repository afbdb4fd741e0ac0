"""What each example adds to a metric, as part of a graph: the same as the metrics' own functions of arrays."""

from __future__ import annotations

import numpy as np

from pellucid.graph.types import float64
from pellucid.graph.value import Value
from pellucid.ops import absolute, argmax, cast, equal, greater, log, maximum, mean, minimum, one_hot, reshape, select
from pellucid.ops.reductions import min as smallest
from pellucid.ops.reductions import sum as total

_RIGHT = 0.5


def as_probability_value(prediction: Value, kind: str) -> Value:
    """Return what :func:`pellucid.training.metrics.as_probability` does, in a graph."""
    alone = _per_example(prediction) == 1
    return 0.5 + 0.5 * prediction / (1 + absolute(prediction)) if kind == "score" and alone else prediction


def accuracy_part(prediction: Value, target: Value) -> Value | None:
    """Return whether the class is right; None where the target is no class, but the probability of each."""
    if _per_example(target) != 1 or prediction.ndim != 2:
        return None
    count = prediction.shape[0]
    truth = cast(reshape(target, (count,)), float64)
    if _per_example(prediction) == 1:
        guess = cast(greater(reshape(prediction, (count,)), _RIGHT), float64)
    else:
        guess = cast(argmax(prediction, axis=1), float64)
    return cast(equal(guess, truth), float64)


def log_loss_part(prediction: Value, target: Value) -> Value | None:
    """Return the negative logarithm of the probability of what was true."""
    limits = np.finfo(prediction.dtype.numpy)
    p = minimum(maximum(cast(prediction, float64), float(limits.tiny)), 1.0)
    if _per_example(target) == 1 and _per_example(prediction) > 1:
        if target.ndim != 1 or prediction.ndim != 2:
            return None
        true = one_hot(target, int(prediction.shape[1]), float64)
        return -total(select(true != 0, log(p), 0.0), axis=1)
    if target.shape != prediction.shape:
        return None
    q = maximum(1.0 - p, float(limits.eps) / 2)
    return -total(select(target > _RIGHT, log(p), log(q)), axis=_rest(prediction))


def squared_error_part(prediction: Value, target: Value) -> Value | None:
    """Return the squared error, mean over outputs."""
    if target.shape != prediction.shape:
        return None
    error = cast(prediction, float64) - cast(target, float64)
    return mean(error * error, axis=_rest(prediction))


def absolute_error_part(prediction: Value, target: Value) -> Value | None:
    """Return the absolute error, mean over outputs."""
    if target.shape != prediction.shape:
        return None
    return mean(absolute(cast(prediction, float64) - cast(target, float64)), axis=_rest(prediction))


def label_accuracy_part(prediction: Value, target: Value) -> Value | None:
    """Return the share of labels that are right."""
    return mean(_right(prediction, target), axis=_rest(prediction)) if target.shape == prediction.shape else None


def exact_match_part(prediction: Value, target: Value) -> Value | None:
    """Return whether all labels are right."""
    return smallest(_right(prediction, target), axis=_rest(prediction)) if target.shape == prediction.shape else None


def _right(prediction: Value, target: Value) -> Value:
    guess, truth = (cast(greater(value, _RIGHT), float64) for value in (prediction, target))
    return cast(equal(guess, truth), float64)


def _rest(value: Value) -> tuple[int, ...]:
    return tuple(range(1, value.ndim))


def _per_example(value: Value) -> int:
    return int(np.prod([int(size) for size in value.shape[1:]], dtype=np.int64))
