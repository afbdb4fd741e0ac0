"""Which nodes are computed together: a graph cut into kernels, in an order in which they can run.

A kernel computes some nodes in one pass. Its *roots* are written to memory; what it needs besides is computed where it
is used. Nodes are taken in the order of the graph, each into the last kernel that it needs values of, if that one can
compute it on the way:

- a kernel of *rows* computes everything that depends on one row (of the first axis) alone: chains of elementwise
  operations, and reductions along rows such as a softmax with its loss;
- a *product* or a *reduction* takes along the elementwise operations on its results: bias, activation and its slope,
  the optimizer's update;
- *scalars* are computed one after the other; random numbers and sums by index stand alone.

Views and everything that is cheap to compute from inputs belong to no kernel: every reader computes them for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pellucid.executors.native.layout import is_narrow
from pellucid.executors.native.operands import is_product, strided
from pellucid.graph.graph import Graph, Node
from pellucid.graph.operation import Operation
from pellucid.graph.types import Axis
from pellucid.ops.elementwise import Elementwise

VIEWS = frozenset(
    [
        "broadcast", "reshape", "transpose", "slice", "pad", "concatenate", "roll", "one_hot", "stop_gradient",
        "gather", "element_count",
    ]
)  # fmt: skip
REDUCTIONS = frozenset(["sum", "mean", "max", "argmax", "sum_to", "log_sum_exp", "softmax", "log_softmax"])
RANDOM = frozenset(["random_uniform", "random_normal", "bernoulli_mask"])
CHEAP = frozenset(
    [
        "less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "logical_not", "step", "relu",
        "negative", "leaky_relu", "absolute", "cast",
    ]
)  # fmt: skip
"""Elementwise operations that take next to no time; see :func:`is_cheap`."""
LOWERED = VIEWS | REDUCTIONS | RANDOM | {"input", "constant", "cast", "contraction", "scatter_add"}
"""The structural operations that the code generator knows."""


@dataclass(eq=False)
class Kernel:
    """Nodes that are computed in one pass.

    Attributes
    ----------
    kind : {"rows", "product", "reduction", "scalars", "random", "scatter", "check"}
    anchor : Node or None
        The product, reduction or other operation around which the kernel is made.
    number : int
        Its place in the order.
    members : list of Node
    roots : dict of Node to None
        The nodes that are written to memory, in order.
    """

    kind: str
    number: int
    anchor: Node | None = None
    members: list[Node] = field(default_factory=list)
    roots: dict[Node, None] = field(default_factory=dict)
    narrow: bool | None = None
    """Of a kernel of rows: whether its matrices are stored column by column; None where there are none yet."""


def supported(graph: Graph) -> bool:
    """Say whether the code generator knows all operations of a graph."""
    return all(is_known(node.op) for node in graph.nodes)


def is_known(op: Operation) -> bool:
    """Say whether the code generator knows an operation."""
    return isinstance(op, Elementwise) or op.name in LOWERED


def schedule(graph: Graph, keep_all: bool = False, alone: bool = False) -> list[Kernel]:
    """Cut a graph into kernels.

    Parameters
    ----------
    keep_all : bool
        Whether every node is written to memory.
    alone : bool
        Whether products and reductions take nothing along.
    """
    return _Schedule(graph, keep_all, alone).kernels


def is_buffer(node: Node) -> bool:
    """Say whether a node is in memory from the start: inputs, and constants that are more than a number."""
    return node.op.name == "input" or (node.op.name == "constant" and bool(node.type.shape))


def is_elementwise(node: Node) -> bool:
    return isinstance(node.op, Elementwise) or node.op.name == "cast"


class _Schedule:
    def __init__(self, graph: Graph, keep_all: bool, alone: bool):
        self.graph, self.alone = graph, alone
        self.kernels: list[Kernel] = []
        self.of: dict[Node, Kernel] = {}
        self.free: set[Node] = set()
        """Elementwise nodes that are computed from inputs and early scalars alone."""
        self._early_scalars()
        checked: set[tuple[Node, int]] = set()
        for node in _draws_first(_early_first(graph.nodes)):
            if node.op.name in ("gather", "scatter_add"):
                asked = node.inputs[1], int(node.inputs[0].type.shape[0])
                if asked not in checked:
                    checked.add(asked)
                    self._require(node.inputs[1])
                    self._new("check", node)
            computed = not (is_buffer(node) or node.op.name in ("constant", *VIEWS) or is_cheap(node))
            if computed and node not in self.free and node not in self.of:
                self._place(node)
        for node in graph.nodes if keep_all else graph.outputs.values():
            self._write(node)

    # -- what a node needs

    def _sources(self, node: Node) -> list[tuple[Node, bool, bool]]:
        """Return the nodes in kernels that a node needs, whether by the same row alone, and by the same element."""
        found: list[tuple[Node, bool, bool]] = []
        seen: set[tuple[Node, bool, bool]] = set()
        stack = [(source, row, exact) for source, row, exact in alignments(node)]
        while stack:
            item = stack.pop()
            if item in seen:
                continue
            seen.add(item)
            source, row, exact = item
            if source in self.of:
                found.append(item)
            elif source.op.name in VIEWS or source in self.free or is_cheap(source):
                stack += [(deeper, row and r, exact and e) for deeper, r, e in alignments(source)]
        return found

    # -- placing

    def _early_scalars(self) -> None:
        """Find what follows from inputs alone: scalars are computed first, the rest by whoever reads it."""
        early: dict[Node, None] = {}
        for node in self.graph.nodes:
            if is_elementwise(node) and all(self._is_known(source, early) for source in node.inputs):
                if node.type.shape:
                    self.free.add(node)
                else:
                    early[node] = None
        if early:
            kernel = self._new("scalars")
            for node in early:
                self._join(node, kernel)
                kernel.roots[node] = None

    def _is_known(self, node: Node, early: dict[Node, None]) -> bool:
        """Say whether a node follows from inputs and early scalars through views and elementwise operations alone."""
        if node in early or node in self.free or is_buffer(node) or node.op.name == "constant":
            return True
        return node.op.name in VIEWS and all(self._is_known(source, early) for source in node.inputs)

    def _new(self, kind: str, anchor: Node | None = None) -> Kernel:
        kernel = Kernel(kind, len(self.kernels), anchor)
        self.kernels.append(kernel)
        return kernel

    def _join(self, node: Node, kernel: Kernel) -> None:
        self.of[node] = kernel
        kernel.members.append(node)
        if kernel.kind == "rows" and node.type.ndim > 1:
            kernel.narrow = is_narrow(node.type.shape)

    def _place(self, node: Node) -> None:
        """Give a node that computes something its kernel."""
        name = node.op.name
        if name == "contraction" and is_product(node):
            for operand in node.inputs:
                self._require(operand)
            return self._join(node, self._new("product", node))
        if name == "scatter_add":
            for operand in node.inputs:
                self._require(operand)
            self._join(node, self._new("scatter", node))
            self.of[node].roots[node] = None
            return None
        if name in RANDOM:
            for operand in node.inputs:
                self._require(operand)
            self._join(node, self._new("random", node))
            self.of[node].roots[node] = None
            return None
        sources = self._sources(node)
        last = max((self.of[source] for source, _, _ in sources), key=lambda kernel: kernel.number, default=None)
        if last is None or not self._fits(node, last, sources):
            last = self._beside(node, last) or self._new(*self._kind(node))
        for source, _, _ in sources:
            if self.of[source] is not last:
                self.of[source].roots[source] = None
        self._join(node, last)
        return None

    def _beside(self, node: Node, last: Kernel | None) -> Kernel | None:
        """Return a later kernel over the same rows that can take a node although it has nothing that the node needs."""
        if self._kind(node)[0] != "rows":
            return None
        later = self.kernels[last.number + 1 if last is not None else 0 :]
        return next((k for k in reversed(later) if k.kind == "rows" and self._fits(node, k, ())), None)

    def _kind(self, node: Node) -> tuple[str, Node | None]:
        reduces = node.op.name in (*REDUCTIONS, "contraction") and node.op.name not in ("softmax", "log_softmax")
        if reduces and not _by_rows(node):
            return "reduction", node
        return ("rows" if node.type.shape else "scalars"), None

    def _fits(self, node: Node, kernel: Kernel, sources: Sequence[tuple[Node, bool, bool]]) -> bool:
        """Say whether a kernel can compute a node on the way."""
        own = [(row, exact) for source, row, exact in sources if self.of[source] is kernel]
        if kernel.kind == "scalars":
            return not node.type.shape and is_elementwise(node)
        if kernel.kind in ("product", "reduction"):
            anchor = kernel.anchor
            assert anchor is not None
            same = node.type.shape == anchor.type.shape and not self.alone
            return same and is_elementwise(node) and all(exact for _, exact in own)
        if kernel.kind != "rows" or not node.type.shape or not all(row for row, _ in own):
            return False
        if not (is_elementwise(node) or node.op.name in VIEWS or _by_rows(node)):
            return False
        first = kernel.members[0].type.shape[0]
        if not _same(first, node.type.shape[0]):
            return False
        return node.type.ndim == 1 or kernel.narrow in (None, is_narrow(node.type.shape))

    # -- writing

    def _require(self, node: Node) -> None:
        """See that what a node shows is in memory for the kernels to come."""
        self._write(strided(node).root)

    def _write(self, node: Node) -> None:
        """Have a node written to memory."""
        if is_buffer(node):
            return
        if node not in self.of:
            self.free.discard(node)
            self._place(node)
        self.of[node].roots[node] = None


def is_cheap(node: Node) -> bool:
    """Say whether a node is quicker computed again, from one value that is in memory anyway, than read from there."""
    shaped = [source for source in node.inputs if source.type.shape]
    return node.op.name in CHEAP and len(set(shaped)) == 1 and bool(node.type.shape)


def _early_first(nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes with those first that follow from inputs without products, draws or sums by index."""
    late: set[Node] = set()
    for node in nodes:
        heavy = node.op.name in ("contraction", "scatter_add", *RANDOM) or (
            node.op.name in REDUCTIONS and bool(node.type.shape)
        )
        if heavy or any(source in late for source in node.inputs):
            late.add(node)
    early = [node for node in nodes if node not in late and not node.type.shape]
    return early + [node for node in nodes if node in late or node.type.shape]


