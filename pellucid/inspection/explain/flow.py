"""The paths by which elements of a graph enter a number, and the strongest of them."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pellucid.graph.graph import Node
from pellucid.inspection.explain.evidence import Evidence
from pellucid.inspection.explain.links import Link

MOST_EDGES = 2_000_000
"""Where more edges lie between a number and where it comes from, paths are left out: it would take seconds."""

Element = tuple[Node, int]


class TooManyEdges(Exception):
    """There are so many paths that the strongest are not looked for."""


@dataclass(frozen=True)
class Step:
    """One edge of a path: an element of a node, an element that it is computed from, and the derivative."""

    link: Link
    result: int
    source: int
    derivative: float


@dataclass(frozen=True)
class Path:
    """A way through a graph, from an element to one that depends on it.

    Attributes
    ----------
    start : (Node, int)
    steps : tuple of Step
    product : float
        Of the weight of its start and all derivatives on it.
    """

    start: Element
    steps: tuple[Step, ...]
    product: float


class Flow:
    """All edges between some elements and one number that depends on them.

    Parameters
    ----------
    evidence : Evidence
    target : (Node, int)
        The number.
    """

    def __init__(self, evidence: Evidence, target: Element):
        self._evidence, self._target = evidence, target
        self._blocks: list[tuple[Link, np.ndarray, np.ndarray, np.ndarray]] = []
        self._count = 0
        self._places: dict[Node, np.ndarray] = {}  # of each node, its elements' numbers here, or -1
        self._local = np.zeros(0, np.int64)  # of each number here, the element's place in its node

    def __len__(self) -> int:
        return self._count

    def follow_down(self, start: Element, way: Sequence[Node]) -> None:
        """Take up all edges from an element to the target; `way` are the nodes before the target, in order."""
        reached = {start[0]: _mask(start[0], [start[1]])}
        for node in way:
            for link in self._evidence.links(node):
                if link.source not in reached:
                    continue
                sources = np.flatnonzero(reached[link.source])
                self._expect(len(sources) * link.fan_out)
                numbers, results = link.results_of(sources)
                kept = self._add(link, results, sources[numbers])
                reached.setdefault(node, np.zeros(node.type.size, bool))[kept[0]] = True
        reached.setdefault(self._target[0], np.zeros(self._target[0].type.size, bool))[self._target[1]] = True
        self._number(reached)

    def follow_up(self, way: Sequence[Node], allowed: set[Node]) -> None:
        """Take up all edges from elements of `allowed` nodes to the target; `way` as for :meth:`follow_down`."""
        reached = {self._target[0]: _mask(self._target[0], [self._target[1]])}
        for node in reversed(way):
            if node not in reached:
                continue
            results = np.flatnonzero(reached[node])
            for link in reversed(self._evidence.links(node)):
                if link.source in allowed:
                    self._expect(len(results) * link.fan_in)
                    numbers, sources = link.sources_of(results)
                    kept = self._add(link, results[numbers], sources)
                    reached.setdefault(link.source, np.zeros(link.source.type.size, bool))[kept[1]] = True
        self._blocks.reverse()
        self._number(reached)

    def _expect(self, edges: float) -> None:
        if self._count + edges > MOST_EDGES:
            raise TooManyEdges(f"more than {MOST_EDGES:,} edges lie between the number and where it comes from")

    def _add(self, link: Link, results: np.ndarray, sources: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take up edges, those of derivative 0 left out; return the elements that stay."""
        self._count += len(results)
        derivatives = link.derivatives(results, sources, self._evidence.values)
        kept = derivatives != 0
        results, sources = results[kept], sources[kept]
        self._blocks.append((link, results, sources, derivatives[kept]))
        return results, sources

    def _number(self, reached: Mapping[Node, np.ndarray]) -> None:
        count, local = 0, []
        for node, mask in reached.items():
            self._places[node] = np.where(mask, np.cumsum(mask) - 1 + count, -1)
            local.append(np.flatnonzero(mask))
            count += len(local[-1])
        self._local = np.concatenate(local)

    def _numbered(self) -> Iterator[tuple[Link, np.ndarray, np.ndarray, np.ndarray]]:
        """Yield the edges, those nearest to the target first, as numbers of results and sources."""
        for link, results, sources, derivatives in reversed(self._blocks):
            yield link, self._places[link.node][results], self._places[link.source][sources], derivatives

    def derivatives(self, node: Node) -> np.ndarray:
        """Return d target / d node: the sum of the products along all paths, 0 where there is none."""
        return self._at(node, self._totals)

    def _at(self, node: Node, numbers: np.ndarray) -> np.ndarray:
        places = self._places.get(node)
        if places is None:
            return np.zeros(node.type.size)
        return np.where(places >= 0, numbers[places], 0.0)

    def _sweep(self, largest: bool, magnitudes: bool = True) -> np.ndarray:
        """Return for each element the largest product of a path to the target, or the sum over all paths."""
        found = np.zeros(len(self._local))
        found[self._places[self._target[0]][self._target[1]]] = 1.0
        for _, results, sources, derivatives in self._numbered():
            if largest:
                np.maximum.at(found, sources, np.abs(derivatives) * found[results])
            else:
                np.add.at(found, sources, (derivatives if magnitudes else 1.0) * found[results])
        return found

    @cached_property
    def _totals(self) -> np.ndarray:
        return self._sweep(largest=False)

    def count(self, starts: Mapping[Node, np.ndarray]) -> float:
        """Return how many paths there are from the elements of `starts` whose weight is not 0."""
        counts = self._sweep(largest=False, magnitudes=False)
        return float(sum(self._at(node, counts)[weights != 0].sum() for node, weights in starts.items()))

    def strongest(self, starts: Mapping[Node, np.ndarray], most: int) -> list[Path]:
        """Return the paths with the largest products, by best-first search.

        The largest product that can still come is known for each element, so that only edges of the paths that are
        returned, and those beside them, are looked at.

        Parameters
        ----------
        starts : mapping of Node to ndarray
            Of each node where paths may start the weights of its elements: factors of the products.
        most : int
            How many.
        """
        bound = self._sweep(largest=True)
        edges = _Edges(list(self._numbered()), len(self._local))
        end = int(self._places[self._target[0]][self._target[1]])
        counter = itertools.count()
        heap: list[tuple[float, int, int, float, tuple[int, ...], Element]] = []
        for node, weights in starts.items():
            bounds = np.abs(weights) * self._at(node, bound)
            for at in _largest(bounds, most):
                if bounds[at] > 0:
                    here, weight = int(self._places[node][at]), float(weights[at])
                    heap.append((-float(bounds[at]), next(counter), here, weight, (), (node, int(at))))
        heapq.heapify(heap)
        found: list[Path] = []
        while heap and len(found) < most:
            _, _, here, product, trail, start = heapq.heappop(heap)
            if here == end:
                found.append(Path(start, tuple(self._step(*edges[edge]) for edge in trail), product))
                continue
            out, results, derivatives = edges.leaving(here)
            bounds = np.abs(product * derivatives) * bound[results]
            for at in _largest(bounds, most):
                if bounds[at] > 0:
                    one = product * float(derivatives[at])
                    further = (*trail, int(out[at]))
                    heapq.heappush(heap, (-float(bounds[at]), next(counter), int(results[at]), one, further, start))
        return found

    def _step(self, link: Link, result: int, source: int, derivative: float) -> Step:
        return Step(link, int(self._local[result]), int(self._local[source]), derivative)


