"""Products of two operands with labelled axes: all products of matrices, transposed and batched, are one operation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from pellucid.errors import ShapeError
from pellucid.graph.types import Axis, Shape, Type, bool_, float32, float64
from pellucid.graph.value import OPERATORS, Value
from pellucid.ops.declare import structural
from pellucid.ops.labels import Labels, read_labels
from pellucid.ops.operands import as_operand, check_number, meet, same_size
from pellucid.ops.samples import Case, ErrorCase, Integers, Operand
from pellucid.ops.shapes import reshape


def _type(a: Type, b: Type, *, labels: str) -> Type:
    read = read_labels(labels)
    sizes: dict[str, int] = {}
    for type, letters in ((check_number("contraction", a), read.first), (check_number("contraction", b), read.second)):
        if type.ndim != len(letters):
            raise ShapeError(
                "as many labels as axes are needed",
                where=f"contraction {labels}",
                got=f"{letters!r} for {type}",
                fix="Give every axis of an operand one letter.",
            )
        for label, size in zip(letters, type.shape, strict=True):
            known = sizes.setdefault(label, size)
            if known != size:
                raise ShapeError(
                    f"axes with the label {label!r} have different sizes",
                    where=f"contraction {labels}",
                    got=f"{known} and {size}, of {a} and {b}",
                    fix="Check the shapes, or transpose an operand.",
                )
            sizes[label] = size if isinstance(size, Axis) else known
    if a.dtype != b.dtype:
        fix = "Cast one: pl.cast(x, dtype)."
        raise ShapeError("operands of different dtypes", where="contraction", got=f"{a} and {b}", fix=fix)
    return Type(a.dtype, tuple(sizes[label] for label in read.result))


@dataclass(frozen=True)
class _Plan:
    """How NumPy computes a contraction: transposed, grouped to (batch, free, contracted), multiplied, put in order."""

    swapped: bool
    batch: int
    free: tuple[int, int]
    contracted: int
    orders: tuple[tuple[int, ...], tuple[int, ...]]
    result: tuple[int, ...]


@lru_cache(maxsize=4096)
def _plan(labels: str) -> _Plan:
    read = read_labels(labels)
    first, second, free = read.first, read.second, (read.first_free, read.second_free)
    # The second operand's free axes come out last: where the result has them first, the product is taken the other
    # way round, so that the result needs no transposition.
    swapped = bool(free[0]) and read.result.endswith(free[0])
    if swapped:
        first, second, free = second, first, free[::-1]
    computed = read.batch + free[0] + free[1]
    return _Plan(
        swapped,
        len(read.batch),
        (len(free[0]), len(free[1])),
        len(read.contracted),
        (_order(read.batch + free[0] + read.contracted, first), _order(read.batch + read.contracted + free[1], second)),
        _order(read.result, computed),
    )


def _order(wanted: str, there: str) -> tuple[int, ...]:
    return tuple(map(there.index, wanted))


def _array(xp: Any, a: Any, b: Any, *, labels: str) -> Any:
    plan = _plan(labels)
    if plan.contracted == 0:
        return _multiply(xp, a, b, read_labels(labels))
    if plan.batch and plan.free == (0, 0):
        return xp.einsum(labels, a, b)
    if plan.swapped:
        a, b = b, a
    a, b = a.transpose(plan.orders[0]), b.transpose(plan.orders[1])
    batch, sizes = (
        a.shape[: plan.batch],
        (a.shape[plan.batch : a.ndim - plan.contracted], b.shape[plan.batch + plan.contracted :]),
    )
    a = _group(a, plan.batch, plan.free[0], plan.contracted)
    b = _group(b, plan.batch, plan.contracted, plan.free[1])
    return (a @ b).reshape(batch + sizes[0] + sizes[1]).transpose(plan.result)


def _group(x: Any, batch: int, rows: int, columns: int) -> Any:
    """Make two axes of the row and column axes, or one where there is no batch and one of them is empty."""
    if (rows, columns) == (1, 1) or (batch == 0 and rows + columns == 1):
        return x
    split = batch + rows
    groups = [math.prod(x.shape[batch:split]), math.prod(x.shape[split:])]
    if batch == 0 and rows == 0:
        groups = groups[1:]
    elif batch == 0 and columns == 0:
        groups = groups[:1]
    return x.reshape(*x.shape[:batch], *groups)


def _multiply(xp: Any, a: Any, b: Any, read: Labels) -> Any:
    """Multiply without summing: axes in the order of the result, those of the other operand of size 1."""
    a = a.transpose(_order("".join(label for label in read.result if label in read.first), read.first))
    b = b.transpose(_order("".join(label for label in read.result if label in read.second), read.second))
    a = a[tuple(slice(None) if label in read.first else None for label in read.result)]
    return a * b[tuple(slice(None) if label in read.second else None for label in read.result)]


def _gradient(g: Value, a: Value, b: Value, y: Value, *, labels: str) -> tuple[Value, Value]:
    read = read_labels(labels)
    by_a = contraction(g, b, labels=f"{read.result},{read.second}->{read.first}")
    by_b = contraction(a, g, labels=f"{read.first},{read.result}->{read.second}")
    # where a named axis met one without a name, this gives each operand its own back
    return reshape.apply((by_a,), {"shape": a.shape}), reshape.apply((by_b,), {"shape": b.shape})


def _face(a: Any, b: Any, labels: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return meet((a, b)), {"labels": labels.replace(" ", "") if isinstance(labels, str) else labels}


def _reference(a: np.ndarray, b: np.ndarray, *, labels: str) -> np.ndarray:
    """Add up all products one by one, with correct rounding."""
    sides, result = labels.split("->")
    first, second = sides.split(",")
    sizes = dict(zip(first + second, a.shape + b.shape, strict=True))
    summed = [label for label in sizes if label not in result]
    computed = np.zeros([sizes[label] for label in result])
    for place in np.ndindex(computed.shape):
        at = dict(zip(result, place, strict=True))
        terms = []
        for inner in np.ndindex(*(sizes[label] for label in summed)):
            at.update(zip(summed, inner, strict=True))
            terms.append(float(a[tuple(map(at.get, first))] * b[tuple(map(at.get, second))]))
        computed[place] = math.fsum(terms)
    return computed


def _case(labels: str, first: Shape, second: Shape) -> Case:
    return Case((Operand(first), Operand(second)), {"labels": labels})


contraction = structural(
    name="contraction",
    doc="Products of the elements of two operands, summed over the axes whose label the result lacks.",
    infer=_type,
    array=_array,
    gradient=_gradient,
    reference=_reference,
    params={"labels": ","},
    face=_face,
    sample=[
        _case("bi,io->bo", (2, 3), (3, 4)),
        _case("bo,io->bi", (2, 4), (3, 4)),
        _case("bi,bo->io", (5, 3), (5, 2)),
        _case("bi,bo->oi", (5, 3), (5, 2)),
        _case("i,i->", (3,), (3,)),
        _case("bi,i->b", (2, 3), (3,)),
        _case("i,io->o", (3,), (3, 2)),
        _case("i,o->io", (3,), (2,)),
        _case("bi,bi->b", (3, 2), (3, 2)),
        _case("bi,b->bi", (3, 2), (3,)),
        _case("pbi,pio->pbo", (2, 3, 4), (2, 4, 2)),
        _case("bpi,ipo->obp", (3, 2, 4), (4, 2, 2)),
        _case("abcd,cbe->ead", (2, 3, 2, 1), (2, 3, 4)),
        _case("bi,io->bo", (2, 0), (0, 3)),
        _case("bi,io->bo", (0, 3), (3, 1)),
        _case(",->", (), ()),
        Case((Operand((2, 3), Integers(-5, 6)), Operand((3, 2), Integers(-5, 6))), {"labels": "ij,jk->ik"}),
    ],
    errors=[
        ErrorCase((float64[2, 3], float64[4, 2]), "different sizes", {"labels": "bi,io->bo"}),
        ErrorCase((float64[2, 3], float64[3]), "as many labels as axes", {"labels": "bi,io->bo"}),
        ErrorCase((float64[2, 2], float64[2]), "twice in one place", {"labels": "ii,i->i"}),
        ErrorCase((float64[2, 3], float64[3]), "in neither operand", {"labels": "bi,i->bo"}),
        ErrorCase((float64[2, 3], float64[3]), "has to be in the result", {"labels": "bi,i->i"}),
        ErrorCase((float64[2, 3], float64[3]), "not the labels", {"labels": "bi,i"}),
        ErrorCase((float64[2, 3], float32[3]), "different dtypes", {"labels": "bi,i->b"}),
        ErrorCase((bool_[2, 3], bool_[3]), "float or int", {"labels": "bi,i->b"}),
    ],
)


def matmul(a: Any, b: Any) -> Any:
    """Return the product of two matrices, vectors, or batches of matrices, as NumPy's ``@`` does.

    Parameters
    ----------
    a : Value or array
        ``[..., rows, inner]``, or a vector ``[inner]``.
    b : Value or array
        ``[..., inner, columns]``, or a vector ``[inner]``. Axes before the last two broadcast.

    Returns
    -------
    Value or array
        ``[..., rows, columns]``, without the axis that a vector lacks.

    Raises
    ------
    ShapeError
        Where the inner sizes differ, batch axes do not broadcast, or an operand is a scalar.

    Examples
    --------
    >>> matmul([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
    array([3., 7.])
    """
    a, b = meet((a, b))
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError("a product of matrices needs axes", where="matmul", got="a scalar", fix="Multiply with *.")
    batches = (a.shape[:-2], b.shape[:-2])
    letters = "abcdefghlmnopqrstuvwxyz"[: max(map(len, batches))]
    if len(letters) < max(map(len, batches)):
        raise ShapeError("too many axes", where="matmul", got=str(max(a.ndim, b.ndim)))
    a, first = _drop_stretched(a, batches[1], letters)
    b, second = _drop_stretched(b, batches[0], letters)
    rows, columns = "i" * (a.ndim > 1), "k" * (b.ndim > 1)
    batch = "".join(letter for letter in letters if letter in first or letter in second)
    return contraction(a, b, labels=f"{first}{rows}j,{second}j{columns}->{batch}{rows}{columns}")


def _drop_stretched(x: Any, other: Shape, letters: str) -> tuple[Any, str]:
    """Drop the batch axes of size 1 that would stretch, and return the labels of the others."""
    own = x.shape[:-2]
    kept = []
    for at, size in enumerate(own):
        partner = len(other) - len(own) + at
        stretches = type(size) is int and size == 1 and partner >= 0 and not same_size(size, other[partner])
        if not stretches:
            kept.append(at)
    labels = "".join(letters[len(letters) - len(own) + at] for at in kept)
    if len(kept) < len(own):
        x = reshape(as_operand(x), tuple(own[at] for at in kept) + tuple(x.shape[-2:]))
    return x, labels


OPERATORS["matmul"] = matmul
