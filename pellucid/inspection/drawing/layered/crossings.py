"""The order within the columns of a layered layout: as few crossings of wires as can be found soon.

Source: Sugiyama, Tagawa and Toda, Methods for visual understanding of hierarchical system structures (1981).
"""

from __future__ import annotations

from bisect import bisect_right, insort

from pellucid.inspection.drawing.layered.columns import Columns

SWEEPS = 12
"""How often the order within columns is improved from the left and from the right."""
SMALL = 400
"""Up to this many vertices (wires' bends included), pairs of neighbours are exchanged too: better and slower."""


def reduce_crossings(columns: Columns) -> None:
    """Order every column by the mean place of its neighbours, from the left and from the right; keep the best."""
    best, fewest = [list(members) for members in columns.members], _count_crossings(columns)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        forward = sweep % 2 == 1
        numbers = range(1, len(columns.members)) if forward else range(len(columns.members) - 2, -1, -1)
        for number in numbers:
            neighbours = columns.before if forward else columns.after
            fixed = columns.members[number - 1 if forward else number + 1]
            _sort_by_barycentre(columns.members[number], fixed, neighbours, columns.ports)
        if len(columns.rooms) <= SMALL:
            _exchange_neighbours(columns)
        crossings = _count_crossings(columns)
        if crossings < fewest:
            best, fewest = [list(members) for members in columns.members], crossings
    columns.members = best


def _sort_by_barycentre(
    members: list[int], fixed: list[int], neighbours: list[list[int]], ports: dict[tuple[int, int], float]
) -> None:
    place = {vertex: index for index, vertex in enumerate(fixed)}
    key = {}
    for index, vertex in enumerate(members):
        places = [place[other] + ports.get((vertex, other), 0.0) for other in neighbours[vertex]]
        key[vertex] = sum(places) / len(places) if places else index * len(fixed) / len(members)
    members.sort(key=key.__getitem__)


def _count_crossings(columns: Columns) -> int:
    total = 0
    for number in range(len(columns.members) - 1):
        place = {vertex: index for index, vertex in enumerate(columns.members[number + 1])}
        passed: list[float] = []
        for vertex in columns.members[number]:
            ends = sorted(place[target] + columns.ports.get((vertex, target), 0.0) for target in columns.after[vertex])
            total += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return total


def _exchange_neighbours(columns: Columns) -> None:
    """Exchange vertices that stand one above the other wherever that takes crossings away."""
    for number, members in enumerate(columns.members):
        sides = []
        for other, neighbours in ((number - 1, columns.before), (number + 1, columns.after)):
            if 0 <= other < len(columns.members):
                place = {vertex: index for index, vertex in enumerate(columns.members[other])}
                sides.append(
                    {v: sorted(place[w] + columns.ports.get((v, w), 0.0) for w in neighbours[v]) for v in members}
                )
        improved = True
        while improved:
            improved = False
            for index in range(len(members) - 1):
                upper, lower = members[index], members[index + 1]
                gain = sum(
                    _inversions(side[upper], side[lower]) - _inversions(side[lower], side[upper]) for side in sides
                )
                if gain > 0:
                    members[index], members[index + 1] = lower, upper
                    improved = True


def _inversions(upper: list[float], lower: list[float]) -> int:
    return sum(len(upper) - bisect_right(upper, end) for end in lower)
