"""Distributions of numbers that are not to be counted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pellucid.errors import UsageError
from pellucid.tuning.space.distribution import Distribution, set_limits
from pellucid.tuning.space.values import Value, finite, format_number, is_number


class _Continuous(Distribution):
    low: float
    high: float

    @property
    def count(self) -> int | None:
        return 1 if self.low == self.high else None

    def contains(self, value: Any) -> bool:
        return is_number(value) and self.low <= value <= self.high

    def values(self, points: int = 3) -> Sequence[Value]:
        if self.low == self.high or points < 2:
            return [self.at(0.5)]
        inner = (self.at(index / (points - 1)) for index in range(1, points - 1))
        return list(dict.fromkeys([self.low, *inner, self.high]))

    def pieces(self, breaks: Sequence[float]) -> Iterator[tuple[Value, int | None]]:
        if self.low == self.high:
            yield self.low, 1
            return
        ends = [self.low, *sorted({point for point in breaks if self.low < point < self.high}), self.high]
        for low, high in pairwise(ends):
            middle = low / 2 + high / 2
            if low < middle < high:
                yield middle, None


@dataclass(frozen=True, eq=False, repr=False)
class Uniform(_Continuous):
    """Numbers from `low` to `high`, all of them equally likely.

    Examples
    --------
    >>> Uniform(0, 0.5).at(0.25), str(Uniform(0, 0.5))
    (0.125, 'uniform(0, 0.5)')
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        set_limits(self, finite(self.low, "uniform, low"), finite(self.high, "uniform, high"))
        if not math.isfinite(self.high - self.low):
            raise UsageError("the limits are too far apart", where="uniform", got=str(self))

    def at(self, u: float) -> float:
        return min(max(self.low + u * (self.high - self.low), self.low), self.high)

    def _place(self, value: Any) -> float:
        return (float(value) - self.low) / (self.high - self.low) if self.low < self.high else 0.5

    def __str__(self) -> str:
        return f"uniform({format_number(self.low)}, {format_number(self.high)})"

    __repr__ = __str__


@dataclass(frozen=True, eq=False, repr=False)
class LogUniform(_Continuous):
    """Numbers from `low` to `high` whose logarithms are equally likely: as many from 0.001 to 0.01 as from 0.1 to 1.

    Examples
    --------
    >>> round(LogUniform(0.01, 1).at(0.5), 12)
    0.1
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        set_limits(self, finite(self.low, "log_uniform, low"), finite(self.high, "log_uniform, high"))
        if self.low <= 0:
            fix = "Take a low limit above 0, or uniform."
            raise UsageError("no logarithm", where="log_uniform, low", got=format_number(self.low), fix=fix)

    def at(self, u: float) -> float:
        low, high = math.log(self.low), math.log(self.high)
        try:
            return min(max(math.exp(low + u * (high - low)), self.low), self.high)
        except OverflowError:
            return self.high

    def _place(self, value: Any) -> float:
        low, high = math.log(self.low), math.log(self.high)
        return min(max((math.log(value) - low) / (high - low), 0.0), 1.0) if low < high else 0.5

    def __str__(self) -> str:
        return f"log_uniform({format_number(self.low)}, {format_number(self.high)})"

    __repr__ = __str__
