"""Search spaces: which settings are tried, with which values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from os import PathLike, fspath
from typing import Any

from pellucid.errors import PellucidError, UsageError, nearest
from pellucid.tuning.space.counting import count_configurations
from pellucid.tuning.space.dimensions import Dimension, check_active, check_conditions, in_order
from pellucid.tuning.space.discrete import Choice
from pellucid.tuning.space.distribution import Distribution
from pellucid.tuning.space.entries import flatten, parse_entries
from pellucid.tuning.space.files import format_toml, parse_toml, place_of, read_text
from pellucid.tuning.space.grammar import Entry
from pellucid.tuning.space.grid import configurations
from pellucid.tuning.space.values import Value, format_value, same, tell_value


class Space:
    """What is searched over: names of settings, and what the value of each is drawn from.

    Parameters
    ----------
    entries : mapping
        By name: a text of the grammar (`pellucid.tuning.space.grammar`), a distribution, a distribution and a condition
        (``(uniform(0, 0.5), "if network.layers >= 1")``), or a value that stays the same. A mapping is a section:
        ``{"network": {"layers": "integer(1, 3)"}}``.
    where : str, optional
        What errors name: a file, or an option.

    Raises
    ------
    UsageError
        Where a text is not well formed, a condition is about something that is not there or goes in a circle, or a
        setting could never take part.

    Examples
    --------
    >>> space = Space({"network.layers": "integer(0, 2)", "network.dropout": "uniform(0, 0.5) if network.layers >= 1"})
    >>> print(space)
    network.layers = integer(0, 2)
    network.dropout = uniform(0, 0.5) if network.layers >= 1
    >>> space.draw({"network.layers": 0.9, "network.dropout": 0.5})
    {'network.layers': 2, 'network.dropout': 0.25}
    >>> space.draw({"network.layers": 0.1, "network.dropout": 0.5})
    {'network.layers': 0}
    """

    _dimensions: tuple[Dimension, ...]
    _entries: dict[str, Dimension | Value]
    _by_name: dict[str, Dimension]
    _fixed: dict[str, Value]

    def __init__(self, entries: Mapping[str, Any], where: str | None = None):
        self._build(entries, lambda name: where)

    @classmethod
    def from_toml(cls, text: str, where: str = "the space") -> Space:
        """Return the space that a text in TOML describes.

        Raises
        ------
        UsageError
            Where it is not well formed; with the line.

        Examples
        --------
        >>> Space.from_toml('[network]\\nlayers = "integer(1, 3)"\\nactivation = "choice(relu, gelu)"').size
        6
        """
        content = parse_toml(text, where)
        space = cls.__new__(cls)
        space._build(content, lambda name: place_of(text, name, where))
        return space

    def _build(self, entries: Mapping[str, Any], place: Callable[[str], str | None]) -> None:
        try:
            parsed = parse_entries(entries)
            self._fixed = {
                name: entry.content
                for name, entry in parsed.items()
                if not isinstance(entry.content, Distribution) and entry.condition is None
            }
            dimensions = [_dimension(name, entry) for name, entry in parsed.items() if name not in self._fixed]
            check_conditions(dimensions, self._fixed)
            self._dimensions = in_order(dimensions)
            check_active(self._dimensions, self._fixed)
        except UsageError as error:
            raise _placed(error, place) from None
        self._by_name = {one.name: one for one in self.dimensions}
        self._entries = {name: self._by_name.get(name, self._fixed.get(name)) for name in parsed}

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """What is searched over, in the order in which it is drawn: conditions refer backwards only."""
        return self._dimensions

    @property
    def fixed(self) -> dict[str, Value]:
        """Settings that stay the same."""
        return dict(self._fixed)

    @property
    def names(self) -> tuple[str, ...]:
        """All settings, in the order in which they were given."""
        return tuple(self._entries)

    def dimension(self, name: str) -> Dimension:
        """Return a dimension by its name.

        Raises
        ------
        UsageError
            Where there is none.
        """
        if name not in self._by_name:
            raise UsageError(f"there is no dimension {tell_value(name)}", fix=nearest(str(name)[:60], self._by_name))
        return self._by_name[name]

    def draw(self, numbers: Mapping[str, float]) -> dict[str, Value]:
        """Return a configuration: the values at places from 0 to 1, one for each dimension that takes part.

        Raises
        ------
        UsageError
            Where the number of a dimension is missing, or not from 0 to 1.
        """
        found = dict(self._fixed)
        for one in self.dimensions:
            if one.active(found):
                number = float(numbers.get(one.name, math.nan))
                if not 0 <= number <= 1:
                    got = repr(number) if one.name in numbers else "none"
                    raise UsageError("not a place", where=one.name, got=got, expected="a number from 0 to 1")
                found[one.name] = one.distribution.at(number)
        return {name: found[name] for name in self._entries if name in found}

    def active(self, parameters: Mapping[str, Any]) -> list[Dimension]:
        """Return the dimensions that take part in a configuration."""
        found = dict(self._fixed)
        taking_part = []
        for one in self.dimensions:
            if one.active(found):
                taking_part.append(one)
                if one.name in parameters:
                    found[one.name] = parameters[one.name]
        return taking_part

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Raise a UsageError where a configuration is not one of this space."""
        for name in parameters:
            if name not in self._entries:
                raise UsageError(
                    f"{tell_value(name)} is not in the search space", fix=nearest(str(name)[:60], self._entries)
                )
        for name, value in self._fixed.items():
            if name in parameters and not same(parameters[name], value):
                got = tell_value(parameters[name])
                raise UsageError("not in the search space", where=name, got=got, expected=tell_value(value))
        for one in self.active(parameters):
            if one.name not in parameters:
                raise UsageError("a value is missing", where=one.name, expected=str(one.distribution))
            one.distribution.check(parameters[one.name], one.name)
        for name, value in parameters.items():
            if name in self._by_name and not self._by_name[name].active(parameters):
                expected = f"nothing, unless {self._by_name[name].condition}"
                raise UsageError("this takes no part here", where=name, got=tell_value(value), expected=expected)

    @property
    def size(self) -> int | None:
        """How many different configurations there are; None where a number is not one of a list.

        `tell_count` writes it for a person; it may have thousands of digits.
        """
        return self.count(lambda name: True)

    def count(self, structural: Callable[[str], bool]) -> int | None:
        """Return how many different combinations of some settings alone there are; None where they are not countable.

        Examples
        --------
        >>> space = Space({"layers": "integer(0, 1)", "units": "choice(8, 16) if layers >= 1", "rate": "uniform(0, 1)"})
        >>> space.count(lambda name: name != "rate"), space.size
        (3, None)
        """
        return count_configurations(self.dimensions, {one.name for one in self.dimensions if structural(one.name)})

    def grid(self, points: int = 3) -> Iterator[dict[str, Value]]:
        """Yield every configuration once, with so many values of what is continuous; the last dimension changes first.

        Examples
        --------
        >>> list(Space({"layers": "integer(0, 1)", "rate": "uniform(0, 1) if layers == 1"}).grid(2))
        [{'layers': 0}, {'layers': 1, 'rate': 0.0}, {'layers': 1, 'rate': 1.0}]
        """
        return configurations(self.dimensions, self._fixed, tuple(self._entries), points)

    def grid_size(self, points: int = 3) -> int:
        """Return how many configurations `grid` yields."""
        used = {
            one.name: Choice(list(one.distribution.values(points)))
            for one in self.dimensions
            if one.distribution.count is None
        }
        found = count_configurations(self.dimensions, set(self._by_name), used)
        assert found is not None
        return found

    def unit(self, name: str, value: Any) -> float:
        """Return the place of a dimension's value, from 0 to 1: a logarithm's where it is drawn so."""
        try:
            return self.dimension(name).distribution.unit(value)
        except UsageError as error:
            raise (error.at(name) if name in self._by_name else error) from None

    def text(self, name: str) -> str:
        """Return what the space says of a setting, in its grammar."""
        if name not in self._entries:
            raise UsageError(
                f"{tell_value(name)} is not in the search space", fix=nearest(str(name)[:60], self._entries)
            )
        entry = self._entries[name]
        return str(entry) if isinstance(entry, Dimension) else format_value(entry)

    def changed(self, entries: Mapping[str, Any], where: str | None = None) -> Space:
        """Return a space in which some settings are others, or are there beside the others.

        Examples
        --------
        >>> print(Space({"rate": "uniform(0, 1)", "layers": 2}).changed({"rate": "log_uniform(0.001, 1)"}))
        rate = log_uniform(0.001, 1)
        layers = 2
        """
        kept: dict[str, Any] = {name: self.text(name) for name in self._entries}
        return Space(kept | dict(flatten(entries)), where)

    def to_toml(self) -> str:
        """Return the space in TOML; `from_toml` makes an equal one of it."""
        return format_toml({name: self.text(name) for name in self._entries})

    def __str__(self) -> str:
        return "\n".join(f"{name} = {self.text(name)}" for name in self._entries)

    def __repr__(self) -> str:
        return f"Space({ {name: self.text(name) for name in self._entries} })".replace("({ ", "({").replace(" })", "})")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def read_space(path: str | PathLike[str]) -> Space:
    """Read a search space from a file in TOML.

    Raises
    ------
    UsageError
        Where it cannot be read, or is not well formed; with the line.
    """
    text = read_text(path)
    return Space.from_toml(text, fspath(path))


def _dimension(name: str, entry: Entry) -> Dimension:
    content = entry.content if isinstance(entry.content, Distribution) else Choice([entry.content])
    return Dimension(name, content, entry.condition)


def _placed(error: UsageError, place: Callable[[str], str | None]) -> PellucidError:
    told = place(error.where or "")
    return error.at(told) if told else error
