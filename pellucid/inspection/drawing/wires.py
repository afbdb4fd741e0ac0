"""The wires of a drawn graph: one for each value with its branches, what flows along them, and what stands there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.graph.graph import Node
from pellucid.inspection.drawing.figure import Vertex
from pellucid.inspection.drawing.layered.layout import Layout, Point
from pellucid.inspection.drawing.passes import Passes
from pellucid.inspection.drawing.scene import Part
from pellucid.inspection.drawing.svg import coordinate, paint_text

RADIUS = 20.0
"""Of the corners of gates."""
ARROW = 9.0
"""How long the head of a wire is, with a little room before it."""


@dataclass(frozen=True)
class Wires:
    """Wires from the right of vertices to the left of others.

    Attributes
    ----------
    layout : Layout
    edges : tuple of (source, target)
    halves : tuple of Point
        Half the width and half the height of each vertex.
    kinds : tuple of str
        Of each vertex.
    """

    layout: Layout
    edges: tuple[tuple[int, int], ...]
    halves: tuple[Point, ...]
    kinds: tuple[str, ...]

    def paint(self) -> list[str]:
        """Return one path for each wire with all its branches, and their heads."""
        strokes: dict[int, dict[str, None]] = {}
        heads = []
        for edge, (source, _) in enumerate(self.edges):
            strokes.setdefault(source, {}).update(dict.fromkeys(self._strokes(edge)))
            x, y = self._end(edge)
            heads.append(f"M{coordinate(x)} {coordinate(y)}l-7 -3.5v7z")
        wires = [f'<path class="wire" d="{"".join(own)}"/>' for own in strokes.values()]
        return [*wires, f'<path class="arrow" d="{"".join(heads)}"/>'] if heads else wires

    def paint_flows(self, nodes: Sequence[Node | None], passes: Passes) -> list[Part]:
        """Return, for each frame, the wires along which values or gradients go in it."""
        flows: dict[tuple[str, int], dict[str, None]] = {}
        for edge, (_, target) in enumerate(self.edges):
            node = nodes[target]
            if node is None:
                continue
            for kind, frame in (("forward", passes.values.get(node)), ("backward", passes.through.get(node))):
                if frame:
                    flows.setdefault((kind, frame), {}).update(dict.fromkeys(self._strokes(edge)))
        return [
            Part(f'<path class="{kind}" d="{"".join(own)}"/>', frame, only=True) for (kind, frame), own in flows.items()
        ]

    def paint_slopes(self, vertices: Sequence[Vertex], size: float, passes: Passes | None) -> list[Part]:
        """Return the local derivatives, each above the end of its wire."""
        parts = []
        arrived = [0] * len(vertices)
        for edge, (_, target) in enumerate(self.edges):
            vertex, place = vertices[target], arrived[target]
            arrived[target] += 1
            if place < len(vertex.slopes) and vertex.slopes[place]:
                x, y = self._end(edge)
                text = paint_text("slope", x - ARROW, y - 0.36 * size, size, vertex.slopes[place], "end")
                since = 0 if passes is None or vertex.node is None else passes.through.get(vertex.node, 0)
                parts.append(Part(text, since))
        return parts

    def _strokes(self, edge: int) -> list[str]:
        """Return the pieces of an edge from its source to its target."""
        source, _ = self.edges[edge]
        x, y = self.layout.centres[source]
        at: Point = (x + self.halves[source][0], y)
        pieces = []
        for index, point in enumerate(self.layout.wires[edge]):
            pieces.append(_bend(at, point) if index % 2 else _line(at, point))
            at = point
        return [*pieces, _line(at, (self._end(edge)[0] - 2.0, at[1]))]

    def _end(self, edge: int) -> Point:
        """Return where an edge meets the outline of its target."""
        _, target = self.edges[edge]
        y = self.layout.wires[edge][-1][1]
        return _left_of(self.layout.centres[target], self.halves[target], self.kinds[target], y), y


def corner(kind: str, half: Point) -> float:
    """Return the radius of a vertex's corners: gates are round, inputs and outputs are boxes."""
    return min(*half, RADIUS) if kind == "gate" else 6.0


def _left_of(centre: Point, half: Point, kind: str, y: float) -> float:
    """Return where the left outline of a vertex is at a height."""
    radius = corner(kind, half)
    into_corner = max(abs(y - centre[1]) - (half[1] - radius), 0.0)
    return centre[0] - half[0] + radius - math.sqrt(max(radius**2 - into_corner**2, 0.0))


def _line(start: Point, end: Point) -> str:
    return f"M{coordinate(start[0])} {coordinate(start[1])}L{coordinate(end[0])} {coordinate(end[1])}"


def _bend(start: Point, end: Point) -> str:
    middle = coordinate((start[0] + end[0]) / 2)
    y0, y1 = coordinate(start[1]), coordinate(end[1])
    return f"M{coordinate(start[0])} {y0}C{middle} {y0} {middle} {y1} {coordinate(end[0])} {y1}"
