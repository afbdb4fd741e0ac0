"""Arrays of examples in memory that machine code can read."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.executors.inputs import as_typed_array, check_table
from pellucid.executors.native.assemble import Assembled
from pellucid.executors.native.epochs import may_be_sparse
from pellucid.graph.types import Type


@dataclass(frozen=True)
class Table:
    """An input's rows as machine code reads them: its words, and what has to stay besides the array that was given."""

    words: tuple[int, ...]
    arrays: tuple[Any, ...]


class Tables:
    """The arrays that a program was given, prepared when they come for the first time, for as long as they live."""

    def __init__(self, assembled: Assembled):
        self._assembled = assembled
        self._found: dict[tuple[str, int], tuple[weakref.ref, Table]] = {}

    def of(self, name: str, array: Any) -> Table:
        """Return the rows of an input in memory that machine code can read; that is kept until the array is dropped."""
        key = name, id(array)
        found = self._found.get(key)
        if found is not None and found[0]() is array:  # not one that an interrupt has kept from being dropped
            return found[1]
        table = self.prepare(name, array)
        self._found[key] = weakref.ref(array), table
        weakref.finalize(array, _forget, weakref.ref(self), key)
        return table

    def forget(self, key: tuple[str, int]) -> None:
        """Drop what was prepared of an array that is no more."""
        self._found.pop(key, None)

    def prepare(self, name: str, array: Any) -> Table:
        """Return the rows of an input in memory that machine code can read.

        Raises
        ------
        GraphError
            Where they are no rows of the input's type.
        """
        node = self._assembled.graph.inputs[name]
        dtype = node.type.dtype.numpy
        check_table(name, node.type, array)
        given = array
        if not isinstance(array, np.ndarray) and not may_be_sparse(self._assembled.plan.layouts[node]):
            array = array.toarray()
        if isinstance(array, np.ndarray):
            typed = as_typed_array(array, Type(node.type.dtype, array.shape), f"input {name!r}")
            rows = np.ascontiguousarray(typed)
            stride = rows.strides[0] if len(rows) else 0
            own = () if isinstance(given, np.ndarray) and np.may_share_memory(rows, given) else (rows,)
            return Table((rows.ctypes.data, stride, 0, 0, 0), own)
        array = array.tocsr()
        if not array.has_canonical_format:
            array = array.copy()
            array.sum_duplicates()
        kind = 1 if array.indices.dtype == np.int32 and array.indptr.dtype == np.int32 else 2
        whole = np.int32 if kind == 1 else np.int64
        data, indices, starts = (
            np.ascontiguousarray(part, dtype)
            for part, dtype in ((array.data, dtype), (array.indices, whole), (array.indptr, whole))
        )
        return Table((data.ctypes.data, 0, kind, indices.ctypes.data, starts.ctypes.data), (data, indices, starts))


def _forget(tables: weakref.ref[Tables], key: tuple[str, int]) -> None:
    found = tables()
    if found is not None:
        found.forget(key)
