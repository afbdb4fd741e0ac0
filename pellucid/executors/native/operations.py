"""How many floating-point operations nodes take, counted by what they mean and not by the code that they become."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.executors.native.schedule import REDUCTIONS, is_elementwise
from pellucid.graph.graph import Node
from pellucid.ops.elementwise import Elementwise
from pellucid.ops.labels import read_labels

Extent = Callable[[int], int]
"""Returns the size of an axis in this run: that of a named one may be another than its type says."""

_PASSES = {"softmax": 5, "log_softmax": 5, "log_sum_exp": 4}
"""Operations for each element of what is reduced, where there are more than one: maximum, difference, exp, sum, ..."""


def count_operations(node: Node, extent: Extent = int) -> int:
    """Return the floating-point operations of a node.

    A product of matrices takes two for each multiplication and addition. An elementwise operation takes those that its
    rule is written with, for each element; a function such as exp counts as one. Views, draws and integers take none.

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
    if isinstance(node.op, Elementwise):
        return _size(node, extent) * _of_rule(node)
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


def _of_rule(node: Node) -> int:
    """Return how many operations a rule is written with."""
    op = node.op
    assert isinstance(op, Elementwise)
    counter = _Counter(np.dtype(op._scalars_of([source.type.dtype for source in node.inputs]).numpy))
    op.rule(counter, *[_Operand(counter)] * len(node.inputs), **dict(node.params))
    return counter.count


class _Operand:
    """Stands for a number in a rule; every operator counts."""

    def __init__(self, counter: _Counter):
        self.counter = counter

    def _counted(self, *_: Any) -> _Operand:
        self.counter.count += 1
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _counted
    __lt__ = __le__ = __gt__ = __ge__ = __and__ = __rand__ = __or__ = __ror__ = __invert__ = __neg__ = _counted


class _Counter:
    """The vocabulary of rules (:mod:`pellucid.ops.scalar`) where every word counts as one operation."""

    def __init__(self, dtype: np.dtype):
        self.count = 0
        if dtype.kind == "f":
            limits = np.finfo(dtype)
            self.eps, self.tiny, self.largest = float(limits.eps), float(limits.tiny), float(limits.max)

    def _word(self, *_: Any) -> _Operand:
        self.count += 1
        return _Operand(self)

    exp = expm1 = log = log1p = sqrt = tanh = abs = sign = max = min = power = equal = select = erf = erfc = _word
