"""Links: which elements of an operand enter which elements of a result, and by what local derivative."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pellucid.graph.graph import Node
from pellucid.graph.types import Type

Values = Mapping[Node, np.ndarray]
"""The numbers of nodes: arrays of float64, or of the nodes' own dtypes where those are no floats."""

Derivative = Callable[[np.ndarray, np.ndarray, Values], "np.ndarray | float"]
"""``derivative(results, sources, values)`` returns d result / d source for pairs of elements."""

Side = tuple[str, Sequence[int]]
"""The labels of a value's axes, and its shape."""


class Link(ABC):
    """How the elements of one operand enter those of a node.

    Elements are given by their places in row-major order.

    Attributes
    ----------
    node : Node
    place : int
        Which operand.
    """

    def __init__(self, node: Node, place: int, derivative: Derivative):
        self.node, self.place = node, place
        self._derivative = derivative

    @property
    def source(self) -> Node:
        return self.node.inputs[self.place]

    @abstractmethod
    def sources_of(self, results: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return, for each element of the operand that enters one of `results`, the number of the latter, and it."""

    @abstractmethod
    def results_of(self, sources: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return, for each element of the node that one of `sources` enters, the number of the latter, and it."""

    @property
    @abstractmethod
    def fan_in(self) -> float:
        """How many elements of the operand enter one of the result, on average."""

    @property
    def fan_out(self) -> float:
        """How many elements of the result one of the operand enters, on average."""
        return self.fan_in * self.node.type.size / max(1, self.source.type.size)

    @property
    def one_by_one(self) -> bool:
        """Whether each element enters the one at its own place only."""
        return False

    def derivatives(self, results: np.ndarray, sources: np.ndarray, values: Values) -> np.ndarray:
        """Return d result / d source for pairs of elements, as float64."""
        found = np.asarray(self._derivative(results, sources, values), np.float64)
        return np.broadcast_to(found, results.shape)


class Labelled(Link):
    """A link in which elements belong together whose axes of the same label have the same place.

    Attributes
    ----------
    result_labels, source_labels : str
        A letter for each axis.
    """

    def __init__(self, node: Node, place: int, result_labels: str, source_labels: str, derivative: Derivative):
        super().__init__(node, place, derivative)
        self.result_labels, self.source_labels = result_labels, source_labels

    def sources_of(self, results: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return pair(results, self._result, self._source)

    def results_of(self, sources: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return pair(sources, self._source, self._result)

    @property
    def fan_in(self) -> float:
        sizes = zip(self.source_labels, self.source.type.shape, strict=True)
        return math.prod(int(size) for label, size in sizes if label not in self.result_labels)

    @property
    def one_by_one(self) -> bool:
        return self.result_labels == self.source_labels

    @property
    def _result(self) -> Side:
        return self.result_labels, self.node.type.shape

    @property
    def _source(self) -> Side:
        return self.source_labels, self.source.type.shape


class Product(Labelled):
    """The link of one operand of a product: elements are multiplied by those of the other operand.

    Attributes
    ----------
    partner_labels : str
        The axes of the other operand.
    """

    def __init__(self, node: Node, place: int, result_labels: str, source_labels: str, partner_labels: str):
        super().__init__(node, place, result_labels, source_labels, self._partner_values)
        self.partner_labels = partner_labels

    @property
    def partner(self) -> Node:
        return self.node.inputs[1 - self.place]

    def partners(self, results: np.ndarray, sources: np.ndarray) -> np.ndarray:
        """Return which elements of the other operand multiply the elements of this one."""
        places = dict(zip(self.source_labels, _unravel(sources, self.source.type), strict=True))
        places |= dict(zip(self.result_labels, _unravel(results, self.node.type), strict=True))
        shape = tuple(map(int, self.partner.type.shape))
        at = tuple(places[label] for label in self.partner_labels)
        return np.ravel_multi_index(at, shape) if shape else np.zeros(len(results), np.int64)

    def _partner_values(self, results: np.ndarray, sources: np.ndarray, values: Values) -> np.ndarray:
        return values[self.partner].reshape(-1)[self.partners(results, sources)]


def _unravel(elements: np.ndarray, type: Type) -> tuple[np.ndarray, ...]:
    return np.unravel_index(elements, tuple(map(int, type.shape))) if type.shape else ()


def pair(given: np.ndarray, own: Side, other: Side) -> tuple[np.ndarray, np.ndarray]:
    """Return for given elements of one side all elements of the other with the same places on common axes."""
    places = dict(zip(own[0], np.unravel_index(given, tuple(map(int, own[1]))) if own[1] else (), strict=True))
    starts, offsets, stride = np.zeros(len(given), np.int64), np.zeros(1, np.int64), 1
    for label, size in reversed(list(zip(other[0], map(int, other[1]), strict=True))):
        if label in places:
            starts = starts + places[label] * stride
        else:
            offsets = (np.arange(size)[:, None] * stride + offsets).reshape(-1)
        stride *= size
    numbers = np.repeat(np.arange(len(given)), len(offsets))
    return numbers, (starts[:, None] + offsets).reshape(-1)


class Listed(Link):
    """A link whose pairs of elements are listed."""

    def __init__(self, node: Node, place: int, results: np.ndarray, sources: np.ndarray, derivative: Derivative):
        super().__init__(node, place, derivative)
        self._results, self._sources = results, sources

    @property
    def fan_in(self) -> float:
        return len(self._results) / max(1, self.node.type.size)

    def sources_of(self, results: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _look_up(results, self._results, self._sources)

    def results_of(self, sources: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _look_up(sources, self._sources, self._results)


def _look_up(given: np.ndarray, own: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(own, kind="stable")
    first, last = (np.searchsorted(own, given, side, order) for side in ("left", "right"))
    counts = last - first
    numbers = np.repeat(np.arange(len(given)), counts)
    within = np.arange(len(numbers)) - np.repeat(np.cumsum(counts) - counts, counts)
    return numbers, other[order[np.repeat(first, counts) + within]]
