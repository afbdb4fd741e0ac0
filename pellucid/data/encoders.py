"""Encoders: what turns the cells of a table into the numbers that a network takes, as a graph of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import ops
from pellucid.data.front import Front, FrontColumn, read_numbers
from pellucid.data.roles import Role, require_finite
from pellucid.data.table import Table
from pellucid.data.task import Task
from pellucid.errors import DataError, UsageError
from pellucid.graph.builder import Builder
from pellucid.graph.graph import Graph
from pellucid.graph.types import Axis, DType, Type, as_dtype, float64, int32
from pellucid.graph.value import Value

MEAN, SCALE = "encoders/mean", "encoders/scale"
LIMIT = 1e6
"""Standardized numbers are cut here, so that no cell, however wild, overflows in a network of float32. Among n training
rows none is larger than the square root of n."""

CHUNK = 8192


@dataclass(frozen=True, eq=False)
class Encoding:
    """Encoders fitted on training rows. Made by :func:`fit_encoders`.

    Attributes
    ----------
    front : Front
        The columns that are read.
    arrays : dict of ndarray
        ``encoders/mean`` and ``encoders/scale``, float64 [numbers], in the columns' own units; the scale of a
        constant column is 0.
    dtype : DType
        Of the features.
    missing : dict of int
        How many training rows had no value, by column.
    """

    front: Front
    arrays: dict[str, np.ndarray]
    dtype: DType
    missing: dict[str, int]

    @property
    def features(self) -> tuple[str, ...]:
        """Readable names of the features, such as ``age``, ``age is missing``, ``color=red``."""
        return self.front.features

    def raw(self, table: Table) -> dict[str, np.ndarray]:
        """Return a table's cells as arrays; see :meth:`pellucid.data.front.Front.read`."""
        return self.front.read(table)

    def graph(self, batch: int = 1) -> Graph:
        """Return the graph from cells and statistics to ``x`` [batch, features], for `batch` rows (axis ``batch``)."""
        builder = Builder()
        values = {name: builder.input(name, type) for name, type in raw_types(self.front, batch).items()}
        statistics = {name: builder.input(name, Type(float64, array.shape)) for name, array in self.arrays.items()}
        x = _encode(self.front, {**values, **statistics}, self.dtype)
        return builder.finish({"x": x}, after="building the encoders")

    def encode(self, table: Table) -> np.ndarray:
        """Return the features, [rows, features]: what the graph computes."""
        raw = self.raw(table)
        parts = []
        for start in range(0, len(table), CHUNK):
            rows = {name: array[start : start + CHUNK] for name, array in raw.items()}
            parts.append(_encode(self.front, {**rows, **self.arrays}, self.dtype))
        return np.concatenate(parts)

    def describe(self) -> list[str]:
        """Return a line for each column that says what becomes of it."""
        lines, number = [], 0
        for column in self.front.columns:
            gaps = self.missing.get(column.name, 0)
            if column.role == "category":
                count = len(column.categories)
                told = f"{count} categor{'y' if count == 1 else 'ies'}, one feature each"
                told += f"; {gaps} missing, one more feature" if column.indicator else ""
            else:
                mean, scale = self.arrays[MEAN][number], self.arrays[SCALE][number]
                number += 1
                told = f"number of mean {mean:.4g} and standard deviation {scale:.4g}, standardized"
                told = f"always {mean:.4g} in training, ignored" if column.constant else told
                told += f"; {gaps} missing, filled with the mean and marked by a feature" if column.indicator else ""
            lines.append(f"{column.name}: {told}")
        return lines


def raw_types(front: Front, batch: int) -> dict[str, Type]:
    """Return the types of what :meth:`Front.read` gives, for `batch` rows."""
    rows = Axis(batch, "batch")
    types = {}
    if front.numbers:
        types["numbers"] = Type(float64, (rows, len(front.numbers)))
    if front.categories:
        types["categories"] = Type(int32, (rows, len(front.categories)))
    return types


