"""A network of many units, layer by layer: a box for each, with its values and gradients as shades of colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.inspection.blocks import CELLS, ENCODERS, OUTPUT, PREDICTION, Block
from pellucid.inspection.neurons import RowNames, describe_activation, tell_link, units_of
from pellucid.inspection.svg import clean, coordinate, paint_box, paint_text, text_width, wrap_picture, write_short

MARGIN, TITLE, NAME, NUMBER, SMALL = 24.0, 15.0, 14.0, 12.0, 11.0
WORDS, STRIP, GAP, DOWN = 270.0, 288.0, 26.0, 30.0
"""How wide the words and a strip of colours are, what is between them, and between two boxes."""

ACROSS, CELL, MOST_CELLS = 32, 9.0, 256
MOST_NAMED, MOST_CATEGORIES = 8, 4
NAME_AND_CELL, OF_CELL = 40, 14
"""Of so many letters are a feature's name and its cell together, and the cell alone, at most."""

LANE = 16.0

PAINTS = {
    "ground": "fill: {ground}",
    "title": "fill: {ink}; font-weight: bold",
    "label": "fill: {ink}",
    "note": "fill: {muted}",
    "wire": "fill: none; stroke: {wire}; stroke-width: 1.5",
    "arrow": "fill: {wire}",
    "layer": "fill: {gate}; stroke: {rim}; stroke-width: 1.3",
    "input": "fill: {input}; stroke: {input-rim}; stroke-width: 1.3",
    "output": "fill: {output}; stroke: {output-rim}; stroke-width: 1.3",
    "cell": "fill: {ground}",
    "value": "fill: {value}",
    "gradient": "fill: {gradient}",
    "plus": "fill: {positive}",
    "minus": "fill: {negative}",
}


@dataclass(frozen=True)
class Strip:
    """Numbers of the units of a layer, to be shown as shades.

    Attributes
    ----------
    kind : {"value", "gradient"}
    numbers : ndarray
        One for each cell; the mean of `together` units.
    together : int
    told : str
        The least and the greatest of the units.
    """

    kind: str
    numbers: np.ndarray
    together: int
    told: str


@dataclass(frozen=True)
class Box:
    """What is said of one layer.

    Attributes
    ----------
    kind : {"input", "layer", "output"}
    name : str
    lines : tuple of str
    strips : tuple of Strip
    rows : tuple of (str, str, float)
        Named numbers, each with how much of a bar it fills.
    sources : tuple of int
    """

    kind: str
    name: str
    lines: tuple[str, ...]
    strips: tuple[Strip, ...]
    rows: tuple[tuple[str, str, float], ...]
    sources: tuple[int, ...]

    @property
    def height(self) -> float:
        strip = max((math.ceil(len(s.numbers) / ACROSS) * CELL + 2.6 * SMALL for s in self.strips), default=0.0)
        words = 1.7 * NAME + len(self.lines) * 1.45 * NUMBER
        right = max(strip, 0.0) if not self.rows else len(self.rows) * 1.6 * NUMBER + 4.0
        return max(words, right) + 20.0


def paint_layers(blocks: Sequence[Block], names: RowNames, of: str) -> str:
    """Return the picture as SVG text: the blocks from the cells at the top down to what gradients are of."""
    boxes = [_box(block, names, of) for block in blocks]
    lanes = _find_lanes(boxes)
    left = MARGIN + LANE * (1 + max(lanes.values(), default=-1) + (1 if lanes else 0))
    wide = WORDS + 2 * (STRIP + GAP) + 2 * GAP
    y = MARGIN + TITLE + 20.0
    tops = []
    for box in boxes:
        tops.append(y)
        y += box.height + DOWN
    parts = [paint_text("title", MARGIN, MARGIN + TITLE, TITLE, names.title)]
    for place, box in enumerate(boxes):
        for source in box.sources:
            lane = lanes.get((source, place))
            parts += _paint_wire(boxes, tops, source, place, left, wide, lane)
    for box, top in zip(boxes, tops, strict=True):
        parts += _paint_block(box, left, top, wide)
    for line in names.summary:
        parts.append(paint_text("label", left, y, NUMBER, line))
        y += 1.6 * NUMBER
    legend = [("plus", "blue: above 0"), ("note", ", "), ("minus", "orange: below 0")]
    legend += [("note", "; the stronger, the larger within a strip · gradients are of "), ("gradient", of)]
    spans = "".join(f'<tspan class="{kind}">{clean(text)}</tspan>' for kind, text in legend)
    y += 0.6 * NUMBER
    parts.append(f'<text x="{coordinate(left)}" y="{coordinate(y)}" font-size="{coordinate(NUMBER)}">{spans}</text>')
    longest = max((text_width(line, NUMBER) for line in (names.title + "     ", *names.summary)), default=0.0)
    return wrap_picture(names.title, PAINTS, left + max(wide, longest) + MARGIN, y + MARGIN, parts)


