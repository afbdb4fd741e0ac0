"""The thresholds of all gates in one table that users can change."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pellucid.diagnosis.gates.finding import FAIL, PASS, WARN
from pellucid.errors import DeclarationError, UsageError, nearest
from pellucid.html_table import html_table


@dataclass(frozen=True)
class Threshold:
    """From where on a measured number is worth a warning, and from where on the gate fails.

    Attributes
    ----------
    name : str
    warn, fail : float
        The bounds; infinity (or minus infinity where `above` is false) for never.
    meaning : str
        What is measured, in words: ``share of units that are 0 for every example``.
    source : str
        The paper or book that the number follows, or the faults that it was set by.
    above : bool
        Whether large numbers are bad; otherwise small ones are.
    """

    name: str
    warn: float
    fail: float
    meaning: str
    source: str
    above: bool = True

    def judge(self, measured: float) -> str:
        """Return the verdict on a number; NaN fails.

        Examples
        --------
        >>> found = Threshold("dead", 0.4, 0.8, "share of units that are 0 for every example", "an example")
        >>> [found.judge(share) for share in (0.1, 0.4, 0.9)]
        ['pass', 'warn', 'fail']
        """
        if math.isnan(measured):
            return FAIL
        sign = 1.0 if self.above else -1.0
        if sign * measured >= sign * self.fail:
            return FAIL
        return WARN if sign * measured >= sign * self.warn else PASS

    def tell(self) -> str:
        """Return the bounds and their source in words."""
        side = "from" if self.above else "down from"
        bounds = [f"{kind} {side} {bound:.4g}" for kind, bound in (("warns", self.warn), ("fails", self.fail))]
        shown = [text for text, bound in zip(bounds, (self.warn, self.fail), strict=True) if math.isfinite(bound)]
        return f"{self.meaning}: {', '.join(shown)} ({self.source})"


TABLE: dict[str, Threshold] = {}
"""All thresholds, by name, with the numbers that hold where nobody says otherwise."""


def declare(*thresholds: Threshold) -> None:
    """Add thresholds to the table."""
    for found in thresholds:
        if found.name in TABLE:
            raise DeclarationError("a threshold of this name is declared already", where=found.name)
        TABLE[found.name] = found


class Thresholds(Mapping[str, Threshold]):
    """The table of thresholds, with some numbers changed.

    Parameters
    ----------
    changes : mapping, optional
        By name a pair (warn, fail); or one number by ``<name>.warn`` or ``<name>.fail``.

    Raises
    ------
    UsageError
        Where a name is unknown, or a bound is no number.
    """

    def __init__(self, changes: Mapping[str, Any] | None = None):
        from pellucid.diagnosis.gates import catalogue  # which needs this module

        catalogue.load()
        self._table = dict(TABLE)
        for key, value in (changes or {}).items():
            name, _, bound = key.partition(".")
            if name not in self._table or bound not in ("", "warn", "fail"):
                raise UsageError(f"no threshold is called {key!r}", where="thresholds", fix=nearest(name, self._table))
            pair = not isinstance(value, str) and hasattr(value, "__len__") and len(value) == 2
            if bool(bound) == pair or not all(map(_is_number, value if pair else [value])):
                expected = "a number" if bound else "two numbers: from where to warn, and from where to fail"
                raise UsageError("not a bound", where=f"thresholds, {key}", got=repr(value)[:80], expected=expected)
            found = self._table[name]
            warn, fail = value if pair else (value, found.fail) if bound == "warn" else (found.warn, value)
            self._table[name] = replace(found, warn=float(warn), fail=float(fail), source="set by the user")

    def __getitem__(self, name: str) -> Threshold:
        return self._table[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def _repr_html_(self) -> str:
        rows = [
            (found.name, found.meaning, f"{found.warn:.4g}", f"{found.fail:.4g}", found.source)
            for found in self.values()
        ]
        return html_table(["threshold", "what is measured", "warns", "fails", "source"], rows)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and not math.isnan(value)
