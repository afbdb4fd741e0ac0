"""Rows by their numbers: taken from a table, added into one, and marked by a one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pellucid.errors import DataError, ShapeError
from pellucid.graph.operation import operation
from pellucid.graph.types import DType, Type, as_dtype, bool_, float32, float64, int32, int64
from pellucid.graph.value import Value
from pellucid.ops.declare import NOT_DIFFERENTIABLE, structural
from pellucid.ops.operands import as_operand, check_integer, check_number, meet, told
from pellucid.ops.samples import Booleans, Case, ErrorCase, Integers, Operand


def _check_table(where: str, table: Type) -> Type:
    if table.ndim == 0:
        raise ShapeError("a scalar has no rows", where=where, got=str(table), expected="at least one axis")
    return table


def _check_indices(where: str, indices: Any, rows: int) -> None:
    """Refuse numbers of rows that do not exist: taking another row in silence would hide a mistake in the data."""
    wrong = (indices < 0) | (indices >= rows)
    if wrong.any():
        expected = f"0 to {rows - 1}" if rows else "none, as there are no rows"
        raise DataError("an index has no row", where=where, got=str(indices[wrong].flat[0]), expected=expected)


def _gather_type(table: Type, indices: Type) -> Type:
    check_integer("gather", indices)
    return Type(table.dtype, indices.shape + _check_table("gather", table).shape[1:])


def _gather_array(xp: Any, table: Any, indices: Any) -> Any:
    _check_indices("gather", indices, len(table))
    return xp.take(table, indices, axis=0)


def _gather_gradient(g: Value, table: Value, indices: Value, y: Value) -> tuple[Value, None]:
    zeros = operation("broadcast")(g.builder.constant(0.0, g.dtype), shape=table.shape)
    return scatter_add(zeros, indices, g), None


_INDICES = Operand((4,), Integers(0, 3))

gather = structural(
    name="gather",
    doc="The rows of a table whose numbers are given, counted from 0: an error where there is no such row.",
    infer=_gather_type,
    array=_gather_array,
    gradient=_gather_gradient,
    reference=lambda table, indices: np.array([table[int(i)] for i in indices.flat], float).reshape(
        indices.shape + table.shape[1:]
    ),
    face=lambda table, indices: ((as_operand(table), as_operand(indices)), {}),
    sample=[
        Case((Operand((3, 2)), _INDICES)),
        Case((Operand((3,)), _INDICES)),
        Case((Operand((3, 2, 2)), Operand((2, 3), Integers(0, 3)))),
        Case((Operand((3, 2)), Operand((), Integers(0, 3)))),
        Case((Operand((3, 2)), Operand((0,), Integers(0, 3)))),
        Case((Operand((1, 2)), Operand((3,), Integers(0, 1)))),
        Case((Operand((3,), Booleans()), _INDICES)),
    ],
    errors=[
        ErrorCase((float64[3, 2], float64[4]), "expected int"),
        ErrorCase((float64[()], int64[4]), "a scalar has no rows"),
    ],
)


def _scatter_add_type(base: Type, indices: Type, rows: Type) -> Type:
    check_integer("scatter_add", indices)
    check_number("scatter_add", _check_table("scatter_add", base))
    expected = indices.shape + base.shape[1:]
    if rows.shape != expected:
        got = f"{told(rows.shape)} for indices {told(indices.shape)} into {told(base.shape)}"
        raise ShapeError("rows of the wrong shape", where="scatter_add", got=got, expected=told(expected))
    if rows.dtype != base.dtype:
        fix = "Cast one: pl.cast(x, dtype)."
        raise ShapeError("operands of different dtypes", where="scatter_add", got=f"{base} and {rows}", fix=fix)
    return base


def _scatter_add_array(xp: Any, base: Any, indices: Any, rows: Any) -> Any:
    _check_indices("scatter_add", indices, len(base))
    result = xp.array(base, order="C")
    width = math.prod(base.shape[1:])
    # NumPy adds at single places many times faster than it adds rows.
    places = indices.astype(int).reshape(-1, 1) * width + xp.arange(width)
    xp.add.at(result.reshape(-1), places.reshape(-1), rows.reshape(-1))
    return result


def _scatter_add_gradient(g: Value, base: Value, indices: Value, rows: Value, y: Value) -> tuple[Value, None, Value]:
    return g, None, gather(g, indices)


def _scatter_add_face(base: Any, indices: Any, rows: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    base, rows = meet((base, rows))
    return (base, as_operand(indices), rows), {}


def _scatter_add_reference(base: np.ndarray, indices: np.ndarray, rows: np.ndarray) -> np.ndarray:
    marks = indices.reshape(-1, 1) == np.arange(len(base))
    return base + np.tensordot(marks.astype(float), rows.reshape(-1, *base.shape[1:]), axes=(0, 0))


scatter_add = structural(
    name="scatter_add",
    doc="The base with rows added to those of its rows whose numbers are given: rows for the same number add up.",
    infer=_scatter_add_type,
    array=_scatter_add_array,
    gradient=_scatter_add_gradient,
    reference=_scatter_add_reference,
    face=_scatter_add_face,
    sample=[
        Case((Operand((3, 2)), _INDICES, Operand((4, 2)))),
        Case((Operand((3,)), _INDICES, Operand((4,)))),
        Case((Operand((3, 2)), Operand((2, 3), Integers(0, 3)), Operand((2, 3, 2)))),
        Case((Operand((3, 2)), Operand((), Integers(0, 3)), Operand((2,)))),
        Case((Operand((3, 2)), Operand((0,), Integers(0, 3)), Operand((0, 2)))),
    ],
    errors=[
        ErrorCase((float64[3, 2], float64[4], float64[4, 2]), "expected int"),
        ErrorCase((float64[3, 2], int64[4], float64[3, 2]), "rows of the wrong shape"),
        ErrorCase((float64[3, 2], int64[4], float32[4, 2]), "different dtypes"),
        ErrorCase((float64[()], int64[4], float64[4]), "a scalar has no rows"),
        ErrorCase((bool_[3], int64[4], bool_[4]), "float or int"),
    ],
)


def _one_hot_type(indices: Type, *, depth: int, dtype: DType) -> Type:
    check_integer("one_hot", indices)
    if isinstance(depth, bool) or not isinstance(depth, int) or depth < 0:
        raise ShapeError("not a number of classes", where="one_hot", got=repr(depth)[:80], expected="a size from 0 up")
    if not isinstance(dtype, DType):
        raise ShapeError("not a dtype", where="one_hot", got=repr(dtype)[:80], expected="such as pl.float64")
    return Type(dtype, (*indices.shape, depth))


def _one_hot_face(indices: Any, depth: int, dtype: Any = float64) -> tuple[tuple[Any], dict[str, Any]]:
    return (as_operand(indices),), {
        "depth": int(depth) if isinstance(depth, np.integer) else depth,
        "dtype": as_dtype(dtype),
    }


one_hot = structural(
    name="one_hot",
    doc="A new last axis that is 1 at the index and 0 elsewhere: all 0 for an index outside 0 to depth - 1.",
    infer=_one_hot_type,
    array=lambda xp, indices, *, depth, dtype: (indices[..., None] == xp.arange(depth)).astype(dtype.numpy),
    gradient=NOT_DIFFERENTIABLE,
    reference=lambda indices, *, depth, dtype: np.array(
        [[float(int(i) == place) for place in range(depth)] for i in indices.flat]
    ).reshape((*indices.shape, depth)),
    params={"depth": 1, "dtype": float64},
    face=_one_hot_face,
    sample=[
        Case((Operand((4,), Integers(-1, 5)),), {"depth": 4, "dtype": float64}),
        Case((Operand((2, 3), Integers(0, 2)),), {"depth": 2, "dtype": float32}),
        Case((Operand((), Integers(0, 3)),), {"depth": 3, "dtype": int32}),
        Case((Operand((0,), Integers(0, 3)),), {"depth": 3, "dtype": bool_}),
        Case((Operand((3,), Integers(0, 3)),), {"depth": 0, "dtype": float64}),
    ],
    errors=[
        ErrorCase((float64[3],), "expected int", {"depth": 3, "dtype": float64}),
        ErrorCase((int64[3],), "number of classes", {"depth": -1, "dtype": float64}),
        ErrorCase((int64[3],), "number of classes", {"depth": 2.5, "dtype": float64}),
        ErrorCase((int64[3],), "not a dtype", {"depth": 3, "dtype": "float64"}),
    ],
)
