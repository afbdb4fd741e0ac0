"""Nodes and graphs: immutable, in static single assignment form, in topological order."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pellucid.errors import GraphError, PellucidError, nearest
from pellucid.graph.operation import REGISTRY, Operation
from pellucid.graph.types import Axis, Type


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """One value of a graph.

    Attributes
    ----------
    op : Operation
        How it is computed.
    inputs : tuple of Node
        What it is computed from.
    params : tuple of (name, value)
        The operation's static parameters, sorted by name: numbers, strings, dtypes and tuples of them.
    type : Type
        Its dtype and shape.
    path : str
        Its readable name, unique in its graph, such as ``dense_1/weight`` or ``d loss / d dense_1/weight``.
    """

    op: Operation
    inputs: tuple[Node, ...]
    params: tuple[tuple[str, Any], ...]
    type: Type
    path: str

    def __repr__(self) -> str:
        return f"<node {self.path}: {self.type}>"


@dataclass(frozen=True, eq=False)
class Graph:
    """Inputs, nodes and outputs, each with a name.

    Graphs are made by :func:`pellucid.build`, :func:`pellucid.parse` and by passes; ``str(graph)`` is the text
    that :func:`pellucid.parse` reads. Two graphs are equal when their texts are.

    Attributes
    ----------
    inputs, outputs : mapping of str to Node
        Every input is a node of the operation ``input``; outputs may be any nodes.
    nodes : tuple of Node
        All nodes, every one after its inputs.
    """

    inputs: Mapping[str, Node]
    nodes: tuple[Node, ...]
    outputs: Mapping[str, Node]

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", MappingProxyType(dict(self.inputs)))
        object.__setattr__(self, "outputs", MappingProxyType(dict(self.outputs)))
        object.__setattr__(self, "_by_path", {node.path: node for node in self.nodes})

    def __getitem__(self, path: str) -> Node:
        """Return the node of this path, or the output of this name."""
        by_path: dict[str, Node] = self._by_path  # type: ignore[attr-defined]
        if path in by_path:
            return by_path[path]
        if path in self.outputs:
            return self.outputs[path]
        raise GraphError(f"the graph has no node {path!r}", fix=nearest(path, [*by_path, *self.outputs]))

    def __contains__(self, path: str) -> bool:
        return path in self._by_path or path in self.outputs  # type: ignore[attr-defined]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def axes(self) -> dict[str, int]:
        """The named axes and their sizes."""
        found: dict[str, int] = {}
        for node in self.nodes:
            for axis in find_axes((node.type.shape, node.params)):
                if found.setdefault(axis.name, int(axis)) != int(axis):
                    raise GraphError(
                        f"axis {axis.name!r} has two sizes", where=node.path, got=f"{found[axis.name]} and {int(axis)}"
                    )
        return found

    def __str__(self) -> str:
        from pellucid.graph.text import print_graph

        return print_graph(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> tuple:
        from pellucid.graph.text import parse

        return parse, (str(self),)


def require_graph(graph: Any, where: str) -> None:
    """Raise a GraphError where something else was given."""
    if not isinstance(graph, Graph):
        fix = "Build it first: pl.build(f, x=pl.float64[3])." if callable(graph) else "Parse it first: pl.parse(text)."
        raise GraphError("not a graph", where=where, got=repr(graph)[:80], fix=fix)


def find_axes(value: Any) -> Iterator[Axis]:
    """Yield the named axes inside nested tuples."""
    if isinstance(value, Axis):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from find_axes(item)


def verify(graph: Graph, after: str = "building") -> Graph:
    """Check that a graph is well formed and return it; `after` names the pass that made it.

    Raises
    ------
    GraphError
        Where an input of a node is missing or comes later, a path stands twice, an input or output does not
        belong to the graph, or a type is not the one that the operation's rule gives.
    """
    place = f"after {after}"
    seen: set[Node] = set()
    paths: set[str] = set()
    for node in graph.nodes:
        if REGISTRY.get(node.op.name) is not node.op:
            raise GraphError(f"operation {node.op.name!r} is not registered", where=f"{place}, {node.path}")
        missing = [source.path for source in node.inputs if source not in seen]
        if missing:
            raise GraphError("an input comes later or is missing", where=f"{place}, {node.path}", got=str(missing))
        if node.path in paths:
            raise GraphError("two nodes have the same path", where=place, got=node.path)
        try:
            inferred = node.op.infer(tuple(source.type for source in node.inputs), dict(node.params))
        except PellucidError as error:
            raise GraphError(str(error), where=f"{place}, {node.path}") from error
        if inferred != node.type:
            raise GraphError("wrong type", where=f"{place}, {node.path}", got=str(node.type), expected=str(inferred))
        seen.add(node)
        paths.add(node.path)
    for kind, named in (("input", graph.inputs), ("output", graph.outputs)):
        for name, node in named.items():
            if node not in seen:
                raise GraphError(f"{kind} {name!r} is not a node of the graph", where=place)
    for name, node in graph.inputs.items():
        if node.op.name != "input" or not name == node.path == dict(node.params)["name"]:
            raise GraphError(f"input {name!r} is not a node of operation input with this name and path", where=place)
    for node in graph.nodes:
        if node.op.name == "input" and graph.inputs.get(node.path) is not node:
            raise GraphError("a node of operation input is not among the graph's inputs", where=f"{place}, {node.path}")
    _ = graph.axes
    return graph


def live_nodes(outputs: Iterable[Node]) -> list[Node]:
    """Return all nodes that the given ones depend on, themselves included, each after its inputs."""
    done: dict[Node, None] = {}
    stack = [(node, False) for node in reversed(list(outputs))]
    while stack:
        node, expanded = stack.pop()
        if node in done:
            continue
        if expanded:
            done[node] = None
        else:
            stack.append((node, True))
            stack.extend((source, False) for source in reversed(node.inputs) if source not in done)
    return list(done)
