"""Matrices of numbers without names: arrays, and sparse ones of SciPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.data.dataset import is_sparse
from pellucid.errors import DataError


def require_matrix(data: Any) -> Any:
    """Return an array as NumPy's, or a sparse matrix in the format CSR, without entries that stand twice.

    Raises
    ------
    DataError
        Where it has no rows, has not two axes, or holds anything but numbers.
    """
    matrix: Any = data.tocsr() if is_sparse(data) else np.asarray(data)
    if matrix.ndim != 2:
        raise DataError("a matrix has rows and columns", got=f"shape {list(matrix.shape)}")
    if matrix.dtype.kind not in "biuf":
        raise DataError("a matrix of numbers is needed", got=f"dtype {matrix.dtype}", fix="Pass a table.")
    if matrix.shape[0] == 0:
        raise DataError("a table needs at least one row", got="none")
    if matrix.shape[1] == 0:
        raise DataError("a table needs at least one column", got="none")
    if is_sparse(matrix) and not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    return matrix


def require_finite_entries(matrix: Any, names: Sequence[str], rows: np.ndarray | None = None) -> None:
    """Refuse a matrix in CSR with an infinite number; `rows` are the numbers of its rows, where it is part of another.

    Raises
    ------
    DataError
        With row and column of the first infinite number.
    """
    infinite = np.flatnonzero(np.isinf(matrix.data))
    if infinite.size:
        at = int(infinite[0])
        row = int(np.searchsorted(matrix.indptr, at, side="right")) - 1
        number = float(matrix.data[at])
        raise infinite_number(row if rows is None else int(rows[row]), names[int(matrix.indices[at])], number)


def infinite_number(row: int, name: str, number: float) -> DataError:
    """Return the error for an infinite number in a row, counted from 0, of a matrix."""
    return DataError(
        "a number is infinite",
        where=f"row {row + 1}, column {name!r}",
        got=str(number),
        fix="Replace it by NaN, or leave the row or the column out.",
    )
