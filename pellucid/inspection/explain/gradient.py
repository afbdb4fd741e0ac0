"""A gradient, taken apart: what comes in from the nodes that use a value, times what they let through."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pellucid.graph.graph import Node, live_nodes
from pellucid.inspection.explain.address import Address
from pellucid.inspection.explain.evidence import Evidence
from pellucid.inspection.explain.links import Link
from pellucid.inspection.explain.names import in_brackets, is_unnamed, name_element, name_factor
from pellucid.inspection.explain.parts import Part, Parts, take_apart
from pellucid.inspection.formula import write_name

NOTICEABLE = 1e-5
"""Relative to the numbers added up, what is larger is not rounding."""


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges of one link from an element to those that it enters.

    Attributes
    ----------
    link : Link
    after : Node
        The node at whose elements the gradient comes in: the link's, or one behind it that only adds to it.
    results : ndarray of int64 [n]
        Places of the elements, the same in both.
    derivatives, incoming : ndarray of float64 [n]
        d element / d source, and d scalar / d element.
    """

    link: Link
    after: Node
    results: np.ndarray
    derivatives: np.ndarray
    incoming: np.ndarray

    @property
    def values(self) -> np.ndarray:
        with np.errstate(all="ignore"):
            return self.derivatives * self.incoming


class Gradient:
    """How d scalar / d element comes about.

    Parameters
    ----------
    evidence : Evidence
    address : Address
        Of a gradient.

    Attributes
    ----------
    of : str
        What the gradient is of.
    target : Node
        The scalar. Where it is an objective that is not in the graph, only its gradients are, it is the loss; penalties
        come on top.
    node : Node
    place : int
        The element's.
    number : float
    """

    def __init__(self, evidence: Evidence, address: Address):
        self.evidence, self.of, self.node, self.place = evidence, address.of, address.node, address.place
        self.whole = address.of in evidence.graph
        self.target = evidence.graph[address.of if self.whole else "loss"]
        self.number = float(evidence.gradient(address.of, address.node).reshape(-1)[address.place])
        self.dtype = address.node.type.dtype.name
        self.way = live_nodes([self.target])
        self.inside = set(self.way)

    @property
    def name(self) -> str:
        """How the gradient is written."""
        return f"d {write_name(self.of)} / d {name_element(self.node, self.place)}"

    @property
    def of_target(self) -> str:
        """What the gradients that come in are of: what is asked for, or the loss alone."""
        return self.of if self.whole else self.target.path

    @property
    def incoming_name(self) -> str:
        """How a gradient that comes in is written, without the element that it is with respect to."""
        return f"d {write_name(self.of_target)} / d "

    def incoming(self, node: Node) -> np.ndarray:
        """Return d scalar / d node, flat, as float64."""
        return np.asarray(self.evidence.gradient(self.of_target, node), np.float64).reshape(-1)

    @cached_property
    def edges(self) -> list[Edges]:
        """The edges from the element to those that it enters."""
        return self.edges_from(self.node, self.place)

    def edges_from(self, node: Node, place: int) -> list[Edges]:
        """Return the edges that leave an element, by link; none where it enters nothing."""
        found = []
        for user in self.evidence.users[node]:
            for link in self.evidence.links(user) if user in self.inside else ():
                if link.source is not node:
                    continue
                _, results = link.results_of(np.array([place]))
                if len(results):
                    derivatives = link.derivatives(results, np.full(len(results), place), self.evidence.values)
                    after = self.settle(user)
                    found.append(Edges(link, after, results, derivatives, self.incoming(after)[results]))
        return found

    def settle(self, node: Node) -> Node:
        """Return the node behind this one up to which the gradient is the same: only something is added to it.

        A node that has a name of its own is gone no further than.
        """
        while is_unnamed(node):
            users = [user for user in self.evidence.users[node] if user in self.inside]
            if len(users) != 1:
                return node
            (user,) = users
            added = user.op.name == "add" or (user.op.name == "subtract" and user.inputs[0] is node)
            if not added or user.inputs.count(node) != 1 or user.type.shape != node.type.shape:
                return node
            node = user
        return node

    @cached_property
    def penalties(self) -> list[Part]:
        """What comes on top of the edges in the gradient of an objective with penalties."""
        if self.whole:
            return []
        named = f"d {self.of} / d {self.node.path}"
        found = self._penalties_in(self.evidence.graph[named]) if named in self.evidence.graph else []
        edges = [value for each in self.edges for value in each.values.tolist()]
        left = self.number - sum(edges) - sum(part.value for part in found)
        if abs(left) > NOTICEABLE * (sum(map(abs, edges)) + abs(self.number)):
            found.append(Part("penalties on what is computed from it", "", left))
        return found

    def _penalties_in(self, node: Node) -> list[Part]:
        """Return the terms of a sum of gradients that do not come from the loss, at the element."""
        if node.op.name == "add" and all(source.type.shape == node.type.shape for source in node.inputs):
            return [part for source in node.inputs for part in self._penalties_in(source)]
        origin = node.path.removeprefix(f"d {self.of} / d ")
        if any(origin == other.path or origin.startswith(f"{other.path}/") for other in self.way):
            return []
        value = float(self.evidence.values[node].reshape(-1)[self.place])
        return [Part(name_element(node, self.place), "", value)]

    def parts(self) -> Parts:
        """Return the contributions by incoming edge."""
        firsts = np.cumsum([0, *(len(each.results) for each in self.edges)])
        values = np.concatenate([np.zeros(0), *(each.values for each in self.edges)])

        def describe(at: int) -> tuple[str, str]:
            block = int(np.searchsorted(firsts, at, "right")) - 1
            return self.tell_edge(self.edges[block], at - int(firsts[block]))

        title = "Contributions by incoming edge"
        return take_apart(title, self.number, values, describe, kind="edge", dtype=self.dtype, rest=self.penalties)

    def tell_edge(self, edges: Edges, at: int) -> tuple[str, str]:
        """Return what comes in along an edge, and the same with the numbers put in."""
        result = int(edges.results[at])
        factor = name_factor(edges.link, result, self.place)
        incoming = self.incoming_name + name_element(edges.after, result)
        if not factor:
            return incoming, ""
        if factor == "-1":
            return f"-{incoming}", ""
        numbers = (float(edges.derivatives[at]), float(edges.incoming[at]))
        return f"{factor} * {incoming}", " * ".join(map(in_brackets, numbers))
