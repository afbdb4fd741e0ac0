"""Rows, weighed and in an order of their own: what is learned depends on which rows there are, not on their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.data.dataset import is_sparse
from pellucid.data.tables.columns import Column
from pellucid.data.tables.table import Table
from pellucid.estimators.defaults import MOST_REPETITIONS

CHUNK = 4096


def count_rows(x: Any) -> int:
    """Return how many rows a matrix or a table has."""
    return len(x) if isinstance(x, Table) else x.shape[0]


def take_rows(x: Any, rows: np.ndarray) -> Any:
    """Return these rows of an array, a sparse matrix or a table."""
    return x.take(rows) if isinstance(x, Table) else x[rows]


def repeat_by_weight(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return which rows take part in learning, and their weights.

    Rows of weight 0 do not. Where all weights are whole numbers, a row of weight k stands k times (as long as this
    makes no more than 4 times as many rows), and none has a weight: then a weight means exactly what repeating the row
    means, mini-batches included.

    Parameters
    ----------
    weights : ndarray of float64, [rows]

    Examples
    --------
    >>> repeat_by_weight(np.array([2.0, 0.0, 1.0]))
    (array([0, 0, 2]), None)
    >>> repeat_by_weight(np.array([0.5, 0.0, 1.0]))
    (array([0, 2]), array([0.5, 1. ]))
    """
    rows = np.flatnonzero(weights > 0)
    kept = weights[rows]
    if np.array_equal(kept, np.round(kept)) and kept.sum() <= MOST_REPETITIONS * len(kept):
        return np.repeat(rows, kept.astype(np.int64)), None
    return rows, kept


def order_by_content(*parts: Any) -> np.ndarray:
    """Return the order of rows that follows from what they hold, whatever order they came in: int64 [rows].

    Each row's cells are hashed, and rows are sorted by that number.

    Parameters
    ----------
    *parts : ndarray [rows] or [rows, columns], CSR matrix, or Table

    Examples
    --------
    >>> x = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> turned = x[::-1]
    >>> (x[order_by_content(x)] == turned[order_by_content(turned)]).all()
    np.True_
    """
    keys: Any = np.uint64(0)
    for salt, part in enumerate(parts):
        keys = _mix(_keys(part) + np.uint64(salt)) + keys
    return np.argsort(keys, kind="stable")


def _keys(part: Any) -> np.ndarray:
    """Return a number for each row, uint64 [rows]; equal rows have equal ones."""
    if isinstance(part, Table):
        keys = np.zeros(len(part), np.uint64)
        for column, salt in zip(part.columns, _salts(len(part.columns)), strict=True):
            keys += _mix(_bits(_as_numbers(column)) ^ salt)
        return keys
    if is_sparse(part):
        cells = _mix(_bits(part.data) ^ _salts(part.shape[1])[part.indices])
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(cells, dtype=np.uint64)])
        return sums[part.indptr[1:]] - sums[part.indptr[:-1]]
    array = part.reshape(len(part), -1)
    salts = _salts(array.shape[1])
    chunks = range(0, len(array), CHUNK)
    return np.concatenate([_mix(_bits(array[at : at + CHUNK]) ^ salts).sum(axis=1, dtype=np.uint64) for at in chunks])


def _as_numbers(column: Column) -> np.ndarray:
    if column.values.dtype.kind == "O":
        return np.unique(column.values.astype(str), return_inverse=True)[1] + column.missing * 0.5
    return column.values


def _bits(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "M":
        return values.astype(np.int64).view(np.uint64)
    return (np.ascontiguousarray(values, np.float64) + 0.0).view(np.uint64)  # plus 0: -0.0 is 0.0


def _salts(count: int) -> np.ndarray:
    return _mix(np.arange(1, count + 1, dtype=np.uint64))


def _mix(values: np.ndarray) -> np.ndarray:
    """Return numbers that look as if drawn at random, each a function of one of those given.

    Source: the finalizer of SplitMix64; Steele, Lea and Flood, Fast splittable pseudorandom number generators (2014).
    """
    with np.errstate(over="ignore"):
        z = values + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))
