"""The layers of an observed network: nodes of one scope, with what they take, what they give, and their weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.graph.graph import Node, live_nodes

if TYPE_CHECKING:
    from pellucid.inspection.observation import Observation, ObservedNode

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
    mask : ndarray or None
        Of a dense layer with a mask: [inputs, units], 0 where there is no edge.
    """

    name: str
    operations: tuple[str, ...]
    given: tuple[ObservedNode, ...]
    parameters: tuple[ObservedNode, ...]
    sources: tuple[int, ...]
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    taken: ObservedNode | None = None
    mask: np.ndarray | None = None

    @property
    def main(self) -> ObservedNode:
        """The block's main value: the last one that is given, of the encoders the features."""
        floats = [seen for seen in self.given if seen.node.type.dtype.is_float] or list(self.given)
        return max(floats, key=lambda seen: seen.node.type.size) if self.name == ENCODERS else floats[-1]


def find_blocks(seen: Observation) -> list[Block]:
    """Return the blocks of a network's observation, from its inputs to the loss or score.

    Arrays that belong to a layer have paths with its scope, as those of every :class:`pellucid.Network` have; what
    comes from the data has none.
    """
    graph = seen.graph
    of = seen.of or PREDICTION
    live = _live(seen)
    names = _name_blocks(live, find_heads(seen), of)
    varying = _reached([node for node in live if node in names and node.op.name == "input"], live)
    users: dict[Node, list[Node]] = {node: [] for node in live}
    for node in live:
        for source in node.inputs:
            users[source].append(node)
    # A block stands where its last node does: those of an enclosing scope come after those inside it.
    order = list(dict.fromkeys(reversed([names[node] for node in live if node in names])))[::-1]
    place = {name: index for index, name in enumerate(order)}
    members: dict[str, list[Node]] = {name: [] for name in order}
    for node in live:
        if node in names:
            members[names[node]].append(node)
    blocks = []
    for name, nodes in members.items():
        shown = [n for n in nodes if n in graph.outputs.values() or any(names.get(u) != name for u in users[n])]
        taken = {source for node in nodes for source in node.inputs}
        sources = {place[names[source]] for source in taken if source in names and names[source] != name}
        parameters = [seen[n.path] for n in live if n.op.name == "input" and n not in names and n in taken]
        operations = tuple(dict.fromkeys(n.op.name for n in nodes if n.inputs and n in varying))
        blocks.append(
            Block(
                name,
                operations,
                tuple(seen[n.path] for n in shown or nodes[-1:]),
                tuple(parameters),
                tuple(sorted(index for index in sources if index < place[name])),
                **_find_dense(seen, nodes, varying),
            )
        )
    return blocks


def find_heads(seen: Observation) -> list[Node]:
    """Return the nodes in which the network ends: its prediction or its outputs; none where only a scalar is told."""
    outputs = seen.graph.outputs
    for name in (PREDICTION, OUTPUT):
        if name in outputs:
            return [outputs[name]]
    live = _live(seen)
    found = [node for node in dict.fromkeys(outputs.values()) if node.type.shape and node.inputs and node in live]
    return [node for node in found if not any(_reached([node], live) & {other} for other in found if other is not node)]


def _live(seen: Observation) -> list[Node]:
    """Return the nodes of the forward pass: what leads to the scalar, to the prediction and to the network's output."""
    outputs = seen.graph.outputs
    named = [outputs[name] for name in (OUTPUT, PREDICTION, seen.of) if name is not None and name in outputs]
    ends = set(live_nodes(named if seen.of is not None else outputs.values()))
    return [node for node in seen.graph.nodes if node in ends]


def _reached(starts: Iterable[Node], nodes: Iterable[Node]) -> set[Node]:
    """Return the nodes that depend on `starts`, and these."""
    reached = set(starts)
    for node in nodes:
        if any(source in reached for source in node.inputs):
            reached.add(node)
    return reached


