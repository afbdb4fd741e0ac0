"""The formula of a gradient, as sums over the axes of the graph."""

from __future__ import annotations

from collections.abc import Mapping

from pellucid.graph.graph import Node
from pellucid.inspection.explain.gradient import Edges, Gradient
from pellucid.inspection.explain.links import Labelled, Product
from pellucid.inspection.explain.names import SAME, index_of, name_element, name_factor, name_with_letters
from pellucid.inspection.formula import write_name


def write_gradient(gradient: Gradient) -> str:
    """Return what the gradient is computed from, the sums over edges written as such."""
    if gradient.node is gradient.target:
        return "1"
    sums = [_write_sum(gradient, each) for each in gradient.edges]
    return " + ".join([*sums, *(part.text for part in gradient.penalties)]) or "0"


def _write_sum(gradient: Gradient, edges: Edges) -> str:
    if len(edges.results) == 1:
        return gradient.tell_edge(edges, 0)[0]
    incoming, link = gradient.incoming_name, edges.link
    if not isinstance(link, Labelled):
        return f"the sum of {incoming}{write_name(edges.after.path)} over {len(edges.results)} elements"
    own = dict(zip(link.source_labels, map(str, index_of(link.source, gradient.place)), strict=True))
    places = own | {label: label.lower() for label in link.result_labels if label not in own}
    over = ", ".join(label.lower() for label in link.result_labels if label not in own)
    end = f"{incoming}{name_with_letters(edges.after, link.result_labels, places)}"
    factor = _factor(link, int(edges.results[0]), gradient.place, places)
    return f"sum over {over} of " + (f"{factor} * {end}" if factor else end)


def _factor(link: Labelled, result: int, source: int, places: Mapping[str, str]) -> str:
    """Return what multiplies the gradient that comes in, with letters for the axes that the sum runs over."""
    node, name = link.node, link.node.op.name
    if isinstance(link, Product):
        return name_with_letters(link.partner, link.partner_labels, places)
    if name == "multiply" or (name == "divide" and link.place == 0):
        other = _broadcast(node.inputs[1 - link.place], link, places)
        return other if name == "multiply" else f"1 / {other}"
    if name in SAME or name in ("negative", "subtract", "select", "maximum", "minimum", "mean"):
        return name_factor(link, result, source)
    return f"d {name_with_letters(node, link.result_labels, places)} / d {name_element(link.source, source)}"


def _broadcast(operand: Node, link: Labelled, places: Mapping[str, str]) -> str:
    """Return the name of an operand that is broadcast to the result; a constant's is its number."""
    if operand.op.name == "constant" and operand.type.size == 1:
        return name_element(operand, 0)
    labels = link.result_labels[len(link.result_labels) - operand.type.ndim :] if operand.type.ndim else ""
    sizes = dict(zip(labels, map(int, operand.type.shape), strict=True))
    return name_with_letters(operand, labels, {label: "0" if n == 1 else places[label] for label, n in sizes.items()})
