"""Indexing as in NumPy, made of slices, reshapes and gathers."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from pellucid.errors import ShapeError
from pellucid.graph.types import Axis, bool_
from pellucid.graph.value import OPERATORS, Value
from pellucid.ops import slices
from pellucid.ops.operands import as_operand, dtype_of, same_size, told
from pellucid.ops.rows import gather
from pellucid.ops.shapes import reshape


def getitem(value: Any, key: Any) -> Any:
    """Return the part of a value that NumPy's basic indexing names.

    Parameters
    ----------
    value : Value or array
    key : int, slice, ``...``, None, or a tuple of them
        Negative numbers count from the end, None adds an axis of size 1. Whole numbers in an array or a list, or in a
        graph value (there from 0 up), take rows, as :func:`gather` does, and stand alone.

    Returns
    -------
    Value or array

    Raises
    ------
    ShapeError
        Where an index is outside its axis, there are more indices than axes, an index is of another kind, or which
        part it is depends on the size of a named axis, which may change.

    Examples
    --------
    >>> getitem([[1, 2, 3], [4, 5, 6]], (..., slice(None, None, -2)))
    array([[3, 1],
           [6, 4]])
    """
    value = as_operand(value)
    if isinstance(key, (Value, list)) or (isinstance(key, np.ndarray) and key.ndim):
        return _take_rows(value, key)
    items = list(key) if isinstance(key, tuple) else [key]
    open_places = [at for at, item in enumerate(items) if item is Ellipsis]
    given = sum(item is not None and item is not Ellipsis for item in items)
    if len(open_places) > 1 or given > value.ndim:
        what = "more than one ellipsis" if len(open_places) > 1 else "more indices than axes"
        raise ShapeError(what, where="indexing", got=repr(key)[:80], expected=f"at most {value.ndim} indices")
    at = open_places[0] if open_places else len(items)
    items[at : at + 1] = [slice(None)] * (value.ndim - given)
    places: list[tuple[int, int, int, int]] = []
    shape: list[int] = []
    for item in items:
        if item is None:
            shape.append(1)
            continue
        axis = len(places)
        size = value.shape[axis]
        if isinstance(item, slice):
            first, count, step = _span(axis, size, item)
            shape.append(count)
        else:
            first, count, step = _index(axis, size, item), 1, 1
        places.append((axis, first, count, step))
    cut = [place for place in places if place[1::2] != (0, 1) or not same_size(place[2], value.shape[place[0]])]
    axes, start, counts, steps = (tuple(numbers) for numbers in zip(*cut, strict=True)) if cut else ((), (), (), ())
    return reshape(slices.slice(value, axes=axes, start=start, size=counts, step=steps), tuple(shape))


def _take_rows(value: Any, key: Any) -> Any:
    key = key if isinstance(key, Value) else _read_list(key)
    if dtype_of(key) == bool_:
        fix = "The number of rows would depend on numbers: use pl.select(condition, a, b)."
        raise ShapeError("truth values do not index", where="indexing", got=f"bool{told(key.shape)}", fix=fix)
    return gather(value, key if isinstance(key, Value) else _from_start(value, key))


def _read_list(key: Any) -> np.ndarray:
    """Return the whole numbers or truth values of a list as an array."""
    try:
        numbers = np.asarray(key, int) if np.size(key) == 0 else np.asarray(key)
    except ValueError:
        numbers = np.asarray("")
    if numbers.dtype.kind not in "biu":
        expected = "whole numbers, in rows of one length"
        raise ShapeError("not a list of indices", where="indexing", got=repr(key)[:80], expected=expected)
    return numbers


def _from_start(value: Any, key: np.ndarray) -> np.ndarray:
    """Return the numbers of rows with the negative ones, which count from the end, as those from 0 up."""
    if value.ndim == 0:
        return key
    size = value.shape[0]
    wrong = (key < -int(size)) | (key >= int(size))
    if wrong.any():
        got, expected = str(key[wrong].flat[0]), f"{-int(size)} to {int(size) - 1}"
        raise ShapeError("an index outside its axis", where="indexing, axis 0", got=got, expected=expected)
    if isinstance(size, Axis) and (key < 0).any():
        raise _unfollowed(0, size, "rows from the end in a list", "Take them by slices: x[-2:].")
    return np.where(key < 0, key + int(size), key) if (key < 0).any() else key


def _index(axis: int, size: int, item: Any) -> int:
    try:
        if isinstance(item, (bool, np.bool_)):
            raise TypeError
        index = operator.index(item)
    except TypeError:
        expected = "a whole number, a slice, ... or None"
        raise ShapeError("not an index", where="indexing", got=repr(item)[:80], expected=expected) from None
    if not -size <= index < size:
        expected = f"{-int(size)} to {int(size) - 1}"
        raise ShapeError("an index outside its axis", where=f"indexing, axis {axis}", got=str(index), expected=expected)
    return index


def _span(axis: int, size: int, item: slice) -> tuple[int, int, int]:
    """Return start, size and step; a start from the end stays one, and the size of a whole axis keeps its name.

    A named axis is whole only where no end is given: ``x[:1]`` is the first row, whatever the size is now. Any other
    slice of it has both of its ends counted from the same side, so that it takes as many rows whatever the size.
    """
    try:
        first, stop, step = item.indices(size)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"not a slice: {error}", where=f"indexing, axis {axis}", got=repr(item)[:80]) from None
    count = len(range(first, stop, step))
    from_end = step < 0 if item.start is None else -size <= operator.index(item.start) < 0
    if isinstance(size, Axis):
        start = None if item.start in (None, 0 if step > 0 else -1) else item.start
        if abs(step) == 1 and start is None and item.stop is None:
            return (0 if step == 1 else -1), size, step
        _check_ends(axis, size, item, step)
    elif count == size and abs(step) == 1:
        return (0 if step == 1 else -1), size, step
    return (first - int(size) if from_end and count else first), count, step


def _check_ends(axis: int, size: Axis, item: slice, step: int) -> None:
    """Refuse a slice of a named axis that takes more or other rows when the size changes."""
    given = [None if end is None else operator.index(end) for end in (item.start, item.stop)]
    from_end = [(step < 0) == (position == 0) if end is None else end < 0 for position, end in enumerate(given)]
    if from_end[0] != from_end[1] or any(end is not None and not -size <= end <= size for end in given):
        fix = "Count both ends from the same side and within it, as in x[:3] or x[-3:]; to turn rows round: pl.roll."
        raise _unfollowed(axis, size, repr(item)[:80], fix)


def _unfollowed(axis: int, size: Axis, got: str, fix: str) -> ShapeError:
    """Return the error that a part does not follow the size of a named axis."""
    what = f"what this takes depends on the size of the axis {size.name!r}, which may change"
    return ShapeError(what, where=f"indexing, axis {axis}", got=got, fix=fix)


OPERATORS["getitem"] = getitem
