"""Parts of values, and values made of parts: slices, padding with zeros, concatenation, and indexing as in NumPy."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from pellucid.errors import ShapeError
from pellucid.graph.types import Axis, Shape, Type, float64
from pellucid.graph.value import Value
from pellucid.ops.declare import structural
from pellucid.ops.operands import (
    as_operand,
    check_axes,
    check_shape,
    same_shape,
    same_size,
    told,
)
from pellucid.ops.samples import Booleans, Case, ErrorCase, Operand

Numbers = tuple[int, ...]


def check_places(where: str, shape: Shape, axes: Numbers, start: Numbers, size: Numbers, step: Numbers) -> None:
    """Check that elements ``start + k * step`` for k below `size` lie on the axes of `shape`."""
    check_axes(where, axes, len(shape))
    for name, numbers in (("start", start), ("size", size), ("step", step)):
        whole = isinstance(numbers, tuple) and all(isinstance(n, int) and not isinstance(n, bool) for n in numbers)
        if not whole or len(numbers) != len(axes):
            raise ShapeError(f"{name} is not one whole number for each axis", where=where, got=repr(numbers)[:80])
    for axis, first, count, stride in zip(axes, start, size, step, strict=True):
        first = first + shape[axis] if first < 0 else first
        last = first + (count - 1) * stride
        inside = count == 0 or (0 <= first < shape[axis] and 0 <= last < shape[axis])
        if stride == 0 or count < 0 or not inside:
            raise ShapeError(
                "a slice reaches beyond its axis",
                where=f"{where}, axis {axis} of size {shape[axis]}",
                got=f"start {first}, size {int(count)}, step {stride}",
                expected="a step other than 0, and every element on the axis",
            )


def _key(shape: Shape, axes: Numbers, start: Numbers, size: Numbers, step: Numbers) -> tuple[builtins.slice, ...]:
    """Return the slices of NumPy that take the elements ``start + k * step`` on each of the axes."""
    key = [builtins.slice(None)] * len(shape)
    for axis, first, count, stride in zip(axes, start, size, step, strict=True):
        first = first + shape[axis] if first < 0 else first
        end = first + count * stride
        key[axis] = builtins.slice(first, None if end < 0 else end, stride) if count else builtins.slice(0, 0)
    return tuple(key)


def _slice_type(x: Type, *, axes: Numbers, start: Numbers, size: Numbers, step: Numbers) -> Type:
    check_places("slice", x.shape, axes, start, size, step)
    sizes = dict(zip(axes, size, strict=True))
    return Type(x.dtype, tuple(sizes.get(axis, kept) for axis, kept in enumerate(x.shape)))


def _slice_identity(x: Value, *, axes: Numbers, start: Numbers, size: Numbers, step: Numbers) -> Value | None:
    whole = all(same_size(x.shape[axis], count) for axis, count in zip(axes, size, strict=True))
    return x if whole and all(stride == 1 for stride in step) else None


def _slice_gradient(
    g: Value, x: Value, y: Value, *, axes: Numbers, start: Numbers, size: Numbers, step: Numbers
) -> Value:
    return pad(g, shape=x.shape, axes=axes, start=start, step=step)


def _slice_reference(x: Any, *, axes: Numbers, start: Numbers, size: Numbers, step: Numbers) -> Any:
    for axis, first, count, stride in zip(axes, start, size, step, strict=True):
        x = np.take(x, [first + at * stride for at in range(count)], axis)
    return x


def _places(axes: Numbers, start: Numbers, size: Numbers, step: Numbers) -> dict[str, Numbers]:
    return {"axes": axes, "start": start, "size": size, "step": step}


slice = structural(
    name="slice",
    doc=(
        "Elements start + k * step for k = 0 to size - 1 on each of the axes; a negative start counts from the end,"
        " axes that are not listed are kept whole."
    ),
    infer=_slice_type,
    array=lambda xp, x, **places: x[_key(x.shape, **places)],
    gradient=_slice_gradient,
    reference=_slice_reference,
    params=_places((), (), (), ()),
    identities=_slice_identity,
    sample=[
        Case((Operand((5,)),), _places((0,), (1,), (3,), (1,))),
        Case((Operand((5, 3)),), _places((0, 1), (4, 0), (3, 2), (-2, 2))),
        Case((Operand((2, 5, 3)),), _places((1,), (-1,), (5,), (-1,))),
        Case((Operand((2, 5)),), _places((1,), (5,), (0,), (1,))),
        Case((Operand(()),), _places((), (), (), ())),
        Case((Operand((4,), Booleans()),), _places((0,), (-2,), (2,), (1,))),
    ],
    errors=[
        ErrorCase((float64[5],), "beyond its axis", _places((0,), (3,), (3,), (1,))),
        ErrorCase((float64[5],), "beyond its axis", _places((0,), (3,), (5,), (-1,))),
        ErrorCase((float64[5],), "beyond its axis", _places((0,), (0,), (1,), (0,))),
        ErrorCase((float64[5],), "one whole number for each axis", _places((0,), (), (1,), (1,))),
        ErrorCase((float64[5],), "no such axis", _places((1,), (0,), (1,), (1,))),
    ],
)


def _pad_type(x: Type, *, shape: Shape, axes: Numbers, start: Numbers, step: Numbers) -> Type:
    shape = check_shape("pad", shape)
    axes = check_axes("pad", axes, len(shape))
    if x.ndim != len(shape) or any(size != shape[at] for at, size in enumerate(x.shape) if at not in axes):
        got = f"{told(x.shape)} into {told(shape)}"
        raise ShapeError("sizes differ on an axis that is not padded", where="pad", got=got)
    check_places("pad", shape, axes, start, tuple(x.shape[axis] for axis in axes), step)
    return Type(x.dtype, shape)


def _pad_face(x: Any, width: Any = None, **places: Any) -> tuple[tuple[Any], dict[str, Any]]:
    x = as_operand(x)
    if width is None:
        return (x,), places
    try:
        widths = np.broadcast_to(width, (x.ndim, 2))
    except ValueError:  # ragged, or of another shape
        widths = np.array(-1)
    if widths.dtype.kind not in "iu" or (widths < 0).any():
        expected = f"a whole number, (before, after), or such a pair for each of {x.ndim} axes"
        raise ShapeError("not a width of padding", where="pad", got=repr(width)[:80], expected=expected)
    padded = [(axis, *pair) for axis, pair in enumerate(widths.tolist()) if any(pair)]
    for axis, *_ in padded:
        if isinstance(x.shape[axis], Axis):
            raise ShapeError(
                f"the axis {x.shape[axis].name!r} may change its size, and the padded one could not follow",
                where=f"pad, axis {axis}",
                got=f"width {widths[axis].tolist()}",
                fix="Pad other axes only, or concatenate zeros: pl.concatenate([x, zeros], axis).",
            )
    added = {axis: before + after for axis, before, after in padded}
    return (x,), {
        "shape": tuple(size + added[axis] if axis in added else size for axis, size in enumerate(x.shape)),
        "axes": tuple(axis for axis, _, _ in padded),
        "start": tuple(before for _, before, _ in padded),
        "step": (1,) * len(padded),
    }


def _pad_array(xp: Any, x: Any, *, shape: Shape, axes: Numbers, start: Numbers, step: Numbers) -> Any:
    result = xp.zeros(shape, x.dtype)
    result[_key(shape, axes, start, tuple(x.shape[axis] for axis in axes), step)] = x
    return result


def _pad_gradient(g: Value, x: Value, y: Value, *, shape: Shape, axes: Numbers, start: Numbers, step: Numbers) -> Value:
    return slice(g, axes=axes, start=start, size=tuple(x.shape[axis] for axis in axes), step=step)


def _pad_reference(x: np.ndarray, *, shape: Shape, axes: Numbers, start: Numbers, step: Numbers) -> np.ndarray:
    result = np.zeros(shape)
    for place in np.ndindex(x.shape):
        target = list(place)
        for axis, first, stride in zip(axes, start, step, strict=True):
            target[axis] = first + place[axis] * stride
        result[tuple(target)] = x[place]
    return result


def _pad_identity(x: Value, *, shape: Shape, step: Numbers, **_: Numbers) -> Value | None:
    return x if same_shape(x.shape, shape) and all(stride == 1 for stride in step) else None


def _into(shape: Shape, axes: Numbers, start: Numbers, step: Numbers) -> dict[str, Any]:
    return {"shape": shape, "axes": axes, "start": start, "step": step}


pad = structural(
    name="pad",
    doc="Zeros of `shape` (False for truth values), with the operand at the places that a slice would take it from.",
    infer=_pad_type,
    array=_pad_array,
    gradient=_pad_gradient,
    reference=_pad_reference,
    params=_into((), (), (), ()),
    face=_pad_face,
    identities=_pad_identity,
    sample=[
        Case((Operand((3,)),), _into((5,), (0,), (1,), (1,))),
        Case((Operand((3, 2)),), _into((6, 4), (0, 1), (4, 1), (-2, 2))),
        Case((Operand((2, 3)),), _into((2, 3), (1,), (-1,), (-1,))),
        Case((Operand((2, 0)),), _into((2, 3), (1,), (0,), (1,))),
        Case((Operand(()),), _into((), (), (), ())),
        Case((Operand((2,), Booleans()),), _into((3,), (0,), (1,), (1,))),
    ],
    errors=[
        ErrorCase((float64[3],), "beyond its axis", _into((5,), (0,), (3,), (1,))),
        ErrorCase((float64[3, 2],), "not padded", _into((5, 3), (0,), (0,), (1,))),
        ErrorCase((float64[3],), "not padded", _into((5, 3), (0,), (0,), (1,))),
    ],
)
