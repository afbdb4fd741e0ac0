"""PCA whitening: numbers become their principal components, each of variance 1."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from pellucid import ops
from pellucid.data.encoders.scaling import LIMIT, named
from pellucid.errors import UsageError

WHITENING, WHITENING_MEAN = "encoders/whitening", "encoders/whitening_mean"
MOST_COLUMNS = 4096
SMALLEST = 1e-10
"""Components of a variance below this part of the largest are taken for noise of rounding."""


def fit_whitening(
    chunks: Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]], columns: int, kept: float
) -> dict[str, np.ndarray]:
    """Fit principal components.

    Parameters
    ----------
    chunks : callable
        Returns the scaled numbers [rows, columns] of some training rows at a time, each with their weights [rows]. It
        is called twice.
    columns : int
    kept : float
        The share of the variance that the components together have at least; 1 for all components that vary.

    Returns
    -------
    dict of ndarray
        ``encoders/whitening`` [columns, components], float64, by falling variance; the largest weight of each component
        is positive. ``encoders/whitening_mean`` [columns].

    Raises
    ------
    UsageError
        Where there are more than 4096 columns.

    Source: Jolliffe, Principal Component Analysis (2002).
    """
    if columns > MOST_COLUMNS:
        raise UsageError(
            "too many columns of numbers for their principal components",
            where="whitening",
            got=f"{columns}",
            expected=f"at most {MOST_COLUMNS}",
            fix="Say whitening=0, or leave columns out.",
        )
    with one_thread():
        total, mean = 0.0, np.zeros(columns)
        for numbers, weights in chunks():
            total, mean = total + weights.sum(), mean + weights @ numbers
        mean = mean / total
        covariance = np.zeros((columns, columns))
        for numbers, weights in chunks():
            centred = (numbers - mean) * np.sqrt(weights)[:, np.newaxis]
            covariance += centred.T @ centred
        variances, directions = np.linalg.eigh(covariance / total)
    variances, directions = variances[::-1], directions[:, ::-1]
    varying = max(1, int((variances > max(SMALLEST * variances[0], 0.0)).sum()))
    shares = np.cumsum(variances[:varying]) / (variances[:varying].sum() or 1.0)
    count = varying if kept == 1 else min(varying, int(np.searchsorted(shares, kept)) + 1)
    directions = directions[:, :count]
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(count)]
    scales = np.where(variances[:count] > 0, np.sqrt(np.maximum(variances[:count], 0.0)), np.inf)
    whitening = directions * np.sign(largest) / scales
    return {WHITENING: np.ascontiguousarray(whitening), WHITENING_MEAN: mean}


def one_thread() -> AbstractContextManager:
    """Return a context in which matrix products take one thread: their bits may depend on how many there are."""
    import threadpoolctl  # here, because it looks through all libraries that are loaded

    return threadpoolctl.threadpool_limits(1, user_api="blas")


def whiten(values: Mapping[str, Any], numbers: Any) -> Any:
    """Replace scaled numbers by their principal components: with graph values, or with arrays."""
    centred = named(ops.subtract(numbers, values[WHITENING_MEAN]), "encoders/centred")
    components = named(ops.contraction(centred, values[WHITENING], labels="bi,io->bo"), "encoders/components")
    bounded = named(ops.maximum(components, -LIMIT), "encoders/components_bounded_below")
    return named(ops.minimum(bounded, LIMIT), "encoders/components_bounded")
