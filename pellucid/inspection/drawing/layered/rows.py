"""The rows of a layered layout: near the neighbours, in order, at a distance, long wires straight.

What is wanted of a column is met by isotonic regression, its least-squares answer.
Source: Barlow, Bartholomew, Bremner and Brunk, Statistical Inference under Order Restrictions (1972), chapter 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pellucid.inspection.drawing.layered.columns import Columns


def place_rows(columns: Columns, between: float) -> list[float]:
    """Return each vertex's row: near its neighbours, wires through many columns straight, all at a distance."""
    y = [0.0] * len(columns.rooms)
    offsets = [_offsets(columns, members, between) for members in columns.members]
    for members, apart in zip(columns.members, offsets, strict=True):
        _settle(members, [0.0] * len(members), [1.0] * len(members), apart, y)
    pulls = {side: _Pulls.of(columns, side) for side in ("left", "right", "both")}
    for side in (*("right", "left") * 8, *("both",) * 6, "right", "left"):
        order = range(len(offsets))[::-1] if side == "right" else range(len(offsets))
        near, total = pulls[side].near, pulls[side].total
        for number in order:
            members = columns.members[number]
            pulled = [sum([pull * y[other] for other, pull in near[v]]) for v in members]
            wanted = [to / total[v] if near[v] else y[v] for v, to in zip(members, pulled, strict=True)]
            _settle(members, wanted, [total[v] for v in members], offsets[number], y)
    _straighten(columns, between, y)
    return y


@dataclass(frozen=True)
class _Pulls:
    """How strongly each vertex wants to stand level with its neighbours on a side, and with all of them together."""

    near: list[list[tuple[int, float]]]
    total: list[float]

    @classmethod
    def of(cls, columns: Columns, side: str) -> _Pulls:
        near = []
        for vertex, (left, right) in enumerate(zip(columns.before, columns.after, strict=True)):
            others = {"left": left, "right": right, "both": left + right}[side]
            near.append([(other, _pull(columns, vertex, other)) for other in others])
        return cls(near, [sum(pull for _, pull in pulls) or 0.01 for pulls in near])


def _pull(columns: Columns, one: int, other: int) -> float:
    """How strongly two neighbours want to stand level: bends most, so that long wires run straight."""
    bends = (one >= columns.real) + (other >= columns.real)
    return (1.0, 2.0, 8.0)[bends]


def _offsets(columns: Columns, members: list[int], between: float) -> list[float]:
    """Return how far below the first one of a column each stands at least."""
    offsets = [0.0]
    for above, below in pairwise(members):
        offsets.append(offsets[-1] + columns.rooms[above].down + between + columns.rooms[below].up)
    return offsets[: len(members)]


def _settle(
    members: list[int], wanted: list[float], weights: list[float], offsets: list[float], y: list[float]
) -> None:
    """Set the rows of one column nearest to those wanted (least squares), in order and at a distance."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many: pool adjacent violators
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        mean, heavy, many = want - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            before, more, others = blocks.pop()
            mean = (before * more + mean * heavy) / (more + heavy)
            heavy += more
            many += others
        blocks.append((mean, heavy, many))
    placed = [mean for mean, _, many in blocks for _ in range(many)]
    for vertex, base, offset in zip(members, placed, offsets, strict=True):
        y[vertex] = base + offset


def _straighten(columns: Columns, between: float, y: list[float]) -> None:
    """Take small bends out: a wire runs level as far as its neighbours leave room, at its source's height if it can."""
    bounds = _Bounds(columns, between, y)
    runs = {tuple(path[1:-1]): (path[0], path[-1]) for path in sorted(columns.paths, key=len) if len(path) > 2}
    for bends, (source, target) in runs.items():
        low, high = bounds.of(bends)
        mean = sum(y[bend] for bend in bends) / len(bends)
        levels = [level for level in (y[source], y[target], mean) if low <= level <= high]
        if low <= high:
            for bend in bends:
                y[bend] = levels[0] if levels else min(max(mean, low), high)
    for members in columns.members:
        for vertex in members:
            near = columns.before[vertex]
            if len(near) == 1 and vertex < columns.real and abs(y[near[0]] - y[vertex]) < between:
                low, high = bounds.of([vertex])
                y[vertex] = y[near[0]] if low <= y[near[0]] <= high else y[vertex]


class _Bounds:
    """Between which rows a vertex may move while its neighbours in the column stay."""

    def __init__(self, columns: Columns, between: float, y: list[float]):
        self.columns, self.between, self.y = columns, between, y
        self.place = {v: index for members in columns.members for index, v in enumerate(members)}

    def of(self, vertices: Sequence[int]) -> tuple[float, float]:
        """Return the bounds that all of these vertices share."""
        low, high = -float("inf"), float("inf")
        for vertex in vertices:
            members, place, room = (
                self.columns.members[self.columns.column_of[vertex]],
                self.place[vertex],
                self.columns.rooms,
            )
            if place > 0:
                above = members[place - 1]
                low = max(low, self.y[above] + room[above].down + self.between + room[vertex].up)
            if place + 1 < len(members):
                below = members[place + 1]
                high = min(high, self.y[below] - room[below].up - self.between - room[vertex].down)
        return low, high
