"""The rows of a layered layout: near the neighbours, in order, at a distance, long wires straight.

What is wanted of a column is met by isotonic regression, its least-squares answer.
Source: Barlow, Bartholomew, Bremner and Brunk, Statistical Inference under Order Restrictions (1972), chapter 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.inspection.columns import Columns


def place_rows(columns: Columns, between: float) -> list[float]:
    """Return each vertex's row: near its neighbours, wires through many columns straight, all at a distance."""
    y = [0.0] * len(columns.rooms)
    for members in columns.members:
        _settle(columns, members, [0.0] * len(members), [1.0] * len(members), between, y)
    for side in (*("right", "left") * 8, *("both",) * 6, "right", "left"):
        order = columns.members[::-1] if side == "right" else columns.members
        for members in order:
            wanted, weights = [], []
            for vertex in members:
                left, right = columns.before[vertex], columns.after[vertex]
                near = {"left": left, "right": right, "both": left + right}[side]
                pulls = [_pull(columns, vertex, other) for other in near]
                weight = sum(pulls)
                mean = sum(p * y[other] for p, other in zip(pulls, near, strict=True)) / weight if weight else y[vertex]
                wanted.append(mean)
                weights.append(weight or 0.01)
            _settle(columns, members, wanted, weights, between, y)
    _straighten(columns, between, y)
    return y


def _pull(columns: Columns, one: int, other: int) -> float:
    """How strongly two neighbours want to stand level: bends most, so that long wires run straight."""
    bends = (one >= columns.real) + (other >= columns.real)
    return (1.0, 2.0, 8.0)[bends]


def _settle(
    columns: Columns, members: list[int], wanted: list[float], weights: list[float], between: float, y: list[float]
) -> None:
    """Set the rows of one column nearest to those wanted (least squares), in order and at a distance."""
    offsets, offset = [], 0.0
    for index, vertex in enumerate(members):
        if index:
            offset += columns.rooms[members[index - 1]].down + between + columns.rooms[vertex].up
        offsets.append(offset)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many: pool adjacent violators
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        block = (want - offset, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, heavy, many = blocks.pop()
            total = heavy + block[1]
            block = ((mean * heavy + block[0] * block[1]) / total, total, many + block[2])
        blocks.append(block)
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
