"""The cells of a column as what a model takes them for: numbers, dates, categories, text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.data.role_checks import require_finite
from pellucid.data.tables.columns import NUMBER, Column, shorten
from pellucid.data.tables.convert import date_column
from pellucid.data.tables.dates import first_that_is_no_date, settle_dates, spell_dates
from pellucid.data.tables.table import Table
from pellucid.errors import DataError


def read_numbers(table: Table, name: str) -> np.ndarray:
    """Return a column as float64 [rows], NaN where a cell is missing.

    Raises
    ------
    DataError
        Where a cell is a word, a date or infinite.
    """
    return numbers_of(table, table[name])


def numbers_of(table: Table, column: Column) -> np.ndarray:
    """Return a column of a table as :func:`read_numbers` does."""
    if column.kind in ("text", "date"):
        if column.missing.all():
            return np.full(len(column.values), np.nan)
        raise _no_number(table, column)
    values = column.values.astype(np.float64)
    if column.missing.any():
        values[column.missing] = np.nan
    if np.isinf(values).any():
        require_finite(table, column.name)
    return values


def _no_number(table: Table, column: Column) -> DataError:
    present = np.flatnonzero(~column.missing)
    if column.kind == "date":
        row = int(present[0])
        return DataError(
            "a number is needed", where=table.where(row, column.name), got=f"the date {column.values[row]}"
        )
    spelled = [re.match(NUMBER, column.values[row].strip()) is not None for row in present]
    row = int(present[spelled.index(False)]) if False in spelled else int(present[0])
    return DataError(
        "a number is needed" if False in spelled else "a column of numbers is text",
        where=table.where(row, column.name),
        got=shorten(column.values[row]),
        fix="Mend the cell, or leave it empty." if False in spelled else "Convert the column to numbers.",
    )


def as_dates(table: Table, column: Column, day_first: bool | None = None) -> Column:
    """Return a column of dates: as it is, or read from text by :func:`pellucid.data.tables.dates.parse_dates`.

    Parameters
    ----------
    table : Table
    column : Column
    day_first : bool, optional
        Whether D/M/YYYY holds, or else M/D/YYYY, whatever these cells alone would say.

    Raises
    ------
    DataError
        Where a cell is no date, or none in this order: with file and line.
    """
    if column.kind == "date":
        order = column.day_order
        if day_first is not None and order is not None and order.day_first != day_first:
            read = replace(table, origin=None)  # the order tells the row as it was read
            raise _other_order(read.where(order.row, column.name), order.cell, day_first)
        return column
    present = np.flatnonzero(~column.missing)
    dates = np.full(len(column.values), np.datetime64("NaT", "us"), "datetime64[us]")
    order = None
    if present.size:
        settled = settle_dates(column.values[present], day_first) if column.kind == "text" else None
        if settled is None:
            raise _no_date(table, column, present, day_first)
        dates[present], order = settled.values, settled.order
        if order is not None:
            rows = present if table.origin is None else table.origin[present]
            order = replace(order, row=int(rows[order.row]))
    return date_column(column.name, dates, order)


def _no_date(table: Table, column: Column, present: np.ndarray, day_first: bool | None) -> DataError:
    """Name the first cell that is no date by itself, or, where all are, the first one."""
    row = int(present[0])
    if column.kind == "text":
        cells = column.values[present].tolist()
        bad = first_that_is_no_date(cells, day_first)
        if bad is not None:
            row = int(present[cells.index(bad)])
            if day_first is not None and first_that_is_no_date([bad]) is None:
                return _other_order(table.where(row, column.name), bad, day_first)
    return DataError(
        "a date is needed",
        where=table.where(row, column.name),
        got=shorten(column.values.tolist()[row]),
        fix="Write dates as 2024-12-31, or leave the cell empty.",
    )


def _other_order(where: str | None, cell: str, day_first: bool) -> DataError:
    orders = ("D/M/YYYY", "M/D/YYYY") if day_first else ("M/D/YYYY", "D/M/YYYY")
    return DataError(
        f"the model has learned from dates written {orders[0]}, and this one is {orders[1]}",
        where=where,
        got=shorten(cell),
        fix="Write dates as 2024-12-31.",
    )


def as_texts(column: Column) -> list[str]:
    """Return the cells of any column as text, those that are missing as nothing.

    Examples
    --------
    >>> as_texts(Table.from_columns({"t": [True, None]})["t"])
    ['true', '']
    """
    if column.kind == "text":
        return column.values.tolist()
    cells = spell_dates(column.values) if column.kind == "date" else map(_as_text, column.values.tolist())
    return ["" if gap else cell for cell, gap in zip(cells, column.missing.tolist(), strict=True)]


def _as_text(cell: Any) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def match_categories(column: Column, categories: Sequence[Any]) -> np.ndarray:
    """Return the place of each cell among the categories, int32 [rows], -1 where it is none of them.

    How a column is read may differ from file to file: where only "1" and "2" are left of the words 1, 2 and x, they are
    numbers. So cells and categories of different kinds are compared by what they spell.

    Examples
    --------
    >>> match_categories(Table.from_columns({"grade": [2, 1, 3]})["grade"], ["1", "2", "x"]).tolist()
    [1, 0, -1]
    """
    if column.kind == "date":
        column = Column(column.name, "text", np.array(as_texts(column), object), column.missing)
    spell = _spelling(column.kind, categories)
    places: dict[Any, int] = {}
    for place, category in enumerate(categories):
        places.setdefault(spell(category), place)
    if column.kind == "text":
        found = {cell: places.get(spell(cell), -1) for cell in set(column.values.tolist())}
        indices = np.array([found[cell] for cell in column.values.tolist()], np.int32)
    else:
        values, inverse = np.unique(column.values, return_inverse=True)
        indices = np.array([places.get(spell(value), -1) for value in values.tolist()], np.int32)[inverse]
    indices[column.missing] = -1
    return indices


def _spelling(kind: str, categories: Sequence[Any]) -> Callable[[Any], Any]:
    """Return what makes cells of this kind and the categories comparable."""
    words = bool(categories) and isinstance(categories[0], str)
    if words != (kind == "text"):
        return _spell
    return (lambda cell: cell) if words else float


def _spell(cell: Any) -> Any:
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, str):
        trimmed = cell.strip()
        return float(trimmed) if re.match(NUMBER, trimmed) else trimmed.lower()
    return float(cell)
