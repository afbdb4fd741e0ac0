"""What is said of the layers of a large network, each in a box: words, shades and histograms, or named numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pellucid.inspection.drawing.blocks import CELLS, ENCODERS, OUTPUT, PREDICTION, Block
from pellucid.inspection.drawing.histograms import HEIGHT, Histogram, count_numbers
from pellucid.inspection.drawing.neurons import RowNames, describe_activation, rows_of, tell_link
from pellucid.inspection.drawing.svg import write_short

NAME, NUMBER, SMALL = 14.0, 12.0, 11.0
"""Sizes of letters: of layers' names, of what is said of them, and in their pictures."""

ACROSS, CELL, MOST_CELLS = 32, 9.0, 256
"""Shades in a line, how wide and high each is, and how many there are at most."""

MOST_NAMED, MOST_CATEGORIES = 8, 4
FEWEST = 5
"""Numbers for a histogram."""

NAME_AND_CELL, OF_CELL = 40, 14
"""Of so many letters are a feature's name and its cell together, and the cell alone, at most."""


@dataclass(frozen=True)
class Strip:
    """Numbers of a layer, to be shown as shades of colour and as a histogram.

    Attributes
    ----------
    kind : {"value", "gradient"}
    told : str
        What they are, with the least and the greatest of them.
    shades : ndarray, [cells]
        One for each cell, of one unit or the mean of several; none where only the histogram is shown.
    histogram : Histogram or None
        None where there are too few numbers for one.
    """

    kind: str
    told: str
    shades: np.ndarray
    histogram: Histogram | None

    @property
    def height(self) -> float:
        shades = math.ceil(len(self.shades) / ACROSS) * CELL
        return 1.7 * SMALL + shades + (HEIGHT + 12.0 if self.histogram is not None else 4.0)


@dataclass(frozen=True)
class Box:
    """What is said of one layer.

    Attributes
    ----------
    kind : {"input", "layer", "output"}
    name : str
    lines : tuple of str
    strips : tuple of tuple of Strip
        In lines, beside each other: values and their gradients.
    rows : tuple of (str, str, float)
        Named numbers, each with how much of a bar it fills.
    sources : tuple of int
    """

    kind: str
    name: str
    lines: tuple[str, ...]
    strips: tuple[tuple[Strip, ...], ...]
    rows: tuple[tuple[str, str, float], ...]
    sources: tuple[int, ...]

    @property
    def height(self) -> float:
        strips = sum(max(strip.height for strip in line) for line in self.strips)
        words = 1.7 * NAME + len(self.lines) * 1.45 * NUMBER
        right = strips if not self.rows else len(self.rows) * 1.6 * NUMBER + 4.0
        return max(words, right) + 20.0


def make_box(block: Block, names: RowNames, of: str) -> Box:
    """Return what is said of a block; `of` is what gradients are of."""
    if block.name == CELLS and names.of_table:
        return _cells_box(block, names, of)
    if block.name == of:
        told = f"{_cut_within(of, 24)} {write_short(float(np.asarray(block.main.value).sum()))}"
        return Box("output", of, (told,), (), (), block.sources)
    values, gradients = rows_of(block.main)
    lines = _tell_block(block, values.shape[1])
    if len(values) > 1:
        lines = (*lines, f"{len(values):,} examples")
    if any(seen.path == OUTPUT for seen in block.given):
        lines = ("output of the network", *lines)
    if block.name == PREDICTION and names.predicted:
        return Box("output", block.name, lines, (), _predicted(values.reshape(-1), names), block.sources)
    strips = [_strip("value", "values", values)] if values.size else []
    strips += [_strip("gradient", "gradients", gradients)] if gradients is not None and gradients.size else []
    found = [tuple(strips)] if strips else []
    if block.weight is not None and block.weight.size >= FEWEST:
        found.append(tuple(_weight_strips(block)))
    kind = "output" if block.name == PREDICTION else "input" if block.name in (CELLS, ENCODERS) else "layer"
    name = "inputs" if block.name == CELLS else block.name
    if block.name == ENCODERS and not names.of_table:
        name = "inputs, put together"
    return Box(kind, name, lines, tuple(found), (), block.sources)


