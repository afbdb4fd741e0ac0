"""Columns of a CSV file: what their cells are is found out while the blocks of the file come in."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.data.tables.columns import MISSING, MISSING_AMONG_DATES, MISSING_AMONG_NUMBERS, Column, none_missing
from pellucid.data.tables.convert import date_column, number_column
from pellucid.data.tables.date_order import DateCells, settle_order
from pellucid.data.tables.dates import read_dates
from pellucid.data.tables.growing import GrowingArray
from pellucid.data.tables.text_cells import TextCells

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = ("number", "boolean", "date")
WHOLE = re.compile(r"[+-]?[0-9]+$")
NUMBER_BEGINS = re.compile(r"[+-]?(?:[.0-9]|inf|nan)", re.IGNORECASE)
TRUTH = re.compile(r"(?:true|false)$", re.IGNORECASE)
DATE_BEGINS = re.compile(r"[0-9]{1,4}[-/.][0-9]")


class CsvColumn:
    """One column while it is read: numbers, truth values or dates as long as all its cells are, or else text.

    Text keeps its spaces; everything else and the spellings of missing cells may have spaces around them. Nothing is
    kept of the text of numbers: a column that a later cell shows to be text is `late`, and must be read once more.

    Parameters
    ----------
    name : str
    rows : int
        About how many rows will come.
    text : bool
        Whether it is known to be text.
    """

    def __init__(self, name: str, rows: int, text: bool = False):
        self.name, self.rows, self.kind, self.late = name, rows, "text" if text else "", False
        self.text: TextCells | None = None
        self.numbers = _Numbers()
        self.values = GrowingArray(rows)  # numbers, or truth values: 1, 0, -1 where missing
        self.dates: list[DateCells] = []
        self.leading = 0  # missing cells before the first other one
        self.words = False  # whether some of those would be words in a column of text

    def add(self, cells: pa.Array) -> None:
        """Take over the cells of a block."""
        if self.late or len(cells) == 0:
            return
        if self.kind != "text" and not self._add_parsed(cells):
            self.late = bool(self.kind) or self.words
            self.kind = "text"
            self._forget()
        if self.kind == "text" and not self.late:
            self._add_text(cells)

    def _add_text(self, cells: pa.Array) -> None:
        if self.text is None:
            self.text = TextCells(self.rows)
            self.text.add_missing(self.leading)
        self.text.add(_without(cells, _trimmed(cells), MISSING))

    def _add_parsed(self, cells: pa.Array) -> bool:
        """Take over cells as what the earlier ones are; whether they are that."""
        for kind in (self.kind,) if self.kind else self._possible(cells):
            part = self._parse(kind, cells)
            if part is None:
                continue
            if not self.kind and _all_missing(kind, part):
                self.leading += len(cells)
                self.words = self.words or _without(cells, _trimmed(cells), MISSING).null_count < len(cells)
                return True
            if not self.kind and self.leading:
                self._keep(kind, _gap(kind, self.leading))
            self.kind = kind
            self._keep(kind, part)
            return True
        return False

    def _possible(self, cells: pa.Array) -> tuple[str, ...]:
        """Return what the column may be, judged by the first cell that is not missing, which costs least."""
        words = (cell.as_py().strip() for cell in cells[:64])
        word = next((word for word in words if word not in MISSING_AMONG_DATES), None)
        if word is None:
            return KINDS
        self.numbers.whole = WHOLE.match(word) is not None
        tests = {"number": NUMBER_BEGINS, "boolean": TRUTH, "date": DATE_BEGINS}
        return tuple(kind for kind, test in tests.items() if test.match(word))

    def _parse(self, kind: str, cells: pa.Array) -> Any:
        """Return a block's cells as numbers, truth values or dates; None where one of them is none."""
        if kind == "number":
            return self.numbers.read(cells)
        if kind == "boolean":
            return _truths(_known(cells, MISSING_AMONG_NUMBERS))
        return read_dates(_known(cells, MISSING_AMONG_DATES))

    def _keep(self, kind: str, part: Any) -> None:
        if kind == "date":
            self.dates.append(part)
        else:
            self.values.add(part)

    def _forget(self) -> None:
        self.values, self.dates = GrowingArray(), []

    def finish(self) -> Column | None:
        """Return the column, or None where it is late."""
        if self.text is not None:
            return self.text.finish(self.name)
        column = None if self.late else self._parsed()
        self.late = column is None
        self._forget()
        return column

    def _parsed(self) -> Column | None:
        if not self.kind:
            return number_column(self.name, _gap("number", self.leading))
        if self.kind == "date":
            dates = settle_order(self.dates)
            return None if dates is None else date_column(self.name, dates.values, dates.order)
        values = self.values.finish()
        if self.kind == "number":
            return number_column(self.name, values)
        missing = values < 0
        return Column(self.name, "boolean", values > 0, missing if missing.any() else none_missing(len(values)))


