"""The units of a small network, column by column, and what connects them, found in its graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pellucid.graph.graph import Node
from pellucid.inspection.drawing.blocks import Block
from pellucid.inspection.drawing.neurons import Column, RowNames, describe_activation, rows_of, units_of

if TYPE_CHECKING:
    from pellucid.inspection.observation import ObservedNode

Unit = tuple[int, int]
"""A column and a place in it."""


def find_columns(blocks: Sequence[Block], heads: Sequence[Node], names: RowNames) -> list[Column] | None:
    """Return the columns of units from the features to the output units.

    Units that a later layer takes too are repeated beside its nearer ones. Several outputs of the network stand in one
    column, if they take the same units. None where the network is no chain of layers, or several rows were observed.

    Parameters
    ----------
    blocks : sequence of Block
    heads : sequence of Node
        What the network gives.
    names : RowNames
    """
    first = next((place for place, block in enumerate(blocks) if block.taken is not None), None)
    if first is None or any(len(rows_of(block.main)[0]) > 1 for block in blocks):
        return None
    taken = blocks[first].taken
    assert taken is not None
    columns = [_input_column(taken, (*names.features, *names.embedded))]
    units: dict[Node, list[Unit]] = {taken.node: _all_of(columns, 0)}
    for block in blocks[first:]:
        if _trace(block.main.node, units) is None and not _add(block, columns, units):
            return None
        traced = [_trace(head, units) for head in heads]
        found = [unit for part in traced if part is not None for unit in part]
        if heads and None not in traced and sorted(found) == _all_of(columns, len(columns) - 1):
            columns[-1] = _named(columns[-1], [place for _, place in found], names.outputs)
            return columns
    return None


def _input_column(taken: ObservedNode, features: Sequence[tuple[str, str]]) -> Column:
    values, gradients = units_of(taken)
    named = [(_one_line(name), _one_line(cell)) for name, cell in features[: len(values)]]
    named += [(f"x {place + 1}", "") for place in range(len(named), len(values))]
    return Column("inputs", "", tuple(n for n, _ in named), tuple(c for _, c in named), values, gradients)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _all_of(columns: Sequence[Column], place: int) -> list[Unit]:
    return [(place, unit) for unit in range(len(columns[place].values))]


def _trace(node: Node, units: Mapping[Node, list[Unit]]) -> list[Unit] | None:
    """Return the units that a node's numbers are, where it only puts units together or takes some of them."""
    if node in units:
        return units[node]
    if node.op.name not in ("concatenate", "slice"):
        return None
    parts = [_trace(source, units) for source in node.inputs]
    params, last = dict(node.params), node.type.ndim - 1
    if None in parts or params.get("axis", last) != last:
        return None
    together = [unit for part in parts if part is not None for unit in part]
    if node.op.name == "concatenate":
        return together
    if params["axes"] != (last,):
        return None
    (start,), (size,), (step,) = params["start"], params["size"], params["step"]
    return [together[start + step * place] for place in range(size)]


def _add(block: Block, columns: list[Column], units: dict[Node, list[Unit]]) -> bool:
    """Add what a block computes to the columns; say whether it is a layer of units."""
    if np.ndim(block.main.value) not in (1, 2):
        return False
    if block.weight is not None and block.taken is not None:
        return _add_dense(block, columns, units)
    if "contraction" in block.operations:
        return False
    sources = [_whole(_trace(source, units), columns) for source in _sources_outside(block)]
    last = len(columns) - 1
    values, gradients = units_of(block.main)
    if last not in sources or any(place is None or len(columns[place].values) != len(values) for place in sources):
        return False
    bypass = tuple(place for place in sources if place is not None and place != last)
    caption = "sum" if bypass and "add" in block.operations else describe_activation(block)
    if not bypass and last:
        # A unit normalizes and activates its sum itself.
        for node in [node for node, found in units.items() if any(place == last for place, _ in found)]:
            del units[node]
        caption = ", ".join(filter(None, [columns[last].caption, caption]))
        columns[last] = replace(columns[last], caption=caption, values=values, gradients=gradients)
    else:
        blank = ("",) * len(values)
        columns.append(Column(block.name, caption, blank, blank, values, gradients, bypass=bypass))
    units[block.main.node] = _all_of(columns, len(columns) - 1)
    return True


