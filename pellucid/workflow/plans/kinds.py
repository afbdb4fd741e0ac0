"""What the values of settings are: how they are checked, told in words, and read from a command line."""

from __future__ import annotations

import tomllib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.errors import UsageError, nearest
from pellucid.optim.settings import check_number
from pellucid.workflow.plans.toml_text import shorten, tell_path

LARGEST_WHOLE = 2**63
"""Whole numbers stay below it, as those of TOML do."""


class Kind(ABC):
    """What the values of a setting are."""

    none: Any = None
    """What a file says where the value is None."""

    @property
    @abstractmethod
    def expected(self) -> str:
        """What its values are, in words."""

    @abstractmethod
    def check(self, where: str, value: Any) -> Any:
        """Return a value in its usual form, or raise a UsageError."""

    def parse(self, text: str) -> Any:
        """Return the value that a command line writes like this, not yet checked."""
        return parse_value(text)


def parse_value(text: str) -> Any:
    """Return a value of TOML, or the text itself where it is none: ``0.1``, ``[64, 32]``, ``true``, ``huber``.

    Examples
    --------
    >>> parse_value("[64, 32]"), parse_value("huber"), parse_value("'0.1'")
    ([64, 32], 'huber', '0.1')
    """
    try:
        found = tomllib.loads(f"value = {text.strip()}")
    except (ValueError, RecursionError):
        return text.strip()
    return found["value"] if len(found) == 1 else text.strip()


def quote(value: Any) -> str:
    """Return what a message shows of a value."""
    try:
        shown = repr(value)
    except (ValueError, RecursionError):  # a whole number of thousands of digits, lists in lists without end
        shown = type(value).__name__
    return shorten(shown)


@dataclass(frozen=True)
class Number(Kind):
    """Numbers in an interval such as ``[0, 1)``."""

    interval: str
    whole: bool = False

    @property
    def expected(self) -> str:
        low, high = (end.strip() for end in self.interval[1:-1].split(","))
        kind = "a whole number" if self.whole else "a number"
        if high == "inf":
            return f"{kind} from {low} up" if self.interval[0] == "[" else f"{kind} above {low}"
        if self.interval[0] == "(" and self.interval[-1] == ")":
            return f"{kind} between {low} and {high}"
        start = f"from {low}" if self.interval[0] == "[" else f"above {low}"
        return f"{kind} {start} {'to' if self.interval[-1] == ']' else 'to below'} {high}"

    def check(self, where: str, value: Any) -> int | float:
        try:
            check_number(where, value, self.interval, whole=self.whole)
            if not self.whole:
                return float(value)
        except OverflowError:
            raise UsageError("too large", where=where, got=quote(value), expected=self.expected) from None
        except UsageError as error:
            raise UsageError(error.what, where=where, got=quote(value), expected=self.expected) from None
        if value >= LARGEST_WHOLE:
            raise UsageError("too large", where=where, got=quote(value), expected=f"{self.expected}, below 2^63")
        return int(value)


