"""The columns of a layered layout: which vertex stands in which, and where long wires pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True)
class Room:
    """The room that a vertex needs around its centre.

    Attributes
    ----------
    left, right, up, down : float
        How far it reaches from its centre.
    entry : float
        How far above and below its centre wires may enter.
    ordered : bool
        Whether wires enter in the order in which its edges are given, first on top; otherwise as they arrive.
    apart : float
        How far apart they enter, if there is room.
    """

    left: float
    right: float
    up: float
    down: float
    entry: float = 0.0
    ordered: bool = False
    apart: float = 12.0


@dataclass
class Columns:
    """Vertices in columns, the bends of long wires among them."""

    column_of: list[int]
    rooms: list[Room]
    real: int
    members: list[list[int]] = field(default_factory=list)
    before: list[list[int]] = field(default_factory=list)  # neighbours one column to the left
    after: list[list[int]] = field(default_factory=list)
    paths: list[list[int]] = field(default_factory=list)  # of each edge, from source to target
    ports: dict[tuple[int, int], float] = field(default_factory=dict)  # where in an ordered vertex it enters: 0 to 1


def assign_columns(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the column of every vertex: as late as its targets allow, then earlier or later where that shortens wires.

    Examples
    --------
    >>> assign_columns(4, [(0, 1), (1, 3), (2, 3)])
    [0, 1, 1, 2]
    """
    sources: list[list[int]] = [[] for _ in range(count)]
    targets: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        if source not in sources[target]:
            sources[target].append(source)
            targets[source].append(target)
    column = [0] * count
    for vertex in reversed(range(count)):
        column[vertex] = min((column[target] for target in targets[vertex]), default=0) - 1

    def change(vertex: int, new: int) -> int:
        """By how much all wires together get longer if the vertex moves."""
        longer = column[vertex] - new if targets[vertex] else 0
        for source in sources[vertex]:
            others = [column[target] for target in targets[source] if target != vertex]
            longer += max([*others, new]) - max([*others, column[vertex]])
        return longer

    for _ in range(3):
        for vertex in range(count):
            new = max((column[source] + 1 for source in sources[vertex]), default=column[vertex])
            if new < column[vertex] and change(vertex, new) <= 0:
                column[vertex] = new
        for vertex in reversed(range(count)):
            new = min((column[target] - 1 for target in targets[vertex]), default=column[vertex])
            if new > column[vertex] and change(vertex, new) < 0:
                column[vertex] = new
    first = min(column, default=0)
    return [number - first for number in column]


def arrange(rooms: Sequence[Room], edges: Sequence[tuple[int, int]], between: float) -> Columns:
    """Put vertices into columns, and a bend into every column that a wire passes."""
    result = Columns(assign_columns(len(rooms), edges), list(rooms), len(rooms))
    chains: dict[int, list[int]] = {}  # of each source: itself, and its wire's bends in the columns to the right
    for source, target in edges:
        chain = chains.setdefault(source, [source])
        while len(chain) < result.column_of[target] - result.column_of[source]:
            result.column_of.append(result.column_of[source] + len(chain))
            result.rooms.append(Room(0.0, 0.0, between / 4, between / 4))
            chain.append(len(result.rooms) - 1)
        result.paths.append([*chain[: result.column_of[target] - result.column_of[source]], target])
    count = len(result.rooms)
    result.before, result.after = [[] for _ in range(count)], [[] for _ in range(count)]
    for path in result.paths:
        for left, right in pairwise(path):
            if left not in result.before[right]:
                result.before[right].append(left)
                result.after[left].append(right)
    _order_ports(result)
    result.members = [[] for _ in range(max(result.column_of, default=-1) + 1)]
    for vertex in _depth_first(result):
        result.members[result.column_of[vertex]].append(vertex)
    return result


def _order_ports(columns: Columns) -> None:
    entering: dict[int, list[int]] = {}
    for path in columns.paths:
        if columns.rooms[path[-1]].ordered:
            entering.setdefault(path[-1], []).append(path[-2])
    for target, found in entering.items():
        for index, source in enumerate(found):
            columns.ports.setdefault((source, target), index / len(found))


def _depth_first(columns: Columns) -> list[int]:
    """Return all vertices, found from the right, first inputs first: a start that has a tree without crossings."""
    seen: dict[int, None] = {}
    ends = [v for v in range(len(columns.rooms)) if not columns.after[v]]
    for end in ends:
        stack = [end]
        while stack:
            vertex = stack.pop()
            if vertex not in seen:
                seen[vertex] = None
                stack.extend(reversed(columns.before[vertex]))
    return list(seen)
