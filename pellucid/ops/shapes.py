"""Broadcasting, and its counterpart that sums back; reshaping and transposing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.errors import ShapeError
from pellucid.graph.types import Axis, Shape, Type, as_shape, broadcast_shapes, float64
from pellucid.graph.value import Value
from pellucid.ops.declare import Structural, structural
from pellucid.ops.identities import undo
from pellucid.ops.operands import as_axis, as_operand, check_number, check_shape, keep_names, same_shape, told
from pellucid.ops.samples import Booleans, Case, ErrorCase, Operand
from pellucid.ops.totals import add_up


def _broadcast_type(x: Type, *, shape: Shape) -> Type:
    shape = check_shape("broadcast", shape)
    if len(x.shape) > len(shape) or broadcast_shapes(x.shape, shape, where="broadcast") != shape:
        fix = "Only axes of size 1 stretch, and new axes come first."
        raise ShapeError(
            "a shape does not broadcast to another", where="broadcast", got=f"{told(x.shape)} to {told(shape)}", fix=fix
        )
    return Type(x.dtype, shape)


def _broadcast_face(x: Any, shape: Any) -> tuple[tuple[Any], dict[str, Any]]:
    x = as_operand(x)
    return (x,), {"shape": keep_names(as_shape(shape), x.shape)}


def _broadcast_identity(x: Value, *, shape: Shape) -> Value | None:
    if same_shape(x.shape, shape):
        return x
    inner = undo(x, "broadcast")
    return broadcast(inner, shape) if inner is not None else None


broadcast: Structural = structural(
    name="broadcast",
    doc="The value repeated along new leading axes and along axes of size 1.",
    infer=_broadcast_type,
    array=lambda xp, x, *, shape: xp.broadcast_to(x, shape),
    gradient=lambda g, x, y, *, shape: sum_to(g, x.shape),
    reference=lambda x, *, shape: np.zeros(shape) + x,
    params={"shape": ()},
    face=_broadcast_face,
    identities=_broadcast_identity,
    sample=[
        Case((Operand(()),), {"shape": (2, 3)}),
        Case((Operand((3,)),), {"shape": (2, 3)}),
        Case((Operand((2, 1, 3)),), {"shape": (4, 2, 5, 3)}),
        Case((Operand((1,)),), {"shape": (0,)}),
        Case((Operand((2,)),), {"shape": (2,)}),
        Case((Operand((1, 2), Booleans()),), {"shape": (3, 2)}),
    ],
    errors=[
        ErrorCase((float64[2],), "do not broadcast", {"shape": (3,)}),
        ErrorCase((float64[3],), "does not broadcast", {"shape": (1,)}),
        ErrorCase((float64[1, 3],), "does not broadcast", {"shape": (3,)}),
        ErrorCase((float64[3],), "sizes from 0 up", {"shape": (-1, 3)}),
    ],
)


def _summed_axes(shape: Shape, target: Shape) -> tuple[int, ...]:
    """Return the axes over which a sum brings `shape` to `target`, up to axes of size 1."""
    added = len(shape) - len(target)
    stretched = [added + at for at, size in enumerate(target) if size == 1 and shape[added + at] != 1]
    return (*range(added), *stretched)


def _sum_to_type(x: Type, *, shape: Shape) -> Type:
    check_number("sum_to", x)
    shape = check_shape("sum_to", shape)
    if len(shape) > len(x.shape) or broadcast_shapes(x.shape, shape, where="sum_to") != x.shape:
        fix = "The target has to be a shape that broadcasts to the operand's."
        raise ShapeError(
            "a shape does not sum to another", where="sum_to", got=f"{told(x.shape)} to {told(shape)}", fix=fix
        )
    return Type(x.dtype, shape)


def _sum_to_array(xp: Any, x: Any, *, shape: Shape) -> Any:
    return add_up(xp, x, _summed_axes(x.shape, shape)).reshape(shape)


sum_to: Structural = structural(
    name="sum_to",
    doc="The sum over the axes along which `shape` would be repeated to give the operand's: the gradient of broadcast.",
    infer=_sum_to_type,
    array=_sum_to_array,
    gradient=lambda g, x, y, *, shape: broadcast(g, x.shape),
    reference=lambda x, *, shape: _sum_to_reference(x, shape),
    params={"shape": ()},
    face=lambda x, shape: ((as_operand(x),), {"shape": as_shape(shape)}),
    identities=lambda x, *, shape: x if same_shape(x.shape, shape) else None,
    sample=[
        Case((Operand((2, 3)),), {"shape": ()}),
        Case((Operand((2, 3)),), {"shape": (3,)}),
        Case((Operand((2, 3)),), {"shape": (2, 1)}),
        Case((Operand((4, 2, 5, 3)),), {"shape": (2, 1, 3)}),
        Case((Operand((0, 2)),), {"shape": (1, 2)}),
        Case((Operand(()),), {"shape": ()}),
    ],
    errors=[
        ErrorCase((float64[2, 3],), "do not broadcast", {"shape": (2,)}),
        ErrorCase((float64[3],), "does not sum", {"shape": (1, 3)}),
        ErrorCase((float64[1, 3],), "does not sum", {"shape": (2, 3)}),
    ],
)


def _sum_to_reference(x: np.ndarray, shape: Shape) -> np.ndarray:
    """Add every element where broadcasting would have read it from."""
    result = np.zeros(shape)
    for place in np.ndindex(x.shape):
        own = place[len(place) - len(shape) :]
        result[tuple(0 if size == 1 else at for at, size in zip(own, shape, strict=True))] += x[place]
    return result


def _reshape_type(x: Type, *, shape: Shape) -> Type:
    result = Type(x.dtype, check_shape("reshape", shape))
    if result.size != x.size:
        fix = "Leave one size out as -1 to have it computed."
        got = f"{told(x.shape)} to {told(shape)}, {x.size} and {result.size} elements"
        raise ShapeError("a shape of another number of elements", where="reshape", got=got, fix=fix)
    return result


def _reshape_face(x: Any, shape: Any) -> tuple[tuple[Any], dict[str, Any]]:
    x = as_operand(x)
    asked = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    return (x,), {"shape": reshaped(x.shape, asked)}


def reshaped(shape: Shape, asked: tuple[int, ...]) -> Shape:
    """Return the target of a reshape with its -1 computed and with the names of axes that stay as they are.

    An axis stays as it is where the sizes before it multiply to the same number in both shapes and its own size is
    the same. Every name is given once; an axis that was left out as -1 comes first.
    """
    open_places = [at for at, size in enumerate(asked) if size == -1]
    if len(open_places) > 1:
        raise ShapeError("more than one size is left out", where="reshape", got=told(asked))
    result = list(asked)
    for at in open_places:
        known = math.prod(int(size) for size in (*asked[:at], *asked[at + 1 :]))
        count = math.prod(map(int, shape))
        if known == 0 or count % known:
            got = f"{told(shape)} to {told(asked)}"
            raise ShapeError("the size left out can not be computed", where="reshape", got=got)
        result[at] = count // known
    result = list(as_shape(result))
    given = {size.name for size in result if isinstance(size, Axis)}
    named = {
        _place(shape, at): size for at, size in enumerate(shape) if isinstance(size, Axis) and size.name not in given
    }
    for at in (*open_places, *range(len(result))):
        if not isinstance(result[at], Axis):
            result[at] = named.pop(_place(result, at), result[at])
    return tuple(result)


def _place(shape: Sequence[int], at: int) -> tuple[int, int]:
    """Return the product of the sizes before an axis, and its own size."""
    return math.prod(map(int, shape[:at])), int(shape[at])


def _reshape_identity(x: Value, *, shape: Shape) -> Value | None:
    if same_shape(x.shape, shape):
        return x
    inner = undo(x, "reshape")
    return reshape(inner, shape) if inner is not None else None


reshape: Structural = structural(
    name="reshape",
    doc="The same elements, in the same row-major order, in another shape.",
    infer=_reshape_type,
    array=lambda xp, x, *, shape: xp.reshape(x, shape),
    gradient=lambda g, x, y, *, shape: reshape(g, x.shape),
    reference=lambda x, *, shape: np.array(list(x.flat)).reshape(shape),
    params={"shape": ()},
    face=_reshape_face,
    identities=_reshape_identity,
    sample=[
        Case((Operand((2, 3)),), {"shape": (3, 2)}),
        Case((Operand((2, 3)),), {"shape": (6,)}),
        Case((Operand(()),), {"shape": (1, 1)}),
        Case((Operand((1,)),), {"shape": ()}),
        Case((Operand((0, 3)),), {"shape": (2, 0)}),
        Case((Operand((4,), Booleans()),), {"shape": (2, 2)}),
    ],
    errors=[
        ErrorCase((float64[2, 3],), "another number of elements", {"shape": (4,)}),
        ErrorCase((float64[2, 3],), "sizes from 0 up", {"shape": (-1,)}),
    ],
)


def _transpose_type(x: Type, *, axes: tuple[int, ...]) -> Type:
    if not isinstance(axes, tuple) or {*map(type, axes)} - {int} or sorted(axes) != list(range(x.ndim)):
        expected = f"each of 0 to {x.ndim - 1} once" if x.ndim else "none"
        raise ShapeError("not an order of the axes", where="transpose", got=repr(axes)[:80], expected=expected)
    return Type(x.dtype, tuple(x.shape[axis] for axis in axes))


def _transpose_face(x: Any, axes: Any = None) -> tuple[tuple[Any], dict[str, Any]]:
    x = as_operand(x)
    asked = range(x.ndim)[::-1] if axes is None else axes
    return (x,), {"axes": tuple(as_axis("transpose", axis, x.ndim) for axis in asked)}


def _transpose_identity(x: Value, *, axes: tuple[int, ...]) -> Value | None:
    if axes == tuple(range(x.ndim)):
        return x
    inner = undo(x, "transpose")
    if inner is None:
        return None
    before = dict(x.node.params)["axes"]
    return transpose(inner, tuple(before[axis] for axis in axes))


transpose: Structural = structural(
    name="transpose",
    doc="The axes in another order: axis k of the result is axis axes[k] of the operand.",
    infer=_transpose_type,
    array=lambda xp, x, *, axes: xp.transpose(x, axes),
    gradient=lambda g, x, y, *, axes: transpose(g, tuple(map(axes.index, range(len(axes))))),
    reference=lambda x, *, axes: np.einsum(x, list(range(x.ndim)), list(axes)),
    params={"axes": ()},
    face=_transpose_face,
    identities=_transpose_identity,
    sample=[
        Case((Operand((2, 3)),), {"axes": (1, 0)}),
        Case((Operand((2, 3, 4)),), {"axes": (2, 0, 1)}),
        Case((Operand((2, 1, 3, 2)),), {"axes": (0, 3, 1, 2)}),
        Case((Operand(()),), {"axes": ()}),
        Case((Operand((0, 2)),), {"axes": (1, 0)}),
    ],
    errors=[
        ErrorCase((float64[2, 3],), "order of the axes", {"axes": (0, 0)}),
        ErrorCase((float64[2, 3],), "order of the axes", {"axes": (0, 1, 2)}),
        ErrorCase((float64[2],), "order of the axes", {"axes": (-1,)}),
    ],
)
