"""Reading a plan's file: whatever is wrong with it becomes one message."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid.errors import UsageError, nearest
from pellucid.toml_files import TomlKind
from pellucid.workflow.plans.kinds import quote
from pellucid.workflow.plans.settings import Setting, find_setting, sections
from pellucid.workflow.plans.toml_text import shorten, tell_path

PLAN = TomlKind("settings", "run.toml", "optimizer.name", largest=2**24, parts=8)


def read_toml(path: str | Path) -> tuple[dict[str, Any], str]:
    """Return the content of a TOML file, and its text.

    Raises
    ------
    UsageError
        Where it cannot be read, is too large, is not in UTF-8, or is no TOML; with line and column.
    """
    text = PLAN.read(path)
    return PLAN.parse(text, os.fspath(path) or "."), text


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
