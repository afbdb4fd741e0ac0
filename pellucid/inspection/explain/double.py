"""A graph's numbers in float64, and what becomes of them when one of them is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.graph.graph import Node
from pellucid.graph.types import DType, Type, float64
from pellucid.inspection.explain.links import Values


def as_double(array: Any) -> np.ndarray:
    """Return floats as float64, and other numbers as they are."""
    found = np.asarray(array)
    return found.astype(np.float64) if found.dtype.kind == "f" else found


def run_double(nodes: Iterable[Node], given: Mapping[Node, np.ndarray]) -> dict[Node, np.ndarray]:
    """Compute nodes in float64, whatever dtype the graph says.

    Parameters
    ----------
    nodes : iterable of Node
        In the order of their graph.
    given : mapping of Node to ndarray
        What is known already, all inputs and random draws among it: these stay as they are.

    Returns
    -------
    dict of Node to ndarray
        `given`, and all `nodes`.
    """
    values = dict(given)
    with np.errstate(all="ignore"):
        for node in nodes:
            if node not in values:
                values[node] = _evaluate(node, tuple(values[source] for source in node.inputs))
    return values


def run_changed(nodes: Sequence[Node], values: Values, changed: Mapping[Node, np.ndarray]) -> dict[Node, np.ndarray]:
    """Compute what depends on some nodes anew, with other numbers for these; all others keep theirs.

    Parameters
    ----------
    nodes : sequence of Node
        In the order of their graph.
    values : mapping of Node to ndarray
        Of all nodes.
    changed : mapping of Node to ndarray
        The other numbers.

    Returns
    -------
    dict of Node to ndarray
        Only of the nodes that are concerned.
    """
    found = dict(changed)
    with np.errstate(all="ignore"):
        for node in nodes:
            if node not in found and not is_drawn(node) and any(source in found for source in node.inputs):
                operands = (found[source] if source in found else values[source] for source in node.inputs)
                found[node] = _evaluate(node, tuple(operands))
    return found


def is_drawn(node: Node) -> bool:
    """Say whether a node draws random numbers: those that it has drawn belong to the observation."""
    return "purpose" in dict(node.params)


def _evaluate(node: Node, operands: tuple[np.ndarray, ...]) -> np.ndarray:
    params = dict(node.params)
    dtype = params.get("dtype")
    if node.op.name == "cast" and isinstance(dtype, DType) and dtype.is_float:
        return operands[0].astype(np.float64)
    result = Type(float64, node.type.shape) if node.type.dtype.is_float and operands else node.type
    return as_double(node.op.evaluate(operands, params, result))