def _draws_first(nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes with each draw before the product that it follows: that one can take a mask along then."""
    result: list[Node] = []
    product = 0
    for node in nodes:
        if node.op.name in RANDOM and not set(node.inputs) & set(result[product:]):
            result.insert(product, node)
            product += 1
            continue
        if node.op.name == "contraction":
            product = len(result)
        result.append(node)
    return result


def _same(a: int, b: int) -> bool:
    """Say whether two sizes are the same also when a named axis gets another size."""
    return int(a) == int(b) and isinstance(a, Axis) == isinstance(b, Axis)


def _by_rows(node: Node) -> bool:
    """Say whether a reduction's result has a row for each row of its operand."""
    name, params = node.op.name, dict(node.params)
    if name == "contraction":
        labels = params["labels"]
        sides, result = labels.split("->")
        first, second = sides.split(",")
        return bool(result) and first[:1] == second[:1] == result[:1]
    operand = node.inputs[0]
    if name == "sum_to":
        same = node.type.ndim == operand.type.ndim
        return bool(node.type.shape) and same and _same(node.type.shape[0], operand.type.shape[0])
    axes = params["axes"] if "axes" in params else (params["axis"],)
    return operand.type.ndim > 0 and 0 not in axes and bool(node.type.shape)


def alignments(node: Node) -> Iterator[tuple[Node, bool, bool]]:
    """Yield each operand of a node: whether a row of the result needs the same row of it alone, an element the same."""
    name, params, shape = node.op.name, dict(node.params), node.type.shape
    for place, source in enumerate(node.inputs):
        other = source.type.shape
        led = bool(shape) and len(other) > 0 and _same(shape[0], other[0])
        same_rank = len(shape) == len(other)
        if is_elementwise(node) or name in ("broadcast", "stop_gradient"):
            exact = tuple(map(int, shape)) == tuple(map(int, other)) and name != "broadcast"
            yield source, (led and same_rank) or not other, exact or not other
        elif name == "reshape":
            yield source, led and _whole_rows(shape, other), False
        elif name == "transpose":
            yield source, led and params["axes"][:1] == (0,), False
        elif name in ("slice", "pad"):
            yield source, led and 0 not in params["axes"], False
        elif name in ("concatenate", "roll"):
            yield source, led and params["axis"] != 0, False
        elif name == "one_hot":
            yield source, led, False
        elif name == "gather":
            yield source, led and place == 1, False
        elif name in REDUCTIONS or name == "contraction":
            yield source, led and _by_rows(node), False
        else:
            yield source, False, False


def _whole_rows(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Say whether a reshape keeps the first axis as it is."""
    return bool(shape) and bool(other) and _same(shape[0], other[0])
