"""What to show of an observed graph: gates with their symbols, names and numbers, small constants inside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.graph.graph import Node
from pellucid.inspection.drawing.local import Slopes
from pellucid.inspection.formula import TINY, constant_of, summarize, write_number

if TYPE_CHECKING:
    from pellucid.inspection.observation import Observation, ObservedNode

SYMBOLS = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "negative": "−",
    "sum": "Σ",
    "sigmoid": "σ",
    "sqrt": "√",
    "contraction": "@",
    "absolute": "|x|",
    "maximum": "max",
    "minimum": "min",
    "select": "if",
    "less": "<",
    "less_equal": "≤",
    "greater": ">",
    "greater_equal": "≥",
    "equal": "=",
    "not_equal": "≠",
    "logical_and": "∧",
    "logical_or": "∨",
    "logical_not": "¬",
}
"""What stands in a gate; other operations stand with their names."""

COMMUTATIVE = {"add", "multiply", "maximum", "minimum", "equal", "not_equal", "logical_and", "logical_or"}
"""Whose wires may enter in any order; all others take their first operand at the top."""

_WITH_LEFT = {"subtract": "{} −", "divide": "{}/x", "power": "{}^x"}
_WITH_RIGHT = {"power": "x^{}"}
_RAISED = {"2": "x²", "3": "x³", "−1": "1/x", "0.5": "√"}
NONE: Mapping[Node, Slopes] = MappingProxyType({})

_DIGITS = 4
_LONGEST = 28
_IN_FULL = 64


@dataclass(frozen=True)
class Vertex:
    """One thing to be drawn, with its wire to the right.

    Attributes
    ----------
    kind : {"input", "gate", "output"}
    label : str
        What stands in it.
    caption : str
        The name below it, or nothing.
    value, gradient : str
        What stands above and below its wire, or nothing.
    title : str
        All that is known of it, in lines.
    summarized : bool
        Whether its value is told by mean and standard deviation.
    ordered : bool
        Whether the order of its operands matters.
    slopes : tuple of str
        Its local derivative by each of the operands whose wires enter it, in their order; or nothing.
    node : Node, optional
        What it shows; None for outputs and markers.
    """

    kind: str
    label: str
    caption: str
    value: str
    gradient: str
    title: str
    summarized: bool = False
    ordered: bool = False
    slopes: tuple[str, ...] = ()
    node: Node | None = None


def show(observation: Observation, slopes: Mapping[Node, Slopes] = NONE) -> tuple[list[Vertex], list[tuple[int, int]]]:
    """Return the vertices of the picture, in topological order, and its edges as pairs of their places.

    Parameters
    ----------
    observation : Observation
    slopes : mapping of Node to arrays
        The local derivatives to be told; see :func:`pellucid.inspection.drawing.local.local_derivatives`.
    """
    graph = observation.graph
    drawn = {node: [s for s in node.inputs if not _folds(s, node)] for node in graph.nodes}
    needed = {source for sources in drawn.values() for source in sources} | set(graph.outputs.values())
    vertices: list[Vertex] = []
    edges: list[tuple[int, int]] = []
    place: dict[Node, int] = {}
    for seen in observation:
        node = seen.node
        if node.op.name == "constant" and node not in needed:
            continue
        place[node] = len(vertices)
        edges += [(place[source], place[node]) for source in drawn[node]]
        vertices.append(_vertex(seen, observation, _write_slopes(node, slopes.get(node))))
    for name, node in graph.outputs.items():
        edges.append((place[node], len(vertices)))
        title = f"output {name}\n{_describe(observation[node.path])}"
        vertices.append(Vertex("output", shorten(name), "", "", "", title))
    return vertices, edges


def _folds(source: Node, consumer: Node) -> bool:
    """Tell whether a constant is told in its consumer's label instead of being drawn."""
    return _is_small(source) and not all(map(_is_small, consumer.inputs))


def _is_small(node: Node) -> bool:
    return node.op.name == "constant" and node.type.size <= TINY and len(_number(constant_of(node))) <= 12


def _write_slopes(node: Node, slopes: Slopes | None) -> tuple[str, ...]:
    """Return the derivatives by those operands of a gate whose wires enter it."""
    if slopes is None:
        return ()
    entering = [slope for source, slope in zip(node.inputs, slopes, strict=True) if not _folds(source, node)]
    return tuple("" if slope is None else f"∂ {_write_slope(slope)}" for slope in entering)


