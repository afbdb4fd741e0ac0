"""Settings that know their range, and looking a class of them up by name."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from typing import Any, ClassVar, TypeVar

from pellucid.errors import UsageError, nearest


class Settings:
    """A frozen dataclass of numbers, each with the interval in which it must lie.

    An interval is written as in mathematics, such as ``[0, 1)``; a field whose default is a whole number takes whole
    numbers only. A field that is None is left out, and fields without an interval are not checked.
    """

    name: ClassVar[str]
    ranges: ClassVar[Mapping[str, str]] = {}
    whole: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        for key, interval in self.ranges.items():
            number = getattr(self, key)
            if number is not None:
                check_number(f"{self.name}, {key}", number, interval, whole=key in self.whole)


def check_number(where: str, number: Any, interval: str, whole: bool = False) -> None:
    """Check that a number lies in an interval such as ``[0, 1)`` or ``(0, inf)``.

    Raises
    ------
    UsageError
        Where it does not, or is no number, or NaN.

    Examples
    --------
    >>> check_number("momentum", 1.5, "[0, 1)")
    Traceback (most recent call last):
        ...
    pellucid.errors.UsageError: momentum: out of range: got 1.5, expected a number in [0, 1).
    """
    kind = numbers.Integral if whole else numbers.Real
    expected = f"{'a whole number' if whole else 'a number'} in {interval}"
    if isinstance(number, bool) or not isinstance(number, kind):
        raise UsageError(
            "not a number" if not whole else "not a whole number", where=where, got=repr(number), expected=expected
        )
    low, high = map(float, interval[1:-1].split(","))
    above = float(number) >= low if interval[0] == "[" else float(number) > low
    below = float(number) <= high if interval[-1] == "]" else float(number) < high
    if not (above and below):
        raise UsageError("out of range", where=where, got=repr(number), expected=expected)


Kind = TypeVar("Kind")


def look_up(kind: str, known: Mapping[str, type[Kind]], given: str | Kind, settings: Mapping[str, Any]) -> Kind:
    """Return the object of a name with these settings, or a given object with these settings changed.

    Raises
    ------
    UsageError
        Where the name or a setting is unknown, or a setting that has no default is missing.
    """
    if isinstance(given, str) and given not in known:
        raise UsageError(f"no {kind} is called {given!r}", fix=nearest(given, known))
    if not isinstance(given, (str, *known.values())):
        raise UsageError(f"not the name of {kind}s nor one of them", where=kind, got=repr(given)[:80])
    chosen: Any = known[given] if isinstance(given, str) else given
    declared = {field.name: field for field in fields(chosen)}
    for key in settings:
        if key not in declared:
            raise UsageError(f"the {kind} {chosen.name!r} has no setting {key!r}", fix=nearest(key, declared))
    if not isinstance(given, str):
        return replace(chosen, **settings)
    for key, field in declared.items():
        if key not in settings and field.default is MISSING and field.default_factory is MISSING:
            raise UsageError(
                f"the {kind} {chosen.name!r} needs the setting {key!r}",
                fix=f"Write pl.{kind}s.{kind}({chosen.name!r}, {key}=...).",
            )
    return chosen(**settings)
