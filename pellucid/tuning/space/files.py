"""Search spaces in files: TOML, each entry a text of the grammar."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from pellucid.errors import UsageError
from pellucid.toml_files import TomlKind
from pellucid.tuning.space.names import MOST_PARTS, join_name, split_name

SPACE = TomlKind("a search space", "space.toml", "network.layers", largest=2**22, parts=MOST_PARTS)

_BARE = re.compile(r"[\w.\"-]+\s*=\s*([A-Za-z_]\w*\s*\(.*\)[^\"']*)$")
_HEADER = re.compile(r"\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?")


def read_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a file.

    Raises
    ------
    UsageError
        Where it cannot be read, is too large, or is not in UTF-8.
    """
    if not isinstance(path, str | os.PathLike):
        raise UsageError("not a space", where="space", got=repr(path)[:80], expected="a pl.Space, a mapping or a file")
    return SPACE.read(path)


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Return the content of a text in TOML, or raise a UsageError with line and column."""
    return SPACE.parse(text, where, _mend)


def _mend(line: str) -> str | None:
    bare = _BARE.match(line)
    return f'Put it in quotes: "{bare[1].strip()[:80]}".' if bare else None


def place_of(text: str, told: str, where: str) -> str:
    """Return the file with the line of the setting that an error begins with, where that is found."""
    header = ""
    best = where
    longest = -1
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if found := _HEADER.fullmatch(stripped):
            header = found[1] + "."
            continue
        key, sign, _ = stripped.partition("=")
        name = _name(header + key.strip()) if sign and not stripped.startswith("#") else None
        if name and (told == name or told.startswith(f"{name},")) and len(name) > longest:
            best, longest = f"{where}:{number}", len(name)
    return best


def _name(key: str) -> str | None:
    """Return the name that a key in TOML is, where it is one on one line."""
    if len(key) > 1000:
        return None
    try:
        found: Any = tomllib.loads(f"{key} = 0")
    except (ValueError, RecursionError):
        return None
    parts: list[str] = []
    while isinstance(found, dict) and len(found) == 1:
        ((part, found),) = found.items()
        parts.append(part)
    try:
        return join_name([*split_name(parts[0]), *parts[1:]]) if parts else None
    except UsageError:
        return None


def format_toml(texts: Mapping[str, str]) -> str:
    """Return names and their texts in TOML, one to a line."""
    return "".join(f"{_key(name)} = {_text(text)}\n" for name, text in texts.items())


def _key(name: str) -> str:
    first, *rest = split_name(name)
    return ".".join(
        part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else _text(part) for part in [join_name([first]), *rest]
    )


def _text(text: str) -> str:
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
