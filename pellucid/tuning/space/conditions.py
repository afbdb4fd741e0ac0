"""Conditions: where a setting means something, and takes part in the search."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pellucid.tuning.space.values import Value, format_value, is_number, same

SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": same,
    "!=": lambda a, b: not same(a, b),
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda a, b: any(same(a, item) for item in b),
}
"""How a value may be compared. Order is one of numbers alone: other values are neither below nor above anything."""

ORDERS = ("<", "<=", ">", ">=")


@dataclass(frozen=True)
class Comparison:
    """A setting's value compared with another value, or with several (``in``)."""

    name: str
    sign: str
    value: Value

    def holds(self, value: Any) -> bool:
        """Whether it is true of a value."""
        return (self.sign not in ORDERS or is_number(value)) and SIGNS[self.sign](value, self.value)

    @property
    def operands(self) -> tuple[Value, ...]:
        """What is compared with."""
        return self.value if self.sign == "in" and isinstance(self.value, tuple) else (self.value,)

    @property
    def breaks(self) -> list[float]:
        """The numbers at which the answer may change."""
        return [float(item) for item in self.operands if is_number(item)]  # type: ignore[arg-type]

    def __str__(self) -> str:
        return f"{self.name} {self.sign} {format_value(self.value)}"


@dataclass(frozen=True)
class Condition:
    """Comparisons all of which must hold.

    Examples
    --------
    >>> condition = Condition((Comparison("layers", ">=", 2), Comparison("activation", "in", ("relu", "gelu"))))
    >>> str(condition)
    'layers >= 2 and activation in [relu, gelu]'
    >>> condition.met({"layers": 3, "activation": "relu"}), condition.met({"layers": 3})
    (True, False)
    """

    comparisons: tuple[Comparison, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The settings that it depends on, each once."""
        return tuple(dict.fromkeys(comparison.name for comparison in self.comparisons))

    def met(self, parameters: Mapping[str, Any]) -> bool:
        """Whether it is met; what is not among the parameters meets no comparison."""
        return all(one.name in parameters and one.holds(parameters[one.name]) for one in self.comparisons)

    def __str__(self) -> str:
        return " and ".join(map(str, self.comparisons))