def fit_encoders(
    table: Table,
    roles: Sequence[Role],
    task: Task,
    rows: Any | None = None,
    dtype: DType | str = "float32",
) -> Encoding:
    """Fit encoders on the training rows of a table.

    Numbers: missing ones are filled with the mean, and a feature of 0 and 1 says so for each column that has some among
    the training rows; then the mean is taken away and the result divided by the standard deviation (of n values, not
    n - 1), in float64, and cut at +-1e6. A column that is constant in the training rows becomes 0.

    Categories, truth values among them: one feature of 0 and 1 for each category of the training rows, and one for
    missing cells where there are some. A category that was not there becomes all 0.

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

    Returns
    -------
    Encoding

    Raises
    ------
    DataError
        Where no column has a value in the training rows, or a number is infinite or a word.
    UsageError
        Where a target is to be read.

    Examples
    --------
    >>> from pellucid.data.roles import infer_roles
    >>> from pellucid.data.task import infer_task
    >>> table = Table.from_columns({"age": [30, None, 50], "color": ["red", "blue", "red"], "y": [0.5, 1.5, 2.5]})
    >>> encoding = fit_encoders(table, infer_roles(table, "y"), infer_task(table, "y"))
    >>> encoding.features
    ('age', 'age is missing', 'color=blue', 'color=red')
    >>> print(encoding.encode(table))
    [[-1.  0.  0.  1.]
     [ 0.  1.  1.  0.]
     [ 1.  0.  0.  1.]]
    """
    chosen = table if rows is None else table.take(rows)
    columns, statistics, missing = [], [], {}
    for role in roles:
        if not role.used:
            continue
        if role.name in task.targets:
            raise UsageError("a target cannot be read to predict itself", where=f"column {role.name!r}")
        gaps = int(chosen[role.name].missing.sum())
        indicator = 0 < gaps < len(chosen)
        missing[role.name] = gaps
        if role.kind == "number":
            mean, scale = mean_and_scale(read_numbers(chosen, role.name))
            columns.append(FrontColumn(role.name, "number", (), indicator, scale == 0))
            statistics.append((mean, scale))
        elif gaps < len(chosen):
            require_finite(chosen, role.name)
            columns.append(FrontColumn(role.name, "category", chosen[role.name].distinct, indicator))
    if not columns:
        raise DataError("no column has a value in the training rows", where=table.path)
    arrays = {}
    if statistics:
        means, scales = np.array(statistics, np.float64).T
        arrays = {MEAN: np.ascontiguousarray(means), SCALE: np.ascontiguousarray(scales)}
    return Encoding(Front(tuple(columns)), arrays, as_dtype(dtype), missing)


def mean_and_scale(values: np.ndarray) -> tuple[float, float]:
    """Return the mean and the standard deviation of the numbers present; 0 for both where there is none.

    A power of two is taken out of all numbers first: squares of large ones would overflow, of small ones vanish.
    """
    present = values[~np.isnan(values)]
    if present.size == 0:
        return 0.0, 0.0
    if present.min() == present.max():
        return float(present[0]), 0.0
    exponent = int(np.frexp(np.abs(present).max())[1])
    scaled = np.ldexp(present, -exponent)
    mean = scaled.mean()
    return float(np.ldexp(mean, exponent)), float(np.ldexp(scaled.std(), exponent))


def _encode(front: Front, values: dict[str, Any], dtype: DType) -> Any:
    """Compute the features of raw cells: with graph values, building the graph, or with arrays."""
    parts = []
    if front.numbers:
        numbers = values["numbers"]
        present = _name(ops.equal(numbers, numbers), "encoders/present")  # NaN, a missing cell, is not equal to itself
        filled = _name(ops.select(present, numbers, values[MEAN]), "encoders/filled")
        deviation = _name(ops.subtract(filled, values[MEAN]), "encoders/deviation")
        standardized = _divide(front, deviation, values[SCALE])
        limited = ops.minimum(_name(ops.maximum(standardized, -LIMIT), "encoders/limited_below"), LIMIT)
        parts.append(_name(ops.cast(_name(limited, "encoders/limited"), dtype=dtype), "encoders/numbers"))
        for place, column in enumerate(front.numbers):
            if column.indicator:
                path = f"encoders/{_printable(column.name)}"
                absent = ops.logical_not(ops.getitem(present, (slice(None), slice(place, place + 1))))
                parts.append(_name(ops.cast(_name(absent, f"{path} absent"), dtype=dtype), f"{path} is missing"))
    for place, column in enumerate(front.categories):
        path, depth = f"encoders/{_printable(column.name)}", len(column.categories) + column.indicator
        index = _name(ops.getitem(values["categories"], (slice(None), place)), f"{path} index")
        parts.append(_name(ops.one_hot(index, depth=depth, dtype=dtype), path))
    return _name(parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1), "x")


def _divide(front: Front, deviation: Any, scale: Any) -> Any:
    if not any(column.constant for column in front.numbers):
        return _name(ops.divide(deviation, scale), "encoders/standardized")
    varies = _name(ops.greater(scale, 0.0), "encoders/varies")
    divided = ops.divide(deviation, ops.select(varies, scale, 1.0))
    return _name(ops.select(varies, divided, 0.0), "encoders/standardized")


def _name(value: Any, path: str) -> Any:
    return value.builder.name(value, path) if isinstance(value, Value) else value


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "_" for letter in name)
