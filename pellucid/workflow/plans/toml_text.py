"""Writing TOML: plain data, a comment where one helps. Reading is Python's own tomllib."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pellucid.errors import UsageError


def write_toml(content: Mapping[str, Any], comment: str = "") -> str:
    """Return plain data as TOML that tomllib reads back equal.

    Parameters
    ----------
    content : mapping
        Of text, truth values, numbers, lists of them, and mappings. None is left out, since TOML has no word for it.
    comment : str
        What stands above it.

    Raises
    ------
    UsageError
        Where something has no form in TOML.

    Examples
    --------
    >>> print(write_toml({"seed": 7, "table": {"path": "wine.csv", "rows": 178}}), end="")
    seed = 7
    <BLANKLINE>
    [table]
    path = "wine.csv"
    rows = 178
    """
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    lines += [""] if lines else []
    _write(content, (), lines)
    return "\n".join(lines).strip("\n") + "\n"


def _write(content: Mapping[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    given = {key: value for key, value in content.items() if value is not None}
    plain = {key: value for key, value in given.items() if not isinstance(value, Mapping)}
    if path and (plain or not given):
        lines += ["", f"[{format_path(path)}]"]
    lines += [f"{toml_key(key)} = {toml_value(value)}" for key, value in plain.items()]
    for key, value in given.items():
        if isinstance(value, Mapping):
            _write(value, (*path, str(key)), lines)


def format_path(path: Iterable[str]) -> str:
    """Return sections and a key with dots between them, as TOML writes them.

    Examples
    --------
    >>> print(format_path(("roles", "a.b")))
    roles."a.b"
    """
    return ".".join(map(toml_key, path))


def tell_path(path: Iterable[str]) -> str:
    """Return a path for a message, where keys may be of any length."""
    return ".".join(shorten(toml_key(key)) for key in path)


def shorten(text: str) -> str:
    """Return the beginning of a long text."""
    return text if len(text) <= 60 else text[:57] + "..."


def toml_key(key: str) -> str:
    """Return a key, in quotes where TOML asks for them."""
    bare = key and all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in key)
    return key if bare else _text(key)


def _text(text: str) -> str:
    # JSON's escapes are among those of TOML, which asks for one more: of the delete character. What is no Unicode (half
    # of a surrogate pair, as paths in other encodings have) has no form in TOML and becomes a replacement character.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_value(value: Any) -> str:
    """Return a value on one line; mappings become inline tables.

    Examples
    --------
    >>> print(toml_value([1, 0.5, "a"]), toml_value({"name": "cosine", "epochs": 20}))
    [1, 0.5, "a"] { name = "cosine", epochs = 20 }
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)  # Python spells inf, -inf and nan as TOML does
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml_key(key)} = {toml_value(item)}" for key, item in value.items()) + " }"
    raise UsageError("this has no form in TOML", got=type(value).__name__, expected="text, numbers, lists, mappings")
