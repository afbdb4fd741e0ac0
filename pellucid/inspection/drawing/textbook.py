"""A network of a few neurons as textbooks draw it: circles for units, weights on the edges, values and gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pellucid.inspection.drawing.figure import shorten
from pellucid.inspection.drawing.layer_passes import LayerPasses, plan_columns
from pellucid.inspection.drawing.layered.edges import SMALL, Edge, paint_edges, place_weights
from pellucid.inspection.drawing.neurons import Column, RowNames
from pellucid.inspection.drawing.scene import Part, Scene
from pellucid.inspection.drawing.svg import clean, coordinate, fit, paint_box, paint_text, text_width, write_short

MARGIN, TITLE, NUMBER = 24.0, 15.0, 12.0
RADIUS, PITCH = 28.0, 96.0
NARROWEST, WIDEST = 180.0, 600.0
"""Of the gap between two columns; it is as wide as the weights on the edges need it to be."""

LONGEST = 900.0
"""How wide a title or a line below the picture is at most."""

STEEPEST = 0.6
"""How much of what an edge goes up or down it goes to the right, at least."""

PAINTS = {
    "ground": "fill: {ground}",
    "title": "fill: {ink}; font-weight: bold",
    "label": "fill: {ink}",
    "note": "fill: {muted}",
    "wire": "fill: none; stroke: {wire}; stroke-width: 1.3",
    "unit": "fill: {gate}; stroke: {rim}; stroke-width: 1.5",
    "input": "fill: {input}; stroke: {input-rim}; stroke-width: 1.5",
    "copy": "fill: {input}; stroke: {input-rim}; stroke-width: 1.5; stroke-dasharray: 4 3",
    "output": "fill: {output}; stroke: {output-rim}; stroke-width: 1.5",
    "value": "fill: {value}",
    "gradient": "fill: {gradient}",
    "positive": "stroke: {positive}",
    "negative": "stroke: {negative}",
    "plus": "fill: {positive}",
    "minus": "fill: {negative}",
}
_PAINTS_OF_FRAMES = {
    "halo": "fill: none; stroke: {halo}; stroke-width: 3.5",
    "forward": "fill: none; stroke: {value}; stroke-width: 1.6; stroke-dasharray: 5 4",
    "backward": "fill: none; stroke: {gradient}; stroke-width: 1.6; stroke-dasharray: 5 4",
}


def neuron_scene(columns: Sequence[Column], names: RowNames, of: str, link: str) -> Scene:
    """Return the picture, with a frame for each column forward, and one for each backward.

    Parameters
    ----------
    columns : sequence of Column
        From the inputs to the output units.
    names : RowNames
    of : str
        What gradients are of; nothing where there are none.
    link : str
        What makes the prediction of the output units, such as ``softmax``.
    """
    tall = max(len(column.values) for column in columns) * PITCH
    bypassed = any(column.bypass for column in columns)
    top = MARGIN + 2.2 * TITLE + 30.0 + (34.0 if bypassed else 0.0)
    left = MARGIN + max(_name_width(columns[0]), _wide(columns[0].title) / 2 - RADIUS) + 10.0
    x = left + RADIUS
    centres: list[list[tuple[float, float]]] = []
    edges: list[list[Edge]] = []
    for place, column in enumerate(columns):
        if place:
            gap, between = _connect(columns[place - 1], column, x, centres[-1], top, tall)
            x += gap
            edges.append(between)
        centres.append([(x, y) for y in _heights(len(column.values), top, tall)])
    outputs, wide = _paint_outputs(columns[-1], centres[-1], names, link)
    end = max(x + RADIUS + 12.0 + wide, x + _wide(columns[-1].title) / 2, x + _wide(columns[-1].caption) / 2)
    bottom = top + tall + 10.0
    legend = _legend(of, edges)
    title, summary = fit(names.title, TITLE, LONGEST), [fit(line, NUMBER, LONGEST) for line in names.summary]
    lines = [text_width(title, TITLE), *(text_width(line, NUMBER) for line in (*summary, *map(_plain, legend)))]
    width = max(end, MARGIN + max(lines)) + MARGIN
    passes = plan_columns(columns, names, of, link)
    parts = [Part(paint_text("title", MARGIN, MARGIN + TITLE, TITLE, title))]
    for place, column in enumerate(columns):
        parts += map(Part, _paint_titles(column, centres[place][0][0], top))
        parts += map(Part, _paint_bypass(column, place, centres, top))
    painted = [paint_edges(between) for between in edges]
    parts += (Part(stroke) for strokes, _ in painted for stroke in strokes)
    parts += _paint_flows(edges, passes)
    for place, column in enumerate(columns):
        parts += _paint_halos(column, centres[place], passes.values(place), passes.gradients(place))
    parts += (Part(label) for _, labels in painted for label in labels)
    for place, column in enumerate(columns):
        kind = "input" if not place else "output" if place == len(columns) - 1 else "unit"
        parts += _paint_units(column, centres[place], kind, of, passes.values(place), passes.gradients(place))
    parts += (Part(text, passes.told) for text in outputs)
    for line in summary:
        bottom += 1.6 * NUMBER
        parts.append(Part(paint_text("label", MARGIN, bottom, NUMBER, line), passes.told))
    bottom += 0.6 * NUMBER
    for words in legend:
        bottom += 1.6 * NUMBER
        parts.append(Part(_paint_legend(words, bottom)))
    height = bottom + MARGIN
    return Scene(names.title, PAINTS | _PAINTS_OF_FRAMES, width, height, tuple(parts), passes.captions)


def _heights(count: int, top: float, tall: float) -> list[float]:
    first = top + tall / 2 - (count - 1) * PITCH / 2
    return [first + place * PITCH for place in range(count)]


def _name_width(column: Column) -> float:
    return max(text_width(_cut(text), NUMBER) for text in (*column.names, *column.notes))


def _connect(
    before: Column, column: Column, x: float, sources: list[tuple[float, float]], top: float, tall: float
) -> tuple[float, list[Edge]]:
    """Return the gap between two columns' centres and the edges in it, so wide that no two weights overlap."""
    heights = _heights(len(column.values), top, tall)[: len(column.values) - column.repeated]
    apart = [abs(y - at[1]) for at in sources for y in heights]
    gap = max(NARROWEST, STEEPEST * max(apart))
    titles = (_wide(before.title) + _wide(column.title)) / 2 + 2 * NUMBER
    captions = (_wide(before.caption) + _wide(column.caption)) / 2 + 2 * NUMBER
    gap = max(gap, titles, captions)
    if column.weight is None:
        ends = [(x + gap - RADIUS, y) for y in heights]
        return gap, [Edge((at[0] + RADIUS, at[1]), end, None) for at, end in zip(sources, ends, strict=True)]
    linked = np.ones(column.weight.shape, bool) if column.linked is None else column.linked
    while True:
        edges = [
            Edge((at[0] + RADIUS, at[1]), (x + gap - RADIUS, y), float(column.weight[i, j]))
            for i, at in enumerate(sources)
            for j, y in enumerate(heights)
            if linked[i, j]
        ]
        placed = place_weights(edges)
        if placed is not None or gap > WIDEST:
            return gap, placed or edges
        gap *= 1.15