def _write_slope(slope: np.ndarray) -> str:
    """Return a local derivative in few letters; one number where it is everywhere the same."""
    first = slope.ravel()[:1]
    if slope.size and (slope == first).all():
        return _number(first[0], 3)
    return _number(slope, 3) if slope.size <= TINY else _write(slope, typed=False)[0]


def _vertex(seen: ObservedNode, observation: Observation, slopes: tuple[str, ...]) -> Vertex:
    node = seen.node
    kind = "gate" if node.inputs else "input"
    if node.op.name == "constant":
        label, caption = _write(seen.value)[0] if node.type.size <= TINY else str(node.type), ""
    elif kind == "input":
        label, caption = shorten(node.path), ""
    else:
        label, caption = _label(node), "" if node.path in observation.graph.outputs else _caption(node)
    value, summarized = _write(seen.value)
    gradient = "" if seen.gradient is None else _write(seen.gradient, typed=False)[0]
    if node.op.name == "constant" and node.type.size <= TINY:
        value = ""
    ordered = kind == "gate" and node.op.name not in COMMUTATIVE
    return Vertex(kind, label, caption, value, gradient, _describe(seen), summarized, ordered, slopes, node)


def _label(node: Node) -> str:
    """Return what stands in a gate: the operation, and the constants that are folded into it."""
    name, symbol = node.op.name, SYMBOLS.get(node.op.name, node.op.name)
    operands = [_number(constant_of(source)) if _folds(source, node) else None for source in node.inputs]
    numbers = [number for number in operands if number is not None]
    if not numbers:
        return shorten(symbol)
    on_left = operands[0] is not None
    number = numbers[0]
    if name == "power" and not on_left and number in _RAISED:
        return _RAISED[number]
    if name == "add" and number.startswith("−"):
        return f"− {number[1:]}"
    form = (_WITH_LEFT if on_left else _WITH_RIGHT).get(name)
    if form is not None:
        return form.format(number)
    if name in COMMUTATIVE and len(symbol) == 1:
        return f"{symbol} {number}"
    if len(operands) == 2 and len(symbol) == 1:
        return f"{number} {symbol}" if on_left else f"{symbol} {number}"
    return shorten(f"{symbol}({', '.join(operand or '·' for operand in operands)})")


def _caption(node: Node) -> str:
    """Return the name of a gate, unless it is only that of its operation."""
    last = node.path.rpartition("/")[2]
    return "" if re.fullmatch(re.escape(node.op.name) + r"(_\d+)?", last) else shorten(node.path)


def shorten(name: str) -> str:
    """Return a name on one line, its beginning left out where it is long."""
    name = " ".join(name.split())
    return name if len(name) <= _LONGEST else "…" + name[1 - _LONGEST :]


def _write(value: Any, typed: bool = True) -> tuple[str, bool]:
    """Return a small value in numbers or a larger one as its type, mean and standard deviation, and which it was."""
    array = np.asarray(value)
    if array.size <= TINY:
        return _number(array), False
    with np.errstate(all="ignore"):
        mean, spread = array.mean(dtype=np.float64), array.std(dtype=np.float64)
    told = f"{_number(mean, 3)} ± {_number(spread, 3)}"
    return (f"{array.dtype.name}{list(array.shape)} {told}" if typed else told), True


def _number(array: Any, digits: int = _DIGITS) -> str:
    written = write_number(array, digits)
    array = np.asarray(array)
    return (written if written is not None else f"{array.dtype.name}{list(array.shape)}").replace("-", "−")


def _describe(seen: ObservedNode) -> str:
    """Return a node's path, formula and numbers in full, one a line."""
    lines = [seen.path, seen.formula]
    if seen.formula_with_numbers:
        lines.append(seen.formula_with_numbers)
    lines.append(f"value {_in_full(seen.value)}")
    if seen.gradient is not None:
        lines.append(f"gradient {_in_full(seen.gradient)}")
    return "\n".join(lines)


def _in_full(value: Any) -> str:
    array = np.asarray(value)
    return str(array.tolist()) if array.size <= _IN_FULL else summarize(array)
