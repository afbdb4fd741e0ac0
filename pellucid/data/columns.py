"""One column of a table: its values, its kind, and which of its cells are missing."""

from __future__ import annotations

import datetime
import numbers
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

MISSING = (
    *("", "?", "NA", "N/A", "n/a", "<NA>", "#N/A", "NaN", "nan", "NAN", "-nan", "-NaN"),
    *("null", "Null", "NULL"),
)
"""Spellings of a missing cell in a CSV file, spaces around them not counted."""

MISSING_AMONG_NUMBERS = (*MISSING, "None", "none", "na", "-", "--", ".")
"""Spellings of a missing cell where all other cells are numbers or truth values; elsewhere the last ones are words."""

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
        "number", "boolean" or "text".
    values : ndarray, [rows]
        Numbers as int64 (whole, none missing) or float64, truth values as bool, text as objects of type str.
        A missing cell holds NaN, False or "".
    missing : ndarray of bool, [rows]
    mixed : BadCell or None
        In a column of text of which at least 90 % are numbers: the first cell that is none.

    Examples
    --------
    >>> column = column_from_values("age", [31, None, 47])
    >>> column.kind, column.values.tolist(), column.missing.tolist()
    ('number', [31.0, nan, 47.0], [False, True, False])
    """

    name: str
    kind: str
    values: np.ndarray
    missing: np.ndarray
    mixed: BadCell | None = None

    def __post_init__(self) -> None:
        self.values.flags.writeable = False
        self.missing.flags.writeable = False

    @property
    def present(self) -> np.ndarray:
        """The values that are not missing."""
        return self.values[~self.missing] if self.missing.any() else self.values

    @cached_property
    def distinct(self) -> tuple:
        """The different values present, sorted, as Python's own int, float, bool or str."""
        if self.kind == "text":
            return tuple(sorted(set(self.present.tolist())))
        return tuple(np.unique(self.present).tolist())

    @cached_property
    def whole(self) -> bool:
        """Whether the column holds numbers, all of them whole."""
        if self.kind != "number":
            return False
        present = self.present
        return present.dtype.kind == "i" or bool((np.isfinite(present) & (present == np.floor(present))).all())

    def take(self, rows: np.ndarray) -> Column:
        """Return the column of these rows, in this order. `mixed` is not carried over."""
        return Column(self.name, self.kind, self.values[rows], self.missing[rows])


def column_from_cells(name: str, cells: pa.ChunkedArray) -> Column:
    """Read the cells of a CSV column as numbers, as truth values, or else as text.

    Text keeps its spaces; numbers, truth values and the spellings of missing cells may have spaces around them.

    Parameters
    ----------
    name : str
    cells : pyarrow.ChunkedArray of string, [rows]

    Returns
    -------
    Column
    """
    import pyarrow.compute as pc

    parsed = _parse(cells, MISSING)
    if parsed is None:
        trimmed = pc.utf8_trim_whitespace(cells)
        for spellings in (MISSING, MISSING_AMONG_NUMBERS):
            parsed = parsed if parsed is not None else _parse(trimmed, spellings)
    if parsed is not None:
        return column_from_arrow(name, parsed)
    return column_from_arrow(name, _without(cells, trimmed, MISSING))


def _without(cells: pa.ChunkedArray, compared: pa.ChunkedArray, spellings: Sequence[str]) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    missing = pc.is_in(compared, value_set=pa.array(spellings, compared.type))
    return pc.if_else(missing, pa.scalar(None, cells.type), cells)


def _parse(cells: pa.ChunkedArray, missing: Sequence[str]) -> pa.ChunkedArray | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    known = _without(cells, cells, missing)
    for dtype in (pa.int64(), pa.float64()):
        try:
            return pc.cast(known, dtype)
        except pa.ArrowInvalid:
            continue
    lower = pc.utf8_lower(known)
    if pc.all(pc.is_in(lower, value_set=pa.array(["true", "false", None], lower.type))).as_py():
        return pc.equal(lower, "true")
    return None


