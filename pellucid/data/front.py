"""The front end of a model: which columns it reads and how cells become numbers. Plain data, no code."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.data.columns import NUMBER, Column, shorten
from pellucid.data.roles import require_finite
from pellucid.data.table import Table
from pellucid.errors import DataError, nearest


@dataclass(frozen=True)
class FrontColumn:
    """A column that a model reads.

    Attributes
    ----------
    name : str
    role : {"number", "category"}
        A column of truth values as a number is 0 and 1.
    categories : tuple of str, of bool, or of numbers
        Those among the training rows, sorted.
    indicator : bool
        Whether a feature says that the cell is missing: where there were missing and other cells among the training
        rows.
    constant : bool
        Whether a number was the same in all training rows, so that nothing could be learned from it.
    """

    name: str
    role: str
    categories: tuple = ()
    indicator: bool = False
    constant: bool = False


@dataclass(frozen=True)
class Front:
    """The columns that a model reads, in the order of the table that it was fitted on.

    Examples
    --------
    >>> front = Front((FrontColumn("age", "number"), FrontColumn("color", "category", ("blue", "red"))))
    >>> raw = front.read(Table.from_columns({"color": ["red", "green", None], "age": [31, None, 47]}))
    >>> raw["numbers"].tolist(), raw["categories"].tolist()
    ([[31.0], [nan], [47.0]], [[1], [-1], [-1]])
    """

    columns: tuple[FrontColumn, ...]

    @property
    def numbers(self) -> tuple[FrontColumn, ...]:
        """The columns read as numbers."""
        return tuple(column for column in self.columns if column.role == "number")

    @property
    def categories(self) -> tuple[FrontColumn, ...]:
        """The columns read as categories."""
        return tuple(column for column in self.columns if column.role == "category")

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features: numbers, then what is missing among them, then each category of each column."""
        names = [column.name for column in self.numbers]
        names += [f"{column.name} is missing" for column in self.numbers if column.indicator]
        for column in self.categories:
            names += [f"{column.name}={category}" for category in column.categories]
            names += [f"{column.name} is missing"] if column.indicator else []
        return tuple(names)

    def read(self, table: Table) -> dict[str, np.ndarray]:
        """Return a table's cells as arrays; columns are found by name, in any order, and others are passed over.

        Returns
        -------
        dict of ndarray
            ``numbers``: float64 [rows, numbers], NaN where a cell is missing. ``categories``: int32 [rows, categories],
            the place of a cell among the column's categories; the one behind the last for a missing cell where the
            column has an indicator; -1 for a category that was not among the training rows, and for a missing cell
            where none was. Only those of both that the model has.

        Raises
        ------
        DataError
            Where a column is missing, or a cell of a column of numbers is a word or infinite: with file and line.
        """
        absent = [column.name for column in self.columns if column.name not in table]
        if absent:
            raise DataError(
                "a column that the model reads is missing"
                if len(absent) == 1
                else f"{len(absent)} columns that the model reads are missing",
                where=table.path,
                got=f"no {', '.join(map(shorten, absent[:5]))}" + (", ..." if len(absent) > 5 else ""),
                fix=nearest(absent[0], table.names),
            )
        raw = {}
        if self.numbers:
            raw["numbers"] = np.column_stack([read_numbers(table, column.name) for column in self.numbers])
        if self.categories:
            raw["categories"] = np.column_stack(
                [_read_categories(table[column.name], column) for column in self.categories]
            )
        return raw


def read_numbers(table: Table, name: str) -> np.ndarray:
    """Return a column as float64 [rows], NaN where a cell is missing.

    Raises
    ------
    DataError
        Where a cell is a word or infinite.
    """
    column = table[name]
    if column.kind == "text" and not column.missing.all():
        present = np.flatnonzero(~column.missing)
        spelled = [re.match(NUMBER, column.values[row].strip()) is not None for row in present]
        row = int(present[spelled.index(False)]) if False in spelled else int(present[0])
        raise DataError(
            "a number is needed" if False in spelled else "a column of numbers is text",
            where=table.where(row, name),
            got=shorten(column.values[row]),
            fix="Mend the cell, or leave it empty." if False in spelled else "Convert the column to numbers.",
        )
    require_finite(table, name)
    if column.kind == "text":
        return np.full(len(table), np.nan)
    return np.where(column.missing, np.nan, column.values.astype(np.float64))


def _read_categories(column: Column, front: FrontColumn) -> np.ndarray:
    indices = match_categories(column, front.categories)
    indices[column.missing] = len(front.categories) if front.indicator else -1
    return indices


def match_categories(column: Column, categories: Sequence[Any]) -> np.ndarray:
    """Return the place of each cell among the categories, int32 [rows], -1 where it is none of them.

    How a column is read may differ from file to file: where only "1" and "2" are left of the words 1, 2 and x, they are
    numbers. So cells and categories of different kinds are compared by what they spell.

    Examples
    --------
    >>> match_categories(Table.from_columns({"grade": [2, 1, 3]})["grade"], ["1", "2", "x"]).tolist()
    [1, 0, -1]
    """
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
