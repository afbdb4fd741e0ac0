"""Columns from what holds them already: Arrow, NumPy and lists."""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.data.tables.columns import Column, none_missing
from pellucid.data.tables.date_order import DayOrder
from pellucid.data.tables.text_cells import TextCells
from pellucid.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 1 << 16


def column_from_arrow(name: str, cells: pa.ChunkedArray) -> Column:
    """Take over a column of Arrow: nulls and NaN are missing, times with a zone become UTC, categories and times of day
    text, decimals and durations (in seconds) numbers.

    Raises
    ------
    DataError
        Where cells are lists, structures or bytes, or a date is too far away for datetime64[us].
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, types = cells.type, pa.types
    if types.is_dictionary(kind) and _is_simple(kind.value_type):
        return column_from_arrow(name, pc.cast(pc.cast(cells, kind.value_type), pa.string()))
    if types.is_boolean(kind):
        return Column(name, "boolean", _to_numpy(pc.fill_null(cells, False)), _nulls(cells))
    if types.is_integer(kind) and cells.null_count == 0:
        try:
            return number_column(name, _to_numpy(pc.cast(cells, pa.int64())), _dtype_of(kind))
        except pa.ArrowInvalid:  # unsigned and too large
            pass
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
        return _floats(name, pc.cast(cells, pa.float64(), safe=False), _dtype_of(kind))
    if types.is_duration(kind):
        return _seconds(name, _to_numpy(cells))
    if types.is_date(kind) or types.is_timestamp(kind):
        return _dates(name, cells)
    if types.is_time(kind) or _is_text(kind):
        return _text(name, cells)
    raise DataError(
        "a column holds values that are no numbers, words, dates or truth values",
        where=f"column {name!r}",
        got=str(kind),
        fix="Decode the bytes to text."
        if types.is_binary(kind) or types.is_large_binary(kind)
        else "Leave it out, or turn it into columns of single values.",
    )


def _is_text(kind: pa.DataType) -> bool:
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def _is_simple(kind: pa.DataType) -> bool:
    from pyarrow import types

    return _is_text(kind) or types.is_primitive(kind) or types.is_decimal(kind)


def _to_numpy(cells: pa.ChunkedArray) -> np.ndarray:
    return np.array(cells.to_numpy())


def _nulls(cells: pa.ChunkedArray) -> np.ndarray:
    return _to_numpy(cells.is_null()) if cells.null_count else none_missing(len(cells))


def _dtype_of(kind: pa.DataType) -> str | None:
    from pyarrow import types

    return str(np.dtype(kind.to_pandas_dtype())) if types.is_integer(kind) or types.is_floating(kind) else None


def _floats(name: str, cells: pa.ChunkedArray, dtype: str | None) -> Column:
    import pyarrow.compute as pc

    return number_column(name, _to_numpy(pc.fill_null(cells, float("nan")) if cells.null_count else cells), dtype)


def number_column(name: str, values: np.ndarray, dtype: str | None = None) -> Column:
    """Return a column of int64 or float64 [rows], NaN where a cell is missing; `dtype` is what they were before."""
    missing = np.isnan(values) if values.dtype.kind == "f" else none_missing(len(values))
    return Column(name, "number", values, missing if missing.any() else none_missing(len(values)), dtype=dtype)


def _seconds(name: str, durations: np.ndarray) -> Column:
    values = durations / np.timedelta64(1, "s")
    return number_column(name, values.astype(np.float64))


def date_column(name: str, values: np.ndarray, order: DayOrder | None = None) -> Column:
    """Return a column of datetime64[us] [rows], NaT where a cell is missing."""
    missing = np.isnat(values)
    missing = missing if missing.any() else none_missing(len(values))
    return Column(name, "date", values, missing, day_order=order)


def _dates(name: str, cells: pa.ChunkedArray) -> Column:
    import pyarrow as pa
    import pyarrow.compute as pc

    nanoseconds = pa.types.is_timestamp(cells.type) and cells.type.unit == "ns"
    zone = cells.type.tz if pa.types.is_timestamp(cells.type) else None
    try:
        moments = pc.cast(cells, pa.timestamp("us", zone), safe=not nanoseconds)
    except pa.ArrowInvalid:
        raise _too_far(name) from None
    return date_column(name, _to_numpy(moments).astype("datetime64[us]", copy=False))


def _too_far(name: str) -> DataError:
    return DataError(
        "a date is too far away", where=f"column {name!r}", expected="one within 290,000 years, in microseconds"
    )


def _text(name: str, cells: pa.ChunkedArray) -> Column:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = TextCells(len(cells))
    for chunk in cells.chunks:
        for start in range(0, len(chunk), BLOCK):
            found.add(pc.cast(chunk[start : start + BLOCK], pa.large_string()))
    return found.finish(name)


def column_from_values(name: str, values: Any) -> Column:
    """Take over a one-dimensional array or list: None, NaN and NaT are missing; text is never read as numbers or dates.

    Raises
    ------
    DataError
        Where the values are not one per row, or are neither numbers nor words nor dates.

    Examples
    --------
    >>> column = column_from_values("when", [datetime.date(2024, 2, 29), None])
    >>> column.kind, column.values.astype(str).tolist()
    ('date', ['2024-02-29T00:00:00.000000', 'NaT'])
    """
    import pyarrow as pa

    array = unmask(values) if isinstance(values, np.ndarray) else _array_of(values)
    if array.ndim != 1:
        raise DataError(
            "a column needs one value a row",
            where=f"column {name!r}",
            got=f"an array of shape {list(array.shape)}",
            expected="one dimension",
        )
    kind = array.dtype.kind
    dtype = None if isinstance(values, Sequence) else array.dtype.name  # a list has none
    if kind == "b":
        return Column(name, "boolean", array.astype(bool), none_missing(len(array)))
    if kind == "f":
        return number_column(name, array.astype(np.float64), dtype)
    if kind in "iu" and (kind == "i" or array.size == 0 or array.max() <= np.iinfo(np.int64).max):
        return number_column(name, array.astype(np.int64), dtype)
    if kind == "u":
        return number_column(name, array.astype(np.float64), dtype)
    if kind == "M":
        return _moments(name, array)
    if kind == "m":
        return _seconds(name, array)
    if kind not in "OUT":
        raise DataError(
            "a column holds neither numbers nor words",
            where=f"column {name!r}",
            got=f"dtype {array.dtype}",
            fix="Decode the bytes to text." if kind == "S" else None,
        )
    cells = [None if _is_missing(cell) else cell for cell in array.tolist()]
    kinds = {_kind(cell) for cell in cells if cell is not None}
    if kinds == {"date"}:
        return _moments(name, np.array([_in_utc(cell) for cell in cells], "datetime64[us]"))
    return replace(column_from_arrow(name, pa.chunked_array([_arrow_of_objects(name, cells, kinds)])), dtype=None)


def unmask(values: Any) -> np.ndarray:
    """Return an array as it is, or a masked one with NaN or None where it is masked."""
    if not isinstance(values, np.ma.MaskedArray):
        return np.asarray(values)
    if values.dtype.kind == "f":
        return values.filled(np.nan)
    cells = np.array(values.data, dtype=object)
    cells[np.ma.getmaskarray(values)] = None
    return cells


def _array_of(values: Any) -> np.ndarray:
    if isinstance(values, Sequence) and not isinstance(values, str):
        try:
            array = np.asarray(values)
        except ValueError:  # rows of different lengths
            return np.asarray([None, *values], dtype=object)[1:]
        # NumPy would turn [1, "a", None] into text throughout.
        return np.asarray(values, dtype=object) if array.dtype.kind in "USO" else array
    return np.asarray(values)


def _moments(name: str, array: np.ndarray) -> Column:
    moments = array.astype("datetime64[us]")
    # NumPy lets what is too far away overflow.
    if not np.array_equal(moments.astype("datetime64[Y]"), array.astype("datetime64[Y]"), equal_nan=True):
        raise _too_far(name)
    return date_column(name, moments)


def _in_utc(cell: Any) -> Any:
    if isinstance(cell, datetime.datetime) and cell.tzinfo is not None:
        return cell.astimezone(datetime.UTC).replace(tzinfo=None)
    return cell


def _arrow_of_objects(name: str, cells: list, kinds: set[str]) -> pa.Array:
    import pyarrow as pa

    if "other" in kinds:
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
    if isinstance(cell, (datetime.date, np.datetime64)):
        return "date"
    if isinstance(cell, numbers.Real) or type(cell).__name__ == "Decimal":
        return "number"
    return "text" if isinstance(cell, (str, datetime.time)) or type(cell).__name__ == "Period" else "other"