class _Edges:
    """The edges of a flow, by the element that they leave."""

    def __init__(self, blocks: Sequence[tuple[Link, np.ndarray, np.ndarray, np.ndarray]], elements: int):
        none = np.zeros(0, np.int64)
        self._links = [block[0] for block in blocks]
        self._firsts = np.cumsum([0, *(len(block[1]) for block in blocks)])
        self._results = np.concatenate([none, *(block[1] for block in blocks)])
        self._sources = np.concatenate([none, *(block[2] for block in blocks)])
        self._derivatives = np.concatenate([np.zeros(0), *(block[3] for block in blocks)])
        self._order = np.argsort(self._sources, kind="stable")
        self._starts = np.searchsorted(self._sources, np.arange(elements + 1), sorter=self._order)

    def leaving(self, element: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the numbers of the edges that leave an element, where they lead, and their derivatives."""
        edges = self._order[self._starts[element] : self._starts[element + 1]]
        return edges, self._results[edges], self._derivatives[edges]

    def __getitem__(self, edge: int) -> tuple[Link, int, int, float]:
        block = int(np.searchsorted(self._firsts, edge, "right")) - 1
        return self._links[block], int(self._results[edge]), int(self._sources[edge]), float(self._derivatives[edge])


def _largest(numbers: np.ndarray, most: int) -> np.ndarray:
    return np.argpartition(-numbers, most - 1)[:most] if len(numbers) > most else np.arange(len(numbers))


def _mask(node: Node, elements: Sequence[int]) -> np.ndarray:
    found = np.zeros(node.type.size, bool)
    found[list(elements)] = True
    return found
