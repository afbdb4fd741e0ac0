"""Values: the handles that Python functions compute with while a graph is built."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import GraphError
from pellucid.graph.operation import operation
from pellucid.graph.types import Axis, DType, Shape, Type

if TYPE_CHECKING:
    from pellucid.graph.builder import Builder
    from pellucid.graph.graph import Node

OPERATORS: dict[str, Callable[..., Any]] = {}
"""Python operators that stand for no single operation (``matmul``, ``getitem``); `pellucid.ops` fills them in."""


_NUMPY_OPERATORS = {
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    **{name: name for name in ("add", "subtract", "multiply", "divide", "power", "matmul")},
    **{name: name for name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")},
}
"""NumPy's name and ours of each operator that may have an array on the left and a value on the right."""


def _binary(name: str) -> Any:
    def method(self: Value, other: Any) -> Value:
        return operation(name)(self, other)

    return method


def _swapped(name: str) -> Any:
    def method(self: Value, other: Any) -> Value:
        return operation(name)(other, self)

    return method


class Value:
    """A value of a graph under construction, with NumPy's operators and broadcasting.

    Operators look their operation up in the registry, so that this module knows none of them.
    """

    __slots__ = ("builder", "node")

    def __init__(self, builder: Builder, node: Node):
        self.builder, self.node = builder, node

    @property
    def type(self) -> Type:
        return self.node.type

    @property
    def shape(self) -> Shape:
        return self.node.type.shape

    @property
    def dtype(self) -> DType:
        return self.node.type.dtype

    @property
    def ndim(self) -> int:
        return len(self.node.type.shape)

    @property
    def T(self) -> Value:
        return operation("transpose")(self)

    def __repr__(self) -> str:
        return f"<value {self.node.path or self.node.op.name}: {self.type}>"

    __add__, __radd__ = _binary("add"), _swapped("add")
    __sub__, __rsub__ = _binary("subtract"), _swapped("subtract")
    __mul__, __rmul__ = _binary("multiply"), _swapped("multiply")
    __truediv__, __rtruediv__ = _binary("divide"), _swapped("divide")
    __pow__, __rpow__ = _binary("power"), _swapped("power")
    __lt__, __le__ = _binary("less"), _binary("less_equal")
    __gt__, __ge__ = _binary("greater"), _binary("greater_equal")
    __eq__, __ne__ = _binary("equal"), _binary("not_equal")  # type: ignore[assignment]
    __and__, __rand__ = _binary("logical_and"), _swapped("logical_and")
    __or__, __ror__ = _binary("logical_or"), _swapped("logical_or")
    __hash__ = object.__hash__

    def __neg__(self) -> Value:
        return operation("negative")(self)

    def __abs__(self) -> Value:
        return operation("absolute")(self)

    def __invert__(self) -> Value:
        return operation("logical_not")(self)

    def __matmul__(self, other: Any) -> Value:
        return OPERATORS["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Value:
        return OPERATORS["matmul"](other, self)

    def __getitem__(self, key: Any) -> Value:
        return OPERATORS["getitem"](self, key)

    def __bool__(self) -> bool:
        raise GraphError(
            "a graph value has no truth while the graph is built",
            where=repr(self),
            fix="Choose between two values with pl.select(condition, a, b) instead of if, and, or.",
        )

    def __iter__(self) -> Any:
        raise GraphError("a graph value can not be iterated over", where=repr(self), fix="Index it instead: x[0].")

    def __len__(self) -> int:
        if not self.shape:
            raise GraphError("a scalar has no length", where=repr(self))
        if isinstance(self.shape[0], Axis):
            raise GraphError("len() would fix the size of a named axis", where=repr(self), fix="Use x.shape[0].")
        return int(self.shape[0])

    def __array_ufunc__(self, function: np.ufunc, method: str, *operands: Any, **more: Any) -> Value:
        # NumPy comes here also for its operators with an array on the left.
        name = function.__name__
        if name not in _NUMPY_OPERATORS or method != "__call__" or more:
            raise GraphError(
                f"NumPy's {name} does not compute with graph values",
                fix="Use Pellucid's functions (pl.exp, not np.exp).",
            )
        return OPERATORS[name](*operands) if name in OPERATORS else operation(_NUMPY_OPERATORS[name])(*operands)

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise GraphError(
            "a graph value has no numbers while the graph is built",
            where=repr(self),
            fix="Use Pellucid's functions on it (pl.exp, not np.exp).",
        )

    def __float__(self) -> float:
        raise GraphError(
            "a graph value has no number while the graph is built",
            where=repr(self),
            fix="Use Pellucid's functions on it (pl.exp, not math.exp).",
        )
