"""Tables: columns of equal length with their names, and where each cell came from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.data.dataset import is_sparse
from pellucid.data.tables.columns import Column
from pellucid.data.tables.convert import column_from_values, unmask
from pellucid.data.tables.csv_file import CsvSource, read_csv
from pellucid.data.tables.frames import columns_of_frame, columns_of_sparse
from pellucid.data.tables.parquet_file import read_parquet
from pellucid.errors import DataError, UsageError, nearest

CSV_ENDINGS = (".csv", ".tsv", ".tab", ".txt")
PARQUET_ENDINGS = (".parquet", ".pq")


@dataclass(frozen=True, eq=False)
class Table:
    """An immutable table: columns of one length, all with different names.

    Attributes
    ----------
    columns : tuple of Column
    path : str or None
        The file it was read from.
    source : CsvSource or None
        For CSV: the delimiter found, and where the rows begin.
    origin : ndarray of int64, or None, [rows]
        Where rows were taken from a larger table: their numbers there.

    Examples
    --------
    >>> table = Table.from_columns({"age": [31, 47], "smoker": [True, None]})
    >>> table.names, len(table), table["age"].kind, table["smoker"].missing.tolist()
    (('age', 'smoker'), 2, 'number', [False, True])
    """

    columns: tuple[Column, ...]
    path: str | None = None
    source: CsvSource | None = None
    origin: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not self.columns:
            raise DataError("a table needs at least one column", where=self.path)
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                raise DataError("two columns have the same name", where=self.path, got=repr(column.name))
            seen.add(column.name)
        lengths = {len(column.values): column.name for column in self.columns}
        if len(lengths) > 1:
            told = " and ".join(f"{length} in {name!r}" for length, name in list(lengths.items())[:2])
            raise DataError("columns have different numbers of rows", where=self.path, got=told)
        if 0 in lengths:
            raise DataError("a table needs at least one row", where=self.path, got="none")

    @staticmethod
    def from_columns(columns: Mapping[str, Any]) -> Table:
        """Make a table of one-dimensional arrays or lists by name; None and NaN are missing cells."""
        return Table(tuple(column_from_values(str(name), values) for name, values in columns.items()))

    @staticmethod
    def from_arrays(values: Any, names: Sequence[str] | None = None) -> Table:
        """Make a table of an array [rows, columns] or [rows]. Without names the columns are x0, x1, ..."""
        array = unmask(values) if isinstance(values, np.ndarray) else _rows(values)
        typed = not isinstance(values, list | tuple)
        if array.ndim == 1:
            array = array[:, np.newaxis]
        if array.ndim != 2:
            raise DataError("an array cannot be a table", got=f"shape {list(array.shape)}", expected="[rows, columns]")
        names = [f"x{number}" for number in range(array.shape[1])] if names is None else list(names)
        if len(names) != array.shape[1]:
            raise DataError("names and columns differ in number", got=f"{len(names)}", expected=f"{array.shape[1]}")
        columns = (column_from_values(str(name), array[:, place]) for place, name in enumerate(names))
        return Table(tuple(column if typed else replace(column, dtype=None) for column in columns))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    def __len__(self) -> int:
        return len(self.columns[0].values)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Column:
        column = self._by_name.get(name)
        if column is not None:
            return column
        raise DataError(f"there is no column {name!r}", where=self.path, fix=nearest(str(name), self.names))

    def __repr__(self) -> str:
        kinds = ", ".join(f"{column.name}: {column.kind}" for column in self.columns[:8])
        more = f", and {len(self.columns) - 8} more" if len(self.columns) > 8 else ""
        return f"Table({len(self)} rows; {kinds}{more})"

    def select(self, names: Iterable[str]) -> Table:
        """Return the table of these columns, in this order."""
        return replace(self, columns=tuple(self[name] for name in names))

    def drop(self, names: Iterable[str]) -> Table:
        """Return the table without these columns, each of which must exist."""
        left_out = {self[name].name for name in names}
        return replace(self, columns=tuple(column for column in self.columns if column.name not in left_out))

    def take(self, rows: Any) -> Table:
        """Return the table of these rows (numbers from 0, or a mask); their places in the file stay known."""
        chosen = np.arange(len(self))[rows]
        origin = chosen if self.origin is None else self.origin[chosen]
        return replace(self, columns=tuple(column.take(chosen) for column in self.columns), origin=origin)

    def line_of(self, row: int) -> int | None:
        """Return the line of the CSV file on which a row (from 0) begins, or None where there is none."""
        number = row if self.origin is None else int(self.origin[row])
        return None if self.source is None else self.source.line_of(number)

    def where(self, row: int | None = None, name: str | None = None) -> str | None:
        """Return a cell's place for a message: ``heart.csv:5, column 'age'``, or ``row 4, column 'age'``."""
        place = self.path or ""
        if row is not None:
            line = self.line_of(row)
            number = row if self.origin is None else int(self.origin[row])
            place += f":{line}" if line is not None else f"{', ' if place else ''}row {number + 1}"
        if name is not None:
            place += f"{', ' if place else ''}column {name!r}"
        return place or None


