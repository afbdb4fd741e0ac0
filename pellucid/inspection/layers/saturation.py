"""Saturation: units whose activation is so flat where they stand that next to nothing passes through them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.executors.program import compile
from pellucid.graph.builder import Builder
from pellucid.graph.differentiate import build_gradients
from pellucid.graph.graph import Node
from pellucid.graph.value import Value
from pellucid.ops.activations import ACTIVATIONS
from pellucid.ops.elementwise import Elementwise
from pellucid.ops.shapes import broadcast


def slopes_of(value: Value, of: Value, name: str | None = None) -> Value:
    """Add, to the graph of both, the slope of each element of `of` where each comes from one element of `value`."""
    one = of.builder.constant(1.0, of.dtype)
    return build_gradients(of, [value], seed=broadcast(one, of.shape) if of.shape else one, name=name)[0]


def is_rectifier(node: Node) -> bool:
    """Say whether an activation gives exactly 0 on one side of 0, so that zeros tell where it is flat."""
    if not isinstance(node.op, Elementwise) or len(node.inputs) > 1:
        return True  # made up of several operations: where it gives 0, it is taken to be flat for that reason
    sides = np.array([-2.0, -1.0, 1.0, 2.0], node.type.dtype.numpy)
    return bool((np.asarray(node.op.compute((sides,), dict(node.params))) == 0).any())


def activation_slopes(node: Node, operand: Any, value: Any) -> np.ndarray | None:
    """Return the slope of each unit of an activation; None where the node is none.

    Where a rectifier gives 0 the slope is NaN: the share of zeros tells of these units.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> graph = pl.build(lambda x: pl.tanh(x), x=pl.float64[2])
    >>> activation_slopes(graph["value"], np.array([0.0, 30.0]), None)
    array([1.00000000e+00, 3.50...e-26])
    """
    if ACTIVATIONS.get(node.op.name) is not node.op or not isinstance(node.op, Elementwise):
        return None
    builder = Builder()
    x = builder.input("x", node.inputs[0].type)
    slope = slopes_of(x, builder.add(node.op, (x,), dict(node.params)))
    found = compile(builder.finish({"slope": slope}))(x=operand)["slope"]
    return np.where(np.asarray(value) == 0, np.nan, found) if is_rectifier(node) else found
