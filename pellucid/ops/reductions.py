"""Sums, means and extremes along axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.errors import ShapeError
from pellucid.graph.operation import operation
from pellucid.graph.types import Axis, DType, Shape, Type, bool_, float64, int64, uint32
from pellucid.graph.value import Value
from pellucid.ops.basic import cast
from pellucid.ops.declare import NOT_DIFFERENTIABLE, structural
from pellucid.ops.operands import (
    as_axes,
    as_axis,
    as_operand,
    check_axes,
    check_float,
    check_number,
    check_shape,
    dtype_of,
)
from pellucid.ops.samples import Case, ErrorCase, Integers, Operand
from pellucid.ops.shapes import broadcast, reshape
from pellucid.ops.totals import add_up

Axes = tuple[int, ...]


def kept(shape: Shape, axes: Axes) -> Shape:
    """Return the shape with the size of reduced axes set to 1."""
    return tuple(1 if axis in axes else size for axis, size in enumerate(shape))


def reduced(shape: Shape, axes: Axes, keepdims: bool = False) -> Shape:
    """Return the shape of the result of a reduction."""
    return kept(shape, axes) if keepdims else tuple(size for axis, size in enumerate(shape) if axis not in axes)


def spread(y: Value, x: Value, axes: Axes) -> Value:
    """Repeat the result of a reduction over the shape that was reduced."""
    if axes == tuple(range(len(axes))) and y.ndim == x.ndim - len(axes):
        return broadcast(y, x.shape)
    return broadcast(reshape(y, kept(x.shape, axes)), x.shape)


def reduction_type(where: str, x: Type, axes: Any, keepdims: Any) -> Type:
    """Infer the type of a reduction."""
    if not isinstance(keepdims, bool):
        raise ShapeError("keepdims is True or False", where=where, got=repr(keepdims)[:80])
    return Type(x.dtype, reduced(x.shape, check_axes(where, axes, x.ndim), keepdims))


def check_nonempty(where: str, x: Type, axes: Axes) -> None:
    """Refuse to choose from no elements."""
    if any(x.shape[axis] == 0 for axis in axes):
        raise ShapeError("an empty axis has no greatest element", where=where, got=str(x))


def reduce_rows(x: np.ndarray, axes: Axes, keepdims: bool, function: Callable[[list[float]], float]) -> np.ndarray:
    """Reduce with a function of a list of numbers: the slow and plain way, for references."""
    rest = [axis for axis in range(x.ndim) if axis not in axes]
    count = math.prod(x.shape[axis] for axis in axes)
    rows = x.transpose([*rest, *axes]).reshape(math.prod(x.shape[axis] for axis in rest), count)
    return np.array([function(row.tolist()) for row in rows], float).reshape(reduced(x.shape, axes, keepdims))


def _face(name: str, convert: Callable[[Any], Any] = as_operand) -> Callable[..., Any]:
    def face(x: Any, axis: Any = None, keepdims: bool = False, *, axes: Any = None) -> Any:
        x = convert(x)
        return (x,), {"axes": as_axes(name, axis if axes is None else axes, x.ndim), "keepdims": bool(keepdims)}

    return face


def _counted(x: Any) -> Any:
    """Truth values are summed as 0 and 1."""
    x = as_operand(x)
    return cast(x, int64) if dtype_of(x) == bool_ else x


def _floated(x: Any) -> Any:
    x = as_operand(x)
    return x if dtype_of(x).is_float else cast(x, float64)


_SHAPES = [
    Case((Operand((3,)),), {"axes": (0,), "keepdims": False}),
    Case((Operand((2, 3)),), {"axes": (0,), "keepdims": False}),
    Case((Operand((2, 3)),), {"axes": (1,), "keepdims": True}),
    Case((Operand((2, 3, 4)),), {"axes": (0, 2), "keepdims": False}),
    Case((Operand((2, 3, 4)),), {"axes": (0, 1, 2), "keepdims": True}),
    Case((Operand((3, 1)),), {"axes": (1,), "keepdims": False}),
    Case((Operand((2, 0)),), {"axes": (0,), "keepdims": False}),
    Case((Operand(()),), {"axes": (), "keepdims": False}),
]
_ERRORS = [
    ErrorCase((float64[2, 3],), "no such axis", {"axes": (2,), "keepdims": False}),
    ErrorCase((float64[()],), "a scalar has no axes", {"axes": (0,), "keepdims": False}),
    ErrorCase((float64[2, 3],), "twice", {"axes": (1, 1), "keepdims": False}),
    ErrorCase((float64[2, 3],), "plain form", {"axes": (-1,), "keepdims": False}),
    ErrorCase((float64[2, 3],), "True or False", {"axes": (1,), "keepdims": 1}),
]
_EMPTY = Case((Operand((2, 0)),), {"axes": (1,), "keepdims": False})

sum = structural(
    name="sum",
    doc="The sum along axes, all by default; truth values count as 0 and 1.",
    infer=lambda x, *, axes, keepdims: reduction_type("sum", check_number("sum", x), axes, keepdims),
    array=lambda xp, x, *, axes, keepdims: add_up(xp, x, axes, keepdims),
    gradient=lambda g, x, y, *, axes, keepdims: spread(g, x, axes),
    reference=lambda x, *, axes, keepdims: reduce_rows(x, axes, keepdims, math.fsum),
    params={"axes": (), "keepdims": False},
    face=_face("sum", _counted),
    identities=lambda x, *, axes, keepdims: None if axes else x,
    sample=[*_SHAPES, _EMPTY, Case((Operand((2, 3), Integers(-5, 6)),), {"axes": (1,), "keepdims": False})],
    errors=[*_ERRORS, ErrorCase((bool_[2],), "float or int", {"axes": (0,), "keepdims": False})],
)


def _element_count_type(*, shape: Shape, dtype: DType) -> Type:
    check_shape("element_count", shape)
    if not isinstance(dtype, DType) or not dtype.is_float:
        raise ShapeError("not a dtype of floats", where="element_count", got=repr(dtype)[:80])
    return Type(dtype)


element_count = structural(
    name="element_count",
    doc="The number of elements of a shape, which follows the sizes of its named axes.",
    infer=_element_count_type,
    array=lambda xp, *, shape, dtype: xp.asarray(math.prod(shape), dtype.numpy),
    gradient=NOT_DIFFERENTIABLE,
    reference=lambda *, shape, dtype: np.array(np.ones(shape).sum()),
    params={"shape": (), "dtype": float64},
    sample=[Case((), {"shape": shape, "dtype": float64}) for shape in ((), (3,), (2, 3), (0, 4))],
    errors=[
        ErrorCase((), "sizes from 0 up", {"shape": (-1,), "dtype": float64}),
        ErrorCase((), "not a dtype of floats", {"shape": (2,), "dtype": int64}),
    ],
)


def _mean_gradient(g: Value, x: Value, y: Value, *, axes: Axes, keepdims: bool) -> Value:
    sizes = tuple(x.shape[axis] for axis in axes)
    if not any(isinstance(size, Axis) for size in sizes):
        return spread(g / math.prod(sizes), x, axes)
    count = g.builder.add(element_count, (), {"shape": sizes, "dtype": g.dtype})
    return spread(g / count, x, axes)


def _mean_array(xp: Any, x: Any, *, axes: Axes, keepdims: bool) -> Any:
    return add_up(xp, x, axes, keepdims) / x.dtype.type(math.prod(x.shape[axis] for axis in axes))


mean = structural(
    name="mean",
    doc="The arithmetic mean along axes, all by default; NaN where there are no elements.",
    infer=lambda x, *, axes, keepdims: reduction_type("mean", check_float("mean", x), axes, keepdims),
    array=_mean_array,
    gradient=_mean_gradient,
    reference=lambda x, *, axes, keepdims: reduce_rows(x, axes, keepdims, lambda row: math.fsum(row) / len(row)),
    params={"axes": (), "keepdims": False},
    face=_face("mean", _floated),
    identities=lambda x, *, axes, keepdims: None if axes else x,
    sample=_SHAPES,
    errors=[*_ERRORS, ErrorCase((int64[2],), "expected float", {"axes": (0,), "keepdims": False})],
)


def _max_type(x: Type, *, axes: Axes, keepdims: bool) -> Type:
    result = reduction_type("max", check_number("max", x), axes, keepdims)
    check_nonempty("max", x, axes)
    return result


def _max_gradient(g: Value, x: Value, y: Value, *, axes: Axes, keepdims: bool) -> Value:
    greatest = operation("equal")(x, spread(y, x, axes))
    count = sum(cast(greatest, g.dtype), axes=axes, keepdims=True)
    share = reshape(g, count.shape) / count
    return operation("select")(greatest, broadcast(share, x.shape), 0.0)


max = structural(
    name="max",
    doc=(
        "The greatest element along axes, all by default, NaN where there is one; its gradient is split evenly among"
        " equal ones."
    ),
    infer=_max_type,
    array=lambda xp, x, *, axes, keepdims: xp.max(x, axis=axes, keepdims=keepdims),
    gradient=_max_gradient,
    reference=lambda x, *, axes, keepdims: reduce_rows(x, axes, keepdims, lambda row: sorted(row)[-1]),
    params={"axes": (), "keepdims": False},
    face=_face("max"),
    identities=lambda x, *, axes, keepdims: None if axes else x,
    sample=[*_SHAPES, Case((Operand((2, 5), Integers(-5, 6)),), {"axes": (1,), "keepdims": False})],
    errors=[
        *_ERRORS,
        ErrorCase((bool_[2],), "float or int", {"axes": (0,), "keepdims": False}),
        ErrorCase((float64[2, 0],), "no greatest element", {"axes": (1,), "keepdims": False}),
    ],
)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the least element along axes: the greatest of the reflected elements, reflected back.

    Parameters
    ----------
    x : Value or array
    axis : int or tuple of int, optional
        All axes by default.
    keepdims : bool
        Whether reduced axes stay, with size 1.

    Raises
    ------
    ShapeError
        Where an axis does not exist or is empty.

    Examples
    --------
    >>> min([[3.0, 1.0], [2.0, 5.0]], axis=1)
    array([1., 2.])
    """
    x = as_operand(x)
    return _reflect(max(_reflect(x), axis, keepdims))


