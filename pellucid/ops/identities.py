"""What the exact identities of elementwise operations ask of their operands."""

from __future__ import annotations

import math

from pellucid.graph.types import broadcast_shapes
from pellucid.graph.value import Value


def is_filled(value: Value, number: float) -> bool:
    """Tell whether all elements of a value are this constant; 0.0 and -0.0 differ where the dtype is a float."""
    node = value.node
    while node.op.name == "broadcast":
        node = node.inputs[0]
    if node.op.name != "constant":
        return False
    stored = dict(node.params)["value"]
    while isinstance(stored, tuple):
        if not stored or any(item != stored[0] for item in stored) or isinstance(stored[0], tuple):
            return False
        stored = stored[0]
    if stored != number or isinstance(stored, bool) != isinstance(number, bool):
        return False
    return not value.dtype.is_float or math.copysign(1.0, stored) == math.copysign(1.0, number)


def stand_in(x: Value, *operands: Value) -> Value | None:
    """Return `x` if it has the shape, names of axes included, to which it broadcasts with the other operands."""
    shape = broadcast_shapes(x.shape, *(operand.shape for operand in operands))
    return x if repr(shape) == repr(x.shape) else None


def undo(x: Value, name: str) -> Value | None:
    """Return what `x` was computed from, if it was by the operation of this name."""
    return Value(x.builder, x.node.inputs[0]) if x.node.op.name == name else None
