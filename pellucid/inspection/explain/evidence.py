"""What an observation knows: the numbers of its nodes, and the gradients of its scalars, computed where it has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from pellucid.graph.differentiate import differentiate
from pellucid.graph.graph import Graph, Node, live_nodes
from pellucid.inspection.explain.double import as_double, is_drawn, run_double
from pellucid.inspection.explain.linking import links_of
from pellucid.inspection.explain.links import Link
from pellucid.inspection.observe import Observation

_known: WeakKeyDictionary[Observation, Evidence] = WeakKeyDictionary()


class Evidence:
    """The numbers of an observation as an explanation needs them.

    Parameters
    ----------
    observation : Observation
    """

    def __init__(self, observation: Observation):
        self.graph, self.of = observation.graph, observation.of
        self.rows: Sequence[int] | None = getattr(observation, "rows", None)
        self._observed = dict(observation.nodes)
        self._adjoints: dict[str, dict[str, np.ndarray]] = {}
        self._links: dict[Node, list[Link]] = {}

    def seen(self, node: Node) -> np.ndarray:
        """Return what a node computed, in its own dtype."""
        return np.asarray(self._observed[node.path].value)

    @cached_property
    def values(self) -> Mapping[Node, np.ndarray]:
        """What every node computed; floats as float64."""
        return {node: as_double(self.seen(node)) for node in self.graph.nodes}

    @cached_property
    def double(self) -> Mapping[Node, np.ndarray]:
        """The same computed in float64 from the same inputs and draws."""
        fixed = [node for node in self.graph.nodes if node.op.name == "input" or is_drawn(node)]
        return run_double(self.graph.nodes, {node: self.values[node] for node in fixed})

    @cached_property
    def users(self) -> Mapping[Node, list[Node]]:
        """The nodes that use each node."""
        found: dict[Node, list[Node]] = {node: [] for node in self.graph.nodes}
        for node in self.graph.nodes:
            for source in dict.fromkeys(node.inputs):
                found[source].append(node)
        return found

    @cached_property
    def examples(self) -> str:
        """The name of the axis of examples: ``batch``, or the only one that has a name; empty where there is none."""
        names = list(self.graph.axes)
        return "batch" if "batch" in names else names[0] if len(names) == 1 else ""

    def links(self, node: Node) -> list[Link]:
        """Return the links between a node and its operands."""
        if node not in self._links:
            self._links[node] = links_of(node, self.values)
        return self._links[node]

    def way_to(self, of: str) -> list[Node]:
        """Return all nodes that a node depends on, itself included, in order."""
        return live_nodes([self.graph[of]])

    def gradient(self, of: str, node: Node) -> np.ndarray:
        """Return d of / d node as the observation has it, or, where it has not, computed in float64 and rounded."""
        named = f"d {of} / d {node.path}"
        if of not in self.graph:
            return self.seen(self.graph[named])
        target = self.graph[of]
        observed = self._observed[node.path].gradient
        if observed is not None and self.of is not None and self.graph[self.of] is target:
            return np.asarray(observed)
        computed = self.double_gradient(of, node).astype(node.type.dtype.numpy)
        if named in self.graph:
            seen = self.seen(self.graph[named])
            # Of a value that is used under one name several times, gradients may be named otherwise.
            if seen.shape == computed.shape and np.allclose(seen, computed, rtol=1e-3, atol=1e-6, equal_nan=True):
                return seen
        return computed

    def double_gradient(self, of: str, node: Node) -> np.ndarray:
        """Return d of / d node computed in float64."""
        if of not in self._adjoints:
            self._adjoints[of] = self._differentiate(of)
        found = self._adjoints[of].get(node.path)
        return np.zeros(tuple(map(int, node.type.shape))) if found is None else found

    def _differentiate(self, of: str) -> dict[str, np.ndarray]:
        way = self.way_to(of)
        target = way[-1]
        inputs = {node.path: node for node in way if node.op.name == "input"}
        floats = [node.path for node in way if node.type.dtype.is_float]
        graph = differentiate(Graph(inputs, tuple(way), {target.path: target}), floats, target.path)
        known = {node: self.double[self.graph[node.path]] for node in graph.nodes if node.path in inputs}
        paths = {node.path for node in way}
        known |= {node: self.double[self.graph[node.path]] for node in graph.nodes if node.path in paths}
        values = run_double(graph.nodes, known)
        return {path: values[graph.outputs[f"d {target.path} / d {path}"]] for path in floats}


def evidence_of(observation: Observation) -> Evidence:
    """Return the evidence of an observation, the same one each time: what was computed for it is not computed again."""
    if observation not in _known:
        _known[observation] = Evidence(observation)
    return _known[observation]
