"""Reading a plan's file: whatever is wrong with it becomes one message."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid.errors import UsageError, nearest
from pellucid.workflow.plans.kinds import quote
from pellucid.workflow.plans.settings import Setting, find_setting, sections
from pellucid.workflow.plans.toml_text import shorten, tell_path

LARGEST = 2**24
"""Bytes of a file, at most."""

_PART = r"""(?:[\w-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_DEEP = re.compile(rf"(?:^|[\[{{,])[ \t]*{_PART}(?:[ \t]*\.[ \t]*{_PART}){{8}}", re.MULTILINE)
"""A key of many parts, for which tomllib takes a time that grows with their square."""


def read_toml(path: str | Path) -> tuple[dict[str, Any], str]:
    """Return the content of a TOML file, and its text.

    Raises
    ------
    UsageError
        Where it cannot be read, is too large, is not in UTF-8, or is no TOML; with line and column.
    """
    told = os.fspath(path) or "."
    if Path(path).is_dir():
        raise UsageError("this is a folder", where=told, expected="a file such as run.toml")
    try:
        with Path(path).open("rb") as file:
            raw = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: NUL in a path
        got = getattr(error, "strerror", None) or str(error)
        raise UsageError("the file cannot be opened", where=told, got=got) from None
    if len(raw) > LARGEST:
        raise UsageError(
            "the file is too large for settings", where=told, got=f"more than {LARGEST >> 20} MiB", expected="TOML"
        )
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError("the file is not in UTF-8", where=f"{told}:{line}", fix="Save it as UTF-8.") from None
    return _parse(told, text), text


def _parse(told: str, text: str) -> dict[str, Any]:
    if deep := _DEEP.search(text):
        line = text.count("\n", 0, deep.end()) + 1
        raise UsageError("a key has too many parts", where=f"{told}:{line}", expected="such as optimizer.name")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UsageError("lists or tables are nested too deeply", where=told, expected="settings") from None
    except ValueError as error:
        what = str(error)
        place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", what)
        if place is None:
            raise UsageError(f"not TOML: {what[:80]}", where=told) from None
        end = text.count("\n") + 1, len(text) - text.rfind("\n")
        line, column = map(int, place.groups()) if place[1] else end
        reason = what[: place.start()]
        where = f"{told}:{line}:{column}"
        raise UsageError(f"not TOML: {reason[:1].lower()}{reason[1:]}", where=where) from None


def flatten(
    content: Mapping[str, Any], known: Sequence[Setting], passed_over: Sequence[str]
) -> dict[tuple[str, ...], Any]:
    """Return the values of a file by their paths; records are passed over.

    Raises
    ------
    UsageError
        Where there is no such section or setting.
    """
    in_sections, alone = sections(known), {one.path for one in known if len(one.path) == 1}
    values: dict[tuple[str, ...], Any] = {}
    for key, value in content.items():
        if key in passed_over:
            continue
        if key in in_sections:
            if not isinstance(value, Mapping):
                expected = f"a section, [{key}], and its settings"
                raise UsageError("not a section", where=key, got=quote(value), expected=expected)
            values |= {(key, inner): item for inner, item in value.items()}
        elif (key,) not in alone and isinstance(value, Mapping):
            fix = nearest(shorten(key), in_sections)
            raise UsageError("there is no such section", where=tell_path((key,)), fix=fix)
        else:
            values[(key,)] = value
    for path, value in values.items():
        find_setting(known, path)
        if path[0] == "roles" and isinstance(value, Mapping):
            fix = 'Put a name that has dots in quotes, such as "a.b".'
            raise UsageError("not a role", where=tell_path(path), got=quote(value), fix=fix)
    return values


def place_of(path: str | Path, text: str, where: str | None) -> str:
    """Return a file with the line of the setting that an error names, where that is found."""
    told = os.fspath(path)
    header = ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if found := re.match(r"\[\s*([^\[\]]+?)\s*\]", stripped):
            header = found[1]
            named = header
        else:
            key = stripped.partition("=")[0].strip() if "=" in stripped and not stripped.startswith("#") else ""
            named = f"{header}.{key}" if header and key else key
        if where and named == where:
            return f"{told}:{number}"
    return told