def _name_blocks(nodes: Sequence[Node], heads: Sequence[Node], of: str) -> dict[Node, str]:
    """Return the block of each node; parameters and constants have none."""
    scopes = {node.path.rpartition("/")[0] for node in nodes}
    outer = {scope for scope in scopes if any(other.startswith(f"{scope}/") for other in scopes)}
    names: dict[Node, str] = {}
    behind: set[Node] = set()  # what comes after the network
    uses = _number_uses(nodes)
    for node in nodes:
        scope, top = node.path.rpartition("/")[0], node.path.partition("/")[0]
        if node.op.name == "constant" or (node.op.name == "input" and (scope or not node.type.shape)):
            continue
        if node.op.name == "input":
            names[node] = of if _leads_only_to(of, node, nodes, heads) else CELLS
        elif top in (ENCODERS, PREDICTION, of):
            names[node] = top
        elif any(source in behind for source in node.inputs):
            names[node] = of
        elif scope:
            names[node] = node.path if scope in outer else scope + (f" ({uses[node]})" if uses[node] > 1 else "")
        else:
            name = _name_unscoped(node, names)
            if name is None:
                continue
            names[node] = name
        if node in heads or node.path == OUTPUT or names[node] == of:
            behind.add(node)
    return names


def _number_uses(nodes: Sequence[Node]) -> dict[Node, int]:
    """Return of each node which product with a weight it belongs to within its scope: a layer may be used twice."""
    data = [node for node in nodes if node.op.name == "input" and "/" not in node.path and node.type.shape]
    varying = _reached(data, nodes)
    products: dict[str, int] = {}
    uses: dict[Node, int] = {}
    for node in nodes:
        scope = node.path.rpartition("/")[0]
        uses[node] = max((uses[s] for s in node.inputs if s.path.rpartition("/")[0] == scope), default=1)
        if node.op.name == "contraction" and node in varying and not varying.issuperset(node.inputs):
            uses[node] = products[scope] = products.get(scope, 0) + 1
    return uses


def _name_unscoped(node: Node, names: dict[Node, str]) -> str | None:
    """Return the block of a node that stands in no scope: its own where it joins several, else that of its source."""
    before = list(dict.fromkeys(names[source] for source in node.inputs if source in names))
    layers = [name for name in before if name not in (CELLS, ENCODERS)]
    if not layers:
        return ENCODERS if before else None
    return node.path if len(before) > 1 and node.op.name in ("concatenate", "add") else layers[-1]


def _leads_only_to(of: str, node: Node, nodes: Sequence[Node], heads: Sequence[Node]) -> bool:
    """Tell whether an input, such as the target, does not go through the network."""
    reached = _reached([node], nodes)
    if heads:
        return not reached & set(heads)
    return all(other is node or other.path.partition("/")[0] == of for other in reached)


def _find_dense(seen: Observation, nodes: Sequence[Node], varying: set[Node]) -> dict[str, Any]:
    """Return weight, bias, mask and what is multiplied, where the block is one dense layer."""
    products = [node for node in nodes if node.op.name == "contraction" and node in varying]
    if len(products) != 1 or len(products[0].inputs) != 2:
        return {}
    taken, weight = products[0].inputs
    labels = dict(products[0].params)["labels"]
    if weight in varying or not re.fullmatch(r"(\w?)(\w),\2(\w)->\1\3", labels.replace(" ", "")):
        return {}
    bias = next(_added(nodes, products[0], varying), None)
    masks = [source for source in weight.inputs if source.op.name == "constant"] if weight.op.name == "multiply" else []
    return {
        "weight": np.asarray(seen[weight.path].value),
        "bias": None if bias is None else np.asarray(seen[bias.path].value),
        "taken": seen[taken.path],
        "mask": np.asarray(seen[masks[0].path].value) if masks and masks[0].type.shape == weight.type.shape else None,
    }


def _added(nodes: Sequence[Node], product: Node, varying: set[Node]) -> Iterator[Node]:
    for node in nodes:
        if node.op.name == "add" and product in node.inputs:
            yield from (source for source in node.inputs if source not in varying and source.type.ndim == 1)
