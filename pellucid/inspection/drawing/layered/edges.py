"""Edges between units, with a place for each weight where it covers no other one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pellucid.inspection.drawing.svg import coordinate, paint_box, paint_text, text_width, write_short

SMALL = 11.0
"""The size of the letters of weights."""


@dataclass(frozen=True)
class Edge:
    """A straight edge between two units, and where on it its weight is told; None where it only hands a value on."""

    start: tuple[float, float]
    end: tuple[float, float]
    weight: float | None
    share: float = 0.5

    def at(self, share: float) -> tuple[float, float]:
        return (
            self.start[0] + share * (self.end[0] - self.start[0]),
            self.start[1] + share * (self.end[1] - self.start[1]),
        )

    @property
    def line(self) -> str:
        """What an SVG path writes for it."""
        (x0, y0), (x1, y1) = self.start, self.end
        return f"M{coordinate(x0)} {coordinate(y0)}L{coordinate(x1)} {coordinate(y1)}"

    @property
    def angle(self) -> float:
        return math.atan2(self.end[1] - self.start[1], self.end[0] - self.start[0])


def place_weights(edges: list[Edge]) -> list[Edge] | None:
    """Return the edges with places for their weights, none over another; None where there is no room."""
    taken: list[tuple[float, float]] = []
    placed = []
    for edge in edges:
        best: tuple[float, float] | None = None
        for share in np.linspace(0.16, 0.84, 35).tolist():
            dots = _dots(edge, share)
            if dots is None or any(math.dist(dot, other) < 12.5 for dot in dots for other in taken):
                continue
            crossed = sum(_near(other, dots) for other in edges if other is not edge)
            cost = crossed + 0.8 * abs(share - 0.42)
            if best is None or cost < best[0]:
                best = (cost, share)
        if best is None:
            return None
        taken += _dots(edge, best[1]) or []
        placed.append(Edge(edge.start, edge.end, edge.weight, best[1]))
    return placed


def _dots(edge: Edge, share: float) -> list[tuple[float, float]] | None:
    """Return points along the room that the weight takes on its edge; None where it does not fit between the ends."""
    half = text_width(_tell(edge), SMALL) / 2 - 2.0
    length = math.dist(edge.start, edge.end)
    middle = share * length
    if middle - half < 10.0 or middle + half > length - 16.0:
        return None
    count = max(2, math.ceil(2 * half / 7.0))
    return [edge.at((middle - half + 2 * half * step / count) / length) for step in range(count + 1)]


def _near(edge: Edge, dots: list[tuple[float, float]]) -> int:
    """Tell whether an edge passes through the room of another one's weight."""
    (x0, y0), (x1, y1) = edge.start, edge.end
    length = math.dist(edge.start, edge.end)
    return int(any(abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length < 7.0 for x, y in dots))


def paint_edges(edges: list[Edge]) -> tuple[list[str], list[str]]:
    """Return the edges, the thicker the larger their weights, and the weights to stand above them."""
    largest = max((abs(e.weight) for e in edges if e.weight is not None and math.isfinite(e.weight)), default=0.0)
    lines, labels = [], []
    for edge in edges:
        if edge.weight is None:
            lines.append(f'<path class="wire" d="{edge.line}"/>')
            continue
        kind = "negative" if edge.weight < 0 else "positive"
        share = min(abs(edge.weight) / (largest or 1.0), 1.0) if math.isfinite(edge.weight) else 1.0
        lines.append(f'<path class="{kind}" stroke-width="{round(0.8 + 2.4 * share, 2)}" d="{edge.line}"/>')
        x, y = edge.at(edge.share)
        turn = f"translate({coordinate(x)} {coordinate(y)}) rotate({coordinate(math.degrees(edge.angle))})"
        half = text_width(_tell(edge), SMALL) / 2 + 1.0
        ground = paint_box("ground", -half, -0.55 * SMALL, 2 * half, 1.1 * SMALL, 3.0)
        text = paint_text("label", 0.0, 0.35 * SMALL, SMALL, _tell(edge), "middle")
        labels.append(f'<g transform="{turn}">{ground}{text}</g>')
    return lines, labels


def _tell(edge: Edge) -> str:
    return "" if edge.weight is None else write_short(edge.weight)
