"""Files in TOML: whatever is wrong with one becomes one message, with the place."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.errors import UsageError

_PART = r"""(?:[\w-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True)
class TomlKind:
    """What is written in a kind of TOML files.

    Attributes
    ----------
    holds : str
        What it is, such as ``settings``.
    file, key : str
        The name of such a file, and a key in it.
    largest : int
        The bytes of a file, at most.
    parts : int
        The parts of a key, at most: `tomllib` takes a time that grows with their square.
    """

    holds: str
    file: str
    key: str
    largest: int
    parts: int

    def read(self, path: str | os.PathLike[str]) -> str:
        """Return the text of a file.

        Raises
        ------
        UsageError
            Where it cannot be read, is too large, or is not in UTF-8.
        """
        told = os.fspath(path) or "."
        if Path(path).is_dir():
            raise UsageError("this is a folder", where=told, expected=f"a file such as {self.file}")
        try:
            with Path(path).open("rb") as file:
                raw = file.read(self.largest + 1)
        except (OSError, ValueError) as error:  # ValueError: NUL in a path
            got = getattr(error, "strerror", None) or str(error)
            raise UsageError("the file cannot be opened", where=told, got=got) from None
        if len(raw) > self.largest:
            got = f"more than {self.largest >> 20} MiB"
            raise UsageError(f"the file is too large for {self.holds}", where=told, got=got, expected="TOML")
        try:
            return raw.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise UsageError("the file is not in UTF-8", where=f"{told}:{line}", fix="Save it as UTF-8.") from None

    def parse(self, text: str, where: str, mend: Callable[[str], str | None] = lambda line: None) -> dict[str, Any]:
        """Return the content of a text.

        Parameters
        ----------
        text : str
        where : str
            What errors name before the line.
        mend : callable
            ``mend(line)`` says what to do about a line that is no TOML, or None.

        Raises
        ------
        UsageError
            Where it is no TOML; with line and column.

        Examples
        --------
        >>> kind = TomlKind("settings", "run.toml", "optimizer.name", largest=2**20, parts=8)
        >>> kind.parse("a = 1\\nb = [2", "run.toml")
        Traceback (most recent call last):
            ...
        pellucid.errors.UsageError: run.toml:2:7: not TOML: unclosed array.
        """
        text = text.replace("\r\n", "\n")
        deep = rf"(?:^|[\[{{,])[ \t]*{_PART}(?:[ \t]*\.[ \t]*{_PART}){{{self.parts}}}"
        if found := re.search(deep, text, re.MULTILINE):
            line = text.count("\n", 0, found.end()) + 1
            raise UsageError("a key has too many parts", where=f"{where}:{line}", expected=f"such as {self.key}")
        try:
            return tomllib.loads(text)
        except RecursionError:
            raise UsageError("lists or tables are nested too deeply", where=where, expected=self.holds) from None
        except ValueError as error:
            raise _not_toml(text, str(error), where, mend) from None


def _not_toml(text: str, what: str, where: str, mend: Callable[[str], str | None]) -> UsageError:
    place = _PLACE.search(what)
    if place is None:
        return UsageError(f"not TOML: {what[:80]}", where=where)
    end = text.count("\n") + 1, len(text) - text.rfind("\n")
    line, column = map(int, place.groups()) if place[1] else end
    reason = what[: place.start()]
    fix = mend(text.split("\n")[line - 1].strip())
    return UsageError(f"not TOML: {reason[:1].lower()}{reason[1:]}", where=f"{where}:{line}:{column}", fix=fix)
