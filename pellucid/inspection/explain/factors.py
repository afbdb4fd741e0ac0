"""The largest contribution to a gradient as a product: what is multiplied here, what comes from above and the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.graph.graph import Node
from pellucid.inspection.explain.gradient import Edges, Gradient
from pellucid.inspection.explain.links import Link
from pellucid.inspection.explain.names import in_brackets, name_element, name_factor
from pellucid.inspection.explain.parts import Parts, take_apart
from pellucid.inspection.explain.sweep import reach


@dataclass(frozen=True)
class Factor:
    """One factor of the largest contribution to a gradient.

    Attributes
    ----------
    origin : str
        Where it comes from: ``the input``, ``the weight``, ``the activation here``, ``the layers above``, ``the loss``
        and the like.
    text : str
        What it is.
    value : float
    """

    origin: str
    text: str
    value: float


@dataclass(frozen=True, eq=False)
class Factors:
    """The largest contribution to a gradient as a product.

    Attributes
    ----------
    product : float
    factors : tuple of Factor
    above : Parts or None
        How the gradient that comes in from the layers above is made of what the loss hands to each output.
    """

    product: float
    factors: tuple[Factor, ...]
    above: Parts | None


def factors_of(gradient: Gradient) -> Factors | None:
    """Follow the largest contribution up to where the gradient comes in from several sides, or from the loss."""
    found = _largest(gradient)
    if found is None:
        return None
    edges, at = found
    place = int(edges.results[at])
    derivative = float(edges.derivatives[at])
    factors = _factor(edges.link, place, gradient.place, derivative)
    node, loss, outputs = edges.after, loss_part(gradient.way), boundary(gradient)
    while node not in loss and node not in outputs and (step := _only_step(gradient, node, place)) is not None:
        result = int(step.results[0])
        factors += _factor(step.link, result, place, float(step.derivatives[0]))
        node, place = step.after, result
    incoming = float(gradient.incoming(node)[place])
    if node is not gradient.target:
        from_loss = node in outputs or node in loss
        origin = "the loss" if from_loss else "the layers above" if outputs else "what uses it"
        factors.append(Factor(origin, gradient.incoming_name + name_element(node, place), incoming))
    above = None if node in outputs or node in loss else _by_output(gradient, node, place, incoming, outputs)
    return Factors(derivative * float(edges.incoming[at]), tuple(factors), above)


def loss_part(way: Sequence[Node]) -> set[Node]:
    """Return the nodes of the loss, by their paths; none where no node stands inside of ``loss/``."""
    found = {node for node in way if node.path == "loss" or node.path.startswith("loss/")}
    return found if len(found) > 1 else set()


def boundary(gradient: Gradient) -> list[Node]:
    """Return the nodes from which the loss takes over and which the element enters: the network's outputs."""
    loss, concerned = loss_part(gradient.way), {gradient.node}
    for node in gradient.way:
        if any(source in concerned for source in node.inputs):
            concerned.add(node)
    users = gradient.evidence.users
    return [
        node
        for node in gradient.way
        if node in concerned and node.inputs and node not in loss and not loss.isdisjoint(users[node])
    ]


def _largest(gradient: Gradient) -> tuple[Edges, int] | None:
    """Return the edge with the largest contribution."""
    best: tuple[float, Edges, int] | None = None
    for edges in gradient.edges:
        sizes = np.nan_to_num(np.abs(edges.values), nan=0.0)
        at = int(np.argmax(sizes))
        if best is None or sizes[at] > best[0]:
            best = float(sizes[at]), edges, at
    return None if best is None else best[1:]


def _only_step(gradient: Gradient, node: Node, place: int) -> Edges | None:
    """Return the edge of an element that has only one, unless it leads into a product with weights."""
    edges = gradient.edges_from(node, place)
    if len(edges) != 1 or len(edges[0].results) != 1 or edges[0].link.node.op.name == "contraction":
        return None
    return edges[0]


def _factor(link: Link, result: int, source: int, derivative: float) -> list[Factor]:
    text = name_factor(link, result, source)
    if not text and derivative == 1.0:
        return []
    shown = text or f"{link.node.op.name} at {name_element(link.node, result)}"
    return [Factor(_origin(link), shown, derivative)]


def _origin(link: Link) -> str:
    name = link.node.op.name
    if name in ("contraction", "multiply"):
        other = link.node.inputs[1 - link.place]
        return "the weight" if other.op.name == "input" and link.source.op.name != "input" else "the input"
    slope = len(link.node.inputs) == 1 and link.one_by_one
    return "the activation here" if slope and name != "negative" else "on the way"


def _by_output(gradient: Gradient, node: Node, place: int, incoming: float, outputs: list[Node]) -> Parts | None:
    """Split what comes in from the layers above by the outputs of the network."""
    last = max((gradient.way.index(output) for output in outputs), default=-1)
    reached = reach(gradient.evidence, (node, place), gradient.way[: last + 1], stops=lambda each: each in outputs)
    texts: list[tuple[str, str]] = []
    values: list[float] = []
    for output in outputs:
        slopes = gradient.incoming(output)
        for at, through in reached.get(output, {}).items():
            name, slope = name_element(output, at), float(slopes[at])
            text = f"d {name} / d {name_element(node, place)} * {gradient.incoming_name}{name}"
            texts.append((text, f"{in_brackets(through)} * {in_brackets(slope)}"))
            values.append(through * slope)
    if not values:
        return None
    title = "The layers above hand down, for each output, their derivative times that of the loss"
    return take_apart(title, incoming, np.array(values), texts.__getitem__, kind="output", dtype=gradient.dtype)
