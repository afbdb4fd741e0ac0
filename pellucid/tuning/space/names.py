"""Names in a search space: paths of words with dots between them, such as ``optimizer.learning_rate``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from pellucid.errors import UsageError

QUOTED = r'"(?:[^"\\]|\\.)*"'
PART = rf"(?:[^\W\d][\w-]*|{QUOTED})"
"""One part of a name: a word, or anything in double quotes."""

_WHOLE = re.compile(rf"{PART}(?:\.{PART})*")
_PART = re.compile(PART)
_WORD = re.compile(r"[^\W\d][\w-]*")
LONGEST = 300
MOST_PARTS = 8


def split_name(name: str) -> tuple[str, ...]:
    """Return the parts of a name.

    Raises
    ------
    UsageError
        Where it is none.

    Examples
    --------
    >>> split_name('roles."a.b"')
    ('roles', 'a.b')
    """
    told = name if len(name) <= 60 else name[:57] + "..."
    expected = 'words with dots between them, such as optimizer.learning_rate (others in quotes: roles."a b")'
    if len(name) > LONGEST or not _WHOLE.fullmatch(name):
        raise UsageError("not a name", got=repr(told), expected=expected)
    parts = _PART.findall(name)
    if len(parts) > MOST_PARTS:
        raise UsageError("a name has too many parts", got=repr(told), expected=f"{MOST_PARTS} or fewer")
    try:
        plain = tuple(json.loads(part, strict=False) if part.startswith('"') else part for part in parts)
        "".join(plain).encode("utf-8")
    except ValueError:
        raise UsageError("not a name", got=ascii(told), expected=expected) from None
    return plain


def begins_with(text: str) -> str:
    """Return the name with which a text begins; nothing where there is none."""
    found = _WHOLE.match(text)
    return found[0] if found else ""


def join_name(parts: Iterable[str]) -> str:
    """Return a name of parts, those in quotes that are no words.

    Examples
    --------
    >>> print(join_name(("roles", "a.b")))
    roles."a.b"
    """
    return ".".join(part if _WORD.fullmatch(part) else json.dumps(part, ensure_ascii=False) for part in parts)
