"""The update of a parameter by one step of a training, taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from pellucid.graph.graph import Node, live_nodes
from pellucid.inspection.explain.address import Address
from pellucid.inspection.explain.element import write_element, write_value
from pellucid.inspection.explain.evidence import Evidence
from pellucid.inspection.explain.expand import LINEAR, Terms, expand
from pellucid.inspection.explain.links import Link
from pellucid.inspection.explain.names import in_brackets, name_element, tell
from pellucid.inspection.explain.parts import Part, Parts, take_apart
from pellucid.ops.elementwise import Elementwise


class Update:
    """How a step changes an element of a parameter, or of the optimizer's state.

    Parameters
    ----------
    evidence : Evidence
    address : Address
        Of an update.

    Attributes
    ----------
    old, new : Node
        The element before and after the step.
    place : int
    number : float
        New minus old, exact where float64 can hold it.
    """

    def __init__(self, evidence: Evidence, address: Address):
        self.evidence, self.old, self.place = evidence, address.node, address.place
        self.new = evidence.graph.outputs[address.node.path]
        self.dtype = address.node.type.dtype.name
        self.number = self.at(self.new) - self.at(self.old)
        self.way = live_nodes([self.new])

    @property
    def name(self) -> str:
        return name_element(self.old, self.place)

    def at(self, node: Node) -> float:
        """Return a node's element at the same place; a scalar is the same everywhere."""
        return float(self.evidence.values[node].reshape(-1)[self.place if node.type.size > 1 else 0])

    @cached_property
    def gradient(self) -> Node | None:
        """The gradient of the parameter in the step's graph, before clipping."""
        stack, seen = [self.new], {self.new}
        found: list[Node] = []
        while stack:
            node = stack.pop()
            if node.path.startswith("d "):
                found.append(node)
                continue
            before = [source for source in node.inputs if source.type.shape == self.old.type.shape]
            stack += [source for source in before if source not in seen]
            seen.update(before)
        named = [node for node in found if node.path.endswith(f" / d {self.old.path}")]
        return next(iter([*named, *found]), None)

    @property
    def clipped(self) -> Node | None:
        """The gradient as it enters the moving mean of gradients, after clipping; None where there is none."""
        if "m" not in self.states:
            return None
        before, after = self.states["m"]
        taken = [source for node in after.inputs for source in node.inputs if source in self._moving]
        return next((source for source in taken if source is not before), None)

    @cached_property
    def states(self) -> dict[str, tuple[Node, Node]]:
        """The optimizer's state that belongs to the parameter, by its name such as ``m``: before and after the step."""
        outputs = self.evidence.graph.outputs
        found = {}
        for source in dict.fromkeys(source for node in self._between() for source in node.inputs):
            name = source.path.removesuffix(f"/{self.old.path}")
            if source.op.name == "input" and name != source.path and outputs.get(source.path, source) is not source:
                found[name.partition("/")[2]] = source, outputs[source.path]
        return found

    @property
    def optimizer(self) -> str:
        """The name of the optimizer, from the paths of its state; empty where the parameter has none."""
        return next((before.path.split("/")[0] for before, _ in self.states.values()), "")

    def lines(self) -> list[tuple[str, str]]:
        """Return the formula of every element between gradient, state and settings and the new value, in order."""
        lines = []
        for node in self._between():
            place = self.place if node.type.size > 1 else 0
            named, numbers = write_element(self.evidence, node, place)
            left, value = name_element(node, place), write_value(self.evidence, node, place)
            lines.append((f"{left} = {named}", f"{numbers} = {value}" if numbers else value))
        return lines

    def _between(self) -> list[Node]:
        """Return the elementwise nodes from the gradient to the new value, each after its operands."""
        found: list[Node] = []
        seen: set[Node] = set()
        stack = [(self.new, False)]
        while stack:
            node, expanded = stack.pop()
            if expanded:
                found.append(node)
            elif node not in seen and self._is_step(node):
                seen.add(node)
                stack.append((node, True))
                stack += [(source, False) for source in reversed(node.inputs)]
        return found

    def _is_step(self, node: Node) -> bool:
        if not isinstance(node.op, Elementwise) and node.op.name != "cast":
            return False
        return not node.path.startswith("d ") and node.type.size in (1, self.old.type.size)

    @cached_property
    def _moving(self) -> set[Node]:
        """The nodes of the parameter's shape that depend on it, its gradient or its state."""
        starts = {self.old, *(before for before, _ in self.states.values())}
        if self.gradient is not None:
            starts.add(self.gradient)
        found = set(starts)
        for node in self.way:
            if node.type.shape == self.old.type.shape and any(source in found for source in node.inputs):
                found.add(node)
        return found

    def parts(self) -> Parts:
        """Return what parameter, state and gradient contribute to the change."""
        terms = expand(self.evidence, self.new, self.place, self._choose)
        merged: dict[tuple[Node, int], list[tuple[Terms, int]]] = {}
        for each in terms:
            for at, place in enumerate(each.places):
                merged.setdefault((each.node, int(place)), []).append((each, at))
        merged.setdefault((self.old, self.place), [])
        texts: list[tuple[str, str]] = []
        values: list[float] = []
        for (node, place), found in merged.items():
            factor = sum(float(each.factors[at]) for each, at in found) - (node is self.old)
            number = float(self.evidence.values[node].reshape(-1)[place])
            if node is self.old and factor == 0:
                continue
            texts.append((self._tell(node, place), f"{in_brackets(factor)} * {in_brackets(number)}"))
            values.append(factor * number)
        return take_apart(
            "What the change is made of",
            self.number,
            np.array(values),
            texts.__getitem__,
            kind="term",
            dtype=self.dtype,
        )

    def _tell(self, node: Node, place: int) -> str:
        name = name_element(node, place)
        if node is self.old:
            return f"the decay of {name}"
        if node.op.name == "input":
            return f"what was before: {name}"
        return f"the gradient: {name}" if node is self.gradient else name

    def _choose(self, node: Node) -> Sequence[Link]:
        if node is self.gradient or node.op.name == "input":
            return ()
        links = [link for link in self.evidence.links(node) if link.source in self._moving]
        name = node.op.name
        if name in LINEAR:
            return links if len(links) == len(self.evidence.links(node)) or name == "select" else ()
        if name == "divide":
            return links[:1] if links and links[0].place == 0 else ()
        return links if name == "multiply" and len(links) == 1 else ()


def tell_states(update: Update) -> list[Part]:
    """Return gradient and state of an element, before and after the step."""
    found = []
    if update.gradient is not None:
        found.append(Part(name_element(update.gradient, update.place), "", update.at(update.gradient)))
    for before, after in update.states.values():
        told = f"{name_element(before, update.place)}: before {tell(update.at(before))}, now"
        found.append(Part(told, "", update.at(after)))
    return found
