"""A number as a sum of terms, as far as its formula is linear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.graph.graph import Node
from pellucid.inspection.explain.evidence import Evidence
from pellucid.inspection.explain.links import Link
from pellucid.inspection.explain.names import in_brackets, name_element, name_factor

LINEAR = frozenset(
    {"add", "subtract", "negative", "sum", "sum_to", "mean", "select", "cast", "identity", "reshape", "transpose"}
    | {"broadcast", "slice", "pad", "roll", "concatenate", "gather", "scatter_add"}
)
"""Operations whose result is a sum of elements of their operands, times numbers that do not depend on these."""


@dataclass(frozen=True, eq=False)
class Terms:
    """Terms of a number that end in elements of one node.

    Attributes
    ----------
    node : Node
    places : ndarray of int64 [n]
        The elements.
    factors : ndarray of float64 [n]
        What each is multiplied by.
    route : tuple of (Link, ndarray, ndarray)
        The links from the number to them, each with the places of its results and sources, [n].
    """

    node: Node
    places: np.ndarray
    factors: np.ndarray
    route: tuple[tuple[Link, np.ndarray, np.ndarray], ...]

    def values(self, evidence: Evidence) -> np.ndarray:
        with np.errstate(all="ignore"):
            return self.factors * evidence.values[self.node].reshape(-1)[self.places]

    def tell(self, evidence: Evidence, at: int) -> tuple[str, str]:
        """Return one term with names and with numbers."""
        names, sign = [], 1
        for link, results, sources in self.route:
            name = name_factor(link, int(results[at]), int(sources[at]))
            if name == "-1":
                sign = -sign
            elif name:
                names.append(name)
        place = int(self.places[at])
        number = float(evidence.values[self.node].reshape(-1)[place])
        end = name_element(self.node, place)
        first = self._is_factor()
        product = " * ".join([end, *names] if first else [*names, end])
        told = [in_brackets(number), in_brackets(sign * float(self.factors[at]))]
        numbers = " * ".join(told if first else reversed(told)) if names else ""
        return ("-" if sign < 0 else "") + product, ("-" if sign < 0 and numbers else "") + numbers

    def _is_factor(self) -> bool:
        """Say whether the element is the first operand of a product."""
        return bool(self.route) and self.route[-1][0].node.op.name == "contraction" and self.route[-1][0].place == 0


Choice = Callable[[Node], Sequence[Link]]


def expand(evidence: Evidence, node: Node, place: int, choose: Choice) -> list[Terms]:
    """Write an element as a sum.

    Parameters
    ----------
    evidence : Evidence
    node : Node
    place : int
    choose : callable
        Returns the links by which a node's elements are sums; none where its elements are terms themselves.

    Returns
    -------
    list of Terms
        Of which the values add up to the element, but for rounding.
    """
    found: list[Terms] = []
    start = Terms(node, np.array([place]), np.ones(1), ())
    waiting = [start]
    while waiting:
        here = waiting.pop()
        product = here.route and here.route[-1][0].node.op.name == "contraction"
        links = () if product else choose(here.node)
        if not links:
            found.append(here)
            continue
        waiting += [step for link in reversed(links) if len((step := _follow(evidence, here, link)).places)]
    return found


def _follow(evidence: Evidence, terms: Terms, link: Link) -> Terms:
    numbers, sources = link.sources_of(terms.places)
    results = terms.places[numbers]
    derivatives = link.derivatives(results, sources, evidence.values)
    kept = derivatives != 0 if link.node.op.name == "select" else np.ones(len(sources), bool)
    numbers, sources, results = numbers[kept], sources[kept], results[kept]
    route = tuple((step, before[numbers], after[numbers]) for step, before, after in terms.route)
    with np.errstate(all="ignore"):
        factors = terms.factors[numbers] * derivatives[kept]
    return Terms(link.source, sources, factors, (*route, (link, results, sources)))
