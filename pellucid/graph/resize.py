"""Giving a named axis another size: the same network for another number of examples."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.errors import GraphError, nearest
from pellucid.graph.builder import Builder
from pellucid.graph.graph import Graph, Node
from pellucid.graph.types import Axis, Type
from pellucid.graph.value import Value


def resize(graph: Graph, /, **sizes: int) -> Graph:
    """Return the graph with other sizes for its named axes.

    Examples
    --------
    >>> import pellucid as pl
    >>> graph = pl.build(lambda x: pl.tanh(x), x=pl.float64[pl.Axis(32, "batch"), 3])
    >>> pl.resize(graph, batch=1).inputs["x"].type
    float64[batch=1, 3]

    Raises
    ------
    GraphError
        Where the graph has no axis of a name, or computes with a size that an axis had (such as a slice up to it).
    """
    known = graph.axes
    for name in sizes:
        if name not in known:
            raise GraphError(f"the graph has no axis {name!r}", fix=nearest(name, known))
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 0:
            raise GraphError("a size is a whole number from 0 up", where=f"axis {name!r}", got=repr(size))
    builder = Builder()
    here: dict[Node, Value] = {}
    for node in graph.nodes:
        if node.op.name == "input":
            here[node] = builder.input(node.path, Type(node.type.dtype, _replace(node.type.shape, sizes)))
        else:
            inputs = tuple(here[source] for source in node.inputs)
            params = {name: _replace(value, sizes) for name, value in node.params}
            here[node] = builder.add(node.op, inputs, params, node.path)
            expected = _replace(node.type.shape, sizes)
            if here[node].shape != expected:
                raise GraphError(
                    "a node computes with a size that an axis had, and can not follow it",
                    where=node.path,
                    got=str(list(map(int, here[node].shape))),
                    expected=str(list(map(int, expected))),
                    fix="Build the graph anew for that size.",
                )
    return builder.finish({name: here[node] for name, node in graph.outputs.items()}, after="resize")


def _replace(value: Any, sizes: dict[str, int]) -> Any:
    if isinstance(value, Axis):
        return Axis(sizes.get(value.name, int(value)), value.name)
    if isinstance(value, tuple):
        return tuple(_replace(item, sizes) for item in value)
    return value
