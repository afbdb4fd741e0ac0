"""Drawing an observed graph as SVG: gates from left to right, values above their wires and gradients below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

from pellucid.inspection.columns import Room
from pellucid.inspection.figure import Vertex, show
from pellucid.inspection.layout import Layout, Point
from pellucid.inspection.svg import clean, coordinate, paint_box, paint_text, text_width, wrap_picture, write_picture
from pellucid.inspection.wrap import wrap

if TYPE_CHECKING:
    from pellucid.inspection.observe import Observation

MARGIN = 24.0
NUMBER, NAME, CAPTION, SYMBOL, WORD = 12.0, 14.0, 12.0, 20.0, 14.0
"""Sizes of letters in pixels: numbers on wires, names of inputs and outputs, names of gates, and what is in gates."""

WIDEST = 1520.0
"""Wider drawings go on in a row below: a window shows them without scaling them down."""

_RADIUS = 20.0
_STEM = 9.0  # from a gate to the number on its wire
_PAINTS = {
    "ground": "fill: {ground}",
    "label": "fill: {ink}",
    "wire": "fill: none; stroke: {wire}; stroke-width: 1.4",
    "arrow": "fill: {wire}",
    "gate": "fill: {gate}; stroke: {rim}; stroke-width: 1.5",
    "input": "fill: {input}; stroke: {input-rim}; stroke-width: 1.3",
    "output": "fill: {output}; stroke: {output-rim}; stroke-width: 1.3",
    "caption": "fill: {muted}; font-style: italic",
    "legend": "fill: {muted}",
    "value": "fill: {value}",
    "gradient": "fill: {gradient}",
}
_PAINTS_OF_ROWS = {
    "marker": "fill: none; stroke: {wire}; stroke-width: 1.2; stroke-dasharray: 4 3",
    "row": "fill: {muted}; font-weight: bold",
}


def draw(observation: Observation, path: str | PathLike[str] | None = None) -> str | None:
    """Draw an observation; write it to `path`, or return the SVG text where there is none."""
    text = paint(observation)
    if path is None:
        return text
    write_picture(path, text)
    return None


def paint(observation: Observation) -> str:
    """Return the picture of an observation as SVG text."""
    found = wrap(*show(observation), _measure, WIDEST - 2 * MARGIN)
    vertices, edges, layout = found.vertices, found.edges, found.layout
    arriving = [0] * len(vertices)
    for _, target in edges:
        arriving[target] += 1
    gates = [_half_sizes(vertex, count) for vertex, count in zip(vertices, arriving, strict=True)]
    legend = _legend(observation, vertices)
    width = max(layout.width, text_width("".join(text for _, text in legend), NUMBER)) + 2 * MARGIN
    height = layout.height + 2 * MARGIN + 2.5 * NUMBER
    parts = [
        f'<g transform="translate({coordinate(MARGIN)} {coordinate(MARGIN)})">',
        *_paint_wires(layout, edges, gates, [vertex.kind for vertex in vertices]),
        *(_paint_vertex(*each) for each in zip(vertices, gates, layout.centres, strict=True)),
        *(paint_text("row", 0.0, y + CAPTION, CAPTION, f"row {n}") for n, y in enumerate(found.tops, 1)),
        _paint_legend(legend, layout.height + 2.5 * NUMBER),
        "</g>",
    ]
    paints = _PAINTS | _PAINTS_OF_ROWS if found.tops else _PAINTS
    return wrap_picture("Graph of " + ", ".join(observation.graph.outputs), paints, width, height, parts)


def _letter_size(vertex: Vertex) -> float:
    if vertex.kind != "gate":
        return CAPTION if vertex.kind == "marker" else NAME
    return SYMBOL if len(vertex.label) == 1 else WORD


def _half_sizes(vertex: Vertex, arriving: int) -> tuple[float, float]:
    """Return half the width and half the height of a vertex's outline."""
    text = text_width(vertex.label, _letter_size(vertex)) / 2
    if vertex.kind != "gate":
        return text + 10.0, 11.0 if vertex.kind == "marker" else 14.0
    tall = max(_RADIUS, 6.0 * (arriving - 1) + 8.0)
    return max(_RADIUS, text + (4.0 if len(vertex.label) <= 3 else 12.0)), tall


