"""Search spaces in files: TOML, each entry a text of the grammar."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pellucid.errors import UsageError
from pellucid.tuning.space.names import MOST_PARTS, join_name, split_name

LARGEST = 2**22
"""Bytes of a file, at most."""

_PART = r"""(?:[\w-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_DEEP = re.compile(rf"(?:^|[\[{{,])[ \t]*{_PART}(?:[ \t]*\.[ \t]*{_PART}){{{MOST_PARTS}}}", re.MULTILINE)
"""A key of many parts, for which tomllib takes a time that grows with their square."""
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
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
    told = os.fspath(path) or "."
    if Path(path).is_dir():
        raise UsageError("this is a folder", where=told, expected="a file such as space.toml")
    try:
        with Path(path).open("rb") as file:
            raw = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: NUL in a path
        got = getattr(error, "strerror", None) or str(error)
        raise UsageError("the file cannot be opened", where=told, got=got) from None
    if len(raw) > LARGEST:
        got = f"more than {LARGEST >> 20} MiB"
        raise UsageError("the file is too large for a search space", where=told, got=got, expected="TOML")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError("the file is not in UTF-8", where=f"{told}:{line}", fix="Save it as UTF-8.") from None


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Return the content of a text in TOML, or raise a UsageError with line and column."""
    text = text.replace("\r\n", "\n")
    if deep := _DEEP.search(text):
        line = text.count("\n", 0, deep.end()) + 1
        raise UsageError("a key has too many parts", where=f"{where}:{line}", expected="such as network.layers")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UsageError("lists or tables are nested too deeply", where=where, expected="a search space") from None
    except ValueError as error:
        raise _not_toml(text, str(error), where) from None


def _not_toml(text: str, what: str, where: str) -> UsageError:
    place = _PLACE.search(what)
    if place is None:
        return UsageError(f"not TOML: {what[:80]}", where=where)
    end = text.count("\n") + 1, len(text) - text.rfind("\n")
    line, column = map(int, place.groups()) if place[1] else end
    reason = what[: place.start()]
    got = text.split("\n")[line - 1].strip()
    bare = re.match(r"[\w.\"-]+\s*=\s*([A-Za-z_]\w*\s*\(.*\)[^\"']*)$", got)
    fix = f'Put it in quotes: "{bare[1].strip()[:80]}".' if bare else None
    return UsageError(f"not TOML: {reason[:1].lower()}{reason[1:]}", where=f"{where}:{line}:{column}", fix=fix)


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