def _add_dense(block: Block, columns: list[Column], units: dict[Node, list[Unit]]) -> bool:
    """Add a dense layer: as a column of its own, or beside the last one if both take the same units."""
    assert block.taken is not None and block.weight is not None
    taken = _trace(block.taken.node, units)
    if taken is None:
        return False
    before = max(place for place, _ in taken)
    last = len(columns) - 1
    beside = before == last - 1 and columns[last].weight is not None and not columns[last].repeated
    if before != last and not beside:
        return False
    if beside and any(place != before for place, _ in taken):
        return False
    given = columns[before]
    own = len(given.values) - given.repeated
    places = {unit: unit[1] for unit in taken if unit[0] == before}
    if not beside:
        used = [True] * len(taken) if block.mask is None else (block.mask != 0).any(axis=1).tolist()
        others = list(dict.fromkeys(u for u, there in zip(taken, used, strict=True) if there and u[0] != before))
        places |= {unit: own + place for place, unit in enumerate(others)}
        columns[before] = given = _repeat(columns, before, others)
    weight = np.zeros((len(given.values), block.weight.shape[1]))
    linked = np.zeros(weight.shape, bool)
    for row, unit in enumerate(taken):
        if unit not in places:
            continue
        weight[places[unit]] += block.weight[row]
        linked[places[unit]] |= True if block.mask is None else block.mask[row] != 0
    values, gradients = units_of(block.main)
    blank = ("",) * len(values)
    caption = describe_activation(block)
    column = Column(block.name, caption, blank, blank, values, gradients, weight, block.bias, linked=linked)
    first = 0
    if beside:
        first = len(columns[last].values)
        columns[last] = _beside(columns[last], column)
    else:
        columns.append(column)
    units[block.main.node] = [(len(columns) - 1, first + place) for place in range(len(values))]
    return True


def _repeat(columns: Sequence[Column], place: int, others: Sequence[Unit]) -> Column:
    """Return a column with units of earlier ones repeated behind its own."""
    column = columns[place]
    extra = [columns[at].names[unit] or f"{columns[at].title} unit {unit + 1}" for at, unit in others]
    return replace(
        column,
        names=(*column.names, *extra),
        notes=(*column.notes, *[""] * len(extra)),
        values=np.concatenate([column.values, [columns[at].values[unit] for at, unit in others]]),
        repeated=len(extra),
    )


def _whole(found: list[Unit] | None, columns: Sequence[Column]) -> int | None:
    """Return the column whose units, all of them and in order, these are."""
    if not found or found != _all_of(columns, found[0][0]):
        return None
    return found[0][0]


def _beside(one: Column, other: Column) -> Column:
    """Return the units of two layers that take the same units as those of one."""
    assert one.weight is not None and other.weight is not None
    assert one.linked is not None and other.linked is not None
    biases = [np.zeros(len(c.values)) if c.bias is None else c.bias for c in (one, other)]
    gradients = [np.full(len(c.values), np.nan) if c.gradients is None else c.gradients for c in (one, other)]
    captions = list(dict.fromkeys([one.caption, other.caption]))
    return replace(
        one,
        title=f"{one.title}, {other.title}",
        caption=captions[0] if len(captions) == 1 else " / ".join(caption or "linear" for caption in captions),
        names=one.names + other.names,
        notes=one.notes + other.notes,
        values=np.concatenate([one.values, other.values]),
        gradients=None if one.gradients is None and other.gradients is None else np.concatenate(gradients),
        weight=np.concatenate([one.weight, other.weight], axis=1),
        linked=np.concatenate([one.linked, other.linked], axis=1),
        bias=None if one.bias is None and other.bias is None else np.concatenate(biases),
    )


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


def _named(column: Column, places: Sequence[int], names: Sequence[str]) -> Column:
    """Return the column of the output units with their names, which are given in the order of the outputs."""
    if len(names) != len(column.values):
        return column
    called = dict(zip(places, names, strict=True))
    return replace(column, names=tuple(called[place] for place in range(len(names))))
