"""Encoders: fitted on the training rows of a table, they turn its cells into the numbers that a network takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.data.cells import as_dates, as_texts, numbers_of
from pellucid.data.dataset import is_sparse
from pellucid.data.encoders.date_parts import count_days, has_times
from pellucid.data.encoders.encoding import CHUNK, Encoding
from pellucid.data.encoders.front import Front, FrontColumn
from pellucid.data.encoders.matrices import infinite_number, require_finite_entries, require_matrix
from pellucid.data.encoders.scaling import fit_column, join_scalings, scale_numbers
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.encoders.sparse import fit_sparse_scaling
from pellucid.data.encoders.whitening import fit_whitening
from pellucid.data.encoders.words import find_words
from pellucid.data.role_checks import require_finite
from pellucid.data.roles import Role
from pellucid.data.tables.columns import Column
from pellucid.data.tables.table import Table
from pellucid.data.task import Task
from pellucid.errors import DataError, UsageError
from pellucid.graph.types import DType, as_dtype

LONGEST_CATEGORY = 1000
"""Letters of a category, at most."""

BLOCK = 2**22
"""So many numbers of a matrix are looked at together."""


def fit_encoders(
    table: Table,
    roles: Sequence[Role],
    task: Task,
    rows: Any | None = None,
    dtype: DType | str = "float32",
    *,
    settings: EncoderSettings | None = None,
    weights: np.ndarray | None = None,
) -> Encoding:
    """Fit encoders on the training rows of a table.

    Numbers: they are scaled as the settings say (by default the mean is taken away and the result divided by the
    standard deviation of n values, not n - 1), in float64, cut at +-1e6 and limited smoothly. A missing one becomes 0
    after scaling: it is filled with the mean ("standardize"), the median ("robust"), the least number ("minmax"), or
    what is encoded as 0; and a feature of 0 and 1 says so for each column that has some among the training rows. A
    column that is constant in the training rows becomes 0, unless numbers are not scaled.

    Dates: the days since 1970-01-01, a number like others, and the sine and cosine of the place in the year, in the
    week and, where there are times of day among the training rows, in the day; 0 where the date is missing.

    Categories, truth values among them: one feature of 0 and 1 for each category of the training rows, and one for
    missing cells where there are some. A category that was not there becomes all 0. Columns of many categories are
    embedded: the network learns a vector for each, which is 0 for categories that were not there and missing ones.
    Text of more than 1,000 letters is no category: it counts as one that was not there.

    Text: a feature for each of the words that most training rows have, whether a cell has it or how often, and one for
    missing cells where there are some. Words are the longest runs of letters, digits and underscores, as Unicode has
    it, in lower case, of at most 64 of them.

    Parameters
    ----------
    table : Table
    roles : sequence of Role
        What each column is for; those left out are not read.
    task : Task
        Its targets must not be among the columns that are read.
    rows : array_like, optional
        The training rows: numbers from 0, or a mask. All of them by default. Nothing else is looked at.
    dtype : {"float32", "float64"}
        Of the features.
    settings : EncoderSettings, optional
    weights : ndarray, optional, [rows of the table]
        How much each row counts; one of weight 0 does not count at all.

    Returns
    -------
    Encoding

    Raises
    ------
    DataError
        Where no column has a value in the training rows, or a cell does not fit its role.
    UsageError
        Where a target is to be read.

    Examples
    --------
    >>> from pellucid.data.roles import infer_roles
    >>> from pellucid.data.task import infer_task
    >>> table = Table.from_columns({"age": [30, None, 50], "color": ["red", "blue", "red"], "y": [0.5, 1.5, 2.5]})
    >>> encoding = fit_encoders(
    ...     table, infer_roles(table, "y"), infer_task(table, "y"), settings=EncoderSettings(limit=0)
    ... )
    >>> encoding.features
    ('age', 'age is missing', 'color=blue', 'color=red')
    >>> print(encoding.encode(table)["x"])
    [[-1.  0.  0.  1.]
     [ 0.  1.  1.  0.]
     [ 1.  0.  0.  1.]]
    """
    settings = settings or EncoderSettings()
    chosen, shares = _training_rows(len(table), rows, weights)
    used = [role for role in roles if role.used]
    scalings, columns, missing = [], [], {}
    for role in used:
        if role.name in task.targets:
            raise UsageError("a target cannot be read to predict itself", where=f"column {role.name!r}")
        part = _training_part(table, table[role.name], role.kind, chosen)
        told, gaps, values = _fit_column(part, role.kind, settings, shares)
        missing[role.name] = gaps
        if values is not None:
            scalings.append(fit_column(values, shares, settings))
            told = replace(told, constant=scalings[-1].constant)
        if values is not None or told.categories or told.words:
            columns.append(told)
    if not columns:
        raise DataError("no column has a value in the training rows", where=table.path)
    front, arrays = Front(tuple(columns)), join_scalings(scalings, settings)
    if settings.whitening and front.numbers:
        numbers = Front(front.numbers)
        selected = numbers.select(table)
        arrays |= _fit_whitening(
            lambda part: numbers.read(selected.take(part))["numbers"], chosen, shares, arrays, settings
        )
    return Encoding(front, arrays, as_dtype(dtype), settings, missing)


def _training_rows(count: int, rows: Any | None, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the numbers of the training rows that count, and their weights."""
    chosen = np.arange(count) if rows is None else np.arange(count)[rows]
    if weights is None:
        return chosen, None
    weights = np.asarray(weights, np.float64)
    if weights.shape != (count,) or not np.isfinite(weights).all() or (weights < 0).any():
        got = f"{weights.shape[0]} of them" if weights.ndim == 1 else f"shape {list(weights.shape)}"
        raise UsageError("not weights of rows", where="weights", got=got, expected=f"{count} finite numbers from 0 up")
    chosen = chosen[weights[chosen] > 0]
    if not chosen.size:
        raise DataError("no training row has a weight above 0")
    return chosen, weights[chosen]


