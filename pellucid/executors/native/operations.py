"""How many floating-point operations nodes take, counted by what they mean and not by the code that they become."""

from __future__ import annotations

import math
from collections.abc import Callable

from pellucid.executors.native.schedule import REDUCTIONS, is_elementwise
from pellucid.graph.graph import Node
from pellucid.ops.labels import read_labels

Extent = Callable[[int], int]
"""Returns the size of an axis in this run: that of a named one may be another than its type says."""

_PASSES = {"softmax": 5, "log_softmax": 5, "log_sum_exp": 4}
"""Operations for each element of what is reduced, where there are more than one: maximum, difference, exp, sum, ..."""


def count_operations(node: Node, extent: Extent = int) -> int:
    """Return the floating-point operations of a node.

    A product of matrices takes two for each multiplication and addition. An elementwise operation takes one for each
    element, a function such as exp or gelu as well as a sum. Views, draws and integers take none.

    Examples
    --------
    >>> import pellucid as pl
    >>> graph = pl.build(lambda x, w: pl.relu(x @ w), x=pl.float32[8, 3], w=pl.float32[3, 5])
    >>> [count_operations(node) for node in graph.nodes]
    [0, 0, 240, 40]
    """
    floats = [thing for thing in (node, *node.inputs) if thing.type.dtype.is_float]
    if not floats:
        return 0
    if is_elementwise(node):
        return _size(node, extent)
    if node.op.name == "contraction":
        return 2 * _terms(node, extent)
    if node.op.name in REDUCTIONS:
        return _PASSES.get(node.op.name, 1) * _size(node.inputs[0], extent)
    return _size(node.inputs[-1], extent) if node.op.name == "scatter_add" else 0


def _size(node: Node, extent: Extent) -> int:
    return math.prod(map(extent, node.type.shape))


def _terms(node: Node, extent: Extent) -> int:
    """Return how many products of two numbers a contraction sums."""
    labels = read_labels(dict(node.params)["labels"])
    sizes: dict[str, int] = {}
    for letters, source in zip((labels.first, labels.second), node.inputs, strict=True):
        sizes |= zip(letters, map(extent, source.type.shape), strict=True)
    return math.prod(sizes.values())
