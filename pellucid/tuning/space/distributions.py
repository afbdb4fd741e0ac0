"""Distributions: what the value of a setting is drawn from."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pellucid.errors import UsageError, nearest
from pellucid.tuning.space.values import (
    Value,
    finite,
    format_number,
    format_value,
    identity,
    is_number,
    plain_value,
    tell_list,
    tell_value,
)

LARGEST_INTEGER = 2**40
"""The limits of whole numbers: so much room that no seed and no size is left out, and floats tell all of them apart."""

MOST_CHOICES = 10_000


class Distribution(ABC):
    """What the value of one setting is drawn from. Two of them are equal where their texts are."""

    @property
    @abstractmethod
    def count(self) -> int | None:
        """How many values there are; None where they are not to be counted."""

    @abstractmethod
    def at(self, u: float) -> Value:
        """Return the value at a place from 0 to 1; places drawn evenly give values as they are distributed."""

    @abstractmethod
    def contains(self, value: Any) -> bool:
        """Whether a value can be drawn."""

    @abstractmethod
    def pieces(self, breaks: Sequence[float]) -> Iterator[tuple[Value, int | None]]:
        """Yield parts in which no comparison with any of `breaks` changes: a value of each, and how many it has."""

    @abstractmethod
    def _place(self, value: Any) -> float: ...

    @abstractmethod
    def values(self, points: int = 3) -> Sequence[Value]:
        """Return all values, or where they are not to be counted so many, spread evenly from end to end."""

    def unit(self, value: Any) -> float:
        """Return the place of a value, from 0 to 1: what `at` makes the value of.

        Raises
        ------
        UsageError
            Where it can not be drawn.
        """
        self.check(value)
        return self._place(value)

    def check(self, value: Any, where: str | None = None) -> None:
        """Raise a UsageError where a value can not be drawn."""
        if not self.contains(value):
            raise UsageError("not in the search space", where=where, got=tell_value(value), expected=str(self))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


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
    >>> uniform(0, 0.5).at(0.25), str(uniform(0, 0.5))
    (0.125, 'uniform(0, 0.5)')
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _set_limits(self, finite(self.low, "uniform, low"), finite(self.high, "uniform, high"))
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
    >>> round(log_uniform(0.01, 1).at(0.5), 12)
    0.1
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _set_limits(self, finite(self.low, "log_uniform, low"), finite(self.high, "log_uniform, high"))
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
    >>> integer(16, 64, step=16).values(), str(integer(16, 256, log=True))
    (range(16, 65, 16), 'integer(16, 256, log)')
    """

    low: int
    high: int
    log: bool = False
    step: int = 1

    def __post_init__(self) -> None:
        limits = (_whole(self.low, "integer, low"), _whole(self.high, "integer, high"))
        object.__setattr__(self, "step", _whole(self.step, "integer, step"))
        _set_limits(self, *limits)
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
    >>> choice("relu", None, (64, 32))
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


def _set_limits(distribution: Any, low: float, high: float) -> None:
    if low > high:
        name = {"Uniform": "uniform", "LogUniform": "log_uniform"}.get(type(distribution).__name__, "integer")
        told = f"{tell_value(low)} and {tell_value(high)}"
        raise UsageError("the low limit is above the high one", where=name, got=told, fix="Exchange them.")
    object.__setattr__(distribution, "low", low)
    object.__setattr__(distribution, "high", high)


def _whole(value: Any, where: str) -> int:
    plain = plain_value(value, where)
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    if not isinstance(plain, int) or isinstance(plain, bool):
        raise UsageError("not a whole number", where=where, got=tell_value(value))
    if abs(plain) > LARGEST_INTEGER:
        raise UsageError("too large a number", where=where, got=tell_value(value), expected="at most 2^40")
    return plain


def uniform(low: float, high: float) -> Uniform:
    """Return numbers from `low` to `high`, all of them equally likely.

    Raises
    ------
    UsageError
        Where a limit is not finite, or the low one is above the high one.

    Examples
    --------
    >>> uniform(0, 0.5)
    uniform(0, 0.5)
    """
    return Uniform(low, high)


def log_uniform(low: float, high: float) -> LogUniform:
    """Return numbers from `low` (above 0) to `high` whose logarithms are equally likely.

    Raises
    ------
    UsageError
        Where a limit is not finite or not above 0, or the low one is above the high one.

    Examples
    --------
    >>> log_uniform(1e-4, 0.1)
    log_uniform(0.0001, 0.1)
    """
    return LogUniform(low, high)


def integer(low: int, high: int, log: bool = False, step: int = 1) -> Integer:
    """Return whole numbers from `low` to `high`, both among them; see `Integer`.

    Raises
    ------
    UsageError
        Where a limit is no whole number or too large, the low one is above the high one, or no step ends at it.

    Examples
    --------
    >>> integer(1, 3)
    integer(1, 3)
    """
    return Integer(low, high, log, step)


def choice(*options: Any) -> Choice:
    """Return a choice of values: numbers, text, truth values, None, or lists of them.

    Raises
    ------
    UsageError
        Where there is none, one is there twice, or is of another kind.

    Examples
    --------
    >>> choice("relu", "gelu").at(0.75)
    'gelu'
    """
    return Choice(options)