def column_from_arrow(name: str, cells: pa.ChunkedArray) -> Column:
    """Take over a column of Arrow: nulls and NaN are missing, dates become text, categories text, decimals numbers.

    Raises
    ------
    DataError
        Where cells are lists, structures or bytes.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, types = cells.type, pa.types
    if types.is_dictionary(kind):
        return column_from_arrow(name, pc.cast(pc.cast(cells, kind.value_type), pa.string()))
    if types.is_boolean(kind):
        return Column(name, "boolean", _to_numpy(pc.fill_null(cells, False)), _nulls(cells))
    if types.is_integer(kind) and cells.null_count == 0:
        try:
            return Column(name, "number", _to_numpy(pc.cast(cells, pa.int64())), _nulls(cells))
        except pa.ArrowInvalid:  # unsigned and too large
            return _floats(name, pc.cast(cells, pa.float64(), safe=False))
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
        return _floats(name, pc.cast(cells, pa.float64(), safe=False))
    if types.is_duration(kind):
        return column_from_arrow(name, pc.cast(cells, pa.int64()))
    if types.is_temporal(kind) or types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return _text(name, pc.cast(cells, pa.large_string()))
    raise DataError(
        "a column holds values that are no numbers, words, dates or truth values",
        where=f"column {name!r}",
        got=str(kind),
        fix="Leave it out, or turn it into columns of single values.",
    )


def _to_numpy(cells: pa.ChunkedArray) -> np.ndarray:
    return np.array(cells.to_numpy())


def _nulls(cells: pa.ChunkedArray) -> np.ndarray:
    return _to_numpy(cells.is_null()) if cells.null_count else np.zeros(len(cells), bool)


def _floats(name: str, cells: pa.ChunkedArray) -> Column:
    import pyarrow.compute as pc

    values = _to_numpy(pc.fill_null(cells, float("nan")))
    return Column(name, "number", values, np.isnan(values))


def _text(name: str, cells: pa.ChunkedArray) -> Column:
    import pyarrow.compute as pc

    # Equal cells share one Python string: a column of few words takes 8 bytes a row.
    encoded = pc.dictionary_encode(cells).unify_dictionaries()
    words = np.array([*(encoded.chunk(0).dictionary.to_pylist() if encoded.num_chunks else ()), ""], dtype=object)
    codes = [_to_numpy(pc.fill_null(chunk.indices, len(words) - 1)) for chunk in encoded.chunks]
    values = words[np.concatenate(codes)] if codes else np.empty(0, object)
    return Column(name, "text", values, _nulls(cells), _first_that_is_no_number(cells))


def _first_that_is_no_number(cells: pa.ChunkedArray) -> BadCell | None:
    import pyarrow.compute as pc

    fits = pc.match_substring_regex(pc.utf8_trim_whitespace(cells), NUMBER)
    share = pc.mean(fits).as_py()
    if share is None or share < MOSTLY or share == 1:
        return None
    row = pc.index(fits, False).as_py()
    return BadCell(row, cells[row].as_py(), share)


def column_from_values(name: str, values: Any) -> Column:
    """Take over a one-dimensional array or list: None, NaN and NaT are missing; text is never read as numbers.

    Raises
    ------
    DataError
        Where the values are not one per row, or are neither numbers nor words.
    """
    import pyarrow as pa

    array = np.asarray(values) if isinstance(values, np.ndarray) else _array_of(values)
    if array.ndim != 1:
        raise DataError(
            "a column needs one value a row",
            where=f"column {name!r}",
            got=f"an array of shape {list(array.shape)}",
            expected="one dimension",
        )
    kind = array.dtype.kind
    if kind == "b":
        return Column(name, "boolean", array.astype(bool), np.zeros(len(array), bool))
    if kind == "f":
        floats = array.astype(np.float64)
        return Column(name, "number", floats, np.isnan(floats))
    if kind in "iu" and (kind == "i" or array.size == 0 or array.max() <= np.iinfo(np.int64).max):
        return Column(name, "number", array.astype(np.int64), np.zeros(len(array), bool))
    if kind == "u":
        return Column(name, "number", array.astype(np.float64), np.zeros(len(array), bool))
    if kind == "M":
        array = np.where(np.isnat(array), np.array(None), np.datetime_as_string(array))
    elif kind not in "OUT":
        raise DataError(
            "a column holds neither numbers nor words", where=f"column {name!r}", got=f"dtype {array.dtype}"
        )
    return column_from_arrow(name, pa.chunked_array([_arrow_of_objects(name, array.tolist())]))


def _array_of(values: Any) -> np.ndarray:
    if isinstance(values, Sequence) and not isinstance(values, str):
        try:
            array = np.asarray(values)
        except ValueError:  # rows of different lengths
            return np.asarray([None, *values], dtype=object)[1:]
        # NumPy would turn [1, "a", None] into text throughout.
        return np.asarray(values, dtype=object) if array.dtype.kind in "USO" else array
    return np.asarray(values)


def _arrow_of_objects(name: str, cells: list) -> pa.Array:
    import pyarrow as pa

    cells = [None if _is_missing(cell) else cell for cell in cells]
    kinds = {_kind(cell) for cell in cells if cell is not None}
    if not kinds <= {"boolean", "number", "text"}:
        row = next(row for row, cell in enumerate(cells) if cell is not None and _kind(cell) == "other")
        raise DataError(
            "a cell is neither a number, a word, a date nor a truth value",
            where=f"row {row + 1}, column {name!r}",
            got=f"a value of type {type(cells[row]).__name__}",
        )
    if kinds == {"boolean"}:
        return pa.array([cell if cell is None else bool(cell) for cell in cells], pa.bool_())
    if kinds <= {"number"}:
        if all(cell is None or isinstance(cell, numbers.Integral) for cell in cells):
            try:
                return pa.array([cell if cell is None else int(cell) for cell in cells], pa.int64())
            except (OverflowError, pa.ArrowInvalid):  # larger than 64 bits hold
                pass
        return pa.array([cell if cell is None else _as_float(cell) for cell in cells], pa.float64())
    return pa.array([cell if cell is None else str(cell) for cell in cells], pa.large_string())


def _is_missing(cell: Any) -> bool:
    # NaN, NaT and pandas.NA: all that do not equal themselves, or whose comparison has no truth value.
    try:
        return cell is None or not bool(cell == cell)
    except (TypeError, ValueError):
        return type(cell).__name__ == "NAType"


def _as_float(cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:
        return float("inf") if cell > 0 else float("-inf")


def _kind(cell: Any) -> str:
    if isinstance(cell, (bool, np.bool_)):
        return "boolean"
    if isinstance(cell, numbers.Real) or type(cell).__name__ == "Decimal":
        return "number"
    return "text" if isinstance(cell, (str, datetime.date, datetime.time)) else "other"


def has_decimal_commas(column: Column) -> bool:
    """Tell whether a column is text only because its numbers have a comma where a point is expected.

    Examples
    --------
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
