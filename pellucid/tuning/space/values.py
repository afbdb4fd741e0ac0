"""Values that a search space is made of, and how its grammar writes them."""

from __future__ import annotations

import json
import math
import numbers
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from pellucid.errors import UsageError

Value = float | int | str | bool | None | tuple[Any, ...]
"""Numbers, text, truth values, None, or tuples of them."""

CONSTANTS: dict[str, Value] = {"none": None, "true": True, "false": False, "None": None, "True": True, "False": False}
RESERVED = {*CONSTANTS, "if", "and", "or", "not", "in"}
"""Words that mean something in the grammar: as text they stand in quotes."""

LARGEST_WHOLE = 2**63
LONGEST_TEXT = 1000
LONGEST_LIST = 1000
_KINDS = "a number, text, true, false, none or a list of them"
_BARE = re.compile(r"[^\W\d][\w-]*(?:\.[^\W\d][\w-]*)*")
_NOT_FINITE = re.compile(r"[-+]?(?:inf(?:inity)?|nan)", re.IGNORECASE)


def plain_value(value: Any, where: str | None = None) -> Value:
    """Return a value as the search space keeps it: lists as tuples, numbers of NumPy as those of Python.

    Raises
    ------
    UsageError
        Where it is of another kind, not finite, or too large.

    Examples
    --------
    >>> plain_value([64, 32])
    (64, 32)
    """
    if isinstance(value, list | tuple):
        if len(value) > LONGEST_LIST:
            expected = f"at most {LONGEST_LIST}"
            raise UsageError("too long a list", where=where, got=f"{len(value)} values", expected=expected)
        return tuple(_single(item, where, "a number, text, true, false or none") for item in value)
    return _single(value, where, _KINDS)


def _single(value: Any, where: str | None, expected: str) -> Value:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(str(value), where)
    if isinstance(value, numbers.Integral):
        if not -LARGEST_WHOLE <= int(value) < LARGEST_WHOLE:
            raise UsageError("too large a number", where=where, got=tell_value(value), expected="less than 2^63")
        return int(value)
    if isinstance(value, numbers.Real):
        return finite(value, where)
    got = "a list in a list" if isinstance(value, list | tuple) else type(value).__name__
    raise UsageError("not a value of a search space", where=where, got=got, expected=expected)


def _text(value: str, where: str | None) -> str:
    if len(value) > LONGEST_TEXT:
        expected = f"at most {LONGEST_TEXT}"
        raise UsageError("too long a text", where=where, got=f"{len(value)} letters", expected=expected)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("text that is not Unicode", where=where, got=ascii(value)[:60]) from None
    return value


def finite(value: Any, where: str | None) -> float:
    """Return a number as a float, or raise a UsageError where it is not finite."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        got = "a number beyond all that are represented" if isinstance(value, int) else repr(number)
        raise UsageError("not a finite number", where=where, got=got)
    return number + 0.0  # minus nothing is nothing


def is_number(value: Any) -> bool:
    """Whether a value is a number; truth values are none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)


def identity(value: Any) -> tuple[str, Any]:
    """Return what two values have in common that mean the same: 1 and 1.0, but not 1 and True."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "truth value", value
    if isinstance(value, list | tuple):
        return "list", tuple(map(identity, value))
    return ("number", value) if is_number(value) else (type(value).__name__, value)


def same(a: Any, b: Any) -> bool:
    """Whether two values mean the same; see `identity`.

    Examples
    --------
    >>> same(1, 1.0), same(1, True), same([64, 32], (64, 32))
    (True, False, True)
    """
    return identity(a) == identity(b)


def format_value(value: Any) -> str:
    """Return a value as the grammar writes it.

    Examples
    --------
    >>> print(format_value(None), format_value("relu"), format_value("a b"), format_value((64, 32)), format_value(1e-5))
    none relu "a b" [64, 32] 1e-05
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        bare = _BARE.fullmatch(value) and value not in RESERVED and not _NOT_FINITE.fullmatch(value)
        return value if bare else json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(format_value, value)) + "]"
    return repr(value)


def format_number(number: float) -> str:
    """Return a float as the grammar writes it where only a number can stand: 2.0 as 2."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e6 else repr(number)


def tell_value(value: Any) -> str:
    """Return a value for a message, where it may be of any length and kind."""
    try:
        shown = format_value(value)
    except (ValueError, RecursionError):
        shown = type(value).__name__
    return shown if len(shown) <= 60 else shown[:57] + "..."


def tell_list(values: Iterable[Any], limit: int = 8) -> str:
    """Return values for a message, the first of them where there are many."""
    told = list(map(tell_value, values))
    return ", ".join(told if len(told) <= limit else [*told[:limit], f"... ({len(told)} in all)"])
