"""Simplification that keeps every bit: constants folded, equal nodes merged, dead nodes dropped, exact identities."""

from __future__ import annotations

import numpy as np

from pellucid.graph.builder import Builder
from pellucid.graph.graph import Graph, Node
from pellucid.graph.value import Value

FOLD_LIMIT = 64
"""The largest constant, in elements, that folding may write into a graph."""


def simplify(graph: Graph) -> Graph:
    """Return a smaller graph with the same inputs and outputs, equal to the bit.

    Each operation declares the identities that are exact in floating point (``x * 1`` is ``x``; ``x * 0`` is not 0
    where x is infinite). Equal nodes are merged because they are built once.

    Examples
    --------
    >>> import pellucid as pl
    >>> print(pl.simplify(pl.build(lambda x: pl.tanh(1 * x) + (2 * x) * (3 - 2), x=pl.float64[2])))
    input x: float64[2]
    tanh: float64[2] = tanh(x)
    constant_2: float64[] = 2.0
    multiply_2: float64[2] = multiply(constant_2, x)
    value: float64[2] = add(tanh, multiply_2)
    output value = value
    <BLANKLINE>
    """
    builder = Builder()
    here: dict[Node, Value] = {}
    for node in graph.nodes:
        if node.op.name == "input":
            here[node] = builder.input(node.path, node.type)
            continue
        inputs = tuple(here[source] for source in node.inputs)
        candidates = (_fold(builder, node, inputs), node.op.simplify(inputs, dict(node.params)))
        simpler = next((value for value in candidates if value is not None), None)
        here[node] = simpler if simpler is not None else builder.add(node.op, inputs, dict(node.params), node.path)
    outputs = {name: here[node] for name, node in graph.outputs.items()}
    return builder.finish(outputs, after="simplify")


def _fold(builder: Builder, node: Node, inputs: tuple[Value, ...]) -> Value | None:
    """Return the constant that a node of constants is, unless it is large."""
    foldable = inputs and node.type.size <= FOLD_LIMIT and all(value.node.op.name == "constant" for value in inputs)
    grows = node.type.size > sum(value.type.size for value in inputs)  # a number repeated says less than its broadcast
    if not foldable or grows or any(map(_is_axis, node.type.shape)):
        return None
    with np.errstate(all="ignore"):
        arrays = tuple(value.node.op.evaluate((), dict(value.node.params), value.type) for value in inputs)
        result = node.op.evaluate(arrays, dict(node.params), node.type)
    return builder.constant(result, node.type.dtype)


def _is_axis(size: int) -> bool:
    return type(size) is not int
