"""Layered layout: where the vertices and wires of a graph go on the plane. It knows nothing of painting.

Vertices stand in columns from left to right. A value that is used further on runs along one wire through the columns
between, where it has a row of its own, and branches off it. Labels belong to the room that a vertex asks for, and
wires bend only in the gaps between columns; so nothing overlaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pellucid.inspection.drawing.layered.columns import Columns, Room, arrange
from pellucid.inspection.drawing.layered.crossings import reduce_crossings
from pellucid.inspection.drawing.layered.rows import place_rows

Point = tuple[float, float]

GAP, BETWEEN = 34.0, 14.0
"""The least distance between columns, and between rows."""


@dataclass(frozen=True)
class Layout:
    """Places on the plane, the left upper corner being (0, 0).

    Attributes
    ----------
    width, height : float
    centres : tuple of Point
        Of every vertex.
    wires : tuple of tuple of Point
        For every edge the points that it passes: from where its source's column ends to where its target's begins. From
        an even point to the next it bends, from an odd point to the next it runs level.
    """

    width: float
    height: float
    centres: tuple[Point, ...]
    wires: tuple[tuple[Point, ...], ...]


def lay_out(
    rooms: Sequence[Room], edges: Sequence[tuple[int, int]], gap: float = GAP, between: float = BETWEEN
) -> Layout:
    """Place the vertices of an acyclic graph.

    Parameters
    ----------
    rooms : sequence of Room
        What every vertex needs.
    edges : sequence of (source, target)
        Indices into `rooms`, every source smaller than its target; an edge may stand twice.
    gap : float
        The least distance between columns.
    between : float
        The least distance between rows.

    Returns
    -------
    Layout

    Examples
    --------
    >>> plan = lay_out([Room(10, 10, 10, 10)] * 3, [(0, 2), (1, 2)], gap=30, between=20)
    >>> plan.centres
    ((10.0, 10.0), (10.0, 50.0), (63.6, 30.0))
    """
    columns = arrange(rooms, edges, between)
    reduce_crossings(columns)
    y = place_rows(columns, between)
    top = min((y[v] - columns.rooms[v].up for v in range(columns.real)), default=0.0)
    bottom = max((y[v] + columns.rooms[v].down for v in range(columns.real)), default=0.0)
    bends = [y[v] for v in range(columns.real, len(y))]
    top, bottom = min([top, *bends]), max([bottom, *bends])
    y = [value - top for value in y]
    lefts, rights, centre = _place_columns(columns, y, gap)
    ports = _ports(columns, y)
    wires = []
    for edge, path in enumerate(columns.paths):
        points: list[Point] = []
        for source, target in pairwise(path):
            entry = y[target] + (ports[edge] if target == path[-1] else 0.0)
            points.append((rights[columns.column_of[source]], y[source]))
            points.append((lefts[columns.column_of[target]], entry))
        wires.append(tuple((round(px, 2), round(py, 2)) for px, py in points))
    centres = tuple((round(centre[columns.column_of[v]], 2), round(y[v], 2)) for v in range(columns.real))
    return Layout(round(max(rights, default=0.0), 2), round(bottom - top, 2), centres, tuple(wires))


def _place_columns(columns: Columns, y: list[float], gap: float) -> tuple[list[float], list[float], list[float]]:
    """Return where each column begins and ends and where its vertices have their centres; steep wires get more gap."""
    lefts: list[float] = []
    rights: list[float] = []
    centres: list[float] = []
    at = 0.0
    for number, members in enumerate(columns.members):
        if number:
            steep = max((abs(y[v] - y[w]) for v in members for w in columns.before[v]), default=0.0)
            at += gap + min(0.18 * steep, 3 * gap)
        left = max(columns.rooms[v].left for v in members)
        lefts.append(at)
        centres.append(at + left)
        at += left + max(columns.rooms[v].right for v in members)
        rights.append(at)
    return lefts, rights, centres


def _ports(columns: Columns, y: list[float]) -> list[float]:
    """Return how far above or below its target's centre each edge enters it."""
    arriving: dict[int, list[int]] = {}
    for edge, path in enumerate(columns.paths):
        arriving.setdefault(path[-1], []).append(edge)
    ports = [0.0] * len(columns.paths)
    for target, found in arriving.items():
        if not columns.rooms[target].ordered:
            found.sort(key=lambda edge: y[columns.paths[edge][-2]])
        room = columns.rooms[target]
        step = min(room.apart, 2 * room.entry / max(len(found) - 1, 1))
        for index, edge in enumerate(found):
            ports[edge] = step * (index - (len(found) - 1) / 2)
    return ports
