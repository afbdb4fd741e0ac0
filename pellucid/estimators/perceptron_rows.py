"""Rows as the perceptron's step takes them, and its scores on rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.data.dataset import is_sparse
from pellucid.errors import UsageError
from pellucid.estimators.examples import Examples, Task
from pellucid.estimators.features import encode_features
from pellucid.estimators.targets import class_codes, weigh_classes


def perceptron_arrays(task: Task, rows: Examples, rate: float, class_weight: Any) -> dict[str, Any]:
    """Return what the step takes: features, and what each example adds to each unit that it is wrong for.

    Parameters
    ----------
    task : Task
    rows : Examples
    rate : float
        What is added, in examples.
    class_weight : "balanced", mapping or None
    """
    assert task.classes is not None
    codes = class_codes(rows.target, task.classes)
    units = np.array([1]) if task.kind == "binary" else np.arange(len(task.classes))
    right = codes[:, None] == units
    x = encode_features(task.encoding, rows.x)["x"]
    share = np.ones(right.shape) if rows.weights is None else np.tile(rows.weights[:, None], len(units))
    if class_weight is not None:
        weights = weigh_classes(class_weight, codes, task.classes)[:, None]
        share = share * (weights if task.kind == "binary" else np.where(right, weights, 1.0))
    push = np.where(right, 1.0, -1.0) * rate * share
    x = x if is_sparse(x) else np.ascontiguousarray(x, np.float64)
    return {"x": x, "push": push, "row_weight": np.ones(len(codes))}


def tell_scores(task: Task, rows: Examples, class_weight: Any) -> Callable[[dict[str, np.ndarray]], dict[str, float]]:
    """Return what tells, from the weights, the accuracy on these rows, and the mean loss as learning counts it.

    Raises
    ------
    UsageError
        Where none of the rows counts.
    """
    assert task.classes is not None
    arrays, codes = perceptron_arrays(task, rows, 1.0, class_weight), class_codes(rows.target, task.classes)
    x, push = arrays["x"], arrays["push"]
    weights = np.ones(len(codes)) if rows.weights is None else rows.weights
    weights = weights if class_weight is None else weights * weigh_classes(class_weight, codes, task.classes)
    if not weights.any():
        raise UsageError("no row to judge by has a weight above 0", where="class_weight", got=repr(class_weight)[:80])
    share = float(np.abs(push).sum()) / push.shape[1]

    def measure(carried: dict[str, np.ndarray]) -> dict[str, float]:
        z = x @ carried["weight"] + carried["bias"]
        said = (z[:, 0] > 0).astype(np.int64) if task.kind == "binary" else z.argmax(axis=1)
        loss = float(np.maximum(0.0, -push * z).sum()) / share
        return {"loss": loss, "accuracy": float(np.average(said == codes, weights=weights))}

    return measure