def _training_part(table: Table, column: Column, kind: str, rows: np.ndarray) -> Table:
    """Return a table of one column and the training rows."""
    column = as_dates(table, column) if kind == "date" else column
    return replace(table, columns=(column,)).take(rows)


def _fit_column(
    part: Table, kind: str, settings: EncoderSettings, weights: np.ndarray | None
) -> tuple[FrontColumn, int, np.ndarray | None]:
    """Return what is to be known of a column, how many cells are missing, and its numbers, where it has some."""
    column = part.columns[0]
    gaps = int(column.missing.sum())
    indicator = 0 < gaps < len(part)
    if kind == "number":
        return FrontColumn(column.name, "number", indicator=indicator), gaps, numbers_of(part, column)
    if kind == "date":
        order = column.day_order.day_first if column.day_order is not None else None
        told = FrontColumn(column.name, "date", indicator=indicator, times=has_times(column.values), day_first=order)
        return told, gaps, count_days(column.values)
    if kind == "text":
        words = find_words(as_texts(column), weights, settings.words)
        counted = settings.word_values == "count"
        return FrontColumn(column.name, "text", indicator=indicator, words=words, counted=counted), gaps, None
    require_finite(part, column.name)
    categories = tuple(name for name in column.distinct if not isinstance(name, str) or len(name) <= LONGEST_CATEGORY)
    units = settings.units(len(categories)) if len(categories) > settings.one_hot else 0
    return FrontColumn(column.name, "category", categories, indicator, embedding=units), gaps, None