def _weight_strips(block: Block) -> list[Strip]:
    """Return histograms of a layer's weights and of their gradients."""
    assert block.weight is not None
    strips = [_strip("value", "weights", block.weight, shaded=False)]
    own = [p for p in block.parameters if p.gradient is not None and np.shape(p.value) == block.weight.shape]
    if len(own) == 1:
        gradient = np.asarray(own[0].gradient, np.float64)
        strips.append(_strip("gradient", "gradients of weights", gradient, shaded=False))
    return strips


def _cells_box(block: Block, names: RowNames, of: str) -> Box:
    """Name the features, those first that matter most."""
    named = [feature for feature in names.features if len(feature) == 2]
    lines = [_count(len(named), "feature")]
    if names.gradients is not None and len(names.gradients) == len(named):
        sizes = np.abs(names.gradients)
        order = np.argsort(-sizes, kind="stable")[:MOST_NAMED]
        top = float(sizes.max()) or 1.0
        rows = [(_told(named[i]), write_short(float(names.gradients[i])), float(sizes[i]) / top) for i in order]
        if len(named) > MOST_NAMED:
            lines.append(f"{MOST_NAMED} with the largest gradients")
        lines.append(f"bars: size of the gradient of {of}")
    else:
        rows = [(_told(feature), "", 0.0) for feature in named[:MOST_NAMED]]
    if names.categories:
        lines.append(f"{_count(len(names.categories), 'column')} of categories, embedded")
        rows += [(_told(column), "", 0.0) for column in names.categories[:MOST_CATEGORIES]]
    return Box("input", "row", tuple(lines), (), tuple(rows), block.sources)


def _told(feature: tuple[str, str]) -> str:
    name, cell = feature
    if not cell:
        return _cut_within(name, NAME_AND_CELL)
    shown = _cut(cell, max(OF_CELL, NAME_AND_CELL - 2 - len(name)))
    return f"{_cut_within(name, NAME_AND_CELL - 2 - len(shown))}: {shown}"


def _predicted(values: np.ndarray, names: RowNames) -> tuple[tuple[str, str, float], ...]:
    fitting = len(values) == len(names.predicted)
    order = sorted(range(len(names.predicted)), key=lambda i: -values[i] if fitting and names.probabilities else i)
    return tuple(
        (
            _cut_within(names.predicted[i][0], 38),
            names.predicted[i][1],
            float(values[i]) if names.probabilities else 0.0,
        )
        for i in order[:MOST_NAMED]
    )


def _tell_block(block: Block, units: int) -> tuple[str, ...]:
    if block.weight is not None:
        taken, given = block.weight.shape
        activation = describe_activation(block)
        size = float(np.abs(block.weight).mean()) if block.weight.size else 0.0
        biases = f", {_count(given, 'bias', 'biases')}" if block.bias is not None else ""
        first = f"{taken:,} → {given:,}" + (f", {activation}" if activation else "")
        return (_cut(first, 36), f"{_count(taken * given, 'weight')}{biases}", f"mean |weight| {write_short(size)}")
    if block.name == ENCODERS:
        return (_count(units, "feature"),)
    if block.name == PREDICTION:
        link = tell_link(block)
        return (link,) if link and units else ()
    many = _count(units, "unit")
    tables = [p.node.type.shape for p in block.parameters if p.node.type.ndim == 2]
    if tables:
        return (many, *(f"table of {rows:,} × {columns:,}" for rows, columns in tables))
    operations = " ".join(block.operations)
    return (many,) if operations in ("", block.name) else (many, _cut(operations, 36))


def _strip(kind: str, what: str, numbers: np.ndarray, shaded: bool = True) -> Strip:
    """Return numbers, [rows, units], as shades of the units and a histogram of all."""
    with np.errstate(all="ignore"):
        units = numbers.mean(axis=0)
    together = math.ceil(len(units) / MOST_CELLS)
    cells = [float(units[start : start + together].mean()) for start in range(0, len(units), together)]
    least, greatest = write_short(float(numbers.min())), write_short(float(numbers.max()))
    told = f"{what} {least} to {greatest}" if numbers.size > 1 else f"{what} {greatest}"
    if shaded:
        told += f", {together} a cell" if together > 1 else ""
    histogram = count_numbers(numbers) if numbers.size >= FEWEST else None
    return Strip(kind, told, np.array(cells if shaded else []), histogram)


def _count(number: int, thing: str, things: str | None = None) -> str:
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _cut_within(text: str, most: int) -> str:
    """Cut a name where names differ least: before its last letters."""
    return text if len(text) <= most else f"{text[: most - 1 - most // 3]}…{text[-(most // 3) :]}"