def _paint_titles(column: Column, x: float, top: float) -> list[str]:
    y = top - 22.0
    return [
        paint_text("title", x, y, NUMBER, shorten(column.title), "middle"),
        paint_text("note", x, y + 1.3 * NUMBER, NUMBER, shorten(column.caption), "middle"),
    ]


def _paint_bypass(column: Column, place: int, centres: list[list[tuple[float, float]]], top: float) -> list[str]:
    """Return the arcs over the columns between, from earlier columns to this one."""
    parts = []
    for source in column.bypass:
        x0, x1, y = centres[source][0][0], centres[place][0][0], top - 40.0
        arc = f"M{coordinate(x0)} {coordinate(y)}v-14H{coordinate(x1)}v14"
        parts.append(f'<path class="wire" d="{arc}"/>')
        label = "each unit is added to the one beside it"
        parts.append(paint_text("note", (x0 + x1) / 2, y - 20.0, SMALL, label, "middle"))
    return parts


def _paint_units(
    column: Column, centres: list[tuple[float, float]], kind: str, of: str, forward: int, backward: int
) -> list[Part]:
    """Return circles with their names and numbers; values are seen from one frame on, gradients from another."""
    parts = []
    for place, (x, y) in enumerate(centres):
        value = float(column.values[place])
        copied = place >= len(centres) - column.repeated
        gradient = None if column.gradients is None or copied else float(column.gradients[place])
        bias = None if column.bias is None or copied else float(column.bias[place])
        name = column.names[place] or f"{column.title} unit {place + 1}"
        told = [name, f"value {value!r}"]
        told += [] if gradient is None else [f"gradient of {of} {gradient!r}"]
        told += [] if bias is None else [f"bias {bias!r}"]
        at = f'cx="{coordinate(x)}" cy="{coordinate(y)}"'
        circle = f'<circle class="{"copy" if copied else kind}" {at} r="{coordinate(RADIUS)}"/>'
        texts = []
        if bias is not None:
            texts.append(paint_text("note", x, y - RADIUS - 7.0, SMALL, f"b {write_short(bias)}", "middle"))
        if copied:
            texts.append(paint_text("note", x, y - RADIUS - 7.0, SMALL, _cut(name, 14), "middle"))
        if kind == "input":
            note = column.notes[place]
            low = y + (-0.2 if note else 0.35) * NUMBER
            texts.append(paint_text("label", x - RADIUS - 10.0, low, NUMBER, _cut(column.names[place]), "end"))
            texts.append(paint_text("note", x - RADIUS - 10.0, y + 1.05 * NUMBER, NUMBER, _cut(note), "end"))
        parts.append(Part(f"<g><title>{clean(chr(10).join(told))}</title>{circle}{''.join(texts)}</g>"))
        parts.append(Part(paint_text("value", x, y + 0.35 * NUMBER, NUMBER, write_short(value), "middle"), forward))
        if gradient is not None:
            text = paint_text("gradient", x, y + RADIUS + 1.15 * SMALL, SMALL, write_short(gradient), "middle")
            parts.append(Part(text, backward))
    return parts