@dataclass(frozen=True)
class Flag(Kind):
    """True or false."""

    expected = "true or false"

    def check(self, where: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise UsageError("neither true nor false", where=where, got=quote(value), expected=self.expected)
        return value


def _check_name(where: str, what: str, value: Any, names: Iterable[str]) -> str:
    known = list(names)
    if not isinstance(value, str):
        article = "an" if what[0] in "aeio" else "a"
        raise UsageError(f"not the name of {article} {what}", where=where, got=quote(value), fix=nearest("", known))
    if value not in known:
        raise UsageError(f"no {what} is called {quote(value)}", where=where, fix=nearest(shorten(value), known))
    return value


@dataclass(frozen=True)
class Choice(Kind):
    """A name among those of a registry; `none`, where there is one, is the name that stands for None."""

    what: str
    names: Callable[[], Iterable[str]]
    none: str | None = None

    @property
    def expected(self) -> str:
        return "one of " + ", ".join(([self.none] if self.none else []) + list(self.names()))

    def check(self, where: str, value: Any) -> str | None:
        if self.none is not None and value in (None, self.none):
            return None
        return _check_name(where, self.what, value, ([self.none] if self.none else []) + list(self.names()))

    def parse(self, text: str) -> Any:
        return _parse_text(text)


@dataclass(frozen=True)
class Text(Kind):
    """Text, or None, for which a file says ""."""

    expected = "text"
    none = ""

    def check(self, where: str, value: Any) -> str | None:
        if value is not None and not isinstance(value, str):
            raise UsageError("not text", where=where, got=quote(value), expected='text in quotes, such as "age"')
        return value or None

    def parse(self, text: str) -> Any:
        return _parse_text(text)


def _parse_text(text: str) -> str:
    """Return text from a command line, where 2020 and true are names of columns like others."""
    found = parse_value(text)
    return found if isinstance(found, str) else text.strip()


@dataclass(frozen=True)
class Columns(Kind):
    """Names of columns; one name alone stands for a list of one."""

    expected = "names of columns"

    def check(self, where: str, value: Any) -> tuple[str, ...]:
        names = (value,) if isinstance(value, str) else value
        if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
            expected = 'texts, such as ["age", "city"]'
            raise UsageError("not names of columns", where=where, got=quote(value), expected=expected)
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise UsageError(f"{quote(name)} is named twice", where=where, fix="Name it once.")
            seen.add(name)
        return tuple(names)

    def parse(self, text: str) -> Any:
        found = parse_value(text)
        if isinstance(found, list) or text.strip() in ("", "none"):
            return found or []
        return _bare_list(text) if text.strip().startswith("[") and text.strip().endswith("]") else _parse_text(text)


def _bare_list(text: str) -> list[Any]:
    """Return the items of a list whose quotes a shell has taken away, or that has no brackets."""
    inside = text.strip().removeprefix("[").removesuffix("]")
    return [parse_value(item) for item in inside.split(",") if item.strip()]


@dataclass(frozen=True)
class Sizes(Kind):
    """The sizes of layers; none of them for a linear model."""

    expected = "whole numbers from 1 to 1000000, such as [128, 64]; [] for a linear model"

    def check(self, where: str, value: Any) -> tuple[int, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise UsageError("not the sizes of layers", where=where, got=quote(value), expected=self.expected)
        try:
            return tuple(int(Number("[1, 1000000]", whole=True).check(where, size)) for size in value)
        except UsageError:
            raise UsageError("not the sizes of layers", where=where, got=quote(value), expected=self.expected) from None

    def parse(self, text: str) -> Any:
        if text.strip().lower() in ("none", ""):
            return []
        found = parse_value(text)
        return found if isinstance(found, list) else _bare_list(text)


@dataclass(frozen=True)
class Names(Kind):
    """One name of a registry, or several: one for each layer."""

    what: str
    names: Callable[[], Iterable[str]]

    @property
    def expected(self) -> str:
        return "one for all layers or a list with one for each: " + ", ".join(self.names())

    def check(self, where: str, value: Any) -> str | tuple[str, ...]:
        if isinstance(value, Sequence) and not isinstance(value, str):
            return tuple(_check_name(where, self.what, name, self.names()) for name in value)
        return _check_name(where, self.what, value, self.names())

    def parse(self, text: str) -> Any:
        found = parse_value(text)
        return _bare_list(text) if isinstance(found, str) and ("," in text or text.startswith("[")) else found


@dataclass(frozen=True)
class ByName(Kind):
    """Other settings by their names: those of what was chosen, which checks them itself."""

    expected = "settings by name"

    def check(self, where: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise UsageError("not settings by name", where=where, got=quote(value))
        return {key: _frozen(item) for key, item in value.items()}


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


@dataclass(frozen=True)
class ByColumn(Kind):
    """A name of a registry for each of some columns."""

    what: str
    names: Callable[[], Iterable[str]]

    @property
    def expected(self) -> str:
        return "for each column one of " + ", ".join(self.names())

    def check(self, where: str, value: Any) -> dict[str, str]:
        if not isinstance(value, Mapping):
            raise UsageError(f"not {self.what}s by column", where=where, got=quote(value))
        return {
            str(name): _check_name(tell_path((where, str(name))), self.what, kind, self.names())
            for name, kind in value.items()
        }

    def parse(self, text: str) -> Any:
        return _parse_text(text)