def _measure(vertex: Vertex, arriving: int) -> Room:
    """Return the room that a vertex with so many arriving wires needs."""
    half_width, half_height = _half_sizes(vertex, arriving)
    caption = text_width(vertex.caption, CAPTION) / 2
    numbers = max(text_width(vertex.value, NUMBER), text_width(vertex.gradient, NUMBER))
    right = half_width + (_STEM + numbers + 6.0 if numbers else 0.0)
    return Room(
        max(half_width, caption) + 4.0,
        max(right, caption),
        max(half_height, 1.6 * NUMBER),
        max(half_height + (1.5 * CAPTION if caption else 0.0), 1.6 * NUMBER),
        half_height - 8.0,
        vertex.ordered,
    )


def _paint_wires(
    layout: Layout, edges: Sequence[tuple[int, int]], gates: Sequence[tuple[float, float]], kinds: Sequence[str]
) -> list[str]:
    """Return one path for each wire with all its branches, and their arrow heads."""
    strokes: dict[int, dict[str, None]] = {}
    heads = []
    for (source, target), points in zip(edges, layout.wires, strict=True):
        x, y = layout.centres[source]
        own = strokes.setdefault(source, {})
        at: Point = (x + gates[source][0], y)
        for index, point in enumerate(points):
            own.setdefault(_bend(at, point) if index % 2 else _line(at, point))
            at = point
        end = _left_of(layout.centres[target], gates[target], kinds[target], at[1])
        own.setdefault(_line(at, (end - 2.0, at[1])))
        heads.append(f"M{coordinate(end)} {coordinate(at[1])}l-7 -3.5v7z")
    wires = [f'<path class="wire" d="{"".join(own)}"/>' for own in strokes.values()]
    return [*wires, f'<path class="arrow" d="{"".join(heads)}"/>'] if heads else wires


def _line(start: Point, end: Point) -> str:
    return f"M{coordinate(start[0])} {coordinate(start[1])}L{coordinate(end[0])} {coordinate(end[1])}"


def _bend(start: Point, end: Point) -> str:
    middle = coordinate((start[0] + end[0]) / 2)
    y0, y1 = coordinate(start[1]), coordinate(end[1])
    return f"M{coordinate(start[0])} {y0}C{middle} {y0} {middle} {y1} {coordinate(end[0])} {y1}"


def _corner(kind: str, half: tuple[float, float]) -> float:
    """Return the radius of a vertex's corners: gates are round, inputs and outputs are boxes."""
    return min(*half, _RADIUS) if kind == "gate" else 6.0


def _left_of(centre: Point, half: tuple[float, float], kind: str, y: float) -> float:
    """Return where the left outline of a vertex is at a height."""
    radius = _corner(kind, half)
    into_corner = max(abs(y - centre[1]) - (half[1] - radius), 0.0)
    return centre[0] - half[0] + radius - math.sqrt(max(radius**2 - into_corner**2, 0.0))


def _paint_vertex(vertex: Vertex, half: tuple[float, float], centre: Point) -> str:
    x, y = centre
    size = _letter_size(vertex)
    corner = _corner(vertex.kind, half)
    outline = paint_box(vertex.kind, x - half[0], y - half[1], 2 * half[0], 2 * half[1], corner)
    start = x + half[0] + _STEM
    texts = [
        paint_text("label", x, y + 0.35 * size, size, vertex.label, "middle"),
        paint_text("caption", x, y + half[1] + 1.2 * CAPTION, CAPTION, vertex.caption, "middle"),
        paint_text("value", start, y - 0.5 * NUMBER, NUMBER, vertex.value),
        paint_text("gradient", start, y + 1.2 * NUMBER, NUMBER, vertex.gradient),
    ]
    return f"<g><title>{clean(vertex.title)}</title>{outline}{''.join(texts)}</g>"


def _legend(observation: Observation, vertices: Sequence[Vertex]) -> list[tuple[str, str]]:
    """Return the words of the legend, each with its class."""
    words = [("value", "value"), ("legend", " above each wire")]
    if observation.of is not None:
        words += [("legend", ", "), ("gradient", f"gradient of {observation.of}"), ("legend", " below")]
    if any(vertex.summarized for vertex in vertices):
        words.append(("legend", "; arrays as mean ± standard deviation"))
    return words


def _paint_legend(words: Sequence[tuple[str, str]], y: float) -> str:
    spans = "".join(f'<tspan class="{kind}">{clean(text)}</tspan>' for kind, text in words)
    place = f'x="0" y="{coordinate(y)}" font-size="{coordinate(NUMBER)}" text-anchor="start"'
    return f'<text class="legend" {place}>{spans}</text>'