def _box(block: Block, names: RowNames, of: str) -> Box:
    if block.name == CELLS:
        return _cells_box(block, names, of)
    if block.name == of:
        return Box("output", of, (f"{of} {write_short(float(np.asarray(block.main.value)))}",), (), (), block.sources)
    values, gradients = units_of(block.main)
    strips = [_strip("value", values)] if values.size else []
    strips += [_strip("gradient", gradients)] if gradients is not None and gradients.size else []
    lines = _tell_block(block, len(values))
    if any(seen.path == OUTPUT for seen in block.given):
        lines = ("output of the network", *lines)
    is_output = block.name == PREDICTION
    if is_output:
        return Box("output", block.name, lines, (), _predicted(values, names), block.sources)
    kind = "input" if block.name == ENCODERS else "layer"
    return Box(kind, block.name, lines, tuple(strips), (), block.sources)


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
    return (many,) if operations == block.name else (many, _cut(operations, 36))


def _strip(kind: str, numbers: np.ndarray) -> Strip:
    together = math.ceil(len(numbers) / MOST_CELLS)
    cells = [float(numbers[start : start + together].mean()) for start in range(0, len(numbers), together)]
    least, greatest = write_short(float(numbers.min())), write_short(float(numbers.max()))
    told = f"{least} to {greatest}" if len(numbers) > 1 else greatest
    told += f", each cell the mean of {together}" if together > 1 else ""
    return Strip(kind, np.array(cells), together, told)


def _find_lanes(boxes: Sequence[Box]) -> dict[tuple[int, int], int]:
    """Return a lane at the left for each wire that passes other boxes by; wires side by side have different ones."""
    lanes: dict[tuple[int, int], int] = {}
    for target, box in enumerate(boxes):
        for source in box.sources:
            if target - source > 1:
                used = {lane for (a, b), lane in lanes.items() if a < target and source < b}
                lanes[source, target] = next(lane for lane in range(len(lanes) + 1) if lane not in used)
    return lanes


def _paint_wire(
    boxes: Sequence[Box], tops: Sequence[float], source: int, target: int, left: float, wide: float, lane: int | None
) -> list[str]:
    if lane is None:
        x, start, end = left + wide / 2, tops[source] + boxes[source].height, tops[target]
        line = f"M{coordinate(x)} {coordinate(start)}V{coordinate(end - 5.0)}"
        head = f"M{coordinate(x)} {coordinate(end)}l-4.5 -8h9z"
    else:
        x, start, end = left - LANE * (lane + 1), tops[source] + boxes[source].height - 14.0, tops[target] + 14.0
        line = f"M{coordinate(left)} {coordinate(start)}H{coordinate(x)}V{coordinate(end)}H{coordinate(left - 5.0)}"
        head = f"M{coordinate(left)} {coordinate(end)}l-8 -4.5v9z"
    return [f'<path class="wire" d="{line}"/>', f'<path class="arrow" d="{head}"/>']


def _paint_block(box: Box, left: float, top: float, wide: float) -> list[str]:
    parts = [paint_box(box.kind, left, top, wide, box.height, 8.0)]
    y = top + 10.0 + NAME
    parts.append(paint_text("title", left + GAP / 2, y, NAME, _cut(box.name, 30)))
    for line in box.lines:
        y += 1.45 * NUMBER
        parts.append(paint_text("note", left + GAP / 2, y, NUMBER, line))
    x = left + WORDS + GAP
    for strip in box.strips:
        parts += _paint_strip(strip, x, top + 10.0)
        x += STRIP + GAP
    x = left + WORDS + GAP
    for place, (name, told, share) in enumerate(box.rows):
        y = top + 12.0 + (place + 0.8) * 1.6 * NUMBER
        parts.append(paint_text("label", x, y, NUMBER, name))
        at = x + STRIP + GAP
        parts.append(paint_text("gradient" if box.kind == "input" else "value", at + 72.0, y, NUMBER, told, "end"))
        if share > 0:
            kind = "gradient" if box.kind == "input" else "value"
            parts.append(paint_box(kind, at + 84.0, y - 8.0, max(1.0, share * (STRIP - 84.0)), 8.0))
    return parts


def _paint_strip(strip: Strip, x: float, top: float) -> list[str]:
    what = "values" if strip.kind == "value" else "gradients"
    parts = [paint_text(strip.kind, x, top + SMALL, SMALL, f"{what} {strip.told}")]
    finite = np.where(np.isfinite(strip.numbers), strip.numbers, 0.0)
    largest = float(np.abs(finite).max()) or 1.0
    rows = math.ceil(len(finite) / ACROSS)
    across = min(ACROSS, math.ceil(len(finite) / rows))
    wide = max(CELL, min(STRIP / across, 36.0)) if rows == 1 else CELL
    for place, number in enumerate(finite.tolist()):
        row, column = divmod(place, across)
        kind = "minus" if number < 0 else "plus"
        at = (x + column * wide, top + 1.7 * SMALL + row * CELL)
        parts.append(paint_box("cell", *at, wide - 1.0, CELL - 1.0))
        strength = round(abs(number) / largest, 2)
        parts.append(paint_box(kind, *at, wide - 1.0, CELL - 1.0).replace("/>", f' opacity="{strength}"/>'))
    return parts


def _count(number: int, thing: str, things: str | None = None) -> str:
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _cut_within(text: str, most: int) -> str:
    """Cut a name where names differ least: before its last letters."""
    return text if len(text) <= most else f"{text[: most - 1 - most // 3]}…{text[-(most // 3) :]}"
