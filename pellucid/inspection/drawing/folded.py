"""A network of many units, layer by layer: a box for each, with its values and gradients as shades of colour."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pellucid.inspection.drawing.blocks import Block
from pellucid.inspection.drawing.histograms import PAINTS as HISTOGRAM_PAINTS
from pellucid.inspection.drawing.histograms import paint_histogram
from pellucid.inspection.drawing.layer_boxes import ACROSS, CELL, NAME, NUMBER, SMALL, Box, Strip, make_box
from pellucid.inspection.drawing.layer_passes import plan_boxes
from pellucid.inspection.drawing.neurons import RowNames, rows_of
from pellucid.inspection.drawing.scene import Part, Scene
from pellucid.inspection.drawing.svg import clean, coordinate, cut_to_width, fit, paint_box, paint_text, text_width

MARGIN, TITLE = 24.0, 15.0
WORDS, STRIP, GAP, DOWN = 270.0, 288.0, 26.0, 30.0
"""How wide the words and a strip of colours are, what is between them, and between two boxes."""

LONGEST = 900.0
"""How wide a title or a line below the picture is at most."""

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
    "halo": "fill: none; stroke: {halo}; stroke-width: 4",
    **HISTOGRAM_PAINTS,
}


def layer_scene(blocks: Sequence[Block], names: RowNames, of: str) -> Scene:
    """Return the picture: the blocks from the inputs at the top down to what gradients are of, a frame for each."""
    boxes = [make_box(block, names, of) for block in blocks]
    lanes = _find_lanes(boxes)
    left = MARGIN + LANE * (1 + max(lanes.values(), default=-1) + (1 if lanes else 0))
    wide = WORDS + 2 * (STRIP + GAP) + 2 * GAP
    y = MARGIN + TITLE + 20.0
    tops = []
    for box in boxes:
        tops.append(y)
        y += box.height + DOWN
    passes = plan_boxes([box.name for box in boxes], any(_has_gradients(box) for box in boxes), of)
    title, summary = fit(names.title, TITLE, LONGEST), [fit(line, NUMBER, LONGEST) for line in names.summary]
    parts = [Part(paint_text("title", MARGIN, MARGIN + TITLE, TITLE, title))]
    for place, box in enumerate(boxes):
        for source in box.sources:
            lane = lanes.get((source, place))
            parts += map(Part, _paint_wire(boxes, tops, source, place, left, wide, lane))
    for place, (box, top) in enumerate(zip(boxes, tops, strict=True)):
        halo = paint_box("halo", left - 4.0, top - 4.0, wide + 8.0, box.height + 8.0, 11.0)
        frames = (passes.values(place), passes.gradients(place) if passes.backward else 0)
        parts += (Part(halo, frame, only=True) for frame in frames if frame)
    for place, (box, top) in enumerate(zip(boxes, tops, strict=True)):
        said = passes.values(place) if box.name == of else 0  # what the scalar is, in words
        parts += _paint_block(box, left, top, wide, said, passes.values(place), passes.gradients(place))
    for line in summary:
        parts.append(Part(paint_text("label", left, y, NUMBER, line), passes.told))
        y += 1.6 * NUMBER
    legend = [("plus", "blue: above 0"), ("note", ", "), ("minus", "orange: below 0")]
    legend += [("note", "; the stronger, the larger within a strip")]
    legend += [("note", ", as a mean of the examples")] if any(len(rows_of(b.main)[0]) > 1 for b in blocks) else []
    legend += [("note", " · gradients are of "), ("gradient", fit(of, NUMBER, STRIP))] if of else []
    spans = "".join(f'<tspan class="{kind}">{clean(text)}</tspan>' for kind, text in legend)
    y += 0.6 * NUMBER
    place_of_legend = f'x="{coordinate(left)}" y="{coordinate(y)}" font-size="{coordinate(NUMBER)}"'
    parts.append(Part(f"<text {place_of_legend}>{spans}</text>"))
    widths = [text_width(title, TITLE), *(text_width(line, NUMBER) for line in summary)]
    width = left + max(wide, *widths) + MARGIN
    return Scene(names.title, PAINTS, width, y + MARGIN, tuple(parts), passes.captions)


def _has_gradients(box: Box) -> bool:
    return any(strip.kind == "gradient" for line in box.strips for strip in line)


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


def _paint_block(box: Box, left: float, top: float, wide: float, said: int, forward: int, backward: int) -> list[Part]:
    """Return a box; its words, its values and its gradients are each seen from a frame on."""
    outline = paint_box(box.kind, left, top, wide, box.height, 8.0)
    y = top + 10.0 + NAME
    parts = [Part(outline), Part(paint_text("title", left + GAP / 2, y, NAME, fit(box.name, NAME, WORDS)))]
    for line in box.lines:
        y += 1.45 * NUMBER
        parts.append(Part(paint_text("note", left + GAP / 2, y, NUMBER, fit(line, NUMBER, WORDS)), said))
    y = top + 10.0
    for line_of_strips in box.strips:
        x = left + WORDS + GAP
        for strip in line_of_strips:
            since = backward if strip.kind == "gradient" else forward
            parts += (Part(text, since) for text in _paint_strip(strip, x, y))
            x += STRIP + GAP
        y += max(strip.height for strip in line_of_strips)
    return parts + _paint_rows(box, left + WORDS + GAP, top, forward, backward)


def _paint_rows(box: Box, x: float, top: float, forward: int, backward: int) -> list[Part]:
    """Return named numbers with their bars; of the cells of a row these are gradients."""
    parts = []
    kind, since = ("gradient", backward) if box.kind == "input" else ("value", forward)
    at = x + STRIP + GAP
    for place, (name, told, share) in enumerate(box.rows):
        y = top + 12.0 + (place + 0.8) * 1.6 * NUMBER
        parts += [
            Part(paint_text("label", x, y, NUMBER, fit(name, NUMBER, STRIP + GAP - 8.0)), forward),
            Part(paint_text(kind, at + 72.0, y, NUMBER, told, "end"), since),
        ]
        if share > 0:
            parts.append(Part(paint_box(kind, at + 84.0, y - 8.0, max(1.0, share * (STRIP - 84.0)), 8.0), since))
    return parts


def _paint_strip(strip: Strip, x: float, top: float) -> list[str]:
    parts = [paint_text(strip.kind, x, top + SMALL, SMALL, cut_to_width(strip.told, SMALL, STRIP))]
    finite = np.where(np.isfinite(strip.shades), strip.shades, 0.0)
    largest = float(np.abs(finite).max(initial=0.0)) or 1.0
    rows = max(1, math.ceil(len(finite) / ACROSS))
    across = min(ACROSS, max(1, math.ceil(len(finite) / rows)))
    wide = max(CELL, min(STRIP / across, 36.0)) if rows == 1 else CELL
    for place, number in enumerate(finite.tolist()):
        row, column = divmod(place, across)
        kind = "minus" if number < 0 else "plus"
        at = (x + column * wide, top + 1.7 * SMALL + row * CELL)
        parts.append(paint_box("cell", *at, wide - 1.0, CELL - 1.0))
        strength = round(abs(number) / largest, 2)
        parts.append(paint_box(kind, *at, wide - 1.0, CELL - 1.0).replace("/>", f' opacity="{strength}"/>'))
    if strip.histogram is not None:
        below = top + 1.7 * SMALL + (rows * CELL + 4.0 if len(finite) else 0.0)
        parts += paint_histogram(strip.histogram, x, below)
    return parts
