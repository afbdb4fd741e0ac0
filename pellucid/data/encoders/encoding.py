"""What encoders were fitted to: the columns, the statistics, and the graph from cells to what a network takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.data.dataset import is_sparse
from pellucid.data.encoders.front import Front, FrontColumn
from pellucid.data.encoders.graph import encode_cells, raw_types
from pellucid.data.encoders.lines import describe_columns, describe_numbers
from pellucid.data.encoders.matrices import require_matrix
from pellucid.data.encoders.scaling import KNOTS
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.encoders.sparse import encode_sparse, keeps_sparse
from pellucid.data.encoders.whitening import WHITENING, one_thread
from pellucid.data.tables.table import Table
from pellucid.graph.builder import Builder
from pellucid.graph.graph import Graph
from pellucid.graph.types import DType, Type, float64, int32

CHUNK = 8192
CHUNK_NUMBERS = 2**23
"""Rows are encoded in chunks of so many; of fewer where all values of a step would be more numbers than this."""

READ_NUMBERS = 2**24
"""Cells are read in chunks of so many numbers at most."""


def parts_of(count: int, size: int) -> Iterator[slice]:
    """Yield slices of `size` rows one after the other; the last may be shorter.

    Examples
    --------
    >>> list(parts_of(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def rows_to_read(front: Front, at_once: int) -> int:
    """Return how many rows of cells to read together where `at_once` are computed together: a multiple of them."""
    rows = min(CHUNK, READ_NUMBERS // sum(type.size for type in raw_types(front, 1).values()))
    return max(1, rows // at_once) * at_once


@dataclass(frozen=True, eq=False)
class Encoding:
    """Encoders fitted on training rows. Made by :func:`pellucid.data.encoders.fit.fit_encoders`.

    Attributes
    ----------
    front : Front
        The columns that are read.
    arrays : dict of ndarray
        Statistics of the training rows, float64, such as ``encoders/center`` and ``encoders/scale`` [numbers], in the
        columns' own units; the scale of a constant column is 0.
    dtype : DType
        Of the features.
    settings : EncoderSettings
    missing : dict of int
        How many training rows had no value, by column; empty where it is not known, in a model that was loaded.
    """

    front: Front
    arrays: dict[str, np.ndarray]
    dtype: DType
    settings: EncoderSettings
    missing: dict[str, int] = field(default_factory=dict)

    @property
    def features(self) -> tuple[str, ...]:
        """Readable names of the features, such as ``age``, ``joined (days)``, ``age is missing``, ``color=red``."""
        if not self.front.numbers or not self.settings.whitening:
            return self.front.features
        count = self.arrays[WHITENING].shape[1]
        return tuple(f"component {number}" for number in range(1, count + 1)) + self.front.other_features

    @property
    def embedded(self) -> tuple[FrontColumn, ...]:
        """The columns of categories for which a network learns vectors, in the order of ``index``."""
        return self.front.embedded

    @property
    def inputs(self) -> dict[str, int | Type]:
        """What a network takes: ``Network(body, inputs=encoding.inputs)``."""
        inputs: dict[str, int | Type] = {"x": len(self.features)} if self.features else {}
        return inputs | ({"index": Type(int32, (len(self.embedded),))} if self.embedded else {})

    def raw(self, table: Table) -> dict[str, np.ndarray]:
        """Return a table's cells as arrays; see :meth:`pellucid.data.encoders.front.Front.read`."""
        return self.front.read(table)

    def graph(self, batch: int = 1) -> Graph:
        """Return the graph from cells and statistics to ``x`` and ``index``, for `batch` rows (axis ``batch``).

        ``x`` are the features, [batch, features]; ``index`` the categories of embedded columns, int32 [batch, columns].
        """
        builder = Builder()
        values = {name: builder.input(name, type) for name, type in raw_types(self.front, batch).items()}
        statistics = {name: builder.input(name, Type(float64, array.shape)) for name, array in self.arrays.items()}
        outputs = encode_cells(self.front, self.settings, {**values, **statistics}, self.dtype)
        return builder.finish(outputs, after="building the encoders")

    def encode(self, table: Table) -> dict[str, np.ndarray]:
        """Return what a network takes: what the graph computes.

        The cells are read in parts, so that the memory taken is little more than that of the result.

        Returns
        -------
        dict of ndarray
            ``x`` of `dtype`, [rows, features], where there are features; ``index``, int32 [rows, embedded columns], -1
            for a category that is missing or was not among the training rows, where there are such columns.

        Raises
        ------
        DataError
            Where a column is missing, or a cell does not fit: with file and line.
        """
        chosen = self.front.select(table)
        return self._encode_in_parts(len(chosen), lambda part: self.front.read(chosen.take(part)))

    def encode_matrix(self, matrix: Any) -> dict[str, Any]:
        """Return what `encode` does, for an array or a SciPy sparse matrix [rows, columns] of numbers.

        Columns are found as by :meth:`pellucid.data.encoders.front.Front.places_in`. Where nothing shifts 0, as after
        :func:`pellucid.data.encoders.fit_encoders_of_matrix` of a sparse matrix, the ``x`` of a sparse matrix is one
        too, in the format CSR.
        """
        matrix = require_matrix(matrix)
        if is_sparse(matrix) and keeps_sparse(self.settings, self.arrays) and self.front.only_numbers:
            matrix = matrix[:, self.front.places_in(matrix.shape[1])]
            return {"x": encode_sparse(self.front, self.settings, self.arrays, matrix, self.dtype)}
        return self._encode_in_parts(
            matrix.shape[0], lambda part: self.front.read_matrix(matrix[part], first_row=part.start)
        )

    def _encode_in_parts(self, count: int, read: Callable[[slice], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        width = len(self.features) + len(self.front.columns)
        width += self.arrays[KNOTS].size if KNOTS in self.arrays else 0
        at_once = min(CHUNK, max(1, CHUNK_NUMBERS // width))
        result: dict[str, np.ndarray] = {}
        with one_thread() if self.settings.whitening else nullcontext():
            for part in parts_of(count, rows_to_read(self.front, at_once)):
                raw = read(part)
                for inside in parts_of(part.stop - part.start, at_once):
                    values = {**{name: array[inside] for name, array in raw.items()}, **self.arrays}
                    found = encode_cells(self.front, self.settings, values, self.dtype)
                    for name, array in found.items():
                        if name not in result:
                            result[name] = np.empty((count, *array.shape[1:]), array.dtype)
                        result[name][part][inside] = array
        return result

    def describe(self) -> list[str]:
        """Return a line for each column that says what becomes of it."""
        return describe_columns(self.front, self.settings, self.arrays, self.missing)

    def describe_numbers(self) -> str:
        """Return a sentence that says what becomes of all scaled numbers and dates; empty where they stay so."""
        return describe_numbers(self.front, self.settings, self.arrays)
