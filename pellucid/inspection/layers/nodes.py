"""Where the layers of a network stand in its graph: from the product with a weight to what its activation gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pellucid.graph.graph import Node, live_nodes
from pellucid.graph.types import Axis
from pellucid.inspection.layers.saturation import is_rectifier
from pellucid.ops.activations import ACTIVATIONS
from pellucid.ops.declare import Elementwise

_LINEAR = {"add", "subtract", "negative", "identity", "cast", "stop_gradient"}
_SCALES = {"multiply", "divide"}
_MOVES = {"reshape", "transpose", "slice", "concatenate", "broadcast", "pad", "roll"}
_AVERAGES = {"sum", "mean", "sum_to"}
_REDUCTIONS = _AVERAGES | {"max", "log_sum_exp"}


@dataclass(frozen=True)
class LayerNodes:
    """Where one layer stands in the graph of its network.

    Attributes
    ----------
    name : str
        That of its weight without ``/weight``; a second use of the same weight has its number behind it.
    weight : str
        The path of the parameter.
    product : Node
        The contraction of the weight with what depends on the data.
    before : Node
        The pre-activation: after bias and normalization.
    after : Node
        What the activation gives; `before` where there is none.
    activation : str
        The name of its operation, of several next to each other, or of the last of several that make it up; empty for a
        linear layer.
    placewise : bool
        Whether each element of `after` comes from the one element at its place in `before`, so that it has a slope.
    rectifies : bool
        Whether the activation is flat where it gives exactly 0, as rectifiers are.
    """

    name: str
    weight: str
    product: Node
    before: Node
    after: Node
    activation: str
    placewise: bool
    rectifies: bool


def find_layers(outputs: Iterable[Node], inputs: Iterable[Node], weights: Mapping[str, Node]) -> list[LayerNodes]:
    """Return the layers of a network in the order of its graph.

    Parameters
    ----------
    outputs, inputs : iterable of Node
        Of the network: the inputs are those with the data.
    weights : mapping of Node
        The parameters that are weights, by path.
    """
    return _Search(list(outputs), list(inputs), weights).layers()


class _Search:
    """A network's graph, with what its values depend on and where they go."""

    def __init__(self, outputs: list[Node], inputs: list[Node], weights: Mapping[str, Node]):
        self.nodes = live_nodes(outputs)
        self.outputs = set(outputs)
        self.weights = weights
        self.place = {node: number for number, node in enumerate(self.nodes)}
        self.data = _reached(self.nodes, set(inputs))
        self.users: dict[Node, list[Node]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for source in dict.fromkeys(node.inputs):
                self.users[source].append(node)
        self.learned = _reached(self.nodes, set(weights.values()))

    def layers(self) -> list[LayerNodes]:
        """Return all layers, in order."""
        uses: dict[str, int] = {}
        found = []
        for product in filter(self.is_product, self.nodes):
            learned = set(live_nodes(source for source in product.inputs if source not in self.data))
            for path in (path for path, weight in self.weights.items() if weight in learned):
                uses[path] = uses.get(path, 0) + 1
                found.append(self._layer(product, path, uses[path]))
        return found

    def is_product(self, node: Node) -> bool:
        """Say whether a node multiplies something learned, and no data, with data."""
        return (
            node.op.name == "contraction"
            and node in self.data
            and any(source in self.learned and source not in self.data for source in node.inputs)
        )

    def _layer(self, product: Node, path: str, number: int) -> LayerNodes:
        name = path.removesuffix("/weight") + (f" (use {number})" if number > 1 else "")
        before, region = self._follow(product)
        if not region:
            return LayerNodes(name, path, product, before, before, "", False, False)
        after = region[-1]
        placewise = after.type.shape == before.type.shape and all(map(_is_placewise, region))
        return LayerNodes(
            name,
            path,
            product,
            before,
            after,
            _activation_name(region),
            placewise,
            len(region) > 1 or is_rectifier(region[0]),
        )

    def _follow(self, node: Node) -> tuple[Node, list[Node]]:
        """Return the pre-activation that a product leads to, and the nodes of its activation, if there is one."""
        while region := self._next(node):
            if self._is_activation(region):
                return node, region
            node = region[-1]
        total = self._sum_of_products(node)
        if total is not None:
            before, region = self._follow(total)
            if region:
                return before, region
        return node, []

    def _next(self, node: Node) -> list[Node]:
        """Return the nodes from this one to the first through which all that comes of it goes, if there is one.

        Nothing else that depends on the data may enter on the way; the node itself is left out.
        """
        if node in self.outputs:
            return []
        inside, farthest = {node}, self._farthest(node)
        region = []
        for found in self.nodes[self.place[node] + 1 :]:
            sources = [source for source in found.inputs if source in self.data]
            if not any(source in inside for source in sources):
                continue
            if self.is_product(found) or not all(source in inside for source in sources):
                return []
            inside.add(found)
            region.append(found)
            if self.place[found] == farthest:
                return region
            if found in self.outputs:
                return []
            farthest = max(farthest, self._farthest(found))
        return []

    def _farthest(self, node: Node) -> int:
        return max((self.place[user] for user in self.users[node]), default=len(self.nodes))

    def _sum_of_products(self, node: Node) -> Node | None:
        """Return the sum of this value and others that are linear in products of their own, as in ``x @ w + y @ v``."""
        if node in self.outputs or len(self.users[node]) != 1:
            return None
        (total,) = self.users[node]
        if total.op.name not in ("add", "subtract"):
            return None
        return total if all(self._is_own_product(source) for source in total.inputs if source is not node) else None

    def _is_own_product(self, node: Node) -> bool:
        if node in self.outputs or len(self.users[node]) != 1:
            return False
        if self.is_product(node):
            return True
        return node.op.name in ("add", "subtract") and all(
            self._is_own_product(source) for source in node.inputs if source in self.data
        )

    def _is_activation(self, region: list[Node]) -> bool:
        """Say whether nodes are an activation, rather than linear or a normalization."""
        if len(region) > 1 and any(node.op.name in _REDUCTIONS for node in region):
            return False
        return not all(self._is_linear(node) for node in region)

    def _is_linear(self, node: Node) -> bool:
        name = node.op.name
        if name in _SCALES:
            first, second = (source in self.data for source in node.inputs)
            return not (first and second) and (first or name == "multiply")
        return name in _LINEAR or name in _MOVES or name in _AVERAGES or name == "contraction"


def batch_axis(node: Node) -> int | None:
    """Return which axis of a node is that of the examples, if one is."""
    named = (place for place, size in enumerate(node.type.shape) if isinstance(size, Axis) and size.name == "batch")
    return next(named, None)


def _reached(nodes: Iterable[Node], starts: set[Node]) -> set[Node]:
    """Return the nodes, given in order, that depend on some of them, these included."""
    reached: set[Node] = set()
    for node in nodes:
        if node in starts or any(source in reached for source in node.inputs):
            reached.add(node)
    return reached


def _is_placewise(node: Node) -> bool:
    return isinstance(node.op, Elementwise) or node.op.name in _MOVES or node.op.name in _LINEAR


def _activation_name(region: list[Node]) -> str:
    """Return the names of activations that stand next to each other, or what else a region is best called."""
    doing = [node for node in region if node.op.name not in _MOVES]
    names = list(dict.fromkeys(node.op.name for node in doing))
    side_by_side = all(name in ACTIVATIONS for name in names)
    return ", ".join(names) if side_by_side and names else doing[-1].op.name
