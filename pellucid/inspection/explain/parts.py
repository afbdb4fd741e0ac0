"""Numbers taken apart: parts that add up to the whole, the largest of them shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST = 5
"""So many parts are shown; the others are counted and added up."""


@dataclass(frozen=True)
class Part:
    """One part of a number.

    Attributes
    ----------
    text : str
        What it is, such as ``x[3, 0] * dense_1/weight[0, 5]``.
    numbers : str
        The same with the numbers put in; empty where there is nothing to put in.
    value : float
    """

    text: str
    numbers: str
    value: float


@dataclass(frozen=True, eq=False)
class Parts:
    """Parts of a number.

    Attributes
    ----------
    title : str
    total : float
        The number.
    shown : tuple of Part
        The largest, by magnitude.
    others : (int, float)
        How many more there are, and their sum.
    rest : tuple of Part
        What else the number is made of, such as rounding. ``math.fsum`` of `shown`, `others` and `rest` is `total`, to
        the bit, wherever all of them are finite.
    values : ndarray of float64, or None
        All parts but for `rest`, in the order of the graph; None where they were not computed one by one.
    kind : str
        What one of them is called, such as ``edge``.
    """

    title: str
    total: float
    shown: tuple[Part, ...]
    others: tuple[float, float]
    rest: tuple[Part, ...]
    values: np.ndarray | None
    kind: str

    @property
    def added_up(self) -> float:
        """What is shown, added up: the number itself."""
        return math.fsum([*(part.value for part in self.shown), self.others[1], *(part.value for part in self.rest)])

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {
            "title": self.title,
            "kind": self.kind,
            "total": self.total,
            "shown": [vars(part) for part in self.shown],
            "others": {"count": self.others[0], "sum": self.others[1]},
            "rest": [vars(part) for part in self.rest],
        }


def take_apart(
    title: str,
    total: float,
    values: np.ndarray,
    describe: Callable[[int], tuple[str, str]],
    *,
    kind: str,
    dtype: str,
    rest: Sequence[Part] = (),
) -> Parts:
    """Return the parts of a number that were computed one by one.

    Parameters
    ----------
    title : str
    total : float
    values : ndarray of float64
        The parts.
    describe : callable
        ``describe(k)`` returns the text of part k, without and with numbers.
    kind : str
        What a part is called.
    dtype : str
        In which the number was computed: what rounding is called after.
    rest : sequence of Part
        What else the number is made of. What is missing to the number after that is rounding.
    """
    order = np.argsort(-np.abs(values), kind="stable")
    many = len(values) > MOST + 1
    largest = order[:MOST] if many else order
    shown = tuple(Part(*describe(int(at)), float(values[at])) for at in largest)
    others = math_sum(values[order[MOST:]]) if many else 0.0
    known = [part.value for part in (*shown, *rest)] + [others]
    rounding = math_sum([total, *(-value for value in known)])
    lines = [*rest, Part(f"rounding in {dtype}", "", rounding)] if rounding else list(rest)
    return Parts(title, total, shown, (len(values) - len(shown), others), tuple(lines), values, kind)


def take_largest(
    title: str,
    total: float,
    shown: Sequence[Part],
    count: float,
    *,
    kind: str,
    dtype: str,
    rest: Sequence[Part] = (),
) -> Parts:
    """Return the largest parts of a number, of which the others were not computed one by one: theirs is what is left.

    `count` is how many there are in all.
    """
    known = [part.value for part in (*shown, *rest)]
    others = math_sum([total, *(-value for value in known)])
    left = max(0.0, count - len(shown))
    lines = list(rest)
    if not left and others:
        lines.append(Part(f"rounding in {dtype}", "", others))
        others = 0.0
    missing = math_sum([total, *(-value for value in known), -others])
    if left and missing and math_sum([*known, others]) != total:
        lines.append(Part(f"rounding in {dtype}", "", missing))
    return Parts(title, total, tuple(shown), (left, others), tuple(lines), None, kind)


def math_sum(numbers: Any) -> float:
    """Return the correctly rounded sum; NaN where infinities of both signs meet or the sum is too large."""
    try:
        return math.fsum(np.asarray(numbers, np.float64).tolist())
    except (ValueError, OverflowError):
        return math.nan
