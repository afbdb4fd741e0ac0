"""Types of graph values: a dtype and a static shape whose axes may carry a name."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pellucid.errors import ShapeError

_NO_AXES = {"True", "False", "nan", "inf", "float64", "float32", "int64", "int32", "uint32", "bool"}
"""What the text of a graph takes for something else."""


class Axis(int):
    """A size with a name, such as the number of examples in a mini-batch.

    Everywhere it behaves as the integer that it is; its name lets :meth:`Graph.resize` find it again.
    A result computed from it (``2 * batch``) is a plain integer and can not be resized.

    Examples
    --------
    >>> batch = Axis(32, "batch")
    >>> batch == 32, batch
    (True, batch=32)
    """

    name: str

    def __new__(cls, size: int, name: str) -> Axis:
        if not isinstance(name, str) or not re.fullmatch(r"[^\W\d]\w*", name) or name in _NO_AXES:
            expected = "a word of letters, digits and _ that is no number or dtype"
            raise ShapeError("not the name of an axis", got=repr(name), expected=expected)
        axis = super().__new__(cls, size)
        axis.name = name
        return axis

    def __repr__(self) -> str:
        return f"{self.name}={int(self)}"

    __str__ = __repr__

    def __reduce__(self) -> tuple:
        return Axis, (int(self), self.name)


Shape = tuple[int, ...]


@dataclass(frozen=True)
class DType:
    """A number format. ``float64[2, 3]`` is the :class:`Type` of a matrix of it, ``float64[()]`` of a scalar."""

    name: str
    kind: str  # "float", "int" (signed or not) or "bool"

    def __getitem__(self, shape: int | Iterable[int]) -> Type:
        return Type(self, as_shape(shape))

    @property
    def numpy(self) -> np.dtype:
        """The NumPy dtype of the same name."""
        return np.dtype(self.name)

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    def __repr__(self) -> str:
        return self.name


float64 = DType("float64", "float")
float32 = DType("float32", "float")
int64 = DType("int64", "int")
int32 = DType("int32", "int")
uint32 = DType("uint32", "int")
bool_ = DType("bool", "bool")

DTYPES = {dtype.name: dtype for dtype in (float64, float32, int64, int32, uint32, bool_)}


def as_dtype(dtype: DType | str | np.dtype | type) -> DType:
    """Return the :class:`DType` of a name, a NumPy dtype or a Python type."""
    if isinstance(dtype, DType):
        return dtype
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    if name not in DTYPES:
        raise ShapeError("no such dtype", got=repr(dtype), expected="one of " + ", ".join(DTYPES))
    return DTYPES[name]


def as_shape(shape: int | Iterable[int]) -> Shape:
    """Return a shape as a tuple of sizes, named axes kept."""
    sizes = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 0:
            raise ShapeError("a shape is made of sizes from 0 up", got=repr(shape))
    return tuple(size if isinstance(size, Axis) else int(size) for size in sizes)


@dataclass(frozen=True)
class Type:
    """What is known of a value before it is computed: its dtype and its shape.

    Examples
    --------
    >>> Type(float64, (Axis(32, "batch"), 3))
    float64[batch=32, 3]
    """

    dtype: DType
    shape: Shape = ()

    @property
    def size(self) -> int:
        return math.prod(map(int, self.shape))

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __repr__(self) -> str:
        return f"{self.dtype.name}[{', '.join(map(str, self.shape))}]"


def broadcast_shapes(*shapes: Shape, where: str | None = None) -> Shape:
    """Return the shape that NumPy's broadcasting gives, keeping the names of axes.

    Raises
    ------
    ShapeError
        Where two sizes differ and neither is 1.
    """
    ndim = max(map(len, shapes), default=0)
    result: list[int] = []
    for position in range(-ndim, 0):
        sizes = [shape[position] for shape in shapes if len(shape) >= -position]
        wide = [size for size in sizes if size != 1] or sizes
        if any(size != wide[0] for size in wide):
            told = " and ".join("[" + ", ".join(map(str, shape)) + "]" for shape in shapes)
            raise ShapeError(
                "shapes do not broadcast",
                where=where,
                got=told,
                expected="equal sizes, or 1, on each axis counted from the last",
                fix="Reshape or broadcast one of them.",
            )
        named = [size for size in wide if isinstance(size, Axis)]
        result.append(named[0] if named else wide[0])
    return tuple(result)


def promote(*dtypes: DType) -> DType:
    """Return the dtype in which values of these dtypes meet: bool < int < float, the wider of two of a kind.

    Unlike NumPy, an integer joining a float takes the float's dtype whatever their widths: the indices of a
    float32 network do not turn it into a float64 one.

    Examples
    --------
    >>> promote(int64, float32)
    float32
    """
    for kind in ("float", "int"):
        found = [dtype for dtype in dtypes if dtype.kind == kind]
        if found:
            return as_dtype(np.result_type(*(dtype.numpy for dtype in found)))
    return bool_
