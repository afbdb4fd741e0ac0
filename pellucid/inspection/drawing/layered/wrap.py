"""Long drawings in rows: read from left to right and from top to bottom, as text is.

The columns of a layered layout are cut into rows of at most some width. A value that is used in a later row ends in a
marker that says in which one, and begins there at a marker that says where it comes from.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from pellucid.inspection.drawing.figure import Vertex, shorten
from pellucid.inspection.drawing.layered.columns import Room, assign_columns
from pellucid.inspection.drawing.layered.layout import GAP, Layout, lay_out

Edges = Sequence[tuple[int, int]]
Measure = Callable[[Vertex, int], Room]
"""What room a vertex with so many arriving wires needs."""

BETWEEN = 34.0
HEAD = 22.0
"""Between rows, and above each row for its name."""

_MOST_RUNS = 6  # of rows that are named in a marker
_LIKELY = 0.8  # so much of what the last row took besides its columns, the next one is taken to need
_SHORTEST = 0.75  # of the columns that a row could have, to end where fewer wires pass


@dataclass(frozen=True)
class Wrapped:
    """A drawing in rows: its vertices with the markers among them, its edges, their places, and where each row begins.

    `tops` is empty where one row is wide enough.
    """

    vertices: list[Vertex]
    edges: list[tuple[int, int]]
    layout: Layout
    tops: tuple[float, ...]


@dataclass(frozen=True)
class _Row:
    """The vertices of one row: markers of values from above, its own ones, markers of values that go on below."""

    vertices: list[Vertex]
    edges: list[tuple[int, int]]
    layout: Layout


def wrap(vertices: Sequence[Vertex], edges: Edges, measure: Measure, widest: float, tolerance: float = 1.25) -> Wrapped:
    """Lay a graph out in rows that are at most `widest`, or a single column.

    Parameters
    ----------
    vertices : sequence of Vertex
        In topological order.
    edges : sequence of (source, target)
    measure : callable
    widest : float
        Of the longest row, in pixels; names of markers may make it a little wider.
    tolerance : float
        One row is kept if it is no wider than so many times `widest`: a picture in one piece is worth more than size.
    """
    columns = assign_columns(len(vertices), edges)
    widths = _widths(vertices, columns, measure)
    if sum(widths) + GAP * (len(widths) - 1) <= tolerance * widest:
        whole = _lay_out(list(vertices), list(edges), measure)
        if whole.layout.width <= tolerance * widest:
            return Wrapped(whole.vertices, whole.edges, whole.layout, ())
    starts = _choose_starts(vertices, edges, columns, widths, measure, widest)
    if len(starts) == 1:
        whole = _lay_out(list(vertices), list(edges), measure)
        return Wrapped(whole.vertices, whole.edges, whole.layout, ())
    numbers = _number_rows(columns, edges, starts)
    used = sorted(set(numbers))  # a row whose inputs are all used below is none
    rows = [used.index(number) for number in numbers]
    return _stack([_row(vertices, edges, rows, row, measure) for row in range(len(used))])


def _lay_out(vertices: list[Vertex], edges: list[tuple[int, int]], measure: Measure) -> _Row:
    arriving = [0] * len(vertices)
    for _, target in edges:
        arriving[target] += 1
    return _Row(vertices, edges, lay_out([measure(*each) for each in zip(vertices, arriving, strict=True)], edges))


def _widths(vertices: Sequence[Vertex], columns: Sequence[int], measure: Measure) -> list[float]:
    """Return how wide each column is."""
    lefts, rights = [0.0] * (max(columns, default=-1) + 1), [0.0] * (max(columns, default=-1) + 1)
    for vertex, column in zip(vertices, columns, strict=True):
        room = measure(vertex, 1)
        lefts[column], rights[column] = max(lefts[column], room.left), max(rights[column], room.right)
    return [left + right for left, right in zip(lefts, rights, strict=True)]


def _number_rows(columns: Sequence[int], edges: Edges, starts: Sequence[int]) -> list[int]:
    """Return the row of every vertex; inputs stand in the first one that uses them, ends where what they show is."""
    rows = [bisect_right(starts, column) - 1 for column in columns]
    sources = {source for source, _ in edges}
    ends = {target: source for source, target in edges if target not in sources}
    rows = [rows[ends.get(vertex, vertex)] for vertex in range(len(rows))]
    first: dict[int, int] = {}
    for source, target in edges:
        first[source] = min(first.get(source, len(starts)), rows[target])
    inputs = first.keys() - {target for _, target in edges}
    return [first[vertex] if vertex in inputs else row for vertex, row in enumerate(rows)]


def _choose_starts(
    vertices: Sequence[Vertex],
    edges: Edges,
    columns: Sequence[int],
    widths: Sequence[float],
    measure: Measure,
    widest: float,
) -> list[int]:
    """Return the first column of every row: rows as long as they may be, cut where few wires pass."""
    count = len(widths)
    crossing = _count_crossing(columns, edges)
    starts = [0]
    besides = 0.0  # what a row took besides its columns: markers, and gaps for steep wires
    while True:
        start = starts[-1]
        end, width = start + 1, widths[start] + _LIKELY * besides
        while end < count and width + GAP + widths[end] <= widest:
            width += GAP + widths[end]
            end += 1
        while True:
            least = start + max(1, math.ceil(_SHORTEST * (end - start)))
            cut = end if end == count else min(range(end, least - 1, -1), key=crossing.__getitem__)
            rows = _number_rows(columns, edges, [*starts, cut] if cut < count else starts)
            taken = _row(vertices, edges, rows, len(starts) - 1, measure).layout.width
            excess, end = taken - widest, cut
            if excess <= 0 or end == start + 1:
                break
            while excess > 0 and end > start + 1:
                end -= 1
                excess -= GAP + widths[end]
        if end == count:
            return starts
        besides = max(0.0, taken - sum(widths[start:end]) - GAP * (end - start - 1))
        starts.append(end)


def _count_crossing(columns: Sequence[int], edges: Edges) -> list[int]:
    """Return how many values pass from before each column to it or beyond."""
    furthest = {source: columns[source] for source, _ in edges}
    for source, target in edges:
        furthest[source] = max(furthest[source], columns[target])
    change = [0] * (max(columns) + 2)
    for source, last in furthest.items():
        change[columns[source] + 1] += 1
        change[last + 1] -= 1
    return list(accumulate(change))[:-1]


def _row(vertices: Sequence[Vertex], edges: Edges, rows: Sequence[int], row: int, measure: Measure) -> _Row:
    """Lay out one row with the markers at its ends."""
    from_above = dict.fromkeys(s for s, t in edges if rows[t] == row != rows[s])
    below: dict[int, set[int]] = {}
    for source, target in edges:
        if rows[source] == row != rows[target]:
            below.setdefault(source, set()).add(rows[target])
    own = [number for number in range(len(vertices)) if rows[number] == row]
    place = {source: index for index, source in enumerate([*from_above, *own])}
    shown = [_begin(vertices[source], rows[source]) for source in from_above] + [vertices[number] for number in own]
    inner = [(place[s], place[t]) for s, t in edges if rows[t] == row]
    for source, others in below.items():
        inner.append((place[source], len(shown)))
        shown.append(_end(vertices[source], others))
    return _lay_out(shown, inner, measure)


def _begin(vertex: Vertex, row: int) -> Vertex:
    name = vertex.title.split("\n")[0]
    return Vertex("marker", f"row {row + 1} → {shorten(name)}", "", "", "", f"from row {row + 1}: {vertex.title}")


def _end(vertex: Vertex, rows: set[int]) -> Vertex:
    told = f"row{'s' if len(rows) > 1 else ''} {_tell_rows(sorted(row + 1 for row in rows))}"
    name = vertex.title.split("\n")[0]
    return Vertex("marker", f"{shorten(name)} → {told}", "", "", "", f"goes on in {told}: {vertex.title}")


def _tell_rows(rows: Sequence[int]) -> str:
    """Return numbers of rows, those in sequence as a range; at most some of them."""
    runs: list[list[int]] = []
    for row in rows:
        if runs and row == runs[-1][-1] + 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    told = [", ".join(map(str, run)) if len(run) < 3 else f"{run[0]}–{run[-1]}" for run in runs]
    more = sum(map(len, runs[_MOST_RUNS:]))
    return ", ".join(told[:_MOST_RUNS]) + (f" and {more} more" if more else "")


def _stack(rows: Sequence[_Row]) -> Wrapped:
    """Put rows below each other."""
    vertices: list[Vertex] = []
    edges: list[tuple[int, int]] = []
    centres: list[tuple[float, float]] = []
    wires: list[tuple[tuple[float, float], ...]] = []
    tops: list[float] = []
    y = 0.0
    for row in rows:
        tops.append(y)
        y += HEAD
        first = len(vertices)
        vertices += row.vertices
        edges += [(source + first, target + first) for source, target in row.edges]
        centres += [(across, round(down + y, 2)) for across, down in row.layout.centres]
        wires += [tuple((across, round(down + y, 2)) for across, down in points) for points in row.layout.wires]
        y += row.layout.height + BETWEEN
    width = max(row.layout.width for row in rows)
    return Wrapped(vertices, edges, Layout(width, round(y - BETWEEN, 2), tuple(centres), tuple(wires)), tuple(tops))
