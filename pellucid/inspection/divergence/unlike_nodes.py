"""Two graphs, and the values of their nodes, compared in the order of computation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pellucid.graph.graph import Graph, Node
from pellucid.inspection.replay.bits import Unlike, compare

Values = Mapping[str, Any]
Names = tuple[str, str]

_CONSTANT = "constant"


@dataclass(frozen=True)
class Structure:
    """The first difference between two graphs.

    Attributes
    ----------
    place : int
        Where it stands among the nodes.
    path : str
        The node.
    told : str
        What differs, as a sentence.
    """

    place: int
    path: str
    told: str


def unlike_structure(a: Graph, b: Graph, names: Names) -> Structure | None:
    """Return the first difference between two graphs, node by node; None where there is none.

    Constants count as part of the nodes that take them: their paths are numbers.
    """
    paths = {node.path for node in a.nodes}, {node.path for node in b.nodes}
    sides = [[(place, node) for place, node in enumerate(graph.nodes) if node.op.name != _CONSTANT] for graph in (a, b)]
    for (place, left), (_, right) in zip(*sides, strict=False):
        if left.path not in paths[1]:
            return Structure(place, left.path, _only(left, names[0]))
        if right.path not in paths[0]:
            return Structure(place, right.path, _only(right, names[1]))
        told = _unlike(left, b[left.path], names)
        if told:
            return Structure(place, left.path, told)
    shared = min(map(len, sides))
    for side, name in zip(sides, names, strict=True):
        for place, node in side[shared:]:
            return Structure(place, node.path, _only(node, name))
    return None


def _only(node: Node, name: str) -> str:
    return f"node {node.path!r} ({node.op.name}) is in {name} only"


def _unlike(left: Node, right: Node, names: Names) -> str:
    """Say what differs between two nodes of one path; nothing where they are the same."""
    for what, one, other in (
        ("operation", left.op.name, right.op.name),
        ("parameters", _written(left.params), _written(right.params)),
        ("type", str(left.type), str(right.type)),
        ("operands", _operands(left), _operands(right)),
    ):
        if one != other:
            return f"the {what} of node {left.path!r}: {one or 'none'} in {names[0]}, {other or 'none'} in {names[1]}"
    return ""


def _written(params: tuple[tuple[str, Any], ...]) -> str:
    text = ", ".join(f"{name}={value}" for name, value in params)
    return text if len(text) <= 200 else text[:200] + "..."


def _operands(node: Node) -> str:
    """Return the paths of a node's operands; a constant stands there with its type and value."""
    return ", ".join(
        f"{_written(found.params)}: {found.type}" if found.op.name == _CONSTANT else found.path for found in node.inputs
    )


def first_unlike_node(a: Graph, b: Graph, values: tuple[Values, Values]) -> tuple[int, str, Unlike] | None:
    """Return the first node with other values of those that both graphs compute alike: its place, path and element."""
    others = {node.path: node for node in b.nodes}
    for place, node in enumerate(a.nodes):
        other = others.get(node.path)
        if other is not None and not _unlike(node, other, ("", "")):
            found = compare(values[0][node.path], values[1][node.path])
            if found is not None:
                return place, node.path, found
    return None