def _paint_halos(column: Column, centres: list[tuple[float, float]], forward: int, backward: int) -> list[Part]:
    """Return what tells in a frame which units are at work."""
    frames = [forward] if forward else []
    frames += [backward] if column.gradients is not None else []
    rings = [
        f'<circle class="halo" cx="{coordinate(x)}" cy="{coordinate(y)}" r="{coordinate(RADIUS + 2.5)}"/>'
        for x, y in centres
    ]
    return [Part("".join(rings), frame, only=True) for frame in frames]


def _paint_flows(edges: list[list[Edge]], passes: LayerPasses) -> list[Part]:
    """Return what tells in a frame along which edges values or gradients go."""
    parts = []
    for place, between in enumerate(edges, 1):
        flow = "".join(edge.line for edge in between)
        parts.append(Part(f'<path class="forward" d="{flow}"/>', place, only=True))
        if passes.backward:
            parts.append(Part(f'<path class="backward" d="{flow}"/>', passes.gradients(place - 1), only=True))
    return parts


def _paint_outputs(
    column: Column, centres: list[tuple[float, float]], names: RowNames, link: str
) -> tuple[list[str], float]:
    """Return the prediction beside the output units, and how wide it is."""
    x, (first, last) = centres[0][0] + RADIUS, (centres[0][1], centres[-1][1])
    matching = len(names.predicted) == len(centres)
    shown = [(_cut(name), value) for name, value in names.predicted[: len(centres)]]
    box = text_width(link, NUMBER) + 20.0 if link else 0.0
    wide = max((max(text_width(name, NUMBER), text_width(value, NUMBER)) for name, value in shown), default=0.0)
    heights = [y for _, y in centres] if matching else [(first + last) / 2 + 40.0 * i for i in range(len(shown))]
    if not link and not shown:
        return [], 0.0
    parts = [f'<path class="wire" d="M{coordinate(x)} {coordinate(y)}h28"/>' for _, y in centres]
    if link:
        parts.append(paint_box("output", x + 28.0, first - 22.0, box, last - first + 44.0, 8.0))
        middle = (x + 28.0 + box / 2, (first + last) / 2 + 0.35 * NUMBER)
        parts.append(paint_text("label", *middle, NUMBER, link, "middle"))
    for (name, value), y in zip(shown, heights, strict=True):
        parts.append(f'<path class="wire" d="M{coordinate(x + 28.0 + box)} {coordinate(y)}h16"/>')
        parts.append(paint_text("label", x + box + 50.0, y - 0.2 * NUMBER, NUMBER, name))
        parts.append(paint_text("value", x + box + 50.0, y + 1.05 * NUMBER, NUMBER, value))
    return parts, box + 50.0 + wide


def _legend(of: str, edges: list[list[Edge]]) -> list[list[tuple[str, str]]]:
    """Return the lines of the legend, as words each with its class."""
    words = [("value", "in a circle: its value")]
    words += [("note", " · "), ("gradient", f"below: gradient of {_cut(of)}")] if of else []
    lines = [[*words, ("note", " · above: bias b")]]
    if any(edge.weight is not None for between in edges for edge in between):
        weights = [("note", "on an edge: weight, "), ("plus", "positive"), ("note", " or "), ("minus", "negative")]
        lines.append([*weights, ("note", ", the wider the larger")])
    return lines


def _plain(words: list[tuple[str, str]]) -> str:
    return "".join(text for _, text in words)


def _paint_legend(words: list[tuple[str, str]], y: float) -> str:
    spans = "".join(f'<tspan class="{kind}">{clean(text)}</tspan>' for kind, text in words)
    place = f'x="{coordinate(MARGIN)}" y="{coordinate(y)}" font-size="{coordinate(NUMBER)}"'
    return f'<text class="note" {place}>{spans}</text>'


def _wide(text: str) -> float:
    return text_width(shorten(text), NUMBER)


def _cut(text: str, most: int = 28) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
