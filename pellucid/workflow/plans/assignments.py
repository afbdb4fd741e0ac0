"""Settings as a command line has them: ``optimizer.learning_rate=0.01``."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

from pellucid.errors import UsageError
from pellucid.workflow.plans.kinds import quote
from pellucid.workflow.plans.settings import Path, Setting, find_setting


def parse_assignment(text: str, known: Sequence[Setting]) -> tuple[Path, Any]:
    """Return path and value of a setting, not yet checked.

    Raises
    ------
    UsageError
        Where it is no assignment, or there is no such setting.

    Examples
    --------
    >>> from pellucid.workflow.plans.plan import known_settings
    >>> parse_assignment('roles."a=b".c=text', known_settings())
    (('roles', 'a=b.c'), 'text')
    """
    path, value = _split(text)
    return path, find_setting(known, path).kind.parse(value)


def _split(text: str) -> tuple[Path, str]:
    places = [place for place, letter in enumerate(text) if letter == "="]
    if not places or not text[: places[0]].strip():
        expected = "PATH=VALUE, such as optimizer.learning_rate=0.01"
        raise UsageError("not a setting", got=quote(text), expected=expected)
    if text.strip().startswith("roles."):  # names of columns hold anything, roles no equals sign
        name, _, kind = text.strip().rpartition("=")
        path = _path(name) or ("roles", name.removeprefix("roles.").strip())
        return ("roles", ".".join(path[1:])), kind
    place = places[0]
    return _path(text[:place]) or tuple(part.strip() for part in text[:place].split(".")), text[place + 1 :]


def _path(text: str) -> Path | None:
    """Return what TOML makes of a key with dots, or None."""
    if len(text) > 1000 or "\n" in text:
        return None
    try:
        found: Any = tomllib.loads(f"{text} = 0")
    except (ValueError, RecursionError):
        return None
    path = []
    while isinstance(found, dict):
        if len(found) != 1:
            return None
        ((key, found),) = found.items()
        path.append(key)
    return tuple(path)
