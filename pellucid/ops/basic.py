"""Inputs, constants, casts, and values that gradients do not pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.errors import GraphError, ShapeError
from pellucid.graph.types import DType, Shape, Type, as_dtype, bool_, float32, float64, int64
from pellucid.graph.value import Value
from pellucid.ops.declare import NOT_DIFFERENTIABLE, Structural, structural
from pellucid.ops.operands import as_operand, check_shape
from pellucid.ops.samples import Booleans, Case, ErrorCase, Integers, Operand


def _check_dtype(where: str, dtype: Any) -> DType:
    if not isinstance(dtype, DType):
        raise ShapeError("not a dtype", where=where, got=repr(dtype)[:80], expected="such as pl.float64")
    return dtype


def _input_type(*, name: str, shape: Shape, dtype: DType) -> Type:
    if not isinstance(name, str) or not name:
        raise ShapeError("an input needs a name", where="input", got=repr(name)[:80])
    return Type(_check_dtype("input", dtype), check_shape("input", shape))


def _no_value(xp: Any, *, name: str, **_: Any) -> Any:
    raise GraphError("an input has no value before it is given one", where=name)


input = structural(
    name="input",
    doc="A value that is given from outside when the graph is run.",
    infer=_input_type,
    array=_no_value,
    gradient=lambda g, y, **_: (),
    reference=lambda *, shape, **_: np.zeros(shape),
    params={"name": "", "shape": (), "dtype": float64},
    sample=[Case((), {"name": "x", "shape": (2, 3), "dtype": float64})],
    errors=[
        ErrorCase((), "needs a name", {"name": "", "shape": (2,), "dtype": float64}),
        ErrorCase((), "sizes from 0 up", {"name": "x", "shape": (-2,), "dtype": float64}),
        ErrorCase((), "not a dtype", {"name": "x", "shape": (2,), "dtype": "double"}),
    ],
)


def as_nested(value: Any) -> Any:
    """Return nested lists as nested tuples, the form in which a constant's numbers are kept."""
    return tuple(map(as_nested, value)) if isinstance(value, (list, tuple)) else value


def _constant_type(*, value: Any, dtype: DType) -> Type:
    dtype = _check_dtype("constant", dtype)
    kinds = {"float": (bool, int, float), "int": (bool, int), "bool": (bool,)}[dtype.kind]

    def shape_of(part: Any) -> Shape:
        if not isinstance(part, tuple):
            if not isinstance(part, kinds):
                expected = "numbers" if dtype.is_float else "whole numbers" if dtype.kind == "int" else "True or False"
                raise ShapeError("not a constant", where=f"{dtype} constant", got=repr(part)[:80], expected=expected)
            return ()
        shapes = [shape_of(item) for item in part]
        if any(shape != shapes[0] for shape in shapes):
            raise ShapeError("the rows of a constant have different lengths", where="constant", got=repr(part)[:80])
        return (len(part), *(shapes[0] if shapes else ()))

    shape = shape_of(value)
    if dtype.kind == "int":
        limits, extremes = np.iinfo(dtype.numpy), _extremes(value)
        if extremes and not limits.min <= min(extremes) <= max(extremes) <= limits.max:
            raise ShapeError(
                "a constant is out of range", where=f"{dtype} constant", got=f"{min(extremes)} to {max(extremes)}"
            )
    return Type(dtype, shape)


def _extremes(value: Any) -> tuple[int, ...]:
    """Return the least and the greatest of nested whole numbers, or nothing where there are none."""
    if not isinstance(value, tuple):
        return (value,)
    found = [number for part in value for number in _extremes(part)]
    return (min(found), max(found)) if found else ()


def _constant_face(value: Any, dtype: Any = None) -> tuple[tuple[()], dict[str, Any]]:
    array = np.asarray(value)
    if array.dtype.kind not in "bifu":
        raise ShapeError("a constant is made of numbers", where="constant", got=repr(value)[:80])
    dtype = as_dtype(dtype if dtype is not None else float64 if array.dtype.kind == "f" else array.dtype)
    return (), {"value": as_nested(array.astype(dtype.numpy).tolist()), "dtype": dtype}


constant = structural(
    name="constant",
    doc="Numbers that are part of the graph.",
    infer=_constant_type,
    array=lambda xp, *, value, dtype: xp.array(value, dtype=dtype.numpy),
    gradient=NOT_DIFFERENTIABLE,
    reference=lambda *, value, dtype: np.array(value, float),
    params={"value": 0.0, "dtype": float64},
    face=_constant_face,
    sample=[
        Case((), {"value": 2.5, "dtype": float64}),
        Case((), {"value": (), "dtype": float64}),
        Case((), {"value": ((1.0, -0.0), (float("inf"), 0.1)), "dtype": float64}),
        Case((), {"value": (1, 2, 3), "dtype": int64}),
        Case((), {"value": (True, False), "dtype": bool_}),
    ],
    errors=[
        ErrorCase((), "not a constant", {"value": "one", "dtype": float64}),
        ErrorCase((), "whole numbers", {"value": (1, 2.5), "dtype": int64}),
        ErrorCase((), "different lengths", {"value": ((1.0, 2.0), (3.0,)), "dtype": float64}),
        ErrorCase((), "out of range", {"value": 2**63, "dtype": int64}),
        ErrorCase((), "not a dtype", {"value": 1.0, "dtype": 64}),
    ],
)


def _cast_identity(x: Value, *, dtype: DType) -> Value | None:
    return x if x.dtype == dtype else None


def _cast_reference(x: np.ndarray, *, dtype: DType) -> np.ndarray:
    if dtype.kind == "bool":
        return np.array([float(number != 0) for number in x.flat]).reshape(x.shape)
    return np.trunc(x) if dtype.kind == "int" else x


cast: Structural = structural(
    name="cast",
    doc="The same values in another dtype: floats are cut towards zero to whole numbers, truth is not being 0.",
    infer=lambda x, *, dtype: Type(_check_dtype("cast", dtype), x.shape),
    array=lambda xp, x, *, dtype: x.astype(dtype.numpy),
    gradient=lambda g, x, y, *, dtype: cast(g, dtype=x.dtype) if x.dtype.is_float and dtype.is_float else None,
    reference=_cast_reference,
    params={"dtype": float64},
    face=lambda x, dtype: ((as_operand(x),), {"dtype": as_dtype(dtype)}),
    identities=_cast_identity,
    sample=[
        Case((Operand((2, 3)),), {"dtype": float64}),
        Case((Operand(()),), {"dtype": int64}),
        Case((Operand((4,), Integers(-3, 4)),), {"dtype": float64}),
        Case((Operand((4,), Integers(-1, 2)),), {"dtype": bool_}),
        Case((Operand((0, 2), Booleans()),), {"dtype": float32}),
    ],
    errors=[ErrorCase((float64[2],), "not a dtype", {"dtype": "float"})],
)

stop_gradient = structural(
    name="stop_gradient",
    doc="The same value, taken for a constant when gradients are built.",
    infer=lambda x: x,
    array=lambda xp, x: x,
    gradient=NOT_DIFFERENTIABLE,
    reference=lambda x: x,
    face=lambda x: ((as_operand(x),), {}),
    identities=lambda x: x if x.node.op.name == "stop_gradient" else None,
    sample=[Case((Operand((2, 3)),)), Case((Operand(()),)), Case((Operand((3,), Integers(0, 5)),))],
    errors=[ErrorCase((float64[2], float64[2]), "do not fit")],
)
