"""Which numbers the nodes of a graph can reach, whatever the parameters: interval arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from pellucid.graph.graph import Node
from pellucid.graph.types import Type
from pellucid.ops.declare import Elementwise

Interval = tuple[float, float]

EVERYTHING: Interval = (-math.inf, math.inf)

FAR = 1e6
"""What a function does farther out is taken for what it does here; from sizes of 1000 on it is without bounds."""

_UNBOUNDED = 1e3

_KEPT = {
    *("identity", "cast", "stop_gradient", "reshape", "transpose", "slice", "broadcast", "concatenate", "roll"),
    *("gather", "max", "mean"),
}
"""Operations whose elements are elements of the operands, or lie between them."""


def reach(node: Node, known: dict[Node, Interval] | None = None) -> Interval:
    """Return the least and the greatest number that a node may hold; wider than that where it is not known.

    Examples
    --------
    >>> import pellucid as pl
    >>> graph = pl.build(lambda x: 2 * pl.sigmoid(x) - 1, x=pl.float64[3])
    >>> reach(graph.outputs["value"])
    (-1.0, 1.0)
    """
    known = {} if known is None else known
    if node not in known:
        operands = [reach(source, known) for source in node.inputs]
        known[node] = _reach(node, operands)
    return known[node]


def _reach(node: Node, operands: list[Interval]) -> Interval:
    name = node.op.name
    if name == "constant":
        value = np.asarray(dict(node.params)["value"], np.float64)
        return (float(value.min()), float(value.max())) if value.size else EVERYTHING
    if name in ("softmax", "one_hot", "random_uniform"):
        return 0.0, 1.0
    if name == "log_softmax":
        return -math.inf, 0.0
    if name in _KEPT and operands:
        relevant = operands[:1] if name == "gather" else operands
        return min(low for low, _ in relevant), max(high for _, high in relevant)
    if name == "select":
        return min(low for low, _ in operands[1:]), max(high for _, high in operands[1:])
    if name in _RULES:
        return _RULES[name](*operands)
    if isinstance(node.op, Elementwise) and len(operands) == 1:
        return _of_function(node, operands[0])
    return EVERYTHING


def _of_function(node: Node, operand: Interval) -> Interval:
    """Return the range of a function of one number, found by trying it out: all over, and closer to its extremes."""
    source, low, high = node.inputs[0].type, *(min(max(end, -FAR), FAR) for end in operand)
    if not source.dtype.is_float:
        return EVERYTHING

    def compute(points: np.ndarray) -> np.ndarray:
        one = Type(node.type.dtype, points.shape)
        with np.errstate(all="ignore"):
            found = node.op.evaluate((points.astype(source.dtype.numpy),), dict(node.params), one)
        return np.asarray(found, np.float64)

    far = np.geomspace(1e-6, FAR, 200)
    points = np.concatenate([-far, [0.0], far, np.linspace(-8, 8, 801)])
    points = np.unique(np.concatenate([points[(points >= low) & (points <= high)], [low, high]]))
    ends = []
    for sign in (1.0, -1.0):
        tried, best = points, math.inf
        for _ in range(5):
            values = sign * compute(tried)
            if np.isnan(values).all():
                return EVERYTHING
            place = int(np.nanargmin(values))
            best = min(best, float(values[place]))
            tried = np.linspace(tried[max(place - 1, 0)], tried[min(place + 1, len(tried) - 1)], 65)
        ends.append(sign * best)
    return (ends[0] if ends[0] > -_UNBOUNDED else -math.inf), (ends[1] if ends[1] < _UNBOUNDED else math.inf)


def _add(a: Interval, b: Interval) -> Interval:
    return a[0] + b[0], a[1] + b[1]


def _negative(a: Interval) -> Interval:
    return -a[1], -a[0]


def _multiply(a: Interval, b: Interval) -> Interval:
    corners = [0.0 if 0 in (one, other) else one * other for one in a for other in b]
    return min(corners), max(corners)


def _divide(a: Interval, b: Interval) -> Interval:
    return EVERYTHING if b[0] <= 0 <= b[1] else _multiply(a, (1 / b[1], 1 / b[0]))


_RULES: Mapping[str, Callable[..., Interval]] = {
    "add": _add,
    "subtract": lambda a, b: _add(a, _negative(b)),
    "negative": _negative,
    "multiply": _multiply,
    "divide": _divide,
    "maximum": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    "minimum": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
}
