"""Dimensions of a search space: their order, and whether their conditions make sense."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pellucid.errors import UsageError, nearest
from pellucid.tuning.space.conditions import Comparison, Condition
from pellucid.tuning.space.discrete import Choice
from pellucid.tuning.space.distribution import Distribution
from pellucid.tuning.space.values import Value, tell_value


@dataclass(frozen=True)
class Dimension:
    """A setting that is searched over.

    Attributes
    ----------
    name : str
    distribution : Distribution
    condition : Condition or None
        Where it takes part; None: always.
    """

    name: str
    distribution: Distribution
    condition: Condition | None = None

    def active(self, parameters: Mapping[str, object]) -> bool:
        """Whether it takes part, given the parameters that it depends on."""
        return self.condition is None or self.condition.met(parameters)

    def __str__(self) -> str:
        return f"{self.distribution} if {self.condition}" if self.condition else str(self.distribution)


def in_order(dimensions: Sequence[Dimension]) -> tuple[Dimension, ...]:
    """Return dimensions so that conditions refer backwards only, otherwise in the order in which they are given.

    Raises
    ------
    UsageError
        Where they depend on each other in a circle.
    """
    places = {dimension.name: place for place, dimension in enumerate(dimensions)}
    waiting = [sum(name in places for name in _depends_on(dimension)) for dimension in dimensions]
    followers: dict[str, list[int]] = {name: [] for name in places}
    for place, dimension in enumerate(dimensions):
        for name in _depends_on(dimension):
            if name in places:
                followers[name].append(place)
    ready = [place for place, count in enumerate(waiting) if count == 0]
    ordered = []
    while ready:
        place = heapq.heappop(ready)
        ordered.append(dimensions[place])
        for follower in followers[dimensions[place].name]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heapq.heappush(ready, follower)
    if len(ordered) < len(dimensions):
        _refuse_circle(dimensions, {dimension.name for dimension in ordered})
    return tuple(ordered)


def _depends_on(dimension: Dimension) -> tuple[str, ...]:
    return dimension.condition.names if dimension.condition else ()


def _refuse_circle(dimensions: Sequence[Dimension], settled: set[str]) -> None:
    known = {dimension.name: dimension for dimension in dimensions}
    path = [next(name for name in known if name not in settled)]
    while path[-1] not in path[:-1]:
        path.append(next(name for name in _depends_on(known[path[-1]]) if name in known and name not in settled))
    circle = path[path.index(path[-1]) :]
    if len(circle) == 2:
        raise UsageError("its condition is about itself", where=circle[0], got=str(known[circle[0]].condition))
    told = " -> ".join(circle if len(circle) <= 8 else [*circle[:4], "...", *circle[-3:]])
    raise UsageError("conditions go in a circle", where=circle[0], got=told, fix="Leave out one of them.")


def check_conditions(dimensions: Sequence[Dimension], fixed: Mapping[str, Value]) -> None:
    """Check that conditions are about what is there, and can be met.

    Raises
    ------
    UsageError
        Where one is not, or can not.
    """
    known: dict[str, Distribution] = {name: Choice([value]) for name, value in fixed.items()}
    known |= {dimension.name: dimension.distribution for dimension in dimensions}
    for dimension in dimensions:
        for comparison in dimension.condition.comparisons if dimension.condition else ():
            if comparison.name not in known:
                fix = nearest(comparison.name[:60], known.keys() - {dimension.name})
                raise UsageError(
                    f"its condition is about {tell_value(comparison.name)}, which is not in the space",
                    where=dimension.name,
                    fix=f"{fix} A setting that is not searched can be given a value.",
                )
            if comparison.name not in fixed:
                _check_operands(dimension.name, comparison, known[comparison.name])


def _check_operands(where: str, comparison: Comparison, distribution: Distribution) -> None:
    """Refuse equality with what a setting never is: most often a misspelt name."""
    for operand in comparison.operands if comparison.sign in ("==", "!=", "in") else ():
        if not distribution.contains(operand):
            what = f"its condition names {tell_value(operand)}, which {comparison.name} never is"
            names = (
                [option for option in distribution.values() if isinstance(option, str)] if _named(distribution) else []
            )
            if isinstance(operand, str) and names:
                raise UsageError(what, where=where, fix=nearest(operand[:60], names))
            raise UsageError(what, where=where, expected=str(distribution)[:200])


def _named(distribution: Distribution) -> bool:
    return isinstance(distribution, Choice)


def check_active(dimensions: Sequence[Dimension], fixed: Mapping[str, Value]) -> None:
    """Check that every dimension takes part somewhere; dimensions are in order.

    What a dimension asks for, with all that those ask for which it depends on, is one list of comparisons. Dimensions
    are drawn independently, so the list can be met where the comparisons with each single one can.

    Raises
    ------
    UsageError
        Where one never does.
    """
    distributions: dict[str, Distribution] = {name: Choice([value]) for name, value in fixed.items()}
    distributions |= {dimension.name: dimension.distribution for dimension in dimensions}
    needed: dict[str, dict[str, dict[Comparison, None]]] = {}
    for dimension in dimensions:
        asked: dict[str, dict[Comparison, None]] = {}
        unsettled = set()
        for comparison in dimension.condition.comparisons if dimension.condition else ():
            asked[comparison.name] = asked.get(comparison.name, {}) | {comparison: None}
            unsettled.add(comparison.name)
        for parent in _depends_on(dimension):
            for name, comparisons in needed.get(parent, {}).items():
                if name in asked:
                    unsettled.add(name)
                asked[name] = asked.get(name, {}) | comparisons
        needed[dimension.name] = asked
        for name in sorted(unsettled):
            _check_met(dimension.name, distributions[name], list(asked[name]), fixed)


def _check_met(
    where: str, distribution: Distribution, comparisons: Sequence[Comparison], fixed: Mapping[str, Value]
) -> None:
    if any(all(answers) for answers, _ in answers_of(distribution, comparisons)):
        return
    name = comparisons[0].name
    is_what = f"is {tell_value(fixed[name])}" if name in fixed else f"is drawn from {distribution}"[:200]
    told = " and ".join(map(str, comparisons[:4]))
    raise UsageError(
        f"this can never take part: it asks for {told[:200]}, and {name} {is_what}",
        where=where,
        fix="Mend the condition, or leave the setting out.",
    )


def answers_of(
    distribution: Distribution, comparisons: Sequence[Comparison]
) -> Iterator[tuple[tuple[bool, ...], int | None]]:
    """Yield what comparisons say of a distribution's values: their answers, and of how many values."""
    breaks = [point for comparison in comparisons for point in comparison.breaks]
    for value, count in distribution.pieces(breaks):
        yield tuple(comparison.holds(value) for comparison in comparisons), count
