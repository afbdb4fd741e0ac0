"""Fields of a record that may have been tampered with: each has to be there and of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.errors import ModelError

RESTORE = "Restore the folder from a copy, or train again."
LARGEST_SIZE = 2**31


def get(fields: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    """Return a field of this kind.

    Raises
    ------
    ModelError
        Where it is missing or of another kind.
    """
    value = fields.get(key)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise bad(where, f"{key!r} is {'missing' if key not in fields else 'of the wrong kind'}", value)
    return value


def get_size(fields: Mapping[str, Any], key: str, where: str, most: int = LARGEST_SIZE) -> int:
    """Return a field that is a whole number from 0 to `most`."""
    size = get(fields, key, int, where)
    if not 0 <= size <= most:
        raise bad(where, f"{key!r} is no size", size)
    return size


def get_names(fields: Mapping[str, Any], key: str, what: str, where: str) -> tuple[str, ...]:
    """Return a field that is a list of different words, at least one; `what` they are called in the message."""
    names = get(fields, key, list, where)
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise bad(where, f"{what} are missing or stand twice", names)
    return tuple(names)


def get_labels(fields: Mapping[str, Any], key: str, where: str) -> tuple:
    """Return categories or classes: all words, all truth values or all numbers, all different."""
    found = get(fields, key, list, where)
    kinds = {bool: "truth", str: "word", int: "number", float: "number"}
    told = {kinds.get(type(label)) for label in found}
    if len(told) != 1 or None in told or len(set(found)) != len(found):
        raise bad(where, "categories or classes are missing, mixed or stand twice", found)
    if any(isinstance(label, int) and abs(label) >= 2**63 for label in found):
        raise bad(where, "a class is too large a number")
    return tuple(found)


def bad(where: str, what: str, got: Any = None) -> ModelError:
    """Return the error for a field."""
    return ModelError(what, where=where, got=None if got is None else repr(got)[:80], fix=RESTORE)
