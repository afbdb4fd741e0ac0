"""Where in a graph values have kinks, and whether they are linear between them."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from pellucid.errors import UsageError
from pellucid.graph.graph import Node, live_nodes
from pellucid.inspection.pictures.subject import SeenNetwork

FIXED, FLAT, LINEAR, CURVED = range(4)
"""What becomes of a value on a plane: the same everywhere, the same in each region, linear there, or neither."""

_BEND = {"relu", "leaky_relu", "absolute", "maximum", "minimum"}
_JUMP = {"step", "sign", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal"}
_KEEP = {
    "add", "subtract", "negative", "identity", "cast", "stop_gradient", "reshape", "transpose", "slice", "concatenate",
    "broadcast", "pad", "roll", "sum", "mean", "sum_to",
}  # fmt: skip
_PRODUCTS = {"multiply", "contraction"}


@dataclass(frozen=True, eq=False)
class Kink:
    """An operation with a kink where its operand is 0, or its two operands are equal, and the layer it belongs to."""

    node: Node
    layer: str


def find_kinks(network: SeenNetwork, varied: Set[str]) -> list[Kink]:
    """Return the kinks of a network in the order of its graph.

    Parameters
    ----------
    network : SeenNetwork
    varied : set of str
        The inputs that are not the same everywhere.

    Raises
    ------
    UsageError
        Where something that is neither linear nor a kink stands before a layer or a kink.
    """
    nodes = live_nodes(network.graph.outputs[name] for name in network.ends)
    kinds: dict[Node, int] = {}
    kinks = []
    for node in nodes:
        kinds[node] = LINEAR if node.path in varied and node.op.name == "input" else _kind(node, kinds)
        if node.op.name in _BEND | _JUMP and max(map(kinds.__getitem__, node.inputs)) >= LINEAR:
            kinks.append(node)
    if kinks:
        _refuse_curves(network, nodes, kinds, set(kinks))
    return [Kink(node, _layer_of(network, node)) for node in kinks]


def _kind(node: Node, kinds: dict[Node, int]) -> int:
    sources = [kinds[source] for source in node.inputs]
    worst = max(sources, default=FIXED)
    if worst in (FIXED, FLAT, CURVED):
        return worst  # whatever is computed from what is the same in a region is so too
    name = node.op.name
    if name in _JUMP:
        return FLAT
    if name in _BEND or name in _KEEP:
        return LINEAR
    if name in _PRODUCTS:
        return LINEAR if sources.count(LINEAR) == 1 else CURVED
    if name in ("divide", "gather"):
        return LINEAR if sources[1] < LINEAR else CURVED
    if name == "select":
        return LINEAR if sources[0] < LINEAR else CURVED
    return CURVED


def _refuse_curves(network: SeenNetwork, nodes: list[Node], kinds: dict[Node, int], kinks: set[Node]) -> None:
    """Say so where something curved goes into a layer or a kink; what is done to the last layer's output is free."""
    products = {layer.product for layer in network.layers.values()}
    wrong = [node for node in kinks | products if any(kinds[source] == CURVED for source in node.inputs)]
    if not wrong:
        return
    last = set(live_nodes(wrong)) - set(wrong)
    first = next(node for node in nodes if node in last and kinds[node] == CURVED)
    raise UsageError(
        "between its kinks the network is not linear",
        where=first.path,
        got=first.op.name,
        expected="relu, leaky_relu, step and the like only",
        fix="plot_units and plot_decision_regions show networks of any kind.",
    )


def _layer_of(network: SeenNetwork, node: Node) -> str:
    """Return the name of the layer whose activation a node is part of, or else its own path."""
    for layer in network.layers.values():
        if node in set(live_nodes([layer.after])) - set(live_nodes([layer.before])):
            return layer.name
    return node.path
