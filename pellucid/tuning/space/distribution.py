"""What a distribution is: what the value of a setting is drawn from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from pellucid.errors import UsageError
from pellucid.tuning.space.values import Value, tell_value


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


def set_limits(distribution: Any, low: float, high: float) -> None:
    """Set the limits of a frozen distribution, or raise a UsageError where they are the wrong way round."""
    if low > high:
        name = {"Uniform": "uniform", "LogUniform": "log_uniform"}.get(type(distribution).__name__, "integer")
        told = f"{tell_value(low)} and {tell_value(high)}"
        raise UsageError("the low limit is above the high one", where=name, got=told, fix="Exchange them.")
    object.__setattr__(distribution, "low", low)
    object.__setattr__(distribution, "high", high)
