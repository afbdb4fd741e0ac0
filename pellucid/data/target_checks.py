"""What a target cannot be: missing, constant, a date, or numbers that no loss can take."""

from __future__ import annotations

import re

import numpy as np

from pellucid.data.role_checks import require_finite
from pellucid.data.tables.columns import NUMBER, Column, shorten
from pellucid.data.tables.table import Table
from pellucid.errors import DataError

LARGEST = 1e150
"""Numbers from about here on cannot be squared in float64."""

LONGEST_NAME = 100_000
"""Letters of a class at most: its name is in the model, and in all that is said of it."""


def check_target(table: Table, column: Column) -> None:
    """Refuse what is no target of any task.

    Raises
    ------
    DataError
        Where it is a date, has a missing or infinite value or too long a name, or is the same in every row.
    """
    if column.kind == "date":
        raise DataError(
            "the target is a date",
            where=table.where(name=column.name),
            got=f"such as {column.distinct[0]}" if column.distinct else None,
            expected="numbers, classes or labels",
            fix="Turn it into a number, such as the days since a fixed one.",
        )
    gaps = np.flatnonzero(column.missing)
    if gaps.size == len(column.values):
        raise DataError("the target has no value in any row", where=table.where(name=column.name))
    if gaps.size:
        raise DataError(
            "a row has no target" if gaps.size == 1 else f"{gaps.size} rows have no target, this one first",
            where=table.where(int(gaps[0]), column.name),
            got="a missing value",
            fix="Fill them in, or leave these rows out.",
        )
    require_finite(table, column.name)
    _require_short_names(table, column)
    if len(column.distinct) == 1:
        raise DataError(
            "the target is the same in every row, so there is nothing to learn",
            where=table.where(name=column.name),
            got=f"always {shorten(column.distinct[0])} in {len(table)} row{'s' if len(table) > 1 else ''}",
            expected="at least two different values",
        )


def _require_short_names(table: Table, column: Column) -> None:
    names = column.distinct if column.kind == "text" else ()
    long = next((name for name in names if len(name) > LONGEST_NAME), None)
    if long is not None:
        raise DataError(
            "a class has too long a name",
            where=table.where(column.values.tolist().index(long), column.name),
            got=f"{len(long):,} letters",
            expected=f"at most {LONGEST_NAME:,}",
            fix="Mend the cell, or leave the row out.",
        )


def require_numbers(table: Table, column: Column) -> None:
    """Refuse text as the target of a regression.

    Raises
    ------
    DataError
        With file, line and column of the first cell that is no number.
    """
    if column.kind != "text":
        return
    bad = next((row for row, cell in enumerate(column.values) if not re.match(NUMBER, cell.strip())), None)
    if bad is None:
        raise DataError(
            "a target of regression is text that spells numbers",
            where=table.where(name=column.name),
            got=shorten(column.values[0]),
            fix="Convert the column to numbers.",
        )
    cell = column.values[bad]
    comma = re.match(NUMBER, cell.strip().replace(",", ".", 1)) is not None
    raise DataError(
        "a target of regression is no number",
        where=table.where(bad, column.name),
        got=shorten(cell),
        fix="Write decimals with a point." if comma else "Mend the cell, or say that the task is classification.",
    )


def refuse_huge(table: Table, name: str, values: np.ndarray) -> None:
    """Refuse numbers of a target, none of them missing, that are too large to be squared.

    Raises
    ------
    DataError
        With file, line and column of the largest.
    """
    largest = int(np.abs(values).argmax())
    if abs(values[largest]) > LARGEST:
        raise DataError(
            "a target of regression is too large a number to be squared",
            where=table.where(largest, name),
            got=shorten(float(values[largest])),
            expected=f"at most {LARGEST:g}",
            fix="Divide the column by a power of ten.",
        )


def require_squares(table: Table, column: Column) -> None:
    """Refuse numbers whose squared differences overflow or vanish: neither a loss nor a report could be told.

    Raises
    ------
    DataError
        Where one is too large, or they differ too little.
    """
    values = column.values.astype(np.float64)
    refuse_huge(table, column.name, values)
    spread = float(values.max() - values.min())
    if spread < 1 / LARGEST:
        raise DataError(
            "a target of regression differs too little to be squared",
            where=table.where(name=column.name),
            got=f"{shorten(spread)} between the lowest and the highest",
            fix="Multiply the column by a power of ten.",
        )