def _reflect(x: Any) -> Any:
    """Turn the order of numbers round; twice gives them back."""
    if dtype_of(x).is_float:
        return operation("negative")(x)
    # Reflecting at 0 would overflow at the end of the range; these reflections map whole numbers one to one.
    edge = cast(2**32 - 1 if dtype_of(x) == uint32 else -1, dtype_of(x))
    return operation("subtract")(edge, x)


def argmin(x: Any, axis: int = -1) -> Any:
    """Return the place of the least element along an axis, the last by default: the first among equal ones.

    Parameters
    ----------
    x : Value or array
    axis : int

    Returns
    -------
    Value or array
        int64, without the axis. Where there is a NaN, the place of the first one.

    Raises
    ------
    ShapeError
        Where the axis does not exist or is empty.

    Examples
    --------
    >>> argmin([[3.0, 1.0], [2.0, 5.0]])
    array([1, 0])
    """
    return argmax(_reflect(as_operand(x)), axis)


def _argmax_type(x: Type, *, axis: int) -> Type:
    axes = check_axes("argmax", (axis,), x.ndim)
    check_nonempty("argmax", check_number("argmax", x), axes)
    return Type(int64, reduced(x.shape, axes))


def _argmax_face(x: Any, axis: int = -1) -> tuple[tuple[Any], dict[str, Any]]:
    x = as_operand(x)
    return (x,), {"axis": as_axis("argmax", axis, x.ndim)}


argmax = structural(
    name="argmax",
    doc=(
        "The place of the greatest element along an axis, the last by default: the first among equal ones, the first"
        " NaN if any."
    ),
    infer=_argmax_type,
    array=lambda xp, x, *, axis: xp.argmax(x, axis=axis),
    gradient=NOT_DIFFERENTIABLE,
    reference=lambda x, *, axis: reduce_rows(x, (axis,), False, lambda row: row.index(sorted(row)[-1])),
    params={"axis": 0},
    face=_argmax_face,
    sample=[
        Case((Operand((3,)),), {"axis": 0}),
        Case((Operand((2, 3)),), {"axis": 1}),
        Case((Operand((2, 3, 4)),), {"axis": 1}),
        Case((Operand((3, 6), Integers(0, 3)),), {"axis": 1}),
        Case((Operand((0, 3)),), {"axis": 1}),
    ],
    errors=[
        ErrorCase((float64[2],), "no such axis", {"axis": 1}),
        ErrorCase((float64[2],), "plain form", {"axis": -1}),
        ErrorCase((bool_[2],), "float or int", {"axis": 0}),
        ErrorCase((float64[2, 0],), "no greatest element", {"axis": 1}),
    ],
)
