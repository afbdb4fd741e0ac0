"""The graph of an observation as a picture: gates from left to right, values above their wires, gradients below.

At the end of each wire stands the gate's local derivative by what comes in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pellucid.inspection.drawing.figure import Vertex, shorten, show
from pellucid.inspection.drawing.layered.columns import Room
from pellucid.inspection.drawing.layered.layout import Point
from pellucid.inspection.drawing.layered.wrap import wrap
from pellucid.inspection.drawing.local import local_derivatives
from pellucid.inspection.drawing.passes import Passes, plan_passes
from pellucid.inspection.drawing.scene import Part, Scene
from pellucid.inspection.drawing.svg import clean, coordinate, paint_box, paint_text, text_width
from pellucid.inspection.drawing.wires import ARROW, RADIUS, Wires, corner

if TYPE_CHECKING:
    from pellucid.inspection.observation import Observation

MARGIN = 24.0
NUMBER, NAME, CAPTION, SYMBOL, WORD, SLOPE = 12.0, 14.0, 12.0, 20.0, 14.0, 11.0
"""Sizes of letters in pixels: numbers on wires, names of inputs and outputs, names of gates, what is in gates, and
local derivatives."""

WIDEST = 1520.0
"""Wider drawings go on in a row below: a window shows them without scaling them down."""

_STEM = 9.0  # from a gate to the number on its wire
_APART, _APART_WITH_SLOPES = 12.0, 16.0  # wires that enter a gate
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
    "slope": "fill: {slope}",
}
_PAINTS_OF_FRAMES = {
    "halo": "fill: none; stroke: {halo}; stroke-width: 4",
    "forward": "fill: none; stroke: {value}; stroke-width: 2.6",
    "backward": "fill: none; stroke: {gradient}; stroke-width: 2.6",
}
_PAINTS_OF_ROWS = {
    "marker": "fill: none; stroke: {wire}; stroke-width: 1.2; stroke-dasharray: 4 3",
    "row": "fill: {muted}; font-weight: bold",
}


def graph_scene(observation: Observation, frames: bool = False, widest: float = WIDEST) -> Scene:
    """Return the picture of an observation's graph, with the frames of both passes if they are wanted.

    Rows are at most about `widest` pixels wide.
    """
    slopes = local_derivatives(observation)
    found = wrap(*show(observation, slopes), _measure, widest - 2 * MARGIN)
    passes = plan_passes(observation, slopes) if frames else None
    vertices, edges, layout = found.vertices, found.edges, found.layout
    arriving = [0] * len(vertices)
    for _, target in edges:
        arriving[target] += 1
    gates = [_half_sizes(vertex, count) for vertex, count in zip(vertices, arriving, strict=True)]
    wires = Wires(layout, tuple(edges), tuple(gates), tuple(vertex.kind for vertex in vertices))
    nodes = [vertex.node for vertex in vertices]
    drawn = list(zip(vertices, gates, layout.centres, strict=True))
    legend = _legend(observation, vertices)
    lines = ["".join(text for _, text in words) for words in legend]
    width = max([layout.width, *(text_width(line, NUMBER) for line in lines)]) + 2 * MARGIN
    height = layout.height + 2 * MARGIN + (1.0 + 1.5 * len(legend)) * NUMBER
    parts = [
        *map(Part, wires.paint()),
        *(wires.paint_flows(nodes, passes) if passes else ()),
        *(part for each in drawn if passes for part in _paint_halo(*each, passes)),
        *(part for each in drawn for part in _paint_vertex(*each, passes)),
        *wires.paint_slopes(vertices, SLOPE, passes),
        *(Part(paint_text("row", 0.0, y + CAPTION, CAPTION, f"row {n}")) for n, y in enumerate(found.tops, 1)),
        *(Part(_paint_legend(line, layout.height + (1.0 + 1.5 * n) * NUMBER)) for n, line in enumerate(legend, 1)),
    ]
    paints = _PAINTS | (_PAINTS_OF_ROWS if found.tops else {}) | (_PAINTS_OF_FRAMES if frames else {})
    title = "Graph of " + ", ".join(observation.graph.outputs)
    return Scene(title, paints, width, height, tuple(parts), passes.captions if passes else (), MARGIN)


def _letter_size(vertex: Vertex) -> float:
    if vertex.kind != "gate":
        return CAPTION if vertex.kind == "marker" else NAME
    return SYMBOL if len(vertex.label) == 1 else WORD


def _half_sizes(vertex: Vertex, arriving: int) -> tuple[float, float]:
    """Return half the width and half the height of a vertex's outline."""
    text = text_width(vertex.label, _letter_size(vertex)) / 2
    if vertex.kind != "gate":
        return text + 10.0, 11.0 if vertex.kind == "marker" else 14.0
    tall = max(RADIUS, _apart(vertex) / 2 * (arriving - 1) + 8.0)
    return max(RADIUS, text + (4.0 if len(vertex.label) <= 3 else 12.0)), tall


