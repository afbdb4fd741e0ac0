"""How values lie in memory: strides, the axis along the vector lanes, and padding."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pellucid.executors.native.target import LANES
from pellucid.graph.types import DType, Type

LINE = 64
"""Bytes in a cache line."""

MEMORY = {"float32": "float", "float64": "double", "int64": "i64", "int32": "i32", "uint32": "i32", "bool": "i1"}
"""The type in generated code of an element of each dtype; truth values take a byte in memory."""

_SETS = 64  # of the level-1 cache
_CROWD = 8  # lines in one of its sets that are not too many


def element(dtype: DType) -> str:
    """Return the type in generated code of an element."""
    return MEMORY[dtype.name]


@dataclass(frozen=True)
class Layout:
    """Where the elements of a value lie.

    Attributes
    ----------
    type : Type
    lane : int or None
        The axis whose elements lie one after the other; None for a scalar.
    strides : tuple of int
        The bytes from one element to the next on each axis.
    size : int
        The bytes that it takes, padding included.
    """

    type: Type
    lane: int | None
    strides: tuple[int, ...]
    size: int

    @property
    def item(self) -> int:
        """The bytes of an element."""
        return self.type.dtype.numpy.itemsize


def layout_of(type: Type, dense: bool = False) -> Layout:
    """Return the layout of a value of this type.

    The lane axis is padded to a whole number of vectors. It is the last axis; of matrices that are narrower than a
    vector it is the first one. Rows of large values take an odd number of cache lines, so that a column does not crowd
    a few sets of the cache. A dense value, as random numbers are, has no padding but behind its end.
    """
    shape, item = tuple(map(int, type.shape)), type.dtype.numpy.itemsize
    if not shape:
        return Layout(type, None, (), _up(item * (1 + 2 * LANES), LINE) if dense else LINE)
    if dense:
        strides = tuple(item * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
        return Layout(type, len(shape) - 1, strides, _up(item * (math.prod(shape) + 2 * LANES), LINE))
    lane = 0 if is_narrow(shape) else len(shape) - 1
    order = [axis for axis in range(len(shape)) if axis != lane]
    strides_by_axis = {lane: item}
    rows = math.prod(shape[axis] for axis in order)
    row = _up(max(shape[lane], 1), LANES) * item
    if rows * math.gcd(row // LINE, _SETS) > _CROWD * _SETS:
        row += LINE
    step = row
    for axis in reversed(order):
        strides_by_axis[axis] = step
        step *= max(shape[axis], 1)
    return Layout(type, lane, tuple(strides_by_axis[axis] for axis in range(len(shape))), _up(step, LINE))


def is_narrow(shape: tuple[int, ...]) -> bool:
    """Say whether a value is a matrix with less columns than a vector has lanes, stored column by column."""
    return len(shape) == 2 and int(shape[1]) < LANES


def _up(size: int, unit: int) -> int:
    return -(-size // unit) * unit
