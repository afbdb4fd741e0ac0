"""Observation: every value of a graph and the gradient of its output with respect to it, for one set of inputs."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from types import MappingProxyType
from typing import Any

import numpy as np

from pellucid.errors import GraphError, nearest
from pellucid.executors.program import ONCE, compile
from pellucid.graph.builder import build
from pellucid.graph.differentiate import differentiate
from pellucid.graph.graph import Graph, Node, live_nodes
from pellucid.inspection.draw import draw
from pellucid.inspection.formula import (
    summarize,
    write_formula,
    write_formula_with_numbers,
    write_name,
    write_number,
)
from pellucid.inspection.gradients import infer_types

_WIDEST = 60
"""Longer cells of a table are cut."""


@dataclass(frozen=True, eq=False)
class ObservedNode:
    """What one node computed.

    Attributes
    ----------
    node : Node
    value : ndarray or NumPy scalar
        Of the node's shape.
    gradient : ndarray or NumPy scalar, or None
        Of the observed output with respect to this node, of the node's shape; summed over all ways from the node to the
        output. None where the output does not depend on the node, or the node is not of a float dtype.
    formula : str
        Such as ``p = sigmoid(sum)``; constants stand in it as numbers.
    formula_with_numbers : str or None
        Such as ``p = sigmoid(1) = 0.731059``; None where a value in it has more than 4 elements.
    """

    node: Node
    value: Any
    gradient: Any
    formula: str
    formula_with_numbers: str | None

    @property
    def path(self) -> str:
        return self.node.path

    @property
    def operation(self) -> str:
        return self.node.op.name

    def __repr__(self) -> str:
        gradient = "" if self.gradient is None else f", gradient {summarize(self.gradient)}"
        return f"<{self.formula_with_numbers or self.formula + ' = ' + summarize(self.value)}{gradient}>"


@dataclass(frozen=True, eq=False)
class Observation:
    """Every node of a graph with its formula, value and gradient. Made by :func:`pellucid.observe`.

    ``observation["p"]`` is one node, by its path or an output's name; iteration goes from inputs to outputs;
    ``str(observation)`` is a table.

    Attributes
    ----------
    graph : Graph
    of : str or None
        The scalar output that gradients are of.
    nodes : mapping of str to ObservedNode
        By path, every node after its inputs.
    """

    graph: Graph
    of: str | None
    nodes: Mapping[str, ObservedNode]

    def __getitem__(self, path: str) -> ObservedNode:
        return self.nodes[self.graph[path].path]

    def __contains__(self, path: str) -> bool:
        return path in self.graph

    def __iter__(self) -> Iterator[ObservedNode]:
        return iter(self.nodes.values())

    def __len__(self) -> int:
        return len(self.nodes)

    def __str__(self) -> str:
        head, *rows = self._table()
        shown = [column for column in range(len(head)) if any(row[column] for row in rows) or column == 0]
        widths = [max(len(row[column]) for row in [head, *rows]) for column in shown]
        lines = [
            "  ".join(row[c].ljust(width) for c, width in zip(shown, widths, strict=True)) for row in [head, *rows]
        ]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join(line.rstrip() for line in lines) + "\n"

    def __repr__(self) -> str:
        return f"<observation of {len(self)} nodes" + (f", gradients of {self.of}>" if self.of else ">")

    def _repr_html_(self) -> str:
        head, *rows = ([html.escape(cell) for cell in row] for row in self._table())
        body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
        return (
            '<table style="font-family: monospace; text-align: left"><thead><tr>'
            + "".join(f"<th>{cell}</th>" for cell in head)
            + f"</tr></thead><tbody>{body}</tbody></table>"
        )

    def draw(self, path: str | PathLike[str] | None = None) -> str | None:
        """Draw the graph: values above the wires, gradients below.

        Parameters
        ----------
        path : path, optional
            Where to write the SVG file. It appears whole or not at all.

        Returns
        -------
        str or None
            The SVG text where no path is given.

        Raises
        ------
        UsageError
            Where the file cannot be written.

        Examples
        --------
        >>> import pellucid as pl
        >>> picture = pl.observe(lambda x, y: x * y, x=2, y=3).draw()
        >>> picture.startswith("<svg"), picture.count("<title>")
        (True, 5)
        """
        return draw(self, path)

    def _table(self) -> list[tuple[str, str, str, str, str]]:
        """Return the head and a row for each node but for constants that stand in the formulas."""
        rows = [("node", "formula", "with numbers", "value", f"d {self.of} / d node" if self.of else "")]
        outputs = set(self.graph.outputs.values())
        for seen in self:
            name = write_name(seen.path)
            if seen.operation == "constant" and write_number(seen.value) is not None and seen.node not in outputs:
                continue
            numbers = ""
            if seen.formula_with_numbers is not None and seen.node.inputs:
                numbers = seen.formula_with_numbers.removeprefix(f"{name} = ").rpartition(" = ")[0]
            formula = seen.formula.removeprefix(f"{name} = ") if seen.node.inputs else write_formula(seen.node)
            gradient = "" if seen.gradient is None else summarize(seen.gradient)
            rows.append((seen.path, _cut(formula), _cut(numbers), summarize(seen.value), gradient))
        return rows


def observe(
    function_or_graph: Callable[..., Any] | Graph,
    /,
    of: str | None = None,
    executor: str = ONCE,
    **inputs: Any,
) -> Observation:
    """Compute every value of a graph, and the gradient of its output with respect to every one of them.

    Parameters
    ----------
    function_or_graph : callable or Graph
        A function as :func:`pellucid.build` takes it, or a graph.
    of : str, optional
        The scalar output to take gradients of. Needed only where there are several.
    executor : {"native", "interpret"}
        What computes the values.
    **inputs
        A value for each argument or input. For a function they give the types too: arrays keep their dtype; Python
        numbers, and lists of them, whole or not, are float64 (truth values are bool). Pass an array where whole
        numbers are meant, as for the index of a class.

    Returns
    -------
    Observation
        With values only where the graph has no scalar output of a float dtype.

    Raises
    ------
    GraphError
        Where inputs do not fit, or there are several scalar outputs and `of` does not say which one.

    Examples
    --------
    >>> import pellucid as pl
    >>> def loss(w, x, y):
    ...     p = pl.sigmoid(pl.sum(w * x))
    ...     return -(y * pl.log(p) + (1 - y) * pl.log(1 - p))
    >>> seen = pl.observe(loss, w=[-3, 2, -3], x=[1, -1, -2], y=1.0)
    >>> seen["p"].formula_with_numbers
    'p = sigmoid(1) = 0.731059'
    >>> print(seen["w"].gradient)
    [-0.26894142  0.26894142  0.53788284]
    """
    if isinstance(function_or_graph, Graph):
        graph = function_or_graph
    else:
        graph = build(function_or_graph, **infer_types(inputs))
    of = _choose_output(graph, of)
    values = compile(graph, executor).observe(**inputs)
    gradients: Mapping[str, np.ndarray] = {}
    if of is not None:
        wrt = [node.path for node in live_nodes([graph.outputs[of]]) if node.type.dtype.is_float]
        computed = compile(differentiate(graph, wrt, of), executor)(**inputs)
        gradients = {path: computed[f"d {of} / d {path}"] for path in wrt}
    nodes = {node.path: _observe_node(node, values, gradients) for node in graph.nodes}
    return Observation(graph, of, MappingProxyType(nodes))


def _choose_output(graph: Graph, of: str | None) -> str | None:
    scalars = [name for name, node in graph.outputs.items() if node.type.dtype.is_float and not node.type.shape]
    if of is not None and of not in graph.outputs:
        raise GraphError(f"the graph has no output {of!r}", fix=nearest(of, graph.outputs))
    if of is not None and of not in scalars:
        expected = "a scalar of a float dtype" + (f": {' or '.join(scalars)}" if scalars else "")
        raise GraphError("no gradients of this output", where=of, got=str(graph.outputs[of].type), expected=expected)
    if of is None and len(scalars) > 1:
        fix = f'Say which one, as in observe(..., of="{scalars[-1]}").'
        raise GraphError("gradients of which output?", got=", ".join(scalars), expected="one", fix=fix)
    return of or (scalars[0] if scalars else None)


def _observe_node(node: Node, values: Mapping[str, Any], gradients: Mapping[str, Any]) -> ObservedNode:
    name, value = write_name(node.path), values[node.path][()]
    formula = f"{name}: {node.type}" if node.op.name == "input" else f"{name} = {write_formula(node)}"
    with_numbers = write_formula_with_numbers(node, values)
    if with_numbers is not None:
        with_numbers = f"{name} = {with_numbers} = {summarize(value)}"
    elif not node.inputs and write_number(value) is not None:
        with_numbers = f"{name} = {summarize(value)}"
    gradient = gradients[node.path][()] if node.path in gradients else None
    return ObservedNode(node, value, gradient, formula, with_numbers)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
