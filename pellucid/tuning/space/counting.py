"""How many configurations a search space has, without going through them.

Dimensions are gone through in an order in which conditions refer backwards. What matters for the rest is only which of
the later dimensions can no longer take part: a set of bits. So configurations are counted by this set, and the numbers
of equal sets are added. Where only some of the names count, the others say which sets are possible at once, and a set
of sets takes the place of one, as when an automaton is made deterministic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pellucid.errors import UsageError
from pellucid.tuning.space.dimensions import Dimension, answers_of
from pellucid.tuning.space.distribution import Distribution

MOST_STATES = 100_000


def count_configurations(
    dimensions: Sequence[Dimension], names: set[str], distributions: Mapping[str, Distribution] | None = None
) -> int | None:
    """Return how many different combinations of some dimensions' values there are, None where they are not countable.

    Parameters
    ----------
    dimensions : sequence of Dimension
        In an order in which conditions refer backwards.
    names : set of str
        Those that count.
    distributions : mapping, optional
        What takes the place of dimensions' distributions.

    Raises
    ------
    UsageError
        Where conditions depend on each other in more ways than can be counted.
    """
    used = {one.name: one.distribution for one in dimensions} | dict(distributions or {})
    if any(one.name in names and used[one.name].count is None for one in dimensions):
        return None
    ordered = _depth_first(dimensions)
    bits = {one.name: 1 << place for place, one in enumerate(ordered)}
    states: dict[frozenset[int], int] = {frozenset({0}): 1}
    followers_of: dict[str, list[Dimension]] = {one.name: [] for one in ordered}
    for one in ordered:
        for name in one.condition.names if one.condition else ():
            if name in followers_of:
                followers_of[name].append(one)
    for one in ordered:
        followers = followers_of[one.name]
        ended = sum(bits[other.name] for other in followers)
        outcomes = _outcomes(one.name, used[one.name], followers, bits)
        states = _go_on(states, bits[one.name], ended, outcomes, one.name in names)
        if sum(map(len, states)) > MOST_STATES:
            fix = "Let fewer settings depend on several others at once."
            raise UsageError("the conditions are too entangled for counting", where=one.name, fix=fix)
    return sum(states.values())


def _depth_first(dimensions: Sequence[Dimension]) -> list[Dimension]:
    """Return an order in which dimensions stand soon behind those that they depend on, so that few bits are open."""
    known = {one.name for one in dimensions}
    parents = {
        one.name: [name for name in one.condition.names if name in known] if one.condition else [] for one in dimensions
    }
    waiting = {name: len(found) for name, found in parents.items()}
    children: dict[str, list[Dimension]] = {name: [] for name in known}
    for one in dimensions:
        for name in parents[one.name]:
            children[name].append(one)
    stack = [one for one in reversed(dimensions) if not waiting[one.name]]
    ordered = []
    while stack:
        one = stack.pop()
        ordered.append(one)
        for child in reversed(children[one.name]):
            waiting[child.name] -= 1
            if not waiting[child.name]:
                stack.append(child)
    return ordered


def _outcomes(
    name: str, distribution: Distribution, followers: Sequence[Dimension], bits: Mapping[str, int]
) -> dict[int, int]:
    """Return, for the sets of dimensions that values of one exclude, how many values do so."""
    asked = [
        (other, one)
        for other in followers
        if other.condition
        for one in other.condition.comparisons
        if one.name == name
    ]
    counts: Counter[int] = Counter()
    for answers, count in answers_of(distribution, [one for _, one in asked]):
        excluded = 0
        for (other, _), answer in zip(asked, answers, strict=True):
            excluded |= 0 if answer else bits[other.name]
        counts[excluded] += count or 0
    return counts


def _go_on(
    states: Mapping[frozenset[int], int], bit: int, ended: int, outcomes: Mapping[int, int], counts: bool
) -> dict[frozenset[int], int]:
    """Return the states behind one dimension: it is out where its bit is set, and then all that depend on it are."""
    following: Counter[frozenset[int]] = Counter()
    for state, number in states.items():
        out = frozenset((one | ended) & ~bit for one in state if one & bit)
        alive = [one for one in state if not one & bit]
        if not counts:
            following[out | {one | excluded for one in alive for excluded in outcomes}] += number
            continue
        if out:
            following[out] += number
        for excluded, values in outcomes.items() if alive else ():
            following[frozenset(one | excluded for one in alive)] += number * values
    return following


def tell_count(count: int | None) -> str:
    """Return a number of configurations for a person.

    Examples
    --------
    >>> print(tell_count(1234567), tell_count(10**30), tell_count(None), sep="; ")
    1,234,567; about 1.0e30; without end
    """
    if count is None:
        return "without end"
    if count < 10**15:
        return f"{count:,}"
    power = int((count.bit_length() - 1) * 0.30102999566398120)
    while 10 ** (power + 1) <= count:
        power += 1
    tenths = count * 10 // 10**power
    return f"about {tenths // 10}.{tenths % 10}e{power}"
