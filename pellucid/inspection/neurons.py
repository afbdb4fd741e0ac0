"""Which units a small network has, column by column, and what connects them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pellucid.graph.graph import Node
from pellucid.inspection.blocks import Block
from pellucid.inspection.observe import ObservedNode

LINKS = ("softmax", "sigmoid", "exp")

STRUCTURAL = ("contraction", "add", "reshape", "cast", "concatenate", "broadcast")


@dataclass(frozen=True, eq=False)
class RowNames:
    """What a model's numbers for one row are called.

    Attributes
    ----------
    title : str
        Which row it is.
    features : tuple of (str, str)
        The name of each encoded feature, and the cell that it comes from; of one that says whether something holds,
        ``yes`` or ``no``.
    outputs : tuple of str
        The names of the output units.
    predicted : tuple of (str, str)
        What each number of the prediction is, and the number in its own unit.
    summary : tuple of str
        What came of it, in lines: prediction, truth, loss.
    embedded : tuple of (str, str)
        The same of the numbers that stand behind the features: those of embedded categories.
    probabilities : bool
        Whether the prediction is probabilities.
    gradients : ndarray, [features], or None
        Of the loss or score with respect to each feature.
    categories : tuple of (str, str)
        The names of the columns whose categories are embedded, and their cells.
    """

    title: str
    features: tuple[tuple[str, str], ...]
    outputs: tuple[str, ...]
    predicted: tuple[tuple[str, str], ...]
    summary: tuple[str, ...]
    embedded: tuple[tuple[str, str], ...] = ()
    probabilities: bool = False
    gradients: np.ndarray | None = None
    categories: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Column:
    """Units that are computed together.

    Attributes
    ----------
    title, caption : str
        The layer's name, and what it does with its sums.
    names, notes : tuple of str
        Of each unit, or nothing.
    values : ndarray, [units]
    gradients : ndarray, [units], or None
    weight : ndarray, [units of the column before, units], or None
        None where each unit takes the one beside it.
    bias : ndarray, [units], or None
    bypass : tuple of int
        Earlier columns whose units are added to these.
    repeated : int
        How many of the last units stand in an earlier column already: this layer passes them on.
    """

    title: str
    caption: str
    names: tuple[str, ...]
    notes: tuple[str, ...]
    values: np.ndarray
    gradients: np.ndarray | None
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    bypass: tuple[int, ...] = ()
    repeated: int = 0


def find_columns(blocks: Sequence[Block], output: Node, names: RowNames) -> list[Column] | None:
    """Return the columns of units from the features to the output; None where the network is no chain of layers."""
    first = next((place for place, block in enumerate(blocks) if block.taken is not None), None)
    if first is None:
        return None
    taken = blocks[first].taken
    assert taken is not None
    columns = [_input_column(taken, (*names.features, *names.embedded))]
    place_of = {taken.node: 0}
    for block in blocks[first:]:
        joined = _join(block, place_of, columns)
        if joined is not None:
            columns[-1] = joined
            place_of[block.main.node] = len(columns) - 1
            continue
        column = _column(block, place_of, columns)
        if column is None:
            return None
        is_output = block.main.node is output
        if column.weight is None and not column.bypass and len(columns) > 1:
            # A unit normalizes and activates its sum itself.
            place_of = {node: place for node, place in place_of.items() if place < len(columns) - 1}
            column = _merge(columns.pop(), column)
        place_of[block.main.node] = len(columns)
        columns.append(_named(column, names.outputs) if is_output else column)
        if is_output:
            return columns
    return None


def describe_activation(block: Block) -> str:
    """Return what a layer does behind its sums, such as ``tanh``; nothing where that is all."""
    layer = re.sub(r"_\d+$", "", block.name.rpartition("/")[2])
    if len(block.operations) > 1 and layer != "dense":
        return layer.replace("_", " ")
    return " ".join(name for name in block.operations if name not in STRUCTURAL)


def tell_link(block: Block) -> str:
    """Return what makes the prediction of the output units, such as ``softmax``; nothing where they are it."""
    names = [name for name in block.operations if name in LINKS]
    return names[0] if names else "× scale + mean" if "multiply" in block.operations else ""


def units_of(seen: ObservedNode) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a node's values and gradients for its row, [units] each."""
    values = np.asarray(seen.value, np.float64).reshape(-1)
    return values, None if seen.gradient is None else np.asarray(seen.gradient, np.float64).reshape(-1)


def _input_column(taken: ObservedNode, features: Sequence[tuple[str, str]]) -> Column:
    values, gradients = units_of(taken)
    named = list(features)[: len(values)]
    named += [(f"x {place + 1}", "") for place in range(len(named), len(values))]
    return Column("inputs", "", tuple(n for n, _ in named), tuple(c for _, c in named), values, gradients)


def _join(block: Block, place_of: dict[Node, int], columns: Sequence[Column]) -> Column | None:
    """Return the last column with the units of earlier ones repeated behind it, where a block puts them together."""
    sources = list(block.main.node.inputs)
    if block.operations != ("concatenate",) or any(source not in place_of for source in sources):
        return None
    last, others = columns[-1], [columns[place_of[source]] for source in sources[1:]]
    if place_of[sources[0]] != len(columns) - 1 or last.repeated:
        return None
    extra = [name for column in others for name in column.names]
    return replace(
        last,
        names=(*last.names, *extra),
        notes=(*last.notes, *[""] * len(extra)),
        values=np.concatenate([last.values, *(column.values for column in others)]),
        repeated=len(extra),
    )


def _column(block: Block, place_of: dict[Node, int], columns: Sequence[Column]) -> Column | None:
    if np.asarray(block.main.value).ndim != 2:
        return None
    values, gradients = units_of(block.main)
    blank = ("",) * len(values)
    caption, last = describe_activation(block), len(columns) - 1
    if block.weight is not None and block.taken is not None:
        if place_of.get(block.taken.node) != last:
            return None
        return Column(block.name, caption, blank, blank, values, gradients, block.weight, block.bias)
    sources = [place_of.get(source) for source in _sources_outside(block)]
    if None in sources or last not in sources:
        return None
    if any(len(columns[place or 0].values) != len(values) for place in sources):
        return None
    bypass = tuple(place for place in sources if place is not None and place != last)
    caption = "sum" if bypass and "add" in block.operations else caption
    return Column(block.name, caption, blank, blank, values, gradients, bypass=bypass)


def _merge(before: Column, column: Column) -> Column:
    """Return a column with what is computed of each of its units put into it."""
    caption = ", ".join(filter(None, [before.caption, column.caption]))
    return replace(before, caption=caption, values=column.values, gradients=column.gradients)


def _sources_outside(block: Block) -> list[Node]:
    """Return what a block takes from other blocks, each once."""
    inside: set[Node] = set()
    parameters = {parameter.node for parameter in block.parameters}
    found: dict[Node, None] = {}
    waiting = [block.main.node]
    while waiting:
        node = waiting.pop()
        for source in node.inputs:
            own = source.path.rpartition("/")[0] == block.name
            if source in parameters or source.op.name == "constant" or source in inside:
                continue
            if own:
                inside.add(source)
                waiting.append(source)
            else:
                found[source] = None
    return list(found)


def _named(column: Column, names: Sequence[str]) -> Column:
    fitting = tuple(names) if len(names) == len(column.values) else column.names
    return replace(column, names=fitting)
