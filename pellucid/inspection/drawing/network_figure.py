"""The picture of a network at work on one row: a few neurons as in a textbook, more of them layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

from pellucid.errors import UsageError
from pellucid.inspection.drawing.blocks import OUTPUT, PREDICTION, Block, find_blocks, find_heads
from pellucid.inspection.drawing.folded import layer_scene
from pellucid.inspection.drawing.neurons import Column, RowNames, tell_link
from pellucid.inspection.drawing.scene import Scene
from pellucid.inspection.drawing.svg import write_picture
from pellucid.inspection.drawing.textbook import neuron_scene
from pellucid.inspection.drawing.unit_columns import find_columns
from pellucid.inspection.drawing.unit_names import name_units

if TYPE_CHECKING:
    from pellucid.inspection.observation import Observation

MOST_UNITS, MOST_WEIGHTS, MOST_COLUMNS = 8, 60, 6
"""What is drawn unit by unit: so many units in each layer, weights in all, and columns of units."""


def draw_network(seen: Observation, names: RowNames, path: str | PathLike[str] | None = None) -> str | None:
    """Draw an observation of a network as :func:`network_scene` does.

    Parameters
    ----------
    seen : Observation
    names : RowNames
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
    """
    text = network_scene(seen, names).picture()
    if path is None:
        return text
    write_picture(path, text)
    return None


def network_scene(seen: Observation, names: RowNames | None = None) -> Scene:
    """Return the picture of a network at work, and its frames.

    A network of few units, on one row, is drawn as in a textbook: a circle for each unit with its value inside, the
    gradient below, the bias above, and its weights on the edges. Of a larger one, or on several rows, every layer is a
    box with the values and gradients of its units as shades of colour and histograms.

    Parameters
    ----------
    seen : Observation
        Of a graph that has layers, such as one of a model or a fit, or a network's graph.
    names : RowNames, optional
        By default the names of the inputs and outputs.

    Raises
    ------
    UsageError
        Where there are no layers in the graph.
    """
    blocks = find_blocks(seen)
    if not any(block.parameters for block in blocks if block.name != seen.of):
        fix = 'Draw it with view="graph".'
        raise UsageError("there are no layers to draw", where='view="neurons"', got=repr(seen), fix=fix)
    heads = [seen.graph.outputs[OUTPUT]] if OUTPUT in seen.graph.outputs else find_heads(seen)
    if names is None:
        names = name_units(seen, blocks, heads)
    columns = find_columns(blocks, heads, names)
    of = seen.of or ""
    if columns is None or not _is_small(columns):
        return layer_scene(blocks, names, of)
    return neuron_scene(columns, names, of, _tell_link(blocks))


def _is_small(columns: Sequence[Column]) -> bool:
    """Tell whether a network is drawn unit by unit."""
    weights = sum(0 if column.weight is None else column.weight.size for column in columns)
    units = max(len(column.values) for column in columns)
    return len(columns) <= MOST_COLUMNS and weights <= MOST_WEIGHTS and units <= MOST_UNITS


def _tell_link(blocks: Sequence[Block]) -> str:
    """Return what makes the prediction of the output units."""
    found = next((block for block in blocks if block.name == PREDICTION), None)
    return "" if found is None else tell_link(found)
