"""What the exact identities of elementwise operations ask of their operands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from pellucid.graph.types import broadcast_shapes
from pellucid.graph.value import Value


def is_filled(value: Value, number: float) -> bool:
    """Tell whether all elements of a value are this constant; 0.0 and -0.0 differ where the dtype is a float."""
    elements = constant_elements(value)
    first = next(elements, None)
    if first is None:
        return False

    def same(item: Any) -> bool:
        if item != number or isinstance(item, bool) != isinstance(number, bool):
            return False
        return not value.dtype.is_float or math.copysign(1.0, item) == math.copysign(1.0, number)

    return same(first) and all(map(same, elements))


def constant_elements(value: Value) -> Iterator[Any]:
    """Yield the numbers of a constant, repeated or not; nothing where the value is no constant."""
    node = value.node
    while node.op.name == "broadcast":
        node = node.inputs[0]
    if node.op.name == "constant":
        yield from _leaves(dict(node.params)["value"])


def _leaves(stored: Any) -> Iterator[Any]:
    if isinstance(stored, tuple):
        for part in stored:
            yield from _leaves(part)
    else:
        yield stored


def stand_in(x: Value, *operands: Value) -> Value | None:
    """Return `x` if it has the shape, names of axes included, to which it broadcasts with the other operands."""
    shape = broadcast_shapes(x.shape, *(operand.shape for operand in operands))
    return x if repr(shape) == repr(x.shape) else None


def undo(x: Value, name: str) -> Value | None:
    """Return what `x` was computed from, if it was by the operation of this name."""
    return Value(x.builder, x.node.inputs[0]) if x.node.op.name == name else None
