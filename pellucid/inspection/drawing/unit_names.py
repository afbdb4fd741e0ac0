"""What the units of a network are called where no table says so: after its inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pellucid.graph.graph import Node
from pellucid.inspection.drawing.blocks import PREDICTION, Block
from pellucid.inspection.drawing.neurons import RowNames
from pellucid.inspection.drawing.svg import write_short
from pellucid.inspection.formula import summarize

if TYPE_CHECKING:
    from pellucid.inspection.observation import Observation

TARGET = "target"


def name_units(seen: Observation, blocks: Sequence[Block], heads: Sequence[Node]) -> RowNames:
    """Return names for an observation: ``x 1`` for the first unit of an input ``x``, and so on.

    Parameters
    ----------
    seen : Observation
    blocks : sequence of Block
    heads : sequence of Node
        What the network gives.
    """
    taken = next((block.taken for block in blocks if block.taken is not None), None)
    units = [] if taken is None else _name_parts(taken.node)
    called = {node: name for name, node in reversed(list(seen.graph.outputs.items()))}
    outputs = [name for head in heads for name in _number(called.get(head, head.path), head.type.shape[-1])]
    return RowNames(
        title=_tell_subject(seen),
        features=tuple((name, "") for name in units),
        outputs=tuple(outputs),
        predicted=_tell_prediction(seen, blocks),
        summary=_tell_scalar(seen),
        of_table=False,
    )


def _name_parts(node: Node) -> list[str]:
    """Return the names of the numbers in a node: those of the inputs that were put together."""
    if node.op.name == "concatenate":
        return [name for source in node.inputs for name in _name_parts(source)]
    return _number(node.path.rpartition("/")[0] or node.path, node.type.shape[-1] if node.type.ndim else 1)


def _number(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name} {place + 1}" for place in range(count)]


def _tell_subject(seen: Observation) -> str:
    told = "" if seen.step is None else str(seen.step)
    if seen.rows is None or not len(seen.rows):
        return told.capitalize() or "A network at work"
    rows = f"row {seen.rows[0]}" if len(seen.rows) == 1 else f"{len(seen.rows):,} rows"
    return f"{told}, {rows}".removeprefix(", ").capitalize()


def _tell_prediction(seen: Observation, blocks: Sequence[Block]) -> tuple[tuple[str, str], ...]:
    if PREDICTION not in seen.graph.outputs or not any(block.name == PREDICTION for block in blocks):
        return ()
    found = np.asarray(seen[PREDICTION].value)
    if found.ndim < 2 or len(found) != 1:
        return ()
    names = _number(PREDICTION, found.size)
    return tuple((name, write_short(float(number))) for name, number in zip(names, found.ravel(), strict=True))


def _tell_scalar(seen: Observation) -> tuple[str, ...]:
    lines = [f"{TARGET} {summarize(seen[TARGET].value, 4)}"] if TARGET in seen else []
    if seen.of is not None:
        lines.append(f"{seen.of} {summarize(seen[seen.of].value)}; gradients are of it.")
    return tuple(lines)
