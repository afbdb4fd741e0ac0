"""How good predictions are: the same rule for all, computed in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

LEAST = 1e-7
"""Smaller probabilities count as this: a float32 may round to 0 what a float64 does not."""


def log_loss(probabilities: Any, classes: Any) -> float:
    """Return the mean of minus the logarithm of the probability of the right class.

    Parameters
    ----------
    probabilities : array, [examples, classes]
        Rows are made to sum to 1.
    classes : array of int, [examples]

    Examples
    --------
    >>> round(log_loss([[0.5, 0.5], [0.0, 1.0]], [0, 1]), 4)
    0.3466
    """
    found = np.clip(np.asarray(probabilities, np.float64), LEAST, 1.0)
    found /= found.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log(found[np.arange(len(found)), np.asarray(classes)])))


def rmse(predictions: Any, targets: Any) -> float:
    """Return the root of the mean squared error.

    Examples
    --------
    >>> rmse([1.0, 2.0], [1.0, 4.0])
    1.4142135623730951
    """
    differences = np.asarray(predictions, np.float64).reshape(-1) - np.asarray(targets, np.float64)
    return float(np.sqrt(np.mean(differences**2)))