@cache
def _spelled(spellings: tuple[str, ...]) -> pa.Array:
    import pyarrow as pa

    return pa.array(spellings)


def _without(cells: pa.Array, compared: pa.Array, spellings: tuple[str, ...]) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    missing = pc.is_in(compared, value_set=_spelled(spellings))
    return pc.if_else(missing, pa.scalar(None, cells.type), cells)


def _trimmed(cells: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.utf8_trim_whitespace(cells)


class _Numbers:
    """Reads blocks of numbers, and remembers what the earlier ones needed: to fail takes Arrow much longer."""

    def __init__(self) -> None:
        self.whole = True
        self.care = 0  # with missing cells: 0 none, 1 as spelled in MISSING, 2 with spaces or other spellings

    def read(self, cells: pa.Array) -> np.ndarray | None:
        import pyarrow as pa

        for care in range(self.care, 3):
            known = cells
            if care:
                known = _without(cells, cells, MISSING) if care == 1 else _known(cells, MISSING_AMONG_NUMBERS)
            for whole in (True, False) if self.whole else (False,):
                numbers = _cast(known, pa.int64() if whole else pa.float64())
                if numbers is not None and not (whole and _has_hexadecimal(known)):
                    self.care, self.whole = care, whole and not numbers.null_count
                    return _floats(numbers) if numbers.null_count else np.array(numbers)
        return None


def _cast(cells: pa.Array, dtype: pa.DataType) -> pa.Array | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        if len(cells) > 64:
            pc.cast(cells[:8], dtype)
        return pc.cast(cells, dtype)
    except pa.ArrowInvalid:
        return None


def _has_hexadecimal(cells: pa.Array) -> bool:
    """Whether cells that Arrow takes for whole numbers are spelled like 0x1F, which it does not take for floats."""
    letters = cells.buffers()[2]
    return letters is not None and (b"x" in (spelled := letters.to_pybytes()) or b"X" in spelled)


def _floats(numbers: pa.Array) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    return np.array(pc.fill_null(pc.cast(numbers, pa.float64(), safe=False), float("nan")))


def _known(cells: pa.Array, spellings: tuple[str, ...]) -> pa.Array:
    trimmed = _trimmed(cells)
    return _without(trimmed, trimmed, spellings)


def _truths(cells: pa.Array) -> np.ndarray | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    lower = pc.utf8_lower(cells)
    places = pc.index_in(lower, value_set=_spelled(("false", "true")))
    if places.null_count > cells.null_count:
        return None
    return np.array(pc.cast(pc.fill_null(places, -1), pa.int8()))


def _all_missing(kind: str, part: Any) -> bool:
    if kind == "date":
        return False  # NaT is missing among dates alone
    return bool((np.isnan(part) if kind == "number" else part < 0).all())


def _gap(kind: str, rows: int) -> Any:
    if kind == "date":
        dates = np.full(rows, np.datetime64("NaT"), "datetime64[us]")
        return DateCells(dates, dates)
    return np.full(rows, np.nan) if kind == "number" else np.full(rows, -1, np.int8)
