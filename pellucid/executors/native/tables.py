"""Arrays of examples in memory that machine code can read."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.executors.native.assemble import Assembled
from pellucid.executors.native.epochs import may_be_sparse

KEPT = 8
"""How many arrays of each input stay prepared."""


@dataclass(frozen=True)
class Table:
    """An input's rows as machine code reads them: what its words are, and the arrays that have to stay."""

    words: tuple[int, ...]
    arrays: tuple[Any, ...]


class Tables:
    """The arrays that a program was given, prepared when they come for the first time."""

    def __init__(self, assembled: Assembled):
        self._assembled = assembled
        self._lock = threading.Lock()
        self._found: dict[tuple[str, int], tuple[Any, Table]] = {}

    def of(self, name: str, array: Any) -> Table:
        """Return the rows of an input in memory that machine code can read; what was prepared is kept."""
        key = name, id(array)
        with self._lock:
            found = self._found.get(key)
            if found is None or found[0] is not array:
                for old in [old for old in self._found if old[0] == name][:-KEPT]:
                    del self._found[old]
                found = self._found[key] = array, self.prepare(name, array)
        return found[1]

    def prepare(self, name: str, array: Any) -> Table:
        """Return the rows of an input in memory that machine code can read."""
        node = self._assembled.graph.inputs[name]
        dtype = node.type.dtype.numpy
        if not isinstance(array, np.ndarray) and not may_be_sparse(self._assembled.plan.layouts[node]):
            array = array.toarray()
        if isinstance(array, np.ndarray):
            array = np.ascontiguousarray(array, dtype)
            stride = array.strides[0] if array.ndim and len(array) else 0
            return Table((array.ctypes.data, stride, 0, 0, 0), (array,))
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
