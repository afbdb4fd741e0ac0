"""What a column can be, and why it cannot be something else."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from pellucid.data.tables.columns import NUMBER, Column, has_decimal_commas, shorten
from pellucid.data.tables.dates import first_that_is_no_date, look_like_dates, parse_dates, read_dates, trim_cells
from pellucid.data.tables.table import Table
from pellucid.errors import DataError

USED = ("number", "boolean", "category", "date", "text")
"""What a column is that a network is given."""

LARGEST_WEIGHT = 1e30
"""Larger weights, and smaller ones than its inverse, are scaled."""


def check_role(table: Table, name: str, kind: str) -> None:
    """Refuse a role that a column cannot have.

    Raises
    ------
    DataError
        Where a column of numbers holds a word or a date, one of dates what is no date, one of truth values more than
        two values, one of text no text; where a weight is missing, negative or no number, or a group is missing.
    """
    column, where = table[name], table.where(name=name)
    if kind in USED and column.missing.all():
        raise DataError(f"a column without any value cannot be a {kind}", where=where, fix="Leave it out.")
    if kind == "weight":
        read_weights(table, name)
    elif kind == "group" and column.missing.any():
        row = int(column.missing.argmax())
        raise DataError("a row has no group", where=table.where(row, name), got="a missing value")
    elif kind == "number" and column.kind in ("text", "date"):
        raise _no_number(table, column)
    elif kind == "date" and column.kind != "date":
        _check_dates(table, column)
    elif kind == "boolean" and len(column.distinct) > 2:
        got = f"{len(column.distinct)} different values"
        raise DataError("a boolean has two values", where=where, got=got, fix="Let it be a category.")
    elif kind == "text" and column.kind != "text":
        got = f"a column of kind {column.kind}"
        raise DataError("there are no words to count", where=where, got=got, fix=f"Let it be a {column.kind}.")


def _no_number(table: Table, column: Column) -> DataError:
    if column.kind == "date":
        fix = "Let it be a date."
        return DataError("dates are no numbers", where=table.where(name=column.name), got=column.distinct[0], fix=fix)
    rows = np.flatnonzero(~column.missing)
    row = next((row for row in rows if not re.match(NUMBER, column.values[row].strip())), None)
    if row is None:
        fix = "Convert the column to numbers."
        return DataError("a column of numbers is text", where=table.where(name=column.name), fix=fix)
    comma = "Write decimals with a point." if has_decimal_commas(column) else "Mend the cell, or leave it empty."
    where = table.where(int(row), column.name)
    return DataError("a number is needed", where=where, got=shorten(column.values[row]), fix=comma)


def _check_dates(table: Table, column: Column) -> None:
    where = table.where(name=column.name)
    if column.kind != "text":
        got = f"a column of kind {column.kind}"
        raise DataError("this column holds no dates", where=where, got=got, expected="text such as 2024-12-31")
    if parse_dates(column.values) is None:
        bad = first_that_is_no_date(column.distinct)
        if bad is None:
            raise DataError(_why_no_order(column.distinct), where=where, fix="Write dates as YYYY-MM-DD.")
        where = table.where(column.values.tolist().index(bad), column.name)
        raise DataError("a date is needed", where=where, got=shorten(bad), fix="Mend the cell, or leave it empty.")


def _why_no_order(words: Sequence[str]) -> str:
    if read_dates(trim_cells(words)) is None:
        return "some dates have the day first and some the month"
    return "it is open whether day or month comes first"


def why_no_dates(words: Sequence[str]) -> str | None:
    """Say, for the user, why text of which most different words look like dates is no column of dates.

    Returns
    -------
    str or None
        None where fewer than 9 in 10 look so.

    Examples
    --------
    >>> why_no_dates(["3/4/2024", "5/4/2024"])
    'dates, but it is open whether day or month comes first: write them as YYYY-MM-DD'
    >>> why_no_dates([*(f"2024-05-{day}" for day in range(10, 30)), "unknown"])
    "dates but for 'unknown'"
    """
    if not look_like_dates(words):
        return None
    bad = first_that_is_no_date(words)
    if bad is not None:
        return f"dates but for {shorten(bad)}"
    if parse_dates(np.array(words, object)) is None:
        return f"dates, but {_why_no_order(words)}: write them as YYYY-MM-DD"
    return "dates written as text, which can be given the role date"


def read_weights(table: Table, name: str) -> np.ndarray:
    """Return a column of weights, float64 [rows].

    Raises
    ------
    DataError
        Where one is missing, negative, infinite or no number, or all are 0.
    """
    column = table[name]
    if column.kind not in ("number", "boolean"):
        got = f"a column of kind {column.kind}"
        raise DataError("a weight is a number", where=table.where(name=name), got=got)
    require_finite(table, name)
    for wrong, what in ((column.missing, "a row has no weight"), (column.values < 0, "a weight is negative")):
        if wrong.any():
            row = int(wrong.argmax())
            got = "a missing value" if column.missing[row] else shorten(column.values[row].item())
            raise DataError(what, where=table.where(row, name), got=got, expected="a number from 0 up")
    if not column.values.any():
        raise DataError("all weights are 0", where=table.where(name=name), expected="at least one above 0")
    weights = column.values.astype(np.float64)
    # Only their ratios count; sums, and the float32 of other libraries, must not overflow.
    if weights.max() > LARGEST_WEIGHT or weights[weights > 0].min() < 1 / LARGEST_WEIGHT:
        weights /= weights.max()
    weights.flags.writeable = False
    return weights


def require_finite(table: Table, name: str) -> None:
    """Refuse a column of numbers with an infinite one.

    Raises
    ------
    DataError
        With file, line and column of the first infinite number.
    """
    column = table[name]
    if column.kind == "number":
        infinite = np.flatnonzero(np.isinf(column.values))
        if infinite.size:
            row = int(infinite[0])
            raise DataError(
                "a number is infinite",
                where=table.where(row, name),
                got=str(column.values[row]),
                fix="Leave the cell empty, or leave the row or the column out.",
            )
