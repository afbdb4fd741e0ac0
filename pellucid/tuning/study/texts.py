"""Values as the columns of a study hold them: each comes back with its type and its bits, and nothing is executed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.errors import UsageError

LONGEST = 16 * 2**20
"""So many bytes one text of a study may have, which bounds what a damaged file can ask for."""

DEEPEST = 20
"""So deep lists and mappings may lie in each other."""

_NOT_FINITE = "float"
_LARGEST = 2**63 - 1

Cell = int | float | str | None
"""What a column holds."""


class BadText(ValueError):
    """A column holds what was never written there."""


def number_to_cell(value: float | None) -> Cell:
    """Return a number as a column holds it; SQLite has no NaN and would write NULL, so that it is a word here.

    Examples
    --------
    >>> number_to_cell(0.1), number_to_cell(math.nan), number_to_cell(None)
    (0.1, 'nan', None)
    """
    if value is None:
        return None
    value = float(value)
    return "nan" if math.isnan(value) else value


def cell_to_number(cell: Any) -> float:
    """Return the number that a column holds."""
    if type(cell) is float:
        return cell
    if cell == "nan":
        return math.nan
    raise BadText("a number is missing")


def check_integer(value: int, where: str) -> int:
    """Return a whole number that a column can hold.

    Raises
    ------
    UsageError
        Where it has more than 64 bits.
    """
    value = int(value)
    if abs(value) > _LARGEST:
        raise UsageError("the number does not fit into 64 bits", where=where, got=f"{value.bit_length()} bits")
    return value


def to_json(value: Any, where: str) -> str:
    """Return plain data as JSON that comes back as it was, whatever the program that reads it.

    Parameters
    ----------
    value : text, number, truth value, None, or lists and mappings of them
        Tuples become lists, and NumPy's numbers Python's. Infinities and NaN, which JSON does not have, become
        ``{"float": "inf"}``.
    where : str
        What it is, for the error message.

    Raises
    ------
    UsageError
        Where it is something else, too deep, or too long.

    Examples
    --------
    >>> to_json({"rate": 0.1, "units": (64, 32), "clip": math.inf}, "parameters")
    '{"rate":0.1,"units":[64,32],"clip":{"float":"inf"}}'
    """
    try:
        text = _ENCODER.encode(_plain(value, where, 0))
    except ValueError as error:  # a whole number of thousands of digits
        raise UsageError("this can not be written down", where=where, got=str(error)[:80]) from None
    return check_length(text, where)


def check_length(text: str, where: str) -> str:
    """Return the text where a study can hold it.

    Raises
    ------
    UsageError
        Where it is too long.
    """
    if len(text) * 4 > LONGEST and len(text.encode("utf-8", "surrogatepass")) > LONGEST:
        raise UsageError("too long for a study", where=where, got=f"{len(text):,} letters", expected=f"{LONGEST:,}")
    return text


def _plain(value: Any, where: str, depth: int) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if not is_unicode(value):
            raise UsageError("text that is not Unicode", where=where, got=ascii(value)[:60])
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {_NOT_FINITE: repr(float(value))}
    if depth >= DEEPEST:
        raise UsageError("too many lists in lists", where=where, expected=f"at most {DEEPEST}")
    if isinstance(value, Mapping):
        _check_names(value, where)
        return {name: _plain(item, f"{where}, {name}", depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, where, depth + 1) for item in value]
    kinds = "text, numbers, truth values, None, and lists of them"
    raise UsageError("a study can not hold this", where=where, got=type(value).__name__, expected=kinds)


def is_unicode(text: str) -> bool:
    """Say whether a text has a form in UTF-8; half of a surrogate pair has none."""
    return text.isascii() or text == text.encode("utf-8", "ignore").decode("utf-8")


def _check_names(value: Mapping[Any, Any], where: str) -> None:
    for name in value:
        if not isinstance(name, str) or not is_unicode(name):
            raise UsageError("the name is no text", where=where, got=ascii(name)[:60])
    if list(value) == [_NOT_FINITE]:
        raise UsageError(f"{_NOT_FINITE!r} alone stands for an infinity", where=where, fix="Choose another name.")


def from_json(text: Any) -> Any:
    """Return what JSON of :func:`to_json` stands for.

    Raises
    ------
    BadText
        Where it is no such text.

    Examples
    --------
    >>> from_json('{"rate":0.1,"clip":{"float":"inf"}}')
    {'rate': 0.1, 'clip': inf}
    """
    if not isinstance(text, str):
        raise BadText("text is missing")
    try:
        found = _DECODER.decode(text)
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
        return found
    except (ValueError, RecursionError) as error:
        raise BadText(f"no JSON: {str(error)[:80]}") from None


def _pairs(pairs: list[tuple[str, Any]]) -> Any:
    if len(pairs) == 1 and pairs[0][0] == _NOT_FINITE:
        return _not_finite(pairs[0][1])
    return dict(pairs)


def _not_finite(word: Any) -> float:
    if word not in ("inf", "-inf", "nan"):
        raise BadText("no number")
    return float(word)


def _refuse(word: str) -> float:
    raise BadText(f"{word} is no JSON")


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_refuse)
