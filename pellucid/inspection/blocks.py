"""The layers of an observed model: nodes of one scope together, with what they take, what they give, their weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pellucid.graph.graph import Graph, Node
from pellucid.inspection.observe import Observation, ObservedNode

CELLS, ENCODERS, PREDICTION, OUTPUT = "cells", "encoders", "prediction", "output"


@dataclass(frozen=True, eq=False)
class Block:
    """A layer, the encoders, or whatever else stands in one scope of a graph.

    Attributes
    ----------
    name : str
        The scope, such as ``dense_1``; ``cells`` for what comes from the table.
    operations : tuple of str
        The operations in it, each once, in the order of computation.
    given : tuple of ObservedNode
        What other blocks take of it, or the graph gives.
    parameters : tuple of ObservedNode
        The arrays that belong to it.
    sources : tuple of int
        The places of the blocks that it takes something of.
    weight, bias : ndarray or None
        Of a dense layer: [inputs, units] and [units].
    taken : ObservedNode or None
        Of a dense layer: what is multiplied by the weight.
    """

    name: str
    operations: tuple[str, ...]
    given: tuple[ObservedNode, ...]
    parameters: tuple[ObservedNode, ...]
    sources: tuple[int, ...]
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    taken: ObservedNode | None = None

    @property
    def main(self) -> ObservedNode:
        """The block's main value: the last one that is given, of the encoders the features."""
        floats = [seen for seen in self.given if seen.node.type.dtype.is_float] or list(self.given)
        return max(floats, key=lambda seen: seen.node.type.size) if self.name == ENCODERS else floats[-1]


def find_blocks(seen: Observation) -> list[Block]:
    """Return the blocks of a model's observation, from the cells to the loss or score.

    The graph is one that :meth:`pellucid.model.model.Model.observation` makes: arrays that belong to a layer have
    paths with its scope, and what comes from the table has none.
    """
    graph = seen.graph
    names = _name_blocks(graph, str(seen.of))
    users: dict[Node, list[Node]] = {node: [] for node in graph.nodes}
    for node in graph.nodes:
        for source in node.inputs:
            users[source].append(node)
    # A block stands where its last node does: those of an enclosing scope come after those inside it.
    order = list(dict.fromkeys(reversed([names[node] for node in graph.nodes if node in names])))[::-1]
    place = {name: index for index, name in enumerate(order)}
    blocks = []
    for name in order:
        nodes = [node for node in graph.nodes if names.get(node) == name]
        shown = [n for n in nodes if n in graph.outputs.values() or any(names.get(u) != name for u in users[n])]
        taken = {source for node in nodes for source in node.inputs}
        sources = {place[names[source]] for source in taken if source in names and names[source] != name}
        parameters = [seen[n.path] for n in graph.inputs.values() if n not in names and n in taken]
        operations = tuple(dict.fromkeys(n.op.name for n in nodes if n.inputs))
        dense = _find_dense(seen, nodes, names)
        blocks.append(
            Block(
                name,
                operations,
                tuple(seen[n.path] for n in shown or nodes[-1:]),
                tuple(parameters),
                tuple(sorted(index for index in sources if index < place[name])),
                *dense,
            )
        )
    return blocks


def _name_blocks(graph: Graph, of: str) -> dict[Node, str]:
    """Return the block of each node; parameters and constants have none."""
    scopes = {node.path.rpartition("/")[0] for node in graph.nodes}
    outer = {scope for scope in scopes if any(other.startswith(f"{scope}/") for other in scopes)}
    names: dict[Node, str] = {}
    behind: set[Node] = set()  # what comes after the network
    for node in graph.nodes:
        scope, top = node.path.rpartition("/")[0], node.path.partition("/")[0]
        if node.op.name == "constant" or (node.op.name == "input" and scope):
            continue
        if node.op.name == "input":
            names[node] = of if _leads_only_to_scalar(graph, node) else CELLS
        elif top in (ENCODERS, PREDICTION, of):
            names[node] = top
        elif any(source in behind for source in node.inputs):
            names[node] = of
        elif scope:
            names[node] = node.path if scope in outer else scope
        else:
            name = _name_unscoped(node, names)
            if name is None:
                continue
            names[node] = name
        if node in (graph.outputs.get(OUTPUT), graph.outputs.get(PREDICTION)) or names[node] == of:
            behind.add(node)
    return names


def _name_unscoped(node: Node, names: dict[Node, str]) -> str | None:
    """Return the block of a node that stands in no scope: its own where it joins several, else that of its source."""
    before = list(dict.fromkeys(names[source] for source in node.inputs if source in names))
    layers = [name for name in before if name not in (CELLS, ENCODERS)]
    if not layers:
        return ENCODERS if before else None
    return node.path if len(before) > 1 and node.op.name in ("concatenate", "add") else layers[-1]


def _leads_only_to_scalar(graph: Graph, node: Node) -> bool:
    """Tell whether an input, such as the target, does not reach the prediction."""
    reached = {node}
    for other in graph.nodes:
        if any(source in reached for source in other.inputs):
            reached.add(other)
    return graph.outputs[PREDICTION] not in reached


def _find_dense(
    seen: Observation, nodes: list[Node], names: dict[Node, str]
) -> tuple[np.ndarray | None, np.ndarray | None, ObservedNode | None]:
    """Return weight, bias and what is multiplied, where the block is one dense layer."""
    products = [node for node in nodes if node.op.name == "contraction"]
    if len(products) != 1 or len(products[0].inputs) != 2:
        return None, None, None
    taken, weight = products[0].inputs
    if weight in names or weight.op.name != "input" or weight.type.ndim != 2 or taken.type.ndim != 2:
        return None, None, None
    bias = next(_added(nodes, products[0], names), None)
    return (
        np.asarray(seen[weight.path].value),
        None if bias is None else np.asarray(seen[bias.path].value),
        seen[taken.path],
    )


def _added(nodes: list[Node], product: Node, names: dict[Node, str]) -> Iterator[Node]:
    for node in nodes:
        if node.op.name == "add" and product in node.inputs:
            yield from (source for source in node.inputs if source.op.name == "input" and source not in names)
