"""Sparse matrices of numbers, scaled without making them dense: nothing is taken away, so that 0 stays 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid import ops
from pellucid.data.encoders.front import Front
from pellucid.data.encoders.matrices import require_finite_entries
from pellucid.data.encoders.scaling import CENTER, SCALE, scale_numbers
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.statistics import weighted_quantiles
from pellucid.errors import UsageError
from pellucid.graph.types import DType


def fit_sparse_scaling(
    matrix: Any, weights: np.ndarray | None, settings: EncoderSettings
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Fit the scaling of the columns of a sparse matrix, without a shift: ``encoders/center`` is 0.

    The scale is the standard deviation for "standardize", the distance of the quartiles for "robust" (half the range
    where they are equal), and the largest size of a number for "minmax".

    Returns
    -------
    dict of ndarray, ndarray of bool
        The statistics, and which columns are constant.

    Raises
    ------
    UsageError
        For "quantile" and for whitening, after which nothing would be 0.
    """
    for name, value, chosen in (
        ("scaling", "quantile", settings.scaling == "quantile"),
        ("whitening", settings.whitening, settings.whitening > 0),
    ):
        if chosen:
            raise UsageError(
                "a sparse matrix would not stay sparse",
                where=f"{name}={value!r}",
                fix="Choose another, or pass a dense matrix: X.toarray().",
            )
    columns = matrix.tocsc()
    low, high = _extremes(columns)
    constant = low == high
    if settings.scaling == "none":
        return {}, constant
    if settings.scaling == "minmax":
        scales = np.maximum(-low, high)
    elif settings.scaling == "robust":
        scales = _quartile_distances(columns, weights, low, high)
    else:
        scales = _deviations(columns, weights, np.maximum(-low, high))
    return {CENTER: np.zeros(len(scales)), SCALE: np.where(constant, 0.0, scales)}, constant


def _extremes(columns: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the largest number of each column of a matrix in CSC, what is not stored included."""
    rows, width = columns.shape
    stored = np.diff(columns.indptr)
    starts = columns.indptr[:-1][stored > 0]
    extremes = []
    for choose in (np.fmin, np.fmax):
        found = np.zeros(width)
        found[stored > 0] = choose.reduceat(columns.data.astype(np.float64), starts) if starts.size else 0.0
        extremes.append(np.where(stored < rows, choose(found, 0.0), np.where(np.isnan(found), 0.0, found)))
    return extremes[0], extremes[1]


def _deviations(columns: Any, weights: np.ndarray | None, largest: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each column; a power of two is taken out first, so that squares are in range."""
    rows, width = columns.shape
    weights = np.ones(rows) if weights is None else weights / weights.max()
    places = np.repeat(np.arange(width), np.diff(columns.indptr))
    there = ~np.isnan(columns.data)
    exponents = np.frexp(largest)[1]
    numbers = np.ldexp(np.where(there, columns.data, 0.0), -exponents[places])
    shares = np.where(there, weights[columns.indices], 0.0)

    def add(parts: np.ndarray) -> np.ndarray:
        return np.bincount(places, parts, minlength=width)

    stored = add(weights[columns.indices])
    zero = np.where(np.diff(columns.indptr) < rows, weights.sum() - stored, 0.0)
    total = np.maximum(add(shares) + zero, np.finfo(np.float64).tiny)
    means = add(shares * numbers) / total
    squares = add(shares * (numbers - means[places]) ** 2) + zero * means**2
    return np.ldexp(np.sqrt(squares / total), exponents)


def _quartile_distances(columns: Any, weights: np.ndarray | None, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the distance of the quartiles of each column, or half its range where they are equal."""
    scales = high / 2 - low / 2
    for place, (start, end) in enumerate(zip(columns.indptr[:-1], columns.indptr[1:], strict=True)):
        values = np.zeros(columns.shape[0])
        values[columns.indices[start:end]] = columns.data[start:end]
        lower, upper = weighted_quantiles(values, [0.25, 0.75], weights).tolist()
        if upper > lower:
            scales[place] = min(upper - lower, np.finfo(np.float64).max)
    return scales


def keeps_sparse(settings: EncoderSettings, arrays: Mapping[str, np.ndarray]) -> bool:
    """Tell whether encoders make 0 of 0, so that a sparse matrix can stay one."""
    if settings.whitening or settings.scaling == "quantile":
        return False
    return settings.scaling == "none" or not arrays[CENTER].any()


def encode_sparse(
    front: Front, settings: EncoderSettings, arrays: Mapping[str, np.ndarray], matrix: Any, dtype: DType
) -> Any:
    """Return the features of a matrix in CSR whose columns are those of the front end, as a matrix in CSR.

    Raises
    ------
    DataError
        Where a number is infinite.
    """
    from scipy import sparse

    require_finite_entries(matrix, [column.name for column in front.columns])
    numbers, columns = matrix.data.astype(np.float64), matrix.indices
    present = ~np.isnan(numbers)
    here = {name: array[columns] for name, array in arrays.items()}
    scaled = ops.cast(scale_numbers(settings, here, numbers, present), dtype=dtype)
    x = sparse.csr_matrix((scaled, columns, matrix.indptr), shape=matrix.shape)
    marked = [place for place, column in enumerate(front.columns) if column.indicator]
    if not marked:
        return x
    missing = sparse.csr_matrix(((~present).astype(dtype.numpy), columns, matrix.indptr), shape=matrix.shape)
    return sparse.hstack([x, missing[:, marked]], format="csr")
