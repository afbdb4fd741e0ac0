"""What is said of a search space's names: sections opened, texts parsed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pellucid.errors import UsageError
from pellucid.tuning.space.conditions import Condition
from pellucid.tuning.space.distribution import Distribution
from pellucid.tuning.space.grammar import Entry, parse_condition, parse_entry
from pellucid.tuning.space.names import MOST_PARTS, begins_with, join_name, split_name
from pellucid.tuning.space.tokens import shorten
from pellucid.tuning.space.values import plain_value, tell_value

MOST_NAMES = 1000


def parse_entries(entries: Mapping[str, Any]) -> dict[str, Entry]:
    """Return what is said of each name.

    Raises
    ------
    UsageError
        Where a name or what is said of it is not well formed; with the name.
    """
    parsed = {name: _parse(name, given) for name, given in flatten(entries)}
    if not parsed:
        fix = 'Name a setting and its values, such as network.layers = "integer(1, 3)".'
        raise UsageError("the search space is empty", fix=fix)
    return parsed


def parse_assignment(text: str, where: str | None = None) -> tuple[str, str]:
    """Return the name and the text of a command line's ``NAME=TEXT``.

    Raises
    ------
    UsageError
        Where it is none.

    Examples
    --------
    >>> parse_assignment("network.dropout=uniform(0, 0.5) if network.layers >= 1")
    ('network.dropout', 'uniform(0, 0.5) if network.layers >= 1')
    """
    name = begins_with(text.strip()) or text.partition("=")[0].strip()
    sign, content = text.strip()[len(name) :].lstrip()[:1], text.strip()[len(name) :].lstrip()[1:]
    if sign != "=" or not name or not content.strip() or content.startswith("="):
        expected = "NAME=VALUES, such as network.layers='integer(1, 3)'"
        raise UsageError("no entry of a search space", where=where, got=repr(shorten(text)), expected=expected)
    try:
        return join_name(split_name(name)), content.strip()
    except UsageError as error:
        raise (error.at(where) if where else error) from None


def flatten(entries: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield names and what is said of them, each section in one piece, as TOML has them."""
    if not isinstance(entries, Mapping):
        expected = "a mapping of names to distributions, or their texts"
        raise UsageError("not a search space", got=type(entries).__name__, expected=expected)
    tree: dict[str, Any] = {}
    for count, (parts, given) in enumerate(_opened(entries)):
        if count >= MOST_NAMES:
            raise UsageError("too large a search space", expected=f"at most {MOST_NAMES} names")
        _put(tree, parts, given)
    yield from ((join_name(parts), leaf.given) for parts, leaf in _leaves(tree, ()))


class _Leaf:
    def __init__(self, given: Any):
        self.given = given


def _opened(entries: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the parts of names. Keys within sections are single parts, dots or not."""
    waiting: list[tuple[tuple[str, ...], Any]] = []
    for key, given in entries.items():
        if not isinstance(key, str):
            raise UsageError("not a name", got=tell_value(key), expected="text such as network.layers")
        waiting.append((split_name(key), given))
        while waiting:
            parts, found = waiting.pop()
            if not isinstance(found, Mapping):
                yield parts, found
                continue
            if len(parts) >= MOST_PARTS:
                raise UsageError("a name has too many parts", where=join_name(parts), expected=f"{MOST_PARTS} or fewer")
            waiting += [((*parts, _part(inner, parts)), below) for inner, below in reversed(list(found.items()))]


def _part(key: Any, above: tuple[str, ...]) -> str:
    if not isinstance(key, str):
        raise UsageError("not a name", where=join_name(above), got=tell_value(key), expected="text")
    return split_name(join_name([key]))[0]


def _put(tree: dict[str, Any], parts: tuple[str, ...], given: Any) -> None:
    for place, part in enumerate(parts[:-1], 1):
        tree = tree.setdefault(part, {})
        if isinstance(tree, _Leaf):
            raise UsageError("a setting and a section of others", where=join_name(parts[:place]), fix="Leave out one.")
    if parts[-1] in tree:
        twice = isinstance(tree[parts[-1]], _Leaf)
        what = "this is there twice" if twice else "a setting and a section of others"
        raise UsageError(what, where=join_name(parts), fix="Leave out one.")
    tree[parts[-1]] = _Leaf(given)


def _leaves(tree: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], _Leaf]]:
    for part, found in tree.items():
        if isinstance(found, _Leaf):
            yield (*above, part), found
        else:
            yield from _leaves(found, (*above, part))


def _parse(name: str, given: Any) -> Entry:
    if isinstance(given, str):
        return parse_entry(given, name)
    if isinstance(given, Distribution):
        return Entry(given, None)
    if isinstance(given, tuple) and given and isinstance(given[0], Distribution):
        return Entry(given[0], _condition(name, given))
    if isinstance(given, list):
        what = "a list can mean values to choose from, or one value"
        told = ", ".join(map(tell_value, given[:3])) + (", ..." if len(given) > 3 else "")
        fix = f'Say "choice({told})" or "[{told}]".'
        raise UsageError(what, where=name, got=tell_value(given), fix=fix)
    return Entry(plain_value(given, name), None)


def _condition(name: str, given: tuple[Any, ...]) -> Condition | None:
    if len(given) == 2:
        if given[1] is None or isinstance(given[1], Condition):
            return given[1]
        if isinstance(given[1], str):
            return parse_condition(given[1], name)
    expected = 'a distribution and a condition, such as (uniform(0, 0.5), "if network.layers >= 1")'
    raise UsageError("not an entry of a search space", where=name, got=f"{len(given)} things", expected=expected)
