"""Derivatives by name: ``d loss / d dense_1/weight`` of a graph that does not have it as a node of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.executors.program import compile
from pellucid.graph.differentiate import differentiate
from pellucid.graph.graph import Graph, Node


def split_derivative(graph: Graph, name: str) -> tuple[str, str] | None:
    """Return the scalar and the node of a derivative's name, if the graph has both.

    Examples
    --------
    >>> import pellucid as pl
    >>> graph = pl.build(lambda x: pl.exp(x), x=pl.float64[()])
    >>> split_derivative(graph, "d value / d x"), split_derivative(graph, "d value / d y")
    (('value', 'x'), None)
    """
    if not name.startswith("d "):
        return None
    parts = name[2:].split(" / d ")
    for count in range(1, len(parts)):
        of, wrt = " / d ".join(parts[:count]), " / d ".join(parts[count:])
        if of in graph and wrt in graph and _is_scalar(graph[of]) and graph[wrt].type.dtype.is_float:
            return of, wrt
    return None


def with_output(graph: Graph, name: str) -> Graph:
    """Return the graph with this node as its only output, called as it is here."""
    return Graph(graph.inputs, graph.nodes, {name: graph[name]})


def derive(graph: Graph, of: str, wrt: str, inputs: Mapping[str, Any]) -> tuple[Node, dict[str, np.ndarray]]:
    """Return the node of a derivative in the differentiated graph, and the values of all nodes of that, by path.

    Parameters
    ----------
    graph : Graph
    of, wrt : str
        A scalar and a node of the graph.
    inputs : mapping
        The graph's inputs, by name.
    """
    derived = differentiate(with_output(graph, of), [wrt], of)
    values = compile(derived).observe(**{name: inputs[name] for name in derived.inputs})
    return derived.outputs[f"d {of} / d {wrt}"], values


def _is_scalar(node: Node) -> bool:
    return node.type.dtype.is_float and not node.type.shape
