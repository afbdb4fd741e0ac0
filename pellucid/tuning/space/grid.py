"""Every configuration of a search space, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pellucid.tuning.space.dimensions import Dimension
from pellucid.tuning.space.values import Value


def configurations(
    dimensions: Sequence[Dimension], fixed: Mapping[str, Value], names: Sequence[str], points: int
) -> Iterator[dict[str, Value]]:
    """Yield configurations with their values in the order of `names`; the last dimension changes first.

    A dimension is gone through only where it takes part, so that none comes twice.
    """
    values = [one.distribution.values(points) for one in dimensions]
    found = dict(fixed)
    places: list[int] = []  # of each dimension's value; -1: it takes no part
    while True:
        for one, options in zip(dimensions[len(places) :], values[len(places) :], strict=True):
            taking_part = one.active(found)
            if taking_part:
                found[one.name] = options[0]
            places.append(0 if taking_part else -1)
        yield {name: found[name] for name in names if name in found}
        while places:
            place = places.pop()
            one, options = dimensions[len(places)], values[len(places)]
            if place < 0:
                continue
            if place + 1 < len(options):
                found[one.name] = options[place + 1]
                places.append(place + 1)
                break
            del found[one.name]
        else:
            return
