"""Settings that are declared once: their place in a TOML file, their default, their meaning and their check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from pellucid.errors import UsageError, nearest
from pellucid.workflow.plans.kinds import Kind
from pellucid.workflow.plans.toml_text import format_path, tell_path

Path = tuple[str, ...]
"""Where a setting stands: its sections and its key."""

OTHERS = "*"
"""The key of a setting that holds whatever else stands in its section."""


@dataclass(frozen=True)
class Setting:
    """What is known of a setting.

    Attributes
    ----------
    path : tuple of str
        Its sections and its key in a TOML file; a key of "*" holds all other keys of the section.
    field : str
        Its name in the dataclass.
    default : object
    doc : str
        What it means, in one sentence.
    kind : Kind
        What its values are.
    """

    path: Path
    field: str
    default: Any
    doc: str
    kind: Kind

    @property
    def holds_others(self) -> bool:
        """Whether it holds all other keys of its section."""
        return self.path[-1] == OTHERS


def setting(path: str, default: Any, doc: str, kind: Kind) -> Any:
    """Declare a field of a dataclass as a setting: its path such as ``training.epochs``, default, meaning and kind.

    Examples
    --------
    >>> from pellucid.workflow.plans.kinds import Number
    >>> @dataclass(frozen=True)
    ... class Small:
    ...     epochs: int = setting("training.epochs", 300, "Goes through the rows.", Number("[1, inf)", whole=True))
    >>> [(format_path(found.path), found.default) for found in list_settings(Small)]
    [('training.epochs', 300)]
    """
    metadata = {"setting": (tuple(path.split(".")), doc, kind)}
    if isinstance(default, Mapping):
        return field(default_factory=lambda: dict(default), metadata=metadata, hash=False)
    return field(default=default, metadata=metadata)


def list_settings(cls: type) -> tuple[Setting, ...]:
    """Return the settings that a dataclass declares, in their order."""
    found = []
    for one in fields(cls):
        if "setting" in one.metadata:
            path, doc, kind = one.metadata["setting"]
            default = one.default if one.default_factory is MISSING else one.default_factory()
            found.append(Setting(path, one.name, default, doc, kind))
    return tuple(found)


def check_settings(settings: Any) -> None:
    """Check every setting of a frozen dataclass, and put its value in its usual form; for ``__post_init__``.

    Raises
    ------
    UsageError
        Where one does not fit: where, got, expected.
    """
    for one in list_settings(type(settings)):
        value = one.kind.check(
            format_path(one.path[:-1] if one.holds_others else one.path), getattr(settings, one.field)
        )
        object.__setattr__(settings, one.field, value)


def to_paths(settings: Any) -> dict[Path, Any]:
    """Return the values of all settings by their paths."""
    values: dict[Path, Any] = {}
    for one in list_settings(type(settings)):
        value = getattr(settings, one.field)
        if one.holds_others:
            values |= {(*one.path[:-1], key): item for key, item in value.items()}
        else:
            values[one.path] = value
    return values


def from_paths(known: Iterable[Setting], values: Mapping[Path, Any]) -> dict[str, Any]:
    """Return values by the names of their fields, where they are given by their paths.

    Raises
    ------
    UsageError
        Where there is no such setting; the message names the nearest one.
    """
    known = tuple(known)
    by_field: dict[str, Any] = {}
    for path, value in values.items():
        one = find_setting(known, path)
        if one.holds_others:
            by_field.setdefault(one.field, {})[path[-1]] = value
        else:
            by_field[one.field] = value
    return by_field


def find_setting(known: Iterable[Setting], path: Path) -> Setting:
    """Return the setting of this path, or raise a UsageError that names the nearest one."""
    by_path = {one.path: one for one in known}
    found = by_path.get(path) or (by_path.get((*path[:-1], OTHERS)) if len(path) > 1 else None)
    if found is None or path[-1] == OTHERS:
        raise UsageError("there is no such setting", where=tell_path(path), fix=_nearest_path(path, list(by_path)))
    return found


def sections(known: Iterable[Setting]) -> list[str]:
    """Return the names of the sections in which settings stand."""
    return list(dict.fromkeys(one.path[0] for one in known if len(one.path) > 1))


def _nearest_path(path: Path, known: list[Path]) -> str:
    named = [one for one in known if one[-1] != OTHERS]
    if elsewhere := [format_path(one) for one in named if one[-1] == path[-1]]:
        return f"Did you mean {' or '.join(map(repr, elsewhere))}?"
    neighbours = [one for one in named if len(one) > 1 and one[0] == path[0] and len(path) > 1]
    return nearest(tell_path(path), map(format_path, neighbours or named))
