"""Where a value that is not finite came from: the node that made it, apart from those that passed it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import TrainingError
from pellucid.executors.program import compile
from pellucid.graph.graph import Graph, Node, live_nodes
from pellucid.html_table import html_table
from pellucid.ops.declare import Elementwise
from pellucid.training.usual_causes import usual_cause

FORWARD, BACKWARD, UPDATE = "forward", "backward", "update"

Values = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Origin:
    """The node that made a value that is not finite. Made by :func:`trace_origin`.

    Attributes
    ----------
    node : Node
        It made NaN or infinity out of operands that do not say so yet; or it is an input that held it from the start.
    kind : {"NaN", "infinity"}
    element : tuple of int
        Where in the node's value it stands first; empty for a scalar.
    direction : {"forward", "backward", "update"}
        On which way: to the loss, of gradients, or of the optimizer.
    operands : tuple of (str, ndarray)
        The path and the value of each of the node's inputs.
    passed_on : tuple of str
        The nodes that only passed it on, from the next one to where it was met.
    examples : ndarray of int64
        The rows responsible, numbers of the mini-batch or of the dataset; all of them where no single one is.
    single : bool
        Whether `examples` are known one by one.
    cause, remedy : str
    """

    node: Node
    kind: str
    element: tuple[int, ...]
    direction: str
    operands: tuple[tuple[str, np.ndarray], ...]
    passed_on: tuple[str, ...]
    examples: np.ndarray
    single: bool
    cause: str
    remedy: str

    @property
    def path(self) -> str:
        return self.node.path

    @property
    def place(self) -> str:
        """The node, and the element in it: ``loss/log[3, 0]``."""
        return self.path + (f"[{', '.join(map(str, self.element))}]" if self.element else "")

    def facts(self) -> list[tuple[str, str]]:
        """Return what there is to tell, each fact with its name."""
        made = "was given" if self.node.op.name == "input" else f"was made by {self.node.op.name}"
        operands = "; ".join(f"{path} = {_at(value, self.element)}" for path, value in self.operands)
        passed = " → ".join(self.passed_on[:6]) + (
            f" → ... ({len(self.passed_on)} nodes)" if self.passed_on[6:] else ""
        )
        return [
            ("origin", f"{self.kind} {made} at {self.place}, on the {self.direction} way"),
            *([("operands", operands)] if operands else []),
            ("examples", _tell_rows(self.examples, self.single)),
            ("passed on by", passed or "no other node"),
            ("usual cause", self.cause),
            ("remedy", self.remedy),
        ]

    def __str__(self) -> str:
        facts = self.facts()
        width = max(len(name) for name, _ in facts)
        return "\n".join(f"{name:{width}}  {text}" for name, text in facts)

    def _repr_html_(self) -> str:
        (_, what), *others = self.facts()
        return html_table(["origin", what], others)


def trace_origin(
    graph: Graph,
    values: Values,
    start: Node | None = None,
    *,
    rows: np.ndarray | None = None,
    what: Mapping[str, str] | None = None,
) -> Origin | None:
    """Return the node that made the first value that is not finite, or None where all are finite.

    A node made an element where it depends on no element of its inputs that is not finite; otherwise it passed it on.

    Parameters
    ----------
    graph : Graph
    values : mapping of ndarray
        Of every node, by path.
    start : Node, optional
        The search goes back from here; by default from the first node in the graph's order that is not finite.
    rows : ndarray of int, optional
        The numbers of the examples along the axis ``batch``; by default from 0.
    what : mapping of str, optional
        What an input is: ``the data``, ``a setting``, ``a parameter or state``; by its path.
    """
    node = start if start is not None else next((found for found in graph.nodes if is_bad(values, found)), None)
    if node is None or not is_bad(values, node):
        return None
    passed = []
    while not (made := _made(node, values)).any():
        passed.append(node.path)
        node = next(source for source in node.inputs if is_bad(values, source))
    value = np.asarray(values[node.path])
    operands = [np.asarray(values[source.path]) for source in node.inputs]
    element = tuple(int(index) for index in np.argwhere(made)[0])
    if node.op.name == "input":
        told = (what or {}).get(node.path, "an input")
        cause, remedy = f"{told} held it already", _remedy_of_input(told)
    else:
        cause, remedy = usual_cause(node, operands, made, value)
    examples, single = _examples(node, made, rows)
    return Origin(
        node=node,
        kind="NaN" if np.isnan(value[made]).any() else "infinity",
        element=element,
        direction=_direction(graph, node),
        operands=tuple((source.path, array) for source, array in zip(node.inputs, operands, strict=True)),
        passed_on=tuple(reversed(passed)),
        examples=examples,
        single=single,
        cause=cause,
        remedy=remedy,
    )


def explain_failure(
    graph: Graph,
    inputs: Mapping[str, Any],
    *,
    executor: str,
    where: str,
    outputs: Sequence[str],
    carried: Sequence[str],
    settings: Sequence[str],
    rows: np.ndarray,
) -> TrainingError:
    """Return the error that names the step, the node that made the first value that is not finite, and the rows.

    The graph is run again with every value kept; from the first of the outputs that is not finite the search goes back.

    Parameters
    ----------
    graph : Graph
    inputs : mapping
        What it was run with.
    executor : str
        What ran it.
    where : str
        The step.
    outputs : sequence of str
        Where to begin the search.
    carried, settings : sequence of str
        Which inputs are parameters or state, and which are settings.
    rows : ndarray of int
        The numbers of the mini-batch's examples in the dataset.
    """
    values = compile(graph, executor).observe(**inputs)
    bad = next((node for name in outputs if is_bad(values, node := graph.outputs[name])), None)
    what = {path: "the data" for path in graph.inputs}
    what |= dict.fromkeys(carried, "a parameter or state") | dict.fromkeys(settings, "a setting")
    origin = None if bad is None else trace_origin(graph, values, bad, rows=rows, what=what)
    if origin is None:
        return TrainingError("training met a value that is not finite, and not when the step was repeated", where=where)
    if origin.node.op.name == "input":
        told = f"{origin.kind}, which {what[origin.path]} held before the step"
    else:
        told = f"{origin.kind} from {origin.node.op.name}"
    shown = _listed(origin.examples)
    several = len(origin.examples) > 1
    told += f" at row{'s' if several else ''} {shown}" if origin.single else f" (mini-batch of rows {shown})"
    error = TrainingError(
        "training met a value that is not finite",
        where=f"{where}, node {origin.path!r}",
        got=told,
        fix=f"Usual cause: {origin.cause}. {origin.remedy}",
    )
    error.origin = origin
    return error


def is_bad(values: Values, node: Node) -> bool:
    """Say whether the value of a node has an element that is not finite."""
    return node.type.dtype.is_float and not np.isfinite(values[node.path]).all()


def _made(node: Node, values: Values) -> np.ndarray:
    """Return which elements of a node are not finite though nothing that they depend on was so, of its shape."""
    made = ~np.isfinite(np.asarray(values[node.path]))
    for place, source in enumerate(node.inputs):
        if made.any() and is_bad(values, source):
            made = made & ~_reached(node, place, values)
    return made


def _reached(node: Node, place: int, values: Values) -> np.ndarray:
    """Return which elements of a node depend on an element of one input that is not finite, of the node's shape."""
    bad = ~np.isfinite(np.asarray(values[node.inputs[place].path]))
    if isinstance(node.op, Elementwise):
        return np.broadcast_to(bad, np.shape(values[node.path]))
    # What is not finite becomes 1 and all else 0, the other operands 1: what comes out above 0 depends on it.
    arrays = tuple(
        (bad if index == place else np.ones(np.shape(values[source.path]))).astype(source.type.dtype.numpy)
        if source.type.dtype.is_float
        else np.asarray(values[source.path])
        for index, source in enumerate(node.inputs)
    )
    with np.errstate(all="ignore"):
        return np.asarray(node.op.evaluate(arrays, dict(node.params), node.type)) != 0


