"""What the faces and type rules of structural operations share: operands, axes and shapes in one plain form."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pellucid.errors import ShapeError
from pellucid.graph.builder import as_numbers, as_value
from pellucid.graph.operation import operation
from pellucid.graph.types import Axis, DType, Shape, Type, as_dtype, float64, promote
from pellucid.graph.value import Value


def as_operand(x: Any) -> Any:
    """Return a graph value as it is and anything else as an array, so that both have a shape and a number of axes."""
    return x if isinstance(x, Value) else as_numbers(x, "operand")


def dtype_of(x: Any) -> DType:
    """Return the dtype of a graph value or an array."""
    return x.dtype if isinstance(x, Value) else as_dtype(np.asarray(x).dtype)


def as_floats(x: Any) -> Any:
    """Return an operand with whole numbers as float64."""
    x = as_operand(x)
    return operation("cast")(x, dtype=float64) if dtype_of(x).kind == "int" else x


def meet(operands: Sequence[Any]) -> tuple[Any, ...]:
    """Cast operands to the dtype in which they meet; plain numbers take the dtype of the graph values beside them."""
    values = [operand for operand in operands if isinstance(operand, Value)]
    if values:
        operands = tuple(as_value(values[0].builder, operand, values[0]) for operand in operands)
    else:
        operands = tuple(map(as_operand, operands))
    common = promote(*map(dtype_of, operands))
    return tuple(x if dtype_of(x) == common else operation("cast")(x, dtype=common) for x in operands)


def as_axes(where: str, axis: int | Iterable[int] | None, ndim: int) -> tuple[int, ...]:
    """Return axes as sorted numbers from 0 up; None is all of them, negative ones count from the last."""
    if axis is None:
        return tuple(range(ndim))
    asked = tuple(axis) if isinstance(axis, Iterable) else (axis,)
    axes = sorted(as_axis(where, item, ndim) for item in asked)
    if len(set(axes)) != len(axes):
        raise ShapeError("an axis is named twice", where=where, got=repr(axis)[:80])
    return tuple(axes)


def as_axis(where: str, axis: int, ndim: int) -> int:
    """Return one axis as a number from 0 up."""
    try:
        if isinstance(axis, (bool, np.bool_)):
            raise TypeError
        number = operator.index(axis)
    except TypeError:
        raise ShapeError("an axis is a whole number", where=where, got=repr(axis)[:80]) from None
    if not -ndim <= number < ndim:
        expected = f"{-ndim} to {ndim - 1}" if ndim else "none, as a scalar has no axes"
        raise ShapeError("no such axis", where=where, got=f"axis {number}"[:80], expected=expected)
    return number % ndim


def check_axes(where: str, axes: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes of a node, which have to be in their plain form: a sorted tuple of numbers from 0 up."""
    if not isinstance(axes, tuple) or as_axes(where, axes, ndim) != axes:
        got = repr(axes)[:80]
        raise ShapeError("axes are not in their plain form", where=where, got=got, expected="sorted, from 0 up")
    return axes


def check_shape(where: str, shape: Any) -> Shape:
    """Return the shape among a node's parameters, which has to be a tuple of sizes."""
    if not isinstance(shape, tuple):
        raise ShapeError("a shape is a tuple of sizes", where=where, got=repr(shape)[:80])
    for size in shape:
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise ShapeError("a shape is made of sizes from 0 up", where=where, got=repr(shape)[:80])
    return shape


def check_number(where: str, type: Type) -> Type:
    """Return the type of an operand that has to be a number, not a truth value."""
    if type.dtype.kind == "bool":
        fix = "Cast it: pl.cast(x, pl.int64)."
        raise ShapeError("an operand of the wrong dtype", where=where, got=str(type), expected="float or int", fix=fix)
    return type


def check_float(where: str, type: Type) -> Type:
    """Return the type of an operand that has to be a float."""
    if not type.dtype.is_float:
        fix = "Cast it: pl.cast(x, pl.float64)."
        raise ShapeError("an operand of the wrong dtype", where=where, got=str(type), expected="float", fix=fix)
    return type


def check_integer(where: str, type: Type) -> Type:
    """Return the type of an operand that has to be whole numbers."""
    if type.dtype.kind != "int":
        fix = "Cast it: pl.cast(x, pl.int64)."
        raise ShapeError("an operand of the wrong dtype", where=where, got=str(type), expected="int", fix=fix)
    return type


def same_shape(first: Shape, second: Shape) -> bool:
    """Tell whether two shapes have the same sizes and the same names."""
    return len(first) == len(second) and all(map(same_size, first, second))


def same_size(first: int, second: int) -> bool:
    """Tell whether two sizes are equal and carry the same name, or none."""
    return first == second and getattr(first, "name", None) == getattr(second, "name", None)


def keep_names(shape: Shape, like: Shape) -> Shape:
    """Give sizes of `shape` the names that equal sizes have in `like`, both counted from the last axis."""
    offset = len(shape) - len(like)
    partners = [like[at - offset] if at >= offset else None for at in range(len(shape))]
    return tuple(
        partner if isinstance(partner, Axis) and not isinstance(size, Axis) and partner == size else size
        for size, partner in zip(shape, partners, strict=True)
    )


def told(shape: Iterable[int]) -> str:
    """Return a shape as it is shown in messages."""
    return ("[" + ", ".join(map(str, shape)) + "]")[:80]
