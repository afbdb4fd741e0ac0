"""The picture of a network at work on one row: a few neurons as in a textbook, more of them layer by layer."""

from __future__ import annotations

from os import PathLike

from pellucid.inspection.blocks import OUTPUT, PREDICTION, Block, find_blocks
from pellucid.inspection.folded import paint_layers
from pellucid.inspection.neurons import RowNames, find_columns, tell_link
from pellucid.inspection.observe import Observation
from pellucid.inspection.svg import write_picture
from pellucid.inspection.textbook import paint_neurons

MOST_UNITS, MOST_WEIGHTS, MOST_COLUMNS = 8, 60, 6
"""What is drawn unit by unit: so many units in each layer, weights in all, and columns of units."""


def draw_network(seen: Observation, names: RowNames, path: str | PathLike[str] | None = None) -> str | None:
    """Draw a model's observation of one row.

    A network of few units is drawn as in a textbook: a circle for each unit with its value inside, the gradient below,
    the bias above, and its weights on the edges. Of a larger one every layer is a box with the values and gradients of
    its units as shades of colour.

    Parameters
    ----------
    seen : Observation
        Of a graph that ``Model.observation`` made for one row.
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
    blocks = find_blocks(seen)
    columns = find_columns(blocks, seen.graph.outputs[OUTPUT], names)
    small = columns is not None and len(columns) <= MOST_COLUMNS
    if columns is not None and small:
        weights = sum(0 if column.weight is None else column.weight.size for column in columns)
        small = weights <= MOST_WEIGHTS and max(len(column.values) for column in columns) <= MOST_UNITS
    if columns is not None and small:
        text = paint_neurons(columns, names, str(seen.of), _tell_link(blocks))
    else:
        text = paint_layers(blocks, names, str(seen.of))
    if path is None:
        return text
    write_picture(path, text)
    return None


def _tell_link(blocks: list[Block]) -> str:
    """Return what makes the prediction of the output units."""
    found = next((block for block in blocks if block.name == PREDICTION), None)
    return "" if found is None else tell_link(found)