def read_table(path: str | os.PathLike[str], delimiter: str | None = None) -> Table:
    """Read a table from a CSV file (.csv, .tsv, .tab, .txt) or a Parquet file (.parquet, .pq).

    CSV is UTF-8 (a byte order mark is accepted) with a header. The delimiter is comma, semicolon or tab, found from the
    first lines if it is not given. Cells may stand in double quotes, and then hold delimiters and ends of line; empty
    lines are passed over. A column is number, boolean (true and false in any case), date (as
    :func:`pellucid.data.tables.dates.parse_dates` reads them) or text, whichever holds for all its cells. Missing cells
    are empty or one of `pellucid.data.tables.columns.MISSING`, quoted or not; in columns of numbers, truth values or
    dates `MISSING_AMONG_NUMBERS` count too (and NaT among dates), while "None" among words is a word.

    Memory: CSV is read in blocks, and takes what its columns do and about 100 MB beside. A number or a date takes 8
    bytes, a truth value 1, a cell of text 8, and each different text about 60 and its letters (in a column of more than
    100,000 different ones, every cell does); a column with missing cells one more each. So a file of 1 GB, ten million
    rows of nine numbers, a date, a category and a name of twelve letters that hardly recurs, takes 1.8 GB at its peak,
    half of it for the names. Blocks grow with the number of columns, to 64 MiB, and with the longest row, which takes
    up to eight times its length.

    Raises
    ------
    DataError
        Where the file cannot be read, or is no table: with its path, and the line and column where there is one.
    """
    told, ending = os.fspath(path), Path(path).suffix.lower()
    if delimiter is not None and (len(delimiter.encode()) != 1 or delimiter in '"\r\n'):
        raise UsageError("a delimiter is one ASCII character, no quote or newline", got=repr(delimiter))
    if not told:
        raise DataError("no file is named", expected="a CSV or Parquet file")
    if "\0" in told:
        raise DataError("no name of a file has a NUL in it", where=told)
    if Path(path).is_dir():
        raise DataError("this is a directory", where=told, expected="a CSV or Parquet file")
    if ending not in CSV_ENDINGS + PARQUET_ENDINGS and Path(path).exists():
        raise DataError(
            "a table's file is known by its ending",
            where=told,
            got=repr(ending) if ending else "none",
            expected="one of " + ", ".join(CSV_ENDINGS + PARQUET_ENDINGS),
            fix="Decompress it first." if ending in (".gz", ".zip", ".bz2", ".xz", ".zst") else "Export it as CSV.",
        )
    if Path(path).exists() and not Path(path).is_file():  # a file is read more than once
        raise DataError("this is no plain file", where=told, fix="Write what comes out of the pipe or device to one.")
    try:
        if ending in PARQUET_ENDINGS:
            return Table(read_parquet(told), told)
        columns, source = read_csv(told, delimiter)
    except FileNotFoundError:
        raise DataError("there is no such file", where=told, fix=_similar_file(Path(path))) from None
    except OSError as error:
        raise DataError("the file cannot be opened", where=told, got=error.strerror or str(error)) from None
    return Table(columns, told, source)


def as_table(data: Any, names: Sequence[str] | None = None) -> Table:
    """Take over a table, a path, an array, columns by name, or a data frame of pandas, Polars or PyArrow.

    Text in arrays and frames stays text, categories and periods become text: only files have spellings of numbers, of
    dates and of missing cells. Durations become seconds, times with a zone UTC. A sparse matrix becomes dense.

    Parameters
    ----------
    data : Table, path, ndarray, list of rows, mapping of columns, data frame, or sparse matrix of SciPy
    names : sequence of str, optional
        New names for the columns.

    Raises
    ------
    DataError
        Where these are no data of a table, two columns have one name, or a sparse matrix has over 2 GiB of cells.

    Examples
    --------
    >>> as_table(np.array([[1.0, 2.0], [3.0, float("nan")]]), names=["a", "b"])
    Table(2 rows; a: number, b: number)
    """
    if isinstance(data, np.ndarray | list | tuple):
        return Table.from_arrays(data, names)
    if isinstance(data, Table):
        table = data
    elif is_sparse(data):
        table = Table(columns_of_sparse(data))
    elif isinstance(data, str | os.PathLike):
        table = read_table(data)
    elif isinstance(data, Mapping):
        table = Table.from_columns(data)
    else:
        table = Table(columns_of_frame(data))
    if names is None:
        return table
    if len(names) != len(table.columns):
        raise DataError("names and columns differ in number", got=f"{len(names)}", expected=f"{len(table.columns)}")
    return replace(
        table, columns=tuple(replace(column, name=name) for column, name in zip(table.columns, names, strict=True))
    )


def _rows(data: Any) -> np.ndarray:
    try:
        array = np.asarray(data)
        return np.asarray(data, dtype=object) if array.dtype.kind in "US" else array
    except ValueError:
        raise DataError("rows differ in length", expected="the same number of cells in every row") from None


def _similar_file(path: Path) -> str:
    try:
        tables = [
            entry.name
            for entry in path.parent.iterdir()
            if entry.suffix.lower() in CSV_ENDINGS + PARQUET_ENDINGS and entry.exists()
        ]
    except OSError:
        return f"There is no directory {str(path.parent)!r} either."
    return nearest(path.name, tables[:20]) if tables else ""