def _direction(graph: Graph, node: Node) -> str:
    if node.path.startswith("d "):
        return BACKWARD
    losses = [graph.outputs[name] for name in ("loss", "objective") if name in graph.outputs]
    return FORWARD if not losses or node in set(live_nodes(losses)) else UPDATE


def _remedy_of_input(told: str) -> str:
    if told == "a parameter or state":
        return "Look at the step before: it left this behind."
    if told == "a setting":
        return "Lower the learning rate, or whichever setting it is."
    return "Look at where it comes from: missing cells, a division by 0, a file that was read wrongly."


def _examples(node: Node, made: np.ndarray, rows: np.ndarray | None) -> tuple[np.ndarray, bool]:
    """Return the examples that a value with a row for each concerns, and whether they are known one by one."""
    shape = node.type.shape
    if not shape or getattr(shape[0], "name", None) != "batch":
        return (np.arange(0) if rows is None else np.asarray(rows)), False
    rows = np.arange(len(made)) if rows is None else np.asarray(rows)
    wrong = np.asarray(made.reshape(len(made), -1).any(axis=1))
    return np.unique(rows[wrong[: len(rows)]]), True


def _tell_rows(examples: np.ndarray, single: bool) -> str:
    if not single:
        if not len(examples):
            return "not told apart"
        return f"all of the mini-batch together: {_listed(examples)}"
    return f"row{'s' if len(examples) > 1 else ''} {_listed(examples)}"


def _at(value: np.ndarray, element: tuple[int, ...]) -> str:
    """Tell an operand: its element at this place where it has one, its extremes otherwise."""
    if value.size == 1:
        return f"{value.reshape(-1)[0]:.6g}"
    if value.ndim <= len(element):
        place = tuple(
            0 if size == 1 else index
            for size, index in zip(value.shape, element[len(element) - value.ndim :], strict=True)
        )
        if all(index < size for index, size in zip(place, value.shape, strict=True)):
            return f"{value[place]:.6g} there"
    return f"{np.min(value):.4g} to {np.max(value):.4g}"


def _listed(rows: np.ndarray) -> str:
    shown = ", ".join(map(str, rows[:8].tolist()))
    return f"{shown}, ... ({len(rows)} rows)" if len(rows) > 8 else shown
