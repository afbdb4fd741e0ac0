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
        Negative numbers count from the end, None adds an axis of size 1. Whole numbers in an array, a list or a graph
        value take rows, as :func:`gather` does, and stand alone.

    Returns
    -------
    Value or array

    Raises
    ------
    ShapeError
        Where an index is outside its axis, there are more indices than axes, or an index is of another kind.

    Examples
    --------
    >>> getitem([[1, 2, 3], [4, 5, 6]], (..., slice(None, None, -2)))
    array([[3, 1],
           [6, 4]])
    """
    value = as_operand(value)
    if isinstance(key, (Value, np.ndarray, list)) and np.shape(key) != ():
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
    key = as_operand(key)
    if dtype_of(key) == bool_:
        fix = "The number of rows would depend on numbers: use pl.select(condition, a, b)."
        raise ShapeError("truth values do not index", where="indexing", got=f"bool{told(key.shape)}", fix=fix)
    return gather(value, key)


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

    A named axis is whole only where no end is given: ``x[:1]`` is the first row, whatever the size is now.
    """
    try:
        first, stop, step = item.indices(size)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"not a slice: {error}", where=f"indexing, axis {axis}", got=repr(item)[:80]) from None
    count = len(range(first, stop, step))
    if count == size and abs(step) == 1 and (item.stop is None or not isinstance(size, Axis)):
        return (0 if step == 1 else -1), size, step
    from_end = step < 0 if item.start is None else -size <= operator.index(item.start) < 0
    return (first - int(size) if from_end and count else first), count, step


OPERATORS["getitem"] = getitem
