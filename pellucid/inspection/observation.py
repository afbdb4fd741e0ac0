"""What an observation is: every node of a graph with its formula, value and gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from types import MappingProxyType
from typing import Any

import numpy as np

from pellucid.errors import GraphError, nearest
from pellucid.graph.graph import Graph
from pellucid.html_table import html_table
from pellucid.inspection.derivatives import derive, split_derivative
from pellucid.inspection.drawing.draw import WIDEST, draw, draw_frames
from pellucid.inspection.drawing.frames import Frames
from pellucid.inspection.formula import (
    summarize,
    write_formula,
    write_name,
    write_number,
)
from pellucid.inspection.observed import ObservedNode, StepRecord, observe_node
from pellucid.inspection.summary import Summary

_LONGEST = 60
"""Longer cells of a table are cut."""

SHOWN = 6
"""Values of more elements are summarized in tables."""


@dataclass(frozen=True, eq=False)
class Observation:
    """Every node of a graph with its formula, value and gradient. Made by :func:`pellucid.observe`.

    ``observation["p"]`` is one node, by its path or an output's name; ``observation["d loss / d w"]`` is the derivative
    of a scalar with respect to a node; iteration goes from inputs to outputs; ``str(observation)`` is a table.

    Attributes
    ----------
    graph : Graph
    of : str or None
        The scalar output that gradients are of.
    nodes : mapping of str to ObservedNode
        By path, every node after its inputs.
    rows : ndarray of int64, or None
        The numbers of the examples in the dataset or table, where there are examples. They stand along the axis
        ``batch`` of values; a last mini-batch that is not full is filled up there with examples of weight 0.
    step : StepRecord or None
        Which step of a training this is, where it is one.
    """

    graph: Graph
    of: str | None
    nodes: Mapping[str, ObservedNode]
    rows: np.ndarray | None = None
    step: StepRecord | None = None

    def __getitem__(self, path: str) -> ObservedNode:
        if path in self.graph:
            return self._recorded(self.graph[path].path)
        names = split_derivative(self.graph, path)
        if names is None:
            raise GraphError(f"the graph has no node {path!r}", fix=nearest(path, [*self.nodes, *self.graph.outputs]))
        if path not in self._derived:
            self._derived[path] = self._derive(*names)
        return self._derived[path]

    def _recorded(self, path: str) -> ObservedNode:
        if path not in self.nodes:
            raise GraphError("this node was not recorded", where=path, fix=nearest(path, self.nodes))
        return self.nodes[path]

    def __contains__(self, path: str) -> bool:
        return path in self.graph or split_derivative(self.graph, path) is not None

    def __iter__(self) -> Iterator[ObservedNode]:
        return iter(self.nodes.values())

    def __len__(self) -> int:
        return len(self.nodes)

    def __reduce__(self) -> tuple:
        told = {path: one.told() for path, one in self.nodes.items()}
        step = None if self.step is None else replace(self.step, settings=dict(self.step.settings))
        return _again, (self.graph, self.of, told, self.rows, step)

    @cached_property
    def _derived(self) -> dict[str, ObservedNode]:
        return {}

    def _derive(self, of: str, wrt: str) -> ObservedNode:
        values: dict[str, Any] = {name: self._recorded(node.path).value for name, node in self.graph.inputs.items()}
        node, found = derive(self.graph, of, wrt, values)
        known = self._recorded(self.graph[wrt].path).gradient
        if known is not None and self.of is not None and self.graph[of] is self.graph[self.of]:
            found = {**found, node.path: np.asarray(known)}
        return observe_node(node, found, {})

    def value(self, path: str) -> Any:
        """Return the value of a node, before the step if it is one that a step changes."""
        return self[path].value

    def gradient(self, path: str) -> Any:
        """Return the gradient of the observed scalar with respect to a node.

        Raises
        ------
        GraphError
            Where there is no scalar, or it does not depend on the node.
        """
        seen = self[path]
        if seen.gradient is not None:
            return seen.gradient
        told = "there is no scalar to differentiate" if self.of is None else f"{self.of} does not depend on it"
        raise GraphError("no gradient", where=path, got=told)

    def update(self, path: str) -> Any:
        """Return what the observed step of a training adds to a parameter, or to a piece of the optimizer's state.

        Raises
        ------
        GraphError
            Where this is no step of a training, or the step carries nothing of this path.
        """
        if self.step is None:
            fix = "Observe a training, in a handler of its events or at a step of its timeline."
            raise GraphError("no step of a training was observed", where=path, fix=fix)
        if path not in self.step.carried:
            raise GraphError("the step does not change this", where=path, fix=nearest(path, self.step.carried))
        return np.subtract(self._recorded(self.graph.outputs[path].path).value, self._recorded(path).value)[()]

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
        told = "".join(f", {part}" for part in self._told())
        return f"<observation of {len(self)} nodes{told}>"

    def _repr_html_(self) -> str:
        head, *rows = self._table()
        return html_table(head, rows, ", ".join(self._told()) if self.rows is not None else "", code=True)

    def _told(self) -> list[str]:
        """Return what was observed: step, examples, and the scalar of the gradients."""
        told = [] if self.step is None else [str(self.step)]
        if self.rows is not None:
            listed = ", ".join(map(str, self.rows[:8].tolist())) + (", ..." if len(self.rows) > 8 else "")
            told.append(f"row {listed}" if len(self.rows) == 1 else f"{len(self.rows)} rows ({listed})")
        return told if self.of is None else [*told, f"gradients of {self.of}"]

    def draw(
        self, path: str | PathLike[str] | None = None, *, view: str = "graph", width: float = WIDEST
    ) -> str | None:
        """Draw what was observed as an SVG picture, light or dark as the reader's screen is.

        Parameters
        ----------
        path : path, optional
            Where to write the SVG file. It appears whole or not at all.
        view : {"graph", "neurons"}
            The computational graph: gates, values above the wires, gradients below, and where a wire enters a gate the
            local derivative. Or the network: of a few units, on one example, a circle for each with its value and
            gradient, and its weights on the edges, coloured by sign and as wide as they are large; of more units or
            examples, a box for each layer with shades and histograms of values, gradients and weights.
        width : float
            Of the graph, in pixels, about: wider ones go on in rows below.

        Returns
        -------
        str or None
            The SVG text where no path is given.

        Raises
        ------
        UsageError
            Where the file cannot be written, or a network is to be drawn and the graph has no layers.

        Examples
        --------
        >>> import pellucid as pl
        >>> picture = pl.observe(lambda x, y: x * y, x=2, y=3).draw()
        >>> picture.startswith("<svg"), picture.count("<title>")
        (True, 5)
        """
        return draw(self, path, view, width)

    def frames(
        self, folder: str | PathLike[str] | None = None, *, view: str = "graph", width: float = WIDEST
    ) -> Frames:
        """Draw the forward and the backward pass step by step: values appear, then gradients flow back.

        Parameters
        ----------
        folder : path, optional
            Where to write ``frame-01.svg`` and so on; made if it is not there.
        view, width
            As for :meth:`draw`.

        Returns
        -------
        Frames
            SVG texts, with `captions`; in a notebook a player with buttons and keys.

        Raises
        ------
        UsageError
            As for :meth:`draw`.

        Examples
        --------
        >>> import pellucid as pl
        >>> frames = pl.observe(lambda x, y: x * y, x=2, y=3).frames()
        >>> for caption in frames.captions:
        ...     print(f"{caption.heading}: {caption.told}")
        The inputs: x = 2, y = 3
        Forward 1 of 1: value = 2 * 3 = 6
        Backward: where it begins: d value / d value = 1
        Backward 1 of 1: back through value (multiply): 1 · 3 = 3 to x, 1 · 2 = 2 to y
        """
        return draw_frames(self, folder, view, width)

    def write_frames(self, path: str | PathLike[str], *, view: str = "graph", width: float = WIDEST) -> None:
        """Write both passes as one HTML page to be stepped through with buttons or keys; it loads nothing.

        Parameters
        ----------
        path : path
            Such as ``passes.html``. It appears whole or not at all.
        view, width
            As for :meth:`draw`.

        Raises
        ------
        UsageError
            As for :meth:`draw`.
        """
        draw_frames(self, None, view, width).write_page(path)

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
            gradient = "" if seen.gradient is None else _told_of(seen.gradient, seen.gradient_summary)
            value = _told_of(seen.value, seen.summary)
            rows.append((seen.path, _cut(formula), _cut(numbers), value, gradient))
        return rows


def _again(
    graph: Graph, of: str | None, told: Mapping[str, Any], rows: np.ndarray | None, step: StepRecord | None
) -> Observation:
    """Return an observation of its parts, as a copy or a pickle brings them."""
    nodes = {path: ObservedNode(graph[path], *parts) for path, parts in told.items()}
    step = None if step is None else replace(step, settings=MappingProxyType(dict(step.settings)))
    return Observation(graph, of, MappingProxyType(nodes), rows, step)


def _told_of(array: Any, summary: Summary | None) -> str:
    """Return a small value in full, a larger one as its type and its summary."""
    given = np.asarray(array)
    if given.size <= SHOWN or given.dtype == bool or summary is None:
        return summarize(given)
    return f"{given.dtype.name}{list(given.shape)} {summary}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