def _apart(vertex: Vertex) -> float:
    """Return how far apart wires enter a vertex."""
    return _APART_WITH_SLOPES if any(vertex.slopes) else _APART


def _measure(vertex: Vertex, arriving: int) -> Room:
    """Return the room that a vertex with so many arriving wires needs."""
    half_width, half_height = _half_sizes(vertex, arriving)
    caption = text_width(vertex.caption, CAPTION) / 2
    numbers = max(text_width(vertex.value, NUMBER), text_width(vertex.gradient, NUMBER))
    right = half_width + (_STEM + numbers + 6.0 if numbers else 0.0)
    slope = max((text_width(slope, SLOPE) for slope in vertex.slopes), default=0.0)
    entries = _apart(vertex) / 2 * (arriving - 1) + 1.2 * SLOPE if slope else 0.0
    return Room(
        max(half_width + (slope + ARROW + 4.0 if slope else 0.0), caption) + 4.0,
        max(right, caption),
        max(half_height, 1.6 * NUMBER, entries),
        max(half_height + (1.5 * CAPTION if caption else 0.0), 1.6 * NUMBER),
        half_height - 8.0,
        vertex.ordered,
        _apart(vertex),
    )


def _paint_vertex(vertex: Vertex, half: Point, centre: Point, passes: Passes | None) -> list[Part]:
    """Return a vertex with its texts; in frames the number on its wire and its gradient come later."""
    x, y = centre
    size = _letter_size(vertex)
    outline = paint_box(vertex.kind, x - half[0], y - half[1], 2 * half[0], 2 * half[1], corner(vertex.kind, half))
    start = x + half[0] + _STEM
    label = paint_text("label", x, y + 0.35 * size, size, vertex.label, "middle")
    caption = paint_text("caption", x, y + half[1] + 1.2 * CAPTION, CAPTION, vertex.caption, "middle")
    value = paint_text("value", start, y - 0.5 * NUMBER, NUMBER, vertex.value)
    gradient = paint_text("gradient", start, y + 1.2 * NUMBER, NUMBER, vertex.gradient)
    head = f"<g><title>{clean(vertex.title)}</title>{outline}{label}{caption}"
    if passes is None or vertex.node is None:
        return [Part(f"{head}{value}{gradient}</g>")]
    parts = [Part(f"{head}</g>"), Part(value, passes.values[vertex.node])]
    if gradient:
        parts.append(Part(gradient, passes.gradients[vertex.node]))
    return parts


def _paint_halo(vertex: Vertex, half: Point, centre: Point, passes: Passes) -> list[Part]:
    """Return what tells in a frame which gates are at work."""
    wide, tall = half[0] + 4.0, half[1] + 4.0
    box = paint_box("halo", centre[0] - wide, centre[1] - tall, 2 * wide, 2 * tall, corner(vertex.kind, half) + 4.0)
    node = vertex.node
    frames = [] if node is None else [passes.values[node], passes.through.get(node, 0)]
    return [Part(box, frame, only=True) for frame in frames if frame]


def _legend(observation: Observation, vertices: Sequence[Vertex]) -> list[list[tuple[str, str]]]:
    """Return the lines of the legend, as words each with its class."""
    words = [("value", "value"), ("legend", " above each wire")]
    if observation.of is not None:
        words += [("legend", ", "), ("gradient", f"gradient of {shorten(observation.of)}"), ("legend", " below")]
    if any(vertex.summarized for vertex in vertices):
        words.append(("legend", "; arrays as mean ± standard deviation"))
    lines = [words]
    if any(any(vertex.slopes) for vertex in vertices):
        told = " where a wire enters a gate: local derivative, d result / d operand"
        lines.append([("slope", "∂"), ("legend", told)])
    return lines


def _paint_legend(words: Sequence[tuple[str, str]], y: float) -> str:
    spans = "".join(f'<tspan class="{kind}">{clean(text)}</tspan>' for kind, text in words)
    place = f'x="0" y="{coordinate(y)}" font-size="{coordinate(NUMBER)}" text-anchor="start"'
    return f'<text class="legend" {place}>{spans}</text>'
