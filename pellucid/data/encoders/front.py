"""The front end of a model: which columns it reads and how cells become numbers. Plain data, no code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.data.cells import as_dates, as_texts, match_categories, numbers_of
from pellucid.data.dataset import is_sparse
from pellucid.data.encoders.date_parts import count_days, cyclic_parts, read_cycles
from pellucid.data.encoders.matrices import infinite_number, require_matrix
from pellucid.data.encoders.words import read_words
from pellucid.data.tables.columns import Column, shorten
from pellucid.data.tables.table import Table
from pellucid.errors import DataError, UsageError, nearest


@dataclass(frozen=True)
class FrontColumn:
    """A column that a model reads.

    Attributes
    ----------
    name : str
    role : {"number", "category", "date", "text"}
        A column of truth values as a number is 0 and 1.
    categories : tuple of str, of bool, or of numbers
        Those among the training rows, sorted.
    indicator : bool
        Whether a feature says that the cell is missing: where there were missing and other cells among the training
        rows.
    constant : bool
        Whether a number or date was the same in all training rows, so that nothing could be learned from it.
    embedding : int
        Of categories: the length of the vectors that a network learns for them; 0 for a feature of 0 and 1 each.
    times : bool
        Of dates: whether there were times of day among the training rows.
    day_first : bool or None
        Of dates: whether D/M/YYYY held for the column that was learned from, or M/D/YYYY; text is read by this order,
        however few rows there are. None where no date was written so.
    words : tuple of str
        Of text: the words that are features.
    counted : bool
        Of text: whether words are counted; otherwise a feature says whether a word is there.
    """

    name: str
    role: str
    categories: tuple = ()
    indicator: bool = False
    constant: bool = False
    embedding: int = 0
    times: bool = False
    day_first: bool | None = None
    words: tuple[str, ...] = ()
    counted: bool = False


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
        """The columns that are one number each: numbers, and dates as days since 1970-01-01."""
        return tuple(column for column in self.columns if column.role in ("number", "date"))

    @property
    def dates(self) -> tuple[FrontColumn, ...]:
        """The columns read as dates."""
        return tuple(column for column in self.columns if column.role == "date")

    @property
    def categories(self) -> tuple[FrontColumn, ...]:
        """The columns read as categories, embedded ones among them."""
        return tuple(column for column in self.columns if column.role == "category")

    @property
    def texts(self) -> tuple[FrontColumn, ...]:
        """The columns read as text."""
        return tuple(column for column in self.columns if column.role == "text")

    @property
    def embedded(self) -> tuple[FrontColumn, ...]:
        """The columns of categories for which a network learns vectors."""
        return tuple(column for column in self.categories if column.embedding)

    @property
    def number_features(self) -> tuple[str, ...]:
        """The names of the first features: one for each number and date."""
        return tuple(f"{column.name} (days)" if column.role == "date" else column.name for column in self.numbers)

    @property
    def other_features(self) -> tuple[str, ...]:
        """The names of the features behind the numbers.

        The cyclic parts of dates, what is missing among numbers and dates, each category of each column, and the words.
        """
        names = [f"{column.name} {part}" for column in self.dates for part in cyclic_parts(column.times)]
        names += [f"{column.name} is missing" for column in self.numbers if column.indicator]
        for column in self.categories:
            names += [] if column.embedding else [f"{column.name}={category}" for category in column.categories]
            names += [f"{column.name} is missing"] if column.indicator else []
        for column in self.texts:
            names += [f"{column.name} has {word!r}" for word in column.words]
            names += [f"{column.name} is missing"] if column.indicator else []
        return tuple(names)

    @property
    def features(self) -> tuple[str, ...]:
        """The names of all features, as they are without whitening."""
        return self.number_features + self.other_features

    @property
    def only_numbers(self) -> bool:
        """Whether all columns are read as numbers, so that a plain matrix can be read."""
        return all(column.role == "number" for column in self.columns)

    def places_in(self, width: int) -> list[int]:
        """Return where the columns are in an array of so many columns that have no names.

        They are called x0, x1, ...; where there are no such columns among those that are read, the array has exactly
        these, in their order.

        Raises
        ------
        DataError
            Where it has other columns.
        """
        unnamed = {f"x{place}": place for place in range(width)}
        if all(column.name in unnamed for column in self.columns):
            return [unnamed[column.name] for column in self.columns]
        if width != len(self.columns):
            names = [column.name for column in self.columns[:8]] + ["..."] * (len(self.columns) > 8)
            raise DataError(
                "an array does not have the columns that the model reads",
                got=f"{width} columns",
                expected=f"{len(self.columns)}: {', '.join(names)}",
                fix="Pass a table with names.",
            )
        return list(range(width))

    def select(self, table: Table) -> Table:
        """Return the table of the columns that are read, in their order, dates that were text as dates.

        Columns are found by name, in any order, and others are passed over. What was selected can be taken apart and
        read in parts: whether 3/4/2024 is in March or April is decided here, by what held for the column that was
        learned from, or else by the whole column.

        Raises
        ------
        DataError
            Where a column is missing, or a cell of a column of dates is none, or none in the order of day and month
            that was learned from.
        """
        known = {column.name: column for column in table.columns}
        absent = [column.name for column in self.columns if column.name not in known]
        if absent:
            raise DataError(
                "a column that the model reads is missing"
                if len(absent) == 1
                else f"{len(absent)} columns that the model reads are missing",
                where=table.path,
                got=f"no {', '.join(map(shorten, absent[:5]))}"
                + (f" and {len(absent) - 5} more" if len(absent) > 5 else ""),
                fix=nearest(absent[0], table.names),
            )
        columns = [known[column.name] for column in self.columns]
        chosen = [
            as_dates(table, column, front.day_first) if front.role == "date" else column
            for front, column in zip(self.columns, columns, strict=True)
        ]
        return replace(table, columns=tuple(chosen))

    def read(self, table: Table) -> dict[str, np.ndarray]:
        """Return a table's cells as arrays; columns are found by name, in any order, and others are passed over.

        Returns
        -------
        dict of ndarray
            Only those of these that the model has.

            ``numbers``: float64 [rows, numbers and dates], dates as days since 1970-01-01; NaN where a cell is missing.
            ``cycles``: float64 [rows, parts], sine and cosine of the places of dates in their year, week and day; NaN
            where a cell is missing. ``categories``: int32 [rows, categories], the place of a cell among the column's
            categories; the one behind the last for a missing cell where the column has an indicator; -1 for a category
            that was not among the training rows, and for a missing cell where none was. ``words``: float32 [rows,
            words], each column's words, and behind them, where the column has an indicator, 1 for a missing cell.

        Raises
        ------
        DataError
            Where a column is missing, a cell of a column of numbers is a word or infinite, or one of a column of dates
            is none: with file and line.
        """
        chosen = self.select(table)
        numbers, cycles, categories, words = [], [], [], []
        for front, column in zip(self.columns, chosen.columns, strict=True):
            if front.role == "number":
                numbers.append(numbers_of(chosen, column))
            elif front.role == "date":
                numbers.append(count_days(column.values))
                cycles.append(read_cycles(column.values, front.times))
            elif front.role == "category":
                categories.append(_read_categories(column, front))
            else:
                words.append(_read_text(column, front))
        parts = {
            "numbers": np.stack(numbers, axis=1) if numbers else None,
            "cycles": np.concatenate(cycles, axis=1) if cycles else None,
            "categories": np.stack(categories, axis=1) if categories else None,
            "words": np.concatenate(words, axis=1) if words else None,
        }
        return {name: np.ascontiguousarray(part) for name, part in parts.items() if part is not None}

    def read_matrix(self, matrix: Any, first_row: int = 0) -> dict[str, np.ndarray]:
        """Return an array or a SciPy sparse matrix [rows, columns] of numbers as `read` returns a table's cells.

        Only for a front end of numbers. NaN is a missing cell; columns are found as by :meth:`places_in`; `first_row`
        is the number of the first row for messages.

        Raises
        ------
        DataError
            Where there are other columns, or a number is infinite: with its row and column.
        UsageError
            Where the model reads something else than numbers.
        """
        if not self.only_numbers:
            other = next(column for column in self.columns if column.role != "number")
            raise UsageError(
                "a matrix of numbers cannot be read by a model of other columns",
                got=f"column {other.name!r} of role {other.role}",
                fix="Pass a table.",
            )
        matrix = require_matrix(matrix)
        rows = matrix.toarray() if is_sparse(matrix) else matrix
        numbers = rows[:, self.places_in(rows.shape[1])].astype(np.float64)
        infinite = np.argwhere(np.isinf(numbers))
        if infinite.size:
            row, place = infinite[0]
            raise infinite_number(first_row + int(row), self.columns[place].name, float(numbers[row, place]))
        return {"numbers": np.ascontiguousarray(numbers)}


def _read_categories(column: Column, front: FrontColumn) -> np.ndarray:
    indices = match_categories(column, front.categories)
    indices[column.missing] = len(front.categories) if front.indicator else -1
    return indices


def _read_text(column: Column, front: FrontColumn) -> np.ndarray:
    values = read_words(as_texts(column), front.words, front.counted)
    return np.column_stack([values, column.missing.astype(np.float32)]) if front.indicator else values
