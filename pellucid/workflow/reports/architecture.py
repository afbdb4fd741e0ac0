"""What a network is made of, read from its graph."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import takewhile

from pellucid.graph.graph import Graph, Node

PRE_ACTIVATION = "pre_activation"
"""What a layer calls its weighted sums, where an activation follows."""


@dataclass(frozen=True)
class LayerSummary:
    """A layer, or another part of a network with a name of its own.

    Attributes
    ----------
    name : str
        Its path, such as ``dense_1`` or ``shortcut_1/dense_2``.
    kind : str
        "dense" for a product with a matrix, "embedding" for a table of vectors, else its name without the number.
    inputs : int or None
        The features of a dense layer, the categories of an embedding.
    units : int or None
        What it gives: numbers of an example.
    activation : str or None
        The operation behind the weighted sums; several with "+" between them.
    parameters : int
        How many numbers there are to learn.
    """

    name: str
    kind: str
    inputs: int | None
    units: int | None
    activation: str | None
    parameters: int


def summarize_layers(graph: Graph, parameters: Collection[str]) -> tuple[LayerSummary, ...]:
    """Return the layers of a network in the order in which they compute.

    Parameters
    ----------
    graph : Graph
        Of a network, or of a model with encoders before and the meaning of the prediction behind.
    parameters : collection of str
        The inputs of the graph that are learned.

    Examples
    --------
    >>> import pellucid as pl
    >>> network = pl.Network([pl.Dense(8, "tanh"), pl.Dense(3)], inputs=4)
    >>> for layer in summarize_layers(network.graph(), network.parameters):
    ...     print(layer.name, layer.kind, layer.inputs, layer.units, layer.activation, layer.parameters)
    dense_1 dense 4 8 tanh 40
    dense_2 dense 8 3 None 27
    """
    scopes: dict[str, list[Node]] = {}
    for node in graph.nodes:
        learned = {_scope(one.path) for one in node.inputs if one.path in parameters}
        for scope in learned or ({_scope(node.path)} if node.op.name != "input" else set()):
            scopes.setdefault(scope, []).append(node)
    learned_by: dict[str, list[Node]] = {}
    for path in parameters:
        learned_by.setdefault(_scope(path), []).append(graph.inputs[path])
    layers = [_summarize(scope, nodes, learned_by.get(scope, [])) for scope, nodes in scopes.items() if scope]
    return tuple(layer for layer in layers if layer.parameters or layer.activation)


def tell_sizes(layers: Iterable[LayerSummary]) -> str:
    """Return the sizes of dense layers one after the other.

    Examples
    --------
    >>> tell_sizes([LayerSummary("a", "dense", 4, 8, None, 40), LayerSummary("b", "dense", 8, 3, None, 27)])
    '4 → 8 → 3'
    """
    dense = [layer for layer in layers if layer.kind == "dense"]
    sizes = [layer.inputs for layer in dense[:1]] + [layer.units for layer in dense]
    return " → ".join(f"{size:,}" for size in sizes if size is not None)


def _scope(path: str) -> str:
    return path.rpartition("/")[0]


def _summarize(scope: str, nodes: list[Node], learned: list[Node]) -> LayerSummary:
    count = sum(node.type.size for node in learned)
    base = scope.rpartition("/")[2]
    word, _, number = base.rpartition("_")
    kind, inputs, units = (word if number.isdigit() and word else base).replace("_", " "), None, None
    for node in nodes:
        found = {"contraction": "dense", "gather": "embedding"}.get(node.op.name)
        matrix = next((one for one in node.inputs if one in learned and len(one.type.shape) == 2), None)
        if found and matrix is not None:
            kind, (inputs, units) = found, map(int, matrix.type.shape)
            break
    else:
        units = int(nodes[-1].type.shape[-1]) if learned and nodes[-1].type.shape else None
    return LayerSummary(scope, kind, inputs, units, _activation(scope, nodes, learned), count)


def _activation(scope: str, nodes: list[Node], learned: list[Node]) -> str | None:
    """Return the operations behind a layer's weighted sums, or of a layer that is nothing but an activation."""
    own = [node for node in nodes if _scope(node.path) == scope]
    start = next((place + 1 for place, node in enumerate(own) if node.path.endswith(f"/{PRE_ACTIVATION}")), None)
    if start is None:
        chosen = own if len(own) == 1 and getattr(own[0].op, "activation", False) else []
    else:  # a layer that is used again begins anew
        chosen = list(takewhile(lambda node: not set(node.inputs) & set(learned), own[start:]))
    return " + ".join(_tell(node) for node in chosen if node.op.name != "constant") or None


def _tell(node: Node) -> str:
    settings = ", ".join(f"{name}={value}" for name, value in node.params)
    return f"{node.op.name}({settings})" if settings else node.op.name
