"""Rows as the perceptron's step takes them, and its accuracy on rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.data.dataset import is_sparse
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


def tell_accuracy(task: Task, rows: Examples, class_weight: Any) -> Callable[[dict[str, np.ndarray]], float]:
    """Return what tells the accuracy on these rows from the weights."""
    assert task.classes is not None
    x, codes = encode_features(task.encoding, rows.x)["x"], class_codes(rows.target, task.classes)
    weights = np.ones(len(codes)) if rows.weights is None else rows.weights
    weights = weights if class_weight is None else weights * weigh_classes(class_weight, codes, task.classes)

    def accuracy(carried: dict[str, np.ndarray]) -> float:
        z = x @ carried["weight"] + carried["bias"]
        said = (z[:, 0] > 0).astype(np.int64) if task.kind == "binary" else z.argmax(axis=1)
        return float(np.average(said == codes, weights=weights))

    return accuracy
