"""One column of a table: its values, its kind, and which of its cells are missing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pellucid.data.tables.date_order import DayOrder
from pellucid.data.tables.dates import spell_dates

MISSING = (
    *("", "?", "NA", "N/A", "n/a", "<NA>", "#N/A", "NaN", "nan", "NAN", "-nan", "-NaN"),
    *("null", "Null", "NULL"),
)
"""Spellings of a missing cell in a CSV file, spaces around them not counted."""

MISSING_AMONG_NUMBERS = (*MISSING, "None", "none", "na", "-", "--", ".")
"""Spellings of a missing cell where all other cells are numbers or truth values; elsewhere the last ones are words."""

MISSING_AMONG_DATES = (*MISSING_AMONG_NUMBERS, "NaT")
"""Spellings of a missing cell where all other cells are dates."""

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
MOSTLY = 0.9


@dataclass(frozen=True)
class BadCell:
    """The first cell that keeps a column of numbers from being one.

    `row` counts from 0; `share` is the part of the cells present that are numbers, at least 0.9.
    """

    row: int
    value: str
    share: float


@dataclass(frozen=True, eq=False)
class Column:
    """A named column of a table; its arrays cannot be written to.

    Attributes
    ----------
    name : str
    kind : str
        "number", "boolean", "date" or "text".
    values : ndarray, [rows]
        Numbers as int64 (whole, none missing) or float64, truth values as bool, dates as datetime64[us] in UTC, text as
        objects of type str. A missing cell holds NaN, False, NaT or "".
    missing : ndarray of bool, [rows]
    mixed : BadCell or None
        In a column of text of which at least 90 % are numbers: the first cell that is none.
    day_order : DayOrder or None
        Of dates that were text such as 3/4/2024: whether the day came first, and the cell that settled it. None where
        nothing had to be settled.
    dtype : str or None
        What numbers were before they became a column, such as "float32", where they came from an array, a data frame or
        a Parquet file. Text and lists have none.

    Examples
    --------
    >>> from pellucid.data.tables.convert import column_from_values
    >>> column = column_from_values("age", [31, None, 47])
    >>> column.kind, column.values.tolist(), column.missing.tolist()
    ('number', [31.0, nan, 47.0], [False, True, False])
    """

    name: str
    kind: str
    values: np.ndarray
    missing: np.ndarray
    mixed: BadCell | None = None
    day_order: DayOrder | None = None
    dtype: str | None = None

    def __post_init__(self) -> None:
        self.values.flags.writeable = False
        self.missing.flags.writeable = False

    @property
    def present(self) -> np.ndarray:
        """The values that are not missing."""
        return self.values[~self.missing] if self.missing.any() else self.values

    @cached_property
    def distinct(self) -> tuple:
        """The different values present, sorted, as Python's own int, float, bool or str; dates as in ISO 8601."""
        if self.kind == "text":
            return tuple(sorted(set(self.present.tolist())))
        values = np.unique(self.present)
        return tuple(spell_dates(values) if self.kind == "date" else values.tolist())

    def forget_distinct(self) -> None:
        """Let go of the different values: of a long column they take more memory than the column."""
        self.__dict__.pop("distinct", None)

    @cached_property
    def whole(self) -> bool:
        """Whether the column holds numbers, all of them whole."""
        if self.kind != "number":
            return False
        present = self.present
        return present.dtype.kind == "i" or bool((np.isfinite(present) & (present == np.floor(present))).all())

    def take(self, rows: np.ndarray) -> Column:
        """Return the column of these rows, in this order. `mixed` is not carried over."""
        values, missing = self.values[rows], self.missing[rows]
        return Column(self.name, self.kind, values, missing, day_order=self.day_order, dtype=self.dtype)


def none_missing(rows: int) -> np.ndarray:
    """Return a mask [rows] of False that takes no memory."""
    return np.ndarray((rows,), bool, b"\0", strides=(0,))


def dtype_of_numbers(columns: Iterable[Column]) -> str | None:
    """Return the float dtype that columns came with: "float64" if one did, else "float32" if one did in that or less.

    None where no column came with floats: integers, text and lists decide nothing.

    Examples
    --------
    >>> from pellucid.data.tables.convert import column_from_values
    >>> short, long = (column_from_values("x", np.zeros(3, dtype)) for dtype in ("float32", "float64"))
    >>> dtype_of_numbers([short, long]), dtype_of_numbers([short]), dtype_of_numbers([])
    ('float64', 'float32', None)
    """
    floats = {column.dtype for column in columns if column.dtype is not None and column.dtype.startswith("float")}
    if not floats:
        return None
    return "float32" if floats <= {"float16", "float32"} else "float64"


def has_decimal_commas(column: Column) -> bool:
    """Tell whether a column is text only because its numbers have a comma where a point is expected.

    Examples
    --------
    >>> from pellucid.data.tables.convert import column_from_values
    >>> has_decimal_commas(column_from_values("height", ["1,82", "1,7", "2"]))
    True
    """
    if column.kind != "text" or not any("," in word for word in column.distinct):
        return False
    return all(re.match(NUMBER, word.strip().replace(",", ".", 1)) for word in column.distinct)


def shorten(value: object) -> str:
    """Return a cell's value for a message, cut to 40 characters."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = repr(value)
    return text if len(text) <= 40 else text[:36] + "..." + text[-1]
