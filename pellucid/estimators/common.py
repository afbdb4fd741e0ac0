"""What the trainings of a search have in common: the same rows, read, ordered and encoded once for all of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np

from pellucid.data.dataset import is_sparse
from pellucid.data.tables.columns import Column
from pellucid.data.tables.table import Table
from pellucid.graph.graph import Graph

MOST_BYTES = 512 * 1024 * 1024
MOST_THINGS = 1024
"""What has not been asked for the longest time is forgotten where arrays or things are more than this."""

Made = TypeVar("Made")
_of_thread = threading.local()


class Common:
    """Things that are made once, of arrays that are known again by their content.

    Several threads use it at once. What it returns is shared: nobody may change it.

    Attributes
    ----------
    stopped : threading.Event
        Set where all trainings are to end.
    compiled : callable
        Called by a thread whose training has all that it needs compiled.
    """

    def __init__(self, compiled: Callable[[], None] = lambda: None):
        self.stopped = threading.Event()
        self.compiled = compiled
        self._lock = threading.Lock()
        self._made: OrderedDict[Hashable, tuple[Any, tuple[Any, ...], int]] = OrderedDict()
        self._known: dict[int, Any] = {}
        self._bytes = 0

    @contextmanager
    def here(self) -> Iterator[None]:
        """Let the estimators that are fitted in this thread share what is here."""
        before = current()
        _of_thread.common = self
        try:
            yield
        finally:
            _of_thread.common = before

    def known(self, given: Any) -> Any:
        """Return the array, sparse matrix or table of the same content that was given first.

        It is kept, so it must not be changed any more.
        """
        parts = _parts(given)
        if parts is None:
            return given
        number = 0
        while True:
            key = ("content", _checksum(given, parts), number)
            found = self._keep(key, (), lambda: given)
            if found is given or _are_equal(parts, _parts(found)):
                return found
            number += 1

    def once(self, name: str, parts: tuple[Any, ...], make: Callable[[], Made]) -> Made:
        """Return what `make` makes of the parts, or what it made of the same ones before.

        Parts are known by their value where they have a hash, and otherwise by being what was returned from here, or
        a part of a tuple that was. Where one is neither, it is made.
        """
        marks = [self._mark(part) for part in parts]
        return make() if None in marks else self._keep((name, *marks), parts, make)

    def _mark(self, part: Any) -> Hashable | None:
        try:
            hash(part)
        except TypeError:
            return id(part) if self._known.get(id(part)) is part else None
        return type(part), part

    def _keep(self, key: Hashable, parts: tuple[Any, ...], make: Callable[[], Made]) -> Made:
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key][0]
        made = make()
        size = _bytes(made)
        with self._lock:
            if key not in self._made:
                self._made[key] = made, parts, size  # the parts stay alive, so that their ids are their own
                self._known |= {id(thing): thing for thing in _things(made)}
                self._bytes += size
            found = self._made[key][0]
            while len(self._made) > 1 and (self._bytes > MOST_BYTES or len(self._made) > MOST_THINGS):
                forgotten, _, freed = self._made.popitem(last=False)[1]
                for thing in _things(forgotten):
                    self._known.pop(id(thing), None)
                self._bytes -= freed
        return found


def _things(made: Any) -> tuple[Any, ...]:
    return made if type(made) is tuple else (made,)


def current() -> Common | None:
    """Return what the trainings of this thread have in common with others, if there are any."""
    return getattr(_of_thread, "common", None)


def known(given: Any) -> Any:
    """Return the array, sparse matrix or table of the same content that another training was given: see `Common`."""
    common = current()
    return given if common is None or given is None else common.known(given)


def once(name: str, parts: tuple[Any, ...], make: Callable[[], Made]) -> Made:
    """Return what `make` makes, or made of the same parts for another training: see :meth:`Common.once`."""
    common = current()
    return make() if common is None else common.once(name, parts, make)


def _parts(given: Any) -> list[np.ndarray] | None:
    """Return arrays of numbers or characters that say all of what is given; None where there are no such."""
    if isinstance(given, Table):
        if (given.path, given.source, given.origin) != (None, None, None):
            return None
        arrays = [array for column in given.columns for array in (column.values, column.missing)]
    elif is_sparse(given):
        arrays = [given.data, given.indices, given.indptr]
    else:
        arrays = [given]
    found = [_as_fixed(array) for array in arrays]
    return None if any(array is None for array in found) else [array for array in found if array is not None]


def _as_fixed(array: Any) -> np.ndarray | None:
    if type(array) is not np.ndarray:
        return None
    if array.dtype.kind != "O":
        return array
    values = array.ravel().tolist()
    if not all(type(value) is str and value[-1:] != "\0" for value in values) or not values:
        return None  # NumPy's texts end before zeros
    return np.array(values).reshape(array.shape)


def _checksum(given: Any, parts: list[np.ndarray]) -> Hashable:
    described: list[Any] = [type(given), getattr(given, "shape", None), str(getattr(given, "dtype", None))]
    if isinstance(given, Table):
        told = [field.name for field in fields(Column) if field.name not in ("values", "missing")]
        described += [getattr(column, name) for column in given.columns for name in told]
    for part in parts:
        described += [part.dtype.str, part.shape, int(_words(part).sum(dtype=np.uint64))]
    return tuple(described)


def _words(array: np.ndarray) -> np.ndarray:
    """Return the bits of an array as whole numbers."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat.view(f"u{8 if array.dtype.itemsize % 8 == 0 else 4 if array.dtype.itemsize % 4 == 0 else 1}")


def _are_equal(parts: list[np.ndarray], others: list[np.ndarray] | None) -> bool:
    return others is not None and all(
        np.array_equal(_words(part), _words(other)) for part, other in zip(parts, others, strict=True)
    )


def _bytes(value: Any) -> int:
    """Return how much memory the arrays in something take, about."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, Graph):
        return 0
    if is_sparse(value):
        return value.data.nbytes + value.indices.nbytes + value.indptr.nbytes
    if isinstance(value, Mapping):
        return sum(map(_bytes, value.values()))
    if isinstance(value, (tuple, list)):
        return sum(map(_bytes, value))
    if is_dataclass(value) and not isinstance(value, type):
        return sum(_bytes(getattr(value, field.name, None)) for field in fields(value))
    return 0
