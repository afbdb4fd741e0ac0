"""Distributions, made by functions that are called like the words of the grammar."""

from __future__ import annotations

from typing import Any

from pellucid.tuning.space.continuous import LogUniform, Uniform
from pellucid.tuning.space.discrete import Choice, Integer


def uniform(low: float, high: float) -> Uniform:
    """Return numbers from `low` to `high`, all of them equally likely.

    Raises
    ------
    UsageError
        Where a limit is not finite, or the low one is above the high one.

    Examples
    --------
    >>> uniform(0, 0.5)
    uniform(0, 0.5)
    """
    return Uniform(low, high)


def log_uniform(low: float, high: float) -> LogUniform:
    """Return numbers from `low` (above 0) to `high` whose logarithms are equally likely.

    Raises
    ------
    UsageError
        Where a limit is not finite or not above 0, or the low one is above the high one.

    Examples
    --------
    >>> log_uniform(1e-4, 0.1)
    log_uniform(0.0001, 0.1)
    """
    return LogUniform(low, high)


def integer(low: int, high: int, log: bool = False, step: int = 1) -> Integer:
    """Return whole numbers from `low` to `high`, both among them; see `Integer`.

    Raises
    ------
    UsageError
        Where a limit is no whole number or too large, the low one is above the high one, or no step ends at it.

    Examples
    --------
    >>> integer(1, 3)
    integer(1, 3)
    """
    return Integer(low, high, log, step)


def choice(*options: Any) -> Choice:
    """Return a choice of values: numbers, text, truth values, None, or lists of them.

    Raises
    ------
    UsageError
        Where there is none, one is there twice, or is of another kind.

    Examples
    --------
    >>> choice("relu", "gelu").at(0.75)
    'gelu'
    """
    return Choice(options)
