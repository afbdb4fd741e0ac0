"""Weighted statistics of a column: mean, standard deviation and quantiles, safe for numbers of any size."""

from __future__ import annotations

from typing import Any

import numpy as np


def mean_and_scale(values: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """Return the mean and the standard deviation of the numbers present; 0 for both where there is none.

    A power of two is taken out of all numbers first: squares of large ones would overflow, of small ones vanish.

    Parameters
    ----------
    values : ndarray, [rows]
        NaN where a cell is missing.
    weights : ndarray, optional, [rows]
        Finite and at least 0; only their ratios matter. A row of weight 0 counts for nothing.

    Returns
    -------
    tuple of float
        ``sum(w x) / sum(w)``, and the root of ``sum(w (x - mean)^2) / sum(w)``: of n values, not n - 1. The latter is
        exactly 0 for a constant.

    Examples
    --------
    >>> mean_and_scale(np.array([1.0, 4.0, np.nan]), np.array([2.0, 1.0, 9.0]))
    (2.0, 1.4142135623730951)
    """
    present, weights = _present(values, weights)
    if present.size == 0:
        return 0.0, 0.0
    if present.min() == present.max():
        return float(present[0]), 0.0
    scaled, exponent = _scaled(present)
    mean = np.average(scaled, weights=weights)
    scale = scaled.std() if weights is None else np.sqrt(np.average((scaled - mean) ** 2, weights=weights))
    return float(np.ldexp(mean, exponent)), float(np.ldexp(scale, exponent))


def weighted_quantiles(values: np.ndarray, probabilities: Any, weights: np.ndarray | None = None) -> np.ndarray:
    """Return quantiles of the numbers present, 0 where there is none.

    Sorted values stand at the middle of their shares of the whole weight, the first at probability 0 and the last at 1;
    between them the quantile is linear. With equal weights these are NumPy's quantiles (Hyndman and Fan, Sample
    Quantiles in Statistical Packages, 1996, definition 7).

    Parameters
    ----------
    values : ndarray, [rows]
        NaN where a cell is missing.
    probabilities : array_like, [quantiles]
        From 0 to 1.
    weights : ndarray, optional, [rows]
        Finite and at least 0; only their ratios matter. A row of weight 0 counts for nothing.

    Returns
    -------
    ndarray of float64, [quantiles]

    Examples
    --------
    >>> weighted_quantiles(np.array([30.0, 10.0, 20.0]), [0.0, 0.25, 0.5, 1.0]).tolist()
    [10.0, 15.0, 20.0, 30.0]
    >>> weighted_quantiles(np.array([30.0, 10.0, 20.0]), [0.5], np.array([6.0, 1.0, 1.0])).tolist()
    [23.57142857142857]
    """
    asked = np.asarray(probabilities, np.float64)
    present, weights = _present(values, weights)
    if present.size == 0:
        return np.zeros(asked.shape)
    if weights is None:
        ordered, positions = np.sort(present), np.arange(present.size, dtype=np.float64)
    else:
        order = np.argsort(present, kind="stable")
        ordered, share = present[order], weights[order]
        positions = np.cumsum(share) - share / 2
    low, high = positions[0], positions[-1]
    scaled, exponent = _scaled(ordered)
    places = low + asked * (high - low)
    return np.ldexp(np.interp(places, positions, scaled), exponent)


def _present(values: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the values that are there and count, and their weights, the largest of them 1."""
    values = np.asarray(values, np.float64)
    if weights is None:
        return values[~np.isnan(values)], None
    counted = ~np.isnan(values) & (weights > 0)
    weights = np.asarray(weights, np.float64)[counted]
    return values[counted], weights / weights.max() if weights.size else weights


def _scaled(values: np.ndarray) -> tuple[np.ndarray, int]:
    exponent = int(np.frexp(np.abs(values).max())[1])
    return np.ldexp(values, -exponent), exponent
