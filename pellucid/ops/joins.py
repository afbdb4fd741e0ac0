"""Values one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from pellucid.errors import ShapeError
from pellucid.graph.types import Axis, Type, float32, float64
from pellucid.graph.value import Value
from pellucid.ops.declare import structural
from pellucid.ops.operands import as_axis, check_axes, meet, told
from pellucid.ops.samples import Booleans, Case, ErrorCase, Operand
from pellucid.ops.slices import slice


def _concatenate_type(*parts: Type, axis: int) -> Type:
    if not parts:
        raise ShapeError("nothing to concatenate", where="concatenate", fix="Give at least one value.")
    check_axes("concatenate", (axis,), parts[0].ndim)
    result = list(parts[0].shape)
    for part in parts[1:]:
        differ = part.ndim != len(result) or any(
            a != b for at, (a, b) in enumerate(zip(result, part.shape, strict=True)) if at != axis
        )
        if differ:
            raise ShapeError(
                f"shapes differ on an axis other than {axis}",
                where="concatenate",
                got=f"{told(parts[0].shape)} and {told(part.shape)}",
                fix="Reshape or broadcast one of them.",
            )
        if part.dtype != parts[0].dtype:
            got = f"{parts[0]} and {part}"
            raise ShapeError(
                "operands of different dtypes", where="concatenate", got=got, fix="Cast one: pl.cast(x, dtype)."
            )
        result = [size if isinstance(size, Axis) else known for known, size in zip(result, part.shape, strict=True)]
    if len(parts) > 1:
        result[axis] = sum(int(part.shape[axis]) for part in parts)
    return Type(parts[0].dtype, tuple(result))


def _concatenate_face(parts: Iterable[Any], axis: int = -1) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(parts, Value) or isinstance(axis, (Value, np.ndarray, list, tuple)):
        raise ShapeError("the values are not in a list", where="concatenate", fix="Pass a list: concatenate([x, y]).")
    parts = tuple(parts)
    if not parts:
        raise ShapeError("nothing to concatenate", where="concatenate", fix="Give at least one value.")
    parts = meet(parts)
    return parts, {"axis": as_axis("concatenate", axis, parts[0].ndim)}


def _concatenate_gradient(g: Value, *values: Value, axis: int) -> tuple[Value, ...]:
    parts, start = [], 0
    for part in values[:-1]:
        size = part.shape[axis]
        parts.append(slice(g, axes=(axis,), start=(start,), size=(size,), step=(1,)))
        start += int(size)
    return tuple(parts)


concatenate = structural(
    name="concatenate",
    doc="Values one after the other along an axis, the last by default.",
    infer=_concatenate_type,
    array=lambda xp, *parts, axis: xp.concatenate(parts, axis=axis),
    gradient=_concatenate_gradient,
    reference=lambda *parts, axis: np.moveaxis(
        np.array([row for part in parts for row in np.moveaxis(part, axis, 0)]), 0, axis
    ),
    params={"axis": 0},
    face=_concatenate_face,
    identities=lambda *parts, axis: parts[0] if len(parts) == 1 else None,
    sample=[
        Case((Operand((2,)), Operand((3,))), {"axis": 0}),
        Case((Operand((2, 3)), Operand((2, 1)), Operand((2, 2))), {"axis": 1}),
        Case((Operand((1, 3)), Operand((0, 3)), Operand((2, 3))), {"axis": 0}),
        Case((Operand((2, 2, 3)), Operand((2, 1, 3))), {"axis": 1}),
        Case((Operand((2, 3)),), {"axis": 0}),
        Case((Operand((2,), Booleans()), Operand((1,), Booleans())), {"axis": 0}),
    ],
    errors=[
        ErrorCase((), "nothing to concatenate", {"axis": 0}),
        ErrorCase((float64[2], float64[3]), "no such axis", {"axis": 1}),
        ErrorCase((float64[()], float64[()]), "a scalar has no axes", {"axis": 0}),
        ErrorCase((float64[2, 3], float64[3, 3]), "shapes differ", {"axis": 1}),
        ErrorCase((float64[2, 3], float64[2]), "shapes differ", {"axis": 1}),
        ErrorCase((float64[2], float32[2]), "different dtypes", {"axis": 0}),
    ],
)
