"""Configurations as numbers: columns for a forest, and groups of values over which is averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pellucid.random import uniform
from pellucid.tuning.space import Choice, Dimension, Space
from pellucid.tuning.space.values import is_number

GROUPS = 16
"""A setting of more values than this is divided into so many groups of neighbours."""

DRAWS = 4096
"""So many configurations stand for the whole space."""

MOST_COLUMNS = 32
"""A choice of so many names has a column for each; one of more is numbered."""

OUT = -1.0
"""What stands for a setting where it takes no part: a number outside of all places, which are from 0 to 1."""


@dataclass(frozen=True, eq=False)
class Encoding:
    """How a dimension's values become numbers.

    A number, or a name of very many, is its place in the distribution, from 0 to 1. A name has a column that is 1 for
    itself and 0 for all others. Where the dimension takes no part all its columns are :data:`OUT`, which lies outside
    the range, so that one split of a tree sets these configurations apart.
    """

    dimension: Dimension

    @cached_property
    def named(self) -> bool:
        """Whether its values have no order."""
        found = self.dimension.distribution
        return (
            isinstance(found, Choice)
            and 2 < found.count <= MOST_COLUMNS
            and not all(is_number(option) for option in found.options)
        )

    @cached_property
    def _edges(self) -> np.ndarray:
        """The places between groups."""
        found = self.dimension.distribution
        if found.count is None or found.count > GROUPS:
            return np.arange(1, GROUPS) / GROUPS
        places = np.array([found.unit(value) for value in found.values()])
        return np.asarray((places[1:] + places[:-1]) / 2)

    @cached_property
    def _orders(self) -> dict[float, float]:
        """Of a choice of numbers, the place of each among all in the order of size."""
        found = self.dimension.distribution
        if not isinstance(found, Choice) or self.named or not all(is_number(option) for option in found.options):
            return {}
        ordered = sorted(found.options, key=float)  # type: ignore[arg-type]
        return {found.unit(option): (place + 0.5) / found.count for place, option in enumerate(ordered)}

    @property
    def count(self) -> int:
        """How many groups there are."""
        return len(self._edges) + 1

    def places(self, configurations: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Return the places of values, [configurations], NaN where the dimension takes no part."""
        name, found = self.dimension.name, self.dimension.distribution
        return np.array([found.unit(one[name]) if name in one else np.nan for one in configurations], np.float64)

    def columns(self, places: np.ndarray) -> np.ndarray:
        """Return the columns of a forest, [configurations, columns]."""
        if self.named:
            groups = self.groups(places)
            columns = (groups[:, None] == np.arange(self.count)).astype(np.float64)
        else:
            moved = [self._orders.get(place, place) for place in places.tolist()] if self._orders else places
            columns = np.array(moved, np.float64)[:, None]
        return np.where(np.isnan(places)[:, None], OUT, columns)

    def groups(self, places: np.ndarray) -> np.ndarray:
        """Return the number of each value's group, [configurations], -1 where the dimension takes no part."""
        found = np.searchsorted(self._edges, np.nan_to_num(places, nan=0.0), side="right")
        return np.where(np.isnan(places), -1, found)


def draw_configurations(space: Space, seed: int, count: int = DRAWS) -> list[dict[str, Any]]:
    """Return configurations that are spread evenly over the whole space: Sobol's sequence, moved by the seed."""
    from scipy.stats import qmc

    names = [one.name for one in space.dimensions]
    shift = uniform(seed, "importance", 0, (len(names),))
    numbers = (qmc.Sobol(len(names), scramble=False).random(count) + shift) % 1.0
    return [space.draw(dict(zip(names, row, strict=True))) for row in numbers.tolist()]
