"""Distributions of values that can be counted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.errors import UsageError, nearest
from pellucid.tuning.space.distribution import Distribution, set_limits
from pellucid.tuning.space.values import Value, format_value, identity, is_number, plain_value, tell_list, tell_value

LARGEST_INTEGER = 2**40
"""The limits of whole numbers: so much room that no seed and no size is left out, and floats tell all of them apart."""

MOST_CHOICES = 10_000


@dataclass(frozen=True, eq=False, repr=False)
class Integer(Distribution):
    """Whole numbers from `low` to `high`, both among them.

    Parameters
    ----------
    low, high : int
    log : bool
        Whether logarithms are equally likely: of ``k`` it is ``log((k + 1/2) / (k - 1/2))``, up to a factor.
    step : int
        What lies between neighbours.

    Examples
    --------
    >>> Integer(16, 64, step=16).values(), str(Integer(16, 256, log=True))
    (range(16, 65, 16), 'integer(16, 256, log)')
    """

    low: int
    high: int
    log: bool = False
    step: int = 1

    def __post_init__(self) -> None:
        limits = (_whole(self.low, "integer, low"), _whole(self.high, "integer, high"))
        object.__setattr__(self, "step", _whole(self.step, "integer, step"))
        set_limits(self, *limits)
        if self.step < 1:
            raise UsageError("no step", where="integer, step", got=str(self.step), expected="1 or more")
        if self.log and self.low < 1:
            fix = "Take a low limit of 1 or more, or leave out log."
            raise UsageError("no logarithm", where="integer, low", got=str(self.low), fix=fix)
        if self.log and self.step != 1:
            raise UsageError("both log and a step", where="integer", fix="Leave out one of them.")
        if rest := (self.high - self.low) % self.step:
            below = self.high - rest
            got, fix = f"{self.high} from {self.low} by {self.step}", f"Say {below} or {below + self.step}."
            raise UsageError("no step ends at the high limit", where="integer", got=got, fix=fix)

    @property
    def count(self) -> int:
        return (self.high - self.low) // self.step + 1

    def at(self, u: float) -> int:
        if not self.log:
            return self.low + self.step * min(max(int(u * self.count), 0), self.count - 1)
        low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
        return min(max(round(math.exp(low + u * (high - low))), self.low), self.high)

    def contains(self, value: Any) -> bool:
        whole = is_number(value) and hasattr(value, "__index__")
        return whole and self.low <= value <= self.high and (value - self.low) % self.step == 0

    def _place(self, value: Any) -> float:
        if not self.log:
            return ((int(value) - self.low) // self.step + 0.5) / self.count
        low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
        return (math.log(value) - low) / (high - low)

    def values(self, points: int = 3) -> Sequence[Value]:
        return range(self.low, self.high + 1, self.step)

    def pieces(self, breaks: Sequence[float]) -> Iterator[tuple[Value, int | None]]:
        ends = {0, self.count - 1}
        for point in breaks:
            if self.low <= point <= self.high:
                index = math.floor((point - self.low) / self.step)
                ends |= {max(index, 0), min(index + 1, self.count - 1)}
        cuts = sorted(ends)
        for index, following in zip(cuts, [*cuts[1:], None], strict=True):
            yield self.low + self.step * index, 1
            if following is not None and following - index > 1:
                yield self.low + self.step * (index + 1), following - index - 1

    def __str__(self) -> str:
        last = ", log" if self.log else f", step={self.step}" if self.step != 1 else ""
        return f"integer({self.low}, {self.high}{last})"

    __repr__ = __str__


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Choice(Distribution):
    """One of several values, all of them equally likely.

    Examples
    --------
    >>> Choice(["relu", None, (64, 32)])
    choice(relu, none, [64, 32])
    """

    options: tuple[Value, ...]

    def __init__(self, options: Sequence[Any]):
        if not options:
            raise UsageError("nothing to choose from", where="choice", expected="one value or more")
        if len(options) > MOST_CHOICES:
            raise UsageError(
                "too many values", where="choice", got=str(len(options)), expected=f"{MOST_CHOICES} or fewer"
            )
        plain = tuple(plain_value(option, "choice") for option in options)
        places: dict[Any, int] = {}
        for index, option in enumerate(plain):
            if places.setdefault(identity(option), index) != index:
                raise UsageError(f"{tell_value(option)} is there twice", where="choice", fix="Name it once.")
        object.__setattr__(self, "options", plain)
        object.__setattr__(self, "_places", places)

    @property
    def count(self) -> int:
        return len(self.options)

    def at(self, u: float) -> Value:
        return self.options[min(max(int(u * self.count), 0), self.count - 1)]

    def index(self, value: Any) -> int | None:
        """Return which of the options a value is, or None."""
        places: dict[Any, int] = self._places  # type: ignore[attr-defined]
        try:
            return places.get(identity(value))
        except TypeError:  # a value without a hash
            return None

    def contains(self, value: Any) -> bool:
        return self.index(value) is not None

    def _place(self, value: Any) -> float:
        index = self.index(value)
        assert index is not None
        return (index + 0.5) / self.count

    def check(self, value: Any, where: str | None = None) -> None:
        if self.contains(value):
            return
        names = [option for option in self.options if isinstance(option, str)]
        if isinstance(value, str) and len(names) == self.count:
            raise UsageError(
                f"{tell_value(value)} is not in the search space", where=where, fix=nearest(value[:60], names)
            )
        expected = f"one of {tell_list(self.options)}"
        raise UsageError("not in the search space", where=where, got=tell_value(value), expected=expected)

    def values(self, points: int = 3) -> Sequence[Value]:
        return self.options

    def pieces(self, breaks: Sequence[float]) -> Iterator[tuple[Value, int | None]]:
        return ((option, 1) for option in self.options)

    def __str__(self) -> str:
        return f"choice({', '.join(map(format_value, self.options))})"

    __repr__ = __str__


def _whole(value: Any, where: str) -> int:
    plain = plain_value(value, where)
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    if not isinstance(plain, int) or isinstance(plain, bool):
        raise UsageError("not a whole number", where=where, got=tell_value(value))
    if abs(plain) > LARGEST_INTEGER:
        raise UsageError("too large a number", where=where, got=tell_value(value), expected="at most 2^40")
    return plain
