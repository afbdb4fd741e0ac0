"""The logarithm of a sum of exponentials, and the softmax, stable for any inputs.

All three subtract the greatest element first. Where that is infinite, the elements equal to it count as 0 and the
others as minus infinity, which continues the finite case: a single +inf takes everything, equal infinities share it.
"""

from __future__ import annotations

import math
from typing import Any

from pellucid.graph.types import Type, float64, int64
from pellucid.graph.value import Value
from pellucid.ops.declare import structural
from pellucid.ops.operands import as_axes, as_floats, check_axes, check_float
from pellucid.ops.reductions import Axes, reduce_rows, reduction_type, spread, sum
from pellucid.ops.samples import Case, ErrorCase, Operand, Uniform
from pellucid.ops.totals import add_up


def _shifted(xp: Any, x: Any, axes: Axes) -> tuple[Any, Any]:
    """Return the greatest elements, and the distances of all elements from them."""
    greatest = xp.max(x, axis=axes, keepdims=True, initial=-math.inf)
    distance = x - greatest
    if not xp.all(xp.isfinite(greatest)):
        distance = xp.where(x == greatest, x.dtype.type(0), distance)
    return greatest, distance


def _log_sum_exp_array(xp: Any, x: Any, *, axes: Axes, keepdims: bool) -> Any:
    greatest, distance = _shifted(xp, x, axes)
    result = greatest + xp.log(add_up(xp, xp.exp(distance), axes, True))
    return result if keepdims else xp.squeeze(result, axis=axes)


def _log_sum_exp_of(row: list[float]) -> float:
    greatest = max(row, default=-math.inf)
    if math.isinf(greatest):
        return greatest
    return greatest + math.log(math.fsum(math.exp(number - greatest) for number in row))


def _log_sum_exp_face(x: Any, axis: Any = -1, keepdims: bool = False, *, axes: Any = None) -> Any:
    x = as_floats(x)
    asked = axis if axes is None else axes
    return (x,), {"axes": as_axes("log_sum_exp", asked, x.ndim), "keepdims": bool(keepdims)}


def _log_sum_exp_gradient(g: Value, x: Value, y: Value, *, axes: Axes, keepdims: bool) -> Value:
    return spread(g, x, axes) * softmax(x, axes=axes)


_WIDE = Uniform(-30.0, 30.0)
_ERRORS = [
    ("expected float", int64[2, 3], (1,)),
    ("no such axis", float64[2, 3], (2,)),
    ("plain form", float64[2, 3], (-1,)),
    ("twice", float64[2, 3], (0, 0)),
]

log_sum_exp = structural(
    name="log_sum_exp",
    doc=(
        "The logarithm of the sum of exponentials along axes, the last by default: a smooth maximum, minus infinity"
        " for no elements."
    ),
    infer=lambda x, *, axes, keepdims: reduction_type("log_sum_exp", check_float("log_sum_exp", x), axes, keepdims),
    array=_log_sum_exp_array,
    gradient=_log_sum_exp_gradient,
    reference=lambda x, *, axes, keepdims: reduce_rows(x, axes, keepdims, _log_sum_exp_of),
    params={"axes": (), "keepdims": False},
    face=_log_sum_exp_face,
    identities=lambda x, *, axes, keepdims: None if axes else x,
    sample=[
        Case((Operand((3,), _WIDE),), {"axes": (0,), "keepdims": False}),
        Case((Operand((2, 3), _WIDE),), {"axes": (1,), "keepdims": True}),
        Case((Operand((2, 3, 4)),), {"axes": (0, 2), "keepdims": False}),
        Case((Operand((3, 1)),), {"axes": (1,), "keepdims": False}),
        Case((Operand((2, 0)),), {"axes": (1,), "keepdims": False}),
        Case((Operand(()),), {"axes": (), "keepdims": False}),
    ],
    errors=[ErrorCase((type,), match, {"axes": axes, "keepdims": False}) for match, type, axes in _ERRORS],
)


def _rows_type(where: str, x: Type, axes: Axes) -> Type:
    check_axes(where, axes, check_float(where, x).ndim)
    return x


def _rows_face(name: str) -> Any:
    def face(x: Any, axis: Any = -1, *, axes: Any = None) -> Any:
        x = as_floats(x)
        return (x,), {"axes": as_axes(name, axis if axes is None else axes, x.ndim)}

    return face


def _softmax_array(xp: Any, x: Any, *, axes: Axes) -> Any:
    powers = xp.exp(_shifted(xp, x, axes)[1])
    powers /= add_up(xp, powers, axes, True)
    return powers


def _softmax_gradient(g: Value, x: Value, y: Value, *, axes: Axes) -> Value:
    return y * (g - sum(g * y, axes=axes, keepdims=True))


def _softmax_reference(x: Any, *, axes: Axes) -> Any:
    shifted = x - reduce_rows(x, axes, True, lambda row: max(row, default=0.0))
    total = reduce_rows(shifted, axes, True, lambda row: math.fsum(map(math.exp, row)))
    return math.e**shifted / total


_ROWS = [
    Case((Operand((3,), _WIDE),), {"axes": (0,)}),
    Case((Operand((2, 3)),), {"axes": (1,)}),
    Case((Operand((2, 3)),), {"axes": (0,)}),
    Case((Operand((2, 3, 4)),), {"axes": (0, 2)}),
    Case((Operand((3, 1)),), {"axes": (1,)}),
    Case((Operand((2, 0)),), {"axes": (1,)}),
    Case((Operand(()),), {"axes": ()}),
]

softmax = structural(
    name="softmax",
    doc="Exponentials divided by their sum along axes, the last by default: positive numbers that add up to 1.",
    infer=lambda x, *, axes: _rows_type("softmax", x, axes),
    array=_softmax_array,
    gradient=_softmax_gradient,
    reference=_softmax_reference,
    params={"axes": ()},
    face=_rows_face("softmax"),
    activation=True,
    sample=_ROWS,
    errors=[ErrorCase((type,), match, {"axes": axes}) for match, type, axes in _ERRORS],
)


def _log_softmax_array(xp: Any, x: Any, *, axes: Axes) -> Any:
    distance = _shifted(xp, x, axes)[1]
    return distance - xp.log(add_up(xp, xp.exp(distance), axes, True))


def _log_softmax_gradient(g: Value, x: Value, y: Value, *, axes: Axes) -> Value:
    return g - softmax(x, axes=axes) * sum(g, axes=axes, keepdims=True)


log_softmax = structural(
    name="log_softmax",
    doc=(
        "The logarithm of the softmax along axes, the last by default, finite where the softmax itself is too"
        " small for a number."
    ),
    infer=lambda x, *, axes: _rows_type("log_softmax", x, axes),
    array=_log_softmax_array,
    gradient=_log_softmax_gradient,
    reference=lambda x, *, axes: x - reduce_rows(x, axes, True, _log_sum_exp_of),
    params={"axes": ()},
    face=_rows_face("log_softmax"),
    sample=_ROWS,
    errors=[ErrorCase((type,), match, {"axes": axes}) for match, type, axes in _ERRORS],
)
