"""Elements moved along an axis, in a circle."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from pellucid.errors import ShapeError
from pellucid.graph.types import Type, float64
from pellucid.ops.declare import Structural, structural
from pellucid.ops.operands import as_axis, as_operand, check_axes
from pellucid.ops.samples import Booleans, Case, ErrorCase, Integers, Operand


def _type(x: Type, *, shift: int, axis: int) -> Type:
    if isinstance(shift, bool) or not isinstance(shift, int):
        raise ShapeError("a shift is a whole number", where="roll", got=repr(shift)[:80])
    check_axes("roll", (axis,), x.ndim)
    return x


def _face(x: Any, shift: int, axis: int) -> tuple[tuple[Any], dict[str, Any]]:
    x = as_operand(x)
    try:
        shift = shift if isinstance(shift, bool) else operator.index(shift)
    except TypeError:
        raise ShapeError("a shift is a whole number", where="roll", got=repr(shift)[:80]) from None
    return (x,), {"shift": shift, "axis": as_axis("roll", axis, x.ndim)}


def _reference(x: np.ndarray, *, shift: int, axis: int) -> np.ndarray:
    result = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        target = list(place)
        target[axis] = (place[axis] + shift) % x.shape[axis]
        result[tuple(target)] = x[place]
    return result


roll: Structural = structural(
    name="roll",
    doc="Every element moved by `shift` places along an axis; those that leave it at one end come back at the other.",
    infer=_type,
    array=lambda xp, x, *, shift, axis: xp.roll(x, shift, axis),
    gradient=lambda g, x, y, *, shift, axis: roll(g, -shift, axis),
    reference=_reference,
    params={"shift": 0, "axis": 0},
    face=_face,
    identities=lambda x, *, shift, axis: x if shift == 0 else None,
    sample=[
        Case((Operand((5,)),), {"shift": 1, "axis": 0}),
        Case((Operand((4, 3)),), {"shift": -1, "axis": 0}),
        Case((Operand((2, 3, 4)),), {"shift": 9, "axis": 1}),
        Case((Operand((2, 3)),), {"shift": 0, "axis": 1}),
        Case((Operand((1, 3)),), {"shift": 1, "axis": 0}),
        Case((Operand((0, 3)),), {"shift": 2, "axis": 0}),
        Case((Operand((4,), Integers(-5, 6)),), {"shift": -3, "axis": 0}),
        Case((Operand((4,), Booleans()),), {"shift": 2, "axis": 0}),
    ],
    errors=[
        ErrorCase((float64[3],), "no such axis", {"shift": 1, "axis": 1}),
        ErrorCase((float64[3],), "plain form", {"shift": 1, "axis": -1}),
        ErrorCase((float64[()],), "a scalar has no axes", {"shift": 1, "axis": 0}),
        ErrorCase((float64[3],), "a shift is a whole number", {"shift": 1.5, "axis": 0}),
        ErrorCase((float64[3],), "a shift is a whole number", {"shift": True, "axis": 0}),
    ],
)
