"""The links of a node: how each operation's operands enter its result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from pellucid.graph.graph import Node
from pellucid.graph.types import Axis, Type, int64
from pellucid.inspection.explain.links import Derivative, Labelled, Link, Listed, Product, Values, pair
from pellucid.inspection.explain.slopes import dense_derivative, elementwise_slopes
from pellucid.ops.elementwise import Elementwise
from pellucid.ops.labels import Labels, read_labels

_AXES = "ijklmnopqrstuvwxyzacdefghb"
_MOVES = ("cast", "reshape", "slice", "pad", "roll", "concatenate", "gather", "scatter_add")


def links_of(node: Node, values: Values) -> list[Link]:
    """Return a link for each operand that a node's gradient goes to.

    Parameters
    ----------
    node : Node
    values : mapping of Node to ndarray
        Of the node and its operands: which rows a table is asked for depends on them.
    """
    if not node.op.differentiable or not node.type.dtype.is_float:
        return []
    places = [place for place, source in enumerate(node.inputs) if source.type.dtype.is_float]
    return [_link(node, place, values) for place in places]


def _link(node: Node, place: int, values: Values) -> Link:
    name = node.op.name
    if isinstance(node.op, Elementwise):
        return _elementwise(node, place)
    if name == "contraction":
        return _contraction(node, place)
    if name in _MOVES:
        return _moved(node, place, values)
    if name in _KINDS:
        return _KINDS[name](node, place)
    derivative = dense_derivative(node, place, values)
    results, sources = np.nonzero(derivative)
    return Listed(node, place, results, sources, lambda r, s, _: derivative[r, s])


def axis_letters(shape: Sequence[int]) -> str:
    """Return a letter for each axis: that of its name, or one in their order."""
    letters = ""
    for size in shape:
        named = size.name[0].lower() if isinstance(size, Axis) else ""
        free = next(letter for letter in _AXES if letter not in letters)
        letters += named if named in _AXES and named not in (*letters, "") else free
    return letters


def _aligned(node: Node, source: Node) -> str:
    """Return the labels of an operand that was broadcast to a result: an axis that was stretched has its own."""
    result = axis_letters(node.type.shape)
    own = result[len(result) - source.type.ndim :]
    stretched = [
        int(size) == 1 and int(wide) != 1
        for size, wide in zip(source.type.shape, node.type.shape[len(result) - source.type.ndim :], strict=True)
    ]
    return "".join(letter.upper() if wide else letter for letter, wide in zip(own, stretched, strict=True))


def _elementwise(node: Node, place: int) -> Link:
    def derivative(results: np.ndarray, sources: np.ndarray, values: Values) -> np.ndarray:
        operands = [values[source].reshape(-1)[picked] for source, picked in _operands_at(node, results)]
        return elementwise_slopes(node, place, operands)

    return Labelled(node, place, axis_letters(node.type.shape), _aligned(node, node.inputs[place]), derivative)


def _operands_at(node: Node, results: np.ndarray) -> list[tuple[Node, np.ndarray]]:
    """Return the elements of the operands that enter elements of an elementwise node."""
    result = axis_letters(node.type.shape), node.type.shape
    return [(source, pair(results, result, (_aligned(node, source), source.type.shape))[1]) for source in node.inputs]


def _contraction(node: Node, place: int) -> Link:
    read = read_labels(dict(node.params)["labels"])
    letters = _product_letters(node, read)
    own, other = (read.first, read.second) if place == 0 else (read.second, read.first)
    return Product(node, place, *(part.translate(letters) for part in (read.result, own, other)))


def _product_letters(node: Node, read: Labels) -> dict[int, str]:
    """Return what to call the axes of a product that have a name instead of their labels."""
    found: dict[int, str] = {}
    sizes = [*zip(read.first, node.inputs[0].type.shape, strict=True)]
    sizes += zip(read.second, node.inputs[1].type.shape, strict=True)
    for label, size in sizes:
        letter = size.name[0].lower() if isinstance(size, Axis) else ""
        if letter in _AXES and letter not in ("", *read.first, *read.second, *found.values()):
            found.setdefault(ord(label), letter)
    return found


def _moved(node: Node, place: int, values: Values) -> Link:
    """Return the link of an operation that moves elements: where its body moves their numbers to."""
    source = node.inputs[place]
    if node.op.name == "scatter_add" and place == 2:
        base = np.arange(node.type.size).reshape(tuple(map(int, node.type.shape)))
        return Listed(node, place, base[values[node.inputs[1]]].reshape(-1), np.arange(source.type.size), _one)
    if node.op.name in ("cast", "reshape", "scatter_add"):
        count = np.arange(node.type.size)
        return Listed(node, place, count, count, _one)
    numbers = [np.zeros(tuple(map(int, each.type.shape)), np.int64) for each in node.inputs]
    numbers[place] = np.arange(1, source.type.size + 1).reshape(numbers[place].shape)
    if node.op.name == "gather":
        numbers[1] = values[node.inputs[1]]
    found = node.op.evaluate(tuple(numbers), dict(node.params), Type(int64, node.type.shape)).reshape(-1)
    there = np.flatnonzero(found)
    return Listed(node, place, there, found[there] - 1, _one)


def _one(results: np.ndarray, sources: np.ndarray, values: Values) -> float:
    return 1.0


def _broadcast(node: Node, place: int) -> Link:
    return Labelled(node, place, axis_letters(node.type.shape), _aligned(node, node.inputs[0]), _one)


def _sum_to(node: Node, place: int) -> Link:
    source = node.inputs[0]
    return Labelled(node, place, _aligned(source, node), axis_letters(source.type.shape), _one)


def _transpose(node: Node, place: int) -> Link:
    letters = axis_letters(node.inputs[0].type.shape)
    return Labelled(node, place, "".join(letters[axis] for axis in dict(node.params)["axes"]), letters, _one)


def _reduction(node: Node, derivative: Derivative) -> Link:
    letters, params = axis_letters(node.inputs[0].type.shape), dict(node.params)
    axes = params["axes"]
    if params["keepdims"]:
        kept = "".join(letter.upper() if axis in axes else letter for axis, letter in enumerate(letters))
    else:
        kept = "".join(letter for axis, letter in enumerate(letters) if axis not in axes)
    return Labelled(node, 0, kept, letters, derivative)


def _mean(node: Node, place: int) -> Link:
    count = math.prod(int(node.inputs[0].type.shape[axis]) for axis in dict(node.params)["axes"])
    return _reduction(node, lambda results, sources, values: 1.0 / count)


def _max(node: Node, place: int) -> Link:
    def derivative(results: np.ndarray, sources: np.ndarray, values: Values) -> np.ndarray:
        x, y = values[node.inputs[0]], values[node].reshape(-1)
        numbers, all_sources = link.sources_of(np.arange(node.type.size))
        greatest = x.reshape(-1)[all_sources] == y[numbers]
        count = np.bincount(numbers, greatest, node.type.size)
        return (x.reshape(-1)[sources] == y[results]) / count[results]

    link = _reduction(node, derivative)
    return link


def _log_sum_exp(node: Node, place: int) -> Link:
    def derivative(results: np.ndarray, sources: np.ndarray, values: Values) -> np.ndarray:
        return np.exp(values[node.inputs[0]].reshape(-1)[sources] - values[node].reshape(-1)[results])

    return _reduction(node, derivative)


def _across(node: Node, derivative: Derivative) -> Link:
    """Return the link of an operation in which elements along some axes all enter each other."""
    letters, axes = axis_letters(node.type.shape), dict(node.params)["axes"]
    own = "".join(letter.upper() if axis in axes else letter for axis, letter in enumerate(letters))
    return Labelled(node, 0, letters, own, derivative)


def _softmax(node: Node, place: int) -> Link:
    def derivative(results: np.ndarray, sources: np.ndarray, values: Values) -> np.ndarray:
        y = values[node].reshape(-1)
        return y[results] * ((results == sources) - y[sources])

    return _across(node, derivative)


def _log_softmax(node: Node, place: int) -> Link:
    def derivative(results: np.ndarray, sources: np.ndarray, values: Values) -> np.ndarray:
        return (results == sources) - np.exp(values[node].reshape(-1)[sources])

    return _across(node, derivative)


_KINDS: dict[str, Callable[[Node, int], Link]] = {
    "broadcast": _broadcast,
    "sum_to": _sum_to,
    "transpose": _transpose,
    "sum": lambda node, place: _reduction(node, _one),
    "mean": _mean,
    "max": _max,
    "log_sum_exp": _log_sum_exp,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
}