def _fit_whitening(
    read: Callable[[np.ndarray], np.ndarray],
    rows: np.ndarray,
    weights: np.ndarray | None,
    arrays: dict[str, np.ndarray],
    settings: EncoderSettings,
) -> dict[str, np.ndarray]:
    def chunks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(rows), CHUNK):
            part = slice(start, start + CHUNK)
            numbers = read(rows[part])
            scaled = scale_numbers(settings, arrays, numbers, ~np.isnan(numbers))
            yield scaled, np.ones(len(numbers)) if weights is None else weights[part]

    return fit_whitening(chunks, read(rows[:1]).shape[1], settings.whitening)


def fit_encoders_of_matrix(
    matrix: Any,
    settings: EncoderSettings | None = None,
    dtype: DType | str = "float32",
    weights: np.ndarray | None = None,
) -> Encoding:
    """Fit encoders on all rows of a matrix of numbers, as :func:`fit_encoders` does on a table of them.

    The columns are called x0, x1, ... A sparse matrix is scaled without a shift, so that 0 stays 0 and what
    :meth:`Encoding.encode_matrix` makes of it is sparse too: "standardize" divides by the standard deviation, "robust"
    by the distance of the quartiles (half the range where they are equal), "minmax" by the largest size of a number.

    Parameters
    ----------
    matrix : array or SciPy sparse matrix, [rows, columns]
        NaN is a missing cell.
    settings : EncoderSettings, optional
    dtype : {"float32", "float64"}
        Of the features.
    weights : ndarray, optional, [rows]
        How much each row counts; one of weight 0 does not count at all.

    Raises
    ------
    DataError
        Where a number is infinite, or the matrix is none of numbers.
    UsageError
        For "quantile" or whitening of a sparse matrix.

    Examples
    --------
    >>> import numpy as np
    >>> encoding = fit_encoders_of_matrix(np.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> encoding.encode_matrix(np.array([[2.0, 5.0], [np.nan, 6.0]]))["x"].tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    settings = settings or EncoderSettings()
    matrix = require_matrix(matrix)
    chosen, shares = _training_rows(matrix.shape[0], None, weights)
    matrix = matrix if len(chosen) == matrix.shape[0] else matrix[chosen]
    names = [f"x{place}" for place in range(matrix.shape[1])]
    gaps = _count_missing(matrix, names, chosen)
    if is_sparse(matrix):
        arrays, constant = fit_sparse_scaling(matrix, shares, settings)
    else:
        scalings = [fit_column(values, shares, settings) for values in _columns(matrix)]
        arrays = join_scalings(scalings, settings)
        constant = np.array([scaling.constant for scaling in scalings], bool)
    front = Front(
        tuple(
            FrontColumn(name, "number", indicator=0 < count < matrix.shape[0], constant=same)
            for name, count, same in zip(names, gaps, constant.tolist(), strict=True)
        )
    )
    if settings.whitening:
        every = np.arange(matrix.shape[0])
        arrays |= _fit_whitening(lambda part: matrix[part].astype(np.float64), every, shares, arrays, settings)
    return Encoding(front, arrays, as_dtype(dtype), settings, dict(zip(names, gaps, strict=True)))


def _columns(matrix: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the columns of an array as float64 in memory of their own, some of them read together."""
    width = max(1, BLOCK // matrix.shape[0])
    for start in range(0, matrix.shape[1], width):
        yield from np.ascontiguousarray(matrix[:, start : start + width].T, np.float64)


def _count_missing(matrix: Any, names: Sequence[str], rows: np.ndarray) -> list[int]:
    """Return how many cells are missing in each column, once none is infinite; `rows` are their numbers."""
    if is_sparse(matrix):
        require_finite_entries(matrix, names, rows)
        return np.bincount(matrix.indices[np.isnan(matrix.data)], minlength=len(names)).tolist()
    gaps = []
    for name, values in zip(names, _columns(matrix), strict=True):
        infinite = np.flatnonzero(np.isinf(values))
        if infinite.size:
            raise infinite_number(int(rows[infinite[0]]), name, float(values[infinite[0]]))
        gaps.append(int(np.isnan(values).sum()))
    return gaps
