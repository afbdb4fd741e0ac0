"""A value, taken apart: the terms of its sum, and the inputs that it flows from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from pellucid.graph.graph import Node, live_nodes
from pellucid.graph.types import Axis
from pellucid.inspection.explain.address import Address
from pellucid.inspection.explain.element import write_element, write_value
from pellucid.inspection.explain.evidence import Evidence
from pellucid.inspection.explain.expand import LINEAR, Terms, expand
from pellucid.inspection.explain.links import Link
from pellucid.inspection.explain.names import is_unnamed, name_element
from pellucid.inspection.explain.parts import Part, Parts, take_apart

_PRODUCTS = ("multiply", "divide", "contraction")
_ADDITIVE = LINEAR | {"maximum", "minimum", "max"}


class Value:
    """How the value of an element comes about.

    Parameters
    ----------
    evidence : Evidence
    address : Address
        Of a value.

    Attributes
    ----------
    node : Node
    place : int
    number : float
    way : list of Node
        All nodes that it depends on, itself included, in order.
    """

    def __init__(self, evidence: Evidence, address: Address):
        self.evidence, self.node, self.place = evidence, address.node, address.place
        self.number = float(evidence.seen(address.node).reshape(-1)[address.place])
        self.dtype = address.node.type.dtype.name
        self.way = live_nodes([address.node])

    @property
    def name(self) -> str:
        return name_element(self.node, self.place)

    @cached_property
    def summed(self) -> tuple[Node, int]:
        """The element whose sum is looked at: the operand where the number is a function of one element alone."""
        links = self.evidence.links(self.node)
        if len(links) == len(self.node.inputs) == 1 and links[0].one_by_one and self.node.op.name not in LINEAR:
            return links[0].source, self.place
        return self.node, self.place

    @cached_property
    def sources(self) -> list[Node]:
        """The nodes that paths start from: data first, then other inputs that nothing coming from these multiplies.

        Data that goes through encoders starts behind them.
        """
        inputs = [node for node in self.way if node.op.name == "input" and node.type.dtype.is_float]
        data = [node for node in inputs if node.type.shape and isinstance(node.type.shape[0], Axis)]
        encoded = [node for node in self.way if node.path.startswith("encoders/") and self._enters_product(node)]
        behind = set(live_nodes(encoded)) if encoded and self.node not in live_nodes(encoded) else set()
        chosen = [node for node in encoded if behind] + [node for node in data if node not in behind]
        for node in inputs:
            if node not in data and node not in behind and not self._multiplies({*chosen, node}):
                chosen.append(node)
        return chosen

    def _enters_product(self, node: Node) -> bool:
        users = self.evidence.users[node]
        return node.type.dtype.is_float and any(user.op.name in ("contraction", "concatenate") for user in users)

    def _multiplies(self, starts: set[Node]) -> bool:
        """Say whether anywhere two operands that depend on different starts enter something but a sum."""
        origins: dict[Node, frozenset[Node]] = {}
        for node in self.way:
            if node in starts:
                origins[node] = frozenset([node])
                continue
            each = [origins[source] for source in node.inputs if source.type.dtype.is_float]
            origins[node] = frozenset().union(*each)
            if node.op.name not in _ADDITIVE and sum(map(bool, each)) > 1 and len(origins[node]) > 1:
                return True
        return False

    @cached_property
    def flowing(self) -> set[Node]:
        """The nodes that depend on the inputs that paths start from."""
        found: set[Node] = set(self.sources)
        for node in self.way:
            if any(source in found for source in node.inputs):
                found.add(node)
        return found

    def formula(self) -> list[tuple[str, str]]:
        """Return lines of the formula and of the same with the numbers put in, from the number back to its terms."""
        if not self.node.inputs:
            return []
        lines, seen = [], [(self.node, self.place)]
        node, place = self.summed
        while (node, place) != seen[-1]:
            seen.append((node, place))
        while (further := self._only_unnamed(*seen[-1])) is not None and len(seen) < 8:
            seen.append(further)
        for node, place in seen:
            if node.inputs and node.op.name != "constant":
                named, numbers = write_element(self.evidence, node, place)
                left = name_element(node, place)
                value = write_value(self.evidence, node, place)
                lines.append((f"{left} = {named}", f"{numbers} = {value}" if numbers else value))
        return lines

    def _only_unnamed(self, node: Node, place: int) -> tuple[Node, int] | None:
        """Return the one operand of a sum that is a sum itself, without a name of its own."""
        if node.op.name not in ("add", "subtract", "negative", "divide", "mean", "cast", "reshape"):
            return None
        inner = []
        for link in self.evidence.links(node):
            _, places = link.sources_of(np.array([place]))
            if len(places) == 1 and link.source.inputs and is_unnamed(link.source):
                inner.append((link.source, int(places[0])))
        return inner[0] if len(inner) == 1 else None

    def parts(self) -> Parts | None:
        """Return the contributions by incoming edge; None of an input or a constant."""
        node, place = self.summed
        if not node.inputs:
            return None
        number = float(self.evidence.values[node].reshape(-1)[place])
        terms = expand(self.evidence, node, place, self._choose)
        rest: list[Part] = []
        if len(terms) == 1 and not terms[0].route:
            terms, rest = self._one_product(node, place), []
            if not terms:
                terms, rest = self._slopes(node, place, number)
        firsts = np.cumsum([0, *(len(each.places) for each in terms)])
        values = np.concatenate([np.zeros(0), *(each.values(self.evidence) for each in terms)])

        def describe(at: int) -> tuple[str, str]:
            block = int(np.searchsorted(firsts, at, "right")) - 1
            return terms[block].tell(self.evidence, at - int(firsts[block]))

        into = "" if node is self.node else f" to {name_element(node, place)}"
        dtype = node.type.dtype.name
        return take_apart(
            f"Contributions{into} by incoming edge", number, values, describe, kind="edge", dtype=dtype, rest=rest
        )

    def _choose(self, node: Node) -> Sequence[Link]:
        """Go on through sums that have no name of their own, and through a product to its operands."""
        links, name = self.evidence.links(node), node.op.name
        if node is not self.summed[0] and not is_unnamed(node):
            return ()
        if name in LINEAR:
            return links
        moving = [link for link in links if link.source in self.flowing]
        if name in ("multiply", "divide") and len(moving) == 1 and (name == "multiply" or moving[0].place == 0):
            return moving
        if name == "contraction":
            return moving[:1] or links[:1]
        return ()

    def _one_product(self, node: Node, place: int) -> list[Terms]:
        if node.op.name not in _PRODUCTS:
            return []
        link = self.evidence.links(node)[0]
        return expand(self.evidence, node, place, lambda each: [link] if each is node else ())

    def _slopes(self, node: Node, place: int, number: float) -> tuple[list[Terms], list[Part]]:
        """Return the operands times the local derivatives, and what the function's bend adds to them."""
        links = self.evidence.links(node)
        terms = expand(self.evidence, node, place, lambda each: links if each is node else ())
        if len(terms) == 1 and not terms[0].route:
            return [], [Part(f"{node.op.name} has no slope", "", number)]
        straight = sum(float(each.values(self.evidence).sum()) for each in terms)
        return terms, [Part(f"what {node.op.name} adds to its slopes", "", number - straight)]
